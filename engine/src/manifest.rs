//! What a manifest says of its filing: stated for a new one, read back from a filed one.

use std::fs;
use std::path::Path;

use cuadre_audit::layout::{FilingDate, FilingId, INPUTS, MANIFEST};
use cuadre_audit::manifest::{Manifest, Statement};
use cuadre_audit::{Archive, History, Series, Sha256Digest, Subject};
use cuadre_reports::predicate::{ExceptionFacts, Filing, RuleFacts, SourceFacts, Superseded};
use cuadre_reports::{Facts, Format, Predicate, Status};
use cuadre_rules::Config;
use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::carry::OPEN;
use crate::changes::{CHANGES, Changes};
use crate::error::EngineError;
use crate::inputs::{self, Inputs, Object};
use crate::night::Night;
use crate::pages::PAGES;

/// `predicateType` of the manifest.
pub const PREDICATE_TYPE: &str = "urn:cuadre:exceptions-manifest:v1";

/// The predicate as it is signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signed {
    /// The judged day.
    #[serde(flatten)]
    pub predicate: Predicate,
    /// The history it pins.
    pub history: History,
}

/// A filing that is in the series.
pub struct Filed {
    /// Which one.
    pub id: FilingId,
    /// SHA-256 of its manifest, lower-case hex.
    pub sha256: String,
    statement: Statement<Signed>,
}

impl Filed {
    /// Reads the filing `id`; its manifest must be the one that LOG names.
    pub fn read(series: &Series, id: FilingId) -> Result<Self, EngineError> {
        let named = series.filings()?.into_iter().find(|filed| filed.id == id);
        let Some(named) = named else {
            return Err(EngineError::Usage(format!("the series has no filing {id}; see {}", series.root().display())));
        };
        Self::named(series, named)
    }

    /// Reads the manifest of a filing that LOG names.
    pub fn named(series: &Series, named: cuadre_audit::Filed) -> Result<Self, EngineError> {
        let id = named.id;
        let path = series.folder(&id).join(MANIFEST);
        let bytes = fs::read(&path).map_err(|error| {
            EngineError::Differs(format!("{}: {error}; LOG names it: restore it from a backup", path.display()))
        })?;
        let digest = Sha256Digest::of(&bytes);
        if digest != named.manifest {
            let remedy = "restore it from a backup";
            return Err(EngineError::Differs(format!("{} is not the one that LOG names; {remedy}", path.display())));
        }
        Ok(Self { id, sha256: digest.to_string(), statement: Statement::from_bytes(&bytes)? })
    }

    /// Reads a manifest that LOG does not name yet.
    pub fn claimed(bytes: &[u8]) -> Result<Self, EngineError> {
        let facts = Manifest::from_bytes(bytes)?.predicate;
        let id = FilingId::new(facts.business_date, facts.filing.number);
        let id = id.ok_or_else(|| EngineError::Differs("a claimed filing has the number 0".to_owned()))?;
        Ok(Self { id, sha256: Sha256Digest::of(bytes).to_string(), statement: Statement::from_bytes(bytes)? })
    }

    /// Reads the filing that lies in a folder, without the series it is of.
    pub fn in_folder(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(MANIFEST);
        let bytes = fs::read(&path).map_err(|error| {
            let remedy = "give the folder of a filing, such as filings/2026-11-20.1";
            EngineError::Usage(format!("{}: {error}; {remedy}", path.display()))
        })?;
        let told = |error: EngineError| EngineError::Differs(format!("{}: {error}", path.display()));
        Self::claimed(&bytes).map_err(told)
    }

    /// Its manifest.
    pub fn statement(&self) -> &Statement<Signed> {
        &self.statement
    }

    /// The latest filing of a day.
    pub fn latest(series: &Series, date: Date) -> Result<Option<Self>, EngineError> {
        let latest = series.latest(filing_date(date)?)?;
        latest.map(|filed| Self::read(series, filed.id)).transpose()
    }

    /// The last filing before a day's, of another day.
    pub fn before(series: &Series, date: Date) -> Result<Option<Self>, EngineError> {
        let before = Self::id_before(series, date)?;
        before.map(|id| Self::read(series, id)).transpose()
    }

