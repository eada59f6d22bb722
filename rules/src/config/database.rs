//! The databases that movements are read from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long databases are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Databases {
    /// Seconds until a connection must stand.
    pub connect_seconds: u32,
    /// Seconds that one statement may take, and that a server may be silent.
    pub statement_seconds: u32,
    /// Seconds during which a passing fault (a connection that drops, a server that restarts) is
    /// tried again.
    pub retry_seconds: u32,
}

impl Default for Databases {
    fn default() -> Self {
        Self { connect_seconds: 10, statement_seconds: 900, retry_seconds: 120 }
    }
}

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// Amazon Redshift.
    Redshift,
    /// MySQL or MariaDB.
    Mysql,
}

impl Engine {
    /// The kind of the database that a URL names, and the path of an SQLite database; a path
    /// without scheme is one.
    pub fn of(url: &str) -> Result<(Self, &str), String> {
        let Some((scheme, rest)) = url.split_once(':') else { return Ok((Self::Sqlite, url)) };
        let server = |engine| match rest.starts_with("//") {
            true => Ok((engine, rest)),
            false => Err(format!("`{scheme}:` is not followed by //USER@HOST/DATABASE")),
        };
        match scheme {
            "sqlite" => Ok((Self::Sqlite, rest.strip_prefix("//").unwrap_or(rest))),
            "postgres" | "postgresql" => server(Self::Postgres),
            "redshift" => server(Self::Redshift),
            "mysql" | "mariadb" => server(Self::Mysql),
            _ => Err(format!("no database is reached by `{scheme}:`")),
        }
    }

    /// Whether it can be asked for [cells](crate::cells).
    pub fn computes_cells(self) -> bool {
        matches!(self, Self::Postgres | Self::Redshift)
    }

    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Redshift => "Redshift",
            Self::Mysql => "MySQL",
        }
    }
}

/// The URL without its password and its settings, to be shown.
pub fn shown(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    let user = |(before, credentials, after): (&str, &str, &str)| {
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{before}{user}@{after}"))
    };
    credentials(url).and_then(user).unwrap_or_else(|| url.to_owned())
}

/// A line of a configuration without the passwords of URLs in it.
pub fn masked(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find("://") {
        let (before, url) = rest.split_at(start + 3);
        let (url, after) = url.split_at(url.find(['"', '\'']).unwrap_or(url.len()));
        out += before;
        let (credentials, place) = url.rsplit_once('@').map_or(("", url), |(credentials, place)| (credentials, place));
        if !credentials.is_empty() {
            out += credentials.split_once(':').map_or(credentials, |(user, _)| user);
            out += if credentials.contains(':') { ":***@" } else { "@" };
        }
        match place.split_once("password=") {
            Some((kept, _)) => out += &format!("{kept}password=***"),
            None => out += place,
        }
        rest = after;
    }
    out + rest
}

/// Whether the URL has a password.
pub fn has_password(url: &str) -> bool {
    credentials(url).is_some_and(|(_, credentials, _)| credentials.contains(':'))
        || url.split_once('?').is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("password=")))
}

/// Whether a server is on this very machine, where nobody listens in.
pub fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What comes before, between and after `//` and `@`.
fn credentials(url: &str) -> Option<(&str, &str, &str)> {
    let start = url.find("//")? + 2;
    let end = url[start..].find(['/', '?']).map_or(url.len(), |end| start + end);
    let (credentials, _) = url[start..end].rsplit_once('@')?;
    let after = start + credentials.len() + 1;
    Some((&url[..start], credentials, &url[after..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shows) in [
            ("postgres://u:s@e:c@host:5432/db?sslmode=require", "postgres://u@host:5432/db"),
            ("mysql://u@host/db", "mysql://u@host/db"),
            ("postgres://host/db", "postgres://host/db"),
            ("sqlite:a/b@c.db", "sqlite:a/b@c.db"),
        ] {
            assert_eq!(shown(url), shows);
            assert_eq!(has_password(url), url != shows);
        }
        let url = "postgres://host/db?user=u&password=s";
        assert!(has_password(url) && shown(url) == "postgres://host/db");
    }

    #[test]
    fn a_line_is_shown_without_passwords() {
        for (line, shows) in [
            ("url = \"postgres://u:s3@cr/et@h/d\" # a@b", "url = \"postgres://u:***@h/d\" # a@b"),
            ("a = { url = 'mysql://u@h/d?password=x&y=z' }", "a = { url = 'mysql://u@h/d?password=***' }"),
            ("url = 'postgres://h/d'", "url = 'postgres://h/d'"),
            ("deadline = \"06:00\"", "deadline = \"06:00\""),
        ] {
            assert_eq!(masked(line), shows);
        }
    }

    #[test]
    fn a_scheme_names_the_kind() {
        assert_eq!(Engine::of("warehouse.db"), Ok((Engine::Sqlite, "warehouse.db")));
        assert_eq!(Engine::of("sqlite:a.db"), Ok((Engine::Sqlite, "a.db")));
        assert_eq!(Engine::of("sqlite:///a.db"), Ok((Engine::Sqlite, "/a.db")));
        assert_eq!(Engine::of("mariadb://h/d").map(|(engine, _)| engine), Ok(Engine::Mysql));
        assert!(Engine::of("oracle://h/d").is_err() && Engine::of("postgres:h").is_err());
    }
}
