//! A filing in Spanish against the same night in English: the same statement of everything, in other words, and no
//! English left in them. The words of nights that find much are checked in, to be read: `spanish/*.txt`.
//! `CUADRE_BLESS=1 cargo test -- spanish::` rewrites them.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use cuadre_reports::Format;
use cuadre_rules::config::Language;
use cuadre_tests::{CHANGED_AT, DATE, Place, SMALL, workspace};
use serde_json::Value;

/// Where a night's Spanish twin is filed.
const TWIN: &str = "in-spanish";

/// English words that Spanish has no use for.
const ENGLISH: [&str; 14] =
    ["the", "is", "of", "was", "not", "has", "are", "it", "its", "were", "and", "with", "file", "records"];

/// Statements of a filing: what it is about, and the words.
type Words = Vec<(String, String)>;

/// Files the night of `config`, which is filed as `filing` in English, once more in Spanish, and holds one against the
/// other; every statement in both languages, each once, in order.
pub fn twin(place: &Place, config: &str, filing: &str) -> Vec<(String, String)> {
    let in_english = place.read(config);
    let in_spanish = format!("{TWIN}.toml");
    let in_spanish = config.rsplit_once('/').map_or(in_spanish.clone(), |(folder, _)| format!("{folder}/{in_spanish}"));
    place.write(&in_spanish, format!("language = \"es-MX\"\n{in_english}"));
    let done = place.cuadre(["run", "--config", &in_spanish, "--date", DATE, "--filings", TWIN]);
    assert!([0, 3].contains(&done.code), "{}", done.stderr);

    let spanish = format!("{TWIN}/filings/{DATE}.1");
    let ((english, same), (words, as_english)) = (stated(place, filing), stated(place, &spanish));
    assert_eq!(same, as_english, "all that is no words is the same");
    let theirs = quoted_from(&in_english);
    let mut told: Vec<(String, String)> = Vec::new();
    for ((about, english), (_, spanish)) in english.into_iter().zip(words) {
        assert_ne!(english, spanish, "{about}");
        let ours = without_quotes(&spanish, &theirs).to_lowercase();
        let found = ours.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| ENGLISH.contains(word));
        assert_eq!(found, None, "{about}: {spanish}");
        let pair = (english, spanish);
        if !told.contains(&pair) {
            told.push(pair);
        }
    }

    let again = format!("{TWIN}-again");
    let made =
        place.cuadre(["regenerate", "--config", &in_spanish, "--filings", TWIN, "--date", DATE, "--out", &again]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    told
}

/// What a filing states in words, and all else that its manifest and its evidence say.
fn stated(place: &Place, filing: &str) -> (Words, Vec<String>) {
    let manifest: Value =
        serde_json::from_str(&place.read(&format!("{filing}/manifest.json"))).expect("the manifest is JSON");
    let day = &manifest["predicate"];
    let (mut words, mut others) = (Words::new(), vec![day["status"].to_string(), day["sources"].to_string()]);
    for (list, about) in [("exceptions", "id"), ("business", "rule")] {
        for statement in day[list].as_array().expect("a list") {
            let mut statement = statement.clone();
            let explanation = statement["explanation"].take();
            words.push((statement[about].to_string(), explanation.as_str().expect("a text").to_owned()));
            others.push(statement.to_string());
        }
    }
    let evidence = fs::read(place.at(&format!("{filing}/exceptions.csv"))).expect("the evidence");
    let mut evidence = csv::Reader::from_reader(evidence.as_slice());
    for row in evidence.records() {
        let mut row: Vec<String> = row.expect("a row").iter().map(str::to_owned).collect();
        let reason = row.pop().expect("the last column");
        words.push((row.join(","), reason));
        others.push(row.join(","));
    }
    (words, others)
}

/// What people have written into the configuration to be quoted: every text of several words.
fn quoted_from(config: &str) -> Vec<String> {
    let lines = config.lines().filter(|line| !line.starts_with('#'));
    let texts = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    texts.filter(|text| text.contains(' ')).map(str::to_owned).collect()
}

/// A statement without what it quotes: names and values in backticks, the words of others, and those of the
/// configuration.
fn without_quotes(text: &str, theirs: &[String]) -> String {
    let mut ours = theirs.iter().fold(text.to_owned(), |ours, quoted| ours.replace(quoted, ""));
    for (open, close) in [('`', '`'), ('«', '»')] {
        while let Some((before, quoted)) = ours.split_once(open) {
            let after = quoted.split_once(close).map_or("", |(_, after)| after);
            ours = format!("{before}{after}");
        }
    }
    ours
}

/// Compares statements with those that are checked in.
fn golden(name: &str, told: &[(String, String)]) {
    let page: String = told.iter().map(|(english, spanish)| format!("{english}\n{spanish}\n\n")).collect();
    let path = workspace().join("tests/suite/spanish").join(name);
    if std::env::var_os("CUADRE_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(&path, &page).expect("it is written");
    }
    assert_eq!(page, fs::read_to_string(&path).unwrap_or_default(), "{name}: read it, then CUADRE_BLESS=1");
}

#[test]
fn the_night_of_the_demo() {
    let place = Place::new();
    assert_eq!(place.cuadre(["demo", "demo"]).code, 3);
    golden("demo.txt", &twin(&place, "demo/cuadre.toml", &format!("demo/filings/filings/{DATE}.1")));
}

