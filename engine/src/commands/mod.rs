//! The command line: one subcommand, one file. The machine's words go to stdout, a person's to
//! stderr.

mod check;
mod demo;
mod diff;
mod differences;
mod exceptions;
mod keygen;
mod keys;
mod looking;
mod paper;
mod prune;
mod regenerate;
mod rule_files;
mod rules;
mod run;
mod schema;
mod screen;
mod show;
mod status;
mod verify;

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use cuadre_audit::SigningKey;
use cuadre_rules::Config;
use cuadre_rules::config::Text;
use cuadre_rules::config::database::{Engine, shown};
use jiff::civil::Date;
use jiff::{Timestamp, Unit};

use crate::clock::Clock;
use crate::deliveries::Places;
use crate::error::{EngineError, exit};
use crate::filing::check_layout;
use crate::inputs::Texts;
use crate::judge::MEMORY;
use crate::last_signed::LastSigned;
use crate::signing::signing_key;
use crate::store::{Place, Working};
use crate::work::Work;

/// The environment variable that names the warehouse.
const WAREHOUSE_URL: &str = "CUADRE_WAREHOUSE_URL";

const EXIT_CODES: &str = "\
Exit codes:
   0  filed complete, verified, or regenerated identical
   3  filed partial: gaps documented
   4  not filed: the policy forbids it
   5  verification failed, regeneration differs, or a case of a rule comes out otherwise
  64  wrong usage
  75  passing fault (database or network away, lock, disk full): retry
  78  wrong configuration
  70  a bug";

/// Reconciles a financial institution's day and files it with its regulator
#[derive(Parser)]
#[command(name = "cuadre", version, about, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Regenerate(regenerate::Args),
    Status(status::Args),
    Show(Box<show::Args>),
    Diff(diff::Args),
    Verify(verify::Args),
    Exceptions(exceptions::Args),
    Check(check::Args),
    Rules(rules::Args),
    Demo(demo::Args),
    Prune(prune::Args),
    Keygen(keygen::Args),
    Keys(keys::Args),
    Schema(schema::Args),
}

/// Runs the command that the process was called with; the exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::DONE };
        }
    };
    let done = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Regenerate(args) => regenerate::run(args),
        Command::Status(args) => status::run(args),
        Command::Show(args) => show::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Exceptions(args) => exceptions::run(args),
        Command::Check(args) => check::run(args),
        Command::Rules(args) => rules::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Prune(args) => prune::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Schema(args) => schema::run(args),
    };
    done.unwrap_or_else(|error| {
        screen::error(&error);
        error.exit_code()
    })
}

/// What commands that work on filings have in common.
#[derive(clap::Args)]
struct Common {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Files loaded at once [default: one per core]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Memory to take, in MiB; what does not fit is sorted on disk
    #[arg(long, value_name = "MIB", default_value_t = MEMORY >> 20, value_parser = parse_memory)]
    memory: usize,
    /// Print the result as JSON on stdout
    #[arg(long)]
    json: bool,
}

impl Common {
    fn memory_bytes(&self) -> usize {
        self.memory << 20
    }
}

/// The least memory that a day is judged with, in bytes.
const LEAST_MEMORY: usize = 64 << 20;

fn parse_memory(text: &str) -> Result<usize, String> {
    const LEAST: usize = LEAST_MEMORY >> 20;
    const MOST: usize = 1 << 20;
    let mebibytes = text.parse().ok().filter(|mebibytes| (LEAST..=MOST).contains(mebibytes));
    mebibytes.ok_or_else(|| format!("give mebibytes from {LEAST} to {MOST}"))
}

/// A configuration with the file it came from.
struct Configured {
    config: Config,
    texts: Texts,
    /// The folder of the file; its paths are relative to it.
    folder: PathBuf,
}

impl Configured {
    fn read(path: &Path) -> Result<Self, EngineError> {
        let main = read_text(path, "the configuration", "check --config")?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let (config, rule_files) = rule_files::read(&main, &folder)?;
        check_layout(&config)?;
        Ok(Self { config, texts: Texts { main: main.text, rule_files }, folder })
    }

    fn data(&self, given: &Option<PathBuf>) -> Result<Place, EngineError> {
        self.place(given, &self.config.data)
    }

    /// Reads the warehouse from where it is asked to: `given`, or the environment's, which may have
    /// the password in it, or else the configured one. The folder of its files, where it is files of
    /// a folder of their own.
    fn warehouse(&mut self, given: &Option<String>) -> Result<Option<PathBuf>, EngineError> {
        let environment = || std::env::var(WAREHOUSE_URL).ok().filter(|url| !url.is_empty());
        let Some(url) = given.clone().or_else(environment) else { return Ok(None) };
        let Some(path) = url.strip_prefix("file:") else {
            let wrong = |why| EngineError::Usage(format!("--warehouse {}: {why}", shown(&url)));
            Engine::of(&url).map_err(wrong)?;
            self.config.warehouse = self.config.warehouse.in_database(&url);
            return Ok(None);
        };
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        let (folder, file) = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if path.is_file() => (folder, Some(name.to_string_lossy().into_owned())),
            _ => (path, None),
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !folder.is_dir() {
            let remedy = format!("check {WAREHOUSE_URL} and --warehouse");
            return Err(EngineError::Setup(format!("the warehouse {} is not there; {remedy}", path.display())));
        }
        self.config.warehouse = self.config.warehouse.in_files(file.as_deref());
        Ok(Some(folder.to_owned()))
    }

