//! Taking stock of a series: what lies in it, and the digest of every file.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Problem;
use super::files::{Files, Listing};
use crate::digest::{BUFFER, HashingReader, Sha256Digest};
use crate::disk::MAX_WHOLE_FILE_BYTES;
use crate::layout;

/// Everything in a series.
pub(super) struct Tree<'a> {
    files: &'a dyn Files,
    entries: BTreeMap<String, Entry>,
    /// What could not be listed or has no name in UTF-8.
    pub(super) problems: Vec<Problem>,
}

/// What lies at a path.
pub(super) enum Entry {
    /// A regular file; its digest, or why it was not read.
    File(Result<Sha256Digest, String>),
    /// A folder.
    Folder,
    /// A symbolic link, a device, a socket, a pipe.
    Other,
}

impl<'a> Tree<'a> {
    /// Lists everything, and hashes what belongs to a series; objects of the archive only where
    /// `with_archive`.
    pub(super) fn survey(files: &'a dyn Files, with_archive: bool) -> Self {
        let Listing { files: listed, folders, others, problems } = files.list();
        let archived = format!("{}/", layout::ARCHIVE);
        let problems = problems.into_iter().filter(|(path, _)| with_archive || !path.starts_with(&archived));
        let problems = problems.map(|(path, why)| Problem::new(path, why)).collect();
        let mut entries = BTreeMap::new();
        entries.extend(folders.into_iter().map(|path| (path, Entry::Folder)));
        entries.extend(others.into_iter().map(|path| (path, Entry::Other)));
        let mut to_hash = Vec::new();
        for (path, bytes) in listed {
            if layout::is_staging(&path) || layout::is_incoming(&path) {
                entries.insert(path, Entry::File(Err("it is still being written".to_owned())));
            } else if !with_archive && path.starts_with(&archived) {
                entries.insert(path, Entry::File(Err("the archive was not read".to_owned())));
            } else {
                to_hash.push((path, bytes));
            }
        }
        entries.extend(hash_all(files, to_hash).into_iter().map(|(path, digest)| (path, Entry::File(digest))));
        Tree { files, entries, problems }
    }

    /// Every path, in order, with what lies there.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Every path below `folder`, in order.
    pub(super) fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let prefix = format!("{folder}/");
        let from_there = self.entries.range(prefix.clone()..);
        from_there.take_while(move |(path, _)| path.starts_with(&prefix)).map(|(path, entry)| (path.as_str(), entry))
    }

    /// Is there a regular file at that path?
    pub(super) fn has_file(&self, path: &str) -> bool {
        matches!(self.entries.get(path), Some(Entry::File(_)))
    }

    /// The digest of the regular file at that path, or why there is none.
    pub(super) fn digest(&self, path: &str) -> Result<Sha256Digest, String> {
        match self.entries.get(path) {
            Some(Entry::File(digest)) => digest.clone(),
            Some(Entry::Folder) => Err("it is a folder, not a file".to_owned()),
            Some(Entry::Other) => Err("it is not a regular file".to_owned()),
            None => Err("there is no such file".to_owned()),
        }
    }

    /// The content of the regular file at that path, or why there is none. What is judged is what
    /// was hashed: a file that has changed since is not read.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let digest = self.digest(path)?;
        let mut bytes = Vec::new();
        let read = self.files.open(path).and_then(|file| file.take(MAX_WHOLE_FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(|e| format!("it cannot be read: {e}"))?;
        match Sha256Digest::of(&bytes) == digest {
            true => Ok(bytes),
            false => Err("it changed while it was being verified, or is longer than a gibibyte".to_owned()),
        }
    }
}

type Hashed = (String, Result<Sha256Digest, String>);

fn hash_all(files: &dyn Files, mut listed: Vec<(String, u64)>) -> Vec<Hashed> {
    // The longest first, so that no thread is left alone with it at the end.
    listed.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    let total = listed.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let threads = files.readers(total).min(listed.len());

    let next = AtomicUsize::new(0);
    let hashed = Mutex::new(Vec::with_capacity(listed.len()));
    let work = || {
        while let Some((path, bytes)) = listed.get(next.fetch_add(1, Ordering::Relaxed)) {
            let digest = hash(files, path, *bytes).map_err(|e| format!("it cannot be read: {e}"));
            let mut hashed = hashed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            hashed.push((path.clone(), digest));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    hashed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn hash(files: &dyn Files, path: &str, bytes: u64) -> io::Result<Sha256Digest> {
    // To clear a large buffer takes longer than to read a small file.
    let buffer = usize::try_from(bytes).unwrap_or(BUFFER).clamp(1 << 12, BUFFER);
    let mut reader = BufReader::with_capacity(buffer, HashingReader::new(files.open(path)?));
    io::copy(&mut reader, &mut io::sink())?;
    Ok(reader.into_inner().finish().0)
}
