//! The tools of any Linux come to the same answers as this crate.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cuadre_audit::layout::{MANIFEST, SIGNATURE};
use cuadre_audit::manifest::Manifest;
use cuadre_audit::{Series, Sha256Digest, SigningKey};

use crate::small_series::{PRINCIPAL, check, file_all, files_below, id, key};

#[test]
fn ssh_keygen_verifies_every_manifest_and_no_other_bytes() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1", "2026-11-21.1"]);
    for text in ["2026-11-20.1", "2026-11-21.1"] {
        let filing = Series::at(folder.path()).folder(&id(text));
        let verify = |message: &Path| {
            Command::new("ssh-keygen")
                .args(["-Y", "verify", "-n", "cuadre-manifest-v1", "-I", PRINCIPAL, "-f"])
                .arg(folder.path().join("trust/allowed_signers.1"))
                .arg("-s")
                .arg(filing.join(SIGNATURE))
                .stdin(File::open(message).unwrap())
                .output()
                .unwrap()
        };
        let output = verify(&filing.join(MANIFEST));
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&key().public_key().fingerprint()), "{said}");
        assert!(!verify(&filing.join("report.csv")).status.success());
    }
}

#[test]
fn ssh_keygen_makes_keys_and_signatures_that_count_here() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let made = run(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "of the stock tool", "-f"])
        .arg(&path));
    assert!(made.status.success(), "{made:?}");
    let key = SigningKey::load(&path).unwrap();
    let line = format!("a@b namespaces=\"cuadre-manifest-v1\" {}\n", key.public_key());
    let signers = cuadre_audit::signers::AllowedSigners::parse(line.as_bytes()).unwrap();

    let message = folder.path().join("message");
    fs::write(&message, "m").unwrap();
    let signed = run(Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "cuadre-manifest-v1", "-f"])
        .arg(&path)
        .arg(&message));
    assert!(signed.status.success(), "{signed:?}");
    let armor = fs::read(folder.path().join("message.sig")).unwrap();
    let signer = signers.verify("cuadre-manifest-v1", b"m", &armor, Default::default()).unwrap();
    assert_eq!(signer.fingerprint, key.public_key().fingerprint());
    assert_eq!(armor, key.sign("cuadre-manifest-v1", b"m").unwrap().as_bytes());
}

#[test]
fn ssh_keygen_reads_the_keys_made_here() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    key().write(&path, "made here").unwrap();
    let shown = run(Command::new("ssh-keygen").arg("-y").arg("-f").arg(&path));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown, fs::read_to_string(folder.path().join("key.pub")).unwrap());
    assert_eq!(shown, format!("{} made here\n", key().public_key()));
}

#[test]
fn sha256sum_checks_the_whole_history() {
    if !has("sha256sum") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1", "2026-11-21.1"]);
    let sum = || run(Command::new("sha256sum").args(["-c", "--strict", "LOG"]).current_dir(folder.path()));
    let output = sum();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let outside = ["LOG", "LOCK"].len();
    let archived = files_below(&folder.path().join("archive")).len();
    let named = files_below(folder.path()).len() - outside - archived;
    assert_eq!(lines.lines().filter(|line| line.ends_with(": OK")).count(), named);

    fs::write(folder.path().join("filings/2026-11-20.1/report.csv"), "x").unwrap();
    assert!(!sum().status.success());
    assert!(!check(folder.path()).passed());
}

#[test]
fn head_and_sha256sum_prove_what_a_manifest_pins() {
    if !has("sha256sum") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    file_all(folder.path(), &["2026-11-20.1", "2026-11-21.1"]);
    for filed in Series::at(folder.path()).filings().unwrap() {
        let path = Series::at(folder.path()).folder(&filed.id).join(MANIFEST);
        let manifest = Manifest::from_bytes(&fs::read(path).unwrap()).unwrap();
        let history = manifest.predicate.history;
        let command = format!("head -n {} LOG | sha256sum", history.entries);
        let output = run(Command::new("sh").args(["-c", &command]).current_dir(folder.path()));
        let said = String::from_utf8(output.stdout).unwrap();
        let digest: Sha256Digest = said[..64].parse().unwrap();
        assert_eq!(digest, history.sha256);
    }
}

pub fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Is the tool there? Says it loudly when not: a silent skip would look like a pass. A machine that
/// runs the tests for others (`CI` is set) must have it.
pub fn has(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{tool} must be installed where CI is set");
        eprintln!("SKIPPED {tool}: it is not installed, nothing was compared with it");
    }
    found
}
