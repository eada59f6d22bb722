//! Where landing files and series lie: a folder, or a bucket of an object store that speaks S3.
//!
//! All work is done on local files. What lies in a bucket is brought down first ([`Landing`],
//! [`Working`]), and what a night files is brought up last, so that the bytes are the same wherever
//! they lie.

mod bucket;
mod failure;
mod landing;
mod prune;
mod push;
mod reading;
mod series;

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::error::EngineError;

pub use landing::{Landing, Lying, LyingFile};
pub use reading::Reading;
pub use series::Working;

/// Where something lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a local folder.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(Url),
}

/// `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    bucket: String,
    /// Plain names joined by `/`; empty for the whole bucket.
    prefix: String,
}

impl Place {
    /// Reads a path or URL; a path is relative to `base`.
    pub fn parse(text: &Path, base: &Path) -> Result<Self, EngineError> {
        let wrong = |why: &str| {
            let remedy = "give a folder, file:///path/of/a/folder, or s3://bucket/prefix";
            Err(EngineError::Setup(format!("{}: {why}; {remedy}", text.display())))
        };
        let Some((scheme, rest)) = text.to_str().and_then(|text| text.split_once("://")) else {
            return Ok(Self::Folder(base.join(text)));
        };
        match scheme {
            // What stands there may be a password: it is not repeated.
            "s3" if rest.contains('@') => Err(EngineError::Setup(
                "a URL of a bucket holds no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
            )),
            "s3" => match Url::parse(rest) {
                Some(url) => Ok(Self::Bucket(url)),
                None => wrong("not the URL of a bucket"),
            },
            "file" if rest.contains('%') => wrong("`%` is not decoded"),
            "file" if rest.starts_with('/') => Ok(Self::Folder(PathBuf::from(rest))),
            "file" => wrong("file:// takes an absolute path"),
            _ => wrong("this kind of URL is not known"),
        }
    }

    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Bucket(_) => None,
        }
    }
}

impl Url {
    fn parse(rest: &str) -> Option<Self> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let is_bucket = !bucket.is_empty() && bucket.bytes().all(plain);
        let is_prefix = prefix.is_empty() || (is_plain(prefix) && !prefix.contains(['?', '#', '\\']));
        (is_bucket && is_prefix).then(|| Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The key of a name below this URL.
    fn key(&self, name: &str) -> String {
        match (self.prefix.as_str(), name) {
            ("", name) => name.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}/{name}"),
        }
    }

    /// The URL of a name below it, as it is shown.
    fn at(&self, name: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(name)).trim_end_matches('/').to_owned()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket(url) => f.write_str(&url.at("")),
        }
    }
}

/// Can this be a relative path that stays where it is put? Names joined by single slashes, none of
/// them `.` or `..`.
fn is_plain(name: &str) -> bool {
    let path = Path::new(name);
    let rebuilt: PathBuf = path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    !name.is_empty() && rebuilt.as_os_str() == name && !name.bytes().any(|b| b.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, EngineError> {
        Place::parse(Path::new(text), Path::new("/etc/cuadre"))
    }

    #[test]
    fn a_place_is_a_path_or_a_url() {
        for (text, shown) in [
            ("data", "/etc/cuadre/data"),
            ("/srv/data", "/srv/data"),
            ("file:///srv/data", "/srv/data"),
            ("s3://landing", "s3://landing"),
            ("s3://landing/", "s3://landing"),
            ("s3://landing/caja/data/", "s3://landing/caja/data"),
        ] {
            assert_eq!(place(text).unwrap().to_string(), shown, "{text}");
        }
        for text in [
            "s3://",
            "s3:///x",
            "s3://b//x",
            "s3://b/../x",
            "s3://b/./x",
            "s3://b/x?y",
            "gs://b/x",
            "file://x",
            "s3://b c/x",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
        let error = place("s3://AKIA:secret@bucket/x").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn names_that_leave_their_folder_are_not_plain() {
        for name in ["a", "a/b.csv", "a b/ñ.csv", ".hidden"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "a\nb"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
