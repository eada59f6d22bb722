//! One exception as `cuadre show --exception` prints it.

use cuadre_rules::exception::{Evidence, Kind};

use super::{Page, Paper, money};
use crate::facts::{fact, value};
use crate::locale::Locale;
use crate::open::Disposition;
use crate::predicate::{AmountText, ExceptionFacts};
use crate::words::named;

/// The page: what is stated of an exception of a filing, then its first rows of evidence, of so many in all.
pub fn exception(
    filing: &str,
    gap: &ExceptionFacts,
    rows: &[Evidence],
    all: u64,
    locale: &Locale,
    paper: Paper,
) -> String {
    let mut page = Page::new(paper);
    page.heading(&format!("{filing}: {}", gap.id));
    page.words(2, &gap.explanation);
    facts(&mut page, gap, locale);
    decisions(&mut page, gap.dispositions.as_deref().unwrap_or_default(), locale);
    evidence(&mut page, rows, all, locale);
    page.text
}

fn facts(page: &mut Page, gap: &ExceptionFacts, locale: &Locale) {
    let name = |name| fact(name, locale.language);
    let mut facts = vec![
        (locale.pick("kind", "tipo"), named("kind", gap.kind.name(), locale.language)),
        (name("severity"), value("severity", gap.severity.name(), locale.language)),
    ];
    facts.extend(gap.class.map(|class| (name("class"), value("class", class.name(), locale.language))));
    facts.extend(gap.source.iter().map(|source| (locale.pick("source", "fuente"), source.clone())));
    facts.extend(gap.records.map(|records| (name("records"), locale.number(records))));
    facts.extend(gap.amount.iter().map(|amount| (name("amount"), money(locale, amount))));
    let width = facts.iter().map(|(name, _)| super::length(name)).max().unwrap_or_default();
    facts.iter().for_each(|(name, text)| page.named(width, name, text));
}

fn decisions(page: &mut Page, dispositions: &[Disposition], locale: &Locale) {
    if dispositions.is_empty() {
        return;
    }
    page.heading(locale.pick("Decisions", "Decisiones"));
    for Disposition { disposition, reason, operator, at, .. } in dispositions {
        let word = value("disposition", disposition.name(), locale.language);
        page.words(2, &format!("{}: {word}, {operator}: {reason}", locale.moment(*at)));
    }
}

/// The first rows of evidence, and how many there are.
pub(super) fn evidence(page: &mut Page, rows: &[Evidence], all: u64, locale: &Locale) {
    if all == 0 {
        return;
    }
    page.heading(&format!("{} ({})", locale.pick("Rows", "Renglones"), locale.number(all)));
    for row in rows {
        self::row(page, row, locale);
    }
    let more = all.saturating_sub(rows.len() as u64);
    if more > 0 {
        let more = locale.number(more);
        page.words(
            2,
            &locale.pick(
                format!("and {more} more: --rows 0 prints them all, exceptions.csv has them"),
                format!("y {more} más: --rows 0 los imprime todos, están en exceptions.csv"),
            ),
        );
    }
}

fn row(page: &mut Page, row: &Evidence, locale: &Locale) {
    let Evidence {
        kind, source, file, record, column, source_value, warehouse_value, amount, currency, reason, ..
    } = row;
    let record = record.map(|record| format!("{} {record}", locale.pick("record", "registro")));
    let place = [file.clone().or(source.clone()), record].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let amounts: AmountText = currency.clone().zip(amount.clone()).into_iter().collect();
    let amount = Some(money(locale, &amounts)).filter(|amount| !amount.is_empty());
    let head: Vec<String> = [Some(place).filter(|place| !place.is_empty()), amount].into_iter().flatten().collect();
    let head = if head.is_empty() { "-".to_owned() } else { head.join(": ") };
    page.words(2, &head);
    let column = column.as_ref().map_or(String::new(), |column| format!(" {column}"));
    let sides = match kind == Kind::RuleFailed.name() {
        true => [locale.pick("found", "se encontró"), locale.pick("expected", "se esperaba")],
        false => [locale.pick("source", "fuente"), locale.pick("warehouse", "almacén")],
    };
    for (side, value) in sides.into_iter().zip([source_value, warehouse_value]) {
        if let Some(value) = value {
            page.words(6, &format!("{side}{column}: {value}"));
        }
    }
    page.words(6, reason);
}
