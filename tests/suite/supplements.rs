//! Filings of a day after its first: what `changes.csv` says, held against a model that knows nothing of
//! sorting, sketches or encodings; and what is a supplement, what a restatement.

use std::collections::BTreeMap;

use cuadre_tests::s3::S3;
use cuadre_tests::{DATE, Done, Place};
use proptest::prelude::*;
use serde_json::Value;

use crate::determinism::golden;

/// Source `a` has ids, `b` has none; both have the columns `id,account,kind,currency,amount`.
const CONFIG: &str = r#"institution = "Caja de Prueba"
series = "daily-movements"
deadline = "06:00"
currency = "MXN"
currencies = ["MXN", "USD", "JPY"]

[signing]
key = "key"
principal = "tests@cuadre.example"

[end_to_end]
key = ["id"]

[warehouse.files]
files = "warehouse/{date}.csv"
format = "csv"
columns = { source = "source", id = "id", currency = "currency", amount = "amount" }

[report]
columns = [{ field = "source" }, { field = "id" }, { field = "account" }, { field = "currency" }, { field = "amount" }]

[[source]]
id = "a"
[source.extract]
files = "landing/a.csv"
format = "csv"
columns = { id = "id", account = "account", kind = "kind", currency = "currency", amount = "amount" }

[[source]]
id = "b"
end_to_end = { key = [], compare = ["currency", "amount"] }
[source.extract]
files = "landing/b.csv"
format = "csv"
columns = { account = "account", kind = "kind", currency = "currency", amount = "amount" }
"#;
const HEADER: &str = "id,account,kind,currency,amount\n";

fn institution() -> Place {
    let place = Place::new();
    place.write("cuadre.toml", CONFIG);
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,currency,amount\n");
    place
}

fn run(place: &Place, more: &[&str]) -> Done {
    place.cuadre(["run", "--config", "cuadre.toml", "--date", DATE].iter().chain(more))
}

#[track_caller]
fn files(place: &Place, more: &[&str]) -> Done {
    let done = run(place, more);
    assert_eq!(done.code, 3, "{}", done.stderr);
    done
}

const REASON: [&str; 2] = ["--reason", "the source sent it again"];

fn filing(place: &Place, number: u32) -> Value {
    let text = place.read(&format!("filings/filings/{DATE}.{number}/manifest.json"));
    serde_json::from_str(&text).expect("a manifest")
}

fn kind(place: &Place, number: u32) -> String {
    filing(place, number)["predicate"]["filing"]["kind"].as_str().expect("a kind").to_owned()
}

/// A line of `changes.csv`, by column.
type Line = BTreeMap<String, String>;

fn changes(place: &Place, number: u32) -> Vec<Line> {
    let path = place.at(&format!("filings/filings/{DATE}.{number}/changes.csv"));
    let mut csv = csv::Reader::from_path(path).expect("the changes");
    csv.deserialize().collect::<Result<_, _>>().expect("lines")
}

/// What is left of the changes without the totals, in short.
fn movements(place: &Place, number: u32) -> Vec<String> {
    let lines = changes(place, number).into_iter().filter(|line| !line["change"].ends_with("_total"));
    let short = ["change", "source", "key", "column", "before", "after", "difference", "currency"];
    lines.map(|line| short.map(|column| line[column].clone()).join("|")).collect()
}

fn verified_and_made_again(place: &Place, filings: u32) {
    let verified = place.cuadre(["verify", "filings"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    for number in 1..=filings {
        let (number, out) = (number.to_string(), format!("again-{number}"));
        let args = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--filing", &number, "--out", &out];
        let made = place.cuadre(args);
        assert_eq!(made.code, 0, "{}", made.stderr);
    }
}

/// A movement of the model, in a file of one source; its record is its place in the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Movement {
    id: Option<&'static str>,
    account: Option<&'static str>,
    kind: Option<&'static str>,
    currency: &'static str,
    units: i64,
}

impl Movement {
    fn row(&self) -> String {
        let text = |text: Option<&'static str>| text.unwrap_or_default();
        let Self { id, account, kind, .. } = *self;
        format!("{},{},{},{},{}\n", text(id), text(account), text(kind), self.currency, self.amount())
    }

    fn amount(&self) -> String {
        money(self.currency, self.units)
    }

    /// Its values by column, as far as there are any.
    fn values(&self, source: &str) -> BTreeMap<&'static str, String> {
        let texts = [("account", self.account), ("kind", self.kind), ("id", self.id.filter(|_| source == "a"))];
        let texts = texts.into_iter().filter_map(|(column, text)| Some((column, text?.to_owned())));
        texts.chain([("currency", self.currency.to_owned()), ("amount", self.amount())]).collect()
    }
}

