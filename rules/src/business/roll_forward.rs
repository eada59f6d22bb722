//! Opening balance + movements = closing balance, per group.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::carried::{self, Carry};
use super::groups::{Cell, Group, Groups};
use super::tables::{Currencies, GroupBy, amount, at, money};
use super::{DatasetTable, Evaluator, Gathers, Given, Out, Tolerance, Violation};
use crate::explain::{carried_on, per_group, tolerated};
use crate::money::{Currency, Overflow, at_own_scale};
use crate::movement::Columns;
use crate::said;
use crate::said::{BALANCE, MOVEMENT, Said, counted};

/// Opening balance + movements = closing balance, per group and currency. A group without
/// movements must close as it opened; one with movements needs a balance.
///
/// With `carried_from` a group opens with the closing balance that the filing of the day before states of it: that of
/// the dataset, or without one what opening and movements came to. A group that is new opens at zero, and one that came
/// to zero needs no closing balance any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollForward {
    /// The dataset of balances: one row per group. May be absent with `carried_from`.
    #[serde(default)]
    pub dataset: Option<String>,
    /// Field that makes a group to the dataset's column that names it, such as `account = "cuenta"`; or a list of
    /// fields, where columns are called as they are, or there is no dataset.
    pub group_by: GroupBy,
    /// The business date from which closing balances are carried from filing to filing, `YYYY-MM-DD`. A later one lets
    /// them begin anew.
    #[serde(default)]
    pub carried_from: Option<String>,
    /// The dataset's column of opening balances, plain decimals. With `carried_from` it is read on that day alone;
    /// where absent, balances begin at zero.
    #[serde(default)]
    pub opening: Option<String>,
    /// The dataset's column of closing balances.
    #[serde(default)]
    pub closing: Option<String>,
    /// The dataset's column of currencies; without it, or where its cell is empty, a balance is in
    /// `currency`.
    #[serde(default)]
    pub currency_column: Option<String>,
    /// The currency of all balances, where no column says it.
    #[serde(default)]
    pub currency: Option<String>,
    /// Largest difference that passes, as a decimal. Zero where absent.
    #[serde(default)]
    pub tolerance: Option<String>,
    /// Why a tolerance is declared; needed with one.
    #[serde(default)]
    pub tolerance_reason: Option<String>,
}

/// What the rule says without data.
pub(super) struct Settings {
    tolerance: Tolerance,
    carried_from: Option<Date>,
}

impl RollForward {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let (per, carried) = (per_group(&self.group_by.fields(), true), carried_on(&self.carried_from));
        let tolerance = tolerated(&self.tolerance, &self.tolerance_reason);
        let dataset = self.dataset.as_ref().map_or_else(Said::default, |dataset| {
            said!(
                "; the balances are those of the dataset `{dataset}`",
                "; los saldos son los del conjunto `{dataset}`"
            )
        });
        said!(
            "The opening balance plus the movements of the day is the closing balance{per}{dataset}{carried}{tolerance}.",
            "El saldo inicial más los movimientos del día es el saldo final{per}{dataset}{carried}{tolerance}.";
            per, dataset, carried, tolerance
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        let Settings { tolerance, carried_from } = self.settings(given.scale)?;
        let before = carried_from.map(|date| carried::before(date, given)).transpose()?.flatten();
        if let Some((filing, missed)) = before.and_then(|before| Some((before.filing, before.missed?))) {
            return Err(said!(
                "the filing before is {filing}, and {missed} was not filed: its movements are in no balance. File \
                 that day and then this one again, or let the rule begin anew with a later `carried_from`",
                "la presentación anterior es {filing}, y el {missed} no se presentó: sus movimientos no están en \
                 ningún saldo. Presente ese día y después este otra vez, o haga que la regla comience de nuevo con un \
                 `carried_from` posterior"
            ));
        }
        let opens = carried_from.is_none() || before.is_none();
        let read = Read { opening: self.opening.as_ref().filter(|_| opens), closing: self.closing.as_ref() };
        let is_carried = carried_from.is_some();
        let matters = move |account: &Account| is_carried || account.is_off();
        let mut rolled = Rolled {
            tolerance,
            scale: given.scale,
            date: given.business_date,
            chain: carried_from.map(|_| before.map(|before| before.filing.to_owned())),
            closes: self.closing.is_some(),
            movements: 0,
            balances: 0,
            used: 0,
            groups: Groups::per_currency(&self.group_by.fields(), matters),
        };
        if let Some(dataset) = self.dataset.as_ref().filter(|_| read.opening.is_some() || read.closing.is_some()) {
            rolled.open(self, super::dataset(given.datasets, dataset)?, read)?;
        }
        Ok(Box::new(rolled))
    }

