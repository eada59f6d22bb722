//! How far long work has come: a bar on a terminal, and a line per source once it is loaded.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::Loaded;
use crate::reconcile::gaps::counted;

/// Tells a person at a terminal, or a log, how far the work has come. It never tells of anything
/// that the work depends on.
pub struct Progress {
    /// Only on a terminal.
    bar: Option<ProgressBar>,
    lines: bool,
    loading: Mutex<Loading>,
}

/// A source, or the warehouse, while it is loaded.
pub struct Unit {
    name: String,
    /// Its files.
    pub files: usize,
    /// Parts of them that are not yet loaded.
    pub parts: usize,
    records: u64,
    refused: u64,
    unreadable: bool,
}

#[derive(Default)]
struct Loading {
    units: Vec<Unit>,
    /// How many of them are told. Lines come in order of the configuration, whatever is done first.
    told: usize,
    records: u64,
}

/// What there is to do in a phase.
#[derive(Clone, Copy)]
pub enum Count {
    /// So many bytes.
    Bytes(u64),
    /// So many movements.
    Movements(u64),
    /// So many filings.
    Filings(u64),
}

impl Unit {
    /// Nothing to load yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), files: 0, parts: 0, records: 0, refused: 0, unreadable: false }
    }

    fn line(&self) -> String {
        let Self { name, files, records, refused, unreadable, .. } = self;
        if *files == 0 {
            return format!("  {name}: no file");
        }
        let (records, files) = (counted(*records, "record"), counted(*files as u64, "file"));
        let refused = if *refused == 0 { String::new() } else { format!(", {refused} refused") };
        let unreadable = if *unreadable { "; what cannot be read is left out" } else { "" };
        format!("  {name}: {records} of {files}{refused}{unreadable}")
    }
}

impl Progress {
    /// Tells nothing.
    pub fn silent() -> Self {
        Self { bar: None, lines: false, loading: Mutex::default() }
    }

    /// Tells on stderr: a bar where it is a terminal, and `lines`, if wanted, wherever it leads.
    pub fn on_stderr(lines: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::hidden);
        Self { bar, lines, loading: Mutex::default() }
    }

    /// Begins a phase of the night; `total` is what there is to do, where that is known.
    pub fn phase(&self, what: &'static str, total: Option<Count>) {
        let Some(bar) = &self.bar else { return };
        let (template, length) = match total {
            Some(Count::Bytes(bytes)) => {
                ("{prefix} [{bar:24}] {decimal_bytes} of {decimal_total_bytes}{msg}, {eta} left", bytes)
            }
            Some(Count::Movements(movements)) => {
                ("{prefix} [{bar:24}] {human_pos} of {human_len} movements, {eta} left", movements)
            }
            Some(Count::Filings(filings)) => {
                ("{prefix} [{bar:24}] {human_pos} of {human_len} filings, {eta} left", filings)
            }
            None => ("{prefix} for {elapsed}", 0),
        };
        bar.set_prefix(what);
        bar.set_message("");
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.reset();
        bar.set_length(length);
        // Only now is there something to show.
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// So much more of the phase is done.
    pub fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
    }

    /// Begins to load `units`, in order of the configuration, from files of so many bytes.
    pub fn load(&self, units: Vec<Unit>, bytes: u64) {
        self.phase("loading", Some(Count::Bytes(bytes)));
        let mut loading = self.loading();
        *loading = Loading { units, ..Loading::default() };
        self.tell(&mut loading);
    }

    /// More records are loaded, which took so many bytes.
    pub fn loaded(&self, records: u64, bytes: u64) {
        if let Some(bar) = &self.bar {
            let mut loading = self.loading();
            loading.records += records;
            let left = loading.units.iter().filter(|unit| unit.parts > 0).count() as u64;
            let (records, left) = (counted(loading.records, "record"), counted(left, "source"));
            bar.set_message(format!(", {records}, {left} to go"));
            bar.inc(bytes);
        }
    }

    /// A part of unit `owner` is loaded; `None` where it cannot be read.
    pub fn part_loaded(&self, owner: usize, loaded: Option<&Loaded>) {
        let mut loading = self.loading();
        let unit = &mut loading.units[owner];
        unit.parts = unit.parts.saturating_sub(1);
        unit.unreadable |= loaded.is_none();
        unit.records += loaded.map_or(0, |loaded| loaded.records);
        unit.refused += loaded.map_or(0, Loaded::refused_records);
        self.tell(&mut loading);
    }

    /// Says something that is worth a line of its own, also in the log.
    pub fn note(&self, line: &str) {
        tracing::info!(event = "note", why = line.trim());
        self.say(line);
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.lines => eprintln!("{line}"),
            None => {}
        }
    }

    /// Clears the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn tell(&self, loading: &mut Loading) {
        while let Some(unit) = loading.units.get(loading.told).filter(|unit| unit.parts == 0) {
            if self.lines {
                self.say(&unit.line());
            }
            loading.told += 1;
        }
    }

    fn loading(&self) -> MutexGuard<'_, Loading> {
        self.loading.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
