//! What a filing takes over from those before it: exceptions that are open, and what people recorded of them.
//! It goes into the archive as an input, so that the filing can be made again from there.

use std::path::Path;

use cuadre_audit::layout::FilingId;
use cuadre_audit::{Archive, Series, Subject, canonical};
use cuadre_reports::{Carried, Predicate, write_open};

use crate::dispositions;
use crate::error::EngineError;
use crate::filing::{create, finish};
use crate::inputs::{Input, Inputs, Role, Stored, contents};
use crate::manifest::Filed;
use crate::progress::Progress;

/// The file of a filing that lists what it carries over, where there is any.
pub const OPEN: &str = "open-exceptions.csv";
/// What the input is called.
const NAME: &str = "carried-over.json";

/// Puts what the filing of `inputs` takes over into the archive and among the inputs, where it is anything.
pub fn take(
    series: &Series,
    archive: &Archive,
    inputs: &mut Inputs,
    progress: &Progress,
) -> Result<Carried, EngineError> {
    let mut carried = as_signed(series)?;
    let recorded = dispositions::after(series.root(), carried.dispositions.recorded)?;
    if let Some(why) = recorded.fault {
        progress.note(&format!("note: {why}; it and those after it are not stated until it is mended"));
    }
    carried.dispose(recorded.dispositions);
    // The day states its own exceptions itself; what was recorded of them is all it takes over.
    let date = inputs.business_date;
    carried.open.retain(|open| open.business_date != date || !open.dispositions.is_empty());
    if carried == Carried::default() {
        return Ok(carried);
    }
    let stored = archive.put_bytes(&canonical::to_line(&carried)?)?;
    inputs.inputs.push(Input::new(Role::Carried, "", Stored::of(NAME, stored)));
    Ok(carried)
}

/// What a filing took over, out of the archive.
pub fn of(inputs: &Inputs, archive: &Archive) -> Result<Carried, EngineError> {
    let Some(input) = inputs.of(Role::Carried, "").next() else { return Ok(Carried::default()) };
    let bytes = contents(archive, input.file.sha256.parse()?)?;
    serde_json::from_slice(&bytes).map_err(|error| EngineError::Differs(format!("{}: {error}", input.file.name)))
}

/// What is open after the newest filing, as the manifests state it.
pub fn as_signed(series: &Series) -> Result<Carried, EngineError> {
    let mut newer = Vec::new();
    for filed in series.filings()?.into_iter().rev() {
        let filed = Filed::named(series, filed)?;
        let is_whole = states_what_is_open(&filed);
        newer.push(filed);
        if is_whole {
            break;
        }
    }
    let after = |carried: Carried, filed: &Filed| {
        carried.after(filed.id.date().civil(), &filed.id.to_string(), &filed.statement().predicate.predicate)
    };
    Ok(newer.iter().rev().fold(Carried::default(), after))
}

/// The filings whose manifests [`as_signed`] reads, where that of the newest one is there already.
pub fn needed(series: &Series) -> Result<Vec<FilingId>, EngineError> {
    let filings = series.filings()?;
    let newest = filings.last().map(|newest| Filed::named(series, *newest)).transpose()?;
    match newest.is_none_or(|newest| states_what_is_open(&newest)) {
        true => Ok(Vec::new()),
        false => Ok(filings.into_iter().map(|filed| filed.id).collect()),
    }
}

fn states_what_is_open(filed: &Filed) -> bool {
    filed.statement().predicate.predicate.carried_over.is_some()
}

/// Writes `open-exceptions.csv` into `folder`, where the filing carries anything over.
pub fn annex(predicate: &Predicate, folder: &Path) -> Result<Option<Subject>, EngineError> {
    let carried = predicate.carried_over.as_deref().unwrap_or_default();
    if carried.is_empty() {
        return Ok(None);
    }
    let mut out = create(folder, OPEN)?;
    write_open(carried, &mut out)?;
    finish(folder, OPEN, out).map(Some)
}
