//! One record as text, and the readers that yield records.

use std::fmt::Display;
use std::io;

use cuadre_rules::said;
use cuadre_rules::said::Said;

/// One record: its fields as text, by 0-based position. Reused from record to record.
#[derive(Debug, Default)]
pub struct Record {
    text: String,
    /// End of each field in `text`, and whether it is absent (NULL).
    fields: Vec<(usize, bool)>,
}

impl Record {
    /// Forgets every field.
    pub fn clear(&mut self) {
        self.text.clear();
        self.fields.clear();
    }

    /// Appends a field.
    pub fn push(&mut self, value: Option<&str>) {
        self.text.push_str(value.unwrap_or_default());
        self.fields.push((self.text.len(), value.is_none()));
    }

    /// Appends a field that `write` writes; where it returns false the field is absent.
    pub fn push_with(&mut self, write: impl FnOnce(&mut String) -> bool) {
        let present = write(&mut self.text);
        self.fields.push((self.text.len(), !present));
    }

    /// The field at a 0-based position; `None` where absent or past the end.
    pub fn get(&self, index: usize) -> Option<&str> {
        let &(end, absent) = self.fields.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.fields[before].0);
        (!absent).then(|| &self.text[start..end])
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Bytes of text in it.
    pub fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// The fields as one line, for evidence.
    pub fn line(&self) -> String {
        (0..self.len()).map(|n| self.get(n).unwrap_or_default()).collect::<Vec<_>>().join(" | ")
    }
}

/// What a reader came upon.
#[derive(Debug)]
pub enum Next {
    /// A record, now in the buffer.
    Record,
    /// A record that cannot be used.
    Refused(Refusal),
    /// The end of the file.
    End,
}

/// Why a record is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The column or field, where it is one.
    pub column: Option<String>,
    /// What was found.
    pub value: Option<String>,
    /// Why it is refused.
    pub reason: Said,
}

impl Refusal {
    /// A refusal of a whole record.
    pub fn of_record(record: &Record, reason: Said) -> Self {
        Self { column: None, value: Some(record.line()), reason }
    }
}

/// The texts of a trailer record, as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trailer {
    /// Record count.
    pub records: Option<String>,
    /// Amount total.
    pub amount: Option<String>,
    /// Hash total.
    pub hash_total: Option<String>,
}

/// A file that cannot be read on: nothing of it counts. It says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.en)]
pub struct Unreadable(pub Said);

impl Unreadable {
    /// For a reason in the words of somebody else.
    pub fn quoting(why: &dyn Display) -> Self {
        Self(Said::quoted(why))
    }

    /// It in words about the file of that name.
    pub fn of(&self, name: &str) -> Said {
        let why = &self.0;
        said!("{name} cannot be read: {why}", "no se puede leer {name}: {why}"; why)
    }

    /// It, which came up behind so many records.
    pub fn after(self, records: u64) -> Self {
        let why = self.0;
        Self(said!("after record {records}: {why}", "después del registro {records}: {why}"; why))
    }

    /// It, which came up in that line, counted from 1.
    pub fn at_line(self, line: u64) -> Self {
        let why = self.0;
        Self(said!("line {line}: {why}", "línea {line}: {why}"; why))
    }
}

/// What a file is unreadable for may reach us through readers of others, as an error of theirs.
impl From<Unreadable> for io::Error {
    fn from(unreadable: Unreadable) -> Self {
        Self::other(unreadable)
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        let ours = error.get_ref().and_then(|error| error.downcast_ref::<Self>());
        ours.cloned().unwrap_or_else(|| Self::quoting(&error))
    }
}

/// A reader of one record after the other.
pub trait Records {
    /// Column names by position; empty where the format has none. `None`: a file that should
    /// begin with them has nothing at all.
    fn header(&self) -> Option<&[String]>;

    /// Reads the next data record into `record`.
    fn next(&mut self, record: &mut Record) -> Result<Next, Unreadable>;

    /// The trailer record, once the end has been reached.
    fn trailer(&mut self) -> Option<Trailer> {
        None
    }
}

/// Keeps the one trailer a file may have.
pub fn keep_trailer(kept: &mut Option<Trailer>, trailer: Trailer) -> Result<(), Unreadable> {
    match kept.replace(trailer) {
        None => Ok(()),
        Some(_) => Err(Unreadable(said!(
            "the file has two trailer records; it may be two deliveries in one",
            "el archivo tiene dos registros de cierre; pueden ser dos entregas en una"
        ))),
    }
}
