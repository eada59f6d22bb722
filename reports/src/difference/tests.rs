//! Differences of the golden series' filings, of every format.

use serde_json::json;

use super::*;
use crate::testing::golden;

fn ids(entries: &[Entry]) -> Vec<(&str, Change)> {
    entries.iter().map(|entry| (entry.id.as_str(), entry.change)).collect()
}

#[test]
fn a_filing_does_not_differ_from_itself() {
    for format in 1..=3 {
        let day = golden(format, "2026-11-20.2");
        assert!(Difference::of(&day, &day).is_none(), "format {format}");
    }
}

/// The supplement of the golden series: the file of `loans` came, and nothing else.
#[test]
fn a_source_that_came() {
    for format in 1..=3 {
        let difference = Difference::of(&golden(format, "2026-11-20.1"), &golden(format, "2026-11-20.2"));
        assert_eq!(ids(&difference.sources), [("loans", Change::Changed)], "format {format}");
        let facts = serde_json::to_value(&difference.sources[0].facts).unwrap();
        assert_eq!(facts[0], json!({"fact": "state", "before": "missing", "after": "received"}));
        assert_eq!(facts[1], json!({"fact": "records", "before": 0, "after": 1, "difference": 1}));
        let money =
            json!({"fact": "amount", "of": "MXN", "before": "0.00", "after": "5000.00", "difference": "5000.00"});
        assert_eq!(facts[2], money);
        let file = &difference.sources[0].facts[3];
        assert_eq!(
            (file.fact, file.of.as_deref(), &file.before),
            ("file", Some("landing/loans/2026-11-20.csv"), &None)
        );
        assert_eq!(ids(&difference.end_to_end), [("loans", Change::Changed)]);
        let gone = [("source_missing/loans", Change::Gone), ("missing_in_source/loans", Change::Gone)];
        assert!(gone.iter().all(|gone| ids(&difference.exceptions).contains(gone)), "{:?}", difference.exceptions);
        let totals = serde_json::to_value(&difference.totals).unwrap();
        assert_eq!(totals[0], json!({"fact": "records", "before": 12, "after": 13, "difference": 1}));
        let before = "-1000000000004916.65";
        let money = json!({"fact": "amount", "of": "MXN", "before": before, "after": "-999999999999916.65", "difference": "5000.00"});
        assert_eq!((totals.as_array().unwrap().len(), &totals[1]), (2, &money));
    }
}

#[test]
fn turned_round_what_is_gone_is_new_and_money_has_the_other_sign() {
    let (earlier, later) = (golden(3, "2026-11-20.1"), golden(3, "2026-11-21.1"));
    let (there, back) = (Difference::of(&earlier, &later), Difference::of(&later, &earlier));
    let of = |difference: &Difference, change| {
        let mut ids: Vec<String> = [&difference.exceptions, &difference.end_to_end, &difference.business]
            .into_iter()
            .flatten()
            .filter(|entry| entry.change == change)
            .map(|entry| entry.id.clone())
            .collect();
        ids.sort();
        ids
    };
    assert!(!of(&there, Change::Gone).is_empty() && !of(&there, Change::New).is_empty());
    assert_eq!(of(&there, Change::Gone), of(&back, Change::New));
    assert_eq!(of(&there, Change::New), of(&back, Change::Gone));
    assert_eq!(of(&there, Change::Changed), of(&back, Change::Changed));
    let mxn = |difference: &Difference| {
        let of = difference.totals.iter().find(|fact| (fact.fact, fact.of.as_deref()) == ("amount", Some("MXN")));
        match of.and_then(|fact| fact.difference.clone()) {
            Some(Value::Amount(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(format!("-{}", mxn(&there)), mxn(&back));
}

#[test]
fn what_is_no_amount_has_no_difference() {
    let day = golden(3, "2026-11-20.1");
    let mut other = day.clone();
    other.sources[0].amount.insert("MXN".to_owned(), "1,000.00".to_owned());
    let difference = Difference::of(&day, &other);
    let fact = &difference.sources[0].facts[0];
    assert_eq!(
        (fact.fact, &fact.after, &fact.difference),
        ("amount", &Some(Value::Amount("1,000.00".to_owned())), &None)
    );
    assert_eq!((difference.totals[0].fact, &difference.totals[0].after), ("amount", &None));
}
