//! What a rule keeps per group of movements.

use std::collections::BTreeMap;

use super::Violation;
use crate::money::{Currency, Overflow};
use crate::movement::{Columns, Field};

/// One cell per group: per distinct combination of the values of some fields, where an empty
/// value is `""`.
pub(crate) struct Groups<T> {
    fields: Vec<Field>,
    per_currency: bool,
    /// The key in hand, kept to spare an allocation per movement.
    key: String,
    /// Keys are the values, each terminated by [`push`]: no two groups share one.
    cells: BTreeMap<String, T>,
}

impl<T: Default> Groups<T> {
    /// Groups of these fields.
    pub fn new(fields: &[Field]) -> Self {
        Self { fields: fields.to_vec(), per_currency: false, key: String::new(), cells: BTreeMap::new() }
    }

    /// Groups of these fields and the currency.
    pub fn per_currency(fields: &[Field]) -> Self {
        Self { per_currency: true, ..Self::new(fields) }
    }

    /// Changes the cell of a movement's group.
    pub fn update(
        &mut self,
        columns: &Columns<'_>,
        row: usize,
        change: impl FnOnce(&mut T) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        self.key.clear();
        for &field in self.fields.iter().chain(self.per_currency.then_some(&Field::Currency)) {
            push(&mut self.key, &super::value(field, columns, row).unwrap_or_default());
        }
        match self.cells.get_mut(self.key.as_str()) {
            Some(cell) => change(cell),
            None => change(self.cells.entry(self.key.clone()).or_default()),
        }
    }

    /// The cell of the group with these values, in the order of the fields, then the currency
    /// where groups are per currency.
    pub fn cell<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> &mut T {
        let mut key = String::new();
        values.into_iter().for_each(|value| push(&mut key, value));
        self.cells.entry(key).or_default()
    }

    /// Every group in the order of its values.
    pub fn iter(&self) -> impl Iterator<Item = (Group<'_>, &T)> {
        self.cells.iter().map(|(key, cell)| (Group { fields: &self.fields, key }, cell))
    }

    /// How many groups there are.
    pub fn len(&self) -> u64 {
        self.cells.len() as u64
    }
}

/// One group.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a> {
    fields: &'a [Field],
    key: &'a str,
}

impl Group<'_> {
    /// `branch=012, kind=FEE`.
    fn name(&self) -> String {
        let part = |(field, value): (&Field, String)| format!("{field}={value}");
        self.fields.iter().zip(values(self.key)).map(part).collect::<Vec<_>>().join(", ")
    }

    /// A violation of this group, where groups are per currency; `told` tells it in the group's
    /// currency.
    pub fn violation(&self, told: impl FnOnce(Currency) -> Violation) -> Violation {
        let code = values(self.key).pop().unwrap_or_default();
        let violation = match code.parse() {
            Ok(currency) => told(currency),
            Err(e) => {
                Violation { reason: format!("`{code}` is {e}: the group cannot be judged"), ..Violation::default() }
            }
        };
        Violation { column: self.column(), ..violation }
    }

    /// The name, where there is more than one group.
    pub fn column(&self) -> Option<String> {
        Some(self.name()).filter(|name| !name.is_empty())
    }
}

/// Appends a value so that keys sort as their values do and neighbours stay apart: it ends in two
/// NULs, and a NUL within it becomes NUL, 1.
fn push(key: &mut String, value: &str) {
    match value.contains('\0') {
        true => key.push_str(&value.replace('\0', "\0\u{1}")),
        false => key.push_str(value),
    }
    key.push_str("\0\0");
}

fn values(key: &str) -> Vec<String> {
    let (mut values, mut value) = (Vec::new(), String::new());
    let mut characters = key.chars();
    while let Some(character) = characters.next() {
        match character {
            '\0' if characters.next() == Some('\0') => values.push(std::mem::take(&mut value)),
            _ => value.push(character),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_values_apart_and_in_order() {
        let texts = ["", "\0", "\0\0", "\0\u{1}", "a", "a\0", "a\0b", "aa", "ab", "b", "é"];
        let mut keys = Vec::new();
        for left in texts {
            for right in texts {
                let mut key = String::new();
                push(&mut key, left);
                push(&mut key, right);
                assert_eq!(values(&key), [left, right]);
                keys.push(key);
            }
        }
        assert!(keys.is_sorted_by(|left, right| left < right));
    }
}
