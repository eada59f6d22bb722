//! No two movements share the values of some fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evaluator;
use crate::movement::Field;

/// No two movements share these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniqueness {
    /// The fields, such as `["source", "id"]`; movements where all are empty are not judged.
    pub fields: Vec<Field>,
}

impl Uniqueness {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self) -> Result<Box<dyn Evaluator>, String> {
        Err("to be written".to_owned())
    }
}
