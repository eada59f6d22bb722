//! What rules leave to the next filing: `carried-forward.csv`. The filing after takes that of the filing before as
//! an archived input, so that it can be made again from the archive alone.
//!
//! | column | what it says |
//! |---|---|
//! | `rule` | whose it is |
//! | `values` | what tells it from others of its rule: a CSV record of items such as `account=0012` |
//! | `amount`, `currency` | the money it is about, an exact decimal |
//! | `since` | the business date it stems from |
//! | `filing`, `source`, `file`, `record` | the movement, where it is one; no filing where it is of this one |
//!
//! A row that has a rule and a day alone says that the rule was judged that day; what it left follows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use cuadre_audit::layout::{self, FilingId};
use cuadre_audit::{Archive, Series, Sha256Digest, Subject};
use cuadre_rules::Config;
use cuadre_rules::business::{Before, Carry, Located, Origin, carries};
use cuadre_rules::money::{Total, at_own_scale};
use cuadre_rules::said;
use cuadre_rules::said::Said;
use jiff::civil::Date;
use serde::Deserialize;

use crate::error::EngineError;
use crate::filing::{create, finish};
use crate::inputs::{Bytes, Input, Inputs, Problem, Role, Stored};
use crate::manifest::{Filed, filing_date};
use crate::trust;

/// The file of a filing with what its rules leave to the next one.
pub const FORWARD: &str = "carried-forward.csv";

#[derive(Debug, Deserialize)]
struct Row {
    rule: String,
    values: String,
    amount: String,
    currency: String,
    since: String,
    filing: String,
    source: String,
    file: String,
    record: Option<u64>,
}

/// What one rule leaves, on disk: rows without a header.
pub struct Leaving<'a> {
    rule: String,
    scale: u32,
    /// Source and name of the inputs that places refer to.
    files: &'a [(String, String)],
    path: PathBuf,
    out: csv::Writer<BufWriter<File>>,
    /// The last date, and as it is written.
    since: (Date, String),
    /// The row in hand, kept to spare allocations.
    row: ByteRecord,
}

impl<'a> Leaving<'a> {
    /// Begins the list of a rule that is judged on `date`, at `path`.
    pub fn begin(
        path: &Path,
        rule: &str,
        date: Date,
        scale: u32,
        files: &'a [(String, String)],
    ) -> Result<Self, EngineError> {
        let failed = |e| EngineError::io("listing what is carried", path, e);
        let file = File::create_new(path).map_err(failed)?;
        let out = csv::WriterBuilder::new().has_headers(false).from_writer(BufWriter::new(file));
        let (rule, path, since) = (rule.to_owned(), path.to_owned(), (date, date.to_string()));
        let mut leaving = Self { rule, scale, files, path, out, since, row: ByteRecord::new() };
        leaving.write("", "", "", &nowhere(), None)?;
        Ok(leaving)
    }

    /// Adds one thing.
    pub fn push(&mut self, carry: Carry) -> Result<(), EngineError> {
        let located = carry.origin.map(|origin| match origin {
            Origin::Earlier(located) => located,
            Origin::Today(place) => {
                let (source, file) = self.files.get(place.file as usize).cloned().unwrap_or_default();
                Located { filing: String::new(), source, file, record: place.record }
            }
        });
        let money = carry.amount.map(|(currency, minor)| (currency, at_own_scale(currency, minor, self.scale)));
        let amount = money.as_ref().map(|(_, total)| total.to_string()).unwrap_or_default();
        let currency = money.as_ref().map_or("", |(currency, _)| currency.code());
        let values = joined(&carry.values).map_err(|e| EngineError::io("listing what is carried", &self.path, e))?;
        if carry.since != self.since.0 {
            self.since = (carry.since, carry.since.to_string());
        }
        let record = located.as_ref().map(|located| located.record);
        self.write(&values, &amount, currency, &located.unwrap_or_else(nowhere), record)
    }

