use crate::business::testing::{judge, judge_days};

fn rule(more: &str) -> String {
    format!("[check.sequence]\nfield = 'reference'\n{more}")
}

#[test]
fn gaps_and_repeated_numbers() {
    let movements = "
        branch | reference
        001    | F-000012
        001    | F-000010
        001    | F-000020
        002    | F-000007
        001    | F-000012
        002    | 8
        002    | F-000009
        001    | -
        001    | F-
        001    | F-0000012";
    assert_eq!(
        judge(&rule("group_by = ['branch']"), "", movements),
        "\
8 | reference | - | - | MXN 1.00 | reference is empty
9 | reference | F- | - | MXN 1.00 | `F-` cannot be read as a number of the sequence
- | branch=001 | - | F-000011 | - | F-000011 is missing
5 | reference | F-000012 | - | - | F-000012 occurs again
10 | reference | F-0000012 | - | - | F-0000012 occurs again
- | branch=001 | - | F-000013 - F-000019 | - | F-000013 to F-000019 are missing: 7 numbers
- | branch=002 | - | F-000008 | - | F-000008 is missing
followed reference of 10 movements; sequences: 3; 1 movement has no reference"
    );
    let lenient =
        "group_by = ['branch']\nprefix = 'F-'\nallow_empty = true\nallow_unreadable = true\nallow_repeated = true";
    assert_eq!(
        judge(&rule(lenient), "", movements),
        "\
- | branch=001 | - | F-000011 | - | F-000011 is missing
- | branch=001 | - | F-000013 - F-000019 | - | F-000013 to F-000019 are missing: 7 numbers
- | branch=002 | - | F-000008 | - | F-000008 is missing
followed reference of 10 movements; sequences: 2; 1 movement has no reference"
    );
    let strict = judge(&rule("prefix = 'F-'"), "", movements);
    assert!(strict.contains("6 | reference | 8 | - | MXN 1.00 | `8` cannot be read"), "{strict}");
}

#[test]
fn the_largest_number_has_38_digits() {
    let nines = "9".repeat(37);
    let movements = format!("reference\n0009{nines}\n19{nines}\n1");
    let told = format!(
        "2 | reference | 19{nines} | - | MXN 1.00 | `19{nines}` cannot be read as a number of the sequence\n\
         - | reference | - | 2 - {nines}8 | - | 2 to {nines}8 are missing: {nines}7 numbers\n\
         followed reference of 3 movements; sequences: 1",
    );
    assert_eq!(judge(&rule(""), "", &movements), told);
}

#[test]
fn sequences_begin_and_end_where_a_dataset_says() {
    let bounds = "group_by = ['branch']\n\
         bounds = { dataset = 'set', group_by = { branch = 'sucursal' }, first = 'del', last = 'al' }";
    let numbers = "
        sucursal | del   | al
        001      | A0010 | A0013
        002      | A0001 | A0002
        003      | A0005 | -
        004      | -     | A0007
        005      | -     | A0009";
    let movements = "
        branch | reference
        001    | A0012
        001    | A0009
        001    | A0014
        003    | A0006
        005    | A0008
        006    | A0003";
    assert_eq!(
        judge(&rule(bounds), numbers, movements),
        "\
2 | reference | A0009 | - | - | A0009 comes before the first number, A0010
- | branch=001 | - | A0010 - A0011 | - | A0010 to A0011 are missing: 2 numbers
3 | reference | A0014 | - | - | A0014 comes after the last number, A0013
- | branch=001 | - | A0013 | - | A0013 is missing
- | branch=002 | - | A0001 - A0002 | - | A0001 to A0002 are missing: 2 numbers
- | branch=003 | - | A0005 | - | A0005 is missing
- | branch=004 | - | A0007 | - | A0007 is missing
- | branch=005 | - | A0009 | - | A0009 is missing
followed reference of 6 movements; sequences: 6"
    );
    let refused = [
        (
            "sucursal|del|al\n1|A|A1",
            "row 1, column `del` of the dataset: `A` cannot be read as a number of the sequence",
        ),
        (
            "sucursal|del|al\n1|A1|A2\n1|A1|A2",
            "row 2, column `del` of the dataset: a number of its group is listed again",
        ),
        ("sucursal|del", "the dataset has no column `al`; it has sucursal, del"),
    ];
    for (numbers, why) in refused {
        assert_eq!(judge(&rule(bounds), numbers, movements), format!("not evaluated: {why}"));
    }
}

#[test]
fn sequences_go_on_from_day_to_day() {
    let carried = rule(
        "group_by = ['branch']\ncarried_from = '2026-11-20'\n\
         bounds = { dataset = 'set', first = 'first' }",
    );
    let days = [
        ("branch|first\n001|9\n003|1", "branch|reference\n001|010\n001|009\n002|5"),
        ("branch|first\n001|9", "branch|reference\n001|012\n001|009\n003|1"),
        ("branch|first\n001|9", "branch|reference\n002|6"),
        ("branch|first\n001|9", "branch|reference\n001|015\n001|014"),
    ];
    assert_eq!(
        judge_days(&carried, &days),
        [
            "\
-> branch=001, last=010
-> branch=002, last=5
-> branch=003, last=0
followed reference of 3 movements; sequences: 3",
            "\
2 | reference | 009 | - | - | 009 does not come after 010, in which 2026-11-20.1 ended
- | branch=001 | - | 011 | - | 011 is missing; 2026-11-20.1 ended in 010
-> branch=001, last=012
-> branch=002, last=5
-> branch=003, last=1
followed reference of 3 movements, going on from 2026-11-20.1; sequences: 3",
            "\
-> branch=001, last=012
-> branch=002, last=6
-> branch=003, last=1
followed reference of 1 movement, going on from 2026-11-21.1; sequences: 3",
            "\
- | branch=001 | - | 013 | - | 013 is missing; 2026-11-22.1 ended in 012
-> branch=001, last=015
-> branch=002, last=6
-> branch=003, last=1
followed reference of 2 movements, going on from 2026-11-22.1; sequences: 3",
        ]
    );
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let cases = [
        ("field = 'amount'", "amount holds no numbers of a sequence"),
        ("field = 'id'\ngroup_by = ['id']", "id is also in `group_by`: every number would be a sequence of its own"),
        ("field = 'id'\nbounds = { dataset = 'd' }", "`bounds` gives neither `first` nor `last`"),
        (
            "field = 'id'\ngroup_by = ['branch']\nbounds = { dataset = 'd', first = 'f', group_by = ['account'] }",
            "the fields of `bounds.group_by` are not those of `group_by`",
        ),
        ("field = 'id'\ncarried_from = '2026-1-1'", "`carried_from` is `2026-1-1`, no date: write it as 2026-11-20"),
    ];
    for (more, why) in cases {
        let rule = toml::from_str(&format!("id = 'r'\n[check.sequence]\n{more}")).unwrap();
        assert_eq!(crate::business::settings(&rule, 2).unwrap_err().en, why);
    }
}
