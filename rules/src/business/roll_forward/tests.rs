use crate::business::testing::{DAY, batch, judge, judge_days, run_after};
use crate::business::{Before, Carry, Datasets};
use crate::config::Rule;
use crate::said::Said;

fn rule(more: &str) -> String {
    format!(
        "[check.roll_forward]\ndataset = 'set'\ngroup_by = {{ account = 'cuenta' }}\n\
             opening = 'abre'\nclosing = 'cierra'\n{more}"
    )
}

const MXN: &str = "currency = 'MXN'";

#[test]
fn balances_roll_forward() {
    let balances = "
            cuenta | abre    | cierra  | divisa
            1      | 100.00  | 90.00   | -
            1      | 7       | 7.00    | JPY
            2      | 0       | 5.00    | MXN
            3      | -1.00   | -1.01   | MXN
            ''     | 0.00    | 2.00    | MXN";
    let movements = "
            account | currency | amount
            1       | MXN      | -30.00
            1       | MXN      | 20.00
            2       | MXN      | 4.00
            2       | USD      | 4.00
            4       | MXN      | 1.00
            4       | MXN      | -1.00
            -       | MXN      | 2.00";
    assert_eq!(
        judge(&rule("currency = 'MXN'\ncurrency_column = 'divisa'"), balances, movements),
        "\
- | account=2 | 4.00 | 5.00 | MXN -1.00 | opening 0.00 + movements 4.00 = 4.00, but closing is 5.00: off by -1.00 MXN
- | account=2 | 4.00 | - | USD 4.00 | movements of 4.00 USD, but no balance
- | account=3 | -1.00 | -1.01 | MXN 0.01 | opening -1.00 + movements 0.00 = -1.00, but closing is -1.01: off by 0.01 MXN
- | account=4 | 0.00 | - | MXN 0.00 | movements of 0.00 MXN, but no balance
rolled 5 balances forward over 7 movements"
    );
}

#[test]
fn a_tolerance_is_shown_where_it_was_used() {
    let with = |more: &str| judge(&rule(&format!("{MXN}\n{more}")), "cuenta | abre | cierra\n1 | 0 | 0.02", "account");
    let explanation = "rolled 1 balance forward over 0 movements";
    assert!(with("").starts_with("- | account=1 | 0.00 | 0.02 | MXN -0.02 | "));
    assert_eq!(
        with("tolerance = '0.02'\ntolerance_reason = 'interest'"),
        format!("{explanation}; a tolerance of 0.02 was used for 1 balance: interest")
    );
    assert_eq!(with("tolerance = '0.02'"), "not evaluated: a tolerance needs a `tolerance_reason`");
}

/// more settings | balances | why they are refused
#[test]
fn balances_that_cannot_be_read() {
    let cases = [
        ("", "cuenta|abre|cierra", "the balances have no currency: give `currency` or `currency_column`"),
        ("currency = 'PESO'", "cuenta|abre|cierra", "`PESO` is not an ISO 4217 currency code"),
        (MXN, "", "there is no dataset `set`"),
        (MXN, "account|abre|cierra", "the dataset has no column `cuenta`; it has account, abre, cierra"),
        (MXN, "cuenta|abre", "the dataset has no column `cierra`; it has cuenta, abre"),
        (
            MXN,
            "cuenta|abre|cierra\n1|0|0\n2|0|1,5",
            "row 2, column `cierra` of the dataset: `1,5` is no decimal of 2 decimals",
        ),
        (MXN, "cuenta|abre|cierra\n1|-|0", "row 1, column `abre` of the dataset: `` is no decimal of 2 decimals"),
        (
            MXN,
            "cuenta|abre|cierra\n1|0|0\n2|0|0\n1|0|0",
            "row 3 of the dataset: the MXN balance of row 1 is listed again",
        ),
        (
            "currency_column = 'divisa'",
            "cuenta|abre|cierra|divisa\n1|0|0|-",
            "row 1, column `divisa` of the dataset: the currency is empty",
        ),
        (
            "currency_column = 'divisa'",
            "cuenta|abre|cierra|divisa\n1|0|0|mxn",
            "row 1, column `divisa` of the dataset: `mxn` is not an ISO 4217 currency code",
        ),
    ];
    for (more, balances, reason) in cases {
        assert_eq!(judge(&rule(more), balances, "account"), format!("not evaluated: {reason}"));
    }
}

