//! Keeping the state of a night, for those who ask how far it is and for a run that goes on with it.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use cuadre_audit::Hold;
use jiff::civil::Date;

use crate::error::{EngineError, exit};
use crate::telling::{Event, Listener, Stage, What};
use crate::work::{Awaited, NIGHT, NightOutcome, NightState, Work};

/// How often a night that is locked is tried.
const TRIES: u32 = 5;

/// The name of the file that a run holds locked, in the folder of its night.
pub const LOCK: &str = "LOCK";

/// Keeps everyone else from running the night of `date`, for as long as what it gives lives.
///
/// # Errors
/// [`EngineError::Away`] when another process runs it.
pub fn lock(work: &Work, date: Date) -> Result<Hold, EngineError> {
    let folder = work.night(date);
    let path = folder.join(LOCK);
    let failed = |e| EngineError::io("locking the night", &path, e);
    fs::create_dir_all(&folder).map_err(failed)?;
    // Whoever asks how far a night is holds it for an instant.
    for _ in 0..TRIES {
        if let Some(hold) = Hold::of(&path).map_err(failed)? {
            return Ok(hold);
        }
        thread::sleep(Duration::from_millis(50));
    }
    let state: Option<NightState> = Work::read(&folder.join(NIGHT));
    let who = state.map_or(String::new(), |state| format!(" (process {}, stage {})", state.pid, state.stage));
    Err(EngineError::Away(format!(
        "{}: another run is at work on the night of {date}{who}; nothing was done: let it end, or stop it with SIGTERM",
        path.display()
    )))
}

/// Keeps the state of one night up to date. That it cannot be kept is said once, and holds up nothing.
pub struct Keeper {
    /// Where; nowhere without a folder to work in.
    path: Option<PathBuf>,
    state: Mutex<NightState>,
    failed: Mutex<bool>,
    resumed: bool,
}

impl Keeper {
    /// Goes on with what an earlier run of the same night knew, or begins with `state`.
    pub fn begin(work: Option<&Work>, mut state: NightState) -> Self {
        let path = work.map(|work| work.night(state.business_date).join(NIGHT));
        let earlier: Option<NightState> = path.as_deref().and_then(Work::read);
        // A run that was stopped has an outcome, too: that the same command goes on from there.
        let goes_on = |outcome: &NightOutcome| outcome.exit_code == exit::PASSING_FAULT;
        let resumed = earlier.as_ref().is_some_and(|earlier| earlier.outcome.as_ref().is_none_or(goes_on));
        if let Some(earlier) = earlier {
            if resumed {
                state.started_at = earlier.started_at;
            }
            for now in &mut state.awaited {
                if let Some(then) = earlier.awaited.iter().find(|then| then.source == now.source) {
                    *now = Awaited { expected: now.expected, cut_off: now.cut_off, ..then.clone() };
                }
            }
        }
        let keeper = Self { path, state: Mutex::new(state), failed: Mutex::default(), resumed };
        keeper.change(|_| ());
        keeper
    }

    /// Whether it goes on with a run that was interrupted.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The state as it is.
    pub fn state(&self) -> NightState {
        self.lock().clone()
    }

    /// Changes the state, and writes it down.
    pub fn change(&self, change: impl FnOnce(&mut NightState)) {
        let mut state = self.lock();
        change(&mut state);
        let Some(path) = &self.path else { return };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = Work::write(path, &*state)
            && !std::mem::replace(&mut *failed, true)
        {
            eprintln!("note: {error}; `cuadre status` will not see how far the night is");
        }
    }

    fn lock(&self) -> MutexGuard<'_, NightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Keeper {
    fn hear(&self, event: &Event<'_>) {
        self.change(|state| {
            state.updated_at = event.at;
            match event.what {
                What::Begun { .. } => state.stage = Stage::Receive.name().to_owned(),
                What::Stage(stage) => state.stage = stage.name().to_owned(),
                What::Loaded { source, records, .. } => {
                    let loaded = state.awaited.iter_mut().find(|awaited| awaited.source == *source);
                    if let Some(awaited) = loaded {
                        awaited.records = Some(*records);
                    }
                }
                What::Unusual { source, words } => {
                    let warning = format!("{source}: {}", words.en);
                    if !state.warnings.contains(&warning) {
                        state.warnings.push(warning);
                    }
                }
                _ => {}
            }
            if let Some(exit_code) = event.what.exit_code() {
                state.outcome = Some(outcome(exit_code, event.what));
                state.stage = "ended".to_owned();
            }
        });
    }
}

/// What a night came to by its end.
fn outcome(exit_code: u8, end: &What<'_>) -> NightOutcome {
    let (filing, words) = match end {
        What::Filed(filing) => (Some(filing), filing.day.exceptions.iter().map(|gap| gap.id.clone()).collect()),
        What::NotFiled(night) => (None, night.reasons.clone()),
        What::Failed { why, .. } => (None, vec![(*why).to_owned()]),
        _ => (None, Vec::new()),
    };
    NightOutcome {
        exit_code,
        filing: filing.map(|filing| filing.id.to_string()),
        status: filing.map(|filing| filing.status.name().to_owned()),
        words,
    }
}
