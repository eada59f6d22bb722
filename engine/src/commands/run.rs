//! `cuadre run`: a night.

mod night;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::{Common, Configured, clock, differences, parse_date, screen, use_threads};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::manifest::{deadline, file_without_from};
use crate::night::{Outcome, compare};
use crate::notices::Notices;
use crate::notices::outbox::Outbox;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::stop;
use crate::store::Landing;
use crate::telemetry::{self, Telemetry, note};
use crate::telling::{Listener, Telling, What};
use crate::watch;
use crate::watch::keeper::{self, Keeper};
use crate::work::NightState;
use night::Run;

/// The environment variable that says who runs a night.
pub(super) const OPERATOR: &str = "CUADRE_OPERATOR";
/// The environment variable that names the file of the log.
const LOG: &str = "CUADRE_LOG";

/// Reconcile a day and file it
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Date,
    /// Folder or s3:// URL of landing files and of a file warehouse [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the warehouse is: postgres://..., redshift://..., mysql://..., sqlite:PATH, or file:PATH for files
    /// [default: CUADRE_WAREHOUSE_URL, or the configuration's]
    #[arg(long, value_name = "URL")]
    warehouse: Option<String>,
    /// Why a filed day is stated with other figures
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who runs it, to be stated in the manifest [default: CUADRE_OPERATOR]
    #[arg(long, value_name = "NAME", value_parser = parse_words)]
    operator: Option<String>,
    /// Declare that the day has no movements, and why. A source that has sent some contradicts it
    #[arg(long, value_name = "REASON", value_parser = parse_words, conflicts_with = "only")]
    no_movements: Option<String>,
    /// Append a line of JSON to this file for each thing that happens [default: CUADRE_LOG]
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Keep the run's metrics for Prometheus in this file [default: the configuration's]
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Do only this much of the night: print the differences of both sides as JSON on stdout, file and archive nothing
    #[arg(long, value_name = "WHAT")]
    only: Option<Only>,
    /// Wait for the sources and the warehouse, each until its cut-off, and try passing faults again until the deadline
    #[arg(long, conflicts_with = "only")]
    wait: bool,
    /// Folder of what the night keeps while it is under way [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Set the night's clock: RFC 3339, or local time as YYYY-MM-DDTHH:MM
    #[arg(long, value_name = "INSTANT")]
    now: Option<String>,
    /// Rehearse the night from --now on: pauses take no time, and each line of the script, a local time and a
    /// command, is run by sh when the night comes to it
    #[arg(long, value_name = "SCRIPT", requires = "now", requires = "filings", conflicts_with = "only")]
    rehearse: Option<PathBuf>,
}

