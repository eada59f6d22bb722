//! The warehouse's copy of the movements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::database::Engine;
use super::source::{Compared, Extract, Files};
use crate::movement::Field;

/// The warehouse's copy of the movements: one row per movement, its source named by
/// `columns.source`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Warehouse {
    /// Files, such as an UNLOAD.
    Files(Box<Extract>),
    /// A table or query of a database.
    Database(Box<Extract>),
    /// The same for an SQLite database, given by its `path`.
    Sqlite(Box<Extract>),
}

impl Warehouse {
    /// The word for it in the configuration.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Database(_) => "database",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Where the rows are, how they are written and what their columns mean.
    pub fn extract(&self) -> &Extract {
        let (Self::Files(extract) | Self::Database(extract) | Self::Sqlite(extract)) = self;
        extract
    }

    /// Whether it is a database, and can be queried.
    pub fn is_database(&self) -> bool {
        !matches!(self, Self::Files(_))
    }

    /// Whether the warehouse's rows have this field.
    pub fn maps(&self, field: Field) -> bool {
        self.extract().maps(field)
    }

    /// The same rows in another place. A database that stands in for files, or for a database that
    /// is asked a query, keeps the query or has the table `movements`. One that cannot compute cells is
    /// asked for rows.
    pub fn in_database(&self, url: &str) -> Self {
        let mut extract = self.extract().snapshot();
        extract.url = Some(url.to_owned());
        extract.password = None;
        if !Engine::of(url).is_ok_and(|(engine, _)| engine.computes_cells()) {
            extract.compared = Compared::Rows;
        }
        if extract.table.is_none() && extract.query.is_none() {
            extract.table = Some("movements".to_owned());
        }
        Self::Database(Box::new(extract))
    }

    /// The same rows in files: those that the configuration names, or in `file`.
    pub fn in_files(&self, file: Option<&str>) -> Self {
        let extract = self.extract();
        let files = match file {
            Some(file) => Files::One(file.to_owned()),
            None => extract.files.clone(),
        };
        let (url, password, table, query) = (None, None, None, None);
        let compared = Compared::Rows;
        Self::Files(Box::new(Extract { files, url, password, table, query, compared, ..extract.clone() }))
    }
}
