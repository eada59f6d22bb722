//! What the documentation says is so: its commands run, its paths exist, the schema is current.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cuadre_tests::{Place, SMALL, cuadre, workspace};

fn read(name: &str) -> String {
    fs::read_to_string(workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A fenced block: its word, what stands between it and the block before, and its text.
pub struct Block<'a> {
    pub word: &'a str,
    pub before: &'a str,
    pub text: &'a str,
}

/// The blocks of a document, in order.
pub fn blocks<'a>(document: &'a str) -> Vec<Block<'a>> {
    let parts: Vec<&str> = document.split("```").collect();
    let block = |two: &[&'a str]| {
        let (word, text) = two[1].split_once('\n').expect("a block has lines");
        Block { word, before: two[0], text }
    };
    parts.chunks_exact(2).map(block).collect()
}

/// Runs a `$` line of a `console` block in a folder; what it prints. It exits as `# exit N` at its end says.
pub fn typed(line: &str, folder: &Path) -> String {
    let line = line.strip_prefix("$ ").expect("a command");
    let (command, code) = line.split_once("# exit ").unwrap_or((line, "0"));
    let path = format!("{}:{}", cuadre().parent().expect("a folder").display(), std::env::var("PATH").expect("a path"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{{ {command}\n}} 2>&1")]).stdin(Stdio::null());
    let done = shell.current_dir(folder).env("PATH", &path).output().expect("a shell");
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    let ended = done.status.code().map(|code| code.to_string());
    assert_eq!(ended.as_deref(), Some(code.trim()), "{line}\n{printed}");
    printed
}

/// Every `$` line of a `console` block, in order, in one empty folder.
#[test]
fn the_commands_of_the_readme_run() {
    let folder = tempfile::tempdir().unwrap();
    let readme = read("README.md");
    let consoles = blocks(&readme).into_iter().filter(|block| block.word == "console");
    let lines: Vec<&str> =
        consoles.flat_map(|block| block.text.lines()).filter(|line| line.starts_with("$ ")).collect();
    assert!(lines.len() >= 8, "the README shows commands");
    for line in lines {
        let tool = ["sha256sum", "ssh-keygen", "jq"].into_iter().find(|tool| line.contains(*tool) && !has(tool));
        if let Some(tool) = tool {
            assert!(std::env::var_os("CI").is_none(), "{tool} is not installed");
            eprintln!("SKIPPED {tool} is not installed: {line}");
            continue;
        }
        typed(line, folder.path());
    }
}

/// Every `toml` block, in place of the part of a configuration that it shows.
#[test]
fn the_configurations_of_the_readme_are_valid() {
    let readme = read("README.md");
    let blocks = blocks(&readme).into_iter().filter(|block| block.word == "toml").map(|block| block.text);
    let blocks: Vec<&str> = blocks.collect();
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
