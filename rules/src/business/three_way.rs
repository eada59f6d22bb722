//! Sources, warehouse and general ledger come to the same sums.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Cell, Group, Groups};
use super::tables::{Currencies, GroupBy, amount, money};
use super::{Evaluator, Gathers, Given, Out, Tolerance, Violation};
use crate::explain::{per_group, tolerated};
use crate::money::{Overflow, at_own_scale};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{GROUP, MOVEMENT, ROW, Said, counted};

/// The movements of the sources, the rows of the warehouse and the general ledger come to the same sum, per group and
/// currency. The rule's `only` holds for movements and for rows of the warehouse; a dataset is taken whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreeWay {
    /// Fields that make a group, such as `["branch"]`; empty for the whole day.
    #[serde(default)]
    pub group_by: Vec<Field>,
    /// The sums of the general ledger.
    pub ledger: Sums,
    /// The sums of the warehouse, where they are not those of its rows: needed where it is compared by cells, since
    /// not all of its rows are there then.
    #[serde(default)]
    pub warehouse: Option<Sums>,
    /// Largest difference of two sums that passes, as a decimal. Zero where absent.
    #[serde(default)]
    pub tolerance: Option<String>,
    /// Why a tolerance is declared; needed with one.
    #[serde(default)]
    pub tolerance_reason: Option<String>,
}

/// A dataset of amounts: rows of the same group add up. Give `amount`, or `debit` and `credit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// The dataset.
    pub dataset: String,
    /// The rule's fields, and the columns that name them; columns are called as the fields where absent.
    #[serde(default)]
    pub group_by: Option<GroupBy>,
    /// Its column of amounts, credits positive.
    #[serde(default)]
    pub amount: Option<String>,
    /// Its column of debits, without sign; an empty cell is zero.
    #[serde(default)]
    pub debit: Option<String>,
    /// Its column of credits; an empty cell is zero.
    #[serde(default)]
    pub credit: Option<String>,
    /// Its amounts have the opposite sign.
    #[serde(default)]
    pub opposite_sign: bool,
    /// Its column of currencies; without it, or where its cell is empty, an amount is in `currency`.
    #[serde(default)]
    pub currency_column: Option<String>,
    /// The currency of all amounts, where no column says it.
    #[serde(default)]
    pub currency: Option<String>,
}

impl ThreeWay {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let (per, ledger) = (per_group(&self.group_by, true), &self.ledger.dataset);
        let tolerance = tolerated(&self.tolerance, &self.tolerance_reason);
        let warehouse = match &self.warehouse {
            None => said!("the rows of the warehouse", "las filas del almacén"),
            Some(Sums { dataset, .. }) => {
                said!(
                    "the warehouse's sums in the dataset `{dataset}`",
                    "las sumas del almacén en el conjunto `{dataset}`"
                )
            }
        };
        said!(
            "The movements of the sources, {warehouse} and the general ledger in the dataset `{ledger}` come to the same \
             amount{per}{tolerance}.",
            "Los movimientos de las fuentes, {warehouse} y la contabilidad en el conjunto `{ledger}` suman el mismo \
             importe{per}{tolerance}."; per, tolerance, warehouse
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        let tolerance = self.settings(given.scale)?;
        if self.warehouse.is_none() {
            given.warehouse.map_err(|why| {
                let why = why.clone();
                said!(
                    "{why}; give the rule the warehouse's sums as a dataset (`warehouse.dataset`)",
                    "{why}; dé a la regla las sumas del almacén como un conjunto (`warehouse.dataset`)"; why
                )
            })?;
        }
        let mut compared = Compared {
            tolerance,
            scale: given.scale,
            by_rows: self.warehouse.is_none(),
            sums: Groups::per_currency(&self.group_by, Three::differ),
            movements: 0,
            warehouse_rows: 0,
            ledger_rows: 0,
            used: 0,
        };
        if let Some(warehouse) = &self.warehouse {
            compared.warehouse_rows = compared.add(&self.group_by, warehouse, given, |three| &mut three.warehouse)?;
        }
        compared.ledger_rows = compared.add(&self.group_by, &self.ledger, given, |three| &mut three.ledger)?;
        Ok(Box::new(compared))
    }

    /// What the rule says without its datasets; `Err` where that does not hold together.
    pub(super) fn settings(&self, scale: u32) -> Result<Tolerance, Said> {
        for sums in [Some(&self.ledger), self.warehouse.as_ref()].into_iter().flatten() {
            sums.settings(&self.group_by)?;
        }
        super::tolerance(self.tolerance.as_deref(), self.tolerance_reason.as_deref(), scale)
    }
}

impl Sums {
    fn settings(&self, fields: &[Field]) -> Result<(), Said> {
        let one = self.amount.is_some() != (self.debit.is_some() || self.credit.is_some());
        if !one || self.debit.is_some() != self.credit.is_some() {
            return Err(said!("give `amount`, or `debit` and `credit`", "indique `amount`, o `debit` y `credit`"));
        }
        if self.group_by.as_ref().is_some_and(|group_by| !group_by.has(fields)) {
            return Err(said!(
                "the fields of a dataset's `group_by` are not those of the rule's",
                "los campos de `group_by` de un conjunto no son los de la regla"
            ));
        }
        money(&self.currency, &self.currency_column)
    }
}

struct Compared {
    tolerance: Tolerance,
    scale: u32,
    /// Whether the warehouse's sums are those of its rows.
    by_rows: bool,
    sums: Groups<Three>,
    movements: u64,
    warehouse_rows: u64,
    ledger_rows: u64,
    /// Groups that needed the tolerance.
    used: u64,
}

