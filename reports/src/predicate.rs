//! The predicate of the manifest: what is said of the filing's files.
//!
//! Amounts are objects of currency to decimal text; what is not known is `null`, never a missing
//! key. `history` is not here: who signs adds it.

use std::collections::BTreeMap;

use cuadre_rules::config::{OnFailure, Severity};
use cuadre_rules::control::ControlTotals;
use cuadre_rules::day::{Day, EndToEndDay, FileDay, RuleDay, SourceDay};
use cuadre_rules::exception::{Class, Exception, Kind};
use cuadre_rules::money::{Overflow, Totals};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize};

use crate::ReportError;
use crate::format::{Added, Format, there};
use crate::open::{Carried, CarriedOver, Disposition, Dispositions};

/// The file that holds the rows of evidence.
const EVIDENCE: &str = "exceptions.csv";

/// What a filing is, besides the judged day.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The format of the filing.
    pub format: Format,
    /// The institution that owes the report.
    pub institution: &'a str,
    /// The series of filings.
    pub series: &'a str,
    /// When the filing was issued; shown in whole seconds.
    pub issued_at: Timestamp,
    /// The institution's local date then.
    pub issued_on: Date,
    /// When it is due; shown in whole seconds.
    pub deadline: Timestamp,
    /// Which filing of the day it is, counted from 1.
    pub filing_number: u32,
    /// `original`, `supplement` or `restatement`.
    pub filing_kind: &'a str,
    /// SHA-256 of the latest manifest of the same day, lower-case hex.
    pub supersedes: Option<String>,
    /// Why there is another filing of the day.
    pub reason: Option<String>,
    /// Who ran it.
    pub operator: Option<String>,
    /// The version of the engine.
    pub version: String,
    /// SHA-256 of the configuration, lower-case hex.
    pub config_sha256: String,
}

/// Whether the report is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No gap.
    Complete,
    /// Gaps, each of them an exception.
    Partial,
}

impl Status {
    /// The word for it in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
        }
    }
}

/// Currency code to decimal text.
pub type AmountText = BTreeMap<String, String>;

/// The predicate, without `history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // The names are the format; the design states what each means.
pub struct Predicate {
    pub institution: String,
    pub series: String,
    pub business_date: String,
    pub status: Status,
    pub issued_at: String,
    pub deadline: String,
    pub filing: Filing,
    pub produced_by: ProducedBy,
    pub sources: Vec<SourceFacts>,
    pub end_to_end: Vec<EndToEndFacts>,
    pub business: Vec<RuleFacts>,
    pub exceptions: Vec<ExceptionFacts>,
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub no_movements: Added<NoMovements>,
    /// Exceptions of other days that are open, with their ages; those of this day are in `exceptions`. What
    /// is open after this filing are both, notes and what has been accepted left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_over: Option<Vec<CarriedOver>>,
    /// The dispositions that this filing is the first to state, each in full, whether its exception is still open
    /// or not; and how many are stated by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispositions: Option<Dispositions>,
}

/// The declaration that a day has no movements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NoMovements {
    pub reason: String,
}

/// The filing's place among those of its day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Filing {
    pub number: u32,
    pub kind: String,
    pub supersedes: Option<Superseded>,
    pub reason: Option<String>,
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub operator: Added<String>,
}

/// A manifest that this one takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Superseded {
    pub sha256: String,
}

/// What made the filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ProducedBy {
    pub version: String,
    pub config_sha256: String,
}

/// What was received of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SourceFacts {
    pub id: String,
    pub state: String,
    pub records: u64,
    pub rejected_records: u64,
    pub amount: AmountText,
    pub files: Vec<FileFacts>,
    pub control: ControlFacts,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileFacts {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    pub records: u64,
}

/// What a source states against what was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ControlFacts {
    pub verdict: String,
    pub expected: TotalsFacts,
    pub actual: TotalsFacts,
}

/// Control totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TotalsFacts {
    pub records: Option<u64>,
    pub amount: Option<AmountText>,
}

/// One source against the warehouse, counted in movements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct EndToEndFacts {
    pub source: String,
    pub source_records: u64,
    pub warehouse_records: u64,
    pub source_amount: AmountText,
    pub warehouse_amount: AmountText,
    pub matched: u64,
    pub missing_in_warehouse: u64,
    pub missing_in_source: u64,
    pub changed: u64,
    pub duplicates: u64,
    /// Warehouse less source, over the currencies of both.
    pub amount_difference: AmountText,
}

/// One business rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RuleFacts {
    pub rule: String,
    pub verdict: String,
    pub violations: u64,
    pub explanation: String,
    /// The regulation or policy it comes from; empty where nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub owner: Added<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
}

/// One gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ExceptionFacts {
    pub id: String,
    /// `expected`: it was due and has not come; `mismatched`: it came and does not agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    pub kind: Kind,
    pub severity: Severity,
    pub source: Option<String>,
    pub records: Option<u64>,
    pub amount: Option<AmountText>,
    pub explanation: String,
    /// The file with its rows, where it has any.
    pub evidence: Option<String>,
    /// What people recorded of it since an earlier filing of the day stated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispositions: Option<Vec<Disposition>>,
}

