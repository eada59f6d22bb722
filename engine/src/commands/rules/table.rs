//! Tables for a terminal.

/// Lines of cells under each other, each column as wide as it has to be, all `indent` blanks from the left.
pub fn lines(rows: &[Vec<String>], indent: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell_width = |row: &Vec<String>, n: usize| row.get(n).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|n| rows.iter().map(|row| cell_width(row, n)).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("{:indent$}{}", "", cells.join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
