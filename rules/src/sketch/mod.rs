//! An invertible sketch: two multisets of rows are folded into a few megabytes while they are
//! read, and from the difference of the two the keys of the differing rows are read off.
//!
//! It is an invertible Bloom lookup table (Goodrich and Mitzenmacher 2011, arXiv 1101.2245;
//! Eppstein, Goodrich, Uyeda and Varghese 2011). A row is added to three cells that its digest
//! names, a row of the other side is subtracted. Rows that both sides have cancel. A cell that is
//! left with one distinct row gives it away; taking that row out of its two other cells uncovers
//! more, until nothing is left. As long as there is room for the differing rows, that fails where
//! two rows share all three cells: one night in millions with a few thousand rows, one in ten
//! thousand near the capacity. Where it fails, [`Sketch::differing_keys`] says so, and
//! [`Sketch::estimate`] how much room it would have taken.
//!
//! # What may go unnoticed
//!
//! The keys read off are examined exactly, row by row. An error is possible only if rows of
//! *other* keys differ, too. Let `E` be these rows with their net multiplicities.
//! [`Sketch::balance`] is the sum of `proof` over all rows, source less warehouse; it must equal
//! the sum over the examined rows, so the proofs of `E`, each times its multiplicity, must add up
//! to zero modulo 2^128. Proofs are outputs of AES under a key that neither the cells nor the
//! choice of examined keys depend on. As long as the rows of `E` have distinct inputs to it, the
//! proof of one row with multiplicity `m`, `|m| < 2^31`, has to hit one of at most 2^31 values:
//! probability at most 2^-97. Two different rows have the same input with probability at most
//! 2^-126 (both halves of NH are equal, or AES of one half meets the other; long texts likewise),
//! so among `d` differing rows, with at most d^2 * 2^-127. Taking AES for a random function costs
//! n^2 * 2^-127 for `n` rows. Together, for nights of up to 2^33 rows and whatever they hold, the
//! probability that a difference goes unnoticed is below 2^-60. The key is fresh for each run, so no
//! one can prepare such rows.

mod digest;

use std::collections::HashSet;

pub use digest::{Digester, KEY_BYTES, RowDigest};

use crate::end_to_end::Side;

const PARTS: usize = 3;

/// Distinct differing rows that the usual sketch, of 3 MB, has room for.
pub const CAPACITY: usize = 78_000;

/// Sums over the rows of a cell; those of the warehouse are subtracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    /// Sum of the 96-bit identities.
    identity: i128,
    /// Sum, modulo 2^64, of a check of the identity in the upper and the key's fingerprint in the lower half.
    tail: u64,
    /// Rows.
    count: i64,
}

impl Cell {
    fn add(&mut self, times: i64, identity: u128, fingerprint: u32) {
        self.identity = self.identity.wrapping_add((identity as i128).wrapping_mul(times.into()));
        self.tail = self.tail.wrapping_add((times as u64).wrapping_mul(check(identity) << 32 | u64::from(fingerprint)));
        self.count = self.count.wrapping_add(times);
    }
}

/// The sketch of rows of one side or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    cells: Vec<Cell>,
    balance: u128,
}

impl Default for Sketch {
    fn default() -> Self {
        Self::with_room_for(CAPACITY)
    }
}

impl Sketch {
    /// A sketch that `rows` distinct differing rows can be read off.
    pub fn with_room_for(rows: usize) -> Self {
        Self { cells: vec![Cell::default(); PARTS * cells_per_part(rows)], balance: 0 }
    }

    /// Bytes of memory that [`Sketch::with_room_for`] takes.
    pub fn bytes_for(rows: usize) -> usize {
        PARTS * cells_per_part(rows) * size_of::<Cell>()
    }

    /// About how many distinct rows differ, if few of them differ more than once: each adds the
    /// square of its multiplicity to the variance of its cells' counts (after Alon, Matias and
    /// Szegedy 1996).
    pub fn estimate(&self) -> usize {
        let cells_per_part = self.cells.len() / PARTS;
        let spread = |cells: &[Cell]| {
            let sum: i128 = cells.iter().map(|cell| i128::from(cell.count)).sum();
            let squares: i128 = cells.iter().map(|cell| i128::from(cell.count).pow(2)).sum();
            squares - sum.pow(2) / cells.len() as i128
        };
        let spread: i128 = self.cells.chunks_exact(cells_per_part).map(spread).sum();
        usize::try_from(spread / PARTS as i128).unwrap_or(usize::MAX)
    }

    /// Adds what `other` holds, a sketch of the same room.
    pub fn merge(&mut self, other: &Self) {
        for (cell, other) in self.cells.iter_mut().zip(&other.cells) {
            cell.identity = cell.identity.wrapping_add(other.identity);
            cell.tail = cell.tail.wrapping_add(other.tail);
            cell.count = cell.count.wrapping_add(other.count);
        }
        self.balance = self.balance.wrapping_add(other.balance);
    }

