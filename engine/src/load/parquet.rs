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
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

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
    /// Opens the file and reads its schema.
    pub fn new(path: &Path, limits: &Limits) -> Result<Self, Unreadable> {
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
        Ok(Self {
            reader: builder.with_batch_size(8192).build().map_err(|e| unreadable(&e))?,
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            floats: schema.fields().iter().filter(|f| is_float(f.data_type())).map(|f| f.name().clone()).collect(),
            most: limits.record_bytes,
            columns: Vec::new(),
            rows: 0,
            row: 0,
            read: 0,
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
