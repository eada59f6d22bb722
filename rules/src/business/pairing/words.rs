//! What a rule says: how it went, and of every violation what is wrong.

use std::collections::BTreeMap;

use super::criteria::Criteria;
use super::leg::{Candidates, Leg, Side};
use super::sums::Whole;
use super::{HELD, PARTS};
use crate::business::groups::values;
use crate::business::{Located, Tolerance, Violation};
use crate::money::{Currency, Overflow, Totals, at_own_scale};
use crate::movement::{Field, date_of, instant_of};
use crate::said;
use crate::said::{MOVEMENT, Noun, Said, counted};

const PAIR: Noun = Noun::new(["pair", "pairs"], ["par", "pares"]);
const SUM: Noun = Noun::new(["sum", "sums"], ["suma", "sumas"]);
const MATCH: Noun = Noun::new(["match", "matches"], ["correspondencia", "correspondencias"]);

/// The group in hand.
#[derive(Debug, Default)]
pub struct Group {
    /// The key that its legs share.
    pub key: Vec<u8>,
    /// The values of `by`.
    pub values: Vec<String>,
    pub currency: Option<Currency>,
}

impl Group {
    pub fn of(key: &[u8]) -> Self {
        let mut values = values(&String::from_utf8_lossy(key));
        let currency = values.pop().and_then(|code| code.parse().ok());
        Self { key: key.to_vec(), values, currency }
    }

    /// No group: of a movement that has none.
    pub fn of_currency(code: &str) -> Self {
        Self { currency: code.parse().ok(), ..Self::default() }
    }
}

/// Why a leg is a violation.
pub enum Why<'a> {
    /// It has no value of this field of `by`.
    Without(Field),
    /// It is unpaired; with the leg that came nearest, and how many open legs were too many to be added up.
    Unpaired(Option<&'a Leg>, Option<usize>),
    /// It is ambiguous, among these legs.
    Ambiguous(&'a [Leg], &'a Candidates),
    /// There are too many legs to compare it with.
    TooMany,
    /// Its group was judged as a whole.
    Whole(&'a Whole),
}

/// What a rule needs to speak of legs.
pub struct Words<'a> {
    pub group: &'a Group,
    pub criteria: &'a Criteria,
    /// Source and name of the files that places refer to.
    pub files: &'a [(String, String)],
}

