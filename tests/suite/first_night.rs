//! The smallest nights: what a complete and a partial one come to.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use cuadre_tests::{DATE, Place, SMALL};
use serde_json::Value;

use crate::loading::formats::parquet_of;

fn small(source: &str, warehouse: &str) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{source}"));
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{warehouse}"));
    place
}

#[test]
fn a_night_that_ties_out_is_complete() {
    let place =
        small("1,2026-11-20,x,10.00\n2,2026-11-20,y,-2.50\n", "a,2,2026-11-20,y,-2.50\na,1,2026-11-20,x,10.00\n");
    let done = place.run();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(
        place.filed("report.csv"),
        "source,id,booked_on,account,currency,amount\na,1,2026-11-20,x,MXN,10.00\na,2,2026-11-20,y,MXN,-2.50\n"
    );
    assert_eq!(place.cuadre(["verify", "filings"]).code, 0);
    let explained = place.cuadre(["verify", "filings", "--explain"]);
    assert_eq!(explained.code, 0);
    assert!(explained.stderr.contains("below 2^-60"), "{}", explained.stderr);
    let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let rerun = place.run();
    assert_eq!(rerun.code, 0, "{}", rerun.stderr);
    assert!(rerun.stderr.contains("nothing new"), "{}", rerun.stderr);
}

/// `--only end-to-end` says what the manifest of the night says, and leaves nothing behind.
#[test]
fn both_sides_are_compared_without_a_filing() {
    let only = ["run", "--config", "cuadre.toml", "--date", DATE, "--only", "end-to-end"];
    let place = small("1,2026-11-20,x,10.00\n2,2026-11-20,y,5.00\n", "a,1,2026-11-20,x,10.01\n");
    // The same bytes twice are one delivery, though nothing is archived by its digest.
    place.write("cuadre.toml", SMALL.replace("landing/a/{date}.csv", "landing/a/{date}*.csv"));
    place.write(&format!("landing/a/{DATE}-again.csv"), place.read(&format!("landing/a/{DATE}.csv")));
    let before = place.files(".");
    let done = place.cuadre(only);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(place.files(".") == before, "nothing is written");
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    let row = &told["evidence"].as_array().unwrap().iter().find(|row| row["column"] == "amount").unwrap();
    assert_eq!((&row["sourceValue"], &row["warehouseValue"]), (&"10.00".into(), &"10.01".into()));

    assert_eq!(place.run().code, 3);
    let manifest: Value = serde_json::from_str(&place.filed("manifest.json")).unwrap();
    for part in ["endToEnd", "exceptions", "businessDate"] {
        assert_eq!(told[part], manifest["predicate"][part], "{part}");
    }
    assert_eq!(told["evidence"].as_array().unwrap().len(), place.filed("exceptions.csv").lines().count() - 1);

    let place = small("1,2026-11-20,x,10.00\n", "a,1,2026-11-20,x,10.00\n");
    let done = place.cuadre(only);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let lines: Vec<&str> = done.stderr.lines().collect();
    let loaded = ["  a: 1 record of 1 file", "  the warehouse: 1 record of 1 file"];
    assert!(lines.len() == 3 && lines.starts_with(&loaded), "{}", done.stderr);
}

/// Movements of a Parquet input are not staged when both sides are only compared; those that differ are
/// taken from it again, by record, past the records that were refused.
#[test]
fn rows_that_differ_are_found_again_in_a_parquet_input() {
    const ROWS: usize = 20_000;
    let side = |of_warehouse: bool| {
        let kept = |n: &usize| !of_warehouse || n % 1_009 != 5;
        let numbers: Vec<usize> = (1..=ROWS).filter(kept).collect();
        let column = |text: &dyn Fn(usize) -> String| -> ArrayRef {
            Arc::new(numbers.iter().map(|&n| Some(text(n))).collect::<StringArray>())
        };
        let amount = |n: usize| match (n % 97, n % 2_003, of_warehouse) {
            (3, ..) => "none".to_owned(),
            (_, 7, true) => format!("{n}.01"),
            _ => format!("{n}.00"),
        };
        parquet_of(&[
            ("source", column(&|_| "a".to_owned())),
            ("id", column(&|n| n.to_string())),
            ("date", column(&|_| DATE.to_owned())),
            ("account", column(&|n| format!("account {n}"))),
            ("amount", column(&amount)),
        ])
    };
    let place = small("", "");
    let config = SMALL.replace("landing/a/{date}.csv", "landing/a/{date}.parquet");
    place.write("cuadre.toml", config.replace("warehouse/{date}.csv", "warehouse/{date}.parquet"));
    place.write(&format!("landing/a/{DATE}.parquet"), side(false));
    place.write(&format!("warehouse/{DATE}.parquet"), side(true));
    let done = place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--only", "end-to-end"]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    let records = |kind: &str| -> Vec<usize> {
        let rows = told["evidence"].as_array().unwrap().iter().filter(|row| row["kind"] == kind);
        let mut records: Vec<usize> = rows.map(|row| row["record"].as_u64().unwrap() as usize).collect();
        records.sort();
        records
    };
    let readable = |n: &usize| n % 97 != 3;
    let expected = |differs: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (1..=ROWS).filter(|&n| differs(n)).filter(readable).collect()
    };
    assert_eq!(records("missing_in_warehouse"), expected(&|n| n % 1_009 == 5));
    assert_eq!(records("changed"), expected(&|n| n % 2_003 == 7 && n % 1_009 != 5));
    assert_eq!(place.run().code, 3);
    let manifest: Value = serde_json::from_str(&place.filed("manifest.json")).unwrap();
    assert_eq!(told["endToEnd"], manifest["predicate"]["endToEnd"]);
    assert_eq!(told["exceptions"], manifest["predicate"]["exceptions"]);
}

