//! The violations that a case lists against those that were found.

use super::table::Table;
use crate::business::Violation;
use crate::config::{Language, Message};
use crate::money::at_own_scale;

/// A violation, as a case lists it: a value per column of [`Line::COLUMNS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line([Option<String>; Line::COLUMNS.len()]);

/// Whether a violation is as the case has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was found, and nothing says that it should not have been.
    Found,
    /// The case lists it, and it was not found.
    Missing,
    /// It was found, and the case does not list it.
    Surplus,
}

/// Violations in columns, each marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The violations: those found in the order in which the rule states them, then those missing in that of the case.
    pub lines: Vec<(Mark, Vec<String>)>,
}

impl Listing {
    /// Whether none is missing and none is surplus.
    pub fn agrees(&self) -> bool {
        self.lines.iter().all(|(mark, _)| *mark == Mark::Found)
    }
}

impl Line {
    /// The columns of a violation.
    pub const COLUMNS: [&'static str; 8] =
        ["record", "source", "column", "found", "expected", "amount", "currency", "reason"];

    /// The record that a violation is about, where it is about one.
    pub(super) fn record_of(violation: &Violation) -> Option<u64> {
        violation.place.map(|place| place.record)
    }

    /// A violation of a rule, which may be of a movement of `source`.
    pub(super) fn of(
        violation: &Violation,
        source: Option<String>,
        message: &Message,
        scale: u32,
        language: Language,
    ) -> Self {
        let source = violation.source.clone().or(source);
        let reason = message.say(violation, source.as_deref(), scale).into_language(language);
        Self([
            Self::record_of(violation).map(|record| record.to_string()),
            source,
            violation.column.clone(),
            violation.found.clone(),
            violation.expected.clone(),
            violation.money.map(|(currency, minor)| at_own_scale(currency, minor, scale).to_string()),
            violation.money.map(|(currency, _)| currency.to_string()),
            Some(reason),
        ])
    }

    /// Its values in these columns.
    fn values(&self, columns: &[String]) -> Vec<String> {
        let value = |name: &String| {
            let value = Self::COLUMNS.iter().zip(&self.0).find(|(column, _)| *column == name);
            shown(value.and_then(|(_, value)| value.as_deref()))
        };
        columns.iter().map(value).collect()
    }
}

/// A value as a table has it.
fn shown(value: Option<&str>) -> String {
    value.unwrap_or("-").to_owned()
}

/// Marks what was found by what is `listed`, as multisets in the columns that are listed; where nothing is, all that was
/// found is as it should be, in the columns that have a value.
pub(super) fn compare(listed: Option<&Table>, found: Vec<Line>) -> Listing {
    let Some(table) = listed else {
        let has_value = |n: &usize| found.iter().any(|line| line.0[*n].is_some());
        let header: Vec<String> =
            (0..Line::COLUMNS.len()).filter(has_value).map(|n| Line::COLUMNS[n].to_owned()).collect();
        let lines = found.iter().map(|line| (Mark::Found, line.values(&header))).collect();
        return Listing { header, lines };
    };
    let header = table.cells.header.clone();
    let row = |row: &Vec<Option<String>>| -> Vec<String> { row.iter().map(|value| shown(value.as_deref())).collect() };
    let mut missing: Vec<Vec<String>> = table.cells.rows.iter().map(row).collect();
    let mut mark = |line: &Line| {
        let values = line.values(&header);
        match missing.iter().position(|listed| *listed == values) {
            Some(n) => {
                missing.remove(n);
                (Mark::Found, values)
            }
            None => (Mark::Surplus, values),
        }
    };
    let mut lines: Vec<(Mark, Vec<String>)> = found.iter().map(&mut mark).collect();
    lines.extend(missing.into_iter().map(|values| (Mark::Missing, values)));
    Listing { header, lines }
}
