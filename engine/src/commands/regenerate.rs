//! `cuadre regenerate`: a filed day again, from the archive alone.

use std::path::PathBuf;

use cuadre_audit::layout::{FilingId, MANIFEST};
use cuadre_audit::{Series, Sha256Digest, Subject};
use jiff::civil::Date;
use serde_json::json;

use super::{Configured, parse_date, print_json, use_threads};
use crate::error::{EngineError, exit};
use crate::manifest::{Filed, filing_date};
use crate::night;
use crate::progress::Progress;
use crate::store::Working;

/// Make a filed day again from the archive alone, and compare every byte
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file; it only says where the series is
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Business date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Date,
    /// Which filing of the day [default: the latest]
    #[arg(long, value_name = "N")]
    filing: Option<u32>,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Folder to write into; new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
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
    let progress = Progress::on_stderr(true);
    let working = Working::to_read(&configured.filings(&args.filings)?)?;
    let made = make(args, &working, &progress).map_err(|error| working.told(error));
    progress.finish();
    let (id, signed, made) = made?;
    let differing: Vec<&str> =
        made.iter().filter(|file| !signed.contains(file)).map(|file| file.name.as_str()).collect();
    for file in &made {
        let verdict = if signed.contains(file) { "identical" } else { "DIFFERS" };
        eprintln!("  {verdict:<10} {}  {}", file.sha256, file.name);
    }
    if args.json {
        print_json(&json!({
            "filing": id.to_string(),
            "identical": differing.is_empty(),
            "differing": differing,
            "out": args.out,
        }))?;
    }
    if differing.is_empty() {
        eprintln!("Filing {id} was made again from the archive, byte for byte, in {}", args.out.display());
        return Ok(exit::DONE);
    }
    let message = format!("filing {id}: {} not what was signed", differing.join(", "));
    Err(EngineError::Differs(format!("{message}; run `cuadre verify`, and keep both versions for the auditor")))
}

/// Makes the filing into `--out`; which one, its files as they were signed, and as they are made.
fn make(
    args: &Args,
    working: &Working,
    progress: &Progress,
) -> Result<(FilingId, Vec<Subject>, Vec<Subject>), EngineError> {
    let series = Series::at(working.folder());
    let id = filing_id(args, &series)?;
    working.bring_filing(id, progress)?;
    let filed = Filed::read(&series, id)?;
    std::fs::create_dir_all(&args.out).map_err(|e| EngineError::io("making the output folder", &args.out, e))?;
    let entries = std::fs::read_dir(&args.out).map_err(|e| EngineError::io("reading", &args.out, e))?;
    if entries.count() > 0 {
        return Err(EngineError::Usage(format!("{} is not empty; give a new folder to --out", args.out.display())));
    }
    let made = night::regenerate(&series.archive(), &filed, &args.out, progress)?;
    Ok((id, signed_files(&filed)?, made))
}

fn filing_id(args: &Args, series: &Series) -> Result<FilingId, EngineError> {
    let date = filing_date(args.date)?;
    let Some(latest) = series.latest(date)? else {
        let message = format!("{} was never filed in {}", args.date, series.root().display());
        let filings = series.filings()?;
        let known = match (filings.first(), filings.last()) {
            (Some(first), Some(last)) => format!("first filed {}, last {}", first.id, last.id),
            _ => "nothing was filed there".to_owned(),
        };
        return Err(EngineError::Usage(format!("{message} ({known}); check --date and --filings")));
    };
    let number = args.filing.unwrap_or(latest.id.number());
    FilingId::new(date, number).filter(|id| *id <= latest.id).ok_or_else(|| {
        let message = format!("{} has the filings 1 to {}", args.date, latest.id.number());
        EngineError::Usage(format!("{message}; give one of them to --filing, or leave it out for the latest"))
    })
}

/// Every file of the filing with the digest that was signed; the manifest's own is the one LOG
/// names.
fn signed_files(filed: &Filed) -> Result<Vec<Subject>, EngineError> {
    let sha256: Sha256Digest = filed.sha256.parse()?;
    let manifest = Subject { name: MANIFEST.to_owned(), sha256 };
    Ok(filed.files().iter().cloned().chain([manifest]).collect())
}
