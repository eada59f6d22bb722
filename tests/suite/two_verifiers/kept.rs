//! What an auditor keeps elsewhere, and what the script is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use cuadre_audit::verify::Options;
use cuadre_tests::workspace;

use super::series::{
    CURRENT, Draft, Forged, LAST_ISSUED_AT, RETIRED, ROOT, STRANGER, authorities, key, root_signers, tiny, tiny_of,
    whole,
};
use super::{Expected, Fails, Mutant, Passes, complaints, kept, script, tools_are_there};

#[test]
fn kept_manifests_show_what_the_series_cannot() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let days = ["2026-11-20.1", "2026-11-20.2", "2026-11-21.1", "2026-11-24.1"];
    let manifest = |day: &str| kept(&series.0[&format!("filings/{day}/manifest.json")]);
    let by = |paths: Vec<std::path::PathBuf>| Options { anchors: paths, ..Options::default() };
    let mut mutants = Vec::new();
    for (n, day) in days.iter().enumerate() {
        mutants.push(
            Mutant::new(format!("kept {day}"), series.clone(), Passes("untouched")).judged_by(by(vec![manifest(day)])),
        );
        for (m, cut) in days.iter().enumerate() {
            let expected = if n < m { Passes("nothing that was kept is gone") } else { Fails };
            let what = format!("cut before {cut}, kept {day}");
            mutants.push(
                Mutant::new(what, series.cut_before(&format!("filings/{cut}/")), expected)
                    .judged_by(by(vec![manifest(day)])),
            );
        }
    }
    let fork = {
        let before = series.cut_before("filings/2026-11-24.1/");
        Forged { key: CURRENT, ..Forged::after(&before, "2026-11-24.1") }.filed(&before, &[])
    };
    let all = || days.iter().map(|day| manifest(day)).collect();
    let reserialised = series.text("filings/2026-11-21.1/manifest.json").replacen(':', ": ", 1);
    for (what, mutant, anchors, expected) in [
        ("all kept", series.clone(), all(), Passes("untouched")),
        ("a fork", fork.clone(), vec![manifest("2026-11-24.1")], Fails),
        ("a fork, kept before", fork, vec![manifest("2026-11-21.1")], Passes("nothing that was kept is gone")),
        (
            "one of two",
            series.cut_before("filings/2026-11-24.1/"),
            vec![manifest("2026-11-20.1"), manifest("2026-11-24.1")],
            Fails,
        ),
        ("absent", series.clone(), vec!["/nonexistent/manifest".into()], Fails),
        ("no manifest", series.clone(), vec![kept(b"{}")], Fails),
        ("empty", series.clone(), vec![kept(b"")], Fails),
        ("written otherwise", series.clone(), vec![kept(reserialised.as_bytes())], Fails),
        (
            "of another series",
            series.clone(),
            vec![kept(&tiny(&[], LAST_ISSUED_AT).0["filings/2026-11-20.1/manifest.json"])],
            Fails,
        ),
    ] {
        mutants.push(Mutant::new(what, mutant, expected).judged_by(by(anchors)));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

#[test]
fn kept_signers_show_a_series_made_anew() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let signers = |content: &[u8]| Options { allowed_signers: Some(kept(content)), ..Options::default() };
    let roots = |content: &[u8]| Options { root_signers: Some(kept(content)), ..Options::default() };
    let own = &series.0["trust/allowed_signers.3"];
    let line = |seed: u8| format!("a@b {}\n", key(seed).public_key());
    let other = tiny(&[], LAST_ISSUED_AT);
    let both = line(RETIRED) + &line(CURRENT);
    let with_head = series.text("trust/allowed_signers.3").replace("06:00", "05:00");
    let cases: Vec<(&str, &Draft, Options, Expected)> = vec![
        ("its own", series, signers(own), Passes("untouched")),
        ("an older generation", series, signers(&series.0["trust/allowed_signers.1"]), Fails),
        (
            "plain, which say nothing of time stamps",
            series,
            signers(both.as_bytes()),
            Passes("the series' own authorities"),
        ),
        ("plain, where there are none", &other, signers(both.as_bytes()), Passes("untouched")),
        ("another", &other, signers(line(STRANGER).as_bytes()), Fails),
        ("another deadline", series, signers(with_head.as_bytes()), Passes("untouched")),
        ("rubbish", &other, signers(b"rubbish"), Fails),
        ("nothing", &other, signers(b""), Fails),
        ("comments like a head", &other, signers(format!("# deadline x\n{both}").as_bytes()), Passes("comments")),
        ("absent", &other, Options { allowed_signers: Some("/nonexistent".into()), ..Options::default() }, Fails),
        ("the root", series, roots(&root_signers(ROOT)), Passes("untouched")),
        ("another root", series, roots(&root_signers(STRANGER)), Fails),
        ("rubbish for a root", series, roots(b"rubbish"), Fails),
        ("no root", series, roots(b""), Fails),
        ("an absent root", series, Options { root_signers: Some("/nonexistent".into()), ..Options::default() }, Fails),
        ("a root where there was none", &other, roots(&root_signers(ROOT)), Fails),
    ];
    let mutants: Vec<Mutant> = cases
        .into_iter()
        .map(|(what, series, options, expected)| Mutant::new(what, series.clone(), expected).judged_by(options))
        .collect();
    assert_eq!(complaints(&mutants), [""; 0]);
}

