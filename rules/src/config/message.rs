//! What a rule says of each of its violations, in the words of whoever wrote the rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Language;
use crate::business::Violation;
use crate::money::at_own_scale;
use crate::said::Said;
use crate::suggest::did_you_mean;

/// The sentence that a rule says of a violation, in one language or in both. `{found}`, `{expected}`, `{amount}`,
/// `{currency}`, `{column}`, `{source}` and `{reason}` stand for what is found; `{{` for a brace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// In English.
    #[serde(default)]
    pub en: Option<String>,
    /// In Spanish of Mexico.
    #[serde(default, rename = "es-MX")]
    pub es: Option<String>,
}

/// What a template can name, in the order in which it is told.
pub const PLACEHOLDERS: [&str; 7] = ["found", "expected", "amount", "currency", "column", "source", "reason"];

/// What stands where a violation has no such thing.
const NOTHING: &str = "-";

impl Message {
    /// Why a template is none, and what to do about it.
    pub(super) fn check(template: &str) -> Result<(), (String, String)> {
        let known = || PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
        let mut pieces = pieces(template);
        match pieces.find(|piece| !matches!(piece, Piece::Text(_) | Piece::Name(_))) {
            Some(Piece::Unknown(name)) => {
                let help = did_you_mean(name, PLACEHOLDERS, &format!("there are {}", known()));
                Err((format!("`{{{name}}}` stands for nothing"), help))
            }
            Some(_) => {
                let help = format!("write one of {}; `{{{{` and `}}}}` for braces themselves", known());
                Err(("a brace stands alone".to_owned(), help))
            }
            None if template.trim().is_empty() => Err(("the message is empty".to_owned(), "leave it out".to_owned())),
            None => Ok(()),
        }
    }

    /// What is said of a violation of `source`, in every language: by the template of that language, else by that of
    /// the other one. Amounts are in units of `scale`.
    pub fn say(&self, violation: &Violation, source: Option<&str>, scale: u32) -> Said {
        let in_language = |template: &Option<String>, other: &Option<String>, language: Language| {
            let (template, language) = match (template, other) {
                (Some(template), _) => (template, language),
                (None, Some(template)) => {
                    (template, if language == Language::English { Language::Spanish } else { Language::English })
                }
                (None, None) => return violation.reason.in_language(language).to_owned(),
            };
            filled(template, |name| value(name, violation, source, scale, language))
        };
        Said {
            en: in_language(&self.en, &self.es, Language::English),
            es: in_language(&self.es, &self.en, Language::Spanish),
        }
    }
}

fn value(name: &str, violation: &Violation, source: Option<&str>, scale: u32, language: Language) -> Option<String> {
    match name {
        "found" => violation.found.clone(),
        "expected" => violation.expected.clone(),
        "amount" => violation.money.map(|(currency, minor)| at_own_scale(currency, minor, scale).to_string()),
        "currency" => violation.money.map(|(currency, _)| currency.to_string()),
        "column" => violation.column.clone(),
        "source" => source.map(str::to_owned),
        _ => Some(violation.reason.in_language(language).to_owned()),
    }
}

fn filled(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let text = |piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Name(name) => value(name).unwrap_or_else(|| NOTHING.to_owned()),
        Piece::Unknown(_) | Piece::Brace => NOTHING.to_owned(),
    };
    pieces(template).map(text).collect()
}

/// A piece of a template.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
    /// No name of ours, in braces.
    Unknown(&'a str),
    /// A brace that neither names anything nor is doubled.
    Brace,
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let end = rest.find(['{', '}']).unwrap_or(rest.len());
        let (piece, length) = match rest.get(..2).filter(|_| end == 0) {
            Some("{{" | "}}") => (Piece::Text(&rest[..1]), 2),
            _ if end > 0 => (Piece::Text(&rest[..end]), end),
            _ if rest.is_empty() => return None,
            _ => match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                Some((name, _)) if PLACEHOLDERS.contains(&name) => (Piece::Name(name), name.len() + 2),
                Some((name, _)) => (Piece::Unknown(name), name.len() + 2),
                None => (Piece::Brace, 1),
            },
        };
        rest = &rest[length..];
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said;

    fn violation() -> Violation {
        Violation {
            column: Some("account=1".to_owned()),
            found: Some("{expected}".to_owned()),
            money: Some(("MXN".parse().unwrap(), -125)),
            reason: said!("too much", "demasiado"),
            ..Violation::default()
        }
    }

    #[test]
    fn messages_have_the_numbers_that_failed() {
        let said = |en: Option<&str>, es: Option<&str>| {
            let message = Message { en: en.map(str::to_owned), es: es.map(str::to_owned) };
            let said = message.say(&violation(), Some("core"), 2);
            [said.en, said.es]
        };
        let en = "{source}: {column} moved {amount} {currency} ({reason}); expected {expected}, found {found} {{x}}";
        let told = "core: account=1 moved -1.25 MXN (too much); expected -, found {expected} {x}";
        assert_eq!(said(Some(en), Some("{reason}")), [told, "demasiado"]);
        assert_eq!(said(Some("no: {reason}"), None), ["no: too much", "no: too much"]);
        assert_eq!(said(None, Some("no: {reason}")), ["no: demasiado", "no: demasiado"]);
        assert_eq!(said(None, None), ["too much", "demasiado"]);
    }

    #[test]
    fn wrong_templates_are_refused() {
        let refused = |template| Message::check(template).unwrap_err();
        assert_eq!(Message::check("é {found}{{{amount}}}é"), Ok(()));
        let known = "there are {found}, {expected}, {amount}, {currency}, {column}, {source}, {reason}";
        assert_eq!(
            refused("a {amonut}"),
            ("`{amonut}` stands for nothing".to_owned(), format!("did you mean `amount`? {known}"))
        );
        assert_eq!(refused("{ñandú}"), ("`{ñandú}` stands for nothing".to_owned(), known.to_owned()));
        for alone in ["{", "}", "a } b", "{amount", "{{}", "é{"] {
            assert_eq!(refused(alone).0, "a brace stands alone", "{alone}");
        }
        assert_eq!(refused(" ").0, "the message is empty");
    }
}
