//! The key that signs a night: in a file, encrypted or not, with its passphrase from wherever it may
//! come, or in ssh-agent. What is filed is the same.

#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use cuadre_audit::SigningKey;
use cuadre_audit::keys::{MANIFEST_NAMESPACE, Passphrase};
use cuadre_tests::{DATE, Done, ISSUED_AT, Place, SMALL, cuadre};

use crate::errors::Page;

const RUN: [&str; 5] = ["run", "--config", "cuadre.toml", "--date", DATE];
const PASSPHRASE: &str = "tres palabras secretas";
const AGENT: &str = "agent = true";
const FROM_ENV: &str = "passphrase = { env = \"KEY_PASSPHRASE\" }";
const FROM_FILE: &str = "passphrase = { file = \"passphrase\" }";
const FROM_DESCRIPTOR: &str = "passphrase = { file = \"/dev/fd/3\" }";

/// The smallest night, with more under `[signing]`; its key is `key`, of the seed 7, in the clear.
fn night(signing: &str) -> Place {
    let place = Place::new();
    let key = "key = \"key\"\n";
    assert!(SMALL.contains(key));
    place.write("cuadre.toml", SMALL.replace(key, &format!("{key}{signing}\n")));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    place
}

/// The same, with the key encrypted, and the passphrase in the file `passphrase`.
fn encrypted(signing: &str) -> Place {
    let place = night(signing);
    remove_key(&place);
    let passphrase = Passphrase::new(PASSPHRASE.into()).unwrap();
    key().write_encrypted(&place.at("key"), "test", &passphrase).unwrap();
    place.write("passphrase", format!("{PASSPHRASE}\nand a note\n"));
    set_mode(&place.at("passphrase"), 0o600);
    place
}

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

