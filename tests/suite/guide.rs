//! The guide for compliance staff (`rules/README.md`) is followed to the letter, each half in an empty folder.

use std::fs;

use cuadre_tests::{Place, workspace};

use crate::documentation::{Block, blocks, typed};

/// The Spanish half and the English one.
fn halves(guide: &str) -> [&str; 2] {
    let (spanish, english) = guide.split_at(guide.find("\n## From the sentence").expect("an English half"));
    [spanish, english]
}

fn guide() -> String {
    fs::read_to_string(workspace().join("rules/README.md")).expect("the guide")
}

/// A `toml` block is the file that was named last before it; the `$` lines of a `console` block are
/// [run](typed); a `text` block is what the last one printed, `...` for any lines.
fn follow(half: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut printed, mut shown) = (String::new(), 0);
    for Block { word, before, text } in blocks(half) {
        match word {
            "toml" => {
                let named = before.split('`').skip(1).step_by(2).filter(|word| word.ends_with(".toml"));
                let file = folder.path().join(named.last().expect("a file is named before the block"));
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder is made");
                fs::write(file, text).expect("a file is written");
            }
            "console" => text.lines().for_each(|line| printed = typed(line, folder.path())),
            "text" => {
                let mut rest = printed.as_str();
                for part in text.split("...\n") {
                    let at = rest.find(part).unwrap_or_else(|| panic!("the guide shows\n{part}\nit prints\n{printed}"));
                    rest = &rest[at + part.len()..];
                }
                shown += 1;
            }
            _ => panic!("nobody knows what to do with a block of {word}"),
        }
    }
    assert!(shown >= 5, "the guide shows what is printed");
}

#[test]
fn its_spanish_half() {
    follow(halves(&guide())[0]);
}

#[test]
fn its_english_half() {
    follow(halves(&guide())[1]);
}

/// Each row of its tables, as a rule of the demo institution; every kind is there, the same in both.
#[test]
fn the_rules_of_its_tables() {
    let guide = guide();
    let row = |line: &str| -> Option<String> {
        let check = line.strip_prefix("| ")?.split('`').nth(3)?;
        check.starts_with("check.").then(|| check.to_owned())
    };
    let [spanish, english] = halves(&guide).map(|half| half.lines().filter_map(row).collect::<Vec<_>>());
    assert_eq!(spanish, english);
    let mut config = cuadre_fixtures::CONFIG.to_owned();
    for (n, check) in spanish.iter().enumerate() {
        config += &format!("\n[[rule]]\nid = \"row-{n}\"\n{check}\n");
    }
    let place = Place::new();
    place.write("cuadre.toml", &config);
    let done = place.cuadre(["check", "--config", "cuadre.toml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let schema: serde_json::Value = serde_json::from_str(&cuadre_rules::Config::json_schema()).expect("a schema");
    let kinds = schema["$defs"]["Check"]["oneOf"].as_array().expect("the kinds of rules");
    for kind in kinds {
        let kind = kind["required"][0].as_str().expect("a name");
        assert!(spanish.iter().any(|check| check.starts_with(&format!("check.{kind} "))), "no row shows {kind}");
    }
}
