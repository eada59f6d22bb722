//! Load: the raw bytes of one input become canonical movements, or located refusals.

pub mod all;
mod bytes;
pub mod control;
mod csv;
pub mod dataset;
mod fixed;
mod jsonl;
pub mod mapping;
pub mod meaning;
mod parquet;
mod record;
pub mod stage;
mod text;

use std::ops::Range;
use std::path::{Path, PathBuf};

use cuadre_rules::config::source::Extract;
use cuadre_rules::config::{Format, Limits};
use cuadre_rules::control::{ControlTotals, add_to_hash_total};
use cuadre_rules::end_to_end::Side;
use cuadre_rules::exception::{Evidence, Exception, Kind};
use cuadre_rules::money::{Overflow, Totals};
use cuadre_rules::movement::Field;

use crate::error::EngineError;
use crate::reconcile::fold::Folding;
use mapping::{Mapped, Mapping};
use meaning::{Drift, Meaning};
use record::{Next, Record, Records, Refusal, Trailer, Unreadable};
use stage::{EvidenceList, EvidenceSpool, MovementStage};

/// One input to load.
pub struct Input<'a> {
    /// Its name below the data folder.
    pub name: &'a str,
    /// Its bytes in the archive.
    pub path: &'a Path,
    /// How it is written.
    pub extract: &'a Extract,
    /// What it means.
    pub meaning: &'a Meaning<'a>,
    /// 0-based index of the file within its side of the day.
    pub index: u32,
    /// The exception that its refused records belong to.
    pub refused_as: (Kind, Option<&'a str>),
    /// The field whose digits make the hash total.
    pub hash_field: Option<Field>,
    /// Which side of the end-to-end reconciliation it is.
    pub side: Side,
    /// What its movements are folded into.
    pub folding: &'a Folding<'a>,
    /// What of it is loaded.
    pub part: Part,
}

/// A part of an input that can be loaded by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Row groups of a Parquet file.
    RowGroups {
        /// Their 0-based numbers.
        groups: Range<usize>,
        /// Records before them.
        before: u64,
    },
}

/// The parts in which a file is loaded, in order. What cannot be parted is one; why it may be
/// unreadable is for [`load`] to say.
pub fn parts(extract: &Extract, name: &str, path: &Path) -> Vec<Part> {
    match extract.format_of(name) {
        Format::Parquet => parquet::parts(path).unwrap_or_else(|| vec![Part::Whole]),
        _ => vec![Part::Whole],
    }
}

/// What became of an input.
#[derive(Debug)]
pub struct Loaded {
    /// Staged movements, canonical, in record order.
    pub movements: Vec<PathBuf>,
    /// Refused records, in record order.
    pub refused: Vec<EvidenceList>,
    /// Records read, refused ones included.
    pub records: u64,
    /// Totals of the accepted movements per source id (one source, but for a warehouse), in
    /// order of first appearance.
    pub totals: Vec<(String, SourceTotals)>,
    /// Hash total over the accepted movements; `None` where it exceeds 38 digits.
    pub hash_total: Option<i128>,
    /// What the trailer record states.
    pub trailer: ControlTotals,
    /// Where the columns are not those configured.
    pub drift: Drift,
}

impl Loaded {
    /// Number of refused records.
    pub fn refused_records(&self) -> u64 {
        self.refused.iter().map(|list| list.rows).sum()
    }

    /// Adds the next part of the same file. Only whole files have trailers.
    pub fn append(&mut self, next: Self) -> Result<(), Overflow> {
        self.movements.extend(next.movements);
        self.refused.extend(next.refused);
        self.records += next.records;
        self.hash_total = self.hash_total.zip(next.hash_total).and_then(|(a, b)| a.checked_add(b));
        for (id, part) in next.totals {
            match self.totals.iter_mut().find(|(known, _)| *known == id) {
                Some((_, whole)) => whole.merge(&part)?,
                None => self.totals.push((id, part)),
            }
        }
        Ok(())
    }
}

/// Totals of one source's movements.
#[derive(Debug, Clone, Default)]
pub struct SourceTotals {
    /// Movements.
    pub movements: u64,
    /// Their sum.
    pub amount: Totals,
}

impl SourceTotals {
    /// Adds the totals of other movements of the source.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.movements += other.movements;
        self.amount.merge(&other.amount)
    }
}

