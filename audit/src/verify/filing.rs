//! A filing, judged by its manifest: the lines around it, the history in front of it, who signed
//! it, its place among those of its day, and what lies in its folder.

use std::collections::{BTreeMap, BTreeSet};

use super::log::{Log, Run};
use super::tree::Tree;
use super::{Problem, Report, VerifiedFiling};
use crate::digest::Sha256Digest;
use crate::inputs;
use crate::keys::MANIFEST_NAMESPACE;
use crate::layout::{self, FilingDate, FilingId};
use crate::manifest::Manifest;
use crate::signers::{AllowedSigners, Signer};

/// Judges every filing that `LOG` names, in its order.
pub(super) fn judge_all(tree: &Tree, log: &Log, signers: Option<&AllowedSigners>, report: &mut Report) {
    let (runs, problems) = log.runs();
    let lines = format!("{} filings, each line belongs to one", runs.len());
    report.judge("lines", layout::LOG, &problems, lines);
    let mut latest = Latest::new();
    for run in &runs {
        let failures = report.checks.len();
        let filing = judge(tree, log, run, signers, &mut latest, report);
        let passed = report.checks[failures..].iter().all(|check| check.verdict == super::Verdict::Passed);
        if let Some(signer) = &filing.signer
            && !report.signers.contains(signer)
        {
            report.signers.push(signer.clone());
        }
        report.filings.push(VerifiedFiling { passed, ..filing });
    }
}

/// Number and manifest of the last filing of each day so far.
type Latest = BTreeMap<FilingDate, (u32, Option<Sha256Digest>)>;

fn judge(
    tree: &Tree,
    log: &Log,
    run: &Run,
    signers: Option<&AllowedSigners>,
    latest: &mut Latest,
    report: &mut Report,
) -> VerifiedFiling {
    let id = run.id;
    let folder = layout::filing(&id);
    let path = layout::filing_file(&id, layout::MANIFEST);
    let bytes = tree.read(&path);
    let digest = bytes.as_deref().ok().map(Sha256Digest::of);
    let manifest = bytes
        .as_deref()
        .map_err(String::clone)
        .and_then(|bytes| Manifest::from_bytes(bytes).map_err(|e| e.to_string()));
    let signer = bytes.as_deref().map_err(String::clone).and_then(|bytes| {
        let armor = tree.read(&layout::filing_file(&id, layout::SIGNATURE))?;
        let signers = signers.ok_or("there are no allowed signers to judge by")?;
        let signer = signers.verify(MANIFEST_NAMESPACE, bytes, &armor);
        signer.map_err(|e| e.to_string())
    });

    let mut one = |name, subject: &str, outcome: Result<String, String>| match outcome {
        Ok(detail) => report.judge(name, subject, &[], detail),
        Err(why) => report.judge(name, subject, &[Problem::new(subject, why)], String::new()),
    };
    let form = manifest.as_ref().map(|_| "canonical and complete".to_owned());
    one("manifest", &path, form.map_err(String::clone));
    let signature = layout::filing_file(&id, layout::SIGNATURE);
    one("signature", &signature, signer.as_ref().map(by).map_err(String::clone));
    if let Ok(manifest) = &manifest {
        one("history", &path, history(run, manifest));
        one("place", &path, place(&id, manifest, latest));
        let problems = lines(tree, log, run, manifest);
        let count = format!("{} lines are those of the manifest", run.lines.len());
        report.judge("lines", &folder, &problems, count);
        let problems = strangers(tree, &id, manifest);
        report.judge("folder", &folder, &problems, "it holds what the manifest names".to_owned());
        if manifest.subject.iter().any(|subject| subject.name == layout::INPUTS) {
            judge_inputs(tree, &id, report);
        }
    }
    latest.insert(id.date(), (id.number(), digest));
    VerifiedFiling { id, manifest_sha256: digest, signer: signer.ok(), passed: false }
}

fn by(signer: &Signer) -> String {
    format!("signed by {} ({})", signer.principal, signer.fingerprint)
}

/// The manifest pins exactly the lines in front of its own.
fn history(run: &Run, manifest: &Manifest) -> Result<String, String> {
    let (pinned, before) = (manifest.predicate.history, run.before);
    if pinned == before {
        return Ok(format!("pins the {} lines in front of it", pinned.entries));
    }
    Err(format!(
        "it pins {} lines with the SHA-256 {}, but the {} lines in front of it have {}",
        pinned.entries, pinned.sha256, before.entries, before.sha256
    ))
}

