//! The configuration: one TOML file a compliance analyst can read.
//!
//! [`Config::parse`] reads and validates it; every error points at its line. Rules may lie in files of their own
//! ([`Config::with_rule_files`]), so that whoever owns them need not own the rest.

pub mod check;
pub mod database;
pub mod early_warning;
pub mod error;
pub mod http;
pub mod message;
pub mod notify;
pub mod pages;
mod plain;
pub mod policy;
pub mod report;
pub mod retention;
pub mod rule;
pub mod secret;
pub mod signing;
pub mod source;
pub mod telemetry;
pub mod texts;
pub mod time_stamp;
pub mod waiting;
pub mod warehouse;

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::movement::Field;

pub use database::Databases;
pub use early_warning::EarlyWarning;
pub use error::ConfigError;
pub use message::Message;
pub use notify::{EventType, Language, Notify};
pub use pages::Pages;
pub use policy::{Policy, Severity};
pub use report::Report;
pub use retention::Retention;
pub use rule::{Check, Dataset, OnFailure, Rule};
pub use secret::Secret;
pub use signing::Signing;
pub use source::{Column, Format, Source};
pub use telemetry::Telemetry;
pub use texts::{RuleFile, Text};
pub use time_stamp::{TimeStamp, TimeStamps};
pub use waiting::{Arrival, Waiting};
pub use warehouse::Warehouse;

/// A night of one institution: its sources, its warehouse, what must hold, and the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The institution that owes the report.
    pub institution: String,
    /// The series of filings, such as `daily-movements`.
    pub series: String,
    /// IANA time zone of the business day and the deadline.
    #[serde(default = "mexico_city")]
    pub time_zone: String,
    /// Language of messages to people and of the words in filings: `en` or `es-MX`.
    #[serde(default)]
    pub language: Language,
    /// Local time of the deadline, `HH:MM`, on the day after the business date.
    pub deadline: String,
    /// Days that owe no filing: `saturday`, `sunday`, ..., or dates such as `2026-12-25`. Every day
    /// owes one where absent. A series keeps the calendar it was founded with until
    /// `cuadre keys update`.
    #[serde(default)]
    pub closed: Vec<String>,
    /// ISO 4217 currency of amounts whose source names none.
    pub currency: String,
    /// Every currency that movements may have; `currency` alone where absent.
    #[serde(default)]
    pub currencies: Vec<String>,
    /// Folder of landing files and of a file warehouse, relative to this file; or `s3://bucket/prefix`.
    #[serde(default = "here")]
    pub data: String,
    /// Folder of the series of filings, relative to this file; or `s3://bucket/prefix`.
    #[serde(default = "filings")]
    pub filings: String,
    /// Folder of what a night keeps while it is under way, relative to this file. Beside the series where absent:
    /// its name with `.night` put to it. A series in a bucket has none unless it is named here.
    pub work: Option<String>,
    /// The key that signs filings.
    pub signing: Signing,
    /// What a partial delivery may lack.
    #[serde(default)]
    pub policy: Policy,
    /// Bounds on what an input may demand of the machine.
    #[serde(default)]
    pub limits: Limits,
    /// How `cuadre run --wait` waits.
    #[serde(default)]
    pub waiting: Waiting,
    /// How long databases are waited for.
    #[serde(default)]
    pub databases: Databases,
    /// How long time stamping authorities are waited for.
    #[serde(default)]
    pub time_stamps: TimeStamps,
    /// The authorities that are asked to stamp each filing's signature with the time.
    #[serde(default, rename = "time_stamp")]
    pub authorities: Vec<TimeStamp>,
    /// Whom a night tells what happens in it, and how.
    #[serde(default)]
    pub notify: Vec<Notify>,
    /// How long is kept what no filing names.
    #[serde(default)]
    pub retention: Retention,
    /// When people are told that a source differs from what it usually is.
    #[serde(default)]
    pub early_warning: EarlyWarning,
    /// What a night tells other machines.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// The pages for people in each filing.
    #[serde(default)]
    pub pages: Pages,
    /// How movements are compared with the warehouse.
    #[serde(default)]
    pub end_to_end: EndToEnd,
    /// The warehouse's copy of the movements.
    pub warehouse: Warehouse,
    /// The layout of `report.csv` and `report.parquet`.
    pub report: Report,
    /// The sources, in the order of the report.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Files of rules, `[[rule]]` and `[[dataset]]`, that belong to this one: paths or patterns such as
    /// `rules/*.toml`, relative to this file.
    #[serde(default)]
    pub rule_files: Vec<String>,
    /// Reference data that rules look things up in.
    #[serde(default, rename = "dataset")]
    pub datasets: Vec<Dataset>,
    /// Business rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// How movements are compared with the warehouse, per source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndToEnd {
    /// Fields that identify a movement within its source. Empty: no key, surplus and deficit
    /// per distinct row.
    #[serde(default)]
    pub key: Vec<Field>,
    /// Fields whose values must agree; with a key, besides the key.
    #[serde(default)]
    pub compare: Vec<Field>,
}

