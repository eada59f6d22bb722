//! The catalogue of failures: each with a way to bring it about, its exit code, and its words.
//!
//! The words are in `errors/*.txt`, one page per subject. `CUADRE_BLESS=1 cargo test -- errors::`
//! rewrites the pages; a person reads them before check-in: does each entry say what, where, why,
//! and what to do?

#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use cuadre_audit::SigningKey;
use cuadre_tests::{DATE, Done, Place, SMALL, workspace};

/// One page of the catalogue.
pub struct Page {
    name: &'static str,
    text: String,
    /// Entries with another exit code than theirs.
    miscoded: Vec<String>,
}

impl Page {
    pub fn new(name: &'static str) -> Self {
        Self { name, text: String::new(), miscoded: Vec::new() }
    }

    /// An entry: what was done, and what `cuadre` answered (checks that passed left out).
    pub fn entry(&mut self, title: &str, place: &Place, args: &[&str], code: i32) -> &mut Self {
        let done = place.cuadre(args);
        self.answered(title, &args.join(" "), &done, code)
    }

    /// An entry: what `cuadre` answered to a command.
    pub fn answered(&mut self, title: &str, command: &str, done: &Done, code: i32) -> &mut Self {
        if done.code != code {
            self.miscoded.push(format!("{title}: exit {}, not {code}: {}", done.code, done.stderr));
        }
        let Done { stdout, stderr, .. } = done;
        let told = stderr
            .lines()
            .filter(|line| !line.starts_with("  passed "))
            .fold(stdout.clone(), |told, line| told + line + "\n");
        self.text += &format!("# {title}\n$ cuadre {command}\n{told}exit {code}\n\n");
        self
    }

    /// Compares the page with the one that is checked in.
    pub fn done(&self) {
        let path = workspace().join("tests/suite/errors").join(self.name).with_extension("txt");
        if std::env::var_os("CUADRE_BLESS").is_some_and(|bless| bless == "1") {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &self.text).unwrap();
        }
        assert!(self.miscoded.is_empty(), "{}", self.miscoded.join("\n"));
        let page = fs::read_to_string(&path).unwrap_or_default();
        for (found, expected) in self.text.split("\n\n").zip(page.split("\n\n")) {
            assert_eq!(found, expected, "{}; CUADRE_BLESS=1 rewrites it", path.display());
        }
        assert_eq!(self.text, page, "{}; CUADRE_BLESS=1 rewrites it", path.display());
    }
}

const RUN: [&str; 5] = ["run", "--config", "cuadre.toml", "--date", DATE];
const REGENERATE: [&str; 7] = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"];

/// A small institution whose day ties out; `settings` come first in its configuration, and
/// `tables` last.
fn small(settings: &str, tables: &str) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", format!("{settings}\n{SMALL}\n{tables}"));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    place
}

/// The same, filed.
fn filed() -> Place {
    let place = small("", "");
    assert_eq!(place.run().code, 0);
    place
}

#[test]
fn usage() {
    let place = small("", "");
    let mut page = Page::new("usage");
    page.entry("an unknown command", &place, &["rum"], 64)
        .entry("an unknown flag", &place, &["run", "--konfig", "cuadre.toml"], 64)
        .entry("no date", &place, &["run", "--config", "cuadre.toml"], 64)
        .entry("a date in another notation", &place, &["run", "--config", "cuadre.toml", "--date", "20/11/2026"], 64)
        .entry("a date that does not exist", &place, &["run", "--config", "cuadre.toml", "--date", "2026-02-30"], 64)
        .entry("a day that no filing can have", &place, &["run", "--config", "cuadre.toml", "--date=-000001-01-01"], 64)
        .entry("a series that is a file", &place, &["verify", "cuadre.toml"], 64)
        .entry("a series that is not there", &place, &["verify", "nowhere"], 64)
        .entry("a demo in a folder that is in use", &place, &["demo", "."], 64);
    let output = Command::new(cuadre_tests::cuadre())
        .args(RUN)
        .current_dir(place.path())
        .env_clear()
        .env("SOURCE_DATE_EPOCH", "yesterday")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let done = Done { code: output.status.code().unwrap(), stdout: String::new(), stderr };
    page.answered("an instant of issue that is none (SOURCE_DATE_EPOCH=yesterday)", &RUN.join(" "), &done, 64).done();
}

