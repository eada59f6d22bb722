//! One event: the run, its job, and facets of them.

use cuadre_rules::Config;
use cuadre_rules::config::OnFailure;
use cuadre_rules::day::{Day, RuleVerdict};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};

use crate::run_id::RunId;
use crate::telemetry::note;

/// Who says so.
const PRODUCER: &str = concat!("urn:cuadre:version:", env!("CARGO_PKG_VERSION"));
const EVENT_SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
/// The environment variable with the run that began this one, as `namespace/job/run id`.
const PARENT: &str = "OPENLINEAGE_PARENT_ID";

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It begins.
    Start,
    /// It has done what it was to do.
    Complete,
    /// It has not.
    Fail,
    /// It was broken off.
    Abort,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Complete => "COMPLETE",
            Self::Fail => "FAIL",
            Self::Abort => "ABORT",
        }
    }
}

/// The job that the run is one of: the series' night.
pub struct Job {
    /// The configuration.
    pub config: Config,
    /// Of the job and its datasets.
    pub namespace: String,
    run_id: RunId,
    parent: Option<Value>,
}

impl Job {
    /// The job of `config`.
    pub fn new(config: &Config, run_id: RunId) -> Self {
        let namespace = config.telemetry.lineage_namespace.clone();
        let namespace = namespace.unwrap_or_else(|| format!("urn:cuadre:{}", plain(&config.institution)));
        let parent = std::env::var(PARENT).ok().filter(|parent| !parent.is_empty());
        let parent = parent.and_then(|text| {
            let parent = parent_of(&text);
            if parent.is_none() {
                note(&format!("{PARENT} is not namespace/job/run id, and is left out of run events: {text}"));
            }
            parent
        });
        Self { config: config.clone(), namespace, run_id, parent }
    }

    /// The event that the run is `kind` now, with these facets of the run, and its inputs and outputs.
    pub fn event(
        &self,
        kind: Kind,
        at: Timestamp,
        date: Date,
        facets: Vec<(&str, Value)>,
        data: Option<(Value, Value)>,
    ) -> Value {
        let mut run = Map::new();
        run.extend(facets.into_iter().map(|(name, facet)| (name.to_owned(), facet)));
        run.extend(self.parent.clone().map(|parent| ("parent".to_owned(), parent)));
        run.extend(self.nominal_time(date).map(|facet| ("nominalTime".to_owned(), facet)));
        let engine = json!({ "version": env!("CARGO_PKG_VERSION"), "name": "cuadre" });
        run.insert("processing_engine".to_owned(), facet("1-1-1/ProcessingEngineRunFacet", engine));
        let (inputs, outputs) = data.unwrap_or((json!([]), json!([])));
        let job = json!({ "processingType": "BATCH", "integration": "CUADRE", "jobType": "NIGHT" });
        json!({
            "eventType": kind.name(),
            "eventTime": format!("{at:.3}"),
            "producer": PRODUCER,
            "schemaURL": EVENT_SCHEMA,
            "run": { "runId": self.run_id.to_string(), "facets": run },
            "job": {
                "namespace": self.namespace,
                "name": self.config.series,
                "facets": { "jobType": facet("2-0-4/JobTypeJobFacet", job) },
            },
            "inputs": inputs,
            "outputs": outputs,
        })
    }

    /// What became of each rule: the facet `test`, which is of the run, since rules are of the whole day.
    pub fn tests(&self, day: &Day) -> (&'static str, Value) {
        let rules = day.business.iter().map(|rule| {
            let mut in_force = self.config.rules_in_force(day.business_date).map(|(_, configured)| configured);
            let configured = in_force.find(|configured| configured.id == rule.rule);
            let mut test = json!({
                "name": rule.rule,
                // What could not be judged has not passed.
                "status": if rule.verdict == RuleVerdict::Passed { "pass" } else { "fail" },
                "severity": if rule.on_failure == OnFailure::Block { "error" } else { "warn" },
                "description": rule.explanation,
                "expected": "0 violations",
                "actual": match rule.verdict {
                    RuleVerdict::NotEvaluated => "not evaluated".to_owned(),
                    _ => format!("{} violations", rule.violations),
                },
            });
            if let Some(configured) = configured {
                test["type"] = json!(configured.check.kind());
            }
            test
        });
        ("test", facet("1-0-1/TestRunFacet", json!({ "tests": rules.collect::<Vec<_>>() })))
    }

    /// Why the day is not filed.
    pub fn error(&self, why: &str) -> (&'static str, Value) {
        let words = json!({ "message": why, "programmingLanguage": "Rust" });
        ("errorMessage", facet("1-0-1/ErrorMessageRunFacet", words))
    }

    /// The business date, from midnight to midnight.
    fn nominal_time(&self, date: Date) -> Option<Value> {
        let zone = self.config.zone();
        let midnight = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp().to_string());
        let next = date.checked_add(1.day()).ok()?;
        let times = json!({ "nominalStartTime": midnight(date)?, "nominalEndTime": midnight(next)? });
        Some(facet("1-0-1/NominalTimeRunFacet", times))
    }
}

/// A facet by the version and name of its schema.
pub fn facet(schema: &str, mut content: Value) -> Value {
    let name = schema.rsplit('/').next().unwrap_or_default();
    content["_producer"] = json!(PRODUCER);
    content["_schemaURL"] = json!(format!("https://openlineage.io/spec/facets/{schema}.json#/$defs/{name}"));
    content
}

/// The facet of the run that began this one.
fn parent_of(text: &str) -> Option<Value> {
    let (job, run) = text.rsplit_once('/')?;
    let (namespace, name) = job.rsplit_once('/')?;
    let is_uuid = |text: &str| {
        let groups: Vec<&str> = text.split('-').collect();
        groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
            && groups.concat().chars().all(|c| c.is_ascii_hexdigit())
    };
    let parent = json!({ "run": { "runId": run }, "job": { "namespace": namespace, "name": name } });
    (is_uuid(run) && !namespace.is_empty() && !name.is_empty()).then(|| facet("1-2-0/ParentRunFacet", parent))
}

/// A name in letters that every catalogue takes.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_a_run_of_a_job_in_a_namespace() {
        let parent = parent_of("airflow://prod/x/nightly.cuadre/0198f0a1-7b2c-7def-8123-456789abcdef").unwrap();
        assert_eq!(parent["job"], json!({ "namespace": "airflow://prod/x", "name": "nightly.cuadre" }));
        assert_eq!(parent["run"]["runId"], "0198f0a1-7b2c-7def-8123-456789abcdef");
        for text in
            ["", "a/b", "a/b/c", "b/0198f0a1-7b2c-7def-8123-456789abcdef", "//0198f0a1-7b2c-7def-8123-456789abcdef"]
        {
            assert_eq!(parent_of(text), None, "{text}");
        }
        assert_eq!(plain("Caja, S.A. de C.V."), "caja-s-a-de-c-v");
    }
}
