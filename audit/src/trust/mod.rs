//! A generation of trust: whose signatures count, which time stamps do, and what the calendar is.
//!
//! It is a file of allowed signers that `ssh-keygen -Y verify -f` reads as it is; what else it says
//! stands in comments at its head, and in this order:
//!
//! ```text
//! # cuadre-trust 1                                   the format
//! # generation 2                                     counted from 1
//! # history 45 64 hexadecimal digits                 lines of LOG when it was issued, and their SHA-256; not in the first
//! # issued 2026-11-25T12:00:00Z                      whole seconds; filings after those lines were signed in later ones
//! # deadline 06:00 America/Mexico_City               when a filing is due, on the day after its date
//! # closed sunday                                    a weekday or a date that owes no filing; any number
//! # time-stamps izenpe 1.3.6.1.4.1 SHA-256           authority, policy or `any`, digest of its PEM file
//! bank@example namespaces="cuadre-manifest-v1",valid-before="20261125120000Z" ssh-ed25519 AAAA...
//! ```
//!
//! The file's signature (`.sig`, namespace `cuadre-trust-v1`) is by one of `trust/root_signers`. In a
//! series without that file the founder vouches: generation 1 has no signature, and each later one
//! is signed by a key that the generation before allows for `cuadre-trust-v1`.
//!
//! Of a day counts the calendar of the last generation issued before the day's deadline, so that no
//! day is declared closed afterwards. Signers count as the last generation has them: a key that is revoked
//! from an instant on loses what it signed since. The authorities of a filing are those of the
//! generation in front of it in `LOG`.

mod calendar;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::digest::Sha256Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{MANIFEST_NAMESPACE, PublicKey, TRUST_NAMESPACE};
use crate::layout::{self, FilingDate};
use crate::manifest::History;
use crate::signers::{AllowedSigners, Entry};

pub use calendar::{Calendar, Closed};

/// The format of a file of trust of this kind.
const FORMAT: &str = "1";

/// A generation of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Which one, counted from 1.
    pub generation: u32,
    /// What `LOG` held when it was issued; `None` in generation 1. So it belongs to one series, and nobody
    /// files in front of it afterwards.
    pub history: Option<History>,
    /// When it was issued; `None` only in a plain file of allowed signers.
    pub issued: Option<Timestamp>,
    /// Which days owe a filing until when; `None`: every day, and no hour is known.
    pub calendar: Option<Calendar>,
    /// Whose time stamps count.
    pub authorities: Vec<Authority>,
    /// Whose signatures count.
    pub signers: AllowedSigners,
}

/// A time stamping authority that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Its name: `trust/tsa-<name>.pem` is its certificate.
    pub name: String,
    /// The policy (an object identifier) that its tokens must follow; `None`: any.
    pub policy: Option<String>,
    /// The digest of the PEM file.
    pub certificate: Sha256Digest,
}

/// What a series begins its trust with.
#[derive(Clone, Debug)]
pub struct Founding {
    /// In whose name the first key signs.
    pub principal: String,
    /// The first key.
    pub key: PublicKey,
    /// Whether others than the founder vouch for later generations.
    pub rooted: bool,
    /// When.
    pub issued: Timestamp,
    /// The calendar.
    pub calendar: Calendar,
    /// The time stamping authorities.
    pub authorities: Vec<Authority>,
}

impl Trust {
    /// Generation 1.
    pub fn found(founding: Founding) -> Self {
        let Founding { principal, key, rooted, issued, calendar, authorities } = founding;
        let entry = Entry { principal, namespaces: Some(purposes(rooted)), valid_after: None, valid_before: None, key };
        Trust {
            generation: 1,
            history: None,
            issued: Some(whole_seconds(issued)),
            calendar: Some(calendar),
            authorities,
            signers: AllowedSigners { entries: vec![entry] },
        }
    }

    /// The next generation, which says the same; `history` is what `LOG` holds.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when this one is a plain file of allowed signers, which nobody may follow.
    pub fn next(&self, history: History, issued: Timestamp) -> Result<Self> {
        if self.issued.is_none() {
            return Err(unfit("the series was founded without a head in its allowed signers", "begin a new series"));
        }
        let generation =
            self.generation.checked_add(1).ok_or_else(|| unfit("it has all generations it can have", ""))?;
        let issued = whole_seconds(self.issued.map_or(issued, |last| last.max(issued)));
        Ok(Trust { generation, history: Some(history), issued: Some(issued), ..self.clone() })
    }

