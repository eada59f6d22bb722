//! Loading: files in the wild become movements, or refusals that say where.
//!
//! A case is one source of a night: the settings of its extract, the bytes of its file, and what
//! came of it, line by line. A movement reads `id | account | amount` (empty cells and the default
//! currency left out), a refused record `record 3, amount = 1e5: why`, a gap `kind: why`; `...` stands for the rest.

#![allow(clippy::unwrap_used)]

mod files;
pub mod formats;
mod text;
mod values;

use std::fmt::Write as _;

use cuadre_tests::{Place, SMALL};

use crate::spanish;

struct Case {
    id: &'static str,
    settings: String,
    files: Vec<(String, Vec<u8>)>,
    expected: String,
}

/// A source `id` with one file. `settings` are those of its extract, and `source.` ones of its own.
fn case(id: &'static str, settings: &str, file: impl AsRef<[u8]>, expected: impl Into<String>) -> Case {
    source(id, settings, expected).and("extract", file)
}

/// A source `id` whose files are still to come.
fn source(id: &'static str, settings: &str, expected: impl Into<String>) -> Case {
    Case { id, settings: settings.to_owned(), files: Vec::new(), expected: expected.into() }
}

impl Case {
    /// With one more file.
    fn and(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.push((name.to_owned(), bytes.as_ref().to_owned()));
        self
    }

    /// The `[[source]]` table: what the settings leave out is as plain as can be.
    fn toml(&self) -> String {
        let of_source: Vec<&str> = self.settings.lines().filter_map(|line| line.strip_prefix("source.")).collect();
        let mut toml = format!("[[source]]\nid = \"{}\"\n{}\n[source.extract]\n", self.id, of_source.join("\n"));
        let plain = [
            ("files", format!("\"landing/{}/*\"", self.id)),
            ("format", "\"csv\"".to_owned()),
            ("columns.id", "\"id\"".to_owned()),
            ("columns.booked_on", "{ value = \"{date}\" }".to_owned()),
            ("columns.amount", "\"amount\"".to_owned()),
        ];
        for (key, value) in plain {
            let given = self.settings.lines().any(|line| line.trim().starts_with(&format!("{key} ")));
            let split = key == "columns.amount" && self.settings.contains("amount.debit");
            if !given && !split {
                writeln!(toml, "{key} = {value}").unwrap();
            }
        }
        let of_extract = self.settings.lines().filter(|line| !line.starts_with("source."));
        of_extract.fold(toml, |toml, line| toml + line + "\n")
    }
}

/// Runs one night of all cases, and compares what came of each.
fn night(cases: impl IntoIterator<Item = Case>) {
    night_with("", cases);
}

/// The same with more settings of the institution.
fn night_with(settings: &str, cases: impl IntoIterator<Item = Case>) {
    let place = Place::new();
    check(&place, settings, cases);
}

fn check(place: &Place, settings: &str, cases: impl IntoIterator<Item = Case>) {
    let cases: Vec<Case> = cases.into_iter().collect();
    let (small, _) = SMALL.split_once("[[source]]").unwrap();
    let small = small.replace("key = [\"id\"]", "");
    let small = small.replace("{ field = \"account\" }", "{ field = \"account\" }, { field = \"booked_at\" }");
    let sources: String = cases.iter().map(Case::toml).collect();
    place.write("cuadre.toml", format!("currencies = [\"MXN\", \"USD\"]\n{settings}\n{small}\n{sources}"));
    for case in &cases {
        for (name, bytes) in &case.files {
            place.write(&format!("landing/{}/{name}", case.id), bytes);
        }
    }
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    let found: Vec<String> = cases.iter().map(|case| outcome(place, case.id)).collect();
    for (case, found) in cases.iter().zip(&found) {
        let expected: Vec<&str> = case.expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let expected = expected.join("\n");
        match expected.strip_suffix("...") {
            Some(start) => assert!(found.starts_with(start), "{}: {found}", case.id),
            None => assert_eq!(found.trim_end(), expected, "{}", case.id),
        }
    }
    spanish::twin(place, "cuadre.toml", &format!("filings/filings/{}.1", cuadre_tests::DATE));
}

/// What came of a source, in lines.
fn outcome(place: &Place, source: &str) -> String {
    let mut lines = String::new();
    for row in table(&place.filed("report.csv")).iter().skip(1).filter(|row| row[0] == source) {
        let [_, id, date, account, at, currency, amount] = <[String; 7]>::try_from(row.clone()).unwrap();
        assert_eq!(date, cuadre_tests::DATE);
        let currency = if currency == "MXN" { String::new() } else { currency };
        let cells: Vec<_> = [id, account, at, currency, amount].into_iter().filter(|cell| !cell.is_empty()).collect();
        writeln!(lines, "{}", cells.join(" | ")).unwrap();
    }
    for row in table(&place.filed("exceptions.csv")).iter().filter(|row| row[2] == source) {
        let [exception, kind, _, file, record, column, value, ..] = &row[..] else { panic!("{row:?}") };
        if kind == "records_rejected" {
            assert_eq!(exception, &format!("records_rejected/{source}"));
            assert!(file.starts_with(&format!("landing/{source}/")), "{file}");
            let name = file.rsplit('/').next().filter(|name| *name != "extract");
            let name = name.map_or(String::new(), |name| format!("{name}, "));
            let column = if column.is_empty() { String::new() } else { format!(", {column}") };
            writeln!(lines, "{name}record {record}{column} = {value}: {}", row[10]).unwrap();
        }
    }
    let manifest: serde_json::Value = serde_json::from_str(&place.filed("manifest.json")).unwrap();
    for exception in manifest["predicate"]["exceptions"].as_array().unwrap() {
        let kind = exception["kind"].as_str().unwrap();
        let shown = !["missing_in_warehouse", "records_rejected"].contains(&kind);
        if shown && exception["source"] == source {
            writeln!(lines, "{kind}: {}", exception["explanation"].as_str().unwrap()).unwrap();
        }
    }
    lines
}

/// The rows of a CSV text. A quoted cell may hold anything.
fn table(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}
