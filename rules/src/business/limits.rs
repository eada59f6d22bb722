//! What the movements of a group add up to stays within a limit.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aggregates_equal::Measure;
use super::groups::{Cell, Group, Groups};
use super::tables::{GroupBy, at, decimal};
use super::{Evaluator, Gathers, Given, Out, Violation};
use crate::explain::per_group;
use crate::money::{Currency, Overflow, at_own_scale};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{GROUP, MOVEMENT, Noun, Said, counted};

/// What the movements of a group add up to, such as those of a customer at a branch, is no more than a limit; per
/// currency. Movements where a field of the group is empty are not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fields that make a group, such as `["customer", "branch"]`; empty for the whole day.
    #[serde(default)]
    pub group_by: Vec<Field>,
    /// Amounts, or the number of movements.
    #[serde(default)]
    pub measure: Measure,
    /// Which movements count.
    #[serde(default)]
    pub of: Of,
    /// The limit of every group that has none of its own: a decimal, in each currency; a whole number where records
    /// are counted.
    #[serde(default)]
    pub maximum: Option<String>,
    /// Limits of single groups. One that is not listed is held to `maximum`, without it to none.
    #[serde(default)]
    pub maxima: Option<Maxima>,
}

/// Which movements count towards a limit, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Those above zero.
    Credits,
    /// Those below zero, without their sign.
    Debits,
    /// All, without their sign.
    #[default]
    Gross,
    /// Credits less debits; what they come to is judged without its sign. Not of records.
    Net,
}

/// A dataset of limits: a row per group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maxima {
    /// The dataset.
    pub dataset: String,
    /// The fields that its limits are by, which are of the rule's `group_by`, and their columns.
    pub group_by: GroupBy,
    /// Its column of limits.
    pub maximum: String,
    /// Its column of currencies; a limit without one holds in each currency. Not of records.
    #[serde(default)]
    pub currency_column: Option<String>,
}

impl Limits {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let per = per_group(&self.group_by, self.measure == Measure::Amount);
        let what = match (self.measure, self.of) {
            (Measure::Amount, Of::Credits) => said!("What credits add up to", "La suma de los abonos"),
            (Measure::Amount, Of::Debits) => said!("What debits add up to", "La suma de los cargos"),
            (Measure::Amount, Of::Gross) => {
                said!("What movements add up to without their sign", "La suma de los movimientos sin su signo")
            }
            (Measure::Amount, Of::Net) => {
                said!("Credits less debits, without their sign,", "La diferencia entre abonos y cargos, sin su signo,")
            }
            (Measure::Records, Of::Credits) => said!("The number of credits", "El número de abonos"),
            (Measure::Records, Of::Debits) => said!("The number of debits", "El número de cargos"),
            (Measure::Records, _) => said!("The number of movements", "El número de movimientos"),
        };
        let own = self.maxima.as_ref().map(|Maxima { dataset, maximum, .. }| {
            said!(
                "the limit in `{maximum}` of the dataset `{dataset}`",
                "el límite de `{maximum}` en el conjunto `{dataset}`"
            )
        });
        let most = match (own, self.maximum.as_deref()) {
            (None, most) => Said::same(most.unwrap_or_default()),
            (Some(own), Some(most)) => {
                said!("{own}, or {most} where there is none", "{own}, o {most} donde no lo hay"; own)
            }
            (Some(own), None) => said!("{own}, where there is one", "{own}, donde lo hay"; own),
        };
        said!("{what}{per} is no more than {most}.", "{what}{per} no rebasa {most}."; what, per, most)
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        let maximum = self.settings(given.scale)?;
        let own = self.maxima.as_ref().map(|maxima| Own::read(self, maxima, given)).transpose()?;
        let (all, most) = (own.is_some(), maximum.unwrap_or_default().unsigned_abs());
        let matters = move |sum: &Sum| all || sum.total.unsigned_abs() > most;
        let sums = match self.measure {
            Measure::Amount => Groups::per_currency(&self.group_by, matters),
            Measure::Records => Groups::new(&self.group_by, matters),
        };
        let rule = self.clone();
        Ok(Box::new(Limited { rule, scale: given.scale, maximum, own, sums, movements: 0, empty: 0, unlimited: 0 }))
    }

    /// What the rule says without its dataset; `Err` where that does not hold together.
    pub(super) fn settings(&self, scale: u32) -> Result<Option<i128>, Said> {
        let of_records = self.measure == Measure::Records;
        if of_records && self.of == Of::Net {
            return Err(said!(
                "`of = \"net\"` is of amounts, not of records",
                "`of = \"net\"` es de importes, no de registros"
            ));
        }
        if self.maximum.is_none() && self.maxima.is_none() {
            return Err(said!("neither `maximum` nor `maxima` is given", "no se da ni `maximum` ni `maxima`"));
        }
        if let Some(maxima) = &self.maxima {
            let fields = maxima.group_by.fields();
            if fields.is_empty() {
                return Err(said!(
                    "`maxima` names no field in its `group_by`",
                    "`maxima` no nombra ningún campo en su `group_by`"
                ));
            }
            if let Some(field) = fields.iter().find(|field| !self.group_by.contains(field)) {
                return Err(said!(
                    "`maxima` is by {field}, which is not in the rule's `group_by`",
                    "`maxima` es por {field}, que no está en el `group_by` de la regla"
                ));
            }
            if of_records && maxima.currency_column.is_some() {
                return Err(said!(
                    "`currency_column` is of amounts, not of records",
                    "`currency_column` es de importes, no de registros"
                ));
            }
        }
        self.maximum.as_deref().map(|text| self.limit(text, scale)).transpose()
    }

    /// A limit, in units of the day's scale, or of records.
    fn limit(&self, text: &str, scale: u32) -> Result<i128, Said> {
        let scale = if self.measure == Measure::Records { 0 } else { scale };
        match decimal(text, scale)? {
            limit if limit < 0 => {
                Err(said!("the limit `{text}` is below zero", "el límite `{text}` es menor que cero"))
            }
            limit => Ok(limit),
        }
    }
}

