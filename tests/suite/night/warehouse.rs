//! A warehouse that is away for most of the night.

use std::thread;
use std::time::Duration;

use cuadre_tests::servers::Private;

use super::*;

/// A night whose script stops a real server at 03:00, and starts it again at `back`.
fn night(back: &str, settings: &str) -> Option<(Place, Done)> {
    let server = Private::postgres("")?;
    let database = server.database("night");
    database.sql(
        "CREATE TABLE movements (source text, id text, date date, account text, amount numeric(12, 2));
         INSERT INTO movements VALUES ('a', '1', '2026-11-20', 'A', 1.00), ('a', '2', '2026-11-20', 'A', 2.00);
         CREATE TABLE loads (business_date date, loaded boolean);",
    );
    let place = institution(&[""]);
    let config = place.read("cuadre.toml");
    let columns = config.lines().find(|line| line.starts_with("columns = { source")).expect("columns").to_owned();
    let (start, rest) = config.split_once("[warehouse.files]").expect("a warehouse");
    let report = &rest[rest.find("[report]").expect("a report")..];
    let (url, password) = (database.url(), "");
    let table =
        format!("[warehouse.database]\nurl = \"{}\"\ntable = \"movements\"\n{columns}\n\n", without_password(&url));
    place.write("cuadre.toml", format!("{}{table}{report}{settings}{password}", start));

    place.write(&format!("landing/a/{DATE}.csv"), extract(&["1.00", "2.00"]));
    // The server is the test's: it is asked by a file, and takes it away when that is done.
    let ask = |what: &str| format!("touch {what}; while [ -e {what} ]; do sleep 0.02; done");
    place.write("night.txt", format!("03:00 {}\n{back} {}\n", ask("down"), ask("up")));
    let args: Vec<String> = arguments(TWO).into_iter().map(str::to_owned).collect();
    let args = args.into_iter().chain(["--warehouse".to_owned(), url.clone()]).collect::<Vec<_>>();
    let done = thread::scope(|scope| {
        let run = scope.spawn(|| place.cuadre(&args));
        let mut is_up = true;
        while !run.is_finished() {
            if place.at("down").exists() {
                server.stop();
                is_up = false;
                fs::remove_file(place.at("down")).expect("a file goes");
            }
            if place.at("up").exists() {
                server.start();
                is_up = true;
                fs::remove_file(place.at("up")).expect("a file goes");
            }
            thread::sleep(Duration::from_millis(5));
        }
        if !is_up {
            server.start();
        }
        run.join().expect("a night")
    });
    Some((place, done))
}

/// A URL as a configuration may have it.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (user, host) = rest.split_once('@').expect("a user");
    format!("{scheme}://{}@{host}", user.split(':').next().expect("a name"))
}

const READY: &str =
    "\n[waiting.warehouse]\nready = \"SELECT 1 FROM loads WHERE business_date = ?1::date AND loaded\"\n";

#[test]
fn one_that_comes_back_in_time_is_waited_for() {
    let settings = "\n[databases]\nretry_seconds = 0\nconnect_seconds = 5\n[policy]\nfile_without_from = \"05:45\"\n[waiting.warehouse]\nexpected = \"04:00\"\n";
    let Some((place, done)) = night("05:40", settings) else { return };
    assert_eq!(done.code, 0, "{}", done.stderr);
    let filed = manifest(&place, 1);
    let issued = filed["predicate"]["issuedAt"].as_str().expect("an instant").to_owned();
    assert!(("2026-11-21T11:40:00Z".."2026-11-21T11:46:00Z").contains(&issued.as_str()), "{issued}");
    assert!(done.stderr.contains("trying again in"), "{}", done.stderr);
    verifies(&place);
}

#[test]
fn one_that_does_not_is_done_without_and_the_report_is_of_the_sources_alone() {
    let settings = "\n[databases]\nretry_seconds = 0\nconnect_seconds = 5\n[policy]\nfile_without_from = \"05:30\"\n"
        .to_owned()
        + READY;
    let Some((place, done)) = night("05:59", &settings) else { return };
    assert_eq!(done.code, 3, "{}", done.stderr);
    let filed = manifest(&place, 1);
    assert_eq!(filed["predicate"]["issuedAt"], "2026-11-21T11:30:00Z");
    assert_eq!(exceptions(&filed)[0].0, "warehouse_missing");
    assert_eq!(filed["predicate"]["sources"][0]["records"], 2);
    verifies(&place);
}
