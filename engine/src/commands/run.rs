//! `cuadre run`: a night.

use std::path::PathBuf;

use cuadre_reports::predicate::{EndToEndFacts, ExceptionFacts};
use cuadre_rules::exception::Evidence;
use jiff::civil::Date;
use serde_json::json;

use super::{Common, Configured, clock, issued_at, parse_date, print, print_json, show, use_threads};
use crate::error::{EngineError, exit};
use crate::judge::Judgement;
use crate::manifest::{Filed, deadline};
use crate::night::{self, Night, Outcome};
use crate::progress::Progress;
use crate::store::{Landing, Place, Working};
use crate::telling::{Telling, What};
use crate::time_stamp::Stamping;
use crate::trust;
use crate::work::Work;

/// The environment variable that says who runs a night.
const OPERATOR: &str = "CUADRE_OPERATOR";

/// What is put to a series' name for that of the folder beside it with what its nights keep.
const NIGHT: &str = ".night";

/// Reconcile a day and file it
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Date,
    /// Folder or s3:// URL of landing files and of a file warehouse [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the warehouse is: postgres://..., redshift://..., mysql://..., sqlite:PATH, or file:PATH for files
    /// [default: CUADRE_WAREHOUSE_URL, or the configuration's]
    #[arg(long, value_name = "URL")]
    warehouse: Option<String>,
    /// Why a filed day is stated with other figures
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who runs it, to be stated in the manifest [default: CUADRE_OPERATOR]
    #[arg(long, value_name = "NAME", value_parser = parse_words)]
    operator: Option<String>,
    /// Declare that the day has no movements, and why. A source that has sent some contradicts it
    #[arg(long, value_name = "REASON", value_parser = parse_words, conflicts_with = "only")]
    no_movements: Option<String>,
    /// Do only this much of the night: print the differences of both sides as JSON on stdout, file and archive nothing
    #[arg(long, value_name = "WHAT")]
    only: Option<Only>,
}

/// A part of the night.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Only {
    /// Every movement of the sources against every row of the warehouse
    EndToEnd,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(args.common.threads)?;
    let mut configured = Configured::read(&args.common.config)?;
    let warehouse = configured.warehouse(&args.warehouse)?;
    let progress = Progress::on_stderr(true);
    if let Some(Only::EndToEnd) = args.only {
        let data = Landing::of(&configured.data(&args.data)?, &configured.config, args.date, &progress)?;
        let (places, memory) = (configured.places(data.folder(), warehouse), args.common.memory_bytes());
        return night::compare(&configured.config, args.date, &places, memory, &progress, differences);
    }
    let telling = Telling::new(clock()?, args.date, Vec::new());
    let had_key = configured.config.signing.agent || configured.key().exists();
    let data = Landing::of(&configured.data(&args.data)?, &configured.config, args.date, &progress)?;
    let mut series = Working::to_file(&configured.filings(&args.common.filings)?, args.date)?;
    let last_signed = configured.last_signed(&series)?;
    let in_folder = matches!(series.place(), Place::Folder(_));
    let work = in_folder.then(|| Work::at(night::beside(series.folder(), NIGHT)));
    let night = Night {
        config: &configured.config,
        config_text: &configured.text,
        business_date: args.date,
        places: configured.places(data.folder(), warehouse),
        filings: series.folder().to_owned(),
        key: configured.signing_key(series.folder())?,
        issued_at: issued_at(&telling.clock)?,
        reason: args.reason.clone(),
        operator: operator(&args.operator)?,
        no_movements: args.no_movements.clone(),
        work: work.clone(),
        without_archive: configured.config.policy.without_archive && in_folder,
        memory: args.common.memory_bytes(),
        progress: &progress,
        telling: &telling,
    };
    telling.tell(&What::Begun { deadline: deadline(&configured.config, args.date)? });
    let completed = series.complete(&night)?;
    let bring = |filed: &Filed| series.bring_movements(filed.list()?, filed.id, &progress);
    let outcome = night::run(&night, bring).map_err(|error| series.told(error))?;
    let outcome = series.settle(outcome)?;
    if let (Some(work), Outcome::Filed(_)) = (&work, &outcome) {
        work.forget(args.date);
    }
    progress.finish();
    last_signed.keep(&series);
    if let Some(id) = completed {
        eprintln!("Completed filing {id}, which an interrupted run had claimed");
    }
    if !had_key {
        eprintln!("Made the signing key {} for this new series; keep it", configured.key().display());
    }
    tell(&telling, &outcome);
    show::outcome(&outcome, &configured.config);
    if let Some(drift) = trust::drift(&series.standing()?.trust, &configured.config, &configured.folder)? {
        eprintln!("note: the configuration has {drift}; `cuadre keys update` takes that over");
    }
    if args.common.json {
        print_json(&show::outcome_json(&outcome))?;
    }
    Ok(show::exit_code(&outcome))
}

