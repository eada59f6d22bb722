//! A warehouse of files, such as an UNLOAD of the day.

use std::path::{Path, PathBuf};

use cuadre_rules::config::source::Extract;
use jiff::civil::Date;

use super::{Warehouse, WarehouseError};
use crate::landing::{Found, find};

/// Files below the data folder.
pub struct FileWarehouse {
    patterns: Vec<String>,
    data: PathBuf,
}

impl FileWarehouse {
    /// Files of `extract` below `data`.
    pub fn new(extract: &Extract, data: &Path) -> Self {
        Self { patterns: extract.files.patterns().to_vec(), data: data.to_owned() }
    }
}

impl Warehouse for FileWarehouse {
    fn day(&mut self, date: Date, _: &Path) -> Result<Vec<Found>, WarehouseError> {
        find(&self.data, &self.patterns, date).map_err(WarehouseError::Away)
    }

    fn query(&mut self, _: &str, _: Date, _: &Path) -> Result<(), WarehouseError> {
        Err(WarehouseError::Query("a warehouse of files cannot be queried".to_owned()))
    }
}
