//! Receive: the raw bytes of everything the night needs go into the archive. Nothing later reads
//! anything else.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use cuadre_audit::{Archive, Sha256Digest};
use cuadre_rules::Config;
use cuadre_rules::config::Language;
use cuadre_rules::config::source::Compared;
use cuadre_rules::said::Said;
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::asking::Asking;
use crate::clock::Clock;
use crate::database::Fault;
use crate::deliveries::{Day, Delivery, Places};
use crate::error::EngineError;
use crate::inputs::{Bytes, CONFIG, Input, Inputs, Problem, Role, Stored};
use crate::landing::Found;
use crate::load::kept::Kept;
use crate::manifest::file_without_from;
use crate::night::Night;
use crate::progress::{Count, Progress};
use crate::received::Received;
use crate::telling::What;

/// Receives the day of `night`. Rows of databases are copied into files of `scratch`.
pub fn receive(
    night: &Night<'_>,
    archive: &Archive,
    scratch: &Path,
    kept: Option<&Kept>,
) -> Result<Inputs, EngineError> {
    let Night { config, business_date: date, ref places, progress, .. } = *night;
    let received = night.work.as_ref().and_then(|work| Received::at(&work.night(date)));
    let not_without = |deliveries: &[Delivery]| -> Result<(), EngineError> {
        let Some(fault) = away(deliveries) else { return Ok(()) };
        if night.telling.clock.now() >= file_without_from(config, date)? {
            let without =
                |delivery: &Delivery| if delivery.of.is_empty() { "warehouse".to_owned() } else { delivery.of.clone() };
            for (delivery, fault) in
                deliveries.iter().filter_map(|d| Some((d, d.found.as_ref().err().filter(|_| d.of_database)?)))
            {
                night.telling.tell(&What::Without { service: &without(delivery), why: &fault.words });
            }
            return Ok(());
        }
        let time = "nothing was filed, since there is still time (policy.file_without_from)";
        Err(Fault { words: format!("{fault}; {time}"), ..fault.clone() }.into())
    };
    let stored = || -> Result<Inputs, EngineError> {
        let problem = |(of, reason): (&String, &Said)| Problem {
            role: if of.is_empty() { Role::Warehouse } else { Role::Extract },
            of: of.clone(),
            reason: reason.in_language(night.config.language).to_owned(),
            unfinished: !of.is_empty(),
        };
        let problems = night.unfinished.iter().map(problem).collect();
        let inputs = Inputs::of_config(date, night.texts, archive)?;
        Ok(Inputs { no_movements: night.no_movements.clone(), problems, ..inputs })
    };
    let archived = |deliveries: &[Delivery], inputs: &mut Inputs| {
        let found = deliveries.iter().filter_map(|delivery| delivery.found.as_ref().ok()).flatten();
        progress.phase("archiving", Some(Count::Bytes(found.map(size_of).sum())));
        take(deliveries, inputs, config.language, |delivery, file| {
            let taken = keep(delivery, file, archive, received.as_ref());
            progress.advance(size_of(file));
            taken
        })
    };
    let day = Day { config, date, places, scratch, lasting: true, clock: &night.telling.clock, progress };
    progress.phase("looking for the day's files and rows", None);
    // What is still being written is left where it is: half a file is no file.
    let whole = |deliveries: Vec<Delivery>| -> Vec<Delivery> {
        let left_out = |delivery: &Delivery| {
            matches!(delivery.role, Role::Extract | Role::Control | Role::Warehouse)
                && night.unfinished.contains_key(&delivery.of)
        };
        let whole = |delivery: Delivery| {
            if left_out(&delivery) { Delivery { found: Ok(Vec::new()), ..delivery } } else { delivery }
        };
        deliveries.into_iter().map(whole).collect()
    };
    if config.warehouse.extract().compared == Compared::Rows {
        let deliveries = whole(day.deliveries(true));
        not_without(&deliveries)?;
        let mut inputs = stored()?;
        archived(&deliveries, &mut inputs)?;
        return Ok(inputs);
    }
    let sources = whole(day.sources());
    not_without(&sources)?;
    let mut inputs = stored()?;
    archived(&sources, &mut inputs)?;
    let asking = Asking::prepare(config, &inputs, &Bytes::Archived(archive.clone()), scratch, kept, progress)?;
    progress.phase("asking the warehouse", None);
    let warehouse = day.warehouse(true, asking.as_ref());
    not_without(&warehouse)?;
    archived(&warehouse, &mut inputs)?;
    Ok(inputs)
}

