//! Loading: files in the wild become movements, or refusals that say where.
//!
//! A case is one source of a night: the settings of its extract, the bytes of its file, and what
//! came of it, line by line. A movement reads `id | account | amount` (empty cells and the default
//! currency left out), a refused record `record 3, amount = 1e5: why`, a gap `kind: why`; `...` stands for the rest.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use cuadre_tests::{Place, SMALL};
use parquet::arrow::ArrowWriter;

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

#[test]
fn delimiters_and_quotes() {
    let account = "columns.account = \"account\"\n";
    let with = |more: &str| format!("{account}{more}");
    night([
        case("comma", account, "id,account,amount\n1,x,10.00\n2,y,-5.00\n", "1 | x | 10.00\n2 | y | -5.00"),
        case("no last line end", account, "id,account,amount\n1,x,10.00", "1 | x | 10.00"),
        case("cr lf", account, "id,account,amount\r\n1,x,10.00\r\n\r\n2,y,5\r\n", "1 | x | 10.00\n2 | y | 5.00"),
        case("semicolon", &with("csv.delimiter = ';'"), "id;account;amount\n1;a,b;10.00\n", "1 | a,b | 10.00"),
        case("tab", &with("csv.delimiter = \"\\t\""), "id\taccount\tamount\n1\tx\t10.00\n", "1 | x | 10.00"),
        case("pipe", &with("csv.delimiter = '|'"), "id|account|amount\n1|x|10.00\n", "1 | x | 10.00"),
        case(
            "quotes",
            account,
            "id,account,amount\n1,\"a, \"\"b\"\"\",10.00\n\"2\",\"two\nlines\",\"-5.00\"\n",
            "1 | a, \"b\" | 10.00\n2 | two\nlines | -5.00",
        ),
        case("apostrophes", &with("csv.quote = \"'\""), "id,account,amount\n1,'a, b',10.00\n", "1 | a, b | 10.00"),
        case(
            "no quotes",
            &with("csv.quote = ''"),
            "id,account,amount\n1,12\" pipe,10.00\n2,\"x,5\n",
            "1 | 12\" pipe | 10.00\n2 | \"x | 5.00",
        ),
        case("blanks kept", &with("trim = false"), "id,account,amount\n1, x ,10.00\n", "1 |  x  | 10.00"),
    ]);
}

#[test]
fn encodings() {
    let account = |encodings: &str| format!("columns.account = \"account\"\nencoding = [{encodings}]");
    let (utf8, ansi) = (account("'utf-8'"), account("'windows-1252'"));
    let marked = |mark: &[u8]| [mark, b"id,account,amount\n1,x,10.00\n"].concat();
    let mixed = ["id,account,amount\n1,Ñandú €,10.00\n".as_bytes(), b"2,\xd1and\xfa,5.00\n"].concat();
    night([
        case("utf-8", &utf8, "id,account,amount\n1,Ñandú €,10.00\n", "1 | Ñandú € | 10.00"),
        case("mark", &utf8, marked(b"\xef\xbb\xbf"), "1 | x | 10.00"),
        case("mark and quotes", &utf8, "\u{feff}\"id\",\"account\",\"amount\"\n1,x,10.00\n", "1 | x | 10.00"),
        case("garbled mark", &utf8, marked(b"\xc3\xaf\xc2\xbb\xc2\xbf"), "1 | x | 10.00"),
        case("twice garbled mark", &utf8, marked(b"\xc3\x83\xc2\xaf\xc2\xbb\xc2\xbf"), "1 | x | 10.00"),
        case("mark of another encoding", &ansi, marked(b"\xef\xbb\xbf"), "1 | x | 10.00"),
        case("windows-1252", &ansi, b"id,account,amount\n1,\xd1and\xfa \x80,10.00\n", "1 | Ñandú € | 10.00"),
        case("latin-1", &account("'latin-1'"), b"id,account,amount\n1,\xd1\xa3,10.00\n", "1 | Ñ£ | 10.00"),
        case("cp850", &account("'cp850'"), b"id,account,amount\n1,\xa5\x9c,10.00\n", "1 | Ñ£ | 10.00"),
        case("per record", &account("'utf-8', 'windows-1252'"), &mixed, "1 | Ñandú € | 10.00\n2 | Ñandú | 5.00"),
        case(
            "none declared",
            &utf8,
            &mixed,
            "1 | Ñandú € | 10.00
             record 2 = 2 | \u{fffd}and\u{fffd} | 5.00: it has bytes that the declared encoding does not have; declare \
             the file's own",
        ),
    ]);
}

