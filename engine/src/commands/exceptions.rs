//! `cuadre exceptions`: what is open, and what people decide about it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use cuadre_audit::Series;
use cuadre_reports::Carried;
use cuadre_reports::open::{Disposed, Disposition, Open};
use cuadre_reports::open_csv::shown;
use cuadre_rules::config::Severity;
use cuadre_rules::exception::{Class, Kind};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::run::{OPERATOR, operator, parse_words};
use super::screen::shortened;
use super::{Configured, clock, issued_at, print_json};
use crate::carry;
use crate::dispositions::{self, Recorded};
use crate::error::{EngineError, exit};
use crate::manifest::local_date;
use crate::reconcile::gaps::counted;
use crate::store::Working;

/// List the exceptions that are open, of every day
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: Option<List>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Record what is done about open exceptions; the next filing signs it
    Dispose(Dispose),
}

#[derive(clap::Args)]
struct List {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    json: bool,
    /// Only of this kind, such as source_missing
    #[arg(long, value_name = "KIND", value_parser = parse_name::<Kind>)]
    kind: Option<Kind>,
    /// Only of this source
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// Only those at least that bad: minor, major or critical
    #[arg(long, value_name = "SEVERITY", value_parser = parse_name::<Severity>)]
    severity: Option<Severity>,
    /// Only those that are older than so many days
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Only what was due and has not come (expected), or only what came and does not agree (mismatched)
    #[arg(long, value_name = "CLASS", value_parser = parse_name::<Class>)]
    class: Option<Class>,
}

#[derive(clap::Args)]
struct Dispose {
    /// The exceptions, as the list calls them: 2026-11-20/source_missing/insurance
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    json: bool,
    /// What is done about them
    #[arg(long = "as", value_name = "DISPOSITION")]
    disposition: Word,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = parse_words)]
    reason: String,
    /// Who says so [default: CUADRE_OPERATOR]
    #[arg(long, value_name = "NAME", value_parser = parse_words)]
    operator: Option<String>,
}

/// A disposition on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Word {
    /// Somebody looks for the cause
    Investigating,
    /// The cause is known; what mends it is still to come
    Awaiting,
    /// It stays as it is, and is open no more once a filing has stated that
    Accepted,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    match (&args.command, &args.list) {
        (Some(Command::Dispose(args)), _) => dispose(args),
        (None, Some(args)) => list(args),
        (None, None) => Err(EngineError::Usage("give the configuration: --config FILE".to_owned())),
    }
}

/// What is open now, in a series.
struct Now {
    configured: Configured,
    working: Working,
    carried: Carried,
    /// The number of the last disposition that a filing states.
    signed: u64,
    at: Timestamp,
}

impl Now {
    fn read(config: &Path, filings: &Option<PathBuf>) -> Result<Self, EngineError> {
        let configured = Configured::read(config)?;
        let working = Working::to_read(&configured.filings(filings)?)?;
        let at = issued_at(&clock()?)?;
        let read = || -> Result<(Carried, u64), EngineError> {
            if working.is_new()? {
                let message = format!("{}: nothing was filed there; check --filings", working.place());
                return Err(EngineError::Usage(message));
            }
            working.bring_open()?;
            let mut carried = carry::as_signed(&Series::at(working.folder()))?;
            let signed = carried.dispositions.recorded;
            let Recorded { dispositions, fault } = dispositions::after(working.folder(), signed)?;
            if let Some(why) = fault {
                return Err(EngineError::Setup(format!("{why}; repair it, or remove it: no filing states it yet")));
            }
            carried.dispose(dispositions);
            Ok((carried, signed))
        };
        let (carried, signed) = read().map_err(|error| working.told(error))?;
        Ok(Self { configured, working, carried, signed, at })
    }

    fn today(&self) -> Date {
        local_date(&self.configured.config, self.at)
    }
}

