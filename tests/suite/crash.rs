//! A filing whose process is killed, or whose machine loses power, at any call that changes the series: there is
//! never half a filing, the next run completes the night, and the series is then the undisturbed one.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use cuadre_audit::SigningKey;
use cuadre_audit::keys::{PublicKey, public_path};
use cuadre_audit::layout::{FilingId, is_incoming, is_staging};
use cuadre_tests::crash::disk::{self, Disk, Entry, Tree};
use cuadre_tests::crash::{Call, How, KILLED, PASSED_OVER, Shim};
use cuadre_tests::s3::copy;
use cuadre_tests::{Place, SMALL};

/// The folder that is watched: the series, and the key that its first night makes.
const BOOKS: &str = "books";
const KEY: &str = "keys/signing";
const DAYS: [&str; 2] = ["2026-11-19", "2026-11-20"];

/// An institution of two sources and two days: of the second day, source `b` is not there yet.
fn institution() -> Place {
    let place = Place::new();
    let config = SMALL
        .replace("key = \"key\"", "key = \"books/keys/signing\"\ncreate = true")
        .replace("currency = \"MXN\"", "currency = \"MXN\"\nfilings = \"books/filings\"");
    let (_, source) = SMALL.split_once("[[source]]").expect("a source");
    let second = source.replace("\"a\"", "\"b\"").replace("landing/a", "landing/b");
    place.write("cuadre.toml", format!("{config}\n[[source]]{second}"));
    for day in DAYS {
        place.write(&format!("landing/a/{day}.csv"), format!("id,date,account,amount\n1,{day},x,10.00\n"));
        let warehouse = format!("source,id,date,account,amount\na,1,{day},x,10.00\nb,2,{day},y,-2.50\n");
        place.write(&format!("warehouse/{day}.csv"), warehouse);
    }
    deliver_b(&place, DAYS[0]);
    fs::create_dir(place.at(BOOKS)).unwrap();
    place
}

fn deliver_b(place: &Place, day: &str) {
    place.write(&format!("landing/b/{day}.csv"), format!("id,date,account,amount\n2,{day},y,-2.50\n"));
}

fn twin(place: &Place) -> Place {
    let twin = Place::new();
    copy(place.path(), twin.path());
    twin
}

#[test]
fn the_first_night_of_a_series_survives_kills_and_losses_of_power() {
    let Some(shim) = Shim::compile() else { return };
    Night::new(shim, institution(), DAYS[0], 0).is_disturbed_everywhere(90);
}

#[test]
fn a_later_night_survives_kills_and_losses_of_power() {
    let Some(shim) = Shim::compile() else { return };
    let place = institution();
    assert_eq!(place.cuadre(night(DAYS[0])).code, 0);
    Night::new(shim, place, DAYS[1], 3).is_disturbed_everywhere(50);
}

#[test]
fn a_supplement_survives_kills_and_losses_of_power() {
    let Some(shim) = Shim::compile() else { return };
    let place = institution();
    assert_eq!(place.cuadre(night(DAYS[0])).code, 0);
    assert_eq!(place.cuadre(night(DAYS[1])).code, 3);
    deliver_b(&place, DAYS[1]);
    Night::new(shim, place, DAYS[1], 0).is_disturbed_everywhere(50);
}

fn night(day: &str) -> [&str; 7] {
    ["run", "--config", "cuadre.toml", "--threads", "1", "--date", day]
}

/// A night that is run again and again from the same state, each time disturbed in another way.
struct Night {
    shim: Shim,
    place: Place,
    day: &'static str,
    code: i32,
    /// What undisturbed nights leave, by the key that they sign with.
    undisturbed: Mutex<HashMap<Entry, Arc<Tree>>>,
}

/// A way to disturb it.
enum Fault {
    Kill(usize, How),
    /// The disk that a loss of power leaves.
    Loss(Tree),
}

impl Night {
    fn new(shim: Shim, place: Place, day: &'static str, code: i32) -> Self {
        Self { shim, place, day, code, undisturbed: Mutex::default() }
    }

