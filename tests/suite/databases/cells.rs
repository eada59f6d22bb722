//! A warehouse that is asked for cells gives the answers of one that is asked for rows.

use std::fmt::Write;

use cuadre_tests::servers::{Database, Private, postgres};
use cuadre_tests::{DATE, Done, Place};
use serde_json::Value;

/// Two sources with a key and one without, in two currencies, and a warehouse in a database.
const CONFIG: &str = r#"institution = "Caja de Prueba"
series = "daily-movements"
deadline = "06:00"
currency = "MXN"
currencies = ["MXN", "JPY"]

[signing]
key = "key"
principal = "tests@cuadre.example"

[end_to_end]
key = ["id"]

[warehouse.database]
url = "postgres://nobody@localhost/x"
table = "movements"
compared = "cells"

[warehouse.database.columns]
source = "source"
id = "id"
booked_on = "date"
booked_at = "at"
account = "account"
currency = "currency"
amount = "amount"

[report]
columns = [{ field = "source" }, { field = "id" }, { field = "account" }, { field = "currency" }, { field = "amount" }]
"#;

fn source(id: &str, more: &str) -> String {
    format!(
        "\n[[source]]\nid = \"{id}\"\n[source.extract]\nfiles = \"landing/{id}/{{date}}.csv\"\nformat = \"csv\"\n\
         columns = {{ id = \"id\", booked_on = \"date\", booked_at = \"at\", account = \"account\", \
         currency = \"currency\", amount = \"amount\" }}\n{more}"
    )
}

/// The configuration of a night, which begins like [`CONFIG`].
fn config(like: &str) -> String {
    let keyless = "[source.end_to_end]\nkey = []\ncompare = [\"account\", \"booked_at\"]\n";
    let some = "trim = false\n[source.end_to_end]\nkey = [\"id\", \"booked_on\"]\ncompare = [\"account\"]\n";
    format!("{like}{}{}{}{}", source("a", ""), source("ñ", some), source("teller", keyless), source("away", ""))
}

/// The table `movements`, its amounts of this type.
fn create(amount: &str) -> String {
    format!(
        "CREATE TABLE movements (source varchar(40), id text, date date, at timestamptz, account char(30),
         currency varchar(9), amount {amount});"
    )
}

/// Random numbers of a seed (Steele, Lea and Flood 2014, SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % most as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// A row: source, id, date, instant, account, currency, amount; `NULL` for none.
type Row = [String; 7];

fn csv(rows: &[Row], from: usize) -> String {
    let cell = |cell: &String| match cell.as_str() {
        "NULL" => {
            if from == 0 {
                "NULL".to_owned()
            } else {
                String::new()
            }
        }
        text => format!("\"{}\"", text.replace('"', "\"\"")),
    };
    rows.iter().fold(String::new(), |mut csv, row| {
        let line = row[from..].iter().map(cell).collect::<Vec<_>>().join(",");
        let _ = writeln!(csv, "{line}");
        csv
    })
}

