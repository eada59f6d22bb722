//! The sheet of exceptions, those of the day and then those that are open of other days: a row per exception and
//! currency.

use jiff::civil::Date;
use rust_xlsxwriter::{Workbook, XlsxError};

use super::sheet::{Column, Sheet, number, text};
use super::title;
use crate::View;
use crate::locale::Locale;
use crate::open::{CarriedOver, Disposition};
use crate::predicate::{AmountText, ExceptionFacts};
use crate::verdict::age_days;
use crate::words::named;
use cuadre_rules::exception::Class;

const ENGLISH: [Column; 15] = [
    text("Business date", 12),
    number("Age in days", 12),
    text("Exception", 30),
    text("Kind", 24),
    text("Class", 18),
    text("Severity", 10),
    text("Source", 12),
    number("Records", 11),
    number("Rows of evidence", 13),
    text("Currency", 9),
    number("Amount", 18),
    text("Explanation", 56),
    text("Decision", 16),
    text("Reason", 26),
    text("Decided by", 16),
];
const SPANISH: [Column; 15] = [
    text("Fecha de operación", 12),
    number("Antigüedad en días", 12),
    text("Excepción", 30),
    text("Tipo", 24),
    text("Clase", 18),
    text("Gravedad", 10),
    text("Fuente", 12),
    number("Registros", 11),
    number("Renglones de evidencia", 13),
    text("Moneda", 9),
    number("Importe", 18),
    text("Explicación", 56),
    text("Decisión", 16),
    text("Motivo", 26),
    text("Decidió", 16),
];
/// Columns where nothing is decided yet.
const UNDECIDED: usize = 12;
/// Cells of a row between the exception's id and the currency.
const BETWEEN: u16 = 6;

/// What a row shows of an exception of any day.
struct Row<'a> {
    date: &'a str,
    age_days: i64,
    id: &'a str,
    kind: &'a str,
    class: Class,
    severity: &'a str,
    source: Option<&'a str>,
    records: Option<u64>,
    evidence: Option<u64>,
    amount: Option<&'a AmountText>,
    explanation: &'a str,
    last: Option<&'a Disposition>,
}

pub(super) fn write(workbook: &mut Workbook, view: &View, locale: &Locale) -> Result<(), XlsxError> {
    let day = &view.predicate;
    let own = day.exceptions.iter().map(|gap| of_the_day(gap, view, locale));
    let rows: Vec<Row<'_>> = own.chain(day.carried_over.iter().flatten().map(of_another_day)).collect();
    let count = rows.iter().map(|row| row.amount.map_or(1, |amount| amount.len().max(1)) as u64).sum();
    let mut sheet = Sheet::new(workbook, locale.pick("Exceptions", "Excepciones"), &title(view), locale)?;
    let columns = locale.pick(ENGLISH, SPANISH);
    let is_decided = rows.iter().any(|row| row.last.is_some());
    sheet.header(if is_decided { &columns } else { &columns[..UNDECIDED] }, count)?;
    for row in &rows {
        let none = AmountText::new();
        let mut amounts = row.amount.unwrap_or(&none).iter();
        first(&mut sheet, row, amounts.next(), locale)?;
        for (currency, text) in amounts {
            date(&mut sheet, row.date)?;
            sheet.skip(1);
            sheet.text(row.id)?;
            sheet.skip(BETWEEN);
            sheet.text(currency)?;
            sheet.amount(text)?;
            sheet.end_row()?;
        }
    }
    Ok(())
}

fn first(
    sheet: &mut Sheet<'_>,
    row: &Row<'_>,
    amount: Option<(&String, &String)>,
    locale: &Locale,
) -> Result<(), XlsxError> {
    date(sheet, row.date)?;
    sheet.amount(&row.age_days.to_string())?;
    sheet.long(row.id)?;
    sheet.long(&named("kind", row.kind, locale.language))?;
    sheet.long(&named("class", row.class.name(), locale.language))?;
    sheet.text(&named("severity", row.severity, locale.language))?;
    sheet.text(row.source.unwrap_or_default())?;
    optional(sheet, row.records.map(|records| records.to_string()))?;
    optional(sheet, row.evidence.map(|rows| rows.to_string()))?;
    sheet.text(amount.map(|(currency, _)| currency.as_str()).unwrap_or_default())?;
    optional(sheet, amount.map(|(_, text)| text.clone()))?;
    sheet.long(row.explanation)?;
    if let Some(Disposition { disposition, reason, operator, .. }) = row.last {
        sheet.text(&named("disposition", disposition.name(), locale.language))?;
        sheet.long(reason)?;
        sheet.text(operator)?;
    }
    sheet.end_row()
}

fn date(sheet: &mut Sheet<'_>, text: &str) -> Result<(), XlsxError> {
    match text.parse::<Date>() {
        Ok(date) => sheet.date(date),
        Err(_) => sheet.text(text),
    }
}

fn optional(sheet: &mut Sheet<'_>, text: Option<String>) -> Result<(), XlsxError> {
    match text {
        Some(text) => sheet.amount(&text),
        None => {
            sheet.skip(1);
            Ok(())
        }
    }
}

fn of_the_day<'a>(gap: &'a ExceptionFacts, view: &'a View, locale: &Locale) -> Row<'a> {
    let day = &view.predicate;
    let is_stated = |id: &str| day.exceptions.iter().any(|gap| gap.id == id);
    let evidence = view.evidence.iter().find(|evidence| evidence.exception == gap.id);
    Row {
        date: &day.business_date,
        age_days: age_days(day, locale),
        id: &gap.id,
        kind: gap.kind.name(),
        class: gap.class.unwrap_or_else(|| gap.kind.class(gap.source.as_deref(), is_stated)),
        severity: gap.severity.name(),
        source: gap.source.as_deref(),
        records: gap.records,
        evidence: Some(evidence.map_or(0, |evidence| evidence.all)),
        amount: gap.amount.as_ref(),
        explanation: &gap.explanation,
        last: gap.dispositions.iter().flatten().next_back(),
    }
}

fn of_another_day(CarriedOver { age_days, open }: &CarriedOver) -> Row<'_> {
    Row {
        date: open.id.split('/').next().unwrap_or_default(),
        age_days: *age_days,
        id: &open.id,
        kind: open.kind.name(),
        class: open.class,
        severity: open.severity.name(),
        source: open.source.as_deref(),
        records: open.records,
        evidence: None,
        amount: open.amount.as_ref(),
        explanation: &open.explanation,
        last: open.dispositions.last(),
    }
}
