//! What each source usually sends on this day of the week, by the series' own signed manifests.
//!
//! What differs from it much is told before the deadline, when there still is time to ask the source. It is not
//! filed: the same inputs make the same filing, whatever the history says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use cuadre_audit::{FilingId, Series};
use cuadre_reports::predicate::SourceFacts;
use cuadre_rules::Config;
use cuadre_rules::config::EarlyWarning;
use cuadre_rules::day::Day;
use cuadre_rules::money::{Currency, Total, Totals, at_own_scale};
use cuadre_rules::said;
use cuadre_rules::said::{RECORD, Said, counted};
use cuadre_rules::usual::Range;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::error::EngineError;
use crate::manifest::{Filed, filing_date};
use crate::store::Working;
use crate::telling::{Telling, What};

/// What the sources of a series usually send on the day of the week of a business date.
pub struct Usual {
    setting: EarlyWarning,
    /// `on a Friday`.
    on: Said,
    past: BTreeMap<String, Past>,
}

/// What a source sent on past days, the last first.
#[derive(Default)]
struct Past {
    records: Vec<u64>,
    amounts: Vec<Totals>,
}

impl Usual {
    /// Nothing is known to be usual on `date`.
    pub fn unknown(config: &Config, date: Date) -> Self {
        Self { setting: config.early_warning.clone(), on: on(date), past: BTreeMap::new() }
    }

    /// Learns it from the latest filings of the same weekdays before `date`. A filing that cannot be read says
    /// nothing; `verify` is there to tell.
    ///
    /// # Errors
    /// [`EngineError`] where the bucket that the series is in is away. No night needs to stop for it.
    pub fn of(working: &Working, config: &Config, date: Date) -> Result<Self, EngineError> {
        let mut usual = Self::unknown(config, date);
        let series = Series::at(working.folder());
        // A series that cannot be read is told by the night, which opens it next.
        let filings = same_weekdays(&series, date, config.early_warning.weeks).unwrap_or_default();
        working.bring_manifests(&filings)?;
        for filed in filings.into_iter().filter_map(|id| Filed::read(&series, id).ok()) {
            let day = &filed.statement().predicate.predicate;
            if day.no_movements.as_ref().is_none_or(Option::is_none) {
                day.sources.iter().for_each(|source| usual.learn(source, config.scale()));
            }
        }
        Ok(usual)
    }

    /// What is unusual of a source that sent so many records, with this sum: in words, nothing where all of it is
    /// usual or too little is known of the past.
    pub fn judge(&self, source: &str, records: u64, amount: &Totals) -> Vec<Said> {
        let Some(past) = self.past.get(source) else { return Vec::new() };
        let on = &self.on;
        let usually = |sent: Said, range: Said| said!("{sent}, usually {range} {on}", "{sent}; lo habitual {on} es {range}"; sent, range, on);
        let range = Range::of_records(&past.records, &self.setting).filter(|range| !range.contains(records.into()));
        let records_words = range.map(|range| usually(counted(records, RECORD), between(range.least, range.most)));
        // Without records there is nothing to add up.
        let currencies = if records == 0 { BTreeSet::new() } else { past.currencies(amount) };
        let amounts = currencies.into_iter().filter_map(|currency| {
            let sums: Vec<i128> = past.amounts.iter().map(|totals| totals.minor(currency)).collect();
            let range = Range::of_amounts(&sums, &self.setting)?;
            let sum = amount.minor(currency);
            let shown = |minor| at_own_scale(currency, minor, amount.scale());
            let sent = || Said::same(format!("{} {currency}", shown(sum)));
            (!range.contains(sum)).then(|| usually(sent(), between(shown(range.least), shown(range.most))))
        });
        records_words.into_iter().chain(amounts).collect()
    }

    /// Tells what is unusual of the sources of a judged day, and gives it for the screen. What is missing or could not
    /// be read is a gap, which is more.
    pub fn tell(&self, telling: &Telling<'_>, day: &Day) -> Vec<String> {
        let loaded = day.sources.iter().filter(|source| source.state.is_loaded() && day.no_movements.is_none());
        loaded.flat_map(|source| self.tell_of(telling, &source.id, source.records, &source.amount)).collect()
    }

    /// Tells what is unusual of one source, and gives it for the screen.
    pub fn tell_of(&self, telling: &Telling<'_>, source: &str, records: u64, amount: &Totals) -> Vec<String> {
        let unusual = self.judge(source, records, amount);
        unusual.iter().for_each(|words| telling.tell(&What::Unusual { source, words }));
        unusual.iter().map(|words| format!("{source}: {}", words.en)).collect()
    }

