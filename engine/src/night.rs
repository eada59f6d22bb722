//! The whole night, top to bottom.

use std::path::{Path, PathBuf};

use cuadre_audit::layout::{MANIFEST, beside};
use cuadre_audit::manifest::Statement;
use cuadre_audit::{Archive, FilingId, NewFiling, Series, Sha256Digest, SigningKey, Subject};
use cuadre_reports::open::CarriedOver;
use cuadre_reports::{Status, predicate};
use cuadre_rules::Config;
use cuadre_rules::day::{Day, Decision, decide};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::carry;
use crate::changes::{self, Changes};
use crate::deliveries::Places;
use crate::error::EngineError;
use crate::filing::{EXCEPTIONS, FiledFile, outputs, render, same_evidence, write_evidence};
use crate::forward;
use crate::inputs::{Bytes, Input, Inputs, Role, Texts};
use crate::judge::{Extent, Judgement, Room, judge};
use crate::load::kept::Kept;
use crate::manifest::{Filed as Earlier, PREDICATE_TYPE, Signed, filing_date, first_facts};
use crate::notices::outbox::Outbox;
use crate::pages;
use crate::progress::Progress;
use crate::receive::{receive, receive_in_place};
use crate::scratch::Scratch;
use crate::spool;
use crate::telling::{Stage, Telling, What};
use crate::time_stamp::{self, Stamping};
use crate::usual::Usual;
use crate::view::Basis;
use crate::watch::Unfinished;
use crate::work::Work;
use crate::{stop, trust};

/// What is put to a series' name for that of the folder beside it with the evidence of days not filed.
pub const NOT_FILED: &str = ".not-filed";

/// One night to run.
pub struct Night<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What it is written in, as it goes into the archive.
    pub texts: &'a Texts,
    /// The day to report.
    pub business_date: Date,
    /// Where the day's inputs are.
    pub places: Places,
    /// The series folder.
    pub filings: PathBuf,
    /// The key that signs.
    pub key: &'a SigningKey,
    /// When the filing is issued.
    pub issued_at: Timestamp,
    /// Why a filed day is stated again.
    pub reason: Option<String>,
    /// Who runs it.
    pub operator: Option<String>,
    /// Why the day has no movements, where that is declared.
    pub no_movements: Option<String>,
    /// What had come in part when the night went on without waiting longer.
    pub unfinished: &'a Unfinished,
    /// Where it keeps what a run after this one need not do again; a night without it begins anew each time.
    pub work: Option<Work>,
    /// Whether the day may be filed while the archive of the series is away.
    pub without_archive: bool,
    /// Bytes of memory that it may take.
    pub memory: usize,
    /// Who is told how far it has come.
    pub progress: &'a Progress,
    /// Who is told what happens in it, and its clock.
    pub telling: &'a Telling<'a>,
    /// What its sources usually send.
    pub usual: &'a Usual,
    /// Where lies what earlier nights could not tell.
    pub outbox: Outbox,
}

impl Night<'_> {
    /// Goes on to the next stage, unless somebody asked to stop.
    fn enter(&self, stage: Stage) -> Result<(), EngineError> {
        stop::unless_asked(stage.name())?;
        self.telling.tell(&What::Stage(stage));
        Ok(())
    }
}

/// What a night came to.
pub enum Outcome {
    /// The day is filed.
    Filed(Filing),
    /// The policy forbids it.
    NotFiled(NotFiled),
}

/// A night that the policy does not let be filed.
pub struct NotFiled {
    /// Why not.
    pub reasons: Vec<String>,
    /// The evidence, for the person who is called: `exceptions.csv` as it would have been filed.
    pub evidence: PathBuf,
    /// What it was judged from.
    pub inputs: Inputs,
    /// The judgement.
    pub day: Day,
}

/// A filing of the day.
pub struct Filing {
    /// The filing.
    pub id: FilingId,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it is new; otherwise the day was filed before from the same inputs.
    pub is_new: bool,
    /// Whether its report is whole.
    pub status: Status,
    /// What it makes of an earlier filing of the day.
    pub supersedes: Option<Superseding>,
    /// What each time stamping authority said of it; nothing where it was filed before.
    pub stamps: Vec<Stamping>,
    /// What this run was made from.
    pub inputs: Inputs,
    /// Its files.
    pub outputs: Vec<FiledFile>,
    /// The judgement it states.
    pub day: Day,
    /// What is open of other days.
    pub carried_over: Vec<CarriedOver>,
}

/// How a new filing takes the place of an earlier one of its day.
pub struct Superseding {
    /// The earlier one.
    pub filing: FilingId,
    /// As what: `supplement` or `restatement`.
    pub kind: String,
    /// Which movements changed.
    pub changes: Changes,
}

