//! Servers, which may be silent.

use std::future::Future;
use std::time::Duration;

use futures_util::{Stream, TryStreamExt};

use super::{Fault, Waits};

/// What `work` comes to, unless that takes too long.
pub async fn awaited<T>(
    otherwise: &str,
    most: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(most, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Fault::silent(otherwise, most.as_secs())),
    }
}

/// The next of what a server sends.
pub async fn next<T>(
    stream: &mut (impl Stream<Item = Result<T, sqlx::Error>> + Unpin),
    waits: Waits,
) -> Result<Option<T>, Fault> {
    awaited("no row came", waits.silence(), stream.try_next()).await
}

/// Whether a server is on this very machine, where nobody listens in.
pub fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
