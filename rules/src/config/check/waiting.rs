//! What is waited for, and until when.

use super::{Checked, problem};
use crate::config::error::Step;
use crate::config::{Config, Source, time_of_day};

const EXAMPLE: &str = "04:00";

/// The times and the query of a source.
pub(super) fn source(source: &Source) -> Checked {
    let arrival = [("expected", &source.expected), ("cut_off", &source.cut_off)];
    arrival.into_iter().try_for_each(|(name, text)| time(text, path![name], EXAMPLE))?;
    in_order(&source.expected, &source.cut_off, path!["expected"])?;
    of_database(&source.ready, source.extract.url.is_some(), path!["ready"])
}

pub(super) fn waiting(config: &Config) -> Checked {
    let waiting = &config.waiting;
    if waiting.poll_seconds == 0 {
        return problem(path!["waiting", "poll_seconds"], "no time at all is given", "write 1 or more");
    }
    let warehouse = &waiting.warehouse;
    let at = |name: &'static str| path!["waiting", "warehouse", name];
    time(&warehouse.expected, at("expected"), EXAMPLE)?;
    time(&warehouse.cut_off, at("cut_off"), EXAMPLE)?;
    in_order(&warehouse.expected, &warehouse.cut_off, at("expected"))?;
    of_database(&warehouse.ready, config.warehouse.is_database(), at("ready"))
}

/// A time of day, written as the example is.
pub(super) fn time(text: &Option<String>, path: Vec<Step>, example: &str) -> Checked {
    match text {
        Some(text) if time_of_day(text).is_none() => {
            problem(path, format!("`{text}` is no time of day"), &format!("write it as {example}"))
        }
        _ => Ok(()),
    }
}

fn in_order(expected: &Option<String>, cut_off: &Option<String>, path: Vec<Step>) -> Checked {
    match (expected, cut_off) {
        (Some(expected), Some(cut_off)) if expected > cut_off => {
            let message = format!("it is expected at {expected}, after its cut-off at {cut_off}");
            problem(path, message, "expect it at its cut-off or before")
        }
        _ => Ok(()),
    }
}

fn of_database(ready: &Option<String>, is_database: bool, path: Vec<Step>) -> Checked {
    match ready {
        Some(_) if !is_database => {
            let help = "files are there once they do not change; leave it out";
            problem(path, "`ready` is a query, and these are files", help)
        }
        _ => Ok(()),
    }
}
