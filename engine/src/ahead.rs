//! Loading a source as soon as it is there, while others are awaited: what it holds is known before the deadline
//! is near, and the night does not load it again. What a database holds is copied only by the night itself.

use std::path::PathBuf;

use cuadre_audit::Archive;
use cuadre_audit::layout::ARCHIVE;
use cuadre_rules::Config;
use jiff::civil::Date;

use crate::error::EngineError;
use crate::inputs::{Bytes, Input, Inputs, Role, Stored, Texts};
use crate::judge::Room;
use crate::landing::find;
use crate::load::kept::{Ahead, Kept, load_ahead};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::work::Work;

/// What is loaded ahead of a night.
pub struct Loader<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What it is written in.
    pub texts: &'a Texts,
    /// The day.
    pub date: Date,
    /// The folder of landing files.
    pub data: PathBuf,
    /// Where it is kept for the night.
    pub work: &'a Work,
    /// Bytes of memory that it may take.
    pub memory: usize,
}

impl Loader<'_> {
    /// Loads the files of a source; `None` for what is no source of files.
    pub fn load(&self, source: &str) -> Result<Option<Ahead>, EngineError> {
        let source = self.config.sources.iter().find(|known| known.id == source && known.extract.url.is_none());
        let Some(source) = source else { return Ok(None) };
        // What lies where it landed may be written anew while it is read; a copy stays what its digest says.
        let night = self.work.night(self.date);
        let archive = Archive::new(&night);
        let mut inputs = Inputs::of_config(self.date, self.texts, &archive)?;
        // What cannot be found or read is for the night to say.
        for file in find(&self.data, source.extract.files.patterns(), self.date).unwrap_or_default() {
            let Ok(stored) = archive.put_file(&file.path) else { return Ok(None) };
            inputs.inputs.push(Input::new(Role::Extract, &source.id, Stored::of(&file.name, stored)));
        }
        let scratch = Scratch::new()?;
        let kept = Kept::at(&night);
        let progress = Progress::silent();
        let room = Room { scratch: scratch.path(), memory: self.memory, progress: &progress, kept: Some(&kept) };
        let loaded = load_ahead(self.config, &inputs, &Bytes::Archived(archive), room);
        let _ = std::fs::remove_dir_all(night.join(ARCHIVE));
        Ok(loaded?.pop())
    }
}
