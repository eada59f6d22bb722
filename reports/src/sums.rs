//! Exact sums of amounts as manifests have them.

use cuadre_rules::money::{AMOUNT_DIGITS, Overflow, Total, Totals};

use crate::ReportError;
use crate::predicate::AmountText;

/// The sum of these, per currency.
///
/// # Errors
/// [`ReportError::Overflow`]; [`ReportError::Amount`] where a text is no amount.
pub fn sum<'a>(amounts: impl IntoIterator<Item = &'a AmountText>) -> Result<AmountText, ReportError> {
    let amounts: Vec<&AmountText> = amounts.into_iter().collect();
    let scale = scale_of(&amounts);
    let mut sum = Totals::new(scale);
    for amount in amounts {
        sum.merge(&totals(amount, scale)?).map_err(overflow)?;
    }
    Ok(sum.to_text())
}

/// `left - right`, over the currencies of both.
///
/// # Errors
/// As of [`sum`].
pub fn minus(left: &AmountText, right: &AmountText) -> Result<AmountText, ReportError> {
    let scale = scale_of(&[left, right]);
    Ok(totals(left, scale)?.minus(&totals(right, scale)?).map_err(overflow)?.to_text())
}

/// Most decimals that any of these has; amounts have at most [`AMOUNT_DIGITS`].
fn scale_of(amounts: &[&AmountText]) -> u32 {
    let decimals = |text: &String| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let most = amounts.iter().flat_map(|amount| amount.values()).map(decimals).max().unwrap_or_default();
    u32::try_from(most).unwrap_or(AMOUNT_DIGITS).min(AMOUNT_DIGITS)
}

fn totals(amount: &AmountText, scale: u32) -> Result<Totals, ReportError> {
    let mut totals = Totals::new(scale);
    for (currency, text) in amount {
        let wrong = || ReportError::Amount { text: format!("{text} {currency}") };
        let code = currency.parse().map_err(|_| wrong())?;
        totals.add(code, Total::parse(text, scale).ok_or_else(wrong)?.minor).map_err(overflow)?;
    }
    Ok(totals)
}

fn overflow(source: Overflow) -> ReportError {
    ReportError::Overflow { what: "a sum of the manifest's amounts", source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(parts: &[(&str, &str)]) -> AmountText {
        parts.iter().map(|(currency, text)| (currency.to_string(), text.to_string())).collect()
    }

    #[test]
    fn sums_and_differences_are_exact_in_each_currency() {
        let large = amount(&[("MXN", "-999999999999999999999999.99"), ("JPY", "5000")]);
        let small = amount(&[("MXN", "0.01"), ("USD", "0.10")]);
        let expected = amount(&[("JPY", "5000"), ("MXN", "-999999999999999999999999.98"), ("USD", "0.10")]);
        assert_eq!(sum([&large, &small]).unwrap(), expected);
        let expected = amount(&[("JPY", "-5000"), ("MXN", "1000000000000000000000000.00"), ("USD", "0.10")]);
        assert_eq!(minus(&small, &large).unwrap(), expected);
        assert_eq!(sum([]).unwrap(), AmountText::new());
        assert_eq!(
            sum([&amount(&[("KWD", "1.005"), ("JPY", "7")])]).unwrap(),
            amount(&[("JPY", "7"), ("KWD", "1.005")])
        );
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (currency, text) in
            [("MXN", "1,00"), ("mxn", "1.00"), ("MXN", ""), ("MXN", "1e3"), ("JPY", &format!("0.{}1", "0".repeat(60)))]
        {
            let error = sum([&amount(&[(currency, text)])]).unwrap_err();
            assert!(matches!(error, ReportError::Amount { .. }), "{text} {currency}: {error}");
        }
        let most = amount(&[("JPY", &i128::MAX.to_string())]);
        assert!(matches!(sum([&most, &amount(&[("JPY", "1")])]), Err(ReportError::Overflow { .. })));
    }
}
