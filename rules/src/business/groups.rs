//! What a rule keeps per group of movements.

use arrow_array::Array;

use super::keyed::{AT_ONCE, Keyed, Keys};
use super::{Out, Violation};
use crate::money::{Currency, Overflow};
use crate::movement::{Columns, Field};
use crate::said;

/// What is kept of a group: parts of it, from anywhere in the day, add up in any order.
pub(crate) trait Cell: Default {
    /// Adds another part.
    fn merge(&mut self, other: &Self) -> Result<(), Overflow>;
    /// Appends it as bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what [`Cell::write`] has written.
    fn read(bytes: &[u8]) -> Self;
}

impl Cell for i128 {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        *self = self.checked_add(*other).ok_or(Overflow)?;
        Ok(())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        bytes.first_chunk().map_or(0, |bytes| Self::from_be_bytes(*bytes))
    }
}

/// One cell per group: per distinct combination of the values of some fields, where an empty
/// value is `""`. Cells are gathered, given up ([`Groups::release`]) as often as need be, and put together again
/// group by group ([`Groups::merge`]).
pub(crate) struct Groups<T> {
    fields: Vec<Field>,
    per_currency: bool,
    /// The keys in hand, kept to spare allocations.
    keys: Keys,
    /// Keys are the values, each terminated by [`push`]: no two groups share one.
    cells: Keyed<T>,
    /// The group that is being put together.
    merging: Option<(String, T)>,
    /// How many were put together.
    count: u64,
}

impl<T: Cell> Groups<T> {
    /// Groups of these fields.
    pub fn new(fields: &[Field]) -> Self {
        Self {
            fields: fields.to_vec(),
            per_currency: false,
            keys: Keys::default(),
            cells: Keyed::default(),
            merging: None,
            count: 0,
        }
    }

    /// Groups of these fields and the currency.
    pub fn per_currency(fields: &[Field]) -> Self {
        Self { per_currency: true, ..Self::new(fields) }
    }

    /// The fields, without the currency.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Changes the cells of the groups of movements.
    pub fn update(
        &mut self,
        columns: &Columns<'_>,
        rows: &[u32],
        mut change: impl FnMut(&mut T, usize) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let fields = self.fields.iter().chain(self.per_currency.then_some(&Field::Currency));
        let fields: Vec<_> = fields.map(|&field| (field, columns.texts(field))).collect();
        let write = |key: &mut String, row: usize| {
            for &(field, texts) in &fields {
                match texts {
                    Some(texts) if texts.is_valid(row) => push(key, texts.value(row)),
                    Some(_) => push(key, ""),
                    None => push(key, &columns.shown(field, row).unwrap_or_default()),
                }
            }
        };
        for rows in rows.chunks(AT_ONCE) {
            self.keys.clear();
            rows.iter().for_each(|&row| self.keys.push(&self.cells, |key| write(key, row as usize)));
            self.cells.fetch(&self.keys.hashes);
            for (at, &row) in rows.iter().enumerate() {
                let (hash, key) = self.keys.at(at);
                change(self.cells.of(hash, key), row as usize)?;
            }
        }
        Ok(())
    }

    /// The cell of the group with these values, in the order of the fields, then the currency
    /// where groups are per currency.
    pub fn cell<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> &mut T {
        self.keys.clear();
        self.keys.push(&self.cells, |key| values.into_iter().for_each(|value| push(key, value)));
        let (hash, key) = self.keys.at(0);
        self.cells.of(hash, key)
    }

    /// Bytes, about, that [`Groups::release`] would give up.
    pub fn held(&self) -> usize {
        self.cells.bytes()
    }

    /// Gives up every cell.
    pub fn release(&mut self, out: &mut dyn Out) {
        let mut payload = Vec::new();
        for (key, cell) in std::mem::take(&mut self.cells).iter() {
            payload.clear();
            cell.write(&mut payload);
            out.keep(key.as_bytes(), &payload);
        }
    }

    /// Takes back one cell, in the order of keys; the group before it, where that is whole now.
    pub fn merge(&mut self, key: &[u8], payload: &[u8]) -> Result<Option<(Group, T)>, Overflow> {
        let cell = T::read(payload);
        match &mut self.merging {
            Some((merging, sum)) if merging.as_bytes() == key => sum.merge(&cell).map(|()| None),
            _ => {
                let whole = self.last();
                self.merging = Some((String::from_utf8_lossy(key).into_owned(), cell));
                Ok(whole)
            }
        }
    }

    /// The last group, when every cell was taken back.
    pub fn last(&mut self) -> Option<(Group, T)> {
        let (key, cell) = self.merging.take()?;
        self.count += 1;
        Some((Group { fields: self.fields.clone(), key }, cell))
    }

    /// How many groups there were, when every cell was taken back.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// One group.
pub(crate) struct Group {
    fields: Vec<Field>,
    key: String,
}

impl Group {
    /// `branch=012, kind=FEE`.
    fn name(&self) -> String {
        let part = |(field, value): (&Field, String)| format!("{field}={value}");
        self.fields.iter().zip(values(&self.key)).map(part).collect::<Vec<_>>().join(", ")
    }

    /// Names and values of its fields; the currency, where groups are per currency, is not among them.
    pub fn named(&self) -> Vec<(String, String)> {
        let named = |(field, value): (&Field, String)| (field.name().to_owned(), value);
        self.fields.iter().zip(values(&self.key)).map(named).collect()
    }

    /// The currency, where groups are per currency and it is one.
    pub fn currency(&self) -> Option<Currency> {
        values(&self.key).pop()?.parse().ok()
    }

    /// A violation of this group, where groups are per currency; `told` tells it in the group's
    /// currency.
    pub fn violation(&self, told: impl FnOnce(Currency) -> Violation) -> Violation {
        let code = values(&self.key).pop().unwrap_or_default();
        let violation = match code.parse::<Currency>() {
            Ok(currency) => told(currency),
            Err(_) => Violation {
                reason: said!(
                    "`{code}` is not an ISO 4217 currency code: the group cannot be judged",
                    "`{code}` no es un código de moneda ISO 4217: el grupo no puede revisarse"
                ),
                ..Violation::default()
            },
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
pub(super) fn push(key: &mut String, value: &str) {
    match value.contains('\0') {
        true => key.push_str(&value.replace('\0', "\0\u{1}")),
        false => key.push_str(value),
    }
    key.push_str("\0\0");
}

/// The values of a key that [`push`] has made.
pub(super) fn values(key: &str) -> Vec<String> {
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
