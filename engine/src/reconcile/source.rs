//! The source reconciliation: what was received of each source, against what it says it sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cuadre_audit::Archive;
use cuadre_rules::Config;
use cuadre_rules::config::source::ControlFrom;
use cuadre_rules::config::{Severity, Source};
use cuadre_rules::control::{self, ControlTotals, ControlVerdict};
use cuadre_rules::day::{FileDay, SourceDay, SourceState};
use cuadre_rules::exception::{Evidence, Kind};
use cuadre_rules::money::Totals;
use jiff::ToSpan;
use jiff::civil::{Date, Time};

use super::gaps::{About, Gaps, counted};
use crate::error::EngineError;
use crate::inputs::{Inputs, Role, object};
use crate::load;
use crate::load::all::Extract;
use crate::load::meaning::Drift;

/// A judged source, and where its accepted movements are staged.
pub struct Judged {
    /// The judgement.
    pub day: SourceDay,
    /// Staged movements, in file order; empty where the source is not loaded.
    pub staged: Vec<PathBuf>,
}

/// Judges source number `position` of the configuration.
pub fn judge(
    config: &Config,
    position: usize,
    inputs: &Inputs,
    extracts: Vec<Extract<'_>>,
    archive: &Archive,
    gaps: &mut Gaps,
) -> Result<Judged, EngineError> {
    let source = &config.sources[position];
    let about = About::source(position, &source.id);
    let zero = Totals::with(config.scale(), config.default_currency().ok_or_else(|| EngineError::bug("no currency"))?);
    let mut day = SourceDay {
        id: source.id.clone(),
        state: SourceState::Received,
        records: 0,
        rejected_records: 0,
        amount: zero,
        files: Vec::new(),
        verdict: ControlVerdict::Absent,
        expected: ControlTotals::default(),
        actual: ControlTotals::default(),
    };
    for extract in &extracts {
        let records = extract.records();
        let file = &extract.input.file;
        let (name, sha256) = (file.name.clone(), file.sha256.clone());
        day.files.push(FileDay { name, sha256, bytes: file.bytes, records });
    }
    if let Some(problem) = unreadable(source, inputs, &extracts) {
        day.state = SourceState::Rejected;
        gaps.state(Kind::SourceRejected, about, &format!("{problem}; no movement of the source is in the report"));
        return Ok(Judged { day, staged: Vec::new() });
    }
    if extracts.is_empty() {
        day.state = SourceState::Missing;
        let patterns = source.extract.files.patterns().iter();
        let places: Vec<String> = patterns.map(|p| crate::landing::with_date(p, inputs.business_date)).collect();
        gaps.state(Kind::SourceMissing, about, &format!("no file arrived at {}", places.join(", ")));
        return Ok(Judged { day, staged: Vec::new() });
    }
    files(config, source, inputs.business_date, &extracts, &mut day, about, gaps)?;
    let mut staged = Vec::new();
    let mut actual = ControlTotals { hash_total: Some(0), ..ControlTotals::default() };
    let mut trailers = Vec::new();
    let mut drifts = Drifts::default();
    for extract in extracts {
        let Some(Ok(loaded)) = extract.loaded else { continue };
        day.records += loaded.records;
        day.rejected_records += loaded.refused.rows;
        for (_, totals) in &loaded.totals {
            day.amount.merge(&totals.amount)?;
        }
        actual.hash_total = actual.hash_total.zip(loaded.hash_total).and_then(|(a, b)| a.checked_add(b));
        drifts.add(&extract.input.file.name, &loaded.drift, about, gaps)?;
        trailers.push((extract.input.file.name.as_str(), loaded.trailer));
        staged.push(loaded.movements);
        if loaded.refused.rows > 0 {
            gaps.count(Kind::RecordsRejected, about, loaded.refused.rows);
            gaps.listed(Kind::RecordsRejected, about, loaded.refused);
        }
    }
    drifts.state(about, gaps);
    actual.records = Some(day.records);
    actual.amount = Some(day.amount.clone());
    if day.rejected_records > 0 {
        let words =
            format!("{} of {} records were refused and are not in the report", day.rejected_records, day.records);
        gaps.state(Kind::RecordsRejected, about, &words);
    }
    if day.records == 0 {
        gaps.state(Kind::SourceEmpty, about, "its files arrived without a single record");
    }
    if source.control.is_some() {
        let expected = stated(config, source, inputs, &trailers, archive, about, gaps)?;
        control_gap(&expected, &actual, source, about, gaps)?;
        day.verdict = control::judge(&expected, &actual);
        day.expected = expected;
    }
    day.actual = actual;
    Ok(Judged { day, staged })
}

