//! Reference data, held whole: CSV with a header.

use std::path::Path;

use cuadre_rules::Config;
use cuadre_rules::business::{DatasetTable, Datasets};
use cuadre_rules::config::Limits;
use cuadre_rules::said;
use cuadre_rules::said::Said;

use super::bytes::RecordGuard;
use super::record::Unreadable;
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
            datasets.insert(id.clone(), Err(Said::same(problem)));
        }
        for input in inputs.of(role, id) {
            let table = read_table(&input.file.name, &bytes.path_of(input)?, &config.limits);
            if datasets.insert(id.clone(), table).is_some() {
                datasets.insert(id.clone(), Err(more_than_one()));
            }
        }
        if role == Role::Dataset && !datasets.contains_key(id) {
            datasets.insert(id.clone(), Err(said!("its file did not arrive", "su archivo no llegó")));
        }
    }
    Ok(datasets)
}

/// Why a dataset that is a file cannot be had where several are.
pub fn more_than_one() -> Said {
    said!("more than one file matches its pattern", "más de un archivo coincide con su patrón")
}

/// Reads the file `name` of a dataset, which lies at `path`.
pub fn read_table(name: &str, path: &Path, limits: &Limits) -> Result<DatasetTable, Said> {
    read_csv(path, limits).map_err(|Unreadable(why)| said!("{name}: {why}", "{name}: {why}"; why))
}

/// Reads a UTF-8 CSV file with a header; an empty cell is absent.
fn read_csv(path: &Path, limits: &Limits) -> Result<DatasetTable, Unreadable> {
    let (input, _) = bytes::open(path, limits)?;
    let (input, taken) = RecordGuard::new(input, limits.record_bytes);
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(input);
    let header = reader.headers().map_err(unreadable)?;
    let header = header.iter().map(|name| text::clean_header(name).to_owned()).collect();
    let mut table = DatasetTable { header, rows: Vec::new() };
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        taken.set(0);
        let cell = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        table.rows.push(row.iter().map(cell).collect());
    }
    Ok(table)
}

fn unreadable(error: csv::Error) -> Unreadable {
    if !error.is_io_error() {
        return Unreadable::quoting(&error);
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Unreadable::quoting(&format!("{other:?}")),
    }
}
