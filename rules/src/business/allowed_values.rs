//! A field has one of the listed values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evaluator, Out, Violation};
use crate::explain::if_empty;
use crate::money::Overflow;
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{MOVEMENT, Said, counted};

/// A field has one of the listed values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedValues {
    /// The field.
    pub field: Field,
    /// Its allowed values.
    pub values: Vec<String>,
    /// Let movements without a value pass.
    #[serde(default)]
    pub allow_empty: bool,
}

impl AllowedValues {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let (field, values, empty) = (self.field, self.values.join(", "), if_empty(self.allow_empty));
        said!(
            "The value of {field} is one of {values}; {empty}.",
            "El valor de {field} es uno de {values}; {empty}."; empty
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self) -> Result<Box<dyn Evaluator>, Said> {
        Ok(Box::new(Allowed { rule: self.clone(), movements: 0, empty: 0 }))
    }
}

/// Most values that a reason lists.
const LISTED: usize = 8;

struct Allowed {
    rule: AllowedValues,
    movements: u64,
    /// Movements without a value.
    empty: u64,
}

impl Evaluator for Allowed {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        let field = self.rule.field;
        let values = columns.values(field);
        self.movements += rows.len() as u64;
        for row in rows.iter().map(|&row| row as usize) {
            if values.is_among(&self.rule.values, row) {
                continue;
            }
            let value = values.at(row);
            self.empty += u64::from(value.is_none());
            if value.is_none() && self.rule.allow_empty {
                continue;
            }
            let listed = self.listed();
            let reason = match value {
                Some(value) => said!(
                    "{field} `{value}` is none of {listed}",
                    "{field} `{value}` no es ninguno de {listed}"; listed
                ),
                None => {
                    said!("{field} is empty, not one of {listed}", "{field} está vacío; no es uno de {listed}"; listed)
                }
            };
            out.violation(Violation::of_movement(columns, row, field, reason));
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut dyn Out) -> Result<Said, Overflow> {
        let (field, movements) = (self.rule.field, counted(self.movements, MOVEMENT));
        let without = super::without(self.empty, field.name());
        Ok(
            said!("judged {field} of {movements}{without}", "se revisó {field} de {movements}{without}"; movements, without),
        )
    }
}

impl Allowed {
    fn listed(&self) -> Said {
        let values = &self.rule.values;
        let listed = values.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
        match values.len().saturating_sub(LISTED) {
            0 => Said::same(listed),
            more => said!("{listed} and {more} more", "{listed} y {more} más"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::judge;

    #[test]
    fn other_and_empty_values_are_violations() {
        let rule = |more: &str| format!("check.allowed_values = {{ field = 'kind', values = ['FEE', 'TRF']{more} }}");
        let movements = "kind | amount\nFEE | 1.00\nfee | -2.00\n- | 3.00\nTRF | 4.00";
        assert_eq!(
            judge(&rule(""), "", movements),
            "\
2 | kind | fee | - | MXN -2.00 | kind `fee` is none of FEE, TRF
3 | kind | - | - | MXN 3.00 | kind is empty, not one of FEE, TRF
judged kind of 4 movements; 1 movement has no kind"
        );
        assert_eq!(judge(&rule(", allow_empty = true"), "", movements).lines().count(), 2);
        let cards = format!("only.source = ['cards']\n{}", rule(""));
        assert_eq!(judge(&cards, "", movements), "judged kind of 0 movements");
    }

    #[test]
    fn dates_are_judged_as_shown_and_long_lists_are_cut() {
        let days: Vec<String> = (1..=10).map(|day| format!("'2026-11-{day:02}'")).collect();
        let rule = format!("check.allowed_values = {{ field = 'booked_on', values = [{}] }}", days.join(", "));
        let found = judge(&rule, "", "booked_on\n2026-11-10\n2026-11-11");
        assert!(found.starts_with("2 | booked_on | 2026-11-11 | "), "{found}");
        assert!(found.contains("2026-11-08 and 2 more"), "{found}");
    }
}
