//! What whoever writes rules has around them: files of rules, their periods, cases, explanations, and tries on filed days.

use std::fs;

use cuadre_tests::{DATE, Done, Place, SMALL};
use serde_json::{Value, json};

use crate::errors::Page;

const RULES: &str = include_str!("rules.toml");
const CASES: &str = include_str!("cases.toml");

/// The smallest institution, with the rules in a file of their own and two days to file.
fn place() -> Place {
    let place = Place::new();
    place.write("cuadre.toml", format!("rule_files = [\"rules/*.toml\"]\n{SMALL}"));
    place.write("rules/limits.toml", RULES.split_once("[[rule]]\nid = \"rolls\"").expect("the rule is there").0);
    place.write("reference/accounts.csv", "account\nx\n");
    for date in [DATE, "2026-11-21"] {
        place.write(
            &format!("landing/a/{date}.csv"),
            format!("id,date,account,amount\n1,{date},x,10.00\n2,{date},x,4.00\n"),
        );
        let rows = format!("source,id,date,account,amount\na,1,{date},x,10.00\na,2,{date},x,4.00\n");
        place.write(&format!("warehouse/{date}.csv"), rows);
    }
    place
}

fn run(place: &Place, date: &str, code: i32) -> Value {
    let done = place.cuadre(["run", "--config", "cuadre.toml", "--date", date]);
    assert_eq!(done.code, code, "{}", done.stderr);
    serde_json::from_str(&place.read(&format!("filings/filings/{date}.1/manifest.json"))).expect("a manifest")
}

/// Makes a filing again, and says whether it is the same.
fn again(place: &Place, date: &str) -> Done {
    let out = tempfile::tempdir().expect("a folder");
    let out = out.path().join("again").display().to_string();
    place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", date, "--out", &out])
}

