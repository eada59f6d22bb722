//! The sheet of evidence: the rows of `exceptions.csv`, as many as a sheet can have. Each has one line, so that many
//! are in sight; what is longer than its column shows where its cell is chosen.

use cuadre_rules::exception::{Evidence, Kind};
use rust_xlsxwriter::{RowNum, Workbook, XlsxError};

use super::sheet::{Column, Sheet, number, text};
use super::title;
use crate::locale::Locale;
use crate::words::named;
use crate::{ReportError, View};

const ENGLISH: [Column; 11] = [
    text("Exception", 30),
    text("Kind", 24),
    text("Source", 12),
    text("File", 34),
    number("Record", 10),
    text("Column", 26),
    text("In the source, or found", 44),
    text("In the warehouse, or expected", 44),
    number("Amount", 18),
    text("Currency", 9),
    text("Reason", 44),
];
const SPANISH: [Column; 11] = [
    text("Excepción", 30),
    text("Tipo", 24),
    text("Fuente", 12),
    text("Archivo", 34),
    number("Registro", 10),
    text("Columna", 26),
    text("En la fuente, o encontrado", 44),
    text("En el almacén, o esperado", 44),
    number("Importe", 18),
    text("Moneda", 9),
    text("Motivo", 44),
];

pub(super) fn write<E: From<ReportError>>(
    workbook: &mut Workbook,
    view: &View,
    rows: impl Iterator<Item = Result<Evidence, E>>,
    last_row: RowNum,
    locale: &Locale,
) -> Result<(), E> {
    let failed = |error: XlsxError| E::from(ReportError::from(error));
    let all = all(view);
    let mut sheet = Sheet::new(workbook, locale.pick("Evidence", "Evidencia"), &title(view), locale).map_err(failed)?;
    sheet.header(&locale.pick(ENGLISH, SPANISH), all.min(room(last_row))).map_err(failed)?;
    let left_out = left_out(view, last_row, locale);
    let room = if left_out.is_some() { room(last_row) } else { all };
    for row in rows.take(usize::try_from(room).unwrap_or(usize::MAX)) {
        line(&mut sheet, &row?, locale).map_err(failed)?;
    }
    left_out.map_or(Ok(()), |words| sheet.name(&words)).map_err(failed)
}

/// How many rows there are.
fn all(view: &View) -> u64 {
    view.evidence.iter().map(|evidence| evidence.all).sum()
}

/// Rows between the names of the columns and the last row, which tells that there are more.
fn room(last_row: RowNum) -> u64 {
    u64::from(last_row).saturating_sub(1)
}

/// That the sheet has not all of the rows, and where they are.
pub(super) fn left_out(view: &View, last_row: RowNum, locale: &Locale) -> Option<String> {
    let all = all(view);
    let (shown, total) = (locale.number(room(last_row)), locale.number(all));
    let words = locale.pick(
        format!("Of {total} rows of evidence, a sheet holds the first {shown}: exceptions.csv of the filing has them all."),
        format!(
            "De {total} renglones de evidencia, una hoja guarda los primeros {shown}: exceptions.csv de la presentación los tiene todos."
        ),
    );
    (all > u64::from(last_row)).then_some(words)
}

fn line(sheet: &mut Sheet<'_>, row: &Evidence, locale: &Locale) -> Result<(), XlsxError> {
    let Evidence { exception, source, file, record, column, source_value, warehouse_value, amount, currency, .. } = row;
    sheet.text(exception)?;
    sheet.text(&named("kind", &row.kind, locale.language))?;
    sheet.text(source.as_deref().unwrap_or_default())?;
    sheet.text(file.as_deref().unwrap_or_default())?;
    match record {
        Some(record) => sheet.count(*record)?,
        None => sheet.skip(1),
    }
    sheet.text(column.as_deref().unwrap_or_default())?;
    let is_money = row.kind == Kind::Changed.name() && column.as_deref() == Some("amount");
    for value in [source_value, warehouse_value] {
        match value {
            Some(value) if is_money => sheet.amount(value)?,
            value => sheet.text(value.as_deref().unwrap_or_default())?,
        }
    }
    match amount {
        Some(amount) => sheet.amount(amount)?,
        None => sheet.skip(1),
    }
    sheet.text(currency.as_deref().unwrap_or_default())?;
    sheet.text(&row.reason)?;
    sheet.end_row()
}
