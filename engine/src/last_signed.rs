//! What a key has signed last in a series, kept beside the key: a signer does not sign two histories.
//!
//! A series that is restored from an old backup looks whole, and what is signed on top of it forks from
//! what was signed before. Here the signer notices: `LOG` must begin with the lines that it had when the
//! key signed last. A file per key and series holds their number, their SHA-256, and where the series is.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use cuadre_audit::{History, Series, Sha256Digest};

use crate::error::EngineError;
use crate::store::{Place, Working};
use crate::telemetry::note;

/// The last state that a key has signed in one series.
pub struct LastSigned {
    path: PathBuf,
    place: String,
}

impl LastSigned {
    /// What the key at `key` has signed in the series at `place`.
    pub fn of(key: &Path, place: &Place) -> Self {
        let place = match place {
            Place::Folder(folder) => real(folder).display().to_string(),
            Place::Bucket(_) => place.to_string(),
        };
        let mut name = key.file_name().unwrap_or_default().to_owned();
        name.push(format!(".signed-{}", &Sha256Digest::of(place.as_bytes()).to_string()[..16]));
        Self { path: key.with_file_name(name), place }
    }

    /// Refuses to go on where `LOG` does not begin with what was signed last.
    ///
    /// # Errors
    /// [`EngineError::Differs`], with what to do.
    pub fn check(&self, series: &Working) -> Result<(), EngineError> {
        let text = match fs::read_to_string(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            text => text.map_err(|e| EngineError::io("reading", &self.path, e))?,
        };
        let shown = self.path.display();
        let remedy = format!("only if that is meant to be, remove {shown}");
        let Some(signed) = parse(&text) else {
            return Err(EngineError::Differs(format!("{shown}: it does not say what was signed last; {remedy}")));
        };
        match Series::at(series.folder()).begins_with(&signed)? {
            true => Ok(()),
            false => Err(EngineError::Differs(format!(
                "{}: LOG does not begin with the {} lines that it had when this key signed last; nothing is signed, since \
                 there would be two histories: restore the series from its newest copy; {remedy}",
                self.place, signed.entries
            ))),
        }
    }

    /// Keeps what has been signed now. That it cannot be kept is told, and holds up nothing.
    pub fn keep(&self, series: &Working) {
        let kept =
            Series::at(series.folder()).history().map_err(EngineError::from).and_then(|History { entries, sha256 }| {
                let failed = |e| EngineError::io("keeping what was signed last", &self.path, e);
                let staged = self.path.with_added_extension("new");
                let text = format!("{entries} {sha256} {}\n", self.place);
                let mut file = File::create(&staged).map_err(failed)?;
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
                fs::rename(&staged, &self.path).map_err(failed)
            });
        if let Err(error) = kept {
            note(&format!("{error}; a series restored from an old backup will not be noticed"));
        }
    }
}

/// The path without links, of a folder that may not be there yet.
fn real(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    match (absolute.canonicalize(), absolute.parent(), absolute.file_name()) {
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        (found, ..) => found.unwrap_or(absolute),
    }
}

fn parse(text: &str) -> Option<History> {
    let mut words = text.split(' ');
    Some(History { entries: words.next()?.parse().ok()?, sha256: words.next()?.parse().ok()? })
}
