//! A filing, judged by its manifest: the lines around it, the history in front of it, who signed
//! it, its place among those of its day, and what lies in its folder.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::log::{Block, Log, Run};
use super::tree::Tree;
use super::trust::Judges;
use super::{Problem, Report, Verdict, VerifiedFiling};
use crate::digest::Sha256Digest;
use crate::inputs;
use crate::keys::MANIFEST_NAMESPACE;
use crate::layout::{self, FilingDate, FilingId};
use crate::manifest::Manifest;
use crate::signers::Signer;
use crate::time_stamp;

/// Judges every filing that `LOG` names, in its order.
pub(super) fn judge_all(tree: &Tree<'_>, log: &Log, blocks: &[Block], judges: &Judges, report: &mut Report) {
    let mut course = Course::default();
    let mut generations = judges.not_before.iter().peekable();
    for block in blocks {
        let Block::Filing(run) = block else { continue };
        while let Some((_, at)) = generations.next_if(|(line, _)| *line <= run.lines.start) {
            course.not_before = course.not_before.max(Some(*at));
        }
        let failures = report.checks.len();
        let filing = judge(tree, log, run, judges, &mut course, report);
        let passed = report.checks[failures..].iter().all(|check| check.verdict != Verdict::Failed);
        if let Some(signer) = &filing.signer
            && !report.signers.contains(signer)
        {
            report.signers.push(signer.clone());
        }
        report.filings.push(VerifiedFiling { passed, ..filing });
    }
}

/// What the filings so far have come to.
#[derive(Default)]
struct Course {
    /// Number and manifest of the last filing of each day.
    latest: BTreeMap<FilingDate, (u32, Option<Sha256Digest>)>,
    /// What comes later in `LOG` was signed no earlier: the last time that a time stamp or the issue
    /// of a generation of trust has proven.
    not_before: Option<Timestamp>,
}

fn judge(
    tree: &Tree<'_>,
    log: &Log,
    run: &Run,
    judges: &Judges,
    course: &mut Course,
    report: &mut Report,
) -> VerifiedFiling {
    let id = run.id;
    let folder = layout::filing(&id);
    let path = layout::filing_file(&id, layout::MANIFEST);
    let signature = layout::filing_file(&id, layout::SIGNATURE);
    let bytes = tree.read(&path);
    let armor = tree.read(&signature);
    let digest = bytes.as_deref().ok().map(Sha256Digest::of);
    let manifest = bytes
        .as_deref()
        .map_err(String::clone)
        .and_then(|bytes| Manifest::from_bytes(bytes).map_err(|e| e.to_string()));

    let form = manifest.as_ref().map(|_| "canonical and complete".to_owned());
    report.one("manifest", &path, form.map_err(String::clone));

    let times = time_stamps(tree, log, run, armor.as_deref().map_err(String::clone), judges, report);
    let stamped_at = times.iter().min().copied();
    let issued_at = manifest.as_ref().ok().map(|manifest| manifest.predicate.issued_at);
    // A time that is only claimed cannot lie before one that is proven: a retired key gains nothing by it.
    let signed_at = stamped_at.or(issued_at).max(course.not_before).unwrap_or_default();
    let signer = bytes.as_deref().map_err(String::clone).and_then(|bytes| {
        let signers = judges.signers.as_ref().ok_or("there are no allowed signers to judge by")?;
        let signer = signers.verify(MANIFEST_NAMESPACE, bytes, &armor?, signed_at);
        signer.map_err(|e| e.to_string())
    });
    report.one("signature", &signature, signer.as_ref().map(by).map_err(String::clone));
    course.not_before = course.not_before.max(times.into_iter().max());

    if let Ok(manifest) = &manifest {
        report.one("history", &path, history(run, manifest));
        report.one("place", &path, place(&id, manifest, course));
        let problems = lines(tree, log, run, manifest);
        let count = format!("{} lines are those of the manifest", run.lines.len());
        report.judge("lines", &folder, &problems, count);
        let problems = strangers(tree, log, run, manifest);
        report.judge("folder", &folder, &problems, "it holds what the manifest names".to_owned());
        if manifest.subject.iter().any(|subject| subject.name == layout::INPUTS) {
            judge_inputs(tree, &id, report);
        }
    }
    course.latest.insert(id.date(), (id.number(), digest));
    let signer = signer.ok();
    VerifiedFiling { id, manifest_sha256: digest, signer, issued_at, stamped_at, timeliness: None, passed: false }
}

