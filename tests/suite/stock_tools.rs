//! What `cuadre verify` says, the stock tools of any Linux say too: of a sound series, and of one
//! that was tampered with.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cuadre_tests::Place;
use serde_json::Value;

use crate::tamper::{DAYS, series};

const FILINGS: [&str; 3] = ["2026-11-20.1", "2026-11-21.1", "2026-11-21.2"];

/// Whether every tool is there. A machine without them skips the test loudly; one that runs the
/// tests for others (`CI` is set) must have them.
fn tools_are_there() -> bool {
    let absent = |tool: &&str| Command::new(tool).arg("--version").stdin(Stdio::null()).output().is_err();
    let missing: Vec<&str> = ["ssh-keygen", "sha256sum", "head"].into_iter().filter(absent).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{} must be installed where CI is set", missing.join(", "));
    eprintln!("SKIPPED: {} cannot be found, so nothing was compared with the stock tools", missing.join(", "));
    false
}

/// Runs a tool in the series, with `input` on its stdin.
fn tool(series: &Path, name: &str, args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(name);
    command.args(args).current_dir(series).env("LC_ALL", "C");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the tool runs");
    let written = child.stdin.take().expect("its stdin").write_all(input);
    // A tool may end before it has read everything.
    written.or_else(|e| if e.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e) }).expect("a pipe");
    child.wait_with_output().expect("the tool ends")
}

/// `sha256sum` of some bytes.
fn sha256sum(series: &Path, bytes: &[u8]) -> String {
    let output = tool(series, "sha256sum", &[], bytes);
    String::from_utf8_lossy(&output.stdout).split(' ').next().expect("a digest").to_owned()
}

fn read(series: &Path, name: &str) -> Vec<u8> {
    fs::read(series.join(name)).unwrap_or_default()
}

fn manifest(series: &Path, filing: &str) -> Value {
    serde_json::from_slice(&read(series, &format!("filings/{filing}/manifest.json"))).unwrap_or_default()
}

/// `ssh-keygen -Y verify` of the manifest of each filing, by whoever may sign.
fn signatures_hold(series: &Path) -> bool {
    let signers = String::from_utf8_lossy(&read(series, "trust/allowed_signers.1")).into_owned();
    let line = signers.lines().find(|line| !line.starts_with('#')).expect("a signer");
    let principal = line.split(' ').next().expect("a principal");
    FILINGS.iter().all(|filing| {
        let signature = format!("filings/{filing}/manifest.json.sig");
        let mut args = vec!["-Y", "verify", "-f", "trust/allowed_signers.1", "-I", principal];
        args.extend(["-n", "cuadre-manifest-v1", "-s", &signature]);
        let output = tool(series, "ssh-keygen", &args, &read(series, &format!("filings/{filing}/manifest.json")));
        output.status.success() && String::from_utf8_lossy(&output.stdout).starts_with("Good \"cuadre-manifest-v1\"")
    })
}

/// `sha256sum -c LOG`.
fn named_files_hold(series: &Path) -> bool {
    tool(series, "sha256sum", &["--check", "--strict", "LOG"], &[]).status.success()
}

/// `head -n N LOG | sha256sum` against the history that each manifest pins.
fn histories_hold(series: &Path) -> bool {
    FILINGS.iter().all(|filing| {
        let history = &manifest(series, filing)["predicate"]["history"];
        let lines = tool(series, "head", &["-n", &history["entries"].to_string(), "LOG"], &[]);
        history["sha256"] == sha256sum(series, &lines.stdout)
    })
}

/// The digest of every file that a manifest names.
fn subjects_hold(series: &Path) -> bool {
    FILINGS.iter().all(|filing| {
        let manifest = manifest(series, filing);
        let subjects = manifest["subject"].as_array().map_or(&[][..], Vec::as_slice);
        let holds = |subject: &Value| {
            let name = subject["name"].as_str().unwrap_or_default();
            subject["digest"]["sha256"] == sha256sum(series, &read(series, &format!("filings/{filing}/{name}")))
        };
        let changes = usize::from(!filing.ends_with(".1"));
        subjects.len() == 5 + changes && subjects.iter().all(holds)
    })
}

