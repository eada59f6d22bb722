//! Bringing together what shares a key, in no order: cheaper than sorting. Items are parted by a digest of their keys, so
//! that those of a part fit into a processor's caches when they are put in order of it.

use std::fs::File;
use std::hash::BuildHasher;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hashbrown::DefaultHashBuilder;
use tempfile::TempDir;

use super::items::Items;
use super::sorter::{Sorted, Sorter};
use crate::error::EngineError;

/// How many parts there are; a digest's first byte says which.
const PARTS: usize = 256;
const GATHERING: &str = "gathering";

/// Collects keyed items and gives them back with those of a key one after the other.
pub struct Gatherer {
    folder: PathBuf,
    hasher: DefaultHashBuilder,
    parts: Vec<Part>,
    /// Bytes of the items in hand.
    held: usize,
    /// Where parts went that were too much to hold, and how long that is.
    spilled: Option<(File, u64)>,
}

#[derive(Default)]
struct Part {
    items: Items,
    /// Where others of it lie in the file: from where on, and how many bytes.
    blocks: Vec<(u64, usize)>,
}

impl Gatherer {
    /// An empty one; what it cannot hold goes into `folder`, which must exist.
    pub fn new(folder: &Path) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { folder: folder.to_owned(), hasher: DefaultHashBuilder::default(), parts, held: 0, spilled: None }
    }

    /// Adds an item.
    pub fn push(&mut self, key: &[u8], payload: &[u8]) {
        let part = (self.hasher.hash_one(key) >> 56) as usize;
        let items = &mut self.parts[part].items;
        let before = items.bytes().len();
        items.push(key, payload);
        self.held += items.bytes().len() - before;
    }

    /// Bytes that it holds, of those that [`Gatherer::spill`] would write.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Writes what it holds to disk.
    pub fn spill(&mut self) -> Result<(), EngineError> {
        if self.held == 0 {
            return Ok(());
        }
        let path = self.path();
        let failed = |e| EngineError::io(GATHERING, &path, e);
        let (file, end) = match &mut self.spilled {
            Some(spilled) => spilled,
            none => {
                let mut options = File::options();
                let file = options.read(true).write(true).create_new(true).open(&path).map_err(failed)?;
                none.insert((file, 0))
            }
        };
        for Part { items, blocks } in self.parts.iter_mut().filter(|part| !part.items.bytes().is_empty()) {
            let bytes = items.bytes();
            file.write_all(bytes).map_err(failed)?;
            blocks.push((*end, bytes.len()));
            *end += bytes.len() as u64;
            items.clear();
        }
        self.held = 0;
        Ok(())
    }

    /// Hands over every item, those of a key one after the other. A part that is longer than `most` bytes is sorted; no key
    /// may be the beginning of another.
    pub fn finish(
        mut self,
        most: usize,
        mut take: impl FnMut(&[u8], &[u8]) -> Result<(), EngineError> + Send,
    ) -> Result<(), EngineError> {
        // Where an item begins has half a number.
        let most = most.min(u32::MAX as usize);
        let mut parts = std::mem::take(&mut self.parts).into_iter();
        let mut next = parts.next().map(|part| self.load(part, most)).transpose()?;
        while let Some(loaded) = next {
            let load = || parts.next().map(|part| self.load(part, most)).transpose();
            let (taken, following) = rayon::join(|| loaded.each(&mut take), load);
            taken?;
            next = following?;
        }
        Ok(())
    }

    fn load(&self, part: Part, most: usize) -> Result<Loaded, EngineError> {
        let failed = |e| EngineError::io(GATHERING, &self.path(), e);
        let read = |&(start, length): &(u64, usize), items: &mut Items| {
            let (file, room) = (self.spilled.as_ref().map(|(file, _)| file), items.room(length));
            file.map_or(Ok(()), |file| file.read_exact_at(room, start)).map_err(failed)
        };
        let length = part.items.bytes().len() + part.blocks.iter().map(|(_, length)| length).sum::<usize>();
        if length <= most {
            let mut items = Items::with_room(length);
            part.blocks.iter().try_for_each(|block| read(block, &mut items))?;
            items.append(&part.items);
            return Ok(Loaded::together(items, &self.hasher));
        }
        let folder = tempfile::tempdir_in(&self.folder).map_err(failed)?;
        let mut sorter = Sorter::new(folder.path(), most);
        let mut items = Items::default();
        for block in &part.blocks {
            items.clear();
            read(block, &mut items)?;
            items.each(|key, payload| sorter.push(key, payload))?;
        }
        part.items.each(|key, payload| sorter.push(key, payload))?;
        Ok(Loaded::Sorted(sorter.finish()?, folder))
    }

    fn path(&self) -> PathBuf {
        self.folder.join("gathered")
    }
}

