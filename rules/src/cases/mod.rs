//! Cases of rules: movements in small tables, and what a rule must say of them. Whoever writes a rule proves it by
//! cases before it runs over a night.
//!
//! Cases are judged by the very evaluators of a night.

mod compare;
mod run;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::error::Step;
use crate::config::rule::{date, date_text};
use crate::config::{ConfigError, Dataset, Language, Rule, RuleFile, Text};

pub use compare::{Line, Listing, Mark};
pub use run::{Ran, Setting};

/// A file of cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The file of rules that the cases are about, relative to this file; where absent, the cases are about the rules of
    /// the configuration.
    #[serde(default)]
    pub rules: Option<String>,
    /// The business date of cases that give none. Rules must be in force on it.
    #[serde(default, deserialize_with = "date_text")]
    pub date: Option<String>,
    /// The language of the reasons that cases expect; the configuration's where absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
    /// Datasets of the rules written here.
    #[serde(default, rename = "dataset")]
    pub datasets: Vec<Dataset>,
    /// Rules written here, for these cases alone.
    #[serde(default, rename = "rule")]
    pub own: Vec<Rule>,
}

/// A case: what a rule must say of some movements. Tables are lines of cells parted by `|`, the names of the columns
/// first; `-` is no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The id of the rule.
    pub rule: String,
    /// The business date; the file's, else the first day that the rule is valid, else 2026-01-01.
    #[serde(default, deserialize_with = "date_text")]
    pub date: Option<String>,
    /// The movements: columns are fields. A field that is left out has the value that the rule's `only` asks for,
    /// where that is one; else a source, the business date, the currency of the configuration and an amount of 1.
    #[serde(default)]
    pub movements: String,
    /// The rows of the warehouse, as movements, for a rule that adds them up.
    #[serde(default)]
    pub warehouse: Option<String>,
    /// The tables of the datasets that the rule looks things up in, by id; the rows of an SQL rule under the rule's id.
    #[serde(default)]
    pub dataset: BTreeMap<String, String>,
    /// For a rule that carries: what the filing of the day before left to it, columns `amount`, `currency` and `since`
    /// (the day before, where absent), and others for the values that tell one from another, such as `account`. Without
    /// it no day before was filed.
    #[serde(default)]
    pub carried: Option<String>,
    /// What must come of it.
    pub expect: Expected,
    /// The violations that must be found, in any order: of `record`, `source`, `column`, `found`, `expected`, `amount`,
    /// `currency` and `reason` those columns that are to be compared. Records are counted from 1.
    #[serde(default)]
    pub violations: Option<String>,
}

/// What can come of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Expected {
    /// There is no violation.
    Passed,
    /// There are violations.
    Failed,
    /// The rule cannot be judged, for want of a dataset, say.
    NotEvaluated,
    /// The rule is not in force on the business date.
    NotInForce,
}

impl Expected {
    /// The word for it in a file of cases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotEvaluated => "notEvaluated",
            Self::NotInForce => "notInForce",
        }
    }
}

impl CaseFile {
    /// Reads a file of cases.
    pub fn parse(text: &Text) -> Result<Self, ConfigError> {
        let mut file: Self = text.parsed()?;
        text.mark(&mut file.own);
        let wrong =
            |path: &[Step], date: &str| text.problem(path, format!("`{date}` is no date"), "write it as 2026-12-31");
        let is_no_date = |text: &&str| date(text).is_none();
        if let Some(date) = file.date.as_deref().filter(is_no_date) {
            return Err(wrong(&["date".into()], date));
        }
        for (n, case) in file.cases.iter().enumerate() {
            if let Some(date) = case.date.as_deref().filter(is_no_date) {
                return Err(wrong(&["case".into(), n.into(), "date".into()], date));
            }
        }
        Ok(file)
    }

    /// The rules and datasets written in it.
    pub fn own(&self) -> RuleFile {
        RuleFile { datasets: self.datasets.clone(), rules: self.own.clone() }
    }
}
