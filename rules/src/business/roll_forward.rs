//! Opening balance + movements = closing balance, per group.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Cell, Group, Groups};
use super::{DatasetTable, Evaluator, Given, Out, Tolerance, Violation};
use crate::money::{Currency, Overflow, Total, at_own_scale};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{BALANCE, MOVEMENT, Said, counted};

/// Opening balance + movements = closing balance, per group and currency. A group without
/// movements must close as it opened; one with movements needs a balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollForward {
    /// The dataset of balances: one row per group.
    pub dataset: String,
    /// Field that makes a group to the dataset's column that names it, such as `account = "cuenta"`.
    pub group_by: BTreeMap<Field, String>,
    /// The dataset's column of opening balances, plain decimals.
    pub opening: String,
    /// The business date from which balances are carried from filing to filing, `YYYY-MM-DD`.
    #[serde(default)]
    pub carried_from: Option<String>,
    /// The dataset's column of closing balances.
    pub closing: String,
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

impl RollForward {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        let (tolerance, currency) = self.settings(given.scale)?;
        let fields: Vec<Field> = self.group_by.keys().copied().collect();
        let groups = Groups::per_currency(&fields);
        let mut rolled = Rolled { tolerance, scale: given.scale, movements: 0, balances: 0, used: 0, groups };
        rolled.open(self, super::dataset(given.datasets, &self.dataset)?, currency)?;
        Ok(Box::new(rolled))
    }

    /// What the rule says without its dataset; `Err` where that does not hold together.
    pub(super) fn settings(&self, scale: u32) -> Result<(Tolerance, Option<Currency>), Said> {
        let tolerance = super::tolerance(self.tolerance.as_deref(), self.tolerance_reason.as_deref(), scale)?;
        if self.currency_column.is_none() && self.currency.is_none() {
            return Err(said!(
                "the balances have no currency: give `currency` or `currency_column`",
                "los saldos no tienen moneda: indique `currency` o `currency_column`"
            ));
        }
        let read = |code: &String| code.parse().map_err(|_| not_a_currency(code));
        Ok((tolerance, self.currency.as_ref().map(read).transpose()?))
    }
}

fn not_a_currency(code: &str) -> Said {
    said!("`{code}` is not an ISO 4217 currency code", "`{code}` no es un código de moneda ISO 4217")
}

