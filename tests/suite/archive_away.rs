//! The archive of a series is away or full when the day has to be filed.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use cuadre_tests::crash::{Call, How, KILLED, Shim};
use cuadre_tests::{DATE, Done, Place, SMALL, workspace};
use serde_json::Value;

const RUN: [&str; 5] = ["run", "--config", "cuadre.toml", "--date", DATE];
const SPOOL: &str = "filings.archive-spool";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A night that ties out, filed without the archive if that is away; it is 05:40.
fn place(policy: &str) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL.replacen("[signing]", &format!("[policy]\n{policy}\n\n[signing]"), 1));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    fs::create_dir_all(place.at("filings")).unwrap();
    place
}

const WITHOUT: &str = "without_archive = true";

/// The archive as the folder of a disk that is not mounted would be; what was in it stays on the disk.
fn unmount(place: &Place) {
    let archive = place.at("filings/archive");
    if archive.exists() {
        fs::rename(&archive, place.at("disk")).unwrap();
    }
    symlink("/nowhere/archive", archive).unwrap();
}

fn mount(place: &Place) {
    fs::remove_file(place.at("filings/archive")).unwrap();
    if place.at("disk").exists() {
        fs::rename(place.at("disk"), place.at("filings/archive")).unwrap();
    }
}

fn exceptions(place: &Place, filing: &str) -> Vec<(String, String, String)> {
    let manifest: Value =
        serde_json::from_str(&place.read(&format!("filings/filings/{filing}/manifest.json"))).unwrap();
    let text = |gap: &Value, key: &str| gap[key].as_str().unwrap().to_owned();
    let gaps = manifest["predicate"]["exceptions"].as_array().unwrap();
    gaps.iter().map(|gap| (text(gap, "kind"), text(gap, "severity"), text(gap, "explanation"))).collect()
}

fn regenerates(place: &Place, out: &str) {
    let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", out]);
    assert_eq!(again.code, 0, "{}", again.stderr);
}

/// Both verifiers say the same of the series; what `cuadre verify` says.
fn verify(place: &Place, without_archive: bool) -> Done {
    let more = without_archive.then_some("--without-archive");
    let ours = place.cuadre(["verify", "filings"].into_iter().chain(more));
    let script = Command::new("/bin/sh")
        .arg(workspace().join("audit/verify-with-stock-tools.sh"))
        .args(without_archive.then_some("-x"))
        .args(["-q", "filings"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&script.stdout);
    assert_eq!(script.status.code(), Some(ours.code), "{words}\n{}", ours.stderr);
    ours
}

/// The day is filed from the spool, says so, and is whole once the next run has found the archive.
fn is_filed_and_heals(place: &Place, done: &Done, why: &str, mount: impl Fn(&Place)) {
    assert_eq!(done.code, 3, "{}", done.stderr);
    let [(kind, severity, words)] = &exceptions(place, &format!("{DATE}.1"))[..] else { panic!("{}", done.stderr) };
    assert_eq!((kind.as_str(), severity.as_str()), ("archive_away", "critical"));
    assert!(words.contains("all 2 received files") && words.contains(why), "{words}");
    assert!(!words.contains("incoming"), "nothing of the run's own: {words}");
    assert_eq!(place.files(SPOOL).len(), 4, "two files, the configuration, the list");
    let verified = verify(place, false);
    assert!(verified.stderr.contains("4 objects wait for the archive in filings.archive-spool"), "{}", verified.stderr);
    assert_eq!(verified.code, 5);
    regenerates(place, "while-away");

    mount(place);
    assert_eq!(verify(place, false).code, 5);
    assert_eq!(
        verify(place, true).code,
        5,
        "the names of the objects are missed even where nothing of the archive is read"
    );
    regenerates(place, "before-it-heals");
    let healed = place.run();
    assert_eq!(healed.code, 3, "what is filed is partial as before: {}", healed.stderr);
    assert!(healed.stderr.contains("4 objects that waited beside the series came into it"), "{}", healed.stderr);
    assert!(healed.stderr.contains("nothing new"), "{}", healed.stderr);
    assert!(!place.at(SPOOL).exists());
    assert_eq!(verify(place, false).code, 0);
    regenerates(place, "healed");
    let quiet = place.run();
    assert!(!quiet.stderr.contains("waited"), "{}", quiet.stderr);
}

#[test]
fn a_disk_that_is_not_mounted() {
    let place = place(WITHOUT);
    unmount(&place);
    let done = place.run();
    is_filed_and_heals(&place, &done, "(a file or a link to nothing is in its place)", mount);
}

#[test]
fn a_file_where_the_archive_should_be() {
    let place = place(WITHOUT);
    place.write("filings/archive", "");
    let done = place.run();
    let why = "(Not a directory";
    is_filed_and_heals(&place, &done, why, |place| fs::remove_file(place.at("filings/archive")).unwrap());
}

#[test]
fn a_disk_that_fails_or_is_full() {
    let Some(shim) = Shim::compile() else { return };
    // At the first byte, and after the configuration, when some of what was received is there already.
    let some = place(WITHOUT).read("cuadre.toml").len() + 60;
    for (errno, spare, why) in [(EIO, 0, "(Input/output error"), (ENOSPC, some, "(No space left on device")] {
        let place = place(WITHOUT);
        let done = shim.run_failing(&place, &RUN, "archive", errno, spare);
        is_filed_and_heals(&place, &done, why, |_| ());
    }
}

#[test]
fn without_the_policy_or_with_time_left_it_is_waited_for() {
    for (policy, words) in [
        ("", "policy.without_archive is not set"),
        ("without_archive = true\nfile_without_from = \"05:50\"", "there is still time (policy.file_without_from)"),
    ] {
        let place = place(policy);
        unmount(&place);
        let done = place.run();
        assert_eq!(done.code, 75, "{}", done.stderr);
        assert!(done.stderr.contains("filings/archive") && done.stderr.contains(words), "{}", done.stderr);
        assert!(!place.at(SPOOL).exists() && !place.at(&format!("filings/filings/{DATE}.1")).exists());
        mount(&place);
        assert_eq!(place.run().code, 0);
        assert!(exceptions(&place, &format!("{DATE}.1")).is_empty());
    }
}

/// The policy may also forbid it: the exception is one like any other.
#[test]
fn a_policy_that_blocks_on_it_does_not_file() {
    let place = place("without_archive = true\nblock_on = [\"archive_away\"]");
    unmount(&place);
    let done = place.run();
    assert_eq!(done.code, 4, "{}", done.stderr);
    assert!(done.stderr.contains("the policy blocks on archive_away"), "{}", done.stderr);
}

/// A filing that supersedes another is made from what that was made from, too.
#[test]
fn a_supplement_needs_what_was_filed_before() {
    let place = place(WITHOUT);
    let missing = format!("landing/a/{DATE}.csv");
    let content = place.read(&missing);
    fs::remove_file(place.at(&missing)).unwrap();
    assert_eq!(place.run().code, 3);
    unmount(&place);
    place.write(&missing, content);
    let done = place.run();
    assert_eq!(done.code, 75, "{}", done.stderr);
    assert!(done.stderr.contains("a filing that supersedes another"), "{}", done.stderr);
    mount(&place);
    let done = place.run();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("waited beside the series"), "{}", done.stderr);
    assert_eq!(verify(&place, false).code, 0);
}

