//! Money is exact or refused with its place; nothing is ever rounded.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
};
use cuadre_tests::{DATE, Place, SMALL};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// A night of movements `1, 2, ...` with these amounts on each side.
fn night<S: AsRef<str>>(config: &str, source: &[S], warehouse: &[S]) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", config);
    let rows = |of: &str, amounts: &[S]| -> String {
        let rows = amounts.iter().zip(1..).map(|(amount, n)| format!("{of}{n},{DATE},x,\"{}\"\n", amount.as_ref()));
        rows.collect()
    };
    place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{}", rows("", source)));
    let warehouse = rows("a,", warehouse);
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{warehouse}"));
    place
}

fn predicate(place: &Place) -> Value {
    serde_json::from_str::<Value>(&place.filed("manifest.json")).expect("the manifest is JSON")["predicate"].take()
}

/// The rows of evidence about one exception.
fn evidence(place: &Place, exception: &str) -> Vec<String> {
    let listed = place.filed("exceptions.csv");
    let rows = listed.lines().filter(|line| line.starts_with(&format!("{exception},")));
    rows.map(|line| line[exception.len() + 1..].to_owned()).collect()
}

/// The amounts of `report.csv`, in order.
fn reported(place: &Place) -> Vec<String> {
    let last = |line: &str| line.rsplit(',').next().expect("a column").to_owned();
    place.filed("report.csv").lines().skip(1).map(last).collect()
}

#[test]
fn one_cent_in_ten_to_the_fifteenth_is_found() {
    for (source, warehouse, difference) in [
        ("1000000000000000.00", "1000000000000000.01", "0.01"),
        ("-1000000000000000.01", "-1000000000000000.00", "0.01"),
        ("99999999999999999999999999.99", "99999999999999999999999999.98", "-0.01"),
        ("9007199254740993.00", "9007199254740992.00", "-1.00"),
    ] {
        let place = night(SMALL, &[source], &[warehouse]);
        assert_eq!(place.run().code, 3);
        let row = format!("changed,a,landing/a/{DATE}.csv,1,amount,{source},{warehouse},{difference},MXN,");
        let found = evidence(&place, "changed/a");
        assert!(found.len() == 1 && found[0].starts_with(&row), "{found:?}");
        let judged = predicate(&place);
        assert_eq!(judged["endToEnd"][0]["changed"], 1);
        assert_eq!(judged["endToEnd"][0]["amountDifference"]["MXN"], difference);
        assert_eq!(judged["exceptions"][0]["amount"]["MXN"], difference);
    }
}

#[test]
fn cents_that_cancel_out_in_the_total_are_found() {
    let place = night(SMALL, &["1000000000000000.00", "5.00"], &["1000000000000000.01", "4.99"]);
    assert_eq!(place.run().code, 3);
    assert_eq!(evidence(&place, "changed/a").len(), 2);
    assert_eq!(predicate(&place)["endToEnd"][0]["amountDifference"]["MXN"], "0.00");
}

/// The largest amount 2,000 times over: the sums have 32 digits, more than any amount may have.
#[test]
fn sums_beyond_28_digits_are_exact() {
    const SUM: &str = "199999999999999999999999999980.00";
    let config = format!("{SMALL}[source.control]\nfrom = \"json\"\nfile = \"control.json\"\namount = \"total\"\n");
    for (stated, verdict) in [
        (SUM, "matched"),
        ("199999999999999999999999999980.01", "mismatched"),
        ("199999999999999999999999999979.99", "mismatched"),
        ("1199999999999999999999999999980.00", "mismatched"),
    ] {
        let place = night(&config, &["99999999999999999999999999.99"; 2000], &["99999999999999999999999999.99"; 2000]);
        place.write("control.json", format!("{{\"total\": {stated}}}"));
        let done = place.run();
        assert_eq!(done.code, if verdict == "matched" { 0 } else { 3 }, "{}", done.stderr);
        let judged = predicate(&place);
        let control = json!({
            "verdict": verdict,
            "expected": { "records": null, "amount": { "MXN": stated } },
            "actual": { "records": 2000, "amount": { "MXN": SUM } },
        });
        assert_eq!(judged["sources"][0]["control"], control);
        assert_eq!(judged["endToEnd"][0]["warehouseAmount"]["MXN"], SUM);
        assert_eq!(judged["endToEnd"][0]["matched"], 2000);
        assert!(place.filed("summary.csv").ends_with(&format!("TOTAL,,MXN,2000,{SUM},0.00,{SUM}\n")));
    }
}

