//! One sheet, written row by row: what is written goes to a file at once, and none of it can be executed.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_xlsxwriter::{
    ColNum, Color, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, RowNum, Workbook, Worksheet,
    XlsxError,
};

use super::number::{MOST_DECIMALS, Number, exact};
use crate::line::executes;
use crate::locale::Locale;
use crate::text::wrapped;
use crate::visible::visible;

/// UTF-16 units that fit in a cell.
const CELL_UNITS: usize = 32_767;
/// A4.
const A4: u8 = 9;
/// Of a page, in inches: at its sides, and above and below where header and footer are.
const MARGIN: f64 = 0.4;
const WIDE: f64 = 0.75;
/// Of a line, and the most lines that a row is as high as.
const LINE_PIXELS: u32 = 20;
const MOST_LINES: usize = 20;

/// A column: what it is called, how wide it is, and what stands in it.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// In characters.
    pub(super) width: u16,
    pub(super) is_number: bool,
}

/// A column of texts.
pub(super) const fn text(name: &'static str, width: u16) -> Column {
    Column { name, width, is_number: false }
}

/// A column of numbers and amounts.
pub(super) const fn number(name: &'static str, width: u16) -> Column {
    Column { name, width, is_number: true }
}

/// A sheet in the making.
pub(super) struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    locale: &'a Locale,
    row: RowNum,
    column: ColNum,
    /// In characters, as far as they are known.
    widths: Vec<u16>,
    /// How many lines the row has.
    lines: usize,
    styles: Styles,
}

/// How cells look, made once. A text that would be taken for a formula if somebody edited its cell is marked as
/// text: the second of each two.
struct Styles {
    text: [Format; 2],
    name: [Format; 2],
    long: [Format; 2],
    right: [Format; 2],
    /// By the number of decimals.
    numbers: Vec<Format>,
}

impl Styles {
    fn new() -> Self {
        let both = |format: Format| [format.clone(), format.set_quote_prefix()];
        let number = |decimals| Format::new().set_num_format(shape(decimals)).set_align(FormatAlign::Top);
        Self {
            text: both(left()),
            name: both(left().set_bold()),
            long: both(left().set_text_wrap()),
            right: both(Format::new().set_align(FormatAlign::Right).set_align(FormatAlign::Top)),
            numbers: (0..=MOST_DECIMALS).map(number).collect(),
        }
    }
}

impl<'a> Sheet<'a> {
    /// A new sheet of the workbook. Its header on paper has the `title`.
    pub(super) fn new(
        workbook: &'a mut Workbook,
        name: &str,
        title: &str,
        locale: &'a Locale,
    ) -> Result<Self, XlsxError> {
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?.set_paper_size(A4).set_landscape().set_print_fit_to_pages(1, 0);
        // A header has 255 characters, in which & begins a code.
        let title: String = visible(title, &[]).chars().filter(|c| *c != '&').take(200).collect();
        sheet.set_header(format!("&L{title}&R{name}"));
        sheet.set_footer(locale.pick("&CPage &P of &N", "&CPágina &P de &N"));
        sheet.set_margins(MARGIN, MARGIN, WIDE, WIDE, MARGIN, MARGIN);
        Ok(Self { sheet, locale, row: 0, column: 0, widths: Vec::new(), lines: 1, styles: Styles::new() })
    }

