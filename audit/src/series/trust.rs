//! Whom a series trusts, and how that changes: one generation after another.

use std::fs;
use std::path::Path;

use super::SeriesWriter;
use crate::digest::Sha256Digest;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{PublicKey, TRUST_NAMESPACE};
use crate::layout;
use crate::log::{self, Log};
use crate::manifest::History;
use crate::signers::AllowedSigners;
use crate::time_stamp::Pin;
use crate::trust::Trust;

/// The files of a generation of trust.
#[derive(Clone, Debug, Default)]
pub struct TrustFiles {
    /// The allowed signers: [`Trust::to_text`].
    pub signers: Vec<u8>,
    /// The armored signature over them; only generation 1 of a series without root may lack it.
    pub signature: Option<Vec<u8>>,
    /// Who alone may vouch for generations of a new series.
    pub root_signers: Option<Vec<u8>>,
    /// PEM files of time stamping authorities that the series has not yet, by the authority's name.
    pub certificates: Vec<(String, Vec<u8>)>,
}

/// What a series trusts as it stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The last generation.
    pub trust: Trust,
    /// How many lines `LOG` had once it was there.
    pub(super) lines: usize,
    /// Who alone may vouch for the next one; `None`: whom this one allows.
    pub root: Option<AllowedSigners>,
}

impl Standing {
    /// Reads the last generation that `LOG` names.
    pub(super) fn read(root: &Path, log: &Log) -> Result<Self> {
        let Some(at) = log.lines().iter().rposition(|line| layout::is_allowed_signers(&line.path)) else {
            let why = "its LOG names no allowed signers";
            let remedy = "found the series first: `cuadre keys found`, or its first run";
            return Err(Error::new(ErrorKind::Key, "the series trusts no key", why, remedy).at(root));
        };
        let path = &log.lines()[at].path;
        let trust = Trust::parse(&named(root, log, path)?).map_err(|e| e.at(root.join(path)))?;
        let is_rooted = log.lines().iter().any(|line| line.path == layout::ROOT_SIGNERS);
        let root = match is_rooted {
            true => Some(Trust::root_signers(&named(root, log, layout::ROOT_SIGNERS)?)?),
            false => None,
        };
        Ok(Standing { trust, lines: at + 1, root })
    }

    /// The same; `None` where nobody has founded the series yet.
    fn read_if_founded(root: &Path, log: &Log) -> Result<Option<Self>> {
        match log.lines().is_empty() {
            true => Ok(None),
            false => Self::read(root, log).map(Some),
        }
    }

    /// Whose signature the next generation needs.
    fn vouchers(&self) -> &AllowedSigners {
        self.root.as_ref().unwrap_or(&self.trust.signers)
    }

    /// May this key sign a manifest that says it was issued at that time?
    pub(super) fn check(&self, key: &PublicKey, at: jiff::Timestamp, root: &Path) -> Result<()> {
        if self.trust.allows(key, at) {
            return Ok(());
        }
        let at = self.trust.not_before(at);
        let known = self.trust.signers.entries().iter().find(|entry| entry.key == *key);
        let why = match known {
            None => format!("{} is not among its allowed signers", key.fingerprint()),
            Some(entry) => format!("{} does not count at {at}: {}", key.fingerprint(), entry.window()),
        };
        let remedy = "sign with a key that the series trusts, or have this one added with `cuadre keys`";
        let error = Error::new(ErrorKind::Key, "the series does not trust this signing key", why, remedy);
        Err(error.at(root.join(layout::allowed_signers(self.trust.generation))))
    }
}

