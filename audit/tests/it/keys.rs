//! Encrypted keys and ssh-agent, as OpenSSH's own tools have them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use cuadre_audit::keys::{MANIFEST_NAMESPACE, Passphrase, public_path};
use cuadre_audit::{ErrorKind, PublicKey, SigningKey};
use tempfile::TempDir;

use crate::small_series::key;
use crate::stock_tools::{has, run};

const MESSAGE: &[u8] = b"a message";

#[test]
fn ssh_keygen_opens_keys_that_are_encrypted_here() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    key().write_encrypted(&path, "made here", &passphrase("secret words")).unwrap();
    let open = |words| run(Command::new("ssh-keygen").args(["-y", "-P", words, "-f"]).arg(&path));
    let shown = open("secret words");
    assert_eq!(String::from_utf8_lossy(&shown.stdout), fs::read_to_string(public_path(&path)).unwrap(), "{shown:?}");
    assert!(!open("secret").status.success());
}

#[test]
fn keys_that_ssh_keygen_encrypted_open_here() {
    if !has("ssh-keygen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ciphers = ["", "aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"];
    for (n, cipher) in ciphers.into_iter().enumerate() {
        let path = folder.path().join(n.to_string());
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-a", "4", "-N", "contrase\u{f1}a", "-f"]).arg(&path);
        if !cipher.is_empty() {
            command.args(["-Z", cipher]);
        }
        assert!(run(&mut command).status.success(), "{cipher}");
        let key = SigningKey::load_encrypted(&path, &passphrase("contrase\u{f1}a")).unwrap();
        assert_eq!(key.public_key(), PublicKey::load(&public_path(&path)).unwrap());
        let error = SigningKey::load_encrypted(&path, &passphrase("contrasena")).unwrap_err();
        assert!(error.why().contains("the passphrase is wrong"), "{cipher}: {error}");
    }
}

/// The agent is given the key, its file goes, and what is signed stays the same.
#[test]
fn an_agent_signs_the_same_bytes_as_the_file() {
    let Some(agent) = Agent::start() else { return };
    let path = agent.folder.path().join("key");
    let of_file = key();
    of_file.write(&path, "night").unwrap();
    let load = |path: &Path| SigningKey::from_agent(path, &agent.socket());
    let error = load(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    assert!(error.why().contains(&of_file.public_key().fingerprint()), "{error}");
    assert!(error.remedy().contains("ssh-add"), "{error}");

    agent.add(&path, &[]);
    let public = public_path(&path);
    let keys = [load(&path), load(&public), {
        fs::remove_file(&path).unwrap();
        load(&path)
    }];
    for of_agent in keys {
        let of_agent = of_agent.unwrap();
        assert_eq!(of_agent.public_key(), of_file.public_key());
        assert_eq!(format!("{of_agent:?}"), format!("{of_file:?}"));
        let signature = of_agent.sign(MANIFEST_NAMESPACE, MESSAGE).unwrap();
        assert_eq!(signature, of_file.sign(MANIFEST_NAMESPACE, MESSAGE).unwrap());
        let copy = of_agent.write(&agent.folder.path().join("copy"), "").unwrap_err();
        assert!(copy.why().contains("does not give it away"), "{copy}");
    }
    let other = agent.folder.path().join("other");
    fs::rename(&public, &other).unwrap();
    assert_eq!(load(&other).unwrap().public_key(), of_file.public_key(), "a public key by another name");
    verified(&agent, &load(&other).unwrap());
}

/// `ssh-add -c` has a person agree to each signature; here is none.
#[test]
fn an_agent_that_refuses_is_told_from_one_that_is_gone() {
    let Some(mut agent) = Agent::start() else { return };
    let path = agent.folder.path().join("key");
    key().write(&path, "night").unwrap();
    agent.add(&path, &["-c"]);
    let key = SigningKey::from_agent(&path, &agent.socket()).unwrap();
    let error = key.sign(MANIFEST_NAMESPACE, MESSAGE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key, "{error}");
    assert!(error.why().contains(&key.public_key().fingerprint()), "{error}");

    agent.stop();
    let error = key.sign(MANIFEST_NAMESPACE, MESSAGE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let error = SigningKey::from_agent(&path, &agent.socket()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key, "{error}");
}

/// An ssh-agent of its own, with a folder for its socket.
struct Agent {
    process: Child,
    folder: TempDir,
}

impl Agent {
    /// Starts it; nothing where OpenSSH is not installed.
    fn start() -> Option<Self> {
        if !["ssh-agent", "ssh-add", "ssh-keygen"].into_iter().all(has) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(folder.path().join("agent"))
            .envs([("SSH_ASKPASS", "/bin/false"), ("SSH_ASKPASS_REQUIRE", "force")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Agent { process, folder };
        while !agent.socket().exists() {
            thread::sleep(Duration::from_millis(5));
        }
        Some(agent)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    fn add(&self, key: &Path, options: &[&str]) {
        let added =
            run(Command::new("ssh-add").args(["-q"]).args(options).arg(key).env("SSH_AUTH_SOCK", self.socket()));
        assert!(added.status.success(), "{added:?}");
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `ssh-keygen -Y verify` of what the key signs.
fn verified(agent: &Agent, key: &SigningKey) {
    let at = |name: &str| agent.folder.path().join(name);
    fs::write(at("message"), MESSAGE).unwrap();
    fs::write(at("message.sig"), key.sign(MANIFEST_NAMESPACE, MESSAGE).unwrap()).unwrap();
    fs::write(at("signers"), format!("a@b namespaces=\"{MANIFEST_NAMESPACE}\" {}\n", key.public_key())).unwrap();
    let verified = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", MANIFEST_NAMESPACE, "-I", "a@b", "-f"])
        .arg(at("signers"))
        .arg("-s")
        .arg(at("message.sig"))
        .stdin(File::open(at("message")).unwrap())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

fn passphrase(words: &str) -> Passphrase {
    Passphrase::new(words.into()).unwrap()
}
