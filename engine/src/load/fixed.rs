//! Fixed-width text, one record per line.

use std::io::BufRead;

use cuadre_rules::config::Limits;
use cuadre_rules::config::source::{Column, Encoding, Extract, Fixed};
use cuadre_rules::movement::Field;
use cuadre_rules::said;

use super::bytes::read_line;
use super::record::{Next, Record, Records, Refusal, Trailer, Unreadable, keep_trailer};
use super::text::{BYTE_ORDER_MARK, decode_fields, decode_text, other_encoding};

/// Reads fixed-width lines.
pub struct FixedRecords {
    input: Box<dyn BufRead>,
    layout: Fixed,
    encodings: Vec<Encoding>,
    /// Field names in alphabetical order, and the 0-based byte range of each.
    names: Vec<String>,
    ranges: Vec<(usize, usize)>,
    /// Bytes that a line must have.
    least: usize,
    most: u64,
    line: Vec<u8>,
    lines: u64,
    trailer: Option<Trailer>,
}

impl FixedRecords {
    /// Prepares to read.
    pub fn new(input: Box<dyn BufRead>, extract: &Extract, limits: &Limits) -> Self {
        let layout = extract.fixed.clone();
        Self {
            input,
            names: layout.fields.keys().cloned().collect(),
            ranges: layout.fields.values().map(|&positions| range(positions)).collect(),
            encodings: extract.encoding.clone(),
            least: least(extract),
            layout,
            most: limits.record_bytes,
            line: Vec::new(),
            lines: 0,
            trailer: None,
        }
    }

    fn is_marked(&self, marker: &Option<String>) -> bool {
        marker.as_ref().is_some_and(|marker| self.line.starts_with(marker.as_bytes()))
    }

    fn as_trailer(&self) -> Trailer {
        let text = |name: &str| {
            let (start, end) = range(*self.layout.trailer.get(name)?);
            let bytes = self.line.get(start..end.min(self.line.len()))?;
            decode_text(bytes, &self.encodings).map(|text| text.trim().to_owned())
        };
        Trailer { records: text("records"), amount: text("amount"), hash_total: text("hash_total") }
    }
}

/// Bytes that a line must have. Writers may drop trailing blanks, so its last field may be short;
/// but a record that ends before a field begins is cut, and so is one that ends within an amount.
fn least(extract: &Extract) -> usize {
    let fields = &extract.fixed.fields;
    let amount = extract.columns.get(&Field::Amount);
    let amounts = amount.into_iter().chain(&extract.amount.debit).chain(&extract.amount.credit);
    let ends = amounts.filter_map(|column| match column {
        Column::Name(name) => fields.get(name).map(|&positions| range(positions).1),
        _ => None,
    });
    fields.values().map(|&positions| range(positions).0 + 1).chain(ends).max().unwrap_or(0)
}

/// 1-based inclusive positions as a 0-based half-open range.
fn range([first, last]: [u32; 2]) -> (usize, usize) {
    (first.saturating_sub(1) as usize, last as usize)
}

impl Records for FixedRecords {
    fn header(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn next(&mut self, record: &mut Record) -> Result<Next, Unreadable> {
        loop {
            let more = read_line(&mut *self.input, &mut self.line, self.most);
            self.lines += 1;
            if !more.map_err(|error| Unreadable::from(error).at_line(self.lines))? {
                return Ok(Next::End);
            }
            if self.lines == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if self.line.is_empty() || self.is_marked(&self.layout.header_marker) {
                continue;
            }
            if self.is_marked(&self.layout.trailer_marker) {
                let trailer = self.as_trailer();
                keep_trailer(&mut self.trailer, trailer)?;
                continue;
            }
            break;
        }
        let (length, least) = (self.line.len(), self.least);
        let fields = self.ranges.iter().map(|&(start, end)| &self.line[start.min(length)..end.min(length)]);
        if !decode_fields(fields, &self.encodings, record) {
            let value = String::from_utf8_lossy(&self.line).into_owned();
            return Ok(Next::Refused(Refusal { column: None, value: Some(value), reason: other_encoding() }));
        }
        Ok(match length >= least {
            true => Next::Record,
            false => Next::Refused(Refusal {
                column: None,
                value: Some(String::from_utf8_lossy(&self.line).into_owned()),
                reason: said!(
                    "{length} bytes where a record has at least {least}: the record is cut",
                    "tiene {length} bytes y un registro tiene al menos {least}: está cortado"
                ),
            }),
        })
    }

    fn trailer(&mut self) -> Option<Trailer> {
        self.trailer.take()
    }
}
