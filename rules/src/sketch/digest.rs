//! The keyed digest of a row, made column by column.
//!
//! A row is a sequence of pairs of 64-bit words: the place of its source in the plan, then per
//! field that the plan compares, in canonical order, first its length and its first 8 bytes, then
//! 16 bytes a pair, the last padded with zeros. The length of NULL is 0, that of a text is one more
//! than its bytes. A text of more than [`DIRECT`] bytes counts with its length and a 128-bit digest
//! of its own.
//!
//! Each pair has its place, and each place its own words of key. NH under two independent keys
//! (Black, Halevi, Krawczyk, Krovetz, Rogaway: "UMAC: fast and secure message authentication",
//! CRYPTO 1999, theorem 1) reduces the pairs to two halves of 128 bits. Two rows that differ have a
//! pair at the same place whose words differ: a place that only one of them has follows lengths (or
//! sources) that differ. That pair alone makes the halves collide with probability at most 2^-64
//! under each key. AES-128 then joins the halves, and expands what they give.

use std::ops::Range;

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128, Block};
use arrow_array::{Array, StringArray};

use crate::end_to_end::Comparison;
use crate::movement::{Columns, Field};

/// Bytes of key that a [`Digester`] takes.
pub const KEY_BYTES: usize = 4 * 16;
/// Pairs of words that a field may have.
const PAIRS: usize = 8;
/// Bytes up to which a text takes part as it stands.
const DIRECT: usize = 8 + 16 * (PAIRS - 1);
/// Where the source and long texts have their words of key.
const SOURCE: usize = Field::ALL.len();
const LONG: usize = SOURCE + 1;
/// Rows that are digested at once: their sums stay in the nearest memory from field to field.
const TILE: usize = 256;

/// Digests the rows of one plan under one key.
pub struct Digester {
    /// The ways in which sources are compared.
    ways: Vec<Way>,
    /// By source of the plan: the place of its way.
    way_of: Vec<usize>,
    /// Words of key: of each canonical field, then of the source, then of long texts.
    places: Vec<[Key; PAIRS]>,
    chain: Aes128,
    identity: Aes128,
    proof: Aes128,
}

/// What a [`Digester`] makes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowDigest {
    /// 96 bits that tell rows apart.
    pub identity: u128,
    /// 128 bits, independent of the identity.
    pub proof: u128,
    /// 32 bits of the row's source and key, equal for rows of one key.
    pub fingerprint: u32,
}

/// The fields that rows of some sources take part with, in canonical order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    key: Vec<Field>,
    others: Vec<Field>,
}

impl Way {
    fn of(comparison: &Comparison) -> Self {
        let Comparison { key, compare, .. } = comparison;
        // Without a key the whole row is one.
        let key = if key.is_empty() { compare } else { key };
        let of_key = |field: &Field| key.contains(field);
        let of_others = |field: &Field| compare.contains(field) && !of_key(field);
        let all = Field::ALL.into_iter();
        Self { key: all.clone().filter(of_key).collect(), others: all.filter(of_others).collect() }
    }
}

/// The words that are added to one pair, under the left and under the right key.
#[derive(Clone, Copy)]
struct Key {
    left: [u64; 2],
    right: [u64; 2],
}

/// Sums of products under both keys.
#[derive(Clone, Copy, Default)]
struct Halves {
    left: u128,
    right: u128,
}

impl Halves {
    #[inline(always)]
    fn add(&mut self, key: &Key, pair: [u64; 2]) {
        let product = |key: [u64; 2]| {
            u128::from(pair[0].wrapping_add(key[0])).wrapping_mul(u128::from(pair[1].wrapping_add(key[1])))
        };
        self.left = self.left.wrapping_add(product(key.left));
        self.right = self.right.wrapping_add(product(key.right));
    }
}

