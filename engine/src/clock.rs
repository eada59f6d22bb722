//! The night's clock: the system's, one set to another time, or that of a rehearsal, whose pauses take no
//! time.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::error::EngineError;
use crate::stop;

/// What the time is, and how it passes.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    /// The system's.
    System,
    /// One that showed this instant then, and goes on from there.
    Set(Timestamp, Instant),
    /// One that stands still but for pauses.
    Rehearsal(Arc<Mutex<Rehearsal>>),
}

/// A simulated night: what happens in it, in order of time.
struct Rehearsal {
    now: Timestamp,
    /// What is still to come, the last first.
    to_come: Vec<(Timestamp, String)>,
    folder: PathBuf,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that shows `now` now.
    pub fn set(now: Timestamp) -> Self {
        Self(Kind::Set(now, Instant::now()))
    }

    /// The clock of a rehearsal that begins at `now`. Each line of `script` is a local time on the day after
    /// `date`, `HH:MM` or `HH:MM:SS`, and a command that `sh` runs in `folder` when a pause reaches it; those of
    /// before `now` are taken to have happened. Empty lines and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// [`EngineError::Usage`] with the line that cannot be read.
    pub fn rehearsal(
        now: Timestamp,
        script: &str,
        name: &str,
        date: Date,
        zone: &TimeZone,
        folder: &Path,
    ) -> Result<Self, EngineError> {
        let day = date.checked_add(1.day()).map_err(|e| EngineError::Usage(e.to_string()))?;
        let mut to_come = Vec::new();
        for (number, line) in (1..).zip(script.lines()).filter(|(_, line)| !is_silent(line)) {
            let wrong = |why: &dyn Display| {
                let form = "give a local time and a command: 03:10 cp extracts/core.csv landing/";
                EngineError::Usage(format!("{name}, line {number}: {why}; {form}"))
            };
            let (time, command) = line.trim().split_once(char::is_whitespace).ok_or_else(|| wrong(&"no command"))?;
            let time = Time::strptime("%H:%M:%S", time).or_else(|_| Time::strptime("%H:%M", time));
            let time = time.map_err(|_| wrong(&"no time"))?;
            let at = day.to_datetime(time).to_zoned(zone.clone()).map_err(|e| wrong(&e))?.timestamp();
            if at > now {
                to_come.push((at, command.trim().to_owned()));
            }
        }
        to_come.sort_by_key(|(at, _)| *at);
        to_come.reverse();
        let rehearsal = Rehearsal { now, to_come, folder: folder.to_owned() };
        Ok(Self(Kind::Rehearsal(Arc::new(Mutex::new(rehearsal)))))
    }

    /// What the time is.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => Timestamp::now(),
            Kind::Set(start, instant) => start.saturating_add(instant.elapsed()).unwrap_or(Timestamp::MAX),
            Kind::Rehearsal(rehearsal) => lock(rehearsal).now,
        }
    }

    /// Waits, or until [somebody asks to stop](stop::is_asked). In a rehearsal what is to happen meanwhile happens at once.
    pub fn pause(&self, pause: Duration) {
        match &self.0 {
            Kind::System | Kind::Set(..) => sleep(pause),
            Kind::Rehearsal(rehearsal) => lock(rehearsal).pass(pause),
        }
    }

    /// A pause cut at random to between its half and its whole, so that those who lost one server do not
    /// come back to it at one moment. A rehearsal is the same each time.
    pub fn jitter(&self, pause: Duration) -> Duration {
        if matches!(self.0, Kind::Rehearsal(_)) {
            return pause;
        }
        let half = pause / 2;
        let random = u64::from(getrandom::u32().unwrap_or_default());
        half + Duration::from_nanos((half.as_nanos() as u64 >> 16) * (random >> 16))
    }

    /// The time from now until then; nothing where it is past.
    pub fn until(&self, then: Timestamp) -> Duration {
        Duration::try_from(then.duration_since(self.now())).unwrap_or_default()
    }
}

/// Pauses between tries: each about twice as long as the one before it, up to the longest.
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Pauses from the first to the longest.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The next pause, with [jitter](Clock::jitter).
    pub fn next(&mut self, clock: &Clock) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        clock.jitter(pause)
    }

    /// Begins again with the first.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

fn sleep(pause: Duration) {
    const SLICE: Duration = Duration::from_millis(100);
    let start = Instant::now();
    while let Some(left) = pause.checked_sub(start.elapsed()).filter(|left| !left.is_zero() && !stop::is_asked()) {
        thread::sleep(left.min(SLICE));
    }
}

fn lock(rehearsal: &Mutex<Rehearsal>) -> MutexGuard<'_, Rehearsal> {
    rehearsal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rehearsal {
    fn pass(&mut self, pause: Duration) {
        let end = self.now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        while let Some((at, command)) = self.to_come.pop_if(|(at, _)| *at <= end) {
            self.now = at;
            let mut shell = Command::new("sh");
            shell.args(["-c", &command]).current_dir(&self.folder).stdin(Stdio::null());
            let ended = shell.env("CUADRE_NOW", at.as_second().to_string()).status();
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => eprintln!("note: rehearsal, {at}: `{command}` ended with {status}"),
                Err(error) => eprintln!("note: rehearsal, {at}: `{command}` could not be run: {error}"),
            }
        }
        self.now = end;
    }
}

fn is_silent(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_does_in_order_what_its_pauses_reach() {
        let folder = tempfile::tempdir().unwrap();
        let zone = TimeZone::get("America/Mexico_City").unwrap();
        let date = "2026-11-20".parse().unwrap();
        let start = "2026-11-21T08:00:00Z".parse().unwrap();
        let script = "# a night\n03:10 echo three >> told\n\n01:00 echo past >> told\n02:30:10 echo two >> told\n";
        let clock = Clock::rehearsal(start, script, "script", date, &zone, folder.path()).unwrap();
        let told = || std::fs::read_to_string(folder.path().join("told")).unwrap_or_default();
        clock.pause(Duration::from_secs(30 * 60));
        assert_eq!(told(), "");
        clock.pause(Duration::from_secs(10));
        assert_eq!(told(), "two\n");
        clock.pause(Duration::from_secs(2 * 3600));
        assert_eq!(told(), "two\nthree\n");
        assert_eq!(clock.now().to_string(), "2026-11-21T10:30:10Z");
        assert_eq!(clock.until("2026-11-21T10:30:40Z".parse().unwrap()), Duration::from_secs(30));
        assert_eq!(clock.until(start), Duration::ZERO);
        let wrong = Clock::rehearsal(start, "\nsoon ls", "script", date, &zone, folder.path());
        assert!(wrong.err().unwrap().to_string().starts_with("script, line 2: no time"));
    }
}
