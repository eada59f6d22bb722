//! How a source writes its dates and instants.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// One way of writing dates: a `strptime` pattern, or a spreadsheet's serial number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DateFormat {
    /// `%Y-%m-%d` and the like; the whole text must match.
    Pattern(String),
    /// Days since 1899-12-30, as spreadsheets store dates (from 1900-03-01 on); a fraction of
    /// zeros (`42032.00`) is allowed.
    Serial,
}

impl DateFormat {
    /// The word for [`DateFormat::Serial`] in the configuration.
    pub const SERIAL: &str = "serial";

    /// Reads a format of the configuration; an unusable pattern is an error in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == Self::SERIAL {
            return Ok(Self::Serial);
        }
        let noon = DateTime::constant(2026, 11, 21, 12, 0, 0, 0).to_zoned(TimeZone::UTC).map_err(|e| e.to_string())?;
        BrokenDownTime::from(&noon).to_string(text).map_err(|e| e.to_string())?;
        Ok(Self::Pattern(text.to_owned()))
    }

    /// Whether it says day, month and year, so that a date can be read by it.
    pub fn reads_dates(&self) -> Result<(), String> {
        let Self::Pattern(pattern) = self else { return Ok(()) };
        let day = Date::constant(2026, 11, 21);
        let midnight = day.to_datetime(Time::midnight()).to_zoned(TimeZone::UTC).map_err(|e| e.to_string())?;
        let text = BrokenDownTime::from(&midnight).to_string(pattern).map_err(|e| e.to_string())?;
        match self.date(&text) == Some(day) {
            true => Ok(()),
            false => Err("no day, month and year can be read by it".to_owned()),
        }
    }

    /// Whether a date alone, without time and zone, can be written by it.
    pub fn shows_dates(&self) -> Result<(), String> {
        match self {
            Self::Pattern(pattern) => {
                let shown = BrokenDownTime::from(Date::constant(2026, 11, 21)).to_string(pattern);
                shown.map(drop).map_err(|e| e.to_string())
            }
            Self::Serial => Err("a serial number cannot be written here".to_owned()),
        }
    }

    fn date(&self, text: &str) -> Option<Date> {
        match self {
            Self::Pattern(pattern) if pattern == "%Y-%m-%d" => iso_date(text),
            Self::Pattern(pattern) => BrokenDownTime::parse(pattern, text).ok()?.to_date().ok(),
            Self::Serial => serial_date(text),
        }
    }
}

/// The first of `formats` that reads the whole of `text` (blanks around it aside).
pub fn parse_date(text: &str, formats: &[DateFormat]) -> Option<Date> {
    let text = text.trim();
    formats.iter().find_map(|format| format.date(text))
}

/// An instant: texts with an offset are taken at it, others are civil times of `zone`.
pub fn parse_instant(text: &str, patterns: &[String], zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if patterns.is_empty() {
        let civil = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
        return text.parse::<Timestamp>().ok().or_else(civil);
    }
    patterns.iter().find_map(|pattern| {
        let parts = BrokenDownTime::parse(pattern, text).ok()?;
        let civil = || parts.to_datetime().ok()?.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
        parts.to_timestamp().ok().or_else(civil)
    })
}

fn iso_date(text: &str) -> Option<Date> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let number =
        |digits: &[u8]| digits.iter().try_fold(0i16, |n, &d| d.is_ascii_digit().then(|| n * 10 + i16::from(d - b'0')));
    let (month, day) = (number(&bytes[5..7])?, number(&bytes[8..10])?);
    Date::new(number(&bytes[..4])?, month as i8, day as i8).ok()
}

fn serial_date(text: &str) -> Option<Date> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().any(|digit| digit != b'0') || whole.len() > 6 {
        return None;
    }
    let days: i64 = whole.parse().ok().filter(|&days| days >= 61)?;
    Date::constant(1899, 12, 30).checked_add(days.days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_any_declared_format() {
        let cases = [
            ("2020-04-07", "%Y-%m-%d", Some("2020-04-07")),
            (" 2020-04-07 ", "%Y-%m-%d", Some("2020-04-07")),
            ("2020-02-30", "%Y-%m-%d", None),
            ("2020-4-07x", "%Y-%m-%d", None),
            ("+202-04-07", "%Y-%m-%d", None),
            ("07/04/2020", "%d/%m/%Y", Some("2020-04-07")),
            ("7/4/2020", "%d/%m/%Y", Some("2020-04-07")),
            ("07/04/2020 x", "%d/%m/%Y", None),
            ("20200407", "%Y%m%d", Some("2020-04-07")),
            ("Friday, April 29, 2022", "%A, %B %d, %Y", Some("2022-04-29")),
            ("Monday, April 29, 2022", "%A, %B %d, %Y", None),
            ("43928", "serial", Some("2020-04-07")),
            ("43928.00", "serial", Some("2020-04-07")),
            ("43928.5", "serial", None),
            ("60", "serial", None),
        ];
        for (text, format, expected) in cases {
            let format = DateFormat::parse(format).unwrap();
            let found = parse_date(text, &[format]).map(|date| date.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
        assert!(DateFormat::parse("%!").is_err());
        assert!(DateFormat::parse("%d/%m").unwrap().reads_dates().is_err());
        assert!(DateFormat::parse("%d/%m/%y").unwrap().reads_dates().is_ok());
        assert!(DateFormat::parse("%d/%m").unwrap().shows_dates().is_ok());
        assert!(DateFormat::parse("%d %Z").unwrap().shows_dates().is_err());
    }

    #[test]
    fn instants_with_and_without_offset() {
        let zone = TimeZone::get("America/Mexico_City").unwrap();
        let cases = [
            ("2026-11-20T18:00:00Z", "", Some("2026-11-20T18:00:00Z")),
            ("2026-11-20 18:00:00", "", Some("2026-11-21T00:00:00Z")),
            ("2026-11-20 18:00:00-03:00", "%Y-%m-%d %H:%M:%S%:z", Some("2026-11-20T21:00:00Z")),
            ("20/11/2026 18:00", "%d/%m/%Y %H:%M", Some("2026-11-21T00:00:00Z")),
            ("yesterday", "", None),
        ];
        for (text, pattern, expected) in cases {
            let patterns: Vec<String> = (!pattern.is_empty()).then(|| pattern.to_owned()).into_iter().collect();
            let found = parse_instant(text, &patterns, &zone).map(|instant| instant.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
    }
}
