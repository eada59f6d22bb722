//! The end-to-end reconciliation by exact comparison: both sides are sorted by key (on disk where
//! memory does not suffice) and walked together. [`reconcile`] is the whole interface.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_rules::end_to_end::{Difference, Place, Row, Side, encode, judge};
use cuadre_rules::money::Currency;
use cuadre_rules::movement::{Columns, Field};

use super::sorter::{Sorted, Sorter};
use crate::error::EngineError;
use crate::load::stage;

/// How the movements of each source are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The source.
    pub source: String,
    /// Fields that identify a movement; empty for none.
    pub key: Vec<Field>,
    /// Fields whose values must agree.
    pub compare: Vec<Field>,
}

/// Memory that one side may take before it sorts on disk.
const SIDE_BUDGET: usize = 96 << 20;

/// Compares the staged movements of both sides. Hands every difference to `emit` with the index
/// of its source in `plan`, in order of source, then key; returns the matched pairs per source.
/// Movements of sources that are not in `plan` are not compared.
pub fn reconcile(
    plan: &[Comparison],
    source: &[PathBuf],
    warehouse: &[PathBuf],
    scratch: &Path,
    mut emit: impl FnMut(usize, Difference) -> Result<(), EngineError>,
) -> Result<Vec<u64>, EngineError> {
    let sort = |side: &str, files: &[PathBuf]| {
        let folder = scratch.join(format!("sort-{side}"));
        fs::create_dir_all(&folder).map_err(|e| EngineError::io("sorting", &folder, e))?;
        sorted(plan, files, &folder)
    };
    let (source, warehouse) = rayon::join(|| sort("source", source), || sort("warehouse", warehouse));
    let (mut source, mut warehouse) = (source?, warehouse?);
    let mut matched = vec![0; plan.len()];
    while let Some(key) = source.key().into_iter().chain(warehouse.key()).min().map(<[u8]>::to_vec) {
        let rows = |side: &mut Sorted| -> Result<Vec<Row>, EngineError> {
            let mut rows = Vec::new();
            if side.key() == Some(&key) {
                side.take_group(|payload| rows.extend(row_of(payload)))?;
            }
            Ok(rows)
        };
        let (left, right) = (rows(&mut source)?, rows(&mut warehouse)?);
        let index = usize::from(u16::from_be_bytes([key[0], key[1]]));
        let keyed = !plan[index].key.is_empty();
        let mut emitted = Ok(());
        matched[index] += judge(keyed, &left, &right, |difference| {
            if emitted.is_ok() {
                emitted = emit(index, whole(difference, keyed, &key));
            }
        });
        emitted?;
    }
    Ok(matched)
}

/// The fields that [`Row::values`] of an emitted difference encode, in order.
pub fn shown_fields(comparison: &Comparison) -> Vec<Field> {
    comparison.key.iter().chain(&comparison.compare).copied().collect()
}

/// Puts the key back in front of the compared values.
fn whole(difference: Difference, keyed: bool, key: &[u8]) -> Difference {
    let key = &key[2..];
    let whole = |row: Row| match keyed {
        true => Row { values: [key, &row.values].concat(), ..row },
        false => Row { values: key.to_vec(), ..row },
    };
    match difference {
        Difference::MissingInWarehouse(row) => Difference::MissingInWarehouse(whole(row)),
        Difference::MissingInSource(row) => Difference::MissingInSource(whole(row)),
        Difference::Changed(left, right) => Difference::Changed(whole(left), whole(right)),
        Difference::Duplicate(side, row) => Difference::Duplicate(side, whole(row)),
    }
}

fn sorted(plan: &[Comparison], files: &[PathBuf], folder: &Path) -> Result<Sorted, EngineError> {
    let mut sorter = Sorter::new(folder, SIDE_BUDGET);
    let (mut key, mut payload) = (Vec::new(), Vec::new());
    for file in files {
        for batch in stage::read(file)? {
            let batch = batch?;
            let columns = Columns::of(&batch);
            for row in 0..columns.rows() {
                let source = columns.text(Field::Source, row).unwrap_or_default();
                let Some(index) = plan.iter().position(|comparison| comparison.source == source) else { continue };
                let Comparison { key: key_fields, compare, .. } = &plan[index];
                key.clear();
                payload.clear();
                key.extend_from_slice(&(index as u16).to_be_bytes());
                match key_fields.is_empty() {
                    true => encode(&columns, row, compare, &mut key),
                    false => {
                        encode(&columns, row, key_fields, &mut key);
                        encode(&columns, row, compare, &mut payload);
                    }
                }
                payload.extend_from_slice(&(columns.file.value(row) as u32).to_be_bytes());
                payload.extend_from_slice(&(columns.record.value(row) as u64).to_be_bytes());
                payload.extend_from_slice(&columns.amount.value(row).to_be_bytes());
                payload.extend_from_slice(columns.text(Field::Currency, row).unwrap_or_default().as_bytes());
                sorter.push(&key, &payload)?;
            }
        }
    }
    sorter.finish()
}

/// File (4 bytes), record (8), amount (16) and currency (3) behind the compared values.
fn row_of(payload: &[u8]) -> Option<Row> {
    let (values, tail) = payload.split_last_chunk::<31>()?;
    let (file, tail) = tail.split_first_chunk::<4>()?;
    let (record, tail) = tail.split_first_chunk::<8>()?;
    let (minor, currency) = tail.split_first_chunk::<16>()?;
    let currency: Currency = std::str::from_utf8(currency).ok()?.parse().ok()?;
    Some(Row {
        values: values.to_vec(),
        place: Place { file: u32::from_be_bytes(*file), record: u64::from_be_bytes(*record) },
        money: (currency, i128::from_be_bytes(*minor)),
    })
}

/// The side a difference is evidence of, and its row there.
pub fn evident(difference: &Difference) -> (Side, &Row) {
    match difference {
        Difference::MissingInWarehouse(row) | Difference::Changed(row, _) => (Side::Source, row),
        Difference::MissingInSource(row) => (Side::Warehouse, row),
        Difference::Duplicate(side, row) => (*side, row),
    }
}
