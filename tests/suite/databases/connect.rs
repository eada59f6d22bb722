//! `cuadre check --connect`: access, columns and types, before the night.

use cuadre_tests::servers::postgres;
use cuadre_tests::{Done, Place};

use super::{create, each, small};

fn check(place: &Place, url: &str) -> Done {
    place.cuadre(["check", "--config", "cuadre.toml", "--connect", "--warehouse", url])
}

#[test]
fn the_columns_and_their_types_are_told() {
    for database in each("connect") {
        database.sql(&create("decimal(18, 2)"));
        let done = check(&small(&[]), &database.url());
        assert_eq!(done.code, 0, "{}", done.stderr);
        let types =
            if database.url().starts_with("mysql") { "amount decimal, date date" } else { "amount numeric, date date" };
        assert!(done.stderr.contains(types) && done.stderr.contains("All that were asked answer."), "{}", done.stderr);
    }
}

#[test]
fn what_would_fail_at_night_fails_now() {
    for database in each("connect_wrong") {
        let place = small(&[]);
        let fails = |words: &str| {
            let done = check(&place, &database.url());
            assert_eq!(done.code, 78, "{}", done.stderr);
            assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
        };
        fails("there is no such table");
        database.sql(&create("double precision"));
        fails("a binary floating-point number is no exact amount");
        database.sql(&format!("DROP TABLE movements; {}", create("decimal(8, 2)").replace("amount", "sum")));
        fails("there is no column `amount`; there are source, id, date, account, sum");
    }
    assert_eq!(check(&small(&[]), "postgres://u@127.0.0.1:1/d").code, 75);
    assert_eq!(check(&small(&[]), "oracle://u@127.0.0.1:1/d").code, 64);
}

#[test]
fn a_table_that_may_not_be_read_is_found_before_the_night() {
    let Some(postgres) = postgres() else { return };
    let database = postgres.database("forbidden");
    database.sql(&create("numeric"));
    database.sql("CREATE ROLE nobody LOGIN PASSWORD 'nobody';");
    let url = database.url();
    let (_, rest) = url.split_once('@').expect("credentials");
    let done = check(&small(&[]), &format!("postgres://nobody:nobody@{rest}"));
    assert_eq!(done.code, 78, "{}", done.stderr);
    assert!(done.stderr.contains("we may not read that"), "{}", done.stderr);
}
