//! Apache Parquet.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_schema::{DataType, SchemaRef};
use cuadre_rules::config::Limits;
use cuadre_rules::said;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};

use super::Part;
use super::block::{BLOCK_ROWS, Block, Blocks, Numbers, placed};
use super::bytes::{most_expanded, too_expanded, too_large};
use super::record::Unreadable;

/// Reads the rows of a Parquet file.
pub struct ParquetBlocks {
    file: File,
    metadata: ArrowReaderMetadata,
    groups: Option<Range<usize>>,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows of the part that alone are read: 0-based, in order; all of them where `None`.
    selected: Option<Vec<usize>>,
    names: Vec<String>,
    floats: Vec<String>,
    most: u64,
    /// Records of the file before the part.
    before: u64,
    /// Rows of the part that are read, and all of its rows and bytes.
    rows: u64,
    all_rows: u64,
    bytes: u64,
}

impl ParquetBlocks {
    /// Opens the file to read a part of it.
    pub fn new(path: &Path, part: &Part, limits: &Limits) -> Result<Self, Unreadable> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Unreadable(said!("not a readable Parquet file: {error}", "no es un archivo Parquet legible: «{error}»"))
        };
        let file = File::open(path).map_err(|e| unreadable(&e))?;
        let compressed = file.metadata().map_err(|e| unreadable(&e))?.len();
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(|e| unreadable(&e))?;
        let sizes = metadata.metadata().row_groups().iter().map(|group| group.total_byte_size().unsigned_abs());
        let most = most_expanded(compressed, limits);
        if sizes.fold(0, u64::saturating_add) > most {
            return Err(too_expanded(most));
        }
        let schema: SchemaRef = metadata.schema().clone();
        let (groups, before) = match part {
            Part::Whole => (None, 0),
            Part::RowGroups { groups, before } => (Some(groups.clone()), *before),
        };
        let all = metadata.metadata().row_groups();
        let chosen = groups.clone().map_or(all, |groups| &all[groups]);
        Ok(Self {
            rows: 0,
            all_rows: chosen.iter().map(|group| group.num_rows().unsigned_abs()).sum(),
            bytes: chosen.iter().map(|group| group.compressed_size().unsigned_abs()).sum(),
            file,
            metadata,
            groups,
            reader: None,
            selected: None,
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            floats: schema.fields().iter().filter(|f| is_float(f.data_type())).map(|f| f.name().clone()).collect(),
            most: limits.record_bytes,
            before,
        })
    }

    /// Reads the given rows of the part alone; they are 0-based and in order.
    pub fn select(self, rows: Vec<usize>) -> Self {
        Self { selected: Some(rows), ..self }
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Unreadable {
        Unreadable::quoting(error).after(self.before + self.rows)
    }

    fn open(&self, wanted: &[usize]) -> Result<ParquetRecordBatchReader, Unreadable> {
        let file = self.file.try_clone().map_err(|e| self.failed(&e))?;
        let columns = wanted.iter().copied().filter(|&column| column < self.names.len());
        let mask = ProjectionMask::roots(self.metadata.metadata().file_metadata().schema_descr(), columns);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let builder = builder.with_projection(mask).with_batch_size(BLOCK_ROWS);
        let builder = match &self.groups {
            Some(groups) => builder.with_row_groups(groups.clone().collect()),
            None => builder,
        };
        let builder = match &self.selected {
            Some(rows) => {
                let ranges = rows.iter().map(|&row| row..row + 1);
                builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, self.all_rows as usize))
            }
            None => builder,
        };
        builder.build().map_err(|e| self.failed(&e))
    }
}

