//! What a night has done already is not done again by the run that goes on with it, and is the same either way.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use cuadre_audit::Archive;
use cuadre_engine::inputs::{Bytes, Input, Inputs, Role, Stored};
use cuadre_engine::judge::{Extent, MEMORY, Room, judge};
use cuadre_engine::load::kept::{Kept, LOADED, load_ahead};
use cuadre_engine::progress::Progress;
use cuadre_rules::Config;
use cuadre_tests::crash::{Call, How, KILLED, Shim};
use cuadre_tests::{DATE, Place, SMALL, files_below};
use proptest::prelude::*;

use crate::loading::formats::parquet_of;

/// Source `a` in CSV and JSON Lines with a constant branch and control totals in a trailer, `b` in Parquet.
const CONFIG: &str = r#"
[[source]]
id = "b"
[source.extract]
files = "landing/b/{date}.parquet"
format = "parquet"
columns = { id = "id", booked_on = "date", account = "account", amount = "amount", branch = { value = "B-{date}" } }
"#;

fn config() -> String {
    let of_a = "[source.extract]\nfiles = \"landing/a/{date}.csv\"";
    let more = "{date}-2.csv\"]\nexpected_header = [\"id\", \"date\", \"account\", \"amount\"]";
    SMALL.replacen(of_a, &format!("[source.extract]\nfiles = [\"landing/a/{{date}}.csv\", \"landing/a/{more}"), 1)
        + CONFIG
}

const WAREHOUSE: &str = "source,id,date,account,amount\na,1,2026-11-20,x,10.00\na,2,2026-11-20,y,1.00\nb,7,2026-11-20,z,\
    3.00\nb,8,2026-11-20,z,bad\nc,1,2026-11-20,x,1.00\n";

fn parquet() -> Vec<u8> {
    let column = |texts: [&str; 3]| -> ArrayRef { Arc::new(StringArray::from_iter_values(texts)) };
    parquet_of(&[
        ("id", column(["7", "8", "9"])),
        ("date", column([DATE; 3])),
        ("account", column(["z", "z", "ñ"])),
        ("amount", column(["3.00", "none", "4.5"])),
    ])
}

/// A received day.
struct Received {
    folder: tempfile::TempDir,
    config: Config,
    inputs: Inputs,
}

