//! Follows the numbers of every sequence, once they come sorted.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::civil::Date;

use super::{Bounds, Number, Sequence};
use crate::business::carried::{self, Carry};
use crate::business::key::{push, values};
use crate::business::tables::{GroupBy, at};
use crate::business::{DatasetTable, Evaluator, Given, Out, Violation, dataset, without};
use crate::end_to_end::Place;
use crate::money::Overflow;
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::{MOVEMENT, NUMBER, Said, counted};

/// What is known of a sequence at a number of it; sorted in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The filing before ended in it.
    Carried = 0,
    /// It must begin with it.
    First = 1,
    /// It must end in it.
    Last = 2,
    /// A movement has it.
    Movement = 3,
}

/// The evaluator.
pub(super) struct Numbers {
    rule: Sequence,
    date: Date,
    carries: bool,
    /// The filing that sequences go on from.
    before: Option<String>,
    /// A day between that was not filed.
    missed: Option<Date>,
    /// What bounds say of sequences: keys and payloads.
    known: Vec<(Vec<u8>, Vec<u8>)>,
    movements: u64,
    /// Movements without a value.
    empty: u64,
    sequences: u64,
    current: Option<Current>,
}

/// The sequence whose numbers come.
struct Current {
    /// The values of its group and what stands before its numbers.
    key: Vec<u8>,
    carried: Option<Number>,
    first: Option<Number>,
    last: Option<Number>,
    /// The last number that came.
    previous: Option<Number>,
}

impl Numbers {
    /// Begins with what the filing before and the bounds say of the sequences.
    pub(super) fn new(rule: &Sequence, given: Given<'_>) -> Result<Self, Said> {
        let carried_from = rule.settings()?;
        let before = carried_from.map(|date| carried::before(date, given)).transpose()?.flatten();
        let mut numbers = Numbers {
            rule: rule.clone(),
            date: given.business_date,
            carries: carried_from.is_some(),
            before: before.map(|before| before.filing.to_owned()),
            missed: before.and_then(|before| before.missed),
            known: Vec::new(),
            movements: 0,
            empty: 0,
            sequences: 0,
            current: None,
        };
        if let Some(bounds) = &rule.bounds {
            let first = bounds.first.as_ref().filter(|_| before.is_none());
            if first.is_some() || bounds.last.is_some() {
                numbers.bind(bounds, first, dataset(given.datasets, &bounds.dataset)?)?;
            }
        }
        Ok(numbers)
    }

    /// Takes the first and last numbers in.
    fn bind(&mut self, bounds: &Bounds, first: Option<&String>, table: &DatasetTable) -> Result<(), Said> {
        let named = GroupBy::Fields(self.rule.group_by.clone());
        let groups = bounds.group_by.as_ref().unwrap_or(&named).columns_of(&self.rule.group_by, table)?;
        let column = |name: Option<&String>| name.map(|name| table.column(name)).transpose();
        let ends = [(Known::First, column(first)?), (Known::Last, column(bounds.last.as_ref())?)];
        let mut seen = HashSet::new();
        for row in 0..table.rows.len() {
            let group: Vec<&str> = groups.iter().map(|&column| table.cell(row, column).unwrap_or_default()).collect();
            for (end, column) in ends {
                let Some((column, text)) = column.and_then(|column| Some((column, table.cell(row, column)?))) else {
                    continue;
                };
                let Some((before, number)) = self.rule.read(text) else {
                    return Err(at(table, row, Some(column), unreadable(text)));
                };
                let (key, payload) = item(group.iter().copied(), before, end, number, None);
                if !seen.insert((key[..key.len() - TAIL].to_vec(), end as u8)) {
                    let reason = said!("a number of its group is listed again", "se repite un número de su grupo");
                    return Err(at(table, row, Some(column), reason));
                }
                self.known.push((key, payload));
            }
        }
        Ok(())
    }
}

/// Bytes of a key behind its group: what is known, and the number.
const TAIL: usize = 17;

/// An item to sort, so that all of a sequence comes together, what is known of it first.
fn item<'a>(
    group: impl Iterator<Item = &'a str>,
    before: &'a str,
    known: Known,
    number: Number,
    place: Option<Place>,
) -> (Vec<u8>, Vec<u8>) {
    let mut key = String::new();
    group.chain([before]).for_each(|value| push(&mut key, value));
    let mut key = key.into_bytes();
    key.push(known as u8);
    key.extend_from_slice(&number.value.to_be_bytes());
    let place = place.map(Place::to_bytes).unwrap_or_default();
    (key, [&place[..], &number.width.to_be_bytes()].concat())
}

