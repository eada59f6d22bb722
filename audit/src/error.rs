//! The one error of this crate: what failed, where, why, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An operation that could not be done, in words for the person who must act on it.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    path: Option<PathBuf>,
    why: String,
    remedy: String,
    #[source]
    source: Option<io::Error>,
}

/// What sort of failure an [`Error`] is: enough to choose an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused; trying again may help.
    Io,
    /// Another process holds the series' append lock; trying again later helps.
    Locked,
    /// What is on disk contradicts itself: damaged, or changed by another hand.
    Damaged,
    /// A key, a certificate or a file of allowed signers cannot be used, or does not fit the series.
    Key,
    /// A value is outside its domain: not a digest, a date, a file name, canonical JSON.
    Invalid,
    /// What the caller asks for does not fit the state of the series.
    Conflict,
}

impl Error {
    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file or folder concerned, when there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What the reader can do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// Why it failed, without what and where.
    pub fn why(&self) -> &str {
        &self.why
    }

    pub(crate) fn new(
        kind: ErrorKind,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Error { kind, what: what.into(), path: None, why: why.into(), remedy: remedy.into(), source: None }
    }

    pub(crate) fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    pub(crate) fn io(what: &str, path: &Path, source: io::Error) -> Self {
        let remedy = match source.kind() {
            io::ErrorKind::NotFound => "check that the path is right",
            io::ErrorKind::PermissionDenied => "check the owner and the permissions",
            io::ErrorKind::StorageFull => "free space on the disk and run again",
            _ => "check the disk and run again",
        };
        Error {
            kind: ErrorKind::Io,
            what: what.to_owned(),
            path: Some(path.to_owned()),
            why: source.to_string(),
            remedy: remedy.to_owned(),
            source: Some(source),
        }
    }

    pub(crate) fn damaged(what: impl Into<String>, path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        let remedy = "run `cuadre verify` on the series and restore the file from a backup; \
                      nothing is signed until the series is whole";
        Error::new(ErrorKind::Damaged, what, why, remedy).at(path)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(path) = &self.path {
            write!(f, ": {}", path.display())?;
        }
        write!(f, ": {}; {}", self.why, self.remedy)
    }
}
