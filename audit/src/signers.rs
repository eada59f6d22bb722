//! A file of allowed signers, in the format of `ssh-keygen -Y verify -f`.
//!
//! One signer a line: `principal namespaces="cuadre-manifest-v1" ssh-ed25519 AAAA... comment`.
//! The options understood are `namespaces` with literal names, and `valid-after` and `valid-before`
//! with instants of UTC (`20261125120000Z`). Any other option restricts or widens trust in a way
//! that this crate does not judge, so a file that has one is refused. So is one that `ssh-keygen` would
//! read otherwise or not at all: with characters outside of ASCII but in lines of comment, or a window of
//! validity that ends before it begins.
//! Keys that are not Ed25519 are passed over: no signature of a series can be theirs.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Serialize;
use ssh_key::{LineEnding, SshSig};

use crate::error::{Error, ErrorKind, Result};
use crate::keys::PublicKey;

/// Whose signatures count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSigners {
    pub(crate) entries: Vec<Entry>,
}

/// Who made a signature that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// The name in front of the key in the file of allowed signers.
    pub principal: String,
    /// `SHA256:...` of the public key.
    pub fingerprint: String,
}

/// A line: whose key it is, what for, and when its signatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name in front of the key.
    pub principal: String,
    /// What the key may sign for; `None`: anything.
    pub namespaces: Option<Vec<String>>,
    /// The first second that counts; `None`: from ever.
    pub valid_after: Option<Timestamp>,
    /// The last second that counts; `None`: for ever.
    pub valid_before: Option<Timestamp>,
    /// The key.
    pub key: PublicKey,
}

impl AllowedSigners {
    /// Reads the content of a file of allowed signers.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut entries = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_matches([' ', '\t']);
            if !line.is_empty() && !line.starts_with('#') {
                entries.extend(parse_line(line).map_err(|why| refused(index + 1, &why))?);
            }
        }
        Ok(AllowedSigners { entries })
    }

    /// The lines of Ed25519 keys, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// May this key sign for `namespace` at that time?
    pub fn allows(&self, key: &PublicKey, namespace: &str, at: Timestamp) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.key == *key && entry.is_for(namespace) && entry.counts_at(at))
    }

    /// Who made the armored signature over `message` for `namespace`, if it was made at the time
    /// `at`.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] when the armor cannot be read, or nobody in this file made it.
    pub fn verify(&self, namespace: &str, message: &[u8], armor: &[u8], at: Timestamp) -> Result<Signer> {
        let signature = SshSig::from_pem(armor).map_err(|e| invalid(&format!("it is no SSH signature: {e}")))?;
        let is_canonical = signature.to_pem(LineEnding::LF).is_ok_and(|text| text.as_bytes() == armor);
        if !is_canonical || signature.version() != 1 || !signature.reserved().is_empty() {
            return Err(invalid("it is not written as `ssh-keygen -Y sign` writes it"));
        }
        if signature.namespace() != namespace {
            let why = format!("it was made for {:?}, not {namespace:?}", signature.namespace());
            return Err(invalid(&why));
        }
        let of_key = || self.entries.iter().filter(|entry| entry.key.made(&signature) && entry.is_for(namespace));
        let Some(known) = of_key().next() else {
            return Err(invalid("its key is not among the allowed signers"));
        };
        let Some(entry) = of_key().find(|entry| entry.counts_at(at)) else {
            return Err(invalid(&format!("the key of {} does not count at {at}: {}", known.principal, known.window())));
        };
        if !entry.key.verifies(namespace, message, &signature) {
            return Err(invalid("it does not belong to these bytes"));
        }
        Ok(Signer { principal: entry.principal.clone(), fingerprint: entry.key.fingerprint() })
    }
}

impl Entry {
    /// May the key sign for `namespace`?
    pub fn is_for(&self, namespace: &str) -> bool {
        match &self.namespaces {
            None => true,
            Some(names) => names.iter().any(|name| name == namespace),
        }
    }

    /// Do signatures of that time count? Whole seconds, both ends included, as `ssh-keygen` has it.
    pub fn counts_at(&self, at: Timestamp) -> bool {
        let at = at.as_second();
        self.valid_after.is_none_or(|first| at >= first.as_second())
            && self.valid_before.is_none_or(|last| at <= last.as_second())
    }

    /// From when until when signatures count, in words.
    pub fn window(&self) -> String {
        match (self.valid_after, self.valid_before) {
            (None, None) => "without end".to_owned(),
            (Some(first), None) => format!("from {first}"),
            (None, Some(last)) => format!("until {last}"),
            (Some(first), Some(last)) => format!("from {first} until {last}"),
        }
    }

