//! Metrics of the last run, in a file that Prometheus gets to read: how a night that is late, short of sources or
//! silent raises an alert. Amounts are not among them: a metric is a float, and money is exact.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cuadre_rules::Config;
use cuadre_rules::config::Severity;
use cuadre_rules::day::Day;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::exposition::Exposition;
use super::note;
use crate::error::EngineError;
use crate::telling::{Event, Listener, Stage, What};
use crate::work::replace;

const LAST_FILING: &str = "cuadre_last_filing_timestamp_seconds";
const STAGES: [Stage; 5] = [Stage::Wait, Stage::Receive, Stage::Reconcile, Stage::Report, Stage::File];
const SEVERITIES: [Severity; 4] = [Severity::Note, Severity::Minor, Severity::Major, Severity::Critical];

/// Keeps a file with the metrics of the run.
pub struct Metrics {
    path: PathBuf,
    figures: Mutex<Figures>,
}

/// What is known of the run so far.
struct Figures {
    series: String,
    business_date: Timestamp,
    started: Option<Timestamp>,
    updated: Option<Timestamp>,
    deadline: Option<Timestamp>,
    last_filing: Option<i64>,
    /// The stage it is in, and since when.
    stage: Option<(Stage, Timestamp)>,
    /// Milliseconds of each stage that is over.
    spent: [Option<i64>; STAGES.len()],
    sources: Vec<Source>,
    warehouse_received: bool,
    /// Gaps by severity, once the day is judged.
    gaps: Option<[u64; SEVERITIES.len()]>,
    exit_code: Option<u8>,
    /// Whether the file could not be written, which is said once.
    failed: bool,
}

struct Source {
    id: String,
    received: bool,
    records: Option<u64>,
    rejected_records: Option<u64>,
}

impl Metrics {
    /// Writes to the file at `path`; what it says of the last filing is kept.
    pub fn new(path: PathBuf, config: &Config, business_date: Date) -> Result<Self, EngineError> {
        let midnight = business_date.to_zoned(TimeZone::UTC).map_err(|e| EngineError::Usage(e.to_string()))?;
        let before = fs::read_to_string(&path).unwrap_or_default();
        let last_filing = Exposition::of(&config.series).find(&before, LAST_FILING).and_then(|text| text.parse().ok());
        let source = |id: &String| Source { id: id.clone(), received: false, records: None, rejected_records: None };
        let figures = Figures {
            series: config.series.clone(),
            business_date: midnight.timestamp(),
            started: None,
            updated: None,
            deadline: None,
            last_filing,
            stage: None,
            spent: [None; STAGES.len()],
            sources: config.sources.iter().map(|configured| source(&configured.id)).collect(),
            warehouse_received: false,
            gaps: None,
            exit_code: None,
            failed: false,
        };
        Ok(Self { path, figures: Mutex::new(figures) })
    }
}

impl Listener for Metrics {
    fn hear(&self, event: &Event<'_>) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        figures.take(event);
        if let Err(error) = replace(&self.path, figures.text().as_bytes())
            && !figures.failed
        {
            figures.failed = true;
            let error = EngineError::io("writing the metrics", &self.path, error);
            note(&format!("{error}; the run goes on without metrics"));
        }
    }
}

impl Figures {
    fn take(&mut self, event: &Event<'_>) {
        self.updated = Some(event.at);
        self.started.get_or_insert(event.at);
        match event.what {
            What::Begun { deadline } => self.deadline = Some(*deadline),
            What::Stage(stage) => self.enter(Some(*stage), event.at),
            What::Received { source, .. } => match self.source(source) {
                Some(source) => source.received = true,
                None => self.warehouse_received = true,
            },
            What::Loaded { source, records, rejected_records, .. } => {
                if let Some(source) = self.source(source) {
                    source.received = true;
                    (source.records, source.rejected_records) = (Some(*records), Some(*rejected_records));
                }
            }
            What::Filed(filing) => {
                self.judged(&filing.day);
                if filing.is_new {
                    self.last_filing = Some(event.at.as_second());
                }
            }
            What::NotFiled(night) => self.judged(&night.day),
            _ => {}
        }
        if let Some(exit_code) = event.what.exit_code() {
            self.exit_code = Some(exit_code);
            self.enter(None, event.at);
        }
    }

