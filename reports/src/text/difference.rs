//! What two filings differ in, as `cuadre diff` prints it.

use super::{Align, Page, Paper};
use crate::changes_csv::MovementRow;
use crate::difference::{Change, Changed, Difference, Entry, Value};
use crate::facts::{fact, value};
use crate::locale::Locale;

/// One of two filings.
#[derive(Debug, Clone)]
pub struct Side {
    /// Which one, such as `2026-11-20.1`.
    pub filing: String,
    /// Its files, by name and digest.
    pub files: Vec<(String, String)>,
}

/// A file that differs: its name, and its digests before and after.
pub type Differing = (String, Option<String>, Option<String>);

impl Side {
    /// The files whose digests are not those of an earlier filing.
    pub fn differing(&self, before: &Self) -> Vec<Differing> {
        let of =
            |side: &Self, name: &str| side.files.iter().find(|(other, _)| other == name).map(|(_, hex)| hex.clone());
        let added = self.files.iter().filter(|(name, _)| of(before, name).is_none());
        let both = before.files.iter().chain(added).map(|(name, _)| (name.clone(), of(before, name), of(self, name)));
        both.filter(|(_, before, after)| before != after).collect()
    }
}

/// Movements that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Movements {
    /// The later filing supersedes the earlier: the first rows of `changes.csv` about movements, and how many
    /// there are.
    Listed(Vec<MovementRow>, u64),
    /// The filings are of one day, and the later does not supersede the earlier directly.
    NotDirect,
    /// They are of different days, or of a format that has no `changes.csv`.
    NotListed,
}

/// The page: what two filings differ in.
pub fn difference(
    [before, after]: &[Side; 2],
    difference: &Difference,
    movements: &Movements,
    locale: &Locale,
    paper: Paper,
) -> String {
    let mut page = Page::new(paper);
    page.heading(&locale.pick(
        format!("From {} to {}", before.filing, after.filing),
        format!("De {} a {}", before.filing, after.filing),
    ));
    let files = after.differing(before);
    if difference.is_none() && files.is_empty() {
        page.words(2, locale.pick("They do not differ.", "No hay diferencias."));
        return page.text;
    }
    facts(&mut page, locale.pick("Filing", "Presentación"), &difference.filing, locale);
    facts(&mut page, locale.pick("All sources", "Todas las fuentes"), &difference.totals, locale);
    entries(&mut page, locale.pick("Sources", "Fuentes"), &difference.sources, locale);
    let end_to_end = locale.pick("Source against warehouse", "Fuente contra almacén de datos");
    entries(&mut page, end_to_end, &difference.end_to_end, locale);
    entries(&mut page, locale.pick("Rules", "Reglas"), &difference.business, locale);
    entries(&mut page, locale.pick("Exceptions", "Excepciones"), &difference.exceptions, locale);
    moved(&mut page, movements, locale);
    listed(&mut page, &files, locale);
    page.text
}

fn facts(page: &mut Page, heading: &str, changed: &[Changed], locale: &Locale) {
    if !changed.is_empty() {
        page.heading(heading);
        table(page, changed, locale);
    }
}

fn entries(page: &mut Page, heading: &str, entries: &[Entry], locale: &Locale) {
    if entries.is_empty() {
        return;
    }
    page.heading(heading);
    for Entry { id, change, facts } in entries {
        match change {
            Change::New => stated(page, &format!("{id}: {}", locale.pick("new", "nueva")), facts, locale),
            Change::Gone => stated(page, &format!("{id}: {}", locale.pick("gone", "ya no está")), facts, locale),
            Change::Changed => {
                page.words(2, &format!("{id}: {}", locale.pick("changed", "cambió")));
                table(page, facts, locale);
            }
        }
    }
}

/// What one filing alone states of something: its money, then what is told in a sentence.
fn stated(page: &mut Page, head: &str, facts: &[Changed], locale: &Locale) {
    let of = |changed: &Changed| shown(changed.fact, changed.before.as_ref().or(changed.after.as_ref()), locale);
    let is_short = |changed: &&Changed| ["severity", "state", "verdict", "amount"].contains(&changed.fact);
    let short = facts.iter().filter(is_short).map(|changed| match &changed.of {
        Some(currency) => format!(", {} {currency}", of(changed)),
        None => format!(", {}", of(changed)),
    });
    page.words(2, &format!("{head}{}", short.collect::<String>()));
    facts.iter().filter(|changed| changed.fact == "explanation").for_each(|changed| page.words(4, &of(changed)));
}

