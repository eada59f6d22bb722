//! `open-exceptions.csv`: one row per exception that is carried over, for people.

use std::io::Write;

use crate::ReportError;
use crate::line::{Lines, Style};
use crate::open::{CarriedOver, Open};
use crate::predicate::AmountText;

const COLUMNS: [&str; 15] = [
    "exception",
    "business_date",
    "age_days",
    "class",
    "kind",
    "severity",
    "source",
    "records",
    "amount",
    "filing",
    "disposition",
    "disposition_reason",
    "operator",
    "disposed_at",
    "explanation",
];

/// Writes `open-exceptions.csv` (UTF-8, LF). Of several dispositions the last is shown; the manifest has all.
///
/// # Errors
/// [`ReportError::Io`].
pub fn write_open(carried: &[CarriedOver], mut out: impl Write) -> Result<(), ReportError> {
    let mut lines = Lines::new(Style::PLAIN);
    COLUMNS.iter().try_for_each(|name| lines.cell(name)).map_err(impossible)?;
    lines.end();
    for carried in carried {
        cells(carried).iter().try_for_each(|cell| lines.inert_cell(cell)).map_err(impossible)?;
        lines.end();
        lines.pass_on(&mut out)?;
    }
    lines.drain(&mut out)?;
    Ok(out.flush()?)
}

fn cells(CarriedOver { age_days, open }: &CarriedOver) -> [String; 15] {
    let Open { business_date, class, kind, severity, records, .. } = open;
    let last = open.dispositions.last();
    [
        open.id.clone(),
        business_date.to_string(),
        age_days.to_string(),
        class.name().to_owned(),
        kind.name().to_owned(),
        format!("{severity:?}").to_lowercase(),
        open.source.clone().unwrap_or_default(),
        records.map(|records| records.to_string()).unwrap_or_default(),
        open.amount.as_ref().map(shown).unwrap_or_default(),
        open.filing.clone(),
        last.map(|last| last.disposition.name().to_owned()).unwrap_or_default(),
        last.map(|last| last.reason.clone()).unwrap_or_default(),
        last.map(|last| last.operator.clone()).unwrap_or_default(),
        last.map(|last| last.at.to_string()).unwrap_or_default(),
        open.explanation.clone(),
    ]
}

/// `MXN -12.50; USD 3.00`.
pub fn shown(amount: &AmountText) -> String {
    let parts = amount.iter().map(|(currency, amount)| format!("{currency} {amount}"));
    parts.collect::<Vec<_>>().join("; ")
}

/// UTF-8 has every character.
fn impossible(character: char) -> ReportError {
    ReportError::Batch { why: format!("UTF-8 lacks {character:?}") }
}
