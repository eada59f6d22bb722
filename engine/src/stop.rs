//! Being asked to stop. A night ends between two stages, so that nothing is left halfway; whoever asks twice is
//! obeyed at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{EngineError, exit};

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on SIGTERM and SIGINT ask to stop, and the second of them stops at once.
pub fn listen() -> Result<(), EngineError> {
    for signal in [SIGTERM, SIGINT] {
        let second = flag::register_conditional_shutdown(signal, exit::PASSING_FAULT.into(), Arc::clone(&ASKED));
        second.and_then(|_| flag::register(signal, Arc::clone(&ASKED))).map_err(EngineError::bug)?;
    }
    Ok(())
}

/// Whether somebody has asked.
pub fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Goes on to the next stage, unless somebody has asked to stop.
///
/// # Errors
/// [`EngineError::Away`]: the same command goes on from here.
pub fn unless_asked(next: &str) -> Result<(), EngineError> {
    match is_asked() {
        false => Ok(()),
        true => Err(EngineError::Away(format!(
            "asked to stop by a signal, before the stage `{next}`: nothing was filed; run again, and it goes on from here"
        ))),
    }
}
