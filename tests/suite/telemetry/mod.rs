//! What a run tells other machines: its log, metrics, and run events of OpenLineage. None of it changes what is
//! filed, and no fault of it stops a filing.

#![allow(clippy::unwrap_used)] // helpers of tests are no less tests

mod exposition;
mod receiver;
mod schema;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cuadre_audit::Sha256Digest;
use cuadre_tests::{DATE, Done, Place, SMALL};
use serde_json::{Value, json};

/// The smallest institution, and what a test puts into its configuration.
fn small(telemetry: &str, warehouse: &str) -> Place {
    let place = Place::new();
    let config = format!("{SMALL}\n[[rule]]\nid = \"amounts\"\ncheck.range = {{ maximum = \"100.00\" }}\n");
    place.write("cuadre.toml", config.replace("[signing]", &format!("[telemetry]\n{telemetry}\n\n[signing]")));
    let source = "id,date,account,amount\n1,2026-11-20,x,10.00\n2,2026-11-20,y,-2.50\n3,2026-11-20,z,much\n";
    place.write(&format!("landing/a/{DATE}.csv"), source);
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{warehouse}"));
    place
}

const WAREHOUSE: &str = "a,1,2026-11-20,x,10.01\na,2,2026-11-20,y,-2.50\n";

fn run(place: &Place, args: &[&str], env: &[(&str, &str)]) -> Done {
    let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    place.cuadre_with([&["run", "--config", "cuadre.toml", "--date", DATE], args].concat(), &env)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn words<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    values.into_iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_log_has_a_line_for_each_thing_that_happens() {
    let place = small("", WAREHOUSE);
    let done = run(&place, &["--log", "log.jsonl"], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let log = lines(&place.read("log.jsonl"));
    assert_eq!(words(log.iter().map(|line| &line["event"])), "begun stage stage loaded stage stage filed");
    for line in &log {
        assert!(line["time"].as_str().unwrap().starts_with("2026-11-21T11:40:"), "{line}");
        assert_eq!(line["business_date"], DATE);
        assert_eq!(line["run_id"], log[0]["run_id"]);
    }
    let id = log[0]["run_id"].as_str().unwrap();
    assert!(id.len() == 36 && &id[14..15] == "8", "{id}");
    assert_eq!(log[0]["deadline"], "2026-11-21T12:00:00Z");
    let stages = log.iter().filter(|line| line["event"] == "stage").map(|line| &line["stage"]);
    assert_eq!(words(stages), "receive reconcile report file");
    let of = |line: &Value, names: &[&str]| names.iter().map(|name| line[name].clone()).collect::<Vec<_>>();
    let loaded = of(&log[3], &["level", "source", "records", "rejected_records", "amount"]);
    assert_eq!(loaded, [json!("info"), json!("a"), json!(3), json!(1), json!("7.50 MXN")]);
    let digest = Sha256Digest::of(place.filed("manifest.json").as_bytes()).to_string();
    let filed = of(log.last().unwrap(), &["level", "severity", "filing", "status", "new", "gaps", "manifest_sha256"]);
    let named = format!("{DATE}.1");
    assert_eq!(filed, json!(["warn", "major", named, "partial", true, 2, digest]).as_array().unwrap()[..]);

    // Another run is told in the same file, under an id of its own; this one needs a reason, and has none.
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,11.00\n");
    assert_eq!(run(&place, &[], &[("CUADRE_LOG", "log.jsonl")]).code, 64);
    let both = lines(&place.read("log.jsonl"));
    let failed = both.last().unwrap();
    assert_eq!(of(failed, &["event", "level", "exit_code"]), [json!("failed"), json!("error"), json!(64)]);
    assert!(failed["why"].as_str().unwrap().contains("a restatement needs a reason"), "{failed}");
    assert_ne!(failed["run_id"], log[0]["run_id"]);

    let done = run(&place, &["--log", "nowhere/log.jsonl"], &[]);
    assert_eq!(done.code, 78, "{}", done.stderr);
    assert!(done.stderr.contains("nowhere/log.jsonl: opening the log (--log)"), "{}", done.stderr);
}

/// What a person is told on stderr meanwhile is in the log, too.
#[test]
fn notes_are_in_the_log() {
    let place = small("", WAREHOUSE);
    let config = place.read("cuadre.toml").replace("[signing]", "[databases]\nretry_seconds = 2\n\n[signing]");
    let database = "postgres://nobody@127.0.0.1:1/none?sslmode=disable";
    let (head, rest) = config.split_once("[warehouse.files]").unwrap();
    let rest = rest.split_once("columns").unwrap().1;
    let warehouse = format!("[warehouse.database]\nurl = \"{database}\"\ntable = \"movements\"\ncolumns");
    place.write("cuadre.toml", format!("{head}{warehouse}{rest}"));
    let done = run(&place, &["--log", "/dev/stderr"], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let logged = done.stderr.lines().filter(|line| line.starts_with('{')).collect::<Vec<_>>().join("\n");
    let told = done.stderr.lines().find(|line| line.starts_with("  ") && line.contains("trying again in")).unwrap();
    let log = lines(&logged);
    let note = log.iter().find(|line| line["event"] == "note").unwrap_or_else(|| panic!("{logged}"));
    assert_eq!(note["why"], told.trim());
    assert_eq!(note["run_id"], log[0]["run_id"]);
}

#[test]
fn metrics_tell_the_run_and_keep_the_last_filing() {
    let place = small("metrics = \"night.prom\"", WAREHOUSE);
    assert_eq!(run(&place, &[], &[]).code, 3);
    let samples = exposition::read(&place.read("night.prom"));
    let number = |name: &str| samples.get(name).unwrap_or_else(|| panic!("{name}: {samples:#?}")).as_str();
    for (name, value) in [
        ("cuadre_business_date_timestamp_seconds", "1795132800"),
        ("cuadre_deadline_timestamp_seconds", "1795262400"),
        ("cuadre_run_start_timestamp_seconds", "1795261200"),
        ("cuadre_run_exit_code", "3"),
        ("cuadre_warehouse_received", "1"),
        ("cuadre_source_received source=a", "1"),
        ("cuadre_source_records source=a", "3"),
        ("cuadre_source_rejected_records source=a", "1"),
        ("cuadre_gaps severity=note", "0"),
        ("cuadre_gaps severity=minor", "1"),
        ("cuadre_gaps severity=major", "1"),
        ("cuadre_gaps severity=critical", "0"),
        ("cuadre_stage stage=file", "0"),
    ] {
        assert_eq!(number(name), value, "{name}");
    }
    let filed: u64 = number("cuadre_last_filing_timestamp_seconds").parse().unwrap();
    assert!((1795261200..1795261200 + 600).contains(&filed), "{filed}");
    for stage in ["receive", "reconcile", "report", "file"] {
        let (seconds, thousandths) =
            number(&format!("cuadre_stage_duration_seconds stage={stage}")).split_once('.').unwrap();
        assert!(seconds.parse::<u64>().unwrap() < 600 && thousandths.len() == 3);
    }
    assert!(!samples.contains_key("cuadre_stage_duration_seconds stage=wait"));
    assert!(!place.at("night.prom.new").exists());

    // A run that fails tells that it failed, and still when a day was filed last.
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,11.00\n");
    let later = [("SOURCE_DATE_EPOCH", "1795262000")];
    assert_eq!(run(&place, &[], &later).code, 64);
    let samples = exposition::read(&place.read("night.prom"));
    assert_eq!(samples["cuadre_run_exit_code"], "64");
    assert_eq!(samples["cuadre_run_start_timestamp_seconds"], "1795262000");
    assert_eq!(samples["cuadre_last_filing_timestamp_seconds"], filed.to_string());
    assert_eq!(samples["cuadre_source_records source=a"], "1");

    // The command line comes before the configuration; a file that cannot be written stops nothing.
    place.write(&format!("landing/a/{DATE}.csv"), "");
    let done = run(&place, &["--metrics", "nowhere/x.prom", "--reason", "it was wrong"], &later);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(done.stderr.matches("the run goes on without metrics").count(), 1, "{}", done.stderr);
    assert_eq!(exposition::read(&place.read("night.prom"))["cuadre_run_exit_code"], "64");
}

#[test]
fn run_events_say_what_the_manifest_says() {
    let place = small("lineage = \"events.jsonl\"", WAREHOUSE);
    let parent = "airflow://prod/nightly.cuadre/0198f0a1-7b2c-7def-8123-456789abcdef";
    let done = run(&place, &["--log", "log.jsonl"], &[("OPENLINEAGE_PARENT_ID", parent)]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let events = lines(&place.read("events.jsonl"));
    events.iter().for_each(schema::hold);
    assert_eq!(words(events.iter().map(|event| &event["eventType"])), "START COMPLETE");
    let log = lines(&place.read("log.jsonl"));
    for event in &events {
        assert_eq!(event["run"]["runId"], log[0]["run_id"]);
        assert_eq!(event["job"]["namespace"], "urn:cuadre:caja-de-prueba");
        assert_eq!(event["job"]["name"], "daily-movements");
        let facets = &event["run"]["facets"];
        assert_eq!(facets["nominalTime"]["nominalStartTime"], "2026-11-20T06:00:00Z");
        assert_eq!(facets["nominalTime"]["nominalEndTime"], "2026-11-21T06:00:00Z");
        assert_eq!(facets["parent"]["job"]["name"], "nightly.cuadre");
    }
    let complete = &events[1];
    let test = &complete["run"]["facets"]["test"]["tests"][0];
    assert_eq!((&test["name"], &test["status"], &test["type"]), (&"amounts".into(), &"pass".into(), &"range".into()));

    let manifest: Value = serde_json::from_str(&place.filed("manifest.json")).unwrap();
    let stated = &manifest["predicate"]["sources"][0];
    let [source, warehouse] = &complete["inputs"].as_array().unwrap()[..] else { panic!("{complete:#}") };
    assert_eq!(source["name"], "daily-movements/sources/a");
    assert_eq!(source["facets"]["version"]["datasetVersion"], stated["files"][0]["sha256"]);
    let metrics = &source["inputFacets"]["dataQualityMetrics"];
    assert_eq!((&metrics["rowCount"], &metrics["bytes"]), (&stated["records"], &stated["files"][0]["bytes"]));
    let columns = source["facets"]["schema"]["fields"].as_array().unwrap();
    assert_eq!(words(columns.iter().map(|column| &column["name"])), "source id booked_on account currency amount");
    assert_eq!(columns[5]["type"], "DECIMAL(28,2)");
    let verdicts = |dataset: &Value| -> Vec<(String, bool)> {
        let assertions = dataset["inputFacets"]["dataQualityAssertions"]["assertions"].as_array().unwrap();
        let of = |a: &Value| (a["assertion"].as_str().unwrap().to_owned(), a["success"].as_bool().unwrap());
        assertions.iter().map(of).collect()
    };
    let expected = [("received", true), ("no_rejected_records", false), ("end_to_end", false)];
    assert_eq!(verdicts(source), expected.map(|(name, holds)| (name.to_owned(), holds)));
    assert_eq!(verdicts(warehouse), [("end_to_end".to_owned(), false)]);
    assert_eq!(warehouse["inputFacets"]["inputStatistics"]["rowCount"], 2);

    let files: Vec<(String, Vec<u8>)> = place.files(&format!("filings/filings/{DATE}.1"));
    let rows = [("report.csv", 2), ("report.parquet", 2), ("exceptions.csv", 2)];
    let outputs = complete["outputs"].as_array().unwrap();
    let told: BTreeSet<&str> = outputs.iter().map(|output| output["name"].as_str().unwrap()).collect();
    // Everything but the signature, which is over the manifest.
    let filed: Vec<String> = files.iter().map(|(name, _)| format!("daily-movements/{name}")).collect();
    let filed: BTreeSet<&str> = filed.iter().map(String::as_str).filter(|name| !name.ends_with(".sig")).collect();
    assert_eq!(told, filed);
    for output in outputs {
        let name = output["name"].as_str().unwrap().strip_prefix("daily-movements/").unwrap();
        let (_, bytes) = files.iter().find(|(file, _)| file == name).unwrap();
        assert_eq!(output["facets"]["version"]["datasetVersion"], Sha256Digest::of(bytes).to_string(), "{name}");
        let statistics = &output["outputFacets"]["outputStatistics"];
        assert_eq!(statistics["size"], bytes.len());
        let rows = rows.iter().find(|(of, _)| *of == name).map(|(_, rows)| *rows);
        assert_eq!(statistics["rowCount"].as_u64(), rows, "{name}");
        let columns = output["facets"]["schema"]["fields"].as_array().map(Vec::len);
        assert_eq!(columns, name.starts_with("report.").then_some(6), "{name}");
    }

    // A day that was filed before is complete, too; one that is not filed has failed, and why.
    assert_eq!(run(&place, &[], &[]).code, 3);
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,11.00\n");
    assert_eq!(run(&place, &[], &[]).code, 64);
    let blocking =
        place.read("cuadre.toml").replace("[telemetry]", "[policy]\nblock_on = [\"changed\"]\n\n[telemetry]");
    place.write("cuadre.toml", blocking);
    assert_eq!(run(&place, &["--reason", "it was wrong"], &[]).code, 4);
    let events = lines(&place.read("events.jsonl"));
    events.iter().for_each(schema::hold);
    let kinds = "START COMPLETE START COMPLETE START FAIL START FAIL";
    assert_eq!(words(events.iter().map(|event| &event["eventType"])), kinds);
    assert_eq!(events[3]["outputs"], complete["outputs"]);
    let why = |event: &Value| event["run"]["facets"]["errorMessage"]["message"].as_str().unwrap().to_owned();
    assert!(why(&events[5]).contains("a restatement needs a reason"), "{}", why(&events[5]));
    assert!(why(&events[7]).contains("the policy blocks on changed"), "{}", why(&events[7]));
    assert_eq!((events[7]["inputs"].as_array().unwrap().len(), &events[7]["outputs"]), (2, &json!([])));
}

#[test]
fn a_host_receives_run_events_with_the_key() {
    let (url, received) = receiver::start(Some(201));
    let place = small(&format!("lineage = \"{url}/\"\nlineage_key.file = \"api.key\""), WAREHOUSE);
    place.write("api.key", "opensesame\n");
    let done = run(&place, &[], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(!done.stderr.contains("lineage"), "{}", done.stderr);
    let posted: Vec<receiver::Posted> = received.try_iter().collect();
    assert_eq!(words(posted.iter().map(|posted| &posted.event["eventType"])), "START COMPLETE");
    for receiver::Posted { head, event } in &posted {
        schema::hold(event);
        assert!(head.starts_with("post /api/v1/lineage http/1.1\n"), "{head}");
        assert!(head.contains("\nauthorization: bearer opensesame\n"), "{head}");
        assert!(head.contains("\ncontent-type: application/json\n"), "{head}");
    }
}

/// A host that is away, refuses or never answers costs the run no more than seconds, and the same is filed.
#[test]
fn no_host_stops_a_filing() {
    let refusing = receiver::start(Some(401));
    let silent = receiver::start(None);
    for (url, words) in [
        ("http://127.0.0.1:1", "Connection refused"),
        (refusing.0.as_str(), "it answers with status 401"),
        (silent.0.as_str(), "not every event was sent within 8 seconds"),
    ] {
        let place = small(&format!("lineage = \"{url}\""), WAREHOUSE);
        let began = Instant::now();
        let done = run(&place, &[], &[]);
        assert_eq!(done.code, 3, "{}", done.stderr);
        assert!(began.elapsed() < Duration::from_secs(60), "{url}: {:?}", began.elapsed());
        let note = done.stderr.lines().find(|line| line.starts_with(&format!("note: lineage {url}/api/v1/lineage: ")));
        assert!(note.is_some() && done.stderr.contains(words), "{}", done.stderr);
        assert_eq!(place.cuadre(["verify", "filings"]).code, 0);
    }
    let place = small("lineage = \"https://lineage.example\"\nlineage_key.env = \"LINEAGE_KEY\"", WAREHOUSE);
    let done = run(&place, &[], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("LINEAGE_KEY has no secret; set it; no run event is sent"), "{}", done.stderr);
}

#[test]
fn the_same_is_filed_whoever_listens() {
    let told = small("lineage = \"kept/events.jsonl\"", WAREHOUSE);
    std::fs::create_dir(told.at("kept")).unwrap();
    assert_eq!(run(&told, &["--log", "log", "--metrics", "x.prom"], &[]).code, 3);
    let untold = small("lineage = \"kept/events.jsonl\"", WAREHOUSE);
    let done = run(&untold, &[], &[]);
    assert_eq!(done.code, 3);
    assert!(done.stderr.contains("note: lineage kept/events.jsonl: No such file"), "{}", done.stderr);
    assert_eq!(lines(&told.read("kept/events.jsonl")).len(), 2);
    assert!(told.files("filings") == untold.files("filings"));
}
