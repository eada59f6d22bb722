//! `cuadre demo`: the demo institution's night, end to end.

use std::path::PathBuf;

use cuadre_fixtures::Demo;

use super::{Configured, issued_at, keygen, run, show, use_threads};
use crate::error::EngineError;
use crate::night::{self, Night};

/// Make the demo institution's night, run it, and show what happened
#[derive(clap::Args)]
pub struct Args {
    /// Folder to make it in; new or empty
    #[arg(value_name = "DIR", default_value = "cuadre-demo")]
    folder: PathBuf,
    /// Seed of the generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(0)?;
    let folder = &args.folder;
    if folder.exists() && folder.read_dir().map_or(true, |mut entries| entries.next().is_some()) {
        let message = format!("{} is there and not empty", folder.display());
        return Err(EngineError::Usage(format!("{message}; name a new folder: cuadre demo DIR")));
    }
    let demo = Demo { seed: args.seed, ..Demo::default() };
    let made = demo.write(folder);
    made.map_err(|error| EngineError::Setup(format!("the demo cannot be made in {}: {error}", folder.display())))?;
    let configured = Configured::read(&folder.join("cuadre.toml"))?;
    keygen::make(&configured.key(), &configured.config.signing.principal)?;
    let date = demo.business_date.parse().map_err(EngineError::bug)?;
    let filing = night::run(&Night {
        config: &configured.config,
        config_text: &configured.text,
        business_date: date,
        data: configured.data(&None),
        filings: configured.filings(&None),
        key: configured.key(),
        issued_at: issued_at()?,
        reason: None,
    })?;
    show::filing(&filing, &configured.config);
    next_commands(folder, &configured, &filing);
    Ok(run::exit_code(&filing))
}

fn next_commands(folder: &std::path::Path, configured: &Configured, filing: &night::Filing) {
    let series = configured.filings(&None);
    let cuadre = std::env::args().next().unwrap_or_else(|| "cuadre".to_owned());
    eprintln!("Try next:");
    eprintln!("  {cuadre} verify {}", series.display());
    eprintln!(
        "  {cuadre} regenerate --config {} --date {} --out {}",
        folder.join("cuadre.toml").display(),
        filing.day.business_date,
        folder.join("again").display()
    );
    eprintln!("  head {}", filing.folder.join("report.csv").display());
}