/// The filing is the next one of its day, and names the one before.
fn place(id: &FilingId, manifest: &Manifest, latest: &Latest) -> Result<String, String> {
    let facts = &manifest.predicate;
    if (facts.business_date, facts.filing.number) != (id.date(), id.number()) {
        return Err(format!(
            "it says {}, number {}, but lies in the folder of {id}",
            facts.business_date, facts.filing.number
        ));
    }
    let (last, superseded) = latest.get(&id.date()).copied().unwrap_or((0, None));
    if u64::from(id.number()) != u64::from(last) + 1 {
        return Err(format!("the filing of that day before it in LOG is number {last}"));
    }
    if facts.filing.supersedes.map(|s| s.sha256) != superseded {
        let named = superseded.map_or("null".to_owned(), |digest| digest.to_string());
        return Err(format!("its filing.supersedes should be {named}"));
    }
    Ok(format!("number {} of its day", id.number()))
}

/// The lines in `LOG` are the subjects in their order, the manifest, the signature: no more, no
/// fewer, no others.
fn lines(tree: &Tree, log: &Log, run: &Run, manifest: &Manifest) -> Vec<Problem> {
    let subjects = manifest.subject.iter().map(|s| (Ok(s.sha256), s.name.as_str()));
    let signed =
        [layout::MANIFEST, layout::SIGNATURE].map(|name| (tree.digest(&layout::filing_file(&run.id, name)), name));
    let expected: Vec<_> = subjects.chain(signed).collect();
    let mut problems = Vec::new();
    for (offset, (digest, name)) in expected.iter().enumerate() {
        let path = layout::filing_file(&run.id, name);
        let index = run.lines.start + offset;
        let found = log.entry(index).filter(|_| index < run.lines.end);
        let detail = match (found, digest) {
            (Some((found, named)), Ok(digest)) if found == *digest && named == path => continue,
            (Some((_, named)), _) if named != path => format!("line {} names {named}", index + 1),
            (Some((found, _)), Ok(digest)) => {
                format!("line {} has {found}, but the manifest means {digest}", index + 1)
            }
            (Some(_), Err(why)) => why.clone(),
            (None, _) => "its line is missing in LOG".to_owned(),
        };
        problems.push(Problem::new(path, detail));
    }
    for index in run.lines.clone().skip(expected.len()) {
        let path = log.path_at(index).unwrap_or(layout::LOG);
        problems.push(Problem::new(path, format!("line {} is one too many", index + 1)));
    }
    problems
}

/// Whatever lies in the folder and is not named by the manifest.
fn strangers(tree: &Tree, id: &FilingId, manifest: &Manifest) -> Vec<Problem> {
    let mut named: BTreeSet<&str> = BTreeSet::from([layout::MANIFEST, layout::SIGNATURE]);
    named.extend(manifest.subject.iter().map(|subject| subject.name.as_str()));
    let folder = layout::filing(id);
    let strange = tree.below(&folder).filter(|(path, _)| {
        let name = layout::parse_filing_file(path).map(|(_, name)| name);
        !name.is_some_and(|name| named.contains(name))
    });
    strange.map(|(path, _)| Problem::new(path, "the manifest does not name it")).collect()
}

/// What the filing was made from is in the archive.
fn judge_inputs(tree: &Tree, id: &FilingId, report: &mut Report) {
    let path = layout::filing_file(id, layout::INPUTS);
    let named = tree.read(&path).and_then(|bytes| {
        let mut named = inputs::named_objects(&bytes).map_err(|e| format!("not JSON: {e}"))?;
        named.insert(Sha256Digest::of(&bytes));
        Ok(named)
    });
    let named = match named {
        Ok(named) => named,
        Err(why) => {
            return report.judge("inputs", &path, &[Problem::new(&path, why)], String::new());
        }
    };
    let missing = named.iter().filter(|digest| !tree.has_file(&layout::object(**digest)));
    let problems: Vec<Problem> =
        missing.map(|digest| Problem::new(&path, format!("the archive has no object {digest}"))).collect();
    report.judge("inputs", &path, &problems, format!("{} objects are archived", named.len()));
}