#[test]
fn headers() {
    let position = "columns.id = 1\ncolumns.amount = 3";
    night([
        case("aliases", "columns.amount = ['Importe', 'Monto', 'amount']", "id,Monto\n1,10.00\n", "1 | 10.00"),
        case("the first alias wins", "columns.amount = ['net', 'gross']", "id,gross,net\n1,12.00,10.00\n", "1 | 10.00"),
        case("case and blanks", "columns.amount = 'Net Amount'", "ID, NET AMOUNT \n1,10.00\n", "1 | 10.00"),
        case("letters of other cases", "columns.amount = 'operación'", "id,OPERACIÓN\n1,10.00\n", "1 | 10.00"),
        case("positions", position, "id,x,y\n1,2,10.00\n", "1 | 10.00"),
        case("no header", &format!("csv.header = false\n{position}"), "1,x,10.00\n2,y,5.00\n", "1 | 10.00\n2 | 5.00"),
        case("a repeated name is the first", "", "id,note,amount,note\n1,x,10.00,y\n", "1 | 10.00"),
        case(
            "of repeated amounts too, and said so",
            "",
            "id,amount,Amount\n1,10.00,99.00\n",
            "1 | 10.00
             schema_drift: column `amount` occurs more than once; the amounts are read from the first (1 file)",
        ),
        case("empty names", "", "id,,amount,\n1,x,10.00,y\n", "1 | 10.00"),
        case("a garbled name", "", b"id,\xff\xfe\x00,amount\n1,x,10.00\n", "1 | 10.00"),
        case(
            "renamed",
            "",
            "id,account,importe\n1,x,10.00\n",
            "source_rejected: landing/renamed/extract cannot be read: no column `amount` for `amount`; the file has: \
             id, account, importe. Add the new name to the aliases if it was renamed; no movement of the source is in \
             the report",
        ),
        case(
            "an optional column is gone",
            "columns.account = ['account', 'cuenta']",
            "id,amount\n1,10.00\n",
            "1 | 10.00
             schema_drift: no column `account` or `cuenta` for `account` (1 file)",
        ),
        case(
            "a required column is gone",
            "columns.account = 'account'\nrequired = ['account']",
            "id,amount\n1,10.00\n",
            "source_rejected: landing/a required column is gone/extract cannot be read: no column `account` for \
             `account`; the file has: id, amount. Add the new name to the aliases if it was renamed; no movement of the \
             source is in the report",
        ),
        case(
            "not the expected header",
            "expected_header = ['id', 'account', 'amount']",
            "id,amount,branch\n1,10.00,x\n",
            "1 | 10.00
             schema_drift: column `account` is gone (1 file); column `branch` is new (1 file)",
        ),
        case(
            "another order",
            "expected_header = ['id', 'amount']",
            "amount,id\n10.00,1\n",
            "1 | 10.00\nschema_drift: the columns come in another order (1 file)",
        ),
    ]);
}

#[test]
fn records_of_another_shape() {
    let positions = "csv.header = false\ncolumns.id = 1\ncolumns.account = 3\ncolumns.amount = 2\n";
    let file = "id,amount\n1,10.00\n2,5.00,\n3,5.00, ,\n4,5.00,x\n5\n";
    let cut = "record 5 = 5: it has 1 of the 2 fields that the header names: it is cut or shifted";
    let wide = "fields where the header has 2: a delimiter inside a text?";
    let by_default = format!("1 | 10.00\n2 | 5.00\n3 | 5.00\nrecord 4 = 4 | 5.00 | x: 3 {wide}\n{cut}");
    let strict = format!(
        "1 | 10.00\nrecord 2 = 2 | 5.00 | : 3 {wide}\nrecord 3 = 3 | 5.00 |   | : 4 {wide}\n\
         record 4 = 4 | 5.00 | x: 3 {wide}\n{cut}"
    );
    let lenient = format!("1 | 10.00\n2 | 5.00\n3 | 5.00\n4 | 5.00\n{cut}");
    let short = "1 | 10.00\n2 | 5.00\n3 | 5.00\n4 | 5.00\nrecord 5, amount = : the amount is empty";
    night([
        case("only empty extra fields by default", "", file, by_default),
        case("no extra fields", "csv.extra_fields = 'reject'", file, strict),
        case("any extra fields", "csv.extra_fields = 'allow'", file, lenient),
        case("short records", "csv.extra_fields = 'allow'\ncsv.allow_short_records = true", file, short),
        case(
            "short without header",
            positions,
            "1,10.00,x\n2,10.00\n3,5.00,y,z\n",
            "1 | x | 10.00
             3 | y | 5.00
             record 2 = 2 | 10.00: it has 2 of the 3 fields that the mapping needs: it is cut or shifted",
        ),
        case(
            "short allowed without header",
            &format!("{positions}csv.allow_short_records = true"),
            "1,10.00,x\n2,10.00\n",
            "1 | x | 10.00\n2 | 10.00",
        ),
        case(
            "required and empty",
            "columns.account = 'account'\nrequired = ['id', 'account']",
            "id,account,amount\n1,x,10.00\n,x,10.00\n3,  ,10.00\n",
            "1 | x | 10.00
             record 2, id = : the field is required and empty
             record 3, account = : the field is required and empty",
        ),
    ]);
}

