//! Credits equal debits per group: the signed amounts of every group add up to zero.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evaluator, Sink, Violation, group_name};
use crate::money::{Currency, Overflow, Total};
use crate::movement::{Columns, Field};

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
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, scale: u32) -> Result<Box<dyn Evaluator>, String> {
        let tolerance = super::tolerance(self.tolerance.as_deref(), self.tolerance_reason.as_deref(), scale)?;
        let group_by = self.group_by.clone();
        Ok(Box::new(Balances { group_by, tolerance, scale, sums: BTreeMap::new() }))
    }
}

struct Balances {
    group_by: Vec<Field>,
    tolerance: super::Tolerance,
    scale: u32,
    sums: BTreeMap<(String, Currency), i128>,
}

impl Evaluator for Balances {
    fn observe(&mut self, columns: &Columns<'_>, row: usize, _: &mut Sink<'_>) -> Result<(), Overflow> {
        let Some(currency) = super::currency(columns, row) else { return Ok(()) };
        let sum = self.sums.entry((group_name(&self.group_by, columns, row), currency)).or_insert(0);
        *sum = sum.checked_add(columns.amount.value(row)).ok_or(Overflow)?;
        Ok(())
    }

    fn finish(self: Box<Self>, sink: &mut Sink<'_>) -> Result<String, Overflow> {
        let mut used = 0;
        for ((group, currency), &sum) in &self.sums {
            if sum == 0 {
                continue;
            }
            if self.tolerance.allows(sum) {
                used += 1;
                continue;
            }
            let shown = Total { minor: sum, scale: self.scale };
            sink(Violation {
                column: Some(group.clone()).filter(|group| !group.is_empty()),
                found: Some(shown.to_string()),
                expected: Some(Total { minor: 0, scale: self.scale }.to_string()),
                money: Some((*currency, sum)),
                reason: format!("credits less debits are {shown} {currency}, not zero"),
                ..Violation::default()
            });
        }
        Ok(format!("{} groups were added up{}", self.sums.len(), self.tolerance.explain(used, "groups")))
    }
}
