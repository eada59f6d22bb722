//! The statements that a database is asked, in its own dialect.

use cuadre_rules::config::database::Engine;
use cuadre_rules::config::source::{self, Extract};
use cuadre_rules::notation::FLOAT_MARK;
use jiff::civil::Date;

use super::{Column, Fault, Kind};

/// A table, or a query in its place.
pub struct Relation {
    engine: Engine,
    /// What stands after `FROM`.
    sql: String,
    name: String,
}

impl Relation {
    /// The table of that name, or the query with the date in it.
    pub fn of(engine: Engine, table: &Option<String>, query: &Option<String>, date: Date) -> Self {
        match query {
            Some(query) => {
                let query = with_date(query, date);
                let sql = format!("({query}\n) AS asked");
                Self { engine, sql, name: "the query".to_owned() }
            }
            None => {
                let table = table.as_deref().unwrap_or_default();
                let sql = table.split('.').map(|part| quoted(engine, part)).collect::<Vec<_>>().join(".");
                Self { engine, sql, name: format!("table {table}") }
            }
        }
    }

    /// What stands after `FROM`.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Whose dialect it is asked in.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The condition for rows of the day: the column holds the date in one of the formats.
    pub fn of_day(&self, column: &Column, formats: &[String], date: Date) -> Result<String, Fault> {
        let dates = match column.kind {
            Kind::Date => vec![date.to_string()],
            Kind::Exact => formats.iter().map(|format| date.strftime(format).to_string()).collect(),
            Kind::Time | Kind::Float => {
                let (name, kind) = (&column.name, &column.type_name);
                let words = format!("`{name}` of {} is a {kind}, no date", self.name);
                return Err(Fault::lasting(format!("{words}; map booked_on to a date, or give a `query`")));
            }
        };
        let dates = dates.iter().map(|date| literal(date)).collect::<Vec<_>>().join(", ");
        Ok(format!("{} IN ({dates})", quoted(self.engine, &column.name)))
    }

    /// Selects columns, of the rows that satisfy the condition.
    pub fn select(&self, columns: &[&Column], condition: Option<String>, order: Option<Vec<&Column>>) -> String {
        let list = columns.iter().map(|column| self.shown(column)).collect::<Vec<_>>().join(", ");
        let mut sql = format!("SELECT {list} FROM {}", self.sql);
        if let Some(condition) = condition {
            sql += &format!(" WHERE {condition}");
        }
        if let Some(order) = order {
            let order = order.iter().map(|column| self.by(column)).collect::<Vec<_>>().join(", ");
            sql += &format!(" ORDER BY {order}");
        }
        sql
    }

    /// A column as text. COPY says nothing of types, so there floats are marked by the statement.
    fn shown(&self, column: &Column) -> String {
        let name = quoted(self.engine, &column.name);
        match (self.engine, column.kind) {
            (Engine::Postgres, Kind::Float) => format!("'{FLOAT_MARK}' || {name}::text"),
            _ => name,
        }
    }

    /// Ordered by the bytes of the text, NULL first: a column's own collation may hold different texts for
    /// equal, and leave their order open.
    fn by(&self, column: &Column) -> String {
        let name = quoted(self.engine, &column.name);
        match self.engine {
            Engine::Sqlite => format!("CAST({name} AS TEXT) COLLATE BINARY"),
            Engine::Postgres => format!("{name}::text COLLATE \"C\" NULLS FIRST"),
            Engine::Redshift => format!("{name} NULLS FIRST"),
            Engine::Mysql => format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)"),
        }
    }
}

/// The columns that the mapping of `extract` takes something from, by name.
pub fn wanted<'a>(extract: &Extract, columns: &'a [Column]) -> Result<Vec<&'a Column>, Fault> {
    let mut wanted = Vec::new();
    for column in extract.mapped() {
        wanted.extend(found(column, columns)?);
    }
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    wanted.dedup();
    Ok(wanted)
}

/// The column that a mapping means; `None` where it takes none.
pub fn found<'a>(mapped: &source::Column, columns: &'a [Column]) -> Result<Option<&'a Column>, Fault> {
    match mapped {
        source::Column::Name(name) => named(name, columns).map(Some),
        source::Column::Aliases(names) => {
            let mut found = names.iter().map(|name| named(name, columns));
            let first = found.next().unwrap_or_else(|| Err(Fault::lasting("a mapping names no column")));
            first.or_else(|missing| found.find_map(Result::ok).ok_or(missing)).map(Some)
        }
        source::Column::Constant { .. } => Ok(None),
        source::Column::Position(n) => {
            Err(Fault::lasting(format!("column {n} of a file has no name to look for in a database")))
        }
    }
}

