//! Landing and series in a bucket: the same filings, byte for byte, as in folders; runs that keep
//! apart; and a series that is completed wherever a run breaks off.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use cuadre_audit::SigningKey;
use cuadre_tests::s3::{BUCKET, Break, S3, copy};
use cuadre_tests::{DATE, Done, ISSUED_AT, Place, SMALL, files_below};

const LATER: &str = "1795264800";
const FILINGS: &str = "s3://test/filings";

/// An institution with two accepted movements, whose data is in the bucket as well.
fn small(s3: &S3) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    place.write(
        &format!("data/landing/a/{DATE}.csv"),
        "id,date,account,amount\n1,2026-11-20,x,10.00\n2,2026-11-20,y,-2.50\n",
    );
    place.write(
        &format!("data/warehouse/{DATE}.csv"),
        "source,id,date,account,amount\na,2,2026-11-20,y,-2.50\na,1,2026-11-20,x,10.00\n",
    );
    s3.load(&place.at("data"), "data");
    place
}

/// Runs the night of [`DATE`] on the bucket.
fn night(place: &Place, s3: &S3, filings: &str, more: &[&str]) -> Done {
    night_at(place, s3, filings, ISSUED_AT, more)
}

fn night_at(place: &Place, s3: &S3, filings: &str, clock: &str, more: &[&str]) -> Done {
    let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--data", "s3://test/data", "--filings", filings];
    let mut env = s3.env();
    env.push(("SOURCE_DATE_EPOCH".to_owned(), clock.to_owned()));
    place.cuadre_with(args.iter().chain(more), &env)
}

fn verify(place: &Place, s3: &S3, filings: &str) -> Done {
    place.cuadre_with(["verify", filings], &s3.env())
}

/// What a series holds for good: no lock, and no claims.
fn series(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = files_below(folder).into_iter();
    files.filter(|(name, _)| name != "LOCK" && !name.starts_with("claims/")).collect()
}

#[track_caller]
fn assert_same(left: &[(String, Vec<u8>)], right: &[(String, Vec<u8>)]) {
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(left), names(right));
    for ((name, left), (_, right)) in left.iter().zip(right) {
        assert!(left == right, "{name}:\n{}\n{}", String::from_utf8_lossy(left), String::from_utf8_lossy(right));
    }
}

