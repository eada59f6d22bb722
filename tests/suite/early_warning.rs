//! Early warning: what differs from the same weekdays before is told, and changes nothing that is filed.

#![allow(clippy::unwrap_used)]

use cuadre_tests::s3::{S3, copy};
use cuadre_tests::{Done, ISSUED_AT, Place, SMALL};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

const FRIDAY: Date = Date::constant(2026, 11, 20);

/// Files a day of so many movements of 1.50 each; its report is issued at 05:40 on the day after.
fn file(place: &Place, date: Date, records: usize) -> Done {
    lay(place, date, records);
    again(place, date, &[])
}

fn lay(place: &Place, date: Date, records: usize) {
    let rows = |source: &str| -> String { (1..=records).map(|n| format!("{source}{n},{date},x,1.50\n")).collect() };
    place.write(&format!("landing/a/{date}.csv"), format!("id,date,account,amount\n{}", rows("")));
    place.write(&format!("warehouse/{date}.csv"), format!("source,id,date,account,amount\n{}", rows("a,")));
}

fn again(place: &Place, date: Date, more: &[&str]) -> Done {
    let days = i64::from(FRIDAY.until(date).expect("days").get_days());
    let at = (ISSUED_AT.parse::<i64>().expect("seconds") + days * 86_400).to_string();
    let date = date.to_string();
    let args = ["run", "--config", "cuadre.toml", "--date", &date];
    let env = [("SOURCE_DATE_EPOCH".to_owned(), at)];
    place.cuadre_with(args.iter().chain(more), &env)
}

/// A series with so many filed Fridays of about 60 movements before [`FRIDAY`], and a Thursday of 5.
fn with_past(fridays: i64) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    for week in (1..=fridays).rev() {
        let done = file(&place, FRIDAY - (7 * week).days(), 60 + week as usize % 3);
        assert_eq!((done.code, done.stderr.contains("warning")), (0, false), "{}", done.stderr);
    }
    assert_eq!(file(&place, FRIDAY - 1.day(), 5).code, 0);
    place
}

fn warnings(done: &Done) -> Vec<&str> {
    done.stderr.lines().filter(|line| line.starts_with("warning: ")).collect()
}

#[test]
fn a_third_of_the_rows_is_told_and_filed() {
    let (place, silent) = (with_past(10), Place::new());
    copy(place.path(), silent.path());
    let done = file(&place, FRIDAY, 20);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(
        warnings(&done),
        [
            "warning: a: 20 records, usually 49 to 73 on a Friday",
            "warning: a: 30.00 MXN, usually 73.20 to 109.80 on a Friday"
        ]
    );
    silent.write("cuadre.toml", format!("{SMALL}\n[early_warning]\nweeks = 0\n"));
    let unwarned = file(&silent, FRIDAY, 20);
    assert_eq!((unwarned.code, warnings(&unwarned)), (0, vec![]), "{}", unwarned.stderr);

    let folder = format!("filings/filings/{FRIDAY}.1");
    let named = |place: &Place, pointer: &str| -> String {
        let manifest: Value = serde_json::from_str(&place.read(&format!("{folder}/manifest.json"))).unwrap();
        manifest.pointer(pointer).unwrap().as_str().unwrap().to_owned()
    };
    // These name the configuration; all else is the same.
    let naming = ["inputs.json", "report.html", "report.xlsx"];
    let digests = |place: &Place| {
        let manifest: Value = serde_json::from_str(&place.read(&format!("{folder}/manifest.json"))).unwrap();
        let subjects = manifest["subject"].as_array().unwrap();
        naming.map(|name| {
            let subject = subjects.iter().find(|subject| subject["name"] == name).unwrap();
            subject["digest"]["sha256"].as_str().unwrap().to_owned()
        })
    };
    let config = "/predicate/producedBy/configSha256";
    let manifest = place.read(&format!("{folder}/manifest.json"));
    let manifest = manifest.replace(&named(&place, config), &named(&silent, config));
    let both = digests(&place).into_iter().zip(digests(&silent));
    let manifest = both.fold(manifest, |manifest, (one, other)| manifest.replace(&one, &other));
    assert_eq!(manifest, silent.read(&format!("{folder}/manifest.json")));
    let rest = |place: &Place| {
        let files = place.files(&folder).into_iter();
        files.filter(|(name, _)| !name.starts_with("manifest") && !naming.contains(&name.as_str())).collect::<Vec<_>>()
    };
    assert!(rest(&place).len() > 2 && rest(&place) == rest(&silent));
    assert_eq!(place.cuadre(["verify", "filings"]).code, 0);
}

/// The history is brought down from a bucket.
#[test]
fn a_series_in_a_bucket_has_its_history_too() {
    let (place, s3) = (with_past(4), S3::start());
    s3.load(&place.at("filings"), "filings");
    lay(&place, FRIDAY, 20);
    let date = FRIDAY.to_string();
    let args = ["run", "--config", "cuadre.toml", "--date", &date, "--filings", "s3://test/filings"];
    let done = place.cuadre_with(args, &s3.env());
    assert_eq!((done.code, warnings(&done).len()), (0, 2), "{}", done.stderr);
}

#[test]
fn a_source_that_sends_nothing_is_told_unless_the_day_is_declared_so() {
    let place = with_past(4);
    let done = file(&place, FRIDAY, 0);
    assert_eq!(warnings(&done), ["warning: a: 0 records, usually 49 to 73 on a Friday"], "{}", done.stderr);
    assert_eq!(done.code, 3, "{}", done.stderr);

    let place = with_past(4);
    place.write(&format!("landing/a/{FRIDAY}.csv"), "id,date,account,amount\n");
    place.write(&format!("warehouse/{FRIDAY}.csv"), "source,id,date,account,amount\n");
    let declared = again(&place, FRIDAY, &["--no-movements", "a holiday"]);
    assert_eq!((declared.code, warnings(&declared)), (0, vec![]), "{}", declared.stderr);
    // The holiday says nothing about the next Friday.
    let next = file(&place, FRIDAY + 7.days(), 20);
    assert_eq!(warnings(&next).len(), 2, "{}", next.stderr);
}

#[test]
fn too_little_history_or_one_that_cannot_be_read_says_nothing() {
    let place = with_past(3);
    assert_eq!(warnings(&file(&place, FRIDAY, 20)), [""; 0]);

    let place = with_past(4);
    place.write(&format!("filings/filings/{}.1/manifest.json", FRIDAY - 14.days()), "{}");
    let done = file(&place, FRIDAY, 20);
    assert_eq!((done.code, warnings(&done)), (0, vec![]), "{}", done.stderr);
}
