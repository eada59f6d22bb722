//! The content-addressed store of raw bytes: an object's name is the SHA-256 of its content.
//!
//! An object appears whole or not at all: it is written under a passing name, synced, and renamed.
//! Storing the same bytes twice stores them once.
//!
//! Store while holding the series' append lock: whoever takes it removes what a killed process was
//! still receiving.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::digest::{BUFFER, HashingWriter, Sha256Digest};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;

/// The archive of a series.
#[derive(Clone, Debug)]
pub struct Archive {
    root: PathBuf,
    /// Where objects are looked for that are not here.
    besides: Option<PathBuf>,
}

/// What was stored: the object's name and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The object's name: the SHA-256 of its bytes.
    pub digest: Sha256Digest,
    /// The object's length in bytes.
    pub bytes: u64,
}

/// An object being received. Dropped before [`Incoming::finish`], it leaves nothing behind.
pub struct Incoming {
    archive: Archive,
    temporary: Temporary,
    writer: HashingWriter<File>,
}

impl Archive {
    /// The archive of the series at `series_root`; folders are created when something is stored.
    pub fn new(series_root: impl Into<PathBuf>) -> Self {
        Archive { root: series_root.into(), besides: None }
    }

    /// The same; objects that it does not hold are read from the archive at `other`.
    pub(crate) fn besides(self, other: impl Into<PathBuf>) -> Self {
        Archive { besides: Some(other.into()), ..self }
    }

    /// Stores the bytes of a file, reading it once.
    pub fn put_file(&self, path: &Path) -> Result<Stored> {
        let file = File::open(path).map_err(|e| Error::io("cannot archive the file", path, e))?;
        self.put_reader(file).map_err(|e| if e.path().is_none() { e.at(path) } else { e })
    }

    /// Stores `bytes`.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Stored> {
        self.put_reader(bytes)
    }

    /// Stores everything that can be read from `reader`.
    pub fn put_reader(&self, reader: impl Read) -> Result<Stored> {
        let mut incoming = self.receive()?;
        io::copy(&mut BufReader::with_capacity(BUFFER, reader), &mut incoming).map_err(|e| {
            let path = incoming.temporary.path.clone();
            Error::io("cannot archive the bytes", &path, e)
        })?;
        incoming.finish()
    }

    /// Begins an object whose bytes come piece by piece.
    pub fn receive(&self) -> Result<Incoming> {
        disk::create_folder(&self.root.join(layout::OBJECTS))?;
        let (temporary, file) = Temporary::create(&self.root)?;
        Ok(Incoming { archive: self.clone(), temporary, writer: HashingWriter::new(file) })
    }

    /// Where the object of that name lies, or would lie.
    pub fn path_of(&self, digest: Sha256Digest) -> PathBuf {
        let besides = self.besides.as_ref().map(|root| root.join(layout::object(digest)));
        match besides.filter(|path| !self.holds(digest) && path.is_file()) {
            Some(path) => path,
            None => self.own_path_of(digest),
        }
    }

    fn own_path_of(&self, digest: Sha256Digest) -> PathBuf {
        self.root.join(layout::object(digest))
    }

    /// Does the object of that name lie just here? Says nothing of its content.
    pub fn holds(&self, digest: Sha256Digest) -> bool {
        fs::symlink_metadata(self.own_path_of(digest)).is_ok_and(|meta| meta.is_file())
    }

    /// Does an object lie here under the name of other bytes?
    pub(crate) fn is_rotten(&self, digest: Sha256Digest) -> bool {
        self.holds(digest) && self.check(digest).is_err_and(|error| error.kind() == ErrorKind::Damaged)
    }

    /// Is there an object of that name? Says nothing of its content.
    pub fn contains(&self, digest: Sha256Digest) -> bool {
        fs::symlink_metadata(self.path_of(digest)).is_ok_and(|meta| meta.is_file())
    }

    /// How long the object is that lies just here under that name. Says nothing of its content.
    pub fn size_of(&self, digest: Sha256Digest) -> Option<u64> {
        fs::symlink_metadata(self.own_path_of(digest)).ok().filter(Metadata::is_file).map(|meta| meta.len())
    }

    /// Opens an object for reading. Does not verify it: see [`Archive::check`].
    pub fn open(&self, digest: Sha256Digest) -> Result<File> {
        let path = self.path_of(digest);
        File::open(&path).map_err(|e| Error::io("cannot open the archived object", &path, e))
    }

    /// Reads an object to its end and compares its content to its name; gives its length in bytes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Damaged`] when they differ, [`crate::ErrorKind::Io`] when it cannot be read.
    pub fn check(&self, digest: Sha256Digest) -> Result<u64> {
        check(&self.path_of(digest), digest)
    }
}

