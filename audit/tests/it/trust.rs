//! How trust changes: keys are added, rotated and revoked, and only who may vouch for it does so.

use std::fs;
use std::path::Path;

use cuadre_audit::keys::{MANIFEST_NAMESPACE, TRUST_NAMESPACE};
use cuadre_audit::signers::Entry;
use cuadre_audit::trust::{Calendar, Trust};
use cuadre_audit::verify::Options;
use cuadre_audit::{ErrorKind, History, Series, SeriesWriter, SigningKey, TrustFiles, verify};
use jiff::Timestamp;

use crate::small_series::{
    ISSUED_AT, assert_fails, assert_passes, check, copy, file, file_all, file_at, found, founding, id, key, unsigned,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn new_key() -> SigningKey {
    SigningKey::from_seed([8; 32])
}

fn root() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

/// A generation signed for `namespace` by `key`.
fn signed(trust: &Trust, key: &SigningKey, namespace: &str) -> TrustFiles {
    let files = unsigned(trust);
    let signature = key.sign(namespace, &files.signers).unwrap();
    TrustFiles { signature: Some(signature.into_bytes()), ..files }
}

fn root_signers() -> Vec<u8> {
    let entry = Entry {
        principal: "root@bank.example".to_owned(),
        namespaces: Some(vec![TRUST_NAMESPACE.to_owned()]),
        valid_after: None,
        valid_before: None,
        key: root().public_key(),
    };
    entry.line().unwrap().into_bytes()
}

/// Generation 1 for [`key`], vouched for by [`root`].
fn rooted() -> TrustFiles {
    let mut trust = founding(&key());
    trust.signers = founding_of_rooted();
    TrustFiles { root_signers: Some(root_signers()), ..signed(&trust, &root(), TRUST_NAMESPACE) }
}

fn founding_of_rooted() -> cuadre_audit::signers::AllowedSigners {
    let line = format!("a@b namespaces=\"{MANIFEST_NAMESPACE}\" {}\n", key().public_key());
    cuadre_audit::signers::AllowedSigners::parse(line.as_bytes()).unwrap()
}

/// The next generation: [`new_key`] in place of [`key`] from an instant on.
fn rotation(series: &Series, when: &str) -> Trust {
    let standing = series.standing().unwrap();
    let mut next = standing.trust.next(series.history().unwrap(), at(when)).unwrap();
    next.add("filings@bank.example", &new_key().public_key()).unwrap();
    next.retire(&key().public_key(), at(when)).unwrap();
    next
}

fn open(root: &Path) -> SeriesWriter {
    Series::open_or_create(root).unwrap()
}

const ROTATED_AT: &str = "2026-11-22T00:00:00Z";

#[test]
fn a_rotated_key_signs_no_more_whatever_time_it_claims() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let series = open(folder.path());
    series.install(&signed(&rotation(&series, ROTATED_AT), &key(), TRUST_NAMESPACE)).unwrap();
    assert_passes(&check(folder.path()));

    for time in [ISSUED_AT, ROTATED_AT] {
        let error = file_at(&series, id("2026-11-21.1"), &key(), time).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains("does not count at 2026-11-22T00:00:01Z"), "{error}");
    }
    file_at(&series, id("2026-11-21.1"), &new_key(), ROTATED_AT).unwrap();
    let report = check(folder.path());
    assert_passes(&report);
    let signers: Vec<&str> = report.filings.iter().map(|f| f.signer.as_ref().unwrap().fingerprint.as_str()).collect();
    assert_eq!(signers, [key(), new_key()].map(|key| key.public_key().fingerprint()));
    drop(series);
    open(folder.path());
}

