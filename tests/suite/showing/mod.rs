//! `cuadre show` and `cuadre diff`: what people read at a terminal of filings of every format.
//!
//! The pages are in `showing/*.txt`. `CUADRE_BLESS=1 cargo test -- showing::` rewrites them; a person reads them
//! before check-in.

use std::fs;

use cuadre_tests::s3::{S3, copy};
use cuadre_tests::{DATE, Done, Place, SMALL, workspace};
use serde_json::Value;

/// A place with the golden series of each format, in `format-1` and so on.
fn golden() -> Place {
    let place = Place::new();
    for format in 1..=4 {
        let series = workspace().join(format!("tests/suite/golden/format-{format}/series"));
        copy(&series, &place.at(&format!("format-{format}")));
    }
    place.write("cuadre.toml", SMALL);
    place
}

/// What a command prints that succeeds and has nothing to say on the side.
fn printed(place: &Place, args: &[&str]) -> String {
    let Done { code, stdout, stderr } = place.cuadre(args);
    assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
    stdout
}

fn json(place: &Place, args: &[&str]) -> Value {
    serde_json::from_str(&printed(place, &[args, &["--json"]].concat())).expect("JSON")
}

/// Compares what commands print with the page that is checked in.
fn check(name: &str, place: &Place, commands: &[&[&str]]) {
    let page: String =
        commands.iter().map(|args| format!("$ cuadre {}\n{}\n", args.join(" "), printed(place, args))).collect();
    let path = workspace().join("tests/suite/showing").join(name).with_extension("txt");
    if std::env::var_os("CUADRE_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(&path, &page).expect("a page is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == expected, "{}; CUADRE_BLESS=1 rewrites it:\n{page}", path.display());
}

#[test]
fn a_filing() {
    let place = golden();
    check(
        "filing",
        &place,
        &[
            &["show", "2026-11-20.2", "--filings", "format-3"],
            &["show", "--filings", "format-3"],
            &["show", "2026-11-21", "--filings", "format-3", "--language", "es-MX"],
            &["show", "2026-11-20.1", "--filings", "format-1"],
            &["show", "2026-11-21", "--filings", "format-4"],
        ],
    );
}

