//! The words of page, workbook and terminal, each in both languages. Explanations and reasons are the filing's own.

use cuadre_rules::config::Language;

/// A word or phrase in the language; `None` where there is none of that key.
pub fn word(key: &str, language: Language) -> Option<&'static str> {
    let (_, english, spanish) = WORDS.iter().find(|(known, ..)| *known == key)?;
    Some(match language {
        Language::English => english,
        Language::Spanish => spanish,
    })
}

/// The word for a name of a group, such as the `severity` that is `major`; the name itself where there is none, as in
/// a manifest of a later format.
pub fn named(group: &str, name: &str, language: Language) -> String {
    word(&format!("{group}.{name}"), language).unwrap_or(name).to_owned()
}

/// key | English | Spanish
#[rustfmt::skip]
const WORDS: &[(&str, &str, &str)] = &[
    ("report", "Daily reconciliation", "Conciliación diaria"),
    ("skip", "Skip to the verdict", "Ir al veredicto"),
    ("contents", "Contents", "Contenido"),
    ("template_failed", "The configured template could not be used. This is the built-in page.", "No se pudo usar la plantilla configurada. Esta es la página propia del sistema."),
    ("status.complete", "Complete", "Completo"),
    ("status.partial", "Partial", "Parcial"),
    ("business_date", "Business date", "Fecha de operación"),
    ("filing", "Filing", "Presentación"),
    ("filing.original", "original", "original"),
    ("filing.supplement", "supplement", "complemento"),
    ("filing.restatement", "restatement", "rectificación"),
    ("issued", "Issued", "Emitida"),
    ("deadline", "Deadline", "Plazo"),
    ("series", "Series", "Serie"),
    ("operator", "Run by", "Ejecutada por"),
    ("reason", "Reason", "Motivo"),
    ("supersedes", "Takes the place of the manifest", "Sustituye al manifiesto"),
    ("as_table", "As a table", "En tabla"),
    ("unknown", "not known", "se desconoce"),
    ("none", "none", "ninguno"),

    ("money", "The money", "El dinero"),
    ("money.caption", "What was received, what ties out and what does not, by currency", "Lo recibido, lo que cuadra y lo que no, por moneda"),
    ("money.measure", "Amount", "Importe"),
    ("money.gross", "Received, gross", "Recibido, bruto"),
    ("money.gross.note", "credits and debits without their signs", "abonos y cargos sin su signo"),
    ("money.credits", "Credits received", "Abonos recibidos"),
    ("money.debits", "Debits received", "Cargos recibidos"),
    ("money.net", "Received, net", "Recibido, neto"),
    ("money.net.note", "credits and debits together", "abonos y cargos juntos"),
    ("money.ties", "of which ties out", "de lo cual cuadra"),
    ("money.differs", "of which does not tie out", "de lo cual no cuadra"),
    ("money.uncompared", "of which could not be compared", "de lo cual no se pudo comparar"),
    ("money.warehouse", "In the warehouse, net", "En el almacén, neto"),
    ("money.difference", "Difference, net", "Diferencia, neta"),
    ("money.difference.note", "warehouse less received; breaks of opposite signs offset", "almacén menos recibido; las diferencias de signo contrario se compensan"),
    ("money.breaks", "Difference, gross", "Diferencia, bruta"),
    ("money.breaks.note", "all breaks against the warehouse, without their signs", "todas las diferencias con el almacén, sin su signo"),
    ("money.control", "Control records, difference", "Cifras de control, diferencia"),
    ("money.control.note", "received less what sources state, where they disagree", "recibido menos lo que declaran las fuentes, donde discrepan"),
    ("money.by_source", "By source: a source with a single break counts in full as one that does not tie out.", "Por fuente: una fuente con una sola diferencia cuenta completa entre lo que no cuadra."),
    ("not_summed", "too large to sum", "demasiado grande para sumar"),
    ("not_compared", "not compared", "no se comparó"),

    ("due", "Due and not come", "Debía llegar y no llegó"),
    ("due.none", "Everything that was due has come.", "Llegó todo lo que debía llegar."),

    ("clock", "The sources against the clock", "Las fuentes contra el reloj"),
    ("clock.caption", "When each source was expected, when it came, and when it is late", "Cuándo se esperaba cada fuente, cuándo llegó y desde cuándo llega tarde"),
    ("clock.expected", "Expected", "Se esperaba"),
    ("clock.arrived", "Arrived", "Llegó"),
    ("clock.cut_off", "Cut-off", "Hora de corte"),
    ("clock.not_received", "not received", "no se recibió"),
    ("clock.unknown", "time of arrival not known", "se desconoce la hora de llegada"),
    ("clock.late", "late", "tarde"),
    ("clock.note", "Arrival is when the last file of a source was last changed where it lies.", "La llegada es el último cambio del último archivo de la fuente en el lugar donde está."),
    ("legend.arrived", "arrived", "llegó"),
    ("legend.late", "arrived late", "llegó tarde"),
    ("legend.expected", "expected", "se esperaba"),
    ("legend.cut_off", "cut-off", "hora de corte"),

    ("state", "State", "Estado"),
    ("state.received", "received", "recibida"),
    ("state.late", "received late", "recibida tarde"),
    ("state.missing", "not received", "no recibida"),
    ("state.rejected", "unreadable", "ilegible"),
    ("source", "Source", "Fuente"),

    ("tie_out", "Tie-out", "Cuadre"),
    ("tie_out.caption", "Each source against its control record and the warehouse, net amounts", "Cada fuente contra su cifra de control y el almacén, importes netos"),
    ("tie_out.received", "Received", "Recibido"),
    ("tie_out.control", "Control", "Control"),
    ("tie_out.warehouse", "Warehouse", "Almacén"),
    ("tie_out.difference", "Difference", "Diferencia"),
    ("tie_out.difference.note", "warehouse less received", "almacén menos recibido"),
    ("tie_out.result", "Result", "Resultado"),
    ("tie_out.total", "Total", "Total"),
    ("tie_out.no_control", "states none", "no la declara"),
    ("tie_out.no_warehouse", "The warehouse could not be read: nothing was compared with it.", "No se pudo leer el almacén: nada se comparó con él."),
    ("control.matched", "agree", "coinciden"),
    ("control.mismatched", "disagree", "discrepan"),
    ("control.absent", "none stated", "no se declaran"),
    ("result.ties", "ties out", "cuadra"),
    ("result.differs", "does not tie out", "no cuadra"),
    ("result.uncompared", "not compared", "no se comparó"),
    ("result.absent", "did not come", "no llegó"),
    ("breaks.missing_in_warehouse", "missing in the warehouse", "faltan en el almacén"),
    ("breaks.missing_in_source", "missing in the source", "faltan en la fuente"),
    ("breaks.changed", "changed", "con otros valores"),
    ("breaks.duplicates", "duplicate", "de más"),
    ("breaks.control", "control record disagrees", "discrepa la cifra de control"),
    ("breaks.refused", "refused", "rechazados"),
    ("currency", "Currency", "Moneda"),
    ("movements", "movements", "movimientos"),
    ("records", "Records", "Registros"),

    ("rules", "Rules", "Reglas"),
    ("rules.caption", "What must hold over the day", "Lo que debe cumplirse en el día"),
    ("rules.none", "No rules are configured.", "No hay reglas configuradas."),
    ("rule", "Rule", "Regla"),
    ("rule.verdict", "Verdict", "Veredicto"),
    ("rule.passed", "holds", "se cumple"),
    ("rule.failed", "does not hold", "no se cumple"),
    ("rule.notEvaluated", "not evaluated", "no se evaluó"),
    ("rule.violations", "Violations", "Incumplimientos"),
    ("rule.owner", "Answers for it", "Responsable"),
    ("rule.explanation", "Explanation", "Explicación"),
    ("rule.on_failure", "A failure", "Si no se cumple"),
    ("on_failure.block", "blocks the filing", "impide presentar"),
    ("on_failure.partial", "makes it partial", "la deja parcial"),
    ("on_failure.note", "is noted", "se anota"),

    ("exceptions", "Exceptions of the day", "Excepciones del día"),
    ("exceptions.none", "There are none.", "No hay ninguna."),
    ("exceptions.caption", "Every exception, the worst first", "Todas las excepciones, las más graves primero"),
    ("exceptions.filter", "Show only exceptions that contain", "Mostrar solo excepciones que contengan"),
    ("exceptions.details", "Each exception with its first rows of evidence", "Cada excepción con sus primeros renglones de evidencia"),
    ("exception", "Exception", "Excepción"),
    ("severity", "Severity", "Gravedad"),
    ("severity.critical", "critical", "crítica"),
    ("severity.major", "major", "grave"),
    ("severity.minor", "minor", "leve"),
    ("severity.note", "note", "nota"),
    ("class", "Class", "Clase"),
    ("class.expected", "due and not come", "debía llegar y no llegó"),
    ("class.mismatched", "in what came", "en lo que llegó"),
    ("amount", "Amount, net", "Importe, neto"),
    ("amount.gross", "Amount, gross", "Importe, bruto"),
    ("age", "Age, days", "Antigüedad, días"),
    ("explanation", "Explanation", "Explicación"),
    ("evidence.caption", "First rows of evidence", "Primeros renglones de evidencia"),
    ("evidence.where", "File and record", "Archivo y registro"),
    ("evidence.what", "What is there", "Qué hay"),
    ("evidence.why", "Why it is listed", "Por qué está en la lista"),
    ("evidence.record", "record", "registro"),
    ("evidence.column", "column", "columna"),
    ("evidence.in_source", "Source:", "Fuente:"),
    ("evidence.in_warehouse", "Warehouse:", "Almacén:"),
    ("evidence.found", "Found:", "Se encontró:"),
    ("evidence.expected", "Expected:", "Se esperaba:"),
    ("evidence.none", "It has no rows of evidence.", "No tiene renglones de evidencia."),
    ("dispositions", "What people recorded", "Lo que se registró"),
    ("dispositions.new", "Recorded since the filing before", "Registrado desde la presentación anterior"),
    ("dispositions.caption", "Decisions that this filing is the first to state", "Decisiones que esta presentación es la primera en asentar"),
    ("disposition", "Decision", "Decisión"),
    ("disposition.investigating", "investigating", "en investigación"),
    ("disposition.awaiting", "awaiting what mends it", "en espera de la corrección"),
    ("disposition.accepted", "accepted", "aceptada"),
    ("by", "by", "por"),

    ("open", "Open from other days", "Abiertas de otros días"),
    ("open.none", "Nothing is open from other days.", "No hay nada abierto de otros días."),
    ("open.caption", "Exceptions of other days that are open, the oldest first", "Excepciones de otros días que siguen abiertas, las más antiguas primero"),

    ("kinds", "Totals by kind", "Totales por tipo"),
    ("kinds.none", "There were no movements.", "No hubo movimientos."),
    ("kinds.caption", "Credits, debits and net by source and kind", "Abonos, cargos y neto por fuente y tipo"),
    ("kind", "Kind", "Tipo"),
    ("kind.without", "without kind", "sin tipo"),
    ("credits", "Credits", "Abonos"),
    ("debits", "Debits", "Cargos"),
    ("net", "Net", "Neto"),
    ("total", "Total", "Total"),

    ("lineage", "Lineage", "Procedencia"),
    ("lineage.note", "Every file is named by the SHA-256 of its bytes. The archive keeps each input under that name.", "Cada archivo se nombra por el SHA-256 de sus bytes. El archivo histórico guarda cada insumo con ese nombre."),
    ("lineage.inputs", "Made from", "Hecho con"),
    ("lineage.outputs", "Made", "Archivos hechos"),
    ("lineage.others", "The digests of this page and of what is made after it are in manifest.json, and that of manifest.json in LOG.", "Los resúmenes de esta página y de lo que se hace después están en manifest.json, y el de manifest.json en LOG."),
    ("lineage.caption.inputs", "What the filing was made from", "Con qué se hizo la presentación"),
    ("lineage.caption.outputs", "The files of the filing before this page", "Los archivos de la presentación anteriores a esta página"),
    ("role", "What", "Qué es"),
    ("file", "File", "Archivo"),
    ("size", "Size", "Tamaño"),
    ("digest", "SHA-256", "SHA-256"),
    ("version", "Made by cuadre", "Hecha por cuadre"),
    ("role.configuration", "configuration", "configuración"),
    ("role.extract", "extract", "extracto"),
    ("role.control", "control record", "cifra de control"),
    ("role.warehouse", "warehouse", "almacén"),
    ("role.cells", "cells of the warehouse", "celdas del almacén"),
    ("role.dataset", "reference data", "datos de referencia"),
    ("role.rule", "answer for a rule", "respuesta para una regla"),
    ("role.rules", "file of rules", "archivo de reglas"),
    ("role.notification", "not told before", "aviso pendiente"),
    ("role.carried", "carried over", "arrastre"),
    ("role.forward", "left by the rules of the filing before", "lo que dejaron las reglas de la presentación anterior"),
    ("role.template", "template of this page", "plantilla de esta página"),
    ("role.archive", "archive", "archivo histórico"),
    ("role.output", "output", "resultado"),

    ("verify", "How to verify", "Cómo verificar"),
    ("verify.where", "In the folder of this filing, with the tools of any Linux:", "En la carpeta de esta presentación, con las herramientas de cualquier Linux:"),
    ("verify.files", "Every file of the filing is the one that its manifest names:", "Cada archivo de la presentación es el que nombra su manifiesto:"),
    ("verify.log", "Every file of the series is the one that LOG names:", "Cada archivo de la serie es el que nombra LOG:"),
    ("verify.signature", "Who signed the manifest:", "Quién firmó el manifiesto:"),
    ("verify.all", "Or all of it at once, with the whole history, the archive and the time stamps:", "O todo a la vez, con la historia completa, el archivo histórico y los sellos de tiempo:"),

    ("kind.source_missing", "Source not received", "Fuente no recibida"),
    ("kind.source_late", "Source received late", "Fuente recibida tarde"),
    ("kind.source_rejected", "Source unreadable", "Fuente ilegible"),
    ("kind.source_empty", "Source without records", "Fuente sin registros"),
    ("kind.files_missing", "Files missing", "Faltan archivos"),
    ("kind.file_repeated", "File delivered twice", "Archivo entregado dos veces"),
    ("kind.period_repeated", "File of the day before", "Archivo del día anterior"),
    ("kind.schema_drift", "Other columns than configured", "Columnas distintas de las configuradas"),
    ("kind.records_rejected", "Records refused", "Registros rechazados"),
    ("kind.control_absent", "No control record", "Sin cifra de control"),
    ("kind.control_mismatch", "Control record disagrees", "La cifra de control discrepa"),
    ("kind.wrong_business_date", "Control record of another day", "Cifra de control de otro día"),
    ("kind.warehouse_missing", "Warehouse without data", "Almacén sin datos"),
    ("kind.warehouse_records_rejected", "Rows of the warehouse refused", "Renglones del almacén rechazados"),
    ("kind.missing_in_warehouse", "Missing in the warehouse", "Faltan en el almacén"),
    ("kind.missing_in_source", "Missing in the source", "Faltan en la fuente"),
    ("kind.changed", "Other values in the warehouse", "Otros valores en el almacén"),
    ("kind.duplicate", "More than the other side has", "Más que en el otro lado"),
    ("kind.rule_failed", "Rule does not hold", "Regla que no se cumple"),
    ("kind.rule_not_evaluated", "Rule not evaluated", "Regla no evaluada"),
    ("kind.notification_failed", "Notification not delivered", "Aviso no entregado"),
    ("kind.archive_away", "Archive away", "Archivo histórico no disponible"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cuadre_rules::config::Severity;
    use cuadre_rules::exception::Kind;

    use super::*;

    #[test]
    fn keys_are_there_once_and_in_both_languages() {
        let keys: HashSet<&str> = WORDS.iter().map(|(key, ..)| *key).collect();
        assert_eq!(keys.len(), WORDS.len());
        for (key, english, spanish) in WORDS {
            assert!(!english.trim().is_empty() && !spanish.trim().is_empty(), "{key}");
        }
        let same: Vec<&str> = WORDS.iter().filter(|(_, en, es)| en == es).map(|(key, ..)| *key).collect();
        assert_eq!(same, ["filing.original", "tie_out.control", "tie_out.total", "total", "digest"]);
    }

    #[test]
    fn the_template_uses_each_key_that_it_names() {
        let template = crate::html::TEMPLATE;
        let named =
            template.split("|word").filter_map(|before| before.trim_end().strip_suffix('"')?.rsplit('"').next());
        let named: Vec<&str> = named.collect();
        assert!(named.len() > 80, "{named:?}");
        for key in named {
            assert!(word(key, Language::Spanish).is_some() || key.ends_with('.'), "{key}");
        }
    }

    #[test]
    fn every_kind_state_and_severity_has_a_word() {
        let kinds = schemars::schema_for!(Kind).to_value();
        let kinds = kinds["oneOf"].as_array().unwrap().iter().map(|kind| kind["const"].as_str().unwrap().to_owned());
        let severities = [Severity::Note, Severity::Minor, Severity::Major, Severity::Critical];
        let keys = kinds.map(|kind| format!("kind.{kind}"));
        let keys: Vec<String> =
            keys.chain(severities.map(|severity| format!("severity.{}", severity.name()))).collect();
        for key in keys {
            assert!(word(&key, Language::English).is_some(), "{key}");
        }
    }
}
