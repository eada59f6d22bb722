//! What the reader of TOML says, in the words of whoever writes a configuration.

use crate::suggest::nearest;

/// What is wrong with a value or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plain {
    /// In words.
    pub message: String,
    /// The known name that may have been meant.
    pub meant: Option<String>,
}

/// Words of the reader, and ours.
const WORDS: [(&str, &str); 4] = [
    ("unknown field", "unknown setting"),
    ("missing field", "missing setting"),
    ("unknown variant", "unknown value"),
    ("wanted exactly 1 element, more than 1 element", "more than one kind is given where there can be one"),
];

/// What the reader says that it found, up to the value; and what we call that.
const FOUND: [(&str, &str); 9] = [
    ("integer", "the number"),
    ("floating point", "the number"),
    ("boolean", "the value"),
    ("string", "the text"),
    ("sequence", "a list"),
    ("map", "a section of settings"),
    ("table", "a section of settings"),
    ("array", "a list"),
    ("datetime", "a date without quotes"),
];

/// What it says that it expects.
const EXPECTED: [(&str, &str); 9] = [
    ("a string", "a text in quotes"),
    ("string or table", "a text in quotes or a section of settings"),
    ("a sequence", "a list in brackets, such as [\"a\", \"b\"]"),
    ("a map", "a section of settings"),
    ("a table", "a section of settings"),
    ("a boolean", "true or false, without quotes"),
    ("a character", "a text of one character in quotes"),
    ("struct", "a section of settings"),
    ("u", "a whole number without quotes"),
];

pub(super) fn plain(message: &str) -> Plain {
    if let Some(message) = wrong_kind(message) {
        return Plain { message, meant: None };
    }
    let message = WORDS.iter().fold(message.to_owned(), |text, (reader, ours)| text.replace(reader, ours));
    let meant = message.split_once("expected").and_then(|(unknown, known)| {
        let word = quoted(unknown).next().filter(|_| unknown.starts_with("unknown"))?;
        nearest(word, quoted(known)).map(str::to_owned)
    });
    Plain { message, meant }
}

/// `expected a text in quotes, found the number 5`.
fn wrong_kind(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: ")?.split_once(", expected ")?;
    let (ours, value) = FOUND.iter().find_map(|(reader, ours)| Some((ours, found.strip_prefix(reader)?.trim())))?;
    let value = value.trim_matches('`');
    let expected = EXPECTED.iter().find(|(reader, _)| expected == *reader || is_kind_of(expected, reader));
    let expected = expected.map(|(_, ours)| *ours)?;
    let space = if value.is_empty() { "" } else { " " };
    Some(format!("expected {expected}, found {ours}{space}{value}"))
}

/// Whether the reader expects some `struct X`, or some `u32`.
fn is_kind_of(expected: &str, reader: &str) -> bool {
    let rest = expected.strip_prefix(reader);
    match reader {
        "struct" => rest.is_some_and(|rest| rest.starts_with(' ')),
        "u" => rest.is_some_and(|rest| rest == "size" || rest.parse::<u32>().is_ok()),
        _ => false,
    }
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Rule};

    /// What is said of a rule, and what was meant.
    fn said(rule: &str) -> (String, Option<String>) {
        let error = toml::from_str::<Rule>(rule).unwrap_err();
        let Plain { message, meant } = plain(error.message());
        (message, meant)
    }

    #[test]
    fn types_are_named_and_names_suggested() {
        let of = |setting: &str| said(&format!("id = 'r'\n{setting}"));
        let wrong = |setting, message: &str| assert_eq!(of(setting), (message.to_owned(), None), "{setting}");
        wrong("owner = 5", "expected a text in quotes, found the number 5");
        wrong("owner = 5.5", "expected a text in quotes, found the number 5.5");
        wrong("owner = true", "expected a text in quotes, found the value true");
        wrong("owner = ['a']", "expected a text in quotes, found a list");
        wrong("owner = { a = 1 }", "expected a text in quotes, found a section of settings");
        wrong("valid_from = 2026", "expected a date, such as \"2026-12-31\"");
        wrong("message = 'x'", "expected a section of settings, found the text \"x\"");
        wrong("only.kind = 'FEE'", "expected a list in brackets, such as [\"a\", \"b\"], found the text \"FEE\"");
        wrong("check.range.absolute = 'yes'", "expected true or false, without quotes, found the text \"yes\"");
        wrong("check.range.maximum = 5", "expected a text in quotes, found the number 5");
        let suggested = |setting, meant: &str| {
            assert_eq!(of(setting).1.as_deref(), Some(meant), "{setting}: {}", of(setting).0);
        };
        suggested("ownr = 'x'", "owner");
        suggested("severity = 'criticall'", "critical");
        suggested("on_failure = 'blok'", "block");
        suggested("only.custmer = ['1']", "customer");
        suggested("check.ballance = {}", "balance");
        suggested("check.range = { maximun = '1' }", "maximum");
        suggested("check.uniqueness.fields = ['acount']", "account");
        assert_eq!(of("check.nothing = {}").1, None);
        assert_eq!(of("valid_from = 2026-01-01").0, "missing setting `check`");
    }

    #[test]
    fn numbers_are_named() {
        let error = toml::from_str::<Config>("limits.record_bytes = 'many'").unwrap_err();
        assert_eq!(plain(error.message()).message, "expected a whole number without quotes, found the text \"many\"");
    }
}