fn list(args: &List) -> Result<u8, EngineError> {
    let now = Now::read(&args.config, &args.filings)?;
    let today = now.today();
    let wanted = |open: &&Open| {
        args.kind.is_none_or(|kind| open.kind == kind)
            && args.source.as_ref().is_none_or(|source| open.source.as_ref() == Some(source))
            && args.severity.is_none_or(|least| open.severity >= least)
            && args.older_than.is_none_or(|days| open.age_days(today) > i64::from(days))
            && args.class.is_none_or(|class| open.class == class)
    };
    let listed: Vec<&Open> = now.carried.open.iter().filter(wanted).collect();
    let all = now.carried.open.len();
    match listed.len() {
        0 if all == 0 => eprintln!("{}: no exception is open", now.working.place()),
        count if count == all => eprintln!("{}: {} open", now.working.place(), counted(all as u64, "exception")),
        count => eprintln!("{}: {count} of {} open", now.working.place(), counted(all as u64, "exception")),
    }
    listed.iter().for_each(|open| eprintln!("{}", lines(open, &now)));
    if args.json {
        let open: Vec<Value> = listed.iter().map(|open| told(open, &now)).collect();
        print_json(&json!({ "series": now.working.place().to_string(), "at": now.at, "open": open }))?;
    }
    Ok(exit::DONE)
}

/// An open exception for a person: what it is, and what was last decided about it.
fn lines(open: &Open, now: &Now) -> String {
    let severity = open.severity.name();
    let age = counted(open.age_days(now.today()).unsigned_abs(), "day");
    let words = shortened(&open.explanation);
    let mut lines = format!("  {:<44} {age:>8}  {severity:<8} {:<10} {words}", open.id, open.class.name());
    if let Some(amount) = &open.amount {
        lines += &format!("\n{:>15} {}", "amount", shown(amount));
    }
    if let Some(last) = open.dispositions.last() {
        let unsigned = if last.number > now.signed { " (not signed yet)" } else { "" };
        let Disposition { reason, operator, .. } = last;
        lines += &format!("\n{:>15} {reason}{unsigned}; {operator}, {}", last.disposition.name(), last.at);
    }
    lines
}

/// An open exception for a machine.
fn told(open: &Open, now: &Now) -> Value {
    let mut told = json!(open);
    told["ageDays"] = open.age_days(now.today()).into();
    for (told, disposition) in told["dispositions"].as_array_mut().into_iter().flatten().zip(&open.dispositions) {
        told["signed"] = (disposition.number <= now.signed).into();
    }
    told
}

fn dispose(args: &Dispose) -> Result<u8, EngineError> {
    let now = Now::read(&args.config, &args.filings)?;
    let unknown = format!("say who decides: --operator NAME, or {OPERATOR}");
    let operator = operator(&args.operator)?.ok_or(EngineError::Usage(unknown))?;
    for id in &args.ids {
        if !now.carried.open.iter().any(|open| &open.id == id) {
            return Err(EngineError::Usage(not_open(id, &now.carried.open)));
        }
    }
    let first = dispositions::next(now.working.folder(), now.signed, args.ids.len())?;
    let mut recorded = Vec::new();
    for (number, id) in (first..).zip(&args.ids) {
        let disposition = Disposition {
            number,
            exception: id.clone(),
            disposition: args.disposition.into(),
            reason: args.reason.clone(),
            operator: operator.clone(),
            at: now.at,
        };
        now.working.record(&disposition).map_err(|error| now.working.told(error))?;
        eprintln!("{id}: {}, recorded as number {number}; the next filing signs it", disposition.disposition.name());
        recorded.push(disposition);
    }
    if args.json {
        print_json(&json!({ "recorded": recorded }))?;
    }
    Ok(exit::DONE)
}

/// That an exception is not open, and which ones are that may be meant: of its day, or of its kind and source.
fn not_open(id: &str, open: &[Open]) -> String {
    const MOST: usize = 5;
    let (day, rest) = id.split_once('/').unwrap_or(("", id));
    let is_near = |open: &&Open| open.id.starts_with(&format!("{day}/")) || open.id.ends_with(&format!("/{rest}"));
    let near: Vec<&str> = open.iter().filter(is_near).map(|open| open.id.as_str()).take(MOST).collect();
    let which = match near.is_empty() {
        true => "`cuadre exceptions` lists those that are".to_owned(),
        false => format!("these are: {}", near.join(", ")),
    };
    format!("{id} is not open; {which}")
}

impl From<Word> for Disposed {
    fn from(word: Word) -> Self {
        match word {
            Word::Investigating => Self::Investigating,
            Word::Awaiting => Self::Awaiting,
            Word::Accepted => Self::Accepted,
        }
    }
}

/// Reads a name as manifests have it.
fn parse_name<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
