//! Which filing is looked at: of a series, or in a folder of its own.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use cuadre_audit::digest::HashingWriter;
use cuadre_audit::layout::FilingId;
use cuadre_audit::{Series, Sha256Digest};
use cuadre_reports::locale::Locale;
use cuadre_rules::Config;
use cuadre_rules::config::Language;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Configured;
use crate::error::EngineError;
use crate::inputs::Inputs;
use crate::manifest::{Filed, filing_date};
use crate::store::{Place, Working};

/// Where filings are, and in which language they are shown.
#[derive(clap::Args)]
pub struct Look {
    /// Configuration file, which names the series of filings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Language: en or es-MX [default: the configuration's]
    #[arg(long, value_name = "LANGUAGE", value_parser = parse_language)]
    language: Option<Language>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Where filings are looked for.
pub struct Looking {
    configured: Option<Configured>,
    working: Option<Working>,
    language: Option<Language>,
}

/// A filing that is looked at.
pub struct Looked<'a> {
    /// The filing.
    pub filed: Filed,
    /// Its folder.
    pub folder: PathBuf,
    /// The series, where that is known.
    pub series: Option<&'a Working>,
}

impl Look {
    /// Opens the series, where one is named.
    pub fn open(&self) -> Result<Looking, EngineError> {
        let configured = self.config.as_deref().map(Configured::read).transpose()?;
        let place = match (&configured, &self.filings) {
            (Some(configured), filings) => Some(configured.filings(filings)?),
            (None, Some(filings)) => Some(Place::parse(filings, Path::new(""))?),
            (None, None) => None,
        };
        let working = place.as_ref().map(Working::to_read).transpose()?;
        Ok(Looking { configured, working, language: self.language })
    }
}

impl Looking {
    /// The filing that is meant: an id such as `2026-11-20.1`, a business date for its latest filing, a folder, or
    /// nothing for the latest filing of the newest day.
    pub fn at(&self, which: Option<&str>) -> Result<Looked<'_>, EngineError> {
        let id = which.and_then(|which| which.parse::<FilingId>().ok());
        let date = which.and_then(|which| which.parse::<Date>().ok());
        match (which, &self.working) {
            (Some(which), _) if id.is_none() && date.is_none() => self.in_folder(which),
            (Some(which), None) if Path::new(which).is_dir() => self.in_folder(which),
            (_, Some(working)) => {
                let found = of_series(working, which, id, date);
                found.map_err(|error| working.told(error))
            }
            (Some(which), None) => {
                let remedy = "say where its series is, with --config or --filings, or give the folder of a filing";
                Err(EngineError::Usage(format!("{which}: {remedy}")))
            }
            (None, None) => {
                let remedy = "give --config or --filings to see the latest of a series, or the folder of a filing";
                Err(EngineError::Usage(format!("which filing is not said; {remedy}")))
            }
        }
    }

    fn in_folder(&self, which: &str) -> Result<Looked<'_>, EngineError> {
        let folder = PathBuf::from(which);
        if !folder.is_dir() {
            let forms = "give an id such as 2026-11-20.1, a date such as 2026-11-20, or the folder of a filing";
            return Err(EngineError::Usage(format!("{which} is no filing's id, no date and no folder; {forms}")));
        }
        Ok(Looked { filed: Filed::in_folder(&folder)?, folder, series: None })
    }

    /// The language that is asked for, or else the configuration's.
    pub fn language(&self) -> Option<Language> {
        self.language.or_else(|| self.configured.as_ref().map(|configured| configured.config.language))
    }

    /// Language and zone for what is of no filing's configuration.
    pub fn locale(&self) -> Locale {
        let zone = self.configured.as_ref().map_or(TimeZone::UTC, |configured| configured.config.zone());
        Locale { language: self.language().unwrap_or_default(), zone }
    }
}

