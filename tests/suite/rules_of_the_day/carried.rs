//! Balances and folios that a filing takes over from the one of the day before.

use std::fs;

use cuadre_tests::s3::S3;
use cuadre_tests::{Place, SMALL, files_below};

use super::{night, rule, violations};
use crate::trust::verified;

const RULES: &str = r#"
[[dataset]]
id = "balances"
file = "balances/{date}.csv"

[[rule]]
id = "roll"
[rule.check.roll_forward]
dataset = "balances"
group_by = { account = "cuenta" }
carried_from = "2026-11-19"
opening = "abre"
closing = "cierra"
currency = "MXN"

[[rule]]
id = "folios"
check.sequence = { field = "id", carried_from = "2026-11-19" }
"#;

/// Thursday, Friday and Monday of an institution that is closed at weekends.
const DAYS: [&str; 3] = ["2026-11-19", "2026-11-20", "2026-11-23"];

/// A night's movements, an account and amount each, with folios from `first` on.
fn movements(place: &Place, date: &str, first: u32, movements: &[(&str, &str)]) {
    let rows =
        || movements.iter().zip(first..).map(|((account, amount), n)| format!("F-{n},{date},{account},{amount}\n"));
    place.write(&format!("landing/a/{date}.csv"), format!("id,date,account,amount\n{}", rows().collect::<String>()));
    let copy: String = rows().map(|row| format!("a,{row}")).collect();
    place.write(&format!("warehouse/{date}.csv"), format!("source,id,date,account,amount\n{copy}"));
}

fn institution() -> Place {
    let place = Place::new();
    let config = SMALL.replace("deadline =", "closed = [\"saturday\", \"sunday\"]\ndeadline =");
    place.write("cuadre.toml", format!("{config}{RULES}"));
    movements(&place, DAYS[0], 7, &[("x", "5.00"), ("y", "-1.00")]);
    movements(&place, DAYS[1], 9, &[("x", "1.00")]);
    movements(&place, DAYS[2], 10, &[("y", "2.50"), ("x", "-16.00")]);
    place.write(&format!("balances/{}.csv", DAYS[0]), "cuenta,abre,cierra\nx,10.00,15.00\ny,0.50,-0.50\n");
    place.write(&format!("balances/{}.csv", DAYS[1]), "cuenta,cierra\nx,16.00\ny,-0.50\n");
    place.write(&format!("balances/{}.csv", DAYS[2]), "cuenta,cierra\ny,2.00\n");
    place
}

fn forward(place: &Place, filing: &str) -> String {
    place.read(&format!("filings/filings/{filing}/carried-forward.csv"))
}

#[track_caller]
fn made_again(place: &Place, filings: &[&str]) {
    for filing in filings {
        let (date, number) = filing.split_once('.').expect("a filing");
        let out = format!("again-{filing}");
        let args = ["regenerate", "--config", "cuadre.toml", "--date", date, "--filing", number, "--out", &out];
        let made = place.cuadre(args);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert_eq!(place.read(&format!("{out}/carried-forward.csv")), forward(place, filing));
        fs::remove_dir_all(place.at(&out)).expect("a folder goes");
    }
}

