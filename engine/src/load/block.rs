//! Some records of an input, column by column.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef};
use arrow_schema::ArrowError;

use super::bytes::Taken;
use super::cell::texts;
use super::record::{Next, Record, Records, Refusal, Trailer, Unreadable};

/// Records of a block at most.
pub const BLOCK_ROWS: usize = 8192;
/// Bytes of text after which a block ends.
pub(super) const BLOCK_BYTES: usize = 8 << 20;

/// Some records of an input.
#[derive(Debug)]
pub struct Block {
    /// By 0-based position: the values of a column, one per record. Columns that nobody asked for
    /// are not there.
    pub columns: Vec<Option<ArrayRef>>,
    /// Records.
    pub rows: usize,
    /// Their numbers within the file.
    pub numbers: Numbers,
    /// Records that the reader refuses, by 0-based row, in order.
    pub refused: Vec<(usize, Refusal)>,
}

/// The 1-based numbers of a block's records.
#[derive(Debug)]
pub enum Numbers {
    /// One after the other, from this one on.
    From(u64),
    /// These.
    These(Vec<u64>),
}

impl Numbers {
    /// The number of the record in a 0-based row.
    pub fn get(&self, row: usize) -> u64 {
        match self {
            Self::From(first) => first + row as u64,
            Self::These(numbers) => numbers.get(row).copied().unwrap_or_default(),
        }
    }
}

impl Block {
    /// The values of a column, if it was asked for and is there.
    pub fn column(&self, position: usize) -> Option<&ArrayRef> {
        self.columns.get(position)?.as_ref()
    }

    /// Writes row `row` as text into `record`.
    pub fn write(&self, row: usize, record: &mut Record) -> Result<(), ArrowError> {
        record.clear();
        for column in &self.columns {
            let text = column.as_ref().map(|column| texts(&column.slice(row, 1))).transpose()?;
            record.push(text.as_ref().filter(|text| text.is_valid(0)).map(|text| text.value(0)));
        }
        Ok(())
    }
}

/// The columns of a block: each of `values` at the 0-based position that `wanted` names for it.
pub(super) fn placed(wanted: &[usize], values: impl IntoIterator<Item = ArrayRef>) -> Vec<Option<ArrayRef>> {
    let mut columns = vec![None; wanted.iter().max().map_or(0, |last| last + 1)];
    wanted.iter().zip(values).for_each(|(&column, values)| columns[column] = Some(values));
    columns
}

/// A format's reader.
pub trait Blocks {
    /// Column names by position; empty where the format has none. `None`: a file that should
    /// begin with them has nothing at all.
    fn header(&self) -> Option<&[String]>;

    /// The next records, at most [`BLOCK_ROWS`], of which the 0-based columns `wanted` are needed, the same ones in
    /// each call; `None` at the end.
    fn next(&mut self, wanted: &[usize]) -> Result<Option<Block>, Unreadable>;

    /// How many bytes of the file are taken so far.
    fn taken(&self) -> u64;

    /// The trailer record, once the end has been reached.
    fn trailer(&mut self) -> Option<Trailer> {
        None
    }

    /// Names of columns of binary floating-point numbers, which cannot hold amounts.
    fn float_columns(&self) -> &[String] {
        &[]
    }
}

/// Blocks of the records that another reader reads one by one.
pub struct Gathered<R> {
    records: R,
    taken: Taken,
    read: u64,
    record: Record,
    texts: Vec<StringBuilder>,
}

impl<R: Records> Gathered<R> {
    /// Gathers `records`.
    pub fn new(records: R, taken: Taken) -> Self {
        Self { records, taken, read: 0, record: Record::default(), texts: Vec::new() }
    }
}

impl<R: Records> Blocks for Gathered<R> {
    fn header(&self) -> Option<&[String]> {
        self.records.header()
    }

    fn next(&mut self, wanted: &[usize]) -> Result<Option<Block>, Unreadable> {
        self.texts.resize_with(wanted.len(), StringBuilder::new);
        let (mut rows, mut bytes, mut refused) = (0, 0, Vec::new());
        while rows < BLOCK_ROWS && bytes < BLOCK_BYTES {
            match self.records.next(&mut self.record)? {
                Next::End => break,
                Next::Refused(refusal) => refused.push((rows, refusal)),
                Next::Record => {}
            }
            for (texts, &column) in self.texts.iter_mut().zip(wanted) {
                texts.append_option(self.record.get(column));
            }
            rows += 1;
            bytes += self.record.bytes() as usize;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = placed(wanted, self.texts.iter_mut().map(|texts| Arc::new(texts.finish()) as ArrayRef));
        let numbers = Numbers::From(self.read + 1);
        self.read += rows as u64;
        Ok(Some(Block { columns, rows, numbers, refused }))
    }

    fn taken(&self) -> u64 {
        self.taken.get()
    }

    fn trailer(&mut self) -> Option<Trailer> {
        self.records.trailer()
    }
}
