//! `report.xlsx` as another program reads it: every amount is the manifest's to the last digit, whether it is a
//! number or a text; every row of evidence is there; and nothing in it can be executed.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use calamine::{Data, Range, Reader, Xlsx, open_workbook};
use cuadre_tests::{DATE, Place, SMALL};
use serde_json::Value;

/// A night in which amounts have up to 20 digits, texts look like formulas, and movements differ in every way.
fn night(language: &str) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", format!("language = \"{language}\"\ncurrencies = [\"MXN\"]\n{SMALL}"));
    let amounts = ["0.01", "-999999999999999.99", "1000000000000000000.00", "-0.10", "9999999999999.99", "5.00"];
    let (mut landing, mut warehouse) =
        ("id,date,account,amount\n".to_owned(), "source,id,date,account,amount\n".to_owned());
    for (n, amount) in amounts.iter().enumerate() {
        landing += &format!("{n},{DATE},=1+1,{amount}\n");
        warehouse += &format!("a,{n},{DATE},@x,{amount}\n");
    }
    landing += &format!("only-here,{DATE},\u{7},-12345678901234567.89\nchanged,{DATE},x,1.10\nrefused,{DATE},x,1e5\n");
    warehouse += &format!("a,only-there,{DATE},\"+cmd|' /C calc'!A0\",0.30\na,changed,{DATE},x,-1000000000000000.01\n");
    place.write(&format!("landing/a/{DATE}.csv"), landing);
    place.write(&format!("warehouse/{DATE}.csv"), warehouse);
    assert_eq!(place.run().code, 3);
    place
}

fn path(place: &Place) -> PathBuf {
    place.at(&format!("filings/filings/{DATE}.1/report.xlsx"))
}

fn sheet(path: &Path, n: usize) -> (String, Range<Data>) {
    let mut workbook: Xlsx<BufReader<File>> = open_workbook(path).expect("a workbook");
    let name = workbook.sheet_names()[n].clone();
    let range = workbook.worksheet_range(&name).expect("a sheet");
    (name, range)
}

/// The column of that name.
fn column(range: &Range<Data>, name: &str) -> usize {
    let names: Vec<String> = range.rows().next().expect("names").iter().map(ToString::to_string).collect();
    names.iter().position(|other| other == name).unwrap_or_else(|| panic!("{name} is none of {names:?}"))
}

