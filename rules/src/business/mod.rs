//! The business reconciliation: declarative rules over the judged day.
//!
//! Every kind of rule lies in a file of its own: its configuration and its evaluator. A rule
//! sees every accepted movement of the sources once, in report order, and states its violations.

pub mod aggregates_equal;
pub mod allowed_values;
pub mod balance;
pub mod range;
pub mod reference;
pub mod roll_forward;
pub mod uniqueness;
pub mod warehouse_sql;

use std::collections::BTreeMap;

use crate::config::{Check, Rule};
use crate::end_to_end::Place;
use crate::money::{Currency, Overflow};
use crate::movement::{Columns, Field};

/// One violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violation {
    /// The source, where the violation is of one source.
    pub source: Option<String>,
    /// The movement, where the violation is one movement's.
    pub place: Option<Place>,
    /// The field or group it is about, such as `customer` or `branch=012`.
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
    /// The 0-based column of that name, or why there is none.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        self.header
            .iter()
            .position(|header| header.eq_ignore_ascii_case(name))
            .ok_or_else(|| format!("the dataset has no column `{name}`; it has {}", self.header.join(", ")))
    }
}

/// Reference data by dataset id: the table, or why it could not be had. SQL rules find their
/// rows under their own rule id.
pub type Datasets = BTreeMap<String, Result<DatasetTable, String>>;

/// The evaluation of one rule. Built by [`evaluator`], shown every movement, then finished.
pub trait Evaluator: Send {
    /// Looks at row `row` (0-based) of a batch; `Err` when a total overflows.
    fn observe(&mut self, columns: &Columns<'_>, row: usize, sink: &mut Sink<'_>) -> Result<(), Overflow>;

    /// For rules over groups of movements that share a key: the key of the row, to be sorted by
    /// the caller, who then calls [`Evaluator::group`].
    fn key(&self, _columns: &Columns<'_>, _row: usize) -> Option<Vec<u8>> {
        None
    }

    /// Judges one group of movements that share a key of [`Evaluator::key`].
    fn group(&mut self, _key: &[u8], _places: &[Place], _sink: &mut Sink<'_>) {}

    /// States what only the whole day shows, and how the rule went, in words (`12 groups
    /// balance`, say; the caller adds the number of violations).
    fn finish(self: Box<Self>, sink: &mut Sink<'_>) -> Result<String, Overflow>;
}

/// The evaluator of a rule, or why it cannot be evaluated (its verdict is then `notEvaluated`).
/// `scale` is the day's.
pub fn evaluator(rule: &Rule, datasets: &Datasets, scale: u32) -> Result<Box<dyn Evaluator>, String> {
    match &rule.check {
        Check::Balance(check) => check.evaluator(scale),
        Check::Reference(check) => check.evaluator(datasets),
        Check::Uniqueness(check) => check.evaluator(),
        Check::AllowedValues(check) => check.evaluator(),
        Check::Range(check) => check.evaluator(scale),
        Check::RollForward(check) => check.evaluator(datasets, scale),
        Check::AggregatesEqual(check) => check.evaluator(scale),
        Check::WarehouseSql(_) => warehouse_sql::evaluator(&rule.id, datasets),
    }
}

/// Whether a movement is among those that a rule (or one side of it) is about.
pub fn concerns(only: &BTreeMap<Field, Vec<String>>, columns: &Columns<'_>, row: usize) -> bool {
    only.iter().all(|(&field, values)| {
        let shown = columns.shown(field, row);
        values.iter().any(|value| Some(value.as_str()) == shown.as_deref())
    })
}

/// The values of `fields` of a row, as groups are named: `branch=012, kind=FEE`.
pub fn group_name(fields: &[Field], columns: &Columns<'_>, row: usize) -> String {
    let part = |&field: &Field| format!("{field}={}", columns.shown(field, row).unwrap_or_default());
    fields.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The currency of a row.
pub(crate) fn currency(columns: &Columns<'_>, row: usize) -> Option<Currency> {
    columns.text(Field::Currency, row).and_then(|code| code.parse().ok())
}

/// A declared tolerance, in units of the day's scale; zero unless a rule says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tolerance {
    minor: i128,
    reason: String,
}

/// Reads a tolerance of the configuration; one without a reason is refused.
pub(crate) fn tolerance(text: Option<&str>, reason: Option<&str>, scale: u32) -> Result<Tolerance, String> {
    let Some(text) = text else { return Ok(Tolerance { minor: 0, reason: String::new() }) };
    let total = crate::money::Total::parse(text, scale).filter(|total| total.minor >= 0);
    let minor = total.ok_or_else(|| format!("the tolerance `{text}` is no decimal >= 0"))?.minor;
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => Ok(Tolerance { minor, reason: reason.to_owned() }),
        None => Err("a tolerance needs a `tolerance_reason`".to_owned()),
    }
}

impl Tolerance {
    pub(crate) fn allows(&self, difference: i128) -> bool {
        difference.unsigned_abs() <= self.minor.unsigned_abs()
    }

    /// What to add to an explanation when the tolerance was needed `used` times.
    pub(crate) fn explain(&self, used: u64, what: &str) -> String {
        match used {
            0 => String::new(),
            _ => format!("; a tolerance was used for {used} {what}: {}", self.reason),
        }
    }
}
