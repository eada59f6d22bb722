//! What of a series may be removed once its retention has ended: what no filing names.
//!
//! A filing names the objects of the archive that its `inputs.json` names, and that list itself; for as long as
//! the series is kept, so are they. [`named`] reads all of them, or fails: where one list cannot be
//! read, nobody knows what is needed. [`fate`] decides of one file, from nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::archive::Archive;
use crate::digest::{Hasher, Sha256Digest};
use crate::disk;
use crate::error::{Error, Result};
use crate::inputs;
use crate::layout::{self, FilingId};
use crate::log::{self, Log};
use crate::manifest::{History, Manifest};
use crate::series;

/// A file of the archive, or of the evidence beside the series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it lies, relative to the series.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was changed last, in seconds since 1970.
    pub changed: i64,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object of the archive.
    Object(Sha256Digest),
    /// What receiving an object left when it was interrupted.
    Leftover,
    /// Evidence of a day that was not filed.
    Evidence,
    /// Something that is not of this crate's making.
    Foreign,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It may be removed.
    Remove,
    /// It stays: a filing names it.
    Named,
    /// It stays: its retention has not ended.
    Young,
    /// It stays: nobody knows what it is.
    Foreign,
}

/// What becomes of a file, where filings name these objects and the retention of what was changed last before
/// `end`, in seconds since 1970, has ended.
pub fn fate(found: &Found, named: &BTreeSet<Sha256Digest>, end: i64) -> Fate {
    match found.kind {
        Kind::Foreign => Fate::Foreign,
        Kind::Object(digest) if named.contains(&digest) => Fate::Named,
        _ if found.changed >= end => Fate::Young,
        Kind::Object(_) | Kind::Leftover | Kind::Evidence => Fate::Remove,
    }
}

impl Kind {
    /// What lies at a path of the archive.
    pub fn of_archived(path: &str) -> Self {
        let digest = path.rsplit('/').next().and_then(|name| name.parse::<Sha256Digest>().ok());
        match digest {
            Some(digest) if layout::object(digest) == path => Self::Object(digest),
            _ if layout::is_incoming(path) => Self::Leftover,
            _ => Self::Foreign,
        }
    }
}

/// Every object that a filing names: those of `LOG`, those whose folders have their final names and that the next
/// run completes, and those that are made from the lists `claimed`, which lie in the archive. Only for the holder of
/// the append lock.
///
/// # Errors
/// [`crate::ErrorKind::Damaged`] when `LOG`, a manifest or a list is not what it should be, and
/// [`crate::ErrorKind::Io`] when it cannot be read.
pub fn named(root: &Path, claimed: &[Sha256Digest]) -> Result<BTreeSet<Sha256Digest>> {
    let log = Log::read(root)?;
    let path = root.join(layout::LOG);
    let pending = series::pending(root, &log)?;
    if log.lines().is_empty() || (log.is_torn() && pending.is_empty()) {
        let why = if log.is_torn() { "its last line is unfinished" } else { "it is empty, or not there" };
        return Err(Error::damaged("cannot tell what filings name", path, why));
    }
    let filed: BTreeSet<FilingId> = series::filings(log.lines()).iter().map(|filed| filed.id).collect();
    let mut named = BTreeSet::new();
    let mut hasher = Hasher::new();
    let mut before: BTreeMap<FilingId, History> = BTreeMap::new();
    for (entries, line) in (0..).zip(log.lines()) {
        let history = History { entries, sha256: hasher.digest() };
        hasher.update(log::line(line.digest, &line.path).as_bytes());
        let Some((id, name)) = layout::parse_filing_file(&line.path) else { continue };
        let before = *before.entry(id).or_insert(history);
        if pending.contains(&id) {
            continue;
        }
        if !filed.contains(&id) {
            let why = format!("it names {} of a filing whose manifest and signature it does not name", line.path);
            return Err(Error::damaged("cannot tell what filings name", path, why));
        }
        if name == layout::MANIFEST {
            let manifest = Manifest::from_bytes(&read(root, &line.path, Some(line.digest))?);
            let manifest = manifest.map_err(|e| damaged(root, &line.path, e.why()))?;
            if manifest.predicate.history != before {
                return Err(damaged(root, &line.path, "LOG does not begin with the history that it pins"));
            }
            add(root, &id, &manifest, &mut named)?;
        } else if name == layout::INPUTS {
            add_list(&root.join(&line.path), &read(root, &line.path, Some(line.digest))?, &mut named)?;
        }
    }
    for id in &pending {
        let path = layout::filing_file(id, layout::MANIFEST);
        let manifest = Manifest::from_bytes(&read(root, &path, None)?);
        add(root, id, &manifest.map_err(|e| damaged(root, &path, e.why()))?, &mut named)?;
    }
    let archive = Archive::new(root);
    for list in claimed {
        archive.check(*list)?;
        add_list(&archive.path_of(*list), &disk::read_whole(&archive.path_of(*list))?, &mut named)?;
    }
    Ok(named)
}

