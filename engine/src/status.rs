//! How far a night has come, for those who ask: what arrived, what is awaited, how much time is left.

use std::fs::{self, File, TryLockError};

use cuadre_audit::Series;
use cuadre_rules::Config;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::error::{EngineError, exit};
use crate::manifest::{Filed, deadline, filing_date};
use crate::pace::Pace;
use crate::reconcile::gaps::counted;
use crate::store::Working;
use crate::telling::named;
use crate::watch::keeper::LOCK;
use crate::work::{Awaited, Awaiting, NIGHT, NightOutcome, NightState, Work};

/// Gaps, or reasons, that fit on a screen.
const MOST_WORDS: usize = 20;

/// What is known of a night.
pub struct Status {
    /// How far it has come. Of a night that has not begun: nothing is awaited yet, and the outcome is the day's
    /// latest filing.
    pub state: NightState,
    /// Whether a run of it has begun.
    pub begun: bool,
    /// Whether that run is gone without an outcome.
    pub interrupted: bool,
}

/// The night that is asked about where nobody says which: the newest one there is, but no older than yesterday's.
pub fn latest(work: &Work, config: &Config, now: Timestamp) -> Date {
    let yesterday = now.to_zoned(config.zone()).date().saturating_sub(1.day());
    newest(work).map_or(yesterday, |newest| newest.max(yesterday))
}

/// The newest night that is kept.
fn newest(work: &Work) -> Option<Date> {
    let nights = fs::read_dir(work.root()).ok()?.flatten();
    let dates = nights.filter_map(|night| night.file_name().to_str()?.parse().ok());
    dates.filter(|date| work.night(*date).join(NIGHT).is_file()).max()
}

impl Status {
    /// Looks at the night of `date`; `None` where no run of it has begun.
    pub fn of_run(work: &Work, date: Date) -> Option<Self> {
        let read = || Work::read::<NightState>(&work.night(date).join(NIGHT));
        let state = read()?;
        if state.outcome.is_some() || is_held(work, date) {
            return Some(Self { state, begun: true, interrupted: false });
        }
        // It may have ended just now: its outcome is written before it lets go.
        let state = read()?;
        let interrupted = state.outcome.is_none();
        Some(Self { state, begun: true, interrupted })
    }

    /// A night that has not begun, and what is filed of its day.
    pub fn of_series(
        series: &Working,
        work: &Work,
        config: &Config,
        date: Date,
        now: Timestamp,
    ) -> Result<Self, EngineError> {
        let outcome = filed(series, date).map_err(|error| series.told(error))?;
        let other = newest(work).filter(|_| outcome.is_none());
        let warnings = other.map(|other| format!("the newest night there is that of {other}: --date {other}"));
        let state = NightState {
            institution: config.institution.clone(),
            series: config.series.clone(),
            business_date: date,
            pid: 0,
            started_at: now,
            updated_at: now,
            deadline: deadline(config, date)?,
            last_safe_start: Pace::of(work).last_safe_start(config, date)?,
            stage: String::new(),
            awaited: Vec::new(),
            warnings: warnings.into_iter().collect(),
            outcome,
        };
        Ok(Self { state, begun: false, interrupted: false })
    }

    /// It as JSON: the state, `secondsLeft` until the deadline (negative once it is past), and `interrupted`. Of a
    /// night that has not begun, the run's own facts are null.
    pub fn json(&self, now: Timestamp) -> Result<Value, EngineError> {
        let mut value = serde_json::to_value(&self.state).map_err(EngineError::bug)?;
        if !self.begun {
            for fact in ["pid", "startedAt", "updatedAt", "stage"] {
                value[fact] = Value::Null;
            }
        }
        value["secondsLeft"] = self.state.deadline.duration_since(now).as_secs().into();
        value["interrupted"] = self.interrupted.into();
        Ok(value)
    }

    /// It in words, in local times: what it comes to, and how much time is left.
    pub fn head(&self, zone: &TimeZone, now: Timestamp) -> Vec<String> {
        let NightState { institution, series, business_date, deadline, last_safe_start, .. } = &self.state;
        let local = Local { zone, date: *business_date };
        let mut lines = vec![format!("{institution}, {series}: night of {business_date}, {}", self.came_to(&local))];
        let left = |then: &Timestamp| match self.state.outcome {
            Some(_) => String::new(),
            None => format!(", {}", left(*then, now)),
        };
        let name = zone.iana_name().unwrap_or("UTC");
        lines.push(format!("  deadline    {} {name}{}", local.time(*deadline), left(deadline)));
        lines.push(format!("  last start  {}{}", local.time(*last_safe_start), left(last_safe_start)));
        lines
    }

