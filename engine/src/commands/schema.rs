//! `cuadre schema`: the JSON Schema of the configuration, for editors.

use cuadre_rules::Config;

use super::print;
use crate::error::{EngineError, exit};

/// Print the JSON Schema of the configuration, for editors
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args) -> Result<u8, EngineError> {
    print(&Config::json_schema())?;
    Ok(exit::DONE)
}
