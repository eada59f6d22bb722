//! `report.html` as a real browser shows it: on a screen, a phone and paper, in both languages.

mod templates;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cuadre_audit::SigningKey;
use cuadre_tests::browser::{Browser, browser};
use cuadre_tests::{DATE, Place, SMALL, workspace};
use serde_json::Value;

/// Pixels of a small phone, and of a screen.
const WIDTHS: [u32; 2] = [360, 1280];

/// What a page shows at both widths, after what must hold of every page.
fn shown(browser: &Browser, page: &Path, lang: &str) -> Value {
    let measured = browser.measure(&WIDTHS.map(|width| (page, width)));
    for (found, width) in measured.iter().zip(WIDTHS) {
        let at = format!("{} at {width} pixels", page.display());
        assert_eq!(found["lang"], lang, "{at}");
        for none in ["faint", "unnamed", "anchors", "twice", "outside", "wide"] {
            assert_eq!(found[none], Value::Array(Vec::new()), "{at}: {none}");
        }
        assert_eq!(
            (&found["overflow"], &found["overflowUnfolded"]),
            (&0.into(), &0.into()),
            "{at}: it scrolls sideways"
        );
        assert_eq!((&found["left"], &found["numerals"]), (&0.into(), &true.into()), "{at}: numbers");
        in_order(found, &at);
    }
    measured[1].clone()
}

/// One heading of level 1, and no level left out on the way down.
fn in_order(found: &Value, at: &str) {
    let levels: Vec<u64> =
        found["headings"].as_array().expect("a list").iter().map(|h| h[0].as_u64().expect("a number")).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{at}");
    assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{at}: {levels:?}");
}

fn sees(found: &Value, words: &[&str]) {
    let text = found["text"].as_str().expect("a text");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in words {
        assert!(text.contains(words), "{words} is not to be seen in:\n{text}");
    }
}

/// The cells of the row that begins with these.
fn row<'a>(found: &'a Value, first: &[&str]) -> Vec<&'a str> {
    let rows = found["rows"].as_array().expect("a list").iter().flat_map(|table| table.as_array().expect("a list"));
    let mut rows = rows.map(|row| {
        row.as_array().expect("a list").iter().map(|cell| cell.as_str().expect("a text")).collect::<Vec<_>>()
    });
    rows.find(|row| row.starts_with(first)).unwrap_or_else(|| panic!("no row {first:?} in {}", found["rows"]))
}

fn page(place: &Place, filings: &str, date: &str) -> PathBuf {
    place.at(&format!("{filings}/filings/{date}.1/report.html"))
}

/// What is looked for is found where it is.
#[test]
fn faults_are_found() {
    let Some(browser) = browser() else { return };
    let place = Place::new();
    let html = "<!DOCTYPE html><html lang=\"en\"><title>t</title><main><h2 style=\"color: #777\">faint</h2>\
        <p style=\"width: 500px\">wide</p><a href=\"#nowhere\">lost</a><i id=\"a\">1</i><i id=\"a\">2</i>\
        <table><tr><th>no scope</th><td class=\"number\">1</td></tr></table><input>\
        <svg viewBox=\"0 0 100 20\"><text x=\"90\" y=\"15\">beyond</text><text y=\"15\">one</text><text y=\"16\">other</text></svg>\
        <details><p>folded</p></details></main>";
    place.write("bad.html", html);
    let found = &browser.measure(&[(&place.at("bad.html"), 360)])[0];
    let count = |name: &str| found[name].as_array().expect("a list").len();
    assert_eq!((count("faint"), found["faint"][0]["text"].as_str().expect("a text")), (1, "faint"), "{found}");
    assert_eq!((count("anchors"), count("twice"), found["left"].as_u64().expect("a number")), (1, 1, 1), "{found}");
    assert_eq!((count("unnamed"), count("outside")), (4, 2), "{found}");
    assert!(count("wide") > 0 && found["overflow"].as_i64().expect("a number") > 100, "{found}");
    assert!(!found["text"].as_str().expect("a text").contains("folded"), "{found}");
    assert!(found["unfolded"].as_str().expect("a text").contains("folded"), "{found}");
}

#[test]
fn the_demo_in_both_languages() {
    let Some(browser) = browser() else { return };
    let place = Place::new();
    assert_eq!(place.cuadre(["demo", "demo"]).code, 3);
    let english = page(&place, "demo/filings", DATE);
    let found = shown(&browser, &english, "en");
    the_demo_in_english(&found);
    commands_prove_it(&found, english.parent().expect("a folder"));

    let config = place.read("demo/cuadre.toml");
    let timed = config.replacen("expected = \"01:00\"", "expected = \"00:10\"", 1);
    let timed = timed.replacen("cut_off = \"02:00\"", "cut_off = \"00:14\"", 1);
    assert!(["00:10", "00:14"].iter().all(|time| timed.contains(time)));
    place.write("demo/cuadre.toml", format!("language = \"es-MX\"\n{timed}"));
    let run = ["run", "--config", "demo/cuadre.toml", "--date", DATE, "--filings", "es"];
    assert_eq!(place.cuadre(run).code, 3);
    let spanish = page(&place, "es", DATE);
    the_demo_in_spanish(&shown(&browser, &spanish, "es-MX"));
    on_paper(&browser, &place, &spanish);
}

