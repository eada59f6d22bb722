//! What a run tells other machines: a log, metrics, lineage and traces. Each listens to what happens
//! ([`telling`](crate::telling)); nothing that is filed depends on any, and no fault of any stops a filing.

pub mod exposition;
pub mod lineage;
pub mod log;
pub mod metrics;
#[cfg(feature = "otel")]
mod otel;
pub mod spans;

use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use jiff::civil::Date;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::clock::Clock;
use crate::error::EngineError;
use crate::run_id::RunId;
use crate::telling::Listener;
use lineage::Lineage;
use log::{Lines, Log};
use metrics::Metrics;
use spans::Spans;

/// Who is told of a run.
pub struct Telemetry {
    log: Option<Log>,
    metrics: Option<Metrics>,
    lineage: Option<Lineage>,
    spans: Spans,
    #[cfg(feature = "otel")]
    _traces: Option<otel::Traces>,
}

/// The run that is told of.
pub struct Run<'a> {
    /// Its configuration.
    pub config: &'a Config,
    /// Where the paths of the configuration begin.
    pub folder: &'a Path,
    /// The series that it files in, as a person names it.
    pub series: &'a str,
    /// The day.
    pub business_date: Date,
    /// The night's clock.
    pub clock: &'a Clock,
    /// The file of the log, if there is to be one.
    pub log: Option<&'a Path>,
    /// The file of the metrics, if it is not the configuration's.
    pub metrics: Option<&'a Path>,
}

impl Telemetry {
    /// Begins to tell of `run`.
    ///
    /// # Errors
    /// [`EngineError::Io`] where the log cannot be opened.
    pub fn begin(run: &Run<'_>) -> Result<Self, EngineError> {
        let Run { config, folder, business_date, clock, .. } = *run;
        let run_id = RunId::new(run.series, business_date, clock.now(), std::process::id());
        let lines = run.log.map(|path| Lines::open(path, clock.clone(), run_id, business_date)).transpose()?;
        let log = lines.is_some().then_some(Log);
        #[cfg(feature = "otel")]
        let traces = otel::Traces::begin();
        // What libraries have to say may name what is secret.
        let ours = || Targets::new().with_target("cuadre", LevelFilter::INFO);
        let subscriber = tracing_subscriber::registry().with(ours()).with(lines);
        #[cfg(feature = "otel")]
        let (is_heard, subscriber) =
            (log.is_some() || traces.is_some(), subscriber.with(traces.as_ref().map(otel::Traces::layer)));
        #[cfg(not(feature = "otel"))]
        let is_heard = log.is_some();
        if is_heard {
            tracing::subscriber::set_global_default(subscriber).map_err(EngineError::bug)?;
        }
        let configured = || config.telemetry.metrics.as_ref().map(|path| folder.join(path));
        let path = run.metrics.map(PathBuf::from).or_else(configured);
        let metrics = path.map(|path| Metrics::new(path, config, business_date)).transpose()?;
        Ok(Self {
            log,
            metrics,
            lineage: Lineage::begin(config, folder, run_id),
            spans: Spans::new(run_id, &config.series),
            #[cfg(feature = "otel")]
            _traces: traces,
        })
    }

    /// Those who listen.
    pub fn listeners(&self) -> Vec<&dyn Listener> {
        let log = self.log.iter().map(|log| log as &dyn Listener);
        let metrics = self.metrics.iter().map(|metrics| metrics as &dyn Listener);
        let lineage = self.lineage.iter().map(|lineage| lineage as &dyn Listener);
        log.chain(metrics).chain(lineage).chain([&self.spans as &dyn Listener]).collect()
    }
}

/// Says on stderr, and in the log, something that people should know of, which stops nothing.
pub fn note(words: &str) {
    eprintln!("note: {words}");
    tracing::warn!(event = "note", why = words);
}
