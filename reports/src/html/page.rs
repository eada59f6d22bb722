//! What the template of the page is given: the filing's own facts, and what follows from them for people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use minijinja::Value;
use serde::Serialize;

use super::svg::{self, Bar, Hand};
use crate::Predicate;
use crate::decimal::{Decimal, DecimalSums};
use crate::locale::Locale;
use crate::predicate::{AmountText, ExceptionFacts, RuleFacts};
use crate::summary::TOTAL;
use crate::verdict::{Counts, Money, TieOut, age_days, instant, is_compared, money, sentences, tie_out};
use crate::view::{EvidenceView, KindTotal, SourceView, Traced, View};
use crate::words::word;

/// Rows of totals by kind that the page has; `summary.csv` has them all.
const MOST_KINDS: usize = 250;
/// Bars of a picture; the smaller kinds are one bar together.
const MOST_BARS: usize = 16;
/// Currencies with a picture; the table has all.
const MOST_PICTURES: usize = 4;

/// The context of the template. Amounts are decimal texts, instants RFC 3339 texts, dates `YYYY-MM-DD`.
#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    /// The language's tag.
    lang: &'static str,
    /// Which filing, such as `2026-11-20.1`.
    filing: &'a str,
    /// What the manifest states, under its names.
    manifest: &'a Predicate,
    /// The verdict in a sentence.
    verdict: String,
    /// When it was issued, as against the deadline.
    timeliness: String,
    is_late: bool,
    /// How many sources there are, and what became of them.
    counts: Counts,
    /// The money, a currency each.
    money: Vec<Money>,
    /// Whether the day was compared with the warehouse.
    compared: bool,
    /// The sources, in order.
    sources: Vec<SourceRow<'a>>,
    /// What people call each source, by id.
    titles: BTreeMap<&'a str, &'a str>,
    /// The picture of the clock.
    clock: Value,
    /// Rules, in order.
    rules: &'a [RuleFacts],
    /// The day's exceptions, the worst first.
    exceptions: Vec<ExceptionRow<'a>>,
    /// Days from the business date to the date of issue: the age of the day's exceptions.
    age_days: i64,
    /// Exceptions of other days, the oldest first.
    open: Vec<&'a crate::open::CarriedOver>,
    /// Pictures of the totals by kind.
    pictures: Vec<Value>,
    /// The first rows of `summary.csv`.
    kinds: &'a [KindTotal],
    /// How many it has beyond them.
    more_kinds: usize,
    more_kinds_text: String,
    /// Its rows of all sources.
    kinds_total: Vec<&'a KindTotal>,
    inputs: &'a [Traced],
    outputs: &'a [Traced],
    /// Who signs, where that is known.
    principal: Option<&'a str>,
    principal_quoted: String,
    /// Why the configured template was not used.
    note: Option<&'a str>,
}

/// A source against the clock, and tied out.
#[derive(Debug, Serialize)]
struct SourceRow<'a> {
    id: &'a str,
    title: &'a str,
    expected: Option<Timestamp>,
    arrived: Option<Timestamp>,
    cut_off: Option<Timestamp>,
    /// `received`, `late`, `missing` or `rejected`.
    state: &'a str,
    #[serde(flatten)]
    tie_out: TieOut,
}

/// An exception with the head of its evidence.
#[derive(Debug, Serialize)]
struct ExceptionRow<'a> {
    #[serde(flatten)]
    facts: &'a ExceptionFacts,
    /// What people call its source; its rule, where it is of one.
    about: &'a str,
    rows: &'a [cuadre_rules::exception::Evidence],
    /// Rows that the page does not have.
    more: u64,
    more_text: String,
    /// The sum of its amounts without their signs, where that is another one.
    gross: Option<&'a AmountText>,
}

impl<'a> Page<'a> {
    pub(super) fn new(view: &'a View, locale: &Locale, note: Option<&'a str>) -> Self {
        let manifest = &view.predicate;
        let sources: Vec<SourceRow<'_>> = view.sources.iter().filter_map(|source| source_row(source, view)).collect();
        let (issued, deadline) = (instant(&manifest.issued_at), instant(&manifest.deadline));
        let counts = Counts::of(manifest);
        let of_all = |row: &&KindTotal| row.source == TOTAL && row.kind.is_empty();
        let kinds = view.totals.iter().position(|row| of_all(&row)).unwrap_or(view.totals.len());
        let mut open: Vec<_> = manifest.carried_over.iter().flatten().collect();
        open.sort_by_key(|carried| std::cmp::Reverse(carried.age_days));
        Self {
            lang: locale.tag(),
            filing: &view.filing,
            manifest,
            verdict: sentences::verdict(manifest, &counts, locale),
            timeliness: sentences::timeliness(issued, deadline, locale),
            is_late: issued > deadline,
            money: money(view),
            compared: is_compared(manifest),
            titles: view.sources.iter().map(|source| (source.id.as_str(), source.title.as_str())).collect(),
            clock: Value::from_safe_string(clock(&sources, deadline, issued, locale)),
            sources,
            rules: &manifest.business,
            exceptions: exceptions(view, locale),
            age_days: age_days(manifest, locale),
            open,
            pictures: pictures(&view.totals[..kinds], &view.totals[kinds..], locale),
            kinds: &view.totals[..kinds.min(MOST_KINDS)],
            more_kinds: kinds.saturating_sub(MOST_KINDS),
            more_kinds_text: sentences::more(kinds.saturating_sub(MOST_KINDS) as u64, "summary.csv", locale),
            kinds_total: view.totals[kinds..].iter().collect(),
            inputs: &view.inputs,
            outputs: &view.outputs,
            principal: view.principal.as_deref(),
            principal_quoted: quoted(view.principal.as_deref().unwrap_or_default()),
            counts,
            note,
        }
    }
}

