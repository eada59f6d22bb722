//! The sums of every cell.

use std::io;

use super::{Grid, Summand};

/// Format of the text of a table.
const FORMAT: &str = "1";

/// Names of the columns of the text of a table.
const HEADER: &str = "cell,rows,sum1,sum2";

/// What the rows of a cell add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many there are.
    pub rows: u64,
    /// The sum of either summand.
    pub halves: [u128; 2],
}

/// The cells of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    grid: Grid,
    cells: Vec<Sums>,
}

impl Table {
    /// No row yet.
    pub fn new(grid: Grid) -> Self {
        let cells = vec![Sums::default(); grid.others() as usize + 1];
        Self { grid, cells }
    }

    /// How its rows are put into cells.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Adds a row.
    pub fn add(&mut self, Summand { cell, halves }: Summand) {
        let sums = &mut self.cells[cell as usize];
        sums.rows += 1;
        sums.halves[0] += u128::from(halves[0]);
        sums.halves[1] += u128::from(halves[1]);
    }

    /// Rows of all cells.
    pub fn rows(&self) -> u64 {
        self.cells.iter().map(|sums| sums.rows).sum()
    }

    /// Rows of some cells.
    pub fn rows_of<'a>(&self, cells: impl IntoIterator<Item = &'a u32>) -> u64 {
        cells.into_iter().filter_map(|&cell| self.cells.get(cell as usize)).map(|sums| sums.rows).sum()
    }

    /// The cells in which two tables of one grid differ, in order.
    pub fn differing(&self, other: &Self) -> Vec<u32> {
        let pairs = self.cells.iter().zip(&other.cells).zip(0..);
        pairs.filter(|((this, other), _)| this != other).map(|(_, cell)| cell).collect()
    }

    /// Writes the table as CSV: a line with the format, the salt and the digits of a cell, the names of
    /// the columns, and a line for each cell that has rows.
    pub fn write(&self, mut out: impl io::Write) -> io::Result<()> {
        writeln!(out, "cells,{FORMAT},{},{}\n{HEADER}", self.grid.salt, self.grid.digits)?;
        let cells = self.cells.iter().zip(0u32..).filter(|(sums, _)| **sums != Sums::default());
        for (Sums { rows, halves: [first, second] }, cell) in cells {
            writeln!(out, "{cell},{rows},{first},{second}")?;
        }
        Ok(())
    }

    /// Reads what [`Table::write`] wrote; an error says in words what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let (salt, digits) = match head[..] {
            ["cells", FORMAT, salt, "4"] => (salt, 4),
            ["cells", FORMAT, salt, "5"] => (salt, 5),
            ["cells", ..] => return Err("cells of a format that is not known; use a newer version".to_owned()),
            _ => return Err("these are no cells".to_owned()),
        };
        if salt.len() != 32 || !salt.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("the salt of the cells is not 32 hex digits".to_owned());
        }
        let mut table = Self::new(Grid { salt: salt.to_owned(), digits });
        if lines.next() != Some(HEADER) {
            return Err(format!("the columns of cells are {HEADER}"));
        }
        lines.try_for_each(|line| table.set(line).ok_or_else(|| format!("`{line}` is no cell")))?;
        Ok(table)
    }

    /// Sets a cell to what a line of numbers says: cell, rows and both sums.
    pub fn set(&mut self, line: &str) -> Option<()> {
        let mut numbers = line.split(',').map(|number| number.parse::<u128>().ok());
        let mut next = || numbers.next().flatten();
        let (cell, rows) = (usize::try_from(next()?).ok()?, u64::try_from(next()?).ok()?);
        let halves = [next()?, next()?];
        *self.cells.get_mut(cell)? = Sums { rows, halves };
        numbers.next().is_none().then_some(())
    }
}
