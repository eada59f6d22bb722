//! A crash at any point leaves a series that the next opening makes whole, or refuses in words.

use std::fs;
use std::path::Path;

use cuadre_audit::{ErrorKind, Series};

use crate::small_series::{ISSUED_AT, assert_fails, assert_passes, check, copy, file, file_all, id, key};

#[test]
fn lines_cut_at_any_byte_after_the_rename_are_completed() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let before = fs::read(folder.path().join("LOG")).unwrap();
    file_all(folder.path(), &["2026-11-20.2"]);
    let whole = fs::read(folder.path().join("LOG")).unwrap();

    for end in before.len()..whole.len() {
        fs::write(folder.path().join("LOG"), &whole[..end]).unwrap();
        assert!(!check(folder.path()).passed(), "cut at byte {end}");
        let series = Series::open_or_create(folder.path()).unwrap();
        assert_eq!(series.recovered(), Some(id("2026-11-20.2")), "cut at byte {end}");
        drop(series);
        assert_eq!(fs::read(folder.path().join("LOG")).unwrap(), whole, "cut at byte {end}");
        assert_passes(&check(folder.path()));
    }
    assert_eq!(Series::open_or_create(folder.path()).unwrap().recovered(), None);
}

#[test]
fn the_founding_line_cut_at_any_byte_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &[]);
    let whole = fs::read(folder.path().join("LOG")).unwrap();
    for end in 0..whole.len() {
        fs::write(folder.path().join("LOG"), &whole[..end]).unwrap();
        drop(Series::open_or_create(folder.path()).unwrap());
        assert_eq!(fs::read(folder.path().join("LOG")).unwrap(), whole);
    }
    fs::remove_file(folder.path().join("LOG")).unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    assert_passes(&check(folder.path()));
}

#[test]
fn what_was_being_prepared_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let series = Series::open_or_create(folder.path()).unwrap();
    let left = folder.path().join("filings/.staging-2026-11-20.2");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("report.csv"), "half").unwrap();
    let staging = series.stage(id("2026-11-20.2")).unwrap();
    assert_eq!(staging.path(), left);
    assert_eq!(fs::read_dir(&left).unwrap().count(), 0, "staging begins empty");
    drop(staging);
    assert!(!left.exists(), "a filing that did not come about leaves nothing");
    drop(series);
    fs::create_dir(&left).unwrap();
    fs::write(left.join("report.csv"), "half").unwrap();
    fs::write(folder.path().join("archive/.incoming-1-0"), "half").unwrap();
    fs::write(folder.path().join("trust/.staging-allowed_signers.1"), "half").unwrap();

    drop(Series::open_or_create(folder.path()).unwrap());
    assert!(!left.exists());
    let report = check(folder.path());
    assert_passes(&report);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

