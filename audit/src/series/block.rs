//! The lines that a filing adds to `LOG`, and the proof that a filing on disk deserves them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::digest::Sha256Digest;
use crate::disk;
use crate::error::{Error, Result};
use crate::keys::MANIFEST_NAMESPACE;
use crate::layout::{self, FilingId};
use crate::log::{self, Log};
use crate::manifest::{Manifest, SeriesFacts, Subject};
use crate::series::{self, Sealed, trust};
use crate::time_stamp;

/// The lines of one filing and where they belong.
pub(super) struct Block {
    /// How many lines `LOG` has in front of it.
    pub(super) entries: usize,
    /// The lines themselves.
    pub(super) text: String,
}

/// Reads a filing's folder and confirms that it is what its signed manifest says: every file, the
/// signature, its time stamps, its place in the series, and the history that it pins.
pub(super) fn confirm(root: &Path, log: &Log, id: &FilingId) -> Result<Block> {
    let folder = root.join(layout::filing(id));
    let sealed = read_sealed(&folder)?;
    let path = folder.join(layout::MANIFEST);
    let damaged = |why: String| Error::damaged("the filing cannot be confirmed", &path, why);
    let (entries, manifest) = judge(root, log, id, &sealed).map_err(damaged)?;
    let others = sealed.files();
    let others: Vec<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
    check_files(&folder, &manifest.subject, &others)?;
    Ok(Block { entries, text: text(id, &manifest.subject, &sealed) })
}

/// Do signature and time stamps of a sealed manifest count, and does it fit where it says it
/// belongs in `LOG`? How many lines come before it, and the manifest.
pub(super) fn judge(
    root: &Path,
    log: &Log,
    id: &FilingId,
    sealed: &Sealed,
) -> std::result::Result<(usize, Manifest), String> {
    let manifest = Manifest::from_bytes(&sealed.manifest).map_err(|e| e.to_string())?;
    let facts = &manifest.predicate;
    let entries = usize::try_from(facts.history.entries).unwrap_or(usize::MAX);
    if log.history(entries) != Some(facts.history) {
        return Err("LOG does not begin with the history that it pins".to_owned());
    }
    check_place(log, entries, id, facts)?;

    let standing = trust::Standing::read(root, log).map_err(|e| e.to_string())?;
    let times = stamped_at(root, log, &standing, sealed)?;
    let at = times.into_iter().min().unwrap_or(facts.issued_at);
    let signers = &standing.trust.signers;
    let signed = signers.verify(MANIFEST_NAMESPACE, &sealed.manifest, &sealed.signature, standing.trust.not_before(at));
    signed.map_err(|e| e.to_string())?;
    Ok((entries, manifest))
}

/// When each time stamp of a sealed manifest was made.
fn stamped_at(
    root: &Path,
    log: &Log,
    standing: &trust::Standing,
    sealed: &Sealed,
) -> std::result::Result<Vec<Timestamp>, String> {
    let pins = trust::pins(root, log, &standing.trust).map_err(|e| e.to_string())?;
    let mut times = Vec::new();
    for (name, token) in &sealed.tokens {
        let known = pins.iter().find(|(pinned, _)| pinned == name);
        let (_, pin) = known.ok_or_else(|| format!("the series trusts no time stamps of {name}"))?;
        let stamp = time_stamp::verify(token, &sealed.signature, pin).map_err(|e| format!("{name}: {e}"))?;
        times.push(stamp.time);
    }
    Ok(times)
}

/// The latest time that a filing claims or its time stamps prove.
pub(super) fn signed_at(root: &Path, log: &Log, id: &FilingId) -> Result<Timestamp> {
    let folder = root.join(layout::filing(id));
    let sealed = read_sealed(&folder)?;
    let facts = Manifest::from_bytes(&sealed.manifest)?.predicate;
    let log = log.first(usize::try_from(facts.history.entries).unwrap_or(usize::MAX));
    let standing = trust::Standing::read(root, &log)?;
    let times = stamped_at(root, &log, &standing, &sealed);
    let times = times.map_err(|why| Error::damaged("the last filing cannot be read", &folder, why))?;
    let claimed = facts.issued_at;
    Ok(times.into_iter().fold(claimed, Timestamp::max))
}