    fn write(
        &mut self,
        values: &str,
        amount: &str,
        currency: &str,
        located: &Located,
        record: Option<u64>,
    ) -> Result<(), EngineError> {
        let Located { filing, source, file, .. } = located;
        let record = record.map(|record| record.to_string()).unwrap_or_default();
        self.row.clear();
        for field in [&self.rule, values, amount, currency, &self.since.1, filing, source, file, &record] {
            self.row.push_field(field.as_bytes());
        }
        self.out
            .write_byte_record(&self.row)
            .map_err(|e| EngineError::io("listing what is carried", &self.path, e.into()))
    }

    /// Ends the list.
    pub fn finish(mut self) -> Result<PathBuf, EngineError> {
        self.out.flush().map_err(|e| EngineError::io("listing what is carried", &self.path, e))?;
        Ok(self.path)
    }
}

fn nowhere() -> Located {
    Located { filing: String::new(), source: String::new(), file: String::new(), record: 0 }
}

/// Writes what the rules leave, as lists in their order, into `folder`; nothing where no rule carries.
pub fn write(lists: &[PathBuf], folder: &Path) -> Result<Option<Subject>, EngineError> {
    if lists.is_empty() {
        return Ok(None);
    }
    let mut out = create(folder, FORWARD)?;
    let failed = |e| EngineError::io("writing", &folder.join(FORWARD), e);
    out.write_all(b"rule,values,amount,currency,since,filing,source,file,record\n").map_err(failed)?;
    for list in lists {
        let mut list = File::open(list).map_err(|e| EngineError::io("reading what is carried", list, e))?;
        io::copy(&mut list, &mut out).map_err(failed)?;
    }
    finish(folder, FORWARD, out).map(Some)
}

/// Puts what the filing before the day of `inputs` left into the archive and among the inputs, where any rule
/// carries. What cannot be read of that filing is a problem of those rules, and does not hold up the night.
pub fn take(series: &Series, archive: &Archive, config: &Config, inputs: &mut Inputs) -> Result<(), EngineError> {
    if !config.rules_in_force(inputs.business_date).any(|(_, rule)| carries(rule)) {
        return Ok(());
    }
    let Some(before) = Filed::before(series, inputs.business_date)? else { return Ok(()) };
    let id = before.id.to_string();
    let stated = before.files().iter().find(|file| file.name == FORWARD);
    let taken = match stated {
        None => Err(said!("{id} carries nothing forward", "{id} no deja nada por arrastrar")),
        Some(stated) => kept(&series.folder(&before.id).join(FORWARD), stated, archive)?.ok_or_else(|| {
            let name = layout::filing_file(&before.id, FORWARD);
            said!(
                "{name} is not there as its manifest states it; restore it from a backup",
                "{name} no está como lo indica su manifiesto; restáurelo de un respaldo"
            )
        }),
    };
    match taken {
        Ok(stored) => inputs.inputs.push(Input::new(Role::Forward, &id, stored)),
        Err(reason) => {
            let reason = reason.into_language(config.language);
            inputs.problems.push(Problem { role: Role::Forward, of: id, reason, unfinished: false });
        }
    }
    Ok(())
}

/// Keeps a file of a filing, where it is there as its manifest states it.
fn kept(path: &Path, stated: &Subject, archive: &Archive) -> Result<Option<Stored>, EngineError> {
    if !Sha256Digest::of_file(path).is_ok_and(|(digest, _)| digest == stated.sha256) {
        return Ok(None);
    }
    let stored = archive.put_file(path)?;
    Ok((stored.digest == stated.sha256).then(|| Stored::of(FORWARD, stored)))
}

/// What the filing before left to the rules of a day.
pub struct Forward {
    /// The filing, and its day; none where no day was filed before, or no rule carries.
    filing: Option<(String, Date)>,
    /// The first day between that owes a filing, and has none.
    missed: Option<Date>,
    /// Where its file lies, or why it cannot be read.
    path: Result<PathBuf, String>,
    /// The rules that were judged.
    judged: BTreeSet<String>,
    scale: u32,
}

