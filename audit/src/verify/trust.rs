//! The generations of trust: who vouches for each, and whose signatures and time stamps count.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;

use super::log::{Block, Log};
use super::tree::Tree;
use super::{Options, Problem, Report};
use crate::digest::Sha256Digest;
use crate::disk;
use crate::keys::TRUST_NAMESPACE;
use crate::layout::{self, FilingDate};
use crate::signers::AllowedSigners;
use crate::time_stamp::Pin;
use crate::trust::{Calendar, Trust, after};

/// What filings are judged by.
#[derive(Default)]
pub(super) struct Judges {
    /// Whose signatures count; `None` when nobody's do.
    pub(super) signers: Option<AllowedSigners>,
    /// Whose time stamps count for filings that come after so many lines: name and pin, or why there is
    /// none.
    authorities: Vec<(usize, Vec<Known>)>,
    /// How many lines each generation pins, and the earliest second in which what comes after them was
    /// signed.
    pub(super) not_before: Vec<(usize, Timestamp)>,
    generations: Vec<Trust>,
    given: Option<Trust>,
}

/// An authority that is trusted: its name, and what is pinned, or why that cannot be.
type Known = (String, Result<Pin, String>);

impl Judges {
    /// What is pinned of an authority, for a filing whose lines begin after so many others: as the generation
    /// in front of it has it, since authorities change their certificates from time to time.
    pub(super) fn pin_of(&self, name: &str, lines_before: usize) -> Result<&Pin, String> {
        let last = self.authorities.iter().rev().find(|(end, _)| *end <= lines_before);
        let known = last.and_then(|(_, known)| known.iter().find(|(known, _)| known == name));
        let (_, pin) = known.ok_or_else(|| format!("the series trusts no time stamps of {name}"))?;
        pin.as_ref().map_err(|why| format!("{}: {why}", layout::authority(name)))
    }

    /// The calendar that counts for a day.
    pub(super) fn calendar_of(&self, day: FilingDate) -> Option<&Calendar> {
        let given = self.given.as_ref().and_then(|given| given.calendar.as_ref());
        given.or_else(|| Trust::of_day(&self.generations, day)?.calendar.as_ref())
    }
}

/// Judges every generation, and tells what filings are judged by: what the series trusts, or what
/// was given instead.
pub(super) fn judge(tree: &Tree<'_>, log: &Log, blocks: &[Block], options: &Options, report: &mut Report) -> Judges {
    let mut chain = Chain::new(tree, log, options, report);
    for block in blocks {
        if let Block::Trust(lines) = block {
            let number = chain.next;
            let (problems, by) = chain.take(lines);
            report.judge("trust", &layout::allowed_signers(number), &problems, by);
        }
    }
    let (not_before, generations) = (chain.not_before, chain.generations);
    let mut judges = Judges { not_before, generations, ..Judges::default() };
    if judges.generations.is_empty() {
        let problem = Problem::new(layout::LOG, format!("it does not begin with {}", layout::allowed_signers(1)));
        report.judge("trust", layout::LOG, &[problem], String::new());
    }
    if let Some(path) = &options.allowed_signers {
        let given = disk::read_whole(path).and_then(|bytes| Trust::parse(&bytes)).map_err(|e| e.to_string());
        let count = |given: &Trust| format!("signatures are judged by these {} keys", given.signers.entries().len());
        report.one("trust", &path.display().to_string(), given.as_ref().map(count).map_err(String::clone));
        match given {
            Ok(given) => judges.given = Some(given),
            Err(_) => return judges,
        }
    }
    let last = judges.given.as_ref().or(judges.generations.last());
    judges.signers = last.map(|trust| trust.signers.clone());
    judges.authorities = match &judges.given {
        Some(given) if given.calendar.is_some() => vec![(0, pins(tree, given))],
        _ => chain.ends.iter().zip(&judges.generations).map(|(end, trust)| (*end, pins(tree, trust))).collect(),
    };
    judges
}

fn pins(tree: &Tree<'_>, trust: &Trust) -> Vec<(String, Result<Pin, String>)> {
    let pin = |authority: &crate::trust::Authority| {
        let bytes = tree.read(&layout::authority(&authority.name))?;
        if Sha256Digest::of(&bytes) != authority.certificate {
            return Err("its certificate is not the one that the allowed signers name".to_owned());
        }
        Pin::parse(&bytes, authority.policy.as_deref()).map_err(|e| e.to_string())
    };
    trust.authorities.iter().map(|authority| (authority.name.clone(), pin(authority))).collect()
}

/// One generation after another.
struct Chain<'a> {
    tree: &'a Tree<'a>,
    log: &'a Log,
    /// Who alone vouches, given or as the series has it.
    root: Option<AllowedSigners>,
    next: u32,
    generations: Vec<Trust>,
    /// Where each generation ends in `LOG`, in lines.
    ends: Vec<usize>,
    not_before: Vec<(usize, Timestamp)>,
}

