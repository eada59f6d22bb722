//! `cuadre rules`: what whoever writes rules needs around them.

pub mod datasets;
mod explain;
mod list;
mod table;
mod test;
mod trial;

use cuadre_rules::Config;
use cuadre_rules::config::{ConfigError, Language};

use crate::error::EngineError;

/// List, explain and prove business rules, and try them on filed days
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::Args),
    Explain(explain::Args),
    Test(test::Args),
    Try(trial::Args),
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    match &args.command {
        Command::List(args) => list::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Test(args) => test::run(args),
        Command::Try(args) => trial::run(args),
    }
}

/// The language of words for people: the one that is asked for, else the configuration's.
fn language(asked: Option<Language>, config: Option<&Config>) -> Language {
    asked.or(config.map(|config| config.language)).unwrap_or_default()
}

fn parse_language(text: &str) -> Result<Language, String> {
    serde_json::from_value(text.into()).map_err(|_| "write en or es-MX".to_owned())
}

fn wrong(error: ConfigError) -> EngineError {
    EngineError::Config(Box::new(error))
}
