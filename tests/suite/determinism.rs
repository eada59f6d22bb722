//! The same inputs give the same bytes, whatever the machine, the clock of its files or its
//! threads do; and a filing that people can read, kept as `golden/`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cuadre_tests::{DATE, ISSUED_AT, Place, cuadre, workspace};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::exactness::{execute, sqlite_place};

/// The night of the golden filing: the configuration beside it, and what lies in its folders.
const CONFIG: &str = include_str!("golden/cuadre.toml");

const FILES: [(&str, &str); 13] = [
    (
        "landing/core/2026-11-20/001.csv",
        "id,date,account,kind,currency,amount,note\n\
         C1,2026-11-20,1001,DEPOSITO,MXN,1250.00,Nómina\n\
         C2,2026-11-20,1002,RETIRO,MXN,-300.50,\"=HYPERLINK(\"\"http://x\"\")\"\n\
         C3,2026-11-20,1001,TRASPASO,MXN,-75.00,a 1002\n\
         C4,2026-11-20,1002,TRASPASO,MXN,75.01,de 1001\n",
    ),
    (
        "landing/core/2026-11-20/002.csv",
        "id,date,account,kind,currency,amount,note\n\
         C5,2026-11-20,1003,DEPOSITO,USD,99.95,\"remesa, \"\"Ñuño\"\"\"\n\
         C6,2026-11-20,1003,DEPOSITO,MXN,10.005,tres decimales\n\
         C7,2026-11-19,1003,DEPOSITO,MXN,10.00,de ayer\n\
         C8,2026-11-20,9999,DEPOSITO,MXN,20.00,cuenta que no existe\n",
    ),
    (
        "landing/core/2026-11-20/003.csv",
        "id,date,account,kind,currency,amount,memo\n\
         C8,2026-11-20,1001,DEPOSITO,MXN,1.00,mismo folio\n\
         C9,2026-11-20,1001,PAGO,MXN,1000000000000000.01,grande\n",
    ),
    (
        "landing/core/2026-11-20/control.json",
        "{\"records\": 10, \"amounts\": {\"MXN\": \"1000000000000970.53\", \"USD\": \"99.95\"}}\n",
    ),
    (
        "landing/cards/2026-11-20.jsonl",
        "{\"id\": \"T1\", \"date\": \"2026-11-20\", \"account\": \"1001\", \"kind\": \"COMPRA\", \"amount\": -45.90}\n\
         {\"id\": \"T2\", \"date\": \"2026-11-20\", \"account\": \"1002\", \"kind\": \"COMPRA\", \"amount\": \"-7200.00\"}\n\
         {\"id\": \"T3\", \"date\": \"2026-11-20\", \"account\": \"1002\", \"kind\": \"COMPRA\", \"amount\": 1e2}\n\
         {\"id\": \"T4\", \"date\": \"2026-11-20\"\n",
    ),
    (
        "landing/cards/2026-11-20-bis.jsonl",
        "{\"id\": \"T5\", \"date\": \"2026-11-20\", \"account\": \"1003\", \"kind\": \"COMPRA\", \"amount\": -10.00}\n",
    ),
    (
        "landing/teller/2026-11-20-norte.csv",
        "fecha;tipo;cuenta;importe\n\
         2026-11-20;DEPOSITO;1001;200,00\n\
         2026-11-20;DEPOSITO;1001;200,00\n\
         2026-11-20;RETIRO;1002;-1.500,25\n\
         TOTAL;3;;-1.100,26\n",
    ),
    (
        "landing/teller/2026-11-20-sur.csv",
        "fecha;tipo;cuenta;importe\n2026-11-20;DEPOSITO;1003;80,00\nTOTAL;1;;80,00\n",
    ),
    (
        "landing/teller/2026-11-20-sur-reenvio.csv",
        "fecha;tipo;cuenta;importe\n2026-11-20;DEPOSITO;1003;80,00\nTOTAL;1;;80,00\n",
    ),
    (
        "warehouse/2026-11-20-1.csv",
        "source,id,date,account,kind,currency,amount,note\n\
         core,C1,2026-11-20,1001,DEPOSITO,MXN,1250.00,Nómina\n\
         core,C2,2026-11-20,1002,RETIRO,MXN,-300.50,\"=HYPERLINK(\"\"http://x\"\")\"\n\
         core,C3,2026-11-20,1001,TRASPASO,MXN,-75.00,a 1002\n\
         core,C4,2026-11-20,1002,TRASPASO,MXN,75.01,de 1001\n\
         core,C5,2026-11-20,1003,DEPOSITO,USD,99.95,\"remesa, \"\"Ñuño\"\"\"\n\
         core,C8,2026-11-20,9999,DEPOSITO,MXN,20.00,cuenta que no existe\n\
         core,C9,2026-11-20,1001,PAGO,MXN,1000000000000000.02,grande\n\
         core,C9,2026-11-20,1001,PAGO,MXN,1000000000000000.02,grande\n",
    ),
    (
        "warehouse/2026-11-20-2.csv",
        "source,id,date,account,kind,currency,amount,note\n\
         cards,T1,2026-11-20,1001,COMPRA,MXN,-45.90,\n\
         cards,T2,2026-11-20,1003,COMPRA,MXN,-7200.00,\n\
         cards,T6,2026-11-20,1003,COMPRA,MXN,-3.00,\n\
         cards,T7,2026-11-20,1003,COMPRA,MXN,NaN,\n\
         teller,,2026-11-20,1001,DEPOSITO,MXN,200.00,\n\
         teller,,2026-11-20,1001,DEPOSITO,MXN,200.00,\n\
         teller,,2026-11-20,1001,DEPOSITO,MXN,200.00,\n\
         teller,,2026-11-20,1003,DEPOSITO,MXN,80.00,\n\
         loans,L1,2026-11-20,1001,DEPOSITO,MXN,5000.00,\n",
    ),
    ("reference/accounts.csv", "account,name\n1001,Ana\n1002,Berta\n1003,Carla\n"),
    ("warehouse/2026-11-19.csv", "source,id,date,account,kind,currency,amount,note\n"),
];