    /// The names of the columns, which stay in sight and head every page; `rows` follow, to be filtered.
    pub(super) fn header(&mut self, columns: &[Column], rows: u64) -> Result<(), XlsxError> {
        for (at, Column { name, width, is_number }) in (0..).zip(columns) {
            self.width(at, *width)?;
            self.lines = self.lines.max(lines(name, *width));
            let align = if *is_number { FormatAlign::Right } else { FormatAlign::Left };
            let format = heading().set_align(align).set_align(FormatAlign::Top).set_text_wrap();
            let format = if *is_number { format } else { format.set_indent(1) };
            self.sheet.write_string_with_format(self.row, at, *name, &format)?;
        }
        let last_column = ColNum::try_from(columns.len()).unwrap_or(1).saturating_sub(1);
        let last = self.row.saturating_add(RowNum::try_from(rows).unwrap_or(LAST_ROW)).min(LAST_ROW);
        self.sheet.set_freeze_panes(self.row + 1, 0)?.set_repeat_rows(self.row, self.row)?;
        self.sheet.autofilter(self.row, 0, last, last_column)?;
        self.sheet.ignore_error_range(0, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
        self.end_row()
    }

    /// The width of a column, in characters.
    pub(super) fn width(&mut self, column: ColNum, width: u16) -> Result<(), XlsxError> {
        self.widths.resize(self.widths.len().max(usize::from(column) + 1), width);
        self.sheet.set_column_width(column, width).map(drop)
    }

    /// A text over all columns, in a row of its own.
    pub(super) fn words(&mut self, text: &str, format: Format) -> Result<(), XlsxError> {
        let text = cell_text(text, self.locale);
        let format = format.set_text_wrap().set_align(FormatAlign::Top);
        let format = if executes(&text) { format.set_quote_prefix() } else { format };
        let last = ColNum::try_from(self.widths.len()).unwrap_or(1).saturating_sub(1);
        self.sheet.merge_range(self.row, 0, self.row, last, &text, &format)?;
        self.lines = lines(&text, self.widths.iter().sum());
        self.end_row()
    }

    /// A row of names over columns of numbers.
    pub(super) fn names(&mut self, names: &[&str]) -> Result<(), XlsxError> {
        for (at, name) in (0..).zip(names) {
            let align = if at == 0 { FormatAlign::Left } else { FormatAlign::Right };
            self.sheet.write_string_with_format(self.row, at, visible(name, &[]), &heading().set_align(align))?;
        }
        self.end_row()
    }

    /// A cell of text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        self.put(text, |styles| &styles.text)
    }

    /// A cell of bold text.
    pub(super) fn name(&mut self, text: &str) -> Result<(), XlsxError> {
        self.put(text, |styles| &styles.name)
    }

    /// A cell of text that may be long, on several lines.
    pub(super) fn long(&mut self, text: &str) -> Result<(), XlsxError> {
        let width = self.widths.get(usize::from(self.column)).copied().unwrap_or(1);
        self.lines = self.lines.max(lines(text, width));
        self.put(text, |styles| &styles.long)
    }

    /// A cell of an amount or a count: a number where that is exact, else text on the right.
    pub(super) fn amount(&mut self, text: &str) -> Result<(), XlsxError> {
        match exact(text) {
            Some(Number { value, decimals }) => {
                let format = &self.styles.numbers[decimals];
                self.sheet.write_number_with_format(self.row, self.column, value, format)?;
                self.column += 1;
                Ok(())
            }
            None => self.put(text, |styles| &styles.right),
        }
    }

    /// A cell of a count.
    pub(super) fn count(&mut self, count: u64) -> Result<(), XlsxError> {
        self.amount(&count.to_string())
    }

    /// A cell of a date.
    pub(super) fn date(&mut self, date: Date) -> Result<(), XlsxError> {
        let shape = self.locale.pick("yyyy-mm-dd", "dd/mm/yyyy");
        let [year, month, day] =
            [date.year().unsigned_abs(), date.month().unsigned_abs().into(), date.day().unsigned_abs().into()];
        let moment = ExcelDateTime::from_ymd(year, month as u8, day as u8);
        self.moment(moment, &date.to_string(), shape)
    }

    /// A cell of an instant, in local time.
    pub(super) fn instant(&mut self, instant: Timestamp) -> Result<(), XlsxError> {
        let local = instant.to_zoned(self.locale.zone.clone());
        let shape = self.locale.pick("yyyy-mm-dd hh:mm", "dd/mm/yyyy hh:mm");
        let text = local.strftime("%Y-%m-%d %H:%M").to_string();
        self.moment(ExcelDateTime::parse_from_str(&text), &text, shape)
    }

