//! The sheet of every source against its control totals and the warehouse: a row per source and currency.

use std::collections::BTreeSet;

use rust_xlsxwriter::{Workbook, XlsxError};

use super::sheet::{Column, Sheet, number, text};
use super::title;
use crate::View;
use crate::locale::Locale;
use crate::predicate::{EndToEndFacts, SourceFacts};
use crate::words::named;

const ENGLISH: [Column; 19] = [
    text("Source", 12),
    text("Title", 22),
    text("State", 13),
    text("Arrived", 17),
    text("Control totals", 13),
    number("Records", 10),
    number("Refused", 10),
    number("Records stated", 10),
    number("Rows of the warehouse", 10),
    number("Matched", 11),
    number("Missing in the warehouse", 11),
    number("Missing in the source", 11),
    number("Other values", 11),
    number("Duplicates", 11),
    text("Currency", 10),
    number("Received", 18),
    number("Stated", 18),
    number("Warehouse", 18),
    number("Difference", 18),
];
const SPANISH: [Column; 19] = [
    text("Fuente", 12),
    text("Nombre", 22),
    text("Estado", 13),
    text("Llegó", 17),
    text("Cifras de control", 13),
    number("Registros", 11),
    number("Rechazados", 12),
    number("Registros declarados", 12),
    number("Renglones del almacén", 12),
    number("Coinciden", 11),
    number("Faltan en el almacén", 11),
    number("Faltan en la fuente", 11),
    number("Valores distintos", 11),
    number("Duplicados", 11),
    text("Moneda", 10),
    number("Recibido", 18),
    number("Declarado", 18),
    number("Almacén", 18),
    number("Diferencia", 18),
];
/// Cells of a row before its currency.
const COUNTS: u16 = 14;

pub(super) fn write(workbook: &mut Workbook, view: &View, locale: &Locale) -> Result<(), XlsxError> {
    let day = &view.predicate;
    let of = |source: &SourceFacts| day.end_to_end.iter().find(|facts| facts.source == source.id);
    let rows: Vec<(&SourceFacts, Option<&EndToEndFacts>, Vec<&str>)> =
        day.sources.iter().map(|source| (source, of(source), currencies(source, of(source)))).collect();
    let count = rows.iter().map(|(_, _, currencies)| currencies.len() as u64).sum();
    let mut sheet = Sheet::new(workbook, locale.pick("Tie-out", "Cuadre"), &title(view), locale)?;
    sheet.header(&locale.pick(ENGLISH, SPANISH), count)?;
    for (source, end_to_end, currencies) in rows {
        for (n, currency) in currencies.into_iter().enumerate() {
            match n {
                0 => counts(&mut sheet, view, source, end_to_end, locale)?,
                _ => {
                    sheet.text(&source.id)?;
                    sheet.skip(COUNTS - 1);
                }
            }
            sheet.text(currency)?;
            for amount in [
                Some(&source.amount),
                source.control.expected.amount.as_ref(),
                end_to_end.map(|facts| &facts.warehouse_amount),
                end_to_end.map(|facts| &facts.amount_difference),
            ] {
                match amount.and_then(|amount| amount.get(currency)) {
                    Some(text) => sheet.amount(text)?,
                    None => sheet.skip(1),
                }
            }
            sheet.end_row()?;
        }
    }
    Ok(())
}

/// The currencies that anything of a source is in; one that has no name where it has none.
fn currencies<'a>(source: &'a SourceFacts, end_to_end: Option<&'a EndToEndFacts>) -> Vec<&'a str> {
    let stated = source.control.expected.amount.iter();
    let difference = end_to_end.iter().map(|facts| &facts.amount_difference);
    let all = [&source.amount].into_iter().chain(stated).chain(difference).flat_map(|amount| amount.keys());
    let currencies: BTreeSet<&str> = all.map(String::as_str).collect();
    if currencies.is_empty() { vec![""] } else { currencies.into_iter().collect() }
}

/// What is counted of a source, in the first of its rows alone: a sum over the column counts it once.
fn counts(
    sheet: &mut Sheet<'_>,
    view: &View,
    source: &SourceFacts,
    end_to_end: Option<&EndToEndFacts>,
    locale: &Locale,
) -> Result<(), XlsxError> {
    let known = view.sources.iter().find(|known| known.id == source.id);
    sheet.text(&source.id)?;
    sheet.text(known.map(|known| known.title.as_str()).unwrap_or_default())?;
    sheet.text(&named("state", &source.state, locale.language))?;
    match known.and_then(|known| known.arrived) {
        Some(at) => sheet.instant(at)?,
        None => sheet.skip(1),
    }
    sheet.text(&named("control", &source.control.verdict, locale.language))?;
    sheet.count(source.records)?;
    sheet.count(source.rejected_records)?;
    match source.control.expected.records {
        Some(records) => sheet.count(records)?,
        None => sheet.skip(1),
    }
    let Some(facts) = end_to_end else {
        sheet.skip(6);
        return Ok(());
    };
    let EndToEndFacts {
        warehouse_records, matched, missing_in_warehouse, missing_in_source, changed, duplicates, ..
    } = facts;
    let counts = [warehouse_records, matched, missing_in_warehouse, missing_in_source, changed, duplicates];
    counts.into_iter().try_for_each(|count| sheet.count(*count))
}
