//! The evaluator against brute force on small random days. The model enumerates every set of legs, tier by tier, as the
//! definition reads, and shares no code with the evaluator.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::business::Origin;
use crate::business::testing::{batch, stated};
use crate::config::Rule;

/// One movement.
#[derive(Debug, Clone)]
struct Row {
    is_left: bool,
    reference: &'static str,
    currency: &'static str,
    cents: i64,
    day: i64,
    /// Seconds into its day.
    second: Option<i64>,
}

/// One rule.
#[derive(Debug, Clone)]
struct Declared {
    by_reference: bool,
    shape: &'static str,
    opposite: bool,
    left: i64,
    right: i64,
    days: i64,
    minutes: Option<i64>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let reference = prop::sample::select(vec!["", "A", "A", "B"]);
    let currency = prop::sample::select(vec!["MXN", "MXN", "MXN", "JPY"]);
    let second = prop::option::of(prop::sample::select(vec![0, 60, 61, 86_399]));
    let row = (any::<bool>(), reference, currency, -6i64..=6, 0i64..3, second);
    let row = row.prop_map(|(is_left, reference, currency, cents, day, second)| Row {
        is_left,
        reference,
        currency,
        cents,
        day,
        second,
    });
    prop::collection::vec(row, 0..9)
}

fn declared() -> impl Strategy<Value = Declared> {
    let shape = prop::sample::select(vec!["1:1", "1:N", "N:1", "N:M"]);
    (any::<bool>(), shape, any::<bool>(), 0i64..3, 0i64..3, 0i64..3, prop::option::of(1i64..1500)).prop_map(
        |(by_reference, shape, opposite, left, right, days, minutes)| Declared {
            by_reference,
            shape,
            opposite,
            left,
            right,
            days,
            minutes,
        },
    )
}

impl Declared {
    fn toml(&self) -> String {
        let Self { shape, opposite, left, right, days, .. } = self;
        let by = if self.by_reference { "by = ['reference']\n" } else { "" };
        let minutes = self.minutes.map(|minutes| format!("within_minutes = {minutes}\n")).unwrap_or_default();
        format!(
            "id = 'r'\n[check.pairing]\nleft.source = ['core']\nright.source = ['spei']\n{by}{minutes}\
             shape = '{shape}'\nlist_matches = true\nopposite_sign = {opposite}\nwithin_days = {days}\n\
             tolerance.left = {{ amount = '0.0{left}', reason = 'test' }}\n\
             tolerance.right = {{ amount = '0.0{right}', reason = 'test' }}"
        )
    }

    /// Whether legs are a candidate.
    fn is_candidate(&self, legs: &[&Row], is_exact: bool) -> bool {
        let (left, right): (Vec<&Row>, Vec<&Row>) = legs.iter().partition(|row| row.is_left);
        let shape = match self.shape {
            "1:1" => left.len() == 1 && right.len() == 1,
            "1:N" => left.len() == 1 && !right.is_empty(),
            "N:1" => right.len() == 1 && !left.is_empty(),
            _ => !left.is_empty() && !right.is_empty(),
        };
        let instant = |row: &Row| row.second.map(|second| row.day * 86_400 + second);
        let near = |one: &Row, other: &Row| {
            let apart = instant(one).zip(instant(other)).map(|(one, other)| (one - other).abs());
            (one.day - other.day).abs() <= self.days
                && !matches!((apart, self.minutes), (Some(apart), Some(minutes)) if apart > minutes * 60)
        };
        let left_sum: i64 = left.iter().map(|row| row.cents).sum();
        let right_sum: i64 = right.iter().map(|row| if self.opposite { -row.cents } else { row.cents }).sum();
        let agree = match is_exact || left_sum == right_sum {
            true => left_sum == right_sum,
            false if left_sum * right_sum < 0 => false,
            false if left_sum.abs() > right_sum.abs() => left_sum.abs() - right_sum.abs() <= self.left,
            false => right_sum.abs() - left_sum.abs() <= self.right,
        };
        shape && agree && left.iter().all(|one| right.iter().all(|other| near(one, other)))
    }
}

/// What becomes of each row: `matched`, `ambiguous`, `unpaired` or `without`; and the rows of each match, with what it is.
type Fates = (Vec<&'static str>, BTreeSet<(Vec<usize>, &'static str)>);

fn expected(declared: &Declared, rows: &[Row]) -> Fates {
    let mut fates = vec!["unpaired"; rows.len()];
    let mut matches = BTreeSet::new();
    let mut groups: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (n, row) in rows.iter().enumerate() {
        match declared.by_reference {
            true if row.reference.is_empty() => fates[n] = "without",
            true => groups.entry((row.reference, row.currency)).or_default().push(n),
            false => groups.entry(("", row.currency)).or_default().push(n),
        }
    }
    for legs in groups.values() {
        judge_group(declared, rows, legs, &mut fates, &mut matches);
    }
    (fates, matches)
}

/// Whether a set is a candidate of a tier, given all sets that agree.
type IsOne<'a> = &'a dyn Fn(&[usize], &[Vec<usize>]) -> bool;

