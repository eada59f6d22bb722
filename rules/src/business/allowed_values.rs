//! A field has one of the listed values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evaluator;
use crate::movement::Field;

/// A field has one of the listed values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedValues {
    /// The field.
    pub field: Field,
    /// Its allowed values.
    pub values: Vec<String>,
    /// Let movements without a value pass.
    #[serde(default)]
    pub allow_empty: bool,
}

impl AllowedValues {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self) -> Result<Box<dyn Evaluator>, String> {
        Err("to be written".to_owned())
    }
}
