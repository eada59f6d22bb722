//! Both sides as cells: a warehouse that is asked for sums, not for rows.
//!
//! A warehouse that can compute MD5 puts its own rows into cells and sends, per cell, how many there
//! are and two sums of their digests. The same is computed over the sources' movements. Only rows of
//! cells that differ are then fetched and compared one by one; all others agree.
//!
//! # The cells
//!
//! With `text` a canonical text (see [`canonical`]) and `salt` 32 hex digits, drawn afresh for each
//! run:
//!
//! - the cell of a row is the number that the first 4 or 5 hex digits of `md5(salt k key)` make, `key`
//!   the text of its source and key, or of all that is compared where it has no key;
//! - its two summands are the hex digits 1 to 15 and 16 to 30 of `md5(salt r row)`, as numbers of 60
//!   bits, `row` the text of its source, its key, what is compared, its currency and its amount. These
//!   two count even where they are not compared, so that both sides of equal cells move the same money;
//! - a row that would be refused has the summands of `md5(salt ! row)`, which no movement has;
//! - rows of no source that was loaded share a cell of their own, one past the last.
//!
//! # What may go unnoticed
//!
//! Take `md5` behind a secret, random prefix for a random function. (Whoever prepares colliding rows
//! for MD5 needs the state that they begin in; here it comes of 128 bits that are drawn when the rows
//! are there already.) A difference goes unnoticed only if some cell holds other rows on either side
//! and yet the same count and sums. Let `m_i`, not 0, be by how many the sides differ in the row
//! `x_i` of that cell. Both sums of `m_i * h(x_i)` must then be 0, as integers. Whatever the digests
//! of the other rows are, that of `x_1` has to hit one value in each of its halves: probability at
//! most 2^-60 each, and 2^-120 together, since halves of one random output are independent. The cells
//! come of other inputs (`k`, not `r`), and so tell nothing of the summands. With at most 2^20 + 1
//! cells, the probability that any difference goes unnoticed is below 2^-99, however many rows there
//! are. Two different rows with one digest are among these cases.

pub mod canonical;
mod table;

use md5::{Digest, Md5};

use crate::end_to_end::Comparison;
use crate::movement::{Columns, Field};
use canonical::Writer;
pub use table::{Sums, Table};

/// Source movements from which on a cell takes one more hex digit.
const MANY: u64 = 4_000_000;

/// Hex digits of a digest that make a summand.
pub const HALF: usize = 15;

/// How rows are put into cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    salt: String,
    digits: u32,
}

impl Grid {
    /// Cells for a day of so many source movements; `random` is fresh for each run.
    pub fn new(random: [u8; 16], movements: u64) -> Self {
        Self { salt: hex(&random), digits: if movements > MANY { 5 } else { 4 } }
    }

    /// What every digest begins with: 32 hex digits.
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// Hex digits of a digest that make a cell.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// The cell of rows of no source that was loaded: one past the last of the others.
    pub fn others(&self) -> u32 {
        1 << (4 * self.digits)
    }
}

/// The fields by which a row of a source is put into its cell, and those that its summands are made of.
/// The source itself comes before either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Its key, or all that is compared where it has none.
    pub key: Vec<Field>,
    /// Its key, what is compared, and the money it moves.
    pub row: Vec<Field>,
}

impl Fields {
    /// Of the rows of a source.
    pub fn of(comparison: &Comparison) -> Self {
        let Comparison { key, compare, .. } = comparison;
        let mut row = key.clone();
        for field in compare.iter().chain(&[Field::Currency, Field::Amount]) {
            if !row.contains(field) {
                row.push(*field);
            }
        }
        Self { key: if key.is_empty() { compare.clone() } else { key.clone() }, row }
    }
}

/// Where a row goes, and what it adds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summand {
    /// The cell.
    pub cell: u32,
    /// Its two numbers of 60 bits.
    pub halves: [u64; 2],
}

/// Puts movements into cells.
pub struct Celler {
    salted: Md5,
    shift: u32,
    fields: Vec<Fields>,
    writer: Writer,
}

impl Celler {
    /// Puts rows of the sources of `plan` into the cells of `grid`.
    pub fn new(plan: &[Comparison], grid: &Grid) -> Self {
        Self {
            salted: Md5::new_with_prefix(grid.salt()),
            shift: 32 - 4 * grid.digits(),
            fields: plan.iter().map(Fields::of).collect(),
            writer: Writer::default(),
        }
    }

    /// The cell and summands of a row of the source with that 0-based place in the plan.
    pub fn summand(&mut self, columns: &Columns<'_>, row: usize, source: u16) -> Summand {
        let Fields { key, row: all } = &self.fields[usize::from(source)];
        let digest = |tag: &[u8], text: &[u8]| {
            let digest: [u8; 16] = self.salted.clone().chain_update(tag).chain_update(text).finalize().into();
            u128::from_be_bytes(digest)
        };
        let cell = (digest(b"k", self.writer.write(columns, row, key)) >> 96) as u32 >> self.shift;
        let digest = digest(b"r", self.writer.write(columns, row, all));
        let half = |from: usize| (digest >> (128 - 4 * (from + HALF))) as u64 & ((1 << (4 * HALF)) - 1);
        Summand { cell, halves: [half(0), half(HALF)] }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
