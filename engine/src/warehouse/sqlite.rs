//! A warehouse that is an SQLite database, read in one read-only transaction.

use std::path::Path;

use cuadre_rules::config::source::Column;
use cuadre_rules::config::warehouse::SqliteWarehouse;
use cuadre_rules::notation::FLOAT_MARK;
use futures_util::TryStreamExt;
use jiff::civil::Date;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};
use tokio::runtime::Runtime;

use super::snapshot::SnapshotWriter;
use super::{Warehouse, WarehouseError};
use crate::landing::Found;

/// An open database.
pub struct SqliteDatabase {
    runtime: Runtime,
    connection: SqliteConnection,
    select: String,
    date_format: String,
    name: String,
}

impl SqliteDatabase {
    /// Opens the database and begins the transaction whose state the whole night sees.
    pub fn open(setting: &SqliteWarehouse, data: &Path) -> Result<Self, WarehouseError> {
        let path = data.join(&setting.path);
        if !path.is_file() {
            return Err(WarehouseError::Away(format!("{}: there is no such database", setting.path)));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| WarehouseError::Away(error.to_string()))?;
        let options = SqliteConnectOptions::new().filename(&path).read_only(true).disable_statement_logging();
        let connection = runtime.block_on(async {
            let mut connection = options.connect().await?;
            connection.execute("BEGIN").await?;
            Ok(connection)
        });
        let connection = connection.map_err(|error: sqlx::Error| away(&setting.path, &error))?;
        Ok(Self {
            runtime,
            connection,
            select: select(setting),
            date_format: setting.date_format.clone(),
            name: format!("{}#{}", setting.path, setting.table),
        })
    }

    fn copy(&mut self, sql: &str, parameter: &str, into: &Path) -> Result<(), sqlx::Error> {
        let Self { runtime, connection, .. } = self;
        runtime.block_on(async {
            let statement = connection.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await?;
            let names: Vec<String> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
            let mut snapshot = SnapshotWriter::create(into, &names).map_err(written)?;
            let mut rows = statement.query().bind(parameter).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                let cells = (0..names.len()).map(|n| cell(&row, n)).collect::<Result<Vec<_>, _>>()?;
                snapshot.push(cells.into_iter()).map_err(written)?;
            }
            snapshot.finish().map_err(written)
        })
    }
}

impl Warehouse for SqliteDatabase {
    fn day(&mut self, date: Date, scratch: &Path) -> Result<Vec<Found>, WarehouseError> {
        let path = scratch.join("warehouse.parquet");
        let (sql, parameter) = (self.select.clone(), date.strftime(&self.date_format).to_string());
        self.copy(&sql, &parameter, &path).map_err(|error| away(&self.name, &error))?;
        Ok(vec![Found { name: self.name.clone(), path }])
    }

    fn query(&mut self, sql: &str, date: Date, into: &Path) -> Result<(), WarehouseError> {
        let copied = self.copy(sql, &date.to_string(), into);
        copied.map_err(|error| WarehouseError::Query(format!("the query failed: {error}")))
    }
}

/// Selects every mapped column of the day's rows, in an order that the rows alone decide.
fn select(setting: &SqliteWarehouse) -> String {
    let amount = &setting.amount;
    let flag = amount.flag.as_ref().map(|flag| &flag.column);
    let mapped = setting.columns.values().chain(&amount.debit).chain(&amount.credit).chain(flag);
    let mut names: Vec<&str> = mapped
        .flat_map(|column| match column {
            Column::Name(name) => vec![name.as_str()],
            Column::Aliases(names) => names.iter().map(String::as_str).take(1).collect(),
            Column::Position(_) | Column::Constant { .. } => Vec::new(),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let columns = names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let date = match setting.columns.get(&cuadre_rules::movement::Field::BookedOn) {
        Some(Column::Name(name)) => quoted(name),
        Some(Column::Aliases(names)) => names.first().map(|name| quoted(name)).unwrap_or_default(),
        _ => String::new(),
    };
    // A column's own collation may hold different texts for equal, and leave their order open.
    let order = names.iter().map(|name| format!("{} COLLATE BINARY", quoted(name))).collect::<Vec<_>>().join(", ");
    format!("SELECT {columns} FROM {} WHERE {date} = ?1 ORDER BY {order}", quoted(&setting.table))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
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

fn away(what: &str, error: &sqlx::Error) -> WarehouseError {
    WarehouseError::Away(format!("{what}: {error}"))
}

fn written(error: parquet::errors::ParquetError) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(error))
}
