//! SQL run in the warehouse: every row it returns is a violation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DatasetTable, Evaluator, Given, Out, Violation};
use crate::money::{Currency, Overflow, Total};
use crate::movement::Columns;
use crate::said;
use crate::said::{ROW, Said, counted};

/// SQL run in the warehouse; the rows it returns are violations. The movements of the sources are
/// not looked at. The query runs in a transaction that reads only.
///
/// Columns of these names mean something: `amount` with `currency` is the money that the row is about, `source` its
/// source, and `reason` says in words what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarehouseSql {
    /// The query; `?1` is the business date as `YYYY-MM-DD`.
    pub query: String,
    /// Seconds after which the query is given up, and the rule not evaluated. Those of `[databases]` where absent.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// Most rows that are taken. Where the query returns more, the first of them are listed.
    #[serde(default = "ten_thousand")]
    pub rows: u32,
}

fn ten_thousand() -> u32 {
    10_000
}

impl WarehouseSql {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let query = self.query.split_whitespace().collect::<Vec<_>>().join(" ");
        said!(
            "The warehouse is asked a query, and every row that it returns is a violation; movements of the sources are \
             not looked at. The query: {query}",
            "Se hace una consulta al almacén, y cada fila que devuelve es un incumplimiento; no se revisan movimientos \
             de las fuentes. La consulta: {query}"
        )
    }

    /// Whether its settings hold together.
    pub(super) fn settings(&self) -> Result<(), Said> {
        match (self.seconds, self.rows) {
            (Some(0), _) => Err(said!("`seconds` gives the query no time", "`seconds` no da tiempo a la consulta")),
            (_, 0) => Err(said!("`rows` lets no row be listed", "`rows` no deja listar ninguna fila")),
            _ => Ok(()),
        }
    }

    /// An evaluator over the rows that the query returned; `Err` says why the rule cannot be
    /// evaluated.
    pub fn evaluator(&self, rule: &str, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        match given.datasets.get(rule) {
            Some(Ok(table)) => Ok(Box::new(Returned::new(self, table.clone(), given))),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(said!("its query was not run", "su consulta no se ejecutó")),
        }
    }
}

struct Returned {
    table: DatasetTable,
    /// Most rows that are listed.
    most: usize,
    scale: u32,
    /// Columns that mean something.
    amount: Option<usize>,
    currency: Option<usize>,
    source: Option<usize>,
    reason: Option<usize>,
}

impl Returned {
    fn new(rule: &WarehouseSql, table: DatasetTable, given: Given<'_>) -> Self {
        let column = |name: &str| table.column(name).ok().filter(|_| given.reads_answers);
        let (amount, currency) = (column("amount"), column("currency"));
        let (source, reason) = (column("source"), column("reason"));
        let most = if given.reads_answers { rule.rows as usize } else { usize::MAX };
        Self { table, most, scale: given.scale, amount, currency, source, reason }
    }

    fn violation(&self, row: usize) -> Violation {
        let DatasetTable { header, rows } = &self.table;
        let part =
            |(name, value): (&String, &Option<String>)| format!("{name}={}", value.as_deref().unwrap_or_default());
        let found = header.iter().zip(&rows[row]).map(part).collect::<Vec<_>>().join(", ");
        let cell = |column: Option<usize>| column.and_then(|column| self.table.cell(row, column));
        let reason = match cell(self.reason) {
            Some(reason) => Said::same(reason),
            None => said!("the warehouse's query returned this row", "la consulta del almacén devolvió esta fila"),
        };
        let (money, unread) = match (cell(self.amount), cell(self.currency)) {
            (Some(amount), Some(code)) => self.money(amount, code),
            _ => (None, Said::default()),
        };
        Violation {
            source: cell(self.source).map(str::to_owned),
            found: Some(found),
            money,
            reason: said!("{reason}{unread}", "{reason}{unread}"; reason, unread),
            ..Violation::default()
        }
    }

    /// The money of a row, or what to add to its reason.
    fn money(&self, amount: &str, code: &str) -> (Option<(Currency, i128)>, Said) {
        let scale = self.scale;
        match (code.parse::<Currency>(), Total::parse(amount, scale)) {
            (Ok(currency), Some(total)) => (Some((currency, total.minor)), Said::default()),
            (Err(_), _) => (
                None,
                said!("; `{code}` is not an ISO 4217 currency code", "; `{code}` no es un código de moneda ISO 4217"),
            ),
            (_, None) => (
                None,
                said!(
                    "; `{amount}` is no decimal of {scale} decimals",
                    "; `{amount}` no es un decimal de {scale} decimales"
                ),
            ),
        }
    }
}

