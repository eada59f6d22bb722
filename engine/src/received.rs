//! What a night has received already: files that are the very same ones as before, and whose bytes the archive
//! holds, are not read again by a run that goes on after another.
//!
//! A file is known by its place, inode, size and times of change. That tells only if it was at rest for a while when
//! it was read: one that changes twice within a tick of its file system's clock has the same times afterwards. So
//! what had just changed is read again.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cuadre_audit::archive::Stored;
use cuadre_audit::{Archive, Sha256Digest};
use serde::{Deserialize, Serialize};

use crate::work::Work;

/// The file of what was received, in the folder of what a night keeps.
pub const RECEIVED: &str = "received.json";

/// Seconds that a file must have been at rest when the run began: more than the coarsest clock of a file system.
const AT_REST: i64 = 3;

/// What a night has received, by where it lies.
pub struct Received {
    path: PathBuf,
    /// When this run began, by the clock of the file system: seconds.
    began: i64,
    files: Mutex<BTreeMap<PathBuf, (State, Sha256Digest)>>,
}

/// By what a file is known to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Received {
    /// What was kept in the folder of a night; `None` where nothing can be kept there.
    pub fn at(night: &Path) -> Option<Self> {
        let path = night.join(RECEIVED);
        let files: BTreeMap<PathBuf, (State, Sha256Digest)> = Work::read(&path).unwrap_or_default();
        Work::write(&path, &files).ok()?;
        let began = fs::metadata(&path).ok()?.mtime();
        Some(Self { path, began, files: Mutex::new(files) })
    }

    /// Puts a file into the archive, unless it is known to be there.
    pub fn put(&self, archive: &Archive, path: &Path) -> cuadre_audit::Result<Stored> {
        let before = State::of(path);
        let known = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
        if let (Some(before), Some((state, digest))) = (before, known)
            && before == state
            && archive.size_of(digest) == Some(state.bytes)
        {
            return Ok(Stored { digest, bytes: state.bytes });
        }
        let stored = archive.put_file(path)?;
        if let Some(state) = before.filter(|state| state.rests(self.began) && State::of(path) == before) {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.insert(path.to_owned(), (state, stored.digest));
            // What cannot be kept is read again.
            let _ = Work::write(&self.path, &*files);
        }
        Ok(stored)
    }
}

impl State {
    fn of(path: &Path) -> Option<Self> {
        let of = |file: Metadata| Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        };
        fs::metadata(path).ok().map(of)
    }

    /// Whether the file was at rest for a while at this second.
    fn rests(&self, at: i64) -> bool {
        self.modified.0.max(self.changed.0) + AT_REST <= at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Removes the object that the archive made of a file, so that only a second reading can bring it back.
    fn is_read_again(night: &Path, archive: &Archive, file: &Path) -> bool {
        let first = Received::at(night).unwrap().put(archive, file).unwrap();
        let object = archive.path_of(first.digest);
        let rotten = vec![0; first.bytes as usize];
        fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&object, rotten).unwrap();
        let again = Received::at(night).unwrap().put(archive, file);
        fs::remove_file(&object).unwrap();
        again.is_err()
    }

    /// A file system's clock cannot be set back for a change of its own (ctime), so the run begins later instead.
    fn at_rest(night: &Path, seconds: i64) {
        let path = night.join(RECEIVED);
        let files: BTreeMap<PathBuf, (State, Sha256Digest)> = Work::read(&path).unwrap();
        assert!(files.values().all(|(state, _)| state.rests(state.changed.0 + seconds)));
    }

    #[test]
    fn what_has_just_changed_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (night, archive) = (folder.path().join("night"), Archive::new(folder.path().join("series")));
        let file = folder.path().join("a.csv");
        fs::write(&file, "abc").unwrap();
        assert!(is_read_again(&night, &archive, &file));
    }

    #[test]
    fn what_was_at_rest_is_not_read_again_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (night, archive) = (folder.path().join("night"), Archive::new(folder.path().join("series")));
        let file = folder.path().join("a.csv");
        fs::write(&file, "abc").unwrap();
        let mut run = Received::at(&night).unwrap();
        run.began += AT_REST;
        run.put(&archive, &file).unwrap();
        at_rest(&night, AT_REST);
        assert!(!is_read_again(&night, &archive, &file));

        fs::write(&file, "abd").unwrap();
        let stored = Received::at(&night).unwrap().put(&archive, &file).unwrap();
        assert_eq!(stored.digest, Sha256Digest::of(b"abd"));
        // Known, but no longer in the archive: it is read after all.
        let mut run = Received::at(&night).unwrap();
        run.began += AT_REST;
        run.put(&archive, &file).unwrap();
        fs::remove_file(archive.path_of(stored.digest)).unwrap();
        assert_eq!(Received::at(&night).unwrap().put(&archive, &file).unwrap(), stored);
        assert_eq!(archive.check(stored.digest).unwrap(), 3);
    }
}
