//! Movements that belong together are there together: the two legs of a transfer, a deposit and its settlement, one
//! settlement and its payments.
//!
//! # What is a match
//!
//! A movement is a *leg* of the left or of the right. Legs are in one *group* where they have the same values of `by`
//! and the same currency. A *candidate* is a set of legs of one group, with legs of both sides, as many of each as the
//! shape allows, where each leg of the left is within `within_days` and `within_minutes` of each of the right, and
//! the sums of both sides agree: exactly, or with a difference that a tolerance allows. Legs are compared in the sign of
//! the left.
//!
//! Candidates are looked for in *tiers*, the better ones first. In each tier, a candidate that shares no leg with another
//! one of the tier is a match. Candidates that share a leg exclude each other, and nothing that was declared tells
//! them apart: none is taken, and all of their legs are *ambiguous*. Legs that are matched or ambiguous are in no later
//! tier; legs that no tier takes are *unpaired*. Ambiguous and unpaired legs are violations. The tiers are:
//!
//! 1. where the shape has an N and `by` names fields: the whole group, if it has three legs or more and agrees exactly;
//! 2. one left and one right leg of exactly the same amount: those of the same day, then those 1 day apart, 2, ...;
//! 3. where the shape has an N, and `by` names fields: all open legs of the group that agree exactly;
//! 4. where the shape has an N, and a group has [`PARTS`] open legs or fewer: parts of them that agree exactly, and of
//!    which no smaller part agrees;
//! 5. the tiers 2, 3 and 4 again, with the tolerance in place of exactly.
//!
//! Bounds: more than [`HELD`] legs that have to be looked at together (of one group and amount; or open, with amounts that a
//! tolerance chains) are ambiguous. A group of more than [`HELD`] legs in a rule with `by` and an N is judged as a
//! whole alone, exactly or with the tolerance.

mod criteria;
mod leg;
#[cfg(test)]
mod model;
mod pairs;
mod sums;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, HashMap};

use arrow_array::Array;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::criteria::{Criteria, Exactness};
use self::leg::{Leg, Side, Tier};
use self::sums::Whole;
use self::words::{Group, Tally, Why, Words, distance};
use super::carried::{self, Carry, Origin};
use super::groups::push;
use super::{Evaluator, Given, Out, concerns, value};
use crate::end_to_end::Place;
use crate::money::{Currency, Overflow};
use crate::movement::{Columns, Field, date_of, days_of, instant_of};
use crate::said;
use crate::said::Said;

/// Most legs that are held at once to be compared.
pub const HELD: usize = 100_000;
/// Most open legs of a group among which sums are looked for.
pub const PARTS: usize = 16;
/// Most unpaired legs of a group of which each is told what came nearest.
const NEAR: usize = 64;

/// Movements of two sides belong together: each leg of the left has its counterpart on the right, and the other way
/// round. What cannot be told apart by what is declared here is not matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The left legs: field to its values, such as `source = ["core"]`. A movement that is let through on both sides is a
    /// left leg where it is a debit, a right leg where it is a credit.
    pub left: BTreeMap<Field, Vec<String>>,
    /// The right legs.
    pub right: BTreeMap<Field, Vec<String>>,
    /// Fields in which legs must agree, such as `["reference"]`, or `[{ left = "reference", right = "id" }]` where the
    /// sides have it in different ones. By currency, amount and date alone where empty.
    #[serde(default)]
    pub by: Vec<By>,
    /// How many legs of the left go with how many of the right.
    #[serde(default)]
    pub shape: Shape,
    /// The right side has the opposite sign: a debit here is a credit there.
    #[serde(default = "opposite")]
    pub opposite_sign: bool,
    /// By how much a side may be larger than the other; by nothing where absent.
    #[serde(default)]
    pub tolerance: Tolerances,
    /// Most days between the business dates of a left and a right leg; the same day where absent.
    #[serde(default)]
    pub within_days: u32,
    /// Most minutes between the instants of booking, where both legs have one.
    #[serde(default)]
    pub within_minutes: Option<u32>,
    /// The business date from which unpaired legs are carried from filing to filing, `YYYY-MM-DD`. A later date lets the
    /// rule begin anew.
    #[serde(default)]
    pub carried_from: Option<String>,
    /// For how many days after its business date an unpaired leg is carried, in transit, before it is a violation;
    /// needed with `carried_from`.
    #[serde(default)]
    pub carry_days: Option<u32>,
}