/// A Parquet file may stand in for CSV: the ending of its name says so.
#[test]
fn a_file_named_parquet_is_read_as_parquet() {
    let place = small("", "");
    place.write("cuadre.toml", SMALL.replace("landing/a/{date}.csv", "landing/a/{date}.parquet"));
    place.write(&format!("landing/a/{DATE}.parquet"), "id,date,account,amount\n");
    let done = place.run();
    assert!(done.stderr.contains("not a readable Parquet file"), "{}", done.stderr);
}

#[test]
fn one_cent_makes_it_partial() {
    let place = small("1,2026-11-20,x,10.00\n", "a,1,2026-11-20,x,10.01\n");
    assert_eq!(place.run().code, 3);
    assert!(
        place.filed("exceptions.csv").contains("changed/a,changed,a,landing/a/2026-11-20.csv,1,amount,10.00,10.01")
    );
}

#[test]
fn yesterdays_file_sent_again_is_noticed() {
    let place = Place::new();
    let constant = SMALL.replacen(r#"booked_on = "date""#, r#"booked_on = { value = "{date}" }"#, 2);
    place.write("cuadre.toml", constant);
    for day in ["2026-11-19", DATE] {
        place.write(&format!("landing/a/{day}.csv"), "id,date,account,amount\n1,-,x,10.00\n");
        place.write(&format!("warehouse/{day}.csv"), "source,id,date,account,amount\na,1,-,x,10.00\n");
    }
    assert_eq!(place.cuadre(["run", "--config", "cuadre.toml", "--date", "2026-11-19"]).code, 0);
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("period_repeated/a"), "{}", done.stderr);
    let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
}

#[test]
fn a_late_source_makes_a_supplement_and_other_figures_a_restatement() {
    let place = Place::new();
    let second =
        SMALL.split_once("[[source]]").expect("a source").1.replace("\"a\"", "\"b\"").replace("landing/a", "landing/b");
    place.write("cuadre.toml", format!("{SMALL}\n[[source]]{second}"));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    assert_eq!(place.run().code, 3);
    place.write(&format!("landing/b/{DATE}.csv"), "id,date,account,amount\n");
    assert_eq!(place.run().code, 3);
    assert!(place.read(&format!("filings/filings/{DATE}.2/manifest.json")).contains(r#""kind":"supplement""#));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,11.00\n");
    let refused = place.run();
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    let run = ["run", "--config", "cuadre.toml", "--date", DATE, "--reason", "the source sent a wrong amount"];
    assert_eq!(place.cuadre(run).code, 3);
    assert!(place.read(&format!("filings/filings/{DATE}.3/manifest.json")).contains(r#""kind":"restatement""#));
    assert_eq!(place.cuadre(["verify", "filings"]).code, 0);
}

#[test]
fn a_policy_that_forbids_the_filing_leaves_the_evidence() {
    let place = small("1,2026-11-20,x,10.00\n", "a,1,2026-11-20,x,10.01\n");
    place.write("cuadre.toml", SMALL.replace("[end_to_end]", "[policy]\nblock_on = [\"changed\"]\n\n[end_to_end]"));
    let done = place.run();
    assert_eq!(done.code, 4, "{}", done.stderr);
    assert!(done.stderr.contains("NOT FILED"), "{}", done.stderr);
    assert!(place.read(&format!("filings.not-filed/{DATE}/exceptions.csv")).contains("10.00,10.01"));
    assert_eq!(place.files("filings/filings"), []);
}

#[test]
fn a_new_series_may_have_its_key_made_and_an_old_one_not() {
    let place = small("1,2026-11-20,x,10.00\n", "a,1,2026-11-20,x,10.00\n");
    place.write("cuadre.toml", SMALL.replace("key = \"key\"", "key = \"keys/new\"\ncreate = true"));
    let first = place.run();
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stderr.contains("Made the signing key keys/new"), "{}", first.stderr);
    std::fs::remove_dir_all(place.at("keys")).expect("the keys go away");
    let second = place.cuadre(["run", "--config", "cuadre.toml", "--date", "2026-11-21"]);
    assert_eq!(second.code, 78, "{}", second.stderr);
    assert!(second.stderr.contains("the signing key keys/new is not there"), "{}", second.stderr);
}
