//! Business rules: what must hold over the judged day.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::Severity;
use crate::business::aggregates_equal::AggregatesEqual;
use crate::business::allowed_values::AllowedValues;
use crate::business::balance::Balance;
use crate::business::limits::Limits;
use crate::business::pairing::Pairing;
use crate::business::range::Range;
use crate::business::reference::Reference;
use crate::business::roll_forward::RollForward;
use crate::business::sequence::Sequence;
use crate::business::three_way::ThreeWay;
use crate::business::uniqueness::Uniqueness;
use crate::business::warehouse_sql::WarehouseSql;
use crate::movement::Field;

/// One business rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in the manifest.
    pub id: String,
    /// The regulation or policy it comes from, in words.
    #[serde(default)]
    pub why: String,
    /// Who answers for it: a department, or an address.
    #[serde(default)]
    pub owner: Option<String>,
    /// The first business date it holds for, `YYYY-MM-DD`; from ever where absent.
    #[serde(default)]
    pub valid_from: Option<String>,
    /// The last business date it holds for, that day included; for ever where absent.
    #[serde(default)]
    pub valid_until: Option<String>,
    /// How bad a failure is.
    #[serde(default = "major")]
    pub severity: Severity,
    /// What a failure does to the filing.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Only movements whose fields have one of these values are judged.
    #[serde(default)]
    pub only: BTreeMap<Field, Vec<String>>,
    /// What must hold.
    pub check: Check,
}

/// What a failed (or unevaluable) rule does to the filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// No filing.
    Block,
    /// The filing is partial.
    #[default]
    Partial,
    /// It is documented; the filing may be complete.
    Note,
}

/// What must hold: one kind of rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Credits equal debits per group.
    Balance(Balance),
    /// Every movement's value is in a dataset.
    Reference(Reference),
    /// No two movements share these fields.
    Uniqueness(Uniqueness),
    /// A field has one of the listed values.
    AllowedValues(AllowedValues),
    /// Amounts lie within bounds.
    Range(Range),
    /// Opening + movements = closing, per group.
    RollForward(RollForward),
    /// Two sources agree on an aggregate, per group.
    AggregatesEqual(AggregatesEqual),
    /// Movements that belong together, such as the legs of a transfer, are there together.
    Pairing(Pairing),
    /// What the movements of a group add up to stays within a limit.
    Limits(Limits),
    /// Numbers follow each other without a gap.
    Sequence(Sequence),
    /// Sources, warehouse and general ledger come to the same sums.
    ThreeWay(ThreeWay),
    /// Rows returned by SQL in the warehouse are violations.
    WarehouseSql(WarehouseSql),
}

impl Check {
    /// The word for its kind in the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Balance(_) => "balance",
            Self::Reference(_) => "reference",
            Self::Uniqueness(_) => "uniqueness",
            Self::AllowedValues(_) => "allowed_values",
            Self::Range(_) => "range",
            Self::RollForward(_) => "roll_forward",
            Self::AggregatesEqual(_) => "aggregates_equal",
            Self::Pairing(_) => "pairing",
            Self::Limits(_) => "limits",
            Self::Sequence(_) => "sequence",
            Self::ThreeWay(_) => "three_way",
            Self::WarehouseSql(_) => "warehouse_sql",
        }
    }
}

/// Reference data: a CSV file with a header, or a query in the warehouse. Give one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name in rules.
    pub id: String,
    /// Pattern of a UTF-8 CSV file with a header, as for sources; `{date}` is the business date.
    #[serde(default)]
    pub file: Option<String>,
    /// SQL for the warehouse; `?1` is the business date as `YYYY-MM-DD`.
    #[serde(default)]
    pub query: Option<String>,
}

fn major() -> Severity {
    Severity::Major
}
