//! The business reconciliation: declarative rules over the judged day.
//!
//! Every kind of rule lies in a file of its own: its configuration and its evaluator. A rule
//! sees every accepted movement of the sources once, in report order, and states its violations, in every language.
//! Sums are per group and currency; what is stated of groups is in the order of their names.

pub mod aggregates_equal;
pub mod allowed_values;
pub mod balance;
pub mod carried;
mod groups;
pub mod in_memory;
mod key;
pub mod limits;
pub mod pairing;
pub mod range;
pub mod reference;
pub mod roll_forward;
pub mod sequence;
pub mod tables;
pub mod three_way;
pub mod uniqueness;
mod value_set;
pub mod warehouse_sql;

#[cfg(test)]
mod model;
#[cfg(test)]
pub(crate) mod testing;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::Date;

pub use carried::{Before, Carry, Located, Origin};

use crate::config::{Check, Rule};
use crate::end_to_end::Place;
use crate::money::{Currency, Overflow, Total};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{Noun, Said, counted};
use crate::suggest::nearest;

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
    pub reason: Said,
}

impl Violation {
    /// A violation of one movement, about one of its fields.
    fn of_movement(columns: &Columns<'_>, row: usize, field: Field, reason: Said) -> Self {
        let currency: Option<Currency> = columns.text(Field::Currency, row).and_then(|code| code.parse().ok());
        Self {
            source: columns.text(Field::Source, row).map(str::to_owned),
            place: Some(Place::of(columns, row)),
            column: Some(field.name().to_owned()),
            found: columns.shown(field, row),
            expected: None,
            money: currency.map(|currency| (currency, columns.amount.value(row))),
            reason,
        }
    }
}

/// Takes what an evaluator states, one thing at a time, so that none need be held.
pub trait Out {
    /// A violation.
    fn violation(&mut self, violation: Violation);

    /// Gathers an item, to be given back by [`Evaluator::gathered`] next to the others of its key.
    fn gather(&mut self, key: &[u8], payload: &[u8]);

    /// Keeps an item, to be given back by [`Evaluator::sorted`] in the order of keys, then payloads, as bytes. No key
    /// may be the beginning of another.
    fn keep(&mut self, key: &[u8], payload: &[u8]);

    /// Leaves something to the filing of the next day, in an order that the data alone decides. Only rules that
    /// [carry](carries) may.
    fn carry(&mut self, carry: Carry);

    /// A movement of a match. Only rules that [list matches](lists_matches) may state any.
    fn matched(&mut self, matched: Matched);
}

/// One movement of a match that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The match, counted from 1 in the rule.
    pub number: u64,
    /// By what its movements belong together, in words.
    pub criterion: Said,
    /// The side of this one, in words.
    pub side: Said,
    /// What its group goes by, such as `reference=A1`.
    pub group: String,
    /// Where it lies.
    pub origin: Origin,
    /// Its business date.
    pub booked_on: Date,
    /// Its amount, in units of the day's scale.
    pub amount: Option<(Currency, i128)>,
}

/// What is there to judge a rule by, besides movements.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Decimal places in which amounts are staged.
    pub scale: u32,
    /// Reference data.
    pub datasets: &'a Datasets,
    /// Source and name of the input files that places refer to.
    pub files: &'a [(String, String)],
    /// The day.
    pub business_date: Date,
    /// The filing that the rule takes over from, or why there is none.
    pub before: Result<Before<'a>, &'a Said>,
    /// Whether every row of the warehouse is there to be looked at, or why not.
    pub warehouse: Result<(), &'a Said>,
    /// Whether answers of the warehouse are bounded and their columns read, as they are from format 4 on.
    pub reads_answers: bool,
}

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
    pub fn column(&self, name: &str) -> Result<usize, Said> {
        let named = |(_, header): &(usize, &String)| header.eq_ignore_ascii_case(name);
        let mut columns = self.header.iter().enumerate().filter(named).map(|(column, _)| column);
        let names = self.header.join(", ");
        match (columns.next(), columns.next()) {
            (Some(column), None) => Ok(column),
            (None, _) => {
                let meant = nearest(name, self.header.iter().map(String::as_str));
                let meant = meant.map_or_else(Said::default, |meant| {
                    said!("; did you mean `{meant}`?", "; ¿quiso decir `{meant}`?")
                });
                Err(said!(
                    "the dataset has no column `{name}`; it has {names}{meant}",
                    "el conjunto no tiene la columna `{name}`; tiene {names}{meant}"; meant
                ))
            }
            _ => Err(said!(
                "the dataset has several columns `{name}`; it has {names}",
                "el conjunto tiene varias columnas `{name}`; tiene {names}"
            )),
        }
    }

    /// The cell of a 0-based row and column; `None` where empty.
    fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.rows.get(row)?.get(column)?.as_deref().filter(|value| !value.is_empty())
    }
}

