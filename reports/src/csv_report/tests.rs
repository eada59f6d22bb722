//! The bytes of `report.csv`, and what is refused.

use cuadre_rules::config::source::Encoding;
use jiff::civil::date;

use super::*;
use crate::testing::{Movement, batch, layout, totals};

fn header(records: u64, amount: &Totals) -> Header<'_> {
    Header { institution: "Caja Demo", series: "daily", business_date: date(2026, 11, 21), records, amount }
}

fn rendered_in(layout: &Report, movements: &[Movement], rows_per_batch: usize) -> Result<Vec<u8>, ReportError> {
    let amount = totals(2, movements);
    let mut report = CsvReport::new(layout, &header(movements.len() as u64, &amount), Vec::new())?;
    let whole = batch(2, movements);
    for start in (0..movements.len()).step_by(rows_per_batch) {
        report.write(&whole.slice(start, rows_per_batch.min(movements.len() - start)))?;
    }
    report.finish()
}

fn rendered(layout: &Report, movements: &[Movement]) -> Result<String, String> {
    rendered_in(layout, movements, 1024)
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .map_err(|error| error.to_string())
}

fn some_movements() -> Vec<Movement> {
    let first = Movement {
        id: Some("A-1"),
        booked_at: Some("2026-11-21T18:00:00Z"),
        kind: Some("deposit"),
        description: Some("Peña, \"Café\"".to_owned()),
        ..Movement::of(123_450, "MXN")
    };
    let second = Movement {
        source: "cards",
        booked_on: "2026-11-22",
        booked_at: Some("2026-11-21T18:00:00.25Z"),
        ..Movement::of(-70_000, "JPY")
    };
    vec![first, second, Movement::of(-5, "MXN")]
}

#[test]
fn a_plain_layout() {
    let layout = layout(&["source", "id", "booked_on", "booked_at", "kind", "currency", "amount", "description"]);
    let expected = "\
source,id,booked_on,booked_at,kind,currency,amount,description
core,A-1,2026-11-21,2026-11-21T18:00:00Z,deposit,MXN,1234.50,\"Peña, \"\"Café\"\"\"
cards,,2026-11-22,2026-11-21T18:00:00.25Z,,JPY,-700,
core,,2026-11-21,,,MXN,-0.05,
";
    assert_eq!(rendered(&layout, &some_movements()).as_deref(), Ok(expected));
    assert_eq!(
        rendered(&layout, &[]).as_deref(),
        Ok("source,id,booked_on,booked_at,kind,currency,amount,description\n")
    );
}

#[test]
fn a_layout_with_every_setting() {
    let columns = ["amount as Importe", "booked_on as Día in %d/%m/%Y", "booked_at as Hora in %H:%M", "description"];
    let layout = Report {
        delimiter: ';',
        crlf: true,
        decimal: ',',
        encoding: Encoding::Windows1252,
        header_record: Some("H;{institution};{date:%Y%m%d};{records}".to_owned()),
        trailer_record: Some("T;{amount:MXN};{amount:JPY}".to_owned()),
        ..layout(&columns)
    };
    let expected = b"H;Caja Demo;20261121;3\r\n\
Importe;D\xEDa;Hora;description\r\n\
1234,50;21/11/2026;18:00;\"Pe\xF1a, \"\"Caf\xE9\"\"\"\r\n\
-700;22/11/2026;18:00;\r\n\
-0,05;21/11/2026;;\r\n\
T;1234,45;-700\r\n";
    assert_eq!(rendered_in(&layout, &some_movements(), 1024).unwrap(), expected);
}

#[test]
fn a_decimal_mark_that_is_the_delimiter_is_quoted() {
    let layout = Report { decimal: ',', header: false, ..layout(&["amount", "currency"]) };
    let expected = "\"1234,50\",MXN\n-700,JPY\n\"-0,05\",MXN\n";
    assert_eq!(rendered(&layout, &some_movements()).as_deref(), Ok(expected));
}

#[test]
fn the_bytes_of_every_encoding() {
    let cases: [(Encoding, &[u8]); 4] = [
        (Encoding::Utf8, b"\xC3\x91and\xC3\xBA \xC2\xBF?\n"),
        (Encoding::Windows1252, b"\xD1and\xFA \xBF?\n"),
        (Encoding::Latin1, b"\xD1and\xFA \xBF?\n"),
        (Encoding::Cp850, b"\xA5and\xA3 \xA8?\n"),
    ];
    for (encoding, expected) in cases {
        let layout = Report { encoding, header: false, ..layout(&["description"]) };
        let found = rendered_in(&layout, &[Movement::described("Ñandú ¿?")], 1).unwrap();
        assert_eq!(found, expected, "{encoding:?}");
    }
}

#[test]
fn a_character_that_the_encoding_lacks_is_named() {
    for (encoding, text, character) in [
        (Encoding::Windows1252, "Dvořák", "'ř' (U+0159) does not exist in windows-1252"),
        (Encoding::Latin1, "5 €", "'€' (U+20AC) does not exist in latin-1"),
        (Encoding::Cp850, "漢,", "'漢' (U+6F22) does not exist in cp850"),
    ] {
        let movements = [Movement::described("fine"), Movement::described(text)];
        let plain = Report { encoding, ..layout(&["description as nota"]) };
        let error = rendered(&plain, &movements).unwrap_err();
        let place = "field description, record 2 of input file number 3 (counted from 0): ";
        assert!(error.starts_with(place) && error.contains(character), "{error}");

        let named = Report { encoding, ..layout(&[&format!("amount as {text}")]) };
        let error = rendered(&named, &[]).unwrap_err();
        assert!(error.starts_with("the name of the column `") && error.contains(character), "{error}");

        let trailing = Report { trailer_record: Some(text.to_owned()), ..plain };
        let error = rendered(&trailing, &[]).unwrap_err();
        assert!(error.starts_with("[report] trailer_record: ") && error.contains(character), "{error}");
    }
}