/// A criterion by which legs belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the name of a field, or { left = \"field\", right = \"field\" }")]
pub enum By {
    /// The same field of both sides.
    Same(Field),
    /// One field of the left, another of the right.
    Each(Fields),
}

/// A field of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The field of left legs.
    pub left: Field,
    /// The field of right legs that has the same value.
    pub right: Field,
}

/// How many legs of the left go with how many of the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Shape {
    /// One with one: nothing is added up.
    #[default]
    #[serde(rename = "1:1")]
    OneToOne,
    /// One left leg with one or several right ones.
    #[serde(rename = "1:N")]
    OneToMany,
    /// One or several left legs with one right one.
    #[serde(rename = "N:1")]
    ManyToOne,
    /// Several with several.
    #[serde(rename = "N:M")]
    ManyToMany,
}

/// A debit on one side is a credit on the other, unless a rule says otherwise.
fn opposite() -> bool {
    true
}

/// By how much a side may be larger than the other, signs aside.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// By how much the left may be larger: a fee that is taken on the way, say.
    #[serde(default)]
    pub left: Option<Declared>,
    /// By how much the right may be larger.
    #[serde(default)]
    pub right: Option<Declared>,
}

/// A tolerance, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The largest difference that passes, as a decimal, in any currency.
    pub amount: String,
    /// Why it is declared.
    pub reason: String,
}

impl Pairing {
    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        let (criteria, transit) = self.settings(given.scale)?;
        let before = transit.as_ref().map(|transit| carried::before(transit.from, given)).transpose()?.flatten();
        Ok(Box::new(Legs {
            carried_since: transit.map(|transit| days_of(given.business_date).saturating_sub_unsigned(transit.days)),
            before: before.map(|before| before.filing.to_owned()),
            left: self.left.clone(),
            right: self.right.clone(),
            tally: Tally::new(given.scale),
            files: given.files.to_vec(),
            criteria,
            wholes: HashMap::new(),
            whole_bytes: 0,
            group: Group::default(),
            whole: Whole::default(),
            as_a_whole: None,
            run: Held::default(),
            rest: Held::default(),
            unpaired: Vec::new(),
            not_added_up: None,
        }))
    }

    /// What the rule says without data; `Err` where that does not hold together.
    pub(super) fn settings(&self, scale: u32) -> Result<(Criteria, Option<Transit>), Said> {
        let criteria = Criteria::of(self, scale)?;
        let transit = match (self.carried_from.as_deref(), self.carry_days) {
            (None, None) => None,
            (Some(from), Some(days)) if (1..=self.within_days).contains(&days) => {
                Some(Transit { from: carried::day(from)?, days })
            }
            (Some(_), Some(_)) => {
                return Err(said!(
                    "`carry_days` is not from 1 to `within_days`: a leg that is carried longer could not pair",
                    "`carry_days` no está entre 1 y `within_days`: lo que se arrastra por más tiempo no podría \
                     emparejarse"
                ));
            }
            _ => {
                return Err(said!(
                    "of `carried_from` and `carry_days` one is given: give both",
                    "de `carried_from` y `carry_days` se da uno solo: dé los dos"
                ));
            }
        };
        Ok((criteria, transit))
    }
}

/// How unpaired legs are carried.
pub(super) struct Transit {
    /// From this day on.
    from: Date,
    /// Until they are so many days old.
    days: u32,
}

/// Legs that are to be looked at together, unless they become too many.
#[derive(Default)]
struct Held {
    legs: Vec<Leg>,
    /// There were too many: all but the last are given up.
    is_flooded: bool,
}