/// A folder with its final name and no lines, changed in one way that no crash explains.
#[test]
fn a_filing_that_does_not_deserve_its_lines_gets_none() {
    let pristine = tempfile::tempdir().unwrap();
    file_all(pristine.path(), &["2026-11-20.1"]);
    let before = fs::read(pristine.path().join("LOG")).unwrap();
    file_all(pristine.path(), &["2026-11-20.2"]);
    let pending = "filings/2026-11-20.2";
    type Harm = fn(&Path);
    let cases: [(&str, Harm); 7] = [
        ("SHA-256", |filing| fs::write(filing.join("report.csv"), "x").unwrap()),
        ("manifest does not name", |filing| fs::write(filing.join("more"), "x").unwrap()),
        ("report.csv", |filing| fs::remove_file(filing.join("report.csv")).unwrap()),
        ("manifest.json.sig", |filing| fs::remove_file(filing.join("manifest.json.sig")).unwrap()),
        ("signature does not count", |filing| {
            let other = filing.join("../2026-11-20.1/manifest.json.sig");
            fs::copy(other, filing.join("manifest.json.sig")).unwrap();
        }),
        ("not canonical", |filing| {
            let manifest = fs::read_to_string(filing.join("manifest.json")).unwrap();
            fs::write(filing.join("manifest.json"), manifest + "\n").unwrap();
        }),
        ("begin with the history", |filing| {
            let log = filing.join("../../LOG");
            let text = fs::read_to_string(&log).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            fs::write(log, lines[..lines.len() - 1].concat()).unwrap();
            fs::remove_dir_all(filing.join("../2026-11-20.1")).unwrap();
        }),
    ];
    for (words, harm) in cases {
        let folder = tempfile::tempdir().unwrap();
        copy(pristine.path(), folder.path());
        fs::write(folder.path().join("LOG"), &before).unwrap();
        harm(&folder.path().join(pending));
        let log = fs::read(folder.path().join("LOG")).unwrap();
        let error = Series::open_or_create(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert_eq!(fs::read(folder.path().join("LOG")).unwrap(), log, "{words}");
    }
}

#[test]
fn an_end_of_the_log_that_no_filing_explains_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let log = folder.path().join("LOG");
    let whole = fs::read_to_string(&log).unwrap();
    for bad in [format!("{whole}0"), format!("{whole}\n"), format!("{whole}0  x\n")] {
        fs::write(&log, bad).unwrap();
        let error = Series::open_or_create(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    }
}

#[test]
fn nothing_is_signed_on_a_history_that_is_not_whole() {
    type Harm = fn(&Path);
    let cases: [(&str, Harm); 4] = [
        ("the past is rewritten", |root| {
            let log = fs::read_to_string(root.join("LOG")).unwrap();
            let swapped: Vec<&str> = log.split_inclusive('\n').collect();
            let mut swapped = swapped;
            swapped.swap(1, 2);
            fs::write(root.join("LOG"), swapped.concat()).unwrap();
        }),
        ("a line is added", |root| {
            let mut log = fs::read_to_string(root.join("LOG")).unwrap();
            log += &"0".repeat(64);
            log += "  filings/2026-11-20.2/more.csv\n";
            fs::write(root.join("LOG"), log).unwrap();
        }),
        ("a file of the last filing is changed", |root| {
            fs::write(root.join("filings/2026-11-20.2/report.csv"), "x").unwrap();
        }),
        ("the allowed signers are changed", |root| {
            let path = root.join("trust/allowed_signers.1");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, format!("# {text}\n{text}")).unwrap();
        }),
    ];
    for (what, harm) in cases {
        let folder = tempfile::tempdir().unwrap();
        file_all(folder.path(), &["2026-11-20.1", "2026-11-20.2"]);
        harm(folder.path());
        let log = fs::read(folder.path().join("LOG")).unwrap();
        let series = Series::open_or_create(folder.path()).unwrap();
        let error = file(&series, id("2026-11-21.1"), &key()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}");
        assert_eq!(fs::read(folder.path().join("LOG")).unwrap(), log, "{what}");
    }
}

#[test]
fn a_run_that_could_not_write_its_lines_files_nothing_else_before_them() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let log = folder.path().join("LOG");
    let before = fs::read(&log).unwrap();
    let series = Series::open_or_create(folder.path()).unwrap();
    file(&series, id("2026-11-21.1"), &key()).unwrap();
    fs::write(&log, &before).unwrap();

    let error = file(&series, id("2026-11-22.1"), &key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(fs::read(&log).unwrap(), before);
    drop(series);
    file_all(folder.path(), &["2026-11-22.1"]);
    let report = check(folder.path());
    assert_passes(&report);
    assert_eq!(report.filings.len(), 3);
}

#[test]
fn two_folders_without_lines_are_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1", "2026-11-20.2"]);
    let log = fs::read_to_string(folder.path().join("LOG")).unwrap();
    let first = log.split_inclusive('\n').next().unwrap();
    fs::write(folder.path().join("LOG"), first).unwrap();
    let error = Series::open_or_create(folder.path()).unwrap_err();
    assert!(error.to_string().contains("at most one"), "{error}");
    assert_fails(&check(folder.path()), "strays", "LOG does not name it");
    let series = Series::at(folder.path());
    series.check_trusted(&key().public_key(), ISSUED_AT.parse().unwrap()).unwrap();
}