/// States the judged day, and what it takes over from the filings before. A warehouse that could not be read leaves `endToEnd` empty; the day then
/// has an exception that says so.
///
/// # Errors
/// [`ReportError::Overflow`] where the difference of two amounts leaves the range of 128-bit
/// integers.
pub fn predicate(day: &Day, facts: &Facts<'_>, carried: &Carried, status: Status) -> Result<Predicate, ReportError> {
    let exception = |exception: &Exception| {
        let dispositions = carried.dispositions_of(day.business_date, &exception.id);
        ExceptionFacts::of(exception, facts.format, dispositions)
    };
    let end_to_end = day.end_to_end.as_deref().unwrap_or_default();
    Ok(Predicate {
        institution: facts.institution.to_owned(),
        series: facts.series.to_owned(),
        business_date: day.business_date.to_string(),
        status,
        issued_at: instant(facts.issued_at),
        deadline: instant(facts.deadline),
        filing: Filing {
            number: facts.filing_number,
            kind: facts.filing_kind.to_owned(),
            supersedes: facts.supersedes.clone().map(|sha256| Superseded { sha256 }),
            reason: facts.reason.clone(),
            operator: facts.format.added_by_2(facts.operator.clone()),
        },
        produced_by: ProducedBy { version: facts.version.clone(), config_sha256: facts.config_sha256.clone() },
        sources: day.sources.iter().map(SourceFacts::from).collect(),
        end_to_end: end_to_end.iter().map(EndToEndFacts::try_from).collect::<Result<_, _>>().map_err(overflow)?,
        business: day.business.iter().map(|rule| RuleFacts::of(rule, facts.format)).collect(),
        exceptions: day.exceptions.iter().map(exception).collect(),
        no_movements: facts.format.added_by_2(day.no_movements.clone().map(|reason| NoMovements { reason })),
        carried_over: facts.format.added_by_3(carried.over(day.business_date, facts.issued_on)),
        dispositions: facts.format.added_by_3(carried.dispositions.clone()),
    })
}

impl From<&SourceDay> for SourceFacts {
    fn from(source: &SourceDay) -> Self {
        Self {
            id: source.id.clone(),
            state: source.state.name().to_owned(),
            records: source.records,
            rejected_records: source.rejected_records,
            amount: source.amount.to_text(),
            files: source.files.iter().map(FileFacts::from).collect(),
            control: ControlFacts {
                verdict: source.verdict.name().to_owned(),
                expected: (&source.expected).into(),
                actual: (&source.actual).into(),
            },
        }
    }
}

impl From<&FileDay> for FileFacts {
    fn from(file: &FileDay) -> Self {
        Self { name: file.name.clone(), sha256: file.sha256.clone(), bytes: file.bytes, records: file.records }
    }
}

impl From<&ControlTotals> for TotalsFacts {
    fn from(totals: &ControlTotals) -> Self {
        Self { records: totals.records, amount: totals.amount.as_ref().map(Totals::to_text) }
    }
}

impl TryFrom<&EndToEndDay> for EndToEndFacts {
    type Error = Overflow;

    fn try_from(day: &EndToEndDay) -> Result<Self, Overflow> {
        Ok(Self {
            source: day.source.clone(),
            source_records: day.source_records,
            warehouse_records: day.warehouse_records,
            source_amount: day.source_amount.to_text(),
            warehouse_amount: day.warehouse_amount.to_text(),
            matched: day.matched,
            missing_in_warehouse: day.missing_in_warehouse,
            missing_in_source: day.missing_in_source,
            changed: day.changed,
            duplicates: day.duplicates,
            amount_difference: day.warehouse_amount.minus(&day.source_amount)?.to_text(),
        })
    }
}

impl RuleFacts {
    /// A rule as a filing of this format states it.
    fn of(rule: &RuleDay, format: Format) -> Self {
        Self {
            rule: rule.rule.clone(),
            verdict: rule.verdict.name().to_owned(),
            violations: rule.violations,
            explanation: rule.explanation.clone(),
            why: format.added_by_4(rule.why.clone()),
            owner: format.added_by_4(rule.owner.clone()),
            severity: format.added_by_4(rule.severity),
            on_failure: format.added_by_4(rule.on_failure),
        }
    }

    /// What it says of the day, in every format.
    pub fn of_the_day(&self) -> Self {
        Self { why: None, owner: None, severity: None, on_failure: None, ..self.clone() }
    }
}

impl ExceptionFacts {
    /// An exception as a filing of this format states it.
    pub fn of(exception: &Exception, format: Format, dispositions: Vec<Disposition>) -> Self {
        Self {
            id: exception.id.clone(),
            class: format.added_by_3(exception.class),
            kind: exception.kind,
            severity: exception.severity,
            source: exception.source.clone(),
            records: exception.records,
            amount: exception.amount.as_ref().map(Totals::to_text),
            explanation: exception.explanation.clone(),
            evidence: (exception.evidence_rows > 0).then(|| EVIDENCE.to_owned()),
            dispositions: format.added_by_3(dispositions),
        }
    }

    /// What it says of the day, in every format.
    pub fn of_the_day(&self) -> Self {
        Self { class: None, dispositions: None, ..self.clone() }
    }
}

/// RFC 3339 in UTC, whole seconds.
fn instant(instant: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(0)).timestamp_to_string(&instant)
}

fn overflow(source: Overflow) -> ReportError {
    ReportError::Overflow { what: "the end-to-end difference of amounts", source }
}

#[cfg(test)]
mod tests;
