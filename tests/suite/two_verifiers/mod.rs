//! Two programs judge a series of filings: `cuadre verify`, and a script of stock tools. They share no line of
//! code, and must never disagree: not of any series that was tampered with, however it was. What must fail, fails in
//! both; what passes although it was touched is stated as such, with the reason ([`Expected::Passes`]).

#![allow(clippy::unwrap_used)]

mod bytes;
mod filings;
mod history;
mod kept;
mod places;
mod series;
mod tokens;
mod trust;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cuadre_audit::Sha256Digest;
use cuadre_audit::verify::{Options, verify};
use cuadre_tests::workspace;

use series::Draft;

/// What both must say of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Fails,
    /// Nothing in the series can show it, for this reason; or there is nothing to show.
    Passes(&'static str),
    /// Either, but the same.
    Agrees,
}

use Expected::{Agrees, Fails, Passes};

/// Something done to a folder that files and their content cannot say.
type Hand = Box<dyn Fn(&Path) + Send + Sync>;

/// A series that was tampered with, and how it is judged.
struct Mutant {
    what: String,
    series: Draft,
    hand: Option<Hand>,
    options: Options,
    expected: Expected,
}

impl Mutant {
    fn new(what: impl Into<String>, series: Draft, expected: Expected) -> Self {
        Mutant { what: what.into(), series, hand: None, options: Options::default(), expected }
    }

    fn judged_by(self, options: Options) -> Self {
        Mutant { options, ..self }
    }
}

/// Whether every tool is there. A machine without them skips the test loudly; one that runs the
/// tests for others (`CI` is set) must have them.
fn tools_are_there() -> bool {
    let tools = ["awk", "find", "base64", "cmp", "jq", "openssl", "sha256sum", "ssh-keygen"];
    let absent = |tool: &&str| {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
        !found.is_ok_and(|output| output.status.success())
    };
    let missing: Vec<&str> = tools.into_iter().filter(absent).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{} must be installed where CI is set", missing.join(", "));
    eprintln!("SKIPPED: {} cannot be found, so nothing was compared with the stock tools", missing.join(", "));
    false
}

/// What the script says of the series in a folder: whether it verifies, and its words.
fn script(root: &Path, options: &Options, more: &[&str]) -> (bool, String) {
    let mut command = Command::new("/bin/sh");
    command.arg(workspace().join("audit/verify-with-stock-tools.sh")).args(more);
    for anchor in &options.anchors {
        command.arg("-a").arg(anchor);
    }
    let files = [("-s", &options.allowed_signers), ("-r", &options.root_signers)];
    for (option, path) in files.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
        command.arg(option).arg(path);
    }
    if let Some(day) = options.through {
        command.args(["-d", &day.to_string()]);
    }
    command.args(options.timely.then_some("-t")).args(options.without_archive.then_some("-x")).arg(root);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    let output = command.output().expect("the script runs");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "the script is confused by {}: {errors}\n{words}", root.display());
    match output.status.code() {
        Some(0) => (true, words),
        Some(5) => (false, words),
        code => panic!("the script ends with {code:?}: {words}"),
    }
}

/// What is wrong with how a series was judged, if anything.
fn complaint(root: &Path, options: &Options, expected: Expected) -> Option<String> {
    let report = verify(root, options);
    let ours = report.passed();
    let (theirs, words) = script(root, options, &["-q"]);
    if ours != theirs {
        let failure = report.first_failure().map(|check| format!("{} {}: {}", check.name, check.subject, check.detail));
        return Some(format!("verify: {}; the script: {words:?}", failure.unwrap_or("passes".to_owned())));
    }
    match (expected, ours) {
        (Agrees, _) | (Fails, false) | (Passes(_), true) => None,
        (Fails, true) => Some("it passes both".to_owned()),
        (Passes(why), false) => Some(format!("it should pass ({why}), but: {words}")),
    }
}

/// Judges every mutant by both; what is wrong.
fn complaints(mutants: &[Mutant]) -> Vec<String> {
    on_two_threads(mutants, || {
        |mutant: &Mutant| {
            let folder = tempfile::tempdir().expect("a folder");
            let root = folder.path().join("series");
            mutant.series.write(&root);
            if let Some(hand) = &mutant.hand {
                hand(&root);
            }
            complaint(&root, &mutant.options, mutant.expected).map(|why| format!("{}: {why}", mutant.what))
        }
    })
}

/// Of how many changed bytes one is tried where the script is asked, which takes some milliseconds for each: as many as is
/// said, a number without divisors in common with the lengths of lines and digests; with `CUADRE_EVERY_BYTE` set, every
/// one.
fn some(stride: usize) -> usize {
    if std::env::var_os("CUADRE_EVERY_BYTE").is_some() { 1 } else { stride }
}

/// Has two threads work through everything, each with a worker of its own.
fn on_two_threads<T: Sync, W: FnMut(&T) -> Option<String>>(all: &[T], worker: impl Fn() -> W + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut worker = worker();
        let mut found = Vec::new();
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(worker(one));
        }
        found
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread ends")).collect()
    })
}

/// A file kept elsewhere: where Cargo has tests keep theirs, by its content.
fn kept(content: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("kept-{}", Sha256Digest::of(content)));
    let file = tempfile::NamedTempFile::new_in(folder).expect("a file");
    fs::write(file.path(), content).expect("a file is written");
    file.persist(&path).expect("it is kept");
    path
}