/// Movements of the sources, and what a careless pipeline made of them in the warehouse. It keeps amounts
/// as `texts`, and puts `tabs` and the like around others.
fn night(seed: u64, rows: usize, texts: bool, tabs: bool) -> (Vec<Row>, Vec<Row>) {
    let mut random = Random(seed);
    let (mut sources, mut warehouse) = (Vec::new(), Vec::new());
    for n in 0..rows {
        let currency = random.of(&["MXN", "MXN", "MXN", "JPY"]);
        let whole = if random.below(9) == 0 { 0 } else { random.below(3000) };
        let amount = match (currency, random.below(3)) {
            ("JPY", _) => whole.to_string(),
            (_, 0) => format!("-{whole}.{:02}", random.below(100)),
            _ => format!("{whole}.{:02}", random.below(100)),
        };
        let account = random.of(&["100", "ñandú", "a,b \"c\"", "NULL", "日本", "x\\y", "1:2", "-"]);
        let at = random.of(&["2026-11-20T12:00:00Z", "2026-11-20T06:00:00.25-06:00", "NULL", "1850-01-01T00:00:00Z"]);
        let id = if random.below(20) == 0 { "same".to_owned() } else { format!("{n}") };
        let source = random.of(&["a", "a", "ñ", "teller"]);
        // Of a source whose blanks are not dropped.
        let account = if source == "ñ" && random.below(9) == 0 { random.of(&[" 100", "\t100"]) } else { account };
        let row: Row = [source, &id, DATE, at, account, currency, &amount].map(str::to_owned);
        sources.push(row.clone());
        let mut copy = row.clone();
        match random.below(24) {
            0 => continue,
            1 => warehouse.push(row.clone()),
            2 => copy[4] = random.of(&["changed", "", "  ", "NULL", "-1", "0:"]).to_owned(),
            3 => copy[0] = random.of(&["zz", "NULL", "A", " a ", "away"]).to_owned(),
            4 => copy[1] = random.of(&["same", "new", "NULL", " same"]).to_owned(),
            5 => {
                copy[3] =
                    random.of(&["2026-11-20 12:00:00.000001Z", "infinity", "NULL", "0044-03-15 00:00Z BC"]).to_owned()
            }
            6 if texts => {
                let odd = ["NaN", "1.005", "1.500", "-0", "+1.00", ".5", "1e3", "", "NULL", "12.", "--1", "1,000.00"];
                copy[6] = random.of(&odd).to_owned();
            }
            6 => copy[6] = random.of(&["NaN", "1.005", "1.500", "0", "NULL", "Infinity", "1e26", "1e25"]).to_owned(),
            7 | 13 => {
                let unsigned = amount.trim_start_matches('-');
                let pointed = if amount.contains('.') { amount.clone() } else { format!("{amount}.") };
                // The same number, written as the mapping may read it or not.
                let others = [
                    format!("{pointed}0"),
                    format!("{pointed}00"),
                    format!("{pointed}{}", "0".repeat(12)),
                    amount.trim_end_matches(['0', '.']).to_owned(),
                    amount.replace("-", "-00"),
                    format!(" {amount} "),
                    format!("+{unsigned}"),
                    format!("000{unsigned}"),
                    format!("-{unsigned}"),
                    format!("{amount}."),
                    amount.trim_start_matches('0').to_owned(),
                    format!("{amount}e0"),
                    format!("{}{unsigned}", "0".repeat(24)),
                ];
                // A column of numbers has its own way for most of them.
                let others = if texts { &others[..] } else { &others[..4] };
                copy[6] = others[random.below(others.len())].clone();
                if copy[6].is_empty() {
                    copy[6] = "0".to_owned();
                }
            }
            8 => copy[5] = random.of(&["USD", "NULL", "mxn", "JPY", " MXN "]).to_owned(),
            9 => {
                let extra = [source, &format!("extra{n}"), DATE, at, account, currency, &amount];
                warehouse.push(extra.map(str::to_owned));
            }
            10 => copy[2] = "2026-11-19".to_owned(),
            11 if tabs => copy[random.below(2)] = random.of(&["\ta", "same\u{a0}", "\n"]).to_owned(),
            12 if tabs => copy[4] = random.of(&["\t100", "\u{a0}ñandú", "\u{2003}"]).to_owned(),
            _ => {}
        }
        warehouse.push(copy);
    }
    (sources, warehouse)
}

/// A folder with the night's sources, and its warehouse in `database`.
fn fill(database: &Database<'_>, amount: &str, sources: &[Row], warehouse: &[Row]) -> Place {
    database.sql(&format!("DROP TABLE IF EXISTS movements; {}", create(amount)));
    database.load("movements", &csv(warehouse, 0));
    fill_sources(sources)
}

/// A folder with the night's sources.
fn fill_sources(sources: &[Row]) -> Place {
    let place = Place::new();
    for id in ["a", "ñ", "teller"] {
        let rows: Vec<Row> = sources.iter().filter(|row| row[0] == id).cloned().collect();
        place.write(
            &format!("landing/{id}/{DATE}.csv"),
            format!("id,date,at,account,currency,amount\n{}", csv(&rows, 1)),
        );
    }
    place
}

