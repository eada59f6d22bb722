//! Rules over the day, seen from outside: what they find, what they carry from day to day, and what they refuse.

mod carried;
mod sums;
mod warehouse_sql;

use cuadre_tests::{Done, Place};
use serde_json::Value;

/// Runs the night of a day, issued at 05:40 in Mexico City on the day after and `later` seconds.
fn night(place: &Place, date: &str, later: i64, more: &[&str], env: &[(String, String)]) -> Done {
    let day: i64 = date[8..].parse().expect("a day");
    let issued = 1_795_261_200 + (day - 20) * 86_400 + later;
    let args = ["run", "--config", "cuadre.toml", "--date", date];
    let mut env = env.to_vec();
    env.push(("SOURCE_DATE_EPOCH".to_owned(), issued.to_string()));
    place.cuadre_with(args.iter().chain(more), &env)
}

/// What a filing says of a rule: its verdict and words.
fn rule(place: &Place, filing: &str, id: &str) -> (String, String) {
    let manifest = place.read(&format!("filings/filings/{filing}/manifest.json"));
    let manifest: Value = serde_json::from_str(&manifest).expect("a manifest");
    let rules = manifest["predicate"]["business"].as_array().expect("rules");
    let rule = rules.iter().find(|rule| rule["rule"] == id).expect("the rule");
    let text = |key: &str| rule[key].as_str().expect("a text").to_owned();
    (text("verdict"), text("explanation"))
}

/// The reasons of a rule's rows in `exceptions.csv`, each behind its group, amount and currency.
fn violations(place: &Place, filing: &str, id: &str) -> Vec<String> {
    let path = place.at(&format!("filings/filings/{filing}/exceptions.csv"));
    let mut rows = csv::Reader::from_path(path).expect("the evidence");
    let header = rows.headers().expect("a header").clone();
    let of = |row: &csv::StringRecord, name: &str| {
        let column = header.iter().position(|column| column == name).expect("a column");
        row[column].to_owned()
    };
    rows.records()
        .map(|row| row.expect("a row"))
        .filter(|row| of(row, "exception").ends_with(&format!("/{id}")))
        .map(|row| ["column", "amount", "currency", "reason"].map(|name| of(&row, name)).join(" | "))
        .collect()
}
