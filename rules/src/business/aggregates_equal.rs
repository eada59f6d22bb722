//! Two sources agree on an aggregate, per group.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Cell, Group, Groups};
use super::{Evaluator, Gathers, Out, Tolerance, Violation, among};
use crate::explain::{filtered, per_group, tolerated};
use crate::money::{Currency, Overflow, at_own_scale};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{GROUP, MOVEMENT, Said, counted};

/// Two sets of movements agree on count or sum, per group: what treasury paid out equals what
/// the branches disbursed, say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregatesEqual {
    /// The left movements: field to its values, such as `source = ["treasury"]`.
    pub left: BTreeMap<Field, Vec<String>>,
    /// The right movements.
    pub right: BTreeMap<Field, Vec<String>>,
    /// What is added up.
    #[serde(default)]
    pub measure: Measure,
    /// Fields that make a group; empty for the whole day. Amounts are compared per currency too.
    #[serde(default)]
    pub group_by: Vec<Field>,
    /// The right side has the opposite sign (of amounts only).
    #[serde(default)]
    pub opposite_sign: bool,
    /// Largest difference that passes, as a decimal (of amounts only). Zero where absent.
    #[serde(default)]
    pub tolerance: Option<String>,
    /// Why a tolerance is declared; needed with one.
    #[serde(default)]
    pub tolerance_reason: Option<String>,
}

/// What an aggregate adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Amounts, per currency.
    #[default]
    Amount,
    /// Number of movements.
    Records,
}

impl AggregatesEqual {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let (left, right) = (filtered(&self.left), filtered(&self.right));
        let per = per_group(&self.group_by, self.measure == Measure::Amount);
        let tolerance = tolerated(&self.tolerance, &self.tolerance_reason);
        let sum = match self.measure {
            Measure::Amount => said!("add up to the same amount", "suman el mismo importe"),
            Measure::Records => said!("are as many", "son el mismo número"),
        };
        let sign = match self.opposite_sign {
            true => said!(", with the opposite sign", ", con el signo contrario"),
            false => Said::default(),
        };
        said!(
            "Two sets of movements {sum}{per}{sign}: those where {left}, and those where {right}{tolerance}.",
            "Dos grupos de movimientos {sum}{per}{sign}: aquellos en que {left}, y aquellos en que {right}{tolerance}.";
            left, right, per, sum, sign, tolerance
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, scale: u32) -> Result<Box<dyn Evaluator>, Said> {
        let tolerance = super::tolerance(self.tolerance.as_deref(), self.tolerance_reason.as_deref(), scale)?;
        if self.measure == Measure::Records && (self.opposite_sign || self.tolerance.is_some()) {
            return Err(said!(
                "`opposite_sign` and `tolerance` are of amounts, not of records",
                "`opposite_sign` y `tolerance` son de importes, no de registros"
            ));
        }
        if self.left == self.right && !self.opposite_sign {
            return Err(said!(
                "`left` and `right` are the same movements",
                "`left` y `right` son los mismos movimientos"
            ));
        }
        let sums = match self.measure {
            Measure::Amount => Groups::per_currency(&self.group_by, Sides::differ),
            Measure::Records => Groups::new(&self.group_by, Sides::differ),
        };
        Ok(Box::new(Aggregates { rule: self.clone(), tolerance, scale, sums, left: 0, right: 0, used: 0 }))
    }
}

struct Aggregates {
    rule: AggregatesEqual,
    tolerance: Tolerance,
    scale: u32,
    sums: Groups<Sides>,
    /// Movements on the left.
    left: u64,
    /// Movements on the right.
    right: u64,
    /// Groups that needed the tolerance.
    used: u64,
}

/// What the two sides of a group add up to, the right one in the sign of the left.
#[derive(Clone, Copy, Default)]
struct Sides {
    left: i128,
    right: i128,
}

impl Sides {
    fn differ(&self) -> bool {
        self.left != self.right
    }
}

impl Cell for Sides {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.left.merge(&other.left)?;
        self.right.merge(&other.right)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.left.write(out);
        self.right.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Self {
        Self { left: i128::read(bytes), right: i128::read(bytes) }
    }
}

impl Evaluator for Aggregates {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        let by = |row| match self.rule.measure {
            Measure::Amount => columns.amount.value(row),
            Measure::Records => 1,
        };
        let (left, right) = (&self.rule.left, &self.rule.right);
        let (left, right) = (among(rows.to_vec(), left, columns), among(rows.to_vec(), right, columns));
        self.left += left.len() as u64;
        self.right += right.len() as u64;
        self.sums.update(columns, &left, out, |sides, row| sides.left.merge(&by(row)))?;
        self.sums.update(columns, &right, out, |sides, row| {
            let by = if self.rule.opposite_sign { by(row).checked_neg().ok_or(Overflow)? } else { by(row) };
            sides.right.merge(&by)
        })
    }

    fn gathers(&mut self) -> Option<&mut dyn Gathers> {
        Some(&mut self.sums)
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let (group, sides) = self.sums.read(key, payload);
        self.judge(&group, sides, out)
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let (groups, left, right) = (counted(self.sums.count(), GROUP), counted(self.left, MOVEMENT), self.right);
        let used = self.tolerance.explain(self.used, GROUP);
        Ok(said!(
            "compared {groups}: {left} on the left, {right} on the right{used}",
            "comparación de {groups}: {left} a la izquierda, {right} a la derecha{used}"; groups, left, used
        ))
    }
}