impl Held {
    /// Adds a leg; gives up those that are too many.
    fn push(&mut self, leg: Leg) -> Vec<Leg> {
        self.legs.push(leg);
        self.is_flooded |= self.legs.len() > HELD;
        match self.is_flooded {
            true => self.legs.drain(..self.legs.len() - 1).collect(),
            false => Vec::new(),
        }
    }

    /// The legs that can be looked at, and those that are given up.
    fn take(&mut self) -> (Vec<Leg>, Vec<Leg>) {
        let Self { legs, is_flooded } = std::mem::take(self);
        if is_flooded { (Vec::new(), legs) } else { (legs, Vec::new()) }
    }
}

/// The evaluator. What it keeps sorts by group, then (where wholes are judged) what is known of the whole
/// group, then the legs by amount.
struct Legs {
    left: BTreeMap<Field, Vec<String>>,
    right: BTreeMap<Field, Vec<String>>,
    criteria: Criteria,
    /// Source and name of the files that places refer to.
    files: Vec<(String, String)>,
    tally: Tally,
    /// The last business date, in days, whose unpaired legs are carried no more; `None` where none are carried.
    carried_since: Option<i32>,
    /// The filing that legs in transit come from.
    before: Option<String>,
    /// What is known of whole groups, by the key of the group.
    wholes: HashMap<String, Whole>,
    /// Bytes of their keys.
    whole_bytes: usize,
    /// The group in hand.
    group: Group,
    /// The whole of it.
    whole: Whole,
    /// How it is judged as a whole, once that is decided: it is a match, or it is too large for anything else.
    as_a_whole: Option<AsAWhole>,
    /// Its legs of the amount in hand.
    run: Held,
    /// Its open legs that a later one may still go with.
    rest: Held,
    /// Its unpaired legs.
    unpaired: Vec<Leg>,
    /// How many of them were too many to be added up.
    not_added_up: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AsAWhole {
    /// It is looked into.
    No,
    /// It is a match.
    Match,
    /// It is no match, and too large to be looked into.
    TooLarge,
}

/// What is said of a leg in transit besides its fields.
const SIDE: &str = "side";
const LEFT: &str = "left";
const RIGHT: &str = "right";

/// Behind the key of the group: what is known of the whole, or a leg and its amount.
const TAIL: usize = 17;
const OF_WHOLE: [u8; TAIL] = [0; TAIL];

impl Evaluator for Legs {
    fn take_over(&mut self, carry: &Carry, out: &mut dyn Out) -> Result<(), Said> {
        let changed = || carried::other_values(self.before.as_deref().unwrap_or_default());
        let (leg, key) = self.carried(carry).ok_or_else(changed)?;
        self.tally.leg(leg.side);
        self.tally.earlier += 1;
        self.keep(&leg, &key, out).map_err(|overflow| Said::same(overflow.to_string()))
    }

