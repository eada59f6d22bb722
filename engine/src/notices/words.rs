//! What people are told, in both languages side by side.

use cuadre_reports::Status;
use cuadre_rules::Config;
use cuadre_rules::config::Language;
use cuadre_rules::exception::Exception;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::EngineError;
use crate::manifest::deadline;
use crate::night::{Filing, NotFiled, Superseding};
use crate::telling::{Event, What};

/// What a message must know besides its event.
pub struct Scene<'a> {
    /// The language of messages.
    pub language: Language,
    /// The zone of times of day.
    pub zone: TimeZone,
    /// The institution.
    pub institution: &'a str,
    /// The series.
    pub series: &'a str,
    /// The day, where it is about one.
    pub date: Option<Date>,
    /// When its filing is due.
    pub deadline: Option<Timestamp>,
}

impl<'a> Scene<'a> {
    /// The scene of a day's night, or of none.
    pub fn new(config: &'a Config, date: Option<Date>) -> Result<Self, EngineError> {
        Ok(Self {
            language: config.language,
            zone: config.zone(),
            institution: &config.institution,
            series: &config.series,
            date,
            deadline: date.map(|date| deadline(config, date)).transpose()?,
        })
    }

    /// Whether the day's first filing, which an event is about, missed the deadline.
    pub fn is_late(&self, filing: &Filing, event: &Event<'_>) -> bool {
        filing.is_new && filing.supersedes.is_none() && self.deadline.is_some_and(|deadline| event.at > deadline)
    }
}

/// Characters of the longest message.
const LONGEST: usize = 2000;
/// Reasons, sources or gaps that are named; of more, their number.
const NAMED: usize = 5;

/// What people are told of an event; empty for what is only a step of the way.
pub fn message(event: &Event<'_>, scene: &Scene<'_>) -> String {
    let time = |at: &Timestamp| at.to_zoned(scene.zone.clone()).strftime("%H:%M").to_string();
    let (en, es) = match event.what {
        What::Begun { .. } | What::Stage(_) | What::Received { .. } | What::Loaded { .. } => return String::new(),
        What::Unstamped { .. } => return String::new(),
        What::Overdue { source, expected } => {
            let (at, Named { en, es, .. }) = (time(expected), awaited(source));
            (
                format!("{en} has not arrived; it usually has by {at}."),
                format!("{es} no ha llegado; lo habitual es que llegue antes de {}.", las(&at)),
            )
        }
        What::Missed { source, cut_off } => {
            let (at, Named { en, es, .. }) = (time(cut_off), awaited(source));
            (
                format!("{en} had not arrived by {at} and is waited for no longer. The report will state the gap."),
                format!("{es} no llegó antes de {} y ya no se espera. El reporte hará constar la falta.", las(&at)),
            )
        }
        What::Unusual { source, words } => {
            let (Named { en, es, .. }, words) = (awaited(source), words);
            (format!("{en} is unusual: {}", words.en), format!("{es} trae cifras fuera de lo habitual: {}", words.es))
        }
        What::Away { service, why, pause } => {
            let (seconds, Named { en, es, .. }) = (pause.as_millis().div_ceil(1000), service_of(service));
            (
                format!("{en} is away, and is tried again in {seconds} s: {why}"),
                format!("{es} no responde; se reintenta en {seconds} s: {why}"),
            )
        }
        What::Without { service, why } => {
            let Named { en, es, .. } = service_of(service);
            (
                format!("{en} is away, and the night goes on without it. The report will state the gap: {why}"),
                format!(
                    "{es} no responde y el proceso continúa sin ese servicio. El reporte hará constar la falta: {why}"
                ),
            )
        }
        What::DeadlineNear { deadline, awaited } => {
            let (at, minutes) = (time(deadline), deadline.duration_since(event.at).as_mins().max(0));
            (
                format!("{minutes} min to the deadline of {at}, and the day is not filed. {}", still(awaited).0),
                format!(
                    "faltan {minutes} min para la hora límite ({at}) y el reporte no se ha presentado. {}",
                    still(awaited).1
                ),
            )
        }
        What::Filed(filing) => filed(filing, event, scene, &time),
        What::NotFiled(NotFiled { reasons, evidence, .. }) => {
            let ((en, es), evidence) = (listed(reasons, "; "), evidence.display());
            (
                format!("NOT FILED, the policy forbids it: {en}. Evidence: {evidence}"),
                format!("NO SE PRESENTÓ el reporte, la política lo impide: {es}. Evidencia: {evidence}"),
            )
        }
        What::Failed { exit_code, why } => (
            format!("the run ended without a filing (exit {exit_code}): {why}"),
            format!("el proceso terminó sin presentar el reporte (código de salida {exit_code}): {why}"),
        ),
    };
    in_language(scene, en, es)
}

/// What people are told of a filing without a time stamp.
pub fn unstamped_message(filing: &str, authority: &str, why: &str, scene: &Scene<'_>) -> String {
    in_language(
        scene,
        format!("filing {filing} has no time stamp of {authority}: {why}"),
        format!("el reporte {filing} no tiene sello de tiempo de {authority}: {why}"),
    )
}

/// What people are told when a route is tried.
pub fn check_message(scene: &Scene<'_>) -> String {
    in_language(
        scene,
        "this is a test, nothing has happened. The route works.".to_owned(),
        "mensaje de prueba, no ha ocurrido nada. La ruta de avisos funciona.".to_owned(),
    )
}

