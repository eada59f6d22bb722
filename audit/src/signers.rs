//! The file of allowed signers, in the format of `ssh-keygen -Y verify -f`.
//!
//! One signer a line: `principal namespaces="cuadre-manifest-v1" ssh-ed25519 AAAA... comment`.
//! The only option understood is `namespaces` with literal names. Any other option restricts or
//! widens trust in a way that this crate does not judge, so a file that has one is refused.
//! Keys that are not Ed25519 are passed over: no signature of a series can be theirs.

use std::path::Path;

use ssh_key::SshSig;

use serde::Serialize;

use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{MANIFEST_NAMESPACE, PublicKey};

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners {
    entries: Vec<Entry>,
}

/// Who made a signature that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// The name in front of the key in the file of allowed signers.
    pub principal: String,
    /// `SHA256:...` of the public key.
    pub fingerprint: String,
}

#[derive(Clone, Debug)]
struct Entry {
    principal: String,
    /// `None`: the key may sign for any purpose.
    namespaces: Option<Vec<String>>,
    key: PublicKey,
}

impl AllowedSigners {
    /// Reads a file of allowed signers.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&disk::read_whole(path)?).map_err(|e| e.at(path))
    }

    /// Reads the content of a file of allowed signers.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|e| refused(0, &e.to_string()))?;
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            entries.extend(parse_line(line).map_err(|why| refused(index + 1, &why))?);
        }
        Ok(AllowedSigners { entries })
    }

    /// May this key sign manifests?
    pub fn allows(&self, key: &PublicKey) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.key == *key && entry.allows(MANIFEST_NAMESPACE))
    }

    /// Who made the armored signature over `message` for `namespace`.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] when the armor cannot be read, or nobody in this file made it.
    pub fn verify(&self, namespace: &str, message: &[u8], armor: &[u8]) -> Result<Signer> {
        let signature = SshSig::from_pem(armor).map_err(|e| invalid(&format!("it is no SSH signature: {e}")))?;
        if signature.namespace() != namespace {
            let why = format!("it was made for {:?}, not {namespace:?}", signature.namespace());
            return Err(invalid(&why));
        }
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.key.made(&signature) && entry.allows(namespace))
            .ok_or_else(|| invalid("its key is not among the allowed signers"))?;
        if !entry.key.verifies(namespace, message, &signature) {
            return Err(invalid("it does not belong to these bytes"));
        }
        Ok(Signer { principal: entry.principal.clone(), fingerprint: entry.key.fingerprint() })
    }
}

impl Entry {
    fn allows(&self, namespace: &str) -> bool {
        match &self.namespaces {
            None => true,
            Some(names) => names.iter().any(|name| name == namespace),
        }
    }
}

/// The line that allows `key` to sign manifests in the name of `principal`.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a principal that is not 1 to 255 of `A-Z a-z 0-9 . _ - @ +`.
pub(crate) fn line(principal: &str, key: &PublicKey) -> Result<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-@+".contains(&b);
    if !(1..=255).contains(&principal.len()) || !principal.bytes().all(plain) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("not a principal: {principal:?}"),
            "a principal has 1 to 255 of A-Z a-z 0-9 . _ - @ +",
            "write it as filings@bank.example",
        ));
    }
    Ok(format!("{principal} namespaces=\"{MANIFEST_NAMESPACE}\" {key}\n"))
}

fn parse_line(line: &str) -> std::result::Result<Option<Entry>, String> {
    let (principal, rest) = word(line);
    if principal.contains(['"', '*', '?', '!', ',']) {
        return Err(format!("the principal {principal:?} is a pattern"));
    }
    let (first, after_first) = word(rest);
    let (namespaces, key_text) = match is_key_type(first) {
        true => (None, rest),
        false => (Some(parse_options(first)?), after_first),
    };
    let (key_type, after_type) = word(key_text);
    if !is_key_type(key_type) {
        return Err(format!("{key_type:?} is no type of key"));
    }
    if key_type != "ssh-ed25519" {
        return Ok(None);
    }
    let (key, _comment) = word(after_type);
    let key = format!("{key_type} {key}").parse().map_err(|e: Error| e.to_string())?;
    let principal = principal.to_owned();
    Ok(Some(Entry { principal, namespaces, key }))
}

fn parse_options(options: &str) -> std::result::Result<Vec<String>, String> {
    let names = options
        .strip_prefix("namespaces=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|names| !names.contains(['"', '*', '?', '!']))
        .ok_or_else(|| format!("the option {options} is not supported; only namespaces=\"...\" is"))?;
    Ok(names.split(',').map(|name| name.trim().to_owned()).collect())
}

fn is_key_type(text: &str) -> bool {
    text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-")
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn refused(line: usize, why: &str) -> Error {
    Error::new(
        ErrorKind::Key,
        "cannot read the allowed signers",
        format!("line {line}: {why}"),
        "write each line as: principal namespaces=\"cuadre-manifest-v1\" ssh-ed25519 AAAA...",
    )
}

fn invalid(why: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        "the signature does not count",
        why,
        "compare the signer's fingerprint with the one the institution published",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    fn allows(line: &str) -> Result<bool> {
        let line = line.replace("KEY", &key().public_key().to_string());
        AllowedSigners::parse(line.as_bytes()).map(|signers| signers.allows(&key().public_key()))
    }

    #[test]
    fn only_what_is_understood_is_trusted() {
        for (line, expected) in [
            ("", Some(false)),
            ("# a comment", Some(false)),
            ("a@b KEY", Some(true)),
            ("a@b KEY with a comment", Some(true)),
            ("a@b\tnamespaces=\"cuadre-manifest-v1\"\tKEY", Some(true)),
            ("a@b namespaces=\"git,cuadre-manifest-v1\" KEY", Some(true)),
            ("a@b namespaces=\"git\" KEY", Some(false)),
            ("a@b namespaces=\"cuadre*\" KEY", None),
            ("a@b cert-authority KEY", None),
            ("a@b valid-before=\"20200101\" KEY", None),
            ("a@b namespaces=\"cuadre-manifest-v1\",cert-authority KEY", None),
            ("* KEY", None),
            ("a@b ssh-rsa AAAA", Some(false)),
            ("a@b ssh-ed25519 AAAA", None),
            ("a@b ssh-ed25519", None),
            ("a@b", None),
        ] {
            assert_eq!(allows(line).ok(), expected, "{line}");
        }
    }

    #[test]
    fn a_signature_counts_for_its_bytes_its_purpose_and_its_key() {
        let line = line("a@b", &key().public_key()).unwrap();
        let signers = AllowedSigners::parse(line.as_bytes()).unwrap();
        let verify =
            |namespace: &str, message: &[u8], armor: &str| signers.verify(namespace, message, armor.as_bytes());
        let good = key().sign(MANIFEST_NAMESPACE, b"m").unwrap();
        let signer = verify(MANIFEST_NAMESPACE, b"m", &good).unwrap();
        assert_eq!(signer.principal, "a@b");
        assert_eq!(signer.fingerprint, key().public_key().fingerprint());

        let stranger = SigningKey::from_seed([8; 32]).sign(MANIFEST_NAMESPACE, b"m").unwrap();
        let other_purpose = key().sign("git", b"m").unwrap();
        for (message, armor, why) in [
            (&b"M"[..], &good, "does not belong"),
            (b"m", &stranger, "not among"),
            (b"m", &other_purpose, "made for \"git\""),
            (b"m", &good.replace("SSH SIG", "SSX SIG"), "no SSH signature"),
            (b"m", &String::new(), "no SSH signature"),
        ] {
            let error = verify(MANIFEST_NAMESPACE, message, armor).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