/// Bounds on what an input may demand of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest record, in bytes.
    pub record_bytes: u64,
    /// Largest file once decompressed, in bytes.
    pub decompressed_bytes: u64,
    /// Largest ratio of decompressed to compressed bytes (checked past 64 MiB).
    pub expansion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes: 1 << 20, decompressed_bytes: 64 << 30, expansion: 200 }
    }
}

impl Config {
    /// Reads and validates the text of a configuration without rule files; `name` is how errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        Self::with_rule_files(&Text::new(name, text), &[])
    }

    /// Reads and validates a configuration whose main file names these rule files.
    pub fn with_rule_files(main: &Text, files: &[Text]) -> Result<Self, ConfigError> {
        texts::assemble(main, files)
    }

    /// The patterns of the rule files that the main file of a configuration names.
    pub fn rule_files_of(main: &Text) -> Result<Vec<String>, ConfigError> {
        let config: Self = main.parsed()?;
        check::rule_files(&config.rule_files).map_err(|problem| problem.locate(&main.name, &main.text))?;
        Ok(config.rule_files)
    }

    /// The same with the rules of one file alone, and its datasets besides the configured ones.
    pub fn with_rules_of(&self, file: &Text) -> Result<Self, ConfigError> {
        texts::with_rules_of(self, file)
    }

    /// The rules that hold for a business date, with their 0-based positions among all rules.
    pub fn rules_in_force(&self, date: Date) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| rule.is_in_force(date))
    }

    /// The currency of sources that name none.
    pub fn default_currency(&self) -> Option<Currency> {
        self.currency.parse().ok()
    }

    /// Every currency that movements may have.
    pub fn currencies(&self) -> Vec<Currency> {
        let listed = self.currencies.iter().chain([&self.currency]);
        let mut currencies: Vec<Currency> = listed.filter_map(|code| code.parse().ok()).collect();
        currencies.sort();
        currencies.dedup();
        currencies
    }

    /// Decimal places in which the day's amounts are staged: the most of any currency.
    pub fn scale(&self) -> u32 {
        self.currencies().iter().map(Currency::scale).max().unwrap_or(2)
    }

    /// The zone of the business day; UTC where the name is unknown, which validation refuses.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Local time of the deadline.
    pub fn deadline(&self) -> Option<Time> {
        time_of_day(&self.deadline)
    }

    /// Local time from which a day is filed without a database that is away: the policy's, or half
    /// an hour before the deadline. Either lies on the day after the business date.
    pub fn file_without_from(&self) -> Option<Time> {
        let stated = self.policy.file_without_from.as_deref().and_then(time_of_day);
        stated.or_else(|| Some(self.deadline()?.saturating_sub(30.minutes())))
    }

    /// How one source is compared: its own setting, or the institution's.
    pub fn end_to_end_of<'a>(&'a self, source: &'a Source) -> &'a EndToEnd {
        source.end_to_end.as_ref().unwrap_or(&self.end_to_end)
    }

    /// The key, and the fields whose values must agree: those configured, or all that both sides
    /// map.
    pub fn compared_fields(&self, source: &Source) -> (Vec<Field>, Vec<Field>) {
        let setting = self.end_to_end_of(source);
        if !setting.compare.is_empty() {
            return (setting.key.clone(), setting.compare.clone());
        }
        let both = |field: &Field| source.extract.maps(*field) && self.warehouse.maps(*field);
        let free = |field: &Field| *field != Field::Source && !setting.key.contains(field);
        (setting.key.clone(), Field::ALL.into_iter().filter(|field| both(field) && free(field)).collect())
    }

    /// The JSON Schema of the configuration, for editors.
    pub fn json_schema() -> String {
        json_schema::<Self>()
    }
}

/// The JSON Schema of something that people write, for editors.
pub fn json_schema<T: JsonSchema>() -> String {
    let schema = schemars::schema_for!(T);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// Reads a local time, `HH:MM`.
pub fn time_of_day(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

fn mexico_city() -> String {
    "America/Mexico_City".to_owned()
}

fn here() -> String {
    ".".to_owned()
}

fn filings() -> String {
    "filings".to_owned()
}

pub(crate) fn yes() -> bool {
    true
}
