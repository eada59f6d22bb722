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
//!   ([`Options::anchor`]); so does knowing until when there must be filings
//!   ([`Options::through`]).
//! - That **the whole series was made anew under another key**: it would vouch for itself. Allowed
//!   signers obtained elsewhere show it ([`Options::allowed_signers`]), and so does an anchor.
//! - **When** anything was signed, and that the holder of the key was honest: a rewritten tail
//!   signed with the true key shows only against an anchor.
//!
//! It takes no lock. A filing that enters the series while it reads can make it fail: ask again.

mod anchor;
mod archive;
mod filing;
mod log;
mod tree;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::digest::Sha256Digest;
use crate::layout::{self, FilingDate, FilingId};
use crate::manifest::History;
use crate::signers::{AllowedSigners, Signer};
use log::Log;
use tree::Tree;

/// What the verifier may rely on besides the series itself.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A manifest of this series that was kept elsewhere: all that it pins must still be there.
    pub anchor: Option<PathBuf>,
    /// Allowed signers that were obtained elsewhere, to judge by instead of the series' own.
    pub allowed_signers: Option<PathBuf>,
    /// The last day for which there must be a filing.
    pub through: Option<FilingDate>,
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
    /// What was seen and is no fault, such as a filing being prepared.
    pub notes: Vec<String>,
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was asked: `log`, `files`, `trust`, `lines`, `manifest`, `history`, `signature`,
    /// `place`, `folder`, `inputs`, `strays`, `archive`, `anchor` or `through`.
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
    /// Did all checks of this filing pass?
    pub passed: bool,
}

/// Checks the series in the folder `root`.
pub fn verify(root: &Path, options: &Options) -> Report {
    let mut report = Report::default();
    let tree = Tree::survey(root);
    let log = Log::read(&tree);
    report.history = log.history();
    report.judge("log", layout::LOG, &log.problems, log.summary());
    report.judge("files", layout::LOG, &log.compare(&tree), log.summary());

    let signers = trust(&tree, &log, options, &mut report);
    filing::judge_all(&tree, &log, signers.as_ref(), &mut report);

    let (strays, notes) = log.strays(&tree);
    report.judge("strays", ".", &strays, "every file is accounted for".to_owned());
    report.notes.extend(notes);
    archive::judge(&tree, &mut report);

    if let Some(path) = &options.anchor {
        anchor::judge(path, &log, &mut report);
    }
    if let Some(day) = options.through {
        report.judge_through(day);
    }
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

    fn judge_through(&mut self, day: FilingDate) {
        let last = self.filings.iter().map(|filing| filing.id.date()).max();
        let problem = match last {
            Some(last) if last >= day => None,
            Some(last) => Some(format!("the last day filed is {last}, not {day}")),
            None => Some(format!("there is no filing, and there must be some until {day}")),
        };
        let problems: Vec<Problem> = problem.map(|detail| Problem::new(layout::FILINGS, detail)).into_iter().collect();
        self.judge("through", layout::FILINGS, &problems, format!("filed until {day} or later"));
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

/// The signers to judge by: those given, or those that the series names first.
fn trust(tree: &Tree, log: &Log, options: &Options, report: &mut Report) -> Option<AllowedSigners> {
    let named = layout::allowed_signers(1);
    let mut problems = Vec::new();
    if log.path_at(0) != Some(&named) {
        problems.push(Problem::new(layout::LOG, format!("its first line does not name {named}")));
    }
    let own = tree.read(&named).and_then(|bytes| AllowedSigners::parse(&bytes).map_err(|e| e.to_string()));
    if let Err(why) = &own {
        problems.push(Problem::new(&named, why));
    }
    let signers = match &options.allowed_signers {
        None => own.ok(),
        Some(path) => match AllowedSigners::load(path) {
            Ok(signers) => Some(signers),
            Err(e) => {
                problems.push(Problem::new(path.display().to_string(), e.to_string()));
                None
            }
        },
    };
    let judged_by = match &options.allowed_signers {
        Some(path) => format!("signatures are judged by {}", path.display()),
        None => "signatures are judged by the series' own allowed signers".to_owned(),
    };
    report.judge("trust", &named, &problems, judged_by);
    signers
}