fn check(path: &Path, digest: Sha256Digest) -> Result<u64> {
    let (actual, bytes) = Sha256Digest::of_file(path)?;
    if actual != digest {
        return Err(Error::damaged(
            "the archived object is not what its name says",
            path,
            format!("its content has the SHA-256 {actual}"),
        ));
    }
    Ok(bytes)
}

impl Incoming {
    /// Ends the object and gives it its name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Damaged`] when an object of that name is there with another content.
    pub fn finish(self) -> Result<Stored> {
        let (file, digest, bytes) = self.writer.finish();
        let temporary = self.temporary;
        let target = self.archive.own_path_of(digest);
        let folder = self.archive.root.join(layout::object_folder(digest));
        if target.exists() {
            // The one object that later runs will trust: worth reading once more. A process that was
            // killed may have given it its name without living to make it last.
            check(&target, digest)?;
            disk::sync_folder(&folder)?;
            return Ok(Stored { digest, bytes });
        }
        file.sync_all().map_err(|e| Error::io("cannot sync the archived object", &temporary.path, e))?;
        disk::create_folder(&folder)?;
        disk::rename(&temporary.path, &target)?;
        Ok(Stored { digest, bytes })
    }
}

impl Write for Incoming {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.writer.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A file that goes away with this value, unless it was renamed before.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn create(root: &Path) -> Result<(Self, File)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let unique = format!("{}-{number}", std::process::id());
            let path = root.join(layout::incoming(&unique));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Temporary { path }, file)),
                // Left behind by a process of the same number that was killed.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io("cannot create a file in the archive", &path, e)),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes good what a process left behind that was killed while it stored something. Only for the holder of the
/// append lock.
pub(crate) fn settle(series_root: &Path) -> Result<()> {
    for name in [layout::ARCHIVE, layout::OBJECTS] {
        let path = series_root.join(name);
        if path.exists() {
            disk::sync_file(&path)?;
        }
    }
    remove_leftovers(series_root)
}

/// Removes what receiving left behind when it was killed. Only for the holder of the append lock.
pub(crate) fn remove_leftovers(series_root: &Path) -> Result<()> {
    let folder = series_root.join(layout::ARCHIVE);
    let failed = |e| Error::io("cannot tidy the archive", &folder, e);
    let entries = match fs::read_dir(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let path = format!("{}/{}", layout::ARCHIVE, name.to_string_lossy());
        if layout::is_incoming(&path) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files_under(folder: &Path) -> usize {
        let Ok(entries) = fs::read_dir(folder) else {
            return 0;
        };
        entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { files_under(&path) } else { 1 }).sum()
    }

    #[test]
    fn the_same_bytes_are_stored_once() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::new(folder.path());
        let stored = archive.put_bytes(b"abc").unwrap();
        assert_eq!((stored.digest, stored.bytes), (Sha256Digest::of(b"abc"), 3));

        let extract = folder.path().join("extract");
        fs::write(&extract, b"abc").unwrap();
        assert_eq!(archive.put_file(&extract).unwrap(), stored);
        assert_eq!(files_under(&folder.path().join(layout::ARCHIVE)), 1);
        assert!(archive.contains(stored.digest));
        assert_eq!(archive.check(stored.digest).unwrap(), 3);

        let mut content = String::new();
        archive.open(stored.digest).unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "abc");
    }

    #[test]
    fn a_rotten_object_is_never_taken_for_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::new(folder.path());
        let stored = archive.put_bytes(b"abc").unwrap();
        for rotten in ["abd", "ab", "abcd", ""] {
            fs::write(archive.path_of(stored.digest), rotten).unwrap();
            let error = archive.put_bytes(b"abc").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Damaged, "{rotten:?}");
            assert_eq!(archive.check(stored.digest).unwrap_err().kind(), ErrorKind::Damaged);
        }
        assert_eq!(files_under(&folder.path().join(layout::ARCHIVE)), 1);
    }

    #[test]
    fn an_object_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut incoming = Archive::new(folder.path()).receive().unwrap();
        incoming.write_all(b"half of it").unwrap();
        drop(incoming);
        assert_eq!(files_under(folder.path()), 0);
    }
}
