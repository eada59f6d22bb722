//! A bucket, asked one thing at a time. What takes many requests makes a few of them at once.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as Key};
use object_store::path::Path as Location;
use object_store::{
    BackoffConfig, ClientConfigKey, Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, RetryConfig, UpdateVersion, WriteMultipart,
};
use tokio::runtime::Runtime;

use super::failure::{CREDENTIALS, failure};
use super::{Url, is_plain};
use crate::error::EngineError;

/// Requests at once.
pub const AT_ONCE: usize = 8;
/// Files of more bytes than [`SMALL`] are uploaded by so many at once; of more than [`WHOLE`], in parts.
const SMALL: u64 = 1 << 20;
const LARGE_AT_ONCE: usize = 2;
const WHOLE: u64 = 16 << 20;
/// Bytes of a part, and how many parts are under way at once: what an upload takes in memory.
const PART: u64 = 8 << 20;
const PARTS_AT_ONCE: usize = 3;
/// Parts that an object can have, with some to spare.
const MOST_PARTS: u64 = 9_000;

/// What lies below a URL.
pub struct Bucket {
    /// Where.
    pub url: Url,
    store: AmazonS3,
    runtime: Runtime,
}

/// An object's bytes, and what tells whether it is still the same one.
pub struct Object {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its version, to replace just this one.
    pub version: UpdateVersion,
}

/// An object that was listed.
#[derive(Clone)]
pub struct Listed {
    /// Its name below the URL.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    meta: ObjectMeta,
}

impl Listed {
    /// When it was changed last, in seconds since 1970.
    pub fn changed(&self) -> i64 {
        self.meta.last_modified.timestamp()
    }
}

/// What lies in a folder.
pub struct Children {
    /// Objects, by name below the URL.
    pub objects: Vec<Listed>,
    /// Folders, likewise.
    pub folders: Vec<String>,
}

/// An object that is read piece by piece.
pub struct Stream<'a> {
    bucket: &'a Bucket,
    name: String,
    pieces: BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
}

/// When an object may be written.
pub enum Put {
    /// Only where there is none.
    New,
    /// Only in place of this version.
    InPlaceOf(UpdateVersion),
    /// In any case.
    Always,
}

