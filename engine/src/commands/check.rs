//! `cuadre check`: the configuration, validated, and the plan that follows from it.

use std::path::PathBuf;

use cuadre_rules::Config;
use cuadre_rules::config::source::ControlFrom;
use cuadre_rules::config::{Source, Warehouse};
use cuadre_rules::movement::Field;
use jiff::civil::Date;
use serde_json::json;

use super::{Configured, parse_date, print_json};
use crate::error::{EngineError, exit};
use crate::landing::with_date;

/// Validate a configuration without data, and show the plan that follows from it
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Show the paths of this business date instead of their patterns
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<Date>,
    /// Print the plan as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let configured = Configured::read(&args.config)?;
    let config = &configured.config;
    let dated = |pattern: &str| args.date.map_or_else(|| pattern.to_owned(), |date| with_date(pattern, date));
    if args.json {
        let sources: Vec<_> = config.sources.iter().map(|source| plan_json(config, source, &dated)).collect();
        print_json(&json!({"institution": config.institution, "series": config.series, "sources": sources}))?;
        return Ok(exit::DONE);
    }
    eprintln!("{}, series {}", config.institution, config.series);
    eprintln!("Due at {} {} on the day after the business date", config.deadline, config.time_zone);
    eprintln!("Data below {}, filings in {}", configured.data(&None)?, configured.filings(&None)?);
    eprintln!("Signed by {} with {}{}", config.signing.principal, configured.key().display(), key_note(&configured));
    eprintln!("\nSources ({}):", config.sources.len());
    for source in &config.sources {
        source_plan(config, source, &dated);
    }
    eprintln!("\nWarehouse: {}", warehouse_plan(&config.warehouse, &dated));
    if !config.rules.is_empty() {
        eprintln!("\nRules ({}):", config.rules.len());
    }
    for rule in &config.rules {
        let on_failure = format!("{:?}", rule.on_failure).to_lowercase();
        eprintln!("  {:<28} {:<16} on failure: {on_failure}", rule.id, rule.check.kind());
    }
    let columns: Vec<&str> = config.report.columns.iter().map(|column| column.name()).collect();
    eprintln!("\nReport columns: {}", columns.join(", "));
    let policy = &config.policy;
    let required =
        if policy.required_sources.is_empty() { "none".to_owned() } else { policy.required_sources.join(", ") };
    let blocks: Vec<&str> = policy.block_on.iter().map(|kind| kind.name()).collect();
    let blocks = if blocks.is_empty() { "nothing".to_owned() } else { blocks.join(", ") };
    eprintln!(
        "Policy: required sources {required}; coverage at least {} %; blocks on {blocks}",
        policy.minimum_coverage_percent
    );
    eprintln!("\nThe configuration is valid.");
    Ok(exit::DONE)
}

fn key_note(configured: &Configured) -> &'static str {
    if configured.key().exists() { "" } else { " (not there yet: make it with `cuadre keygen`)" }
}

fn source_plan(config: &Config, source: &Source, dated: &dyn Fn(&str) -> String) {
    let patterns: Vec<String> = source.extract.files.patterns().iter().map(|pattern| dated(pattern)).collect();
    let title = if source.title.is_empty() { String::new() } else { format!("  {}", source.title) };
    eprintln!("  {}{title}", source.id);
    let expected = source.expected_files.map_or(String::new(), |count| format!(", {count} files expected"));
    eprintln!("    {} from {}{expected}", source.extract.format.name(), patterns.join(", "));
    eprintln!("    control: {}", control_plan(source, dated));
    let (key, compare) = config.compared_fields(source);
    let key = if key.is_empty() { "no key".to_owned() } else { format!("key {}", names(&key)) };
    eprintln!("    against the warehouse: {key}, comparing {}", names(&compare));
}

fn control_plan(source: &Source, dated: &dyn Fn(&str) -> String) -> String {
    match &source.control {
        None => "none; a truncated extract would go unnoticed".to_owned(),
        Some(control) => match control.from {
            ControlFrom::Trailer => "trailer record".to_owned(),
            ControlFrom::Json | ControlFrom::Csv => control.file.as_deref().map(dated).unwrap_or_default(),
        },
    }
}

fn warehouse_plan(warehouse: &Warehouse, dated: &dyn Fn(&str) -> String) -> String {
    match warehouse {
        Warehouse::Files(extract) => {
            let patterns: Vec<String> = extract.files.patterns().iter().map(|pattern| dated(pattern)).collect();
            format!("{} files {}", extract.format.name(), patterns.join(", "))
        }
        Warehouse::Sqlite(table) => format!("SQLite {}, table {}", table.path, table.table),
    }
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

fn plan_json(config: &Config, source: &Source, dated: &dyn Fn(&str) -> String) -> serde_json::Value {
    let (key, compare) = config.compared_fields(source);
    let files: Vec<String> = source.extract.files.patterns().iter().map(|pattern| dated(pattern)).collect();
    json!({
        "id": source.id,
        "format": source.extract.format.name(),
        "files": files,
        "control": control_plan(source, dated),
        "key": names(&key),
        "compare": names(&compare),
    })
}
