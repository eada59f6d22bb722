//! Movements and datasets written as small tables: lines of cells parted by `|`, the names of the columns first.
//!
//! Blanks around a cell do not count, nor do empty lines, nor a `|` that begins and one that ends every line. An empty
//! cell, or `-`, is no value; `''` is a text without letters.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};

use jiff::civil::Date;

use crate::business::{Carry, DatasetTable};
use crate::money::{AMOUNT_DIGITS, Currency, Total};
use crate::movement::{FILE_COLUMN, Field, days_of, schema};
use crate::suggest::did_you_mean;

/// A table, and the 0-based line of its text that each row stands on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The cells.
    pub cells: DatasetTable,
    /// The line of the header, then one per row.
    pub lines: Vec<usize>,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The 0-based line of its text.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Wrong {
    fn at<T>(line: usize, message: impl Into<String>, help: impl Into<String>) -> Result<T, Self> {
        Err(Self { line, message: message.into(), help: help.into() })
    }
}

impl Table {
    /// Reads a table; one without any line has no column and no row.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let mut table = Self::default();
        for (n, line) in lines {
            let cells = split(line);
            if table.lines.is_empty() {
                table.cells.header = cells.iter().map(|cell| (*cell).to_owned()).collect();
            } else {
                let (found, columns) = (cells.len(), table.cells.header.len());
                if found != columns {
                    let help = format!("the columns are {}; write - where there is no value", table.names());
                    return Wrong::at(n, format!("{found} cells, where there are {columns} columns"), help);
                }
                table.cells.rows.push(cells.into_iter().map(value).collect());
            }
            table.lines.push(n);
        }
        Ok(table)
    }

    /// The names of its columns, in order.
    pub fn names(&self) -> String {
        self.cells.header.join(", ")
    }

    /// Refuses columns of other names, and two of one name.
    pub fn check_columns(&self, known: &[&str]) -> Result<(), Wrong> {
        let line = self.lines.first().copied().unwrap_or_default();
        for (n, name) in self.cells.header.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let help = did_you_mean(name, known.iter().copied(), &format!("there are {}", known.join(", ")));
                return Wrong::at(line, format!("no column is called `{name}`"), help);
            }
            if self.cells.header[..n].contains(name) {
                return Wrong::at(line, format!("two columns are called `{name}`"), "leave one of them out");
            }
        }
        Ok(())
    }

    /// The values of a column, or `None` where there is no such column.
    fn column(&self, name: &str) -> Option<Vec<Option<&str>>> {
        let column = self.cells.header.iter().position(|header| header == name)?;
        Some(self.cells.rows.iter().map(|row| row.get(column).and_then(Option::as_deref)).collect())
    }

    /// The most decimals of any currency in its column `currency`.
    pub fn scale(&self) -> u32 {
        let codes = self.column(Field::Currency.name()).into_iter().flatten().flatten();
        codes.filter_map(|code| code.parse::<Currency>().ok()).map(|currency| currency.scale()).max().unwrap_or(0)
    }

    /// It as movements, recorded from 1 on in file 0, in amounts of `scale` decimals. A field that it leaves out has
    /// its `usual` value.
    pub fn movements(&self, scale: u32, usual: &dyn Fn(Field) -> Option<String>) -> Result<RecordBatch, Wrong> {
        self.check_columns(&Field::ALL.map(Field::name))?;
        let rows = self.cells.rows.len();
        let mut columns = Vec::with_capacity(FILE_COLUMN + 2);
        for field in Field::ALL {
            columns.push(self.array(field, scale, usual)?);
        }
        columns.push(Arc::new(Int32Array::from(vec![0; rows])));
        columns.push(Arc::new(Int64Array::from_iter_values(1..=rows as i64)));
        let batch = RecordBatch::try_new(schema(scale), columns);
        batch.or_else(|error| Wrong::at(0, error.to_string(), "write fewer movements"))
    }

    /// It as what a filing left to the next, on the day `since` where no column says another; amounts have `scale`
    /// decimals. Columns other than `amount`, `currency` and `since` are values that tell one from another.
    pub fn carried(&self, since: Date, scale: u32) -> Result<Vec<Carry>, Wrong> {
        let carry = |(n, row): (usize, &Vec<Option<String>>)| {
            let line = self.lines.get(n + 1).copied().unwrap_or_default();
            let mut carry = Carry { values: Vec::new(), amount: None, since, origin: None };
            let (mut amount, mut currency) = (None, None);
            for (name, value) in self.cells.header.iter().zip(row) {
                match (name.as_str(), value) {
                    ("amount", value) => amount = value.as_deref(),
                    ("currency", value) => currency = value.as_deref(),
                    ("since", None) => {}
                    ("since", Some(text)) => match text.parse() {
                        Ok(date) => carry.since = date,
                        Err(_) => return Wrong::at(line, format!("`{text}` is no date"), "write it as 2026-12-31"),
                    },
                    _ => carry.values.push((name.clone().into(), value.clone().unwrap_or_default())),
                }
            }
            if let Some(text) = amount {
                let total = Total::parse(text, scale);
                let currency: Option<Currency> = currency.and_then(|code| code.parse().ok());
                carry.amount = currency.zip(total.map(|total| total.minor));
                if carry.amount.is_none() {
                    let message = format!("`{text}` is no decimal of {scale} decimals and a currency");
                    return Wrong::at(line, message, "give `amount` as -1234.56 and `currency` as MXN");
                }
            }
            Ok(carry)
        };
        self.cells.rows.iter().enumerate().map(carry).collect()
    }

    fn array(&self, field: Field, scale: u32, usual: &dyn Fn(Field) -> Option<String>) -> Result<ArrayRef, Wrong> {
        let usual = usual(field);
        let values = self.column(field.name()).unwrap_or_else(|| vec![usual.as_deref(); self.cells.rows.len()]);
        let line = |row: usize| self.lines.get(row + 1).copied().unwrap_or_default();
        let needed = || -> Result<Vec<&str>, Wrong> {
            let needed = |(row, value): (usize, Option<_>)| match value {
                Some(value) => Ok(value),
                None => Wrong::at(line(row), format!("a movement has no {field}"), "give it, or leave the column out"),
            };
            values.iter().copied().enumerate().map(needed).collect()
        };
        Ok(match field {
            Field::BookedOn => {
                let read = |(row, text): (usize, &&str)| match text.parse() {
                    Ok(date) => Ok(days_of(date)),
                    Err(_) => Wrong::at(line(row), format!("{field} `{text}` is no date"), "write it as 2026-12-31"),
                };
                let days: Vec<i32> = needed()?.iter().enumerate().map(read).collect::<Result<_, _>>()?;
                Arc::new(Date32Array::from_iter_values(days))
            }
            Field::BookedAt => {
                let help = "write date, time and offset, such as 2026-12-31T18:00:00Z";
                let read = |(row, text): (usize, &Option<&str>)| match text.map(str::parse::<jiff::Timestamp>) {
                    None => Ok(None),
                    Some(Ok(instant)) => Ok(Some(instant.as_microsecond())),
                    Some(Err(_)) => Wrong::at(line(row), format!("{field} is no instant"), help),
                };
                let instants: Vec<Option<i64>> = values.iter().enumerate().map(read).collect::<Result<_, _>>()?;
                Arc::new(TimestampMicrosecondArray::from_iter(instants).with_timezone("UTC"))
            }
            Field::Amount => {
                let read = |(row, text): (usize, &&str)| match Total::parse(text, scale) {
                    Some(total) => Ok(total.minor),
                    None => {
                        let message = format!("{field} `{text}` is no decimal of {scale} decimals");
                        Wrong::at(line(row), message, "write it as -1234.56, without thousands marks")
                    }
                };
                let minor: Vec<i128> = needed()?.iter().enumerate().map(read).collect::<Result<_, _>>()?;
                let array = Decimal128Array::from_iter_values(minor);
                match array.with_precision_and_scale(AMOUNT_DIGITS as u8, scale as i8) {
                    Ok(array) => Arc::new(array),
                    Err(error) => return Wrong::at(line(0), error.to_string(), "write smaller amounts"),
                }
            }
            Field::Source | Field::Currency => Arc::new(StringArray::from_iter_values(needed()?)),
            _ => Arc::new(StringArray::from_iter(values)),
        })
    }
}

fn split(line: &str) -> Vec<&str> {
    let line = line.trim();
    let bare = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')).unwrap_or(line);
    bare.split('|').map(str::trim).collect()
}

fn value(cell: &str) -> Option<String> {
    match cell {
        "" | "-" => None,
        "''" => Some(String::new()),
        _ => Some(cell.to_owned()),
    }
}
