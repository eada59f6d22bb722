//! What happens in a night, and who is told of it.
//!
//! The night tells each thing once, here; listeners make of it a line of a log, a message to people, a
//! metric, or an event for other machines. Nothing that is filed depends on whether anyone listens.

use std::time::Duration;

use cuadre_rules::config::Severity;
use cuadre_rules::day::Day;
use cuadre_rules::money::Totals;
use cuadre_rules::said::Said;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::clock::Clock;
use crate::error::exit;
use crate::night::{Filing, NotFiled};

/// Something that has happened.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// When.
    pub at: Timestamp,
    /// In the night of which day.
    pub business_date: Date,
    /// What.
    pub what: &'a What<'a>,
}

/// What can happen.
pub enum What<'a> {
    /// A run of the night begins. The deadline is its filing's.
    Begun {
        /// When the filing is due.
        deadline: Timestamp,
    },
    /// A stage begins.
    Stage(Stage),
    /// The files of a source, or of the warehouse, are there and whole.
    Received {
        /// Whose; empty for the warehouse.
        source: &'a str,
        /// How many.
        files: u64,
        /// Their size together.
        bytes: u64,
    },
    /// A source is loaded.
    Loaded {
        /// Which.
        source: &'a str,
        /// Records read, rejected ones included.
        records: u64,
        /// Records refused.
        rejected_records: u64,
        /// Sum of the accepted movements.
        amount: &'a Totals,
    },
    /// A source, or the warehouse, has not come when it usually does.
    Overdue {
        /// Whose; empty for the warehouse.
        source: &'a str,
        /// By when it was expected.
        expected: Timestamp,
    },
    /// A source, or the warehouse, has not come by its cut-off; the night goes on without it.
    Missed {
        /// Whose; empty for the warehouse.
        source: &'a str,
        /// Its cut-off, or the last moment at which reporting could begin.
        cut_off: Timestamp,
    },
    /// A source differs much from what it is on this day of the week.
    Unusual {
        /// Which.
        source: &'a str,
        /// What is unusual.
        words: &'a Said,
    },
    /// Something that the night needs is away, and is tried again.
    Away {
        /// What: `warehouse`, `archive`, or a database of a source.
        service: &'a str,
        /// Why.
        why: &'a str,
        /// How long until the next try.
        pause: Duration,
    },
    /// The night goes on without something that is away: the policy says so.
    Without {
        /// What: `warehouse`, `archive`, or a database of a source.
        service: &'a str,
        /// Why.
        why: &'a str,
    },
    /// The deadline is near, and the day is not filed.
    DeadlineNear {
        /// The deadline.
        deadline: Timestamp,
        /// The sources that are still awaited.
        awaited: &'a [&'a str],
    },
    /// The day is filed, or was before.
    Filed(&'a Filing),
    /// The policy does not let it be filed.
    NotFiled(&'a NotFiled),
    /// A time stamping authority did not stamp the filing's signature.
    Unstamped {
        /// The authority.
        authority: &'a str,
        /// Why not.
        why: &'a str,
    },
    /// The run ended without a filing for another reason.
    Failed {
        /// With this exit code.
        exit_code: u8,
        /// Why.
        why: &'a str,
    },
}

/// A stage of the night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// For sources and the warehouse, until they are there or their cut-off.
    Wait,
    /// Raw bytes go into the archive.
    Receive,
    /// Raw bytes become movements, and both sides are compared.
    Reconcile,
    /// The judged day becomes files.
    Report,
    /// The files become a filing.
    File,
}

impl Stage {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Receive => "receive",
            Self::Reconcile => "reconcile",
            Self::Report => "report",
            Self::File => "file",
        }
    }
}

impl What<'_> {
    /// The exit code of the run, if this is its end.
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            Self::Filed(filing) => Some(exit::of_filing(filing.status)),
            Self::NotFiled(_) => Some(exit::NOT_FILED),
            Self::Failed { exit_code, .. } => Some(*exit_code),
            _ => None,
        }
    }

    /// How much it matters; `None` for what only is a step of the way.
    pub fn severity(&self) -> Option<Severity> {
        match self {
            Self::Begun { .. } | Self::Stage(_) | Self::Received { .. } | Self::Loaded { .. } => None,
            Self::Away { .. } => Some(Severity::Note),
            Self::Overdue { .. } | Self::Unusual { .. } | Self::Unstamped { .. } => Some(Severity::Minor),
            Self::Missed { .. } | Self::Without { .. } => Some(Severity::Major),
            Self::DeadlineNear { .. } | Self::NotFiled(_) | Self::Failed { .. } => Some(Severity::Critical),
            Self::Filed(filing) => {
                let gaps = filing.day.exceptions.iter().map(|gap| gap.severity);
                Some(gaps.max().unwrap_or(Severity::Note))
            }
        }
    }
}

/// What a source is called where it is told of; the warehouse has no id.
pub fn named(source: &str) -> &str {
    if source.is_empty() { "the warehouse" } else { source }
}

/// Someone who is told.
pub trait Listener: Sync {
    /// Is told. What goes wrong in passing it on is the listener's to deal with.
    fn hear(&self, event: &Event<'_>);
}

/// Tells the listeners of one night.
pub struct Telling<'a> {
    /// The night's clock.
    pub clock: Clock,
    business_date: Date,
    listeners: Vec<&'a dyn Listener>,
}

impl<'a> Telling<'a> {
    /// Tells of the night of `business_date`.
    pub fn new(clock: Clock, business_date: Date, listeners: Vec<&'a dyn Listener>) -> Self {
        Self { clock, business_date, listeners }
    }

    /// Tells what each source of the judged day held.
    pub fn loaded(&self, day: &Day) {
        for source in day.sources.iter().filter(|source| source.state.is_loaded()) {
            let (records, rejected_records) = (source.records, source.rejected_records);
            self.tell(&What::Loaded { source: &source.id, records, rejected_records, amount: &source.amount });
        }
    }

    /// Tells of something that happens now.
    pub fn tell(&self, what: &What<'_>) {
        let event = Event { at: self.clock.now(), business_date: self.business_date, what };
        self.listeners.iter().for_each(|listener| listener.hear(&event));
    }
}
