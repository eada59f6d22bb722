//! Rows of a database as a Parquet file of text columns: the same rows give the same bytes.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

const BATCH_ROWS: usize = 8192;

/// Writes a snapshot row by row.
pub struct SnapshotWriter {
    writer: ArrowWriter<File>,
    schema: Arc<Schema>,
    columns: Vec<StringBuilder>,
    rows: usize,
}

impl SnapshotWriter {
    /// Begins a snapshot with these columns.
    pub fn create(path: &Path, names: &[String]) -> Result<Self, ParquetError> {
        let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by("cuadre".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(File::create(path)?, Arc::clone(&schema), Some(properties))?;
        Ok(Self { writer, schema, columns: names.iter().map(|_| StringBuilder::new()).collect(), rows: 0 })
    }

    /// Appends a row of as many cells as there are columns.
    pub fn push(&mut self, cells: impl Iterator<Item = Option<String>>) -> Result<(), ParquetError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.append_option(cell);
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let columns = self.columns.iter_mut().map(|column| -> ArrayRef { Arc::new(column.finish()) }).collect();
        self.rows = 0;
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), ParquetError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.writer.close().map(drop)
    }
}
