//! Legs in transit: unpaired, and carried from filing to filing until they are too old.

use std::borrow::Cow;

use jiff::Timestamp;

use super::evaluator::Legs;
use super::leg::{Leg, Side};
use crate::business::key::push;
use crate::business::{Carry, Origin, Out};
use crate::end_to_end::Place;
use crate::money::Currency;
use crate::movement::{Field, date_of, days_of, instant_of};

/// What is said of a leg in transit besides its fields.
const SIDE: &str = "side";
const LEFT: &str = "left";
const RIGHT: &str = "right";

impl Legs {
    /// A leg in transit, and the key of its group.
    pub fn carried(&self, carry: &Carry) -> Option<(Leg, String)> {
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
    pub fn carry(&mut self, leg: &Leg, currency: Currency, out: &mut dyn Out) {
        let side = if leg.side == Side::Left { LEFT } else { RIGHT };
        let at = leg.at.map(|at| instant_of(at).to_string()).unwrap_or_default();
        let values = [side.to_owned()].into_iter().chain(self.group.values.iter().cloned()).chain([at]);
        self.tally.in_transit += 1;
        out.carry(Carry {
            values: self.names(leg.side).map(Cow::Borrowed).zip(values).collect(),
            amount: Some((currency, self.criteria.aligned(leg.side, leg.minor).unwrap_or(leg.minor))),
            since: date_of(leg.days),
            origin: Some(leg.origin()),
        });
    }
}
