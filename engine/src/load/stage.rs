//! Silver: canonical movements staged as Arrow IPC.
//!
//! Where only the few rows that differ will be asked for, and the input can be read by row, nothing
//! is written: the rows are taken from the input once more.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{ArrayRef, Decimal128Array, RecordBatch, UInt32Array};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::take::take_record_batch;
use cuadre_rules::config::Limits;
use cuadre_rules::movement::{Field, schema};

use super::Part;
use super::block::Blocks;
use super::columns::{Mapper, Movements, Refused};
use super::meaning::Meaning;
use super::parquet::ParquetBlocks;
use crate::error::EngineError;
use crate::reconcile::fold::FileFold;

/// Canonical columns that have one value for a whole file, by position, each as an array of
/// [`super::block::BLOCK_ROWS`] copies of it.
pub type Constants = Arc<[Option<ArrayRef>]>;

/// The movements of a file, or of a part of one.
#[derive(Clone)]
pub struct Staged {
    /// Its name among the staged files of a night.
    path: PathBuf,
    rows: usize,
    place: Place,
    /// The scale that amounts are read in; as they were loaded where `None`.
    scale: Option<u32>,
}

/// Where the movements of a file are.
#[derive(Clone)]
enum Place {
    /// In a file of our own, without what is the same in every row.
    Written { file: PathBuf, schema: SchemaRef, constants: Constants, ends: Vec<usize> },
    /// In the input, but for the records that were refused (their numbers, in order).
    Input { source: Source, refused: Vec<u64> },
}

/// A Parquet file that movements can be taken from again.
#[derive(Clone)]
pub struct Source {
    /// Where it lies.
    pub path: PathBuf,
    /// What of it is loaded.
    pub part: Part,
    /// What it means.
    pub meaning: Arc<Meaning>,
    /// 0-based index of the file within its side of the day.
    pub index: u32,
    /// How large it may be.
    pub limits: Limits,
}

/// Stages the movements of one file, and folds them while they are in hand.
pub struct MovementStage<'a> {
    staged: Staged,
    /// The file, and the canonical columns that are written into it.
    writer: Option<(FileWriter<File>, Vec<usize>)>,
    fold: Option<FileFold<'a>>,
}

impl<'a> MovementStage<'a> {
    /// Begins the staged `file` that this night calls `path`; `scale` is the day's.
    pub fn create(
        path: &Path,
        file: PathBuf,
        scale: u32,
        constants: Constants,
        fold: Option<FileFold<'a>>,
    ) -> Result<Self, EngineError> {
        let schema = schema(scale);
        let written: Vec<usize> = (0..schema.fields().len()).filter(|&n| constants[n].is_none()).collect();
        let out = File::create(&file).map_err(|e| EngineError::io(WRITING, &file, e))?;
        let columns = schema.project(&written).map_err(EngineError::bug)?;
        let writer = FileWriter::try_new(out, &columns).map_err(|e| failed(WRITING, &file, e))?;
        let place = Place::Written { file, schema, constants, ends: Vec::new() };
        let staged = Staged { path: path.to_owned(), rows: 0, place, scale: None };
        Ok(Self { staged, writer: Some((writer, written)), fold })
    }

    /// Writes nothing: movements will be taken from `source` again.
    pub fn leave(path: &Path, source: Source, fold: Option<FileFold<'a>>) -> Self {
        let place = Place::Input { source, refused: Vec::new() };
        Self { staged: Staged { path: path.to_owned(), rows: 0, place, scale: None }, writer: None, fold }
    }

    /// Appends movements; those of a constant column must be what the constant says.
    pub fn write(&mut self, movements: &Movements) -> Result<(), EngineError> {
        let rows = movements.batch.num_rows();
        if rows == 0 {
            return Ok(());
        }
        self.fold.as_mut().map_or(Ok(()), |fold| fold.add(movements))?;
        self.staged.rows += rows;
        if let (Some((writer, written)), Place::Written { file, ends, .. }) = (&mut self.writer, &mut self.staged.place)
        {
            let batch = movements.batch.project(written).map_err(EngineError::bug)?;
            writer.write(&batch).map_err(|e| failed(WRITING, file, e))?;
            ends.push(self.staged.rows);
        }
        Ok(())
    }

