//! Sorting more rows than memory holds: sorted runs on disk, merged.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::EngineError;

/// Collects keyed items and gives them back in order of key, then payload (as bytes).
pub struct Sorter {
    folder: PathBuf,
    /// Bytes held before a run is written.
    budget: usize,
    arena: Vec<u8>,
    items: Vec<Item>,
    runs: Vec<PathBuf>,
    /// The first item that came, and how many first bytes all that are sorted share with it.
    first: Vec<u8>,
    shared: usize,
}

#[derive(Clone, Copy)]
struct Item {
    /// The first bytes behind those that all items share, which mostly decide the order.
    prefix: u64,
    start: usize,
    length: u32,
    key_length: u32,
}

impl Item {
    fn bytes(self, arena: &[u8]) -> &[u8] {
        &arena[self.start..self.start + self.length as usize]
    }
}

/// Eight bytes behind `shared` ones, as a number that is ordered as they are.
fn prefix(bytes: &[u8], shared: usize) -> u64 {
    let bytes = &bytes[shared.min(bytes.len())..];
    let mut first = [0; 8];
    let length = bytes.len().min(8);
    first[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(first)
}

/// How many first bytes two have in common.
fn in_common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

impl Sorter {
    /// Sorts within about `budget` bytes; runs are written into `folder`, which must exist.
    pub fn new(folder: &Path, budget: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            budget,
            arena: Vec::new(),
            items: Vec::new(),
            runs: Vec::new(),
            first: Vec::new(),
            shared: usize::MAX,
        }
    }

    /// Adds an item. Keys must be prefix-free: none the beginning of another.
    pub fn push(&mut self, key: &[u8], payload: &[u8]) -> Result<(), EngineError> {
        let start = self.arena.len();
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(payload);
        let length = (key.len() + payload.len()) as u32;
        self.items.push(Item { prefix: 0, start, length, key_length: key.len() as u32 });
        if self.held() > self.budget { self.spill() } else { Ok(()) }
    }

    /// Bytes that it holds, of those that [`Sorter::spill`] would write.
    pub fn held(&self) -> usize {
        self.arena.len() + self.items.len() * size_of::<Item>()
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        let Some(first) = self.items.first() else { return };
        if self.shared == usize::MAX {
            self.first = first.bytes(arena).to_vec();
        }
        let first = &self.first;
        let shared = self.items.par_iter().map(|item| in_common(first, item.bytes(arena))).min();
        self.shared = self.shared.min(shared.unwrap_or_default());
        let shared = self.shared;
        self.items.par_iter_mut().for_each(|item| item.prefix = prefix(item.bytes(arena), shared));
        self.items
            .par_sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| a.bytes(arena).cmp(b.bytes(arena))));
    }

    /// Writes what it holds into a run on disk.
    pub fn spill(&mut self) -> Result<(), EngineError> {
        if self.items.is_empty() {
            return Ok(());
        }
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
        (self.arena, self.items) = (Vec::new(), Vec::new());
        Ok(())
    }

    /// Everything that was pushed, in order.
    pub fn finish(mut self) -> Result<Sorted, EngineError> {
        if !self.runs.is_empty() {
            self.spill()?;
        }
        self.sort();
        let (heap, current) = (BinaryHeap::new(), Head::default());
        let mut sorted = Sorted { runs: Vec::new(), heap, current, ended: false, shared: self.shared };
        for path in std::mem::take(&mut self.runs) {
            let file = File::open(&path).map_err(|e| EngineError::io("sorting", &path, e))?;
            sorted.runs.push(Run::Disk { path, input: BufReader::with_capacity(1 << 16, file) });
        }
        if sorted.runs.is_empty() {
            sorted.runs.push(Run::Memory { arena: self.arena, items: self.items.into_iter() });
        }
        for (run, items) in sorted.runs.iter_mut().enumerate() {
            let mut head = Head { run, ..Head::default() };
            if items.next(&mut head, self.shared)? {
                sorted.heap.push(head);
            }
        }
        sorted.advance()?;
        Ok(sorted)
    }
}

/// The next item of a run: key and payload in one. The least is the greatest, as the heap has it.
#[derive(Default, PartialEq, Eq)]
struct Head {
    prefix: u64,
    bytes: Vec<u8>,
    key_length: usize,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let bytes = || other.bytes.cmp(&self.bytes).then_with(|| other.run.cmp(&self.run));
        other.prefix.cmp(&self.prefix).then_with(bytes)
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Items in order, one at a time.
pub struct Sorted {
    runs: Vec<Run>,
    heap: BinaryHeap<Head>,
    current: Head,
    ended: bool,
    /// How many first bytes all items share.
    shared: usize,
}

enum Run {
    Memory { arena: Vec<u8>, items: std::vec::IntoIter<Item> },
    Disk { path: PathBuf, input: BufReader<File> },
}

impl Run {
    /// Puts the next item into `head`; whether there is one.
    fn next(&mut self, head: &mut Head, shared: usize) -> Result<bool, EngineError> {
        match self {
            Self::Memory { arena, items } => {
                let Some(item) = items.next() else { return Ok(false) };
                head.bytes.clear();
                head.bytes.extend_from_slice(item.bytes(arena));
                (head.prefix, head.key_length) = (item.prefix, item.key_length as usize);
                Ok(true)
            }
            Self::Disk { path, input } => {
                read_item(input, head, shared).map_err(|e| EngineError::io("merging sorted runs", path, e))
            }
        }
    }
}

fn read_item(input: &mut impl Read, head: &mut Head, shared: usize) -> io::Result<bool> {
    let mut word = [0; 4];
    match input.read_exact(&mut word) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    head.bytes.resize(u32::from_le_bytes(word) as usize, 0);
    input.read_exact(&mut word)?;
    head.key_length = u32::from_le_bytes(word) as usize;
    input.read_exact(&mut head.bytes)?;
    head.prefix = prefix(&head.bytes, shared);
    Ok(true)
}

impl Sorted {
    /// Goes on to the next item.
    pub fn advance(&mut self) -> Result<(), EngineError> {
        let Some(mut top) = self.heap.peek_mut() else {
            self.ended = true;
            return Ok(());
        };
        std::mem::swap(&mut self.current, &mut *top);
        // What was current lends its buffer to the run that the new one came from.
        top.run = self.current.run;
        if !self.runs[top.run].next(&mut top, self.shared)? {
            PeekMut::pop(top);
        }
        Ok(())
    }

    /// The key of the next item; `None` at the end.
    pub fn key(&self) -> Option<&[u8]> {
        (!self.ended).then(|| &self.current.bytes[..self.current.key_length])
    }

    /// Key and payload of the next item; `None` at the end.
    pub fn item(&self) -> Option<(&[u8], &[u8])> {
        (!self.ended).then(|| self.current.bytes.split_at(self.current.key_length))
    }

    /// Hands over every item.
    pub fn each(mut self, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), EngineError>) -> Result<(), EngineError> {
        while let Some((key, payload)) = self.item() {
            take(key, payload)?;
            self.advance()?;
        }
        Ok(())
    }

    /// Takes every item with the next key and hands over the payloads, in order.
    pub fn take_group(&mut self, mut payload: impl FnMut(&[u8])) -> Result<(), EngineError> {
        let Some(key) = self.key().map(<[u8]>::to_vec) else { return Ok(()) };
        while let Some((next, bytes)) = self.item()
            && next == key
        {
            payload(bytes);
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
