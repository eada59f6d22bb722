//! Rules judged over movements that fit in memory: an analyst's cases, and tests.

use arrow_array::RecordBatch;

use super::{Evaluator, Given, Out, Violation, evaluator, select};
use crate::config::Rule;
use crate::money::Overflow;
use crate::movement::Columns;
use crate::said::Said;

/// Violations and explanation.
pub type Outcome = Result<(Vec<Violation>, Said), Overflow>;

/// What an evaluator states, in memory.
#[derive(Default)]
struct Stated {
    violations: Vec<Violation>,
    kept: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Out for Stated {
    fn violation(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    fn keep(&mut self, key: &[u8], payload: &[u8]) {
        self.kept.push((key.to_vec(), payload.to_vec()));
    }
}

/// Judges a rule as a night does, over the movements in two batches; in between it gives up what it holds. `Err` says
/// why it cannot be evaluated.
pub fn judge(rule: &Rule, given: Given<'_>, movements: &RecordBatch) -> Result<Outcome, Said> {
    let evaluator = evaluator(rule, given)?;
    let mut stated = Stated::default();
    let finished = finish(rule, evaluator, movements, &mut stated);
    Ok(finished.map(|explanation| (stated.violations, explanation)))
}

fn finish(
    rule: &Rule,
    mut evaluator: Box<dyn Evaluator>,
    movements: &RecordBatch,
    out: &mut Stated,
) -> Result<Said, Overflow> {
    let half = movements.num_rows() / 2;
    for batch in [movements.slice(0, half), movements.slice(half, movements.num_rows() - half)] {
        let columns = Columns::of(&batch);
        evaluator.observe(&columns, &select(&rule.only, &columns), out)?;
        evaluator.release(out);
    }
    let mut kept = std::mem::take(&mut out.kept);
    kept.sort();
    for (key, payload) in kept {
        evaluator.sorted(&key, &payload, out)?;
    }
    evaluator.finish(out)
}
