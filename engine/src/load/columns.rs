//! A block becomes movements, column by column.
//!
//! What a value means is decided in [`super::mapping`], record by record. Here whole columns are
//! taken over at once, as far as their values are plain. A record with any value that is not is in
//! doubt, and goes the other way: there it is accepted, or refused with the reason.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Date32Type;
use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave;
use cuadre_rules::dates::parse_date;
use cuadre_rules::money::{AMOUNT_DIGITS, Currency};
use cuadre_rules::movement::{FILE_COLUMN, Field, RECORD_COLUMN, days_of, schema};
use cuadre_rules::said;

use jiff::civil::Date;

use super::block::{BLOCK_ROWS, Block};
use super::cell::texts;
use super::mapping::{Cells, Mapping};
use super::meaning::{Owner, Slot};
use super::record::{Record, Refusal, Unreadable};
use super::rows::Rows;
use super::stage::Constants;
use super::{amounts, instants};

/// Canonical movements.
pub struct Movements {
    /// A batch of [`schema`].
    pub batch: RecordBatch,
    /// By row: the 0-based place of its source in the configuration.
    pub sources: Vec<u16>,
}

/// A record that was refused.
pub struct Refused {
    /// 1-based number within the file.
    pub record: u64,
    /// Its source, as far as it can be told.
    pub source: Option<String>,
    /// Why.
    pub refusal: Refusal,
}

/// Maps the blocks of one file.
pub struct Mapper<'a> {
    /// The meaning of the file.
    pub mapping: Mapping<'a>,
    schema: SchemaRef,
    file: u32,
    /// What is the same in every row that is not in doubt.
    constants: Constants,
    record: Record,
    rows: Rows,
}

/// A block by canonical columns; what they hold where a row is in doubt means nothing.
struct Plain {
    columns: Vec<ArrayRef>,
    sources: Vec<u16>,
    doubtful: Vec<bool>,
}

impl<'a> Mapper<'a> {
    /// Maps by `mapping` the file with the 0-based index `file`.
    pub fn new(mapping: Mapping<'a>, file: u32) -> Self {
        let scale = mapping.meaning.scale;
        let constants = constants(&mapping, file);
        Self { mapping, schema: schema(scale), file, constants, record: Record::default(), rows: Rows::new(scale) }
    }

    /// The canonical columns that have one value in every movement of the file.
    pub fn constants(&self) -> Constants {
        Arc::clone(&self.constants)
    }

