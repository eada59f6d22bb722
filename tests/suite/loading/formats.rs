//! Fixed width, JSON Lines and Parquet.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;

use super::{case, night};

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

pub fn parquet_of(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
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