/// Runs the night with that configuration, filing into `series`.
fn run(place: &Place, config: &str, series: &str, url: &str) -> Done {
    place.write(&format!("{series}.toml"), config);
    let (config, date) = (format!("{series}.toml"), DATE);
    place.cuadre(["run", "--config", &config, "--date", date, "--filings", series, "--warehouse", url])
}

/// The input of that role, if there is one: its bytes, decompressed.
fn input(place: &Place, series: &str, role: &str) -> Option<String> {
    let inputs: Value =
        serde_json::from_str(&place.read(&format!("{series}/filings/{DATE}.1/inputs.json"))).expect("JSON");
    let input = inputs["inputs"].as_array()?.iter().find(|input| input["role"] == role)?;
    let sha256 = input["sha256"].as_str()?;
    let bytes = std::fs::read(place.at(&format!("{series}/archive/sha256/{}/{sha256}", &sha256[..2])));
    let bytes = bytes.expect("an archived input");
    let text =
        if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(&bytes[..]).expect("zstd") } else { bytes };
    Some(String::from_utf8(text).expect("text"))
}

/// What a filing states, without record numbers of the warehouse's rows.
fn stated(place: &Place, series: &str) -> (Vec<String>, Vec<String>) {
    let filed = |name: &str| place.read(&format!("{series}/filings/{DATE}.1/{name}"));
    let manifest: Value = serde_json::from_str(&filed("manifest.json")).expect("JSON");
    let parts = ["status", "sources", "endToEnd", "business", "exceptions"];
    let parts = parts.map(|name| serde_json::to_string_pretty(&manifest["predicate"][name]).expect("JSON"));
    let mut files = vec![filed("report.csv"), filed("summary.csv")];
    files.extend(parts);
    let mut rows = Vec::new();
    for row in csv::Reader::from_reader(filed("exceptions.csv").as_bytes()).records() {
        let mut row: Vec<String> = row.expect("a row").iter().map(str::to_owned).collect();
        if row[3].starts_with("warehouse#") {
            row[4].clear();
        }
        let last = row.len() - 1;
        if let Some((before, after)) = row[last].split_once(" differs from record ") {
            row[last] =
                format!("{before} differs from a record{}", after.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        rows.push(row.join("|"));
    }
    (files, rows)
}

/// Runs the night both ways, holds the answers against each other, and says whether there are cells.
fn same(place: &Place, config: &str, url: &str) -> bool {
    let rows = config.replace("compared = \"cells\"", "compared = \"rows\"");
    let (by_rows, by_cells) = (run(place, &rows, "rows", url), run(place, config, "cells", url));
    assert!([0, 3].contains(&by_rows.code), "{}", by_rows.stderr);
    assert_eq!(by_cells.code, by_rows.code, "{}", by_cells.stderr);
    let (left, right) = (stated(place, "rows"), stated(place, "cells"));
    for (left, right) in left.0.iter().zip(&right.0) {
        assert_eq!(left, right);
    }
    assert_eq!(left.1.len(), right.1.len(), "{:#?}\n{:#?}", left.1, right.1);
    for (left, right) in left.1.iter().zip(&right.1) {
        assert_eq!(left, right);
    }
    assert!(input(place, "rows", "cells").is_none());
    input(place, "cells", "cells").is_some()
}

#[test]
fn random_nights_have_the_same_answers() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_random");
    for seed in 0..10 {
        let (texts, tabs) = (seed % 2 == 0, seed % 3 == 2);
        let (sources, warehouse) = night(seed, 400, texts, tabs);
        let place = fill(&database, if texts { "text" } else { "numeric" }, &sources, &warehouse);
        let mut like = CONFIG.to_owned();
        if seed % 3 == 1 {
            like = like.replace(
                "\n\n[warehouse.database.columns]",
                "\nrequired = [\"account\"]\n\n[warehouse.database.columns]",
            );
        }
        if seed >= 4 {
            like = like.replace("\n[report]", "[warehouse.database.amount]\npadding_zeros = true\n\n[report]");
        }
        assert!(same(&place, &config(&like), &database.url()), "night {seed} was compared by rows");
    }
}

/// A day of `rows` movements of one source, and the same in the warehouse.
fn plain(rows: usize) -> (Vec<Row>, Vec<Row>) {
    let row =
        |n: usize| -> Row { ["a", &n.to_string(), DATE, "NULL", "x", "MXN", &format!("{n}.50")].map(str::to_owned) };
    let rows: Vec<Row> = (0..rows).map(row).collect();
    (rows.clone(), rows)
}

#[test]
fn nothing_is_fetched_where_nothing_differs() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_equal");
    let (sources, warehouse) = plain(3000);
    let place = fill(&database, "numeric(20, 2)", &sources, &warehouse);
    assert!(same(&place, &config(CONFIG), &database.url()));
    assert_eq!(input(&place, "cells", "warehouse").unwrap(), "account,amount,at,currency,date,id,source\n");
    let cells = input(&place, "cells", "cells").unwrap();
    assert!(cells.starts_with("cells,1,") && cells.lines().count() > 2500, "{cells}");
    let (_, evidence) = stated(&place, "cells");
    assert!(evidence.iter().all(|row| !row.contains("warehouse")), "{evidence:?}");
}