    /// What is awaited and what to know of it, a line each.
    pub fn body(&self, zone: &TimeZone, now: Timestamp) -> Vec<String> {
        let local = Local { zone, date: self.state.business_date };
        let width =
            self.state.awaited.iter().map(|awaited| named(&awaited.source).chars().count()).max().unwrap_or_default();
        let line =
            |awaited: &Awaited| format!("  {:<width$}  {}", named(&awaited.source), became(awaited, &local, now));
        let mut lines: Vec<String> = self.state.awaited.iter().map(line).collect();
        lines.extend(self.state.warnings.iter().map(|warning| format!("  warning: {warning}")));
        let words = self.state.outcome.as_ref().map(|outcome| outcome.words.as_slice()).unwrap_or_default();
        lines.extend(words.iter().take(MOST_WORDS).map(|words| format!("  - {words}")));
        if words.len() > MOST_WORDS {
            lines.push(format!("  and {} more", words.len() - MOST_WORDS));
        }
        lines
    }

    fn came_to(&self, local: &Local<'_>) -> String {
        let NightState { stage, started_at, updated_at, outcome, .. } = &self.state;
        let doing = match stage.as_str() {
            "wait" => "waiting",
            "receive" => "receiving",
            "reconcile" => "reconciling",
            "report" => "reporting",
            "file" => "filing",
            stage => stage,
        };
        match outcome {
            Some(NightOutcome { filing: Some(filing), status, .. }) => {
                format!("filed {filing} {}", status.as_deref().unwrap_or_default().to_uppercase()).trim_end().to_owned()
            }
            Some(NightOutcome { exit_code: exit::NOT_FILED, .. }) => "NOT FILED, the policy forbids it".to_owned(),
            Some(NightOutcome { exit_code, .. }) => format!("NOT FILED, the run ended with exit code {exit_code}"),
            None if !self.begun => "not begun, and nothing is filed".to_owned(),
            None if self.interrupted => {
                format!("INTERRUPTED while {doing}, after {}: run it again", local.time(*updated_at))
            }
            None => format!("{doing}; begun at {}", local.time(*started_at)),
        }
    }
}

/// Whether a run holds the night.
fn is_held(work: &Work, date: Date) -> bool {
    let Ok(lock) = File::open(work.night(date).join(LOCK)) else { return false };
    // Shared, so that two who look at once do not take each other for a run.
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// What is filed of a day.
fn filed(working: &Working, date: Date) -> Result<Option<NightOutcome>, EngineError> {
    let series = Series::at(working.folder());
    if series.is_new()? {
        return Ok(None);
    }
    let latest = series.latest(filing_date(date)?)?;
    working.bring_manifests(&latest.iter().map(|filed| filed.id).collect::<Vec<_>>())?;
    let Some(filed) = Filed::latest(&series, date)? else { return Ok(None) };
    let day = &filed.statement().predicate.predicate;
    let words = day.exceptions.iter().map(|gap| format!("{}: {}", gap.id, gap.explanation)).collect();
    Ok(Some(NightOutcome {
        exit_code: exit::of_filing(day.status),
        filing: Some(filed.id.to_string()),
        status: Some(day.status.name().to_owned()),
        words,
    }))
}

/// The clock on the wall in the night of a business date.
struct Local<'a> {
    zone: &'a TimeZone,
    date: Date,
}

impl Local<'_> {
    /// A time, with its date where that is not the morning of the report.
    fn time(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        let format = if zoned.date() == self.date.saturating_add(1.day()) { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        zoned.strftime(format).to_string()
    }
}

/// What has become of something that is awaited.
fn became(awaited: &Awaited, local: &Local<'_>, now: Timestamp) -> String {
    let state = match (awaited.state, awaited.received_at) {
        (Awaiting::Received, Some(at)) => format!("received at {}", local.time(at)),
        (Awaiting::Received, None) => "received".to_owned(),
        (Awaiting::Arriving, _) => "arriving".to_owned(),
        (Awaiting::Awaited, _) => "awaited".to_owned(),
        (Awaiting::Missed, _) => "MISSED".to_owned(),
    };
    let mut facts = Vec::new();
    if !awaited.files.is_empty() {
        let bytes = awaited.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
        facts.extend([counted(awaited.files.len() as u64, "file"), counted(bytes, "byte")]);
    }
    facts.extend(awaited.records.map(|records| counted(records, "record")));
    if awaited.state != Awaiting::Received {
        let overdue = |expected| if expected < now && awaited.state != Awaiting::Missed { " (OVERDUE)" } else { "" };
        facts.extend(awaited.expected.map(|at| format!("expected {}{}", local.time(at), overdue(at))));
        facts.push(format!("cut-off {}", local.time(awaited.cut_off)));
    }
    format!("{state:<17}  {}", facts.join(", ")).trim_end().to_owned()
}

/// The time until then in words.
fn left(then: Timestamp, now: Timestamp) -> String {
    let seconds = then.duration_since(now).as_secs();
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let time = match (hours, minutes) {
        (0, 0) => format!("{} s", seconds.abs()),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    };
    format!("{time} {}", if seconds < 0 { "past" } else { "left" })
}
