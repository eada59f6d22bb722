//! An extract: patterns, formats, columns and notations that fit each other.

use super::{Checked, currency, database, problem};
use crate::config::error::Step;
use crate::config::source::{self, Column, Extract, Files, Format};
use crate::dates::DateFormat;
use crate::movement::Field;

pub(super) fn extract(extract: &Extract) -> Checked {
    database::place(extract)?;
    for (n, text) in extract.files.patterns().iter().enumerate() {
        let many = matches!(extract.files, Files::Many(_));
        let at = if many { path!["files", n] } else { path!["files"] };
        pattern(text, at)?;
    }
    if extract.encoding.is_empty() {
        return problem(path!["encoding"], "no encoding is given", "write encoding = [\"utf-8\"]");
    }
    if extract.date_formats.is_empty() {
        return problem(path!["date_formats"], "no date format is given", "write date_formats = [\"%Y-%m-%d\"]");
    }
    for (n, format) in extract.date_formats.iter().enumerate() {
        if let Err(error) = DateFormat::parse(format).and_then(|format| format.reads_dates()) {
            return problem(
                path!["date_formats", n],
                format!("`{format}` is no date format: {error}"),
                "use strptime letters for day, month and year, such as %d/%m/%Y, or serial",
            );
        }
    }
    if let Some(zone) = &extract.time_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        return problem(
            path!["time_zone"],
            format!("`{zone}` is no IANA time zone"),
            "write it as America/Mexico_City",
        );
    }
    columns(extract)?;
    match extract.format() {
        Format::Csv => csv(&extract.csv),
        Format::Fixed if extract.fixed.fields.is_empty() => problem(
            path!["format"],
            "a fixed-width extract needs extract.fixed.fields",
            "give each field its first and last position, 1-based",
        ),
        Format::Fixed => fixed(extract),
        Format::Jsonl | Format::Parquet => Ok(()),
    }
}

pub(super) fn pattern(text: &str, path: Vec<Step>) -> Checked {
    below(text, path.clone())?;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((token, tail)) = after.split_once('}') else {
            return problem(path, format!("`{text}` has a {{ without a }}"), "write {date} or {date:%d%m%y}");
        };
        let format = token.strip_prefix("date:").or((token == "date").then_some("%Y-%m-%d"));
        if format.is_none_or(|format| DateFormat::parse(format).and_then(|format| format.shows_dates()).is_err()) {
            return problem(path, format!("`{{{token}}}` is unknown"), "write {date} or {date:%d%m%y}");
        }
        rest = tail;
    }
    Ok(())
}

pub(super) fn below(text: &str, path: Vec<Step>) -> Checked {
    if text.starts_with('/') || text.split(['/', '\\']).any(|part| part == "..") {
        return problem(path, format!("`{text}` leaves the data folder"), "give a path below the data folder");
    }
    Ok(())
}

