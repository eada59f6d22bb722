//! Counts and sums of a file.

use cuadre_rules::control::add_to_hash_total;
use cuadre_rules::money::{Currency, Overflow, Totals};
use cuadre_rules::movement::{Columns, Field};
use serde::{Deserialize, Serialize};

use super::columns::Movements;
use super::meaning::Meaning;
use crate::error::EngineError;

/// Totals of one source's movements.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceTotals {
    /// Movements.
    pub movements: u64,
    /// Their sum.
    pub amount: Totals,
}

impl SourceTotals {
    /// Adds the totals of other movements of the source.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.movements += other.movements;
        self.amount.merge(&other.amount)
    }
}

/// What is counted and summed while a file is loaded.
pub struct Tally {
    /// Records read.
    pub records: u64,
    /// Those that are movements.
    pub accepted: u64,
    /// Those that are not.
    pub refused: u64,
    /// Sum of the digits of a field of the movements; `None` where it exceeds 38 digits.
    pub hash_total: Option<i128>,
    /// In order of first appearance.
    sums: Vec<Sum>,
}

/// The movements of one source in one currency.
struct Sum {
    source: u16,
    currency: Currency,
    records: u64,
    minor: i128,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { records: 0, accepted: 0, refused: 0, hash_total: Some(0), sums: Vec::new() }
    }

    /// Adds movements; `hash_field` is the field whose digits make the hash total.
    pub fn add(
        &mut self,
        movements: &Movements,
        meaning: &Meaning,
        hash_field: Option<Field>,
    ) -> Result<(), EngineError> {
        let columns = Columns::of(&movements.batch);
        self.accepted += columns.rows() as u64;
        let currencies = columns.texts(Field::Currency);
        let (mut currency, mut last) = (meaning.currency(), None);
        for (row, &source) in movements.sources.iter().enumerate() {
            let code = currencies.map(|codes| codes.value(row));
            if code != last {
                currency = code.unwrap_or_default().parse().map_err(EngineError::bug)?;
                last = code;
            }
            let sum = self.sum(source, currency);
            sum.records += 1;
            sum.minor = sum.minor.checked_add(columns.amount.value(row)).ok_or(Overflow)?;
        }
        if let Some(field) = hash_field {
            for text in (0..columns.rows()).filter_map(|row| columns.text(field, row)) {
                self.hash_total = self.hash_total.and_then(|sum| add_to_hash_total(sum, text));
            }
        }
        Ok(())
    }

    fn sum(&mut self, source: u16, currency: Currency) -> &mut Sum {
        let known = self.sums.iter().position(|sum| sum.source == source && sum.currency == currency);
        let place = known.unwrap_or_else(|| {
            self.sums.push(Sum { source, currency, records: 0, minor: 0 });
            self.sums.len() - 1
        });
        &mut self.sums[place]
    }

    /// The totals by source, in order of first appearance.
    pub fn totals(&self, meaning: &Meaning) -> Result<Vec<(String, SourceTotals)>, EngineError> {
        let mut totals: Vec<(String, SourceTotals)> = Vec::new();
        for sum in &self.sums {
            let id = meaning.source(sum.source);
            let mut amount = Totals::new(meaning.scale());
            amount.add(sum.currency, sum.minor)?;
            let part = SourceTotals { movements: sum.records, amount };
            match totals.iter_mut().find(|(known, _)| known == id) {
                Some((_, whole)) => whole.merge(&part)?,
                None => totals.push((id.to_owned(), part)),
            }
        }
        Ok(totals)
    }
}
