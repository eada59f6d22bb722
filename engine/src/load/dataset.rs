//! Reference data, held whole: CSV with a header, or a snapshot of a query.

use std::path::Path;

use arrow_array::{Array, StringArray};
use cuadre_rules::Config;
use cuadre_rules::business::{DatasetTable, Datasets};
use cuadre_rules::config::Limits;

use super::block::Blocks;
use super::bytes::RecordGuard;
use super::cell::texts;
use super::parquet::ParquetBlocks;
use super::{Part, bytes, text};
use crate::error::EngineError;
use crate::inputs::{Bytes, Inputs, Role};

/// Reference data by dataset id, and the rows of SQL rules by rule id.
pub fn read_all(config: &Config, inputs: &Inputs, bytes: &Bytes) -> Result<Datasets, EngineError> {
    let owners = config.datasets.iter().map(|dataset| (Role::Dataset, &dataset.id, dataset.query.is_some()));
    let rules = config.rules.iter().map(|rule| (Role::Rule, &rule.id, true));
    let mut datasets = Datasets::new();
    for (role, id, is_snapshot) in owners.chain(rules) {
        if let Some(problem) = inputs.problem(role, id) {
            datasets.insert(id.clone(), Err(problem.to_owned()));
        }
        for input in inputs.of(role, id) {
            let path = bytes.path_of(input)?;
            let table = if is_snapshot { read_snapshot(&path) } else { read_csv(&path, &config.limits) };
            let table = table.map_err(|reason| format!("{}: {reason}", input.file.name));
            if datasets.insert(id.clone(), table).is_some() {
                datasets.insert(id.clone(), Err("more than one file matches its pattern".to_owned()));
            }
        }
        if role == Role::Dataset && !datasets.contains_key(id) {
            datasets.insert(id.clone(), Err("its file did not arrive".to_owned()));
        }
    }
    Ok(datasets)
}

/// Reads a snapshot that a query was answered into.
fn read_snapshot(path: &Path) -> Result<DatasetTable, String> {
    let mut blocks = ParquetBlocks::new(path, &Part::Whole, &Limits::default()).map_err(|error| error.to_string())?;
    let header = blocks.header().unwrap_or_default().to_vec();
    let all: Vec<usize> = (0..header.len()).collect();
    let mut table = DatasetTable { header, rows: Vec::new() };
    while let Some(block) = blocks.next(&all).map_err(|error| error.to_string())? {
        let columns = block.columns.iter().flatten().map(texts).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|error| error.to_string())?;
        let cell = |texts: &StringArray, row| texts.is_valid(row).then(|| texts.value(row).to_owned());
        table.rows.extend((0..block.rows).map(|row| columns.iter().map(|texts| cell(texts, row)).collect()));
    }
    Ok(table)
}

/// Reads a UTF-8 CSV file with a header; an empty cell is absent.
fn read_csv(path: &Path, limits: &Limits) -> Result<DatasetTable, String> {
    let (input, _) = bytes::open(path, limits).map_err(|error| error.to_string())?;
    let (input, taken) = RecordGuard::new(input, limits.record_bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(input);
    let header = reader.headers().map_err(|error| error.to_string())?;
    let header = header.iter().map(|name| text::clean_header(name).to_owned()).collect();
    let mut table = DatasetTable { header, rows: Vec::new() };
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        taken.set(0);
        let cell = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        table.rows.push(row.iter().map(cell).collect());
    }
    Ok(table)
}
