//! The demo institution's night against the answers that its generator wrote.

use std::fs;

use cuadre_tests::{DATE, Place};
use serde_json::{Value, json};

/// Where the demo's filing lies.
const FILING: &str = "demo/filings/filings/2026-11-20.1";

fn demo(place: &Place, folder: &str) -> String {
    let done = place.cuadre(["demo", folder]);
    assert_eq!((done.code, done.stdout.as_str()), (3, ""), "{}", done.stderr);
    done.stderr
}

fn predicate(place: &Place) -> Value {
    let manifest = place.read(&format!("{FILING}/manifest.json"));
    serde_json::from_str::<Value>(&manifest).expect("the manifest is JSON")["predicate"].take()
}

/// The listed members of every object of an array, as `expected.json` has them.
fn only(list: &Value, members: &[&str]) -> Value {
    let rows = list.as_array().expect("a list").iter();
    rows.map(|row| members.iter().map(|&name| (name.to_owned(), row[name].clone())).collect::<Value>()).collect()
}

/// Making the night takes longest, so all that can be asked of it is asked of one.
#[test]
fn the_night() {
    let place = Place::new();
    let stderr = demo(&place, "demo");
    finds_what_was_planted_and_nothing_else(&place);
    lists_every_break(&place);
    reports_what_adds_up(&place);
    is_told_in_half_a_screen(&stderr);
    is_proved_when_everything_else_is_gone(&place, &stderr);
}

fn finds_what_was_planted_and_nothing_else(place: &Place) {
    let mut manifest = predicate(place);
    for source in manifest["sources"].as_array_mut().expect("a list") {
        source["control"] = source["control"]["verdict"].take();
    }
    let ids: Value = manifest["exceptions"].as_array().expect("a list").iter().map(|gap| gap["id"].clone()).collect();
    let found = json!({
        "businessDate": manifest["businessDate"],
        "status": manifest["status"],
        "sources": only(&manifest["sources"], &["id", "state", "records", "rejectedRecords", "amount", "control"]),
        "endToEnd": manifest["endToEnd"],
        "business": only(&manifest["business"], &["rule", "verdict", "violations"]),
        "exceptions": ids,
    });
    let expected: Value = serde_json::from_str(&place.read("demo/expected.json")).expect("the answers are JSON");
    for (name, expected) in expected.as_object().expect("an object") {
        let rows = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for (found, expected) in rows(&found[name]).iter().zip(rows(expected)) {
            assert_eq!(*found, expected, "{name}");
        }
    }
    assert_eq!(found, expected);
}

fn lists_every_break(place: &Place) {
    let manifest = predicate(place);
    let evidence = place.read(&format!("{FILING}/exceptions.csv"));
    let counts = ["missingInWarehouse", "missingInSource", "changed", "duplicates"];
    let kinds = ["missing_in_warehouse", "missing_in_source", "changed", "duplicate"];
    for source in manifest["endToEnd"].as_array().expect("a list") {
        for (count, kind) in counts.iter().zip(kinds) {
            let id = format!("{kind}/{}", source["source"].as_str().expect("a source"));
            let listed = evidence.lines().filter(|line| line.starts_with(&format!("{id},"))).count();
            assert_eq!(source[count], listed, "{id}");
            let gap = manifest["exceptions"].as_array().expect("a list").iter().find(|gap| gap["id"] == id);
            assert_eq!(gap.map_or(&json!(0), |gap| &gap["records"]), &source[count], "{id}");
        }
    }
}

fn reports_what_adds_up(place: &Place) {
    let manifest = predicate(place);
    let filed = |name: &str| place.read(&format!("{FILING}/{name}"));
    let (mut records, mut pesos, mut dollars) = (0, 0, 0);
    for source in manifest["sources"].as_array().expect("a list") {
        let cents = |currency| {
            let text = source["amount"][currency].as_str().unwrap_or("0.00");
            text.replace('.', "").parse::<i64>().expect("an amount of two decimals")
        };
        let count = |name: &str| source[name].as_u64().expect("a count");
        records += count("records") - count("rejectedRecords");
        pesos += cents("MXN");
        dollars += cents("USD");
    }
    let report = filed("report.csv");
    let shown = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    let trailer = format!("T|{records}|{}|{}", shown(pesos), shown(dollars));
    assert_eq!(report.lines().last(), Some(trailer.as_str()));
    assert!(report.starts_with(&format!("H|Caja Ejemplo, S.C. de A.P. de R.L. de C.V.|20261120|{records}\r\n")));
    let total: u64 = (filed("summary.csv").lines())
        .filter(|line| line.starts_with("TOTAL,"))
        .map(|line| line.split(',').nth(3).expect("a count").parse::<u64>().expect("a number"))
        .sum();
    assert_eq!(total, records);
}

fn is_told_in_half_a_screen(stderr: &str) {
    assert!(stderr.lines().count() <= 30, "{stderr}");
    assert!(stderr.lines().all(|line| line.chars().count() <= 160), "{stderr}");
    for told in ["PARTIAL", "source_missing/insurance", &format!("filing     {FILING}\n")] {
        assert!(stderr.contains(told), "{told} in {stderr}");
    }
}

/// The three commands that a person is told to try next, as they stand.
fn is_proved_when_everything_else_is_gone(place: &Place, stderr: &str) {
    for folder in ["landing", "reference", "keys"] {
        fs::remove_dir_all(place.at("demo").join(folder)).expect("a folder goes");
    }
    fs::remove_file(place.at("demo/warehouse.db")).expect("the warehouse goes");

    let next: Vec<&str> = stderr.lines().skip_while(|line| *line != "Try next:").skip(1).collect();
    let [verify, regenerate, look] = next[..] else { panic!("three commands: {stderr}") };
    for command in [verify, regenerate] {
        let done = place.cuadre(command.trim().split(' ').skip(1));
        assert_eq!(done.code, 0, "{command}: {}", done.stderr);
    }
    assert!(verify.ends_with("cuadre verify demo/filings"), "{verify}");
    assert!(regenerate.ends_with(&format!("--date {DATE} --out demo/again")), "{regenerate}");
    assert_eq!(look, format!("  head {FILING}/report.csv"));

    let filed: Vec<_> = place.files(FILING).into_iter().filter(|(name, _)| name != "manifest.json.sig").collect();
    assert!(filed == place.files("demo/again"), "the bytes are those of the filing");
}

#[test]
fn the_same_seed_gives_the_same_night() {
    let place = Place::new();
    demo(&place, "one");
    demo(&place, "two");
    for name in ["report.csv", "report.parquet", "summary.csv", "exceptions.csv", "inputs.json", "manifest.json"] {
        let [one, two] = ["one", "two"].map(|folder| {
            fs::read(place.at(&format!("{folder}/filings/filings/{DATE}.1/{name}"))).expect("a file of the filing")
        });
        match name {
            // It pins a history that begins with the key, and each demo makes its own.
            "manifest.json" => assert_ne!(one, two),
            _ => assert!(one == two, "{name}"),
        }
    }

    // Run again, it finds its filing and adds nothing.
    let filed = || (place.read("one/filings/LOG"), place.files("one/filings/archive"));
    let before = filed();
    assert!(demo(&place, "one").contains("nothing new"));
    assert!(filed() == before);
}
