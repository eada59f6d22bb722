//! The movements of a filing, and the rows of its warehouse, loaded again from the archive.

use cuadre_audit::Archive;
use cuadre_rules::Config;

use crate::error::EngineError;
use crate::inputs::{Bytes, Inputs, Role};
use crate::judge::{Room, files_of, folder};
use crate::load::Loaded;
use crate::load::all::{Extract, WarehouseFile, load_all};
use crate::load::stage::Staged;
use crate::progress::Progress;
use crate::reconcile::breaks::whole_warehouse;
use crate::reconcile::fold::Folding;
use crate::reconcile::gaps::Gaps;
use crate::reconcile::source;

/// The movements of a filing.
pub struct Movements {
    /// Staged, in report order.
    pub staged: Vec<Staged>,
    /// Source and name of the input files that they refer to.
    pub files: Vec<(String, String)>,
}

impl Movements {
    /// Loads the movements of the sources that are `wanted`, as the configuration of the filing has it.
    pub fn load(
        config: &Config,
        inputs: &Inputs,
        wanted: impl Fn(&str) -> bool,
        archive: &Archive,
        room: Room<'_>,
    ) -> Result<Self, EngineError> {
        let mut inputs = inputs.clone();
        inputs.inputs.retain(|input| input.role == Role::Extract && wanted(&input.of));
        let (extracts, _) = load_again(config, &inputs, archive, room)?;
        let files = files_of(config, &extracts);
        let sources = config.sources.iter().zip(extracts);
        let staged = sources.flat_map(|(source, extracts)| source::movements(&inputs, &source.id, extracts)).collect();
        Ok(Self { staged, files })
    }
}

/// The rows of the warehouse, by file, where there are files and all of them can be read; otherwise the gap is stated.
pub fn warehouse_rows(
    config: &Config,
    inputs: &Inputs,
    archive: &Archive,
    room: Room<'_>,
    gaps: &mut Gaps,
) -> Result<Option<Vec<(String, Loaded)>>, EngineError> {
    let mut inputs = inputs.clone();
    inputs.inputs.retain(|input| input.role == Role::Warehouse);
    let scratch = folder(room.scratch, "warehouse")?;
    let (_, files) = load_again(config, &inputs, archive, Room { scratch: &scratch, ..room })?;
    whole_warehouse(&inputs, files, None, gaps)
}

/// Loads all of `inputs`, whose bytes must be what their names say.
fn load_again<'a>(
    config: &'a Config,
    inputs: &'a Inputs,
    archive: &Archive,
    room: Room<'_>,
) -> Result<(Vec<Vec<Extract<'a>>>, Vec<WarehouseFile<'a>>), EngineError> {
    inputs.check(archive)?;
    let silent = Progress::silent();
    let room = Room { progress: &silent, kept: None, ..room };
    load_all(config, inputs, &Bytes::Archived(archive.clone()), room, &Folding::idle(), false)
}
