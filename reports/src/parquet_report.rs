//! `report.parquet`: the movements with real types.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use arrow_select::coalesce::BatchCoalescer;
use cuadre_rules::config::Report;
use cuadre_rules::config::report::ReportColumn;
use cuadre_rules::movement;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

use crate::{ReportError, batch};

/// Rows that are encoded at once. The encoder decides on pages and dictionaries between such
/// batches, so their size is fixed, whatever batches the rows come in.
const BATCH_ROWS: usize = 16 << 10;
/// Rows of a row group: the unit that is held in memory. A whole number of batches.
const ROW_GROUP_ROWS: usize = 16 * BATCH_ROWS;
const ZSTD_LEVEL: i32 = 3;

/// `report.parquet` in the making: the columns of the layout in its order and with its names; texts
/// as UTF-8, dates as DATE, instants as TIMESTAMP in UTC microseconds, amounts as
/// DECIMAL(28, `scale`). Settings that concern text alone (delimiter, formats, encoding,
/// neutralising) do not apply. The bytes depend on the rows alone, not on how they are batched.
pub struct ParquetReport<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    /// Makes the encoders of a row group.
    encoders: ArrowRowGroupWriterFactory,
    group: Group,
    rows: BatchCoalescer,
    /// Columns of [`movement::schema`], in the order of the layout.
    columns: Vec<usize>,
    scale: u32,
}

/// The row group in the making: an encoder per column.
#[derive(Default)]
struct Group {
    rows: usize,
    columns: Vec<ArrowColumnWriter>,
}