/// No day has so many movements that they add up to 38 digits, but a control record can state
/// them, and a hash total reaches them at once.
#[test]
fn the_last_of_38_digits_is_found() {
    const STATED: &str = "99999999999999999999999999999999999.99";
    let config = format!(
        "{SMALL}[source.control]\nfrom = \"json\"\nfile = \"control.json\"\namount = \"total\"\n\
         hash_total = \"hash\"\nhash_field = \"account\"\n"
    );
    let account = "12345678901234567890123456789012345678";
    let config = config.replace("account = \"account\"", &format!("account = {{ value = \"{account}\" }}"));
    for (total, hash, told) in [
        ("5.00", account, None),
        (
            "5.00",
            "12345678901234567890123456789012345679",
            Some("a hash total of 12345678901234567890123456789012345679"),
        ),
        (STATED, account, Some("(difference -99999999999999999999999999999999994.99 MXN)")),
        ("9999999999999999999999999999999999999.00", account, None),
    ] {
        let place = night(&config, &["5.00"], &["5.00"]);
        place.write("control.json", format!("{{\"total\": \"{total}\", \"hash\": {hash}}}"));
        let done = place.run();
        let gap = &predicate(&place)["exceptions"][0];
        match (told, total) {
            (Some(told), _) => {
                assert_eq!((done.code, &gap["id"]), (3, &json!("control_mismatch/a")), "{}", done.stderr);
                assert!(gap["explanation"].as_str().is_some_and(|words| words.contains(told)), "{gap}");
            }
            (None, "5.00") => assert_eq!(done.code, 0, "{}", done.stderr),
            // 39 digits in cents: beyond the checked 128 bits, so it proves nothing.
            (None, _) => assert_eq!((done.code, &gap["id"]), (3, &json!("control_absent/a")), "{}", done.stderr),
        }
    }
}

#[test]
fn equal_amounts_that_are_too_long_never_pass_as_equal() {
    let long = ["123456789012345678901234567890123456.78", "12345678901234567890.1234567891", "1.00"];
    let place = night(SMALL, &long, &long);
    assert_eq!(place.run().code, 3);
    let judged = predicate(&place);
    assert_eq!((&judged["endToEnd"][0]["matched"], &judged["sources"][0]["rejectedRecords"]), (&json!(1), &json!(2)));
    assert_eq!(reported(&place), ["1.00"]);
    assert_eq!(
        evidence(&place, "records_rejected/a"),
        [
            format!("records_rejected,a,landing/a/{DATE}.csv,1,amount,{},,,,more than 28 digits", long[0]),
            format!(
                "records_rejected,a,landing/a/{DATE}.csv,2,amount,{},,,,10 decimals where the currency has 2",
                long[1]
            ),
        ]
    );
    assert_eq!(
        evidence(&place, "warehouse_records_rejected"),
        [
            format!("warehouse_records_rejected,a,warehouse/{DATE}.csv,1,amount,,{},,,more than 28 digits", long[0]),
            format!(
                "warehouse_records_rejected,a,warehouse/{DATE}.csv,2,amount,,{},,,10 decimals where the currency has 2",
                long[1]
            ),
        ]
    );
}

