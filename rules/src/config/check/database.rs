//! A place in a database, or files: one of the two.

use super::extract::below;
use super::{Checked, needs, problem};
use crate::config::database::{Engine, has_password};
use crate::config::error::Step;
use crate::config::source::{Control, Extract};
use crate::dates::DateFormat;
use crate::movement::Field;

pub(super) fn place(extract: &Extract) -> Checked {
    let has_files = !extract.files.patterns().is_empty();
    let Some(url) = &extract.url else {
        let part = [("table", &extract.table), ("query", &extract.query)].into_iter().find(|(_, part)| part.is_some());
        if let Some((name, _)) = part {
            return problem(path![name], format!("a {name} is of a database"), "name the database in `url`");
        }
        if extract.password.is_some() {
            return problem(path!["password"], "a password is of a database", "name the database in `url`");
        }
        if !has_files {
            return problem(path![], "neither files nor a database are given", "give `files` and `format`, or `url`");
        }
        return match extract.format {
            Some(_) => Ok(()),
            None => problem(path![], "missing field `format`", "write csv, fixed, jsonl or parquet"),
        };
    };
    database(url, path!["url"])?;
    if has_files || extract.format.is_some() {
        let name = if has_files { "files" } else { "format" };
        let message = format!("`{name}` and a database exclude each other");
        return problem(path![name], message, "keep one of them");
    }
    relation(&extract.table, &extract.query, path!["url"])?;
    if extract.table.is_none() {
        return Ok(());
    }
    needs(&extract.columns, &[Field::BookedOn], path!["columns"])?;
    for format in &extract.date_formats {
        if let Err(error) = DateFormat::parse(format).and_then(|format| format.shows_dates()) {
            let message = format!("`{format}` is no date format: {error}");
            let help = "use strptime letters for day, month and year, such as %Y-%m-%d";
            return problem(path!["date_formats"], message, help);
        }
    }
    Ok(())
}

/// The table or query of a control record.
pub(super) fn control(control: &Control, extract: &Extract) -> Checked {
    if let Some(url) = &control.url {
        database(url, path!["control", "url"])?;
    } else if extract.url.is_none() {
        return problem(path!["control"], "the control table's database is not named", "give it a `url`");
    }
    relation(&control.table, &control.query, path!["control"])
}

fn relation(table: &Option<String>, query: &Option<String>, at: Vec<Step>) -> Checked {
    match (table, query) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => problem(at, "a database is asked for a table or by a query", "give `table` or `query`"),
    }
}

fn database(url: &str, at: Vec<Step>) -> Checked {
    if has_password(url) {
        let help = "the configuration is archived with every filing: give password = { env = \"NAME\" } or \
                    { file = \"PATH\" }, and change the password if it was filed";
        return problem(at, "the URL has a password", help);
    }
    match Engine::of(url) {
        Ok((Engine::Sqlite, path)) => below(path, at),
        Ok(_) => Ok(()),
        Err(why) => {
            let help = "write sqlite:PATH, postgres://USER@HOST/DATABASE, redshift://... or mysql://...";
            problem(at, format!("`{url}`: {why}"), help)
        }
    }
}
