//! What people read at a terminal: a filing ([`day`]), one source or exception of it ([`source`], [`exception`]),
//! and what two filings differ in ([`difference`]).

mod day;
mod difference;
mod exception;
mod source;

pub use day::day;
pub use difference::{Movements, Side, difference};
pub use exception::exception;
pub use source::source;

use crate::locale::Locale;
use crate::predicate::{AmountText, EndToEndFacts};
use crate::visible::visible;

/// What the page is written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// Columns that lines are wrapped at, where they can be.
    pub width: usize,
    /// Whether headings are set off by escape sequences.
    pub styled: bool,
}

impl Paper {
    /// A file, or whatever else is no terminal: the same everywhere.
    pub const FILE: Self = Self { width: 80, styled: false };
}

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// A page in the making.
struct Page {
    paper: Paper,
    text: String,
}

/// What everything but a heading is indented by.
const INDENT: usize = 2;
/// Columns between those of a table.
const GAP: usize = 2;

impl Page {
    fn new(paper: Paper) -> Self {
        Self { paper, text: String::new() }
    }

    /// A heading after an empty line, but at the head of the page.
    fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let text = visible(text, &[]);
        let lines = wrapped(&text, self.paper.width);
        for line in lines {
            self.text += &match self.paper.styled {
                true => format!("\x1b[1m{line}\x1b[0m\n"),
                false => format!("{line}\n"),
            };
        }
    }

    /// Words, wrapped; all lines are indented by so much.
    fn words(&mut self, indent: usize, text: &str) {
        let text = visible(text, &[]);
        for line in wrapped(&text, self.paper.width.saturating_sub(indent)) {
            self.line(indent, line);
        }
    }

    /// Words after a sign, below which they stay.
    fn item(&mut self, indent: usize, sign: &str, text: &str) {
        let text = visible(text, &[]);
        let column = indent + length(sign) + 1;
        for (n, line) in wrapped(&text, self.paper.width.saturating_sub(column)).into_iter().enumerate() {
            let sign = if n == 0 { sign } else { "" };
            self.line(indent, &format!("{}{line}", padded(sign, column - indent, Align::Left)));
        }
    }

    /// A name with what it stands for: short names in a column of their own.
    fn named(&mut self, width: usize, name: &str, text: &str) {
        let (name, text) = (visible(name, &[]), visible(text, &[]));
        let column = INDENT + width + GAP;
        for (n, line) in wrapped(&text, self.paper.width.saturating_sub(column)).into_iter().enumerate() {
            let name = if n == 0 { name.as_ref() } else { "" };
            self.line(INDENT, &format!("{}{line}", padded(name, width + GAP, Align::Left)));
        }
    }

    /// A table: the first row has the columns' names.
    fn table(&mut self, aligned: &[Align], rows: &[Vec<String>]) {
        let shown: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(|cell| visible(cell, &[])).collect()).collect();
        let width = |column: usize| shown.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max();
        let widths: Vec<usize> = (0..aligned.len()).map(|column| width(column).unwrap_or_default()).collect();
        for row in &shown {
            let cells = row.iter().zip(&widths).zip(aligned).map(|((cell, width), align)| padded(cell, *width, *align));
            self.line(INDENT, &cells.collect::<Vec<_>>().join(&" ".repeat(GAP)));
        }
    }

    fn line(&mut self, indent: usize, line: &str) {
        self.text += &" ".repeat(indent);
        self.text += line;
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn padded(text: &str, width: usize, align: Align) -> String {
    let spaces = " ".repeat(width.saturating_sub(length(text)));
    match align {
        Align::Left => format!("{text}{spaces}"),
        Align::Right => format!("{spaces}{text}"),
    }
}

/// The lines of a text, broken at spaces; a word that is longer than a line has one of its own.
fn wrapped(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text.trim_end();
    while length(rest) > width {
        let next = rest.char_indices().nth(width + 1).map_or(rest.len(), |(at, _)| at);
        let end = rest[..next].rfind(' ').filter(|at| *at > 0).or_else(|| rest.find(' ').filter(|at| *at > 0));
        let Some(end) = end else { break };
        lines.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
    lines.push(rest);
    lines
}

/// A text that begins with a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A count with the word for one or for many.
fn counted(count: u64, [one, many]: [&str; 2], locale: &Locale) -> String {
    format!("{} {}", locale.number(count), if count == 1 { one } else { many })
}

/// How many movements of a source and its rows of the warehouse do not tie out.
fn not_tying_out(facts: &EndToEndFacts) -> u64 {
    let EndToEndFacts { missing_in_warehouse, missing_in_source, changed, duplicates, .. } = facts;
    [missing_in_warehouse, missing_in_source, changed, duplicates].into_iter().fold(0, |sum, n| sum.saturating_add(*n))
}

/// Amounts as people read them: `1,234.50 MXN, 5 USD`.
fn money(locale: &Locale, amount: &AmountText) -> String {
    let one = |(currency, text): (&String, &String)| format!("{} {currency}", locale.amount(text));
    amount.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
