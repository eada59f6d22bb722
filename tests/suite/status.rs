//! `cuadre status`: what is told of a night that waits, was interrupted, is over, or has not begun.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use cuadre_engine::work::{Awaited, Awaiting, NIGHT, NightOutcome, NightState, Seen, Work};
use cuadre_tests::{DATE, ISSUED_AT, Place, SMALL, cuadre};
use jiff::Timestamp;
use serde_json::Value;

const STATUS: [&str; 3] = ["status", "--config", "cuadre.toml"];

/// An instant of the morning of the report, by the clock of Mexico City.
fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}-06:00").parse().expect("a value")
}

/// A source that was expected at 03:00 and is waited for until 05:45.
fn awaited(source: &str, state: Awaiting, files: &[u64]) -> Awaited {
    let seen = |(n, &bytes)| Seen { name: format!("{source}-{n}.csv"), bytes, changed_at: None, since: at("03:00:00") };
    Awaited {
        source: source.to_owned(),
        expected: Some(at("03:00:00")),
        cut_off: at("05:45:00"),
        state,
        files: files.iter().enumerate().map(seen).collect(),
        received_at: (state == Awaiting::Received).then(|| at("03:12:59")),
        records: (state == Awaiting::Received).then_some(1203),
    }
}

fn waiting() -> NightState {
    NightState {
        institution: "Caja de Prueba".to_owned(),
        series: "daily-movements".to_owned(),
        business_date: DATE.parse().expect("a value"),
        pid: 4711,
        started_at: "2026-11-20T23:30:00-06:00".parse().expect("a value"),
        updated_at: at("05:39:00"),
        deadline: at("06:00:00"),
        last_safe_start: at("05:30:00"),
        stage: "wait".to_owned(),
        awaited: vec![
            awaited("core", Awaiting::Received, &[1000, 24]),
            awaited("spei", Awaiting::Arriving, &[1]),
            Awaited { expected: Some(at("05:41:00")), ..awaited("cards", Awaiting::Awaited, &[]) },
            awaited("atm", Awaiting::Missed, &[]),
            Awaited { expected: None, ..awaited("", Awaiting::Awaited, &[]) },
        ],
        warnings: vec!["core: 1203 records, usually 5400 to 5900 on a Friday".to_owned()],
        outcome: None,
    }
}

fn filed() -> NightState {
    let words = (1..=22).map(|n| format!("changed/{n}: 1 movement")).collect();
    let status = Some("partial".to_owned());
    let outcome = Some(NightOutcome { exit_code: 3, filing: Some(format!("{DATE}.1")), status, words });
    let awaited = vec![awaited("core", Awaiting::Received, &[1000, 24])];
    NightState { stage: "ended".to_owned(), awaited, warnings: Vec::new(), outcome, ..waiting() }
}

/// An institution with a night in the folder beside its series.
fn with(night: &NightState) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    keep(&place, night);
    place
}

fn keep(place: &Place, night: &NightState) {
    let work = Work::at(place.at("filings.night"));
    Work::write(&work.night(night.business_date).join(NIGHT), night).expect("a state is kept");
}

/// Holds a night as the run of it does.
fn hold(place: &Place) -> File {
    let lock = File::create(place.at(&format!("filings.night/{DATE}/LOCK"))).expect("a lock");
    lock.lock().expect("a lock");
    lock
}

