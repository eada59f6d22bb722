//! `exceptions.csv`: one row per break, rejection or violation, for people.

use std::io::{self, Read, Write};

use cuadre_rules::exception::Evidence;

use crate::ReportError;
use crate::decimal::DecimalSums;
use crate::line::{Lines, Style, is_plain_decimal};
use crate::predicate::AmountText;
use crate::view::EvidenceView;

const COLUMNS: [&str; 11] = [
    "exception",
    "kind",
    "source",
    "file",
    "record",
    "column",
    "source_value",
    "warehouse_value",
    "amount",
    "currency",
    "reason",
];

/// Writes `exceptions.csv` (UTF-8, LF) row by row and returns how many rows there were.
///
/// Cells that a spreadsheet would execute start with `'`; plain decimals such as `-12.50` stay as
/// they are in the columns that hold values.
///
/// # Errors
/// The first error of `rows`, or [`ReportError::Io`].
pub fn write_exceptions<E: From<ReportError>>(
    rows: impl IntoIterator<Item = Result<Evidence, E>>,
    mut out: impl Write,
) -> Result<u64, E> {
    let failed = |error: std::io::Error| E::from(ReportError::Io(error));
    let mut lines = Lines::new(Style::PLAIN);
    COLUMNS.iter().try_for_each(|name| lines.cell(name)).map_err(impossible)?;
    lines.end();
    let mut written = 0;
    for row in rows {
        line(&mut lines, &row?).map_err(impossible)?;
        lines.pass_on(&mut out).map_err(failed)?;
        written += 1;
    }
    lines.drain(&mut out).map_err(failed)?;
    out.flush().map_err(failed)?;
    Ok(written)
}

/// Reads `exceptions.csv`, row by row. A `'` at the head of a cell stays, since it may be of the text itself.
pub fn read_exceptions(file: impl Read) -> impl Iterator<Item = io::Result<Evidence>> {
    csv::Reader::from_reader(file).into_deserialize().map(|row| Ok(row?))
}

/// The first rows of each exception in `exceptions.csv`, where those of one follow each other.
pub fn first_rows(file: impl Read, most: usize) -> io::Result<Vec<EvidenceView>> {
    let mut reader = csv::Reader::from_reader(file);
    let columns = reader.headers()?.clone();
    let at = |name: &str| columns.iter().position(|column| column == name);
    let (amount, currency) = (at("amount"), at("currency"));
    let (mut views, mut row) = (Vec::<EvidenceView>::new(), csv::StringRecord::new());
    let mut gross = DecimalSums::new();
    while reader.read_record(&mut row)? {
        let exception = row.get(0).unwrap_or_default();
        if views.last().is_none_or(|view| view.exception != exception) {
            end(&mut views, &mut gross);
            let exception = exception.to_owned();
            views.push(EvidenceView { exception, rows: Vec::new(), all: 0, gross: AmountText::new() });
        }
        let Some(view) = views.last_mut() else { continue };
        view.all += 1;
        if view.rows.len() < most {
            view.rows.push(row.deserialize(Some(&columns))?);
        }
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).filter(|text| !text.is_empty());
        if let Some((amount, currency)) = cell(amount).zip(cell(currency)) {
            gross.add_absolute(currency, amount);
        }
    }
    end(&mut views, &mut gross);
    Ok(views)
}

/// Ends the rows of an exception.
fn end(views: &mut [EvidenceView], gross: &mut DecimalSums) {
    if let Some(view) = views.last_mut() {
        view.gross = std::mem::take(gross).texts();
    }
}

fn line(lines: &mut Lines, row: &Evidence) -> Result<(), char> {
    lines.inert_cell(&row.exception)?;
    lines.inert_cell(&row.kind)?;
    lines.inert_cell(shown(&row.source))?;
    lines.inert_cell(shown(&row.file))?;
    lines.cell(&row.record.map(|record| record.to_string()).unwrap_or_default())?;
    lines.inert_cell(shown(&row.column))?;
    value(lines, shown(&row.source_value))?;
    value(lines, shown(&row.warehouse_value))?;
    value(lines, shown(&row.amount))?;
    lines.inert_cell(shown(&row.currency))?;
    lines.inert_cell(&row.reason)?;
    lines.end();
    Ok(())
}

fn value(lines: &mut Lines, text: &str) -> Result<(), char> {
    if is_plain_decimal(text) { lines.cell(text) } else { lines.inert_cell(text) }
}

