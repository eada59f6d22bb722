//! `cuadre verify`: a series, from nothing but its bytes.

use std::path::PathBuf;

use cuadre_audit::verify::{Options, Verdict, verify};
use jiff::civil::Date;

use super::{parse_date, print_json};
use crate::error::{EngineError, exit};
use crate::manifest::filing_date;

/// Verify a series of filings; needs no configuration
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the series
    #[arg(value_name = "DIR")]
    series: PathBuf,
    /// A manifest kept from an earlier day: shows a cut tail or a rewritten past
    #[arg(long, value_name = "MANIFEST")]
    anchor: Option<PathBuf>,
    /// Allowed signers kept elsewhere, to judge signatures by instead of the series' own
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// The last business date for which there must be a filing
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    through: Option<Date>,
    /// Print every check as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    if !args.series.is_dir() {
        return Err(EngineError::Usage(format!(
            "{} is no folder; give the folder that holds LOG",
            args.series.display()
        )));
    }
    let options = Options {
        anchor: args.anchor.clone(),
        allowed_signers: args.allowed_signers.clone(),
        through: args.through.map(filing_date).transpose()?,
    };
    let report = verify(&args.series, &options);
    if args.json {
        print_json(&report)?;
    }
    for check in &report.checks {
        let verdict = if check.verdict == Verdict::Passed { "passed" } else { "FAILED" };
        eprintln!("  {verdict}  {:<9}  {}: {}", check.name, check.subject, check.detail);
    }
    for note in &report.notes {
        eprintln!("  note: {note}");
    }
    for signer in &report.signers {
        eprintln!("  signed by {} {}", signer.principal, signer.fingerprint);
    }
    if let Some(check) = report.first_failure() {
        eprintln!("Keep the series as it is for the auditor, and restore what is damaged from a backup.");
        eprintln!("Verification FAILED: {}: {}", check.subject, check.detail);
        return Ok(exit::VERIFICATION_FAILED);
    }
    eprintln!("Verified: {} filings, each whole, signed, and in its place", report.filings.len());
    Ok(exit::DONE)
}
