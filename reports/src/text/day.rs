//! A filing as `cuadre show` prints it.

use std::cmp::Reverse;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Align, Page, Paper, capital, counted, money, not_tying_out};
use crate::View;
use crate::locale::Locale;
use crate::open::CarriedOver;
use crate::predicate::{ExceptionFacts, RuleFacts};
use crate::verdict::{self, Money};
use crate::words::{named, word};
use cuadre_rules::exception::Class;

/// The page: verdict, money, sources, tie-out, exceptions, rules that failed, what is open of other days.
pub fn day(view: &View, paper: Paper) -> String {
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let (mut page, day) = (Page::new(paper), &view.predicate);
    page.heading(&format!("{}, {}: {}", day.institution, day.series, view.filing));
    page.words(2, &verdict::sentence(day, &locale));
    issued(&mut page, view, &locale);
    sums(&mut page, &verdict::money(view), &locale);
    sources(&mut page, view, &locale);
    tie_out(&mut page, view, &locale);
    exceptions(&mut page, view, &locale);
    rules(&mut page, view, &locale);
    carried_over(&mut page, day.carried_over.as_deref().unwrap_or_default(), &locale);
    page.text
}

fn issued(page: &mut Page, view: &View, locale: &Locale) {
    let day = &view.predicate;
    let kind = named("filing", &day.filing.kind, view.language);
    let (issued, due) = (moment(&day.issued_at, locale), moment(&day.deadline, locale));
    let (kind, zone) = (capital(&kind), view.zone.iana_name().unwrap_or("UTC"));
    let mut words = locale.pick(
        format!("{kind}, issued {issued}, due {due} ({zone})"),
        format!("{kind}, emitido {issued}, hora límite {due} ({zone})"),
    );
    if let Some(operator) = day.filing.operator.iter().flatten().next() {
        words += &locale.pick(format!(", run by {operator}"), format!(", operador {operator}"));
    }
    if let Some(reason) = &day.filing.reason {
        words += &locale.pick(format!("; reason: {reason}"), format!("; motivo: {reason}"));
    }
    page.words(2, &words);
}

/// An instant of the manifest, in local time.
pub(super) fn moment(instant: &str, locale: &Locale) -> String {
    instant.parse().map_or_else(|_| instant.to_owned(), |instant| locale.moment(instant))
}

/// A row per measure, a column per currency.
fn sums(page: &mut Page, money: &[Money], locale: &Locale) {
    if money.is_empty() {
        return;
    }
    let name = |key| word(key, locale.language).unwrap_or_default().to_owned();
    page.heading(&name("money"));
    let mut rows = vec![[String::new()].into_iter().chain(money.iter().map(|money| money.currency.clone())).collect()];
    for (key, cells) in Money::rows(money) {
        let cells = cells.into_iter().map(|text| text.map_or("-".to_owned(), |text| locale.amount(text)));
        rows.push([name(key)].into_iter().chain(cells).collect());
    }
    page.table(&[vec![Align::Left], vec![Align::Right; money.len()]].concat(), &rows);
}

fn sources(page: &mut Page, view: &View, locale: &Locale) {
    use Align::{Left, Right};
    page.heading(locale.pick("Sources", "Fuentes"));
    let names = locale.pick(
        ["", "state", "records", "refused", "control totals"],
        ["", "estado", "registros", "rechazados", "cifras de control"],
    );
    let times = locale.pick(["arrived", "cut-off"], ["llegó", "límite"]);
    let is_timed = view.sources.iter().any(|source| source.arrived.or(source.cut_off).is_some());
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    let mut aligned = vec![Left, Left, Right, Right, Left];
    if is_timed {
        rows[0].extend(times.map(str::to_owned));
        aligned.extend([Right, Right]);
    }
    for facts in &view.predicate.sources {
        let source = view.sources.iter().find(|source| source.id == facts.id);
        let time = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| clock(view, at, locale));
        let mut row = vec![
            facts.id.clone(),
            named("state", &facts.state, view.language),
            locale.number(facts.records),
            locale.number(facts.rejected_records),
            named("control", &facts.control.verdict, view.language),
        ];
        if is_timed {
            let times = [source.and_then(|source| source.arrived), source.and_then(|source| source.cut_off)];
            row.extend(times.map(time));
        }
        rows.push(row);
    }
    page.table(&aligned, &rows);
}

/// The time of day in the morning of the report, else with its date.
pub(super) fn clock(view: &View, at: Timestamp, locale: &Locale) -> String {
    let morning = view.predicate.business_date.parse().ok().and_then(|date: Date| date.tomorrow().ok());
    if Some(locale.local_date(at)) == morning { locale.time(at) } else { locale.moment(at) }
}