impl Received {
    fn new(config: &str, files: &[(Role, &str, &str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::new(folder.path());
        let stored = |name: &str, bytes: &[u8]| {
            let stored = archive.put_bytes(bytes).unwrap();
            Stored { name: name.to_owned(), sha256: stored.digest.to_string(), bytes: stored.bytes }
        };
        let mut inputs = Inputs::new(DATE.parse().unwrap(), stored("cuadre.toml", config.as_bytes()));
        inputs.inputs.extend(files.iter().map(|(role, of, name, bytes)| Input {
            role: *role,
            of: (*of).to_owned(),
            file: stored(name, bytes),
            changed_at: None,
            filed_before: None,
            snapshot: false,
        }));
        Self { folder, config: Config::parse(config, "cuadre.toml").unwrap(), inputs }
    }

    fn usual() -> Self {
        let a = b"id,date,account,amount\n1,2026-11-20,x,10.00\n2,2026-11-20,y,1.05\n3,2026-11-20,y,1.005\n";
        let more = "id,amount,date,account,extra\n4,-1,2026-11-20,ñ,?\n5,1,2026-11-19,y,?\n";
        Self::new(
            &config(),
            &[
                (Role::Extract, "a", "landing/a/2026-11-20.csv", a),
                (Role::Extract, "a", "landing/a/2026-11-20-2.csv", more.as_bytes()),
                (Role::Extract, "b", "landing/b/2026-11-20.parquet", &parquet()),
                (Role::Warehouse, "", "warehouse/2026-11-20.csv", WAREHOUSE.as_bytes()),
            ],
        )
    }

    fn bytes(&self) -> Bytes {
        Bytes::Archived(Archive::new(self.folder.path()))
    }

    fn night(&self) -> PathBuf {
        self.folder.path().join("night")
    }

    /// All that is judged, with every movement and every row of evidence, in words.
    fn judged(&self, kept: Option<&Kept>) -> String {
        let scratch = tempfile::tempdir().unwrap();
        let progress = Progress::silent();
        let room = Room { scratch: scratch.path(), memory: MEMORY, progress: &progress, kept };
        let judged = judge(&self.config, &self.inputs, &self.bytes(), room, Extent::Day).unwrap();
        let evidence: Vec<_> =
            judged.evidence.iter().flat_map(|list| list.read().unwrap()).map(Result::unwrap).collect();
        let staged: Vec<_> = judged.staged.iter().flat_map(|file| file.read().unwrap()).map(Result::unwrap).collect();
        format!("{:?}\n{:?}\n{evidence:?}\n{staged:?}", judged.day, judged.files)
    }

    /// What is kept of the night: path, bytes, and by what a file is seen to be another one.
    fn kept(&self) -> Vec<(String, Vec<u8>, u64)> {
        let inode = |name: &str| fs::metadata(self.night().join(LOADED).join(name)).unwrap().ino();
        let files = files_below(&self.night().join(LOADED));
        files.into_iter().map(|(name, bytes)| (name.clone(), bytes, inode(&name))).collect()
    }
}

#[test]
fn what_is_kept_is_taken_and_judged_alike() {
    let day = Received::usual();
    let fresh = day.judged(None);
    assert!(fresh.contains("records_rejected") && fresh.contains("warehouse_records_rejected"), "{fresh}");
    assert!(fresh.contains("schema_drift") && fresh.contains("\"changed\""), "{fresh}");
    let kept = Kept::at(&day.night());
    assert_eq!(day.judged(Some(&kept)), fresh);
    let files = day.kept();
    assert_eq!(files.len(), 4 * 3);
    assert_eq!(day.judged(Some(&kept)), fresh);
    assert!(day.kept() == files, "nothing is written again");
}

#[test]
fn what_is_kept_and_damaged_is_loaded_again() {
    let day = Received::usual();
    let kept = Kept::at(&day.night());
    let fresh = day.judged(Some(&kept));
    let whole = day.kept();
    let contents = || day.kept().into_iter().map(|(name, bytes, _)| (name, bytes)).collect::<Vec<_>>();
    let before = contents();
    for (name, bytes, _) in &whole {
        let path = day.night().join(LOADED).join(name);
        let step = (bytes.len() / 5).max(1);
        let flipped = (0..bytes.len()).step_by(step).map(|at| {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            damaged
        });
        let torn = [Vec::new(), bytes[..bytes.len() / 2].to_vec(), vec![0; bytes.len() + 1]];
        for damaged in flipped.chain(torn) {
            if damaged == *bytes {
                continue;
            }
            fs::write(&path, &damaged).unwrap();
            assert_eq!(day.judged(Some(&kept)), fresh, "{name}");
            assert!(contents() == before, "{name} is made good");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(day.judged(Some(&kept)), fresh, "without {name}");
        assert!(contents() == before, "{name} is made good");
    }
}

/// What decides how a file is loaded is part of its name there: nothing is taken for something else.
#[test]
fn another_meaning_is_loaded_by_itself() {
    let day = Received::usual();
    let kept = Kept::at(&day.night());
    day.judged(Some(&kept));
    let before = day.kept().len();
    let mut other = Received::new(&config().replace("\"id\", booked_on", "\"account\", booked_on"), &[]);
    other.inputs.inputs = day.inputs.inputs.clone();
    let other = Received { folder: day.folder, ..other };
    let fresh = other.judged(None);
    assert_eq!(other.judged(Some(&kept)), fresh);
    assert_eq!(other.kept().len(), 2 * before);
}

#[test]
fn a_source_that_came_early_is_loaded_ahead() {
    let day = Received::usual();
    let (kept, scratch, progress) = (Kept::at(&day.night()), tempfile::tempdir().unwrap(), Progress::silent());
    let room = Room { scratch: scratch.path(), memory: MEMORY, progress: &progress, kept: Some(&kept) };
    let mut only = day.inputs.clone();
    only.inputs.retain(|input| input.of == "a");
    let ahead = load_ahead(&day.config, &only, &day.bytes(), room).unwrap();
    let told: Vec<_> = ahead.iter().map(|a| (a.source.as_str(), a.records, a.rejected, a.amount.to_string())).collect();
    assert_eq!(told, [("a", 5, 2, "10.05 MXN".to_owned())]);
    let early = day.kept();
    assert_eq!(early.len(), 2 * 3);
    assert_eq!(day.judged(Some(&kept)), day.judged(None));
    assert!(early.iter().all(|file| day.kept().contains(file)), "it is not loaded again");

    only.inputs[0].file.name = "landing/a/2026-11-20.csv".to_owned();
    only.inputs[0].file.sha256 =
        Archive::new(day.folder.path()).put_bytes(b"nothing,of,this\n1,2,3\n").unwrap().digest.to_string();
    let room = Room { scratch: scratch.path(), memory: MEMORY, progress: &progress, kept: Some(&kept) };
    let ahead = load_ahead(&day.config, &only, &day.bytes(), room).unwrap();
    assert!(ahead[0].unreadable[0].starts_with("landing/a/2026-11-20.csv: no column `date`"), "{ahead:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_files_are_judged_alike(
        a in "(id,date,account,amount\n)?([0-4],2026-11-(20|19),[xy\" ]{0,2},(1|-2\\.50|9\\.999|x)\n){0,12}",
        copy in "source,id,date,account,amount\n([abc],[0-4],2026-11-20,[xy]{1},(1|-2\\.50|x)\n){0,12}",
    ) {
        let files: [(Role, &str, &str, &[u8]); 3] = [
            (Role::Extract, "a", "landing/a/2026-11-20.csv", a.as_bytes()),
            (Role::Extract, "b", "landing/b/2026-11-20.parquet", &parquet()),
            (Role::Warehouse, "", "warehouse/2026-11-20.csv", copy.as_bytes()),
        ];
        let day = Received::new(&config(), &files);
        let (fresh, kept) = (day.judged(None), Kept::at(&day.night()));
        prop_assert_eq!(&day.judged(Some(&kept)), &fresh);
        prop_assert_eq!(&day.judged(Some(&kept)), &fresh);
    }
}

fn place() -> Place {
    let place = Place::new();
    place.write("cuadre.toml", config());
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n2,2026-11-20,y,bad\n");
    place.write(&format!("landing/b/{DATE}.parquet"), parquet());
    place.write(&format!("warehouse/{DATE}.csv"), WAREHOUSE);
    place
}

fn filings(place: &Place) -> Vec<(String, Vec<u8>)> {
    place.files("filings").into_iter().filter(|(name, _)| name != "LOCK").collect()
}

/// The call by which a night's manifest comes into being, counted from 1.
fn filing(calls: &[Call]) -> usize {
    let signing = |call: &Call| matches!(call, Call::Create(path, _) if path.ends_with("manifest.json"));
    calls.iter().position(signing).unwrap() + 1
}

/// A night that is killed when it has all but filed loads nothing the second time, and files the same bytes.
#[test]
fn a_killed_night_goes_on_where_it_stopped() {
    let Some(shim) = Shim::compile() else { return };
    let run = ["run", "--config", "cuadre.toml", "--date", DATE];
    let whole = place();
    fs::create_dir_all(whole.at("filings")).unwrap();
    let (done, calls) = shim.run(&whole, "filings", &run, None);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let kept = |place: &Place| {
        ["loaded", "received.json"].map(|name| place.at("filings.night").join(DATE).join(name).exists())
    };
    assert_eq!(kept(&whole), [false; 2], "once filed, nothing is kept");
    let at = filing(&calls);
    let killed = || {
        let place = place();
        fs::create_dir_all(place.at("filings")).unwrap();
        assert_eq!(shim.run(&place, "filings", &run, Some((at, How::Before))).0.code, KILLED);
        place
    };
    // The second run does less, so its calls are counted once more.
    let again = filing(&shim.run(&killed(), "filings", &run, None).1);
    let killed = killed();
    let loaded = killed.at("filings.night").join(DATE).join(LOADED);
    let state = || -> Vec<(String, u64, i64)> {
        let of = |(name, _): (String, Vec<u8>)| {
            let file = fs::metadata(loaded.join(&name)).unwrap();
            (name, file.ino(), file.mtime_nsec())
        };
        files_below(&loaded).into_iter().map(of).collect()
    };
    let before = state();
    assert_eq!(before.len(), 3 * 3);
    assert_eq!(shim.run(&killed, "filings", &run, Some((again, How::Before))).0.code, KILLED);
    assert_eq!(state(), before, "nothing is loaded again");
    let done = killed.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(filings(&killed) == filings(&whole), "the same bytes");
    assert_eq!(kept(&killed), [false; 2]);
    let again = killed.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
}

/// What a night kept that was never filed goes with the next one that is.
#[test]
fn what_older_nights_kept_is_removed() {
    let place = place();
    place.write("filings.night/2026-11-19/loaded/x/loaded.json", "{}");
    place.write("filings.night/2026-11-19/night.json", "{}");
    place.write("filings.night/2026-11-21/loaded/x/loaded.json", "{}");
    place.write(&format!("filings.night/{DATE}/received.json"), "not JSON");
    assert_eq!(place.run().code, 3);
    let left: Vec<String> = place.files("filings.night").into_iter().map(|(name, _)| name).collect();
    let state = ["2026-11-20/LOCK", "2026-11-20/night.json"];
    assert_eq!(
        left,
        [&["2026-11-19/night.json"], &state[..], &["2026-11-21/loaded/x/loaded.json", "durations.json"]].concat()
    );
}
