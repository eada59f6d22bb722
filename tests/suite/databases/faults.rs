//! What can be wrong with a database, and what comes of it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use cuadre_tests::servers::{Private, postgres};
use cuadre_tests::{DATE, Done, Place};

use super::{create, each, insert, run, small};

/// The night with `databases.retry_seconds` and the policy's time.
fn with(place: &Place, retry_seconds: u32, file_without_from: &str) {
    let config = place.read("cuadre.toml").replacen(
        "[signing]",
        &format!(
            "[databases]\nretry_seconds = {retry_seconds}\nconnect_seconds = 30\n\n\
             [policy]\nfile_without_from = \"{file_without_from}\"\n\n[signing]"
        ),
        1,
    );
    place.write("cuadre.toml", config);
}

/// Runs a night before the time from which it would be filed without the warehouse (it is 05:40).
fn early(url: &str) -> (Place, Done) {
    let place = small(&["1.00"]);
    with(&place, 0, "05:50");
    let done = run(&place, url);
    (place, done)
}

fn fails(url: &str, code: i32, words: &str) {
    let (place, done) = early(url);
    assert_eq!(done.code, code, "{}", done.stderr);
    assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    assert!(!place.at("filings/filings").join(format!("{DATE}.1")).exists());
}

#[test]
fn lasting_faults_call_a_person_while_there_is_time() {
    for database in each("lasting") {
        let url = database.url();
        database.sql(&(create("decimal(8, 2)").replace("account", "acct") + &insert(&["1"])));
        fails(&url, 78, "there is no column `account`; there are source, id, date, acct, amount");
        fails(&format!("{url}_too"), 78, "there is no such database");
        let (start, rest) = url.split_once('@').expect("credentials");
        let user = start.rsplit_once(':').filter(|(user, _)| !user.ends_with("//")).map_or(start, |(user, _)| user);
        let user = if user.ends_with("//") { start } else { user };
        fails(&format!("{user}:wr0ng@{rest}"), 78, "the server does not let us in");
        let (_, done) = early(&format!("{user}:wr0ng@{rest}"));
        assert!(!done.stderr.contains("wr0ng"), "{}", done.stderr);
        database.sql("DROP TABLE movements;");
        fails(&url, 78, "there is no such table");
        database.sql(&create("decimal(8, 2)").replace("date date", "date timestamp"));
        fails(&url, 78, "map booked_on to a date, or give a `query`");
    }
}

#[test]
fn passing_faults_exit_75_while_there_is_time_and_leave_a_gap_when_there_is_none() {
    // A port that nobody listens at.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    for scheme in ["postgres", "redshift", "mysql"] {
        let url = format!("{scheme}://u:secret@127.0.0.1:{port}/d");
        let (_, done) = early(&url);
        assert_eq!(done.code, 75, "{}", done.stderr);
        assert!(done.stderr.contains("no connection") && !done.stderr.contains("secret"), "{}", done.stderr);

        let place = small(&["1.00"]);
        with(&place, 0, "05:30");
        let done = run(&place, &url);
        assert_eq!(done.code, 3, "{}", done.stderr);
        let manifest = place.filed("manifest.json");
        assert!(
            manifest.contains("\"endToEnd\":[]") && manifest.contains("reconciliation is notEvaluated"),
            "{manifest}"
        );
        assert!(!manifest.contains("secret"));
        let report = place.filed("report.csv");
        assert!(report.contains("1.00"), "the report is made from the sources alone: {report}");

        place.write(
            "cuadre.toml",
            place.read("cuadre.toml").replace("[policy]", "[policy]\nblock_on = [\"warehouse_missing\"]"),
        );
        let done =
            place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--filings", "other", "--warehouse", &url]);
        assert_eq!(done.code, 4, "{}", done.stderr);
    }
}

/// A look at both sides files nothing, so it has nothing to file without.
#[test]
fn a_comparison_alone_is_not_made_without_the_warehouse() {
    let place = small(&["1.00"]);
    with(&place, 0, "05:30");
    let url = "postgres://u@127.0.0.1:1/d";
    let args = ["run", "--config", "cuadre.toml", "--date", DATE, "--only", "end-to-end", "--warehouse", url];
    let done = place.cuadre(args);
    assert_eq!((done.code, done.stdout.as_str()), (75, ""), "{}", done.stderr);
}

