//! Someone changes a series and makes `LOG` agree with it again: every digest is right, and still
//! the series does not verify. Filings are forged here by hand, without the writer's checks.

use std::fs;
use std::path::Path;

use cuadre_audit::keys::MANIFEST_NAMESPACE;
use cuadre_audit::manifest::{SeriesFacts, Statement, Superseded};
use cuadre_audit::{History, Series, Sha256Digest, SigningKey, Subject};
use tempfile::TempDir;

use crate::small_series::{assert_fails, assert_passes, check, facts, file_all, id, key};

/// A filing as a forger would write it; by default it is a true one.
struct Forged {
    folder: &'static str,
    facts: SeriesFacts,
    key: SigningKey,
    namespace: &'static str,
    files: Vec<(&'static str, String)>,
    manifest: fn(Vec<u8>) -> Vec<u8>,
}

fn series() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-19.1", "2026-11-20.1"]);
    folder
}

fn forged(root: &Path, folder: &'static str) -> Forged {
    Forged {
        folder,
        facts: facts(&Series::at(root), id(folder)),
        key: key(),
        namespace: MANIFEST_NAMESPACE,
        files: vec![("report.csv", "amount\n".to_owned()), ("b.csv", "b\n".to_owned())],
        manifest: |bytes| bytes,
    }
}

fn append(root: &Path, forged: &Forged) {
    let folder = root.join("filings").join(forged.folder);
    fs::create_dir_all(&folder).unwrap();
    let subject = forged.files.iter().map(|(name, content)| {
        fs::write(folder.join(name), content).unwrap();
        Subject { name: (*name).to_owned(), sha256: Sha256Digest::of(content.as_bytes()) }
    });
    let statement = Statement {
        subject: subject.collect(),
        predicate_type: "urn:example:test:v1".to_owned(),
        predicate: forged.facts.clone(),
    };
    let manifest = (forged.manifest)(statement.to_bytes().unwrap());
    let signature = forged.key.sign(forged.namespace, &manifest).unwrap();
    fs::write(folder.join("manifest.json"), manifest).unwrap();
    fs::write(folder.join("manifest.json.sig"), signature).unwrap();
    let names = forged.files.iter().map(|(name, _)| *name);
    let log: String = names
        .chain(["manifest.json", "manifest.json.sig"])
        .map(|name| line(root, &format!("filings/{}/{name}", forged.folder)))
        .collect();
    let before = fs::read_to_string(root.join("LOG")).unwrap();
    fs::write(root.join("LOG"), before + &log).unwrap();
}

fn line(root: &Path, path: &str) -> String {
    format!("{}  {path}\n", Sha256Digest::of(&fs::read(root.join(path)).unwrap()))
}

/// Writes `LOG` anew: the same paths but those that are gone, with the digests that files have now.
fn make_log_agree(root: &Path) {
    let log = fs::read_to_string(root.join("LOG")).unwrap();
    let paths = log.lines().map(|line| &line[66..]);
    let agreed: String = paths.filter(|path| root.join(path).exists()).map(|path| line(root, path)).collect();
    fs::write(root.join("LOG"), agreed).unwrap();
}

#[test]
fn files_changed_together_with_their_lines() {
    type Change = fn(&Path);
    let cases: [(&str, &str, Change); 7] = [
        ("lines", "the manifest means", |root| {
            fs::write(root.join("filings/2026-11-20.1/report.csv"), "amount\n").unwrap();
        }),
        ("signature", "does not belong to these bytes", |root| {
            let path = root.join("filings/2026-11-20.1/manifest.json");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("urn:example", "urn:exbmple")).unwrap();
        }),
        ("signature", "no SSH signature", |root| {
            fs::write(root.join("filings/2026-11-20.1/manifest.json.sig"), "").unwrap();
        }),
        ("history", "it pins 5 lines", |root| {
            fs::remove_dir_all(root.join("filings/2026-11-19.1")).unwrap();
        }),
        ("history", "it pins 5 lines", |root| {
            fs::write(root.join("filings/2026-11-19.1/report.csv"), "amount\n").unwrap();
        }),
        ("signature", "not among the allowed signers", |root| {
            let path = root.join("trust/allowed_signers.1");
            let text = fs::read_to_string(&path).unwrap();
            let own = SigningKey::from_seed([8; 32]).public_key().to_string();
            fs::write(path, text.replace(&key().public_key().to_string(), &own)).unwrap();
        }),
        ("history", "it pins 1 lines", |root| {
            let path = root.join("trust/allowed_signers.1");
            let text = fs::read_to_string(&path).unwrap();
            let own = SigningKey::from_seed([8; 32]).public_key();
            fs::write(path, format!("{text}forger@example {own}\n")).unwrap();
        }),
    ];
    for (name, words, change) in cases {
        let folder = series();
        change(folder.path());
        make_log_agree(folder.path());
        assert_fails(&check(folder.path()), name, words);
    }
}

