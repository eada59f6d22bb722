//! SQLite, in which values have types, not columns.

use std::path::Path;
use std::time::{Duration, Instant};

use cuadre_rules::notation::FLOAT_MARK;
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use super::snapshot::Snapshot;
use super::wait::runtime;
use super::{Column, Connection, Fault, Kind, Waits};

/// Operations of SQLite's machine between two looks at the time.
const OPERATIONS: i32 = 1000;

/// An open database.
pub struct Sqlite {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Sqlite {
    /// Opens the file for reading.
    pub fn open(path: &Path, waits: Waits) -> Result<Self, Fault> {
        if !path.is_file() {
            return Err(Fault::lasting("there is no such database"));
        }
        let runtime = runtime()?;
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(waits.connect);
        let connection = runtime.block_on(async {
            let mut connection = options.disable_statement_logging().connect().await?;
            connection.execute("BEGIN").await?;
            Ok::<_, sqlx::Error>(connection)
        })?;
        Ok(Self { runtime, connection })
    }
}

impl Connection for Sqlite {
    fn columns(&mut self, relation: &str) -> Result<Vec<Column>, Fault> {
        let sql = AssertSqlSafe(format!("SELECT * FROM {relation}")).into_sql_str();
        let statement = self.runtime.block_on(self.connection.prepare(sql))?;
        let column = |name: &str| Column { name: name.to_owned(), type_name: String::new(), kind: Kind::Exact };
        Ok(statement.columns().iter().map(|found| column(found.name())).collect())
    }

    fn limit(&mut self, most: Option<Duration>) -> Result<(), Fault> {
        let Self { runtime, connection } = self;
        runtime.block_on(async {
            let mut handle = connection.lock_handle().await?;
            match most {
                None => handle.remove_progress_handler(),
                Some(most) => {
                    let begun = Instant::now();
                    handle.set_progress_handler(OPERATIONS, move || begun.elapsed() < most);
                }
            }
            Ok(())
        })
    }

    fn copy(&mut self, sql: &str, into: &mut Snapshot) -> Result<(), Fault> {
        let Self { runtime, connection } = self;
        runtime.block_on(async {
            let mut rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                for n in 0..row.len() {
                    into.value(cell(&row, n)?.as_deref().map(str::as_bytes))?;
                }
                into.end_row()?;
            }
            Ok(())
        })
    }
}

/// A cell as text. A binary float is marked, so that no amount can be read from it.
fn cell(row: &SqliteRow, index: usize) -> Result<Option<String>, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    let kind = value.type_info();
    Ok(Some(match kind.name() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(index)?.to_string(),
        "REAL" => format!("{FLOAT_MARK}{}", row.try_get_unchecked::<f64, _>(index)?),
        "BLOB" => format!("BLOB of {} bytes", row.try_get_unchecked::<Vec<u8>, _>(index)?.len()),
        _ => row.try_get_unchecked::<String, _>(index)?,
    }))
}