fn money(currency: &str, units: i64) -> String {
    if currency == "JPY" {
        return units.to_string();
    }
    let sign = if units < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", units.abs() / 100, units.abs() % 100)
}

/// The other way round.
fn units(amount: &str) -> i64 {
    amount.replace('.', "").parse().expect("an amount")
}

fn day() -> impl Strategy<Value = [Vec<Movement>; 2]> {
    let text = |texts: &'static [&'static str]| prop::option::weighted(0.8, prop::sample::select(texts));
    let currency = prop::sample::select(&["MXN", "MXN", "MXN", "USD", "JPY"][..]);
    let movement = (text(&["1", "2", "3", "4", "5"]), text(&["x", "=y"]), text(&["in", "out"]), currency, -2..=2i64);
    let movements = prop::collection::vec(movement, 0..9).prop_map(|movements| {
        let movements = movements.into_iter();
        let of = |(id, account, kind, currency, units)| Movement { id, account, kind, currency, units };
        movements.map(of).collect::<Vec<_>>()
    });
    [movements.clone(), movements]
}

/// Two days, most of whose movements are the same.
fn days() -> impl Strategy<Value = [[Vec<Movement>; 2]; 2]> {
    (day(), day(), prop::collection::vec(0..8u8, 18)).prop_map(|(before, others, fates)| {
        let mut fates = fates.into_iter();
        let mut after = before.clone();
        for (movements, others) in after.iter_mut().zip(others) {
            let mut others = others.into_iter();
            let kept = std::mem::take(movements);
            for movement in kept {
                let other = others.next();
                match (fates.next(), other) {
                    (Some(0), _) => {}
                    (Some(1), Some(other)) => movements.push(Movement { id: movement.id, ..other }),
                    (Some(2), Some(other)) => movements.extend([movement, other]),
                    (Some(3), _) => movements.insert(0, movement),
                    _ => movements.push(movement),
                }
            }
        }
        [before, after]
    })
}

fn send(place: &Place, day: &[Vec<Movement>; 2]) {
    for (source, movements) in ["a", "b"].into_iter().zip(day) {
        let rows: String = movements.iter().map(Movement::row).collect();
        place.write(&format!("landing/{source}.csv"), format!("{HEADER}{rows}"));
    }
}

/// What is in the first list and, copy for copy, not in the second.
fn only(left: &[BTreeMap<&str, String>], right: &[BTreeMap<&str, String>]) -> usize {
    let mut right = right.to_vec();
    let matched = |row: &&BTreeMap<&str, String>| match right.iter().position(|other| other == *row) {
        Some(position) => {
            right.remove(position);
            false
        }
        None => true,
    };
    left.iter().filter(matched).count()
}