#[test]
fn a_night_in_a_bucket_files_the_bytes_of_one_in_folders() {
    let s3 = S3::start();
    let place = small(&s3);
    // A cut-off, so that the times of the files count.
    place.write("cuadre.toml", SMALL.replace("id = \"a\"\n", "id = \"a\"\ncut_off = \"05:00\"\n"));
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_255_000);
    for file in [place.at(&format!("data/landing/a/{DATE}.csv")), s3.at(&format!("data/landing/a/{DATE}.csv"))] {
        fs::File::options().append(true).open(file).unwrap().set_modified(changed).unwrap();
    }
    let local = place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--data", "data"]);
    assert_eq!(local.code, 0, "{}", local.stderr);
    let done = night(&place, &s3, FILINGS, &["--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("s3://test/filings/filings/2026-11-20.1"), "{}", done.stderr);
    assert!(done.stdout.contains("\"folder\":\"s3://test/filings/filings/2026-11-20.1\""), "{}", done.stdout);
    assert_same(&series(&place.at("filings")), &series(&s3.at("filings")));

    let again = night_at(&place, &s3, FILINGS, LATER, &[]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("nothing new"), "{}", again.stderr);
    assert_same(&series(&place.at("filings")), &series(&s3.at("filings")));

    let verified = verify(&place, &s3, FILINGS);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let args = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--filings", FILINGS, "--out", "again"];
    let made = place.cuadre_with(args, &s3.env());
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_same(
        &place.files("again"),
        &series(&place.at("filings/filings/2026-11-20.1"))
            .into_iter()
            .filter(|(name, _)| name != "manifest.json.sig")
            .collect::<Vec<_>>(),
    );

    // Copied down with any tool, claims included, it is a series in a folder like any other.
    copy(&s3.at("filings"), &place.at("copied"));
    let copied = place.cuadre(["verify", "copied"]);
    assert_eq!(copied.code, 0, "{}", copied.stderr);
    assert!(copied.stderr.contains("note: claims"), "{}", copied.stderr);
    let local =
        place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--data", "data", "--filings", "copied"]);
    assert!(local.stderr.contains("nothing new"), "{}", local.stderr);
}

#[test]
fn the_demo_in_a_bucket_files_the_bytes_of_the_demo() {
    let s3 = S3::start();
    let place = Place::new();
    assert_eq!(place.cuadre(["demo", "demo"]).code, 3);
    s3.load(&place.at("demo"), "demo");
    fs::remove_dir_all(s3.at("demo/filings")).unwrap();
    let text = place.read("demo/cuadre.toml").replace("data = \".\" ", "data = \"s3://test/demo\" ");
    let args =
        ["run", "--config", "demo/cuadre.toml", "--date", DATE, "--data", "s3://test/demo", "--filings", FILINGS];
    let done = place.cuadre_with(args, &s3.env());
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_same(&series(&place.at("demo/filings")), &series(&s3.at("filings")));
    assert_eq!(verify(&place, &s3, FILINGS).code, 0);

    // The same places in the configuration: shown by `check`, and nothing new.
    place.write("demo/cuadre.toml", text.replace("filings = \"filings\" ", "filings = \"s3://test/filings/\" "));
    let check = place.cuadre(["check", "--config", "demo/cuadre.toml"]);
    assert!(check.stderr.contains("Data below s3://test/demo, filings in s3://test/filings"), "{}", check.stderr);
    let args = ["run", "--config", "demo/cuadre.toml", "--date", DATE, "--only", "end-to-end"];
    let compared = place.cuadre_with(args, &s3.env());
    assert_eq!(compared.code, 3, "{}", compared.stderr);
    let demo = place.cuadre_with(["demo", "demo"], &s3.env());
    assert_eq!(demo.code, 78, "{}", demo.stderr);
}

#[test]
fn a_later_delivery_makes_a_supplement_and_a_restatement_wants_a_reason() {
    let s3 = S3::start();
    let place = small(&s3);
    let extract = s3.at(&format!("data/landing/a/{DATE}.csv"));
    let kept = fs::read_to_string(&extract).unwrap();
    fs::remove_file(&extract).unwrap();
    let partial = night(&place, &s3, FILINGS, &[]);
    assert_eq!(partial.code, 3, "{}", partial.stderr);
    fs::write(&extract, &kept).unwrap();
    let supplement = night(&place, &s3, FILINGS, &[]);
    assert_eq!(supplement.code, 0, "{}", supplement.stderr);
    assert!(supplement.stderr.contains("filed 2026-11-20.2"), "{}", supplement.stderr);
    fs::write(&extract, kept + "3,2026-11-20,z,1.00\n").unwrap();
    assert_eq!(night(&place, &s3, FILINGS, &[]).code, 64);
    let restated = night(&place, &s3, FILINGS, &["--reason", "a late movement"]);
    assert_eq!(restated.code, 3, "{}", restated.stderr);
    // The day after looks up what the day before was made from.
    let args = ["run", "--config", "cuadre.toml", "--date", "2026-11-21", "--data", "s3://test/data"];
    let next = place.cuadre_with(args.iter().chain(&["--filings", FILINGS]), &s3.env());
    assert_eq!(next.code, 3, "{}", next.stderr);
    let verified = verify(&place, &s3, FILINGS);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stderr.contains("Verified: 4 filings"), "{}", verified.stderr);
    for (number, code) in [("1", 0), ("3", 0), ("4", 64)] {
        let args = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--filing", number, "--filings", FILINGS];
        let out = format!("again-{number}");
        let made = place.cuadre_with(args.iter().copied().chain(["--out", &out]), &s3.env());
        assert_eq!(made.code, code, "{}", made.stderr);
    }
}

#[test]
fn of_two_runs_at_once_one_files_and_the_other_is_told_to_come_again() {
    let s3 = S3::start();
    let place = small(&s3);
    // Of two that found a series, the one that comes too late is told so before it claims anything.
    let args = ["run", "--config", "cuadre.toml", "--date", "2026-11-19", "--data", "s3://test/data"];
    let before = place.cuadre_with(args.iter().chain(&["--filings", FILINGS]), &s3.env());
    assert_eq!(before.code, 3, "{}", before.stderr);
    s3.let_claims_meet();
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| night_at(&place, &s3, FILINGS, LATER, &[]));
        (night(&place, &s3, FILINGS, &[]), other.join().unwrap())
    });
    let mut codes = [one.code, other.code];
    codes.sort();
    assert_eq!(codes, [0, 75], "{}\n{}", one.stderr, other.stderr);
    let lost = if one.code == 75 { one } else { other };
    assert!(lost.stderr.contains("s3://test/filings: another run is filing"), "{}", lost.stderr);
    let verified = verify(&place, &s3, FILINGS);
    assert!(verified.stderr.contains("Verified: 2 filings"), "{}", verified.stderr);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(night(&place, &s3, FILINGS, &[]).stderr.contains("nothing new"));
}

