//! Whole nights, from two in the morning on, in seconds: what comes when is a script, and pauses take no time.

mod arrivals;
mod interrupted;
mod warehouse;

use std::fs;
use std::process::{Child, Command, Stdio};

use cuadre_tests::{DATE, Done, Place, SMALL, cuadre};

/// Two in the morning of the night of [`DATE`], as the command line has it.
const TWO: &str = "2026-11-21T02:00";

/// Something that lands: at a local time, the content of a file.
type Arrival<'a> = (&'a str, &'a str, String);

/// A place with a source for each of these settings, called `a`, `b`, ...; all from files, as in [`SMALL`].
fn institution(settings: &[&str]) -> Place {
    let (head, source) = SMALL.split_at(SMALL.find("[[source]]").expect("a source"));
    let mut config = head.to_owned();
    for (name, settings) in ('a'..).zip(settings) {
        let files = format!("landing/{name}/*{{date}}*.csv");
        let named = source.replace("id = \"a\"", &format!("id = \"{name}\"\n{settings}"));
        config += &named.replace("landing/a/{date}.csv", &files);
    }
    let place = Place::new();
    place.write("cuadre.toml", config).write("landing/README", "where files land\n");
    place
}

/// An extract with these amounts, whose ids are counted from 1.
fn extract(amounts: &[&str]) -> String {
    let row = |(id, amount): (usize, &&str)| format!("{id},{DATE},A,{amount}\n");
    "id,date,account,amount\n".to_owned() + &(1..).zip(amounts).map(row).collect::<String>()
}

/// The warehouse's copy of the sources' extracts.
fn copy(sources: &[(&str, &[&str])]) -> String {
    let rows = |(source, amounts): &(&str, &[&str])| -> String {
        extract(amounts).lines().skip(1).map(|row| format!("{source},{row}\n")).collect()
    };
    "source,id,date,account,amount\n".to_owned() + &sources.iter().map(rows).collect::<String>()
}

/// The script in which these files land, each as of its time.
fn script(place: &Place, arrivals: &[Arrival<'_>]) -> String {
    let mut script = "# time and what happens\n".to_owned();
    for (n, (time, name, content)) in arrivals.iter().enumerate() {
        place.write(&format!("to-come/{n}"), content);
        let folder = name.rsplit_once('/').map_or(".", |(folder, _)| folder);
        script += &format!(
            "{time} mkdir -p {folder} && cp to-come/{n} {folder}/.coming && touch -d @$CUADRE_NOW {folder}/.coming && mv {folder}/.coming {name}\n"
        );
    }
    script
}

/// The arguments of a rehearsal that begins at `now`.
fn arguments(now: &str) -> Vec<&str> {
    let night = ["run", "--config", "cuadre.toml", "--date", DATE, "--filings", "filings", "--wait"];
    night.into_iter().chain(["--rehearse", "night.txt", "--now", now]).collect()
}

/// Rehearses the night in which these files land.
fn rehearse(place: &Place, now: &str, arrivals: &[Arrival<'_>]) -> Done {
    let script = script(place, arrivals);
    place.write("night.txt", script);
    place.cuadre(arguments(now))
}

/// Begins to run `cuadre` in a place.
fn begin(place: &Place, arguments: &[&str]) -> Child {
    let mut cuadre = Command::new(cuadre());
    cuadre.args(arguments).current_dir(place.path()).env_clear();
    cuadre.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TMPDIR", place.path());
    cuadre.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("cuadre runs")
}

/// A manifest of [`DATE`].
fn manifest(place: &Place, number: u32) -> serde_json::Value {
    let text = place.read(&format!("filings/filings/{DATE}.{number}/manifest.json"));
    serde_json::from_str(&text).expect("JSON")
}

/// The manifest's exceptions, by id and explanation.
fn exceptions(manifest: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let listed = manifest["predicate"]["exceptions"].as_array().expect("a list").iter();
    listed.map(|exception| (text(&exception["id"]), text(&exception["explanation"]))).collect()
}

/// The state that the night keeps.
fn state(place: &Place) -> Option<serde_json::Value> {
    let path = place.at("filings.night").join(DATE).join("night.json");
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// What `cuadre verify` says of the place's series, where it finds nothing wrong.
fn verifies(place: &Place) {
    let done = place.cuadre(["verify", "filings"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
}
