use super::*;

const CONFIG: &str = r#"
institution = "Caja de Prueba"
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
url = "redshift://u@localhost/d"
table = "movements"
compared = "cells"
columns = { source = "source", id = "id", booked_on = "date", booked_at = "at", amount = "amount", currency = "code" }
[report]
columns = [{ field = "source" }]
[[source]]
id = "a"
extract = { files = "a.csv", format = "csv", columns = { id = "id", booked_on = "d", booked_at = "at", amount = "m", currency = "c" } }
[[source]]
id = "b'"
[source.extract]
files = "b.csv"
format = "csv"
columns = { id = "id", booked_on = "date", amount = "amount" }
"#;

fn column(name: &str, type_name: &str, kind: Kind) -> Column {
    Column { name: name.to_owned(), type_name: type_name.to_owned(), kind }
}

fn columns() -> Vec<Column> {
    vec![
        column("source", "varchar", Kind::Exact),
        column("id", "int8", Kind::Exact),
        column("date", "date", Kind::Date),
        column("at", "timestamptz", Kind::Time),
        column("amount", "numeric", Kind::Exact),
        column("code", "bpchar", Kind::Exact),
    ]
}

/// The statement for cells, and the condition for some of them.
fn asked(config: &str, columns: &[Column]) -> Result<(String, String), Fault> {
    let config = Config::parse(config, "cuadre.toml").expect("a configuration");
    let plan = crate::reconcile::breaks::plan(&config);
    let date = "2026-11-20".parse().expect("a date");
    let question = Question::new(&config, &plan, &[true, true], Grid::new([0xab; 16], 1), date)?;
    let extract = config.warehouse.extract();
    let (engine, _) = Engine::of(extract.url.as_deref().expect("a URL")).expect("a database");
    let relation = Relation::of(engine, &extract.table, &extract.query, date);
    let sums = question.sums(&relation, columns, Some("\"date\" IN ('2026-11-20')".to_owned()))?;
    Ok((sums, question.within(engine, columns, &BTreeSet::from([7, 65_536]))?))
}

#[test]
fn redshift_computes_cells_in_its_own_way() {
    let (sums, condition) = asked(CONFIG, &columns()).unwrap();
    assert_eq!(sums, include_str!("tests/redshift.sql").replace("\n", " ").trim(), "{sums}");
    assert_eq!(condition, include_str!("tests/redshift_cells.sql").replace("\n", " ").trim(), "{condition}");
}
