//! Values as databases write them: exact, or refused with their place.

use cuadre_tests::DATE;
use cuadre_tests::servers::postgres;

use super::{create, each, insert, run, small};

/// The refused rows of the warehouse: record, value, reason.
fn refused(place: &cuadre_tests::Place) -> Vec<String> {
    let rows = place.filed("exceptions.csv");
    let refused = rows.lines().filter(|line| line.starts_with("warehouse_records_rejected,"));
    refused.map(|line| line.split_once("#movements,").map_or(line, |(_, row)| row).to_owned()).collect()
}

#[test]
fn decimals_are_exact() {
    let amounts = ["1000000000000000000.01", "-0.01", "19.99", "0.00"];
    for database in each("decimals") {
        database.sql(&(create("decimal(38, 2)") + &insert(&amounts)));
        let place = small(&amounts);
        let done = run(&place, &database.url());
        assert_eq!(done.code, 0, "{}: {}", database.url(), done.stderr);
        assert!(done.stderr.contains("4 matched"), "{}", done.stderr);
    }
}

#[test]
fn what_is_no_exact_amount_is_refused_with_its_place() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("numerics");
    // The widest numeric, more decimals than a currency has, and what is no number at all.
    let wide = format!("{}.12", "9".repeat(36));
    let values = ["19.99", "1.005", "'NaN'", "'Infinity'", "'-Infinity'", &wide, "NULL"];
    database.sql(&(create("numeric") + &insert(&values)));
    let place = small(&["19.99"]);
    assert_eq!(run(&place, &database.url()).code, 3);
    let refused = refused(&place);
    let expected = [("2", "1.005"), ("3", "NaN"), ("4", "Infinity"), ("5", "'-Infinity"), ("6", &wide), ("7", "")];
    assert_eq!(refused.len(), expected.len(), "{refused:#?}");
    for (row, (record, value)) in refused.iter().zip(expected) {
        assert!(row.starts_with(&format!("{record},amount,,{value},")), "{row}");
    }
}

#[test]
fn a_negative_scale_rounds_when_it_is_stored_and_not_when_it_is_read() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("negative_scale");
    database.sql(&(create("numeric(5, -2)") + &insert(&["12345", "-700"])));
    let place = small(&["12300", "-700"]);
    let done = run(&place, &database.url());
    assert_eq!(done.code, 0, "{}", done.stderr);
}

#[test]
fn binary_floats_are_refused() {
    for database in each("floats") {
        database.sql(&(create("double precision") + &insert(&["19.99", "20"])));
        let place = small(&["19.99", "20.00"]);
        assert_eq!(run(&place, &database.url()).code, 3);
        let refused = refused(&place);
        assert_eq!(refused.len(), 2, "{}", database.url());
        assert!(refused[0].contains("REAL 19.99") && refused[0].contains("binary floating-point"), "{refused:?}");
    }
}

#[test]
fn minor_units_are_integers() {
    for database in each("minor") {
        database.sql(&(create("bigint") + &insert(&["9223372036854775807", "-1"])));
        let place = small(&["92233720368547758.07", "-0.01"]);
        let config =
            cuadre_tests::SMALL.replace("[report]", "[warehouse.files.amount]\nimplied_decimals = 2\n\n[report]");
        place.write("cuadre.toml", config);
        let done = run(&place, &database.url());
        assert_eq!(done.code, 0, "{}: {}", database.url(), done.stderr);
    }
}

#[test]
fn padded_and_odd_texts_come_through() {
    let odd = "a,b \"c\"\nñ'\\";
    for database in each("texts") {
        let place = small(&["1.00", "2.00"]);
        let quoted = odd.replace('"', "\"\"");
        place.write(
            &format!("landing/a/{DATE}.csv"),
            format!(
                "id,date,account,amount\n1,{DATE},x,1.00\n2,{DATE},\"{quoted}\",2.00\n3,{DATE},,3.00\n4,{DATE},,4.00\n"
            ),
        );
        let literal = odd.replace('\'', "''");
        let literal = if database.url().starts_with("mysql") { literal.replace('\\', "\\\\") } else { literal };
        database.sql(&format!(
            "CREATE TABLE movements (source char(20), id char(8), date date, account varchar(40), amount decimal(8, 2));
             INSERT INTO movements VALUES ('a', '1', '{DATE}', 'x', 1), ('a', '2', '{DATE}', '{literal}', 2),
             ('a', '3', '{DATE}', NULL, 3), ('a', '4', '{DATE}', '', 4);"
        ));
        let done = run(&place, &database.url());
        assert_eq!(done.code, 0, "{}: {}", database.url(), done.stderr);
    }
}

