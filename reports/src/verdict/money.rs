//! The money of the page: what was received, what ties out, what does not, and by how much. All sums are exact.

use serde::Serialize;

use super::is_compared;
use crate::decimal::{DecimalSums, is_zero};
use crate::predicate::{EndToEndFacts, Predicate, SourceFacts};
use crate::summary::TOTAL;
use crate::view::{KindTotal, View};

/// The money of one currency. What is not known, or not compared, is `None`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Money {
    pub(crate) currency: String,
    /// Of all accepted movements.
    pub(crate) credits: Option<String>,
    pub(crate) debits: Option<String>,
    /// Credits and debits without their signs.
    pub(crate) gross: Option<String>,
    /// The same as the next three together, and as credits plus debits.
    pub(crate) net: Option<String>,
    /// Of the sources that tie out.
    pub(crate) ties: Option<String>,
    /// Of those that do not.
    pub(crate) differs: Option<String>,
    /// Of those that were not compared.
    pub(crate) uncompared: Option<String>,
    pub(crate) warehouse: Option<String>,
    /// Warehouse less received.
    pub(crate) difference: Option<String>,
    /// All breaks against the warehouse without their signs.
    pub(crate) breaks: Option<String>,
    /// Received less what the control records state, over the sources where they disagree; `None` where none does.
    pub(crate) control: Option<String>,
}

impl Money {
    /// What is known of it, by the keys of their words.
    pub(crate) fn measures(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("money.gross", self.gross.as_deref()),
            ("money.credits", self.credits.as_deref()),
            ("money.debits", self.debits.as_deref()),
            ("money.net", self.net.as_deref()),
            ("money.ties", self.ties.as_deref()),
            ("money.differs", self.differs.as_deref()),
            ("money.uncompared", self.uncompared.as_deref()),
            ("money.warehouse", self.warehouse.as_deref()),
            ("money.difference", self.difference.as_deref()),
            ("money.breaks", self.breaks.as_deref()),
            ("money.control", self.control.as_deref()),
        ]
    }

    /// Those of its measures that any of these currencies has: a row each, with a cell per currency.
    pub(crate) fn rows(money: &[Self]) -> Vec<(&'static str, Vec<Option<&str>>)> {
        let keys = money.first().map(Self::measures).into_iter().flatten().map(|(key, _)| key);
        let all: Vec<[(&str, Option<&str>); 11]> = money.iter().map(Self::measures).collect();
        let row = |(n, key): (usize, &'static str)| (key, all.iter().map(|measures| measures[n].1).collect::<Vec<_>>());
        keys.enumerate().map(row).filter(|(_, cells)| cells.iter().any(Option::is_some)).collect()
    }
}