/// Differences of columns, each told once however many files have it.
#[derive(Default)]
pub struct Drifts {
    files: BTreeMap<String, u64>,
    lost: bool,
}

impl Drifts {
    /// Lists how the columns of one file differ.
    pub fn add(&mut self, file: &str, drift: &Drift, about: About<'_>, gaps: &mut Gaps) -> Result<(), EngineError> {
        self.lost |= drift.lost;
        for words in &drift.words {
            *self.files.entry(words.clone()).or_default() += 1;
            let row = Evidence { file: Some(file.to_owned()), reason: words.clone(), ..Evidence::default() };
            gaps.evidence(Kind::SchemaDrift, about, row)?;
        }
        Ok(())
    }

    /// States the gap. A mapped column that is not there is more than a note: its field is empty.
    pub fn state(&self, about: About<'_>, gaps: &mut Gaps) {
        for (words, files) in &self.files {
            gaps.state(Kind::SchemaDrift, about, &format!("{words} ({})", counted(*files, "file")));
        }
        if self.lost {
            gaps.rate(Kind::SchemaDrift, about, Severity::Minor);
        }
    }
}

/// Why the source as a whole cannot be used.
fn unreadable(source: &Source, inputs: &Inputs, extracts: &[Extract<'_>]) -> Option<String> {
    if let Some(problem) = inputs.problem(Role::Extract, &source.id) {
        return Some(problem.to_owned());
    }
    extracts.iter().find_map(|extract| match &extract.loaded {
        Some(Err(reason)) => Some(format!("{} cannot be read: {reason}", extract.input.file.name)),
        _ => None,
    })
}

/// Files that came twice, too late, or not at all.
fn files(
    config: &Config,
    source: &Source,
    date: Date,
    extracts: &[Extract<'_>],
    day: &mut SourceDay,
    about: About<'_>,
    gaps: &mut Gaps,
) -> Result<(), EngineError> {
    // Two files without records have nothing to deliver twice: two branches without movements, say.
    let first_of = |extract: &Extract<'_>| {
        extracts.iter().find(|other| other.input.file.sha256 == extract.input.file.sha256 && other.records() > 0)
    };
    let twice: Vec<_> = extracts
        .iter()
        .filter(|extract| extract.loaded.is_none())
        .filter_map(|extract| Some((extract, &first_of(extract)?.input.file.name)))
        .collect();
    let repeated = twice.len();
    let distinct = extracts.len() - repeated;
    for (extract, first) in twice {
        let file = Some(extract.input.file.name.clone());
        let reason = format!("it and {first} have the very same bytes: delivered twice, loaded once");
        gaps.evidence(Kind::FileRepeated, about, Evidence { file, reason, ..Evidence::default() })?;
    }
    if repeated > 0 {
        gaps.state(Kind::FileRepeated, about, &format!("{repeated} of {} files were delivered twice", extracts.len()));
    }
    for extract in extracts {
        if let Some(filing) = extract.input.filed_before.as_ref().filter(|_| extract.records() > 0) {
            let words = format!("{} has the very bytes of a file in filing {filing}", extract.input.file.name);
            gaps.state(Kind::PeriodRepeated, about, &words);
        }
    }
    if let Some(expected) = source.expected_files
        && (distinct as u64) < u64::from(expected)
    {
        gaps.state(Kind::FilesMissing, about, &format!("{distinct} of {expected} expected files arrived"));
    }
    let cut_off = source.cut_off.as_ref().and_then(|text| Time::strptime("%H:%M", text).ok());
    if let Some(cut_off) = cut_off {
        let limit = date.saturating_add(1.day()).to_datetime(cut_off).to_zoned(config.zone()).ok();
        let late = |extract: &&Extract<'_>| {
            extract.input.changed_at.zip(limit.as_ref()).is_some_and(|(at, limit)| at > limit.timestamp())
        };
        for extract in extracts.iter().filter(late) {
            day.state = SourceState::Late;
            let name = &extract.input.file.name;
            gaps.state(Kind::SourceLate, about, &format!("{name} changed after the cut-off at {cut_off}"));
        }
    }
    Ok(())
}