/// Runs the night: receive, load, reconcile, report, file. What an earlier filing of the day was made from is
/// asked of `bring` before it is looked at in the archive.
pub fn run(night: &Night<'_>, bring: impl FnOnce(&Earlier) -> Result<(), EngineError>) -> Result<Outcome, EngineError> {
    let authorities = time_stamp::authorities(night.config, &night.places.secrets)?;
    let series = Series::open_or_create(&night.filings)?;
    trust::enrol(&series, night.config, &night.places.secrets, &night.key.public_key(), night.issued_at)?;
    let scratch = Scratch::new()?;

    night.enter(Stage::Receive)?;
    let kept = night.work.as_ref().map(|work| Kept::at(&work.night(night.business_date)));
    spool::empty(night, &series);
    let receive = |archive: &Archive| receive(night, archive, scratch.path(), kept.as_ref());
    let (mut inputs, archived) = spool::receive_into(night, &series, receive)?;
    let archive = &archived.archive;
    mark_repeated(&mut inputs, &series)?;
    inputs.problems.extend(night.outbox.untold(night.config, night.business_date));
    let carried = carry::take(&series, archive, &mut inputs, night.progress)?;
    forward::take(&series, archive, night.config, &mut inputs)?;
    pages::take(night.config, &night.places.secrets, archive, &mut inputs)?;
    let earlier = Earlier::latest(&series, night.business_date)?;
    inputs.supersedes = earlier.as_ref().map(Earlier::superseded).transpose()?;
    let room = Room { scratch: scratch.path(), memory: night.memory, progress: night.progress, kept: kept.as_ref() };
    night.enter(Stage::Reconcile)?;
    let judgement = judge(night.config, &inputs, &Bytes::Archived(archive.clone()), room, Extent::Day)?;
    night.telling.loaded(&judgement.day);
    for words in night.usual.tell(night.telling, &judgement.day) {
        night.progress.note(&format!("warning: {words}"));
    }
    let status = match decide(night.config, &judgement.day) {
        Decision::Blocked(reasons) => return not_filed(night, reasons, inputs, judgement).map(Outcome::NotFiled),
        Decision::Partial => Status::Partial,
        Decision::Complete => Status::Complete,
    };

    night.enter(Stage::Report)?;
    let id = series.next(filing_date(night.business_date)?)?;
    let staging = series.stage(id)?.archived_in(archive.clone());
    let (mut files, summary) = render(night.config, &inputs, &judgement, staging.path(), night.progress)?;

    let facts = first_facts(night, &inputs)?;
    let mut predicate = predicate(&judgement.day, &facts, &carried, status)?;
    let carried_over = predicate.carried_over.clone().unwrap_or_default();
    let outcome = |id, manifest: Sha256Digest, files, before: Option<Status>, supersedes, stamps| {
        let folder = series.folder(&id);
        Ok(Outcome::Filed(Filing {
            id,
            manifest_sha256: manifest.to_string(),
            is_new: before.is_none(),
            status: before.unwrap_or(status),
            supersedes,
            stamps,
            inputs: inputs.clone(),
            outputs: outputs(&folder, files, manifest, &judgement),
            day: judgement.day.clone(),
            carried_over: carried_over.clone(),
            folder,
        }))
    };
    let mut supersedes = None;
    if let Some(earlier) = earlier {
        // Cells of another salt have other rows fetched, and so other record numbers.
        let copy = inputs.of(Role::Cells, "").next().and_then(|_| inputs.of(Role::Warehouse, "").next());
        let same = |copy: &Input| same_evidence(&series.folder(&earlier.id), staging.path(), &copy.file.name);
        let same = copy.map(same).transpose()?.unwrap_or_default().then_some(EXCEPTIONS);
        if earlier.states(&predicate, &files, same) {
            let manifest = earlier.sha256.parse()?;
            return outcome(earlier.id, manifest, earlier.files().to_vec(), Some(earlier.status()), None, Vec::new());
        }
        bring(&earlier)?;
        let written = changes::write(night.config, &inputs, &judgement, &summary, archive, staging.path(), room);
        let written = written.map_err(|error| archived.told(error))?;
        let (file, changes) = written.ok_or_else(|| EngineError::bug("a filing supersedes none"))?;
        files.push(file);
        predicate.filing = earlier.next(&predicate, &changes, night.reason.as_deref())?;
        supersedes = Some(Superseding { filing: earlier.id, kind: predicate.filing.kind.clone(), changes });
    }
    files.extend(carry::annex(&predicate, staging.path())?);
    let basis = Basis {
        config: Some(night.config),
        inputs: Some(&inputs),
        predicate: &predicate,
        filing: id,
        files: &files,
        folder: staging.path(),
    };
    let made = pages::write(basis, &judgement.evidence, archive, room)?;
    files.extend(made);
    night.enter(Stage::File)?;
    let predicate = Signed { predicate, history: series.history()? };
    let filing = NewFiling { files: files.clone(), predicate_type: PREDICATE_TYPE, predicate };
    let mut sealed = staging.seal(filing, night.key)?;
    let trust = series.standing()?.trust;
    let stamps = time_stamp::stamp(&mut sealed, &authorities, &trust, night);
    let filed = staging.commit(sealed)?;
    outcome(filed.id, filed.manifest, files, None, supersedes, stamps)
}

