//! The first sheet: the verdict, the money, the facts of the filing, and what to know of the workbook.

use jiff::Timestamp;
use rust_xlsxwriter::{Format, RowNum, Workbook, XlsxError};

use super::evidence::left_out;
use super::sheet::Sheet;
use super::title;
use crate::View;
use crate::facts::{fact, value};
use crate::locale::Locale;
use crate::text::capital;
use crate::verdict::{self, Money};
use crate::words::word;

/// Columns of the sheet, and how many characters a line over all of them has.
const COLUMNS: u16 = 7;
const LINE: usize = 130;

pub(super) fn write(workbook: &mut Workbook, view: &View, last_row: RowNum, locale: &Locale) -> Result<(), XlsxError> {
    let money = verdict::money(view);
    let mut sheet = Sheet::new(workbook, locale.pick("Summary", "Resumen"), &title(view), locale)?;
    sheet.width(0, 34)?;
    (1..COLUMNS).try_for_each(|column| sheet.width(column, 20))?;
    sheet.words(&title(view), COLUMNS, LINE, Format::new().set_bold().set_font_size(14))?;
    let sentence = verdict::sentence(&view.predicate, locale);
    sheet.words(&sentence, COLUMNS, LINE, Format::new().set_font_size(12))?;
    sheet.end_row();
    sums(&mut sheet, &money, locale)?;
    sheet.end_row();
    facts(&mut sheet, view, locale)?;
    sheet.end_row();
    for note in notes(view, last_row, locale) {
        sheet.words(&note, COLUMNS, LINE, Format::new())?;
    }
    Ok(())
}

/// A row per measure, a column per currency.
fn sums(sheet: &mut Sheet<'_>, money: &[Money], locale: &Locale) -> Result<(), XlsxError> {
    let name = |key| word(key, locale.language).unwrap_or_default();
    let currencies = money.iter().map(|money| money.currency.as_str());
    sheet.names(&[name("money.measure")].into_iter().chain(currencies).collect::<Vec<_>>())?;
    for (key, cells) in Money::rows(money) {
        sheet.name(name(key))?;
        for cell in cells {
            match cell {
                Some(text) => sheet.amount(text)?,
                None => sheet.skip(1),
            }
        }
        sheet.end_row();
    }
    Ok(())
}

fn facts(sheet: &mut Sheet<'_>, view: &View, locale: &Locale) -> Result<(), XlsxError> {
    let day = &view.predicate;
    let named = |sheet: &mut Sheet<'_>, name: &str, text: &str| {
        sheet.name(&capital(fact(name, locale.language)))?;
        sheet.text(text)?;
        sheet.end_row();
        Ok::<(), XlsxError>(())
    };
    named(sheet, "institution", &day.institution)?;
    named(sheet, "series", &day.series)?;
    sheet.name(&capital(fact("businessDate", locale.language)))?;
    match day.business_date.parse() {
        Ok(date) => sheet.date(date)?,
        Err(_) => sheet.text(&day.business_date)?,
    }
    sheet.end_row();
    named(sheet, "kind", &value("kind", &day.filing.kind, locale.language))?;
    named(sheet, "status", &value("status", day.status.name(), locale.language))?;
    for (name, instant) in [("issuedAt", &day.issued_at), ("deadline", &day.deadline)] {
        let zone = locale.zone.iana_name().unwrap_or("UTC");
        sheet.name(&format!("{} ({zone})", capital(fact(name, locale.language))))?;
        match instant.parse::<Timestamp>() {
            Ok(instant) => sheet.instant(instant)?,
            Err(_) => sheet.text(instant)?,
        }
        sheet.end_row();
    }
    if let Some(reason) = &day.filing.reason {
        named(sheet, "reason", reason)?;
    }
    if let Some(operator) = day.filing.operator.iter().flatten().next() {
        named(sheet, "operator", operator)?;
    }
    if let Some(declared) = day.no_movements.iter().flatten().next() {
        named(sheet, "noMovements", &declared.reason)?;
    }
    named(sheet, "version", &format!("cuadre {}", day.produced_by.version))?;
    named(sheet, "configSha256", &day.produced_by.config_sha256)
}

fn notes(view: &View, last_row: RowNum, locale: &Locale) -> Vec<String> {
    let mut notes = vec![
        locale.pick(
            "This workbook is a copy for people. What is signed is manifest.json, which names this file's digest.",
            "Este libro es una copia para personas. Lo firmado es manifest.json, que nombra el resumen de este archivo.",
        ),
        locale.pick(
            "An amount of more than 15 digits stands as text, on the right: a spreadsheet's number cannot hold it exactly.",
            "Un importe de más de 15 dígitos está como texto, a la derecha: un número de hoja de cálculo no lo guarda exacto.",
        ),
        locale.pick(
            "Credits are positive, debits negative. Differences are what the warehouse has less what was received.",
            "Los abonos son positivos y los cargos negativos. La diferencia es lo del almacén menos lo recibido.",
        ),
    ];
    let left_out = left_out(view, last_row, locale);
    notes.extend(left_out.as_deref());
    notes.into_iter().map(str::to_owned).collect()
}