#[test]
fn exceptions() {
    let place = small("", "");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\n");
    let list = ["exceptions", "--config", "cuadre.toml"];
    let dispose = |id: &'static str| {
        let words = ["--as", "accepted", "--reason", "agreed", "--operator", "ana"];
        [&["exceptions", "dispose", id, "--config", "cuadre.toml"][..], &words].concat()
    };
    let mut page = Page::new("exceptions");
    page.entry("no configuration", &place, &["exceptions"], 64).entry(
        "a series where nothing was filed",
        &place,
        &list,
        64,
    );
    assert_eq!(place.run().code, 3);
    let id = "2026-11-20/warehouse_missing";
    page.entry("a severity that there is not", &place, &[&list[..], &["--severity", "grave"]].concat(), 64)
        .entry("an exception of another day", &place, &dispose("2026-11-21/warehouse_missing"), 64)
        .entry("an exception without its day", &place, &dispose("warehouse_missing"), 64)
        .entry("an exception like no other", &place, &dispose("2026-11-21/changed/b"), 64)
        .entry("nobody decides", &place, &dispose(id)[..9], 64)
        .entry("a reason of two lines", &place, &[&dispose(id)[..7], &["--reason", "a\nb"]].concat(), 64);
    place.write("filings.dispositions/000001.json", "{}");
    page.entry("a record that cannot be read", &place, &list, 78).done();
}

#[test]
fn places() {
    let place = small("", "");
    place.write("latin1.toml", b"institution = \"Caja Espa\xf1ola\"\n");
    place.write("a-file", "");
    let filings = [&RUN[..], &["--filings", "a-file"]].concat();
    let data = [&RUN[..], &["--data", "nowhere"]].concat();
    let mut page = Page::new("places");
    page.entry("no configuration", &place, &["check", "--config", "cuadra.toml"], 78)
        .entry("a configuration that is a folder", &place, &["check", "--config", "landing"], 78)
        .entry("a configuration that is no UTF-8", &place, &["check", "--config", "latin1.toml"], 78)
        .entry("a series where a file is", &place, &filings, 78)
        .entry("a data folder that is not there", &place, &data, 78)
        .done();
}

#[test]
fn keys() {
    let mut page = Page::new("keys");
    let place = small("", "");
    let set_mode = |mode| fs::set_permissions(place.at("key"), fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o644);
    page.entry("a key that others can read", &place, &RUN, 78);
    set_mode(0o600);
    page.entry("a new key over an old one", &place, &["keygen", "key"], 78);
    fs::copy(place.at("key.pub"), place.at("key")).unwrap();
    set_mode(0o600);
    page.entry("the public key for the private one", &place, &RUN, 78);
    fs::remove_file(place.at("key")).unwrap();
    page.entry("no key", &place, &RUN, 78);
    let place = filed();
    fs::remove_file(place.at("key")).unwrap();
    fs::remove_file(place.at("key.pub")).unwrap();
    SigningKey::from_seed([8; 32]).write(&place.at("key"), "another").unwrap();
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.01\n");
    page.entry("a key that the series does not trust", &place, &RUN, 78);
    page.done();
}

#[test]
fn policy() {
    let mut page = Page::new("policy");
    let missing = format!("landing/a/{DATE}.csv");
    let place = small("policy.required_sources = ['a']", "");
    fs::remove_file(place.at(&missing)).unwrap();
    page.entry("a required source is missing", &place, &RUN, 4);

    let place = small("policy.required_sources = ['a']", "");
    place.write(&missing, "rubbish");
    page.entry("a required source cannot be read", &place, &RUN, 4);

    let place = small("policy.block_on = ['changed', 'records_rejected']", "");
    place.write(&missing, "id,date,account,amount\n1,2026-11-20,x,10.01\n2,2026-11-20,x,1e5\n");
    page.entry("kinds of exception that the policy blocks on", &place, &RUN, 4);

    let place = small("policy.minimum_coverage_percent = 80", "");
    fs::remove_file(place.at(&missing)).unwrap();
    page.entry("too few sources", &place, &RUN, 4);

    let rule = "[[rule]]\nid = 'positive'\non_failure = 'block'\n[rule.check.range]\nmaximum = '5.00'\n";
    page.entry("a rule that blocks", &small("", rule), &RUN, 4);

    let rule = "[[dataset]]\nid = 'customers'\nfile = 'customers.csv'\n[[rule]]\nid = 'known'\non_failure = 'block'\n\
                [rule.check.reference]\nfield = 'account'\ndataset = 'customers'\ncolumn = 'id'\n";
    page.entry("a rule that cannot be evaluated", &small("", rule), &RUN, 4);

    let declared = [&RUN[..], &["--no-movements", "Sunday"]].concat();
    page.entry("movements of a day that is declared to have none", &small("", ""), &declared, 4);

    let place = small("", "");
    place.write("cuadre.toml", SMALL.replace("[report]", "[report]\nencoding = 'latin-1'"));
    place.write(&missing, "id,date,account,amount\n1,2026-11-20,\u{20ac},10.00\n");
    page.entry("a character that the report's encoding lacks", &place, &RUN, 4);
    page.done();
}

