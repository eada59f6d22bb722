//! Keyed items, end to end.

use crate::error::EngineError;

/// Items with a key and a payload: each the lengths of both, then these.
#[derive(Default)]
pub struct Items {
    bytes: Vec<u8>,
}

impl Items {
    /// None, with room for those of so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// Adds one.
    pub fn push(&mut self, key: &[u8], payload: &[u8]) {
        match (u8::try_from(key.len()), u8::try_from(payload.len())) {
            (Ok(key), Ok(payload)) if key < LONG && payload < LONG => self.bytes.extend_from_slice(&[key, payload]),
            _ => [key, payload].iter().for_each(|of| {
                self.bytes.push(LONG);
                self.bytes.extend_from_slice(&(of.len() as u32).to_le_bytes());
            }),
        }
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(payload);
    }

    /// As they lie.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Room for as many bytes more, to read items into.
    pub fn room(&mut self, bytes: usize) -> &mut [u8] {
        let begin = self.bytes.len();
        self.bytes.resize(begin + bytes, 0);
        &mut self.bytes[begin..]
    }

    /// Adds those of another.
    pub fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// Forgets all, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Key and payload of the item that begins there, and where the next one does.
    pub fn at(&self, begin: usize) -> (&[u8], &[u8], usize) {
        let (key, begin) = self.length(begin);
        let (payload, begin) = self.length(begin);
        let (item, end) = (&self.bytes[begin..begin + key + payload], begin + key + payload);
        let (key, payload) = item.split_at(key);
        (key, payload, end)
    }

    /// A length and where it ends: one byte, or [`LONG`] and four.
    fn length(&self, at: usize) -> (usize, usize) {
        match (self.bytes[at], self.bytes[at + 1..].first_chunk()) {
            (LONG, Some(length)) => (u32::from_le_bytes(*length) as usize, at + 5),
            (length, _) => (length.into(), at + 1),
        }
    }

    /// Hands over each.
    pub fn each(&self, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), EngineError>) -> Result<(), EngineError> {
        let mut begin = 0;
        while begin < self.bytes.len() {
            let (key, payload, end) = self.at(begin);
            take(key, payload)?;
            begin = end;
        }
        Ok(())
    }
}

/// In the place of a length that one byte does not hold.
const LONG: u8 = u8::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_back() {
        let lengths = [0, 1, 254, 255, 256, 70_000];
        let mut items = Items::default();
        for key in lengths {
            lengths.iter().for_each(|payload| items.push(&vec![1; key], &vec![2; *payload]));
        }
        let mut found = Vec::new();
        let mut take = |key: &[u8], payload: &[u8]| {
            assert!(key.iter().all(|byte| *byte == 1) && payload.iter().all(|byte| *byte == 2));
            found.push((key.len(), payload.len()));
            Ok(())
        };
        items.each(&mut take).unwrap();
        assert!(found.into_iter().eq(lengths.iter().flat_map(|key| lengths.map(|payload| (*key, payload)))));
    }
}
