//! A warehouse that is compared by cells: what its own SQL can tell as the mapping of its rows would.

use super::{Checked, problem};
use crate::config::database::Engine;
use crate::config::error::Step;
use crate::config::source::{AmountFormat, Column, Compared, Extract};
use crate::dates::DateFormat;
use crate::movement::Field;

const ROWS: &str = "or write compared = \"rows\"";

pub(super) fn source(extract: &Extract) -> Checked {
    match extract.compared {
        Compared::Rows => Ok(()),
        Compared::Cells => problem(path!["compared"], "cells are of the warehouse", "leave it out"),
    }
}

pub(super) fn warehouse(extract: &Extract) -> Checked {
    if extract.compared == Compared::Rows {
        return Ok(());
    }
    let engine = extract.url.as_deref().and_then(|url| Engine::of(url).ok()).map(|(engine, _)| engine);
    if !engine.is_some_and(Engine::computes_cells) {
        let place = engine.map_or("files", Engine::name);
        let help = format!("name a postgres:// or redshift:// database in `url`, {ROWS}");
        return problem(path!["compared"], format!("{place} cannot compute cells"), &help);
    }
    let told = |path, what: &str, help: &str| {
        let message = format!("{what} cannot be told by the warehouse itself, which compared = \"cells\" asks of it");
        problem(path, message, &format!("{help}, {ROWS}"))
    };
    if let Some((name, what)) = notation(&extract.amount) {
        return told(path!["amount", name], what, "have the column hold plain numbers, such as -12.50");
    }
    if !extract.trim {
        return told(path!["trim"], "texts with the blanks around them", "leave it out");
    }
    for (field, column) in &extract.columns {
        if matches!(column, Column::Constant { .. }) && *field != Field::Currency {
            let what = format!("a constant `{field}`");
            return told(path!["columns", field.name()], &what, "have a column or the query give it");
        }
    }
    if extract.columns.contains_key(&Field::BookedAt) {
        if !extract.columns.contains_key(&Field::BookedOn) {
            let help = "map booked_on, too";
            return told(path!["columns", "booked_at"], "the date of an instant", help);
        }
        if !extract.timestamp_formats.is_empty() {
            let help = "have the column be a timestamptz, and leave the formats out";
            return told(path!["timestamp_formats"], "instants written as texts", help);
        }
    }
    let shows_dates = |format: &String| DateFormat::parse(format).is_ok_and(|format| format.shows_dates().is_ok());
    if extract.columns.contains_key(&Field::BookedOn) && !extract.date_formats.iter().any(shows_dates) {
        return told(path!["date_formats"], "a spreadsheet's serial date", "have the column be a date");
    }
    Ok(())
}

/// What of a notation is more than plain numbers.
fn notation(amount: &AmountFormat) -> Option<(&'static str, &'static str)> {
    let found = [
        (amount.debit.is_some(), "debit", "an amount of two columns"),
        (amount.flag.is_some(), "flag", "an amount with a flag"),
        (amount.decimal != '.', "decimal", "another decimal mark"),
        (amount.grouping.is_some(), "grouping", "thousands marks"),
        (amount.parentheses, "parentheses", "an amount in parentheses"),
        (amount.trailing_minus, "trailing_minus", "a minus after the amount"),
        (!amount.symbols.is_empty(), "symbols", "a currency sign"),
        (amount.negate, "negate", "the other sign"),
        (amount.padding_zeros && amount.implied_decimals.is_some(), "padding_zeros", "padding of implied decimals"),
    ];
    found.into_iter().find_map(|(is_so, name, what)| is_so.then_some((name, what)))
}