/// Proves every line about a movement of `source` by the records that it names, and that there is one for each
/// movement that is not on both sides.
fn check_movements(source: &str, before: &[Movement], after: &[Movement], lines: &[&Line]) {
    let values = |movements: &[Movement]| movements.iter().map(|m| m.values(source)).collect::<Vec<_>>();
    let (before, after) = (values(before), values(after));
    let at = |line: &Line, side: &str| line[&format!("{side}_record")].parse::<usize>().ok().map(|record| record - 1);
    let (mut gone, mut new, mut pairs) = (Vec::new(), Vec::new(), BTreeMap::<(usize, usize), Vec<&Line>>::new());
    let key = |row: &BTreeMap<&str, String>| row.get("id").cloned().unwrap_or_default();
    for &line in lines {
        let (was, is) = (at(line, "before"), at(line, "after"));
        let row = is.map(|n| &after[n]).or(was.map(|n| &before[n])).expect("a record");
        let base = [("key", key(row)), ("currency", row["currency"].clone())];
        base.iter().for_each(|(column, value)| assert_eq!(&line[*column], value, "{line:?}"));
        assert_eq!(&line["kind"], row.get("kind").map_or("", String::as_str), "{line:?}");
        let words = |row: &BTreeMap<&str, String>| {
            let order = ["id", "booked_on", "account", "kind", "currency", "amount"];
            let value = |column: &str| match column {
                "booked_on" => Some(DATE.to_owned()),
                "id" => None,
                _ => row.get(column).cloned(),
            };
            let words = order.iter().filter_map(|column| Some(format!("{column}={}", value(column)?)));
            words.collect::<Vec<_>>().join(", ")
        };
        match (line["change"].as_str(), was, is) {
            ("removed", Some(was), None) => {
                assert_eq!(line["before"], words(&before[was]));
                let amount = &before[was]["amount"];
                let negated = amount.strip_prefix('-').map_or_else(|| format!("-{amount}"), str::to_owned);
                let zero = amount.chars().all(|c| "0.".contains(c));
                assert_eq!(line["difference"], if zero { amount.clone() } else { negated });
                gone.push(was);
            }
            ("added", None, Some(is)) => {
                assert_eq!(line["after"], words(&after[is]));
                assert_eq!(line["difference"], after[is]["amount"]);
                new.push(is);
            }
            ("changed", Some(was), Some(is)) => pairs.entry((was, is)).or_default().push(line),
            other => panic!("{other:?}"),
        }
    }
    for (&(was, is), lines) in &pairs {
        let (left, right) = (&before[was], &after[is]);
        assert_eq!(key(left), key(right));
        assert_eq!(left["currency"], right["currency"]);
        let value = |row: &BTreeMap<&str, String>, column: &str| row.get(column).cloned().unwrap_or_default();
        let differing: Vec<&str> =
            ["account", "kind", "amount"].into_iter().filter(|column| left.get(column) != right.get(column)).collect();
        assert_eq!(lines.iter().map(|line| line["column"].as_str()).collect::<Vec<_>>(), differing);
        for line in lines {
            // A text that a spreadsheet would execute has a mark in front.
            let plain = |column: &str| line[column].strip_prefix('\'').unwrap_or(&line[column]).to_owned();
            let column = line["column"].as_str();
            assert_eq!((plain("before"), plain("after")), (value(left, column), value(right, column)));
            let difference = units(&value(right, "amount")) - units(&value(left, "amount"));
            let difference = if column == "amount" { money(&left["currency"], difference) } else { String::new() };
            assert_eq!(line["difference"], difference, "{line:?}");
        }
        gone.push(was);
        new.push(is);
    }
    for (rows, found) in [(&before, &mut gone), (&after, &mut new)] {
        let listed = found.len();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), listed, "a movement differs once");
        assert!(found.iter().all(|n| *n < rows.len()));
    }
    let rest = |rows: &[BTreeMap<&'static str, String>], listed: &[usize]| {
        let rest = rows.iter().enumerate().filter(|(n, _)| !listed.contains(n)).map(|(_, row)| row.clone());
        let mut rest: Vec<BTreeMap<&str, String>> = rest.collect();
        rest.sort();
        rest
    };
    assert_eq!(rest(&before, &gone), rest(&after, &new), "what is not listed is on both sides");
    assert_eq!((gone.len(), new.len()), (only(&before, &after), only(&after, &before)), "and nothing else is");
    if source == "b" {
        assert!(pairs.is_empty(), "without a key nothing pairs up");
    }
}

/// Every line about a total, as the model adds it up.
fn totals(before: &[Vec<Movement>; 2], after: &[Vec<Movement>; 2]) -> Vec<String> {
    type Sums = BTreeMap<(u8, usize, &'static str, &'static str), [[i64; 3]; 2]>;
    let mut sums = Sums::new();
    for (side, day) in [before, after].into_iter().enumerate() {
        for (source, movements) in day.iter().enumerate() {
            for movement in movements {
                let (kind, currency) = (movement.kind.unwrap_or_default(), movement.currency);
                for group in [(0, 0, "", currency), (1, source, "", currency), (2, source, kind, currency)] {
                    let [records, credits, debits] = &mut sums.entry(group).or_default()[side];
                    *records += 1;
                    *(if movement.units < 0 { debits } else { credits }) += movement.units;
                }
            }
        }
    }
    let mut lines = Vec::new();
    for ((level, source, kind, currency), [before, after]) in sums {
        let name = ["report_total", "source_total", "kind_total"][usize::from(level)];
        let source = if level == 0 { "" } else { ["a", "b"][source] };
        let net = |sums: [i64; 3]| sums[1] + sums[2];
        let mut line = |column: &str, before: i64, after: i64, shown: &dyn Fn(i64) -> String| {
            let values = [before, after, after - before].map(shown).join(",");
            lines.push(format!("{name},{source},,{kind},{currency},{column},{values},,,,"));
        };
        let money = |units| money(currency, units);
        line("records", before[0], after[0], &|n| n.to_string());
        line("credits", before[1], after[1], &money);
        line("debits", before[2], after[2], &money);
        line("net", net(before), net(after), &money);
    }
    lines
}

