//! `cuadre diff`: what two filings differ in.

use cuadre_reports::Difference;
use cuadre_reports::changes_csv::first_movements;
use cuadre_reports::text::{Movements, Side, difference};
use serde_json::{Value, json};

use super::looking::{Look, Looked};
use super::paper::stdout_paper;
use super::{print, print_json};
use crate::changes::CHANGES;
use crate::error::{EngineError, exit};

/// Show what two filings differ in
#[derive(clap::Args)]
pub struct Args {
    /// The earlier filing: an id such as 2026-11-20.1, a date for the latest filing of the day, or a filing's folder
    #[arg(value_name = "FILING")]
    before: String,
    /// The later one
    #[arg(value_name = "FILING")]
    after: String,
    #[command(flatten)]
    look: Look,
    /// Movements to print; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    rows: usize,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let looking = args.look.open()?;
    let [before, after] = [looking.at(Some(&args.before))?, looking.at(Some(&args.after))?];
    let stated = [&before, &after].map(|looked| &looked.filed.statement().predicate.predicate);
    let found = Difference::of(stated[0], stated[1]);
    let most = if args.rows == 0 { usize::MAX } else { args.rows };
    let movements = movements(&before, &after, most)?;
    let sides = [side(&before), side(&after)];
    match args.look.json {
        true => print_json(&told(&sides, &found, &movements))?,
        false => print(&difference(&sides, &found, &movements, &looking.locale(), stdout_paper()))?,
    }
    Ok(exit::DONE)
}

/// The movements that differ, where `changes.csv` of the later filing lists them.
fn movements(before: &Looked<'_>, after: &Looked<'_>, most: usize) -> Result<Movements, EngineError> {
    let superseded = after.filed.statement().predicate.predicate.filing.supersedes.as_ref();
    let is_direct = superseded.is_some_and(|superseded| superseded.sha256 == before.filed.sha256);
    let is_same_day = before.filed.id.date() == after.filed.id.date() && before.filed.id != after.filed.id;
    match (is_direct, after.has(CHANGES)) {
        (true, true) => {
            after.bring(&[CHANGES])?;
            let read = first_movements(after.open(CHANGES)?, most);
            let path = after.folder.join(CHANGES);
            let (rows, all) = read.map_err(|error| EngineError::io("reading", &path, error))?;
            Ok(Movements::Listed(rows, all))
        }
        (false, true) if is_same_day => Ok(Movements::NotDirect),
        _ => Ok(Movements::NotListed),
    }
}

fn side(looked: &Looked<'_>) -> Side {
    let files = looked.filed.files().iter().map(|file| (file.name.clone(), file.sha256.to_string()));
    Side { filing: looked.filed.id.to_string(), files: files.collect() }
}

/// It for a machine: `movements` is null where no file lists them.
fn told(sides: &[Side; 2], difference: &Difference, movements: &Movements) -> Value {
    let mut told = json!(difference);
    told["before"] = sides[0].filing.clone().into();
    told["after"] = sides[1].filing.clone().into();
    let files = sides[1].differing(&sides[0]).into_iter();
    told["files"] =
        files.map(|(name, before, after)| json!({"name": name, "before": before, "after": after})).collect();
    told["movements"] = match movements {
        Movements::Listed(rows, all) => json!({ "all": all, "rows": rows }),
        Movements::NotDirect | Movements::NotListed => Value::Null,
    };
    told
}