impl Blocks for ParquetBlocks {
    fn header(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn next(&mut self, wanted: &[usize]) -> Result<Option<Block>, Unreadable> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.open(wanted)?,
        };
        let batch = match self.reader.insert(reader).next() {
            None => return Ok(None),
            Some(Err(error)) => return Err(self.failed(&error)),
            Some(Ok(batch)) => batch,
        };
        if let Some(row) = too_large_row(batch.columns(), self.most) {
            return Err(too_large(self.most).after(self.before + self.rows + row as u64));
        }
        let numbers = match &self.selected {
            None => Numbers::From(self.before + self.rows + 1),
            Some(rows) => {
                let these = rows.iter().skip(self.rows as usize).take(batch.num_rows());
                Numbers::These(these.map(|&row| self.before + row as u64 + 1).collect())
            }
        };
        self.rows += batch.num_rows() as u64;
        // Those past the last column are not there: `wanted` is in order.
        let columns = placed(wanted, batch.columns().iter().cloned());
        Ok(Some(Block { columns, rows: batch.num_rows(), numbers, refused: Vec::new() }))
    }

    fn taken(&self) -> u64 {
        let taken = u128::from(self.bytes) * u128::from(self.rows) / u128::from(self.all_rows.max(1));
        taken as u64
    }

    fn float_columns(&self) -> &[String] {
        &self.floats
    }
}

/// The first row with more than `most` bytes of text.
fn too_large_row(columns: &[arrow_array::ArrayRef], most: u64) -> Option<usize> {
    let texts: Vec<_> = columns.iter().filter_map(|column| column.as_string_opt::<i32>()).collect();
    let bytes: usize = texts.iter().map(|texts| texts.value_data().len()).sum();
    if bytes as u64 <= most {
        return None;
    }
    let rows = columns.first().map_or(0, |column| column.len());
    (0..rows).find(|&row| texts.iter().map(|texts| texts.value_length(row) as u64).sum::<u64>() > most)
}

/// Rows that are worth a thread of their own.
const PART_ROWS: u64 = 1 << 19;

/// Parts of whole row groups; `None` where the file cannot be read.
pub fn parts(path: &Path) -> Option<Vec<Part>> {
    let metadata = ArrowReaderMetadata::load(&File::open(path).ok()?, ArrowReaderOptions::default()).ok()?;
    let groups = metadata.metadata().row_groups();
    let parts = parted(groups.iter().map(|group| group.num_rows().unsigned_abs()));
    (!parts.is_empty()).then_some(parts)
}

/// Groups of `sizes` rows, put together until a part is large enough.
fn parted(sizes: impl Iterator<Item = u64>) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut first, mut before, mut rows) = (0, 0, 0);
    let mut sizes = sizes.enumerate().peekable();
    while let Some((n, size)) = sizes.next() {
        rows += size;
        if rows >= PART_ROWS || sizes.peek().is_none() {
            parts.push(Part::RowGroups { groups: first..n + 1, before });
            (first, before, rows) = (n + 1, before + rows, 0);
        }
    }
    parts
}

fn is_float(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_float(values),
        DataType::RunEndEncoded(_, values) => is_float(values.data_type()),
        other => other.is_floating(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[test]
    fn parts_are_whole_row_groups_and_large_enough() {
        let part = |groups, before| Part::RowGroups { groups, before };
        assert_eq!(parted([].into_iter()), []);
        assert_eq!(parted([3, 0].into_iter()), [part(0..2, 0)]);
        let half = PART_ROWS / 2;
        assert_eq!(
            parted([half, half, PART_ROWS + 1, 5].into_iter()),
            [part(0..2, 0), part(2..3, PART_ROWS), part(3..4, 2 * PART_ROWS + 1)]
        );
    }

    #[test]
    fn a_part_is_read_by_itself() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let batch = |from: i64| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 10));
            RecordBatch::try_from_iter([("n", column)]).unwrap()
        };
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch(0).schema(), None).unwrap();
        for from in [0, 10, 20] {
            writer.write(&batch(from)).unwrap();
            writer.flush().unwrap();
        }
        writer.close().unwrap();
        let part = Part::RowGroups { groups: 1..3, before: 10 };
        let mut blocks = ParquetBlocks::new(file.path(), &part, &Limits::default()).unwrap();
        let mut read = Vec::new();
        while let Some(block) = blocks.next(&[0]).unwrap() {
            read.extend(block.column(0).unwrap().as_primitive::<Int64Type>().values().iter().copied());
        }
        assert_eq!(read, (10..30).collect::<Vec<_>>());
        assert_eq!(parts(file.path()), Some(vec![Part::RowGroups { groups: 0..3, before: 0 }]));
    }
}
