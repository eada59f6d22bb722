//! How `cuadre run --wait` waits for a night's sources and warehouse.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How `cuadre run --wait` waits. Each source is waited for until it is there and whole, or until its `cut_off`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Waiting {
    /// Seconds from one look to the next.
    pub poll_seconds: u32,
    /// Seconds for which the size and the time of the last change of every file of a source must have been
    /// the same for it to be whole, where no control file lies beside it. With a control file it must
    /// have been the same at one more look.
    pub stable_seconds: u32,
    /// The warehouse's copy: when it is there.
    pub warehouse: Arrival,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { poll_seconds: 15, stable_seconds: 60, warehouse: Arrival::default() }
    }
}

/// When something usually comes, how long it is waited for, and how it is known to be there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Arrival {
    /// Local time, `HH:MM` on the day after the business date, by which it usually has come; people are told
    /// where it has not. Rows of a database that has no `ready` are taken to be there from then on.
    pub expected: Option<String>,
    /// Local time until which it is waited for; where absent, until reporting must begin.
    pub cut_off: Option<String>,
    /// Of a database: a query that returns a row once all rows of the day are there; `?1` is the business
    /// date as `YYYY-MM-DD`.
    pub ready: Option<String>,
}
