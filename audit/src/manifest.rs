//! The manifest: an in-toto Statement v1 whose exact bytes on disk are what is signed.
//!
//! This crate reads from a predicate only what keeps a series together ([`SeriesFacts`]); what else
//! a predicate says is the business of whoever writes it.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::canonical;
use crate::digest::Sha256Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, FilingDate, FilingId};

/// The `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement about files: on disk, canonical JSON and one newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<P> {
    /// The files, in the order in which `LOG` names them.
    pub subject: Vec<Subject>,
    /// What kind of predicate it is: a URI.
    pub predicate_type: String,
    /// What is said about the files.
    pub predicate: P,
}

/// A file of a filing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The file's name in the filing's folder.
    pub name: String,
    /// The digest of its content.
    pub sha256: Sha256Digest,
}

/// A state of the history: how much `LOG` held, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// How many lines `LOG` held.
    pub entries: u64,
    /// The digest of those lines, newlines included.
    pub sha256: Sha256Digest,
}

/// What a predicate must say so that the series holds together; it may say more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesFacts {
    /// The day the filing is for.
    pub business_date: FilingDate,
    /// When it says that it was issued: `2026-11-21T11:40:00Z`, perhaps with a fraction, and in no other way.
    #[serde(deserialize_with = "instant")]
    pub issued_at: Timestamp,
    /// The filing's place among those of its day.
    pub filing: Place,
    /// `LOG` just before this filing.
    pub history: History,
}

/// A filing's place among those of its day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which filing of the day it is, counted from 1.
    pub number: u32,
    /// The manifest before it of the same day; `null` for number 1. The key is always there.
    #[serde(deserialize_with = "Option::deserialize")]
    pub supersedes: Option<Superseded>,
}

/// A manifest that a later one of the same day takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superseded {
    /// The digest of that manifest's bytes.
    pub sha256: Sha256Digest,
}

/// A manifest read only for what keeps the series together.
pub type Manifest = Statement<SeriesFacts>;

impl<P: Serialize> Statement<P> {
    /// The bytes to sign and to file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the predicate is outside canonical JSON, or a subject's name is
    /// not a plain file name, is given twice, or is one that the filing itself needs.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        check_names(&self.subject)?;
        let subject = self
            .subject
            .iter()
            .map(|subject| WireSubject { name: subject.name.clone(), digest: Superseded { sha256: subject.sha256 } });
        canonical::to_line(&Wire {
            kind: STATEMENT_TYPE.to_owned(),
            subject: subject.collect(),
            predicate_type: self.predicate_type.clone(),
            predicate: &self.predicate,
        })
    }
}

impl<P: DeserializeOwned> Statement<P> {
    /// Reads a statement from bytes that are exactly what canonical JSON has for it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let value = canonical::from_line(bytes).map_err(|e| invalid(e.why()))?;
        check_objects(&value)?;
        let wire: Wire<P> = serde_json::from_value(value).map_err(|e| invalid(&e.to_string()))?;
        if wire.kind != STATEMENT_TYPE {
            return Err(invalid(&format!("its _type is {:?}", wire.kind)));
        }
        let subject =
            wire.subject.into_iter().map(|subject| Subject { name: subject.name, sha256: subject.digest.sha256 });
        let subject: Vec<Subject> = subject.collect();
        check_names(&subject)?;
        Ok(Statement { subject, predicate_type: wire.predicate_type, predicate: wire.predicate })
    }
}

impl SeriesFacts {
    /// Do these facts belong to this filing?
    pub fn is_for(&self, id: &FilingId) -> bool {
        self.business_date == id.date() && self.filing.number == id.number()
    }