impl Stream<'_> {
    /// Fills a part of `buffer`; 0 at the object's end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, EngineError> {
        while self.piece.is_empty() {
            let next = self.bucket.runtime.block_on(self.pieces.try_next());
            let next = next.map_err(|error| failure(&self.bucket.url, &self.name, &error))?;
            let Some(piece) = next else { return Ok(0) };
            self.piece = piece;
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

impl Bucket {
    /// Opens the bucket; what store it is in, and with which credentials, the standard `AWS_`
    /// variables say.
    pub fn open(url: &Url) -> Result<Self, EngineError> {
        // Another part of the program may have said so before: it is the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&url.bucket);
        let is_set = |builder: &AmazonS3Builder, key| {
            let value = builder.get_config_value(&key).unwrap_or_default().to_ascii_lowercase();
            matches!(value.as_str(), "true" | "1" | "on" | "yes" | "y")
        };
        let endpoints = [Key::Endpoint, Key::S3Endpoint].map(|key| builder.get_config_value(&key).unwrap_or_default());
        let is_open = endpoints.iter().any(|endpoint| endpoint.starts_with("http://"));
        if is_open && !is_set(&builder, Key::Client(ClientConfigKey::AllowHttp)) {
            let remedy = "use https://, or set AWS_ALLOW_HTTP=true where the network is your own";
            return Err(EngineError::Setup(format!("AWS_ENDPOINT is not encrypted; {remedy}")));
        }
        for (variable, key, default) in [
            ("AWS_CONNECT_TIMEOUT", ClientConfigKey::ConnectTimeout, "5s"),
            // Without an answer; an upload gets its answer when all of it is sent.
            ("AWS_READ_TIMEOUT", ClientConfigKey::ReadTimeout, "2m"),
            // Of a whole request: a download of gigabytes is one.
            ("AWS_TIMEOUT", ClientConfigKey::Timeout, "6h"),
        ] {
            if std::env::var_os(variable).is_none() {
                builder = builder.with_config(Key::Client(key), default);
            }
        }
        let has_key = [Key::AccessKeyId, Key::WebIdentityTokenFile, Key::ContainerCredentialsRelativeUri]
            .iter()
            .chain(&[Key::ContainerCredentialsFullUri])
            .any(|key| builder.get_config_value(key).is_some());
        let unsigned = is_set(&builder, Key::SkipSignature);
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(10), base: 2. };
        let retry = RetryConfig { backoff, max_retries: 5, retry_timeout: Duration::from_secs(180) };
        // Each removal by a request of its own, which every store knows, and whose refusal says why.
        let store = builder.with_disable_bulk_delete(true).with_retry(retry).build().map_err(|_| {
            let remedy = "check AWS_ENDPOINT, AWS_REGION, AWS_CHECKSUM_ALGORITHM and the timeouts, set both \
                          AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and give the machine the usual certificate \
                          authorities";
            EngineError::Setup(format!("the AWS_ variables do not say how to reach {}; {remedy}", url.at("")))
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| EngineError::io("starting", Path::new("the store's client"), e))?;
        if !has_key && !unsigned && runtime.block_on(store.credentials().get_credential()).is_err() {
            let why = "there are no credentials, and the machine has no role that gives any";
            return Err(EngineError::Setup(format!("{}: {why}; {CREDENTIALS}", url.at(""))));
        }
        Ok(Self { url: url.clone(), store, runtime })
    }

    /// Whether anything lies there. That the bucket itself is missing is an error.
    pub fn is_empty(&self) -> Result<bool, EngineError> {
        let prefix = self.location("")?;
        let first = self.runtime.block_on(self.store.list(Some(&prefix)).next());
        match first {
            None => Ok(true),
            Some(Ok(_) | Err(Error::InvalidPath { .. })) => Ok(false),
            Some(Err(error)) => Err(failure(&self.url, "", &error)),
        }
    }

    /// Everything below a folder, at any depth, by name.
    pub fn list(&self, folder: &str) -> Result<Vec<Listed>, EngineError> {
        let prefix = self.location(folder)?;
        let listed = self.runtime.block_on(self.store.list(Some(&prefix)).try_collect::<Vec<ObjectMeta>>());
        let listed = listed.map_err(|error| failure(&self.url, folder, &error))?;
        let mut listed: Vec<Listed> = listed.into_iter().filter_map(|meta| self.listed(meta)).collect();
        listed.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(listed)
    }

    /// What lies directly in each of these folders.
    pub fn children(&self, folders: &[String]) -> Result<Vec<Children>, EngineError> {
        let ask = |folder: &String| {
            let (folder, prefix) = (folder.clone(), self.location(folder));
            async move {
                let listed = self.store.list_with_delimiter(Some(&prefix?)).await;
                let listed = listed.map_err(|error| failure(&self.url, &folder, &error))?;
                Ok(Children {
                    objects: listed.objects.into_iter().filter_map(|meta| self.listed(meta)).collect(),
                    folders: listed.common_prefixes.iter().filter_map(|prefix| self.name(prefix)).collect(),
                })
            }
        };
        let asked = stream::iter(folders.iter().map(ask)).buffered(AT_ONCE).try_collect();
        self.runtime.block_on(asked)
    }

    /// Those of these objects that are there.
    pub fn find(&self, names: &[String]) -> Result<Vec<Listed>, EngineError> {
        let ask = |name: &String| {
            let (name, location) = (name.clone(), self.location(name));
            async move {
                match self.store.head(&location?).await {
                    Ok(meta) => Ok(self.listed(meta)),
                    Err(error) if is_absent(&error) => Ok(None),
                    Err(error) => Err(failure(&self.url, &name, &error)),
                }
            }
        };
        let asked = stream::iter(names.iter().map(ask)).buffered(AT_ONCE).try_collect::<Vec<Option<Listed>>>();
        Ok(self.runtime.block_on(asked)?.into_iter().flatten().collect())
    }

    /// An object that fits in memory, if it is there.
    pub fn get(&self, name: &str) -> Result<Option<Object>, EngineError> {
        let location = self.location(name)?;
        let read = self.runtime.block_on(async {
            let got = self.store.get(&location).await?;
            let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
            Ok(Object { bytes: got.bytes().await?.to_vec(), version })
        });
        match read {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failure(&self.url, name, &error)),
        }
    }

    /// An object to read from its beginning. One that is not there is a passing fault: it was listed.
    pub fn stream(&self, name: &str) -> Result<Stream<'_>, EngineError> {
        let location = self.location(name)?;
        let got = self.runtime.block_on(self.store.get(&location));
        let pieces = got.map_err(|error| failure(&self.url, name, &error))?.into_stream();
        Ok(Stream { bucket: self, name: name.to_owned(), pieces, piece: Bytes::new() })
    }

    /// Brings objects down into `folder`, under their names, with the times of their last change in
    /// whole seconds. One that is gone meanwhile is left out; one that changed is a passing fault.
    pub fn download(&self, objects: &[Listed], folder: &Path, tell: &dyn Fn(u64)) -> Result<(), EngineError> {
        let all = stream::iter(objects).map(|object| self.bring(object, folder, tell));
        self.runtime.block_on(all.buffer_unordered(AT_ONCE).try_collect())
    }

    async fn bring(&self, object: &Listed, folder: &Path, tell: &dyn Fn(u64)) -> Result<(), EngineError> {
        let failed = |error| failure(&self.url, &object.name, &error);
        let options = GetOptions { if_match: object.meta.e_tag.clone(), ..GetOptions::default() };
        let got = match self.store.get_opts(&object.meta.location, options).await {
            Err(error) if is_absent(&error) => return Ok(()),
            got => got.map_err(failed)?,
        };
        let path = folder.join(&object.name);
        let io = |e| EngineError::io("bringing down an object into", &path, e);
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(io)?;
        let mut file = File::create(&path).map_err(io)?;
        let mut bytes = got.into_stream();
        while let Some(chunk) = bytes.try_next().await.map_err(failed)? {
            file.write_all(&chunk).map_err(io)?;
            tell(chunk.len() as u64);
        }
        let changed = u64::try_from(object.meta.last_modified.timestamp()).unwrap_or(0);
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(changed)).map_err(io)
    }

    /// Writes a small object; its version, or `None` where the condition does not hold.
    pub fn put(&self, name: &str, bytes: Vec<u8>, put: Put) -> Result<Option<UpdateVersion>, EngineError> {
        let location = self.location(name)?;
        match self.runtime.block_on(self.write(&location, bytes, put)) {
            Ok(version) => Ok(Some(version)),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(failure(&self.url, name, &error)),
        }
    }

    async fn write(&self, location: &Location, bytes: Vec<u8>, put: Put) -> Result<UpdateVersion, Error> {
        let mode = match put {
            Put::New => PutMode::Create,
            Put::InPlaceOf(version) => PutMode::Update(version),
            Put::Always => PutMode::Overwrite,
        };
        let options = PutOptions { mode, ..PutOptions::default() };
        let written = self.store.put_opts(location, PutPayload::from(bytes), options).await?;
        Ok(UpdateVersion { e_tag: written.e_tag, version: written.version })
    }

    /// Brings up local files of any size, each under its name. Where `only_new`, a small one that is
    /// there already stays as it is.
    pub fn upload(&self, files: &[(String, &Path)], only_new: bool) -> Result<(), EngineError> {
        // What is under way is in memory.
        let is_small = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.len() <= SMALL);
        let (small, large): (Vec<_>, Vec<_>) = files.iter().partition(|(_, path)| is_small(path));
        for (files, at_once) in [(small, AT_ONCE), (large, LARGE_AT_ONCE)] {
            let all = stream::iter(files).map(|(name, path)| self.raise(name, path, only_new));
            self.runtime.block_on(all.buffer_unordered(at_once).try_collect::<()>())?;
        }
        Ok(())
    }

    async fn raise(&self, name: &str, path: &Path, only_new: bool) -> Result<(), EngineError> {
        let location = self.location(name)?;
        let failed = |error| failure(&self.url, name, &error);
        let io = |e| EngineError::io("bringing up", path, e);
        let mut file = File::open(path).map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        if bytes <= WHOLE {
            let mut content = Vec::new();
            file.read_to_end(&mut content).map_err(io)?;
            let put = if only_new { Put::New } else { Put::Always };
            return match self.write(&location, content, put).await {
                Ok(_) => Ok(()),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) if only_new => Ok(()),
                Err(error) => Err(failed(error)),
            };
        }
        let part = PART.max(bytes.div_ceil(MOST_PARTS));
        let upload = self.store.put_multipart(&location).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, usize::try_from(part).unwrap_or(usize::MAX));
        loop {
            let mut content = Vec::new();
            let read = (&mut file).take(part).read_to_end(&mut content);
            let sent = upload.wait_for_capacity(PARTS_AT_ONCE).await;
            match (read, sent) {
                (Ok(0), Ok(())) => return upload.finish().await.map(drop).map_err(failed),
                (Ok(_), Ok(())) => upload.put(content.into()),
                (read, sent) => {
                    // Why it failed is what counts; parts that stay behind the bucket's own rules remove.
                    let _ = upload.abort().await;
                    return read.map(drop).map_err(io).and(sent.map_err(failed));
                }
            }
        }
    }

    /// Removes objects; what the store refuses, by the object's place among them, and why.
    pub fn remove(&self, names: &[&str]) -> Vec<(usize, EngineError)> {
        let ask = |(index, name): (usize, &&str)| {
            let (name, location) = ((*name).to_owned(), self.location(name));
            async move {
                let location = location.map_err(|error| (index, error))?;
                match self.store.delete(&location).await {
                    Err(error) if !is_absent(&error) => Err((index, failure(&self.url, &name, &error))),
                    _ => Ok(()),
                }
            }
        };
        let asked = stream::iter(names.iter().enumerate().map(ask)).buffered(AT_ONCE).collect::<Vec<Result<(), _>>>();
        self.runtime.block_on(asked).into_iter().filter_map(Result::err).collect()
    }

    fn location(&self, name: &str) -> Result<Location, EngineError> {
        Location::parse(self.url.key(name)).map_err(|source| failure(&self.url, name, &Error::InvalidPath { source }))
    }

    /// The name of a key below the URL; none for the URL itself, such as the mark of an empty folder.
    fn name(&self, location: &Location) -> Option<String> {
        let key: &str = location.as_ref();
        let name = match self.url.prefix.as_str() {
            "" => key,
            prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        is_plain(name).then(|| name.to_owned())
    }

    fn listed(&self, meta: ObjectMeta) -> Option<Listed> {
        let name = self.name(&meta.location)?;
        Some(Listed { name, bytes: meta.size, meta })
    }
}

/// Whether the object is not there; that its bucket is not there is another matter.
fn is_absent(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && !error.to_string().contains("NoSuchBucket")
}