    /// Forgets every row.
    pub fn clear(&mut self) {
        self.cells.fill(Cell::default());
        self.balance = 0;
    }

    /// The sum of the proofs, source less warehouse, modulo 2^128.
    pub fn balance(&self) -> u128 {
        self.balance
    }

    /// Fingerprints of the keys of all differing rows; `None` where they are too many to be read
    /// off. It may err: the rows of these keys must account for the whole [`Sketch::balance`].
    pub fn differing_keys(mut self) -> Option<HashSet<u32>> {
        let mut keys = HashSet::new();
        let mut waiting: Vec<usize> = (0..self.cells.len()).collect();
        // Each step takes a row out; more steps than cells mean that rows are put in.
        let mut steps = self.cells.len();
        while let Some(at) = waiting.pop() {
            let Some((times, identity, fingerprint)) = self.only_row(at) else { continue };
            steps = steps.checked_sub(1)?;
            keys.insert(fingerprint);
            for cell in self.cells_of(identity) {
                self.cells[cell].add(-times, identity, fingerprint);
                waiting.push(cell);
            }
        }
        self.cells.iter().all(|cell| *cell == Cell::default()).then_some(keys)
    }

    /// The one distinct row of a cell, with its multiplicity, if it has one.
    fn only_row(&self, at: usize) -> Option<(i64, u128, u32)> {
        let Cell { identity, tail, count } = self.cells[at];
        if count == 0 || identity % i128::from(count) != 0 {
            return None;
        }
        let identity = u128::try_from(identity / i128::from(count)).ok()?;
        if !self.cells_of(identity).contains(&at) {
            return None;
        }
        let checks = (count as u64).wrapping_mul(check(identity) << 32);
        let fingerprints = tail.wrapping_sub(checks) as i64;
        let fingerprint = u32::try_from(fingerprints.checked_div(count)?).ok()?;
        (fingerprints % count == 0).then_some((count, identity, fingerprint))
    }

    fn cells_of(&self, identity: u128) -> [usize; PARTS] {
        let cells_per_part = self.cells.len() / PARTS;
        std::array::from_fn(|part| part * cells_per_part + place_in(identity, part, cells_per_part))
    }
}

/// 4 in 5 cells may be taken: the threshold of three cells per row is 0.818 (Molloy 2005).
fn cells_per_part(rows: usize) -> usize {
    (rows.div_ceil(PARTS) * 5).div_ceil(4)
}

/// Makes the sketch of rows of one side: adds those of the source, subtracts those of the warehouse.
pub struct Folder {
    side: Side,
    sketch: Sketch,
    /// Identities of rows that are yet to be added, each with the key's fingerprint above it.
    waiting: Vec<u128>,
}

/// Rows that are added at once; they wait in 4 MB.
const AT_ONCE: usize = 1 << 18;

impl Folder {
    /// Folds rows of `side` into `sketch`.
    pub fn new(side: Side, sketch: Sketch) -> Self {
        Self { side, sketch, waiting: Vec::new() }
    }

    /// Folds rows in.
    pub fn add(&mut self, rows: &[RowDigest]) {
        let proofs = rows.iter().map(|row| proof(self.side, row));
        self.sketch.balance = proofs.fold(self.sketch.balance, u128::wrapping_add);
        self.waiting.extend(rows.iter().map(|row| row.identity | u128::from(row.fingerprint) << 96));
        if self.waiting.len() >= AT_ONCE {
            self.add_waiting();
        }
    }

    /// The sketch of all rows that were folded in.
    pub fn finish(mut self) -> Sketch {
        self.add_waiting();
        self.sketch
    }

    /// Many rows at once and part by part: a part fits in the second-level cache, all three do not,
    /// and between two batches the loader uses every cache for itself. Batch by batch it took a tenth
    /// longer to load a night.
    fn add_waiting(&mut self) {
        let times = if self.side == Side::Source { 1 } else { -1 };
        let cells_per_part = self.sketch.cells.len() / PARTS;
        for (part, cells) in self.sketch.cells.chunks_exact_mut(cells_per_part).enumerate() {
            for row in &self.waiting {
                let (identity, fingerprint) = (row & IDENTITY, (row >> 96) as u32);
                cells[place_in(identity, part, cells_per_part)].add(times, identity, fingerprint);
            }
        }
        self.waiting.clear();
    }
}

/// The bits of an identity.
const IDENTITY: u128 = (1 << 96) - 1;

/// What a row adds to a balance.
pub fn proof(side: Side, row: &RowDigest) -> u128 {
    if side == Side::Source { row.proof } else { row.proof.wrapping_neg() }
}

/// The place of a row's cell within a part: a third of the identity, scaled.
fn place_in(identity: u128, part: usize, cells_per_part: usize) -> usize {
    let third = (identity >> (32 * part)) as u32;
    ((u64::from(third) * cells_per_part as u64) >> 32) as usize
}

