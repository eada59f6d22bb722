//! Transfers with two legs, over two nights: what pairs, what is ambiguous, what is in transit, in Spanish.

use cuadre_tests::{Place, SMALL};
use serde_json::Value;

const RULE: &str = r#"
[[rule]]
id = "transfers"
why = "Circular 4"
[rule.check.pairing]
left = { source = ["a"] }
right = { source = ["b"] }
by = ["account"]
within_days = 1
carried_from = "2026-11-20"
carry_days = 1
list_matches = true
"#;

/// Business dates, when their filings are issued, and the movements of `a` and `b` by number, account and amount.
const DAYS: [(&str, &str, &[&str], &[&str]); 2] = [
    (
        "2026-11-20",
        "1795261200",
        &["1 x -10.00", "2 y -5.00", "3 z -7.00", "4 w -4.00"],
        &["1 x 10.00", "2 y 5.00", "3 y 5.00"],
    ),
    ("2026-11-21", "1795347600", &["5 v -1.00"], &["4 z 7.00", "5 v 1.00"]),
];

fn institution() -> Place {
    let place = Place::new();
    let (_, source) = SMALL.split_once("[[source]]").expect("a source");
    let source = source.replace("\"a\"", "\"b\"").replace("landing/a", "landing/b");
    place.write("cuadre.toml", format!("language = \"es-MX\"\n{SMALL}\n[[source]]{source}{RULE}"));
    for (date, _, of_a, of_b) in DAYS {
        let mut warehouse = "source,id,date,account,amount\n".to_owned();
        for (id, movements) in [("a", of_a), ("b", of_b)] {
            let mut extract = "id,date,account,amount\n".to_owned();
            for movement in movements {
                let cells: Vec<&str> = movement.split(' ').collect();
                let row = format!("{},{date},{},{}\n", cells[0], cells[1], cells[2]);
                warehouse += &format!("{id},{row}");
                extract += &row;
            }
            place.write(&format!("landing/{id}/{date}.csv"), extract);
        }
        place.write(&format!("warehouse/{date}.csv"), warehouse);
    }
    place
}

#[test]
fn two_nights_of_transfers() {
    let place = institution();
    let mut explanations = Vec::new();
    for (date, issued, ..) in DAYS {
        let env = [("SOURCE_DATE_EPOCH".to_owned(), issued.to_owned())];
        let done = place.cuadre_with(["run", "--config", "cuadre.toml", "--date", date], &env);
        assert_eq!(done.code, 3, "{}", done.stderr);
        let manifest = place.read(&format!("filings/filings/{date}.1/manifest.json"));
        let manifest: Value = serde_json::from_str(&manifest).expect("a manifest");
        explanations.push(manifest["predicate"]["business"][0]["explanation"].as_str().expect("words").to_owned());
        let out = format!("again-{date}");
        let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", date, "--out", &out]);
        assert_eq!(again.code, 0, "{}", again.stderr);
    }
    assert_eq!(
        explanations,
        [
            "conciliación de 4 movimientos a la izquierda con 3 a la derecha por account, importe y fecha: 1 par del \
             mismo día; ambiguos: 3, sin pareja: 0; en tránsito: 2; 3 incumplimientos",
            "conciliación de 3 movimientos a la izquierda con 2 a la derecha por account, importe y fecha: 1 par del \
             mismo día, 1 par con 1 día de diferencia; ambiguos: 0, sin pareja: 1; de presentaciones anteriores: 2; \
             1 incumplimiento",
        ]
    );
    let rows = |date: &str| -> Vec<String> {
        let exceptions = place.read(&format!("filings/filings/{date}.1/exceptions.csv"));
        let rows = exceptions.lines().filter_map(|line| line.split_once("rule_failed,"));
        rows.map(|(_, row)| row.to_owned()).collect()
    };
    assert_eq!(
        rows("2026-11-20"),
        [
            "a,landing/a/2026-11-20.csv,2,account=y,-5.00,,-5.00,MXN,\"ambiguo: sus candidatos son el registro 2 de b \
             (landing/b/2026-11-20.csv), el registro 3 de b (landing/b/2026-11-20.csv)\"",
            "b,landing/b/2026-11-20.csv,2,account=y,5.00,,5.00,MXN,\"ambiguo: su candidato, el registro 2 de a (landing/a/2026-11-20.csv), \
             también lo es de otros\"",
            "b,landing/b/2026-11-20.csv,3,account=y,5.00,,5.00,MXN,\"ambiguo: su candidato, el registro 2 de a (landing/a/2026-11-20.csv), \
             también lo es de otros\"",
        ]
    );
    assert_eq!(
        rows("2026-11-21"),
        [
            "a,,,account=w,-4.00,,-4.00,MXN,\"nada a la derecha le corresponde; es el registro 4 de a (landing/a/2026-11-20.csv) en la \
          presentación 2026-11-20.1, del 2026-11-20\""
        ]
    );
    assert_eq!(
        place.read("filings/filings/2026-11-21.1/matches.csv"),
        "\
rule,match,criterion,group,side,filing,source,file,record,booked_on,amount,currency
transfers,1,1 par del mismo día,account=v,izquierda,,a,landing/a/2026-11-21.csv,1,2026-11-21,-1.00,MXN
transfers,1,1 par del mismo día,account=v,derecha,,b,landing/b/2026-11-21.csv,2,2026-11-21,1.00,MXN
transfers,2,1 par con 1 día de diferencia,account=z,izquierda,2026-11-20.1,a,landing/a/2026-11-20.csv,3,2026-11-20,-7.00,MXN
transfers,2,1 par con 1 día de diferencia,account=z,derecha,,b,landing/b/2026-11-21.csv,1,2026-11-21,7.00,MXN
"
    );
}