#[test]
fn lines_that_are_not_data() {
    night([
        case("preamble", "csv.skip_lines = 2", "Report\n\"of a day\nid,amount\n1,10.00\n", "1 | 10.00"),
        case(
            "footers",
            "csv.footer_records = 2",
            "id,amount\n1,10.00\n2,5.00\n--\nend of file\n",
            "1 | 10.00\n2 | 5.00",
        ),
        case(
            "nothing but footers",
            "csv.footer_records = 2",
            "id,amount\n--\n",
            "source_empty: its files arrived without a single record",
        ),
        case(
            "remarks",
            "csv.skip_records_starting_with = ['#', 'Page ']",
            "id,amount\n# note\n1,10.00\nPage 2 of 2\n2,x\n",
            "1 | 10.00\nrecord 2, amount = x: `x` at position 1 does not belong in an amount",
        ),
        case("shorter than its preamble", "csv.skip_lines = 9", "Report\n", EMPTY),
    ]);
}

const EMPTY: &str = "source_empty: its files arrived without a single record
    schema_drift: the file is empty, without even a header (1 file)";

#[test]
fn trailers() {
    let total = "csv.trailer = { marker = 'TOTAL', records = 2, amount = 3 }\n";
    let settings = |more: &str| format!("{total}{more}\n[source.control]\nfrom = 'trailer'");
    let with = |id, more: &str, file: &str, expected| {
        case(id, &format!("columns.amount = 3\n{}", settings(more)), format!("id,account,amount\n{file}"), expected)
    };
    night([
        with("matched", "", "1,x,10.00\n2,y,-2.50\nTOTAL,2,7.50\n", "1 | 10.00\n2 | -2.50"),
        with(
            "mismatched",
            "",
            "1,x,10.00\nTOTAL,2,7.50\n",
            "1 | 10.00\ncontrol_mismatch: the source states 2 records, 1 were read; the source states 7.50 MXN...",
        ),
        with(
            "absent",
            "",
            "1,x,10.00\n",
            "1 | 10.00\ncontrol_absent: landing/absent/extract has no trailer record: it may be cut off",
        ),
        with(
            "as amounts are written",
            "amount.grouping = ','",
            "1,x,\"1,000.00\"\nTOTAL,1,\"1,000.00\"\n",
            "1 | 1000.00",
        ),
        with("debits positive", "amount.negate = true", "1,x,10.00\nTOTAL,1,10.00\n", "1 | -10.00"),
        with(
            "no number",
            "",
            "1,x,10.00\nTOTAL,some,10.00\n",
            "source_rejected: landing/no number/extract cannot be read: the trailer's record count `some` is no number; \
             no movement of the source is in the report",
        ),
        with(
            "two of them",
            "",
            "1,x,10.00\nTOTAL,1,10.00\n2,x,5.00\nTOTAL,1,5.00\n",
            "source_rejected: landing/two of them/extract cannot be read: the file has two trailer records; it may be \
             two deliveries in one; no movement of the source is in the report",
        ),
        with(
            "refused records count as sent",
            "",
            "1,x,10.00\n2,y,oops\nTOTAL,2,12.50\n",
            "1 | 10.00
             record 2, amount = oops: `o` at position 1 does not belong in an amount
             control_mismatch: the source states 12.50 MXN...",
        ),
    ]);
}

/// One amount per record; the refused ones follow.
#[test]
fn amounts() {
    let file = |amounts: &[&str]| {
        let rows = amounts.iter().zip(1..).map(|(amount, n)| format!("{n};{amount}\n"));
        format!("id;amount\n{}", rows.collect::<String>())
    };
    let anglo = "csv.delimiter = ';'\namount.grouping = ','\namount.parentheses = true\namount.trailing_minus = true\n\
                 amount.symbols = ['$', 'MXN']";
    let latin = "csv.delimiter = ';'\namount.decimal = ','\namount.grouping = '.'";
    night([
        case(
            "anglo",
            anglo,
            file(&[
                "1,234.56",
                " 2,525.18 ",
                "(250.00)",
                "250.00-",
                "$5",
                "-$1,000",
                "($0.10)",
                "7.5 MXN",
                "(-5)",
                "12,34",
            ]),
            "1 | 1234.56\n2 | 2525.18\n3 | -250.00\n4 | -250.00\n5 | 5.00\n6 | -1000.00\n7 | -0.10\n8 | 7.50
             record 9, amount = (-5): the amount has two signs
             record 10, amount = 12,34: thousands marks are misplaced",
        ),
        case(
            "latin",
            latin,
            file(&["1.234,56", "0,5", "1,234.56", "1.23"]),
            "1 | 1234.56\n2 | 0.50
             record 3, amount = 1,234.56: `.` at position 6 does not belong in an amount
             record 4, amount = 1.23: thousands marks are misplaced",
        ),
        case(
            "implied cents",
            "csv.delimiter = ';'\namount.implied_decimals = 2",
            file(&["12345", "-7", "000000000100", "1.00"]),
            "1 | 123.45\n2 | -0.07\n3 | 1.00\nrecord 4, amount = 1.00: `.` at position 2 does not belong in an amount",
        ),
        case(
            "padded zeros",
            "csv.delimiter = ';'\namount.padding_zeros = true",
            file(&["1.5000", "1.5001"]),
            "1 | 1.50\nrecord 2, amount = 1.5001: 4 decimals where the currency has 2",
        ),
        case(
            "plain",
            "csv.delimiter = ';'",
            file(&["1", ".5", "-0.00", "1.005", "1,00", "5-", "$5", "", "12 34"]),
            "1 | 1.00\n2 | 0.50\n3 | 0.00
             record 4, amount = 1.005: 3 decimals where the currency has 2
             record 5, amount = 1,00: `,` at position 2 does not belong in an amount
             record 6, amount = 5-: `-` at position 2 does not belong in an amount
             record 7, amount = $5: `$` at position 1 does not belong in an amount
             record 8, amount = : the amount is empty
             record 9, amount = 12 34: ` ` at position 3 does not belong in an amount",
        ),
        case("debits positive", "csv.delimiter = ';'\namount.negate = true", file(&["5", "-3"]), "1 | -5.00\n2 | 3.00"),
    ]);
}

