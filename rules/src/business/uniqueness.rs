//! No two movements share the values of some fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evaluator, Out, Violation};
use crate::end_to_end::{Place, decode, encode_value, show};
use crate::explain::listed;
use crate::money::{Currency, Overflow, at_own_scale};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{MOVEMENT, Said, counted};

/// No two movements share these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniqueness {
    /// The fields, such as `["source", "id"]`; movements where one of them is empty are not judged.
    pub fields: Vec<Field>,
}

impl Uniqueness {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let fields = listed(&self.fields);
        said!(
            "No two movements share {fields}; those where one of them is empty are not judged.",
            "No hay dos movimientos que coincidan en {fields}; no se revisan aquellos en que falta alguno."; fields
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, scale: u32) -> Result<Box<dyn Evaluator>, Said> {
        match self.fields.is_empty() {
            true => Err(said!("`fields` names no field", "`fields` no nombra ningún campo")),
            false => Ok(Box::new(Unique {
                fields: self.fields.clone(),
                scale,
                movements: 0,
                empty: 0,
                key: Vec::new(),
                places: Vec::new(),
            })),
        }
    }
}

/// Movements are gathered by their keys; those that share one are kept, and judged in the order of keys.
struct Unique {
    fields: Vec<Field>,
    scale: u32,
    movements: u64,
    /// Movements where a field is empty.
    empty: u64,
    /// The key in hand.
    key: Vec<u8>,
    /// The movements that have it: while they are gathered one, until there is another.
    places: Vec<Place>,
}

impl Evaluator for Unique {
    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        let mut compared = rows.to_vec();
        self.movements += rows.len() as u64;
        self.empty += super::leave_out_empty(&self.fields, columns, &mut compared);
        let fields: Vec<_> = self.fields.iter().map(|&field| columns.values(field)).collect();
        for row in compared.into_iter().map(|row| row as usize) {
            self.key.clear();
            fields.iter().for_each(|values| encode_value(values, row, &mut self.key));
            out.gather(&self.key, &Place::of(columns, row).to_bytes());
        }
        Ok(())
    }

    fn observed_all(&mut self, _: &mut dyn Out) {
        self.key.clear();
    }

    fn gathered(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        if self.key == key {
            self.places.drain(..).for_each(|first| out.keep(key, &first.to_bytes()));
            out.keep(key, payload);
        } else {
            self.begin(key);
            self.places.extend(Place::from_bytes(payload));
        }
        Ok(())
    }

    fn gathered_all(&mut self, _: &mut dyn Out) {
        self.begin(&[]);
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        if self.key != key {
            self.judge(out);
            self.begin(key);
        }
        self.places.extend(Place::from_bytes(payload));
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow> {
        self.judge(out);
        let (names, movements) = (self.names(), counted(self.movements, MOVEMENT));
        let without = super::without(self.empty, &names);
        Ok(said!(
            "compared {names} of {movements}{without}",
            "se comparó {names} de {movements}{without}"; movements, without
        ))
    }
}

impl Unique {
    /// Begins with the movements of another key.
    fn begin(&mut self, key: &[u8]) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.places.clear();
    }

    /// States the movements that share the key in hand.
    fn judge(&self, out: &mut dyn Out) {
        let Some(repeats) = self.places.get(1..).filter(|repeats| !repeats.is_empty()) else { return };
        let (group, times) = (self.name(&self.key), self.places.len());
        for &place in repeats {
            out.violation(Violation {
                place: Some(place),
                column: Some(self.names()),
                found: Some(group.clone()),
                reason: said!("{group} occurs {times} times", "{group} aparece {times} veces"),
                ..Violation::default()
            });
        }
    }

    fn names(&self) -> String {
        self.fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
    }

    /// `source=core, id=A1`.
    fn name(&self, key: &[u8]) -> String {
        let values = decode(key);
        let value_of =
            |field| self.fields.iter().position(|&f| f == field).and_then(|n| values.get(n).copied().flatten());
        let code = value_of(Field::Currency).and_then(|code| std::str::from_utf8(code).ok());
        let currency: Option<Currency> = code.and_then(|code| code.parse().ok());
        let shown = |field, value: &[u8]| match (field, currency, value.try_into()) {
            (Field::Amount, Some(currency), Ok(minor)) => {
                at_own_scale(currency, i128::from_be_bytes(minor), self.scale).to_string()
            }
            _ => show(field, value, self.scale),
        };
        let part = |(&field, &value): (&Field, &Option<&[u8]>)| {
            format!("{field}={}", value.map(|value| shown(field, value)).unwrap_or_default())
        };
        self.fields.iter().zip(&values).map(part).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use crate::business::testing::judge;

    #[test]
    fn repeats_beyond_the_first_are_violations() {
        let movements = "
            source | id
            core   | A1
            cards  | A1
            core   | A2
            core   | A1
            core   | -
            core   | A1";
        assert_eq!(
            judge("check.uniqueness = { fields = ['source', 'id'] }", "", movements),
            "\
4 | source, id | source=core, id=A1 | - | - | source=core, id=A1 occurs 3 times
6 | source, id | source=core, id=A1 | - | - | source=core, id=A1 occurs 3 times
compared source, id of 6 movements; 1 movement has no source, id"
        );
        assert_eq!(
            judge("check.uniqueness = { fields = [] }", "", movements),
            "not evaluated: `fields` names no field"
        );
    }

    #[test]
    fn a_movement_that_lacks_a_value_is_not_judged() {
        let movements = "
            reference | account
            -         | -
            ''        | -
            -         | 1
            -         | 1
            1         | -
            1         | 1
            1         | 1";
        assert_eq!(
            judge("check.uniqueness = { fields = ['reference', 'account'] }", "", movements),
            "\
7 | reference, account | reference=1, account=1 | - | - | reference=1, account=1 occurs 2 times
compared reference, account of 7 movements; 5 movements have no reference, account"
        );
    }

    #[test]
    fn keys_of_every_type_are_shown() {
        let check = "check.uniqueness = { fields = ['booked_on', 'booked_at', 'currency', 'amount'] }";
        let movements = "
            booked_at            | currency | amount
            2026-11-20T18:00:00Z | JPY      | -7.00
            2026-11-20T18:00:00Z | JPY      | -7.00";
        let found = judge(check, "", movements);
        let group = "booked_on=2026-11-20, booked_at=2026-11-20T18:00:00Z, currency=JPY, amount=-7";
        assert!(found.contains(&format!(" {group} occurs 2 times")), "{found}");
        let without_currency = judge("check.uniqueness = { fields = ['amount'] }", "", movements);
        assert!(without_currency.contains("amount=-7.00 occurs"), "{without_currency}");
    }
}
