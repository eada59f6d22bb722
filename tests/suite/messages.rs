//! Every message that people get, in each language, for a person to read: `messages/*.txt`.
//! `CUADRE_BLESS=1 cargo test -- messages::` rewrites them.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use cuadre_engine::changes::Changes;
use cuadre_engine::inputs::{Inputs, Stored};
use cuadre_engine::night::{Filing, NotFiled, Superseding};
use cuadre_engine::notices::notice::Notice;
use cuadre_engine::notices::words::Scene;
use cuadre_engine::telling::{Event, What};
use cuadre_engine::time_stamp::Stamping;
use cuadre_reports::Status;
use cuadre_rules::Config;
use cuadre_rules::config::{EventType, Language};
use cuadre_rules::control::{ControlTotals, ControlVerdict};
use cuadre_rules::day::{Day, SourceDay, SourceState};
use cuadre_rules::exception::{Class, Exception, Kind};
use cuadre_rules::money::Totals;
use cuadre_rules::said;
use cuadre_rules::said::Said;
use cuadre_tests::{DATE, SMALL, workspace};
use jiff::Timestamp;

/// A day of so many movements, each of 1000.01 MXN, with these gaps.
fn day(movements: u64, gaps: &[(Kind, &str)]) -> Day {
    let mut amount = Totals::with(2, "MXN".parse().unwrap());
    amount.add("MXN".parse().unwrap(), i128::from(movements) * 100_001).unwrap();
    let source = SourceDay {
        id: "a".to_owned(),
        state: SourceState::Received,
        records: movements,
        rejected_records: 0,
        amount,
        files: Vec::new(),
        verdict: ControlVerdict::Absent,
        expected: ControlTotals::default(),
        actual: ControlTotals::default(),
    };
    let exception = |(kind, about): &(Kind, &str)| Exception {
        id: Exception::id(*kind, Some(about)),
        kind: *kind,
        class: Class::Mismatched,
        severity: kind.severity(),
        source: Some((*about).to_owned()),
        records: None,
        amount: None,
        explanation: String::new(),
        evidence_rows: 0,
    };
    Day {
        business_date: DATE.parse().unwrap(),
        scale: 2,
        sources: vec![source],
        end_to_end: None,
        business: Vec::new(),
        exceptions: gaps.iter().map(exception).collect(),
        no_movements: None,
    }
}

fn inputs() -> Inputs {
    let config = Stored { name: "cuadre.toml".to_owned(), sha256: "0".repeat(64), bytes: 0 };
    Inputs::new(DATE.parse().expect("a date"), config)
}

fn filing(number: u32, is_new: bool, day: Day, unstamped: Option<&str>) -> Filing {
    let stamping = |why: &str| Stamping { authority: "psc-1".to_owned(), answer: Err(why.to_owned()) };
    Filing {
        id: format!("{DATE}.{number}").parse().unwrap(),
        manifest_sha256: "0".repeat(64),
        folder: "filings".into(),
        is_new,
        status: if day.exceptions.is_empty() { Status::Complete } else { Status::Partial },
        supersedes: None,
        stamps: unstamped.map(stamping).into_iter().collect(),
        inputs: inputs(),
        outputs: Vec::new(),
        day,
        carried_over: Vec::new(),
    }
}

