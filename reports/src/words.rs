//! What the names of a manifest are called, in both languages side by side.

use cuadre_rules::config::Language;

/// What is said in a language, of what is said in both.
pub fn say<'a>(language: Language, english: &'a str, spanish: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Spanish => spanish,
    }
}

/// The word for a status, a kind of filing, a state, a verdict, a severity, a class or a disposition; the name
/// itself where there is none.
pub fn word(name: &str, language: Language) -> &str {
    among(&WORDS, name, language)
}

/// The word for a kind of exception.
pub fn kind(name: &str, language: Language) -> &str {
    among(&KINDS, name, language)
}

/// The word for what a key of the manifest holds.
pub fn fact(name: &str, language: Language) -> &str {
    among(&FACTS, name, language)
}

fn among<'a>(words: &'static [Named], name: &'a str, language: Language) -> &'a str {
    words
        .iter()
        .find(|(other, ..)| *other == name)
        .map_or(name, |(_, english, spanish)| say(language, english, spanish))
}

/// A name, then its word in English and in Spanish.
type Named = (&'static str, &'static str, &'static str);

/// Statuses, kinds of filing, states, verdicts, severities, classes and dispositions.
const WORDS: [Named; 24] = [
    ("complete", "complete", "completo"),
    ("partial", "partial", "parcial"),
    ("original", "original", "original"),
    ("supplement", "supplement", "complemento"),
    ("restatement", "restatement", "rectificación"),
    ("received", "received", "recibida"),
    ("missing", "missing", "no llegó"),
    ("late", "late", "tardía"),
    ("rejected", "rejected", "rechazada"),
    ("matched", "agrees", "cuadra"),
    ("mismatched", "does not agree", "no cuadra"),
    ("absent", "none stated", "sin cifras"),
    ("passed", "passed", "se cumple"),
    ("failed", "failed", "no se cumple"),
    ("notEvaluated", "not evaluated", "sin evaluar"),
    ("note", "note", "aviso"),
    ("minor", "minor", "menor"),
    ("major", "major", "mayor"),
    ("critical", "critical", "crítica"),
    ("expected", "due and not come", "pendiente de llegar"),
    ("investigating", "being investigated", "en investigación"),
    ("awaiting", "awaiting a remedy", "en espera de solución"),
    ("accepted", "accepted", "aceptada"),
    ("block", "forbids filing", "impide presentar"),
];

/// Kinds of exception.
const KINDS: [Named; 22] = [
    ("source_missing", "source missing", "fuente faltante"),
    ("source_late", "source late", "fuente tardía"),
    ("source_rejected", "source unreadable", "fuente ilegible"),
    ("source_empty", "source empty", "fuente vacía"),
    ("files_missing", "files missing", "archivos faltantes"),
    ("file_repeated", "file repeated", "archivo repetido"),
    ("period_repeated", "period repeated", "periodo repetido"),
    ("schema_drift", "columns changed", "cambio de columnas"),
    ("records_rejected", "records refused", "registros rechazados"),
    ("control_absent", "no control totals", "sin cifras de control"),
    ("control_mismatch", "control totals differ", "cifras de control distintas"),
    ("wrong_business_date", "wrong business date", "fecha de operación equivocada"),
    ("warehouse_missing", "warehouse missing", "sin almacén de datos"),
    ("warehouse_records_rejected", "warehouse records refused", "registros del almacén rechazados"),
    ("missing_in_warehouse", "missing in the warehouse", "faltan en el almacén"),
    ("missing_in_source", "missing in the source", "faltan en la fuente"),
    ("changed", "other values", "valores distintos"),
    ("duplicate", "duplicates", "duplicados"),
    ("rule_failed", "rule failed", "regla incumplida"),
    ("rule_not_evaluated", "rule not evaluated", "regla sin evaluar"),
    ("notification_failed", "notice not delivered", "aviso no entregado"),
    ("archive_away", "archive away", "archivo histórico sin respuesta"),
];

/// Keys of the manifest.
const FACTS: [Named; 37] = [
    ("status", "status", "estado"),
    ("institution", "institution", "institución"),
    ("series", "series", "serie"),
    ("businessDate", "business date", "fecha de operación"),
    ("kind", "kind of filing", "tipo de presentación"),
    ("reason", "reason", "motivo"),
    ("operator", "run by", "operador"),
    ("noMovements", "declared without movements", "declarado sin movimientos"),
    ("issuedAt", "issued", "emitido"),
    ("deadline", "deadline", "hora límite"),
    ("version", "version", "versión"),
    ("configSha256", "configuration", "configuración"),
    ("carriedOver", "open of other days", "abiertas de otros días"),
    ("state", "state", "estado"),
    ("records", "records", "registros"),
    ("rejectedRecords", "records refused", "registros rechazados"),
    ("amount", "amount", "importe"),
    ("control", "control totals", "cifras de control"),
    ("expectedRecords", "records stated", "registros declarados"),
    ("expectedAmount", "amount stated", "importe declarado"),
    ("file", "file", "archivo"),
    ("sourceRecords", "records of the source", "registros de la fuente"),
    ("warehouseRecords", "records of the warehouse", "registros del almacén"),
    ("sourceAmount", "amount of the source", "importe de la fuente"),
    ("warehouseAmount", "amount of the warehouse", "importe del almacén"),
    ("amountDifference", "warehouse less source", "almacén menos fuente"),
    ("matched", "matched", "coinciden"),
    ("missingInWarehouse", "missing in the warehouse", "faltan en el almacén"),
    ("missingInSource", "missing in the source", "faltan en la fuente"),
    ("changed", "other values", "valores distintos"),
    ("duplicates", "duplicates", "duplicados"),
    ("verdict", "verdict", "resultado"),
    ("violations", "violations", "incumplimientos"),
    ("explanation", "explanation", "explicación"),
    ("severity", "severity", "gravedad"),
    ("class", "class", "clase"),
    ("disposition", "decision", "decisión"),
];

#[cfg(test)]
mod tests {
    use cuadre_rules::config::{OnFailure, Severity};
    use cuadre_rules::exception::{Class, Kind};
    use serde_json::Value;

    use super::*;
    use crate::open::Disposed;

    const LANGUAGES: [Language; 2] = [Language::English, Language::Spanish];

    /// Every value that the names of a type have.
    fn names<T: serde::Serialize>(all: &[T]) -> Vec<String> {
        let name = |value: &T| match serde_json::to_value(value).unwrap() {
            Value::String(name) => name,
            other => panic!("{other}"),
        };
        all.iter().map(name).collect()
    }

    #[test]
    fn every_name_has_its_words() {
        let mut all = names(&[Severity::Note, Severity::Minor, Severity::Major, Severity::Critical]);
        all.extend(names(&[OnFailure::Block, OnFailure::Partial, OnFailure::Note]));
        all.extend(names(&[Class::Expected, Class::Mismatched]));
        all.extend(names(&[Disposed::Investigating, Disposed::Awaiting, Disposed::Accepted]));
        let is_known = |words: &[Named], name: &str| words.iter().any(|(known, ..)| *known == name);
        for name in all {
            assert!(is_known(&WORDS, &name), "{name}");
        }
        for (name, ..) in KINDS {
            serde_json::from_value::<Kind>(name.into()).unwrap();
        }
        assert_eq!(KINDS.iter().map(|(name, ..)| name).collect::<std::collections::BTreeSet<_>>().len(), 22);
        for words in [&WORDS[..], &KINDS, &FACTS] {
            for (name, english, spanish) in words {
                assert!(!english.is_empty() && !spanish.is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_shown_as_it_is() {
        for language in LANGUAGES {
            assert_eq!(word("of a later format", language), "of a later format");
        }
        assert_eq!(LANGUAGES.map(|language| kind("changed", language)), ["other values", "valores distintos"]);
    }
}
