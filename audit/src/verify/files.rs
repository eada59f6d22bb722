//! Where the files of a series are read from: a folder, or whatever else can list and open them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

/// The files of a series, to be read and never written.
pub trait Files: Sync {
    /// Everything there is, with paths relative to the series.
    fn list(&self) -> Listing;

    /// Opens a regular file at its beginning.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>>;

    /// How many files to read at once, of so many bytes together.
    fn readers(&self, bytes: u64) -> usize;
}

/// What lies in a series.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Regular files and their lengths in bytes.
    pub files: Vec<(String, u64)>,
    /// Folders.
    pub folders: Vec<String>,
    /// Symbolic links, devices, sockets, pipes: nothing that belongs there.
    pub others: Vec<String>,
    /// Paths that could not be listed, and why.
    pub problems: Vec<(String, String)>,
}

/// A series in a local folder. Symbolic links are told, and not followed.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

/// One more thread hashes for each so many bytes, up to the number of processors.
const BYTES_PER_THREAD: u64 = 8 << 20;

impl Files for Folder {
    fn list(&self) -> Listing {
        let mut listing = Listing::default();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            self.list_folder(&folder, &mut folders, &mut listing);
        }
        listing
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(self.0.join(path))?))
    }

    fn readers(&self, bytes: u64) -> usize {
        let wanted = usize::try_from(bytes / BYTES_PER_THREAD).unwrap_or(usize::MAX);
        std::thread::available_parallelism().map_or(1, |n| n.get().min(wanted.max(1)))
    }
}

impl Folder {
    fn list_folder(&self, folder: &str, folders: &mut Vec<String>, listing: &mut Listing) {
        let (absolute, shown) = match folder {
            "" => (self.0.clone(), "."),
            _ => (self.0.join(folder), folder),
        };
        let entries = match fs::read_dir(&absolute) {
            Ok(entries) => entries,
            Err(e) => {
                let why = format!("the folder cannot be listed: {e}");
                return listing.problems.push((shown.to_owned(), why));
            }
        };
        for entry in entries {
            let named = entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?)));
            let (name, meta) = match named {
                Ok(named) => named,
                Err(e) => {
                    listing.problems.push((shown.to_owned(), format!("an entry cannot be read: {e}")));
                    continue;
                }
            };
            let path = match folder {
                "" => name.to_string_lossy().into_owned(),
                _ => format!("{folder}/{}", name.to_string_lossy()),
            };
            if name.to_str().is_none() {
                listing.problems.push((path, "its name is not UTF-8".to_owned()));
            } else if meta.is_dir() {
                folders.push(path.clone());
                listing.folders.push(path);
            } else if meta.is_file() {
                listing.files.push((path, meta.len()));
            } else {
                listing.others.push(path);
            }
        }
    }
}
