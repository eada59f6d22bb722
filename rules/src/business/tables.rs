//! Amounts of groups in a dataset.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::DatasetTable;
use crate::money::{Currency, Total};
use crate::movement::Field;
use crate::said;
use crate::said::Said;

/// Fields that make a group, each with the column of a dataset that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum GroupBy {
    /// Columns are called as the fields are.
    Fields(Vec<Field>),
    /// Field to its column.
    Columns(BTreeMap<Field, String>),
}

/// Told apart by what is written, so that an error is about the field that is wrong in it.
impl<'de> Deserialize<'de> for GroupBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = GroupBy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of fields, or a table of fields and their columns")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, fields: S) -> Result<GroupBy, S::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(fields)).map(GroupBy::Fields)
            }

            fn visit_map<M: MapAccess<'de>>(self, columns: M) -> Result<GroupBy, M::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(columns)).map(GroupBy::Columns)
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl GroupBy {
    /// The fields, in order.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Fields(fields) => fields.clone(),
            Self::Columns(columns) => columns.keys().copied().collect(),
        }
    }

    /// Whether its fields are these, in any order.
    pub(super) fn has(&self, fields: &[Field]) -> bool {
        let (mut own, mut theirs) = (self.fields(), fields.to_vec());
        own.sort();
        theirs.sort();
        own == theirs
    }

    /// The 0-based columns of these fields, which it has.
    pub(super) fn columns_of(&self, fields: &[Field], table: &DatasetTable) -> Result<Vec<usize>, Said> {
        let (own, columns) = (self.fields(), self.columns(table)?);
        let column = |field: &Field| own.iter().position(|other| other == field).and_then(|n| columns.get(n).copied());
        Ok(fields.iter().filter_map(column).collect())
    }

    /// The 0-based columns, in the order of the fields.
    pub(super) fn columns(&self, table: &DatasetTable) -> Result<Vec<usize>, Said> {
        match self {
            Self::Fields(fields) => fields.iter().map(|field| table.column(field.name())).collect(),
            Self::Columns(columns) => columns.values().map(|name| table.column(name)).collect(),
        }
    }
}

/// Makes sure that amounts have a currency: all the same one, or one of a column.
pub(super) fn money(currency: &Option<String>, column: &Option<String>) -> Result<(), Said> {
    match currency {
        Some(code) => code.parse::<Currency>().map(drop).map_err(|_| not_a_currency(code)),
        None if column.is_some() => Ok(()),
        None => Err(said!(
            "the balances have no currency: give `currency` or `currency_column`",
            "los saldos no tienen moneda: indique `currency` o `currency_column`"
        )),
    }
}

/// What currency the amounts of a dataset are in.
pub(super) struct Currencies {
    all: Option<Currency>,
    column: Option<usize>,
}

impl Currencies {
    /// The currency of all, or where no cell says it; and the column that says it.
    pub fn of(table: &DatasetTable, all: &Option<String>, column: &Option<String>) -> Result<Self, Said> {
        let read = |code: &String| code.parse().map_err(|_| not_a_currency(code));
        let column = column.as_ref().map(|name| table.column(name)).transpose()?;
        Ok(Self { all: all.as_ref().map(read).transpose()?, column })
    }

    /// That of a row.
    pub fn at(&self, table: &DatasetTable, row: usize) -> Result<Currency, Said> {
        let wrong = |reason| at(table, row, self.column, reason);
        match (self.column.and_then(|column| table.cell(row, column)), self.all) {
            (Some(code), _) => code.parse().map_err(|_| wrong(not_a_currency(code))),
            (None, Some(currency)) => Ok(currency),
            (None, None) => Err(wrong(said!("the currency is empty", "la moneda está vacía"))),
        }
    }
}

fn not_a_currency(code: &str) -> Said {
    said!("`{code}` is not an ISO 4217 currency code", "`{code}` no es un código de moneda ISO 4217")
}

/// An amount, in units of the day's scale.
pub(super) fn amount(table: &DatasetTable, row: usize, column: usize, scale: u32) -> Result<i128, Said> {
    let text = table.cell(row, column).unwrap_or_default();
    decimal(text, scale).map_err(|reason| at(table, row, Some(column), reason))
}

/// A decimal, in units of the day's scale.
pub(super) fn decimal(text: &str, scale: u32) -> Result<i128, Said> {
    let total = Total::parse(text, scale).ok_or_else(|| {
        said!("`{text}` is no decimal of {scale} decimals", "`{text}` no es un decimal de {scale} decimales")
    });
    Ok(total?.minor)
}

/// A reason with the row of a dataset, and the column.
pub(super) fn at(table: &DatasetTable, row: usize, column: Option<usize>, reason: Said) -> Said {
    let row = row + 1;
    match column.and_then(|column| table.header.get(column)) {
        Some(name) => said!(
            "row {row}, column `{name}` of the dataset: {reason}",
            "fila {row}, columna `{name}` del conjunto: {reason}"; reason
        ),
        None => said!("row {row} of the dataset: {reason}", "fila {row} del conjunto: {reason}"; reason),
    }
}
