//! Making good what a crash left unfinished.
//!
//! A crash can leave: things being prepared (removed), a generation of trust outside `LOG`
//! ([`super::trust::recover`]), and one
//! filing whose folder has its final name but whose lines are not, or not all, in `LOG`. The lines
//! follow from the folder; they are added only when the filing's signature counts and its manifest
//! pins exactly the history in front of them. Any other state is not a crash of ours.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use super::block;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, FilingId};
use crate::log::Log;

/// Removes what was being prepared. Only for the holder of the append lock.
pub(super) fn remove_leftovers(root: &Path) -> Result<()> {
    for folder in [layout::FILINGS, layout::TRUST] {
        for name in names_in(&root.join(folder))? {
            let named = format!("{folder}/{name}");
            let path = root.join(&named);
            if layout::is_staging(&named) {
                let removed = match path.is_dir() && !path.is_symlink() {
                    true => fs::remove_dir_all(&path),
                    false => fs::remove_file(&path),
                };
                removed.map_err(|e| Error::io("cannot remove a leftover", &path, e))?;
            }
        }
    }
    Ok(())
}

/// Completes `LOG`; gives the filing whose lines were added. Only for the holder of the lock.
pub(super) fn recover(root: &Path) -> Result<Option<FilingId>> {
    let log = Log::read(root)?;
    let pending = pending(root, &log)?;
    match pending.as_slice() {
        [] if log.is_torn() || ends_within_trust(&log) => Err(Error::damaged(
            "cannot complete the history",
            root.join(layout::LOG),
            "its end is unfinished, and nothing on disk explains it",
        )),
        [] => Ok(None),
        [id] => complete_filing(root, &log, id).map(|()| Some(*id)),
        [id, ..] => Err(foreign(
            &root.join(layout::filing(id)),
            "LOG does not name it, nor others; a crash leaves at most one filing so",
        )),
    }
}

/// The filings whose folders have their final names, but whose lines are not all in `LOG`.
pub(crate) fn pending(root: &Path, log: &Log) -> Result<Vec<FilingId>> {
    let named: HashSet<&str> = log.lines().iter().map(|line| line.path.as_str()).collect();
    let last = log.lines().last().and_then(|line| Some(layout::parse_filing_file(&line.path)?.0));
    let mut pending = Vec::new();
    let names = names_in(&root.join(layout::FILINGS))?;
    for name in names.iter().filter(|name| !layout::is_staging(&format!("{}/{name}", layout::FILINGS))) {
        let Ok(id) = name.parse::<FilingId>() else {
            let path = root.join(layout::FILINGS).join(name);
            return Err(foreign(&path, "its name is not that of a filing"));
        };
        let is_in = match last {
            Some(last) if last == id => {
                // Only of the last filing can lines be missing after its signature's.
                let tokens = block::token_names(&root.join(layout::filing(&id)))?;
                tokens.iter().all(|name| named.contains(layout::filing_file(&id, name).as_str()))
            }
            _ => true,
        };
        if !is_in || !named.contains(layout::filing_file(&id, layout::SIGNATURE).as_str()) {
            pending.push(id);
        }
    }
    Ok(pending)
}

/// Does the history end before the allowed signers of a generation, which come last?
fn ends_within_trust(log: &Log) -> bool {
    let last = log.lines().last().map(|line| line.path.as_str());
    last.is_some_and(|path| layout::is_trust(path) && !layout::is_allowed_signers(path))
}

fn complete_filing(root: &Path, log: &Log, id: &FilingId) -> Result<()> {
    let folder = root.join(layout::filing(id));
    let block = block::confirm(root, log, id).map_err(|e| foreign(&folder, &e.to_string()))?;
    let missing = log
        .offset(block.entries)
        .and_then(|start| block.text.as_bytes().strip_prefix(&log.bytes()[start..]))
        .ok_or_else(|| foreign(&folder, "the end of LOG is not the beginning of its lines"))?;
    log.append(missing)
}

pub(super) fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |e| Error::io("cannot list the folder", folder, e);
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn foreign(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Damaged,
        "the series holds something that LOG does not name",
        why,
        "if no filing was ever sent from it, move it out of the series and run again; otherwise \
         restore the series from a backup",
    )
    .at(path)
}