#[test]
fn a_server_that_comes_back_is_waited_for() {
    let Some(server) = Private::postgres("") else { return };
    let database = server.database("comes_back");
    database.sql(&(create("numeric") + &insert(&["1.00"])));
    let url = database.url();
    server.stop();
    let place = small(&["1.00"]);
    with(&place, 60, "05:50");
    let done = thread::scope(|scope| {
        let night = scope.spawn(|| run(&place, &url));
        thread::sleep(Duration::from_millis(1200));
        server.start();
        night.join().expect("the night ends")
    });
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("; trying again"), "{}", done.stderr);
}

/// A table whose rows take a second or so to send.
fn long_table(database: &cuadre_tests::servers::Database<'_>, rows: u32) {
    database.sql(&create("numeric"));
    database.sql(&format!(
        "INSERT INTO movements SELECT 'a', n::text, '{DATE}', repeat('x', 40), 1 FROM generate_series(1, {rows}) n;"
    ));
}

#[test]
fn a_server_killed_in_mid_stream_is_a_passing_fault() {
    let Some(server) = Private::postgres("") else { return };
    let database = server.database("killed");
    // A view whose later rows take their time.
    long_table(&database, 1000);
    database.sql(
        "ALTER TABLE movements RENAME TO quick;
         CREATE VIEW movements AS SELECT source, id, date, account, amount FROM quick \
         WHERE id::int < 500 OR pg_sleep(0.05) IS NOT NULL;",
    );
    let (place, url) = (small(&["1.00"]), database.url());
    with(&place, 0, "05:50");
    let done = thread::scope(|scope| {
        let night = scope.spawn(|| run(&place, &url));
        let start = Instant::now();
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active' AND pid <> pg_backend_pid()";
        while database.query(asked).trim() == "0" && start.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(50));
        }
        server.kill();
        night.join().expect("the night ends")
    });
    assert_eq!(done.code, 75, "{}", done.stderr);
    assert!(done.stderr.contains("the connection broke off"), "{}", done.stderr);
}

#[test]
fn a_statement_that_takes_too_long_is_a_passing_fault() {
    for database in each("slow") {
        database.sql(&(create("decimal(8, 2)") + &insert(&["1"])));
        let sleep = if database.url().starts_with("mysql") { "SLEEP(20)" } else { "pg_sleep(20)::text" };
        let place = small(&["1.00"]);
        with(&place, 0, "05:50");
        let config = place.read("cuadre.toml").replace("[databases]", "[databases]\nstatement_seconds = 1");
        let (start, rest) = config.split_once("[warehouse.files]").expect("a warehouse");
        let (_, rest) = rest.split_once("format = \"csv\"\n").expect("a format");
        let query = format!("query = \"SELECT source, id, date, account, amount, {sleep} AS zzz FROM movements\"");
        place.write(
            "cuadre.toml",
            format!("{start}[warehouse.database]\nurl = \"mysql://x@localhost/x\"\n{query}\n{rest}"),
        );
        let config = place.read("cuadre.toml").replace("account = \"account\"", "account = \"zzz\"");
        place.write("cuadre.toml", config);
        let done = run(&place, &database.url());
        assert_eq!(done.code, 75, "{}: {}", database.url(), done.stderr);
        assert!(done.stderr.contains("took longer than statement_seconds"), "{}", done.stderr);
    }
}

#[test]
fn nothing_is_written_to_the_database() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("read_only");
    database.sql(&(create("numeric") + &insert(&["1"])));
    database.sql(
        "CREATE FUNCTION spoil() RETURNS numeric LANGUAGE plpgsql AS 'BEGIN DELETE FROM movements; RETURN 1; END';",
    );
    let (start, rest) = cuadre_tests::SMALL.split_once("[warehouse.files]").expect("a warehouse");
    let (_, rest) = rest.split_once("format = \"csv\"\n").expect("a format");
    let place = small(&["1.00"]);
    let query = "query = \"SELECT source, id, date, account, spoil() AS amount FROM movements\"";
    place.write(
        "cuadre.toml",
        format!("{start}[warehouse.database]\nurl = \"postgres://x@localhost/x\"\n{query}\n{rest}"),
    );
    with(&place, 0, "05:50");
    let done = run(&place, &database.url());
    assert_eq!(done.code, 78, "{}", done.stderr);
    assert!(done.stderr.contains("it would write"), "{}", done.stderr);
    assert_eq!(database.query("SELECT count(*) FROM movements").trim(), "1");
}

