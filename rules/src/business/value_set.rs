//! Texts of which many are looked up, more than a processor's caches hold.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;

/// Texts that are looked up at once.
const AT_ONCE: usize = 128;
/// Below so many slots all is near anyway.
const FAR: usize = 1 << 14;
/// Bits of a slot that say where its text begins; the others are of its hash.
const START: u32 = 40;

/// A set of texts.
#[derive(Default)]
pub(super) struct ValueSet {
    hasher: DefaultHashBuilder,
    /// None, or a power of two of them, at most two thirds taken: a text has the first that is not another's, from the one
    /// that its hash says. 0 where free, else the begin of the text, counted from 1, and bits of its hash.
    slots: Vec<u64>,
    /// End to end, each behind its length in 4 bytes.
    texts: Vec<u8>,
    length: usize,
}

impl ValueSet {
    /// Adds a text.
    pub fn insert(&mut self, text: &str) {
        if self.length * 3 >= self.slots.len() * 2 {
            self.grow();
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        let Err(free) = self.find(hash, text.as_bytes()) else { return };
        self.slots[free] = slot(hash, self.texts.len() as u64 + 1);
        self.texts.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.texts.extend_from_slice(text.as_bytes());
        self.length += 1;
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Hands over the places, 0-based, of those of some texts that are not in the set.
    pub fn missing<T: AsRef<str>>(&self, texts: &[T], mut missing: impl FnMut(usize)) {
        let mut hashes = Vec::with_capacity(AT_ONCE);
        for (n, texts) in texts.chunks(AT_ONCE).enumerate() {
            hashes.clear();
            hashes.extend(texts.iter().map(|text| self.hasher.hash_one(text.as_ref().as_bytes())));
            self.fetch(&hashes);
            for (at, (text, &hash)) in texts.iter().zip(&hashes).enumerate() {
                if self.slots.is_empty() || self.find(hash, text.as_ref().as_bytes()).is_err() {
                    missing(n * AT_ONCE + at);
                }
            }
        }
    }

    /// Has the memory come that looking up these hashes needs: of many places at once, since to wait for one after the
    /// other takes several times as long.
    fn fetch(&self, hashes: &[u64]) {
        if self.slots.len() < FAR {
            return;
        }
        let mut seen = 0;
        for &hash in hashes {
            seen ^= self.slots[self.first(hash)];
        }
        black_box(seen);
        for &hash in hashes {
            let start = start(self.slots[self.first(hash)]);
            seen ^= start.and_then(|start| self.texts.get(start)).copied().map_or(0, u64::from);
        }
        black_box(seen);
    }

    /// The slot of a text, or the free one that it would have.
    fn find(&self, hash: u64, text: &[u8]) -> Result<usize, usize> {
        let mut at = self.first(hash);
        loop {
            let Some(start) = start(self.slots[at]) else { return Err(at) };
            if self.slots[at] >> START == hash >> START && self.text(start) == text {
                return Ok(at);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn first(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn text(&self, start: usize) -> &[u8] {
        let (length, text) = self.texts[start..].split_first_chunk().unwrap_or((&[0; 4], &[]));
        &text[..u32::from_le_bytes(*length) as usize]
    }

    fn grow(&mut self) {
        let slots = vec![0; (self.slots.len() * 2).max(16)];
        for taken in std::mem::replace(&mut self.slots, slots) {
            let Some(start) = start(taken) else { continue };
            let mut at = self.first(self.hasher.hash_one(self.text(start)));
            while self.slots[at] != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = taken;
        }
    }
}

fn slot(hash: u64, begin: u64) -> u64 {
    hash >> START << START | begin
}

/// Where the text of a slot begins; `None` where it is free.
fn start(slot: u64) -> Option<usize> {
    ((slot & ((1 << START) - 1)) as usize).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn it_has_what_a_set_has() {
        let text =
            |n: usize| if n.is_multiple_of(3) { String::new() } else { "x".repeat(n % 5) + &(n * 7).to_string() };
        let (mut values, mut set) = (ValueSet::default(), HashSet::new());
        let texts: Vec<String> = (0..60_000).map(text).collect();
        for range in [0..0, 0..1, 1..2, 2..100, 100..20_000, 20_000..40_000] {
            for text in &texts[range] {
                values.insert(text);
                set.insert(text);
            }
            let mut missing = Vec::new();
            values.missing(&texts, |n| missing.push(n));
            let expected: Vec<usize> = (0..texts.len()).filter(|n| !set.contains(&texts[*n])).collect();
            assert_eq!((missing, values.len()), (expected, set.len()));
        }
        assert!(values.slots.len() > FAR);
    }
}
