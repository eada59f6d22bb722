//! Real databases: PostgreSQL and MariaDB on loopback, and SQLite.

mod cells;
mod connect;
mod faults;
mod nights;
mod tables;
mod values;

use cuadre_tests::servers::{Database, mariadb, postgres};
use cuadre_tests::{DATE, Place, SMALL};

/// The warehouse's table of [`SMALL`] nights, with this type of amounts.
fn create(amount: &str) -> String {
    format!(
        "CREATE TABLE movements (source varchar(40), id varchar(40), date date, account varchar(40), amount {amount});"
    )
}

/// Inserts movements `1, 2, ...` of source `a` with these amounts, written as SQL.
fn insert(amounts: &[&str]) -> String {
    let rows = amounts.iter().zip(1..).map(|(amount, n)| format!("('a', '{n}', '{DATE}', 'x', {amount})"));
    format!("INSERT INTO movements VALUES {};", rows.collect::<Vec<_>>().join(", "))
}

/// The source side of a [`SMALL`] night with these amounts.
fn small(amounts: &[&str]) -> Place {
    let place = Place::new();
    let rows: String = amounts.iter().zip(1..).map(|(amount, n)| format!("{n},{DATE},x,{amount}\n")).collect();
    place
        .write("cuadre.toml", SMALL)
        .write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{rows}"));
    place
}

/// A database of each server that is here.
fn each(name: &str) -> Vec<Database<'static>> {
    [postgres(), mariadb()].into_iter().flatten().map(|server| server.database(name)).collect()
}

/// `cuadre run` of the night with the warehouse of that URL.
fn run(place: &Place, url: &str) -> cuadre_tests::Done {
    place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE, "--warehouse", url])
}
