//! Every line of `LOG`, and its end.

use super::series::whole;
use super::{Fails, Mutant, Passes, complaints, tools_are_there};

#[test]
fn every_line_of_the_history_counts() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let log = series.text("LOG");
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let mut mutants = Vec::new();
    let mut change = |what: String, lines: &[&str]| {
        mutants.push(Mutant::new(what, series.with("LOG", lines.concat()), Fails));
    };
    let zeros = "0".repeat(64);
    let foreign = [
        format!("{zeros}  trust/allowed_signers.4\n"),
        format!("{zeros}  trust/tsa-x.pem\n"),
        format!("{zeros}  archive/sha256/ab\n"),
        format!("{zeros}  filings/2026-02-30.1/report.csv\n"),
        "\n".to_owned(),
        "#\n".to_owned(),
    ];
    for n in 0..lines.len() {
        change(format!("without line {n}"), &[&lines[..n], &lines[n + 1..]].concat());
        change(format!("cut before line {n}"), &lines[..n]);
        change(format!("begun at line {}", n + 1), &lines[n + 1..]);
        for m in [n, n + 1, (n * 7 + 3) % lines.len(), lines.len()] {
            change(format!("line {n} again at {m}"), &[&lines[..m], &[lines[n]], &lines[m..]].concat());
            if m < lines.len() && m != n {
                let mut swapped = lines.clone();
                swapped.swap(n, m);
                change(format!("lines {n} and {m} swapped"), &swapped);
            }
        }
        let line = foreign[n % foreign.len()].as_str();
        change(format!("{line:?} inserted at {n}"), &[&lines[..n], &[line], &lines[n..]].concat());
    }
    for line in &foreign {
        change(format!("{line:?} at the end"), &[&lines[..], &[line]].concat());
    }
    let last: usize = lines[lines.len() - 2..].iter().map(|line| line.len()).sum();
    for end in log.len() - last..log.len() {
        change(format!("cut at byte {end}"), &[&log[..end]]);
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// Where the tail may be cut, with the folders that it names, and what remains is a series as it once was.
#[test]
fn the_end_can_be_cut_where_a_filing_or_a_generation_ends() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let paths = series.named();
    let mut mutants = Vec::new();
    for n in 1..paths.len() {
        let mut cut = series.clone();
        paths[n..].iter().for_each(|path| drop(cut.0.remove(path)));
        let last = &paths[n - 1];
        let ends_trust = last.starts_with("trust/allowed_signers.") && !last.ends_with(".sig");
        let expected = match last.ends_with("manifest.json.sig") || last.ends_with(".tsr") {
            _ if ends_trust => Passes("what follows a generation of trust is pinned by nothing in the series"),
            true if paths[n].ends_with(".tsr") => Passes("time stamps at the end are pinned by nothing"),
            true => Passes("filings, and generations of trust, at the end are pinned by nothing in the series"),
            false => Fails,
        };
        mutants.push(Mutant::new(format!("cut after line {n}"), cut.naming(&paths[..n]), expected));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}
