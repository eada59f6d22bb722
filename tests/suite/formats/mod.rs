//! The golden series: one of each format of filings, as it was filed when the format was new. Whatever
//! becomes of the program, it verifies each of them, and makes every filing again byte for byte.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use cuadre_audit::{Series, SigningKey};
use cuadre_reports::Format;
use cuadre_tests::s3::copy;
use cuadre_tests::tsa::{Kind, Tsa};
use cuadre_tests::{DATE, Done, Place, SMALL, files_below, workspace};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::exactness::execute;

const CONFIG: &str = include_str!("cuadre.toml");
const NEXT_DAY: &str = "2026-11-21";
const SUNDAY: &str = "2026-11-22";
/// 05:40, 07:00 and 12:00, and 05:30 on the two mornings after, in Mexico City.
const HOURS: [&str; 5] = ["1795261200", "1795266000", "1795284000", "1795347000", "1795433400"];

/// The folders `format-N`, in order.
fn kept() -> Vec<(u32, PathBuf)> {
    let golden = workspace().join("tests/suite/golden");
    let format = |path: PathBuf| Some((path.file_name()?.to_str()?.strip_prefix("format-")?.parse().ok()?, path));
    let entries = fs::read_dir(golden).expect("the golden files").flatten();
    let mut kept: Vec<(u32, PathBuf)> = entries.filter_map(|entry| format(entry.path())).collect();
    kept.sort();
    kept
}

#[test]
fn every_golden_series_verifies_and_every_filing_is_made_again_byte_for_byte() {
    let kept = kept();
    assert_eq!(
        kept.iter().map(|(format, _)| *format).collect::<Vec<_>>(),
        (1..=Format::NEWEST.number()).collect::<Vec<_>>()
    );
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    for (format, folder) in kept {
        let copied = format!("series-{format}");
        copy(&folder.join("series"), &place.at(&copied));
        let made = checked(&place, &copied);
        assert!(made >= 4, "format {format} has {made} filings");
        assert_eq!(files_below(&place.at(&copied)), files_below(&folder.join("series")), "format {format}");
    }
}

/// Verifies a series and makes each of its filings again; how many there are.
fn checked(place: &Place, series: &str) -> usize {
    let verified = place.cuadre(["verify", series]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let filings = Series::at(place.at(series)).filings().expect("filings");
    for filed in &filings {
        let (date, number) = (filed.id.date().to_string(), filed.id.number().to_string());
        let out = format!("{series}-{}", filed.id);
        let args = ["regenerate", "--config", "cuadre.toml", "--date", &date, "--filing", &number, "--out", &out];
        let made = place.cuadre(args.iter().chain(&["--filings", series]));
        assert_eq!(made.code, 0, "{}", made.stderr);
        let mut signed = place.files(&format!("{series}/filings/{}", filed.id));
        signed.retain(|(name, _)| !name.starts_with("manifest.json."));
        assert!(place.files(&out) == signed, "{} of {series}", filed.id);
    }
    filings.len()
}

/// The series as it is filed today. With `CUADRE_BLESS=1` it is kept where a new format has none yet; a
/// golden series that is there is never made anew.
#[test]
fn the_series_as_it_is_filed_today() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let place = institution();
    first_day(&place);
    in_spanish(&place);
    second_day(&place);
    another_key_and_an_authority(&place, &tsa);
    file(&place, SUNDAY, HOURS[4], &["--no-movements", "domingo"], 0);
    assert_eq!(checked(&place, "filings"), 5);
    assert!(place.at(&format!("filings/filings/{SUNDAY}.1/manifest.json.sig.psc.tsr")).exists());
    let golden = workspace().join(format!("tests/suite/golden/format-{}", Format::NEWEST.number()));
    if std::env::var_os("CUADRE_BLESS").is_some() && !golden.exists() {
        fs::remove_file(place.at("filings/LOCK")).expect("the lock is removed");
        copy(&place.at("filings"), &golden.join("series"));
    }
}

