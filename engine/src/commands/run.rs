//! `cuadre run`: a night.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cuadre_audit::SigningKey;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::{Common, Configured, clock, differences, issued_at, parse_date, print_json, show, use_threads};
use crate::ahead::Loader;
use crate::clock::{Backoff, Clock};
use crate::error::{EngineError, exit};
use crate::load::kept::Ahead;
use crate::manifest::{Filed, deadline, file_without_from};
use crate::night::{self, Night, Outcome};
use crate::notices::Notices;
use crate::notices::outbox::Outbox;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::stop;
use crate::store::{Landing, Place, Working};
use crate::telemetry::{self, Telemetry, note};
use crate::telling::{Listener, Telling, What, named};
use crate::time_stamp::Stamping;
use crate::trust;
use crate::usual::Usual;
use crate::watch::keeper::{self, Keeper};
use crate::watch::look::Looking;
use crate::watch::{self, Unfinished};
use crate::work::{NightState, Work};

/// The environment variable that says who runs a night.
pub(super) const OPERATOR: &str = "CUADRE_OPERATOR";
/// The environment variable that names the file of the log.
const LOG: &str = "CUADRE_LOG";

/// Pauses between two tries of a night.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

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
        return night::compare(&configured.config, args.date, &places, memory, &progress, differences::tell);
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
    };
    let done = match run.night(&keeper) {
        Ok((outcome, took)) => {
            if let (Some(pace), Outcome::Filed(filing)) = (&mut pace, &outcome)
                && let Err(error) = pace.record(args.date, took, filing.day.movements())
            {
                note(&format!("{error}; how long this night took is not remembered"));
            }
            Ok(show::exit_code(&outcome))
        }
        Err(error) => {
            telling.tell(&What::Failed { exit_code: error.exit_code(), why: &error.to_string() });
            Err(error)
        }
    };
    notices.finish().iter().for_each(|undelivered| note(&undelivered.to_string()));
    done
}

/// One run of a night.
struct Run<'a> {
    args: &'a Args,
    configured: &'a Configured,
    /// The folder of the warehouse's files, where that is another one.
    warehouse: Option<PathBuf>,
    filings: Place,
    /// Where the night keeps what another run of it need not do again.
    work: Option<Work>,
    /// Where lies what earlier nights could not tell.
    outbox: Outbox,
    telling: &'a Telling<'a>,
    /// Whether the signing key was there when the run began.
    had_key: bool,
    /// It, once it is open.
    key: OnceCell<SigningKey>,
}

