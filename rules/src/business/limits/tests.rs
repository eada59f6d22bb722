use crate::business::testing::{judge, judge_with};
use crate::business::{Datasets, testing};

fn rule(more: &str) -> String {
    format!("[check.limits]\n{more}")
}

const MOVEMENTS: &str = "
    customer | branch | currency | amount
    7        | 001    | MXN      | -60.00
    7        | 001    | MXN      | 10.00
    7        | 002    | MXN      | -45.00
    7        | 001    | USD      | -50.01
    8        | 001    | MXN      | -50.00
    -        | 001    | MXN      | -99.00
    8        | 001    | JPY      | 70.00
    8        | 001    | MXN      | 0.00";

#[test]
fn amounts_per_group_and_currency() {
    let debits = rule("group_by = ['customer', 'branch']\nof = 'debits'\nmaximum = '50.00'");
    assert_eq!(
        judge(&debits, "", MOVEMENTS),
        "\
- | customer=7, branch=001 | 60.00 | 50.00 | MXN 10.00 | 60.00 MXN in 1 debit: 10.00 more than the limit of 50.00
- | customer=7, branch=001 | 50.01 | 50.00 | USD 0.01 | 50.01 USD in 1 debit: 0.01 more than the limit of 50.00
added up 5 debits in 4 groups; 1 movement has no customer, branch"
    );
    assert_eq!(
        judge(&rule("group_by = ['customer']\nof = 'credits'\nmaximum = '10'"), "", MOVEMENTS),
        "\
- | customer=8 | 70 | 10 | JPY 60 | 70 JPY in 1 credit: 60 more than the limit of 10
added up 2 credits in 2 groups"
    );
    assert_eq!(
        judge(&rule("group_by = ['customer']\nmaximum = '100'"), "", MOVEMENTS),
        "\
- | customer=7 | 115.00 | 100.00 | MXN 15.00 | 115.00 MXN in 3 movements, their sign aside: 15.00 more than the limit of 100.00
added up 8 movements in 4 groups; 1 movement has no customer"
    );
    assert_eq!(
        judge(&rule("of = 'net'\nmaximum = '70'"), "", MOVEMENTS),
        "\
- | - | -244.00 | 70.00 | MXN 174.00 | -244.00 MXN in 6 movements, credits less debits: 174.00 more than the limit of 70.00
added up 8 movements in 3 groups"
    );
}

#[test]
fn records_per_group() {
    let counts = rule("measure = 'records'\ngroup_by = ['branch']\nof = 'debits'\nmaximum = '3'");
    assert_eq!(
        judge(&counts, "", MOVEMENTS),
        "\
- | branch=001 | 4 | 3 | - | 4 debits: 1 more than the limit of 3
added up 5 debits in 2 groups"
    );
}

#[test]
fn groups_have_limits_of_their_own() {
    let maxima = "maxima = { dataset = 'set', group_by = { customer = 'cliente' }, maximum = 'tope', currency_column = 'moneda' }";
    let limits = "
        cliente | tope  | moneda
        7       | 59.99 | MXN
        7       | 60.00 | -
        8       | 50.00 | -";
    let debits = format!("group_by = ['customer', 'branch']\nof = 'debits'\n{maxima}");
    assert_eq!(
        judge(&rule(&debits), limits, MOVEMENTS),
        "\
- | customer=7, branch=001 | 60.00 | 59.99 | MXN 0.01 | 60.00 MXN in 1 debit: 0.01 more than the limit of 59.99
added up 5 debits in 4 groups; 1 movement has no customer, branch"
    );
    let one = "cliente|tope|moneda\n7|1000|-";
    assert_eq!(
        judge(&rule(&debits), one, MOVEMENTS),
        "added up 5 debits in 4 groups; without a limit: 1 group; 1 movement has no customer, branch"
    );
    assert_eq!(
        judge(&rule(&format!("maximum = '49'\n{debits}")), one, MOVEMENTS).lines().next().unwrap(),
        "- | customer=8, branch=001 | 50.00 | 49.00 | MXN 1.00 | 50.00 MXN in 1 debit: 1.00 more than the limit of 49.00"
    );
    let refused = [
        (
            "cliente|tope|moneda\n7|1|peso",
            "row 1, column `moneda` of the dataset: `peso` is not an ISO 4217 currency code",
        ),
        ("cliente|tope|moneda\n7|-|-", "row 1, column `tope` of the dataset: `` is no decimal of 2 decimals"),
        ("cliente|tope|moneda\n7|-1|-", "row 1, column `tope` of the dataset: the limit `-1` is below zero"),
        ("cliente|tope|moneda\n7|1|-\n7|2|-", "row 2 of the dataset: the limit of its group is listed again"),
        ("cliente|tope\n", "the dataset has no column `moneda`; it has cliente, tope"),
    ];
    for (limits, reason) in refused {
        assert_eq!(judge(&rule(&debits), limits, MOVEMENTS), format!("not evaluated: {reason}"));
    }
    let none = judge_with(&rule(&debits), &Datasets::new(), &testing::batch(MOVEMENTS));
    assert_eq!(none, "not evaluated: there is no dataset `set`");
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let maxima = |fields: &str| format!("maxima = {{ dataset = 'set', group_by = {fields}, maximum = 'm' }}");
    let cases = [
        (String::new(), "neither `maximum` nor `maxima` is given"),
        ("measure = 'records'\nof = 'net'\nmaximum = '1'".to_owned(), "`of = \"net\"` is of amounts, not of records"),
        ("measure = 'records'\nmaximum = '1.5'".to_owned(), "`1.5` is no decimal of 0 decimals"),
        ("maximum = '-1'".to_owned(), "the limit `-1` is below zero"),
        (maxima("[]"), "`maxima` names no field in its `group_by`"),
        (maxima("['branch']"), "`maxima` is by branch, which is not in the rule's `group_by`"),
        (
            "measure = 'records'\ngroup_by = ['branch']\n\
             maxima = { dataset = 'set', group_by = ['branch'], maximum = 'm', currency_column = 'c' }"
                .to_owned(),
            "`currency_column` is of amounts, not of records",
        ),
    ];
    for (more, reason) in cases {
        let rule = toml::from_str(&format!("id = 'r'\n{}", rule(&more))).unwrap();
        let refused = crate::business::settings(&rule, 2).unwrap_err();
        assert_eq!(refused.en, reason);
        assert_ne!(refused.es, reason);
    }
}

#[test]
fn sums_past_128_bits_are_overflows() {
    let most = "1701411834604692317316873037158841057.27";
    let two = format!("amount\n{most}\n0.01");
    assert_eq!(judge(&rule("maximum = '1'"), "", &two), "overflow");
    let least = "amount\n-1701411834604692317316873037158841057.28";
    for of in ["debits", "gross", "net"] {
        assert_eq!(judge(&rule(&format!("of = '{of}'\nmaximum = '1'")), "", least), "overflow", "{of}");
    }
}
