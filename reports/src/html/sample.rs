//! A filing with something of everything: what a template is tried on before there is a filing.

use std::collections::BTreeMap;

use cuadre_rules::config::{Language, OnFailure, Severity};
use cuadre_rules::exception::{Class, Evidence, Kind};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Status;
use crate::open::{CarriedOver, Disposed, Disposition, Dispositions, Open};
use crate::predicate::{
    AmountText, ControlFacts, EndToEndFacts, ExceptionFacts, Filing, Predicate, ProducedBy, RuleFacts, SourceFacts,
    Superseded, TotalsFacts,
};
use crate::view::{EvidenceView, KindTotal, SourceView, Traced, View};

/// The sample, in a language: three sources, of which one has not come and one does not tie out.
pub fn sample(language: Language) -> View {
    let at = |hour: i64| Timestamp::from_second(1_795_219_200 + hour * 3_600).ok();
    let source = |id: &str, arrived| SourceView {
        id: id.to_owned(),
        title: id.to_uppercase(),
        expected: at(7),
        arrived,
        cut_off: at(10),
    };
    let digest = |digit: &str| digit.repeat(64);
    let traced = |role: &str, of: &str, name: &str| Traced {
        role: role.to_owned(),
        of: of.to_owned(),
        name: name.to_owned(),
        sha256: digest("a"),
        bytes: Some(1_234_567),
    };
    let total = |source: &str, kind: &str| KindTotal {
        source: source.to_owned(),
        kind: kind.to_owned(),
        currency: "MXN".to_owned(),
        records: 1_000,
        credits: "1500000.50".to_owned(),
        debits: "-265432.61".to_owned(),
        net: "1234567.89".to_owned(),
    };
    View {
        filing: "2026-11-20.2".to_owned(),
        predicate: predicate(&digest),
        language,
        zone: TimeZone::get("America/Mexico_City").unwrap_or(TimeZone::UTC),
        principal: Some("compliance@institution.example".to_owned()),
        sources: vec![source("core", at(6)), source("cards", at(11)), source("wallet", None)],
        evidence: vec![EvidenceView {
            exception: "changed/cards".to_owned(),
            rows: vec![Evidence {
                exception: "changed/cards".to_owned(),
                kind: "changed".to_owned(),
                source: Some("cards".to_owned()),
                file: Some("landing/cards.csv".to_owned()),
                record: Some(1_204),
                column: Some("amount".to_owned()),
                source_value: Some("12.50".to_owned()),
                warehouse_value: Some("12.55".to_owned()),
                amount: Some("0.05".to_owned()),
                currency: Some("MXN".to_owned()),
                reason: "id=17 differs from record 9".to_owned(),
            }],
            all: 12,
            gross: amount("0.15"),
        }],
        totals: vec![total("core", "DEPOSIT"), total("TOTAL", "")],
        inputs: vec![traced("configuration", "", "cuadre.toml"), traced("extract", "core", "landing/core.csv")],
        outputs: vec![traced("output", "", "report.csv")],
    }
}

fn amount(text: &str) -> AmountText {
    BTreeMap::from([("MXN".to_owned(), text.to_owned())])
}

fn predicate(digest: &dyn Fn(&str) -> String) -> Predicate {
    let totals = |text: &str| TotalsFacts { records: Some(1_000), amount: Some(amount(text)) };
    let source = |id: &str, state: &str, text: &str, verdict: &str| SourceFacts {
        id: id.to_owned(),
        state: state.to_owned(),
        records: if state == "missing" { 0 } else { 1_000 },
        rejected_records: if state == "missing" { 0 } else { 2 },
        amount: amount(text),
        files: Vec::new(),
        control: ControlFacts { verdict: verdict.to_owned(), expected: totals(text), actual: totals(text) },
    };
    let end_to_end = |source: &str, text: &str, difference: &str, changed| EndToEndFacts {
        source: source.to_owned(),
        source_records: 998,
        warehouse_records: 998,
        source_amount: amount(text),
        warehouse_amount: amount(text),
        matched: 998 - changed,
        missing_in_warehouse: 0,
        missing_in_source: 0,
        changed,
        duplicates: 0,
        amount_difference: amount(difference),
    };
    let exception = |id: &str, class, kind, source: &str| ExceptionFacts {
        id: id.to_owned(),
        class: Some(class),
        kind,
        severity: Severity::Major,
        source: Some(source.to_owned()),
        records: Some(3),
        amount: Some(amount("0.05")),
        explanation: "in words".to_owned(),
        evidence: Some("exceptions.csv".to_owned()),
        dispositions: Some(vec![disposition()]),
    };
    Predicate {
        institution: "Institution".to_owned(),
        series: "daily-movements".to_owned(),
        business_date: "2026-11-20".to_owned(),
        status: Status::Partial,
        issued_at: "2026-11-21T11:40:00Z".to_owned(),
        deadline: "2026-11-21T12:00:00Z".to_owned(),
        filing: Filing {
            number: 2,
            kind: "restatement".to_owned(),
            supersedes: Some(Superseded { sha256: digest("b") }),
            reason: Some("why".to_owned()),
            operator: Some(Some("night".to_owned())),
        },
        produced_by: ProducedBy { version: env!("CARGO_PKG_VERSION").to_owned(), config_sha256: digest("c") },
        sources: vec![
            source("core", "received", "1234567.89", "matched"),
            source("cards", "late", "0.00", "mismatched"),
            source("wallet", "missing", "0.00", "absent"),
        ],
        end_to_end: vec![end_to_end("core", "1234567.89", "0.00", 0), end_to_end("cards", "0.00", "0.05", 3)],
        business: vec![RuleFacts {
            rule: "known-customer".to_owned(),
            verdict: "failed".to_owned(),
            violations: 3,
            explanation: "in words".to_owned(),
            why: Some("Circular 1".to_owned()),
            owner: Some(Some("Compliance".to_owned())),
            severity: Some(Severity::Major),
            on_failure: Some(OnFailure::Partial),
        }],
        exceptions: vec![
            exception("source_missing/wallet", Class::Expected, Kind::SourceMissing, "wallet"),
            exception("changed/cards", Class::Mismatched, Kind::Changed, "cards"),
        ],
        no_movements: Some(None),
        carried_over: Some(vec![CarriedOver { age_days: 4, open: open() }]),
        dispositions: Some(Dispositions { recorded: 1, new: vec![disposition()] }),
    }
}

fn open() -> Open {
    Open {
        id: "2026-11-17/control_mismatch/cards".to_owned(),
        business_date: jiff::civil::date(2026, 11, 17),
        class: Class::Mismatched,
        kind: Kind::ControlMismatch,
        severity: Severity::Critical,
        source: Some("cards".to_owned()),
        records: None,
        amount: Some(amount("-10.00")),
        explanation: "in words".to_owned(),
        filing: "2026-11-17.1".to_owned(),
        dispositions: vec![disposition()],
    }
}

fn disposition() -> Disposition {
    Disposition {
        number: 1,
        exception: "2026-11-17/control_mismatch/cards".to_owned(),
        disposition: Disposed::Investigating,
        reason: "asked the sender".to_owned(),
        operator: "compliance".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    }
}