    /// What the rule says without its dataset; `Err` where that does not hold together.
    pub(super) fn settings(&self, scale: u32) -> Result<Settings, Said> {
        let tolerance = super::tolerance(self.tolerance.as_deref(), self.tolerance_reason.as_deref(), scale)?;
        let carried_from = self.carried_from.as_deref().map(carried::day).transpose()?;
        let closes = self.closing.is_some();
        match (&self.dataset, carried_from) {
            (Some(_), None) if self.opening.is_some() && closes => {}
            (_, None) => {
                return Err(said!(
                    "give a `dataset` with `opening` and `closing`, or `carried_from`",
                    "indique un `dataset` con `opening` y `closing`, o `carried_from`"
                ));
            }
            (Some(_), Some(_)) if self.opening.is_some() || closes => {}
            (Some(_), Some(_)) => {
                return Err(said!(
                    "of the dataset neither `opening` nor `closing` is read",
                    "del conjunto no se lee ni `opening` ni `closing`"
                ));
            }
            (None, Some(_)) => {
                let of_balances = [&self.opening, &self.closing, &self.currency_column, &self.currency];
                if of_balances.iter().any(|setting| setting.is_some()) {
                    return Err(said!(
                        "`opening`, `closing`, `currency` and `currency_column` are of a `dataset`",
                        "`opening`, `closing`, `currency` y `currency_column` son de un `dataset`"
                    ));
                }
            }
        }
        if !closes && self.tolerance.is_some() {
            return Err(said!(
                "without `closing` nothing is compared: `tolerance` means nothing",
                "sin `closing` no se compara nada: `tolerance` no significa nada"
            ));
        }
        if self.dataset.is_some() {
            money(&self.currency, &self.currency_column)?;
        }
        Ok(Settings { tolerance, carried_from })
    }
}

/// The columns that are read.
struct Read<'a> {
    opening: Option<&'a String>,
    closing: Option<&'a String>,
}

struct Rolled {
    tolerance: Tolerance,
    scale: u32,
    date: Date,
    /// Where balances are carried: from which filing, none where they begin.
    chain: Option<Option<String>>,
    /// Whether closing balances are stated.
    closes: bool,
    movements: u64,
    /// Balances of the dataset.
    balances: u64,
    /// Balances that needed the tolerance.
    used: u64,
    groups: Groups<Account>,
}

#[derive(Default)]
struct Account {
    /// Sum of the movements.
    moved: i128,
    stated: Option<Stated>,
}

/// What is stated of a group besides its movements.
#[derive(Clone, Copy, Default)]
struct Stated {
    opening: Option<i128>,
    closing: Option<i128>,
    /// The dataset's row, 1-based, the header aside; 0 where it has none.
    row: u64,
}

impl Account {
    fn stated(&self) -> Stated {
        self.stated.unwrap_or_default()
    }

    /// Whether it has no balance, or does not close as that says.
    fn is_off(&self) -> bool {
        let Stated { opening, closing, row } = self.stated();
        row == 0 || opening.unwrap_or_default().checked_add(self.moved) != closing
    }
}

impl Cell for Account {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        if let Some(other) = &other.stated {
            let Stated { opening, closing, row } = self.stated();
            let (opening, closing) = (opening.or(other.opening), closing.or(other.closing));
            self.stated = Some(Stated { opening, closing, row: row.max(other.row) });
        }
        self.moved.merge(&other.moved)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.moved.write(out);
        let Some(Stated { opening, closing, row }) = self.stated else { return };
        i128::from(row).write(out);
        for balance in [opening, closing] {
            out.push(balance.is_some().into());
            balance.unwrap_or_default().write(out);
        }
    }

    fn read(bytes: &mut &[u8]) -> Self {
        let moved = i128::read(bytes);
        if bytes.is_empty() {
            return Self { moved, stated: None };
        }
        let row = i128::read(bytes) as u64;
        let mut balance = || {
            let is_there = bytes.split_off_first() == Some(&1);
            Some(i128::read(bytes)).filter(|_| is_there)
        };
        Self { moved, stated: Some(Stated { opening: balance(), closing: balance(), row }) }
    }
}

impl Rolled {
    /// Takes the balances in.
    fn open(&mut self, rule: &RollForward, table: &DatasetTable, read: Read<'_>) -> Result<(), Said> {
        let names = rule.group_by.columns(table)?;
        let column = |name: Option<&String>| name.map(|name| table.column(name)).transpose();
        let (opening, closing) = (column(read.opening)?, column(read.closing)?);
        let currencies = Currencies::of(table, &rule.currency, &rule.currency_column)?;
        for row in 0..table.rows.len() {
            let currency = currencies.at(table, row)?;
            let amount =
                |column: Option<usize>| column.map(|column| amount(table, row, column, self.scale)).transpose();
            let (opening, closing) = (amount(opening)?, amount(closing)?);
            let values = names.iter().map(|&column| table.cell(row, column).unwrap_or_default());
            let account = self.groups.cell(values.chain([currency.code()]));
            let first = account.stated().row;
            account.stated = Some(Stated { opening, closing, row: row as u64 + 1 });
            if first > 0 {
                let reason = said!(
                    "the {currency} balance of row {first} is listed again",
                    "se repite el saldo en {currency} de la fila {first}"
                );
                return Err(at(table, row, None, reason));
            }
            self.balances += 1;
        }
        Ok(())
    }
}

