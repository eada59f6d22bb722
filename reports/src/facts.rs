//! What the keys of a manifest are called, and what they state, in both languages.

use cuadre_rules::config::Language;

use crate::words::{named, word};

/// What a key of the manifest is called.
pub fn fact(key: &str, language: Language) -> &str {
    FACTS.iter().find(|(other, ..)| *other == key).map_or(key, |(_, english, spanish)| match language {
        Language::English => english,
        Language::Spanish => spanish,
    })
}

/// The word for a name that stands under a key of the manifest.
pub fn value(key: &str, name: &str, language: Language) -> String {
    match key {
        "kind" => named("filing", name, language),
        "verdict" => named("rule", name, language),
        "control" => control(name, language),
        key => named(key, name, language),
    }
}

/// The word for the verdict on a control record.
pub fn control(verdict: &str, language: Language) -> String {
    let key = match verdict {
        "matched" => "result.ties",
        "mismatched" => "result.differs",
        _ => "tie_out.no_control",
    };
    word(key, language).unwrap_or(verdict).to_owned()
}

/// key | English | Spanish
#[rustfmt::skip]
const FACTS: [(&str, &str, &str); 37] = [
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
    use super::*;

    #[test]
    fn names_have_the_words_of_their_key() {
        for (key, name, english, spanish) in [
            ("status", "partial", "Partial", "Parcial"),
            ("kind", "supplement", "supplement", "complemento"),
            ("state", "late", "received late", "recibida tarde"),
            ("control", "mismatched", "does not tie out", "no cuadra"),
            ("control", "absent", "states none", "no la declara"),
            ("verdict", "notEvaluated", "not evaluated", "no se evaluó"),
            ("severity", "major", "major", "grave"),
            ("class", "expected", "due and not come", "debía llegar y no llegó"),
            ("disposition", "accepted", "accepted", "aceptada"),
            ("state", "of a later format", "of a later format", "of a later format"),
        ] {
            let words = [Language::English, Language::Spanish].map(|language| value(key, name, language));
            assert_eq!(words, [english, spanish], "{key} {name}");
        }
        assert_eq!(fact("missingInSource", Language::Spanish), "faltan en la fuente");
    }

    #[test]
    fn keys_are_there_once_and_in_both_languages() {
        let keys: std::collections::BTreeSet<&str> = FACTS.iter().map(|(key, ..)| *key).collect();
        assert_eq!(keys.len(), FACTS.len());
        assert!(FACTS.iter().all(|(_, english, spanish)| !english.is_empty() && !spanish.is_empty()));
    }
}
