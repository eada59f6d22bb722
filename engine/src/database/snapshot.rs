//! The rows of a database as CSV: the same rows give the same bytes, whichever database they are of.
//!
//! It is what PostgreSQL's `COPY ... (FORMAT csv)` writes: NULL is nothing, the empty text is `""`,
//! and what holds a comma, a quote or a line end is quoted.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use memchr::memchr3;
use zstd::stream::write::Encoder;

use super::Fault;

const BUFFER: usize = 1 << 18;
const LEVEL: i32 = 1;

/// A copy that is being written.
pub struct Snapshot {
    out: Out,
    /// Whether the next value is the first of its row.
    first: bool,
}

enum Out {
    Plain(BufWriter<File>),
    Compressed(Box<Encoder<'static, File>>),
}

impl Snapshot {
    /// Begins a copy with a header of these names.
    pub fn create<'a>(path: &Path, names: impl Iterator<Item = &'a str>, compressed: bool) -> Result<Self, Fault> {
        let open = || {
            let file = File::create(path)?;
            Ok(match compressed {
                true => Out::Compressed(Box::new(Encoder::new(file, LEVEL)?)),
                false => Out::Plain(BufWriter::with_capacity(BUFFER, file)),
            })
        };
        let mut snapshot = Self { out: open().map_err(Fault::writing)?, first: true };
        for name in names {
            snapshot.value(Some(name.as_bytes()))?;
        }
        snapshot.end_row()?;
        Ok(snapshot)
    }

    /// Appends a value to the row.
    pub fn value(&mut self, value: Option<&[u8]>) -> Result<(), Fault> {
        let comma: &[u8] = if std::mem::take(&mut self.first) { b"" } else { b"," };
        self.write(comma)?;
        let Some(text) = value else { return Ok(()) };
        let plain = !text.is_empty() && memchr3(b',', b'"', b'\n', text).is_none() && !text.contains(&b'\r');
        if plain {
            return self.write(text);
        }
        self.write(b"\"")?;
        for (n, part) in text.split(|&byte| byte == b'"').enumerate() {
            if n > 0 {
                self.write(b"\"\"")?;
            }
            self.write(part)?;
        }
        self.write(b"\"")
    }

    /// Ends the row.
    pub fn end_row(&mut self) -> Result<(), Fault> {
        self.first = true;
        self.write(b"\n")
    }

    /// Appends rows that are written as they should be.
    pub fn rows(&mut self, csv: &[u8]) -> Result<(), Fault> {
        self.write(csv)
    }

    /// Ends the copy.
    pub fn finish(self) -> Result<(), Fault> {
        let finish = || -> io::Result<()> {
            match self.out {
                Out::Plain(mut out) => out.flush(),
                Out::Compressed(out) => out.finish().map(drop),
            }
        };
        finish().map_err(Fault::writing)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match &mut self.out {
            Out::Plain(out) => out.write_all(bytes),
            Out::Compressed(out) => out.write_all(bytes),
        }
        .map_err(Fault::writing)
    }
}