#[test]
fn series() {
    let mut page = Page::new("series");
    let place = filed();
    let lock = File::options().append(true).open(place.at("filings/LOCK")).unwrap();
    lock.try_lock().unwrap();
    page.entry("another run is writing to the series", &place, &RUN, 75);
    drop(lock);

    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.01\n");
    page.entry("other figures for a filed day, without a reason", &place, &RUN, 64);

    let log = place.read("filings/LOG");
    place.write("filings/LOG", log.replacen('a', "b", 1));
    place.forget_last_signed();
    page.entry("a history that was changed by hand", &place, &RUN, 5);
    page.done();
}

#[test]
fn regenerate() {
    let mut page = Page::new("regenerate");
    let of = |date| ["regenerate", "--config", "cuadre.toml", "--date", date, "--out", "again"];
    let place = small("", "");
    page.entry("a series that is not there", &place, &REGENERATE, 64);
    let place = filed();
    page.entry("a day that was never filed", &place, &of("2026-11-19"), 64);
    page.entry("a filing that the day does not have", &place, &[&REGENERATE[..], &["--filing", "9"]].concat(), 64);
    page.entry("no filing's number", &place, &[&REGENERATE[..], &["--filing", "0"]].concat(), 64);
    let with = |more: &[&'static str]| [&REGENERATE[..], more].concat();
    page.entry("an instant without offset", &place, &with(&["--as-of", "2026-11-21T12:00:00"]), 64);
    page.entry("an instant before the first filing", &place, &with(&["--as-of", "2026-11-21T05:00:00-06:00"]), 64);
    let range = ["regenerate", "--config", "cuadre.toml", "--date", "2026-11-21", "--out", "again"];
    page.entry("a range without a filing", &place, &[&range[..], &["--through", "2026-11-30"]].concat(), 64);
    page.entry("a range that ends before it begins", &place, &with(&["--through", "2026-11-19"]), 64);
    place.write("again/notes.txt", "");
    page.entry("a folder that is in use", &place, &REGENERATE, 64);
    fs::remove_dir_all(place.at("again")).unwrap();

    let object = archived(&place, "id,date,account");
    let kept = place.read(&object);
    rewrite(&place, &object, Some(kept.replace("10.00", "10.01")));
    page.entry("an archived extract was changed", &place, &REGENERATE, 5);
    fs::remove_dir_all(place.at("again")).unwrap();
    rewrite(&place, &object, None);
    page.entry("an archived extract is gone", &place, &REGENERATE, 5);
    fs::remove_dir_all(place.at("again")).unwrap();
    rewrite(&place, &object, Some(kept));

    let manifest = format!("filings/filings/{DATE}.1/manifest.json");
    let kept = place.read(&manifest);
    rewrite(&place, &manifest, Some(kept.replace("complete", "partial")));
    page.entry("a manifest was changed", &place, &REGENERATE, 5);
    rewrite(&place, &manifest, None);
    page.entry("a manifest is gone", &place, &REGENERATE, 5);
    page.done();
}

#[test]
fn verify() {
    let mut page = Page::new("verify");
    let verify = ["verify", "filings"];
    let report = format!("filings/filings/{DATE}.1/report.csv");
    let place = small("", "");
    fs::create_dir(place.at("filings")).unwrap();
    page.entry("a folder that is no series", &place, &verify, 5);

    let place = filed();
    let kept = place.read(&report);
    rewrite(&place, &report, Some(kept.replace("10.00", "10.01")));
    page.entry("one cent in a report", &place, &verify, 5);
    rewrite(&place, &report, None);
    page.entry("a report is gone", &place, &verify, 5);
    rewrite(&place, &report, Some(kept));
    page.entry("a day that must have been filed", &place, &[&verify[..], &["--through", "2026-11-21"]].concat(), 5);
    page.entry("no anchor", &place, &[&verify[..], &["--anchor", "kept.json"]].concat(), 5);

    let other = filed();
    other.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.01\n");
    assert_eq!(other.cuadre([&RUN[..], &["--reason", "a cent"]].concat()).code, 3);
    place.write("kept.json", other.read(&format!("filings/filings/{DATE}.2/manifest.json")));
    page.entry("the tail was cut off", &place, &[&verify[..], &["--anchor", "kept.json"]].concat(), 5);

    let object = archived(&place, "id,date,account");
    rewrite(&place, &object, Some("other bytes".to_owned()));
    page.entry("an archived extract was changed", &place, &verify, 5);
    page.done();
}

/// The archived object whose text begins so.
fn archived(place: &Place, start: &str) -> String {
    let objects = place.files("filings/archive/sha256");
    let (name, _) = objects.iter().find(|(_, bytes)| bytes.starts_with(start.as_bytes())).unwrap();
    format!("filings/archive/sha256/{name}")
}

/// Puts other text in the place of a file that the series keeps read-only, or removes it.
fn rewrite(place: &Place, path: &str, text: Option<String>) {
    let _ = fs::remove_file(place.at(path));
    if let Some(text) = text {
        place.write(path, text);
    }
}
