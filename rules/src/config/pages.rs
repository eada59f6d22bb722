//! The pages for people in each filing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pages for people in each filing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// The template of `report.html`, relative to this file, such as `templates/informe.html`. It may begin with
    /// `{% extends "report.html" %}` and replace blocks of the built-in one. `cuadre check` tries it.
    #[serde(default)]
    pub template: Option<String>,
}