/// Reference data by dataset id: the table, or why it could not be had. SQL rules find their
/// rows under their own rule id.
pub type Datasets = BTreeMap<String, Result<DatasetTable, Said>>;

/// A dataset that a rule needs, or why it could not be had.
fn dataset<'a>(datasets: &'a Datasets, id: &str) -> Result<&'a DatasetTable, Said> {
    match datasets.get(id) {
        Some(Ok(table)) => Ok(table),
        Some(Err(reason)) => Err(said!("dataset `{id}`: {reason}", "conjunto `{id}`: {reason}"; reason)),
        None => Err(said!("there is no dataset `{id}`", "no hay ningún conjunto `{id}`")),
    }
}

/// The evaluation of one rule in one pass: built by [`evaluator`], shown the movements of every batch that the
/// rule's `only` lets through ([`select`]), given back what it gathered, then what it kept, then finished. It holds
/// little itself, however many movements there are.
pub trait Evaluator: Send {
    /// Takes over one thing that the filing before carried of this rule, before any movement is looked at; `Err`
    /// where the rule cannot be evaluated with it.
    fn take_over(&mut self, _carry: &Carry, _out: &mut dyn Out) -> Result<(), Said> {
        Ok(())
    }

    /// Looks at these rows (0-based, ascending) of a batch; `Err` when a total overflows.
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow>;

    /// Whether it has to see the rows of the warehouse. It may ask for them only where they are
    /// [there](Given::warehouse).
    fn wants_warehouse(&self) -> bool {
        false
    }

    /// Looks at these rows (0-based, ascending) of a batch of the warehouse, after the movements.
    fn observe_warehouse(&mut self, _columns: &Columns<'_>, _rows: &[u32], _out: &mut dyn Out) -> Result<(), Overflow> {
        Ok(())
    }

    /// What it sums per group, where it does.
    fn gathers(&mut self) -> Option<&mut dyn Gathers> {
        None
    }

    /// After the last batch: lets go of what it holds still, by [`Out::gather`] and [`Out::keep`].
    fn observed_all(&mut self, out: &mut dyn Out) {
        if let Some(gathers) = self.gathers() {
            gathers.give_up(out);
        }
    }

    /// Takes back one item of those gathered. Those of a key come one after the other; besides that their order is one that
    /// nothing may depend on, so that what is stated is mostly left to [`Evaluator::sorted`].
    fn gathered(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        self.gathers().map_or(Ok(()), |gathers| gathers.gathered(key, payload, out))
    }

    /// After the last item that was gathered.
    fn gathered_all(&mut self, out: &mut dyn Out) {
        if let Some(gathers) = self.gathers() {
            gathers.gathered_all(out);
        }
    }

    /// Takes back one item of those kept, in the order of keys, then payloads.
    fn sorted(&mut self, _key: &[u8], _payload: &[u8], _out: &mut dyn Out) -> Result<(), Overflow> {
        Ok(())
    }

    /// States what only the whole day shows, and how the rule went, in words (`added up 340
    /// movements in 12 groups`, say; the caller adds the number of violations).
    fn finish(self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow>;
}

/// Sums per group whose parts are gathered, as [`Evaluator`] says.
pub trait Gathers {
    /// Gives up every part that is held.
    fn give_up(&mut self, out: &mut dyn Out);

