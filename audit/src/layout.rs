//! Every path of a series on disk. Pure: nothing here touches a disk.
//!
//! ```text
//! <series>/
//!   LOG                          append-only: "<sha256>  <path>" lines, readable by sha256sum -c
//!   LOCK                         empty; held by the process that is writing
//!   trust/allowed_signers.1      whose signatures count: a generation of trust
//!   trust/allowed_signers.2.sig  who vouches for a generation
//!   trust/root_signers           who alone may vouch for generations; absent where the founder does
//!   trust/tsa-izenpe.pem         the certificate of a time stamping authority
//!   archive/sha256/ab/abcdef...  raw bytes, named by their digest
//!   archive/.incoming-...        an object being received
//!   filings/2026-11-21.1/        the files of a filing, manifest.json, manifest.json.sig, and a
//!                                manifest.json.sig.izenpe.tsr per time stamp of the signature
//!   filings/.staging-2026-11-21.1/   a filing being prepared
//!   claims/45                    only on object storage: manifest, signature and stamps of the filing
//!                                that alone may follow the first 45 lines of LOG
//! ```
//!
//! On object storage there is no `LOCK`, and nothing is prepared in place. Claims are how runs keep
//! apart there; they are no part of the history, and nothing verifies them.
//!
//! The functions give paths relative to the series, with `/`, as they stand in `LOG`.

use std::path::{Path, PathBuf};

use crate::digest::Sha256Digest;

pub use crate::filing_id::{FilingDate, FilingId};

/// The append-only history.
pub const LOG: &str = "LOG";
/// The file whose lock the writing process holds.
pub const LOCK: &str = "LOCK";
/// The folder of allowed signers.
pub const TRUST: &str = "trust";
/// The folder of all filings.
pub const FILINGS: &str = "filings";
/// The folder of the archive.
pub const ARCHIVE: &str = "archive";
/// The folder of the archive's objects.
pub const OBJECTS: &str = "archive/sha256";
/// The folder of claims, on object storage.
pub const CLAIMS: &str = "claims";
/// What is put to a series' name for that of the folder beside it with what waits for its archive.
pub const SPOOL_SUFFIX: &str = ".archive-spool";
/// What a filing's manifest is called in its folder.
pub const MANIFEST: &str = "manifest.json";
/// What the signature over a manifest is called in its folder.
pub const SIGNATURE: &str = "manifest.json.sig";
/// The evidence file that names what a filing was made from.
pub const INPUTS: &str = "inputs.json";

/// Who may vouch for generations of trust, where that is not the founder.
pub const ROOT_SIGNERS: &str = "trust/root_signers";

const STAGING_PREFIX: &str = ".staging-";
const INCOMING_PREFIX: &str = ".incoming-";
const TOKEN_INFIX: &str = ".";
const TOKEN_SUFFIX: &str = ".tsr";

/// The allowed signers of generation `number`, counted from 1.
pub fn allowed_signers(number: u32) -> String {
    format!("{TRUST}/allowed_signers.{number}")
}

/// The signature over the allowed signers of generation `number`.
pub fn trust_signature(number: u32) -> String {
    format!("{TRUST}/allowed_signers.{number}.sig")
}

/// Is this path that of a generation's allowed signers?
pub fn is_allowed_signers(path: &str) -> bool {
    generation_of(path).is_some_and(|number| path == allowed_signers(number))
}

/// Is this path that of a file of trust?
pub fn is_trust(path: &str) -> bool {
    let is_signature = generation_of(path).is_some_and(|number| path == trust_signature(number));
    path == ROOT_SIGNERS || is_signature || is_allowed_signers(path) || parse_authority(path).is_some()
}

fn generation_of(path: &str) -> Option<u32> {
    let rest = path.strip_prefix("trust/allowed_signers.")?;
    rest.split('.').next()?.parse().ok().filter(|number| *number >= 1)
}

/// The time stamping authority whose certificate has this path.
pub fn parse_authority(path: &str) -> Option<&str> {
    let name = path.strip_prefix("trust/tsa-")?.strip_suffix(".pem")?;
    is_authority_name(name).then_some(name)
}

/// The certificate of the time stamping authority `name`.
pub fn authority(name: &str) -> String {
    format!("{TRUST}/tsa-{name}.pem")
}

/// What the time stamp of `authority` over a manifest's signature is called in the filing's folder.
pub fn token(authority: &str) -> String {
    format!("{SIGNATURE}{TOKEN_INFIX}{authority}{TOKEN_SUFFIX}")
}

