//! Opening balance + movements = closing balance, per group.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Datasets, Evaluator};
use crate::movement::Field;

/// Opening balance + movements = closing balance, per group and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollForward {
    /// The dataset of balances: one row per group.
    pub dataset: String,
    /// Field that makes a group to the dataset's column that names it, such as `account = "cuenta"`.
    pub group_by: BTreeMap<Field, String>,
    /// The dataset's column of opening balances, plain decimals.
    pub opening: String,
    /// The dataset's column of closing balances.
    pub closing: String,
    /// The dataset's column of currencies; without it every balance is in `currency`.
    #[serde(default)]
    pub currency_column: Option<String>,
    /// The currency of all balances, where no column says it.
    #[serde(default)]
    pub currency: Option<String>,
    /// Largest difference that passes, as a decimal. Zero where absent.
    #[serde(default)]
    pub tolerance: Option<String>,
    /// Why a tolerance is declared; needed with one.
    #[serde(default)]
    pub tolerance_reason: Option<String>,
}

impl RollForward {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, _datasets: &Datasets, _scale: u32) -> Result<Box<dyn Evaluator>, String> {
        Err("to be written".to_owned())
    }
}
