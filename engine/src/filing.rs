//! Report: the judged day as the files of a filing.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use cuadre_audit::digest::HashingWriter;
use cuadre_audit::layout::{INPUTS, MANIFEST};
use cuadre_audit::{Sha256Digest, Subject, canonical};
use cuadre_reports::error::Place;
use cuadre_reports::{CsvReport, Header, ParquetReport, ReportError, Summary, write_exceptions};
use cuadre_rules::Config;
use cuadre_rules::day::Day;
use cuadre_rules::money::Totals;
use jiff::civil::Date;
use rayon::iter::Either;

use crate::error::EngineError;
use crate::forward;
use crate::inputs::Inputs;
use crate::judge::Judgement;
use crate::progress::{Count, Progress};

/// The file with a row per break, rejection or violation.
pub const EXCEPTIONS: &str = "exceptions.csv";

/// Writes every file that follows from the day alone into `folder`, and names them in the manifest's
/// order. The summary of the movements is that of `summary.csv`.
pub fn render(
    config: &Config,
    inputs: &Inputs,
    judgement: &Judgement,
    folder: &Path,
    progress: &Progress,
) -> Result<(Vec<Subject>, Summary), EngineError> {
    progress.phase("writing the reports", Some(Count::Movements(accepted(&judgement.day))));
    let (mut files, summary) = reports(config, judgement, folder, progress)?;
    files.push(write_evidence(judgement, folder)?);
    files.extend(forward::write(&judgement.forward, folder)?);
    let mut out = create(folder, INPUTS)?;
    let written = out.write_all(&canonical::to_line(inputs)?);
    written.map_err(|e| EngineError::io("writing", &folder.join(INPUTS), e))?;
    files.push(finish(folder, INPUTS, out)?);
    Ok((files, summary))
}

/// A file of a filing, as others are told of it.
#[derive(Debug, Clone)]
pub struct FiledFile {
    /// The file.
    pub file: Subject,
    /// Its size; `None` where it lies elsewhere.
    pub bytes: Option<u64>,
    /// Its rows, where it is one of movements or evidence.
    pub rows: Option<u64>,
}

/// The files of the filing in `folder`, then its manifest.
pub fn outputs(folder: &Path, files: Vec<Subject>, manifest: Sha256Digest, judgement: &Judgement) -> Vec<FiledFile> {
    let manifest = Subject { name: MANIFEST.to_owned(), sha256: manifest };
    let output = |file: Subject| {
        let bytes = folder.join(&file.name).metadata().map(|metadata| metadata.len()).ok();
        let rows = match file.name.as_str() {
            "report.csv" | "report.parquet" => Some(accepted(&judgement.day)),
            EXCEPTIONS => Some(judgement.evidence.iter().map(|list| list.rows).sum()),
            _ => None,
        };
        FiledFile { file, bytes, rows }
    };
    files.into_iter().chain([manifest]).map(output).collect()
}

/// How many movements are in the reports.
fn accepted(day: &Day) -> u64 {
    day.sources.iter().map(|source| source.records - source.rejected_records).sum()
}

/// Finds out without data whether the report's layout can be followed.
pub fn check_layout(config: &Config) -> Result<(), EngineError> {
    let amount = zeros(config)?;
    let header = Header {
        institution: &config.institution,
        series: &config.series,
        business_date: Date::constant(2000, 1, 1),
        records: 0,
        amount: &amount,
    };
    CsvReport::new(&config.report, &header, std::io::sink())?.finish()?;
    Ok(())
}

/// A zero of every configured currency: what a header or trailer record may name.
fn zeros(config: &Config) -> Result<Totals, EngineError> {
    let mut amount = Totals::new(config.scale());
    for currency in config.currencies() {
        amount.add(currency, 0)?;
    }
    Ok(amount)
}

/// Writes `exceptions.csv` into `folder`.
pub fn write_evidence(judgement: &Judgement, folder: &Path) -> Result<Subject, EngineError> {
    let mut lists = Vec::new();
    for list in &judgement.evidence {
        lists.push(list.read()?);
    }
    let mut out = create(folder, EXCEPTIONS)?;
    write_exceptions::<EngineError>(lists.into_iter().flatten(), &mut out)?;
    finish(folder, EXCEPTIONS, out)
}

