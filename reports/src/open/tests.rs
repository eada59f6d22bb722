//! What is open, held against a model that follows each exception by itself through all that happened.

use std::collections::{BTreeMap, BTreeSet};

use cuadre_rules::day::Day;
use cuadre_rules::exception::Exception;
use proptest::prelude::*;

use super::*;
use crate::format::Format;
use crate::predicate::{Facts, Status, predicate};

const KINDS: [Kind; 4] = [Kind::SourceMissing, Kind::RecordsRejected, Kind::Changed, Kind::SchemaDrift];

/// What happens to a series.
#[derive(Debug, Clone)]
enum Event {
    /// A filing of a day that states the exceptions of these of [`KINDS`].
    Filed(u8, BTreeSet<usize>),
    /// Somebody decides about an exception of a day, whether it is open or not.
    Decided(u8, usize, Disposed),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let filed =
        (0..4u8, prop::collection::btree_set(0..KINDS.len(), 0..4)).prop_map(|(day, gaps)| Event::Filed(day, gaps));
    let words = prop::sample::select(&[Disposed::Investigating, Disposed::Awaiting, Disposed::Accepted][..]);
    let decided = (0..4u8, 0..KINDS.len(), words).prop_map(|(day, gap, word)| Event::Decided(day, gap, word));
    prop::collection::vec(prop_oneof![filed, decided], 0..24)
}

fn date(day: u8) -> Date {
    Date::constant(2026, 11, 20 + day as i8)
}

fn id(day: u8, gap: usize) -> String {
    format!("{}/{}/a", date(day), KINDS[gap])
}

/// A filing as the engine states it.
fn filing(day: u8, gaps: &BTreeSet<usize>, format: Format, carried: &Carried) -> Predicate {
    let exception = |&gap: &usize| Exception {
        id: Exception::id(KINDS[gap], Some("a")),
        kind: KINDS[gap],
        class: KINDS[gap].class(Some("a"), |_| false),
        severity: KINDS[gap].severity(),
        source: Some("a".to_owned()),
        records: None,
        amount: None,
        explanation: "in words".to_owned(),
        evidence_rows: 0,
    };
    let judged = Day {
        business_date: date(day),
        scale: 2,
        sources: Vec::new(),
        end_to_end: None,
        business: Vec::new(),
        exceptions: gaps.iter().map(exception).collect(),
        no_movements: None,
    };
    let facts = Facts {
        format,
        institution: "Caja de Prueba",
        series: "daily",
        issued_at: Timestamp::UNIX_EPOCH,
        issued_on: date(6),
        deadline: Timestamp::UNIX_EPOCH,
        filing_number: 1,
        filing_kind: "original",
        supersedes: None,
        reason: None,
        operator: None,
        version: String::new(),
        config_sha256: String::new(),
    };
    predicate(&judged, &facts, carried, Status::Partial).unwrap()
}

/// One exception of the model: open or not, the filing that states it, and what was decided since it is open.
#[derive(Debug, Default, Clone)]
struct Followed {
    is_open: bool,
    filing: String,
    words: Vec<Disposed>,
    /// What no filing states yet.
    pending: Vec<Disposed>,
}

impl Followed {
    /// Through a filing, which states it or is of another day.
    fn filed(&mut self, stated: Option<bool>, filing: &str) {
        let pending = std::mem::take(&mut self.pending);
        let was_open = self.is_open;
        self.is_open = stated.unwrap_or(was_open);
        self.words = if was_open { [std::mem::take(&mut self.words), pending].concat() } else { Vec::new() };
        if stated == Some(true) {
            self.filing = filing.to_owned();
        }
        if self.words.last() == Some(&Disposed::Accepted) {
            self.is_open = false;
        }
    }
}

type Told = Vec<(String, String, Vec<Disposed>)>;

fn told<'a>(open: impl IntoIterator<Item = &'a Open>) -> Told {
    let one = |open: &Open| {
        let words = open.dispositions.iter().map(|word| word.disposition).collect();
        (open.id.clone(), open.filing.clone(), words)
    };
    let mut told: Told = open.into_iter().map(one).collect();
    told.sort_by(|left, right| left.0.cmp(&right.0));
    told
}

proptest! {
    #[test]
    fn what_is_open_is_what_each_exception_came_to(events in events(), old in 0..6usize) {
        let mut model: BTreeMap<String, Followed> = BTreeMap::new();
        (0..4).for_each(|day| (0..KINDS.len()).for_each(|gap| drop(model.insert(id(day, gap), Followed::default()))));
        let (mut carried, mut recorded, mut filings, mut new) = (Carried::default(), 0, 0, Vec::new());
        for event in events {
            let (day, gaps) = match event {
                Event::Decided(day, gap, disposition) if filings >= old => {
                    recorded += 1;
                    let exception = id(day, gap);
                    model.get_mut(&exception).unwrap().pending.push(disposition);
                    let (reason, operator) = ("why".to_owned(), "who".to_owned());
                    new.push(Disposition { number: recorded, exception, disposition, reason, operator, at: Timestamp::UNIX_EPOCH });
                    continue;
                }
                Event::Decided(..) => continue,
                Event::Filed(day, gaps) => (day, gaps),
            };
            filings += 1;
            let (name, is_old) = (format!("filing {filings}"), filings <= old);
            let format = if is_old { serde_json::from_str("2").unwrap() } else { Format::NEWEST };
            carried.dispose(std::mem::take(&mut new));
            let stated = filing(day, &gaps, format, &carried);
            let before: Told = model
                .iter()
                .filter(|(id, followed)| followed.is_open && !id.starts_with(&date(day).to_string()))
                .map(|(id, followed)| {
                    (id.clone(), followed.filing.clone(), [followed.words.clone(), followed.pending.clone()].concat())
                })
                .collect();
            for (id, followed) in &mut model {
                let gap = id.strip_prefix(&format!("{}/", date(day)));
                let is_stated = |gap: &str| {
                    let stated = |&known: &usize| gap == format!("{}/a", KINDS[known]) && KINDS[known] != Kind::SchemaDrift;
                    gaps.iter().any(stated)
                };
                followed.filed(gap.map(is_stated), &name);
            }
            let folded = carried.clone().after(date(day), &name, &stated);
            if !is_old {
                let over = stated.carried_over.as_ref().unwrap();
                prop_assert_eq!(told(over.iter().map(|over| &over.open)), before);
                let age = |open: &Open| i64::from(open.business_date.until(date(6)).unwrap().get_days());
                prop_assert!(over.iter().all(|over| over.age_days == age(&over.open)));
                prop_assert_eq!(stated.dispositions.as_ref().unwrap().recorded, recorded);
                // The newest manifest tells as much as all of them.
                prop_assert_eq!(&Carried::default().after(date(day), &name, &stated), &folded);
                // As it is read back.
                let read: Predicate = serde_json::from_str(&serde_json::to_string(&stated).unwrap()).unwrap();
                prop_assert_eq!(&read, &stated);
            }
            carried = folded;
            let open: Told = model
                .iter()
                .filter(|(_, followed)| followed.is_open)
                .map(|(id, followed)| (id.clone(), followed.filing.clone(), followed.words.clone()))
                .collect();
            prop_assert_eq!(told(&carried.open), open);
        }
    }
}
