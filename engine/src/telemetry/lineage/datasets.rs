//! What a run reads and makes, as datasets. One of them bears the same name every day, and the digest of its bytes
//! as its version.

use cuadre_audit::Sha256Digest;
use cuadre_rules::config::source::Extract;
use cuadre_rules::control::{ControlTotals, ControlVerdict};
use cuadre_rules::day::{Day, EndToEndDay, SourceDay};
use cuadre_rules::money::AMOUNT_DIGITS;
use cuadre_rules::movement::Field;
use serde_json::{Value, json};

use super::event::{Job, facet};
use crate::inputs::{Input, Inputs, Role};
use crate::night::Filing;

/// The sources, the warehouse and reference data, as far as they were received.
pub fn inputs(job: &Job, inputs: &Inputs, day: &Day) -> Value {
    let config = &job.config;
    let mut datasets = Vec::new();
    for (source, judged) in config.sources.iter().zip(&day.sources) {
        let files: Vec<&Input> = inputs.of(Role::Extract, &source.id).collect();
        let mut assertions = vec![received(judged), accepted(judged)];
        assertions.extend(source.control.is_some().then(|| control(judged)));
        assertions.push(end_to_end(day.end_to_end.as_ref().map(|days| days.iter().filter(|d| d.source == source.id))));
        let name = format!("sources/{}", source.id);
        let schema = mapped(&source.extract, day.scale);
        datasets.push(input(job, &name, &files, Some(judged.records), Some(schema), assertions));
    }
    let files = inputs.of(Role::Cells, "").chain(inputs.of(Role::Warehouse, "")).collect::<Vec<_>>();
    let rows = day.end_to_end.as_ref().map(|days| days.iter().map(|day| day.warehouse_records).sum());
    let assertions = vec![end_to_end(day.end_to_end.as_ref().map(|days| days.iter()))];
    let schema = mapped(config.warehouse.extract(), day.scale);
    datasets.push(input(job, "warehouse", &files, rows, Some(schema), assertions));
    for dataset in &config.datasets {
        let files: Vec<&Input> = inputs.of(Role::Dataset, &dataset.id).collect();
        datasets.push(input(job, &format!("datasets/{}", dataset.id), &files, None, None, Vec::new()));
    }
    json!(datasets)
}

/// The files of the filing.
pub fn outputs(job: &Job, filing: &Filing) -> Value {
    let columns = &job.config.report.columns;
    let columns = || columns.iter().map(|column| (column.name(), column.field));
    let datasets = filing.outputs.iter().map(|output| {
        let mut facets = json!({ "version": version(output.file.sha256.to_string()) });
        if output.file.name.starts_with("report.") {
            facets["schema"] = schema(columns(), filing.day.scale);
        }
        let counts = counts([("fileCount", Some(1)), ("size", output.bytes), ("rowCount", output.rows)]);
        json!({
            "namespace": job.namespace,
            "name": format!("{}/{}", job.config.series, output.file.name),
            "facets": facets,
            "outputFacets": { "outputStatistics": facet("1-0-2/OutputStatisticsOutputDatasetFacet", counts) },
        })
    });
    json!(datasets.collect::<Vec<_>>())
}

