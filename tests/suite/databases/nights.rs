//! The same night, whichever database the warehouse is.

use std::fs;

use cuadre_tests::servers::{Database, mariadb, postgres};
use cuadre_tests::{DATE, Place, workspace};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Row};

/// Every table of an SQLite database, with its columns and its rows as CSV without header.
pub fn tables(path: &std::path::Path) -> Vec<(String, Vec<String>, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut database = options.connect().await.expect("a database");
        let names = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'");
        let names: Vec<String> = names.fetch_all(&mut database).await.expect("tables");
        let mut tables = Vec::new();
        for name in names {
            let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {name}")));
            let rows = rows.fetch_all(&mut database).await.expect("rows");
            let columns = rows[0].columns().iter().map(|column| column.name().to_owned()).collect::<Vec<_>>();
            let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
            let cell = |cell: Option<String>| cell.map_or("NULL".to_owned(), quoted);
            let line = |row: &sqlx::sqlite::SqliteRow| {
                let cells = (0..columns.len()).map(|n| cell(row.get(n))).collect::<Vec<_>>();
                cells.join(",") + "\n"
            };
            let csv = rows.iter().map(line).collect();
            tables.push((name, columns, csv));
        }
        tables
    })
}

/// The same tables in a server, their columns of the types that `typed` says.
pub fn fill(database: &Database<'_>, tables: &[(String, Vec<String>, String)], typed: fn(&str) -> &'static str) {
    for (name, columns, csv) in tables {
        let columns = columns.iter().map(|column| format!("{column} {}", typed(column))).collect::<Vec<_>>().join(", ");
        database.sql(&format!("CREATE TABLE {name} ({columns});"));
        database.load(name, csv);
    }
}

fn texts(_: &str) -> &'static str {
    "varchar(400)"
}

pub fn own_types(column: &str) -> &'static str {
    match column {
        "business_date" | "balance_on" | "opened_on" | "posted_on" => "date",
        "amount" | "opening" | "closing" => "decimal(20, 2)",
        other => texts(other),
    }
}

/// Runs the demo's night once more, into a series of its own; its files but for LOG's and the lock.
fn filed(place: &Place, warehouse: Option<&str>, series: &str) -> Vec<(String, Vec<u8>)> {
    let series = format!("{series}/filings");
    let mut args = vec!["run", "--config", "demo/cuadre.toml", "--date", DATE, "--filings", &series];
    args.extend(warehouse.iter().flat_map(|url| ["--warehouse", *url]));
    let done = place.cuadre(args);
    assert_eq!(done.code, 3, "{warehouse:?}: {}", done.stderr);
    place.files(&series)
}

#[test]
fn the_demo_files_the_same_bytes_from_any_database() {
    let (Some(postgres), Some(mariadb)) = (postgres(), mariadb()) else { return };
    let place = Place::new();
    assert_eq!(place.cuadre(["demo", "demo"]).code, 3);
    let tables = tables(&place.at("demo/warehouse.db"));
    assert_eq!(tables.len(), 4);
    let here = filed(&place, None, "sqlite");
    assert!(here.iter().any(|(name, _)| name.ends_with("manifest.json.sig")));
    for (server, kind) in [(postgres, "postgres"), (mariadb, "mariadb")] {
        for (typed, types) in [(texts as fn(&str) -> &'static str, "text"), (own_types, "typed")] {
            let database = server.database(&format!("demo_{types}"));
            fill(&database, &tables, typed);
            let there = filed(&place, Some(&database.url()), &format!("{kind}-{types}"));
            for ((name, here), (other, there)) in here.iter().zip(&there) {
                assert!(name == other && here == there, "{kind} {types}: {name} {other}");
            }
            assert_eq!(here.len(), there.len());
        }
    }
    // From the archive alone, whatever becomes of the servers.
    let done = place.cuadre([
        "regenerate",
        "--config",
        "demo/cuadre.toml",
        "--date",
        DATE,
        "--filings",
        "postgres-typed/filings",
        "--out",
        "again",
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(place.cuadre(["verify", "mariadb-text/filings"]).code, 0);
}

/// The ukspend configuration, unchanged, with its warehouse's rows in a table `movements`.
#[test]
fn ukspend_files_the_same_figures_from_files_and_databases() {
    let excerpt = workspace().join("fixtures/ukspend/excerpt");
    let place = Place::new();
    let config = fs::read_to_string(workspace().join("fixtures/ukspend/cuadre.toml")).expect("the configuration");
    place.write("cuadre.toml", config);
    let day = "2020-06-26";
    let csv = fs::read_to_string(excerpt.join(format!("warehouse/{day}.csv"))).expect("the warehouse");
    let (header, rows) = csv.trim_start_matches('\u{feff}').split_once('\n').expect("a header");
    let columns = header.trim().split(',').map(|name| format!("{name} text")).collect::<Vec<_>>().join(", ");
    let run = |url: &str| {
        let series = format!("{}/filings", url.split(':').next().unwrap_or_default());
        let data = excerpt.display().to_string();
        let args = ["run", "--config", "cuadre.toml", "--date", day, "--data", &data, "--filings", &series];
        let warehouse = ["--warehouse", url];
        let done = place.cuadre(args.iter().chain(if url == "files" { &[][..] } else { &warehouse }));
        assert!([0, 3].contains(&done.code), "{url}: {}", done.stderr);
        let filed = |name: &str| place.read(&format!("{series}/filings/{day}.1/{name}"));
        let manifest: serde_json::Value = serde_json::from_str(&filed("manifest.json")).expect("JSON");
        let stated = ["sources", "endToEnd", "business", "exceptions", "status"];
        let stated = stated.map(|name| manifest["predicate"][name].clone());
        (filed("report.csv"), filed("summary.csv"), stated, manifest)
    };
    let files = run("files");
    // From files in another place, the very filing.
    let elsewhere = run(&format!("file:{}", excerpt.display()));
    assert_eq!(elsewhere, files);

    let table = format!("CREATE TABLE movements ({columns});");
    let records = csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes()).into_records();
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let values = records.map(|record| record.expect("a record").iter().map(quoted).collect::<Vec<_>>().join(", "));
    let values = values.map(|row| format!("({row})")).collect::<Vec<_>>().join(", ");
    crate::exactness::execute(&place.at("ukspend.db"), format!("{table} INSERT INTO movements VALUES {values}"));
    let mut urls = vec![format!("sqlite:{}", place.at("ukspend.db").display())];
    for database in super::each("ukspend") {
        database.sql(&table);
        database.load("movements", &rows.replace("\r\n", "\n"));
        urls.push(database.url());
    }
    let mut filings = Vec::new();
    for url in urls {
        let found = run(&url);
        assert_eq!((&found.0, &found.1, &found.2), (&files.0, &files.1, &files.2), "{url}");
        filings.push(found.3);
    }
    assert!(filings.windows(2).all(|pair| pair[0] == pair[1]), "every byte is the same, whichever server");
}
