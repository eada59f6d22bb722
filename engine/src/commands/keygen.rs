//! `cuadre keygen`: a key to sign filings with.

use std::path::{Path, PathBuf};

use cuadre_audit::SigningKey;
use cuadre_audit::keys::public_path;

use crate::error::{EngineError, exit};

/// Make an Ed25519 key to sign filings with (OpenSSH format, mode 0600)
#[derive(clap::Args)]
pub struct Args {
    /// File of the private key; the public key goes beside it with `.pub`
    #[arg(value_name = "FILE")]
    key: PathBuf,
    /// Comment in the public key
    #[arg(long, default_value = "cuadre")]
    comment: String,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    make(&args.key, &args.comment)?;
    Ok(exit::DONE)
}

/// Makes a key at `path`, unless there is one. Where making it was interrupted before the public key was
/// there, adds that.
pub fn make(path: &Path, comment: &str) -> Result<(), EngineError> {
    let key = match path.exists() && !public_path(path).exists() {
        true => {
            let key = SigningKey::load(path)?;
            key.write_public(path, comment)?;
            eprintln!("The private key was there; its public key was not, and is added");
            key
        }
        false => {
            let key = SigningKey::generate()?;
            key.write(path, comment)?;
            key
        }
    };
    eprintln!("Private key {} (keep it, mode 0600)", path.display());
    eprintln!("Public key  {}  {}", public_path(path).display(), key.public_key().fingerprint());
    Ok(())
}