#[test]
fn instants_with_and_without_zone() {
    // Six in the morning in Mexico City is noon in UTC.
    let config = cuadre_tests::SMALL.replace("amount = \"amount\" }", "amount = \"amount\", booked_at = \"at\" }");
    for database in each("instants") {
        let is_mysql = database.url().starts_with("mysql");
        let (with, without) = if is_mysql { ("timestamp(6)", "datetime(3)") } else { ("timestamptz", "timestamp") };
        for (table, kind, values) in [
            ("with_zone", with, ["2026-11-20 12:00:00", "2026-11-20 12:00:00.25"]),
            ("without_zone", without, ["2026-11-20 06:00:00", "2026-11-20 06:00:00.25"]),
        ] {
            let zone = if is_mysql { "SET time_zone = '+00:00';" } else { "SET TIME ZONE 'UTC';" };
            database.sql(&format!(
                "{zone} CREATE TABLE {table} (source varchar(9), id varchar(9), date date, account varchar(9),
                 amount decimal(8, 2), at {kind} NULL);
                 INSERT INTO {table} VALUES ('a', '1', '{DATE}', 'x', 1, '{}'), ('a', '2', '{DATE}', 'x', 2, '{}'),
                 ('a', '3', '{DATE}', 'x', 3, NULL);",
                values[0], values[1]
            ));
            let place = small(&[]);
            let table = format!("[warehouse.database]\nurl = \"mysql://nobody@localhost/x\"\ntable = \"{table}\"\n");
            let (start, rest) = config.split_once("[warehouse.files]").expect("a warehouse");
            let (_, rest) = rest.split_once("format = \"csv\"\n").expect("a format");
            place.write("cuadre.toml", format!("{start}{table}{rest}"));
            let rows = "1,2026-11-20,x,1,2026-11-20T12:00:00Z\n2,2026-11-20,x,2,2026-11-20T06:00:00.25-06:00\n3,2026-11-20,x,3,\n";
            place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount,at\n{rows}"));
            let done = run(&place, &database.url());
            assert_eq!(done.code, 0, "{} {kind}: {}", database.url(), done.stderr);
        }
    }
}

/// The largest resident size of a process while it runs, in KiB.
fn peak(child: &mut std::process::Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    peak
}

#[test]
fn a_million_rows_are_streamed_in_little_memory() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("million");
    database.sql(&create("numeric(12, 2)"));
    // Some 150 MB as text.
    database.sql(&format!(
        "INSERT INTO movements SELECT 'a', n::text, '{DATE}', repeat('x', 40), n FROM generate_series(1, 1000000) n;"
    ));
    let place = small(&[]);
    let table = "url = \"postgres://u@localhost/d\"\ntable = \"movements\"\npassword = { env = \"PGPASSWORD\" }";
    let config = place.read("cuadre.toml");
    let url = database.url();
    let (user, rest) = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).expect("a user and a place");
    let (user, password) = user.split_once(':').expect("a password");
    let table = table.replace("u@localhost/d", &format!("{user}@{rest}"));
    place.write("cuadre.toml", config.replacen("files = \"landing/a/{date}.csv\"\nformat = \"csv\"", &table, 1));
    let run = |date: &str| {
        let mut command = std::process::Command::new(cuadre_tests::cuadre());
        command.args(["run", "--config", "cuadre.toml", "--only", "end-to-end", "--date", date]);
        command.args(["--warehouse", &url, "--memory", "64"]).current_dir(place.path()).env("PGPASSWORD", password);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("cuadre runs");
        let peak = peak(&mut child);
        let done = child.wait_with_output().expect("cuadre ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        (peak, String::from_utf8_lossy(&done.stdout).into_owned())
    };
    // A day with one row on each side, and one with a million.
    database.sql("INSERT INTO movements VALUES ('a', '1', '2026-11-19', 'x', 1);");
    let ((few, _), (many, said)) = (run("2026-11-19"), run(DATE));
    assert!(said.contains("\"matched\":1000000"), "{said}");
    assert!(few > 0 && many < few + 128 * 1024, "{few} KiB with a row, {many} KiB with a million");
}

/// Redshift's way, by rows of a simple query in text, on a PostgreSQL, whose protocol it speaks.
#[test]
fn rows_of_a_simple_query_are_the_same_rows() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("simple");
    let amounts = ["1000000000000000000.01", "-0.01", "19.99"];
    database.sql(&(create("numeric(38, 2)") + &insert(&amounts)));
    database.sql("UPDATE movements SET account = 'a,b \"ñ\"' WHERE id = '2';");
    database.sql("UPDATE movements SET account = NULL WHERE id = '3';");
    let url = database.url().replace("postgres:", "redshift:");
    let place = small(&amounts);
    let landed = place.read(&format!("landing/a/{DATE}.csv"));
    let landed = landed.replace(",x,-0.01", ",\"a,b \"\"ñ\"\"\",-0.01").replace(",x,19.99", ",,19.99");
    place.write(&format!("landing/a/{DATE}.csv"), landed);
    let done = run(&place, &url);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let archived = |place: &cuadre_tests::Place| place.files("filings/archive");
    let by_copy = small(&[]);
    by_copy.write(&format!("landing/a/{DATE}.csv"), place.read(&format!("landing/a/{DATE}.csv")));
    assert_eq!(run(&by_copy, &database.url()).code, 0);
    assert_eq!(archived(&place), archived(&by_copy), "the copies have the same bytes");

    database.sql("ALTER TABLE movements ALTER amount TYPE double precision;");
    let place = small(&amounts);
    assert_eq!(run(&place, &url).code, 3);
    assert_eq!(refused(&place).len(), 3);
}
