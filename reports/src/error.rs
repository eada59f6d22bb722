//! The one error of this crate: what failed, where, why, and what to do.

use std::fmt;
use std::io;

use arrow_schema::ArrowError;
use cuadre_rules::money::Overflow;
use cuadre_rules::movement::Field;
use parquet::errors::ParquetError;

/// A report that cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The `[report]` section of the configuration asks for what cannot be.
    #[error("[report] {setting}: {why}; {remedy}")]
    Layout {
        /// The setting.
        setting: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The report's encoding lacks a character.
    #[error(
        "{place}: the character {character:?} (U+{:04X}) does not exist in {encoding}; set `report.encoding` to one \
         that has it, such as utf-8, or have the text corrected at its source",
        u32::from(*character)
    )]
    Unencodable {
        /// Where it stands.
        place: Place,
        /// The character.
        character: char,
        /// The encoding, as the configuration calls it.
        encoding: &'static str,
    },
    /// The rows written are not those that header and trailer state.
    #[error("the report's header states {stated}, {written} were written; this is a bug: nothing may be filed")]
    Disagrees {
        /// What [`crate::Header`] says.
        stated: String,
        /// What the rows add up to.
        written: String,
    },
    /// A batch is not one of canonical movements.
    #[error("a batch of movements is not as it must be: {why}; this is a bug: nothing may be filed")]
    Batch {
        /// What is wrong with it.
        why: String,
    },
    /// A sum left the range of 128-bit integers.
    #[error("{what}: {source}; split the day into several series")]
    Overflow {
        /// What was summed.
        what: &'static str,
        /// Why.
        source: Overflow,
    },
    /// The built-in template of `report.html` fails.
    #[error("report.html cannot be made: {why}; this is a bug: nothing may be filed")]
    Page {
        /// What it fails at.
        why: String,
    },
    /// The report cannot be written.
    #[error("the report cannot be written: {0}; see that the disk is there and has room, and run again")]
    Io(#[from] io::Error),
    /// The Parquet writer failed.
    #[error("report.parquet cannot be written: {0}; this is a bug: nothing may be filed")]
    Parquet(ParquetError),
    /// The workbook's writer failed.
    #[error("report.xlsx cannot be written: {why}; this is a bug: nothing may be filed")]
    Workbook {
        /// Why.
        why: String,
    },
    /// A batch cannot be taken apart.
    #[error("a batch of movements cannot be taken apart: {0}; this is a bug: nothing may be filed")]
    Arrow(#[from] ArrowError),
}

impl From<ParquetError> for ReportError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => Self::Io(*io),
                Err(inner) => Self::Parquet(ParquetError::External(inner)),
            },
            error => Self::Parquet(error),
        }
    }
}

/// Where in a report something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A field of a movement.
    Cell {
        /// The field.
        field: Field,
        /// 0-based index of the input file within the day.
        file: i32,
        /// 1-based record number within that file.
        record: i64,
    },
    /// A column's name in the header line.
    Name(String),
    /// `header_record` or `trailer_record`.
    Record(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell { field, file, record } => {
                write!(f, "field {field}, record {record} of input file number {file} (counted from 0)")
            }
            Self::Name(name) => write!(f, "the name of the column `{name}`"),
            Self::Record(name) => write!(f, "[report] {name}"),
        }
    }
}