    /// Lets `key` sign manifests from the time of issue on.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when it has a line already.
    pub fn add(&mut self, principal: &str, key: &PublicKey) -> Result<()> {
        if self.signers.entries.iter().any(|entry| entry.key == *key) {
            let why = format!("{} has a line already, and a retired key stays retired", key.fingerprint());
            return Err(unfit(&why, "make a fresh key with `cuadre keygen`"));
        }
        let rooted = !self.signers.entries.iter().any(|entry| entry.is_for(TRUST_NAMESPACE));
        let entry = Entry {
            principal: principal.to_owned(),
            namespaces: Some(purposes(rooted)),
            valid_after: self.issued,
            valid_before: None,
            key: key.clone(),
        };
        entry.line()?;
        self.signers.entries.push(entry);
        Ok(())
    }

    /// Lets signatures of `key` count no longer than until the second `last`; where they counted only
    /// from then on, never.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] when it has no line, or its signatures count no longer already.
    pub fn retire(&mut self, key: &PublicKey, last: Timestamp) -> Result<()> {
        let mut entries = self.signers.entries.iter_mut().filter(|entry| entry.key == *key).peekable();
        if entries.peek().is_none() {
            let why = format!("{} has no line among the allowed signers", key.fingerprint());
            return Err(unfit(&why, "compare it with the fingerprints that `cuadre verify` prints"));
        }
        let mut shortened = false;
        for entry in entries.filter(|entry| entry.valid_before.is_none_or(|before| last < before)) {
            if entry.valid_after.is_some_and(|first| first >= last) {
                // `ssh-keygen` refuses a file with a window that ends before it begins. Nothing was filed in this one.
                entry.valid_after = Timestamp::from_second(1).ok();
                entry.valid_before = Timestamp::from_second(2).ok();
            } else {
                entry.valid_before = Some(last);
            }
            shortened = true;
        }
        match shortened {
            true => Ok(()),
            false => {
                let why = format!("{} does not count after {last} as it is", key.fingerprint());
                Err(unfit(&why, "a revocation only shortens; choose an earlier instant"))
            }
        }
    }

