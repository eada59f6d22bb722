//! `report.csv`: the movements in the layout of the configuration.

use std::io::Write;

use arrow_array::{Array, RecordBatch, StringArray};
use cuadre_rules::config::Report;
use cuadre_rules::config::report::ReportColumn;
use cuadre_rules::money::{Overflow, Totals, at_own_scale};
use cuadre_rules::movement::{Columns, Field, date_of, instant_of};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;

use crate::amount::push_total;
use crate::batch::{self, Currencies};
use crate::charset::Charset;
use crate::error::Place;
use crate::line::{Lines, Style};
use crate::template;
use crate::{Header, ReportError};

/// `report.csv` in the making. Rows appear in the order in which they are written.
///
/// [`CsvReport::finish`] proves that the rows are as many, and add up to, what the [`Header`]
/// states; without it the report is not whole.
#[derive(Debug)]
pub struct CsvReport<W: Write> {
    out: W,
    lines: Lines,
    columns: Vec<Column>,
    decimal: char,
    neutralise_text: bool,
    /// The trailer record, which is known from the start.
    trailer: Vec<u8>,
    stated_records: u64,
    stated_amount: Totals,
    records: u64,
    amount: Totals,
    currencies: Currencies,
    /// The amount or instant in the making.
    cell: String,
}

#[derive(Debug)]
struct Column {
    field: Field,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Text,
    Amount,
    Date {
        format: Option<String>,
        /// The last date, in days, and its text: nearly all rows of a day have the same.
        last: Option<(i32, String)>,
    },
    Instant {
        format: Option<String>,
    },
}

impl<W: Write> CsvReport<W> {
    /// Starts a report: header record and header line.
    ///
    /// # Errors
    /// [`ReportError::Layout`] where the layout asks for what cannot be (trailer included),
    /// [`ReportError::Unencodable`], [`ReportError::Io`].
    pub fn new(layout: &Report, header: &Header<'_>, out: W) -> Result<Self, ReportError> {
        let style = style(layout)?;
        let columns = layout.columns.iter().map(Column::new).collect::<Result<_, _>>()?;
        let record = |name, template: &Option<String>| match template {
            Some(template) => template::render(name, template, header, layout.decimal, &style),
            None => Ok(Vec::new()),
        };
        let (first, trailer) =
            (record("header_record", &layout.header_record)?, record("trailer_record", &layout.trailer_record)?);
        let mut report = Self {
            out,
            lines: Lines::new(style),
            columns,
            decimal: layout.decimal,
            neutralise_text: layout.neutralise_text,
            trailer,
            stated_records: header.records,
            stated_amount: header.amount.clone(),
            records: 0,
            amount: Totals::new(header.amount.scale()),
            currencies: Currencies::default(),
            cell: String::new(),
        };
        report.out.write_all(&first)?;
        if layout.header {
            report.names(layout)?;
        }
        Ok(report)
    }

    /// Adds the movements of a batch of [`cuadre_rules::movement::schema`], whose scale is that of
    /// the header's totals.
    ///
    /// # Errors
    /// [`ReportError::Unencodable`], [`ReportError::Batch`], [`ReportError::Overflow`],
    /// [`ReportError::Io`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        batch::check(batch, self.stated_amount.scale())?;
        let movements = Columns::of(batch);
        let texts: Vec<_> = self.columns.iter().map(|column| movements.texts(column.field)).collect();
        for row in 0..movements.rows() {
            self.row(&movements, &texts, row)?;
            self.lines.pass_on(&mut self.out)?;
        }
        Ok(())
    }

    /// Ends the report with the trailer record.
    ///
    /// # Errors
    /// [`ReportError::Disagrees`] where the rows are not what the header states,
    /// [`ReportError::Io`].
    pub fn finish(mut self) -> Result<W, ReportError> {
        let amount_agrees = self.amount.minus(&self.stated_amount).is_ok_and(|difference| difference.is_zero());
        if self.records != self.stated_records || !amount_agrees {
            let shown = |records: u64, amount: &Totals| format!("{records} movements ({amount})");
            return Err(ReportError::Disagrees {
                stated: shown(self.stated_records, &self.stated_amount),
                written: shown(self.records, &self.amount),
            });
        }
        self.lines.drain(&mut self.out)?;
        self.out.write_all(&self.trailer)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn names(&mut self, layout: &Report) -> Result<(), ReportError> {
        for column in &layout.columns {
            self.lines.cell(column.name()).map_err(|character| ReportError::Unencodable {
                place: Place::Name(column.name().to_owned()),
                character,
                encoding: self.lines.style().charset.name(),
            })?;
        }
        self.lines.end();
        Ok(())
    }

    fn row(&mut self, movements: &Columns<'_>, texts: &[Option<&StringArray>], row: usize) -> Result<(), ReportError> {
        let minor = movements.amount.value(row);
        let currency = self.currencies.read(movements.text(Field::Currency, row).unwrap_or_default())?;
        let lines = &mut self.lines;
        for (column, text) in self.columns.iter_mut().zip(texts) {
            self.cell.clear();
            let written = match &mut column.shape {
                Shape::Text => match text.filter(|array| array.is_valid(row)).map(|array| array.value(row)) {
                    Some(text) if self.neutralise_text => lines.inert_cell(text),
                    Some(text) => lines.cell(text),
                    None => lines.cell(""),
                },
                Shape::Amount => {
                    let total = at_own_scale(currency, minor, self.stated_amount.scale());
                    push_total(&mut self.cell, total, self.decimal);
                    lines.cell(&self.cell)
                }
                Shape::Date { format, last } => {
                    let days = movements.booked_on.value(row);
                    match last {
                        Some((shown, text)) if *shown == days => lines.cell(text),
                        _ => {
                            let text = show_date(date_of(days), format.as_deref()).map_err(bad_format(column.field))?;
                            lines.cell(&last.insert((days, text)).1)
                        }
                    }
                }
                Shape::Instant { .. } if movements.booked_at.is_null(row) => lines.cell(""),
                Shape::Instant { format } => {
                    let instant = instant_of(movements.booked_at.value(row));
                    show_instant(instant, format.as_deref(), &mut self.cell).map_err(bad_format(column.field))?;
                    lines.cell(&self.cell)
                }
            };
            written.map_err(|character| ReportError::Unencodable {
                place: Place::Cell {
                    field: column.field,
                    file: movements.file.value(row),
                    record: movements.record.value(row),
                },
                character,
                encoding: lines.style().charset.name(),
            })?;
        }
        lines.end();
        self.records += 1;
        self.amount.add(currency, minor).map_err(overflow)
    }
}