impl SeriesWriter {
    /// Makes a generation of trust part of the series; the first one founds it.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when nobody entitled has signed it; [`ErrorKind::Conflict`] when it is not
    /// the next one of this series, or a certificate is not the one it names.
    pub fn install(&self, files: &TrustFiles) -> Result<Trust> {
        let root = self.root();
        let log = Log::read(root)?;
        let standing = Standing::read_if_founded(root, &log)?;
        let trust = judge(&log, standing.as_ref(), files)?;
        let files = block(root, &log, &trust, files)?;
        disk::create_folder(&root.join(layout::TRUST))?;
        // The allowed signers come last: once they are there, so is everything they need.
        for (path, bytes) in &files {
            let staged = root.join(layout::staging_trust(path));
            disk::write_new(&staged, bytes)?;
            disk::rename(&staged, &root.join(path))?;
        }
        log.append(lines(&files).as_bytes())?;
        Ok(trust)
    }
}

fn lines(files: &[(String, Vec<u8>)]) -> String {
    files.iter().map(|(path, bytes)| log::line(Sha256Digest::of(bytes), path)).collect()
}

/// Is this the next generation, and does somebody entitled vouch for it?
fn judge(log: &Log, standing: Option<&Standing>, files: &TrustFiles) -> Result<Trust> {
    let trust = Trust::parse(&files.signers)?;
    let (expected, before) = match standing {
        None => (1, None),
        Some(Standing { trust, lines, .. }) => (trust.generation.saturating_add(1), Some(*lines)),
    };
    let entries = |history: History| usize::try_from(history.entries).unwrap_or(usize::MAX);
    let is_pinned = match (trust.history, before) {
        (None, None) => true,
        (Some(pinned), Some(before)) => entries(pinned) >= before && log.history(entries(pinned)) == Some(pinned),
        _ => false,
    };
    if trust.generation != expected || !is_pinned {
        let why = format!("it is generation {}, and the series needs its own generation {expected}", trust.generation);
        return Err(unfit(ErrorKind::Conflict, &why, "prepare it again from this series"));
    }
    if standing.is_some_and(|standing| trust.issued < standing.trust.issued) {
        return Err(unfit(ErrorKind::Conflict, "it was issued before the one it follows", "check the clock"));
    }
    let issued = trust.issued.unwrap_or_default();
    let new_root = files.root_signers.as_deref().map(Trust::root_signers).transpose()?;
    let vouchers = match (standing, &new_root) {
        (Some(_), Some(_)) => {
            let why = "only a new series is given root signers";
            return Err(unfit(ErrorKind::Conflict, why, "begin a new series"));
        }
        (Some(standing), None) => standing.vouchers(),
        (None, Some(root)) => root,
        (None, None) => return Ok(trust),
    };
    let Some(signature) = &files.signature else {
        let why = "nobody has signed it";
        return Err(unfit(ErrorKind::Key, why, "sign it: ssh-keygen -Y sign -n cuadre-trust-v1 -f ROOT_KEY FILE"));
    };
    let signed = vouchers.verify(TRUST_NAMESPACE, &files.signers, signature, issued);
    signed.map_err(|e| unfit(ErrorKind::Key, e.why(), "have it signed by a key that may vouch for trust"))?;
    Ok(trust)
}

/// The files that a generation adds to `LOG`, in its order: the allowed signers are the last.
fn block(root: &Path, log: &Log, trust: &Trust, files: &TrustFiles) -> Result<Vec<(String, Vec<u8>)>> {
    let mut new = Vec::new();
    for authority in &trust.authorities {
        let path = layout::authority(&authority.name);
        let there = log.lines().iter().find(|line| line.path == path);
        let given = files.certificates.iter().find(|(name, _)| *name == authority.name);
        let bytes = match (there, given) {
            (Some(_), _) => named(root, log, &path)?,
            (None, Some((_, bytes))) => bytes.clone(),
            (None, None) => {
                let why = format!("the certificate of {} is missing", authority.name);
                return Err(unfit(ErrorKind::Conflict, &why, "give its PEM file"));
            }
        };
        if Sha256Digest::of(&bytes) != authority.certificate {
            let why = format!("{path} is not the certificate that it names");
            return Err(unfit(ErrorKind::Conflict, &why, "give a new certificate a new name"));
        }
        Pin::parse(&bytes, authority.policy.as_deref())?;
        if there.is_none() {
            new.push((path, bytes));
        }
    }
    new.sort();
    new.extend(files.root_signers.clone().map(|bytes| (layout::ROOT_SIGNERS.to_owned(), bytes)));
    new.extend(files.signature.clone().map(|bytes| (layout::trust_signature(trust.generation), bytes)));
    new.push((layout::allowed_signers(trust.generation), files.signers.clone()));
    Ok(new)
}

