//! Real payments of fifteen public bodies against answers that were computed without cuadre.
//!
//! `fixtures/ukspend/excerpt` has a few records of each body. Where the whole of the data lies
//! beside the workspace, every day of it is run as well.

use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::SigningKey;
use cuadre_tests::{Place, workspace};
use serde_json::Value;

#[test]
fn every_figure_of_the_excerpt_is_as_computed_independently() {
    let days = judge(&workspace().join("fixtures/ukspend/excerpt"));
    assert_eq!(days, ["2019-03-27", "2020-06-26"]);
}

#[test]
fn every_figure_of_the_whole_data_is_as_computed_independently() {
    let data = workspace().join("../shared/data/ukspend");
    if !data.is_dir() {
        eprintln!("SKIPPED ukspend: ../shared/data/ukspend is not here");
        return;
    }
    assert!(!judge(&data).is_empty(), "{} has no expected/*.json", data.display());
}

/// body | day | header | record | what the report says of it, or why it is refused
type Case = (&'static str, &'static str, &'static [u8], &'static [u8], &'static str);

/// Defects that no day of the excerpt has, each with the header and the record as published.
#[test]
#[rustfmt::skip]
fn defects_of_other_days() {
    let cases: &[Case] = &[
        ("cabinetoffice", "2022-04-01",
            b"#,Departmental Family,Entity,Date,Expense Type,Expense Area,Supplier,Transaction number,Amount",
            b"309,CAB,CABINET OFFICE,\"Friday, April 01, 2022\",EXP - PURCHASE OF GOODS/SERVICES - TRAINING & DEVELOPMENT,\"IPA FUNCTION, PROFESSION AND STANDARDS\",ERNST & YOUNG LLP,1037135507,50000",
            "CABINET OFFICE,ERNST & YOUNG LLP,1037135507,GBP,50000.00"),
        ("gateshead", "2016-12-19",
            b"\xef\xbb\xbfStrgrpcc(T),Cipfsubj(T),Cipfsubs(T),TransNo,Sequence no,Period,Supplier ID(T),Amount,Updated,",
            b"Full Authority,,,1825,1,201609,NORTHERN RAIL LTD,1416.7,2016-12-19,,,,,GC,GC,,,,,,,,,,,,,,,,,,,,,,,,,",
            "Full Authority,NORTHERN RAIL LTD,1825,GBP,1416.70"),
        ("gateshead", "2018-09-11",
            b"Strgrpcc(T),Cipfsubj(T),Cipfsubs(T),TransNo,Seq no,Period,Supplier ID(T),Amount,Updated",
            b"Schools,Employees,Indirect Employee Expenses,200009108,1,201806,Barclaycard - Global Commercial Payments,1900-01-09,2018-09-11",
            "refused: amount `1900-01-09`: `-` at position 5 does not belong in an amount"),
        ("harrogate", "2017-02-20",
            b"Body Name,Expenditure Category,Capital/ Revenue,Service Label,Service Code,Expenditure Code,Payment date,Supplier Name,Transaction No.,Net Amount,Narrative",
            b"Harrogate Borough Council,Income,R,Community,Car Parking,Parking Season Tickets,2017-02-20,BETTY\xefS  AND TAYLORS GROUP,4670159,730.00,COST OF SEASON TICKET",
            "Community,BETTY´S  AND TAYLORS GROUP,4670159,GBP,730.00"),
        ("london", "2013-12-09",
            b"Vendor ID,Vendor Name,Cost Element,Expenditure Account Code Description,Document No,Amount,Clearing Date",
            b"10021016,LONDON YOUTH ROWING,544075,Grants to External Organisations,5108024331,\"(4,000.00)\",2013-12-09,Contra,,,",
            "Grants to External Organisations,LONDON YOUTH ROWING,5108024331,GBP,-4000.00"),
        ("manchester", "2022-05-03",
            b"\xc3\xaf\xc2\xbb\xc2\xbfBody Name,Service Area,Expenses Type,Invoice Payment Date,Transaction Number,Net Amount,Supplier Name",
            b"Manchester City Council,Manchester Leisure,Grant and subscriptions awarded,2022-05-03,1700133305,-2500,Redacted Personal Information",
            "Manchester Leisure,Redacted Personal Information,1700133305,GBP,-2500.00"),
        ("networkrail", "2019-03-02",
            b"Supplier Name,Category Family,Invoice GL Date,Spend",
            b"Young Samuel Chambers (''YSC\") Ltd,HR and Training,2019-03-02,48596.67",
            "HR and Training,\"Young Samuel Chambers (''YSC\"\") Ltd\",,GBP,48596.67"),
        ("newcastle", "2022-08-01",
            b"Directorate,Service Area,Group Description,Paid Date,Supplier Name,Internal Ref,Cap/Rev,Cost Centre,Cost Centre Name,Total (excludes VAT)",
            b"Operations & Reg Services,Operations,Revenue Expenditure,2022-08-01,ADT FIRE & SECURITY,8662214,revenue,1KE1A,Wentworth Pl & Cherry Tree R&M,521.56,#N/A",
            "Operations & Reg Services,ADT FIRE & SECURITY,8662214,GBP,521.56"),
        ("newcastle", "2021-07-01",
            b"Directorate,Service Area,Group Description,Paid Date,Supplier Name,Internal Ref,Cap/Rev,Cost Centre,Cost Centre Name,Total (excludes VAT)",
            b"Resources,ICT,Revenue Expenditure,2021-07-01,VIRGIN MEDIA BUSINESS,8361819,revenue,1CC24,Telecoms,-3.46945E-18",
            "refused: amount `'-3.46945E-18`: `E` at position 9 does not belong in an amount"),
        ("salford", "2014-12-19",
            b"Authority Name,Date of Payment,SAP Document Number,Gross,VAT,Net,Supplier Name,Directorate,G/L description.",
            b"Salford City Council,2014-12-19,2203930677,34405..40,0.00,34405.40,Squire Patton boggs Sols,Sustainable Regeneration,Purchase of Land & Buildings",
            "refused: amount `34405..40`: `.` at position 7 does not belong in an amount"),
        ("sheffield", "2014-04-02",
            b"Business Unit Description,Expense Code,Expense Code Description,GL Date,Document No.,Invoice No.,Invoiced Value,Supplier Name,Address Book No.,Proclass Details Level 1,Thomson Classification Description",
            b"ADULT SOCIAL CARE PURCHASING,9190,DIRECT PAYMENTS,2014-04-02,3623929,J869534,REDACTED PERSONAL DATA,REDACTED PERSONAL DATA,420601,Social Community Care,CAREFIRST DIRECT PAYMENTS",
            "refused: amount `REDACTED PERSONAL DATA`: `R` at position 1 does not belong in an amount"),
        ("sheffield", "2012-12-12",
            b"Business Unit Description,Expense Code,Expense Code Description,GL Date,Document No,Invoice No,Invoiced Value,Supplier Name,Address Book No.,Proclass Details Level 1,Thomson Classification Description",
            b"ADOPTION SERVICE,9120,OTHER AGENCIES,2012-12-12,3377937,ERS INVOICE76686,479.86,REDACTED PERSONAL DATA,57",
            "ADOPTION SERVICE,REDACTED PERSONAL DATA,3377937,GBP,479.86"),
        ("tfl", "2020-08-28",
            b"Entity,Vendor Name,Expenditure Account,Document Number,Clearing Date,Amount,Merchant Category",
            b"TFL CORPORATE,,#N/A,1001\\3000036037,2020-08-28,,#N/A",
            "refused: amount ``: the amount is empty"),
        ("wakefield", "2014-04-01",
            b"Organisation Name,Organisation Code,Effective Date,Directorate,Service (Sercop),Sercop URI,Supplier Name,Supplier ID,Company Registration,Charity Registration,VCSE Grant,Payment Date,Transaction Number,Net Amount,Irrecoverable VAT,Purpose of Spend,Type,Procurement Classification,Class Code,Procurement Classification,Class Code,Thomson Classification,Thomson Description,Contract",
            b"Wakefield MDC,E08000036,2014-06-30,ADULTS,Not yet available,Not yet available,CARR GATE CARE HOME,N/A,Not yet available,Not yet available,Not yet available,2014-04-01,22464314,4944.00,Nil,Nursing Placements in Independent Homes (Other Agencies),Revenue,Family Services,CAT04,Sub Category To Be Classified,SUBCATTBC,53350,Nursing Homes,Not yet available",
            "Family Services,CARR GATE CARE HOME,22464314,GBP,4944.00"),
    ];
    for (body, date, header, record, expected) in cases {
        let place = place();
        place.write(&format!("landing/{body}/{date}/extract.csv"), [header, &b"\n"[..], record, b"\n"].concat());
        place.write(&format!("warehouse/{date}.csv"), "source,payment_date,amount,organisational_unit,beneficiary\n");
        run(&place, place.path(), date);
        assert_eq!(outcome(&place, body, date), *expected, "{body} {date}");
    }
}

/// A place with the configuration and a key where it wants one.
fn place() -> Place {
    let place = Place::new();
    let config = workspace().join("fixtures/ukspend/cuadre.toml");
    place.write("cuadre.toml", fs::read(config).expect("the configuration is read"));
    fs::create_dir(place.at("keys")).expect("a folder is made");
    SigningKey::from_seed([7; 32]).write(&place.at("keys/ukspend"), "test").expect("a key is written");
    place
}

/// Runs a night on `data`, and returns what its manifest says. Some body is missing on every day,
/// so it is always a partial one.
fn run(place: &Place, data: &Path, date: &str) -> Value {
    let data = data.to_str().expect("a path in UTF-8");
    let done = place.cuadre(["run", "--config", "cuadre.toml", "--data", data, "--filings", "filings", "--date", date]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let manifest = place.read(&format!("filings/filings/{date}.1/manifest.json"));
    let mut manifest: Value = serde_json::from_str(&manifest).expect("a manifest is JSON");
    manifest["predicate"].take()
}

/// Runs every day of `data` that has an expected file, compares all figures, and returns the days.
fn judge(data: &Path) -> Vec<String> {
    let expected = fs::read_dir(data.join("expected")).expect("a folder is listed");
    let mut files: Vec<PathBuf> = expected.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let place = place();
    files.iter().map(|file| judge_day(&place, data, file)).collect()
}

fn judge_day(place: &Place, data: &Path, file: &Path) -> String {
    let expected: Value = serde_json::from_slice(&fs::read(file).expect("a file is read")).expect("JSON");
    let date = expected["business_date"].as_str().expect("a date").to_owned();
    let manifest = run(place, data, &date);
    let bodies = expected["bodies"].as_object().expect("bodies");
    let sources = manifest["sources"].as_array().expect("sources");
    assert_eq!((bodies.len(), sources.len()), (15, 15), "{date}");
    for (body, expected) in bodies {
        assert_eq!(stated(&manifest, body), right(expected), "{body} on {date}");
    }
    date
}

/// The figures of one body that `manifest` states, as text.
fn stated(manifest: &Value, body: &str) -> String {
    let of = |list: &str, name: &str| {
        let mut entries = manifest[list].as_array().expect("a list").iter();
        entries.find(|entry| entry[name] == body).unwrap_or_else(|| panic!("{list} has no {body}"))
    };
    let (source, compared) = (of("sources", "id"), of("endToEnd", "source"));
    assert_eq!((&compared["changed"], &compared["duplicates"]), (&Value::from(0), &Value::from(0)), "{body}");
    figures([
        ("state", &source["state"]),
        ("control", &source["control"]["verdict"]),
        ("records", &source["records"]),
        ("rejected records", &source["rejectedRecords"]),
        ("amount", &source["amount"]["GBP"]),
        ("source records", &compared["sourceRecords"]),
        ("source amount", &compared["sourceAmount"]["GBP"]),
        ("warehouse records", &compared["warehouseRecords"]),
        ("warehouse amount", &compared["warehouseAmount"]["GBP"]),
        ("matched", &compared["matched"]),
        ("missing in warehouse", &compared["missingInWarehouse"]),
        ("missing in source", &compared["missingInSource"]),
        ("amount difference", &compared["amountDifference"]["GBP"]),
    ])
}

/// The same figures as an expected file has them. No record of these days is refused.
fn right(expected: &Value) -> String {
    let came = expected["source_rows"] != 0;
    figures([
        ("state", &Value::from(if came { "received" } else { "missing" })),
        ("control", &Value::from(if came { "matched" } else { "absent" })),
        ("records", &expected["source_rows"]),
        ("rejected records", &Value::from(0)),
        ("amount", &expected["source_total"]),
        ("source records", &expected["source_rows"]),
        ("source amount", &expected["source_total"]),
        ("warehouse records", &expected["warehouse_rows"]),
        ("warehouse amount", &expected["warehouse_total"]),
        ("matched", &expected["matched_rows"]),
        ("missing in warehouse", &expected["only_in_source_rows"]),
        ("missing in source", &expected["only_in_warehouse_rows"]),
        ("amount difference", &expected["difference_total"]),
    ])
}

fn figures(figures: [(&str, &Value); 13]) -> String {
    figures.map(|(name, value)| format!("{name}: {value}\n")).concat()
}

/// What became of a delivery of one record: its line in the report without day and body, or why
/// it was refused.
fn outcome(place: &Place, body: &str, date: &str) -> String {
    let filed = |name: &str| place.read(&format!("filings/filings/{date}.1/{name}"));
    let refused = filed("exceptions.csv");
    if let Some(line) = refused.lines().find(|line| line.starts_with(&format!("records_rejected/{body},"))) {
        let cells: Vec<&str> = line.split(',').collect();
        return format!("refused: {} `{}`: {}", cells[5], cells[6], cells[10]);
    }
    let report = filed("report.csv");
    let lines: Vec<&str> = report.lines().skip(1).collect();
    assert_eq!(lines.len(), 1, "{report}");
    lines[0].trim_start_matches(&format!("{date},{body},")).to_owned()
}
