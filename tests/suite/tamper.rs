//! Whatever is changed in a series, `verify` finds it: every file, every line of LOG. (Every byte: `two_verifiers`.)

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cuadre_audit::layout::LOCK;
use cuadre_audit::verify::{Options, verify};
use cuadre_tests::{Done, Place};

/// What is filed: two days, the second of them twice.
pub const DAYS: [&str; 3] = ["2026-11-20", "2026-11-21", "2026-11-21"];

/// A configuration as short as can be: every byte of it is flipped.
const CONFIG: &str = r#"institution = "C"
series = "s"
deadline = "06:00"
currency = "MXN"
signing = { key = "key", principal = "a@b" }
end_to_end = { key = ["id"] }
report = { columns = [{ field = "amount" }] }
[warehouse.files]
files = "w-{date}"
format = "csv"
columns = { source = "s", id = "i", amount = "a" }
[[source]]
id = "a"
extract = { files = "a-{date}", format = "csv", columns = { id = "i", amount = "a" } }
"#;

/// A series of these days in the folder `filings` of a place, made by the binary.
pub fn series(days: &[&str]) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", CONFIG);
    for (n, day) in days.iter().enumerate() {
        place.write(&format!("a-{day}"), format!("i,a\n1,{n}\n"));
        place.write(&format!("w-{day}"), format!("s,i,a\na,1,{n}\na,2,1\n"));
        let done = place.cuadre(["run", "--config", "cuadre.toml", "--date", day, "--reason", "a late record"]);
        assert_eq!(done.code, 3, "{}", done.stderr);
    }
    let done = place.cuadre(["verify", "filings"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    place
}

fn passes(series: &Path) -> bool {
    verify(series, &Options::default()).passed()
}

/// Every file of the series but the lock, which holds nothing.
fn contents(place: &Place) -> Vec<(String, Vec<u8>)> {
    place.files("filings").into_iter().filter(|(name, _)| name != LOCK).collect()
}

fn copy(files: &[(String, Vec<u8>)], to: &Path) {
    for (name, content) in files {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders are made");
        fs::write(path, content).expect("a file is written");
    }
}

/// One thing done to one file of a series.
struct Change {
    file: usize,
    what: String,
    content: Option<Vec<u8>>,
}

/// Tries every change alone, each thread on a copy of its own; the changes that went unnoticed.
fn unnoticed(files: &[(String, Vec<u8>)], changes: &[Change]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let copied = tempfile::tempdir().expect("a folder");
        copy(files, copied.path());
        assert!(passes(copied.path()));
        let mut unnoticed = Vec::new();
        while let Some(change) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (name, content) = &files[change.file];
            let path = copied.path().join(name);
            match &change.content {
                Some(changed) => rewrite(&path, changed),
                None => fs::remove_file(&path).expect("a file is deleted"),
            }
            if passes(copied.path()) {
                unnoticed.push(format!("{name}: {}", change.what));
            }
            rewrite(&path, content);
        }
        assert!(passes(copied.path()));
        unnoticed
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread ends")).collect()
    })
}

/// Writes over what is there: file systems hurry to disk with what is truncated first.
fn rewrite(path: &Path, content: &[u8]) {
    let mut file = File::options().write(true).create(true).truncate(false).open(path).expect("a file is opened");
    file.write_all(content).expect("a file is written");
    file.set_len(content.len() as u64).expect("a file has its length");
}

#[test]
fn every_file_counts() {
    let files = contents(&series(&DAYS));
    let mut changes = Vec::new();
    for (file, (name, content)) in files.iter().enumerate() {
        let mut change = |what: &str, content| changes.push(Change { file, what: what.to_owned(), content });
        if !is_archived_list_of_inputs(name, content) {
            change("deleted", None);
        }
        change("emptied", Some(Vec::new()));
        change("without its last byte", Some(content[..content.len() - 1].to_vec()));
        change("without its second half", Some(content[..content.len() / 2].to_vec()));
        change("without its first byte", Some(content[1..].to_vec()));
        change("with one byte more", Some([content, &b"\n"[..]].concat()));
        change("twice", Some([&content[..], content].concat()));
        for (other, (other_name, other_content)) in files.iter().enumerate() {
            if other != file && content != other_content {
                change(&format!("with the content of {other_name}"), Some(other_content.clone()));
            }
        }
    }
    assert_eq!(unnoticed(&files, &changes), [""; 0]);
}

