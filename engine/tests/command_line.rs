//! The binary itself. That it is an integration test makes `cargo test` build the binary, which
//! the end-to-end tests of the workspace run.

use std::process::Command;

fn cuadre(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cuadre")).args(args).output().expect("cuadre runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn help_names_every_command_and_exit_code() {
    let (code, text) = cuadre(&["--help"]);
    assert_eq!(code, Some(0));
    for word in ["run", "regenerate", "verify", "check", "demo", "keygen", "schema", "75  passing fault"] {
        assert!(text.contains(word), "{word} is not in:\n{text}");
    }
}

#[test]
fn wrong_usage_is_64() {
    for args in [&["run"][..], &["run", "--config", "x", "--date", "2026-02-30"], &["nonsense"], &[]] {
        assert_eq!(cuadre(args).0, Some(64), "{args:?}");
    }
    assert_eq!(cuadre(&["run", "--config", "/nowhere/cuadre.toml", "--date", "2026-11-20"]).0, Some(78));
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_fault() {
    let command = format!("(sleep 0.2; {} schema; echo \"exit $?\" >&2) | true", env!("CARGO_BIN_EXE_cuadre"));
    let output = Command::new("sh").args(["-c", &command]).output().expect("sh runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "exit 0\n");
}