/// A source for each gap that files can have, and a warehouse that differs from them.
#[test]
fn a_night_with_every_gap() {
    let place = Place::new();
    let json = "[source.control]\nfrom = 'json'\nfile = 'landing/CONTROL.json'\nrecords = 'n'";
    let hashed = "amount = 'sum'\nhash_total = 'hash'\nhash_field = 'id'\nbusiness_date = 'day'";
    let trailed = "csv.trailer = { marker = 'T', records = 2 }\n[source.control]\nfrom = 'trailer'";
    let sources = [
        ("missing", "", String::new()),
        ("empty", "", String::new()),
        ("late", "cut_off = '00:30'", String::new()),
        ("few", "expected_files = 3", String::new()),
        ("drift", "", "expected_header = ['id', 'date', 'account', 'amount', 'gone']".to_owned()),
        ("renamed", "", String::new()),
        ("nothing", "", String::new()),
        ("twice", "", String::new()),
        ("copies", "", String::new()),
        ("uncontrolled", "", json.replace("CONTROL", "nowhere")),
        ("damaged", "", json.replace("CONTROL", "damaged")),
        ("unstated", "", json.replace("CONTROL", "unstated")),
        ("mismatched", "", format!("{}\n{hashed}", json.replace("CONTROL", "mismatched"))),
        ("untrailed", "", trailed.to_owned()),
    ];
    let (head, _) = SMALL.split_once("[[source]]").expect("a source");
    let columns = "columns = { id = 'id', booked_on = 'date', account = 'account', amount = 'amount' }";
    let extract = |id: &str| format!("[source.extract]\nfiles = 'landing/{id}/*'\nformat = 'csv'\n{columns}");
    let source =
        |(id, own, more): &(&str, &str, String)| format!("[[source]]\nid = '{id}'\n{own}\n{}\n{more}\n", extract(id));
    let rule = "[[dataset]]\nid = 'absent'\nfile = 'nowhere.csv'\n\
                [[rule]]\nid = 'unjudged'\ncheck.reference = { field = 'account', dataset = 'absent', column = 'x' }\n";
    place.write("cuadre.toml", format!("{head}{}{rule}", sources.iter().map(source).collect::<String>()));

    let rows = |amounts: &[&str]| {
        let rows = amounts.iter().zip(1..).map(|(amount, id)| format!("{id},{DATE},A1,{amount}\n"));
        format!("id,date,account,amount\n{}", rows.collect::<String>())
    };
    for (id, ..) in &sources[2..] {
        place.write(&format!("landing/{id}/1.csv"), rows(&["5.00"]));
    }
    let late = fs::File::options().append(true).open(place.at("landing/late/1.csv")).expect("a file is opened");
    let changed = UNIX_EPOCH + Duration::from_secs(CHANGED_AT + 2 * 3_600);
    late.set_modified(changed).expect("a file is dated");
    place.write("landing/empty/1.csv", rows(&[]));
    place.write("landing/drift/1.csv", "id,date,amount,new\n1,2026-11-20,5.00,x\n");
    place.write("landing/renamed/1.csv", "id,date,account,importe\n");
    place.write("landing/nothing/1.csv", "");
    place.write("landing/twice/2.csv", rows(&["5.00"]));
    place.write("landing/copies/2.csv", format!("{}1,{DATE},A1,5.00\n", rows(&["5.00", "7.00", "1,5"])));
    place.write("landing/damaged.json", "{\"n\": 1");
    place.write("landing/unstated.json", "{}");
    place.write("landing/mismatched.json", r#"{"n": 2, "sum": "5.01", "hash": 7, "day": "2026-11-19"}"#);
    let copy = |id: &str, amount: &str| format!("{id},1,{DATE},A1,{amount}\n");
    let copies = [copy("missing", "1.00"), copy("late", "5.01"), copy("empty", "1.00"), copy("nobody", "1.00")];
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{}", copies.concat()));
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    golden("gaps.txt", &twin(&place, "cuadre.toml", &format!("filings/filings/{DATE}.1")));

    let place = Place::new();
    place.write("cuadre.toml", SMALL).write(&format!("landing/a/{DATE}.csv"), rows(&["5.00"]));
    assert_eq!(place.run().code, 3);
    golden("no-warehouse.txt", &twin(&place, "cuadre.toml", &format!("filings/filings/{DATE}.1")));
}

/// Without a filing there are its reasons.
#[test]
fn what_the_policy_forbids() {
    let place = Place::new();
    let blocked = |language: &str| {
        let policy =
            "[policy]\nrequired_sources = ['a']\nblock_on = ['warehouse_missing']\nminimum_coverage_percent = 50\n";
        place.write("cuadre.toml", format!("language = '{language}'\n{SMALL}\n{policy}"));
        let done = place.run();
        assert_eq!(done.code, 4, "{}", done.stderr);
        let reasons: Vec<String> =
            done.stderr.lines().filter_map(|line| line.strip_prefix("  - ")).map(str::to_owned).collect();
        reasons
    };
    let told: Vec<(String, String)> = blocked("en").into_iter().zip(blocked("es-MX")).collect();
    golden("policy.txt", &told);
}

#[test]
fn older_formats_are_in_english() {
    let spoken = |number: u32| {
        let format: Format = serde_json::from_value(number.into()).expect("a format");
        format.language(Language::Spanish)
    };
    assert_eq!([1, 2, 3].map(spoken), [Language::English; 3]);
    assert_eq!(spoken(4), Language::Spanish);
}
