//! When a source is told to differ from what it usually is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When people are told that a source differs from what it usually is on this day of the week, in records or in
/// amount. It is a warning before the deadline: it is not filed, and blocks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyWarning {
    /// Weeks that are looked back: the filings of the same day of the week in them say what is usual. 0 looks at
    /// none and warns of nothing.
    pub weeks: u8,
    /// Filed days without which nothing is known to be usual.
    pub least: u8,
    /// Distance from the median that is still usual, in standard deviations as the median absolute deviation
    /// estimates them.
    pub deviations: u8,
    /// Distance from the median that is usual anyway, in percent of it.
    pub percent: u16,
}

impl Default for EarlyWarning {
    fn default() -> Self {
        Self { weeks: 13, least: 4, deviations: 5, percent: 20 }
    }
}
