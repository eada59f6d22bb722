//! JSON Lines: one object per line, numbers read as text.

use std::collections::HashMap;
use std::io::BufRead;

use cuadre_rules::config::Limits;
use serde_json::value::RawValue;

use super::bytes::read_line;
use super::record::{Next, Record, Records, Refusal, Unreadable};

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

type Object<'a> = HashMap<String, &'a RawValue>;

impl Records for JsonRecords {
    fn header(&self) -> &[String] {
        &self.names
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
        let bytes = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
        let object: Object<'_> = match serde_json::from_slice(bytes) {
            Ok(object) => object,
            Err(error) => {
                let value = Some(String::from_utf8_lossy(&self.line).into_owned());
                let reason = format!("the line is no JSON object: {error}");
                return Ok(Next::Refused(Refusal { column: None, value, reason }));
            }
        };
        for name in &self.names {
            let text = lookup(&object, name);
            record.push(text.as_deref());
        }
        Ok(Next::Record)
    }
}

/// The value's text: strings unescaped, anything else as it stands; `None` for null or absent.
fn lookup(object: &Object<'_>, name: &str) -> Option<String> {
    let Some(value) = object.get(name) else {
        let (outer, inner) = name.split_once('.')?;
        let nested: Object<'_> = serde_json::from_str(object.get(outer)?.get()).ok()?;
        return lookup(&nested, inner);
    };
    match value.get() {
        "null" => None,
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        text => Some(text.to_owned()),
    }
}
