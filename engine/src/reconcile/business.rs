//! The business reconciliation: every rule over every accepted movement, in one pass. Rules share the movements
//! that are read and nothing else, so they are judged side by side.

use std::fs;
use std::path::PathBuf;

use cuadre_rules::Config;
use cuadre_rules::business::{
    Carry, Datasets, Evaluator, Given, Matched, Out, Violation, carries, evaluator, lists_matches, select,
};
use cuadre_rules::config::{Language, Message, Rule};
use cuadre_rules::day::{RuleDay, RuleVerdict};
use cuadre_rules::exception::{Evidence, Exception, Kind};
use cuadre_rules::money::{Totals, at_own_scale};
use cuadre_rules::movement::Columns;
use cuadre_rules::said;
use cuadre_rules::said::{Said, VIOLATION, counted};
use jiff::civil::Date;
use rayon::iter::Either;
use rayon::prelude::*;

use super::gaps::{About, Gaps};
use super::gather::Gatherer;
use super::sorter::Sorter;
use crate::error::EngineError;
use crate::forward::{Forward, Leaving};
use crate::judge::Room;
use crate::load::evidence::EvidenceSpool;
use crate::load::stage::Staged;
use crate::matches::Matches;

/// What rules are judged over.
pub struct Judging<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The language that they speak.
    pub language: Language,
    /// The day.
    pub business_date: Date,
    /// Reference data.
    pub datasets: &'a Datasets,
    /// What the filing before left.
    pub forward: &'a Forward,
    /// Whether answers of the warehouse are bounded and their columns read.
    pub reads_answers: bool,
    /// The warehouse's rows, or why not all of them are there.
    pub warehouse: Result<Vec<&'a Staged>, Said>,
    /// The accepted movements, in report order.
    pub staged: &'a [Staged],
    /// Source and name of the inputs that places refer to.
    pub files: &'a [(String, String)],
    /// Where, and with how much memory.
    pub room: Room<'a>,
}

/// Files that rules write besides their evidence, each a list a rule, in the order of the rules.
#[derive(Default)]
pub struct Lists {
    /// What they leave to the next filing.
    pub forward: Vec<PathBuf>,
    /// The matches that they list.
    pub matches: Vec<PathBuf>,
}

/// Judges every rule that is in force.
pub fn judge(day: &Judging<'_>, gaps: &mut Gaps) -> Result<(Vec<RuleDay>, Lists), EngineError> {
    // The rest is for what is being given up, and read.
    let memory = day.room.memory / 8 * 3;
    let mut works = Vec::new();
    for (position, rule) in day.config.rules_in_force(day.business_date) {
        works.push(Work::begin(day, position, rule, memory)?);
    }
    take_over(day.forward, &mut works, memory)?;
    if works.iter().any(|work| work.evaluator.is_ok()) {
        observe(day.staged.iter(), &mut works, memory, Work::observe)?;
    }
    if let Ok(rows) = &day.warehouse
        && works.iter().any(Work::wants_warehouse)
    {
        observe(rows.iter().copied(), &mut works, memory, Work::observe_warehouse)?;
    }
    let finished = works.into_par_iter().map(|work| work.finish(memory / 16));
    let finished: Vec<Finished<'_>> = finished.collect::<Result<_, _>>()?;
    let (mut days, mut lists) = (Vec::new(), Lists::default());
    for mut finished in finished {
        lists.forward.extend(finished.left()?);
        lists.matches.extend(finished.matches()?);
        days.push(finished.state(day, gaps)?);
    }
    Ok((days, lists))
}

