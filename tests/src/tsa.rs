//! A time stamping authority for tests: `openssl ts` behind an HTTP server on the loopback, in the test's
//! own process, with keys of its own and a clock that the test sets. It can be told to fail.

use std::fs;
use std::future::{pending, poll_fn};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::Body;

use crate::ISSUED_AT;
use crate::servers::{path_with, told};

/// What an authority signs with, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ECDSA on P-256 with SHA-256, its certificate named by SHA-1; responses, with an accuracy and milliseconds.
    Ec,
    /// RSA of 2048 bits with SHA-512, its certificate named by SHA-256; responses, of whole seconds.
    Rsa,
    /// As those who issue NOM-151's conservation certificates: RSA with SHA-256, by a certificate for
    /// e-mail and clients, and tokens with certificates in them instead of responses.
    Nom151,
}

/// How an authority fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It answers with this status of HTTP.
    Status(u16),
    /// It closes the connection without an answer.
    Closes,
    /// It never answers.
    Silent,
    /// It answers with a web page.
    Garbage,
    /// It stamps other bytes, with the right nonce.
    OtherBytes,
    /// It stamps the right bytes, with another nonce.
    OtherNonce,
    /// It refuses.
    Refuses,
    /// Its answer has 8 MiB.
    Huge,
}

/// A running authority. Its files go when it is dropped; the server goes with the process.
pub struct Tsa {
    address: SocketAddr,
    authority: Arc<Authority>,
    /// Whose turn it is to have a token made.
    turn: Mutex<()>,
}

struct Authority {
    kind: Kind,
    folder: tempfile::TempDir,
    state: Mutex<State>,
}

struct State {
    epoch: i64,
    failures: Vec<Failure>,
    requests: Vec<Asked>,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub at: Instant,
    /// The type that it says its content is of.
    pub content_type: String,
    /// Who says they ask, with what password, as HTTP has it.
    pub authorization: Option<String>,
}

impl Tsa {
    /// Starts an authority whose clock stands at [`ISSUED_AT`], or `None`, said on stderr, where there
    /// is no `openssl` or no `cc`.
    ///
    /// # Panics
    /// Without them where `CI` is set.
    pub fn start(kind: Kind) -> Option<Self> {
        let tools = path_with(&["openssl", "cc"]).map(|_| Ok::<_, String>(()));
        told(("OpenSSL or C compiler", "openssl and build-essential"), tools)?;
        let folder = tempfile::Builder::new().prefix("cuadre-tsa-").tempdir().expect("a temporary folder");
        for (name, text) in
            [("openssl.cnf", include_str!("tsa/openssl.cnf")), ("clock.c", include_str!("tsa/clock.c")), ("log", "")]
        {
            fs::write(folder.path().join(name), text).expect("a file is written");
        }
        let state = State { epoch: ISSUED_AT.parse().expect("a number"), failures: Vec::new(), requests: Vec::new() };
        let authority = Arc::new(Authority { kind, folder, state: Mutex::new(state) });
        authority.script(include_str!("tsa/make.sh"), "", &[]);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let served = Arc::downgrade(&authority);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(accept(listener, served));
        });
        Some(Self { address, authority, turn: Mutex::new(()) })
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The certificate that it signs with.
    pub fn pem(&self) -> Vec<u8> {
        fs::read(self.folder().join("leaf.pem")).expect("a certificate")
    }

    /// Where its files are: `leaf.pem`, the authority over it `root.pem`, and the keys `*.key`.
    pub fn folder(&self) -> &Path {
        self.authority.folder.path()
    }

    /// Sets its clock, in seconds since 1970.
    pub fn set_time(&self, epoch: i64) {
        self.authority.state(|state| state.epoch = epoch);
    }

    /// Has it fail at the next `times` requests.
    pub fn fail_next(&self, times: usize, how: Failure) {
        self.authority.state(|state| state.failures.extend(vec![how; times]));
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.authority.state(|state| state.requests.clone())
    }

    /// What it answers when asked to stamp `message`, as [`Kind`] says.
    pub fn token_for(&self, message: &[u8]) -> Vec<u8> {
        self.token_with(message, &["-sha256"])
    }

    /// The same, asked with other options of `openssl ts -query`.
    pub fn token_with(&self, message: &[u8], options: &[&str]) -> Vec<u8> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.token(message, options)
    }

    /// The same, by a clock that is set first: tests may share an authority.
    pub fn token_at(&self, epoch: i64, message: &[u8], options: &[&str]) -> Vec<u8> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.set_time(epoch);
        self.token(message, options)
    }

    fn token(&self, message: &[u8], options: &[&str]) -> Vec<u8> {
        let file = self.folder().join("message");
        fs::write(&file, message).expect("a file is written");
        let query =
            self.openssl(&[&["ts", "-query", "-config", "openssl.cnf", "-data", "message"], options].concat(), b"");
        self.reply(&query)
    }

    /// What it answers to a request.
    pub fn reply(&self, request: &[u8]) -> Vec<u8> {
        self.authority.answer(request, false)
    }

    /// What `openssl` makes of `input` in its folder, by its clock.
    ///
    /// # Panics
    /// With what it says, if it fails.
    pub fn openssl(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = Command::new("openssl");
        command.args(args).env("LD_PRELOAD", "./clock.so");
        succeeded(self.authority.run(command, "", input))
    }
}

