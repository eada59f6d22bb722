//! CSV in the wild.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, StringArray};
use arrow_schema::ArrowError;
use cuadre_rules::config::Limits;
use cuadre_rules::config::source::{self, Column, Encoding, ExtraFields, Extract};
use cuadre_rules::said;
use cuadre_rules::said::Said;

use super::block::{BLOCK_BYTES, BLOCK_ROWS, Block, Blocks, Numbers, placed};
use super::bytes::{Taken, read_line};
use super::record::{Record, Refusal, Trailer, Unreadable, keep_trailer};
use super::split::Splitter;
use super::text::{clean_header, decode_fields, decode_text, other_encoding};

/// Reads delimited text.
pub struct CsvBlocks {
    splitter: Splitter<Box<dyn BufRead>>,
    taken: Taken,
    layout: source::Csv,
    encodings: Vec<Encoding>,
    header: Option<Vec<String>>,
    /// Fields that a record must have.
    fields: usize,
    /// Records held back because they may turn out to be the footer, and whether they could be
    /// decoded.
    held: VecDeque<(Record, bool)>,
    trailer: Option<Trailer>,
    read: u64,
    /// Of the block in the making, in order of the columns asked for.
    texts: Vec<BinaryBuilder>,
    record: Record,
}

impl CsvBlocks {
    /// Skips the preamble and reads the header.
    pub fn new(
        mut input: Box<dyn BufRead>,
        taken: Taken,
        extract: &Extract,
        limits: &Limits,
    ) -> Result<Self, Unreadable> {
        let layout = extract.csv.clone();
        let mut line = Vec::new();
        for _ in 0..layout.skip_lines {
            read_line(&mut *input, &mut line, limits.record_bytes).map_err(|error| {
                let Unreadable(why) = error.into();
                Unreadable(said!("the preamble: {why}", "el preámbulo: {why}"; why))
            })?;
        }
        let quote = layout.quote.bytes().next();
        let splitter = Splitter::new(input, layout.delimiter as u8, quote, limits.record_bytes);
        let mut blocks = Self {
            splitter: splitter.map_err(|unreadable| unreadable.after(0))?,
            taken,
            layout,
            encodings: extract.encoding.clone(),
            header: (!extract.csv.header).then(Vec::new),
            fields: last_position(extract),
            held: VecDeque::new(),
            trailer: None,
            read: 0,
            texts: Vec::new(),
            record: Record::default(),
        };
        if blocks.layout.header && blocks.advance()? {
            let names = blocks.splitter.fields().map(|name| decode_text(name, &blocks.encodings).unwrap_or_default());
            let names: Vec<String> = names.map(|name| clean_header(&name).to_owned()).collect();
            blocks.fields = names.len();
            blocks.header = Some(names);
        }
        Ok(blocks)
    }

    /// Splits the next physical record; `false` at the end.
    fn advance(&mut self) -> Result<bool, Unreadable> {
        self.splitter.advance().map_err(|unreadable| unreadable.after(self.read))
    }

    /// Goes on to the next record that is neither skipped nor the trailer.
    fn advance_to_data(&mut self) -> Result<bool, Unreadable> {
        loop {
            if !self.advance()? {
                return Ok(false);
            }
            let first = self.splitter.get(0).unwrap_or_default();
            if self.layout.skip_records_starting_with.iter().any(|mark| first.starts_with(mark.as_bytes())) {
                continue;
            }
            match self.as_trailer() {
                Some(trailer) => keep_trailer(&mut self.trailer, trailer)?,
                None => return Ok(true),
            }
        }
    }

    /// Takes the next data record into the columns `wanted`, and says why it is refused, if it is;
    /// `None` at the end.
    fn take(&mut self, wanted: &[usize]) -> Result<Option<Option<Refusal>>, Unreadable> {
        let footer = self.layout.footer_records as usize;
        loop {
            if !self.advance_to_data()? {
                return Ok(None);
            }
            // Every encoding reads ASCII alike.
            if footer == 0 && self.splitter.len() == self.fields && self.splitter.is_ascii() {
                for (texts, &column) in self.texts.iter_mut().zip(wanted) {
                    texts.append_option(self.splitter.get(column));
                }
                self.read += 1;
                return Ok(Some(None));
            }
            let mut readable = self.decode();
            if footer > 0 {
                self.held.push_back((std::mem::take(&mut self.record), readable));
                if self.held.len() <= footer {
                    continue;
                }
                (self.record, readable) = self.held.pop_front().unwrap_or_default();
            }
            self.read += 1;
            return Ok(Some(self.take_record(readable, wanted)));
        }
    }