    /// Notes records that are no movements.
    pub fn pass_over(&mut self, records: &[Refused]) {
        if let Place::Input { refused, .. } = &mut self.staged.place {
            refused.extend(records.iter().map(|record| record.record));
        }
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<Staged, EngineError> {
        if let Some((mut writer, _)) = self.writer.take() {
            writer.finish().map_err(|e| failed(WRITING, &self.staged.path, e))?;
        }
        if let Some(fold) = self.fold {
            fold.finish();
        }
        Ok(self.staged)
    }
}

const WRITING: &str = "staging movements";
const READING: &str = "reading staged movements";

fn failed(doing: &'static str, path: &Path, error: ArrowError) -> EngineError {
    let error = match error {
        ArrowError::IoError(_, error) => error,
        error => std::io::Error::other(error),
    };
    EngineError::io(doing, path, error)
}

/// Batches of movements.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, EngineError>> + Send + 'a>;

impl Staged {
    /// The movements that were staged in `file` before, of a file that `mapper` maps. They are called `path` this
    /// night, and folded again.
    pub fn again(
        path: &Path,
        file: PathBuf,
        mapper: &Mapper<'_>,
        mut fold: Option<FileFold<'_>>,
    ) -> Result<Self, EngineError> {
        let schema = schema(mapper.mapping.meaning.scale());
        let constants = mapper.constants();
        let (mut rows, mut ends) = (0, Vec::new());
        for batch in open(&file)? {
            let batch = batch.and_then(|batch| whole(batch, &schema, &constants));
            let batch = batch.map_err(|e| failed(READING, &file, e))?;
            rows += batch.num_rows();
            ends.push(rows);
            if let Some(fold) = &mut fold {
                fold.add(&Movements { sources: mapper.sources_of(&batch), batch })?;
            }
        }
        if let Some(fold) = fold {
            fold.finish();
        }
        let place = Place::Written { file, schema, constants, ends };
        Ok(Self { path: path.to_owned(), rows, place, scale: None })
    }

    /// Its file was given another name.
    pub fn moved(&mut self, to: &Path) {
        if let Place::Written { file, .. } = &mut self.place {
            to.clone_into(file);
        }
    }

    /// Its name among the staged files of a night.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of movements.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The same movements, whose amounts are read in units of a scale that is not less.
    pub fn at_scale(&self, scale: u32) -> Self {
        Self { scale: Some(scale), ..self.clone() }
    }

    /// The movements, in record order.
    pub fn read(&self) -> Result<Batches<'_>, EngineError> {
        let batches = self.read_loaded()?;
        let Some(scale) = self.scale else { return Ok(batches) };
        Ok(Box::new(batches.map(move |batch| rescaled(batch?, scale).map_err(|e| failed(READING, &self.path, e)))))
    }

    fn read_loaded(&self) -> Result<Batches<'_>, EngineError> {
        match &self.place {
            Place::Written { file, schema, constants, .. } => {
                let batches = open(file)?.map(|batch| whole(batch?, schema, constants));
                Ok(Box::new(batches.map(move |batch| batch.map_err(|e| failed(READING, file, e)))))
            }
            Place::Input { source, .. } => source.read(None),
        }
    }

    /// Those of the given 0-based rows alone, which must be in order.
    pub fn read_rows<'a>(&'a self, rows: &'a [usize]) -> Result<Batches<'a>, EngineError> {
        match &self.place {
            Place::Written { file, schema, constants, ends } => {
                let batches = rows_of(open(file)?, ends, rows).map(|batch| whole(batch?, schema, constants));
                Ok(Box::new(batches.map(move |batch| batch.map_err(|e| failed(READING, file, e)))))
            }
            Place::Input { .. } if rows.is_empty() => Ok(Box::new(std::iter::empty())),
            Place::Input { source, refused } => {
                let before = source.before();
                let mut refused = refused.iter().map(|number| (number - before - 1) as usize).peekable();
                let mut passed = 0;
                let record = |&row: &usize| {
                    while refused.next_if(|&refused| refused <= row + passed).is_some() {
                        passed += 1;
                    }
                    row + passed
                };
                source.read(Some(rows.iter().map(record).collect()))
            }
        }
    }
}

