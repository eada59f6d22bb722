//! Exceptions: the gaps of a delivery, and the evidence for each.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Severity;
use crate::money::Totals;

/// What kind of gap an exception is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No file of an expected source.
    SourceMissing,
    /// A file changed after the cut-off.
    SourceLate,
    /// A file of the source cannot be read; nothing of the source is in the report.
    SourceRejected,
    /// Files came, without a single record.
    SourceEmpty,
    /// Fewer files than expected.
    FilesMissing,
    /// A file has the very bytes of another one of the same source and night.
    FileRepeated,
    /// A file has the very bytes of one that was filed for the day before.
    PeriodRepeated,
    /// Columns are not those configured.
    SchemaDrift,
    /// Records of a source that were refused.
    RecordsRejected,
    /// No control record where one is configured.
    ControlAbsent,
    /// The control record does not agree with what was read.
    ControlMismatch,
    /// The control record is of another day.
    WrongBusinessDate,
    /// The warehouse has no data for the day, or cannot be read.
    WarehouseMissing,
    /// Rows of the warehouse that were refused.
    WarehouseRecordsRejected,
    /// Movements of a source that the warehouse lacks.
    MissingInWarehouse,
    /// Rows of the warehouse that the source lacks.
    MissingInSource,
    /// Movements whose values differ.
    Changed,
    /// Surplus copies of a movement on either side.
    Duplicate,
    /// A business rule failed.
    RuleFailed,
    /// A business rule could not be evaluated.
    RuleNotEvaluated,
    /// What happened in an earlier night could not be told by a route.
    NotificationFailed,
    /// The archive was away or full; what was received waits beside the series.
    ArchiveAway,
}

/// Whether a gap is of what has not come, or of what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// What was due and has not come, or not in time; and what only follows from that.
    Expected,
    /// What came and does not agree, cannot be read, or fails a rule.
    Mismatched,
}

impl Class {
    /// The word for it in manifest and annex.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Mismatched => "mismatched",
        }
    }
}

impl Kind {
    /// Whether it is a gap of what has not come. Differences of both sides are, where all of one side is missing:
    /// `is_stated` says whether the day has an exception of that id.
    pub fn class(self, source: Option<&str>, is_stated: impl Fn(&str) -> bool) -> Class {
        let follows = match self {
            Self::SourceMissing
            | Self::SourceLate
            | Self::SourceEmpty
            | Self::FilesMissing
            | Self::ControlAbsent
            | Self::WarehouseMissing
            | Self::RuleNotEvaluated => true,
            Self::MissingInSource => is_stated(&Exception::id(Self::SourceMissing, source)),
            Self::MissingInWarehouse => is_stated(&Exception::id(Self::WarehouseMissing, None)),
            _ => false,
        };
        if follows { Class::Expected } else { Class::Mismatched }
    }

