//! The end-to-end reconciliation. Rows that share a key are judged together, exactly: both sides
//! are sorted by key (on disk where memory does not suffice) and walked side by side.
//!
//! Where the sides were folded into a sketch while they were loaded, only the rows of keys that
//! differ are sorted and walked. The judgement is the same code and the same answer.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use cuadre_rules::end_to_end::{Comparison, Difference, Place, Row, Side, judge};
use cuadre_rules::money::Currency;
use cuadre_rules::movement::{Columns, Field};
use cuadre_rules::sketch::{CAPACITY, Digester, Folder, Sketch, proof};
use rayon::prelude::*;

use super::fold::{Folding, RowEncoder, is_chosen, retain_chosen, rows_of};
use super::sorter::{Sorted, Sorter};
use crate::error::EngineError;
use crate::load::stage::Staged;

/// The staged movements of both sides, to be compared. Two filings of a day are compared likewise: the earlier
/// in the place of the sources, the later in that of the warehouse.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// How, by source. Movements of other sources are not compared.
    pub plan: &'a [Comparison],
    /// Staged movements of the sources.
    pub source: &'a [Staged],
    /// Staged rows of the warehouse.
    pub warehouse: &'a [Staged],
    /// A folder to sort in.
    pub scratch: &'a Path,
    /// Bytes of memory that sorting may take.
    pub memory: usize,
}

/// Which rows of one side are looked at.
struct Chosen {
    /// Sources of the plan.
    sources: Vec<bool>,
    /// By file: 0-based rows; every row where `None`.
    rows: Option<Vec<Vec<usize>>>,
}

/// One side in order of key, and what was found on the way.
struct InOrder {
    sorted: Sorted,
    /// Rows by source of the plan.
    counts: Vec<u64>,
    /// Their balance under the digester.
    balance: u128,
}

