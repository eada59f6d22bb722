//! Numbers, dates, times and sizes as people of the configured language write them.

use cuadre_rules::config::Language;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::line::is_plain_decimal;

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// A language, and the zone of times.
#[derive(Debug, Clone)]
pub struct Locale {
    /// The language.
    pub language: Language,
    /// The zone.
    pub zone: TimeZone,
}

impl Locale {
    /// The tag of the language, as HTML has it.
    pub fn tag(&self) -> &'static str {
        self.pick("en", "es-MX")
    }

    /// The one of two texts that is in the language.
    pub fn pick<T>(&self, english: T, spanish: T) -> T {
        match self.language {
            Language::English => english,
            Language::Spanish => spanish,
        }
    }

    /// A decimal text with its digits in groups of three, such as `-1,234,567.89`; any other text as it is.
    pub fn amount(&self, text: &str) -> String {
        if !is_plain_decimal(text) {
            return text.to_owned();
        }
        let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
        let (whole, fraction) = unsigned.split_at(unsigned.find('.').unwrap_or(unsigned.len()));
        format!("{sign}{}{fraction}", grouped(whole))
    }

    /// A count, such as `28,647`.
    pub fn number(&self, number: u64) -> String {
        grouped(&number.to_string())
    }

    /// A date in words: `20 November 2026`, `20 de noviembre de 2026`.
    pub fn date(&self, date: Date) -> String {
        let (day, year, month) = (date.day(), date.year(), self.month(date));
        self.pick(format!("{day} {month} {year}"), format!("{day} de {month} de {year}"))
    }

    /// A date in few words: `20 Nov 2026`, `20 nov 2026`.
    pub fn short_date(&self, date: Date) -> String {
        format!("{} {}", self.day_and_month(date), date.year())
    }

    /// Day and month: `20 Nov`, `20 nov`.
    pub fn day_and_month(&self, date: Date) -> String {
        format!("{} {}", date.day(), self.month(date).get(..3).unwrap_or_default())
    }

    /// The local time of an instant: `04:12`.
    pub fn time(&self, instant: Timestamp) -> String {
        let local = instant.to_zoned(self.zone.clone());
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    /// The local date and time of an instant: `21 Nov 2026, 04:12`.
    pub fn moment(&self, instant: Timestamp) -> String {
        format!("{}, {}", self.short_date(self.local_date(instant)), self.time(instant))
    }

    /// The local date of an instant.
    pub fn local_date(&self, instant: Timestamp) -> Date {
        instant.to_zoned(self.zone.clone()).date()
    }

    /// A length of time in whole minutes, from two minutes on in its two largest units: `3 h 5 min`.
    pub fn span(&self, seconds: u64) -> String {
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        let day = self.pick(if days == 1 { "day" } else { "days" }, if days == 1 { "día" } else { "días" });
        match (days, hours, minutes) {
            (0, 0, 0) => self.pick("less than a minute", "menos de un minuto").to_owned(),
            (0, 0, minutes) => format!("{minutes} min"),
            (0, hours, 0) => format!("{hours} h"),
            (0, hours, minutes) => format!("{hours} h {minutes} min"),
            (days, 0, _) => format!("{} {day}", self.number(days)),
            (days, hours, _) => format!("{} {day} {hours} h", self.number(days)),
        }
    }

    /// A size in units of a thousand, with one decimal, rounded down: `1.2 MB`.
    pub fn size(&self, bytes: u64) -> String {
        const UNITS: [(u64, &str); 4] =
            [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
        match UNITS.iter().find(|(size, _)| bytes >= *size) {
            Some((size, unit)) => {
                format!("{}.{} {unit}", grouped(&(bytes / size).to_string()), bytes % size / (size / 10))
            }
            None => format!("{bytes} B"),
        }
    }

    fn month(&self, date: Date) -> &'static str {
        let months = self.pick(&MONTHS_EN, &MONTHS_ES);
        usize::try_from(date.month() - 1).ok().and_then(|month| months.get(month)).unwrap_or(&"")
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn locale(language: Language) -> Locale {
        Locale { language, zone: TimeZone::get("America/Mexico_City").unwrap() }
    }

    #[test]
    fn what_people_read() {
        let (en, es) = (locale(Language::English), locale(Language::Spanish));
        let date = jiff::civil::date(2026, 11, 20);
        let instant: Timestamp = "2026-11-21T10:12:59Z".parse().unwrap();
        let cases = [
            (en.date(date), "20 November 2026"),
            (es.date(date), "20 de noviembre de 2026"),
            (en.short_date(date), "20 Nov 2026"),
            (es.short_date(jiff::civil::date(2026, 1, 2)), "2 ene 2026"),
            (en.time(instant), "04:12"),
            (es.moment(instant), "21 nov 2026, 04:12"),
            (es.moment("2026-11-21T05:59:59Z".parse().unwrap()), "20 nov 2026, 23:59"),
            (en.number(0), "0"),
            (en.number(28_647), "28,647"),
            (es.amount("-1234567.89"), "-1,234,567.89"),
            (es.amount("123456"), "123,456"),
            (es.amount("-0.01"), "-0.01"),
            (es.amount("1e5"), "1e5"),
            (es.amount("'=1"), "'=1"),
            (en.size(999), "999 B"),
            (en.size(1_000), "1.0 kB"),
            (en.size(1_999_999), "1.9 MB"),
            (en.size(u64::MAX), "18,446,744.0 TB"),
            (en.span(59), "less than a minute"),
            (en.span(1_200), "20 min"),
            (en.span(3_600), "1 h"),
            (es.span(4_800), "1 h 20 min"),
            (en.span(86_400), "1 day"),
            (es.span(2 * 86_400 + 3_700), "2 días 1 h"),
        ];
        for (text, expected) in cases {
            assert_eq!(text, expected);
        }
    }

    proptest! {
        #[test]
        fn groups_change_no_digit(text in "-?[0-9]{1,40}(\\.[0-9]{1,6})?") {
            let shown = locale(Language::Spanish).amount(&text);
            prop_assert_eq!(shown.replace(',', ""), text);
            let whole = shown.trim_start_matches('-').split('.').next().unwrap();
            let mut groups = whole.split(',');
            prop_assert!((1..=3).contains(&groups.next().unwrap().len()));
            prop_assert!(groups.all(|group| group.len() == 3));
        }
    }
}