impl<W: Write + Send> ParquetReport<W> {
    /// Starts a report; `scale` is the day's, that of the amounts in its batches.
    ///
    /// # Errors
    /// [`ReportError::Io`], [`ReportError::Parquet`].
    pub fn new(layout: &Report, scale: u32, out: W) -> Result<Self, ReportError> {
        let canonical = movement::schema(scale);
        let columns: Vec<usize> = layout.columns.iter().map(|column| column.field.column()).collect();
        let named = |column: &ReportColumn| canonical.field(column.field.column()).clone().with_name(column.name());
        let schema = Arc::new(Schema::new(layout.columns.iter().map(named).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_created_by("cuadre".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options)?;
        let (writer, encoders) = writer.into_serialized_writer()?;
        Ok(Self {
            writer,
            encoders,
            group: Group::default(),
            rows: BatchCoalescer::new(schema, BATCH_ROWS),
            columns,
            scale,
        })
    }

    /// Adds the movements of a batch of [`movement::schema`].
    ///
    /// # Errors
    /// [`ReportError::Batch`], [`ReportError::Io`], [`ReportError::Parquet`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        batch::check(batch, self.scale)?;
        let columns = self.columns.iter().map(|&at| Arc::clone(batch.column(at))).collect();
        self.rows.push_batch(RecordBatch::try_new(self.rows.schema(), columns)?)?;
        self.encode()
    }

    /// Ends the report.
    ///
    /// # Errors
    /// [`ReportError::Io`], [`ReportError::Parquet`].
    pub fn finish(mut self) -> Result<W, ReportError> {
        self.rows.finish_buffered_batch()?;
        self.encode()?;
        self.end_group()?;
        // Only the footer is left to write. The writer turns an I/O error there into words.
        let mut out = self.writer.into_inner().map_err(|error| match error.into() {
            ReportError::Parquet(error) => ReportError::Io(io::Error::other(error)),
            error => error,
        })?;
        out.flush()?;
        Ok(out)
    }

    /// Encodes the batches that are complete, a core a column.
    fn encode(&mut self) -> Result<(), ReportError> {
        while let Some(batch) = self.rows.next_completed_batch() {
            if self.group.columns.is_empty() {
                self.group.columns = self.encoders.create_column_writers(self.writer.flushed_row_groups().len())?;
            }
            let schema = batch.schema();
            let columns = self.group.columns.par_iter_mut().zip(&schema.fields()[..]).zip(batch.columns());
            columns.try_for_each(|((encoder, field), values)| -> Result<(), ReportError> {
                Ok(compute_leaves(field, values)?.iter().try_for_each(|leaf| encoder.write(leaf))?)
            })?;
            self.group.rows += batch.num_rows();
            if self.group.rows == ROW_GROUP_ROWS {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ReportError> {
        let Group { rows, columns } = std::mem::take(&mut self.group);
        if rows == 0 {
            return Ok(());
        }
        let chunks: Result<Vec<_>, _> = columns.into_par_iter().map(ArrowColumnWriter::close).collect();
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks? {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use arrow_schema::{DataType, TimeUnit};
    use arrow_select::concat::concat_batches;
    use cuadre_rules::movement::Field;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::testing::{Movement, batch, layout};

    fn rendered(layout: &Report, whole: &RecordBatch, rows_per_batch: usize) -> Vec<u8> {
        let mut report = ParquetReport::new(layout, 2, Vec::new()).unwrap();
        let rows = whole.num_rows();
        for start in (0..rows).step_by(rows_per_batch) {
            report.write(&whole.slice(start, rows_per_batch.min(rows - start))).unwrap();
        }
        report.finish().unwrap()
    }

    fn reader(bytes: Vec<u8>) -> ParquetRecordBatchReaderBuilder<File> {
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), bytes).unwrap();
        ParquetRecordBatchReaderBuilder::try_new(path.reopen().unwrap()).unwrap()
    }

    fn movements(rows: usize) -> RecordBatch {
        let movement = |n: usize| Movement {
            source: if n.is_multiple_of(3) { "core" } else { "cards" },
            id: (!n.is_multiple_of(5)).then_some("A-1"),
            booked_at: n.is_multiple_of(2).then_some("2026-11-21T18:00:00.000001Z"),
            description: (!n.is_multiple_of(7)).then(|| format!("Peña {}", n * 7_919 % 40_000)),
            ..Movement::of(n as i128 * 1_000_003 - 5_000_000, "MXN")
        };
        batch(2, &(0..rows).map(movement).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_written_reads_back() {
        let whole = movements(1_000);
        let fields = ["amount as importe", "booked_on", "source as origen", "booked_at", "description"];
        let read = reader(rendered(&layout(&fields), &whole, 300));
        let created_by = read.metadata().file_metadata().created_by();
        assert_eq!(created_by, Some("cuadre"));
        assert!(read.metadata().file_metadata().key_value_metadata().is_none(), "nothing volatile");
        let schema = Arc::clone(read.schema());
        let columns: Vec<_> = schema.fields().iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
        let expected = [
            ("importe", DataType::Decimal128(28, 2)),
            ("booked_on", DataType::Date32),
            ("origen", DataType::Utf8),
            ("booked_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            ("description", DataType::Utf8),
        ];
        assert_eq!(columns, expected);
        let batches: Vec<_> = read.build().unwrap().collect::<Result<_, _>>().unwrap();
        let found = concat_batches(&schema, &batches).unwrap();
        let fields = [Field::Amount, Field::BookedOn, Field::Source, Field::BookedAt, Field::Description];
        for (n, field) in fields.into_iter().enumerate() {
            assert_eq!(found.column(n), whole.column(field.column()), "{field}");
        }
    }

    #[test]
    fn bytes_do_not_depend_on_batches() {
        let rows = ROW_GROUP_ROWS + BATCH_ROWS + 77;
        let whole = movements(rows);
        let layout = layout(&["source", "id", "booked_at", "amount", "description"]);
        let expected = rendered(&layout, &whole, rows);
        assert_eq!(reader(expected.clone()).metadata().num_row_groups(), 2);
        for rows_per_batch in [1_000, BATCH_ROWS + 1, 100_000] {
            assert!(rendered(&layout, &whole, rows_per_batch) == expected, "{rows_per_batch} rows per batch");
        }
        let few = movements(50);
        assert!(rendered(&layout, &few, 1) == rendered(&layout, &few, 50), "1 row per batch");
    }

    #[test]
    fn a_day_without_movements_has_its_columns() {
        let read = reader(rendered(&layout(&["source", "amount"]), &movements(0), 1));
        assert_eq!(read.schema().fields().len(), 2);
        assert_eq!(read.metadata().file_metadata().num_rows(), 0);
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let written = ParquetReport::new(&layout(&["amount"]), 2, Full).and_then(|mut report| {
            report.write(&movements(10))?;
            report.finish()
        });
        assert!(matches!(written.map(drop), Err(ReportError::Io(_))));
    }

    #[test]
    fn batches_of_another_scale_are_refused() {
        let mut report = ParquetReport::new(&layout(&["amount"]), 3, Vec::new()).unwrap();
        assert!(matches!(report.write(&movements(1)), Err(ReportError::Batch { .. })));
    }
}
