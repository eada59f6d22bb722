//! JSON Lines: one object per line, numbers read as text.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io::BufRead;

use cuadre_rules::config::Limits;
use cuadre_rules::said;
use cuadre_rules::said::Said;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::bytes::read_line;
use super::record::{Next, Record, Records, Refusal, Unreadable};
use super::text::BYTE_ORDER_MARK;

/// Reads JSON objects, one per line. The columns are the names the mapping asks for; a dotted
/// name leads into nested objects.
pub struct JsonRecords {
    input: Box<dyn BufRead>,
    names: Vec<String>,
    most: u64,
    line: Vec<u8>,
    lines: u64,
}

impl JsonRecords {
    /// Prepares to read the values of `names`.
    pub fn new(input: Box<dyn BufRead>, names: Vec<String>, limits: &Limits) -> Self {
        Self { input, names, most: limits.record_bytes, line: Vec::new(), lines: 0 }
    }
}

/// The members of an object. One that comes twice has no one value: the error is of the deserializer, which knows where
/// it is, and the name is left in `twice`.
type Members<'a> = HashMap<String, &'a RawValue>;

struct Object<'t> {
    twice: &'t Cell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = HashMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value()?;
            match members.entry(name) {
                Entry::Vacant(free) => free.insert(value),
                Entry::Occupied(taken) => {
                    self.twice.set(Some(taken.key().clone()));
                    return Err(A::Error::custom("a member comes twice"));
                }
            };
        }
        Ok(members)
    }
}

impl Records for JsonRecords {
    fn header(&self) -> Option<&[String]> {
        Some(&self.names)
    }

    fn next(&mut self, record: &mut Record) -> Result<Next, Unreadable> {
        loop {
            let more = read_line(&mut *self.input, &mut self.line, self.most);
            self.lines += 1;
            if !more.map_err(|error| Unreadable::from(error).at_line(self.lines))? {
                return Ok(Next::End);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        record.clear();
        let bytes = self.line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.line);
        Ok(match members(bytes, &self.names, record) {
            Ok(()) => Next::Record,
            Err(reason) => {
                let value = Some(String::from_utf8_lossy(&self.line).into_owned());
                Next::Refused(Refusal { column: None, value, reason })
            }
        })
    }
}

/// Appends the members `names` of the object in `bytes` to `record`; `Err` says why it is none.
fn members(bytes: &[u8], names: &[String], record: &mut Record) -> Result<(), Said> {
    let object = object(bytes)?;
    for name in names {
        record.push(lookup(&object, name)?.as_deref());
    }
    Ok(())
}

fn object(bytes: &[u8]) -> Result<Members<'_>, Said> {
    let twice = Cell::new(None);
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = Object { twice: &twice }.deserialize(&mut json).and_then(|members| json.end().map(|()| members));
    read.map_err(|error| match twice.take() {
        None => no_object(&error),
        Some(name) => {
            let column = error.column();
            said!(
                "the line is no JSON object: the member `{name}` comes twice at column {column}",
                "la línea no es un objeto JSON: el miembro `{name}` aparece dos veces, en la columna {column}"
            )
        }
    })
}

/// Why a line is no object. What the library says of it is in English.
fn no_object(error: &serde_json::Error) -> Said {
    let (why, column) = (error.to_string().replace(" at line 1 column", " at column"), error.column());
    let es = if error.is_eof() { "termina antes de tiempo," } else { "hay un error" };
    said!("the line is no JSON object: {why}", "la línea no es un objeto JSON: {es} en la columna {column}")
}

/// The value's text: strings unescaped, anything else as it stands; `None` for null or absent.
fn lookup(members: &Members<'_>, name: &str) -> Result<Option<String>, Said> {
    if let Some(value) = members.get(name) {
        return match value.get() {
            "null" => Ok(None),
            text if text.starts_with('"') => serde_json::from_str(text).map(Some).map_err(|error| no_object(&error)),
            text => Ok(Some(text.to_owned())),
        };
    }
    let nested = name.split_once('.').and_then(|(outer, inner)| Some((members.get(outer)?.get(), inner)));
    match nested {
        Some((nested, inner)) if nested.starts_with('{') => lookup(&object(nested.as_bytes())?, inner),
        _ => Ok(None),
    }
}
