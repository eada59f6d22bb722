//! Nights that are killed, stopped, or begun twice.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// A linear congruential generator (Knuth, MMIX): the same nights each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// A night drawn from a seed: three sources, one perhaps in two halves, one perhaps missing.
fn drawn(seed: u64) -> (Place, Vec<(u64, String, String)>) {
    let mut random = Random(seed);
    let place = institution(&["cut_off = \"02:30\"", "cut_off = \"02:30\"", "cut_off = \"02:30\""]);
    let config = place.read("cuadre.toml");
    let waiting =
        "[waiting]\npoll_seconds = 60\nstable_seconds = 60\n[policy]\nfile_without_from = \"02:40\"\n[signing]";
    place.write("cuadre.toml", config.replacen("[signing]", waiting, 1));
    let mut arrivals = Vec::new();
    let mut sources = Vec::new();
    for source in ["a", "b", "c"] {
        let rows = 1 + random.below(40);
        let amounts: Vec<String> =
            (0..rows).map(|_| format!("{}.{:02}", random.below(900), random.below(100))).collect();
        let content = extract(&amounts.iter().map(String::as_str).collect::<Vec<_>>());
        let at = random.below(35 * 60);
        let name = format!("landing/{source}/{DATE}.csv");
        if random.below(3) == 0 {
            arrivals.push((at, name.clone(), content[..content.len() / 2].to_owned()));
        }
        arrivals.push((at + random.below(90), name, content));
        sources.push((source, amounts));
    }
    let copied: Vec<(&str, Vec<&str>)> =
        sources.iter().map(|(source, amounts)| (*source, amounts.iter().map(String::as_str).collect())).collect();
    let copied: Vec<(&str, &[&str])> = copied.iter().map(|(source, amounts)| (*source, amounts.as_slice())).collect();
    arrivals.push((random.below(30 * 60), format!("warehouse/{DATE}.csv"), copy(&copied)));
    arrivals.sort();
    (place, arrivals)
}

/// Seconds since two, as a time of the script.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", 2 + seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The folder as it is that many seconds after two: a machine that went on while the run was gone.
fn as_of(place: &Place, arrivals: &[(u64, String, String)], seconds: u64) {
    for folder in ["landing", "warehouse"] {
        let _ = fs::remove_dir_all(place.at(folder));
    }
    place.write("landing/README", "where files land\n");
    let two: i64 = 1_795_248_000;
    for (at, name, content) in arrivals.iter().filter(|(at, ..)| *at <= seconds) {
        place.write(name, content);
        let changed = std::time::UNIX_EPOCH + Duration::from_secs((two + *at as i64) as u64);
        fs::File::open(place.at(name)).and_then(|file| file.set_modified(changed)).expect("a time is set");
    }
}

fn write_script(place: &Place, arrivals: &[(u64, String, String)]) {
    let times: Vec<String> = arrivals.iter().map(|(at, ..)| clock(*at)).collect();
    let listed: Vec<Arrival<'_>> = times
        .iter()
        .zip(arrivals)
        .map(|(time, (_, name, content))| (time.as_str(), name.as_str(), content.clone()))
        .collect();
    place.write("night.txt", script(place, &listed));
}

/// Runs the night with kills and stops, until it ends by itself; the exit code.
fn disturbed(place: &Place, arrivals: &[(u64, String, String)], random: &mut Random, longest: u64) -> i32 {
    let mut now = 0;
    for _ in 0..2 {
        as_of(place, arrivals, now);
        let instant = format!("2026-11-21T{}", clock(now));
        let mut run = begin(place, &arguments(&instant));
        thread::sleep(Duration::from_micros(random.below(longest)));
        signal(&run, if random.below(2) == 0 { "KILL" } else { "TERM" });
        let ended = run.wait().expect("it ends");
        assert!(matches!(ended.code(), None | Some(0 | 3 | 75)), "{ended:?}");
        let mut said = String::new();
        run.stderr.take().expect("words").read_to_string(&mut said).expect("text");
        assert_eq!(ended.code() == Some(75), said.contains("asked to stop by a signal"), "{said}");
        if let Some(state) = state(place) {
            // A night that is filed is over: whoever runs it again adds what has come since.
            if let Some(code @ (0 | 3)) = state["outcome"]["exitCode"].as_i64() {
                return code as i32;
            }
            let updated: jiff::Timestamp =
                state["updatedAt"].as_str().expect("an instant").parse().expect("an instant");
            now = (updated.as_second() - 1_795_248_000) as u64;
        }
    }
    as_of(place, arrivals, now);
    place.cuadre(arguments(&format!("2026-11-21T{}", clock(now)))).code
}

#[test]
fn two_hundred_nights_killed_and_stopped_end_like_undisturbed_ones() {
    let next = AtomicU64::new(0);
    let longest = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= 200 {
                        return;
                    }
                    let (calm, arrivals) = drawn(seed);
                    as_of(&calm, &arrivals, 0);
                    write_script(&calm, &arrivals);
                    let start = Instant::now();
                    let expected = calm.cuadre(arguments(TWO));
                    let took = start.elapsed().as_micros() as u64;
                    longest.fetch_max(took, Ordering::Relaxed);
                    assert!(matches!(expected.code, 0 | 3), "{}", expected.stderr);

                    let (place, _) = drawn(seed);
                    write_script(&place, &arrivals);
                    let code = disturbed(&place, &arrivals, &mut Random(seed + 1), took + took / 10);
                    assert_eq!(code, expected.code, "seed {seed}");
                    assert!(place.files("filings") == calm.files("filings"), "seed {seed}: other bytes");
                }
            });
        }
    });
}

#[test]
fn of_two_runs_at_once_one_works_and_the_other_says_so() {
    let place = institution(&[""]);
    let comes = format!("mkdir -p landing/a && cp a.csv landing/a/{DATE}.csv");
    place.write("night.txt", format!("02:05 touch begun; while [ ! -e go ]; do sleep 0.02; done; {comes}\n"));
    place.write("a.csv", extract(&["1.00"]));
    place.write(&format!("warehouse/{DATE}.csv"), copy(&[("a", &["1.00"]), ("b", &[])]));
    let script = place.read("night.txt");
    place.write("night.txt", script.replacen("02:05", "02:00:30", 1));
    let first = begin(&place, &arguments(TWO));
    let start = Instant::now();
    while !place.at("begun").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the first run does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    let second = place.cuadre(arguments(TWO));
    assert_eq!(second.code, 75, "{}", second.stderr);
    assert!(second.stderr.contains("another run is at work on the night of 2026-11-20"), "{}", second.stderr);
    assert!(second.stderr.contains("stage wait"), "{}", second.stderr);
    place.write("go", "");
    let done = first.wait_with_output().expect("it ends");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(place.cuadre(arguments(TWO)).code, 0, "the lock is free again");
}

#[test]
fn a_stop_is_obeyed_at_once_while_nothing_is_under_way() {
    let place = institution(&[""]);
    let run = begin(&place, &["run", "--config", "cuadre.toml", "--date", DATE, "--wait", "--now", TWO]);
    let start = Instant::now();
    while state(&place).is_none_or(|state| state["stage"] != "wait") {
        assert!(start.elapsed() < Duration::from_secs(60), "the run does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    signal(&run, "TERM");
    let done = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(75), "{said}");
    assert!(said.contains("before the stage `receive`: nothing was filed; run again"), "{said}");
    assert!(!place.at("filings").join("filings").exists());
}
