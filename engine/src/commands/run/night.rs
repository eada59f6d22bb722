//! One run of a night: waited for, tried again, and told of.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cuadre_audit::SigningKey;
use jiff::Timestamp;

use super::{Args, operator};
use crate::ahead::Loader;
use crate::clock::Backoff;
use crate::commands::{Configured, issued_at, print_json, screen};
use crate::error::{EngineError, exit};
use crate::load::kept::Ahead;
use crate::manifest::{Filed, deadline, file_without_from};
use crate::night::{self, Night, Outcome};
use crate::notices::outbox::Outbox;
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::stop;
use crate::store::{Landing, Place, Working};
use crate::telemetry::note;
use crate::telling::{Telling, What, named};
use crate::time_stamp::Stamping;
use crate::trust;
use crate::usual::Usual;
use crate::watch::keeper::Keeper;
use crate::watch::look::Looking;
use crate::watch::{self, Unfinished};
use crate::work::Work;

/// Pauses between two tries of a night.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// One run of a night.
pub struct Run<'a> {
    /// What was asked for.
    pub args: &'a Args,
    /// The configuration.
    pub configured: &'a Configured,
    /// The folder of the warehouse's files, where that is another one.
    pub warehouse: Option<PathBuf>,
    /// Where the series is.
    pub filings: Place,
    /// Where the night keeps what another run of it need not do again.
    pub work: Option<Work>,
    /// Where lies what earlier nights could not tell.
    pub outbox: Outbox,
    /// Who is told what happens, and the night's clock.
    pub telling: &'a Telling<'a>,
    /// Whether the signing key was there when the run began.
    pub had_key: bool,
    /// It, once it is open.
    pub key: OnceCell<SigningKey>,
    /// What the sources usually send, once it is known.
    pub usual: OnceCell<Usual>,
}

impl Run<'_> {
    /// The night: waited for where that is asked for, and tried again while that may help.
    /// With how long it took from the begin of reporting on.
    pub fn night(&self, keeper: &Keeper) -> Result<(Outcome, Duration), EngineError> {
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
                texts: &configured.texts,
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
                Ok(loaded) => self.loaded(loaded.flatten(), usual),
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
        for words in usual.tell_of(self.telling, &source, records, &amount) {
            eprintln!("warning: {words}");
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
            texts: &configured.texts,
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
            usual,
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
        screen::outcome(&outcome, &configured.config);
        if let Some(drift) = trust::drift(&series.standing()?.trust, &configured.config, &configured.folder)? {
            note(&format!("the configuration has {drift}; `cuadre keys update` takes that over"));
        }
        if args.common.json {
            print_json(&screen::outcome_json(&outcome))?;
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
    fn usual(&self, series: &Working) -> &Usual {
        let Self { args, configured, .. } = self;
        let learn = || Usual::of(series, &configured.config, args.date);
        self.usual.get_or_init(|| {
            learn().unwrap_or_else(|why| {
                note(&format!("nothing is told of what is usual: {}", series.told(why)));
                Usual::unknown(&configured.config, args.date)
            })
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
