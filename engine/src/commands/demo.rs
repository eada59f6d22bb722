//! `cuadre demo`: the demo institution's night, end to end.

use std::path::{Path, PathBuf};

use cuadre_fixtures::Demo;

use super::{Configured, clock, issued_at, keygen, screen, use_threads};
use crate::deliveries::Places;
use crate::error::EngineError;
use crate::judge::MEMORY;
use crate::night::{self, Filing, Night, Outcome};
use crate::notices::outbox::Outbox;
use crate::progress::Progress;
use crate::store::Place;
use crate::telling::Telling;
use crate::usual::Usual;
use crate::watch::Unfinished;

/// Make the demo institution's night, run it, and show what happened
#[derive(clap::Args)]
pub struct Args {
    /// Folder to make it in; new or empty
    #[arg(value_name = "DIR", default_value = "cuadre-demo")]
    folder: PathBuf,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(0)?;
    let demo = Demo::default();
    let folder = &args.folder;
    if !is_demo(folder) {
        make(&demo, folder)?;
    }
    let configured = Configured::read(&folder.join(CONFIGURATION))?;
    let (data, filings) = (local(configured.data(&None)?)?, local(configured.filings(&None)?)?);
    let progress = Progress::on_stderr(false);
    let clock = clock()?;
    let date = demo.business_date.parse().map_err(EngineError::bug)?;
    let telling = Telling::new(clock.clone(), date, Vec::new());
    let usual = Usual::unknown(&configured.config, date);
    let night = Night {
        config: &configured.config,
        texts: &configured.texts,
        business_date: date,
        places: Places::below(&data),
        filings: filings.clone(),
        key: &configured.signing_key(&filings)?,
        issued_at: issued_at(&clock)?,
        reason: None,
        operator: None,
        no_movements: None,
        unfinished: &Unfinished::new(),
        work: None,
        without_archive: false,
        memory: MEMORY,
        progress: &progress,
        telling: &telling,
        usual: &usual,
        outbox: Outbox::default(),
    };
    let outcome = night::run(&night, |_| Ok(()))?;
    progress.finish();
    screen::outcome(&outcome, &configured.config);
    if let Outcome::Filed(filing) = &outcome {
        next_commands(folder, &filings, filing);
    }
    Ok(screen::exit_code(&outcome))
}

const CONFIGURATION: &str = "cuadre.toml";

/// Whether the folder holds a demo already; its night is then run again.
fn is_demo(folder: &Path) -> bool {
    [CONFIGURATION, "expected.json"].iter().all(|name| folder.join(name).is_file())
}

fn make(demo: &Demo, folder: &Path) -> Result<(), EngineError> {
    if folder.exists() && folder.read_dir().map_or(true, |mut entries| entries.next().is_some()) {
        let message = format!("{} is there and holds something else", folder.display());
        return Err(EngineError::Usage(format!("{message}; name a new folder: cuadre demo DIR")));
    }
    let made = demo.write(folder);
    made.map_err(|error| EngineError::Setup(format!("the demo cannot be made in {}: {error}", folder.display())))?;
    let configured = Configured::read(&folder.join(CONFIGURATION))?;
    keygen::make(&configured.key(), &configured.config.signing.principal, None)
}

fn local(place: Place) -> Result<PathBuf, EngineError> {
    let folder = place.folder().map(Path::to_owned);
    let message = format!("{place}: the demo lies in folders; for a bucket, use `cuadre run` with its cuadre.toml");
    folder.ok_or(EngineError::Setup(message))
}

fn next_commands(folder: &Path, filings: &Path, filing: &Filing) {
    let cuadre = std::env::args().next().unwrap_or_else(|| "cuadre".to_owned());
    let date = filing.day.business_date;
    let (config, again) = (folder.join(CONFIGURATION), folder.join("again"));
    eprintln!("Try next:");
    eprintln!("  {cuadre} verify {}", filings.display());
    eprintln!("  {cuadre} regenerate --config {} --date {date} --out {}", config.display(), again.display());
    eprintln!("  head {}", filing.folder.join("report.csv").display());
}
