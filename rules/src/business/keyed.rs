//! Values by their keys, for more keys than a processor's caches hold.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;

/// Keys that are looked up at once.
pub(super) const AT_ONCE: usize = 512;
/// Below so many slots all is near anyway.
const FAR: usize = 1 << 14;
/// Of a slot that is free.
const FREE: usize = usize::MAX;

/// A value per key. Keys lie end to end and values side by side, in the order in which they came, so that millions of
/// them cost little more than what is in them.
pub(super) struct Keyed<T> {
    hasher: DefaultHashBuilder,
    /// None, or a power of two of them, at most three quarters taken: a key has the first that is not another's, from the
    /// one that its hash says.
    slots: Vec<Slot>,
    keys: String,
    kept: Vec<Kept<T>>,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    /// Which key and value, 0-based.
    at: usize,
}

struct Kept<T> {
    /// Where the key ends in `keys`.
    end: usize,
    value: T,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { hasher, slots: Vec::new(), keys: String::new(), kept: Vec::new() }
    }
}

impl<T: Default> Keyed<T> {
    /// The hash of a key, for the methods that ask for it.
    pub fn hash(&self, key: &str) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Has the memory come that looking up these hashes needs: of many places at once, since to wait for one after the
    /// other takes several times as long.
    pub fn fetch(&self, hashes: &[u64]) {
        if self.slots.len() < FAR {
            return;
        }
        let first = |hash: &u64| self.slots[self.first(*hash)].at;
        let mut seen = 0;
        for hash in hashes {
            seen ^= first(hash);
        }
        black_box(seen);
        for hash in hashes {
            seen ^= self.kept.get(first(hash)).map_or(0, |kept| kept.end);
        }
        black_box(seen);
        for hash in hashes {
            let at = first(hash);
            let byte = if at == FREE { None } else { self.keys.as_bytes().get(self.start(at)) };
            seen ^= byte.copied().map_or(0, usize::from);
        }
        black_box(seen);
    }

    /// The value of a key with its hash; a new one where it is not there.
    pub fn of(&mut self, hash: u64, key: &str) -> &mut T {
        if (self.kept.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let slot = self.slot(hash, key);
        if self.slots[slot].at == FREE {
            self.slots[slot] = Slot { hash, at: self.kept.len() };
            self.keys.push_str(key);
            self.kept.push(Kept { end: self.keys.len(), value: T::default() });
        }
        &mut self.kept[self.slots[slot].at].value
    }

    /// Whether a key with its hash is there.
    pub fn has(&self, hash: u64, key: &str) -> bool {
        !self.slots.is_empty() && self.slots[self.slot(hash, key)].at != FREE
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Keys and values, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.kept.iter().enumerate().map(|(at, kept)| (self.key(at), &kept.value))
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let (slots, kept) = (self.slots.capacity() * size_of::<Slot>(), self.kept.capacity() * size_of::<Kept<T>>());
        slots + kept + self.keys.capacity()
    }

    fn first(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    /// The slot of a key, or the free one that it would have.
    fn slot(&self, hash: u64, key: &str) -> usize {
        let mut slot = self.first(hash);
        loop {
            let Slot { hash: other, at } = self.slots[slot];
            if at == FREE || (other == hash && self.key(at) == key) {
                return slot;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let slots = vec![Slot { hash: 0, at: FREE }; (self.slots.len() * 2).max(16)];
        for taken in std::mem::replace(&mut self.slots, slots).into_iter().filter(|slot| slot.at != FREE) {
            let mut slot = self.first(taken.hash);
            while self.slots[slot].at != FREE {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = taken;
        }
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.kept[before].end)
    }

    fn key(&self, at: usize) -> &str {
        &self.keys[self.start(at)..self.kept[at].end]
    }
}

/// Keys with their hashes, to be looked up at once.
#[derive(Default)]
pub(super) struct Keys {
    text: String,
    ends: Vec<usize>,
    /// In the order of the keys.
    pub hashes: Vec<u64>,
}

impl Keys {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.hashes.clear();
    }

    /// Adds the key that `write` appends.
    pub fn push<T: Default>(&mut self, of: &Keyed<T>, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        self.ends.push(self.text.len());
        self.hashes.push(of.hash(&self.text[start..]));
    }

    /// Hash and key at a place, 0-based.
    pub fn at(&self, at: usize) -> (u64, &str) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        (self.hashes[at], &self.text[start..self.ends[at]])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn it_keeps_what_a_map_keeps() {
        let (mut keyed, mut map) = (Keyed::<u64>::default(), HashMap::new());
        let key = |n: u64| if n.is_multiple_of(3) { String::new() } else { format!("{}", n * 7_919 % 20_011) };
        for n in 0..60_000 {
            let key = key(n);
            let hash = keyed.hash(&key);
            assert_eq!(keyed.has(hash, &key), map.contains_key(&key));
            *keyed.of(hash, &key) += n;
            *map.entry(key).or_insert(0) += n;
        }
        assert!(keyed.slots.len() > FAR);
        let mut keys = Keys::default();
        keyed.iter().take(AT_ONCE).for_each(|(key, _)| keys.push(&keyed, |text| text.push_str(key)));
        keyed.fetch(&keys.hashes);
        assert!((0..AT_ONCE).all(|at| keyed.has(keys.at(at).0, keys.at(at).1)));
        assert_eq!(keyed.len(), map.len());
        assert_eq!(keyed.iter().map(|(key, value)| (key.to_owned(), *value)).collect::<HashMap<_, _>>(), map);
    }

    #[test]
    fn keys_of_one_hash_stay_apart() {
        let mut keyed = Keyed::<u8>::default();
        for (key, value) in [("a", 1), ("b", 2), ("", 3)] {
            *keyed.of(7, key) = value;
        }
        assert_eq!(keyed.iter().collect::<Vec<_>>(), [("a", &1), ("b", &2), ("", &3)]);
        assert!(keyed.has(7, "b") && !keyed.has(7, "c") && !keyed.has(8, "a"));
    }
}
