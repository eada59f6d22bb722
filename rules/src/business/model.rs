//! The evaluators against brute force on small random days. The model works on the generated
//! rows, compares every row with every other, and shares no code with the evaluators.

use proptest::prelude::*;

use super::DatasetTable;
use super::testing::{batch, judge_days, run};
use crate::config::Rule;

/// One movement: account, currency, amount in minor units, source. Empty texts are null.
type Row = (&'static str, &'static str, i128, &'static str);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let account = prop::sample::select(vec!["", "1", "2", "1, currency=USD"]);
    let currency = prop::sample::select(vec!["MXN", "USD", "JPY"]);
    let source = prop::sample::select(vec!["core", "cards", "atm"]);
    prop::collection::vec((account, currency, -3i128..=3, source), 0..12)
}

/// The rows as a table.
fn table_of(rows: &[Row]) -> String {
    let cell = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let line = |(account, currency, minor, source): &Row| {
        let sign = if *minor < 0 { "-" } else { "" };
        format!("{} | {currency} | {sign}0.0{} | {source}", cell(account), minor.abs())
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("account | currency | amount | source\n{}", lines.join("\n"))
}

/// What a rule says of the rows: per violation its column, and its money or its record.
fn found(rule: &str, rows: &[Row], balances: Option<DatasetTable>) -> Vec<String> {
    let movements = batch(&table_of(rows));
    let datasets = balances.into_iter().map(|table| ("set".to_owned(), Ok(table))).collect();
    let rule: Rule = toml::from_str(&format!("id = 'r'\n{rule}")).unwrap();
    let (violations, _) = run(&rule, &datasets, &movements).unwrap().unwrap();
    let told = |violation: super::Violation| {
        let about = match (violation.money, violation.place) {
            (Some((currency, minor)), _) => format!("{currency} {minor}"),
            (_, Some(place)) => place.record.to_string(),
            _ => violation.found.unwrap_or_default() + " " + &violation.expected.unwrap_or_default(),
        };
        format!("{}: {about}", violation.column.unwrap_or_default())
    };
    violations.into_iter().map(told).collect()
}

/// Every (account, currency) of the rows once, in order.
fn groups(rows: &[Row]) -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<_> = rows.iter().map(|row| (row.0, row.1)).collect();
    groups.sort();
    groups.dedup();
    groups
}

fn sum(rows: &[Row], group: (&str, &str), of: impl Fn(&Row) -> bool) -> i128 {
    rows.iter().filter(|row| (row.0, row.1) == group && of(row)).map(|row| row.2).sum()
}