#[test]
fn a_warehouse_without_a_row_is_missing() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_empty");
    let place = fill(&database, "numeric", &plain(5).0, &[]);
    assert!(same(&place, &config(CONFIG), &database.url()));
    assert!(stated(&place, "cells").0.iter().any(|part| part.contains("the warehouse has no row for the day")));
}

#[test]
fn every_row_is_asked_for_where_most_differ() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_other");
    let (sources, mut warehouse) = plain(3000);
    warehouse[..1500].iter_mut().for_each(|row| row[4] = "y".to_owned());
    let place = fill(&database, "numeric", &sources, &warehouse);
    assert!(!same(&place, &config(CONFIG), &database.url()));
    assert_eq!(input(&place, "cells", "warehouse").unwrap().lines().count(), 3001);
    // And where no source is there to be compared with.
    let place = fill(&database, "numeric", &[], &warehouse);
    std::fs::remove_dir_all(place.at("landing")).unwrap();
    assert!(!same(&place, &config(CONFIG), &database.url()));
}

#[test]
fn rows_of_a_query_are_compared_by_cells() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_query");
    let (sources, mut warehouse) = plain(300);
    warehouse[7][2] = "2026-11-19".to_owned();
    warehouse[8][2] = "NULL".to_owned();
    let place = fill(&database, "numeric(20, 2)", &sources, &warehouse);
    // Cents, dates as texts in two formats, an enumeration, an address, and a constant currency.
    database.sql(
        "DROP TYPE IF EXISTS kind; CREATE TYPE kind AS ENUM ('x', 'y');
         CREATE OR REPLACE VIEW asked AS SELECT source, id::int AS id, amount * 100 AS raw, trunc(amount * 100)::bigint AS amount,
         CASE WHEN id::int % 2 = 0 THEN to_char(date, 'DD/MM/YYYY') ELSE date::text END AS date,
         account::text::kind AS account, '192.168.1.1'::inet AS host, at FROM movements;",
    );
    let like = CONFIG
        .replace(
            "table = \"movements\"",
            "query = \"SELECT * FROM asked WHERE ?1 = '2026-11-20'\"\ndate_formats = [\"%d/%m/%Y\", \"%Y-%m-%d\"]",
        )
        .replace("currency = \"currency\"\n", "currency = { value = \"MXN\" }\nreference = \"host\"\n")
        .replace("\n[report]", "[warehouse.database.amount]\nimplied_decimals = 2\n\n[report]");
    assert!(same(&place, &config(&like), &database.url()));
    let fetched = input(&place, "cells", "warehouse").unwrap();
    // Once in a hundred nights of so many rows another one is in the cell of one that differs.
    assert!((3..6).contains(&fetched.lines().count()), "{fetched}");
    assert!(fetched.contains(",7,a") && fetched.contains(",8,a"), "{fetched}");
    // The same table, of which dates are texts in one of them.
    let like = like.replace("query = \"SELECT * FROM asked WHERE ?1 = '2026-11-20'\"", "table = \"asked\"");
    let again = fill_sources(&sources);
    assert!(same(&again, &config(&like), &database.url()));
}

