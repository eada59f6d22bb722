//! The tiers of several legs.

use super::criteria::{Criteria, Exactness};
use super::leg::{Candidates, Leg, Side, Tier};
use super::{PARTS, Shape};
use crate::money::Overflow;

/// What is known of a set of legs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    left: Sum,
    right: Sum,
}

/// What is known of the legs of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum {
    legs: u64,
    /// In the sign of the left.
    minor: i128,
    /// First and last business date.
    days: (i32, i32),
    /// First and last instant; the first is the greater one where there is none.
    at: (i64, i64),
}

impl Default for Sum {
    fn default() -> Self {
        Self { legs: 0, minor: 0, days: (i32::MAX, i32::MIN), at: (i64::MAX, i64::MIN) }
    }
}

impl Sum {
    const BYTES: usize = 8 + 16 + 2 * 4 + 2 * 8;

    fn of(leg: &Leg) -> Self {
        let at = leg.at.map_or((i64::MAX, i64::MIN), |at| (at, at));
        Self { legs: 1, minor: leg.minor, days: (leg.days, leg.days), at }
    }

    fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.legs += other.legs;
        self.minor = self.minor.checked_add(other.minor).ok_or(Overflow)?;
        self.days = (self.days.0.min(other.days.0), self.days.1.max(other.days.1));
        self.at = (self.at.0.min(other.at.0), self.at.1.max(other.at.1));
        Ok(())
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.legs.to_be_bytes());
        out.extend_from_slice(&self.minor.to_be_bytes());
        out.extend([self.days.0, self.days.1].into_iter().flat_map(i32::to_be_bytes));
        out.extend([self.at.0, self.at.1].into_iter().flat_map(i64::to_be_bytes));
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (legs, bytes) = bytes.split_first_chunk()?;
        let (minor, bytes) = bytes.split_first_chunk()?;
        let (days, bytes) = bytes.split_first_chunk::<8>()?;
        let (first_day, last_day) = (days.first_chunk()?, days.last_chunk()?);
        let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
        Some(Self {
            legs: u64::from_be_bytes(*legs),
            minor: i128::from_be_bytes(*minor),
            days: (i32::from_be_bytes(*first_day), i32::from_be_bytes(*last_day)),
            at: (i64::from_be_bytes(*first), i64::from_be_bytes(*last)),
        })
    }
}

impl Whole {
    /// Of these legs.
    pub fn of<'a>(legs: impl IntoIterator<Item = &'a Leg>) -> Result<Self, Overflow> {
        let mut whole = Self::default();
        legs.into_iter().try_for_each(|leg| whole.add(leg))?;
        Ok(whole)
    }

    pub fn add(&mut self, leg: &Leg) -> Result<(), Overflow> {
        match leg.side {
            Side::Left => self.left.merge(&Sum::of(leg)),
            Side::Right => self.right.merge(&Sum::of(leg)),
        }
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.left.merge(&other.left)?;
        self.right.merge(&other.right)
    }

    /// Appends it as bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.left.write(out);
        self.right.write(out);
    }

    /// What [`Whole::write`] made; `None` of other bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (left, right) = bytes.split_at_checked(Sum::BYTES)?;
        Some(Self { left: Sum::read(left)?, right: Sum::read(right)? })
    }

    pub fn legs(&self) -> u64 {
        self.left.legs + self.right.legs
    }

    /// The sums of both sides, in the sign of the left.
    pub fn sums(&self) -> (i128, i128) {
        (self.left.minor, self.right.minor)
    }

    /// By how much the left is larger, where the legs are a candidate.
    pub fn agrees(&self, criteria: &Criteria, exactness: Exactness) -> Option<i128> {
        let (left, right) = (&self.left, &self.right);
        let far =
            |left: (i64, i64), right: (i64, i64)| left.1.saturating_sub(right.0).max(right.1.saturating_sub(left.0));
        let wide = |(first, last): (i32, i32)| (first.into(), last.into());
        let has_instants = left.at.0 <= left.at.1 && right.at.0 <= right.at.1;
        let fits = has_shape(criteria.shape, left.legs, right.legs)
            && criteria.allow_days(far(wide(left.days), wide(right.days)))
            && (!has_instants || criteria.microseconds().is_none_or(|most| far(left.at, right.at) <= most));
        fits.then(|| criteria.agree(left.minor, right.minor, exactness)).flatten()
    }
}

fn has_shape(shape: Shape, left: u64, right: u64) -> bool {
    match shape {
        Shape::OneToOne => left == 1 && right == 1,
        Shape::OneToMany => left == 1 && right >= 1,
        Shape::ManyToOne => left >= 1 && right == 1,
        Shape::ManyToMany => left >= 1 && right >= 1,
    }
}

/// Finds the parts of at most [`PARTS`] open legs that agree and have no smaller part that does. Sets of legs are
/// the bits of a number, and a part of a set is a smaller number: so parts are met before the sets that have them.
pub fn parts(legs: &[Leg], criteria: &Criteria, exactness: Exactness) -> Result<Tier, Overflow> {
    if legs.len() > PARTS {
        return Ok(Tier::default());
    }
    let sets = 1usize << legs.len();
    let bits = |set: usize| (0..legs.len()).filter(move |leg| set & 1 << leg != 0);
    let mut wholes = vec![Whole::default(); sets];
    // Whether a set is a candidate, or has a part that is one.
    let mut holds = vec![false; sets];
    let mut candidates = Vec::new();
    for set in 1..sets {
        let first = set.trailing_zeros() as usize;
        let without = set & (set - 1);
        let mut whole = wholes[without].clone();
        whole.add(&legs[first])?;
        wholes[set] = whole;
        holds[set] = bits(set).any(|leg| holds[set & !(1 << leg)]);
        if !holds[set] && wholes[set].agrees(criteria, exactness).is_some() {
            holds[set] = true;
            candidates.push(set);
        }
    }
    let mut tier = Tier::default();
    let of = |leg: usize| candidates.iter().filter(move |&&set| set & 1 << leg != 0);
    let shared: Vec<bool> = (0..legs.len()).map(|leg| of(leg).count() > 1).collect();
    for &set in candidates.iter().filter(|&&set| !bits(set).any(|leg| shared[leg])) {
        tier.matches.push(bits(set).collect());
    }
    let matched: usize = tier.matches.iter().flatten().map(|leg| 1usize << leg).sum();
    for leg in bits((sets - 1) & !matched) {
        let with = of(leg).fold(0, |all, set| all | set);
        let mut candidates = Candidates::default();
        bits(with).filter(|&other| legs[other].side != legs[leg].side).for_each(|other| candidates.add(other));
        if !candidates.is_empty() {
            tier.ambiguous.push((leg, candidates));
        }
    }
    Ok(tier)
}