/// Loads a day where its files lie and compares both sides; archives nothing, files nothing, and
/// needs no key. What was found is read by `tell`.
pub fn compare<T>(
    config: &Config,
    business_date: Date,
    places: &Places,
    memory: usize,
    progress: &Progress,
    tell: impl FnOnce(Judgement) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let scratch = Scratch::new()?;
    let (inputs, bytes) = receive_in_place(config, business_date, places, scratch.path(), progress)?;
    let room = Room { scratch: scratch.path(), memory, progress, kept: None };
    let judgement = judge(config, &inputs, &bytes, room, Extent::EndToEnd)?;
    progress.finish();
    tell(judgement)
}

/// Marks the extracts that the day before was filed from already. What cannot be read of that day
/// does not hold up this one; `verify` is there to tell.
fn mark_repeated(inputs: &mut Inputs, series: &Series) -> Result<(), EngineError> {
    let Some(before) = Earlier::before(series, inputs.business_date)? else { return Ok(()) };
    let Ok((filed, _)) = before.inputs(&series.archive()) else { return Ok(()) };
    for input in inputs.inputs.iter_mut().filter(|input| input.role == Role::Extract) {
        let mut same = filed.of(Role::Extract, &input.of).filter(|filed| filed.file.sha256 == input.file.sha256);
        input.filed_before = same.next().map(|_| before.id.to_string());
    }
    Ok(())
}

/// Leaves the evidence beside the series, which holds filings alone.
fn not_filed(
    night: &Night<'_>,
    reasons: Vec<String>,
    inputs: Inputs,
    judgement: Judgement,
) -> Result<NotFiled, EngineError> {
    let folder = beside(&night.filings, NOT_FILED).join(night.business_date.to_string());
    let failed = |e| EngineError::io("leaving the evidence", &folder, e);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    write_evidence(&judgement, &folder)?;
    Ok(NotFiled { reasons, evidence: folder.join(EXCEPTIONS), inputs, day: judgement.day })
}

/// Makes a filing again, from its manifest and the archive alone, into `out`, within `memory` bytes. Returns
/// its files; the manifest is the last of them.
pub fn regenerate(
    archive: &Archive,
    filed: &Earlier,
    out: &Path,
    memory: usize,
    progress: &Progress,
) -> Result<Vec<Subject>, EngineError> {
    let (inputs, config) = filed.inputs(archive)?;
    inputs.check(archive)?;
    let scratch = Scratch::new()?;
    let room = Room { scratch: scratch.path(), memory, progress, kept: None };
    let judgement = judge(&config, &inputs, &Bytes::Archived(archive.clone()), room, Extent::Day)?;
    let status = match decide(&config, &judgement.day) {
        Decision::Complete => Status::Complete,
        _ => Status::Partial,
    };
    let (mut files, summary) = render(&config, &inputs, &judgement, out, progress)?;
    let changes = changes::write(&config, &inputs, &judgement, &summary, archive, out, room)?;
    files.extend(changes.map(|(file, _)| file));
    let (facts, carried) = (filed.facts(&config, inputs.format)?, carry::of(&inputs, archive)?);
    let predicate = predicate(&judgement.day, &facts, &carried, status)?;
    files.extend(carry::annex(&predicate, out)?);
    let basis = Basis {
        config: Some(&config),
        inputs: Some(&inputs),
        predicate: &predicate,
        filing: filed.id,
        files: &files,
        folder: out,
    };
    let made = pages::write(basis, &judgement.evidence, archive, room)?;
    files.extend(made);
    let predicate = Signed { predicate, history: filed.history() };
    let statement = Statement { subject: files.clone(), predicate_type: PREDICATE_TYPE.to_owned(), predicate };
    let bytes = statement.to_bytes()?;
    let path = out.join(MANIFEST);
    std::fs::write(&path, &bytes).map_err(|e| EngineError::io("writing", &path, e))?;
    files.push(Subject { name: MANIFEST.to_owned(), sha256: Sha256Digest::of(&bytes) });
    Ok(files)
}
