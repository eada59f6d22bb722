//! What is usual, learned from the past: a median, and how far from it values have been.
//!
//! A value is unusual where it is farther from the median of the past ones than
//!
//! ```text
//! max(deviations * 1.4826 * MAD, |median| * percent / 100)
//! ```
//!
//! MAD is the median absolute deviation: the median of the distances from the median. Times 1.4826 it estimates
//! the standard deviation where values are normally distributed, and unlike it is not moved by the very outliers
//! that are looked for: up to half of the past may be anything (C. Leys, C. Ley, O. Klein, P. Bernard and
//! L. Licata, "Detecting outliers: Do not use standard deviation around the mean, use absolute deviation around
//! the median", Journal of Experimental Social Psychology 49, 2013, pages 764-766). The percentage keeps a source
//! that is much the same every week from being told for a few records.
//!
//! All of it is exact: a median may be a half, and a MAD a quarter, so that both are kept as whole multiples.

use crate::config::EarlyWarning;

/// The whole numbers that are usual, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub least: i128,
    /// The most.
    pub most: i128,
}

/// 1.4826, in ten thousandths.
const FACTOR: i128 = 14_826;

/// Parts of one that medians, deviations and percentages are whole numbers of: quarters of ten thousandths.
const PARTS: i128 = 40_000;

impl Range {
    /// The amounts that are usual after those of the `past`; `None` where these are too few, or too large for exact
    /// arithmetic.
    pub fn of_amounts(past: &[i128], setting: &EarlyWarning) -> Option<Self> {
        if past.is_empty() || past.len() < setting.least.into() {
            return None;
        }
        let median = doubled_median(past.to_vec())?;
        let distance = |value: &i128| value.checked_mul(2)?.checked_sub(median)?.checked_abs();
        let mad = doubled_median(past.iter().map(distance).collect::<Option<_>>()?)?;
        let deviations = mad.checked_mul(FACTOR)?.checked_mul(setting.deviations.into())?;
        let percentage = median.checked_abs()?.checked_mul(PARTS / 200)?.checked_mul(setting.percent.into())?;
        let median = median.checked_mul(PARTS / 2)?;
        let tolerance = deviations.max(percentage);
        let least = -median.checked_sub(tolerance)?.checked_neg()?.div_euclid(PARTS);
        let most = median.checked_add(tolerance)?.div_euclid(PARTS);
        Some(Self { least, most })
    }

    /// The same for counts of records. None at all is unusual where at least nine of ten past days had some.
    pub fn of_records(past: &[u64], setting: &EarlyWarning) -> Option<Self> {
        let counts: Vec<i128> = past.iter().map(|&records| records.into()).collect();
        let Self { least, most } = Self::of_amounts(&counts, setting)?;
        let days_without = past.iter().filter(|&&records| records == 0).count();
        let floor = if days_without * 10 <= past.len() { 1 } else { 0 };
        Some(Self { least: least.max(floor), most })
    }

    /// Whether a value is usual.
    pub fn contains(&self, value: i128) -> bool {
        (self.least..=self.most).contains(&value)
    }
}

/// Twice the median.
fn doubled_median(mut values: Vec<i128>) -> Option<i128> {
    values.sort_unstable();
    let upper = values.len() / 2;
    let lower = values.len().checked_sub(1)? / 2;
    values[lower].checked_add(values[upper])
}

#[cfg(test)]
mod tests;
