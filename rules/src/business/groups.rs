//! What a rule keeps per group of movements.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;

use super::key::{Part, push, values};
use super::{Gathers, Out, Violation};
use crate::money::{Currency, Overflow};
use crate::movement::{Columns, Field};
use crate::said;

/// What is kept of a group: parts of it, from anywhere in the day, add up in any order.
pub(crate) trait Cell: Default {
    /// Adds another part.
    fn merge(&mut self, other: &Self) -> Result<(), Overflow>;
    /// Appends it as bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes what [`Cell::write`] has written off the begin of the bytes.
    fn read(bytes: &mut &[u8]) -> Self;
}

/// A number is as many bytes as it needs, behind how many they are.
impl Cell for i128 {
    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        *self = self.checked_add(*other).ok_or(Overflow)?;
        Ok(())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let bits = Self::BITS - (self ^ (self >> (Self::BITS - 1))).leading_zeros();
        let bytes = bits as usize / 8 + 1;
        out.push(bytes as u8);
        // All of them and less is quicker than just as many.
        out.extend_from_slice(&self.to_le_bytes());
        out.truncate(out.len() - size_of::<Self>() + bytes);
    }

    fn read(bytes: &mut &[u8]) -> Self {
        let Some((&length, rest)) = bytes.split_first() else { return 0 };
        let (number, rest) = rest.split_at(usize::from(length).min(rest.len()));
        *bytes = rest;
        let sign = if number.last().is_some_and(|last| *last > 127) { 255 } else { 0 };
        let mut whole = [sign; size_of::<Self>()];
        whole[..number.len()].copy_from_slice(number);
        Self::from_le_bytes(whole)
    }
}

/// Groups that are held at once. A processor's caches hold them.
const HELD: usize = if cfg!(test) { 2 } else { 1 << 13 };

/// One cell per group: per distinct combination of the values of some fields, where an empty
/// value is `""`. Of a day with many groups, parts of cells are left to be gathered ([`Out::gather`]) and put together
/// again ([`Groups::gathered`]); those that matter are then kept ([`Out::keep`]), and read in order ([`Groups::read`]).
pub(crate) struct Groups<T> {
    fields: Arc<[Field]>,
    per_currency: bool,
    /// Which cells are kept.
    matters: Box<dyn Fn(&T) -> bool + Send>,
    /// Keys are the values, each terminated by [`push`]: no two groups share one.
    cells: HashMap<String, T>,
    /// Movements since cells were given up last.
    updated: usize,
    /// Whether movements of a group lie so far apart that holding cells hardly ever brings two of them together.
    scattered: bool,
    /// The key in hand: of a movement, then of the group that is being put together.
    key: String,
    /// What was put together so far.
    whole: Option<T>,
    payload: Vec<u8>,
    count: u64,
}

impl<T: Cell> Groups<T> {
    /// Groups of these fields; those are kept whose cell matters.
    pub fn new(fields: &[Field], matters: impl Fn(&T) -> bool + Send + 'static) -> Self {
        Self {
            fields: fields.into(),
            per_currency: false,
            matters: Box::new(matters),
            cells: HashMap::new(),
            updated: 0,
            scattered: false,
            key: String::new(),
            whole: None,
            payload: Vec::new(),
            count: 0,
        }
    }

    /// Groups of these fields and the currency.
    pub fn per_currency(fields: &[Field], matters: impl Fn(&T) -> bool + Send + 'static) -> Self {
        Self { per_currency: true, ..Self::new(fields, matters) }
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
        out: &mut dyn Out,
        mut change: impl FnMut(&mut T, usize) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let fields = self.fields.iter().chain(self.per_currency.then_some(&Field::Currency));
        let fields: Vec<_> = fields.map(|&field| Part::of(columns.values(field))).collect();
        for row in rows.iter().map(|&row| row as usize) {
            self.key.clear();
            fields.iter().for_each(|part| part.push(&mut self.key, row));
            if self.scattered {
                let mut cell = T::default();
                change(&mut cell, row)?;
                self.payload.clear();
                cell.write(&mut self.payload);
                out.gather(self.key.as_bytes(), &self.payload);
            } else {
                change(self.cells.entry_ref(self.key.as_str()).or_default(), row)?;
                self.updated += 1;
                self.make_room(out);
            }
        }
        Ok(())
    }

