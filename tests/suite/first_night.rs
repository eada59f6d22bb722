//! The smallest nights: what a complete and a partial one come to.

use cuadre_tests::{DATE, Place, SMALL};

fn small(source: &str, warehouse: &str) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    place.write(&format!("landing/a/{DATE}.csv"), format!("id,date,account,amount\n{source}"));
    place.write(&format!("warehouse/{DATE}.csv"), format!("source,id,date,account,amount\n{warehouse}"));
    place
}

#[test]
fn a_night_that_ties_out_is_complete() {
    let place =
        small("1,2026-11-20,x,10.00\n2,2026-11-20,y,-2.50\n", "a,2,2026-11-20,y,-2.50\na,1,2026-11-20,x,10.00\n");
    let done = place.run();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(
        place.filed("report.csv"),
        "source,id,booked_on,account,currency,amount\na,1,2026-11-20,x,MXN,10.00\na,2,2026-11-20,y,MXN,-2.50\n"
    );
    assert_eq!(place.cuadre(["verify", "filings"]).code, 0);
    let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let rerun = place.run();
    assert_eq!(rerun.code, 0, "{}", rerun.stderr);
    assert!(rerun.stderr.contains("nothing new"), "{}", rerun.stderr);
}

#[test]
fn one_cent_makes_it_partial() {
    let place = small("1,2026-11-20,x,10.00\n", "a,1,2026-11-20,x,10.01\n");
    assert_eq!(place.run().code, 3);
    assert!(
        place.filed("exceptions.csv").contains("changed/a,changed,a,landing/a/2026-11-20.csv,1,amount,10.00,10.01")
    );
}
