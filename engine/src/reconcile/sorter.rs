//! Sorting more rows than memory holds: sorted runs on disk, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::EngineError;

/// Collects keyed items and gives them back in order of key, then payload (as bytes).
pub struct Sorter {
    folder: PathBuf,
    /// Bytes held before a run is written.
    budget: usize,
    arena: Vec<u8>,
    items: Vec<Item>,
    runs: Vec<PathBuf>,
}

#[derive(Clone, Copy)]
struct Item {
    start: usize,
    length: u32,
    key_length: u32,
}

impl Item {
    fn bytes(self, arena: &[u8]) -> &[u8] {
        &arena[self.start..self.start + self.length as usize]
    }
}

impl Sorter {
    /// Sorts within about `budget` bytes; runs are written into `folder`, which must exist.
    pub fn new(folder: &Path, budget: usize) -> Self {
        Self { folder: folder.to_owned(), budget, arena: Vec::new(), items: Vec::new(), runs: Vec::new() }
    }

    /// Adds an item. Keys must be prefix-free: none the beginning of another.
    pub fn push(&mut self, key: &[u8], payload: &[u8]) -> Result<(), EngineError> {
        let start = self.arena.len();
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(payload);
        let length = (key.len() + payload.len()) as u32;
        self.items.push(Item { start, length, key_length: key.len() as u32 });
        let held = self.arena.len() + self.items.len() * size_of::<Item>();
        if held > self.budget { self.spill() } else { Ok(()) }
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.items.sort_unstable_by(|a, b| a.bytes(arena).cmp(b.bytes(arena)));
    }

    fn spill(&mut self) -> Result<(), EngineError> {
        self.sort();
        let path = self.folder.join(format!("run-{}", self.runs.len()));
        let write = || -> io::Result<()> {
            let mut out = BufWriter::with_capacity(1 << 18, File::create_new(&path)?);
            for item in &self.items {
                out.write_all(&item.length.to_le_bytes())?;
                out.write_all(&item.key_length.to_le_bytes())?;
                out.write_all(item.bytes(&self.arena))?;
            }
            out.flush()
        };
        write().map_err(|e| EngineError::io("sorting", &path, e))?;
        self.runs.push(path);
        self.arena.clear();
        self.items.clear();
        Ok(())
    }

    /// Everything that was pushed, in order.
    pub fn finish(mut self) -> Result<Sorted, EngineError> {
        if !self.runs.is_empty() {
            self.spill()?;
        }
        self.sort();
        let mut sorted = Sorted { runs: Vec::new(), heap: BinaryHeap::new(), next: None };
        for path in std::mem::take(&mut self.runs) {
            let file = File::open(&path).map_err(|e| EngineError::io("sorting", &path, e))?;
            sorted.runs.push(Run::Disk { path, input: BufReader::with_capacity(1 << 16, file) });
        }
        if sorted.runs.is_empty() {
            sorted.runs.push(Run::Memory { arena: self.arena, items: self.items.into_iter() });
        }
        for run in 0..sorted.runs.len() {
            sorted.refill(run)?;
        }
        sorted.advance()?;
        Ok(sorted)
    }
}

/// An item in the merge: key and payload in one, then where the payload begins and its run.
type Head = Reverse<(Vec<u8>, usize, usize)>;

/// An item that was pushed.
pub type KeyAndPayload = (Vec<u8>, Vec<u8>);

/// Items in order; a reader over groups that share a key.
pub struct Sorted {
    runs: Vec<Run>,
    heap: BinaryHeap<Head>,
    next: Option<(Vec<u8>, usize)>,
}

enum Run {
    Memory { arena: Vec<u8>, items: std::vec::IntoIter<Item> },
    Disk { path: PathBuf, input: BufReader<File> },
}

impl Run {
    fn next(&mut self) -> Result<Option<(Vec<u8>, usize)>, EngineError> {
        match self {
            Self::Memory { arena, items } => {
                Ok(items.next().map(|item| (item.bytes(arena).to_vec(), item.key_length as usize)))
            }
            Self::Disk { path, input } => read_item(input).map_err(|e| EngineError::io("merging sorted runs", path, e)),
        }
    }
}

fn read_item(input: &mut impl Read) -> io::Result<Option<(Vec<u8>, usize)>> {
    let mut word = [0; 4];
    match input.read_exact(&mut word) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut bytes = vec![0; u32::from_le_bytes(word) as usize];
    input.read_exact(&mut word)?;
    input.read_exact(&mut bytes)?;
    Ok(Some((bytes, u32::from_le_bytes(word) as usize)))
}

impl Sorted {
    fn refill(&mut self, run: usize) -> Result<(), EngineError> {
        if let Some((bytes, key_length)) = self.runs[run].next()? {
            self.heap.push(Reverse((bytes, key_length, run)));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), EngineError> {
        self.next = None;
        if let Some(Reverse((bytes, key_length, run))) = self.heap.pop() {
            self.refill(run)?;
            self.next = Some((bytes, key_length));
        }
        Ok(())
    }

    /// The key of the next item; `None` at the end.
    pub fn key(&self) -> Option<&[u8]> {
        self.next.as_ref().map(|(bytes, key_length)| &bytes[..*key_length])
    }

    /// Takes the next item; `None` at the end.
    pub fn next(&mut self) -> Result<Option<KeyAndPayload>, EngineError> {
        let Some((mut key, key_length)) = self.next.take() else { return Ok(None) };
        let payload = key.split_off(key_length);
        self.advance()?;
        Ok(Some((key, payload)))
    }

    /// Takes every item with the next key and hands over the payloads, in order.
    pub fn take_group(&mut self, mut payload: impl FnMut(&[u8])) -> Result<(), EngineError> {
        let Some(key) = self.key().map(<[u8]>::to_vec) else { return Ok(()) };
        while let Some((bytes, key_length)) = &self.next
            && bytes[..*key_length] == key
        {
            payload(&bytes[*key_length..]);
            self.advance()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(items: &[(&str, &str)], budget: usize) -> Vec<(String, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), budget);
        for (key, payload) in items {
            sorter.push(key.as_bytes(), payload.as_bytes()).unwrap();
        }
        let mut sorted = sorter.finish().unwrap();
        let mut groups = Vec::new();
        while let Some(key) = sorted.key().map(|key| String::from_utf8(key.to_vec()).unwrap()) {
            let mut payloads = Vec::new();
            sorted.take_group(|payload| payloads.push(String::from_utf8(payload.to_vec()).unwrap())).unwrap();
            groups.push((key, payloads));
        }
        groups
    }

    #[test]
    fn memory_and_disk_agree() {
        let items: Vec<(String, String)> =
            (0..1000u32).map(|n| (format!("{:03}", n * 7919 % 100), format!("{:04}", n * 31 % 1000))).collect();
        let items: Vec<(&str, &str)> = items.iter().map(|(k, p)| (k.as_str(), p.as_str())).collect();
        let whole = sorted(&items, usize::MAX);
        assert_eq!(whole.len(), 100);
        assert!(whole.iter().all(|(_, payloads)| payloads.len() == 10 && payloads.is_sorted()));
        assert!(whole.is_sorted());
        assert_eq!(sorted(&items, 500), whole);
        assert_eq!(sorted(&[], 500), []);
    }
}
