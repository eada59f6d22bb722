//! Ed25519 keys in OpenSSH's own formats, and signatures that `ssh-keygen -Y verify` checks.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ssh_key::private::Ed25519Keypair;
use ssh_key::rand_core::{OsRng, RngCore};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, SshSig};

use crate::disk;
use crate::error::{Error, ErrorKind, Result};

/// What a signature over a manifest is for: a signature made for anything else does not count.
pub const MANIFEST_NAMESPACE: &str = "cuadre-manifest-v1";

/// An Ed25519 private key. Shows nothing of itself but the fingerprint.
#[derive(Clone)]
pub struct SigningKey(PrivateKey);

/// An Ed25519 public key, as in the second and third column of an OpenSSH `.pub` file.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(ssh_key::PublicKey);

impl SigningKey {
    /// A fresh key from the operating system's randomness.
    pub fn generate() -> Result<Self> {
        let mut seed = [0; 32];
        OsRng.try_fill_bytes(&mut seed).map_err(|e| {
            Error::new(
                ErrorKind::Io,
                "cannot generate a key",
                format!("the operating system gives no randomness: {e}"),
                "run again",
            )
        })?;
        Ok(Self::from_seed(seed))
    }

    /// The key that belongs to a seed: for tests and demonstrations, which must repeat themselves.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        SigningKey(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
    }

    /// Reads a private key in OpenSSH's format.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when others than the owner can read the file, when the key is encrypted,
    /// or when it is not an Ed25519 key.
    pub fn load(path: &Path) -> Result<Self> {
        let failed = |e| Error::io("cannot read the signing key", path, e);
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(unusable(
                path,
                format!("others can read it (mode {:04o})", mode & 0o7777),
                format!("run `chmod 600 {}`", path.display()),
            ));
        }
        let text = disk::read_whole(path)?;
        let key = PrivateKey::from_openssh(&text).map_err(|e| {
            unusable(
                path,
                format!("it is no private key in OpenSSH's format: {e}"),
                "name the private key, not the .pub file, or make one with `cuadre keygen`",
            )
        })?;
        if key.is_encrypted() {
            return Err(unusable(
                path,
                "it is encrypted, and passphrases are not supported yet",
                format!("remove it with `ssh-keygen -p -N '' -f {}`", path.display()),
            ));
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(unusable(
                path,
                format!("it is a key for {}", key.algorithm()),
                "make an Ed25519 key with `cuadre keygen`",
            ));
        }
        Ok(SigningKey(key))
    }

    /// Writes the private key to `path` (mode 0600) and the public one to `path` + `.pub`, each whole
    /// or not at all, the private one first; the folder is created.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when one of the two files exists: a key is never overwritten.
    pub fn write(&self, path: &Path, comment: &str) -> Result<()> {
        let public_path = public_path(path);
        for path in [path, &public_path] {
            if path.symlink_metadata().is_ok() {
                return Err(Error::new(
                    ErrorKind::Key,
                    "cannot write the new key",
                    "the file exists, and a key is never overwritten",
                    "choose another name, or move the old key away",
                )
                .at(path));
            }
        }
        let mut key = self.0.clone();
        key.set_comment(comment);
        let encoded = key
            .to_openssh(LineEnding::LF)
            .map_err(|e| unusable(path, e.to_string(), "use a plain comment of one line"))?;
        Self::settle(path)?;
        disk::publish_new(path, encoded.as_bytes(), 0o600)?;
        self.write_public(path, comment)
    }

    /// Makes the name of a key durable that a process may just have made and not lived to sync.
    pub fn settle(path: &Path) -> Result<()> {
        disk::settle_folder(disk::folder_of(path))
    }

    /// Writes the public half of the private key at `path` to `path` + `.pub`, which must not exist yet.
    pub fn write_public(&self, path: &Path, comment: &str) -> Result<()> {
        let comment = if comment.is_empty() { String::new() } else { format!(" {comment}") };
        let line = format!("{}{comment}\n", self.public_key());
        disk::publish_new(&public_path(path), line.as_bytes(), 0o644)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(bare(self.0.public_key()))
    }

    /// Signs `message` for one purpose; the answer is an armored SSHSIG text over its SHA-512.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String> {
        self.0.sign(namespace, HashAlg::Sha512, message).and_then(|signature| signature.to_pem(LineEnding::LF)).map_err(
            |e| {
                Error::new(
                    ErrorKind::Key,
                    "cannot sign",
                    e.to_string(),
                    "check the signing key with `ssh-keygen -y -f KEY`",
                )
            },
        )
    }
}

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
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |why: String| {
            Error::new(ErrorKind::Key, "not a public key", why, "give one line as in a .pub file: ssh-ed25519 AAAA...")
        };
        let key = ssh_key::PublicKey::from_openssh(text).map_err(|e| invalid(e.to_string()))?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(invalid(format!("it is a key for {}", key.algorithm())));
        }
        Ok(PublicKey(bare(&key)))
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

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key().fingerprint())
    }
}

/// Where the public half of the key at `path` lies.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn bare(key: &ssh_key::PublicKey) -> ssh_key::PublicKey {
    ssh_key::PublicKey::new(key.key_data().clone(), "")
}

fn unusable(path: &Path, why: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::new(ErrorKind::Key, "cannot use the signing key", why, remedy).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_key_reads_back_as_it_was_written_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = SigningKey::generate().unwrap();
        key.write(&path, "night").unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SigningKey::load(&path).unwrap().public_key(), key.public_key());
        assert_eq!(PublicKey::load(&public_path(&path)).unwrap(), key.public_key());
        assert_eq!(key.write(&path, "night").unwrap_err().kind(), ErrorKind::Key);
        fs::remove_file(&path).unwrap();
        assert_eq!(key.write(&path, "night").unwrap_err().kind(), ErrorKind::Key);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        SigningKey::from_seed([7; 32]).write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = SigningKey::load(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains("mode 0640"), "{error}");
        assert!(error.remedy().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_seed_always_gives_the_same_key_and_signature() {
        let [one, two] = [(); 2].map(|()| SigningKey::from_seed([7; 32]));
        assert_eq!(one.public_key(), two.public_key());
        assert_eq!(one.sign("n", b"m").unwrap(), two.sign("n", b"m").unwrap());
        assert!(!format!("{one:?}").contains("PRIVATE"));
    }
}