/// amount | as it is listed | why it is refused
const REFUSED: [[&str; 3]; 26] = [
    ["1.005", "1.005", "3 decimals where the currency has 2"],
    ["1.500", "1.500", "3 decimals where the currency has 2"],
    ["0.001", "0.001", "3 decimals where the currency has 2"],
    ["12345678901234567890.1234567891", "12345678901234567890.1234567891", "10 decimals where the currency has 2"],
    ["100000000000000000000000000.00", "100000000000000000000000000.00", "more than 28 digits"],
    ["NaN", "NaN", "`N` at position 1 does not belong in an amount"],
    ["inf", "inf", "`i` at position 1 does not belong in an amount"],
    ["-Infinity", "'-Infinity", "`I` at position 2 does not belong in an amount"],
    ["1e5", "1e5", "`e` at position 2 does not belong in an amount"],
    ["1E-2", "1E-2", "`E` at position 2 does not belong in an amount"],
    ["0x10", "0x10", "`x` at position 2 does not belong in an amount"],
    ["--5", "'--5", "the amount has two signs"],
    ["+-5", "'+-5", "the amount has two signs"],
    ["5-", "5-", "`-` at position 2 does not belong in an amount"],
    ["5.", "5.", "digits are missing after the decimal mark"],
    [".", ".", "digits are missing after the decimal mark"],
    ["-", "'-", "digits are missing before the decimal mark"],
    ["", "", "the amount is empty"],
    ["1,5", "\"1,5\"", "\"`,` at position 2 does not belong in an amount\""],
    ["1 000", "1 000", "` ` at position 2 does not belong in an amount"],
    ["1_000", "1_000", "`_` at position 2 does not belong in an amount"],
    ["1.2.3", "1.2.3", "`.` at position 4 does not belong in an amount"],
    ["(5)", "(5)", "`(` at position 1 does not belong in an amount"],
    ["$5", "$5", "`$` at position 1 does not belong in an amount"],
    ["１２", "１２", "`１` at position 1 does not belong in an amount"],
    ["−5", "−5", "`−` at position 1 does not belong in an amount"],
];

#[test]
fn what_is_no_amount_is_refused_with_its_place() {
    let amounts: Vec<&str> = REFUSED.iter().map(|[amount, ..]| *amount).collect();
    let place = night(SMALL, &amounts, &amounts);
    assert_eq!(place.run().code, 3);
    let (source, warehouse) = (evidence(&place, "records_rejected/a"), evidence(&place, "warehouse_records_rejected"));
    assert_eq!((source.len(), warehouse.len()), (REFUSED.len(), REFUSED.len()));
    for (n, [_, shown, why]) in REFUSED.iter().enumerate() {
        let record = n + 1;
        assert_eq!(source[n], format!("records_rejected,a,landing/a/{DATE}.csv,{record},amount,{shown},,,,{why}"));
        assert_eq!(
            warehouse[n],
            format!("warehouse_records_rejected,a,warehouse/{DATE}.csv,{record},amount,,{shown},,,{why}")
        );
    }
    assert_eq!(reported(&place), [""; 0]);
    assert_eq!(predicate(&place)["sources"][0]["amount"], json!({ "MXN": "0.00" }));
}

#[test]
fn numbers_of_json_are_read_as_text() {
    let config =
        SMALL.replacen("landing/a/{date}.csv\"\nformat = \"csv\"", "landing/a/{date}.jsonl\"\nformat = \"jsonl\"", 1);
    let kept = ["100000000000000000.01", "0.10", "-19.99", "12345678901234567890.12", "7"];
    let refused = ["1250.005", "1e5", "12345678901234567890.1234567891", "1.0E2", "true"];
    let lines: String = (kept.iter().chain(&refused).zip(1..))
        .map(|(amount, n)| format!("{{\"id\": {n}, \"date\": \"{DATE}\", \"account\": \"x\", \"amount\": {amount}}}\n"))
        .collect();
    let place = night(&config, &[], &kept);
    place.write(&format!("landing/a/{DATE}.jsonl"), lines);
    let done = place.run();
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(predicate(&place)["endToEnd"][0]["matched"], 5);
    assert_eq!(reported(&place), ["100000000000000000.01", "0.10", "-19.99", "12345678901234567890.12", "7.00"]);
    let found = evidence(&place, "records_rejected/a");
    assert_eq!(found.len(), refused.len());
    for ((row, amount), record) in found.iter().zip(refused).zip(kept.len() + 1..) {
        let expected = format!("records_rejected,a,landing/a/{DATE}.jsonl,{record},amount,{amount},");
        assert!(row.starts_with(&expected), "{row}");
    }
}