    /// The line as it stands in a file, with its newline.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a principal that is not 1 to 255 of `A-Z a-z 0-9 . _ - @ +`.
    pub fn line(&self) -> Result<String> {
        let Entry { principal, key, .. } = self;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-@+".contains(&b);
        if !(1..=255).contains(&principal.len()) || !principal.bytes().all(plain) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("not a principal: {principal:?}"),
                "a principal has 1 to 255 of A-Z a-z 0-9 . _ - @ +",
                "write it as filings@bank.example",
            ));
        }
        let mut options = Vec::new();
        options.extend(self.namespaces.as_ref().map(|names| format!("namespaces=\"{}\"", names.join(","))));
        options.extend(self.valid_after.map(|first| format!("valid-after=\"{}\"", compact(first))));
        options.extend(self.valid_before.map(|last| format!("valid-before=\"{}\"", compact(last))));
        let mut line = principal.clone();
        if !options.is_empty() {
            let _ = write!(line, " {}", options.join(","));
        }
        let _ = writeln!(line, " {key}");
        Ok(line)
    }
}

/// An instant as `ssh-keygen` writes it: `20261125120000Z`.
pub(crate) fn compact(instant: Timestamp) -> String {
    instant.strftime("%Y%m%d%H%M%SZ").to_string()
}

fn parse_compact(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    let instant = Offset::UTC.to_timestamp(time).ok()?;
    (compact(instant) == text && instant >= Timestamp::UNIX_EPOCH).then_some(instant)
}

fn parse_line(line: &str) -> std::result::Result<Option<Entry>, String> {
    if let Some(odd) = line.chars().find(|c| !matches!(c, ' '..='~' | '\t')) {
        return Err(format!("{odd:?} is not a printable character of ASCII"));
    }
    let (principal, rest) = word(line);
    if principal.contains(['"', '*', '?', '!', ',']) {
        return Err(format!("the principal {principal:?} is a pattern"));
    }
    let (first, after_first) = word(rest);
    let (options, key_text) = if is_key_type(first) { ("", rest) } else { (first, after_first) };
    let options = parse_options(options)?;
    let (key_type, after_type) = word(key_text);
    if !is_key_type(key_type) {
        return Err(format!("{key_type:?} is no type of key"));
    }
    if key_type != "ssh-ed25519" {
        return Ok(None);
    }
    let (key, _comment) = word(after_type);
    let key = format!("{key_type} {key}").parse().map_err(|e: Error| e.to_string())?;
    let Options { namespaces, valid_after, valid_before } = options;
    Ok(Some(Entry { principal: principal.to_owned(), namespaces, valid_after, valid_before, key }))
}

