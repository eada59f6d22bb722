//! Business rules: what must hold over the judged day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::message::Message;
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
use crate::said::Said;

/// One business rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in the manifest. Rules that are in force at different times may share it: a limit that was changed.
    pub id: String,
    /// The regulation or policy it comes from, in words.
    #[serde(default)]
    pub why: String,
    /// Who answers for it: a department, or an address.
    #[serde(default)]
    pub owner: Option<String>,
    /// The first business date it holds for, `YYYY-MM-DD`; from ever where absent.
    #[serde(default, deserialize_with = "date_text")]
    pub valid_from: Option<String>,
    /// The last business date it holds for, that day included; for ever where absent.
    #[serde(default, deserialize_with = "date_text")]
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
    /// What is said of each violation, in the place of the words that every rule of its kind has.
    #[serde(default)]
    pub message: Message,
    /// What must hold.
    pub check: Check,
    /// Where it is written.
    #[serde(skip)]
    pub written: Option<Written>,
}

impl Rule {
    /// The first and the last business date it holds for, where it has one.
    pub fn period(&self) -> (Option<Date>, Option<Date>) {
        let date = |text: &Option<String>| text.as_deref().and_then(date);
        (date(&self.valid_from), date(&self.valid_until))
    }

    /// Whether it holds for the movements of a business date.
    pub fn is_in_force(&self, on: Date) -> bool {
        let (from, until) = self.period();
        from.is_none_or(|from| from <= on) && until.is_none_or(|until| on <= until)
    }
}

/// A business date as it is written here: `YYYY-MM-DD`.
pub fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|date: &Date| date.to_string() == text)
}

/// Reads a date that is written in quotes, or without, which is one of TOML.
pub(crate) fn date_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a date, such as \"2026-12-31\"")]
    enum Given {
        Text(String),
        Date(toml::value::Datetime),
    }
    Given::deserialize(deserializer).map(|given| match given {
        Given::Text(text) => Some(text),
        Given::Date(date) => Some(date.to_string()),
    })
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file, as errors call it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
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
    ThreeWay(Box<ThreeWay>),
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

    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        match self {
            Self::Balance(check) => check.explain(),
            Self::Reference(check) => check.explain(),
            Self::Uniqueness(check) => check.explain(),
            Self::AllowedValues(check) => check.explain(),
            Self::Range(check) => check.explain(),
            Self::RollForward(check) => check.explain(),
            Self::AggregatesEqual(check) => check.explain(),
            Self::Pairing(check) => check.explain(),
            Self::Limits(check) => check.explain(),
            Self::Sequence(check) => check.explain(),
            Self::ThreeWay(check) => check.explain(),
            Self::WarehouseSql(check) => check.explain(),
        }
    }

    /// The datasets that it looks things up in, each with the setting of the kind within which it is named.
    pub fn datasets(&self) -> Vec<(Option<&'static str>, &str)> {
        let named = match self {
            Self::Reference(check) => Some((None, &check.dataset)),
            Self::RollForward(check) => check.dataset.as_ref().map(|dataset| (None, dataset)),
            Self::Limits(check) => check.maxima.as_ref().map(|maxima| (Some("maxima"), &maxima.dataset)),
            Self::Sequence(check) => check.bounds.as_ref().map(|bounds| (Some("bounds"), &bounds.dataset)),
            Self::ThreeWay(check) => {
                let warehouse = check.warehouse.iter().map(|sums| (Some("warehouse"), sums.dataset.as_str()));
                return warehouse.chain([(Some("ledger"), check.ledger.dataset.as_str())]).collect();
            }
            Self::Balance(_)
            | Self::Uniqueness(_)
            | Self::AllowedValues(_)
            | Self::Range(_)
            | Self::AggregatesEqual(_)
            | Self::Pairing(_)
            | Self::WarehouseSql(_) => None,
        };
        named.into_iter().map(|(within, id)| (within, id.as_str())).collect()
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
