//! Control files beside the extracts: JSON, or a CSV table with a row per source.

use std::collections::HashMap;
use std::path::Path;

use cuadre_rules::Config;
use cuadre_rules::config::Source;
use cuadre_rules::config::source::{AmountFormat, Control, ControlFrom};
use cuadre_rules::control::ControlTotals;
use cuadre_rules::money::{Currency, Totals};
use cuadre_rules::said;
use cuadre_rules::said::Said;
use jiff::civil::Date;
use serde_json::value::RawValue;

use super::mapping::control_total;

/// Most bytes a control file may have.
const LARGEST: u64 = 1 << 24;

/// What a control file states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// Its totals.
    pub totals: ControlTotals,
    /// The day it is about, where it says so.
    pub business_date: Option<Date>,
}

/// Reads the control file at `path` for `source`; `None` where a table has no row for it.
pub fn read(config: &Config, source: &Source, control: &Control, path: &Path) -> Result<Option<Stated>, Said> {
    let size = path.metadata().map_err(|error| Said::quoted(&error))?.len();
    if size > LARGEST {
        return Err(said!(
            "{size} bytes are too many for a control file",
            "{size} bytes son demasiados para un archivo de cifras de control"
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| Said::quoted(&error))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let values = match control.from {
        ControlFrom::Csv | ControlFrom::Table => match csv_row(bytes, control, &source.id)? {
            Some(row) => row,
            None => return Ok(None),
        },
        _ => json_members(bytes)?,
    };
    let value = |name| value(&values, name);
    let number = |found: Option<(&str, &str)>| match found {
        None => Ok(None),
        Some((name, text)) => {
            let number = text.parse::<i128>().map(Some);
            number.map_err(|_| said!("`{name}` is no integer: {text}", "`{name}` no es un entero: {text}"))
        }
    };
    let records = match number(value(&control.records)?)? {
        None => None,
        Some(count) => Some(u64::try_from(count).map_err(|_| {
            said!("the record count is negative: {count}", "el número de registros es negativo: {count}")
        })?),
    };
    let amount = match value(&control.amount)? {
        None => None,
        Some((name, text)) => {
            let total = amount(config, source, text);
            let inexact = || said!("`{name}` is no exact amount: {text}", "`{name}` no es un importe exacto: {text}");
            Some(total.ok_or_else(inexact)?)
        }
    };
    let business_date = match value(&control.business_date)? {
        None => None,
        Some((name, text)) => Some(text.parse().map_err(|_| {
            said!("`{name}` is no date YYYY-MM-DD: {text}", "`{name}` no es una fecha AAAA-MM-DD: {text}")
        })?),
    };
    let hash_total = number(value(&control.hash_total)?)?;
    Ok(Some(Stated { totals: ControlTotals { records, amount, hash_total }, business_date }))
}

/// The named value, with its name; `None` where the configuration names none.
fn value<'a>(
    values: &'a HashMap<String, String>,
    name: &'a Option<String>,
) -> Result<Option<(&'a str, &'a str)>, Said> {
    let Some(name) = name else { return Ok(None) };
    let text = values.get(name).ok_or_else(|| said!("it has no `{name}`", "no tiene `{name}`"))?;
    Ok(Some((name, text.trim())))
}

/// A total in the default currency, or a JSON object of currency to total. Totals are plain
/// decimals, or else written as the source's amounts are.
fn amount(config: &Config, source: &Source, text: &str) -> Option<Totals> {
    let written = &source.extract.amount;
    let one = |text: &str, currency: Currency| {
        let text = text.trim();
        let plain = control_total(&AmountFormat::default(), text, currency, config.scale());
        plain.or_else(|| control_total(written, text, currency, config.scale()))
    };
    if !text.starts_with('{') {
        return one(text, config.default_currency()?);
    }
    let mut totals = Totals::new(config.scale());
    for (code, text) in json_members(text.as_bytes()).ok()? {
        totals.merge(&one(&text, code.parse().ok()?)?).ok()?;
    }
    Some(totals)
}

/// Every member as text; numbers exactly as they stand.
fn json_members(bytes: &[u8]) -> Result<HashMap<String, String>, Said> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        said!(
            "it is no JSON object: {error}",
            "no es un objeto JSON: hay un error en la línea {line}, columna {column}"
        )
    })?;
    let text = |value: &RawValue| serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
    Ok(members.into_iter().map(|(name, value)| (name, text(value))).collect())
}

fn csv_row(bytes: &[u8], control: &Control, source: &str) -> Result<Option<HashMap<String, String>>, Said> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|error| Said::quoted(&error))?.clone();
    let mut found = None;
    for row in reader.records() {
        let row = row.map_err(|error| Said::quoted(&error))?;
        let named = header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned));
        let named: HashMap<String, String> = named.collect();
        let about = control.source.as_ref().map(|column| named.get(column).map(String::as_str).unwrap_or_default());
        if about.is_some_and(|about| about.trim() != source) {
            continue;
        }
        if found.replace(named).is_some() {
            return Err(said!("it has two rows for `{source}`", "tiene dos filas para `{source}`"));
        }
    }
    Ok(found)
}
