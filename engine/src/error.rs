//! What can stop a command, and the exit code it maps to.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use cuadre_audit::ErrorKind;
use cuadre_reports::ReportError;
use cuadre_rules::ConfigError;
use cuadre_rules::money::Overflow;

use crate::database::Fault;

/// What stopped a command.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error("{0}")]
    Config(Box<ConfigError>),
    /// Something the configuration names is not as it should be.
    #[error("{0}")]
    Setup(String),
    /// Something elsewhere is away for now, or in use.
    #[error("{0}")]
    Away(String),
    /// An error about the working copy of a series, told as one about the series itself.
    #[error("{message}")]
    Elsewhere {
        /// The error in words.
        message: String,
        /// Its exit code.
        exit_code: u8,
    },
    /// A regenerated filing differs from the signed one.
    #[error("{0}")]
    Differs(String),
    /// A file of ours cannot be read or written.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The series, its history or a signature.
    #[error(transparent)]
    Audit(#[from] cuadre_audit::Error),
    /// The report cannot be rendered.
    #[error("the report: {0}")]
    Report(#[from] ReportError),
    /// A text of an input cannot be written in the report's encoding.
    #[error("source {id}, {file}: {error}")]
    Unencodable {
        /// The source.
        id: String,
        /// The input file.
        file: String,
        /// Where in it, and why.
        error: ReportError,
    },
    /// A sum left the range of exact integers.
    #[error("{0}; split the day into several series")]
    Overflow(#[from] Overflow),
    /// An invariant of ours does not hold.
    #[error("{0}; this is a bug of cuadre, nothing was filed: please report it with the configuration")]
    Bug(String),
}

impl EngineError {
    /// An error about a file of ours.
    pub fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }

    /// A broken invariant.
    pub fn bug(message: impl Display) -> Self {
        Self::Bug(message.to_string())
    }

    /// The process exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Config(_) | Self::Setup(_) => exit::CONFIG,
            Self::Away(_) => exit::PASSING_FAULT,
            Self::Elsewhere { exit_code, .. } => *exit_code,
            Self::Differs(_) => exit::VERIFICATION_FAILED,
            Self::Io { source, .. } => io_exit_code(source),
            Self::Audit(error) => audit_exit_code(error),
            Self::Report(error) => report_exit_code(error),
            Self::Unencodable { .. } | Self::Overflow(_) => exit::NOT_FILED,
            Self::Bug(_) => exit::BUG,
        }
    }
}

impl From<Fault> for EngineError {
    fn from(Fault { passing, words }: Fault) -> Self {
        if passing { Self::Away(words) } else { Self::Setup(words) }
    }
}

/// The exit codes of the contract.
pub mod exit {
    use cuadre_reports::Status;

    /// Filed complete, verified, or regenerated identical.
    pub const DONE: u8 = 0;
    /// Filed partial: gaps documented.
    pub const PARTIAL: u8 = 3;
    /// Not filed: the policy forbids it.
    pub const NOT_FILED: u8 = 4;
    /// Verification failed, or regeneration differs.
    pub const VERIFICATION_FAILED: u8 = 5;
    /// Wrong usage.
    pub const USAGE: u8 = 64;
    /// A bug.
    pub const BUG: u8 = 70;
    /// A passing fault: retry.
    pub const PASSING_FAULT: u8 = 75;
    /// Wrong configuration.
    pub const CONFIG: u8 = 78;

    /// That of a run whose day is filed.
    pub fn of_filing(status: Status) -> u8 {
        match status {
            Status::Complete => DONE,
            Status::Partial => PARTIAL,
        }
    }
}

fn io_exit_code(error: &io::Error) -> u8 {
    use io::ErrorKind::*;
    match error.kind() {
        NotFound | AlreadyExists | PermissionDenied | NotADirectory | IsADirectory | ReadOnlyFilesystem
        | InvalidFilename => exit::CONFIG,
        _ => exit::PASSING_FAULT,
    }
}

fn audit_exit_code(error: &cuadre_audit::Error) -> u8 {
    match error.kind() {
        ErrorKind::Io => {
            let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
            source.map_or(exit::PASSING_FAULT, io_exit_code)
        }
        ErrorKind::Locked => exit::PASSING_FAULT,
        ErrorKind::Key | ErrorKind::Invalid => exit::CONFIG,
        ErrorKind::Damaged => exit::VERIFICATION_FAILED,
        _ => exit::BUG,
    }
}

fn report_exit_code(error: &ReportError) -> u8 {
    match error {
        ReportError::Layout { .. } => exit::CONFIG,
        ReportError::Io(error) => io_exit_code(error),
        ReportError::Unencodable { .. } | ReportError::Overflow { .. } => exit::NOT_FILED,
        _ => exit::BUG,
    }
}
