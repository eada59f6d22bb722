//! What was read of a source against its control record.

use cuadre_rules::config::source::ControlFrom;
use cuadre_rules::control::{self, ControlTotals, ControlVerdict};
use cuadre_rules::exception::Kind;
use cuadre_rules::money::Overflow;
use cuadre_rules::said;
use cuadre_rules::said::Said;

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
                let words = said!(
                    "{name} has no trailer record: it may be cut off",
                    "{name} no tiene registro de cierre: puede estar cortado"
                );
                gaps.state(Kind::ControlAbsent, scope.about, words);
            }
            parts.push(trailer.clone());
        }
    }
    for input in scope.inputs.of(Role::Control, &scope.source.id) {
        let (path, name) = (scope.bytes.path_of(input)?, &input.file.name);
        match load::control::read(scope.config, scope.source, control, &path) {
            Ok(Some(stated)) => {
                if let Some(date) = stated.business_date.filter(|&date| date != scope.inputs.business_date) {
                    let due = scope.inputs.business_date;
                    let words = said!("{name} is of {date}, not of {due}", "{name} es del {date}, no del {due}");
                    gaps.state(Kind::WrongBusinessDate, scope.about, words);
                }
                parts.push(stated.totals);
            }
            Ok(None) => {}
            Err(reason) => {
                let words = said!("{name}: {reason}", "{name}: {reason}"; reason);
                gaps.state(Kind::ControlAbsent, scope.about, words);
            }
        }
    }
    if let Some(problem) = scope.inputs.problem(Role::Control, &scope.source.id) {
        gaps.state(Kind::ControlAbsent, scope.about, Said::same(problem));
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
            let file = scope.source.control.as_ref().and_then(|control| control.file.as_deref());
            let what = file.map_or_else(|| said!("a trailer record", "un registro de cierre"), Said::same);
            let words = said!(
                "nothing proves that it is whole: {what} was not found",
                "nada prueba que la fuente esté completa: no se encontró {what}"; what
            );
            gaps.state(Kind::ControlAbsent, scope.about, words);
        }
        ControlVerdict::Mismatched => {
            gaps.state(Kind::ControlMismatch, scope.about, control::explain(expected, actual));
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
