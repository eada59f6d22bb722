//! `changes.csv`: what a filing changes against the one of its day that it supersedes, for people.
//!
//! First a row per movement that was added or removed, and per changed column of one that changed; then
//! every total before and after. In each currency the `difference` of the movements' rows adds up to that
//! of the report's `net`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use cuadre_rules::money::{Currency, Overflow, Total, at_own_scale};
use serde::{Deserialize, Serialize};

use crate::ReportError;
use crate::line::{Lines, Style, is_plain_decimal};
use crate::summary::{Summary, Sums};

const COLUMNS: [&str; 13] = [
    "change",
    "source",
    "key",
    "kind",
    "currency",
    "column",
    "before",
    "after",
    "difference",
    "before_file",
    "before_record",
    "after_file",
    "after_record",
];

/// Columns of values, in which a plain decimal stays as it is.
const VALUES: [&str; 4] = ["key", "before", "after", "difference"];

/// What became of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// A column of it has another value.
    Changed,
}

impl Change {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A row about a movement.
#[derive(Debug, Clone)]
pub struct MovementChange {
    /// What became of it.
    pub change: Change,
    /// Its source.
    pub source: String,
    /// What identifies it; empty where the source has no key.
    pub key: String,
    /// Its kind.
    pub kind: Option<String>,
    /// Its currency.
    pub currency: Currency,
    /// The changed column.
    pub column: Option<String>,
    /// The column's value in the filing that is superseded, or the removed movement.
    pub before: Option<String>,
    /// The column's value now, or the added movement.
    pub after: Option<String>,
    /// What the row adds to the total of its currency.
    pub difference: Option<Total>,
    /// Where it was: input file and 1-based record.
    pub was_at: Option<(String, u64)>,
    /// Where it is now.
    pub is_at: Option<(String, u64)>,
}

/// A row about a movement as it is read back: every cell as text. A `'` at the head of one stays, since it may be
/// of the text itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
#[allow(missing_docs)] // The names are the columns of `changes.csv`.
pub struct MovementRow {
    pub change: String,
    pub source: String,
    pub key: String,
    pub kind: String,
    pub currency: String,
    pub column: String,
    pub before: String,
    pub after: String,
    pub difference: String,
    pub before_file: String,
    pub before_record: String,
    pub after_file: String,
    pub after_record: String,
}

/// The first rows about movements in `changes.csv`, and how many there are.
///
/// # Errors
/// Where the file cannot be read, or is no `changes.csv`.
pub fn first_movements(file: impl Read, most: usize) -> io::Result<(Vec<MovementRow>, u64)> {
    let mut reader = csv::Reader::from_reader(file);
    let columns = reader.headers()?.clone();
    let (mut rows, mut all, mut row) = (Vec::new(), 0, csv::StringRecord::new());
    while reader.read_record(&mut row)? && row.get(0).is_some_and(|change| CHANGES.contains(&change)) {
        all += 1;
        if rows.len() < most {
            rows.push(row.deserialize(Some(&columns))?);
        }
    }
    Ok((rows, all))
}

/// What stands in the first column of a row about a movement.
const CHANGES: [&str; 3] = ["added", "removed", "changed"];

/// Writes `changes.csv` (UTF-8, LF). Cells that a spreadsheet would execute start with `'`; plain decimals
/// stay as they are in the columns that hold values.
pub struct ChangesCsv<W> {
    lines: Lines,
    out: W,
}

/// The sums of a group before and after, by currency.
type Both = [BTreeMap<Currency, Sums>; 2];

impl<W: Write> ChangesCsv<W> {
    /// Begins with the header.
    ///
    /// # Errors
    /// None but those of every write.
    pub fn new(out: W) -> Result<Self, ReportError> {
        let mut lines = Lines::new(Style::PLAIN);
        COLUMNS.iter().try_for_each(|name| lines.cell(name)).map_err(impossible)?;
        lines.end();
        Ok(Self { lines, out })
    }

    /// Writes a row about a movement.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub fn movement(&mut self, row: &MovementChange) -> Result<(), ReportError> {
        let difference = row.difference.map(|total| total.to_string()).unwrap_or_default();
        let record = |place: &Option<(String, u64)>| place.as_ref().map_or(String::new(), |(_, n)| n.to_string());
        let file = |place: &Option<(String, u64)>| place.as_ref().map_or(String::new(), |(name, _)| name.clone());
        self.line([
            row.change.name(),
            &row.source,
            &row.key,
            shown(&row.kind),
            row.currency.code(),
            shown(&row.column),
            shown(&row.before),
            shown(&row.after),
            &difference,
            &file(&row.was_at),
            &record(&row.was_at),
            &file(&row.is_at),
            &record(&row.is_at),
        ])
    }

