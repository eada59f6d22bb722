//! Preparing a filing aside, and making it part of the series.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::block::{self, Block};
use super::recover;
use super::{Filed, SeriesWriter, conflict, filings};
use crate::archive::Archive;
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
    archive: Archive,
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

/// A manifest with the signature over it, and the time stamps over that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The armored signature.
    pub signature: Vec<u8>,
    /// Tokens over the signature's bytes, by the name of their authority.
    pub tokens: Vec<(String, Vec<u8>)>,
}

impl Sealed {
    /// The files that a filing has besides its subjects, in the order in which `LOG` names them.
    pub fn files(&self) -> Vec<(String, &[u8])> {
        let signed = [(layout::MANIFEST, &self.manifest), (layout::SIGNATURE, &self.signature)];
        let signed = signed.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.as_slice()));
        signed.chain(self.tokens.iter().map(|(name, bytes)| (layout::token(name), bytes.as_slice()))).collect()
    }

    /// All of it in one text, as a claim on object storage holds it: the manifest, the signature, and
    /// a line per token, of its authority and its bytes in hexadecimal.
    pub fn to_claim(&self) -> Vec<u8> {
        let mut claim = [&self.manifest[..], &self.signature].concat();
        for (name, token) in &self.tokens {
            let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
            claim.extend_from_slice(format!("{name} {hex}\n").as_bytes());
        }
        claim
    }

    /// Reads what [`Sealed::to_claim`] writes; `None` for anything else.
    pub fn from_claim(claim: &[u8]) -> Option<Self> {
        let (manifest, rest) = std::str::from_utf8(claim).ok()?.split_once('\n')?;
        let (signature, lines) = rest.split_once(END_OF_SIGNATURE)?;
        let token = |line: &str| {
            let (name, hex) = line.split_once(' ').filter(|(name, _)| layout::is_authority_name(name))?;
            let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
            Some((name.to_owned(), (0..hex.len()).step_by(2).map(byte).collect::<Option<_>>()?))
        };
        Some(Sealed {
            manifest: format!("{manifest}\n").into_bytes(),
            signature: [signature, END_OF_SIGNATURE].concat().into_bytes(),
            tokens: lines.lines().map(token).collect::<Option<_>>()?,
        })
    }
}

const END_OF_SIGNATURE: &str = "-----END SSH SIGNATURE-----\n";

impl<'a> Staging<'a> {
    pub(super) fn new(series: &'a SeriesWriter, id: FilingId, path: PathBuf) -> Self {
        let archive = Archive::new(series.root());
        Staging { series, id, path, archive }
    }

    /// The same filing, whose inputs lie in `archive` and not in the series' own: in the [spool](crate::spool), while
    /// that is away.
    pub fn archived_in(mut self, archive: Archive) -> Self {
        self.archive = archive;
        self
    }

    /// Which filing it will be.
    pub fn id(&self) -> FilingId {
        self.id
    }

    /// The folder for its files: plain names, no folders within.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// States the filing and signs it. Nothing is part of the series yet: the signature may be
    /// time-stamped before [`Staging::commit`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] when the predicate does not fit the series;
    /// [`crate::ErrorKind::Key`] when the series does not trust `key` at the time of issue.
    pub fn seal<P: Serialize>(&self, filing: NewFiling<'_, P>, key: &SigningKey) -> Result<Sealed> {
        let log = Log::read(self.series.root())?;
        let predicate_type = filing.predicate_type.to_owned();
        let statement = Statement { subject: filing.files, predicate_type, predicate: filing.predicate };
        let manifest = statement.to_bytes()?;
        let misfit = |why: &str| conflict(why, &self.path);
        let facts = Manifest::from_bytes(&manifest).map_err(|e| misfit(&e.to_string()))?.predicate;
        let entries = log.lines().len();
        if Some(facts.history) != log.history(entries) {
            return Err(misfit("its history is not that of the series"));
        }
        block::check_place(&log, entries, &self.id, &facts).map_err(|why| misfit(&why))?;
        self.series.check_trusted(&key.public_key(), facts.issued_at)?;
        let signature = key.sign(MANIFEST_NAMESPACE, &manifest)?.into_bytes();
        Ok(Sealed { manifest, signature, tokens: Vec::new() })
    }

