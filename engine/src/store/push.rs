//! Bringing a filing up into a series in a bucket, so that runs keep apart and nothing is left
//! halfway.
//!
//! A filing's manifest pins how many lines `LOG` has in front of it. Before anything of the filing is
//! written, its manifest, the signature over it and the time stamps over that are put at `claims/<that number>`, on condition that
//! nothing is there: whoever succeeds may follow these lines, and nobody else ever. What it was made from is in the archive by
//! then, so that any later run can make the claimed filing again, byte for byte, and complete it.
//! Last comes `LOG`, on condition that it still is the one that was read. There is no lock to expire,
//! and no clock.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::layout::{self, FilingId, LOG, MANIFEST};
use cuadre_audit::{ErrorKind, Sealed, Series, Sha256Digest, TrustFiles};
use cuadre_reports::open::Disposition;
use object_store::UpdateVersion;

use super::Url;
use super::bucket::{Bucket, Put};
use super::series::{Remote, Working};
use crate::dispositions::{self, DISPOSITIONS};
use crate::error::{EngineError, exit};
use crate::manifest::Filed;
use crate::night::{self, NOT_FILED, Night, Outcome};

impl Working {
    /// Completes the filing that an interrupted run had claimed, if there is one.
    pub fn complete(&mut self, night: &Night<'_>) -> Result<Option<FilingId>, EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(None) };
        let history = Series::at(&self.folder).history()?;
        if history.entries == 0 {
            return Ok(None);
        }
        let name = layout::claim(history.entries);
        let Some(claim) = bucket.get(&name)? else { return Ok(None) };
        let id = self.make_again(&claim.bytes, night).map_err(|error| match error.exit_code() {
            exit::PASSING_FAULT | exit::CONFIG => self.told(error),
            _ => EngineError::Elsewhere {
                message: format!(
                    "{}: an interrupted run claimed the next place in the series, and its filing cannot be completed: {}. \
                     Run `cuadre verify`; only if nothing was ever sent from that filing, remove the claim and run again",
                    bucket.url.at(&name),
                    self.told(error)
                ),
                exit_code: exit::VERIFICATION_FAILED,
            },
        })?;
        self.bring_up(id)?;
        Ok(Some(id))
    }

    /// Makes the claimed filing in the working copy.
    fn make_again(&self, claim: &[u8], night: &Night<'_>) -> Result<FilingId, EngineError> {
        let (sealed, claimed) = read_claim(claim)?;
        let series = Series::open_or_create(&self.folder)?;
        // What the store's other users put there is not made.
        series.check_sealed(claimed.id, &sealed)?;
        self.bring_inputs(&claimed, night.progress)?;
        let staging = series.stage(claimed.id)?;
        let made = night::regenerate(&series.archive(), &claimed, staging.path(), night.memory, night.progress)?;
        if made.last().map(|manifest| manifest.sha256) != Some(Sha256Digest::of(&sealed.manifest)) {
            let version = &claimed.statement().predicate.predicate.produced_by.version;
            let message = format!("making {} again gives other bytes", claimed.id);
            return Err(EngineError::Differs(format!("{message}; it was made by cuadre {version}: run that version")));
        }
        let path = staging.path().join(MANIFEST);
        fs::remove_file(&path).map_err(|e| EngineError::io("removing", &path, e))?;
        Ok(staging.commit(sealed)?.id)
    }

    /// Brings up what a night came to, and says where it then lies.
    pub fn settle(&mut self, outcome: Outcome) -> Result<Outcome, EngineError> {
        if self.remote.is_none() {
            return Ok(outcome);
        }
        match outcome {
            Outcome::Filed(mut filing) => {
                if filing.is_new {
                    self.bring_up(filing.id)?;
                }
                filing.folder = self.shown(&filing.folder);
                Ok(Outcome::Filed(filing))
            }
            Outcome::NotFiled(mut night) => {
                night.evidence = self.leave_evidence(&night.evidence)?;
                Ok(Outcome::NotFiled(night))
            }
        }
    }

