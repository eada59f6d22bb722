//! Waiting for a night's sources and warehouse.
//!
//! Every few seconds each is looked at. It is there once all of it is, and has been the same for a while;
//! what then still changes is awaited again. The night goes on when all are there or past their cut-offs,
//! and at the latest when reporting must begin.

pub mod keeper;
pub mod look;

use std::collections::BTreeMap;
use std::time::Duration;

use cuadre_rules::Config;
use cuadre_rules::config::source::Control;
use cuadre_rules::config::time_of_day;
use cuadre_rules::said;
use cuadre_rules::said::Said;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::database::Fault;
use crate::error::EngineError;
use crate::manifest::morning_after;
use crate::stop;
use crate::store::{Lying, LyingFile};
use crate::telling::{Stage, Telling, What};
use crate::work::{Awaited, Awaiting, Seen};
use keeper::Keeper;
use look::{Looked, Looking};

/// A source whose files were still being written, or were not all there, when the night had to go on, with
/// why it is left out. Empty for the warehouse.
pub type Unfinished = BTreeMap<String, Said>;

/// What a night awaits, before anything has come: its sources, in order, and the warehouse.
pub fn awaited(config: &Config, date: Date, last_safe_start: Timestamp) -> Result<Vec<Awaited>, EngineError> {
    let at = |text: &Option<String>| -> Result<Option<Timestamp>, EngineError> {
        let time = text.as_deref().and_then(time_of_day);
        time.map(|time| morning_after(config, date, time)).transpose()
    };
    let one = |source: &str, expected: &Option<String>, cut_off: &Option<String>| -> Result<Awaited, EngineError> {
        Ok(Awaited {
            source: source.to_owned(),
            expected: at(expected)?,
            cut_off: at(cut_off)?.unwrap_or(last_safe_start).min(last_safe_start),
            state: Awaiting::Awaited,
            files: Vec::new(),
            received_at: None,
            records: None,
        })
    };
    let sources = config.sources.iter().map(|source| one(&source.id, &source.expected, &source.cut_off));
    let warehouse = &config.waiting.warehouse;
    sources.chain([one("", &warehouse.expected, &warehouse.cut_off)]).collect()
}

/// Waits until the night must go on. `arrived` is called once for each source that is there and whole, and may
/// take its time.
pub fn wait(
    looking: &Looking<'_>,
    telling: &Telling<'_>,
    keeper: &Keeper,
    mut arrived: impl FnMut(&str, Timestamp),
) -> Result<Unfinished, EngineError> {
    telling.tell(&What::Stage(Stage::Wait));
    let poll = Duration::from_secs(looking.config.waiting.poll_seconds.into());
    let mut lying = None;
    let mut watch = Watch { looking, telling, trusting: !keeper.is_resumed(), before: None, away: BTreeMap::new() };
    loop {
        stop::unless_asked(Stage::Receive.name())?;
        let now = telling.clock.now();
        let mut state = keeper.state();
        watch.landing(&mut lying)?;
        for (n, awaited) in state.awaited.iter_mut().enumerate() {
            if watch.look(n, awaited, lying.as_ref(), now)? {
                arrived(&awaited.source, now);
            }
        }
        watch.before = Some(now);
        keeper.change(|kept| {
            for (kept, seen) in kept.awaited.iter_mut().zip(state.awaited) {
                *kept = Awaited { records: kept.records, ..seen };
            }
            kept.updated_at = now;
        });
        let state = keeper.state();
        // What is first seen after its cut-off is given the time in which it proves to be whole.
        let needed = looking.config.waiting.stable_seconds.saturating_add(looking.config.waiting.poll_seconds);
        let proven = state.started_at.saturating_add(Duration::from_secs(needed.into())).map_err(EngineError::bug)?;
        let end = |awaited: &Awaited| match awaited.files.is_empty() {
            true => awaited.cut_off,
            false => awaited.cut_off.max(proven.min(state.deadline)),
        };
        let is_settled = |awaited: &&Awaited| awaited.state == Awaiting::Received || now >= end(awaited);
        let open: Vec<&Awaited> = state.awaited.iter().filter(|awaited| !is_settled(awaited)).collect();
        if open.is_empty() {
            if now >= state.last_safe_start {
                watch.deadline_near(&state.awaited, state.deadline);
            }
            return Ok(unfinished(&state.awaited));
        }
        // Looks fall on the same moments whenever a run begins, and on each cut-off.
        let into = u64::try_from(now.as_second()).unwrap_or_default() % poll.as_secs();
        let next = open.iter().map(|awaited| telling.clock.until(end(awaited))).min().unwrap_or(poll);
        telling.clock.pause((poll - Duration::from_secs(into)).min(next).max(Duration::from_millis(10)));
    }
}

