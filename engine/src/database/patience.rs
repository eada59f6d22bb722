//! Trying again what may be gone a little later.

use std::time::Duration;

use super::Fault;
use crate::clock::{Backoff, Clock};
use crate::progress::Progress;
use crate::stop;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Tries until it succeeds, the fault is a lasting one, or the budget is used up: after half a
/// second, then after twice as long each time, each pause cut at random to between its half and its
/// whole, so that those who lost one server do not come back to it at one moment.
pub fn patiently<T>(
    budget: Duration,
    clock: &Clock,
    progress: &Progress,
    mut attempt: impl FnMut() -> Result<T, Fault>,
) -> Result<T, Fault> {
    let start = clock.now();
    let mut pauses = Backoff::new(FIRST, LONGEST);
    loop {
        let fault = match attempt() {
            Err(fault) if fault.passing => fault,
            done => return done,
        };
        let cut = pauses.next(clock);
        let passed = Duration::try_from(clock.now().duration_since(start)).unwrap_or_default();
        if passed + cut > budget || stop::is_asked() {
            return Err(fault);
        }
        progress.note(&format!("  {fault}; trying again in {} s", cut.as_millis().div_ceil(1000)));
        clock.pause(cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_faults_are_tried_again_within_the_budget() {
        let progress = Progress::silent();
        let times = |fault: Fault, budget, until: u32| {
            let mut tries = 0;
            let done = patiently(Duration::from_millis(budget), &Clock::system(), &progress, || {
                tries += 1;
                if tries < until { Err(fault.clone()) } else { Ok(()) }
            });
            (tries, done.is_ok())
        };
        assert_eq!(times(Fault::passing("away"), 2_000, 2), (2, true));
        assert_eq!(times(Fault::passing("away"), 0, 2), (1, false));
        assert_eq!(times(Fault::lasting("wrong"), 2_000, 2), (1, false));
    }
}