/// Both make the very same filing, and may take each other's for their own.
#[test]
fn of_two_equal_runs_at_once_each_finds_the_day_filed() {
    let s3 = S3::start();
    let place = small(&s3);
    s3.let_claims_meet();
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| night(&place, &s3, FILINGS, &[]));
        (night(&place, &s3, FILINGS, &[]), other.join().unwrap())
    });
    assert_eq!((one.code, other.code), (0, 0), "{}\n{}", one.stderr, other.stderr);
    let verified = verify(&place, &s3, FILINGS);
    assert!(verified.stderr.contains("Verified: 1 filings"), "{}", verified.stderr);
}

/// A run that is held up before its last write is completed by the next one, and learns of it.
#[test]
fn a_run_that_was_overtaken_finds_its_filing_in_the_series() {
    let s3 = S3::start();
    let place = small(&s3);
    let release = s3.hold_log();
    let slow = thread::scope(|scope| {
        let slow = scope.spawn(|| night(&place, &s3, FILINGS, &[]));
        while !s3.writes().iter().any(|write| write.contains("/LOG")) {
            assert!(!slow.is_finished());
            thread::sleep(Duration::from_millis(10));
        }
        let args = ["run", "--config", "cuadre.toml", "--date", "2026-11-21", "--data", "s3://test/data"];
        let next = place.cuadre_with(args.iter().chain(&["--filings", FILINGS]), &s3.env());
        assert_eq!(next.code, 3, "{}", next.stderr);
        assert!(next.stderr.contains("Completed filing 2026-11-20.1"), "{}", next.stderr);
        release();
        slow.join().expect("the slow run")
    });
    assert_eq!(slow.code, 0, "{}", slow.stderr);
    let verified = verify(&place, &s3, FILINGS);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stderr.contains("Verified: 2 filings"), "{}", verified.stderr);
}

#[test]
fn a_series_has_one_founder() {
    let s3 = S3::start();
    let place = small(&s3);
    // The first stops right after the trust file, before LOG.
    s3.break_at(Some((1, Break::After)));
    assert_ne!(night(&place, &s3, FILINGS, &[]).code, 0);
    s3.break_at(None);
    for name in ["key", "key.pub"] {
        fs::rename(place.at(name), place.at(&format!("kept-{name}"))).unwrap();
    }
    SigningKey::from_seed([8; 32]).write(&place.at("key"), "test").unwrap();
    let other = night(&place, &s3, FILINGS, &[]);
    assert_eq!(other.code, 78, "{}", other.stderr);
    assert!(other.stderr.contains("s3://test/filings/trust/allowed_signers.1"), "{}", other.stderr);
    assert!(other.stderr.contains("does not trust"), "{}", other.stderr);
    fs::rename(place.at("kept-key"), place.at("key")).unwrap();
    assert_eq!(night(&place, &s3, FILINGS, &[]).code, 0);
    assert_eq!(verify(&place, &s3, FILINGS).code, 0);
}

