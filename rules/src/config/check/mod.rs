//! What a configuration must satisfy beyond its grammar.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Problem, Step};
use super::source::Column;
use super::{Config, Databases, EarlyWarning, EndToEnd};
use crate::exception::Kind;
use crate::money::Currency;
use crate::movement::Field;
use crate::suggest::did_you_mean;

type Checked = Result<(), Problem>;

fn problem<S: Into<String>>(path: Vec<Step>, message: S, help: &str) -> Checked {
    let help = Some(help.to_owned()).filter(|help| !help.is_empty());
    Err(Problem { path, message: message.into(), help })
}

macro_rules! path {
    ($($step:expr),*) => { vec![$(Step::from($step)),*] };
}

mod cells;
mod database;
mod extract;
mod http;
mod notify;
pub(super) mod rules;
mod signing;
mod source;
mod telemetry;
mod time_stamp;
mod waiting;

/// Finds the first thing that is wrong.
pub(super) fn check(config: &Config) -> Checked {
    institution(config)?;
    rule_files(&config.rule_files)?;
    unique(config.sources.iter().map(|source| source.id.as_str()), "source")?;
    for (n, source) in config.sources.iter().enumerate() {
        let at = |rest: Vec<Step>| [path!["source", n], rest].concat();
        source::source(config, source).map_err(|p| Problem { path: at(p.path), ..p })?;
    }
    warehouse(config)?;
    policy(config)?;
    waiting::waiting(config)?;
    early_warning(&config.early_warning)?;
    time_stamp::time_stamps(config)?;
    notify::routes(config)?;
    telemetry::telemetry(&config.telemetry)?;
    report(config)?;
    of_rules(config)
}

/// What rules and datasets must satisfy.
pub(super) fn of_rules(config: &Config) -> Checked {
    rules::ids(&config.rules)?;
    unique(config.datasets.iter().map(|dataset| dataset.id.as_str()), "dataset")?;
    rules::datasets(config)?;
    rules::rules(config)
}

/// Whether the patterns of rule files are patterns.
pub(super) fn rule_files(patterns: &[String]) -> Checked {
    for (n, pattern) in patterns.iter().enumerate() {
        let path = path!["rule_files", n];
        if pattern.contains('{') {
            return problem(path, format!("`{pattern}` has a date"), "name files that are there on every day");
        }
        extract::pattern(pattern, path.clone()).map_err(|wrong| Problem {
            message: wrong.message.replace("the data folder", "the folder of the configuration"),
            help: Some("give a path below the folder of the configuration, such as rules/*.toml".to_owned()),
            path,
        })?;
    }
    Ok(())
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn institution(config: &Config) -> Checked {
    if jiff::tz::TimeZone::get(&config.time_zone).is_err() {
        let message = format!("`{}` is no IANA time zone", config.time_zone);
        return problem(path!["time_zone"], message, "write it as America/Mexico_City");
    }
    if config.deadline().is_none() {
        return problem(path!["deadline"], format!("`{}` is no time of day", config.deadline), "write it as 06:00");
    }
    for (n, day) in config.closed.iter().enumerate() {
        let is_date = || day.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == *day);
        if !WEEKDAYS.contains(&day.as_str()) && !is_date() {
            let message = format!("`{day}` is neither a day of the week nor a date");
            return problem(path!["closed", n], message, "write it as saturday, or as 2026-12-25");
        }
    }
    for (n, code) in config.currencies.iter().enumerate() {
        currency(code, path!["currencies", n])?;
    }
    currency(&config.currency, path!["currency"])?;
    if config.sources.is_empty() {
        return problem(path!["institution"], "no [[source]] is configured", "add one [[source]] per system");
    }
    work(config)?;
    signing::signing(&config.signing)?;
    end_to_end(&config.end_to_end, path!["end_to_end"])
}

fn work(config: &Config) -> Checked {
    let wrong = |why: String| problem(path!["work"], why, "name a folder of its own on this machine, such as night");
    match config.work.as_deref() {
        Some(work) if work.trim().is_empty() => wrong("no folder is named".to_owned()),
        Some(work) if work.contains("://") => wrong(format!("`{work}` is no folder")),
        Some(work) if work.trim_end_matches('/') == config.filings.trim_end_matches('/') => {
            wrong(format!("`{work}` is the series, which holds filings alone"))
        }
        _ => Ok(()),
    }
}

fn currency(code: &str, path: Vec<Step>) -> Checked {
    match code.parse::<Currency>() {
        Ok(_) => Ok(()),
        Err(error) => problem(path, format!("`{code}` is {error}"), "write three capital letters, such as MXN"),
    }
}

fn unique<'a>(ids: impl Iterator<Item = &'a str>, what: &str) -> Checked {
    let mut seen = BTreeSet::new();
    for (n, id) in ids.enumerate() {
        named(id, what, n)?;
        if !seen.insert(id) {
            return problem(path![what, n, "id"], format!("two {what}s have the id `{id}`"), "give each its own id");
        }
    }
    Ok(())
}

