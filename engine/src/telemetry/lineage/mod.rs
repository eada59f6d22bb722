//! OpenLineage: what a run was made from and what it made, as events for a catalogue of data.
//!
//! A run is told with START, and with one of COMPLETE (the day is filed), FAIL and ABORT (it ended without saying
//! why). The events are those of specification 2-0-2.

mod datasets;
mod event;
mod sink;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use cuadre_rules::Config;
use serde_json::{Value, json};

use super::note;
use crate::run_id::RunId;
use crate::telling::{self, Listener, What};
use datasets::{inputs, outputs};
use event::{Job, Kind};
use sink::Sink;

/// Sends the events of a run.
pub struct Lineage {
    job: Job,
    sink: Sink,
    told: Mutex<Told>,
}

/// How much of the run is told.
#[derive(Default)]
struct Told {
    /// When something happened last.
    last: Option<(jiff::Timestamp, jiff::civil::Date)>,
    started: bool,
    ended: bool,
}

impl Lineage {
    /// Sends the events of run `run_id` to where `config` says, if anywhere; `folder` is where its paths begin.
    pub fn begin(config: &Config, folder: &Path, run_id: RunId) -> Option<Self> {
        let place = config.telemetry.lineage.as_deref()?;
        match Sink::open(place, config.telemetry.lineage_key.as_ref(), folder) {
            Ok(sink) => Some(Self { job: Job::new(config, run_id), sink, told: Mutex::default() }),
            Err(why) => {
                note(&format!("lineage {place}: {why}; no run event is sent"));
                None
            }
        }
    }

    fn send(&self, told: &mut Told, kind: Kind, facets: Vec<(&str, Value)>, data: Option<(Value, Value)>) {
        let Some((at, date)) = told.last else { return };
        if !std::mem::replace(&mut told.started, true) {
            self.sink.send(self.job.event(Kind::Start, at, date, Vec::new(), None));
        }
        if kind != Kind::Start && !std::mem::replace(&mut told.ended, true) {
            self.sink.send(self.job.event(kind, at, date, facets, data));
        }
    }
}

impl Listener for Lineage {
    fn hear(&self, event: &telling::Event<'_>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.last = Some((event.at, event.business_date));
        let (told, job) = (&mut *told, &self.job);
        match event.what {
            What::Begun { .. } => self.send(told, Kind::Start, Vec::new(), None),
            What::Filed(filing) => {
                let data = (inputs(job, &filing.inputs, &filing.day), outputs(job, filing));
                self.send(told, Kind::Complete, vec![job.tests(&filing.day)], Some(data));
            }
            What::NotFiled(night) => {
                let data = (inputs(job, &night.inputs, &night.day), json!([]));
                let facets = vec![job.tests(&night.day), job.error(&night.reasons.join("; "))];
                self.send(told, Kind::Fail, facets, Some(data));
            }
            What::Failed { why, .. } => self.send(told, Kind::Fail, vec![job.error(why)], None),
            _ => {}
        }
    }
}

impl Drop for Lineage {
    /// A run that ended without saying why was broken off.
    fn drop(&mut self) {
        let mut told = std::mem::take(self.told.get_mut().unwrap_or_else(PoisonError::into_inner));
        if told.started && !told.ended {
            self.send(&mut told, Kind::Abort, Vec::new(), None);
        }
        self.sink.close();
    }
}