fn unreadable(text: &str) -> Said {
    said!(
        "`{text}` cannot be read as a number of the sequence",
        "`{text}` no se puede leer como número de la secuencia"
    )
}

impl Evaluator for Numbers {
    fn take_over(&mut self, carry: &Carry, out: &mut dyn Out) -> Result<(), Said> {
        let Some(filing) = &self.before else { return Ok(()) };
        let names = self.rule.group_by.iter().map(|field| field.name()).chain([LAST]);
        let values = carry.values_of(names);
        let read = values.as_ref().and_then(|values| {
            let (last, group) = values.split_last()?;
            Some((group, self.rule.read(last)?))
        });
        let Some((group, (before, number))) = read else { return Err(carried::other_values(filing)) };
        let (key, payload) = item(group.iter().copied(), before, Known::Carried, number, None);
        out.keep(&key, &payload);
        Ok(())
    }

    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        let field = self.rule.field;
        for row in rows.iter().map(|&row| row as usize) {
            self.movements += 1;
            let text = crate::business::value(field, columns, row).unwrap_or_default();
            let Some((before, number)) = self.rule.read(&text) else {
                let is_empty = text.is_empty();
                self.empty += u64::from(is_empty);
                let passes = if is_empty { self.rule.allow_empty } else { self.rule.allow_unreadable };
                if !passes {
                    let reason = match is_empty {
                        true => said!("{field} is empty", "{field} está vacío"),
                        false => unreadable(&text),
                    };
                    out.violation(Violation::of_movement(columns, row, field, reason));
                }
                continue;
            };
            let group: Vec<_> = self
                .rule
                .group_by
                .iter()
                .map(|&field| crate::business::value(field, columns, row).unwrap_or_default())
                .collect();
            let place = Some(Place::of(columns, row));
            let (key, payload) = item(group.iter().map(|value| &**value), before, Known::Movement, number, place);
            out.keep(&key, &payload);
        }
        Ok(())
    }

    fn observed_all(&mut self, out: &mut dyn Out) {
        self.known.drain(..).for_each(|(key, payload)| out.keep(&key, &payload));
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let Some((key, tail)) = key.split_last_chunk::<TAIL>() else { return Ok(()) };
        let (known, value) = (tail[0], tail[1..].first_chunk().map_or(0, |value| u128::from_be_bytes(*value)));
        let Some((place, width)) = payload.split_last_chunk::<4>() else { return Ok(()) };
        let number = Number { value, width: u32::from_be_bytes(*width) };
        if self.current.as_ref().is_none_or(|current| current.key != key) {
            self.end(out);
            self.sequences += 1;
            self.current = Some(Current { key: key.to_vec(), carried: None, first: None, last: None, previous: None });
        }
        let Some(mut current) = self.current.take() else { return Ok(()) };
        match known {
            0 => current.carried = Some(number),
            1 => current.first = Some(number),
            2 => current.last = Some(number),
            _ => self.number(&mut current, number, Place::from_bytes(place), out),
        }
        self.current = Some(current);
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow> {
        self.end(out);
        let (movements, sequences) = (counted(self.movements, MOVEMENT), self.sequences);
        let field = self.rule.field;
        let from = match (&self.before, self.missed) {
            (Some(filing), Some(missed)) => said!(
                ", going on from {filing} ({missed} was not filed)",
                ", a continuación de {filing} (el {missed} no se presentó)"
            ),
            (Some(filing), None) => said!(", going on from {filing}", ", a continuación de {filing}"),
            (None, _) => Said::default(),
        };
        let without = without(self.empty, field.name());
        Ok(said!(
            "followed {field} of {movements}{from}; sequences: {sequences}{without}",
            "se siguió {field} de {movements}{from}; secuencias: {sequences}{without}"; movements, from, without
        ))
    }
}

/// What the last number is called that is carried.
const LAST: &str = "last";

impl Current {
    /// The number that comes next, where that is known.
    fn next(&self) -> Option<u128> {
        let after = self.previous.or(self.carried).map(|number| number.value + 1);
        after.or(self.first.map(|first| first.value))
    }

    /// The number that tells how those that come next are written.
    fn begun(&self) -> Option<Number> {
        self.previous.or(self.carried).or(self.first)
    }

    fn parts(&self) -> Vec<String> {
        values(&String::from_utf8_lossy(&self.key)).map(Cow::into_owned).collect()
    }

