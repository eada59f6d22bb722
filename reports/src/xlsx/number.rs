//! When a decimal may be a number of a spreadsheet, which is binary and has 15 digits.

/// Significant digits that every spreadsheet keeps, and shows.
const DIGITS: usize = 15;
/// Decimals that a number is shown with, at most.
pub(super) const MOST_DECIMALS: usize = 10;

/// A decimal as a spreadsheet's number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    /// The binary number that is nearest to it. Written in its shortest form, it is the decimal again.
    pub(super) value: f64,
    /// How many decimals it has.
    pub(super) decimals: usize,
}

/// A plain decimal, such as `-12.50`, as a number; `None` where it must stay text: it has more digits than a number
/// holds, or is written as no amount is (`007`, `-0`, `1e5`).
pub(super) fn exact(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let is_plain = !whole.is_empty() && is_digits(whole) && is_digits(fraction) && !unsigned.ends_with('.');
    let is_canonical = whole == "0" || !whole.starts_with('0');
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0').len();
    let is_minus_zero = significant == 0 && text.starts_with('-');
    if !is_plain || !is_canonical || is_minus_zero || significant > DIGITS || fraction.len() > MOST_DECIMALS {
        return None;
    }
    let value = text.parse().ok()?;
    // What the file will have is this very text.
    (format!("{value}") == shortest(text)).then_some(Number { value, decimals: fraction.len() })
}

/// A decimal without the zeros at its end that say nothing.
fn shortest(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn amounts_of_fifteen_digits_are_numbers() {
        for (text, decimals) in [
            ("0.00", 2),
            ("-0.01", 2),
            ("1234567890123.45", 2),
            ("-999999999999999", 0),
            ("0.000000000000001", 15),
            ("1000000000000000000.00", 2),
            ("5000", 0),
        ] {
            let number = exact(text);
            assert_eq!(number.map(|number| number.decimals), (decimals <= 10).then_some(decimals), "{text}");
        }
        for text in [
            "-1000000000000000.01",
            "9999999999999999",
            "007",
            "-0.00",
            "1e5",
            "+1",
            "1.",
            ".5",
            "",
            "-",
            "1,000.00",
            "NaN",
            "inf",
        ] {
            assert_eq!(exact(text), None, "{text}");
        }
    }

    /// What a spreadsheet reads: the digits that are written for a binary number.
    fn read_back(number: Number) -> Decimal {
        format!("{}", number.value).parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_number_is_the_amount_to_the_last_digit(minor in any::<i64>(), scale in 0u32..7, times in 0u32..4) {
            let decimal = Decimal::from_i128_with_scale(i128::from(minor) * 10i128.pow(times * 3), scale);
            let text = decimal.to_string();
            if let Some(number) = exact(&text) {
                prop_assert_eq!(read_back(number), decimal);
            } else {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                prop_assert!(digits.trim_matches('0').len() > 15 || text.starts_with("-0") && decimal.is_zero());
            }
        }

        #[test]
        fn fifteen_digits_are_always_a_number(minor in -999_999_999_999_999i64..=999_999_999_999_999, scale in 0u32..7) {
            let decimal = Decimal::from_i128_with_scale(minor.into(), scale);
            let number = exact(&decimal.to_string()).unwrap();
            prop_assert_eq!((read_back(number), number.decimals), (decimal, scale as usize));
        }
    }
}