fn filed(
    filing: &Filing,
    event: &Event<'_>,
    scene: &Scene<'_>,
    time: &dyn Fn(&Timestamp) -> String,
) -> (String, String) {
    let Filing { id, day, status, is_new, supersedes, .. } = filing;
    let (status_en, status_es) = match status {
        Status::Complete => ("COMPLETE", "COMPLETO"),
        Status::Partial => ("PARTIAL", "PARCIAL"),
    };
    let (movements, amount) = (grouped(&day.movements().to_string()), grouped(&day.amount().to_string()));
    let mut worst: Vec<&Exception> = day.exceptions.iter().collect();
    worst.sort_by_key(|gap| std::cmp::Reverse(gap.severity));
    let ids: Vec<String> = worst.iter().map(|gap| gap.id.clone()).collect();
    let (gaps_en, gaps_es) = match ids.len() {
        0 => ("no gaps".to_owned(), "sin excepciones".to_owned()),
        1 => (format!("1 gap: {}", ids[0]), format!("1 excepción: {}", ids[0])),
        n => (format!("{n} gaps: {}", listed(&ids, ", ").0), format!("{n} excepciones: {}", listed(&ids, ", ").1)),
    };
    let (one, uno) = if day.movements() == 1 { ("movement", "movimiento") } else { ("movements", "movimientos") };
    let what_en = format!("{movements} {one}, {amount}, {gaps_en}.");
    let what_es = format!("{movements} {uno}, {amount}, {gaps_es}.");
    if !is_new {
        return (
            format!("nothing new, the day was filed before as {id}, {status_en}: {what_en}"),
            format!("sin novedad, el reporte ya se había presentado como {id}, {status_es}: {what_es}"),
        );
    }
    if let Some(Superseding { filing, kind, .. }) = supersedes {
        let kind_es = if kind == "supplement" { "complemento" } else { "rectificación" };
        return (
            format!("filed {status_en} as {id}, a {kind} of {filing}: {what_en}"),
            format!("el reporte se presentó {status_es} como {id}, {kind_es} de {filing}: {what_es}"),
        );
    }
    let at = time(&event.at);
    let due = scene.deadline.as_ref().map(time).unwrap_or_default();
    match scene.is_late(filing, event) {
        true => (
            format!("filed {status_en} as {id} at {at}, AFTER the deadline of {due}: {what_en}"),
            format!(
                "el reporte se presentó {status_es} como {id} a {}, DESPUÉS de la hora límite ({due}): {what_es}",
                las(&at)
            ),
        ),
        false => (
            format!("filed {status_en} as {id} at {at}, due at {due}: {what_en}"),
            format!("el reporte se presentó {status_es} como {id} a {}, con hora límite {due}: {what_es}", las(&at)),
        ),
    }
}

/// Something, at the beginning of a sentence.
struct Named {
    en: String,
    es: String,
}

fn awaited(source: &str) -> Named {
    match source {
        "" => service_of("warehouse"),
        _ => Named { en: format!("source {source}"), es: format!("la fuente {source}") },
    }
}

fn service_of(service: &str) -> Named {
    let (en, es) = match service {
        "warehouse" => ("the warehouse", "el almacén de datos"),
        "archive" => ("the archive", "el archivo histórico"),
        _ => (service, service),
    };
    Named { en: en.to_owned(), es: es.to_owned() }
}

/// The sources that are still awaited.
fn still(sources: &[&str]) -> (String, String) {
    let names: (Vec<String>, Vec<String>) =
        sources.iter().map(|source| awaited(source)).map(|Named { en, es }| (en, es)).unzip();
    match sources {
        [] => ("Nothing is awaited any more.".to_owned(), "Ya no se espera ninguna fuente.".to_owned()),
        [_] => (format!("Awaited: {}.", names.0[0]), format!("Falta por llegar {}.", names.1[0])),
        _ => (
            format!("Awaited: {}.", listed(&names.0, ", ").0),
            format!("Faltan por llegar {}.", listed(&names.1, ", ").1),
        ),
    }
}

/// The first few of these, and how many more there are.
fn listed(all: &[String], between: &str) -> (String, String) {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    match all.len().saturating_sub(NAMED) {
        0 => (named.clone(), named),
        more => (format!("{named} and {more} more"), format!("{named} y {more} más")),
    }
}

/// A time of day with its article.
fn las(time: &str) -> String {
    format!("{} {time}", if time.starts_with("01:") { "la" } else { "las" })
}

/// Digits before the decimal point in groups of three, as both languages of Mexico's business write them.
fn grouped(text: &str) -> String {
    let mut grouped = String::new();
    let mut whole = true;
    let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
    for (n, character) in text.char_indices() {
        let (before, left) = (grouped.ends_with(|c: char| c.is_ascii_digit()), digits(&text[n..]));
        if whole && before && left > 0 && left % 3 == 0 {
            grouped.push(',');
        }
        whole = character != '.' && (whole || character == ' ');
        grouped.push(character);
    }
    grouped
}

/// One line, in the language of the scene, with whose night it is before it.
fn in_language(scene: &Scene<'_>, en: String, es: String) -> String {
    let text = match scene.language {
        Language::English => en,
        Language::Spanish => es,
    };
    let date = scene.date.map_or(String::new(), |date| format!(", {date}"));
    let line = format!("{}{date}: {text}", scene.institution);
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_before_the_point_alone() {
        for (text, expected) in [
            ("0.00 MXN", "0.00 MXN"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.8912 MXN, 123456 JPY", "-1,234,567.8912 MXN, 123,456 JPY"),
            ("-123.45 USD", "-123.45 USD"),
        ] {
            assert_eq!(grouped(text), expected);
        }
    }

    #[test]
    fn one_o_clock_is_singular() {
        assert_eq!((las("01:30").as_str(), las("11:00").as_str()), ("la 01:30", "las 11:00"));
    }
}
