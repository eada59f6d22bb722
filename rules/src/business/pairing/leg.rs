//! A leg: what is kept of a movement.

use super::evaluator::TAIL;
use crate::business::{Located, Origin};
use crate::end_to_end::Place;

/// The side of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Left,
    Right,
}

/// One leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    pub side: Side,
    /// The amount in the sign of the left, in units of the day's scale.
    pub minor: i128,
    /// The business date: days since 1970-01-01.
    pub days: i32,
    /// The instant of booking: microseconds since 1970-01-01T00:00:00Z.
    pub at: Option<i64>,
    /// Where its movement lies, if it is of the day that is judged.
    pub place: Place,
    /// Where it lies otherwise.
    pub earlier: Option<Box<Located>>,
}

impl Leg {
    /// Where its movement lies.
    pub fn origin(&self) -> Origin {
        match &self.earlier {
            Some(located) => Origin::Earlier((**located).clone()),
            None => Origin::Today(self.place),
        }
    }

    /// What comes behind the key of its group: bytes that sort as amounts do.
    pub fn tail(&self) -> [u8; TAIL] {
        let mut tail = [1; TAIL];
        tail[1..].copy_from_slice(&(self.minor ^ i128::MIN).to_be_bytes());
        tail
    }

    /// Appends all else, as bytes that sort by side, date, instant and place.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.side == Side::Right));
        out.extend_from_slice(&(self.days ^ i32::MIN).to_be_bytes());
        out.push(u8::from(self.at.is_some()));
        out.extend_from_slice(&(self.at.unwrap_or_default() ^ i64::MIN).to_be_bytes());
        out.extend_from_slice(&self.place.to_bytes());
        if let Some(Located { filing, source, file, record }) = self.earlier.as_deref() {
            out.extend_from_slice(&record.to_be_bytes());
            for text in [filing, source, file] {
                out.extend_from_slice(&(text.len() as u32).to_be_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }

    /// What [`Leg::tail`] and [`Leg::write`] made; `None` of other bytes.
    pub fn read(tail: &[u8], bytes: &[u8]) -> Option<Self> {
        let minor = i128::from_be_bytes(tail.get(1..)?.try_into().ok()?) ^ i128::MIN;
        let (&side, bytes) = bytes.split_first()?;
        let (days, bytes) = bytes.split_first_chunk()?;
        let (&has_instant, bytes) = bytes.split_first()?;
        let (at, bytes) = bytes.split_first_chunk()?;
        let (place, bytes) = bytes.split_first_chunk::<12>()?;
        Some(Self {
            side: if side == 0 { Side::Left } else { Side::Right },
            minor,
            days: i32::from_be_bytes(*days) ^ i32::MIN,
            at: (has_instant == 1).then_some(i64::from_be_bytes(*at) ^ i64::MIN),
            place: Place::from_bytes(place)?,
            earlier: located(bytes).map(Box::new),
        })
    }
}

/// What [`Leg::write`] made of where a leg lies in an earlier filing.
fn located(bytes: &[u8]) -> Option<Located> {
    let (record, mut bytes) = bytes.split_first_chunk()?;
    let mut text = || {
        let (length, rest) = bytes.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = rest;
        String::from_utf8(text.to_vec()).ok()
    };
    Some(Located { filing: text()?, source: text()?, file: text()?, record: u64::from_be_bytes(*record) })
}

/// A match or an ambiguity among a list of legs; the numbers are positions in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tier {
    /// The legs of each match.
    pub matches: Vec<Vec<usize>>,
    /// Each ambiguous leg with some that it may go with, and whether there are more.
    pub ambiguous: Vec<(usize, Candidates)>,
}

/// Some of the legs that a leg may go with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Positions, at most [`Candidates::NAMED`].
    pub some: Vec<usize>,
    /// There are more, or may be.
    pub more: bool,
}

impl Candidates {
    /// How many are named.
    pub const NAMED: usize = 3;

    pub fn add(&mut self, leg: usize) {
        match self.some.len() < Self::NAMED {
            true => self.some.push(leg),
            false => self.more = true,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.some.is_empty() && !self.more
    }

    /// The leg, where it is the only one.
    pub fn only(&self) -> Option<usize> {
        match (self.some.as_slice(), self.more) {
            (&[leg], false) => Some(leg),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_come_back_and_their_bytes_sort_as_they_do() {
        let mut last: Option<(Vec<u8>, Vec<u8>)> = None;
        let text = |text: &str| text.to_owned();
        let located = Located { filing: text("2026-11-19.1"), source: text(""), file: text("añ\0.csv"), record: 7 };
        let instants = [None, Some(i64::MIN), Some(-1), Some(0), Some(i64::MAX)];
        for minor in [i128::MIN, -1, 0, 1, i128::MAX] {
            for side in [Side::Left, Side::Right] {
                for days in [i32::MIN, -1, 0, 20_000] {
                    for at in instants {
                        for earlier in [None, Some(Box::new(located.clone()))] {
                            let place = Place { file: 3, record: 1 << 40 };
                            let leg = Leg { side, minor, days, at, place, earlier };
                            let (tail, mut payload) = (leg.tail().to_vec(), Vec::new());
                            leg.write(&mut payload);
                            assert_eq!(Leg::read(&tail, &payload), Some(leg));
                            let bytes = Some((tail, payload));
                            assert!(last < bytes);
                            last = bytes;
                        }
                    }
                }
            }
        }
    }
}
