//! The canonical text of a row: its source, then each field, as `<number of characters>:<text>`, or
//! `-` where it has none, one after the other. Two rows have one text only where each of these values
//! is the same.
//!
//! Dates are `2026-11-20`, instants `2026-11-20 12:00:00.250000` in UTC, amounts integers in units of
//! the day's scale. A warehouse writes texts without blanks around them, as the mapping of its rows
//! would take them; so a source's text that has some, and an instant outside of the years 1900 to
//! 2199, is written with `!`, and equal to nothing that a warehouse writes.

use std::fmt::Write;

use arrow_array::Array;

use crate::movement::{Columns, Field, date_of, instant_of};

const DAY: i64 = 86_400_000_000;

/// Instants that a warehouse writes, in microseconds since 1970-01-01T00:00:00Z: the years 1900 to 2199.
const WRITTEN: std::ops::Range<i64> = -25_567 * DAY..84_006 * DAY;

/// Writes canonical texts; kept for its memory.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    value: String,
}

impl Writer {
    /// The text of a row's source and `fields`.
    pub fn write(&mut self, columns: &Columns<'_>, row: usize, fields: &[Field]) -> &[u8] {
        self.text.clear();
        self.put(Some(columns.text(Field::Source, row).unwrap_or_default()));
        for &field in fields {
            match field {
                Field::Amount => self.shown(|value| write!(value, "{}", columns.amount.value(row))),
                Field::BookedOn => self.shown(|value| write!(value, "{}", date_of(columns.booked_on.value(row)))),
                Field::BookedAt if columns.booked_at.is_null(row) => self.put(None),
                Field::BookedAt => self.instant(columns.booked_at.value(row)),
                _ => self.put(columns.text(field, row)),
            }
        }
        self.text.as_bytes()
    }

    fn instant(&mut self, microseconds: i64) {
        if !WRITTEN.contains(&microseconds) {
            // No text in a String cannot be written.
            let _ = write!(self.text, "!{microseconds};");
            return;
        }
        self.shown(|value| {
            let time = instant_of(microseconds).to_zoned(jiff::tz::TimeZone::UTC).datetime();
            let (date, fraction) = (time.date(), microseconds.rem_euclid(1_000_000));
            write!(value, "{date} {:02}:{:02}:{:02}.{fraction:06}", time.hour(), time.minute(), time.second())
        });
    }

    fn shown(&mut self, write: impl FnOnce(&mut String) -> std::fmt::Result) {
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        let _ = write(&mut value);
        self.put(Some(&value));
        self.value = value;
    }

    fn put(&mut self, value: Option<&str>) {
        let Some(value) = value else { return self.text.push('-') };
        let mark = if value.trim().len() == value.len() && !value.is_empty() { ':' } else { '!' };
        let _ = write!(self.text, "{}{mark}{value}", value.chars().count());
    }
}
