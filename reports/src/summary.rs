//! `summary.csv`: records, credits, debits and net per source, kind and currency.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use arrow_array::RecordBatch;
use cuadre_rules::money::{Currency, Overflow, at_own_scale};
use cuadre_rules::movement::{Columns, Field};

use crate::ReportError;
use crate::amount::push_total;
use crate::batch::{self, Currencies};
use crate::line::{Lines, Style};
use crate::view::KindTotal;

const COLUMNS: [&str; 7] = ["source", "kind", "currency", "records", "credits", "debits", "net"];
/// In the place of the source: the rows of all sources.
pub const TOTAL: &str = "TOTAL";

/// Sums per source, kind and currency. Debits are negative, as amounts are: net is credits plus
/// debits. Movements without kind have an empty one.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The scale of the first batch, and of all.
    scale: Option<u32>,
    /// In the order in which sources first appear.
    sources: Vec<(String, Kinds)>,
    currencies: Currencies,
}

/// Sums by kind and currency.
pub(crate) type Kinds = BTreeMap<String, BTreeMap<Currency, Sums>>;

/// Sums in units of the day's scale.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) records: u64,
    pub(crate) credits: i128,
    pub(crate) debits: i128,
}

impl Sums {
    fn add(&mut self, minor: i128) -> Result<(), Overflow> {
        let side = if minor < 0 { &mut self.debits } else { &mut self.credits };
        *side = side.checked_add(minor).ok_or(Overflow)?;
        self.records += 1;
        Ok(())
    }

    /// Adds the sums of other movements.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.records = self.records.checked_add(other.records).ok_or(Overflow)?;
        self.credits = self.credits.checked_add(other.credits).ok_or(Overflow)?;
        self.debits = self.debits.checked_add(other.debits).ok_or(Overflow)?;
        Ok(())
    }

    /// Cannot overflow: the two differ in sign.
    pub(crate) fn net(&self) -> i128 {
        self.credits.saturating_add(self.debits)
    }

    fn times(self, factor: i128) -> Result<Self, Overflow> {
        let times = |sum: i128| sum.checked_mul(factor).ok_or(Overflow);
        Ok(Self { credits: times(self.credits)?, debits: times(self.debits)?, ..self })
    }
}

impl Summary {
    /// No movements yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the movements of a batch of [`cuadre_rules::movement::schema`]; all batches have the
    /// same scale.
    ///
    /// # Errors
    /// [`ReportError::Batch`], [`ReportError::Overflow`].
    pub fn observe(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let scale = self.scale.or_else(|| batch::scale_of(batch)).unwrap_or_default();
        batch::check(batch, scale)?;
        self.scale = Some(scale);
        let movements = Columns::of(batch);
        for row in 0..movements.rows() {
            let currency = self.currencies.read(movements.text(Field::Currency, row).unwrap_or_default())?;
            let source = movements.text(Field::Source, row).unwrap_or_default();
            let kind = movements.text(Field::Kind, row).unwrap_or_default();
            self.add(source, kind, currency, movements.amount.value(row)).map_err(overflow)?;
        }
        Ok(())
    }

    /// The scale of the sums; `None` before the first movement.
    pub(crate) fn scale(&self) -> Option<u32> {
        self.scale
    }

    /// The sums of one source.
    pub(crate) fn of(&self, source: &str) -> Kinds {
        self.sources.iter().find(|(id, _)| id == source).map(|(_, kinds)| kinds.clone()).unwrap_or_default()
    }

    /// The same sums in units of a scale that is not less.
    ///
    /// # Errors
    /// [`ReportError::Overflow`].
    pub fn at_scale(mut self, scale: u32) -> Result<Self, ReportError> {
        let factor = 10i128.pow(scale.saturating_sub(self.scale.unwrap_or(scale)));
        let sums = self.sources.iter_mut().flat_map(|(_, kinds)| kinds.values_mut()).flat_map(BTreeMap::values_mut);
        for sums in sums {
            *sums = sums.times(factor).map_err(overflow)?;
        }
        self.scale = Some(scale);
        Ok(self)
    }

    /// Takes over the sums of one source from a summary of the same scale.
    pub fn take_over(&mut self, source: &str, from: &Self) {
        self.sources.retain(|(id, _)| id != source);
        self.sources.push((source.to_owned(), from.of(source)));
    }

