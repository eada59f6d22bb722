//! Silver: canonical movements staged as Parquet, refused records beside them.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{
    Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use cuadre_rules::exception::Evidence;
use cuadre_rules::movement::{FILE_COLUMN, Field, RECORD_COLUMN, schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::mapping::Mapped;
use crate::error::EngineError;
use crate::reconcile::fold::FileFold;

const BATCH_ROWS: usize = 8192;
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Writes the movements of one file, and folds them while they are in hand.
pub struct MovementStage<'a> {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    texts: [StringBuilder; Field::ALL.len()],
    booked_on: Date32Builder,
    booked_at: TimestampMicrosecondBuilder,
    amount: Decimal128Builder,
    file: Int32Builder,
    record: Int64Builder,
    rows: usize,
    fold: FileFold<'a>,
}

impl<'a> MovementStage<'a> {
    /// Begins a staged file at `path`.
    pub fn create(path: &Path, scale: u32, fold: FileFold<'a>) -> Result<Self, EngineError> {
        let schema = schema(scale);
        let file = File::create(path).map_err(|e| EngineError::io("staging movements", path, e))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties())).map_err(EngineError::bug)?;
        let amount = Decimal128Builder::new().with_data_type(schema.field(Field::Amount.column()).data_type().clone());
        let DataType::Timestamp(_, zone) = schema.field(Field::BookedAt.column()).data_type().clone() else {
            return Err(EngineError::bug("booked_at is staged as a timestamp"));
        };
        Ok(Self {
            path: path.to_owned(),
            schema,
            writer,
            texts: std::array::from_fn(|_| StringBuilder::new()),
            booked_on: Date32Builder::new(),
            booked_at: TimestampMicrosecondBuilder::new().with_timezone_opt(zone),
            amount,
            file: Int32Builder::new(),
            record: Int64Builder::new(),
            rows: 0,
            fold,
        })
    }

    /// Appends a movement; `file` is the 0-based index of its input, `record` is 1-based.
    pub fn append(&mut self, movement: &Mapped<'_>, file: u32, record: u64) -> Result<(), EngineError> {
        for field in Field::ALL {
            let text = match field {
                Field::BookedOn | Field::BookedAt | Field::Amount => continue,
                Field::Currency => Some(movement.currency.code()),
                _ => movement.texts[field.column()],
            };
            self.texts[field.column()].append_option(text);
        }
        self.booked_on.append_value(movement.booked_on);
        self.booked_at.append_option(movement.booked_at);
        self.amount.append_value(movement.minor);
        self.file.append_value(file as i32);
        self.record.append_value(record as i64);
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        let columns = (0..self.schema.fields().len()).map(|column| -> ArrayRef {
            match column {
                FILE_COLUMN => Arc::new(self.file.finish()),
                RECORD_COLUMN => Arc::new(self.record.finish()),
                _ if column == Field::BookedOn.column() => Arc::new(self.booked_on.finish()),
                _ if column == Field::BookedAt.column() => Arc::new(self.booked_at.finish()),
                _ if column == Field::Amount.column() => Arc::new(self.amount.finish()),
                _ => Arc::new(self.texts[column].finish()),
            }
        });
        let columns = columns.collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(EngineError::bug)?;
        self.rows = 0;
        self.fold.add(&batch)?;
        self.writer.write(&batch).map_err(|error| self.failed(error))
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), EngineError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.writer.close().map_err(|error| failed(&self.path, error))?;
        self.fold.finish()
    }

    fn failed(&self, error: parquet::errors::ParquetError) -> EngineError {
        failed(&self.path, error)
    }
}

/// Fields of which a day has few distinct values.
const FEW_VALUES: [Field; 5] = [Field::Source, Field::BookedOn, Field::Branch, Field::Kind, Field::Currency];

/// A staged file is read within minutes, by us: compression, statistics, and dictionaries of values
/// that hardly repeat took a third of a load.
fn properties() -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false);
    let few = FEW_VALUES.iter().map(|field| field.name());
    few.fold(builder, |builder, name| builder.set_column_dictionary_enabled(name.into(), true)).build()
}

fn failed(path: &Path, error: parquet::errors::ParquetError) -> EngineError {
    EngineError::io("staging movements", path, std::io::Error::other(error))
}

/// The batches of a staged file, in record order.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch, EngineError>> + use<>, EngineError> {
    read_rows(path, None)
}

/// The same, of the given 0-based rows alone, which must be in order; of all rows where `None`.
pub fn read_rows(
    path: &Path,
    rows: Option<&[usize]>,
) -> Result<impl Iterator<Item = Result<RecordBatch, EngineError>> + use<>, EngineError> {
    let file = File::open(path).map_err(|e| EngineError::io("reading staged movements", path, e))?;
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(EngineError::bug)?;
    if let Some(rows) = rows {
        let total = usize::try_from(builder.metadata().file_metadata().num_rows()).map_err(EngineError::bug)?;
        let ranges = rows.iter().map(|&row| row..row + 1);
        builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, total));
    }
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(EngineError::bug)?;
    Ok(reader.map(|batch| batch.map_err(EngineError::bug)))
}

/// A list of evidence rows on disk, so that a night of nothing but breaks fits in memory.
pub struct EvidenceSpool {
    path: PathBuf,
    out: BufWriter<File>,
    rows: u64,
}

impl EvidenceSpool {
    /// Begins a list at `path`.
    pub fn create(path: &Path) -> Result<Self, EngineError> {
        let file = File::create(path).map_err(|e| EngineError::io("listing evidence", path, e))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file), rows: 0 })
    }

    /// Appends a row.
    pub fn push(&mut self, row: &Evidence) -> Result<(), EngineError> {
        self.rows += 1;
        serde_json::to_writer(&mut self.out, row)
            .map_err(std::io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|e| EngineError::io("listing evidence", &self.path, e))
    }

    /// Ends the list.
    pub fn finish(mut self) -> Result<EvidenceList, EngineError> {
        self.out.flush().map_err(|e| EngineError::io("listing evidence", &self.path, e))?;
        Ok(EvidenceList { path: self.path, rows: self.rows })
    }
}

/// A finished list of evidence rows.
#[derive(Debug, Clone)]
pub struct EvidenceList {
    path: PathBuf,
    /// Number of rows.
    pub rows: u64,
}

impl EvidenceList {
    /// The rows, in order.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<Evidence, EngineError>> + use<>, EngineError> {
        let path = self.path.clone();
        let file = File::open(&path).map_err(|e| EngineError::io("reading evidence", &path, e))?;
        Ok(BufReader::new(file).lines().map(move |line| {
            let line = line.map_err(|e| EngineError::io("reading evidence", &path, e))?;
            serde_json::from_str(&line).map_err(EngineError::bug)
        }))
    }
}
