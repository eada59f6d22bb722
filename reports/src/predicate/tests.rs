//! The predicate, key by key.

use cuadre_rules::config::OnFailure;
use cuadre_rules::control::ControlVerdict;
use cuadre_rules::day::{RuleVerdict, SourceState};
use serde_json::json;

use super::*;

fn totals(sums: &[(&str, i128)]) -> Totals {
    let mut totals = Totals::new(2);
    sums.iter().for_each(|(code, minor)| totals.add(code.parse().unwrap(), *minor).unwrap());
    totals
}

fn day() -> Day {
    let file = FileDay { name: "core/1.csv".to_owned(), sha256: "ab".repeat(32), bytes: 120, records: 3 };
    let core = SourceDay {
        id: "core".to_owned(),
        state: SourceState::Received,
        records: 3,
        rejected_records: 1,
        amount: totals(&[("MXN", 150)]),
        files: vec![file],
        verdict: ControlVerdict::Mismatched,
        expected: ControlTotals { records: Some(4), amount: Some(totals(&[("MXN", 250)])), hash_total: None },
        actual: ControlTotals { records: Some(3), amount: Some(totals(&[("MXN", 150)])), hash_total: None },
    };
    let cards = SourceDay {
        id: "cards".to_owned(),
        state: SourceState::Missing,
        records: 0,
        rejected_records: 0,
        amount: totals(&[("MXN", 0)]),
        files: Vec::new(),
        verdict: ControlVerdict::Absent,
        expected: ControlTotals::default(),
        actual: ControlTotals::default(),
    };
    let end_to_end = EndToEndDay {
        source: "core".to_owned(),
        source_records: 2,
        warehouse_records: 3,
        source_amount: totals(&[("MXN", 150), ("USD", 5)]),
        warehouse_amount: totals(&[("MXN", 50), ("JPY", 700)]),
        matched: 1,
        missing_in_warehouse: 0,
        missing_in_source: 1,
        changed: 1,
        duplicates: 0,
    };
    let rule = RuleDay {
        rule: "transfers-balance".to_owned(),
        verdict: RuleVerdict::NotEvaluated,
        violations: 0,
        explanation: "the dataset is missing".to_owned(),
        why: "no transfer loses money".to_owned(),
        owner: None,
        severity: Severity::Critical,
        on_failure: OnFailure::Partial,
    };
    let exception = |kind: Kind, source: Option<&str>, evidence_rows| Exception {
        id: Exception::id(kind, source),
        kind,
        class: kind.class(source, |_| false),
        severity: kind.severity(),
        source: source.map(str::to_owned),
        records: (evidence_rows > 0).then_some(evidence_rows),
        amount: (evidence_rows > 0).then(|| totals(&[("MXN", -5)])),
        explanation: "in words".to_owned(),
        evidence_rows,
    };
    Day {
        business_date: "2026-11-21".parse().unwrap(),
        scale: 2,
        sources: vec![core, cards],
        end_to_end: Some(vec![end_to_end]),
        business: vec![rule],
        exceptions: vec![exception(Kind::RecordsRejected, Some("core"), 1), exception(Kind::WarehouseMissing, None, 0)],
        no_movements: None,
    }
}

fn facts() -> Facts<'static> {
    Facts {
        format: Format::NEWEST,
        institution: "Caja Demo",
        series: "daily",
        issued_at: "2026-11-22T11:58:03.999Z".parse().unwrap(),
        issued_on: "2026-11-22".parse().unwrap(),
        deadline: "2026-11-22T12:00:00Z".parse().unwrap(),
        filing_number: 1,
        filing_kind: "original",
        supersedes: None,
        reason: None,
        operator: None,
        version: "0.1.0".to_owned(),
        config_sha256: "cd".repeat(32),
    }
}

fn value(day: &Day, facts: &Facts<'_>, status: Status) -> serde_json::Value {
    serde_json::to_value(predicate(day, facts, &Carried::default(), status).unwrap()).unwrap()
}