#[test]
fn debits_and_credits() {
    let flag = "amount.flag = { column = 'D/C', debit = ['D', 'Cargo'], credit = ['C', 'Abono'] }";
    let split = "amount.debit = 'cargo'\namount.credit = 'abono'";
    night([
        case(
            "columns of their own",
            split,
            "id,cargo,abono\n1,10.00,\n2,,5.00\n3,0.00,7.00\n4,8.00,0\n5,1.00,2.00\n6,,\n7,x,\n",
            "1 | -10.00\n2 | 5.00\n3 | 7.00\n4 | -8.00
             record 5, amount = 1.00 | 2.00: both a debit and a credit
             record 6, amount = : both debit and credit are empty
             record 7, debit = x: `x` at position 1 does not belong in an amount",
        ),
        case(
            "flags",
            flag,
            "id,D/C,amount\n1,D,10.00\n2,C,5.00\n3, Cargo ,1\n4,Abono,2\n5,X,3\n6,,4\n",
            "1 | -10.00\n2 | 5.00\n3 | -1.00\n4 | 2.00
             record 5, amount = X: the flag says neither debit nor credit
             record 6, amount = : the flag says neither debit nor credit",
        ),
        case(
            "no such column",
            split,
            "id,cargo,amount\n1,10.00,\n",
            "source_rejected: landing/no such column/extract cannot be read: no column `abono` for credits; the file \
             has: id, cargo, amount. Add the new name to the aliases if it was renamed; no movement of the source is in \
             the report",
        ),
    ]);
}

#[test]
fn currencies() {
    night([case(
        "currencies",
        "columns.currency = 'ccy'",
        "id,ccy,amount\n1,MXN,1\n2,USD,2.50\n3,EUR,3\n4,pesos,4\n5,,5\n",
        "1 | 1.00\n2 | USD | 2.50
         record 3, currency = EUR: the currency is not among the configured `currencies`
         record 4, currency = pesos: not an ISO 4217 currency code
         record 5, currency = : the currency is empty",
    )]);
}

#[test]
fn dates() {
    let with = |formats: &str| format!("columns.booked_on = 'date'\ndate_formats = [{formats}]");
    let file = |dates: &[&str]| {
        let rows = dates.iter().zip(1..).map(|(date, n)| format!("{n};{date};1\n"));
        format!("id;date;amount\n{}", rows.collect::<String>())
    };
    let semicolons = |settings: String| format!("csv.delimiter = ';'\n{settings}");
    night([
        case(
            "iso",
            &semicolons("columns.booked_on = 'date'".to_owned()),
            file(&["2026-11-20", " 2026-11-20 ", "2026-11-19", "20/11/2026", "2026-11-31", ""]),
            "1 | 1.00\n2 | 1.00
             record 3, booked_on = 2026-11-19: wrong business date: 2026-11-19 in the delivery of 2026-11-20
             record 4, booked_on = 20/11/2026: no date in any declared format
             record 5, booked_on = 2026-11-31: no date in any declared format
             record 6, booked_on = : the date is empty",
        ),
        case(
            "several formats",
            &semicolons(with("'%d/%m/%Y', '%d-%b-%y', '%Y%m%d', '%A, %B %d, %Y'")),
            file(&["20/11/2026", "20-Nov-26", "20261120", "Friday, November 20, 2026", "Monday, November 20, 2026"]),
            "1 | 1.00\n2 | 1.00\n3 | 1.00\n4 | 1.00
             record 5, booked_on = Monday, November 20, 2026: no date in any declared format",
        ),
        case(
            "serial",
            &semicolons(with("'serial'")),
            file(&["46346", "46346.00", "46346.5", "46345", "46346x"]),
            "1 | 1.00\n2 | 1.00
             record 3, booked_on = 46346.5: no date in any declared format
             record 4, booked_on = 2026-11-19: wrong business date: 2026-11-19 in the delivery of 2026-11-20
             record 5, booked_on = 46346x: no date in any declared format",
        ),
        case(
            "instants",
            "columns.booked_at = 'at'",
            "id,at,amount\n1,2026-11-20T18:00:00Z,1\n2,2026-11-20T18:00:00-06:00,2\n3,2026-11-20 18:00:00,3\n4,,4\n5,noon,5\n",
            "1 | 2026-11-20T18:00:00Z | 1.00
             2 | 2026-11-21T00:00:00Z | 2.00
             3 | 2026-11-21T00:00:00Z | 3.00
             4 | 4.00
             record 5, booked_at = noon: no instant in any declared format",
        ),
        case(
            "instants of another zone",
            "columns.booked_at = 'at'\ntime_zone = 'America/Tijuana'\ntimestamp_formats = ['%d/%m/%Y %H:%M']",
            "id,at,amount\n1,20/11/2026 18:00,1\n",
            "1 | 2026-11-21T02:00:00Z | 1.00",
        ),
    ]);
}

