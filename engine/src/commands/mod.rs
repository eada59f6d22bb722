//! The command line: one subcommand, one file. The machine's words go to stdout, a person's to
//! stderr.

mod check;
mod demo;
mod keygen;
mod regenerate;
mod run;
mod schema;
mod show;
mod verify;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use cuadre_rules::Config;
use jiff::civil::Date;
use jiff::{Timestamp, Unit};

use crate::error::{EngineError, exit};
use crate::filing::check_layout;
use crate::store::Place;

const EXIT_CODES: &str = "\
Exit codes:
   0  filed complete, verified, or regenerated identical
   3  filed partial: gaps documented
   4  not filed: the policy forbids it
   5  verification failed, or regeneration differs
  64  wrong usage
  75  passing fault (lock, disk full, network): retry
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
    Verify(verify::Args),
    Check(check::Args),
    Demo(demo::Args),
    Keygen(keygen::Args),
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
        Command::Verify(args) => verify::run(args),
        Command::Check(args) => check::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::Schema(args) => schema::run(args),
    };
    done.unwrap_or_else(|error| {
        show::error(&error);
        error.exit_code()
    })
}

/// A configuration with the file it came from.
struct Configured {
    config: Config,
    text: String,
    /// The folder of the file; its paths are relative to it.
    folder: PathBuf,
}

impl Configured {
    fn read(path: &Path) -> Result<Self, EngineError> {
        let cannot = |why: &dyn std::fmt::Display| {
            EngineError::Setup(format!("{}: the configuration cannot be read: {why}", path.display()))
        };
        if path.is_dir() {
            return Err(cannot(&"it is a folder; give the .toml file"));
        }
        let bytes = std::fs::read(path).map_err(|error| cannot(&format_args!("{error}; check --config")))?;
        let text = String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8; save it as UTF-8"))?;
        let config = Config::parse(&text, &path.display().to_string());
        let config = config.map_err(|error| EngineError::Config(Box::new(error)))?;
        check_layout(&config)?;
        Ok(Self { config, text, folder: path.parent().unwrap_or(Path::new("")).to_owned() })
    }

    fn data(&self, given: &Option<PathBuf>) -> Result<Place, EngineError> {
        self.place(given, &self.config.data)
    }

    fn filings(&self, given: &Option<PathBuf>) -> Result<Place, EngineError> {
        self.place(given, &self.config.filings)
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
}

/// The instant of issue: `SOURCE_DATE_EPOCH` where set, else the clock; in whole seconds.
fn issued_at() -> Result<Timestamp, EngineError> {
    let now = match std::env::var("SOURCE_DATE_EPOCH") {
        Err(_) => Timestamp::now(),
        Ok(text) => {
            let seconds = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            seconds.ok_or_else(|| {
                let remedy = "unset it, or set it to seconds since 1970, such as 1795261200";
                EngineError::Usage(format!("SOURCE_DATE_EPOCH is no count of seconds: {text}; {remedy}"))
            })?
        }
    };
    now.round(Unit::Second).map_err(EngineError::bug)
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