pub(super) fn read_sealed(folder: &Path) -> Result<Sealed> {
    let read = |name: &str| disk::read_whole(&folder.join(name));
    let tokens = token_names(folder)?.into_iter().map(|name| {
        let authority = layout::parse_token(&name).unwrap_or_default().to_owned();
        Ok((authority, read(&name)?))
    });
    let mut tokens: Vec<_> = tokens.collect::<Result<_>>()?;
    tokens.sort();
    Ok(Sealed { manifest: read(layout::MANIFEST)?, signature: read(layout::SIGNATURE)?, tokens })
}

/// The names of the tokens in a filing's folder, in order.
pub(super) fn token_names(folder: &Path) -> Result<Vec<String>> {
    let names = super::recover::names_in(folder)?;
    Ok(names.into_iter().filter(|name| layout::parse_token(name).is_some()).collect())
}

/// The lines of a filing: its subjects, its manifest, its signature, its tokens.
pub(super) fn text(id: &FilingId, subjects: &[Subject], sealed: &Sealed) -> String {
    let line = |name: &str, sha256| log::line(sha256, &layout::filing_file(id, name));
    let mut text: String = subjects.iter().map(|s| line(&s.name, s.sha256)).collect();
    for (name, bytes) in sealed.files() {
        text += &line(&name, Sha256Digest::of(bytes));
    }
    text
}

/// Is this the next filing of its day after the first `entries` lines, and does it say so?
pub(super) fn check_place(
    log: &Log,
    entries: usize,
    id: &FilingId,
    facts: &SeriesFacts,
) -> std::result::Result<(), String> {
    if !facts.is_for(id) {
        let (date, number) = (facts.business_date, facts.filing.number);
        return Err(format!("its predicate is for {date}, number {number}, not {id}"));
    }
    let before = log.lines().get(..entries).unwrap_or_default();
    let of_date = series::filings(before).into_iter().filter(|filed| filed.id.date() == id.date());
    let latest = of_date.max_by_key(|filed| filed.id);
    let number = latest.map_or(Some(1), |l| series::next_number(l.id.number()));
    if number != Some(id.number()) {
        return Err(format!("it is not the next filing of {}", id.date()));
    }
    if facts.supersedes() != latest.map(|filed| filed.manifest) {
        return Err(match latest {
            Some(filed) => format!("its filing.supersedes is not {}", filed.manifest),
            None => "its filing.supersedes is not null".to_owned(),
        });
    }
    Ok(())
}

/// Does the folder hold exactly these subjects and these other files, as regular files?
pub(super) fn check_files(folder: &Path, subjects: &[Subject], others: &[&str]) -> Result<()> {
    let mut expected: BTreeSet<&str> = others.iter().copied().collect();
    for subject in subjects {
        let path = folder.join(&subject.name);
        let meta =
            fs::symlink_metadata(&path).map_err(|e| Error::io("a file of the filing cannot be read", &path, e))?;
        if !meta.is_file() {
            return Err(Error::damaged("not a file of a filing", path, "it is no regular file"));
        }
        let (actual, _) = Sha256Digest::of_file(&path)?;
        if actual != subject.sha256 {
            let why = format!("its SHA-256 is {actual}, not {}", subject.sha256);
            return Err(Error::damaged("the file is not the one that was named", path, why));
        }
        expected.insert(&subject.name);
    }
    let failed = |e| Error::io("cannot list the folder", folder, e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let known = entry.file_name().to_str().is_some_and(|name| expected.contains(name));
        if !known {
            let why = "the manifest does not name it";
            return Err(Error::damaged("not a file of the filing", entry.path(), why));
        }
    }
    Ok(())
}
