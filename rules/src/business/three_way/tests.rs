use crate::business::testing::{DAY, SCALE, batch, run_given, table, told};
use crate::business::{Datasets, Given};
use crate::config::Rule;
use crate::said::Said;

fn rule(more: &str) -> String {
    format!("[check.three_way]\ngroup_by = ['branch']\n{more}")
}

const LEDGER: &str =
    "ledger = { dataset = 'ledger', group_by = { branch = 'sucursal' }, amount = 'saldo', currency = 'MXN' }";

/// The verdict of a rule over movements, rows of the warehouse, a ledger and sums of the warehouse.
fn judge(rule: &str, movements: &str, warehouse: Option<&str>, ledger: &str, sums: &str) -> String {
    let rule: Rule = toml::from_str(&format!("id = 'r'\n{rule}")).unwrap();
    let datasets = Datasets::from([("ledger".to_owned(), Ok(table(ledger))), ("sums".to_owned(), Ok(table(sums)))]);
    let none = Said::same("the warehouse is away");
    let warehouse = warehouse.map(batch);
    let there = warehouse.as_ref().map(drop).ok_or(&none);
    let given = Given {
        scale: SCALE,
        datasets: &datasets,
        files: &[],
        business_date: DAY,
        before: Err(&none),
        warehouse: there,
        reads_answers: true,
    };
    told(run_given(&rule, given, &[], &batch(movements), warehouse.as_ref()).map(|(outcome, _)| outcome))
}

const MOVEMENTS: &str = "
    branch | currency | amount
    001    | MXN      | 10.00
    001    | MXN      | -4.00
    002    | MXN      | 1.00
    003    | MXN      | 1.00
    001    | USD      | 2.00";
const WAREHOUSE: &str = "
    branch | currency | amount
    001    | MXN      | 6.00
    002    | MXN      | 1.00
    003    | MXN      | 2.00
    001    | USD      | 2.00
    004    | MXN      | 5.00";

#[test]
fn three_sums_per_group_and_currency() {
    let ledger = "
        sucursal | saldo
        001      | 5.00
        001      | 1.00
        002      | 1.01
        003      | 3.00
        004      | 5.00";
    assert_eq!(
        judge(&rule(LEDGER), MOVEMENTS, Some(WAREHOUSE), ledger, "x"),
        "\
- | branch=001 | 2.00 | 2.00 | USD 2.00 | sources 2.00, warehouse 2.00, ledger 0.00 USD: warehouse and ledger are off by 2.00, sources and ledger are off by 2.00
- | branch=002 | 1.00 | 1.00 | MXN -0.01 | sources 1.00, warehouse 1.00, ledger 1.01 MXN: warehouse and ledger are off by -0.01, sources and ledger are off by -0.01
- | branch=003 | 1.00 | 2.00 | MXN -2.00 | sources 1.00, warehouse 2.00, ledger 3.00 MXN: sources and warehouse are off by -1.00, warehouse and ledger are off by -1.00, sources and ledger are off by -2.00
- | branch=004 | 0.00 | 5.00 | MXN -5.00 | sources 0.00, warehouse 5.00, ledger 5.00 MXN: sources and warehouse are off by -5.00, sources and ledger are off by -5.00
compared 5 groups: 5 movements of the sources, 5 rows of the warehouse, 5 rows of the ledger"
    );
    let tolerant = format!("{LEDGER}\ntolerance = '1.00'\ntolerance_reason = 'rounding'");
    let told = judge(&rule(&tolerant), MOVEMENTS, Some(WAREHOUSE), ledger, "x");
    assert!(
        told.contains(
            "branch=003 | 1.00 | 2.00 | MXN -2.00 | sources 1.00, warehouse 2.00, ledger 3.00 MXN: sources and ledger"
        ),
        "{told}"
    );
    assert!(told.ends_with("; a tolerance of 1.00 was used for 1 group: rounding"), "{told}");
}

#[test]
fn the_rule_is_about_some_movements() {
    let some = format!("only = {{ branch = ['002'] }}\n{}", rule(LEDGER));
    assert_eq!(
        judge(&some, MOVEMENTS, Some(WAREHOUSE), "sucursal | saldo\n002 | 1.00", "x"),
        "compared 1 group: 1 movement of the sources, 1 row of the warehouse, 1 row of the ledger"
    );
}

#[test]
fn sums_of_the_warehouse_may_be_a_dataset() {
    let both = "ledger = { dataset = 'ledger', debit = 'cargo', credit = 'abono', currency_column = 'moneda', opposite_sign = true }\n\
         warehouse = { dataset = 'sums', amount = 'amount', currency_column = 'currency' }";
    let ledger = "
        branch | cargo | abono | moneda
        001    | 10.00 | 4.00  | MXN
        002    | 1.00  | -     | MXN
        003    | 1.00  | 0.00  | MXN
        001    | 2.00  | -     | USD";
    let sums = "branch | amount | currency\n001 | 6.00 | MXN\n002 | 1.00 | MXN\n003 | 1.00 | MXN\n001 | 2.00 | USD";
    assert_eq!(
        judge(&rule(both), MOVEMENTS, None, ledger, sums),
        "compared 4 groups: 5 movements of the sources, 4 rows of the warehouse, 4 rows of the ledger"
    );
    assert_eq!(
        judge(&rule(LEDGER), MOVEMENTS, None, "sucursal|saldo", "x"),
        "not evaluated: the warehouse is away; give the rule the warehouse's sums as a dataset (`warehouse.dataset`)"
    );
    let refused = [
        (
            "branch|cargo|abono|moneda\n1|x|-|MXN",
            "row 1, column `cargo` of the dataset: `x` is no decimal of 2 decimals",
        ),
        ("branch|cargo|abono|moneda\n1|1|-|-", "row 1, column `moneda` of the dataset: the currency is empty"),
        ("cargo|abono|moneda", "the dataset has no column `branch`; it has cargo, abono, moneda"),
        (
            "branch|cargo|abono|moneda\n1|-1701411834604692317316873037158841057.28|-|MXN",
            "the sums are too large to be exact",
        ),
    ];
    for (ledger, why) in refused {
        assert_eq!(judge(&rule(both), MOVEMENTS, None, ledger, sums), format!("not evaluated: {why}"));
    }
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let one = "give `amount`, or `debit` and `credit`";
    let cases = [
        ("ledger = { dataset = 'd', currency = 'MXN' }", one),
        ("ledger = { dataset = 'd', currency = 'MXN', debit = 'd' }", one),
        ("ledger = { dataset = 'd', currency = 'MXN', amount = 'a', debit = 'd', credit = 'c' }", one),
        (
            "ledger = { dataset = 'd', amount = 'a' }",
            "the balances have no currency: give `currency` or `currency_column`",
        ),
        (
            "ledger = { dataset = 'd', amount = 'a', currency = 'MXN', group_by = ['kind'] }",
            "the fields of a dataset's `group_by` are not those of the rule's",
        ),
        (
            "ledger = { dataset = 'd', amount = 'a', currency = 'MXN' }\ntolerance = '1'",
            "a tolerance needs a `tolerance_reason`",
        ),
    ];
    for (more, why) in cases {
        let rule = toml::from_str(&format!("id = 'r'\n{}", rule(more))).unwrap();
        assert_eq!(crate::business::settings(&rule, 2).unwrap_err().en, why);
    }
}