/// A filing of this format after one of the first, which it supersedes: all that was filed is taken back.
#[test]
fn a_filing_of_an_older_format_is_superseded_by_one_of_this() {
    let place = institution();
    copy(&workspace().join("tests/suite/golden/format-1/series"), &place.at("filings"));
    file(&place, NEXT_DAY, HOURS[4], &["--reason", "nothing of it was true"], 3);
    let changes = place.read(&format!("filings/filings/{NEXT_DAY}.2/changes.csv"));
    assert_eq!(changes.matches("\nremoved,").count(), 5, "{changes}");
    assert!(changes.contains("\nreport_total,,,,MXN,net,-1089.25,0.00,1089.25,,,,\n"), "{changes}");
    assert_eq!(checked(&place, "filings"), 5);
}

/// The first filing after an upgrade reads every older one, and has all that is open; the next reads that one.
#[test]
fn what_older_formats_left_open_is_carried_over() {
    let place = institution();
    SigningKey::from_seed([8; 32]).write(&place.at("next"), "next").expect("a key is written");
    place.write("cuadre.toml", CONFIG.replace("key = \"key\"", "key = \"next\""));
    copy(&workspace().join("tests/suite/golden/format-2/series"), &place.at("filings"));
    let ids = |filing: &str| -> Vec<String> {
        let manifest = place.read(&format!("filings/filings/{filing}/manifest.json"));
        let manifest: Value = serde_json::from_str(&manifest).expect("a manifest");
        let listed = |list: &str| manifest["predicate"][list].as_array().cloned().unwrap_or_default();
        let date = filing.split('.').next().unwrap_or_default();
        let own = listed("exceptions").into_iter().filter(|gap| gap["severity"] != "note");
        let own = own.map(|gap| format!("{date}/{}", gap["id"].as_str().expect("an id")));
        let over = listed("carriedOver").into_iter().map(|open| open["id"].as_str().expect("an id").to_owned());
        over.chain(own).collect()
    };
    let left: Vec<String> = ["2026-11-20.3", "2026-11-21.1", "2026-11-22.1"].iter().flat_map(|id| ids(id)).collect();
    assert!(left.len() > 10, "{left:?}");
    for (date, hour) in [("2026-11-23", "1795519800"), ("2026-11-24", "1795606200")] {
        file(&place, date, hour, &["--no-movements", "puente"], 0);
        assert_eq!(ids(&format!("{date}.1")), left);
    }
    assert_eq!(checked(&place, "filings"), 7);
}

fn institution() -> Place {
    let place = Place::new();
    place.write("cuadre.toml", CONFIG);
    place.write("reference/accounts.csv", "account,name\n1001,Ana\n1002,Berta\n1003,Carla Ñuño\n1004,=Dora\n");
    let columns = "source TEXT, id TEXT, date TEXT, booked_at TEXT, account TEXT, kind TEXT, currency TEXT, amount TEXT, \
                   note TEXT";
    let kinds = "('DEPOSITO'), ('RETIRO'), ('COM'), ('SPEI')";
    execute(
        &place.at("warehouse.db"),
        format!("CREATE TABLE movements ({columns}); CREATE TABLE kinds (kind TEXT); INSERT INTO kinds VALUES {kinds}"),
    );
    place
}