#[test]
fn a_look_at_both_sides_is_the_same() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_look");
    let (sources, warehouse) = night(11, 300, true, true);
    let place = fill(&database, "text", &sources, &warehouse);
    let look = |compared: &str| {
        place.write(
            "cuadre.toml",
            config(CONFIG).replace("compared = \"cells\"", &format!("compared = \"{compared}\"")),
        );
        let url = database.url();
        let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--only", "end-to-end", "--warehouse", &url];
        let done = place.cuadre(args);
        assert_eq!(done.code, 3, "{}", done.stderr);
        let found: Value = serde_json::from_str(&done.stdout).expect("JSON");
        let evidence = found["evidence"].as_array().map_or(0, Vec::len);
        (found["endToEnd"].clone(), found["exceptions"].clone(), evidence)
    };
    assert_eq!(look("cells"), look("rows"));
}

#[test]
fn the_demo_has_the_same_answers_and_is_regenerated_without_the_server() {
    let Some(server) = Private::postgres("") else { return };
    let database = server.database("demo");
    let place = Place::new();
    assert_eq!(place.cuadre(["demo", "demo"]).code, 3);
    super::nights::fill(&database, &super::nights::tables(&place.at("demo/warehouse.db")), |column| match column {
        "booked_at_utc" => "timestamptz",
        other => super::nights::own_types(other),
    });
    let config = place.read("demo/cuadre.toml");
    let config =
        config.replace("url = \"sqlite:warehouse.db\"", "url = \"postgres://x@localhost/x\"\ncompared = \"cells\"");
    // Not all of its rows are there to be added up by a rule.
    let sums = "warehouse = { dataset = \"sums\", group_by = { source = \"source_system\" }, amount = \"amount\", currency = \"MXN\" }";
    let config = config.replace("check.three_way = {", &format!("check.three_way = {{ {sums},"));
    let query = "SELECT source_system, sum(amount) AS amount FROM movements \
                 WHERE business_date = ?1 AND source_system IN ('core', 'spei', 'payroll', 'savings') GROUP BY source_system";
    let config = format!("{config}\n[[dataset]]\nid = \"sums\"\nquery = \"{query}\"\n");
    let rows = config.replace("\"cells\"", "\"rows\"");
    for (config, series) in [(&config, "cells"), (&rows, "rows")] {
        place.write("demo/night.toml", config);
        let url = database.url();
        let args = ["run", "--config", "demo/night.toml", "--date", DATE, "--filings", series, "--warehouse", &url];
        let done = place.cuadre(args);
        assert_eq!(done.code, 3, "{}", done.stderr);
    }
    assert_eq!(stated(&place, "cells"), stated(&place, "rows"));
    let fetched = input(&place, "cells", "warehouse").unwrap().lines().count();
    let all = input(&place, "rows", "warehouse").unwrap().lines().count();
    assert!(input(&place, "cells", "cells").is_some() && fetched < 2000 && all > 28_000, "{fetched} of {all}");

    server.stop();
    place.write("demo/night.toml", &config);
    let args = ["regenerate", "--config", "demo/night.toml", "--date", DATE, "--filings", "cells", "--out", "again"];
    let done = place.cuadre(args);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(place.cuadre(["verify", "cells"]).code, 0);
}

#[test]
fn a_night_run_again_files_nothing() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_again");
    let (sources, warehouse) = night(5, 200, false, false);
    let place = fill(&database, "numeric", &sources, &warehouse);
    for _ in 0..4 {
        assert_eq!(run(&place, &config(CONFIG), "cells", &database.url()).code, 3);
    }
    assert!(!place.at(&format!("cells/filings/{DATE}.2")).exists());
    assert_eq!(place.cuadre(["verify", "cells"]).code, 0);
}