/// Tells what the night came to.
fn tell(telling: &Telling<'_>, outcome: &Outcome) {
    match outcome {
        Outcome::Filed(filing) => {
            telling.tell(&What::Filed(filing));
            for Stamping { authority, answer } in &filing.stamps {
                if let Err(why) = answer {
                    telling.tell(&What::Unstamped { authority, why });
                }
            }
        }
        Outcome::NotFiled(night) => telling.tell(&What::NotFiled(night)),
    }
}

/// Tells what both sides differ in: `endToEnd` and `exceptions` as in a manifest, and in `evidence`
/// an object per row of `exceptions.csv`. Exits as a night with these gaps would.
fn differences(judgement: Judgement) -> Result<u8, EngineError> {
    let day = &judgement.day;
    show::end_to_end_alone(day);
    let end_to_end = day.end_to_end.as_ref().map(|days| days.iter().map(EndToEndFacts::try_from).collect());
    let end_to_end: Option<Vec<EndToEndFacts>> = end_to_end.transpose()?;
    let head = json!({
        "businessDate": day.business_date.to_string(),
        "endToEnd": end_to_end,
        "exceptions": day.exceptions.iter().map(ExceptionFacts::from).collect::<Vec<_>>(),
    });
    let head = head.to_string();
    let mut text = format!("{},\"evidence\":[", head.strip_suffix('}').unwrap_or(&head));
    let mut comma = "";
    for list in &judgement.evidence {
        for row in list.read()? {
            text += &format!("{comma}\n{}", evidence(&row?));
            comma = ",";
            if text.len() > 1 << 16 {
                print(&text)?;
                text.clear();
            }
        }
    }
    print(&(text + "]}\n"))?;
    Ok(if day.exceptions.is_empty() { exit::DONE } else { exit::PARTIAL })
}

fn evidence(row: &Evidence) -> serde_json::Value {
    json!({
        "exception": row.exception,
        "kind": row.kind,
        "source": row.source,
        "file": row.file,
        "record": row.record,
        "column": row.column,
        "sourceValue": row.source_value,
        "warehouseValue": row.warehouse_value,
        "amount": row.amount,
        "currency": row.currency,
        "reason": row.reason,
    })
}

/// Who runs the night: `given`, or the environment's.
fn operator(given: &Option<String>) -> Result<Option<String>, EngineError> {
    let environment = || std::env::var(OPERATOR).ok().filter(|name| !name.trim().is_empty());
    let wrong = |why| EngineError::Usage(format!("{OPERATOR}: {why}"));
    let environment = || environment().map(|name| parse_words(&name).map_err(wrong)).transpose();
    given.clone().map_or_else(environment, |given| Ok(Some(given)))
}

/// Words for a manifest: one line, and not an empty one.
fn parse_words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        words if words.contains(char::is_control) => Err("give it in one line, without control characters".to_owned()),
        words => Ok(words.to_owned()),
    }
}
