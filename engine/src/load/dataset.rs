//! Reference data, held whole: CSV with a header.

use std::path::Path;

use cuadre_rules::Config;
use cuadre_rules::business::{DatasetTable, Datasets};
use cuadre_rules::config::Limits;

use super::bytes::RecordGuard;
use super::{bytes, text};
use crate::error::EngineError;
use crate::inputs::{Bytes, Inputs, Role};

/// Reference data by dataset id, and the rows of SQL rules by rule id.
pub fn read_all(config: &Config, inputs: &Inputs, bytes: &Bytes) -> Result<Datasets, EngineError> {
    let owners = config.datasets.iter().map(|dataset| (Role::Dataset, &dataset.id));
    let rules = config.rules_in_force(inputs.business_date).map(|(_, rule)| (Role::Rule, &rule.id));
    let mut datasets = Datasets::new();
    for (role, id) in owners.chain(rules) {
        if let Some(problem) = inputs.problem(role, id) {
            datasets.insert(id.clone(), Err(problem.to_owned()));
        }
        for input in inputs.of(role, id) {
            let path = bytes.path_of(input)?;
            let table = read_csv(&path, &config.limits).map_err(|reason| format!("{}: {reason}", input.file.name));
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
