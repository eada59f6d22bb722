//! The source reconciliation: what was received of each source, against what it says it sent.

use cuadre_rules::Config;
use cuadre_rules::config::Source;
use cuadre_rules::control::{ControlTotals, ControlVerdict};
use cuadre_rules::day::{FileDay, SourceDay, SourceState};
use cuadre_rules::exception::Kind;
use cuadre_rules::money::Totals;
use cuadre_rules::said;
use cuadre_rules::said::Said;

use super::drifts::Drifts;
use super::gaps::{About, Gaps};
use super::{control, deliveries};
use crate::error::EngineError;
use crate::inputs::{Bytes, Inputs, Role};
use crate::landing::with_date;
use crate::load::all::Extract;
use crate::load::stage::Staged;

/// A judged source, and where its accepted movements are staged.
pub struct Judged {
    /// The judgement.
    pub day: SourceDay,
    /// Staged movements, in file order; empty where the source is not loaded.
    pub staged: Vec<Staged>,
}

/// What the judgement of one source may look at.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The source.
    pub source: &'a Source,
    /// What its exceptions are about.
    pub about: About<'a>,
    /// Everything received.
    pub inputs: &'a Inputs,
    /// Where it lies.
    pub bytes: &'a Bytes,
}

impl Scope<'_> {
    /// Whether the day is declared to have no movements: nothing has to come then.
    pub fn declared_empty(&self) -> bool {
        self.inputs.no_movements.is_some()
    }
}

/// Judges one source by its extracts.
pub fn judge(scope: Scope<'_>, extracts: Vec<Extract<'_>>, gaps: &mut Gaps) -> Result<Judged, EngineError> {
    let mut day = unjudged(scope, &extracts)?;
    let absent = |day| Ok(Judged { day, staged: Vec::new() });
    if let Some(problem) = unreadable(scope.inputs, &scope.source.id, &extracts) {
        day.state = SourceState::Rejected;
        let words = said!(
            "{problem}; no movement of the source is in the report",
            "{problem}; ningún movimiento de la fuente está en el reporte"; problem
        );
        gaps.state(Kind::SourceRejected, scope.about, words);
        return absent(day);
    }
    if extracts.is_empty() && !scope.declared_empty() {
        day.state = SourceState::Missing;
        let patterns = scope.source.extract.files.patterns().iter();
        let places: Vec<String> = patterns.map(|pattern| with_date(pattern, scope.inputs.business_date)).collect();
        let places = places.join(", ");
        let none = || said!("no file arrived at {places}", "no llegó ningún archivo a {places}");
        let words = scope.inputs.unfinished(&scope.source.id).map_or_else(none, Said::same);
        gaps.state(Kind::SourceMissing, scope.about, words);
        return absent(day);
    }
    deliveries::judge(scope, &extracts, gaps)?;
    if deliveries::is_late(scope, &extracts, gaps) {
        day.state = SourceState::Late;
    }
    let staged = add_up(scope, extracts, &mut day, gaps)?;
    Ok(Judged { day, staged })
}

/// The source before anything is known of it but its files.
fn unjudged(scope: Scope<'_>, extracts: &[Extract<'_>]) -> Result<SourceDay, EngineError> {
    let currency = scope.config.default_currency();
    let currency = currency.ok_or_else(|| EngineError::bug("the configuration has no currency"))?;
    let file = |extract: &Extract<'_>| FileDay {
        name: extract.input.file.name.clone(),
        sha256: extract.input.file.sha256.clone(),
        bytes: extract.input.file.bytes,
        records: extract.records(),
    };
    Ok(SourceDay {
        id: scope.source.id.clone(),
        state: SourceState::Received,
        records: 0,
        rejected_records: 0,
        amount: Totals::with(scope.config.scale(), currency),
        files: extracts.iter().map(file).collect(),
        verdict: ControlVerdict::Absent,
        expected: ControlTotals::default(),
        actual: ControlTotals::default(),
    })
}

/// The staged movements of a source with these extracts; none where it cannot be used as a whole.
pub fn movements(inputs: &Inputs, source: &str, extracts: Vec<Extract<'_>>) -> Vec<Staged> {
    if unreadable(inputs, source, &extracts).is_some() {
        return Vec::new();
    }
    let loaded = extracts.into_iter().filter_map(|extract| extract.loaded?.ok());
    loaded.flat_map(|loaded| loaded.movements).collect()
}

/// Why the source as a whole cannot be used.
fn unreadable(inputs: &Inputs, source: &str, extracts: &[Extract<'_>]) -> Option<Said> {
    if let Some(problem) = inputs.problem(Role::Extract, source) {
        return Some(Said::same(problem));
    }
    extracts.iter().find_map(|extract| match &extract.loaded {
        Some(Err(unreadable)) => Some(unreadable.of(&extract.input.file.name)),
        _ => None,
    })
}

/// Adds the files up, and holds the sum against the control record. Returns the staged movements.
fn add_up(
    scope: Scope<'_>,
    extracts: Vec<Extract<'_>>,
    day: &mut SourceDay,
    gaps: &mut Gaps,
) -> Result<Vec<Staged>, EngineError> {
    let (mut staged, mut trailers, mut drifts) = (Vec::new(), Vec::new(), Drifts::default());
    let mut hash_total = Some(0i128);
    for extract in extracts {
        let Some(Ok(loaded)) = extract.loaded else { continue };
        day.records += loaded.records;
        let refused = loaded.refused_records();
        day.rejected_records += refused;
        for (_, totals) in &loaded.totals {
            day.amount.merge(&totals.amount)?;
        }
        hash_total = hash_total.zip(loaded.hash_total).and_then(|(a, b)| a.checked_add(b));
        drifts.add(&extract.input.file.name, &loaded.drift, scope.about, gaps)?;
        trailers.push((extract.input.file.name.as_str(), loaded.trailer));
        staged.extend(loaded.movements);
        if refused > 0 {
            gaps.count(Kind::RecordsRejected, scope.about, refused);
            loaded.refused.into_iter().for_each(|list| gaps.listed(Kind::RecordsRejected, scope.about, list));
        }
    }
    drifts.state(scope.about, gaps);
    if day.rejected_records > 0 {
        let (refused, records) = (day.rejected_records, day.records);
        let words = said!(
            "{refused} of {records} records were refused and are not in the report",
            "registros rechazados: {refused} de {records}; no están en el reporte"
        );
        gaps.state(Kind::RecordsRejected, scope.about, words);
    }
    if day.records == 0 && !scope.declared_empty() {
        let words = said!("its files arrived without a single record", "sus archivos llegaron sin un solo registro");
        gaps.state(Kind::SourceEmpty, scope.about, words);
    }
    day.actual = ControlTotals { records: Some(day.records), amount: Some(day.amount.clone()), hash_total };
    (day.expected, day.verdict) = control::judge(scope, &trailers, &day.actual, gaps)?;
    Ok(staged)
}
