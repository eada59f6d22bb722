//! Days that are declared to have no movements: filed in as many words, and only if nobody sent any.

use cuadre_tests::{DATE, Done, Place, SMALL};
use serde_json::{Value, json};

/// The smallest institution, whose source also has to send two files and a control record.
fn institution() -> Place {
    let place = Place::new();
    let control = "[source.control]\nfrom = \"json\"\nfile = \"landing/a/{date}.json\"\nrecords = \"records\"\n";
    let policy = "[policy]\nrequired_sources = [\"a\"]\nminimum_coverage_percent = 100\n\n[end_to_end]";
    let config = SMALL.replace("[end_to_end]", policy).replace("id = \"a\"\n", "id = \"a\"\nexpected_files = 2\n");
    place.write("cuadre.toml", config.replace("{date}.csv\"\nformat", "{date}*.csv\"\nformat") + control);
    warehouse(&place, "");
    place
}

fn warehouse(place: &Place, rows: &str) {
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{rows}"));
}

fn extract(place: &Place, rows: &str) {
    place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{rows}"));
}

fn run(place: &Place, more: &[&str]) -> Done {
    place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE].iter().chain(more))
}

const DECLARED: [&str; 2] = ["--no-movements", "domingo"];

fn predicate(place: &Place, number: u32) -> Value {
    let text = place.read(&format!("filings/filings/{DATE}.{number}/manifest.json"));
    serde_json::from_str::<Value>(&text).expect("a manifest")["predicate"].take()
}

fn exceptions(predicate: &Value) -> Vec<&str> {
    predicate["exceptions"].as_array().expect("exceptions").iter().filter_map(|gap| gap["id"].as_str()).collect()
}

fn is_made_again(place: &Place, number: &str) {
    let out = format!("again-{number}");
    let args = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--filing", number, "--out", &out];
    let made = place.cuadre(args);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let verified = place.cuadre(["verify", "filings"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}

#[test]
fn a_day_without_movements_is_filed_complete() {
    let place = institution();
    let done = run(&place, &DECLARED);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("declared   a day without movements: domingo\n"), "{}", done.stderr);
    let stated = predicate(&place, 1);
    assert_eq!(stated["noMovements"], json!({"reason": "domingo"}));
    assert_eq!((&stated["status"], exceptions(&stated)), (&json!("complete"), vec![]));
    let source = &stated["sources"][0];
    assert_eq!((&source["state"], &source["records"], &source["files"]), (&json!("received"), &json!(0), &json!([])));
    assert_eq!(place.filed("report.csv"), "source,id,booked_on,account,currency,amount\n");
    assert!(place.filed("inputs.json").contains("\"noMovements\":\"domingo\""));

    // Declared again: nothing new. Files with a header alone contradict nothing.
    assert!(run(&place, &DECLARED).stderr.contains("nothing new"));
    extract(&place, "");
    let with_file = run(&place, &DECLARED);
    assert_eq!(with_file.code, 64, "other files of a filed source are a restatement: {}", with_file.stderr);
    let with_file = run(&place, &[&DECLARED[..], &["--reason", "a file came"]].concat());
    assert_eq!(with_file.code, 0, "{}", with_file.stderr);
    assert_eq!(exceptions(&predicate(&place, 2)), [""; 0]);
    is_made_again(&place, "1");
    is_made_again(&place, "2");
}

#[test]
fn a_source_that_sent_movements_contradicts_it() {
    let place = institution();
    extract(&place, "1,2026-11-20,x,10.00\n2,2026-11-19,x,10.00\n");
    let done = run(&place, &DECLARED);
    assert_eq!(done.code, 4, "{}", done.stderr);
    let reason = "the day is declared without movements (domingo), but source a sent 2 records";
    assert!(done.stderr.contains(reason), "{}", done.stderr);
    assert_eq!(place.files("filings/filings"), []);
    assert!(place.at(&format!("filings.not-filed/{DATE}/exceptions.csv")).is_file());
}

#[test]
fn what_else_there_is_of_the_day_is_a_gap_as_ever() {
    let place = institution();
    warehouse(&place, "a,1,2026-11-20,x,10.00\n");
    place.write(&format!("landing/a/{DATE}.json"), "{\"records\": 5}");
    let done = run(&place, &DECLARED);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(exceptions(&predicate(&place, 1)), ["control_mismatch/a", "missing_in_source/a"]);
    is_made_again(&place, "1");

    // A file that nobody can read may hold movements.
    let place = institution();
    place.write(
        "cuadre.toml",
        place.read("cuadre.toml").replace("required_sources = [\"a\"]\nminimum_coverage_percent = 100\n", ""),
    );
    place.write(&format!("landing/a/{DATE}.csv"), "another,header\n1,2\n");
    let done = run(&place, &DECLARED);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(exceptions(&predicate(&place, 1)), ["source_rejected/a"]);

    // A warehouse that cannot be read has nothing to say.
    std::fs::remove_file(place.at(&format!("warehouse/{DATE}.csv"))).expect("the warehouse is away");
    std::fs::remove_file(place.at(&format!("landing/a/{DATE}.csv"))).expect("the file is away");
    let done = run(&place, &DECLARED);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(exceptions(&predicate(&place, 2)), ["warehouse_missing"]);
    assert_eq!(predicate(&place, 2)["filing"]["kind"], "supplement");
}

#[test]
fn a_declaration_follows_a_partial_filing_and_is_taken_back_with_a_reason() {
    let place = institution();
    place.write(
        "cuadre.toml",
        place.read("cuadre.toml").replace("required_sources = [\"a\"]\nminimum_coverage_percent = 100\n", ""),
    );
    assert_eq!(run(&place, &[]).code, 3);
    let declared = run(&place, &DECLARED);
    assert_eq!(declared.code, 0, "{}", declared.stderr);
    assert_eq!(predicate(&place, 2)["filing"]["kind"], "supplement");
    // Another reason is another statement.
    assert_eq!(run(&place, &["--no-movements", "día feriado"]).code, 0);
    assert_eq!(predicate(&place, 3)["noMovements"]["reason"], "día feriado");

    let refused = run(&place, &[]);
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    assert!(
        refused.stderr.contains(".3 declared a day without movements, and this run does not"),
        "{}",
        refused.stderr
    );
    extract(&place, "1,2026-11-20,x,10.00\n");
    assert_eq!(run(&place, &["--reason", "the branch had opened"]).code, 3);
    let stated = predicate(&place, 4);
    assert_eq!((&stated["filing"]["kind"], &stated["noMovements"]), (&json!("restatement"), &Value::Null));
    (1..=4).for_each(|number| is_made_again(&place, &number.to_string()));
}

#[test]
fn a_declaration_needs_words_and_a_filing() {
    let place = institution();
    for more in [&["--no-movements", " "][..], &["--no-movements", "domingo", "--only", "end-to-end"]] {
        let refused = run(&place, more);
        assert_eq!(refused.code, 64, "{}", refused.stderr);
    }
}