struct Rolled {
    tolerance: Tolerance,
    scale: u32,
    movements: u64,
    balances: u64,
    /// Balances that needed the tolerance.
    used: u64,
    groups: Groups<Account>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Account {
    balance: Option<Balance>,
    /// Sum of the movements.
    moved: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Balance {
    opening: i128,
    closing: i128,
    /// 1-based, the header aside.
    row: u64,
}

impl Cell for Account {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.balance = self.balance.or(other.balance);
        self.moved = self.moved.checked_add(other.moved).ok_or(Overflow)?;
        Ok(())
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.moved.write(out);
        if let Some(Balance { opening, closing, row }) = self.balance {
            opening.write(out);
            closing.write(out);
            out.extend_from_slice(&row.to_be_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Self {
        let part = |n: usize| bytes.get(n * 16..).unwrap_or_default();
        let row = part(3).first_chunk().map(|row| u64::from_be_bytes(*row));
        let balance = row.map(|row| Balance { opening: i128::read(part(1)), closing: i128::read(part(2)), row });
        Self { balance, moved: i128::read(part(0)) }
    }
}

impl Rolled {
    /// Takes the balances in.
    fn open(&mut self, rule: &RollForward, table: &DatasetTable, currency: Option<Currency>) -> Result<(), Said> {
        let names = rule.group_by.values().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
        let (opening, closing) = (table.column(&rule.opening)?, table.column(&rule.closing)?);
        let currency_column = rule.currency_column.as_ref().map(|name| table.column(name)).transpose()?;
        for row in 0..table.rows.len() {
            let code = currency_column.and_then(|column| table.cell(row, column));
            let currency = match (code, currency) {
                (Some(code), _) => code.parse().map_err(|_| at(table, row, currency_column, not_a_currency(code)))?,
                (None, Some(currency)) => currency,
                (None, None) => {
                    let reason = said!("the currency is empty", "la moneda está vacía");
                    return Err(at(table, row, currency_column, reason));
                }
            };
            let balance = Balance {
                opening: balance(table, row, opening, self.scale)?,
                closing: balance(table, row, closing, self.scale)?,
                row: row as u64 + 1,
            };
            let values = names.iter().map(|&column| table.cell(row, column).unwrap_or_default());
            let account = self.groups.cell(values.chain([currency.code()]));
            if let Some(first) = account.balance.replace(balance) {
                let first = first.row;
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
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], _: &mut dyn Out) -> Result<(), Overflow> {
        self.movements += rows.len() as u64;
        self.groups.update(columns, rows, |account, row| {
            account.moved = account.moved.checked_add(columns.amount.value(row)).ok_or(Overflow)?;
            Ok(())
        })
    }

    fn held(&self) -> usize {
        self.groups.held()
    }

    fn release(&mut self, out: &mut dyn Out) {
        self.groups.release(out);
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        match self.groups.merge(key, payload)? {
            Some((group, account)) => self.judge(&group, account, out),
            None => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow> {
        if let Some((group, account)) = self.groups.last() {
            self.judge(&group, account, out)?;
        }
        let (balances, movements) = (counted(self.balances, BALANCE), counted(self.movements, MOVEMENT));
        let used = self.tolerance.explain(self.used, BALANCE);
        Ok(said!(
            "rolled {balances} forward over {movements}{used}",
            "se arrastraron {balances} con {movements}{used}"; balances, movements, used
        ))
    }
}

impl Rolled {
    fn judge(&mut self, group: &Group, account: Account, out: &mut dyn Out) -> Result<(), Overflow> {
        let Some(balance) = account.balance else {
            out.violation(group.violation(|currency| no_balance(currency, account.moved, self.scale)));
            return Ok(());
        };
        let rolled = balance.opening.checked_add(account.moved).ok_or(Overflow)?;
        let off = rolled.checked_sub(balance.closing).ok_or(Overflow)?;
        if off == 0 {
            return Ok(());
        }
        if self.tolerance.allows(off) {
            self.used += 1;
            return Ok(());
        }
        out.violation(group.violation(|currency| {
            let shown = |minor| at_own_scale(currency, minor, self.scale).to_string();
            let (opening, moved, off_by) = (shown(balance.opening), shown(account.moved), shown(off));
            let (rolled, closing) = (shown(rolled), shown(balance.closing));
            Violation {
                reason: said!(
                    "opening {opening} + movements {moved} = {rolled}, but closing is {closing}: \
                     off by {off_by} {currency}",
                    "saldo inicial {opening} + movimientos {moved} = {rolled}, pero el saldo final es {closing}: \
                     difiere en {off_by} {currency}"
                ),
                found: Some(rolled),
                expected: Some(closing),
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

/// A balance, in units of the day's scale.
fn balance(table: &DatasetTable, row: usize, column: usize, scale: u32) -> Result<i128, Said> {
    let text = table.cell(row, column).unwrap_or_default();
    let total = Total::parse(text, scale).ok_or_else(|| {
        said!("`{text}` is no decimal of {scale} decimals", "`{text}` no es un decimal de {scale} decimales")
    });
    Ok(total.map_err(|reason| at(table, row, Some(column), reason))?.minor)
}

/// A reason with the row of a dataset, and the column.
fn at(table: &DatasetTable, row: usize, column: Option<usize>, reason: Said) -> Said {
    let row = row + 1;
    match column.and_then(|column| table.header.get(column)) {
        Some(name) => said!(
            "row {row}, column `{name}` of the dataset: {reason}",
            "fila {row}, columna `{name}` del conjunto: {reason}"; reason
        ),
        None => said!("row {row} of the dataset: {reason}", "fila {row} del conjunto: {reason}"; reason),
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::judge;

    fn rule(more: &str) -> String {
        format!(
            "[check.roll_forward]\ndataset = 'set'\ngroup_by = {{ account = 'cuenta' }}\n\
             opening = 'abre'\nclosing = 'cierra'\n{more}"
        )
    }

    const MXN: &str = "currency = 'MXN'";

    #[test]
    fn balances_roll_forward() {
        let balances = "
            cuenta | abre    | cierra  | divisa
            1      | 100.00  | 90.00   | -
            1      | 7       | 7.00    | JPY
            2      | 0       | 5.00    | MXN
            3      | -1.00   | -1.01   | MXN
            ''     | 0.00    | 2.00    | MXN";
        let movements = "
            account | currency | amount
            1       | MXN      | -30.00
            1       | MXN      | 20.00
            2       | MXN      | 4.00
            2       | USD      | 4.00
            4       | MXN      | 1.00
            4       | MXN      | -1.00
            -       | MXN      | 2.00";
        assert_eq!(
            judge(&rule("currency = 'MXN'\ncurrency_column = 'divisa'"), balances, movements),
            "\
- | account=2 | 4.00 | 5.00 | MXN -1.00 | opening 0.00 + movements 4.00 = 4.00, but closing is 5.00: off by -1.00 MXN
- | account=2 | 4.00 | - | USD 4.00 | movements of 4.00 USD, but no balance
- | account=3 | -1.00 | -1.01 | MXN 0.01 | opening -1.00 + movements 0.00 = -1.00, but closing is -1.01: off by 0.01 MXN
- | account=4 | 0.00 | - | MXN 0.00 | movements of 0.00 MXN, but no balance
rolled 5 balances forward over 7 movements"
        );
    }

    #[test]
    fn a_tolerance_is_shown_where_it_was_used() {
        let with =
            |more: &str| judge(&rule(&format!("{MXN}\n{more}")), "cuenta | abre | cierra\n1 | 0 | 0.02", "account");
        let explanation = "rolled 1 balance forward over 0 movements";
        assert!(with("").starts_with("- | account=1 | 0.00 | 0.02 | MXN -0.02 | "));
        assert_eq!(
            with("tolerance = '0.02'\ntolerance_reason = 'interest'"),
            format!("{explanation}; a tolerance of 0.02 was used for 1 balance: interest")
        );
        assert_eq!(with("tolerance = '0.02'"), "not evaluated: a tolerance needs a `tolerance_reason`");
    }

    /// more settings | balances | why they are refused
    #[test]
    fn balances_that_cannot_be_read() {
        let cases = [
            ("", "cuenta|abre|cierra", "the balances have no currency: give `currency` or `currency_column`"),
            ("currency = 'PESO'", "cuenta|abre|cierra", "`PESO` is not an ISO 4217 currency code"),
            (MXN, "", "there is no dataset `set`"),
            (MXN, "account|abre|cierra", "the dataset has no column `cuenta`; it has account, abre, cierra"),
            (MXN, "cuenta|abre", "the dataset has no column `cierra`; it has cuenta, abre"),
            (
                MXN,
                "cuenta|abre|cierra\n1|0|0\n2|0|1,5",
                "row 2, column `cierra` of the dataset: `1,5` is no decimal of 2 decimals",
            ),
            (MXN, "cuenta|abre|cierra\n1|-|0", "row 1, column `abre` of the dataset: `` is no decimal of 2 decimals"),
            (
                MXN,
                "cuenta|abre|cierra\n1|0|0\n2|0|0\n1|0|0",
                "row 3 of the dataset: the MXN balance of row 1 is listed again",
            ),
            (
                "currency_column = 'divisa'",
                "cuenta|abre|cierra|divisa\n1|0|0|-",
                "row 1, column `divisa` of the dataset: the currency is empty",
            ),
            (
                "currency_column = 'divisa'",
                "cuenta|abre|cierra|divisa\n1|0|0|mxn",
                "row 1, column `divisa` of the dataset: `mxn` is not an ISO 4217 currency code",
            ),
        ];
        for (more, balances, reason) in cases {
            assert_eq!(judge(&rule(more), balances, "account"), format!("not evaluated: {reason}"));
        }
    }

    #[test]
    fn settings_are_refused_without_data() {
        let settings = |more: &str| {
            let rule = toml::from_str(&format!("id = 'r'\n{}", rule(more))).unwrap();
            crate::business::settings(&rule, 2).map_err(|reason| reason.en.chars().take(11).collect::<String>())
        };
        assert_eq!(settings(MXN), Ok(()));
        assert_eq!(settings("currency = 'MXN'\ntolerance = '1'"), Err("a tolerance".to_owned()));
    }

    #[test]
    fn sums_and_differences_past_128_bits_are_overflows() {
        let most = "1701411834604692317316873037158841057.27";
        let cases = [
            ("0|0".to_owned(), format!("1|{most}\n1|0.01")),
            (format!("{most}|0"), "1|0.01".to_owned()),
            (format!("{most}|-0.01"), "1|0.00".to_owned()),
        ];
        for (balance, movements) in cases {
            let balances = format!("cuenta|abre|cierra\n1|{balance}");
            assert_eq!(judge(&rule(MXN), &balances, &format!("account|amount\n{movements}")), "overflow");
        }
    }
}