impl Words<'_> {
    /// The violation of a leg.
    pub fn violation(&self, leg: &Leg, why: &Why<'_>) -> Violation {
        let own = self.criteria.aligned(leg.side, leg.minor).unwrap_or(leg.minor);
        Violation {
            source: leg.earlier.as_ref().map(|located| located.source.clone()),
            place: leg.earlier.is_none().then_some(leg.place),
            column: Some(self.column(leg.side, why)),
            found: Some(self.amount(own)),
            money: self.group.currency.map(|currency| (currency, own)),
            reason: self.with_origin(leg, self.reason(leg, why)),
            ..Violation::default()
        }
    }

    /// `reference=A1`; `amount` where legs go by nothing else.
    fn column(&self, side: Side, why: &Why<'_>) -> String {
        if let Why::Without(field) = why {
            return field.name().to_owned();
        }
        let part = |(field, value): (Field, &String)| format!("{field}={value}");
        let parts: Vec<String> = self.criteria.fields(side).zip(&self.group.values).map(part).collect();
        if parts.is_empty() { Field::Amount.name().to_owned() } else { parts.join(", ") }
    }

    /// Where a leg of an earlier filing lies, which no other cell tells.
    fn with_origin(&self, leg: &Leg, reason: Said) -> Said {
        if leg.earlier.is_none() {
            return reason;
        }
        let (name, date) = (self.name(leg), date_of(leg.days));
        said!("{reason}; it is {name}, of {date}", "{reason}; es {name}, del {date}"; reason, name)
    }

    fn reason(&self, leg: &Leg, why: &Why<'_>) -> Said {
        let across = side_name(other(leg.side));
        match why {
            Why::Without(field) => said!(
                "it has no {field}, so that nothing can go with it",
                "no tiene {field}, así que nada puede corresponderle"
            ),
            Why::Unpaired(nearest, open) => {
                let nearest = nearest.map(|other| self.nearest(leg, other)).unwrap_or_default();
                let open = open.map(too_many_to_add_up).unwrap_or_default();
                said!("nothing on the {across} goes with it{nearest}{open}", "nada a la {across} le corresponde{nearest}{open}"; across, nearest, open)
            }
            Why::Ambiguous(legs, candidates) => self.ambiguous(legs, candidates),
            Why::TooMany => said!(
                "more than {HELD} legs would have to be told apart from it: the rule needs more criteria",
                "habría que distinguirlo de más de {HELD} movimientos: la regla necesita más criterios"
            ),
            Why::Whole(whole) => self.whole(whole),
        }
    }

    fn nearest(&self, leg: &Leg, nearest: &Leg) -> Said {
        let name = self.name(nearest);
        let own = self.amount(self.criteria.aligned(nearest.side, nearest.minor).unwrap_or(nearest.minor));
        let at = nearest.at.filter(|_| self.criteria.microseconds().is_some());
        let when = at.map_or_else(|| date_of(nearest.days).to_string(), |at| instant_of(at).to_string());
        let off = match distance(leg, nearest).0 {
            0 => Said::default(),
            off => {
                let off = self.amount(off);
                said!(", off by {off}", "; difiere en {off}")
            }
        };
        said!(
            "; the nearest is {name}: {own} on {when}{off}",
            "; lo más cercano es {name}: {own} el {when}{off}"; name, off
        )
    }

    fn ambiguous(&self, legs: &[Leg], candidates: &Candidates) -> Said {
        if let Some(only) = candidates.only() {
            let name = self.name(&legs[only]);
            return said!(
                "ambiguous: its candidate, {name}, is one of others too",
                "ambiguo: su candidato, {name}, también lo es de otros"; name
            );
        }
        let names: Vec<Said> = candidates.some.iter().map(|&other| self.name(&legs[other])).collect();
        let names = listed(&names);
        let more = match candidates.more {
            true => said!(" and others", " y otros"),
            false => Said::default(),
        };
        said!("ambiguous: its candidates are {names}{more}", "ambiguo: sus candidatos son {names}{more}"; names, more)
    }

    fn whole(&self, whole: &Whole) -> Said {
        let (legs, (left, right)) = (whole.legs(), whole.sums());
        let (left, right) = (self.amount(left), self.amount(right));
        said!(
            "the {legs} movements of its group do not agree as a whole, and are too many to be looked into: the left is \
             {left}, the right {right} in the sign of the left",
            "los {legs} movimientos de su grupo no concuerdan en conjunto, y son demasiados para revisarlos uno a uno: \
             la izquierda es {left}; la derecha, {right} con el signo de la izquierda"
        )
    }

    /// `record 7 of core.csv`.
    fn name(&self, leg: &Leg) -> Said {
        if let Some(Located { filing, file, record, .. }) = leg.earlier.as_deref() {
            return said!(
                "record {record} of {file} in filing {filing}",
                "el registro {record} de {file} en la presentación {filing}"
            );
        }
        let record = leg.place.record;
        match self.files.get(leg.place.file as usize) {
            Some((_, file)) => said!("record {record} of {file}", "el registro {record} de {file}"),
            None => said!("record {record}", "el registro {record}"),
        }
    }

    fn amount(&self, minor: i128) -> String {
        match self.group.currency {
            Some(currency) => at_own_scale(currency, minor, self.criteria.scale).to_string(),
            None => crate::money::Total { minor, scale: self.criteria.scale }.to_string(),
        }
    }
}

/// How far two legs of a group are from each other: in amount, then in days.
pub fn distance(one: &Leg, other: &Leg) -> (i128, u32) {
    (one.minor.saturating_sub(other.minor).saturating_abs(), one.days.abs_diff(other.days))
}

fn too_many_to_add_up(open: usize) -> Said {
    said!(
        "; with {open} open movements, more than {PARTS}, no parts of them were added up",
        "; con {open} movimientos abiertos, más de {PARTS}, no se sumaron partes de ellos"
    )
}

/// `A, B`.
fn listed(names: &[Said]) -> Said {
    let of = |word: fn(&Said) -> &str| names.iter().map(word).collect::<Vec<_>>().join(", ");
    Said { en: of(|name| &name.en), es: of(|name| &name.es) }
}

/// The other side.
pub fn other(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}

fn side_name(side: Side) -> Said {
    match side {
        Side::Left => said!("left", "izquierda"),
        Side::Right => said!("right", "derecha"),
    }
}

/// How the rule went.
pub struct Tally {
    left: u64,
    right: u64,
    /// Pairs by days apart.
    pairs: BTreeMap<u32, u64>,
    sums: u64,
    /// Legs of sums.
    summed: u64,
    ambiguous: u64,
    unpaired: u64,
    /// Legs that were carried here.
    pub earlier: u64,
    /// Legs that are carried on.
    pub in_transit: u64,
    larger_left: Used,
    larger_right: Used,
}

/// How a tolerance was used.
struct Used {
    matches: u64,
    differences: Totals,
}

impl Used {
    fn none(scale: u32) -> Self {
        Self { matches: 0, differences: Totals::new(scale) }
    }

