//! Silver: canonical movements staged as Arrow IPC, refused records beside them.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::take::take_record_batch;
use cuadre_rules::exception::Evidence;
use cuadre_rules::movement::schema;

use super::columns::Movements;
use crate::error::EngineError;
use crate::reconcile::fold::FileFold;

/// Canonical columns that have one value for a whole file, by position, each as an array of
/// [`super::block::BLOCK_ROWS`] copies of it.
pub type Constants = Arc<[Option<ArrayRef>]>;

/// The staged movements of a file, or of a part of one.
#[derive(Debug, Clone)]
pub struct Staged {
    path: PathBuf,
    schema: SchemaRef,
    /// What is not written, since it is the same in every row.
    constants: Constants,
    /// Rows up to the end of each batch.
    ends: Vec<usize>,
}

/// Writes the movements of one file, and folds them while they are in hand.
pub struct MovementStage<'a> {
    staged: Staged,
    /// The canonical columns that are written.
    written: Vec<usize>,
    writer: FileWriter<File>,
    fold: FileFold<'a>,
}

impl<'a> MovementStage<'a> {
    /// Begins a staged file at `path`; `scale` is the day's.
    pub fn create(path: &Path, scale: u32, constants: Constants, fold: FileFold<'a>) -> Result<Self, EngineError> {
        let schema = schema(scale);
        let written: Vec<usize> = (0..schema.fields().len()).filter(|&n| constants[n].is_none()).collect();
        let file = File::create(path).map_err(|e| EngineError::io(WRITING, path, e))?;
        let columns = schema.project(&written).map_err(EngineError::bug)?;
        let writer = FileWriter::try_new(file, &columns).map_err(|e| failed(WRITING, path, e))?;
        let staged = Staged { path: path.to_owned(), schema, constants, ends: Vec::new() };
        Ok(Self { staged, written, writer, fold })
    }

    /// Appends movements; those of a constant column must be what the constant says.
    pub fn write(&mut self, movements: &Movements) -> Result<(), EngineError> {
        let rows = movements.batch.num_rows();
        if rows == 0 {
            return Ok(());
        }
        self.fold.add(movements)?;
        let batch = movements.batch.project(&self.written).map_err(EngineError::bug)?;
        self.writer.write(&batch).map_err(|e| failed(WRITING, &self.staged.path, e))?;
        self.staged.ends.push(self.staged.rows() + rows);
        Ok(())
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<Staged, EngineError> {
        self.writer.finish().map_err(|e| failed(WRITING, &self.staged.path, e))?;
        self.fold.finish();
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

impl Staged {
    /// Where the movements lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of movements.
    pub fn rows(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The movements, in record order.
    pub fn read(&self) -> Result<impl Iterator<Item = Result<RecordBatch, EngineError>> + use<'_>, EngineError> {
        let reader = self.open()?;
        Ok(reader.map(|batch| self.whole(batch.map_err(|e| failed(READING, &self.path, e))?)))
    }

    /// Those of the given 0-based rows alone, which must be in order.
    pub fn read_rows<'a>(
        &'a self,
        rows: &'a [usize],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, EngineError>> + use<'a>, EngineError> {
        let mut reader = self.open()?;
        let mut left = rows;
        Ok(std::iter::from_fn(move || {
            let batch = self.ends.partition_point(|&end| end <= *left.first().unwrap_or(&usize::MAX));
            let end = *self.ends.get(batch)?;
            let start = batch.checked_sub(1).map_or(0, |before| self.ends[before]);
            let (these, others) = left.split_at(left.partition_point(|&row| row < end));
            left = others;
            let wanted = UInt32Array::from_iter_values(these.iter().map(|row| (row - start) as u32));
            let taken = reader.set_index(batch).and_then(|()| match reader.next() {
                Some(batch) => take_record_batch(&batch?, &wanted),
                None => Err(ArrowError::IpcError("a batch is gone".to_owned())),
            });
            Some(taken.map_err(|e| failed(READING, &self.path, e)).and_then(|batch| self.whole(batch)))
        }))
    }

    fn open(&self) -> Result<FileReader<File>, EngineError> {
        let file = File::open(&self.path).map_err(|e| EngineError::io(READING, &self.path, e))?;
        FileReader::try_new(file, None).map_err(|e| failed(READING, &self.path, e))
    }

    /// Puts the constant columns back.
    fn whole(&self, batch: RecordBatch) -> Result<RecordBatch, EngineError> {
        let rows = batch.num_rows();
        let mut written = batch.columns().iter();
        let column = |constant: &Option<ArrayRef>| match constant {
            Some(constant) => Some(constant.slice(0, rows)),
            None => written.next().cloned(),
        };
        let columns: Option<Vec<ArrayRef>> = self.constants.iter().map(column).collect();
        let columns = columns.ok_or_else(|| EngineError::bug("a staged column is gone"))?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(EngineError::bug)
    }
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
