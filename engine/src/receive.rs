//! Receive: the raw bytes of everything the night needs go into the archive. Nothing later reads
//! anything else.

use std::path::Path;

use cuadre_audit::Archive;
use cuadre_rules::Config;
use cuadre_rules::config::{Check, Source};
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::error::EngineError;
use crate::inputs::{FORMAT, Input, Inputs, Problem, Role, Stored};
use crate::landing::{Found, find};
use crate::warehouse;

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

/// What is asked of the warehouse, or lies beside it.
enum Ask<'a> {
    Day,
    Sql(&'a str),
    File(&'a String),
}

/// The warehouse's rows, and whatever is asked of the warehouse in the same moment.
fn warehouse_deliveries(config: &Config, data: &Path, date: Date, scratch: &Path) -> Vec<Delivery> {
    let mut asks = vec![(Role::Warehouse, "", Ask::Day)];
    for dataset in &config.datasets {
        let file = dataset.file.as_ref().map(Ask::File);
        let ask = file.or(dataset.query.as_deref().map(Ask::Sql));
        asks.extend(ask.map(|ask| (Role::Dataset, dataset.id.as_str(), ask)));
    }
    for rule in &config.rules {
        if let Check::WarehouseSql(check) = &rule.check {
            asks.push((Role::Rule, rule.id.as_str(), Ask::Sql(&check.query)));
        }
    }
    let mut warehouse = warehouse::open(config, data).map_err(|error| error.to_string());
    let deliveries = asks.into_iter().enumerate().map(|(n, (role, of, ask))| {
        let found = match (ask, &mut warehouse) {
            (Ask::File(pattern), _) => find(data, std::slice::from_ref(pattern), date),
            (_, Err(away)) => Err(away.clone()),
            (Ask::Day, Ok(warehouse)) => warehouse.day(date, scratch).map_err(|error| error.to_string()),
            (Ask::Sql(sql), Ok(warehouse)) => {
                let answer =
                    Found { name: format!("answer for {of}"), path: scratch.join(format!("answer-{n}.parquet")) };
                let asked = warehouse.query(sql, date, &answer.path);
                asked.map(|()| vec![answer]).map_err(|error| error.to_string())
            }
        };
        Delivery { role, of: of.to_owned(), found, timed: false }
    });
    deliveries.collect()
}
