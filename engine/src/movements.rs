//! The movements of a filing, loaded again from the archive.

use cuadre_audit::Archive;
use cuadre_rules::Config;

use crate::error::EngineError;
use crate::inputs::{Bytes, Inputs, Role};
use crate::judge::{Room, files_of};
use crate::load::all::load_all;
use crate::load::stage::Staged;
use crate::progress::Progress;
use crate::reconcile::fold::Folding;
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
        inputs.check(archive)?;
        let (silent, folding) = (Progress::silent(), Folding::idle());
        let room = Room { progress: &silent, kept: None, ..room };
        let (extracts, _) = load_all(config, &inputs, &Bytes::Archived(archive.clone()), room, &folding, false)?;
        let files = files_of(config, &extracts);
        let sources = config.sources.iter().zip(extracts);
        let staged = sources.flat_map(|(source, extracts)| source::movements(&inputs, &source.id, extracts)).collect();
        Ok(Self { staged, files })
    }
}
