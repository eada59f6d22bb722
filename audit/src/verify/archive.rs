//! The archive: every object is what its name says, and lies where its name puts it.

use super::tree::{Entry, Tree};
use super::{Problem, Report};
use crate::digest::Sha256Digest;
use crate::layout;

/// Judges everything below the archive's folder.
pub(super) fn judge(tree: &Tree<'_>, report: &mut Report) {
    let mut problems = Vec::new();
    let mut objects = 0_u64;
    for (path, entry) in tree.below(layout::ARCHIVE) {
        match entry {
            Entry::Folder if is_folder(path) => {}
            Entry::File(_) if layout::is_incoming(path) => {
                let note = format!("{path} is being received and is no object");
                report.notes.push(note);
            }
            Entry::File(digest) => {
                objects += 1;
                problems.extend(judge_object(path, digest).map(|why| Problem::new(path, why)));
            }
            Entry::Folder | Entry::Other => {
                problems.push(Problem::new(path, "it does not belong in an archive"));
            }
        }
    }
    report.judge("archive", layout::ARCHIVE, &problems, format!("{objects} objects"));
}

fn judge_object(path: &str, digest: &Result<Sha256Digest, String>) -> Option<String> {
    let digest = match digest {
        Ok(digest) => *digest,
        Err(why) => return Some(why.clone()),
    };
    (path != layout::object(digest)).then(|| format!("its content has the SHA-256 {digest}"))
}

/// `archive/sha256`, or a folder of two hexadecimal digits in it.
fn is_folder(path: &str) -> bool {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    match path.strip_prefix(layout::OBJECTS) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('/').is_some_and(|name| name.len() == 2 && name.bytes().all(hex)),
        None => false,
    }
}