#[test]
fn tls_is_verified() {
    let Some(server) = Private::postgres_tls("IP:127.0.0.1,DNS:localhost") else { return };
    let database = server.database("tls");
    database.sql(&(create("numeric") + &insert(&["1.00"])));
    let authority = server.authority().display().to_string();
    let full = format!("{}?sslmode=verify-full&sslrootcert={authority}", database.url());
    let place = small(&["1.00"]);
    assert_eq!(run(&place, &full).code, 0);
    fails(&format!("{}?sslmode=verify-full", database.url()), 78, "the server is not trusted");

    let Some(other) = Private::postgres_tls("DNS:elsewhere.example") else { return };
    let database = other.database("tls");
    let authority = other.authority().display().to_string();
    fails(&format!("{}?sslmode=verify-full&sslrootcert={authority}", database.url()), 78, "the server is not trusted");
}

#[test]
fn a_password_in_the_configuration_is_refused() {
    let place = small(&["1.00"]);
    let config = place.read("cuadre.toml").replacen(
        "files = \"warehouse/{date}.csv\"\nformat = \"csv\"",
        "url = \"postgres://u:hidden@h/d\"\ntable = \"t\"",
        1,
    );
    place.write("cuadre.toml", config.replace("[warehouse.files]", "[warehouse.database]"));
    let done = place.cuadre(["check", "--config", "cuadre.toml"]);
    assert_eq!(done.code, 78);
    assert!(done.stderr.contains("the URL has a password") && !done.stderr.contains("hidden"), "{}", done.stderr);
    assert!(fs::read_dir(place.path()).expect("a folder").count() > 0);
}

/// What a server says is told apart by its code, whatever its words.
#[test]
fn faults_are_told_apart() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("told_apart");
    for (code, exit, words) in [
        ("53100", 75, "the server's disk is full"),
        ("53300", 75, "the server has no room for one more"),
        ("57P03", 75, "the server is starting or stopping"),
        ("40001", 75, "other transactions are in the way"),
        ("58030", 75, "the server has a fault"),
        ("42501", 78, "we may not read that"),
        ("22P02", 78, "a value cannot be read as its type"),
        ("XX000", 78, "the words of the server (XX000)"),
    ] {
        database.sql(&format!(
            "CREATE OR REPLACE FUNCTION fail() RETURNS numeric LANGUAGE plpgsql AS \
             $$BEGIN RAISE 'the words of the server' USING ERRCODE = '{code}'; END$$; \
             CREATE OR REPLACE VIEW movements AS \
             SELECT 'a' AS source, '1' AS id, date '{DATE}' AS date, 'x' AS account, fail() AS amount;"
        ));
        fails(&database.url(), exit, words);
    }
}

/// One wrong query does not spoil the others of the night.
#[test]
fn a_query_that_cannot_be_answered_is_a_gap_of_its_rule_alone() {
    let mut urls: Vec<String> = Vec::new();
    for database in each("wrong_query") {
        database.sql(&(create("decimal(8, 2)") + &insert(&["1"])));
        urls.push(database.url());
        if database.url().starts_with("postgres") {
            urls.push(database.url().replace("postgres:", "redshift:"));
        }
    }
    for url in urls {
        let place = small(&["1.00"]);
        let rule =
            |id: &str, query: &str| format!("\n[[rule]]\nid = \"{id}\"\ncheck.warehouse_sql.query = \"{query}\"\n");
        let rules =
            rule("wrong", "SELECT nothing FROM movements") + &rule("right", "SELECT id FROM movements WHERE date = ?1");
        let (start, rest) = cuadre_tests::SMALL.split_once("[warehouse.files]").expect("a warehouse");
        let (_, rest) = rest.split_once("format = \"csv\"\n").expect("a format");
        let table = "[warehouse.database]\nurl = \"postgres://u@h/d\"\ntable = \"movements\"\n";
        place.write("cuadre.toml", format!("{start}{table}{rest}{rules}"));
        assert_eq!(run(&place, &url).code, 3);
        let manifest = place.filed("manifest.json");
        assert!(manifest.contains("rule_not_evaluated/wrong") && manifest.contains("there is no such column"), "{url}");
        assert!(
            manifest.contains("rule_failed/right") && manifest.contains("1 violation of right"),
            "{url}: {manifest}"
        );
    }
}

#[test]
fn a_server_without_tls_is_not_talked_to_where_tls_is_asked_for() {
    for database in each("no_tls") {
        database.sql(&(create("decimal(8, 2)") + &insert(&["1"])));
        let is_mysql = database.url().starts_with("mysql");
        let asked = if is_mysql { "?ssl-mode=VERIFY_IDENTITY" } else { "?sslmode=verify-full" };
        fails(&format!("{}{asked}", database.url()), 78, "the server is not trusted");
    }
}
