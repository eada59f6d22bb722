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

/// Makes a key at `path`, unless there is one.
pub fn make(path: &Path, comment: &str) -> Result<(), EngineError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| EngineError::io("making the key's folder", folder, e))?;
    }
    let key = SigningKey::generate()?;
    key.write(path, comment)?;
    eprintln!("Private key {} (keep it, mode 0600)", path.display());
    eprintln!("Public key  {}  {}", public_path(path).display(), key.public_key().fingerprint());
    Ok(())
}
