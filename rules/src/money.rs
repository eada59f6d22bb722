//! Exact money.
//!
//! An [`Amount`] is `m / 10^s` with `|m| < 10^28` and `s` the scale of its currency (ISO 4217
//! minor unit). A [`Total`] is a sum of amounts: a checked 128-bit integer in units of the day's
//! scale. Nothing here rounds; what does not fit is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::said;
use crate::said::Said;

/// Most digits an amount may have: the precision of the staged Decimal128.
pub const AMOUNT_DIGITS: u32 = 28;

/// An ISO 4217 currency, such as `MXN`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency {
    code: [u8; 3],
    scale: u8,
}

impl Currency {
    /// The three capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// Decimal places of the minor unit by ISO 4217: 2 for MXN, 0 for JPY. Codes without a minor
    /// unit (gold, testing) have 2 here.
    pub fn scale(&self) -> u32 {
        self.scale.into()
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        let known = iso_currency::Currency::from_code(text).ok_or(UnknownCurrency)?;
        let scale = known.exponent().and_then(|places| u8::try_from(places).ok()).unwrap_or(2);
        Ok(Self { code, scale })
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is not the code of an ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.said().en)]
pub struct UnknownCurrency;

impl UnknownCurrency {
    /// It in words.
    pub fn said(self) -> Said {
        said!("not an ISO 4217 currency code", "no es una clave de moneda ISO 4217")
    }
}

/// One exact amount; credits positive, debits negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Amount(Decimal);

impl Amount {
    /// `minor / 10^scale`, or `None` where the digits exceed [`AMOUNT_DIGITS`].
    pub fn from_minor(minor: i128, scale: u32) -> Option<Self> {
        if minor.unsigned_abs() >= 10u128.pow(AMOUNT_DIGITS) {
            return None;
        }
        Decimal::try_from_i128_with_scale(minor, scale).ok().map(Self)
    }

    /// The amount in units of `10^-scale`; `None` where it has more decimals than `scale` or
    /// more digits than [`AMOUNT_DIGITS`].
    pub fn minor_at(&self, scale: u32) -> Option<i128> {
        let by = 10i128.checked_pow(scale.checked_sub(self.0.scale())?)?;
        let minor = self.0.mantissa().checked_mul(by)?;
        (minor.unsigned_abs() < 10u128.pow(AMOUNT_DIGITS)).then_some(minor)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sum left the range of 128-bit integers: the day cannot be totalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a total exceeds 38 digits")]
pub struct Overflow;

/// A sum of amounts in one currency, in units of `10^-scale`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Total {
    /// The sum in minor units.
    pub minor: i128,
    /// Decimal places of the minor unit.
    pub scale: u32,
}

impl Total {
    /// Parses a plain decimal such as `-1234.50`; more decimals than `scale` are refused unless
    /// they are zeros.
    pub fn parse(text: &str, scale: u32) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return None;
        }
        let kept = &fraction[..fraction.len().min(scale as usize)];
        if fraction[kept.len()..].bytes().any(|b| b != b'0') {
            return None;
        }
        let mut minor: i128 = 0;
        let padding = std::iter::repeat_n(b'0', scale as usize - kept.len());
        for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
            let digit = i128::from(digit - b'0');
            let digit = if negative { -digit } else { digit };
            minor = minor.checked_mul(10)?.checked_add(digit)?;
        }
        Some(Self { minor, scale })
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let (digits, width) = (self.minor.unsigned_abs(), self.scale as usize);
        let Some(unit) = 10u128.checked_pow(self.scale) else { return write!(f, "{sign}0.{digits:0width$}") };
        // Numbers of 64 bits are divided and written in a fraction of the time.
        match (u64::try_from(digits), u64::try_from(unit)) {
            (_, Ok(1)) => write!(f, "{sign}{digits}"),
            (Ok(digits), Ok(unit)) => write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit),
            _ => write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit),
        }
    }
}

/// Sums per currency, all in units of the day's scale; printed at each currency's own scale.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    scale: u32,
    sums: BTreeMap<Currency, i128>,
}

impl Totals {
    /// No sums yet; `scale` is the day's scale, at least that of every currency added.
    pub fn new(scale: u32) -> Self {
        Self { scale, sums: BTreeMap::new() }
    }

