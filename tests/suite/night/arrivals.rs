//! Sources that come at odd hours, in halves, twice, late, or not at all.

use super::*;

#[test]
fn a_night_with_everything_in_it() {
    let place = institution(&[
        "expected = \"02:30\"\ncut_off = \"04:00\"",
        "expected_files = 2\ncut_off = \"04:00\"",
        "cut_off = \"04:00\"",
        "cut_off = \"03:30\"",
        "cut_off = \"05:00\"",
    ]);
    let day = |source: &str, suffix: &str| format!("landing/{source}/{DATE}{suffix}.csv");
    let whole = extract(&["10.00", "20.00", "30.00"]);
    let (half, twice) = (whole[..whole.len() / 2].to_owned(), extract(&["1.00"]));
    let (north, south) =
        (extract(&["4.00"]), extract(&["5.00", "6.00"]).replace("\n1,", "\n11,").replace("\n2,", "\n12,"));
    let copies = copy(&[("a", &["10.00", "20.00", "30.00"]), ("b", &["4.00"]), ("c", &["1.00"]), ("d", &["7.00"])])
        + &format!("b,11,{DATE},A,5.00\nb,12,{DATE},A,6.00\ne,1,{DATE},A,9.00\n");
    let late = extract(&["9.00"]);
    let names = [
        day("a", ""),
        day("b", "-north"),
        day("b", "-south"),
        day("c", ""),
        day("c", "-again"),
        day("d", ""),
        day("e", ""),
    ];
    let warehouse = format!("warehouse/{DATE}.csv");
    let arrivals = [
        ("02:13:20", names[0].as_str(), half),
        ("02:13:50", names[0].as_str(), whole),
        ("02:20", names[1].as_str(), north),
        ("03:05:07", names[2].as_str(), south),
        ("03:10", names[3].as_str(), twice.clone()),
        ("03:11", names[4].as_str(), twice),
        ("03:40", names[5].as_str(), extract(&["7.00"])),
        ("04:30", warehouse.as_str(), copies),
        ("06:10", names[6].as_str(), late),
    ];
    let done = rehearse(&place, TWO, &arrivals);
    assert_eq!(done.code, 3, "{}", done.stderr);
    // The last cut-off is that of `e`.
    let filed = manifest(&place, 1);
    assert_eq!(filed["predicate"]["issuedAt"], "2026-11-21T11:00:00Z");
    let gaps = exceptions(&filed);
    let ids: Vec<&str> = gaps.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["source_missing/e", "source_late/d", "file_repeated/c", "missing_in_source/e"]);
    let records: Vec<u64> = filed["predicate"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["records"].as_u64().unwrap())
        .collect();
    assert_eq!(records, [3, 3, 1, 1, 0], "the half was not read");
    for line in ["02:15:", "03:06:", "03:12:", "03:41:", "04:31:"] {
        assert!(done.stderr.contains(&format!("  {line}")), "{line} {}", done.stderr);
    }

    // After the deadline the rest has come: what was missing is supplemented, in a run of its own.
    let done = rehearse(&place, "2026-11-21T06:00", &arrivals);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("nothing new"), "{}", done.stderr);
    place.write(&names[6], extract(&["9.00"]));
    let done = rehearse(&place, "2026-11-21T06:15", &arrivals);
    assert!(matches!(done.code, 0 | 3), "{}", done.stderr);
    assert_eq!(manifest(&place, 2)["predicate"]["filing"]["kind"], "supplement");
    verifies(&place);
}

