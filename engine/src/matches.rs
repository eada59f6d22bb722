//! The matches that rules found: `matches.csv`, a movement a row, where a rule lists them.
//!
//! | column | what it says |
//! |---|---|
//! | `rule`, `match` | the rule, and the number of the match in it, from 1 on |
//! | `criterion` | by what its movements belong together |
//! | `group` | the values that they share, such as `reference=A1` |
//! | `side` | left or right |
//! | `filing` | the filing that the movement is of; empty where it is this one |
//! | `source`, `file`, `record` | where it lies; records count from 1 |
//! | `booked_on`, `amount`, `currency` | what it says |

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use cuadre_audit::Subject;
use cuadre_rules::business::{Located, Matched, Origin};
use cuadre_rules::config::Language;
use cuadre_rules::money::at_own_scale;

use crate::error::EngineError;
use crate::filing::{create, finish};

/// The file of a filing with the matches.
pub const MATCHES: &str = "matches.csv";

const HEADER: &str = "rule,match,criterion,group,side,filing,source,file,record,booked_on,amount,currency\n";

/// The matches of one rule, on disk: rows without a header.
pub struct Matches<'a> {
    rule: String,
    language: Language,
    scale: u32,
    /// Source and name of the inputs that places refer to.
    files: &'a [(String, String)],
    path: PathBuf,
    out: csv::Writer<BufWriter<File>>,
}

impl<'a> Matches<'a> {
    /// Begins the list of a rule, at `path`.
    pub fn begin(
        path: &Path,
        rule: &str,
        language: Language,
        scale: u32,
        files: &'a [(String, String)],
    ) -> Result<Self, EngineError> {
        let file = File::create_new(path).map_err(|e| EngineError::io("listing matches", path, e))?;
        let out = csv::WriterBuilder::new().has_headers(false).from_writer(BufWriter::new(file));
        Ok(Self { rule: rule.to_owned(), language, scale, files, path: path.to_owned(), out })
    }

    /// Adds a movement of a match.
    pub fn push(&mut self, matched: Matched) -> Result<(), EngineError> {
        let Located { filing, source, file, record } = match matched.origin {
            Origin::Earlier(located) => located,
            Origin::Today(place) => {
                let (source, file) = self.files.get(place.file as usize).cloned().unwrap_or_default();
                Located { filing: String::new(), source, file, record: place.record }
            }
        };
        let money = matched.amount.map(|(currency, minor)| (at_own_scale(currency, minor, self.scale), currency));
        let (amount, currency) = money.map(|(total, currency)| (total.to_string(), currency.to_string())).unzip();
        let row = [
            &self.rule,
            &matched.number.to_string(),
            matched.criterion.in_language(self.language),
            &matched.group,
            matched.side.in_language(self.language),
            &filing,
            &source,
            &file,
            &record.to_string(),
            &matched.booked_on.to_string(),
            amount.as_deref().unwrap_or_default(),
            currency.as_deref().unwrap_or_default(),
        ];
        self.out.write_record(row).map_err(|e| EngineError::io("listing matches", &self.path, e.into()))
    }

    /// Ends the list.
    pub fn finish(mut self) -> Result<PathBuf, EngineError> {
        self.out.flush().map_err(|e| EngineError::io("listing matches", &self.path, e))?;
        Ok(self.path)
    }
}

/// Writes the lists of rules, in their order, into `folder`; nothing where no rule lists matches.
pub fn write(lists: &[PathBuf], folder: &Path) -> Result<Option<Subject>, EngineError> {
    if lists.is_empty() {
        return Ok(None);
    }
    let mut out = create(folder, MATCHES)?;
    let failed = |e| EngineError::io("writing", &folder.join(MATCHES), e);
    out.write_all(HEADER.as_bytes()).map_err(failed)?;
    for list in lists {
        let mut list = File::open(list).map_err(|e| EngineError::io("reading matches", list, e))?;
        io::copy(&mut list, &mut out).map_err(failed)?;
    }
    finish(folder, MATCHES, out).map(Some)
}