/// Executes SQL in an SQLite database, which is made where it is not there.
pub fn execute(path: &Path, sql: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut database = options.connect().await.expect("a database");
        database.execute(AssertSqlSafe(sql)).await.expect("the statements are right");
        database.close().await.expect("the database is closed");
    });
}

/// A night whose warehouse is the table `movements` of `warehouse.db`, which is still to be made.
pub fn sqlite_place(notation: &str, source: &[&str]) -> Place {
    let start = SMALL.find("[warehouse.files]").expect("a warehouse");
    let end = SMALL.find("[report]").expect("a report");
    let warehouse = format!(
        "[warehouse.sqlite]\npath = \"warehouse.db\"\ntable = \"movements\"\n{notation}\n[warehouse.sqlite.columns]\n\
         source = \"source\"\nid = \"id\"\nbooked_on = \"date\"\naccount = \"account\"\namount = \"amount\"\n\n"
    );
    night(&[&SMALL[..start], &warehouse, &SMALL[end..]].concat(), source, &[])
}

/// A night of these amounts, and of these values in a column of this type in the warehouse.
fn sqlite_night(source: &[&str], column: &str, values: &[&str], notation: &str) -> Place {
    let place = sqlite_place(notation, source);
    let rows = values.iter().zip(1..).map(|(value, n)| format!("('a', '{n}', '{DATE}', 'x', {value})"));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let columns = format!("source TEXT, id TEXT, date TEXT, account TEXT, amount {column}");
    let sql = format!("CREATE TABLE movements ({columns}); INSERT INTO movements VALUES {rows}");
    execute(&place.at("warehouse.db"), sql);
    place
}

#[test]
fn sqlite_keeps_text_and_integers_and_loses_to_no_affinity() {
    const CENTS: &str = "amount = { implied_decimals = 2 }";
    let amounts = ["1000000000000000.01", "-19.99", "92233720368547758.07"];
    let texts = ["'1000000000000000.01'", "'-19.99'", "'92233720368547758.07'"];
    let cents = ["100000000000000001", "-1999", "9223372036854775807"];
    for (column, values, notation) in [
        ("TEXT", texts, ""),
        ("BLOB", texts, ""),
        ("INTEGER", cents, CENTS),
        ("TEXT", cents, CENTS),
        ("", cents, CENTS),
    ] {
        let place = sqlite_night(&amounts, column, &values, notation);
        let done = place.run();
        assert_eq!(done.code, 0, "{column}: {}", done.stderr);
        assert_eq!(predicate(&place)["endToEnd"][0]["matched"], 3, "{column}");
    }
}

#[test]
fn sqlite_floats_are_refused() {
    // NUMERIC affinity turns the text into a float, and REAL even a whole number.
    let cases =
        [("NUMERIC", "'19.99'"), ("REAL", "'19.99'"), ("REAL", "20"), ("DECIMAL(18,2)", "19.99"), ("", "19.99")];
    for (column, value) in cases {
        let place = sqlite_night(&["19.99"], column, &[value], "");
        assert_eq!(place.run().code, 3, "{column} {value}");
        let found = evidence(&place, "warehouse_records_rejected");
        assert_eq!(found.len(), 1, "{column} {value}");
        let place_of = "warehouse_records_rejected,a,warehouse#movements,1,amount,,REAL ";
        assert!(found[0].starts_with(place_of) && found[0].contains("binary floating-point"), "{}", found[0]);
        assert_eq!(predicate(&place)["endToEnd"][0]["missingInWarehouse"], 1);
    }
    // As minor units too: 1999.0 is no integer of cents, however whole it looks.
    let place = sqlite_night(&["19.99"], "REAL", &["1999"], "amount = { implied_decimals = 2 }");
    assert_eq!(place.run().code, 3);
    assert_eq!(evidence(&place, "warehouse_records_rejected").len(), 1);
}

