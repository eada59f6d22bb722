//! The warehouse's copy of the movements.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::source::{AmountFormat, Column, Extract};
use crate::movement::Field;

/// The warehouse's copy of the movements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Warehouse {
    /// Files, such as an UNLOAD: one row per movement, its source named by `columns.source`.
    Files(Box<Extract>),
    /// An SQLite database.
    Sqlite(Box<SqliteWarehouse>),
}

/// A table of an SQLite database. Amounts are TEXT or integer minor units; REAL is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteWarehouse {
    /// The database file, relative to the data folder.
    pub path: String,
    /// The table or view; its rows with `booked_on` equal to the business date are taken.
    pub table: String,
    /// Which column each field of the movement comes from; `source` and `booked_on` are needed.
    pub columns: BTreeMap<Field, Column>,
    /// How `booked_on` is written.
    #[serde(default = "iso")]
    pub date_format: String,
    /// Formats of `booked_at`, as for sources.
    #[serde(default)]
    pub timestamp_formats: Vec<String>,
    /// Time zone of instants without offset; the institution's where absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// How amounts are written.
    #[serde(default)]
    pub amount: AmountFormat,
}

fn iso() -> String {
    "%Y-%m-%d".to_owned()
}

impl Warehouse {
    /// Whether the warehouse's rows have this field.
    pub fn maps(&self, field: Field) -> bool {
        match self {
            Self::Files(extract) => extract.maps(field),
            Self::Sqlite(table) => {
                matches!(field, Field::Currency | Field::Amount) || table.columns.contains_key(&field)
            }
        }
    }
}
