//! Databases: the rows of a day as a file.
//!
//! A database changes, a filed day must not. So its rows are copied in one read-only transaction
//! into a CSV file, which is then an input like any other: archived, loaded, loaded again.

mod cells;
mod fault;
mod mysql;
mod patience;
mod postgres;
mod snapshot;
mod sql;
mod sqlite;
mod wait;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use cuadre_rules::config::Databases;
use cuadre_rules::config::Secret;
use cuadre_rules::config::database::{Engine, shown};
use cuadre_rules::config::source::Extract;
use cuadre_rules::movement::Field;
use jiff::civil::Date;

use crate::secret;
pub use cells::Question;
pub use fault::Fault;
pub use patience::patiently;
use snapshot::Snapshot;
use sql::Relation;
pub use wait::runtime;

/// What databases are reached and read with.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// How long they are waited for.
    pub databases: &'a Databases,
    /// Where the paths of SQLite databases begin.
    pub data: &'a Path,
    /// Where the paths of password files begin.
    pub secrets: &'a Path,
    /// Whether the copies go into the archive. Then they are compressed, and in an order that the
    /// rows alone decide; otherwise they come as the database gives them.
    pub lasting: bool,
}

/// What a query may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// Seconds; those of `[databases]` where absent.
    pub seconds: Option<u32>,
    /// Rows.
    pub rows: Option<u32>,
}

/// A column of a table or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What the database calls its type; empty where values have types of their own.
    pub type_name: String,
    /// What that means to us.
    pub kind: Kind,
}

/// What the type of a column means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Exact as text.
    Exact,
    /// A calendar date.
    Date,
    /// A date with a time of day.
    Time,
    /// A binary floating-point number, which is no amount.
    Float,
}

/// A connection in a read-only transaction.
trait Connection: Send {
    /// The columns of `SELECT * FROM` a relation.
    fn columns(&mut self, relation: &str) -> Result<Vec<Column>, Fault>;

    /// Copies the rows of a statement, as text.
    fn copy(&mut self, sql: &str, into: &mut Snapshot) -> Result<(), Fault>;