impl Forward {
    /// Looks at what is among the inputs.
    pub fn of(config: &Config, inputs: &Inputs, bytes: &Bytes) -> Result<Self, EngineError> {
        let scale = config.scale();
        let input = inputs.inputs.iter().find(|input| input.role == Role::Forward);
        let problem = inputs.problems.iter().find(|problem| problem.role == Role::Forward);
        let (filing, path) = match (input, problem) {
            (Some(input), _) => (&input.of, Ok(bytes.path_of(input)?)),
            (None, Some(problem)) => (&problem.of, Err(problem.reason.clone())),
            (None, None) => {
                let path = Err(String::new());
                return Ok(Self { filing: None, missed: None, path, judged: BTreeSet::new(), scale });
            }
        };
        let id: FilingId = filing.parse().map_err(|_| malformed(format!("`{filing}` is no filing")))?;
        let date = id.date().civil();
        let filing = Some((filing.clone(), date));
        let missed = missed(config, date, inputs.business_date)?;
        let mut forward = Self { filing, missed, path, judged: BTreeSet::new(), scale };
        for row in forward.rows()? {
            let row = row?;
            if row.values.is_empty() {
                forward.judged.insert(row.rule);
            }
        }
        Ok(forward)
    }

    /// The filing that a rule takes over from, or why there is none.
    pub fn before(&self, rule: &str) -> Result<Before<'_>, Said> {
        let Some((filing, date)) = &self.filing else {
            return Err(said!("no day before was filed", "ningún día anterior se presentó"));
        };
        match &self.path {
            Err(reason) => Err(Said::same(reason.clone())),
            Ok(_) if !self.judged.contains(rule) => Err(said!(
                "{filing} carries nothing of {rule}, which was not judged in it",
                "{filing} no arrastra nada de {rule}, que no se evaluó ahí"
            )),
            Ok(_) => Ok(Before { filing, date: *date, missed: self.missed }),
        }
    }

    /// Gives `take` everything that was carried, by rule and in order; what cannot be read as the day has it, with why.
    pub fn each(
        &self,
        mut take: impl FnMut(&str, Result<Carry, Said>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let filing = self.filing.as_ref().map(|(filing, _)| filing.as_str()).unwrap_or_default();
        for row in self.rows()? {
            let row = row?;
            if !row.values.is_empty() {
                take(&row.rule, row.carry(filing, self.scale)?)?;
            }
        }
        Ok(())
    }

    fn rows(&self) -> Result<impl Iterator<Item = Result<Row, EngineError>> + use<>, EngineError> {
        let reader = match &self.path {
            Ok(path) => Some(csv::Reader::from_path(path).map_err(malformed)?),
            Err(_) => None,
        };
        Ok(reader.into_iter().flat_map(|reader| reader.into_deserialize().map(|row| row.map_err(malformed))))
    }
}

impl Row {
    /// What it says, where it lies in `filing`.
    fn carry(&self, filing: &str, scale: u32) -> Result<Result<Carry, Said>, EngineError> {
        let wrong = |what: &str| malformed(format!("`{what}` of {} cannot be read", self.rule));
        let amount = match self.currency.as_str() {
            "" => None,
            code => {
                let currency = code.parse().map_err(|_| wrong(code))?;
                let amount = &self.amount;
                let Some(total) = Total::parse(amount, scale) else {
                    return Ok(Err(said!(
                        "{filing} carries {amount} {code}, which has more than {scale} decimals",
                        "{filing} arrastra {amount} {code}, que tiene más de {scale} decimales"
                    )));
                };
                Some((currency, total.minor))
            }
        };
        let origin = self.record.map(|record| {
            let filing = if self.filing.is_empty() { filing.to_owned() } else { self.filing.clone() };
            Origin::Earlier(Located { filing, source: self.source.clone(), file: self.file.clone(), record })
        });
        let values = parted(&self.values).ok_or_else(|| wrong(&self.values))?;
        let since = self.since.parse().map_err(|_| wrong(&self.since))?;
        Ok(Ok(Carry { values, amount, since, origin }))
    }
}

fn malformed(error: impl ToString) -> EngineError {
    EngineError::Differs(format!("{FORWARD}: {}", error.to_string()))
}

/// The first day between two that owes a filing.
fn missed(config: &Config, before: Date, date: Date) -> Result<Option<Date>, EngineError> {
    let calendar = trust::calendar(config)?;
    let mut day = before;
    loop {
        day = day.tomorrow().map_err(EngineError::bug)?;
        if day >= date {
            return Ok(None);
        }
        if calendar.is_open(filing_date(day)?) {
            return Ok(Some(day));
        }
    }
}

