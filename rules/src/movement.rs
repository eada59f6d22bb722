//! The movement: one booked amount, and its canonical columns.
//!
//! Movements travel as Arrow record batches of [`schema`]; [`Columns`] reads one.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Schema, SchemaRef, TimeUnit};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::AMOUNT_DIGITS;

/// A field of a movement, in canonical order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The source that booked it.
    Source,
    /// The source's own identifier; may be absent.
    Id,
    /// The business date.
    BookedOn,
    /// The instant of booking, UTC.
    BookedAt,
    /// Account.
    Account,
    /// Customer.
    Customer,
    /// Branch.
    Branch,
    /// Kind of movement.
    Kind,
    /// ISO 4217 currency.
    Currency,
    /// Signed amount: credits positive, debits negative.
    Amount,
    /// The other party.
    Counterparty,
    /// Reference.
    Reference,
    /// Description.
    Description,
}

impl Field {
    /// Every field, in canonical order.
    pub const ALL: [Field; 13] = [
        Field::Source,
        Field::Id,
        Field::BookedOn,
        Field::BookedAt,
        Field::Account,
        Field::Customer,
        Field::Branch,
        Field::Kind,
        Field::Currency,
        Field::Amount,
        Field::Counterparty,
        Field::Reference,
        Field::Description,
    ];

    /// The name used in configuration, reports and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Field::Source => "source",
            Field::Id => "id",
            Field::BookedOn => "booked_on",
            Field::BookedAt => "booked_at",
            Field::Account => "account",
            Field::Customer => "customer",
            Field::Branch => "branch",
            Field::Kind => "kind",
            Field::Currency => "currency",
            Field::Amount => "amount",
            Field::Counterparty => "counterparty",
            Field::Reference => "reference",
            Field::Description => "description",
        }
    }

    /// The 0-based column of [`schema`].
    pub fn column(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|field| field.name() == text).ok_or_else(|| format!("`{text}` is no field"))
    }
}

/// Column of [`schema`] with the 0-based index of the input file within the day.
pub const FILE_COLUMN: usize = 13;
/// Column of [`schema`] with the 1-based record number within that file.
pub const RECORD_COLUMN: usize = 14;

/// The canonical columns: the fields in order, then `file` and `record`. `amount` is
/// Decimal128(28, `scale`), where `scale` is the day's (the largest of its currencies).
pub fn schema(scale: u32) -> SchemaRef {
    let fields = Field::ALL.into_iter().map(|field| {
        let (kind, nullable) = match field {
            Field::Source | Field::Currency => (DataType::Utf8, false),
            Field::BookedOn => (DataType::Date32, false),
            Field::BookedAt => (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Field::Amount => (DataType::Decimal128(AMOUNT_DIGITS as u8, scale as i8), false),
            _ => (DataType::Utf8, true),
        };
        arrow_schema::Field::new(field.name(), kind, nullable)
    });
    let place = [("file", DataType::Int32), ("record", DataType::Int64)]
        .map(|(name, kind)| arrow_schema::Field::new(name, kind, false));
    Arc::new(Schema::new(fields.chain(place).collect::<Vec<_>>()))
}

/// The typed columns of one batch of movements. Rows are 0-based.
pub struct Columns<'a> {
    batch: &'a RecordBatch,
    /// Days since 1970-01-01.
    pub booked_on: &'a Date32Array,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub booked_at: &'a TimestampMicrosecondArray,
    /// Units of 10^-scale.
    pub amount: &'a Decimal128Array,
    /// 0-based index of the input file.
    pub file: &'a Int32Array,
    /// 1-based record number.
    pub record: &'a Int64Array,
}

impl<'a> Columns<'a> {
    /// Reads a batch of [`schema`].
    ///
    /// # Panics
    /// If the batch has other columns, which is a bug of the caller.
    pub fn of(batch: &'a RecordBatch) -> Self {
        Self {
            batch,
            booked_on: batch.column(Field::BookedOn.column()).as_primitive::<Date32Type>(),
            booked_at: batch.column(Field::BookedAt.column()).as_primitive::<TimestampMicrosecondType>(),
            amount: batch.column(Field::Amount.column()).as_primitive::<Decimal128Type>(),
            file: batch.column(FILE_COLUMN).as_primitive::<Int32Type>(),
            record: batch.column(RECORD_COLUMN).as_primitive::<Int64Type>(),
        }
    }

