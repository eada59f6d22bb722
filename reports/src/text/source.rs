//! One source of a filing as `cuadre show --source` prints it.

use cuadre_rules::exception::Evidence;

use super::day::clock;
use super::exception::evidence;
use super::{Align, Page, Paper, capital, counted, money, not_tying_out};
use crate::View;
use crate::facts::{self, fact, value};
use crate::locale::Locale;
use crate::predicate::{AmountText, ControlFacts, EndToEndFacts, ExceptionFacts, FileFacts, SourceFacts, TotalsFacts};

/// The page: what was received of a source, what it states, how it ties out, and its exceptions, each with its
/// first rows of so many in all.
pub fn source(
    view: &View,
    facts: &SourceFacts,
    exceptions: &[(ExceptionFacts, Vec<Evidence>, u64)],
    paper: Paper,
) -> String {
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let mut page = Page::new(paper);
    let known = view.sources.iter().find(|source| source.id == facts.id);
    let title = known.filter(|source| source.title != source.id).map(|source| format!(", {}", source.title));
    page.heading(&format!("{}: {}{}", view.filing, facts.id, title.unwrap_or_default()));
    let times = known.map(|source| {
        [
            (locale.pick("arrived", "llegó"), source.arrived),
            (locale.pick("expected by", "se espera antes de"), source.expected),
            (locale.pick("cut-off", "hora límite"), source.cut_off),
        ]
    });
    let times = times.into_iter().flatten().filter_map(|(name, at)| Some((name, at?)));
    let times: String = times.map(|(name, at)| format!(", {name} {}", clock(view, at, &locale))).collect();
    page.words(2, &format!("{}{times}", value("state", &facts.state, view.language)));
    files(&mut page, &facts.files, &locale);
    control(&mut page, facts, &locale);
    let end_to_end = view.predicate.end_to_end.iter().find(|end_to_end| end_to_end.source == facts.id);
    if let Some(end_to_end) = end_to_end {
        tie_out(&mut page, end_to_end, &locale);
    }
    for (gap, rows, all) in exceptions {
        page.heading(&format!("{}: {}", gap.id, value("severity", gap.severity.name(), view.language)));
        page.words(2, &gap.explanation);
        if let Some(amount) = gap.amount.as_ref().filter(|amount| !amount.is_empty()) {
            page.words(2, &format!("{}: {}", fact("amount", view.language), money(&locale, amount)));
        }
        evidence(&mut page, rows, *all, &locale);
    }
    page.text
}

fn files(page: &mut Page, files: &[FileFacts], locale: &Locale) {
    if files.is_empty() {
        return;
    }
    page.heading(locale.pick("Files", "Archivos"));
    let names = locale.pick(["", "records", "bytes"], ["", "registros", "bytes"]);
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    rows.extend(files.iter().map(|f| vec![f.name.clone(), locale.number(f.records), locale.number(f.bytes)]));
    page.table(&[Align::Left, Align::Right, Align::Right], &rows);
    page.words(2, "SHA-256:");
    files.iter().for_each(|file| page.line(4, &file.sha256));
}

fn control(page: &mut Page, facts: &SourceFacts, locale: &Locale) {
    let ControlFacts { verdict, expected, actual } = &facts.control;
    let heading = capital(fact("control", locale.language));
    page.heading(&format!("{heading}: {}", facts::control(verdict, locale.language)));
    let none = AmountText::new();
    let amounts = [expected, actual].map(|totals| totals.amount.as_ref().unwrap_or(&none));
    let mut currencies: Vec<&String> = amounts.iter().flat_map(|amount| amount.keys()).collect();
    currencies.sort();
    currencies.dedup();
    let mut rows = vec![vec![String::new(), fact("records", locale.language).to_owned()]];
    rows[0].extend(currencies.iter().map(|currency| currency.to_string()));
    let names = locale.pick(["stated", "read"], ["declarado", "leído"]);
    for (name, TotalsFacts { records, amount }) in names.into_iter().zip([expected, actual]) {
        let records = records.map_or("-".to_owned(), |records| locale.number(records));
        let of = |currency: &&String| amount.as_ref().and_then(|amount| amount.get(*currency));
        let amounts = currencies.iter().map(|c| of(c).map_or("-".to_owned(), |text| locale.amount(text)));
        rows.push([name.to_owned(), records].into_iter().chain(amounts).collect());
    }
    if facts.rejected_records > 0 {
        let refused = fact("rejectedRecords", locale.language).to_owned();
        rows.push(vec![refused, locale.number(facts.rejected_records)]);
    }
    let aligned = [vec![Align::Left], vec![Align::Right; currencies.len() + 1]].concat();
    page.table(&aligned, &rows);
}

fn tie_out(page: &mut Page, facts: &EndToEndFacts, locale: &Locale) {
    let words = locale.pick(
        ["movement does not tie out", "movements do not tie out"],
        ["movimiento no cuadra", "movimientos no cuadran"],
    );
    let breaks = counted(not_tying_out(facts), words, locale);
    let heading = locale.pick("Against the warehouse", "Contra el almacén de datos");
    page.heading(&format!("{heading}: {breaks}"));
    let counts = [
        ("sourceRecords", facts.source_records),
        ("warehouseRecords", facts.warehouse_records),
        ("matched", facts.matched),
        ("missingInWarehouse", facts.missing_in_warehouse),
        ("missingInSource", facts.missing_in_source),
        ("changed", facts.changed),
        ("duplicates", facts.duplicates),
    ];
    let row = |(name, count): (&str, u64)| vec![fact(name, locale.language).to_owned(), locale.number(count)];
    let mut rows: Vec<Vec<String>> = counts.map(row).to_vec();
    for (name, amount) in [
        ("sourceAmount", &facts.source_amount),
        ("warehouseAmount", &facts.warehouse_amount),
        ("amountDifference", &facts.amount_difference),
    ] {
        let row = |(currency, text): (&String, &String)| {
            vec![format!("{} {currency}", fact(name, locale.language)), locale.amount(text)]
        };
        rows.extend(amount.iter().map(row));
    }
    page.table(&[Align::Left, Align::Right], &rows);
}
