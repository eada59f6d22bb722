//! MySQL and MariaDB: every value as the text that the server writes, so that a DECIMAL stays exact.

use std::str::FromStr;
use std::time::Duration;

use cuadre_rules::config::database::is_here;
use cuadre_rules::notation::FLOAT_MARK;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use super::snapshot::Snapshot;
use super::wait::{Stream, awaited, runtime};
use super::{Column, Connection, Fault, Kind, Waits};

/// An open database.
pub struct Mysql {
    runtime: Runtime,
    connection: MySqlConnection,
    waits: Waits,
    /// How long statements usually take at most.
    usual: Duration,
    is_mariadb: bool,
}

impl Mysql {
    /// Connects, and begins a read-only transaction that sees one moment.
    pub fn open(url: &str, password: Option<String>, waits: Waits) -> Result<Self, Fault> {
        let options = MySqlConnectOptions::from_str(url)?.disable_statement_logging().statement_cache_capacity(0);
        let is_said = url.contains("ssl-mode=") || url.contains("sslmode=");
        let options = match is_said || options.get_socket().is_some() || is_here(options.get_host()) {
            true => options,
            false => options.ssl_mode(MySqlSslMode::VerifyIdentity),
        };
        let options = match password {
            Some(password) => options.password(&password),
            None => options,
        };
        let runtime = runtime()?;
        let (connection, is_mariadb) = runtime.block_on(async {
            let mut connection = awaited("no connection", waits.connect, options.connect()).await?;
            let version: String =
                sqlx::raw_sql("SELECT VERSION()").fetch_one(&mut connection).await?.try_get_unchecked(0)?;
            let is_mariadb = version.contains("MariaDB");
            for sql in [
                limited(is_mariadb, waits.statement).as_str(),
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ] {
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await?;
            }
            Ok::<_, Fault>((connection, is_mariadb))
        })?;
        Ok(Self { runtime, connection, waits, usual: waits.statement, is_mariadb })
    }
}

/// The statement that lets statements take so long.
fn limited(is_mariadb: bool, most: Duration) -> String {
    match is_mariadb {
        true => format!("SET SESSION max_statement_time = {}", most.as_secs()),
        false => format!("SET SESSION max_execution_time = {}", most.as_millis()),
    }
}

impl Connection for Mysql {
    fn limit(&mut self, most: Option<Duration>) -> Result<(), Fault> {
        let most = most.unwrap_or(self.usual);
        let Self { runtime, connection, waits, is_mariadb, .. } = self;
        let set = connection.execute(sqlx::raw_sql(AssertSqlSafe(limited(*is_mariadb, most))));
        runtime.block_on(awaited("no answer", waits.silence(), set))?;
        waits.statement = most;
        Ok(())
    }

    fn columns(&mut self, relation: &str) -> Result<Vec<Column>, Fault> {
        let sql = AssertSqlSafe(format!("SELECT * FROM {relation}")).into_sql_str();
        let statement = self.runtime.block_on(self.connection.prepare(sql))?;
        let column = |found: &sqlx::mysql::MySqlColumn| {
            let type_name = found.type_info().name().to_lowercase();
            let kind = match type_name.as_str() {
                "float" | "double" => Kind::Float,
                "date" => Kind::Date,
                "datetime" | "timestamp" => Kind::Time,
                _ => Kind::Exact,
            };
            Column { name: found.name().to_owned(), type_name, kind }
        };
        Ok(statement.columns().iter().map(column).collect())
    }

    fn copy(&mut self, sql: &str, into: &mut Snapshot) -> Result<(), Fault> {
        let Self { runtime, connection, waits, .. } = self;
        let waits = *waits;
        runtime.block_on(async {
            let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch(connection);
            Stream::new(rows, waits).each(|row| take(row, into)).await
        })
    }
}

fn take(row: &MySqlRow, into: &mut Snapshot) -> Result<(), Fault> {
    for n in 0..row.len() {
        if row.try_get_raw(n)?.is_null() {
            into.value(None)?;
            continue;
        }
        let text: &[u8] = row.try_get_unchecked(n)?;
        // A TIMESTAMP is an instant, which the session shows in UTC; a float is no amount.
        let (before, after) = match row.column(n).type_info().name() {
            "TIMESTAMP" => ("", "+00"),
            "FLOAT" | "DOUBLE" => (FLOAT_MARK, ""),
            _ => {
                into.value(Some(text))?;
                continue;
            }
        };
        into.value(Some(&[before.as_bytes(), text, after.as_bytes()].concat()))?;
    }
    into.end_row()
}