    fn is_disturbed_everywhere(&self, least: usize) {
        let faults = self.faults(least);
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.disturb(fault);
            }
        };
        thread::scope(|scope| {
            (0..thread::available_parallelism().map_or(2, usize::from)).for_each(|_| drop(scope.spawn(work)));
        });
    }

    /// Every kill, and every different disk that a loss of power leaves. What a kill after a call leaves, one before the
    /// next call leaves, too.
    fn faults(&self, least: usize) -> Vec<Fault> {
        let place = twin(&self.place);
        let mut disk = Disk::new(&books_of(&place.at(BOOKS)));
        let (done, calls) = self.shim.run(&place, BOOKS, &night(self.day), None);
        assert_eq!(done.code, self.code, "{}", done.stderr);
        assert!(calls.len() >= least, "the library sees only {} calls", calls.len());
        let mut faults = vec![Fault::Kill(calls.len(), How::After)];
        // Of disks that differ only in what was being prepared, one of each number of files.
        let mut left: BTreeMap<(Tree, usize), Tree> = BTreeMap::new();
        for (number, call) in (1..).zip(&calls) {
            faults.push(Fault::Kill(number, How::Before));
            if let Call::Write(_, _, bytes) = call {
                assert!(bytes.len() > 1);
                faults.push(Fault::Kill(number, How::Half));
            }
            disk.apply(call);
            left.extend(disk.after_loss().into_iter().map(|tree| ((without_leftovers(&tree), tree.len()), tree)));
        }
        assert!(left.len() > 25, "{} disks", left.len());
        faults.extend(left.into_values().map(Fault::Loss));
        faults
    }

    fn disturb(&self, fault: &Fault) {
        let place = twin(&self.place);
        let books = place.at(BOOKS);
        match fault {
            Fault::Kill(number, how) => {
                let mut disk = Disk::new(&books_of(&books));
                let (done, calls) = self.shim.run(&place, BOOKS, &night(self.day), Some((*number, *how)));
                let what = format!("killed {how:?} call {number}");
                assert_eq!(done.code, KILLED, "{what}: {}", done.stderr);
                assert_eq!(calls.len(), number - usize::from(*how == How::Before), "{what}");
                calls.iter().for_each(|call| disk.apply(call));
                // What the calls did is what is there: none was missed.
                assert_same(&disk.now(), &books_of(&books), &what);
                self.is_completed(&place, disk, &what, true);
            }
            Fault::Loss(left) => {
                fs::remove_dir_all(&books).unwrap();
                fs::create_dir(&books).unwrap();
                disk::write(left, &books);
                self.is_completed(&place, Disk::new(left), &format!("power lost, leaving {}", listed(left)), false);
            }
        }
    }

    /// Looks at what was left, has the next run complete it, and looks at what that leaves; `and_again`, if power
    /// is lost in the middle of that run.
    fn is_completed(&self, place: &Place, mut disk: Disk, what: &str, and_again: bool) {
        let left = disk.now();
        let verified = place.cuadre(["verify", "books/filings"]);
        let (next, calls) = self.shim.run(place, BOOKS, &night(self.day), None);
        assert_eq!(next.code, self.code, "{what}\n{}", next.stderr);
        if !place.at("books/keys/signing.pub").exists() {
            let completed = place.cuadre(["keygen", "books/keys/signing", "--comment", "tests@cuadre.example"]);
            assert_eq!(completed.code, 0, "{what}\n{}", completed.stderr);
        }
        let end = books_of(&place.at(BOOKS));
        let whole = self.undisturbed(place, &end);
        assert_same(&without_last_signed(&end), &without_last_signed(&whole), what);

        is_sound(&left, &whole, what);
        let expected: &[i32] = if is_settled(&left) { &[0] } else { &[5, 64] };
        assert!(expected.contains(&verified.code), "{what}\n{}", verified.stderr);

        for call in &calls {
            disk.apply(call);
            if and_again && *call != Call::Nothing {
                disk.after_worst_loss()
                    .iter()
                    .for_each(|tree| is_sound(tree, &whole, &format!("{what}, then power lost")));
            }
        }
        // What the run says is filed stays filed.
        for tree in disk.after_loss() {
            assert_same(&lasting(&tree), &lasting(&whole), &format!("{what}, then power lost at the end"));
        }
    }

    /// What an undisturbed night leaves that signs with the key of `end`.
    fn undisturbed(&self, place: &Place, end: &Tree) -> Arc<Tree> {
        let key = end.get(KEY).expect("a key").clone();
        if let Some(tree) = self.undisturbed.lock().unwrap().get(&key) {
            return Arc::clone(tree);
        }
        let twin = twin(&self.place);
        fs::create_dir_all(twin.at("books/keys")).unwrap();
        for name in ["signing", "signing.pub"] {
            fs::copy(place.at("books/keys").join(name), twin.at("books/keys").join(name)).unwrap();
        }
        assert_eq!(twin.cuadre(night(self.day)).code, self.code);
        assert_eq!(twin.cuadre(["verify", "books/filings"]).code, 0);
        let tree = Arc::new(books_of(&twin.at(BOOKS)));
        self.undisturbed.lock().unwrap().insert(key, Arc::clone(&tree));
        tree
    }
}

