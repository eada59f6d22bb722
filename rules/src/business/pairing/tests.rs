//! Tables: movements in, verdict out. Left legs are those of `core`, right legs those of `spei`.

use super::HELD;
use crate::business::testing::{batch, judge, run_after, told};
use crate::business::{Before, Carry, Datasets, Located, Origin};
use crate::said::Said;

fn rule(more: &str) -> String {
    format!("[check.pairing]\nleft = {{ source = ['core'] }}\nright = {{ source = ['spei'] }}\n{more}")
}

#[track_caller]
fn assert_judged(more: &str, movements: &str, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(judge(&rule(more), "", movements), expected.join("\n"), "{more}");
}

#[test]
fn a_debit_here_is_a_credit_there() {
    let movements = "
        source | reference | amount
        core   | A1        | -10.00
        spei   | A1        | 10.00
        spei   | A2        | 5.00
        core   | A2        | -5.00
        core   | A3        | -7.00
        spei   | A4        | 8.00";
    assert_judged("by = ['reference']", movements, "
        5 | reference=A3 | -7.00 | - | MXN -7.00 | nothing on the right goes with it
        6 | reference=A4 | 8.00 | - | MXN 8.00 | nothing on the left goes with it
        paired 3 movements on the left with 3 on the right by reference, amount and date: 2 pairs on the same day; 0 ambiguous, 2 unpaired");
    assert_judged("", movements, "
        6 | amount | 8.00 | - | MXN 8.00 | nothing on the left goes with it
        5 | amount | -7.00 | - | MXN -7.00 | nothing on the right goes with it
        paired 3 movements on the left with 3 on the right by amount and date: 2 pairs on the same day; 0 ambiguous, 2 unpaired");
    assert_judged("by = ['reference']\nopposite_sign = false", movements, "
        1 | reference=A1 | -10.00 | - | MXN -10.00 | nothing on the right goes with it; the nearest is record 2: 10.00 on 2026-11-20, off by 20.00
        2 | reference=A1 | 10.00 | - | MXN 10.00 | nothing on the left goes with it; the nearest is record 1: -10.00 on 2026-11-20, off by 20.00
        4 | reference=A2 | -5.00 | - | MXN -5.00 | nothing on the right goes with it; the nearest is record 3: 5.00 on 2026-11-20, off by 10.00
        3 | reference=A2 | 5.00 | - | MXN 5.00 | nothing on the left goes with it; the nearest is record 4: -5.00 on 2026-11-20, off by 10.00
        5 | reference=A3 | -7.00 | - | MXN -7.00 | nothing on the right goes with it
        6 | reference=A4 | 8.00 | - | MXN 8.00 | nothing on the left goes with it
        paired 3 movements on the left with 3 on the right by reference, amount and date: 0 pairs; 0 ambiguous, 6 unpaired");
}

#[test]
fn fields_of_the_sides_may_differ() {
    let movements = "
        source | reference | id | account | amount
        core   | A1        | 1  | X       | -10.00
        spei   | 7         | A1 | X       | 10.00
        core   | A1        | 3  | Y       | -10.00
        spei   | A1        | 9  | Y       | 10.00
        core   | -         | A1 | X       | -10.00
        spei   | A1        | '' | X       | 10.00";
    assert_judged("by = ['account', { left = 'reference', right = 'id' }]", movements, "
        5 | reference | -10.00 | - | MXN -10.00 | it has no reference, so that nothing can go with it
        6 | id | 10.00 | - | MXN 10.00 | it has no id, so that nothing can go with it
        4 | account=Y, id=9 | 10.00 | - | MXN 10.00 | nothing on the left goes with it
        3 | account=Y, reference=A1 | -10.00 | - | MXN -10.00 | nothing on the right goes with it
        paired 3 movements on the left with 3 on the right by account, reference = id, amount and date: 1 pair on the same day; 0 ambiguous, 4 unpaired");
}

#[test]
fn currencies_are_apart() {
    let movements = "
        source | currency | amount
        core   | MXN      | -10.00
        spei   | USD      | 10.00
        core   | JPY      | -7.00
        spei   | JPY      | 7.00";
    assert_judged("", movements, "
        1 | amount | -10.00 | - | MXN -10.00 | nothing on the right goes with it
        2 | amount | 10.00 | - | USD 10.00 | nothing on the left goes with it
        paired 2 movements on the left with 2 on the right by amount and date: 1 pair on the same day; 0 ambiguous, 2 unpaired");
}

#[test]
fn candidates_that_share_a_leg_are_ambiguous() {
    let movements = "
        source | reference | amount
        core   | A         | -1.00
        spei   | A         | 1.00
        spei   | A         | 1.00
        core   | B         | -2.00
        core   | B         | -2.00
        core   | B         | -2.00
        core   | B         | -2.00
        core   | B         | -2.00
        spei   | B         | 2.00";
    assert_judged("by = ['reference']", movements, "
        1 | reference=A | -1.00 | - | MXN -1.00 | ambiguous: its candidates are record 2, record 3
        2 | reference=A | 1.00 | - | MXN 1.00 | ambiguous: its candidate, record 1, is one of others too
        3 | reference=A | 1.00 | - | MXN 1.00 | ambiguous: its candidate, record 1, is one of others too
        4 | reference=B | -2.00 | - | MXN -2.00 | ambiguous: its candidate, record 9, is one of others too
        5 | reference=B | -2.00 | - | MXN -2.00 | ambiguous: its candidate, record 9, is one of others too
        6 | reference=B | -2.00 | - | MXN -2.00 | ambiguous: its candidate, record 9, is one of others too
        7 | reference=B | -2.00 | - | MXN -2.00 | ambiguous: its candidate, record 9, is one of others too
        8 | reference=B | -2.00 | - | MXN -2.00 | ambiguous: its candidate, record 9, is one of others too
        9 | reference=B | 2.00 | - | MXN 2.00 | ambiguous: its candidates are record 4, record 5, record 6 and others
        paired 6 movements on the left with 3 on the right by reference, amount and date: 0 pairs; 9 ambiguous, 0 unpaired");
}

#[test]
fn the_nearest_day_comes_first() {
    let movements = "
        source | booked_on  | amount
        core   | 2026-11-20 | -1.00
        spei   | 2026-11-21 | 1.00
        spei   | 2026-11-22 | 1.00
        core   | 2026-11-23 | -1.00
        spei   | 2026-11-20 | 2.00
        core   | 2026-11-18 | -2.00
        core   | 2026-11-20 | -3.00
        spei   | 2026-11-19 | 3.00
        spei   | 2026-11-21 | 3.00";
    assert_judged(
        "",
        movements,
        "
        7 | amount | -3.00 | - | MXN -3.00 | nothing on the right goes with it
        8 | amount | 3.00 | - | MXN 3.00 | nothing on the left goes with it
        9 | amount | 3.00 | - | MXN 3.00 | nothing on the left goes with it
        6 | amount | -2.00 | - | MXN -2.00 | nothing on the right goes with it
        5 | amount | 2.00 | - | MXN 2.00 | nothing on the left goes with it
        1 | amount | -1.00 | - | MXN -1.00 | nothing on the right goes with it
        4 | amount | -1.00 | - | MXN -1.00 | nothing on the right goes with it
        2 | amount | 1.00 | - | MXN 1.00 | nothing on the left goes with it
        3 | amount | 1.00 | - | MXN 1.00 | nothing on the left goes with it
        paired 4 movements on the left with 5 on the right by amount and date: 0 pairs; 0 ambiguous, 9 unpaired",
    );
    assert_judged("within_days = 1", movements, "
        7 | amount | -3.00 | - | MXN -3.00 | ambiguous: its candidates are record 8, record 9
        8 | amount | 3.00 | - | MXN 3.00 | ambiguous: its candidate, record 7, is one of others too
        9 | amount | 3.00 | - | MXN 3.00 | ambiguous: its candidate, record 7, is one of others too
        6 | amount | -2.00 | - | MXN -2.00 | nothing on the right goes with it
        5 | amount | 2.00 | - | MXN 2.00 | nothing on the left goes with it
        paired 4 movements on the left with 5 on the right by amount and date: 2 pairs 1 day apart; 3 ambiguous, 2 unpaired");
    assert_judged("within_days = 2", movements, "
        7 | amount | -3.00 | - | MXN -3.00 | ambiguous: its candidates are record 8, record 9
        8 | amount | 3.00 | - | MXN 3.00 | ambiguous: its candidate, record 7, is one of others too
        9 | amount | 3.00 | - | MXN 3.00 | ambiguous: its candidate, record 7, is one of others too
        paired 4 movements on the left with 5 on the right by amount and date: 2 pairs 1 day apart, 1 pair 2 days apart; 3 ambiguous, 0 unpaired");
}

#[test]
fn instants_are_near_enough_or_not_known() {
    let movements = "
        source | reference | booked_on  | booked_at            | amount
        core   | midnight  | 2026-11-20 | 2026-11-20T23:59:00Z | -1.00
        spei   | midnight  | 2026-11-21 | 2026-11-21T00:01:00Z | 1.00
        core   | late      | 2026-11-20 | 2026-11-20T10:00:00Z | -1.00
        spei   | late      | 2026-11-20 | 2026-11-20T10:02:01Z | 1.00
        core   | unknown   | 2026-11-20 | -                    | -1.00
        spei   | unknown   | 2026-11-20 | 2026-11-20T10:02:00Z | 1.00
        core   | told      | 2026-11-20 | 2026-11-20T10:02:00Z | -1.00
        spei   | told      | 2026-11-20 | 2026-11-20T08:00:00Z | 1.00
        spei   | told      | 2026-11-20 | 2026-11-20T10:00:00Z | 1.00
        spei   | told      | 2026-11-20 | 2026-11-20T10:05:00Z | 1.00";
    assert_judged("by = ['reference']\nwithin_minutes = 2", movements, "
        3 | reference=late | -1.00 | - | MXN -1.00 | nothing on the right goes with it; the nearest is record 4: 1.00 on 2026-11-20T10:02:01Z
        4 | reference=late | 1.00 | - | MXN 1.00 | nothing on the left goes with it; the nearest is record 3: -1.00 on 2026-11-20T10:00:00Z
        1 | reference=midnight | -1.00 | - | MXN -1.00 | nothing on the right goes with it; the nearest is record 2: 1.00 on 2026-11-21T00:01:00Z
        2 | reference=midnight | 1.00 | - | MXN 1.00 | nothing on the left goes with it; the nearest is record 1: -1.00 on 2026-11-20T23:59:00Z
        8 | reference=told | 1.00 | - | MXN 1.00 | nothing on the left goes with it
        10 | reference=told | 1.00 | - | MXN 1.00 | nothing on the left goes with it
        paired 4 movements on the left with 6 on the right by reference, amount and date: 2 pairs on the same day; 0 ambiguous, 6 unpaired");
    assert_judged("by = ['reference']\nwithin_minutes = 2\nwithin_days = 1", movements, "
        3 | reference=late | -1.00 | - | MXN -1.00 | nothing on the right goes with it; the nearest is record 4: 1.00 on 2026-11-20T10:02:01Z
        4 | reference=late | 1.00 | - | MXN 1.00 | nothing on the left goes with it; the nearest is record 3: -1.00 on 2026-11-20T10:00:00Z
        8 | reference=told | 1.00 | - | MXN 1.00 | nothing on the left goes with it
        10 | reference=told | 1.00 | - | MXN 1.00 | nothing on the left goes with it
        paired 4 movements on the left with 6 on the right by reference, amount and date: 2 pairs on the same day, 1 pair 1 day apart; 0 ambiguous, 4 unpaired");
}

#[test]
fn each_side_has_its_tolerance() {
    let movements = "
        source | reference | amount
        core   | fee       | -100.00
        spei   | fee       | 99.75
        core   | more      | -100.00
        spei   | more      | 100.02
        core   | toomuch   | -100.00
        spei   | toomuch   | 99.49
        core   | exact     | -5.00
        spei   | exact     | 4.99
        spei   | exact     | 5.00
        core   | credit    | 100.00
        spei   | credit    | -99.75
        core   | sign      | 0.01
        spei   | sign      | 0.01";
    let left = "tolerance.left = { amount = '0.50', reason = 'fees of the correspondent' }";
    let right = "tolerance.right = { amount = '0.02', reason = 'rounding' }";
    assert_judged(&format!("by = ['reference']\n{left}"), movements, "
        8 | reference=exact | 4.99 | - | MXN 4.99 | nothing on the left goes with it
        4 | reference=more | 100.02 | - | MXN 100.02 | nothing on the left goes with it; the nearest is record 3: -100.00 on 2026-11-20, off by 0.02
        3 | reference=more | -100.00 | - | MXN -100.00 | nothing on the right goes with it; the nearest is record 4: 100.02 on 2026-11-20, off by 0.02
        13 | reference=sign | 0.01 | - | MXN 0.01 | nothing on the left goes with it; the nearest is record 12: 0.01 on 2026-11-20, off by 0.02
        12 | reference=sign | 0.01 | - | MXN 0.01 | nothing on the right goes with it; the nearest is record 13: 0.01 on 2026-11-20, off by 0.02
        5 | reference=toomuch | -100.00 | - | MXN -100.00 | nothing on the right goes with it; the nearest is record 6: 99.49 on 2026-11-20, off by 0.51
        6 | reference=toomuch | 99.49 | - | MXN 99.49 | nothing on the left goes with it; the nearest is record 5: -100.00 on 2026-11-20, off by 0.51
        paired 6 movements on the left with 7 on the right by reference, amount and date: 3 pairs on the same day; 0 ambiguous, 7 unpaired; a tolerance of 0.50 on the left was used for 2 matches, 0.50 MXN in all: fees of the correspondent");
    assert_judged(&format!("by = ['reference']\n{left}\n{right}"), movements, "
        8 | reference=exact | 4.99 | - | MXN 4.99 | nothing on the left goes with it
        13 | reference=sign | 0.01 | - | MXN 0.01 | nothing on the left goes with it; the nearest is record 12: 0.01 on 2026-11-20, off by 0.02
        12 | reference=sign | 0.01 | - | MXN 0.01 | nothing on the right goes with it; the nearest is record 13: 0.01 on 2026-11-20, off by 0.02
        5 | reference=toomuch | -100.00 | - | MXN -100.00 | nothing on the right goes with it; the nearest is record 6: 99.49 on 2026-11-20, off by 0.51
        6 | reference=toomuch | 99.49 | - | MXN 99.49 | nothing on the left goes with it; the nearest is record 5: -100.00 on 2026-11-20, off by 0.51
        paired 6 movements on the left with 7 on the right by reference, amount and date: 4 pairs on the same day; 0 ambiguous, 5 unpaired; a tolerance of 0.50 on the left was used for 2 matches, 0.50 MXN in all: fees of the correspondent; a tolerance of 0.02 on the right was used for 1 match, 0.02 MXN in all: rounding");
}

#[test]
fn a_one_to_one_rule_never_adds_up() {
    let movements = "
        source | reference | amount
        core   | A         | -100.00
        spei   | A         | 60.00
        spei   | A         | 40.00
        core   | B         | -30.00
        core   | B         | -70.00
        spei   | B         | 100.00
        core   | C         | -1.00
        core   | C         | -2.00
        spei   | C         | 1.50
        spei   | C         | 1.50";
    assert_judged("by = ['reference']\nshape = '1:1'", movements, "
        1 | reference=A | -100.00 | - | MXN -100.00 | nothing on the right goes with it; the nearest is record 2: 60.00 on 2026-11-20, off by 40.00
        2 | reference=A | 60.00 | - | MXN 60.00 | nothing on the left goes with it; the nearest is record 1: -100.00 on 2026-11-20, off by 40.00
        3 | reference=A | 40.00 | - | MXN 40.00 | nothing on the left goes with it; the nearest is record 1: -100.00 on 2026-11-20, off by 60.00
        6 | reference=B | 100.00 | - | MXN 100.00 | nothing on the left goes with it; the nearest is record 5: -70.00 on 2026-11-20, off by 30.00
        5 | reference=B | -70.00 | - | MXN -70.00 | nothing on the right goes with it; the nearest is record 6: 100.00 on 2026-11-20, off by 30.00
        4 | reference=B | -30.00 | - | MXN -30.00 | nothing on the right goes with it; the nearest is record 6: 100.00 on 2026-11-20, off by 70.00
        8 | reference=C | -2.00 | - | MXN -2.00 | nothing on the right goes with it; the nearest is record 9: 1.50 on 2026-11-20, off by 0.50
        9 | reference=C | 1.50 | - | MXN 1.50 | nothing on the left goes with it; the nearest is record 7: -1.00 on 2026-11-20, off by 0.50
        10 | reference=C | 1.50 | - | MXN 1.50 | nothing on the left goes with it; the nearest is record 7: -1.00 on 2026-11-20, off by 0.50
        7 | reference=C | -1.00 | - | MXN -1.00 | nothing on the right goes with it; the nearest is record 9: 1.50 on 2026-11-20, off by 0.50
        paired 5 movements on the left with 5 on the right by reference, amount and date: 0 pairs; 0 ambiguous, 10 unpaired");
    assert_judged("by = ['reference']\nshape = '1:N'", movements, "
        6 | reference=B | 100.00 | - | MXN 100.00 | nothing on the left goes with it; the nearest is record 5: -70.00 on 2026-11-20, off by 30.00
        5 | reference=B | -70.00 | - | MXN -70.00 | nothing on the right goes with it; the nearest is record 6: 100.00 on 2026-11-20, off by 30.00
        4 | reference=B | -30.00 | - | MXN -30.00 | nothing on the right goes with it; the nearest is record 6: 100.00 on 2026-11-20, off by 70.00
        8 | reference=C | -2.00 | - | MXN -2.00 | nothing on the right goes with it; the nearest is record 9: 1.50 on 2026-11-20, off by 0.50
        9 | reference=C | 1.50 | - | MXN 1.50 | nothing on the left goes with it; the nearest is record 7: -1.00 on 2026-11-20, off by 0.50
        10 | reference=C | 1.50 | - | MXN 1.50 | nothing on the left goes with it; the nearest is record 7: -1.00 on 2026-11-20, off by 0.50
        7 | reference=C | -1.00 | - | MXN -1.00 | nothing on the right goes with it; the nearest is record 9: 1.50 on 2026-11-20, off by 0.50
        paired 5 movements on the left with 5 on the right by reference, amount and date: 1 sum of 3 movements; 0 ambiguous, 7 unpaired");
    assert_judged("by = ['reference']\nshape = 'N:1'", movements, "
        1 | reference=A | -100.00 | - | MXN -100.00 | nothing on the right goes with it; the nearest is record 2: 60.00 on 2026-11-20, off by 40.00
        2 | reference=A | 60.00 | - | MXN 60.00 | nothing on the left goes with it; the nearest is record 1: -100.00 on 2026-11-20, off by 40.00
        3 | reference=A | 40.00 | - | MXN 40.00 | nothing on the left goes with it; the nearest is record 1: -100.00 on 2026-11-20, off by 60.00
        8 | reference=C | -2.00 | - | MXN -2.00 | nothing on the right goes with it; the nearest is record 9: 1.50 on 2026-11-20, off by 0.50
        9 | reference=C | 1.50 | - | MXN 1.50 | nothing on the left goes with it; the nearest is record 7: -1.00 on 2026-11-20, off by 0.50
        10 | reference=C | 1.50 | - | MXN 1.50 | nothing on the left goes with it; the nearest is record 7: -1.00 on 2026-11-20, off by 0.50
        7 | reference=C | -1.00 | - | MXN -1.00 | nothing on the right goes with it; the nearest is record 9: 1.50 on 2026-11-20, off by 0.50
        paired 5 movements on the left with 5 on the right by reference, amount and date: 1 sum of 3 movements; 0 ambiguous, 7 unpaired");
    assert_judged("by = ['reference']\nshape = 'N:M'", movements, "
        paired 5 movements on the left with 5 on the right by reference, amount and date: 3 sums of 10 movements; 0 ambiguous, 0 unpaired");
}

#[test]
fn parts_of_a_group_add_up_where_only_one_set_does() {
    let movements = "
        source | reference | amount
        core   | A         | -100.00
        core   | A         | -9.00
        core   | A         | -5.00
        spei   | A         | 60.00
        spei   | A         | 40.00
        spei   | A         | 5.00
        spei   | A         | 0.00
        core   | B         | -10.00
        core   | B         | -99.00
        spei   | B         | 6.00
        spei   | B         | 4.00
        spei   | B         | 3.00
        spei   | B         | 7.00";
    assert_judged("by = ['reference']\nshape = '1:N'", movements, "
        2 | reference=A | -9.00 | - | MXN -9.00 | nothing on the right goes with it; the nearest is record 7: 0.00 on 2026-11-20, off by 9.00
        7 | reference=A | 0.00 | - | MXN 0.00 | nothing on the left goes with it; the nearest is record 2: -9.00 on 2026-11-20, off by 9.00
        8 | reference=B | -10.00 | - | MXN -10.00 | ambiguous: its candidates are record 13, record 10, record 11 and others
        13 | reference=B | 7.00 | - | MXN 7.00 | ambiguous: its candidate, record 8, is one of others too
        10 | reference=B | 6.00 | - | MXN 6.00 | ambiguous: its candidate, record 8, is one of others too
        11 | reference=B | 4.00 | - | MXN 4.00 | ambiguous: its candidate, record 8, is one of others too
        12 | reference=B | 3.00 | - | MXN 3.00 | ambiguous: its candidate, record 8, is one of others too
        9 | reference=B | -99.00 | - | MXN -99.00 | nothing on the right goes with it
        paired 5 movements on the left with 8 on the right by reference, amount and date: 1 pair on the same day, 1 sum of 3 movements; 5 ambiguous, 3 unpaired");
    assert_judged("shape = '1:N'", movements, "
        8 | amount | -10.00 | - | MXN -10.00 | ambiguous: its candidates are record 13, record 10, record 11 and others
        2 | amount | -9.00 | - | MXN -9.00 | ambiguous: its candidates are record 10, record 12
        13 | amount | 7.00 | - | MXN 7.00 | ambiguous: its candidate, record 8, is one of others too
        10 | amount | 6.00 | - | MXN 6.00 | ambiguous: its candidates are record 8, record 2
        11 | amount | 4.00 | - | MXN 4.00 | ambiguous: its candidate, record 8, is one of others too
        12 | amount | 3.00 | - | MXN 3.00 | ambiguous: its candidates are record 8, record 2
        9 | amount | -99.00 | - | MXN -99.00 | nothing on the right goes with it
        7 | amount | 0.00 | - | MXN 0.00 | nothing on the left goes with it
        paired 5 movements on the left with 8 on the right by amount and date: 1 pair on the same day, 1 sum of 3 movements; 6 ambiguous, 2 unpaired");
}

#[test]
fn movements_of_both_sides_are_told_apart_by_their_sign() {
    let movements = "
        source | kind | reference | amount
        core   | SPEI | A         | -10.00
        core   | SPEI | A         | 10.00
        core   | SPEI | B         | -1.00
        core   | SPEI | B         | -1.00
        core   | FEE  | B         | 1.00";
    let both = "check.pairing = { left = { kind = ['SPEI'] }, right = { kind = ['SPEI'] }, by = ['reference'] }";
    assert_eq!(
        judge(both, "", movements),
        "\
3 | reference=B | -1.00 | - | MXN -1.00 | nothing on the right goes with it
4 | reference=B | -1.00 | - | MXN -1.00 | nothing on the right goes with it
paired 3 movements on the left with 1 on the right by reference, amount and date: 1 pair on the same day; 0 ambiguous, \
2 unpaired"
    );
}

#[test]
fn sums_are_within_the_tolerance_and_the_window_too() {
    let movements = "
        source | reference | booked_on  | amount
        core   | A         | 2026-11-20 | -100.00
        spei   | A         | 2026-11-20 | 60.00
        spei   | A         | 2026-11-21 | 39.50
        core   | B         | 2026-11-20 | -100.00
        spei   | B         | 2026-11-20 | 60.00
        spei   | B         | 2026-11-22 | 40.00
        core   | C         | 2026-11-20 | -100.00
        core   | C         | 2026-11-20 | -1.00
        spei   | C         | 2026-11-20 | 60.25
        spei   | C         | 2026-11-20 | 40.00";
    let tolerance =
        "tolerance.left = { amount = '0.50', reason = 'fees' }\ntolerance.right = { amount = '0.25', reason = 'r' }";
    assert_judged(&format!("by = ['reference']\nshape = '1:N'\nwithin_days = 1\n{tolerance}"), movements, "
        4 | reference=B | -100.00 | - | MXN -100.00 | nothing on the right goes with it; the nearest is record 5: 60.00 on 2026-11-20, off by 40.00
        5 | reference=B | 60.00 | - | MXN 60.00 | nothing on the left goes with it; the nearest is record 4: -100.00 on 2026-11-20, off by 40.00
        6 | reference=B | 40.00 | - | MXN 40.00 | nothing on the left goes with it; the nearest is record 4: -100.00 on 2026-11-20, off by 60.00
        8 | reference=C | -1.00 | - | MXN -1.00 | nothing on the right goes with it
        paired 4 movements on the left with 6 on the right by reference, amount and date: 2 sums of 6 movements; 0 ambiguous, 4 unpaired; a tolerance of 0.50 on the left was used for 1 match, 0.50 MXN in all: fees; a tolerance of 0.25 on the right was used for 1 match, 0.25 MXN in all: r");
}

/// Parts are added up of 16 open legs and not of 17; for what agrees as a whole there is no such limit.
#[test]
fn parts_are_looked_for_among_a_few_open_legs_alone() {
    let legs = |left: &str, right: std::ops::Range<u32>| {
        let right = right.map(|n| format!("spei | A | {n}.00"));
        [format!("source | reference | amount\ncore | A | {left}")]
            .into_iter()
            .chain(right)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let judged = |movements: &str| judge(&rule("shape = '1:N'"), "", movements);
    let sixteen = judged(&legs("-221.00", 110..125));
    assert!(sixteen.ends_with(": 1 sum of 3 movements; 0 ambiguous, 13 unpaired"), "{sixteen}");
    let seventeen = judged(&legs("-221.00", 110..126));
    let why = "nothing on the right goes with it; with 17 open movements, more than 16, no parts of them were added up";
    assert!(seventeen.contains(why), "{seventeen}");
    let whole = judge(&rule("by = ['reference']\nshape = '1:N'"), "", &legs("-1880.00", 110..126));
    assert!(whole.ends_with(": 1 sum of 17 movements; 0 ambiguous, 0 unpaired"), "{whole}");
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let apart =
        "a movement could be on the `left` and on the `right`: give a field for which they list different values";
    let same = "check.pairing = { left = { branch = ['1'] }, right = { branch = ['1', '2'] }, opposite_sign = false }";
    let cases = [
        (rule("by = ['amount']"), "`by` names amount, which is compared anyway: leave it out"),
        (
            rule("by = [{ left = 'id', right = 'booked_on' }]"),
            "`by` names booked_on, which is compared anyway: leave it out",
        ),
        (rule("within_days = 367"), "`within_days` is more than 366"),
        (rule("tolerance.left = { amount = '1', reason = ' ' }"), "a tolerance needs a `reason`"),
        (
            rule("tolerance.right = { amount = '-1', reason = 'x' }"),
            "the tolerance `-1` is no decimal >= 0 of 2 decimals",
        ),
        (same.to_owned(), apart),
    ];
    for (rule, reason) in cases {
        assert_eq!(judge(&rule, "", "amount"), format!("not evaluated: {reason}"));
    }
}

#[test]
fn what_exceeds_128_bits_is_an_overflow() {
    let (most, least) = ("1701411834604692317316873037158841057.27", "-1701411834604692317316873037158841057.28");
    assert_eq!(judge(&rule(""), "", &format!("source | amount\nspei | {least}")), "overflow");
    let sum = format!("source | amount | reference\ncore | {most} | A\ncore | 0.01 | A\nspei | 1.00 | A");
    assert_eq!(judge(&rule("by = ['reference']\nshape = 'N:1'"), "", &sum), "overflow");
    let alone = format!("source | amount\ncore | {least}\nspei | {most}");
    assert_eq!(judge(&rule("tolerance.left = { amount = '1', reason = 'x' }"), "", &alone), "overflow");
}

const IN_TRANSIT: &str = "by = ['reference']\nwithin_days = 2\ncarried_from = '2026-11-20'\ncarry_days = 2";

/// The verdict of the first day with these settings, or of one after `before` with what that one left; and what is left.
fn judged_after(more: &str, before: Option<&str>, carried: &[Carry], movements: &str) -> (String, Vec<Carry>) {
    let rule = toml::from_str(&format!("id = 'r'\n{}", rule(more))).unwrap();
    let filing = before.map(|date| format!("{date}.1"));
    let none = Said::same("no day before was filed");
    let before = before.zip(filing.as_deref()).ok_or(&none);
    let before = before.map(|(date, filing)| Before { filing, date: date.parse().unwrap(), missed: None });
    let outcome = run_after(&rule, &Datasets::new(), &batch(movements), before, carried);
    let left = outcome.as_ref().map(|(_, left)| left.clone()).unwrap_or_default();
    (told(outcome.map(|(outcome, _)| outcome)), left)
}

/// What a filing states of a movement of its own, the next one reads as one of an earlier filing.
fn filed(filing: &str, carried: Vec<Carry>) -> Vec<Carry> {
    let located = |origin| match origin {
        Origin::Today(place) => {
            let (source, file) = ("core".to_owned(), format!("core-{}.csv", place.file));
            Origin::Earlier(Located { filing: filing.to_owned(), source, file, record: place.record })
        }
        earlier => earlier,
    };
    carried.into_iter().map(|carry| Carry { origin: carry.origin.map(located), ..carry }).collect()
}

#[test]
fn unpaired_legs_are_in_transit_for_a_while() {
    let first = "
        source | reference | booked_at            | amount
        core   | A         | 2026-11-20T23:59:00Z | -10.00
        core   | B         | -                    | -20.00
        core   | C         | -                    | -30.00
        spei   | D         | -                    | 5.00
        spei   | D         | -                    | 5.00
        core   | D         | -                    | -5.00";
    let (judged, left) = judged_after(IN_TRANSIT, None, &[], first);
    assert!(judged.ends_with("0 pairs; 3 ambiguous, 0 unpaired; 3 in transit"), "{judged}");
    let left = filed("2026-11-20.1", left);
    let second =
        "source | reference | booked_on | amount\nspei | A | 2026-11-21 | 10.00\nspei | C | 2026-11-21 | 29.99";
    let (judged, left) = judged_after(IN_TRANSIT, Some("2026-11-20"), &left, second);
    assert_eq!(
        judged,
        "paired 3 movements on the left with 2 on the right by reference, amount and date: 1 pair 1 day apart; \
         0 ambiguous, 0 unpaired; 3 came from earlier filings; 3 in transit"
    );
    let (judged, left) = judged_after(IN_TRANSIT, Some("2026-11-21"), &filed("2026-11-21.1", left), "source\nbank");
    assert_eq!(
        judged,
        "\
- | reference=B | -20.00 | - | MXN -20.00 | nothing on the right goes with it; it is record 2 of core (core-0.csv) in filing \
2026-11-20.1, of 2026-11-20
- | reference=C | -30.00 | - | MXN -30.00 | nothing on the right goes with it; the nearest is record 2 of core (core-0.csv) in \
filing 2026-11-21.1: 29.99 on 2026-11-21, off by 0.01; it is record 3 of core (core-0.csv) in filing 2026-11-20.1, of 2026-11-20
paired 2 movements on the left with 1 on the right by reference, amount and date: 0 pairs; 0 ambiguous, 2 unpaired; \
3 came from earlier filings; 1 in transit"
    );
    assert_eq!(left.len(), 1);
}

#[test]
fn a_sum_may_come_in_over_days() {
    let more = format!("{IN_TRANSIT}\nshape = '1:N'");
    let (_, left) = judged_after(&more, None, &[], "source | reference | amount\ncore | A | -10.00\nspei | A | 4.00");
    let second = "source | reference | booked_on | amount\nspei | A | 2026-11-21 | 6.00";
    let (judged, left) = judged_after(&more, Some("2026-11-20"), &filed("2026-11-20.1", left), second);
    assert!(
        judged.contains(": 1 sum of 3 movements; 0 ambiguous, 0 unpaired; 2 came from earlier filings"),
        "{judged}"
    );
    assert_eq!(left, []);
}

#[test]
fn what_was_carried_by_another_rule_is_not_guessed_at() {
    let one = "source | reference | id | amount\ncore | A | 1 | -1.00";
    let (_, left) = judged_after(IN_TRANSIT, None, &[], one);
    let changed = IN_TRANSIT.replace("reference", "id");
    let (judged, _) = judged_after(&changed, Some("2026-11-20"), &filed("2026-11-20.1", left), one);
    assert!(judged.starts_with("not evaluated: 2026-11-20.1 carries other values than the rule has now"), "{judged}");
    let (judged, _) = judged_after(&IN_TRANSIT.replace("-20'", "-19'"), None, &[], one);
    assert!(judged.starts_with("not evaluated: no day before was filed"), "{judged}");
    for (old, new, why) in [
        ("carry_days = 2", "carry_days = 3", "`carry_days` is not from 1 to `within_days`"),
        ("carry_days = 2", "carry_days = 0", "`carry_days` is not from 1 to `within_days`"),
        ("carry_days = 2", "", "of `carried_from` and `carry_days` one is given"),
        ("2026-11-20", "yesterday", "`carried_from` is `yesterday`, no date"),
    ] {
        let (judged, _) = judged_after(&IN_TRANSIT.replace(old, new), None, &[], one);
        assert!(judged.starts_with(&format!("not evaluated: {why}")), "{judged}");
    }
}

/// More legs than are held at once: alike, they are ambiguous; a group is judged as a whole, and not looked into.
#[test]
fn too_many_legs_to_be_held() {
    let legs = |left: &str| {
        let mut movements = format!("source | reference | amount\ncore | A | {left}\n");
        movements.extend((0..HELD).map(|_| "spei | A | 0.01\n"));
        movements
    };
    let alike = judge(&rule(""), "", &legs("-0.01"));
    let last = format!("0 pairs; {} ambiguous, 0 unpaired", HELD + 1);
    assert!(alike.ends_with(&last), "{}", alike.lines().last().unwrap());
    let whole = "by = ['reference']\nshape = '1:N'\ntolerance.left = { amount = '0.50', reason = 'fees' }";
    let agrees = judge(&rule(whole), "", &legs("-1000.50"));
    let last = format!(
        "paired 1 movement on the left with {HELD} on the right by reference, amount and date: 1 sum of {} movements; \
         0 ambiguous, 0 unpaired; a tolerance of 0.50 on the left was used for 1 match, 0.50 MXN in all: fees",
        HELD + 1
    );
    assert_eq!(agrees, last);
    let differs = judge(&rule(whole), "", &legs("-1000.51"));
    assert!(differs.ends_with(&format!("0 ambiguous, {} unpaired", HELD + 1)), "{}", differs.lines().last().unwrap());
    assert!(differs.contains("the left is -1000.51, the right -1000.00 in the sign of the left"));
}
