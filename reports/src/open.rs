//! Exceptions that are open: carried from filing to filing until a later filing of their day states them no
//! more, or a person has accepted them.
//!
//! What is open follows from the manifests alone, in the order of `LOG`: [`Carried::after`]. From format 3 on each
//! manifest has the whole of it, so that the newest one suffices.

use cuadre_rules::config::Severity;
use cuadre_rules::exception::{Class, Kind};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::predicate::{AmountText, ExceptionFacts, Predicate};

/// What a filing takes over: an input of it, since it follows from the filings before and from what people
/// recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Open exceptions, by business date; of one day in the order in which its filing states them.
    pub open: Vec<Open>,
    /// What people recorded of them.
    pub dispositions: Dispositions,
}

/// An open exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// `<business date>/<id in its filing>`: the same from day to day.
    pub id: String,
    /// The day it is an exception of.
    pub business_date: Date,
    /// Whether it is of what has not come, or of what came.
    pub class: Class,
    /// What kind of gap.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// The source it touches, where it is one source.
    pub source: Option<String>,
    /// Records it touches, where they can be counted.
    pub records: Option<u64>,
    /// The money it touches, where it can be summed.
    pub amount: Option<AmountText>,
    /// In words.
    pub explanation: String,
    /// The filing that states it, such as `2026-11-20.1`: the latest of its day.
    pub filing: String,
    /// What people recorded of it, in order.
    pub dispositions: Vec<Disposition>,
}

/// An open exception of another day, in the manifest of a later filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarriedOver {
    /// Days from its business date to the local date on which the filing is issued.
    pub age_days: i64,
    /// The exception.
    #[serde(flatten)]
    pub open: Open,
}

/// The record of dispositions as far as it is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispositions {
    /// The number of the last one that any filing states; 0 where none does.
    pub recorded: u64,
    /// Those that no filing before states, in order.
    pub new: Vec<Disposition>,
}

/// What a person has decided about an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// Its place among all of the series, counted from 1.
    pub number: u64,
    /// The exception: [`Open::id`].
    pub exception: String,
    /// What is done about it.
    pub disposition: Disposed,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub operator: String,
    /// When it was recorded, in whole seconds.
    pub at: Timestamp,
}

/// What is done about an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disposed {
    /// Somebody looks for the cause.
    Investigating,
    /// The cause is known; what mends it is still to come.
    Awaiting,
    /// It stays as it is. The filing that states this is the last one that has the exception.
    Accepted,
}

impl Disposed {
    /// The word for it in manifest and annex.
    pub fn name(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Awaiting => "awaiting",
            Self::Accepted => "accepted",
        }
    }
}

impl Carried {
    /// What is open after a filing of `date` that states this. It takes the place of every earlier filing of its
    /// day; an exception that is stated again is open again.
    pub fn after(self, date: Date, filing: &str, stated: &Predicate) -> Self {
        let mut open = match &stated.carried_over {
            Some(carried) => carried.iter().map(|carried| carried.open.clone()).collect(),
            None => self.open,
        };
        open.retain(|open| open.business_date != date);
        let gaps = stated.exceptions.iter().filter(|gap| gap.severity > Severity::Note && !gap.kind.is_of_the_run());
        open.extend(gaps.map(|gap| Open::stated(date, filing, stated, gap)));
        open.retain(|open| !open.is_accepted());
        open.sort_by_key(|open| open.business_date);
        let recorded = stated.dispositions.as_ref().map_or(self.dispositions.recorded, |stated| stated.recorded);
        Self { open, dispositions: Dispositions { recorded, new: Vec::new() } }
    }

    /// Adds dispositions that no filing states yet.
    pub fn dispose(&mut self, new: Vec<Disposition>) {
        for disposition in &new {
            let about = self.open.iter_mut().find(|open| open.id == disposition.exception);
            about.into_iter().for_each(|open| open.dispositions.push(disposition.clone()));
        }
        self.dispositions.recorded = new.last().map_or(self.dispositions.recorded, |last| last.number);
        self.dispositions.new = new;
    }

    /// Those of other days than `date`, with their ages on the day `on`.
    pub fn over(&self, date: Date, on: Date) -> Vec<CarriedOver> {
        let others = self.open.iter().filter(|open| open.business_date != date);
        others.map(|open| CarriedOver { age_days: open.age_days(on), open: open.clone() }).collect()
    }

    /// What was recorded of an exception of `date` that an earlier filing of the day states, too.
    pub fn dispositions_of(&self, date: Date, id: &str) -> Vec<Disposition> {
        let id = open_id(date, id);
        let open = self.open.iter().find(|open| open.id == id);
        open.map(|open| open.dispositions.clone()).unwrap_or_default()
    }
}

impl Open {
    fn stated(date: Date, filing: &str, stated: &Predicate, gap: &ExceptionFacts) -> Self {
        let is_stated = |id: &str| stated.exceptions.iter().any(|gap| gap.id == id);
        Self {
            id: open_id(date, &gap.id),
            business_date: date,
            class: gap.class.unwrap_or_else(|| gap.kind.class(gap.source.as_deref(), is_stated)),
            kind: gap.kind,
            severity: gap.severity,
            source: gap.source.clone(),
            records: gap.records,
            amount: gap.amount.clone(),
            explanation: gap.explanation.clone(),
            filing: filing.to_owned(),
            dispositions: gap.dispositions.clone().unwrap_or_default(),
        }
    }

    /// Whole days from its business date to `on`.
    pub fn age_days(&self, on: Date) -> i64 {
        on.duration_since(self.business_date).as_hours() / 24
    }

    /// Whether the last word about it is that it stays as it is.
    fn is_accepted(&self) -> bool {
        self.dispositions.last().is_some_and(|last| last.disposition == Disposed::Accepted)
    }
}

fn open_id(date: Date, id: &str) -> String {
    format!("{date}/{id}")
}

#[cfg(test)]
mod tests;
