//! The business reconciliation: every rule over every accepted movement.

use std::fs;

use cuadre_rules::Config;
use cuadre_rules::business::{Datasets, Evaluator, Violation, concerns, evaluator};
use cuadre_rules::config::Rule;
use cuadre_rules::day::{RuleDay, RuleVerdict};
use cuadre_rules::end_to_end::Place;
use cuadre_rules::exception::{Evidence, Kind};
use cuadre_rules::money::at_own_scale;
use cuadre_rules::movement::Columns;

use super::gaps::{About, Gaps, counted};
use super::sorter::Sorter;
use crate::error::EngineError;
use crate::judge::Room;
use crate::load::stage::Staged;

/// A rule at work.
struct Work<'a> {
    position: usize,
    rule: &'a Rule,
    evaluator: Box<dyn Evaluator>,
    sorter: Sorter,
    violations: u64,
}

/// Judges every rule over the staged movements; `files` are the source and name of the inputs
/// that places refer to.
pub fn judge(
    config: &Config,
    datasets: &Datasets,
    staged: &[Staged],
    files: &[(String, String)],
    room: Room<'_>,
    gaps: &mut Gaps,
) -> Result<Vec<RuleDay>, EngineError> {
    let mut days: Vec<Option<RuleDay>> = config.rules.iter().map(|_| None).collect();
    let mut works = Vec::new();
    let share = room.memory / 8 / config.rules.len().max(1);
    for (position, rule) in config.rules.iter().enumerate() {
        match evaluator(rule, datasets, config.scale()) {
            Ok(evaluator) => {
                let folder = room.scratch.join(format!("rule-{position}"));
                fs::create_dir_all(&folder).map_err(|e| EngineError::io("sorting", &folder, e))?;
                let sorter = Sorter::new(&folder, share);
                works.push(Work { position, rule, evaluator, sorter, violations: 0 });
            }
            Err(reason) => days[position] = Some(not_evaluated(position, rule, &reason, gaps)),
        }
    }
    let mut list = Listing { config, files, gaps, failed: None };
    if !works.is_empty() {
        for file in staged {
            for batch in file.read()? {
                let batch = batch?;
                let columns = Columns::of(&batch);
                for work in &mut works {
                    work.observe(&columns, &mut list)?;
                }
            }
        }
    }
    for work in works {
        let position = work.position;
        days[position] = Some(work.finish(&mut list)?);
    }
    Ok(days.into_iter().flatten().collect())
}

fn not_evaluated(position: usize, rule: &Rule, reason: &str, gaps: &mut Gaps) -> RuleDay {
    let about = About::rule(position, &rule.id);
    gaps.state(Kind::RuleNotEvaluated, about, &format!("it could not be judged: {reason}"));
    gaps.rate(Kind::RuleNotEvaluated, about, rule.severity);
    RuleDay {
        rule: rule.id.clone(),
        verdict: RuleVerdict::NotEvaluated,
        violations: 0,
        explanation: format!("could not be judged: {reason}"),
        on_failure: rule.on_failure,
    }
}

impl Work<'_> {
    fn observe(&mut self, columns: &Columns<'_>, list: &mut Listing<'_>) -> Result<(), EngineError> {
        for row in 0..columns.rows() {
            if !concerns(&self.rule.only, columns, row) {
                continue;
            }
            let Self { position, rule, evaluator, violations, .. } = self;
            evaluator.observe(columns, row, &mut |violation| {
                *violations += 1;
                list.add(*position, rule, violation);
            })?;
            if let Some(key) = self.evaluator.key(columns, row) {
                let mut place = (columns.file.value(row) as u32).to_be_bytes().to_vec();
                place.extend_from_slice(&(columns.record.value(row) as u64).to_be_bytes());
                self.sorter.push(&key, &place)?;
            }
        }
        list.check()
    }

    fn finish(self, list: &mut Listing<'_>) -> Result<RuleDay, EngineError> {
        let Self { position, rule, mut evaluator, sorter, mut violations } = self;
        let mut sink = |violation: Violation| {
            violations += 1;
            list.add(position, rule, violation);
        };
        let mut sorted = sorter.finish()?;
        while let Some(key) = sorted.key().map(<[u8]>::to_vec) {
            let mut places = Vec::new();
            sorted.take_group(|payload| places.extend(place_of(payload)))?;
            evaluator.group(&key, &places, &mut sink);
        }
        let told = evaluator.finish(&mut sink)?;
        list.check()?;
        let verdict = if violations == 0 { RuleVerdict::Passed } else { RuleVerdict::Failed };
        if violations > 0 {
            let about = About::rule(position, &rule.id);
            let why = if rule.why.is_empty() { String::new() } else { format!(" ({})", rule.why) };
            list.gaps.state(
                Kind::RuleFailed,
                about,
                &format!("{} of {}{why}; {told}", counted(violations, "violation"), rule.id),
            );
            list.gaps.rate(Kind::RuleFailed, about, rule.severity);
            list.gaps.count(Kind::RuleFailed, about, violations);
        }
        let explanation = format!("{told}; {}", counted(violations, "violation"));
        Ok(RuleDay { rule: rule.id.clone(), verdict, violations, explanation, on_failure: rule.on_failure })
    }
}

/// Lists violations as evidence. Evaluators cannot fail on the way, so the first failure is kept.
struct Listing<'a> {
    config: &'a Config,
    files: &'a [(String, String)],
    gaps: &'a mut Gaps,
    failed: Option<EngineError>,
}

impl Listing<'_> {
    fn add(&mut self, position: usize, rule: &Rule, violation: Violation) {
        let about = About::rule(position, &rule.id);
        let money =
            violation.money.map(|(currency, minor)| (currency, at_own_scale(currency, minor, self.config.scale())));
        let (source, file) = violation.place.and_then(|place| self.files.get(place.file as usize)).cloned().unzip();
        let row = Evidence {
            source: violation.source.or(source),
            file,
            record: violation.place.map(|place| place.record),
            column: violation.column,
            source_value: violation.found,
            warehouse_value: violation.expected,
            amount: money.map(|(_, total)| total.to_string()),
            currency: money.map(|(currency, _)| currency.to_string()),
            reason: violation.reason,
            ..Evidence::default()
        };
        let mut listed = self.gaps.evidence(Kind::RuleFailed, about, row);
        if let (Ok(()), Some((currency, minor))) = (&listed, violation.money) {
            listed = self.gaps.add(Kind::RuleFailed, about, currency, minor);
        }
        if let Err(error) = listed {
            self.failed.get_or_insert(error);
        }
    }

    fn check(&mut self) -> Result<(), EngineError> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

fn place_of(payload: &[u8]) -> Option<Place> {
    let (file, record) = payload.split_first_chunk::<4>()?;
    Some(Place { file: u32::from_be_bytes(*file), record: u64::from_be_bytes(record.try_into().ok()?) })
}
