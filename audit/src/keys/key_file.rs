//! The files of a key: the private half, which nobody else may read or replace, and the public one
//! beside it.

use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use ssh_key::{Algorithm, PrivateKey};

use super::{public_path, secret_file};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};

const UNUSABLE: &str = "cannot use the signing key";
pub(super) const UNWRITABLE: &str = "cannot write the new key";

/// Reads an Ed25519 private key, which may be encrypted.
pub(super) fn read(path: &Path) -> Result<PrivateKey> {
    let failed = |e| Error::io(UNUSABLE, path, e);
    let file = secret_file::open(UNUSABLE, path)?;
    if file.metadata().map_err(failed)?.is_file() {
        let real = path.canonicalize().map_err(failed)?;
        secret_file::check_folder(UNUSABLE, real.parent().unwrap_or(&real))?;
    }
    let text = secret_file::read(UNUSABLE, path, file, |_| false)?;
    let key = PrivateKey::from_openssh(&*text).map_err(|e| {
        let remedy = "name the private key, not the .pub file, or make one with `cuadre keygen`";
        unusable(path, format!("it is no private key in OpenSSH's format: {e}"), remedy)
    })?;
    if key.algorithm() != Algorithm::Ed25519 {
        let why = format!("it is a key for {}", key.algorithm());
        return Err(unusable(path, why, "make an Ed25519 key with `cuadre keygen`"));
    }
    Ok(key)
}

/// Writes both halves, each whole or not at all, the private one first and as `private` has it; never
/// over another file.
pub(super) fn write(path: &Path, private: &str, public: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| Error::io("cannot make the key's folder", folder, e))?;
    new.iter().try_for_each(|folder| disk::sync_folder(disk::folder_of(folder)))?;
    secret_file::check_folder(UNWRITABLE, folder)?;
    let public_path = public_path(path);
    for path in [path, &public_path] {
        if path.symlink_metadata().is_ok() {
            let why = "the file exists, and a key is never overwritten";
            let remedy = "choose another name, or move the old key away";
            return Err(Error::new(ErrorKind::Key, UNWRITABLE, why, remedy).at(path));
        }
    }
    disk::settle_folder(folder)?;
    disk::publish_new(path, private.as_bytes(), 0o600)?;
    write_public(path, public)
}

/// Writes the public half of the private key at `path`, which must not exist yet.
pub(super) fn write_public(path: &Path, public: &str) -> Result<()> {
    disk::publish_new(&public_path(path), public.as_bytes(), 0o644)
}

/// Whether there is a file at `path` that is no private key.
pub(super) fn is_public(path: &Path) -> bool {
    const PRIVATE: &[u8] = b"-----BEGIN";
    let mut start = [0; PRIVATE.len()];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    read.is_ok_and(|_| start != PRIVATE)
}

pub(super) fn unusable(path: &Path, why: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::Key, UNUSABLE, why, remedy).at(path)
}