/// Wherever a run breaks off, the next one leaves the series whole, with a filing of the first run
/// where that had claimed its place.
fn is_completed(how: Break, founded: bool) {
    let s3 = S3::start();
    let place = small(&s3);
    let extract = s3.at(&format!("data/landing/a/{DATE}.csv"));
    if founded {
        let kept = fs::read(&extract).expect("a file of the bucket");
        fs::remove_file(&extract).expect("a file of the bucket");
        assert_eq!(night(&place, &s3, "s3://test/begun", &[]).code, 3);
        fs::write(&extract, kept).expect("a file of the bucket");
    }
    let mut total = usize::MAX;
    let mut write = 0;
    while write < total {
        write += 1;
        let filings = format!("filings-{write}");
        let url = format!("s3://test/{filings}");
        let begun = || fs::read_to_string(s3.at("begun/LOG")).expect("a file of the bucket").lines().count();
        let entries = if founded { begun() } else { 1 };
        if founded {
            copy(&s3.at("begun"), &s3.at(&filings));
        }
        // The first round only counts.
        let counting = total == usize::MAX;
        s3.break_at((!counting).then_some((write, how)));
        let broken = night(&place, &s3, &url, &[]);
        if counting {
            assert_eq!(broken.code, 0, "{}", broken.stderr);
            total = s3.writes().len();
            assert!(total > 10, "{:?}", s3.writes());
            write = 0;
            fs::remove_dir_all(s3.at(&filings)).expect("a file of the bucket");
            place.forget_last_signed();
            continue;
        }
        assert_ne!(broken.code, 0, "write {write}: {}", broken.stderr);
        let claim = s3.at(&filings).join(format!("claims/{entries}"));
        let claimed = fs::read(&claim).ok();
        let named = |log: &str| log.lines().all(|line| s3.at(&filings).join(&line[66..]).is_file());
        let log = fs::read_to_string(s3.at(&filings).join("LOG")).unwrap_or_default();
        assert!(named(&log), "write {write}: {log}");

        s3.break_at(None);
        let next = night_at(&place, &s3, &url, LATER, &[]);
        assert_eq!(next.code, 0, "write {write}: {}", next.stderr);
        let verified = verify(&place, &s3, &url);
        assert_eq!(verified.code, 0, "write {write}: {}", verified.stderr);
        let number = if founded { 2 } else { 1 };
        assert!(verified.stderr.contains(&format!("Verified: {number} filings")), "write {write}: {}", verified.stderr);
        let filed = |name| {
            let path = s3.at(&filings).join(format!("filings/{DATE}.{number}/{name}"));
            fs::read(path).expect("a file of the bucket")
        };
        let signed = [filed("manifest.json"), filed("manifest.json.sig")].concat();
        assert_eq!(fs::read(&claim).expect("a file of the bucket"), signed, "write {write}");
        if let Some(claimed) = claimed {
            assert_eq!(claimed, signed, "write {write}");
            assert!(next.stderr.contains("nothing new"), "write {write}: {}", next.stderr);
            // All but the last put, of LOG: what it had written, or not.
            let completed = next.stderr.contains("Completed filing");
            assert_eq!(completed, !(how == Break::After && write == total), "write {write}: {}", next.stderr);
        } else {
            assert!(!next.stderr.contains("nothing new"), "write {write}: {}", next.stderr);
        }
    }
}

#[test]
fn a_new_series_is_completed_from_any_write_on() {
    is_completed(Break::Before, false);
}

#[test]
fn a_new_series_is_completed_after_any_write() {
    is_completed(Break::After, false);
}

#[test]
fn a_supplement_is_completed_from_any_write_on() {
    is_completed(Break::Before, true);
}

#[test]
fn a_claim_that_cannot_be_completed_says_what_to_do() {
    let s3 = S3::start();
    let place = small(&s3);
    assert_eq!(night(&place, &s3, FILINGS, &[]).code, 0);
    let entries = fs::read_to_string(s3.at("filings/LOG")).unwrap().lines().count();
    fs::write(s3.at(&format!("filings/claims/{entries}")), fs::read(s3.at("filings/claims/1")).unwrap()).unwrap();
    let done = night(&place, &s3, FILINGS, &[]);
    assert_eq!(done.code, 5, "{}", done.stderr);
    assert!(done.stderr.contains(&format!("s3://test/filings/claims/{entries}")), "{}", done.stderr);
    assert!(done.stderr.contains("remove the claim and run again"), "{}", done.stderr);
}

/// Who may write to the bucket cannot have a filing signed that the key's holder never made.
#[test]
fn a_claim_that_nobody_signed_is_not_completed() {
    let s3 = S3::start();
    let place = small(&s3);
    assert_eq!(night(&place, &s3, FILINGS, &[]).code, 0);
    let entries = fs::read_to_string(s3.at("filings/LOG")).unwrap().lines().count();
    let claim = fs::read_to_string(s3.at("filings/claims/1")).unwrap();
    for forged in [claim.replace("Caja de Prueba", "Caja de Otros"), claim.lines().next().unwrap().to_owned() + "\n"] {
        fs::write(s3.at(&format!("filings/claims/{entries}")), forged).unwrap();
        let done = night(&place, &s3, FILINGS, &[]);
        assert_eq!(done.code, 5, "{}", done.stderr);
        assert!(!s3.at(&format!("filings/filings/{DATE}.2")).exists());
    }
}