/// Limits of single groups.
struct Own {
    /// Where in the rule's `group_by` each of their fields is.
    fields: Vec<usize>,
    /// By the values of these fields and a currency, `""` for each.
    limits: HashMap<Vec<String>, i128>,
}

impl Own {
    fn read(rule: &Limits, maxima: &Maxima, given: Given<'_>) -> Result<Self, Said> {
        let table = super::dataset(given.datasets, &maxima.dataset)?;
        let columns = maxima.group_by.columns(table)?;
        let (limit, currency) = (
            table.column(&maxima.maximum)?,
            maxima.currency_column.as_ref().map(|name| table.column(name)).transpose()?,
        );
        let mut limits = HashMap::new();
        for row in 0..table.rows.len() {
            let code = currency.and_then(|column| table.cell(row, column)).unwrap_or_default();
            if !code.is_empty() && code.parse::<Currency>().is_err() {
                let reason =
                    said!("`{code}` is not an ISO 4217 currency code", "`{code}` no es un código de moneda ISO 4217");
                return Err(at(table, row, currency, reason));
            }
            let values = columns.iter().map(|&column| table.cell(row, column).unwrap_or_default());
            let key: Vec<String> = values.chain([code]).map(str::to_owned).collect();
            let text = table.cell(row, limit).unwrap_or_default();
            let minor = rule.limit(text, given.scale).map_err(|reason| at(table, row, Some(limit), reason))?;
            if limits.insert(key, minor).is_some() {
                let reason = said!("the limit of its group is listed again", "se repite el límite de su grupo");
                return Err(at(table, row, None, reason));
            }
        }
        let position = |field: &Field| rule.group_by.iter().position(|other| other == field);
        Ok(Self { fields: maxima.group_by.fields().iter().filter_map(position).collect(), limits })
    }

    fn of(&self, group: &Group<'_>) -> Option<i128> {
        let named = group.named();
        let values = self.fields.iter().filter_map(|&field| named.get(field)).map(|(_, value)| value.clone());
        let code = group.currency().map(|currency| currency.code().to_owned()).unwrap_or_default();
        let mut key: Vec<String> = values.chain([code]).collect();
        self.limits.get(&key).copied().or_else(|| {
            key.last_mut()?.clear();
            self.limits.get(&key).copied()
        })
    }
}

struct Limited {
    rule: Limits,
    scale: u32,
    maximum: Option<i128>,
    own: Option<Own>,
    sums: Groups<Sum>,
    /// Movements that count.
    movements: u64,
    /// Movements where a field of the group is empty.
    empty: u64,
    /// Groups without a limit.
    unlimited: u64,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    total: i128,
    movements: u64,
}

