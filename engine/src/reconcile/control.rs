//! What was read of a source against its control record.

use cuadre_rules::config::source::ControlFrom;
use cuadre_rules::control::{self, ControlTotals, ControlVerdict};
use cuadre_rules::exception::Kind;
use cuadre_rules::money::Overflow;

use super::gaps::Gaps;
use super::source::Scope;
use crate::error::EngineError;
use crate::inputs::Role;
use crate::load;

/// The totals that the source states, and the verdict on `actual`. `trailers` are those of its
/// files, by name.
pub fn judge(
    scope: Scope<'_>,
    trailers: &[(&str, ControlTotals)],
    actual: &ControlTotals,
    gaps: &mut Gaps,
) -> Result<(ControlTotals, ControlVerdict), EngineError> {
    if scope.source.control.is_none() {
        return Ok((ControlTotals::default(), ControlVerdict::Absent));
    }
    let expected = stated(scope, trailers, gaps)?;
    state(scope, &expected, actual, gaps)?;
    let verdict = control::judge(&expected, actual);
    Ok((expected, verdict))
}

/// What the source says it sent: its trailers or its control files, added up.
fn stated(scope: Scope<'_>, trailers: &[(&str, ControlTotals)], gaps: &mut Gaps) -> Result<ControlTotals, EngineError> {
    let Some(control) = &scope.source.control else { return Ok(ControlTotals::default()) };
    let mut parts = Vec::new();
    if control.from == ControlFrom::Trailer {
        for (name, trailer) in trailers {
            if trailer == &ControlTotals::default() {
                gaps.state(
                    Kind::ControlAbsent,
                    scope.about,
                    &format!("{name} has no trailer record: it may be cut off"),
                );
            }
            parts.push(trailer.clone());
        }
    }
    for input in scope.inputs.of(Role::Control, &scope.source.id) {
        let path = scope.bytes.path_of(input)?;
        match load::control::read(scope.config, scope.source, control, &path) {
            Ok(Some(stated)) => {
                if let Some(date) = stated.business_date.filter(|&date| date != scope.inputs.business_date) {
                    let words = format!("{} is of {date}, not of {}", input.file.name, scope.inputs.business_date);
                    gaps.state(Kind::WrongBusinessDate, scope.about, &words);
                }
                parts.push(stated.totals);
            }
            Ok(None) => {}
            Err(reason) => gaps.state(Kind::ControlAbsent, scope.about, &format!("{}: {reason}", input.file.name)),
        }
    }
    if let Some(problem) = scope.inputs.problem(Role::Control, &scope.source.id) {
        gaps.state(Kind::ControlAbsent, scope.about, problem);
    }
    sum(parts)
}

/// Adds control records up; a total that one of them lacks is not stated at all.
fn sum(parts: Vec<ControlTotals>) -> Result<ControlTotals, EngineError> {
    let mut parts = parts.into_iter();
    let Some(mut whole) = parts.next() else { return Ok(ControlTotals::default()) };
    for part in parts {
        whole.records = whole.records.zip(part.records).map(|(a, b)| a + b);
        whole.hash_total = match (whole.hash_total, part.hash_total) {
            (Some(a), Some(b)) => Some(a.checked_add(b).ok_or(Overflow)?),
            _ => None,
        };
        whole.amount = match (whole.amount, part.amount) {
            (Some(mut a), Some(b)) => {
                a.merge(&b)?;
                Some(a)
            }
            _ => None,
        };
    }
    Ok(whole)
}

fn state(
    scope: Scope<'_>,
    expected: &ControlTotals,
    actual: &ControlTotals,
    gaps: &mut Gaps,
) -> Result<(), EngineError> {
    match control::judge(expected, actual) {
        ControlVerdict::Matched => {}
        ControlVerdict::Absent if gaps.has(Kind::ControlAbsent, scope.about) || scope.declared_empty() => {}
        ControlVerdict::Absent => {
            let what =
                scope.source.control.as_ref().and_then(|control| control.file.as_deref()).unwrap_or("a trailer record");
            gaps.state(
                Kind::ControlAbsent,
                scope.about,
                &format!("nothing proves that it is whole: {what} was not found"),
            );
        }
        ControlVerdict::Mismatched => {
            gaps.state(Kind::ControlMismatch, scope.about, &control::explain(expected, actual));
            if let (Some(expected), Some(actual)) = (&expected.amount, &actual.amount) {
                gaps.set_amount(Kind::ControlMismatch, scope.about, actual.minus(expected)?);
            }
            let count = expected.records.zip(actual.records).map(|(a, b)| a.abs_diff(b)).filter(|&n| n > 0);
            if let Some(count) = count {
                gaps.count(Kind::ControlMismatch, scope.about, count);
            }
        }
    }
    Ok(())
}