fn golden_night() -> Place {
    let place = Place::new();
    place.write("cuadre.toml", CONFIG);
    for (path, content) in FILES {
        place.write(path, content);
    }
    place
}

#[test]
fn the_golden_filing() {
    let place = golden_night();
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    let manifest: Value = serde_json::from_str(&place.filed("manifest.json")).expect("the manifest is JSON");
    let filed = [
        ("manifest.json", format!("{manifest:#}\n")),
        ("report.csv", place.filed("report.csv")),
        ("summary.csv", place.filed("summary.csv")),
        ("exceptions.csv", place.filed("exceptions.csv")),
        ("LOG", place.read("filings/LOG")),
    ];
    for (name, found) in filed {
        golden(name, &found);
    }
    let verified = place.cuadre(["verify", "filings"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
}

/// Compares a text with its golden file; `CUADRE_BLESS=1` writes the file instead, for a person to
/// read before it is committed.
pub fn golden(name: &str, found: &str) {
    let path = workspace().join("tests/suite/golden").join(name);
    if std::env::var_os("CUADRE_BLESS").is_some() {
        return fs::write(&path, found).expect("a golden file is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let same = expected.lines().zip(found.lines()).take_while(|(expected, found)| expected == found).count();
    assert!(
        expected == found,
        "{name} is not the golden one, from line {}; if it should be, run again with CUADRE_BLESS=1 and read the \
         difference:\n{found}",
        same + 1
    );
}

/// How a night is run: threads, and what the environment says that must not matter.
#[derive(Default)]
struct Way {
    threads: Option<&'static str>,
    environment: &'static [(&'static str, &'static str)],
    folder_for_scratch: bool,
    /// Write files in the opposite order.
    reversed: bool,
}

/// A night of many files in every source, so that threads have something to race for.
fn large_night(way: &Way) -> Place {
    let place = Place::new();
    let mut files: Vec<(String, String)> = Vec::new();
    let fields = "id,date,account,kind,currency,amount,note\n";
    let mut copies = String::from("source,id,date,account,kind,currency,amount,note\n");
    for branch in 0..24 {
        let mut rows = String::from(fields);
        for n in 0..60 {
            let (id, account) = (format!("C{branch}-{n}"), 1000 + n % 7);
            let amount = if n % 17 == 5 { "1e3".to_owned() } else { format!("{}.{:02}", n * 31 - 700, branch) };
            let currency = if n % 5 == 0 { "USD" } else { "MXN" };
            let row = |amount: &str| format!("{id},{DATE},{account},DEPOSITO,{currency},{amount},nota {n}\n");
            rows += &row(&amount);
            match n % 13 {
                3 => {}
                4 => copies += &format!("core,{}", row("1.00")),
                6 => copies += &format!("core,{}", row(&amount)).repeat(2),
                _ => copies += &format!("core,{}", row(&amount)),
            }
        }
        files.push((format!("landing/core/{DATE}/{branch:03}.csv"), rows));
    }
    for part in 0..8 {
        let card = |n: i32| {
            let (id, cents) = (format!("T{}", n % 50), n % 3);
            format!(
                "{{\"id\":\"{id}\",\"date\":\"{DATE}\",\"account\":\"1001\",\"kind\":\"X\",\"amount\":-{n}.0{cents}}}\n"
            )
        };
        files.push((format!("landing/cards/{DATE}-{part}.jsonl"), (0..80).map(|n| card(n + part)).collect()));
        let desk = |n: i32| format!("{DATE};RETIRO;100{};-{},00\n", n % 3, n % 4);
        let rows: String = (0..50).map(|n| desk(n + part)).collect();
        files.push((format!("landing/teller/{DATE}-{part}.csv"), format!("fecha;tipo;cuenta;importe\n{rows}")));
        files.push((format!("warehouse/{DATE}-{part}.csv"), copies.clone()));
        copies = String::from("source,id,date,account,kind,currency,amount,note\n");
        copies +=
            &(0..40).map(|n| format!("teller,,{DATE},100{},RETIRO,MXN,-{}.00,\n", n % 3, n % 4)).collect::<String>();
    }
    files.push(("reference/accounts.csv".to_owned(), FILES[11].1.to_owned()));
    files.push(("cuadre.toml".to_owned(), CONFIG.to_owned()));
    if way.reversed {
        files.reverse();
    }
    for (path, content) in &files {
        place.write(path, content);
    }
    place
}

/// Every file of the series that a night files, run in some way.
fn series(way: &Way) -> Vec<(String, Vec<u8>)> {
    let place = large_night(way);
    let mut command = Command::new(cuadre());
    command.args(["run", "--config", "cuadre.toml", "--date", DATE]);
    command.args(way.threads.iter().flat_map(|threads| ["--threads", threads]));
    command.current_dir(place.path()).env_clear().env("SOURCE_DATE_EPOCH", ISSUED_AT);
    command.envs(way.environment.iter().copied());
    if way.folder_for_scratch {
        fs::create_dir(place.at("scratch")).expect("a folder is made");
        command.env("TMPDIR", place.at("scratch"));
    }
    let output = command.output().expect("cuadre runs");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    if way.folder_for_scratch {
        assert!(place.files("scratch").is_empty(), "the scratch folder is left as it was");
    }
    place.files("filings")
}

#[test]
fn nothing_but_the_inputs_matters() {
    let expected = series(&Way { threads: Some("1"), ..Way::default() });
    assert!(expected.iter().any(|(name, _)| name == "LOG"));
    assert!(expected.iter().any(|(name, _)| name.ends_with(".1/manifest.json.sig")));
    let abroad = &[("TZ", "Asia/Kolkata"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "de_DE"), ("COLUMNS", "40")];
    let at_home = &[("TZ", "Pacific/Kiritimati"), ("LANG", "C"), ("HOME", "/nonexistent"), ("RUST_LOG", "trace")];
    let ways = [
        Way::default(),
        Way { threads: Some("2"), ..Way::default() },
        Way { threads: Some("8"), ..Way::default() },
        Way { threads: Some("8"), reversed: true, ..Way::default() },
        Way { environment: abroad, folder_for_scratch: true, ..Way::default() },
        Way { threads: Some("3"), environment: at_home, reversed: true, ..Way::default() },
    ];
    for (n, way) in ways.iter().enumerate() {
        let found = series(way);
        let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "way {n}");
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            assert!(found == expected, "way {n}: {name} has other bytes");
        }
    }
}

#[test]
fn a_second_run_leaves_nothing() {
    let place = golden_night();
    place.run();
    let series = place.files("filings");
    let again = place.run();
    assert!(again.code == 3 && again.stderr.contains("nothing new"), "{}", again.stderr);
    assert!(place.files("filings") == series);
}

/// The series of a night whose warehouse is a database with these rows, inserted in this order.
fn series_of_database(collation: &str, rows: &[&str]) -> Vec<(String, Vec<u8>)> {
    let place = sqlite_place("", &["1.00", "1.00", "2.00"]);
    let rows: Vec<String> = rows.iter().map(|row| format!("('a', '{DATE}', {row})")).collect();
    let columns = format!("source TEXT, date TEXT, id TEXT, account TEXT {collation}, amount TEXT");
    let sql = format!("CREATE TABLE movements ({columns}); INSERT INTO movements VALUES {}", rows.join(", "));
    execute(&place.at("warehouse.db"), sql);
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    place.files("filings")
}

#[test]
fn the_order_of_rows_in_a_database_is_no_input() {
    let rows = ["'1', 'x', '1.00'", "'2', NULL, '1.00'", "'2', 'x', '1.00'", "NULL, 'y', '3.00'", "'1', 'x', '1.00'"];
    let reversed: Vec<&str> = rows.iter().rev().copied().collect();
    assert!(series_of_database("", &rows) == series_of_database("", &reversed));
}

#[test]
fn the_order_of_rows_in_a_database_is_no_input_whatever_its_collation() {
    let rows = ["'1', 'x', '1.00'", "'1', 'X', '1.00'"];
    let reversed = [rows[1], rows[0]];
    assert!(series_of_database("COLLATE NOCASE", &rows) == series_of_database("COLLATE NOCASE", &reversed));
}

/// The figures of a filing: all that must stay where records change places.
#[derive(Debug, PartialEq)]
struct Figures {
    status: Value,
    sources: Vec<Value>,
    end_to_end: Value,
    business: Vec<Value>,
    exceptions: Vec<Value>,
    summary: String,
    report: Vec<String>,
    evidence: Vec<String>,
}

fn figures(records: &[String], warehouse: &[String]) -> Figures {
    let place = golden_night();
    let header = "id,date,account,kind,currency,amount,note\n";
    let half = records.len() / 2;
    place.write(&format!("landing/core/{DATE}/001.csv"), format!("{header}{}", records[..half].concat()));
    place.write(&format!("landing/core/{DATE}/002.csv"), format!("{header}{}", records[half..].concat()));
    place.write(&format!("landing/core/{DATE}/003.csv"), header);
    place.write(&format!("warehouse/{DATE}-1.csv"), format!("source,{header}{}", warehouse.concat()));
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    let manifest: Value = serde_json::from_str(&place.filed("manifest.json")).expect("the manifest is JSON");
    let predicate = &manifest["predicate"];
    let each = |name: &str, members: &[&str]| -> Vec<Value> {
        let rows = predicate[name].as_array().expect("a list").iter();
        rows.map(|row| members.iter().map(|&member| (member, &row[member])).collect::<Vec<_>>())
            .map(|row| json!(row))
            .collect()
    };
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // Which of two equal records is the surplus one depends on the order; that one of them is, not.
    let without_place = |line: &String| {
        let cells: Vec<&str> = line.split(',').collect();
        [&cells[..3], &cells[5..10.min(cells.len())]].concat().join(",")
    };
    Figures {
        status: predicate["status"].clone(),
        sources: each("sources", &["id", "state", "records", "rejectedRecords", "amount", "control"]),
        end_to_end: predicate["endToEnd"].clone(),
        business: each("business", &["rule", "verdict", "violations", "explanation"]),
        exceptions: each("exceptions", &["id", "severity", "source", "records", "amount", "explanation"]),
        summary: place.filed("summary.csv"),
        report: sorted(place.filed("report.csv")),
        evidence: sorted(
            sorted(place.filed("exceptions.csv")).iter().map(without_place).collect::<Vec<_>>().join("\n"),
        ),
    }
}

/// Records of `core`, some of them twice, some under one id, some to be refused; and copies of
/// most of them.
fn records() -> (Vec<String>, Vec<String>) {
    let mut records = Vec::new();
    for n in 0..40 {
        let amount = if n % 9 == 4 { "1.005".to_owned() } else { format!("{}.50", n % 6) };
        records.push(format!("C{},{DATE},100{},DEPOSITO,MXN,{amount},n{}\n", n % 30, n % 4, n % 2));
    }
    records.extend(records[..5].to_vec());
    let copies = records.iter().enumerate().filter(|(n, _)| n % 7 != 3);
    let copies = copies
        .map(|(n, record)| format!("core,{}", if n % 11 == 2 { record.replace(".50", ".51") } else { record.clone() }));
    let copies = copies.collect();
    (records, copies)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_records_changes_no_figure(
        records_shuffled in Just(records().0).prop_shuffle(),
        copies_shuffled in Just(records().1).prop_shuffle(),
    ) {
        let (records, copies) = records();
        let expected = figures(&records, &copies);
        prop_assert_eq!(figures(&records_shuffled, &copies_shuffled), expected);
    }
}

/// `golden/` holds what a test compares, and nothing else.
#[test]
fn every_golden_file_is_used() {
    let folder: PathBuf = workspace().join("tests/suite/golden");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the golden files")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    // The series of the formats are `formats`' to compare.
    names.retain(|name| !name.starts_with("format-"));
    names.sort();
    assert_eq!(
        names,
        ["LOG", "changes.csv", "cuadre.toml", "exceptions.csv", "manifest.json", "report.csv", "summary.csv"]
    );
}
