//! What is said of a violation.

use std::borrow::Cow;

use super::criteria::Criteria;
use super::leg::{Candidates, Leg, Side};
use super::sums::Whole;
use super::tally::How;
use super::{By, Fields, HELD, PARTS, Pairing, Shape};
use crate::business::key::values;
use crate::business::{Located, Matched, Violation};
use crate::explain::filtered;
use crate::money::{Currency, at_own_scale};
use crate::movement::{Field, date_of, instant_of};
use crate::said;
use crate::said::Said;

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
        let text = String::from_utf8_lossy(key);
        let mut values: Vec<String> = values(&text).map(Cow::into_owned).collect();
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

    /// A leg of a match that is listed.
    pub fn matched(&self, leg: &Leg, number: u64, how: How, difference: i128) -> Matched {
        let (how, larger) = (how.words(), if difference > 0 { Side::Left } else { Side::Right });
        let (side, off) = (side_name(larger), self.amount(difference.saturating_abs()));
        let own = self.criteria.aligned(leg.side, leg.minor).unwrap_or(leg.minor);
        Matched {
            number,
            criterion: match difference {
                0 => how,
                _ => said!("{how}; the {side} is larger by {off}", "{how}; la {side} es mayor por {off}"; how, side),
            },
            side: side_name(leg.side),
            group: self.values(leg.side),
            origin: leg.origin(),
            booked_on: date_of(leg.days),
            amount: self.group.currency.map(|currency| (currency, own)),
        }
    }

    /// `reference=A1`; `amount` where legs go by nothing else.
    fn column(&self, side: Side, why: &Why<'_>) -> String {
        if let Why::Without(field) = why {
            return field.name().to_owned();
        }
        match self.criteria.has_groups() {
            true => self.values(side),
            false => Field::Amount.name().to_owned(),
        }
    }

    fn values(&self, side: Side) -> String {
        let part = |(field, value): (Field, &String)| format!("{field}={value}");
        self.criteria.fields(side).zip(&self.group.values).map(part).collect::<Vec<_>>().join(", ")
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

    /// `record 7 of core (core.csv)`.
    fn name(&self, leg: &Leg) -> Said {
        if let Some(Located { filing, source, file, record }) = leg.earlier.as_deref() {
            return said!(
                "record {record} of {source} ({file}) in filing {filing}",
                "el registro {record} de {source} ({file}) en la presentación {filing}"
            );
        }
        let record = leg.place.record;
        match self.files.get(leg.place.file as usize) {
            Some((source, file)) => {
                said!("record {record} of {source} ({file})", "el registro {record} de {source} ({file})")
            }
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
pub fn listed(names: &[Said]) -> Said {
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

pub fn side_name(side: Side) -> Said {
    match side {
        Side::Left => said!("left", "izquierda"),
        Side::Right => said!("right", "derecha"),
    }
}

/// What a rule checks.
pub(super) fn explain(rule: &Pairing) -> Said {
    let (left, right) = (filtered(&rule.left), filtered(&rule.right));
    let name = |by: &By| match by {
        By::Same(field) => field.to_string(),
        By::Each(Fields { left, right }) => format!("{left} = {right}"),
    };
    let by: Vec<String> = rule.by.iter().map(name).collect();
    let by = match by.is_empty() {
        true => Said::default(),
        false => {
            let fields = by.join(", ");
            said!(", by {fields}", ", por {fields}")
        }
    };
    let shape = match rule.shape {
        Shape::OneToOne => said!("one with one", "uno con uno"),
        Shape::OneToMany => {
            said!("one on the left with several on the right", "uno a la izquierda con varios a la derecha")
        }
        Shape::ManyToOne => {
            said!("several on the left with one on the right", "varios a la izquierda con uno a la derecha")
        }
        Shape::ManyToMany => said!("several with several", "varios con varios"),
    };
    let sign = match rule.opposite_sign {
        true => said!("of the opposite sign", "de signo contrario"),
        false => said!("of the same sign", "del mismo signo"),
    };
    let days = rule.within_days;
    let window = match days {
        0 => said!("on the same day", "en el mismo día"),
        _ => said!("no more than {days} days apart", "con no más de {days} días de diferencia"),
    };
    said!(
        "Movements where {left} (the left) have their counterparts among those where {right} (the right): {shape}{by}, of the \
         same amount {sign}, {window}. What cannot be told apart is not matched.",
        "Los movimientos en que {left} (la izquierda) tienen su contraparte entre aquellos en que {right} (la derecha): \
         {shape}{by}, del mismo importe {sign}, {window}. Lo que no puede distinguirse no se concilia.";
        left, right, shape, by, sign, window
    )
}
