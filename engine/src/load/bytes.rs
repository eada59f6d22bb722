//! The bytes of an input: decompressed, and bounded.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use cuadre_rules::config::Limits;
use cuadre_rules::said;
use flate2::read::MultiGzDecoder;

use super::record::Unreadable;

const BUFFER: usize = 1 << 16;
/// Up to here a file may expand freely: small repetitive extracts compress a thousandfold.
const FREE_EXPANSION: u64 = 64 << 20;

/// Opens a file; gzip and zstd are recognised by their first bytes. The counter says how much of the
/// file, as it lies there, is taken.
pub fn open(path: &Path, limits: &Limits) -> io::Result<(Box<dyn BufRead>, Taken)> {
    let file = File::open(path)?;
    let compressed = file.metadata()?.len();
    let taken = Taken::default();
    let mut file = BufReader::with_capacity(BUFFER, Counted { file, taken: Rc::clone(&taken) });
    let decoder: Box<dyn Read> = match file.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(file)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        _ => return Ok((Box::new(file), taken)),
    };
    let most = most_expanded(compressed, limits);
    Ok((Box::new(BufReader::with_capacity(BUFFER, Bounded { inner: decoder, left: most, most })), taken))
}

/// Bytes that were taken from a file.
pub type Taken = Rc<Cell<u64>>;

struct Counted {
    file: File,
    taken: Taken,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.taken.set(self.taken.get() + read as u64);
        Ok(read)
    }
}

/// The bytes that `compressed` bytes may become.
pub fn most_expanded(compressed: u64, limits: &Limits) -> u64 {
    limits.decompressed_bytes.min(compressed.saturating_mul(limits.expansion).max(FREE_EXPANSION))
}

/// Why a file is refused that decompresses to more than `most` bytes.
pub fn too_expanded(most: u64) -> Unreadable {
    Unreadable(said!(
        "it decompresses to more than {most} bytes; if it is no decompression bomb, raise limits.expansion or \
         limits.decompressed_bytes",
        "descomprimido tiene más de {most} bytes; si no es una bomba de descompresión, aumente limits.expansion o \
         limits.decompressed_bytes"
    ))
}

/// Stops a decompression bomb.
struct Bounded<R> {
    inner: R,
    left: u64,
    most: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).map_err(|error| {
            Unreadable(said!(
                "it is cut, or its compression is damaged ({error}); have it sent again",
                "está cortado o su compresión está dañada («{error}»); pida que se envíe de nuevo"
            ))
        })?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(too_expanded(self.most).into()),
        }
        Ok(read)
    }
}

/// Counts the bytes taken since the last record, and refuses to take many more than a record may
/// have: one stray quote must not swallow a file into memory. What is taken ahead of a record
/// counts as well, so the reader of records has the last word on their size.
pub struct RecordGuard<R> {
    inner: R,
    taken: Taken,
    most: u64,
}

impl<R: Read> RecordGuard<R> {
    /// Guards `inner`; the returned counter is to be set to 0 after each record.
    pub fn new(inner: R, most: u64) -> (Self, Taken) {
        let taken = Taken::default();
        (Self { inner, taken: Rc::clone(&taken), most }, taken)
    }
}

impl<R: Read> Read for RecordGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken.get() > self.most.max(BUFFER as u64) {
            return Err(too_large(self.most).into());
        }
        let read = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + read as u64);
        Ok(read)
    }
}

/// Reads one line without its end into `line`; `false` at the end of the file.
pub fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>, most: u64) -> io::Result<bool> {
    line.clear();
    let read = input.take(most + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if read as u64 > most {
        return Err(too_large(most).into());
    }
    Ok(read > 0)
}

/// Why a record of more than `most` bytes is refused.
pub fn too_large(most: u64) -> Unreadable {
    Unreadable(said!(
        "a record is larger than {most} bytes (an unclosed quote?); raise limits.record_bytes if it is meant to be",
        "un registro tiene más de {most} bytes (¿comillas sin cerrar?); si es lo previsto, aumente limits.record_bytes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 65 MiB in a zstd frame of blocks that repeat one byte.
    fn bomb() -> Vec<u8> {
        const BLOCK: u32 = 1 << 17;
        let blocks = 65 * (1 << 20) / BLOCK;
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38].into_iter();
        frame
            .chain((1..=blocks).flat_map(|n| {
                let [a, b, c, _] = (BLOCK << 3 | 1 << 1 | u32::from(n == blocks)).to_le_bytes();
                [a, b, c, b'\n']
            }))
            .collect()
    }

    #[test]
    fn a_ratio_counts_past_what_is_free() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bomb()).unwrap();
        let expand = |expansion| {
            let limits = Limits { expansion, ..Limits::default() };
            io::copy(&mut open(file.path(), &limits).unwrap().0, &mut io::sink()).map_err(Unreadable::from)
        };
        assert_eq!(expand(1 << 20), Ok(65 << 20));
        assert_eq!(expand(200), Err(too_expanded(FREE_EXPANSION)));
    }
}
