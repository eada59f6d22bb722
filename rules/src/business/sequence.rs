//! Numbers that follow each other without a gap, such as the folios of a branch.

mod numbers;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::numbers::Numbers;
use super::tables::GroupBy;
use super::{Evaluator, Given, carried};
use crate::explain::{carried_on, if_empty, per_group};
use crate::movement::Field;
use crate::said;
use crate::said::Said;

/// The numbers of a field follow each other by ones within a group: none is missing, none occurs twice. A number is
/// what digits a value ends in, leading zeros aside; what stands before them, such as `F-`, makes a sequence of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// The field, such as `reference`.
    pub field: Field,
    /// Fields that make a group, such as `["branch"]`; empty for the whole day.
    #[serde(default)]
    pub group_by: Vec<Field>,
    /// What stands before the digits of every value. Another value cannot be read then.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Let movements without a value pass.
    #[serde(default)]
    pub allow_empty: bool,
    /// Let values pass that cannot be read as numbers.
    #[serde(default)]
    pub allow_unreadable: bool,
    /// Let numbers pass that occur twice.
    #[serde(default)]
    pub allow_repeated: bool,
    /// Where each sequence begins and ends.
    #[serde(default)]
    pub bounds: Option<Bounds>,
    /// The business date from which sequences go on from filing to filing, `YYYY-MM-DD`: the first number of a day
    /// follows the last one of the day before. A later date lets them begin anew.
    #[serde(default)]
    pub carried_from: Option<String>,
}

/// A dataset of first and last numbers, written as those of the movements: a row per group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The dataset.
    pub dataset: String,
    /// The rule's fields, and the columns that name them; columns are called as the fields where absent.
    #[serde(default)]
    pub group_by: Option<GroupBy>,
    /// Its column of first numbers. With `carried_from` it is read on that day alone.
    #[serde(default)]
    pub first: Option<String>,
    /// Its column of last numbers.
    #[serde(default)]
    pub last: Option<String>,
}

/// Most digits of a number, leading zeros aside.
const MOST_DIGITS: usize = 38;

impl Sequence {
    /// What it checks, in words.
    pub fn explain(&self) -> Said {
        let (field, per) = (self.field, per_group(&self.group_by, false));
        let numbers = self.prefix.as_ref().map_or_else(Said::default, |prefix| {
            said!(", which begin with `{prefix}`,", ", que comienzan con `{prefix}`,")
        });
        let twice = match self.allow_repeated {
            true => Said::default(),
            false => said!(", and none occurs twice", " y ninguno se repite"),
        };
        let bounds = self.bounds.as_ref().map_or_else(Said::default, |Bounds { dataset, .. }| {
            said!(
                "; the dataset `{dataset}` says where they begin or end",
                "; el conjunto `{dataset}` dice dónde comienzan o terminan"
            )
        });
        let carried = carried_on(&self.carried_from);
        let empty = if_empty(self.allow_empty);
        said!(
            "The numbers of {field}{numbers}{per} follow each other by ones: none is missing{twice}{bounds}{carried}; {empty}.",
            "Los números de {field}{numbers}{per} son consecutivos: no falta ninguno{twice}{bounds}{carried}; {empty}.";
            numbers, per, twice, bounds, carried, empty
        )
    }

    /// An evaluator; `Err` says why the rule cannot be evaluated.
    pub fn evaluator(&self, given: Given<'_>) -> Result<Box<dyn Evaluator>, Said> {
        Ok(Box::new(Numbers::new(self, given)?))
    }

    /// What the rule says without its dataset; `Err` where that does not hold together.
    pub(super) fn settings(&self) -> Result<Option<Date>, Said> {
        let field = self.field;
        if matches!(field, Field::Amount | Field::BookedOn | Field::BookedAt | Field::Currency) {
            return Err(said!(
                "{field} holds no numbers of a sequence",
                "{field} no contiene números de una secuencia"
            ));
        }
        if self.group_by.contains(&field) {
            return Err(said!(
                "{field} is also in `group_by`: every number would be a sequence of its own",
                "{field} también está en `group_by`: cada número sería una secuencia"
            ));
        }
        if let Some(bounds) = &self.bounds {
            if bounds.first.is_none() && bounds.last.is_none() {
                return Err(said!(
                    "`bounds` gives neither `first` nor `last`",
                    "`bounds` no indica ni `first` ni `last`"
                ));
            }
            if bounds.group_by.as_ref().is_some_and(|group_by| !group_by.has(&self.group_by)) {
                return Err(said!(
                    "the fields of `bounds.group_by` are not those of `group_by`",
                    "los campos de `bounds.group_by` no son los de `group_by`"
                ));
            }
        }
        self.carried_from.as_deref().map(carried::day).transpose()
    }

    /// What stands before a number, the number, and how many digits it is written with.
    fn read<'a>(&self, text: &'a str) -> Option<(&'a str, Number)> {
        let digits = match &self.prefix {
            Some(prefix) => text.strip_prefix(prefix.as_str())?,
            None => &text[text.trim_end_matches(|c: char| c.is_ascii_digit()).len()..],
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = Some(digits.trim_start_matches('0')).filter(|plain| is_number && plain.len() <= MOST_DIGITS)?;
        let value = if value.is_empty() { 0 } else { value.parse().ok()? };
        Some((&text[..text.len() - digits.len()], Number { value, width: digits.len() as u32 }))
    }
}

/// A number, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    value: u128,
    /// Digits, leading zeros included.
    width: u32,
}

#[cfg(test)]
mod tests;
