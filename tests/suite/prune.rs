//! What no filing names goes once its retention has ended, and nothing else, in a folder and in a bucket.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cuadre_audit::{Archive, Sha256Digest};
use cuadre_tests::s3::{Break, Method, S3, copy};
use cuadre_tests::{DATE, Done, ISSUED_AT, Place, SMALL, files_below};
use serde_json::Value;

const FIRST: &str = "2026-11-19";
const DAYS: u64 = 3653;

/// The instant before which retention has ended, in seconds since 1970.
fn end() -> u64 {
    ISSUED_AT.parse::<u64>().unwrap() - DAYS * 86_400
}

/// Two days with two movements each.
fn institution() -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    for day in [FIRST, DATE] {
        place.write(&format!("landing/a/{day}.csv"), format!("id,date,account,amount\n1,{day},x,10.00\n"));
        place.write(&format!("warehouse/{day}.csv"), format!("source,id,date,account,amount\na,1,{day},x,10.00\n"));
    }
    place
}

/// The same with the first day filed, the second filed in part, then in full; and then a third run of that day that
/// the policy forbids: of its files the archive has what no filing names.
fn series() -> Place {
    let place = institution();
    let run = |day: &str, code| {
        let done = place.cuadre(["run", "--config", "cuadre.toml", "--date", day]);
        assert_eq!(done.code, code, "{}", done.stderr);
    };
    run(FIRST, 0);
    let extract = format!("landing/a/{DATE}.csv");
    let text = place.read(&extract);
    fs::remove_file(place.at(&extract)).unwrap();
    run(DATE, 3);
    place.write(&extract, &text);
    run(DATE, 0);
    place.write("cuadre.toml", format!("{SMALL}[policy]\nblock_on = [\"changed\"]\n"));
    place.write(&extract, text.replace("10.00", "10.01"));
    run(DATE, 4);
    place.write("filings/archive/.incoming-1-0", "half");
    place
}

/// Sets when a file was changed last.
fn set_changed(path: &Path, seconds: u64) {
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().append(true).open(path).unwrap().set_modified(changed).unwrap();
}

fn set_all_changed(root: &Path, seconds: u64) {
    files_below(root).iter().for_each(|(name, _)| set_changed(&root.join(name), seconds));
}

fn prune(place: &Place, more: &[&str]) -> Done {
    place.cuadre([&["prune", "--config", "cuadre.toml"], more].concat())
}

fn names(place: &Place, below: &str) -> BTreeSet<String> {
    place.files(below).into_iter().map(|(name, _)| name).filter(|name| name != "LOCK").collect()
}

/// The objects that no filing names, by path.
fn unnamed(series: &Path) -> Vec<PathBuf> {
    let lists: String = files_below(&series.join("filings"))
        .into_iter()
        .filter(|(name, _)| name.ends_with("inputs.json"))
        .map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap() + &Sha256Digest::of(&bytes).to_string())
        .collect();
    let objects = files_below(&series.join("archive/sha256")).into_iter();
    let unnamed = objects.filter(|(name, _)| !lists.contains(name.rsplit('/').next().unwrap()));
    unnamed.map(|(name, _)| series.join("archive/sha256").join(name)).collect()
}