#[test]
fn fixed_width() {
    let layout = "format = 'fixed'\ncolumns.account = 'account'\namount.implied_decimals = 2\n\
                  fixed.fields = { id = [2, 4], account = [5, 8], amount = [9, 14] }\n\
                  fixed.header_marker = 'H'\nfixed.trailer_marker = 'T'\n\
                  fixed.trailer = { records = [2, 4], amount = [5, 14] }\n";
    let controlled = format!("{layout}[source.control]\nfrom = 'trailer'");
    let last_account = "format = 'fixed'\ncolumns.account = 'account'\n\
                        fixed.fields = { id = [1, 3], amount = [4, 9], account = [10, 13] }\n";
    night([
        case(
            "whole",
            &controlled,
            "H20261120\nD001abcd001050\r\nD002ef  -00250\nT0020000000800\n",
            "001 | abcd | 10.50\n002 | ef | -2.50",
        ),
        case(
            "cut",
            &controlled,
            "H20261120\nD001abcd001050\nD002efgh0002\n",
            "001 | abcd | 10.50
             record 2 = D002efgh0002: 12 bytes where a record has at least 14: the record is cut
             control_absent: landing/cut/extract has no trailer record: it may be cut off",
        ),
        case(
            "blanks dropped at the end",
            last_account,
            "00110.50 abcd\n00211.00 x\n00312.00\n",
            "001 | abcd | 10.50
             002 | x | 11.00
             record 3 = 00312.00: 8 bytes where a record has at least 10: the record is cut",
        ),
        case(
            "totals that disagree",
            &controlled,
            "D001abcd001050\nT0020000000800\n",
            "001 | abcd | 10.50
             control_mismatch: the source states 2 records, 1 were read; the source states 8.00 MXN...",
        ),
        case("byte order mark", layout, "\u{feff}H20261120\nD001abcd001050\n", "001 | abcd | 10.50"),
        case("cp850", &format!("{layout}encoding = ['cp850']"), b"D001\xa5abc001050\n", "001 | Ñabc | 10.50"),
        case(
            "another encoding",
            layout,
            b"D001\xa5abc001050\n",
            "record 1 = D001\u{fffd}abc001050: it has bytes that the declared encoding does not have; declare the file's own",
        ),
    ]);
}

