//! Whom a series trusts, from the command line: keys that are rotated and revoked, a root off the
//! machine, time stamps, and the calendar. The stock tools judge each series, too.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Stdio};

use cuadre_audit::SigningKey;
use cuadre_tests::s3::{Break, S3};
use cuadre_tests::tsa::{Failure, Kind, Tsa};
use cuadre_tests::{Done, ISSUED_AT, Place, SMALL, workspace};
use serde_json::Value;

/// A day's files, and the configuration with more at its end and under `[signing]`.
fn institution(signing: &str, more: &str) -> Place {
    let place = Place::new();
    let config = SMALL.replace("key = \"key\"\n", &format!("key = \"key\"\n{signing}"));
    place.write("cuadre.toml", config + more);
    for day in ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"] {
        place.write(&format!("landing/a/{day}.csv"), format!("id,date,account,amount\n1,{day},x,10.00\n"));
        place.write(&format!("warehouse/{day}.csv"), format!("source,id,date,account,amount\na,1,{day},x,10.00\n"));
    }
    place
}

/// Runs a command at a time, in seconds since 1970.
fn at(place: &Place, epoch: i64, args: &[&str]) -> Done {
    place.cuadre_with(args, &[("SOURCE_DATE_EPOCH".to_owned(), epoch.to_string())])
}

/// The same, on a series in a bucket.
fn at_in(s3: &S3, place: &Place, epoch: i64, args: &[&str]) -> Done {
    let clock = ("SOURCE_DATE_EPOCH".to_owned(), epoch.to_string());
    place.cuadre_with(args, &[s3.env(), vec![clock]].concat())
}

fn issued() -> i64 {
    ISSUED_AT.parse().unwrap()
}

const FILINGS: &str = "s3://test/filings";

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn run(place: &Place, day: &str, epoch: i64) -> Done {
    at(place, epoch, &["run", "--config", "cuadre.toml", "--date", day])
}

fn keys(place: &Place, epoch: i64, args: &[&str]) -> Done {
    at(place, epoch, &[&["keys"], args, &["--config", "cuadre.toml"]].concat())
}

#[track_caller]
fn done(done: &Done, code: i32) -> &str {
    assert_eq!(done.code, code, "{}", done.stderr);
    &done.stderr
}

