//! Whatever is changed in a series, verification notices.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cuadre_audit::Archive;
use tempfile::TempDir;

use crate::small_series::{assert_fails, assert_passes, check, copy, file_all, files_below};

fn series() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1", "2026-11-20.2"]);
    let report = check(folder.path());
    assert_passes(&report);
    assert_eq!(report.filings.len(), 2);
    assert!(report.filings.iter().all(|filing| filing.passed));
    assert!(report.notes.is_empty());
    folder
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = files_below(root);
    files.retain(|path| path != Path::new("LOCK"));
    files
}

/// A file and the content it is given instead of its own.
type Change = (PathBuf, Vec<u8>);

#[test]
fn every_changed_byte_is_noticed() {
    let folder = series();
    let mut changes = Vec::new();
    for file in files(folder.path()) {
        let good = fs::read(folder.path().join(&file)).unwrap();
        for (index, &byte) in good.iter().enumerate() {
            for other in BTreeSet::from([byte ^ 1 << (index % 8), b' ', b'\n']) {
                let mut bad = good.clone();
                bad[index] = other;
                changes.push((file.clone(), bad));
            }
        }
    }
    all_are_noticed(folder.path(), changes);
}

#[test]
fn every_cut_and_every_addition_is_noticed() {
    let folder = series();
    let mut changes = Vec::new();
    for file in files(folder.path()) {
        let good = fs::read(folder.path().join(&file)).unwrap();
        changes.extend((0..good.len()).map(|end| (file.clone(), good[..end].to_vec())));
        for added in [&b"\0"[..], b"\n", b" ", b"# a comment\n"] {
            changes.push((file.clone(), [&good, added].concat()));
            changes.push((file.clone(), [added, &good].concat()));
        }
    }
    all_are_noticed(folder.path(), changes);
}

#[test]
fn every_line_of_the_log_deleted_doubled_swapped_or_inserted_is_noticed() {
    let folder = series();
    let log = PathBuf::from("LOG");
    let text = fs::read_to_string(folder.path().join(&log)).unwrap();
    let good: Vec<&str> = text.split_inclusive('\n').collect();
    let mut orders = Vec::new();
    for index in 0..good.len() {
        let mut fewer = good.clone();
        fewer.remove(index);
        orders.push(fewer);
        for other in 0..=good.len() {
            let mut more = good.clone();
            more.insert(other, good[index]);
            orders.push(more);
        }
        for other in 0..index {
            let mut swapped = good.clone();
            swapped.swap(index, other);
            orders.push(swapped);
        }
        for cut in [&good[..index], &good[index + 1..]] {
            orders.push(cut.to_vec());
        }
    }
    let changes: Vec<Change> = orders
        .into_iter()
        .filter(|order| *order != good)
        .map(|order| (log.clone(), order.concat().into_bytes()))
        .collect();
    all_are_noticed(folder.path(), changes);
}

#[test]
fn every_deleted_file_is_noticed() {
    let folder = series();
    for file in files(folder.path()) {
        let path = folder.path().join(&file);
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!check(folder.path()).passed(), "{} is gone", file.display());
        fs::write(&path, good).unwrap();
    }
    assert_passes(&check(folder.path()));
}

#[test]
fn every_file_behind_a_symbolic_link_is_noticed() {
    let folder = series();
    let elsewhere = tempfile::tempdir().unwrap();
    let kept = elsewhere.path().join("kept");
    for file in files(folder.path()) {
        let path = folder.path().join(&file);
        fs::copy(&path, &kept).unwrap();
        fs::remove_file(&path).unwrap();
        symlink(&kept, &path).unwrap();
        assert!(!check(folder.path()).passed(), "{} is a link", file.display());
        fs::remove_file(&path).unwrap();
        fs::copy(&kept, &path).unwrap();
    }
    assert_passes(&check(folder.path()));
}

