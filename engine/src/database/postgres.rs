//! PostgreSQL, and Redshift, which speaks its protocol.
//!
//! PostgreSQL writes the rows itself: `COPY (query) TO STDOUT (FORMAT csv)`, every value as its exact
//! text, is no slower than the binary format, and what comes is what is kept. Redshift has no such
//! COPY: there the rows of a simple query are taken one by one, as text.

use std::str::FromStr;
use std::time::Duration;

use cuadre_rules::config::database::{Engine, is_here};
use cuadre_rules::notation::FLOAT_MARK;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode, PgValueFormat};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use super::snapshot::Snapshot;
use super::wait::{Stream, awaited, runtime};
use super::{Column, Connection, Fault, Kind, Waits};

/// Processes that PostgreSQL may add to its own for one statement, if it has so many.
const WORKERS: u32 = 4;

/// An open database.
pub struct Postgres {
    runtime: Runtime,
    connection: PgConnection,
    engine: Engine,
    waits: Waits,
    /// How long statements usually take at most.
    usual: Duration,
    /// The statements that begin the transaction.
    transaction: String,
    ordered: bool,
}

impl Postgres {
    /// Connects, and begins a read-only transaction that sees one moment. Rows that are not
    /// `ordered` come as they lie in the table.
    pub fn open(
        url: &str,
        password: Option<String>,
        engine: Engine,
        waits: Waits,
        ordered: bool,
    ) -> Result<Self, Fault> {
        let options = PgConnectOptions::from_str(url)?.disable_statement_logging().statement_cache_capacity(0);
        let is_said = url.contains("sslmode=") || url.contains("ssl-mode=") || std::env::var_os("PGSSLMODE").is_some();
        let options = match is_said || options.get_socket().is_some() || is_here(options.get_host()) {
            true => options,
            false => options.ssl_mode(PgSslMode::VerifyFull),
        };
        let options = if engine == Engine::Redshift { options.extra_float_digits(None) } else { options };
        let options = options.application_name("cuadre");
        let options = match password {
            Some(password) => options.password(&password),
            None => options,
        };
        let mut transaction = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET {} statement_timeout = {}",
            if engine == Engine::Redshift { "" } else { "LOCAL" },
            waits.statement.as_millis()
        );
        if engine == Engine::Postgres {
            transaction += match ordered {
                true => "; SET LOCAL work_mem = '64MB'",
                false => "; SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0",
            };
        }
        let runtime = runtime()?;
        let connection = runtime.block_on(async {
            let mut connection = awaited("no connection", waits.connect, options.connect()).await?;
            connection.execute(sqlx::raw_sql(AssertSqlSafe(transaction.clone()))).await?;
            Ok::<_, Fault>(connection)
        })?;
        Ok(Self { runtime, connection, engine, waits, usual: waits.statement, ordered, transaction })
    }

    fn execute(&mut self, sql: &str) -> Result<(), Fault> {
        let Self { runtime, connection, waits, .. } = self;
        let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())));
        runtime.block_on(awaited("no answer", waits.silence(), done)).map(drop)
    }
}

impl Connection for Postgres {
    fn begin(&mut self) -> Result<(), Fault> {
        if self.engine == Engine::Postgres { self.execute("SAVEPOINT asked") } else { Ok(()) }
    }

    /// An error ends a transaction, but for what came before a savepoint. Redshift has none: what is asked
    /// next is of another moment.
    fn give_up(&mut self) -> Result<(), Fault> {
        match self.engine {
            Engine::Postgres => self.execute("ROLLBACK TO SAVEPOINT asked"),
            _ => {
                let transaction = self.transaction.clone();
                self.execute("ROLLBACK").and_then(|()| self.execute(&transaction))
            }
        }
    }

    fn columns(&mut self, relation: &str) -> Result<Vec<Column>, Fault> {
        let sql = AssertSqlSafe(format!("SELECT * FROM {relation}")).into_sql_str();
        let statement = self.runtime.block_on(self.connection.prepare(sql))?;
        let column = |found: &sqlx::postgres::PgColumn| {
            let type_name = found.type_info().name().to_lowercase();
            let kind = match type_name.as_str() {
                "float4" | "float8" => Kind::Float,
                "date" => Kind::Date,
                "timestamp" | "timestamptz" => Kind::Time,
                _ => Kind::Exact,
            };
            Column { name: found.name().to_owned(), type_name, kind }
        };
        Ok(statement.columns().iter().map(column).collect())
    }

    fn copy(&mut self, sql: &str, into: &mut Snapshot) -> Result<(), Fault> {
        let Self { runtime, connection, engine, waits, .. } = self;
        let waits = *waits;
        runtime.block_on(async {
            if *engine == Engine::Postgres {
                let copy = format!("COPY ({sql}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')");
                let rows = awaited("no row came", waits.silence(), connection.copy_out_raw(&copy)).await?;
                return Stream::new(rows, waits).each(|csv| into.rows(csv)).await;
            }
            let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch(connection);
            Stream::new(rows, waits).each(|row| take(row, into)).await
        })
    }

    fn limit(&mut self, most: Option<Duration>) -> Result<(), Fault> {
        let most = most.unwrap_or(self.usual);
        let local = if self.engine == Engine::Redshift { "" } else { "LOCAL " };
        self.execute(&format!("SET {local}statement_timeout = {}", most.as_millis()))?;
        self.waits.statement = most;
        Ok(())
    }

    fn summing(&mut self, begins: bool) -> Result<(), Fault> {
        // Rows as they lie come by one process; sums may take several.
        let workers = if begins || self.ordered { WORKERS } else { 0 };
        match self.engine {
            Engine::Postgres => self.execute(&format!("SET LOCAL max_parallel_workers_per_gather = {workers}")),
            _ => Ok(()),
        }
    }
}

/// Takes a row of a simple query.
fn take(row: &PgRow, into: &mut Snapshot) -> Result<(), Fault> {
    for n in 0..row.len() {
        let value = row.try_get_raw(n)?;
        if value.is_null() {
            into.value(None)?;
            continue;
        }
        if value.format() != PgValueFormat::Text {
            return Err(Fault::lasting("the server answers in binary, where text was asked for"));
        }
        let is_float = matches!(value.type_info().name(), "FLOAT4" | "FLOAT8");
        let text = value.as_str().map_err(|error| Fault::lasting(error.to_string()))?;
        match is_float {
            true => into.value(Some(format!("{FLOAT_MARK}{text}").as_bytes()))?,
            false => into.value(Some(text.as_bytes()))?,
        }
    }
    into.end_row()
}
