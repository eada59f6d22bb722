//! Writing a series: install trust, stage a filing, commit it.
//!
//! One process writes at a time: it holds the lock on `LOCK` for as long as its [`SeriesWriter`]
//! lives. A filing appears whole or not at all: staged aside, synced, renamed, and only then named
//! in `LOG` by one write. A crash between the last two steps is made good by the next
//! [`Series::open_or_create`], from the signed manifest alone.
//!
//! Nothing is signed on top of a history that is not whole: before a filing is staged the last one is
//! checked again (its files, its signature, the history that it pins).

mod block;
mod commit;
mod recover;
mod trust;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::archive::{self, Archive};
use crate::digest::Sha256Digest;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::PublicKey;
use crate::layout::{self, FilingDate, FilingId};
use crate::log::{Line, Log};
use crate::manifest::History;
use crate::spool::{self, Emptied};
use jiff::Timestamp;

pub use commit::{NewFiling, Sealed, Staging};
pub(crate) use recover::pending;
pub use trust::{Standing, TrustFiles};

/// A series, to read from. Reads the disk anew at each call, and takes no lock.
#[derive(Clone, Debug)]
pub struct Series {
    root: PathBuf,
}

/// A series, to write to. Holds the append lock until it is dropped.
#[derive(Debug)]
pub struct SeriesWriter {
    series: Series,
    recovered: Option<FilingId>,
    archive_fault: Option<Error>,
    _hold: Hold,
}

/// Keeps everyone else from what it stands for, such as writing to a series, for as long as this lives.
#[derive(Debug)]
pub struct Hold(File);

/// A filing that is in the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Which one.
    pub id: FilingId,
    /// The digest of its manifest: what a later filing of the day supersedes.
    pub manifest: Sha256Digest,
}

impl Series {
    /// The series at `root`, to read from. Nothing is checked or created: see [`crate::verify()`].
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Series { root: root.into() }
    }

    /// Opens the series at `root` to write to it; an absent one is created. Makes good what a crash
    /// left unfinished, and removes what it left aside.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when another process is writing; [`ErrorKind::Damaged`] when the
    /// series is in a state that no crash of this crate leaves.
    pub fn open_or_create(root: impl Into<PathBuf>) -> Result<SeriesWriter> {
        let root = root.into();
        disk::create_folder(&root)?;
        let hold = Hold::take(&root)?;
        disk::settle(&root)?;
        disk::create_folder(&root.join(layout::FILINGS))?;
        // An archive that is away holds up who stores in it, and nobody else.
        let archive_fault = archive::settle(&root).err();
        recover::remove_leftovers(&root)?;
        trust::recover(&root)?;
        let recovered = recover::recover(&root)?;
        Ok(SeriesWriter { series: Series { root }, recovered, archive_fault, _hold: hold })
    }

    /// The series' folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The series' archive. What still waits in the [spool] is read from there.
    pub fn archive(&self) -> Archive {
        let (archive, spool) = (Archive::new(&self.root), spool::beside(&self.root));
        if spool.is_dir() { archive.besides(spool) } else { archive }
    }

    /// The [spool], to store in while the archive is away. What it does not hold is read from the archive.
    pub fn spool(&self) -> Archive {
        Archive::new(spool::beside(&self.root)).besides(&self.root)
    }

    /// The folder of a filing.
    pub fn folder(&self, id: &FilingId) -> PathBuf {
        self.root.join(layout::filing(id))
    }

    /// The history as it is now: what the next filing's manifest must pin.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] when a line is malformed, or the last one is unfinished.
    pub fn history(&self) -> Result<History> {
        let log = Log::read(&self.root)?;
        log.history(log.lines().len()).filter(|_| !log.is_torn()).ok_or_else(|| {
            let why = "its last line is not finished; a run that files makes that good";
            Error::damaged("cannot pin the history", self.root.join(layout::LOG), why)
        })
    }

    /// Does `LOG` begin with these lines?
    pub fn begins_with(&self, history: &History) -> Result<bool> {
        let entries = usize::try_from(history.entries).unwrap_or(usize::MAX);
        Ok(Log::read(&self.root)?.history(entries).as_ref() == Some(history))
    }

    /// Every filing, in the order in which they were filed.
    pub fn filings(&self) -> Result<Vec<Filed>> {
        Ok(filings(Log::read(&self.root)?.lines()))
    }

    /// The filing for `date` with the highest number.
    pub fn latest(&self, date: FilingDate) -> Result<Option<Filed>> {
        let of_date = self.filings()?.into_iter().filter(|f| f.id.date() == date);
        Ok(of_date.max_by_key(|filed| filed.id))
    }

    /// What the next filing for `date` is called.
    pub fn next(&self, date: FilingDate) -> Result<FilingId> {
        let number = self.latest(date)?.map_or(0, |filed| filed.id.number());
        next_number(number)
            .and_then(|number| FilingId::new(date, number))
            .ok_or_else(|| conflict("the day has all the filings it can have", &self.root))
    }

    /// What the series trusts as it stands.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when it trusts nobody yet; [`ErrorKind::Damaged`] when a file of trust is
    /// not the one that `LOG` names.
    pub fn standing(&self) -> Result<Standing> {
        Standing::read(&self.root, &Log::read(&self.root)?)
    }

    /// A filing's manifest, with the signature and the time stamps over it, as they lie in its folder.
    pub fn sealed(&self, id: &FilingId) -> Result<Sealed> {
        block::read_sealed(&self.folder(id))
    }

    /// When the last filing was signed, as far as it says and its time stamps prove: the latest of
    /// these instants; `None` without a filing. Reads only its manifest, signature and time stamps.
    pub fn last_signed(&self) -> Result<Option<Timestamp>> {
        let log = Log::read(&self.root)?;
        match filings(log.lines()).last() {
            None => Ok(None),
            Some(last) => block::signed_at(&self.root, &log, &last.id).map(Some),
        }
    }

    /// Has nobody founded the series yet?
    pub fn is_new(&self) -> Result<bool> {
        Ok(Log::read(&self.root)?.lines().is_empty())
    }

    /// May this key sign a manifest that says it was issued at that time?
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when not.
    pub fn check_trusted(&self, key: &PublicKey, at: Timestamp) -> Result<()> {
        self.standing()?.check(key, at, &self.root)
    }
}

