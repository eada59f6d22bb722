//! Asking ssh-agent for signatures: two requests of its protocol (draft-ietf-sshm-ssh-agent, OpenSSH's
//! PROTOCOL.agent) over its Unix socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh_encoding::{Decode, Encode};
use ssh_key::Signature;

use super::PublicKey;
use crate::error::{Error, ErrorKind, Result};

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// The longest answer, as OpenSSH has it, in bytes.
const MOST_BYTES: u32 = 256 << 10;

/// How long the agent may be silent: a person may have to touch a device.
const PATIENCE: Duration = Duration::from_secs(120);

/// A key whose private half an agent holds.
#[derive(Clone)]
pub(super) struct Agent {
    socket: PathBuf,
    key: PublicKey,
}

impl Agent {
    /// The agent at `socket`, once it has answered that it holds `key`.
    pub(super) fn holding(socket: &Path, key: PublicKey) -> Result<Self> {
        let answer = ask(socket, &[REQUEST_IDENTITIES], PATIENCE).map_err(|e| {
            let remedy = "start it with `eval \"$(ssh-agent)\"`, add the key with `ssh-add KEY`, and run where \
                          SSH_AUTH_SOCK names its socket";
            Error::new(ErrorKind::Key, "cannot reach ssh-agent", e.to_string(), remedy).at(socket)
        })?;
        let held = identities(&answer).map_err(|why| garbled(socket, &why))?;
        if !held.contains(&key.blob()?) {
            let held = if held.len() == 1 { "1 key".to_owned() } else { format!("{} keys", held.len()) };
            let why = format!("{} is not among the {held} that it tells of", key.fingerprint());
            let remedy = "add it with `ssh-add KEY` (`ssh-add -s PROVIDER` where a device has it), or unlock the \
                          agent with `ssh-add -X`";
            return Err(Error::new(ErrorKind::Key, "ssh-agent does not hold the signing key", why, remedy).at(socket));
        }
        Ok(Agent { socket: socket.to_owned(), key })
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The agent's signature over `data`. Whether it is one is for the caller to verify.
    pub(super) fn sign(&self, data: &[u8]) -> Result<Signature> {
        let request = sign_request(&self.key.blob()?, data).map_err(|e| garbled(&self.socket, &e.to_string()))?;
        let answer = ask(&self.socket, &request, PATIENCE).map_err(|e| {
            let remedy = "see that it runs and holds the key (`ssh-add -l`), and run again";
            Error::new(ErrorKind::Io, "ssh-agent has gone away", e.to_string(), remedy).at(&self.socket)
        })?;
        if answer == [FAILURE] {
            let why = format!("it does not sign with {}", self.key.fingerprint());
            let remedy = "it may have been locked (`ssh-add -X` unlocks it), or the key has expired, or it waits for a \
                          person to agree; for a night that nobody attends, add the key without -t and -c";
            return Err(Error::new(ErrorKind::Key, "ssh-agent refuses to sign", why, remedy).at(&self.socket));
        }
        signature(&answer).map_err(|why| garbled(&self.socket, &why))
    }
}

fn sign_request(blob: &[u8], data: &[u8]) -> ssh_encoding::Result<Vec<u8>> {
    const NO_FLAGS: u32 = 0;
    let mut request = vec![SIGN_REQUEST];
    blob.encode(&mut request)?;
    data.encode(&mut request)?;
    NO_FLAGS.encode(&mut request)?;
    Ok(request)
}

fn signature(answer: &[u8]) -> std::result::Result<Signature, String> {
    let mut rest = expect(SIGN_RESPONSE, answer)?;
    let blob = Vec::<u8>::decode(&mut rest).map_err(|e| e.to_string())?;
    Signature::decode(&mut &*blob).map_err(|e| e.to_string())
}

/// The public keys that the agent tells of, each as [`PublicKey::blob`] has it.
fn identities(answer: &[u8]) -> std::result::Result<Vec<Vec<u8>>, String> {
    let mut rest = expect(IDENTITIES_ANSWER, answer)?;
    let mut decoded = || -> ssh_encoding::Result<_> {
        let count = u32::decode(&mut rest)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(Vec::decode(&mut rest)?);
            let _comment = Vec::<u8>::decode(&mut rest)?;
        }
        Ok(keys)
    };
    decoded().map_err(|e| e.to_string())
}

fn expect(kind: u8, answer: &[u8]) -> std::result::Result<&[u8], String> {
    match answer.split_first() {
        Some((&first, rest)) if first == kind => Ok(rest),
        Some((other, _)) => Err(format!("it is of kind {other}, not {kind}")),
        None => Err("it is empty".to_owned()),
    }
}