    /// Which one that is.
    pub fn id_before(series: &Series, date: Date) -> Result<Option<FilingId>, EngineError> {
        let date = filing_date(date)?;
        Ok(series.filings()?.into_iter().map(|filed| filed.id).filter(|id| id.date() < date).max())
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Result<Timestamp, EngineError> {
        instant(&self.statement.predicate.predicate.issued_at)
    }

    /// The files of the filing, by name and digest.
    pub fn files(&self) -> &[Subject] {
        &self.statement.subject
    }

    /// Whether the filing states just this, files that are the `same` aside. What it was made from may
    /// differ in what changes nothing stated, such as a remark in the configuration; and what it changed
    /// against the filing before it, what is open of other days, what became of the run, or how people are shown all
    /// this, is no statement about the day.
    pub fn states(&self, day: &Predicate, files: &[Subject], same: Option<&str>) -> bool {
        let filed = &self.statement.predicate.predicate;
        let aside = |name: &str| [INPUTS, CHANGES, OPEN].contains(&name) || PAGES.contains(&name);
        let compared = |name: &str| !aside(name) && Some(name) != same;
        let rendered =
            |files: &[Subject]| -> Vec<Subject> { files.iter().filter(|file| compared(&file.name)).cloned().collect() };
        rendered(&self.statement.subject) == rendered(files)
            && (filed.status == day.status || !all_of_the_day(filed) || !all_of_the_day(day))
            && filed.sources == day.sources
            && filed.end_to_end == day.end_to_end
            && rules_of_the_day(filed) == rules_of_the_day(day)
            && of_the_day(&filed.exceptions) == of_the_day(&day.exceptions)
            && filed.no_movements.clone().flatten() == day.no_movements.clone().flatten()
    }

    /// Whether its report is whole.
    pub fn status(&self) -> Status {
        self.statement.predicate.predicate.status
    }

    /// The history it pins.
    pub fn history(&self) -> History {
        self.statement.predicate.history
    }

    /// It as what another filing takes the place of.
    pub fn superseded(&self) -> Result<inputs::Superseded, EngineError> {
        Ok(inputs::Superseded { filing: self.id, inputs: Object { sha256: self.list()? } })
    }

    /// The list of what it was made from, in the archive.
    pub fn list(&self) -> Result<Sha256Digest, EngineError> {
        let subject = self.statement.subject.iter().find(|subject| subject.name == INPUTS);
        let none = || EngineError::Differs(format!("filing {} names no {INPUTS}", self.id));
        Ok(subject.ok_or_else(none)?.sha256)
    }

    /// What it was made from, out of the archive.
    pub fn inputs(&self, archive: &Archive) -> Result<(Inputs, Config), EngineError> {
        Inputs::read(archive, self.list()?, self.id)
    }

    /// What the next filing of the day is: a supplement where it only adds what was missing, else
    /// a restatement, which needs a reason. A filed source that is received in other files or with other
    /// figures is restated, and so is one of whose filed movements `changes` has any gone or changed, and a
    /// day that was declared to have no movements and is so no more.
    pub fn next(&self, day: &Predicate, changes: &Changes, reason: Option<&str>) -> Result<Filing, EngineError> {
        let restated = restated(self, day, changes);
        if let (Some(what), None) = (&restated, reason) {
            let message = format!("{} {what}: a restatement needs a reason", self.id);
            return Err(EngineError::Usage(format!("{message}; give it with --reason")));
        }
        Ok(Filing {
            number: self.id.number() + 1,
            kind: if restated.is_some() { "restatement" } else { "supplement" }.to_owned(),
            supersedes: Some(Superseded { sha256: self.sha256.clone() }),
            reason: reason.map(str::to_owned),
            ..day.filing.clone()
        })
    }

    /// The facts it states, to state them again in its format.
    pub fn facts<'a>(&self, config: &'a Config, format: Format) -> Result<Facts<'a>, EngineError> {
        let Predicate { issued_at, deadline, filing, produced_by, .. } = self.statement.predicate.predicate.clone();
        Ok(Facts {
            format,
            institution: &config.institution,
            series: &config.series,
            issued_at: instant(&issued_at)?,
            issued_on: local_date(config, instant(&issued_at)?),
            deadline: instant(&deadline)?,
            filing_number: filing.number,
            filing_kind: match filing.kind.as_str() {
                "original" => "original",
                "supplement" => "supplement",
                _ => "restatement",
            },
            supersedes: filing.supersedes.map(|superseded| superseded.sha256),
            reason: filing.reason,
            operator: filing.operator.flatten(),
            version: produced_by.version,
            config_sha256: produced_by.config_sha256,
        })
    }
}