/// Loads an input into files of `folder`. The inner error says why the file cannot be read.
pub fn load(input: &Input<'_>, limits: &Limits, folder: &Path) -> Result<Result<Loaded, Unreadable>, EngineError> {
    let mut records = match open(input, limits) {
        Ok(records) => records,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let mut mapping = match input.meaning.bind(records.header(), records.float_columns()) {
        Ok(mapping) => mapping,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let movements = folder.join("movements.parquet");
    let fold = input.folding.file(input.side, &movements)?;
    let mut stage = MovementStage::create(&movements, input.meaning.scale(), fold)?;
    let mut refused = EvidenceSpool::create(&folder.join("refused.jsonl"))?;
    let mut tally = Tally { hash_total: Some(0), ..Tally::default() };
    let before = if let Part::RowGroups { before, .. } = input.part { before } else { 0 };
    let mut record = Record::default();
    loop {
        let next = match records.next(&mut record) {
            Ok(Next::End) => break,
            Ok(next) => next,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        tally.records += 1;
        let mapped = match next {
            Next::Refused(refusal) => Err(refusal),
            _ => mapping.map(&record),
        };
        match mapped {
            Ok(movement) => {
                tally.add(&movement, input)?;
                stage.append(&movement, input.index, before + tally.records)?;
            }
            Err(refusal) => {
                tally.refused += 1;
                refused.push(&evidence(input, mapping.source_of(&record), before + tally.records, refusal))?;
            }
        }
    }
    if tally.accepted + tally.refused != tally.records {
        return Err(EngineError::bug(format!("{}: records were lost", input.name)));
    }
    let trailer = match records.trailer().map(|trailer| stated(trailer, &mapping)) {
        None => ControlTotals::default(),
        Some(Ok(trailer)) => trailer,
        Some(Err(unreadable)) => return Ok(Err(unreadable)),
    };
    stage.finish()?;
    Ok(Ok(Loaded {
        movements: vec![movements],
        refused: vec![refused.finish()?],
        records: tally.records,
        totals: tally.totals,
        hash_total: tally.hash_total,
        trailer,
        drift: mapping.drift,
    }))
}

fn open(input: &Input<'_>, limits: &Limits) -> Result<Box<dyn Records>, Unreadable> {
    let format = input.extract.format_of(input.name);
    if format == Format::Parquet {
        return Ok(Box::new(parquet::ParquetRecords::new(input.path, &input.part, limits)?));
    }
    let bytes = bytes::open(input.path, limits).map_err(|error| Unreadable(error.to_string()))?;
    Ok(match format {
        Format::Fixed => Box::new(fixed::FixedRecords::new(bytes, input.extract, limits)),
        Format::Jsonl => Box::new(jsonl::JsonRecords::new(bytes, input.meaning.names(), limits)),
        Format::Csv | Format::Parquet => Box::new(csv::CsvRecords::new(bytes, input.extract, limits)?),
    })
}

#[derive(Default)]
struct Tally {
    records: u64,
    accepted: u64,
    refused: u64,
    hash_total: Option<i128>,
    totals: Vec<(String, SourceTotals)>,
}

impl Tally {
    fn add(&mut self, movement: &Mapped<'_>, input: &Input<'_>) -> Result<(), EngineError> {
        self.accepted += 1;
        let source = movement.texts[Field::Source.column()].unwrap_or_default();
        let known = self.totals.iter().rposition(|(id, _)| id == source);
        let known = known.unwrap_or_else(|| {
            let amount = Totals::new(input.meaning.scale());
            self.totals.push((source.to_owned(), SourceTotals { movements: 0, amount }));
            self.totals.len() - 1
        });
        let totals = &mut self.totals[known].1;
        totals.movements += 1;
        totals.amount.add(movement.currency, movement.minor)?;
        if let Some(text) = input.hash_field.and_then(|field| movement.texts[field.column()]) {
            self.hash_total = self.hash_total.and_then(|sum| add_to_hash_total(sum, text));
        }
        Ok(())
    }
}

fn evidence(input: &Input<'_>, source: Option<&str>, record: u64, refusal: Refusal) -> Evidence {
    let (kind, about) = input.refused_as;
    let in_warehouse = kind == Kind::WarehouseRecordsRejected;
    let (source_value, warehouse_value) = if in_warehouse { (None, refusal.value) } else { (refusal.value, None) };
    Evidence {
        exception: Exception::id(kind, about),
        kind: kind.name().to_owned(),
        source: source.map(str::to_owned),
        file: Some(input.name.to_owned()),
        record: Some(record),
        column: refusal.column,
        source_value,
        warehouse_value,
        reason: refusal.reason,
        ..Evidence::default()
    }
}

/// The numbers of a trailer record; one that cannot be read makes the file unreadable, since its
/// control is what proves it whole.
fn stated(trailer: Trailer, mapping: &Mapping<'_>) -> Result<ControlTotals, Unreadable> {
    let unreadable = |what: &str, text: &str| Unreadable(format!("the trailer's {what} `{text}` is no number"));
    let number = |text: &Option<String>, what: &str| match text {
        None => Ok(None),
        Some(text) => text.trim().parse::<i128>().map(Some).map_err(|_| unreadable(what, text)),
    };
    let records = number(&trailer.records, "record count")?.map(u64::try_from).transpose();
    let amount = match &trailer.amount {
        None => None,
        Some(text) => Some(mapping.total(text).ok_or_else(|| unreadable("amount total", text))?),
    };
    Ok(ControlTotals {
        records: records.map_err(|_| unreadable("record count", trailer.records.as_deref().unwrap_or_default()))?,
        amount,
        hash_total: number(&trailer.hash_total, "hash total")?,
    })
}