#[test]
fn a_source_and_an_exception() {
    let place = golden();
    let of = |more: &[&'static str]| [&["show", "2026-11-20.2", "--filings", "format-3"][..], more].concat();
    check(
        "details",
        &place,
        &[
            &of(&["--source", "core"]),
            &of(&["--source", "cards", "--language", "es-MX", "--rows", "1"]),
            &of(&["--exception", "changed/core"]),
            &of(&["--exception", "2026-11-20/schema_drift/core", "--language", "es-MX", "--rows", "1"]),
        ],
    );
}

#[test]
fn a_difference() {
    let place = golden();
    check(
        "difference",
        &place,
        &[
            &["diff", "2026-11-20.1", "2026-11-20.2", "--filings", "format-3"],
            &["diff", "2026-11-20.2", "2026-11-20.3", "--filings", "format-2", "--language", "es-MX"],
            &["diff", "2026-11-20.1", "2026-11-20.3", "--filings", "format-3"],
            &["diff", "2026-11-20", "2026-11-21", "--filings", "format-1", "--language", "es-MX"],
            &["diff", "2026-11-20.1", "2026-11-20.1", "--filings", "format-3"],
        ],
    );
}

/// A filing says the same wherever it lies: its folder alone, a copy of it, and with or without a configuration.
#[test]
fn a_folder_without_series_or_configuration() {
    let place = golden();
    let folder = "format-3/filings/2026-11-20.2";
    let of_series = printed(&place, &["show", "2026-11-20.2", "--filings", "format-3"]);
    assert_eq!(printed(&place, &["show", folder]), of_series);
    assert_eq!(
        printed(&place, &["show", "2026-11-20.2", "--config", "cuadre.toml", "--filings", "format-3"]),
        of_series
    );

    copy(&place.at(folder), &place.at("copy"));
    let alone = printed(&place, &["show", "copy"]);
    let verdict = of_series.lines().nth(1).expect("a verdict");
    assert!(
        alone.contains(verdict) && alone.contains("(UTC)") && of_series.contains("(America/Mexico_City)"),
        "{alone}"
    );
    let changed = printed(&place, &["show", "copy", "--exception", "changed/core"]);
    assert!(changed.contains("warehouse amount: 99.96"), "{changed}");
    let folders = ["diff", "format-3/filings/2026-11-20.1", "copy"];
    let ids = ["diff", "2026-11-20.1", "2026-11-20.2", "--filings", "format-3"];
    assert_eq!(printed(&place, &folders), printed(&place, &ids));
}

#[test]
fn for_a_machine() {
    let place = golden();
    for format in ["format-1", "format-2", "format-3"] {
        let of = |more: &[&'static str]| [&["show", "2026-11-20.3", "--filings", format][..], more].concat();
        let day = json(&place, &of(&[]));
        let manifest: Value =
            serde_json::from_str(&place.read(&format!("{format}/filings/2026-11-20.3/manifest.json"))).expect("JSON");
        let mut stated = manifest["predicate"].clone();
        stated.as_object_mut().expect("an object").remove("history");
        assert_eq!((&day["filing"], &day["manifest"]), (&"2026-11-20.3".into(), &stated));

        let rows = json(&place, &of(&["--exception", "changed/core", "--rows", "1"]));
        let filed = place.read(&format!("{format}/filings/2026-11-20.3/exceptions.csv"));
        let all = filed.lines().filter(|line| line.starts_with("changed/core,")).count();
        assert_eq!((&rows["all"], &rows["rows"][0]["sourceValue"]), (&all.into(), &"99.95".into()));
        assert_eq!(rows["rows"].as_array().expect("rows").len(), 1);
        let every = json(&place, &of(&["--exception", "changed/core", "--rows", "0"]));
        assert_eq!((every["rows"].as_array().map(Vec::len), all > 1), (Some(all), true));
        let source = json(&place, &of(&["--source", "core"]));
        assert_eq!((&source["source"]["id"], &source["endToEnd"]["changed"]), (&"core".into(), &2.into()));
    }
    let difference = json(&place, &["diff", "2026-11-20.1", "2026-11-20.2", "--filings", "format-3"]);
    assert_eq!((&difference["before"], &difference["after"]), (&"2026-11-20.1".into(), &"2026-11-20.2".into()));
    assert_eq!(difference["movements"]["all"], 1);
    assert_eq!(difference["movements"]["rows"][0]["afterFile"], "landing/loans/2026-11-20.csv");
    assert_eq!(difference["totals"][1]["difference"], "5000.00");
    let first = json(&place, &["diff", "2026-11-20.1", "2026-11-20.2", "--filings", "format-1"]);
    assert_eq!((&first["movements"], &first["totals"]), (&Value::Null, &difference["totals"]));
}

/// The words are those of the configuration that is given, else of the filing's own.
#[test]
fn the_language_is_the_configurations() {
    let place = golden();
    place.write("es.toml", format!("language = \"es-MX\"\n{SMALL}"));
    let spanish = printed(&place, &["show", "2026-11-20.2", "--config", "es.toml", "--filings", "format-3"]);
    assert!(spanish.contains("\nFuentes\n"), "{spanish}");
    let asked = ["show", "2026-11-20.2", "--config", "es.toml", "--filings", "format-3", "--language", "en"];
    assert!(printed(&place, &asked).contains("\nSources\n"));

    let place = Place::new();
    place.write("cuadre.toml", format!("language = \"es-MX\"\n{SMALL}"));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,x,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,x,10.00\n");
    assert_eq!(place.run().code, 0);
    assert!(printed(&place, &["show", "--filings", "filings"]).contains("\nFuentes\n"));
}

#[test]
fn what_nobody_can_see() {
    let place = golden();
    let mut page = crate::errors::Page::new("showing");
    let show = |more: &[&'static str]| [&["show", "--filings", "format-3"][..], more].concat();
    page.entry("no filing is said", &place, &["show"], 64)
        .entry("an id without its series", &place, &["show", "2026-11-20.1"], 64)
        .entry("neither id, date nor folder", &place, &["show", "yesterday"], 64)
        .entry("a folder that is no filing's", &place, &["show", "format-3"], 64)
        .entry("a filing that the day does not have", &place, &show(&["2026-11-20.9"]), 64)
        .entry("a day that was never filed", &place, &show(&["2026-11-19"]), 64)
        .entry("a series where nothing was filed", &place, &["show", "--filings", "nowhere"], 64)
        .entry("a source that there is not", &place, &show(&["2026-11-20.1", "--source", "kore"]), 64)
        .entry("an exception that there is not", &place, &show(&["2026-11-20.1", "--exception", "changed/kore"]), 64)
        .entry(
            "an exception of another day",
            &place,
            &show(&["2026-11-21", "--exception", "2026-11-20/changed/core"]),
            64,
        )
        .entry("a language that there is not", &place, &show(&["--language", "fr"]), 64)
        .entry("one filing to compare", &place, &["diff", "2026-11-20.1", "--filings", "format-3"], 64);
    let evidence = "format-3/filings/2026-11-20.1/exceptions.csv";
    let other = place.read(evidence).replace("99.96", "99.97");
    fs::remove_file(place.at(evidence)).expect("a file goes");
    place.write(evidence, other);
    page.entry("evidence that was changed", &place, &show(&["2026-11-20.1"]), 5);
    fs::remove_file(place.at(evidence)).expect("a file goes");
    page.entry("evidence that is gone", &place, &show(&["2026-11-20.1"]), 5).done();
}

/// Nothing that a source sends reaches a terminal as it is.
#[test]
fn escape_sequences_are_shown_as_signs() {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,\u{1b}[2Jx,10.00\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,\u{9b}x,10.00\n");
    assert_eq!(place.run().code, 3);
    for args in [&["show", "--filings", "filings"][..], &["show", "--filings", "filings", "--exception", "changed/a"]] {
        let page = printed(&place, args);
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{page:?}");
    }
    assert!(printed(&place, &["show", "--filings", "filings", "--source", "a"]).contains("␛[2Jx"));
}

/// A series in a bucket is looked at as one in a folder, and only what is looked at is fetched.
#[test]
fn a_series_in_a_bucket() {
    let place = golden();
    let s3 = S3::start();
    s3.load(&place.at("format-3"), "golden");
    for args in [
        &["show", "2026-11-20.2"][..],
        &["show"],
        &["show", "2026-11-20.2", "--exception", "changed/core"],
        &["diff", "2026-11-20.1", "2026-11-20.2"],
    ] {
        let of = |filings: &'static str| [args, &["--filings", filings]].concat();
        let done = place.cuadre_with(of("s3://test/golden"), &s3.env());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{args:?}");
        assert_eq!(done.stdout, printed(&place, &of("format-3")), "{args:?}");
    }
}