#[test]
fn a_night_that_is_not_filed_leaves_its_evidence_beside_the_series() {
    let s3 = S3::start();
    let place = small(&s3);
    place.write("cuadre.toml", format!("{SMALL}[policy]\nrequired_sources = [\"a\"]\n"));
    fs::remove_file(s3.at(&format!("data/landing/a/{DATE}.csv"))).unwrap();
    let done = night(&place, &s3, FILINGS, &[]);
    assert_eq!(done.code, 4, "{}", done.stderr);
    assert!(done.stderr.contains("s3://test/filings.not-filed/2026-11-20/exceptions.csv"), "{}", done.stderr);
    assert!(s3.at("filings.not-filed/2026-11-20/exceptions.csv").is_file());
    assert!(!s3.at("filings").exists());
}

#[test]
fn each_failure_has_its_exit_code_and_shows_no_secret() {
    let s3 = S3::start();
    let place = small(&s3);
    fs::create_dir(s3.at("data/empty")).unwrap();
    let with = |changes: &[(&str, &str)], data: &str, filings: &str| {
        let mut env: BTreeMap<String, String> = s3.env().into_iter().collect();
        env.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let env: Vec<(String, String)> = env.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--data", data, "--filings", filings];
        let done = place.cuadre_with(args, &env);
        for secret in ["AKIATEST", "not/a/secret", "wrong", "127.0.0.1"] {
            assert!(!done.stderr.contains(secret), "{}", done.stderr);
        }
        done
    };
    let data = "s3://test/data";
    let no_key: &[(&str, &str)] =
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", ""), ("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")];
    for (changes, data, filings, code, says) in [
        (&[("AWS_SECRET_ACCESS_KEY", "wrong")][..], data, FILINGS, 78, "credentials are refused"),
        (&[("AWS_ACCESS_KEY_ID", "AKIAwrong")], data, FILINGS, 78, "check AWS_ACCESS_KEY_ID"),
        (&[("AWS_SECRET_ACCESS_KEY", "wrong")], "data", FILINGS, 78, "s3://test/filings"),
        (&[("AWS_SECRET_ACCESS_KEY", "")], data, FILINGS, 78, "set both AWS_ACCESS_KEY_ID and"),
        (no_key, data, FILINGS, 78, "there are no credentials"),
        (&[("AWS_ALLOW_HTTP", "")], data, FILINGS, 78, "AWS_ALLOW_HTTP=true"),
        (&[("AWS_ENDPOINT", "http://127.0.0.1:1")], data, FILINGS, 75, "cannot be reached"),
        (&[], "s3://nowhere/data", FILINGS, 78, "no such bucket"),
        (&[], data, "s3://nowhere/filings", 78, "no such bucket"),
        (&[], "s3://test/nothing", FILINGS, 78, "nothing lies at s3://test/nothing"),
        (&[], data, "s3://test", 78, "such as s3://test/filings"),
        (&[], "gs://test/data", FILINGS, 78, "s3://bucket/prefix"),
    ] {
        let done = with(changes, data, filings);
        assert_eq!(done.code, code, "{changes:?} {data} {filings}: {}", done.stderr);
        assert!(done.stderr.contains(says), "{changes:?} {data} {filings}: {}", done.stderr);
    }
    let verified = verify(&place, &s3, "s3://test/nothing");
    assert_eq!(verified.code, 64, "{}", verified.stderr);
    assert!(!s3.at("filings").exists());
}

#[test]
fn a_store_that_ignores_conditions_is_found_out() {
    let s3 = S3::start_heedless();
    let place = small(&s3);
    let mut env = s3.env();
    env.push(("AWS_SKIP_SIGNATURE".to_owned(), "true".to_owned()));
    let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--data", "data", "--filings", FILINGS];
    let done = place.cuadre_with(args, &env);
    assert_eq!(done.code, 78, "{}", done.stderr);
    assert!(done.stderr.contains("ignores If-None-Match"), "{}", done.stderr);
    assert!(!s3.at("filings/LOG").exists());
}

