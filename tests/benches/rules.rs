//! What twelve rules cost beside loading the movements that they are judged over: medians of five runs taken in turn in
//! one process.
//!
//!     cargo bench -p cuadre-tests --bench rules -- [FOLDER]
//!
//! where FOLDER is what the benchmark `night` left behind (`cuadre-bench` in the folder for temporary files, unless it
//! was told otherwise). Loaded are the CSV files of the sources alone, not the warehouse's copy.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cuadre_engine::deliveries::Places;
use cuadre_engine::forward::Forward;
use cuadre_engine::inputs::Role;
use cuadre_engine::judge::{MEMORY, Room, files_of, judge_sources};
use cuadre_engine::load::all::load_all;
use cuadre_engine::progress::Progress;
use cuadre_engine::receive::receive_in_place;
use cuadre_engine::reconcile::breaks::{arrived, plan};
use cuadre_engine::reconcile::business::{Judging, judge};
use cuadre_engine::reconcile::fold::Folding;
use cuadre_engine::reconcile::gaps::Gaps;
use cuadre_engine::scratch::Scratch;
use cuadre_rules::Config;
use cuadre_rules::business::{DatasetTable, Datasets};
use cuadre_rules::config::Language;
use cuadre_rules::said::Said;
use cuadre_tests::workspace;

const RUNS: usize = 5;

fn main() {
    let folder = std::env::args().skip(1).find(|arg| arg != "--bench");
    let folder = folder.map_or_else(|| std::env::temp_dir().join("cuadre-bench"), PathBuf::from);
    let night = folder.join("csv");
    assert!(night.exists(), "{} has no night: run the benchmark `night` first", folder.display());
    let text = |name: &str| fs::read_to_string(workspace().join("fixtures/bench").join(name)).expect("a configuration");
    let config = Config::parse(&(text("cuadre.toml") + &text("rules.toml")), "cuadre.toml").expect("a configuration");
    let datasets = datasets();
    let (mut loads, mut rules) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let (load, judged) = measure(&config, &night, &datasets, run == 0);
        loads.push(load.as_millis());
        rules.push(judged.as_millis());
    }
    loads.sort_unstable();
    rules.sort_unstable();
    let (load, judged) = (loads[RUNS / 2], rules[RUNS / 2]);
    println!("| loading | {load} ms |");
    println!("| {} rules | {judged} ms |", config.rules.len());
    println!("| ratio | {}.{:02} |", judged * 100 / load / 100, judged * 100 / load % 100);
    println!("| peak memory | {} MiB |", peak() >> 10);
}

/// Loads the night and judges the rules over it; how long each took.
fn measure(config: &Config, night: &std::path::Path, datasets: &Datasets, tell: bool) -> (Duration, Duration) {
    let scratch = Scratch::new().expect("room to work");
    let progress = Progress::silent();
    let date = "2026-11-20".parse().expect("a date");
    let places = Places { data: night.to_owned(), warehouse: night.to_owned(), secrets: night.to_owned() };
    let received = receive_in_place(config, date, &places, scratch.path(), &progress);
    let (mut inputs, bytes) = received.expect("the day is there");
    inputs.inputs.retain(|input| input.role != Role::Warehouse);
    let room = Room { scratch: scratch.path(), memory: MEMORY, progress: &progress, kept: None };
    let plan = plan(config);
    let folding = Folding::new(&plan, arrived(config, &inputs)).expect("a key");
    let mut gaps = Gaps::new(scratch.path(), config.scale(), Language::English);

    let started = Instant::now();
    let (extracts, _) = load_all(config, &inputs, &bytes, room, &folding, false).expect("the day is loaded");
    let loaded = started.elapsed();

    let files = files_of(config, &extracts);
    let (sources, staged) = judge_sources(config, &inputs, &bytes, extracts, &mut gaps).expect("sources");
    let forward = Forward::of(config, &inputs, &bytes).expect("nothing to take over");
    let day = Judging {
        config,
        language: Language::English,
        business_date: date,
        datasets,
        forward: &forward,
        reads_answers: true,
        warehouse: Err(Said::same("it is not loaded")),
        staged: &staged,
        files: &files,
        room,
    };
    let started = Instant::now();
    let (judged, _) = judge(&day, &mut gaps).expect("the rules are judged");
    let spent = started.elapsed();
    if tell {
        println!("{} movements", sources.iter().map(|source| source.records).sum::<u64>());
        judged.iter().for_each(|rule| println!("{}: {}", rule.rule, rule.explanation));
    }
    (loaded, spent)
}

/// Every customer and branch that the night has.
fn datasets() -> Datasets {
    let table = |column: &str, values: &mut dyn Iterator<Item = String>| DatasetTable {
        header: vec![column.to_owned()],
        rows: values.map(|value| vec![Some(value)]).collect(),
    };
    let customers = table("customer", &mut (0..1_000_000).map(|n| format!("CU{n:08}")));
    let branches = table("branch", &mut (1..=200).map(|n| n.to_string()));
    Datasets::from([("customers".to_owned(), Ok(customers)), ("branches".to_owned(), Ok(branches))])
}

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    line.and_then(|kib| kib.parse().ok()).unwrap_or_default()
}
