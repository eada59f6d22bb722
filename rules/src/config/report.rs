//! The layout of the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::source::Encoding;
use super::yes;
use crate::movement::Field;

/// The layout of `report.csv` and `report.parquet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The columns, in order.
    pub columns: Vec<ReportColumn>,
    /// One ASCII character between fields of `report.csv`.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Encoding of `report.csv`; a character it lacks stops the filing.
    #[serde(default = "utf8")]
    pub encoding: Encoding,
    /// Whether a line with the column names comes first.
    #[serde(default = "yes")]
    pub header: bool,
    /// End lines with CR LF instead of LF.
    #[serde(default)]
    pub crlf: bool,
    /// Decimal mark of amounts.
    #[serde(default = "dot")]
    pub decimal: char,
    /// A line before everything, such as `H|{institution}|{date:%Y%m%d}|{records}`.
    #[serde(default)]
    pub header_record: Option<String>,
    /// A line after everything, such as `T|{records}|{amount:MXN}`.
    #[serde(default)]
    pub trailer_record: Option<String>,
    /// Put `'` before texts that a spreadsheet would execute. Amounts are never touched.
    #[serde(default)]
    pub neutralise_text: bool,
}

/// One column of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportColumn {
    /// The field it shows.
    pub field: Field,
    /// Its name; the field's own where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// `strftime` pattern of dates and instants (`report.csv` only).
    #[serde(default)]
    pub format: Option<String>,
}

impl ReportColumn {
    /// The column's name in the report.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.field.name())
    }
}

fn comma() -> char {
    ','
}

fn dot() -> char {
    '.'
}

fn utf8() -> Encoding {
    Encoding::Utf8
}