impl<'a> Chain<'a> {
    fn new(tree: &'a Tree<'a>, log: &'a Log, options: &Options, report: &mut Report) -> Self {
        let is_rooted = || (0..).map_while(|n| log.path_at(n)).any(|path| path == layout::ROOT_SIGNERS);
        let own = || (layout::ROOT_SIGNERS.to_owned(), tree.read(layout::ROOT_SIGNERS));
        let found = match &options.root_signers {
            Some(path) => Some((path.display().to_string(), disk::read_whole(path).map_err(|e| e.to_string()))),
            None => is_rooted().then(own),
        };
        let root = found.map(|(shown, bytes)| {
            let root = bytes.and_then(|bytes| Trust::root_signers(&bytes).map_err(|e| e.to_string()));
            let kept = if options.root_signers.is_some() { "" } else { "; compare it with a copy kept elsewhere" };
            let words = format!("generations of trust are judged by it{kept}");
            report.one("trust", &shown, root.as_ref().map(|_| words).map_err(String::clone));
            // Nobody vouches where the file says nothing.
            root.unwrap_or_default()
        });
        let (generations, ends, not_before) = (Vec::new(), Vec::new(), Vec::new());
        Chain { tree, log, root, next: 1, generations, ends, not_before }
    }

    /// Judges the generation of these lines, and goes on from it if it can be read: what is wrong with it,
    /// and who vouches.
    fn take(&mut self, lines: &Range<usize>) -> (Vec<Problem>, String) {
        let number = self.next;
        let signers = layout::allowed_signers(number);
        let mut problems = Vec::new();
        let last = lines.end.checked_sub(1).and_then(|last| self.log.path_at(last));
        if last != Some(&signers) {
            let why = format!("lines {} to {} do not end with {signers}", lines.start + 1, lines.end);
            return (vec![Problem::new(layout::LOG, why)], String::new());
        }
        self.next = number.saturating_add(1);
        let trust = self.tree.read(&signers).and_then(|bytes| {
            let trust = Trust::parse(&bytes).map_err(|e| e.to_string())?;
            Ok((trust, bytes))
        });
        let (trust, bytes) = match trust {
            Ok(read) => read,
            Err(why) => return (vec![Problem::new(&signers, why)], String::new()),
        };
        let mut wrong = |why: &str| problems.push(Problem::new(&signers, why));
        let since = match (trust.history, self.ends.last()) {
            (None, None) => Some(lines.end),
            (Some(pinned), Some(&end)) => {
                let entries = usize::try_from(pinned.entries).unwrap_or(usize::MAX);
                let is_held = self.log.digest_of_first(pinned.entries) == Some(pinned.sha256);
                (is_held && (end..=lines.start).contains(&entries)).then_some(entries)
            }
            _ => None,
        };
        if trust.generation != number || since.is_none() {
            wrong("its head is not that of this generation, or pins other lines than those in front of it");
        }
        if self.generations.last().is_some_and(|before| trust.issued < before.issued) {
            wrong("it was issued before the one it follows");
        }
        let by = self.vouch(&trust, &bytes).unwrap_or_else(|why| {
            wrong(&why);
            String::new()
        });
        problems.extend(self.other_lines(lines, &trust));
        // Whatever comes after the lines that it pins was signed later than it was issued.
        self.not_before.extend(trust.issued.map(|issued| (since.unwrap_or(lines.end), after(issued))));
        self.ends.push(lines.end);
        self.generations.push(trust);
        (problems, by)
    }

    /// Who signed it, if that one was entitled to.
    fn vouch(&self, trust: &Trust, bytes: &[u8]) -> Result<String, String> {
        let vouchers = self.root.as_ref().or(self.generations.last().map(|before| &before.signers));
        let Some(vouchers) = vouchers else {
            return Ok("the series was founded with it; compare it with a copy kept elsewhere".to_owned());
        };
        let signature = self.tree.read(&layout::trust_signature(trust.generation));
        let signature = signature.map_err(|why| format!("nobody has signed it: {why}"))?;
        let issued = trust.issued.unwrap_or_default();
        let signer = vouchers.verify(TRUST_NAMESPACE, bytes, &signature, issued).map_err(|e| e.to_string())?;
        Ok(format!("signed by {} ({})", signer.principal, signer.fingerprint))
    }

    /// The lines before the last are the new certificates that it names, the root signers, and its
    /// signature: no more, no fewer.
    fn other_lines(&self, lines: &Range<usize>, trust: &Trust) -> Vec<Problem> {
        let number = trust.generation;
        let mut problems = Vec::new();
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let needs_signature = !self.generations.is_empty() || self.root.is_some();
        let signature = layout::trust_signature(number);
        for index in lines.start..lines.end.saturating_sub(1) {
            let Some((digest, path)) = self.log.entry(index) else { continue };
            let belongs = match layout::parse_authority(path) {
                Some(name) => trust.authorities.iter().any(|a| a.name == name && a.certificate == digest),
                None => {
                    let is_root = path == layout::ROOT_SIGNERS && number == 1;
                    is_root || (path == signature && needs_signature)
                }
            };
            named.insert(path);
            if !belongs {
                problems.push(Problem::new(path, format!("line {}: generation {number} has no need of it", index + 1)));
            }
        }
        if needs_signature && !named.contains(signature.as_str()) {
            problems.push(Problem::new(signature, "its line is missing in LOG"));
        }
        for authority in &trust.authorities {
            let path = layout::authority(&authority.name);
            let mut before = (0..lines.end).filter_map(|index| self.log.entry(index));
            if !before.any(|(digest, found)| found == path && digest == authority.certificate) {
                problems.push(Problem::new(path, format!("generation {number} names it, but LOG does not")));
            }
        }
        problems
    }
}