/// The same where both were filed while the archive was away.
#[test]
fn a_supplement_of_what_is_in_the_spool() {
    let place = place(WITHOUT);
    let missing = format!("landing/a/{DATE}.csv");
    let content = place.read(&missing);
    fs::remove_file(place.at(&missing)).unwrap();
    unmount(&place);
    assert_eq!(place.run().code, 3);
    place.write(&missing, content);
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(exceptions(&place, &format!("{DATE}.2")).len(), 1, "only that the archive is away");
    regenerates(&place, "while-away");
    mount(&place);
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("nothing new"), "{}", done.stderr);
    assert_eq!(verify(&place, false).code, 0);
    regenerates(&place, "healed");
}

/// A run that is killed while it moves the spool loses nothing, wherever that happens.
#[test]
fn moving_the_spool_may_be_killed() {
    let Some(shim) = Shim::compile() else { return };
    let away = || {
        let place = place(WITHOUT);
        unmount(&place);
        assert_eq!(place.run().code, 3);
        mount(&place);
        place
    };
    let (_, calls) = shim.run(&away(), ".", &RUN, None);
    let moves = |call: &Call| match call {
        Call::Remove(path) | Call::Create(path, _) | Call::Rename(path, _) | Call::MakeFolder(path) => {
            path.starts_with(SPOOL) || path.starts_with("filings/archive")
        }
        _ => false,
    };
    let at: Vec<usize> = (1..).zip(&calls).filter(|(_, call)| moves(call)).map(|(at, _)| at).collect();
    assert!(at.len() > 12, "{calls:?}");
    // Every call would take minutes; each kind is among them.
    for at in at.into_iter().step_by(3) {
        let place = away();
        assert_eq!(shim.run(&place, ".", &RUN, Some((at, How::After))).0.code, KILLED);
        regenerates(&place, "again");
        let done = place.run();
        assert_eq!(done.code, 3, "{}", done.stderr);
        assert_eq!(verify(&place, false).code, 0, "killed after call {at}");
        assert!(!place.at(SPOOL).exists(), "killed after call {at}");
    }
}
