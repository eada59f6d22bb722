//! Filings made again: as of an instant, over a range of days, from a bucket.

use std::fs;

use cuadre_audit::Sha256Digest;
use cuadre_tests::s3::S3;
use cuadre_tests::{Done, Place, SMALL};
use serde_json::{Value, json};

/// What is filed when: a day of three filings, one of one, a day without, one of one. The hours are 12, 13 and
/// 18 of 21 November, then 12 of the 22nd and the 24th, in UTC.
const FILED: [(&str, &str, &str); 5] = [
    ("2026-11-20", "1795262400", "1,x,10.00\n"),
    ("2026-11-20", "1795266000", "1,x,11.00\n"),
    ("2026-11-20", "1795284000", "1,x,12.00\n"),
    ("2026-11-21", "1795348800", "2,x,1.00\n"),
    ("2026-11-23", "1795521600", "3,x,1.00\n"),
];

/// The series in `filings`, which may be a bucket's URL.
fn series(filings: &str, env: &[(String, String)]) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL.replacen(r#"booked_on = "date", "#, "", 2));
    for (date, epoch, rows) in FILED {
        place.write(&format!("landing/a/{date}.csv"), format!("id,account,amount\n{rows}"));
        place.write(&format!("warehouse/{date}.csv"), format!("source,id,account,amount\na,{rows}"));
        let args = ["run", "--config", "cuadre.toml", "--date", date, "--filings", filings, "--reason", "corrected"];
        let env = [env, &[("SOURCE_DATE_EPOCH".to_owned(), epoch.to_owned())]].concat();
        let done = place.cuadre_with(args, &env);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    place
}

fn regenerate(place: &Place, more: &str, env: &[(String, String)]) -> Done {
    let args = ["regenerate", "--config", "cuadre.toml", "--filings"];
    let more: Vec<&str> = more.split(' ').collect();
    let filings = if env.is_empty() { "filings" } else { "s3://test/filings" };
    place.cuadre_with(args.iter().chain(&[filings]).chain(&more), env)
}

/// The filing of 20 November that was valid at an instant.
fn as_of(place: &Place, instant: &str, env: &[(String, String)]) -> String {
    let out = tempfile::tempdir().expect("a folder");
    let more = format!("--date 2026-11-20 --as-of {instant} --json --out {}", out.path().display());
    let done = regenerate(place, &more, env);
    assert_eq!(done.code, 0, "{instant}: {}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(told["identical"], true);
    told["filing"].as_str().expect("a filing").to_owned()
}

#[test]
fn the_filing_that_was_valid_at_an_instant() {
    let place = series("filings", &[]);
    for (instant, filing) in [
        ("2026-11-21T12:00:00Z", "2026-11-20.1"),
        ("2026-11-21T12:59:59.999Z", "2026-11-20.1"),
        ("2026-11-21T13:00:00Z", "2026-11-20.2"),
        ("2026-11-21T07:00:00-06:00", "2026-11-20.2"),
        ("2026-11-21T17:59:59Z", "2026-11-20.2"),
        ("2026-11-21T18:00:00Z", "2026-11-20.3"),
        ("2030-01-01T00:00:00Z", "2026-11-20.3"),
    ] {
        assert_eq!(as_of(&place, instant, &[]), filing, "{instant}");
    }
    let early = regenerate(&place, "--date 2026-11-20 --as-of 2026-11-21T11:59:59Z --out early", &[]);
    assert_eq!(early.code, 64, "{}", early.stderr);
    let words = "2026-11-20 was not filed yet at 2026-11-21T11:59:59Z: 2026-11-20.1 was issued later";
    assert!(early.stderr.contains(words), "{}", early.stderr);
    for wrong in ["yesterday", "2026-11-21", "2026-11-21T12:00:00"] {
        let refused = regenerate(&place, &format!("--date 2026-11-20 --as-of {wrong} --out wrong"), &[]);
        assert_eq!(refused.code, 64, "{wrong}: {}", refused.stderr);
        assert!(refused.stderr.contains("give date, time and offset"), "{}", refused.stderr);
    }
    for both in ["--as-of 2026-11-21T12:00:00Z", "--through 2026-11-21"] {
        let refused = regenerate(&place, &format!("--date 2026-11-20 --filing 1 {both} --out both"), &[]);
        assert_eq!(refused.code, 64, "{}", refused.stderr);
    }
    assert!(!place.at("early").exists() && !place.at("wrong").exists() && !place.at("both").exists());
}

/// Each folder of `out` is the filing of its name, but for the signature.
fn assert_are_filings(place: &Place, out: &str, series: &str, ids: &[&str]) {
    let mut folders: Vec<String> = fs::read_dir(place.at(out))
        .expect("the output")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    assert_eq!(folders, ids);
    for id in ids {
        let mut filed = place.files(&format!("{series}/filings/{id}"));
        filed.retain(|(name, _)| !name.starts_with("manifest.json."));
        assert!(place.files(&format!("{out}/{id}")) == filed, "{id}");
    }
}

#[test]
fn a_range_of_days_with_a_hole() {
    let place = series("filings", &[]);
    let done = regenerate(&place, "--date 2026-11-20 --through 2026-11-24 --threads 2 --json --out again", &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let expected = "  \
  identical  2026-11-20.3  again/2026-11-20.3
  identical  2026-11-21.1  again/2026-11-21.1
  not filed  2026-11-22
  identical  2026-11-23.1  again/2026-11-23.1
  not filed  2026-11-24
3 filings were made again from the archive, byte for byte, in again
";
    assert_eq!(done.stderr, expected);
    let made = |date: &str, id: &str| json!({"date": date, "filing": id, "identical": true, "differing": [], "out": format!("again/{id}")});
    let expected = json!([
        made("2026-11-20", "2026-11-20.3"),
        made("2026-11-21", "2026-11-21.1"),
        {"date": "2026-11-22", "filing": null},
        made("2026-11-23", "2026-11-23.1"),
        {"date": "2026-11-24", "filing": null},
    ]);
    assert_eq!(serde_json::from_str::<Value>(&done.stdout).expect("JSON"), expected);
    assert_are_filings(&place, "again", "filings", &["2026-11-20.3", "2026-11-21.1", "2026-11-23.1"]);

    // Of each day what was valid then; with no more memory than one day needs, one after the other.
    let then = "--date 2026-11-20 --through 2026-11-23 --as-of 2026-11-22T12:00:00Z --memory 64 --out then";
    let done = regenerate(&place, then, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_are_filings(&place, "then", "filings", &["2026-11-20.3", "2026-11-21.1"]);
    let then = then.replace("2026-11-22T12:00:00Z", "2026-11-21T13:30:00Z").replace("--out then", "--out earlier");
    assert_eq!(regenerate(&place, &then, &[]).code, 0);
    assert_are_filings(&place, "earlier", "filings", &["2026-11-20.2"]);

    for (range, words) in [
        ("--date 2026-11-24 --through 2026-11-30", "no day from 2026-11-24 to 2026-11-30 was filed in filings"),
        (
            "--date 2026-11-20 --through 2026-11-30 --as-of 2026-11-20T00:00:00Z",
            "no day from 2026-11-20 to 2026-11-30 was filed until 2026-11-20T00:00:00Z in filings",
        ),
        ("--date 2026-11-24 --through 2026-11-23", "--through 2026-11-23 is before --date 2026-11-24"),
        ("--date 2026-11-20 --through 2026-11-23 --out again", "again is not empty"),
    ] {
        let out = if range.contains("--out") { "" } else { " --out none" };
        let refused = regenerate(&place, &format!("{range}{out}"), &[]);
        assert_eq!(refused.code, 64, "{}", refused.stderr);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert!(!place.at("none").exists());
}

#[test]
fn a_day_that_differs_does_not_hold_up_the_others() {
    let place = series("filings", &[]);
    // A manifest that LOG vouches for, and that the archive does not bear out.
    let path = "filings/filings/2026-11-21.1/manifest.json";
    let signed = place.read(path);
    let forged = signed.replace("\"status\":\"complete\"", "\"status\":\"partial\"");
    assert_ne!(signed, forged);
    let log = place.read("filings/LOG");
    let digest = |text: &str| Sha256Digest::of(text.as_bytes()).to_string();
    place.write(path, &forged).write("filings/LOG", log.replace(&digest(&signed), &digest(&forged)));
    // And a day whose extract is gone.
    let inputs: Value = serde_json::from_str(&place.read("filings/filings/2026-11-23.1/inputs.json")).expect("JSON");
    let sha256 = inputs["inputs"][0]["sha256"].as_str().expect("a digest");
    fs::remove_file(place.at(&format!("filings/archive/sha256/{}/{sha256}", &sha256[..2]))).expect("it goes");

    let done = regenerate(&place, "--date 2026-11-20 --through 2026-11-23 --json --out again", &[]);
    assert_eq!(done.code, 5, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let verdicts = ["identical", "differing"].map(|key| [&told[0][key], &told[1][key], &told[3][key]]);
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(verdicts[0], [&yes, &no, &no]);
    assert_eq!(verdicts[1], [&json!([]), &json!(["manifest.json"]), &Value::Null]);
    assert!(told[3]["error"].as_str().is_some_and(|words| words.contains("the archive lacks")), "{told}");
    for words in [
        "  identical  2026-11-20.3",
        "  DIFFERS    2026-11-21.1  again/2026-11-21.1: manifest.json",
        "  FAILED     2026-11-23.1  the archive lacks landing/a/2026-11-23.csv",
        "error: 2 of 3 filings were not made as they were signed: 2026-11-21.1, 2026-11-23.1; run `cuadre verify`",
    ] {
        assert!(done.stderr.contains(words), "{words}:\n{}", done.stderr);
    }
}

#[test]
fn a_series_in_a_bucket() {
    let s3 = S3::start();
    let env = s3.env();
    let place = series("s3://test/filings", &env);
    assert_eq!(as_of(&place, "2026-11-21T13:00:00Z", &env), "2026-11-20.2");
    let done = regenerate(&place, "--date 2026-11-20 --through 2026-11-23 --threads 3 --out again", &env);
    assert_eq!(done.code, 0, "{}", done.stderr);
    cuadre_tests::s3::copy(&s3.at("filings"), &place.at("copied"));
    assert_are_filings(&place, "again", "copied", &["2026-11-20.3", "2026-11-21.1", "2026-11-23.1"]);
    let early = regenerate(&place, "--date 2026-11-20 --as-of 2026-11-20T00:00:00Z --out early", &env);
    assert_eq!(early.code, 64, "{}", early.stderr);
    let never = regenerate(&place, "--date 2026-11-25 --through 2026-11-26 --out never", &env);
    assert_eq!(never.code, 64, "{}", never.stderr);
    assert!(never.stderr.contains("was filed in s3://test/filings"), "{}", never.stderr);
}
