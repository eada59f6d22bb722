//! Asking the time stamping authorities to stamp a signature with the time.
//!
//! What an authority answers is checked before it is taken: a time stamp that would not count later is a
//! fault now. No fault stops a filing; it then lacks the time stamp, and whoever verifies it sees so.

use std::path::Path;
use std::thread;
use std::time::Duration;

use cuadre_audit::time_stamp::{Pin, Stamp, is_reply_to, request, to_der, verify};
use cuadre_audit::{Sealed, Trust};
use cuadre_rules::Config;
use cuadre_rules::config::{TimeStamp, TimeStamps};
use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};

use crate::clock::Clock;
use crate::database::{Fault, patiently, runtime};
use crate::error::EngineError;
use crate::http::Server;
use crate::night::Night;
use crate::progress::Progress;
use crate::{secret, trust};

/// An answer has no more bytes than this. With all certificates of a chain in it, it has some ten thousand.
const MOST_BYTES: usize = 1 << 20;

/// An authority that is asked.
pub struct Authority<'a> {
    /// How it is reached.
    pub settings: &'a TimeStamp,
    /// Its certificate as it was found, in PEM.
    pub pem: Vec<u8>,
    /// What is trusted of it.
    pub pin: Pin,
}

/// A time stamp that counts.
#[derive(Debug)]
pub struct Token {
    /// The authority's answer, in DER.
    pub bytes: Vec<u8>,
    /// What it says.
    pub stamp: Stamp,
}

/// The authorities of a configuration; `folder` is where the paths of their certificates begin.
///
/// # Errors
/// [`EngineError::Setup`] where a certificate cannot be read.
pub fn authorities<'a>(config: &'a Config, folder: &Path) -> Result<Vec<Authority<'a>>, EngineError> {
    let authority = |settings: &'a TimeStamp| {
        let path = folder.join(&settings.certificate);
        let pem = std::fs::read(&path).map_err(|e| EngineError::io("reading the certificate", &path, e))?;
        let pin = Pin::parse(&pem, settings.policy.as_deref());
        let pin = pin.map_err(|e| EngineError::Setup(format!("{}: {e}", path.display())))?;
        Ok(Authority { settings, pem, pin })
    };
    config.authorities.iter().map(authority).collect()
}

/// Has every authority stamp `message`, all at once: in their order, a time stamp or why there is none.
/// Passing faults are tried again as `waits` says. `secrets` is where the paths of password files begin.
pub fn ask(
    authorities: &[&Authority<'_>],
    waits: &TimeStamps,
    secrets: &Path,
    message: &[u8],
    clock: &Clock,
    progress: &Progress,
) -> Vec<Result<Token, Fault>> {
    let budget = Duration::from_secs(waits.retry_seconds.into());
    thread::scope(|scope| {
        let asked: Vec<_> = authorities
            .iter()
            .map(|authority| {
                scope.spawn(move || {
                    let asking = Asking::prepare(authority, waits, secrets, message);
                    let name = format!("time stamping authority {}", authority.settings.name);
                    asking.map_err(|fault| fault.of(&name)).and_then(|asking| {
                        patiently(budget, clock, progress, || asking.once().map_err(|fault| fault.of(&name)))
                    })
                })
            })
            .collect();
        let ended = |_| Err(Fault::lasting("asking for a time stamp broke off; this is a bug of cuadre"));
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(ended)).collect()
    })
}

/// What became of asking an authority.
pub struct Stamping {
    /// The authority.
    pub authority: String,
    /// When it saw the signature, or why there is no time stamp of it.
    pub answer: Result<Timestamp, String>,
}

/// Has the signature stamped by the authorities that the series trusts.
pub fn stamp(sealed: &mut Sealed, configured: &[Authority<'_>], trust: &Trust, night: &Night<'_>) -> Vec<Stamping> {
    let (asked, others): (Vec<&Authority<'_>>, Vec<_>) =
        configured.iter().partition(|authority| trust::trusts(trust, authority));
    if !asked.is_empty() {
        night.progress.phase("waiting for time stamps", None);
    }
    let (waits, secrets) = (&night.config.time_stamps, &night.places.secrets);
    let answers = ask(&asked, waits, secrets, &sealed.signature, &night.telling.clock, night.progress);
    let stamping = |authority: &Authority<'_>, answer| Stamping { authority: authority.settings.name.clone(), answer };
    let mut stamps = Vec::new();
    for (authority, answer) in asked.into_iter().zip(answers) {
        let answer = answer.map(|token| {
            sealed.tokens.push((authority.settings.name.clone(), token.bytes));
            token.stamp.time
        });
        stamps.push(stamping(authority, answer.map_err(|fault| fault.words)));
    }
    for authority in others {
        let why = "the series does not trust it as it is configured; run `cuadre keys update`";
        stamps.push(stamping(authority, Err(format!("time stamping authority {}: {why}", authority.settings.name))));
    }
    stamps
}

/// All that one authority is asked with.
struct Asking<'a> {
    authority: &'a Authority<'a>,
    server: Server,
    client: Client,
    password: Option<String>,
    message: &'a [u8],
    nonce: u64,
    request: Vec<u8>,
}

impl<'a> Asking<'a> {
    fn prepare(
        authority: &'a Authority<'a>,
        waits: &TimeStamps,
        secrets: &Path,
        message: &'a [u8],
    ) -> Result<Self, Fault> {
        let settings = authority.settings;
        let password = settings.password.as_ref().map(|secret| secret::read(secret, secrets)).transpose()?;
        let nonce = getrandom::u64().map_err(|e| Fault::lasting(format!("the system gives no randomness: {e}")))?;
        let request = request(message, settings.policy.as_deref(), nonce).map_err(|e| Fault::lasting(e.to_string()))?;
        let server = Server {
            url: settings.url.clone(),
            seconds: waits.answer_seconds,
            setting: "time_stamps.answer_seconds",
            lets_in: "`user` and `password`",
        };
        let client = server.client()?;
        Ok(Self { authority, server, client, password, message, nonce, request })
    }

    fn once(&self) -> Result<Token, Fault> {
        let bytes = runtime()?.block_on(async { self.body(self.post().await?).await })?;
        let bytes = to_der(&bytes).map_err(|e| Fault::lasting(e.to_string()))?;
        let stamp = verify(&bytes, self.message, &self.authority.pin).map_err(|e| Fault::lasting(e.to_string()))?;
        if !is_reply_to(&bytes, self.nonce) {
            return Err(Fault::lasting("it answers another request than this one (the nonce differs)"));
        }
        Ok(Token { bytes, stamp })
    }

    async fn post(&self) -> Result<Response, Fault> {
        let settings = self.authority.settings;
        let mut request = self.client.post(&settings.url).body(self.request.clone());
        if let Some(user) = &settings.user {
            request = request.basic_auth(user, self.password.as_ref());
        }
        let request = request.header(CONTENT_TYPE, "application/timestamp-query");
        let response = request.header(ACCEPT, "application/timestamp-reply").send().await;
        let response = response.map_err(|e| self.server.fault(&e))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            _ => Err(self.server.refusal(&response)),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.server.fault(&e))? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(Fault::lasting(format!("its answer has more than {MOST_BYTES} bytes; check `url`")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
