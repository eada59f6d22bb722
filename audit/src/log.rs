//! `LOG` as the writer sees it: whole lines, and perhaps a last one that a crash cut short.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::digest::Sha256Digest;
use crate::disk;
use crate::error::{Error, Result};
use crate::layout;
use crate::manifest::History;

/// The history, read into memory.
pub(crate) struct Log {
    path: PathBuf,
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// A whole line: the digest of a file at the time it entered the series.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) digest: Sha256Digest,
    pub(crate) path: String,
    /// Where the line begins in the file, in bytes from 0.
    start: usize,
}

/// The text of a line, newline included.
pub(crate) fn line(digest: Sha256Digest, path: &str) -> String {
    format!("{digest}  {path}\n")
}

impl Log {
    /// Reads the history of a series; one that has none yet reads as empty.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let path = root.join(layout::LOG);
        let bytes = match path.symlink_metadata() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            _ => disk::read_whole(&path)?,
        };
        let mut lines = Vec::new();
        let mut start = 0;
        for text in bytes.split_inclusive(|&byte| byte == b'\n') {
            if let Some(whole) = text.strip_suffix(b"\n") {
                let (digest, named) = parse(whole).ok_or_else(|| {
                    let why = format!("line {} is not \"<sha256>  <path>\"", lines.len() + 1);
                    Error::damaged("cannot read the history", &path, why)
                })?;
                lines.push(Line { digest, path: named.to_owned(), start });
                start += text.len();
            }
        }
        Ok(Log { path, bytes, lines })
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The history as it was after its first `entries` lines.
    pub(crate) fn first(&self, entries: usize) -> Self {
        let end = self.offset(entries).unwrap_or(0);
        let lines = self.lines.iter().take(entries).cloned().collect();
        Log { path: self.path.clone(), bytes: self.bytes[..end].to_vec(), lines }
    }

    /// Every byte, those of an unfinished last line included.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where line `entries` (counted from 0) begins, or the unfinished one after the last.
    pub(crate) fn offset(&self, entries: usize) -> Option<usize> {
        match self.lines.get(entries) {
            Some(line) => Some(line.start),
            None if entries == self.lines.len() => {
                let end = self.bytes.iter().rposition(|&byte| byte == b'\n');
                Some(end.map_or(0, |newline| newline + 1))
            }
            None => None,
        }
    }

    /// The state after the first `entries` lines, if there are as many.
    pub(crate) fn history(&self, entries: usize) -> Option<History> {
        let offset = self.offset(entries)?;
        Some(History { entries: entries as u64, sha256: Sha256Digest::of(&self.bytes[..offset]) })
    }

    /// Does the file end in the middle of a line?
    pub(crate) fn is_torn(&self) -> bool {
        self.offset(self.lines.len()) != Some(self.bytes.len())
    }

    /// Adds `text` at the end, durably, in one write.
    pub(crate) fn append(&self, text: &[u8]) -> Result<()> {
        let failed = |e| Error::io("cannot append to the history", &self.path, e);
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        if length != self.bytes.len() as u64 {
            return Err(Error::damaged(
                "cannot append to the history",
                &self.path,
                "it changed while this process held its lock",
            ));
        }
        file.write_all(text).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        match self.path.parent() {
            Some(folder) if is_new => disk::sync_folder(folder),
            _ => Ok(()),
        }
    }
}

fn parse(line: &[u8]) -> Option<(Sha256Digest, &str)> {
    let (digest, path) = std::str::from_utf8(line).ok()?.split_once("  ")?;
    layout::is_log_path(path).then_some((digest.parse().ok()?, path))
}
