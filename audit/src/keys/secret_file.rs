//! Files that only their owner may read: private keys and passphrases.

use std::fs::{File, Metadata};
use std::io::{ErrorKind as Fault, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// More than any key or passphrase has, in bytes.
const MOST_BYTES: usize = 1 << 16;

/// Opens a secret; `what` cannot be done where it fails. A file must be ours or root's, and nobody
/// else's to read. Links are followed; a pipe has its keeper elsewhere.
pub(super) fn open(what: &str, path: &Path) -> Result<File> {
    let failed = |e| Error::io(what, path, e);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Ok(file);
    }
    let refused = |why: String, remedy: String| Err(Error::new(ErrorKind::Key, what, why, remedy).at(path));
    if !is_ours(&metadata) {
        let remedy = format!("check whose it is; `chown {} {}` makes it yours", me(), path.display());
        return refused(format!("it belongs to another user (uid {})", metadata.uid()), remedy);
    }
    if metadata.mode() & 0o077 != 0 {
        let why = format!("others can read it (mode {:04o})", metadata.mode() & 0o7777);
        return refused(why, format!("run `chmod 600 {}`", path.display()));
    }
    Ok(file)
}

/// Checks that nobody else can put another file in the place of one in `folder`.
pub(super) fn check_folder(what: &str, folder: &Path) -> Result<()> {
    let metadata = folder.metadata().map_err(|e| Error::io(what, folder, e))?;
    let refused = |why: String, remedy: String| Err(Error::new(ErrorKind::Key, what, why, remedy).at(folder));
    if !is_ours(&metadata) {
        let why = format!("the folder belongs to another user (uid {}), who can replace the key", metadata.uid());
        return refused(why, "keep the key in a folder of your own, with mode 0700".to_owned());
    }
    // Whoever writes to a sticky folder cannot replace the files of others.
    let (mode, sticky) = (metadata.mode() & 0o7777, 0o1000);
    if mode & 0o022 != 0 && mode & sticky == 0 {
        let why = format!("others can write to the folder (mode {mode:04o}), and so replace the key");
        let remedy = format!("run `chmod go-w {}`, or keep the key in a folder of its own", folder.display());
        return refused(why, remedy);
    }
    Ok(())
}

/// Reads until there is `enough`, or no more.
pub(super) fn read(
    what: &str,
    path: &Path,
    mut file: File,
    enough: impl Fn(&[u8]) -> bool,
) -> Result<Zeroizing<Vec<u8>>> {
    // Never grown: that would leave copies behind.
    let mut bytes = Zeroizing::new(vec![0; MOST_BYTES]);
    let mut length = 0;
    while length < MOST_BYTES {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(e) if e.kind() == Fault::Interrupted => continue,
            Err(e) => return Err(Error::io(what, path, e)),
        }
        if enough(&bytes[..length]) {
            break;
        }
    }
    if length == MOST_BYTES {
        let why = format!("it is longer than {} bytes", MOST_BYTES - 1);
        return Err(Error::new(ErrorKind::Key, what, why, "check that it is the right file").at(path));
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Ours, or root's, who can do as he likes anyway.
fn is_ours(metadata: &Metadata) -> bool {
    [0, me()].contains(&metadata.uid())
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}
