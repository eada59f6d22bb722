//! Every movement's value is in a dataset.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value_set::ValueSet;
use super::{Datasets, Evaluator, Out, Violation};
use crate::explain::if_empty;
use crate::money::Overflow;
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{MOVEMENT, Noun, Said, counted};

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
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let Self { field, dataset, column, .. } = self;
        let empty = if_empty(self.allow_empty);
        said!(
            "Every value of {field} is in the column `{column}` of the dataset `{dataset}`, to the letter; {empty}.",
            "Todo valor de {field} está en la columna `{column}` del conjunto `{dataset}`, letra por letra; {empty}.";
            empty
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, datasets: &Datasets) -> Result<Box<dyn Evaluator>, Said> {
        let table = super::dataset(datasets, &self.dataset)?;
        let column = table.column(&self.column)?;
        let mut valid = ValueSet::default();
        for value in (0..table.rows.len()).filter_map(|row| table.cell(row, column)) {
            valid.insert(value);
        }
        Ok(Box::new(Lookup { rule: self.clone(), valid, movements: 0, empty: 0 }))
    }
}

struct Lookup {
    rule: Reference,
    valid: ValueSet,
    movements: u64,
    /// Movements without a value.
    empty: u64,
}

const VALUE: Noun = Noun::new(["value", "values"], ["valor", "valores"]);

impl Evaluator for Lookup {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        self.movements += rows.len() as u64;
        let values = columns.values(self.rule.field);
        let values: Vec<_> = rows.iter().map(|&row| values.at(row as usize).unwrap_or_default()).collect();
        self.valid.missing(&values, |place| {
            self.empty += u64::from(values[place].is_empty());
            state(&self.rule, columns, rows[place] as usize, out);
        });
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let Reference { field, dataset, .. } = &self.rule;
        let (movements, valid) = (counted(self.movements, MOVEMENT), counted(self.valid.len() as u64, VALUE));
        let without = super::without(self.empty, field.name());
        Ok(said!(
            "looked up {field} of {movements} among {valid} of dataset `{dataset}`{without}",
            "se buscó {field} de {movements} entre {valid} del conjunto `{dataset}`{without}"; movements, valid, without
        ))
    }
}

/// States a movement whose value is not in the dataset.
fn state(rule: &Reference, columns: &Columns<'_>, row: usize, out: &mut dyn Out) {
    let Reference { field, column, dataset, allow_empty } = rule;
    let reason = match super::value(*field, columns, row) {
        Some(value) => said!(
            "{field} `{value}` is not in `{column}` of dataset `{dataset}`",
            "{field} `{value}` no está en `{column}` del conjunto `{dataset}`"
        ),
        None if *allow_empty => return,
        None => said!("{field} is empty", "{field} está vacío"),
    };
    out.violation(Violation::of_movement(columns, row, *field, reason));
}

#[cfg(test)]
mod tests {
    use crate::business::Datasets;
    use crate::business::testing::{batch, judge, judge_with, table};
    use crate::said::Said;

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
            (with(Err(Said::same("no file"))), "dataset `set`: no file"),
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