/// A filing is made again from the archived copy of its `inputs.json`.
fn is_archived_list_of_inputs(name: &str, content: &[u8]) -> bool {
    name.starts_with("archive/") && content.starts_with(b"{\"businessDate\":")
}

#[test]
fn every_archived_list_of_inputs_counts() {
    let files = contents(&series(&DAYS));
    let lists = files.iter().enumerate().filter(|(_, (name, content))| is_archived_list_of_inputs(name, content));
    let deleted = |(file, _)| Change { file, what: "deleted".to_owned(), content: None };
    let changes: Vec<Change> = lists.map(deleted).collect();
    assert_eq!(changes.len(), DAYS.len());
    assert_eq!(unnoticed(&files, &changes), [""; 0]);
}

#[test]
fn every_line_of_the_history_counts() {
    let files = contents(&series(&DAYS));
    let log = files.iter().position(|(name, _)| name == "LOG").expect("the history");
    let text = String::from_utf8(files[log].1.clone()).expect("text");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // The trust; 9 files a filing, the changes of the second of one day, and what is open in two of them.
    assert_eq!(lines.len(), 1 + 9 * DAYS.len() + 1 + 2);
    let mut changes = Vec::new();
    let mut change = |what: String, lines: Vec<&str>| {
        changes.push(Change { file: log, what, content: Some(lines.concat().into_bytes()) });
    };
    let foreign = format!("{}  trust/allowed_signers.2\n", "0".repeat(64));
    let object = format!("{}  archive/sha256/ab\n", &lines[0][..64]);
    for n in 0..lines.len() {
        let without = |n: usize| [&lines[..n], &lines[n + 1..]].concat();
        change(format!("without line {n}"), without(n));
        change(format!("cut before line {n}"), lines[..n].to_vec());
        change(format!("begun at line {}", n + 1), lines[n + 1..].to_vec());
        for m in 0..=lines.len() {
            let insert = |line| [&lines[..m], &[line], &lines[m..]].concat();
            change(format!("line {n} again at {m}"), insert(lines[n]));
            if m < lines.len() && m > n {
                let mut swapped = lines.clone();
                swapped.swap(n, m);
                change(format!("lines {n} and {m} swapped"), swapped);
            }
            if n == 0 {
                for line in [&foreign, &object, "\n", "#\n", "garbage\n"] {
                    change(format!("{line:?} inserted at {m}"), insert(line));
                }
            }
        }
    }
    assert_eq!(unnoticed(&files, &changes), [""; 0]);
}

/// The lines of a filing and its folder go together: the order of filings is pinned all the same.
#[test]
fn whole_filings_count() {
    let files = contents(&series(&DAYS));
    let without = |ids: &[&str], log: &dyn Fn(&str) -> String| -> PathBuf {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let kept = files.iter().filter(|(name, _)| !ids.iter().any(|id| name.starts_with(&format!("filings/{id}/"))));
        let mut kept: Vec<_> = kept.cloned().collect();
        for (name, content) in &mut kept {
            if name == "LOG" {
                *content = log(std::str::from_utf8(content).expect("text")).into_bytes();
            }
        }
        copy(&kept, &folder);
        folder
    };
    let gone = |ids: &[&str]| {
        let lines_gone = |log: &str| -> String {
            log.split_inclusive('\n').filter(|line| !ids.iter().any(|id| line.contains(&format!("/{id}/")))).collect()
        };
        without(ids, &lines_gone)
    };
    let judged = |folder: PathBuf, options: Options| {
        let passed = verify(&folder, &options).passed();
        fs::remove_dir_all(folder).expect("the copy goes");
        passed
    };
    let all = ["2026-11-20.1", "2026-11-21.1", "2026-11-21.2"];
    assert!(judged(gone(&[]), Options::default()));
    for ids in [&all[..1], &all[1..2], &all[..2]] {
        assert!(!judged(gone(ids), Options::default()), "{ids:?}");
    }

    // The end may be cut off, and what remains is a series as it once was: only what was kept
    // elsewhere shows it.
    for ids in [&all[2..], &all[1..]] {
        assert!(judged(gone(ids), Options::default()), "{ids:?}");
        let anchor = tempfile::NamedTempFile::new().expect("a file");
        let kept = files.iter().find(|(name, _)| *name == format!("filings/{}/manifest.json", ids[0]));
        fs::write(anchor.path(), &kept.expect("the manifest").1).expect("the anchor is written");
        let with_anchor = Options { anchors: vec![anchor.path().to_owned()], ..Options::default() };
        assert!(!judged(gone(ids), with_anchor.clone()), "{ids:?}");
        assert!(judged(gone(&[]), with_anchor));
    }
    let through = || Options { through: Some("2026-11-21".parse().expect("a date")), ..Options::default() };
    assert!(judged(gone(&all[2..]), through()));
    assert!(!judged(gone(&all[1..]), through()));
}

