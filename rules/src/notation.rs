//! How a source writes its amounts, and the strict parser for them.
//!
//! Kept or refused, never rounded: excess decimals, exponents, `NaN`, a second sign and stray
//! characters are errors that say where.

use crate::config::source::AmountFormat;
use crate::money::{AMOUNT_DIGITS, Amount};
use crate::said;
use crate::said::Said;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.said().en)]
pub enum AmountError {
    /// Nothing but blanks.
    Empty,
    /// A character that the notation does not know; the position is 1-based, in characters.
    Stray {
        /// The character.
        character: char,
        /// 1-based position within the trimmed text.
        position: usize,
    },
    /// More than one sign.
    TwoSigns,
    /// No digit before the decimal mark.
    NoWhole,
    /// No digit after the decimal mark.
    NoDecimals,
    /// Thousands marks that do not part groups of three.
    Grouping,
    /// More decimals than the currency has.
    ExcessDecimals {
        /// Decimals in the text.
        found: usize,
        /// Decimals of the currency.
        allowed: u32,
    },
    /// More digits than an amount may have.
    TooLong,
    /// The text came from a binary floating-point cell.
    Float,
}

impl AmountError {
    /// It in words.
    pub fn said(&self) -> Said {
        match self {
            Self::Empty => said!("the amount is empty", "el importe está vacío"),
            Self::Stray { character, position } => said!(
                "`{character}` at position {position} does not belong in an amount",
                "`{character}` en la posición {position} no corresponde a un importe"
            ),
            Self::TwoSigns => said!("the amount has two signs", "el importe tiene dos signos"),
            Self::NoWhole => {
                said!("digits are missing before the decimal mark", "faltan dígitos antes del separador decimal")
            }
            Self::NoDecimals => {
                said!("digits are missing after the decimal mark", "faltan dígitos después del separador decimal")
            }
            Self::Grouping => {
                said!("thousands marks are misplaced", "los separadores de miles están fuera de lugar")
            }
            Self::ExcessDecimals { found, allowed } => said!(
                "{found} decimals where the currency has {allowed}",
                "tiene {found} decimales y la moneda admite {allowed}"
            ),
            Self::TooLong => said!("more than {AMOUNT_DIGITS} digits", "tiene más de {AMOUNT_DIGITS} dígitos"),
            Self::Float => said!(
                "stored as a binary floating-point number; store amounts as decimal text or integer minor units",
                "está guardado como número binario de punto flotante; guarde los importes como texto decimal o como \
                 enteros en la unidad mínima de la moneda"
            ),
        }
    }
}

/// What snapshots write in front of a cell that the database held as a binary float.
pub const FLOAT_MARK: &str = "REAL ";

impl AmountFormat {
    /// Reads `text` as an amount of a currency with `scale` decimals.
    pub fn parse(&self, text: &str, scale: u32) -> Result<Amount, AmountError> {
        if text.starts_with(FLOAT_MARK) {
            return Err(AmountError::Float);
        }
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(AmountError::Empty);
        }
        let (negative, digits) = self.unsigned(trimmed)?;
        let offset = digits.as_ptr() as usize - trimmed.as_ptr() as usize;
        let minor = self.minor(digits, trimmed[..offset].chars().count(), scale)?;
        let minor = if negative { -minor } else { minor };
        Amount::from_minor(minor, scale).ok_or(AmountError::TooLong)
    }

    /// Whether `-12.50` means what it looks like, so that [`plain_number`] may read it.
    pub fn reads_plain_numbers(&self) -> bool {
        let numeric = |symbol: &String| symbol.contains(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        self.decimal == '.' && !self.symbols.iter().any(numeric)
    }

    /// Splits sign, parentheses and symbols off.
    fn unsigned<'a>(&self, text: &'a str) -> Result<(bool, &'a str), AmountError> {
        let mut rest = text;
        let mut signs = 0;
        let mut negative = false;
        if self.parentheses
            && let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'))
        {
            (rest, signs, negative) = (inner.trim(), 1, true);
        }
        rest = self.without_symbol(rest);
        if let Some(after) = rest.strip_prefix(['-', '+']) {
            (signs, negative) = (signs + 1, negative || rest.starts_with('-'));
            rest = self.without_symbol(after);
        }
        if self.trailing_minus
            && let Some(before) = rest.strip_suffix('-')
        {
            (rest, signs, negative) = (before.trim_end(), signs + 1, true);
        }
        if signs > 1 || rest.starts_with(['-', '+']) {
            return Err(AmountError::TwoSigns);
        }
        Ok((negative, rest))
    }

    fn without_symbol<'a>(&self, text: &'a str) -> &'a str {
        for symbol in &self.symbols {
            if let Some(rest) = text.strip_prefix(symbol.as_str()).or_else(|| text.strip_suffix(symbol.as_str())) {
                return rest.trim();
            }
        }
        text
    }

    fn minor(&self, text: &str, offset: usize, scale: u32) -> Result<i128, AmountError> {
        let (whole, fraction) = match (self.implied_decimals, text.split_once(self.decimal)) {
            (Some(_), _) | (None, None) => (text, None),
            (None, Some((whole, fraction))) => (whole, Some(fraction)),
        };
        let mut digits = Digits::default();
        let mut group = 0usize;
        let mut groups = 0usize;
        for (n, character) in whole.chars().enumerate() {
            if Some(character) == self.grouping {
                if group == 0 || group > 3 || (groups > 0 && group != 3) {
                    return Err(AmountError::Grouping);
                }
                (group, groups) = (0, groups + 1);
            } else {
                digits.push(character, offset + n)?;
                group += 1;
            }
        }
        if groups > 0 && group != 3 {
            return Err(AmountError::Grouping);
        }
        let mut decimals = self.implied_decimals.map_or(0, |n| n as usize);
        if let Some(fraction) = fraction {
            if fraction.is_empty() {
                return Err(AmountError::NoDecimals);
            }
            let start = offset + whole.chars().count() + 1;
            for (n, character) in fraction.chars().enumerate() {
                digits.push(character, start + n)?;
            }
            decimals = fraction.chars().count();
        }
        if digits.count == 0 {
            return Err(AmountError::NoWhole);
        }
        digits.at_scale(decimals, scale, self.padding_zeros)
    }
}

