//! Inputs that were loaded before: a folder for each under the digest of what went in, so that a night that was
//! interrupted, or that loads what comes early while it waits for the rest, does not load it again.
//!
//! A folder is there whole or not at all, as far as a killed process goes; what a loss of power took of it shows
//! in the digests, and the input is then loaded anew. Only bytes of the archive are kept loaded: nothing else
//! stays what its digest says. `regenerate` never reads from here.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::Sha256Digest;
use cuadre_rules::Config;
use cuadre_rules::config::Limits;
use cuadre_rules::control::ControlTotals;
use cuadre_rules::exception::Exception;
use cuadre_rules::money::Totals;
use serde::{Deserialize, Serialize};

use super::all::load_all;
use super::columns::Mapper;
use super::evidence::EvidenceList;
use super::meaning::Head;
use super::record::Unreadable;
use super::stage::Staged;
use super::{Input, Loaded, MOVEMENTS, REFUSED, SourceTotals, load};
use crate::error::EngineError;
use crate::inputs::{self, Bytes, Inputs, Role};
use crate::judge::Room;
use crate::progress::Progress;
use crate::reconcile::fold::Folding;

/// The folder of a night's loaded inputs, in the folder of what it keeps.
pub const LOADED: &str = "loaded";

/// Raised with every change of what is written here, or of what an input is loaded as.
const FORMAT: u32 = 2;

/// The file that says what else is in the folder of an input.
const RECORD: &str = "loaded.json";

/// The loaded inputs of a night.
#[derive(Debug)]
pub struct Kept {
    root: PathBuf,
}

/// The digest of all that decides what an input is loaded as.
pub struct Key(Sha256Digest);

impl Key {
    /// That of `input`, or of the part of it, which was `received` under the configuration with this digest.
    pub fn new(config_sha256: &str, received: &inputs::Input, input: &Input<'_>) -> Result<Self, EngineError> {
        let (kind, about) = input.refused_as;
        let program = (FORMAT, env!("CARGO_PKG_VERSION"));
        let meaning = (config_sha256, input.meaning.business_date, Exception::id(kind, about), input.language);
        let file = (&received.file.name, &received.file.sha256, received.snapshot, &input.part);
        let all = serde_json::to_vec(&(program, meaning, file)).map_err(EngineError::bug)?;
        Ok(Self(Sha256Digest::of(&all)))
    }
}

/// What became of an input, but for what lies beside it and what follows from the configuration.
#[derive(Serialize, Deserialize)]
struct Record {
    movements: Sha256Digest,
    refused: (Sha256Digest, u64),
    records: u64,
    bytes: u64,
    head: Head,
    totals: Vec<(String, SourceTotals)>,
    hash_total: Option<i128>,
    trailer: ControlTotals,
}

/// A source that was loaded before the night was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The source.
    pub source: String,
    /// Records read, refused ones included.
    pub records: u64,
    /// Records refused.
    pub rejected: u64,
    /// Sum of the movements.
    pub amount: Totals,
    /// Why files of it cannot be read.
    pub unreadable: Vec<String>,
}

/// Loads the extracts among `inputs`, and keeps them as `room` says; the night that has the same inputs among its
/// own does not load them again. Nothing is judged.
pub fn load_ahead(config: &Config, inputs: &Inputs, bytes: &Bytes, room: Room<'_>) -> Result<Vec<Ahead>, EngineError> {
    let mut extracts = inputs.clone();
    extracts.inputs.retain(|input| input.role == Role::Extract);
    let (by_source, _) = load_all(config, &extracts, bytes, room, &Folding::idle(), false)?;
    let mut all = Vec::new();
    for (source, extracts) in config.sources.iter().zip(by_source).filter(|(_, extracts)| !extracts.is_empty()) {
        let (amount, unreadable) = (Totals::new(config.scale()), Vec::new());
        let mut ahead = Ahead { source: source.id.clone(), records: 0, rejected: 0, amount, unreadable };
        for extract in extracts {
            match extract.loaded {
                None => {}
                Some(Err(why)) => ahead.unreadable.push(format!("{}: {why}", extract.input.file.name)),
                Some(Ok(loaded)) => {
                    ahead.records += loaded.records;
                    ahead.rejected += loaded.refused_records();
                    loaded.totals.iter().try_for_each(|(_, totals)| ahead.amount.merge(&totals.amount))?;
                }
            }
        }
        all.push(ahead);
    }
    Ok(all)
}

