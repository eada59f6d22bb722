//! `cuadre prune`: what no filing names, once its retention has ended.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cuadre_audit::prune::{Fate, Found, Kind, fate};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Configured, clock, issued_at, print_json};
use crate::error::{EngineError, exit};
use crate::reconcile::gaps::counted;
use crate::store::Working;

/// Remove what no filing names and whose retention has ended: archived files and evidence of days not filed
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file; it says where the series is, and how long the retention is
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Remove it; without this, only tell what would be removed
    #[arg(long)]
    delete: bool,
    /// Print what becomes of each file as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let configured = Configured::read(&args.config)?;
    let working = Working::to_read(&configured.filings(&args.filings)?)?;
    prune(args, &configured, &working).map_err(|error| working.told(error))
}

/// A file, and what becomes of it.
type Fated = (Found, Fate);

fn prune(args: &Args, configured: &Configured, working: &Working) -> Result<u8, EngineError> {
    let retention = &configured.config.retention;
    let end =
        Timestamp::from_second(retention.ends_before(issued_at(&clock()?)?.as_second())).unwrap_or(Timestamp::MIN);
    let _hold = working.hold()?;
    // What lies there comes first: what is archived after that is not removed, and what it is named by is read.
    let found = working.found()?;
    let named = working.named()?;
    let fated = |found: Found| {
        let fate = fate(&found, &named, end.as_second());
        (found, fate)
    };
    let fated: Vec<Fated> = found.into_iter().map(fated).collect();
    let gone: Vec<&Found> = fated.iter().filter(|(_, fate)| *fate == Fate::Remove).map(|(found, _)| found).collect();

    eprintln!(
        "{}: retention of {} days, ended for what was changed last before {end}",
        working.place(),
        retention.days
    );
    for (words, kept) in summary(&fated, args.delete) {
        let bytes: u64 = kept.iter().map(|found| found.bytes).sum();
        eprintln!("  {words}{}, {}", counted(kept.len() as u64, "file"), counted(bytes, "byte"));
    }
    let mut refused = BTreeMap::new();
    if args.delete && !gone.is_empty() {
        refused = working.remove(&gone)?.into_iter().map(|(index, error)| (gone[index].path.clone(), error)).collect();
        if let Some(lost) = working.lost(&gone)? {
            return Err(EngineError::Differs(format!(
                "{}: a run that filed meanwhile needs it, and it was removed; when that run has ended, run `cuadre \
                 verify`, and restore what it misses from the bucket's versions",
                lost.path
            )));
        }
    }
    for (path, error) in &refused {
        eprintln!("  not removed: {path}: {error}");
    }
    if args.json {
        let files: Vec<Value> =
            fated.iter().map(|fated| told(fated, args.delete, refused.get(&fated.0.path))).collect();
        print_json(&json!({
            "series": working.place().to_string(),
            "retentionDays": retention.days,
            "changedBefore": end.to_string(),
            "deleted": args.delete,
            "files": files,
        }))?;
    }
    if !args.delete && !gone.is_empty() {
        eprintln!("Nothing was removed; --delete removes it.");
    }
    Ok(refused.into_values().next().map_or(exit::DONE, |error| error.exit_code()))
}

/// Everything by what becomes of it, in words.
fn summary(fated: &[Fated], delete: bool) -> Vec<(&'static str, Vec<&Found>)> {
    let with = |wanted: Fate, is_kind: fn(&Kind) -> bool| -> Vec<&Found> {
        let those = fated.iter().filter(|(found, fate)| *fate == wanted && is_kind(&found.kind));
        those.map(|(found, _)| found).collect()
    };
    let of_archive = |kind: &Kind| *kind != Kind::Evidence;
    let of_evidence = |kind: &Kind| *kind == Kind::Evidence;
    let removes =
        |archived, evidence| [(archived, with(Fate::Remove, of_archive)), (evidence, with(Fate::Remove, of_evidence))];
    let removes = match delete {
        true => removes("removes      archived, named by no filing: ", "removes      evidence of days not filed: "),
        false => removes("would remove archived, named by no filing: ", "would remove evidence of days not filed: "),
    };
    let keeps = [
        ("keeps        named by filings: ", with(Fate::Named, |_| true)),
        ("keeps        within the retention: ", with(Fate::Young, |_| true)),
        ("keeps        not of cuadre's making: ", with(Fate::Foreign, |_| true)),
    ];
    removes.into_iter().chain(keeps).filter(|(_, those)| !those.is_empty()).collect()
}

/// A file for a machine.
fn told((found, fate): &Fated, delete: bool, refused: Option<&EngineError>) -> Value {
    let kind = match found.kind {
        Kind::Object(_) => "object",
        Kind::Leftover => "leftover",
        Kind::Evidence => "evidence",
        Kind::Foreign => "foreign",
    };
    let (done, reason) = match (fate, refused) {
        (Fate::Remove, Some(error)) => ("notRemoved", error.to_string()),
        (Fate::Remove, None) if delete => ("removed", "no filing names it, and its retention has ended".to_owned()),
        (Fate::Remove, None) => ("wouldRemove", "no filing names it, and its retention has ended".to_owned()),
        (Fate::Named, _) => ("kept", "a filing names it".to_owned()),
        (Fate::Young, _) => ("kept", "its retention has not ended".to_owned()),
        (Fate::Foreign, _) => ("kept", "it is not of cuadre's making".to_owned()),
    };
    let changed = Timestamp::from_second(found.changed).map(|at| at.to_string()).ok();
    json!({"path": found.path, "kind": kind, "bytes": found.bytes, "changedAt": changed, "fate": done, "reason": reason})
}