    /// The 0-based columns that the mapping takes something from, in order.
    pub fn wanted(&self) -> Vec<usize> {
        let Mapping { slots, debit, credit, flag, .. } = &self.mapping;
        let mut wanted: Vec<usize> = slots.iter().chain([debit, credit, flag]).flat_map(Slot::positions).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// The place of each movement's source in the configuration.
    pub fn sources_of(&self, batch: &RecordBatch) -> Vec<u16> {
        let mut unknown = vec![false; batch.num_rows()];
        self.sources(batch.column(Field::Source.column()).as_string(), &mut unknown)
    }

    /// Maps a block.
    pub fn map(&mut self, block: &Block) -> Result<(Movements, Vec<Refused>), Unreadable> {
        let mapped = self.plain(block).and_then(|plain| {
            if plain.doubtful.contains(&true) {
                return self.sort_out(block, plain);
            }
            let batch = RecordBatch::try_new(Arc::clone(&self.schema), plain.columns)?;
            Ok((Movements { batch, sources: plain.sources }, Vec::new()))
        });
        mapped.map_err(|error| {
            let first = block.numbers.get(0);
            Unreadable(said!(
                "in the records from {first} on: {error}",
                "en los registros a partir del {first}: «{error}»"
            ))
        })
    }

    /// Takes the columns over as far as they are plain.
    fn plain(&self, block: &Block) -> Result<Plain, ArrowError> {
        let rows = block.rows;
        let mut doubtful = vec![false; rows];
        block.refused.iter().for_each(|(row, _)| doubtful[*row] = true);
        let constant = |column: usize| self.constants[column].as_ref().map(|constant| constant.slice(0, rows));
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for field in Field::ALL {
            columns.push(match constant(field.column()) {
                Some(constant) => constant,
                None => match field {
                    Field::BookedAt => Arc::new(self.booked_at(block, &mut doubtful)?),
                    // Comes when the currencies are known.
                    Field::Amount => Arc::new(Int32Array::new_null(0)),
                    _ => Arc::new(self.texts(&self.mapping.slots[field.column()], block)?),
                },
            });
        }
        let currencies = self.currencies(columns[Field::Currency.column()].as_string(), &mut doubtful);
        columns[Field::Amount.column()] = Arc::new(self.amounts(block, &currencies, &mut doubtful)?);
        self.check_dates(block, columns[Field::BookedAt.column()].as_primitive(), &mut doubtful)?;
        let sources = self.sources(columns[Field::Source.column()].as_string(), &mut doubtful);
        for field in &self.mapping.meaning.required {
            let column = &columns[field.column()];
            if column.null_count() > 0 {
                (0..rows).filter(|&row| column.is_null(row)).for_each(|row| doubtful[row] = true);
            }
        }
        columns.extend(constant(FILE_COLUMN));
        let numbers = (0..rows).map(|row| block.numbers.get(row) as i64);
        columns.push(Arc::new(Int64Array::from_iter_values(numbers)));
        debug_assert_eq!(columns.len(), RECORD_COLUMN + 1);
        Ok(Plain { columns, sources, doubtful })
    }

    /// Decides on the rows in doubt one by one, and puts the movements together again in order.
    fn sort_out(
        &mut self,
        block: &Block,
        Plain { columns, sources, doubtful }: Plain,
    ) -> Result<(Movements, Vec<Refused>), ArrowError> {
        let mut refused_by_reader = block.refused.iter().peekable();
        let (mut refused, mut order, mut accepted) = (Vec::new(), Vec::new(), 0);
        for (row, doubt) in doubtful.into_iter().enumerate() {
            if !doubt {
                order.push((0, row));
                continue;
            }
            block.write(row, &mut self.record)?;
            let by_reader = refused_by_reader.next_if(|(refused, _)| *refused == row);
            let mapped = match by_reader {
                Some((_, refusal)) => Err(refusal.clone()),
                None => self.mapping.map(&self.record),
            };
            let record = block.numbers.get(row);
            match mapped {
                Ok(movement) => {
                    self.rows.push(&movement, self.file, record);
                    order.push((1, accepted));
                    accepted += 1;
                }
                Err(refusal) => {
                    let source = self.mapping.source_of(&self.record).map(str::to_owned);
                    refused.push(Refused { record, source, refusal });
                }
            }
        }
        let others = self.rows.finish()?;
        let merged = columns.iter().zip(others.columns());
        let merged = merged.map(|(plain, other)| interleave(&[plain.as_ref(), other.as_ref()], &order));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), merged.collect::<Result<_, _>>()?)?;
        let others = self.sources_of(&others);
        let sources = order.iter().map(|&(from, row)| if from == 0 { sources[row] } else { others[row] }).collect();
        Ok((Movements { batch, sources }, refused))
    }

    /// The texts of a slot, as [`Mapping`] takes them: without blanks around them where the
    /// configuration says so, and NULL where empty.
    fn texts(&self, slot: &Slot, block: &Block) -> Result<StringArray, ArrowError> {
        let texts = raw(slot, block)?;
        let trim = self.mapping.meaning.extract.trim;
        let (offsets, bytes) = (texts.value_offsets(), texts.value_data());
        let clean = offsets.array_windows().all(|&[start, end]| {
            let text = &bytes[start as usize..end as usize];
            match (text.first(), text.last()) {
                (Some(first), Some(last)) => !trim || first.is_ascii_graphic() && last.is_ascii_graphic(),
                _ => false,
            }
        });
        if clean {
            return Ok(texts);
        }
        let mut out = StringBuilder::with_capacity(texts.len(), bytes.len());
        for text in &texts {
            let text = text.map(|text| if trim { text.trim() } else { text });
            out.append_option(text.filter(|text| !text.is_empty()));
        }
        Ok(out.finish())
    }

    fn booked_at(&self, block: &Block, doubtful: &mut [bool]) -> Result<TimestampMicrosecondArray, ArrowError> {
        let meaning = self.mapping.meaning;
        let slot = &self.mapping.slots[Field::BookedAt.column()];
        if let (Some(column), true) = (typed(slot, block), meaning.extract.timestamp_formats.is_empty())
            && let Some(instants) = instants::of_timestamps(column, &meaning.civil, doubtful)
        {
            return Ok(instants);
        }
        let texts = self.texts(slot, block)?;
        Ok(instants::of_texts(&texts, meaning, doubtful))
    }

    /// Doubts every row whose business date is not plainly the day's.
    fn check_dates(
        &self,
        block: &Block,
        booked_at: &TimestampMicrosecondArray,
        doubtful: &mut [bool],
    ) -> Result<(), ArrowError> {
        let meaning = self.mapping.meaning;
        let mut doubt = |row: usize, plain: bool| doubtful[row] |= !plain;
        match &self.mapping.slots[Field::BookedOn.column()] {
            Slot::None => {
                for (row, instant) in booked_at.iter().enumerate() {
                    doubt(row, instant.is_none_or(|instant| meaning.local_day.contains(&instant)));
                }
            }
            Slot::Constant(text) => {
                let plain = text.parse().is_ok_and(|date: Date| date == meaning.business_date);
                (0..block.rows).for_each(|row| doubt(row, plain));
            }
            slot => {
                let reads = |text: &str| parse_date(text, &meaning.formats) == Some(meaning.business_date);
                if let Some(dates) = typed(slot, block).and_then(|column| column.as_primitive_opt::<Date32Type>()) {
                    let plain = reads(&meaning.business_date.to_string());
                    let day = days_of(meaning.business_date);
                    (0..block.rows).for_each(|row| doubt(row, plain && dates.is_valid(row) && dates.value(row) == day));
                    return Ok(());
                }
                // Nearly every row has the date of the one before.
                let (texts, mut last) = (raw(slot, block)?, None);
                for (row, text) in texts.iter().enumerate() {
                    let plain = text.is_some_and(|text| last == Some(text) || reads(text));
                    last = if plain { text } else { last };
                    doubt(row, plain);
                }
            }
        }
        Ok(())
    }

    /// The currency of each row; any, where it is in doubt.
    fn currencies(&self, codes: &StringArray, doubtful: &mut [bool]) -> Vec<Currency> {
        let configured = &self.mapping.meaning.currencies;
        let usual = self.mapping.meaning.currency;
        let (mut last, mut last_code) = (usual, Some(usual.code()));
        let mut currency = |(row, code): (usize, Option<&'_ str>)| {
            if code != last_code {
                match configured.iter().find(|currency| Some(currency.code()) == code) {
                    Some(currency) => (last, last_code) = (*currency, Some(currency.code())),
                    None => doubtful[row] = true,
                }
            }
            last
        };
        codes.iter().enumerate().map(&mut currency).collect()
    }

    fn amounts(
        &self,
        block: &Block,
        currencies: &[Currency],
        doubtful: &mut [bool],
    ) -> Result<Decimal128Array, ArrowError> {
        let Mapping { meaning, slots, debit, credit, flag, .. } = &self.mapping;
        let notation = amounts::Notation::new(&meaning.extract.amount, meaning.scale);
        let one = matches!((debit, credit), (Slot::None, _) | (_, Slot::None)) && meaning.extract.amount.flag.is_none();
        let slot = &slots[Field::Amount.column()];
        let typed = typed(slot, block).filter(|_| one);
        let minor = match typed.map(|column| notation.of_numbers(column, currencies, doubtful)).transpose()?.flatten() {
            Some(minor) => minor,
            None if one => notation.of_texts(&raw(slot, block)?, currencies, doubtful).into(),
            None => {
                let texts = [slot, debit, credit, flag].into_iter().map(|slot| raw(slot, block));
                let texts = texts.collect::<Result<Vec<_>, _>>()?;
                let cell = |n: usize, row| texts[n].is_valid(row).then(|| texts[n].value(row));
                let minor = |row| {
                    let cells =
                        Cells { amount: cell(0, row), debit: cell(1, row), credit: cell(2, row), flag: cell(3, row) };
                    self.mapping.amount(cells, currencies[row]).unwrap_or_else(|_| {
                        doubtful[row] = true;
                        0
                    })
                };
                (0..block.rows).map(minor).collect()
            }
        };
        Decimal128Array::new(minor, None).with_precision_and_scale(AMOUNT_DIGITS as u8, meaning.scale as i8)
    }

    /// The place of each row's source in the configuration; any, where it is in doubt.
    fn sources(&self, ids: &StringArray, doubtful: &mut [bool]) -> Vec<u16> {
        match &self.mapping.meaning.owner {
            Owner::Source { index, .. } => vec![*index; ids.len()],
            Owner::Warehouse(known) => {
                // Ids differ within their first 8 bytes more often than not, and a word is compared at once.
                let known: Vec<(u64, &str)> = known.iter().map(|id| (first_word(id), id.as_str())).collect();
                let place = |(row, id): (usize, Option<&str>)| {
                    let id = id.unwrap_or_default();
                    let word = first_word(id);
                    let place = known.iter().position(|known| known.0 == word && known.1 == id);
                    doubtful[row] |= place.is_none();
                    place.unwrap_or(0) as u16
                };
                ids.iter().enumerate().map(place).collect()
            }
        }
    }
}

