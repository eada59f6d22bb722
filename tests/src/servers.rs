//! Database servers for tests: real ones, on loopback, started on first use with data of their own
//! in a temporary folder, and gone with the test process however it ends (see `servers/keeper.sh`).
//!
//! [`postgres`] and [`mariadb`] are shared by the tests of a process; a test that breaks its server
//! starts one for itself alone with [`Private`]. On a machine without the server's programs a test
//! is skipped, loudly; where the environment has `CI` it fails.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::{io, thread};

/// The superuser of every server, and the password.
const USER: &str = "tests";

/// The server, `None` where its programs are not installed, or what its log said when it did not start.
type Started = Option<Result<Server, String>>;

static POSTGRES: LazyLock<Started> = LazyLock::new(|| Server::start(Engine::Postgres, "", ""));
static MARIADB: LazyLock<Started> = LazyLock::new(|| Server::start(Engine::MariaDb, "", ""));

/// The PostgreSQL of this process, or `None`, said on stderr, where there is none.
///
/// # Panics
/// If it does not start, or is not installed where `CI` is set.
pub fn postgres() -> Option<&'static Server> {
    told(Engine::Postgres.name(), POSTGRES.as_ref().map(Result::as_ref))
}

/// The MariaDB of this process, or `None`, said on stderr, where there is none.
///
/// # Panics
/// If it does not start, or is not installed where `CI` is set.
pub fn mariadb() -> Option<&'static Server> {
    told(Engine::MariaDb.name(), MARIADB.as_ref().map(Result::as_ref))
}

/// The server of a test, or a panic with its log, or `None` after telling that the test is skipped.
pub(crate) fn told<S, E: std::fmt::Display>((name, package): (&str, &str), started: Option<Result<S, E>>) -> Option<S> {
    static TOLD: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    if let Some(server) = started {
        return Some(server.unwrap_or_else(|log| panic!("{name} does not start:\n{log}")));
    }
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let message = format!("SKIPPED {test}: no {name} here; install Debian's {package}");
    assert!(env::var_os("CI").is_none(), "{message}");
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(message.clone()) {
        // Not by eprintln, which the test runner keeps for itself when a test passes.
        let _ = writeln!(io::stderr(), "{message}");
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Postgres,
    MariaDb,
}

impl Engine {
    /// What it is called, and the package it comes in.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Engine::Postgres => ("PostgreSQL server", "postgresql"),
            Engine::MariaDb => ("MariaDB server", "mariadb-server"),
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Engine::Postgres => &["postgres", "initdb", "psql"],
            Engine::MariaDb => &["mariadbd", "mariadb-install-db", "mariadb"],
        }
    }

    fn script(self) -> &'static str {
        match self {
            Engine::Postgres => include_str!("servers/postgres.sh"),
            Engine::MariaDb => include_str!("servers/mariadb.sh"),
        }
    }
}

/// A `PATH` with all of the programs: the newest of Debian's PostgreSQL folders, then the machine's
/// own, then those that only root has in its path.
pub(crate) fn path_with(programs: &[&str]) -> Option<OsString> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let own = env::var_os("PATH").unwrap_or_default();
    let rest = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders: Vec<PathBuf> = newest.into_iter().chain(env::split_paths(&own)).chain(rest).collect();
    let found = |program: &&str| folders.iter().any(|folder| folder.join(program).is_file());
    programs.iter().all(found).then(|| env::join_paths(folders).expect("folders of a path"))
}

