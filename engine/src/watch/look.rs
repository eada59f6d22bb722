//! One look at what has come of a source, or of the warehouse.

use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use cuadre_rules::config::Source;
use cuadre_rules::config::database::Engine;
use cuadre_rules::config::source::{Control, Extract};
use jiff::civil::Date;

use crate::database::{Access, Bounds, Fault, Session};
use crate::error::EngineError;
use crate::store::{Lying, LyingFile, Place};

/// Where to look.
pub struct Looking<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The day.
    pub date: Date,
    /// Where landing files lie, and SQLite databases.
    pub data: &'a Place,
    /// The folder of the warehouse's files, where that is another one.
    pub warehouse: Option<PathBuf>,
    /// Where the paths of password files begin.
    pub secrets: &'a Path,
    /// A folder for answers of databases.
    pub scratch: &'a Path,
}

/// What has come.
pub enum Looked {
    /// These files, in order; whether they are as many as are expected, with the control file, if there is to
    /// be one.
    Files {
        /// The files.
        files: Vec<LyingFile>,
        /// Whether none is lacking.
        all: bool,
    },
    /// Rows of a database: whether they are all there.
    Rows(bool),
}

impl Looking<'_> {
    /// Looks for a source. The inner error says what is away.
    pub fn source(&self, lying: &Lying, source: &Source) -> Result<Result<Looked, Fault>, EngineError> {
        if source.extract.url.is_some() {
            return Ok(self.rows(&source.extract, &source.ready));
        }
        let mut files = lying.files(source.extract.files.patterns(), self.date)?;
        let least = source.expected_files.unwrap_or(1).max(1) as usize;
        let mut all = files.len() >= least;
        if let Some(Control { file: Some(file), .. }) = &source.control {
            let control = lying.files(std::slice::from_ref(file), self.date)?;
            all &= !control.is_empty();
            files.extend(control);
        }
        Ok(Ok(Looked::Files { files, all }))
    }

    /// Looks for the warehouse's copy.
    pub fn warehouse(&self, lying: &Lying) -> Result<Result<Looked, Fault>, EngineError> {
        let extract = self.config.warehouse.extract();
        if extract.url.is_some() {
            return Ok(self.rows(extract, &self.config.waiting.warehouse.ready));
        }
        let own = self.warehouse.as_ref().map(|folder| Lying::at(&Place::Folder(folder.clone()))).transpose()?;
        let files = own.as_ref().unwrap_or(lying).files(extract.files.patterns(), self.date)?;
        let all = !files.is_empty();
        Ok(Ok(Looked::Files { files, all }))
    }

    /// Asks a database whether its rows are all there; one that has nothing to be asked has them.
    fn rows(&self, extract: &Extract, ready: &Option<String>) -> Result<Looked, Fault> {
        let (Some(url), Some(query)) = (&extract.url, ready) else { return Ok(Looked::Rows(true)) };
        let is_file = Engine::of(url).is_ok_and(|(engine, _)| engine == Engine::Sqlite);
        let data = match self.data.folder() {
            Some(data) => data,
            // A database file in a bucket is brought down only for the night itself.
            None if is_file => return Ok(Looked::Rows(true)),
            None => Path::new(""),
        };
        let access = Access { databases: &self.config.databases, data, secrets: self.secrets, lasting: false };
        let answer = self.scratch.join("ready.csv");
        Session::open(url, extract.password.as_ref(), access)?.query(query, Bounds::default(), self.date, &answer)?;
        let mut rows = csv::Reader::from_path(&answer).map_err(|e| Fault::lasting(format!("its answer: {e}")))?;
        Ok(Looked::Rows(rows.records().next().is_some()))
    }
}