    fn observe(&mut self, columns: &Columns<'_>, rows: &[u32], out: &mut dyn Out) -> Result<(), Overflow> {
        let mut key = String::new();
        for row in rows.iter().map(|&row| row as usize) {
            let Some(side) = self.side(columns, row) else { continue };
            let leg = self.leg(side, columns, row)?;
            self.tally.leg(side);
            key.clear();
            if let Some(field) = self.criteria.key(side, columns, row, &mut key) {
                let currency = value(Field::Currency, columns, row).unwrap_or_default();
                self.state_of(&Group::of_currency(&currency), &leg, &Why::Without(field), out);
                continue;
            }
            push(&mut key, &value(Field::Currency, columns, row).unwrap_or_default());
            self.keep(&leg, &key, out)?;
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.whole_bytes + self.wholes.len() * (size_of::<String>() + size_of::<Whole>() + 16)
    }

    fn release(&mut self, out: &mut dyn Out) {
        self.whole_bytes = 0;
        let (mut key, mut payload) = (Vec::new(), Vec::new());
        for (group, whole) in self.wholes.drain() {
            key.clear();
            key.extend_from_slice(group.as_bytes());
            key.extend_from_slice(&OF_WHOLE);
            payload.clear();
            whole.write(&mut payload);
            out.keep(&key, &payload);
        }
    }

    fn sorted(&mut self, key: &[u8], payload: &[u8], out: &mut dyn Out) -> Result<(), Overflow> {
        let (group, tail) = key.split_at(key.len().saturating_sub(TAIL));
        if self.group.key != group {
            self.end_group(out)?;
            self.group = Group::of(group);
        }
        if tail == OF_WHOLE {
            return Whole::read(payload).map_or(Ok(()), |part| self.whole.merge(&part));
        }
        let Some(leg) = Leg::read(tail, payload) else { return Ok(()) };
        self.take(leg, out)
    }

    fn finish(mut self: Box<Self>, out: &mut dyn Out) -> Result<Said, Overflow> {
        self.end_group(out)?;
        Ok(self.tally.explain(&self.criteria))
    }
}

impl Legs {
    /// The side of a movement; `None` where it is of neither.
    fn side(&self, columns: &Columns<'_>, row: usize) -> Option<Side> {
        match (concerns(&self.left, columns, row), concerns(&self.right, columns, row)) {
            (true, true) if columns.amount.value(row) > 0 => Some(Side::Right),
            (true, _) => Some(Side::Left),
            (_, true) => Some(Side::Right),
            _ => None,
        }
    }

    fn leg(&self, side: Side, columns: &Columns<'_>, row: usize) -> Result<Leg, Overflow> {
        Ok(Leg {
            side,
            minor: self.criteria.aligned(side, columns.amount.value(row)).ok_or(Overflow)?,
            days: columns.booked_on.value(row),
            at: columns.booked_at.is_valid(row).then(|| columns.booked_at.value(row)),
            place: Place::of(columns, row),
            earlier: None,
        })
    }

    /// A leg in transit, and the key of its group.
    fn carried(&self, carry: &Carry) -> Option<(Leg, String)> {
        let side = match carry.values.first()?.1.as_str() {
            LEFT => Side::Left,
            RIGHT => Side::Right,
            _ => return None,
        };
        let values = carry.values_of(self.names(side))?;
        let (&at, by) = values.get(1..)?.split_last()?;
        let (currency, own) = carry.amount?;
        let Some(Origin::Earlier(located)) = &carry.origin else { return None };
        let mut key = String::new();
        by.iter().copied().chain([currency.code()]).for_each(|value| push(&mut key, value));
        let at = if at.is_empty() { None } else { Some(at.parse::<Timestamp>().ok()?.as_microsecond()) };
        let minor = self.criteria.aligned(side, own)?;
        let (days, earlier) = (days_of(carry.since), Some(Box::new(located.clone())));
        Some((Leg { side, minor, days, at, place: Place { file: 0, record: 0 }, earlier }, key))
    }

    /// What is said of a leg in transit, by name.
    fn names(&self, side: Side) -> impl Iterator<Item = &'static str> {
        let by = self.criteria.fields(side).map(Field::name);
        [SIDE].into_iter().chain(by).chain([Field::BookedAt.name()])
    }

    /// Leaves a leg to the next filing.
    fn carry(&mut self, leg: &Leg, currency: Currency, out: &mut dyn Out) {
        let side = if leg.side == Side::Left { LEFT } else { RIGHT };
        let at = leg.at.map(|at| instant_of(at).to_string()).unwrap_or_default();
        let values = [side.to_owned()].into_iter().chain(self.group.values.iter().cloned()).chain([at]);
        let origin = match &leg.earlier {
            Some(located) => Origin::Earlier((**located).clone()),
            None => Origin::Today(leg.place),
        };
        self.tally.in_transit += 1;
        out.carry(Carry {
            values: self.names(leg.side).map(str::to_owned).zip(values).collect(),
            amount: Some((currency, self.criteria.aligned(leg.side, leg.minor).unwrap_or(leg.minor))),
            since: date_of(leg.days),
            origin: Some(origin),
        });
    }