/// What a group comes to by each of the three.
#[derive(Clone, Copy, Default)]
struct Three {
    sources: i128,
    warehouse: i128,
    ledger: i128,
}

impl Three {
    fn differ(&self) -> bool {
        self.sources != self.warehouse || self.warehouse != self.ledger
    }
}

impl Cell for Three {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.sources.merge(&other.sources)?;
        self.warehouse.merge(&other.warehouse)?;
        self.ledger.merge(&other.ledger)
    }

    fn write(&self, out: &mut Vec<u8>) {
        [self.sources, self.warehouse, self.ledger].iter().for_each(|sum| sum.write(out));
    }

    fn read(bytes: &mut &[u8]) -> Self {
        Self { sources: i128::read(bytes), warehouse: i128::read(bytes), ledger: i128::read(bytes) }
    }
}

impl Compared {
    /// Takes the sums of a dataset in; how many rows it has.
    fn add(
        &mut self,
        fields: &[Field],
        sums: &Sums,
        given: Given<'_>,
        of: impl Fn(&mut Three) -> &mut i128,
    ) -> Result<u64, Said> {
        let table = super::dataset(given.datasets, &sums.dataset)?;
        let named = GroupBy::Fields(fields.to_vec());
        let groups = sums.group_by.as_ref().unwrap_or(&named).columns_of(fields, table)?;
        let column = |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        let (whole, debit, credit) = (column(&sums.amount)?, column(&sums.debit)?, column(&sums.credit)?);
        let currencies = Currencies::of(table, &sums.currency, &sums.currency_column)?;
        let too_much =
            |_| said!("the sums are too large to be exact", "las sumas son demasiado grandes para ser exactas");
        for row in 0..table.rows.len() {
            let currency = currencies.at(table, row)?;
            let side = |column: Option<usize>| match column {
                Some(column) if table.cell(row, column).is_some() => amount(table, row, column, self.scale),
                _ => Ok(0),
            };
            let by = match whole {
                Some(column) => Some(amount(table, row, column, self.scale)?),
                None => side(credit)?.checked_sub(side(debit)?),
            };
            let by = if sums.opposite_sign { by.and_then(i128::checked_neg) } else { by };
            let values = groups.iter().map(|&column| table.cell(row, column).unwrap_or_default());
            let three = self.sums.cell(values.chain([currency.code()]));
            by.ok_or(Overflow).and_then(|by| of(three).merge(&by)).map_err(too_much)?;
        }
        Ok(table.rows.len() as u64)
    }
}

impl Evaluator for Compared {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        self.movements += rows.len() as u64;
        self.sums.update(columns, rows, out, |three, row| three.sources.merge(&columns.amount.value(row)))
    }

    fn wants_warehouse(&self) -> bool {
        self.by_rows
    }

    fn observe_warehouse(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        self.warehouse_rows += rows.len() as u64;
        self.sums.update(columns, rows, out, |three, row| three.warehouse.merge(&columns.amount.value(row)))
    }

    fn gathers(&mut self) -> Option<&mut dyn Gathers> {
        Some(&mut self.sums)
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let (group, three) = self.sums.read(key, payload);
        self.judge(&group, three, out)
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let (groups, movements) = (counted(self.sums.count(), GROUP), counted(self.movements, MOVEMENT));
        let (warehouse, ledger) = (counted(self.warehouse_rows, ROW), counted(self.ledger_rows, ROW));
        let used = self.tolerance.explain(self.used, GROUP);
        Ok(said!(
            "compared {groups}: {movements} of the sources, {warehouse} of the warehouse, {ledger} of the ledger{used}",
            "comparación de {groups}: {movements} de las fuentes, {warehouse} del almacén, {ledger} de la \
             contabilidad{used}"; groups, movements, warehouse, ledger, used
        ))
    }
}

impl Compared {
    fn judge(&mut self, group: &Group<'_>, three: Three, out: &mut dyn Out) -> Result<(), Overflow> {
        let Three { sources, warehouse, ledger } = three;
        let off = |left: i128, right: i128| left.checked_sub(right).ok_or(Overflow);
        let pairs = [
            (off(sources, warehouse)?, said!("sources and warehouse", "fuentes y almacén")),
            (off(warehouse, ledger)?, said!("warehouse and ledger", "almacén y contabilidad")),
            (off(sources, ledger)?, said!("sources and ledger", "fuentes y contabilidad")),
        ];
        let disagreeing: Vec<_> = pairs.iter().filter(|(off, _)| !self.tolerance.allows(*off)).collect();
        // Of equal differences the first.
        let largest = disagreeing.iter().rev().map(|(off, _)| *off).max_by_key(|off| off.unsigned_abs());
        let Some(largest) = largest else {
            self.used += u64::from(pairs.iter().any(|(off, _)| *off != 0));
            return Ok(());
        };
        out.violation(group.violation(|currency| {
            let shown = |minor| at_own_scale(currency, minor, self.scale).to_string();
            let which = disagreeing.iter().map(|(off, pair)| {
                let (off, pair) = (shown(*off), pair.clone());
                said!("{pair} are off by {off}", "{pair} difieren en {off}"; pair)
            });
            let which = which.reduce(|left, right| said!("{left}, {right}", "{left}, {right}"; left, right));
            let which = which.unwrap_or_default();
            let (sources, warehouse, ledger) = (shown(sources), shown(warehouse), shown(ledger));
            Violation {
                reason: said!(
                    "sources {sources}, warehouse {warehouse}, ledger {ledger} {currency}: {which}",
                    "fuentes {sources}, almacén {warehouse}, contabilidad {ledger} {currency}: {which}"; which
                ),
                found: Some(sources),
                expected: Some(warehouse),
                money: Some((currency, largest)),
                ..Violation::default()
            }
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
