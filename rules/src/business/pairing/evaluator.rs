//! The evaluation: legs are kept, come back group by group, and go through the tiers.

use std::collections::{BTreeMap, HashMap};

use arrow_array::Array;

use super::criteria::{Criteria, Exactness};
use super::leg::{Leg, Side, Tier};
use super::sums::{self, Whole};
use super::tally::{How, Tally};
use super::words::{Group, Why, Words, distance};
use super::{HELD, PARTS, Pairing, Transit, pairs};
use crate::business::carried::{self, Carry};
use crate::business::key::push;
use crate::business::{Evaluator, Given, Out, concerns, value};
use crate::end_to_end::Place;
use crate::money::Overflow;
use crate::movement::{Columns, Field, days_of};
use crate::said::Said;

/// Most unpaired legs of a group of which each is told what came nearest.
const NEAR: usize = 64;

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
pub struct Legs {
    left: BTreeMap<Field, Vec<String>>,
    right: BTreeMap<Field, Vec<String>>,
    pub criteria: Criteria,
    /// Source and name of the files that places refer to.
    files: Vec<(String, String)>,
    pub tally: Tally,
    lists_matches: bool,
    /// The last business date, in days, whose unpaired legs are carried no more; `None` where none are carried.
    carried_since: Option<i32>,
    /// The filing that legs in transit come from.
    before: Option<String>,
    /// What is known of whole groups, by the key of the group.
    wholes: HashMap<String, Whole>,
    /// The item in hand, kept to spare an allocation per leg.
    bytes: Vec<u8>,
    /// The group in hand.
    pub group: Group,
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
    /// It is a match, with this difference.
    Match(i128),
    /// It is no match, and too large to be looked into.
    TooLarge,
}

/// Behind the key of the group: what is known of the whole, or a leg and its amount.
pub const TAIL: usize = 17;
const OF_WHOLE: [u8; TAIL] = [0; TAIL];
/// Groups of which the whole is in hand while movements come.
const WHOLES: usize = if cfg!(test) { 2 } else { 1 << 13 };

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

    fn observed_all(&mut self, out: &mut dyn Out) {
        self.give_up_wholes(out);
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
    /// Of a rule with these criteria; `Err` where it should go on from a filing that is not there.
    pub fn new(rule: &Pairing, criteria: Criteria, transit: Option<Transit>, given: Given<'_>) -> Result<Self, Said> {
        let before = transit.as_ref().map(|transit| carried::before(transit.from, given)).transpose()?.flatten();
        Ok(Self {
            left: rule.left.clone(),
            right: rule.right.clone(),
            criteria,
            files: given.files.to_vec(),
            tally: Tally::new(given.scale),
            lists_matches: rule.list_matches,
            carried_since: transit.map(|transit| days_of(given.business_date).saturating_sub_unsigned(transit.days)),
            before: before.map(|before| before.filing.to_owned()),
            wholes: HashMap::new(),
            bytes: Vec::new(),
            group: Group::default(),
            whole: Whole::default(),
            as_a_whole: None,
            run: Held::default(),
            rest: Held::default(),
            unpaired: Vec::new(),
            not_added_up: None,
        })
    }

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

    fn keep(&mut self, leg: &Leg, key: &str, out: &mut dyn Out) -> Result<(), Overflow> {
        if self.criteria.has_wholes() {
            self.add_to_whole(key, leg)?;
            if self.wholes.len() > WHOLES {
                self.give_up_wholes(out);
            }
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.extend_from_slice(&leg.tail());
        let payload = self.bytes.len();
        leg.write(&mut self.bytes);
        let (key, payload) = self.bytes.split_at(payload);
        out.keep(key, payload);
        Ok(())
    }

    fn add_to_whole(&mut self, key: &str, leg: &Leg) -> Result<(), Overflow> {
        if let Some(whole) = self.wholes.get_mut(key) {
            return whole.add(leg);
        }
        self.wholes.entry(key.to_owned()).or_default().add(leg)
    }

    /// Keeps what is known of whole groups.
    fn give_up_wholes(&mut self, out: &mut dyn Out) {
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

    /// Takes back a leg of the group in hand, in the order of amounts.
    fn take(&mut self, leg: Leg, out: &mut dyn Out) -> Result<(), Overflow> {
        match self.as_a_whole {
            Some(AsAWhole::Match(difference)) => {
                self.list(How::Sum(self.whole.legs()), difference, [&leg], out);
                return Ok(());
            }
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
                self.tally.matched(&self.group, How::Sum(legs), difference)?;
                Ok(AsAWhole::Match(difference))
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
                self.matched(&legs, pair, How::Pair(apart), out)?;
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
            let how = How::Sum(legs.len() as u64);
            self.tally.matched(&self.group, how, difference)?;
            self.list(how, difference, &legs, out);
            return Ok(Vec::new());
        }
        let tier = sums::parts(&legs, &self.criteria, exactness)?;
        for part in &tier.matches {
            self.matched(&legs, part, How::Sum(part.len() as u64), out)?;
        }
        Ok(self.close(legs, &tier, out))
    }

    /// Counts a match of these legs, and lists it where the rule does.
    fn matched(&mut self, legs: &[Leg], of: &[usize], how: How, out: &mut dyn Out) -> Result<(), Overflow> {
        let legs = || of.iter().map(|&leg| &legs[leg]);
        let (left, right) = Whole::of(legs())?.sums();
        let difference = self.criteria.agree(left, right, Exactness::Tolerated).unwrap_or_default();
        self.tally.matched(&self.group, how, difference)?;
        self.list(how, difference, legs(), out);
        Ok(())
    }

    /// Lists legs of the last match, where the rule does.
    fn list<'a>(&self, how: How, difference: i128, legs: impl IntoIterator<Item = &'a Leg>, out: &mut dyn Out) {
        if self.lists_matches {
            let (words, number) = (self.words(&self.group), self.tally.matches());
            legs.into_iter().for_each(|leg| out.matched(words.matched(leg, number, how, difference)));
        }
    }

    fn words<'a>(&'a self, group: &'a Group) -> Words<'a> {
        Words { group, criteria: &self.criteria, files: &self.files }
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
        out.violation(self.words(group).violation(leg, why));
    }
}
