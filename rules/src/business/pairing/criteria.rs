//! What a rule declares about legs that belong together.

use super::leg::{Leg, Side};
use super::{By, Declared, Pairing, Shape};
use crate::business::key::push;
use crate::business::{Tolerance, tolerance, value};
use crate::movement::{Columns, Field};
use crate::said;
use crate::said::Said;

const MICROSECONDS_A_MINUTE: i64 = 60_000_000;
/// Most days that legs may be apart.
const MOST_DAYS: u32 = 366;

/// The criteria of a rule.
pub struct Criteria {
    /// The fields of both sides.
    pub by: Vec<(Field, Field)>,
    pub shape: Shape,
    pub opposite_sign: bool,
    /// By how much the left may be larger.
    pub left: Tolerance,
    /// By how much the right may be larger.
    pub right: Tolerance,
    days: i64,
    microseconds: Option<i64>,
    pub scale: u32,
}

/// How amounts must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    Exact,
    Tolerated,
}

impl Criteria {
    /// Of a rule; `Err` says what is wrong with it.
    pub fn of(rule: &Pairing, scale: u32) -> Result<Self, Said> {
        let by = rule.by.iter().map(|by| match by {
            By::Same(field) => (*field, *field),
            By::Each(fields) => (fields.left, fields.right),
        });
        let by: Vec<(Field, Field)> = by.collect();
        let compared = |field: &Field| matches!(field, Field::Amount | Field::Currency | Field::BookedOn);
        if let Some(field) = by.iter().flat_map(|(left, right)| [left, right]).find(|field| compared(field)) {
            return Err(said!(
                "`by` names {field}, which is compared anyway: leave it out",
                "`by` nombra {field}, que se compara de todos modos: omítalo"
            ));
        }
        if rule.within_days > MOST_DAYS {
            return Err(said!("`within_days` is more than {MOST_DAYS}", "`within_days` es mayor que {MOST_DAYS}"));
        }
        if !rule.opposite_sign && !are_apart(rule) {
            return Err(said!(
                "a movement could be on the `left` and on the `right`: give a field for which they list different values",
                "un movimiento podría estar en `left` y en `right`: dé un campo para el que listen valores distintos"
            ));
        }
        let read = |declared: &Option<Declared>| match declared {
            Some(Declared { reason, .. }) if reason.trim().is_empty() => {
                Err(said!("a tolerance needs a `reason`", "una tolerancia requiere `reason`"))
            }
            Some(Declared { amount, reason }) => tolerance(Some(amount), Some(reason), scale),
            None => tolerance(None, None, scale),
        };
        Ok(Self {
            by,
            shape: rule.shape,
            opposite_sign: rule.opposite_sign,
            left: read(&rule.tolerance.left)?,
            right: read(&rule.tolerance.right)?,
            days: rule.within_days.into(),
            microseconds: rule.within_minutes.map(|minutes| i64::from(minutes) * MICROSECONDS_A_MINUTE),
            scale,
        })
    }

    /// Whether groups have something in common besides the currency.
    pub fn has_groups(&self) -> bool {
        !self.by.is_empty()
    }

    /// Whether legs may be added up.
    pub fn adds_up(&self) -> bool {
        self.shape != Shape::OneToOne
    }

    /// Whether a group may be a match as a whole.
    pub fn has_wholes(&self) -> bool {
        self.has_groups() && self.adds_up()
    }

    /// Whether a tolerance was declared.
    pub fn is_tolerant(&self) -> bool {
        self.left.minor > 0 || self.right.minor > 0
    }

    /// Appends the values of `by`; the field that is empty, where one is.
    pub fn key(&self, side: Side, columns: &Columns<'_>, row: usize, key: &mut String) -> Option<Field> {
        self.fields(side).find(|&field| match value(field, columns, row) {
            Some(value) => {
                push(key, &value);
                false
            }
            None => true,
        })
    }

    /// The fields of `by` of a side.
    pub fn fields(&self, side: Side) -> impl Iterator<Item = Field> {
        self.by.iter().map(move |&(left, right)| if side == Side::Left { left } else { right })
    }

    /// An amount of a side in the sign of the left, or the other way round; `None` where one of them is too large.
    pub fn aligned(&self, side: Side, minor: i128) -> Option<i128> {
        let turned = minor.checked_neg()?;
        Some(if side == Side::Right && self.opposite_sign { turned } else { minor })
    }

    /// By how much the left is larger than the right, signs aside, where they agree.
    pub fn agree(&self, left: i128, right: i128, exactness: Exactness) -> Option<i128> {
        if left == right {
            return Some(0);
        }
        let same_sign = left.signum() * right.signum() >= 0;
        let difference = left.checked_abs()?.checked_sub(right.checked_abs()?)?;
        let tolerance = if difference > 0 { &self.left } else { &self.right };
        let agree = exactness == Exactness::Tolerated && same_sign && tolerance.allows(difference);
        agree.then_some(difference)
    }

    /// The least and greatest amount that may go with a leg of the other side.
    pub fn range(&self, leg: &Leg, exactness: Exactness) -> (i128, i128) {
        if exactness == Exactness::Exact {
            return (leg.minor, leg.minor);
        }
        let (own, other) = match leg.side {
            Side::Left => (self.left.minor, self.right.minor),
            Side::Right => (self.right.minor, self.left.minor),
        };
        let size = leg.minor.saturating_abs();
        let (least, most) = (size.saturating_sub(own).max(0), size.saturating_add(other));
        match leg.minor.signum() {
            1 => (least, most),
            -1 => (-most, -least),
            _ => (-most, most),
        }
    }

    /// Whether an open leg may still go with one of the next greater amount.
    pub fn may_meet(&self, leg: &Leg, next: &Leg) -> bool {
        self.adds_up() || next.minor.saturating_sub(leg.minor) <= self.left.minor.max(self.right.minor)
    }

    /// Whether business dates, in days, are near enough.
    pub fn allow_days(&self, apart: i64) -> bool {
        apart <= self.days
    }

    /// Most microseconds between the instants of legs; `None` where any.
    pub fn microseconds(&self) -> Option<i64> {
        self.microseconds
    }

    /// Whether the instants of two legs are near enough.
    pub fn allow_instants(&self, one: Option<i64>, other: Option<i64>) -> bool {
        match (self.microseconds, one, other) {
            (Some(most), Some(one), Some(other)) => one.abs_diff(other) <= most.unsigned_abs(),
            _ => true,
        }
    }
}

/// Whether no movement can be on both sides: of some field they list different values.
fn are_apart(rule: &Pairing) -> bool {
    let apart = |field: &Field, left: &[String]| {
        rule.right.get(field).is_some_and(|right| !left.iter().any(|value| right.contains(value)))
    };
    rule.left.iter().any(|(field, left)| apart(field, left))
}
