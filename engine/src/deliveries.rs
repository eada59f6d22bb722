//! What there is to receive for a day: the files of the sources and of the warehouse, and the rows
//! of databases, copied into files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cuadre_rules::Config;
use cuadre_rules::config::Secret;
use cuadre_rules::config::source::{Control, ControlFrom, Extract};
use cuadre_rules::config::{Check, Source};
use cuadre_rules::movement::Field;
use jiff::civil::Date;
use rayon::prelude::*;

use crate::asking::Asking;
use crate::clock::Clock;
use crate::database::{Access, Bounds, Fault, Session, patiently};
use crate::inputs::Role;
use crate::landing::{Found, find};
use crate::progress::Progress;

/// Where the inputs of a day are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folder of landing files, and of SQLite databases.
    pub data: PathBuf,
    /// The folder of the warehouse's files.
    pub warehouse: PathBuf,
    /// The folder that paths of password files begin at.
    pub secrets: PathBuf,
}

impl Places {
    /// Everything below one folder.
    pub fn below(folder: &Path) -> Self {
        let folder = || folder.to_owned();
        Self { data: folder(), warehouse: folder(), secrets: folder() }
    }
}

/// A day to receive.
#[derive(Clone, Copy)]
pub struct Day<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The day.
    pub date: Date,
    /// Where its inputs are.
    pub places: &'a Places,
    /// A folder for copies of databases' rows.
    pub scratch: &'a Path,
    /// Whether they go into the archive.
    pub lasting: bool,
    /// By which it is waited for what may pass.
    pub clock: &'a Clock,
    /// Who is told of faults that pass.
    pub progress: &'a Progress,
}

/// What there is to receive for one owner: files, or why there are none.
pub struct Delivery {
    /// What the files are.
    pub role: Role,
    /// Whose: a source, dataset or rule id; empty for the warehouse.
    pub of: String,
    /// The files.
    pub found: Result<Vec<Found>, Fault>,
    /// Keep the time of the last change.
    pub timed: bool,
    /// Whether they are copies of a database's rows.
    pub snapshot: bool,
    /// Whether the fault is one of a database, which may be waited for.
    pub of_database: bool,
}