impl Digester {
    /// Digests rows as `plan` compares them, under `key`, which whoever prepares the rows must not
    /// know.
    pub fn new(plan: &[Comparison], key: &[u8; KEY_BYTES]) -> Self {
        let cipher = |n: usize| {
            let mut part = [0; 16];
            part.copy_from_slice(&key[16 * n..16 * (n + 1)]);
            Aes128::new(&part.into())
        };
        // The words of key are drawn from the first quarter of it by AES in counter mode.
        let (stretch, mut drawn) = (cipher(0), 0u128);
        let mut word = || {
            drawn += 1;
            encrypt(&stretch, drawn) as u64
        };
        let mut pair = || Key { left: [word(), word()], right: [word(), word()] };
        let mut ways: Vec<Way> = Vec::new();
        let mut place_of = |way: Way| {
            ways.iter().position(|known| *known == way).unwrap_or_else(|| {
                ways.push(way);
                ways.len() - 1
            })
        };
        let way_of = plan.iter().map(|comparison| place_of(Way::of(comparison))).collect();
        Self {
            ways,
            way_of,
            places: (0..LONG + 1).map(|_| std::array::from_fn(|_| pair())).collect(),
            chain: cipher(1),
            identity: cipher(2),
            proof: cipher(3),
        }
    }

    /// Gives each row of `columns` its digest. `sources` are the 0-based places of the rows' sources
    /// in the plan; rows of sources that are not in it get none that means anything.
    pub fn digest(&self, columns: &Columns<'_>, sources: &[u16], digests: &mut Vec<RowDigest>) {
        digests.clear();
        digests.resize(sources.len(), RowDigest::default());
        let (mut rows, mut keys) = ([Halves::default(); TILE], [Halves::default(); TILE]);
        let mut blocks = Blocks::default();
        for (tile, (sources, digests)) in sources.chunks(TILE).zip(digests.chunks_mut(TILE)).enumerate() {
            let (rows, keys) = (&mut rows[..sources.len()], &mut keys[..sources.len()]);
            let first = tile * TILE;
            for (n, way) in self.ways.iter().enumerate() {
                let is_compared_so = |source: u16| self.way_of.get(usize::from(source)) == Some(&n);
                if !sources.iter().any(|&source| is_compared_so(source)) {
                    continue;
                }
                for (key, &source) in keys.iter_mut().zip(sources) {
                    *key = Halves::default();
                    key.add(&self.places[SOURCE][0], [source.into(), 0]);
                }
                way.key.iter().for_each(|&field| self.add(field, columns, first, keys));
                rows.copy_from_slice(keys);
                way.others.iter().for_each(|&field| self.add(field, columns, first, rows));
                blocks.expand(self, rows);
                for (row, digest) in digests.iter_mut().enumerate().filter(|(row, _)| is_compared_so(sources[*row])) {
                    *digest = RowDigest {
                        identity: u128::from_le_bytes(blocks.identity[row].into()) >> 32,
                        proof: u128::from_le_bytes(blocks.proof[row].into()),
                        fingerprint: folded(keys[row].left),
                    };
                }
            }
        }
    }