/// 32 bits that the sum of several identities does not have in common with the sum of their
/// checks; the finish of MurmurHash3 mixes them.
fn check(identity: u128) -> u64 {
    let mut mixed = (identity ^ identity >> 48) as u64;
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed >> 32
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::end_to_end::Comparison;
    use crate::movement::{Columns, Field};

    /// Rows of an id, which is the key, and an account.
    pub fn batch(rows: &[(Option<&str>, Option<&str>)]) -> arrow_array::RecordBatch {
        let usual = crate::business::testing::batch(&format!("id\n{}", "x\n".repeat(rows.len())));
        let mut columns = usual.columns().to_vec();
        let ids = arrow_array::StringArray::from_iter(rows.iter().map(|row| row.0));
        let accounts = arrow_array::StringArray::from_iter(rows.iter().map(|row| row.1));
        columns[Field::Id.column()] = std::sync::Arc::new(ids);
        columns[Field::Account.column()] = std::sync::Arc::new(accounts);
        arrow_array::RecordBatch::try_new(usual.schema(), columns).unwrap()
    }

    pub fn plan() -> Vec<Comparison> {
        vec![Comparison { source: "core".to_owned(), key: vec![Field::Id], compare: vec![Field::Account] }]
    }

    /// Digests of rows that have a key and a value.
    pub fn digests(rows: &[(u64, u64)]) -> Vec<RowDigest> {
        let texts: Vec<_> = rows.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let rows: Vec<_> = texts.iter().map(|(key, value)| (Some(key.as_str()), Some(value.as_str()))).collect();
        let mut digests = Vec::new();
        let key = std::array::from_fn(|n| n as u8);
        Digester::new(&plan(), &key).digest(&Columns::of(&batch(&rows)), &vec![0; rows.len()], &mut digests);
        digests
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::digests;
    use super::*;

    fn folded(side: Side, room: usize, rows: &[RowDigest]) -> Sketch {
        let mut folder = Folder::new(side, Sketch::with_room_for(room));
        rows.chunks(1000).for_each(|rows| folder.add(rows));
        folder.finish()
    }

    #[test]
    fn as_many_differences_as_promised_are_read_off_and_many_more_are_not() {
        let rows = digests(&(0..200_000).map(|key| (key, 0)).collect::<Vec<_>>());
        for (differing, found) in [(0, true), (1, true), (CAPACITY, true), (2 * CAPACITY, false)] {
            let folded = |room| {
                let mut sketch = folded(Side::Source, room, &rows);
                sketch.merge(&folded(Side::Warehouse, room, &rows[differing..]));
                sketch
            };
            let sketch = folded(CAPACITY);
            let estimate = sketch.estimate();
            assert!(differing.abs_diff(estimate) <= differing / 20, "{differing} differing rows, not {estimate}");
            let keys = sketch.differing_keys();
            let expected: HashSet<u32> = rows[..differing].iter().map(|row| row.fingerprint).collect();
            assert_eq!(keys, found.then_some(&expected).cloned(), "{differing} differing rows");
            assert_eq!(folded(estimate.max(CAPACITY)).differing_keys(), Some(expected));
        }
    }

    #[test]
    fn the_parts_of_a_night_add_up_in_any_order() {
        let rows = digests(&(0..900).map(|n| (n / 2, 0)).collect::<Vec<_>>());
        let (source, warehouse): (Vec<_>, Vec<_>) = rows.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
        let mut parts = vec![folded(Side::Warehouse, CAPACITY, &warehouse)];
        parts.extend(source.chunks(101).map(|rows| folded(Side::Source, CAPACITY, rows)));
        parts.rotate_left(2);
        let mut sum = Sketch::default();
        parts.iter().for_each(|part| sum.merge(part));
        assert!(parts.iter().all(|part| *part != Sketch::default()) && sum == Sketch::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Against brute force: keys of which any row is there more often on one side.
        #[test]
        fn exactly_the_keys_whose_rows_differ(
            rows in prop::collection::vec((0..40u64, 0..3u64, 0..6usize, 0..6usize), 0..120),
        ) {
            let digests = digests(&rows.iter().map(|&(key, value, ..)| (key, value)).collect::<Vec<_>>());
            let (mut sources, mut copies) = (Vec::new(), Vec::new());
            let mut net = std::collections::BTreeMap::new();
            for ((key, value, source, warehouse), digest) in rows.into_iter().zip(digests) {
                sources.extend(vec![digest; source]);
                copies.extend(vec![digest; warehouse]);
                net.entry((key, value)).or_insert((0, digest.fingerprint)).0 += source as i64 - warehouse as i64;
            }
            let mut sketch = folded(Side::Source, 300, &sources);
            sketch.merge(&folded(Side::Warehouse, 300, &copies));
            let differing = net.into_values().filter(|(net, _)| *net != 0);
            let expected: HashSet<u32> = differing.map(|(_, fingerprint)| fingerprint).collect();
            prop_assert_eq!(expected.is_empty(), sketch.balance() == 0);
            prop_assert_eq!(sketch.differing_keys(), Some(expected));
        }
    }
}