#[test]
fn a_day_opens_with_what_the_day_before_closed_with() {
    let place = institution();
    for date in DAYS {
        let done = night(&place, date, 0, &[], &[]);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    assert_eq!(
        forward(&place, "2026-11-19.1"),
        "\
rule,values,amount,currency,since,filing,source,file,record
roll,,,,2026-11-19,,,,
roll,account=x,15.00,MXN,2026-11-19,,,,
roll,account=y,-0.50,MXN,2026-11-19,,,,
folios,,,,2026-11-19,,,,
folios,last=F-8,,,2026-11-19,,,,
"
    );
    assert_eq!(
        rule(&place, "2026-11-23.1", "roll").1,
        "rolled 2 balances, carried from 2026-11-20.1, forward over 2 movements; 0 violations"
    );
    assert!(rule(&place, "2026-11-23.1", "folios").1.contains("going on from 2026-11-20.1"));
    assert!(forward(&place, "2026-11-23.1").contains("\nroll,account=y,2.00,MXN,2026-11-23,,,,\n"));
    assert!(!forward(&place, "2026-11-23.1").contains("account=x"), "what came to zero is carried no more");
    verified(&place, 0);
    made_again(&place, &["2026-11-19.1", "2026-11-20.1", "2026-11-23.1"]);

    let again = night(&place, DAYS[2], 60, &[], &[]);
    assert!(again.stderr.contains("nothing new"), "{}", again.stderr);
}

/// The filing of the next day stands as it is; it is run again to say what follows.
#[test]
fn a_filing_of_the_day_before_that_is_stated_again_changes_what_the_next_run_opens_with() {
    let place = institution();
    for date in &DAYS[..2] {
        assert_eq!(night(&place, date, 0, &[], &[]).code, 0);
    }
    movements(&place, DAYS[0], 7, &[("x", "5.00"), ("y", "-1.00"), ("x", "100.00")]);
    place.write(&format!("balances/{}.csv", DAYS[0]), "cuenta,abre,cierra\nx,10.00,115.00\ny,0.50,-0.50\n");
    let reason = ["--reason", "the source sent it again"];
    let done = night(&place, DAYS[0], 100_000, &reason, &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(forward(&place, "2026-11-19.2").contains("roll,account=x,115.00,MXN"));

    let done = night(&place, DAYS[1], 100_000, &[], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert_eq!(
        violations(&place, "2026-11-20.2", "roll"),
        [
            "account=x | 100.00 | MXN | opening 115.00 + movements 1.00 = 116.00, but closing is 16.00: off by 100.00 MXN"
        ]
    );
    assert_eq!(
        violations(&place, "2026-11-20.2", "folios"),
        ["id |  |  | F-9 does not come after F-9, in which 2026-11-19.2 ended"]
    );
    verified(&place, 0);
    made_again(&place, &["2026-11-19.1", "2026-11-19.2", "2026-11-20.1", "2026-11-20.2"]);
}

#[test]
fn a_day_that_was_not_filed_does_not_roll_over_in_silence() {
    let place = institution();
    for date in [DAYS[0], DAYS[2]] {
        night(&place, date, 0, &[], &[]);
    }
    let (verdict, words) = rule(&place, "2026-11-23.1", "roll");
    assert_eq!(verdict, "notEvaluated");
    assert!(words.contains("the filing before is 2026-11-19.1, and 2026-11-20 was not filed"), "{words}");
    assert_eq!(violations(&place, "2026-11-23.1", "folios"), ["id |  |  | F-9 is missing; 2026-11-19.1 ended in F-8"]);
    assert!(rule(&place, "2026-11-23.1", "folios").1.contains("(2026-11-20 was not filed)"));
    made_again(&place, &["2026-11-23.1"]);
    verified(&place, 0);

    // Filed late, and the days after it again.
    assert_eq!(night(&place, DAYS[1], 600_000, &[], &[]).code, 0);
    let done = night(&place, DAYS[2], 600_000, &[], &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(rule(&place, "2026-11-23.2", "roll").0, "passed");
}

#[test]
fn a_rule_that_was_not_judged_carries_nothing() {
    let place = institution();
    fs::remove_file(place.at(&format!("balances/{}.csv", DAYS[0]))).expect("it goes");
    for date in &DAYS[..2] {
        night(&place, date, 0, &[], &[]);
    }
    assert!(!forward(&place, "2026-11-19.1").contains("roll"));
    let (verdict, words) = rule(&place, "2026-11-20.1", "roll");
    assert_eq!(verdict, "notEvaluated");
    assert!(words.contains("2026-11-19.1 carries nothing of roll, which was not judged in it"), "{words}");
    assert_eq!(rule(&place, "2026-11-20.1", "folios").0, "passed");

    // A later day begins anew.
    let config =
        place.read("cuadre.toml").replacen("carried_from = \"2026-11-19\"", "carried_from = \"2026-11-23\"", 1);
    place.write("cuadre.toml", config);
    place.write(&format!("balances/{}.csv", DAYS[2]), "cuenta,abre,cierra\nx,16.00,0.00\ny,-0.50,2.00\n");
    let done = night(&place, DAYS[2], 0, &[], &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(rule(&place, "2026-11-23.1", "roll").1.contains("begun this day"));
}

#[test]
fn what_was_carried_is_read_only_as_it_was_signed() {
    let place = institution();
    for date in &DAYS[..2] {
        assert_eq!(night(&place, date, 0, &[], &[]).code, 0);
    }
    let path = "filings/filings/2026-11-19.1/carried-forward.csv";
    place.write(path, forward(&place, "2026-11-19.1").replace("15.00", "14.00"));
    let done = night(&place, DAYS[1], 60, &[], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    for id in ["roll", "folios"] {
        let (verdict, words) = rule(&place, "2026-11-20.2", id);
        assert_eq!(verdict, "notEvaluated");
        assert!(
            words.contains("filings/2026-11-19.1/carried-forward.csv is not there as its manifest states it"),
            "{words}"
        );
    }
}

#[test]
fn a_series_in_a_bucket_carries_the_same() {
    let s3 = S3::start();
    let place = institution();
    for date in DAYS {
        assert_eq!(night(&place, date, 0, &[], &[]).code, 0);
    }
    place.forget_last_signed();
    for date in DAYS {
        let done = night(&place, date, 0, &["--filings", "s3://test/filings"], &s3.env());
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    let filed = |files: Vec<(String, Vec<u8>)>| -> Vec<(String, Vec<u8>)> {
        files.into_iter().filter(|(name, _)| name.starts_with("filings/")).collect()
    };
    let (local, remote) = (filed(place.files("filings")), filed(files_below(&s3.at("filings"))));
    assert!(local.iter().any(|(name, _)| name == "filings/2026-11-23.1/carried-forward.csv"));
    assert!(local == remote);
    let args = [
        "regenerate",
        "--config",
        "cuadre.toml",
        "--date",
        DAYS[2],
        "--filings",
        "s3://test/filings",
        "--out",
        "again",
    ];
    let made = place.cuadre_with(args, &s3.env());
    assert_eq!(made.code, 0, "{}", made.stderr);
}

/// More balances than memory holds: the same bytes.
#[test]
fn balances_are_carried_in_little_memory() {
    let filed = |memory: &str| {
        let place = Place::new();
        let rules = "\n[[rule]]\nid = \"roll\"\n\
             check.roll_forward = { group_by = [\"account\"], carried_from = \"2026-11-19\" }\n";
        place.write("cuadre.toml", format!("{SMALL}{rules}"));
        let accounts: Vec<String> =
            (0..20_000u32).map(|n| format!("{:01000}", n.wrapping_mul(2_654_435_761))).collect();
        for (date, first) in [(DAYS[0], 0), (DAYS[1], 20_000)] {
            let rows: Vec<(&str, &str)> = accounts.iter().map(|account| (account.as_str(), "1.00")).collect();
            movements(&place, date, first, &rows);
            let done = night(&place, date, 0, &["--memory", memory], &[]);
            assert_eq!(done.code, 0, "{}", done.stderr);
        }
        forward(&place, "2026-11-20.1")
    };
    let carried = filed("512");
    assert_eq!(carried.lines().count(), 20_002);
    assert!(carried.lines().skip(2).all(|line| line.ends_with(",2.00,MXN,2026-11-20,,,,")));
    assert!(carried == filed("64"));
}
