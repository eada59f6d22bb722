//! Every movement's value is in a dataset.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Datasets, Evaluator, Sink, Violation, counted};
use crate::money::Overflow;
use crate::movement::{Columns, Field};

/// Every movement's value is in a dataset: every customer exists, say. Values are compared as they
/// are written, to the letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The field to look up.
    pub field: Field,
    /// The dataset.
    pub dataset: String,
    /// Its column of valid values.
    pub column: String,
    /// Let movements without a value pass.
    #[serde(default)]
    pub allow_empty: bool,
}

impl Reference {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, datasets: &Datasets) -> Result<Box<dyn Evaluator>, String> {
        let table = super::dataset(datasets, &self.dataset)?;
        let column = table.column(&self.column)?;
        let valid = (0..table.rows.len()).filter_map(|row| table.cell(row, column).map(str::to_owned)).collect();
        Ok(Box::new(Lookup { rule: self.clone(), valid, movements: 0, empty: 0 }))
    }
}

struct Lookup {
    rule: Reference,
    valid: HashSet<String>,
    movements: u64,
    /// Movements without a value.
    empty: u64,
}

impl Evaluator for Lookup {
    fn observe(&mut self, columns: &Columns<'_>, row: usize, sink: &mut Sink<'_>) -> Result<(), Overflow> {
        let field = self.rule.field;
        self.movements += 1;
        let reason = match super::value(field, columns, row) {
            Some(value) if self.valid.contains(&*value) => return Ok(()),
            Some(value) => {
                format!("{field} `{value}` is not in `{}` of dataset `{}`", self.rule.column, self.rule.dataset)
            }
            None => {
                self.empty += 1;
                if self.rule.allow_empty {
                    return Ok(());
                }
                format!("{field} is empty")
            }
        };
        sink(Violation::of_movement(columns, row, field, reason));
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut Sink<'_>) -> Result<String, Overflow> {
        let Reference { field, dataset, .. } = &self.rule;
        let (movements, valid) = (counted(self.movements, "movement"), counted(self.valid.len() as u64, "value"));
        let explanation = format!("looked up {field} of {movements} among {valid} of dataset `{dataset}`");
        Ok(explanation + &super::without(self.empty, field.name()))
    }
}

#[cfg(test)]
mod tests {
    use crate::business::Datasets;
    use crate::business::testing::{batch, judge, judge_with, table};

    const CUSTOMERS: &str = "CLIENTE | nombre\nC1 | Ana\nC2 | Luis\n- | nadie\n'' | nadie\nC1 | Ana";
    const MOVEMENTS: &str = "customer | amount\nC1 | 1.00\nC9 | -2.50\n- | 3.00\n'' | 4.00\nc1 | 5.00";

    fn rule(more: &str) -> String {
        format!("check.reference = {{ field = 'customer', dataset = 'set', column = 'cliente'{more} }}")
    }

    #[test]
    fn unknown_and_empty_values_are_violations() {
        assert_eq!(
            judge(&rule(""), CUSTOMERS, MOVEMENTS),
            "\
2 | customer | C9 | - | MXN -2.50 | customer `C9` is not in `cliente` of dataset `set`
3 | customer | - | - | MXN 3.00 | customer is empty
4 | customer |  | - | MXN 4.00 | customer is empty
5 | customer | c1 | - | MXN 5.00 | customer `c1` is not in `cliente` of dataset `set`
looked up customer of 5 movements among 2 values of dataset `set`; 2 movements have no customer"
        );
        let allowed = judge(&rule(", allow_empty = true"), CUSTOMERS, MOVEMENTS);
        assert_eq!(allowed.lines().map(|line| &line[..1]).collect::<String>(), "25l");
    }

    #[test]
    fn without_its_dataset_nothing_is_judged() {
        let judged = |datasets: &Datasets| judge_with(&rule(""), datasets, &batch("customer"));
        let with = |dataset| Datasets::from([("set".to_owned(), dataset)]);
        let cases = [
            (Datasets::new(), "there is no dataset `set`"),
            (with(Err("no file".to_owned())), "dataset `set`: no file"),
            (with(Ok(table("a | b"))), "the dataset has no column `cliente`; it has a, b"),
            (
                with(Ok(table("Cliente | cliente"))),
                "the dataset has several columns `cliente`; it has Cliente, cliente",
            ),
        ];
        for (datasets, reason) in cases {
            assert_eq!(judged(&datasets), format!("not evaluated: {reason}"));
        }
    }
}