/// A cell as the decimal that it shows: of a number, the shortest one that is this number.
fn decimal(cell: &Data) -> String {
    match cell {
        Data::Float(number) => format!("{number}"),
        Data::Int(number) => number.to_string(),
        Data::String(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

/// A decimal without the zeros at its end.
fn bare(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// How many digits count.
fn digits(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

fn manifest(place: &Place) -> Value {
    let manifest: Value = serde_json::from_str(&place.filed("manifest.json")).expect("JSON");
    manifest["predicate"].clone()
}

#[test]
fn every_amount_is_exact() {
    let place = night("en");
    let (manifest, path) = (manifest(&place), path(&place));
    let mut kinds = [false; 2];
    let mut same = |cell: &Data, text: &str| {
        assert_eq!(bare(&decimal(cell)), bare(text));
        let is_number = !matches!(cell, Data::String(_));
        assert_eq!(is_number, digits(text) <= 15, "{text}");
        kinds[usize::from(is_number)] = true;
    };

    let (_, tie_out) = sheet(&path, 1);
    let facts = &manifest["endToEnd"][0];
    for (name, text) in [
        ("Received", &manifest["sources"][0]["amount"]["MXN"]),
        ("Warehouse", &facts["warehouseAmount"]["MXN"]),
        ("Difference", &facts["amountDifference"]["MXN"]),
    ] {
        same(&tie_out[(1, column(&tie_out, name))], text.as_str().expect("an amount"));
    }
    let counts = [("Records", &manifest["sources"][0]["records"]), ("Matched", &facts["matched"])];
    for (name, count) in counts {
        assert_eq!(decimal(&tie_out[(1, column(&tie_out, name))]), count.to_string());
    }

    let (_, exceptions) = sheet(&path, 2);
    let (id, amount) = (column(&exceptions, "Exception"), column(&exceptions, "Amount"));
    let stated = manifest["exceptions"].as_array().expect("exceptions");
    let of = |row: &[Data]| stated.iter().find(|gap| gap["id"] == row[id].to_string().as_str()).expect("an exception");
    for row in exceptions.rows().skip(1) {
        match &of(row)["amount"] {
            Value::Null => assert_eq!(row[amount], Data::Empty),
            money => same(&row[amount], money["MXN"].as_str().expect("an amount")),
        }
    }
    assert_eq!(exceptions.height() - 1, stated.len());

    let (_, evidence) = sheet(&path, 3);
    let mut rows = evidence.rows().skip(1);
    let (amount, in_source) = (column(&evidence, "Amount"), column(&evidence, "In the source, or found"));
    for filed in csv::Reader::from_reader(place.filed("exceptions.csv").as_bytes()).records() {
        let (filed, row) = (filed.expect("a row"), rows.next().expect("a row"));
        assert_eq!(row[0].to_string(), &filed[0]);
        match &filed[8] {
            "" => assert_eq!(row[amount], Data::Empty),
            text => same(&row[amount], text),
        }
        let text = filed[6].strip_prefix('\'').unwrap_or(&filed[6]).replace('\u{7}', "\u{2407}");
        assert_eq!(bare(&row[in_source].to_string()), bare(&text));
    }
    assert_eq!((rows.next(), kinds), (None, [true, true]));
}

#[test]
fn names_are_in_the_language_of_the_configuration() {
    for (language, names, heads) in [
        ("en", ["Summary", "Tie-out", "Exceptions", "Evidence"], ["Source", "Business date", "Exception"]),
        ("es-MX", ["Resumen", "Cuadre", "Excepciones", "Evidencia"], ["Fuente", "Fecha de operación", "Excepción"]),
    ] {
        let (place, mut found) = (night(language), Vec::new());
        for n in 0..4 {
            let (name, range) = sheet(&path(&place), n);
            assert!(n == 0 || range[(0, 0)] == heads[n - 1], "{name}: {:?}", range[(0, 0)]);
            found.push(name);
        }
        assert_eq!(found, names);
    }
}

#[test]
fn dates_are_dates() {
    let place = night("es-MX");
    let (_, exceptions) = sheet(&path(&place), 2);
    let Data::DateTime(date) = &exceptions[(1, 0)] else { panic!("{:?}", exceptions[(1, 0)]) };
    let days = i64::from(
        jiff::civil::date(1899, 12, 30)
            .until(DATE.parse::<jiff::civil::Date>().expect("a date"))
            .expect("days")
            .get_days(),
    );
    assert_eq!(format!("{}", date.as_f64()), days.to_string());
}

#[test]
fn nothing_can_be_executed() {
    let place = night("en");
    let file = File::open(path(&place)).expect("a workbook");
    let mut archive = zip::ZipArchive::new(file).expect("an archive");
    let mut sheets = 0;
    for n in 0..archive.len() {
        let mut part = archive.by_index(n).expect("a part");
        let name = part.name().expect("a name").into_owned();
        let mut text = String::new();
        part.read_to_string(&mut text).expect("text");
        for forbidden in
            ["<f>", "<f ", "hyperlink", "externalLink", "TargetMode=\"External\"", "vbaProject", "oleObject"]
        {
            assert!(!text.contains(forbidden), "{forbidden} in {name}");
        }
        sheets += usize::from(name.starts_with("xl/worksheets/sheet"));
    }
    assert_eq!(sheets, 4);
    let (_, evidence) = sheet(&path(&place), 3);
    let there = column(&evidence, "In the warehouse, or expected");
    let texts: Vec<String> = evidence.rows().map(|row| row[there].to_string()).collect();
    assert!(texts.iter().any(|text| text == "@x"), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("+cmd|' /C calc'!A0")), "{texts:?}");
}

/// The workbook of a filing is made again byte for byte, another day and in another place.
#[test]
fn it_is_made_again_byte_for_byte() {
    let place = night("es-MX");
    let later = [("SOURCE_DATE_EPOCH".to_owned(), "1900000000".to_owned())];
    let args = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again", "--threads", "1"];
    let done = place.cuadre_with(args, &later);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let of = |folder: &str| std::fs::read(place.at(folder).join("report.xlsx")).expect("a workbook");
    assert!(of("again") == of(&format!("filings/filings/{DATE}.1")));
    let manifest = place.filed("manifest.json");
    assert!(manifest.contains("\"report.xlsx\""), "{manifest}");
}
