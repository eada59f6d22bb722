//! Exact sums of decimal texts, such as those of manifest and annexes.

use std::collections::BTreeMap;

use crate::predicate::AmountText;

/// A sum per currency. One that leaves the range of 128-bit integers, or takes in what is no decimal, is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecimalSums(BTreeMap<String, Option<Decimal>>);

/// A decimal number: `units` times ten to the power of `-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) units: i128,
    pub(crate) scale: u32,
}

impl DecimalSums {
    /// No sums yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a decimal text.
    pub fn add(&mut self, currency: &str, text: &str) {
        self.put(currency, Decimal::parse(text));
    }

    /// Subtracts one.
    pub fn subtract(&mut self, currency: &str, text: &str) {
        self.put(currency, Decimal::parse(text).and_then(Decimal::negated));
    }

    /// Adds one without its sign.
    pub fn add_absolute(&mut self, currency: &str, text: &str) {
        self.put(currency, Decimal::parse(text.strip_prefix('-').unwrap_or(text)));
    }

    /// Adds one of each currency.
    pub fn add_all(&mut self, amounts: &AmountText) {
        amounts.iter().for_each(|(currency, text)| self.add(currency, text));
    }

    /// The sum of one currency as a decimal text of the most decimals that it was made of; `None` where there is
    /// none, or it is not known.
    pub fn of(&self, currency: &str) -> Option<String> {
        self.0.get(currency).copied().flatten().map(|sum| sum.text())
    }

    /// Whether anything was added in this currency.
    pub fn has(&self, currency: &str) -> bool {
        self.0.contains_key(currency)
    }

    /// The currencies that anything was added in.
    pub fn currencies(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The sums that are known.
    pub fn texts(&self) -> AmountText {
        self.0.iter().filter_map(|(currency, sum)| Some((currency.clone(), (*sum)?.text()))).collect()
    }

    fn put(&mut self, currency: &str, more: Option<Decimal>) {
        match self.0.get_mut(currency) {
            Some(sum) => *sum = sum.zip(more).and_then(|(sum, more)| sum.plus(more)),
            None => drop(self.0.insert(currency.to_owned(), more)),
        }
    }
}

impl Decimal {
    /// Reads a plain decimal, such as `-12.50`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !crate::line::is_plain_decimal(text) {
            return None;
        }
        let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let units = text.replacen('.', "", 1).parse().ok()?;
        Some(Self { units, scale: scale.try_into().ok()? })
    }

    fn negated(self) -> Option<Self> {
        Some(Self { units: self.units.checked_neg()?, ..self })
    }

    fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let units = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { units, scale })
    }

    /// Its units at a scale that is not less.
    pub(crate) fn at(self, scale: u32) -> Option<i128> {
        self.units.checked_mul(10i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }

    pub(crate) fn text(self) -> String {
        let sign = if self.units < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = scale + 1);
        match digits.split_at(digits.len() - scale) {
            (whole, "") => format!("{sign}{whole}"),
            (whole, fraction) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

/// Whether a decimal text is zero.
pub(crate) fn is_zero(text: &str) -> bool {
    Decimal::parse(text).is_some_and(|decimal| decimal.units == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        let mut sums = DecimalSums::new();
        for text in ["99999999999999999999.99", "0.01", "-0.05"] {
            sums.add("MXN", text);
        }
        sums.subtract("JPY", "-5");
        sums.add_absolute("USD", "-3.1");
        sums.add("USD", "0.005");
        assert_eq!(sums.of("MXN").as_deref(), Some("99999999999999999999.95"));
        assert_eq!(sums.texts().into_values().collect::<Vec<_>>(), ["5", "99999999999999999999.95", "3.105"]);
        assert_eq!(sums.of("EUR"), None);
    }

    #[test]
    fn what_cannot_be_summed_is_not_known() {
        let most = i128::MAX.to_string();
        let mut sums = DecimalSums::new();
        for (currency, text) in
            [("A", most.as_str()), ("A", "1"), ("A", "-1"), ("B", "1,5"), ("B", "1"), ("C", "-0.01")]
        {
            sums.add(currency, text);
        }
        assert_eq!(sums.texts(), AmountText::from([("C".to_owned(), "-0.01".to_owned())]));
        for text in ["0", "0.00", "-0.0"] {
            assert!(is_zero(text), "{text}");
        }
        assert!(!is_zero("0.001") && !is_zero("zero"));
    }
}
