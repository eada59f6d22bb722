//! A series of a few filings, each of a few dozen bytes, always the same.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::manifest::{Place, SeriesFacts, Superseded};
use cuadre_audit::trust::{Calendar, Founding, Trust};
use cuadre_audit::verify::Options;
use cuadre_audit::{
    Error, Filed, FilingId, NewFiling, Report, Series, SeriesWriter, Sha256Digest, SigningKey, Staging, Subject,
    TrustFiles, verify,
};

pub const PRINCIPAL: &str = "filings@bank.example";

pub fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

pub fn id(text: &str) -> FilingId {
    text.parse().unwrap()
}

/// When everything is issued.
pub const ISSUED_AT: &str = "2026-11-21T11:40:00Z";

/// What a series begins with that `key` founds, without root or time stamps.
pub fn founding(key: &SigningKey) -> Trust {
    Trust::found(Founding {
        principal: PRINCIPAL.to_owned(),
        key: key.public_key(),
        rooted: false,
        issued: ISSUED_AT.parse().unwrap(),
        calendar: Calendar::parse("06:00 America/Mexico_City", []).unwrap(),
        authorities: Vec::new(),
    })
}

/// A generation of trust as it is installed where nobody has to vouch for it.
pub fn unsigned(trust: &Trust) -> TrustFiles {
    TrustFiles { signers: trust.to_text().unwrap().into_bytes(), ..TrustFiles::default() }
}

/// Founds the series with `key`, unless it has been.
pub fn found(series: &SeriesWriter, key: &SigningKey) {
    if series.is_new().unwrap() {
        series.install(&unsigned(&founding(key))).unwrap();
    }
}

/// Files one filing after another, with [`key`].
pub fn file_all(root: &Path, ids: &[&str]) {
    let series = Series::open_or_create(root).unwrap();
    found(&series, &key());
    for text in ids {
        file(&series, id(text), &key()).unwrap();
    }
}

/// Files one filing that is made from two archived objects.
pub fn file(series: &SeriesWriter, id: FilingId, key: &SigningKey) -> Result<Filed, Error> {
    file_at(series, id, key, ISSUED_AT)
}

/// The same, with a time of issue.
pub fn file_at(series: &SeriesWriter, id: FilingId, key: &SigningKey, issued_at: &str) -> Result<Filed, Error> {
    let facts = SeriesFacts { issued_at: issued_at.parse().unwrap(), ..facts(series, id) };
    let staging = series.stage(id)?;
    let files = write_files(series, &staging);
    let filing = NewFiling { files, predicate_type: "urn:example:test:v1", predicate: facts };
    let sealed = staging.seal(filing, key)?;
    staging.commit(sealed)
}

/// Puts two objects into the archive and two files into the folder.
pub fn write_files(series: &SeriesWriter, staging: &Staging<'_>) -> Vec<Subject> {
    let archive = series.archive();
    let extract = archive.put_bytes(format!("extract {}\n", staging.id()).as_bytes()).unwrap();
    let config = archive.put_bytes(b"config\n").unwrap();
    let inputs = format!(
        "{{\"config\":{{\"sha256\":\"{}\"}},\"inputs\":[{{\"sha256\":\"{}\"}}]}}\n",
        config.digest, extract.digest
    );
    let report = format!("date,amount\n{},10.00\n", staging.id().date());
    let write = |name: &str, content: &str| {
        fs::write(staging.path().join(name), content).unwrap();
        Subject { name: name.to_owned(), sha256: Sha256Digest::of(content.as_bytes()) }
    };
    vec![write("report.csv", &report), write("inputs.json", &inputs)]
}

/// What the predicate of the next filing must say.
pub fn facts(series: &Series, id: FilingId) -> SeriesFacts {
    let latest = series.latest(id.date()).unwrap();
    SeriesFacts {
        business_date: id.date(),
        issued_at: ISSUED_AT.parse().unwrap(),
        filing: Place { number: id.number(), supersedes: latest.map(|filed| Superseded { sha256: filed.manifest }) },
        history: series.history().unwrap(),
    }
}

pub fn check(root: &Path) -> Report {
    verify(root, &Options::default())
}

#[track_caller]
pub fn assert_passes(report: &Report) {
    assert!(report.passed(), "{:#?}", report.first_failure());
}

/// Fails, and says so in these words.
#[track_caller]
pub fn assert_fails(report: &Report, check: &str, words: &str) {
    let failures: Vec<_> =
        report.checks.iter().filter(|c| c.verdict == cuadre_audit::verify::Verdict::Failed).collect();
    assert!(
        failures.iter().any(|c| c.name == check && c.detail.contains(words)),
        "no failure of {check} says {words:?}: {failures:#?}"
    );
}

/// Every regular file below a folder, relative to it, in order.
pub fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(root).unwrap().to_owned()),
            }
        }
    }
    found.sort();
    found
}

pub fn copy(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&file), target).unwrap();
    }
}