    /// Reads a file of trust; a plain file of allowed signers is generation 1, with no more to say.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] for a file that [`Trust::to_text`] does not write, and that is no plain
    /// file of allowed signers that this crate understands.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let signers = AllowedSigners::parse(bytes)?;
        if !bytes.starts_with(b"# cuadre-trust") {
            let (history, issued, calendar, authorities) = (None, None, None, Vec::new());
            return Ok(Trust { generation: 1, history, issued, calendar, authorities, signers });
        }
        let text = std::str::from_utf8(bytes).map_err(|e| unfit(&e.to_string(), NEWER))?;
        let trust = Self::parse_head(text, signers).ok_or_else(|| unfit("its head is not understood", NEWER))?;
        let names: BTreeSet<&str> = trust.authorities.iter().map(|authority| authority.name.as_str()).collect();
        let issued = trust.issued.filter(|at| *at >= Timestamp::UNIX_EPOCH && *at == whole_seconds(*at));
        match issued.is_some() && names.len() == trust.authorities.len() && trust.to_text()? == text {
            true => Ok(trust),
            false => Err(unfit("it is not written as a generation of trust is", NEWER)),
        }
    }

    fn parse_head(text: &str, signers: AllowedSigners) -> Option<Self> {
        let mut head = text.lines().map_while(|line| line.strip_prefix("# ")).peekable();
        let mut value = |name: &str| {
            let line = head.next_if(|line| line.split_once(' ').is_some_and(|(found, _)| found == name))?;
            line.split_once(' ').map(|(_, value)| value)
        };
        value("cuadre-trust").filter(|format| *format == FORMAT)?;
        let generation = value("generation")?.parse().ok()?;
        let history = match value("history").map(|value| value.split_once(' ')) {
            None => None,
            Some(words) => {
                let (entries, sha256) = words?;
                Some(History { entries: entries.parse().ok()?, sha256: sha256.parse().ok()? })
            }
        };
        let issued = value("issued")?.parse().ok()?;
        let deadline = value("deadline")?;
        let mut closed = Vec::new();
        while let Some(day) = value("closed") {
            closed.push(day.parse().ok()?);
        }
        let mut authorities = Vec::new();
        while let Some(authority) = value("time-stamps") {
            authorities.push(Authority::parse(authority)?);
        }
        let calendar = Some(Calendar::parse(deadline, closed)?);
        Some(Trust { generation, history, issued: Some(issued), calendar, authorities, signers })
    }

    /// The file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a principal or a time stamping authority that cannot be written.
    pub fn to_text(&self) -> Result<String> {
        let mut text = String::new();
        let mut head = |name: &str, value: &str| text += &format!("# {name} {value}\n");
        if let (Some(issued), Some(calendar)) = (self.issued, &self.calendar) {
            head("cuadre-trust", FORMAT);
            head("generation", &self.generation.to_string());
            if let Some(History { entries, sha256 }) = self.history {
                head("history", &format!("{entries} {sha256}"));
            }
            head("issued", &issued.to_string());
            head("deadline", &calendar.deadline_text());
            calendar.closed().for_each(|day| head("closed", &day.to_string()));
            for authority in &self.authorities {
                head("time-stamps", &authority.to_text()?);
            }
        }
        for entry in &self.signers.entries {
            text += &entry.line()?;
        }
        Ok(text)
    }

    /// Is a signature by `key` over a manifest after this generation to count at that time?
    pub fn allows(&self, key: &PublicKey, at: Timestamp) -> bool {
        self.signers.allows(key, MANIFEST_NAMESPACE, self.not_before(at))
    }

    /// That time, or the second after the time of issue if it is later: whatever comes after this
    /// generation in `LOG` was signed no earlier, whatever it claims.
    pub fn not_before(&self, at: Timestamp) -> Timestamp {
        self.issued.map_or(at, |issued| after(issued).max(at))
    }

    /// Who may vouch for generations, from the file of a series' root signers.
    ///
    /// # Errors
    /// As [`Trust::parse`].
    pub fn root_signers(bytes: &[u8]) -> Result<AllowedSigners> {
        Trust::parse(bytes).map(|trust| trust.signers)
    }

    /// The generation whose calendar counts for a day: the last that was issued before its
    /// deadline; the first where all came later.
    pub fn of_day(generations: &[Trust], day: FilingDate) -> Option<&Trust> {
        let in_time = |trust: &&Trust| {
            let deadline = trust.calendar.as_ref().and_then(|calendar| calendar.deadline_of(day));
            trust.issued <= deadline
        };
        generations.iter().rev().find(in_time).or(generations.first())
    }
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (name, policy, certificate) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        let policy = (policy != "any").then(|| policy.to_owned());
        Some(Authority { name: name.to_owned(), policy, certificate })
    }

    fn to_text(&self) -> Result<String> {
        let policy = self.policy.as_deref().unwrap_or("any");
        let is_oid = |text: &str| text.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
        if !layout::is_authority_name(&self.name) || self.policy.as_deref().is_some_and(|policy| !is_oid(policy)) {
            let what = format!("not a time stamping authority: {:?} with the policy {policy:?}", self.name);
            let why = "its name has 1 to 64 of a-z 0-9 -, its policy numbers with dots";
            return Err(Error::new(ErrorKind::Invalid, what, why, "write it as tsa-1 and 1.3.6.1.4.1"));
        }
        Ok(format!("{} {policy} {}", self.name, self.certificate))
    }
}

fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// The second after that of an instant.
pub(crate) fn after(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second().saturating_add(1)).unwrap_or(instant)
}

/// What a key may sign for; where nobody else vouches for generations of trust, signers do.
fn purposes(rooted: bool) -> Vec<String> {
    let all = [MANIFEST_NAMESPACE, TRUST_NAMESPACE].map(str::to_owned);
    all[..if rooted { 1 } else { 2 }].to_vec()
}

const NEWER: &str = "if a newer cuadre has written it, use that version";

fn unfit(why: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Key, "the trust of the series", why, remedy)
}

#[cfg(test)]
mod tests;
