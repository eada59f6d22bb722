//! The archive that is away: a folder of the series that may be a disk of its own, and be gone or full when the day
//! has to be filed.
//!
//! Where the policy says so, and there is no time left to wait for it, everything that is received goes into the
//! [spool](cuadre_audit::spool) beside the series, and the filing is made from there. It says so itself, since
//! until the next run moves the objects nobody finds them in the archive.

use std::error::Error;
use std::io;

use cuadre_audit::layout::{ARCHIVE, INPUTS};
use cuadre_audit::{Archive, ErrorKind, Series, SeriesWriter};
use cuadre_rules::said;
use cuadre_rules::said::Said;

use crate::error::{EngineError, exit};
use crate::inputs::{Inputs, Problem, Role};
use crate::manifest::file_without_from;
use crate::night::Night;
use crate::telling::What;

/// Where the bytes of a night are.
pub struct Archived {
    /// Where they were put, and what is read from.
    pub archive: Archive,
    /// Why that is the spool, where it is.
    pub away: Option<String>,
}

/// Moves what waits for the archive into it, if it can be used again, and says so.
pub fn empty(night: &Night<'_>, series: &SeriesWriter) {
    // Whatever is wrong with the archive shows when the night is received.
    let Ok(emptied) = series.empty_spool() else { return };
    if emptied.moved > 0 {
        let objects = if emptied.moved == 1 { "1 object" } else { &format!("{} objects", emptied.moved) };
        night
            .progress
            .note(&format!("The archive is there again: {objects} that waited beside the series came into it"));
    }
    for path in emptied.damaged {
        let told = "it, or what the archive has in its place, is not what its name says";
        night.progress.note(&format!("note: {}: {told}; restore the object from a backup", path.display()));
    }
}

/// Receives the day by `receive` into the archive of the series or, while that is away, into its spool.
pub fn receive_into(
    night: &Night<'_>,
    series: &SeriesWriter,
    receive: impl Fn(&Archive) -> Result<Inputs, EngineError>,
) -> Result<(Inputs, Archived), EngineError> {
    let (told, why) = match series.archive_fault() {
        Some(fault) => (fault.to_string(), fault.why().to_owned()),
        None => match receive(&series.archive()) {
            Err(EngineError::Audit(error)) if is_away(&error, series) => (error.to_string(), error.why().to_owned()),
            received => return Ok((received?, Archived { archive: series.archive(), away: None })),
        },
    };
    let from = file_without_from(night.config, night.business_date)?;
    let unfiled = match night.without_archive {
        false => "nothing was filed (policy.without_archive is not set)",
        true if night.telling.clock.now() < from => {
            "nothing was filed, since there is still time (policy.file_without_from)"
        }
        true => {
            night.telling.tell(&What::Without { service: "archive", why: &told });
            let archive = series.spool();
            let mut inputs = receive(&archive)?;
            let reason = reason(&inputs, &why).into_language(night.config.language);
            inputs.problems.push(Problem { role: Role::Archive, of: String::new(), reason, unfinished: false });
            return Ok((inputs, Archived { archive, away: Some(told) }));
        }
    };
    Err(EngineError::Away(format!("{told}; {unfiled}")))
}

impl Archived {
    /// An error about what was filed before, which nobody can read while the archive is away.
    pub fn told(&self, error: EngineError) -> EngineError {
        match (&self.away, error.exit_code()) {
            (Some(why), exit::VERIFICATION_FAILED | exit::CONFIG) => EngineError::Away(format!(
                "{error}; the archive is away ({why}), and a filing that supersedes another is made from both: run \
                 again when it is back"
            )),
            _ => error,
        }
    }
}

/// What the manifest says of it. Nothing in it is of this run's paths or process.
fn reason(inputs: &Inputs, why: &str) -> Said {
    let files = match inputs.inputs.len() {
        1 => said!("the 1 received file", "el archivo recibido"),
        files => said!("all {files} received files", "los {files} archivos recibidos"),
    };
    said!(
        "the archive was away when the day was filed ({why}): {files}, the configuration and the list of them \
         ({INPUTS}) wait in the spool beside the series, under the digests of their bytes; the next run that finds the \
         archive usable moves them into it. Until then the archive lacks them",
        "el archivo histórico no respondía cuando se presentó el reporte («{why}»): {files}, la configuración y la lista \
         de todos ellos ({INPUTS}) esperan en el spool junto a la serie, con la huella SHA-256 de sus bytes por nombre; \
         la próxima ejecución que pueda usar el archivo histórico los pasa a él. Hasta entonces no están ahí"; files
    )
}

/// Whether an error is one of the archive's disk. A lack of permission does not pass.
fn is_away(error: &cuadre_audit::Error, series: &Series) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let passes = source.is_none_or(|error| error.kind() != io::ErrorKind::PermissionDenied);
    let archive = series.root().join(ARCHIVE);
    error.kind() == ErrorKind::Io && passes && error.path().is_some_and(|path| path.starts_with(archive))
}
