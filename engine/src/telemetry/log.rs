//! A log for machines: a line of JSON for each thing that happens in a run.
//!
//! What happens becomes events of `tracing`; a layer writes them, with what all of them have in common: the night's
//! time, the run and the day.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use cuadre_rules::config::Severity;
use jiff::civil::Date;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::Clock;
use crate::error::EngineError;
use crate::run_id::RunId;
use crate::telling::{Event, Listener, What, named};

/// Writes what this program's `tracing` events say.
pub struct Lines {
    out: File,
    clock: Clock,
    run_id: RunId,
    business_date: Date,
    /// Whether a line could not be written, which is said once.
    failed: AtomicBool,
}

impl Lines {
    /// Appends to the file at `path`.
    ///
    /// # Errors
    /// [`EngineError::Io`] where it cannot be opened.
    pub fn open(path: &Path, clock: Clock, run_id: RunId, business_date: Date) -> Result<Self, EngineError> {
        let out = OpenOptions::new().append(true).create(true).open(path);
        let out = out.map_err(|e| EngineError::io("opening the log (--log)", path, e))?;
        Ok(Self { out, clock, run_id, business_date, failed: AtomicBool::new(false) })
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        line.put("time", &format!("{:.3}", self.clock.now()));
        line.put("level", &event.metadata().level().as_str().to_lowercase());
        line.put("run_id", &self.run_id.to_string());
        line.put("business_date", &self.business_date);
        event.record(&mut line);
        line.0.push_str("}\n");
        // One call for the whole line: others may append to the same file.
        if (&self.out).write_all(line.0.as_bytes()).is_err() && !self.failed.swap(true, Ordering::Relaxed) {
            eprintln!("note: the log (--log) cannot be written; the run goes on without it");
        }
    }
}

/// A JSON object in the making.
#[derive(Default)]
struct Line(String);

impl Line {
    fn put(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let Ok(value) = serde_json::to_string(value) else { return };
        let before = if self.0.is_empty() { '{' } else { ',' };
        self.0 += &format!("{before}\"{name}\":{value}");
    }
}

impl Visit for Line {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), &format!("{value:?}"));
    }
}

/// Makes of what happens events of `tracing`.
pub struct Log;

impl Listener for Log {
    fn hear(&self, event: &Event<'_>) {
        let severity = event.what.severity();
        /// An event of the level that its severity asks for.
        macro_rules! log {
            ($event:literal, $($fields:tt)*) => {
                match level(severity) {
                    Level::ERROR => tracing::error!(event = $event, severity = severity.map(Severity::name), $($fields)*),
                    Level::WARN => tracing::warn!(event = $event, severity = severity.map(Severity::name), $($fields)*),
                    _ => tracing::info!(event = $event, severity = severity.map(Severity::name), $($fields)*),
                }
            };
        }
        match event.what {
            What::Begun { deadline } => log!("begun", %deadline),
            What::Stage(stage) => log!("stage", stage = stage.name()),
            What::Received { source, files, bytes } => log!("received", source = named(source), files, bytes),
            What::Loaded { source, records, rejected_records, amount } => {
                log!("loaded", source = named(source), records, rejected_records, amount = amount.to_string());
            }
            What::Overdue { source, expected } => log!("overdue", source = named(source), %expected),
            What::Missed { source, cut_off } => log!("missed", source = named(source), %cut_off),
            What::Unusual { source, words } => log!("unusual", source = named(source), why = words.en),
            What::Away { service, why, pause } => {
                log!("away", service, why, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
            }
            What::Without { service, why } => log!("without", service, why),
            What::DeadlineNear { deadline, awaited } => log!("deadline_near", %deadline, awaited = awaited.join(", ")),
            What::Filed(filing) => {
                let status = filing.status.name();
                let (id, gaps) = (filing.id.to_string(), filing.day.exceptions.len() as u64);
                let (sha256, new) = (filing.manifest_sha256.as_str(), filing.is_new);
                log!("filed", filing = id, status, new, gaps, manifest_sha256 = sha256);
            }
            What::NotFiled(night) => log!("not_filed", why = night.reasons.join("; ")),
            What::Unstamped { authority, why } => log!("unstamped", authority, why),
            What::Failed { exit_code, why } => log!("failed", exit_code = u64::from(*exit_code), why),
        }
    }
}

fn level(severity: Option<Severity>) -> Level {
    match severity {
        None | Some(Severity::Note) => Level::INFO,
        Some(Severity::Minor | Severity::Major) => Level::WARN,
        Some(Severity::Critical) => Level::ERROR,
    }
}