/// Whether the evidence in two folders is the same but for record numbers of the warehouse's rows in the
/// file `copy`: those of one day have other numbers where they were fetched by other cells.
pub fn same_evidence(left: &Path, right: &Path, copy: &str) -> Result<bool, EngineError> {
    let same = || -> Result<bool, csv::Error> {
        let rows = |folder: &Path| Ok::<_, csv::Error>(csv::Reader::from_path(folder.join(EXCEPTIONS))?.into_records());
        let (mut left, mut right) = (rows(left)?, rows(right)?);
        loop {
            match (left.next().transpose()?, right.next().transpose()?) {
                (None, None) => return Ok(true),
                (Some(left), Some(right)) if unnumbered(&left, copy) == unnumbered(&right, copy) => {}
                _ => return Ok(false),
            }
        }
    };
    same().map_err(|error| EngineError::io("comparing the evidence", right, error.into()))
}

/// The cells of a row of evidence, without record numbers of the file `copy`.
fn unnumbered(row: &csv::StringRecord, copy: &str) -> Vec<String> {
    let mut cells: Vec<String> = row.iter().map(str::to_owned).collect();
    if let [_, _, _, file, record, ..] = &mut cells[..]
        && file == copy
    {
        record.clear();
    }
    if let Some(reason) = cells.last_mut()
        && let Some(before) = reason.strip_suffix(&format!(" of {copy}"))
    {
        *reason = before.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    }
    cells
}

/// Makes the reports of every movement, side by side.
fn reports(
    config: &Config,
    judgement: &Judgement,
    folder: &Path,
    progress: &Progress,
) -> Result<(Vec<Subject>, Summary), EngineError> {
    let (csv, others) =
        rayon::join(|| report_csv(config, judgement, folder), || report_parquet(config, judgement, folder, progress));
    let (csv, (parquet, summary_csv, summary)) = (csv?, others?);
    Ok((vec![csv, parquet, summary_csv], summary))
}

fn report_csv(config: &Config, judgement: &Judgement, folder: &Path) -> Result<Subject, EngineError> {
    let day = &judgement.day;
    let mut amount = zeros(config)?;
    for source in &day.sources {
        amount.merge(&source.amount)?;
    }
    let records = accepted(day);
    let header = Header {
        institution: &config.institution,
        series: &config.series,
        business_date: day.business_date,
        records,
        amount: &amount,
    };
    let mut csv = CsvReport::new(&config.report, &header, create(folder, "report.csv")?)?;
    for batch in movements(judgement) {
        csv.write(&batch?).map_err(|error| located(error, &judgement.files))?;
    }
    finish(folder, "report.csv", csv.finish()?)
}

/// `report.parquet`, and the summary.
fn report_parquet(
    config: &Config,
    judgement: &Judgement,
    folder: &Path,
    progress: &Progress,
) -> Result<(Subject, Subject, Summary), EngineError> {
    let mut parquet = ParquetReport::new(&config.report, judgement.day.scale, create(folder, "report.parquet")?)?;
    let mut summary = Summary::new();
    for batch in movements(judgement) {
        let batch = batch?;
        parquet.write(&batch)?;
        summary.observe(&batch)?;
        // Both reports have the same movements, and this one takes longer.
        progress.advance(batch.num_rows() as u64);
    }
    let parquet = finish(folder, "report.parquet", parquet.finish()?)?;
    let mut out = create(folder, "summary.csv")?;
    summary.write(&mut out)?;
    Ok((parquet, finish(folder, "summary.csv", out)?, summary))
}

/// The accepted movements of the day, in report order.
fn movements(judgement: &Judgement) -> impl Iterator<Item = Result<RecordBatch, EngineError>> {
    judgement.staged.iter().flat_map(|file| match file.read() {
        Ok(batches) => Either::Left(batches),
        Err(error) => Either::Right(std::iter::once(Err(error))),
    })
}

/// Names the input file that a report error counts.
fn located(error: ReportError, files: &[(String, String)]) -> EngineError {
    if let ReportError::Unencodable { place: Place::Cell { file, .. }, .. } = &error
        && let Some((source, name)) = usize::try_from(*file).ok().and_then(|file| files.get(file))
    {
        return EngineError::Unencodable { id: source.clone(), file: name.clone(), error };
    }
    error.into()
}

/// A file of the filing, hashed while it is written.
pub type Output = HashingWriter<BufWriter<File>>;

/// Begins a file of the filing.
pub fn create(folder: &Path, name: &str) -> Result<Output, EngineError> {
    let path = folder.join(name);
    let file = File::create_new(&path).map_err(|e| EngineError::io("writing", &path, e))?;
    Ok(HashingWriter::new(BufWriter::with_capacity(1 << 18, file)))
}

/// Ends a file of the filing, and names it.
pub fn finish(folder: &Path, name: &str, out: Output) -> Result<Subject, EngineError> {
    let (mut out, sha256, _) = out.finish();
    out.flush().map_err(|e| EngineError::io("writing", &folder.join(name), e))?;
    Ok(Subject { name: name.to_owned(), sha256 })
}