/// The command says so too: exit code 5, and the first thing that is wrong by its name.
#[test]
fn the_command_exits_with_5_and_names_what_is_wrong() {
    let files = contents(&series(&DAYS));
    let object = files.iter().map(|(name, _)| name).find(|name| name.starts_with("archive/")).expect("an object");
    let filing = "filings/2026-11-21.1";
    type Hand<'a> = Box<dyn Fn(&Path) + 'a>;
    let flip = |name: String| -> Hand<'_> {
        Box::new(move |series| {
            let mut content = fs::read(series.join(&name)).expect("a file is read");
            let middle = content.len() / 2;
            content[middle] ^= 1;
            fs::write(series.join(&name), content).expect("a file is written");
        })
    };
    let delete = |name: String| -> Hand<'_> {
        Box::new(move |series| fs::remove_file(series.join(&name)).expect("a file goes"))
    };
    let add = |name: &'static str| -> Hand<'_> {
        Box::new(move |series| fs::write(series.join(name), "x").expect("a file is added"))
    };
    let link = |name: String| -> Hand<'_> {
        Box::new(move |series| {
            let (path, outside) = (series.join(&name), series.with_extension("outside"));
            fs::rename(&path, &outside).expect("a file is moved");
            std::os::unix::fs::symlink(&outside, &path).expect("a link is made");
        })
    };
    let cases: BTreeMap<String, Hand<'_>> = BTreeMap::from([
        (format!("{filing}/report.csv"), flip(format!("{filing}/report.csv"))),
        (format!("{filing}/manifest.json"), flip(format!("{filing}/manifest.json"))),
        (format!("{filing}/manifest.json.sig"), flip(format!("{filing}/manifest.json.sig"))),
        ("trust/allowed_signers.1".to_owned(), flip("trust/allowed_signers.1".to_owned())),
        (object.clone(), flip(object.clone())),
        (format!("{filing}/exceptions.csv"), delete(format!("{filing}/exceptions.csv"))),
        ("filings/2026-11-20.1/manifest.json".to_owned(), delete("filings/2026-11-20.1/manifest.json".to_owned())),
        ("filings/2026-11-20.1/summary.csv".to_owned(), link("filings/2026-11-20.1/summary.csv".to_owned())),
        ("LOG".to_owned(), delete("LOG".to_owned())),
        ("filings/2026-11-20.1/more.csv".to_owned(), add("filings/2026-11-20.1/more.csv")),
        ("trust/allowed_signers.2".to_owned(), add("trust/allowed_signers.2")),
        ("archive/sha256/stray".to_owned(), add("archive/sha256/stray")),
        ("report.csv".to_owned(), add("report.csv")),
    ]);
    for (named, hand) in cases {
        let place = Place::new();
        copy(&files, &place.at("copy"));
        hand(&place.at("copy"));
        let Done { code, stderr, .. } = place.cuadre(["verify", "copy"]);
        assert_eq!(code, 5, "{named}: {stderr}");
        let last = stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("Verification FAILED: {named}: ")), "{named}: {last}");
    }
    let place = Place::new();
    copy(&files, &place.at("copy"));
    fs::write(place.at("copy/LOCK"), "held").expect("the lock is written");
    assert_eq!(place.cuadre(["verify", "copy"]).code, 0, "what the lock holds says nothing");
}