fn the_demo_in_english(found: &Value) {
    sees(
        found,
        &[
            "Daily reconciliation, 20 November 2026",
            "Partial: 14 of 15 sources were received, with 28,647 movements; 6 of them tie out and 8 do not; 12 of 14 rules hold; there are 15 exceptions.",
            "21 Nov 2026, 05:40 20 min before the deadline",
            "Source not received: Microseguros",
            "Deadline 06:00",
            "Issued 05:40",
            "2 more rows are in exceptions.csv.",
        ],
    );
    assert_eq!(row(found, &["Received, net credits and debits together"])[1..], ["99,846,989.83", "2,520,461.40"]);
    assert_eq!(row(found, &["of which ties out"])[1..], ["29,278,407.80", "0.00"]);
    assert_eq!(row(found, &["of which does not tie out"])[1..], ["70,568,582.03", "2,520,461.40"]);
    assert_eq!(row(found, &["In the warehouse, net"])[1..], ["99,870,266.74", "2,530,595.61"]);
    let difference = "Difference, net warehouse less received; breaks of opposite signs offset";
    assert_eq!(row(found, &[difference])[1..], ["23,276.91", "10,134.21"]);
    let wallet = ["Monedero móvil", "MXN", "-614,915.62 3,200 movements", "-614,915.62 3,202 records"];
    let rest = ["-615,646.89 3,195 movements", "-731.27"];
    assert_eq!(row(found, &wallet)[4..6], rest);
    let insurance = ["21 Nov 2026, 03:00", "\u{2013}", "21 Nov 2026, 03:30", "not received"];
    assert_eq!(row(found, &["Microseguros"])[1..], insurance, "against the clock");
    let atm = ["\u{2013}", "21 Nov 2026, 03:39", "21 Nov 2026, 04:30", "received"];
    assert_eq!(row(found, &["Cajeros automáticos"])[1..], atm);
    let why = "A transfer between own accounts neither makes nor loses money.";
    assert_eq!(row(found, &[&format!("transfers-balance {why}")])[1..3], ["\u{2713} holds", "0"]);
    assert_eq!(found["filter"], true, "the script is let run by the page's policy");
    assert!(found["folded"].as_u64().expect("a number") > 5);
    let lineage: Vec<&str> =
        found["unfolded"].as_str().expect("a text").lines().filter(|l| l.contains("landing/branches/")).collect();
    assert!(lineage.len() >= 199, "every input is listed");
}

fn the_demo_in_spanish(found: &Value) {
    sees(
        found,
        &[
            "Conciliación diaria, 20 de noviembre de 2026",
            "Parcial: se recibieron 14 de 15 fuentes, con 28,647 movimientos; 6 cuadran y 8 no; se cumplen 12 de 14 reglas; hay",
            "20 min antes de vencer el plazo",
            "Debía llegar y no llegó",
            "Plazo 06:00",
            "Cómo verificar",
        ],
    );
    let core = ["Sistema central", "21 nov 2026, 00:10", "21 nov 2026, 00:15", "21 nov 2026, 00:14", "recibida tarde"];
    assert_eq!(row(found, &core[..1]), core);
    for word in ["Received", "Difference", "Deadline", "warehouse less"] {
        assert!(!found["unfolded"].as_str().expect("a text").contains(word), "{word} on a Spanish page");
    }
}

/// The page's own commands prove the filing it is of, and fail on another one.
fn commands_prove_it(found: &Value, folder: &Path) {
    let commands: Vec<&str> =
        found["commands"].as_array().expect("a list").iter().map(|c| c.as_str().expect("a text")).collect();
    let runs = |command: &str| {
        Command::new("sh").args(["-c", command]).current_dir(folder).output().expect("sh runs").status.success()
    };
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in &commands[..3] {
        assert!(runs(command), "{command}");
    }
    assert_eq!(commands[3], "cuadre verify ../..");
    let report = fs::read(folder.join("report.csv")).expect("a report");
    fs::write(folder.join("report.csv"), &report[1..]).expect("a file is written");
    assert!(!runs(&format!("{} 2>&1", commands[0])) && !runs(&format!("{} 2>&1", commands[1])));
    fs::write(folder.join("report.csv"), report).expect("a file is written");
}

/// All of it is on paper, what a screen folds as well.
fn on_paper(browser: &Browser, place: &Place, page: &Path) {
    let pdf = place.at("page.pdf");
    browser.print(page, &pdf);
    let Ok(text) = Command::new("pdftotext").args(["-layout".as_ref(), pdf.as_os_str(), "-".as_ref()]).output() else {
        return;
    };
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for words in ["Conciliación diaria", "landing/branches/200/20261120", "263241200000003", "sha256sum --quiet -c"] {
        assert!(text.contains(words), "{words} is not on paper");
    }
    let headed = text.matches("SHA-256").count();
    assert!(headed > 3, "the head of a table is repeated on each page: {headed}");
}

