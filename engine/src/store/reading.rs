//! A series read where it lies, to verify it: a folder, or a bucket whose objects pass through memory.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use cuadre_audit::layout::{self, LOG};
use cuadre_audit::verify::{Files, Folder, Listing};

use super::Place;
use super::bucket::{AT_ONCE, Bucket, Stream};
use crate::error::EngineError;
use crate::progress::{Count, Progress};

/// A series to verify.
pub enum Reading<'a> {
    /// In a folder.
    Folder(Folder),
    /// In a bucket.
    Bucket(Box<Objects<'a>>),
}

/// The objects of a series in a bucket.
pub struct Objects<'a> {
    bucket: Bucket,
    listing: Listing,
    /// What could not be had from the store, the first time: that is no verdict on the series.
    fault: Mutex<Option<EngineError>>,
    progress: &'a Progress,
}

impl<'a> Reading<'a> {
    /// The series at a place; `with_archive` tells how much of it will be read.
    pub fn of(place: &Place, with_archive: bool, progress: &'a Progress) -> Result<Self, EngineError> {
        let url = match place {
            Place::Folder(folder) if folder.is_dir() => return Ok(Self::Folder(Folder(folder.clone()))),
            Place::Folder(_) => {
                return Err(EngineError::Usage(format!("{place} is no folder; give the folder that holds LOG")));
            }
            Place::Bucket(url) => url,
        };
        let bucket = Bucket::open(url)?;
        // Claims are how runs keep apart, and no part of the series.
        let listed = bucket.list("")?.into_iter().filter(|object| !layout::is_claim(&object.name));
        let files: Vec<(String, u64)> = listed.map(|object| (object.name, object.bytes)).collect();
        if !files.iter().any(|(name, _)| name == LOG) {
            let remedy = "give the URL of the folder that holds it";
            return Err(EngineError::Usage(format!("{place}: no LOG is there; {remedy}")));
        }
        let is_read = |name: &str| with_archive || !name.starts_with(layout::ARCHIVE);
        let bytes = files.iter().filter(|(name, _)| is_read(name)).map(|(_, bytes)| bytes).sum();
        progress.phase("reading", Some(Count::Bytes(bytes)));
        let listing = Listing { files, ..Listing::default() };
        Ok(Self::Bucket(Box::new(Objects { bucket, listing, fault: Mutex::new(None), progress })))
    }

    /// Its files.
    pub fn files(&self) -> &dyn Files {
        match self {
            Self::Folder(folder) => folder,
            Self::Bucket(objects) => objects.as_ref(),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// What the store did not give: what was found then says nothing of the series.
    pub fn end(self) -> Result<(), EngineError> {
        let Self::Bucket(objects) = self else { return Ok(()) };
        objects.progress.finish();
        objects.fault.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

impl Files for Objects<'_> {
    fn list(&self) -> Listing {
        self.listing.clone()
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let stream = self.bucket.stream(path).map_err(|error| self.note(error))?;
        Ok(Box::new(Object { objects: self, stream }))
    }

    fn readers(&self, _bytes: u64) -> usize {
        AT_ONCE
    }
}

impl Objects<'_> {
    fn note(&self, error: EngineError) -> io::Error {
        let told = io::Error::other(error.to_string());
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        told
    }
}

/// An object on its way.
struct Object<'a> {
    objects: &'a Objects<'a>,
    stream: Stream<'a>,
}

impl Read for Object<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer).map_err(|error| self.objects.note(error))?;
        self.objects.progress.advance(count as u64);
        Ok(count)
    }
}