    /// Rows in the batch.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A text field's array; `None` for dates, instants and amounts.
    pub fn texts(&self, field: Field) -> Option<&'a StringArray> {
        self.batch.column(field.column()).as_string_opt::<i32>()
    }

    /// A text field's value; `None` where null or not text.
    pub fn text(&self, field: Field, row: usize) -> Option<&'a str> {
        text_of(self.texts(field)?, row)
    }

    /// A field's values, for many rows.
    pub fn values(&self, field: Field) -> Values<'a, '_> {
        Values { columns: self, field, texts: self.texts(field) }
    }

    /// Any field as people read it: dates `2026-11-21`, instants RFC 3339, amounts at the
    /// column's scale; `None` where null.
    pub fn shown(&self, field: Field, row: usize) -> Option<String> {
        match field {
            Field::BookedOn => Some(date_of(self.booked_on.value(row)).to_string()),
            Field::BookedAt => self.booked_at.is_valid(row).then(|| instant_of(self.booked_at.value(row)).to_string()),
            Field::Amount => {
                let currency = self.text(Field::Currency, row).and_then(|code| code.parse().ok())?;
                let scale = self.amount.scale().unsigned_abs().into();
                Some(crate::money::at_own_scale(currency, self.amount.value(row), scale).to_string())
            }
            _ => self.text(field, row).map(str::to_owned),
        }
    }
}

/// A field's values, as [`Columns`] has them, without looking for the column each time.
pub struct Values<'a, 'c> {
    /// The columns.
    pub columns: &'c Columns<'a>,
    /// The field.
    pub field: Field,
    /// Its array, where it is of text.
    pub texts: Option<&'a StringArray>,
}

impl<'a> Values<'a, '_> {
    /// That of a row as [`Columns::shown`] gives it, copied only where it must be; `None` where empty.
    pub fn at(&self, row: usize) -> Option<Cow<'a, str>> {
        match self.texts {
            Some(texts) => text_of(texts, row).map(Cow::Borrowed),
            None => self.columns.shown(self.field, row).map(Cow::Owned),
        }
        .filter(|value| !value.is_empty())
    }

    /// Whether a row has one.
    pub fn is_there(&self, row: usize) -> bool {
        match (self.texts, self.field) {
            (Some(texts), _) => texts.is_valid(row) && texts.value_length(row) > 0,
            (None, Field::BookedAt) => self.columns.booked_at.is_valid(row),
            (None, _) => true,
        }
    }

    /// Whether a row has one, and it is one of these.
    pub fn is_among(&self, values: &[String], row: usize) -> bool {
        let is_among = |value: &str| !value.is_empty() && values.iter().any(|other| other == value);
        match self.texts {
            Some(texts) => text_of(texts, row).is_some_and(is_among),
            None => self.at(row).as_deref().is_some_and(is_among),
        }
    }
}

/// The text of a row; `None` where null.
fn text_of(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// The date of a Date32 value.
pub fn date_of(days: i32) -> Date {
    Date::constant(1970, 1, 1).saturating_add(i64::from(days).days())
}

/// The Date32 value of a date.
pub fn days_of(date: Date) -> i32 {
    let since = date.duration_since(Date::constant(1970, 1, 1));
    (since.as_secs() / 86_400) as i32
}

/// The instant of a microsecond timestamp; out-of-range values saturate.
pub fn instant_of(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_columns_agree() {
        let schema = schema(2);
        for field in Field::ALL {
            assert_eq!(schema.field(field.column()).name(), field.name());
            assert_eq!(field.name().parse(), Ok(field));
        }
        assert_eq!(schema.field(FILE_COLUMN).name(), "file");
        assert_eq!(schema.field(RECORD_COLUMN).name(), "record");
    }

    #[test]
    fn dates_round_trip() {
        for text in ["1969-12-31", "1970-01-01", "2026-11-21"] {
            let date: Date = text.parse().unwrap();
            assert_eq!(date_of(days_of(date)), date);
        }
    }
}