impl Column {
    fn new(column: &ReportColumn) -> Result<Self, ReportError> {
        let format = column.format.clone();
        let shape = match column.field {
            Field::BookedOn => {
                show_date(Date::constant(2026, 11, 21), format.as_deref()).map_err(bad_format(column.field))?;
                Shape::Date { format, last: None }
            }
            Field::BookedAt => {
                let sample = &mut String::new();
                show_instant(Timestamp::UNIX_EPOCH, format.as_deref(), sample).map_err(bad_format(column.field))?;
                Shape::Instant { format }
            }
            field if format.is_some() => {
                return Err(ReportError::Layout {
                    setting: format!("columns, field {field}"),
                    why: "`format` is for dates and instants".to_owned(),
                    remedy: "remove it; amounts follow `report.decimal`",
                });
            }
            Field::Amount => Shape::Amount,
            _ => Shape::Text,
        };
        Ok(Self { field: column.field, shape })
    }
}

fn style(layout: &Report) -> Result<Style, ReportError> {
    let delimiter = u8::try_from(layout.delimiter).ok().filter(|byte| byte.is_ascii());
    let Some(delimiter) = delimiter.filter(|byte| !matches!(byte, b'"' | b'\r' | b'\n')) else {
        return Err(ReportError::Layout {
            setting: "delimiter".to_owned(),
            why: format!("{:?} cannot stand between fields", layout.delimiter),
            remedy: "use one ASCII character that is neither a quote nor a line end",
        });
    };
    if layout.decimal.is_ascii_digit() || layout.decimal.is_control() || matches!(layout.decimal, '-' | '+' | '"') {
        return Err(ReportError::Layout {
            setting: "decimal".to_owned(),
            why: format!("{:?} cannot be a decimal mark", layout.decimal),
            remedy: "use `.` or `,`",
        });
    }
    Ok(Style { delimiter, crlf: layout.crlf, charset: Charset::of(layout.encoding) })
}

fn show_date(date: Date, format: Option<&str>) -> Result<String, jiff::Error> {
    match format {
        None => Ok(date.to_string()),
        Some(format) => BrokenDownTime::from(date).to_string(format),
    }
}

fn show_instant(instant: Timestamp, format: Option<&str>, out: &mut String) -> Result<(), jiff::Error> {
    match format {
        None => jiff::fmt::temporal::DateTimePrinter::new().print_timestamp(&instant, out),
        Some(format) => BrokenDownTime::from(instant).format(format, out),
    }
}

fn bad_format(field: Field) -> impl Fn(jiff::Error) -> ReportError {
    move |error| ReportError::Layout {
        setting: format!("columns, field {field}"),
        why: format!("`format` cannot be followed: {error}"),
        remedy: "use a strftime pattern such as %d/%m/%Y",
    }
}

fn overflow(source: Overflow) -> ReportError {
    ReportError::Overflow { what: "the amounts of the report", source }
}

#[cfg(test)]
mod tests;