/// What lies in the folder but for what nights keep for a run after them.
fn books_of(folder: &Path) -> Tree {
    let mut tree = disk::read(folder);
    tree.retain(|path, _| !path.starts_with(PASSED_OVER));
    tree
}

/// Is everything that has its name what it will be in the end, and everything there that what is there depends on? Only
/// the end of LOG may be missing.
fn is_sound(left: &Tree, whole: &Tree, what: &str) {
    let text = |tree: &Tree, path: &str| match tree.get(path) {
        Some(Entry::File(bytes, _)) => String::from_utf8(bytes.to_vec()).unwrap(),
        _ => String::new(),
    };
    let log = text(left, "filings/LOG");
    assert!(text(whole, "filings/LOG").starts_with(&log), "{what}: LOG\n{log}");
    let settled = without_leftovers(left);
    for (path, entry) in settled.iter().filter(|(path, _)| *path != "filings/LOG") {
        assert!(whole.get(path).is_some_and(|end| same(end, entry)), "{what}: {path}");
    }
    let is_there = |path: &str| assert!(left.contains_key(path), "{what}: {path} is not there");
    for line in log.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        is_there(&format!("filings/{}", line[66..].trim_end()));
    }
    if !log.is_empty() {
        is_there(KEY);
    }
    for id in filings(left) {
        let folder = format!("filings/filings/{id}/");
        whole.keys().filter(|path| path.starts_with(&folder)).for_each(|path| is_there(path));
        let inputs = text(left, &format!("{folder}inputs.json"));
        let list = cuadre_audit::Sha256Digest::of(inputs.as_bytes()).to_string();
        let named = inputs.split("\"sha256\":\"").skip(1).map(|rest| rest[..64].to_owned()).chain([list]);
        named.for_each(|sha256| is_there(&format!("filings/archive/sha256/{}/{sha256}", &sha256[..2])));
    }
}

/// Is there a history, and does it name every filing to the end?
fn is_settled(left: &Tree) -> bool {
    let Some(Entry::File(log, _)) = left.get("filings/LOG") else { return false };
    let log = String::from_utf8_lossy(log);
    let lines: Vec<&str> = log.lines().collect();
    let ends = log.ends_with(".sig\n") || (log.ends_with('\n') && lines.len() == 1);
    ends && filings(left).iter().all(|id| log.contains(&format!("filings/{id}/manifest.json.sig\n")))
}

/// The filings that have their final names.
fn filings(tree: &Tree) -> Vec<FilingId> {
    tree.keys().filter_map(|path| path.strip_prefix("filings/filings/")?.parse().ok()).collect()
}

/// What a night needs no more to do again: all but leftovers and the public key, which follows from the private one.
fn lasting(tree: &Tree) -> Tree {
    let mut tree = without_leftovers(tree);
    tree.remove("keys/signing.pub");
    tree
}

