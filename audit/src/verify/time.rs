//! When filings were signed, and whether that was in time.

use jiff::Timestamp;

use super::trust::Judges;
use super::{Options, Report, Verdict, VerifiedFiling};
use crate::layout::{self, FilingDate, FilingId};

/// Whether a day's first filing was made before its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Timeliness {
    /// A time stamp proves it.
    Proven,
    /// Its own time stamps were made after the deadline.
    Late,
    /// It has no time stamp of its own, and those of later filings prove only that it existed after the
    /// deadline; or no deadline is known.
    Unproven,
}

/// Judges the first filing of each day by its own time stamps and those of filings after it, which
/// pin it; the deadline is the calendar's.
pub(super) fn judge(judges: &Judges, options: &Options, report: &mut Report) {
    let mut existed: Option<(Timestamp, FilingId)> = None;
    let mut found = Vec::new();
    for filing in report.filings.iter().rev() {
        // Everything that a stamped filing pins existed when it was stamped.
        let own = filing.stamped_at.map(|at| (at, filing.id));
        existed = [own, existed].into_iter().flatten().min_by_key(|(at, _)| *at);
        if filing.id.number() == 1 {
            found.push((filing.id, existed));
        }
    }
    for (id, existed) in found.into_iter().rev() {
        let due = judges.calendar_of(id.date()).and_then(|calendar| calendar.deadline_of(id.date()));
        let (timeliness, detail) = of(id, existed, due);
        let verdict = match timeliness {
            Timeliness::Proven => Verdict::Passed,
            _ if options.timely => Verdict::Failed,
            Timeliness::Late => Verdict::Late,
            Timeliness::Unproven => Verdict::Unproven,
        };
        report.push("timeliness", &layout::filing(&id), verdict, detail);
        if let Some(filing) = report.filings.iter_mut().find(|filing| filing.id == id) {
            filing.timeliness = Some(timeliness);
        }
    }
}

fn of(id: FilingId, existed: Option<(Timestamp, FilingId)>, due: Option<Timestamp>) -> (Timeliness, String) {
    let by = |by: FilingId| if by == id { "time-stamped".to_owned() } else { format!("pinned by {by}, time-stamped") };
    match (existed, due) {
        (Some((at, stamped)), Some(due)) if at <= due => {
            (Timeliness::Proven, format!("{} {at}, due {due}", by(stamped)))
        }
        (Some((at, stamped)), Some(due)) if stamped == id => {
            (Timeliness::Late, format!("due {due}, but time-stamped {at}"))
        }
        (Some((at, stamped)), Some(due)) => {
            let told = format!("no time stamp of its own; it existed when {stamped}, which pins it, was time-stamped");
            (Timeliness::Unproven, format!("{told}, {at}, after it was due, {due}"))
        }
        (Some((at, stamped)), None) => {
            (Timeliness::Unproven, format!("{} {at}, but no calendar says when it was due", by(stamped)))
        }
        (None, _) => (Timeliness::Unproven, "no time stamp proves when it was signed".to_owned()),
    }
}

/// Days that owe a filing and have none, from the first day filed to `through` or the last day
/// filed; told as a failure only where `through` asks.
pub(super) fn judge_calendar(judges: &Judges, through: Option<FilingDate>, report: &mut Report) {
    let days = || report.filings.iter().map(|filing: &VerifiedFiling| filing.id.date());
    let (first, last) = (days().min(), through.or_else(|| days().max()));
    let (Some(first), Some(last)) = (first, last) else {
        if let Some(day) = through {
            let detail = format!("there is no filing, and there must be some until {day}");
            report.push("calendar", layout::FILINGS, Verdict::Failed, detail);
        }
        return;
    };
    let filed: std::collections::BTreeSet<FilingDate> = days().collect();
    let is_open = |day: &FilingDate| judges.calendar_of(*day).is_none_or(|calendar| calendar.is_open(*day));
    let all = std::iter::successors(Some(first), FilingDate::next).take_while(|day| *day <= last);
    let (mut owed, mut missing) = (0_u64, Vec::new());
    for day in all.filter(is_open) {
        owed += 1;
        if !filed.contains(&day) {
            missing.push(day);
        }
    }
    if missing.is_empty() {
        let detail = format!("each of the {owed} days that owe a filing, {first} to {last}, has one");
        return report.push("calendar", layout::FILINGS, Verdict::Passed, detail);
    }
    let detail = format!("{} of {owed} days without a filing: {}", missing.len(), ranges(&missing));
    match through {
        Some(_) => report.push("calendar", layout::FILINGS, Verdict::Failed, detail),
        None => report.notes.push(format!("calendar: {detail}")),
    }
    report.missing_days = missing;
}

/// `2026-11-21, 2026-11-24 to 2026-11-27`: days that follow each other are told as one.
fn ranges(days: &[FilingDate]) -> String {
    let mut ranges: Vec<(FilingDate, FilingDate)> = Vec::new();
    for &day in days {
        match ranges.last_mut() {
            Some((_, last)) if last.next() == Some(day) => *last = day,
            _ => ranges.push((day, day)),
        }
    }
    let words = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    });
    words.collect::<Vec<_>>().join(", ")
}