fn tie_out(page: &mut Page, view: &View, locale: &Locale) {
    let day = &view.predicate;
    page.heading(locale.pick("Sources against the warehouse", "Fuentes contra el almacén de datos"));
    if day.end_to_end.is_empty() {
        return page.words(2, locale.pick("Not compared.", "No se compararon."));
    }
    let names = locale.pick(
        ["", "", "source", "warehouse", "difference", "breaks"],
        ["", "", "fuente", "almacén", "diferencia", "no cuadran"],
    );
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    for facts in &day.end_to_end {
        for (n, (currency, difference)) in facts.amount_difference.iter().enumerate() {
            let amount = |text: Option<&String>| text.map_or("-".to_owned(), |text| locale.amount(text));
            rows.push(vec![
                if n == 0 { facts.source.clone() } else { String::new() },
                currency.clone(),
                amount(facts.source_amount.get(currency)),
                amount(facts.warehouse_amount.get(currency)),
                locale.amount(difference),
                if n == 0 { locale.number(not_tying_out(facts)) } else { String::new() },
            ]);
        }
    }
    use Align::{Left, Right};
    page.table(&[Left, Left, Right, Right, Right, Right], &rows);
}

fn exceptions(page: &mut Page, view: &View, locale: &Locale) {
    let day = &view.predicate;
    let is_stated = |id: &str| day.exceptions.iter().any(|gap| gap.id == id);
    let class = |gap: &ExceptionFacts| gap.class.unwrap_or_else(|| gap.kind.class(gap.source.as_deref(), is_stated));
    for of in [Class::Expected, Class::Mismatched] {
        let mut gaps: Vec<&ExceptionFacts> = day.exceptions.iter().filter(|gap| class(gap) == of).collect();
        gaps.sort_by_key(|gap| Reverse(gap.severity));
        if gaps.is_empty() {
            continue;
        }
        let heading = match of {
            Class::Expected => locale.pick("Exceptions, due and not come", "Excepciones, debía llegar y no llegó"),
            Class::Mismatched => locale.pick("Exceptions, in what came", "Excepciones, en lo que llegó"),
        };
        page.heading(&format!("{heading} ({})", gaps.len()));
        for gap in gaps {
            let mut head = format!("{}: {}", gap.id, named("severity", gap.severity.name(), view.language));
            if let Some(amount) = gap.amount.as_ref().filter(|amount| !amount.is_empty()) {
                head += &format!(", {}", money(locale, amount));
            }
            page.words(2, &head);
            page.words(6, &gap.explanation);
        }
    }
    if day.exceptions.is_empty() {
        page.heading(locale.pick("Exceptions", "Excepciones"));
        page.words(2, locale.pick("None.", "Ninguna."));
    }
}

fn rules(page: &mut Page, view: &View, locale: &Locale) {
    let failed: Vec<&RuleFacts> = view.predicate.business.iter().filter(|rule| rule.verdict != "passed").collect();
    if failed.is_empty() {
        return;
    }
    page.heading(&locale.pick(
        format!("Rules that do not hold ({} of {})", failed.len(), view.predicate.business.len()),
        format!("Reglas que no se cumplen ({} de {})", failed.len(), view.predicate.business.len()),
    ));
    for facts in failed {
        page.words(2, &format!("{}: {}", facts.rule, named("rule", &facts.verdict, view.language)));
        page.words(6, &facts.explanation);
        let owner = facts.owner.iter().flatten().next();
        let owner = owner.map(|owner| locale.pick(format!("Owner: {owner}"), format!("Responsable: {owner}")));
        let why = facts.why.clone().filter(|why| !why.is_empty());
        let words: Vec<String> = [why, owner].into_iter().flatten().collect();
        if !words.is_empty() {
            page.words(6, &words.join(" "));
        }
    }
}

fn carried_over(page: &mut Page, carried: &[CarriedOver], locale: &Locale) {
    if carried.is_empty() {
        return;
    }
    page.heading(&format!("{} ({})", locale.pick("Open of other days", "Abiertas de otros días"), carried.len()));
    for CarriedOver { age_days, open } in carried {
        let days = counted(age_days.unsigned_abs(), locale.pick(["day", "days"], ["día", "días"]), locale);
        let mut head = format!("{}: {}, {days}", open.id, named("severity", open.severity.name(), locale.language));
        if let Some(last) = open.dispositions.last() {
            head += &format!(
                ", {} ({}, {})",
                named("disposition", last.disposition.name(), locale.language),
                last.operator,
                last.reason
            );
        }
        page.words(2, &head);
        page.words(6, &open.explanation);
    }
}