    /// Makes a generation of trust part of the series.
    pub fn install(&mut self, files: &TrustFiles) -> Result<(), EngineError> {
        let installed = Series::open_or_create(&self.folder).and_then(|series| series.install(files));
        installed.map_err(|error| match error.kind() {
            // It comes from a file that was made for another state of the series.
            ErrorKind::Conflict => EngineError::Setup(error.to_string()),
            _ => self.told(error.into()),
        })?;
        let Self { folder, remote: Some(Remote { bucket, log }), .. } = self else { return Ok(()) };
        bring_trust(bucket, folder)?;
        replace_log(bucket, folder, log)
    }

    /// Adds a record of a disposition beside the series; never in place of another.
    pub fn record(&self, disposition: &Disposition) -> Result<(), EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else {
            return dispositions::record(&self.folder, disposition);
        };
        let beside = Bucket::open(&bucket.url.beside(DISPOSITIONS))?;
        let (name, bytes) = (dispositions::name(disposition.number), dispositions::bytes(disposition)?);
        match beside.put(&name, bytes.clone(), Put::New)? {
            Some(_) => Ok(()),
            // The answer to our own put may have been lost.
            None if beside.get(&name)?.is_some_and(|there| there.bytes == bytes) => Ok(()),
            None => {
                let message = format!("{}: another process has just recorded it; run again", beside.url.at(&name));
                Err(EngineError::Away(message))
            }
        }
    }

    /// Makes a filing of the working copy part of the series.
    fn bring_up(&mut self, id: FilingId) -> Result<(), EngineError> {
        let Self { folder, remote: Some(Remote { bucket, log }), .. } = self else { return Ok(()) };
        if log.is_none() {
            bring_trust(bucket, folder)?;
        }
        archive(bucket, below(folder, layout::OBJECTS)?)?;

        let sealed = Series::at(&*folder).sealed(&id)?;
        let entries = Filed::claimed(&sealed.manifest)?.history().entries;
        claim(bucket, &layout::claim(entries), sealed.to_claim())?;
        // Who prunes reads the claims first, and may have taken away meanwhile what it did not know to be named.
        archive(bucket, below(folder, layout::OBJECTS)?)?;

        bucket.upload(&below(folder, &layout::filing(&id))?.named(), false)?;
        replace_log(bucket, folder, log)
    }

    /// The evidence of a night that is not filed goes beside the series, which holds filings alone.
    fn leave_evidence(&self, evidence: &Path) -> Result<PathBuf, EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(evidence.to_owned()) };
        let root = self.folder.parent().unwrap_or(&self.folder);
        let beside = Bucket::open(&bucket.url.beside(NOT_FILED))?;
        let relative = evidence.strip_prefix(root).map_err(EngineError::bug)?;
        let name: PathBuf = relative.iter().skip(1).collect();
        let name = name.to_string_lossy().into_owned();
        beside.upload(&[(name.clone(), evidence)], false)?;
        Ok(PathBuf::from(beside.url.at(&name)))
    }
}

impl Url {
    /// The URL whose last name has this at its end.
    pub(super) fn beside(&self, suffix: &str) -> Self {
        Self { bucket: self.bucket.clone(), prefix: format!("{}{suffix}", self.prefix) }
    }
}

/// Brings up the files of trust, none of which ever changes. Allowed signers come last: once they are
/// there, so is everything they need.
fn bring_trust(bucket: &Bucket, folder: &Path) -> Result<(), EngineError> {
    let (last, first): (Vec<_>, Vec<_>) =
        below(folder, layout::TRUST)?.0.into_iter().partition(|(name, _)| layout::is_allowed_signers(name));
    for (name, path) in first.into_iter().chain(last) {
        let bytes = fs::read(&path).map_err(|e| EngineError::io("reading", &path, e))?;
        create(bucket, &name, bytes, "another run has changed its trust just now")?;
    }
    Ok(())
}