/// An original with every kind of gap, a supplement that brings what was missing, a restatement.
fn first_day(place: &Place) {
    place.write(
        "landing/core/2026-11-20/001.csv",
        "id,date,account,kind,currency,amount,note\n\
         C1,2026-11-20,1001,DEPOSITO,MXN,1250.00,Nómina\n\
         C2,2026-11-20,1002,RETIRO,MXN,-300.50,\"=HYPERLINK(\"\"http://x\"\")\"\n\
         C3,2026-11-20,1003,TRASPASO,USD,99.95,\"remesa, \"\"Ñuño\"\"\"\n\
         C4,2026-11-20,1003,DEPOSITO,MXN,10.005,tres decimales\n",
    );
    // A branch that still writes windows-1252, and one record of the day before.
    place.write(
        "landing/core/2026-11-20/002.csv",
        b"id,date,account,kind,currency,amount,memo\n\
          C5,2026-11-20,9999,DEPOSITO,JPY,5000,sucursal Espa\xf1a\n\
          C6,2026-11-19,1001,DEPOSITO,MXN,10.00,de ayer\n\
          C7,2026-11-20,1001,RETIRO,MXN,-1000000000000000.01,grande\n",
    );
    place
        .write("landing/core/2026-11-20/control.json", r#"{"records": 7, "amounts": {"MXN": "0.00", "USD": "99.95"}}"#);
    place.write(
        "landing/cards/TARJ261120.txt",
        "HTARJETAS\n\
         DT001202611201001COM000004590DEL TROMPO   \n\
         DT002202611201002COM000720000DLIBRERIA    \n\
         DT0032026112010O3COM0000X1000DILEGIBLE    \n\
         T000300072459000003006\n",
    );
    spei(
        place,
        DATE,
        &[("S1", "1001", "MXN", "\"2500.00\""), ("S2", "1002", "MXN", "-19.99"), ("S3", "1003", "USD", "1e2")],
    );
    teller(place, DATE);
    let rows = [
        "('core', 'C1', '2026-11-20', NULL, '1001', 'DEPOSITO', 'MXN', '1250.00', 'Nómina')",
        "('core', 'C2', '2026-11-20', NULL, '1002', 'RETIRO', 'MXN', '-300.50', '=HYPERLINK(\"http://x\")')",
        "('core', 'C3', '2026-11-20', NULL, '1003', 'TRASPASO', 'USD', '99.96', 'remesa, \"Ñuño\"')",
        "('core', 'C7', '2026-11-20', NULL, '1001', 'RETIRO', 'MXN', '-1000000000000000.01', 'grande')",
        "('core', 'C7', '2026-11-20', NULL, '1001', 'RETIRO', 'MXN', '-1000000000000000.01', 'grande')",
        "('cards', 'T001', '2026-11-20', NULL, '1001', 'COM', 'MXN', '-45.90', 'EL TROMPO')",
        "('cards', 'T002', '2026-11-20', NULL, '1003', 'COM', 'MXN', '-7200.00', 'LIBRERIA')",
        "('spei', 'S1', '2026-11-20', '2026-11-20T18:00:00Z', '1001', 'SPEI', 'MXN', '2500.00', NULL)",
        "('spei', 'S4', '2026-11-20', '2026-11-20T18:00:00Z', '1004', 'SPEI', 'MXN', '1.00', NULL)",
        "('teller', NULL, '2026-11-20', NULL, '1001', 'DEPOSITO', 'MXN', '200.00', NULL)",
        "('teller', NULL, '2026-11-20', NULL, '1001', 'DEPOSITO', 'MXN', '200.00', NULL)",
        "('teller', NULL, '2026-11-20', NULL, '1002', 'RETIRO', 'MXN', '-1500.25', NULL)",
        "('loans', 'L1', '2026-11-20', NULL, '1001', NULL, 'MXN', '5000.00', NULL)",
    ];
    insert(place, &rows);
    file(place, DATE, HOURS[0], &[], 3);
    place.write("landing/loans/2026-11-20.csv", "id,date,account,amount\nL1,2026-11-20,1001,5000.00\n");
    file(place, DATE, HOURS[1], &[], 3);
    place.write(
        "landing/core/2026-11-20/002.csv",
        "id,date,account,kind,currency,amount,note\n\
         C5,2026-11-20,1004,DEPOSITO,JPY,5000,sucursal España\n\
         C7,2026-11-20,1001,RETIRO,MXN,-1000.01,menos grande\n\
         C8,2026-11-20,1001,DEPOSITO,MXN,0.01,nuevo\n",
    );
    place.write(
        "landing/core/2026-11-20/control.json",
        r#"{"records": 7, "amounts": {"MXN": "-50.50", "USD": "99.95", "JPY": "5000"}}"#,
    );
    file(place, DATE, HOURS[2], &["--reason", "la sucursal 002 envió otro archivo"], 3);
}

/// From now on people read Spanish and a page of their own, and there are rules in a file of theirs.
fn in_spanish(place: &Place) {
    let head = "language = \"es-MX\"\nrule_files = [\"rules/*.toml\"]\n";
    place.write("cuadre.toml", format!("{head}{CONFIG}\n[pages]\ntemplate = \"page.html\"\n"));
    place.write("rules/cumplimiento.toml", include_str!("rules.toml"));
    let title = "{% block title %}{{ manifest.institution }}, {{ filing }}{% endblock %}";
    place.write("page.html", format!("{{% extends \"report.html\" %}}\n{title}\n"));
}

/// A day with a gap only: the cash desks send the file of the day before.
fn second_day(place: &Place) {
    let core = "id,date,account,kind,currency,amount,note\n";
    place.write("landing/core/2026-11-21/001.csv", format!("{core}C9,2026-11-21,1001,DEPOSITO,MXN,1.00,\n"));
    place.write("landing/core/2026-11-21/002.csv", core);
    place.write("landing/core/2026-11-21/control.json", r#"{"records": 1, "amounts": {"MXN": "1.00"}}"#);
    place.write("landing/cards/TARJ261121.txt", "HTARJETAS\nT000000000000000000000\n");
    spei(place, NEXT_DAY, &[("S5", "1001", "MXN", "10.00")]);
    teller(place, NEXT_DAY);
    place.write("landing/loans/2026-11-21.csv", "id,date,account,amount\n");
    insert(
        place,
        &[
            "('core', 'C9', '2026-11-21', NULL, '1001', 'DEPOSITO', 'MXN', '1.00', NULL)",
            "('spei', 'S5', '2026-11-21', '2026-11-21T18:00:00Z', '1001', 'SPEI', 'MXN', '10.00', NULL)",
            "('teller', NULL, '2026-11-21', NULL, '1001', 'DEPOSITO', 'MXN', '200.00', NULL)",
            "('teller', NULL, '2026-11-21', NULL, '1001', 'DEPOSITO', 'MXN', '200.00', NULL)",
            "('teller', NULL, '2026-11-21', NULL, '1002', 'RETIRO', 'MXN', '-1500.25', NULL)",
        ],
    );
    file(place, NEXT_DAY, HOURS[3], &[], 3);
}

/// From now on another key signs, and an authority stamps.
fn another_key_and_an_authority(place: &Place, tsa: &Tsa) {
    tsa.set_time(HOURS[4].parse().expect("a number"));
    SigningKey::from_seed([8; 32]).write(&place.at("next"), "next").expect("a key is written");
    place.write("psc.pem", tsa.pem());
    let clock = [("SOURCE_DATE_EPOCH".to_owned(), HOURS[3].to_owned())];
    let rotated = place.cuadre_with(["keys", "rotate", "next.pub", "--config", "cuadre.toml"], &clock);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    let config = place.read("cuadre.toml").replace("key = \"key\"", "key = \"next\"");
    let authority = format!("[[time_stamp]]\nname = \"psc\"\nurl = \"{}\"\ncertificate = \"psc.pem\"\n", tsa.url());
    place.write("cuadre.toml", format!("{config}\n{authority}"));
    let updated = place.cuadre_with(["keys", "update", "--config", "cuadre.toml"], &clock);
    assert_eq!(updated.code, 0, "{}", updated.stderr);
}

fn spei(place: &Place, date: &str, records: &[(&str, &str, &str, &str)]) {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    for (id, account, currency, amount) in records {
        let head = format!(r#""folio": "{id}", "fecha": "{date}", "liquidado": "{date}T12:00:00-06:00""#);
        writeln!(gz, r#"{{{head}, "cuenta": "{account}", "tipo": "SPEI", "divisa": "{currency}", "monto": {amount}}}"#)
            .expect("a record is written");
    }
    place.write(&format!("landing/spei/{date}.jsonl.gz"), gz.finish().expect("gzip"));
}

/// The very same bytes every day.
fn teller(place: &Place, date: &str) {
    place.write(
        &format!("landing/teller/{date}-norte.csv"),
        "tipo;cuenta;importe\nDEPOSITO;1001;200,00\nDEPOSITO;1001;200,00\nRETIRO;1002;-1.500,25\nTOTAL;3;-1.100,25\n",
    );
}

fn insert(place: &Place, rows: &[&str]) {
    execute(&place.at("warehouse.db"), format!("INSERT INTO movements VALUES {}", rows.join(", ")));
}

#[track_caller]
fn file(place: &Place, date: &str, hour: &str, more: &[&str], code: i32) -> Done {
    let args = ["run", "--config", "cuadre.toml", "--date", date, "--operator", "turno de noche"];
    let clock = [("SOURCE_DATE_EPOCH".to_owned(), hour.to_owned())];
    let done = place.cuadre_with(args.iter().chain(more), &clock);
    assert_eq!(done.code, code, "{}", done.stderr);
    done
}
