//! Running a case.

use jiff::civil::Date;

use super::compare::{Line, Listing, compare};
use super::table::{Table, Wrong};
use super::{Case, CaseFile, Expected};
use crate::business::in_memory::judge;
use crate::business::{Before, Carry, Datasets, Given};
use crate::config::error::Step;
use crate::config::rule::date;
use crate::config::{Config, ConfigError, Language, Rule, Text};
use crate::movement::Field;
use crate::said;
use crate::said::Said;
use crate::suggest::did_you_mean;

/// The business date of cases for which nothing says another.
const USUAL_DAY: Date = Date::constant(2026, 1, 1);

/// What cases are judged within.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The rules that cases can name.
    pub rules: &'a [Rule],
    /// The configuration that they are of, where there is one.
    pub config: Option<&'a Config>,
    /// The language of reasons.
    pub language: Language,
}

/// A case that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What it shows.
    pub name: String,
    /// The rule.
    pub rule: String,
    /// What was to come of it.
    pub expected: Expected,
    /// What came of it.
    pub verdict: Expected,
    /// In words.
    pub explanation: Said,
    /// The violations, each marked; those that were to be found are marked only where the case lists them.
    pub violations: Listing,
}

impl Ran {
    /// Whether all came as expected.
    pub fn holds(&self) -> bool {
        self.expected == self.verdict && self.violations.agrees()
    }
}

impl CaseFile {
    /// Runs its cases in order; `Err` where one of them, or a table of it, is wrong.
    pub fn run(&self, text: &Text, setting: Setting<'_>) -> Result<Vec<Ran>, ConfigError> {
        let run = |(n, case): (usize, &Case)| {
            let running = Running { file: self, text, setting, case, n };
            running.run()
        };
        self.cases.iter().enumerate().map(run).collect()
    }
}

/// A case that is run.
struct Running<'a> {
    file: &'a CaseFile,
    text: &'a Text,
    setting: Setting<'a>,
    case: &'a Case,
    /// Its 0-based position.
    n: usize,
}

