//! `cuadre rules list`: the rules of a configuration.

use std::path::PathBuf;

use cuadre_rules::config::{Language, Rule};
use cuadre_rules::explain::{on_failure, period, severity};
use cuadre_rules::said;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::{Configured, parse_date, print_json};
use super::{language, parse_language, table};
use crate::error::{EngineError, exit};

/// List the rules of a configuration
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only the rules that are in force on this business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<Date>,
    /// Language of the words: en or es-MX [default: the configuration's]
    #[arg(long, value_name = "LANGUAGE", value_parser = parse_language)]
    language: Option<Language>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let config = Configured::read(&args.config)?.config;
    let language = language(args.language, Some(&config));
    let listed: Vec<&Rule> =
        config.rules.iter().filter(|rule| args.date.is_none_or(|date| rule.is_in_force(date))).collect();
    if args.json {
        print_json(&json!({ "date": args.date, "rules": listed.iter().map(|rule| told(rule)).collect::<Vec<_>>() }))?;
        return Ok(exit::DONE);
    }
    let (all, listed_count) = (config.rules.len(), listed.len());
    let heading = match args.date {
        None => said!("{all} rules", "{all} reglas"),
        Some(date) => said!(
            "{listed_count} of {all} rules are in force on {date}",
            "{listed_count} de {all} reglas vigentes el {date}"
        ),
    };
    eprintln!("{}", heading.into_language(language));
    let head = [
        said!("rule", "regla"),
        said!("kind", "tipo"),
        said!("severity", "gravedad"),
        said!("a failure", "si no se cumple"),
        said!("valid", "vigencia"),
        said!("owner", "responsable"),
        said!("why", "motivo"),
    ];
    let row = |rule: &&Rule| {
        vec![
            rule.id.clone(),
            rule.check.kind().to_owned(),
            severity(rule.severity).into_language(language),
            on_failure(rule.on_failure).into_language(language),
            period(rule).into_language(language),
            rule.owner.clone().unwrap_or_else(|| "-".to_owned()),
            rule.why.clone(),
        ]
    };
    let mut rows = vec![head.map(|said| said.into_language(language)).to_vec()];
    rows.extend(listed.iter().map(row));
    table::lines(&rows, 2).iter().for_each(|line| eprintln!("{line}"));
    Ok(exit::DONE)
}

fn told(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "kind": rule.check.kind(),
        "severity": rule.severity,
        "onFailure": rule.on_failure,
        "validFrom": rule.valid_from,
        "validUntil": rule.valid_until,
        "owner": rule.owner,
        "why": rule.why,
        "file": rule.written.as_ref().map(|written| &written.file),
        "line": rule.written.as_ref().map(|written| written.line),
    })
}
