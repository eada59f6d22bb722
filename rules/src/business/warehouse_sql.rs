//! SQL run in the warehouse: every row it returns is a violation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DatasetTable, Datasets, Evaluator, Out, Violation};
use crate::money::Overflow;
use crate::movement::Columns;
use crate::said;
use crate::said::{ROW, Said, counted};

/// SQL run in the warehouse; the rows it returns are violations. The movements of the sources are
/// not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarehouseSql {
    /// The query; `?1` is the business date as `YYYY-MM-DD`.
    pub query: String,
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
}

/// An evaluator over the rows that the query returned; `Err` says why the rule cannot be
/// evaluated.
pub fn evaluator(rule: &str, datasets: &Datasets) -> Result<Box<dyn Evaluator>, Said> {
    match datasets.get(rule) {
        Some(Ok(table)) => Ok(Box::new(Returned(table.clone()))),
        Some(Err(reason)) => Err(reason.clone()),
        None => Err(said!("its query was not run", "su consulta no se ejecutó")),
    }
}

struct Returned(DatasetTable);

impl Evaluator for Returned {
    fn observe(&mut self, _: &Columns<'_>, _: &[u32], _: &mut dyn Out) -> Result<(), Overflow> {
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow> {
        let DatasetTable { header, rows } = &self.0;
        for row in rows {
            let part =
                |(name, value): (&String, &Option<String>)| format!("{name}={}", value.as_deref().unwrap_or_default());
            let found = header.iter().zip(row).map(part).collect::<Vec<_>>().join(", ");
            let reason = said!("the warehouse's query returned this row", "la consulta del almacén devolvió esta fila");
            out.violation(Violation { found: Some(found), reason, ..Violation::default() });
        }
        let rows = counted(rows.len() as u64, ROW);
        Ok(said!("the query returned {rows}", "la consulta devolvió {rows}"; rows))
    }
}

#[cfg(test)]
mod tests {
    use crate::business::Datasets;
    use crate::business::testing::{batch, judge_with, table};
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
}
