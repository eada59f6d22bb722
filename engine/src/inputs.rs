//! `inputs.json`: everything a filing was made from, by name and digest. With the archive it is
//! enough to make the filing again.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use cuadre_audit::layout::INPUTS;
use cuadre_audit::{Archive, FilingId, Sha256Digest, archive};
use cuadre_reports::Format;
use cuadre_rules::Config;
use cuadre_rules::config::Text;
use jiff::Timestamp;
use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// Everything a filing was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// The format of the filing.
    pub format: Format,
    /// The day.
    pub business_date: Date,
    /// The configuration.
    pub config: Stored,
    /// Files, in the order in which they were found.
    pub inputs: Vec<Input>,
    /// What could not be received.
    pub problems: Vec<Problem>,
    /// Why the day has no movements, where that is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_movements: Option<String>,
    /// The filing of the day that the filing takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Superseded>,
}

/// A filing that a later one of its day takes the place of. Its manifest, which names its number and what it
/// supersedes in its turn, is not needed to make the later one again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// Which one.
    pub filing: FilingId,
    /// Its own `inputs.json`, in the archive.
    pub inputs: Object,
}

/// An object of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
}

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its name below the data folder.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl Stored {
    /// What is called `name` and was stored in an archive.
    pub fn of(name: &str, stored: archive::Stored) -> Self {
        Self { name: name.to_owned(), sha256: stored.digest.to_string(), bytes: stored.bytes }
    }
}

/// What the configuration is called.
pub const CONFIG: &str = "cuadre.toml";

/// What a configuration is written in, as it goes into the archive.
#[derive(Debug, Clone)]
pub struct Texts {
    /// The main file.
    pub main: String,
    /// Its files of rules, by their names below its folder.
    pub rule_files: Vec<Text>,
}

/// A received file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// What it is.
    pub role: Role,
    /// Whose: a source, dataset or rule id, or a filing; empty for the warehouse.
    pub of: String,
    /// The file.
    #[serde(flatten)]
    pub file: Stored,
    /// When an extract was last changed, where the place it lies in says so. Of a copy of a database's rows, and
    /// before format 4, only where the source has a cut-off to judge it by.
    pub changed_at: Option<Timestamp>,
    /// The filing of the day before that was made from the very same bytes of the same source.
    pub filed_before: Option<String>,
    /// Whether it is the copy of rows of a database, written as
    /// [`Extract::snapshot`](cuadre_rules::config::source::Extract::snapshot) says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snapshot: bool,
}

impl Input {
    /// A file of which nothing else needs to be known.
    pub fn new(role: Role, of: &str, file: Stored) -> Self {
        Self { role, of: of.to_owned(), file, changed_at: None, filed_before: None, snapshot: false }
    }
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An extract of a source.
    Extract,
    /// A control file of a source.
    Control,
    /// Rows of the warehouse.
    Warehouse,
    /// Cells of the warehouse. Its rows are then those of cells that differ, and no others.
    Cells,
    /// Reference data.
    Dataset,
    /// The rows that a rule's SQL returned.
    Rule,
    /// A file of rules, which is part of the configuration.
    Rules,
    /// What a route was to be told in earlier nights.
    Notification,
    /// What the filing takes over from those before it: see [`crate::carry`].
    Carried,
    /// What the rules of the filing before left: see [`crate::forward`].
    Forward,
    /// The configured template of the page.
    Template,
    /// The archive itself: no input is of it, but what became of all of them may be a problem.
    Archive,
}

impl Role {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Control => "control",
            Self::Warehouse => "warehouse",
            Self::Cells => "cells",
            Self::Dataset => "dataset",
            Self::Rule => "rule",
            Self::Rules => "rules",
            Self::Notification => "notification",
            Self::Carried => "carried",
            Self::Forward => "forward",
            Self::Template => "template",
            Self::Archive => "archive",
        }
    }
}

/// Something that could not be received, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it would have been.
    pub role: Role,
    /// Whose.
    pub of: String,
    /// Why not, in the words of the filing that states it.
    pub reason: String,
    /// Whether it had come in part when the night went on: it is awaited, and nothing of it is read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

impl Inputs {
    /// Nothing received yet but the configuration, which is put into the archive.
    pub fn of_config(business_date: Date, texts: &Texts, archive: &Archive) -> Result<Self, EngineError> {
        let main = archive.put_bytes(texts.main.as_bytes())?;
        let mut inputs = Self::new(business_date, Stored::of(CONFIG, main));
        for Text { name, text } in &texts.rule_files {
            let stored = archive.put_bytes(text.as_bytes())?;
            inputs.inputs.push(Input::new(Role::Rules, "", Stored::of(name, stored)));
        }
        Ok(inputs)
    }

