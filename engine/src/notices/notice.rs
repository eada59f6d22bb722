//! What is told: an event as CloudEvents 1.0 has it, in structured mode.

use cuadre_audit::Sha256Digest;
use cuadre_rules::config::{EventType, Severity};
use cuadre_rules::exception::Exception;
use jiff::civil::Date;
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::words::{Scene, check_message, message, unstamped_message};
use crate::night::Filing;
use crate::telling::{Event, What};

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    specversion: String,
    /// The same for the same thing, whichever run tells it: who has it already need not look at it again.
    pub id: String,
    /// Of which series: `urn:cuadre:INSTITUTION:SERIES`.
    pub source: String,
    /// What has happened.
    #[serde(rename = "type")]
    pub event: EventType,
    /// To what: a source, a service, a filing, or the day.
    pub subject: String,
    /// When.
    pub time: Timestamp,
    datacontenttype: String,
    /// The facts.
    pub data: Data,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Data {
    /// How much it matters.
    pub severity: Severity,
    /// In words, in the configured language.
    pub message: String,
    /// The institution.
    pub institution: String,
    /// The series.
    pub series: String,
    /// In the night of which day; none of a test.
    pub business_date: Option<Date>,
    /// What else is known, by event.
    pub facts: Value,
}

/// What happened, before it is put into words.
struct Fact<'a> {
    event: EventType,
    severity: Severity,
    subject: &'a str,
    /// What else makes it another event than one of the same type and subject.
    apart: String,
    message: String,
    facts: Value,
}

impl Notice {
    /// What people are told of something that happened in a night.
    pub fn of(event: &Event<'_>, scene: &Scene<'_>) -> Vec<Self> {
        let severity = match event.what {
            What::Filed(filing) if scene.is_late(filing, event) => Some(Severity::Critical),
            what => what.severity(),
        };
        let Some(severity) = severity else { return Vec::new() };
        let Some((kind, subject, apart, facts)) = fact(event, scene) else { return Vec::new() };
        let message = message(event, scene);
        let fact = Fact { event: kind, severity, subject: &subject, apart, message, facts };
        let mut notices = vec![Self::new(fact, event.at, scene)];
        if let What::Filed(filing) = event.what {
            notices.extend(unstamped(filing, event.at, scene));
        }
        notices
    }

    /// What a route is asked with whether it works.
    pub fn check(route: &str, now: Timestamp, scene: &Scene<'_>) -> Self {
        let (event, severity, message) = (EventType::Check, Severity::Note, check_message(scene));
        let fact = Fact { event, severity, subject: route, apart: now.to_string(), message, facts: json!({}) };
        Self::new(fact, now, scene)
    }

    fn new(fact: Fact<'_>, at: Timestamp, scene: &Scene<'_>) -> Self {
        let Fact { event, severity, subject, apart, message, facts } = fact;
        let (institution, series, date) = (scene.institution, scene.series, scene.date);
        let identity = json!([institution, series, date, event.name(), subject, apart]);
        Self {
            specversion: "1.0".to_owned(),
            id: Sha256Digest::of(identity.to_string().as_bytes()).to_string(),
            source: format!("urn:cuadre:{}:{}", encoded(institution), encoded(series)),
            event,
            subject: subject.to_owned(),
            time: at.round(Unit::Millisecond).unwrap_or(at),
            datacontenttype: "application/json".to_owned(),
            data: Data {
                severity,
                message,
                institution: institution.to_owned(),
                series: series.to_owned(),
                business_date: date,
                facts,
            },
        }
    }
}

/// The type of an event, its subject, what sets it apart, and its facts.
fn fact(event: &Event<'_>, scene: &Scene<'_>) -> Option<(EventType, String, String, Value)> {
    let night = || event.business_date.to_string();
    let of = |source: &str| if source.is_empty() { "warehouse" } else { source }.to_owned();
    let known = |source: &str| Some(source.to_owned()).filter(|source| !source.is_empty());
    let none = String::new;
    Some(match event.what {
        What::Begun { .. } | What::Stage(_) | What::Received { .. } | What::Loaded { .. } => return None,
        // Told with the filing that lacks it.
        What::Unstamped { .. } => return None,
        What::Overdue { source, expected } => {
            let facts = json!({ "source": known(source), "expected": expected });
            (EventType::SourceOverdue, of(source), none(), facts)
        }
        What::Missed { source, cut_off } => {
            let facts = json!({ "source": known(source), "cutOff": cut_off });
            (EventType::SourceMissed, of(source), none(), facts)
        }
        What::Unusual { source, words } => {
            let facts = json!({ "source": source, "explanation": words.en });
            (EventType::SourceUnusual, of(source), words.en.clone(), facts)
        }
        What::Away { service, why, .. } => {
            (EventType::ServiceAway, (*service).to_owned(), none(), json!({ "service": service, "reason": why }))
        }
        What::Without { service, why } => {
            (EventType::ServiceWithout, (*service).to_owned(), none(), json!({ "service": service, "reason": why }))
        }
        What::DeadlineNear { deadline, awaited } => {
            let facts = json!({ "deadline": deadline, "awaited": awaited.iter().map(|id| of(id)).collect::<Vec<_>>() });
            (EventType::DeadlineNear, night(), none(), facts)
        }
        What::Filed(filing) => (EventType::NightFiled, filing.id.to_string(), none(), filed(filing, scene)),
        What::NotFiled(night) => {
            let facts = json!({
                "reasons": night.reasons,
                "exceptions": exceptions(&night.day.exceptions),
                "evidence": night.evidence,
                "deadline": scene.deadline,
            });
            (EventType::NightNotFiled, event.business_date.to_string(), night.reasons.join("\n"), facts)
        }
        What::Failed { exit_code, why } => {
            let facts = json!({ "exitCode": exit_code, "reason": why, "deadline": scene.deadline });
            (EventType::NightFailed, night(), exit_code.to_string(), facts)
        }
    })
}

fn filed(filing: &Filing, scene: &Scene<'_>) -> Value {
    json!({
        "filing": filing.id.to_string(),
        "new": filing.is_new,
        "status": filing.status,
        "manifestSha256": filing.manifest_sha256,
        "movements": filing.day.movements(),
        "amount": filing.day.amount().to_text(),
        "exceptions": exceptions(&filing.day.exceptions),
        "deadline": scene.deadline,
    })
}

fn exceptions(exceptions: &[Exception]) -> Vec<Value> {
    exceptions.iter().map(|gap| json!({ "id": gap.id, "severity": gap.severity })).collect()
}

/// The time stamps that a filing lacks. The severity is that of one.
fn unstamped(filing: &Filing, at: Timestamp, scene: &Scene<'_>) -> Vec<Notice> {
    let id = filing.id.to_string();
    let lacking = filing.stamps.iter().filter_map(|stamping| {
        let (authority, why) = (stamping.authority.as_str(), stamping.answer.as_ref().err()?);
        let fact = Fact {
            event: EventType::FilingUnstamped,
            severity: What::Unstamped { authority, why }.severity()?,
            subject: &id,
            apart: authority.to_owned(),
            message: unstamped_message(&id, authority, why, scene),
            facts: json!({ "filing": id, "authority": authority, "reason": why }),
        };
        Some(Notice::new(fact, at, scene))
    });
    lacking.collect()
}

/// A text as one part of a URN: what is not plain is percent-encoded UTF-8.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
