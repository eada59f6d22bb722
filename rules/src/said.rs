//! Words for people, in every language of the house at once: whoever makes them says them in all.

use std::fmt::Display;

use crate::config::Language;

/// The same statement in every language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Said {
    /// In English.
    pub en: String,
    /// In Spanish of Mexico.
    pub es: String,
}

impl Said {
    /// What reads the same in every language, such as a name or a number.
    pub fn same(text: impl Into<String>) -> Self {
        let en = text.into();
        Self { es: en.clone(), en }
    }

    /// The words of somebody else, which are in English: of a system, a library or a server. Spanish quotes them.
    pub fn quoted(words: &dyn Display) -> Self {
        Self { en: words.to_string(), es: format!("«{words}»") }
    }

    /// All of these, one after the other, with `between` between them.
    pub fn joined(parts: &[Self], between: &str) -> Self {
        let of = |language| parts.iter().map(|part| part.in_language(language)).collect::<Vec<_>>().join(between);
        Self { en: of(Language::English), es: of(Language::Spanish) }
    }

    /// The words in one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Spanish => &self.es,
        }
    }

    /// The same, taken out.
    pub fn into_language(self, language: Language) -> String {
        match language {
            Language::English => self.en,
            Language::Spanish => self.es,
        }
    }
}

/// What can stand within a statement: a [`Said`] in the statement's language, anything else as it is.
pub trait Part {
    /// How it stands in a statement of that language.
    fn part(&self, language: Language) -> String;
}

impl Part for Said {
    fn part(&self, language: Language) -> String {
        self.in_language(language).to_owned()
    }
}

impl Part for &Said {
    fn part(&self, language: Language) -> String {
        self.in_language(language).to_owned()
    }
}

impl<T: Display + ?Sized> Part for T {
    fn part(&self, _: Language) -> String {
        self.to_string()
    }
}

/// A [`Said`] of two formats, English and Spanish, as `format!` takes them. Variables that are [`Said`] themselves are
/// listed after a semicolon: `said!("{count} in {place}", "{count} en {place}"; count)`.
#[macro_export]
macro_rules! said {
    ($en:literal, $es:literal $(; $($name:ident),+)?) => {
        $crate::said::Said {
            en: {
                $($(let $name = $crate::said::Part::part(&$name, $crate::config::Language::English);)+)?
                format!($en)
            },
            es: {
                $($(let $name = $crate::said::Part::part(&$name, $crate::config::Language::Spanish);)+)?
                format!($es)
            },
        }
    };
}

/// What is counted: one and several, in each language.
#[derive(Debug, Clone, Copy)]
pub struct Noun {
    en: [&'static str; 2],
    es: [&'static str; 2],
}

impl Noun {
    /// One and several in English, one and several in Spanish.
    pub const fn new(en: [&'static str; 2], es: [&'static str; 2]) -> Self {
        Self { en, es }
    }
}

/// A movement.
pub const MOVEMENT: Noun = Noun::new(["movement", "movements"], ["movimiento", "movimientos"]);
/// A record of an input.
pub const RECORD: Noun = Noun::new(["record", "records"], ["registro", "registros"]);
/// A file.
pub const FILE: Noun = Noun::new(["file", "files"], ["archivo", "archivos"]);
/// Something that happened.
pub const EVENT: Noun = Noun::new(["event", "events"], ["aviso", "avisos"]);
/// A group of movements.
pub const GROUP: Noun = Noun::new(["group", "groups"], ["grupo", "grupos"]);
/// A balance of an account.
pub const BALANCE: Noun = Noun::new(["balance", "balances"], ["saldo", "saldos"]);
/// An amount.
pub const AMOUNT: Noun = Noun::new(["amount", "amounts"], ["importe", "importes"]);
/// A row of a table.
pub const ROW: Noun = Noun::new(["row", "rows"], ["fila", "filas"]);
/// A number of a sequence.
pub const NUMBER: Noun = Noun::new(["number", "numbers"], ["número", "números"]);
/// A violation of a rule.
pub const VIOLATION: Noun = Noun::new(["violation", "violations"], ["incumplimiento", "incumplimientos"]);

/// `1 movement`, `2 movements`; `1 movimiento`, `2 movimientos`.
pub fn counted(number: u64, what: Noun) -> Said {
    let n = usize::from(number != 1);
    Said { en: format!("{number} {}", what.en[n]), es: format!("{number} {}", what.es[n]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_made_of_statements() {
        let (place, count) = ("A1", counted(2, MOVEMENT));
        let said = said!("{count} in {place}", "{count} en {place}"; count);
        assert_eq!((said.en.as_str(), said.es.as_str()), ("2 movements in A1", "2 movimientos en A1"));
        assert_eq!(counted(1, GROUP).into_language(Language::Spanish), "1 grupo");
        assert_eq!(Said::same("x").in_language(Language::English), "x");
        let both = Said::joined(&[counted(1, ROW), counted(0, ROW)], "; ");
        assert_eq!((both.en.as_str(), both.es.as_str()), ("1 row; 0 rows", "1 fila; 0 filas"));
    }
}
