use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;

const SETTING: EarlyWarning = EarlyWarning { weeks: 13, least: 4, deviations: 5, percent: 20 };

#[test]
fn a_third_of_the_rows_is_unusual_and_a_tenth_more_is_not() {
    let fridays = [5400, 5620, 5510, 5900, 5480, 5700, 5555, 5601, 5590, 5580];
    // The median is 5585, the MAD 55: a fifth of the median (1117) is more than five deviations (407.715).
    assert_eq!(Range::of_records(&fridays, &SETTING), Some(Range { least: 4468, most: 6702 }));
    let narrow = EarlyWarning { percent: 5, ..SETTING };
    assert_eq!(Range::of_records(&fridays, &narrow), Some(Range { least: 5178, most: 5992 }));
}

#[test]
fn a_few_days_say_nothing_and_one_outlier_says_little() {
    assert_eq!(Range::of_records(&[10, 10, 10], &SETTING), None);
    assert_eq!(Range::of_amounts(&[], &EarlyWarning { least: 0, ..SETTING }), None);
    let range = Range::of_records(&[100, 100, 100, 100, 1_000_000], &SETTING);
    assert_eq!(range, Some(Range { least: 80, most: 120 }));
}

#[test]
fn nothing_is_unusual_of_what_usually_has_some() {
    let few = Range::of_records(&[1, 2, 9, 12], &SETTING).unwrap();
    assert!(!few.contains(0) && few.contains(1), "{few:?}");
    let sometimes = Range::of_records(&[0, 2, 9, 12], &SETTING).unwrap();
    assert!(sometimes.contains(0));
    let once = [0, 1, 2, 9, 12, 3, 4, 5, 6, 7];
    assert!(!Range::of_records(&once, &SETTING).unwrap().contains(0));
}

#[test]
fn what_is_too_large_is_not_judged() {
    assert_eq!(Range::of_amounts(&[i128::MAX; 4], &SETTING), None);
    assert_eq!(Range::of_amounts(&[i128::MIN; 4], &SETTING), None);
    let most = 10i128.pow(33);
    let range = Range::of_amounts(&[-most; 4], &SETTING).unwrap();
    assert_eq!(range, Range { least: -most / 5 * 6, most: -most / 5 * 4 });
}

/// The middle of the values, found by counting.
fn middle(values: &[Decimal]) -> Decimal {
    let with_rank = |rank: usize| {
        let holds = |value: &&Decimal| {
            let below = values.iter().filter(|other| other < value).count();
            let up_to = values.iter().filter(|other| other <= value).count();
            (below + 1..=up_to).contains(&rank)
        };
        *values.iter().find(holds).unwrap()
    };
    let half = Decimal::new(5, 1);
    (with_rank(values.len().div_ceil(2)) + with_rank(values.len() / 2 + 1)) * half
}

fn is_usual(value: Decimal, past: &[Decimal], deviations: u8, percent: u16) -> bool {
    let median = middle(past);
    let distances: Vec<Decimal> = past.iter().map(|past| (past - median).abs()).collect();
    let by_deviation = Decimal::from(deviations) * Decimal::new(14_826, 4) * middle(&distances);
    let by_percentage = median.abs() * Decimal::from(percent) * Decimal::new(1, 2);
    (value - median).abs() <= by_deviation.max(by_percentage)
}

proptest! {
    #[test]
    fn a_range_holds_what_the_formula_calls_usual(
        past in vec(prop_oneof![-40i64..40, 900i64..1100, -1_000_000_000_000i64..1_000_000_000_000], 1..15),
        deviations in 0u8..8, percent in 0u16..150, near in -3i64..4,
    ) {
        let setting = EarlyWarning { weeks: 13, least: 1, deviations, percent };
        let amounts: Vec<i128> = past.iter().map(|&value| value.into()).collect();
        let decimals: Vec<Decimal> = past.iter().map(|&value| value.into()).collect();
        let range = Range::of_amounts(&amounts, &setting).unwrap();
        let ends = [range.least, range.most, 0].map(|end| end + i128::from(near));
        for value in ends.into_iter().chain(amounts) {
            let decimal = Decimal::from_i128_with_scale(value, 0);
            prop_assert_eq!(range.contains(value), is_usual(decimal, &decimals, deviations, percent), "{}", value);
        }
    }
}
