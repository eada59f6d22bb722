//! What a filing comes to, for people: how many sources there are and what became of them, the money, and the
//! sentences that say so. The page, the workbook and the terminal have it in common.

mod money;
pub(crate) mod sentences;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::Predicate;
use crate::locale::Locale;

pub use money::{Money, money};
pub(crate) use money::{TieOut, tie_out};

/// Sources by what became of them, and what else is counted.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) sources: usize,
    pub(crate) received: usize,
    pub(crate) tying: usize,
    pub(crate) differing: usize,
    pub(crate) movements: u64,
    pub(crate) rules: usize,
    pub(crate) holding: usize,
    pub(crate) exceptions: usize,
}

impl Counts {
    pub(crate) fn of(manifest: &Predicate) -> Self {
        let results: Vec<&str> = manifest.sources.iter().map(|source| tie_out(source, manifest).result).collect();
        let count = |result: &str| results.iter().filter(|other| **other == result).count();
        Self {
            sources: results.len(),
            received: results.len() - count("absent"),
            tying: count("ties"),
            differing: count("differs"),
            movements: manifest
                .sources
                .iter()
                .map(|source| source.records.saturating_sub(source.rejected_records))
                .sum(),
            rules: manifest.business.len(),
            holding: manifest.business.iter().filter(|rule| rule.verdict == "passed").count(),
            exceptions: manifest.exceptions.len(),
        }
    }
}

/// The verdict in one sentence.
pub fn sentence(manifest: &Predicate, locale: &Locale) -> String {
    sentences::verdict(manifest, &Counts::of(manifest), locale)
}

/// How long before or after the deadline the filing was issued.
pub fn timeliness(manifest: &Predicate, locale: &Locale) -> String {
    sentences::timeliness(instant(&manifest.issued_at), instant(&manifest.deadline), locale)
}

/// Whole days from the business date to the local date of issue: the age of the day's exceptions.
pub(crate) fn age_days(manifest: &Predicate, locale: &Locale) -> i64 {
    let date: Option<Date> = manifest.business_date.parse().ok();
    let issued = locale.local_date(instant(&manifest.issued_at));
    date.map_or(0, |date| issued.duration_since(date).as_hours() / 24)
}

/// Whether any source was compared with the warehouse: without one, no source has figures of it.
pub(crate) fn is_compared(manifest: &Predicate) -> bool {
    !manifest.end_to_end.is_empty()
}

/// An instant of the manifest; the beginning of time where it is none, which no manifest of ours has.
pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}
