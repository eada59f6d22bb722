//! Preparing a filing aside, and making it part of the series.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::block::{self, Block};
use super::recover;
use super::{Filed, SeriesWriter, check_trusted, conflict, filings, trust};
use crate::digest::Sha256Digest;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs;
use crate::keys::{MANIFEST_NAMESPACE, SigningKey};
use crate::layout::{self, FilingId};
use crate::log::Log;
use crate::manifest::{Manifest, Statement, Subject};

/// A filing being prepared in a folder aside, which goes when this is dropped uncommitted.
#[derive(Debug)]
pub struct Staging<'a> {
    series: &'a SeriesWriter,
    id: FilingId,
    path: PathBuf,
}

/// What a filing says. Its files lie in [`Staging::path`].
#[derive(Clone, Debug)]
pub struct NewFiling<'a, P> {
    /// Every file in the folder, in the order in which manifest and `LOG` name them.
    pub files: Vec<Subject>,
    /// What kind of predicate it is: a URI.
    pub predicate_type: &'a str,
    /// What is said. Must hold [`crate::manifest::SeriesFacts`] that agree with the series:
    /// `history` as [`super::Series::history`] gives it, `filing.supersedes` as
    /// [`super::Series::latest`].
    pub predicate: P,
}

impl<'a> Staging<'a> {
    pub(super) fn new(series: &'a SeriesWriter, id: FilingId, path: PathBuf) -> Self {
        Staging { series, id, path }
    }

    /// Which filing it will be.
    pub fn id(&self) -> FilingId {
        self.id
    }

    /// The folder for its files: plain names, no folders within.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Signs the filing and makes it part of the series.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] when the predicate does not fit the series;
    /// [`crate::ErrorKind::Key`] when the series does not trust `key`;
    /// [`crate::ErrorKind::Damaged`] when a file is not what `filing` says, or the history is not
    /// whole. The series is then as it was. After [`crate::ErrorKind::Io`] it is as it was, or the
    /// next [`super::Series::open_or_create`] completes the filing.
    pub fn commit<P: Serialize>(self, filing: NewFiling<'_, P>, key: &SigningKey) -> Result<Filed> {
        let root = self.series.root();
        let log = Log::read(root)?;
        check_trusted(&trust(root, &log)?, &key.public_key(), root)?;
        check_none_pending(root, &log)?;
        check_last(root, &log)?;
        block::check_files(&self.path, &filing.files, &[])?;
        self.archive_inputs(&filing.files)?;

        let statement = Statement {
            subject: filing.files,
            predicate_type: filing.predicate_type.to_owned(),
            predicate: filing.predicate,
        };
        let bytes = statement.to_bytes()?;
        self.check_facts(&log, &bytes)?;
        let signature = key.sign(MANIFEST_NAMESPACE, &bytes)?.into_bytes();

        for subject in &statement.subject {
            disk::sync_file(&self.path.join(&subject.name))?;
        }
        disk::write_new(&self.path.join(layout::MANIFEST), &bytes)?;
        disk::write_new(&self.path.join(layout::SIGNATURE), &signature)?;
        disk::sync_folder(&self.path)?;
        disk::rename(&self.path, &self.series.folder(&self.id))?;
        let text = block::text(&self.id, &statement.subject, &bytes, &signature);
        log.append(text.as_bytes())?;
        Ok(Filed { id: self.id, manifest: Sha256Digest::of(&bytes) })
    }

    fn check_facts(&self, log: &Log, bytes: &[u8]) -> Result<()> {
        let misfit = |why: &str| conflict(why, &self.path);
        let manifest = Manifest::from_bytes(bytes).map_err(|e| misfit(&e.to_string()))?;
        let entries = log.lines().len();
        if Some(manifest.predicate.history) != log.history(entries) {
            return Err(misfit("its history is not that of the series"));
        }
        block::check_place(log, entries, &self.id, &manifest.predicate).map_err(|why| misfit(&why))
    }

    /// What the filing was made from must be in the archive, and the list of it too, or nobody can
    /// make it again.
    fn archive_inputs(&self, files: &[Subject]) -> Result<()> {
        if !files.iter().any(|file| file.name == layout::INPUTS) {
            return Ok(());
        }
        let path = self.path.join(layout::INPUTS);
        let named = inputs::named_objects(&disk::read_whole(&path)?)
            .map_err(|e| conflict(&format!("{} is not JSON: {e}", layout::INPUTS), &path))?;
        let archive = self.series.archive();
        match named.into_iter().find(|digest| !archive.contains(*digest)) {
            Some(digest) => {
                Err(conflict(&format!("the archive has no object {digest}, which {} names", layout::INPUTS), &path))
            }
            None => archive.put_file(&path).map(drop),
        }
    }
}

impl Drop for Staging<'_> {
    /// A filing that did not come about leaves nothing; once committed, the folder is elsewhere.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A filing whose lines could not be written must get them before anything else is signed: its
/// manifest pins the history as it was.
fn check_none_pending(root: &Path, log: &Log) -> Result<()> {
    match recover::pending(root, log)?.first() {
        None => Ok(()),
        Some(id) => Err(Error::new(
            ErrorKind::Conflict,
            "the filing before this one is not in LOG yet",
            format!("writing the lines of {id} failed"),
            "run again: opening the series completes it",
        )
        .at(root.join(layout::filing(id)))),
    }
}

/// Is the history exactly the one that the last filing pinned, and that filing's own lines?
fn check_last(root: &Path, log: &Log) -> Result<()> {
    let path = root.join(layout::LOG);
    let Some(last) = filings(log.lines()).pop() else {
        return match log.lines().len() {
            1 if !log.is_torn() => Ok(()),
            _ => Err(Error::damaged("cannot sign", path, "it names files of no filing")),
        };
    };
    let Block { entries, text } = block::confirm(root, log, &last.id)?;
    let rest = log.offset(entries).map(|start| &log.bytes()[start..]);
    if rest != Some(text.as_bytes()) {
        let why = format!("it does not end with the lines of {}, the last filing", last.id);
        return Err(Error::damaged("cannot sign", path, why));
    }
    Ok(())
}
