//! An S3 server on the loopback, in the test's own process, over a folder of its own. It checks
//! signatures and conditions on writes, and can be told to break off at a given write.

use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

pub use hyper::Method;
use hyper::body::{Body as _, Incoming};
use hyper::header::IF_NONE_MATCH;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use tokio::sync::{Barrier, Notify};

/// The bucket there is.
pub const BUCKET: &str = "test";
const KEY: &str = "AKIATEST";
const SECRET: &str = "not/a/secret";

/// A running server. It goes with the process.
pub struct S3 {
    root: tempfile::TempDir,
    address: SocketAddr,
    rules: Arc<Rules>,
}

/// What becomes of the write at which the server breaks off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Break {
    /// It is refused: the client stopped just before it.
    Before,
    /// It is done, but the answer is lost: the client stopped just after it.
    After,
}

#[derive(Default)]
struct Rules {
    state: Mutex<State>,
    writes: AtomicUsize,
    /// What the server decides on a condition, it does before it looks at the next one.
    one_by_one: tokio::sync::Mutex<()>,
}

/// What happens once.
type Act = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    break_at: Option<(usize, Break)>,
    claims_meet: Option<(Arc<Barrier>, usize)>,
    hold_log: Option<Arc<Notify>>,
    log: Vec<String>,
    /// Take every write, whatever its condition.
    heedless: bool,
    /// What happens just before the first request of that method whose path has that text in it.
    first: Option<(Method, String, Act)>,
    /// Requests of that method whose path has that text in it are refused.
    refused: Option<(Method, String)>,
}

impl S3 {
    /// Starts a server with an empty bucket.
    pub fn start() -> Self {
        Self::serve(true)
    }

    /// Starts a server that asks for no signature and ignores If-None-Match.
    pub fn start_heedless() -> Self {
        let s3 = Self::serve(false);
        s3.state(|state| state.heedless = true);
        s3
    }

    fn serve(signed: bool) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join(BUCKET)).expect("a bucket");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).expect("a file system"));
        if signed {
            builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        }
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let rules = Arc::new(Rules::default());
        let kept = Arc::clone(&rules);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(accept(listener, service, kept));
        });
        Self { root, address, rules }
    }

    /// The environment of a client.
    pub fn env(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        let pairs = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Where the object with that key, or the folder of such keys, lies on disk.
    pub fn at(&self, key: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(key)
    }

    /// Puts a copy of everything in a local folder below a prefix.
    pub fn load(&self, folder: &Path, prefix: &str) {
        copy(folder, &self.at(prefix));
    }

    /// Counts writes from 1 on, and breaks off at the given one, if any.
    pub fn break_at(&self, write: Option<(usize, Break)>) {
        self.rules.writes.store(0, Ordering::SeqCst);
        self.state(|state| {
            state.break_at = write;
            state.log.clear();
        });
    }

    /// Holds back the first claim until there are two.
    pub fn let_claims_meet(&self) {
        self.state(|state| state.claims_meet = Some((Arc::new(Barrier::new(2)), 2)));
    }

    /// Holds back the next write of LOG until the answer is called.
    pub fn hold_log(&self) -> impl FnOnce() + use<> {
        let held = Arc::new(Notify::new());
        self.state(|state| state.hold_log = Some(Arc::clone(&held)));
        move || held.notify_one()
    }

    /// Has something happen just before the first request of a method whose path has `text` in it.
    pub fn before_first(&self, method: &Method, text: &str, act: impl FnOnce() + Send + 'static) {
        self.state(|state| state.first = Some((method.clone(), text.to_owned(), Box::new(act))));
    }

    /// Refuses requests of a method whose path has `text` in it, as a bucket's policy does.
    pub fn refuse(&self, method: &Method, text: &str) {
        self.state(|state| state.refused = Some((method.clone(), text.to_owned())));
    }

    /// The writes since counting began.
    pub fn writes(&self) -> Vec<String> {
        self.state(|state| state.log.clone())
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        self.rules.state(look)
    }
}

impl Rules {
    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().expect("no test has panicked in here"))
    }
}

/// Copies a folder, times of change included.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder is listed") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
            continue;
        }
        fs::copy(&from, &to).expect("a file is copied");
        let changed = entry.metadata().expect("metadata").modified().expect("a time");
        fs::File::options().append(true).open(&to).expect("a file").set_modified(changed).expect("a time is set");
    }
}

async fn accept(listener: TcpListener, service: S3Service, rules: Arc<Rules>) {
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((socket, _)) = listener.accept().await {
        let (service, rules) = (service.clone(), Arc::clone(&rules));
        let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&rules), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
    }
}

async fn answer(
    service: S3Service,
    rules: Arc<Rules>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let is_it = |method: &Method, text: &str| request.method() == method && request.uri().path().contains(text);
    if let Some((.., act)) = rules.state(|state| state.first.take_if(|(method, text, _)| is_it(method, text))) {
        act();
    }
    if rules.state(|state| state.refused.as_ref().is_some_and(|(method, text)| is_it(method, text))) {
        return Ok(broken_off());
    }
    if request.method() != Method::PUT && request.method() != Method::POST {
        return service.call(request.map(Body::from)).await;
    }
    let number = rules.writes.fetch_add(1, Ordering::SeqCst) + 1;
    let break_at = rules.state(|state| {
        state.log.push(format!("{} {}", request.method(), request.uri()));
        if state.heedless {
            request.headers_mut().remove(IF_NONE_MATCH);
        }
        state.break_at
    });
    let meet = rules.state(|state| match &mut state.claims_meet {
        Some((barrier, left)) if *left > 0 && request.uri().path().contains("/claims/") => {
            *left -= 1;
            Some(Arc::clone(barrier))
        }
        _ => None,
    });
    if let Some(barrier) = meet {
        barrier.wait().await;
    }
    let held = rules.state(|state| request.uri().path().ends_with("/LOG").then(|| state.hold_log.take()).flatten());
    if let Some(held) = held {
        held.notified().await;
    }
    let _turn = rules.one_by_one.lock().await;
    match break_at {
        Some((at, how)) if number > at || (number == at && how == Break::Before) => {
            let mut body = request.into_body();
            while poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_some() {}
            Ok(broken_off())
        }
        Some((at, Break::After)) if number == at => service.call(request.map(Body::from)).await.map(|_| broken_off()),
        _ => service.call(request.map(Body::from)).await,
    }
}

/// An answer that the client does not ask again after.
fn broken_off() -> Response<Body> {
    let mut response = Response::new(Body::from("<Error><Code>AccessDenied</Code></Error>".to_owned()));
    *response.status_mut() = hyper::StatusCode::FORBIDDEN;
    response
}
