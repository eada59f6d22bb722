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

/// The one line of a statement that is written on many.
fn line(sql: &str) -> String {
    sql.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_dialect_computes_cells_in_its_own_way() {
    let (sums, condition) = asked(CONFIG, &columns()).unwrap();
    assert_eq!(sums, line(include_str!("tests/redshift.sql")));
    assert_eq!(condition, line(include_str!("tests/redshift_condition.sql")));
    let config = CONFIG.replace("redshift:", "postgres:");
    let (sums, condition) = asked(&config, &columns()).unwrap();
    assert_eq!(sums, line(include_str!("tests/postgres.sql")));
    assert_eq!(condition, line(include_str!("tests/postgres_condition.sql")));
}

#[test]
fn what_types_show_to_be_unfit_is_a_lasting_fault() {
    let unfit = |engine: &str, place: usize, other: Column, words: &str| {
        let mut columns = columns();
        columns[place] = other;
        let fault = asked(&CONFIG.replace("redshift:", engine), &columns).unwrap_err();
        assert!(!fault.passing && fault.words.contains(words), "{fault}");
    };
    unfit("postgres:", 3, column("at", "timestamp", Kind::Time), "`at`, a timestamp, cannot take part");
    unfit("postgres:", 3, column("at", "varchar", Kind::Exact), "make it a timestamptz");
    unfit("redshift:", 1, column("id", "bool", Kind::Exact), "cast it to varchar");
    let twice = CONFIG.replace("id = \"id\", booked_on", "id = \"id\", account = \"ID\", booked_on");
    let columns = [columns(), vec![column("ID", "text", Kind::Exact)]].concat();
    assert!(asked(&twice, &columns).unwrap_err().words.contains("but for the case of letters"));
}

#[test]
fn amounts_are_plain_digits_with_room() {
    let patterns = |amount: &str| {
        let config = CONFIG.replace("[report]", &format!("[warehouse.database.amount]\n{amount}\n[report]"));
        let (sums, _) = asked(&config, &columns()).unwrap();
        sums.split(" ~ '").skip(1).map(|rest| rest.split('\'').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(patterns(""), ["^-?[0-9]{1,26}$", "^-?[0-9]{1,26}([.][0-9]{1,2})?$"]);
    let padded = ["^-?[0-9]{1,26}([.]0{1,10})?$", "^-?[0-9]{1,26}([.][0-9]{1,2}0{0,10})?$"];
    assert_eq!(patterns("padding_zeros = true"), padded);
    assert_eq!(patterns("implied_decimals = 0"), ["^-?[0-9]{1,26}$", "^-?[0-9]{1,26}$"]);
    assert_eq!(patterns("implied_decimals = 2"), ["^-?[0-9]{1,28}$"]);
    assert_eq!(patterns("implied_decimals = 3"), [""; 0]);
}
