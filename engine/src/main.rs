//! `cuadre`: maps what a command came to to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cuadre_engine::commands::main())
}