/// The one column of a slot.
fn typed<'b>(slot: &Slot, block: &'b Block) -> Option<&'b ArrayRef> {
    match slot {
        Slot::First(positions) if positions.len() == 1 => block.column(positions[0]),
        _ => None,
    }
}

/// The texts of a slot as they stand, NULL where its columns are not there.
fn raw(slot: &Slot, block: &Block) -> Result<StringArray, ArrowError> {
    if let Slot::Constant(text) = slot {
        return Ok(StringArray::from_iter_values(std::iter::repeat_n(text, block.rows)));
    }
    let columns = slot.positions().filter_map(|position| block.column(position)).map(texts);
    let mut columns: Vec<StringArray> = columns.collect::<Result<_, _>>()?;
    match columns.len() {
        0 => Ok(StringArray::new_null(block.rows)),
        1 => Ok(columns.swap_remove(0)),
        _ => {
            let first = |row| columns.iter().find(|column| column.is_valid(row)).map(|column| column.value(row));
            Ok((0..block.rows).map(first).collect())
        }
    }
}

fn first_word(text: &str) -> u64 {
    text.bytes().take(8).fold(0, |word, byte| word << 8 | u64::from(byte))
}

/// The canonical columns that are the same for every movement of a file: what the configuration
/// says, and what no column is there for.
fn constants(mapping: &Mapping<'_>, file: u32) -> Constants {
    let meaning = mapping.meaning;
    let text =
        |text: &str| Some(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, BLOCK_ROWS))) as ArrayRef);
    let nulls = || Some(Arc::new(StringArray::new_null(BLOCK_ROWS)) as ArrayRef);
    let field = |field: Field| match (field, &mapping.slots[field.column()]) {
        (Field::Source, _) => match &meaning.owner {
            Owner::Source { id, .. } => text(id),
            Owner::Warehouse(_) => None,
        },
        (Field::BookedOn, _) => {
            Some(Arc::new(Date32Array::from_value(days_of(meaning.business_date), BLOCK_ROWS)) as ArrayRef)
        }
        (Field::BookedAt, Slot::None) => {
            Some(Arc::new(TimestampMicrosecondArray::new_null(BLOCK_ROWS).with_timezone("UTC")) as ArrayRef)
        }
        (Field::Currency, Slot::None) => text(meaning.currency.code()),
        (Field::Amount | Field::BookedAt | Field::Currency, _) => None,
        (_, Slot::None) => nulls(),
        (_, Slot::Constant(value)) => {
            let value = if meaning.extract.trim { value.trim() } else { value };
            if value.is_empty() { nulls() } else { text(value) }
        }
        _ => None,
    };
    let files = Arc::new(Int32Array::from_value(file as i32, BLOCK_ROWS)) as ArrayRef;
    Field::ALL.into_iter().map(field).chain([Some(files), None]).collect()
}

#[cfg(test)]
mod tests;
