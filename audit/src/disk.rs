//! Writing so that what was written is still there after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The longest file that is read into memory as a whole, in bytes.
pub(crate) const MAX_WHOLE_FILE_BYTES: u64 = 1 << 30;

/// Reads a file into memory, but no more than [`MAX_WHOLE_FILE_BYTES`].
pub(crate) fn read_whole(path: &Path) -> Result<Vec<u8>> {
    let failed = |e| Error::io("cannot read the file", path, e);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let count = file.take(MAX_WHOLE_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if count as u64 > MAX_WHOLE_FILE_BYTES {
        return Err(Error::new(
            ErrorKind::Damaged,
            "cannot read the file",
            format!("it is longer than {MAX_WHOLE_FILE_BYTES} bytes"),
            "restore it from a backup",
        )
        .at(path));
    }
    Ok(bytes)
}

/// Writes a file that must not exist yet, and makes its content durable.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| Error::io("cannot write the file", path, e);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// Makes the content of a file durable.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| Error::io("cannot sync the file", path, e))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("cannot sync the folder", path, e))
}

/// Creates a folder and those above it, and makes their names durable.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_folder(parent)?;
    }
    match fs::create_dir(path) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => {}
        done => done.map_err(|e| Error::io("cannot create the folder", path, e))?,
    }
    sync_folder(parent.unwrap_or(Path::new(".")))
}

/// Gives a file or folder another name in the same file system, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io("cannot rename", from, e))?;
    match to.parent() {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}
