//! `cuadre check`: the configuration, validated, and the plan that follows from it.

use std::path::PathBuf;

use cuadre_rules::Config;
use cuadre_rules::cells::Grid;
use cuadre_rules::config::database::shown;
use cuadre_rules::config::source::{Compared, ControlFrom, Extract};
use cuadre_rules::config::{Check, Source, TimeStamps};
use cuadre_rules::explain::period;
use cuadre_rules::movement::Field;
use jiff::civil::Date;
use serde_json::json;

use super::{Configured, parse_date, print_json, rules};
use crate::clock::Clock;
use crate::database::{Access, Column, Fault, Question, Session};
use crate::error::{EngineError, exit};
use crate::landing::with_date;
use crate::progress::Progress;
use crate::reconcile::breaks;
use crate::{notices, pages, time_stamp, trust};

/// Validate a configuration without data, and show the plan that follows from it
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Show the paths of this business date instead of their patterns
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<Date>,
    /// Also ask every database, for no row (whether it can be reached and read, and has the columns), and every time
    /// stamping authority, for a time stamp of nothing in particular; and tell whoever is notified that this is a test
    #[arg(long)]
    connect: bool,
    /// Folder of landing files, and of SQLite databases [default: the configuration's]. Where it is given, rules are
    /// also held against the datasets that lie there
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the warehouse is, as for `run`
    #[arg(long, value_name = "URL")]
    warehouse: Option<String>,
    /// Print the plan as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let mut configured = Configured::read(&args.config)?;
    configured.warehouse(&args.warehouse)?;
    let config = &configured.config;
    pages::check(config, &configured.folder)?;
    let dated = |pattern: &str| args.date.map_or_else(|| pattern.to_owned(), |date| with_date(pattern, date));
    if args.json {
        let sources: Vec<_> = config.sources.iter().map(|source| plan_json(config, source, &dated)).collect();
        print_json(&json!({"institution": config.institution, "series": config.series, "sources": sources}))?;
        return Ok(exit::DONE);
    }
    eprintln!("{}, series {}", config.institution, config.series);
    let closed =
        if config.closed.is_empty() { String::new() } else { format!("; closed: {}", config.closed.join(", ")) };
    eprintln!("Due at {} {} on the day after the business date{closed}", config.deadline, config.time_zone);
    eprintln!("Data below {}, filings in {}", configured.data(&args.data)?, configured.filings(&None)?);
    eprintln!("Signed by {} with {}{}", config.signing.principal, configured.key().display(), key_note(&configured));
    if let Some(root) = &config.signing.root {
        eprintln!("Changes of trust are signed by the root {}", configured.folder.join(root).display());
        trust::root_signers(config, &configured.folder)?;
    }
    let authorities = time_stamp::authorities(config, &configured.folder)?;
    let names: Vec<&str> = authorities.iter().map(|authority| authority.settings.name.as_str()).collect();
    match names.is_empty() {
        true => eprintln!("Time-stamped by nobody: nothing will prove the hour"),
        false => eprintln!("Time-stamped by {}", names.join(", ")),
    }
    routes_plan(config);
    eprintln!("\nSources ({}):", config.sources.len());
    for source in &config.sources {
        source_plan(config, source, &dated);
    }
    eprintln!("\nWarehouse: {}", extract_plan(config.warehouse.extract(), &dated));
    let warehouse = &config.waiting.warehouse;
    if let Some(times) = times(&warehouse.expected, &warehouse.cut_off) {
        eprintln!("    {times}");
    }
    if !config.rules.is_empty() {
        eprintln!("\nRules ({}):", config.rules.len());
    }
    for rule in &config.rules {
        let on_failure = format!("{:?}", rule.on_failure).to_lowercase();
        let period = match period(rule).en.as_str() {
            "always" => String::new(),
            period => format!(", {period}"),
        };
        eprintln!("  {:<28} {:<16} on failure: {on_failure}{period}", rule.id, rule.check.kind());
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
    if let Some(template) = &config.pages.template {
        eprintln!("Pages by {template}");
    }
    if let (Some(_), Some(data)) = (&args.data, configured.data(&args.data)?.folder()) {
        rules::datasets::check(config, data, args.date)?;
    }
    eprintln!("\nThe configuration is valid.");
    match args.connect {
        true => connect(&configured, args, &authorities),
        false => Ok(exit::DONE),
    }
}

