//! What a partial delivery may lack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exception::Kind;

/// What a partial delivery may lack. Without it everything may be missing, and is documented.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Sources without which there is no filing.
    pub required_sources: Vec<String>,
    /// Kinds of exception that forbid a filing.
    pub block_on: Vec<Kind>,
    /// Least share of the configured sources that must have been received, in percent.
    pub minimum_coverage_percent: u8,
    /// Local time, `HH:MM` on the day after the business date, from which a day is filed without a
    /// database that is away; before, the run ends so that it is tried again. Half an hour before
    /// the deadline where absent.
    pub file_without_from: Option<String>,
    /// File a day also while the archive of the series is away or full, from `file_without_from` on. What was
    /// received then waits in a folder beside the series, and the next run that finds the archive usable moves it
    /// there. Otherwise the run ends so that it is tried again. Only for a series in a folder.
    pub without_archive: bool,
}

/// How bad an exception is. Notes do not make a filing partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the filing is complete all the same.
    Note,
    /// A gap that touches few movements.
    Minor,
    /// A gap that touches a source or the figures.
    Major,
    /// A gap that puts the report itself in doubt.
    Critical,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}
