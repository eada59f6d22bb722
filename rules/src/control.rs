//! The source reconciliation: what was read against what the source says it sent.

use serde::{Deserialize, Serialize};

use crate::money::Totals;
use crate::said;
use crate::said::Said;

/// Totals of a source's movements: what a control record states, or what was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ControlTotals {
    /// Records, rejected ones included.
    pub records: Option<u64>,
    /// Amount per currency.
    pub amount: Option<Totals>,
    /// Sum of the digits of the hash field, read as integers.
    pub hash_total: Option<i128>,
}

/// Whether the control record agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlVerdict {
    /// Every stated total equals what was read.
    Matched,
    /// Some stated total differs.
    Mismatched,
    /// Nothing was stated.
    Absent,
}

impl ControlVerdict {
    /// The word for it in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Mismatched => "mismatched",
            Self::Absent => "absent",
        }
    }
}

/// Judges `actual` by what `expected` states; totals that are not stated are not judged.
pub fn judge(expected: &ControlTotals, actual: &ControlTotals) -> ControlVerdict {
    if expected == &ControlTotals::default() {
        return ControlVerdict::Absent;
    }
    let records = expected.records.is_none() || expected.records == actual.records;
    let hash_total = expected.hash_total.is_none() || expected.hash_total == actual.hash_total;
    let amount = match (&expected.amount, &actual.amount) {
        (None, _) => true,
        (Some(expected), Some(actual)) => expected.minus(actual).is_ok_and(|difference| difference.is_zero()),
        (Some(_), None) => false,
    };
    if records && hash_total && amount { ControlVerdict::Matched } else { ControlVerdict::Mismatched }
}

/// The mismatch in words: every total that differs, both values and the difference.
pub fn explain(expected: &ControlTotals, actual: &ControlTotals) -> Said {
    let mut parts = Vec::new();
    if let (Some(stated), Some(read)) = (expected.records, actual.records)
        && stated != read
    {
        parts.push(said!(
            "the source states {stated} records, {read} were read",
            "registros según la fuente: {stated}; leídos: {read}"
        ));
    }
    if let (Some(stated), Some(read)) = (&expected.amount, &actual.amount)
        && let Ok(difference) = read.minus(stated)
        && !difference.is_zero()
    {
        let difference = difference.without_zeros();
        parts.push(said!(
            "the source states {stated}, the accepted records add up to {read} (difference {difference})",
            "la fuente declara {stated} y los registros aceptados suman {read} (diferencia {difference})"
        ));
    }
    if let (Some(stated), Some(read)) = (expected.hash_total, actual.hash_total)
        && stated != read
    {
        parts.push(said!(
            "the source states a hash total of {stated}, the accepted records give {read}",
            "la fuente declara un total hash de {stated} y el de los registros aceptados es {read}"
        ));
    }
    if let (Some(stated), None) = (expected.hash_total, actual.hash_total) {
        parts.push(said!(
            "the source states a hash total of {stated}, that of the accepted records has over 38 digits",
            "la fuente declara un total hash de {stated} y el de los registros aceptados tiene más de 38 dígitos"
        ));
    }
    Said::joined(&parts, "; ")
}

/// `hash_total` and the digits of `text`, read as one integer; `None` past 38 digits.
pub fn add_to_hash_total(hash_total: i128, text: &str) -> Option<i128> {
    let mut digits = text.bytes().filter(u8::is_ascii_digit).map(|digit| i128::from(digit - b'0'));
    let value = digits.try_fold(0i128, |value, digit| value.checked_mul(10)?.checked_add(digit))?;
    hash_total.checked_add(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn totals(records: u64, cents: i128) -> ControlTotals {
        let mxn: Currency = "MXN".parse().unwrap();
        let mut amount = Totals::new(2);
        amount.add(mxn, cents).unwrap();
        ControlTotals { records: Some(records), amount: Some(amount), hash_total: None }
    }

    #[test]
    fn a_cent_in_ten_to_the_fifteenth_is_found() {
        let (stated, read) = (totals(2, 100_000_000_000_000_000), totals(2, 100_000_000_000_000_001));
        assert_eq!(judge(&stated, &stated), ControlVerdict::Matched);
        assert_eq!(judge(&stated, &read), ControlVerdict::Mismatched);
        assert!(explain(&stated, &read).en.contains("difference 0.01 MXN"));
        assert_eq!(judge(&ControlTotals::default(), &read), ControlVerdict::Absent);
        assert_eq!(add_to_hash_total(5, "AC-0012"), Some(17));
        assert_eq!(add_to_hash_total(0, &"9".repeat(39)), None);
    }

    #[test]
    fn the_last_of_38_digits_is_found() {
        let most = i128::MAX;
        assert_eq!(judge(&totals(1, most), &totals(1, most - 1)), ControlVerdict::Mismatched);
    }
}