fn few() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn the_changes_agree_with_the_model([before, after] in days()) {
        let place = institution();
        send(&place, &before);
        files(&place, &[]);
        send(&place, &after);
        let done = files(&place, &REASON);
        if done.stderr.contains("nothing new") {
            prop_assert_eq!(before, after);
            return Ok(());
        }
        let lines = changes(&place, 2);
        for (n, source) in ["a", "b"].into_iter().enumerate() {
            let of = |line: &&Line| line["source"] == source && !line["change"].ends_with("_total");
            check_movements(source, &before[n], &after[n], &lines.iter().filter(of).collect::<Vec<_>>());
        }
        for total in lines.iter().filter(|line| line["change"] == "report_total" && line["column"] == "net") {
            let of = |line: &&Line| !line["change"].ends_with("_total") && line["currency"] == total["currency"];
            let differences = lines.iter().filter(of).filter(|line| !line["difference"].is_empty());
            let sum: i64 = differences.map(|line| units(&line["difference"])).sum();
            prop_assert_eq!(sum, units(&total["difference"]), "{:?}", total);
        }
        let text = place.read(&format!("filings/filings/{DATE}.2/changes.csv"));
        let found: Vec<&str> = text.lines().filter(|line| line.contains("_total,")).collect();
        prop_assert_eq!(found, totals(&before, &after));
        verified_and_made_again(&place, 2);
    }
}

/// `.1`, `.2` and `.3` of one day, with something of every kind of change; a person reads the last one.
#[test]
fn what_an_analyst_reads() {
    let place = institution();
    let core = |rows: &str| place.write("landing/a.csv", format!("{HEADER}{rows}"));
    let desks = |rows: &str| place.write("landing/b.csv", format!("{HEADER}{rows}"));
    core("C1,1001,in,MXN,100.00\nC2,1002,out,MXN,-40.00\nC3,1003,in,USD,7.00\nC4,1004,in,JPY,500\n");
    let first = files(&place, &[]);
    assert!(!first.stderr.contains("changes.csv"), "{}", first.stderr);
    assert!(!place.at(&format!("filings/filings/{DATE}.1/changes.csv")).exists());

    desks(",1001,in,MXN,20.00\n,1001,in,MXN,20.00\n,1002,out,MXN,-5.50\n");
    let second = files(&place, &["--json"]);
    let told = format!("supersedes {DATE}.1, as a supplement: 3 movements added, 0 removed, 0 changed (changes.csv)");
    assert!(second.stderr.contains(&told), "{}", second.stderr);
    let json: Value = serde_json::from_str(&second.stdout).expect("JSON");
    let expected = serde_json::json!({"filing": format!("{DATE}.1"), "kind": "supplement", "added": 3, "removed": 0,
        "changed": 0});
    assert_eq!(json["supersedes"], expected);

    core(
        "C1,=1+1,in,MXN,100.00\nC2,1002,out,MXN,-45.25\nC3,1003,in,MXN,7.00\nC4,1004,in,JPY,500\n\
         C4,1004,in,JPY,500\nC6,-1,in,USD,0.01\n",
    );
    desks(",1001,in,MXN,20.00\n,1002,out,MXN,-5.50\n,1002,out,MXN,-5.50\n");
    let third = files(&place, &["--reason", "la sucursal corrigió su archivo"]);
    let told = format!("supersedes {DATE}.2, as a restatement: 4 movements added, 2 removed, 2 changed (changes.csv)");
    assert!(third.stderr.contains(&told), "{}", third.stderr);
    golden("changes.csv", &place.read(&format!("filings/filings/{DATE}.3/changes.csv")));
    let subjects = filing(&place, 3)["subject"].to_string();
    assert!(subjects.contains("\"changes.csv\""), "{subjects}");

    // Nothing new: nothing is filed, and the exit is as before.
    assert!(files(&place, &[]).stderr.contains("nothing new"));
    assert!(files(&place, &REASON).stderr.contains("nothing new"));
    verified_and_made_again(&place, 3);
}