fn named(id: &str, what: &str, n: usize) -> Checked {
    match id.trim().is_empty() || id.contains(['/', '\\', '\n']) {
        true => problem(path![what, n, "id"], format!("`{id}` cannot name a {what}"), "use letters, digits, - and _"),
        false => Ok(()),
    }
}

fn end_to_end(setting: &EndToEnd, path: Vec<Step>) -> Checked {
    for (name, fields) in [("key", &setting.key), ("compare", &setting.compare)] {
        if let Some(n) = fields.iter().position(|&field| field == Field::Source) {
            return problem([path, path![name, n]].concat(), "`source` is always compared", "leave it out");
        }
    }
    Ok(())
}

fn warehouse(config: &Config) -> Checked {
    let warehouse = &config.warehouse;
    let at = path!["warehouse", warehouse.key()];
    if warehouse.is_database() != warehouse.extract().url.is_some() {
        let message = match warehouse.is_database() {
            true => "the database is not named",
            false => "files have no database",
        };
        return problem(at, message, "give [warehouse.database] a `url`, and [warehouse.files] its `files`");
    }
    extract::extract(warehouse.extract()).map_err(|p| Problem { path: [at.clone(), p.path].concat(), ..p })?;
    cells::warehouse(warehouse.extract()).map_err(|p| Problem { path: [at.clone(), p.path].concat(), ..p })?;
    needs(&warehouse.extract().columns, &[Field::Source], [at, path!["columns"]].concat())
}

fn needs(columns: &BTreeMap<Field, Column>, fields: &[Field], path: Vec<Step>) -> Checked {
    match fields.iter().find(|field| !columns.contains_key(field)) {
        Some(field) => problem(path, format!("`{field}` is not mapped"), "name its column"),
        None => Ok(()),
    }
}

fn policy(config: &Config) -> Checked {
    for (n, id) in config.policy.required_sources.iter().enumerate() {
        if !config.sources.iter().any(|source| &source.id == id) {
            return problem(
                path!["policy", "required_sources", n],
                format!("no source is called `{id}`"),
                &did_you_mean(id, config.sources.iter().map(|source| source.id.as_str()), "use the id of a [[source]]"),
            );
        }
    }
    if let Some(n) = config.policy.block_on.iter().position(|kind| *kind == Kind::NotificationFailed) {
        let message = format!("`{}` says nothing about the day", config.policy.block_on[n]);
        return problem(path!["policy", "block_on", n], message, "leave it out: it never holds up a filing");
    }
    if config.policy.minimum_coverage_percent > 100 {
        return problem(
            path!["policy", "minimum_coverage_percent"],
            "no coverage is more than 100 percent",
            "write 0 to 100",
        );
    }
    if config.policy.without_archive && config.filings.starts_with("s3://") {
        return problem(
            path!["policy", "without_archive"],
            "in a bucket the archive is not away while the rest of the series is there",
            "leave it out, or file into a folder",
        );
    }
    waiting::time(&config.policy.file_without_from, path!["policy", "file_without_from"], "05:30")?;
    let Databases { connect_seconds, statement_seconds, .. } = config.databases;
    for (name, seconds) in [("connect_seconds", connect_seconds), ("statement_seconds", statement_seconds)] {
        if seconds == 0 {
            return problem(path!["databases", name], "no time at all is given", "write 1 or more");
        }
    }
    if config.retention.days == 0 {
        let help = "write 1 or more, or leave it out for ten years";
        return problem(path!["retention", "days"], "nothing would be kept for even a day", help);
    }
    Ok(())
}

fn early_warning(setting: &EarlyWarning) -> Checked {
    let EarlyWarning { weeks, least, .. } = *setting;
    let path = path!["early_warning", "least"];
    match (weeks, least) {
        (0, _) => Ok(()),
        (_, 0) => problem(path, "no day at all says what is usual", "write 1 or more; `weeks = 0` warns of nothing"),
        _ if least > weeks => {
            let message = format!("{least} days of the same name are not in {weeks} weeks: nothing would be judged");
            problem(path, message, "let `least` be no more than `weeks`")
        }
        _ => Ok(()),
    }
}

fn report(config: &Config) -> Checked {
    if config.report.columns.is_empty() {
        return problem(path!["report", "columns"], "the report has no columns", "list at least one");
    }
    if !config.report.delimiter.is_ascii() {
        return problem(path!["report", "delimiter"], "the delimiter is not ASCII", "use one ASCII character");
    }
    for (n, column) in config.report.columns.iter().enumerate() {
        if config.report.columns[..n].iter().any(|other| other.name() == column.name()) {
            return problem(
                path!["report", "columns", n],
                format!("two columns are called `{}`", column.name()),
                "give each its own name",
            );
        }
    }
    Ok(())
}
