//! Every movement's value is in a dataset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Datasets, Evaluator};
use crate::movement::Field;

/// Every movement's value is in a dataset: every customer exists, say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The field to look up.
    pub field: Field,
    /// The dataset.
    pub dataset: String,
    /// Its column of valid values.
    pub column: String,
    /// Let movements without a value pass.
    #[serde(default)]
    pub allow_empty: bool,
}

impl Reference {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, _datasets: &Datasets) -> Result<Box<dyn Evaluator>, String> {
        Err("to be written".to_owned())
    }
}