/// A part of the night.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Only {
    /// Every movement of the sources against every row of the warehouse
    EndToEnd,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(args.common.threads)?;
    let mut configured = Configured::read(&args.common.config)?;
    let warehouse = configured.warehouse(&args.warehouse)?;
    if let Some(Only::EndToEnd) = args.only {
        let progress = Progress::on_stderr(true);
        let data = Landing::of(&configured.data(&args.data)?, &configured.config, args.date, &progress)?;
        let (places, memory) = (configured.places(data.folder(), warehouse), args.common.memory_bytes());
        return compare(&configured.config, args.date, &places, memory, &progress, differences::tell);
    }
    stop::listen()?;
    let filings = configured.filings(&args.common.filings)?;
    let work = configured.work(&args.work, &filings);
    let clock = args.clock(&configured)?;
    let _lock = work.as_ref().map(|work| keeper::lock(work, args.date)).transpose()?;
    let mut pace = work.as_ref().map(Pace::of);
    let last_safe_start = match &pace {
        Some(pace) => pace.last_safe_start(&configured.config, args.date)?,
        None => file_without_from(&configured.config, args.date)?,
    };
    let state = first_state(&configured, args.date, &clock, last_safe_start)?;
    let keeper = Keeper::begin(work.as_ref(), state);
    let outbox = Outbox::of(work.clone());
    let notices = Notices::open(&configured.config, args.date, &configured.folder, outbox.clone())?;
    let log = args.log.clone().or_else(|| std::env::var_os(LOG).filter(|path| !path.is_empty()).map(PathBuf::from));
    let telemetry = Telemetry::begin(&telemetry::Run {
        config: &configured.config,
        folder: &configured.folder,
        series: &filings.to_string(),
        business_date: args.date,
        clock: &clock,
        log: log.as_deref(),
        metrics: args.metrics.as_deref(),
    })?;
    let had_key = configured.config.signing.agent || configured.key().exists();
    let mut listeners: Vec<&dyn Listener> = vec![&keeper, &notices];
    listeners.extend(telemetry.listeners());
    let telling = Telling::new(clock, args.date, listeners);
    let run = Run {
        args,
        configured: &configured,
        warehouse,
        filings,
        work,
        outbox,
        telling: &telling,
        had_key,
        key: OnceCell::new(),
        usual: OnceCell::new(),
    };
    let done = match run.night(&keeper) {
        Ok((outcome, took)) => {
            if let (Some(pace), Outcome::Filed(filing)) = (&mut pace, &outcome)
                && let Err(error) = pace.record(args.date, took, filing.day.movements())
            {
                note(&format!("{error}; how long this night took is not remembered"));
            }
            Ok(screen::exit_code(&outcome))
        }
        Err(error) => {
            telling.tell(&What::Failed { exit_code: error.exit_code(), why: &error.to_string() });
            Err(error)
        }
    };
    notices.finish().iter().for_each(|undelivered| note(&undelivered.to_string()));
    done
}

impl Args {
    /// The night's clock.
    fn clock(&self, configured: &Configured) -> Result<Clock, EngineError> {
        let Some(text) = &self.now else { return clock() };
        let zone = configured.config.zone();
        let civil = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
        let now = text.parse::<Timestamp>().ok().or_else(civil).ok_or_else(|| {
            let form = "write it as 2026-11-21T02:00:00-06:00, or as local time, 2026-11-21T02:00";
            EngineError::Usage(format!("--now {text}: no instant can be read from it; {form}"))
        })?;
        let Some(path) = &self.rehearse else { return Ok(Clock::set(now)) };
        let script = std::fs::read_to_string(path).map_err(|e| EngineError::io("reading the script", path, e))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Clock::rehearsal(now, &script, &path.display().to_string(), self.date, &zone, folder)
    }
}

/// The state of a night that begins.
fn first_state(
    configured: &Configured,
    date: Date,
    clock: &Clock,
    last_safe_start: Timestamp,
) -> Result<NightState, EngineError> {
    let config = &configured.config;
    let now = clock.now();
    Ok(NightState {
        institution: config.institution.clone(),
        series: config.series.clone(),
        business_date: date,
        pid: std::process::id(),
        started_at: now,
        updated_at: now,
        deadline: deadline(config, date)?,
        last_safe_start,
        stage: String::new(),
        awaited: watch::awaited(config, date, last_safe_start)?,
        warnings: Vec::new(),
        outcome: None,
    })
}

/// Who runs the night: `given`, or the environment's.
pub(super) fn operator(given: &Option<String>) -> Result<Option<String>, EngineError> {
    let environment = || std::env::var(OPERATOR).ok().filter(|name| !name.trim().is_empty());
    let wrong = |why| EngineError::Usage(format!("{OPERATOR}: {why}"));
    let environment = || environment().map(|name| parse_words(&name).map_err(wrong)).transpose();
    given.clone().map_or_else(environment, |given| Ok(Some(given)))
}

/// Words for a manifest: one line, and not an empty one.
pub(super) fn parse_words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        words if words.contains(char::is_control) => Err("give it in one line, without control characters".to_owned()),
        words => Ok(words.to_owned()),
    }
}
