//! Evidence on disk, while a night is judged.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use cuadre_rules::exception::Evidence;

use crate::error::EngineError;

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
    /// The list of so many rows that was finished at `path` before.
    pub fn at(path: PathBuf, rows: u64) -> Self {
        Self { path, rows }
    }

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
