//! Both sides of the end-to-end reconciliation, folded into one sketch while they are loaded.
//!
//! Beside the movements of a file lies the fingerprint of each movement's key, 4 bytes a row, so
//! that the rows of a differing key are found without reading any other.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cuadre_rules::end_to_end::{Comparison, Side, encode};
use cuadre_rules::movement::{Columns, Field};
use cuadre_rules::sketch::{Digester, Folder, KEY_BYTES, RowDigest, Sketch};

use crate::error::EngineError;
use crate::load::columns::Movements;

/// The night's movements, as far as they are loaded.
pub struct Folding<'a> {
    plan: &'a [Comparison],
    /// By source of the plan: whether it is folded. What cannot match anything would only fill
    /// the sketch.
    folded: Vec<bool>,
    digester: Digester,
    sum: Mutex<Folded>,
    /// Empty sketches: memory that was used before is cheaper than fresh.
    spare: Mutex<Vec<Sketch>>,
}

/// What was folded.
#[derive(Debug, Default)]
pub struct Folded {
    /// The sketch of both sides.
    pub sketch: Sketch,
    /// Source movements of each source of the plan.
    pub movements: Vec<u64>,
    /// Files whose movements these are.
    pub files: HashSet<PathBuf>,
}

impl<'a> Folding<'a> {
    /// Nothing folded yet; movements of the sources of `plan` that are `folded` will be, under a key
    /// that is fresh from the operating system.
    pub fn new(plan: &'a [Comparison], folded: Vec<bool>) -> Result<Self, EngineError> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|error| {
            EngineError::io("drawing the key of the sketch", Path::new("the operating system"), error.into())
        })?;
        Ok(Self::with_key(plan, folded, &key))
    }

    /// Movements are loaded and not folded.
    pub fn idle() -> Self {
        Self::with_key(&[], Vec::new(), &[0; KEY_BYTES])
    }

    /// The same under a given key.
    pub fn with_key(plan: &'a [Comparison], folded: Vec<bool>, key: &[u8; KEY_BYTES]) -> Self {
        let sum = Folded { movements: vec![0; plan.len()], ..Folded::default() };
        Self { plan, folded, digester: Digester::new(plan, key), sum: Mutex::new(sum), spare: Mutex::default() }
    }

    /// Begins the fold of a file whose movements are staged at `staged`; there is none where nothing is folded.
    pub fn file(&self, side: Side, staged: &Path) -> Result<Option<FileFold<'_>>, EngineError> {
        if self.plan.is_empty() {
            return Ok(None);
        }
        let path = fingerprints_of(staged);
        let out = File::create(&path).map_err(|e| EngineError::io("listing the keys' fingerprints", &path, e))?;
        Ok(Some(FileFold {
            folding: self,
            side,
            staged: staged.to_owned(),
            folder: Folder::new(side, self.spare().pop().unwrap_or_default()),
            movements: vec![0; self.plan.len()],
            digests: Vec::new(),
            fingerprints: Vec::new(),
            out,
        }))
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Sketch>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the fold.
    pub fn finish(self) -> (Vec<bool>, Digester, Folded) {
        (self.folded, self.digester, self.sum.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The fold of one file. Dropped before [`FileFold::finish`], it leaves the night's as it was.
pub struct FileFold<'a> {
    folding: &'a Folding<'a>,
    side: Side,
    staged: PathBuf,
    folder: Folder,
    /// Source movements of each source of the plan.
    movements: Vec<u64>,
    /// Of the batch in hand; kept for their memory.
    digests: Vec<RowDigest>,
    fingerprints: Vec<u8>,
    out: File,
}

impl FileFold<'_> {
    /// Folds the next movements of the file, in record order.
    pub fn add(&mut self, movements: &Movements) -> Result<(), EngineError> {
        let Folding { folded, digester, .. } = self.folding;
        self.fingerprints.clear();
        digester.digest(&Columns::of(&movements.batch), &movements.sources, &mut self.digests);
        self.fingerprints.extend(self.digests.iter().flat_map(|digest| digest.fingerprint.to_le_bytes()));
        retain_chosen(&mut self.digests, &movements.sources, folded);
        if self.side == Side::Source {
            let folded = movements.sources.iter().filter(|&&source| is_chosen(folded, source));
            folded.for_each(|&source| self.movements[usize::from(source)] += 1);
        }
        self.folder.add(&self.digests);
        self.out.write_all(&self.fingerprints).map_err(|e| self.failed(e))
    }

    /// Adds the file to the night.
    pub fn finish(self) {
        let mut sketch = self.folder.finish();
        let mut sum = self.folding.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.sketch.merge(&sketch);
        sketch.clear();
        self.folding.spare().push(sketch);
        for (sum, part) in sum.movements.iter_mut().zip(&self.movements) {
            *sum += part;
        }
        sum.files.insert(self.staged);
    }

    fn failed(&self, error: io::Error) -> EngineError {
        EngineError::io("listing the keys' fingerprints", &fingerprints_of(&self.staged), error)
    }
}