/// A row per short fact; what is told in sentences comes after them.
fn table(page: &mut Page, changed: &[Changed], locale: &Locale) {
    let is_long = |changed: &&Changed| changed.fact == "explanation" || changed.fact == "reason";
    let name = |changed: &Changed| match &changed.of {
        Some(of) => format!("{} {of}", fact(changed.fact, locale.language)),
        None => fact(changed.fact, locale.language).to_owned(),
    };
    let row = |changed: &Changed| {
        let difference = match &changed.difference {
            Some(value) => format!("({})", signed(&shown(changed.fact, Some(value), locale))),
            None => String::new(),
        };
        let [before, after] =
            [&changed.before, &changed.after].map(|value| shown(changed.fact, value.as_ref(), locale));
        vec![format!("  {}", name(changed)), before, "->".to_owned(), after, difference]
    };
    let rows: Vec<Vec<String>> = changed.iter().filter(|changed| !is_long(changed)).map(row).collect();
    page.table(&[Align::Left, Align::Right, Align::Left, Align::Right, Align::Right], &rows);
    for changed in changed.iter().filter(is_long) {
        let name = if changed.fact == "reason" { format!("{}: ", name(changed)) } else { String::new() };
        for (sign, value) in [("-", &changed.before), ("+", &changed.after)] {
            if value.is_some() {
                page.item(4, sign, &format!("{name}{}", shown(changed.fact, value.as_ref(), locale)));
            }
        }
    }
}

fn shown(key: &str, stated: Option<&Value>, locale: &Locale) -> String {
    match stated {
        None => "-".to_owned(),
        Some(Value::Count(count)) => locale.amount(&count.to_string()),
        Some(Value::Amount(text)) => locale.amount(text),
        Some(Value::Word(name)) => value(key, name, locale.language),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Digest(hex)) => hex.chars().take(DIGITS).collect(),
    }
}

/// Digits of a digest that tell it from others.
const DIGITS: usize = 12;

fn signed(text: &str) -> String {
    if text.starts_with('-') { text.to_owned() } else { format!("+{text}") }
}

fn listed(page: &mut Page, files: &[Differing], locale: &Locale) {
    if files.is_empty() {
        return;
    }
    page.heading(locale.pick("Files of the filing", "Archivos de la presentación"));
    let digest = |hex: &Option<String>| hex.as_ref().map_or("-".to_owned(), |hex| hex.chars().take(DIGITS).collect());
    let row = |(name, before, after): &Differing| vec![name.clone(), digest(before), "->".to_owned(), digest(after)];
    page.table(&[Align::Left; 4], &files.iter().map(row).collect::<Vec<_>>());
}

fn moved(page: &mut Page, movements: &Movements, locale: &Locale) {
    let (rows, all) = match movements {
        Movements::NotListed => return,
        Movements::NotDirect => {
            page.heading(locale.pick("Movements", "Movimientos"));
            let words = locale.pick(
                "Compare each filing with the one that it supersedes to see the movements.",
                "Para ver los movimientos, compare cada presentación con la que sustituye.",
            );
            return page.words(2, words);
        }
        Movements::Listed(rows, all) => (rows, *all),
    };
    page.heading(&format!("{} ({})", locale.pick("Movements", "Movimientos"), locale.number(all)));
    for row in rows {
        let change = match row.change.as_str() {
            "added" => locale.pick("added", "agregado"),
            "removed" => locale.pick("removed", "eliminado"),
            _ => locale.pick("changed", "cambió"),
        };
        let what = match row.key.as_str() {
            "" => row.source.clone(),
            key => format!("{} {key}", row.source),
        };
        let difference = match row.difference.as_str() {
            "" => String::new(),
            text => format!(" ({} {})", signed(&locale.amount(text)), row.currency),
        };
        page.words(2, &format!("{what}: {change}{difference}"));
        let column = if row.column.is_empty() { String::new() } else { format!("{}: ", row.column) };
        for (sign, value) in [("-", &row.before), ("+", &row.after)] {
            let is_there = match row.change.as_str() {
                "added" => sign == "+",
                "removed" => sign == "-",
                _ => true,
            };
            if is_there {
                page.item(4, sign, &format!("{column}{value}"));
            }
        }
    }
    let more = all.saturating_sub(rows.len() as u64);
    if more > 0 {
        let more = locale.number(more);
        page.words(
            2,
            &locale.pick(format!("and {more} more, in changes.csv"), format!("y {more} más, en changes.csv")),
        );
    }
}