impl Evaluator for Rolled {
    fn take_over(&mut self, carry: &Carry, out: &mut dyn Out) -> Result<(), Said> {
        let Some(Some(filing)) = &self.chain else { return Ok(()) };
        let names = self.groups.fields().iter().map(|field| field.name());
        let (Some(values), Some((currency, minor))) = (carry.values_of(names), carry.amount) else {
            return Err(carried::other_values(filing));
        };
        let account = self.groups.cell(values.into_iter().chain([currency.code()]));
        account.stated = Some(Stated { opening: Some(minor), ..account.stated() });
        self.groups.make_room(out);
        Ok(())
    }

    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        self.movements += rows.len() as u64;
        self.groups.update(columns, rows, out, |account, row| account.moved.merge(&columns.amount.value(row)))
    }

    fn gathers(&mut self) -> Option<&mut dyn Gathers> {
        Some(&mut self.groups)
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let (group, account) = self.groups.read(key, payload);
        self.judge(&group, account, out)
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let (balances, movements) = (self.balances, counted(self.movements, MOVEMENT));
        let used = self.tolerance.explain(self.used, BALANCE);
        let (balances, from) = match &self.chain {
            None => (counted(balances, BALANCE), Said::default()),
            Some(None) => (counted(self.groups.count(), BALANCE), said!(", begun this day,", ", iniciados este día,")),
            Some(Some(filing)) => {
                (counted(self.groups.count(), BALANCE), said!(", carried from {filing},", ", que vienen de {filing},"))
            }
        };
        Ok(said!(
            "rolled {balances}{from} forward over {movements}{used}",
            "arrastre de {balances}{from} con {movements}{used}"; balances, from, movements, used
        ))
    }
}

impl Rolled {
    fn judge(&mut self, group: &Group<'_>, account: Account, out: &mut dyn Out) -> Result<(), Overflow> {
        let Stated { opening, closing: balance, row } = account.stated();
        let is_carried = self.chain.is_some();
        if !is_carried && row == 0 {
            out.violation(group.violation(|currency| no_balance(currency, account.moved, self.scale)));
            return Ok(());
        }
        let opening = opening.unwrap_or_default();
        let rolled = opening.checked_add(account.moved).ok_or(Overflow)?;
        if let Some((currency, closing)) = group.currency().zip(Some(balance.unwrap_or(rolled)))
            && is_carried
            && closing != 0
        {
            let amount = Some((currency, closing));
            out.carry(Carry { values: group.named(), amount, since: self.date, origin: None });
        }
        let off = match (self.closes, balance) {
            (false, _) => return Ok(()),
            (true, Some(closing)) => rolled.checked_sub(closing).ok_or(Overflow)?,
            (true, None) => rolled,
        };
        if off == 0 {
            return Ok(());
        }
        if self.tolerance.allows(off) {
            self.used += 1;
            return Ok(());
        }
        out.violation(group.violation(|currency| {
            let shown = |minor| at_own_scale(currency, minor, self.scale).to_string();
            let (opening, moved, off_by) = (shown(opening), shown(account.moved), shown(off));
            let (rolled, closing) = (shown(rolled), balance.map(shown));
            let stated = match &closing {
                Some(closing) => said!(
                    "closing is {closing}: off by {off_by} {currency}",
                    "el saldo final es {closing}: difiere en {off_by} {currency}"
                ),
                None => {
                    said!("no closing balance in {currency} is stated", "no se indica un saldo final en {currency}")
                }
            };
            Violation {
                reason: said!(
                    "opening {opening} + movements {moved} = {rolled}, but {stated}",
                    "saldo inicial {opening} + movimientos {moved} = {rolled}, pero {stated}"; stated
                ),
                found: Some(rolled),
                expected: closing,
                money: Some((currency, off)),
                ..Violation::default()
            }
        }));
        Ok(())
    }
}

fn no_balance(currency: Currency, moved: i128, scale: u32) -> Violation {
    let shown = at_own_scale(currency, moved, scale);
    Violation {
        found: Some(shown.to_string()),
        money: Some((currency, moved)),
        reason: said!(
            "movements of {shown} {currency}, but no balance",
            "movimientos por {shown} {currency}, pero ningún saldo"
        ),
        ..Violation::default()
    }
}

#[cfg(test)]
mod tests;