#[test]
fn what_a_key_signed_since_it_was_stolen_counts_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let series = open(folder.path());
    found(&series, &key());
    file_at(&series, id("2026-11-20.1"), &key(), "2026-11-21T11:40:00Z").unwrap();
    file_at(&series, id("2026-11-21.1"), &key(), "2026-11-22T11:40:00Z").unwrap();
    let standing = series.standing().unwrap();
    let mut next = standing.trust.next(series.history().unwrap(), at("2026-11-23T09:00:00Z")).unwrap();
    next.add("filings@bank.example", &new_key().public_key()).unwrap();
    next.retire(&key().public_key(), at("2026-11-21T23:59:59Z")).unwrap();
    series.install(&signed(&next, &key(), TRUST_NAMESPACE)).unwrap();

    let report = check(folder.path());
    assert_fails(&report, "signature", "does not count at 2026-11-22T11:40:00Z: until 2026-11-21T23:59:59Z");
    assert_eq!(report.filings.iter().map(|filing| filing.passed).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn only_who_may_vouch_changes_trust() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let series = open(folder.path());
    let next = rotation(&series, ROTATED_AT);
    let own = series.standing().unwrap();
    let stranger = new_key();
    let other_series = Trust {
        history: next.history.map(|pinned| History { sha256: cuadre_audit::Sha256Digest::of(b"other"), ..pinned }),
        ..next.clone()
    };
    let skipped = Trust { generation: 3, ..next.clone() };
    let earlier = Trust { issued: Some(at("2026-11-21T11:39:59Z")), ..next.clone() };
    let calendar = Calendar::parse("06:00 UTC", []);
    let first = Trust { generation: 1, history: None, calendar, ..next.clone() };
    for (what, files, kind) in [
        ("unsigned", unsigned(&next), ErrorKind::Key),
        ("by a stranger", signed(&next, &stranger, TRUST_NAMESPACE), ErrorKind::Key),
        ("for manifests", signed(&next, &key(), MANIFEST_NAMESPACE), ErrorKind::Key),
        ("signature of another", TrustFiles { ..signed_as(&own.trust, &next) }, ErrorKind::Key),
        ("of another series", signed(&other_series, &key(), TRUST_NAMESPACE), ErrorKind::Conflict),
        ("skipping one", signed(&skipped, &key(), TRUST_NAMESPACE), ErrorKind::Conflict),
        ("going back in time", signed(&earlier, &key(), TRUST_NAMESPACE), ErrorKind::Conflict),
        ("the first again", signed(&first, &key(), TRUST_NAMESPACE), ErrorKind::Conflict),
        (
            "with a root",
            TrustFiles { root_signers: Some(root_signers()), ..signed(&next, &key(), TRUST_NAMESPACE) },
            ErrorKind::Conflict,
        ),
    ] {
        let before = fs::read(folder.path().join("LOG")).unwrap();
        let error = series.install(&files).unwrap_err();
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert_eq!(fs::read(folder.path().join("LOG")).unwrap(), before);

        // Put there by hand, it does not verify.
        let forged = tempfile::tempdir().unwrap();
        copy(folder.path(), forged.path());
        let name = if what == "skipping one" { "trust/allowed_signers.3" } else { "trust/allowed_signers.2" };
        let mut parts = vec![(name.to_owned(), files.signers)];
        parts.extend(files.signature.map(|bytes| (format!("{name}.sig"), bytes)));
        parts.extend(files.root_signers.map(|bytes| ("trust/root_signers".to_owned(), bytes)));
        append(forged.path(), parts);
        assert!(!check(forged.path()).passed(), "{what}");
    }
}

/// What `other` says, with the signature over `own`.
fn signed_as(own: &Trust, other: &Trust) -> TrustFiles {
    TrustFiles { signature: signed(own, &key(), TRUST_NAMESPACE).signature, ..unsigned(other) }
}

/// Adds files and their lines, the last first.
fn append(root: &Path, parts: Vec<(String, Vec<u8>)>) {
    let mut log = fs::read_to_string(root.join("LOG")).unwrap();
    for (name, bytes) in parts.into_iter().rev() {
        log += &format!("{}  {name}\n", cuadre_audit::Sha256Digest::of(&bytes));
        fs::write(root.join(name), bytes).unwrap();
    }
    fs::write(root.join("LOG"), log).unwrap();
}

#[test]
fn a_root_alone_vouches_for_the_trust_of_its_series() {
    let folder = tempfile::tempdir().unwrap();
    let series = open(folder.path());
    let unvouched = TrustFiles { signature: None, ..rooted() };
    assert_eq!(series.install(&unvouched).unwrap_err().kind(), ErrorKind::Key);
    series.install(&rooted()).unwrap();
    file(&series, id("2026-11-20.1"), &key()).unwrap();

    let next = rotation(&series, ROTATED_AT);
    let error = series.install(&signed(&next, &key(), TRUST_NAMESPACE)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key, "the key that signs filings does not vouch");
    series.install(&signed(&next, &root(), TRUST_NAMESPACE)).unwrap();
    file_at(&series, id("2026-11-21.1"), &new_key(), ROTATED_AT).unwrap();
    assert_passes(&check(folder.path()));
    let log = fs::read_to_string(folder.path().join("LOG")).unwrap();
    let trust: Vec<&str> = log.lines().map(|line| &line[66..]).filter(|path| path.starts_with("trust/")).collect();
    let second = ["trust/allowed_signers.2.sig", "trust/allowed_signers.2"];
    assert_eq!(
        trust,
        [&["trust/root_signers", "trust/allowed_signers.1.sig", "trust/allowed_signers.1"][..], &second].concat()
    );

    // The auditor's own copy of the root counts more than the series'.
    let kept = tempfile::tempdir().unwrap();
    let by = |root_signers: Vec<u8>| {
        let path = kept.path().join("root_signers");
        fs::write(&path, root_signers).unwrap();
        verify(folder.path(), &Options { root_signers: Some(path), ..Options::default() })
    };
    assert_passes(&by(root_signers()));
    let other = String::from_utf8(root_signers()).unwrap();
    let other = other.replace(&root().public_key().to_string(), &new_key().public_key().to_string());
    assert_fails(&by(other.into_bytes()), "trust", "not among the allowed signers");
    assert_fails(&by(Vec::new()), "trust", "not among the allowed signers");
    // A series without root has nobody vouch for its beginning.
    let without = tempfile::tempdir().unwrap();
    file_all(without.path(), &["2026-11-20.1"]);
    let path = kept.path().join("root_signers");
    fs::write(&path, root_signers()).unwrap();
    let report = verify(without.path(), &Options { root_signers: Some(path), ..Options::default() });
    assert_fails(&report, "trust", "nobody has signed it");
}

