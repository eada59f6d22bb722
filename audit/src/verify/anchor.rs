//! A manifest that was kept elsewhere: what it pins, and it itself, must still be in the series.
//!
//! Where it was signed as well as the series' own manifest, and the two pin different lines or
//! follow the same ones, the signer has signed two histories: a fork.

use std::path::{Path, PathBuf};

use super::log::Log;
use super::tree::Tree;
use super::trust::Judges;
use super::{Problem, Report};
use crate::digest::Sha256Digest;
use crate::disk;
use crate::keys::MANIFEST_NAMESPACE;
use crate::layout;
use crate::manifest::Manifest;

/// Judges the series by the anchor at `path`.
pub(super) fn judge(path: &Path, tree: &Tree<'_>, log: &Log, judges: &Judges, report: &mut Report) {
    let subject = path.display().to_string();
    match hold(path, tree, log, judges) {
        Ok(detail) => report.judge("anchor", &subject, &[], detail),
        Err(why) => report.judge("anchor", &subject, &[Problem::new(&subject, why)], String::new()),
    }
}

fn hold(path: &Path, tree: &Tree<'_>, log: &Log, judges: &Judges) -> Result<String, String> {
    let bytes = disk::read_whole(path).map_err(|e| e.to_string())?;
    let manifest = Manifest::from_bytes(&bytes).map_err(|e| e.to_string())?;
    let pinned = manifest.predicate.history;
    let signer = signer(path, &bytes, &manifest, judges);
    match log.digest_of_first(pinned.entries) {
        Some(actual) if actual == pinned.sha256 => {}
        Some(actual) => {
            let told = format!(
                "the first {} lines of LOG have the SHA-256 {actual}, but the anchor pins {}",
                pinned.entries, pinned.sha256
            );
            return Err(match signer {
                Some(signer) => format!("{told}: a fork, for {signer} has signed both"),
                None => format!("{told}: the past was rewritten"),
            });
        }
        None => {
            return Err(format!(
                "LOG has fewer than the {} lines that the anchor pins: its end was cut off",
                pinned.entries
            ));
        }
    }
    let digest = Sha256Digest::of(&bytes);
    let Some(index) = log.find_manifest(digest) else {
        let told = format!("LOG does not name the anchor itself ({digest})");
        let other = usize::try_from(pinned.entries).ok().and_then(|n| log.path_at(n)).map(str::to_owned);
        let other = other.filter(|other| tree.has_file(other));
        return Err(match (signer, other) {
            (Some(signer), Some(other)) => {
                format!("{told}, but {other} in its place: a fork, for {signer} has signed both")
            }
            _ => format!("{told}: its end was cut off or rewritten"),
        });
    };
    // Its lines begin where the history that it pins ends.
    if index as u64 != pinned.entries.saturating_add(manifest.subject.len() as u64) {
        return Err(format!("LOG names the anchor on line {}, not where it belongs", index + 1));
    }
    Ok(format!("LOG still begins with the {} lines it pins, and names it", pinned.entries))
}

/// Who signed the anchor, where its signature was kept beside it and counts.
fn signer(path: &Path, bytes: &[u8], manifest: &Manifest, judges: &Judges) -> Option<String> {
    let mut name = path.as_os_str().to_owned();
    name.push(layout::SIGNATURE.strip_prefix(layout::MANIFEST)?);
    let armor = disk::read_whole(&PathBuf::from(name)).ok()?;
    let signers = judges.signers.as_ref()?;
    let signer = signers.verify(MANIFEST_NAMESPACE, bytes, &armor, manifest.predicate.issued_at).ok()?;
    Some(signer.principal)
}
