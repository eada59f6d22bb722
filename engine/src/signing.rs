//! The key that signs: in a file, encrypted or not, or in ssh-agent.

use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use cuadre_audit::SigningKey;
use cuadre_audit::keys::Passphrase;
use cuadre_audit::layout::LOG;
use cuadre_rules::config::{Secret, Signing};

use crate::error::EngineError;

/// Where an agent's socket is.
const AGENT: &str = "SSH_AUTH_SOCK";

/// The key that signs filings in the folder `series`. Only a new series may have one made for it: a key
/// that is away must not start a second identity. Paths are relative to `folder`. A passphrase may come
/// through a pipe, which can be read once: neither is this called twice.
pub fn signing_key(signing: &Signing, folder: &Path, series: &Path) -> Result<SigningKey, EngineError> {
    let path = folder.join(&signing.key);
    if signing.agent {
        return from_agent(&path);
    }
    let is_there = path.exists();
    let may_be_made = signing.create && !series.join(LOG).exists();
    if !is_there && !may_be_made {
        let key = path.display();
        let remedy = format!("restore it, or make the first one of a new series: cuadre keygen {key}");
        return Err(EngineError::Setup(format!("the signing key {key} is not there; {remedy}")));
    }
    let passphrase = signing.passphrase.as_ref().map(|secret| passphrase(secret, folder)).transpose()?;
    if is_there && may_be_made {
        // A run that was killed may just have made it: what a new series is founded on outlasts a loss of power.
        SigningKey::settle(&path)?;
    }
    match (is_there, &passphrase) {
        (true, None) => Ok(SigningKey::load(&path)?),
        (true, Some(passphrase)) => Ok(SigningKey::load_encrypted(&path, passphrase)?),
        (false, passphrase) => new_key(&path, &signing.principal, passphrase.as_ref()),
    }
}

/// Makes a key, unless there is one at `path`; encrypted where there is a passphrase.
pub fn new_key(path: &Path, comment: &str, passphrase: Option<&Passphrase>) -> Result<SigningKey, EngineError> {
    let key = SigningKey::generate()?;
    match passphrase {
        None => key.write(path, comment)?,
        Some(passphrase) => key.write_encrypted(path, comment, passphrase)?,
    }
    Ok(key)
}

/// Reads a passphrase. What it is appears in no message.
pub fn passphrase(secret: &Secret, folder: &Path) -> Result<Passphrase, EngineError> {
    match secret {
        Secret::File(path) => Ok(Passphrase::read(&folder.join(path))?),
        Secret::Env(name) => {
            let absent = || EngineError::Setup(format!("the environment variable {name} has no passphrase; set it"));
            let text = std::env::var_os(name).filter(|text| !text.is_empty()).ok_or_else(absent)?;
            Ok(Passphrase::new(text.into_vec())?)
        }
    }
}

/// Where a passphrase is. What is given is not repeated: it may be the passphrase itself.
pub fn place_of(text: &str) -> Result<Secret, EngineError> {
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(Secret::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Ok(Secret::File(path.to_owned())),
        _ => {
            let message = "--passphrase says where the passphrase is, not what it is";
            Err(EngineError::Usage(format!("{message}; write it as env:NAME or file:PATH")))
        }
    }
}

fn from_agent(path: &Path) -> Result<SigningKey, EngineError> {
    let socket = std::env::var_os(AGENT).filter(|socket| !socket.is_empty()).ok_or_else(|| {
        let remedy = format!("start it with `eval \"$(ssh-agent)\"` and run `ssh-add {}`", path.display());
        EngineError::Setup(format!("{AGENT} is not set, so that no ssh-agent can sign; {remedy}"))
    })?;
    Ok(SigningKey::from_agent(path, Path::new(&socket))?)
}
