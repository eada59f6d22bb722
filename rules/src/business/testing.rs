//! Rules judged over movements written as text.

use arrow_array::RecordBatch;

use jiff::civil::Date;

use super::in_memory::{self, Stated};
use super::{Before, Carry, DatasetTable, Datasets, Given, Violation};
use crate::cases::table::Table;
use crate::config::Rule;
use crate::money::{Overflow, at_own_scale};
use crate::movement::Field;
use crate::said::Said;

/// The scale of every table here.
pub const SCALE: u32 = 2;

/// The verdict of a rule (TOML; its id is `r`) over movements, with one dataset called `set`:
/// a line per violation (`record | column | found | expected | money | reason`), then the
/// explanation. Tables are lines of cells parted by `|`, their names first.
pub fn judge(rule: &str, dataset: &str, movements: &str) -> String {
    let datasets = match dataset {
        "" => Datasets::new(),
        _ => Datasets::from([("set".to_owned(), Ok(table(dataset)))]),
    };
    judge_with(rule, &datasets, &batch(movements))
}

/// As [`judge`], with any datasets.
pub fn judge_with(rule: &str, datasets: &Datasets, movements: &RecordBatch) -> String {
    let rule: Rule = toml::from_str(&format!("id = 'r'\n{rule}")).unwrap();
    told(run(&rule, datasets, movements))
}

/// A verdict, as [`judge`] gives it.
pub fn told(outcome: Result<Outcome, Said>) -> String {
    match outcome {
        Err(reason) => format!("not evaluated: {}", reason.en),
        Ok(Err(Overflow)) => "overflow".to_owned(),
        Ok(Ok((violations, explanation))) => {
            let lines = violations.iter().map(line).chain([explanation.en]);
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

/// The verdicts of a rule on days that follow each other from [`DAY`] on, as [`judge`] gives them, each a dataset and
/// movements; before the explanation comes what is carried to the day after.
pub fn judge_days(rule: &str, days: &[(&str, &str)]) -> Vec<String> {
    let rule: Rule = toml::from_str(&format!("id = 'r'\n{rule}")).unwrap();
    let none = Said::same("no day before was filed");
    let (mut before, mut date): (Option<(String, Vec<Carry>)>, Date) = (None, DAY);
    let mut verdicts = Vec::new();
    for (dataset, movements) in days {
        let datasets = Datasets::from([("set".to_owned(), Ok(table(dataset)))]);
        let yesterday = date.yesterday().unwrap();
        let (filing, carried) = before.take().unwrap_or_default();
        let before_it = match filing.as_str() {
            "" => Err(&none),
            filing => Ok(Before { filing, date: yesterday, missed: None }),
        };
        let verdict = run_after(&rule, &datasets, &batch(movements), before_it, &carried);
        let carried = verdict.as_ref().map(|(_, carried)| carried.clone()).unwrap_or_default();
        let mut lines: Vec<String> = told(verdict.map(|(outcome, _)| outcome)).lines().map(str::to_owned).collect();
        let explanation = lines.len() - 1;
        lines.splice(explanation..explanation, carried.iter().map(carry_line));
        verdicts.push(lines.join("\n"));
        (before, date) = (Some((format!("{date}.1"), carried)), date.tomorrow().unwrap());
    }
    verdicts
}

fn carry_line(carry: &Carry) -> String {
    let values = carry.values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
    let amount = carry.amount.map(|(code, minor)| format!(" {code} {}", at_own_scale(code, minor, SCALE)));
    format!("-> {values}{}", amount.unwrap_or_default())
}

/// Violations and explanation.
pub type Outcome = Result<(Vec<Violation>, Said), Overflow>;

/// The day of every table here.
pub const DAY: Date = Date::constant(2026, 11, 20);

/// Runs a rule over movements of [`SCALE`].
pub fn run(rule: &Rule, datasets: &Datasets, movements: &RecordBatch) -> Result<Outcome, Said> {
    let none = Said::same("no day before was filed");
    run_after(rule, datasets, movements, Err(&none), &[]).map(|(outcome, _)| outcome)
}

/// As [`run`], of a rule that can be evaluated and a day whose totals fit; all that it states.
pub fn stated(rule: &Rule, movements: &RecordBatch) -> (Stated, Said) {
    let (datasets, none) = (Datasets::new(), Said::default());
    let (files, before, warehouse) = (&[], Err(&none), Ok(()));
    let given =
        Given { scale: SCALE, datasets: &datasets, files, business_date: DAY, before, warehouse, reads_answers: true };
    let judged = in_memory::judge(rule, given, &[], movements, None);
    let (finished, stated) = judged.expect("the rule can be evaluated");
    (stated, finished.expect("totals fit"))
}

/// As [`run`], on the day after another; also gives what is left to the next.
pub fn run_after(
    rule: &Rule,
    datasets: &Datasets,
    movements: &RecordBatch,
    before: Result<Before<'_>, &Said>,
    carried: &[Carry],
) -> Result<(Outcome, Vec<Carry>), Said> {
    let business_date = before.ok().and_then(|before| before.missed.unwrap_or(before.date).tomorrow().ok());
    let business_date = business_date.unwrap_or(DAY);
    let given =
        Given { scale: SCALE, datasets, files: &[], business_date, before, warehouse: Ok(()), reads_answers: true };
    run_given(rule, given, carried, movements, None)
}

/// As [`run_after`], with all that is given, and rows of the warehouse.
pub fn run_given(
    rule: &Rule,
    given: Given<'_>,
    carried: &[Carry],
    movements: &RecordBatch,
    warehouse: Option<&RecordBatch>,
) -> Result<(Outcome, Vec<Carry>), Said> {
    let (finished, stated) = in_memory::judge(rule, given, carried, movements, warehouse)?;
    Ok((finished.map(|explanation| (stated.violations, explanation)), stated.carried))
}

fn line(violation: &Violation) -> String {
    let money = violation.money.map(|(currency, minor)| format!("{currency} {}", at_own_scale(currency, minor, SCALE)));
    let cells = [
        violation.place.map(|place| place.record.to_string()),
        violation.column.clone(),
        violation.found.clone(),
        violation.expected.clone(),
        money,
        Some(violation.reason.en.clone()),
    ];
    cells.map(|cell| cell.unwrap_or_else(|| "-".to_owned())).join(" | ")
}

/// A table of text.
pub fn table(text: &str) -> DatasetTable {
    Table::parse(text).unwrap().cells
}

/// Movements of a table; fields that it leaves out have a usual value where they must have one (source `core`, MXN,
/// 1.00, 2026-11-20), else null.
pub fn batch(text: &str) -> RecordBatch {
    let usual = |field| match field {
        Field::BookedOn => Some("2026-11-20".to_owned()),
        Field::Amount => Some("1.00".to_owned()),
        Field::Source => Some("core".to_owned()),
        Field::Currency => Some("MXN".to_owned()),
        _ => None,
    };
    Table::parse(text).unwrap().movements(SCALE, &usual).unwrap()
}