impl Kept {
    /// What is kept in the folder of a night; it is made when something is.
    pub fn at(night: &Path) -> Self {
        Self { root: night.join(LOADED) }
    }

    /// The input as it was loaded before, or else loads it and keeps it. What is only of this run goes into `folder`.
    /// The inner error says why the file cannot be read.
    pub fn load(
        &self,
        Key(key): Key,
        input: &Input<'_>,
        limits: &Limits,
        folder: &Path,
        progress: &Progress,
    ) -> Result<Result<Loaded, Unreadable>, EngineError> {
        let place = self.root.join(key.to_string());
        if let Some(loaded) = take(&place, input, folder) {
            progress.loaded(loaded.records, loaded.bytes);
            return Ok(Ok(loaded));
        }
        let failed = |e| EngineError::io("keeping what was loaded", &place, e);
        // Left by a run that was killed, or by a loss of power.
        let aside = self.root.join(format!(".{key}"));
        for old in [&aside, &place] {
            if old.exists() {
                fs::remove_dir_all(old).map_err(failed)?;
            }
        }
        fs::create_dir_all(&aside).map_err(failed)?;
        let input = Input { leave: false, ..input.clone() };
        let loaded = match load(&input, limits, folder, &aside, progress)? {
            Ok(loaded) => loaded,
            Err(unreadable) => {
                fs::remove_dir_all(&aside).map_err(failed)?;
                return Ok(Err(unreadable));
            }
        };
        fs::write(aside.join(RECORD), Record::of(&loaded, &aside)?.to_text()?).map_err(failed)?;
        fs::rename(&aside, &place).map_err(failed)?;
        Ok(Ok(loaded.moved(&place)))
    }
}

/// The input as it is kept in `place`; `None` where nothing is, or where it is not what was put there. A fold that
/// does not come to its end leaves the night as it was.
fn take(place: &Path, input: &Input<'_>, folder: &Path) -> Option<Loaded> {
    let record = Record::from_text(&fs::read_to_string(place.join(RECORD)).ok()?)?;
    let is_whole = |name: &str, digest| Sha256Digest::of_file(&place.join(name)).is_ok_and(|(is, _)| is == digest);
    if !is_whole(MOVEMENTS, record.movements) || !is_whole(REFUSED, record.refused.0) {
        return None;
    }
    let mapper = Mapper::new(input.meaning.bind_head(&record.head).ok()?, input.index);
    let movements = folder.join(MOVEMENTS);
    let fold = input.folding.file(input.side, &movements).ok()?;
    let staged = Staged::again(&movements, place.join(MOVEMENTS), &mapper, fold).ok()?;
    Some(Loaded {
        movements: vec![staged],
        refused: vec![EvidenceList::at(place.join(REFUSED), record.refused.1)],
        records: record.records,
        bytes: record.bytes,
        totals: record.totals,
        hash_total: record.hash_total,
        trailer: record.trailer,
        drift: mapper.mapping.drift,
        head: record.head,
    })
}

impl Record {
    /// The record of an input whose files lie in `folder`.
    fn of(loaded: &Loaded, folder: &Path) -> Result<Self, EngineError> {
        let digest = |name: &str| Sha256Digest::of_file(&folder.join(name)).map(|(digest, _)| digest);
        Ok(Self {
            movements: digest(MOVEMENTS)?,
            refused: (digest(REFUSED)?, loaded.refused_records()),
            records: loaded.records,
            bytes: loaded.bytes,
            head: loaded.head.clone(),
            totals: loaded.totals.clone(),
            hash_total: loaded.hash_total,
            trailer: loaded.trailer.clone(),
        })
    }

    /// Its digest in a line of its own, and then the record.
    fn to_text(&self) -> Result<String, EngineError> {
        let json = serde_json::to_string(self).map_err(EngineError::bug)?;
        Ok(format!("{}\n{json}", Sha256Digest::of(json.as_bytes())))
    }

    fn from_text(text: &str) -> Option<Self> {
        let (digest, json) = text.split_once('\n')?;
        let is_whole = digest == Sha256Digest::of(json.as_bytes()).to_string();
        is_whole.then(|| serde_json::from_str(json).ok())?
    }
}

impl Loaded {
    /// The same after its files came into `folder`.
    fn moved(mut self, folder: &Path) -> Self {
        self.movements.iter_mut().for_each(|staged| staged.moved(&folder.join(MOVEMENTS)));
        self.refused = self.refused.iter().map(|list| EvidenceList::at(folder.join(REFUSED), list.rows)).collect();
        self
    }
}
