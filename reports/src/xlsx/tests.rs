//! The workbook: the same bytes whatever the clock says, nothing that can be executed, and a sheet that is full.

use std::io::Read;
use std::time::Duration;

use cuadre_rules::config::Language;
use jiff::tz::TimeZone;

use super::*;
use crate::testing::golden;
use crate::view::EvidenceView;

fn view(rows: &[Evidence]) -> View {
    let evidence = rows.chunk_by(|left, right| left.exception == right.exception);
    let evidence = evidence.map(|rows| EvidenceView {
        exception: rows[0].exception.clone(),
        rows: Vec::new(),
        all: rows.len() as u64,
        gross: Default::default(),
    });
    View {
        filing: "2026-11-20.1".to_owned(),
        predicate: golden(3, "2026-11-20.1"),
        language: Language::Spanish,
        zone: TimeZone::get("America/Mexico_City").unwrap(),
        principal: None,
        sources: Vec::new(),
        evidence: evidence.collect(),
        totals: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
    }
}

fn row(text: &str) -> Evidence {
    let some = || Some(text.to_owned());
    Evidence {
        exception: "changed/core".to_owned(),
        kind: "changed".to_owned(),
        source: some(),
        file: some(),
        record: Some(u64::MAX),
        column: some(),
        source_value: some(),
        warehouse_value: some(),
        amount: Some("-1000000000000000.01".to_owned()),
        currency: some(),
        reason: text.to_owned(),
    }
}

fn written(last_row: RowNum, rows: &[Evidence]) -> Vec<u8> {
    let scratch = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    let each = rows.iter().cloned().map(Ok::<_, ReportError>);
    write_until(last_row, &view(rows), each, scratch.path(), &mut out).unwrap();
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "a temporary file is left");
    out
}

/// The parts of a workbook, by name, with what their archive says of them.
fn parts(workbook: &[u8]) -> Vec<(String, String, Option<zip::DateTime>)> {
    let mut archive = zip::ZipArchive::new(io::Cursor::new(workbook)).unwrap();
    let part = |n: usize| {
        let mut file = archive.by_index(n).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text, file.last_modified())
    };
    (0..zip::ZipArchive::new(io::Cursor::new(workbook)).unwrap().len()).map(part).collect()
}

#[test]
fn the_bytes_are_the_same_whatever_the_clock_says() {
    let rows = [row("Depósito"), row("=1+1")];
    let first = written(sheet::LAST_ROW, &rows);
    std::thread::sleep(Duration::from_millis(1100));
    assert!(first == written(sheet::LAST_ROW, &rows));
    for (name, text, time) in parts(&first) {
        assert_eq!(time, Some(zip::DateTime::default()), "{name}");
        if name == "docProps/core.xml" {
            assert_eq!(text.matches("2026-11-21T11:40:00Z").count(), text.matches("T1").count(), "{text}");
            assert!(text.contains("2026-11-21T11:40:00Z"));
        }
    }
}

/// Texts that a spreadsheet might take for something else than text.
const TEXTS: [&str; 12] = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=HYPERLINK(\"https://evil.example\")",
    "https://evil.example/",
    "{=1}",
    "_x0041_",
    "<f>1</f>",
    "2026-11-20",
];

#[test]
fn nothing_can_be_executed_and_nothing_comes_from_elsewhere() {
    let rows: Vec<Evidence> = TEXTS.iter().map(|text| row(text)).collect();
    for (name, text, _) in parts(&written(sheet::LAST_ROW, &rows)) {
        for forbidden in
            ["<f>", "<f ", "<hyperlink", "externalLink", "TargetMode", "<script", "vba", "oleObject", "connection"]
        {
            assert!(!text.contains(forbidden), "{forbidden} in {name}");
        }
        if name == "xl/worksheets/sheet4.xml" {
            for (n, escaped) in
                [(2, "=1+1"), (5, "@SUM(A1)"), (7, "␍=1"), (11, "_x005F_x0041_"), (12, "&lt;f&gt;1&lt;/f&gt;")]
            {
                let cell = text.split(&format!("<c r=\"K{n}\"")).nth(1).unwrap().split("</c>").next().unwrap();
                assert!(cell.contains("t=\"inlineStr\"") && cell.contains(&format!(">{escaped}</t>")), "{cell}");
            }
            assert!(!text.contains("18446744073709552"), "a count of 20 digits is no number");
        }
        if name == "xl/styles.xml" {
            assert!(text.contains("quotePrefix=\"1\""), "a formula would come of editing such a text");
        }
    }
}

#[test]
fn a_text_that_is_too_long_is_cut_and_says_so() {
    let long = "ñ𝄞".repeat(20_000);
    let parts = parts(&written(sheet::LAST_ROW, &[row(&long)]));
    let (_, sheet, _) = parts.iter().find(|(name, ..)| name == "xl/worksheets/sheet4.xml").unwrap();
    let cell = sheet.split("<c r=\"K2\"").nth(1).unwrap();
    let text = cell.split("<t>").nth(1).unwrap().split("</t>").next().unwrap();
    assert!(text.encode_utf16().count() <= 32_767 && text.encode_utf16().count() > 32_700);
    assert!(
        text.starts_with("ñ𝄞ñ") && text.ends_with(" [cortado aquí; 60000 caracteres en total]"),
        "{}",
        &text[text.len() - 60..]
    );
}

#[test]
fn a_sheet_that_is_full_says_what_it_leaves_out() {
    let rows = vec![row("x"); 12];
    for (last_row, kept) in [(12, 12), (11, 10), (5, 4)] {
        let parts = parts(&written(last_row, &rows));
        let sheet = |n: usize| &parts.iter().find(|(name, ..)| name.ends_with(&format!("sheet{n}.xml"))).unwrap().1;
        assert_eq!(sheet(4).matches("changed/core").count(), kept, "{last_row}");
        let words = format!("De 12 renglones de evidencia, una hoja guarda los primeros {kept}");
        for n in [1, 4] {
            assert_eq!(sheet(n).contains(&words), kept < 12, "{last_row}, sheet {n}");
        }
        assert!(!sheet(4).contains(&format!("<row r=\"{}\"", last_row + 2)));
    }
}

#[test]
fn an_error_of_the_rows_comes_through() {
    let scratch = tempfile::tempdir().unwrap();
    let rows = [Ok(row("x")), Err(ReportError::Batch { why: "gone".to_owned() })];
    let view = view(&[row("x"), row("x")]);
    let written = write(&view, rows.into_iter(), scratch.path(), Vec::new());
    assert!(matches!(written, Err(ReportError::Batch { why }) if why == "gone"));
}

#[test]
fn no_folder_for_temporary_files() {
    let none = Path::new("/nonexistent");
    let written = write(&view(&[]), std::iter::empty::<Result<Evidence, ReportError>>(), none, Vec::new());
    assert!(matches!(written, Err(ReportError::Io(_))), "{written:?}");
}
