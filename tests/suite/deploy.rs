//! What `engine/deploy` relies on is what `cuadre` does: its exit codes, its commands and their options.
//! That the files are sound for those who read them is checked by `engine/deploy/check.sh`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use cuadre_engine::exit;
use cuadre_tests::{DATE, ISSUED_AT, Place, SMALL, cuadre, workspace};
use serde_json::Value;

/// What a run may end with that is told to people.
const TOLD: [u8; 7] = [
    exit::PARTIAL,
    exit::NOT_FILED,
    exit::VERIFICATION_FAILED,
    exit::USAGE,
    exit::BUG,
    exit::PASSING_FAULT,
    exit::CONFIG,
];

fn read(name: &str) -> String {
    let path = workspace().join("engine/deploy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The number after each occurrence of `before`.
fn numbers_after(text: &str, before: &str) -> BTreeSet<u8> {
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.split(before).skip(1).filter_map(|rest| digits(rest).parse().ok()).collect()
}

#[test]
fn the_exit_codes_are_those_of_the_contract() {
    let told = BTreeSet::from(TOLD);
    let machine = read("stepfunctions.asl.json");
    let parsed: Value = serde_json::from_str(&machine).unwrap();
    let meanings = parsed["States"]["Plan"]["Assign"]["meanings"].as_object().unwrap();
    assert_eq!(meanings.keys().map(|code| code.parse().unwrap()).collect::<BTreeSet<u8>>(), told);
    assert_eq!(numbers_after(&machine, "exitCode = "), BTreeSet::from([exit::PARTIAL, exit::PASSING_FAULT]));

    // The arms of `case $code in`, but for 0 and what is in no contract.
    let arms = read("alert").lines().filter_map(|line| line.split_once(')')?.0.parse().ok()).collect::<BTreeSet<u8>>();
    assert_eq!(arms, &told | &BTreeSet::from([exit::DONE]));

    let (passing, config) = (exit::PASSING_FAULT, exit::CONFIG);
    let night = read("night");
    assert!(night.contains(&format!("\nPASSING_FAULT={passing} CONFIG={config}\n")), "{night}");
    assert!(night.contains(&format!("\n{} | {}) ;;\n", exit::DONE, exit::PARTIAL)), "{night}");
    let dag = read("airflow_dag.py");
    let constants = format!("\nDONE, PARTIAL, PASSING_FAULT = {}, {}, {passing}\n", exit::DONE, exit::PARTIAL);
    assert!(dag.contains(&constants), "{dag}");
    let service = read("cuadre.service");
    assert!(service.contains(&format!("\nSuccessExitStatus={}\n", exit::PARTIAL)), "{service}");
}

/// What the README says of each code is in the table that says what each place does.
#[test]
fn the_readme_has_a_row_for_each_exit_code() {
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |")?.0.parse().ok());
    assert_eq!(rows.collect::<BTreeSet<u8>>(), &BTreeSet::from(TOLD) | &BTreeSet::from([exit::DONE]));
}

/// Every `--option` of each file, with the help of the command it belongs to.
#[test]
fn the_commands_and_options_exist() {
    let help = |command: &str| {
        let output = Command::new(cuadre()).args([command, "--help"]).output().unwrap();
        assert!(output.status.success(), "there is no `cuadre {command}`");
        String::from_utf8(output.stdout).unwrap()
    };
    let known = [("run", help("run")), ("verify", help("verify"))];
    for (name, least) in [("stepfunctions.asl.json", 3), ("airflow_dag.py", 3), ("night", 3)] {
        let text = read(name);
        let mut seen = 0;
        for (line, place) in text.lines().zip(1..) {
            let words = || line.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
            let mut options = words().filter(|word| word.starts_with("--")).peekable();
            if options.peek().is_none() {
                continue;
            }
            let found = known.iter().find(|(command, _)| words().any(|word| word == *command));
            let (command, help) = found.unwrap_or_else(|| panic!("{name}:{place}: options of which command? {line}"));
            for option in options {
                let is_there = [" <", "\n"].iter().any(|end| help.contains(&format!(" {option}{end}")));
                assert!(is_there, "{name}:{place}: `cuadre {command}` has no {option}");
                seen += 1;
            }
        }
        assert!(seen > least, "{name} has {seen} options");
    }
}

/// `night` with the key's passphrase from systemd: partial while a source is missing, then a supplement.
#[test]
fn a_night_at_05_40_goes_on_where_the_first_one_stopped() {
    let place = Place::new();
    let signing = "key = \"night\"\npassphrase = { file = \"/dev/fd/3\" }";
    place.write("cuadre.toml", SMALL.replace("key = \"key\"", signing));
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    place.write("credentials/passphrase", "no tan secreta\n");
    // The time alone stands still.
    place.write("bin/date", format!("#!/bin/sh\n[ \"$*\" = +%s ] && exec echo {ISSUED_AT}\nexec /bin/date \"$@\"\n"));
    fs::set_permissions(place.at("bin/date"), fs::Permissions::from_mode(0o755)).unwrap();
    let passphrase = [("WORDS".to_owned(), "no tan secreta".to_owned())];
    assert_eq!(place.cuadre_with(["keygen", "night", "--passphrase", "env:WORDS"], &passphrase).code, 0);

    let night = || {
        let beside = cuadre().parent().unwrap().display().to_string();
        let path = format!("{}:{beside}:{}", place.at("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new(workspace().join("engine/deploy/night"))
            .current_dir(place.path())
            .env_clear()
            .envs([("PATH", path.as_str()), ("SOURCE_DATE_EPOCH", ISSUED_AT), ("CREDENTIALS_DIRECTORY", "credentials")])
            .envs([("CUADRE_CONFIG", "cuadre.toml"), ("CUADRE_FILINGS", "filings")])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // What is there has been since 05:30.
    let landed = |name: &str| {
        let time = UNIX_EPOCH + Duration::from_secs(ISSUED_AT.parse::<u64>().unwrap() - 600);
        let file = fs::File::options().append(true).open(place.at(name)).unwrap();
        file.set_modified(time).unwrap();
    };
    landed(&format!("warehouse/{DATE}.csv"));
    for _ in 0..2 {
        let (code, told) = night();
        assert_eq!(code, Some(exit::PARTIAL.into()), "{told}");
        assert!(told.contains("Verified: 1 filings"), "{told}");
    }
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    landed(&format!("landing/a/{DATE}.csv"));
    let (code, told) = night();
    assert_eq!(code, Some(exit::DONE.into()), "{told}");
    assert!(told.contains("Verified: 2 filings"), "{told}");
    assert!(place.at(&format!("filings/filings/{DATE}.2/changes.csv")).is_file());
}
