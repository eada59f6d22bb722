//! SHA-256 as a type, and hashing while reading or writing.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

use crate::error::{Error, ErrorKind, Result};

/// A SHA-256 digest. Its text form is 64 lower-case hexadecimal digits, and only that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Sha256Digest(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of a file's content, read in pieces, with its length in bytes.
    pub fn of_file(path: &Path) -> Result<(Self, u64)> {
        let failed = |e| Error::io("cannot hash the file", path, e);
        let reader = HashingReader::new(File::open(path).map_err(failed)?);
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
        Ok(reader.into_inner().finish())
    }

    /// A digest from its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Sha256Digest(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Bytes that are read, hashed and written at once.
pub(crate) const BUFFER: usize = 1 << 18;

/// An incremental SHA-256 that can be asked for the digest so far.
#[derive(Clone, Default)]
pub struct Hasher {
    state: sha2::Sha256,
    bytes: u64,
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The digest of everything seen so far.
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest(self.state.clone().finalize().into())
    }

    /// How many bytes were seen so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A reader that hashes what passes through it.
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> HashingReader<R> {
    /// Hashes what will be read from `inner`.
    pub fn new(inner: R) -> Self {
        HashingReader { inner, hasher: Hasher::new() }
    }

    /// Digest and number of the bytes that were read (not of those still unread).
    pub fn finish(self) -> (Sha256Digest, u64) {
        (self.hasher.digest(), self.hasher.bytes())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// A writer that hashes what passes through it.
pub struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> HashingWriter<W> {
    /// Hashes what will be written to `inner`.
    pub fn new(inner: W) -> Self {
        HashingWriter { inner, hasher: Hasher::new() }
    }

    /// The writer, with digest and number of the bytes it accepted. Flushes nothing.
    pub fn finish(self) -> (W, Sha256Digest, u64) {
        (self.inner, self.hasher.digest(), self.hasher.bytes())
    }

    /// The writer underneath.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

impl FromStr for Sha256Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_hex(text.as_bytes()).map(Sha256Digest).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("not a SHA-256 digest: {text:?}"),
                "a digest is 64 digits of 0-9 and a-f",
                "copy it again from where it was printed",
            )
        })
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn parse_hex(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn agrees_with_the_standard_and_with_itself() {
        assert_eq!(Sha256Digest::of(b"abc").to_string(), ABC);
        assert_eq!(ABC.parse::<Sha256Digest>().unwrap(), Sha256Digest::of(b"abc"));

        let mut reader = HashingReader::new(&b"abc"[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!(reader.finish(), (Sha256Digest::of(b"abc"), 3));

        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"abc").unwrap();
        assert_eq!(writer.finish(), (b"abc".to_vec(), Sha256Digest::of(b"abc"), 3));
    }

    #[test]
    fn reads_64_lower_case_digits_and_nothing_else() {
        for text in [
            "".to_owned(),
            ABC.to_uppercase(),
            ABC[1..].to_owned(),
            format!("{ABC}0"),
            format!(" {ABC}"),
            ABC.replace('b', "g"),
        ] {
            assert!(text.parse::<Sha256Digest>().is_err(), "{text:?}");
        }
    }
}
