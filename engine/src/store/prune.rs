//! What lies in a series' archive and beside the series, and removing some of it.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cuadre_audit::layout::{self, FilingDate, INPUTS, LOG, MANIFEST, beside};
use cuadre_audit::prune::{Found, Kind, named};
use cuadre_audit::{Hold, Series, Sha256Digest};

use super::Place;
use super::bucket::{Bucket, Listed};
use super::push::read_claim;
use super::series::{Remote, Working};
use crate::error::EngineError;
use crate::night::NOT_FILED;

impl Working {
    /// Keeps everyone else from writing to a series in a folder. In a bucket nobody can: see
    /// [`Working::named`].
    pub fn hold(&self) -> Result<Hold, EngineError> {
        if !self.folder().join(LOG).is_file() {
            return Err(EngineError::Usage(format!(
                "{}: no LOG is there; give the folder of a series to --filings",
                self.place()
            )));
        }
        Ok(Hold::take(self.folder())?)
    }

    /// Every object that a filing names. In a bucket, also what claimed filings name: what a run that claims later
    /// on needs, it brings up itself once it has claimed.
    pub fn named(&self) -> Result<BTreeSet<Sha256Digest>, EngineError> {
        let mut claimed = Vec::new();
        if let Some(Remote { bucket, .. }) = &self.remote {
            self.bring_lists(bucket)?;
            claimed = self.bring_claimed(bucket)?;
        }
        Ok(named(self.folder(), &claimed)?)
    }

    /// Every file of the archive, and of the evidence of days that were not filed, by path.
    pub fn found(&self) -> Result<Vec<Found>, EngineError> {
        let (archived, evidence) = match &self.remote {
            None => {
                let root = self.folder();
                (
                    files(&root.join(layout::ARCHIVE), layout::ARCHIVE)?,
                    files(&beside(root, NOT_FILED), &self.evidence())?,
                )
            }
            Some(Remote { bucket, .. }) => {
                let listed = |object: Listed, prefix: &str| {
                    let path = format!("{prefix}{}", object.name);
                    Found { path, kind: Kind::Foreign, bytes: object.bytes, changed: object.changed() }
                };
                let beside = Bucket::open(&bucket.url.beside(NOT_FILED))?;
                let prefix = format!("{}/", self.evidence());
                let archived = bucket.list(layout::ARCHIVE)?.into_iter().map(|object| listed(object, ""));
                (archived.collect(), beside.list("")?.into_iter().map(|object| listed(object, &prefix)).collect())
            }
        };
        let archived = archived.into_iter().map(|found| Found { kind: Kind::of_archived(&found.path), ..found });
        let evidence = evidence.into_iter().map(|found| Found { kind: self.kind_of_evidence(&found), ..found });
        Ok(archived.chain(evidence).collect())
    }

    /// Removes files; those that could not be, by their place among them, and why.
    pub fn remove(&self, gone: &[&Found]) -> Result<Vec<(usize, EngineError)>, EngineError> {
        let prefix = format!("{}/", self.evidence());
        let Some(Remote { bucket, .. }) = &self.remote else {
            let beside = beside(self.folder(), NOT_FILED);
            let removed = gone.iter().map(|found| {
                let evidence = found.path.strip_prefix(&prefix).map(|name| beside.join(name));
                let path = evidence.unwrap_or_else(|| self.folder().join(&found.path));
                fs::remove_file(&path).map_err(|error| EngineError::io("removing", &path, error))
            });
            let refused = (0..).zip(removed).filter_map(|(index, removed)| Some((index, removed.err()?))).collect();
            remove_empty_days(&beside);
            return Ok(refused);
        };
        let beside = Bucket::open(&bucket.url.beside(NOT_FILED))?;
        let mut refused = Vec::new();
        for (bucket, of_evidence) in [(bucket, false), (&beside, true)] {
            let is_here = |&index: &usize| (gone[index].kind == Kind::Evidence) == of_evidence;
            let here: Vec<usize> = (0..gone.len()).filter(is_here).collect();
            let name = |&index: &usize| gone[index].path.strip_prefix(&prefix).unwrap_or(&gone[index].path);
            let names: Vec<&str> = here.iter().map(name).collect();
            refused.extend(bucket.remove(&names).into_iter().map(|(index, error)| (here[index], error)));
        }
        Ok(refused)
    }