    fn learn(&mut self, source: &SourceFacts, scale: u32) {
        if !matches!(source.state.as_str(), "received" | "late") {
            return;
        }
        let mut amount = Totals::new(scale);
        for (code, text) in &source.amount {
            let parsed = (code.parse::<Currency>().ok()).zip(Total::parse(text, scale));
            // A day in currencies or decimals that are no longer configured is not comparable.
            let Some((currency, total)) = parsed else { return };
            if amount.add(currency, total.minor).is_err() {
                return;
            }
        }
        let past = self.past.entry(source.id.clone()).or_default();
        past.records.push(source.records);
        past.amounts.push(amount);
    }
}

impl Past {
    /// The currencies of today and of the past.
    fn currencies(&self, today: &Totals) -> BTreeSet<Currency> {
        let totals = self.amounts.iter().chain([today]);
        totals.flat_map(|totals| totals.iter().map(|(currency, _)| currency)).collect()
    }
}

/// The latest filings of the same weekday in so many weeks before a day, the last week first.
fn same_weekdays(series: &Series, date: Date, weeks: u8) -> Result<Vec<FilingId>, EngineError> {
    let mut latest = BTreeMap::new();
    if weeks > 0 {
        latest.extend(series.filings()?.into_iter().map(|filed| filed.id).map(|id| (id.date(), id.number())));
    }
    let before = (1..=i64::from(weeks)).filter_map(|week| date.checked_sub((7 * week).days()).ok());
    let of_day = |day| {
        let day = filing_date(day).ok()?;
        FilingId::new(day, *latest.get(&day)?)
    };
    Ok(before.filter_map(of_day).collect())
}

fn between<T: PartialEq + Display>(least: T, most: T) -> Said {
    match least == most {
        true => Said::same(least.to_string()),
        false => said!("{least} to {most}", "de {least} a {most}"),
    }
}

/// On days of the same name.
fn on(date: Date) -> Said {
    let (en, es) = match date.weekday() {
        Weekday::Monday => ("Monday", "lunes"),
        Weekday::Tuesday => ("Tuesday", "martes"),
        Weekday::Wednesday => ("Wednesday", "miércoles"),
        Weekday::Thursday => ("Thursday", "jueves"),
        Weekday::Friday => ("Friday", "viernes"),
        Weekday::Saturday => ("Saturday", "sábados"),
        Weekday::Sunday => ("Sunday", "domingos"),
    };
    said!("on a {en}", "los {es}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MXN: &str = "MXN";

    fn totals(minor: i128) -> Totals {
        let mut totals = Totals::new(2);
        totals.add(MXN.parse().unwrap(), minor).unwrap();
        totals
    }

    fn usual(past: &[(u64, i128)]) -> Usual {
        let (records, amounts) = past.iter().map(|&(records, minor)| (records, totals(minor))).unzip();
        let past = BTreeMap::from([("a".to_owned(), Past { records, amounts })]);
        Usual { setting: EarlyWarning::default(), on: on(Date::constant(2026, 11, 20)), past }
    }

    fn in_words(unusual: &[Said]) -> Vec<(&str, &str)> {
        unusual.iter().map(|words| (words.en.as_str(), words.es.as_str())).collect()
    }

    #[test]
    fn what_is_unusual_is_told_in_words() {
        let usual = usual(&[(100, 5_000), (100, 5_000), (110, 5_500), (100, 5_000)]);
        assert_eq!(usual.judge("a", 100, &totals(5_100)), []);
        assert_eq!(
            in_words(&usual.judge("a", 33, &totals(1_650))),
            [
                ("33 records, usually 80 to 120 on a Friday", "33 registros; lo habitual los viernes es de 80 a 120"),
                (
                    "16.50 MXN, usually 40.00 to 60.00 on a Friday",
                    "16.50 MXN; lo habitual los viernes es de 40.00 a 60.00"
                )
            ]
        );
        let none = usual.judge("a", 0, &totals(0));
        assert_eq!(none.len(), 1);
        assert_eq!(none[0].en, "0 records, usually 80 to 120 on a Friday");
        assert_eq!(usual.judge("b", 0, &totals(0)), []);
    }

    #[test]
    fn a_currency_that_is_new_is_unusual() {
        let usual = usual(&[(10, 100), (10, 100), (10, 100), (10, 100)]);
        let mut today = totals(100);
        today.add("USD".parse().unwrap(), 1).unwrap();
        let words = ("0.01 USD, usually 0.00 on a Friday", "0.01 USD; lo habitual los viernes es 0.00");
        assert_eq!(in_words(&usual.judge("a", 10, &today)), [words]);
    }
}
