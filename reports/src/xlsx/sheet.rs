//! One sheet, written row by row: what is written goes to a file at once, and none of it can be executed.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_xlsxwriter::{
    ColNum, Color, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, RowNum, Workbook, Worksheet,
    XlsxError,
};

use super::number::{Number, exact};
use crate::line::executes;
use crate::locale::Locale;
use crate::visible::visible;

/// UTF-16 units that fit in a cell.
const CELL_UNITS: usize = 32_767;
/// A4.
const A4: u8 = 9;

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
        Ok(Self { sheet, locale, row: 0, column: 0 })
    }

    /// The names of the columns, which stay in sight and head every page; `rows` follow, to be filtered.
    pub(super) fn header(&mut self, columns: &[Column], rows: u64) -> Result<(), XlsxError> {
        for (at, Column { name, width, is_number }) in (0..).zip(columns) {
            self.sheet.set_column_width(at, *width)?;
            let align = if *is_number { FormatAlign::Right } else { FormatAlign::Left };
            let format = heading().set_align(align).set_align(FormatAlign::Top).set_text_wrap();
            self.sheet.write_string_with_format(self.row, at, *name, &format)?;
        }
        let last_column = ColNum::try_from(columns.len()).unwrap_or(1).saturating_sub(1);
        let last = self.row.saturating_add(RowNum::try_from(rows).unwrap_or(LAST_ROW)).min(LAST_ROW);
        self.sheet.set_freeze_panes(self.row + 1, 0)?.set_repeat_rows(self.row, self.row)?;
        self.sheet.autofilter(self.row, 0, last, last_column)?;
        self.sheet.ignore_error_range(0, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
        self.end_row();
        Ok(())
    }

    /// The width of a column, in characters.
    pub(super) fn width(&mut self, column: ColNum, width: u16) -> Result<(), XlsxError> {
        self.sheet.set_column_width(column, width).map(drop)
    }

    /// A text over the first columns of a row of its own, which is made as high as it needs at so many characters
    /// a line.
    pub(super) fn words(&mut self, text: &str, columns: u16, width: usize, format: Format) -> Result<(), XlsxError> {
        let text = cell_text(text, self.locale);
        let lines: usize = text.split('\n').map(|line| line.chars().count().div_ceil(width).max(1)).sum();
        let pixels = u32::try_from(lines).unwrap_or(1).clamp(1, 20).saturating_mul(20);
        self.sheet.set_row_height_pixels(self.row, pixels)?;
        let format = guarded(format.set_text_wrap().set_align(FormatAlign::Top), &text);
        self.sheet.merge_range(self.row, 0, self.row, columns.saturating_sub(1), &text, &format)?;
        self.end_row();
        Ok(())
    }

    /// A row of bold names.
    pub(super) fn names(&mut self, names: &[&str]) -> Result<(), XlsxError> {
        for (n, name) in names.iter().enumerate() {
            let align = if n == 0 { FormatAlign::Left } else { FormatAlign::Right };
            self.put(name, heading().set_align(align))?;
        }
        self.end_row();
        Ok(())
    }

    /// A cell of text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        self.put(text, Format::new().set_align(FormatAlign::Top))
    }

    /// A cell of bold text.
    pub(super) fn name(&mut self, text: &str) -> Result<(), XlsxError> {
        self.put(text, Format::new().set_bold().set_align(FormatAlign::Top))
    }

    /// A cell of text that may be long, on several lines.
    pub(super) fn long(&mut self, text: &str) -> Result<(), XlsxError> {
        self.put(text, Format::new().set_align(FormatAlign::Top).set_text_wrap())
    }

    /// A cell of an amount or a count: a number where that is exact, else text on the right.
    pub(super) fn amount(&mut self, text: &str) -> Result<(), XlsxError> {
        match exact(text) {
            Some(Number { value, decimals }) => {
                let format = Format::new().set_num_format(shape(decimals)).set_align(FormatAlign::Top);
                self.sheet.write_number_with_format(self.row, self.column, value, &format)?;
                self.column += 1;
                Ok(())
            }
            None => self.put(text, Format::new().set_align(FormatAlign::Right).set_align(FormatAlign::Top)),
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
        let format = Format::new().set_num_format(shape).set_align(FormatAlign::Left).set_align(FormatAlign::Top);
        self.sheet.write_datetime_with_format(self.row, self.column, &moment, &format)?;
        self.column += 1;
        Ok(())
    }

    /// Leaves cells empty.
    pub(super) fn skip(&mut self, cells: ColNum) {
        self.column += cells;
    }

    /// Goes on to the next row.
    pub(super) fn end_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    fn put(&mut self, text: &str, format: Format) -> Result<(), XlsxError> {
        if !text.is_empty() {
            let text = cell_text(text, self.locale);
            self.sheet.write_string_with_format(self.row, self.column, text.as_ref(), &guarded(format, &text))?;
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

/// How a number of so many decimals is shown.
fn shape(decimals: usize) -> String {
    match decimals {
        0 => "#,##0".to_owned(),
        decimals => format!("#,##0.{}", "0".repeat(decimals)),
    }
}

/// Text that would be taken for a formula if somebody edited its cell is marked as text.
fn guarded(format: Format, text: &str) -> Format {
    if executes(text) { format.set_quote_prefix() } else { format }
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