    /// Decodes the record in hand; where no declared encoding reads it, what can be shown of it.
    fn decode(&mut self) -> bool {
        let fields = self.splitter.fields();
        let readable = decode_fields(fields.clone(), &self.encodings, &mut self.record);
        if !readable {
            self.record.clear();
            fields.for_each(|field| self.record.push(Some(&String::from_utf8_lossy(field))));
        }
        readable
    }

    /// Takes the decoded record in hand.
    fn take_record(&mut self, readable: bool, wanted: &[usize]) -> Option<Refusal> {
        for (texts, &column) in self.texts.iter_mut().zip(wanted) {
            texts.append_option(self.record.get(column));
        }
        let reason = if readable { self.misshapen(&self.record) } else { Some(other_encoding()) };
        reason.map(|reason| Refusal::of_record(&self.record, reason))
    }

    fn as_trailer(&self) -> Option<Trailer> {
        let layout = self.layout.trailer.as_ref()?;
        let text = |position: u32| {
            let bytes = self.splitter.get((position as usize).checked_sub(1)?)?;
            decode_text(bytes, &self.encodings).map(|text| text.trim().to_owned())
        };
        text(layout.marker_position)?.starts_with(&layout.marker).then(|| Trailer {
            records: layout.records.and_then(text),
            amount: layout.amount.and_then(text),
            hash_total: layout.hash_total.and_then(text),
        })
    }

    /// Why the record in hand has the wrong number of fields.
    fn misshapen(&self, record: &Record) -> Option<Said> {
        let (found, expected) = (record.len(), self.fields);
        if found < expected {
            if self.layout.allow_short_records {
                return None;
            }
            let who = match self.layout.header {
                true => said!("the header names", "nombra el encabezado"),
                false => said!("the mapping needs", "necesita la configuración"),
            };
            return Some(said!(
                "it has {found} of the {expected} fields that {who}: it is cut or shifted",
                "tiene {found} de los {expected} campos que {who}: está cortado o recorrido"; who
            ));
        }
        if found == expected || !self.layout.header {
            return None;
        }
        let filled = (expected..found).any(|n| record.get(n).is_some_and(|text| !text.trim().is_empty()));
        let allowed = match self.layout.extra_fields {
            ExtraFields::Allow => true,
            ExtraFields::Empty => !filled,
            ExtraFields::Reject => false,
        };
        (!allowed).then(|| {
            said!(
                "{found} fields where the header has {expected}: a delimiter inside a text?",
                "tiene {found} campos y el encabezado {expected}: ¿hay un delimitador dentro de un texto?"
            )
        })
    }
}

impl Blocks for CsvBlocks {
    fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    fn next(&mut self, wanted: &[usize]) -> Result<Option<Block>, Unreadable> {
        self.texts.resize_with(wanted.len(), BinaryBuilder::new);
        let (mut rows, mut bytes, mut refused) = (0, 0, Vec::new());
        while rows < BLOCK_ROWS && bytes < BLOCK_BYTES {
            match self.take(wanted)? {
                None => break,
                Some(refusal) => refused.extend(refusal.map(|refusal| (rows, refusal))),
            }
            rows += 1;
            bytes += self.splitter.width();
        }
        if rows == 0 {
            return Ok(None);
        }
        let text = |bytes: &mut BinaryBuilder| -> Result<ArrayRef, ArrowError> {
            Ok(Arc::new(StringArray::try_from_binary(bytes.finish())?))
        };
        let texts: Result<Vec<ArrayRef>, ArrowError> = self.texts.iter_mut().map(text).collect();
        let texts = texts.map_err(|error| Unreadable::quoting(&error).after(self.read))?;
        let columns = placed(wanted, texts);
        let numbers = Numbers::From(self.read + 1 - rows as u64);
        Ok(Some(Block { columns, rows, numbers, refused }))
    }

    fn taken(&self) -> u64 {
        self.taken.get()
    }

    fn trailer(&mut self) -> Option<Trailer> {
        self.trailer.take()
    }
}

/// The last position that the mapping takes a field from; what a file without header must have.
fn last_position(extract: &Extract) -> usize {
    let positions = extract.mapped().filter_map(|column| match column {
        Column::Position(position) => Some(*position as usize),
        _ => None,
    });
    positions.max().unwrap_or(0)
}
