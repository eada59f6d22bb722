//! The naive model, and the nights that it is asked about.

use std::collections::HashMap;

use cuadre_engine::reconcile::end_to_end::shown_fields;
use cuadre_rules::end_to_end::{Comparison, Place};
use cuadre_rules::movement::Field;
use proptest::prelude::*;

/// A row of either side.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub source: &'static str,
    pub id: Option<String>,
    pub account: Option<String>,
    pub booked_at: Option<i64>,
    pub currency: &'static str,
    pub cents: i128,
    pub place: Place,
}

impl Row {
    /// What the model compares: the value of a field as people read it.
    pub fn value(&self, field: Field) -> Option<String> {
        match field {
            Field::Id => self.id.clone(),
            Field::Account => self.account.clone(),
            Field::BookedAt => self.booked_at.map(|at| format!("1970-01-01T00:00:0{at}Z")),
            Field::Currency => Some(self.currency.to_owned()),
            Field::Amount => Some(format!("{}0.0{}", if self.cents < 0 { "-" } else { "" }, self.cents.abs())),
            other => panic!("the rows have no {other}"),
        }
    }

    pub fn values(&self, fields: &[Field]) -> Values {
        fields.iter().map(|&field| self.value(field)).collect()
    }
}

pub type Values = Vec<Option<String>>;

/// What a comparison of one source comes to. Rows are those that did not match, by value.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub matched: u64,
    pub changed: u64,
    pub missing_in_warehouse: u64,
    pub missing_in_source: u64,
    pub duplicates_in_source: u64,
    pub duplicates_in_warehouse: u64,
    pub source_rows: Vec<Values>,
    pub warehouse_rows: Vec<Values>,
}

pub fn model(comparison: &Comparison, source: &[Row], warehouse: &[Row]) -> Outcome {
    let fields = shown_fields(comparison);
    let key = if comparison.key.is_empty() { &comparison.compare } else { &comparison.key };
    let mut groups: HashMap<Values, [Vec<Values>; 2]> = HashMap::new();
    for (side, rows) in [source, warehouse].into_iter().enumerate() {
        for row in rows.iter().filter(|row| row.source == comparison.source) {
            groups.entry(row.values(key)).or_default()[side].push(row.values(&fields));
        }
    }
    let mut outcome = Outcome::default();
    for [mut left, mut right] in groups.into_values() {
        let known_by_both = !left.is_empty() && !right.is_empty();
        left.retain(|row| match right.iter().position(|other| other == row) {
            Some(position) => {
                right.remove(position);
                outcome.matched += 1;
                false
            }
            None => true,
        });
        let pairs = if comparison.key.is_empty() { 0 } else { left.len().min(right.len()) };
        let (more, fewer) = ((left.len() - pairs) as u64, (right.len() - pairs) as u64);
        outcome.changed += pairs as u64;
        match known_by_both && !comparison.key.is_empty() {
            true => (outcome.duplicates_in_source += more, outcome.duplicates_in_warehouse += fewer),
            false => (outcome.missing_in_warehouse += more, outcome.missing_in_source += fewer),
        };
        outcome.source_rows.extend(left);
        outcome.warehouse_rows.extend(right);
    }
    outcome.source_rows.sort();
    outcome.warehouse_rows.sort();
    outcome
}

pub fn comparison(source: &str, key: &[Field], compare: &[Field]) -> Comparison {
    Comparison { source: source.to_owned(), key: key.to_vec(), compare: compare.to_vec() }
}

/// Rows that differ in little, so that keys, values and whole rows repeat. The texts are such
/// that an encoding which does not keep NULL, empty and neighbouring values apart confuses them.
pub fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = || {
        let text = prop::sample::select(vec!["", "a", "b", "ab", "\0", "\u{1}\0\0\0\u{1}a", "ñ"]);
        prop::option::weighted(0.8, text.prop_map(str::to_owned))
    };
    let source = prop::sample::select(vec!["a", "a", "b", "unplanned"]);
    let currency = prop::sample::select(vec!["MXN", "MXN", "USD"]);
    let row = (source, text(), text(), prop::option::of(0..2i64), currency, -1..=1i128);
    prop::collection::vec(row, 0..24).prop_map(|rows| {
        let place = |n: usize| Place { file: (n % 3) as u32, record: n as u64 + 1 };
        let rows = rows.into_iter().enumerate();
        rows.map(|(n, (source, id, account, booked_at, currency, cents))| Row {
            source,
            id,
            account,
            booked_at,
            currency,
            cents,
            place: place(n),
        })
        .collect()
    })
}

/// Two sides that agree in most rows.
pub fn sides() -> impl Strategy<Value = [Vec<Row>; 2]> {
    (rows(), rows(), prop::collection::vec(0..8u8, 24)).prop_map(|(rows, others, fates)| {
        let mut copy = Vec::new();
        for ((row, other), fate) in rows.iter().zip(others.iter().cycle()).zip(fates) {
            match fate {
                0 => {}
                1 => copy.push(Row { cents: other.cents, account: other.account.clone(), ..row.clone() }),
                2 => copy.extend([row.clone(), row.clone()]),
                3 => copy.push(other.clone()),
                _ => copy.push(row.clone()),
            }
        }
        for (n, row) in copy.iter_mut().enumerate() {
            row.place = Place { file: 7, record: 100 - n as u64 };
        }
        [rows, copy]
    })
}

pub fn plans() -> impl Strategy<Value = Vec<Comparison>> {
    use Field::{Account, Amount, BookedAt, Currency, Id};
    let one = |source: &'static str| {
        prop::sample::select(vec![
            comparison(source, &[], &[Id, Account, BookedAt, Currency, Amount]),
            comparison(source, &[], &[Account, Amount]),
            comparison(source, &[Id], &[Account, BookedAt, Currency, Amount]),
            comparison(source, &[Id, Account], &[Currency, Amount]),
            comparison(source, &[Account, BookedAt], &[Amount]),
            comparison(source, &[Id], &[]),
        ])
    };
    (one("a"), one("b")).prop_map(|(a, b)| vec![a, b])
}

pub fn row(source: &'static str, id: Option<&str>, account: Option<&str>, cents: i128, record: u64) -> Row {
    Row {
        source,
        id: id.map(str::to_owned),
        account: account.map(str::to_owned),
        booked_at: None,
        currency: "MXN",
        cents,
        place: Place { file: 0, record },
    }
}

pub fn copies(n: u64) -> Vec<Row> {
    (1..=n).map(|record| row("a", Some("1"), Some("x"), 5, record)).collect()
}
