//! A receiver of webhooks for tests, on the loopback, in the test's own process. It can be told to fail.

use std::future::{pending, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::Body;

/// How the receiver fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It answers with this status of HTTP.
    Status(u16),
    /// It closes the connection without an answer.
    Closes,
    /// It never answers.
    Silent,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Where it was sent.
    pub path: String,
    /// Its headers, by name in small letters.
    pub headers: Vec<(String, String)>,
    /// What was sent.
    pub body: Vec<u8>,
    /// How the receiver failed it; `None` where it took it.
    pub failed: Option<Failure>,
}

impl Received {
    /// What a header says; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value)
    }
}

/// A running receiver; it goes with the process.
pub struct Webhook {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    failures: Vec<Failure>,
    always: Option<Failure>,
    received: Vec<Received>,
}

impl Webhook {
    /// Starts a receiver.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::<Mutex<State>>::default();
        let served = Arc::clone(&state);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(accept(listener, served));
        });
        Self { address, state }
    }

    /// Where it receives what is sent to `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Has it fail at the next `times` requests.
    pub fn fail_next(&self, times: usize, how: Failure) {
        lock(&self.state).failures.extend(vec![how; times]);
    }

    /// Has it fail at every request from now on, or at none.
    pub fn fail(&self, how: Option<Failure>) {
        lock(&self.state).always = how;
    }

    /// The requests since this was last asked.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.state).received)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((socket, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let answer = service_fn(move |request| answer(Arc::clone(&state), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = request.headers().iter().map(header).collect();
    let mut incoming = request.into_body();
    let mut body = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        body.extend(frame.map_err(io::Error::other)?.into_data().unwrap_or_default());
    }
    let failed = {
        let mut state = lock(&state);
        let failed = if state.failures.is_empty() { state.always } else { Some(state.failures.remove(0)) };
        state.received.push(Received { path, headers, body, failed });
        failed
    };
    let status = match failed {
        None => StatusCode::NO_CONTENT,
        Some(Failure::Status(code)) => StatusCode::from_u16(code).expect("a status"),
        Some(Failure::Closes) => return Err(io::Error::other("closed as the test wants it")),
        Some(Failure::Silent) => pending().await,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Ok(response)
}
