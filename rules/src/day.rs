//! The judged day: what was received, what ties out, what does not, and what follows from it.

use jiff::civil::Date;

use crate::config::{Config, OnFailure, Severity};
use crate::control::{ControlTotals, ControlVerdict};
use crate::exception::{Exception, Kind};
use crate::money::Totals;
use crate::said;
use crate::said::{RECORD, Said, counted};

/// The judgement of one night.
#[derive(Debug, Clone)]
pub struct Day {
    /// The day whose movements are reported.
    pub business_date: Date,
    /// Decimal places in which totals are held.
    pub scale: u32,
    /// One per configured source, in order.
    pub sources: Vec<SourceDay>,
    /// One per configured source, in order; `None` where the warehouse could not be read.
    pub end_to_end: Option<Vec<EndToEndDay>>,
    /// One per rule, in order.
    pub business: Vec<RuleDay>,
    /// Every gap, by kind, then source or rule in order of the configuration.
    pub exceptions: Vec<Exception>,
    /// Why the day has no movements, where that is declared.
    pub no_movements: Option<String>,
}

impl Day {
    /// Accepted movements of all sources.
    pub fn movements(&self) -> u64 {
        self.sources.iter().map(|source| source.records - source.rejected_records).sum()
    }

    /// Their sum.
    pub fn amount(&self) -> Totals {
        let mut amount = Totals::new(self.scale);
        for source in &self.sources {
            // The sum was checked when the header was made; here it only is shown.
            let _ = amount.merge(&source.amount);
        }
        amount
    }
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Read in full.
    Received,
    /// No file.
    Missing,
    /// Read in full, but it came after its cut-off.
    Late,
    /// A file could not be read; nothing of the source is in the report.
    Rejected,
}

impl SourceState {
    /// The word for it in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Missing => "missing",
            Self::Late => "late",
            Self::Rejected => "rejected",
        }
    }

    /// What became of the source, to stand behind `it is` in English and behind `la fuente` in Spanish.
    pub fn said(self) -> Said {
        let es = match self {
            Self::Received => "se recibió",
            Self::Missing => "no llegó",
            Self::Late => "llegó tarde",
            Self::Rejected => "se rechazó",
        };
        Said { en: self.name().to_owned(), es: es.to_owned() }
    }

    /// Whether its movements are in the report.
    pub fn is_loaded(self) -> bool {
        matches!(self, Self::Received | Self::Late)
    }
}

/// The source reconciliation of one source.
#[derive(Debug, Clone)]
pub struct SourceDay {
    /// The source.
    pub id: String,
    /// What became of it.
    pub state: SourceState,
    /// Records read, rejected ones included.
    pub records: u64,
    /// Records refused.
    pub rejected_records: u64,
    /// Sum of the accepted movements.
    pub amount: Totals,
    /// Its files, in order.
    pub files: Vec<FileDay>,
    /// What its control record says of it.
    pub verdict: ControlVerdict,
    /// What the source states.
    pub expected: ControlTotals,
    /// What was read.
    pub actual: ControlTotals,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDay {
    /// Its path below the data folder.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Records read; 0 for a repeated file, which is not loaded again.
    pub records: u64,
}

/// The end-to-end reconciliation of one source.
#[derive(Debug, Clone)]
pub struct EndToEndDay {
    /// The source.
    pub source: String,
    /// Movements of the source.
    pub source_records: u64,
    /// Rows of the warehouse.
    pub warehouse_records: u64,
    /// Sum of the source.
    pub source_amount: Totals,
    /// Sum of the warehouse.
    pub warehouse_amount: Totals,
    /// Pairs that agree.
    pub matched: u64,
    /// Movements that the warehouse lacks.
    pub missing_in_warehouse: u64,
    /// Rows that the source lacks.
    pub missing_in_source: u64,
    /// Pairs with other values.
    pub changed: u64,
    /// Surplus copies, of either side.
    pub duplicates: u64,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleVerdict {
    /// No violation.
    Passed,
    /// At least one violation.
    Failed,
    /// It could not be judged, which counts against the filing.
    NotEvaluated,
}

impl RuleVerdict {
    /// The word for it in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotEvaluated => "notEvaluated",
        }
    }
}