    /// A zero for `currency`, so that a source without movements shows one.
    pub fn with(scale: u32, currency: Currency) -> Self {
        Self { scale, sums: BTreeMap::from([(currency, 0)]) }
    }

    /// Adds `minor` units of `10^-scale`.
    pub fn add(&mut self, currency: Currency, minor: i128) -> Result<(), Overflow> {
        let sum = self.sums.entry(currency).or_insert(0);
        *sum = sum.checked_add(minor).ok_or(Overflow)?;
        Ok(())
    }

    /// Adds every sum of `other`, which has the same scale.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        other.sums.iter().try_for_each(|(&currency, &minor)| self.add(currency, minor))
    }

    /// `self - other`, over the currencies of both.
    pub fn minus(&self, other: &Self) -> Result<Self, Overflow> {
        let mut difference = self.clone();
        for (&currency, minor) in &other.sums {
            difference.add(currency, minor.checked_neg().ok_or(Overflow)?)?;
        }
        Ok(difference)
    }

    /// Only the currencies whose sum is not zero.
    pub fn without_zeros(mut self) -> Self {
        self.sums.retain(|_, minor| *minor != 0);
        self
    }

    /// The sum in one currency, in units of the day's scale; 0 where there is none.
    pub fn minor(&self, currency: Currency) -> i128 {
        self.sums.get(&currency).copied().unwrap_or(0)
    }

    /// The day's scale.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// Whether every sum is zero.
    pub fn is_zero(&self) -> bool {
        self.sums.values().all(|&minor| minor == 0)
    }

    /// Each currency with its sum at the currency's own scale.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Total)> {
        self.sums.iter().map(|(&currency, &minor)| (currency, at_own_scale(currency, minor, self.scale)))
    }

    /// Currency code to decimal text, as the manifest shows amounts.
    pub fn to_text(&self) -> BTreeMap<String, String> {
        self.iter().map(|(currency, total)| (currency.to_string(), total.to_string())).collect()
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (currency, total)) in self.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{total} {currency}")?;
        }
        Ok(())
    }
}

/// `minor` units of `10^-scale` shown at the currency's own scale where nothing is lost.
pub fn at_own_scale(currency: Currency, minor: i128, scale: u32) -> Total {
    let own = currency.scale();
    let by = 10i128.pow(scale.saturating_sub(own));
    if minor % by == 0 { Total { minor: minor / by, scale: own.min(scale) } } else { Total { minor, scale } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_print_at_the_scale_of_their_currency() {
        let (mxn, jpy): (Currency, Currency) = ("MXN".parse().unwrap(), "JPY".parse().unwrap());
        let mut totals = Totals::new(2);
        totals.add(mxn, -5).unwrap();
        totals.add(jpy, 700).unwrap();
        assert_eq!(totals.to_string(), "7 JPY, -0.05 MXN");
        assert!("mxn".parse::<Currency>().is_err());
    }

    #[test]
    fn a_total_of_38_digits_is_exact_and_one_more_overflows() {
        let most = i128::MAX.to_string();
        let total = Total::parse(&most, 0).unwrap();
        assert_eq!(total.to_string(), most);
        assert_eq!(Total::parse(&format!("{most}0"), 0), None);
        assert_eq!(Total::parse("1.005", 2), None);
        assert_eq!(Total::parse("-0.50", 2).map(|t| t.minor), Some(-50));
        let mut totals = Totals::new(2);
        let mxn = "MXN".parse().unwrap();
        totals.add(mxn, i128::MAX).unwrap();
        assert_eq!(totals.add(mxn, 1), Err(Overflow));
    }

    #[test]
    fn amounts_hold_28_digits() {
        let most = 10i128.pow(28) - 1;
        assert_eq!(Amount::from_minor(most, 2).unwrap().to_string(), "99999999999999999999999999.99");
        assert_eq!(Amount::from_minor(most + 1, 2), None);
        assert_eq!(Amount::from_minor(5, 0).unwrap().minor_at(2), Some(500));
        assert_eq!(Amount::from_minor(5, 3).unwrap().minor_at(2), None);
    }
}
