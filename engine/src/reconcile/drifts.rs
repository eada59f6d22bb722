//! Files whose columns are not those configured.

use std::collections::BTreeMap;

use cuadre_rules::config::Severity;
use cuadre_rules::exception::{Evidence, Kind};

use super::gaps::{About, Gaps, counted};
use crate::error::EngineError;
use crate::load::meaning::Drift;

/// Differences of columns, each told once however many files have it.
#[derive(Default)]
pub struct Drifts {
    files: BTreeMap<String, u64>,
    lost: bool,
}

impl Drifts {
    /// Lists how the columns of one file differ.
    pub fn add(&mut self, file: &str, drift: &Drift, about: About<'_>, gaps: &mut Gaps) -> Result<(), EngineError> {
        self.lost |= drift.lost;
        for words in &drift.words {
            *self.files.entry(words.clone()).or_default() += 1;
            let row = Evidence { file: Some(file.to_owned()), reason: words.clone(), ..Evidence::default() };
            gaps.evidence(Kind::SchemaDrift, about, row)?;
        }
        Ok(())
    }

    /// States the gap. A mapped column that is not there is more than a note: its field is empty.
    pub fn state(&self, about: About<'_>, gaps: &mut Gaps) {
        for (words, files) in &self.files {
            gaps.state(Kind::SchemaDrift, about, &format!("{words} ({})", counted(*files, "file")));
        }
        if self.lost {
            gaps.rate(Kind::SchemaDrift, about, Severity::Minor);
        }
    }
}
