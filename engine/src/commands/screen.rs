//! What a person reads after a run, and what went wrong.

use std::cmp::Reverse;

use cuadre_reports::Status;
use cuadre_rules::Config;
use cuadre_rules::day::{Day, RuleVerdict};
use cuadre_rules::exception::{Class, Exception};
use serde_json::json;

use crate::carry::OPEN;
use crate::changes::{CHANGES, Changes};
use crate::error::{EngineError, exit};
use crate::night::{Outcome, Superseding};
use crate::reconcile::gaps::counted;
use crate::time_stamp::Stamping;

/// Shows why a command stopped.
pub fn error(error: &EngineError) {
    eprintln!("error: {error}");
}

/// Shows what a night came to.
pub fn outcome(outcome: &Outcome, config: &Config) {
    match outcome {
        Outcome::Filed(filing) => {
            let status = match filing.status {
                Status::Complete => "COMPLETE",
                Status::Partial => "PARTIAL",
            };
            let what = if filing.is_new { "filed" } else { "nothing new, the day was filed before:" };
            eprintln!("{}: {} {what} {} {status}", config.institution, filing.day.business_date, filing.id);
            if let Some(Superseding { filing, kind, changes: Changes { added, removed, changed, .. } }) =
                &filing.supersedes
            {
                let added = counted(*added, "movement");
                eprintln!(
                    "  supersedes {filing}, as a {kind}: {added} added, {removed} removed, {changed} changed ({CHANGES})"
                );
            }
            day(&filing.day, "each in the manifest's exceptions");
            if let Some(oldest) = filing.carried_over.iter().map(|carried| carried.age_days).max() {
                let (open, oldest) = (filing.carried_over.len(), counted(oldest.unsigned_abs(), "day"));
                eprintln!("  open       {open} of other days, the oldest for {oldest} ({OPEN})");
            }
            eprintln!("  filing     {}", filing.folder.display());
            for Stamping { authority, answer } in &filing.stamps {
                match answer {
                    Ok(time) => eprintln!("  stamped    {time} by {authority}"),
                    Err(why) => eprintln!("  unstamped  {why}"),
                }
            }
            if filing.is_new && !filing.stamps.is_empty() && filing.stamps.iter().all(|stamp| stamp.answer.is_err()) {
                eprintln!("             timeliness is unproven until a later filing is time-stamped");
            }
        }
        Outcome::NotFiled(night) => {
            eprintln!("{}: {} NOT FILED, the policy forbids it:", config.institution, night.day.business_date);
            night.reasons.iter().for_each(|reason| eprintln!("  - {reason}"));
            day(&night.day, "each in the evidence");
            eprintln!("  evidence   {}", night.evidence.display());
            eprintln!("When the cause is repaired, run the same command again.");
        }
    }
}

/// Gaps of either class that fit on a screen; the manifest has them all.
const MOST_GAPS: usize = 15;

fn day(day: &Day, listed: &str) {
    if let Some(why) = &day.no_movements {
        eprintln!("  declared   a day without movements: {why}");
    }
    let loaded = day.sources.iter().filter(|source| source.state.is_loaded()).count();
    eprintln!(
        "  sources    {loaded} of {} received: {}, {}",
        day.sources.len(),
        counted(day.movements(), "movement"),
        day.amount()
    );
    eprintln!("  end to end {}", end_to_end(day));
    let failed = day.business.iter().filter(|rule| rule.verdict != RuleVerdict::Passed).count();
    if !day.business.is_empty() {
        eprintln!("  rules      {} of {} hold", day.business.len() - failed, day.business.len());
    }
    if day.exceptions.is_empty() {
        eprintln!("  gaps       none");
        return;
    }
    eprintln!("  gaps       {}, {listed}", day.exceptions.len());
    for (class, words) in [(Class::Expected, "due and not come"), (Class::Mismatched, "in what came")] {
        let mut gaps: Vec<&Exception> = day.exceptions.iter().filter(|gap| gap.class == class).collect();
        if gaps.is_empty() {
            continue;
        }
        gaps.sort_by_key(|gap| Reverse(gap.severity));
        eprintln!("  {:<10} {} {words}:", class.name(), gaps.len());
        for exception in gaps.iter().take(MOST_GAPS) {
            let severity = exception.severity.name();
            eprintln!("    {severity:<8} {:<32} {}", exception.id, shortened(&exception.explanation));
        }
        if gaps.len() > MOST_GAPS {
            eprintln!("    and {} more", gaps.len() - MOST_GAPS);
        }
    }
}

/// Shows what a comparison without a filing came to.
pub fn end_to_end_alone(day: &Day) {
    eprintln!("{}: {}", day.business_date, end_to_end(day));
}

fn end_to_end(day: &Day) -> String {
    let Some(sources) = &day.end_to_end else { return "not evaluated: the warehouse could not be read".to_owned() };
    let sum = |count: fn(&cuadre_rules::day::EndToEndDay) -> u64| sources.iter().map(count).sum::<u64>();
    format!(
        "{} matched, {} missing in the warehouse, {} missing in the sources, {} changed, {} duplicates",
        sum(|s| s.matched),
        sum(|s| s.missing_in_warehouse),
        sum(|s| s.missing_in_source),
        sum(|s| s.changed),
        sum(|s| s.duplicates)
    )
}

/// An explanation in one line of a terminal.
pub fn shortened(text: &str) -> String {
    const WIDTH: usize = 72;
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The same for a machine.
pub fn outcome_json(outcome: &Outcome) -> serde_json::Value {
    let ids = |day: &Day| day.exceptions.iter().map(|exception| exception.id.clone()).collect::<Vec<_>>();
    match outcome {
        Outcome::Filed(filing) => json!({
            "filing": filing.id.to_string(),
            "new": filing.is_new,
            "status": filing.status,
            "manifestSha256": filing.manifest_sha256,
            "folder": filing.folder,
            "supersedes": filing.supersedes.as_ref().map(|Superseding { filing, kind, changes }| json!({
                "filing": filing.to_string(),
                "kind": kind,
                "added": changes.added,
                "removed": changes.removed,
                "changed": changes.changed,
            })),
            "exceptions": ids(&filing.day),
            "carriedOver": filing.carried_over.iter().map(|carried| &carried.open.id).collect::<Vec<_>>(),
            "timeStamps": filing.stamps.iter().map(stamping).collect::<Vec<_>>(),
        }),
        Outcome::NotFiled(night) => json!({
            "filing": null,
            "reasons": night.reasons,
            "evidence": night.evidence,
            "exceptions": ids(&night.day),
        }),
    }
}

fn stamping(stamp: &Stamping) -> serde_json::Value {
    let (time, fault) = (stamp.answer.as_ref().ok(), stamp.answer.as_ref().err());
    json!({ "authority": stamp.authority, "time": time, "fault": fault })
}

/// The exit code of a night.
pub fn exit_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Filed(filing) => exit::of_filing(filing.status),
        Outcome::NotFiled(_) => exit::NOT_FILED,
    }
}
