//! A rule in words: what it checks, over which movements, and what follows from a failure.

use std::collections::BTreeMap;

use crate::business::Violation;
use crate::config::{Check, Config, Dataset, OnFailure, Rule, Severity};
use crate::money::Total;
use crate::movement::Field;
use crate::said;
use crate::said::Said;

/// Something that is to be known of a rule: what it is called, and what it is.
pub type Part = (Said, Said);

/// What is to be known of a rule of a configuration, in the order in which it is told.
pub fn explain(rule: &Rule, config: &Config) -> Vec<Part> {
    let mut parts = vec![(said!("checks", "revisa"), rule.check.explain())];
    if !matches!(rule.check, Check::WarehouseSql(_)) {
        parts.push((said!("over", "sobre"), over(rule)));
    }
    if !rule.why.is_empty() {
        parts.push((said!("why", "motivo"), Said::same(&rule.why)));
    }
    if let Some(owner) = &rule.owner {
        parts.push((said!("owner", "responsable"), Said::same(owner)));
    }
    parts.push((said!("valid", "vigencia"), period(rule)));
    parts.push((said!("on failure", "si no se cumple"), consequence(rule)));
    let sources = rule.check.datasets().into_iter().map(|(_, id)| {
        (said!("dataset", "conjunto"), origin(id, config.datasets.iter().find(|dataset| dataset.id == id)))
    });
    parts.extend(sources);
    parts.push((said!("it says", "dice"), example(rule, config)));
    if let Some(written) = &rule.written {
        parts.push((said!("written in", "escrita en"), Said::same(format!("{}:{}", written.file, written.line))));
    }
    parts
}

/// The days on which a rule is in force.
pub fn period(rule: &Rule) -> Said {
    match rule.period() {
        (None, None) => said!("always", "siempre"),
        (Some(from), None) => said!("from {from} on", "desde el {from}"),
        (None, Some(until)) => said!("until {until}", "hasta el {until}"),
        (Some(from), Some(until)) => said!("from {from} until {until}", "del {from} al {until}"),
    }
}

/// The word for how bad a failure is.
pub fn severity(severity: Severity) -> Said {
    match severity {
        Severity::Critical => said!("critical", "crítica"),
        Severity::Major => said!("major", "grave"),
        Severity::Minor => said!("minor", "leve"),
        Severity::Note => said!("note", "nota"),
    }
}

/// The words for what a failure does.
pub fn on_failure(on_failure: OnFailure) -> Said {
    match on_failure {
        OnFailure::Block => said!("blocks the filing", "impide presentar"),
        OnFailure::Partial => said!("makes the filing partial", "deja parcial la presentación"),
        OnFailure::Note => {
            said!("is noted; the filing may be complete", "se anota; la presentación puede ser completa")
        }
    }
}

fn over(rule: &Rule) -> Said {
    match rule.only.is_empty() {
        true => said!("every accepted movement of the day", "todos los movimientos aceptados del día"),
        false => {
            let which = filtered(&rule.only);
            said!("the accepted movements of the day where {which}", "los movimientos aceptados del día en que {which}"; which)
        }
    }
}

fn consequence(rule: &Rule) -> Said {
    let (what, severity) = (on_failure(rule.on_failure), severity(rule.severity));
    said!(
        "{what}; its exception is {severity}. A rule that cannot be judged counts as one that fails.",
        "{what}; su excepción es {severity}. Una regla que no puede evaluarse cuenta como una que no se cumple.";
        what, severity
    )
}

fn origin(id: &str, dataset: Option<&Dataset>) -> Said {
    match dataset.map(|dataset| (&dataset.file, &dataset.query)) {
        Some((Some(file), _)) => said!("`{id}`: the file {file}", "`{id}`: el archivo {file}"),
        Some((None, Some(query))) => {
            let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
            said!("`{id}`: the warehouse is asked {query}", "`{id}`: se consulta al almacén {query}")
        }
        _ => said!("`{id}`: nobody says where it comes from", "`{id}`: nadie dice de dónde viene"),
    }
}

