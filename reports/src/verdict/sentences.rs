//! The sentences at the head of the page.

use jiff::Timestamp;

use super::{Counts, is_compared};
use crate::Predicate;
use crate::locale::Locale;
use crate::words::named;

/// The verdict: what came, what ties out, which rules hold, how many exceptions there are.
pub(crate) fn verdict(manifest: &Predicate, counts: &Counts, locale: &Locale) -> String {
    let status = named("status", manifest.status.name(), locale.language);
    let mut clauses = vec![received(manifest, counts, locale)];
    clauses.extend(tie_out(manifest, counts, locale));
    clauses.extend(rules(counts, locale));
    clauses.extend(exceptions(counts, locale));
    format!("{status}: {}.", clauses.join("; "))
}

fn received(manifest: &Predicate, counts: &Counts, locale: &Locale) -> String {
    let Counts { sources, received, movements, .. } = *counts;
    let number = locale.number(movements);
    if let Some(declared) = manifest.no_movements.iter().flatten().next() {
        let why = &declared.reason;
        let none = locale.pick("and none came", "y no llegó ninguno");
        let came = locale.pick(format!("yet {number} came"), format!("y aun así llegaron {number}"));
        let came = if movements == 0 { none.to_owned() } else { came };
        return locale.pick(
            format!("the day was declared to have no movements ({why}), {came}"),
            format!("el día se declaró sin movimientos ({why}), {came}"),
        );
    }
    let movements = match movements {
        1 => locale.pick("1 movement".to_owned(), "1 movimiento".to_owned()),
        _ => locale.pick(format!("{number} movements"), format!("{number} movimientos")),
    };
    match (sources, received) {
        (1, 1) => locale.pick(
            format!("the one source was received, with {movements}"),
            format!("se recibió la única fuente, con {movements}"),
        ),
        (all, received) if all == received => locale.pick(
            format!("all {all} sources were received, with {movements}"),
            format!("se recibieron las {all} fuentes, con {movements}"),
        ),
        (all, received) => locale.pick(
            format!(
                "{received} of {all} sources {} received, with {movements}",
                if received == 1 { "was" } else { "were" }
            ),
            format!(
                "se {} {received} de {all} fuentes, con {movements}",
                if received == 1 { "recibió" } else { "recibieron" }
            ),
        ),
    }
}

fn tie_out(manifest: &Predicate, counts: &Counts, locale: &Locale) -> Option<String> {
    let Counts { received, tying, differing, .. } = *counts;
    if received == 0 {
        return None;
    }
    if !is_compared(manifest) {
        let words = locale.pick("nothing was compared with the warehouse", "nada se comparó con el almacén");
        return Some(words.to_owned());
    }
    Some(match (received, tying, differing) {
        (1, 1, _) => locale.pick("it ties out", "cuadra").to_owned(),
        (1, ..) => locale.pick("it does not tie out", "no cuadra").to_owned(),
        (all, tying, _) if all == tying => locale.pick("all of them tie out", "todas cuadran").to_owned(),
        (_, 0, _) => locale.pick("none of them ties out", "ninguna cuadra").to_owned(),
        (_, tying, differing) => locale.pick(
            format!(
                "{tying} of them {} and {differing} {} not",
                if tying == 1 { "ties out" } else { "tie out" },
                if differing == 1 { "does" } else { "do" }
            ),
            format!("{tying} {} y {differing} no", if tying == 1 { "cuadra" } else { "cuadran" }),
        ),
    })
}

fn rules(counts: &Counts, locale: &Locale) -> Option<String> {
    let Counts { rules, holding, .. } = *counts;
    Some(match (rules, holding) {
        (0, _) => return None,
        (1, 1) => locale.pick("its one rule holds", "se cumple la única regla").to_owned(),
        (1, _) => locale.pick("its one rule does not hold", "no se cumple la única regla").to_owned(),
        (all, holding) if all == holding => {
            locale.pick(format!("all {all} rules hold"), format!("se cumplen las {all} reglas"))
        }
        (all, holding) => locale.pick(
            format!("{holding} of {all} rules {}", if holding == 1 { "holds" } else { "hold" }),
            format!("se {} {holding} de {all} reglas", if holding == 1 { "cumple" } else { "cumplen" }),
        ),
    })
}

fn exceptions(counts: &Counts, locale: &Locale) -> Option<String> {
    Some(match counts.exceptions {
        0 => return None,
        1 => locale.pick("there is 1 exception", "hay 1 excepción").to_owned(),
        many => {
            let many = locale.number(many as u64);
            locale.pick(format!("there are {many} exceptions"), format!("hay {many} excepciones"))
        }
    })
}

/// How long before or after the deadline the filing was issued.
pub(crate) fn timeliness(issued: Timestamp, deadline: Timestamp, locale: &Locale) -> String {
    let seconds = deadline.as_second() - issued.as_second();
    let span = locale.span(seconds.unsigned_abs());
    match seconds {
        0 => locale.pick("at the deadline", "justo al vencer el plazo").to_owned(),
        1.. => locale.pick(format!("{span} before the deadline"), format!("{span} antes de vencer el plazo")),
        _ => locale.pick(format!("{span} after the deadline"), format!("{span} después de vencido el plazo")),
    }
}

/// That a file has more rows than the page.
pub(crate) fn more(rows: u64, file: &str, locale: &Locale) -> String {
    let number = locale.number(rows);
    match rows {
        1 => locale.pick(format!("1 more row is in {file}."), format!("Hay 1 renglón más en {file}.")),
        _ => {
            locale.pick(format!("{number} more rows are in {file}."), format!("Hay {number} renglones más en {file}."))
        }
    }
}