    fn keep(&mut self, leg: &Leg, key: &str, out: &mut dyn Out) -> Result<(), Overflow> {
        if self.criteria.has_wholes() {
            self.add_to_whole(key, leg)?;
        }
        let mut payload = Vec::with_capacity(64);
        leg.write(&mut payload);
        out.keep(&[key.as_bytes(), &leg.tail()].concat(), &payload);
        Ok(())
    }

    fn add_to_whole(&mut self, key: &str, leg: &Leg) -> Result<(), Overflow> {
        if let Some(whole) = self.wholes.get_mut(key) {
            return whole.add(leg);
        }
        self.whole_bytes += key.len();
        self.wholes.entry(key.to_owned()).or_default().add(leg)
    }

    /// Takes back a leg of the group in hand, in the order of amounts.
    fn take(&mut self, leg: Leg, out: &mut dyn Out) -> Result<(), Overflow> {
        match self.as_a_whole {
            Some(AsAWhole::Match) => return Ok(()),
            Some(AsAWhole::TooLarge) => {
                self.state(&leg, &Why::Whole(&self.whole.clone()), out);
                return Ok(());
            }
            Some(AsAWhole::No) => {}
            None => {
                self.as_a_whole = Some(self.decide()?);
                return self.take(leg, out);
            }
        }
        if self.run.legs.last().is_some_and(|last| last.minor != leg.minor) {
            self.end_run(out)?;
        }
        let given_up = self.run.push(leg);
        self.state_too_many(&given_up, out);
        Ok(())
    }

    /// Whether the group in hand is a match as a whole, of which everything is known before its legs come.
    fn decide(&mut self) -> Result<AsAWhole, Overflow> {
        let (legs, is_large) = (self.whole.legs(), self.whole.legs() > HELD as u64);
        let agrees = |exactness| self.whole.agrees(&self.criteria, exactness);
        let difference = agrees(Exactness::Exact).or_else(|| agrees(Exactness::Tolerated).filter(|_| is_large));
        match difference.filter(|_| legs > 2) {
            Some(difference) => {
                self.tally.sum(&self.group, legs, difference)?;
                Ok(AsAWhole::Match)
            }
            None if is_large => Ok(AsAWhole::TooLarge),
            None => Ok(AsAWhole::No),
        }
    }

    /// Pairs the legs of one amount; those that stay open are left to the rest.
    fn end_run(&mut self, out: &mut dyn Out) -> Result<(), Overflow> {
        let (legs, given_up) = self.run.take();
        self.state_too_many(&given_up, out);
        for leg in self.pair(legs, Exactness::Exact, out)? {
            if self.rest.legs.last().is_some_and(|last| !self.criteria.may_meet(last, &leg)) {
                self.end_rest(out)?;
            }
            let given_up = self.rest.push(leg);
            self.state_too_many(&given_up, out);
        }
        Ok(())
    }

    /// The tiers after the first pairs: sums, then everything with the tolerance.
    fn end_rest(&mut self, out: &mut dyn Out) -> Result<(), Overflow> {
        let (mut legs, given_up) = self.rest.take();
        self.state_too_many(&given_up, out);
        legs = self.add_up(legs, Exactness::Exact, out)?;
        if self.criteria.is_tolerant() {
            legs = self.pair(legs, Exactness::Tolerated, out)?;
            legs = self.add_up(legs, Exactness::Tolerated, out)?;
        }
        self.not_added_up = (self.criteria.adds_up() && legs.len() > PARTS).then_some(legs.len());
        self.unpaired.extend(legs);
        if self.unpaired.len() > NEAR || !self.criteria.has_groups() {
            self.state_unpaired(out);
        }
        Ok(())
    }

    fn end_group(&mut self, out: &mut dyn Out) -> Result<(), Overflow> {
        self.end_run(out)?;
        self.end_rest(out)?;
        self.state_unpaired(out);
        self.whole = Whole::default();
        self.as_a_whole = None;
        Ok(())
    }