#[test]
fn texts_are_neutralised_and_amounts_never() {
    let cases = [
        ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ("-12.50", "'-12.50"),
        ("+52", "'+52"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""),
        ("x=1", "x=1"),
    ];
    let columns = ["description", "amount", "booked_on in -%d", "booked_at in +%H", "id"];
    for (text, expected) in cases {
        let movement = Movement {
            description: Some(text.to_owned()),
            booked_at: Some("2026-11-21T18:00:00Z"),
            ..Movement::of(-100, "MXN")
        };
        let neutral = Report { neutralise_text: true, header: false, ..layout(&columns) };
        let line = format!("{expected},-1.00,-21,+18,\n");
        assert_eq!(rendered(&neutral, std::slice::from_ref(&movement)), Ok(line), "{text:?}");
        let plain = Report { header: false, ..layout(&["description"]) };
        let line = format!("{}\n", expected.replacen('\'', "", 1));
        assert_eq!(rendered(&plain, &[movement]), Ok(line), "{text:?}");
    }
}

#[test]
fn bytes_do_not_depend_on_batches() {
    let movements: Vec<_> = some_movements().into_iter().cycle().take(5_000).collect();
    let layout = layout(&["source", "id", "booked_on", "booked_at", "amount", "description"]);
    let whole = rendered_in(&layout, &movements, 5_000).unwrap();
    assert!(whole.len() > 128 << 10, "more than the buffer");
    for rows in [1, 7, 1_000] {
        assert!(rendered_in(&layout, &movements, rows).unwrap() == whole, "{rows} rows per batch");
    }
}

#[test]
fn what_is_written_reads_back() {
    let movements = some_movements();
    let bytes = rendered_in(&layout(&["description", "amount"]), &movements, 2).unwrap();
    let read: Vec<(String, String)> =
        csv::Reader::from_reader(bytes.as_slice()).deserialize().collect::<Result<_, _>>().unwrap();
    let expected = [("Peña, \"Café\"", "1234.50"), ("", "-700"), ("", "-0.05")];
    assert_eq!(read, expected.map(|(text, amount)| (text.to_owned(), amount.to_owned())));
}

#[test]
fn layouts_that_cannot_be() {
    let fields = || layout(&["amount"]);
    let cases = [
        (Report { delimiter: '"', ..fields() }, "[report] delimiter: '\"' cannot stand between fields"),
        (Report { delimiter: 'ñ', ..fields() }, "[report] delimiter: 'ñ' cannot stand between fields"),
        (Report { decimal: '0', ..fields() }, "[report] decimal: '0' cannot be a decimal mark"),
        (layout(&["amount in %d"]), "[report] columns, field amount: `format` is for dates and instants"),
        (layout(&["booked_on in %H"]), "[report] columns, field booked_on: `format` cannot be followed"),
        (layout(&["booked_at in %!"]), "[report] columns, field booked_at: `format` cannot be followed"),
        (
            Report { trailer_record: Some("{amount:USD}".to_owned()), ..fields() },
            "[report] trailer_record: USD is not a currency of this institution",
        ),
    ];
    for (layout, why) in cases {
        let error = rendered(&layout, &[]).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
}

#[test]
fn a_header_that_the_rows_belie_is_refused() {
    let movements = some_movements();
    let amount = totals(2, &movements);
    let layout = layout(&["amount"]);
    let finished = |records, amount: &Totals| {
        let mut report = CsvReport::new(&layout, &header(records, amount), Vec::new()).unwrap();
        report.write(&batch(2, &movements)).unwrap();
        report.finish().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(finished(3, &amount), Ok(()));
    assert!(finished(4, &amount).unwrap_err().contains("states 4 movements"));
    let mut off = amount.clone();
    off.add("MXN".parse().unwrap(), 1).unwrap();
    let error = finished(3, &off).unwrap_err();
    assert!(error.contains("states 3 movements (-700 JPY, 1234.46 MXN), 3 movements (-700 JPY, 1234.45 MXN) were"));
}

#[test]
fn amounts_of_28_digits_and_totals_beyond() {
    let most = 10i128.pow(28) - 1;
    let layout = Report { header: false, trailer_record: Some("{amount:MXN}".to_owned()), ..layout(&["amount"]) };
    let line = "99999999999999999999999999.99\n";
    let movements = vec![Movement::of(most, "MXN"); 11];
    let expected = line.repeat(11) + "1099999999999999999999999999.89\n";
    assert_eq!(rendered(&layout, &movements), Ok(expected));
}

#[test]
fn batches_of_another_scale_are_refused() {
    let amount = Totals::new(2);
    let mut report = CsvReport::new(&layout(&["amount"]), &header(0, &amount), Vec::new()).unwrap();
    let error = report.write(&batch(3, &[Movement::of(1, "MXN")])).unwrap_err().to_string();
    assert!(error.contains("`amount` of Decimal128(28, 3)"), "{error}");
}