/// The day that databases are asked about where none is given: they are asked for no row.
const NO_DAY: Date = Date::constant(2000, 1, 1);

/// Asks every database and time stamping authority, whatever the others answer.
fn connect(configured: &Configured, args: &Args, authorities: &[time_stamp::Authority<'_>]) -> Result<u8, EngineError> {
    let (config, date) = (&configured.config, args.date.unwrap_or(NO_DAY));
    let data = configured.data(&args.data)?;
    let data = data.folder().unwrap_or(&configured.folder);
    let access = Access { databases: &config.databases, data, secrets: &configured.folder, lasting: false };
    let mut faults = Vec::new();
    let mut tell = |what: &str, asked: Result<String, Fault>| match asked {
        Ok(words) => eprintln!("  {what:<20} {words}"),
        Err(fault) => {
            eprintln!("  {what:<20} FAILED: {fault}");
            faults.push(fault);
        }
    };
    eprintln!("\nAsked:");
    for source in &config.sources {
        if let Some(url) = &source.extract.url {
            tell(&source.id, probe(url, &source.extract, access, date));
        }
        let Some(control) = &source.control else { continue };
        let Some((url, password)) = control.database(&source.extract) else { continue };
        let asked = Session::open(url, password, access)
            .and_then(|mut session| session.probe_rows(&control.table, &control.query, date));
        tell(&format!("{}, control", source.id), asked.map(|()| shown(url)));
    }
    if let Some(url) = &config.warehouse.extract().url {
        let extract = config.warehouse.extract();
        tell("the warehouse", probe(url, extract, access, date));
        if extract.compared == Compared::Cells {
            tell("its cells", probe_cells(config, url, access, date));
        }
        let queries = config.datasets.iter().filter_map(|dataset| Some((&dataset.id, dataset.query.as_ref()?)));
        let rules = config.rules.iter().filter_map(|rule| match &rule.check {
            Check::WarehouseSql(check) => Some((&rule.id, &check.query)),
            _ => None,
        });
        for (id, query) in queries.chain(rules) {
            let asked = Session::open(url, extract.password.as_ref(), access)
                .and_then(|mut session| session.probe_rows(&None, &Some(query.clone()), date));
            tell(id, asked.map(|()| "its query can be asked".to_owned()));
        }
    }
    let asked: Vec<&time_stamp::Authority<'_>> = authorities.iter().collect();
    let waits = TimeStamps { retry_seconds: 0, ..config.time_stamps.clone() };
    let answers =
        time_stamp::ask(&asked, &waits, &configured.folder, b"cuadre check", &Clock::system(), &Progress::silent());
    for (authority, answer) in authorities.iter().zip(answers) {
        tell(&authority.settings.name, answer.map(|token| format!("stamps, and says it is {}", token.stamp.time)));
    }
    for (route, taken) in config.notify.iter().zip(notices::check(config, &configured.folder)?) {
        tell(&route.name, taken.map(|()| "took a test event".to_owned()));
    }
    match faults.into_iter().min_by_key(|fault| fault.passing) {
        Some(fault) => Err(fault.into()),
        None => {
            eprintln!("\nAll that were asked answer.");
            Ok(exit::DONE)
        }
    }
}

fn probe(url: &str, extract: &Extract, access: Access<'_>, date: Date) -> Result<String, Fault> {
    let mut session = Session::open(url, extract.password.as_ref(), access)?;
    let columns = session.probe(extract, date)?;
    let column = |column: &Column| format!("{} {}", column.name, column.type_name).trim().to_owned();
    Ok(format!("{}: {}", shown(url), columns.iter().map(column).collect::<Vec<_>>().join(", ")))
}

fn probe_cells(config: &Config, url: &str, access: Access<'_>, date: Date) -> Result<String, Fault> {
    let plan = breaks::plan(config);
    let question = Question::new(config, &plan, &vec![true; plan.len()], Grid::new([0; 16], 0), date)?;
    Session::open(url, config.warehouse.extract().password.as_ref(), access)?.probe_cells(&question)?;
    Ok("can be asked for".to_owned())
}

/// Who is told what happens in a night.
fn routes_plan(config: &Config) {
    if config.notify.is_empty() {
        eprintln!("Tells nobody what happens in a night: name somebody in [[notify]]");
    }
    for route in &config.notify {
        let way = match (&route.url, &route.command) {
            (Some(url), _) => shown(url),
            (None, command) => command.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "),
        };
        let events: Vec<&str> = route.events.iter().map(|event| event.name()).collect();
        let events = if events.is_empty() { "events".to_owned() } else { events.join(", ") };
        eprintln!("Tells {} by {way}: {events}, from {} on", route.name, route.at_least.name());
        if route.url.is_some() && route.secret.is_none() {
            eprintln!("  note: it cannot know who tells it, since nothing is signed: give `secret`");
        }
    }
}

fn key_note(configured: &Configured) -> &'static str {
    match configured.config.signing.agent {
        true => ", which ssh-agent holds",
        false if configured.key().exists() => "",
        false => " (not there yet: make it with `cuadre keygen`)",
    }
}