    /// Pairs open legs, tier by tier; those that stay open.
    fn pair(&mut self, mut legs: Vec<Leg>, exactness: Exactness, out: &mut dyn Out) -> Result<Vec<Leg>, Overflow> {
        for apart in pairs::distances(&legs, &self.criteria) {
            let tier = pairs::pair(&legs, &self.criteria, exactness, apart);
            for pair in &tier.matches {
                let difference = self.difference(&legs, pair)?;
                self.tally.pair(&self.group, apart, difference)?;
            }
            legs = self.close(legs, &tier, out);
        }
        Ok(legs)
    }

    /// Adds up open legs, where the shape lets them; those that stay open.
    fn add_up(&mut self, legs: Vec<Leg>, exactness: Exactness, out: &mut dyn Out) -> Result<Vec<Leg>, Overflow> {
        if !self.criteria.adds_up() {
            return Ok(legs);
        }
        let whole = Whole::of(&legs)?.agrees(&self.criteria, exactness).filter(|_| self.criteria.has_wholes());
        if let Some(difference) = whole {
            self.tally.sum(&self.group, legs.len() as u64, difference)?;
            return Ok(Vec::new());
        }
        let tier = sums::parts(&legs, &self.criteria, exactness)?;
        for part in &tier.matches {
            let difference = self.difference(&legs, part)?;
            self.tally.sum(&self.group, part.len() as u64, difference)?;
        }
        Ok(self.close(legs, &tier, out))
    }

    /// By how much the left is larger in a match.
    fn difference(&self, legs: &[Leg], of: &[usize]) -> Result<i128, Overflow> {
        let legs: Vec<Leg> = of.iter().map(|&leg| legs[leg].clone()).collect();
        let (left, right) = Whole::of(&legs)?.sums();
        Ok(self.criteria.agree(left, right, Exactness::Tolerated).unwrap_or_default())
    }

    /// States the ambiguous legs of a tier; those that stay open.
    fn close(&mut self, legs: Vec<Leg>, tier: &Tier, out: &mut dyn Out) -> Vec<Leg> {
        let mut is_open = vec![true; legs.len()];
        tier.matches.iter().flatten().for_each(|&leg| is_open[leg] = false);
        for (leg, candidates) in &tier.ambiguous {
            is_open[*leg] = false;
            self.state(&legs[*leg], &Why::Ambiguous(&legs, candidates), out);
        }
        legs.into_iter().zip(is_open).filter_map(|(leg, is_open)| is_open.then_some(leg)).collect()
    }

    fn state_too_many(&mut self, legs: &[Leg], out: &mut dyn Out) {
        legs.iter().for_each(|leg| self.state(leg, &Why::TooMany, out));
    }

    /// States the unpaired legs, each with what came nearest in its group.
    fn state_unpaired(&mut self, out: &mut dyn Out) {
        let (legs, open) = (std::mem::take(&mut self.unpaired), self.not_added_up.take());
        let is_asked = self.criteria.has_groups() && legs.len() <= NEAR;
        for leg in &legs {
            if let Some(currency) = self.group.currency
                && self.carried_since.is_some_and(|since| leg.days > since)
            {
                self.carry(leg, currency, out);
                continue;
            }
            let across = legs.iter().filter(|other| is_asked && other.side != leg.side);
            let nearest = across.min_by_key(|other| (distance(leg, other), other.place, &other.earlier));
            self.state(leg, &Why::Unpaired(nearest, open), out);
        }
    }

    fn state(&mut self, leg: &Leg, why: &Why<'_>, out: &mut dyn Out) {
        let group = std::mem::take(&mut self.group);
        self.state_of(&group, leg, why, out);
        self.group = group;
    }

    fn state_of(&mut self, group: &Group, leg: &Leg, why: &Why<'_>, out: &mut dyn Out) {
        self.tally.violation(why);
        let words = Words { group, criteria: &self.criteria, files: &self.files };
        out.violation(words.violation(leg, why));
    }
}