    /// Adds a field of each row from `first` on.
    fn add(&self, field: Field, columns: &Columns<'_>, first: usize, sums: &mut [Halves]) {
        let places = &self.places[field.column()];
        let rows = first..first + sums.len();
        match (field, columns.texts(field)) {
            (Field::Amount, _) => {
                for (sum, amount) in sums.iter_mut().zip(&columns.amount.values()[rows]) {
                    sum.add(&places[0], [*amount as u64, (amount >> 64) as u64]);
                }
            }
            (Field::BookedOn, _) => {
                for (sum, days) in sums.iter_mut().zip(&columns.booked_on.values()[rows]) {
                    sum.add(&places[0], [1, *days as u64]);
                }
            }
            (Field::BookedAt, _) => {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let instant = columns.booked_at.is_valid(row).then(|| columns.booked_at.value(row));
                    sum.add(&places[0], [instant.is_some().into(), instant.unwrap_or(0) as u64]);
                }
            }
            (_, Some(texts)) => self.add_texts(places, texts, rows, sums),
            _ => {}
        }
    }

    fn add_texts(&self, places: &[Key; PAIRS], texts: &StringArray, rows: Range<usize>, sums: &mut [Halves]) {
        let bytes = texts.value_data();
        let nulls = texts.nulls().filter(|nulls| nulls.null_count() > 0);
        let ends = texts.value_offsets()[rows.start..=rows.end].array_windows();
        for ((sum, &[start, end]), row) in sums.iter_mut().zip(ends).zip(rows) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                sum.add(&places[0], [0, 0]);
                continue;
            }
            let (start, end) = (start as usize, end as usize);
            let length = (end - start) as u64 + 1;
            // Most texts are short, and most lie well before the end of their column: reading past
            // them and masking takes half the time of reading byte by byte what is left.
            if let (Some(mask), Some(words)) = (MASKS.get(end - start), bytes.get(start..start + 24)) {
                let [a, b, c] = std::array::from_fn(|n| mask[n] & little_endian(&words[8 * n..8 * n + 8]));
                sum.add(&places[0], [length, a]);
                if end - start > 8 {
                    sum.add(&places[1], [b, c]);
                }
                continue;
            }
            if end - start > DIRECT {
                let digest = self.long(&bytes[start..end]);
                sum.add(&places[0], [length, 0]);
                sum.add(&places[1], [digest as u64, (digest >> 64) as u64]);
                continue;
            }
            sum.add(&places[0], [length, word(bytes, start, end)]);
            let mut at = start + 8;
            for place in &places[1..] {
                if at >= end {
                    break;
                }
                sum.add(place, [word(bytes, at, end), word(bytes, at + 8, end)]);
                at += 16;
            }
        }
    }

    /// A text of more than [`DIRECT`] bytes: its blocks reduced by NH, and chained as in CBC-MAC.
    fn long(&self, text: &[u8]) -> u128 {
        let mut state = encrypt(&self.chain, text.len() as u128);
        for start in (0..text.len()).step_by(16 * PAIRS) {
            let mut halves = Halves::default();
            for (n, place) in self.places[LONG].iter().enumerate() {
                let at = start + 16 * n;
                halves.add(place, [word(text, at, text.len()), word(text, at + 8, text.len())]);
            }
            state = encrypt(&self.chain, state ^ halves.left);
            state = encrypt(&self.chain, state ^ halves.right);
        }
        state
    }
}

/// The blocks of a tile; AES is several times as fast on many of them at once.
#[derive(Default)]
struct Blocks {
    identity: Vec<Block>,
    proof: Vec<Block>,
}

impl Blocks {
    fn expand(&mut self, digester: &Digester, rows: &[Halves]) {
        let Self { identity, proof } = self;
        identity.clear();
        identity.extend(rows.iter().map(|row| Block::from(row.left.to_le_bytes())));
        digester.chain.encrypt_blocks(identity);
        for (block, row) in identity.iter_mut().zip(rows) {
            *block = (u128::from_le_bytes((*block).into()) ^ row.right).to_le_bytes().into();
        }
        proof.clone_from(identity);
        digester.identity.encrypt_blocks(identity);
        digester.proof.encrypt_blocks(proof);
    }
}

