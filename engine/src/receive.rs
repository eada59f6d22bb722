//! Receive: the raw bytes of everything the night needs go into the archive. Nothing later reads
//! anything else.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use cuadre_audit::{Archive, Sha256Digest};
use cuadre_rules::Config;
use cuadre_rules::config::{Check, Source};
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::error::EngineError;
use crate::inputs::{Bytes, FORMAT, Input, Inputs, Problem, Role, Stored};
use crate::landing::{Found, find};
use crate::night::Night;
use crate::progress::Count;
use crate::warehouse;

/// What there is to receive for one owner: files, or why there are none.
struct Delivery {
    role: Role,
    of: String,
    found: Result<Vec<Found>, String>,
    /// Keep the time of the last change.
    timed: bool,
}

/// Receives the day of `night`. Queries of the warehouse are answered into files of `scratch`.
pub fn receive(night: &Night<'_>, archive: &Archive, scratch: &Path) -> Result<Inputs, EngineError> {
    let Night { config, business_date: date, ref data, progress, .. } = *night;
    let mut deliveries = Vec::new();
    for source in &config.sources {
        deliveries.extend(source_deliveries(source, data, date));
    }
    deliveries.extend(warehouse_deliveries(config, data, date, scratch));
    let stored = archive.put_bytes(night.config_text.as_bytes())?;
    let config = Stored { name: "cuadre.toml".to_owned(), sha256: stored.digest.to_string(), bytes: stored.bytes };
    let mut inputs = Inputs { format: FORMAT, business_date: date, config, inputs: Vec::new(), problems: Vec::new() };
    let found = deliveries.iter().filter_map(|delivery| delivery.found.as_ref().ok()).flatten();
    progress.phase("archiving", Some(Count::Bytes(found.map(size_of).sum())));
    take(&deliveries, &mut inputs, |delivery, file| {
        let kept = keep(delivery, file, archive);
        progress.advance(size_of(file));
        kept
    })?;
    Ok(inputs)
}

/// The same for a look at the day's two sides: files stay where they are, and what only rules need
/// is not asked for.
pub fn receive_in_place(
    config: &Config,
    date: Date,
    data: &Path,
    scratch: &Path,
) -> Result<(Inputs, Bytes), EngineError> {
    let mut deliveries: Vec<Delivery> =
        config.sources.iter().flat_map(|source| source_deliveries(source, data, date)).collect();
    let mut warehouse = warehouse::open(config, data);
    let found = match &mut warehouse {
        Ok(warehouse) => warehouse.day(date, scratch).map_err(|error| error.to_string()),
        Err(away) => Err(away.to_string()),
    };
    deliveries.push(Delivery { role: Role::Warehouse, of: String::new(), found, timed: false });
    let config = Stored { name: "cuadre.toml".to_owned(), sha256: String::new(), bytes: 0 };
    let mut inputs = Inputs { format: FORMAT, business_date: date, config, inputs: Vec::new(), problems: Vec::new() };
    let twins = twins(&deliveries);
    take(&deliveries, &mut inputs, |delivery, file| stay(delivery, file, twins.contains(&file.path)))?;
    let found = deliveries.into_iter().filter_map(|delivery| delivery.found.ok()).flatten();
    let places: BTreeMap<_, _> = found.map(|file| (file.name, file.path)).collect();
    Ok((inputs, Bytes::InPlace(places)))
}

fn size_of(file: &Found) -> u64 {
    file.path.metadata().map_or(0, |metadata| metadata.len())
}

/// The files that are as long as another of their delivery.
fn twins(deliveries: &[Delivery]) -> HashSet<PathBuf> {
    let mut twins = HashSet::new();
    for found in deliveries.iter().filter_map(|delivery| delivery.found.as_ref().ok()) {
        let mut sized: Vec<(u64, &Found)> = found.iter().map(|file| (size_of(file), file)).collect();
        sized.sort_by_key(|(size, _)| *size);
        let same = sized.chunk_by(|(left, _), (right, _)| left == right).filter(|same| same.len() > 1);
        twins.extend(same.flatten().map(|(_, file)| file.path.clone()));
    }
    twins
}

/// What became of a file: an input, or why it cannot be read.
type Kept = Result<Result<Input, String>, EngineError>;

/// Keeps every file that was found, a core each, and adds them to `inputs` in order.
fn take(
    deliveries: &[Delivery],
    inputs: &mut Inputs,
    keep: impl Fn(&Delivery, &Found) -> Kept + Sync,
) -> Result<(), EngineError> {
    let keep_all = |delivery: &Delivery| match &delivery.found {
        Ok(found) => found.par_iter().map(|file| keep(delivery, file)).collect(),
        Err(reason) => vec![Ok(Err(reason.clone()))],
    };
    let kept: Vec<Vec<Kept>> = deliveries.par_iter().map(keep_all).collect();
    for (delivery, kept) in deliveries.iter().zip(kept) {
        for kept in kept {
            match kept? {
                Ok(input) => inputs.inputs.push(input),
                Err(reason) => {
                    inputs.problems.push(Problem { role: delivery.role, of: delivery.of.clone(), reason });
                }
            }
        }
    }
    Ok(())
}

/// Puts one file into the archive.
fn keep(delivery: &Delivery, file: &Found, archive: &Archive) -> Kept {
    match archive.put_file(&file.path) {
        Ok(stored) => Ok(Ok(delivery.input(file, stored.digest.to_string(), stored.bytes))),
        Err(error) if error.path() == Some(&file.path) => Ok(Err(format!("{}: {}", file.name, error.why()))),
        Err(error) => Err(error.into()),
    }
}

/// Leaves one file where it is. Its digest is asked for only where another file of the delivery is
/// as long: to tell whether it is the same one twice.
fn stay(delivery: &Delivery, file: &Found, twin: bool) -> Kept {
    let read = |file: &Found| -> Result<(String, u64), String> {
        if twin {
            let (digest, bytes) = Sha256Digest::of_file(&file.path).map_err(|error| error.why().to_string())?;
            return Ok((digest.to_string(), bytes));
        }
        let bytes = File::open(&file.path).and_then(|file| file.metadata()).map_err(|error| error.to_string())?.len();
        Ok((format!("not needed: {}", file.name), bytes))
    };
    Ok(match read(file) {
        Ok((sha256, bytes)) => Ok(delivery.input(file, sha256, bytes)),
        Err(why) => Err(format!("{}: {why}", file.name)),
    })
}

impl Delivery {
    fn input(&self, file: &Found, sha256: String, bytes: u64) -> Input {
        let changed = || Timestamp::try_from(file.path.metadata().ok()?.modified().ok()?).ok();
        Input {
            role: self.role,
            of: self.of.clone(),
            file: Stored { name: file.name.clone(), sha256, bytes },
            changed_at: if self.timed { changed() } else { None },
            filed_before: None,
        }
    }
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