impl Cell for Sum {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.movements += other.movements;
        self.total.merge(&other.total)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.total.write(out);
        i128::from(self.movements).write(out);
    }

    fn read(bytes: &mut &[u8]) -> Self {
        Self { total: i128::read(bytes), movements: i128::read(bytes) as u64 }
    }
}

impl Evaluator for Limited {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        let of = self.rule.of;
        let counts = |&row: &u32| match (of, columns.amount.value(row as usize)) {
            (Of::Credits, amount) => amount > 0,
            (Of::Debits, amount) => amount < 0,
            _ => true,
        };
        let mut counted: Vec<u32> = rows.iter().copied().filter(counts).collect();
        self.movements += counted.len() as u64;
        self.empty += super::leave_out_empty(&self.rule.group_by, columns, &mut counted);
        let of_records = self.rule.measure == Measure::Records;
        self.sums.update(columns, &counted, out, |sum, row| {
            let amount = columns.amount.value(row);
            let by = match of {
                _ if of_records => Some(1),
                Of::Credits | Of::Net => Some(amount),
                Of::Debits => amount.checked_neg(),
                Of::Gross => amount.checked_abs(),
            };
            sum.merge(&Sum { total: by.ok_or(Overflow)?, movements: 1 })
        })
    }

    fn gathers(&mut self) -> Option<&mut dyn Gathers> {
        Some(&mut self.sums)
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let (group, sum) = self.sums.read(key, payload);
        self.judge(&group, sum, out)
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let (movements, groups) = (counted(self.movements, self.rule.of.noun()), counted(self.sums.count(), GROUP));
        let names = self.rule.group_by.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
        let without = super::without(self.empty, &names);
        let unlimited = match self.unlimited {
            0 => Said::default(),
            groups => {
                let groups = counted(groups, GROUP);
                said!("; without a limit: {groups}", "; sin límite: {groups}"; groups)
            }
        };
        Ok(said!(
            "added up {movements} in {groups}{unlimited}{without}",
            "suma de {movements} en {groups}{unlimited}{without}"; movements, groups, unlimited, without
        ))
    }
}

const CREDIT: Noun = Noun::new(["credit", "credits"], ["abono", "abonos"]);
const DEBIT: Noun = Noun::new(["debit", "debits"], ["cargo", "cargos"]);

impl Of {
    fn noun(self) -> Noun {
        match self {
            Self::Credits => CREDIT,
            Self::Debits => DEBIT,
            Self::Gross | Self::Net => MOVEMENT,
        }
    }
}

impl Limited {
    fn judge(&mut self, group: &Group<'_>, sum: Sum, out: &mut dyn Out) -> Result<(), Overflow> {
        let Some(limit) = self.own.as_ref().and_then(|own| own.of(group)).or(self.maximum) else {
            self.unlimited += 1;
            return Ok(());
        };
        let total = sum.total.checked_abs().ok_or(Overflow)?;
        let excess = total - limit.min(total);
        if excess == 0 {
            return Ok(());
        }
        let movements = counted(sum.movements, self.rule.of.noun());
        out.violation(match self.rule.measure {
            Measure::Records => Violation {
                column: group.column(),
                found: Some(total.to_string()),
                expected: Some(limit.to_string()),
                reason: said!(
                    "{movements}: {excess} more than the limit of {limit}",
                    "{movements}: {excess} más que el límite de {limit}"; movements
                ),
                ..Violation::default()
            },
            Measure::Amount => group.violation(|currency| {
                let shown = |minor| at_own_scale(currency, minor, self.scale).to_string();
                let (total, over, limit) = (shown(sum.total), shown(excess), shown(limit));
                let less = match self.rule.of {
                    Of::Net => said!(", credits less debits", ", abonos menos cargos"),
                    Of::Gross => said!(", their sign aside", ", sin su signo"),
                    Of::Credits | Of::Debits => Said::default(),
                };
                Violation {
                    reason: said!(
                        "{total} {currency} in {movements}{less}: {over} more than the limit of {limit}",
                        "{total} {currency} en {movements}{less}: {over} más que el límite de {limit}"; movements, less
                    ),
                    found: Some(total),
                    expected: Some(limit),
                    money: Some((currency, excess)),
                    ..Violation::default()
                }
            }),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
