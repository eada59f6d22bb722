//! Load: the raw bytes of one input become canonical movements, or located refusals.

pub mod all;
mod amounts;
pub mod block;
mod bytes;
mod cell;
pub mod columns;
pub mod control;
mod csv;
pub mod dataset;
pub mod evidence;
mod fixed;
mod instants;
mod jsonl;
pub mod kept;
pub mod mapping;
pub mod meaning;
pub mod parquet;
mod record;
pub mod rows;
mod split;
pub mod stage;
mod tally;
mod text;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cuadre_rules::config::{Format, Language, Limits};
use cuadre_rules::control::ControlTotals;
use cuadre_rules::end_to_end::Side;
use cuadre_rules::exception::{Evidence, Exception, Kind};
use cuadre_rules::money::Overflow;
use cuadre_rules::movement::Field;
use cuadre_rules::said;
use cuadre_rules::said::Said;
use serde::Serialize;

use crate::error::EngineError;
use crate::progress::Progress;
use crate::reconcile::fold::Folding;
use block::{Blocks, Gathered};
use columns::{Mapper, Refused};
use evidence::{EvidenceList, EvidenceSpool};
use mapping::Mapping;
use meaning::{Drift, Head, Meaning};
use record::{Trailer, Unreadable};
use stage::{MovementStage, Source, Staged};
pub use tally::SourceTotals;
use tally::Tally;

/// One input to load.
#[derive(Clone)]
pub struct Input<'a> {
    /// Its name below the data folder.
    pub name: &'a str,
    /// Where its bytes lie.
    pub path: PathBuf,
    /// What it means.
    pub meaning: Arc<Meaning>,
    /// 0-based index of the file within its side of the day.
    pub index: u32,
    /// The exception that its refused records belong to.
    pub refused_as: (Kind, Option<&'a str>),
    /// The language in which it is said why.
    pub language: Language,
    /// The field whose digits make the hash total.
    pub hash_field: Option<Field>,
    /// Which side of the end-to-end reconciliation it is.
    pub side: Side,
    /// What its movements are folded into.
    pub folding: &'a Folding<'a>,
    /// What of it is loaded.
    pub part: Part,
    /// Whether its movements may be left where they are, since few will be asked for.
    pub leave: bool,
}

impl Input<'_> {
    fn format(&self) -> Format {
        self.meaning.extract().format_of(self.name)
    }
}

/// A part of an input that can be loaded by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
pub fn parts(input: &Input<'_>) -> Vec<Part> {
    match input.format() {
        Format::Parquet => parquet::parts(&input.path).unwrap_or_else(|| vec![Part::Whole]),
        _ => vec![Part::Whole],
    }
}

const MOVEMENTS: &str = "movements.arrow";
const REFUSED: &str = "refused.jsonl";

