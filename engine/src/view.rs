//! Makes the [`View`] of a filing, of the day in hand or of one that is filed.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use cuadre_audit::Subject;
use cuadre_audit::layout::FilingId;
use cuadre_reports::exceptions_csv::first_rows;
use cuadre_reports::summary::read_summary;
use cuadre_reports::view::{SourceView, Traced};
use cuadre_reports::{Predicate, View};
use cuadre_rules::Config;
use cuadre_rules::config::{Language, Source, time_of_day};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::EngineError;
use crate::filing::EXCEPTIONS;
use crate::inputs::{CONFIG, Inputs, Role};
use crate::manifest::morning_after;

/// The file with the sums by source, kind and currency.
pub const SUMMARY: &str = "summary.csv";
/// Rows of evidence of each exception that a view has.
const FIRST_ROWS: usize = 10;

/// What a view is made from.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// The configuration, where it is known; without it a view has no titles and times, and is in English.
    pub config: Option<&'a Config>,
    /// What the filing was made from, where it is known; without it a view has only what the manifest names.
    pub inputs: Option<&'a Inputs>,
    /// What the manifest states.
    pub predicate: &'a Predicate,
    /// Which filing it is.
    pub filing: FilingId,
    /// Its files so far.
    pub files: &'a [Subject],
    /// The folder that has them.
    pub folder: &'a Path,
}

impl Basis<'_> {
    /// The view.
    ///
    /// # Errors
    /// [`EngineError::Io`] where `exceptions.csv` or `summary.csv` cannot be read.
    pub fn view(&self) -> Result<View, EngineError> {
        Ok(View {
            filing: self.filing.to_string(),
            predicate: self.predicate.clone(),
            language: self.config.map_or(Language::English, |config| config.language),
            zone: self.config.map_or(TimeZone::UTC, Config::zone),
            principal: self.config.map(|config| config.signing.principal.clone()),
            sources: self.predicate.sources.iter().map(|source| self.source(&source.id)).collect(),
            evidence: self.read(EXCEPTIONS, |file| first_rows(file, FIRST_ROWS))?,
            totals: self.read(SUMMARY, |file| read_summary(file).collect())?,
            inputs: self.inputs(),
            outputs: self.files.iter().map(|file| self.output(file)).collect(),
        })
    }

    fn source(&self, id: &str) -> SourceView {
        let source = self.config.and_then(|config| config.sources.iter().find(|source| source.id == id));
        let title = source.map(|source| source.title.trim()).filter(|title| !title.is_empty());
        let time = |of: fn(&Source) -> &Option<String>| self.morning(of(source?).as_deref()?);
        let extracts = self.inputs.into_iter().flat_map(|inputs| inputs.of(Role::Extract, id));
        SourceView {
            id: id.to_owned(),
            title: title.unwrap_or(id).to_owned(),
            expected: time(|source| &source.expected),
            arrived: extracts.filter_map(|extract| extract.changed_at).max(),
            cut_off: time(|source| &source.cut_off),
        }
    }

    /// A local time of the configuration, on the day after the business date.
    fn morning(&self, time: &str) -> Option<Timestamp> {
        let date: Date = self.predicate.business_date.parse().ok()?;
        morning_after(self.config?, date, time_of_day(time)?).ok()
    }

    fn inputs(&self) -> Vec<Traced> {
        let traced = |role: &str, of: &str, name: &str, sha256: &str, bytes| Traced {
            role: role.to_owned(),
            of: of.to_owned(),
            name: name.to_owned(),
            sha256: sha256.to_owned(),
            bytes,
        };
        let config = &self.predicate.produced_by.config_sha256;
        match self.inputs {
            Some(inputs) => {
                let all = inputs.inputs.iter().map(|input| (input.role.name(), input.of.as_str(), &input.file));
                let all = [("configuration", "", &inputs.config)].into_iter().chain(all);
                all.map(|(role, of, file)| traced(role, of, &file.name, &file.sha256, Some(file.bytes))).collect()
            }
            None => {
                let sources = self.predicate.sources.iter();
                let files = sources.flat_map(|source| source.files.iter().map(|file| (source.id.as_str(), file)));
                let files = files.map(|(of, f)| traced(Role::Extract.name(), of, &f.name, &f.sha256, Some(f.bytes)));
                [traced("configuration", "", CONFIG, config, None)].into_iter().chain(files).collect()
            }
        }
    }

    fn output(&self, file: &Subject) -> Traced {
        Traced {
            role: "output".to_owned(),
            of: String::new(),
            name: file.name.clone(),
            sha256: file.sha256.to_string(),
            bytes: self.folder.join(&file.name).metadata().map(|metadata| metadata.len()).ok(),
        }
    }

    fn read<T>(&self, name: &str, read: impl FnOnce(BufReader<File>) -> io::Result<T>) -> Result<T, EngineError> {
        let path = self.folder.join(name);
        let file = File::open(&path).map(|file| BufReader::with_capacity(1 << 18, file));
        file.and_then(read).map_err(|error| EngineError::io("reading", &path, error))
    }
}
