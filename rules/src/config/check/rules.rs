//! Datasets and rules: what they name must be there.

use super::extract::pattern;
use super::{Checked, named, problem};
use crate::config::error::{Problem, Step};
use crate::config::rule::date;
use crate::config::source::Compared;
use crate::config::{Check, Config, Message, Rule};
use crate::movement::Field;
use crate::suggest::did_you_mean;

pub(in crate::config) fn datasets(config: &Config) -> Checked {
    for (n, dataset) in config.datasets.iter().enumerate() {
        match (&dataset.file, &dataset.query) {
            (Some(file), None) => pattern(file, path!["dataset", n, "file"])?,
            (None, Some(_)) if !config.warehouse.is_database() => {
                return problem(
                    path!["dataset", n, "query"],
                    "a warehouse of files cannot be queried",
                    "give a `file`",
                );
            }
            (None, Some(_)) => {}
            _ => return problem(path!["dataset", n], "a dataset is a file or a query", "give one of the two"),
        }
    }
    Ok(())
}

/// Rules may share an id where they are never in force on the same day.
pub(in crate::config) fn ids(rules: &[Rule]) -> Checked {
    for (n, rule) in rules.iter().enumerate() {
        named(&rule.id, "rule", n)?;
        period(rule).map_err(|wrong| at(wrong, path!["rule", n]))?;
        let others = rules[..n].iter().filter(|other| other.id == rule.id);
        if let Some(day) = others.filter_map(|other| first_shared(rule, other)).next() {
            let id = &rule.id;
            let message = match day {
                Some(day) => format!("two rules have the id `{id}` on {day}"),
                None => format!("two rules have the id `{id}`"),
            };
            let help = "give each its own id, or a period of its own (`valid_from`, `valid_until`)";
            return problem(path!["rule", n, "id"], message, help);
        }
    }
    Ok(())
}

/// The first day on which both are in force, `Some(None)` where that is ever; `None` where there is none.
fn first_shared(left: &Rule, right: &Rule) -> Option<Option<jiff::civil::Date>> {
    let ((from, until), (other_from, other_until)) = (left.period(), right.period());
    let first = from.max(other_from);
    let last = [until, other_until].into_iter().flatten().min();
    match (first, last) {
        (Some(first), Some(last)) => (first <= last).then_some(Some(first)),
        (first, last) => Some(first.or(last)),
    }
}

fn period(rule: &Rule) -> Checked {
    for (name, text) in [("valid_from", &rule.valid_from), ("valid_until", &rule.valid_until)] {
        if let Some(text) = text.as_deref().filter(|text| date(text).is_none()) {
            return problem(path![name], format!("`{text}` is no date"), "write it as 2026-12-31");
        }
    }
    match rule.period() {
        (Some(from), Some(until)) if until < from => {
            let message = format!("the rule would be valid until {until}, before it is valid from {from}");
            problem(path!["valid_until"], message, "give the last day, that day included; or leave it out")
        }
        _ => Ok(()),
    }
}

pub(in crate::config) fn rules(config: &Config) -> Checked {
    for (n, rule) in config.rules.iter().enumerate() {
        let rule_at = |wrong| at(wrong, path!["rule", n]);
        for (within, id) in rule.check.datasets() {
            let ids = || config.datasets.iter().map(|dataset| dataset.id.as_str());
            if !ids().any(|known| known == id) {
                let within = within.map(Step::from).into_iter().collect();
                let path = [path!["rule", n, "check", rule.check.kind()], within, path!["dataset"]].concat();
                let help = did_you_mean(id, ids(), "use the id of a [[dataset]]");
                return problem(path, format!("no dataset is called `{id}`"), &help);
            }
        }
        if matches!(rule.check, Check::WarehouseSql(_)) && !config.warehouse.is_database() {
            let help = "remove the rule, or use a database";
            return problem(path!["rule", n, "check"], "a warehouse of files cannot be queried", help);
        }
        if config.datasets.iter().any(|dataset| dataset.id == rule.id) {
            let message = format!("`{}` is a rule and a dataset", rule.id);
            return problem(path!["rule", n, "id"], message, "give each its own id");
        }
        of_itself(rule, config.scale()).map_err(rule_at)?;
        warehouse_rows(config, rule).map_err(rule_at)?;
        sources(config, rule).map_err(rule_at)?;
    }
    Ok(())
}

/// What a rule must satisfy whatever the configuration is that it is written for.
pub(in crate::config) fn of_itself(rule: &Rule, scale: u32) -> Checked {
    period(rule)?;
    let Message { en, es } = &rule.message;
    for (language, template) in [("en", en), ("es-MX", es)] {
        if let Some((message, help)) = template.as_deref().and_then(|template| Message::check(template).err()) {
            return problem(path!["message", language], message, &help);
        }
    }
    match crate::business::settings(rule, scale) {
        Err(reason) => problem(path!["check"], reason.en, "correct the rule; `cuadre schema` describes its settings"),
        Ok(()) => Ok(()),
    }
}

/// A rule that adds up the rows of the warehouse needs all of them, with the fields that it goes by.
fn warehouse_rows(config: &Config, rule: &Rule) -> Checked {
    let Check::ThreeWay(check) = &rule.check else { return Ok(()) };
    if check.warehouse.is_some() {
        return Ok(());
    }
    let help = "give the rule the warehouse's sums as a dataset: `warehouse = { dataset = ... }`";
    let extract = config.warehouse.extract();
    if extract.compared == Compared::Cells {
        let message = "the warehouse is compared by cells: not all of its rows come";
        return problem(path!["check", "three_way"], message, help);
    }
    let needed = check.group_by.iter().chain(rule.only.keys());
    match needed.into_iter().find(|field| !extract.maps(**field)) {
        Some(field) => {
            let message = format!("the warehouse maps no `{field}`, by which its rows would be added up");
            problem(
                path!["check", "three_way"],
                message,
                "map its column, or give the rule the warehouse's sums as a dataset: `warehouse = { dataset = ... }`",
            )
        }
        None => Ok(()),
    }
}

/// A misspelt source would make a rule pass for want of movements.
fn sources(config: &Config, rule: &Rule) -> Checked {
    let mut filters = vec![(&rule.only, path!["only", "source"])];
    let sides = match &rule.check {
        Check::AggregatesEqual(check) => Some((&check.left, &check.right)),
        Check::Pairing(check) => Some((&check.left, &check.right)),
        _ => None,
    };
    if let Some((left, right)) = sides {
        filters.push((left, path!["check", rule.check.kind(), "left"]));
        filters.push((right, path!["check", rule.check.kind(), "right"]));
    }
    let ids = || config.sources.iter().map(|source| source.id.as_str());
    for (only, path) in filters {
        let named = only.get(&Field::Source).into_iter().flatten();
        if let Some(id) = named.into_iter().find(|&id| !ids().any(|known| known == id)) {
            let help = did_you_mean(id, ids(), "use the id of a [[source]]");
            return problem(path, format!("no source is called `{id}`"), &help);
        }
    }
    Ok(())
}

/// A problem of what lies at `path`.
fn at(wrong: Problem, mut path: Vec<Step>) -> Problem {
    path.extend(wrong.path);
    Problem { path, ..wrong }
}
