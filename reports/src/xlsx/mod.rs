//! `report.xlsx`: a filing as a workbook, for whoever goes on from its figures.
//!
//! No cell can be executed: there are strings, numbers and dates, and no formula, link or name of another file. An
//! amount is a number where 15 digits hold it exactly, and text where they do not. Memory does not grow with the
//! rows, which go to a temporary file.

mod evidence;
mod exceptions;
mod number;
mod sheet;
mod summary;
mod tie_out;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use cuadre_rules::exception::Evidence;
use jiff::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, RowNum, Workbook, XlsxError};

use crate::locale::Locale;
use crate::{ReportError, View};

/// Writes the workbook of a filing; `rows` are those of `exceptions.csv`, and `scratch` is a folder for temporary
/// files.
///
/// # Errors
/// The first error of `rows`; [`ReportError::Io`].
pub fn write<E: From<ReportError>>(
    view: &View,
    rows: impl Iterator<Item = Result<Evidence, E>>,
    scratch: &Path,
    out: impl Write + Send,
) -> Result<(), E> {
    write_until(sheet::LAST_ROW, view, rows, scratch, out)
}

/// The same, as if a sheet could have no row after `last_row`.
fn write_until<E: From<ReportError>>(
    last_row: RowNum,
    view: &View,
    rows: impl Iterator<Item = Result<Evidence, E>>,
    scratch: &Path,
    out: impl Write + Send,
) -> Result<(), E> {
    // The writer of sheets panics where its temporary file cannot be written: the disk is full.
    let written = catch_unwind(AssertUnwindSafe(|| sheets(last_row, view, rows, scratch, out)));
    written.unwrap_or_else(|_| Err(ReportError::Io(io::Error::other("a temporary file cannot be written")).into()))
}

fn sheets<E: From<ReportError>>(
    last_row: RowNum,
    view: &View,
    rows: impl Iterator<Item = Result<Evidence, E>>,
    scratch: &Path,
    out: impl Write + Send,
) -> Result<(), E> {
    let failed = |error| E::from(ReportError::from(error));
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let mut workbook = Workbook::new();
    workbook.set_tempdir(scratch).map_err(failed)?;
    workbook.set_properties(&properties(view));
    summary::write(&mut workbook, view, last_row, &locale).map_err(failed)?;
    tie_out::write(&mut workbook, view, &locale).map_err(failed)?;
    exceptions::write(&mut workbook, view, &locale).map_err(failed)?;
    evidence::write(&mut workbook, view, rows, last_row, &locale)?;
    workbook.save_to_writer(out).map_err(failed)
}

/// What the file says of itself: nothing but the filing, and the time of its issue.
fn properties(view: &View) -> DocProperties {
    let day = &view.predicate;
    let properties = DocProperties::new().set_title(title(view)).set_company(&day.institution);
    let issued = day.issued_at.parse::<Timestamp>().ok();
    let issued = issued.and_then(|at| ExcelDateTime::from_timestamp(at.as_second()).ok());
    // Without one the writer takes the clock's.
    properties.set_creation_datetime(&issued.unwrap_or_default())
}

/// What the workbook is about.
fn title(view: &View) -> String {
    format!("{}, {}: {}", view.predicate.institution, view.predicate.series, view.filing)
}

impl From<XlsxError> for ReportError {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::IoError(error) | XlsxError::TempFileError(_, error) => Self::Io(error),
            error => match std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>()) {
                Some(source) => Self::Io(io::Error::new(source.kind(), error.to_string())),
                None => Self::Workbook { why: error.to_string() },
            },
        }
    }
}

#[cfg(test)]
mod tests;
