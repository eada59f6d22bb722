//! What two filings differ in, as far as their manifests say it.
//!
//! Each thing that a manifest states is taken apart into facts, which are compared by name. A fact has the name
//! that the manifest gives it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::decimal::DecimalSums;
use crate::predicate::{
    AmountText, ControlFacts, EndToEndFacts, ExceptionFacts, Predicate, RuleFacts, SourceFacts, TotalsFacts,
};

/// What the later of two filings states otherwise than the earlier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Of the filing as a whole.
    pub filing: Vec<Changed>,
    /// Of all sources together: accepted records, their amount, and that of the warehouse.
    pub totals: Vec<Changed>,
    /// Of what was received.
    pub sources: Vec<Entry>,
    /// Of each source against the warehouse.
    pub end_to_end: Vec<Entry>,
    /// Of the rules.
    pub business: Vec<Entry>,
    /// Of the exceptions.
    pub exceptions: Vec<Entry>,
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Whether it is new, gone, or stated otherwise.
    pub change: Change,
    /// In what it differs; of what is new or gone, all that is stated of it.
    pub facts: Vec<Changed>,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The later filing alone states it.
    New,
    /// The earlier filing alone states it.
    Gone,
    /// Both state it, in other words.
    Changed,
}

/// A fact before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// What it is called in the manifest.
    pub fact: &'static str,
    /// Which of several it is: a currency, or a file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// In the earlier filing; `None` where it does not state it.
    pub before: Option<Value>,
    /// In the later filing.
    pub after: Option<Value>,
    /// After less before, of counts and amounts; what is not stated counts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Value>,
}

/// What a fact states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A count, or the difference of two.
    Count(i64),
    /// A decimal of the currency that the fact is of.
    Amount(String),
    /// A word of the manifest, such as a state or a verdict.
    Word(String),
    /// A text for people, a name, or an instant.
    Text(String),
    /// SHA-256, lower-case hex.
    Digest(String),
}