    /// Begins to ask one thing, so that [`Connection::give_up`] leads back here.
    fn begin(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// Gives up what cannot be answered; other things can then be asked.
    fn give_up(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// Lets statements take so long, or as long as usual.
    fn limit(&mut self, most: Option<Duration>) -> Result<(), Fault>;

    /// Begins or ends sums over a whole table, which many cores of the server may share.
    fn summing(&mut self, _begins: bool) -> Result<(), Fault> {
        Ok(())
    }
}

/// A database, open at one moment: all that is copied through it is of that moment.
pub struct Session {
    connection: Box<dyn Connection>,
    engine: Engine,
    name: String,
    lasting: bool,
}

impl Session {
    /// Connects, and begins the transaction.
    pub fn open(url: &str, password: Option<&Secret>, access: Access<'_>) -> Result<Self, Fault> {
        let name = shown(url);
        let (engine, path) = Engine::of(url).map_err(Fault::lasting).map_err(|fault| fault.of(&name))?;
        let open = || -> Result<Box<dyn Connection>, Fault> {
            let password = password.map(|secret| secret::read(secret, access.secrets)).transpose()?;
            let statement = Duration::from_secs(access.databases.statement_seconds.into());
            let connect = Duration::from_secs(access.databases.connect_seconds.into());
            let waits = Waits { connect, statement };
            Ok(match engine {
                Engine::Sqlite => Box::new(sqlite::Sqlite::open(&access.data.join(path), waits)?),
                Engine::Postgres | Engine::Redshift => {
                    let url = &url.replacen("redshift:", "postgres:", 1);
                    Box::new(postgres::Postgres::open(url, password, engine, waits, access.lasting)?)
                }
                Engine::Mysql => Box::new(mysql::Mysql::open(url, password, waits)?),
            })
        };
        let connection = open().map_err(|fault| fault.of(&name))?;
        Ok(Self { connection, engine, name, lasting: access.lasting })
    }

    /// Copies the rows of the day that `extract` takes its movements from. Rows are ordered by the
    /// columns of the fields `first`, then by the others.
    pub fn day(&mut self, extract: &Extract, first: &[Field], date: Date, into: &Path) -> Result<(), Fault> {
        self.rows(extract, first, date, into, |_| Ok(None))
    }

    /// Copies the same, but only rows of these cells.
    pub fn day_of_cells(
        &mut self,
        question: &Question<'_>,
        cells: &BTreeSet<u32>,
        first: &[Field],
        into: &Path,
    ) -> Result<(), Fault> {
        let engine = self.engine;
        let of_cells = |columns: &[Column]| question.within(engine, columns, cells).map(Some);
        self.rows(question.extract, first, question.date, into, of_cells)
    }

    /// Copies the cells of the day: a header, and a line each with the cell, its rows and both sums.
    pub fn cells(&mut self, question: &Question<'_>, into: &Path) -> Result<(), Fault> {
        self.writes_as_expected(into)?;
        self.sums(question, None, into)
    }

    /// Asks for the cells of no row: whether that may be asked.
    pub fn probe_cells(&mut self, question: &Question<'_>) -> Result<(), Fault> {
        self.sums(question, Some("1 = 0"), Path::new(NOWHERE))
    }

    fn sums(&mut self, question: &Question<'_>, also: Option<&str>, into: &Path) -> Result<(), Fault> {
        let Question { extract, date, .. } = *question;
        let relation = Relation::of(self.engine, &extract.table, &extract.query, date);
        self.ask(|connection| {
            let columns = connection.columns(relation.sql())?;
            let of_day = of_day(&relation, extract, &columns, date)?;
            let conditions: Vec<String> = of_day.into_iter().chain(also.map(str::to_owned)).collect();
            let condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
            let sql = question.sums(&relation, &columns, condition)?;
            let mut snapshot = Snapshot::create(into, ["cell", "rows", "sum1", "sum2"].into_iter(), false)?;
            connection.summing(true)?;
            connection.copy(&sql, &mut snapshot)?;
            connection.summing(false)?;
            snapshot.finish()
        })
    }

    /// Cells are of texts in UTF-8, and dates as ISO 8601 has them.
    fn writes_as_expected(&mut self, scratch: &Path) -> Result<(), Fault> {
        let encoding = if self.engine == Engine::Redshift { "'UTF8'" } else { "getdatabaseencoding()" };
        let sql = format!("SELECT {encoding}, CAST(DATE '2001-02-03' AS varchar(10))");
        self.ask(|connection| {
            let mut snapshot = Snapshot::create(scratch, ["encoding", "date"].into_iter(), false)?;
            connection.copy(&sql, &mut snapshot)?;
            snapshot.finish()?;
            let answer = std::fs::read_to_string(scratch).map_err(Fault::writing)?;
            match answer.lines().nth(1) {
                Some("UTF8,2001-02-03") => Ok(()),
                other => {
                    let found = other.unwrap_or_default();
                    let words = format!("it answers in `{found}`, where compared = \"cells\" takes `UTF8,2001-02-03`");
                    Err(Fault::lasting(format!("{words}; write compared = \"rows\"")))
                }
            }
        })
    }

    fn rows(
        &mut self,
        extract: &Extract,
        first: &[Field],
        date: Date,
        into: &Path,
        also: impl Fn(&[Column]) -> Result<Option<String>, Fault>,
    ) -> Result<(), Fault> {
        let relation = Relation::of(self.engine, &extract.table, &extract.query, date);
        let lasting = self.lasting;
        self.within(&relation, into, lasting, |columns| {
            let wanted = sql::wanted(extract, columns)?;
            let conditions = [of_day(&relation, extract, columns, date)?, also(columns)?];
            let conditions: Vec<String> = conditions.into_iter().flatten().collect();
            let condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
            let first = first.iter().filter_map(|field| sql::found(extract.columns.get(field)?, columns).ok()?);
            let order = lasting.then(|| sql::ordered(first, &wanted));
            Ok((relation.select(&wanted, condition, order), wanted))
        })
    }

    /// Copies the rows of a control table that are of the day, by the column `business_date` if there is
    /// one.
    pub fn control(
        &mut self,
        (table, query): (&Option<String>, &Option<String>),
        business_date: Option<&str>,
        date: Date,
        into: &Path,
    ) -> Result<(), Fault> {
        let relation = Relation::of(self.engine, table, query, date);
        self.within(&relation, into, false, |columns| {
            let column = business_date.filter(|_| table.is_some()).map(|name| sql::named(name, columns)).transpose()?;
            let of_day = column.map(|column| relation.of_day(column, &[ISO.to_owned()], date)).transpose()?;
            let all: Vec<&Column> = columns.iter().collect();
            Ok((relation.select(&all, of_day, Some(all.clone())), all))
        })
    }

    /// Copies the rows that a query returns, ordered by all their columns, so that the same rows are
    /// the same bytes. Of more rows than its bounds let it return, one more is copied.
    pub fn query(&mut self, sql: &str, bounds: Bounds, date: Date, into: &Path) -> Result<(), Fault> {
        let relation = Relation::of(self.engine, &None, &Some(sql.to_owned()), date);
        let limit = bounds.rows.map(|rows| format!(" LIMIT {}", u64::from(rows) + 1)).unwrap_or_default();
        let (lasting, begun) = (self.lasting, Instant::now());
        if bounds.seconds.is_some() {
            self.limit(bounds.seconds)?;
        }
        let asked = self.ask(|connection| {
            let columns = connection.columns(relation.sql())?;
            let all: Vec<&Column> = columns.iter().collect();
            let mut snapshot = Snapshot::create(into, all.iter().map(|column| column.name.as_str()), lasting)?;
            let sql = relation.select(&all, None, Some(all.clone())) + &limit;
            let copied = connection.copy(&sql, &mut snapshot);
            copied.map_err(|fault| fault.of_query(bounds.seconds, begun.elapsed()))?;
            snapshot.finish()
        });
        if bounds.seconds.is_some() && asked.as_ref().err().is_none_or(|fault| !fault.passing) {
            self.limit(None)?;
        }
        asked
    }

    /// Lets statements take so long, or as long as usual.
    fn limit(&mut self, seconds: Option<u32>) -> Result<(), Fault> {
        let most = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        self.connection.limit(most).map_err(|fault| fault.of(&self.name))
    }

    /// Asks for no row of the day: whether that may be asked, and the columns that the mapping of
    /// `extract` takes something from. A float that would be an amount is a fault.
    pub fn probe(&mut self, extract: &Extract, date: Date) -> Result<Vec<Column>, Fault> {
        let relation = Relation::of(self.engine, &extract.table, &extract.query, date);
        let amounts =
            [extract.columns.get(&Field::Amount), extract.amount.debit.as_ref(), extract.amount.credit.as_ref()];
        self.within(&relation, Path::new(NOWHERE), false, |columns| {
            let wanted = sql::wanted(extract, columns)?;
            for amount in amounts.into_iter().flatten() {
                if let Some(Column { name, type_name, kind: Kind::Float }) = sql::found(amount, columns)? {
                    let words = format!("`{name}` is a {type_name}: a binary floating-point number is no exact amount");
                    return Err(Fault::lasting(format!("{words}; make it a decimal, or integer minor units")));
                }
            }
            of_day(&relation, extract, columns, date)?;
            Ok((relation.select(&wanted, Some("1 = 0".to_owned()), None), wanted))
        })?;
        let columns = self.connection.columns(relation.sql()).map_err(|fault| fault.of(&self.name))?;
        Ok(sql::wanted(extract, &columns)?.into_iter().cloned().collect())
    }

    /// Asks for no row of a control table, query or rule.
    pub fn probe_rows(&mut self, table: &Option<String>, query: &Option<String>, date: Date) -> Result<(), Fault> {
        let relation = Relation::of(self.engine, table, query, date);
        self.within(&relation, Path::new(NOWHERE), false, |columns| {
            let all: Vec<&Column> = columns.iter().collect();
            Ok((relation.select(&all, Some("1 = 0".to_owned()), None), all))
        })
    }

    fn within(
        &mut self,
        relation: &Relation,
        into: &Path,
        compressed: bool,
        statement: impl for<'c> Fn(&'c [Column]) -> Result<(String, Vec<&'c Column>), Fault>,
    ) -> Result<(), Fault> {
        self.ask(|connection| {
            let columns = connection.columns(relation.sql())?;
            let (sql, selected) = statement(&columns)?;
            let names = selected.iter().map(|column| column.name.as_str());
            let mut snapshot = Snapshot::create(into, names, compressed)?;
            connection.copy(&sql, &mut snapshot)?;
            snapshot.finish()
        })
    }

    /// Asks one thing. Where it cannot be answered, other things still can be.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut dyn Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let connection = self.connection.as_mut();
        let answer = connection.begin().and_then(|()| ask(connection));
        let answer = match answer {
            Err(fault) if !fault.passing => connection.give_up().and(Err(fault)),
            answer => answer,
        };
        answer.map_err(|fault| fault.of(&self.name))
    }
}

/// The condition for rows of the day; a query has its own.
fn of_day(relation: &Relation, extract: &Extract, columns: &[Column], date: Date) -> Result<Option<String>, Fault> {
    let booked_on = match (&extract.table, extract.columns.get(&Field::BookedOn)) {
        (Some(_), Some(column)) => sql::found(column, columns)?,
        _ => None,
    };
    booked_on.map(|column| relation.of_day(column, &extract.date_formats, date)).transpose()
}

/// Where a copy goes that nobody reads.
const NOWHERE: &str = "/dev/null";

const ISO: &str = "%Y-%m-%d";

/// How much longer a server may be silent than a statement may take.
const LITTLE: Duration = Duration::from_secs(5);

/// How long is waited.
#[derive(Clone, Copy)]
struct Waits {
    connect: Duration,
    statement: Duration,
}

impl Waits {
    /// How long a server may be silent: a little more than a statement may take, so that the server
    /// is the first to say so.
    fn silence(self) -> Duration {
        self.statement + LITTLE
    }
}