/// A source tied out.
#[derive(Debug, Serialize)]
pub(crate) struct TieOut {
    /// `ties`, `differs`, `uncompared`, or `absent` where the source did not come.
    pub(crate) result: &'static str,
    /// Accepted movements.
    received_records: u64,
    refused: u64,
    /// What the source states, and what was read.
    control_verdict: String,
    control_records: Option<u64>,
    /// In the warehouse, where it was compared.
    warehouse_records: Option<u64>,
    /// What differs: how many movements of which break.
    breaks: Vec<(&'static str, u64)>,
    /// A row per currency.
    amounts: Vec<TiedAmount>,
}

/// A source's money in one currency.
#[derive(Debug, Serialize)]
struct TiedAmount {
    currency: String,
    received: String,
    control: Option<String>,
    warehouse: Option<String>,
    difference: Option<String>,
    /// Whether the control record agrees, where it states anything.
    control_agrees: bool,
    /// Whether the warehouse agrees, where it was compared.
    agrees: bool,
}

/// Ties a source out.
pub(crate) fn tie_out(source: &SourceFacts, manifest: &Predicate) -> TieOut {
    let compared = manifest.end_to_end.iter().find(|facts| facts.source == source.id);
    let is_received = source.state == "received" || source.state == "late";
    let breaks = compared.map(breaks).unwrap_or_default();
    let agrees = breaks.is_empty() && source.control.verdict != "mismatched";
    let result = match (is_received, compared) {
        (false, _) => "absent",
        (true, _) if !agrees => "differs",
        (true, None) => "uncompared",
        (true, Some(_)) => "ties",
    };
    TieOut {
        result,
        received_records: source.records - source.rejected_records,
        refused: source.rejected_records,
        control_verdict: source.control.verdict.clone(),
        control_records: source.control.expected.records,
        warehouse_records: compared.map(|facts| facts.warehouse_records),
        breaks,
        amounts: amounts(source, compared),
    }
}

fn breaks(facts: &EndToEndFacts) -> Vec<(&'static str, u64)> {
    let all = [
        ("missing_in_warehouse", facts.missing_in_warehouse),
        ("missing_in_source", facts.missing_in_source),
        ("changed", facts.changed),
        ("duplicates", facts.duplicates),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// A row for each currency that is not zero on every side; one row at least.
fn amounts(source: &SourceFacts, compared: Option<&EndToEndFacts>) -> Vec<TiedAmount> {
    let stated = source.control.expected.amount.as_ref();
    let mut currencies: Vec<&String> = source.amount.keys().collect();
    currencies.extend(stated.into_iter().flat_map(|amount| amount.keys()));
    currencies.extend(compared.into_iter().flat_map(|facts| facts.warehouse_amount.keys()));
    currencies.sort();
    currencies.dedup();
    let row = |currency: &String| {
        let received = source.amount.get(currency).cloned().unwrap_or_else(|| "0".to_owned());
        // What a control record does not name, it states as zero.
        let control = stated.map(|amount| amount.get(currency).cloned().unwrap_or_else(|| "0".to_owned()));
        let warehouse =
            compared.map(|facts| facts.warehouse_amount.get(currency).cloned().unwrap_or_else(|| "0".to_owned()));
        let difference =
            compared.map(|facts| facts.amount_difference.get(currency).cloned().unwrap_or_else(|| "0".to_owned()));
        let same = |other: &Option<String>| {
            other.as_ref().is_none_or(|other| difference_of(&received, other).is_some_and(|d| is_zero(&d)))
        };
        TiedAmount {
            currency: currency.clone(),
            control_agrees: same(&control),
            agrees: same(&warehouse),
            received,
            control,
            warehouse,
            difference,
        }
    };
    let mut rows: Vec<TiedAmount> = currencies.into_iter().map(row).collect();
    let is_nothing = |row: &TiedAmount| {
        let others = [&row.control, &row.warehouse, &row.difference];
        is_zero(&row.received) && others.into_iter().flatten().all(|text| is_zero(text))
    };
    if let Some(kept) = rows.iter().position(|row| !is_nothing(row)) {
        let kept = rows[kept].currency.clone();
        rows.retain(|row| row.currency == kept || !is_nothing(row));
    } else {
        rows.truncate(1);
    }
    rows
}

fn difference_of(left: &str, right: &str) -> Option<String> {
    let mut sums = DecimalSums::new();
    sums.add("", left);
    sums.subtract("", right);
    sums.of("")
}

/// What is summed over the sources.
#[derive(Default)]
struct Sums {
    net: DecimalSums,
    ties: DecimalSums,
    differs: DecimalSums,
    uncompared: DecimalSums,
    warehouse: DecimalSums,
    difference: DecimalSums,
    breaks: DecimalSums,
    control: DecimalSums,
}

/// The kinds of breaks against the warehouse.
const BREAKS: [&str; 4] = ["missing_in_warehouse", "missing_in_source", "changed", "duplicate"];

/// The money by currency: of every one that anything was received or found in; the first one at least.
pub fn money(view: &View) -> Vec<Money> {
    let sums = sums(view);
    let mut currencies: Vec<String> =
        sums.net.currencies().chain(sums.difference.currencies()).map(str::to_owned).collect();
    currencies.sort();
    currencies.dedup();
    let is_used = |currency: &String| {
        let others = [&sums.warehouse, &sums.difference, &sums.breaks, &sums.control];
        total(view, currency).is_some()
            || others.iter().filter_map(|sums| sums.of(currency)).any(|text| !is_zero(&text))
    };
    match currencies.iter().any(is_used) {
        true => currencies.retain(is_used),
        false => currencies.truncate(1),
    }
    let is_compared = is_compared(&view.predicate);
    currencies.into_iter().map(|currency| row(currency, view, &sums, is_compared)).collect()
}

fn sums(view: &View) -> Sums {
    let mut sums = Sums::default();
    for source in &view.predicate.sources {
        sums.net.add_all(&source.amount);
        let of_result = match tie_out(source, &view.predicate).result {
            "ties" => &mut sums.ties,
            "differs" => &mut sums.differs,
            _ => &mut sums.uncompared,
        };
        of_result.add_all(&source.amount);
        if let (Some(stated), Some(read)) = (&source.control.expected.amount, &source.control.actual.amount)
            && source.control.verdict == "mismatched"
        {
            sums.control.add_all(read);
            stated.iter().for_each(|(currency, text)| sums.control.subtract(currency, text));
        }
    }
    for facts in &view.predicate.end_to_end {
        sums.warehouse.add_all(&facts.warehouse_amount);
        sums.difference.add_all(&facts.amount_difference);
    }
    let of_breaks = |id: &str| id.split('/').next().is_some_and(|kind| BREAKS.contains(&kind));
    for evidence in view.evidence.iter().filter(|evidence| of_breaks(&evidence.exception)) {
        sums.breaks.add_all(&evidence.gross);
    }
    sums
}

fn row(currency: String, view: &View, sums: &Sums, is_compared: bool) -> Money {
    let zero = || Some(zero_like(&sums.net, &currency));
    // What nothing was added to is zero; what could not be summed is not known.
    let of = |sums: &DecimalSums| if sums.has(&currency) { sums.of(&currency) } else { zero() };
    let compared = |sums: &DecimalSums| if is_compared { of(sums) } else { None };
    let not_zero = |sums: &DecimalSums| sums.of(&currency).filter(|text| !is_zero(text));
    let total = total(view, &currency);
    let mut gross = DecimalSums::new();
    for text in total.iter().flat_map(|row| [&row.credits, &row.debits]) {
        gross.add_absolute(&currency, text);
    }
    Money {
        credits: total.map_or_else(zero, |row| Some(row.credits.clone())),
        debits: total.map_or_else(zero, |row| Some(row.debits.clone())),
        gross: of(&gross),
        net: of(&sums.net),
        ties: of(&sums.ties),
        differs: of(&sums.differs),
        uncompared: not_zero(&sums.uncompared),
        warehouse: compared(&sums.warehouse),
        difference: compared(&sums.difference),
        breaks: compared(&sums.breaks),
        control: not_zero(&sums.control),
        currency,
    }
}

/// The row of all sources in `summary.csv`.
fn total<'a>(view: &'a View, currency: &str) -> Option<&'a KindTotal> {
    view.totals.iter().find(|row| row.source == TOTAL && row.kind.is_empty() && row.currency == currency)
}

/// A zero of as many decimals as the sum of that currency has.
fn zero_like(sums: &DecimalSums, currency: &str) -> String {
    let decimals = sums.of(currency).and_then(|text| text.split_once('.').map(|(_, fraction)| fraction.len()));
    match decimals {
        Some(decimals) => format!("0.{}", "0".repeat(decimals)),
        None => "0".to_owned(),
    }
}