    /// Writes `summary.csv`: sources in order of appearance, kinds and currencies sorted; then one
    /// row per currency for all sources. Texts that a spreadsheet would execute start with `'`.
    ///
    /// # Errors
    /// [`ReportError::Overflow`], [`ReportError::Io`].
    pub fn write(&self, mut out: impl Write) -> Result<(), ReportError> {
        let mut lines = Lines::new(Style::PLAIN);
        let mut totals: BTreeMap<Currency, Sums> = BTreeMap::new();
        COLUMNS.iter().try_for_each(|name| lines.cell(name)).map_err(impossible)?;
        lines.end();
        for (source, kinds) in &self.sources {
            for (kind, currencies) in kinds {
                for (&currency, sums) in currencies {
                    totals.entry(currency).or_default().merge(sums).map_err(overflow)?;
                    self.line(&mut lines, [source, kind], currency, sums).map_err(impossible)?;
                    lines.pass_on(&mut out)?;
                }
            }
        }
        for (&currency, sums) in &totals {
            self.line(&mut lines, [TOTAL, ""], currency, sums).map_err(impossible)?;
        }
        lines.drain(&mut out)?;
        out.flush()?;
        Ok(())
    }

    fn add(&mut self, source: &str, kind: &str, currency: Currency, minor: i128) -> Result<(), Overflow> {
        let at = self.sources.iter().rposition(|(id, _)| id == source).unwrap_or_else(|| {
            self.sources.push((source.to_owned(), Kinds::new()));
            self.sources.len() - 1
        });
        let kinds = &mut self.sources[at].1;
        let currencies = match kinds.get_mut(kind) {
            Some(currencies) => currencies,
            None => kinds.entry(kind.to_owned()).or_default(),
        };
        currencies.entry(currency).or_default().add(minor)
    }

    fn line(&self, lines: &mut Lines, texts: [&str; 2], currency: Currency, sums: &Sums) -> Result<(), char> {
        for text in texts {
            lines.inert_cell(text)?;
        }
        lines.cell(currency.code())?;
        lines.cell(&sums.records.to_string())?;
        let scale = self.scale.unwrap_or_default();
        for minor in [sums.credits, sums.debits, sums.net()] {
            let mut text = String::new();
            push_total(&mut text, at_own_scale(currency, minor, scale), '.');
            lines.cell(&text)?;
        }
        lines.end();
        Ok(())
    }
}

/// Reads `summary.csv`, row by row. A `'` at the head of a cell stays, since it may be of the text itself.
pub fn read_summary(file: impl Read) -> impl Iterator<Item = io::Result<KindTotal>> {
    csv::Reader::from_reader(file).into_deserialize().map(|row| Ok(row?))
}

fn overflow(source: Overflow) -> ReportError {
    ReportError::Overflow { what: "the sums of summary.csv", source }
}

