//! A small series with everything in it, and the hand of whoever tampers with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use cuadre_audit::keys::{MANIFEST_NAMESPACE, TRUST_NAMESPACE};
use cuadre_audit::layout::LOCK;
use cuadre_audit::manifest::{Place, SeriesFacts, Statement, Superseded};
use cuadre_audit::signers::Entry;
use cuadre_audit::trust::{Authority, Calendar, Founding, Trust};
use cuadre_audit::{FilingId, History, NewFiling, Series, SeriesWriter, Sha256Digest, SigningKey, Subject, TrustFiles};
use cuadre_tests::files_below;
use cuadre_tests::tsa::{Kind, Tsa};
use jiff::Timestamp;

/// Keys by what they are for.
pub const ROOT: u8 = 1;
pub const RETIRED: u8 = 2;
pub const CURRENT: u8 = 3;
/// Valid from [`ADDED_AT`] on.
pub const LATEST: u8 = 4;
pub const STRANGER: u8 = 5;

pub const PRINCIPAL: &str = "a@b";
pub const FOUNDED_AT: &str = "2026-11-19T12:00:00Z";
pub const ROTATED_AT: &str = "2026-11-21T13:00:00Z";
pub const ADDED_AT: &str = "2026-11-24T15:00:00Z";
pub const LAST_ISSUED_AT: &str = "2026-11-25T11:00:00Z";

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub fn id(text: &str) -> FilingId {
    text.parse().expect("a filing")
}

/// Two time stamping authorities of one kind, the name of one being the beginning of the other's.
pub struct Authorities {
    pub t: Tsa,
    pub t_2: Tsa,
}

/// Those that all tests share; `None` where OpenSSL or a compiler is missing.
pub fn authorities() -> Option<&'static Authorities> {
    static SHARED: OnceLock<Option<Authorities>> = OnceLock::new();
    let start = || Some(Authorities { t: Tsa::start(Kind::Ec)?, t_2: Tsa::start(Kind::Ec)? });
    SHARED.get_or_init(start).as_ref()
}

pub fn authority(name: &str, pem: &[u8]) -> Authority {
    Authority { name: name.to_owned(), policy: Some("1.2.3.4.1".to_owned()), certificate: Sha256Digest::of(pem) }
}

pub fn root_signers(seed: u8) -> Vec<u8> {
    let entry = Entry {
        principal: "root".to_owned(),
        namespaces: Some(vec![TRUST_NAMESPACE.to_owned()]),
        valid_after: None,
        valid_before: None,
        key: key(seed).public_key(),
    };
    entry.line().expect("a line").into_bytes()
}

/// Generation 1: [`RETIRED`] alone.
pub fn founding(rooted: bool, authorities: Vec<Authority>) -> Trust {
    Trust::found(Founding {
        principal: PRINCIPAL.to_owned(),
        key: key(RETIRED).public_key(),
        rooted,
        issued: at(FOUNDED_AT),
        calendar: Calendar::parse("06:00 America/Mexico_City", ["sunday".parse().expect("a day")]).expect("a calendar"),
        authorities,
    })
}

pub fn signed(trust: &Trust, seed: u8) -> TrustFiles {
    let signers = trust.to_text().expect("a generation").into_bytes();
    let signature = key(seed).sign(TRUST_NAMESPACE, &signers).expect("a signature");
    TrustFiles { signers, signature: Some(signature.into_bytes()), ..TrustFiles::default() }
}

/// What a filing is made of.
pub struct New<'a> {
    pub id: &'a str,
    pub issued_at: &'a str,
    pub key: u8,
    pub with_inputs: bool,
    /// Who stamps it by what clock.
    pub stamps: Vec<(&'a str, &'a Tsa, &'a str)>,
}

pub fn file(series: &SeriesWriter, new: &New<'_>) {
    let filing = id(new.id);
    let latest = series.latest(filing.date()).expect("a series");
    let predicate = SeriesFacts {
        business_date: filing.date(),
        issued_at: at(new.issued_at),
        filing: Place {
            number: filing.number(),
            supersedes: latest.map(|filed| Superseded { sha256: filed.manifest }),
        },
        history: series.history().expect("a history"),
    };
    let staging = series.stage(filing).expect("a staging");
    let mut files = Vec::new();
    let mut write = |name: &str, content: &str| {
        fs::write(staging.path().join(name), content).expect("a file is written");
        files.push(Subject { name: name.to_owned(), sha256: Sha256Digest::of(content.as_bytes()) });
    };
    write("report.csv", &format!("{}\n", new.id));
    if new.with_inputs {
        let stored = series.archive().put_bytes(new.id.as_bytes()).expect("an object");
        write("inputs.json", &format!("{{\"x\":[{{\"sha256\":\"{}\"}}]}}\n", stored.digest));
    }
    let filing = NewFiling { files, predicate_type: "t", predicate };
    let mut sealed = staging.seal(filing, &key(new.key)).expect("it is sealed");
    for (name, tsa, clock) in &new.stamps {
        let token = tsa.token_at(at(clock).as_second(), &sealed.signature, &["-sha256"]);
        sealed.tokens.push(((*name).to_owned(), token));
    }
    staging.commit(sealed).expect("it is filed");
}