/// The judgement of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDay {
    /// The rule.
    pub rule: String,
    /// What became of it.
    pub verdict: RuleVerdict,
    /// How many violations it found.
    pub violations: u64,
    /// In words.
    pub explanation: String,
    /// The regulation or policy it comes from; empty where the configuration says none.
    pub why: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How bad a failure is.
    pub severity: Severity,
    /// What a failure does to the filing.
    pub on_failure: OnFailure,
}

/// What follows from the judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The report is whole.
    Complete,
    /// There are gaps, each documented.
    Partial,
    /// The policy forbids a filing, for these reasons; in the configured language.
    Blocked(Vec<String>),
}

/// What the policy makes of the day.
pub fn decide(config: &Config, day: &Day) -> Decision {
    let mut reasons: Vec<Said> = Vec::new();
    for id in &config.policy.required_sources {
        if let Some(source) = day.sources.iter().find(|source| &source.id == id && !source.state.is_loaded()) {
            let about = format!("/{id}");
            let told = day
                .exceptions
                .iter()
                .find(|e| matches!(e.kind, Kind::SourceMissing | Kind::SourceRejected) && e.id.ends_with(&about));
            let told = told.map_or(String::new(), |exception| format!(": {}", exception.explanation));
            let state = source.state.said();
            reasons.push(said!(
                "source {id} is required and {state}{told}",
                "la fuente {id} es obligatoria y {state}{told}"; state
            ));
        }
    }
    for exception in day.exceptions.iter().filter(|e| config.policy.block_on.contains(&e.kind)) {
        let Exception { kind, explanation, .. } = exception;
        reasons.push(said!(
            "the policy blocks on {kind}: {explanation}",
            "la política no permite presentar con {kind}: {explanation}"
        ));
    }
    for rule in &day.business {
        if rule.verdict != RuleVerdict::Passed && rule.on_failure == OnFailure::Block {
            let RuleDay { rule, explanation, .. } = rule;
            reasons.push(said!(
                "rule {rule} blocks the filing: {explanation}",
                "la regla {rule} impide presentar el reporte: {explanation}"
            ));
        }
    }
    if let Some(why) = &day.no_movements {
        for source in day.sources.iter().filter(|source| source.records > 0) {
            let (id, records) = (&source.id, counted(source.records, RECORD));
            reasons.push(said!(
                "the day is declared without movements ({why}), but source {id} sent {records}: one of the two is wrong",
                "se declaró un día sin movimientos ({why}), pero la fuente {id} envió {records}: una de las dos cosas es \
                 incorrecta"; records
            ));
        }
    }
    let loaded = day.sources.iter().filter(|source| source.state.is_loaded()).count();
    let least = usize::from(config.policy.minimum_coverage_percent);
    if loaded * 100 < least * day.sources.len() {
        let all = day.sources.len();
        reasons.push(said!(
            "{loaded} of {all} sources were received; the policy asks for {least} %",
            "fuentes recibidas: {loaded} de {all}; la política pide {least} %"
        ));
    }
    if !reasons.is_empty() {
        return Decision::Blocked(reasons.into_iter().map(|reason| reason.into_language(config.language)).collect());
    }
    match day.exceptions.iter().any(|exception| counts(day, exception)) {
        true => Decision::Partial,
        false => Decision::Complete,
    }
}

/// Whether an exception makes the filing partial: every one above a note, but a rule's only
/// where the rule says so.
fn counts(day: &Day, exception: &Exception) -> bool {
    if !matches!(exception.kind, Kind::RuleFailed | Kind::RuleNotEvaluated) {
        return exception.severity > Severity::Note;
    }
    let about = exception.id.split_once('/').map(|(_, rule)| rule);
    day.business.iter().any(|rule| Some(rule.rule.as_str()) == about && rule.on_failure != OnFailure::Note)
}
