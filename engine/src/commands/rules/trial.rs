//! `cuadre rules try`: what rules would have said of filed days.

use std::path::PathBuf;

use cuadre_audit::Series;
use cuadre_audit::layout::FilingId;
use cuadre_rules::config::Language;
use cuadre_rules::day::RuleVerdict;
use cuadre_rules::exception::Evidence;
use cuadre_rules::said;
use cuadre_rules::said::{Said, VIOLATION, counted};
use cuadre_rules::suggest::did_you_mean;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::{Common, Configured, parse_date, print_json, read_text, use_threads};
use super::{language, parse_language, table, wrong};
use crate::error::{EngineError, exit};
use crate::judge::Room;
use crate::manifest::{Filed, filing_date};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::store::Working;
use crate::trial::{Trial, Tried};

/// Try rules on filed days, from the archive: what they would have said. Nothing is filed
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Date,
    /// Last business date: try every filed day from --date on
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    until: Option<Date>,
    /// File of the rules to try [default: those of the configuration]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Try this rule alone
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Folder where datasets lie that a filing was not made with; SQL is then asked of the warehouse as it is now
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Language of the words: en or es-MX [default: the configuration's]
    #[arg(long, value_name = "LANGUAGE", value_parser = parse_language)]
    language: Option<Language>,
}

/// A day that is asked for, and what the rules say of its latest filing, where it has one.
type Day = (Date, Option<(FilingId, Vec<Tried>)>);

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(args.common.threads)?;
    let mut configured = Configured::read(&args.common.config)?;
    configured.warehouse(&None)?;
    if let Some(path) = &args.rules {
        let text = read_text(path, "the file of rules", "check --rules")?;
        configured.config = configured.config.with_rules_of(&text).map_err(wrong)?;
    }
    let config = &configured.config;
    if let Some(id) = args.rule.as_deref().filter(|id| !config.rules.iter().any(|rule| rule.id == **id)) {
        let ids = config.rules.iter().map(|rule| rule.id.as_str());
        let help = did_you_mean(id, ids, "give the id of one of the rules to --rule");
        return Err(EngineError::Usage(format!("no rule is called `{id}`; {help}")));
    }
    let language = language(args.language, Some(config));
    let data = args.data.as_ref().map(|_| configured.data(&args.data)).transpose()?;
    let folder = data.as_ref().map(|place| {
        let wrong = || EngineError::Usage(format!("{place} is no folder; give a folder of this machine to --data"));
        place.folder().ok_or_else(wrong)
    });
    let trial =
        Trial { config, only: args.rule.as_deref(), data: folder.transpose()?, secrets: &configured.folder, language };
    let working = Working::to_read(&configured.filings(&args.common.filings)?)?;
    let progress = Progress::on_stderr(true);
    let days = days(args, &trial, &working, &progress).map_err(|error| working.told(error))?;
    progress.finish();
    if args.common.json {
        print_json(&days.iter().flat_map(|(date, tried)| told(*date, tried)).collect::<Vec<_>>())?;
        return Ok(exit::DONE);
    }
    for (date, tried) in &days {
        lines(*date, tried, language).iter().for_each(|line| eprintln!("{line}"));
    }
    let words = said!(
        "Tried from the archive; nothing was filed, and no filing was changed.",
        "Se probó con el archivo; nada se presentó y ninguna presentación cambió."
    );
    eprintln!("{}", words.into_language(language));
    Ok(exit::DONE)
}

