//! How long is kept what no filing names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long is kept what no filing names: archived files of days that were not filed, and their evidence. What a
/// filing was made from is kept for as long as the series is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days since a file's last change after which `cuadre prune` may remove it. Ten years where absent: for so long
    /// Mexican commercial law has accounting records kept.
    pub days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 3653 }
    }
}

impl Retention {
    /// The instant before which a file must have been changed last to be removed at `now`; both in seconds since
    /// 1970.
    pub fn ends_before(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.days) * 86_400)
    }
}
