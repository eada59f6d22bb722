//! `cuadre regenerate`: filed days again, from the archive alone.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use cuadre_audit::layout::{FilingId, MANIFEST};
use cuadre_audit::{Series, Sha256Digest, Subject};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Common, Configured, LEAST_MEMORY, parse_date, print_json, use_threads};
use crate::error::{EngineError, exit};
use crate::manifest::{Filed, filing_date};
use crate::night;
use crate::progress::{Count, Progress};
use crate::store::{Place, Working};

/// Make filed days again from the archive alone, and compare every byte
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Date,
    /// Last business date: make every day's filing from --date on, each in a folder of --out named by the filing
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    through: Option<Date>,
    /// Which filing of the day [default: the latest]
    #[arg(long, value_name = "N", conflicts_with_all = ["as_of", "through"])]
    filing: Option<u32>,
    /// Of a day the filing that was valid at this instant, such as 2026-11-21T12:00:00Z [default: the latest]
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    as_of: Option<Timestamp>,
    /// Folder to write into; new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(args.common.threads)?;
    let configured = Configured::read(&args.common.config)?;
    let place = configured.filings(&args.common.filings)?;
    let working = Working::to_read(&place)?;
    let progress = Progress::on_stderr(true);
    match args.through {
        None => {
            let id = one(args, &working).map_err(|error| working.told(error))?;
            prepare(&args.out)?;
            let made = make(&place, id, &args.out, args.common.memory_bytes(), &progress);
            progress.finish();
            tell_one(&made?, args)
        }
        Some(last) => {
            let days = days(args, last, &working).map_err(|error| working.told(error))?;
            prepare(&args.out)?;
            tell_all(make_all(args, &place, &days, &progress), args)
        }
    }
}

/// A filing that was made again.
struct Made {
    id: FilingId,
    out: PathBuf,
    /// Its files as they were made, and whether that is how they were signed.
    files: Vec<(Subject, bool)>,
}

impl Made {
    fn differing(&self) -> Vec<&str> {
        self.files.iter().filter(|(_, same)| !same).map(|(file, _)| file.name.as_str()).collect()
    }

    fn json(&self) -> Value {
        let differing = self.differing();
        json!({
            "filing": self.id.to_string(),
            "identical": differing.is_empty(),
            "differing": differing,
            "out": self.out,
        })
    }
}

/// A day that is asked for, and its filing, where it has one.
type Chosen = (Date, Option<FilingId>);

/// The filing of the one day that is asked for.
fn one(args: &Args, working: &Working) -> Result<FilingId, EngineError> {
    let series = Series::at(working.folder());
    let date = filing_date(args.date)?;
    let Some(latest) = series.latest(date)? else {
        return Err(EngineError::Usage(never(&args.date.to_string(), &series)?));
    };
    if let Some(instant) = args.as_of {
        let first = FilingId::new(date, 1).unwrap_or(latest.id);
        bring_manifests(args.date..=args.date, &series, working)?;
        return valid_at(instant, args.date, &series)?.ok_or_else(|| {
            let message = format!("{} was not filed yet at {instant}: {first} was issued later", args.date);
            EngineError::Usage(format!("{message}; give a later instant to --as-of"))
        });
    }
    let number = args.filing.unwrap_or(latest.id.number());
    FilingId::new(date, number).filter(|id| *id <= latest.id).ok_or_else(|| {
        let message = format!("{} has the filings 1 to {}", args.date, latest.id.number());
        EngineError::Usage(format!("{message}; give one of them to --filing, or leave it out for the latest"))
    })
}

/// Every day from `--date` to `last`, with the filing to be made of it.
fn days(args: &Args, last: Date, working: &Working) -> Result<Vec<Chosen>, EngineError> {
    let series = Series::at(working.folder());
    if last < args.date {
        let message = format!("--through {last} is before --date {}", args.date);
        return Err(EngineError::Usage(format!("{message}; give the first day to --date and the last to --through")));
    }
    if args.as_of.is_some() {
        bring_manifests(args.date..=last, &series, working)?;
    }
    let mut days = Vec::new();
    let mut next = Some(args.date);
    while let Some(date) = next.filter(|date| *date <= last) {
        let id = match args.as_of {
            None => series.latest(filing_date(date)?)?.map(|filed| filed.id),
            Some(instant) => valid_at(instant, date, &series)?,
        };
        days.push((date, id));
        next = date.tomorrow().ok();
    }
    if days.iter().any(|(_, id)| id.is_some()) {
        return Ok(days);
    }
    let until = args.as_of.map_or(String::new(), |instant| format!(" until {instant}"));
    let message = never(&format!("no day from {} to {last}", args.date), &series)?;
    Err(EngineError::Usage(message.replacen(" was never filed", &format!(" was filed{until}"), 1)))
}

