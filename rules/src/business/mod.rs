//! The business reconciliation: declarative rules over the judged day.
//!
//! Every kind of rule lies in a file of its own: its configuration and its evaluator. A rule
//! sees every accepted movement of the sources once, in report order, and states its violations.
//! Sums are per group and currency; what is stated of groups is in the order of their names.

pub mod aggregates_equal;
pub mod allowed_values;
pub mod balance;
mod groups;
pub mod range;
pub mod reference;
pub mod roll_forward;
pub mod uniqueness;
pub mod warehouse_sql;

#[cfg(test)]
mod model;
#[cfg(test)]
pub(crate) mod testing;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::{Check, Rule};
use crate::end_to_end::Place;
use crate::money::{Currency, Overflow, Total};
use crate::movement::{Columns, Field};

/// One violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violation {
    /// The source, where the violation is of one source.
    pub source: Option<String>,
    /// The movement, where the violation is one movement's.
    pub place: Option<Place>,
    /// The field or group it is about, such as `customer` or `branch=012`; `None` for the day.
    pub column: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// What the rule expected, where that is one value.
    pub expected: Option<String>,
    /// The money it touches, in units of the day's scale.
    pub money: Option<(Currency, i128)>,
    /// In words.
    pub reason: String,
}

impl Violation {
    /// A violation of one movement, about one of its fields.
    fn of_movement(columns: &Columns<'_>, row: usize, field: Field, reason: String) -> Self {
        let currency: Option<Currency> = columns.text(Field::Currency, row).and_then(|code| code.parse().ok());
        Self {
            source: columns.text(Field::Source, row).map(str::to_owned),
            place: Some(Place { file: columns.file.value(row) as u32, record: columns.record.value(row) as u64 }),
            column: Some(field.name().to_owned()),
            found: columns.shown(field, row),
            expected: None,
            money: currency.map(|currency| (currency, columns.amount.value(row))),
            reason,
        }
    }
}

/// Receives violations one at a time, so that none need be held.
pub type Sink<'a> = dyn FnMut(Violation) + 'a;

/// A table of reference data, all text; empty cells are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatasetTable {
    /// Column names.
    pub header: Vec<String>,
    /// Rows, each as long as the header.
    pub rows: Vec<Vec<Option<String>>>,
}

impl DatasetTable {
    /// The 0-based column of that name in any case, or why there is not exactly one.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        let named = |(_, header): &(usize, &String)| header.eq_ignore_ascii_case(name);
        let mut columns = self.header.iter().enumerate().filter(named).map(|(column, _)| column);
        match (columns.next(), columns.next()) {
            (Some(column), None) => Ok(column),
            (None, _) => Err(format!("the dataset has no column `{name}`; it has {}", self.header.join(", "))),
            _ => Err(format!("the dataset has several columns `{name}`; it has {}", self.header.join(", "))),
        }
    }

    /// The cell of a 0-based row and column; `None` where empty.
    fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.rows.get(row)?.get(column)?.as_deref().filter(|value| !value.is_empty())
    }
}

/// Reference data by dataset id: the table, or why it could not be had. SQL rules find their
/// rows under their own rule id.
pub type Datasets = BTreeMap<String, Result<DatasetTable, String>>;

/// A dataset that a rule needs, or why it could not be had.
fn dataset<'a>(datasets: &'a Datasets, id: &str) -> Result<&'a DatasetTable, String> {
    match datasets.get(id) {
        Some(Ok(table)) => Ok(table),
        Some(Err(reason)) => Err(format!("dataset `{id}`: {reason}")),
        None => Err(format!("there is no dataset `{id}`")),
    }
}

/// The evaluation of one rule. Built by [`evaluator`], shown every movement that the rule's
/// `only` lets through ([`concerns`]), then finished.
pub trait Evaluator: Send {
    /// Looks at row `row` (0-based) of a batch; `Err` when a total overflows.
    fn observe(&mut self, columns: &Columns<'_>, row: usize, sink: &mut Sink<'_>) -> Result<(), Overflow>;

    /// For rules over groups of movements that share a key: the key of a row that was observed,
    /// to be sorted by the caller, who then calls [`Evaluator::group`].
    fn key(&self, _columns: &Columns<'_>, _row: usize) -> Option<Vec<u8>> {
        None
    }