    /// Where the day's inputs are: landing files in `data`, the warehouse's in a folder of their own
    /// or there, too.
    fn places(&self, data: &Path, warehouse: Option<PathBuf>) -> Places {
        let data = data.to_owned();
        Places { warehouse: warehouse.unwrap_or_else(|| data.clone()), data, secrets: self.folder.clone() }
    }

    fn filings(&self, given: &Option<PathBuf>) -> Result<Place, EngineError> {
        self.place(given, &self.config.filings)
    }

    /// Where the nights of a series keep what they need while they are under way: the folder `given`, the
    /// configured one, or the one beside a series in a folder. A series in a bucket has no other.
    fn work(&self, given: &Option<PathBuf>, series: &Place) -> Option<Work> {
        let configured = || self.config.work.as_ref().map(|work| self.folder.join(work));
        let named = given.clone().or_else(configured).map(Work::at);
        named.or_else(|| series.folder().map(Work::beside))
    }

    fn place(&self, given: &Option<PathBuf>, configured: &str) -> Result<Place, EngineError> {
        match given {
            Some(given) => Place::parse(given, Path::new("")),
            None => Place::parse(Path::new(configured), &self.folder),
        }
    }

    fn key(&self) -> PathBuf {
        self.folder.join(&self.config.signing.key)
    }

    /// What the configured key has signed last in a series, which must still be there.
    fn last_signed(&self, series: &Working) -> Result<LastSigned, EngineError> {
        let last_signed = LastSigned::of(&self.key(), series.place());
        last_signed.check(series)?;
        Ok(last_signed)
    }

    /// The key that signs filings in the folder `series`.
    fn signing_key(&self, series: &Path) -> Result<SigningKey, EngineError> {
        signing_key(&self.config.signing, &self.folder, series)
    }
}

/// Reads a text; errors call it by its path. `what` it is and the `remedy` are for whoever reads why it cannot be read.
fn read_text(path: &Path, what: &str, remedy: &str) -> Result<Text, EngineError> {
    let cannot = |why: &dyn Display| EngineError::Setup(format!("{}: {what} cannot be read: {why}", path.display()));
    if path.is_dir() {
        return Err(cannot(&"it is a folder; give the .toml file"));
    }
    let bytes = std::fs::read(path).map_err(|error| cannot(&format_args!("{error}; {remedy}")))?;
    let text = String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8; save it as UTF-8"))?;
    Ok(Text::new(path.display().to_string(), text))
}

/// The environment variable that fixes the time of issue, in seconds since 1970.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The instant that the environment fixes.
fn epoch() -> Result<Option<Timestamp>, EngineError> {
    let Ok(text) = std::env::var(EPOCH) else { return Ok(None) };
    let seconds = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    seconds.map(Some).ok_or_else(|| {
        let remedy = "unset it, or set it to seconds since 1970, such as 1795261200";
        EngineError::Usage(format!("{EPOCH} is no count of seconds: {text}; {remedy}"))
    })
}

/// The clock of a night: where the environment fixes an instant, it begins at that one.
fn clock() -> Result<Clock, EngineError> {
    Ok(epoch()?.map_or_else(Clock::system, Clock::set))
}

/// The instant of issue: the one that the environment fixes, else what `clock` shows; in whole seconds.
fn issued_at(clock: &Clock) -> Result<Timestamp, EngineError> {
    epoch()?.unwrap_or_else(|| clock.now()).round(Unit::Second).map_err(EngineError::bug)
}

/// Sets how many files are loaded at once; the cores where 0.
fn use_threads(threads: usize) -> Result<(), EngineError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(EngineError::bug)
}

fn parse_date(text: &str) -> Result<Date, String> {
    let looks_right = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse().map_err(|_| match looks_right {
        true => "no such day in the calendar; give an existing day as YYYY-MM-DD".to_owned(),
        false => "write the date as YYYY-MM-DD".to_owned(),
    })
}

/// Prints a value as one line of JSON.
fn print_json(value: &impl serde::Serialize) -> Result<(), EngineError> {
    let line = serde_json::to_string(value).map_err(EngineError::bug)? + "\n";
    print(&line)
}

/// Prints the machine's words. A reader that has seen enough and closed the pipe is no fault.
fn print(text: &str) -> Result<(), EngineError> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(EngineError::io("writing", Path::new("standard output"), error))
        }
        _ => Ok(()),
    }
}
