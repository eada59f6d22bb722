//! Telling a webhook, signed as Standard Webhooks say: the signature is over id, time and body, so that whoever
//! receives it knows who sent it, and that it is not an old one sent again.

use std::path::Path;

use base64ct::{Base64, Base64Unpadded, Encoding};
use cuadre_rules::config::Notify;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use sha2::Sha256;
use tokio::runtime::Runtime;

use super::notice::Notice;
use crate::clock::Clock;
use crate::database::{Fault, runtime};
use crate::http::Server;
use crate::secret;

/// What may come before the base64 of a secret.
const PREFIX: &str = "whsec_";

/// A webhook, ready to be told.
pub struct Webhook {
    server: Server,
    client: Client,
    key: Option<Vec<u8>>,
    runtime: Runtime,
}

impl Webhook {
    /// The webhook at `url`; the path of its secret begins in `folder`.
    pub fn open(url: &str, settings: &Notify, folder: &Path) -> Result<Self, Fault> {
        let server = Server {
            url: url.to_owned(),
            seconds: settings.answer_seconds,
            setting: "answer_seconds",
            lets_in: "`secret`",
        };
        let key = settings.secret.as_ref().map(|place| key(&secret::read(place, folder)?)).transpose()?;
        Ok(Self { client: server.client()?, server, key, runtime: runtime()? })
    }

    /// Sends an event. Any answer of 2xx takes it.
    pub fn take(&self, notice: &Notice) -> Result<(), Fault> {
        let body = serde_json::to_vec(notice).map_err(|e| Fault::lasting(e.to_string()))?;
        // Receivers refuse what is minutes old by their own clock: it is the system's, whatever the night's shows.
        let now = Clock::system().now();
        let request = self.client.post(&self.server.url).header(CONTENT_TYPE, "application/cloudevents+json");
        let request = request.header(USER_AGENT, concat!("cuadre/", env!("CARGO_PKG_VERSION")));
        let request = request.header("webhook-id", &notice.id).header("webhook-timestamp", now.as_second());
        let request = match &self.key {
            Some(key) => request.header("webhook-signature", signature(key, &notice.id, now, &body)?),
            None => request,
        };
        self.runtime.block_on(async {
            let response = request.body(body).send().await.map_err(|e| self.server.fault(&e))?;
            if response.status().is_success() { Ok(()) } else { Err(self.server.refusal(&response)) }
        })
    }
}

fn key(secret: &str) -> Result<Vec<u8>, Fault> {
    let text = secret.trim().strip_prefix(PREFIX).unwrap_or(secret.trim());
    let key = Base64::decode_vec(text).or_else(|_| Base64Unpadded::decode_vec(text)).unwrap_or_default();
    match key.is_empty() {
        true => Err(Fault::lasting("the secret is no base64; make one with `openssl rand -base64 32`")),
        false => Ok(key),
    }
}

fn signature(key: &[u8], id: &str, at: Timestamp, body: &[u8]) -> Result<String, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|e| Fault::lasting(e.to_string()))?;
    mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementations of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signature = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_base64_with_or_without_its_prefix() {
        assert_eq!(key("whsec_AAECAw==").unwrap(), key("AAECAw").unwrap());
        for wrong in ["", "whsec_", "not base64"] {
            assert!(!key(wrong).unwrap_err().passing, "{wrong}");
        }
    }
}
