//! `cuadre keygen`: a key to sign filings with.

use std::path::{Path, PathBuf};

use cuadre_audit::SigningKey;
use cuadre_audit::keys::{Passphrase, public_path};

use crate::error::{EngineError, exit};
use crate::signing::{new_key, passphrase, place_of};

/// Make an Ed25519 key to sign filings with (OpenSSH format, mode 0600)
#[derive(clap::Args)]
pub struct Args {
    /// File of the private key; the public key goes beside it with `.pub`
    #[arg(value_name = "FILE")]
    key: PathBuf,
    /// Comment in the public key
    #[arg(long, default_value = "cuadre")]
    comment: String,
    /// Encrypt the private key with the passphrase that is the first line here: env:NAME or file:PATH
    /// (file:/dev/fd/3 for descriptor 3)
    #[arg(long, value_name = "WHERE")]
    passphrase: Option<String>,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let given = args.passphrase.as_ref().map(|text| passphrase(&place_of(text)?, Path::new("")));
    let passphrase = given.transpose()?;
    make(&args.key, &args.comment, passphrase.as_ref())?;
    Ok(exit::DONE)
}

/// Makes a key at `path`, unless there is one; encrypted where there is a passphrase. Where making it was
/// interrupted before the public key was there, adds that.
pub fn make(path: &Path, comment: &str, passphrase: Option<&Passphrase>) -> Result<(), EngineError> {
    let key = match path.exists() && !public_path(path).exists() {
        true => {
            let key = match passphrase {
                None => SigningKey::load(path)?,
                Some(passphrase) => SigningKey::load_encrypted(path, passphrase)?,
            };
            key.write_public(path, comment)?;
            eprintln!("The private key was there; its public key was not, and is added");
            key
        }
        false => new_key(path, comment, passphrase)?,
    };
    let encrypted = if passphrase.is_some() { ", encrypted" } else { "" };
    eprintln!("Private key {} (keep it, mode 0600{encrypted})", path.display());
    eprintln!("Public key  {}  {}", public_path(path).display(), key.public_key().fingerprint());
    Ok(())
}