#[test]
fn a_day_has_the_rules_of_its_time() {
    let place = place();
    let before = run(&place, DATE, 3);
    let stated = json!([
        {
            "rule": "ceiling", "verdict": "failed", "violations": 1, "explanation": "judged 2 amounts; 1 violation",
            "why": "Circular 7, article 3", "owner": "compliance@caja.example", "severity": "critical", "onFailure": "partial",
        },
        {
            "rule": "known-account", "verdict": "passed", "violations": 0,
            "explanation": "looked up account of 2 movements among 1 value of dataset `accounts`; 0 violations",
            "why": "", "owner": null, "severity": "major", "onFailure": "block",
        },
    ]);
    assert_eq!(before["predicate"]["business"], stated);
    let evidence = place.filed("exceptions.csv");
    assert!(evidence.contains(",a: 10.00 MXN is above the ceiling (the amount 10.00 is above 5.00)\n"), "{evidence}");
    let after = run(&place, "2026-11-21", 0);
    assert_eq!(after["predicate"]["business"][0]["why"], "Circular 9");
    assert_eq!(after["predicate"]["business"][0]["verdict"], "passed");
    // The rules are gone where they lay; both days are made again from the archive.
    fs::remove_dir_all(place.at("rules")).unwrap();
    fs::remove_dir_all(place.at("reference")).unwrap();
    place.write("cuadre.toml", SMALL);
    for date in [DATE, "2026-11-21"] {
        let done = again(&place, date);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
}

#[test]
fn files_of_rules_are_inputs_and_their_remarks_change_nothing() {
    let place = place();
    let filed = run(&place, DATE, 3);
    let inputs: Value = serde_json::from_str(&place.filed("inputs.json")).unwrap();
    assert_eq!(inputs["inputs"][0]["role"], "rules");
    assert_eq!(inputs["inputs"][0]["name"], "rules/limits.toml");
    assert_eq!(filed["predicate"]["producedBy"]["configSha256"], inputs["config"]["sha256"]);
    let rules = place.read("rules/limits.toml");
    place.write("rules/limits.toml", format!("# a remark\n{rules}"));
    let done = place.run();
    assert!(done.stderr.contains("nothing new"), "{}", done.stderr);
    // Another rule is another statement, and what it supersedes is read with its own files.
    place.write("rules/limits.toml", rules.replacen("5.00", "50.00", 1));
    place.write(
        &format!("landing/a/{DATE}.csv"),
        format!("id,date,account,amount\n1,{DATE},x,10.00\n2,{DATE},x,5.00\n"),
    );
    let done = place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--reason", "Circular 7 was misread"]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("0 movements added, 0 removed, 1 changed"), "{}", done.stderr);
    let done = again(&place, DATE);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = place.cuadre(["verify", "filings"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
}

#[test]
fn messages_are_in_the_language_of_the_filing() {
    let place = place();
    place.write("cuadre.toml", format!("language = \"es-MX\"\n{}", place.read("cuadre.toml")));
    run(&place, DATE, 3);
    let evidence = place.filed("exceptions.csv");
    assert!(evidence.contains(",a: 10.00 MXN rebasa el tope\n"), "{evidence}");
}

#[test]
fn rules_are_listed_and_explained() {
    let place = place();
    place.write("rules/limits.toml", RULES);
    let mut page = Page::new("../rule_tools/explained");
    let with = |args: &[&'static str]| [&["rules"], args, &["--config", "cuadre.toml"]].concat();
    page.entry("every rule", &place, &with(&["list"]), 0)
        .entry("those of a day, in Spanish", &place, &with(&["list", "--date", DATE, "--language", "es-MX"]), 0)
        .entry("for a machine", &place, &with(&["list", "--date", "2026-11-21", "--json"]), 0)
        .entry("a rule of two periods", &place, &with(&["explain", "ceiling"]), 0)
        .entry("in Spanish", &place, &with(&["explain", "rolls", "--language", "es-MX"]), 0)
        .entry("no such rule", &place, &with(&["explain", "celing"]), 64)
        .done();
}

#[test]
fn every_kind_explains_itself() {
    let place = Place::new();
    let demo = fs::read_to_string(cuadre_tests::workspace().join("fixtures/demo/cuadre.toml")).unwrap();
    place.write("cuadre.toml", &demo);
    let ids: Vec<&str> = demo.split("[[rule]]\nid = \"").skip(1).map(|rule| rule.split_once('"').unwrap().0).collect();
    let mut page = Page::new("../rule_tools/kinds");
    for id in ids {
        for language in ["en", "es-MX"] {
            page.entry(id, &place, &["rules", "explain", id, "--config", "cuadre.toml", "--language", language], 0);
        }
    }
    page.done();
}

#[test]
fn cases_prove_rules() {
    let place = place();
    place.write("cases.toml", CASES).write("rules.toml", RULES);
    let mut page = Page::new("../rule_tools/cases");
    page.entry("every case as it was to come out", &place, &["rules", "test", "cases.toml"], 0);
    place.write("rules.toml", RULES.replace("\"5.00\"", "\"6.00\"").replace("\"account\" }", "\"acount\" }"));
    page.entry("another ceiling, and a column that is not there", &place, &["rules", "test", "cases.toml"], 5).entry(
        "in Spanish",
        &place,
        &["rules", "test", "cases.toml", "--language", "es-MX"],
        5,
    );
    let of_config = "[[case]]\nname = 'a rule of the configuration'\nrule = 'ceiling'\ndate = 2026-11-21\n\
                     movements = 'amount\n50.01'\nexpect = 'passed'\n";
    let of_config = of_config.replace("'amount\n50.01'", "'''amount\n50.01'''");
    place.write("config.toml", of_config);
    page.entry("a rule of the configuration", &place, &["rules", "test", "config.toml", "--config", "cuadre.toml"], 5)
        .entry("for a machine", &place, &["rules", "test", "config.toml", "--config", "cuadre.toml", "--json"], 5)
        .entry("without the configuration", &place, &["rules", "test", "config.toml"], 78);
    place.write("rules.toml", RULES);
    place.write("wrong.toml", CASES.replace("5.01\n3 ", "five\n3 "));
    page.entry("an amount that is none", &place, &["rules", "test", "wrong.toml"], 78);
    place.write("wrong.toml", CASES.replace("dataset.accounts", "dataset.acounts"));
    page.entry("a dataset that the rule does not know", &place, &["rules", "test", "wrong.toml"], 78);
    place.write("wrong.toml", CASES.replace("id | amount", "id | ammount"));
    page.entry("a field that is none", &place, &["rules", "test", "wrong.toml"], 78);
    page.entry("no file of cases", &place, &["rules", "test", "none.toml"], 78).done();
}

#[test]
fn rules_are_tried_on_filed_days() {
    let place = place();
    run(&place, DATE, 3);
    run(&place, "2026-11-21", 0);
    let series = place.files("filings");
    let with = |args: &[&'static str]| [&["rules", "try", "--config", "cuadre.toml", "--date", DATE], args].concat();
    let mut page = Page::new("../rule_tools/tried");
    page.entry("as they were filed", &place, &with(&["--until", "2026-11-22"]), 0);
    let new = "[[rule]]\nid = 'ceiling'\ncheck.range = { maximum = '3.00' }\n\
               [[rule]]\nid = 'small-accounts'\ncheck.reference = { field = 'account', dataset = 'accounts', column = 'account' }\n\
               [[rule]]\nid = 'branches'\ncheck.reference = { field = 'account', dataset = 'other', column = 'id' }\n\
               [[rule]]\nid = 'three'\n\
               check.three_way = { group_by = ['account'], ledger = { dataset = 'ledger', amount = 'sum', currency = 'MXN' } }\n\
               [[dataset]]\nid = 'other'\nfile = 'reference/other.csv'\n\
               [[dataset]]\nid = 'ledger'\nfile = 'reference/ledger.csv'\n";
    place.write("new.toml", new).write("reference/other.csv", "id\ny\n");
    place.write("reference/ledger.csv", "account,sum\nx,13.99\n");
    page.entry("new rules", &place, &with(&["--rules", "new.toml"]), 0)
        .entry(
            "in Spanish, with data of today",
            &place,
            &with(&["--rules", "new.toml", "--data", ".", "--language", "es-MX"]),
            0,
        )
        .entry(
            "one of them, for a machine",
            &place,
            &with(&["--rules", "new.toml", "--rule", "small-accounts", "--json"]),
            0,
        )
        .entry("no such rule", &place, &with(&["--rules", "new.toml", "--rule", "branch"]), 64)
        .entry(
            "days without a filing",
            &place,
            &["rules", "try", "--config", "cuadre.toml", "--date", "2026-11-25"],
            64,
        );
    page.done();
    assert!(series == place.files("filings"), "a try has written into the series");
}
