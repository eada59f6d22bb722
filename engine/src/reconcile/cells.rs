//! The sources' movements in the [cells](cuadre_rules::cells) that a warehouse was asked for, and what
//! of them has to be compared one by one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cuadre_rules::cells::{Celler, Grid, Table};
use cuadre_rules::end_to_end::Comparison;
use cuadre_rules::money::{Currency, Overflow, Totals};
use cuadre_rules::movement::{Columns, Field};
use rayon::prelude::*;

use super::fold::{RowEncoder, is_chosen, rows_with};
use crate::error::EngineError;
use crate::inputs::{Bytes, Inputs, Role};
use crate::load::SourceTotals;
use crate::load::stage::Staged;

/// Rows and money by place of the source in the plan and by currency.
type Tally = BTreeMap<(u16, Currency), (u64, i128)>;

/// The sources' movements in cells.
pub struct SourceCells<'a> {
    plan: &'a [Comparison],
    staged: &'a [Staged],
    /// Their sums.
    pub table: Table,
    tally: Tally,
}

/// What differs between the cells of both sides, and what agrees.
#[derive(Default)]
pub struct Differing {
    /// By staged file: 0-based rows in cells that differ.
    pub rows: Vec<Vec<usize>>,
    /// By source of the plan: what the movements in the other cells add up to. The warehouse has the
    /// same.
    pub agreeing: Vec<SourceTotals>,
    /// Rows of the warehouse in differing cells.
    pub warehouse_rows: u64,
}

/// The cells that the warehouse sent, where it sent cells.
pub fn of_warehouse(inputs: &Inputs, bytes: &Bytes) -> Result<Option<Table>, EngineError> {
    let Some(input) = inputs.of(Role::Cells, "").next() else { return Ok(None) };
    let path = bytes.path_of(input)?;
    let text = std::fs::read_to_string(&path).map_err(|e| EngineError::io("reading the cells", &path, e))?;
    let table = Table::read(&text).map_err(|why| EngineError::Differs(format!("{}: {why}", input.file.name)))?;
    Ok(Some(table))
}

impl<'a> SourceCells<'a> {
    /// Puts every staged movement into its cell of `grid`, and notes the cell beside it.
    pub fn of(plan: &'a [Comparison], staged: &'a [Staged], grid: &Grid) -> Result<Self, EngineError> {
        let sums = Mutex::new((Table::new(grid.clone()), Tally::new()));
        let add = |file: &Staged| -> Result<(), EngineError> {
            let path = cells_of(file);
            let failed = |e| EngineError::io("listing the cells of rows", &path, e);
            let mut out = BufWriter::new(File::create(&path).map_err(failed)?);
            let (mut celler, encoder, mut summands) = (Celler::new(plan, grid), RowEncoder::new(plan), Vec::new());
            for batch in file.read()? {
                let batch = batch?;
                let columns = Columns::of(&batch);
                let sources = encoder.sources(&columns);
                summands.clear();
                for (row, &source) in sources.iter().enumerate() {
                    let summand = celler.summand(&columns, row, source);
                    out.write_all(&summand.cell.to_le_bytes()).map_err(failed)?;
                    summands.push(summand);
                }
                let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                let (table, tally) = &mut *sums;
                summands.iter().for_each(|summand| table.add(*summand));
                count(&columns, &sources, tally)?;
            }
            out.flush().map_err(failed)
        };
        staged.par_iter().try_for_each(add)?;
        let (table, tally) = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { plan, staged, table, tally })
    }

    /// What differs from the warehouse's cells, which are of the same grid. The cells that its fetched rows
    /// are read to be of count among them. `scale` is the day's.
    pub fn against(&self, warehouse: &Table, fetched: BTreeSet<u32>, scale: u32) -> Result<Differing, EngineError> {
        let cells: HashSet<u32> = self.table.differing(warehouse).into_iter().chain(fetched).collect();
        let warehouse_rows = warehouse.rows_of(&cells);
        let rows = self.staged.par_iter().map(|file| rows_with(&cells_of(file), &cells));
        let rows: Vec<Vec<usize>> = rows.collect::<Result<_, _>>()?;
        let (mut differing, encoder) = (Tally::new(), RowEncoder::new(self.plan));
        for (file, rows) in self.staged.iter().zip(&rows) {
            for batch in file.read_rows(rows)? {
                let batch = batch?;
                let columns = Columns::of(&batch);
                count(&columns, &encoder.sources(&columns), &mut differing)?;
            }
        }
        let mut agreeing: Vec<SourceTotals> = Vec::new();
        agreeing.resize_with(self.plan.len(), || SourceTotals { movements: 0, amount: Totals::new(scale) });
        for (&(source, currency), &(all, minor)) in &self.tally {
            let (rows, less) = differing.get(&(source, currency)).copied().unwrap_or_default();
            if all > rows {
                let totals = &mut agreeing[usize::from(source)];
                totals.movements += all - rows;
                totals.amount.add(currency, minor.checked_sub(less).ok_or(Overflow)?)?;
            }
        }
        Ok(Differing { rows, agreeing, warehouse_rows })
    }
}

/// The cells of rows that were fetched of the warehouse, accepted and staged in `fetched`, as their mapping
/// gives them. Rows of sources that are not `loaded` are the warehouse's alone and have none.
pub fn of_fetched(
    plan: &[Comparison],
    grid: &Grid,
    loaded: &[bool],
    fetched: &[Staged],
) -> Result<BTreeSet<u32>, EngineError> {
    let (mut celler, encoder, mut cells) = (Celler::new(plan, grid), RowEncoder::new(plan), BTreeSet::new());
    for file in fetched {
        for batch in file.read()? {
            let batch = batch?;
            let columns = Columns::of(&batch);
            let sources = encoder.sources(&columns);
            let loaded = sources.iter().enumerate().filter(|(_, source)| is_chosen(loaded, **source));
            cells.extend(loaded.map(|(row, &source)| celler.summand(&columns, row, source).cell));
        }
    }
    Ok(cells)
}

fn count(columns: &Columns<'_>, sources: &[u16], tally: &mut Tally) -> Result<(), EngineError> {
    for (row, &source) in sources.iter().enumerate() {
        let code = columns.text(Field::Currency, row).unwrap_or_default();
        let (rows, minor) = tally.entry((source, code.parse().map_err(EngineError::bug)?)).or_default();
        *rows += 1;
        *minor = minor.checked_add(columns.amount.value(row)).ok_or(Overflow)?;
    }
    Ok(())
}

fn cells_of(staged: &Staged) -> PathBuf {
    staged.path().with_extension("cells")
}