fn judge_group(
    declared: &Declared,
    rows: &[Row],
    group: &[usize],
    fates: &mut [&'static str],
    matches: &mut BTreeSet<(Vec<usize>, &'static str)>,
) {
    let legs = |set: &[usize]| -> Vec<&Row> { set.iter().map(|&n| &rows[n]).collect() };
    let adds_up = declared.shape != "1:1";
    let mut tier = |of: &'static str, is_one: IsOne<'_>, is_exact: bool, fates: &mut [&str]| {
        let open: Vec<usize> = group.iter().copied().filter(|&n| fates[n] == "unpaired").collect();
        let sets = (1u32..1 << open.len()).map(|set| -> Vec<usize> {
            (0..open.len()).filter(|bit| set >> bit & 1 == 1).map(|bit| open[bit]).collect()
        });
        let agree: Vec<Vec<usize>> = sets.filter(|set| declared.is_candidate(&legs(set), is_exact)).collect();
        let candidates: Vec<&Vec<usize>> = agree.iter().filter(|set| is_one(set, &agree)).collect();
        for set in &candidates {
            let is_alone = candidates.iter().filter(|other| other.iter().any(|leg| set.contains(leg))).count() == 1;
            set.iter().for_each(|&leg| fates[leg] = if is_alone { "matched" } else { "ambiguous" });
            if is_alone {
                matches.insert(((*set).clone(), of));
            }
        }
    };
    let open = |fates: &[&str]| group.iter().filter(|&&n| fates[n] == "unpaired").count();
    if adds_up && declared.by_reference && group.len() > 2 {
        tier("sum", &|set, _| set.len() == group.len(), true, fates);
    }
    for is_exact in [true, false] {
        for days in 0..=declared.days {
            let is_pair =
                |set: &[usize], _: &[Vec<usize>]| set.len() == 2 && (rows[set[0]].day - rows[set[1]].day).abs() == days;
            tier("pair", &is_pair, is_exact, fates);
        }
        if adds_up && declared.by_reference {
            let all = open(fates);
            tier("sum", &|set, _| set.len() == all, is_exact, fates);
        }
        if adds_up {
            let is_least = |set: &[usize], all: &[Vec<usize>]| {
                !all.iter().any(|part| part.len() < set.len() && part.iter().all(|leg| set.contains(leg)))
            };
            tier("sum", &is_least, is_exact, fates);
        }
    }
}

fn found(declared: &Declared, rows: &[Row]) -> Fates {
    let line = |row: &Row| {
        let source = if row.is_left { "core" } else { "spei" };
        let reference = if row.reference.is_empty() { "-" } else { row.reference };
        let sign = if row.cents < 0 { "-" } else { "" };
        let day = 20 + row.day;
        let at = row.second.map_or("-".to_owned(), |second| {
            format!("2026-11-{day}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
        });
        let Row { currency, cents, .. } = row;
        format!("{source} | {reference} | {currency} | {sign}0.{:02} | 2026-11-{day} | {at}", cents.abs())
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    let movements =
        batch(&format!("source | reference | currency | amount | booked_on | booked_at\n{}", lines.join("\n")));
    let rule: Rule = toml::from_str(&declared.toml()).unwrap();
    let (stated, explanation) = stated(&rule, &movements);
    let mut fates = vec!["matched"; rows.len()];
    for violation in stated.violations {
        let record = violation.place.unwrap().record as usize;
        let (cents, row) = (violation.money.unwrap().1, &rows[record - 1]);
        assert_eq!(cents, i128::from(row.cents));
        let fate = match violation.reason.en.as_str() {
            reason if reason.starts_with("ambiguous") => "ambiguous",
            reason if reason.starts_with("nothing on the") => "unpaired",
            _ => "without",
        };
        assert_eq!(std::mem::replace(&mut fates[record - 1], fate), "matched", "stated twice");
    }
    let mut matches: BTreeMap<u64, (Vec<usize>, &str)> = BTreeMap::new();
    for matched in stated.matched {
        let Origin::Today(place) = matched.origin else { panic!("a leg of another day") };
        let of = if matched.criterion.en.contains("pair") { "pair" } else { "sum" };
        matches.entry(matched.number).or_insert((Vec::new(), of)).0.push(place.record as usize - 1);
    }
    let count = |of: &str| matches.values().filter(|(_, what)| *what == of).count();
    let (sums, pairs) = (format!("{} sum", count("sum")), count("pair"));
    assert!(explanation.en.contains(&sums) || declared.shape == "1:1", "{}", explanation.en);
    assert!(explanation.en.contains(&format!("{pairs} pair")) || pairs != 1, "{}", explanation.en);
    let in_order = |(mut legs, of): (Vec<usize>, &'static str)| {
        legs.sort();
        (legs, of)
    };
    (fates, matches.into_values().map(in_order).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn legs_go_together_as_the_definition_says(rows in rows(), declared in declared()) {
        prop_assert_eq!(found(&declared, &rows), expected(&declared, &rows));
    }

    #[test]
    fn the_order_of_rows_does_not_matter(
        (rows, order) in rows().prop_flat_map(|rows| {
            let order: Vec<usize> = (0..rows.len()).collect();
            (Just(rows), Just(order).prop_shuffle())
        }),
        declared in declared(),
    ) {
        let shuffled: Vec<Row> = order.iter().map(|&n| rows[n].clone()).collect();
        let ((fates, matches), (of_shuffled, matches_of_shuffled)) = (found(&declared, &rows), found(&declared, &shuffled));
        let fates: Vec<&str> = order.iter().map(|&n| fates[n]).collect();
        let back = |(legs, of): (Vec<usize>, &'static str)| {
            let mut legs: Vec<usize> = legs.into_iter().map(|leg| order[leg]).collect();
            legs.sort();
            (legs, of)
        };
        let matches_of_shuffled = matches_of_shuffled.into_iter().map(back).collect();
        prop_assert_eq!((of_shuffled, matches_of_shuffled), (fates, matches));
    }
}
