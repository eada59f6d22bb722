//! `cuadre schema`: the JSON Schema of the configuration and of the files around it, for editors.

use clap::ValueEnum;
use cuadre_rules::Config;
use cuadre_rules::cases::CaseFile;
use cuadre_rules::config::{RuleFile, json_schema};

use super::print;
use crate::error::{EngineError, exit};

/// Print the JSON Schema of the configuration, for editors
#[derive(clap::Args)]
pub struct Args {
    /// Of which file
    #[arg(value_name = "WHAT", default_value = "config")]
    of: What,
}

/// A file that people write.
#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The configuration
    Config,
    /// A file of rules that it names
    Rules,
    /// A file of cases, for `cuadre rules test`
    Cases,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    print(&match args.of {
        What::Config => Config::json_schema(),
        What::Rules => json_schema::<RuleFile>(),
        What::Cases => json_schema::<CaseFile>(),
    })?;
    Ok(exit::DONE)
}
