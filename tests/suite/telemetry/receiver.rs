//! A host that receives run events, on the loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What was posted.
#[derive(Debug)]
pub struct Posted {
    /// The request line and headers, in small letters.
    pub head: String,
    /// The event.
    pub event: Value,
}

/// Starts a host that answers with `status`, or never; its URL, and what it receives.
pub fn start(status: Option<u16>) -> (String, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("as it is made");
    let url = format!("http://{}", listener.local_addr().expect("as it is made"));
    let (posted, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let posted = posted.clone();
            thread::spawn(move || {
                let stream = stream.expect("as it is made");
                let request = read(&stream);
                let _ = posted.send(request);
                match status {
                    Some(status) => {
                        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                        (&stream).write_all(answer.as_bytes()).expect("as it is made");
                    }
                    None => thread::sleep(Duration::from_secs(60)),
                }
            });
        }
    });
    (url, received)
}

fn read(stream: &TcpStream) -> Posted {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("as it is made");
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().expect("as it is made");
        }
        head += &format!("{line}\n");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("as it is made");
    Posted { head, event: serde_json::from_slice(&body).expect("as it is made") }
}
