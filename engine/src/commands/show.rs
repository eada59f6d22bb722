//! `cuadre show`: a filing as people look at it, and its rows of evidence.

use std::collections::BTreeMap;

use cuadre_reports::exceptions_csv::read_exceptions;
use cuadre_reports::locale::Locale;
use cuadre_reports::predicate::{ExceptionFacts, SourceFacts};
use cuadre_reports::view::Traced;
use cuadre_reports::{View, text, verdict};
use cuadre_rules::exception::Evidence;
use serde_json::{Value, json};

use super::differences::evidence;
use super::looking::{Look, Looked, Looking};
use super::paper::stdout_paper;
use super::{print, print_json};
use crate::error::{EngineError, exit};
use crate::filing::EXCEPTIONS;
use crate::view::{Basis, SUMMARY};

/// Show a filing: what it comes to, how it ties out, its exceptions
#[derive(clap::Args)]
pub struct Args {
    /// An id such as 2026-11-20.1, a date for the latest filing of the day, or a filing's folder [default: the latest
    /// filing of the newest day]
    #[arg(value_name = "FILING")]
    filing: Option<String>,
    #[command(flatten)]
    look: Look,
    /// One source: its files, control totals, how it ties out, its exceptions with their rows
    #[arg(long, value_name = "ID", conflicts_with = "exception")]
    source: Option<String>,
    /// One exception, with its rows
    #[arg(long, value_name = "ID")]
    exception: Option<String>,
    /// Rows to print of each exception; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    rows: usize,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let looking = args.look.open()?;
    let looked = looking.at(args.filing.as_deref())?;
    looked.bring(&[EXCEPTIONS, SUMMARY])?;
    let view = view(&looking, &looked)?;
    let most = if args.rows == 0 { usize::MAX } else { args.rows };
    let shown = match (&args.source, &args.exception) {
        (Some(id), _) => of_source(id, &view, &looked, most, args.look.json),
        (None, Some(id)) => of_exception(id, &view, &looked, most, args.look.json),
        (None, None) if args.look.json => Ok(Shown::Machine(told(&view))),
        (None, None) => Ok(Shown::Person(text::day(&view, stdout_paper()))),
    };
    match shown.map_err(|error| looked.told(error))? {
        Shown::Machine(value) => print_json(&value)?,
        Shown::Person(page) => print(&page)?,
    }
    Ok(exit::DONE)
}

/// What is printed.
enum Shown {
    Machine(Value),
    Person(String),
}

/// The view, in the language that is asked for.
fn view(looking: &Looking, looked: &Looked<'_>) -> Result<View, EngineError> {
    // Each is read once here, so that what is not as it was signed is not shown.
    let checked = || [EXCEPTIONS, SUMMARY].iter().try_for_each(|name| looked.open(name).map(drop));
    checked().map_err(|error| looked.told(error))?;
    let basis = looked.basis()?;
    let mut view = Basis {
        config: basis.as_ref().map(|(_, config)| config),
        inputs: basis.as_ref().map(|(inputs, _)| inputs),
        predicate: &looked.filed.statement().predicate.predicate,
        filing: looked.filed.id,
        files: looked.filed.files(),
        folder: &looked.folder,
    }
    .view()?;
    if let Some(language) = looking.language() {
        view.language = language;
    }
    if basis.is_none() {
        view.zone = looking.locale().zone;
    }
    Ok(view)
}

/// The first rows of exceptions, and how many each has.
type Rows = BTreeMap<String, (Vec<Evidence>, u64)>;

fn rows(looked: &Looked<'_>, most: usize, is_wanted: impl Fn(&str) -> bool) -> Result<Rows, EngineError> {
    let mut rows = Rows::new();
    for row in read_exceptions(looked.open(EXCEPTIONS)?) {
        let row = row.map_err(|error| EngineError::io("reading", &looked.folder.join(EXCEPTIONS), error))?;
        if is_wanted(&row.exception) {
            let (first, all) = rows.entry(row.exception.clone()).or_default();
            *all += 1;
            if first.len() < most {
                first.push(row);
            }
        }
    }
    Ok(rows)
}

