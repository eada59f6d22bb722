//! Digests, the archive, the manifest, signatures, the history and its verification.
//!
//! This crate knows no finance: it keeps a *series* of filings as plain files that the stock tools
//! of any Linux can check (`sha256sum -c LOG`, `ssh-keygen -Y verify`, `head -n N LOG | sha256sum`).
//! It reads no clock; the only randomness is that of [`SigningKey::generate`] and of the salt that an encrypted key is
//! written with.
//!
//! | module | what lives there |
//! |---|---|
//! | [`layout`] | every path of a series on disk |
//! | [`disk`] | writing so that it outlasts a loss of power |
//! | [`digest`] | SHA-256 as a type, and hashing while reading or writing |
//! | [`canonical`] | RFC 8785 canonical JSON |
//! | [`archive`] | the content-addressed store of raw bytes |
//! | [`spool`] | what waits for an archive that is away |
//! | [`manifest`] | the in-toto statement of a filing |
//! | [`keys`] | Ed25519 keys in OpenSSH's formats, signatures, allowed signers |
//! | [`trust`] | a generation of trust: signers, time stamping authorities, the calendar |
//! | [`time_stamp`] | time stamps of RFC 3161: asking for them, and checking them |
//! | [`series`] | writing: install trust, stage a filing, commit it, recover from a crash |
//! | [`prune`] | what may be removed: what no filing names, once its retention has ended |
//! | [`mod@verify`] | checking a series from nothing but its bytes |

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod archive;
pub mod canonical;
pub mod digest;
pub mod disk;
pub mod error;
mod filing_id;
mod inputs;
pub mod keys;
pub mod layout;
mod log;
pub mod manifest;
pub mod prune;
pub mod series;
pub mod signers;
pub mod spool;
pub mod time_stamp;
pub mod trust;
pub mod verify;

pub use archive::{Archive, Stored};
pub use digest::Sha256Digest;
pub use error::{Error, ErrorKind, Result};
pub use keys::{PublicKey, SigningKey};
pub use layout::{FilingDate, FilingId};
pub use manifest::{History, Subject};
pub use series::{Filed, Hold, NewFiling, Sealed, Series, SeriesWriter, Staging, Standing, TrustFiles};
pub use trust::Trust;
pub use verify::{Report, verify};