#[test]
fn real_payments() {
    let Some(browser) = browser() else { return };
    let place = Place::new();
    let config = fs::read_to_string(workspace().join("fixtures/ukspend/cuadre.toml")).expect("a configuration");
    place.write("cuadre.toml", config);
    fs::create_dir(place.at("keys")).expect("a folder is made");
    SigningKey::from_seed([7; 32]).write(&place.at("keys/ukspend"), "test").expect("a key is written");
    let data = workspace().join("fixtures/ukspend/excerpt");
    let data = data.to_str().expect("a path in UTF-8");
    for date in ["2019-03-27", "2020-06-26"] {
        let args = ["run", "--config", "cuadre.toml", "--data", data, "--filings", "filings", "--date", date];
        let done = place.cuadre(args);
        assert_eq!(done.code, 3, "{}", done.stderr);
        let found = shown(&browser, &page(&place, "filings", date), "en");
        sees(&found, &["Partial: ", "of 15 sources", "GBP"]);
        let manifest: Value =
            serde_json::from_str(&place.read(&format!("filings/filings/{date}.1/manifest.json"))).expect("JSON");
        for source in manifest["predicate"]["endToEnd"].as_array().expect("a list") {
            let shown = source["amountDifference"]["GBP"].as_str().expect("a decimal").replace('-', "");
            let whole = shown.split('.').next().unwrap_or_default().chars().rev().take(3).collect::<String>();
            let whole: String = whole.chars().rev().collect();
            assert!(found["text"].as_str().expect("a text").contains(&whole), "{shown}");
        }
    }
}

/// A night of one source with these files, after a change of its configuration; its page.
fn small(
    change: impl FnOnce(String) -> String,
    extract: &str,
    copy: Option<&str>,
    more: &[&str],
    code: i32,
) -> (Place, PathBuf) {
    let place = Place::new();
    place.write("cuadre.toml", change(SMALL.to_owned()));
    place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{extract}"));
    if let Some(copy) = copy {
        place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{copy}"));
    }
    let done = place.cuadre([&["run", "--config", "cuadre.toml", "--date", DATE][..], more].concat());
    assert_eq!(done.code, code, "{}", done.stderr);
    let page = page(&place, "filings", DATE);
    (place, page)
}

#[test]
fn nights_of_every_kind() {
    let Some(browser) = browser() else { return };
    let same = |text: String| text;
    let (_complete, page) = small(same, "1,2026-11-20,x,10.00\n", Some("a,1,2026-11-20,x,10.00\n"), &[], 0);
    let found = shown(&browser, &page, "en");
    sees(
        &found,
        &[
            "Complete: the one source was received, with 1 movement; it ties out.",
            "Everything that was due has come.",
            "No rules are configured.",
            "There are none.",
            "Nothing is open from other days.",
        ],
    );
    assert_eq!(row(&found, &["of which ties out"])[1..], ["10.00"]);

    let (_warehouse_missing, page) = small(same, "1,2026-11-20,x,10.00\n", None, &[], 3);
    let found = shown(&browser, &page, "en");
    sees(
        &found,
        &["nothing was compared with the warehouse", "The warehouse could not be read: nothing was compared with it."],
    );
    assert_eq!(row(&found, &["In the warehouse, net"])[1..], ["not compared"]);
    assert_eq!(row(&found, &["of which could not be compared"])[1..], ["10.00"]);

    let (_without, page) = small(same, "", Some(""), &["--no-movements", "domingo <b>"], 0);
    let found = shown(&browser, &page, "en");
    sees(
        &found,
        &["the day was declared to have no movements (domingo <b>), and none came", "There were no movements."],
    );

    let (_many, page) = small(sixty_sources, "1,2026-11-20,x,10.00\n", Some("a,1,2026-11-20,x,10.00\n"), &[], 3);
    let found = shown(&browser, &page, "es-MX");
    assert_eq!((&found["scripts"], found["title"] == "x"), (&1.into(), false), "texts are no markup");
    sees(&found, &["se recibió 1 de 60 fuentes", "hay 59 excepciones", "no se recibió"]);
}

/// 59 more sources, of which nothing comes, with names that are hard to show.
fn sixty_sources(config: String) -> String {
    let (head, source) = config.split_once("[[source]]").expect("a source");
    let more = (1..60).map(|n| {
        let title =
            format!("title = '''<script>document.title = \"x\"</script> & una fuente de nombre muy largo {n}'''");
        format!(
            "\n[[source]]{}",
            source.replace("id = \"a\"", &format!("id = \"s{n}\"\n{title}")).replace("landing/a/", "landing/none/")
        )
    });
    format!("language = \"es-MX\"\n{head}[[source]]{source}{}", more.collect::<String>())
}
