//! The public half of a key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, SshSig};

use crate::disk;
use crate::error::{Error, ErrorKind, Result};

/// An Ed25519 public key, as in the first and second column of an OpenSSH `.pub` file.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(ssh_key::PublicKey);

impl PublicKey {
    /// Reads a `.pub` file in OpenSSH's format.
    pub fn load(path: &Path) -> Result<Self> {
        let text = disk::read_whole(path)?;
        let text = String::from_utf8_lossy(&text);
        text.trim_end().parse().map_err(|e: Error| e.at(path))
    }

    /// The name a person compares: `SHA256:` and 43 characters, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Does this key stand behind an armored signature over `message`, made for `namespace`?
    pub(crate) fn verifies(&self, namespace: &str, message: &[u8], signature: &SshSig) -> bool {
        self.0.verify(namespace, message, signature).is_ok()
    }

    pub(crate) fn made(&self, signature: &SshSig) -> bool {
        self.0.key_data() == signature.public_key()
    }

    /// The key without its comment.
    pub(super) fn of(key: &ssh_key::PublicKey) -> Self {
        PublicKey(key.key_data().clone().into())
    }

    pub(super) fn data(&self) -> &KeyData {
        self.0.key_data()
    }

    /// The key as SSH's protocols have it, and as the second column of a `.pub` file has it in Base64.
    pub(super) fn blob(&self) -> Result<Vec<u8>> {
        self.0.to_bytes().map_err(|e| invalid(e.to_string()))
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let key = ssh_key::PublicKey::from_openssh(text).map_err(|e| invalid(e.to_string()))?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(invalid(format!("it is a key for {}", key.algorithm())));
        }
        Ok(PublicKey::of(&key))
    }
}

/// `ssh-ed25519 AAAA...`, without a comment.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_openssh().map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// Where the public half of the key at `path` lies.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn invalid(why: String) -> Error {
    Error::new(ErrorKind::Key, "not a public key", why, "give one line as in a .pub file: ssh-ed25519 AAAA...")
}
