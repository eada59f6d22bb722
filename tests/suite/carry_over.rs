//! Exceptions that stay open from day to day: they keep their ids, age, and are in the annex of every filing
//! until a supplement or a person closes them.

use std::fs;

use cuadre_tests::s3::{Break, S3};
use cuadre_tests::{Done, Place, SMALL};
use serde_json::{Value, json};

use crate::trust::verified;

/// Business dates, and when their filings are issued: 05:40 in Mexico City on the days after.
const DAYS: [(&str, i64); 4] = [
    ("2026-11-20", 1_795_261_200),
    ("2026-11-21", 1_795_347_600),
    ("2026-11-22", 1_795_434_000),
    ("2026-11-23", 1_795_520_400),
];
const MISSING: &str = "2026-11-20/source_missing/b";
const MISSED: &str = "2026-11-20/missing_in_source/b";

/// Two sources, of which `b` is missing on the first day only; the warehouse has it.
fn institution() -> Place {
    let place = Place::new();
    let (_, source) = SMALL.split_once("[[source]]").expect("a source");
    let source = source.replace("\"a\"", "\"b\"").replace("landing/a", "landing/b");
    place.write("cuadre.toml", format!("{SMALL}\n[[source]]{source}"));
    for (n, (date, _)) in DAYS.into_iter().enumerate() {
        let extract = |id: &str| format!("id,date,account,amount\n{id},{date},x,10.00\n");
        place.write(&format!("landing/a/{date}.csv"), extract("1"));
        if n > 0 {
            place.write(&format!("landing/b/{date}.csv"), extract("2"));
        }
        let rows = format!("a,1,{date},x,10.00\nb,2,{date},x,10.00\n");
        place.write(&format!("warehouse/{date}.csv"), format!("source,id,date,account,amount\n{rows}"));
    }
    place
}

fn b_comes(place: &Place) {
    place.write("landing/b/2026-11-20.csv", "id,date,account,amount\n2,2026-11-20,x,10.00\n");
}

fn at(seconds: i64) -> Vec<(String, String)> {
    vec![("SOURCE_DATE_EPOCH".to_owned(), seconds.to_string())]
}

/// Runs the night of a day, `later` seconds after its hour.
#[track_caller]
fn night(place: &Place, day: usize, later: i64, code: i32) -> Done {
    let (date, issued) = DAYS[day];
    let args = ["run", "--config", "cuadre.toml", "--date", date, "--json"];
    let done = place.cuadre_with(args, &at(issued + later));
    assert_eq!(done.code, code, "{}", done.stderr);
    done
}

fn exceptions(place: &Place, day: usize, more: &[&str]) -> Done {
    let args = ["exceptions"].into_iter().chain(more.iter().copied()).chain(["--config", "cuadre.toml", "--json"]);
    place.cuadre_with(args, &at(DAYS[day].1 + 3600))
}

#[track_caller]
fn listed(place: &Place, day: usize, more: &[&str]) -> Vec<Value> {
    let done = exceptions(place, day, more);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    told["open"].as_array().expect("a list").clone()
}

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|open| open["id"].as_str().expect("an id")).collect()
}

