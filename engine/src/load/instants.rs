//! Columns of instants.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, StringArray, TimestampMicrosecondArray};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use cuadre_rules::dates::parse_instant;
use cuadre_rules::movement::{days_of, instant_of};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::meaning::Meaning;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Instants that every calendar and format reads alike: the years 1900 to 2199.
const PLAIN: Range<i64> = -25_567 * DAY..84_006 * DAY;

/// Civil times of a zone, in microseconds since 1970-01-01T00:00:00.
#[derive(Debug, Clone)]
pub struct Civil {
    zone: TimeZone,
    /// Those that lie one offset from their instants.
    times: Range<i64>,
    /// Civil time less instant.
    offset: i64,
}

impl Civil {
    /// Civil times of `zone`; those of the days around `date` are quickest to place, unless the
    /// clocks change in them.
    pub fn around(date: Date, zone: &TimeZone) -> Self {
        let (times, offset) = one_offset(date, zone).unwrap_or((0..0, 0));
        Self { zone: zone.clone(), times, offset }
    }

    /// The instant of a civil time; `None` where it is not plain.
    #[inline]
    fn instant(&self, time: i64) -> Option<i64> {
        if self.times.contains(&time) { Some(time - self.offset) } else { self.looked_up(time) }
    }

    #[cold]
    fn looked_up(&self, time: i64) -> Option<i64> {
        let civil = PLAIN.contains(&time).then(|| instant_of(time).to_zoned(TimeZone::UTC).datetime())?;
        let instant = civil.to_zoned(self.zone.clone()).ok()?.timestamp().as_microsecond();
        Some(instant)
    }
}

/// The civil times of the days around `date`, and their offset, if it is one.
fn one_offset(date: Date, zone: &TimeZone) -> Option<(Range<i64>, i64)> {
    let (first, last) = (date.yesterday().ok()?, date.tomorrow().and_then(Date::tomorrow).ok()?);
    let (start, end) = (first.to_zoned(zone.clone()).ok()?, last.to_zoned(zone.clone()).ok()?);
    let change = zone.following(start.timestamp()).next();
    let times = i64::from(days_of(first)) * DAY..i64::from(days_of(last)) * DAY;
    let plain = PLAIN.contains(&times.start) && PLAIN.contains(&times.end);
    let offset = i64::from(start.offset().seconds()) * SECOND;
    (plain && change.is_none_or(|change| change.timestamp() > end.timestamp())).then_some((times, offset))
}

/// The instants of a column of timestamps; `None` where it is none. Those that are not plain are in
/// doubt.
pub fn of_timestamps(column: &ArrayRef, civil: &Civil, doubtful: &mut [bool]) -> Option<TimestampMicrosecondArray> {
    let DataType::Timestamp(unit, zone) = column.data_type() else { return None };
    let numbers = cast(column, &DataType::Int64).ok()?;
    let numbers = numbers.as_primitive::<Int64Type>();
    let plain = if zone.is_some() { PLAIN } else { civil.times.clone() };
    let stands = *unit == TimeUnit::Microsecond && (zone.is_some() || civil.offset == 0);
    if stands && numbers.null_count() == 0 && numbers.values().iter().all(|time| plain.contains(time)) {
        let instants = TimestampMicrosecondArray::new(numbers.values().clone(), None);
        return Some(instants.with_timezone("UTC"));
    }
    let mut instant = |(row, number): (usize, &i64)| {
        let microseconds = match unit {
            TimeUnit::Second => number.checked_mul(SECOND),
            TimeUnit::Millisecond => number.checked_mul(1_000),
            TimeUnit::Microsecond => Some(*number),
            TimeUnit::Nanosecond => (number % 1_000 == 0).then_some(number / 1_000),
        };
        let instant = microseconds.and_then(|time| match zone {
            Some(_) => PLAIN.contains(&time).then_some(time),
            None => civil.instant(time),
        });
        doubtful[row] |= instant.is_none() && numbers.is_valid(row);
        instant.unwrap_or(0)
    };
    let instants: Vec<i64> = numbers.values().iter().enumerate().map(&mut instant).collect();
    Some(TimestampMicrosecondArray::new(instants.into(), numbers.nulls().cloned()).with_timezone("UTC"))
}

