//! Loading every file of the day, in parallel; the results come in the order of the configuration.

use std::fs;
use std::path::Path;

use cuadre_rules::Config;
use cuadre_rules::end_to_end::Side;
use cuadre_rules::exception::Kind;
use cuadre_rules::movement::Field;
use rayon::prelude::*;

use super::meaning::{Meaning, Owner};
use super::{Loaded, load};
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

/// Loads every distinct file of the day, one thread per file up to the cores. Extracts come by
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
    let meanings = config.sources.iter().map(|source| meaning(&source.extract, Owner::Source(source.id.clone())));
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
    let loaded: Vec<_> = (0..jobs.len())
        .into_par_iter()
        .map(|n| jobs[n].run(config, bytes, folding, &scratch.join(format!("load-{n}"))))
        .collect::<Result<_, _>>()?;

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

impl Job<'_, '_> {
    fn run(
        &self,
        config: &Config,
        bytes: &Bytes,
        folding: &Folding<'_>,
        scratch: &Path,
    ) -> Result<Option<Result<Loaded, String>>, EngineError> {
        if self.repeated {
            return Ok(None);
        }
        fs::create_dir_all(scratch).map_err(|e| EngineError::io("making room to work", scratch, e))?;
        let input = super::Input {
            name: &self.input.file.name,
            path: &bytes.path_of(self.input)?,
            extract: self.extract,
            meaning: self.meaning,
            index: self.index,
            refused_as: self.refused_as,
            hash_field: self.hash_field,
            side: self.side,
            folding,
        };
        let loaded = load(&input, &config.limits, scratch)?;
        Ok(Some(loaded.map_err(|unreadable| unreadable.to_string())))
    }
}
