//! A manifest that was kept elsewhere: what it pins, and it itself, must still be in the series.

use std::path::Path;

use super::log::Log;
use super::{Problem, Report};
use crate::digest::Sha256Digest;
use crate::disk;
use crate::manifest::Manifest;

/// Judges the series by the anchor at `path`.
pub(super) fn judge(path: &Path, log: &Log, report: &mut Report) {
    let subject = path.display().to_string();
    match hold(path, log) {
        Ok(detail) => report.judge("anchor", &subject, &[], detail),
        Err(why) => {
            let problem = Problem::new(&subject, why);
            report.judge("anchor", &subject, &[problem], String::new());
        }
    }
}

fn hold(path: &Path, log: &Log) -> Result<String, String> {
    let bytes = disk::read_whole(path).map_err(|e| e.to_string())?;
    let manifest = Manifest::from_bytes(&bytes).map_err(|e| e.to_string())?;
    let pinned = manifest.predicate.history;
    match log.digest_of_first(pinned.entries) {
        Some(actual) if actual == pinned.sha256 => {}
        Some(actual) => {
            return Err(format!(
                "the first {} lines of LOG have the SHA-256 {actual}, but the anchor pins {}: \
                 the past was rewritten",
                pinned.entries, pinned.sha256
            ));
        }
        None => {
            return Err(format!(
                "LOG has fewer than the {} lines that the anchor pins: its end was cut off",
                pinned.entries
            ));
        }
    }
    let digest = Sha256Digest::of(&bytes);
    let index = log
        .find_manifest(digest)
        .ok_or_else(|| format!("LOG does not name the anchor itself ({digest}): its end was cut off or rewritten"))?;
    // Its lines begin where the history that it pins ends.
    if index as u64 != pinned.entries.saturating_add(manifest.subject.len() as u64) {
        return Err(format!("LOG names the anchor on line {}, not where it belongs", index + 1));
    }
    Ok(format!("LOG still begins with the {} lines it pins, and names it", pinned.entries))
}