/// The files that had come in part when the night went on.
fn unfinished(awaited: &[Awaited]) -> Unfinished {
    let missed = awaited.iter().filter(|awaited| awaited.state == Awaiting::Missed && !awaited.files.is_empty());
    let words = |awaited: &Awaited| {
        let last = awaited.files.iter().max_by_key(|file| file.since).map(|file| {
            let Seen { name, bytes, since, .. } = file;
            said!(
                "{name} was still being written at the cut-off ({bytes} bytes, the same only since {since})",
                "{name} todavía se estaba escribiendo a la hora de corte ({bytes} bytes, sin cambios apenas desde {since})"
            )
        });
        (awaited.source.clone(), last.unwrap_or_default())
    };
    missed.map(words).collect()
}

struct Watch<'a> {
    looking: &'a Looking<'a>,
    telling: &'a Telling<'a>,
    /// Whether the first look takes the time of a file's last change for since when it has been the same.
    trusting: bool,
    /// When it was looked last.
    before: Option<Timestamp>,
    /// What is away, by name, with why.
    away: BTreeMap<String, String>,
}

impl Watch<'_> {
    /// Finds the landing place, which may be away for a while.
    fn landing(&mut self, lying: &mut Option<Lying>) -> Result<(), EngineError> {
        let there = match self.looking.data.folder() {
            Some(folder) => folder.is_dir(),
            None => true,
        };
        if !there {
            *lying = None;
            let why = format!("the data folder {} is not there; check the mount", self.looking.data);
            self.is_away("landing", &why);
            return Ok(());
        }
        if lying.is_none() {
            *lying = Some(Lying::at(self.looking.data)?);
        }
        self.away.remove("landing");
        Ok(())
    }

    fn is_away(&mut self, service: &str, why: &str) {
        let known = self.away.insert(service.to_owned(), why.to_owned());
        if known.as_deref() != Some(why) {
            let pause = Duration::from_secs(self.looking.config.waiting.poll_seconds.into());
            self.telling.tell(&What::Away { service, why, pause });
            eprintln!("  {service}: {why}; looking again every {} s", pause.as_secs());
        }
    }

    /// Looks at one source, or at the warehouse past the last of them; whether it is there since this look.
    fn look(
        &mut self,
        n: usize,
        awaited: &mut Awaited,
        lying: Option<&Lying>,
        now: Timestamp,
    ) -> Result<bool, EngineError> {
        let source = self.looking.config.sources.get(n);
        let name = if awaited.source.is_empty() { "warehouse" } else { &awaited.source }.to_owned();
        let looked = match (lying, source) {
            (None, _) => Ok(Ok(Looked::Files { files: Vec::new(), all: false })),
            (Some(lying), Some(source)) => self.looking.source(lying, source),
            (Some(lying), None) => self.looking.warehouse(lying),
        };
        let looked = match looked {
            Err(error) if error.exit_code() == crate::exit::PASSING_FAULT => Err(error.to_string()),
            Err(error) => return Err(error),
            Ok(looked) => looked.map_err(|Fault { words, .. }| words),
        };
        let state = match looked {
            Ok(Looked::Files { files, all }) => {
                self.away.remove(&name);
                self.files(awaited, files, all, source.is_some_and(|source| has_sidecar(&source.control)), now)
            }
            Ok(Looked::Rows(all)) => {
                self.away.remove(&name);
                let ready = source.map_or(&self.looking.config.waiting.warehouse.ready, |source| &source.ready);
                let early = ready.is_none() && awaited.expected.is_some_and(|expected| now < expected);
                if all && !early { Awaiting::Received } else { Awaiting::Awaited }
            }
            Err(why) => {
                self.is_away(&name, &why);
                awaited.state
            }
        };
        Ok(self.settle(awaited, state, now))
    }

    /// Takes note of the files that lie there, and judges whether they are all, and whole.
    fn files(
        &self,
        awaited: &mut Awaited,
        files: Vec<LyingFile>,
        all: bool,
        sidecar: bool,
        now: Timestamp,
    ) -> Awaiting {
        let seen = |file: LyingFile| {
            let LyingFile { name, bytes, changed_at } = file;
            let same = |old: &&Seen| (&old.name, old.bytes, old.changed_at) == (&name, bytes, changed_at);
            let at_rest = changed_at.filter(|changed| self.trusting && self.before.is_none() && *changed < now);
            let since = awaited.files.iter().find(same).map_or(at_rest.unwrap_or(now), |old| old.since);
            Seen { name, bytes, changed_at, since }
        };
        awaited.files = files.into_iter().map(seen).collect();
        let waiting = &self.looking.config.waiting;
        let needed = if sidecar { waiting.poll_seconds.min(waiting.stable_seconds) } else { waiting.stable_seconds };
        let settled = SignedDuration::from_secs(needed.into());
        let whole = awaited.files.iter().all(|file| now.duration_since(file.since) >= settled);
        match (awaited.files.is_empty(), all && whole) {
            (true, _) => Awaiting::Awaited,
            (false, true) => Awaiting::Received,
            (false, false) => Awaiting::Arriving,
        }
    }

    /// Tells what is new; whether it is there since this look.
    fn settle(&self, awaited: &mut Awaited, state: Awaiting, now: Timestamp) -> bool {
        let source = awaited.source.as_str();
        let passes = |time: Timestamp| self.before.is_none_or(|before| before < time) && time <= now;
        if state == Awaiting::Received {
            let new = awaited.state != Awaiting::Received || self.before.is_none();
            awaited.received_at = awaited.received_at.filter(|_| awaited.state == Awaiting::Received).or(Some(now));
            if new && awaited.state != Awaiting::Received {
                let (files, bytes) = (awaited.files.len() as u64, awaited.files.iter().map(|file| file.bytes).sum());
                self.telling.tell(&What::Received { source, files, bytes });
            }
            awaited.state = Awaiting::Received;
            return new;
        }
        awaited.received_at = None;
        if let Some(expected) = awaited.expected.filter(|&expected| passes(expected)) {
            self.telling.tell(&What::Overdue { source, expected });
        }
        if passes(awaited.cut_off) {
            self.telling.tell(&What::Missed { source, cut_off: awaited.cut_off });
        }
        awaited.state = if now >= awaited.cut_off { Awaiting::Missed } else { state };
        false
    }

    fn deadline_near(&self, awaited: &[Awaited], deadline: Timestamp) {
        let missing = awaited.iter().filter(|awaited| awaited.state != Awaiting::Received);
        let missing: Vec<&str> = missing.map(|awaited| awaited.source.as_str()).collect();
        if !missing.is_empty() {
            self.telling.tell(&What::DeadlineNear { deadline, awaited: &missing });
        }
    }
}

fn has_sidecar(control: &Option<Control>) -> bool {
    control.as_ref().is_some_and(|control| control.file.is_some())
}
