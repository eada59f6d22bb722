//! Delimited text, split into records and fields.
//!
//! A line without a quote, which is nearly every line, is split where it lies. Whatever else there
//! is goes through the state machine of the csv crate, and the two ways split alike.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use csv_core::ReadRecordResult;
use memchr::{memchr, memchr_iter};

use super::bytes::too_large;
use super::record::Unreadable;

const BUFFER: usize = 1 << 17;

/// Splits an input.
pub struct Splitter<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer is read, and not yet split.
    unread: Range<usize>,
    ended: bool,
    delimiter: u8,
    quote: Option<u8>,
    /// By [`Kind`]: where the next one is, as far as that is known.
    known: [Option<usize>; 3],
    machine: csv_core::Reader,
    unquoted: Vec<u8>,
    ends: Vec<usize>,
    fields: Vec<Range<usize>>,
    /// Whether the fields lie in `unquoted`.
    is_unquoted: bool,
    most: usize,
}

/// Bytes that end a line or quote a field.
#[derive(Clone, Copy)]
enum Kind {
    Newline,
    Return,
    Quote,
}

impl<R: Read> Splitter<R> {
    /// Splits `input`; a record may have `most` bytes. A byte order mark at its start is passed
    /// over.
    pub fn new(input: R, delimiter: u8, quote: Option<u8>, most: u64) -> Result<Self, Unreadable> {
        let mut machine = csv_core::ReaderBuilder::new();
        machine.delimiter(delimiter).quoting(quote.is_some()).quote(quote.unwrap_or(b'"'));
        let mut splitter = Self {
            input,
            buffer: vec![0; BUFFER],
            unread: 0..0,
            ended: false,
            delimiter,
            quote,
            known: [None; 3],
            machine: machine.build(),
            unquoted: Vec::new(),
            ends: Vec::new(),
            fields: Vec::new(),
            is_unquoted: false,
            most: usize::try_from(most).unwrap_or(usize::MAX),
        };
        // The machine passes over a mark at the start of what it reads first, which may be any record.
        splitter.machine.read_record(b"\n", &mut [], &mut []);
        while splitter.unread.len() < 3 && !splitter.ended {
            splitter.fill()?;
        }
        if splitter.buffer[splitter.unread.clone()].starts_with(super::text::BYTE_ORDER_MARK) {
            splitter.unread.start += 3;
        }
        Ok(splitter)
    }

    /// Splits the next record; `false` at the end. Empty lines are none.
    pub fn advance(&mut self) -> Result<bool, Unreadable> {
        loop {
            let newline = self.first(Kind::Newline);
            let ends_here = newline < self.unread.end || self.ended;
            if !ends_here {
                // A return that is the last byte may be half of an end.
                if self.first(Kind::Quote) < self.unread.end || self.first(Kind::Return) + 1 < self.unread.end {
                    return self.advance_by_machine();
                }
                if self.unread.len() > self.most.max(BUFFER) {
                    return Err(too_large(self.most as u64));
                }
                self.fill()?;
                continue;
            }
            if self.unread.is_empty() {
                return Ok(false);
            }
            let (line, end) = (self.unread.start..newline, newline);
            // A return that is the line's last byte belongs to its end.
            let text_end = if self.first(Kind::Return) + 1 == end { end - 1 } else { end };
            if self.first(Kind::Quote) < end || self.first(Kind::Return) < text_end {
                return self.advance_by_machine();
            }
            self.unread.start = (end + 1).min(self.unread.end);
            if line.start == text_end {
                continue;
            }
            self.split(line.start..text_end);
            return self.checked();
        }
    }

    /// Number of fields of the record in hand.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field of the record in hand, by 0-based position.
    pub fn get(&self, position: usize) -> Option<&[u8]> {
        self.fields.get(position).map(|field| &self.bytes()[field.clone()])
    }

    /// The fields of the record in hand.
    pub fn fields(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.fields.iter().map(|field| &self.bytes()[field.clone()])
    }

    /// Whether every byte of the record in hand is ASCII.
    pub fn is_ascii(&self) -> bool {
        self.bytes()[self.extent()].is_ascii()
    }

    /// Bytes of the record in hand.
    pub fn width(&self) -> usize {
        self.extent().len()
    }

    fn extent(&self) -> Range<usize> {
        let (first, last) = (self.fields.first(), self.fields.last());
        first.map_or(0, |field| field.start)..last.map_or(0, |field| field.end)
    }

    fn bytes(&self) -> &[u8] {
        if self.is_unquoted { &self.unquoted } else { &self.buffer }
    }

    fn split(&mut self, line: Range<usize>) {
        self.is_unquoted = false;
        self.fields.clear();
        let mut start = line.start;
        for length in memchr_iter(self.delimiter, &self.buffer[line.clone()]) {
            let end = line.start + length;
            self.fields.push(start..end);
            start = end + 1;
        }
        self.fields.push(start..line.end);
    }