fn columns(extract: &Extract) -> Checked {
    let amount = &extract.amount;
    let split = amount.debit.is_some() && amount.credit.is_some();
    if amount.debit.is_some() != amount.credit.is_some() {
        return problem(path!["amount"], "`debit` and `credit` go together", "give both columns");
    }
    if split == extract.columns.contains_key(&Field::Amount) {
        let message = if split {
            "both `columns.amount` and debit/credit columns are given"
        } else {
            "no column gives the amount"
        };
        return problem(path!["columns"], message, "give `columns.amount`, or `amount.debit` and `amount.credit`");
    }
    if split && amount.flag.is_some() {
        return problem(
            path!["amount", "flag"],
            "a flag and debit/credit columns exclude each other",
            "keep one of them",
        );
    }
    let marks = [("decimal", Some(amount.decimal)), ("grouping", amount.grouping)];
    for (name, mark) in marks {
        if let Some(mark) = mark.filter(|mark| mark.is_ascii_digit() || ['-', '+', '(', ')'].contains(mark)) {
            let message = format!("`{mark}` cannot be a mark within a number");
            return problem(path!["amount", name], message, "write \".\" or \",\"; a thousands mark may be a blank");
        }
    }
    if amount.grouping == Some(amount.decimal) {
        return problem(
            path!["amount", "grouping"],
            "decimal and thousands mark are the same",
            "give two different marks",
        );
    }
    if let Some(flag) = &amount.flag
        && flag.debit.iter().any(|value| flag.credit.contains(value))
    {
        return problem(path!["amount", "flag"], "a flag value means both debit and credit", "list each value once");
    }
    for (field, mapped) in &extract.columns {
        let at = path!["columns", field.name()];
        if let (Field::Currency, Column::Constant { value }) = (field, mapped) {
            currency(value, at.clone())?;
        }
        column(extract, mapped, at)?;
    }
    let flag = amount.flag.as_ref().map(|flag| &flag.column);
    for (mapped, name) in [(amount.debit.as_ref(), "debit"), (amount.credit.as_ref(), "credit"), (flag, "flag")] {
        if let Some(mapped) = mapped {
            column(extract, mapped, path!["amount", name])?;
        }
    }
    for (n, field) in extract.required.iter().enumerate() {
        if !extract.maps(*field) {
            let message = format!("`{field}` is required, but no column gives it: every record would be refused");
            return problem(path!["required", n], message, "map it in columns, or leave it out of required");
        }
    }
    Ok(())
}

/// A column must be named in a way that files of the format can answer.
fn column(extract: &Extract, column: &Column, at: Vec<Step>) -> Checked {
    let names = match column {
        Column::Position(0) => return problem(at, "positions are 1-based", "the first column is 1"),
        Column::Position(_) if extract.url.is_some() => {
            return problem(at, "a table's columns have names", "give the name");
        }
        Column::Position(_) => {
            return match extract.format() {
                Format::Csv | Format::Parquet => Ok(()),
                Format::Fixed => {
                    problem(at, "fixed-width fields have names, not positions", "name one of extract.fixed.fields")
                }
                Format::Jsonl => problem(at, "members of JSON objects have no positions", "give the member's name"),
            };
        }
        Column::Constant { .. } => return Ok(()),
        Column::Name(name) => std::slice::from_ref(name),
        Column::Aliases(names) => names,
    };
    if names.is_empty() {
        return problem(at, "no column is named", "give a name");
    }
    if extract.format() == Format::Csv && !extract.csv.header {
        return problem(at, "a file without header has no column names", "give the 1-based position");
    }
    match names.iter().find(|&name| extract.format() == Format::Fixed && !extract.fixed.fields.contains_key(name)) {
        Some(name) => problem(at, format!("extract.fixed.fields has no `{name}`"), "declare its positions there"),
        None => Ok(()),
    }
}

fn csv(csv: &source::Csv) -> Checked {
    if !csv.delimiter.is_ascii() {
        return problem(path!["csv", "delimiter"], "the delimiter is not ASCII", "use one ASCII character");
    }
    if csv.quote.len() > 1 || !csv.quote.is_ascii() {
        return problem(path!["csv", "quote"], "the quote is not one ASCII character", "use one, or \"\" for none");
    }
    Ok(())
}

fn fixed(extract: &Extract) -> Checked {
    for (table, fields) in [("fields", &extract.fixed.fields), ("trailer", &extract.fixed.trailer)] {
        for (name, [first, last]) in fields {
            if *first == 0 || last < first {
                let message = format!("`{name}` has no positions: {first} to {last}");
                return problem(path!["fixed", table, name.as_str()], message, "positions are 1-based and inclusive");
            }
        }
    }
    for name in extract.fixed.trailer.keys() {
        if !["records", "amount", "hash_total"].contains(&name.as_str()) {
            return problem(
                path!["fixed", "trailer", name.as_str()],
                format!("a trailer has no `{name}`"),
                "it may have records, amount and hash_total",
            );
        }
    }
    Ok(())
}