/// The items of a part, those of a key together.
enum Loaded {
    /// Where each begins, in the low half of a number; the high one is of its digest, whose order they are in, and equal
    /// keys next to each other.
    Together { items: Items, order: Vec<u64> },
    /// In the order of keys, and the folder that they are read from.
    Sorted(Sorted, TempDir),
}

impl Loaded {
    fn together(items: Items, hasher: &DefaultHashBuilder) -> Self {
        let mut order = Vec::new();
        let mut begin = 0;
        while begin < items.bytes().len() {
            let (key, _, end) = items.at(begin);
            order.push((hasher.hash_one(key) << 8 >> 32 << 32) | begin as u64);
            begin = end;
        }
        order.sort_unstable();
        let key = |place: u64| items.at(place as u32 as usize).0;
        for same in order.chunk_by_mut(|left, right| left >> 32 == right >> 32) {
            if same.windows(2).any(|pair| key(pair[0]) != key(pair[1])) {
                same.sort_by(|left, right| key(*left).cmp(key(*right)));
            }
        }
        Self::Together { items, order }
    }

    fn each(self, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), EngineError>) -> Result<(), EngineError> {
        match self {
            Self::Together { items, order } => order.into_iter().try_for_each(|place| {
                let (key, payload, _) = items.at(place as u32 as usize);
                take(key, payload)
            }),
            Self::Sorted(sorted, _folder) => sorted.each(take),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What comes of these items where they are spilled after every `every`th, by key; each key may come once only.
    fn gathered(items: &[(Vec<u8>, Vec<u8>)], every: usize, most: usize) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
        let folder = tempfile::tempdir().unwrap();
        let mut gatherer = Gatherer::new(folder.path());
        for (n, (key, payload)) in items.iter().enumerate() {
            gatherer.push(key, payload);
            if n % every == every - 1 {
                gatherer.spill().unwrap();
                assert_eq!(gatherer.held(), 0);
            }
        }
        let (mut groups, mut last) = (BTreeMap::<_, Vec<Vec<u8>>>::new(), None);
        let take = |key: &[u8], payload: &[u8]| {
            let is_new = last.as_deref() != Some(key);
            last = Some(key.to_vec());
            assert_ne!(groups.contains_key(key), is_new);
            groups.entry(key.to_vec()).or_default().push(payload.to_vec());
            Ok(())
        };
        gatherer.finish(most, take).unwrap();
        groups.values_mut().for_each(|payloads| payloads.sort());
        groups
    }

    #[test]
    fn those_of_a_key_come_together() {
        let item = |n: usize| {
            let key = format!("{:03}{}", n * 7919 % 700, if n % 700 == 3 { "x".repeat(300) } else { String::new() });
            (key.into_bytes(), vec![n as u8; n % 5 * 64])
        };
        let items: Vec<_> = (0..7000).map(item).collect();
        let mut expected = BTreeMap::<_, Vec<_>>::new();
        items.iter().cloned().for_each(|(key, payload)| expected.entry(key).or_default().push(payload));
        expected.values_mut().for_each(|payloads| payloads.sort());
        for (every, most) in [(usize::MAX, usize::MAX), (1000, usize::MAX), (1000, 1000), (1, 0), (usize::MAX, 0)] {
            assert_eq!(gathered(&items, every, most), expected, "{every} {most}");
        }
        assert_eq!(gathered(&[], 1, 0), BTreeMap::new());
    }

    #[test]
    fn keys_with_one_digest_stay_apart() {
        let mut items = Items::default();
        (0..300_000u32).for_each(|n| items.push(&(n % 200_000).to_le_bytes(), &[]));
        let mut seen = std::collections::HashSet::new();
        let mut last = Vec::new();
        let take = |key: &[u8], _: &[u8]| {
            assert!(last == key || seen.insert(key.to_vec()));
            last = key.to_vec();
            Ok(())
        };
        Loaded::together(items, &DefaultHashBuilder::default()).each(take).unwrap();
        assert_eq!(seen.len(), 200_000);
    }
}
