//! What a rule leaves to the filing of the next day, and takes over from the one of the day before: closing
//! balances, last numbers, movements that wait for their other.

use std::borrow::Cow;

use jiff::civil::Date;

use super::Given;
use crate::end_to_end::Place;
use crate::money::Currency;
use crate::said;
use crate::said::Said;

/// One thing that a rule leaves to the next filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carry {
    /// Names and values that tell it from the others of its rule, such as those of its group.
    pub values: Vec<(Cow<'static, str>, String)>,
    /// The money it is about, in units of the day's scale.
    pub amount: Option<(Currency, i128)>,
    /// The business date it stems from.
    pub since: Date,
    /// The movement, where it is one.
    pub origin: Option<Origin>,
}

impl Carry {
    /// The values, where they have these names.
    pub fn values_of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<Vec<&str>> {
        let same = self.values.iter().map(|(name, _)| &**name).eq(names);
        same.then(|| self.values.iter().map(|(_, value)| value.as_str()).collect())
    }
}

/// Where a movement lies that is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Among those of the day that is judged.
    Today(Place),
    /// In an earlier filing.
    Earlier(Located),
}

/// A movement of an earlier filing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located {
    /// The filing, such as `2026-11-20.1`.
    pub filing: String,
    /// The source.
    pub source: String,
    /// The name of its input file.
    pub file: String,
    /// 1-based record number.
    pub record: u64,
}

/// The latest filing of the last day that was filed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before<'a> {
    /// Which one, such as `2026-11-20.1`.
    pub filing: &'a str,
    /// Its business date.
    pub date: Date,
    /// The first day between the two that owes a filing, and has none.
    pub missed: Option<Date>,
}

/// Reads the `carried_from` of a rule.
pub(super) fn day(text: &str) -> Result<Date, Said> {
    let date: Option<Date> = text.parse().ok();
    date.filter(|date| date.to_string() == text).ok_or_else(|| {
        said!(
            "`carried_from` is `{text}`, no date: write it as 2026-11-20",
            "`carried_from` es `{text}`, que no es una fecha: escríbala como 2026-11-20"
        )
    })
}

/// The filing that a rule takes over from: none on the day from which it carries. Later the rule cannot be evaluated
/// without one, since what it would begin with is not known.
pub(super) fn before<'a>(carried_from: Date, given: Given<'a>) -> Result<Option<Before<'a>>, Said> {
    if given.business_date < carried_from {
        return Err(said!("it carries from {carried_from} on", "arrastra a partir del {carried_from}"));
    }
    if given.business_date == carried_from {
        return Ok(None);
    }
    given.before.map(Some).map_err(|why| {
        let why = why.clone();
        said!(
            "{why}; run that day again and then this one, or let the rule begin anew with a later `carried_from`",
            "{why}; vuelva a ejecutar ese día y después este, o haga que la regla comience de nuevo con un \
             `carried_from` posterior"; why
        )
    })
}

/// Why a rule cannot take over what was carried: it has changed since.
pub(super) fn other_values(filing: &str) -> Said {
    said!(
        "{filing} carries other values than the rule has now: was the rule changed? Run that day again, or let the \
         rule begin anew with a later `carried_from`",
        "{filing} arrastra valores distintos a los que la regla tiene ahora: ¿cambió la regla? Vuelva a ejecutar ese \
         día, o haga que la regla comience de nuevo con un `carried_from` posterior"
    )
}
