//! Asking a server by HTTP: the client, and what became of a request that did not do.

use std::error::Error;
use std::io;
use std::time::Duration;

use cuadre_rules::config::database::is_here;
use cuadre_rules::config::http::host;
use reqwest::header::LOCATION;
use reqwest::{Client, Response, StatusCode, redirect};

use crate::database::Fault;

/// A server, and how long it is waited for.
#[derive(Clone)]
pub struct Server {
    /// Where it is asked.
    pub url: String,
    /// Seconds within which its whole answer must be there.
    pub seconds: u32,
    /// The setting that says so.
    pub setting: &'static str,
    /// The settings to check where it does not let us in.
    pub lets_in: &'static str,
}

impl Server {
    /// What asks it. Redirections are not followed; a server on this machine is asked without a proxy.
    pub fn client(&self) -> Result<Client, Fault> {
        // Another part of the program may have said so before: it is the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client =
            Client::builder().redirect(redirect::Policy::none()).timeout(Duration::from_secs(self.seconds.into()));
        if host(&self.url).is_some_and(is_here) {
            client = client.no_proxy();
        }
        if self.url.starts_with("http://") {
            // No certificate authority is needed, so that none need be installed.
            client = client.tls_certs_only([]);
        }
        client.build().map_err(|e| {
            let remedy = "give the machine the usual certificate authorities";
            Fault::lasting(format!("no connection can be made: {}; {remedy}", root(&e)))
        })
    }

    /// What became of a request that got no answer.
    pub fn fault(&self, error: &reqwest::Error) -> Fault {
        let why = root(error);
        if error.is_timeout() {
            return Fault::passing(format!("no answer came within {} seconds ({})", self.seconds, self.setting));
        }
        if is_untrusted(error) {
            return Fault::lasting(format!("the server is not trusted: {why}"));
        }
        if error.is_builder() {
            return Fault::lasting(format!("it cannot be asked: {why}; check `url`"));
        }
        Fault::passing(format!("the connection failed: {why}"))
    }

    /// Why an answer of another status than the one that is hoped for is none.
    pub fn refusal(&self, response: &Response) -> Fault {
        let status = response.status();
        let words = format!("it answers with status {status}");
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Fault::passing(words),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Fault::lasting(format!("{words}: it does not let us in; check {}", self.lets_in))
            }
            _ if status.is_server_error() => Fault::passing(words),
            _ if status.is_redirection() => {
                let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or_default();
                Fault::lasting(format!("{words}, and points at {place:?}; check `url`"))
            }
            _ => Fault::lasting(format!("{words}; check `url`")),
        }
    }
}

/// Whether the server did not prove by TLS who it is.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    error.is::<rustls::Error>() || next.is_some_and(is_untrusted)
}

/// The first cause; what comes after it would show the URL.
fn root(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(|cause| cause.source()) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "without a reason".to_owned(), ToString::to_string)
}
