//! A folder to work in, in `TMPDIR`; it goes with whoever made it.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::TempDir;

use crate::error::EngineError;

/// A folder to work in.
pub struct Scratch(TempDir);

impl Scratch {
    /// An empty one.
    pub fn new() -> Result<Self, EngineError> {
        let folder = tempfile::Builder::new().prefix("cuadre-").tempdir();
        folder.map(Self).map_err(|e| EngineError::io("making room to work", &std::env::temp_dir(), e))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    /// Gigabytes in many folders take a while to free, each core its share; what is left goes with
    /// the folder itself.
    fn drop(&mut self) {
        let Ok(entries) = self.path().read_dir() else { return };
        let folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        folders.par_iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
    }
}