#[test]
fn what_is_still_being_written_at_the_cut_off_is_awaited_and_not_read() {
    let place = institution(&["cut_off = \"03:00\"", ""]);
    let (a, b) = (format!("landing/a/{DATE}.csv"), format!("landing/b/{DATE}.csv"));
    let warehouse = format!("warehouse/{DATE}.csv");
    let half = extract(&["1.00", "2.00"]);
    let arrivals = [
        ("02:10", b.as_str(), extract(&["5.00"])),
        ("02:20", warehouse.as_str(), copy(&[("a", &["1.00", "2.00"]), ("b", &["5.00"])])),
        ("02:59:50", a.as_str(), half[..half.len() - 9].to_owned()),
        ("03:00:05", a.as_str(), half.clone()),
    ];
    let done = rehearse(&place, TWO, &arrivals);
    assert_eq!(done.code, 3, "{}", done.stderr);
    let filed = manifest(&place, 1);
    assert_eq!(filed["predicate"]["issuedAt"], "2026-11-21T09:00:00Z");
    let gaps = exceptions(&filed);
    assert_eq!(gaps[0].0, "source_missing/a");
    assert!(gaps[0].1.contains("was still being written at the cut-off"), "{}", gaps[0].1);
    assert_eq!(filed["predicate"]["sources"][0]["state"], "missing");
    assert_eq!(filed["predicate"]["sources"][0]["files"], serde_json::json!([]));

    let again = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    place.write(&a, half);
    let done = rehearse(&place, "2026-11-21T03:10", &arrivals);
    assert_eq!(manifest(&place, 2)["predicate"]["filing"]["kind"], "supplement", "{}", done.stderr);
    verifies(&place);
}

#[test]
fn with_a_control_file_beside_it_a_source_is_there_at_the_next_look() {
    let place = institution(&[""]);
    let control = "[source.control]\nfrom = \"json\"\nfile = \"landing/a/{date}.json\"\nrecords = \"n\"\n";
    place.write("cuadre.toml", place.read("cuadre.toml") + control);
    let (a, json, warehouse) =
        (format!("landing/a/{DATE}.csv"), format!("landing/a/{DATE}.json"), format!("warehouse/{DATE}.csv"));
    let arrivals = [
        ("02:05", warehouse.as_str(), copy(&[("a", &["1.00"])])),
        ("02:10", a.as_str(), extract(&["1.00"])),
        ("03:30:01", json.as_str(), "{\"n\": 1}".to_owned()),
    ];
    let done = rehearse(&place, TWO, &arrivals);
    assert_eq!(done.code, 0, "{}", done.stderr);
    // Without the control file it was not all there; with it, it is looked at once more.
    assert_eq!(manifest(&place, 1)["predicate"]["issuedAt"], "2026-11-21T09:30:30Z");
}

#[test]
fn reporting_begins_in_time_whatever_is_missing() {
    let place = institution(&["", ""]);
    let (a, warehouse) = (format!("landing/a/{DATE}.csv"), format!("warehouse/{DATE}.csv"));
    let arrivals =
        [("02:05", warehouse.as_str(), copy(&[("a", &["1.00"])])), ("02:10", a.as_str(), extract(&["1.00"]))];
    let done = rehearse(&place, TWO, &arrivals);
    assert_eq!(done.code, 3, "{}", done.stderr);
    // Half an hour before the deadline.
    assert_eq!(manifest(&place, 1)["predicate"]["issuedAt"], "2026-11-21T11:30:00Z");
    let state = state(&place).expect("a state");
    assert_eq!(state["awaited"][0]["state"], "received");
    assert_eq!(state["awaited"][1]["state"], "missed");
    assert_eq!(state["outcome"]["exitCode"], 3);
}

#[test]
fn a_rehearsal_needs_a_series_of_its_own_and_a_time_to_begin() {
    let place = institution(&[""]);
    place.write("night.txt", "");
    let night = ["run", "--config", "cuadre.toml", "--date", DATE, "--wait", "--rehearse", "night.txt"];
    assert_eq!(place.cuadre(night).code, 64);
    assert_eq!(place.cuadre(night.into_iter().chain(["--now", TWO])).code, 64);
    let wrong = arguments("at two");
    let done = place.cuadre(wrong);
    assert_eq!(done.code, 64);
    assert!(done.stderr.contains("no instant can be read from it"), "{}", done.stderr);
}