    /// A date that no spreadsheet knows, such as one before 1900, stays text.
    fn moment(&mut self, moment: Result<ExcelDateTime, XlsxError>, text: &str, shape: &str) -> Result<(), XlsxError> {
        let Ok(moment) = moment else { return self.text(text) };
        let format = left().set_num_format(shape);
        self.sheet.write_datetime_with_format(self.row, self.column, &moment, &format)?;
        self.column += 1;
        Ok(())
    }

    /// Leaves cells empty.
    pub(super) fn skip(&mut self, cells: ColNum) {
        self.column += cells;
    }

    /// Goes on to the next row; this one is made as high as its texts need.
    pub(super) fn end_row(&mut self) -> Result<(), XlsxError> {
        if self.lines > 1 {
            let lines = u32::try_from(self.lines.min(MOST_LINES)).unwrap_or(1);
            self.sheet.set_row_height_pixels(self.row, lines.saturating_mul(LINE_PIXELS))?;
        }
        (self.row, self.column, self.lines) = (self.row + 1, 0, 1);
        Ok(())
    }

    fn put(&mut self, text: &str, style: fn(&Styles) -> &[Format; 2]) -> Result<(), XlsxError> {
        if !text.is_empty() {
            let text = cell_text(text, self.locale);
            let format = &style(&self.styles)[usize::from(executes(&text))];
            self.sheet.write_string_with_format(self.row, self.column, text.as_ref(), format)?;
        }
        self.column += 1;
        Ok(())
    }
}

/// The last row that a sheet can have, counted from 0.
pub(super) const LAST_ROW: RowNum = 1_048_575;

fn heading() -> Format {
    let (ink, paper) = (Color::RGB(0xff_ff_ff), Color::RGB(0x1f_3a_5f));
    Format::new().set_bold().set_font_color(ink).set_background_color(paper).set_border(FormatBorder::Thin)
}

/// At the left of a cell, a little off the number at the right of the one before.
fn left() -> Format {
    Format::new().set_align(FormatAlign::Left).set_align(FormatAlign::Top).set_indent(1)
}

/// How many lines a text has in a column of so many characters.
fn lines(text: &str, width: u16) -> usize {
    // Some for the indent, and for letters that are wider than digits.
    let width = usize::from(width.saturating_sub(2 + width / 10).max(1));
    let seen = text.char_indices().nth(width.saturating_mul(MOST_LINES)).map_or(text, |(end, _)| &text[..end]);
    let lines = seen.split('\n').flat_map(|line| wrapped(line, width));
    lines.map(|line| line.chars().count().div_ceil(width).max(1)).sum()
}

/// How a number of so many decimals is shown.
fn shape(decimals: usize) -> String {
    match decimals {
        0 => "#,##0".to_owned(),
        decimals => format!("#,##0.{}", "0".repeat(decimals)),
    }
}

/// A text as a cell holds it: without characters that XML forbids, and cut where it is too long, saying so.
fn cell_text<'t>(text: &'t str, locale: &Locale) -> Cow<'t, str> {
    let text = visible(text, &['\n', '\t']);
    let units = text.encode_utf16().count();
    if units <= CELL_UNITS {
        return text;
    }
    let note = locale.pick(
        format!(" [cut here; {units} characters in all]"),
        format!(" [cortado aquí; {units} caracteres en total]"),
    );
    let mut room = CELL_UNITS.saturating_sub(note.encode_utf16().count());
    let fits = |c: &char| {
        let fits = c.len_utf16() <= room;
        room = room.saturating_sub(c.len_utf16());
        fits
    };
    Cow::Owned(text.chars().take_while(fits).collect::<String>() + &note)
}