fn of_series<'a>(
    working: &'a Working,
    which: Option<&str>,
    id: Option<FilingId>,
    date: Option<Date>,
) -> Result<Looked<'a>, EngineError> {
    let series = Series::at(working.folder());
    let mut ids: Vec<FilingId> = series.filings()?.into_iter().map(|filed| filed.id).collect();
    ids.sort();
    let Some(newest) = ids.last().copied() else {
        let message = format!("{}: nothing was filed there; check --filings", working.place());
        return Err(EngineError::Usage(message));
    };
    let latest = date.map(filing_date).transpose()?;
    let found = match (id, latest) {
        (Some(id), _) => ids.contains(&id).then_some(id),
        (None, Some(date)) => ids.iter().rev().find(|id| id.date() == date).copied(),
        (None, None) => Some(newest),
    };
    let Some(found) = found else { return Err(EngineError::Usage(unknown(which.unwrap_or_default(), &ids, working))) };
    working.bring_manifests(&[found])?;
    Ok(Looked { filed: Filed::read(&series, found)?, folder: series.folder(&found), series: Some(working) })
}

/// That a series has no such filing, and which ones it has: of that day, else the newest.
fn unknown(which: &str, ids: &[FilingId], working: &Working) -> String {
    const MOST: usize = 5;
    let day = which.get(..10).unwrap_or(which);
    let of_day: Vec<String> = ids.iter().map(FilingId::to_string).filter(|id| id.starts_with(day)).collect();
    let newest = || ids.iter().rev().take(MOST).map(FilingId::to_string).collect::<Vec<_>>().join(", ");
    let has = match of_day.is_empty() {
        true => format!("the newest of its {} filings are {}", ids.len(), newest()),
        false => format!("that day has {}", of_day.join(", ")),
    };
    format!("{}: there is no filing {which}; {has}", working.place())
}

impl Looked<'_> {
    /// Brings down these files of the filing, and the list of what it was made from.
    pub fn bring(&self, names: &[&str]) -> Result<(), EngineError> {
        self.series.map_or(Ok(()), |series| series.bring_to_look(self.filed.id, names))
    }

    /// A file of the filing, once its bytes are found to be those that the manifest names.
    pub fn open(&self, name: &str) -> Result<BufReader<File>, EngineError> {
        let path = self.folder.join(name);
        let open = || File::open(&path).map(|file| BufReader::with_capacity(1 << 18, file));
        let cannot = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => EngineError::Differs(format!(
                "{} is not there, and the manifest names it: restore it from a backup",
                path.display()
            )),
            _ => EngineError::io("reading", &path, error),
        };
        let mut hashing = HashingWriter::new(io::sink());
        io::copy(&mut open().map_err(cannot)?, &mut hashing).map_err(cannot)?;
        let (_, sha256, _) = hashing.finish();
        if !self.filed.files().iter().any(|file| file.name == name && file.sha256 == sha256) {
            let remedy = "`cuadre verify` tells what else is not; restore it from a backup";
            return Err(EngineError::Differs(format!("{} is not the one that was signed; {remedy}", path.display())));
        }
        open().map_err(cannot)
    }

    /// What the filing was made from, and its configuration, where the archive is at hand and has them: beside the
    /// folder of a filing that lies in its series, too.
    pub fn basis(&self) -> Result<Option<(Inputs, Config)>, EngineError> {
        let root = match self.series {
            Some(series) => series.folder().to_owned(),
            None => self.folder.join("../.."),
        };
        let archive = Series::at(root).archive();
        let list = self.filed.list()?;
        let is_there = |digest: Sha256Digest| archive.path_of(digest).is_file();
        if !is_there(list) || !is_there(self.filed.statement().predicate.predicate.produced_by.config_sha256.parse()?) {
            return Ok(None);
        }
        self.filed.inputs(&archive).map(Some)
    }

    /// An error about a working copy, as one about the series.
    pub fn told(&self, error: EngineError) -> EngineError {
        match self.series {
            Some(series) => series.told(error),
            None => error,
        }
    }

    /// Whether the manifest names a file.
    pub fn has(&self, name: &str) -> bool {
        self.filed.files().iter().any(|file| file.name == name)
    }
}

fn parse_language(text: &str) -> Result<Language, String> {
    match text {
        "en" => Ok(Language::English),
        "es-MX" | "es" => Ok(Language::Spanish),
        _ => Err("give en or es-MX".to_owned()),
    }
}
