//! Where events go: a file, or a host that is told in the background, so that one that is away delays no run.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use cuadre_rules::config::Secret;
use cuadre_rules::config::database::is_here;
use cuadre_rules::config::time_stamp::host_of;
use reqwest::{Client, redirect};
use serde_json::Value;

use crate::database::runtime;
use crate::secret;
use crate::telemetry::note;

/// How long one event may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the end of the run waits for what is not sent yet.
const LAST: Duration = Duration::from_secs(8);

/// Takes events.
pub enum Sink {
    /// Appends a line each.
    File(PathBuf),
    /// Hands them to a thread that sends them, which closes the second channel when it is done.
    Host {
        /// The URL that is told, for messages.
        url: String,
        /// To the thread; `None` once it is told to end.
        events: Option<Sender<Value>>,
        /// From it.
        done: std::sync::Mutex<Receiver<()>>,
    },
}

impl Sink {
    /// Opens the place that the configuration names.
    pub fn open(place: &str, key: Option<&Secret>, folder: &Path) -> Result<Self, String> {
        if !place.contains("://") {
            return Ok(Self::File(folder.join(place)));
        }
        let url = format!("{}/api/v1/lineage", place.trim_end_matches('/'));
        let key = key.map(|key| secret::read(key, folder)).transpose().map_err(|fault| fault.words)?;
        let (client, runtime) = (client(&url)?, runtime().map_err(|fault| fault.words)?);
        let (events, received) = mpsc::channel::<Value>();
        let (ends, done) = mpsc::channel();
        let told = url.clone();
        thread::spawn(move || {
            for event in received {
                if let Err(why) = runtime.block_on(post(&client, &told, key.as_deref(), &event)) {
                    note(&format!("lineage {told}: {why}; the event {} is lost", event["eventType"]));
                }
            }
            drop(ends);
        });
        Ok(Self::Host { url, events: Some(events), done: done.into() })
    }

    /// Takes an event.
    pub fn send(&self, event: Value) {
        match self {
            Self::File(path) => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                if let Err(error) = file.and_then(|mut file| file.write_all(format!("{event}\n").as_bytes())) {
                    note(&format!("lineage {}: {error}; the event {} is lost", path.display(), event["eventType"]));
                }
            }
            // The thread ends after this end of the channel only.
            Self::Host { events, .. } => drop(events.as_ref().map(|events| events.send(event))),
        }
    }

    /// Waits until everything is sent, but not for long.
    pub fn close(&mut self) {
        if let Self::Host { url, events, done } = self {
            drop(events.take());
            let done = done.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            if done.recv_timeout(LAST) == Err(mpsc::RecvTimeoutError::Timeout) {
                note(&format!("lineage {url}: not every event was sent within {} seconds", LAST.as_secs()));
            }
        }
    }
}

fn client(url: &str) -> Result<Client, String> {
    // Another part of the program may have said so before: it is the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder().redirect(redirect::Policy::none()).timeout(ANSWER);
    if host_of(url).is_some_and(is_here) {
        client = client.no_proxy();
    }
    if url.starts_with("http://") {
        // No certificate authority is needed, so that none need be installed.
        client = client.tls_certs_only([]);
    }
    client.build().map_err(|error| format!("no connection can be made: {error}"))
}

/// Posts one event.
async fn post(client: &Client, url: &str, key: Option<&str>, event: &Value) -> Result<(), String> {
    let mut request = client.post(url).header("content-type", "application/json").body(event.to_string());
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    match request.send().await.map_err(|error| root(&error))?.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answers with status {status}")),
    }
}

/// The first cause.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}