/// Lets rules that carry take over what the filing before left.
fn take_over(forward: &Forward, works: &mut [Work<'_>], memory: usize) -> Result<(), EngineError> {
    forward.each(|rule, carry| {
        let Some(work) = works.iter_mut().find(|work| work.rule.id == rule && carries(work.rule)) else {
            return Ok(());
        };
        work.take_over(carry)?;
        work.hold_at_most(memory)
    })
}

/// Shows what is staged to every rule, a batch at a time; the next one is read meanwhile.
fn observe<'s, 'a>(
    staged: impl Iterator<Item = &'s Staged> + Send,
    works: &mut [Work<'a>],
    memory: usize,
    show: fn(&mut Work<'a>, &Columns<'_>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut batches = staged.flat_map(|file| match file.read() {
        Ok(batches) => Either::Left(batches),
        Err(error) => Either::Right(std::iter::once(Err(error))),
    });
    let mut next = batches.next().transpose()?;
    while let Some(batch) = next {
        let columns = Columns::of(&batch);
        let share = share(works, memory);
        let observe = || {
            works.par_iter_mut().try_for_each(|work| {
                show(work, &columns)?;
                work.hold_at_most(share)
            })
        };
        let (observed, following) = rayon::join(observe, || batches.next().transpose());
        observed?;
        next = following?;
    }
    Ok(())
}

/// How many bytes each rule may hold, so that all of them hold about `memory`. Most hold little: what they leave is for the
/// others.
fn share(works: &[Work<'_>], memory: usize) -> usize {
    let little = memory / 4 / works.len().max(1);
    let many = works.iter().filter(|work| work.held() > little).count();
    memory / 4 * 3 / many.max(1)
}

/// A rule at work.
struct Work<'a> {
    position: usize,
    rule: &'a Rule,
    /// It, or why it cannot be evaluated.
    evaluator: Result<Box<dyn Evaluator>, Said>,
    stated: Stated<'a>,
}

impl<'a> Work<'a> {
    fn begin(day: &Judging<'a>, position: usize, rule: &'a Rule, memory: usize) -> Result<Self, EngineError> {
        let folder = day.room.scratch.join(format!("rule-{position}"));
        fs::create_dir_all(&folder).map_err(|e| EngineError::io("sorting", &folder, e))?;
        let scale = day.config.scale();
        let before = day.forward.before(&rule.id);
        let (business_date, datasets) = (day.business_date, day.datasets);
        let given = Given {
            scale,
            datasets,
            files: day.files,
            business_date,
            before: before.as_ref().copied(),
            warehouse: day.warehouse.as_ref().map(drop),
            reads_answers: day.reads_answers,
        };
        let evaluator = evaluator(rule, given);
        let left = folder.join("left.csv");
        let leaving = carries(rule).then(|| Leaving::begin(&left, &rule.id, business_date, scale, day.files));
        let matches = folder.join("matches.csv");
        let matches = lists_matches(rule).then(|| Matches::begin(&matches, &rule.id, day.language, scale, day.files));
        let stated = Stated {
            language: day.language,
            message: &rule.message,
            files: day.files,
            exception: Exception::id(Kind::RuleFailed, Some(&rule.id)),
            evidence: folder.join("evidence.jsonl"),
            spool: None,
            amount: None,
            scale,
            violations: 0,
            gathered: Some(Gatherer::new(&folder)),
            kept: Some(Sorter::new(&folder, memory / 3)),
            leaving: leaving.transpose()?,
            matches: matches.transpose()?,
            failed: None,
        };
        Ok(Self { position, rule, evaluator, stated })
    }

    fn take_over(&mut self, carry: Result<Carry, Said>) -> Result<(), EngineError> {
        let Ok(evaluator) = &mut self.evaluator else { return Ok(()) };
        if let Err(reason) = carry.and_then(|carry| evaluator.take_over(&carry, &mut self.stated)) {
            self.evaluator = Err(reason);
        }
        self.stated.check()
    }

    fn observe(&mut self, columns: &Columns<'_>) -> Result<(), EngineError> {
        let Ok(evaluator) = &mut self.evaluator else { return Ok(()) };
        evaluator.observe(columns, &select(&self.rule.only, columns), &mut self.stated)?;
        self.stated.check()
    }

    fn wants_warehouse(&self) -> bool {
        self.evaluator.as_ref().is_ok_and(|evaluator| evaluator.wants_warehouse())
    }

    fn observe_warehouse(&mut self, columns: &Columns<'_>) -> Result<(), EngineError> {
        let Some(evaluator) = self.evaluator.as_mut().ok().filter(|evaluator| evaluator.wants_warehouse()) else {
            return Ok(());
        };
        evaluator.observe_warehouse(columns, &select(&self.rule.only, columns), &mut self.stated)?;
        self.stated.check()
    }

    /// Bytes, about, that it holds of what comes back later.
    fn held(&self) -> usize {
        let Stated { gathered, kept, .. } = &self.stated;
        gathered.as_ref().map_or(0, Gatherer::held) + kept.as_ref().map_or(0, Sorter::held)
    }

    /// Lets what it holds go to disk where that is more than `most` bytes.
    fn hold_at_most(&mut self, most: usize) -> Result<(), EngineError> {
        if self.held() <= most {
            return Ok(());
        }
        self.stated.gathered.as_mut().map_or(Ok(()), Gatherer::spill)?;
        self.stated.kept.as_mut().map_or(Ok(()), Sorter::spill)
    }

    /// Gives everything back to it that it gathered and kept; parts of what it gathered may be as long as `most` bytes.
    fn finish(self, most: usize) -> Result<Finished<'a>, EngineError> {
        let Self { position, rule, evaluator, mut stated } = self;
        let mut evaluator = match evaluator {
            Ok(evaluator) => evaluator,
            Err(reason) => return Ok(Finished { position, rule, told: Err(reason), stated }),
        };
        evaluator.observed_all(&mut stated);
        if let Some(gathered) = stated.gathered.take() {
            gathered.finish(most, |key, payload| Ok(evaluator.gathered(key, payload, &mut stated)?))?;
        }
        evaluator.gathered_all(&mut stated);
        stated.check()?;
        if let Some(kept) = stated.kept.take() {
            kept.finish()?.each(|key, payload| Ok(evaluator.sorted(key, payload, &mut stated)?))?;
        }
        let told = evaluator.finish(&mut stated)?;
        stated.check()?;
        Ok(Finished { position, rule, told: Ok(told), stated })
    }
}

/// A rule that was judged.
struct Finished<'a> {
    position: usize,
    rule: &'a Rule,
    /// How it went, or why it could not be evaluated.
    told: Result<Said, Said>,
    stated: Stated<'a>,
}

impl Finished<'_> {
    /// What the rule leaves to the next filing: nothing where it could not be evaluated.
    fn left(&mut self) -> Result<Option<PathBuf>, EngineError> {
        let leaving = self.stated.leaving.take().filter(|_| self.told.is_ok());
        leaving.map(Leaving::finish).transpose()
    }

    /// The matches that the rule lists: none where it could not be evaluated.
    fn matches(&mut self) -> Result<Option<PathBuf>, EngineError> {
        let matches = self.stated.matches.take().filter(|_| self.told.is_ok());
        matches.map(Matches::finish).transpose()
    }

    /// States it as part of the day.
    fn state(self, day: &Judging<'_>, gaps: &mut Gaps) -> Result<RuleDay, EngineError> {
        let Self { position, rule, told, stated } = self;
        let about = About::rule(position, &rule.id);
        let (id, violations) = (&rule.id, stated.violations);
        let found = counted(violations, VIOLATION);
        let (verdict, explanation) = match told {
            Err(reason) => {
                let words = said!("it could not be judged: {reason}", "no se pudo evaluar: {reason}"; reason);
                gaps.state(Kind::RuleNotEvaluated, about, words);
                gaps.rate(Kind::RuleNotEvaluated, about, rule.severity);
                let words = said!("could not be judged: {reason}", "no se pudo evaluar: {reason}"; reason);
                (RuleVerdict::NotEvaluated, words)
            }
            Ok(told) if violations == 0 => {
                (RuleVerdict::Passed, said!("{told}; {found}", "{told}; {found}"; told, found))
            }
            Ok(told) => {
                let why = if rule.why.is_empty() { String::new() } else { format!(" ({})", rule.why) };
                let words = said!("{found} of {id}{why}; {told}", "{found} de {id}{why}; {told}"; found, told);
                gaps.state(Kind::RuleFailed, about, words);
                gaps.rate(Kind::RuleFailed, about, rule.severity);
                gaps.count(Kind::RuleFailed, about, violations);
                if let Some(amount) = stated.amount {
                    gaps.set_amount(Kind::RuleFailed, about, amount);
                }
                if let Some(spool) = stated.spool {
                    gaps.listed(Kind::RuleFailed, about, spool.finish()?);
                }
                (RuleVerdict::Failed, said!("{told}; {found}", "{told}; {found}"; told, found))
            }
        };
        let explanation = explanation.into_language(day.language);
        let Rule { why, owner, severity, on_failure, .. } = rule.clone();
        Ok(RuleDay { rule: rule.id.clone(), verdict, violations, explanation, why, owner, severity, on_failure })
    }
}

