//! Whom a night tells what happens in it, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Secret, Severity, http};

/// The language of messages to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Spanish of Mexico.
    #[serde(rename = "es-MX")]
    Spanish,
}

/// A route by which a night tells what happens in it: a webhook or a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// What the route is called: small letters, digits and `-`.
    pub name: String,
    /// The webhook, `https://HOST/PATH`; on this very machine `http://`, too. This file is archived with every
    /// filing: a URL that is a secret itself is better asked by a `command`.
    #[serde(default)]
    pub url: Option<String>,
    /// The program, with its arguments, that reads the event on its standard input; run in the folder of this file.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// What the webhook is signed with, as Standard Webhooks say: `whsec_` and base64, or any other text.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The least severity that is told.
    #[serde(default = "minor")]
    pub at_least: Severity,
    /// The only types that are told; all where absent.
    #[serde(default)]
    pub events: Vec<EventType>,
    /// Seconds during which, once the run is over, what has not been taken is tried again. While the run lasts,
    /// it always is.
    #[serde(default = "minute")]
    pub retry_seconds: u32,
    /// Seconds within which the webhook must have answered, or the command have ended.
    #[serde(default = "ten")]
    pub answer_seconds: u32,
}

impl Notify {
    /// Whether an event of this type and severity goes this way.
    pub fn takes(&self, event: EventType, severity: Severity) -> bool {
        severity >= self.at_least && (self.events.is_empty() || self.events.contains(&event))
    }

    /// The host of the webhook, if the URL is one of HTTP.
    pub fn host(&self) -> Option<&str> {
        http::host(self.url.as_deref()?)
    }
}

fn minor() -> Severity {
    Severity::Minor
}

fn minute() -> u32 {
    60
}

fn ten() -> u32 {
    10
}

macro_rules! event_types {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// What people can be told of, by the type that its event has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum EventType {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)*
        }

        impl EventType {
            /// The type as an event has it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    /// A source, or the warehouse, has not come when it usually does.
    SourceOverdue = "cuadre.source.overdue",
    /// A source, or the warehouse, has not come by its cut-off.
    SourceMissed = "cuadre.source.missed",
    /// A source differs much from what it usually is.
    SourceUnusual = "cuadre.source.unusual",
    /// Something that the night needs is away, and is tried again.
    ServiceAway = "cuadre.service.away",
    /// The night goes on without something that is away.
    ServiceWithout = "cuadre.service.without",
    /// The deadline is near, and the day is not filed.
    DeadlineNear = "cuadre.deadline.near",
    /// The day is filed.
    NightFiled = "cuadre.night.filed",
    /// The policy does not let the day be filed.
    NightNotFiled = "cuadre.night.not-filed",
    /// A run ended without a filing for another reason.
    NightFailed = "cuadre.night.failed",
    /// A time stamping authority did not stamp a filing.
    FilingUnstamped = "cuadre.filing.unstamped",
    /// `cuadre check --connect` asks whether the route works.
    Check = "cuadre.check",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_name() {
        let schema = schemars::schema_for!(EventType).to_value();
        let names = schema["oneOf"].as_array().unwrap().iter().map(|event| event["const"].as_str().unwrap());
        for name in names {
            let event: EventType = serde_json::from_value(name.into()).unwrap();
            assert_eq!(event.name(), name);
        }
    }
}