    /// The cell of the group with these values, in the order of the fields, then the currency
    /// where groups are per currency.
    pub fn cell<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> &mut T {
        self.key.clear();
        values.into_iter().for_each(|value| push(&mut self.key, value));
        self.cells.entry_ref(self.key.as_str()).or_default()
    }

    /// Gives up the cells where there are too many of them.
    pub fn make_room(&mut self, out: &mut dyn Out) {
        if self.cells.len() > HELD {
            self.scattered = self.updated < self.cells.len() * 2;
            self.give_up(out);
        }
    }

    /// A group that was kept, and its cell.
    pub fn read<'k>(&self, key: &'k [u8], mut payload: &[u8]) -> (Group<'k>, T) {
        let key = str::from_utf8(key).unwrap_or_default();
        (Group { fields: Arc::clone(&self.fields), key }, T::read(&mut payload))
    }

    /// How many groups there were, when every part was taken back.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl<T: Cell> Gathers for Groups<T> {
    fn give_up(&mut self, out: &mut dyn Out) {
        for (key, cell) in self.cells.drain() {
            self.payload.clear();
            cell.write(&mut self.payload);
            out.gather(key.as_bytes(), &self.payload);
        }
        self.updated = 0;
    }

    fn gathered(&mut self, key: &[u8], mut payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let cell = T::read(&mut payload);
        if let Some(whole) = &mut self.whole
            && self.key.as_bytes() == key
        {
            return whole.merge(&cell);
        }
        self.gathered_all(out);
        self.key.clear();
        self.key.push_str(str::from_utf8(key).unwrap_or_default());
        self.whole = Some(cell);
        Ok(())
    }

    fn gathered_all(&mut self, out: &mut dyn Out) {
        let Some(whole) = self.whole.take() else { return };
        self.count += 1;
        if (self.matters)(&whole) {
            self.payload.clear();
            whole.write(&mut self.payload);
            out.keep(self.key.as_bytes(), &self.payload);
        }
    }
}

/// One group.
pub(crate) struct Group<'k> {
    fields: Arc<[Field]>,
    key: &'k str,
}

impl Group<'_> {
    /// `branch=012, kind=FEE`.
    fn name(&self) -> String {
        let part = |(field, value): (&Field, Cow<'_, str>)| format!("{field}={value}");
        self.fields.iter().zip(values(self.key)).map(part).collect::<Vec<_>>().join(", ")
    }

    /// Names and values of its fields; the currency, where groups are per currency, is not among them.
    pub fn named(&self) -> Vec<(Cow<'static, str>, String)> {
        let named = |(field, value): (&Field, Cow<'_, str>)| (field.name().into(), value.into_owned());
        self.fields.iter().zip(values(self.key)).map(named).collect()
    }

    /// The currency, where groups are per currency and it is one.
    pub fn currency(&self) -> Option<Currency> {
        values(self.key).last()?.parse().ok()
    }

    /// A violation of this group, where groups are per currency; `told` tells it in the group's
    /// currency.
    pub fn violation(&self, told: impl FnOnce(Currency) -> Violation) -> Violation {
        let code = values(self.key).last().unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        let near = |n: i128| (-2..=2).filter_map(move |by| n.checked_add(by));
        let powers = (0..127).map(|bits| 1i128 << bits).flat_map(|power| [power, -power]);
        for number in powers.chain([0, i128::MAX, i128::MIN]).flat_map(near) {
            let mut bytes = Vec::new();
            number.write(&mut bytes);
            7i128.write(&mut bytes);
            let mut rest = &bytes[..];
            assert_eq!((i128::read(&mut rest), i128::read(&mut rest), rest.len()), (number, 7, 0));
        }
    }
}
