//! `LOG`, read strictly: what it says, what it says wrongly, and what it leaves out.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::Problem;
use super::tree::{Entry, Tree};
use crate::digest::{Hasher, Sha256Digest};
use crate::layout::{self, FilingId};
use crate::manifest::History;

/// The history, as far as it can be read.
pub(super) struct Log {
    bytes: Vec<u8>,
    readable: bool,
    lines: Vec<Line>,
    pub(super) problems: Vec<Problem>,
}

/// Lines that came into the history together.
pub(super) enum Block {
    /// Those of a generation of trust, counted from 0; the allowed signers are the last.
    Trust(Range<usize>),
    /// Those of a filing.
    Filing(Run),
}

/// The lines of one filing, next to each other.
pub(super) struct Run {
    pub(super) id: FilingId,
    /// The lines, counted from 0.
    pub(super) lines: Range<usize>,
    /// The state of `LOG` in front of them.
    pub(super) before: History,
}

struct Line {
    /// What it says; `None` when it is malformed.
    entry: Option<(Sha256Digest, String)>,
    /// Where it ends in the file, newline included.
    end: usize,
}

impl Log {
    pub(super) fn read(tree: &Tree<'_>) -> Self {
        let mut problems = Vec::new();
        let read = tree.read(layout::LOG);
        let readable = read.is_ok();
        let bytes = read.unwrap_or_else(|why| {
            problems.push(Problem::new(layout::LOG, why));
            Vec::new()
        });
        let mut lines = Vec::new();
        let mut end = 0;
        for (index, text) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            end += text.len();
            let entry = parse(text);
            if let Err(why) = &entry {
                problems.push(Problem::new(layout::LOG, format!("line {}: {why}", index + 1)));
            }
            let entry = entry.ok();
            lines.push(Line { entry, end });
        }
        if readable && lines.is_empty() {
            problems.push(Problem::new(layout::LOG, "it is empty"));
        }
        let mut log = Log { bytes, readable, lines, problems };
        log.find_repeated();
        log
    }

    pub(super) fn history(&self) -> Option<History> {
        self.readable.then(|| History { entries: self.lines.len() as u64, sha256: Sha256Digest::of(&self.bytes) })
    }

    pub(super) fn summary(&self) -> String {
        format!("{} lines", self.lines.len())
    }

    /// Digest and path of a well-formed line, counted from 0.
    pub(super) fn entry(&self, index: usize) -> Option<(Sha256Digest, &str)> {
        let (digest, path) = self.lines.get(index)?.entry.as_ref()?;
        Some((*digest, path))
    }

    pub(super) fn path_at(&self, index: usize) -> Option<&str> {
        self.entry(index).map(|(_, path)| path)
    }

    /// The digest of the first `entries` lines, if there are as many.
    pub(super) fn digest_of_first(&self, entries: u64) -> Option<Sha256Digest> {
        let entries = usize::try_from(entries).ok()?;
        let end = match entries.checked_sub(1) {
            Some(last) => self.lines.get(last)?.end,
            None => 0,
        };
        self.bytes.get(..end).map(Sha256Digest::of)
    }

    /// The index of the line that names a manifest of that digest.
    pub(super) fn find_manifest(&self, digest: Sha256Digest) -> Option<usize> {
        (0..self.lines.len()).find(|&index| {
            self.entry(index).is_some_and(|(found, path)| {
                let name = layout::parse_filing_file(path).map(|(_, name)| name);
                found == digest && name == Some(layout::MANIFEST)
            })
        })
    }

    /// Every named file must be there, as a regular file, with the digest it had.
    pub(super) fn compare(&self, tree: &Tree<'_>) -> Vec<Problem> {
        let named = self.lines.iter().filter_map(|line| line.entry.as_ref());
        let compared = named.filter_map(|(digest, path)| match tree.digest(path) {
            Ok(actual) if actual == *digest => None,
            Ok(actual) => {
                let why = format!("its SHA-256 is {actual}, but LOG has {digest}");
                Some(Problem::new(path, why))
            }
            Err(why) => Some(Problem::new(path, why)),
        });
        compared.collect()
    }

    /// The blocks in order, and the lines that belong to none.
    pub(super) fn blocks(&self) -> (Vec<Block>, Vec<Problem>) {
        let mut blocks: Vec<Block> = Vec::new();
        let mut problems = Vec::new();
        let mut hasher = Hasher::new();
        for (index, line) in self.lines.iter().enumerate() {
            let before = History { entries: index as u64, sha256: hasher.digest() };
            let start = index.checked_sub(1).map_or(0, |last| self.lines[last].end);
            hasher.update(&self.bytes[start..line.end]);
            let Some((_, path)) = &line.entry else {
                continue;
            };
            match (layout::parse_filing_file(path), blocks.last_mut()) {
                (Some((id, _)), Some(Block::Filing(run))) if run.id == id && run.lines.end == index => {
                    run.lines.end = index + 1;
                }
                (Some((id, _)), _) => blocks.push(Block::Filing(Run { id, lines: index..index + 1, before })),
                (None, Some(Block::Trust(lines)))
                    if layout::is_trust(path) && lines.end == index && !self.ends_trust(lines) =>
                {
                    lines.end = index + 1;
                }
                (None, _) if layout::is_trust(path) => blocks.push(Block::Trust(index..index + 1)),
                (None, _) => {
                    let why = format!("line {}: it names no file of a filing, and none of trust", index + 1);
                    problems.push(Problem::new(layout::LOG, why));
                }
            }
        }
        (blocks, problems)
    }

    fn ends_trust(&self, lines: &Range<usize>) -> bool {
        lines.end.checked_sub(1).and_then(|last| self.path_at(last)).is_some_and(layout::is_allowed_signers)
    }

    /// What lies in the series without being named, and what is merely being prepared.
    pub(super) fn strays(&self, tree: &Tree<'_>) -> (Vec<Problem>, Vec<String>) {
        let mut expected: HashSet<&str> = HashSet::from([layout::LOG, layout::LOCK]);
        let mut folders: HashSet<&str> = HashSet::from([layout::TRUST, layout::FILINGS, layout::ARCHIVE]);
        for (_, path) in self.lines.iter().filter_map(|line| line.entry.as_ref()) {
            expected.insert(path);
            folders.extend(path.rsplit_once('/').map(|(folder, _)| folder));
        }
        let of_series = |problem: &&Problem| !layout::is_staging(&problem.subject);
        let mut problems: Vec<Problem> = tree.problems.iter().filter(of_series).cloned().collect();
        let mut notes = BTreeSet::new();
        let archived = format!("{}/", layout::ARCHIVE);
        for (path, entry) in tree.entries() {
            if layout::is_staging(path) {
                let top: Vec<&str> = path.splitn(3, '/').take(2).collect();
                notes.insert(format!("{} is being prepared and is no filing", top.join("/")));
                continue;
            }
            if layout::is_claim(path) && !matches!(entry, Entry::Other) {
                notes.insert(format!("{} is how runs on object storage keep apart, and is no filing", layout::CLAIMS));
                continue;
            }
            let known = match entry {
                Entry::Folder => folders.contains(path),
                Entry::File(_) => expected.contains(path),
                Entry::Other => false,
            };
            if !known && !path.starts_with(&archived) {
                problems.push(Problem::new(path, unnamed(path)));
            }
        }
        (problems, notes.into_iter().collect())
    }

    fn find_repeated(&mut self) {
        let mut seen = HashSet::new();
        for (index, line) in self.lines.iter().enumerate() {
            if let Some((_, path)) = &line.entry
                && !seen.insert(path)
            {
                let why = format!("line {}: {path} was named before", index + 1);
                self.problems.push(Problem::new(layout::LOG, why));
            }
        }
    }
}

fn parse(text: &[u8]) -> Result<(Sha256Digest, String), String> {
    let line = text.strip_suffix(b"\n").ok_or("it does not end with a newline")?;
    let line = std::str::from_utf8(line).map_err(|e| e.to_string())?;
    let (digest, path) = line.split_once("  ").ok_or("it is not \"<sha256>  <path>\"")?;
    let digest = digest.parse().map_err(|_| "it does not begin with a SHA-256".to_owned())?;
    if !layout::is_log_path(path) {
        return Err(format!("{path:?} is not a plain relative path"));
    }
    Ok((digest, path.to_owned()))
}

fn unnamed(path: &str) -> &'static str {
    match path.starts_with("filings/") {
        true => "LOG does not name it; if a run was interrupted, the next run makes it good",
        false => "LOG does not name it",
    }
}
