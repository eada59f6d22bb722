//! A source: its extract, what is compared, its control record.

use super::extract::{extract, pattern};
use super::{Checked, cells, database, end_to_end, problem, waiting};
use crate::config::error::{Problem, Step};
use crate::config::source::{Control, ControlFrom};
use crate::config::{Config, Format, Source};
use crate::movement::Field;

pub(super) fn source(config: &Config, source: &Source) -> Checked {
    let at = |rest: Vec<Step>| [path!["extract"], rest].concat();
    extract(&source.extract).map_err(|p| Problem { path: at(p.path), ..p })?;
    cells::source(&source.extract).map_err(|p| Problem { path: at(p.path), ..p })?;
    if source.extract.columns.contains_key(&Field::Source) {
        let help = "its id is the source of every movement";
        return problem(path!["extract", "columns", "source"], "a source does not map `source`", help);
    }
    waiting::source(source)?;
    if let Some(setting) = &source.end_to_end {
        end_to_end(setting, path!["end_to_end"])?;
    }
    compared(config, source)?;
    control(source)
}

/// What is compared must be mapped on both sides, or every row would differ.
fn compared(config: &Config, source: &Source) -> Checked {
    let setting = config.end_to_end_of(source);
    for &field in setting.key.iter().chain(&setting.compare) {
        let lacking = if !source.extract.maps(field) {
            format!("source `{}` does not map it", source.id)
        } else if !config.warehouse.maps(field) {
            "the warehouse does not map it".to_owned()
        } else {
            continue;
        };
        let help = "map it on both sides, or leave it out of end_to_end";
        return problem(path!["extract", "columns"], format!("`{field}` is compared end to end, but {lacking}"), help);
    }
    Ok(())
}

fn control(source: &Source) -> Checked {
    let Some(control) = &source.control else { return Ok(()) };
    if control.hash_total.is_some() && control.hash_field.is_none() {
        return problem(
            path!["control", "hash_total"],
            "a hash total needs a `hash_field`",
            "name the field whose digits are summed",
        );
    }
    match control.from {
        ControlFrom::Trailer => {
            let declared = match source.extract.format() {
                Format::Csv => source.extract.csv.trailer.is_some(),
                Format::Fixed => source.extract.fixed.trailer_marker.is_some(),
                Format::Jsonl | Format::Parquet => false,
            };
            if declared {
                return Ok(());
            }
            problem(
                path!["control", "from"],
                "no trailer record is declared",
                "describe it in extract.csv.trailer, or in extract.fixed.trailer_marker and extract.fixed.trailer",
            )
        }
        ControlFrom::Json | ControlFrom::Csv => {
            let Some(file) = &control.file else {
                return problem(
                    path!["control"],
                    "a sidecar control needs a `file`",
                    "give its pattern, such as core/{date}/control.json",
                );
            };
            pattern(file, path!["control", "file"])?;
            names_a_total(control)
        }
        ControlFrom::Table => {
            database::control(control, &source.extract)?;
            names_a_total(control)
        }
    }
}

fn names_a_total(control: &Control) -> Checked {
    if control.records.is_none() && control.amount.is_none() && control.hash_total.is_none() {
        return problem(path!["control"], "the control names no total", "name `records`, `amount` or `hash_total`");
    }
    Ok(())
}
