//! Limits, bounds of sequences, and three sums that agree.

use cuadre_tests::{DATE, Place, SMALL};

use super::{night, rule, violations};
use crate::trust::verified;

const RULES: &str = r#"
[[dataset]]
id = "tops"
file = "tops.csv"

[[dataset]]
id = "issued"
file = "issued.csv"

[[dataset]]
id = "ledger"
file = "ledger.csv"

[[rule]]
id = "daily-limit"
[rule.check.limits]
group_by = ["account"]
of = "debits"
maximum = "50.00"
maxima = { dataset = "tops", group_by = { account = "cuenta" }, maximum = "tope" }

[[rule]]
id = "how-many"
check.limits = { group_by = ["account"], measure = "records", maximum = "3" }

[[rule]]
id = "folios"
[rule.check.sequence]
field = "id"
prefix = "F-"
bounds = { dataset = "issued", first = "del", last = "al" }

[[rule]]
id = "three"
[rule.check.three_way]
group_by = ["account"]
ledger = { dataset = "ledger", group_by = { account = "cuenta" }, debit = "cargo", credit = "abono", currency = "MXN" }
"#;

const ROWS: [&str; 6] = [
    "F-0010,2026-11-20,x,-30.00",
    "F-0011,2026-11-20,x,-25.00",
    "F-0013,2026-11-20,y,-70.00",
    "F-0014,2026-11-20,x,5.00",
    "F-0014,2026-11-20,x,1.00",
    "G-0015,2026-11-20,y,2.00",
];

fn institution(language: &str) -> Place {
    let place = Place::new();
    let config = SMALL.replace("deadline =", &format!("language = \"{language}\"\ndeadline ="));
    place.write("cuadre.toml", format!("{config}{RULES}"));
    place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{}\n", ROWS.join("\n")));
    let copy: String = ROWS.iter().map(|row| format!("a,{row}\n")).collect();
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{copy}"));
    place.write("tops.csv", "cuenta,tope\ny,69.99\n");
    place.write("issued.csv", "del,al\nF-0009,F-0016\n");
    place.write("ledger.csv", "cuenta,cargo,abono\nx,55.00,5.00\nx,,1.00\ny,70.00,3.00\n");
    place
}

#[test]
fn groups_over_their_limits_are_named() {
    let place = institution("en");
    assert_eq!(night(&place, DATE, 0, &[], &[]).code, 3);
    let filing = &format!("{DATE}.1");
    assert_eq!(
        violations(&place, filing, "daily-limit"),
        [
            "account=x | 5.00 | MXN | 55.00 MXN in 2 debits: 5.00 more than the limit of 50.00",
            "account=y | 0.01 | MXN | 70.00 MXN in 1 debit: 0.01 more than the limit of 69.99",
        ]
    );
    assert_eq!(violations(&place, filing, "how-many"), ["account=x |  |  | 4 movements: 1 more than the limit of 3"]);
    assert_eq!(
        violations(&place, filing, "folios"),
        [
            "id | 2.00 | MXN | `G-0015` cannot be read as a number of the sequence",
            "id |  |  | F-0009 is missing",
            "id |  |  | F-0012 is missing",
            "id |  |  | F-0014 occurs again",
            "id |  |  | F-0015 to F-0016 are missing: 2 numbers",
        ]
    );
    assert_eq!(
        violations(&place, filing, "three"),
        ["account=y | -1.00 | MXN | sources -68.00, warehouse -68.00, ledger -67.00 MXN: \
          warehouse and ledger are off by -1.00, sources and ledger are off by -1.00"]
    );
    verified(&place, 0);
    let made = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
}

#[test]
fn they_are_named_in_spanish() {
    let place = institution("es-MX");
    assert_eq!(night(&place, DATE, 0, &[], &[]).code, 3);
    let filing = &format!("{DATE}.1");
    assert_eq!(
        violations(&place, filing, "daily-limit")[0],
        "account=x | 5.00 | MXN | 55.00 MXN en 2 cargos: 5.00 más que el límite de 50.00"
    );
    assert_eq!(violations(&place, filing, "folios")[4], "id |  |  | faltan de F-0015 a F-0016: 2 números");
    assert_eq!(
        violations(&place, filing, "three"),
        ["account=y | -1.00 | MXN | fuentes -68.00, almacén -68.00, contabilidad -67.00 MXN: \
          almacén y contabilidad difieren en -1.00, fuentes y contabilidad difieren en -1.00"]
    );
    assert_eq!(rule(&place, filing, "daily-limit").1, "suma de 3 cargos en 2 grupos; 2 incumplimientos");
}

#[test]
fn without_the_warehouse_three_sums_are_not_compared() {
    let place = institution("en");
    std::fs::remove_file(place.at(&format!("warehouse/{DATE}.csv"))).expect("it goes");
    assert_eq!(night(&place, DATE, 0, &[], &[]).code, 3);
    let (verdict, words) = rule(&place, &format!("{DATE}.1"), "three");
    assert_eq!(verdict, "notEvaluated");
    assert!(
        words.contains("the warehouse is missing, or cannot be read; give the rule the warehouse's sums"),
        "{words}"
    );
}
