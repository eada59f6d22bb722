//! Processes that are killed at a chosen call, and what a loss of power at that moment would leave.
//!
//! A library that is preloaded (`crash/shim.c`, compiled by the test) counts the calls by which a process changes
//! what lies below a folder, and those that make it last. At one of them it ends the process by SIGKILL. It also
//! writes down what each call did, from which [`disk::Disk`] knows what is safe on the disk, and what is not yet.

pub mod disk;

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use crate::{Done, Place};

/// [`Done::code`] of a process that was killed.
pub const KILLED: i32 = -9;

/// What a night keeps for a run after it need not outlast a loss of power, and calls there come in any order: they
/// are not counted.
pub const PASSED_OVER: &str = "filings.night";

/// The compiled library.
pub struct Shim {
    folder: tempfile::TempDir,
}

/// What becomes of the call at which a process is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is not made.
    Before,
    /// It is made; if it writes, only half of the bytes are written.
    Half,
    /// It is made.
    After,
}

/// What a call did. Paths are relative to the folder; the folder itself is `.`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// It failed, or opened a file that was there.
    Nothing,
    /// Made a file, with these permissions.
    Create(String, u32),
    /// Wrote bytes at an offset of a file.
    Write(String, usize, Vec<u8>),
    /// Set the length of a file.
    Truncate(String, usize),
    /// Made the content of a file, or the names in a folder, last.
    Sync(String),
    /// Made a folder.
    MakeFolder(String),
    /// Took away a name.
    Remove(String),
    /// Gave another name.
    Rename(String, String),
    /// Gave one name more.
    Link(String, String),
}

impl Shim {
    /// Compiles the library; `None`, said on stderr, where there is no C compiler.
    ///
    /// # Panics
    /// If it cannot be compiled, or there is no compiler where `CI` is set.
    pub fn compile() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = crate::workspace().join("tests/src/crash/shim.c");
        let flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"];
        match Command::new("cc").args(flags).arg(source).arg("-o").arg(folder.path().join("shim.so")).output() {
            Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "cc must be installed where CI is set: {error}");
                eprintln!("SKIPPED: cc cannot be run ({error}), so no process was killed");
                return None;
            }
        }
        Some(Self { folder })
    }

    /// Runs `cuadre` in a place, to be killed at a call below its folder `below`, counted from 1; what it came
    /// to, and the calls that were made.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        place: &Place,
        below: &str,
        args: &[S],
        kill: Option<(usize, How)>,
    ) -> (Done, Vec<Call>) {
        self.run_with(place, below, args, kill, &[])
    }

    /// Runs `cuadre` in a place where the disk of the folder `folder` of `filings` fails: once so many bytes are
    /// written there, every write ends with this error number.
    pub fn run_failing<S: AsRef<OsStr>>(
        &self,
        place: &Place,
        args: &[S],
        folder: &str,
        errno: i32,
        spare: usize,
    ) -> Done {
        let fault = [("CRASH_FAULT", format!("{folder}/")), ("CRASH_ERRNO", errno.to_string())];
        let fault = [&fault[..], &[("CRASH_SPARE", spare.to_string())]].concat();
        self.run_with(place, "filings", args, None, &fault).0
    }

    fn run_with<S: AsRef<OsStr>>(
        &self,
        place: &Place,
        below: &str,
        args: &[S],
        kill: Option<(usize, How)>,
        more: &[(&str, String)],
    ) -> (Done, Vec<Call>) {
        let trace = tempfile::NamedTempFile::new_in(self.folder.path()).expect("a temporary file");
        let root = place.at(below).canonicalize().expect("a folder");
        let (at, how) = kill.unwrap_or((0, How::Before));
        let env = [
            ("LD_PRELOAD", self.folder.path().join("shim.so").display().to_string()),
            ("CRASH_BELOW", root.display().to_string()),
            ("CRASH_NOT", PASSED_OVER.to_owned()),
            ("CRASH_TRACE", trace.path().display().to_string()),
            ("CRASH_AT", at.to_string()),
            ("CRASH_HOW", format!("{how:?}").to_lowercase()),
        ];
        let env: Vec<(String, String)> =
            env.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let done = place.cuadre_with(args, &env);
        (done, calls(&fs::read(trace.path()).expect("the calls are read")))
    }
}

/// Reads what the library wrote down.
fn calls(mut text: &[u8]) -> Vec<Call> {
    let mut calls = Vec::new();
    while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
        let line = std::str::from_utf8(&text[..end]).expect("plain names");
        text = &text[end + 1..];
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| word.parse().expect("a number");
        calls.push(match words[..] {
            ["nothing"] => Call::Nothing,
            ["create", path, mode] => Call::Create(path.to_owned(), u32::from_str_radix(mode, 8).expect("a mode")),
            ["write", path, offset, length] => {
                let (bytes, rest) = text.split_at(number(length));
                text = rest;
                Call::Write(path.to_owned(), number(offset), bytes.to_owned())
            }
            ["truncate", path, length] => Call::Truncate(path.to_owned(), number(length)),
            ["sync", path] => Call::Sync(path.to_owned()),
            ["mkdir", path] => Call::MakeFolder(path.to_owned()),
            ["remove", path] => Call::Remove(path.to_owned()),
            ["rename", from, to] => Call::Rename(from.to_owned(), to.to_owned()),
            ["link", from, to] => Call::Link(from.to_owned(), to.to_owned()),
            _ => panic!("no call: {line}"),
        });
    }
    calls
}