fn open(path: &Path) -> Result<FileReader<File>, EngineError> {
    let file = File::open(path).map_err(|e| EngineError::io(READING, path, e))?;
    FileReader::try_new(file, None).map_err(|e| failed(READING, path, e))
}

/// The given rows of the batches that have any of them; `ends` are the rows up to the end of each.
fn rows_of<'a>(
    mut reader: FileReader<File>,
    ends: &'a [usize],
    mut rows: &'a [usize],
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + use<'a> {
    std::iter::from_fn(move || {
        let batch = ends.partition_point(|end| end <= rows.first().unwrap_or(&usize::MAX));
        let end = *ends.get(batch)?;
        let start = batch.checked_sub(1).map_or(0, |before| ends[before]);
        let (these, others) = rows.split_at(rows.partition_point(|&row| row < end));
        rows = others;
        let wanted = UInt32Array::from_iter_values(these.iter().map(|row| (row - start) as u32));
        Some(reader.set_index(batch).and_then(|()| match reader.next() {
            Some(batch) => take_record_batch(&batch?, &wanted),
            None => Err(ArrowError::IpcError("a batch is gone".to_owned())),
        }))
    })
}

/// Puts the constant columns back.
fn whole(batch: RecordBatch, schema: &SchemaRef, constants: &Constants) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let mut written = batch.columns().iter();
    let column = |constant: &Option<ArrayRef>| match constant {
        Some(constant) => Some(constant.slice(0, rows)),
        None => written.next().cloned(),
    };
    let columns: Option<Vec<ArrayRef>> = constants.iter().map(column).collect();
    let columns = columns.ok_or_else(|| ArrowError::IpcError("a staged column is gone".to_owned()))?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// The same movements with amounts in units of another scale, at least as fine.
fn rescaled(batch: RecordBatch, scale: u32) -> Result<RecordBatch, ArrowError> {
    let amounts = batch.column(Field::Amount.column()).as_primitive::<Decimal128Type>();
    let factor = 10i128.pow(scale.saturating_sub(amounts.scale().unsigned_abs().into()));
    if factor == 1 {
        return Ok(batch);
    }
    let digits = |minor: i128| minor.checked_mul(factor).ok_or_else(|| ArrowError::ComputeError("overflow".to_owned()));
    let amounts: Decimal128Array = amounts.try_unary(digits)?;
    let schema = schema(scale);
    let kind = schema.field(Field::Amount.column()).data_type().clone();
    let mut columns = batch.columns().to_vec();
    columns[Field::Amount.column()] = Arc::new(amounts.with_data_type(kind));
    RecordBatch::try_new(schema, columns)
}

impl Source {
    fn before(&self) -> u64 {
        if let Part::RowGroups { before, .. } = self.part { before } else { 0 }
    }

    /// The movements of the given 0-based records of the part, or of all of them.
    fn read(&self, records: Option<Vec<usize>>) -> Result<Batches<'_>, EngineError> {
        let gone = |why: &dyn std::fmt::Display| {
            let why = format!("it cannot be read again ({why}); was it replaced meanwhile? run the command again");
            EngineError::io("reading the input", &self.path, std::io::Error::other(why))
        };
        let blocks = ParquetBlocks::new(&self.path, &self.part, &self.limits).map_err(|e| gone(&e))?;
        let mut blocks = match records {
            Some(records) => blocks.select(records),
            None => blocks,
        };
        let mapping = self.meaning.bind(blocks.header(), blocks.float_columns()).map_err(|e| gone(&e))?;
        let mut mapper = Mapper::new(mapping, self.index);
        let wanted = mapper.wanted();
        let mut next = move || -> Result<Option<RecordBatch>, super::record::Unreadable> {
            let Some(block) = blocks.next(&wanted)? else { return Ok(None) };
            mapper.map(&block).map(|(movements, _)| Some(movements.batch))
        };
        Ok(Box::new(std::iter::from_fn(move || next().map_err(|e| gone(&e)).transpose())))
    }
}

#[cfg(test)]
mod tests;
