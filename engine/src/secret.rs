//! Secrets, read where the configuration says they are.

use std::path::Path;

use cuadre_rules::config::Secret;

use crate::database::Fault;

/// Reads a secret. What it is appears in no message.
pub fn read(secret: &Secret, folder: &Path) -> Result<String, Fault> {
    match secret {
        Secret::Env(name) => std::env::var(name)
            .map_err(|_| Fault::lasting(format!("the environment variable {name} has no secret; set it"))),
        Secret::File(path) => {
            let path = folder.join(path);
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|why| {
                Fault::lasting(format!("the file {} with a secret cannot be read: {why}", path.display()))
            })?;
            Ok(text.trim_end_matches(['\n', '\r']).to_owned())
        }
    }
}
