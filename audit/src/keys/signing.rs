//! The private half of a key, and what it signs.

use std::fmt;
use std::path::Path;

use ssh_key::private::Ed25519Keypair;
use ssh_key::rand_core::{OsRng, RngCore};
use ssh_key::{Cipher, HashAlg, Kdf, LineEnding, PrivateKey, SshSig};
use zeroize::Zeroizing;

use super::agent::Agent;
use super::key_file::{self, UNWRITABLE, unusable};
use super::{Passphrase, PublicKey, public_path};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};

const HASH: HashAlg = HashAlg::Sha512;

/// How hard a passphrase is to guess: as hard as `ssh-keygen` makes it.
const BCRYPT_ROUNDS: u32 = 24;

/// A key that signs. Shows nothing of itself but the fingerprint.
#[derive(Clone)]
pub struct SigningKey(Private);

/// Where the private half is.
#[derive(Clone)]
enum Private {
    Here(Box<PrivateKey>),
    Agent(Agent),
}

impl SigningKey {
    /// A fresh key from the operating system's randomness.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        random(seed.as_mut())?;
        Ok(Self::from_seed(*seed))
    }

    /// The key that belongs to a seed: for tests and demonstrations, which must repeat themselves.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self::here(PrivateKey::from(Ed25519Keypair::from_seed(&seed)))
    }

    /// Reads a private key in OpenSSH's format that is not encrypted.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when others than the owner can read the file or replace it, when the key is
    /// encrypted, or when it is not an Ed25519 key.
    pub fn load(path: &Path) -> Result<Self> {
        let key = key_file::read(path)?;
        if key.is_encrypted() {
            return Err(unusable(
                path,
                "it is encrypted, and no passphrase is given",
                "say where its passphrase is, such as `passphrase = { env = \"NAME\" }` under [signing], \
                 or have ssh-agent hold the key, with `agent = true`",
            ));
        }
        Ok(Self::here(key))
    }

    /// Reads a private key that a passphrase protects, as `ssh-keygen` encrypts it.
    ///
    /// # Errors
    /// Those of [`SigningKey::load`]; [`ErrorKind::Key`] also when the passphrase is wrong, or the key is
    /// not encrypted: whoever gives a passphrase relies on it.
    pub fn load_encrypted(path: &Path, passphrase: &Passphrase) -> Result<Self> {
        let key = key_file::read(path)?;
        let encrypt = format!("ssh-keygen -p -f {}", path.display());
        if !key.is_encrypted() {
            let remedy = format!("encrypt it with `{encrypt}`, or give no passphrase");
            return Err(unusable(path, "a passphrase is given, and the key is not encrypted", remedy));
        }
        match key.decrypt(passphrase.as_bytes()) {
            Ok(key) => Ok(Self::here(key)),
            Err(ssh_key::Error::Crypto) => {
                let remedy = "check that it belongs to this key; only its first line counts";
                Err(unusable(path, "the passphrase is wrong", remedy))
            }
            Err(e) => {
                let remedy = format!("encrypt it anew with `{encrypt}`");
                Err(unusable(path, format!("it cannot be decrypted: {e}"), remedy))
            }
        }
    }

    /// The key whose private half the agent at `socket` holds. `path` names its public half, or
    /// a private key with the public one beside it, as `path` + `.pub`; the private one is not read, and
    /// need not be there. The agent is asked again for each signature.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when nobody answers at the socket, or the agent does not hold the key.
    pub fn from_agent(path: &Path, socket: &Path) -> Result<Self> {
        let beside = public_path(path);
        let public = if key_file::is_public(path) { path } else { &beside };
        if !public.exists() {
            let remedy = "put the key's line of `ssh-add -L` there";
            return Err(unusable(public, "the public key, by which ssh-agent knows it, is not there", remedy));
        }
        Ok(SigningKey(Private::Agent(Agent::holding(socket, PublicKey::load(public)?)?)))
    }

    /// Writes the private key to `path` (mode 0600) and the public one to `path` + `.pub`. Their folder
    /// is made (mode 0700) where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when one of the two files exists (a key is never overwritten), when others can
    /// write to the folder, or when the private half is an agent's.
    pub fn write(&self, path: &Path, comment: &str) -> Result<()> {
        self.write_as(path, comment, |key| Ok(key.clone()))
    }

    /// The same, the private key encrypted, so that `ssh-keygen` reads it with the passphrase.
    ///
    /// # Errors
    /// Those of [`SigningKey::write`].
    pub fn write_encrypted(&self, path: &Path, comment: &str, passphrase: &Passphrase) -> Result<()> {
        self.write_as(path, comment, |key| {
            let (mut salt, mut check) = (vec![0; 16], [0; 4]);
            random(&mut salt)?;
            random(&mut check)?;
            let kdf = Kdf::Bcrypt { salt, rounds: BCRYPT_ROUNDS };
            key.encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_ne_bytes(check), passphrase.as_bytes())
                .map_err(|e| unusable(path, e.to_string(), "choose another passphrase"))
        })
    }

    fn write_as(&self, path: &Path, comment: &str, protect: impl Fn(&PrivateKey) -> Result<PrivateKey>) -> Result<()> {
        let Private::Here(key) = &self.0 else {
            let remedy = "keep the key where it is, or make another with `cuadre keygen`";
            return Err(Error::new(ErrorKind::Key, UNWRITABLE, "ssh-agent does not give it away", remedy).at(path));
        };
        let mut key = key.clone();
        key.set_comment(comment);
        let encoded = protect(&key)?
            .to_openssh(LineEnding::LF)
            .map_err(|e| unusable(path, e.to_string(), "use a plain comment of one line"))?;
        key_file::write(path, &encoded, &self.public_line(comment))
    }

    /// Writes the public half of the private key at `path` to `path` + `.pub`, which must not exist yet.
    pub fn write_public(&self, path: &Path, comment: &str) -> Result<()> {
        key_file::write_public(path, &self.public_line(comment))
    }

    fn public_line(&self, comment: &str) -> String {
        let comment = if comment.is_empty() { String::new() } else { format!(" {comment}") };
        format!("{}{comment}\n", self.public_key())
    }

    /// Makes the name of a key durable that a process may just have made and not lived to sync.
    pub fn settle(path: &Path) -> Result<()> {
        disk::settle_folder(disk::folder_of(path))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            Private::Here(key) => PublicKey::of(key.public_key()),
            Private::Agent(agent) => agent.public_key().clone(),
        }
    }

    /// Signs `message` for one purpose; the answer is an armored SSHSIG text over its SHA-512, the
    /// same wherever the private half is. It has been verified with the public half.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when the agent refuses, or what it gives is no signature of this key;
    /// [`ErrorKind::Io`] when it cannot be reached any more.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String> {
        let failed =
            |e: ssh_key::Error| cannot_sign(&e.to_string(), "check the signing key with `ssh-keygen -y -f KEY`");
        let signature = match &self.0 {
            Private::Here(key) => key.sign(namespace, HASH, message).map_err(failed)?,
            Private::Agent(agent) => {
                let data = SshSig::signed_data(namespace, HASH, message).map_err(failed)?;
                let signature = agent.sign(&data)?;
                SshSig::new(agent.public_key().data().clone(), namespace, HASH, signature).map_err(failed)?
            }
        };
        if !self.public_key().verifies(namespace, message, &signature) {
            let remedy = "nothing was signed; check the agent, or the machine's memory, and run again";
            return Err(cannot_sign("the signature that was made is not of this key and these bytes", remedy));
        }
        signature.to_pem(LineEnding::LF).map_err(failed)
    }

    fn here(key: PrivateKey) -> Self {
        SigningKey(Private::Here(Box::new(key)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key().fingerprint())
    }
}

