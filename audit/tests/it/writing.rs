//! What the series lets a run do, and what it does not.

use std::fs;

use cuadre_audit::{ErrorKind, NewFiling, Series, Sha256Digest, SigningKey, Subject};

use crate::small_series::{
    ISSUED_AT, assert_passes, check, facts, file, file_all, found, founding, id, key, unsigned, write_files,
};

#[test]
fn one_process_writes_at_a_time_and_everybody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let first = Series::open_or_create(folder.path()).unwrap();
    let error = Series::open_or_create(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(Series::at(folder.path()).history().unwrap().entries, 0);
    drop(first);
    Series::open_or_create(folder.path()).unwrap();
}

#[test]
fn a_series_tells_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-21.1", "2026-11-20.1", "2026-11-21.2"]);
    let series = Series::at(folder.path());
    let ids: Vec<String> = series.filings().unwrap().iter().map(|f| f.id.to_string()).collect();
    assert_eq!(ids, ["2026-11-21.1", "2026-11-20.1", "2026-11-21.2"]);

    let date = id("2026-11-21.1").date();
    let latest = series.latest(date).unwrap().unwrap();
    assert_eq!(latest.id, id("2026-11-21.2"));
    let manifest = fs::read(series.folder(&latest.id).join("manifest.json")).unwrap();
    assert_eq!(latest.manifest, Sha256Digest::of(&manifest));
    assert_eq!(series.next(date).unwrap(), id("2026-11-21.3"));
    assert_eq!(series.latest(id("2026-11-22.1").date()).unwrap(), None);

    let log = fs::read(folder.path().join("LOG")).unwrap();
    let history = series.history().unwrap();
    assert_eq!(history.entries, 1 + 3 * 4);
    assert_eq!(history.sha256, Sha256Digest::of(&log));
    let report = check(folder.path());
    assert_passes(&report);
    assert_eq!(report.history, Some(history));
}

#[test]
fn the_same_filings_give_the_same_bytes() {
    let [one, two] = [(); 2].map(|()| {
        let folder = tempfile::tempdir().unwrap();
        file_all(folder.path(), &["2026-11-20.1", "2026-11-21.1"]);
        fs::read(folder.path().join("LOG")).unwrap()
    });
    assert_eq!(one, two);
}

#[test]
fn the_first_key_founds_the_trust_and_no_other_key_signs() {
    let folder = tempfile::tempdir().unwrap();
    let series = Series::open_or_create(folder.path()).unwrap();
    let unfounded = file(&series, id("2026-11-20.1"), &key()).unwrap_err();
    assert_eq!(unfounded.kind(), ErrorKind::Key, "{unfounded}");
    found(&series, &key());
    let again = series.install(&unsigned(&founding(&key()))).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict, "{again}");
    let check_trusted = |key: &SigningKey| series.check_trusted(&key.public_key(), ISSUED_AT.parse().unwrap());
    check_trusted(&key()).unwrap();

    let stranger = SigningKey::from_seed([8; 32]);
    for error in [check_trusted(&stranger).unwrap_err(), file(&series, id("2026-11-20.1"), &stranger).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Key);
        let fingerprint = stranger.public_key().fingerprint();
        assert!(error.to_string().contains(&fingerprint), "{error}");
    }
    file(&series, id("2026-11-20.1"), &key()).unwrap();
    assert_passes(&check(folder.path()));
}

#[test]
fn a_principal_is_one_plain_word() {
    for principal in ["", "a b", "a\nb", "*", "a,b", "a\"b", "# a"] {
        let mut trust = founding(&key());
        let error = trust.add(principal, &SigningKey::from_seed([8; 32]).public_key()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{principal:?}");
    }
}

#[test]
fn filings_of_a_day_are_numbered_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let series = Series::open_or_create(folder.path()).unwrap();
    for text in ["2026-11-20.1", "2026-11-20.3", "2026-11-21.2"] {
        let error = series.stage(id(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{text}: {error}");
    }
}

#[test]
fn a_predicate_that_does_not_fit_the_series_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let series = Series::open_or_create(folder.path()).unwrap();
    let next = id("2026-11-20.2");
    let good = facts(&series, next);
    let mut cases = Vec::new();
    let mut case = |change: &dyn Fn(&mut cuadre_audit::manifest::SeriesFacts)| {
        let mut facts = good.clone();
        change(&mut facts);
        cases.push(facts);
    };
    case(&|facts| facts.history.entries -= 1);
    case(&|facts| facts.history.sha256 = Sha256Digest::of(b""));
    case(&|facts| facts.filing.supersedes = None);
    case(&|facts| facts.filing.number = 3);
    case(&|facts| facts.business_date = "2026-11-21".parse().unwrap());
    for predicate in cases {
        let staging = series.stage(next).unwrap();
        let files = write_files(&series, &staging);
        let shown = format!("{predicate:?}");
        let filing = NewFiling { files, predicate_type: "urn:example:test:v1", predicate };
        let error = staging.seal(filing, &key()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{shown}: {error}");
    }
    file(&series, next, &key()).unwrap();
    assert_passes(&check(folder.path()));
}

#[test]
fn files_that_are_not_what_the_filing_says_are_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &[]);
    let series = Series::open_or_create(folder.path()).unwrap();
    let first = id("2026-11-20.1");
    type Change = fn(&std::path::Path, &mut Vec<Subject>);
    let cases: [(&str, Change); 6] = [
        ("changed", |path, _| fs::write(path.join("report.csv"), "x").unwrap()),
        ("missing", |path, _| fs::remove_file(path.join("report.csv")).unwrap()),
        ("unnamed", |path, _| fs::write(path.join("more.csv"), "x").unwrap()),
        ("unnamed folder", |path, _| fs::create_dir(path.join("more")).unwrap()),
        ("named twice", |_, files| files.push(files[0].clone())),
        ("not archived", |path, files| {
            let inputs = format!("{{\"sha256\":\"{}\"}}", Sha256Digest::of(b"never stored"));
            fs::write(path.join("inputs.json"), &inputs).unwrap();
            files[1].sha256 = Sha256Digest::of(inputs.as_bytes());
        }),
    ];
    for (what, change) in cases {
        let predicate = facts(&series, first);
        let staging = series.stage(first).unwrap();
        let mut files = write_files(&series, &staging);
        change(staging.path(), &mut files);
        let filing = NewFiling { files, predicate_type: "urn:example:test:v1", predicate };
        let committed = staging.seal(filing, &key()).and_then(|sealed| staging.commit(sealed));
        assert!(committed.is_err(), "{what}");
        assert!(!series.folder(&first).exists(), "{what}");
    }
    file(&series, first, &key()).unwrap();
    assert_passes(&check(folder.path()));
}
