//! The record of dispositions: a file each, numbered, in a folder beside the series. A record is only ever
//! added; the next filing signs it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cuadre_audit::layout::beside;
use cuadre_audit::{canonical, disk};
use cuadre_reports::open::Disposition;

use crate::error::EngineError;

/// What is put to a series' name for that of the folder.
pub const DISPOSITIONS: &str = ".dispositions";
/// The highest number that a name has digits for.
const MOST: u64 = 999_999;

/// What was recorded.
pub struct Recorded {
    /// In order, up to one that cannot be read.
    pub dispositions: Vec<Disposition>,
    /// Why that one cannot be read.
    pub fault: Option<String>,
}

/// What was recorded of a series after number `stated`.
pub fn after(series: &Path, stated: u64) -> Result<Recorded, EngineError> {
    let folder = folder(series);
    let mut recorded = Recorded { dispositions: Vec::new(), fault: None };
    for number in numbers(&folder)?.into_iter().filter(|number| *number > stated) {
        match read(&folder.join(name(number)), number) {
            Ok(disposition) => recorded.dispositions.push(disposition),
            Err(why) => {
                recorded.fault = Some(why);
                break;
            }
        }
    }
    Ok(recorded)
}

/// The number of the first of so many more records: none is given twice, even where the folder was lost.
pub fn next(series: &Path, stated: u64, more: usize) -> Result<u64, EngineError> {
    let last = numbers(&folder(series))?.last().copied().unwrap_or(0).max(stated);
    if last.saturating_add(more as u64) > MOST {
        let folder = folder(series);
        return Err(EngineError::Setup(format!("{}: a series has {MOST} dispositions at most", folder.display())));
    }
    Ok(last + 1)
}

/// Adds a record to the folder beside a series. That of another process with the same number stays.
pub fn record(series: &Path, disposition: &Disposition) -> Result<(), EngineError> {
    Ok(disk::publish(&folder(series).join(name(disposition.number)), &bytes(disposition)?)?)
}

/// A record as it is written.
pub fn bytes(disposition: &Disposition) -> Result<Vec<u8>, EngineError> {
    Ok(canonical::to_line(disposition)?)
}

/// The file of a number.
pub fn name(number: u64) -> String {
    format!("{number:06}.json")
}

/// The number of a file; `None` for a file of others.
pub fn number(file: &str) -> Option<u64> {
    let number = file.strip_suffix(".json")?.parse().ok()?;
    (name(number) == file && number <= MOST).then_some(number)
}

/// The folder beside a series.
pub fn folder(series: &Path) -> PathBuf {
    beside(series, DISPOSITIONS)
}

fn numbers(folder: &Path) -> Result<Vec<u64>, EngineError> {
    let failed = |error| EngineError::io("listing the dispositions", folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        numbers.extend(number(&entry.map_err(failed)?.file_name().to_string_lossy()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn read(path: &Path, number: u64) -> Result<Disposition, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("the disposition {} cannot be read: {why}", path.display());
    let bytes = fs::read(path).map_err(|error| cannot(&error))?;
    let read: Disposition = serde_json::from_slice(&bytes).map_err(|error| cannot(&error))?;
    if read.number == number { Ok(read) } else { Err(cannot(&format_args!("it has the number {}", read.number))) }
}
