//! The end-to-end reconciliation: the movements of a source against the rows of the warehouse,
//! as multisets.
//!
//! Rows that share a key form a group. Within it equal rows cancel one for one; of what remains,
//! rows of both sides pair up as `changed`, and the rest is surplus: a `duplicate` where the
//! other side knows the key, else `missing`. Without a key every distinct row is a group of its
//! own, and all surplus is `missing`.

use arrow_array::Array;

use crate::money::Currency;
use crate::movement::{Columns, Field, Values};

/// How the movements of a source are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The source.
    pub source: String,
    /// Fields that identify a movement; empty for none.
    pub key: Vec<Field>,
    /// Fields whose values must agree.
    pub compare: Vec<Field>,
}

/// One side's row: the compared values, encoded by [`encode`], and where it lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The compared values, encoded; equal bytes are equal values, NULL equals NULL.
    pub values: Vec<u8>,
    /// Where it lies.
    pub place: Place,
    /// The money it moves, in units of the day's scale, for evidence; it is judged only where it
    /// is among the compared values.
    pub money: (Currency, i128),
}

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 0-based index of the input file within its side.
    pub file: u32,
    /// 1-based record number.
    pub record: u64,
}

impl Place {
    /// Where a movement (0-based row of a batch) lies.
    pub fn of(columns: &Columns<'_>, row: usize) -> Self {
        Self { file: columns.file.value(row) as u32, record: columns.record.value(row) as u64 }
    }

    /// As bytes that sort as places do.
    pub fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.file.to_be_bytes());
        bytes[4..].copy_from_slice(&self.record.to_be_bytes());
        bytes
    }

    /// What [`Place::to_bytes`] made; `None` of other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (file, record) = bytes.split_first_chunk::<4>()?;
        Some(Self { file: u32::from_be_bytes(*file), record: u64::from_be_bytes(record.try_into().ok()?) })
    }
}

/// Which side of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The source extract.
    Source,
    /// The warehouse.
    Warehouse,
}

/// One difference between the sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The source has it, the warehouse does not.
    MissingInWarehouse(Row),
    /// The warehouse has it, the source does not.
    MissingInSource(Row),
    /// Both have the key, with other values: the source's row, then the warehouse's.
    Changed(Row, Row),
    /// One copy more than the other side has, of a key both sides know.
    Duplicate(Side, Row),
}

/// Judges one group of rows that share a key; both slices are sorted. Returns how many pairs
/// matched and hands each difference to `emit`.
pub fn judge(keyed: bool, source: &[Row], warehouse: &[Row], mut emit: impl FnMut(Difference)) -> u64 {
    let (mut matched, mut s, mut w) = (0, 0, 0);
    let (mut only_source, mut only_warehouse) = (Vec::new(), Vec::new());
    while s < source.len() || w < warehouse.len() {
        let order = match (source.get(s), warehouse.get(w)) {
            (Some(left), Some(right)) => left.values.cmp(&right.values),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        if order.is_lt() {
            only_source.push(&source[s]);
        } else if order.is_gt() {
            only_warehouse.push(&warehouse[w]);
        } else {
            matched += 1;
        }
        s += usize::from(order.is_le());
        w += usize::from(order.is_ge());
    }
    let pairs = if keyed { only_source.len().min(only_warehouse.len()) } else { 0 };
    for (left, right) in only_source.iter().zip(&only_warehouse).take(pairs) {
        emit(Difference::Changed((*left).clone(), (*right).clone()));
    }
    for row in only_source.into_iter().skip(pairs).cloned() {
        emit(match keyed && !warehouse.is_empty() {
            true => Difference::Duplicate(Side::Source, row),
            false => Difference::MissingInWarehouse(row),
        });
    }
    for row in only_warehouse.into_iter().skip(pairs).cloned() {
        emit(match keyed && !source.is_empty() {
            true => Difference::Duplicate(Side::Warehouse, row),
            false => Difference::MissingInSource(row),
        });
    }
    matched
}

/// Appends the values of `fields` in row `row` to `out`: per field a byte 0 for NULL, or 1, the
/// length in 4 bytes and the value. Lengths keep neighbouring values apart.
pub fn encode(columns: &Columns<'_>, row: usize, fields: &[Field], out: &mut Vec<u8>) {
    fields.iter().for_each(|&field| encode_value(&columns.values(field), row, out));
}

/// The same of one field.
pub fn encode_value(values: &Values<'_, '_>, row: usize, out: &mut Vec<u8>) {
    let Values { columns, field, texts } = values;
    match (texts, field) {
        (Some(texts), _) => put(out, texts.is_valid(row).then(|| texts.value(row).as_bytes())),
        (None, Field::Amount) => put(out, Some(&columns.amount.value(row).to_be_bytes())),
        (None, Field::BookedAt) => {
            let instant = columns.booked_at.is_valid(row).then(|| columns.booked_at.value(row).to_be_bytes());
            put(out, instant.as_ref().map(|bytes| bytes.as_slice()));
        }
        (None, _) => put(out, Some(&columns.booked_on.value(row).to_be_bytes())),
    }
}

fn put(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.push(0),
        Some(bytes) => {
            let [a, b, c, d] = (bytes.len() as u32).to_be_bytes();
            out.extend_from_slice(&[1, a, b, c, d]);
            out.extend_from_slice(bytes);
        }
    }
}