/// A night whose source is one Parquet file with this column of amounts, for movements `1, 2, ...`.
fn parquet_night(amounts: ArrayRef, notation: &str, warehouse: &[&str]) -> Place {
    let config = SMALL.replacen(
        "landing/a/{date}.csv\"\nformat = \"csv\"",
        "landing/a/{date}.parquet\"\nformat = \"parquet\"",
        1,
    );
    let place = night(&format!("{config}{notation}\n"), &[], warehouse);
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values((1..=amounts.len()).map(|n| n.to_string())));
    let constant = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; amounts.len()])) };
    let columns = [("id", ids), ("date", constant(DATE)), ("account", constant("x")), ("amount", amounts.clone())];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let file = File::create(place.at(&format!("landing/a/{DATE}.parquet"))).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows are written");
    writer.close().expect("the file is closed");
    place
}

#[test]
fn parquet_keeps_decimals_integers_and_texts() {
    let decimals = |values: Vec<i128>, precision, scale| -> ArrayRef {
        let array = Decimal128Array::from(values).with_precision_and_scale(precision, scale);
        Arc::new(array.expect("a decimal type"))
    };
    let cents: ArrayRef = Arc::new(Int64Array::from(vec![100_000_000_000_000_001, -1999]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1000000000000000.01", "-19.99"]));
    let expected = ["1000000000000000.01", "-19.99"];
    for (amounts, notation) in [
        (decimals(vec![100_000_000_000_000_001, -1999], 38, 2), ""),
        (decimals(vec![10_000_000_000_000_000_100, -199_900], 28, 4), "amount = { padding_zeros = true }"),
        (cents, "amount = { implied_decimals = 2 }"),
        (texts, ""),
    ] {
        let kind = amounts.data_type().clone();
        let place = parquet_night(amounts, notation, &expected);
        let done = place.run();
        assert_eq!(done.code, 0, "{kind}: {}", done.stderr);
        assert_eq!(reported(&place), expected, "{kind}");
    }
    // The fourth decimal is not zero; 38 digits are too many. Both are refused, with their place.
    for (amounts, why) in [
        (decimals(vec![100, 12_345], 18, 4), "4 decimals where the currency has 2"),
        (decimals(vec![100, 10i128.pow(37)], 38, 2), "more than 28 digits"),
    ] {
        let notation = if why.starts_with('4') { "amount = { padding_zeros = true }" } else { "" };
        let place = parquet_night(amounts, notation, &[]);
        assert_eq!(place.run().code, 3);
        let found = evidence(&place, "records_rejected/a");
        let place_of = format!("records_rejected,a,landing/a/{DATE}.parquet,2,amount,");
        assert!(found.len() == 1 && found[0].starts_with(&place_of) && found[0].ends_with(why), "{found:?}");
    }
}

fn is_refused_as_float(amounts: ArrayRef) {
    let kind = amounts.data_type().clone();
    let place = parquet_night(amounts, "", &["19.50", "5.00"]);
    assert_eq!(place.run().code, 3, "{kind}");
    assert_eq!(reported(&place), [""; 0], "{kind}");
    let judged = predicate(&place);
    let gap = &judged["exceptions"][0];
    assert_eq!((&judged["sources"][0]["state"], &gap["id"]), (&json!("rejected"), &json!("source_rejected/a")));
    let words = gap["explanation"].as_str().unwrap_or_default();
    assert!(words.contains("column `amount` holds binary floating-point numbers"), "{words}");
}

#[test]
fn a_float_column_of_parquet_is_refused() {
    is_refused_as_float(Arc::new(Float64Array::from(vec![19.5, 5.0])));
    is_refused_as_float(Arc::new(Float32Array::from(vec![19.5, 5.0])));
}

#[test]
fn a_float_column_of_parquet_in_a_dictionary_is_refused() {
    let (keys, values) = (Int32Array::from(vec![0, 1]), Float64Array::from(vec![19.5, 5.0]));
    let dictionary = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).expect("a dictionary");
    is_refused_as_float(Arc::new(dictionary));
}