    /// A number as it would be written.
    fn shown(&self, value: u128, width: u32) -> String {
        let before = self.parts().pop().unwrap_or_default();
        format!("{before}{value:0width$}", width = width as usize)
    }
}

impl Numbers {
    /// Judges the next number of a sequence.
    fn number(&self, current: &mut Current, number: Number, place: Option<Place>, out: &mut dyn Out) {
        let shown = |number: Number| current.shown(number.value, number.width);
        let text = shown(number);
        let mut wrong = |reason: Said| {
            let column = Some(self.rule.field.name().to_owned());
            out.violation(Violation { place, column, found: Some(text.clone()), reason, ..Violation::default() });
        };
        if let Some(carried) = current.carried.filter(|carried| number.value <= carried.value) {
            let (filing, carried) = (self.before.as_deref().unwrap_or_default(), shown(carried));
            return wrong(said!(
                "{text} does not come after {carried}, in which {filing} ended",
                "{text} no es posterior a {carried}, en el que terminó {filing}"
            ));
        }
        if let Some(first) = current.first.filter(|first| number.value < first.value).map(shown) {
            return wrong(said!(
                "{text} comes before the first number, {first}",
                "{text} es anterior al primer número, {first}"
            ));
        }
        if let Some(last) = current.last.filter(|last| number.value > last.value).map(shown) {
            return wrong(said!(
                "{text} comes after the last number, {last}",
                "{text} es posterior al último número, {last}"
            ));
        }
        if current.previous.is_some_and(|previous| previous.value == number.value) {
            if !self.rule.allow_repeated {
                wrong(said!("{text} occurs again", "{text} se repite"));
            }
            return;
        }
        if let Some(next) = current.next().filter(|next| *next < number.value) {
            self.gap(current, next, number.value - 1, number.width, out);
        }
        current.previous = Some(number);
    }

    /// States that numbers are missing, both ends included.
    fn gap(&self, current: &Current, from: u128, to: u128, width: u32, out: &mut dyn Out) {
        // As the number before them is written: with zeros in front only if that has them.
        let width = current.begun().map_or(width, |begun| begun.width);
        let (first, last) = (current.shown(from, width), current.shown(to, width));
        let after = match (current.previous, current.carried, &self.before) {
            (None, Some(carried), Some(filing)) => {
                let carried = current.shown(carried.value, carried.width);
                said!("; {filing} ended in {carried}", "; {filing} terminó en {carried}")
            }
            _ => Said::default(),
        };
        let missing = to - from + 1;
        let reason = match missing {
            1 => said!("{first} is missing{after}", "falta {first}{after}"; after),
            _ => {
                let numbers = match u64::try_from(missing) {
                    Ok(missing) => counted(missing, NUMBER),
                    Err(_) => said!("{missing} numbers", "{missing} números"),
                };
                said!(
                    "{first} to {last} are missing: {numbers}{after}",
                    "faltan de {first} a {last}: {numbers}{after}"; numbers, after
                )
            }
        };
        let part = |(field, value): (&Field, String)| format!("{field}={value}");
        let group = self.rule.group_by.iter().zip(current.parts()).map(part).collect::<Vec<_>>().join(", ");
        out.violation(Violation {
            column: Some(if group.is_empty() { self.rule.field.name().to_owned() } else { group }),
            expected: Some(if missing == 1 { first } else { format!("{first} - {last}") }),
            reason,
            ..Violation::default()
        });
    }

    /// Ends the sequence whose numbers came.
    fn end(&mut self, out: &mut dyn Out) {
        let Some(current) = self.current.take() else { return };
        if let Some(last) = current.last {
            let next = current.next().unwrap_or(last.value);
            if next <= last.value {
                self.gap(&current, next, last.value, last.width, out);
            }
        }
        // Nothing came yet of a sequence that must begin somewhere: the next day begins there.
        let begins = current.first.and_then(|first| Some(Number { value: first.value.checked_sub(1)?, ..first }));
        let ended = [current.previous.or(current.carried).or(begins), current.last];
        if let Some(last) = ended.into_iter().flatten().max_by_key(|number| number.value).filter(|_| self.carries) {
            let name = |(field, value): (&Field, String)| (field.name().into(), value);
            let group = self.rule.group_by.iter().zip(current.parts()).map(name);
            let values = group.chain([(LAST.into(), current.shown(last.value, last.width))]).collect();
            out.carry(Carry { values, amount: None, since: self.date, origin: None });
        }
    }
}