#[test]
fn a_restatement_needs_a_reason_and_a_supplement_takes_nothing_back() {
    let place = institution();
    place.write("landing/a.csv", format!("{HEADER}1,x,in,MXN,1.00\n"));
    files(&place, &[]);
    // The same figures, another account.
    place.write("landing/a.csv", format!("{HEADER}1,y,in,MXN,1.00\n"));
    let refused = run(&place, &[]);
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    assert!(refused.stderr.contains("filed other movements of a: a restatement needs a reason"), "{}", refused.stderr);
    files(&place, &REASON);
    assert_eq!(kind(&place, 2), "restatement");
    assert_eq!(movements(&place, 2), ["changed|a|1|account|x|y||MXN"]);
    // The source is gone again.
    std::fs::remove_file(place.at("landing/a.csv")).expect("the extract goes away");
    assert_eq!(run(&place, &[]).code, 64);
    files(&place, &REASON);
    let gone = "removed|a|1||booked_on=2026-11-20, account=y, kind=in, currency=MXN, amount=1.00||-1.00|MXN";
    assert_eq!(movements(&place, 3), [gone]);
    assert_eq!(kind(&place, 3), "restatement");
    // Only the warehouse has changed: no movement has.
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,currency,amount\na,9,MXN,1.00\n");
    files(&place, &[]);
    assert_eq!((kind(&place, 4).as_str(), movements(&place, 4).len()), ("supplement", 0));
    verified_and_made_again(&place, 4);
}

/// The same files, read in another way: no file, count or amount differs, and yet movements do.
#[test]
fn a_configuration_that_reads_the_same_files_otherwise_restates() {
    let place = institution();
    place.write("landing/a.csv", "id,account,kind,currency,amount,note\n1,x,in,MXN,1.00,salary\n2,,in,MXN,2.00,\n");
    files(&place, &[]);
    let described = CONFIG.replacen(
        r#"columns = { id = "id", account = "account","#,
        r#"columns = { id = "id", description = "note", account = "account","#,
        1,
    );
    place.write("cuadre.toml", described.replace("{ field = \"account\" }", "{ field = \"description\" }"));
    let refused = run(&place, &[]);
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    assert!(refused.stderr.contains("filed other movements of a"), "{}", refused.stderr);
    files(&place, &REASON);
    assert_eq!(movements(&place, 2), ["changed|a|1|description||salary||MXN"]);
    assert_eq!(kind(&place, 2), "restatement");

    // Another source, a finer currency, no source `b`; nothing of what was filed changes.
    let third = CONFIG.split_once("[[source]]\nid = \"b\"").expect("a source").0;
    let (first, _) = described.split_once("[[source]]\nid = \"b\"").expect("a source");
    let source = &third[third.find("[[source]]").expect("a source")..];
    let source = source.replace("id = \"a\"", "id = \"c\"").replace("landing/a", "landing/c");
    place.write("landing/c.csv", format!("{HEADER}9,x,in,KWD,0.125\n"));
    let first = first.replace("{ field = \"account\" }", "{ field = \"description\" }");
    place.write("cuadre.toml", format!("{first}{source}").replace("\"JPY\"]", "\"JPY\", \"KWD\"]"));
    files(&place, &[]);
    assert_eq!(kind(&place, 3), "supplement");
    let added = "added|c|9||| booked_on=2026-11-20, account=x, kind=in, currency=KWD, amount=0.125|0.125|KWD";
    assert_eq!(movements(&place, 3), [added.replace("| ", "|")]);
    let text = place.read(&format!("filings/filings/{DATE}.3/changes.csv"));
    assert!(text.contains("report_total,,,,MXN,net,3.00,3.00,0.00,,,,\n"), "{text}");
    assert!(text.contains("source_total,c,,,KWD,net,0.000,0.125,0.125,,,,\n"), "{text}");

    // The currency goes again, and its source with it.
    place.write("cuadre.toml", first);
    files(&place, &REASON);
    let removed = "removed|c|9||booked_on=2026-11-20, account=x, kind=in, currency=KWD, amount=0.125||-0.125|KWD";
    assert_eq!(movements(&place, 4), [removed]);
    verified_and_made_again(&place, 4);
}

