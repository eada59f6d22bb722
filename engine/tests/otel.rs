//! Traces as they arrive at a collector. Only with the feature `otel`.
#![cfg(feature = "otel")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const DATE: &str = "2026-11-20";

const CONFIG: &str = r#"institution = "Caja de Prueba"
series = "daily-movements"
deadline = "06:00"
currency = "MXN"

[signing]
key = "key"
principal = "tests@cuadre.example"
create = true

[warehouse.files]
files = "warehouse/{date}.csv"
format = "csv"
columns = { source = "source", id = "id", booked_on = "date", account = "account", amount = "amount" }

[report]
columns = [{ field = "id" }, { field = "amount" }]

[[source]]
id = "a"
[source.extract]
files = "landing/{date}.csv"
format = "csv"
columns = { id = "id", booked_on = "date", account = "account", amount = "amount" }
"#;

/// A night in a folder of its own, told to a collector; its exit code and stderr.
fn night(endpoint: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("cuadre.toml", CONFIG);
    write(&format!("landing/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    let output = run(folder.path(), endpoint);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn run(folder: &Path, endpoint: &str) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cuadre"));
    command.args(["run", "--config", "cuadre.toml", "--date", DATE, "--log", "log"]).current_dir(folder);
    command.env("SOURCE_DATE_EPOCH", "1795261200").env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.env("NO_PROXY", "127.0.0.1").output().expect("cuadre runs")
}

#[test]
fn a_collector_gets_a_span_for_the_run_and_for_each_stage() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let (sent, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            sent.send(answer(&stream)).expect("the test listens");
        }
    });
    let (code, stderr) = night(&endpoint);
    assert_eq!(code, Some(0), "{stderr}");
    let mut spans = Vec::new();
    for (path, body) in received.try_iter() {
        assert_eq!(path, "POST /v1/traces HTTP/1.1");
        // ExportTraceServiceRequest: resource_spans 1, scope_spans 2, spans 2.
        let bodies = fields(&body, 1).into_iter().flat_map(|body| fields(body, 2)).flat_map(|body| fields(body, 2));
        spans.extend(bodies.map(Span::read));
        assert!(body.windows(6).any(|bytes| bytes == b"cuadre"), "the service has a name");
    }
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:?}"));
    let run = named("run");
    assert_eq!(run.parent, b"");
    for (name, parent) in
        [("receive", "run"), ("reconcile", "run"), ("load", "reconcile"), ("report", "run"), ("file", "run")]
    {
        let span = named(name);
        assert_eq!(span.parent, named(parent).id, "{name}: {spans:?}");
        assert_eq!(span.trace, run.trace, "{name}");
        assert!(run.start <= span.start && span.start <= span.end && span.end <= run.end, "{name}: {spans:?}");
    }
    assert_eq!(spans.len(), 6, "{spans:?}");
}

/// No collector stops a filing, and one that never answers delays its end by no more than seconds.
#[test]
fn no_collector_stops_a_filing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", silent.local_addr().expect("an address"));
    for (endpoint, words) in [(silent, "traces are not sent, or not all"), ("http://127.0.0.1:1".to_owned(), "lost")] {
        let began = Instant::now();
        let (code, stderr) = night(&endpoint);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.contains(words), "{endpoint}: {stderr}");
        assert!(began.elapsed() < Duration::from_secs(60), "{endpoint}: {:?}", began.elapsed());
    }
}

/// Takes one request; its first line and body.
fn answer(mut stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map(|line| line.expect("a line"));
    let first = lines.next().expect("a request");
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
    assert!(headers.contains(&"content-type: application/x-protobuf".to_owned()), "{headers:?}");
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).expect("a body");
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").expect("an answer");
    (first, body)
}

#[derive(Debug)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    start: u64,
    end: u64,
}

impl Span {
    fn read(bytes: &[u8]) -> Self {
        let of = |number| fields(bytes, number).first().map(|bytes| bytes.to_vec()).unwrap_or_default();
        let time = |number| u64::from_le_bytes(of(number).try_into().expect("a fixed64"));
        let name = String::from_utf8(of(5)).expect("a name");
        Self { trace: of(1), id: of(2), parent: of(4), name, start: time(7), end: time(8) }
    }
}

/// The contents of the fields of that number in a message of Protocol Buffers; numbers other than fixed64 are
/// passed over.
fn fields(mut bytes: &[u8], number: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                varint(&mut bytes);
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            kind => panic!("no kind of field: {kind}"),
        };
        let (content, rest) = bytes.split_at(length);
        bytes = rest;
        if key >> 3 == number {
            found.push(content);
        }
    }
    found
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a byte");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}
