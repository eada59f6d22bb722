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
//! tolerance chains) are ambiguous, and so is a leg for which more than 1,000 times others are passed over because of
//! their instants. A group of more than [`HELD`] legs in a rule with `by` and an N is judged as a
//! whole alone, exactly or with the tolerance.

mod criteria;
mod evaluator;
mod leg;
#[cfg(test)]
mod model;
mod pairs;
mod sums;
mod tally;
#[cfg(test)]
mod tests;
mod transit;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use self::criteria::Criteria;
use self::evaluator::Legs;
use super::{Evaluator, Given, carried};
use crate::movement::Field;
use crate::said;
use crate::said::Said;

/// Most legs that are held at once to be compared.
pub const HELD: usize = 100_000;
/// Most open legs of a group among which sums are looked for.
pub const PARTS: usize = 16;

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
    /// List every match, movement by movement, in `matches.csv` of the filing.
    #[serde(default)]
    pub list_matches: bool,
}

/// A criterion by which legs belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum By {
    /// The same field of both sides.
    Same(Field),
    /// One field of the left, another of the right.
    Each(Fields),
}

/// Told apart by what is written, so that an error is about the field that is wrong in it.
impl<'de> Deserialize<'de> for By {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = By;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field, or { left = \"field\", right = \"field\" }")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<By, E> {
                Field::deserialize(name.into_deserializer()).map(By::Same)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<By, M::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map)).map(By::Each)
            }
        }
        deserializer.deserialize_any(Written)
    }
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
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        words::explain(self)
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        let (criteria, transit) = self.settings(given.scale)?;
        Ok(Box::new(Legs::new(self, criteria, transit, given)?))
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
