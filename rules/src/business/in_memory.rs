//! Rules judged over movements that fit in memory: an analyst's cases, and tests.

use arrow_array::RecordBatch;

use super::{Carry, Evaluator, Given, Matched, Out, Violation, evaluator, select};
use crate::config::Rule;
use crate::money::Overflow;
use crate::movement::Columns;
use crate::said::Said;

/// What an evaluator states, in memory.
#[derive(Default)]
pub struct Stated {
    /// Its violations.
    pub violations: Vec<Violation>,
    /// What it leaves to the next day.
    pub carried: Vec<Carry>,
    /// What it has matched.
    pub matched: Vec<Matched>,
    gathered: Vec<(Vec<u8>, Vec<u8>)>,
    kept: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Out for Stated {
    fn violation(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    fn gather(&mut self, key: &[u8], payload: &[u8]) {
        self.gathered.push((key.to_vec(), payload.to_vec()));
    }

    fn keep(&mut self, key: &[u8], payload: &[u8]) {
        self.kept.push((key.to_vec(), payload.to_vec()));
    }

    fn carry(&mut self, carry: Carry) {
        self.carried.push(carry);
    }

    fn matched(&mut self, matched: Matched) {
        self.matched.push(matched);
    }
}

/// How a rule went, or that a total overflows; and what it has stated.
pub type Judged = (Result<Said, Overflow>, Stated);

/// Judges a rule as a night does, over the movements in two batches. It takes over what is `carried`, and looks at rows of the warehouse where it asks for them. `Err` says why it cannot be evaluated.
pub fn judge(
    rule: &Rule,
    given: Given<'_>,
    carried: &[Carry],
    movements: &RecordBatch,
    warehouse: Option<&RecordBatch>,
) -> Result<Judged, Said> {
    let mut evaluator = evaluator(rule, given)?;
    let mut stated = Stated::default();
    for carry in carried {
        evaluator.take_over(carry, &mut stated)?;
    }
    let finished = finish(rule, evaluator, movements, warehouse, &mut stated);
    Ok((finished, stated))
}

fn finish(
    rule: &Rule,
    mut evaluator: Box<dyn Evaluator>,
    movements: &RecordBatch,
    warehouse: Option<&RecordBatch>,
    out: &mut Stated,
) -> Result<Said, Overflow> {
    let half = movements.num_rows() / 2;
    for batch in [movements.slice(0, half), movements.slice(half, movements.num_rows() - half)] {
        let columns = Columns::of(&batch);
        evaluator.observe(&columns, &select(&rule.only, &columns), out)?;
    }
    if let Some(rows) = warehouse.filter(|_| evaluator.wants_warehouse()) {
        let columns = Columns::of(rows);
        evaluator.observe_warehouse(&columns, &select(&rule.only, &columns), out)?;
    }
    evaluator.observed_all(out);
    let mut gathered = std::mem::take(&mut out.gathered);
    // Any order of keys will do; that of what is kept would hide what depends on it.
    gathered.sort_by(|(left, _), (right, _)| right.cmp(left));
    for (key, payload) in gathered {
        evaluator.gathered(&key, &payload, out)?;
    }
    evaluator.gathered_all(out);
    let mut kept = std::mem::take(&mut out.kept);
    kept.sort();
    for (key, payload) in kept {
        evaluator.sorted(&key, &payload, out)?;
    }
    evaluator.finish(out)
}
