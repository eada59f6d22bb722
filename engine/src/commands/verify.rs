//! `cuadre verify`: a series, from nothing but its bytes.

use std::path::{Path, PathBuf};

use cuadre_audit::Report;
use cuadre_audit::spool;
use cuadre_audit::verify::{Options, Timeliness, Verdict, verify_files};
use jiff::civil::Date;

use super::{parse_date, print_json};
use crate::error::{EngineError, exit};
use crate::manifest::filing_date;
use crate::progress::Progress;
use crate::store::{Place, Reading};

/// Verify a series of filings; needs no configuration
#[derive(clap::Args)]
pub struct Args {
    /// Folder or s3:// URL of the series
    #[arg(value_name = "DIR")]
    series: PathBuf,
    /// A manifest kept from an earlier day, may be given several times: shows a cut tail, a rewritten past, or
    /// (with its signature beside it) a fork
    #[arg(long, value_name = "MANIFEST")]
    anchor: Vec<PathBuf>,
    /// Allowed signers kept elsewhere, to judge signatures, time stamps and deadlines by instead of the series' own
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Root signers kept elsewhere, to judge changes of trust by instead of the series' own
    #[arg(long, value_name = "FILE")]
    root_signers: Option<PathBuf>,
    /// Until when every day of the calendar must have a filing
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    through: Option<Date>,
    /// Fail also where a day's first filing is not proven to have been in time
    #[arg(long)]
    timely: bool,
    /// Pass over the archive: what filings were made from is then not checked
    #[arg(long)]
    without_archive: bool,
    /// Also say what the checks prove, and what they cannot
    #[arg(long)]
    explain: bool,
    /// Print every check as JSON on stdout
    #[arg(long)]
    json: bool,
}

const EXPLANATION: &str = "\
What this proves, and what it cannot:
  - The files are those that were signed, and none before them was edited, deleted, inserted or
    reordered since: SHA-256 and Ed25519. A tail that was cut off shows only against a manifest kept
    elsewhere (--anchor) or a date (--through); a wholly new series only against signers kept
    elsewhere (--allowed-signers, --root-signers).
  - A filing existed when it, or a later one that pins it, was time-stamped (RFC 3161). Without a time
    stamp its timeliness is unproven; the time that a manifest states is a claim. What a time stamp
    proves rests on the authority whose certificate the series pins.
  - A signature counts if its key was valid when it was made: at its time-stamped time, or the claimed
    one, but never before a time that is proven earlier in LOG. A key that is revoked from an instant
    on loses what it signed since. Who signed a forged filing with a stolen key before that instant
    cannot be told from the institution.
  - The figures follow from the archived inputs: not checked here; `cuadre regenerate` makes the
    filing again from them and compares every byte.
  - Sources and warehouse were compared row by row where they differ. Which keys differ is read from
    a sketch of both sides under a key drawn afresh for each run; that a difference goes unnoticed
    has a probability below 2^-60 for nights of up to 2^33 rows, whatever they hold
    (derived in rules/src/sketch/mod.rs), and regenerating draws another key.
  - A warehouse that was compared by cells (inputs.json then has an input `cells`) computed sums of its
    rows itself, under a salt drawn afresh for each run. The archive holds these sums and the rows where
    they differ, not every row of the warehouse: that the other rows were the sources' follows from the
    sums, and goes wrong with a probability below 2^-99 if MD5 with a secret prefix is like a random
    function (derived in rules/src/cells/mod.rs).
";

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let place = Place::parse(&args.series, Path::new(""))?;
    let progress = Progress::on_stderr(false);
    let series = Reading::of(&place, !args.without_archive, &progress)?;
    let options = Options {
        anchors: args.anchor.clone(),
        allowed_signers: args.allowed_signers.clone(),
        root_signers: args.root_signers.clone(),
        through: args.through.map(filing_date).transpose()?,
        timely: args.timely,
        without_archive: args.without_archive,
    };
    let report = verify_files(series.files(), &options);
    series.end()?;
    if args.explain {
        eprint!("{EXPLANATION}");
    }
    if args.json {
        print_json(&report)?;
    }
    for check in &report.checks {
        let verdict = match check.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Unproven => "unproven",
            Verdict::Late => "late",
        };
        eprintln!("  {verdict:<8}  {:<10}  {}: {}", check.name, check.subject, check.detail);
    }
    for note in &report.notes {
        eprintln!("  note: {note}");
    }
    for signer in &report.signers {
        eprintln!("  signed by {} {}", signer.principal, signer.fingerprint);
    }
    if let Some(check) = report.first_failure() {
        tell_spool(&place);
        eprintln!("Keep the series as it is for the auditor, and restore what is damaged from a backup.");
        eprintln!("Verification FAILED: {}: {}", check.subject, check.detail);
        return Ok(exit::VERIFICATION_FAILED);
    }
    eprintln!(
        "Verified: {} filings, each whole, signed, and in its place{}",
        report.filings.len(),
        timeliness(&report)
    );
    Ok(exit::DONE)
}

/// What waits for the archive, where the series is a folder and its archive was away.
fn tell_spool(place: &Place) {
    let Place::Folder(series) = place else { return };
    let (waiting, spool) = (spool::waiting(series), spool::beside(series));
    if waiting > 0 {
        let objects = if waiting == 1 { "1 object waits" } else { &format!("{waiting} objects wait") };
        let until = "a run that finds the archive usable moves what waits into it";
        eprintln!("  note: {objects} for the archive in {}; {until}", spool.display());
    }
}

/// How many days were in time, where not all of them were.
fn timeliness(report: &Report) -> String {
    let count = |timeliness| report.filings.iter().filter(|filing| filing.timeliness == Some(timeliness)).count();
    match (count(Timeliness::Late), count(Timeliness::Unproven)) {
        (0, 0) => String::new(),
        (late, unproven) => format!("; timeliness: {late} late, {unproven} unproven"),
    }
}
