//! The spool: what an archive that was away could not take, in a folder beside the series with the archive's layout.
//!
//! The archive may lie on a disk of its own, and be away or full when a day has to be filed. The objects then wait in
//! the spool, under the digests of their bytes, until a run finds the archive usable and moves them there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{self, Archive};
use crate::digest::Sha256Digest;
use crate::error::Result;
use crate::layout;

/// What was done about a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// Objects that came into the archive.
    pub moved: u64,
    /// Those that stay, since they are not what their names say, or the archive has other bytes under their name.
    pub damaged: Vec<PathBuf>,
}

/// The folder of the spool of the series at `series_root`: beside it.
pub fn beside(series_root: &Path) -> PathBuf {
    layout::beside(series_root, layout::SPOOL_SUFFIX)
}

/// Moves what waits in the spool at `spool` into `archive`. Only for the holder of the append lock.
///
/// # Errors
/// When the archive cannot take it; what was not moved is still in the spool.
pub(crate) fn empty(spool: &Path, archive: &Archive) -> Result<Emptied> {
    let mut emptied = Emptied::default();
    for path in objects(spool) {
        let named = path.file_name().and_then(|name| name.to_str()?.parse::<Sha256Digest>().ok());
        let Ok((digest, _)) = Sha256Digest::of_file(&path) else {
            emptied.damaged.push(path);
            continue;
        };
        // It is on the disk when it has its name there, and only then goes from here.
        match Some(digest) == named {
            true if archive.is_rotten(digest) => emptied.damaged.push(path),
            true => {
                archive.put_file(&path)?;
                let _ = fs::remove_file(&path);
                emptied.moved += 1;
            }
            false => emptied.damaged.push(path),
        }
    }
    if emptied.damaged.is_empty() {
        // Folders alone are left, and what was being received when a process was killed.
        archive::remove_leftovers(spool)?;
        remove_folders(spool);
    }
    Ok(emptied)
}

/// How many objects wait in the spool of the series at `series_root`.
pub fn waiting(series_root: &Path) -> usize {
    objects(&beside(series_root)).len()
}

/// The objects in a spool, in order.
fn objects(spool: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let folders = entries(&spool.join(layout::OBJECTS));
    let mut objects: Vec<PathBuf> = folders.iter().flat_map(|folder| entries(folder)).collect();
    objects.sort();
    objects
}

/// Removes folders that hold nothing, from the inmost one on.
fn remove_folders(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_folders(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Series;

    #[test]
    fn objects_come_into_the_archive_and_what_is_not_sound_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("filings");
        let writer = Series::open_or_create(&root).unwrap();
        assert_eq!(writer.empty_spool().unwrap(), Emptied::default());
        let spool = writer.spool();
        let stored = [&b"a"[..], b"b", b"c"].map(|bytes| spool.put_bytes(bytes).unwrap().digest);
        let read = Series::at(&root).archive();
        assert!(stored.iter().all(|digest| read.contains(*digest) && !read.holds(*digest)));
        assert_eq!(read.check(stored[0]).unwrap(), 1);
        fs::write(spool.path_of(stored[1]), "rotten").unwrap();
        assert_eq!(waiting(&root), 3);

        let emptied = writer.empty_spool().unwrap();
        assert_eq!((emptied.moved, emptied.damaged), (2, vec![spool.path_of(stored[1])]));
        let now = Series::at(&root).archive();
        assert_eq!(stored.map(|digest| now.holds(digest)), [true, false, true]);
        fs::remove_file(spool.path_of(stored[1])).unwrap();
        fs::write(beside(&root).join("archive/.incoming-1-1"), "half").unwrap();
        assert_eq!(writer.empty_spool().unwrap(), Emptied::default());
        assert!(!beside(&root).exists());
    }

    #[test]
    fn what_the_archive_holds_already_is_moved_unless_it_is_rotten_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("filings");
        let writer = Series::open_or_create(&root).unwrap();
        let [sound, rotten] = [&b"a"[..], b"b"].map(|bytes| writer.archive().put_bytes(bytes).unwrap().digest);
        let spool = writer.spool();
        for bytes in [&b"a"[..], b"b"] {
            spool.put_bytes(bytes).unwrap();
        }
        fs::write(root.join(layout::object(rotten)), "x").unwrap();
        let emptied = writer.empty_spool().unwrap();
        assert_eq!((emptied.moved, emptied.damaged.len()), (1, 1));
        assert!(writer.archive().check(sound).is_ok());
    }
}