#[test]
fn json_lines() {
    let settings = "format = 'jsonl'\ncolumns.account = 'party.account'";
    night([
        case(
            "numbers and texts",
            settings,
            r#"{"id":"1","amount":0.10}
               {"id":2,"amount":"10.00","party":{"account":"x","name":{}}}
               {"id":3,"amount":12345678901234567890.12,"party":null}
               {"id":null,"amount":-7}
               {"amount":1e5}
               {"amount":1.005}
               {"id":7,"amount":null}
               {"id":8}
               {"id":9,"amount":{"value":1}}
               {"id":"\u00d1","amount":"1.00"}"#,
            "1 | 0.10
             2 | x | 10.00
             3 | 12345678901234567890.12
             -7.00
             Ñ | 1.00
             record 5, amount = 1e5: `e` at position 2 does not belong in an amount
             record 6, amount = 1.005: 3 decimals where the currency has 2
             record 7, amount = : the amount is empty
             record 8, amount = : the amount is empty
             record 9, amount = {\"value\":1}: `{` at position 1 does not belong in an amount",
        ),
        case(
            "lines that are no objects",
            settings,
            br#"{"id":1,"amount":1}

[1]
{"id":2,"amount":2
{"id":3,"amount":3,"amount":4}
{"id":"\ud800","amount":5}
{"id":6,"amount":NaN}"#,
            r#"1 | 1.00
               record 2 = [1]: the line is no JSON object: invalid type: sequence, expected an object at column 0
               record 3 = {"id":2,"amount":2: the line is no JSON object: EOF while parsing an object at column 18
               record 4 = {"id":3,"amount":3,"amount":4}: the line is no JSON object: the member `amount` comes twice at column 30
               record 5 = {"id":"\ud800","amount":5}: the line is no JSON object: unexpected end of hex escape at column 8
               record 6 = {"id":6,"amount":NaN}: the line is no JSON object: expected value at column 18"#,
        ),
        case(
            "bytes that are not UTF-8",
            settings,
            b"{\"id\":\"\xd1\",\"amount\":1}\n",
            "record 1 = {\"id\":\"\u{fffd}\",\"amount\":1}: the line is no JSON object: invalid unicode code point at column 8",
        ),
        case("byte order mark", settings, "\u{feff}{\"id\":1,\"amount\":1}\r\n", "1 | 1.00"),
        case(
            "alternatives per record",
            "format = 'jsonl'\ncolumns.amount = ['net', 'amount']",
            "{\"id\":1,\"amount\":1}\n{\"id\":2,\"net\":2,\"amount\":9}\n",
            "1 | 1.00\n2 | 2.00",
        ),
    ]);
}

fn parquet_of(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["1", "2"]));
    let decimals = |precision, scale| {
        let amounts = Decimal128Array::from(vec![Some(123_456), None]);
        Arc::new(amounts.with_precision_and_scale(precision, scale).unwrap()) as ArrayRef
    };
    let cents: ArrayRef = Arc::new(Int64Array::from(vec![1050, -7]));
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![20_777, 20_776]));
    let instants = TimestampMicrosecondArray::from(vec![1_795_197_600_000_000, 0]);
    let local: ArrayRef = Arc::new(instants.clone());
    let zoned: ArrayRef = Arc::new(instants.with_timezone("America/Mexico_City"));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![10.5, 0.1]));
    let format = "format = 'parquet'";
    night([
        case(
            "decimals",
            format,
            parquet_of(&[("id", ids.clone()), ("amount", decimals(18, 2))]),
            "1 | 1234.56\nrecord 2, amount = : the amount is empty",
        ),
        case(
            "more decimals than the currency",
            format,
            parquet_of(&[("id", ids.clone()), ("amount", decimals(18, 4))]),
            "record 1, amount = 12.3456: 4 decimals where the currency has 2
             record 2, amount = : the amount is empty",
        ),
        case(
            "cents",
            "format = 'parquet'\namount.implied_decimals = 2",
            parquet_of(&[("id", ids.clone()), ("amount", cents.clone())]),
            "1 | 10.50\n2 | -0.07",
        ),
        case(
            "dates",
            "format = 'parquet'\ncolumns.booked_on = 'date'",
            parquet_of(&[("id", ids.clone()), ("date", dates), ("amount", cents.clone())]),
            "1 | 1050.00
             record 2, booked_on = 2026-11-19: wrong business date: 2026-11-19 in the delivery of 2026-11-20",
        ),
        case(
            "instants without zone",
            "format = 'parquet'\ncolumns.booked_at = 'at'",
            parquet_of(&[("id", ids.clone()), ("at", local), ("amount", cents.clone())]),
            "1 | 2026-11-21T00:00:00Z | 1050.00\n2 | 1970-01-01T06:00:00Z | -7.00",
        ),
        case(
            "instants of a zone",
            "format = 'parquet'\ncolumns.booked_at = 'at'",
            parquet_of(&[("id", ids.clone()), ("at", zoned), ("amount", cents.clone())]),
            "1 | 2026-11-20T18:00:00Z | 1050.00\n2 | 1970-01-01T00:00:00Z | -7.00",
        ),
        case(
            "floats",
            format,
            parquet_of(&[("id", ids.clone()), ("amount", floats.clone())]),
            "source_rejected: landing/floats/extract cannot be read: column `amount` holds binary floating-point numbers, \
             which cannot hold cents exactly; have it exported as DECIMAL, text or integer minor units; no movement of \
             the source is in the report",
        ),
        case(
            "floats that are no money",
            format,
            parquet_of(&[("id", ids), ("rate", floats), ("amount", cents)]),
            "1 | 1050.00\n2 | -7.00",
        ),
        case(
            "no parquet",
            format,
            "id,amount\n",
            "source_rejected: landing/no parquet/extract cannot be read: not a readable Parquet file: Parquet error: Invalid \
             Parquet file. Corrupt footer; no movement of the source is in the report",
        ),
    ]);
}

/// The stock tools' formats, written by hand: a gzip member and a zstd frame that store `bytes`.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let crc = bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let length = u16::try_from(bytes.len()).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1].to_vec();
    let stored = [&length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes].concat();
    [header, stored, (!crc).to_le_bytes().to_vec(), u32::from(length).to_le_bytes().to_vec()].concat()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0x20, u8::try_from(bytes.len()).unwrap()];
    let block = ((bytes.len() as u32) << 3 | 1).to_le_bytes();
    [&header[..], &block[..3], bytes].concat()
}

