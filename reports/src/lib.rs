//! Rendering a judged day to bytes: one format per file. The same day gives the same bytes: no
//! clock, no locale, no hash order; memory does not grow with the number of movements.

mod amount;
mod batch;
pub mod changes_csv;
mod charset;
pub mod cp850;
pub mod csv_report;
pub mod decimal;
pub mod difference;
pub mod error;
pub mod exceptions_csv;
pub mod facts;
pub mod format;
pub mod html;
mod line;
pub mod locale;
pub mod open;
pub mod open_csv;
pub mod parquet_report;
pub mod predicate;
pub mod summary;
mod template;
#[cfg(test)]
mod testing;
pub mod text;
pub mod verdict;
pub mod view;
pub mod visible;
pub mod words;
pub mod xlsx;

use cuadre_rules::money::Totals;
use jiff::civil::Date;

pub use changes_csv::ChangesCsv;
pub use csv_report::CsvReport;
pub use difference::Difference;
pub use error::{Place, ReportError};
pub use exceptions_csv::write_exceptions;
pub use format::Format;
pub use open::Carried;
pub use open_csv::write_open;
pub use parquet_report::ParquetReport;
pub use predicate::{Facts, Predicate, Status, predicate};
pub use summary::Summary;
pub use view::View;

/// What the header and trailer records of a report may show.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The institution that owes the report.
    pub institution: &'a str,
    /// The series of filings.
    pub series: &'a str,
    /// The day whose movements are reported.
    pub business_date: Date,
    /// Movements in the report.
    pub records: u64,
    /// Their sum per currency. Configured currencies without movements are there with a zero;
    /// those that are not there cannot be shown.
    pub amount: &'a Totals,
}
