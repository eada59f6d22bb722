//! Amounts lie within bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evaluator;

/// Amounts lie within bounds. Give one bound or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Least amount, as a decimal.
    #[serde(default)]
    pub minimum: Option<String>,
    /// Greatest amount, as a decimal.
    #[serde(default)]
    pub maximum: Option<String>,
    /// Judge amounts without their sign.
    #[serde(default)]
    pub absolute: bool,
}

impl Range {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, _scale: u32) -> Result<Box<dyn Evaluator>, String> {
        Err("to be written".to_owned())
    }
}
