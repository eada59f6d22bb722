//! The institution's calendar: which days owe a filing, and until when.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::DateTime};

use crate::layout::FilingDate;

/// Which days owe a filing, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    deadline: Time,
    zone_name: String,
    zone: TimeZone,
    closed: BTreeSet<Closed>,
}

/// Days on which nothing is owed. Weekdays come before dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// Every such day of the week, counted from Monday, 0, to Sunday, 6.
    Weekday(u8),
    /// This day.
    Date(FilingDate),
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Calendar {
    /// A filing is due at the local time `deadline`, whole minutes, on the day after its date, in
    /// the IANA time zone `zone`; `None` where there is no such zone.
    pub fn new(deadline: Time, zone: &str, closed: impl IntoIterator<Item = Closed>) -> Option<Self> {
        let found = TimeZone::get(zone).ok().filter(|found| found.iana_name() == Some(zone))?;
        let deadline = Time::new(deadline.hour(), deadline.minute(), 0, 0).ok()?;
        Some(Calendar { deadline, zone_name: zone.to_owned(), zone: found, closed: closed.into_iter().collect() })
    }

    /// Does this day owe a filing?
    pub fn is_open(&self, day: FilingDate) -> bool {
        let weekday = day.civil().weekday();
        !self.closed.contains(&Closed::Date(day)) && !self.closed.contains(&Closed::of(weekday))
    }

    /// When the filing of a day is due; `None` past the end of the calendar.
    pub fn deadline_of(&self, day: FilingDate) -> Option<Timestamp> {
        let due: DateTime = day.civil().tomorrow().ok()?.to_datetime(self.deadline);
        Some(due.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    /// The days on which nothing is owed.
    pub fn closed(&self) -> impl Iterator<Item = &Closed> {
        self.closed.iter()
    }

    /// `06:00 America/Mexico_City`.
    pub fn deadline_text(&self) -> String {
        format!("{} {}", self.deadline.strftime("%H:%M"), self.zone_name)
    }

    /// Reads what [`Calendar::deadline_text`] writes.
    pub fn parse(deadline: &str, closed: impl IntoIterator<Item = Closed>) -> Option<Self> {
        let (time, zone) = deadline.split_once(' ')?;
        let calendar = Self::new(Time::strptime("%H:%M", time).ok()?, zone, closed)?;
        (calendar.deadline_text() == deadline).then_some(calendar)
    }
}

impl Closed {
    fn of(weekday: Weekday) -> Self {
        Closed::Weekday(weekday.to_monday_zero_offset().unsigned_abs())
    }
}

/// `saturday`, or `2026-12-25`.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::Weekday(day) => f.write_str(WEEKDAYS.get(usize::from(*day)).ok_or(fmt::Error)?),
            Closed::Date(date) => write!(f, "{date}"),
        }
    }
}

impl FromStr for Closed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match WEEKDAYS.iter().position(|name| *name == text) {
            Some(day) => Ok(Closed::Weekday(u8::try_from(day).map_err(drop)?)),
            None => Ok(Closed::Date(text.parse().map_err(drop)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> FilingDate {
        text.parse().unwrap()
    }

    #[test]
    fn weekends_and_holidays_owe_nothing() {
        let closed = ["sunday", "saturday", "2026-12-25"].map(|text| text.parse::<Closed>().unwrap());
        let calendar = Calendar::parse("06:00 America/Mexico_City", closed).unwrap();
        // 2026-11-21 is a Saturday.
        let open = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-12-25", "2027-12-24"];
        assert_eq!(open.map(|text| calendar.is_open(day(text))), [true, false, false, true, false, true]);
        let closed: Vec<String> = calendar.closed().map(Closed::to_string).collect();
        assert_eq!(closed, ["saturday", "sunday", "2026-12-25"]);
    }

    #[test]
    fn a_filing_is_due_on_the_morning_after_by_local_time() {
        let due = |text: &str, date: &str| Calendar::parse(text, []).unwrap().deadline_of(day(date)).unwrap();
        assert_eq!(due("06:00 America/Mexico_City", "2026-11-20").to_string(), "2026-11-21T12:00:00Z");
        assert_eq!(due("06:00 Europe/Madrid", "2026-06-30").to_string(), "2026-07-01T04:00:00Z");
        assert_eq!(due("23:30 UTC", "2026-12-31").to_string(), "2027-01-01T23:30:00Z");
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        for text in [
            "",
            "06:00",
            "6:00 UTC",
            "06:00  UTC",
            "25:00 UTC",
            "06:00 Mars/Olympus",
            "06:00 UTC ",
            "06:00 america/mexico_city",
        ] {
            assert!(Calendar::parse(text, []).is_none(), "{text:?}");
        }
        for text in ["", "Sunday", "2026-02-30", "sun"] {
            assert!(text.parse::<Closed>().is_err(), "{text:?}");
        }
    }
}
