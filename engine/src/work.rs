//! What a night keeps while it is under way, so that a run that was interrupted goes on where it stopped, and
//! others can see how far it has come: a folder per business date, beside the series or where the configuration's
//! `work` says. Nothing that is filed is read from it but what is there under the digest of its bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cuadre_audit::layout::beside;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::load::kept::LOADED;
use crate::received::RECEIVED;

/// The file with the [state of a night](NightState), in the folder of its date.
pub const NIGHT: &str = "night.json";

/// What is put to a series' name for that of the folder beside it with what its nights keep.
pub const NIGHTS: &str = ".night";

/// The folder of what nights keep.
#[derive(Debug, Clone)]
pub struct Work {
    root: PathBuf,
}

impl Work {
    /// The folder at `root`; it is made when something is written.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder beside a series.
    pub fn beside(series: &Path) -> Self {
        Self::at(beside(series, NIGHTS))
    }

    /// The folder itself: what outlasts a night.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the night of a business date.
    pub fn night(&self, date: Date) -> PathBuf {
        self.root.join(date.to_string())
    }

    /// Removes what the nights up to that of `date` kept for a run after them: the day is filed.
    pub fn forget(&self, date: Date) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for night in entries.flatten() {
            let of = night.file_name().to_str().and_then(|name| name.parse::<Date>().ok());
            if of.is_some_and(|of| of <= date) {
                // What cannot be removed now is a later night's to remove.
                let _ = fs::remove_dir_all(night.path().join(LOADED));
                let _ = fs::remove_file(night.path().join(RECEIVED));
                let _ = fs::remove_dir(night.path());
            }
        }
    }

    /// Reads what was written at `path`; `None` where nothing is, or nothing that can be read: it is then made
    /// anew.
    pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes `value` at `path`: whoever reads sees all of it or what was there before.
    pub fn write(path: &Path, value: &impl Serialize) -> Result<(), EngineError> {
        let failed = |e| EngineError::io("keeping the state of the night", path, e);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        replace(path, &serde_json::to_vec(value).map_err(EngineError::bug)?).map_err(failed)
    }
}

/// Puts these bytes at `path`: whoever reads sees all of them or what was there before. What a loss of power
/// leaves may be neither.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let staged = path.with_added_extension("new");
    fs::write(&staged, bytes).and_then(|()| fs::rename(&staged, path))
}

/// How far a night has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NightState {
    /// The institution.
    pub institution: String,
    /// The series.
    pub series: String,
    /// The day.
    pub business_date: Date,
    /// The process that runs it.
    pub pid: u32,
    /// When that began.
    pub started_at: Timestamp,
    /// The night's clock when this was written.
    pub updated_at: Timestamp,
    /// When the filing is due.
    pub deadline: Timestamp,
    /// When reporting begins at the latest, whatever is missing then.
    pub last_safe_start: Timestamp,
    /// The [stage](crate::telling::Stage) it is in, by name; `ended` once there is an outcome.
    pub stage: String,
    /// What is awaited, or was: each source in order of the configuration, then the warehouse.
    pub awaited: Vec<Awaited>,
    /// What people should know before the deadline, in words.
    pub warnings: Vec<String>,
    /// What it came to.
    pub outcome: Option<NightOutcome>,
}

/// A source, or the warehouse, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Awaited {
    /// The source; empty for the warehouse.
    pub source: String,
    /// By when it usually comes.
    pub expected: Option<Timestamp>,
    /// Until when it is waited for.
    pub cut_off: Timestamp,
    /// What has become of it.
    pub state: Awaiting,
    /// Its files as they were last seen, in order.
    pub files: Vec<Seen>,
    /// When it was there and whole.
    pub received_at: Option<Timestamp>,
    /// Records read, once it is loaded.
    pub records: Option<u64>,
}

/// What has become of something that is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Awaiting {
    /// Nothing has come.
    Awaited,
    /// Something has come, and it may not be all.
    Arriving,
    /// It is there and whole.
    Received,
    /// It had not come by its cut-off.
    Missed,
}

/// A file as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Its name below the data folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, by the clock of where it lies.
    pub changed_at: Option<Timestamp>,
    /// Since when it has been seen like this.
    pub since: Timestamp,
}

/// What a night came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NightOutcome {
    /// The exit code.
    pub exit_code: u8,
    /// The filing, where there is one.
    pub filing: Option<String>,
    /// `complete` or `partial`, where there is a filing.
    pub status: Option<String>,
    /// Gaps of the filing, or why there is none.
    pub words: Vec<String>,
}
