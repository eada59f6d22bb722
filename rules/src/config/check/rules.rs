//! Datasets and rules: what they name must be there.

use super::extract::pattern;
use super::{Checked, problem};
use crate::config::error::Step;
use crate::config::source::Compared;
use crate::config::{Check, Config, Rule};
use crate::movement::Field;

pub(super) fn datasets(config: &Config) -> Checked {
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

pub(super) fn rules(config: &Config) -> Checked {
    for (n, rule) in config.rules.iter().enumerate() {
        for (within, id) in datasets_of(&rule.check) {
            if !config.datasets.iter().any(|dataset| &dataset.id == id) {
                let path = [path!["rule", n, "check", rule.check.kind()], within, path!["dataset"]].concat();
                return problem(path, format!("no dataset is called `{id}`"), "use the id of a [[dataset]]");
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
        if let Err(reason) = crate::business::settings(rule, config.scale()) {
            return problem(
                path!["rule", n, "check"],
                reason.en,
                "correct the rule; `cuadre schema` describes its settings",
            );
        }
        warehouse_rows(config, rule, n)?;
        rule_sources(config, rule, n)?;
    }
    Ok(())
}

/// The datasets that a rule names, and within which of its settings.
fn datasets_of(check: &Check) -> Vec<(Vec<Step>, &String)> {
    match check {
        Check::Reference(check) => vec![(path![], &check.dataset)],
        Check::RollForward(check) => check.dataset.iter().map(|dataset| (path![], dataset)).collect(),
        Check::Limits(check) => check.maxima.iter().map(|maxima| (path!["maxima"], &maxima.dataset)).collect(),
        Check::Sequence(check) => check.bounds.iter().map(|bounds| (path!["bounds"], &bounds.dataset)).collect(),
        Check::ThreeWay(check) => {
            let warehouse = check.warehouse.iter().map(|sums| (path!["warehouse"], &sums.dataset));
            warehouse.chain([(path!["ledger"], &check.ledger.dataset)]).collect()
        }
        _ => Vec::new(),
    }
}

/// A rule that adds up the rows of the warehouse needs all of them, with the fields that it goes by.
fn warehouse_rows(config: &Config, rule: &Rule, n: usize) -> Checked {
    let Check::ThreeWay(check) = &rule.check else { return Ok(()) };
    if check.warehouse.is_some() {
        return Ok(());
    }
    let help = "give the rule the warehouse's sums as a dataset: `warehouse = { dataset = ... }`";
    let extract = config.warehouse.extract();
    if extract.compared == Compared::Cells {
        let message = "the warehouse is compared by cells: not all of its rows come";
        return problem(path!["rule", n, "check", "three_way"], message, help);
    }
    let needed = check.group_by.iter().chain(rule.only.keys());
    match needed.into_iter().find(|field| !extract.maps(**field)) {
        Some(field) => {
            let message = format!("the warehouse maps no `{field}`, by which its rows would be added up");
            problem(
                path!["rule", n, "check", "three_way"],
                message,
                "map its column, or give the rule the warehouse's sums as a dataset: `warehouse = { dataset = ... }`",
            )
        }
        None => Ok(()),
    }
}

/// A misspelt source would make a rule pass for want of movements.
fn rule_sources(config: &Config, rule: &Rule, n: usize) -> Checked {
    let mut filters = vec![(&rule.only, path!["rule", n, "only", "source"])];
    let sides = match &rule.check {
        Check::AggregatesEqual(check) => Some((&check.left, &check.right)),
        Check::Pairing(check) => Some((&check.left, &check.right)),
        _ => None,
    };
    if let Some((left, right)) = sides {
        filters.push((left, path!["rule", n, "check", rule.check.kind(), "left"]));
        filters.push((right, path!["rule", n, "check", rule.check.kind(), "right"]));
    }
    for (only, path) in filters {
        let named = only.get(&Field::Source).into_iter().flatten();
        if let Some(id) = named.into_iter().find(|&id| !config.sources.iter().any(|source| &source.id == id)) {
            return problem(path, format!("no source is called `{id}`"), "use the id of a [[source]]");
        }
    }
    Ok(())
}
