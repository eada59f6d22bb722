//! Columns of amounts.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, StringArray};
use arrow_buffer::ScalarBuffer;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use cuadre_rules::config::source::AmountFormat;
use cuadre_rules::money::{AMOUNT_DIGITS, Currency};
use cuadre_rules::notation::plain_number;

/// One more than the most an amount may be, in units of the day's scale.
const MOST: u128 = 10u128.pow(AMOUNT_DIGITS);

/// How the amounts of an extract are written, and the scale they are staged in.
pub struct Notation<'a> {
    format: &'a AmountFormat,
    scale: u32,
    /// Whether `-12.50` means what it looks like.
    plain: bool,
}

impl<'a> Notation<'a> {
    /// Amounts written in `format`, to be given in units of `10^-scale`.
    pub fn new(format: &'a AmountFormat, scale: u32) -> Self {
        Self { format, scale, plain: format.reads_plain_numbers() }
    }

    /// The amounts of a column of integers or decimals; `None` where it is neither. Rows without a
    /// plain amount are in doubt.
    pub fn of_numbers(
        &self,
        column: &ArrayRef,
        currencies: &[Currency],
        doubtful: &mut [bool],
    ) -> Result<Option<ScalarBuffer<i128>>, ArrowError> {
        let mut as_decimals = |decimals: i8| {
            let numbers = cast(column, &DataType::Decimal128(38, decimals))?;
            let numbers = numbers.as_primitive::<Decimal128Type>();
            let decimals = self.decimals(decimals.unsigned_abs().into());
            if decimals == Some(self.scale) && self.stands(numbers, currencies) {
                return Ok(numbers.values().clone());
            }
            let minor = |row: usize| {
                let minor = decimals.and_then(|decimals| self.minor(numbers.value(row), decimals, currencies[row]));
                minor.filter(|_| numbers.is_valid(row)).unwrap_or_else(|| doubt(doubtful, row))
            };
            Ok((0..numbers.len()).map(minor).collect())
        };
        match column.data_type() {
            _ if !self.plain => Ok(None),
            DataType::Decimal32(_, decimals) | DataType::Decimal64(_, decimals) | DataType::Decimal128(_, decimals)
                if *decimals >= 0 =>
            {
                as_decimals(*decimals).map(Some)
            }
            kind if kind.is_integer() => {
                // What does not fit becomes NULL, and so a doubt.
                let numbers = cast(column, &DataType::Int64)?;
                let numbers = numbers.as_primitive::<Int64Type>();
                let decimals = self.format.implied_decimals.unwrap_or(0);
                let minor = |row: usize| {
                    let minor = self.minor(numbers.value(row).into(), decimals, currencies[row]);
                    minor.filter(|_| numbers.is_valid(row)).unwrap_or_else(|| doubt(doubtful, row))
                };
                Ok(Some((0..numbers.len()).map(minor).collect()))
            }
            _ => Ok(None),
        }
    }

    /// Whether numbers of as many decimals as amounts are staged in may be taken over as they stand.
    fn stands(&self, numbers: &Decimal128Array, currencies: &[Currency]) -> bool {
        numbers.null_count() == 0
            && !self.format.negate
            && currencies.iter().all(|currency| currency.scale() == self.scale)
            && numbers.values().iter().all(|number| number.unsigned_abs() < MOST)
    }

    /// The amounts of a column of texts. Rows without an amount are in doubt.
    pub fn of_texts(&self, texts: &StringArray, currencies: &[Currency], doubtful: &mut [bool]) -> Vec<i128> {
        let minor = |(row, text): (usize, Option<&str>)| {
            let currency = currencies[row];
            let plain = |text: &str| {
                let (number, decimals) = plain_number(text.as_bytes()).filter(|_| self.plain)?;
                self.minor(number.into(), self.decimals(decimals)?, currency)
            };
            let any = |text: &str| {
                let minor = self.format.parse(text, currency.scale()).ok()?.minor_at(self.scale)?;
                Some(if self.format.negate { -minor } else { minor })
            };
            text.and_then(|text| plain(text).or_else(|| any(text))).unwrap_or_else(|| doubt(doubtful, row))
        };
        texts.iter().enumerate().map(minor).collect()
    }

    /// Decimals of a number that is written with as many; `None` where the notation has no room for
    /// any.
    fn decimals(&self, written: u32) -> Option<u32> {
        match self.format.implied_decimals {
            None => Some(written),
            Some(implied) => (written == 0).then_some(implied),
        }
    }

    /// `number / 10^decimals`, of a currency, in units of the day's scale.
    fn minor(&self, number: i128, decimals: u32, currency: Currency) -> Option<i128> {
        let own = currency.scale();
        let minor = if decimals == self.scale && own == self.scale {
            number
        } else if decimals <= own {
            number.checked_mul(10i128.checked_pow(self.scale - decimals)?)?
        } else {
            let excess = 10i128.checked_pow(decimals - own)?;
            if !self.format.padding_zeros || number % excess != 0 {
                return None;
            }
            (number / excess).checked_mul(10i128.checked_pow(self.scale - own)?)?
        };
        let minor = if self.format.negate { -minor } else { minor };
        (minor.unsigned_abs() < MOST).then_some(minor)
    }
}

fn doubt(doubtful: &mut [bool], row: usize) -> i128 {
    doubtful[row] = true;
    0
}
