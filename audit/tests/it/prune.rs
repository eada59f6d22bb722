//! What filings name is known in full, or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cuadre_audit::prune::{Kind, named};
use cuadre_audit::{ErrorKind, Hold, Series, Sha256Digest};

use crate::small_series::{copy, file_all};

fn series() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1", "2026-11-20.2", "2026-11-21.1"]);
    folder
}

/// Every object that lies in the archive.
fn archived(root: &Path) -> BTreeSet<Sha256Digest> {
    let mut found = BTreeSet::new();
    for folder in fs::read_dir(root.join("archive/sha256")).unwrap() {
        for object in fs::read_dir(folder.unwrap().path()).unwrap() {
            let object = object.unwrap().path();
            let path = object.strip_prefix(root).unwrap().display().to_string();
            let Kind::Object(digest) = Kind::of_archived(&path) else { panic!("{path}") };
            found.insert(digest);
        }
    }
    found
}

#[test]
fn every_object_of_a_filing_is_named_and_no_other_is() {
    let folder = series();
    let whole = archived(folder.path());
    assert_eq!(named(folder.path(), &[]).unwrap(), whole);
    let extra = Series::at(folder.path()).archive().put_bytes(b"of no filing").unwrap().digest;
    assert!(!named(folder.path(), &[]).unwrap().contains(&extra));

    let list = format!("{{\"inputs\":[{{\"sha256\":\"{extra}\"}}]}}\n");
    let list = Series::at(folder.path()).archive().put_bytes(list.as_bytes()).unwrap().digest;
    let with_claim = named(folder.path(), &[list]).unwrap();
    assert!(with_claim.contains(&extra) && with_claim.contains(&list));
    assert_eq!(with_claim.len(), whole.len() + 2);
}

#[test]
fn a_filing_that_is_not_in_the_history_yet_names_its_objects() {
    let folder = series();
    let whole = named(folder.path(), &[]).unwrap();
    let log = fs::read_to_string(folder.path().join("LOG")).unwrap();
    let last = log.find("  filings/2026-11-21.1").unwrap() - 64;
    for end in last..log.len() {
        fs::write(folder.path().join("LOG"), &log[..end]).unwrap();
        assert_eq!(named(folder.path(), &[]).unwrap(), whole, "cut at byte {end}");
    }
}

/// Each file that tells what is named, gone, cut, and changed in one byte.
#[test]
fn nothing_is_known_of_a_series_that_is_damaged() {
    let pristine = series();
    let ids = ["2026-11-20.1", "2026-11-20.2", "2026-11-21.1"];
    let files = ids.iter().flat_map(|id| ["manifest.json", "inputs.json"].map(|name| format!("filings/{id}/{name}")));
    for name in files.chain(["LOG".to_owned()]) {
        let bytes = fs::read(pristine.path().join(&name)).unwrap();
        for change in ["gone", "cut", "other"] {
            let folder = tempfile::tempdir().unwrap();
            copy(pristine.path(), folder.path());
            let path = folder.path().join(&name);
            match change {
                "gone" => fs::remove_file(&path).unwrap(),
                // Of LOG, lines in the middle.
                "cut" if name == "LOG" => {
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    let lines: Vec<&str> = text.split_inclusive('\n').collect();
                    fs::write(&path, [&lines[..4], &lines[5..]].concat().concat()).unwrap();
                    fs::remove_dir_all(folder.path().join("filings/2026-11-20.1")).unwrap();
                }
                "cut" => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                _ => {
                    let mut bytes = bytes.clone();
                    // A digit of a digest, in each of these files.
                    let at = bytes.windows(64).position(|text| text.iter().all(u8::is_ascii_hexdigit)).unwrap();
                    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
                    fs::write(&path, bytes).unwrap();
                }
            }
            let error = named(folder.path(), &[]).expect_err(&format!("{name} {change}"));
            assert_eq!(error.kind(), ErrorKind::Damaged, "{name} {change}: {error}");
        }
    }
}

#[test]
fn whoever_holds_a_series_holds_it_alone() {
    let folder = series();
    let hold = Hold::take(folder.path()).unwrap();
    assert_eq!(Series::open_or_create(folder.path()).unwrap_err().kind(), ErrorKind::Locked);
    drop(hold);
    let series = Series::open_or_create(folder.path()).unwrap();
    assert_eq!(Hold::take(folder.path()).unwrap_err().kind(), ErrorKind::Locked);
    drop(series);
}
