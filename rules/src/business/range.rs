//! Amounts lie within bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evaluator, Out, Violation};
use crate::money::{Overflow, Total};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{AMOUNT, Said, counted};

/// Amounts lie within bounds, the bounds included. Give one bound or both; they hold for every
/// currency that the rule's `only` lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Least amount, as a decimal.
    #[serde(default)]
    pub minimum: Option<String>,
    /// Greatest amount, as a decimal.
    #[serde(default)]
    pub maximum: Option<String>,
    /// Judge amounts without their sign.
    #[serde(default)]
    pub absolute: bool,
}

impl Range {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let sign = match self.absolute {
            true => said!(", without its sign,", ", sin su signo,"),
            false => Said::default(),
        };
        match (&self.minimum, &self.maximum) {
            (Some(least), Some(most)) => said!(
                "The amount of each movement{sign} is from {least} to {most}, both included, in its currency.",
                "El importe de cada movimiento{sign} es de {least} a {most}, ambos incluidos, en su moneda."; sign
            ),
            (Some(least), None) => said!(
                "The amount of each movement{sign} is {least} or more, in its currency.",
                "El importe de cada movimiento{sign} es {least} o más, en su moneda."; sign
            ),
            (None, most) => {
                let most = most.as_deref().unwrap_or_default();
                said!(
                    "The amount of each movement{sign} is {most} or less, in its currency.",
                    "El importe de cada movimiento{sign} es {most} o menos, en su moneda."; sign
                )
            }
        }
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, scale: u32) -> Result<Box<dyn Evaluator>, Said> {
        let (minimum, maximum) = (self.bound(&self.minimum, scale)?, self.bound(&self.maximum, scale)?);
        match (minimum, maximum) {
            (None, None) => {
                Err(said!("neither `minimum` nor `maximum` is given", "no se da ni `minimum` ni `maximum`"))
            }
            (Some(least), Some(most)) if least > most => {
                Err(said!("`minimum` is above `maximum`", "`minimum` es mayor que `maximum`"))
            }
            _ => Ok(Box::new(Bounds { rule: self.clone(), minimum, maximum, amounts: 0 })),
        }
    }

    /// In units of the day's scale.
    fn bound(&self, text: &Option<String>, scale: u32) -> Result<Option<i128>, Said> {
        let Some(text) = text else { return Ok(None) };
        let bound = Total::parse(text, scale).ok_or_else(|| {
            said!("`{text}` is no decimal of {scale} decimals", "`{text}` no es un decimal de {scale} decimales")
        })?;
        match self.absolute && bound.minor < 0 {
            true => Err(said!(
                "`{text}` is negative, and amounts are judged without their sign",
                "`{text}` es negativo, y los importes se revisan sin su signo"
            )),
            false => Ok(Some(bound.minor)),
        }
    }
}

struct Bounds {
    rule: Range,
    minimum: Option<i128>,
    maximum: Option<i128>,
    amounts: u64,
}

impl Evaluator for Bounds {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        for row in rows.iter().map(|&row| row as usize) {
            self.amounts += 1;
            let amount = columns.amount.value(row);
            let (is_below, bound) = if self.minimum.is_some_and(|least| self.is_less(amount, least)) {
                (true, &self.rule.minimum)
            } else if self.maximum.is_some_and(|most| self.is_less(most, amount)) {
                (false, &self.rule.maximum)
            } else {
                continue;
            };
            let shown = columns.shown(Field::Amount, row).unwrap_or_default();
            let sign = match self.rule.absolute {
                true => said!(", its sign aside,", ", sin su signo,"),
                false => Said::default(),
            };
            let bound = bound.as_deref().unwrap_or_default();
            let reason = match is_below {
                true => said!(
                    "the amount {shown}{sign} is below {bound}",
                    "el importe {shown}{sign} es menor que {bound}"; sign
                ),
                false => said!(
                    "the amount {shown}{sign} is above {bound}",
                    "el importe {shown}{sign} es mayor que {bound}"; sign
                ),
            };
            out.violation(Violation::of_movement(columns, row, Field::Amount, reason));
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let amounts = counted(self.amounts, AMOUNT);
        Ok(said!("judged {amounts}", "revisión de {amounts}"; amounts))
    }
}

impl Bounds {
    fn is_less(&self, left: i128, right: i128) -> bool {
        match self.rule.absolute {
            true => left.unsigned_abs() < right.unsigned_abs(),
            false => left < right,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::judge;

    const AMOUNTS: &str = "amount\n-100.01\n-100.00\n-0.01\n0.00\n0.01\n100.00\n100.01";

    /// bounds | records that violate them, or the refusal
    #[test]
    fn bounds() {
        let cases = [
            ("maximum = '100'", "7"),
            ("maximum = '100', absolute = true", "17"),
            ("minimum = '-100'", "1"),
            ("minimum = '0.01', absolute = true", "4"),
            ("minimum = '0', maximum = '100.00'", "1237"),
            ("minimum = '-100', maximum = '-0.01'", "14567"),
            ("", "not evaluated: neither `minimum` nor `maximum` is given"),
            ("absolute = true", "not evaluated: neither `minimum` nor `maximum` is given"),
            ("minimum = '1', maximum = '0'", "not evaluated: `minimum` is above `maximum`"),
            ("maximum = '0.005'", "not evaluated: `0.005` is no decimal of 2 decimals"),
            ("maximum = 'lots'", "not evaluated: `lots` is no decimal of 2 decimals"),
            (
                "minimum = '-1', absolute = true",
                "not evaluated: `-1` is negative, and amounts are judged without their sign",
            ),
        ];
        for (bounds, expected) in cases {
            let found = judge(&format!("check.range = {{ {bounds} }}"), "", AMOUNTS);
            let found = match found.strip_suffix("judged 7 amounts") {
                Some(lines) => lines.lines().filter_map(|line| line.chars().next()).collect(),
                None => found,
            };
            assert_eq!(found, expected, "{bounds}");
        }
    }

    #[test]
    fn reasons_name_the_bound() {
        let movements = "currency | amount\nJPY | -700.00\nUSD | 0.00";
        assert_eq!(
            judge("check.range = { minimum = '1', maximum = '500', absolute = true }", "", movements),
            "\
1 | amount | -700 | - | JPY -700 | the amount -700, its sign aside, is above 500
2 | amount | 0.00 | - | USD 0.00 | the amount 0.00, its sign aside, is below 1
judged 2 amounts"
        );
    }

    #[test]
    fn the_least_integer_is_judged_like_any_other() {
        let least = "-1701411834604692317316873037158841057.28";
        let found = judge("check.range = { maximum = '1', absolute = true }", "", &format!("amount\n{least}"));
        assert!(found.starts_with(&format!("1 | amount | {least} | ")), "{found}");
    }
}
