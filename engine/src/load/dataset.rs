//! Reference data, held whole: CSV with a header, or a snapshot of a query.

use std::path::Path;

use cuadre_rules::business::DatasetTable;
use cuadre_rules::config::Limits;

use super::parquet::ParquetRecords;
use super::record::{Next, Record, Records};
use super::{bytes, text};

/// Reads a snapshot that a query was answered into.
pub fn read_snapshot(path: &Path) -> Result<DatasetTable, String> {
    let mut records = ParquetRecords::new(path).map_err(|error| error.to_string())?;
    let header = records.header().to_vec();
    let mut table = DatasetTable { header, rows: Vec::new() };
    let mut record = Record::default();
    while let Next::Record = records.next(&mut record).map_err(|error| error.to_string())? {
        table.rows.push((0..record.len()).map(|n| record.get(n).map(str::to_owned)).collect());
    }
    Ok(table)
}

/// Reads a UTF-8 CSV file with a header; an empty cell is absent.
pub fn read_csv(path: &Path, limits: &Limits) -> Result<DatasetTable, String> {
    let input = bytes::open(path, limits).map_err(|error| error.to_string())?;
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(input);
    let header = reader.headers().map_err(|error| error.to_string())?;
    let header = header.iter().map(|name| text::clean_header(name).to_owned()).collect();
    let mut table = DatasetTable { header, rows: Vec::new() };
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        let cell = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        table.rows.push(row.iter().map(cell).collect());
    }
    Ok(table)
}