/// Sends one request, and takes the answer to it.
fn ask(socket: &Path, request: &[u8], patience: Duration) -> io::Result<Vec<u8>> {
    let silent = |e: io::Error| match e.kind() {
        // What a socket says when its timeout is over differs from system to system.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} seconds", patience.as_secs()))
        }
        _ => e,
    };
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let length = u32::try_from(request.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), request].concat()).map_err(silent)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).map_err(silent)?;
    let length = u32::from_be_bytes(length);
    if length > MOST_BYTES {
        return Err(io::Error::other(format!("it announces an answer of {length} bytes")));
    }
    let mut answer = vec![0; length as usize];
    stream.read_exact(&mut answer).map_err(silent)?;
    Ok(answer)
}

fn garbled(socket: &Path, why: &str) -> Error {
    let why = format!("its answer is not understood: {why}");
    let remedy = "check that SSH_AUTH_SOCK names the socket of an ssh-agent";
    Error::new(ErrorKind::Key, "cannot speak with ssh-agent", why, remedy).at(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// Asks something that gives these bytes to whatever it is asked, one each time, then goes away.
    fn with_answers<T>(answers: &[Vec<u8>], asking: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                for answer in answers {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut length = [0; 4];
                    stream.read_exact(&mut length).unwrap();
                    let mut request = vec![0; u32::from_be_bytes(length) as usize];
                    stream.read_exact(&mut request).unwrap();
                    stream.write_all(answer).unwrap();
                }
            });
            asking(&socket)
        })
    }

    fn framed(answer: &[u8]) -> Vec<u8> {
        [&u32::try_from(answer.len()).unwrap().to_be_bytes(), answer].concat()
    }

    fn holding(key: &PublicKey) -> Vec<u8> {
        let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 1];
        key.blob().unwrap().encode(&mut answer).unwrap();
        "a comment".encode(&mut answer).unwrap();
        framed(&answer)
    }

    fn key() -> PublicKey {
        SigningKey::from_seed([7; 32]).public_key()
    }

    #[test]
    fn an_agent_that_cannot_be_understood_is_no_agent() {
        for (answer, why) in [
            (framed(&[FAILURE]), "of kind 5, not 12"),
            (framed(&[]), "it is empty"),
            (framed(&[IDENTITIES_ANSWER, 0, 0, 0, 9, 0]), "not understood"),
            (vec![0xff; 4], "4294967295 bytes"),
            (vec![0, 0, 0, 9, IDENTITIES_ANSWER], "fill whole buffer"),
            (framed(&[IDENTITIES_ANSWER, 0, 0, 0, 0]), "not among the 0 keys"),
        ] {
            let error = with_answers(&[answer], |socket| Agent::holding(socket, key())).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Key, "{error}");
            assert!(error.why().contains(why), "{error}");
        }
    }

    /// Before the work begins a person has to see to an agent; once it has answered, its absence may pass.
    #[test]
    fn an_agent_that_goes_away_is_a_passing_fault() {
        let error = with_answers(&[holding(&key())], |socket| {
            let agent = Agent::holding(socket, key()).unwrap();
            while UnixStream::connect(socket).is_ok() {
                thread::yield_now();
            }
            agent.sign(b"data").unwrap_err()
        });
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let nowhere = Agent::holding(Path::new("/nonexistent/agent"), key()).err().unwrap();
        assert_eq!(nowhere.kind(), ErrorKind::Key, "{nowhere}");
    }

    #[test]
    fn a_silent_agent_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let _listener = UnixListener::bind(&socket).unwrap();
        let error = ask(&socket, &[REQUEST_IDENTITIES], Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    /// What an agent gives is used only where the public key verifies it.
    #[test]
    fn a_signature_by_another_key_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let [ours, other] = [7, 8].map(|byte| SigningKey::from_seed([byte; 32]));
        ours.write(&path, "").unwrap();
        let signed_by = |signer: &SigningKey, message: &[u8]| {
            let armor = signer.sign("n", message).unwrap();
            let blob = Vec::from(ssh_key::SshSig::from_pem(armor).unwrap().signature_bytes());
            let mut signature = Vec::new();
            "ssh-ed25519".encode(&mut signature).unwrap();
            blob.encode(&mut signature).unwrap();
            let mut answer = vec![SIGN_RESPONSE];
            signature.encode(&mut answer).unwrap();
            framed(&answer)
        };
        let sign = |answer: Vec<u8>| {
            with_answers(&[holding(&ours.public_key()), answer], |socket| {
                SigningKey::from_agent(&path, socket).unwrap().sign("n", b"m")
            })
        };
        assert_eq!(sign(signed_by(&ours, b"m")).unwrap(), ours.sign("n", b"m").unwrap());
        for (answer, why) in [
            (signed_by(&other, b"m"), "not of this key"),
            (signed_by(&ours, b"another"), "not of this key"),
            (framed(&[FAILURE]), "does not sign with SHA256:"),
            (framed(&[SIGN_RESPONSE, 0, 0, 0, 1, 0]), "not understood"),
            (framed(&[IDENTITIES_ANSWER]), "of kind 12, not 14"),
        ] {
            let error = sign(answer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Key, "{error}");
            assert!(error.why().contains(why), "{error}");
        }
    }
}
