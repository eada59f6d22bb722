//! Receive: the raw bytes of everything the night needs go into the archive. Nothing later reads
//! anything else.

use std::path::{Path, PathBuf};

use cuadre_audit::Archive;
use cuadre_rules::Config;
use cuadre_rules::config::{Check, Source};
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::error::EngineError;
use crate::inputs::{FORMAT, Input, Inputs, Problem, Role, Stored};
use crate::landing::{Found, find};
use crate::warehouse::{self, Warehouse, WarehouseError};

/// What there is to receive for one owner: files, or why there are none.
struct Delivery {
    role: Role,
    of: String,
    found: Result<Vec<Found>, String>,
    /// Keep the time of the last change.
    timed: bool,
}

/// Receives the day `date` of the configuration `config`, whose text is `text`. Files lie below
/// `data`; queries of the warehouse are answered into files of `scratch`.
pub fn receive(
    config: &Config,
    text: &str,
    date: Date,
    data: &Path,
    archive: &Archive,
    scratch: &Path,
) -> Result<Inputs, EngineError> {
    let mut deliveries = Vec::new();
    for source in &config.sources {
        deliveries.extend(source_deliveries(source, data, date));
    }
    deliveries.extend(warehouse_deliveries(config, data, date, scratch));
    let stored = archive.put_bytes(text.as_bytes())?;
    let config = Stored { name: "cuadre.toml".to_owned(), sha256: stored.digest.to_string(), bytes: stored.bytes };
    let mut inputs = Inputs { format: FORMAT, business_date: date, config, inputs: Vec::new(), problems: Vec::new() };
    for delivery in deliveries {
        let Delivery { role, of, found, timed } = delivery;
        let kept: Vec<_> = match found {
            Ok(found) => found.into_par_iter().map(|file| keep(role, &of, file, timed, archive)).collect(),
            Err(reason) => vec![Ok(Err(reason))],
        };
        for kept in kept {
            match kept? {
                Ok(input) => inputs.inputs.push(input),
                Err(reason) => inputs.problems.push(Problem { role, of: of.clone(), reason }),
            }
        }
    }
    Ok(inputs)
}

/// Puts one file into the archive. The inner error says why the file cannot be read.
fn keep(
    role: Role,
    of: &str,
    file: Found,
    timed: bool,
    archive: &Archive,
) -> Result<Result<Input, String>, EngineError> {
    let stored = match archive.put_file(&file.path) {
        Ok(stored) => stored,
        Err(error) if error.path() == Some(&file.path) => return Ok(Err(format!("{}: {}", file.name, error.why()))),
        Err(error) => return Err(error.into()),
    };
    let changed = || Timestamp::try_from(file.path.metadata().ok()?.modified().ok()?).ok();
    Ok(Ok(Input {
        role,
        of: of.to_owned(),
        file: Stored { name: file.name, sha256: stored.digest.to_string(), bytes: stored.bytes },
        changed_at: if timed { changed() } else { None },
        filed_before: None,
    }))
}

fn source_deliveries(source: &Source, data: &Path, date: Date) -> Vec<Delivery> {
    let delivery = |role, patterns: &[String], timed| Delivery {
        role,
        of: source.id.clone(),
        found: find(data, patterns, date),
        timed,
    };
    let extract = delivery(Role::Extract, source.extract.files.patterns(), source.cut_off.is_some());
    let control = source.control.as_ref().and_then(|control| control.file.as_ref());
    let control = control.map(|file| delivery(Role::Control, std::slice::from_ref(file), false));
    std::iter::once(extract).chain(control).collect()
}

/// The warehouse's rows, and whatever is asked of the warehouse in the same moment.
fn warehouse_deliveries(config: &Config, data: &Path, date: Date, scratch: &Path) -> Vec<Delivery> {
    let delivery = |role, of: &str, found| Delivery { role, of: of.to_owned(), found, timed: false };
    let mut open = warehouse::open(config, data);
    let mut with = |work: &mut dyn FnMut(&mut dyn Warehouse) -> Result<Vec<Found>, WarehouseError>| match &mut open {
        Ok(warehouse) => work(&mut **warehouse).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let mut deliveries = vec![delivery(Role::Warehouse, "", with(&mut |warehouse| warehouse.day(date, scratch)))];
    for (n, dataset) in config.datasets.iter().enumerate() {
        let found = match (&dataset.file, &dataset.query) {
            (Some(file), _) => find(data, std::slice::from_ref(file), date),
            (None, Some(sql)) => {
                let (name, path) = (format!("dataset {}", dataset.id), scratch.join(format!("dataset-{n}.parquet")));
                with(&mut |warehouse| answered(warehouse, sql, date, &name, &path))
            }
            (None, None) => Err("it is neither a file nor a query".to_owned()),
        };
        deliveries.push(delivery(Role::Dataset, &dataset.id, found));
    }
    for (n, rule) in config.rules.iter().enumerate() {
        if let Check::WarehouseSql(check) = &rule.check {
            let (name, path) = (format!("rule {}", rule.id), scratch.join(format!("rule-{n}.parquet")));
            let found = with(&mut |warehouse| answered(warehouse, &check.query, date, &name, &path));
            deliveries.push(delivery(Role::Rule, &rule.id, found));
        }
    }
    deliveries
}

fn answered(
    warehouse: &mut dyn Warehouse,
    sql: &str,
    date: Date,
    name: &str,
    path: &Path,
) -> Result<Vec<Found>, WarehouseError> {
    warehouse.query(sql, date, PathBuf::from(path))?;
    Ok(vec![Found { name: name.to_owned(), path: path.to_owned() }])
}
