//! Checking a series from nothing but its bytes.
//!
//! An independent derivation, not a replay of what the writer does: it takes stock of the folder,
//! reads `LOG` strictly, and derives from each manifest what must lie around it. It stops at
//! nothing, follows no symbolic link, and needs no configuration.
//!
//! # What it proves
//! Every byte of every file that `LOG` names, and of every archived object, is the one that was
//! filed; nothing was added, removed, reordered or renamed between filings, because each signed
//! manifest pins all lines of `LOG` in front of it.
//!
//! # What it cannot prove alone
//! - That filings were **cut off the end**, folders and lines together: what remains is a series
//!   as it once was. An earlier manifest of a later filing, kept elsewhere, shows it
//!   ([`Options::anchors`]); so does knowing until when there must be filings
//!   ([`Options::through`]).
//! - That **the whole series was made anew under another key**: it would vouch for itself. Allowed
//!   signers obtained elsewhere show it ([`Options::allowed_signers`]), and so does an anchor.
//! - That **time stamps at the end** were taken away or replaced by later ones: nothing pins them yet.
//! - **When** anything was signed that no time stamp covers: its timeliness is `unproven`.
//! - That the holder of the key was honest: a rewritten tail
//!   signed with the true key shows only against an anchor, where it is told as a fork.
//!
//! It takes no lock. A filing that enters the series while it reads can make it fail: ask again.

mod anchor;
mod archive;
mod files;
mod filing;
mod log;
mod time;
mod tree;
mod trust;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::digest::Sha256Digest;
use crate::layout::{self, FilingDate, FilingId};
use crate::manifest::History;
use crate::signers::Signer;
use log::Log;
use tree::Tree;

pub use files::{Files, Folder, Listing};
pub use time::Timeliness;

/// What the verifier may rely on besides the series itself, and what it is asked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Manifests of this series that were kept elsewhere: all that they pin must still be there. A
    /// signature is looked for beside each, with `.sig` at the end.
    pub anchors: Vec<PathBuf>,
    /// Allowed signers that were obtained elsewhere, to judge by instead of the series' own. Where
    /// they have the head of a generation of trust, its calendar and authorities count, too.
    pub allowed_signers: Option<PathBuf>,
    /// Who may vouch for generations of trust, obtained elsewhere, instead of the series' own.
    pub root_signers: Option<PathBuf>,
    /// Until when each day that owes a filing must have one.
    pub through: Option<FilingDate>,
    /// Whether a first filing that is not proven to be in time is a failure.
    pub timely: bool,
    /// Whether the archive's objects are passed over.
    pub without_archive: bool,
}

/// What was checked and found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Every check, in the order in which it was made.
    pub checks: Vec<Check>,
    /// Every filing that `LOG` names, in its order.
    pub filings: Vec<VerifiedFiling>,
    /// Everyone whose signature was found to count, in order of appearance.
    pub signers: Vec<Signer>,
    /// The state of `LOG`; `None` when it cannot be read.
    pub history: Option<History>,
    /// Days that owe a filing and have none, up to the last day filed or asked for.
    pub missing_days: Vec<FilingDate>,
    /// What was seen and is no fault, such as a filing being prepared.
    pub notes: Vec<String>,
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was asked: `log`, `files`, `trust`, `lines`, `manifest`, `timeStamp`, `signature`,
    /// `history`, `place`, `folder`, `inputs`, `timeliness`, `strays`, `archive`, `anchor` or
    /// `calendar`.
    pub name: &'static str,
    /// The path that was asked about, relative to the series (for an anchor, as it was given).
    pub subject: String,
    /// The answer.
    pub verdict: Verdict,
    /// How much was checked, or what is wrong.
    pub detail: String,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// Nothing proves it, and nothing speaks against it. No fault by itself.
    Unproven,
    /// The filing is proven, but not that it was there before its deadline. No fault of the series.
    Late,
}

/// A filing as the verifier found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedFiling {
    /// Which one.
    pub id: FilingId,
    /// The digest of its manifest; `None` when there is none to read.
    pub manifest_sha256: Option<Sha256Digest>,
    /// Who signed it; `None` when the signature does not count.
    pub signer: Option<Signer>,
    /// When its manifest says that it was issued.
    pub issued_at: Option<Timestamp>,
    /// When the first of its time stamps was made; `None` without one that counts.
    pub stamped_at: Option<Timestamp>,
    /// Whether it was in time; only for the first filing of a day.
    pub timeliness: Option<Timeliness>,
    /// Did all checks of this filing pass?
    pub passed: bool,
}

/// Checks the series in the folder `root`.
pub fn verify(root: &Path, options: &Options) -> Report {
    verify_files(&Folder(root.to_owned()), options)
}

/// Checks a series, wherever its files are read from.
pub fn verify_files(files: &dyn Files, options: &Options) -> Report {
    let mut report = Report::default();
    let tree = Tree::survey(files, !options.without_archive);
    let log = Log::read(&tree);
    report.history = log.history();
    report.judge("log", layout::LOG, &log.problems, log.summary());
    report.judge("files", layout::LOG, &log.compare(&tree), log.summary());

    let (blocks, problems) = log.blocks();
    report.judge("lines", layout::LOG, &problems, "each belongs to a filing or to a generation of trust".to_owned());
    let judges = trust::judge(&tree, &log, &blocks, options, &mut report);
    filing::judge_all(&tree, &log, &blocks, &judges, &mut report);
    time::judge(&judges, options, &mut report);

    let (strays, notes) = log.strays(&tree);
    report.judge("strays", ".", &strays, "every file is accounted for".to_owned());
    report.notes.extend(notes);
    match options.without_archive {
        true => report.push("archive", layout::ARCHIVE, Verdict::Unproven, "it was not read".to_owned()),
        false => archive::judge(&tree, &mut report),
    }

    for path in &options.anchors {
        anchor::judge(path, &tree, &log, &judges, &mut report);
    }
    time::judge_calendar(&judges, options.through, &mut report);
    report
}

impl Report {
    /// Did every check pass?
    pub fn passed(&self) -> bool {
        self.first_failure().is_none()
    }

    /// The first check that failed: the one to show a person.
    pub fn first_failure(&self) -> Option<&Check> {
        let mut checks = self.checks.iter();
        checks.find(|check| check.verdict == Verdict::Failed)
    }

    /// Records one check: each problem as a failure of its own, or else one pass.
    fn judge(&mut self, name: &'static str, subject: &str, problems: &[Problem], passed: String) {
        if problems.is_empty() {
            self.checks.push(Check { name, subject: subject.to_owned(), verdict: Verdict::Passed, detail: passed });
        }
        self.checks.extend(problems.iter().map(|problem| Check {
            name,
            subject: problem.subject.clone(),
            verdict: Verdict::Failed,
            detail: problem.detail.clone(),
        }));
    }

    /// Records one check of one path.
    fn one(&mut self, name: &'static str, subject: &str, outcome: Result<String, String>) {
        let (verdict, detail) = match outcome {
            Ok(detail) => (Verdict::Passed, detail),
            Err(why) => (Verdict::Failed, why),
        };
        self.push(name, subject, verdict, detail);
    }

    fn push(&mut self, name: &'static str, subject: &str, verdict: Verdict, detail: String) {
        self.checks.push(Check { name, subject: subject.to_owned(), verdict, detail });
    }
}

/// Something wrong with a path.
#[derive(Clone, Debug)]
struct Problem {
    subject: String,
    detail: String,
}

impl Problem {
    fn new(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Problem { subject: subject.into(), detail: detail.into() }
    }
}
