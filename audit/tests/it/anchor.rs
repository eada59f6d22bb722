//! What a series cannot show by itself, and what an auditor's own copy shows.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::verify::Options;
use cuadre_audit::{Report, Series, SigningKey, verify};

use crate::small_series::{PRINCIPAL, assert_fails, assert_passes, check, copy, file, file_all, found, id, key};

const DAYS: [&str; 3] = ["2026-11-19.1", "2026-11-20.1", "2026-11-21.1"];

fn with_anchor(root: &Path, anchor: &Path) -> Report {
    let options = Options { anchors: vec![anchor.to_owned()], ..Options::default() };
    verify(root, &options)
}

fn manifest(root: &Path, text: &str) -> PathBuf {
    Series::at(root).folder(&id(text)).join("manifest.json")
}

#[test]
fn every_manifest_of_a_series_is_an_anchor_of_it() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &DAYS);
    for day in DAYS {
        assert_passes(&with_anchor(folder.path(), &manifest(folder.path(), day)));
    }
}

#[test]
fn an_end_cut_off_shows_only_against_an_anchor_or_the_calendar() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &DAYS);
    let cut = tempfile::tempdir().unwrap();
    copy(folder.path(), cut.path());
    fs::remove_dir_all(cut.path().join("filings/2026-11-21.1")).unwrap();
    let log = fs::read_to_string(cut.path().join("LOG")).unwrap();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    fs::write(cut.path().join("LOG"), lines[..lines.len() - 4].concat()).unwrap();

    assert_passes(&check(cut.path()));
    let last = manifest(folder.path(), DAYS[2]);
    assert_fails(&with_anchor(cut.path(), &last), "anchor", "end was cut off");
    assert_passes(&with_anchor(cut.path(), &manifest(folder.path(), DAYS[1])));

    let through = |root: &Path, day: &str| {
        let through = Some(day.parse().unwrap());
        verify(root, &Options { through, ..Options::default() })
    };
    assert_passes(&through(folder.path(), "2026-11-21"));
    assert_fails(&through(cut.path(), "2026-11-21"), "calendar", "1 of 3 days without a filing: 2026-11-21");

    // Cut further: now lines that the anchor pins are missing, too.
    fs::remove_dir_all(cut.path().join("filings/2026-11-20.1")).unwrap();
    fs::write(cut.path().join("LOG"), lines[..lines.len() - 8].concat()).unwrap();
    assert_passes(&check(cut.path()));
    assert_fails(&with_anchor(cut.path(), &last), "anchor", "fewer than the 9 lines");
}

#[test]
fn a_past_rewritten_with_the_true_key_shows_only_against_an_anchor() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &DAYS);
    let forked = tempfile::tempdir().unwrap();
    file_all(forked.path(), &["2026-11-18.1", "2026-11-19.1", "2026-11-20.1", "2026-11-21.1"]);

    assert_passes(&check(forked.path()));
    for day in &DAYS[1..] {
        let report = with_anchor(forked.path(), &manifest(folder.path(), day));
        assert_fails(&report, "anchor", &format!("a fork, for {PRINCIPAL} has signed both"));
        // Without the signature that was made with it, an anchor says only that the past is another.
        let alone = tempfile::tempdir().unwrap().keep().join("manifest.json");
        fs::copy(manifest(folder.path(), day), &alone).unwrap();
        assert_fails(&with_anchor(forked.path(), &alone), "anchor", "the past was rewritten");
        fs::remove_dir_all(alone.parent().unwrap()).unwrap();
    }
    // The first filing pins only the line of the allowed signers, which both have.
    let report = with_anchor(forked.path(), &manifest(folder.path(), DAYS[0]));
    assert_fails(&report, "anchor", "but filings/2026-11-18.1/report.csv in its place: a fork");
}

#[test]
fn a_series_made_anew_under_another_key_shows_only_against_a_pinned_key() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &DAYS);
    let pinned = tempfile::tempdir().unwrap();
    let signers = pinned.path().join("allowed_signers");
    fs::copy(folder.path().join("trust/allowed_signers.1"), &signers).unwrap();

    let forged = tempfile::tempdir().unwrap();
    let forger = SigningKey::from_seed([8; 32]);
    let series = Series::open_or_create(forged.path()).unwrap();
    found(&series, &forger);
    for day in DAYS {
        file(&series, id(day), &forger).unwrap();
    }
    drop(series);

    let options = Options { allowed_signers: Some(signers), ..Options::default() };
    assert_passes(&check(forged.path()));
    assert_passes(&verify(folder.path(), &options));
    let report = verify(forged.path(), &options);
    assert_fails(&report, "signature", "not among the allowed signers");
    assert!(report.signers.is_empty());
    assert!(report.filings.iter().all(|filing| !filing.passed));
}

#[test]
fn an_anchor_that_is_no_manifest_fails_in_words() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &DAYS[..1]);
    let report = with_anchor(folder.path(), &folder.path().join("LOG"));
    assert_fails(&report, "anchor", "not a manifest of a filing");
    let report = with_anchor(folder.path(), &folder.path().join("absent"));
    assert_fails(&report, "anchor", "No such file");
}

#[test]
fn a_report_reads_well_by_machines() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &DAYS[..1]);
    let report = check(folder.path());
    assert_eq!(report.signers[0].fingerprint, key().public_key().fingerprint());
    let json = cuadre_audit::canonical::to_line(&report).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["checks"][0]["verdict"], "passed");
    assert_eq!(json["filings"][0]["id"], DAYS[0]);
    assert_eq!(json["filings"][0]["signer"]["principal"], PRINCIPAL);
    assert_eq!(json["history"]["entries"], 5);
}
