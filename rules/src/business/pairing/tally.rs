//! How a rule went: what was paired by which criteria, and what was not.

use std::collections::BTreeMap;

use super::criteria::Criteria;
use super::leg::Side;
use super::words::{Group, Why, listed, side_name};
use crate::business::Tolerance;
use crate::money::{Overflow, Totals};
use crate::movement::Field;
use crate::said;
use crate::said::{MOVEMENT, Noun, Said, counted};

const PAIR: Noun = Noun::new(["pair", "pairs"], ["par", "pares"]);
const SUM: Noun = Noun::new(["sum", "sums"], ["suma", "sumas"]);
const MATCH: Noun = Noun::new(["match", "matches"], ["correspondencia", "correspondencias"]);

/// What a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// One leg of each side, so many days apart.
    Pair(u32),
    /// So many legs, added up.
    Sum(u64),
}

impl How {
    /// `1 pair on the same day`, `1 sum of 3 movements`.
    pub fn words(self) -> Said {
        match self {
            Self::Pair(apart) => pairs_apart(1, apart),
            Self::Sum(legs) => sums_of(1, legs),
        }
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

    /// Counts a match.
    pub fn matched(&mut self, group: &Group, how: How, difference: i128) -> Result<(), Overflow> {
        match how {
            How::Pair(apart) => *self.pairs.entry(apart).or_default() += 1,
            How::Sum(legs) => {
                self.sums += 1;
                self.summed += legs;
            }
        }
        self.tolerated(group, difference)
    }

    /// How many matches there were.
    pub fn matches(&self) -> u64 {
        self.pairs.values().sum::<u64>() + self.sums
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
            parts.push(sums_of(self.sums, self.summed));
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
            "conciliación de {left} a la izquierda con {right} a la derecha por {by}: {matches}; ambiguos: {ambiguous}, \
             sin pareja: {unpaired}{carried}{used_left}{used_right}"; left, by, matches, carried, used_left, used_right
        )
    }
}

fn sums_of(sums: u64, legs: u64) -> Said {
    let (sums, legs) = (counted(sums, SUM), counted(legs, MOVEMENT));
    said!("{sums} of {legs}", "{sums} de {legs}"; sums, legs)
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