/// What the source says it sent: its trailers or its control files, added up.
fn stated(
    config: &Config,
    source: &Source,
    inputs: &Inputs,
    trailers: &[(&str, ControlTotals)],
    archive: &Archive,
    about: About<'_>,
    gaps: &mut Gaps,
) -> Result<ControlTotals, EngineError> {
    let Some(control) = &source.control else { return Ok(ControlTotals::default()) };
    let mut parts = Vec::new();
    if control.from == ControlFrom::Trailer {
        for (name, trailer) in trailers {
            if trailer == &ControlTotals::default() {
                gaps.state(Kind::ControlAbsent, about, &format!("{name} has no trailer record: it may be cut off"));
            }
            parts.push(trailer.clone());
        }
    }
    for input in inputs.of(Role::Control, &source.id) {
        let path = object(archive, input)?;
        match load::control::read(config, source, control, &path) {
            Ok(Some(stated)) => {
                if let Some(date) = stated.business_date.filter(|&date| date != inputs.business_date) {
                    let words = format!("{} is of {date}, not of {}", input.file.name, inputs.business_date);
                    gaps.state(Kind::WrongBusinessDate, about, &words);
                }
                parts.push(stated.totals);
            }
            Ok(None) => {}
            Err(reason) => gaps.state(Kind::ControlAbsent, about, &format!("{}: {reason}", input.file.name)),
        }
    }
    if let Some(problem) = inputs.problem(Role::Control, &source.id) {
        gaps.state(Kind::ControlAbsent, about, problem);
    }
    sum(parts)
}

/// Adds control records up; a total that one of them lacks is not stated at all.
fn sum(parts: Vec<ControlTotals>) -> Result<ControlTotals, EngineError> {
    let mut parts = parts.into_iter();
    let Some(mut whole) = parts.next() else { return Ok(ControlTotals::default()) };
    for part in parts {
        whole.records = whole.records.zip(part.records).map(|(a, b)| a + b);
        whole.hash_total = match (whole.hash_total, part.hash_total) {
            (Some(a), Some(b)) => Some(a.checked_add(b).ok_or(cuadre_rules::money::Overflow)?),
            _ => None,
        };
        whole.amount = match (whole.amount, part.amount) {
            (Some(mut a), Some(b)) => {
                a.merge(&b)?;
                Some(a)
            }
            _ => None,
        };
    }
    Ok(whole)
}

fn control_gap(
    expected: &ControlTotals,
    actual: &ControlTotals,
    source: &Source,
    about: About<'_>,
    gaps: &mut Gaps,
) -> Result<(), EngineError> {
    match control::judge(expected, actual) {
        ControlVerdict::Matched => {}
        ControlVerdict::Absent if gaps.has(Kind::ControlAbsent, about) => {}
        ControlVerdict::Absent => {
            let what =
                source.control.as_ref().and_then(|control| control.file.as_deref()).unwrap_or("a trailer record");
            gaps.state(Kind::ControlAbsent, about, &format!("nothing proves that it is whole: {what} was not found"));
        }
        ControlVerdict::Mismatched => {
            gaps.state(Kind::ControlMismatch, about, &control::explain(expected, actual));
            if let (Some(expected), Some(actual)) = (&expected.amount, &actual.amount) {
                gaps.set_amount(Kind::ControlMismatch, about, actual.minus(expected)?);
            }
            let count = expected.records.zip(actual.records).map(|(a, b)| a.abs_diff(b)).filter(|&n| n > 0);
            if let Some(count) = count {
                gaps.count(Kind::ControlMismatch, about, count);
            }
        }
    }
    Ok(())
}
