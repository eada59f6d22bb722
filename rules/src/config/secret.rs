//! Where secrets are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret is. It is read when it is needed, and written nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// In this environment variable.
    Env(String),
    /// In this file, relative to the configuration's; a newline at its end does not count. `/dev/fd/3` is
    /// what the process is given as descriptor 3.
    File(String),
}
