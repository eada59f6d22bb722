//! Loading every file of the day, in parallel; the results come in the order of the configuration.

use std::fs;
use std::sync::Arc;

use cuadre_rules::end_to_end::Side;
use cuadre_rules::exception::Kind;
use cuadre_rules::{Config, config};
use rayon::prelude::*;

use super::kept::Key;
use super::meaning::{Meaning, Owner};
use super::record::Unreadable;
use super::{Loaded, Part, load, parts};
use crate::error::EngineError;
use crate::inputs::{Bytes, Input, Inputs, Role};
use crate::judge::Room;
use crate::progress::Unit;
use crate::reconcile::fold::Folding;

/// One extract of the day: the input, and what became of it.
pub struct Extract<'a> {
    /// The received file.
    pub input: &'a Input,
    /// What it holds, why it cannot be read, or `None` where its bytes are those of an earlier
    /// file of the source.
    pub loaded: Option<Result<Loaded, Unreadable>>,
}

impl Extract<'_> {
    /// Records read; 0 where it was not loaded.
    pub fn records(&self) -> u64 {
        self.loaded.as_ref().and_then(|loaded| loaded.as_ref().ok()).map_or(0, |loaded| loaded.records)
    }
}

/// A file of the warehouse, and what became of it.
pub type WarehouseFile<'a> = (&'a Input, Result<Loaded, Unreadable>);

/// Loads every distinct file of the day, large Parquet files in parts, with a thread per core. Extracts come by
/// source, in order of the configuration. With `leave`, movements that can be read again by row stay where they are.
pub fn load_all<'a>(
    config: &'a Config,
    inputs: &'a Inputs,
    bytes: &Bytes,
    room: Room<'_>,
    folding: &Folding<'_>,
    leave: bool,
) -> Result<(Vec<Vec<Extract<'a>>>, Vec<WarehouseFile<'a>>), EngineError> {
    let ids: Vec<String> = config.sources.iter().map(|source| source.id.clone()).collect();
    let meaning = |extract: &config::source::Extract, owner: Owner| {
        let of = |extract, owner| Meaning::new(config, extract, owner, inputs.business_date).map(Arc::new);
        let both = [of(extract, owner.clone()), of(&extract.snapshot(), owner)];
        both.into_iter().collect::<Result<Vec<_>, _>>().map_err(EngineError::Setup)
    };
    // What the columns mean where they are as configured, and where they are a copy of a database's.
    let meanings = (0..).zip(&config.sources).map(|(index, source)| {
        let id = source.id.clone();
        meaning(&source.extract, Owner::Source { index, id })
    });
    let meanings: Vec<Vec<Arc<Meaning>>> = meanings.collect::<Result<_, _>>()?;
    let warehouse_meanings = meaning(config.warehouse.extract(), Owner::Warehouse(ids))?;

    let language = inputs.format.language(config.language);
    let mut jobs = Vec::new();
    for (owner, (source, meanings)) in config.sources.iter().zip(&meanings).enumerate() {
        let mut seen: Vec<&str> = Vec::new();
        for input in inputs.of(Role::Extract, &source.id) {
            let repeated = seen.contains(&input.file.sha256.as_str());
            seen.push(&input.file.sha256);
            let file = super::Input {
                name: &input.file.name,
                path: bytes.path_of(input)?,
                meaning: Arc::clone(&meanings[usize::from(input.snapshot)]),
                index: jobs.len() as u32,
                refused_as: (Kind::RecordsRejected, Some(source.id.as_str())),
                language,
                hash_field: source.control.as_ref().and_then(|control| control.hash_field),
                side: Side::Source,
                folding,
                part: Part::Whole,
                leave,
            };
            jobs.push(Job { owner, input, file, repeated });
        }
    }
    let extracts = jobs.len();
    for (index, input) in (0..).zip(inputs.of(Role::Warehouse, "")) {
        let file = super::Input {
            name: &input.file.name,
            path: bytes.path_of(input)?,
            meaning: Arc::clone(&warehouse_meanings[usize::from(input.snapshot)]),
            index,
            refused_as: (Kind::WarehouseRecordsRejected, None),
            language,
            hash_field: None,
            side: Side::Warehouse,
            folding,
            part: Part::Whole,
            leave,
        };
        jobs.push(Job { owner: config.sources.len(), input, file, repeated: false });
    }
    let kept = room.kept.filter(|_| matches!(bytes, Bytes::Archived(_)));
    let mut loaded = run(config, &inputs.config.sha256, &jobs, Room { kept, ..room })?.into_iter();

    let mut by_source: Vec<Vec<Extract<'a>>> = config.sources.iter().map(|_| Vec::new()).collect();
    for (job, loaded) in jobs[..extracts].iter().zip(&mut loaded) {
        by_source[job.owner].push(Extract { input: job.input, loaded });
    }
    let warehouse = jobs[extracts..].iter().zip(loaded);
    Ok((by_source, warehouse.filter_map(|(job, loaded)| Some((job.input, loaded?))).collect()))
}

/// A file to load.
struct Job<'a, 'b> {
    /// 0-based place of its source in the configuration; of the warehouse, one past the last.
    owner: usize,
    input: &'a Input,
    file: super::Input<'b>,
    /// Whether its bytes are those of an earlier file of the source, so that it is not loaded.
    repeated: bool,
}

/// Loads the jobs' files part by part, and puts the parts together again.
fn run(
    config: &Config,
    config_sha256: &str,
    jobs: &[Job<'_, '_>],
    room: Room<'_>,
) -> Result<Vec<Option<Result<Loaded, Unreadable>>>, EngineError> {
    let mut tasks = Vec::new();
    for (n, job) in jobs.iter().enumerate().filter(|(_, job)| !job.repeated) {
        tasks.extend(parts(&job.file).into_iter().map(|part| (n, super::Input { part, ..job.file.clone() })));
    }
    let mut units: Vec<Unit> = config.sources.iter().map(|source| Unit::new(&source.id)).collect();
    units.push(Unit::new("the warehouse"));
    jobs.iter().filter(|job| !job.repeated).for_each(|job| units[job.owner].files += 1);
    tasks.iter().for_each(|(n, _)| units[jobs[*n].owner].parts += 1);
    let bytes = jobs.iter().filter(|job| !job.repeated).map(|job| job.input.file.bytes).sum();
    room.progress.load(units, bytes);

    let load = |(n, (job, input)): (usize, &(usize, super::Input<'_>))| -> Result<_, EngineError> {
        let folder = room.scratch.join(format!("load-{n}"));
        fs::create_dir_all(&folder).map_err(|e| EngineError::io("making room to work", &folder, e))?;
        let job = *job;
        let loaded = match room.kept {
            None => load(input, &config.limits, &folder, &folder, room.progress)?,
            Some(kept) => {
                let key = Key::new(config_sha256, jobs[job].input, input)?;
                kept.load(key, input, &config.limits, &folder, room.progress)?
            }
        };
        room.progress.part_loaded(jobs[job].owner, loaded.as_ref().ok());
        Ok((job, loaded))
    };
    let loaded: Vec<_> = tasks.par_iter().enumerate().map(load).collect::<Result<_, _>>()?;
    let mut whole: Vec<Option<Result<Loaded, Unreadable>>> = jobs.iter().map(|_| None).collect();
    for (job, part) in loaded {
        whole[job] = Some(match (whole[job].take(), part) {
            (Some(Ok(mut whole)), Ok(part)) => {
                whole.append(part)?;
                Ok(whole)
            }
            (Some(Err(first)), _) => Err(first),
            (_, part) => part,
        });
    }
    Ok(whole)
}