fn source_row<'a>(source: &'a SourceView, view: &'a View) -> Option<SourceRow<'a>> {
    let facts = view.predicate.sources.iter().find(|facts| facts.id == source.id)?;
    Some(SourceRow {
        id: &source.id,
        title: &source.title,
        expected: source.expected,
        arrived: source.arrived,
        cut_off: source.cut_off,
        state: &facts.state,
        tie_out: tie_out(facts, &view.predicate),
    })
}

fn clock<'a>(sources: &[SourceRow<'a>], deadline: Timestamp, issued: Timestamp, locale: &Locale) -> String {
    let hand = |row: &SourceRow<'a>| Hand {
        title: row.title,
        expected: row.expected,
        arrived: row.arrived,
        cut_off: row.cut_off,
        is_received: row.state != "missing",
        is_late: row.state == "late",
    };
    svg::clock(&sources.iter().map(hand).collect::<Vec<_>>(), deadline, issued, locale)
}

fn exceptions<'a>(view: &'a View, locale: &Locale) -> Vec<ExceptionRow<'a>> {
    let mut evidence: BTreeMap<&str, &EvidenceView> = BTreeMap::new();
    evidence.extend(view.evidence.iter().map(|view| (view.exception.as_str(), view)));
    let row = |facts| exception_row(facts, view, evidence.get(facts.id.as_str()).copied(), locale);
    let mut rows: Vec<_> = view.predicate.exceptions.iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.facts.severity));
    rows
}

fn exception_row<'a>(
    facts: &'a ExceptionFacts,
    view: &'a View,
    evidence: Option<&'a EvidenceView>,
    locale: &Locale,
) -> ExceptionRow<'a> {
    let about = facts.id.split_once('/').map_or("", |(_, about)| about);
    let title = view.sources.iter().find(|source| Some(&source.id) == facts.source.as_ref());
    let gross = evidence.map(|view| &view.gross).filter(|gross| !gross.is_empty());
    let unsigned = |amount: &AmountText| -> AmountText {
        amount.iter().map(|(currency, text)| (currency.clone(), text.trim_start_matches('-').to_owned())).collect()
    };
    let is_other = |gross: &&AmountText| facts.amount.as_ref().is_some_and(|amount| unsigned(amount) != **gross);
    let more = evidence.map_or(0, |view| view.all.saturating_sub(view.rows.len() as u64));
    ExceptionRow {
        facts,
        about: title.map_or(about, |source| &source.title),
        rows: evidence.map_or(&[], |view| &view.rows),
        more,
        more_text: sentences::more(more, "exceptions.csv", locale),
        gross: gross.filter(is_other),
    }
}

/// A picture per currency: credits and debits by kind, over all sources, the largest first.
fn pictures(kinds: &[KindTotal], total: &[KindTotal], locale: &Locale) -> Vec<Value> {
    let mut currencies: Vec<&str> = total.iter().map(|row| row.currency.as_str()).collect();
    currencies.truncate(MOST_PICTURES);
    let picture = |(n, currency): (usize, &&str)| {
        let bars = bars(kinds.iter().filter(|row| row.currency == **currency), locale);
        Value::from_safe_string(svg::kinds(&format!("kinds-{n}"), currency, &bars, locale))
    };
    currencies.iter().enumerate().map(picture).collect()
}

fn bars<'a>(rows: impl Iterator<Item = &'a KindTotal>, locale: &Locale) -> Vec<Bar> {
    let mut sums: BTreeMap<&str, (DecimalSums, DecimalSums)> = BTreeMap::new();
    for row in rows {
        let (credits, debits) = sums.entry(&row.kind).or_default();
        credits.add("", &row.credits);
        debits.add("", &row.debits);
    }
    let text = |sums: &DecimalSums| sums.of("").unwrap_or_default();
    let size =
        |sums: &DecimalSums| sums.of("").and_then(|text| Decimal::parse(&text)).map_or(0, |d| d.units.unsigned_abs());
    let mut kinds: Vec<_> = sums.into_iter().collect();
    kinds.sort_by_key(|(_, (credits, debits))| std::cmp::Reverse(size(credits).saturating_add(size(debits))));
    let rest = if kinds.len() > MOST_BARS { kinds.split_off(MOST_BARS - 1) } else { Vec::new() };
    let without = word("kind.without", locale.language).unwrap_or_default();
    let bar = |label: String, credits: &DecimalSums, debits: &DecimalSums| Bar {
        label,
        credits: text(credits),
        debits: text(debits),
    };
    let label = |kind: &str| if kind.is_empty() { without.to_owned() } else { kind.to_owned() };
    let mut bars: Vec<Bar> = kinds.iter().map(|(kind, (credits, debits))| bar(label(kind), credits, debits)).collect();
    if !rest.is_empty() {
        let (mut credits, mut debits) = (DecimalSums::new(), DecimalSums::new());
        for (_, (more, less)) in &rest {
            credits.add("", &text(more));
            debits.add("", &text(less));
        }
        let others = locale.pick(format!("{} others", rest.len()), format!("otros {}", rest.len()));
        bars.push(bar(others, &credits, &debits));
    }
    bars
}

/// A text as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._-+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
