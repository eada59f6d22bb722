//! A filing as people look at it: what `report.html`, `report.xlsx` and `cuadre show` have in common.
//!
//! It follows from the files of the filing, the list of its inputs and its configuration. Nothing here is in a
//! language yet, save what the filing itself says in the language of its configuration.

use cuadre_rules::config::Language;
use cuadre_rules::exception::Evidence;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Predicate;
use crate::predicate::AmountText;

/// A filing to look at.
#[derive(Debug, Clone)]
pub struct View {
    /// Which filing, such as `2026-11-20.1`.
    pub filing: String,
    /// What its manifest states, `history` aside.
    pub predicate: Predicate,
    /// The language of labels, numbers and dates.
    pub language: Language,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// Who signs, as the file of allowed signers calls them.
    pub principal: Option<String>,
    /// The sources, in the order of the manifest.
    pub sources: Vec<SourceView>,
    /// The first rows of evidence of each exception that has any, in the order of the manifest.
    pub evidence: Vec<EvidenceView>,
    /// The rows of `summary.csv`, in its order; those of all sources have the source `TOTAL`.
    pub totals: Vec<KindTotal>,
    /// What it was made from, in the order of `inputs.json`, its configuration first.
    pub inputs: Vec<Traced>,
    /// The files of the filing that were there before this view, in the order of the manifest.
    pub outputs: Vec<Traced>,
}

/// A source against the clock. Times are `None` where none is configured or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Its id.
    pub id: String,
    /// What people call it; its id where the configuration gives no title.
    pub title: String,
    /// From when on it is expected.
    pub expected: Option<Timestamp>,
    /// When its last file was last changed, as far as where it lies says so.
    pub arrived: Option<Timestamp>,
    /// When it is late.
    pub cut_off: Option<Timestamp>,
}

/// The first rows of evidence of an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceView {
    /// The exception.
    pub exception: String,
    /// Its first rows, in the order of `exceptions.csv`.
    pub rows: Vec<Evidence>,
    /// How many rows it has in all.
    pub all: u64,
    /// The sum of all their amounts, each without its sign, by currency: where the exception's own amount is a net
    /// one, this is the gross.
    pub gross: AmountText,
}

/// Sums of one source, kind and currency, as decimal texts of the currency's own scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are the columns of `summary.csv`.
pub struct KindTotal {
    pub source: String,
    pub kind: String,
    pub currency: String,
    pub records: u64,
    pub credits: String,
    pub debits: String,
    pub net: String,
}

/// A file with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// What it is: `configuration`, or a role of `inputs.json`; `output` of what was made.
    pub role: String,
    /// Whose: a source, dataset or rule; empty where it is nobody's.
    pub of: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Its size, where it is known.
    pub bytes: Option<u64>,
}
