//! The keyed digest of a row.
//!
//! A row's canonical bytes are cut into blocks of [`BLOCK`] bytes. Each block is reduced to 256
//! bits by NH under two independent keys (Black, Halevi, Krawczyk, Krovetz, Rogaway: "UMAC: fast
//! and secure message authentication", CRYPTO 1999, theorem 1: two blocks of one length collide
//! under one key with probability at most 2^-64); length and blocks are chained by AES-128 as in
//! CBC-MAC, and the end of the chain is expanded by AES under two further keys.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};

/// Bytes of key that a [`Digester`] takes.
pub const KEY_BYTES: usize = 4 * 16;
/// Bytes that NH reduces at once; most rows are one block.
const BLOCK: usize = 256;
const WORDS: usize = BLOCK / 8;

/// Digests rows under one key.
pub struct Digester {
    left: [u64; WORDS],
    right: [u64; WORDS],
    chain: Aes128,
    identity: Aes128,
    proof: Aes128,
}

/// What a [`Digester`] makes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowDigest {
    /// 96 bits that tell rows apart.
    pub identity: u128,
    /// 128 bits, independent of the identity.
    pub proof: u128,
    /// 32 bits of the row's key, equal for rows of one key.
    pub fingerprint: u32,
}

impl Digester {
    /// Digests under `key`, which whoever prepares the rows must not know.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let cipher = |n: usize| {
            let mut part = [0; 16];
            part.copy_from_slice(&key[16 * n..16 * (n + 1)]);
            Aes128::new(&part.into())
        };
        // The NH keys are drawn from the first quarter of the key by AES in counter mode.
        let stretch = cipher(0);
        let word = |n: usize| encrypt(&stretch, n as u128) as u64;
        Self {
            left: std::array::from_fn(word),
            right: std::array::from_fn(|n| word(WORDS + n)),
            chain: cipher(1),
            identity: cipher(2),
            proof: cipher(3),
        }
    }

    /// The digest of the row whose canonical bytes are `key` and then `values`. Both must be
    /// encoded so that no two rows have the same bytes in a row.
    pub fn digest(&self, row: &[u8], key_length: usize) -> RowDigest {
        let state = self.chained(row);
        let of_key = if key_length == row.len() { state } else { self.chained(&row[..key_length]) };
        RowDigest {
            identity: encrypt(&self.identity, state) >> 32,
            proof: encrypt(&self.proof, state),
            fingerprint: encrypt(&self.identity, of_key) as u32,
        }
    }

    fn chained(&self, bytes: &[u8]) -> u128 {
        let mut state = encrypt(&self.chain, bytes.len() as u128);
        for block in bytes.chunks(BLOCK) {
            for half in self.nh(block) {
                state = encrypt(&self.chain, state ^ half);
            }
        }
        state
    }

    /// NH under both keys: the sum of products of neighbouring words, each plus its key word.
    fn nh(&self, block: &[u8]) -> [u128; 2] {
        let (mut left, mut right) = (0u128, 0u128);
        let (pairs, rest) = block.as_chunks::<16>();
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let padded = (!rest.is_empty()).then_some(&last);
        let keys = self.left.as_chunks::<2>().0.iter().zip(self.right.as_chunks::<2>().0);
        for (pair, (l, r)) in pairs.iter().chain(padded).zip(keys) {
            let pair = u128::from_le_bytes(*pair);
            let (low, high) = (pair as u64, (pair >> 64) as u64);
            let product = |key: &[u64; 2]| u128::from(low.wrapping_add(key[0])) * u128::from(high.wrapping_add(key[1]));
            left = left.wrapping_add(product(l));
            right = right.wrapping_add(product(r));
        }
        [left, right]
    }
}

fn encrypt(cipher: &Aes128, block: u128) -> u128 {
    let mut block = block.to_le_bytes().into();
    cipher.encrypt_block(&mut block);
    u128::from_le_bytes(block.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_that_differ_in_one_bit_or_in_length_have_other_digests() {
        let digester = Digester::new(&[7; KEY_BYTES]);
        for length in [0, 1, 7, 8, 15, 16, 17, 31, 255, 256, 257, 600] {
            let row = vec![0x5a; length];
            let mut seen = HashSet::from([digester.digest(&row, length).identity]);
            for bit in 0..8 * length {
                let mut other = row.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(digester.digest(&other, length).identity), "bit {bit} of {length} bytes");
            }
            let longer = [row.as_slice(), &[0]].concat();
            assert!(seen.insert(digester.digest(&longer, longer.len()).identity), "{length} bytes and a zero");
        }
    }

    #[test]
    fn the_fingerprint_is_the_keys_alone() {
        let digester = Digester::new(&[7; KEY_BYTES]);
        let [one, two, other] = [b"key-1/a", b"key-1/b", b"key-2/a"].map(|row| digester.digest(row, 5));
        assert_eq!(one.fingerprint, two.fingerprint);
        assert_ne!(one.fingerprint, other.fingerprint);
        assert_ne!((one.identity, one.proof), (two.identity, two.proof));
        assert_ne!(digester.digest(b"key-1/a", 5), Digester::new(&[8; KEY_BYTES]).digest(b"key-1/a", 5));
    }
}
