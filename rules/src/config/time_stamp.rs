//! The authorities that say when a filing was signed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// How long time stamping authorities are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeStamps {
    /// Seconds within which the whole answer to a request must be there.
    pub answer_seconds: u32,
    /// Seconds during which a passing fault (no connection, no answer in time, a busy server) is
    /// tried again.
    pub retry_seconds: u32,
}

impl Default for TimeStamps {
    fn default() -> Self {
        Self { answer_seconds: 10, retry_seconds: 60 }
    }
}

/// An authority that is asked to stamp the signature of each filing with the time (RFC 3161).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeStamp {
    /// What the files of the series call it: small letters, digits and `-`.
    pub name: String,
    /// Where it is asked: `https://HOST/PATH`, or `http://`, since an answer is signed itself.
    pub url: String,
    /// The certificate that it signs time stamps with, in PEM; relative to this file.
    pub certificate: String,
    /// The policy that it must issue them under, such as `1.2.3.4.1`; any where absent.
    #[serde(default)]
    pub policy: Option<String>,
    /// Who asks, where it wants to know that (HTTP basic authentication).
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<Secret>,
}

impl TimeStamp {
    /// The host that is asked, if the URL is one of HTTP.
    pub fn host(&self) -> Option<&str> {
        host_of(&self.url)
    }
}

/// The host of a URL, if it is one of HTTP.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let place = rest.split(['/', '?', '#']).next()?;
    let host = match place.strip_prefix('[') {
        Some(address) => address.split_once(']')?.0,
        None => place.split_once(':').map_or(place, |(host, _)| host),
    };
    let plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    (!host.is_empty() && url.chars().all(plain)).then_some(host)
}
