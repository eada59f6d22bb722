//! Whether rules can be judged with the datasets that lie there, told before a night: part of `cuadre check`.

use std::path::Path;

use cuadre_rules::Config;
use cuadre_rules::business::{Before, Datasets, Given, evaluator};
use cuadre_rules::config::rule::date as parse;
use cuadre_rules::config::{Check, Rule};
use cuadre_rules::said::{ROW, counted};
use jiff::civil::Date;

use crate::error::EngineError;
use crate::landing::{find, with_date};
use crate::load::dataset::{more_than_one, read_table};

/// Reads the datasets that are files below `data`, those of `date` where their pattern has a date, and refuses the first
/// rule that cannot be judged with them. Files that are not there yet are said to be so.
pub fn check(config: &Config, data: &Path, date: Option<Date>) -> Result<(), EngineError> {
    let mut datasets = Datasets::new();
    eprintln!("\nDatasets below {}:", data.display());
    for dataset in &config.datasets {
        let Some(pattern) = &dataset.file else { continue };
        let tell = |words: &str| eprintln!("  {:<28} {words}", dataset.id);
        let day = match date {
            Some(day) => day,
            None if pattern.contains('{') => {
                tell("is of a day; give --date");
                continue;
            }
            None => Date::MIN,
        };
        let found = find(data, std::slice::from_ref(pattern), day).map_err(EngineError::Setup)?;
        let table = match found.as_slice() {
            [] => {
                tell(&format!("{} is not there", with_date(pattern, day)));
                continue;
            }
            [file] => read_table(&file.name, &file.path, &config.limits),
            _ => Err(more_than_one()),
        };
        match &table {
            Ok(table) => tell(&format!("{} of {}", counted(table.rows.len() as u64, ROW).en, table.header.join(", "))),
            Err(why) => tell(&why.en),
        }
        datasets.insert(dataset.id.clone(), table);
    }
    let is_there = |id: &str| datasets.contains_key(id);
    let judgeable = |rule: &&Rule| {
        let of_rule = rule.check.datasets();
        !of_rule.is_empty() && of_rule.iter().all(|(_, id)| is_there(id))
    };
    for rule in config.rules.iter().filter(judgeable).filter(|rule| date.is_none_or(|date| rule.is_in_force(date))) {
        let day = date.or(begins(rule)).unwrap_or(Date::MAX);
        let before = Before { filing: "the filing before", date: day.yesterday().unwrap_or(day), missed: None };
        let given = Given {
            scale: config.scale(),
            datasets: &datasets,
            files: &[],
            business_date: day,
            before: Ok(before),
            warehouse: Ok(()),
            reads_answers: true,
        };
        if let Err(why) = evaluator(rule, given) {
            let place = rule.written.as_ref().map_or(String::new(), |at| format!("\n--> {}:{}", at.file, at.line));
            let (id, why) = (&rule.id, why.en);
            return Err(EngineError::Setup(format!("rule {id} could not be judged: {why}{place}")));
        }
    }
    Ok(())
}

/// The day on which a rule that carries begins.
fn begins(rule: &Rule) -> Option<Date> {
    match &rule.check {
        Check::RollForward(check) => check.carried_from.as_deref().and_then(parse),
        Check::Sequence(check) => check.carried_from.as_deref().and_then(parse),
        _ => None,
    }
}