fn shown(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// UTF-8 has every character.
fn impossible<E: From<ReportError>>(character: char) -> E {
    E::from(ReportError::Batch { why: format!("UTF-8 lacks {character:?}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rows: Vec<Evidence>) -> String {
        let mut out = Vec::new();
        let count = rows.len() as u64;
        assert_eq!(write_exceptions(rows.into_iter().map(Ok::<_, ReportError>), &mut out).unwrap(), count);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows() {
        let text = |text: &str| Some(text.to_owned());
        let changed = Evidence {
            exception: "changed/core".to_owned(),
            kind: "changed".to_owned(),
            source: text("core"),
            file: text("core/2026-11-21,1.csv"),
            record: Some(12),
            column: text("amount"),
            source_value: text("-12.50"),
            warehouse_value: text("-12.51"),
            amount: text("-12.50"),
            currency: text("MXN"),
            reason: "the warehouse has another \"amount\"".to_owned(),
        };
        let bare =
            Evidence { exception: "rule_failed/r".to_owned(), reason: "línea 1\n2".to_owned(), ..<_>::default() };
        let expected = "\
exception,kind,source,file,record,column,source_value,warehouse_value,amount,currency,reason
changed/core,changed,core,\"core/2026-11-21,1.csv\",12,amount,-12.50,-12.51,-12.50,MXN,\
\"the warehouse has another \"\"amount\"\"\"
rule_failed/r,,,,,,,,,,\"línea 1\n2\"
";
        assert_eq!(written(vec![changed, bare]), expected);
    }

    #[test]
    fn cells_that_a_spreadsheet_executes() {
        let cases = [
            ("-12.50", "-12.50", "'-12.50"),
            ("12.50", "12.50", "12.50"),
            ("-12,50", "\"'-12,50\"", "\"'-12,50\""),
            ("+12.50", "'+12.50", "'+12.50"),
            ("=1+1", "'=1+1", "'=1+1"),
            ("-1+2", "'-1+2", "'-1+2"),
            ("@x", "'@x", "'@x"),
            ("\t1", "'\t1", "'\t1"),
            ("x", "x", "x"),
        ];
        for (text, value, other) in cases {
            let row = Evidence {
                source: Some(text.to_owned()),
                source_value: Some(text.to_owned()),
                warehouse_value: Some(text.to_owned()),
                reason: text.to_owned(),
                ..Evidence::default()
            };
            let line = written(vec![row]).split_once('\n').unwrap().1.to_owned();
            assert_eq!(line, format!(",,{other},,,,{value},{value},,,{other}\n"), "{text:?}");
        }
    }

    #[test]
    fn rows_are_read_as_written() {
        let text = |text: &str| Some(text.to_owned());
        let first = |n| Evidence { exception: "changed/core".to_owned(), record: Some(n), ..Evidence::default() };
        let other = Evidence {
            exception: "rule_failed/r".to_owned(),
            kind: "rule_failed".to_owned(),
            source: text("core"),
            file: text("core,\"1\".csv"),
            column: text("amount"),
            source_value: text("0012"),
            amount: text("-12.50"),
            currency: text("MXN"),
            reason: "línea 1\n2".to_owned(),
            ..Evidence::default()
        };
        let rows = vec![first(1), first(2), first(3), other.clone()];
        let file = written(rows.clone());
        let read: Vec<Evidence> = read_exceptions(file.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(read, rows);
        let views = first_rows(file.as_bytes(), 2).unwrap();
        let view = |exception: &str, rows: &[Evidence], all| EvidenceView {
            exception: exception.to_owned(),
            rows: rows.to_vec(),
            all,
            gross: rows.iter().filter_map(|row| row.amount.as_ref()).map(|_| ("MXN".into(), "12.50".into())).collect(),
        };
        assert_eq!(views, [view("changed/core", &rows[..2], 3), view("rule_failed/r", &[other], 1)]);
        assert!(first_rows(written(vec![]).as_bytes(), 2).unwrap().is_empty());
        assert!(first_rows(&b"exception,record\na,x\n"[..], 2).is_err());
    }

    #[test]
    fn an_error_of_the_rows_comes_through() {
        let rows = [Ok(Evidence::default()), Err(ReportError::Batch { why: "gone".to_owned() })];
        assert!(matches!(write_exceptions(rows, Vec::new()), Err(ReportError::Batch { why }) if why == "gone"));
    }

    #[test]
    fn many_rows_are_whole() {
        let row = Evidence { reason: "x".repeat(100), ..Evidence::default() };
        let text = written(vec![row; 5_000]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.deserialize::<Evidence>().map(|row| row.unwrap().reason.len()).sum::<usize>(), 500_000);
    }
}