/// The time stamping authority whose token has this name.
pub fn parse_token(name: &str) -> Option<&str> {
    let name = name.strip_prefix(SIGNATURE)?.strip_prefix(TOKEN_INFIX)?.strip_suffix(TOKEN_SUFFIX)?;
    is_authority_name(name).then_some(name)
}

/// Can this name a time stamping authority? 1 to 64 of `a-z 0-9 -`, not starting with a hyphen.
pub fn is_authority_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(plain)
}

/// The folder that holds an object of the archive: its digest's first two digits.
pub fn object_folder(digest: Sha256Digest) -> String {
    let hex = digest.to_string();
    format!("{OBJECTS}/{}", &hex[..2])
}

/// An object of the archive.
pub fn object(digest: Sha256Digest) -> String {
    format!("{}/{digest}", object_folder(digest))
}

/// An object while it is being received; `unique` tells apart those of one machine.
pub fn incoming(unique: &str) -> String {
    format!("{ARCHIVE}/{INCOMING_PREFIX}{unique}")
}

/// Is this path that of an object being received?
pub fn is_incoming(path: &str) -> bool {
    let unique = path.strip_prefix("archive/").and_then(|name| name.strip_prefix(INCOMING_PREFIX));
    unique.is_some_and(|unique| is_file_name(&format!("_{unique}")))
}

/// The claim to follow the first `entries` lines of `LOG`.
pub fn claim(entries: u64) -> String {
    format!("{CLAIMS}/{entries}")
}

/// Is this path the folder of claims, or a claim?
pub fn is_claim(path: &str) -> bool {
    let number = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    path == CLAIMS || path.strip_prefix("claims/").is_some_and(number)
}

/// The folder of a filing.
pub fn filing(id: &FilingId) -> String {
    format!("{FILINGS}/{id}")
}

/// A file of a filing.
pub fn filing_file(id: &FilingId, name: &str) -> String {
    format!("{FILINGS}/{id}/{name}")
}

/// The folder of a filing while it is being prepared.
pub fn staging(id: &FilingId) -> String {
    format!("{FILINGS}/{STAGING_PREFIX}{id}")
}

/// A file of the trust folder, given by its path, while it is being written.
pub fn staging_trust(path: &str) -> String {
    let name = path.strip_prefix("trust/").unwrap_or(path);
    format!("{TRUST}/{STAGING_PREFIX}{name}")
}

/// What a file of that name is called while it is being written.
pub(crate) fn staging_name(name: &str) -> String {
    format!("{STAGING_PREFIX}{name}")
}

/// Is this path that of something being prepared, or inside of it?
pub fn is_staging(path: &str) -> bool {
    let rest = path.strip_prefix("filings/").or_else(|| path.strip_prefix("trust/"));
    rest.is_some_and(|name| name.starts_with(STAGING_PREFIX))
}

/// The filing and the file name of a path such as `filings/2026-11-21.1/report.csv`.
pub fn parse_filing_file(path: &str) -> Option<(FilingId, &str)> {
    let (id, name) = path.strip_prefix("filings/")?.split_once('/')?;
    is_file_name(name).then_some((id.parse().ok()?, name))
}

/// Can this be the name of a file in a series? 1 to 255 of `A-Z a-z 0-9 . _ -`, not starting with
/// a dot or a hyphen: names that no shell, tool or file system reads in two ways.
pub fn is_file_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=255).contains(&name.len()) && !name.starts_with(['.', '-']) && name.bytes().all(plain)
}

/// Can this path stand in `LOG`? File names joined by single slashes, from the series downwards.
pub fn is_log_path(path: &str) -> bool {
    path.split('/').all(is_file_name)
}

/// The folder beside a series whose name is that of the series, and then `suffix`.
pub fn beside(series_root: &Path, suffix: &str) -> PathBuf {
    let name = series_root.file_name().unwrap_or_default().to_string_lossy();
    series_root.with_file_name(format!("{name}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_paths_are_relative_plain_and_normalised() {
        for path in ["LOG", "filings/2026-11-21.1/report.csv", "trust/allowed_signers.1"] {
            assert!(is_log_path(path), "{path}");
        }
        for path in ["", "/etc/passwd", "a//b", "a/", "./a", "a/../b", "..", "a b", "a\\b", "ñ", "-a", "a\n"] {
            assert!(!is_log_path(path), "{path:?}");
        }
    }

    #[test]
    fn an_object_lies_under_its_first_two_digits() {
        let path = object(Sha256Digest::of(b"abc"));
        assert!(path.starts_with("archive/sha256/ba/ba7816bf"), "{path}");
    }
}