/// Without what an interrupted run leaves and the next one removes, and without the lock.
fn without_leftovers(tree: &Tree) -> Tree {
    let is_leftover = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let of_key = path.starts_with("keys/") && (name.starts_with(".staging-") || is_last_signed(path));
        let in_series = path.strip_prefix("filings/");
        of_key || in_series.is_some_and(|path| is_staging(path) || is_incoming(path) || path == "LOCK")
    };
    tree.iter().filter(|(path, _)| !is_leftover(path)).map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

/// What the key has signed last is called by where the series is, and holds up nothing when it is lost.
fn is_last_signed(path: &str) -> bool {
    path.starts_with("keys/signing.signed-")
}

fn without_last_signed(tree: &Tree) -> Tree {
    tree.iter().filter(|(path, _)| !is_last_signed(path)).map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

/// The same but for permissions.
fn same(left: &Entry, right: &Entry) -> bool {
    match (left, right) {
        (Entry::File(left, _), Entry::File(right, _)) => left == right,
        (Entry::Folder, Entry::Folder) => true,
        _ => false,
    }
}

#[track_caller]
fn assert_same(left: &Tree, right: &Tree, what: &str) {
    let names = |tree: &Tree| tree.keys().cloned().collect::<BTreeSet<_>>();
    let differing: Vec<String> = names(left).symmetric_difference(&names(right)).cloned().collect();
    assert!(differing.is_empty(), "{what}: only on one side: {differing:?}");
    for (path, entry) in left {
        assert!(same(entry, &right[path]), "{what}: {path} differs");
    }
}

fn listed(tree: &Tree) -> String {
    let sizes: BTreeMap<&String, usize> = tree
        .iter()
        .map(|(path, entry)| (path, if let Entry::File(bytes, _) = entry { bytes.len() } else { 0 }))
        .collect();
    format!("{sizes:?}")
}

/// Making a key is interrupted at any call: there is never half a key, and the same command completes it.
#[test]
fn a_key_appears_whole_or_not_at_all() {
    const MAKE: [&str; 4] = ["keygen", "books/keys/signing", "--comment", "tests"];
    let Some(shim) = Shim::compile() else { return };
    let empty = Place::new();
    fs::create_dir(empty.at(BOOKS)).unwrap();
    let (made, calls) = shim.run(&twin(&empty), BOOKS, &MAKE, None);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(calls.len() > 10, "{calls:?}");
    let is_whole = |left: &Tree, what: &str| {
        let place = Place::new();
        fs::create_dir(place.at(BOOKS)).unwrap();
        disk::write(left, &place.at(BOOKS));
        let key = place.at("books/keys/signing");
        let had = key.exists().then(|| SigningKey::load(&key).expect(what).public_key());
        let both = had.is_some() && public_path(&key).exists();
        let again = place.cuadre(MAKE);
        assert_eq!(again.code, if both { 78 } else { 0 }, "{what}: {}", again.stderr);
        let (now, public) =
            (SigningKey::load(&key).unwrap().public_key(), PublicKey::load(&public_path(&key)).unwrap());
        assert!(now == public && had.is_none_or(|had| had == now), "{what}");
        assert_eq!(place.files("books/keys").len(), 2, "{what}");
    };
    for number in 1..=calls.len() {
        for how in [How::Before, How::Half, How::After] {
            let place = twin(&empty);
            let mut disk = Disk::new(&books_of(&place.at(BOOKS)));
            let (done, calls) = shim.run(&place, BOOKS, &MAKE, Some((number, how)));
            let what = format!("killed {how:?} call {number}");
            assert_eq!(done.code, KILLED, "{what}: {}", done.stderr);
            calls.iter().for_each(|call| disk.apply(call));
            is_whole(&books_of(&place.at(BOOKS)), &what);
            disk.after_loss().iter().for_each(|tree| is_whole(tree, &format!("{what}, then power lost")));
        }
    }
}
