//! Amounts as text, without an allocation for each.

use cuadre_rules::money::Total;

/// Most digits of an `i128`, of either sign.
const MOST_DIGITS: usize = 39;

/// Appends a total as [`Total`] displays it, with another decimal mark.
pub(crate) fn push_total(out: &mut String, total: Total, decimal: char) {
    let mut digits = [b'0'; MOST_DIGITS];
    let used = digits_of(total.minor.unsigned_abs(), &mut digits);
    let scale = total.scale as usize;
    if total.minor < 0 {
        out.push('-');
    }
    let (whole, fraction) = used.split_at(used.len().saturating_sub(scale));
    match whole {
        [] => out.push('0'),
        _ => whole.iter().for_each(|&digit| out.push(char::from(digit))),
    }
    if scale > 0 {
        out.push(decimal);
        out.extend(std::iter::repeat_n('0', scale - fraction.len()));
        fraction.iter().for_each(|&digit| out.push(char::from(digit)));
    }
}

/// The decimal digits of `value`, at the end of `digits`. Most amounts fit 64 bits, whose division
/// is several times as fast.
fn digits_of(value: u128, digits: &mut [u8; MOST_DIGITS]) -> &[u8] {
    let mut at = MOST_DIGITS;
    let mut wide = value;
    while wide > u128::from(u64::MAX) {
        at -= 1;
        digits[at] = b'0' + (wide % 10) as u8;
        wide /= 10;
    }
    let mut narrow = wide as u64;
    while narrow > 0 {
        at -= 1;
        digits[at] = b'0' + (narrow % 10) as u8;
        narrow /= 10;
    }
    &digits[at..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(minor: i128, scale: u32, decimal: char) -> String {
        let mut out = String::new();
        push_total(&mut out, Total { minor, scale }, decimal);
        out
    }

    #[test]
    fn amounts_with_any_mark() {
        let cases = [
            (0, 2, '.', "0.00"),
            (0, 0, '.', "0"),
            (-5, 2, ',', "-0,05"),
            (123_456, 2, ',', "1234,56"),
            (700, 0, '.', "700"),
            (-1, 3, '.', "-0.001"),
            (i128::MAX, 0, '.', "170141183460469231731687303715884105727"),
            (i128::MIN, 2, '.', "-1701411834604692317316873037158841057.28"),
        ];
        for (minor, scale, decimal, expected) in cases {
            assert_eq!(text(minor, scale, decimal), expected);
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_display_of_totals(minor: i128, small: i32, scale in 0u32..6) {
            prop_assert_eq!(text(minor, scale, '.'), Total { minor, scale }.to_string());
            let minor = i128::from(small);
            prop_assert_eq!(text(minor, scale, '.'), Total { minor, scale }.to_string());
        }
    }
}
