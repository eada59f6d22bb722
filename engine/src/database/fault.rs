//! Why a database could not be read, and whether that passes.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

use super::LITTLE;

/// Why a database could not be read, or a time stamping authority not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Fault {
    /// Whether the same may succeed a little later.
    pub passing: bool,
    /// What is wrong, where, and what to do.
    pub words: String,
}

impl Fault {
    /// A fault that stays until somebody repairs it.
    pub fn lasting(words: impl Into<String>) -> Self {
        Self { passing: false, words: words.into() }
    }

    /// A fault that may be gone a little later.
    pub fn passing(words: impl Into<String>) -> Self {
        Self { passing: true, words: words.into() }
    }

    /// The same, of that database.
    pub fn of(self, name: &str) -> Self {
        Self { words: format!("{name}: {}", self.words), ..self }
    }

    /// The same, of a query that has so many seconds and took that long. One that takes too long stays so.
    pub(super) fn of_query(self, seconds: Option<u32>, took: Duration) -> Self {
        let Some(seconds) = seconds else { return self };
        let most = Duration::from_secs(seconds.into());
        match self.passing && took >= most && took < most + LITTLE {
            true => Self::lasting(format!("the query took longer than the {seconds} seconds that it has (`seconds`)")),
            false => self,
        }
    }

    /// A fault of what we write ourselves.
    pub fn writing(error: std::io::Error) -> Self {
        Self { passing: error.kind() == ErrorKind::StorageFull, words: format!("copying the rows: {error}") }
    }

    /// No answer in time.
    pub fn silent(what: &str, seconds: u64) -> Self {
        Self::passing(format!("{what} within {seconds} seconds (see [databases] in the configuration)"))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Io(io) => match io.kind() {
                // What the TLS library has against the server comes as this.
                ErrorKind::InvalidData | ErrorKind::InvalidInput => untrusted(&io),
                ErrorKind::ConnectionRefused => Self::passing(format!("no connection: {io}; is the server running?")),
                _ => Self::passing(format!("the connection broke off: {io}")),
            },
            Error::Tls(why) => untrusted(why),
            Error::Protocol(why) => Self::passing(format!("the connection broke off: {why}")),
            Error::WorkerCrashed => Self::passing("the connection broke off"),
            Error::Database(stated) => {
                let number = stated.try_downcast_ref::<MySqlDatabaseError>().map(|stated| stated.number());
                let code = stated.code().unwrap_or_default();
                let (passing, meaning) = match number {
                    Some(number) => of_mysql(number),
                    None => of_state(&code),
                };
                let meaning = if meaning.is_empty() { String::new() } else { format!("{meaning}: ") };
                Self {
                    passing,
                    words: format!(
                        "{meaning}{} ({})",
                        stated.message(),
                        number.map_or(code.into_owned(), |n| n.to_string())
                    ),
                }
            }
            other => Self::lasting(other.to_string()),
        }
    }
}

fn untrusted(why: &dyn std::fmt::Display) -> Fault {
    Fault::lasting(format!(
        "the server is not trusted: {why}; name its CA in the URL: ?sslrootcert=FILE (of MySQL ?ssl-ca=FILE)"
    ))
}

/// By SQLSTATE (PostgreSQL, appendix A), and by the primary result codes of SQLite.
fn of_state(code: &str) -> (bool, &'static str) {
    match code {
        "57014" | "9" => (true, "the statement took longer than statement_seconds, or was cancelled"),
        "57P01" | "57P02" | "57P05" => (true, "the server ended the connection"),
        "57P03" => (true, "the server is starting or stopping"),
        "53100" => (true, "the server's disk is full"),
        "53200" | "53300" | "53400" => (true, "the server has no room for one more"),
        "40001" | "40P01" | "55P03" => (true, "other transactions are in the way"),
        "28000" | "28P01" => (false, "the server does not let us in"),
        "3D000" => (false, "there is no such database"),
        "42P01" => (false, "there is no such table"),
        "42703" => (false, "there is no such column"),
        "42501" => (false, "we may not read that"),
        "25006" => (false, "it would write; what Cuadre asks for is read-only"),
        "5" | "6" | "261" | "517" => (true, "another process is writing to it"),
        "13" => (true, "the disk is full"),
        "11" | "26" => (false, "the file is damaged, or no SQLite database"),
        _ if code.starts_with("08") || code.starts_with("58") => (true, "the server has a fault"),
        _ if code.starts_with("22") => (false, "a value cannot be read as its type"),
        _ => (false, ""),
    }
}

/// By error number (MySQL and MariaDB, server errors).
fn of_mysql(number: u16) -> (bool, &'static str) {
    match number {
        1040 | 1203 | 1226 => (true, "the server has no room for one more"),
        1021 | 1114 => (true, "the server's disk is full"),
        1053 | 1077 | 1079 | 1927 => (true, "the server ended the connection"),
        1205 | 1213 => (true, "other transactions are in the way"),
        1317 | 1969 | 3024 => (true, "the statement took longer than statement_seconds, or was cancelled"),
        1044 | 1045 | 1698 => (false, "the server does not let us in"),
        1049 => (false, "there is no such database"),
        1146 => (false, "there is no such table"),
        1054 => (false, "there is no such column"),
        1142 | 1143 => (false, "we may not read that"),
        1792 => (false, "it would write; what Cuadre asks for is read-only"),
        _ => (false, ""),
    }
}
