//! Taking stock of a folder: what lies in it, and the digest of every file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Problem;
use crate::digest::Sha256Digest;
use crate::disk;
use crate::layout;

/// One more thread hashes for each so many bytes, up to the number of processors.
const BYTES_PER_THREAD: u64 = 8 << 20;

/// Everything below a folder; symbolic links are entries, and are not followed.
pub(super) struct Tree {
    root: PathBuf,
    entries: BTreeMap<String, Entry>,
    /// What could not be listed or has no name in UTF-8.
    pub(super) problems: Vec<Problem>,
}

/// What lies at a path.
pub(super) enum Entry {
    /// A regular file; its digest, or why it cannot be read.
    File(Result<Sha256Digest, String>),
    /// A folder.
    Folder,
    /// A symbolic link, a device, a socket, a pipe.
    Other,
}

impl Tree {
    /// Lists everything below `root` and hashes what belongs to a series.
    pub(super) fn survey(root: &Path) -> Self {
        let mut tree = Tree { root: root.to_owned(), entries: BTreeMap::new(), problems: Vec::new() };
        let mut files = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            tree.list(&folder, &mut folders, &mut files);
        }
        for (path, digest) in hash_all(root, files) {
            tree.entries.insert(path, Entry::File(digest));
        }
        tree
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

    /// The content of the regular file at that path, or why there is none.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.digest(path)?;
        disk::read_whole(&self.root.join(path)).map_err(|e| e.to_string())
    }

    fn list(&mut self, folder: &str, folders: &mut Vec<String>, files: &mut Vec<(String, u64)>) {
        let absolute = match folder {
            "" => self.root.clone(),
            _ => self.root.join(folder),
        };
        let entries = match fs::read_dir(&absolute) {
            Ok(entries) => entries,
            Err(e) => return self.problem(folder, format!("the folder cannot be listed: {e}")),
        };
        for entry in entries {
            let named = entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?)));
            let (name, meta) = match named {
                Ok(named) => named,
                Err(e) => {
                    self.problem(folder, format!("an entry cannot be read: {e}"));
                    continue;
                }
            };
            let path = match folder {
                "" => name.to_string_lossy().into_owned(),
                _ => format!("{folder}/{}", name.to_string_lossy()),
            };
            if name.to_str().is_none() {
                self.problem(&path, "its name is not UTF-8".to_owned());
            } else if meta.is_dir() {
                folders.push(path.clone());
                self.entries.insert(path, Entry::Folder);
            } else if !meta.is_file() {
                self.entries.insert(path, Entry::Other);
            } else if layout::is_staging(&path) || layout::is_incoming(&path) {
                let unread = Err("it is still being written".to_owned());
                self.entries.insert(path, Entry::File(unread));
            } else {
                files.push((path, meta.len()));
            }
        }
    }

    fn problem(&mut self, path: &str, detail: String) {
        let path = if path.is_empty() { "." } else { path };
        self.problems.push(Problem::new(path, detail));
    }
}

type Hashed = (String, Result<Sha256Digest, String>);

fn hash_all(root: &Path, files: Vec<(String, u64)>) -> Vec<Hashed> {
    let total = files.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let wanted = usize::try_from(total / BYTES_PER_THREAD).unwrap_or(usize::MAX);
    let threads = thread::available_parallelism().map_or(1, |n| n.get().min(wanted.max(1)));

    let next = AtomicUsize::new(0);
    let hashed = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        while let Some((path, _)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let digest = Sha256Digest::of_file(&root.join(path));
            let digest = digest.map(|(digest, _)| digest).map_err(|e| e.to_string());
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
