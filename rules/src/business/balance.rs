//! Credits equal debits per group: the signed amounts of every group add up to zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Cell, Group, Groups};
use super::{Evaluator, Gathers, Out, Tolerance, Violation};
use crate::explain::{per_group, tolerated};
use crate::money::{Currency, Overflow, at_own_scale};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{GROUP, MOVEMENT, Said, counted};

/// Credits equal debits per group and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Fields that make a group, such as `["branch"]`; empty for the whole day.
    #[serde(default)]
    pub group_by: Vec<Field>,
    /// Largest difference that passes, as a decimal. Zero where absent.
    #[serde(default)]
    pub tolerance: Option<String>,
    /// Why a tolerance is declared; needed with one.
    #[serde(default)]
    pub tolerance_reason: Option<String>,
}

impl Balance {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let (per, tolerance) = (per_group(&self.group_by, true), tolerated(&self.tolerance, &self.tolerance_reason));
        said!(
            "Credits equal debits{per}: the amounts with their signs add up to zero{tolerance}.",
            "Los abonos son iguales a los cargos{per}: los importes con su signo suman cero{tolerance}."; per, tolerance
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, scale: u32) -> Result<Box<dyn Evaluator>, Said> {
        let tolerance = super::tolerance(self.tolerance.as_deref(), self.tolerance_reason.as_deref(), scale)?;
        let sums = Groups::per_currency(&self.group_by, |sum| *sum != 0);
        Ok(Box::new(Balances { tolerance, scale, movements: 0, used: 0, sums }))
    }
}

struct Balances {
    tolerance: Tolerance,
    scale: u32,
    movements: u64,
    /// Groups that needed the tolerance.
    used: u64,
    sums: Groups<i128>,
}

impl Evaluator for Balances {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        self.movements += rows.len() as u64;
        self.sums.update(columns, rows, out, |sum, row| sum.merge(&columns.amount.value(row)))
    }

    fn gathers(&mut self) -> Option<&mut dyn Gathers> {
        Some(&mut self.sums)
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let (group, sum) = self.sums.read(key, payload);
        self.judge(&group, sum, out);
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let (movements, groups) = (counted(self.movements, MOVEMENT), counted(self.sums.count(), GROUP));
        let used = self.tolerance.explain(self.used, GROUP);
        Ok(said!(
            "added up {movements} in {groups}{used}",
            "suma de {movements} en {groups}{used}"; movements, groups, used
        ))
    }
}

impl Balances {
    fn judge(&mut self, group: &Group<'_>, sum: i128, out: &mut dyn Out) {
        match self.tolerance.allows(sum) {
            true => self.used += 1,
            false => out.violation(group.violation(|currency| violation(currency, sum, self.scale))),
        }
    }
}

fn violation(currency: Currency, sum: i128, scale: u32) -> Violation {
    let shown = at_own_scale(currency, sum, scale);
    Violation {
        found: Some(shown.to_string()),
        expected: Some(at_own_scale(currency, 0, scale).to_string()),
        money: Some((currency, sum)),
        reason: said!(
            "credits less debits are {shown} {currency}, not zero",
            "abonos menos cargos son {shown} {currency}, no cero"
        ),
        ..Violation::default()
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::judge;

    const BY_BRANCH: &str = "check.balance = { group_by = ['branch'] }";

    #[test]
    fn groups_and_currencies_balance_apart() {
        let movements = "
            branch | currency | amount
            001    | MXN      | 10.00
            002    | MXN      | 3.00
            001    | MXN      | -10.00
            001    | USD      | 0.01
            002    | JPY      | -7
            -      | MXN      | 5.00
            ''     | MXN      | -4.99";
        let found = judge(BY_BRANCH, "", movements);
        assert_eq!(
            found,
            "\
- | branch= | 0.01 | 0.00 | MXN 0.01 | credits less debits are 0.01 MXN, not zero
- | branch=001 | 0.01 | 0.00 | USD 0.01 | credits less debits are 0.01 USD, not zero
- | branch=002 | -7 | 0 | JPY -7 | credits less debits are -7 JPY, not zero
- | branch=002 | 3.00 | 0.00 | MXN 3.00 | credits less debits are 3.00 MXN, not zero
added up 7 movements in 5 groups"
        );
        let unknown = "- | - | - | - | - | `mxn` is not an ISO 4217 currency code: the group cannot be judged";
        assert!(judge("check.balance = {}", "", "currency | amount\nmxn | 1.00").starts_with(unknown));
        assert_eq!(judge(BY_BRANCH, "", "branch | amount"), "added up 0 movements in 0 groups");
    }

    #[test]
    fn values_never_run_into_the_next_group() {
        let check = "check.balance = { group_by = ['branch', 'kind'] }";
        let movements = "
            branch    | kind      | amount
            a, kind=b | c         | 1.00
            a         | b, kind=c | -1.00";
        assert!(judge(check, "", movements).ends_with("added up 2 movements in 2 groups"));
        assert_eq!(judge(check, "", movements).lines().count(), 3);
    }

    #[test]
    fn a_tolerance_is_shown_where_it_was_used() {
        let with = |reason: &str| format!("check.balance = {{ tolerance = '0.05'{reason} }}");
        let judged = |amount: &str| judge(&with(", tolerance_reason = 'rounding'"), "", &format!("amount\n{amount}"));
        assert_eq!(judged("0.00"), "added up 1 movement in 1 group");
        let used = "added up 1 movement in 1 group; a tolerance of 0.05 was used for 1 group: rounding";
        assert_eq!(judged("-0.05"), used);
        assert!(judged("0.06").starts_with("- | - | 0.06 | 0.00 | MXN 0.06 | "));
        let refused = "not evaluated: a tolerance needs a `tolerance_reason`";
        assert_eq!(judge(&with(""), "", "amount"), refused);
        assert_eq!(judge(&with(", tolerance_reason = ' '"), "", "amount"), refused);
        for tolerance in ["-0.01", "0.001", "1e2"] {
            let check = format!("check.balance = {{ tolerance = '{tolerance}', tolerance_reason = 'x' }}");
            let refused = format!("not evaluated: the tolerance `{tolerance}` is no decimal >= 0 of 2 decimals");
            assert_eq!(judge(&check, "", "amount"), refused);
        }
    }

    #[test]
    fn a_sum_past_128_bits_is_an_overflow() {
        let most = "1701411834604692317316873037158841057.27";
        assert!(judge(BY_BRANCH, "", &format!("amount\n{most}")).contains(most));
        assert_eq!(judge(BY_BRANCH, "", &format!("amount\n{most}\n0.01")), "overflow");
    }
}
