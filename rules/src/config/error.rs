//! Configuration errors that point at the line.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::database::masked;
use super::plain::{Plain, plain};

/// What is wrong with a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    name: String,
    /// 1-based line and column, and the line's text.
    place: Option<(usize, usize, String)>,
    message: String,
    help: Option<String>,
}

impl ConfigError {
    /// An error at a byte span of `text`.
    pub fn at(name: &str, text: &str, span: Option<Range<usize>>, message: String, help: Option<String>) -> Self {
        let place = span.map(|span| {
            let start = span.start.min(text.len());
            let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
            let line = text[..start].matches('\n').count() + 1;
            let column = text[line_start..start].chars().count() + 1;
            (line, column, text[line_start..].lines().next().unwrap_or("").to_owned())
        });
        Self { name: name.to_owned(), place, message, help }
    }

    /// What the reader of the file's grammar refuses.
    pub fn grammar(name: &str, text: &str, error: &toml::de::Error) -> Self {
        let Plain { message, meant } = plain(error.message());
        let help = match DeTable::parse(text) {
            Err(_) => "the file is TOML: a setting is written name = \"text\", a section [name]; see https://toml.io",
            Ok(_) if message.starts_with("missing") => "add it; `cuadre schema` describes every setting",
            Ok(_) if message.starts_with("unknown") => "correct it; `cuadre schema` describes every setting",
            Ok(_) => "`cuadre schema` describes every setting",
        };
        let help = meant.map_or(help.to_owned(), |meant| format!("did you mean `{meant}`? {help}"));
        Self::at(name, text, error.span(), message, Some(help))
    }

    /// The same at another byte of `text`.
    pub(super) fn moved(self, text: &str, start: usize) -> Self {
        Self::at(&self.name.clone(), text, Some(start..start), self.message, self.help)
    }

    /// The 1-based line, where it is known.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|(line, _, _)| *line)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let Some((line, column, text)) = &self.place {
            let (width, text) = (line.to_string().len(), masked(text));
            write!(f, "\n{:width$}--> {}:{line}:{column}", "", self.name)?;
            write!(f, "\n{:width$} |\n{line} | {text}\n{:width$} | {:>column$}", "", "", "^")?;
        } else {
            write!(f, "\n--> {}", self.name)?;
        }
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A step on the way to a value: a key, or a 0-based index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An index of an array.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A rule of the configuration that does not hold, with the way to the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The way from the root of the file to the value.
    pub path: Vec<Step>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// Finds the line of the value, or of its nearest ancestor that the file spells out.
    pub fn locate(self, name: &str, text: &str) -> ConfigError {
        let span = DeTable::parse(text).ok().and_then(|root| deepest(root.get_ref(), &self.path));
        ConfigError::at(name, text, span, self.message, self.help)
    }
}

/// Where the tables of an array of the root begin, in order.
pub(super) fn spans(text: &str, name: &str) -> Vec<Range<usize>> {
    let root = DeTable::parse(text).ok();
    let array = root.as_ref().and_then(|root| root.get_ref().get(name)?.get_ref().as_array());
    array.into_iter().flatten().map(|table| table.span()).collect()
}

fn deepest(root: &DeTable<'_>, path: &[Step]) -> Option<Range<usize>> {
    let mut found = None;
    let mut value = match path.first()? {
        Step::Key(key) => {
            let (key, value) = root.get_key_value(key.as_str())?;
            found = Some(key.span()).filter(|_| path.len() == 1).or(Some(value.span()));
            value
        }
        Step::Index(_) => return found,
    };
    for step in &path[1..] {
        let next = match (value.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => {
                let found = table.get_key_value(key.as_str()).or_else(|| table.get_key_value(other_name(key)?));
                found.map(|(k, v)| (k.span(), v))
            }
            (DeValue::Array(array), Step::Index(n)) => array.get(*n).map(|v| (v.span(), v)),
            _ => None,
        };
        let Some((span, inner)) = next else { break };
        (found, value) = (Some(span), inner);
    }
    found
}

/// The other name by which a setting may be given.
fn other_name(key: &str) -> Option<&'static str> {
    match key {
        "url" => Some("path"),
        "date_formats" => Some("date_format"),
        _ => None,
    }
}
