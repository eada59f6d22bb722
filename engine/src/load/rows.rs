//! Movements put together one by one.

use std::sync::Arc;

use arrow_array::builder::{
    Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use cuadre_rules::movement::{FILE_COLUMN, Field, RECORD_COLUMN, schema};

use super::mapping::Mapped;

/// A batch of movements in the making.
pub struct Rows {
    schema: SchemaRef,
    texts: [StringBuilder; Field::ALL.len()],
    booked_on: Date32Builder,
    booked_at: TimestampMicrosecondBuilder,
    amount: Decimal128Builder,
    file: Int32Builder,
    record: Int64Builder,
}

impl Rows {
    /// No movement yet; `scale` is the day's.
    pub fn new(scale: u32) -> Self {
        let schema = schema(scale);
        let amount = Decimal128Builder::new().with_data_type(schema.field(Field::Amount.column()).data_type().clone());
        Self {
            schema,
            texts: std::array::from_fn(|_| StringBuilder::new()),
            booked_on: Date32Builder::new(),
            booked_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            amount,
            file: Int32Builder::new(),
            record: Int64Builder::new(),
        }
    }

    /// Appends a movement; `file` is the 0-based index of its input, `record` is 1-based.
    pub fn push(&mut self, movement: &Mapped<'_>, file: u32, record: u64) {
        for field in Field::ALL {
            let text = match field {
                Field::BookedOn | Field::BookedAt | Field::Amount => continue,
                Field::Currency => Some(movement.currency.code()),
                _ => movement.texts[field.column()],
            };
            self.texts[field.column()].append_option(text);
        }
        self.booked_on.append_value(movement.booked_on);
        self.booked_at.append_option(movement.booked_at);
        self.amount.append_value(movement.minor);
        self.file.append_value(file as i32);
        self.record.append_value(record as i64);
    }

    /// The movements since the last call.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for field in Field::ALL {
            columns.push(match field {
                Field::BookedOn => Arc::new(self.booked_on.finish()),
                Field::BookedAt => Arc::new(self.booked_at.finish()),
                Field::Amount => Arc::new(self.amount.finish()),
                _ => Arc::new(self.texts[field.column()].finish()),
            });
        }
        debug_assert_eq!((columns.len(), columns.len() + 1), (FILE_COLUMN, RECORD_COLUMN));
        columns.push(Arc::new(self.file.finish()));
        columns.push(Arc::new(self.record.finish()));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
