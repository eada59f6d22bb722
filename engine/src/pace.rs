//! How long nights take to report, and when reporting must therefore begin.
//!
//! The last safe start is the earlier of two moments:
//!
//! - from when on a day is filed without what is away (`policy.file_without_from`);
//! - the deadline less twice the longest of the past nights, from the begin of reporting to the filing: twice,
//!   since a day may be larger than any before it, and a run may have to be started again. However long a night
//!   once took, this moment is at most four hours before the deadline: a single odd night must not have every
//!   later one file without sources that still come.

use std::path::PathBuf;
use std::time::Duration;

use cuadre_rules::Config;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::manifest::{deadline, file_without_from};
use crate::work::Work;

/// The file in the folder of what nights keep that outlasts them.
const DURATIONS: &str = "durations.json";

/// Nights that are remembered.
const NIGHTS: usize = 28;

/// How much time before the deadline the past may ask for.
const MOST: SignedDuration = SignedDuration::from_hours(4);

/// How long past nights took.
pub struct Pace {
    path: PathBuf,
    nights: Vec<Took>,
}

/// What a night took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Took {
    business_date: Date,
    /// From the begin of reporting to the filing, in real time, begun seconds counted whole.
    seconds: u64,
    /// Movements that were filed, for a person who wonders.
    movements: u64,
}

impl Pace {
    /// As it is known in the folder of what nights keep.
    pub fn of(work: &Work) -> Self {
        let path = work.root().join(DURATIONS);
        let nights = Work::read(&path).unwrap_or_default();
        Self { path, nights }
    }

    /// Remembers what a night took, by a clock that is never set, from the begin of reporting to the filing; the
    /// night before the last 28 is forgotten.
    ///
    /// # Errors
    /// [`EngineError::Io`] where it cannot be kept.
    pub fn record(&mut self, business_date: Date, took: Duration, movements: u64) -> Result<(), EngineError> {
        let seconds = took.as_secs() + u64::from(took.subsec_nanos() > 0);
        self.nights.push(Took { business_date, seconds, movements });
        self.nights.drain(..self.nights.len().saturating_sub(NIGHTS));
        Work::write(&self.path, &self.nights)
    }

    /// When reporting of `date` begins at the latest, whatever is missing then.
    ///
    /// # Errors
    /// [`EngineError::Usage`] where the day is none that can be filed.
    pub fn last_safe_start(&self, config: &Config, date: Date) -> Result<Timestamp, EngineError> {
        let longest = self.nights.iter().map(|night| night.seconds).max().unwrap_or_default();
        let twice = i64::try_from(longest.saturating_mul(2)).map_or(MOST, SignedDuration::from_secs);
        let start = deadline(config, date)?.checked_sub(twice.min(MOST));
        let start = start.map_err(|error| EngineError::Usage(error.to_string()))?;
        Ok(start.min(file_without_from(config, date)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: Date = Date::constant(2026, 11, 20);

    /// The configuration of the demo, due at 06:00 in Mexico City, which is at 12:00 UTC.
    fn config(policy: &str) -> Config {
        let text = include_str!("../../fixtures/demo/cuadre.toml");
        Config::parse(&text.replacen("[policy]", &format!("[policy]\n{policy}"), 1), "cuadre.toml").unwrap()
    }

    fn after(nights: &[u64], config: &Config) -> String {
        let folder = tempfile::tempdir().unwrap();
        let work = Work::at(folder.path().join("night"));
        for &seconds in nights {
            Pace::of(&work).record(DATE, Duration::from_millis(seconds * 1000 - 999), 1).unwrap();
        }
        Pace::of(&work).last_safe_start(config, DATE).unwrap().to_string()
    }

    #[test]
    fn reporting_begins_twice_the_longest_night_before_the_deadline() {
        let config = config("");
        assert_eq!(after(&[], &config), "2026-11-21T11:30:00Z");
        assert_eq!(after(&[600, 30], &config), "2026-11-21T11:30:00Z");
        assert_eq!(after(&[30, 1_800, 600], &config), "2026-11-21T11:00:00Z");
        assert_eq!(after(&[90_000], &config), "2026-11-21T08:00:00Z");
        assert_eq!(after(&[u64::MAX / 1000], &config), "2026-11-21T08:00:00Z");
    }

    #[test]
    fn the_policy_may_have_it_begin_before() {
        let config = config("file_without_from = \"01:00\"");
        assert_eq!(after(&[1_800], &config), "2026-11-21T07:00:00Z");
    }

    #[test]
    fn the_last_nights_are_remembered_and_what_cannot_be_read_is_not() {
        let long_ago: Vec<u64> = [3_600].into_iter().chain([60; NIGHTS]).collect();
        assert_eq!(after(&long_ago, &config("")), "2026-11-21T11:30:00Z");
        assert_eq!(after(&long_ago[..NIGHTS], &config("")), "2026-11-21T10:00:00Z");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(DURATIONS), "[{").unwrap();
        let mut pace = Pace::of(&Work::at(folder.path()));
        assert_eq!(pace.nights, []);
        pace.record(DATE, Duration::from_secs(2), 7).unwrap();
        let kept = std::fs::read_to_string(folder.path().join(DURATIONS)).unwrap();
        assert_eq!(kept, r#"[{"businessDate":"2026-11-20","seconds":2,"movements":7}]"#);
    }
}
