//! Where events go: a file, or a host that is told in the background, so that one that is away delays no run.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use cuadre_rules::config::Secret;
use reqwest::Client;
use serde_json::Value;

use crate::database::runtime;
use crate::http::Server;
use crate::secret;
use crate::telemetry::note;

/// Seconds that one event may take.
const ANSWER_SECONDS: u32 = 5;
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
        let server = server(&url);
        let (client, runtime) =
            server.client().and_then(|client| Ok((client, runtime()?))).map_err(|fault| fault.words)?;
        let (events, received) = mpsc::channel::<Value>();
        let (ends, done) = mpsc::channel();
        let told = url.clone();
        thread::spawn(move || {
            for event in received {
                if let Err(why) = runtime.block_on(post(&server, &client, key.as_deref(), &event)) {
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

fn server(url: &str) -> Server {
    let (setting, lets_in) = ("which is as long as it may take", "telemetry.lineage_key");
    Server { url: url.to_owned(), seconds: ANSWER_SECONDS, setting, lets_in }
}

/// Posts one event.
async fn post(server: &Server, client: &Client, key: Option<&str>, event: &Value) -> Result<(), String> {
    let mut request = client.post(&server.url).header("content-type", "application/json").body(event.to_string());
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    match request.send().await.map_err(|error| server.fault(&error).words)? {
        response if response.status().is_success() => Ok(()),
        response => Err(server.refusal(&response).words),
    }
}
