//! Files whose columns are not those configured.

use std::collections::BTreeMap;

use cuadre_rules::config::Severity;
use cuadre_rules::exception::{Evidence, Kind};
use cuadre_rules::said;
use cuadre_rules::said::{FILE, Said, counted};

use super::gaps::{About, Gaps};
use crate::error::EngineError;
use crate::load::meaning::Drift;

/// Differences of columns, each told once however many files have it.
#[derive(Default)]
pub struct Drifts {
    files: BTreeMap<Said, u64>,
    lost: bool,
}

impl Drifts {
    /// Lists how the columns of one file differ.
    pub fn add(&mut self, file: &str, drift: &Drift, about: About<'_>, gaps: &mut Gaps) -> Result<(), EngineError> {
        self.lost |= drift.lost;
        for words in &drift.words {
            *self.files.entry(words.clone()).or_default() += 1;
            let row = Evidence { file: Some(file.to_owned()), ..Evidence::default() };
            gaps.evidence(Kind::SchemaDrift, about, row, words.clone())?;
        }
        Ok(())
    }

    /// States the gap. A mapped column that is not there is more than a note: its field is empty.
    pub fn state(&self, about: About<'_>, gaps: &mut Gaps) {
        for (words, files) in &self.files {
            let files = counted(*files, FILE);
            gaps.state(Kind::SchemaDrift, about, said!("{words} ({files})", "{words} ({files})"; words, files));
        }
        if self.lost {
            gaps.rate(Kind::SchemaDrift, about, Severity::Minor);
        }
    }
}