impl Sides<'_> {
    /// Compares every movement. Hands each difference to `emit` with the index of its source in
    /// the plan, in order of source, then key; returns the matched pairs per source.
    pub fn compare_all(
        &self,
        emit: impl FnMut(usize, Difference) -> Result<(), EngineError>,
    ) -> Result<Vec<u64>, EngineError> {
        self.compare_sources(vec![true; self.plan.len()], emit)
    }

    /// The same, by the sketch that the sides were folded into. Differences of sources that were
    /// not folded come after the others.
    pub fn compare_folded(
        &self,
        folding: Folding<'_>,
        mut emit: impl FnMut(usize, Difference) -> Result<(), EngineError>,
    ) -> Result<Vec<u64>, EngineError> {
        let (folded, digester, sum) = folding.finish();
        let files = || self.source.iter().chain(self.warehouse);
        // A source of which one file turned out unreadable takes no part, but its other files are folded.
        let same_files = files().count() == sum.files.len() && files().all(|file| sum.files.contains(file.path()));
        if !same_files {
            return self.compare_all(emit);
        }
        let (balance, estimate) = (sum.sketch.balance(), sum.sketch.estimate());
        let keys = match sum.sketch.differing_keys() {
            Some(keys) => Some(keys),
            None => self.fold_again(&digester, &folded, estimate)?,
        };
        let Some(keys) = keys else { return self.compare_all(emit) };
        let chosen = |files: &[Staged]| -> Result<Chosen, EngineError> {
            let rows = files.par_iter().map(|file| rows_of(file.path(), &keys)).collect::<Result<_, _>>()?;
            Ok(Chosen { sources: folded.clone(), rows: Some(rows) })
        };
        let (source, warehouse) =
            self.sort(&chosen(self.source)?, &chosen(self.warehouse)?, "differing", Some(&digester))?;
        if source.balance.wrapping_add(warehouse.balance) != balance {
            return self.compare_all(emit);
        }
        let examined = source.counts.clone();
        let mut matched = self.walk(source.sorted, warehouse.sorted, &mut emit)?;
        for (index, matched) in matched.iter_mut().enumerate() {
            *matched += sum.movements[index] - examined[index];
        }
        let others: Vec<bool> = folded.iter().map(|folded| !folded).collect();
        if others.contains(&true) {
            let more = self.compare_sources(others, emit)?;
            matched.iter_mut().zip(more).for_each(|(matched, more)| *matched += more);
        }
        Ok(matched)
    }

    /// The same of the given 0-based rows of each file of the sources, and of every row of the warehouse.
    pub fn compare_rows(
        &self,
        rows: Vec<Vec<usize>>,
        emit: impl FnMut(usize, Difference) -> Result<(), EngineError>,
    ) -> Result<Vec<u64>, EngineError> {
        let sources = vec![true; self.plan.len()];
        let (source, warehouse) = self.sort(
            &Chosen { sources: sources.clone(), rows: Some(rows) },
            &Chosen { sources, rows: None },
            "cells",
            None,
        )?;
        self.walk(source.sorted, warehouse.sorted, emit)
    }

    /// The keys that differ, by a sketch with room for about `estimate` rows; `None` where that is
    /// more than the memory has room for.
    fn fold_again(
        &self,
        digester: &Digester,
        folded: &[bool],
        estimate: usize,
    ) -> Result<Option<HashSet<u32>>, EngineError> {
        let rows: usize = self.source.iter().chain(self.warehouse).map(Staged::rows).sum();
        let room = (estimate.min(rows) / 8 * 9).max(CAPACITY);
        if 2 * Sketch::bytes_for(room) > self.memory {
            return Ok(None);
        }
        let encoder = RowEncoder::new(self.plan);
        let fold = |side: Side, files: &[Staged]| -> Result<Sketch, EngineError> {
            let (mut folder, mut digests) = (Folder::new(side, Sketch::with_room_for(room)), Vec::new());
            for file in files {
                for batch in file.read()? {
                    let batch = batch?;
                    let columns = Columns::of(&batch);
                    let sources = encoder.sources(&columns);
                    digester.digest(&columns, &sources, &mut digests);
                    retain_chosen(&mut digests, &sources, folded);
                    folder.add(&digests);
                }
            }
            Ok(folder.finish())
        };
        let (source, warehouse) =
            rayon::join(|| fold(Side::Source, self.source), || fold(Side::Warehouse, self.warehouse));
        let mut sketch = source?;
        sketch.merge(&warehouse?);
        Ok(sketch.differing_keys())
    }

    fn compare_sources(
        &self,
        sources: Vec<bool>,
        emit: impl FnMut(usize, Difference) -> Result<(), EngineError>,
    ) -> Result<Vec<u64>, EngineError> {
        let all = Chosen { sources, rows: None };
        let (source, warehouse) = self.sort(&all, &all, "all", None)?;
        self.walk(source.sorted, warehouse.sorted, emit)
    }

    fn sort(
        &self,
        source: &Chosen,
        warehouse: &Chosen,
        folder: &str,
        digester: Option<&Digester>,
    ) -> Result<(InOrder, InOrder), EngineError> {
        let sort = |side: Side, files: &[Staged], chosen: &Chosen| {
            let folder = self.scratch.join(format!("sort-{folder}-{side:?}"));
            fs::create_dir_all(&folder).map_err(|e| EngineError::io("sorting", &folder, e))?;
            self.sort_side(side, files, chosen, &folder, digester)
        };
        let (source, warehouse) = rayon::join(
            || sort(Side::Source, self.source, source),
            || sort(Side::Warehouse, self.warehouse, warehouse),
        );
        Ok((source?, warehouse?))
    }

    fn sort_side(
        &self,
        side: Side,
        files: &[Staged],
        chosen: &Chosen,
        folder: &Path,
        digester: Option<&Digester>,
    ) -> Result<InOrder, EngineError> {
        let sorter = Sorter::new(folder, self.memory / 2);
        let side_so_far = Mutex::new((sorter, vec![0; self.plan.len()], 0u128));
        let sort = |(n, file): (usize, &Staged)| -> Result<(), EngineError> {
            let mut encoder = RowEncoder::new(self.plan);
            let (mut digests, mut rows, mut ends) = (Vec::new(), Vec::new(), Vec::new());
            let batches = match &chosen.rows {
                Some(rows) => file.read_rows(&rows[n])?,
                None => file.read()?,
            };
            for batch in batches {
                let batch = batch?;
                let columns = Columns::of(&batch);
                let sources = encoder.sources(&columns);
                if let Some(digester) = digester {
                    digester.digest(&columns, &sources, &mut digests);
                }
                rows.clear();
                ends.clear();
                let mut balance = 0u128;
                for (row, &source) in
                    sources.iter().enumerate().filter(|(_, source)| is_chosen(&chosen.sources, **source))
                {
                    encoder.encode(&columns, row, source);
                    let key_end = rows.len() + encoder.key_length;
                    rows.extend_from_slice(&encoder.bytes);
                    put_tail(&columns, row, &mut rows);
                    ends.push((key_end, rows.len(), source));
                    balance = digests.get(row).map_or(balance, |digest| balance.wrapping_add(proof(side, digest)));
                }
                // Rows come back in an order that they alone decide, whichever file is first.
                let mut so_far = side_so_far.lock().unwrap_or_else(PoisonError::into_inner);
                let (sorter, counts, sum) = &mut *so_far;
                *sum = sum.wrapping_add(balance);
                let mut start = 0;
                for &(key_end, end, source) in &ends {
                    counts[usize::from(source)] += 1;
                    sorter.push(&rows[start..key_end], &rows[key_end..end])?;
                    start = end;
                }
            }
            Ok(())
        };
        files.par_iter().enumerate().try_for_each(sort)?;
        let (sorter, counts, balance) = side_so_far.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(InOrder { sorted: sorter.finish()?, counts, balance })
    }

    fn walk(
        &self,
        mut source: Sorted,
        mut warehouse: Sorted,
        mut emit: impl FnMut(usize, Difference) -> Result<(), EngineError>,
    ) -> Result<Vec<u64>, EngineError> {
        let mut matched = vec![0; self.plan.len()];
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
            let keyed = !self.plan[index].key.is_empty();
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

/// Appends where a row lies and the money it moves, for [`row_of`].
fn put_tail(columns: &Columns<'_>, row: usize, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&(columns.file.value(row) as u32).to_be_bytes());
    payload.extend_from_slice(&(columns.record.value(row) as u64).to_be_bytes());
    payload.extend_from_slice(&columns.amount.value(row).to_be_bytes());
    payload.extend_from_slice(columns.text(Field::Currency, row).unwrap_or_default().as_bytes());
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