#[test]
fn every_file_that_nobody_filed_is_noticed() {
    let folder = series();
    for stray in [
        "notes.txt",
        "trust/allowed_signers.2",
        "filings/README",
        "filings/2026-11-20.1/more.csv",
        "filings/2026-11-20.1/.hidden",
        "filings/2026-11-20.1/sub/more.csv",
        "filings/2026-11-20.3/manifest.json",
        "filings/2026-11-20/report.csv",
        "archive/README",
        "archive/sha256/README",
        "archive/sha256/zz/README",
        "archive/sha512/README",
        "other/file",
    ] {
        let path = folder.path().join(stray);
        let parent = path.parent().unwrap();
        let created = !parent.exists();
        fs::create_dir_all(parent).unwrap();
        fs::write(&path, "stray").unwrap();
        assert!(!check(folder.path()).passed(), "{stray}");
        fs::remove_file(&path).unwrap();
        if created {
            assert!(!check(folder.path()).passed(), "the empty folder of {stray}");
            fs::remove_dir(parent).unwrap();
        }
    }
    assert_passes(&check(folder.path()));
}

#[test]
fn what_is_no_regular_file_is_noticed_and_never_opened() {
    let folder = series();
    let socket = folder.path().join("archive/sha256/socket");
    let listener = UnixListener::bind(&socket).unwrap();
    assert_fails(&check(folder.path()), "archive", "does not belong");
    drop(listener);
    fs::remove_file(&socket).unwrap();

    let nameless = folder.path().join(OsStr::from_bytes(b"filings/\xff"));
    fs::write(&nameless, "").unwrap();
    assert_fails(&check(folder.path()), "strays", "not UTF-8");
    fs::remove_file(&nameless).unwrap();
    assert_passes(&check(folder.path()));
}

#[test]
fn large_objects_are_checked_whichever_thread_reads_them() {
    let folder = series();
    let archive = Archive::new(folder.path());
    let digests = [1, 2, 3].map(|fill| archive.put_bytes(&vec![fill; 6 << 20]).unwrap().digest);
    assert_passes(&check(folder.path()));
    for digest in digests {
        let path = archive.path_of(digest);
        let mut bytes = fs::read(&path).unwrap();
        bytes[5 << 20] ^= 1;
        overwrite(&path, &bytes);
        assert_fails(&check(folder.path()), "archive", "its content has");
        bytes[5 << 20] ^= 1;
        overwrite(&path, &bytes);
    }
}

#[test]
fn an_object_in_the_wrong_folder_of_the_archive_is_noticed() {
    let folder = series();
    let object = files(folder.path()).remove(2);
    assert!(object.starts_with("archive/sha256"), "{}", object.display());
    let wrong = folder.path().join("archive/sha256/00");
    fs::create_dir(&wrong).unwrap();
    fs::copy(folder.path().join(&object), wrong.join(object.file_name().unwrap())).unwrap();
    assert_fails(&check(folder.path()), "archive", "its content has");
}

#[test]
fn what_is_being_prepared_is_a_note_and_no_part_of_the_series() {
    let folder = series();
    let staging = folder.path().join("filings/.staging-2026-11-21.1");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("report.csv"), "half").unwrap();
    fs::write(folder.path().join("archive/.incoming-1-0"), "half").unwrap();
    let report = check(folder.path());
    assert_passes(&report);
    assert_eq!(report.filings.len(), 2);
    assert_eq!(
        report.notes,
        [
            "filings/.staging-2026-11-21.1 is being prepared and is no filing",
            "archive/.incoming-1-0 is being received and is no object",
        ]
    );
}

#[test]
fn a_folder_that_is_no_series_fails_in_words() {
    let folder = tempfile::tempdir().unwrap();
    for root in [folder.path().to_owned(), folder.path().join("absent"), "/dev/null".into()] {
        assert_fails(&check(&root), "log", "there is no such file");
    }
}

/// Makes each change to a copy of the series, one at a time.
fn all_are_noticed(original: &Path, changes: Vec<Change>) {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(2, |n| n.get());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                copy(original, folder.path());
                while let Some((file, bad)) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let path = folder.path().join(file);
                    let good = fs::read(&path).unwrap();
                    if good == *bad {
                        continue;
                    }
                    overwrite(&path, bad);
                    assert!(
                        !check(folder.path()).passed(),
                        "{} became {:?}",
                        file.display(),
                        String::from_utf8_lossy(bad)
                    );
                    overwrite(&path, &good);
                }
                assert_passes(&check(folder.path()));
            });
        }
    });
    println!("{} changes, all noticed", changes.len());
}

/// In place: some file systems flush a file that was first cut to nothing, which takes thousands of
/// times as long.
fn overwrite(path: &Path, content: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(content).unwrap();
    file.set_len(content.len() as u64).unwrap();
}