/// Tries every day that is asked for.
fn days(args: &Args, trial: &Trial<'_>, working: &Working, progress: &Progress) -> Result<Vec<Day>, EngineError> {
    let series = Series::at(working.folder());
    let last = args.until.unwrap_or(args.date);
    if last < args.date {
        let message = format!("--until {last} is before --date {}", args.date);
        return Err(EngineError::Usage(format!("{message}; give the first day to --date and the last to --until")));
    }
    let mut days = Vec::new();
    let mut next = Some(args.date);
    while let Some(date) = next.filter(|date| *date <= last) {
        let id = series.latest(filing_date(date)?)?.map(|filed| filed.id);
        let tried = id.map(|id| -> Result<_, EngineError> {
            working.bring_filing(id, progress)?;
            progress.phase("trying the rules", None);
            let scratch = Scratch::new()?;
            let memory = args.common.memory_bytes();
            let room = Room { scratch: scratch.path(), memory, progress, kept: None };
            Ok((id, trial.on(&Filed::read(&series, id)?, &series.archive(), room)?))
        });
        days.push((date, tried.transpose()?));
        next = date.tomorrow().ok();
    }
    if days.iter().all(|(_, tried)| tried.is_none()) {
        let message = format!("no day from {} to {last} was filed in {}", args.date, working.place());
        return Err(EngineError::Usage(format!("{message}; check --date, --until and --filings")));
    }
    Ok(days)
}

/// A day for a person.
fn lines(date: Date, tried: &Option<(FilingId, Vec<Tried>)>, language: Language) -> Vec<String> {
    let in_words = |said: Said| said.into_language(language);
    let Some((id, tried)) = tried else {
        return vec![in_words(said!("{date} was not filed", "{date} no se presentó"))];
    };
    let mut lines = vec![id.to_string()];
    if tried.is_empty() {
        lines.push(in_words(said!("  no rule is in force", "  ninguna regla está vigente")));
    }
    let row = |tried: &Tried| {
        let judged = &tried.judged;
        vec![
            judged.rule.clone(),
            in_words(verdict(judged.verdict.name(), judged.violations)),
            in_words(match &tried.filed {
                None => said!("not in the filing", "no está en la presentación"),
                Some(filed) if filed.verdict == judged.verdict.name() && filed.violations == judged.violations => {
                    said!("as filed", "como se presentó")
                }
                Some(filed) => {
                    let filed = verdict(&filed.verdict, filed.violations);
                    said!("filed: {filed}", "se presentó: {filed}"; filed)
                }
            }),
            judged.explanation.clone(),
        ]
    };
    let heads = table::lines(&tried.iter().map(row).collect::<Vec<_>>(), 2);
    for (head, tried) in heads.into_iter().zip(tried) {
        lines.push(head);
        lines.extend(tried.rows.iter().map(|row| format!("      {}", evidence(row))));
        let (shown, all) = (tried.rows.len() as u64, tried.judged.violations);
        if shown > 0 && all > shown {
            let more = all - shown;
            lines.push(in_words(said!("      and {more} more", "      y {more} más")));
        }
    }
    lines
}

fn verdict(name: &str, violations: u64) -> Said {
    let violations = counted(violations, VIOLATION);
    match name {
        _ if name == RuleVerdict::Passed.name() => said!("holds", "se cumple"),
        _ if name == RuleVerdict::Failed.name() => {
            said!("fails, {violations}", "no se cumple, {violations}"; violations)
        }
        _ => said!("not evaluated", "no se evaluó"),
    }
}

/// `landing/a.csv:3  kind  X  the reason`.
fn evidence(row: &Evidence) -> String {
    let place = row.file.as_ref().zip(row.record).map(|(file, record)| format!("{file}:{record}"));
    let money = row.amount.as_ref().zip(row.currency.as_ref()).map(|(amount, currency)| format!("{amount} {currency}"));
    let parts = [place.or(row.source.clone()), row.column.clone(), money, Some(row.reason.clone())];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// A day for a machine: a value per rule.
fn told(date: Date, tried: &Option<(FilingId, Vec<Tried>)>) -> Vec<Value> {
    let Some((id, tried)) = tried else { return vec![json!({ "date": date, "filing": null })] };
    let rule = |tried: &Tried| {
        json!({
            "date": date,
            "filing": id.to_string(),
            "rule": tried.judged.rule,
            "verdict": tried.judged.verdict.name(),
            "violations": tried.judged.violations,
            "explanation": tried.judged.explanation,
            "filed": tried.filed.as_ref().map(|filed| json!({ "verdict": filed.verdict, "violations": filed.violations })),
            "rows": tried.rows,
        })
    };
    tried.iter().map(rule).collect()
}
