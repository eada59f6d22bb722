//! The passphrase of an encrypted private key.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::secret_file;
use crate::error::{Error, ErrorKind, Result};

const WHAT: &str = "cannot use the passphrase";

/// The passphrase of an encrypted private key. Shows nothing of itself.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// The passphrase that a text begins with: its first line, without the line's end.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when that line is empty.
    pub fn new(text: Vec<u8>) -> Result<Self> {
        Self::first_line(Zeroizing::new(text))
    }

    /// Reads the first line of a file, or of the pipe that `/dev/fd/N` is; the pipe no further than that.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when others than the owner can read the file, when it is another user's, or when
    /// the line is empty.
    pub fn read(path: &Path) -> Result<Self> {
        let file = secret_file::open(WHAT, path)?;
        let text = secret_file::read(WHAT, path, file, |text| text.contains(&b'\n'))?;
        Self::first_line(text).map_err(|e| e.at(path))
    }

    fn first_line(mut text: Zeroizing<Vec<u8>>) -> Result<Self> {
        if let Some(end) = text.iter().position(|&byte| byte == b'\n') {
            text.truncate(end);
            if text.last() == Some(&b'\r') {
                text.pop();
            }
        }
        if text.is_empty() {
            let remedy = "write it there; a pipe can be read only once";
            return Err(Error::new(ErrorKind::Key, WHAT, "there is none in the first line", remedy));
        }
        Ok(Passphrase(text))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_first_line_counts() {
        for (text, passphrase) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("two words \nand a note\n", "two words "),
            ("contrase\u{f1}a", "contrase\u{f1}a"),
            ("ends in \r", "ends in \r"),
        ] {
            let read = Passphrase::new(text.into()).unwrap();
            assert_eq!(read.as_bytes(), passphrase.as_bytes());
            assert_eq!(format!("{read:?}"), "Passphrase(..)");
        }
        for text in ["", "\n", "\r\n", "\nsecret"] {
            assert_eq!(Passphrase::new(text.into()).unwrap_err().kind(), ErrorKind::Key, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        fs::write(&path, "secret\n").unwrap();
        let set_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        set_mode(0o400);
        assert_eq!(Passphrase::read(&path).unwrap().as_bytes(), b"secret");
        for mode in [0o440, 0o604] {
            set_mode(mode);
            let error = Passphrase::read(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Key);
            assert!(error.remedy().contains("chmod 600"), "{error}");
        }
        set_mode(0o600);
        fs::write(&path, "\n").unwrap();
        assert_eq!(Passphrase::read(&path).unwrap_err().path(), Some(path.as_path()));
        fs::write(&path, vec![b'x'; 100_000]).unwrap();
        assert!(Passphrase::read(&path).unwrap_err().why().contains("longer than"));
    }
}
