//! The database servers of the tests themselves: they serve, they can be broken, and they go.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cuadre_tests::servers::{Database, Private, Server, mariadb, postgres};

/// Nulls, quotes, separators, lines and letters of more than a byte.
const CSV: &str = "1,\"a \"\"b\"\", c\",12.50\n2,NULL,-0.01\n3,\"two\nlines\",NULL\n4,\u{f1}\u{1f600},0.00\n";

fn table(database: &Database) {
    database.sql("CREATE TABLE t (id integer PRIMARY KEY, name varchar(20), amount numeric(18, 2)); SELECT 1;");
}

fn serves(server: &Server, name: &str) {
    let (one, two) = (server.database(&format!("{name}_1")), server.database(&format!("{name}_2")));
    table(&one);
    table(&two);
    one.load("t", CSV);
    assert_eq!(
        one.query("SELECT id, name, amount FROM t WHERE id <> 3 ORDER BY id").lines().collect::<Vec<_>>(),
        ["1\ta \"b\", c\t12.50", "2\tNULL\t-0.01", "4\t\u{f1}\u{1f600}\t0.00"]
    );
    assert_eq!(one.query("SELECT count(*), max(char_length(name)) FROM t WHERE name LIKE 'two%'"), "1\t9\n");
    assert_eq!(two.query("SELECT count(*) FROM t"), "0\n");
    assert!(one.url().ends_with(&format!("://tests:tests@127.0.0.1:{}/{name}_1", server.port())), "{}", one.url());
    drop(TcpStream::connect(("127.0.0.1", server.port())).expect("it listens"));
}

/// What a failing statement or file says, and that nothing after it happened.
fn refuses(server: &Server, name: &str) {
    let database = server.database(name);
    table(&database);
    let said = |work: &(dyn Fn() + std::panic::RefUnwindSafe)| {
        let panic = std::panic::catch_unwind(work).expect_err("it fails");
        *panic.downcast::<String>().expect("a message")
    };
    let message = said(&|| server.database(name).sql(""));
    assert!(message.contains("exists"), "{message}");
    let message = said(&|| database.sql("SELECT nothing FROM t; INSERT INTO t VALUES (1, 'a', 1);"));
    assert!(message.contains("nothing"), "{message}");
    let message = said(&|| database.load("t", "1,a,1.00\n2,b,much\n"));
    assert!(message.contains("much"), "{message}");
    assert_eq!(database.query("SELECT count(*) FROM t"), "0\n");
}

/// A server that was broken has what was committed.
fn comes_back(server: &Private, end: impl Fn(&Private)) {
    let database = server.database("lasting");
    table(&database);
    database.load("t", CSV);
    end(server);
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err(), "it listens while it is down");
    server.start();
    assert_eq!(database.query("SELECT count(*) FROM t"), "4\n");
    drop(TcpStream::connect(("127.0.0.1", server.port())).expect("it listens on the same port"));
}

#[test]
fn postgresql_serves() {
    if let Some(server) = postgres() {
        serves(server, "serves");
        refuses(server, "refuses");
    }
}

#[test]
fn mariadb_serves() {
    if let Some(server) = mariadb() {
        serves(server, "serves");
        refuses(server, "refuses");
    }
}

#[test]
fn postgresql_comes_back_after_a_stop_and_a_kill() {
    let Some(server) = Private::postgres("max_connections = 7") else { return };
    comes_back(&server, Private::stop);
    server.kill();
    server.start();
    assert_eq!(server.database("other").query("SHOW max_connections"), "7\n");
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists(), "its folder stays");
}

#[test]
fn mariadb_comes_back_after_a_kill_and_a_stop() {
    let Some(server) = Private::mariadb("max-connections = 17") else { return };
    comes_back(&server, Private::kill);
    server.stop();
    server.start();
    assert_eq!(server.database("other").query("SELECT @@max_connections"), "17\n");
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists(), "its folder stays");
}

#[test]
fn what_keeps_a_server_from_starting_is_told() {
    let panic = std::panic::catch_unwind(|| Private::postgres("max_connections = many"));
    let Err(panic) = panic else { return }; // it was skipped
    let message = panic.downcast::<String>().expect("a message");
    assert!(message.contains("invalid value for parameter \"max_connections\": \"many\""), "{message}");
}

#[test]
fn tls_is_by_an_authority_for_its_names() {
    let Some(ours) = Private::postgres_tls("IP:127.0.0.1,DNS:localhost") else { return };
    let Some(others) = Private::postgres_tls("DNS:other.example") else { return };
    let connect = |server: &Private, mode: &str, authority: &Path| {
        let url = format!("postgres://tests:tests@127.0.0.1:{}/postgres?sslmode={mode}", server.port());
        let mut psql = Command::new("psql");
        psql.args(["-XAt", "-c", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &url]);
        psql.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("PGSSLROOTCERT", authority);
        let output = psql.output().expect("psql runs");
        String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr }).into_owned()
    };
    assert_eq!(connect(&ours, "verify-full", &ours.authority()), "t\n");
    assert_eq!(connect(&others, "verify-ca", &others.authority()), "t\n");
    for (server, mode, authority, reason) in [
        (&others, "verify-full", others.authority(), "does not match host name"),
        (&ours, "verify-full", others.authority(), "certificate verify failed"),
        (&ours, "disable", ours.authority(), "no encryption"),
    ] {
        let message = connect(server, mode, &authority);
        assert!(message.contains(reason), "{mode}: {message}");
    }
}

/// The process that the next test kills.
#[test]
#[ignore = "run by servers_go_with_a_process_that_is_killed"]
fn waits_to_be_killed() {
    if std::env::var_os("WAITS_TO_BE_KILLED").is_some() {
        for server in postgres().into_iter().chain(mariadb()) {
            println!("serves {} {}", server.port(), server.folder().display());
        }
        println!("all serve");
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn servers_go_with_a_process_that_is_killed() {
    let mut process = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "servers::waits_to_be_killed", "--ignored", "--nocapture"])
        .env("WAITS_TO_BE_KILLED", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test runs");
    let lines = BufReader::new(process.stdout.take().expect("its stdout")).lines().map(|line| line.expect("a line"));
    let served: Vec<(u16, String)> = lines
        .take_while(|line| !line.ends_with("all serve"))
        .filter_map(|line| {
            let (port, folder) = line.split_once("serves ")?.1.split_once(' ')?;
            Some((port.parse().expect("a port"), folder.to_owned()))
        })
        .collect();
    process.kill().expect("it is killed");
    process.wait().expect("it ends");
    let started = Instant::now();
    for (port, folder) in served {
        while Path::new(&folder).exists() || TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(started.elapsed() < Duration::from_secs(20), "port {port} or {folder} is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