    /// Nothing received yet.
    pub fn new(business_date: Date, config: Stored) -> Self {
        let (inputs, problems) = (Vec::new(), Vec::new());
        let format = Format::NEWEST;
        Self { format, business_date, config, inputs, problems, no_movements: None, supersedes: None }
    }

    /// What `filing` was made from, by the list of it in the archive; and its configuration.
    pub fn read(archive: &Archive, list: Sha256Digest, filing: FilingId) -> Result<(Self, Config), EngineError> {
        #[derive(Deserialize)]
        struct Head {
            format: Format,
        }
        let wrong = |error| EngineError::Differs(format!("{INPUTS} of {filing}: {error}"));
        let bytes = contents(archive, list)?;
        let Head { format } = serde_json::from_slice(&bytes).map_err(wrong)?;
        if format > Format::NEWEST {
            let (format, newest) = (format.number(), Format::NEWEST.number());
            let message = format!("filing {filing} has format {format}, this cuadre knows up to {newest}");
            return Err(EngineError::Usage(format!("{message}; use a newer version")));
        }
        let inputs: Self = serde_json::from_slice(&bytes).map_err(wrong)?;
        let text = |file: &Stored| -> Result<Text, EngineError> {
            let text = String::from_utf8(contents(archive, file.sha256.parse()?)?);
            let no_text = |_| EngineError::Differs(format!("the archived configuration {} is no text", file.name));
            Ok(Text::new(&file.name, text.map_err(no_text)?))
        };
        let rules = inputs.rule_files().map(text).collect::<Result<Vec<_>, _>>()?;
        let config = Config::with_rule_files(&text(&inputs.config)?, &rules);
        Ok((inputs, config.map_err(|error| EngineError::Config(Box::new(error)))?))
    }

    /// The files of rules that belong to the configuration, in order.
    pub fn rule_files(&self) -> impl Iterator<Item = &Stored> {
        self.of(Role::Rules, "").map(|input| &input.file)
    }

    /// The inputs of one role and owner, in order.
    pub fn of<'a>(&'a self, role: Role, of: &'a str) -> impl Iterator<Item = &'a Input> {
        self.inputs.iter().filter(move |input| input.role == role && input.of == of)
    }

    /// Reads every archived byte again: what a filing is made from must be what its names say.
    pub fn check(&self, archive: &Archive) -> Result<(), EngineError> {
        self.inputs.par_iter().try_for_each(|input| {
            object(archive, input)?;
            archive.check(input.file.sha256.parse()?)?;
            Ok(())
        })
    }

    /// Why something of this role and owner could not be received.
    pub fn problem(&self, role: Role, of: &str) -> Option<&str> {
        self.problem_of(role, of, false)
    }

    /// Why a source that had come in part is left out.
    pub fn unfinished(&self, source: &str) -> Option<&str> {
        self.problem_of(Role::Extract, source, true)
    }

    fn problem_of(&self, role: Role, of: &str, unfinished: bool) -> Option<&str> {
        let problem = self.problems.iter().find(|p| p.role == role && p.of == of && p.unfinished == unfinished);
        problem.map(|problem| problem.reason.as_str())
    }
}

/// Where the bytes of the inputs lie.
pub enum Bytes {
    /// In the archive of a series, by digest.
    Archived(Archive),
    /// Where they were found, by name.
    InPlace(BTreeMap<String, PathBuf>),
}

impl Bytes {
    /// Where an input lies.
    pub fn path_of(&self, input: &Input) -> Result<PathBuf, EngineError> {
        match self {
            Self::Archived(archive) => object(archive, input),
            Self::InPlace(places) => places
                .get(&input.file.name)
                .cloned()
                .ok_or_else(|| EngineError::bug(format!("{} was not received", input.file.name))),
        }
    }
}

/// The bytes of an object, which must be what its name says.
pub(crate) fn contents(archive: &Archive, digest: Sha256Digest) -> Result<Vec<u8>, EngineError> {
    let path = archive.path_of(digest);
    if !archive.contains(digest) {
        return Err(EngineError::Differs(format!("the archive lacks {}; restore it from a backup", path.display())));
    }
    archive.check(digest)?;
    fs::read(&path).map_err(|e| EngineError::io("reading the archive", &path, e))
}

fn object(archive: &Archive, input: &Input) -> Result<PathBuf, EngineError> {
    let digest = input.file.sha256.parse();
    let digest = digest.map_err(|_| EngineError::Differs(format!("{}: its digest is malformed", input.file.name)))?;
    let path = archive.path_of(digest);
    match path.is_file() {
        true => Ok(path),
        false => Err(EngineError::Differs(format!(
            "the archive lacks {} ({}); restore {} from a backup",
            input.file.name,
            input.file.sha256,
            path.display()
        ))),
    }
}