/// The same for a look at the day's two sides: files stay where they are, and what only rules need
/// is not asked for.
pub fn receive_in_place(
    config: &Config,
    date: Date,
    places: &Places,
    scratch: &Path,
    progress: &Progress,
) -> Result<(Inputs, Bytes), EngineError> {
    let stored = Stored { name: CONFIG.to_owned(), sha256: String::new(), bytes: 0 };
    let mut inputs = Inputs::new(date, stored);
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut left = |deliveries: Vec<Delivery>, inputs: &mut Inputs| -> Result<Bytes, EngineError> {
        if let Some(fault) = away(&deliveries) {
            return Err(fault.clone().into());
        }
        let twins = twins(&deliveries);
        take(&deliveries, inputs, config.language, |delivery, file| stay(delivery, file, twins.contains(&file.path)))?;
        let files = deliveries.into_iter().filter_map(|delivery| delivery.found.ok()).flatten();
        found.extend(files.map(|file| (file.name, file.path)));
        Ok(Bytes::InPlace(found.clone()))
    };
    let clock = Clock::system();
    let day = Day { config, date, places, scratch, lasting: false, clock: &clock, progress };
    if config.warehouse.extract().compared == Compared::Rows {
        let bytes = left(day.deliveries(false), &mut inputs)?;
        return Ok((inputs, bytes));
    }
    let bytes = left(day.sources(), &mut inputs)?;
    let asking = Asking::prepare(config, &inputs, &bytes, scratch, None, progress)?;
    let bytes = left(day.warehouse(false, asking.as_ref()), &mut inputs)?;
    Ok((inputs, bytes))
}

/// Why a database could not be read.
fn away(deliveries: &[Delivery]) -> Option<&Fault> {
    deliveries.iter().filter(|delivery| delivery.of_database).find_map(|delivery| delivery.found.as_ref().err())
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
type Taken = Result<Result<Input, String>, EngineError>;

/// Keeps every file that was found, a core each, and adds them to `inputs` in order; why one cannot be read, as the
/// `language` of the filing has it.
fn take(
    deliveries: &[Delivery],
    inputs: &mut Inputs,
    language: Language,
    keep: impl Fn(&Delivery, &Found) -> Taken + Sync,
) -> Result<(), EngineError> {
    let keep_all = |delivery: &Delivery| match &delivery.found {
        Ok(found) => found.par_iter().map(|file| keep(delivery, file)).collect(),
        Err(fault) => vec![Ok(Err(fault.words.clone()))],
    };
    let kept: Vec<Vec<Taken>> = deliveries.par_iter().map(keep_all).collect();
    for (delivery, kept) in deliveries.iter().zip(kept) {
        for kept in kept {
            match kept? {
                Ok(input) => inputs.inputs.push(input),
                Err(reason) => {
                    let reason = Said::quoted(&reason).into_language(language);
                    let (role, of) = (delivery.role, delivery.of.clone());
                    inputs.problems.push(Problem { role, of, reason, unfinished: false });
                }
            }
        }
    }
    Ok(())
}

/// Puts one file into the archive.
fn keep(delivery: &Delivery, file: &Found, archive: &Archive, received: Option<&Received>) -> Taken {
    let stored = match received.filter(|_| !delivery.snapshot) {
        Some(received) => received.put(archive, &file.path),
        None => archive.put_file(&file.path),
    };
    match stored {
        Ok(stored) => Ok(Ok(delivery.input(file, stored.digest.to_string(), stored.bytes))),
        Err(error) if error.path() == Some(&file.path) => Ok(Err(format!("{}: {}", file.name, error.why()))),
        Err(error) => Err(error.into()),
    }
}

/// Leaves one file where it is. Its digest is asked for only where another file of the delivery is
/// as long: to tell whether it is the same one twice.
fn stay(delivery: &Delivery, file: &Found, twin: bool) -> Taken {
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
        let stored = Stored { name: file.name.clone(), sha256, bytes };
        Input {
            changed_at: if self.timed { changed() } else { None },
            snapshot: self.snapshot,
            ..Input::new(self.role, &self.of, stored)
        }
    }
}