/// Takes what [`encode`] wrote apart again: one value per field, `None` for NULL.
pub fn decode(mut bytes: &[u8]) -> Vec<Option<&[u8]>> {
    let mut values = Vec::new();
    while let Some((&tag, rest)) = bytes.split_first() {
        let Some((length, rest)) = (tag == 1).then(|| rest.split_first_chunk::<4>()).flatten() else {
            values.push(None);
            bytes = rest;
            continue;
        };
        let (value, rest) = rest.split_at((u32::from_be_bytes(*length) as usize).min(rest.len()));
        values.push(Some(value));
        bytes = rest;
    }
    values
}

/// A decoded value as people read it; `scale` is the day's.
pub fn show(field: Field, value: &[u8], scale: u32) -> String {
    match field {
        Field::Amount => value.try_into().map_or_else(
            |_| String::new(),
            |bytes| crate::money::Total { minor: i128::from_be_bytes(bytes), scale }.to_string(),
        ),
        Field::BookedOn => value
            .try_into()
            .map_or_else(|_| String::new(), |bytes| crate::movement::date_of(i32::from_be_bytes(bytes)).to_string()),
        Field::BookedAt => value
            .try_into()
            .map_or_else(|_| String::new(), |bytes| crate::movement::instant_of(i64::from_be_bytes(bytes)).to_string()),
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(letters: &str) -> Vec<Row> {
        let mut rows: Vec<Row> = letters
            .bytes()
            .zip(1..)
            .map(|(letter, record)| Row {
                values: vec![letter],
                place: Place { file: 0, record },
                money: ("MXN".parse().unwrap(), 0),
            })
            .collect();
        rows.sort();
        rows
    }

    /// key | source values | warehouse values | matched and differences, in short
    #[test]
    fn groups() {
        let cases = [
            (true, "a", "a", "1"),
            (true, "a", "", "0 -a"),
            (true, "", "a", "0 +a"),
            (true, "a", "b", "0 a>b"),
            (true, "aa", "a", "1 s=a"),
            (true, "a", "aab", "1 w=a w=b"),
            (true, "aab", "abb", "2 a>b"),
            (true, "", "aa", "0 +a +a"),
            (false, "aa", "a", "1 -a"),
            (false, "a", "aaa", "1 +a +a"),
        ];
        for (keyed, source, warehouse, expected) in cases {
            let mut found = String::new();
            let letter = |row: &Row| row.values[0] as char;
            let matched = judge(keyed, &rows(source), &rows(warehouse), |difference| {
                found += &match &difference {
                    Difference::MissingInWarehouse(row) => format!(" -{}", letter(row)),
                    Difference::MissingInSource(row) => format!(" +{}", letter(row)),
                    Difference::Changed(left, right) => format!(" {}>{}", letter(left), letter(right)),
                    Difference::Duplicate(Side::Source, row) => format!(" s={}", letter(row)),
                    Difference::Duplicate(Side::Warehouse, row) => format!(" w={}", letter(row)),
                };
            });
            assert_eq!(format!("{matched}{found}"), expected, "{source} against {warehouse}");
        }
    }

    #[test]
    fn encoding_keeps_neighbours_apart() {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (out, values) in [(&mut left, ["ab", "c"]), (&mut right, ["a", "bc"])] {
            values.iter().for_each(|value| put(out, Some(value.as_bytes())));
            put(out, None);
        }
        assert_ne!(left, right);
        assert_eq!(decode(&left), [Some(&b"ab"[..]), Some(&b"c"[..]), None]);
    }
}