#[test]
fn compression() {
    let file = b"id,amount\n1,10.00\n";
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 12].to_vec();
    let mut changed = gzip(file);
    changed[28] ^= 1; // 10.00 is 11.00
    night([
        case("gzip", "", gzip(file), "1 | 10.00"),
        case("gzip of several members", "", [gzip(file), gzip(b"2,5.00\n")].concat(), "1 | 10.00\n2 | 5.00"),
        case("zstd", "", zstd(file), "1 | 10.00"),
        case("zstd of several frames", "", [zstd(file), zstd(b"2,5.00\n")].concat(), "1 | 10.00\n2 | 5.00"),
        case("json lines", "format = 'jsonl'", gzip(b"{\"id\":1,\"amount\":1}\n"), "1 | 1.00"),
        damaged("gzip cut", cut(gzip(file)), "after record 0: it is cut, or its compression is damaged"),
        damaged("zstd cut", cut(zstd(file)), "after record 0: it is cut, or its compression is damaged"),
        damaged("gzip changed", changed, "after record 1: it is cut, or its compression is damaged"),
        damaged(
            "gzip and more",
            [&gzip(file)[..], b"rubbish"].concat(),
            "after record 1: it is cut, or its compression",
        ),
    ]);
}

/// A file that cannot be read through, with how the reason begins; nothing of it counts.
fn damaged(id: &'static str, bytes: Vec<u8>, why: &str) -> Case {
    unread(id, "", bytes, &format!("{why}..."))
}

fn unread(id: &'static str, settings: &str, bytes: impl AsRef<[u8]>, why: &str) -> Case {
    let expected = format!("source_rejected: landing/{id}/extract cannot be read: {why}");
    case(id, settings, bytes, expected)
}

#[test]
fn limits() {
    let long = "x".repeat(300);
    let rows = "1,10.00\n".repeat(1000);
    let record =
        "a record is larger than 200 bytes (an unclosed quote?); raise limits.record_bytes if it is meant to be...";
    let bomb = "after record 0: it decompresses to more than 1000 bytes; if it is no decompression bomb, raise \
                limits.expansion or limits.decompressed_bytes...";
    let fixed = "format = 'fixed'\nfixed.fields = { id = [1, 3], amount = [4, 9] }";
    let jsonl = "format = 'jsonl'";
    let parquet = "format = 'parquet'\ncolumns.amount = 'id'";
    let of_ids = |ids: &[&str]| parquet_of(&[("id", Arc::new(StringArray::from(ids.to_vec())))]);
    let too_long =
        |id, settings: &str, bytes: String, place: &str| unread(id, settings, bytes, &format!("{place}: {record}"));
    night_with(
        "limits = { record_bytes = 200, decompressed_bytes = 1000 }",
        [
            too_long("a record", "", format!("id,account,amount\n1,x,10.00\n2,{long},5.00\n"), "after record 1"),
            too_long("a quote", "", format!("id,account,amount\n1,x,10.00\n2,\"x,5.00\n{rows}"), "after record 1"),
            too_long("a header", "", format!("id,{long},amount\n1,x,10.00\n"), "after record 0"),
            too_long("a preamble", "csv.skip_lines = 1", format!("{long}\nid,amount\n"), "the preamble"),
            too_long("a json line", jsonl, format!("{{\"id\":1,\"amount\":1}}\n{{\"id\":\"{long}\"}}\n"), "line 2"),
            too_long("a fixed line", fixed, format!("001000001\n{long}\n"), "line 2"),
            unread("a parquet record", parquet, of_ids(&["x", &long]), &format!("after record 1: {record}")),
            unread(
                "a parquet bomb",
                parquet,
                of_ids(&[&"x".repeat(1100)]),
                "it decompresses to more than 1000 bytes...",
            ),
            unread("a bomb", "", gzip(format!("id,amount\n{rows}").as_bytes()), bomb),
            case("not compressed", "", format!("id,amount\n{}", "1,0\n".repeat(300)), "1 | 0.00\n".repeat(300)),
        ],
    );
}