fn of_exception(id: &str, view: &View, looked: &Looked<'_>, most: usize, json: bool) -> Result<Shown, EngineError> {
    let day = &view.predicate;
    let own = id.strip_prefix(&format!("{}/", day.business_date)).unwrap_or(id);
    let Some(gap) = day.exceptions.iter().find(|gap| gap.id == own) else {
        let carried = day.carried_over.iter().flatten().find(|carried| carried.open.id == id);
        let message = match carried {
            Some(carried) => {
                let (filing, date) = (&carried.open.filing, &carried.open.business_date);
                let own = id.strip_prefix(&format!("{date}/")).unwrap_or(id);
                format!("{id} is of another day: cuadre show {filing} --exception {own}")
            }
            None => not_there(id, "exception", day.exceptions.iter().map(|gap| gap.id.as_str()), &view.filing),
        };
        return Err(EngineError::Usage(message));
    };
    let (rows, all) = rows(looked, most, |exception| exception == own)?.remove(own).unwrap_or_default();
    if json {
        let evidence: Vec<Value> = rows.iter().map(evidence).collect();
        return Ok(Shown::Machine(json!({ "filing": view.filing, "exception": gap, "all": all, "rows": evidence })));
    }
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    Ok(Shown::Person(text::exception(&view.filing, gap, &rows, all, &locale, stdout_paper())))
}

fn of_source(id: &str, view: &View, looked: &Looked<'_>, most: usize, json: bool) -> Result<Shown, EngineError> {
    let day = &view.predicate;
    let Some(facts) = day.sources.iter().find(|source| source.id == id) else {
        let ids = day.sources.iter().map(|source| source.id.as_str());
        return Err(EngineError::Usage(not_there(id, "source", ids, &view.filing)));
    };
    let gaps = || day.exceptions.iter().filter(|gap| gap.source.as_deref() == Some(id));
    let mut rows = rows(looked, most, |exception| gaps().any(|gap| gap.id == exception))?;
    let with_rows = |gap: &ExceptionFacts| {
        let (first, all) = rows.remove(&gap.id).unwrap_or_default();
        (gap.clone(), first, all)
    };
    let exceptions: Vec<(ExceptionFacts, Vec<Evidence>, u64)> = gaps().map(with_rows).collect();
    Ok(match json {
        true => Shown::Machine(told_source(view, facts, &exceptions)),
        false => Shown::Person(text::source(view, facts, &exceptions, stdout_paper())),
    })
}

/// That a filing has no such thing, and what it has.
fn not_there<'a>(id: &str, what: &str, there: impl Iterator<Item = &'a str>, filing: &str) -> String {
    let there: Vec<&str> = there.collect();
    match there.is_empty() {
        true => format!("{filing} has no {what} {id}, and no other"),
        false => format!("{filing} has no {what} {id}; it has {}", there.join(", ")),
    }
}

/// A filing for a machine: its manifest, and what follows from it and its files.
fn told(view: &View) -> Value {
    let traced = |file: &Traced| json!({ "role": file.role, "of": file.of, "name": file.name, "sha256": file.sha256, "bytes": file.bytes });
    let source = |source: &cuadre_reports::view::SourceView| {
        json!({
            "id": source.id,
            "title": source.title,
            "expected": source.expected,
            "arrived": source.arrived,
            "cutOff": source.cut_off,
        })
    };
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    json!({
        "filing": view.filing,
        "verdict": verdict::sentence(&view.predicate, &locale),
        "money": verdict::money(view),
        "manifest": view.predicate,
        "sources": view.sources.iter().map(source).collect::<Vec<_>>(),
        "inputs": view.inputs.iter().map(traced).collect::<Vec<_>>(),
        "outputs": view.outputs.iter().map(traced).collect::<Vec<_>>(),
    })
}

fn told_source(view: &View, facts: &SourceFacts, exceptions: &[(ExceptionFacts, Vec<Evidence>, u64)]) -> Value {
    let end_to_end = view.predicate.end_to_end.iter().find(|end_to_end| end_to_end.source == facts.id);
    let exception = |(gap, rows, all): &(ExceptionFacts, Vec<Evidence>, u64)| json!({ "exception": gap, "all": all, "rows": rows.iter().map(evidence).collect::<Vec<_>>() });
    json!({
        "filing": view.filing,
        "source": facts,
        "endToEnd": end_to_end,
        "exceptions": exceptions.iter().map(exception).collect::<Vec<_>>(),
    })
}