    /// The digest of the manifest that this one supersedes.
    pub fn supersedes(&self) -> Option<Sha256Digest> {
        self.filing.supersedes.map(|superseded| superseded.sha256)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<WireSubject>,
    predicate_type: String,
    predicate: P,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSubject {
    name: String,
    digest: Superseded,
}

/// Structures are objects. Serde would take arrays of their values, too.
fn check_objects(value: &Value) -> Result<()> {
    let fixed = ["", "/predicate", "/predicate/filing", "/predicate/filing/supersedes", "/predicate/history"];
    let subjects = value.get("subject").and_then(Value::as_array).map_or(0, Vec::len);
    let of_subjects = (0..subjects).flat_map(|n| ["", "/digest"].map(|part| format!("/subject/{n}{part}")));
    for pointer in fixed.into_iter().map(str::to_owned).chain(of_subjects) {
        if value.pointer(&pointer).is_some_and(Value::is_array) {
            return Err(invalid(&format!("{pointer:?} is an array, and should be an object")));
        }
    }
    Ok(())
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let instant: Option<Timestamp> = text.parse().ok();
    let written = instant.filter(|instant| *instant >= Timestamp::UNIX_EPOCH && instant.to_string() == text);
    written.ok_or_else(|| de::Error::custom(format!("{text:?} is not an instant like 2026-11-21T11:40:00Z")))
}

fn check_names(subject: &[Subject]) -> Result<()> {
    let mut seen = HashSet::new();
    for Subject { name, .. } in subject {
        if !layout::is_file_name(name) || name.starts_with(layout::MANIFEST) {
            return Err(invalid(&format!("{name:?} cannot be a file of a filing")));
        }
        if !seen.insert(name) {
            return Err(invalid(&format!("the file {name:?} is named twice")));
        }
    }
    Ok(())
}

fn invalid(why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "not a manifest of a filing",
        why,
        "a manifest is an in-toto Statement v1 with businessDate, issuedAt, filing and history in \
         its predicate, kept byte for byte as it was filed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Manifest {
        Statement {
            subject: vec![Subject { name: "report.csv".to_owned(), sha256: Sha256Digest::of(b"abc") }],
            predicate_type: "urn:example:v1".to_owned(),
            predicate: SeriesFacts {
                business_date: "2026-11-21".parse().unwrap(),
                issued_at: "2026-11-22T11:40:00Z".parse().unwrap(),
                filing: Place { number: 1, supersedes: None },
                history: History { entries: 1, sha256: Sha256Digest::of(b"log") },
            },
        }
    }

    #[test]
    fn a_statement_reads_back_as_it_is_written() {
        let bytes = manifest().to_bytes().unwrap();
        assert_eq!(Manifest::from_bytes(&bytes).unwrap(), manifest());
        let text = String::from_utf8(bytes).unwrap();
        let expected = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"businessDate\":";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("\"subject\":[{\"digest\":{\"sha256\":\"ba7816bf"), "{text}");
    }

    #[test]
    fn anything_missing_or_added_is_refused() {
        let good: serde_json::Value = serde_json::from_slice(&manifest().to_bytes().unwrap()).unwrap();
        let parse = |value: &serde_json::Value| Manifest::from_bytes(&canonical::to_line(value).unwrap());
        assert!(parse(&good).is_ok());
        for pointer in ["", "/predicate", "/predicate/filing", "/predicate/history", "/subject/0"] {
            for key in good.pointer(pointer).unwrap().as_object().unwrap().keys() {
                let mut bad = good.clone();
                bad.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key);
                assert!(parse(&bad).is_err(), "without {pointer}/{key}");
            }
        }
        for (pointer, value) in [
            ("/_type", json!("https://in-toto.io/Statement/v0.1")),
            ("/subject/0/name", json!("../report.csv")),
            ("/subject/0/name", json!("manifest.json")),
            ("/subject/0/digest/sha256", json!("00")),
            ("/predicate/filing/number", json!(-1)),
            ("/predicate/filing/supersedes", json!({})),
            ("/predicate/businessDate", json!("2026-02-30")),
            ("/predicate/issuedAt", json!("2026-11-22T12:40:00+01:00")),
            ("/predicate/issuedAt", json!("2026-11-22T11:40:00.0Z")),
            ("/predicate/issuedAt", json!("1969-12-31T23:59:59Z")),
            ("/predicate/history", json!([1, Sha256Digest::of(b"log")])),
            ("/predicate/filing", json!([1, null])),
            ("/subject/0/digest", json!([Sha256Digest::of(b"abc")])),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(parse(&bad).is_err(), "{bad}");
        }
        let mut more = good.clone();
        more["predicate"]["status"] = json!("complete");
        assert!(parse(&more).is_ok(), "a predicate may say more");
        more["extra"] = json!(1);
        assert!(parse(&more).is_err(), "a statement may not");
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let mut twice = manifest();
        twice.subject.push(twice.subject[0].clone());
        assert_eq!(twice.to_bytes().unwrap_err().kind(), ErrorKind::Invalid);
    }
}
