//! What SQL of a rule may take, say and do.

use std::path::Path;

use cuadre_tests::servers::{mariadb, postgres};
use cuadre_tests::{DATE, Done, Place, SMALL};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor, Row};

use super::{rule, violations};
use crate::exactness::execute;

const FILING: &str = "2026-11-20.1";
const TABLE: &str =
    "CREATE TABLE movements (source varchar(40), id varchar(40), date varchar(10), account varchar(40), \
     amount varchar(20));
     INSERT INTO movements VALUES ('a', '1', '2026-11-20', 'x', '10.00'), ('a', '2', '2026-11-20', 'y', '-2.50');";

/// A night with a warehouse in a database, and a rule a check.
fn place(checks: &[(&str, &str)]) -> Place {
    let place = Place::new();
    let (start, rest) = SMALL.split_once("[warehouse.files]").expect("a warehouse");
    let (_, rest) = rest.split_once("format = \"csv\"\n").expect("a format");
    let table = "[warehouse.database]\nurl = \"sqlite:warehouse.db\"\ntable = \"movements\"\n";
    let rules: String = checks
        .iter()
        .map(|(id, check)| format!("\n[[rule]]\nid = \"{id}\"\n[rule.check.warehouse_sql]\n{check}\n"))
        .collect();
    place.write("cuadre.toml", format!("{start}{table}{rest}{rules}"));
    place.write(
        &format!("landing/a/{DATE}.csv"),
        "id,date,account,amount\n1,2026-11-20,x,10.00\n2,2026-11-20,y,-2.50\n",
    );
    place
}

fn sqlite(checks: &[(&str, &str)]) -> Place {
    let place = place(checks);
    execute(&place.at("warehouse.db"), TABLE.to_owned());
    place
}

fn run(place: &Place, url: &str) -> Done {
    place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--warehouse", url])
}

#[test]
fn an_answer_says_what_its_rows_are_about() {
    let query = "query = \"SELECT id, source, amount, 'MXN' AS currency, 'sin contrato' AS reason FROM movements \
                 WHERE date = ?1\"";
    let place = sqlite(&[("contracts", query)]);
    assert_eq!(place.run().code, 3);
    assert_eq!(
        violations(&place, FILING, "contracts"),
        [" | 10.00 | MXN | sin contrato", " | -2.50 | MXN | sin contrato"]
    );
    let evidence = place.filed("exceptions.csv");
    assert!(evidence.contains(",rule_failed,a,"), "{evidence}");
    assert!(place.filed("manifest.json").contains("2 violations of contracts"));
}

#[test]
fn an_answer_has_no_more_rows_than_it_may() {
    let many =
        "query = \"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i FROM n\"";
    let place = sqlite(&[("many", many), ("two", &format!("{many}\nrows = 2"))]);
    assert_eq!(place.run().code, 3);
    let (verdict, words) = rule(&place, FILING, "many");
    assert_eq!(verdict, "failed");
    assert_eq!(words, "the query returned more than 10000 rows, of which the first are listed; 10000 violations");
    assert_eq!(
        rule(&place, FILING, "two").1,
        "the query returned more than 2 rows, of which the first are listed; 2 violations"
    );
    let made = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
}

/// A query that goes on for ever is given up; the others are answered all the same.
#[test]
fn a_query_takes_no_more_time_than_it_may() {
    let right = ("right", "query = \"SELECT id FROM movements WHERE id = '2'\"");
    let late = |place: &Place, url: &str| {
        let done = run(place, url);
        assert_eq!(done.code, 3, "{url}: {}", done.stderr);
        let (verdict, words) = rule(place, FILING, "endless");
        assert_eq!(verdict, "notEvaluated", "{url}: {words}");
        assert!(words.contains("the query took longer than the 1 seconds that it has"), "{url}: {words}");
        assert_eq!(violations(place, FILING, "right").len(), 1, "{url}");
    };
    let endless = "query = \"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n\"\nseconds = 1";
    late(&sqlite(&[("endless", endless), right]), "sqlite:warehouse.db");
    if let Some(server) = postgres() {
        let database = server.database("endless");
        database.sql(TABLE);
        let endless = "query = \"SELECT CAST(pg_sleep(600) AS text) AS slept\"\nseconds = 1";
        late(&place(&[("endless", endless), right]), &database.url());
    }
    if let Some(server) = mariadb() {
        let database = server.database("endless");
        database.sql(TABLE);
        let endless = "query = \"SELECT a.seq FROM mysql.user AS u, (SELECT sleep(600) AS seq) AS a\"\nseconds = 1";
        late(&place(&[("endless", endless), right]), &database.url());
    }
}

/// How many movements an SQLite database has.
fn count(path: &Path) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut database = SqliteConnectOptions::new().filename(path).connect().await.expect("a database");
        let row = database.fetch_one("SELECT CAST(count(*) AS text) FROM movements").await.expect("a count");
        row.get::<String, _>(0)
    })
}

/// Whatever a query would write, nothing is written, and its rule is not evaluated.
#[test]
fn a_query_that_writes_is_refused() {
    let refused = |place: &Place, url: &str, count: &dyn Fn() -> String| {
        let done = run(place, url);
        assert_eq!(done.code, 3, "{url}: {}", done.stderr);
        for id in ["deletes", "escapes", "calls"] {
            let (verdict, words) = rule(place, FILING, id);
            assert_eq!(verdict, "notEvaluated", "{url} {id}: {words}");
        }
        assert_eq!(violations(place, FILING, "right").len(), 1, "{url}");
        assert_eq!(count().trim(), "2", "{url}");
    };
    let right = ("right", "query = \"SELECT id FROM movements WHERE id = '2'\"");
    let deletes = ("deletes", "query = \"DELETE FROM movements RETURNING id\"");
    let escapes =
        ("escapes", "query = \"SELECT 1) AS asked; COMMIT; DELETE FROM movements; COMMIT; SELECT * FROM (SELECT 1\"");
    let calls = |call: &'static str| ("calls", call);

    let of_sqlite = sqlite(&[deletes, escapes, calls("query = \"SELECT writefile('x', 'y')\""), right]);
    refused(&of_sqlite, "sqlite:warehouse.db", &|| count(&of_sqlite.at("warehouse.db")));
    let spoil = "query = \"SELECT spoil() AS spoilt\"";
    if let Some(server) = postgres() {
        let database = server.database("refused");
        database.sql(TABLE);
        database.sql(
            "CREATE FUNCTION spoil() RETURNS integer LANGUAGE plpgsql AS 'BEGIN DELETE FROM movements; RETURN 1; END';",
        );
        let place = place(&[deletes, escapes, calls(spoil), right]);
        refused(&place, &database.url(), &|| database.query("SELECT count(*) FROM movements"));
        assert!(rule(&place, FILING, "calls").1.contains("it would write; what Cuadre asks for is read-only"));
    }
    if let Some(server) = mariadb() {
        let database = server.database("refused");
        database.sql(TABLE);
        database.sql(
            "DELIMITER //\nCREATE FUNCTION spoil() RETURNS integer MODIFIES SQL DATA \
             BEGIN DELETE FROM movements; RETURN 1; END//\nDELIMITER ;\n",
        );
        let place = place(&[deletes, escapes, calls(spoil), right]);
        refused(&place, &database.url(), &|| database.query("SELECT count(*) FROM movements"));
    }
}
