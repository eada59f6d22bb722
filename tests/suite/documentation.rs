//! What the documentation says is so: its commands run, its paths exist, the schema is current.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cuadre_tests::{Place, SMALL, cuadre, workspace};

fn read(name: &str) -> String {
    fs::read_to_string(workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The lines of blocks fenced with the word `console`.
fn console_lines(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(word) => inside = word == "console",
            None if inside => lines.extend(line.strip_prefix("$ ").map(str::to_owned)),
            None => {}
        }
    }
    lines
}

/// Every `$` line of a `console` block, in order, in one empty folder; `# exit N` at its end says
/// what it exits with.
#[test]
fn the_commands_of_the_readme_run() {
    let folder = tempfile::tempdir().unwrap();
    let beside = cuadre().parent().unwrap().display().to_string();
    let path = format!("{beside}:{}", std::env::var("PATH").unwrap());
    let lines = console_lines(&read("README.md"));
    assert!(lines.len() >= 8, "the README shows commands");
    for line in lines {
        let (command, expected) = match line.split_once("# exit ") {
            Some((command, code)) => (command, code.trim().parse().unwrap()),
            None => (line.as_str(), 0),
        };
        let tool = ["sha256sum", "ssh-keygen", "jq"].into_iter().find(|tool| command.contains(*tool) && !has(tool));
        if let Some(tool) = tool {
            assert!(std::env::var_os("CI").is_none(), "{tool} is not installed");
            eprintln!("SKIPPED {tool} is not installed: {command}");
            continue;
        }
        let done = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(expected), "{command}\n{text}");
    }
}

/// Every `toml` block, in place of the part of a configuration that it shows.
#[test]
fn the_configurations_of_the_readme_are_valid() {
    let readme = read("README.md");
    let blocks: Vec<&str> = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 2, "the README shows configurations");
    let (start, rest) = SMALL.split_once("[warehouse.files]").unwrap();
    let (warehouse, rest) = rest.split_once("[report]").unwrap();
    let (report, source) = rest.split_once("[[source]]").unwrap();
    let (warehouse, source) = (format!("[warehouse.files]{warehouse}"), format!("[[source]]{source}"));
    for block in blocks {
        let whole =
            |start: &str, warehouse: &str, source: &str| format!("{start}{warehouse}\n[report]{report}{source}");
        let (old, rest) = start.split_at(start.find("[signing]").unwrap());
        let (_, rest) = rest.split_at(rest.find("[end_to_end]").unwrap());
        let text = match block.lines().next().unwrap_or_default() {
            "[signing]" => whole(&format!("{old}{block}\n{rest}"), &warehouse, &source),
            "[[source]]" => whole(start, &warehouse, block),
            "[[time_stamp]]" | "[pages]" | "[waiting]" | "[[notify]]" | "[early_warning]" | "[telemetry]" => {
                whole(start, &warehouse, &format!("{source}\n{block}"))
            }
            _ => whole(start, block, &source),
        };
        let place = Place::new();
        place.write("templates/informe.html", "{% extends \"report.html\" %}");
        place.write("cuadre.toml", text).write("keys/psc-1.pem", include_str!("authority.pem"));
        let root = cuadre_audit::SigningKey::from_seed([9; 32]);
        root.write(&place.at("keys/root"), "root").unwrap();
        let done = place.cuadre(["check", "--config", "cuadre.toml"]);
        assert_eq!(done.code, 0, "{block}\n{}", done.stderr);
    }
}

fn has(tool: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// What the README shows of the demo is what the demo shows.
#[test]
fn the_readme_shows_the_demo_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(cuadre()).arg("demo").current_dir(folder.path()).output().unwrap();
    let shown = String::from_utf8_lossy(&run.stderr).into_owned();
    let readme = read("README.md");
    let (_, block) = readme.split_once("```text\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    for line in block.lines().filter(|line| line.trim() != "...") {
        assert!(shown.lines().any(|other| other == line), "the demo does not show {line:?}, but:\n{shown}");
    }
}

/// Every path in backticks that begins with a folder of the workspace.
#[test]
fn documented_paths_exist() {
    let folders = ["engine/", "rules/", "reports/", "fixtures/", "audit/", "tests/", ".ci/"];
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "fixtures/README.md",
        "rules/README.md",
        "engine/deploy/README.md",
    ] {
        for word in read(name).split('`').skip(1).step_by(2) {
            let is_path = folders.iter().any(|folder| word.starts_with(folder)) && !word.contains([' ', '*', '<', '{']);
            assert!(!is_path || workspace().join(word).exists(), "{name} names `{word}`, which is not there");
        }
    }
}

#[test]
fn the_committed_schema_is_current() {
    let committed = read("rules/cuadre.schema.json");
    let current = cuadre_rules::Config::json_schema();
    assert!(committed == current, "rules/cuadre.schema.json is old: cuadre schema > rules/cuadre.schema.json");
}

/// No file of the project is dead weight: every Rust file is a module of its crate.
#[test]
fn every_source_file_is_a_module() {
    for krate in ["rules/src", "audit/src", "reports/src", "engine/src", "fixtures/src", "tests/suite"] {
        let mut files = Vec::new();
        collect(&workspace().join(krate), &mut files);
        for file in &files {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            if ["lib", "main"].contains(&stem) {
                continue;
            }
            let name = if stem == "mod" { file.parent().unwrap().file_name().unwrap().to_str().unwrap() } else { stem };
            let declared = files.iter().any(|other| {
                let text = fs::read_to_string(other).unwrap();
                text.lines().any(|line| line.trim().ends_with(&format!("mod {name};")))
            });
            assert!(declared, "{} is no module", file.display());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder is listed") {
        let path = entry.expect("a folder is listed").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
