//! Movements for the tests of this crate.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use cuadre_rules::config::Report;
use cuadre_rules::config::report::ReportColumn;
use cuadre_rules::config::source::Encoding;
use cuadre_rules::money::{AMOUNT_DIGITS, Totals};
use cuadre_rules::movement::{days_of, schema};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::Predicate;

/// A movement; fields that are not set are null, or those of an ordinary one.
#[derive(Debug, Clone)]
pub(crate) struct Movement {
    pub source: &'static str,
    pub id: Option<&'static str>,
    pub booked_on: &'static str,
    pub booked_at: Option<&'static str>,
    pub kind: Option<&'static str>,
    pub currency: &'static str,
    pub minor: i128,
    pub description: Option<String>,
}

impl Movement {
    pub(crate) fn of(minor: i128, currency: &'static str) -> Self {
        Self {
            source: "core",
            id: None,
            booked_on: "2026-11-21",
            booked_at: None,
            kind: None,
            currency,
            minor,
            description: None,
        }
    }

    pub(crate) fn described(text: &str) -> Self {
        Self { description: Some(text.to_owned()), ..Self::of(100, "MXN") }
    }
}

/// A batch of file 3, its records numbered from 1.
pub(crate) fn batch(scale: u32, movements: &[Movement]) -> RecordBatch {
    let texts = |text: fn(&Movement) -> Option<&str>| -> ArrayRef {
        Arc::new(movements.iter().map(text).collect::<StringArray>())
    };
    let nulls = || texts(|_| None);
    let days = movements.iter().map(|m| days_of(m.booked_on.parse::<Date>().unwrap()));
    let instants = movements.iter().map(|m| m.booked_at.map(|at| at.parse::<Timestamp>().unwrap().as_microsecond()));
    let amounts = Decimal128Array::from_iter_values(movements.iter().map(|m| m.minor))
        .with_precision_and_scale(AMOUNT_DIGITS as u8, scale as i8)
        .unwrap();
    let columns: Vec<ArrayRef> = vec![
        texts(|m| Some(m.source)),
        texts(|m| m.id),
        Arc::new(Date32Array::from_iter_values(days)),
        Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        nulls(),
        nulls(),
        nulls(),
        texts(|m| m.kind),
        texts(|m| Some(m.currency)),
        Arc::new(amounts),
        nulls(),
        nulls(),
        texts(|m| m.description.as_deref()),
        Arc::new(Int32Array::from_iter_values(movements.iter().map(|_| 3))),
        Arc::new(Int64Array::from_iter_values(1..=movements.len() as i64)),
    ];
    RecordBatch::try_new(schema(scale), columns).unwrap()
}

/// The sums of the movements, as the engine hands them over.
pub(crate) fn totals(scale: u32, movements: &[Movement]) -> Totals {
    let mut totals = Totals::new(scale);
    for movement in movements {
        totals.add(movement.currency.parse().unwrap(), movement.minor).unwrap();
    }
    totals
}

/// A layout of fields (`field`, `field as name` or `field as name in format`) with the defaults of
/// the configuration.
pub(crate) fn layout(columns: &[&str]) -> Report {
    let column = |text: &&str| {
        let (text, format) = text.split_once(" in ").map_or((*text, None), |(text, format)| (text, Some(format)));
        let (field, name) = text.split_once(" as ").map_or((text, None), |(field, name)| (field, Some(name)));
        ReportColumn { field: field.parse().unwrap(), name: name.map(str::to_owned), format: format.map(str::to_owned) }
    };
    Report {
        columns: columns.iter().map(column).collect(),
        delimiter: ',',
        encoding: Encoding::Utf8,
        header: true,
        crlf: false,
        decimal: '.',
        header_record: None,
        trailer_record: None,
        neutralise_text: false,
    }
}

/// What a filing of the golden series of a format states.
pub(crate) fn golden(format: u32, filing: &str) -> Predicate {
    let series = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/suite/golden");
    let path = series.join(format!("format-{format}/series/filings/{filing}/manifest.json"));
    let statement: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    serde_json::from_value(statement["predicate"].clone()).unwrap()
}