/// What can happen, and at what time of day in UTC, six hours ahead of the institution's.
fn night(language: Language) -> Vec<(&'static str, What<'static>)> {
    let at = |time: &str| -> Timestamp { format!("2026-11-21T{time}:00Z").parse().unwrap() };
    let gaps = [
        (Kind::SourceLate, "caja"),
        (Kind::SourceMissing, "spei"),
        (Kind::ControlMismatch, "core"),
        (Kind::MissingInWarehouse, "core"),
        (Kind::RecordsRejected, "tpv"),
        (Kind::Changed, "tpv"),
    ];
    let leaked = |filing: Filing| -> &'static Filing { Box::leak(Box::new(filing)) };
    let why = "connection refused";
    let (complete, one_gap) = (filing(1, true, day(2, &[]), None), filing(2, true, day(1, &gaps[1..2]), Some(why)));
    let (late, again) = (filing(3, true, day(1_234, &[]), None), filing(4, false, day(1_234, &gaps), None));
    let later = |kind: &str, number| {
        let (kind, earlier) = (kind.to_owned(), format!("{DATE}.1").parse().unwrap());
        let changes = Changes { added: 1, removed: 0, changed: 0, restated: Default::default() };
        let supersedes = Some(Superseding { filing: earlier, kind, changes });
        leaked(Filing { supersedes, ..filing(number, true, day(1_234, &gaps), None) })
    };
    let unusual: &'static Said = Box::leak(Box::new(Said {
        en: "12 records; of the last 8 fridays none had fewer than 40,100".to_owned(),
        es: "12 registros; en los últimos 8 viernes ninguno tuvo menos de 40,100".to_owned(),
    }));
    let reasons = [
        said!("source spei is required and missing", "la fuente spei es obligatoria y no llegó"),
        said!("the policy blocks\non changed", "la política no permite presentar\ncon changed"),
    ];
    let not_filed = NotFiled {
        reasons: reasons.map(|reason| reason.into_language(language)).to_vec(),
        evidence: "filings.not-filed/2026-11-20/exceptions.csv".into(),
        inputs: inputs(),
        day: day(0, &[]),
    };
    vec![
        ("08:00", What::Begun { deadline: at("12:00") }),
        ("08:31", What::Overdue { source: "spei", expected: at("08:30") }),
        ("07:31", What::Overdue { source: "", expected: at("07:30") }),
        ("10:00", What::Missed { source: "spei", cut_off: at("10:00") }),
        ("11:00", What::Missed { source: "", cut_off: at("11:00") }),
        ("09:00", What::Unusual { source: "core", words: unusual }),
        ("09:00", What::Away { service: "warehouse", why, pause: Duration::from_millis(1500) }),
        ("09:00", What::Away { service: "sqlserver-1", why, pause: Duration::from_secs(30) }),
        ("11:30", What::Without { service: "archive", why }),
        ("11:35", What::DeadlineNear { deadline: at("12:00"), awaited: &[] }),
        ("11:35", What::DeadlineNear { deadline: at("12:00"), awaited: &["spei"] }),
        ("11:35", What::DeadlineNear { deadline: at("12:00"), awaited: &["core", "spei", ""] }),
        ("11:40", What::Filed(leaked(complete))),
        ("11:40", What::Filed(leaked(one_gap))),
        ("12:10", What::Filed(leaked(late))),
        ("12:15", What::Filed(leaked(again))),
        ("18:00", What::Filed(later("supplement", 5))),
        ("18:00", What::Filed(later("restatement", 6))),
        ("11:40", What::NotFiled(Box::leak(Box::new(not_filed)))),
        ("11:40", What::Failed { exit_code: 75, why: "the disk is full" }),
    ]
}

/// Compares the messages in a language with those that are checked in.
fn in_language(language: &str) -> Vec<Notice> {
    let text = SMALL.replacen('\n', &format!("\nlanguage = \"{language}\"\n"), 1);
    let config = Config::parse(&text, "cuadre.toml").unwrap();
    let date = DATE.parse().unwrap();
    let scene = Scene::new(&config, Some(date)).unwrap();
    let mut told = Vec::new();
    for (time, what) in night(config.language) {
        let at = format!("2026-11-21T{time}:00Z").parse().unwrap();
        told.extend(Notice::of(&Event { at, business_date: date, what: &what }, &scene));
    }
    told.push(Notice::check("guardia", "2026-11-21T06:00:00Z".parse().unwrap(), &Scene::new(&config, None).unwrap()));
    let line = |notice: &Notice| {
        let (event, severity) = (notice.event.name(), notice.data.severity.name());
        format!("{event} {} ({severity})\n{}\n\n", notice.subject, notice.data.message)
    };
    let page: String = told.iter().map(line).collect();
    let path = workspace().join("tests/suite/messages").join(language).with_extension("txt");
    if std::env::var_os("CUADRE_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(
        page,
        std::fs::read_to_string(&path).unwrap_or_default(),
        "{}; CUADRE_BLESS=1 rewrites it",
        path.display()
    );
    told
}

#[test]
fn every_message_in_both_languages() {
    let (english, spanish) = (in_language("en"), in_language("es-MX"));
    // The language changes the words alone: who has had an event in one does not get it again in the other.
    for (one, other) in english.iter().zip(&spanish) {
        assert_ne!(one.data.message, other.data.message);
        // Why a night is not filed is said in words of the configured language, which what is told of it quotes.
        if one.event != EventType::NightNotFiled {
            assert_eq!((&one.id, one.event, &one.data.facts), (&other.id, other.event, &other.data.facts));
        }
    }
    let ids: std::collections::BTreeSet<&str> = english.iter().map(|notice| notice.id.as_str()).collect();
    assert_eq!(ids.len(), english.len() - 2, "the deadline is told once, whoever is awaited");
    let schema: serde_json::Value = serde_json::from_str(&Config::json_schema()).unwrap();
    let types = schema["$defs"]["EventType"]["oneOf"].as_array().unwrap();
    for event in types {
        let event: EventType = serde_json::from_value(event["const"].clone()).unwrap();
        assert!(english.iter().any(|notice| notice.event == event), "{} has no message", event.name());
    }
}
