//! Servers, which may be silent.

use std::future::Future;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::stream::{BoxStream, TryReadyChunks, TryReadyChunksError};
use tokio::runtime::Runtime;

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

/// Rows, as many at once as have come: waiting for each alone takes longer than reading it.
const AT_ONCE: usize = 512;

/// What a server sends, as it comes.
pub struct Stream<'a, T>(TryReadyChunks<BoxStream<'a, Result<T, sqlx::Error>>>, Duration);

impl<'a, T> Stream<'a, T> {
    /// The server may be silent for so long.
    pub fn new(rows: BoxStream<'a, Result<T, sqlx::Error>>, waits: Waits) -> Self {
        Self(rows.try_ready_chunks(AT_ONCE), waits.silence())
    }

    /// Takes every row, in order.
    pub async fn each(mut self, mut take: impl FnMut(&T) -> Result<(), Fault>) -> Result<(), Fault> {
        loop {
            let come = async { self.0.try_next().await.map_err(|TryReadyChunksError(_, error)| error) };
            match awaited("no row came", self.1, come).await? {
                Some(rows) => rows.iter().try_for_each(&mut take)?,
                None => return Ok(()),
            }
        }
    }
}

/// What one connection is driven by.
pub fn runtime() -> Result<Runtime, Fault> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Fault::writing)
}