/// What a rule has stated so far. Evaluators cannot fail on the way, so the first failure is kept.
struct Stated<'a> {
    language: Language,
    message: &'a Message,
    files: &'a [(String, String)],
    exception: String,
    evidence: PathBuf,
    spool: Option<EvidenceSpool>,
    amount: Option<Totals>,
    scale: u32,
    violations: u64,
    /// What comes back to the rule: gone once it does.
    gathered: Option<Gatherer>,
    kept: Option<Sorter>,
    /// What it leaves to the next filing, where it carries.
    leaving: Option<Leaving<'a>>,
    /// The matches that it lists, where it does.
    matches: Option<Matches<'a>>,
    failed: Option<EngineError>,
}

impl Out for Stated<'_> {
    fn violation(&mut self, violation: Violation) {
        self.violations += 1;
        self.list(violation).unwrap_or_else(|error| self.fail(error));
    }

    fn gather(&mut self, key: &[u8], payload: &[u8]) {
        match &mut self.gathered {
            Some(gathered) => gathered.push(key, payload),
            None => self.fail(EngineError::bug("a rule gathers after all was gathered")),
        }
    }

    fn keep(&mut self, key: &[u8], payload: &[u8]) {
        let kept = match &mut self.kept {
            Some(kept) => kept.push(key, payload),
            None => Err(EngineError::bug("a rule keeps after all was sorted")),
        };
        kept.unwrap_or_else(|error| self.fail(error));
    }

    fn carry(&mut self, carry: Carry) {
        let left = match &mut self.leaving {
            Some(leaving) => leaving.push(carry),
            None => Err(EngineError::bug("a rule leaves something that does not carry")),
        };
        left.unwrap_or_else(|error| self.fail(error));
    }

    fn matched(&mut self, matched: Matched) {
        let listed = match &mut self.matches {
            Some(matches) => matches.push(matched),
            None => Err(EngineError::bug("a rule lists matches that was not to")),
        };
        listed.unwrap_or_else(|error| self.fail(error));
    }
}

