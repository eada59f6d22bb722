//! Sources that are tables, and control records in one.

use cuadre_tests::{DATE, Place, SMALL};

use super::each;

/// A night whose source and control record are in a database, and whose warehouse is a file.
fn night(url: &str, password: &str, control: &str) -> Place {
    let place = Place::new();
    let source = format!(
        "[[source]]\nid = \"a\"\n[source.control]\n{control}\n[source.extract]\nurl = \"{url}\"\n{password}\n\
         table = \"branch_movements\"\n\
         columns = {{ id = \"id\", booked_on = \"date\", account = \"account\", amount = \"amount\" }}\n"
    );
    let (start, _) = SMALL.split_once("[[source]]").expect("a source");
    place.write("cuadre.toml", format!("{start}{source}"));
    place.write(
        &format!("warehouse/{DATE}.csv"),
        format!("source,id,date,account,amount\na,1,{DATE},x,10.00\na,2,{DATE},x,-2.50\n"),
    );
    place
}

const CONTROL: &str = "from = \"table\"\ntable = \"sent\"\nrecords = \"records\"\namount = \"total\"\n\
                       business_date = \"sent_for\"\nsource = \"system\"";

#[test]
fn a_source_is_a_table_and_its_control_a_row() {
    for database in each("branch") {
        let url = database.url();
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (credentials, place_of) = rest.split_once('@').expect("credentials");
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let open = format!("{scheme}://{user}@{place_of}");
        database.sql(&format!(
            "CREATE TABLE branch_movements (id int, date date, account varchar(9), amount decimal(12, 2));
             INSERT INTO branch_movements VALUES (1, '{DATE}', 'x', 10), (2, '{DATE}', 'x', -2.5), (3, '2026-11-19', 'x', 7);
             CREATE TABLE sent (system varchar(9), sent_for date, records int, total decimal(12, 2));
             INSERT INTO sent VALUES ('a', '{DATE}', 2, 7.50), ('b', '{DATE}', 9, 1), ('a', '2026-11-19', 1, 7);"
        ));
        // The password lies in a file, beside the configuration.
        let place = night(&open, "password = { file = \"secret\" }", CONTROL);
        place.write("secret", format!("{password}\n"));
        let done = place.run();
        assert_eq!(done.code, 0, "{url}: {}", done.stderr);
        let manifest = place.filed("manifest.json");
        assert!(manifest.contains("\"verdict\":\"matched\"") && manifest.contains("\"name\":\"a#branch_movements\""));
        // What is in no password's way: the archive, the manifest and what was said.
        if !password.is_empty() {
            for (name, bytes) in place.files("filings") {
                assert!(!String::from_utf8_lossy(&bytes).contains(&format!(":{password}@")), "{name}");
            }
        }
        // A control record that says otherwise is a gap, and so is one that is not there.
        database.sql("UPDATE sent SET records = 3 WHERE system = 'a' AND records = 2;");
        let place = night(&open, "password = { file = \"secret\" }", CONTROL);
        place.write("secret", password);
        assert_eq!(place.run().code, 3);
        assert!(place.filed("manifest.json").contains("control_mismatch/a"));
        // Of a control table that cannot be read, the movements are there all the same.
        let wrong = CONTROL.replace("table = \"sent\"", "table = \"not_sent\"");
        let place = night(&open, "password = { file = \"secret\" }", &wrong);
        place.write("secret", password);
        assert_eq!(place.run().code, 3);
        assert!(place.filed("manifest.json").contains("there is no such table"));
        assert!(place.filed("report.csv").contains("10.00"));
        database.sql("DELETE FROM sent WHERE system = 'a';");
        let place = night(&open, "password = { file = \"secret\" }", CONTROL);
        place.write("secret", password);
        assert_eq!(place.run().code, 3);
    }
}

#[test]
fn a_source_is_a_query_of_sqlite() {
    let control = "from = \"table\"\nquery = \"SELECT count(*) AS n FROM m WHERE d = ?1\"\nrecords = \"n\"";
    let place = night("sqlite:branch.db", "", control);
    let config = place.read("cuadre.toml").replace(
        "table = \"branch_movements\"",
        "query = \"SELECT id, d AS date, 'x' AS account, (cents / 100) || '.' || substr('0' || (abs(cents) % 100), -2) AS amount \
         FROM m WHERE d = ?1\"",
    );
    place.write("cuadre.toml", config);
    let sql = format!(
        "CREATE TABLE m (id INTEGER, d TEXT, cents INTEGER); \
         INSERT INTO m VALUES (1, '{DATE}', 1000), (2, '{DATE}', -250), (3, '2026-11-19', 1)"
    );
    crate::exactness::execute(&place.at("branch.db"), sql);
    let done = place.run();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(place.filed("manifest.json").contains("\"name\":\"a#query\""));
}