impl Run<'_> {
    /// The night: waited for where that is asked for, and tried again while that may help.
    /// With how long it took from the begin of reporting on.
    fn night(&self, keeper: &Keeper) -> Result<(Outcome, Duration), EngineError> {
        let Self { args, configured, telling, .. } = self;
        let due = deadline(&configured.config, args.date)?;
        telling.tell(&What::Begun { deadline: due });
        if !args.wait {
            let start = Instant::now();
            return Ok((self.once(&Unfinished::new())?, start.elapsed()));
        }
        let unfinished = self.wait(keeper)?;
        let without = file_without_from(&configured.config, args.date)?;
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let start = Instant::now();
            let error = match self.once(&unfinished) {
                Err(error) if error.exit_code() == exit::PASSING_FAULT && !stop::is_asked() => error,
                done => return Ok((done?, start.elapsed())),
            };
            // The first try from which on it goes without what is away is not put off.
            let cut = pauses.next(&telling.clock);
            let until = telling.clock.until(without);
            let cut = if until.is_zero() { cut } else { cut.min(until) };
            if telling.clock.until(due) <= cut {
                return Err(error);
            }
            telling.tell(&What::Away { service: "night", why: &error.to_string(), pause: cut });
            eprintln!("  {error}; trying again in {} s", cut.as_secs().max(1));
            telling.clock.pause(cut);
        }
    }

    fn wait(&self, keeper: &Keeper) -> Result<Unfinished, EngineError> {
        let Self { args, configured, telling, .. } = self;
        let scratch = Scratch::new()?;
        let looking = Looking {
            config: &configured.config,
            date: args.date,
            data: &configured.data(&args.data)?,
            warehouse: self.warehouse.clone(),
            secrets: &configured.folder,
            scratch: scratch.path(),
        };
        let loader = match (&self.work, looking.data.folder()) {
            (Some(work), Some(data)) => Some(Loader {
                config: &configured.config,
                config_text: &configured.text,
                date: args.date,
                data: data.to_owned(),
                work,
                memory: args.common.memory_bytes(),
            }),
            _ => None,
        };
        // What is wrong with the series or the key is said while there is time.
        let series = Working::to_read(&self.filings)?;
        configured.last_signed(&series)?;
        self.key(&series)?;
        let usual = self.usual(&series);
        watch::wait(&looking, telling, keeper, |source, at| {
            let name = named(source);
            let local = at.to_zoned(configured.config.zone()).strftime("%H:%M:%S").to_string();
            eprintln!("  {local} {name} is there");
            match loader.as_ref().map(|loader| loader.load(source)).transpose() {
                Ok(loaded) => self.loaded(loaded.flatten(), &usual),
                Err(error) => note(&format!("{error}; {name} is loaded by the night itself")),
            }
        })
    }

    /// Tells what came of a source that was loaded ahead.
    fn loaded(&self, ahead: Option<Ahead>, usual: &Usual) {
        let Some(Ahead { source, records, rejected, amount, unreadable }) = ahead else { return };
        unreadable.iter().for_each(|why| note(&format!("{source}: {why}")));
        let loaded = What::Loaded { source: &source, records, rejected_records: rejected, amount: &amount };
        self.telling.tell(&loaded);
        for words in usual.judge(&source, records, &amount) {
            self.telling.tell(&What::Unusual { source: &source, words: &words });
            eprintln!("warning: {source}: {words}");
        }
    }

    /// One try of the night.
    fn once(&self, unfinished: &Unfinished) -> Result<Outcome, EngineError> {
        let Self { args, configured, telling, .. } = self;
        let progress = Progress::on_stderr(true);
        let data = Landing::of(&configured.data(&args.data)?, &configured.config, args.date, &progress)?;
        let mut series = Working::to_file(&self.filings, args.date)?;
        let last_signed = configured.last_signed(&series)?;
        let usual = self.usual(&series);
        let night = Night {
            config: &configured.config,
            config_text: &configured.text,
            business_date: args.date,
            places: configured.places(data.folder(), self.warehouse.clone()),
            filings: series.folder().to_owned(),
            key: self.key(&series)?,
            issued_at: self.issued_at()?,
            reason: args.reason.clone(),
            operator: operator(&args.operator)?,
            no_movements: args.no_movements.clone(),
            unfinished,
            work: self.work.clone(),
            without_archive: configured.config.policy.without_archive && self.filings.folder().is_some(),
            memory: args.common.memory_bytes(),
            progress: &progress,
            telling,
            usual: &usual,
            outbox: self.outbox.clone(),
        };
        let completed = series.complete(&night)?;
        let bring = |filed: &Filed| series.bring_movements(filed.list()?, filed.id, &progress);
        let outcome = night::run(&night, bring).map_err(|error| series.told(error))?;
        let outcome = series.settle(outcome)?;
        if let (Some(work), Outcome::Filed(_)) = (&self.work, &outcome) {
            work.forget(args.date);
        }
        progress.finish();
        last_signed.keep(&series);
        if let Some(id) = completed {
            eprintln!("Completed filing {id}, which an interrupted run had claimed");
        }
        if !self.had_key {
            eprintln!("Made the signing key {} for this new series; keep it", configured.key().display());
        }
        tell(telling, &outcome);
        show::outcome(&outcome, &configured.config);
        if let Some(drift) = trust::drift(&series.standing()?.trust, &configured.config, &configured.folder)? {
            note(&format!("the configuration has {drift}; `cuadre keys update` takes that over"));
        }
        if args.common.json {
            print_json(&show::outcome_json(&outcome))?;
        }
        Ok(outcome)
    }

    /// The key that signs in `series`. It is opened once: its passphrase may come through a pipe.
    fn key(&self, series: &Working) -> Result<&SigningKey, EngineError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = self.configured.signing_key(series.folder())?;
        Ok(self.key.get_or_init(|| key))
    }

    /// What the sources usually send, as far as the series tells.
    fn usual(&self, series: &Working) -> Usual {
        let Self { args, configured, .. } = self;
        Usual::of(series, &configured.config, args.date).unwrap_or_else(|why| {
            note(&format!("nothing is told of what is usual: {}", series.told(why)));
            Usual::unknown(&configured.config, args.date)
        })
    }

    /// When the filing is issued: by the night's clock, where that was set.
    fn issued_at(&self) -> Result<Timestamp, EngineError> {
        match self.args.now {
            Some(_) => self.telling.clock.now().round(jiff::Unit::Second).map_err(EngineError::bug),
            None => issued_at(&self.telling.clock),
        }
    }
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

/// Tells what the night came to.
fn tell(telling: &Telling<'_>, outcome: &Outcome) {
    match outcome {
        Outcome::Filed(filing) => {
            telling.tell(&What::Filed(filing));
            for Stamping { authority, answer } in &filing.stamps {
                if let Err(why) = answer {
                    telling.tell(&What::Unstamped { authority, why });
                }
            }
        }
        Outcome::NotFiled(night) => telling.tell(&What::NotFiled(night)),
    }
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