    fn source(&mut self, id: &str) -> Option<&mut Source> {
        self.sources.iter_mut().find(|source| source.id == id)
    }

    fn enter(&mut self, stage: Option<Stage>, at: Timestamp) {
        if let Some((left, since)) = self.stage {
            let spent = self.spent[position(left)].get_or_insert(0);
            *spent = spent.saturating_add(at.as_millisecond() - since.as_millisecond());
        }
        self.stage = stage.map(|stage| (stage, at));
    }

    fn judged(&mut self, day: &Day) {
        for judged in &day.sources {
            if let Some(source) = self.source(&judged.id) {
                source.received = judged.state.is_loaded();
                (source.records, source.rejected_records) = (Some(judged.records), Some(judged.rejected_records));
            }
        }
        self.warehouse_received = day.end_to_end.is_some();
        let of = |severity| day.exceptions.iter().filter(|gap| gap.severity == severity).count() as u64;
        self.gaps = Some(SEVERITIES.map(of));
    }

    fn text(&self) -> String {
        let mut text = Exposition::of(&self.series);
        let seconds = |instant: Option<Timestamp>| instant.map(Timestamp::as_second);
        text.single(
            "cuadre_business_date_timestamp_seconds",
            "The day that the last run was for: its midnight, in UTC",
            seconds(Some(self.business_date)),
        );
        text.single("cuadre_deadline_timestamp_seconds", "When its filing is due", seconds(self.deadline));
        text.single("cuadre_run_start_timestamp_seconds", "When the last run began", seconds(self.started));
        text.single("cuadre_run_update_timestamp_seconds", "When it last told of something", seconds(self.updated));
        text.single("cuadre_run_exit_code", "What it ended with; absent while it is under way", self.exit_code);
        text.single(LAST_FILING, "When a day was last filed, supplements included", self.last_filing);
        self.stages(&mut text);
        self.received(&mut text);
        if let Some(gaps) = &self.gaps {
            text.gauge("cuadre_gaps", "Gaps of the day, by severity");
            for (severity, count) in SEVERITIES.into_iter().zip(gaps) {
                text.sample("cuadre_gaps", &[("severity", severity.name())], count);
            }
        }
        text.finish()
    }

    fn stages(&self, text: &mut Exposition) {
        text.gauge("cuadre_stage", "1 for the stage that the run is in");
        for stage in STAGES {
            let is_in = self.stage.is_some_and(|(is_in, _)| is_in == stage);
            text.sample("cuadre_stage", &[("stage", stage.name())], u8::from(is_in));
        }
        text.gauge("cuadre_stage_duration_seconds", "How long each stage of the run took that is over");
        for (stage, spent) in STAGES.into_iter().zip(self.spent) {
            let Some(spent) = spent.map(|spent| spent.max(0)) else { continue };
            let seconds = format!("{}.{:03}", spent / 1000, spent % 1000);
            text.sample("cuadre_stage_duration_seconds", &[("stage", stage.name())], seconds);
        }
    }

    fn received(&self, text: &mut Exposition) {
        text.single(
            "cuadre_warehouse_received",
            "1 once the warehouse is there",
            Some(u8::from(self.warehouse_received)),
        );
        text.gauge("cuadre_source_received", "1 once the source is there");
        for source in &self.sources {
            text.sample("cuadre_source_received", &[("source", &source.id)], u8::from(source.received));
        }
        text.gauge("cuadre_source_records", "Records read of the source, refused ones included");
        for (source, records) in self.sources.iter().filter_map(|source| Some((source, source.records?))) {
            text.sample("cuadre_source_records", &[("source", &source.id)], records);
        }
        text.gauge("cuadre_source_rejected_records", "Records of the source that were refused");
        for (source, records) in self.sources.iter().filter_map(|source| Some((source, source.rejected_records?))) {
            text.sample("cuadre_source_rejected_records", &[("source", &source.id)], records);
        }
    }
}

fn position(stage: Stage) -> usize {
    STAGES.iter().position(|&other| other == stage).unwrap_or_default()
}