/// The tokens that the lines of a filing name, by their authority.
fn tokens<'a>(log: &'a Log, run: &Run) -> impl Iterator<Item = &'a str> {
    let names = run.lines.clone().filter_map(|index| layout::parse_filing_file(log.path_at(index)?));
    names.filter_map(|(_, name)| layout::parse_token(name))
}

/// Judges every time stamp over the signature; the times of those that count.
fn time_stamps(
    tree: &Tree<'_>,
    log: &Log,
    run: &Run,
    signature: Result<&[u8], String>,
    judges: &Judges,
    report: &mut Report,
) -> Vec<Timestamp> {
    let mut times = Vec::new();
    for name in tokens(log, run) {
        let path = layout::filing_file(&run.id, &layout::token(name));
        let stamp = tree.read(&path).and_then(|token| {
            let pin = judges.pin_of(name, run.lines.start)?;
            time_stamp::verify(&token, signature.clone()?, pin).map_err(|e| e.to_string())
        });
        times.extend(stamp.as_ref().ok().map(|stamp| stamp.time));
        report.one("timeStamp", &path, stamp.map(|stamp| format!("{name} saw the signature at {}", stamp.time)));
    }
    times
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
fn place(id: &FilingId, manifest: &Manifest, course: &Course) -> Result<String, String> {
    let facts = &manifest.predicate;
    if (facts.business_date, facts.filing.number) != (id.date(), id.number()) {
        return Err(format!(
            "it says {}, number {}, but lies in the folder of {id}",
            facts.business_date, facts.filing.number
        ));
    }
    let (last, superseded) = course.latest.get(&id.date()).copied().unwrap_or((0, None));
    if u64::from(id.number()) != u64::from(last) + 1 {
        return Err(format!("the filing of that day before it in LOG is number {last}"));
    }
    if facts.filing.supersedes.map(|s| s.sha256) != superseded {
        let named = superseded.map_or("null".to_owned(), |digest| digest.to_string());
        return Err(format!("its filing.supersedes should be {named}"));
    }
    Ok(format!("number {} of its day", id.number()))
}

/// The lines in `LOG` are the subjects in their order, the manifest, the signature, and time stamps
/// in the order of their authorities: no more, no fewer, no others.
fn lines(tree: &Tree<'_>, log: &Log, run: &Run, manifest: &Manifest) -> Vec<Problem> {
    let subjects = manifest.subject.iter().map(|s| (Ok(s.sha256), s.name.as_str()));
    let mut authorities: Vec<&str> = tokens(log, run).collect();
    authorities.sort_unstable();
    let tokens: Vec<String> = authorities.into_iter().map(layout::token).collect();
    let others = [layout::MANIFEST, layout::SIGNATURE].into_iter().chain(tokens.iter().map(String::as_str));
    let others = others.map(|name| (tree.digest(&layout::filing_file(&run.id, name)), name));
    let expected: Vec<_> = subjects.chain(others).collect();
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

/// Whatever lies in the folder and is neither named by the manifest nor a time stamp in `LOG`.
fn strangers(tree: &Tree<'_>, log: &Log, run: &Run, manifest: &Manifest) -> Vec<Problem> {
    let tokens: Vec<String> = tokens(log, run).map(layout::token).collect();
    let mut named: BTreeSet<&str> = BTreeSet::from([layout::MANIFEST, layout::SIGNATURE]);
    named.extend(manifest.subject.iter().map(|subject| subject.name.as_str()));
    named.extend(tokens.iter().map(String::as_str));
    let folder = layout::filing(&run.id);
    let strange = tree.below(&folder).filter(|(path, _)| {
        let name = layout::parse_filing_file(path).map(|(_, name)| name);
        !name.is_some_and(|name| named.contains(name))
    });
    strange.map(|(path, _)| Problem::new(path, "the manifest does not name it")).collect()
}

/// What the filing was made from is in the archive.
fn judge_inputs(tree: &Tree<'_>, id: &FilingId, report: &mut Report) {
    let path = layout::filing_file(id, layout::INPUTS);
    let named = tree.read(&path).and_then(|bytes| {
        let mut named = inputs::named_objects(&bytes).map_err(|e| e.why().to_owned())?;
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