fn source_plan(config: &Config, source: &Source, dated: &dyn Fn(&str) -> String) {
    let title = if source.title.is_empty() { String::new() } else { format!("  {}", source.title) };
    eprintln!("  {}{title}", source.id);
    let expected = source.expected_files.map_or(String::new(), |count| format!(", {count} files expected"));
    eprintln!("    {}{expected}", extract_plan(&source.extract, dated));
    eprintln!("    control: {}", control_plan(source, dated));
    if let Some(times) = times(&source.expected, &source.cut_off) {
        eprintln!("    {times}");
    }
    let (key, compare) = config.compared_fields(source);
    let key = if key.is_empty() { "no key".to_owned() } else { format!("key {}", names(&key)) };
    eprintln!("    against the warehouse: {key}, comparing {}", names(&compare));
}

/// When something is there, as far as that is configured.
fn times(expected: &Option<String>, cut_off: &Option<String>) -> Option<String> {
    match (expected, cut_off) {
        (None, None) => None,
        (Some(expected), None) => Some(format!("expected by {expected}")),
        (None, Some(cut_off)) => Some(format!("cut-off at {cut_off}")),
        (Some(expected), Some(cut_off)) => Some(format!("expected by {expected}, cut-off at {cut_off}")),
    }
}

fn control_plan(source: &Source, dated: &dyn Fn(&str) -> String) -> String {
    match &source.control {
        None => "none; a truncated extract would go unnoticed".to_owned(),
        Some(control) => match control.from {
            ControlFrom::Trailer => "trailer record".to_owned(),
            ControlFrom::Json | ControlFrom::Csv => control.file.as_deref().map(dated).unwrap_or_default(),
            ControlFrom::Table => {
                let database = control.database(&source.extract);
                place_of(database.map_or("", |(url, _)| url), &control.table)
            }
        },
    }
}

/// Where an extract's rows are.
fn extract_plan(extract: &Extract, dated: &dyn Fn(&str) -> String) -> String {
    match &extract.url {
        Some(url) => place_of(url, &extract.table),
        None => {
            let patterns: Vec<String> = extract.files.patterns().iter().map(|pattern| dated(pattern)).collect();
            format!("{} from {}", extract.format().name(), patterns.join(", "))
        }
    }
}

fn place_of(url: &str, table: &Option<String>) -> String {
    let relation = table.as_ref().map_or("a query".to_owned(), |table| format!("table {table}"));
    let scheme = if url.contains(':') { "" } else { "sqlite:" };
    format!("{scheme}{}, {relation}", shown(url))
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

fn plan_json(config: &Config, source: &Source, dated: &dyn Fn(&str) -> String) -> serde_json::Value {
    let (key, compare) = config.compared_fields(source);
    let files: Vec<String> = source.extract.files.patterns().iter().map(|pattern| dated(pattern)).collect();
    json!({
        "id": source.id,
        "from": extract_plan(&source.extract, dated),
        "format": source.extract.format().name(),
        "files": files,
        "control": control_plan(source, dated),
        "key": names(&key),
        "compare": names(&compare),
    })
}