proptest! {
    #[test]
    fn balance(rows in rows(), tolerance in 0i128..3) {
        let expected: Vec<String> = groups(&rows)
            .into_iter()
            .map(|group| (group, sum(&rows, group, |_| true)))
            .filter(|(_, sum)| sum.abs() > tolerance)
            .map(|((account, currency), sum)| format!("account={account}: {currency} {sum}"))
            .collect();
        let rule = format!(
            "check.balance = {{ group_by = ['account'], tolerance = '0.0{tolerance}', tolerance_reason = 'test' }}"
        );
        prop_assert_eq!(found(&rule, &rows, None), expected);
    }

    #[test]
    fn uniqueness(rows in rows()) {
        let mut expected: Vec<usize> = (0..rows.len())
            .filter(|&n| !rows[n].0.is_empty() && rows[..n].iter().any(|row| (row.0, row.2) == (rows[n].0, rows[n].2)))
            .collect();
        expected.sort();
        let rule = "check.uniqueness = { fields = ['account', 'amount'] }";
        let mut found: Vec<usize> = found(rule, &rows, None)
            .iter()
            .map(|told| told.strip_prefix("account, amount: ").unwrap().parse::<usize>().unwrap() - 1)
            .collect();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn uniqueness_without_values(rows in rows()) {
        let repeated = |n: &usize| !rows[*n].0.is_empty() && rows[..*n].iter().any(|row| row.0 == rows[*n].0);
        let expected = (0..rows.len()).filter(repeated).count();
        prop_assert_eq!(found("check.uniqueness = { fields = ['account'] }", &rows, None).len(), expected);
    }

    #[test]
    fn aggregates_equal(rows in rows(), opposite_sign: bool) {
        let sign = if opposite_sign { -1 } else { 1 };
        let is = |row: &Row, sources: &[&str]| sources.contains(&row.3);
        let expected: Vec<String> = groups(&rows)
            .into_iter()
            .map(|group| {
                let left = sum(&rows, group, |row| is(row, &["core"]));
                (group, left - sign * sum(&rows, group, |row| is(row, &["cards", "atm"])))
            })
            .filter(|(_, difference)| *difference != 0)
            .map(|((account, currency), difference)| format!("account={account}: {currency} {difference}"))
            .collect();
        let rule = format!(
            "[check.aggregates_equal]\nleft.source = ['core']\nright.source = ['cards', 'atm']\n\
             group_by = ['account']\nopposite_sign = {opposite_sign}"
        );
        prop_assert_eq!(found(&rule, &rows, None), expected);
    }

    #[test]
    fn aggregates_equal_of_records(rows in rows()) {
        let count = |account: &str, source: &str| rows.iter().filter(|row| row.0 == account && row.3 == source).count();
        let mut accounts: Vec<&str> = rows.iter().map(|row| row.0).collect();
        accounts.sort();
        accounts.dedup();
        let expected: Vec<String> = accounts
            .into_iter()
            .map(|account| (account, count(account, "core"), count(account, "atm")))
            .filter(|(_, left, right)| left != right)
            .map(|(account, left, right)| format!("account={account}: {left} {right}"))
            .collect();
        let rule = "[check.aggregates_equal]\nleft.source = ['core']\nright.source = ['atm']\n\
             group_by = ['account']\nmeasure = 'records'";
        prop_assert_eq!(found(rule, &rows, None), expected);
    }

    #[test]
    fn roll_forward(rows in rows(), balances in rows()) {
        let mut balances = balances;
        let all = balances.clone();
        balances.retain({
            let mut n = 0;
            move |row| {
                n += 1;
                !all[..n - 1].iter().any(|other| (other.0, other.1) == (row.0, row.1))
            }
        });
        let both: Vec<Row> = rows.iter().chain(&balances).copied().collect();
        let expected: Vec<String> = groups(&both)
            .into_iter()
            .filter_map(|group| {
                let moved = sum(&rows, group, |_| true);
                let balance = balances.iter().find(|balance| (balance.0, balance.1) == group);
                let off = match balance {
                    None => moved,
                    Some(balance) => moved - balance.2,
                };
                (balance.is_none() || off != 0).then(|| format!("account={}: {} {off}", group.0, group.1))
            })
            .collect();
        let cell = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let balance = |row: &Row| vec![cell(row.0), cell(row.1), cell("10"), cell(&closing(row.2))];
        let header = ["cuenta", "divisa", "abre", "cierra"].map(str::to_owned).to_vec();
        let balances = DatasetTable { header, rows: balances.iter().map(balance).collect() };
        let rule = "[check.roll_forward]\ndataset = 'set'\ngroup_by.account = 'cuenta'\n\
             opening = 'abre'\nclosing = 'cierra'\ncurrency_column = 'divisa'";
        prop_assert_eq!(found(rule, &rows, Some(balances)), expected);
    }

    #[test]
    fn balances_carried_over_days(days in prop::collection::vec(rows(), 1..4)) {
        // A closing balance that is stated wins; so only those of the sums are carried here.
        let movements: Vec<String> = days.iter().map(|rows| table_of(rows)).collect();
        let days_of: Vec<(&str, &str)> = movements.iter().map(|day| ("x", day.as_str())).collect();
        let rule = "check.roll_forward = { carried_from = '2026-11-20', group_by = ['account'] }";
        let verdicts = judge_days(rule, &days_of);
        for (n, verdict) in verdicts.iter().enumerate() {
            let until: Vec<Row> = days[..=n].concat();
            let expected: Vec<String> = groups(&until)
                .into_iter()
                .map(|group| (group, sum(&until, group, |_| true)))
                .filter(|(_, sum)| *sum != 0)
                .map(|((account, currency), sum)| format!("-> account={account} {currency} {sum}"))
                .collect();
            let cents = |line: &str| {
                let (head, amount) = line.rsplit_once(' ').unwrap();
                let minor: i128 = amount.replace('.', "").parse().unwrap();
                format!("{head} {}", if head.ends_with("JPY") && !amount.contains('.') { minor * 100 } else { minor })
            };
            let carried: Vec<String> = verdict.lines().filter(|line| line.starts_with("->")).map(cents).collect();
            prop_assert_eq!(carried, expected);
        }
    }
}

/// 10.00 and `minor` more.
fn closing(minor: i128) -> String {
    let cents = 1000 + minor;
    format!("{}.{:02}", cents / 100, cents % 100)
}
