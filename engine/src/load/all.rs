//! Loading every file of the day, in parallel; the results come in the order of the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use cuadre_rules::end_to_end::Side;
use cuadre_rules::exception::Kind;
use cuadre_rules::movement::Field;
use rayon::prelude::*;

use super::meaning::{Meaning, Owner};
use super::{Loaded, Part, load, parts};
use crate::error::EngineError;
use crate::inputs::{Bytes, Input, Inputs, Role};
use crate::reconcile::fold::Folding;
use crate::warehouse;

/// One extract of the day: the input, and what became of it.
pub struct Extract<'a> {
    /// The received file.
    pub input: &'a Input,
    /// What it holds, why it cannot be read, or `None` where its bytes are those of an earlier
    /// file of the source.
    pub loaded: Option<Result<Loaded, String>>,
}

impl Extract<'_> {
    /// Records read; 0 where it was not loaded.
    pub fn records(&self) -> u64 {
        self.loaded.as_ref().and_then(|loaded| loaded.as_ref().ok()).map_or(0, |loaded| loaded.records)
    }
}

/// A file of the warehouse, and what became of it.
pub type WarehouseFile<'a> = (&'a Input, Result<Loaded, String>);

/// Loads every distinct file of the day, large Parquet files in parts, with a thread per core. Extracts come by
/// source, in order of the configuration.
pub fn load_all<'a>(
    config: &'a Config,
    inputs: &'a Inputs,
    bytes: &Bytes,
    scratch: &Path,
    folding: &Folding<'_>,
) -> Result<(Vec<Vec<Extract<'a>>>, Vec<WarehouseFile<'a>>), EngineError> {
    let ids: Vec<String> = config.sources.iter().map(|source| source.id.clone()).collect();
    let warehouse_extract = warehouse::extract_of(config);
    let meaning =
        |extract, owner| Meaning::new(config, extract, owner, inputs.business_date).map_err(EngineError::Setup);
    let meanings = (0..).zip(&config.sources).map(|(index, source)| {
        let id = source.id.clone();
        meaning(&source.extract, Owner::Source { index, id })
    });
    let meanings: Vec<Meaning<'_>> = meanings.collect::<Result<_, _>>()?;
    let warehouse_meaning = meaning(&warehouse_extract, Owner::Warehouse(ids))?;

    let mut jobs = Vec::new();
    let mut index = 0;
    for (source, meaning) in config.sources.iter().zip(&meanings) {
        let mut seen: Vec<&str> = Vec::new();
        for input in inputs.of(Role::Extract, &source.id) {
            let repeated = seen.contains(&input.file.sha256.as_str());
            seen.push(&input.file.sha256);
            let hash_field = source.control.as_ref().and_then(|control| control.hash_field);
            let refused_as = (Kind::RecordsRejected, Some(source.id.as_str()));
            jobs.push(Job {
                input,
                index,
                repeated,
                meaning,
                extract: &source.extract,
                refused_as,
                hash_field,
                side: Side::Source,
            });
            index += 1;
        }
    }
    let extracts = jobs.len();
    for (index, input) in (0..).zip(inputs.of(Role::Warehouse, "")) {
        let (meaning, extract) = (&warehouse_meaning, &warehouse_extract);
        let refused_as = (Kind::WarehouseRecordsRejected, None);
        jobs.push(Job {
            input,
            index,
            repeated: false,
            meaning,
            extract,
            refused_as,
            hash_field: None,
            side: Side::Warehouse,
        });
    }
    let mut tasks = Vec::new();
    for job in jobs.iter().filter(|job| !job.repeated) {
        let path = bytes.path_of(job.input)?;
        let parts = parts(job.extract, &job.input.file.name, &path);
        tasks.extend(parts.into_iter().map(|part| Task { job, path: path.clone(), part }));
    }
    let loaded: Vec<(&Job<'_, '_>, Result<Loaded, String>)> = (0..tasks.len())
        .into_par_iter()
        .map(|n| Ok((tasks[n].job, tasks[n].run(config, folding, &scratch.join(format!("load-{n}")))?)))
        .collect::<Result<_, EngineError>>()?;
    let mut parts = loaded.into_iter().peekable();
    let loaded = jobs.iter().map(|job| {
        let mut whole: Option<Result<Loaded, String>> = None;
        while let Some((_, part)) = parts.next_if(|(of, _)| std::ptr::eq(*of, job)) {
            whole = Some(match (whole, part) {
                (Some(Ok(mut whole)), Ok(part)) => {
                    whole.append(part)?;
                    Ok(whole)
                }
                (Some(Err(first)), _) => Err(first),
                (_, part) => part,
            });
        }
        Ok(whole)
    });
    let loaded: Vec<_> = loaded.collect::<Result<_, EngineError>>()?;

    let mut by_source: Vec<Vec<Extract<'a>>> = config.sources.iter().map(|_| Vec::new()).collect();
    let mut warehouse = Vec::new();
    for (n, (job, loaded)) in jobs.iter().zip(loaded).enumerate() {
        if n < extracts {
            let position = config.sources.iter().position(|source| source.id == job.input.of);
            let position = position.ok_or_else(|| EngineError::bug("an extract of no source"))?;
            by_source[position].push(Extract { input: job.input, loaded });
        } else if let Some(loaded) = loaded {
            warehouse.push((job.input, loaded));
        }
    }
    Ok((by_source, warehouse))
}

struct Job<'a, 'b> {
    input: &'a Input,
    index: u32,
    repeated: bool,
    meaning: &'b Meaning<'b>,
    extract: &'b cuadre_rules::config::source::Extract,
    refused_as: (Kind, Option<&'b str>),
    hash_field: Option<Field>,
    side: Side,
}

/// A part of a job's file, to be loaded.
struct Task<'a, 'b> {
    job: &'a Job<'a, 'b>,
    path: PathBuf,
    part: Part,
}

impl Task<'_, '_> {
    fn run(
        &self,
        config: &Config,
        folding: &Folding<'_>,
        scratch: &Path,
    ) -> Result<Result<Loaded, String>, EngineError> {
        fs::create_dir_all(scratch).map_err(|e| EngineError::io("making room to work", scratch, e))?;
        let job = self.job;
        let input = super::Input {
            name: &job.input.file.name,
            path: &self.path,
            extract: job.extract,
            meaning: job.meaning,
            index: job.index,
            refused_as: job.refused_as,
            hash_field: job.hash_field,
            side: job.side,
            folding,
            part: self.part.clone(),
        };
        let loaded = load(&input, &config.limits, scratch)?;
        Ok(loaded.map_err(|unreadable| unreadable.to_string()))
    }
}
