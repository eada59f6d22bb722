//! Every byte of every file, and every file as a whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use cuadre_audit::verify::{Options, verify};

use super::series::{Draft, whole};
use super::{on_two_threads, script, some, tools_are_there};

/// One thing done to one file.
struct Change {
    file: String,
    what: String,
    content: Option<Vec<u8>>,
    /// Whether the script is asked, too.
    by_both: bool,
}

/// The changes that one of the two does not notice, each tried alone on a thread's own copy.
fn unnoticed(series: &Draft, changes: &[Change]) -> Vec<String> {
    on_two_threads(changes, || {
        let copied = tempfile::tempdir().expect("a folder");
        series.write(copied.path());
        move |change: &Change| {
            let path = copied.path().join(&change.file);
            match &change.content {
                Some(changed) => rewrite(&path, changed),
                None => fs::remove_file(&path).expect("a file is deleted"),
            }
            let mut passes = Vec::new();
            if verify(copied.path(), &Options::default()).passed() {
                passes.push("verify");
            }
            if change.by_both && script(copied.path(), &Options::default(), &["-q"]).0 {
                passes.push("the script");
            }
            rewrite(&path, &series.0[&change.file]);
            (!passes.is_empty()).then(|| format!("{}: {}: passes {}", change.file, change.what, passes.join(" and ")))
        }
    })
}

/// Writes over what is there: file systems hurry to disk with what is truncated first.
fn rewrite(path: &Path, content: &[u8]) {
    let mut file = File::options().write(true).create(true).truncate(false).open(path).expect("a file is opened");
    file.write_all(content).expect("a file is written");
    file.set_len(content.len() as u64).expect("a file has its length");
}

#[test]
fn every_byte_counts_for_both() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let stride = some(11);
    let mut changes = Vec::new();
    for (file, content) in &series.0 {
        for offset in 0..content.len() {
            // The end of LOG is pinned by nothing: there what turns `a` into `A` is tried as well.
            let one = 1 << (offset % 8);
            let flips = if file == "LOG" && one != 0x20 { vec![one, 0x20] } else { vec![one] };
            for flip in flips {
                let mut content = content.clone();
                content[offset] ^= flip;
                let (file, what) = (file.clone(), format!("byte {offset} ^ {flip:#04x}"));
                let by_both = changes.len() % stride == 0;
                changes.push(Change { file, what, content: Some(content), by_both });
            }
        }
    }
    assert!(changes.len() > 10_000, "{}", changes.len());
    assert_eq!(unnoticed(series, &changes), [""; 0]);
}

#[test]
fn every_file_counts_for_both() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let mut changes = Vec::new();
    for (file, content) in &series.0 {
        let mut change = |what: String, content| {
            changes.push(Change { file: file.clone(), what, content, by_both: true });
        };
        change("deleted".to_owned(), None);
        for (what, content) in [
            ("emptied", &b""[..]),
            ("without its last byte", &content[..content.len() - 1]),
            ("without its second half", &content[..content.len() / 2]),
            ("without its first byte", &content[1..]),
            ("with one byte more", &[content, &b"\n"[..]].concat()),
            ("twice", &[&content[..], content].concat()),
        ] {
            change(what.to_owned(), Some(content.to_vec()));
        }
        for (n, (other, other_content)) in series.0.iter().enumerate() {
            if content != other_content && (n + file.len()) % some(3) == 0 {
                change(format!("with the content of {other}"), Some(other_content.clone()));
            }
        }
    }
    assert_eq!(unnoticed(series, &changes), [""; 0]);
}