    fn advance_by_machine(&mut self) -> Result<bool, Unreadable> {
        self.is_unquoted = true;
        self.fields.clear();
        let (mut written, mut ended) = (0, 0);
        loop {
            if self.unread.is_empty() && !self.ended {
                self.fill()?;
                continue;
            }
            self.unquoted.resize(self.unquoted.len().max(written + 1024), 0);
            self.ends.resize(self.ends.len().max(ended + 64), 0);
            let input = &self.buffer[self.unread.clone()];
            let (result, read, wrote, more) =
                self.machine.read_record(input, &mut self.unquoted[written..], &mut self.ends[ended..]);
            self.unread.start += read;
            (written, ended) = (written + wrote, ended + more);
            match result {
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::Record => break,
                _ if written > self.most => return Err(too_large(self.most as u64)),
                _ => {}
            }
        }
        let mut start = 0;
        self.fields.extend(self.ends[..ended].iter().map(|&end| std::mem::replace(&mut start, end)..end));
        self.checked()
    }

    fn checked(&self) -> Result<bool, Unreadable> {
        let bytes: usize = self.fields.iter().map(Range::len).sum();
        if bytes > self.most { Err(too_large(self.most as u64)) } else { Ok(true) }
    }

    /// Where the first unread byte of a kind is, or the end of what is read. It is looked for once.
    fn first(&mut self, kind: Kind) -> usize {
        let known = &mut self.known[kind as usize];
        match *known {
            Some(known) if known >= self.unread.start => known,
            _ => {
                let byte = match kind {
                    Kind::Newline => Some(b'\n'),
                    Kind::Return => Some(b'\r'),
                    Kind::Quote => self.quote,
                };
                let found = byte.and_then(|byte| memchr(byte, &self.buffer[self.unread.clone()]));
                *known.insert(found.map_or(self.unread.end, |after| self.unread.start + after))
            }
        }
    }

    /// Reads more behind what is unread.
    fn fill(&mut self) -> Result<(), Unreadable> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        self.known = [None; 3];
        if self.unread.end == self.buffer.len() {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.unread.end..]) {
                Ok(read) => {
                    self.unread.end += read;
                    self.ended = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let some = self.0.len().min(self.1).min(buffer.len());
            buffer[..some].copy_from_slice(&self.0[..some]);
            self.0 = &self.0[some..];
            Ok(some)
        }
    }

    fn split(text: &[u8], at_once: usize, quote: Option<u8>, most: u64) -> Result<Vec<Vec<Vec<u8>>>, Unreadable> {
        let mut splitter = Splitter::new(Trickle(text, at_once), b';', quote, most)?;
        let mut records = Vec::new();
        while splitter.advance()? {
            let record: Vec<Vec<u8>> = splitter.fields().map(<[u8]>::to_vec).collect();
            assert_eq!(splitter.len(), record.len());
            assert_eq!(splitter.get(record.len() - 1), record.last().map(Vec::as_slice));
            let ascii = record.iter().all(|field| field.is_ascii());
            assert_eq!(splitter.is_ascii(), ascii, "{record:?}");
            records.push(record);
        }
        assert!(!splitter.advance()?, "the end stays the end");
        Ok(records)
    }

    fn split_by_csv_crate(text: &[u8], quote: Option<u8>) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new();
        reader.has_headers(false).flexible(true).delimiter(b';').quoting(quote.is_some()).quote(quote.unwrap_or(b'"'));
        let mut reader = reader.from_reader(text);
        let records = reader.byte_records().map(Result::unwrap);
        records.map(|record| record.iter().map(<[u8]>::to_vec).collect()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn records_are_those_of_the_csv_crate(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", "bc", ";", ";", "\n", "\n", "\r\n", "\r", "\"", "'", " ", "ñ", "\0", "\"x\"", "\u{feff}"]),
                0..40,
            ),
            at_once in 1..9usize,
            quote in prop::sample::select(vec![Some(b'"'), Some(b'\''), None]),
        ) {
            let text = pieces.concat();
            let expected = split_by_csv_crate(text.as_bytes(), quote);
            prop_assert_eq!(split(text.as_bytes(), at_once, quote, 1 << 20).unwrap(), expected);
        }
    }

    #[test]
    fn records_longer_than_the_buffer_and_longer_than_allowed() {
        let long = "x".repeat(3 * BUFFER);
        for text in [format!("a;b\n{long};c\nd"), format!("a;b\r{long};c\rd\r"), format!("a;b\n\"{long}\";c\nd\n")] {
            let records = split(text.as_bytes(), 1 << 16, Some(b'"'), 1 << 20).unwrap();
            assert_eq!(records.iter().map(|record| record[0].len()).collect::<Vec<_>>(), [1, 3 * BUFFER, 1]);
            let most = 2 * BUFFER as u64;
            assert_eq!(split(text.as_bytes(), 1 << 16, Some(b'"'), most), Err(too_large(most)));
        }
        assert_eq!(split(b"a;bcd\n", 9, None, 3), Err(too_large(3)));
        assert!(split(b"a;bcd\n", 9, None, 4).is_ok());
    }
}
