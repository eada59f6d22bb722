//! `cuadre run`: a night.

use std::path::PathBuf;

use jiff::civil::Date;

use super::{Configured, issued_at, parse_date, print_json, show, use_threads};
use crate::error::EngineError;
use crate::night::{self, Night};

/// Reconcile a day and file it
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Date,
    /// Folder of landing files and of a file warehouse [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Why a filed day is stated with other figures
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Files loaded at once [default: one per core]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Print the result as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    use_threads(args.threads)?;
    let configured = Configured::read(&args.config)?;
    let had_key = configured.key().exists();
    let outcome = night::run(&Night {
        config: &configured.config,
        config_text: &configured.text,
        business_date: args.date,
        data: configured.present_data(&args.data)?,
        filings: configured.filings(&args.filings),
        key: configured.key(),
        issued_at: issued_at()?,
        reason: args.reason.clone(),
    })?;
    if !had_key {
        eprintln!("Made the signing key {} for this new series; keep it", configured.key().display());
    }
    show::outcome(&outcome, &configured.config);
    if args.json {
        print_json(&show::outcome_json(&outcome))?;
    }
    Ok(show::exit_code(&outcome))
}
