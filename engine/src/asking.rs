//! Asking a warehouse for [cells](cuadre_rules::cells), and then for the rows of those that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use cuadre_rules::cells::{Grid, Table};
use cuadre_rules::end_to_end::Comparison;
use cuadre_rules::movement::Field;
use jiff::civil::Date;

use crate::database::{Fault, Question, Session};
use crate::error::EngineError;
use crate::inputs::{Bytes, Input, Inputs, Role, Stored};
use crate::judge::{MEMORY, Room, judge_sources};
use crate::load::all::load_all;
use crate::load::kept::Kept;
use crate::load::stage::Staged;
use crate::progress::Progress;
use crate::reconcile::breaks;
use crate::reconcile::cells::{SourceCells, of_fetched};
use crate::reconcile::fold::Folding;
use crate::reconcile::gaps::Gaps;

/// Where more than one row in so many differs, every row is asked for: that is quicker.
const SHARE: u64 = 5;
/// Rows that are fetched whatever their share.
const FEW: u64 = 1_000;
/// How often rows are fetched before every row is asked for.
const ROUNDS: usize = 3;

/// The sources' cells, to be held against the warehouse's.
pub struct Asking<'a> {
    config: &'a Config,
    date: Date,
    plan: Vec<Comparison>,
    /// By source of the plan.
    loaded: Vec<bool>,
    sources: Table,
    progress: &'a Progress,
}

impl<'a> Asking<'a> {
    /// Loads the sources' extracts among `inputs`, to know their cells; they will be loaded again to be judged.
    /// `None` where every row of the warehouse is asked for, because no source is there to be compared
    /// with.
    pub fn prepare(
        config: &'a Config,
        inputs: &Inputs,
        bytes: &Bytes,
        scratch: &Path,
        kept: Option<&Kept>,
        progress: &'a Progress,
    ) -> Result<Option<Self>, EngineError> {
        progress.phase("loading the sources, to know their cells", None);
        let (plan, folder) = (breaks::plan(config), Folder::new(scratch.join("cells"))?);
        let (folding, silent) = (Folding::idle(), Progress::silent());
        let room = Room { scratch: &folder.0, memory: MEMORY, progress: &silent, kept };
        let (extracts, _) = load_all(config, inputs, bytes, room, &folding, true)?;
        let mut gaps = Gaps::new(&folder.0, config.scale(), config.language);
        let (days, staged) = judge_sources(config, inputs, bytes, extracts, &mut gaps)?;
        let loaded: Vec<bool> = days.iter().map(|day| day.state.is_loaded()).collect();
        if !loaded.contains(&true) {
            return Ok(None);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            EngineError::io("drawing the salt of the cells", Path::new("the operating system"), error.into())
        })?;
        let movements: usize = staged.iter().map(Staged::rows).sum();
        let sources = SourceCells::of(&plan, &staged, &Grid::new(random, movements as u64))?.table;
        Ok(Some(Self { config, date: inputs.business_date, plan, loaded, sources, progress }))
    }

    /// Asks the warehouse for its cells, written to `cells`, and copies the rows of those that differ into
    /// `rows`, as [`Session::day`] does. `false` where all rows of the day have to be copied instead.
    pub fn ask(&self, session: &mut Session, first: &[Field], rows: &Path, cells: &Path) -> Result<bool, Fault> {
        let grid = self.sources.grid();
        let question = Question::new(self.config, &self.plan, &self.loaded, grid.clone(), self.date)?;
        session.cells(&question, cells)?;
        let text = fs::read_to_string(cells).map_err(Fault::writing)?;
        let mut table = Table::new(grid.clone());
        for line in text.lines().skip(1) {
            table
                .set(line)
                .ok_or_else(|| Fault::lasting(format!("the warehouse answered `{line}`, which is no cell")))?;
        }
        let (all, mut differing) = (table.rows(), BTreeSet::from_iter(self.sources.differing(&table)));
        for _ in 0..ROUNDS {
            let some = table.rows_of(&differing);
            if some > FEW.max(all / SHARE) {
                self.streamed(&format!("{some} of {all} may differ"));
                return Ok(false);
            }
            session.day_of_cells(&question, &differing, first, rows)?;
            let fetched = self.load(rows, cells).map_err(|error| Fault::lasting(error.to_string()))?;
            match fetched {
                Ok((records, of_fetched)) if records == some => {
                    if of_fetched.is_subset(&differing) {
                        write(&table, cells).map_err(Fault::writing)?;
                        return Ok(true);
                    }
                    // A row that the mapping reads as another cell's is compared with the rows there.
                    differing.extend(of_fetched);
                }
                Ok((records, _)) => {
                    self.streamed(&format!("{records} came of cells with {some}"));
                    return Ok(false);
                }
                Err(why) => {
                    self.streamed(&why);
                    return Ok(false);
                }
            }
        }
        self.streamed("their cells are not as its SQL says");
        Ok(false)
    }

    fn streamed(&self, why: &str) {
        self.progress.note(&format!("  all of the warehouse's rows are asked for: {why}"));
    }

    /// How many rows were fetched, and the cells that their mapping puts them into. The inner error says
    /// why they cannot be read.
    fn load(&self, rows: &Path, cells: &Path) -> Result<Result<(u64, BTreeSet<u32>), String>, EngineError> {
        let folder = Folder::new(cells.with_extension("loaded"))?;
        let (folding, silent) = (Folding::idle(), Progress::silent());
        let name = "rows".to_owned();
        let bytes = Bytes::InPlace(BTreeMap::from([(name.clone(), rows.to_owned())]));
        let stored = Stored { name, sha256: String::new(), bytes: 0 };
        let input = Input {
            role: Role::Warehouse,
            of: String::new(),
            file: stored.clone(),
            changed_at: None,
            filed_before: None,
            snapshot: true,
        };
        let inputs = Inputs { inputs: vec![input], ..Inputs::new(self.date, stored) };
        let room = Room { scratch: &folder.0, memory: MEMORY, progress: &silent, kept: None };
        let (_, mut loaded) = load_all(self.config, &inputs, &bytes, room, &folding, false)?;
        let loaded = match loaded.pop() {
            Some((_, Ok(loaded))) => loaded,
            Some((_, Err(why))) => return Ok(Err(why.to_string())),
            None => return Err(EngineError::bug("fetched rows were not loaded")),
        };
        let cells = of_fetched(&self.plan, self.sources.grid(), &self.loaded, &loaded.movements)?;
        Ok(Ok((loaded.records, cells)))
    }
}

fn write(table: &Table, path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    table.write(&mut out)?;
    out.flush()
}

/// A folder that goes when it is no longer needed.
struct Folder(PathBuf);

impl Folder {
    fn new(path: PathBuf) -> Result<Self, EngineError> {
        fs::create_dir_all(&path).map_err(|e| EngineError::io("making room to work", &path, e))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