    /// Takes back a part. Those of a group come one after the other.
    fn gathered(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow>;

    /// Every part was taken back.
    fn gathered_all(&mut self, out: &mut dyn Out);
}

/// The evaluator of a rule, or why it cannot be evaluated (its verdict is then `notEvaluated`).
pub fn evaluator(rule: &Rule, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
    match &rule.check {
        Check::Balance(check) => check.evaluator(given.scale),
        Check::Reference(check) => check.evaluator(given.datasets),
        Check::Uniqueness(check) => check.evaluator(given.scale),
        Check::AllowedValues(check) => check.evaluator(),
        Check::Range(check) => check.evaluator(given.scale),
        Check::RollForward(check) => check.evaluator(given),
        Check::AggregatesEqual(check) => check.evaluator(given.scale),
        Check::Pairing(check) => check.evaluator(given),
        Check::Limits(check) => check.evaluator(given),
        Check::Sequence(check) => check.evaluator(given),
        Check::ThreeWay(check) => check.evaluator(given),
        Check::WarehouseSql(check) => check.evaluator(&rule.id, given),
    }
}

/// Whether a rule's own settings hold together, told without data: what is refused here could
/// not be evaluated in any night.
pub fn settings(rule: &Rule, scale: u32) -> Result<(), Said> {
    match &rule.check {
        Check::Reference(_) => Ok(()),
        Check::WarehouseSql(check) => check.settings(),
        Check::RollForward(check) => check.settings(scale).map(drop),
        Check::Limits(check) => check.settings(scale).map(drop),
        Check::Sequence(check) => check.settings().map(drop),
        Check::Pairing(check) => check.settings(scale).map(drop),
        Check::ThreeWay(check) => check.settings(scale).map(drop),
        _ => {
            let (datasets, none) = (&Datasets::new(), &Said::default());
            let (before, warehouse, business_date) = (Err(none), Err(none), Date::MIN);
            let given = Given { scale, datasets, files: &[], business_date, before, warehouse, reads_answers: true };
            evaluator(rule, given).map(drop)
        }
    }
}

/// Whether a rule carries anything from filing to filing.
pub fn carries(rule: &Rule) -> bool {
    match &rule.check {
        Check::RollForward(check) => check.carried_from.is_some(),
        Check::Sequence(check) => check.carried_from.is_some(),
        Check::Pairing(check) => check.carried_from.is_some(),
        _ => false,
    }
}

/// Whether a rule lists the matches it finds.
pub fn lists_matches(rule: &Rule) -> bool {
    matches!(&rule.check, Check::Pairing(check) if check.list_matches)
}

/// Whether a rule adds up the rows of the warehouse.
pub fn sums_warehouse(rule: &Rule) -> bool {
    matches!(&rule.check, Check::ThreeWay(check) if check.warehouse.is_none())
}

/// Whether a movement is among those that a rule (or one side of it) is about.
pub fn concerns(only: &BTreeMap<Field, Vec<String>>, columns: &Columns<'_>, row: usize) -> bool {
    only.iter().all(|(&field, values)| {
        value(field, columns, row).is_some_and(|shown| values.iter().any(|value| *value == shown))
    })
}

/// The rows (0-based) of a batch that a rule is about, in order.
pub fn select(only: &BTreeMap<Field, Vec<String>>, columns: &Columns<'_>) -> Vec<u32> {
    among((0..columns.rows() as u32).collect(), only, columns)
}

/// Those of some rows that a rule (or one side of it) is about.
fn among(mut rows: Vec<u32>, only: &BTreeMap<Field, Vec<String>>, columns: &Columns<'_>) -> Vec<u32> {
    for (&field, values) in only {
        let of = columns.values(field);
        rows.retain(|&row| of.is_among(values, row as usize));
    }
    rows
}

/// A value as [`Columns::shown`] gives it, copied only where it must be; `None` where empty.
fn value<'a>(field: Field, columns: &Columns<'a>, row: usize) -> Option<Cow<'a, str>> {
    columns.values(field).at(row)
}

/// Leaves the rows out where a movement has no value of one of these fields; how many.
fn leave_out_empty(fields: &[Field], columns: &Columns<'_>, rows: &mut Vec<u32>) -> u64 {
    let all = rows.len();
    for &field in fields {
        let of = columns.values(field);
        rows.retain(|&row| of.is_there(row as usize));
    }
    (all - rows.len()) as u64
}

/// What to add to an explanation where movements had none of a field.
fn without(movements: u64, field: &str) -> Said {
    match movements {
        0 => Said::default(),
        1 => said!("; 1 movement has no {field}", "; 1 movimiento no tiene {field}"),
        _ => said!("; {movements} movements have no {field}", "; {movements} movimientos no tienen {field}"),
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
fn tolerance(text: Option<&str>, reason: Option<&str>, scale: u32) -> Result<Tolerance, Said> {
    let reason = reason.map(str::trim).unwrap_or_default().to_owned();
    let Some(text) = text else { return Ok(Tolerance { minor: 0, shown: "0".to_owned(), reason }) };
    let total = Total::parse(text, scale).filter(|total| total.minor >= 0);
    let minor = total
        .ok_or_else(|| {
            said!(
                "the tolerance `{text}` is no decimal >= 0 of {scale} decimals",
                "la tolerancia `{text}` no es un decimal >= 0 de {scale} decimales"
            )
        })?
        .minor;
    match reason.is_empty() {
        true => Err(said!("a tolerance needs a `tolerance_reason`", "una tolerancia requiere `tolerance_reason`")),
        false => Ok(Tolerance { minor, shown: text.to_owned(), reason }),
    }
}

impl Tolerance {
    fn allows(&self, difference: i128) -> bool {
        difference.unsigned_abs() <= self.minor.unsigned_abs()
    }

    /// What to add to an explanation when the tolerance was needed `used` times.
    fn explain(&self, used: u64, what: Noun) -> Said {
        if used == 0 {
            return Said::default();
        }
        let (Self { shown, reason, .. }, used) = (self, counted(used, what));
        said!(
            "; a tolerance of {shown} was used for {used}: {reason}",
            "; se usó una tolerancia de {shown} para {used}: {reason}"; used
        )
    }
}