impl Aggregates {
    fn judge(&mut self, group: &Group<'_>, sides: Sides, out: &mut dyn Out) -> Result<(), Overflow> {
        let difference = sides.left.checked_sub(sides.right).ok_or(Overflow)?;
        if self.tolerance.allows(difference) {
            self.used += 1;
            return Ok(());
        }
        out.violation(match self.rule.measure {
            Measure::Amount => group.violation(|currency| self.amounts_differ(currency, sides, difference)),
            Measure::Records => Violation { column: group.column(), ..records_differ(sides) },
        });
        Ok(())
    }

    fn amounts_differ(&self, currency: Currency, sides: Sides, difference: i128) -> Violation {
        let shown = |minor| at_own_scale(currency, minor, self.scale).to_string();
        let (left, right, off) = (shown(sides.left), shown(sides.right), shown(difference));
        let turned = match self.rule.opposite_sign {
            true => said!(", its sign turned,", ", con el signo invertido,"),
            false => Said::default(),
        };
        let reason = said!(
            "the left is {left} {currency}, the right{turned} {right}: off by {off}",
            "la izquierda es {left} {currency}; la derecha{turned} es {right}: difieren en {off}"; turned
        );
        Violation {
            found: Some(left),
            expected: Some(right),
            money: Some((currency, difference)),
            reason,
            ..Violation::default()
        }
    }
}

fn records_differ(Sides { left, right }: Sides) -> Violation {
    Violation {
        found: Some(left.to_string()),
        expected: Some(right.to_string()),
        reason: said!(
            "the left has {left} movements, the right {right}",
            "la izquierda tiene {left} movimientos; la derecha, {right}"
        ),
        ..Violation::default()
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::judge;

    fn rule(more: &str) -> String {
        format!("[check.aggregates_equal]\nleft = {{ source = ['treasury'] }}\nright = {{ source = ['core'] }}\n{more}")
    }

    const MOVEMENTS: &str = "
        source   | branch | currency | amount
        treasury | 001    | MXN      | 10.00
        treasury | 001    | MXN      | 5.00
        core     | 001    | MXN      | 15.00
        treasury | 002    | MXN      | 1.00
        core     | 002    | USD      | 1.00
        cards    | 003    | MXN      | 9.00
        core     | -      | JPY      | 7.00";

    #[test]
    fn amounts_per_group_and_currency() {
        assert_eq!(
            judge(&rule("group_by = ['branch']"), "", MOVEMENTS),
            "\
- | branch= | 0 | 7 | JPY -7 | the left is 0 JPY, the right 7: off by -7
- | branch=002 | 1.00 | 0.00 | MXN 1.00 | the left is 1.00 MXN, the right 0.00: off by 1.00
- | branch=002 | 0.00 | 1.00 | USD -1.00 | the left is 0.00 USD, the right 1.00: off by -1.00
compared 4 groups: 3 movements on the left, 3 on the right"
        );
    }

    #[test]
    fn records_per_group() {
        assert_eq!(
            judge(&rule("measure = 'records'\ngroup_by = ['branch']"), "", MOVEMENTS),
            "\
- | branch= | 0 | 1 | - | the left has 0 movements, the right 1
- | branch=001 | 2 | 1 | - | the left has 2 movements, the right 1
compared 3 groups: 3 movements on the left, 3 on the right"
        );
        assert_eq!(
            judge(&rule("measure = 'records'"), "", MOVEMENTS),
            "compared 1 group: 3 movements on the left, 3 on the right"
        );
    }

    #[test]
    fn opposite_signs_and_tolerance() {
        let movements = "source | amount\ntreasury | 5.00\ncore | -4.98";
        let opposite =
            "- | - | 5.00 | 4.98 | MXN 0.02 | the left is 5.00 MXN, the right, its sign turned, 4.98: off by 0.02\n";
        let explanation = "compared 1 group: 1 movement on the left, 1 on the right";
        let cases = [
            ("opposite_sign = true", format!("{opposite}{explanation}")),
            (
                "opposite_sign = true\ntolerance = '0.02'\ntolerance_reason = 'fees'",
                format!("{explanation}; a tolerance of 0.02 was used for 1 group: fees"),
            ),
            ("opposite_sign = true\ntolerance = '0.01'\ntolerance_reason = 'fees'", format!("{opposite}{explanation}")),
        ];
        for (more, expected) in cases {
            assert_eq!(judge(&rule(more), "", movements), expected, "{more}");
        }
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let same = "check.aggregates_equal = { left = { branch = ['1'] }, right = { branch = ['1'] } }";
        let of_amounts = "`opposite_sign` and `tolerance` are of amounts, not of records";
        let cases = [
            (rule("tolerance = '1'"), "a tolerance needs a `tolerance_reason`"),
            (rule("measure = 'records'\ntolerance = '1'\ntolerance_reason = 'x'"), of_amounts),
            (rule("measure = 'records'\nopposite_sign = true"), of_amounts),
            (same.to_owned(), "`left` and `right` are the same movements"),
        ];
        for (rule, reason) in cases {
            assert_eq!(judge(&rule, "", "amount"), format!("not evaluated: {reason}"));
        }
    }

    #[test]
    fn sums_and_differences_past_128_bits_are_overflows() {
        let most = "1701411834604692317316873037158841057.27";
        for rows in [format!("core | {most}\ncore | 0.01"), format!("treasury | {most}\ncore | -0.01")] {
            assert_eq!(judge(&rule(""), "", &format!("source | amount\n{rows}")), "overflow");
        }
        let least = "source | amount\ncore | -1701411834604692317316873037158841057.28";
        assert_eq!(judge(&rule("opposite_sign = true"), "", least), "overflow");
    }
}
