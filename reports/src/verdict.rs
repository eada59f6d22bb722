//! What a filing comes to: in one sentence, and in money.

use std::collections::BTreeSet;

use cuadre_rules::config::Language;
use jiff::Timestamp;
use serde::Serialize;

use crate::predicate::{AmountText, EndToEndFacts, Predicate, SourceFacts, Status};
use crate::visible::grouped;
use crate::words::{say, word};
use crate::{ReportError, sums};

/// What all sources come to in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// The currency.
    pub currency: String,
    /// The accepted records of all sources.
    pub received: String,
    /// Those of the sources whose every movement is in the warehouse, and no other.
    pub ties_out: String,
    /// Those of all other sources.
    pub does_not: String,
    /// What the warehouse has.
    pub warehouse: String,
    /// What the warehouse has less what was received.
    pub difference: String,
}

/// The verdict in one sentence.
pub fn sentence(day: &Predicate, language: Language) -> String {
    let say = |english: &str, spanish: &str| say(language, english, spanish).to_owned();
    let status = word(day.status.name(), language).to_uppercase();
    let mut head = say("The filing is ", "El reporte está ") + &status;
    if let (Some(issued), Some(deadline)) = (instant(&day.issued_at), instant(&day.deadline))
        && issued > deadline
        && day.filing.number == 1
    {
        head += &say(", after the deadline", ", después de la hora límite");
    }
    head += &match (day.exceptions.len() as u64, day.status) {
        (0, _) => String::new(),
        (count, Status::Complete) => say(" with ", " con ") + &noted(count, language),
        (count, Status::Partial) => say(", with ", ", con ") + &excepted(count, language),
    };
    if let Some(declared) = day.no_movements.iter().flatten().next() {
        let words = say("it is declared a day without movements", "se declara un día sin movimientos");
        return format!("{head}; {words}: {}.", declared.reason.trim_end_matches('.'));
    }
    let parts = [Some(received(day, language)), Some(tying_out(day, language)), holding(day, language)];
    format!("{head}: {}.", parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// What was received, what ties out, what does not, and by how much, in each currency.
///
/// # Errors
/// [`ReportError::Amount`], [`ReportError::Overflow`].
pub fn money(day: &Predicate) -> Result<Vec<Money>, ReportError> {
    let ties = |source: &&SourceFacts| {
        day.end_to_end.iter().any(|facts| facts.source == source.id && not_tying_out(facts) == 0)
    };
    let received = sums::sum(day.sources.iter().map(|source| &source.amount))?;
    let ties_out = sums::sum(day.sources.iter().filter(ties).map(|source| &source.amount))?;
    let does_not = sums::sum(day.sources.iter().filter(|source| !ties(source)).map(|source| &source.amount))?;
    let warehouse = sums::sum(day.end_to_end.iter().map(|facts| &facts.warehouse_amount))?;
    let difference = sums::minus(&warehouse, &received)?;
    let currencies: BTreeSet<&String> = received.keys().chain(warehouse.keys()).collect();
    let zeros = sums::minus(&difference, &difference)?;
    let of = |amount: &AmountText, currency: &String| {
        amount.get(currency).or(zeros.get(currency)).cloned().unwrap_or_default()
    };
    let money = |currency: &String| Money {
        currency: currency.clone(),
        received: of(&received, currency),
        ties_out: of(&ties_out, currency),
        does_not: of(&does_not, currency),
        warehouse: of(&warehouse, currency),
        difference: of(&difference, currency),
    };
    Ok(currencies.into_iter().map(money).collect())
}

/// How many movements of a source and its rows of the warehouse do not tie out.
pub fn not_tying_out(facts: &EndToEndFacts) -> u64 {
    let EndToEndFacts { missing_in_warehouse, missing_in_source, changed, duplicates, .. } = facts;
    [missing_in_warehouse, missing_in_source, changed, duplicates].into_iter().fold(0, |sum, n| sum.saturating_add(*n))
}

fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// A count with its word.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(&count.to_string()), if count == 1 { one } else { many })
}

fn excepted(count: u64, language: Language) -> String {
    match language {
        Language::English => counted(count, "exception", "exceptions"),
        Language::Spanish => counted(count, "excepción", "excepciones"),
    }
}

fn noted(count: u64, language: Language) -> String {
    match language {
        Language::English => counted(count, "note", "notes"),
        Language::Spanish => counted(count, "aviso", "avisos"),
    }
}

fn received(day: &Predicate, language: Language) -> String {
    let all = day.sources.len();
    let came = day.sources.iter().filter(|source| matches!(source.state.as_str(), "received" | "late")).count();
    match language {
        Language::English => format!("{came} of {} received", counted(all as u64, "source", "sources")),
        Language::Spanish if came == 1 => format!("se recibió 1 de {}", counted(all as u64, "fuente", "fuentes")),
        Language::Spanish => format!("se recibieron {came} de {}", counted(all as u64, "fuente", "fuentes")),
    }
}

fn tying_out(day: &Predicate, language: Language) -> String {
    if day.end_to_end.is_empty() {
        return say(language, "the warehouse could not be compared", "no se pudo comparar con el almacén de datos")
            .to_owned();
    }
    let breaks = day.end_to_end.iter().map(not_tying_out).fold(0, u64::saturating_add);
    match (breaks, language) {
        (0, Language::English) => "every movement ties out with the warehouse".to_owned(),
        (0, Language::Spanish) => "todos los movimientos cuadran con el almacén de datos".to_owned(),
        (1, Language::English) => "1 movement does not tie out with the warehouse".to_owned(),
        (1, Language::Spanish) => "1 movimiento no cuadra con el almacén de datos".to_owned(),
        (n, Language::English) => format!("{} movements do not tie out with the warehouse", grouped(&n.to_string())),
        (n, Language::Spanish) => format!("{} movimientos no cuadran con el almacén de datos", grouped(&n.to_string())),
    }
}

fn holding(day: &Predicate, language: Language) -> Option<String> {
    let all = day.business.len() as u64;
    let hold = day.business.iter().filter(|rule| rule.verdict == "passed").count();
    let words = match language {
        Language::English => {
            format!("{hold} of {} {}", counted(all, "rule", "rules"), if hold == 1 { "holds" } else { "hold" })
        }
        Language::Spanish => {
            format!(
                "{} {hold} de {}",
                if hold == 1 { "se cumple" } else { "se cumplen" },
                counted(all, "regla", "reglas")
            )
        }
    };
    (all > 0).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::golden;

    #[test]
    fn in_one_sentence() {
        let mut day = golden(3, "2026-11-20.1");
        assert_eq!(
            sentence(&day, Language::English),
            "The filing is PARTIAL, with 17 exceptions: 4 of 5 sources received; 8 movements do not tie out with the \
             warehouse; 1 of 4 rules holds."
        );
        assert_eq!(
            sentence(&day, Language::Spanish),
            "El reporte está PARCIAL, con 17 excepciones: se recibieron 4 de 5 fuentes; 8 movimientos no cuadran con el \
             almacén de datos; se cumple 1 de 4 reglas."
        );
        day.exceptions.clear();
        day.status = Status::Complete;
        day.end_to_end.clear();
        day.business.clear();
        day.issued_at = "2026-11-21T13:00:00Z".to_owned();
        assert_eq!(
            sentence(&day, Language::English),
            "The filing is COMPLETE, after the deadline: 4 of 5 sources received; the warehouse could not be compared."
        );
        let sunday = golden(3, "2026-11-22.1");
        assert_eq!(
            sentence(&sunday, Language::Spanish),
            "El reporte está COMPLETO; se declara un día sin movimientos: domingo."
        );
    }

    #[test]
    fn in_money() {
        let money = money(&golden(3, "2026-11-20.1")).unwrap();
        let rows: Vec<[&str; 6]> = money
            .iter()
            .map(|m| {
                [&m.currency, &m.received, &m.ties_out, &m.does_not, &m.warehouse, &m.difference].map(String::as_str)
            })
            .collect();
        let mxn = [
            "MXN",
            "-1000000000004916.65",
            "-1100.25",
            "-1000000000003816.40",
            "-1999999999999895.67",
            "-999999999994979.02",
        ];
        assert_eq!(
            rows,
            [["JPY", "5000", "0", "5000", "0", "-5000"], mxn, ["USD", "99.95", "0.00", "99.95", "99.96", "0.01"]]
        );
    }
}
