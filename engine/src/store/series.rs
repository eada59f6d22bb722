//! A series as all commands work on it: the folder itself, or a working copy of what a command
//! needs of one in a bucket.

use std::path::{Path, PathBuf};

use cuadre_audit::layout::{self, FilingId, LOG, MANIFEST};
use cuadre_audit::{Series, Sha256Digest, Standing};
use jiff::Timestamp;
use jiff::civil::Date;
use object_store::UpdateVersion;

use super::Place;
use super::bucket::{Bucket, Listed};
use crate::carry;
use crate::dispositions::{self, DISPOSITIONS};
use crate::error::{EngineError, exit};
use crate::filing::EXCEPTIONS;
use crate::forward::FORWARD;
use crate::inputs::{Input, Inputs, Role, Superseded};
use crate::manifest::{Filed, filing_date};
use crate::progress::{Count, Progress};
use crate::scratch::Scratch;

/// A series to work on.
pub struct Working {
    place: Place,
    pub(super) folder: PathBuf,
    pub(super) remote: Option<Remote>,
    /// The working copy, which goes with the command.
    _scratch: Option<Scratch>,
}

/// The series that is worked on a copy of.
pub(super) struct Remote {
    pub(super) bucket: Bucket,
    /// LOG as it is there; none yet in a new series.
    pub(super) log: Option<UpdateVersion>,
}

impl Working {
    /// A series to read filings from.
    pub fn to_read(place: &Place) -> Result<Self, EngineError> {
        let Place::Bucket(url) = place else {
            let folder = place.folder().map(Path::to_owned).unwrap_or_default();
            return Ok(Self { place: place.clone(), folder, remote: None, _scratch: None });
        };
        if url.prefix.is_empty() {
            let remedy = format!("give it a folder of its own, such as {}", url.at("filings"));
            return Err(EngineError::Setup(format!("{place}: a series cannot be a whole bucket; {remedy}")));
        }
        let scratch = Scratch::new()?;
        let folder = scratch.path().join("series");
        std::fs::create_dir_all(&folder).map_err(|e| EngineError::io("making", &folder, e))?;
        let bucket = Bucket::open(url)?;
        let log = bucket.get(LOG)?;
        if let Some(log) = &log {
            let path = folder.join(LOG);
            std::fs::write(&path, &log.bytes).map_err(|e| EngineError::io("writing", &path, e))?;
        }
        bucket.download(&bucket.list(layout::TRUST)?, &folder, &|_| ())?;
        let remote = Remote { bucket, log: log.map(|log| log.version) };
        Ok(Self { place: place.clone(), folder, remote: Some(remote), _scratch: Some(scratch) })
    }

    /// A series to file a day in: also brings down what the night looks up in it.
    pub fn to_file(place: &Place, date: Date) -> Result<Self, EngineError> {
        let working = Self::to_read(place)?;
        if working.remote.is_some() {
            working.bring_for(date).map_err(|error| working.told(error))?;
        }
        Ok(working)
    }

    /// Whom the series trusts.
    pub fn standing(&self) -> Result<Standing, EngineError> {
        Series::at(&self.folder).standing().map_err(|error| self.told(error.into()))
    }

    /// When the last filing was signed, at the latest; `None` without a filing.
    pub fn last_signed(&self) -> Result<Option<Timestamp>, EngineError> {
        let series = Series::at(&self.folder);
        let signed = |name: &str| layout::parse_filing_file(name).is_some_and(|(_, name)| name.starts_with(MANIFEST));
        if let (Some(Remote { bucket, .. }), Some(last)) = (&self.remote, series.filings()?.last()) {
            let listed = bucket.list(&layout::filing(&last.id))?;
            let signed: Vec<Listed> = listed.into_iter().filter(|object| signed(&object.name)).collect();
            bucket.download(&signed, &self.folder, &|_| ())?;
        }
        series.last_signed().map_err(|error| self.told(error.into()))
    }

    /// Has nobody founded the series yet?
    pub fn is_new(&self) -> Result<bool, EngineError> {
        Ok(Series::at(&self.folder).is_new()?)
    }

    /// The local folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the series is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Brings down these filings' manifests.
    pub fn bring_manifests(&self, ids: &[FilingId]) -> Result<(), EngineError> {
        self.bring(&ids.iter().map(|id| layout::filing_file(id, MANIFEST)).collect::<Vec<_>>())
    }