fn remove_key(place: &Place) {
    fs::remove_file(place.at("key")).unwrap();
    fs::remove_file(place.at("key.pub")).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn run_with(place: &Place, variable: &str, value: impl Into<String>) -> Done {
    place.cuadre_with(RUN, &[(variable.to_owned(), value.into())])
}

/// Runs a line of the shell in the place; `$RUN` in it runs the night.
fn shell(place: &Place, line: &str) -> Done {
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(place.path())
        .env("SOURCE_DATE_EPOCH", ISSUED_AT)
        .env("RUN", format!("{} {}", cuadre().display(), RUN.join(" ")))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// What the night filed, but for the configuration's own bytes and digest; and that it was signed as
/// the key in the clear signs.
fn filed(place: &Place, done: &Done) -> Vec<(String, String)> {
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(place.cuadre(["verify", "filings"]).code, 0);
    let manifest = place.filed("manifest.json");
    assert_eq!(place.filed("manifest.json.sig"), key().sign(MANIFEST_NAMESPACE, manifest.as_bytes()).unwrap());
    let inputs: serde_json::Value = serde_json::from_str(&place.filed("inputs.json")).unwrap();
    let config = inputs["config"]["sha256"].as_str().unwrap();
    // What names the configuration, and so has a digest of its own.
    let log = place.read("filings/LOG");
    let named = ["inputs.json", "report.html", "report.xlsx"];
    let digests = named.map(|name| log.lines().find(|line| line.ends_with(name)).unwrap()[..64].to_owned());
    let size = fs::metadata(place.at("cuadre.toml")).unwrap().len();
    let files = ["report.csv", "summary.csv", "exceptions.csv", "inputs.json", "manifest.json"];
    let plain = |name: &str| {
        let text = place.filed(name).replace(config, "CONFIG");
        let text = digests.iter().zip(named).fold(text, |text, (digest, name)| text.replace(digest, name));
        (name.to_owned(), text.replace(&format!("\"bytes\":{size},"), "\"bytes\":CONFIG,"))
    };
    let mut filed: Vec<_> = files.into_iter().map(plain).collect();
    filed.push(("trust".to_owned(), place.read("filings/trust/allowed_signers.1")));
    filed
}

/// With a passphrase from the environment, from a file, from a pipe, and from a file that was opened
/// before. The keys of `ssh-keygen`, and its view of ours, are the business of the audit crate's tests.
#[test]
fn an_encrypted_key_signs_what_the_plain_one_signs() {
    let plain = night("");
    let expected = filed(&plain, &plain.run());

    let place = encrypted(FROM_ENV);
    assert_eq!(filed(&place, &run_with(&place, "KEY_PASSPHRASE", PASSPHRASE)), expected);
    let place = encrypted(FROM_FILE);
    assert_eq!(filed(&place, &place.run()), expected);
    for line in [
        format!("printf '{PASSPHRASE}\\n' | $RUN 3<&0 </dev/null"),
        "$RUN 3<passphrase".to_owned(),
        format!("$RUN 3<<END\n{PASSPHRASE}\nEND\n"),
        // A pipe that stays open is read no further than the line's end.
        format!("mkfifo pipe; exec 4<>pipe; echo '{PASSPHRASE}' >&4; $RUN 3<&4"),
    ] {
        let place = encrypted(FROM_DESCRIPTOR);
        assert_eq!(filed(&place, &shell(&place, &line)), expected, "{line}");
    }
}

#[test]
fn a_key_is_made_with_a_passphrase() {
    let place = night(FROM_FILE);
    place.write("passphrase", PASSPHRASE);
    set_mode(&place.at("passphrase"), 0o600);
    let keygen = |args: &[&str], variable: &str| {
        remove_key(&place);
        let args = [&["keygen", "key"], args].concat();
        let done = place.cuadre_with(args, &[("WORDS".to_owned(), variable.to_owned())]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(done.stderr.contains("encrypted"), "{}", done.stderr);
        let passphrase = Passphrase::new(PASSPHRASE.into()).unwrap();
        assert!(SigningKey::load_encrypted(&place.at("key"), &passphrase).is_ok());
    };
    keygen(&["--passphrase", "file:passphrase"], "");
    keygen(&["--passphrase", "env:WORDS"], PASSPHRASE);
    assert_eq!(place.run().code, 0);
    for wrong in ["words", "env:", "argv:words"] {
        assert_eq!(place.cuadre(["keygen", "other", "--passphrase", wrong]).code, 64, "{wrong}");
    }

    let place = night(&format!("{FROM_ENV}\ncreate = true"));
    remove_key(&place);
    let done = run_with(&place, "KEY_PASSPHRASE", PASSPHRASE);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let text = fs::read_to_string(place.at("key")).unwrap();
    assert!(SigningKey::load(&place.at("key")).is_err(), "it is encrypted: {text}");
    assert!(run_with(&place, "KEY_PASSPHRASE", PASSPHRASE).stderr.contains("nothing new"));
}

#[test]
fn every_failure_says_what_to_do() {
    let mut page = Page::new("signing");
    let run = RUN.join(" ");

    let place = encrypted("");
    page.entry("an encrypted key without passphrase", &place, &RUN, 78);
    let place = encrypted(FROM_ENV);
    page.entry("a passphrase in a variable that is not set", &place, &RUN, 78);
    let done = run_with(&place, "KEY_PASSPHRASE", "");
    page.answered("a passphrase in a variable that is empty", &run, &done, 78);
    let done = run_with(&place, "KEY_PASSPHRASE", "tres palabras");
    page.answered("a wrong passphrase", &run, &done, 78);
    remove_key(&place);
    key().write(&place.at("key"), "test").unwrap();
    let done = run_with(&place, "KEY_PASSPHRASE", PASSPHRASE);
    page.answered("a passphrase for a key that is not encrypted", &run, &done, 78);

    let place = encrypted(FROM_FILE);
    set_mode(&place.at("passphrase"), 0o640);
    page.entry("a passphrase that others can read", &place, &RUN, 78);
    set_mode(&place.at("passphrase"), 0o600);
    fs::write(place.at("passphrase"), "\n").unwrap();
    page.entry("a passphrase that is empty", &place, &RUN, 78);
    fs::remove_file(place.at("passphrase")).unwrap();
    page.entry("a passphrase file that is not there", &place, &RUN, 78);
    page.entry("a new key, and no passphrase", &place, &["keygen", "new", "--passphrase", "env:WORDS"], 78);
    page.entry("a new key, and a passphrase on the command line", &place, &["keygen", "new", "--passphrase", "w"], 64);

    let place = night("");
    set_mode(place.path(), 0o777);
    page.entry("a key that others can replace", &place, &RUN, 78);
    page.entry("a new key that others could replace", &place, &["keygen", "new"], 78);

    let place = night(AGENT);
    page.entry("no agent", &place, &RUN, 78);
    let socket = place.at("agent").display().to_string();
    page.answered("an agent that does not run", &run, &run_with(&place, "SSH_AUTH_SOCK", &socket), 78);
    fs::remove_file(place.at("key.pub")).unwrap();
    page.answered("an agent, and no public key", &run, &run_with(&place, "SSH_AUTH_SOCK", &socket), 78);
    page.done();
}

/// The private key is in the agent alone. It signs the same; and where it does not, nothing is filed.
#[test]
fn an_agent_signs_what_the_key_file_signs() {
    let plain = night("");
    let expected = filed(&plain, &plain.run());

    let place = night(AGENT);
    let Some(agent) = Agent::start(&place) else { return };
    let run = |socket: &str| run_with(&place, "SSH_AUTH_SOCK", place.at(socket).display().to_string());
    let fails = |done: Done, code: i32, words: &[&str]| {
        assert_eq!(done.code, code, "{}", done.stderr);
        assert!(words.iter().all(|word| done.stderr.contains(word)), "{}", done.stderr);
        assert!(!place.at(&format!("filings/filings/{DATE}.1")).exists(), "nothing is filed");
    };
    let fingerprint = &key().public_key().fingerprint();
    fails(run("agent"), 78, &["does not hold", fingerprint, "DIR/agent", "`ssh-add"]);
    agent.add(&place, &["-c"]);
    fails(run("agent"), 78, &["refuses to sign", fingerprint]);
    agent.add(&place, &[]);
    fs::remove_file(place.at("key")).unwrap();
    passes_on_once(&place);
    fails(run("once"), 75, &["has gone away", "DIR/once", "run again"]);
    let done = run("agent");
    assert!(!done.stderr.contains("Made the signing key"), "{}", done.stderr);
    assert_eq!(filed(&place, &done), expected);
    assert!(run("agent").stderr.contains("nothing new"));
    let plan = place.cuadre(["check", "--config", "cuadre.toml"]);
    assert!(plan.stderr.contains("with key, which ssh-agent holds"), "{}", plan.stderr);
}

/// A socket `once` that leads to the agent for one request; then nobody answers there.
fn passes_on_once(place: &Place) {
    let (listener, agent) = (UnixListener::bind(place.at("once")).unwrap(), place.at("agent"));
    let pass_on = |from: &mut UnixStream, to: &mut UnixStream| {
        let mut length = [0; 4];
        from.read_exact(&mut length).unwrap();
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut message).unwrap();
        to.write_all(&[&length, &message[..]].concat()).unwrap();
    };
    thread::spawn(move || {
        let (mut asking, _) = listener.accept().unwrap();
        let mut agent = UnixStream::connect(agent).unwrap();
        pass_on(&mut asking, &mut agent);
        drop(listener);
        pass_on(&mut agent, &mut asking);
    });
}

/// An ssh-agent at the socket `agent` of a place.
struct Agent(Child);

impl Agent {
    /// Starts it. A machine without OpenSSH skips the test loudly; one that runs the tests for others
    /// (`CI` is set) must have it.
    fn start(place: &Place) -> Option<Self> {
        let started = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(place.at("agent"))
            .envs([("SSH_ASKPASS", "/bin/false"), ("SSH_ASKPASS_REQUIRE", "force")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            assert!(std::env::var_os("CI").is_none(), "ssh-agent must be installed where CI is set");
            eprintln!("SKIPPED: ssh-agent cannot be found, so nothing was signed by it");
            return None;
        };
        while !place.at("agent").exists() {
            thread::sleep(Duration::from_millis(5));
        }
        Some(Self(process))
    }

    /// Gives it the key of a place.
    fn add(&self, place: &Place, options: &[&str]) {
        let mut command = Command::new("ssh-add");
        command.arg("-q").args(options).arg(place.at("key")).env("SSH_AUTH_SOCK", place.at("agent"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