impl Day<'_> {
    /// What the sources send, in order of the configuration, and then [what the warehouse
    /// has](Self::warehouse).
    pub fn deliveries(&self, all: bool) -> Vec<Delivery> {
        let (sources, warehouse) = rayon::join(|| self.sources(), || self.warehouse(all, None));
        sources.into_iter().chain(warehouse).collect()
    }

    /// What the sources send, in order of the configuration.
    pub fn sources(&self) -> Vec<Delivery> {
        let sources = self.config.sources.par_iter().enumerate().map(|(n, source)| self.source(n, source));
        sources.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn source(&self, n: usize, source: &Source) -> Vec<Delivery> {
        let (extract, control) = (&source.extract, source.control.as_ref());
        let beside = |control: &&Control| control.from == ControlFrom::Table && control.url.is_none();
        let copy = |role, session: &mut Session, into: &Path| match (role, control) {
            (Role::Control, Some(control)) => {
                let (relation, business_date) = ((&control.table, &control.query), control.business_date.as_deref());
                session.control(relation, business_date, self.date, into)?;
                Ok(named(&source.id, control.table.as_deref()))
            }
            _ => {
                session.day(extract, &self.config.end_to_end_of(source).key, self.date, into)?;
                Ok(named(&source.id, extract.table.as_deref()))
            }
        };
        let mut deliveries = match &extract.url {
            // Rows and their control record are of one moment.
            Some(url) => {
                let roles: &[Role] = match control.filter(beside) {
                    Some(_) => &[Role::Extract, Role::Control],
                    None => &[Role::Extract],
                };
                self.copied(roles, &source.id, url, &extract.password, n, copy)
            }
            None => vec![self.files(Role::Extract, &source.id, &self.places.data, extract.files.patterns())],
        };
        deliveries.iter_mut().for_each(|delivery| {
            // A copy is of the moment it is made, which matters only to a cut-off.
            delivery.timed = delivery.role == Role::Extract && (!delivery.snapshot || source.cut_off.is_some());
        });
        if let Some(Control { url: Some(url), password, .. }) = control {
            deliveries.extend(self.copied(&[Role::Control], &source.id, url, password, n, copy));
        }
        if let Some(file) = control.and_then(|control| control.file.as_ref()) {
            let files = std::slice::from_ref(file);
            deliveries.push(self.files(Role::Control, &source.id, &self.places.data, files));
        }
        deliveries
    }

    /// The warehouse's rows, or as `asking` says its cells and the rows of those that differ; and with
    /// `all`, what else is asked of the warehouse in the same moment, or lies beside it.
    pub fn warehouse(&self, all: bool, asking: Option<&Asking<'_>>) -> Vec<Delivery> {
        let mut asks = vec![(Role::Warehouse, "", Ask::Day)];
        if all {
            for dataset in &self.config.datasets {
                let file = dataset.file.as_ref().map(Ask::File);
                let ask = file.or(dataset.query.as_deref().map(|sql| Ask::Sql(sql, Bounds::default())));
                asks.extend(ask.map(|ask| (Role::Dataset, dataset.id.as_str(), ask)));
            }
            for (_, rule) in self.config.rules_in_force(self.date) {
                if let Check::WarehouseSql(check) = &rule.check {
                    let bounds = Bounds { seconds: check.seconds, rows: Some(check.rows) };
                    asks.push((Role::Rule, rule.id.as_str(), Ask::Sql(&check.query, bounds)));
                }
            }
        }
        let extract = self.config.warehouse.extract();
        let answers = match &extract.url {
            Some(url) => self.patiently(|| self.answers(url, extract, &asks, asking)),
            None => Ok(Answers::default()),
        };
        let cells = answers.as_ref().ok().and_then(|answers| answers.cells.clone());
        let deliveries = asks.iter().enumerate().map(|(n, (role, of, ask))| match (ask, &answers) {
            (Ask::File(pattern), _) => self.files(*role, of, &self.places.data, std::slice::from_ref(pattern)),
            (Ask::Day, Ok(_)) if extract.url.is_none() => {
                self.files(*role, of, &self.places.warehouse, extract.files.patterns())
            }
            (_, Ok(answers)) => {
                let unasked = || Err(Fault::lasting("a warehouse of files cannot be queried"));
                let found = answers.found.get(n).cloned().flatten().unwrap_or_else(unasked);
                // A query that is wrong is a gap of its rule; only the database itself is waited for.
                self.delivery(*role, of, found.map(|found| vec![found])).of_database(matches!(ask, Ask::Day))
            }
            (_, Err(away)) => self.delivery(*role, of, Err(away.clone())).of_database(true),
        });
        let cells = cells.map(|cells| self.delivery(Role::Cells, "", Ok(vec![cells])));
        deliveries.chain(cells).collect()
    }

    /// Asks the warehouse, all in one moment. A query that cannot be answered does not hold up the
    /// others, unless the fault passes.
    fn answers(
        &self,
        url: &str,
        extract: &Extract,
        asks: &[(Role, &str, Ask<'_>)],
        asking: Option<&Asking<'_>>,
    ) -> Result<Answers, Fault> {
        let mut session = Session::open(url, extract.password.as_ref(), self.access())?;
        let mut answers = Answers::default();
        for (n, (_, of, ask)) in asks.iter().enumerate() {
            let path = self.scratch.join(format!("warehouse-{n}.csv"));
            let (name, asked) = match ask {
                Ask::File(_) => {
                    answers.found.push(None);
                    continue;
                }
                Ask::Day => {
                    let first: Vec<Field> =
                        std::iter::once(Field::Source).chain(self.config.end_to_end.key.iter().copied()).collect();
                    let name = named("warehouse", extract.table.as_deref());
                    let cells = Found { name: format!("{name}.cells"), path: self.scratch.join("warehouse-cells.csv") };
                    let asked = match asking {
                        Some(asking) => asking.ask(&mut session, &first, &path, &cells.path),
                        None => Ok(false),
                    };
                    let asked = match asked {
                        Ok(true) => {
                            answers.cells = Some(cells);
                            Ok(())
                        }
                        Ok(false) => session.day(extract, &first, self.date, &path),
                        Err(fault) => Err(fault),
                    };
                    (name, asked)
                }
                Ask::Sql(sql, bounds) => (format!("answer for {of}"), session.query(sql, *bounds, self.date, &path)),
            };
            answers.found.push(Some(match asked {
                Err(fault) if fault.passing => return Err(fault),
                Err(fault) => Err(fault),
                Ok(()) => Ok(Found { name, path }),
            }));
        }
        Ok(answers)
    }

    /// Copies rows of one database, all of one moment. What cannot be copied does not hold up the
    /// others, unless the fault passes.
    fn copied(
        &self,
        roles: &[Role],
        of: &str,
        url: &str,
        password: &Option<Secret>,
        n: usize,
        copy: impl Fn(Role, &mut Session, &Path) -> Result<String, Fault>,
    ) -> Vec<Delivery> {
        let copies = self.patiently(|| {
            let mut session = Session::open(url, password.as_ref(), self.access())?;
            let mut copies = Vec::new();
            for role in roles {
                let path = self.scratch.join(format!("{}-{n}.csv", role.name()));
                match copy(*role, &mut session, &path) {
                    Err(fault) if fault.passing => return Err(fault),
                    copied => copies.push(copied.map(|name| vec![Found { name, path }])),
                }
            }
            Ok(copies)
        });
        let copies = copies.unwrap_or_else(|away| roles.iter().map(|_| Err(away.clone())).collect());
        let deliveries = roles.iter().zip(copies).map(|(role, found)| self.delivery(*role, of, found));
        deliveries.map(|delivery| delivery.of_database(true)).collect()
    }

    fn files(&self, role: Role, of: &str, root: &Path, patterns: &[String]) -> Delivery {
        self.delivery(role, of, find(root, patterns, self.date).map_err(Fault::lasting))
    }

    fn delivery(&self, role: Role, of: &str, found: Result<Vec<Found>, Fault>) -> Delivery {
        Delivery { role, of: of.to_owned(), found, timed: false, snapshot: false, of_database: false }
    }

    fn patiently<T>(&self, attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
        let budget = Duration::from_secs(self.config.databases.retry_seconds.into());
        patiently(budget, self.clock, self.progress, attempt)
    }

    fn access(&self) -> Access<'_> {
        let Places { data, secrets, .. } = self.places;
        Access { databases: &self.config.databases, data, secrets, lasting: self.lasting }
    }
}

impl Delivery {
    /// The same, of a database: what was found are copies.
    fn of_database(self, waited_for: bool) -> Self {
        Self { snapshot: true, of_database: waited_for, ..self }
    }
}

/// What is asked of the warehouse, or lies beside it.
enum Ask<'a> {
    Day,
    Sql(&'a str, Bounds),
    File(&'a String),
}

/// What a warehouse answered.
#[derive(Default)]
struct Answers {
    /// By question: `None` where the warehouse was not asked.
    found: Vec<Option<Result<Found, Fault>>>,
    /// Its cells, where it was asked for them, and the rows of the day are those that differ.
    cells: Option<Found>,
}

/// What the copy of a table is called: the same, whichever database it is of.
fn named(owner: &str, table: Option<&str>) -> String {
    format!("{owner}#{}", table.unwrap_or("query"))
}
