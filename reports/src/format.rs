//! The format of filings: what the bytes of one are made to.

use cuadre_rules::config::Language;
use serde::{Deserialize, Deserializer, Serialize};

/// A format of filings, as `inputs.json` names it. Filings are made in the [newest](Self::NEWEST), and made
/// again in the one that they have.
///
/// | format | what it adds |
/// |---|---|
/// | 1 | |
/// | 2 | `filing.operator` and `noMovements` in the manifest; `supersedes` and `noMovements` in `inputs.json`; with `supersedes`, `changes.csv` |
/// | 3 | `carriedOver`, `dispositions`, and of each exception `class` and `dispositions` in the manifest; the input `carried-over.json`; with `carriedOver`, `open-exceptions.csv` |
/// | 4 | `report.html` and `report.xlsx`; words in the configured language; when each extract was last changed, and the inputs `rules`, in `inputs.json`; of each rule `why`, `owner`, `severity` and `onFailure` in the manifest; `carried-forward.csv` and the input of that name; `matches.csv` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Format(u32);

/// A key that only newer manifests have: `Some(None)` is `null`, `None` no key.
pub type Added<T> = Option<Option<T>>;

impl Format {
    /// The first one.
    pub const FIRST: Self = Self(1);
    /// The one that filings are made in.
    pub const NEWEST: Self = Self(4);

    /// Its number, counted from 1.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Whether it has pages for people.
    pub fn is_for_people(self) -> bool {
        self >= Self(4)
    }

    /// Whether answers of the warehouse are bounded, and their columns read.
    pub fn reads_answers(self) -> bool {
        self >= Self(4)
    }

    /// The language of all its words, where `configured` is that of the configuration.
    pub fn language(self, configured: Language) -> Language {
        if self >= Self(4) { configured } else { Language::English }
    }

    /// A key of the manifest that is there from format 2 on.
    pub(crate) fn added_by_2<T>(self, value: Option<T>) -> Added<T> {
        (self >= Self(2)).then_some(value)
    }

    /// A key of the manifest that is there from format 3 on, and never `null`.
    pub(crate) fn added_by_3<T>(self, value: T) -> Option<T> {
        (self >= Self(3)).then_some(value)
    }

    /// A key of the manifest that is there from format 4 on.
    pub(crate) fn added_by_4<T>(self, value: T) -> Option<T> {
        (self >= Self(4)).then_some(value)
    }
}

/// Reads a key that is there: `null` is `Some(None)`.
pub(crate) fn there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Added<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