#[test]
fn files_of_a_source() {
    let file = "id,amount\n1,10.00\n";
    let more = "id,amount\n2,oops\n3,5.00\n";
    let every: String = (0..200).map(|n| format!("{n} | 1.00\n")).collect();
    let branches = "source.expected_files = 200\nfiles = 'landing/branches/{date}/*.csv'";
    let branches = (0..200).fold(source("branches", branches, every), |branches, n| {
        branches.and(&format!("2026-11-20/branch-{n:03}.csv"), format!("id,amount\n{n},1.00\n"))
    });
    let patterns = "files = ['landing/patterns/b*', 'landing/patterns/?.csv', 'landing/patterns/*']";
    let dated = "files = 'landing/dated/{date}/m-{date:%d%m%y}.csv'";
    night([
        branches,
        source("patterns", patterns, "2 | 1.00\n3 | 1.00\n1 | 1.00")
            .and("c", "id,amount\n1,1\n")
            .and("b", "id,amount\n2,1\n")
            .and("z.csv", "id,amount\n3,1\n")
            .and(".hidden", "id,amount\n4,1\n"),
        source("dated", dated, "1 | 10.00").and("2026-11-20/m-201126.csv", file).and("2026-11-19/m-191126.csv", more),
        source(
            "two files",
            "",
            "3 | 5.00
             1 | 10.00
             b, record 1, amount = oops: `o` at position 1 does not belong in an amount",
        )
        .and("c", file)
        .and("b", more),
        case("one gone", "source.expected_files = 2", file, "1 | 10.00\nfiles_missing: 1 of 2 expected files arrived"),
        case(
            "delivered twice",
            "source.expected_files = 2",
            file,
            "1 | 10.00
             files_missing: 1 of 2 expected files arrived
             file_repeated: 1 of 2 files were delivered twice",
        )
        .and("sent again", file),
        source(
            "none",
            "files = 'landing/none/{date}.csv'",
            "source_missing: no file arrived at landing/none/2026-11-20.csv",
        ),
    ]);
}

#[test]
fn files_with_nothing_in_them() {
    let positions = "csv.header = false\ncolumns.id = 1\ncolumns.amount = 2";
    let empty = "source_empty: its files arrived without a single record";
    let no_header = "the file is empty, without even a header";
    let nothing = format!("{empty}\nschema_drift: {no_header} (1 file)");
    let rubbish: Vec<u8> = (0..=255).cycle().take(4096).collect();
    night([
        case("zero bytes", "", "", nothing.clone()),
        case("gzip of zero bytes", "", gzip(b""), nothing),
        case("zero bytes without header", positions, "", empty),
        case("no line", "format = 'jsonl'", "\n\n", empty),
        case("only a header", "", "id,amount\n", empty),
        case("an empty branch", "", "", "1 | 10.00\nschema_drift: the file is empty, without even a header (1 file)")
            .and("other", "id,amount\n1,10.00\n"),
        unread("rubbish", "", &rubbish, "no column `amount` for `amount`; the file has: \u{fffd}..."),
        case(
            "rubbish of JSON lines",
            "format = 'jsonl'",
            b"\xff\xfe\n\xfd\n",
            "record 1 = \u{fffd}\u{fffd}: the line is no JSON object: expected value at column 1
             record 2 = \u{fffd}: the line is no JSON object: expected value at column 1",
        ),
        unread("rubbish of Parquet", "format = 'parquet'", &rubbish, "not a readable Parquet file: ..."),
    ]);
}

/// What cannot be read, or must not be, rejects its own source; the others are filed.
#[test]
fn one_bad_source_does_not_stop_the_others() {
    let place = Place::new();
    let elsewhere = Place::new();
    elsewhere.write("secret.csv", "id,amount\n9,9.00\n");
    place.write("landing/folder/2026-11-20.csv/x", "id,amount\n9,9.00\n");
    place.write("landing/link/real.csv", "id,amount\n1,1.00\n");
    let link = |from: &str, to: &Path| {
        fs::create_dir_all(place.at(from).parent().unwrap()).unwrap();
        symlink(to, place.at(from)).unwrap();
    };
    link("landing/link out/extract.csv", &elsewhere.at("secret.csv"));
    link("landing/link to nothing/extract.csv", &place.at("none.csv"));
    link("landing/link/inside.csv", &place.at("landing/link/real.csv"));
    link("landing/folder out", elsewhere.path());
    let file = "id,amount\n1,10.00\n";
    let mut cases = vec![
        case("before", "", file, "1 | 10.00"),
        source("link out", "", "source_rejected: landing/link out/extract.csv leads out of the data folder; ..."),
        source(
            "folder out",
            "files = 'landing/folder out/s*'",
            "source_rejected: landing/folder out/secret.csv leads out of the data folder; ...",
        ),
        source("link", "files = 'landing/link/inside.csv'", "1 | 1.00"),
        source(
            "link to nothing",
            "files = 'landing/link to nothing/extract.csv'",
            "source_rejected: landing/link to nothing/extract.csv is a folder or a link to nothing; ...",
        ),
        source(
            "folder",
            "files = 'landing/folder/{date}.csv'",
            "source_rejected: landing/folder/2026-11-20.csv is a folder or a link to nothing; ...",
        ),
        case("after", "", file, "1 | 10.00"),
    ];
    place.write("landing/unreadable/extract", file);
    fs::set_permissions(place.at("landing/unreadable/extract"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(place.at("landing/unreadable/extract")).is_err() {
        cases.push(source("unreadable", "", "source_rejected: landing/unreadable/extract: Permission denied..."));
    }
    check(&place, "", cases);
}