/// `sha256sum` of every archived object against its name.
fn archive_holds(series: &Path) -> bool {
    let folders = fs::read_dir(series.join("archive/sha256")).expect("the archive");
    let mut objects = folders.flat_map(|folder| fs::read_dir(folder.expect("an entry").path()).expect("a folder"));
    objects.all(|object| {
        let path = object.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        path.parent().is_some_and(|folder| folder.ends_with(&name[..2]))
            && sha256sum(series, &fs::read(&path).expect("an object")) == name
    })
}

/// Every `supersedes` against `sha256sum` of the manifest before it of the same day.
fn supersessions_hold(series: &Path) -> bool {
    let superseded = |filing| manifest(series, filing)["predicate"]["filing"]["supersedes"].take();
    superseded(FILINGS[0]).is_null()
        && superseded(FILINGS[1]).is_null()
        && superseded(FILINGS[2])["sha256"]
            == sha256sum(series, &read(series, &format!("filings/{}/manifest.json", FILINGS[1])))
}

type Check = (&'static str, fn(&Path) -> bool);

const CHECKS: [Check; 6] = [
    ("ssh-keygen -Y verify", signatures_hold),
    ("sha256sum -c LOG", named_files_hold),
    ("head | sha256sum", histories_hold),
    ("sha256sum of subjects", subjects_hold),
    ("sha256sum of objects", archive_holds),
    ("sha256sum of the superseded", supersessions_hold),
];

/// What `cuadre verify` says of the series, and what the stock tools object to.
fn judged(place: &Place) -> (i32, Vec<&'static str>) {
    let series = place.at("filings");
    let objecting = CHECKS.iter().filter(|(_, holds)| !holds(&series)).map(|(name, _)| *name);
    (place.cuadre(["verify", "filings"]).code, objecting.collect())
}

#[test]
fn the_stock_tools_agree_with_verify() {
    if !tools_are_there() {
        return;
    }
    let place = series(&DAYS);
    assert_eq!(judged(&place), (0, Vec::new()));

    let replace = |name: &'static str, from: &'static str, to: &'static str| {
        let text = String::from_utf8(read(&place.at("filings"), name)).expect("text");
        assert!(text.contains(from), "{from} in {name}");
        (name.to_owned(), text.replacen(from, to, 1).into_bytes())
    };
    let log = place.read("filings/LOG");
    let mut swapped: Vec<&str> = log.split_inclusive('\n').collect();
    swapped.swap(1, 2);
    let shortened: String =
        log.split_inclusive('\n').filter(|line| !line.contains("2026-11-20.1/report.csv")).collect();
    let other_signature = read(&place.at("filings"), "filings/2026-11-20.1/manifest.json.sig");
    let files = place.files("filings/archive");
    let (object, content) = files.iter().find(|(_, content)| content.starts_with(b"i,a")).expect("an extract");

    let (ssh, sums, head, subjects, objects, superseded) =
        (CHECKS[0].0, CHECKS[1].0, CHECKS[2].0, CHECKS[3].0, CHECKS[4].0, CHECKS[5].0);
    type Case<'a> = ((String, Vec<u8>), &'a [&'a str]);
    let cases: [Case<'_>; 8] = [
        (replace("filings/2026-11-20.1/report.csv", "0.00", "0.01"), &[sums, subjects]),
        (replace("filings/2026-11-20.1/manifest.json", "\"partial\"", "\"complete\""), &[ssh, sums]),
        (replace("filings/2026-11-21.1/manifest.json", "\"partial\"", "\"complete\""), &[ssh, sums, superseded]),
        (("filings/2026-11-21.2/manifest.json.sig".to_owned(), other_signature), &[ssh, sums]),
        (replace("trust/allowed_signers.1", "ed25519 AAAA", "ed25519 AAAB"), &[ssh, sums]),
        (("LOG".to_owned(), swapped.concat().into_bytes()), &[head]),
        (("LOG".to_owned(), shortened.into_bytes()), &[head]),
        ((format!("archive/{object}"), [&content[..], b"2,5\n"].concat()), &[objects]),
    ];
    for ((name, tampered), objecting) in cases {
        let path = place.at("filings").join(&name);
        let sound = fs::read(&path).expect("a file of the series");
        fs::write(&path, tampered).expect("a file is tampered with");
        assert_eq!(judged(&place), (5, objecting.to_vec()), "{name}");
        fs::write(&path, sound).expect("the file is restored");
    }
    assert_eq!(judged(&place), (0, Vec::new()));
}