fn input(
    job: &Job,
    name: &str,
    files: &[&Input],
    rows: Option<u64>,
    schema: Option<Value>,
    assertions: Vec<Value>,
) -> Value {
    let bytes = Some(files.iter().map(|input| input.file.bytes).sum());
    let count = Some(files.len() as u64);
    let mut metrics = counts([("rowCount", rows), ("bytes", bytes), ("fileCount", count)]);
    metrics["columnMetrics"] = json!({});
    let statistics = counts([("rowCount", rows), ("size", bytes), ("fileCount", count)]);
    let mut facets = json!({});
    if let Some(schema) = schema {
        facets["schema"] = schema;
    }
    // One file is known by its own digest, several by that of the list of theirs, as `sha256sum` prints it.
    match files {
        [] => {}
        [one] => facets["version"] = version(one.file.sha256.clone()),
        many => {
            let lines = many.iter().map(|input| format!("{}  {}\n", input.file.sha256, input.file.name));
            facets["version"] = version(Sha256Digest::of(lines.collect::<String>().as_bytes()).to_string());
        }
    }
    let mut input_facets = json!({
        "dataQualityMetrics": facet("1-0-3/DataQualityMetricsInputDatasetFacet", metrics),
        "inputStatistics": facet("1-0-0/InputStatisticsInputDatasetFacet", statistics),
    });
    if !assertions.is_empty() {
        let assertions = json!({ "assertions": assertions });
        input_facets["dataQualityAssertions"] = facet("1-1-0/DataQualityAssertionsDatasetFacet", assertions);
    }
    let name = format!("{}/{name}", job.config.series);
    json!({ "namespace": job.namespace, "name": name, "facets": facets, "inputFacets": input_facets })
}

fn version(sha256: String) -> Value {
    facet("1-0-1/DatasetVersionDatasetFacet", json!({ "datasetVersion": sha256 }))
}

fn counts<const N: usize>(counts: [(&str, Option<u64>); N]) -> Value {
    let known = counts.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?))));
    Value::Object(known.collect())
}

/// The fields that movements get.
fn mapped(extract: &Extract, scale: u32) -> Value {
    let fields = Field::ALL.into_iter().filter(|field| extract.maps(*field));
    schema(fields.map(|field| (field.name(), field)), scale)
}

fn schema<'a>(columns: impl Iterator<Item = (&'a str, Field)>, scale: u32) -> Value {
    let fields = (1..).zip(columns).map(|(position, (name, field))| {
        let kind = match field {
            Field::BookedOn => "DATE".to_owned(),
            Field::BookedAt => "TIMESTAMP".to_owned(),
            Field::Amount => format!("DECIMAL({AMOUNT_DIGITS},{scale})"),
            _ => "VARCHAR".to_owned(),
        };
        json!({ "name": name, "type": kind, "ordinal_position": position })
    });
    facet("1-2-0/SchemaDatasetFacet", json!({ "fields": fields.collect::<Vec<_>>() }))
}

fn assertion(name: &str, success: bool, expected: impl Into<String>, actual: impl Into<String>) -> Value {
    json!({ "assertion": name, "success": success, "expected": expected.into(), "actual": actual.into() })
}

fn received(source: &SourceDay) -> Value {
    assertion("received", source.state.name() == "received", "received", source.state.name())
}

fn accepted(source: &SourceDay) -> Value {
    assertion("no_rejected_records", source.rejected_records == 0, "0", source.rejected_records.to_string())
}

/// What the source says that it sent, against what was read.
fn control(source: &SourceDay) -> Value {
    let matched = source.verdict == ControlVerdict::Matched;
    let (expected, read) = (&source.expected, &source.actual);
    let actual = ControlTotals {
        records: expected.records.and(read.records),
        amount: expected.amount.as_ref().and(read.amount.clone()),
        hash_total: expected.hash_total.and(read.hash_total),
    };
    assertion("control_totals", matched, totals(expected), totals(&actual))
}

fn totals(totals: &ControlTotals) -> String {
    let ControlTotals { records, amount, hash_total } = totals;
    let records = records.map(|records| format!("{records} records"));
    let amount = amount.as_ref().map(ToString::to_string).filter(|amount| !amount.is_empty());
    let hash_total = hash_total.map(|total| format!("hash total {total}"));
    [records, amount, hash_total].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Both sides against each other; what could not be compared does not agree.
fn end_to_end<'a>(days: Option<impl Iterator<Item = &'a EndToEndDay>>) -> Value {
    let differing = |day: &EndToEndDay| day.missing_in_warehouse + day.missing_in_source + day.changed + day.duplicates;
    let differences: Option<u64> = days.map(|days| days.map(differing).sum());
    let actual = differences.map_or_else(|| "not evaluated".to_owned(), |count| count.to_string());
    assertion("end_to_end", differences == Some(0), "0", actual)
}