impl SeriesWriter {
    /// Why nothing can be stored in the archive, where that showed when the series was opened.
    pub fn archive_fault(&self) -> Option<&Error> {
        self.archive_fault.as_ref()
    }

    /// Moves what waits in the [spool] into the archive.
    ///
    /// # Errors
    /// When the archive cannot take it.
    pub fn empty_spool(&self) -> Result<Emptied> {
        spool::empty(&spool::beside(&self.root), &Archive::new(&self.root))
    }

    /// The filing that a crash had left out of `LOG` and that opening the series put in.
    pub fn recovered(&self) -> Option<FilingId> {
        self.recovered
    }

    /// Do the signature and time stamps of a sealed filing count, and is it the next one?
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] when not.
    pub fn check_sealed(&self, id: FilingId, sealed: &Sealed) -> Result<()> {
        let judged = block::judge(&self.root, &Log::read(&self.root)?, &id, sealed);
        judged.map(drop).map_err(|why| Error::damaged("the sealed filing does not count", self.folder(&id), why))
    }

    /// Begins the next filing of its day in an empty folder aside.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when `id` is not what [`Series::next`] gives for its date, or another
    /// filing has yet to be completed; [`ErrorKind::Damaged`] when the history is not whole.
    pub fn stage(&self, id: FilingId) -> Result<Staging<'_>> {
        commit::check_history(&self.root)?;
        let expected = self.next(id.date())?;
        if id != expected {
            let why = format!("the next filing of that day is {expected}, not {id}");
            return Err(conflict(&why, &self.root));
        }
        let path = self.root.join(layout::staging(&id));
        if path.symlink_metadata().is_ok() {
            fs::remove_dir_all(&path).map_err(|e| Error::io("cannot clear", &path, e))?;
        }
        disk::create_folder(&path)?;
        Ok(Staging::new(self, id, path))
    }
}

impl Deref for SeriesWriter {
    type Target = Series;

    fn deref(&self) -> &Series {
        &self.series
    }
}

impl Hold {
    /// Takes the append lock of the series at `root`, and changes nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when another process is writing.
    pub fn take(root: &Path) -> Result<Self> {
        let path = root.join(layout::LOCK);
        let failed = |e| Error::io("cannot lock the series", &path, e);
        Hold::of(&path).map_err(failed)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Locked,
                "cannot lock the series",
                "another process is writing to it",
                "wait until it ends, then run again",
            )
            .at(&path)
        })
    }

    /// Locks the file at `path`, which is made where there is none; `None` while another process has it locked.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a child process that is just being started.
        let _ = self.0.unlock();
    }
}

/// The filings whose lines are complete among these lines of `LOG`.
pub(crate) fn filings(lines: &[Line]) -> Vec<Filed> {
    let pairs = lines.windows(2).filter_map(|pair| {
        let (id, name) = layout::parse_filing_file(&pair[0].path)?;
        let complete = pair[1].path == layout::filing_file(&id, layout::SIGNATURE);
        (name == layout::MANIFEST && complete).then_some(Filed { id, manifest: pair[0].digest })
    });
    pairs.collect()
}

fn next_number(number: u32) -> Option<u32> {
    number.checked_add(1)
}

fn conflict(why: &str, path: &Path) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "the filing does not fit the series",
        why,
        "read the series' history again and prepare the filing from it",
    )
    .at(path)
}
