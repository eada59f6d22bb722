//! JSON Lines: one object per line, numbers read as text.

use std::collections::HashMap;
use std::fmt;
use std::io::BufRead;

use cuadre_rules::config::Limits;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
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

/// The members of an object. One that comes twice has no one value, and is an error.
struct Object<'a>(HashMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = HashMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = HashMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let twice = A::Error::custom(format_args!("the member `{name}` comes twice"));
                    if members.insert(name, map.next_value()?).is_some() {
                        return Err(twice);
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Self)
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
            if !more.map_err(|error| Unreadable(format!("line {}: {error}", self.lines)))? {
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
            Err(error) => {
                let value = Some(String::from_utf8_lossy(&self.line).into_owned());
                let why = error.to_string().replace(" at line 1 column", " at column");
                Next::Refused(Refusal { column: None, value, reason: format!("the line is no JSON object: {why}") })
            }
        })
    }
}

/// Appends the members `names` of the object in `bytes` to `record`.
fn members(bytes: &[u8], names: &[String], record: &mut Record) -> Result<(), serde_json::Error> {
    let object = serde_json::from_slice(bytes)?;
    for name in names {
        record.push(lookup(&object, name)?.as_deref());
    }
    Ok(())
}

/// The value's text: strings unescaped, anything else as it stands; `None` for null or absent.
fn lookup(Object(members): &Object<'_>, name: &str) -> Result<Option<String>, serde_json::Error> {
    if let Some(value) = members.get(name) {
        return match value.get() {
            "null" => Ok(None),
            text if text.starts_with('"') => serde_json::from_str(text).map(Some),
            text => Ok(Some(text.to_owned())),
        };
    }
    let nested = name.split_once('.').and_then(|(outer, inner)| Some((members.get(outer)?.get(), inner)));
    match nested {
        Some((object, inner)) if object.starts_with('{') => lookup(&serde_json::from_str(object)?, inner),
        _ => Ok(None),
    }
}
