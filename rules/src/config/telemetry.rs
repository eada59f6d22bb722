//! What a night tells other machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// What a night tells other machines while it runs. Nothing that is filed depends on it, and nothing that goes
/// wrong with it stops a filing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// The file that always has the figures of the last run in the text format of Prometheus, relative to this one;
    /// node_exporter's textfile collector wants its name to end in `.prom`. `--metrics` comes before it.
    pub metrics: Option<String>,
    /// Where OpenLineage's run events go: a file, relative to this one, that is appended a line of JSON per event; or
    /// `https://HOST`, which receives them at `/api/v1/lineage`.
    pub lineage: Option<String>,
    /// The API key that such a host wants.
    pub lineage_key: Option<Secret>,
    /// OpenLineage's namespace of the job and its datasets; `urn:cuadre:` and the institution's name where absent.
    pub lineage_namespace: Option<String>,
}

impl Telemetry {
    /// The URL of the host that run events go to.
    pub fn lineage_url(&self) -> Option<&str> {
        self.lineage.as_deref().filter(|place| place.contains("://"))
    }
}