/// The instants of a column of texts. Those that are none are in doubt.
pub fn of_texts(texts: &StringArray, meaning: &Meaning, doubtful: &mut [bool]) -> TimestampMicrosecondArray {
    let formats = &meaning.extract.timestamp_formats;
    let mut iso = Iso { date: None, civil: &meaning.civil };
    let instant = |(row, text): (usize, Option<&str>)| {
        let text = text?;
        let plain = if formats.is_empty() { iso.instant(text.as_bytes()) } else { None };
        let any = || parse_instant(text, formats, &meaning.zone).map(|instant| instant.as_microsecond());
        let instant = plain.or_else(any);
        doubtful[row] |= instant.is_none();
        instant
    };
    texts.iter().enumerate().map(instant).collect::<TimestampMicrosecondArray>().with_timezone("UTC")
}

/// Reads `2026-11-20 18:00:00`, with `T` for the blank, up to 6 decimals, and `Z` or, as PostgreSQL
/// writes it, `+00` at the end, or without.
struct Iso<'a> {
    /// Nearly every row has the date of the one before: its text, and its start.
    date: Option<([u8; 10], i64)>,
    civil: &'a Civil,
}

impl Iso<'_> {
    fn instant(&mut self, text: &[u8]) -> Option<i64> {
        let (date, time) = text.split_first_chunk::<10>()?;
        let [b' ' | b'T', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = time else { return None };
        let midnight = match self.date {
            Some((last, midnight)) if last == *date => midnight,
            _ => {
                let day: Date = std::str::from_utf8(date).ok()?.parse().ok()?;
                let midnight = i64::from(days_of(day)) * DAY;
                self.date = Some((*date, midnight));
                midnight
            }
        };
        let two = |tens: &u8, ones: &u8, below: i64| {
            let digits = [tens, ones].map(|digit| i64::from(digit.wrapping_sub(b'0')));
            let number = 10 * digits[0] + digits[1];
            (digits[0] < 10 && digits[1] < 10 && number < below).then_some(number)
        };
        let seconds = two(h1, h2, 24)? * 3_600 + two(m1, m2, 60)? * 60 + two(s1, s2, 60)?;
        let (zulu, fraction) = match rest {
            [fraction @ .., b'Z'] | [fraction @ .., b'+', b'0', b'0'] => (true, fraction),
            fraction => (false, fraction),
        };
        let time = midnight + seconds * SECOND + microseconds(fraction)?;
        match zulu {
            true => PLAIN.contains(&time).then_some(time),
            false => self.civil.instant(time),
        }
    }
}

/// `.5` as microseconds; nothing is 0.
fn microseconds(fraction: &[u8]) -> Option<i64> {
    let [b'.', digits @ ..] = fraction else { return fraction.is_empty().then_some(0) };
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    let number = digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| 10 * number + i64::from(digit - b'0')))?;
    Some(number * 10i64.pow(6 - digits.len() as u32))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;

    /// Civil times around the days on which clocks change, and around one on which they do not, in
    /// zones that change at midnight as well: as the text of each is read.
    #[test]
    fn civil_times_are_placed_as_their_texts_are() {
        let zones =
            ["UTC", "Europe/London", "America/Mexico_City", "America/Santiago", "Asia/Beirut", "Asia/Kathmandu"];
        for zone in zones.map(|name| TimeZone::get(name).unwrap()) {
            for date in ["2026-11-20", "2026-03-29", "2026-10-25", "2022-10-30", "2026-04-05", "2026-09-06"] {
                let date: Date = date.parse().unwrap();
                let civil = Civil::around(date, &zone);
                let midnight = i64::from(days_of(date)) * DAY;
                let times: Vec<i64> = (-60..84).map(|half_hours| midnight + half_hours * DAY / 48 + 1).collect();
                let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.clone()));
                let mut doubtful = vec![false; times.len()];
                let instants = of_timestamps(&column, &civil, &mut doubtful).unwrap();
                let mut iso = Iso { date: None, civil: &civil };
                for (row, time) in times.into_iter().enumerate() {
                    let text = instant_of(time).to_zoned(TimeZone::UTC).datetime().to_string();
                    let expected = parse_instant(&text, &[], &zone).unwrap().as_microsecond();
                    assert_eq!((doubtful[row], instants.value(row)), (false, expected), "{text} in {zone:?}");
                    assert_eq!(iso.instant(text.as_bytes()), Some(expected), "{text} in {zone:?}");
                    for end in ["Z", "+00"] {
                        let text = format!("{text}{end}");
                        let expected = parse_instant(&text, &[], &zone).unwrap().as_microsecond();
                        assert_eq!(iso.instant(text.as_bytes()), Some(expected), "{text}");
                    }
                }
            }
        }
    }
}