#[test]
fn large_files_go_up_in_parts() {
    let s3 = S3::start();
    let place = small(&s3);
    let mut extract = "id,date,account,amount,remark\n".to_owned();
    let mut warehouse = "source,id,date,account,amount\n".to_owned();
    for id in 0..600 {
        extract += &format!("{id},2026-11-20,x,1.00,{}\n", "x".repeat(60_000));
        warehouse += &format!("a,{id},2026-11-20,x,1.00\n");
    }
    assert!(extract.len() > 32 << 20);
    fs::write(s3.at(&format!("data/landing/a/{DATE}.csv")), &extract).unwrap();
    fs::write(s3.at(&format!("data/warehouse/{DATE}.csv")), warehouse).unwrap();
    let checksum = ("AWS_CHECKSUM_ALGORITHM".to_owned(), "SHA256".to_owned());
    s3.break_at(None);
    let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--data", "s3://test/data", "--filings", FILINGS];
    let done = place.cuadre_with(args, &[s3.env(), vec![checksum]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let parts = s3.writes().iter().filter(|write| write.contains("partNumber=")).count();
    assert_eq!(parts, extract.len().div_ceil(8 << 20));
    let verified = verify(&place, &s3, FILINGS);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}

#[test]
fn each_branch_may_have_a_folder_and_names_may_be_odd() {
    let s3 = S3::start();
    let place = small(&s3);
    place.write("cuadre.toml", SMALL.replace("landing/a/{date}.csv", "landing/*/{date}/*.csv"));
    let row = |id: &str, account: &str| format!("id,date,account,amount\n{id},2026-11-20,{account},1.00\n");
    for (branch, name) in
        [("001", "mov.csv"), ("ñandú 2", "a b+c&d%20=e.csv"), ("..x", "mov.csv"), (".hidden", "mov.csv")]
    {
        place.write(&format!("data/landing/{branch}/{DATE}/{name}"), row(branch, name));
        place.write(&format!("data/landing/{branch}/2026-11-19/{name}"), row("old", name));
    }
    place.write(&format!("data/landing/001/{DATE}/.part.csv"), "half of it");
    place.write(&format!("data/landing/001/{DATE}/deeper/mov.csv"), row("deeper", "x"));
    s3.load(&place.at("data"), "data");
    let local = place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--data", "data"]);
    assert_eq!(local.code, 3, "{}", local.stderr);
    let done = night(&place, &s3, FILINGS, &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_same(&series(&place.at("filings")), &series(&s3.at("filings")));
    let filed = place.filed("report.csv");
    assert!(filed.contains("001") && filed.contains("ñandú 2"), "{filed}");
    assert!(!filed.contains("..x") && !filed.contains("old") && !filed.contains("deeper"), "{filed}");
}

/// A key is any text to a store; as a file it could lead anywhere.
#[test]
fn a_key_that_would_leave_its_folder_stops_the_night() {
    for key in ["data/landing/a/../../../../escaped.csv", "data/landing/a//x.csv", "data/landing/a/x&#10;.csv"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().take(8) {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap();
                let head = request[..read].starts_with(b"HEAD");
                let listing = format!(
                    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>{key}</Key>\
                     <LastModified>2026-11-21T05:00:00.000Z</LastModified><Size>4</Size></Contents></ListBucketResult>"
                );
                let (status, body) = if head { ("404 Not Found", "") } else { ("200 OK", listing.as_str()) };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let place = Place::new();
        place.write("cuadre.toml", SMALL.replace("landing/a/{date}.csv", "landing/a/*.csv"));
        place.write("tmp/keep", "");
        let env = [
            ("AWS_ENDPOINT", format!("http://{address}")),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_SKIP_SIGNATURE", "true".to_owned()),
            ("TMPDIR", place.at("tmp").display().to_string()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value));
        let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--data", &format!("s3://{BUCKET}/data")];
        let done = place.cuadre_with(args, &env);
        assert_eq!(done.code, 78, "{key}: {}", done.stderr);
        assert!(done.stderr.contains("cannot be that of a file"), "{key}: {}", done.stderr);
        assert_eq!(place.files("tmp").len(), 1, "{key}");
    }
}

#[test]
fn a_file_url_is_a_folder() {
    let s3 = S3::start();
    let place = small(&s3);
    let url = |name: &str| format!("file://{}", place.at(name).display());
    let (data, filings) = (url("data"), url("filings"));
    let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--data", &data, "--filings", &filings];
    let done = place.cuadre(args);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(place.at("filings/LOG").is_file());
    assert_eq!(place.cuadre(["verify", &filings]).code, 0);
}
