//! Load and reconcile: from archived inputs to the judged day. The same inputs give the same
//! judgement, in the night and years later.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use cuadre_rules::config::Source;
use cuadre_rules::day::{Day, SourceDay};
use cuadre_rules::exception::Kind;
use cuadre_rules::said;
use cuadre_rules::said::Said;

use crate::error::EngineError;
use crate::forward::Forward;
use crate::inputs::{Bytes, Inputs, Role};
use crate::load::Loaded;
use crate::load::all::{Extract, load_all};
use crate::load::dataset;
use crate::load::evidence::EvidenceList;
use crate::load::kept::Kept;
use crate::load::stage::Staged;
use crate::progress::Progress;
use crate::reconcile::breaks::{self, By, Sources, whole_warehouse};
use crate::reconcile::cells;
use crate::reconcile::fold::Folding;
use crate::reconcile::gaps::{About, Gaps};
use crate::reconcile::source::Scope;
use crate::reconcile::{business, source};

/// The judged day, with what the report is made of.
pub struct Judgement {
    /// The judgement.
    pub day: Day,
    /// Staged movements of the loaded sources, in report order.
    pub staged: Vec<Staged>,
    /// Source and name of the input files that movements refer to.
    pub files: Vec<(String, String)>,
    /// Rows of evidence, in the order of the exceptions.
    pub evidence: Vec<EvidenceList>,
    /// What rules leave to the next filing, a list a rule.
    pub forward: Vec<PathBuf>,
    /// The matches that rules list, a list a rule.
    pub matches: Vec<PathBuf>,
}

/// How much of the day is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Day,
    /// The sources and the end-to-end reconciliation, no business rule.
    EndToEnd,
}

/// Bytes of memory that a night may take where nobody says otherwise.
pub const MEMORY: usize = 512 << 20;

/// Where and with how much memory a day is judged; the judgement does not depend on it.
#[derive(Clone, Copy)]
pub struct Room<'a> {
    /// A folder for what is staged.
    pub scratch: &'a Path,
    /// Bytes that the night may take. What is sorted past its share of them is sorted on disk.
    pub memory: usize,
    /// Who is told how far it has come.
    pub progress: &'a Progress,
    /// Inputs that were loaded before; those that are loaded now are kept with them.
    pub kept: Option<&'a Kept>,
}

/// Judges the day from its inputs.
pub fn judge(
    config: &Config,
    inputs: &Inputs,
    bytes: &Bytes,
    room: Room<'_>,
    extent: Extent,
) -> Result<Judgement, EngineError> {
    let scratch = room.scratch;
    let language = inputs.format.language(config.language);
    let mut gaps = Gaps::new(&folder(scratch, "evidence")?, config.scale(), language);
    let plan = breaks::plan(config);
    let folding = Folding::new(&plan, breaks::arrived(config, inputs))?;
    let loading = tracing::info_span!("load").entered();
    let (extracts, warehouse) = load_all(config, inputs, bytes, room, &folding, extent == Extent::EndToEnd)?;
    drop(loading);
    let files = files_of(config, &extracts);

    let (sources, staged) = judge_sources(config, inputs, bytes, extracts, &mut gaps)?;
    room.progress.phase("comparing both sides", None);
    let cells = cells::of_warehouse(inputs, bytes)?;
    let by_cells = cells.is_some();
    let warehouse = whole_warehouse(inputs, warehouse, cells.as_ref(), &mut gaps)?;
    let end_to_end = match &warehouse {
        Some(warehouse) => {
            let sources = Sources { days: &sources, staged: &staged, files: &files };
            let by = cells.map_or_else(|| By::Folding(Box::new(folding)), By::Cells);
            Some(breaks::judge(config, &plan, &sources, warehouse, by, room, &mut gaps)?)
        }
        None => None,
    };
    let (business, lists) = match extent {
        Extent::EndToEnd => (Vec::new(), business::Lists::default()),
        Extent::Day => {
            room.progress.phase("judging the rules", None);
            let datasets = dataset::read_all(config, inputs, bytes)?;
            let room = Room { scratch: &folder(scratch, "rules")?, ..room };
            let day = business::Judging {
                config,
                language,
                business_date: inputs.business_date,
                datasets: &datasets,
                reads_answers: inputs.format.reads_answers(),
                warehouse: all_rows(warehouse.as_deref(), by_cells),
                forward: &Forward::of(config, inputs, bytes)?,
                staged: &staged,
                files: &files,
                room,
            };
            business::judge(&day, &mut gaps)?
        }
    };

    for (position, problem) in inputs.problems.iter().filter(|p| p.role == Role::Notification).enumerate() {
        gaps.state(Kind::NotificationFailed, About::route(position, &problem.of), Said::same(&problem.reason));
    }
    if let Some(away) = inputs.problem(Role::Archive, "") {
        gaps.state(Kind::ArchiveAway, About::NIGHT, Said::same(away));
    }
    let (exceptions, evidence) = gaps.finish()?;
    let business_date = inputs.business_date;
    let (scale, no_movements) = (config.scale(), inputs.no_movements.clone());
    let day = Day { business_date, scale, sources, end_to_end, business, exceptions, no_movements };
    let business::Lists { forward, matches } = lists;
    Ok(Judgement { day, staged, files, evidence, forward, matches })
}

/// The warehouse's rows, where all of them are there.
pub fn all_rows(warehouse: Option<&[(String, Loaded)]>, by_cells: bool) -> Result<Vec<&Staged>, Said> {
    match warehouse {
        None => Err(said!("the warehouse is missing, or cannot be read", "el almacén falta, o no se puede leer")),
        Some(_) if by_cells => Err(said!(
            "the warehouse was compared by cells: of its rows only those are there that differ",
            "el almacén se comparó por celdas: de sus filas solo están las que difieren"
        )),
        Some(files) => Ok(files.iter().flat_map(|(_, loaded)| &loaded.movements).collect()),
    }
}

/// Source and name of the files of extracts that come by source: what movements refer to.
pub fn files_of(config: &Config, extracts: &[Vec<Extract<'_>>]) -> Vec<(String, String)> {
    let of = |(extracts, source): (&Vec<Extract<'_>>, &Source)| -> Vec<(String, String)> {
        extracts.iter().map(|extract| (source.id.clone(), extract.input.file.name.clone())).collect()
    };
    extracts.iter().zip(&config.sources).flat_map(of).collect()
}

/// Judges every source by its extracts, and gives the staged movements of those that are loaded.
pub fn judge_sources(
    config: &Config,
    inputs: &Inputs,
    bytes: &Bytes,
    extracts: Vec<Vec<Extract<'_>>>,
    gaps: &mut Gaps,
) -> Result<(Vec<SourceDay>, Vec<Staged>), EngineError> {
    let (mut sources, mut staged) = (Vec::new(), Vec::new());
    for (position, extracts) in extracts.into_iter().enumerate() {
        let source = &config.sources[position];
        let scope = Scope { config, source, about: About::source(position, &source.id), inputs, bytes };
        let judged = source::judge(scope, extracts, gaps)?;
        sources.push(judged.day);
        staged.extend(judged.staged);
    }
    Ok((sources, staged))
}

/// A folder in `scratch`, made where it is not there.
pub fn folder(scratch: &Path, name: &str) -> Result<PathBuf, EngineError> {
    let path = scratch.join(name);
    fs::create_dir_all(&path).map_err(|e| EngineError::io("making room to work", &path, e))?;
    Ok(path)
}