impl Running<'_> {
    fn run(&self) -> Result<Ran, ConfigError> {
        let named: Vec<&Rule> = self.setting.rules.iter().filter(|rule| rule.id == self.case.rule).collect();
        let Some(first) = named.first() else {
            let ids = self.setting.rules.iter().map(|rule| rule.id.as_str());
            let help = did_you_mean(&self.case.rule, ids, "use the id of a [[rule]]");
            return Err(self.wrong(&["rule"], format!("no rule is called `{}`", self.case.rule), &help));
        };
        let day = self.day(first);
        let listed = self.listed()?;
        let Some(rule) = named.iter().find(|rule| rule.is_in_force(day)) else {
            let explanation = said!("not in force on {day}", "no está vigente el {day}");
            return Ok(self.ran(Expected::NotInForce, explanation, listed, Vec::new()));
        };
        let (verdict, explanation, found) = self.judged(rule, day)?;
        Ok(self.ran(verdict, explanation, listed, found))
    }

    fn ran(&self, verdict: Expected, explanation: Said, listed: Option<Table>, found: Vec<Line>) -> Ran {
        let Case { name, rule, expect, .. } = self.case.clone();
        Ran { name, rule, expected: expect, verdict, explanation, violations: compare(listed.as_ref(), found) }
    }

    fn judged(&self, rule: &Rule, day: Date) -> Result<(Expected, Said, Vec<Line>), ConfigError> {
        let movements = Table::parse(&self.case.movements).map_err(|wrong| self.wrong_table(&["movements"], wrong))?;
        let scale = self.setting.config.map_or(2, Config::scale).max(movements.scale());
        let usual = |field| self.usual(rule, day, field);
        let batch = movements.movements(scale, &usual).map_err(|wrong| self.wrong_table(&["movements"], wrong))?;
        let mut datasets = Datasets::new();
        for (id, text) in &self.case.dataset {
            let known = rule.check.datasets();
            if rule.id != *id && !known.iter().any(|(_, known)| known == id) {
                let ids = known.iter().map(|(_, id)| *id).chain([rule.id.as_str()]);
                let help = did_you_mean(id, ids, "use the id that the rule has for it");
                return Err(self.wrong(&["dataset", id], format!("the rule looks nothing up in `{id}`"), &help));
            }
            let table = Table::parse(text).map_err(|wrong| self.wrong_table(&["dataset", id], wrong))?;
            datasets.insert(id.clone(), Ok(table.cells));
        }
        let none = said!("no day before was filed", "ningún día anterior se presentó");
        let yesterday = day.yesterday().unwrap_or(day);
        let filing = format!("{yesterday}.1");
        let carried = self.carried(yesterday, scale)?;
        let before = carried.as_ref().map(|_| Before { filing: &filing, date: yesterday, missed: None }).ok_or(&none);
        let rows = self.case.warehouse.as_deref().map(|text| {
            let table = Table::parse(text).and_then(|table| table.movements(scale, &usual));
            table.map_err(|wrong| self.wrong_table(&["warehouse"], wrong))
        });
        let rows = rows.transpose()?;
        let away = said!("the case gives no `warehouse`", "el caso no da `warehouse`");
        let warehouse = rows.as_ref().map(drop).ok_or(&away);
        let given = Given {
            scale,
            datasets: &datasets,
            files: &[],
            business_date: day,
            before,
            warehouse,
            reads_answers: true,
        };
        Ok(match judge(rule, given, carried.as_deref().unwrap_or_default(), &batch, rows.as_ref()) {
            Err(reason) => (Expected::NotEvaluated, reason, Vec::new()),
            Ok((Err(overflow), _)) => (Expected::NotEvaluated, Said::same(overflow.to_string()), Vec::new()),
            Ok((Ok(explanation), stated)) => {
                let violations = stated.violations;
                let verdict = if violations.is_empty() { Expected::Passed } else { Expected::Failed };
                let source = |file_record: Option<u64>| {
                    let row = usize::try_from(file_record?).ok()?.checked_sub(1)?;
                    crate::movement::Columns::of(&batch).text(Field::Source, row).map(str::to_owned)
                };
                let line = |violation| {
                    let source = source(Line::record_of(violation));
                    Line::of(violation, source, &rule.message, scale, self.setting.language)
                };
                (verdict, explanation, violations.iter().map(line).collect())
            }
        })
    }

    /// The business date: the case's, the file's, or a day on which the rule is valid.
    fn day(&self, rule: &Rule) -> Date {
        let given = self.case.date.as_ref().or(self.file.date.as_ref()).and_then(|text| date(text));
        let (from, until) = rule.period();
        given.or(from).unwrap_or_else(|| until.unwrap_or(USUAL_DAY).min(USUAL_DAY))
    }

    fn usual(&self, rule: &Rule, day: Date, field: Field) -> Option<String> {
        if let Some([only]) = rule.only.get(&field).map(Vec::as_slice) {
            return Some(only.clone());
        }
        match field {
            Field::Source => Some("source".to_owned()),
            Field::BookedOn => Some(day.to_string()),
            Field::Currency => {
                Some(self.setting.config.map_or_else(|| "MXN".to_owned(), |config| config.currency.clone()))
            }
            Field::Amount => Some("1".to_owned()),
            _ => None,
        }
    }

    /// What the filing of the day before left, where the case says that there was one.
    fn carried(&self, since: Date, scale: u32) -> Result<Option<Vec<Carry>>, ConfigError> {
        let Some(text) = &self.case.carried else { return Ok(None) };
        let table = Table::parse(text);
        let carried = table.and_then(|table| table.carried(since, scale));
        carried.map(Some).map_err(|wrong| self.wrong_table(&["carried"], wrong))
    }

    /// The violations that the case lists.
    fn listed(&self) -> Result<Option<Table>, ConfigError> {
        let Some(text) = &self.case.violations else { return Ok(None) };
        let table = Table::parse(text).and_then(|table| table.check_columns(&Line::COLUMNS).map(|()| table));
        table.map(Some).map_err(|wrong| self.wrong_table(&["violations"], wrong))
    }

    fn path(&self, of_case: &[&str]) -> Vec<Step> {
        let path = [Step::from("case"), Step::from(self.n)];
        path.into_iter().chain(of_case.iter().map(|&step| Step::from(step))).collect()
    }

    fn wrong(&self, of_case: &[&str], message: impl Into<String>, help: &str) -> ConfigError {
        self.text.problem(&self.path(of_case), message, help)
    }

    fn wrong_table(&self, of_case: &[&str], wrong: Wrong) -> ConfigError {
        self.text.problem_in(&self.path(of_case), wrong.line, wrong.message, &wrong.help)
    }
}