    /// Brings down what tells which exceptions are open: manifests, and dispositions that none of them states.
    pub fn bring_open(&self) -> Result<(), EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(()) };
        let series = Series::at(&self.folder);
        if let Some(newest) = series.filings()?.last() {
            self.bring_manifests(&[newest.id])?;
        }
        self.bring_manifests(&carry::needed(&series)?)?;
        let stated = carry::as_signed(&series)?.dispositions.recorded;
        let beside = Bucket::open(&bucket.url.beside(DISPOSITIONS))?;
        let mut recorded = beside.list("")?;
        recorded.retain(|object| dispositions::number(&object.name).is_some_and(|number| number > stated));
        beside.download(&recorded, &dispositions::folder(&self.folder), &|_| ())
    }

    /// Brings down a filing's manifest, some of its files, and the list of what it was made from with its
    /// configuration: what people look at.
    pub fn bring_to_look(&self, id: FilingId, names: &[&str]) -> Result<(), EngineError> {
        self.bring_manifests(&[id])?;
        self.bring(&names.iter().map(|name| layout::filing_file(&id, name)).collect::<Vec<_>>())?;
        match self.remote {
            None => Ok(()),
            Some(_) => self.bring_list(Filed::read(&Series::at(&self.folder), id)?.list()?),
        }
    }

    /// Brings down a filing's manifest, and what it was made from.
    pub fn bring_filing(&self, id: FilingId, progress: &Progress) -> Result<(), EngineError> {
        self.bring_manifests(&[id])?;
        match self.remote {
            None => Ok(()),
            Some(_) => self.bring_inputs(&Filed::read(&Series::at(&self.folder), id)?, progress),
        }
    }

    /// Brings down everything that a filing was made from, of what it supersedes the movements too.
    pub(super) fn bring_inputs(&self, filed: &Filed, progress: &Progress) -> Result<(), EngineError> {
        let inputs = self.bring_listed(filed.list()?, filed.id, |_| true, progress)?;
        match inputs.and_then(|inputs| inputs.supersedes) {
            Some(Superseded { filing, inputs }) => self.bring_movements(inputs.sha256, filing, progress),
            None => Ok(()),
        }
    }

    /// Brings down what the movements of a filing were made from.
    pub fn bring_movements(&self, list: Sha256Digest, id: FilingId, progress: &Progress) -> Result<(), EngineError> {
        self.bring_listed(list, id, |input| input.role == Role::Extract, progress).map(drop)
    }

    /// Brings down those inputs of a filing that are `wanted`, and the list of all.
    fn bring_listed(
        &self,
        list: Sha256Digest,
        id: FilingId,
        wanted: impl Fn(&Input) -> bool,
        progress: &Progress,
    ) -> Result<Option<Inputs>, EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(None) };
        self.bring_list(list)?;
        let (inputs, _) = Inputs::read(&Series::at(&self.folder).archive(), list, id)?;
        let wanted = inputs.inputs.iter().filter(|input| wanted(input));
        let mut names = wanted.map(|input| object_of(&input.file.sha256)).collect::<Result<Vec<_>, _>>()?;
        names.retain(|name| !self.folder.join(name).is_file());
        let found = bucket.find(&names)?;
        progress.phase("bringing down", Some(Count::Bytes(found.iter().map(|object| object.bytes).sum())));
        bucket.download(&found, &self.folder, &|bytes| progress.advance(bytes))?;
        Ok(Some(inputs))
    }

    /// Brings down the list of what a filing was made from, and its configuration in every file of it.
    fn bring_list(&self, list: Sha256Digest) -> Result<(), EngineError> {
        self.bring(&[layout::object(list)])?;
        let archive = Series::at(&self.folder).archive();
        // What cannot be read is told by whoever needs it.
        let Ok(text) = std::fs::read(archive.path_of(list)) else { return Ok(()) };
        let Ok(inputs) = serde_json::from_slice::<Inputs>(&text) else { return Ok(()) };
        let files = std::iter::once(&inputs.config).chain(inputs.rule_files());
        self.bring(&files.map(|file| object_of(&file.sha256)).collect::<Result<Vec<_>, _>>()?)
    }

    fn bring_for(&self, date: Date) -> Result<(), EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(()) };
        // The first run may have left the trust file without LOG: opening makes that good.
        let series = Series::open_or_create(&self.folder)?;
        if let Some(last) = series.filings()?.last() {
            bucket.download(&bucket.list(&layout::filing(&last.id))?, &self.folder, &|_| ())?;
        }
        let latest = series.latest(filing_date(date)?)?.map(|filed| filed.id);
        let before = Filed::id_before(&series, date)?;
        let manifests = latest.iter().chain(&before).map(|id| layout::filing_file(id, MANIFEST));
        // With it a night compared by cells finds out whether it states the same again.
        let evidence = latest.iter().map(|id| layout::filing_file(id, EXCEPTIONS));
        let forward = before.iter().map(|id| layout::filing_file(id, FORWARD));
        self.bring(&manifests.chain(evidence).chain(forward).collect::<Vec<_>>())?;
        if let Some(before) = Filed::before(&series, date)? {
            self.bring_list(before.list()?)?;
        }
        self.bring_open()
    }

    /// Brings down those of these files that are there; what is not is told by whoever needs it.
    pub(super) fn bring(&self, names: &[String]) -> Result<(), EngineError> {
        let Some(Remote { bucket, .. }) = &self.remote else { return Ok(()) };
        bucket.download(&bucket.find(names)?, &self.folder, &|_| ())
    }

    /// An error about the working copy, as one about the series.
    pub fn told(&self, error: EngineError) -> EngineError {
        let (message, copy) = (error.to_string(), self.folder.display().to_string());
        if self.remote.is_none() || !message.contains(&copy) || error.exit_code() == exit::BUG {
            return error;
        }
        let message = message.replace(&copy, &self.place.to_string());
        EngineError::Elsewhere { message, exit_code: error.exit_code() }
    }

    /// Where a file of the series, or of what lies beside it, is for those who look for it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        match &self.remote {
            None => path.to_owned(),
            Some(_) => {
                let text = path.display().to_string();
                PathBuf::from(text.replace(&self.folder.display().to_string(), &self.place.to_string()))
            }
        }
    }
}

fn object_of(sha256: &str) -> Result<String, EngineError> {
    Ok(layout::object(sha256.parse::<Sha256Digest>()?))
}