#[derive(Default)]
struct Options {
    namespaces: Option<Vec<String>>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

/// Options are `name="value"`, joined by commas.
fn parse_options(mut text: &str) -> std::result::Result<Options, String> {
    let mut options = Options::default();
    while !text.is_empty() {
        let parts = text.split_once("=\"").and_then(|(name, rest)| Some((name, rest.split_once('"')?)));
        let Some((name, (value, rest))) = parts else {
            return Err(format!("the option {text} is not supported"));
        };
        let instant = || parse_compact(value).ok_or_else(|| format!("{name}={value:?} is not like 20261125120000Z"));
        let twice = match name {
            "namespaces" if !value.contains(['*', '?', '!']) => {
                let names = value.split(',').map(|name| name.trim().to_owned()).collect();
                options.namespaces.replace(names).is_some()
            }
            "valid-after" => options.valid_after.replace(instant()?).is_some(),
            "valid-before" => options.valid_before.replace(instant()?).is_some(),
            _ => return Err(format!("the option {name}=\"{value}\" is not supported")),
        };
        if twice {
            return Err(format!("the option {name} is given twice"));
        }
        text = match rest.strip_prefix(',') {
            Some(next) if !next.is_empty() => next,
            None if rest.is_empty() => rest,
            _ => return Err(format!("{rest:?} after the option {name} is not understood")),
        };
    }
    match options.valid_after.zip(options.valid_before) {
        Some((first, last)) if first >= last => Err("valid-before must be after valid-after".to_owned()),
        _ => Ok(options),
    }
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
    use crate::keys::{MANIFEST_NAMESPACE, SigningKey};

    fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn allows(line: &str) -> Result<bool> {
        let line = line.replace("KEY", &key().public_key().to_string());
        let signers = AllowedSigners::parse(line.as_bytes())?;
        Ok(signers.allows(&key().public_key(), MANIFEST_NAMESPACE, at("2026-11-25T12:00:00Z")))
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
            ("a@b namespaces=\"cuadre-manifest-v1\",cert-authority KEY", None),
            ("a@b namespaces=\"git\",namespaces=\"cuadre-manifest-v1\" KEY", None),
            ("a@b namespaces=\"cuadre-manifest-v1\", KEY", None),
            ("a@b namespaces=\"cuadre-manifest-v1\"x KEY", None),
            ("a@b valid-before=\"20200101\" KEY", None),
            ("a@b valid-before=\"20201301000000Z\" KEY", None),
            ("a@b valid-before=\"20261125120000Z\" KEY", Some(true)),
            ("a@b valid-before=\"20261125115959Z\" KEY", Some(false)),
            ("a@b valid-after=\"20261125120000Z\" KEY", Some(true)),
            ("a@b valid-after=\"20261125120000Z\",valid-before=\"20261125120001Z\" KEY", Some(true)),
            ("a@b valid-after=\"20261125120000Z\",valid-before=\"20261125120000Z\" KEY", None),
            ("a@b valid-after=\"19691231235959Z\" KEY", None),
            ("\t a@b  KEY\t ", Some(true)),
            (" # un comentario m\u{e1}s\n\n \t\na@b KEY", Some(true)),
            ("a@b KEY m\u{e1}s", None),
            ("a@b KEY\r\n", None),
            ("a@b valid-after=\"20261125120001Z\" KEY", Some(false)),
            ("a@b valid-after=\"20261125120001Z\" KEY\na@b valid-before=\"20261125120000Z\" KEY", Some(true)),
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
    fn a_line_reads_back_as_it_is_written() {
        let mut entry = Entry {
            principal: "a@b".to_owned(),
            namespaces: None,
            valid_after: None,
            valid_before: Some(at("2026-11-25T12:00:00Z")),
            key: key().public_key(),
        };
        for namespaces in [None, Some(vec!["x".to_owned()]), Some(vec!["x".to_owned(), "y".to_owned()])] {
            entry.namespaces = namespaces;
            let signers = AllowedSigners::parse(entry.line().unwrap().as_bytes()).unwrap();
            assert_eq!(signers.entries(), [entry.clone()]);
        }
        entry.principal = "a b".to_owned();
        assert_eq!(entry.line().unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_signature_counts_for_its_bytes_its_purpose_its_key_and_its_time() {
        let line =
            format!("a@b namespaces=\"{MANIFEST_NAMESPACE}\",valid-before=\"20261125120000Z\" {}", key().public_key());
        let signers = AllowedSigners::parse(line.as_bytes()).unwrap();
        let verify = |namespace: &str, message: &[u8], armor: &str, time: &str| {
            signers.verify(namespace, message, armor.as_bytes(), at(time))
        };
        let (now, later) = ("2026-11-25T12:00:00Z", "2026-11-25T12:00:01Z");
        let good = key().sign(MANIFEST_NAMESPACE, b"m").unwrap();
        let signer = verify(MANIFEST_NAMESPACE, b"m", &good, now).unwrap();
        assert_eq!(signer.principal, "a@b");
        assert_eq!(signer.fingerprint, key().public_key().fingerprint());

        // What reads as the same signature is another file.
        let unended = good.trim_end().to_owned();
        let returned = good.replace('\n', "\r\n");
        let stranger = SigningKey::from_seed([8; 32]).sign(MANIFEST_NAMESPACE, b"m").unwrap();
        let other_purpose = key().sign("git", b"m").unwrap();
        for (message, armor, time, why) in [
            (&b"M"[..], &good, now, "does not belong"),
            (b"m", &stranger, now, "not among"),
            (b"m", &other_purpose, now, "made for \"git\""),
            (b"m", &good, later, "the key of a@b does not count at 2026-11-25T12:00:01Z: until 2026-11-25T12:00:00Z"),
            (b"m", &unended, now, "not written as `ssh-keygen -Y sign` writes it"),
            (b"m", &returned, now, "not written as `ssh-keygen -Y sign` writes it"),
            (b"m", &good.replace("SSH SIG", "SSX SIG"), now, "no SSH signature"),
            (b"m", &String::new(), now, "no SSH signature"),
        ] {
            let error = verify(MANIFEST_NAMESPACE, message, armor, time).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