#[test]
fn settings_are_refused_without_data() {
    let settings = |more: &str| {
        let rule = toml::from_str(&format!("id = 'r'\n{}", rule(more))).unwrap();
        crate::business::settings(&rule, 2).map_err(|reason| reason.en.chars().take(11).collect::<String>())
    };
    assert_eq!(settings(MXN), Ok(()));
    assert_eq!(settings("currency = 'MXN'\ntolerance = '1'"), Err("a tolerance".to_owned()));
}

#[test]
fn sums_and_differences_past_128_bits_are_overflows() {
    let most = "1701411834604692317316873037158841057.27";
    let cases = [
        ("0|0".to_owned(), format!("1|{most}\n1|0.01")),
        (format!("{most}|0"), "1|0.01".to_owned()),
        (format!("{most}|-0.01"), "1|0.00".to_owned()),
    ];
    for (balance, movements) in cases {
        let balances = format!("cuenta|abre|cierra\n1|{balance}");
        assert_eq!(judge(&rule(MXN), &balances, &format!("account|amount\n{movements}")), "overflow");
    }
}

#[test]
fn closing_balances_are_carried() {
    let rule = "[check.roll_forward]\ncarried_from = '2026-11-20'\ndataset = 'set'\ncurrency = 'MXN'\n\
         group_by = { account = 'cuenta' }\nopening = 'abre'\nclosing = 'cierra'";
    let days = [
        // As the column says: 3 has no balance, and opens at zero.
        ("cuenta|abre|cierra\n1|10.00|15.00\n2|1.00|0.00", "account|amount\n1|5.00\n2|-1.00\n3|7.00\n4|1.00\n4|-1.00"),
        // The column of opening balances is not read any more; 2 came to zero and is not carried.
        ("cuenta|abre|cierra\n1|99.00|16.00\n2|99.00|0.00\n3|-|7.00", "account|amount\n1|1.00"),
        // The first balance is off, and carried as it is stated; 3 is emptied and vanishes.
        ("cuenta|cierra\n1|16.50", "account|amount\n3|-7.00"),
        ("cuenta|cierra\n5|2.00", "account|currency|amount\n1|MXN|-0.50\n5|MXN|2.00\n1|USD|3.00"),
    ];
    assert_eq!(
        judge_days(rule, &days),
        [
            "\
- | account=3 | 7.00 | - | MXN 7.00 | opening 0.00 + movements 7.00 = 7.00, but no closing balance in MXN is stated
-> account=1 MXN 15.00
-> account=3 MXN 7.00
rolled 4 balances, begun this day, forward over 5 movements",
            "\
-> account=1 MXN 16.00
-> account=3 MXN 7.00
rolled 3 balances, carried from 2026-11-20.1, forward over 1 movement",
            "\
- | account=1 | 16.00 | 16.50 | MXN -0.50 | opening 16.00 + movements 0.00 = 16.00, but closing is 16.50: off by -0.50 MXN
-> account=1 MXN 16.50
rolled 2 balances, carried from 2026-11-21.1, forward over 1 movement",
            "\
- | account=1 | 16.00 | - | MXN 16.00 | opening 16.50 + movements -0.50 = 16.00, but no closing balance in MXN is stated
- | account=1 | 3.00 | - | USD 3.00 | opening 0.00 + movements 3.00 = 3.00, but no closing balance in USD is stated
-> account=1 MXN 16.00
-> account=1 USD 3.00
-> account=5 MXN 2.00
rolled 3 balances, carried from 2026-11-22.1, forward over 3 movements",
        ]
    );
}