/// What a CSV value is quoted for.
const QUOTED: [char; 4] = [',', '"', '\r', '\n'];

/// `account=0012,branch=001`, as a CSV record.
fn joined(values: &[(Cow<'static, str>, String)]) -> io::Result<String> {
    if values.iter().all(|(_, value)| !value.contains(QUOTED)) {
        let mut line = String::new();
        for (n, (name, value)) in values.iter().enumerate() {
            line.extend([if n == 0 { "" } else { "," }, name, "=", value]);
        }
        return Ok(line);
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(values.iter().map(|(name, value)| format!("{name}={value}")))?;
    let mut line = out.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    line.pop();
    String::from_utf8(line).map_err(io::Error::other)
}

/// What [`joined`] has joined.
fn parted(text: &str) -> Option<Vec<(Cow<'static, str>, String)>> {
    let part = |item: &str| item.split_once('=').map(|(name, value)| (name.to_owned().into(), value.to_owned()));
    if !text.contains(['"', '\r', '\n']) {
        return text.split(',').map(part).collect();
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let record = reader.records().next()?.ok()?;
    record.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use cuadre_rules::end_to_end::Place;

    use super::*;

    #[test]
    fn values_are_joined_and_parted() {
        let texts = ["", "a", "a,b", "\"", "a=b", "\n", " ", "\r\n", "ñ"];
        for left in texts {
            for right in texts {
                let values = vec![("account".into(), left.to_owned()), ("branch".into(), right.to_owned())];
                assert_eq!(parted(&joined(&values).unwrap()), Some(values));
            }
        }
        assert_eq!(joined(&[("account".into(), "0012".to_owned())]).unwrap(), "account=0012");
    }

    #[test]
    fn what_is_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let date: Date = "2026-11-20".parse().unwrap();
        let files = [("core".to_owned(), "core.csv".to_owned())];
        let mut leaving = Leaving::begin(&list, "r", date, 2, &files).unwrap();
        let carry = |origin| Carry {
            values: vec![("account".into(), "1, 2".to_owned())],
            amount: Some(("JPY".parse().unwrap(), -700)),
            since: date,
            origin,
        };
        let earlier = |filing: &str, file: &str, record| {
            let (filing, source, file) = (filing.to_owned(), "core".to_owned(), file.to_owned());
            Some(Origin::Earlier(Located { filing, source, file, record }))
        };
        let here = Some(Origin::Today(Place { file: 0, record: 5 }));
        for origin in [None, here, earlier("2026-11-18.1", "old.csv", 7)] {
            leaving.push(carry(origin)).unwrap();
        }
        let subject = write(&[leaving.finish().unwrap()], folder.path()).unwrap().unwrap();
        let path = folder.path().join(FORWARD);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "\
rule,values,amount,currency,since,filing,source,file,record
r,,,,2026-11-20,,,,
r,\"\"\"account=1, 2\"\"\",-7,JPY,2026-11-20,,,,
r,\"\"\"account=1, 2\"\"\",-7,JPY,2026-11-20,,core,core.csv,5
r,\"\"\"account=1, 2\"\"\",-7,JPY,2026-11-20,2026-11-18.1,core,old.csv,7
"
        );
        assert_eq!(subject.sha256, Sha256Digest::of_file(&path).unwrap().0);
        let forward = Forward {
            filing: Some(("2026-11-20.1".to_owned(), date)),
            missed: None,
            path: Ok(path),
            judged: BTreeSet::from(["r".to_owned()]),
            scale: 2,
        };
        let mut taken = Vec::new();
        let take = |rule: &str, carry: Result<Carry, Said>| {
            taken.push((rule.to_owned(), carry.unwrap()));
            Ok(())
        };
        forward.each(take).unwrap();
        let origins = [None, earlier("2026-11-20.1", "core.csv", 5), earlier("2026-11-18.1", "old.csv", 7)];
        assert_eq!(taken, origins.map(|origin| ("r".to_owned(), carry(origin))));
        assert_eq!(forward.before("r").unwrap().filing, "2026-11-20.1");
        assert!(forward.before("other").unwrap_err().en.contains("carries nothing of other"));
    }
}