fn is_whole(place: &Place) {
    let verified = place.cuadre(["verify", "filings"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    for (n, (day, number)) in [(FIRST, "1"), (DATE, "1"), (DATE, "2")].into_iter().enumerate() {
        let out = format!("again-{n}");
        let _ = fs::remove_dir_all(place.at(&out));
        let args = ["regenerate", "--config", "cuadre.toml", "--date", day, "--filing", number, "--out", &out];
        let made = place.cuadre(args);
        assert_eq!(made.code, 0, "{}", made.stderr);
    }
}

#[test]
fn what_is_old_and_not_named_goes() {
    let place = series();
    let unnamed = unnamed(&place.at("filings"));
    assert_eq!(unnamed.len(), 2, "the configuration and the extract of the night that was not filed");
    set_all_changed(&place.at("filings"), end() - 1);
    set_all_changed(&place.at("filings.not-filed"), end() - 1);
    place.write("filings.not-filed/notes.txt", "kept");
    set_changed(&place.at("filings.not-filed/notes.txt"), 0);
    set_changed(&unnamed[1], end());
    let before = names(&place, ".");

    let told = prune(&place, &["--json"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stderr.contains("Nothing was removed; --delete removes it."), "{}", told.stderr);
    assert_eq!(names(&place, "."), before);
    let words: Value = serde_json::from_str(&told.stdout).unwrap();
    let gone: Vec<&str> = words["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["fate"] == "wouldRemove")
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    let object = unnamed[0].strip_prefix(place.at("filings")).unwrap().display().to_string();
    let evidence = format!("../filings.not-filed/{DATE}/exceptions.csv");
    assert_eq!(gone, ["archive/.incoming-1-0", &object, &evidence]);

    let done = prune(&place, &["--delete"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("within the retention: 1 file"), "{}", done.stderr);
    let after = names(&place, ".");
    let expected = ["filings/archive/.incoming-1-0".to_owned(), format!("filings/{object}"), evidence[3..].to_owned()];
    assert_eq!(before.difference(&after).cloned().collect::<BTreeSet<_>>(), BTreeSet::from(expected));
    assert!(after.is_subset(&before));
    assert!(!place.at(&format!("filings.not-filed/{DATE}")).exists());
    is_whole(&place);

    // A shorter retention, and a second more.
    place.write("cuadre.toml", format!("{SMALL}[retention]\ndays = 3652\n"));
    assert_eq!(prune(&place, &["--delete"]).code, 0);
    assert!(!unnamed[1].exists());
    is_whole(&place);
}

/// Whatever is wrong with what tells the names, nothing is removed.
#[test]
fn a_series_that_cannot_be_read_loses_nothing() {
    let pristine = series();
    set_all_changed(&pristine.at("filings"), 0);
    let log = pristine.read("filings/LOG");
    let manifest = format!("filings/filings/{FIRST}.1/manifest.json");
    let inputs = format!("filings/filings/{DATE}.1/inputs.json");
    type Harm<'a> = &'a dyn Fn(&Place);
    let cases: [(&str, Harm, i32); 7] = [
        ("a manifest is gone", &|place| fs::remove_file(place.at(&manifest)).unwrap(), 5),
        (
            "a manifest is another one",
            &|place| drop(fs::copy(place.at(&format!("filings/filings/{DATE}.1/manifest.json")), place.at(&manifest))),
            5,
        ),
        ("a list is shorter", &|place| _ = place.write(&inputs, "{}\n"), 5),
        ("LOG has a line less", &|place| _ = place.write("filings/LOG", log.split_once('\n').unwrap().1), 5),
        ("LOG ends in the middle of a line", &|place| _ = place.write("filings/LOG", format!("{log}0")), 5),
        ("LOG is empty", &|place| _ = place.write("filings/LOG", ""), 5),
        ("there is no LOG", &|place| fs::remove_file(place.at("filings/LOG")).unwrap(), 64),
    ];
    for (what, harm, code) in cases {
        let place = Place::new();
        copy(pristine.path(), place.path());
        harm(&place);
        let before = names(&place, ".");
        let done = prune(&place, &["--delete"]);
        assert_eq!(done.code, code, "{what}: {}", done.stderr);
        assert_eq!(names(&place, "."), before, "{what}");
    }
    let lock = File::options().append(true).open(pristine.at("filings/LOCK")).unwrap();
    lock.try_lock().unwrap();
    let before = names(&pristine, ".");
    assert_eq!(prune(&pristine, &["--delete"]).code, 75);
    assert_eq!(names(&pristine, "."), before);
    drop(lock);
    assert_eq!(prune(&pristine, &["--delete"]).code, 0);
    assert!(names(&pristine, ".").len() < before.len());
}

/// A series in a bucket with two filings, and an object that no filing names.
struct Bucket {
    s3: S3,
    place: Place,
    orphan: PathBuf,
}

impl Bucket {
    fn new() -> Self {
        let (s3, place) = (S3::start(), institution());
        let bucket = Self { s3, place, orphan: PathBuf::new() };
        for day in [FIRST, DATE] {
            let done = bucket.run(day);
            assert_eq!(done.code, 0, "{}", done.stderr);
        }
        let root = bucket.s3.at("filings");
        let digest = Archive::new(&root).put_bytes(b"of an interrupted night").unwrap().digest;
        let orphan = Archive::new(&root).path_of(digest);
        fs::create_dir_all(bucket.s3.at("filings.not-filed/2016-01-02")).unwrap();
        fs::write(bucket.s3.at("filings.not-filed/2016-01-02/exceptions.csv"), "old").unwrap();
        set_all_changed(&bucket.s3.at(""), end() - 1);
        Self { orphan, ..bucket }
    }

    fn cuadre(&self, args: &[&str]) -> Done {
        self.place.cuadre_with(args, &self.s3.env())
    }

    fn run(&self, day: &str) -> Done {
        self.cuadre(&["run", "--config", "cuadre.toml", "--filings", "s3://test/filings", "--date", day])
    }

    fn prune(&self, more: &[&str]) -> Done {
        self.cuadre(&[&["prune", "--config", "cuadre.toml", "--filings", "s3://test/filings"], more].concat())
    }

    fn names(&self) -> BTreeSet<String> {
        files_below(&self.s3.at("")).into_iter().map(|(name, _)| name).collect()
    }

    #[track_caller]
    fn is_whole(&self) {
        let verified = self.cuadre(&["verify", "s3://test/filings"]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
    }
}

#[test]
fn in_a_bucket_the_same_goes() {
    let bucket = Bucket::new();
    let before = bucket.names();
    let told = bucket.prune(&[]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert_eq!(bucket.names(), before);

    let young = bucket.s3.at("filings.not-filed/2016-01-02/exceptions.csv");
    set_changed(&young, end());
    assert_eq!(bucket.prune(&["--delete"]).code, 0);
    assert!(!bucket.orphan.exists() && young.exists());
    set_changed(&young, end() - 1);
    assert_eq!(bucket.prune(&["--delete"]).code, 0);
    assert!(!young.exists());
    assert_eq!(before.difference(&bucket.names()).count(), 2);
    bucket.is_whole();
    for day in [FIRST, DATE] {
        let out = format!("again-{day}");
        let args =
            ["regenerate", "--config", "cuadre.toml", "--filings", "s3://test/filings", "--date", day, "--out", &out];
        let made = bucket.cuadre(&args);
        assert_eq!(made.code, 0, "{}", made.stderr);
    }
}

#[test]
fn what_the_store_refuses_is_told_and_the_rest_goes() {
    let bucket = Bucket::new();
    bucket.s3.refuse(&Method::DELETE, "/archive/");
    let done = bucket.prune(&["--delete", "--json"]);
    assert_eq!(done.code, 78, "{}", done.stderr);
    assert!(done.stderr.contains("not removed: archive/sha256/"), "{}", done.stderr);
    assert!(done.stderr.contains("s3:DeleteObject"), "{}", done.stderr);
    assert!(done.stdout.contains("\"notRemoved\"") && done.stdout.contains("\"removed\""), "{}", done.stdout);
    assert!(bucket.orphan.exists());
    assert!(!bucket.s3.at("filings.not-filed/2016-01-02/exceptions.csv").exists());
}

/// What a run has claimed and not filed yet is needed by the one that completes it.
#[test]
fn what_a_claim_names_stays() {
    let bucket = Bucket::new();
    let day = "2026-11-21";
    bucket.place.write(&format!("landing/a/{day}.csv"), format!("id,date,account,amount\n1,{day},x,10.00\n"));
    bucket.place.write(&format!("warehouse/{day}.csv"), format!("source,id,date,account,amount\na,1,{day},x,10.00\n"));
    bucket.s3.break_at(None);
    assert_eq!(bucket.prune(&[]).code, 0);
    // Trust, three objects, then the claim.
    bucket.s3.break_at(Some((5, Break::After)));
    assert_ne!(bucket.run(day).code, 0);
    bucket.s3.break_at(None);
    let claim = bucket.s3.at("filings/claims/19");
    assert!(claim.is_file(), "{:?}", bucket.names());
    set_all_changed(&bucket.s3.at(""), 0);
    let before = bucket.names();
    let done = bucket.prune(&["--delete"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(before.difference(&bucket.names()).count(), 2, "the orphan and the evidence");
    let completed = bucket.run(day);
    assert_eq!(completed.code, 0, "{}", completed.stderr);
    assert!(completed.stderr.contains("Completed filing"), "{}", completed.stderr);
    bucket.is_whole();

    let bucket = Bucket::new();
    fs::write(bucket.s3.at("filings/claims/19"), "{}\n").unwrap();
    let before = bucket.names();
    let done = bucket.prune(&["--delete"]);
    assert_eq!(done.code, 5, "{}", done.stderr);
    assert!(done.stderr.contains("s3://test/filings/claims/19: the claim cannot be read"), "{}", done.stderr);
    assert_eq!(bucket.names(), before);
}

/// A run and a prune at once: what the run finds in the archive is removed just before it claims.
#[test]
fn a_run_brings_up_again_what_went_before_its_claim() {
    let bucket = Bucket::new();
    let day = "2026-11-21";
    let extract = format!("id,date,account,amount\n1,{day},x,10.00\n");
    bucket.place.write(&format!("landing/a/{day}.csv"), &extract);
    bucket.place.write(&format!("warehouse/{day}.csv"), format!("source,id,date,account,amount\na,1,{day},x,10.00\n"));
    let archive = Archive::new(bucket.s3.at("filings"));
    let object = archive.path_of(archive.put_bytes(extract.as_bytes()).unwrap().digest);
    let gone = object.clone();
    bucket.s3.before_first(&Method::PUT, "/claims/", move || fs::remove_file(gone).unwrap());
    let done = bucket.run(day);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(object.is_file());
    bucket.is_whole();
}

/// The other way about: a run claims, with what is being removed, and does not come to bring it up again.
#[test]
fn what_a_run_came_to_need_is_told_when_it_is_gone() {
    let bucket = Bucket::new();
    let claim = fs::read(bucket.s3.at("filings/claims/10")).unwrap();
    let list = fs::read(bucket.s3.at(&format!("filings/filings/{DATE}.1/inputs.json"))).unwrap();
    let orphan = bucket.orphan.file_name().unwrap().to_string_lossy().into_owned();
    let other = Sha256Digest::of(&fs::read(bucket.place.at(&format!("landing/a/{DATE}.csv"))).unwrap()).to_string();
    let archive = Archive::new(bucket.s3.at("filings"));
    let new = archive.put_bytes(String::from_utf8(list.clone()).unwrap().replace(&other, &orphan).as_bytes()).unwrap();
    let claim =
        String::from_utf8(claim).unwrap().replace(&Sha256Digest::of(&list).to_string(), &new.digest.to_string());
    let path = bucket.s3.at("filings/claims/19");
    bucket.s3.before_first(&Method::DELETE, "/archive/", move || fs::write(path, claim).unwrap());
    let done = bucket.prune(&["--delete"]);
    assert_eq!(done.code, 5, "{}", done.stderr);
    assert!(done.stderr.contains("a run that filed meanwhile needs it"), "{}", done.stderr);
}