    /// What of these is gone that a filing names by now: in a bucket nobody is kept from filing meanwhile.
    pub fn lost<'a>(&self, gone: &[&'a Found]) -> Result<Option<&'a Found>, EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(None) };
        let named = Self::to_read(self.place())?.named()?;
        let is_named = |found: &&Found| matches!(found.kind, Kind::Object(digest) if named.contains(&digest));
        let needed: Vec<&Found> = gone.iter().copied().filter(is_named).collect();
        let names: Vec<String> = needed.iter().map(|found| found.path.clone()).collect();
        let there: BTreeSet<String> = bucket.find(&names)?.into_iter().map(|object| object.name).collect();
        Ok(needed.into_iter().find(|found| !there.contains(&found.path)))
    }

    /// Brings down the manifest of every filing, and the list of what it was made from.
    fn bring_lists(&self, bucket: &Bucket) -> Result<(), EngineError> {
        let filed = Series::at(self.folder()).filings()?;
        let names: BTreeSet<String> = filed
            .iter()
            .flat_map(|filed| [MANIFEST, INPUTS].map(|name| layout::filing_file(&filed.id, name)))
            .collect();
        let listed = bucket.list(layout::FILINGS)?.into_iter().filter(|object| names.contains(&object.name));
        bucket.download(&listed.collect::<Vec<_>>(), self.folder(), &|_| ())
    }

    /// Brings down the lists of filings that are claimed and not in LOG yet; their names in the archive.
    fn bring_claimed(&self, bucket: &Bucket) -> Result<Vec<Sha256Digest>, EngineError> {
        let entries = Series::at(self.folder()).history()?.entries;
        let is_open =
            |claim: &Listed| claim.name.rsplit('/').next().and_then(|name| name.parse().ok()) >= Some(entries);
        let mut lists = Vec::new();
        for claim in bucket.list(layout::CLAIMS)?.into_iter().filter(is_open) {
            let Some(signed) = bucket.get(&claim.name)? else { continue };
            let (_, filed) = read_claim(&signed.bytes).map_err(|error| {
                let why = format!("the claim cannot be read: {error}");
                EngineError::Differs(format!("{}: {why}; run `cuadre verify`", bucket.url.at(&claim.name)))
            })?;
            let list = filed.files().iter().find(|file| file.name == INPUTS).map(|file| file.sha256);
            lists.extend(list);
        }
        self.bring(&lists.iter().map(|list| layout::object(*list)).collect::<Vec<_>>())?;
        Ok(lists)
    }

    /// The folder of evidence beside the series, relative to it.
    fn evidence(&self) -> String {
        let series = match self.place() {
            Place::Folder(folder) => folder.clone(),
            Place::Bucket(url) => PathBuf::from(&url.prefix),
        };
        let name = beside(&series, NOT_FILED).file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("../{name}")
    }

    /// Evidence lies in a folder that is called like its day.
    fn kind_of_evidence(&self, found: &Found) -> Kind {
        let below = found.path.strip_prefix(&self.evidence()).and_then(|path| path.strip_prefix('/'));
        let day = below.and_then(|path| path.split_once('/')).map(|(day, _)| day.parse::<FilingDate>());
        if matches!(day, Some(Ok(_))) { Kind::Evidence } else { Kind::Foreign }
    }
}

fn remove_empty_days(evidence: &Path) {
    let Ok(days) = fs::read_dir(evidence) else { return };
    for day in days.flatten().filter(|day| day.file_name().to_string_lossy().parse::<FilingDate>().is_ok()) {
        // One that is not empty stays.
        let _ = fs::remove_dir(day.path());
    }
}

/// Every regular file below a folder, by path, which begins with `name`.
fn files(folder: &Path, name: &str) -> Result<Vec<Found>, EngineError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), name.to_owned())];
    while let Some((folder, name)) = folders.pop() {
        let failed = |e| EngineError::io("listing", &folder, e);
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let metadata: Metadata = entry.metadata().map_err(failed)?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            if metadata.is_dir() {
                folders.push((entry.path(), name));
            } else if metadata.is_file() {
                let (bytes, changed) = (metadata.len(), metadata.mtime());
                found.push(Found { path: name, kind: Kind::Foreign, bytes, changed });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}
