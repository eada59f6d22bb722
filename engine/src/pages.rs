//! The pages for people in a filing. They follow from all else in it, and say nothing that it does not.

use std::io::Write;
use std::path::Path;

use cuadre_audit::{Archive, Subject};
use cuadre_reports::html::{self, Template};
use cuadre_reports::{View, xlsx};
use cuadre_rules::Config;

use crate::error::EngineError;
use crate::filing::{create, finish};
use crate::inputs::{Input, Inputs, Problem, Role, Stored, contents};
use crate::judge::Room;
use crate::load::evidence::EvidenceList;
use crate::view::Basis;

/// The page.
const REPORT_HTML: &str = "report.html";
/// The workbook.
const REPORT_XLSX: &str = "report.xlsx";
/// The pages that a filing may have.
pub const PAGES: [&str; 2] = [REPORT_HTML, REPORT_XLSX];

/// Puts the configured template, a path below `folder`, into the archive and among the inputs. One that cannot be
/// read holds up no filing: the page says so.
pub fn take(config: &Config, folder: &Path, archive: &Archive, inputs: &mut Inputs) -> Result<(), EngineError> {
    let Some(name) = &config.pages.template else { return Ok(()) };
    match read(folder, name) {
        Ok(bytes) => {
            let stored = Stored::of(name, archive.put_bytes(&bytes)?);
            inputs.inputs.push(Input::new(Role::Template, "", stored));
        }
        Err(reason) => {
            inputs.problems.push(Problem { role: Role::Template, of: String::new(), reason, unfinished: false });
        }
    }
    Ok(())
}

/// Writes the pages into the folder of the filing, after all else but the manifest. Formats before 4 have none.
/// The rows of the workbook are the `evidence`.
pub fn write(
    basis: Basis<'_>,
    evidence: &[EvidenceList],
    archive: &Archive,
    room: Room<'_>,
) -> Result<Vec<Subject>, EngineError> {
    let Some(inputs) = basis.inputs.filter(|inputs| inputs.format.is_for_people()) else { return Ok(Vec::new()) };
    let view = basis.view()?;
    let made = html::render(&view, template(inputs, archive)?.as_ref())?;
    if let Some(fault) = made.fault {
        let remedy = "the page is the built-in one; try the template with `cuadre check`";
        room.progress.note(&format!("warning: the template of {REPORT_HTML} could not be used: {fault}; {remedy}"));
    }
    let page = put(basis.folder, REPORT_HTML, made.html.as_bytes())?;
    Ok(vec![page, workbook(&view, evidence, basis.folder, room)?])
}

fn workbook(view: &View, evidence: &[EvidenceList], folder: &Path, room: Room<'_>) -> Result<Subject, EngineError> {
    let mut rows = Vec::new();
    for list in evidence {
        rows.push(list.read()?);
    }
    let mut out = create(folder, REPORT_XLSX)?;
    xlsx::write::<EngineError>(view, rows.into_iter().flatten(), room.scratch, &mut out)?;
    finish(folder, REPORT_XLSX, out)
}

/// Tries the configured template, a path below `folder`, on a sample of a filing.
pub fn check(config: &Config, folder: &Path) -> Result<(), EngineError> {
    let Some(name) = &config.pages.template else { return Ok(()) };
    let tried = read(folder, name).and_then(|bytes| text(name, bytes)).and_then(|template| {
        let made = html::by_template(&html::sample(config.language), &template);
        made.map_err(|error| error.to_string())
    });
    tried.map(drop).map_err(|why| EngineError::Setup(format!("pages.template: {why}")))
}

/// The template that a filing was made with, out of the archive; or why there was none to be had.
fn template(inputs: &Inputs, archive: &Archive) -> Result<Option<Result<Template, String>>, EngineError> {
    match inputs.of(Role::Template, "").next() {
        Some(input) => Ok(Some(text(&input.file.name, contents(archive, input.file.sha256.parse()?)?))),
        None => Ok(inputs.problem(Role::Template, "").map(|why| Err(why.to_owned()))),
    }
}

/// Nothing in the words is of the paths of this machine, since a page has them.
fn read(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    std::fs::read(folder.join(name)).map_err(|error| format!("{name}: it cannot be read: {}", error.kind()))
}

fn text(name: &str, bytes: Vec<u8>) -> Result<Template, String> {
    let text = String::from_utf8(bytes).map_err(|_| format!("{name}: it is not UTF-8; save it as UTF-8"))?;
    Ok(Template { name: name.to_owned(), text })
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<Subject, EngineError> {
    let mut out = create(folder, name)?;
    out.write_all(bytes).map_err(|error| EngineError::io("writing", &folder.join(name), error))?;
    finish(folder, name, out)
}