/// The series that most tests start from: a root, three generations of trust, two authorities, two
/// filings of one day and one each of two others: in time, late, and unproven.
pub fn whole() -> Option<&'static Draft> {
    static SHARED: OnceLock<Option<Draft>> = OnceLock::new();
    SHARED.get_or_init(|| authorities().map(make)).as_ref()
}

fn make(Authorities { t, t_2 }: &Authorities) -> Draft {
    let folder = tempfile::tempdir().expect("a folder");
    let series = Series::open_or_create(folder.path()).expect("a series");
    let first = founding(true, vec![authority("t", &t.pem())]);
    let files = TrustFiles {
        root_signers: Some(root_signers(ROOT)),
        certificates: vec![("t".to_owned(), t.pem())],
        ..signed(&first, ROOT)
    };
    series.install(&files).expect("it is founded");
    let new = |id, issued_at, key| New { id, issued_at, key, with_inputs: false, stamps: Vec::new() };
    let stamps = vec![("t", t, "2026-11-21T11:40:00Z")];
    file(&series, &New { with_inputs: true, stamps, ..new("2026-11-20.1", "2026-11-21T11:30:00Z", RETIRED) });
    file(&series, &new("2026-11-20.2", "2026-11-21T12:30:00Z", RETIRED));

    let standing = series.standing().expect("trust");
    let mut next = standing.trust.next(series.history().expect("history"), at(ROTATED_AT)).expect("a generation");
    next.add(PRINCIPAL, &key(CURRENT).public_key()).expect("a key is added");
    next.retire(&key(RETIRED).public_key(), at(ROTATED_AT)).expect("a key is retired");
    next.authorities.push(authority("t-2", &t_2.pem()));
    let certificates = vec![("t-2".to_owned(), t_2.pem())];
    series.install(&TrustFiles { certificates, ..signed(&next, ROOT) }).expect("keys are rotated");
    let stamps = vec![("t", t, "2026-11-22T13:00:00Z"), ("t-2", t_2, "2026-11-22T13:00:05Z")];
    file(&series, &New { stamps, ..new("2026-11-21.1", "2026-11-22T12:50:00Z", CURRENT) });

    let standing = series.standing().expect("trust");
    let mut next = standing.trust.next(series.history().expect("history"), at(ADDED_AT)).expect("a generation");
    next.add(PRINCIPAL, &key(LATEST).public_key()).expect("a key is added");
    series.install(&signed(&next, ROOT)).expect("a key is added");
    file(&series, &New { with_inputs: true, ..new("2026-11-24.1", LAST_ISSUED_AT, CURRENT) });
    drop(series);
    Draft::read(folder.path())
}

/// A series as short as can be: a founder, and one filing with these stamps.
pub fn tiny(authorities: &[(&str, &Tsa)], clock: &str) -> Draft {
    tiny_of("2026-11-20.1", authorities, clock)
}

/// The same, of another day.
pub fn tiny_of(id: &str, authorities: &[(&str, &Tsa)], clock: &str) -> Draft {
    let folder = tempfile::tempdir().expect("a folder");
    let series = Series::open_or_create(folder.path()).expect("a series");
    let trust = founding(false, authorities.iter().map(|(name, tsa)| authority(name, &tsa.pem())).collect());
    let certificates = authorities.iter().map(|(name, tsa)| ((*name).to_owned(), tsa.pem())).collect();
    let signers = trust.to_text().expect("a generation").into_bytes();
    series.install(&TrustFiles { signers, certificates, ..TrustFiles::default() }).expect("it is founded");
    let stamps = authorities.iter().map(|(name, tsa)| (*name, *tsa, clock)).collect();
    file(&series, &New { id, issued_at: "2026-11-21T11:30:00Z", key: RETIRED, with_inputs: false, stamps });
    drop(series);
    Draft::read(folder.path())
}

/// The files of a series, to be tampered with.
#[derive(Clone, Debug)]
pub struct Draft(pub BTreeMap<String, Vec<u8>>);

impl Draft {
    pub fn read(root: &Path) -> Self {
        Draft(files_below(root).into_iter().filter(|(name, _)| name != LOCK).collect())
    }

