//! `cuadre rules explain`: a rule in words.

use std::path::PathBuf;

use cuadre_rules::config::{Language, Rule};
use cuadre_rules::explain::explain;
use cuadre_rules::said::Said;
use cuadre_rules::suggest::did_you_mean;

use super::super::Configured;
use super::{language, parse_language, table};
use crate::error::{EngineError, exit};

/// Explain a rule: what it checks, over which movements, and what follows from a failure
#[derive(clap::Args)]
pub struct Args {
    /// The rule
    #[arg(value_name = "ID")]
    id: String,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Language of the words: en or es-MX [default: the configuration's]
    #[arg(long, value_name = "LANGUAGE", value_parser = parse_language)]
    language: Option<Language>,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let config = Configured::read(&args.config)?.config;
    let language = language(args.language, Some(&config));
    let rules: Vec<&Rule> = config.rules.iter().filter(|rule| rule.id == args.id).collect();
    if rules.is_empty() {
        let ids = config.rules.iter().map(|rule| rule.id.as_str());
        let help = did_you_mean(&args.id, ids, "`cuadre rules list` lists them");
        return Err(EngineError::Usage(format!("no rule is called `{}`; {help}", args.id)));
    }
    for rule in rules {
        eprintln!("{} ({})", rule.id, rule.check.kind());
        let told = |(name, words): (Said, Said)| vec![name.into_language(language), words.into_language(language)];
        let parts: Vec<Vec<String>> = explain(rule, &config).into_iter().map(told).collect();
        table::lines(&parts, 2).iter().for_each(|line| eprintln!("{line}"));
    }
    Ok(exit::DONE)
}