fn told(place: &Place, more: &[&str]) -> String {
    let now = at("05:39:30").as_second().to_string();
    let done = place.cuadre_with(STATUS.iter().chain(more), &[("SOURCE_DATE_EPOCH".to_owned(), now)]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    done.stdout
}

#[test]
fn a_night_that_waits() {
    let place = with(&waiting());
    let _lock = hold(&place);
    assert_eq!(
        told(&place, &[]),
        "\
Caja de Prueba, daily-movements: night of 2026-11-20, waiting; begun at 2026-11-20 23:30
  deadline    06:00 America/Mexico_City, 20 min left
  last start  05:30, 9 min past
  core           received at 03:12  2 files, 1024 bytes, 1203 records
  spei           arriving           1 file, 1 byte, expected 03:00 (OVERDUE), cut-off 05:45
  cards          awaited            expected 05:41, cut-off 05:45
  atm            MISSED             expected 03:00, cut-off 05:45
  the warehouse  awaited            cut-off 05:45
  warning: core: 1203 records, usually 5400 to 5900 on a Friday
"
    );
}

#[test]
fn the_times_are_those_of_the_institution() {
    let place = with(&waiting());
    let _lock = hold(&place);
    place.write("cuadre.toml", format!("time_zone = \"Europe/Madrid\"\n{SMALL}"));
    let told = told(&place, &[]);
    for line in [
        "begun at 2026-11-21 06:30\n".replace("2026-11-21 ", ""),
        "  deadline    13:00 Europe/Madrid, 20 min left\n".to_owned(),
        "  core           received at 10:12  ".to_owned(),
    ] {
        assert!(told.contains(&line), "{line}: {told}");
    }
}

/// A run that is gone without an outcome has let go of its lock, whatever process has its number now.
#[test]
fn a_night_that_was_interrupted() {
    let interrupted = NightState { stage: "reconcile".to_owned(), pid: std::process::id(), ..waiting() };
    let place = with(&interrupted);
    let head = "Caja de Prueba, daily-movements: night of 2026-11-20, \
                INTERRUPTED while reconciling, after 05:39: run it again\n";
    assert!(told(&place, &[]).starts_with(head), "{}", told(&place, &[]));
    drop(hold(&place));
    assert!(told(&place, &[]).starts_with(head), "{}", told(&place, &[]));
    let lock = hold(&place);
    assert!(!told(&place, &[]).contains("INTERRUPTED"));
    drop(lock);
    let told: Value = serde_json::from_str(&told(&place, &["--json"])).unwrap();
    assert_eq!(told["interrupted"], true);
}

#[test]
fn a_night_that_is_over() {
    let place = with(&filed());
    let told_of = told(&place, &[]);
    let head = "\
Caja de Prueba, daily-movements: night of 2026-11-20, filed 2026-11-20.1 PARTIAL
  deadline    06:00 America/Mexico_City
  last start  05:30
  core  received at 03:12  2 files, 1024 bytes, 1203 records
  - changed/1: 1 movement
";
    assert!(told_of.starts_with(head), "{told_of}");
    assert!(told_of.ends_with("  - changed/20: 1 movement\n  and 2 more\n"), "{told_of}");
    for (exit_code, words) in
        [(4, "NOT FILED, the policy forbids it"), (75, "NOT FILED, the run ended with exit code 75")]
    {
        let outcome = Some(NightOutcome { exit_code, filing: None, status: None, words: vec!["why".to_owned()] });
        keep(&place, &NightState { outcome, ..filed() });
        let told = told(&place, &[]);
        assert!(told.lines().next().unwrap().ends_with(words) && told.ends_with("  - why\n"), "{told}");
    }
}

/// Whatever is known, the same facts are there.
#[test]
fn for_a_machine() {
    let place = with(&waiting());
    let _lock = hold(&place);
    let waits: Value = serde_json::from_str(&told(&place, &["--json"])).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let facts = "awaited businessDate deadline institution interrupted lastSafeStart outcome pid secondsLeft series stage \
                 startedAt updatedAt warnings";
    assert_eq!(keys(&waits), facts);
    assert_eq!(keys(&waits["awaited"][0]), "cutOff expected files receivedAt records source state");
    let seconds = waits["secondsLeft"].as_i64().unwrap();
    assert!((1201..=1230).contains(&seconds), "{seconds}");
    assert_eq!((&waits["interrupted"], &waits["outcome"], &waits["pid"]), (&false.into(), &Value::Null, &4711.into()));

    let not_begun: Value = serde_json::from_str(&told(&place, &["--json", "--date", "2026-11-19"])).unwrap();
    assert_eq!(keys(&not_begun), facts);
    assert_eq!(
        (&not_begun["stage"], &not_begun["pid"], &not_begun["awaited"]),
        (&Value::Null, &Value::Null, &Value::Array(vec![]))
    );
    assert!(not_begun["secondsLeft"].as_i64().unwrap() < -80_000);

    keep(&place, &filed());
    let over: Value = serde_json::from_str(&told(&place, &["--json"])).unwrap();
    assert_eq!(keys(&over["outcome"]), "exitCode filing status words");
}

/// Without a night, what is filed; and the night that is asked about is the last one that matters.
#[test]
fn a_night_that_has_not_begun() {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    assert_eq!(
        told(&place, &[]),
        "\
Caja de Prueba, daily-movements: night of 2026-11-20, not begun, and nothing is filed
  deadline    06:00 America/Mexico_City, 20 min left
  last start  05:30, 9 min past
"
    );
    let before = "2026-11-13".parse().unwrap();
    keep(&place, &NightState { business_date: before, ..filed() });
    let told_of = told(&place, &[]);
    assert!(
        told_of.ends_with("  warning: the newest night there is that of 2026-11-13: --date 2026-11-13\n"),
        "{told_of}"
    );
    keep(&place, &NightState { business_date: "2026-11-21".parse().unwrap(), ..waiting() });
    assert!(told(&place, &[]).contains("night of 2026-11-21"));

    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.01\n");
    assert_eq!(place.run().code, 3);
    let told_of = told(&place, &["--date", DATE, "--work", "elsewhere"]);
    assert!(told_of.starts_with("Caja de Prueba, daily-movements: night of 2026-11-20, filed 2026-11-20.1 PARTIAL\n"));
    assert!(told_of.contains("\n  - changed/a: "), "{told_of}");
    assert!(!place.at("elsewhere").exists(), "looking leaves nothing behind");
}

#[test]
fn the_work_folder_is_configured_or_given() {
    let place = with(&waiting());
    let _lock = hold(&place);
    std::fs::rename(place.at("filings.night"), place.at("night")).unwrap();
    assert!(told(&place, &[]).contains("not begun"));
    assert!(told(&place, &["--work", "night"]).contains("waiting"));
    place.write("cuadre.toml", format!("work = \"night\"\n{SMALL}"));
    assert!(told(&place, &[]).contains("waiting"));
    assert!(told(&place, &["--filings", "s3://test/filings"]).contains("waiting"), "the bucket is not asked");
    place.write("cuadre.toml", SMALL);
    let done = place.cuadre(STATUS.iter().chain(&["--filings", "s3://test/filings"]));
    assert_eq!(done.code, 78);
    assert_eq!(
        done.stderr,
        "error: s3://test/filings: no folder lies beside a series in a bucket, and none is named for what its nights keep; \
         set `work` in the configuration, or give --work\n"
    );
}

/// Where nobody looks at a terminal, what changes is told as it does, until the night is over.
#[test]
fn a_night_that_is_watched() {
    let place = with(&waiting());
    let _lock = hold(&place);
    let mut watching = Command::new(cuadre())
        .args(STATUS.iter().chain(&["--watch"]))
        .current_dir(place.path())
        .env_clear()
        .env("SOURCE_DATE_EPOCH", ISSUED_AT)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first: Vec<String> = lines.by_ref().take(9).collect();
    assert!(first[8].starts_with("  warning: core"), "{first:?}");
    let mut over = waiting();
    over.awaited[2] = awaited("cards", Awaiting::Received, &[7]);
    over.outcome = filed().outcome.map(|outcome| NightOutcome { words: Vec::new(), ..outcome });
    keep(&place, &over);
    let rest: Vec<String> = lines.map(|line| line[line.find(' ').unwrap()..].to_owned()).collect();
    assert!(watching.wait().unwrap().success());
    assert_eq!(
        rest,
        [
            " Caja de Prueba, daily-movements: night of 2026-11-20, filed 2026-11-20.1 PARTIAL",
            " cards          received at 03:12  1 file, 7 bytes, 1203 records"
        ]
    );
}