#[test]
fn days_and_deadlines_are_counted_in_the_same_way() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let through = |day: &str| Options { through: Some(day.parse().unwrap()), ..Options::default() };
    let timely = || Options { timely: true, ..Options::default() };
    let first = series.cut_before("filings/2026-11-21.1/");
    let second = series.cut_before("filings/2026-11-24.1/");
    let mut mutants = Vec::new();
    for (what, series, options, expected) in [
        ("the first day", series, through("2026-11-20"), Passes("it has one")),
        ("the day before", series, through("2026-11-19"), Passes("no day owes one")),
        ("until Saturday", series, through("2026-11-21"), Passes("each has one")),
        ("until Sunday", series, through("2026-11-22"), Passes("Sunday is closed")),
        ("until Monday", series, through("2026-11-23"), Fails),
        ("a year later", series, through("2027-11-24"), Fails),
        ("the tail cut", &first, through("2026-11-21"), Fails),
        ("the tail cut later", &second, through("2026-11-22"), Passes("Sunday is closed")),
        ("nothing filed", &series.cut_before("filings/"), through("2026-11-20"), Fails),
        ("in time", &first, timely(), Passes("it was in time")),
        ("late", &second, timely(), Fails),
        ("unproven", series, timely(), Fails),
    ] {
        mutants.push(Mutant::new(what, series.clone(), expected).judged_by(options));
    }
    // To the second, at either side of a deadline.
    for (deadline, due) in [
        ("06:00 America/Mexico_City", "2026-11-21T12:00:00Z"),
        ("05:40 America/Mexico_City", "2026-11-21T11:40:00Z"),
        ("05:41 America/Mexico_City", "2026-11-21T11:41:00Z"),
        ("12:40 Europe/Madrid", "2026-11-21T11:40:00Z"),
    ] {
        let given = series.text("trust/allowed_signers.3").replace("06:00 America/Mexico_City", deadline);
        let options = Options { allowed_signers: Some(kept(given.as_bytes())), ..timely() };
        // The stamp is of 11:40:00.25.
        let expected = if due > "2026-11-21T11:40:00Z" { Passes("it was in time") } else { Fails };
        mutants.push(Mutant::new(deadline, first.clone(), expected).judged_by(options));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// A deadline in an hour that a night has twice, or not at all, is the earlier or the later one.
#[test]
fn nights_when_clocks_are_put_forward_or_back_have_the_same_deadline() {
    let Some(tsas) = authorities().filter(|_| tools_are_there()) else { return };
    let mut mutants = Vec::new();
    for (filing, deadline, in_time, late) in [
        ("2026-03-28.1", "01:30 Europe/Madrid", "2026-03-29T00:29:59Z", "2026-03-29T00:30:00Z"),
        ("2026-03-28.1", "02:30 Europe/Madrid", "2026-03-29T01:29:59Z", "2026-03-29T01:30:00Z"),
        ("2026-03-28.1", "06:00 Europe/Madrid", "2026-03-29T03:59:59Z", "2026-03-29T04:00:00Z"),
        ("2026-10-24.1", "01:30 Europe/Madrid", "2026-10-24T23:29:59Z", "2026-10-24T23:30:00Z"),
        ("2026-10-24.1", "02:30 Europe/Madrid", "2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z"),
        ("2026-10-24.1", "06:00 Europe/Madrid", "2026-10-25T04:59:59Z", "2026-10-25T05:00:00Z"),
        ("2026-04-04.1", "01:45 Australia/Lord_Howe", "2026-04-04T14:44:59Z", "2026-04-04T14:45:00Z"),
    ] {
        for (clock, expected) in [(in_time, Passes("it was in time")), (late, Fails)] {
            // A quarter of a second later than that.
            let series = tiny_of(filing, &[("t", &tsas.t)], clock);
            let given = series.text("trust/allowed_signers.1").replace("06:00 America/Mexico_City", deadline);
            let options = Options { timely: true, allowed_signers: Some(kept(given.as_bytes())), ..Options::default() };
            mutants.push(Mutant::new(format!("{filing}, {deadline}, {clock}"), series, expected).judged_by(options));
        }
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// Without time stamps there need be no OpenSSL, and without windows of validity `ssh-keygen` may be older.
#[test]
fn what_is_not_there_is_not_needed() {
    let Some(tsas) = authorities().filter(|_| tools_are_there()) else { return };
    let place = tempfile::tempdir().unwrap();
    let tools = place.path().join("tools");
    fs::create_dir(&tools).unwrap();
    for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "openssl" && name != "ssh-keygen" {
                // The first of a name counts.
                let _ = std::os::unix::fs::symlink(entry.path(), tools.join(name));
            }
        }
    }
    let judged = |series: &Draft| {
        let root = place.path().join("series");
        series.write(&root);
        let mut command = Command::new("/bin/sh");
        command.arg(workspace().join("audit/verify-with-stock-tools.sh")).arg("-q").arg(&root).env("PATH", &tools);
        let code = command.output().unwrap().status.code();
        fs::remove_dir_all(root).unwrap();
        code
    };
    let (plain, stamped) = (tiny(&[], LAST_ISSUED_AT), tiny(&[("t", &tsas.t)], LAST_ISSUED_AT));
    assert_eq!(judged(&plain), Some(70), "ssh-keygen is needed");
    let found = Command::new("sh").args(["-c", "command -v ssh-keygen"]).output().unwrap().stdout;
    let older = format!(
        "#!/bin/sh\ncase \"$*\" in *-O*) exit 1 ;; esac\nexec {} \"$@\"\n",
        String::from_utf8(found).unwrap().trim_end()
    );
    fs::write(tools.join("ssh-keygen"), older).unwrap();
    fs::set_permissions(tools.join("ssh-keygen"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(judged(&plain), Some(0));
    assert_eq!(judged(&stamped), Some(70), "openssl is needed");
}

/// A series as the binary makes it.
#[test]
fn the_script_judges_what_the_binary_files() {
    if !tools_are_there() {
        return;
    }
    let place = crate::tamper::series(&crate::tamper::DAYS);
    let (passes, words) = script(&place.at("filings"), &Options::default(), &[]);
    assert!(passes && words.ends_with("\nVerified: 3 filings; timeliness: 0 late, 2 unproven\n"), "{words}");
    let report = place.at("filings/filings/2026-11-21.1/report.csv");
    fs::write(report, "x").unwrap();
    let (passes, words) = script(&place.at("filings"), &Options::default(), &[]);
    assert!(!passes && words.contains("filings/2026-11-21.1/report.csv: FAILED"), "{words}");
    assert_eq!(place.cuadre(["verify", "filings"]).code, 5);
}

/// The script is run from anywhere, on any path, in any locale and zone, and leaves nothing behind.
#[test]
fn the_script_minds_nothing_but_the_series() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let place = tempfile::tempdir().unwrap();
    let (root, scratch) = (place.path().join("a series of filings"), place.path().join("scratch folder"));
    series.write(&root);
    fs::create_dir(&scratch).unwrap();
    let anchor = place.path().join("a kept manifest.json");
    fs::write(&anchor, &series.0["filings/2026-11-24.1/manifest.json"]).unwrap();
    let (_, plainly) = script(&root, &Options::default(), &["-t"]);
    assert!(plainly.contains("\n  FAILED    timeliness  filings/2026-11-21.1: "), "{plainly}");

    let run = |args: &[&str], environment: &[(&str, &str)]| {
        let output = Command::new("/bin/sh")
            .arg(workspace().join("audit/verify-with-stock-tools.sh"))
            .args(args)
            .current_dir(place.path())
            .env("TMPDIR", &scratch)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let mut told = Vec::new();
    for environment in [
        &[][..],
        &[("TZ", "Asia/Kathmandu"), ("LC_ALL", "es_MX.UTF-8")],
        &[("CDPATH", "/"), ("POSIXLY_CORRECT", "1"), ("OPENSSL_CONF", "/nonexistent")],
    ] {
        let (code, stdout, stderr) = run(&["-a", "a kept manifest.json", "a series of filings"], environment);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        told.push(stdout);
    }
    assert!(told.iter().all(|words| *words == told[0]), "{told:?}");
    assert!(told[0].ends_with("\nVerified: 4 filings; timeliness: 1 late, 1 unproven\n"), "{}", told[0]);
    for line in ["passed    anchor      ", "late      timeliness  filings/2026-11-21.1: ", "note      calendar    "] {
        assert!(told[0].contains(&format!("\n  {line}")), "{line} in {}", told[0]);
    }
    for wrong in [&[][..], &["a", "b"], &["nowhere"], &["-z", "."], &["-d", "today", "."], &["-d", "2026-02-30", "."]] {
        let (code, stdout, stderr) = run(wrong, &[]);
        assert_eq!((code, stdout.as_str()), (Some(64), ""), "{wrong:?}");
        assert!(stderr.starts_with("Usage: "), "{wrong:?}: {stderr}");
    }
    fs::write(root.join("x"), "").unwrap();
    let (code, stdout, _) = run(&["-q", "a series of filings"], &[]);
    assert_eq!((code, stdout.lines().count()), (Some(5), 1), "{stdout}");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "what the script wrote is gone");
}