/// What the rule's message says of a violation that is made up.
fn example(rule: &Rule, config: &Config) -> Said {
    if rule.message == Default::default() {
        return said!(
            "the words of its kind, with the values that were found (give `message` for others)",
            "las palabras de su tipo, con los valores encontrados (indique `message` para otras)"
        );
    }
    let (scale, currency) = (config.scale(), config.default_currency());
    let amount = |text: &str| Total::parse(text, scale).map_or(0, |total| total.minor);
    let violation = Violation {
        column: Some("account=0012".to_owned()),
        found: Some("1250".to_owned()),
        expected: Some("1000".to_owned()),
        money: currency.map(|currency| (currency, amount("250"))),
        reason: said!("the words of its kind", "las palabras de su tipo"),
        ..Violation::default()
    };
    let source = rule.only.get(&Field::Source).and_then(|sources| sources.first());
    let source = source.or(config.sources.first().map(|source| &source.id));
    let said = rule.message.say(&violation, source.map(String::as_str), scale);
    said!("such as: {said}", "por ejemplo: {said}"; said)
}

/// `source is core and kind is TRF, FEE or TAX`.
pub(crate) fn filtered(only: &BTreeMap<Field, Vec<String>>) -> Said {
    let one = |(field, values): (&Field, &Vec<String>)| {
        let values = joined(&values.iter().map(Said::same).collect::<Vec<_>>(), ["or", "o"]);
        said!("{field} is {values}", "{field} es {values}"; values)
    };
    let parts: Vec<Said> = only.iter().map(one).collect();
    joined(&parts, ["and", "y"])
}

/// Parts with commas between them, and a word before the last one, in both languages.
fn joined(parts: &[Said], [en, es]: [&str; 2]) -> Said {
    let of = |part: fn(&Said) -> &str, word: &str| match parts.split_last() {
        Some((last, [])) => part(last).to_owned(),
        Some((last, others)) => {
            format!("{} {word} {}", others.iter().map(part).collect::<Vec<_>>().join(", "), part(last))
        }
        None => String::new(),
    };
    Said { en: of(|said| &said.en, en), es: of(|said| &said.es, es) }
}

/// `account, branch and currency`.
pub(crate) fn listed(fields: &[Field]) -> Said {
    joined(&fields.iter().map(|field| Said::same(field.name())).collect::<Vec<_>>(), ["and", "y"])
}

/// ` per branch and currency`; nothing where there is one group alone.
pub(crate) fn per_group(group_by: &[Field], per_currency: bool) -> Said {
    let mut fields = group_by.to_vec();
    if per_currency && !fields.contains(&Field::Currency) {
        fields.push(Field::Currency);
    }
    match fields.is_empty() {
        true => Said::default(),
        false => {
            let fields = listed(&fields);
            said!(" per {fields}", " por {fields}"; fields)
        }
    }
}

/// `; a difference of up to 0.05 passes: why`; nothing where none does.
pub(crate) fn tolerated(tolerance: &Option<String>, reason: &Option<String>) -> Said {
    let reason = reason.as_deref().unwrap_or_default().trim_end_matches('.');
    match tolerance {
        None => Said::default(),
        Some(most) => said!(
            "; a difference of up to {most} passes: {reason}",
            "; se acepta una diferencia de hasta {most}: {reason}"
        ),
    }
}

/// What becomes of movements without a value.
pub(crate) fn if_empty(allowed: bool) -> Said {
    match allowed {
        true => said!("a movement without a value passes", "un movimiento sin valor se acepta"),
        false => said!("a movement without a value does not pass", "un movimiento sin valor no se acepta"),
    }
}

/// `; from 2026-01-02 on it goes on where the filing of the day before ended`.
pub(crate) fn carried_on(from: &Option<String>) -> Said {
    from.as_ref().map_or_else(Said::default, |from| {
        said!(
            "; from {from} on each day goes on where the filing of the day before ended",
            "; desde el {from} cada día continúa donde terminó la presentación del día anterior"
        )
    })
}