#[test]
fn every_key_of_the_design() {
    let expected = json!({
        "institution": "Caja Demo", "series": "daily", "businessDate": "2026-11-21", "status": "partial",
        "issuedAt": "2026-11-22T11:58:03Z", "deadline": "2026-11-22T12:00:00Z",
        "filing": {"number": 1, "kind": "original", "supersedes": null, "reason": null, "operator": null},
        "producedBy": {"version": "0.1.0", "configSha256": "cd".repeat(32)},
        "sources": [
            {
                "id": "core", "state": "received", "records": 3, "rejectedRecords": 1, "amount": {"MXN": "1.50"},
                "files": [{"name": "core/1.csv", "sha256": "ab".repeat(32), "bytes": 120, "records": 3}],
                "control": {
                    "verdict": "mismatched",
                    "expected": {"records": 4, "amount": {"MXN": "2.50"}},
                    "actual": {"records": 3, "amount": {"MXN": "1.50"}},
                },
            },
            {
                "id": "cards", "state": "missing", "records": 0, "rejectedRecords": 0, "amount": {"MXN": "0.00"},
                "files": [],
                "control": {
                    "verdict": "absent",
                    "expected": {"records": null, "amount": null},
                    "actual": {"records": null, "amount": null},
                },
            },
        ],
        "endToEnd": [{
            "source": "core", "sourceRecords": 2, "warehouseRecords": 3,
            "sourceAmount": {"MXN": "1.50", "USD": "0.05"}, "warehouseAmount": {"MXN": "0.50", "JPY": "7"},
            "matched": 1, "missingInWarehouse": 0, "missingInSource": 1, "changed": 1, "duplicates": 0,
            "amountDifference": {"JPY": "7", "MXN": "-1.00", "USD": "-0.05"},
        }],
        "business": [{
            "rule": "transfers-balance", "verdict": "notEvaluated", "violations": 0,
            "explanation": "the dataset is missing",
            "why": "no transfer loses money", "owner": null, "severity": "critical", "onFailure": "partial",
        }],
        "exceptions": [
            {
                "id": "records_rejected/core", "class": "mismatched", "dispositions": [], "kind": "records_rejected", "severity": "minor", "source": "core",
                "records": 1, "amount": {"MXN": "-0.05"}, "explanation": "in words", "evidence": "exceptions.csv",
            },
            {
                "id": "warehouse_missing", "class": "expected", "dispositions": [], "kind": "warehouse_missing", "severity": "critical", "source": null,
                "records": null, "amount": null, "explanation": "in words", "evidence": null,
            },
        ],
        "noMovements": null,
        "carriedOver": [],
        "dispositions": {"recorded": 0, "new": []},
    });
    assert_eq!(value(&day(), &facts(), Status::Partial), expected);
    assert_eq!(
        serde_json::from_value::<Predicate>(expected).unwrap(),
        predicate(&day(), &facts(), &Carried::default(), Status::Partial).unwrap()
    );
}

#[test]
fn kinds_are_named_as_in_the_configuration() {
    for kind in [Kind::SourceMissing, Kind::FileRepeated, Kind::MissingInSource, Kind::RuleNotEvaluated] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn a_supplement_of_a_day_without_warehouse() {
    let day = Day { end_to_end: None, ..day() };
    let facts = Facts {
        filing_number: 2,
        filing_kind: "supplement",
        supersedes: Some("ef".repeat(32)),
        reason: Some("cards came".to_owned()),
        operator: Some("night shift".to_owned()),
        ..facts()
    };
    let value = value(&day, &facts, Status::Complete);
    assert_eq!(value["status"], "complete");
    assert_eq!(value["endToEnd"], json!([]));
    let filing = json!({
        "number": 2, "kind": "supplement", "supersedes": {"sha256": "ef".repeat(32)}, "reason": "cards came",
        "operator": "night shift",
    });
    assert_eq!(value["filing"], filing);
}

#[test]
fn a_manifest_of_format_1_has_no_key_of_later_ones() {
    let first = Facts { format: Format::FIRST, operator: Some("night shift".to_owned()), ..facts() };
    let day = Day { no_movements: Some("Sunday".to_owned()), ..day() };
    let stated = value(&day, &first, Status::Partial);
    assert!(stated.get("noMovements").is_none() && stated["filing"].get("operator").is_none(), "{stated}");
    let read: Predicate = serde_json::from_value(stated.clone()).unwrap();
    assert_eq!((&read.no_movements, &read.filing.operator), (&None, &None));
    let later = ["carriedOver", "dispositions"].iter().filter_map(|key| stated.get(key));
    let of_gaps = ["class", "dispositions"].iter().filter_map(|key| stated["exceptions"][0].get(key));
    assert_eq!(later.chain(of_gaps).count(), 0, "{stated}");
    assert_eq!(serde_json::to_value(read).unwrap(), stated);
    let second = value(&day, &facts(), Status::Partial);
    assert_eq!(second["noMovements"], json!({"reason": "Sunday"}));
}

#[test]
fn a_difference_beyond_38_digits_is_an_error() {
    let mut day = day();
    for end_to_end in day.end_to_end.iter_mut().flatten() {
        end_to_end.source_amount = totals(&[("MXN", -i128::MAX)]);
        end_to_end.warehouse_amount = totals(&[("MXN", i128::MAX)]);
    }
    let error = predicate(&day, &facts(), &Carried::default(), Status::Partial).unwrap_err();
    assert!(matches!(error, ReportError::Overflow { .. }));
}