    /// Writes every total: of the report, of each of the given sources, in this order, and of each group of
    /// `summary.csv`. Both summaries have the same scale.
    ///
    /// # Errors
    /// [`ReportError::Overflow`], [`ReportError::Io`].
    pub fn totals(&mut self, before: &Summary, after: &Summary, sources: &[&str]) -> Result<(), ReportError> {
        let scale = after.scale().or(before.scale()).unwrap_or_default();
        let (mut report, mut by_source, mut by_kind) = (Both::default(), Vec::new(), Vec::new());
        for source in sources {
            let kinds = [before.of(source), after.of(source)];
            let names: BTreeSet<String> = kinds.iter().flat_map(|side| side.keys().cloned()).collect();
            let mut whole = Both::default();
            for kind in names {
                let sums = kinds.each_ref().map(|side| side.get(&kind).cloned().unwrap_or_default());
                add(&mut whole, &sums)?;
                by_kind.push((source, kind, sums));
            }
            add(&mut report, &whole)?;
            by_source.push((source, whole));
        }
        self.sums(["report_total", "", ""], &report, scale)?;
        for (source, sums) in &by_source {
            self.sums(["source_total", source, ""], sums, scale)?;
        }
        by_kind.iter().try_for_each(|(source, kind, sums)| self.sums(["kind_total", source, kind], sums, scale))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub fn finish(mut self) -> Result<W, ReportError> {
        self.lines.drain(&mut self.out)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes the sums of one group: what the total is called, its source and kind.
    fn sums(&mut self, [name, source, kind]: [&str; 3], sides: &Both, scale: u32) -> Result<(), ReportError> {
        let currencies: BTreeSet<Currency> = sides.iter().flat_map(|side| side.keys().copied()).collect();
        for currency in currencies {
            let [before, after] = sides.each_ref().map(|side| side.get(&currency).copied().unwrap_or_default());
            let money = |minor: i128| at_own_scale(currency, minor, scale).to_string();
            let count = |records: i128| records.to_string();
            type Shown<'a> = &'a dyn Fn(i128) -> String;
            for (column, before, after, shown) in [
                ("records", before.records.into(), after.records.into(), &count as Shown<'_>),
                ("credits", before.credits, after.credits, &money),
                ("debits", before.debits, after.debits, &money),
                ("net", before.net(), after.net(), &money),
            ] {
                let difference = i128::checked_sub(after, before).ok_or(Overflow).map_err(overflow)?;
                let values = [before, after, difference].map(shown);
                let [before, after, difference] = values.each_ref().map(String::as_str);
                let code = currency.code();
                self.line([name, source, "", kind, code, column, before, after, difference, "", "", "", ""])?;
            }
        }
        Ok(())
    }

    fn line(&mut self, cells: [&str; COLUMNS.len()]) -> Result<(), ReportError> {
        for (column, text) in COLUMNS.iter().zip(cells) {
            let plain = VALUES.contains(column) && is_plain_decimal(text);
            let written = if plain { self.lines.cell(text) } else { self.lines.inert_cell(text) };
            written.map_err(impossible)?;
        }
        self.lines.end();
        Ok(self.lines.pass_on(&mut self.out)?)
    }
}

fn add(sums: &mut Both, more: &Both) -> Result<(), ReportError> {
    for (sums, more) in sums.iter_mut().zip(more) {
        let mut each = more.iter();
        each.try_for_each(|(&currency, more)| sums.entry(currency).or_default().merge(more)).map_err(overflow)?;
    }
    Ok(())
}

fn shown(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

fn overflow(source: Overflow) -> ReportError {
    ReportError::Overflow { what: "the totals of changes.csv", source }
}

/// UTF-8 has every character.
fn impossible(character: char) -> ReportError {
    ReportError::Batch { why: format!("UTF-8 lacks {character:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Movement, batch};

    fn summary(scale: u32, movements: &[(&'static str, Option<&'static str>, &'static str, i128)]) -> Summary {
        let movements = movements.iter().map(|&(source, kind, currency, minor)| Movement {
            source,
            kind,
            ..Movement::of(minor, currency)
        });
        let mut summary = Summary::new();
        summary.observe(&batch(scale, &movements.collect::<Vec<_>>())).unwrap();
        summary
    }

    fn written(write: impl FnOnce(&mut ChangesCsv<Vec<u8>>)) -> Vec<String> {
        let mut csv = ChangesCsv::new(Vec::new()).unwrap();
        write(&mut csv);
        let text = String::from_utf8(csv.finish().unwrap()).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn movements_and_cells_that_a_spreadsheet_executes() {
        let money = |minor| Some(Total { minor, scale: 2 });
        let place = |record| Some(("=a.csv".to_owned(), record));
        let text = |text: &str| Some(text.to_owned());
        let changed = MovementChange {
            change: Change::Changed,
            source: "core".to_owned(),
            key: "-7".to_owned(),
            kind: text("@x"),
            currency: "MXN".parse().unwrap(),
            column: text("amount"),
            before: text("-1.00"),
            after: text("-1.50"),
            difference: money(-50),
            was_at: place(1),
            is_at: place(2),
        };
        let added = MovementChange {
            change: Change::Added,
            key: "+7".to_owned(),
            kind: None,
            column: None,
            before: None,
            after: text("=1+1, \"x\""),
            difference: money(5),
            was_at: None,
            ..changed.clone()
        };
        let lines = written(|csv| [&changed, &added].iter().for_each(|row| csv.movement(row).unwrap()));
        let expected = [
            "changed,core,-7,'@x,MXN,amount,-1.00,-1.50,-0.50,'=a.csv,1,'=a.csv,2",
            "added,core,'+7,,MXN,,,\"'=1+1, \"\"x\"\"\",0.05,,,'=a.csv,2",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn totals_of_either_side_and_of_different_scales() {
        let before =
            summary(2, &[("a", Some("in"), "MXN", 100), ("a", Some("in"), "MXN", -30), ("b", None, "JPY", 500)]);
        let after =
            summary(3, &[("a", Some("in"), "MXN", 1000), ("a", Some("out"), "KWD", -5), ("c", None, "MXN", 10)]);
        let before = before.at_scale(3).unwrap();
        let lines = written(|csv| csv.totals(&before, &after, &["c", "a", "b"]).unwrap());
        let nets: Vec<&str> = lines.iter().filter(|line| line.contains(",net,")).map(String::as_str).collect();
        let expected = [
            "report_total,,,,JPY,net,5,0,-5,,,,",
            "report_total,,,,KWD,net,0.000,-0.005,-0.005,,,,",
            "report_total,,,,MXN,net,0.70,1.01,0.31,,,,",
            "source_total,c,,,MXN,net,0.00,0.01,0.01,,,,",
            "source_total,a,,,KWD,net,0.000,-0.005,-0.005,,,,",
            "source_total,a,,,MXN,net,0.70,1.00,0.30,,,,",
            "source_total,b,,,JPY,net,5,0,-5,,,,",
            "kind_total,c,,,MXN,net,0.00,0.01,0.01,,,,",
            "kind_total,a,,in,MXN,net,0.70,1.00,0.30,,,,",
            "kind_total,a,,out,KWD,net,0.000,-0.005,-0.005,,,,",
            "kind_total,b,,,JPY,net,5,0,-5,,,,",
        ];
        assert_eq!(nets, expected);
        let of_a: Vec<&str> =
            lines.iter().filter(|line| line.starts_with("kind_total,a,,in")).map(String::as_str).collect();
        let expected = [
            "kind_total,a,,in,MXN,records,2,1,-1,,,,",
            "kind_total,a,,in,MXN,credits,1.00,1.00,0.00,,,,",
            "kind_total,a,,in,MXN,debits,-0.30,0.00,0.30,,,,",
            "kind_total,a,,in,MXN,net,0.70,1.00,0.30,,,,",
        ];
        assert_eq!(of_a, expected);
    }

    #[test]
    fn a_difference_beyond_38_digits_is_an_error() {
        let most = 10i128.pow(28) - 1;
        // Each fits an i128, and their difference does not.
        let sums = |sign: i128| summary(0, &[("a", None, "JPY", sign * most)]).at_scale(10).unwrap();
        let mut csv = ChangesCsv::new(Vec::new()).unwrap();
        let error = csv.totals(&sums(-1), &sums(1), &["a"]).unwrap_err();
        assert!(matches!(error, ReportError::Overflow { .. }));
    }
}