/// A port nobody listens on. Not one of those that the system gives to outgoing connections, or a
/// server that is down for a while could lose its port to one; and any of the others, or it could
/// lose it to the next server of another test process.
fn free_port() -> u16 {
    loop {
        let port = 10_000 + (RandomState::new().hash_one(()) % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    path: OsString,
    folder: PathBuf,
    port: u16,
    keeper: Mutex<Keeper>,
}

/// The process that the server is the child of.
#[derive(Debug)]
struct Keeper {
    process: Child,
    /// Closed, it tells the keeper to end.
    words: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Server {
    fn start(engine: Engine, settings: &str, tls: &str) -> Started {
        let path = path_with(engine.programs())?;
        loop {
            let server = Self::keep(engine, path.clone(), settings, tls);
            match server.tell("start") {
                Ok(()) => return Some(Ok(server)),
                Err(log) if log.contains("Address already in use") => {} // taken since; try another
                Err(log) => return Some(Err(log)),
            }
        }
    }

    /// A keeper with a folder and nothing in it yet.
    fn keep(engine: Engine, path: OsString, settings: &str, tls: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("cuadre-server-").tempdir().expect("a temporary folder").keep();
        let port = free_port();
        let mut process = Command::new("/bin/sh")
            .arg("-c")
            .arg([engine.script(), include_str!("servers/keeper.sh")].concat())
            .env_clear()
            .envs([("LC_ALL", "C"), ("TLS", tls), ("SETTINGS", settings), ("PORT", &port.to_string())])
            .env("PATH", &path)
            .env("FOLDER", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0) // so that a terminal's Ctrl-C leaves the keeper to tidy up
            .spawn()
            .expect("a shell runs");
        let words = process.stdin.take();
        let replies = BufReader::new(process.stdout.take().expect("its stdout"));
        Self { engine, path, folder, port, keeper: Mutex::new(Keeper { process, words, replies }) }
    }

    /// Has the keeper do something; if that fails, what the server's log says.
    fn tell(&self, word: &str) -> Result<(), String> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reply = String::new();
        writeln!(keeper.words.as_ref().expect("open until dropped"), "{word}").expect("the keeper reads");
        keeper.replies.read_line(&mut reply).expect("the keeper answers");
        if reply == "done\n" { Ok(()) } else { Err(self.log()) }
    }

    /// What the server has said since it was last started.
    pub fn log(&self) -> String {
        fs::read(self.folder.join("log")).map_or_else(|e| e.to_string(), |log| String::from_utf8_lossy(&log).into())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where all of it is, its unix socket too.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a database.
    ///
    /// # Panics
    /// If there is one of that name, or the name is not of small letters, digits and `_`.
    pub fn database(&self, name: &str) -> Database<'_> {
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "database {name}");
        let main = match self.engine {
            Engine::Postgres => "postgres",
            Engine::MariaDb => "mysql",
        };
        let main = Database { server: self, name: main.to_owned() };
        main.sql(&format!("CREATE DATABASE {name}"));
        Database { server: self, name: name.to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner);
        keeper.words = None;
        let _ = keeper.process.wait();
    }
}

/// A server of one test, which may stop it; it goes when dropped.
#[derive(Debug)]
pub struct Private(Server);

impl Private {
    /// A PostgreSQL with more lines of `postgresql.conf`, or `None` as of [`postgres`].
    pub fn postgres(settings: &str) -> Option<Self> {
        told(Engine::Postgres.name(), Server::start(Engine::Postgres, settings, "")).map(Self)
    }

    /// A PostgreSQL that takes nothing but TLS by TCP, with a certificate for `names` by
    /// [its own authority](Self::authority). `names` are as OpenSSL writes them, such as
    /// `IP:127.0.0.1,DNS:localhost`. `None` as of [`postgres`], and where there is no `openssl`.
    pub fn postgres_tls(names: &str) -> Option<Self> {
        let openssl = path_with(&["openssl"]).map(|_| Ok::<_, String>(()));
        told(("OpenSSL", "openssl"), openssl)?;
        told(Engine::Postgres.name(), Server::start(Engine::Postgres, "", names)).map(Self)
    }

    /// A MariaDB with more lines of the server's section of an option file, or `None` as of [`mariadb`].
    pub fn mariadb(settings: &str) -> Option<Self> {
        told(Engine::MariaDb.name(), Server::start(Engine::MariaDb, settings, "")).map(Self)
    }

    /// The certificate of the authority behind a server with TLS, in PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Shuts the server down without waiting for its clients. It is down when this returns.
    pub fn stop(&self) {
        self.tell("stop").expect("a server stops");
    }

    /// Kills the server and its children as with `kill -9`. It is down when this returns.
    pub fn kill(&self) {
        self.tell("kill").expect("a server is killed");
    }

    /// Starts the server again, on the same port with the same data. It serves when this returns.
    ///
    /// # Panics
    /// With its log, if it does not start.
    pub fn start(&self) {
        self.tell("start").unwrap_or_else(|log| panic!("it does not start again:\n{log}"));
    }
}

impl Deref for Private {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

/// A database of a server.
#[derive(Debug)]
pub struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl Database<'_> {
    /// `postgres://user:password@127.0.0.1:port/name`, or `mysql://...`; the user may do anything.
    pub fn url(&self) -> String {
        let scheme = match self.server.engine {
            Engine::Postgres => "postgres",
            Engine::MariaDb => "mysql",
        };
        format!("{scheme}://{USER}:{USER}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// Runs statements, each ended by `;`, up to the first that fails.
    ///
    /// # Panics
    /// With what the client says, if one fails.
    pub fn sql(&self, script: &str) {
        match self.server.engine {
            Engine::Postgres => self.client(&["--file=-", "--output=/dev/null"], script),
            Engine::MariaDb => self.client(&[], script),
        };
    }

    /// The rows of a query, a line each without a header, with tabs between columns and `NULL` for
    /// nulls.
    ///
    /// # Panics
    /// With what the client says, if it fails.
    pub fn query(&self, query: &str) -> String {
        match self.server.engine {
            Engine::Postgres => {
                let rows = ["--no-align", "--tuples-only", "--field-separator=\t", "--pset=null=NULL"];
                self.client(&[&rows[..], &["--command", query]].concat(), "")
            }
            Engine::MariaDb => self.client(&["--skip-column-names", "--execute", query], ""),
        }
    }

    /// Fills a table fast from CSV without a header, all columns in order: quotes are doubled within
    /// quotes, lines end with `\n`, and a bare `NULL` is null.
    ///
    /// # Panics
    /// With what the client says, if it fails; the table is then as before.
    pub fn load(&self, table: &str, csv: &str) {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        if self.server.engine == Engine::Postgres {
            self.client(&["--command", &format!("COPY {table} FROM STDIN (FORMAT csv, NULL 'NULL')")], csv);
            return;
        }
        // A file that the server reads: of one that the client sends it would take bad values too.
        let file = self.server.folder.join(format!("load-{}", FILES.fetch_add(1, Ordering::Relaxed)));
        fs::write(&file, csv).expect("a file is written");
        self.sql(&format!(
            "LOAD DATA INFILE '{}' INTO TABLE {table} CHARACTER SET utf8mb4
             FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''",
            file.display()
        ));
        fs::remove_file(&file).expect("the file is removed");
    }

    /// Runs the server's own client, by the unix socket.
    fn client(&self, args: &[&str], input: &str) -> String {
        let server = self.server;
        let mut command = match server.engine {
            Engine::Postgres => {
                let mut psql = Command::new("psql");
                psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", &self.name]);
                psql.args(["--username", USER, "--port", &server.port.to_string(), "--host"]).arg(&server.folder);
                psql
            }
            Engine::MariaDb => {
                let mut mariadb = Command::new("mariadb");
                mariadb.args(["--no-defaults", "--batch", "--default-character-set=utf8mb4", "--database", &self.name]);
                mariadb.args(["--user", USER]).arg(format!("--password={USER}"));
                mariadb.arg("--socket").arg(server.folder.join("socket"));
                mariadb
            }
        };
        command.args(args).env_clear().env("PATH", &server.path).env("LC_ALL", "C.UTF-8").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client runs");
        let mut stdin = child.stdin.take().expect("its stdin");
        let output = thread::scope(|scope| {
            // A client that fails stops reading; its own words say why.
            scope.spawn(move || stdin.write_all(input.as_bytes()));
            child.wait_with_output().expect("the client ends")
        });
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}", self.url());
        String::from_utf8(output.stdout).expect("rows in UTF-8")
    }
}