/// UTF-8 has every character.
fn impossible(character: char) -> ReportError {
    ReportError::Batch { why: format!("UTF-8 lacks {character:?}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Movement, batch};

    fn written(batches: &[RecordBatch]) -> Result<String, ReportError> {
        let mut summary = Summary::new();
        batches.iter().try_for_each(|batch| summary.observe(batch))?;
        let mut out = Vec::new();
        summary.write(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn movement(source: &'static str, kind: Option<&'static str>, currency: &'static str, minor: i128) -> Movement {
        Movement { source, kind, ..Movement::of(minor, currency) }
    }

    #[test]
    fn rows_and_their_order() {
        let movements = [
            movement("transfers", Some("out"), "MXN", -150),
            movement("transfers", Some("in"), "MXN", 1_000),
            movement("transfers", Some("in"), "JPY", 500),
            movement("transfers", Some("in"), "MXN", -1),
            movement("cards", None, "MXN", 0),
            movement("cards", Some("=x"), "USD", 5),
        ];
        let expected = "\
source,kind,currency,records,credits,debits,net
transfers,in,JPY,1,5,0,5
transfers,in,MXN,2,10.00,-0.01,9.99
transfers,out,MXN,1,0.00,-1.50,-1.50
cards,,MXN,1,0.00,0.00,0.00
cards,'=x,USD,1,0.05,0.00,0.05
TOTAL,,JPY,1,5,0,5
TOTAL,,MXN,4,10.00,-1.51,8.49
TOTAL,,USD,1,0.05,0.00,0.05
";
        assert_eq!(written(&[batch(2, &movements)]).unwrap(), expected);
        let read: Vec<KindTotal> = read_summary(expected.as_bytes()).map(Result::unwrap).collect();
        assert_eq!((read.len(), read[4].kind.as_str(), read[7].net.as_str()), (8, "'=x", "0.05"));
        assert_eq!((read[5].source.as_str(), read[6].records, read[6].debits.as_str()), (TOTAL, 4, "-1.51"));
        let split: Vec<_> = movements.iter().map(|m| batch(2, std::slice::from_ref(m))).collect();
        assert_eq!(written(&split).unwrap(), expected);
        assert_eq!(written(&[]).unwrap(), "source,kind,currency,records,credits,debits,net\n");
    }

    #[test]
    fn sums_of_38_digits_are_exact_and_more_overflow() {
        let mut sums = Sums { credits: i128::MAX - 5, debits: i128::MIN + 5, ..Sums::default() };
        sums.add(5).unwrap();
        sums.add(-5).unwrap();
        assert_eq!((sums.credits, sums.debits, sums.net()), (i128::MAX, i128::MIN, -1));
        assert_eq!(sums.add(1), Err(Overflow));
        assert_eq!(sums.add(-1), Err(Overflow));
        assert_eq!(sums.merge(&Sums { credits: 1, ..Sums::default() }), Err(Overflow));

        let currency = "MXN".parse().unwrap();
        let kinds = Kinds::from([(String::new(), BTreeMap::from([(currency, sums)]))]);
        let mut summary = Summary { scale: Some(2), sources: vec![("a".to_owned(), kinds.clone())], ..Summary::new() };
        let mut out = Vec::new();
        summary.write(&mut out).unwrap();
        let numbers = "1701411834604692317316873037158841057.27,-1701411834604692317316873037158841057.28,-0.01";
        assert!(String::from_utf8(out).unwrap().ends_with(&format!("TOTAL,,MXN,2,{numbers}\n")));
        summary.sources.push(("b".to_owned(), kinds));
        assert!(matches!(summary.write(Vec::new()), Err(ReportError::Overflow { .. })));
    }

    #[test]
    fn batches_of_different_scales_are_refused() {
        let batches = [batch(2, &[Movement::of(1, "MXN")]), batch(3, &[Movement::of(1, "MXN")])];
        assert!(matches!(written(&batches), Err(ReportError::Batch { .. })));
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(
            rows in prop::collection::vec(
                (0..3usize, 0..3usize, prop::sample::select(vec!["MXN", "USD", "EUR"]), -10_000i128..10_000),
                0..60,
            ),
            split in 1..10usize,
        ) {
            let (sources, kinds) = (["s0", "s1", "s2"], [None, Some("a"), Some("b")]);
            let movements: Vec<Movement> =
                rows.iter().map(|&(s, k, currency, minor)| movement(sources[s], kinds[k], currency, minor)).collect();
            let batches: Vec<_> = movements.chunks(split).map(|chunk| batch(2, chunk)).collect();
            let text = written(&batches).unwrap();
            let mut lines = text.lines().skip(1);

            let mut order: Vec<&str> = Vec::new();
            movements.iter().for_each(|m| if !order.contains(&m.source) { order.push(m.source) });
            order.push(TOTAL);
            for source in order {
                let total = source == TOTAL;
                for kind in if total { vec![""] } else { vec!["", "a", "b"] } {
                    for currency in ["EUR", "MXN", "USD"] {
                        let mine: Vec<i128> = movements
                            .iter()
                            .filter(|m| m.currency == currency)
                            .filter(|m| total || (m.source == source && m.kind.unwrap_or("") == kind))
                            .map(|m| m.minor)
                            .collect();
                        if mine.is_empty() {
                            continue;
                        }
                        let cents = |keep: fn(i128) -> bool| {
                            let sum: i128 = mine.iter().copied().filter(|&minor| keep(minor)).sum();
                            let sign = if sum < 0 { "-" } else { "" };
                            format!("{sign}{}.{:02}", sum.abs() / 100, sum.abs() % 100)
                        };
                        let expected = format!(
                            "{source},{kind},{currency},{},{},{},{}",
                            mine.len(), cents(|m| m > 0), cents(|m| m < 0), cents(|_| true)
                        );
                        prop_assert_eq!(lines.next(), Some(expected.as_str()));
                    }
                }
            }
            prop_assert_eq!(lines.next(), None);
        }
    }
}