#[test]
fn filings_that_no_honest_run_would_file() {
    type Change = fn(&mut Forged);
    let cases: [(&str, &str, &'static str, Change); 13] = [
        ("signature", "not among", "2026-11-21.1", |f| f.key = SigningKey::from_seed([8; 32])),
        ("signature", "made for \"git\"", "2026-11-21.1", |f| f.namespace = "git"),
        ("place", "number 1", "2026-11-20.3", |_| {}),
        ("place", "number 0", "2026-11-21.2", |f| f.facts.filing.number = 2),
        ("place", "lies in the folder", "2026-11-21.1", |f| f.facts.filing.number = 2),
        ("place", "lies in the folder", "2026-11-21.1", |f| {
            f.facts.business_date = id("2026-11-22.1").date();
        }),
        ("place", "supersedes should be null", "2026-11-21.1", |f| {
            let sha256 = Sha256Digest::of(b"");
            f.facts.filing.supersedes = Some(Superseded { sha256 });
        }),
        ("place", "supersedes should be", "2026-11-20.2", |f| f.facts.filing.supersedes = None),
        ("history", "it pins 0 lines", "2026-11-21.1", |f| {
            f.facts.history = History { entries: 0, sha256: Sha256Digest::of(b"") };
        }),
        ("manifest", "not canonical", "2026-11-21.1", |f| {
            f.manifest = |bytes| [b" ", bytes.as_slice()].concat();
        }),
        ("manifest", "supersedes", "2026-11-21.1", |f| {
            f.manifest = |bytes| {
                let text = String::from_utf8(bytes).unwrap();
                text.replace(",\"supersedes\":null", "").into_bytes()
            };
        }),
        ("lines", "names filings/2026-11-21.1/b.csv", "2026-11-21.1", |f| {
            f.manifest = |bytes| {
                // Drops the second subject: its line in LOG is then one too many.
                let text = String::from_utf8(bytes).unwrap();
                let at = text.find(",{\"digest\"").unwrap();
                (text[..at].to_owned() + "]}\n").into_bytes()
            };
        }),
        ("inputs", "the archive has no object", "2026-11-21.1", |f| {
            let named = format!("{{\"x\":[{{\"sha256\":\"{}\"}}]}}\n", Sha256Digest::of(b"absent"));
            f.files[0] = ("inputs.json", named);
        }),
    ];
    for (name, words, folder_name, change) in cases {
        let folder = series();
        let mut forged = forged(folder.path(), folder_name);
        change(&mut forged);
        append(folder.path(), &forged);
        assert_fails(&check(folder.path()), name, words);
    }
}

#[test]
fn a_filing_forged_with_the_true_key_and_all_facts_right_is_a_filing() {
    let folder = series();
    append(folder.path(), &forged(folder.path(), "2026-11-21.1"));
    append(folder.path(), &forged(folder.path(), "2026-11-20.2"));
    assert_passes(&check(folder.path()));
}

#[test]
fn lines_of_one_filing_among_those_of_another() {
    let folder = series();
    let path = folder.path().join("LOG");
    let log = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = log.split_inclusive('\n').collect();
    let last = lines.pop().unwrap();
    lines.insert(2, last);
    fs::write(&path, lines.concat()).unwrap();
    let report = check(folder.path());
    assert_fails(&report, "lines", "its line is missing");
    assert_fails(&report, "history", "it pins");
}