fn random(bytes: &mut [u8]) -> Result<()> {
    OsRng.try_fill_bytes(bytes).map_err(|e| {
        let why = format!("the operating system gives no randomness: {e}");
        Error::new(ErrorKind::Io, "cannot generate a key", why, "run again")
    })
}

fn cannot_sign(why: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Key, "cannot sign", why, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.into()).unwrap()
    }

    #[test]
    fn a_key_reads_back_as_it_was_written_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/night/key");
        let key = SigningKey::generate().unwrap();
        key.write(&path, "night").unwrap();

        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(mode(&folder.path().join("keys")), 0o700);
        assert_eq!(SigningKey::load(&path).unwrap().public_key(), key.public_key());
        assert_eq!(PublicKey::load(&public_path(&path)).unwrap(), key.public_key());
        assert_eq!(key.write(&path, "night").unwrap_err().kind(), ErrorKind::Key);
        fs::remove_file(&path).unwrap();
        assert_eq!(key.write(&path, "night").unwrap_err().kind(), ErrorKind::Key);
    }

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("key"), folder.path().join("plain"));
        let key = SigningKey::from_seed([7; 32]);
        key.write_encrypted(&path, "night", &passphrase("secret")).unwrap();
        key.write(&plain, "night").unwrap();

        assert_eq!(mode(&path), 0o600);
        let opened = SigningKey::load_encrypted(&path, &passphrase("secret")).unwrap();
        assert_eq!(opened.sign("n", b"m").unwrap(), key.sign("n", b"m").unwrap());
        for (loaded, why) in [
            (SigningKey::load_encrypted(&path, &passphrase("Secret")), "the passphrase is wrong"),
            (SigningKey::load(&path), "no passphrase is given"),
            (SigningKey::load_encrypted(&plain, &passphrase("secret")), "the key is not encrypted"),
        ] {
            let error = loaded.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Key);
            assert!(error.why().contains(why), "{error}");
        }
        let again = folder.path().join("again");
        key.write_encrypted(&again, "night", &passphrase("secret")).unwrap();
        assert_ne!(fs::read(&path).unwrap(), fs::read(&again).unwrap(), "the salt is fresh");
    }

    #[test]
    fn a_key_that_others_can_read_or_replace_is_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        SigningKey::from_seed([7; 32]).write(&path, "").unwrap();
        let refused = |path: &Path, why: &str, remedy: &str| {
            let error = SigningKey::load(path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Key);
            assert!(error.why().contains(why) && error.remedy().contains(remedy), "{error}");
        };
        set_mode(&path, 0o640);
        refused(&path, "others can read it (mode 0640)", "chmod 600");
        set_mode(&path, 0o600);

        let link = tempfile::tempdir().unwrap();
        symlink(&path, link.path().join("key")).unwrap();
        let link = link.path().join("key");
        assert!(SigningKey::load(&link).is_ok());
        for mode in [0o770, 0o702] {
            set_mode(folder.path(), mode);
            refused(&path, "replace the key", "chmod go-w");
            refused(&link, "replace the key", "chmod go-w");
            let other = SigningKey::from_seed([8; 32]).write(&folder.path().join("other"), "").unwrap_err();
            assert!(other.remedy().contains("chmod go-w"), "{other}");
        }
        set_mode(folder.path(), 0o1777);
        assert!(SigningKey::load(&path).is_ok());
    }

    #[test]
    fn a_key_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        SigningKey::from_seed([7; 32]).write(&path, "").unwrap();
        let another = Some(12_345);
        if chown(&path, another, None).is_err() {
            eprintln!("SKIPPED: only root can make a key another user's");
            return;
        }
        let error = SigningKey::load(&path).unwrap_err();
        assert!(error.why().contains("another user (uid 12345)") && error.remedy().contains("chown"), "{error}");
        chown(&path, Some(0), None).unwrap();
        chown(folder.path(), another, None).unwrap();
        let error = SigningKey::load(&path).unwrap_err();
        assert!(error.why().contains("who can replace the key"), "{error}");
    }

    #[test]
    fn a_seed_always_gives_the_same_key_and_signature() {
        let [one, two] = [(); 2].map(|()| SigningKey::from_seed([7; 32]));
        assert_eq!(one.public_key(), two.public_key());
        assert_eq!(one.sign("n", b"m").unwrap(), two.sign("n", b"m").unwrap());
        assert_eq!(format!("{one:?}"), format!("SigningKey({})", one.public_key().fingerprint()));
    }
}