impl Evaluator for Returned {
    fn observe(&mut self, _: &Columns<'_>, _: &[u32], _: &mut dyn Out) -> Result<(), Overflow> {
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow> {
        let returned = self.table.rows.len();
        (0..returned.min(self.most)).for_each(|row| out.violation(self.violation(row)));
        if returned > self.most {
            let most = counted(self.most as u64, ROW);
            return Ok(said!(
                "the query returned more than {most}, of which the first are listed",
                "la consulta devolvió más de {most}, de las que se listan las primeras"; most
            ));
        }
        let rows = counted(returned as u64, ROW);
        Ok(said!("the query returned {rows}", "la consulta devolvió {rows}"; rows))
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::{DAY, batch, judge_with, run, run_given, table};
    use crate::business::{Datasets, Given};
    use crate::config::Rule;
    use crate::said::Said;

    #[test]
    fn every_row_is_a_violation() {
        let judged = |datasets: &Datasets| {
            judge_with("check.warehouse_sql = { query = 'select 1' }", datasets, &batch("amount\n5.00"))
        };
        let with = |dataset| Datasets::from([("r".to_owned(), dataset)]);
        assert_eq!(
            judged(&with(Ok(table("id | amount\nA1 | 5.00\nA2 | -")))),
            "\
- | - | id=A1, amount=5.00 | - | - | the warehouse's query returned this row
- | - | id=A2, amount= | - | - | the warehouse's query returned this row
the query returned 2 rows"
        );
        assert_eq!(judged(&with(Ok(table("id")))), "the query returned 0 rows");
        assert_eq!(judged(&with(Err(Said::same("no such table: x")))), "not evaluated: no such table: x");
        assert_eq!(judged(&Datasets::new()), "not evaluated: its query was not run");
    }

    #[test]
    fn columns_say_what_a_row_is_about() {
        let rule: Rule = toml::from_str("id = 'r'\ncheck.warehouse_sql = { query = 'select 1' }").unwrap();
        let answer = table(
            "Source | amount | currency | reason
             core   | -5.5   | MXN      | sin cliente
             -      | 7      | JPY      | -
             cards  | 0.005  | MXN      | sin sucursal
             cards  | 1      | peso     | -
             cards  | 1      | -        | -",
        );
        let datasets = Datasets::from([("r".to_owned(), Ok(answer))]);
        let (violations, _) = run(&rule, &datasets, &batch("amount")).unwrap().unwrap();
        let told: Vec<_> = violations
            .iter()
            .map(|v| {
                (v.source.as_deref(), v.money.map(|(code, minor)| format!("{code} {minor}")), v.reason.es.as_str())
            })
            .collect();
        let money = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                (Some("core"), money("MXN -550"), "sin cliente"),
                (None, money("JPY 700"), "la consulta del almacén devolvió esta fila"),
                (Some("cards"), None, "sin sucursal; `0.005` no es un decimal de 2 decimales"),
                (
                    Some("cards"),
                    None,
                    "la consulta del almacén devolvió esta fila; `peso` no es un código de moneda ISO 4217"
                ),
                (Some("cards"), None, "la consulta del almacén devolvió esta fila"),
            ]
        );
        // As formats before 4 have it.
        let none = Said::default();
        let (before, warehouse) = (Err(&none), Err(&none));
        let given = Given {
            scale: 2,
            datasets: &datasets,
            files: &[],
            business_date: DAY,
            before,
            warehouse,
            reads_answers: false,
        };
        let (outcome, _) = run_given(&rule, given, &[], &batch("amount"), None).unwrap();
        let (violations, _) = outcome.unwrap();
        assert!(violations.iter().all(|v| v.source.is_none() && v.money.is_none()));
    }

    #[test]
    fn no_more_rows_are_listed_than_are_asked_for() {
        let two = |rows| {
            let rule = format!("check.warehouse_sql = {{ query = 'select 1', rows = {rows} }}");
            judge_with(&rule, &Datasets::from([("r".to_owned(), Ok(table("id\nA1\nA2")))]), &batch("amount"))
        };
        assert_eq!(
            two(1),
            "- | - | id=A1 | - | - | the warehouse's query returned this row\n\
             the query returned more than 1 row, of which the first are listed"
        );
        assert!(two(2).ends_with("the query returned 2 rows"));
        for (settings, why) in
            [("rows = 0", "`rows` lets no row be listed"), ("seconds = 0", "`seconds` gives the query no time")]
        {
            let rule = toml::from_str(&format!("id = 'r'\ncheck.warehouse_sql = {{ query = 'select 1', {settings} }}"));
            assert_eq!(crate::business::settings(&rule.unwrap(), 2).unwrap_err().en, why);
        }
    }
}