fn unfit(kind: ErrorKind, why: &str, remedy: &str) -> Error {
    Error::new(kind, "the generation of trust cannot become part of the series", why, remedy)
}

/// A file of trust as `LOG` names it.
pub(super) fn named(root: &Path, log: &Log, path: &str) -> Result<Vec<u8>> {
    let absolute = root.join(path);
    let bytes = disk::read_whole(&absolute)?;
    let line = log.lines().iter().find(|line| line.path == path);
    match line.is_some_and(|line| line.digest == Sha256Digest::of(&bytes)) {
        true => Ok(bytes),
        false => {
            let why = "it is not the file that LOG names";
            Err(Error::damaged("cannot trust the file", absolute, why))
        }
    }
}

/// The pins of the authorities whose time stamps count.
pub(super) fn pins(root: &Path, log: &Log, trust: &Trust) -> Result<Vec<(String, Pin)>> {
    let pin = |authority: &crate::trust::Authority| {
        let bytes = named(root, log, &layout::authority(&authority.name))?;
        Ok((authority.name.clone(), Pin::parse(&bytes, authority.policy.as_deref())?))
    };
    trust.authorities.iter().map(pin).collect()
}

/// Completes the lines of a generation whose files were all there when a crash came, and removes
/// those of one whose were not. Only for the holder of the append lock.
pub(super) fn recover(root: &Path) -> Result<()> {
    let log = Log::read(root)?;
    let names = super::recover::names_in(&root.join(layout::TRUST))?;
    let paths = || names.iter().map(|name| format!("{}/{name}", layout::TRUST));
    let is_named = |path: &String| log.lines().iter().any(|line| line.path == *path);
    let Some(signers) = paths().find(|path| layout::is_allowed_signers(path) && !is_named(path)) else {
        for path in paths().filter(|path| layout::is_trust(path) && !is_named(path)) {
            let path = root.join(path);
            fs::remove_file(&path).map_err(|e| Error::io("cannot remove a leftover", &path, e))?;
        }
        return Ok(());
    };
    let damaged = |why: &str| Error::damaged("cannot complete the history", root.join(&signers), why);

    // What of its lines the crash left in LOG is judged as if it were not there.
    let is_of_block = |path: &str| layout::is_trust(path) && !layout::is_allowed_signers(path);
    let of_block = log.lines().iter().rev().take_while(|line| is_of_block(&line.path)).count();
    let before = log.first(log.lines().len() - of_block);
    let standing = Standing::read_if_founded(root, &before)?;
    let read = |path: &str| disk::read_whole(&root.join(path)).ok();
    let content = disk::read_whole(&root.join(&signers))?;
    let generation = Trust::parse(&content).map_err(|e| damaged(e.why()))?.generation;
    let certificates = paths().filter_map(|path| Some((layout::parse_authority(&path)?.to_owned(), read(&path)?)));
    let files = TrustFiles {
        signers: content,
        signature: read(&layout::trust_signature(generation)),
        root_signers: read(layout::ROOT_SIGNERS).filter(|_| standing.is_none()),
        certificates: certificates.collect(),
    };
    let trust = judge(&before, standing.as_ref(), &files).map_err(|e| damaged(e.why()))?;
    let text = lines(&block(root, &before, &trust, &files)?);
    let torn = log.offset(before.lines().len()).map(|start| &log.bytes()[start..]);
    let missing = torn.and_then(|torn| text.as_bytes().strip_prefix(torn));
    log.append(missing.ok_or_else(|| damaged("the end of LOG is not the beginning of its lines"))?)
}