#[test]
fn a_generation_cut_short_by_a_crash_is_completed_or_undone() {
    let folder = tempfile::tempdir().unwrap();
    let series = open(folder.path());
    series.install(&rooted()).unwrap();
    file(&series, id("2026-11-20.1"), &key()).unwrap();
    let before = tempfile::tempdir().unwrap();
    copy(folder.path(), before.path());
    series.install(&signed(&rotation(&series, ROTATED_AT), &root(), TRUST_NAMESPACE)).unwrap();
    drop(series);
    let old = fs::read(before.path().join("LOG")).unwrap();
    let whole = fs::read(folder.path().join("LOG")).unwrap();

    for end in old.len()..whole.len() {
        fs::write(folder.path().join("LOG"), &whole[..end]).unwrap();
        assert!(!check(folder.path()).passed(), "cut at byte {end}");
        drop(open(folder.path()));
        assert_eq!(fs::read(folder.path().join("LOG")).unwrap(), whole, "cut at byte {end}");
        assert_passes(&check(folder.path()));
    }
    // Without the allowed signers, which come last, the generation is not there yet.
    fs::write(folder.path().join("LOG"), &old).unwrap();
    fs::remove_file(folder.path().join("trust/allowed_signers.2")).unwrap();
    drop(open(folder.path()));
    assert!(!folder.path().join("trust/allowed_signers.2.sig").exists());
    assert_passes(&check(folder.path()));

    // The founding, too.
    let first = tempfile::tempdir().unwrap();
    open(first.path()).install(&rooted()).unwrap();
    let whole = fs::read(first.path().join("LOG")).unwrap();
    for end in 0..whole.len() {
        fs::write(first.path().join("LOG"), &whole[..end]).unwrap();
        drop(open(first.path()));
        assert_eq!(fs::read(first.path().join("LOG")).unwrap(), whole, "cut at byte {end}");
    }
}

#[test]
fn a_generation_that_nobody_vouches_for_is_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1"]);
    let next = rotation(&Series::at(folder.path()), ROTATED_AT);
    fs::write(folder.path().join("trust/allowed_signers.2"), unsigned(&next).signers).unwrap();
    let error = Series::open_or_create(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(error.to_string().contains("nobody has signed it"), "{error}");
    assert_fails(&check(folder.path()), "strays", "LOG does not name it");
}

#[test]
fn days_without_a_filing_are_named_by_the_calendar() {
    let folder = tempfile::tempdir().unwrap();
    let series = open(folder.path());
    let mut trust = founding(&key());
    let closed = ["saturday", "sunday", "2026-11-25"].map(|day| day.parse().unwrap());
    trust.calendar = Calendar::parse("06:00 America/Mexico_City", closed);
    series.install(&unsigned(&trust)).unwrap();
    // 2026-11-20 is a Friday.
    for day in ["2026-11-20.1", "2026-11-23.1", "2026-11-27.1", "2026-12-02.1"] {
        file(&series, id(day), &key()).unwrap();
    }
    let report = check(folder.path());
    assert_passes(&report);
    let told = "calendar: 4 of 8 days without a filing: 2026-11-24, 2026-11-26, 2026-11-30 to 2026-12-01";
    assert_eq!(report.notes, [told]);
    let days: Vec<String> = report.missing_days.iter().map(ToString::to_string).collect();
    assert_eq!(days, ["2026-11-24", "2026-11-26", "2026-11-30", "2026-12-01"]);
    let through = |day: &str| {
        let through = Some(day.parse().unwrap());
        verify(folder.path(), &Options { through, ..Options::default() })
    };
    assert_passes(&through("2026-11-23"));
    assert_fails(&through("2026-11-24"), "calendar", "1 of 3 days without a filing: 2026-11-24");
    assert_fails(&through("2026-12-03"), "calendar", "2026-12-03");
}