/// Brings down the manifests of every filing of these days.
fn bring_manifests(days: RangeInclusive<Date>, series: &Series, working: &Working) -> Result<(), EngineError> {
    let days = filing_date(*days.start())?..=filing_date(*days.end())?;
    let ids = series.filings()?.into_iter().map(|filed| filed.id).filter(|id| days.contains(&id.date()));
    working.bring_manifests(&ids.collect::<Vec<_>>())
}

/// The filing of a day that was valid at an instant: the last that was issued by then.
fn valid_at(instant: Timestamp, date: Date, series: &Series) -> Result<Option<FilingId>, EngineError> {
    let date = filing_date(date)?;
    for id in series.filings()?.iter().rev().map(|filed| filed.id).filter(|id| id.date() == date) {
        if Filed::read(series, id)?.issued_at()? <= instant {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// That nothing was filed for what is asked for, and what there is.
fn never(what: &str, series: &Series) -> Result<String, EngineError> {
    let filings = series.filings()?;
    let known = match (filings.first(), filings.last()) {
        (Some(first), Some(last)) => format!("first filed {}, last {}", first.id, last.id),
        _ => "nothing was filed there".to_owned(),
    };
    Ok(format!("{what} was never filed in {} ({known}); check --date and --filings", series.root().display()))
}

/// Makes a folder to write into.
fn prepare(out: &Path) -> Result<(), EngineError> {
    std::fs::create_dir_all(out).map_err(|e| EngineError::io("making the output folder", out, e))?;
    let entries = std::fs::read_dir(out).map_err(|e| EngineError::io("reading", out, e))?;
    match entries.count() {
        0 => Ok(()),
        _ => Err(EngineError::Usage(format!("{} is not empty; give a new folder to --out", out.display()))),
    }
}

/// Makes one filing into `out`, an empty folder. Of a series in a bucket a working copy of its own is taken,
/// which goes when the filing is made.
fn make(place: &Place, id: FilingId, out: &Path, memory: usize, progress: &Progress) -> Result<Made, EngineError> {
    let working = Working::to_read(place)?;
    let series = Series::at(working.folder());
    let made = || -> Result<Made, EngineError> {
        working.bring_filing(id, progress)?;
        let filed = Filed::read(&series, id)?;
        let signed = signed_files(&filed)?;
        let made = night::regenerate(&series.archive(), &filed, out, memory, progress)?;
        let files = made.into_iter().map(|file| (file.clone(), signed.contains(&file))).collect();
        Ok(Made { id, out: out.to_owned(), files })
    };
    made().map_err(|error| working.told(error))
}

/// Every file of the filing with the digest that was signed; the manifest's own is the one LOG
/// names.
fn signed_files(filed: &Filed) -> Result<Vec<Subject>, EngineError> {
    let sha256: Sha256Digest = filed.sha256.parse()?;
    let manifest = Subject { name: MANIFEST.to_owned(), sha256 };
    Ok(filed.files().iter().cloned().chain([manifest]).collect())
}

/// A day of a range, and what came of its filing; the days in order, told in that order.
type Day = (Date, Option<(FilingId, Result<Made, EngineError>)>);

/// Makes the filings of these days into folders of `--out`, as many at once as there are threads, and memory
/// for each. One that cannot be made does not hold up the others.
fn make_all(args: &Args, place: &Place, days: &[Chosen], progress: &Progress) -> Vec<Day> {
    let filings = days.iter().filter(|(_, id)| id.is_some()).count();
    let memory = args.common.memory_bytes();
    let at_once = rayon::current_num_threads().min(memory / LEAST_MEMORY).min(filings).max(1);
    progress.phase("making again", Some(Count::Filings(filings as u64)));
    let (left, done) = (Mutex::new(days.iter().enumerate()), Mutex::new(Done::default()));
    let work = || {
        loop {
            let Some((n, (date, id))) = locked(&left).next() else { return };
            let made = id.map(|id| {
                let out = args.out.join(id.to_string());
                let made = prepare(&out).and_then(|()| make(place, id, &out, memory / at_once, &Progress::silent()));
                progress.advance(1);
                (id, made)
            });
            locked(&done).add(n, (*date, made), progress);
        }
    };
    // Not by the pool: a thread of it that waits for one filing would begin another.
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(work))));
    progress.finish();
    let days = done.into_inner().unwrap_or_else(PoisonError::into_inner).days;
    days.into_iter().flatten().collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Days that are done, by position.
#[derive(Default)]
struct Done {
    days: Vec<Option<Day>>,
    told: usize,
}

impl Done {
    /// Adds a day, and tells those that are done up to the first that is not.
    fn add(&mut self, position: usize, day: Day, progress: &Progress) {
        let length = self.days.len().max(position + 1);
        self.days.resize_with(length, || None);
        self.days[position] = Some(day);
        while let Some(Some(day)) = self.days.get(self.told) {
            progress.note(&line(day));
            self.told += 1;
        }
    }
}

fn line((date, made): &Day) -> String {
    match made {
        None => format!("  {:<10} {date}", "not filed"),
        Some((id, Err(error))) => format!("  {:<10} {id}  {error}", "FAILED"),
        Some((id, Ok(made))) => match made.differing()[..] {
            [] => format!("  {:<10} {id}  {}", "identical", made.out.display()),
            ref files => format!("  {:<10} {id}  {}: {}", "DIFFERS", made.out.display(), files.join(", ")),
        },
    }
}

fn tell_one(made: &Made, args: &Args) -> Result<u8, EngineError> {
    for (file, same) in &made.files {
        let verdict = if *same { "identical" } else { "DIFFERS" };
        eprintln!("  {verdict:<10} {}  {}", file.sha256, file.name);
    }
    if args.common.json {
        print_json(&made.json())?;
    }
    let (id, differing) = (made.id, made.differing());
    if differing.is_empty() {
        eprintln!("Filing {id} was made again from the archive, byte for byte, in {}", made.out.display());
        return Ok(exit::DONE);
    }
    Err(EngineError::Differs(format!("filing {id}: {} not what was signed; {KEEP}", differing.join(", "))))
}

const KEEP: &str = "run `cuadre verify`, and keep both versions for the auditor";

fn tell_all(days: Vec<Day>, args: &Args) -> Result<u8, EngineError> {
    if args.common.json {
        let day = |(date, made): &Day| {
            let mut told = match made {
                None => json!({ "filing": null }),
                Some((_, Ok(made))) => made.json(),
                Some((id, Err(error))) => {
                    json!({ "filing": id.to_string(), "identical": false, "error": error.to_string() })
                }
            };
            told["date"] = date.to_string().into();
            told
        };
        print_json(&days.iter().map(day).collect::<Vec<_>>())?;
    }
    let made: Vec<(FilingId, Result<Made, EngineError>)> = days.into_iter().filter_map(|(_, made)| made).collect();
    let (all, out) = (made.len(), args.out.display());
    let mut failed: Vec<(FilingId, EngineError)> = Vec::new();
    for (id, made) in made {
        match made {
            Ok(made) if made.differing().is_empty() => {}
            Ok(_) => failed.push((id, EngineError::Differs("not what was signed".to_owned()))),
            Err(error) => failed.push((id, error)),
        }
    }
    if failed.is_empty() {
        let what = if all == 1 { "1 filing was" } else { &format!("{all} filings were") };
        eprintln!("{what} made again from the archive, byte for byte, in {out}");
        return Ok(exit::DONE);
    }
    if !failed.iter().any(|(_, error)| error.exit_code() == exit::VERIFICATION_FAILED) {
        return Err(failed.swap_remove(0).1);
    }
    let ids: Vec<String> = failed.iter().map(|(id, _)| id.to_string()).collect();
    let message = format!("{} of {all} filings were not made as they were signed: {}", ids.len(), ids.join(", "));
    Err(EngineError::Differs(format!("{message}; {KEEP}")))
}

fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let example = "2026-11-21T12:00:00Z or 2026-11-21T06:00:00-06:00";
    text.parse().map_err(|_| format!("give date, time and offset, such as {example}"))
}