    /// Makes a sealed filing part of the series.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] when it does not fit the series, or its signature or a time
    /// stamp does not count; [`crate::ErrorKind::Damaged`] when a file is not what the manifest says.
    /// The series is then as it was. After [`crate::ErrorKind::Io`] it is as it was, or the
    /// next [`super::Series::open_or_create`] completes the filing.
    pub fn commit(self, mut sealed: Sealed) -> Result<Filed> {
        let root = self.series.root();
        let log = Log::read(root)?;
        check_none_pending(root, &log)?;
        sealed.tokens.sort();
        let (entries, manifest) =
            block::judge(root, &log, &self.id, &sealed).map_err(|why| conflict(&why, &self.path))?;
        if entries != log.lines().len() {
            return Err(conflict("its history is not that of the series", &self.path));
        }
        block::check_files(&self.path, &manifest.subject, &[])?;
        self.archive_inputs(&manifest.subject)?;

        for subject in &manifest.subject {
            disk::sync_file(&self.path.join(&subject.name))?;
        }
        for (name, bytes) in sealed.files() {
            disk::write_new(&self.path.join(name), bytes)?;
        }
        disk::sync_folder(&self.path)?;
        disk::rename(&self.path, &self.series.folder(&self.id))?;
        log.append(block::text(&self.id, &manifest.subject, &sealed).as_bytes())?;
        Ok(Filed { id: self.id, manifest: Sha256Digest::of(&sealed.manifest) })
    }

    /// What the filing was made from must be in the archive, and the list of it too, or nobody can
    /// make it again.
    fn archive_inputs(&self, files: &[Subject]) -> Result<()> {
        if !files.iter().any(|file| file.name == layout::INPUTS) {
            return Ok(());
        }
        let path = self.path.join(layout::INPUTS);
        let named = inputs::named_objects(&disk::read_whole(&path)?)
            .map_err(|e| conflict(&format!("{}: {}", layout::INPUTS, e.why()), &path))?;
        match named.into_iter().find(|digest| !self.archive.holds(*digest)) {
            Some(digest) => {
                Err(conflict(&format!("the archive has no object {digest}, which {} names", layout::INPUTS), &path))
            }
            None => self.archive.put_file(&path).map(drop),
        }
    }
}

impl Drop for Staging<'_> {
    /// A filing that did not come about leaves nothing; once committed, the folder is elsewhere.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Is the history whole, so that another filing may follow?
pub(super) fn check_history(root: &Path) -> Result<()> {
    let log = Log::read(root)?;
    check_none_pending(root, &log)?;
    check_last(root, &log)
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

/// Is the history the one that the last filing pinned, that filing's own lines, and perhaps
/// generations of trust?
fn check_last(root: &Path, log: &Log) -> Result<()> {
    let damaged = |why: String| Error::damaged("cannot sign", root.join(layout::LOG), why);
    let trust = log.lines().iter().rev().take_while(|line| layout::is_trust(&line.path)).count();
    let before = log.first(log.lines().len() - trust);
    if log.is_torn() {
        return Err(damaged("its last line is not finished".to_owned()));
    }
    let Some(last) = filings(before.lines()).pop() else {
        return match before.lines().len() {
            0 => Ok(()),
            _ => Err(damaged("it names files of no filing".to_owned())),
        };
    };
    let Block { entries, text } = block::confirm(root, &before, &last.id)?;
    let rest = before.offset(entries).map(|start| &before.bytes()[start..]);
    match rest == Some(text.as_bytes()) {
        true => Ok(()),
        false => Err(damaged(format!("it does not end with the lines of {}, the last filing", last.id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_reads_back_as_it_is_written() {
        let signature = format!("-----BEGIN SSH SIGNATURE-----\nU1NI\n{END_OF_SIGNATURE}").into_bytes();
        let tokens = vec![("one".to_owned(), vec![0, 1, 255]), ("two".to_owned(), Vec::new())];
        for tokens in [Vec::new(), tokens] {
            let sealed = Sealed { manifest: b"{}\n".to_vec(), signature: signature.clone(), tokens };
            assert_eq!(Sealed::from_claim(&sealed.to_claim()), Some(sealed.clone()));
            for more in ["x", "\n", "One 00\n", "one 0\n", "one 0g\n"] {
                assert_eq!(Sealed::from_claim(&[sealed.to_claim(), more.into()].concat()), None, "{more:?}");
            }
        }
        for claim in [&b""[..], b"{}\n", b"\xff\n"] {
            assert_eq!(Sealed::from_claim(claim), None);
        }
    }
}
