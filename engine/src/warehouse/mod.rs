//! The warehouse: where the other copy of the day's movements is read from.
//!
//! A warehouse hands over files; the night archives them and loads them like any extract.

mod files;
mod snapshot;
mod sqlite;

use std::path::Path;

use cuadre_rules::Config;
use cuadre_rules::config::source::{Encoding, Extract, Files};
use cuadre_rules::config::warehouse::SqliteWarehouse;
use cuadre_rules::config::{Format, Warehouse as Setting};
use jiff::civil::Date;

use crate::landing::Found;

/// A warehouse that is open for one night: what it hands over is of one consistent moment.
pub trait Warehouse {
    /// The rows of the day, as files of [`extract_of`]. No file: the warehouse has nothing.
    fn day(&mut self, date: Date, scratch: &Path) -> Result<Vec<Found>, WarehouseError>;

    /// The rows a query returns, as a Parquet file of text columns; `?1` is the date.
    fn query(&mut self, sql: &str, date: Date, into: &Path) -> Result<(), WarehouseError>;
}

/// Why a warehouse, or one query, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WarehouseError {
    /// The warehouse itself is away or not as configured.
    #[error("{0}")]
    Away(String),
    /// This query cannot be answered.
    #[error("{0}")]
    Query(String),
}

/// Opens the configured warehouse; files lie below `data`.
pub fn open(config: &Config, data: &Path) -> Result<Box<dyn Warehouse>, WarehouseError> {
    match &config.warehouse {
        Setting::Files(extract) => Ok(Box::new(files::FileWarehouse::new(extract, data))),
        Setting::Sqlite(setting) => Ok(Box::new(sqlite::SqliteDatabase::open(setting, data)?)),
    }
}

/// How the files that a warehouse hands over are written.
pub fn extract_of(config: &Config) -> Extract {
    match &config.warehouse {
        Setting::Files(extract) => (**extract).clone(),
        Setting::Sqlite(setting) => snapshot_extract(setting),
    }
}

/// A snapshot keeps the table's column names, so the mapping is the table's.
fn snapshot_extract(setting: &SqliteWarehouse) -> Extract {
    Extract {
        files: Files::Many(Vec::new()),
        format: Format::Parquet,
        csv: Default::default(),
        fixed: Default::default(),
        encoding: vec![Encoding::Utf8],
        columns: setting.columns.clone(),
        amount: setting.amount.clone(),
        date_formats: vec![setting.date_format.clone()],
        timestamp_formats: setting.timestamp_formats.clone(),
        time_zone: setting.time_zone.clone(),
        required: Vec::new(),
        trim: true,
        expected_header: Vec::new(),
    }
}