impl Authority {
    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, request: &[u8], refuses: bool) -> Vec<u8> {
        let section = match self.kind {
            _ if refuses => "refuses",
            Kind::Ec => "ec",
            Kind::Rsa | Kind::Nom151 => "rsa",
        };
        self.script(include_str!("tsa/answer.sh"), section, request)
    }

    fn script(&self, script: &str, section: &str, input: &[u8]) -> Vec<u8> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        succeeded(self.run(command, section, input))
    }

    fn run(&self, mut command: Command, section: &str, input: &[u8]) -> Output {
        let kind = match self.kind {
            Kind::Ec => "ec",
            Kind::Rsa => "rsa",
            Kind::Nom151 => "nom151",
        };
        command.envs([("LC_ALL", "C"), ("KIND", kind), ("SECTION", section), ("NAME", "")]);
        command.env("EPOCH", self.state(|state| state.epoch).to_string()).current_dir(self.folder.path());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("it runs");
        // One that fails does not read on; its own words say why.
        let _ = child.stdin.take().expect("its stdin").write_all(input);
        child.wait_with_output().expect("it ends")
    }
}

fn succeeded(output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

async fn accept(listener: TcpListener, authority: Weak<Authority>) {
    listener.set_nonblocking(true).expect("a listener");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((socket, _)) = listener.accept().await {
        let Some(authority) = authority.upgrade() else { return };
        let answer = service_fn(move |request| answer(Arc::clone(&authority), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
    }
}

async fn answer(authority: Arc<Authority>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let header = |name| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let asked = Asked {
        at: Instant::now(),
        content_type: header(CONTENT_TYPE).unwrap_or_default(),
        authorization: header(AUTHORIZATION),
    };
    let mut body = request.into_body();
    let mut query = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        query.extend(frame.map_err(io::Error::other)?.into_data().unwrap_or_default());
    }
    let failure = authority.state(|state| {
        state.requests.push(asked);
        (!state.failures.is_empty()).then(|| state.failures.remove(0))
    });
    let mut status = StatusCode::OK;
    let reply = match failure {
        None => authority.answer(&query, false),
        Some(Failure::Refuses) => authority.answer(&query, true),
        Some(Failure::Status(code)) => {
            status = StatusCode::from_u16(code).expect("a status");
            Vec::new()
        }
        Some(Failure::Closes) => return Err(io::Error::other("closed as the test wants it")),
        Some(Failure::Silent) => pending().await,
        Some(Failure::Garbage) => b"<html>Bienvenido</html>".to_vec(),
        Some(Failure::Huge) => vec![0x30; 8 << 20],
        Some(Failure::OtherBytes) => {
            let digest = query.windows(2).position(|pair| pair == [0x04, 0x20]).expect("a digest");
            query[digest + 2] ^= 1;
            authority.answer(&query, false)
        }
        Some(Failure::OtherNonce) => {
            *query.last_mut().expect("a nonce") ^= 1;
            authority.answer(&query, false)
        }
    };
    let mut response = Response::new(Body::from(reply));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, "application/timestamp-reply".parse().expect("a type"));
    Ok(response)
}
