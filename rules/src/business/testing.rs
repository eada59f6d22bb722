//! Rules judged over movements written as text.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};

use jiff::civil::Date;

use super::{Before, Carry, DatasetTable, Datasets, Evaluator, Given, Matched, Out, Violation, evaluator, select};
use crate::config::Rule;
use crate::money::{AMOUNT_DIGITS, Overflow, Total, at_own_scale};
use crate::movement::{Columns, FILE_COLUMN, Field, days_of, schema};
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

/// What an evaluator states, in memory.
#[derive(Default)]
pub struct Stated {
    /// Its violations.
    pub violations: Vec<Violation>,
    /// What it leaves to the next day.
    pub carried: Vec<Carry>,
    /// What it has matched.
    pub matched: Vec<Matched>,
    kept: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Out for Stated {
    fn violation(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    fn keep(&mut self, key: &[u8], payload: &[u8]) {
        self.kept.push((key.to_vec(), payload.to_vec()));
    }

    fn carry(&mut self, carry: Carry) {
        self.carried.push(carry);
    }

    fn matched(&mut self, matched: Matched) {
        self.matched.push(matched);
    }
}

/// The day of every table here.
pub const DAY: Date = Date::constant(2026, 11, 20);

/// Runs a rule as a night does, over two batches; in between it gives up what it holds.
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
    let mut stated = Stated::default();
    let evaluator = evaluator(rule, given).expect("the rule can be evaluated");
    let explanation = judged(rule, evaluator, movements, None, &mut stated).expect("totals fit");
    (stated, explanation)
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
    let mut evaluator = evaluator(rule, given)?;
    let mut stated = Stated::default();
    for carry in carried {
        evaluator.take_over(carry, &mut stated)?;
    }
    let finished = judged(rule, evaluator, movements, warehouse, &mut stated);
    Ok((finished.map(|explanation| (stated.violations, explanation)), stated.carried))
}

fn judged(
    rule: &Rule,
    mut evaluator: Box<dyn Evaluator>,
    movements: &RecordBatch,
    warehouse: Option<&RecordBatch>,
    out: &mut Stated,
) -> Result<Said, Overflow> {
    let half = movements.num_rows() / 2;
    for batch in [movements.slice(0, half), movements.slice(half, movements.num_rows() - half)] {
        let columns = Columns::of(&batch);
        evaluator.observe(&columns, &select(&rule.only, &columns), out)?;
        evaluator.release(out);
    }
    if let Some(rows) = warehouse.filter(|_| evaluator.wants_warehouse()) {
        let columns = Columns::of(rows);
        evaluator.observe_warehouse(&columns, &select(&rule.only, &columns), out)?;
        evaluator.release(out);
    }
    loop {
        let mut kept = std::mem::take(&mut out.kept);
        kept.sort();
        for (key, payload) in kept {
            evaluator.sorted(&key, &payload, out)?;
        }
        if !evaluator.again(out) {
            return evaluator.finish(out);
        }
    }
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

/// A table of text: `-` is null, `''` is empty.
pub fn table(text: &str) -> DatasetTable {
    let mut lines = text.trim().lines().map(|line| line.split('|').map(str::trim));
    let header = lines.next().unwrap().map(str::to_owned).collect();
    let cell = |cell| match cell {
        "-" => None,
        "''" => Some(String::new()),
        _ => Some(cell.to_owned()),
    };
    DatasetTable { header, rows: lines.map(|line| line.map(cell).collect()).collect() }
}

/// Movements, recorded from 1 on in file 0; fields that the table leaves out have a usual value
/// where they must have one (source `core`, MXN, 1.00, 2026-11-20), else null.
pub fn batch(text: &str) -> RecordBatch {
    let table = table(text);
    let column = |name: &str, usual: Option<&str>| -> Vec<Option<String>> {
        let column = table.header.iter().position(|header| header == name);
        let cell = |row: &Vec<Option<String>>| column.map_or(usual.map(str::to_owned), |column| row[column].clone());
        table.rows.iter().map(cell).collect()
    };
    let array = |field: Field| -> ArrayRef {
        let text = |usual| column(field.name(), usual).into_iter();
        match field {
            Field::BookedOn => {
                let dates = text(Some("2026-11-20")).map(|date| days_of(date.unwrap().parse().unwrap()));
                Arc::new(Date32Array::from_iter_values(dates))
            }
            Field::BookedAt => {
                let instant = |text: String| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
                let instants = text(None).map(|text| text.map(instant));
                Arc::new(TimestampMicrosecondArray::from_iter(instants).with_timezone("UTC"))
            }
            Field::Amount => {
                let amounts = text(Some("1.00")).map(|amount| Total::parse(&amount.unwrap(), SCALE).unwrap().minor);
                let amounts = Decimal128Array::from_iter_values(amounts);
                Arc::new(amounts.with_precision_and_scale(AMOUNT_DIGITS as u8, SCALE as i8).unwrap())
            }
            Field::Source => Arc::new(StringArray::from_iter(text(Some("core")))),
            Field::Currency => Arc::new(StringArray::from_iter(text(Some("MXN")))),
            _ => Arc::new(StringArray::from_iter(text(None))),
        }
    };
    let mut columns: Vec<ArrayRef> = Field::ALL.into_iter().map(array).collect();
    assert_eq!(columns.len(), FILE_COLUMN);
    let rows = table.rows.len();
    columns.push(Arc::new(Int32Array::from(vec![0; rows])));
    columns.push(Arc::new(Int64Array::from_iter_values(1..=rows as i64)));
    RecordBatch::try_new(schema(SCALE), columns).unwrap()
}
