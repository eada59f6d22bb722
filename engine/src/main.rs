//! `cuadre`: maps what a command came to to an exit code.

use std::panic::catch_unwind;
use std::process::ExitCode;

use cuadre_engine::{commands, exit};

fn main() -> ExitCode {
    // A panic has said where; what is left to say is the exit code of the contract.
    ExitCode::from(catch_unwind(commands::main).unwrap_or(exit::BUG))
}