#[track_caller]
fn disposed(place: &Place, day: usize, ids: &[&str], word: &str) {
    let more = ["dispose", "--as", word, "--reason", "=por revisar", "--operator", "turno de noche"];
    let done = exceptions(place, day, &[&more[..], ids].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
}

fn predicate(place: &Place, filing: &str) -> Value {
    let manifest = place.read(&format!("filings/filings/{filing}/manifest.json"));
    serde_json::from_str::<Value>(&manifest).expect("a manifest")["predicate"].take()
}

fn carried(place: &Place, filing: &str) -> Vec<Value> {
    predicate(place, filing)["carriedOver"].as_array().expect("a list").clone()
}

/// Both verifiers pass, and each filing is made again byte for byte.
#[track_caller]
fn holds(place: &Place, filings: &[&str]) {
    verified(place, 0);
    for filing in filings {
        let (date, number) = filing.split_once('.').expect("a filing");
        let out = format!("again-{filing}");
        let args = ["regenerate", "--config", "cuadre.toml", "--date", date, "--filing", number, "--out", &out];
        let made = place.cuadre(args);
        assert_eq!(made.code, 0, "{}", made.stderr);
        fs::remove_dir_all(place.at(&out)).expect("a folder goes");
    }
}

#[test]
fn an_exception_ages_until_a_supplement_closes_it() {
    let place = institution();
    let first = night(&place, 0, 0, 3);
    assert!(first.stderr.contains("\n  expected   2 due and not come:\n"), "{}", first.stderr);
    assert!(!first.stderr.contains("mismatched"), "what the warehouse has of a missing source is no mismatch");
    assert!(!place.at("filings/filings/2026-11-20.1/open-exceptions.csv").exists());

    let second = night(&place, 1, 0, 0);
    assert!(second.stderr.contains("  open       2 of other days, the oldest for 2 days"), "{}", second.stderr);
    let told: Value = serde_json::from_str(&second.stdout).expect("JSON");
    assert_eq!(told["carriedOver"], json!([MISSING, MISSED]));
    let third = night(&place, 2, 0, 0);
    for (filing, age) in [("2026-11-21.1", 2), ("2026-11-22.1", 3)] {
        let missing = &carried(&place, filing)[0];
        let stated = json!({
            "id": MISSING, "businessDate": "2026-11-20", "ageDays": age, "class": "expected", "kind": "source_missing",
            "severity": "major", "source": "b", "records": null, "amount": null,
            "explanation": "no file arrived at landing/b/2026-11-20.csv", "filing": "2026-11-20.1", "dispositions": [],
        });
        assert_eq!(missing, &stated);
        assert_eq!(predicate(&place, filing)["status"], "complete", "{}", third.stderr);
        let annex = place.read(&format!("filings/filings/{filing}/open-exceptions.csv"));
        let line =
            format!("{MISSING},2026-11-20,{age},expected,source_missing,major,b,,,2026-11-20.1,,,,,no file arrived");
        assert!(annex.lines().nth(1).is_some_and(|row| row.starts_with(&line)), "{annex}");
        assert!(annex.contains(&format!("{MISSED},2026-11-20,{age},expected,missing_in_source,major,b,1,MXN 10.00,")));
    }

    // A day's own exceptions are in its exceptions; what is open of it is not carried over by itself.
    b_comes(&place);
    night(&place, 0, 2 * 86_400 + 3600, 0);
    assert_eq!(carried(&place, "2026-11-20.2"), Vec::<Value>::new());
    assert_eq!(listed(&place, 2, &[]), Vec::<Value>::new());
    let (before, archived) = (place.read("filings/LOG"), place.files("filings/archive"));
    for (day, (date, _)) in DAYS.into_iter().take(3).enumerate() {
        let again = night(&place, day, 3 * 86_400, 0);
        assert!(again.stderr.contains(&format!("nothing new, the day was filed before: {date}")), "{}", again.stderr);
    }
    assert!(place.read("filings/LOG") == before && place.files("filings/archive") == archived);
    night(&place, 3, 0, 0);
    assert!(!place.at("filings/filings/2026-11-23.1/open-exceptions.csv").exists());
    holds(&place, &["2026-11-20.1", "2026-11-21.1", "2026-11-22.1", "2026-11-20.2", "2026-11-23.1"]);
    // What a filing took over is an input that prune knows.
    let mut args = vec!["prune", "--config", "cuadre.toml", "--delete"];
    args.extend(["--filings", "filings"]);
    let pruned = place.cuadre_with(args, &at(DAYS[0].1 + 40 * 365 * 86_400));
    assert_eq!(pruned.code, 0, "{}", pruned.stderr);
    holds(&place, &["2026-11-22.1"]);
}

#[test]
fn dispositions_are_signed_into_the_next_filing_and_an_accepted_exception_leaves() {
    let place = institution();
    night(&place, 0, 0, 3);
    disposed(&place, 0, &[MISSING], "investigating");
    let open = listed(&place, 0, &["--kind", "source_missing"]);
    assert_eq!((&open[0]["dispositions"][0]["signed"], ids(&open)), (&json!(false), vec![MISSING]));
    let record = place.read("filings.dispositions/000001.json");

    night(&place, 1, 0, 0);
    let stated = predicate(&place, "2026-11-21.1");
    let first: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(stated["dispositions"], json!({"recorded": 1, "new": [first]}));
    assert_eq!(stated["carriedOver"][0]["dispositions"], json!([first]));
    let annex = place.read("filings/filings/2026-11-21.1/open-exceptions.csv");
    assert!(annex.contains(",investigating,'=por revisar,turno de noche,2026-11-21T12:40:00Z,"), "{annex}");
    assert_eq!(listed(&place, 1, &[])[0]["dispositions"][0]["signed"], true);

    // A decision files nothing by itself, and waits for the next filing.
    disposed(&place, 1, &[MISSING, MISSED], "accepted");
    assert!(night(&place, 1, 7200, 0).stderr.contains("nothing new"));
    assert_eq!(ids(&listed(&place, 1, &[])), [MISSING, MISSED]);
    night(&place, 2, 0, 0);
    let stated = predicate(&place, "2026-11-22.1");
    assert_eq!(
        (&stated["dispositions"]["recorded"], stated["dispositions"]["new"].as_array().map(Vec::len)),
        (&json!(3), Some(2))
    );
    assert_eq!(stated["carriedOver"][0]["dispositions"][1]["disposition"], "accepted");
    assert_eq!(listed(&place, 2, &[]), Vec::<Value>::new());

    // What is signed needs the record no more, and no number is given twice.
    fs::remove_dir_all(place.at("filings.dispositions")).expect("a folder goes");
    night(&place, 3, 0, 0);
    assert_eq!(predicate(&place, "2026-11-23.1")["dispositions"], json!({"recorded": 3, "new": []}));
    assert_eq!(carried(&place, "2026-11-23.1"), Vec::<Value>::new());
    place.write("landing/a/2026-11-20.csv", "id,date,account,amount\n1,2026-11-20,x,10.00\n3,2026-11-20,x,1.00\n");
    let args = ["run", "--config", "cuadre.toml", "--date", "2026-11-20", "--reason", "a sent more"];
    let restated = place.cuadre_with(args, &at(DAYS[3].1 + 3600));
    assert_eq!(restated.code, 3, "{}", restated.stderr);
    // Stated again, it is open again: what was accepted is what was stated then.
    assert!(ids(&listed(&place, 3, &["--class", "expected"])).contains(&MISSING));
    disposed(&place, 3, &[MISSING], "awaiting");
    assert!(place.at("filings.dispositions/000004.json").exists());
    holds(&place, &["2026-11-21.1", "2026-11-22.1", "2026-11-23.1", "2026-11-20.2"]);
}

#[test]
fn a_later_filing_of_the_day_keeps_what_was_decided() {
    let place = institution();
    place.write("landing/a/2026-11-20.csv", "id,date,account,amount\n1,2026-11-20,x,bad\n");
    night(&place, 0, 0, 3);
    disposed(&place, 0, &[MISSING], "awaiting");
    place.write("landing/a/2026-11-20.csv", "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    let args = ["run", "--config", "cuadre.toml", "--date", "2026-11-20", "--reason", "a sent it right"];
    let restated = place.cuadre_with(args, &at(DAYS[0].1 + 7200));
    assert_eq!(restated.code, 3, "{}", restated.stderr);
    let stated = predicate(&place, "2026-11-20.2");
    let gaps = stated["exceptions"].as_array().expect("a list");
    let decided: Vec<(&str, usize)> = (gaps.iter())
        .map(|gap| (gap["id"].as_str().expect("an id"), gap["dispositions"].as_array().expect("a list").len()))
        .collect();
    assert_eq!(decided, [("source_missing/b", 1), ("missing_in_source/b", 0)]);
    night(&place, 1, 0, 0);
    let over = &carried(&place, "2026-11-21.1")[0];
    assert_eq!((&over["filing"], &over["dispositions"][0]["number"]), (&json!("2026-11-20.2"), &json!(1)));
    holds(&place, &["2026-11-20.1", "2026-11-20.2", "2026-11-21.1"]);
}

#[test]
fn the_list_is_filtered() {
    let place = institution();
    place.write("landing/a/2026-11-21.csv", "id,date,account,amount\n1,2026-11-21,x,10.01\n9,2026-11-21,x,bad\n");
    night(&place, 0, 0, 3);
    night(&place, 1, 0, 3);
    let (changed, refused) = ("2026-11-21/changed/a", "2026-11-21/records_rejected/a");
    let cases: [(&[&str], &[&str]); 8] = [
        (&[], &[MISSING, MISSED, refused, changed]),
        (&["--kind", "changed"], &[changed]),
        (&["--source", "a"], &[refused, changed]),
        (&["--severity", "major"], &[MISSING, MISSED, changed]),
        (&["--older-than", "1"], &[MISSING, MISSED]),
        (&["--older-than", "2"], &[]),
        (&["--class", "mismatched"], &[refused, changed]),
        (&["--class", "expected", "--kind", "missing_in_source"], &[MISSED]),
    ];
    for (more, expected) in cases {
        assert_eq!(ids(&listed(&place, 1, more)), expected, "{more:?}");
    }
}

/// A night goes on where a record cannot be read, and states it once it can be.
#[test]
fn a_disposition_that_cannot_be_read_waits() {
    let place = institution();
    night(&place, 0, 0, 3);
    disposed(&place, 0, &[MISSING, MISSED], "awaiting");
    let record = place.read("filings.dispositions/000001.json");
    place.write("filings.dispositions/000001.json", "{}");
    let second = night(&place, 1, 0, 0);
    assert!(second.stderr.contains("000001.json cannot be read"), "{}", second.stderr);
    assert_eq!(predicate(&place, "2026-11-21.1")["dispositions"], json!({"recorded": 0, "new": []}));
    assert_eq!(exceptions(&place, 1, &[]).code, 78);
    place.write("filings.dispositions/000001.json", record);
    night(&place, 2, 0, 0);
    assert_eq!(predicate(&place, "2026-11-22.1")["dispositions"]["recorded"], 2);
}

/// The same series in a bucket, with a night that breaks off once its filing is claimed.
#[test]
fn in_a_bucket_the_bytes_are_the_same() {
    let (s3, place) = (S3::start(), institution());
    let elsewhere = institution();
    let bucket = |place: &Place, args: &[&str], day: usize| {
        let filings = ["--config", "cuadre.toml", "--filings", "s3://test/filings"];
        place.cuadre_with(args.iter().chain(&filings), &[s3.env(), at(DAYS[day].1)].concat())
    };
    let dispose = ["exceptions", "dispose", MISSING, "--as", "awaiting", "--reason", "later", "--operator", "ana"];
    for (day, (date, _)) in DAYS.into_iter().enumerate() {
        night(&elsewhere, day, 0, if day == 0 { 3 } else { 0 });
        if day == 2 {
            // The claim is written, and what should follow it is not.
            let claims = || fs::read_dir(s3.at("filings/claims")).expect("claims").count();
            let claimed = claims();
            for write in 0.. {
                s3.break_at(Some((write, Break::Before)));
                assert_ne!(bucket(&place, &["run", "--date", date], day).code, 0, "{:?}", s3.writes());
                if claims() > claimed {
                    break;
                }
            }
            s3.break_at(None);
            let completed = bucket(&place, &["run", "--date", date], day);
            assert!(completed.stderr.contains("Completed filing 2026-11-22.1"), "{}", completed.stderr);
        } else {
            let done = bucket(&place, &["run", "--date", date], day);
            assert_eq!(done.code, if day == 0 { 3 } else { 0 }, "{}", done.stderr);
        }
        if day < 2 {
            let args = dispose.iter().chain(&["--config", "cuadre.toml"]);
            let local = elsewhere.cuadre_with(args, &at(DAYS[day].1));
            let there = bucket(&place, &dispose, day);
            assert_eq!((local.code, there.code), (0, 0), "{}", there.stderr);
        }
    }
    assert_eq!(fs::read(s3.at("filings/LOG")).expect("LOG"), fs::read(elsewhere.at("filings/LOG")).expect("LOG"));
    let name = "filings.dispositions/000002.json";
    assert_eq!(fs::read(s3.at(name)).expect("a record"), fs::read(elsewhere.at(name)).expect("a record"));
    let open = bucket(&place, &["exceptions", "--json"], 3);
    let local = exceptions(&elsewhere, 3, &[]);
    let told = |done: &Done| serde_json::from_str::<Value>(&done.stdout).expect("JSON")["open"].clone();
    assert_eq!(told(&open)[0]["dispositions"], told(&local)[0]["dispositions"]);
    let verified = place.cuadre_with(["verify", "s3://test/filings"], &s3.env());
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let out = ["regenerate", "--date", "2026-11-22", "--out", "again"];
    assert_eq!(bucket(&place, &out, 3).code, 0);
}
