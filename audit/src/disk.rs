//! Writing so that what was written is still there after a power cut.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::layout;

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

/// Writes a file that must not exist yet, with these permissions, so that it appears whole or not at
/// all. What was being written when a process was killed is written anew; two processes at once do
/// not overwrite each other.
pub(crate) fn publish_new(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let failed = |e| Error::io("cannot write the file", path, e);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = path.with_file_name(layout::staging_name(&name));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(mode).open(&staged).map_err(failed)?;
    let busy = |why| Err(Error::new(ErrorKind::Locked, "cannot write the file", why, "run again").at(path));
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return busy("another process is writing it"),
        Err(TryLockError::Error(e)) => return Err(failed(e)),
    }
    // Only now: whoever held the lock before may just have given this very file its name.
    if path.symlink_metadata().is_ok() {
        let _ = fs::remove_file(&staged);
        return busy("another process has just written it");
    }
    file.set_len(0).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    rename(&staged, path)
}

/// Writes a file beside a series that must not exist yet, in a folder that may be new: it appears whole or not at
/// all, and durably.
///
/// # Errors
/// [`ErrorKind::Locked`] where another process is writing it or has just written it.
pub fn publish(path: &Path, bytes: &[u8]) -> Result<()> {
    create_folder(folder_of(path))?;
    publish_new(path, bytes, 0o644)
}

/// Makes the content of a file durable.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| Error::io("cannot sync the file", path, e))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("cannot sync the folder", path, e))
}

/// The same for a folder that others may have made, and that need not be readable.
fn sync_other_folder(path: &Path) -> Result<()> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done.map_err(|e| Error::io("cannot sync the folder", path, e)),
    }
}

/// Makes durable what a process that was killed may have written to a series without living to sync it: the
/// names of folders and of what is in them but for the archive, and the end of `LOG`. What is written next relies on it. Only for
/// the holder of the append lock.
pub(crate) fn settle(root: &Path) -> Result<()> {
    sync_other_folder(folder_of(root))?;
    sync_folder(root)?;
    for name in [layout::FILINGS, layout::TRUST, layout::LOG] {
        let path = root.join(name);
        if path.exists() {
            sync_file(&path)?;
        }
    }
    Ok(())
}

/// Creates a folder and those above it, and makes their names durable.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    match parent.is_dir() {
        // It may be new itself, made by a process that was killed.
        true => sync_other_folder(folder_of(parent))?,
        false => create_folder(parent)?,
    }
    match fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let why = io::Error::new(io::ErrorKind::NotADirectory, "a file or a link to nothing is in its place");
            return Err(Error::io("cannot create the folder", path, why));
        }
        done => done.map_err(|e| Error::io("cannot create the folder", path, e))?,
    }
    sync_folder(parent)
}

/// Makes the names in a folder durable, and its own, which may be new; where it is absent, it is created.
pub(crate) fn settle_folder(path: &Path) -> Result<()> {
    create_folder(path)?;
    sync_other_folder(path)?;
    sync_other_folder(folder_of(path))
}

/// Gives a file or folder another name in the same file system, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io("cannot rename", from, e))?;
    sync_folder(folder_of(to))
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