impl Stated<'_> {
    fn list(&mut self, violation: Violation) -> Result<(), EngineError> {
        if let Some((currency, minor)) = violation.money {
            self.amount.get_or_insert_with(|| Totals::new(self.scale)).add(currency, minor)?;
        }
        let money = violation.money.map(|(currency, minor)| (currency, at_own_scale(currency, minor, self.scale)));
        let (source, file) = violation.place.and_then(|place| self.files.get(place.file as usize)).cloned().unzip();
        let source = violation.source.clone().or(source);
        let reason = self.message.say(&violation, source.as_deref(), self.scale);
        let row = Evidence {
            exception: self.exception.clone(),
            kind: Kind::RuleFailed.name().to_owned(),
            source,
            file,
            record: violation.place.map(|place| place.record),
            column: violation.column,
            source_value: violation.found,
            warehouse_value: violation.expected,
            amount: money.map(|(_, total)| total.to_string()),
            currency: money.map(|(currency, _)| currency.to_string()),
            reason: reason.into_language(self.language),
        };
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert(EvidenceSpool::create(&self.evidence)?),
        };
        spool.push(&row)
    }

    fn fail(&mut self, error: EngineError) {
        self.failed.get_or_insert(error);
    }

    fn check(&mut self) -> Result<(), EngineError> {
        self.failed.take().map_or(Ok(()), Err)
    }
}