/// What became of an input.
pub struct Loaded {
    /// Staged movements, canonical, in record order.
    pub movements: Vec<Staged>,
    /// Refused records, in record order.
    pub refused: Vec<EvidenceList>,
    /// Records read, refused ones included.
    pub records: u64,
    /// Bytes of the input that these took.
    pub bytes: u64,
    /// What the file says of its columns.
    pub head: Head,
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
        self.bytes += next.bytes;
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

/// Loads an input: what it holds goes into files of `into`, and what is only of this run into `folder`. The inner
/// error says why the file cannot be read.
pub fn load(
    input: &Input<'_>,
    limits: &Limits,
    folder: &Path,
    into: &Path,
    progress: &Progress,
) -> Result<Result<Loaded, Unreadable>, EngineError> {
    let mut blocks = match open(input, limits) {
        Ok(blocks) => blocks,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let head = Head { names: blocks.header().map(<[String]>::to_vec), floats: blocks.float_columns().to_vec() };
    let mapping = match input.meaning.bind_head(&head) {
        Ok(mapping) => mapping,
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    let mut mapper = Mapper::new(mapping, input.index);
    let wanted = mapper.wanted();
    let movements = folder.join(MOVEMENTS);
    let fold = input.folding.file(input.side, &movements)?;
    let mut stage = if input.leave && input.format() == Format::Parquet {
        let Input { path, part, meaning, index, .. } = input.clone();
        MovementStage::leave(&movements, Source { path, part, meaning, index, limits: limits.clone() }, fold)
    } else {
        let file = into.join(MOVEMENTS);
        MovementStage::create(&movements, file, input.meaning.scale(), mapper.constants(), fold)?
    };
    let mut refused = EvidenceSpool::create(&into.join(REFUSED))?;
    let mut tally = Tally::new();
    let mut taken = 0;
    loop {
        let mapped = match blocks.next(&wanted) {
            Ok(None) => break,
            Ok(Some(block)) => {
                let mapped = mapper.map(&block);
                tally.records += block.rows as u64;
                progress.loaded(block.rows as u64, blocks.taken() - std::mem::replace(&mut taken, blocks.taken()));
                mapped
            }
            Err(unreadable) => Err(unreadable),
        };
        let (movements, others) = match mapped {
            Ok(mapped) => mapped,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        tally.add(&movements, &input.meaning, input.hash_field)?;
        stage.write(&movements)?;
        stage.pass_over(&others);
        for record in others {
            tally.refused += 1;
            refused.push(&evidence(input, record))?;
        }
    }
    let mapping = mapper.mapping;
    if tally.accepted + tally.refused != tally.records {
        return Err(EngineError::bug(format!("{}: records were lost", input.name)));
    }
    let trailer = match blocks.trailer().map(|trailer| stated(trailer, &mapping)) {
        None => ControlTotals::default(),
        Some(Ok(trailer)) => trailer,
        Some(Err(unreadable)) => return Ok(Err(unreadable)),
    };
    Ok(Ok(Loaded {
        movements: vec![stage.finish()?],
        refused: vec![refused.finish()?],
        records: tally.records,
        bytes: taken,
        head,
        totals: tally.totals(&input.meaning)?,
        hash_total: tally.hash_total,
        trailer,
        drift: mapping.drift,
    }))
}

fn open(input: &Input<'_>, limits: &Limits) -> Result<Box<dyn Blocks>, Unreadable> {
    match input.format() {
        Format::Parquet => Ok(Box::new(parquet::ParquetBlocks::new(&input.path, &input.part, limits)?)),
        _ => text_blocks(&input.path, &input.meaning, limits),
    }
}

/// Opens a file of text.
pub fn text_blocks(path: &Path, meaning: &Meaning, limits: &Limits) -> Result<Box<dyn Blocks>, Unreadable> {
    let (bytes, taken) = bytes::open(path, limits).map_err(Unreadable::from)?;
    let extract = meaning.extract();
    Ok(match extract.format() {
        Format::Fixed => Box::new(Gathered::new(fixed::FixedRecords::new(bytes, extract, limits), taken)),
        Format::Jsonl => Box::new(Gathered::new(jsonl::JsonRecords::new(bytes, meaning.names(), limits), taken)),
        Format::Csv | Format::Parquet => Box::new(csv::CsvBlocks::new(bytes, taken, extract, limits)?),
    })
}

fn evidence(input: &Input<'_>, Refused { record, source, refusal }: Refused) -> Evidence {
    let (kind, about) = input.refused_as;
    let in_warehouse = kind == Kind::WarehouseRecordsRejected;
    let (source_value, warehouse_value) = if in_warehouse { (None, refusal.value) } else { (refusal.value, None) };
    Evidence {
        exception: Exception::id(kind, about),
        kind: kind.name().to_owned(),
        source,
        file: Some(input.name.to_owned()),
        record: Some(record),
        column: refusal.column,
        source_value,
        warehouse_value,
        reason: refusal.reason.into_language(input.language),
        ..Evidence::default()
    }
}

/// The numbers of a trailer record; one that cannot be read makes the file unreadable, since its
/// control is what proves it whole.
fn stated(trailer: Trailer, mapping: &Mapping<'_>) -> Result<ControlTotals, Unreadable> {
    let unreadable = |what: &Said, text: &str| {
        Unreadable(said!(
            "the trailer's {what} `{text}` is no number",
            "el {what} del registro de cierre, `{text}`, no es un número"; what
        ))
    };
    let [count, total, hash_total] = [
        said!("record count", "número de registros"),
        said!("amount total", "importe total"),
        said!("hash total", "total hash"),
    ];
    let number = |text: &Option<String>, what: &Said| match text {
        None => Ok(None),
        Some(text) => text.trim().parse::<i128>().map(Some).map_err(|_| unreadable(what, text)),
    };
    let records = number(&trailer.records, &count)?.map(u64::try_from).transpose();
    let amount = match &trailer.amount {
        None => None,
        Some(text) => Some(mapping.total(text).ok_or_else(|| unreadable(&total, text))?),
    };
    Ok(ControlTotals {
        records: records.map_err(|_| unreadable(&count, trailer.records.as_deref().unwrap_or_default()))?,
        amount,
        hash_total: number(&trailer.hash_total, &hash_total)?,
    })
}
