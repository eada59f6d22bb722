//! Apache Parquet, each cell as text: decimals exactly, dates and instants in ISO form.

use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::{Array, ArrayRef, LargeStringArray, make_array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, SchemaRef};
use cuadre_rules::config::Limits;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::Part;
use super::bytes::{most_expanded, too_expanded, too_large};
use super::record::{Next, Record, Records, Unreadable};

/// Reads the rows of a Parquet file.
pub struct ParquetRecords {
    reader: ParquetRecordBatchReader,
    names: Vec<String>,
    floats: Vec<String>,
    most: u64,
    columns: Vec<LargeStringArray>,
    rows: usize,
    row: usize,
    read: u64,
}

impl ParquetRecords {
    /// Opens the file to read a part of it.
    pub fn new(path: &Path, part: &Part, limits: &Limits) -> Result<Self, Unreadable> {
        let unreadable = |error: &dyn std::fmt::Display| Unreadable(format!("not a readable Parquet file: {error}"));
        let file = File::open(path).map_err(|e| unreadable(&e))?;
        let compressed = file.metadata().map_err(|e| unreadable(&e))?.len();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(&e))?;
        let sizes = builder.metadata().row_groups().iter().map(|group| group.total_byte_size().unsigned_abs());
        let most = most_expanded(compressed, limits);
        if sizes.fold(0, u64::saturating_add) > most {
            return Err(Unreadable(too_expanded(most)));
        }
        let schema: SchemaRef = builder.schema().clone();
        let (builder, before) = match part {
            Part::Whole => (builder, 0),
            Part::RowGroups { groups, before } => (builder.with_row_groups(groups.clone().collect()), *before),
        };
        Ok(Self {
            reader: builder.with_batch_size(8192).build().map_err(|e| unreadable(&e))?,
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            floats: schema.fields().iter().filter(|f| is_float(f.data_type())).map(|f| f.name().clone()).collect(),
            most: limits.record_bytes,
            columns: Vec::new(),
            rows: 0,
            row: 0,
            read: before,
        })
    }
}

impl Records for ParquetRecords {
    fn header(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn next(&mut self, record: &mut Record) -> Result<Next, Unreadable> {
        while self.row == self.rows {
            let failed = |error: &dyn std::fmt::Display| Unreadable(format!("after record {}: {error}", self.read));
            match self.reader.next() {
                None => return Ok(Next::End),
                Some(Err(error)) => return Err(failed(&error)),
                Some(Ok(batch)) => {
                    self.columns =
                        batch.columns().iter().map(texts).collect::<Result<_, _>>().map_err(|e| failed(&e))?;
                    (self.rows, self.row) = (batch.num_rows(), 0);
                }
            }
        }
        record.clear();
        for column in &self.columns {
            record.push(column.is_valid(self.row).then(|| column.value(self.row)));
        }
        if record.bytes() > self.most {
            return Err(Unreadable(format!("after record {}: {}", self.read, too_large(self.most))));
        }
        self.row += 1;
        self.read += 1;
        Ok(Next::Record)
    }

    fn float_columns(&self) -> &[String] {
        &self.floats
    }
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

fn texts(column: &ArrayRef) -> Result<LargeStringArray, ArrowError> {
    let column = &in_utc(column)?;
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let mut texts = LargeStringBuilder::with_capacity(column.len(), column.len() * 12);
    for row in 0..column.len() {
        match column.is_null(row) {
            true => texts.append_null(),
            false => {
                write!(texts, "{}", formatter.value(row)).map_err(|_| ArrowError::CastError("no text form".into()))?;
                texts.append_value("");
            }
        }
    }
    Ok(texts.finish())
}

/// Instants of any named zone, shown in UTC: the values are the same, and no zone need be known.
fn in_utc(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let data = column.to_data().into_builder();
            Ok(make_array(data.data_type(DataType::Timestamp(*unit, Some("+00:00".into()))).build()?))
        }
        _ => Ok(Arc::clone(column)),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, RecordBatch};
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
        let mut records = ParquetRecords::new(file.path(), &part, &Limits::default()).unwrap();
        let mut record = Record::default();
        let mut read = Vec::new();
        while let Next::Record = records.next(&mut record).unwrap() {
            read.push(record.get(0).unwrap().parse::<i64>().unwrap());
        }
        assert_eq!(read, (10..30).collect::<Vec<_>>());
        assert_eq!(parts(file.path()), Some(vec![Part::RowGroups { groups: 0..3, before: 0 }]));
    }
}
