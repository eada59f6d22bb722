//! The tiers of one left with one right leg.

use std::collections::BTreeSet;

use super::criteria::{Criteria, Exactness};
use super::leg::{Candidates, Leg, Side, Tier};

/// Most times that legs are skipped because of their instants before a leg counts as ambiguous.
const SKIPS: usize = 1000;

/// The days that legs of both sides are apart, as far as they may be, ascending.
pub fn distances(legs: &[Leg], criteria: &Criteria) -> BTreeSet<u32> {
    let dates = |side| -> BTreeSet<i32> { legs.iter().filter(|leg| leg.side == side).map(|leg| leg.days).collect() };
    let (left, right) = (dates(Side::Left), dates(Side::Right));
    let apart = left.iter().flat_map(|left| right.iter().map(move |right| left.abs_diff(*right)));
    apart.filter(|&apart| criteria.allow_days(apart.into())).collect()
}

/// Pairs open legs that are so many days apart.
pub fn pair(legs: &[Leg], criteria: &Criteria, exactness: Exactness, apart: u32) -> Tier {
    let of = |side| {
        let mut of: Vec<usize> = (0..legs.len()).filter(|&leg| legs[leg].side == side).collect();
        of.sort_by_key(|&leg| (legs[leg].days, legs[leg].minor, legs[leg].at));
        of
    };
    let (left, right) = (of(Side::Left), of(Side::Right));
    let looking = Looking { legs, criteria, exactness, apart };
    let (mut tier, mut paired) = (Tier::default(), vec![false; legs.len()]);
    for &leg in &left {
        let candidates = looking.candidates(leg, &right);
        match candidates.only().filter(|&other| looking.candidates(other, &left).only() == Some(leg)) {
            Some(other) => {
                paired[other] = true;
                tier.matches.push(vec![leg, other]);
            }
            None if candidates.is_empty() => {}
            None => tier.ambiguous.push((leg, candidates)),
        }
    }
    for &leg in right.iter().filter(|&&leg| !paired[leg]) {
        let candidates = looking.candidates(leg, &left);
        if !candidates.is_empty() {
            tier.ambiguous.push((leg, candidates));
        }
    }
    tier
}

struct Looking<'a> {
    legs: &'a [Leg],
    criteria: &'a Criteria,
    exactness: Exactness,
    apart: u32,
}

impl Looking<'_> {
    /// The legs of the other side, sorted by date, amount and instant, that a leg may go with.
    fn candidates(&self, leg: usize, others: &[usize]) -> Candidates {
        let leg = &self.legs[leg];
        let earlier = leg.days.checked_sub_unsigned(self.apart);
        let later = leg.days.checked_add_unsigned(self.apart).filter(|_| self.apart > 0);
        let mut candidates = Candidates::default();
        for date in earlier.into_iter().chain(later) {
            self.on(date, leg, others, &mut candidates);
        }
        candidates
    }

    fn on(&self, date: i32, leg: &Leg, others: &[usize], candidates: &mut Candidates) {
        let (least, most) = self.criteria.range(leg, self.exactness);
        let of = |other: &usize| &self.legs[*other];
        let mut next = others.partition_point(|other| (of(other).days, of(other).minor) < (date, least));
        let mut skips = 0;
        while let Some(other) = others.get(next).map(of).filter(|other| other.days == date && other.minor <= most) {
            if candidates.more {
                return;
            }
            if self.criteria.allow_instants(leg.at, other.at) {
                candidates.add(others[next]);
                next += 1;
                continue;
            }
            skips += 1;
            candidates.more = skips > SKIPS;
            let (minor, at) = (other.minor, other.at);
            let first = leg.at.zip(self.criteria.microseconds()).map(|(at, most)| at.saturating_sub(most));
            next += others[next..].partition_point(|other| match at < first {
                true => (of(other).days, of(other).minor, of(other).at) < (date, minor, first),
                false => (of(other).days, of(other).minor) <= (date, minor),
            });
        }
    }
}