impl Difference {
    /// Compares two manifests.
    pub fn of(before: &Predicate, after: &Predicate) -> Self {
        let both = [before, after];
        Self {
            filing: changed(&both.map(of_filing)),
            totals: changed(&[of_totals(before), of_totals(after)]),
            sources: entries(both.map(|day| day.sources.iter().map(of_source).collect())),
            end_to_end: entries(both.map(|day| day.end_to_end.iter().map(of_end_to_end).collect())),
            business: entries(both.map(|day| day.business.iter().map(of_rule).collect())),
            exceptions: entries(both.map(|day| day.exceptions.iter().map(of_exception).collect())),
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        let Self { filing, totals, sources, end_to_end, business, exceptions } = self;
        filing.is_empty()
            && totals.is_empty()
            && [sources, end_to_end, business, exceptions].iter().all(|e| e.is_empty())
    }
}

/// What is stated of one thing, in the order of the manifest.
type Facts = Vec<Fact>;

/// A fact: its name, which of several it is, and what it states.
type Fact = ((&'static str, Option<String>), Value);

/// What is stated of something, with its id.
type Stated = (String, Facts);

fn entries([before, after]: [Vec<Stated>; 2]) -> Vec<Entry> {
    let of = |all: &[Stated], id: &str| all.iter().find(|(other, _)| other == id).map(|(_, facts)| facts.clone());
    let ids =
        before.iter().map(|(id, _)| id).chain(after.iter().map(|(id, _)| id).filter(|id| of(&before, id).is_none()));
    let mut entries = Vec::new();
    for id in ids {
        let both = [of(&before, id), of(&after, id)];
        let change = match &both {
            [None, _] => Change::New,
            [_, None] => Change::Gone,
            _ => Change::Changed,
        };
        let facts = changed(&both.map(Option::unwrap_or_default));
        if !facts.is_empty() || change != Change::Changed {
            entries.push(Entry { id: id.clone(), change, facts });
        }
    }
    entries
}

/// The facts that differ: those of the earlier filing in their order, then those that the later one adds.
fn changed([before, after]: &[Facts; 2]) -> Vec<Changed> {
    let mut seen = BTreeSet::new();
    let mut changed = Vec::new();
    for (key, _) in before.iter().chain(after) {
        let of = |facts: &Facts| facts.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone());
        let both = [of(before), of(after)];
        if !seen.insert(key) || both[0] == both[1] {
            continue;
        }
        let difference = difference(&both);
        let ((fact, of), [before, after]) = (key.clone(), both);
        changed.push(Changed { fact, of, before, after, difference });
    }
    changed
}

fn difference(both: &[Option<Value>; 2]) -> Option<Value> {
    match both {
        [Some(Value::Count(before)), Some(Value::Count(after))] => Some(Value::Count(after.saturating_sub(*before))),
        [Some(Value::Amount(_)), _] | [_, Some(Value::Amount(_))] => {
            let [before, after] = both.each_ref().map(|value| match value {
                Some(Value::Amount(text)) => text,
                _ => "0",
            });
            let mut difference = DecimalSums::new();
            difference.add("", after);
            difference.subtract("", before);
            difference.of("").map(Value::Amount)
        }
        _ => None,
    }
}

fn of_filing(day: &Predicate) -> Facts {
    let Predicate { institution, series, business_date, status, issued_at, deadline, filing, produced_by, .. } = day;
    let text = |name, value: &str| fact(name, Value::Text(value.to_owned()));
    let mut facts = vec![
        fact("status", word(status.name())),
        text("institution", institution),
        text("series", series),
        text("businessDate", business_date),
        fact("kind", word(&filing.kind)),
    ];
    facts.extend(filing.reason.iter().map(|reason| text("reason", reason)));
    facts.extend(filing.operator.iter().flatten().map(|operator| text("operator", operator)));
    facts.extend(day.no_movements.iter().flatten().map(|declared| text("noMovements", &declared.reason)));
    facts.extend([text("issuedAt", issued_at), text("deadline", deadline), text("version", &produced_by.version)]);
    facts.push(fact("configSha256", Value::Digest(produced_by.config_sha256.clone())));
    facts.extend(day.carried_over.iter().map(|carried| fact("carriedOver", count(carried.len() as u64))));
    facts
}

fn of_totals(day: &Predicate) -> Facts {
    let records = day.sources.iter().map(|source| source.records.saturating_sub(source.rejected_records));
    let (mut received, mut stored) = (DecimalSums::new(), DecimalSums::new());
    day.sources.iter().for_each(|source| received.add_all(&source.amount));
    day.end_to_end.iter().for_each(|end_to_end| stored.add_all(&end_to_end.warehouse_amount));
    let mut facts = vec![fact("records", count(records.fold(0, u64::saturating_add)))];
    facts.extend(amounts("amount", &received.texts()));
    facts.extend(amounts("warehouseAmount", &stored.texts()));
    facts
}

fn of_source(source: &SourceFacts) -> Stated {
    let SourceFacts { id, state, records, rejected_records, amount, files, control } = source;
    let mut facts = vec![
        fact("state", word(state)),
        fact("records", count(*records)),
        fact("rejectedRecords", count(*rejected_records)),
    ];
    facts.extend(amounts("amount", amount));
    let ControlFacts { verdict, expected: TotalsFacts { records, amount }, .. } = control;
    facts.push(fact("control", word(verdict)));
    facts.extend(records.iter().map(|records| fact("expectedRecords", count(*records))));
    facts.extend(amount.iter().flat_map(|amount| amounts("expectedAmount", amount)));
    facts.extend(files.iter().map(|file| (("file", Some(file.name.clone())), Value::Digest(file.sha256.clone()))));
    (id.clone(), facts)
}

fn of_end_to_end(day: &EndToEndFacts) -> Stated {
    let mut facts = vec![
        fact("sourceRecords", count(day.source_records)),
        fact("warehouseRecords", count(day.warehouse_records)),
        fact("matched", count(day.matched)),
        fact("missingInWarehouse", count(day.missing_in_warehouse)),
        fact("missingInSource", count(day.missing_in_source)),
        fact("changed", count(day.changed)),
        fact("duplicates", count(day.duplicates)),
    ];
    facts.extend(amounts("sourceAmount", &day.source_amount));
    facts.extend(amounts("warehouseAmount", &day.warehouse_amount));
    facts.extend(amounts("amountDifference", &day.amount_difference));
    (day.source.clone(), facts)
}

fn of_rule(rule: &RuleFacts) -> Stated {
    let RuleFacts { rule, verdict, violations, explanation, .. } = rule;
    let facts = vec![
        fact("verdict", word(verdict)),
        fact("violations", count(*violations)),
        fact("explanation", Value::Text(explanation.clone())),
    ];
    (rule.clone(), facts)
}

fn of_exception(gap: &ExceptionFacts) -> Stated {
    let mut facts = vec![fact("severity", word(gap.severity.name()))];
    facts.extend(gap.class.iter().map(|class| fact("class", word(class.name()))));
    facts.extend(gap.records.iter().map(|records| fact("records", count(*records))));
    facts.extend(gap.amount.iter().flat_map(|amount| amounts("amount", amount)));
    facts.push(fact("explanation", Value::Text(gap.explanation.clone())));
    let last = gap.dispositions.iter().flatten().next_back();
    facts.extend(last.map(|last| fact("disposition", word(last.disposition.name()))));
    (gap.id.clone(), facts)
}

fn fact(name: &'static str, value: Value) -> Fact {
    ((name, None), value)
}

fn amounts(name: &'static str, amount: &AmountText) -> Facts {
    let of = |(currency, text): (&String, &String)| ((name, Some(currency.clone())), Value::Amount(text.clone()));
    amount.iter().map(of).collect()
}

fn count(count: u64) -> Value {
    Value::Count(i64::try_from(count).unwrap_or(i64::MAX))
}

fn word(word: &str) -> Value {
    Value::Word(word.to_owned())
}

#[cfg(test)]
mod tests;
