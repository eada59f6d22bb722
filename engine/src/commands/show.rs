//! What a person reads after a run, and what went wrong.

use cuadre_reports::Status;
use cuadre_rules::Config;
use cuadre_rules::day::Day;
use cuadre_rules::exception::Exception;
use cuadre_rules::money::Totals;
use serde_json::json;

use crate::error::EngineError;
use crate::night::Filing;

/// Shows why a command stopped.
pub fn error(error: &EngineError) {
    match error {
        EngineError::Blocked(reasons) => {
            eprintln!("NOT FILED: the policy of the configuration forbids it");
            reasons.iter().for_each(|reason| eprintln!("  - {reason}"));
        }
        other => eprintln!("error: {other}"),
    }
}

/// Shows what a night came to.
pub fn filing(filing: &Filing, config: &Config) {
    let day = &filing.day;
    let status = match filing.status {
        Status::Complete => "COMPLETE",
        Status::Partial => "PARTIAL",
    };
    let what = if filing.is_new { "filed" } else { "nothing new: the day was filed before, with the same figures, as" };
    eprintln!("{}: {} {what} {} {status}", config.institution, day.business_date, filing.id);
    let loaded = day.sources.iter().filter(|source| source.state.is_loaded()).count();
    let records: u64 = day.sources.iter().map(|source| source.records - source.rejected_records).sum();
    eprintln!("  sources    {loaded} of {} received: {records} movements, {}", day.sources.len(), amount(day));
    eprintln!("  end to end {}", end_to_end(day));
    let failed = day.business.iter().filter(|rule| rule.verdict != cuadre_rules::day::RuleVerdict::Passed).count();
    if !day.business.is_empty() {
        eprintln!("  rules      {} of {} hold", day.business.len() - failed, day.business.len());
    }
    match day.exceptions.len() {
        0 => eprintln!("  gaps       none"),
        count => eprintln!("  gaps       {count}, documented in the manifest:"),
    }
    for exception in &day.exceptions {
        eprintln!(
            "    {:<8} {:<40} {}",
            format!("{:?}", exception.severity).to_lowercase(),
            exception.id,
            gap(exception)
        );
    }
    eprintln!("  filing     {}", filing.folder.display());
}

fn amount(day: &Day) -> Totals {
    let mut amount = Totals::new(day.scale);
    for source in &day.sources {
        // The sum was checked when the header was made; here it only is shown.
        let _ = amount.merge(&source.amount);
    }
    amount
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

/// A gap in one line of a terminal.
fn gap(exception: &Exception) -> String {
    const WIDTH: usize = 90;
    let text = &exception.explanation;
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.clone(),
    }
}

/// The same for a machine.
pub fn filing_json(filing: &Filing) -> serde_json::Value {
    json!({
        "filing": filing.id.to_string(),
        "new": filing.is_new,
        "status": filing.status,
        "manifestSha256": filing.manifest_sha256,
        "folder": filing.folder,
        "exceptions": filing.day.exceptions.iter().map(|exception| &exception.id).collect::<Vec<_>>(),
    })
}