    /// Judges one group: all movements with one key of [`Evaluator::key`], in report order. The
    /// caller may leave out groups of one. It knows the source of a place; violations here do not.
    fn group(&mut self, _key: &[u8], _places: &[Place], _sink: &mut Sink<'_>) {}

    /// States what only the whole day shows, and how the rule went, in words (`added up 340
    /// movements in 12 groups`, say; the caller adds the number of violations).
    fn finish(self: Box<Self>, sink: &mut Sink<'_>) -> Result<String, Overflow>;
}

/// The evaluator of a rule, or why it cannot be evaluated (its verdict is then `notEvaluated`).
/// `scale` is the day's.
pub fn evaluator(rule: &Rule, datasets: &Datasets, scale: u32) -> Result<Box<dyn Evaluator>, String> {
    match &rule.check {
        Check::Balance(check) => check.evaluator(scale),
        Check::Reference(check) => check.evaluator(datasets),
        Check::Uniqueness(check) => check.evaluator(scale),
        Check::AllowedValues(check) => check.evaluator(),
        Check::Range(check) => check.evaluator(scale),
        Check::RollForward(check) => check.evaluator(datasets, scale),
        Check::AggregatesEqual(check) => check.evaluator(scale),
        Check::WarehouseSql(_) => warehouse_sql::evaluator(&rule.id, datasets),
    }
}

/// Whether a rule's own settings hold together, told without data: what is refused here could
/// not be evaluated in any night.
pub fn settings(rule: &Rule, scale: u32) -> Result<(), String> {
    match &rule.check {
        Check::Reference(_) | Check::WarehouseSql(_) => Ok(()),
        Check::RollForward(check) => check.settings(scale).map(drop),
        _ => evaluator(rule, &Datasets::new(), scale).map(drop),
    }
}

/// Whether a movement is among those that a rule (or one side of it) is about.
pub fn concerns(only: &BTreeMap<Field, Vec<String>>, columns: &Columns<'_>, row: usize) -> bool {
    only.iter().all(|(&field, values)| {
        value(field, columns, row).is_some_and(|shown| values.iter().any(|value| *value == shown))
    })
}

/// A value as [`Columns::shown`] gives it, copied only where it must be; `None` where empty.
fn value<'a>(field: Field, columns: &Columns<'a>, row: usize) -> Option<Cow<'a, str>> {
    let value = match columns.texts(field) {
        Some(_) => columns.text(field, row).map(Cow::Borrowed),
        None => columns.shown(field, row).map(Cow::Owned),
    };
    value.filter(|value| !value.is_empty())
}

/// `1 group`, `2 groups`.
fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// What to add to an explanation where movements had none of a field.
fn without(movements: u64, field: &str) -> String {
    match movements {
        0 => String::new(),
        1 => format!("; 1 movement has no {field}"),
        _ => format!("; {movements} movements have no {field}"),
    }
}

/// A declared tolerance, in units of the day's scale; zero unless a rule says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tolerance {
    minor: i128,
    shown: String,
    reason: String,
}

/// Reads a tolerance of the configuration; one without a reason is refused.
fn tolerance(text: Option<&str>, reason: Option<&str>, scale: u32) -> Result<Tolerance, String> {
    let reason = reason.map(str::trim).unwrap_or_default().to_owned();
    let Some(text) = text else { return Ok(Tolerance { minor: 0, shown: "0".to_owned(), reason }) };
    let total = Total::parse(text, scale).filter(|total| total.minor >= 0);
    let minor = total.ok_or_else(|| format!("the tolerance `{text}` is no decimal >= 0 of {scale} decimals"))?.minor;
    match reason.is_empty() {
        true => Err("a tolerance needs a `tolerance_reason`".to_owned()),
        false => Ok(Tolerance { minor, shown: text.to_owned(), reason }),
    }
}

impl Tolerance {
    fn allows(&self, difference: i128) -> bool {
        difference.unsigned_abs() <= self.minor.unsigned_abs()
    }

    /// What to add to an explanation when the tolerance was needed `used` times.
    fn explain(&self, used: u64, what: &str) -> String {
        match used {
            0 => String::new(),
            _ => format!("; a tolerance of {} was used for {}: {}", self.shown, counted(used, what), self.reason),
        }
    }
}