    pub fn write(&self, root: &Path) {
        for (name, content) in &self.0 {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders are made");
            fs::write(path, content).expect("a file is written");
        }
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).expect("text")
    }

    pub fn with(&self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        let mut changed = self.clone();
        changed.0.insert(name.to_owned(), content.into());
        changed
    }

    pub fn without(&self, name: &str) -> Self {
        let mut changed = self.clone();
        changed.0.remove(name).expect("it is there");
        changed
    }

    pub fn replaced(&self, name: &str, from: &str, to: &str) -> Self {
        let text = self.text(name);
        assert!(text.contains(from), "{from} in {name}");
        self.with(name, text.replacen(from, to, 1))
    }

    /// The paths that `LOG` names.
    pub fn named(&self) -> Vec<String> {
        self.text("LOG").lines().map(|line| line[66..].to_owned()).collect()
    }

    /// Writes `LOG` anew: these paths, those that are there, with the digests that they have now.
    pub fn naming(&self, paths: &[String]) -> Self {
        let line = |path: &String| Some(format!("{}  {path}\n", Sha256Digest::of(self.0.get(path)?)));
        self.with("LOG", paths.iter().filter_map(line).collect::<String>())
    }

    /// Has `LOG` agree with what is there, in its order.
    pub fn agreed(&self) -> Self {
        self.naming(&self.named())
    }

    /// The same, with more lines at the end.
    pub fn agreed_with(&self, more: &[&str]) -> Self {
        let mut paths = self.named();
        paths.extend(more.iter().map(|path| (*path).to_owned()));
        self.naming(&paths)
    }

    /// The state of `LOG` after so many lines.
    pub fn history(&self, entries: usize) -> History {
        let log = self.text("LOG");
        let first: String = log.split_inclusive('\n').take(entries).collect();
        History { entries: entries as u64, sha256: Sha256Digest::of(first.as_bytes()) }
    }

    /// As it was before the last line that holds `part`, from its first line on: what a tail cut there leaves.
    pub fn cut_before(&self, part: &str) -> Self {
        let paths = self.named();
        let end = paths.iter().position(|path| path.contains(part)).expect("a line");
        let mut cut = self.clone();
        for path in &paths[end..] {
            cut.0.remove(path);
        }
        cut.naming(&paths[..end])
    }
}

/// A filing as a forger writes it, without the writer's checks; by default it is a true one.
pub struct Forged {
    pub folder: &'static str,
    pub facts: SeriesFacts,
    pub key: u8,
    pub namespace: &'static str,
    pub files: Vec<(&'static str, String)>,
    /// What is made of the manifest before it is signed.
    pub manifest: fn(String) -> Vec<u8>,
    /// What is made of its lines in `LOG`, by their paths.
    pub lines: fn(&mut Vec<String>),
}

impl Forged {
    /// The next filing of that series.
    pub fn after(series: &Draft, folder: &'static str) -> Self {
        let filing = id(folder);
        let last = format!("filings/{}.{}/manifest.json", filing.date(), filing.number() - 1);
        let supersedes = series.0.get(&last).map(|bytes| Superseded { sha256: Sha256Digest::of(bytes) });
        let facts = SeriesFacts {
            business_date: filing.date(),
            issued_at: at(LAST_ISSUED_AT),
            filing: Place { number: filing.number(), supersedes },
            history: series.history(series.named().len()),
        };
        Forged {
            folder,
            facts,
            key: CURRENT,
            namespace: MANIFEST_NAMESPACE,
            files: vec![("report.csv", "amount\n".to_owned()), ("b.csv", "b\n".to_owned())],
            manifest: String::into_bytes,
            lines: |_| {},
        }
    }

    /// The manifest's signature, which time stamps are of.
    pub fn signature(&self) -> Vec<u8> {
        key(self.key).sign(self.namespace, &self.signed()).expect("a signature").into_bytes()
    }

    fn signed(&self) -> Vec<u8> {
        let subject = |(name, content): &(&str, String)| Subject {
            name: (*name).to_owned(),
            sha256: Sha256Digest::of(content.as_bytes()),
        };
        let statement = Statement {
            subject: self.files.iter().map(subject).collect(),
            predicate_type: "t".to_owned(),
            predicate: self.facts.clone(),
        };
        (self.manifest)(String::from_utf8(statement.to_bytes().expect("a manifest")).expect("text"))
    }

    /// The series with it, stamped with these tokens.
    pub fn filed(&self, series: &Draft, tokens: &[(&str, Vec<u8>)]) -> Draft {
        let mut forged = series.clone();
        let mut lines = Vec::new();
        let mut add = |name: &str, content: Vec<u8>| {
            let path = format!("filings/{}/{name}", self.folder);
            lines.push(path.clone());
            forged.0.insert(path, content);
        };
        for (name, content) in &self.files {
            add(name, content.clone().into_bytes());
        }
        add("manifest.json", self.signed());
        add("manifest.json.sig", self.signature());
        for (name, token) in tokens {
            add(&format!("manifest.json.sig.{name}.tsr"), token.clone());
        }
        (self.lines)(&mut lines);
        forged.agreed_with(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
