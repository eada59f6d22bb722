//! CSV in the wild.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::BufRead;
use std::rc::Rc;

use csv::ByteRecord;
use cuadre_rules::config::Limits;
use cuadre_rules::config::source::{self, Column, Encoding, ExtraFields, Extract};

use super::bytes::{RecordGuard, read_line, too_large};
use super::record::{Next, Record, Records, Refusal, Trailer, Unreadable, keep_trailer};
use super::text::{OTHER_ENCODING, clean_header, decode_fields, decode_text};

/// Reads delimited text.
pub struct CsvRecords {
    reader: csv::Reader<RecordGuard<Box<dyn BufRead>>>,
    taken: Rc<Cell<u64>>,
    most: u64,
    layout: source::Csv,
    encodings: Vec<Encoding>,
    header: Option<Vec<String>>,
    /// Fields that a record must have.
    fields: usize,
    buffer: ByteRecord,
    /// Records held back because they may turn out to be the footer.
    held: VecDeque<ByteRecord>,
    trailer: Option<Trailer>,
    read: u64,
}

impl CsvRecords {
    /// Skips the preamble and reads the header.
    pub fn new(mut input: Box<dyn BufRead>, extract: &Extract, limits: &Limits) -> Result<Self, Unreadable> {
        let layout = extract.csv.clone();
        let mut line = Vec::new();
        for _ in 0..layout.skip_lines {
            read_line(&mut *input, &mut line, limits.record_bytes)
                .map_err(|e| Unreadable(format!("the preamble: {e}")))?;
        }
        let (input, taken) = RecordGuard::new(input, limits.record_bytes);
        let quote = layout.quote.bytes().next();
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(layout.delimiter as u8)
            .quoting(quote.is_some())
            .quote(quote.unwrap_or(b'"'))
            .buffer_capacity(1 << 16)
            .from_reader(input);
        let mut records = Self {
            reader,
            taken,
            most: limits.record_bytes,
            layout,
            encodings: extract.encoding.clone(),
            header: (!extract.csv.header).then(Vec::new),
            fields: last_position(extract),
            buffer: ByteRecord::new(),
            held: VecDeque::new(),
            trailer: None,
            read: 0,
        };
        if records.layout.header && records.advance()? {
            let names = records.buffer.iter().map(|name| decode_text(name, &records.encodings).unwrap_or_default());
            let names: Vec<String> = names.map(|name| clean_header(&name).to_owned()).collect();
            records.fields = names.len();
            records.header = Some(names);
        }
        Ok(records)
    }

    /// Reads one physical record into the buffer; `false` at the end.
    fn advance(&mut self) -> Result<bool, Unreadable> {
        self.taken.set(0);
        let more = self.reader.read_byte_record(&mut self.buffer).map_err(plain);
        let small = self.buffer.as_slice().len() as u64 <= self.most;
        let more = more.and_then(|more| if small { Ok(more) } else { Err(too_large(self.most)) });
        more.map_err(|why| Unreadable(format!("after record {}: {why}", self.read)))
    }

    /// Reads on to the next record that is neither skipped, nor the trailer, nor the footer.
    fn advance_to_data(&mut self) -> Result<bool, Unreadable> {
        loop {
            if !self.advance()? {
                return Ok(false);
            }
            let first = self.buffer.get(0).unwrap_or_default();
            if self.layout.skip_records_starting_with.iter().any(|mark| first.starts_with(mark.as_bytes())) {
                continue;
            }
            if let Some(trailer) = self.as_trailer() {
                keep_trailer(&mut self.trailer, trailer)?;
                continue;
            }
            if self.layout.footer_records == 0 {
                return Ok(true);
            }
            self.held.push_back(std::mem::take(&mut self.buffer));
            if self.held.len() > self.layout.footer_records as usize {
                self.buffer = self.held.pop_front().unwrap_or_default();
                return Ok(true);
            }
        }
    }

    fn as_trailer(&self) -> Option<Trailer> {
        let layout = self.layout.trailer.as_ref()?;
        let text = |position: u32| {
            let bytes = self.buffer.get((position as usize).checked_sub(1)?)?;
            decode_text(bytes, &self.encodings).map(|text| text.trim().to_owned())
        };
        text(layout.marker_position)?.starts_with(&layout.marker).then(|| Trailer {
            records: layout.records.and_then(text),
            amount: layout.amount.and_then(text),
            hash_total: layout.hash_total.and_then(text),
        })
    }

    /// Why the record in hand has the wrong number of fields.
    fn misshapen(&self, record: &Record) -> Option<String> {
        let (found, expected) = (record.len(), self.fields);
        if found < expected {
            let who = if self.layout.header { "header names" } else { "mapping needs" };
            let reason = format!("it has {found} of the {expected} fields that the {who}: it is cut or shifted");
            return (!self.layout.allow_short_records).then_some(reason);
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
        (!allowed).then(|| format!("{found} fields where the header has {expected}: a delimiter inside a text?"))
    }
}

impl Records for CsvRecords {
    fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    fn next(&mut self, record: &mut Record) -> Result<Next, Unreadable> {
        if !self.advance_to_data()? {
            return Ok(Next::End);
        }
        self.read += 1;
        if !decode_fields(self.buffer.iter(), &self.encodings, record) {
            record.clear();
            self.buffer.iter().for_each(|field| record.push(Some(&String::from_utf8_lossy(field))));
            return Ok(Next::Refused(Refusal::of_record(record, OTHER_ENCODING)));
        }
        Ok(match self.misshapen(record) {
            Some(reason) => Next::Refused(Refusal::of_record(record, reason)),
            None => Next::Record,
        })
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

/// The csv crate wraps our own errors; what it adds says nothing.
fn plain(error: csv::Error) -> String {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        kind => format!("{kind:?}"),
    }
}