/// Both judge the series alike: `cuadre verify` and the script of stock tools.
#[track_caller]
pub fn verified(place: &Place, code: i32) -> Value {
    let json = place.cuadre(["verify", "filings", "--json"]);
    assert_eq!(json.code, code, "{}", json.stderr);
    let script = Command::new(workspace().join("audit/verify-with-stock-tools.sh"))
        .arg(place.at("filings"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(script.status.code(), Some(code), "{}", String::from_utf8_lossy(&script.stdout));
    serde_json::from_str(&json.stdout).unwrap()
}

fn timeliness(report: &Value) -> Vec<&str> {
    let filings = report["filings"].as_array().unwrap();
    filings.iter().map(|filing| filing["timeliness"].as_str().unwrap_or("null")).collect()
}

fn key_file(place: &Place, name: &str, seed: u8) {
    SigningKey::from_seed([seed; 32]).write(&place.at(name), name).unwrap();
}

#[test]
fn a_key_is_rotated_and_revoked() {
    let place = institution("", "");
    key_file(&place, "new", 8);
    done(&run(&place, "2026-11-20", issued()), 0);
    let rotated = keys(&place, issued() + HOUR, &["rotate", "new.pub"]);
    assert!(done(&rotated, 0).contains("[signing] key = \"new\""), "{}", rotated.stderr);
    let refused = run(&place, "2026-11-21", issued() + DAY);
    assert!(done(&refused, 78).contains("does not count at"), "{}", refused.stderr);
    // A clock that is set back does not bring the old key back.
    done(&run(&place, "2026-11-21", issued()), 78);
    place.write("cuadre.toml", place.read("cuadre.toml").replace("key = \"key\"", "key = \"new\""));
    done(&run(&place, "2026-11-21", issued() + DAY), 0);
    let report = verified(&place, 0);
    assert_eq!(report["signers"].as_array().unwrap().len(), 2);

    let listed = keys(&place, issued() + DAY, &["list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&listed["generation"], &listed["rooted"]), (&2.into(), &false.into()));
    assert_eq!(listed["signers"][0]["validBefore"], "2026-11-21T12:40:00Z");
    assert_eq!(listed["signers"][1]["validAfter"], "2026-11-21T12:40:00Z");

    // The new key turns out to be stolen before the second night: what it signed counts no more.
    key_file(&place, "newer", 9);
    let now = issued() + DAY + HOUR;
    done(&keys(&place, now, &["add", "newer.pub", "--principal", "other@bank.example"]), 0);
    done(&keys(&place, now, &["add", "newer.pub"]), 78);
    let fingerprint = SigningKey::from_seed([8; 32]).public_key().fingerprint();
    done(&keys(&place, now, &["revoke", &fingerprint, "--until", "2026-11-21T13:00:00Z"]), 0);
    let again = keys(&place, now, &["revoke", "new.pub", "--until", "2026-11-21T14:00:00Z"]);
    // It is not only that the key vouches no longer: a revocation never lengthens.
    assert!(done(&again, 78).contains("a revocation only shortens"), "{}", again.stderr);
    let report = verified(&place, 5);
    let passed: Vec<bool> =
        report["filings"].as_array().unwrap().iter().map(|filing| filing["passed"] == true).collect();
    assert_eq!(passed, [true, false]);
}

#[test]
fn a_root_off_the_machine_vouches() {
    let place = institution("root = \"root.pub\"\n", "");
    fs::create_dir(place.at("vault")).unwrap();
    key_file(&place, "vault/root", 9);
    fs::rename(place.at("vault/root.pub"), place.at("root.pub")).unwrap();
    let unfounded = run(&place, "2026-11-20", issued());
    assert!(done(&unfounded, 78).contains("found it with `cuadre keys found`"), "{}", unfounded.stderr);
    let without = keys(&place, issued(), &["found"]);
    assert!(done(&without, 64).contains("--out"), "{}", without.stderr);

    done(&keys(&place, issued(), &["found", "--out", "trust.1"]), 0);
    let unsigned = keys(&place, issued(), &["install", "trust.1"]);
    assert!(done(&unsigned, 78).contains("trust.1.sig"), "{}", unsigned.stderr);
    let sign = |file: &str| {
        let message = place.read(file);
        let root = SigningKey::load(&place.at("vault/root")).unwrap();
        let signature = root.sign(cuadre_audit::keys::TRUST_NAMESPACE, message.as_bytes()).unwrap();
        place.write(&format!("{file}.sig"), signature);
    };
    sign("trust.1");
    done(&keys(&place, issued() + HOUR, &["install", "trust.1"]), 0);
    done(&run(&place, "2026-11-20", issued() + HOUR), 0);

    // The root's key may be here for once, or sign elsewhere while nights go on.
    key_file(&place, "new", 8);
    done(&keys(&place, issued() + 2 * HOUR, &["add", "new.pub", "--voucher", "vault/root"]), 0);
    let by_signer = keys(&place, issued() + 2 * HOUR, &["revoke", "new.pub", "--voucher", "key"]);
    assert!(done(&by_signer, 78).contains("not among"), "{}", by_signer.stderr);
    done(&keys(&place, issued() + 3 * HOUR, &["revoke", "new.pub", "--out", "trust.3"]), 0);
    done(&run(&place, "2026-11-21", issued() + DAY), 0);
    sign("trust.3");
    done(&keys(&place, issued() + 2 * DAY, &["install", "trust.3"]), 0);
    done(&keys(&place, issued() + 2 * DAY, &["install", "trust.3"]), 78);
    done(&run(&place, "2026-11-22", issued() + 2 * DAY), 0);
    verified(&place, 0);
    let root = fs::read(place.at("filings/trust/root_signers")).unwrap();
    place.write("kept", root);
    assert_eq!(place.cuadre(["verify", "filings", "--root-signers", "kept"]).code, 0);
    place.write("kept", place.read("kept").replace("root ", "# root "));
    assert_eq!(place.cuadre(["verify", "filings", "--root-signers", "kept"]).code, 5);
}

fn authority(name: &str, tsa: &Tsa) -> String {
    format!("\n[[time_stamp]]\nname = \"{name}\"\nurl = \"{}\"\ncertificate = \"{name}.pem\"\n", tsa.url())
}

#[test]
fn filings_are_stamped_and_judged_by_the_hour() {
    let (Some(one), Some(two)) = (Tsa::start(Kind::Ec), Tsa::start(Kind::Nom151)) else { return };
    let more = "[time_stamps]\nretry_seconds = 1\nanswer_seconds = 1\n";
    let place = institution("", &format!("{more}{}{}", authority("one", &one), authority("two", &two)));
    place.write("one.pem", one.pem()).write("two.pem", two.pem());
    let set_time = |epoch| {
        one.set_time(epoch);
        two.set_time(epoch);
    };
    // Due at 06:00, filed at 05:40 with one of the two away.
    set_time(issued());
    two.fail_next(100, Failure::Closes);
    let first = run(&place, "2026-11-20", issued());
    assert!(done(&first, 0).contains("  stamped    2026-11-21T11:40:00"), "{}", first.stderr);
    assert!(first.stderr.contains("unstamped  time stamping authority two"), "{}", first.stderr);
    assert!(place.at("filings/filings/2026-11-20.1/manifest.json.sig.one.tsr").is_file());

    // Both away: the filing goes out, its timeliness unproven, until the next one pins it.
    one.fail_next(100, Failure::Silent);
    let second = run(&place, "2026-11-21", issued() + DAY);
    assert!(done(&second, 0).contains("timeliness is unproven"), "{}", second.stderr);
    let report = verified(&place, 0);
    assert_eq!(timeliness(&report), ["proven", "unproven"]);
    assert_eq!(place.cuadre(["verify", "filings", "--timely"]).code, 5);

    // A night that the new authorities are not trusted in yet. When the next is stamped, what it pins existed by
    // then, and that is all that is known.
    let (three, four) = (Tsa::start(Kind::Ec).unwrap(), Tsa::start(Kind::Rsa).unwrap());
    place.write("three.pem", three.pem()).write("four.pem", four.pem());
    let config = place.read("cuadre.toml");
    let config = config[..config.find("\n[[time_stamp]]").unwrap()].to_owned();
    place.write("cuadre.toml", config + &authority("three", &three) + &authority("four", &four));
    let late = issued() + 2 * DAY + HOUR;
    three.set_time(late);
    four.set_time(late);
    let untrusted = run(&place, "2026-11-22", late);
    assert!(done(&untrusted, 0).contains("run `cuadre keys update`"), "{}", untrusted.stderr);
    let drift = keys(&place, late, &["list"]);
    assert!(done(&drift, 0).contains("other time stamping authorities"), "{}", drift.stderr);
    done(&keys(&place, late, &["update"]), 0);
    let third = run(&place, "2026-11-23", late + 1);
    assert_eq!(done(&third, 0).matches("  stamped  ").count(), 2, "{}", third.stderr);
    let report = verified(&place, 0);
    assert_eq!(timeliness(&report), ["proven", "unproven", "unproven", "proven"]);

    // Filed again with another extract, the day is a late supplement, which owes no hour; a first filing is late.
    place.write("landing/a/2026-11-24.csv", "id,date,account,amount\n1,2026-11-24,x,10.00\n");
    place.write("warehouse/2026-11-24.csv", "source,id,date,account,amount\na,1,2026-11-24,x,10.00\n");
    let afternoon = issued() + 4 * DAY + 6 * HOUR;
    three.set_time(afternoon);
    four.set_time(afternoon + 60);
    done(&run(&place, "2026-11-24", afternoon), 0);
    place.write("landing/a/2026-11-24.csv", "id,date,account,amount\n1,2026-11-24,x,10.50\n");
    let args = ["run", "--config", "cuadre.toml", "--date", "2026-11-24", "--reason", "a wrong amount"];
    done(&at(&place, afternoon + 120, &args), 3);
    let report = verified(&place, 0);
    assert_eq!(timeliness(&report), ["proven", "unproven", "unproven", "proven", "late", "null"]);

    // Judged by a copy of trust that was kept elsewhere, its authorities and calendar count.
    fs::copy(place.at("filings/trust/allowed_signers.1"), place.at("kept")).unwrap();
    let by_first = place.cuadre(["verify", "filings", "--allowed-signers", "kept"]);
    assert!(done(&by_first, 5).contains("the series trusts no time stamps of three"), "{}", by_first.stderr);
}

#[test]
fn a_changed_calendar_and_a_key_in_a_bucket() {
    let s3 = S3::start();
    let place = institution("", "");
    place.write("cuadre.toml", "closed = [\"2026-11-22\"]\n".to_owned() + &place.read("cuadre.toml"));
    let run = |day: &str, epoch: i64| {
        at_in(&s3, &place, epoch, &["run", "--config", "cuadre.toml", "--date", day, "--filings", FILINGS])
    };
    done(&run("2026-11-20", issued()), 0);
    done(&run("2026-11-21", issued() + DAY), 0);
    done(&run("2026-11-23", issued() + 3 * DAY), 0);
    let verify = |through: &str| place.cuadre_with(["verify", FILINGS, "--through", through], &s3.env());
    done(&verify("2026-11-23"), 0);
    assert!(done(&verify("2026-11-24"), 5).contains("1 of 4 days without a filing: 2026-11-24"));

    key_file(&place, "new", 8);
    let keys = |args: &[&str], epoch: i64| {
        let series = ["--config", "cuadre.toml", "--filings", FILINGS];
        at_in(&s3, &place, epoch, &[&["keys"], args, &series].concat())
    };
    done(&keys(&["rotate", "new.pub"], issued() + 4 * DAY), 0);
    let config = place.read("cuadre.toml").replace("key = \"key\"", "key = \"new\"");
    // The 24th cannot be declared closed any more, the 25th can.
    let closed = "[\"2026-11-22\", \"2026-11-24\", \"2026-11-25\"]";
    place.write("cuadre.toml", config.replace("[\"2026-11-22\"]", closed));
    done(&keys(&["update"], issued() + 4 * DAY + HOUR), 0);
    assert!(done(&verify("2026-11-25"), 5).contains("1 of 4 days without a filing: 2026-11-24"));
    for file in ["landing/a", "warehouse"] {
        let day = place.read(&format!("{file}/2026-11-23.csv"));
        place.write(&format!("{file}/2026-11-24.csv"), day.replace("2026-11-23", "2026-11-24"));
    }
    done(&run("2026-11-24", issued() + 4 * DAY + 2 * HOUR), 0);
    done(&verify("2026-11-25"), 0);
    assert_eq!(s3.at("filings/trust").read_dir().unwrap().count(), 5);
}

#[test]
fn a_key_does_not_sign_two_histories() {
    let place = institution("", "");
    done(&run(&place, "2026-11-20", issued()), 0);
    let backup = place.files("filings");
    done(&run(&place, "2026-11-21", issued() + DAY), 0);
    place.write("kept/manifest.json", place.read("filings/filings/2026-11-21.1/manifest.json"));
    place.write("kept/manifest.json.sig", place.read("filings/filings/2026-11-21.1/manifest.json.sig"));

    fs::remove_dir_all(place.at("filings")).unwrap();
    for (name, bytes) in &backup {
        place.write(&format!("filings/{name}"), bytes);
    }
    verified(&place, 0);
    let refused = run(&place, "2026-11-22", issued() + 2 * DAY);
    assert!(done(&refused, 5).contains("LOG does not begin with the 19 lines"), "{}", refused.stderr);
    let key = keys(&place, issued(), &["revoke", "key.pub"]);
    assert!(done(&key, 5).contains("there would be two histories"), "{}", key.stderr);

    // Whoever insists makes a fork, which a kept manifest with its signature shows.
    place.forget_last_signed();
    done(&run(&place, "2026-11-22", issued() + 2 * DAY), 0);
    verified(&place, 0);
    let forked = place.cuadre(["verify", "filings", "--anchor", "kept/manifest.json"]);
    assert!(done(&forked, 5).contains("a fork, for tests@cuadre.example has signed both"), "{}", forked.stderr);
}

/// A run that claimed its place on object storage and broke off is completed with the time stamps that it had.
#[test]
fn a_claimed_filing_keeps_its_time_stamps() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let s3 = S3::start();
    let place = institution("", &format!("[time_stamps]\nretry_seconds = 0\n{}", authority("one", &tsa)));
    place.write("one.pem", tsa.pem());
    let run = |filings: &str, epoch: i64| {
        at_in(&s3, &place, epoch, &["run", "--config", "cuadre.toml", "--date", "2026-11-20", "--filings", filings])
    };
    s3.break_at(None);
    done(&run("s3://test/whole", issued()), 0);
    let total = s3.writes().len();
    let mut completed = 0;
    for write in 1..total {
        let filings = format!("filings-{write}");
        let url = format!("s3://test/{filings}");
        s3.break_at(Some((write, Break::After)));
        tsa.set_time(issued());
        assert_ne!(run(&url, issued()).code, 0);
        s3.break_at(None);
        let claim = fs::read(s3.at(&filings).join("claims/2")).ok();
        // A time stamp that is asked for again would come too late.
        tsa.set_time(if claim.is_some() { issued() + HOUR } else { issued() });
        let next = run(&url, issued() + HOUR);
        done(&next, 0);
        let report = place.cuadre_with(["verify", &url, "--timely"], &s3.env());
        match claim {
            None => assert_eq!(report.code, 0, "write {write}: {}", report.stderr),
            Some(claim) => {
                completed += 1;
                assert!(next.stderr.contains("Completed filing 2026-11-20.1"), "{}", next.stderr);
                assert_eq!(report.code, 0, "write {write}: {}", report.stderr);
                let token = s3.at(&filings).join("filings/2026-11-20.1/manifest.json.sig.one.tsr");
                let hex: String = fs::read(token).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
                assert!(String::from_utf8(claim).unwrap().ends_with(&format!("\none {hex}\n")));
            }
        }
    }
    assert!(completed > 3, "{completed} of {total}");
}