/// The exceptions that say something about the day, as they say it.
fn of_the_day(exceptions: &[ExceptionFacts]) -> Vec<ExceptionFacts> {
    let of_the_day = exceptions.iter().filter(|exception| !exception.kind.is_of_the_run());
    of_the_day.map(ExceptionFacts::of_the_day).collect()
}

/// What the rules say about the day: who answers for them, say, is no part of that.
fn rules_of_the_day(filing: &Predicate) -> Vec<RuleFacts> {
    filing.business.iter().map(RuleFacts::of_the_day).collect()
}

/// The institution's date at an instant.
pub fn local_date(config: &Config, instant: Timestamp) -> Date {
    instant.to_zoned(config.zone()).date()
}

fn all_of_the_day(filing: &Predicate) -> bool {
    !filing.exceptions.iter().any(|exception| exception.kind.is_of_the_run())
}

fn instant(text: &str) -> Result<Timestamp, EngineError> {
    text.parse().map_err(|_| EngineError::Differs(format!("`{text}` in the manifest is no instant")))
}

/// The facts of a day's first filing.
pub fn first_facts<'a>(night: &Night<'a>, inputs: &Inputs) -> Result<Facts<'a>, EngineError> {
    let Night { config, issued_at, .. } = *night;
    Ok(Facts {
        format: inputs.format,
        institution: &config.institution,
        series: &config.series,
        issued_at,
        issued_on: local_date(config, issued_at),
        deadline: deadline(config, inputs.business_date)?,
        filing_number: 1,
        filing_kind: "original",
        supersedes: None,
        reason: None,
        operator: night.operator.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config_sha256: inputs.config.sha256.clone(),
    })
}

/// What of a filing is no longer so, in words.
fn restated(earlier: &Filed, day: &Predicate, changes: &Changes) -> Option<String> {
    let before = &earlier.statement.predicate.predicate;
    let is_other = |source: &SourceFacts| {
        let now = day.sources.iter().find(|now| now.id == source.id);
        now.is_none_or(|now| (&now.files, now.records, &now.amount) != (&source.files, source.records, &source.amount))
    };
    let loaded = before.sources.iter().filter(|source| source.state == "received" || source.state == "late");
    let other = loaded.filter(|source| changes.restated.contains(&source.id) || is_other(source));
    let other: Vec<&str> = other.map(|source| source.id.as_str()).collect();
    let declared = |day: &Predicate| day.no_movements.as_ref().is_some_and(Option::is_some);
    if !other.is_empty() {
        return Some(format!("filed other movements of {}", other.join(", ")));
    }
    let words = "declared a day without movements, and this run does not (--no-movements)";
    (declared(before) && !declared(day)).then(|| words.to_owned())
}

/// The deadline of a day's filing: the local time on the day after.
pub fn deadline(config: &Config, date: Date) -> Result<Timestamp, EngineError> {
    let time = config.deadline().ok_or_else(|| EngineError::bug("the configuration has no deadline"))?;
    morning_after(config, date, time)
}

/// From when on the day is filed without a database that is away.
pub fn file_without_from(config: &Config, date: Date) -> Result<Timestamp, EngineError> {
    let time = config.file_without_from().ok_or_else(|| EngineError::bug("the configuration has no deadline"))?;
    morning_after(config, date, time)
}

/// A local time on the day after `date`.
pub fn morning_after(config: &Config, date: Date, time: Time) -> Result<Timestamp, EngineError> {
    let day = date.checked_add(1.day()).map_err(|error| EngineError::Usage(error.to_string()))?;
    let zoned = day.to_datetime(time).to_zoned(config.zone()).map_err(|e| EngineError::Usage(e.to_string()))?;
    Ok(zoned.timestamp())
}

/// A business date as the series names its filings.
pub fn filing_date(date: Date) -> Result<FilingDate, EngineError> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    u16::try_from(year)
        .ok()
        .and_then(|year| FilingDate::new(year, month.unsigned_abs(), day.unsigned_abs()))
        .ok_or_else(|| EngineError::Usage(format!("{date} cannot be filed")))
}