    /// The word for it in configuration, manifest and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Self::SourceMissing => "source_missing",
            Self::SourceLate => "source_late",
            Self::SourceRejected => "source_rejected",
            Self::SourceEmpty => "source_empty",
            Self::FilesMissing => "files_missing",
            Self::FileRepeated => "file_repeated",
            Self::PeriodRepeated => "period_repeated",
            Self::SchemaDrift => "schema_drift",
            Self::RecordsRejected => "records_rejected",
            Self::ControlAbsent => "control_absent",
            Self::ControlMismatch => "control_mismatch",
            Self::WrongBusinessDate => "wrong_business_date",
            Self::WarehouseMissing => "warehouse_missing",
            Self::WarehouseRecordsRejected => "warehouse_records_rejected",
            Self::MissingInWarehouse => "missing_in_warehouse",
            Self::MissingInSource => "missing_in_source",
            Self::Changed => "changed",
            Self::Duplicate => "duplicate",
            Self::RuleFailed => "rule_failed",
            Self::RuleNotEvaluated => "rule_not_evaluated",
            Self::NotificationFailed => "notification_failed",
            Self::ArchiveAway => "archive_away",
        }
    }

    /// Whether it is about the run alone: it says nothing about the day, so that another run of the day which
    /// lacks it, or adds it, states nothing new.
    pub fn is_of_the_run(self) -> bool {
        matches!(self, Self::NotificationFailed | Self::ArchiveAway)
    }

    /// How bad it is by itself; rules declare their own severity.
    pub fn severity(self) -> Severity {
        match self {
            Self::SourceLate | Self::SchemaDrift | Self::FileRepeated | Self::NotificationFailed => Severity::Note,
            Self::RecordsRejected | Self::WarehouseRecordsRejected | Self::ControlAbsent | Self::SourceEmpty => {
                Severity::Minor
            }
            Self::SourceRejected
            | Self::WarehouseMissing
            | Self::ControlMismatch
            | Self::WrongBusinessDate
            | Self::ArchiveAway => Severity::Critical,
            _ => Severity::Major,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One gap: an entry of the manifest's `exceptions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Stable within the day: `<kind>/<source or rule>`.
    pub id: String,
    /// What kind of gap.
    pub kind: Kind,
    /// Whether it is of what has not come.
    pub class: Class,
    /// How bad it is.
    pub severity: Severity,
    /// The source it touches, where it is one source.
    pub source: Option<String>,
    /// Records it touches, where they can be counted.
    pub records: Option<u64>,
    /// The money it touches, where it can be summed.
    pub amount: Option<Totals>,
    /// In words a person understands.
    pub explanation: String,
    /// Rows of evidence in `exceptions.csv`.
    pub evidence_rows: u64,
}

impl Exception {
    /// The id of the exception of one kind about one source or rule.
    pub fn id(kind: Kind, about: Option<&str>) -> String {
        match about {
            Some(about) => format!("{kind}/{about}"),
            None => kind.name().to_owned(),
        }
    }
}

/// One row of evidence: a break, a rejection or a violation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The exception it belongs to.
    pub exception: String,
    /// Its kind, by name.
    pub kind: String,
    /// The source.
    pub source: Option<String>,
    /// The input file, by name.
    pub file: Option<String>,
    /// 1-based record number within the file.
    pub record: Option<u64>,
    /// The column or field.
    pub column: Option<String>,
    /// What the source has.
    pub source_value: Option<String>,
    /// What the warehouse has.
    pub warehouse_value: Option<String>,
    /// The amount, as a decimal.
    pub amount: Option<String>,
    /// Its currency.
    pub currency: Option<String>,
    /// Why it is listed.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name() {
        let schema = schemars::schema_for!(Kind).to_value();
        let names: Vec<&str> =
            schema["oneOf"].as_array().unwrap().iter().map(|kind| kind["const"].as_str().unwrap()).collect();
        assert_eq!(names.len(), 22);
        for name in names {
            let kind: Kind = serde_json::from_value(name.into()).unwrap();
            assert_eq!(kind.name(), name);
        }
    }

    #[test]
    fn what_follows_from_what_has_not_come_is_no_mismatch() {
        let stated = |ids: &'static [&'static str]| move |id: &str| ids.contains(&id);
        let cases: [(Kind, &'static [&'static str], Class); 7] = [
            (Kind::SourceMissing, &[], Class::Expected),
            (Kind::ControlMismatch, &["source_missing/a"], Class::Mismatched),
            (Kind::MissingInSource, &["source_missing/a"], Class::Expected),
            (Kind::MissingInSource, &["source_missing/b", "warehouse_missing"], Class::Mismatched),
            (Kind::MissingInWarehouse, &["warehouse_missing"], Class::Expected),
            (Kind::MissingInWarehouse, &["source_missing/a"], Class::Mismatched),
            (Kind::RuleFailed, &["source_missing/a"], Class::Mismatched),
        ];
        for (kind, ids, class) in cases {
            assert_eq!(kind.class(Some("a"), stated(ids)), class, "{kind} with {ids:?}");
        }
    }
}
