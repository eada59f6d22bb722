//! Two sources agree on an aggregate, per group.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evaluator;
use crate::movement::Field;

/// Two sets of movements agree on count or sum, per group: what treasury paid out equals what
/// the branches disbursed, say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregatesEqual {
    /// The left movements: field to its values, such as `source = ["treasury"]`.
    pub left: BTreeMap<Field, Vec<String>>,
    /// The right movements.
    pub right: BTreeMap<Field, Vec<String>>,
    /// What is added up.
    #[serde(default)]
    pub measure: Measure,
    /// Fields that make a group; empty for one group per currency.
    #[serde(default)]
    pub group_by: Vec<Field>,
    /// The right side has the opposite sign.
    #[serde(default)]
    pub opposite_sign: bool,
    /// Largest difference that passes, as a decimal (of amounts only). Zero where absent.
    #[serde(default)]
    pub tolerance: Option<String>,
    /// Why a tolerance is declared; needed with one.
    #[serde(default)]
    pub tolerance_reason: Option<String>,
}

/// What an aggregate adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Amounts, per currency.
    #[default]
    Amount,
    /// Number of movements.
    Records,
}

impl AggregatesEqual {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, _scale: u32) -> Result<Box<dyn Evaluator>, String> {
        Err("to be written".to_owned())
    }
}