/// The column of that name, case and blanks around it ignored.
pub fn named<'a>(name: &str, columns: &'a [Column]) -> Result<&'a Column, Fault> {
    let exact = columns.iter().find(|column| column.name == name);
    let alike = || columns.iter().find(|column| column.name.trim().eq_ignore_ascii_case(name.trim()));
    exact.or_else(alike).ok_or_else(|| {
        let there = columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        Fault::lasting(format!("there is no column `{name}`; there are {there}"))
    })
}

/// `columns` in the order of `first`, then as they come.
pub fn ordered<'a>(first: impl Iterator<Item = &'a Column>, columns: &[&'a Column]) -> Vec<&'a Column> {
    let mut order: Vec<&Column> = Vec::new();
    for column in first.chain(columns.iter().copied()) {
        if !order.contains(&column) {
            order.push(column);
        }
    }
    order
}

/// A name in quotes.
pub fn quoted(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Mysql => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A text in quotes.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Puts the date where `?1` stands, outside of texts, quoted names and remarks.
fn with_date(sql: &str, date: Date) -> String {
    let date = literal(&date.to_string());
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '?' if rest[1..].starts_with('1') && !rest[2..].starts_with(|c: char| c.is_ascii_digit()) => {
                out += &date;
                rest = &rest[2..];
                continue;
            }
            other => other.len_utf8(),
        };
        out += &rest[..taken];
        rest = &rest[taken..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: Kind) -> Column {
        Column { name: name.to_owned(), type_name: String::new(), kind }
    }

    #[test]
    fn the_date_stands_where_it_was_asked_for() {
        let date = "2026-11-20".parse().unwrap();
        let asked =
            "SELECT '?1', \"?1\", `?1`, 'it''s ?1' -- ?1\n/* ?1 */ WHERE a = ?1 AND b = ?12 AND c ? 'x' AND d=?1";
        let stands = "SELECT '?1', \"?1\", `?1`, 'it''s ?1' -- ?1\n/* ?1 */ \
                      WHERE a = '2026-11-20' AND b = ?12 AND c ? 'x' AND d='2026-11-20'";
        assert_eq!(with_date(asked, date), stands);
        assert_eq!(with_date("SELECT 'open ?1", date), "SELECT 'open ?1");
    }

    #[test]
    fn each_dialect_selects_in_its_own_way() {
        let date = "2026-11-20".parse().unwrap();
        let columns = [column("on", Kind::Exact), column("Am\"t", Kind::Float)];
        let all: Vec<&Column> = columns.iter().collect();
        let select = |engine| {
            let relation = Relation::of(engine, &Some("dwh.movements".to_owned()), &None, date);
            let of_day = relation.of_day(&columns[0], &["%d/%m/%Y".to_owned(), "%B '%y".to_owned()], date).unwrap();
            relation.select(&all, Some(of_day), Some(vec![&columns[0]]))
        };
        assert_eq!(
            select(Engine::Postgres),
            "SELECT \"on\", 'REAL ' || \"Am\"\"t\"::text FROM \"dwh\".\"movements\" \
             WHERE \"on\" IN ('20/11/2026', 'November ''26') ORDER BY \"on\"::text COLLATE \"C\" NULLS FIRST"
        );
        assert_eq!(
            select(Engine::Mysql),
            "SELECT `on`, `Am\"t` FROM `dwh`.`movements` \
             WHERE `on` IN ('20/11/2026', 'November ''26') ORDER BY CAST(CONVERT(`on` USING utf8mb4) AS BINARY)"
        );
        let relation = Relation::of(Engine::Postgres, &None, &Some("SELECT 1 -- one".to_owned()), date);
        assert_eq!(
            relation.select(&all, None, None),
            "SELECT \"on\", 'REAL ' || \"Am\"\"t\"::text FROM (SELECT 1 -- one\n) AS asked"
        );
    }

    #[test]
    fn columns_are_found_by_name_and_a_time_is_no_day() {
        let columns = [column("ID", Kind::Exact), column("at", Kind::Time)];
        assert_eq!(named(" id", &columns), Ok(&columns[0]));
        assert!(named("x", &columns).unwrap_err().words.contains("there are ID, at"));
        let aliases = source::Column::Aliases(vec!["x".to_owned(), "AT".to_owned()]);
        assert_eq!(found(&aliases, &columns), Ok(Some(&columns[1])));
        let relation = Relation::of(Engine::Mysql, &Some("t".to_owned()), &None, "2026-11-20".parse().unwrap());
        assert!(relation.of_day(&columns[1], &[], "2026-11-20".parse().unwrap()).is_err());
    }
}