/// What a filing changes follows from what is archived: not from what the superseded filing's folder holds.
#[test]
fn an_archive_that_lacks_what_was_filed_stops_the_night() {
    let place = institution();
    place.write("landing/a.csv", format!("{HEADER}1,x,in,MXN,1.00\n"));
    files(&place, &[]);
    let inputs: Value =
        serde_json::from_str(&place.read(&format!("filings/filings/{DATE}.1/inputs.json"))).expect("JSON");
    let sha256 = inputs["inputs"][0]["sha256"].as_str().expect("a digest").to_owned();
    let object = place.at(&format!("filings/archive/sha256/{}/{sha256}", &sha256[..2]));
    std::fs::write(&object, format!("{HEADER}1,x,in,MXN,2.00\n")).expect("the object is tampered with");
    place.write("landing/a.csv", format!("{HEADER}1,x,in,MXN,3.00\n"));
    let stopped = run(&place, &REASON);
    assert_eq!(stopped.code, 5, "{}", stopped.stderr);
    assert!(stopped.stderr.contains("is not what its name says"), "{}", stopped.stderr);
}

#[test]
fn who_ran_it_is_in_the_manifest() {
    let place = institution();
    place.write("landing/a.csv", format!("{HEADER}1,x,in,MXN,1.00\n"));
    let operator = |number| filing(&place, number)["predicate"]["filing"]["operator"].clone();
    let env = [("CUADRE_OPERATOR".to_owned(), "the night shift".to_owned())];
    let args = ["run", "--config", "cuadre.toml", "--date", DATE];
    assert_eq!(place.cuadre_with(args, &env).code, 3);
    assert_eq!(operator(1), "the night shift");
    // Who runs it again files nothing new by that alone.
    assert!(files(&place, &["--operator", "someone else"]).stderr.contains("nothing new"));
    place.write("landing/b.csv", format!("{HEADER},x,in,MXN,1.00\n"));
    assert_eq!(place.cuadre_with(args.iter().chain(&["--operator", " Ana Pérez "]), &env).code, 3);
    assert_eq!(operator(2), "Ana Pérez");
    place.write("landing/b.csv", HEADER);
    files(&place, &REASON);
    assert_eq!(operator(3), Value::Null);
    for wrong in ["", "two\nlines"] {
        let refused = run(&place, &["--operator", wrong]);
        assert_eq!(refused.code, 64, "{}", refused.stderr);
    }
    verified_and_made_again(&place, 3);
}

/// In a bucket, what the superseded filing was made from is brought down; the bytes are the same.
#[test]
fn a_series_in_a_bucket_has_the_same_changes() {
    let s3 = S3::start();
    let place = institution();
    let bucket = ["--filings", "s3://test/filings"];
    let run_there = |more: &[&str]| {
        let args = ["run", "--config", "cuadre.toml", "--date", DATE];
        place.cuadre_with(args.iter().chain(&bucket).chain(more), &s3.env())
    };
    let there = |number: u32| s3.at(&format!("filings/filings/{DATE}.{number}/changes.csv"));
    let both = |more: &[&str]| {
        files(&place, more);
        let done = run_there(more);
        assert_eq!(done.code, 3, "{}", done.stderr);
    };
    place.write("landing/a.csv", format!("{HEADER}1,x,in,MXN,1.00\n2,x,in,MXN,2.00\n"));
    both(&[]);
    place.write("landing/b.csv", format!("{HEADER},x,in,MXN,1.00\n"));
    both(&[]);
    place.write("landing/a.csv", format!("{HEADER}1,x,in,MXN,5.00\n3,x,in,MXN,2.00\n"));
    both(&REASON);
    for number in [2, 3] {
        let here = place.read(&format!("filings/filings/{DATE}.{number}/changes.csv"));
        assert_eq!(std::fs::read_to_string(there(number)).expect("changes"), here);
    }
    for number in ["1", "2", "3"] {
        let out = format!("again-{number}");
        let args = ["regenerate", "--config", "cuadre.toml", "--date", DATE, "--filing", number, "--out", &out];
        let made = place.cuadre_with(args.iter().chain(&bucket), &s3.env());
        assert_eq!(made.code, 0, "{}", made.stderr);
    }
    let verified = place.cuadre_with(["verify", bucket[1]], &s3.env());
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}