/// 32 bits of an NH sum.
fn folded(sum: u128) -> u32 {
    let folded = (sum ^ sum >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// Up to 8 bytes of `bytes` from `at` on, none from `end` on, as a little-endian word.
fn word(bytes: &[u8], at: usize, end: usize) -> u64 {
    little_endian(&bytes[at.min(end)..end.min(at + 8)])
}

#[inline(always)]
fn little_endian(bytes: &[u8]) -> u64 {
    match bytes.try_into() {
        Ok(eight) => u64::from_le_bytes(eight),
        Err(_) => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// By length: which bits of three words belong to a text.
const MASKS: [[u64; 3]; 25] = {
    let mut masks = [[0; 3]; 25];
    let mut length = 0;
    while length < masks.len() {
        let mut byte = 0;
        while byte < length {
            masks[length][byte / 8] |= 0xff << (8 * (byte % 8));
            byte += 1;
        }
        length += 1;
    }
    masks
};

fn encrypt(cipher: &Aes128, block: u128) -> u128 {
    let mut block = block.to_le_bytes().into();
    cipher.encrypt_block(&mut block);
    u128::from_le_bytes(block.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::sketch::testing::{batch, plan};

    fn digests(key: u8, rows: &[(Option<&str>, Option<&str>)]) -> Vec<RowDigest> {
        let batch = batch(rows);
        let mut digests = Vec::new();
        let sources = vec![0; rows.len()];
        Digester::new(&plan(), &[key; KEY_BYTES]).digest(&Columns::of(&batch), &sources, &mut digests);
        digests
    }

    #[test]
    fn rows_that_differ_in_one_bit_or_in_length_have_other_digests() {
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 24, 25, 119, 120, 121, 128, 129, 300] {
            let text = "U".repeat(length);
            let mut texts: Vec<String> = (0..length)
                .flat_map(|at| {
                    (0..7).map(move |bit| {
                        let mut text = vec![b'U'; length];
                        text[at] ^= 1 << bit;
                        String::from_utf8(text).unwrap()
                    })
                })
                .collect();
            texts.extend([format!("{text}\0"), format!("{text}U"), format!("{text}\0\0"), text]);
            let rows: Vec<_> = texts.iter().map(|text| (Some("id"), Some(text.as_str()))).collect();
            let digests = digests(7, &rows);
            assert_eq!(digests.iter().map(|digest| digest.identity).collect::<HashSet<_>>().len(), rows.len());
            assert_eq!(digests.iter().map(|digest| digest.proof).collect::<HashSet<_>>().len(), rows.len());
            assert_eq!(digests.iter().map(|digest| digest.fingerprint).collect::<HashSet<_>>().len(), 1);
        }
    }

    #[test]
    fn values_stay_in_their_fields_and_null_is_no_text() {
        let rows = [
            (Some("ab"), Some("c")),
            (Some("a"), Some("bc")),
            (Some("c"), Some("ab")),
            (Some(""), None),
            (None, Some("")),
            (None, None),
            (Some(""), Some("")),
        ];
        let digests = digests(7, &rows);
        assert_eq!(digests.iter().map(|digest| digest.identity).collect::<HashSet<_>>().len(), rows.len());
    }

    #[test]
    fn equal_rows_have_equal_digests_wherever_they_stand_and_other_keys_give_others() {
        let rows: Vec<_> = (0..2 * TILE + 5).map(|n| (Some(["x", "yy"][n % 2]), Some("account"))).collect();
        let these = digests(7, &rows);
        assert!((0..rows.len()).all(|row| these[row] == these[row % 2]));
        assert_ne!(these[0], these[1]);
        assert_ne!(these[0], digests(8, &rows)[0]);
    }

    #[test]
    fn each_source_counts_with_the_fields_it_is_compared_by() {
        let batch = batch(&[(Some("id"), Some("one")), (Some("id"), Some("two"))]);
        let [account, nothing] = [&[Field::Account][..], &[]].map(|compare| Comparison {
            source: "core".into(),
            key: vec![Field::Id],
            compare: compare.to_vec(),
        });
        let keyless = Comparison { key: Vec::new(), ..account.clone() };
        let digester = Digester::new(&[account, nothing, keyless], &[7; KEY_BYTES]);
        let of = |source| {
            let mut digests = Vec::new();
            digester.digest(&Columns::of(&batch), &[source, source], &mut digests);
            (digests[0].identity == digests[1].identity, digests[0].fingerprint == digests[1].fingerprint)
        };
        assert_eq!([of(0), of(1), of(2)], [(false, true), (true, true), (false, false)]);
    }
}
