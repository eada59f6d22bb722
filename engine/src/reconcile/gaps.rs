//! The gaps of a night: each exception with its evidence.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use cuadre_rules::config::{Language, Severity};
use cuadre_rules::exception::{Class, Evidence, Exception, Kind};
use cuadre_rules::money::{Currency, Totals};
use cuadre_rules::said::Said;

use crate::error::EngineError;
use crate::load::evidence::{EvidenceList, EvidenceSpool};

/// Collects exceptions and their evidence, to be listed in one order at the end.
pub struct Gaps {
    folder: PathBuf,
    scale: u32,
    language: Language,
    found: BTreeMap<(Kind, usize), Gap>,
}

struct Gap {
    exception: Exception,
    spool: Option<EvidenceSpool>,
    lists: Vec<EvidenceList>,
}

/// `1 movement`, `2 movements`.
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// What an exception is about: a source or a rule by its position in the configuration, or the
/// night as a whole.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// 0-based position among the sources, rules or routes; 0 for the night.
    pub position: usize,
    /// The id of the source or rule, or the name of the route.
    pub id: Option<&'a str>,
    /// Whether it is a source.
    pub is_source: bool,
}

impl<'a> About<'a> {
    /// The night as a whole.
    pub const NIGHT: About<'static> = About { position: 0, id: None, is_source: false };

    /// A source.
    pub fn source(position: usize, id: &'a str) -> Self {
        Self { position, id: Some(id), is_source: true }
    }

    /// A route of notifications.
    pub fn route(position: usize, name: &'a str) -> Self {
        Self { position, id: Some(name), is_source: false }
    }

    /// A rule.
    pub fn rule(position: usize, id: &'a str) -> Self {
        Self { position, id: Some(id), is_source: false }
    }
}

impl Gaps {
    /// No gaps yet; evidence is listed in files of `folder`, and all words are of one language.
    pub fn new(folder: &Path, scale: u32, language: Language) -> Self {
        Self { folder: folder.to_owned(), scale, language, found: BTreeMap::new() }
    }

    /// The exception of one kind about one thing, made on first use.
    fn gap(&mut self, kind: Kind, about: About<'_>) -> &mut Gap {
        self.found.entry((kind, about.position)).or_insert_with(|| Gap {
            exception: Exception {
                id: Exception::id(kind, about.id),
                kind,
                // Which one, is known once all are: see `finish`.
                class: Class::Mismatched,
                severity: kind.severity(),
                source: about.id.filter(|_| about.is_source).map(str::to_owned),
                records: None,
                amount: None,
                explanation: String::new(),
                evidence_rows: 0,
            },
            spool: None,
            lists: Vec::new(),
        })
    }

    /// States a gap; a second statement about the same adds its words.
    pub fn state(&mut self, kind: Kind, about: About<'_>, explanation: Said) {
        let language = self.language;
        let words = &mut self.gap(kind, about).exception.explanation;
        if !words.is_empty() {
            words.push_str("; ");
        }
        words.push_str(explanation.in_language(language));
    }

    /// Whether a gap was stated.
    pub fn has(&self, kind: Kind, about: About<'_>) -> bool {
        self.found.contains_key(&(kind, about.position))
    }

    /// Sets how bad it is, where a rule declares that itself.
    pub fn rate(&mut self, kind: Kind, about: About<'_>, severity: Severity) {
        self.gap(kind, about).exception.severity = severity;
    }

    /// Counts records into a gap.
    pub fn count(&mut self, kind: Kind, about: About<'_>, records: u64) {
        *self.gap(kind, about).exception.records.get_or_insert(0) += records;
    }

    /// Adds money to a gap, in units of the day's scale.
    pub fn add(&mut self, kind: Kind, about: About<'_>, currency: Currency, minor: i128) -> Result<(), EngineError> {
        let scale = self.scale;
        let amount = self.gap(kind, about).exception.amount.get_or_insert_with(|| Totals::new(scale));
        Ok(amount.add(currency, minor)?)
    }

    /// Sets the money of a gap.
    pub fn set_amount(&mut self, kind: Kind, about: About<'_>, amount: Totals) {
        self.gap(kind, about).exception.amount = Some(amount);
    }

    /// Appends a row of evidence that is listed for `reason`; its exception, kind and source are filled in here.
    pub fn evidence(&mut self, kind: Kind, about: About<'_>, row: Evidence, reason: Said) -> Result<(), EngineError> {
        let reason = reason.into_language(self.language);
        let path = self.folder.join(format!("{kind}-{}.jsonl", about.position));
        let gap = self.gap(kind, about);
        let row = Evidence {
            exception: gap.exception.id.clone(),
            kind: kind.name().to_owned(),
            source: row.source.or_else(|| gap.exception.source.clone()),
            reason,
            ..row
        };
        let spool = match &mut gap.spool {
            Some(spool) => spool,
            none => none.insert(EvidenceSpool::create(&path)?),
        };
        spool.push(&row)
    }

    /// Appends rows that load has listed already.
    pub fn listed(&mut self, kind: Kind, about: About<'_>, list: EvidenceList) {
        self.gap(kind, about).lists.push(list);
    }

    /// Every exception, by kind, then position; and the rows of evidence in the same order.
    pub fn finish(self) -> Result<(Vec<Exception>, Vec<EvidenceList>), EngineError> {
        let (mut exceptions, mut evidence) = (Vec::new(), Vec::new());
        let ids: HashSet<String> = self.found.values().map(|gap| gap.exception.id.clone()).collect();
        for mut gap in self.found.into_values() {
            gap.lists.extend(gap.spool.map(EvidenceSpool::finish).transpose()?);
            gap.exception.evidence_rows = gap.lists.iter().map(|list| list.rows).sum();
            let Exception { kind, ref source, .. } = gap.exception;
            gap.exception.class = kind.class(source.as_deref(), |id| ids.contains(id));
            exceptions.push(gap.exception);
            evidence.extend(gap.lists);
        }
        Ok((exceptions, evidence))
    }
}