/// Replaces LOG, if it still is the one that was read.
fn replace_log(bucket: &Bucket, folder: &Path, log: &mut Option<UpdateVersion>) -> Result<(), EngineError> {
    let path = folder.join(LOG);
    let lines = fs::read(&path).map_err(|e| EngineError::io("reading", &path, e))?;
    let put = log.take().map_or(Put::New, Put::InPlaceOf);
    *log = match bucket.put(LOG, lines.clone(), put)? {
        Some(version) => Some(version),
        // The answer to our own put may have been lost, or another run has completed this filing
        // and even gone on.
        None => match bucket.get(LOG)? {
            Some(there) if there.bytes.starts_with(&lines) => Some(there.version),
            _ => return Err(taken(&bucket.url, "another run has filed meanwhile")),
        },
    };
    Ok(())
}

/// Brings up what is not yet in the archive. An object is named by its digest: what is there stays.
fn archive(bucket: &Bucket, files: Files) -> Result<(), EngineError> {
    let names: Vec<String> = files.0.iter().map(|(name, _)| name.clone()).collect();
    let there: BTreeMap<String, u64> =
        bucket.find(&names)?.into_iter().map(|object| (object.name, object.bytes)).collect();
    let mut new = Vec::new();
    for (name, path) in files.0 {
        let bytes = path.metadata().map_err(|e| EngineError::io("reading", &path, e))?.len();
        match there.get(&name) {
            None => new.push((name, path)),
            Some(size) if *size == bytes => {}
            Some(size) => {
                let why = format!("it has {size} bytes and not {bytes}: it is not what its name says");
                let message = format!("{}: {why}; restore it from a backup", bucket.url.at(&name));
                return Err(EngineError::Differs(message));
            }
        }
    }
    bucket.upload(&Files(new).named(), true)
}

/// What a claim holds, and the filing that it is of.
pub(super) fn read_claim(claim: &[u8]) -> Result<(Sealed, Filed), EngineError> {
    let sealed = Sealed::from_claim(claim);
    let sealed = sealed.ok_or_else(|| EngineError::Differs("the claim is not that of a filing".to_owned()))?;
    let filed = Filed::claimed(&sealed.manifest)?;
    Ok((sealed, filed))
}

/// Claims a place in the series. A store that overwrites in spite of the condition cannot keep runs
/// apart: it is found out before anything depends on it.
fn claim(bucket: &Bucket, name: &str, signed: Vec<u8>) -> Result<(), EngineError> {
    create(bucket, name, signed.clone(), "another run is filing")?;
    match bucket.put(name, signed, Put::New)? {
        None => Ok(()),
        Some(_) => Err(EngineError::Setup(format!(
            "{}: the store ignores If-None-Match, so that two runs at once could damage a series; \
             use a store that honours it, or a local folder",
            bucket.url.at("")
        ))),
    }
}

/// Writes an object that must be ours alone: the very bytes may be there from a run that was
/// interrupted.
fn create(bucket: &Bucket, name: &str, bytes: Vec<u8>, otherwise: &str) -> Result<(), EngineError> {
    if bucket.put(name, bytes.clone(), Put::New)?.is_some() {
        return Ok(());
    }
    match bucket.get(name)? {
        Some(there) if there.bytes == bytes => Ok(()),
        _ => Err(taken(&bucket.url, otherwise)),
    }
}

fn taken(url: &Url, why: &str) -> EngineError {
    EngineError::Away(format!("{}: {why}; nothing was filed, run again", url.at("")))
}

/// Files of the working copy.
struct Files(Vec<(String, PathBuf)>);

impl Files {
    fn named(&self) -> Vec<(String, &Path)> {
        self.0.iter().map(|(name, path)| (name.clone(), path.as_path())).collect()
    }
}

/// Every file below a folder of the series, in order.
fn below(series: &Path, folder: &str) -> Result<Files, EngineError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let path = series.join(&folder);
        let failed = |e| EngineError::io("listing", &path, e);
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            match entry.file_type().map_err(failed)?.is_dir() {
                true => folders.push(name),
                false => files.push((name, entry.path())),
            }
        }
    }
    files.sort();
    Ok(Files(files))
}