#[test]
fn types_that_cannot_take_part_are_found_before_the_night() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("cells_types");
    let place = fill(&database, "numeric", &plain(3).0, &plain(3).1);
    let check = || {
        place.write("cuadre.toml", config(CONFIG));
        place.cuadre(["check", "--config", "cuadre.toml", "--connect", "--warehouse", &database.url()])
    };
    let done = check();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("cells"), "{}", done.stderr);
    database.sql("ALTER TABLE movements ALTER at TYPE timestamp;");
    for done in [
        check(),
        run(
            &place,
            &config(CONFIG).replace("[signing]", "[policy]\nfile_without_from = \"05:50\"\n[signing]"),
            "cells",
            &database.url(),
        ),
    ] {
        assert_eq!(done.code, 78, "{}", done.stderr);
        assert!(done.stderr.contains("`at`, a timestamp, cannot take part in compared = \"cells\""), "{}", done.stderr);
    }
}

#[test]
fn mappings_that_cannot_be_told_in_sql_are_refused() {
    let place = Place::new();
    let fails = |from: &str, to: &str, words: &str, line: &str| {
        assert!(CONFIG.contains(from), "{from}");
        place.write("cuadre.toml", config(&CONFIG.replacen(from, to, 1)));
        let done = place.cuadre(["check", "--config", "cuadre.toml"]);
        assert_eq!(done.code, 78, "{to}: {}", done.stderr);
        assert!(done.stderr.contains(words) && done.stderr.contains(line), "{to}: {}", done.stderr);
    };
    fails("postgres://", "mysql://", "MySQL cannot compute cells", "compared = \"cells\"");
    fails(
        "url = \"postgres://nobody@localhost/x\"",
        "url = \"sqlite:x.db\"",
        "SQLite cannot compute cells",
        "compared",
    );
    fails("compared = \"cells\"", "compared = \"cells\"\ntrim = false", "with the blanks around them", "trim = false");
    fails(
        "compared = \"cells\"",
        "compared = \"cells\"\ntimestamp_formats = [\"%c\"]",
        "written as texts",
        "timestamp_formats",
    );
    fails("compared = \"cells\"", "compared = \"sums\"", "unknown value", "compared = \"sums\"");
    fails(
        "account = \"account\"\ncurrency",
        "account = { value = \"x\" }\ncurrency",
        "a constant `account`",
        "account =",
    );
    for (notation, words) in [
        ("decimal = \",\"", "another decimal mark"),
        ("grouping = \",\"", "thousands marks"),
        ("negate = true", "the other sign"),
        ("parentheses = true", "in parentheses"),
        ("symbols = [\"$\"]", "a currency sign"),
        ("trailing_minus = true", "a minus after"),
        ("flag = { column = \"f\", debit = [\"D\"], credit = [\"C\"] }", "with a flag"),
        ("padding_zeros = true\nimplied_decimals = 2", "padding of implied decimals"),
    ] {
        fails(
            "\n[report]",
            &format!("[warehouse.database.amount]\n{notation}\n\n[report]"),
            words,
            "or write compared = \"rows\"",
        );
    }
    let sources = config(CONFIG).replace("[source.extract]\n", "[source.extract]\ncompared = \"cells\"\n");
    place.write("cuadre.toml", sources);
    let done = place.cuadre(["check", "--config", "cuadre.toml"]);
    assert!(done.code == 78 && done.stderr.contains("cells are of the warehouse"), "{}", done.stderr);
}

#[test]
fn a_warehouse_that_is_away_is_waited_for_and_then_done_without() {
    let place = fill_sources(&plain(5).0);
    let url = "postgres://u@127.0.0.1:1/d";
    let with = |time: &str| {
        let settings = format!("[databases]\nretry_seconds = 0\n[policy]\nfile_without_from = \"{time}\"\n[signing]");
        run(&place, &config(CONFIG).replace("[signing]", &settings), "cells", url)
    };
    let early = with("05:50");
    assert!(early.code == 75 && early.stderr.contains("no connection"), "{}", early.stderr);
    let late = with("05:30");
    assert_eq!(late.code, 3, "{}", late.stderr);
    assert!(stated(&place, "cells").0.iter().any(|part| part.contains("reconciliation is notEvaluated")));
    assert!(input(&place, "cells", "cells").is_none());
}
