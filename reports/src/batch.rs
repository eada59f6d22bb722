//! Batches of movements: what must hold of them before they are read.

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use cuadre_rules::money::Currency;
use cuadre_rules::movement::{self, Field};

use crate::ReportError;

/// Refuses a batch whose columns are not those of [`movement::schema`] at `scale`.
pub(crate) fn check(batch: &RecordBatch, scale: u32) -> Result<(), ReportError> {
    let (found, expected) = (batch.schema(), movement::schema(scale));
    let columns = expected.fields().len();
    if found.fields().len() != columns {
        let why = format!("it has {} columns instead of {columns}", found.fields().len());
        return Err(ReportError::Batch { why });
    }
    for (found, expected) in found.fields().iter().zip(expected.fields()) {
        if found.name() != expected.name() || found.data_type() != expected.data_type() {
            let why = format!(
                "its column `{}` of {} stands where `{}` of {} belongs",
                found.name(),
                found.data_type(),
                expected.name(),
                expected.data_type()
            );
            return Err(ReportError::Batch { why });
        }
    }
    Ok(())
}

/// The scale of a batch's amounts.
pub(crate) fn scale_of(batch: &RecordBatch) -> Option<u32> {
    match batch.schema_ref().fields().get(Field::Amount.column())?.data_type() {
        DataType::Decimal128(_, scale) => u32::try_from(*scale).ok(),
        _ => None,
    }
}

/// Reads currency codes, most of which equal the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Currencies {
    last: Option<Currency>,
}

impl Currencies {
    pub(crate) fn read(&mut self, code: &str) -> Result<Currency, ReportError> {
        if let Some(currency) = self.last.filter(|currency| currency.code() == code) {
            return Ok(currency);
        }
        let currency =
            code.parse().map_err(|_| ReportError::Batch { why: format!("`{code}` is no ISO 4217 currency") })?;
        self.last = Some(currency);
        Ok(currency)
    }
}
