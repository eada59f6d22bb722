//! The landing files of a day, brought down from a bucket under the names they have there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use cuadre_rules::config::database::Engine;
use jiff::Timestamp;
use jiff::civil::Date;

use super::bucket::{Bucket, Children, Listed};
use super::{Place, Url};
use crate::error::EngineError;
use crate::landing::{is_open, named, parts, with_date};
use crate::progress::{Count, Progress};
use crate::scratch::Scratch;

/// A local folder with the landing files of a day.
pub struct Landing {
    folder: PathBuf,
    /// Where it was made for the night, and goes with it.
    _scratch: Option<Scratch>,
}

impl Landing {
    /// The landing files of `date`. That nothing at all lies there is an error: all sources missing
    /// at once is no delivery but a wrong path, or a mount that is away.
    pub fn of(place: &Place, config: &Config, date: Date, progress: &Progress) -> Result<Self, EngineError> {
        match place {
            Place::Folder(folder) if folder.is_dir() => Ok(Self { folder: folder.clone(), _scratch: None }),
            Place::Folder(_) => Err(EngineError::Setup(format!(
                "the data folder {place} is not there; check `data` in the configuration, --data, and the mount"
            ))),
            Place::Bucket(url) => {
                let scratch = Scratch::new()?;
                bring(url, config, date, scratch.path(), progress)?;
                Ok(Self { folder: scratch.path().to_owned(), _scratch: Some(scratch) })
            }
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// What has landed so far, to be looked at again and again.
pub enum Lying {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(Box<Bucket>),
}

/// A file that has landed, and may not be whole.
pub struct LyingFile {
    /// Its name below the landing place.
    pub name: String,
    /// Its size so far.
    pub bytes: u64,
    /// When it was last changed, by the clock of where it lies.
    pub changed_at: Option<Timestamp>,
}

impl Lying {
    /// What has landed at `place`.
    pub fn at(place: &Place) -> Result<Self, EngineError> {
        Ok(match place {
            Place::Folder(folder) => Self::Folder(folder.clone()),
            Place::Bucket(url) => Self::Bucket(Box::new(Bucket::open(url)?)),
        })
    }

    /// The files that match the patterns now, in order. What of a folder cannot be read is for the night to
    /// say.
    pub fn files(&self, patterns: &[String], date: Date) -> Result<Vec<LyingFile>, EngineError> {
        match self {
            Self::Folder(folder) => {
                let found = crate::landing::find(folder, patterns, date).unwrap_or_default();
                let lying = |file: crate::landing::Found| {
                    let metadata = file.path.metadata().ok()?;
                    let changed_at = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                    Some(LyingFile { name: file.name, bytes: metadata.len(), changed_at })
                };
                Ok(found.into_iter().filter_map(lying).collect())
            }
            Self::Bucket(bucket) => {
                let mut files = Vec::new();
                for pattern in patterns {
                    for object in find(bucket, &parts(&with_date(pattern, date)))? {
                        let changed_at = Timestamp::from_second(object.changed()).ok();
                        files.push(LyingFile { bytes: object.bytes, changed_at, name: object.name });
                    }
                }
                Ok(files)
            }
        }
    }
}

fn bring(url: &Url, config: &Config, date: Date, folder: &Path, progress: &Progress) -> Result<(), EngineError> {
    progress.phase("looking for files", None);
    let bucket = Bucket::open(url)?;
    if bucket.is_empty()? {
        let remedy = "check `data` in the configuration, --data, and the bucket";
        return Err(EngineError::Setup(format!("nothing lies at {}; {remedy}", Place::Bucket(url.clone()))));
    }
    let mut found = BTreeMap::new();
    for pattern in patterns(config) {
        let dated = with_date(pattern, date);
        found.extend(find(&bucket, &parts(&dated))?.into_iter().map(|object| (object.name.clone(), object)));
    }
    found.extend(sqlite_databases(&bucket, config)?.into_iter().map(|object| (object.name.clone(), object)));
    let found: Vec<Listed> = found.into_values().collect();
    progress.phase("bringing down", Some(Count::Bytes(found.iter().map(|object| object.bytes).sum())));
    bucket.download(&found, folder, &|bytes| progress.advance(bytes))
}

/// Every pattern of the configuration.
fn patterns(config: &Config) -> Vec<&str> {
    let mut patterns = Vec::new();
    for source in &config.sources {
        patterns.extend(source.extract.files.patterns().iter().map(String::as_str));
        patterns.extend(source.control.as_ref().and_then(|control| control.file.as_deref()));
    }
    patterns.extend(config.datasets.iter().filter_map(|dataset| dataset.file.as_deref()));
    patterns.extend(config.warehouse.extract().files.patterns().iter().map(String::as_str));
    patterns
}

/// The SQLite databases of the configuration: each is one file, or three while somebody writes to it.
fn sqlite_databases(bucket: &Bucket, config: &Config) -> Result<Vec<Listed>, EngineError> {
    let controls = config.sources.iter().filter_map(|source| source.control.as_ref()?.url.as_deref());
    let extracts = config.sources.iter().map(|source| &source.extract).chain([config.warehouse.extract()]);
    let urls = extracts.filter_map(|extract| extract.url.as_deref()).chain(controls);
    let paths = urls.filter_map(|url| match Engine::of(url) {
        Ok((Engine::Sqlite, path)) if !path.starts_with('/') => Some(parts(path).join("/")),
        _ => None,
    });
    let files = paths.flat_map(|path| ["", "-wal", "-shm"].map(|suffix| format!("{path}{suffix}")));
    bucket.find(&files.collect::<Vec<_>>())
}

/// The objects that match a dated pattern. Only the folders that its names lead to are listed, so
/// that other days and other sources cost nothing.
fn find(bucket: &Bucket, parts: &[&str]) -> Result<Vec<Listed>, EngineError> {
    let Some((last, folders)) = parts.split_last() else { return Ok(Vec::new()) };
    let join =
        |folder: &String, part: &str| if folder.is_empty() { part.to_owned() } else { format!("{folder}/{part}") };
    let mut places = vec![String::new()];
    for part in folders {
        places = match is_open(part) {
            false => places.iter().map(|place| join(place, part)).collect(),
            true => {
                let children = bucket.children(&places)?;
                let folders = children.into_iter().flat_map(|Children { folders, .. }| folders);
                folders.filter(|folder| named(part, last_name(folder))).collect()
            }
        };
    }
    if !is_open(last) {
        return bucket.find(&places.iter().map(|place| join(place, last)).collect::<Vec<_>>());
    }
    let children = bucket.children(&places)?;
    let objects = children.into_iter().flat_map(|Children { objects, .. }| objects);
    Ok(objects.filter(|object| named(last, last_name(&object.name))).collect())
}

fn last_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