/// Reads up to 18 digits with a minus sign and a point at most: the number without its point, and how
/// many digits are behind it. `None` is no error; [`AmountFormat::parse`] decides.
#[inline]
pub fn plain_number(text: &[u8]) -> Option<(i64, u32)> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.len() > 18 {
        return None;
    }
    let (mut number, mut point) = (0i64, None);
    for (n, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() && n > 0 => point = Some(n),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |point| digits.len() - point - 1);
    let ends_in_digit = digits.last()?.is_ascii_digit();
    ends_in_digit.then_some((if negative { -number } else { number }, decimals as u32))
}

/// Digits read so far, as an integer.
#[derive(Default)]
struct Digits {
    value: i128,
    count: usize,
    overflow: bool,
}

impl Digits {
    fn push(&mut self, character: char, index: usize) -> Result<(), AmountError> {
        let Some(digit) = character.to_digit(10) else {
            return Err(AmountError::Stray { character, position: index + 1 });
        };
        self.count += 1;
        match self.value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit))) {
            Some(value) => self.value = value,
            None => self.overflow = true,
        }
        Ok(())
    }

    /// The value in units of `10^-scale`, given that its last `decimals` digits are decimals.
    fn at_scale(mut self, decimals: usize, scale: u32, padding_zeros: bool) -> Result<i128, AmountError> {
        if self.overflow {
            return Err(AmountError::TooLong);
        }
        let excess = decimals.saturating_sub(scale as usize);
        for _ in 0..excess {
            if !padding_zeros || self.value % 10 != 0 {
                return Err(AmountError::ExcessDecimals { found: decimals, allowed: scale });
            }
            self.value /= 10;
        }
        let missing = (scale as usize).saturating_sub(decimals) as u32;
        let by = 10i128.checked_pow(missing).ok_or(AmountError::TooLong)?;
        self.value.checked_mul(by).ok_or(AmountError::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anglo() -> AmountFormat {
        AmountFormat {
            grouping: Some(','),
            parentheses: true,
            trailing_minus: true,
            symbols: vec!["$".into()],
            ..AmountFormat::default()
        }
    }

    fn latin() -> AmountFormat {
        AmountFormat { decimal: ',', grouping: Some('.'), ..AmountFormat::default() }
    }

    fn cents() -> AmountFormat {
        AmountFormat { implied_decimals: Some(2), ..AmountFormat::default() }
    }

    /// notation | text | amount, or the refusal
    #[test]
    fn kept_or_refused() {
        let plain = AmountFormat::default();
        let cases: &[(&AmountFormat, &str, &str)] = &[
            (&plain, "0", "0.00"),
            (&plain, "12.5", "12.50"),
            (&plain, "-12.34", "-12.34"),
            (&plain, "+1", "1.00"),
            (&plain, ".5", "0.50"),
            (&plain, "-0.00", "0.00"),
            (&plain, "1000000000000000.01", "1000000000000000.01"),
            (&plain, "12345678901234567890.12", "12345678901234567890.12"),
            (&plain, "12345678901234567890.1234567891", "10 decimals where the currency has 2"),
            (&plain, "99999999999999999999999999.99", "99999999999999999999999999.99"),
            (&plain, "100000000000000000000000000.00", "more than 28 digits"),
            (&plain, "12345678901234567890123456789012345678901234567890", "more than 28 digits"),
            (&plain, "1.005", "3 decimals where the currency has 2"),
            (&plain, "1.500", "3 decimals where the currency has 2"),
            (&plain, "NaN", "`N` at position 1 does not belong in an amount"),
            (&plain, "1e5", "`e` at position 2 does not belong in an amount"),
            (&plain, "--5", "the amount has two signs"),
            (&plain, "5-", "`-` at position 2 does not belong in an amount"),
            (&plain, "-5-", "`-` at position 3 does not belong in an amount"),
            (&plain, "5-5", "`-` at position 2 does not belong in an amount"),
            (&plain, "5.", "digits are missing after the decimal mark"),
            (&plain, ".", "digits are missing after the decimal mark"),
            (&plain, "-", "digits are missing before the decimal mark"),
            (&plain, "  ", "the amount is empty"),
            (&plain, "1,234.56", "`,` at position 2 does not belong in an amount"),
            (&plain, "1.2.3", "`.` at position 4 does not belong in an amount"),
            (&plain, "(5)", "`(` at position 1 does not belong in an amount"),
            (
                &plain,
                "REAL 19.99",
                "stored as a binary floating-point number; store amounts as decimal text or integer minor units",
            ),
            (&anglo(), " 2,525.18 ", "2525.18"),
            (&anglo(), "(1,234.56)", "-1234.56"),
            (&anglo(), "$1,234.56", "1234.56"),
            (&anglo(), "-$5", "-5.00"),
            (&anglo(), "($5.10)", "-5.10"),
            (&anglo(), "250.00-", "-250.00"),
            (&anglo(), "(-5)", "the amount has two signs"),
            (&anglo(), "-5-", "the amount has two signs"),
            (&anglo(), "12,34.56", "thousands marks are misplaced"),
            (&anglo(), ",123", "thousands marks are misplaced"),
            (&anglo(), "1,2345", "thousands marks are misplaced"),
            (&anglo(), "1234,567", "thousands marks are misplaced"),
            (&latin(), "1.234,56", "1234.56"),
            (&latin(), "1234,5", "1234.50"),
            (&latin(), "1,234.56", "`.` at position 6 does not belong in an amount"),
            (&cents(), "12345", "123.45"),
            (&cents(), "-5", "-0.05"),
            (&cents(), "1.5", "`.` at position 2 does not belong in an amount"),
        ];
        for (notation, text, expected) in cases {
            let found = notation.parse(text, 2).map_or_else(|e| e.to_string(), |a| a.to_string());
            assert_eq!(&found, expected, "{text:?}");
        }
        let padded = AmountFormat { padding_zeros: true, ..AmountFormat::default() };
        assert_eq!(padded.parse("1.5000", 2).unwrap().to_string(), "1.50");
        assert!(padded.parse("1.5001", 2).is_err());
        assert_eq!(plain.parse("700", 0).unwrap().to_string(), "700");
        assert!(cents().parse("12345", 0).is_err());
    }

    #[test]
    fn plain_numbers_are_what_the_parser_says_they_are() {
        let plain = AmountFormat { padding_zeros: true, ..AmountFormat::default() };
        assert!(plain.reads_plain_numbers() && anglo().reads_plain_numbers());
        assert!(!AmountFormat { symbols: vec!["1-".into()], ..plain.clone() }.reads_plain_numbers());
        assert!(!AmountFormat { decimal: ',', ..plain.clone() }.reads_plain_numbers());
        let texts = ["0", "-0", "12", "12.5", "-12.50", "0.07", "999999999999999.99", "00012.50"];
        for text in texts {
            let (number, decimals) = plain_number(text.as_bytes()).unwrap();
            let scale = decimals.max(2);
            let expected = plain.parse(text, scale).unwrap().minor_at(scale);
            assert_eq!(Some(i128::from(number) * 10i128.pow(scale - decimals)), expected, "{text}");
        }
        for text in
            ["", "-", ".", ".5", "5.", "1.2.3", "+1", " 1", "1 ", "1e3", "--1", "1-", "1234567890123456789", "1,0"]
        {
            assert_eq!(plain_number(text.as_bytes()), None, "{text}");
        }
    }
}