    fn explain(&self, side: Side, tolerance: &Tolerance) -> Said {
        if self.matches == 0 {
            return Said::default();
        }
        let Tolerance { shown, reason, .. } = tolerance;
        let (matches, side, all) = (counted(self.matches, MATCH), side_name(side), &self.differences);
        said!(
            "; a tolerance of {shown} on the {side} was used for {matches}, {all} in all: {reason}",
            "; se usó una tolerancia de {shown} a la {side} para {matches}, {all} en total: {reason}"; matches, side
        )
    }
}

impl Tally {
    pub fn new(scale: u32) -> Self {
        Self {
            left: 0,
            right: 0,
            pairs: BTreeMap::new(),
            sums: 0,
            summed: 0,
            ambiguous: 0,
            unpaired: 0,
            earlier: 0,
            in_transit: 0,
            larger_left: Used::none(scale),
            larger_right: Used::none(scale),
        }
    }

    /// Counts a leg.
    pub fn leg(&mut self, side: Side) {
        match side {
            Side::Left => self.left += 1,
            Side::Right => self.right += 1,
        }
    }

    /// Counts a pair.
    pub fn pair(&mut self, group: &Group, apart: u32, difference: i128) -> Result<(), Overflow> {
        *self.pairs.entry(apart).or_default() += 1;
        self.tolerated(group, difference)
    }

    /// Counts a match of several legs.
    pub fn sum(&mut self, group: &Group, legs: u64, difference: i128) -> Result<(), Overflow> {
        self.sums += 1;
        self.summed += legs;
        self.tolerated(group, difference)
    }

    /// Counts a violation.
    pub fn violation(&mut self, why: &Why<'_>) {
        match why {
            Why::Ambiguous(..) | Why::TooMany => self.ambiguous += 1,
            _ => self.unpaired += 1,
        }
    }

    fn tolerated(&mut self, group: &Group, difference: i128) -> Result<(), Overflow> {
        let used = match difference.signum() {
            0 => return Ok(()),
            1 => &mut self.larger_left,
            _ => &mut self.larger_right,
        };
        used.matches += 1;
        let size = difference.checked_abs().ok_or(Overflow)?;
        group.currency.map_or(Ok(()), |currency| used.differences.add(currency, size))
    }

    fn carried(&self) -> Said {
        let earlier = match self.earlier {
            0 => Said::default(),
            earlier => said!("; {earlier} came from earlier filings", "; de presentaciones anteriores: {earlier}"),
        };
        let in_transit = match self.in_transit {
            0 => Said::default(),
            in_transit => said!("; {in_transit} in transit", "; en tránsito: {in_transit}"),
        };
        said!("{earlier}{in_transit}", "{earlier}{in_transit}"; earlier, in_transit)
    }

    /// How it went, in words.
    pub fn explain(&self, criteria: &Criteria) -> Said {
        let (left, right, by) = (counted(self.left, MOVEMENT), self.right, by(criteria));
        let mut parts: Vec<Said> = self.pairs.iter().map(|(&apart, &pairs)| pairs_apart(pairs, apart)).collect();
        if criteria.adds_up() {
            let (sums, legs) = (counted(self.sums, SUM), counted(self.summed, MOVEMENT));
            parts.push(said!("{sums} of {legs}", "{sums} de {legs}"; sums, legs));
        } else if parts.is_empty() {
            parts.push(counted(0, PAIR));
        }
        let (matches, ambiguous, unpaired) = (listed(&parts), self.ambiguous, self.unpaired);
        let carried = self.carried();
        let used_left = self.larger_left.explain(Side::Left, &criteria.left);
        let used_right = self.larger_right.explain(Side::Right, &criteria.right);
        said!(
            "paired {left} on the left with {right} on the right by {by}: {matches}; {ambiguous} ambiguous, {unpaired} \
             unpaired{carried}{used_left}{used_right}",
            "se emparejaron {left} a la izquierda con {right} a la derecha por {by}: {matches}; ambiguos: {ambiguous}, \
             sin pareja: {unpaired}{carried}{used_left}{used_right}"; left, by, matches, carried, used_left, used_right
        )
    }
}

fn pairs_apart(pairs: u64, apart: u32) -> Said {
    let pairs = counted(pairs, PAIR);
    match apart {
        0 => said!("{pairs} on the same day", "{pairs} del mismo día"; pairs),
        1 => said!("{pairs} 1 day apart", "{pairs} con 1 día de diferencia"; pairs),
        _ => said!("{pairs} {apart} days apart", "{pairs} con {apart} días de diferencia"; pairs),
    }
}

/// `reference, amount and date`.
fn by(criteria: &Criteria) -> Said {
    let name = |&(left, right): &(Field, Field)| match left == right {
        true => format!("{left}, "),
        false => format!("{left} = {right}, "),
    };
    let by: String = criteria.by.iter().map(name).collect();
    said!("{by}amount and date", "{by}importe y fecha")
}