/// A row as the exact comparison sees it. Rows have the same bytes where their digests are made of the same
/// words.
pub struct RowEncoder<'a> {
    plan: &'a [Comparison],
    /// The 0-based place of its source in the plan (2 bytes), its key, the compared values.
    pub bytes: Vec<u8>,
    /// How many of the bytes are the key.
    pub key_length: usize,
}

impl<'a> RowEncoder<'a> {
    /// Encodes rows as `plan` compares them.
    pub fn new(plan: &'a [Comparison]) -> Self {
        Self { plan, bytes: Vec::new(), key_length: 0 }
    }

    /// The 0-based place of each row's source in the plan; one past its end where it has none.
    pub fn sources(&self, columns: &Columns<'_>) -> Vec<u16> {
        let place = |row| {
            let source = columns.text(Field::Source, row).unwrap_or_default();
            let place = self.plan.iter().position(|comparison| comparison.source == source);
            place.unwrap_or(self.plan.len()) as u16
        };
        (0..columns.rows()).map(place).collect()
    }

    /// Encodes a row of the source with that place.
    pub fn encode(&mut self, columns: &Columns<'_>, row: usize, source: u16) {
        let Comparison { key, compare, .. } = &self.plan[usize::from(source)];
        self.bytes.clear();
        self.bytes.extend_from_slice(&source.to_be_bytes());
        encode(columns, row, key, &mut self.bytes);
        self.key_length = self.bytes.len();
        encode(columns, row, compare, &mut self.bytes);
        if key.is_empty() {
            // Without a key the whole row is one.
            self.key_length = self.bytes.len();
        }
    }
}

/// Whether a source is among those `chosen` from the plan.
pub fn is_chosen(chosen: &[bool], source: u16) -> bool {
    chosen.get(usize::from(source)) == Some(&true)
}

/// Keeps the digests of rows whose sources, row by row, are among those `chosen`.
pub fn retain_chosen(digests: &mut Vec<RowDigest>, sources: &[u16], chosen: &[bool]) {
    let mut sources = sources.iter();
    digests.retain(|_| sources.next().is_some_and(|&source| is_chosen(chosen, source)));
}

/// The 0-based rows of the file staged at `staged` whose key has one of `fingerprints`.
pub fn rows_of(staged: &Path, fingerprints: &HashSet<u32>) -> Result<Vec<usize>, EngineError> {
    rows_with(&fingerprints_of(staged), fingerprints)
}

/// The 0-based rows whose word, 4 little-endian bytes a row in the file at `path`, is one of `words`.
pub fn rows_with(path: &Path, words: &HashSet<u32>) -> Result<Vec<usize>, EngineError> {
    let failed = |e| EngineError::io("reading the keys' fingerprints", path, e);
    // Nearly every row is passed over by this one look at a table that stays in the nearest memory.
    let mut maybe = vec![false; 1 << 16];
    words.iter().for_each(|word| maybe[*word as usize >> 16] = true);
    let mut input = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let (mut rows, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    let mut first = 0;
    loop {
        let read = read_full(&mut input, &mut buffer).map_err(failed)?;
        let (chunk, _) = buffer[..read].as_chunks::<4>();
        for (row, word) in (first..).zip(chunk) {
            let word = u32::from_le_bytes(*word);
            if maybe[word as usize >> 16] && words.contains(&word) {
                rows.push(row);
            }
        }
        first += chunk.len();
        if read < buffer.len() {
            return Ok(rows);
        }
    }
}

fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match input.read(&mut buffer[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

fn fingerprints_of(staged: &Path) -> PathBuf {
    staged.with_extension("fingerprints")
}