#[test]
fn without_a_dataset_the_sums_are_carried() {
    let rule = "check.roll_forward = { carried_from = '2026-11-20', group_by = ['branch'] }";
    let days = [("x", "branch|amount\n001|5.00\n-|1.00"), ("x", "amount"), ("x", "branch|amount\n001|-5.00")];
    assert_eq!(
        judge_days(rule, &days),
        [
            "-> branch= MXN 1.00\n-> branch=001 MXN 5.00\nrolled 2 balances, begun this day, forward over 2 movements",
            "-> branch= MXN 1.00\n-> branch=001 MXN 5.00\n\
             rolled 2 balances, carried from 2026-11-20.1, forward over 0 movements",
            "-> branch= MXN 1.00\nrolled 2 balances, carried from 2026-11-21.1, forward over 1 movement",
        ]
    );
}

#[test]
fn balances_do_not_roll_over_what_is_not_known() {
    let rule = |from: &str| -> Rule {
        toml::from_str(&format!("id='r'\ncheck.roll_forward = {{ carried_from = '{from}', group_by = ['branch'] }}"))
            .unwrap()
    };
    let none = Said::same("no day before was filed");
    let run = |from, before, carried: &[Carry]| {
        let judged = run_after(&rule(from), &Datasets::new(), &batch("amount"), before, carried);
        judged.err().map(|why| why.en).unwrap_or_default()
    };
    let before = |missed: Option<&str>| {
        let missed = missed.map(|missed| missed.parse().unwrap());
        Ok(Before { filing: "2026-11-20.1", date: DAY, missed })
    };
    let remedy = "run that day again and then this one, or let the rule begin anew with a later `carried_from`";
    assert_eq!(run("2026-11-19", Err(&none), &[]), format!("no day before was filed; {remedy}"));
    assert_eq!(run("2026-11-22", Err(&none), &[]), "it carries from 2026-11-22 on");
    assert_eq!(run("2026-11-20", Err(&none), &[]), "");
    assert_eq!(run("2026-11-20", before(None), &[]), "");
    assert_eq!(
        run("2026-11-20", before(Some("2026-11-21")), &[]),
        "the filing before is 2026-11-20.1, and 2026-11-21 was not filed: its movements are in no balance. File that \
         day and then this one again, or let the rule begin anew with a later `carried_from`"
    );
    let carried = |name: &str, amount| {
        let values = vec![(name.to_owned().into(), "1".to_owned())];
        [Carry { values, amount, since: DAY, origin: None }]
    };
    let money = Some(("MXN".parse().unwrap(), 5));
    assert_eq!(run("2026-11-20", before(None), &carried("branch", money)), "");
    for carried in [carried("account", money), carried("branch", None)] {
        let why = run("2026-11-20", before(None), &carried);
        assert!(why.starts_with("2026-11-20.1 carries other values than the rule has now"), "{why}");
    }
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let settings = |settings: &str| {
        let rule = toml::from_str(&format!("id = 'r'\ncheck.roll_forward = {{ group_by = ['account'], {settings} }}"));
        crate::business::settings(&rule.unwrap(), 2).map_err(|reason| reason.en)
    };
    let both = "give a `dataset` with `opening` and `closing`, or `carried_from`";
    let cases = [
        ("currency = 'MXN'", both),
        ("dataset = 'd', opening = 'o', currency = 'MXN'", both),
        ("opening = 'o', closing = 'c'", both),
        ("carried_from = '20 Nov'", "`carried_from` is `20 Nov`, no date: write it as 2026-11-20"),
        ("carried_from = '2026-11-20', dataset = 'd'", "of the dataset neither `opening` nor `closing` is read"),
        (
            "carried_from = '2026-11-20', closing = 'c'",
            "`opening`, `closing`, `currency` and `currency_column` are of a `dataset`",
        ),
        (
            "carried_from = '2026-11-20', tolerance = '1', tolerance_reason = 'x'",
            "without `closing` nothing is compared: `tolerance` means nothing",
        ),
    ];
    for (more, why) in cases {
        assert_eq!(settings(more), Err(why.to_owned()), "{more}");
    }
    for more in [
        "carried_from = '2026-11-20'",
        "carried_from = '2026-11-20', dataset = 'd', opening = 'o', currency = 'MXN'",
        "carried_from = '2026-11-20', dataset = 'd', closing = 'c', currency_column = 'm'",
    ] {
        assert_eq!(settings(more), Ok(()), "{more}");
    }
}
