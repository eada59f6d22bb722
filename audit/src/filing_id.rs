//! What filings are called: a day, and the filing's place among those of the day.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, ErrorKind, Result};

/// A calendar day, `YYYY-MM-DD`, in the years 0001 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilingDate {
    year: u16,
    month: u8,
    day: u8,
}

/// A filing of a series: the `number`-th one for its date, counted from 1.
///
/// Its text form is `2026-11-21.1`. Ordered by date, then number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilingId {
    date: FilingDate,
    number: u32,
}

impl FilingDate {
    /// The day `year-month-day`, if the calendar has it.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=9999).contains(&year) && (1..=days_in(year, month)).contains(&day);
        valid.then_some(FilingDate { year, month, day })
    }

    /// The same day as jiff's calendar has it.
    pub fn civil(&self) -> Date {
        let parts = (i16::try_from(self.year), i8::try_from(self.month), i8::try_from(self.day));
        let (Ok(year), Ok(month), Ok(day)) = parts else { return Date::ZERO };
        // A day of the calendar in the years 0001 to 9999, by construction.
        Date::new(year, month, day).unwrap_or(Date::ZERO)
    }

    /// The day after, while the calendar has one.
    pub fn next(&self) -> Option<Self> {
        let next = self.civil().tomorrow().ok()?;
        FilingDate::new(next.year().unsigned_abs(), next.month().unsigned_abs(), next.day().unsigned_abs())
    }
}

impl FilingId {
    /// The `number`-th filing for `date`; numbers count from 1.
    pub fn new(date: FilingDate, number: u32) -> Option<Self> {
        (number >= 1).then_some(FilingId { date, number })
    }

    /// The day the filing is for.
    pub fn date(&self) -> FilingDate {
        self.date
    }

    /// Which one of that day it is, counted from 1.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for FilingDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for FilingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.date, self.number)
    }
}

impl FromStr for FilingDate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_date(text).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("not a date: {text:?}"),
                "a date is YYYY-MM-DD and a day of the calendar",
                "write it as 2026-11-21",
            )
        })
    }
}

impl FromStr for FilingId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_id(text).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("not a filing: {text:?}"),
                "a filing is a date, a dot and a number counted from 1",
                "write it as 2026-11-21.1",
            )
        })
    }
}

impl Serialize for FilingDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for FilingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FilingDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for FilingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn parse_date(text: &str) -> Option<FilingDate> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = number(&bytes[..4])?;
    let month = number(&bytes[5..7])?;
    let day = number(&bytes[8..])?;
    FilingDate::new(year, month.try_into().ok()?, day.try_into().ok()?)
}

fn parse_id(text: &str) -> Option<FilingId> {
    let (date, number) = text.split_once('.')?;
    let plain = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    if !plain {
        return None;
    }
    FilingId::new(parse_date(date)?, number.parse().ok()?)
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        Some(value * 10 + u16::from(digit))
    })
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filing_reads_back_as_it_is_written() {
        for text in ["2026-11-21.1", "2024-02-29.12", "0001-01-01.4294967295"] {
            assert_eq!(text.parse::<FilingId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_filing_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21.",
            "2026-11-21.0",
            "2026-11-21.01",
            "2026-11-21.+1",
            "2026-02-29.1",
            "2026-13-01.1",
            "2026-00-01.1",
            "2026-11-31.1",
            "0000-01-01.1",
            "2026-1-021.1",
            "+026-11-21.1",
            "2026-11-21.4294967296",
            " 2026-11-21.1",
            "2026-11-21.1 ",
            "2026-11-21.1.1",
            "2026/11/21.1",
        ] {
            assert!(text.parse::<FilingId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn filings_order_by_date_then_number() {
        let mut ids: Vec<FilingId> =
            ["2026-11-21.10", "2026-11-21.9", "2025-12-31.11"].iter().map(|text| text.parse().unwrap()).collect();
        ids.sort();
        let texts: Vec<String> = ids.iter().map(FilingId::to_string).collect();
        assert_eq!(texts, ["2025-12-31.11", "2026-11-21.9", "2026-11-21.10"]);
    }
}