/// Adds what a filing was made from, where its manifest says that there is a list of it.
fn add(root: &Path, id: &FilingId, manifest: &Manifest, named: &mut BTreeSet<Sha256Digest>) -> Result<()> {
    let Some(list) = manifest.subject.iter().find(|subject| subject.name == layout::INPUTS) else { return Ok(()) };
    let path = layout::filing_file(id, layout::INPUTS);
    add_list(&root.join(&path), &read(root, &path, Some(list.sha256))?, named)
}

fn add_list(path: &Path, list: &[u8], named: &mut BTreeSet<Sha256Digest>) -> Result<()> {
    let objects = inputs::named_objects(list);
    named.extend(objects.map_err(|e| Error::damaged("cannot tell what filings name", path, e.why()))?);
    named.insert(Sha256Digest::of(list));
    Ok(())
}

/// Reads a file of the series that must be there, and have this digest where one is known.
fn read(root: &Path, path: &str, digest: Option<Sha256Digest>) -> Result<Vec<u8>> {
    let absolute = root.join(path);
    if !fs::symlink_metadata(&absolute).is_ok_and(|meta| meta.is_file()) {
        return Err(damaged(root, path, "there is no such file"));
    }
    let bytes = disk::read_whole(&absolute)?;
    match digest.is_none_or(|digest| digest == Sha256Digest::of(&bytes)) {
        true => Ok(bytes),
        false => Err(damaged(root, path, "it is not the file that LOG or the manifest names")),
    }
}

fn damaged(root: &Path, path: &str, why: &str) -> Error {
    Error::damaged("cannot tell what filings name", root.join(path), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i64 = 1_000;

    fn digests() -> [Sha256Digest; 3] {
        [&b"a"[..], b"b", b"c"].map(Sha256Digest::of)
    }

    #[test]
    fn a_path_of_the_archive_says_what_lies_there() {
        for digest in digests() {
            assert_eq!(Kind::of_archived(&layout::object(digest)), Kind::Object(digest));
            assert_eq!(Kind::of_archived(&format!("archive/sha256/{digest}")), Kind::Foreign);
            assert_eq!(Kind::of_archived(&format!("archive/sha256/zz/{digest}")), Kind::Foreign);
            assert_eq!(Kind::of_archived(&format!("{}.bak", layout::object(digest))), Kind::Foreign);
        }
        assert_eq!(Kind::of_archived(&layout::incoming("12-0")), Kind::Leftover);
        assert_eq!(Kind::of_archived("archive/notes.txt"), Kind::Foreign);
    }

    /// Every archive of up to three objects, whichever of them are named, and whatever their ages: what goes is
    /// exactly what is old and not named.
    #[test]
    fn only_what_is_old_and_not_named_goes() {
        for mask in 0..8_usize {
            let of_mask = |bit: &usize| mask >> bit & 1 == 1;
            let named: BTreeSet<Sha256Digest> = (0..3).filter(of_mask).map(|n| digests()[n]).collect();
            for ages in 0..27_i64 {
                for n in 0..3_usize {
                    let age = ages / 3_i64.pow(n as u32) % 3;
                    let changed = END + 1 - age;
                    let found = |kind| fate(&Found { path: "x".to_owned(), kind, bytes: 1, changed }, &named, END);
                    let is_old = age == 2;
                    let gone = found(Kind::Object(digests()[n])) == Fate::Remove;
                    assert_eq!(gone, is_old && !of_mask(&n), "{mask} {ages} {n}");
                    assert_eq!(found(Kind::Leftover) == Fate::Remove, is_old);
                    assert_eq!(found(Kind::Evidence) == Fate::Remove, is_old);
                    assert_eq!(found(Kind::Foreign), Fate::Foreign);
                }
            }
        }
    }
}
