//! Where a day's files lie: patterns of the configuration resolved below a root.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

/// A file found below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path below the root, `/` between parts.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Puts the date into a pattern: `{date}` as `%Y-%m-%d`, `{date:%d%m%y}` in any other format.
pub fn with_date(pattern: &str, date: Date) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((token, tail)) = after.split_once('}') else { break };
        out += before;
        out += &date.strftime(token.strip_prefix("date:").unwrap_or("%Y-%m-%d")).to_string();
        rest = tail;
    }
    out + rest
}

/// The files that match any of `patterns`, in order of pattern, then name; each file once.
/// `Err` says in words what cannot be read, or which path leaves the root.
pub fn find(root: &Path, patterns: &[String], date: Date) -> Result<Vec<Found>, String> {
    let mut found: Vec<Found> = Vec::new();
    for pattern in patterns {
        let dated = with_date(pattern, date);
        let mut matches = vec![(String::new(), root.to_owned())];
        for part in parts(&dated) {
            matches = step(matches, part)?;
        }
        if let ([(name, path)], false) = (matches.as_slice(), is_open(&dated))
            && !path.is_file()
        {
            return Err(format!("{name} is a folder or a link to nothing; put the file itself there"));
        }
        matches.retain(|(_, path)| path.is_file());
        matches.sort();
        for (name, path) in matches {
            inside(root, &name, &path)?;
            if !found.iter().any(|other| other.name == name) {
                found.push(Found { name, path });
            }
        }
    }
    Ok(found)
}

fn step(folders: Vec<(String, PathBuf)>, part: &str) -> Result<Vec<(String, PathBuf)>, String> {
    let mut next = Vec::new();
    for (name, path) in folders {
        let join = |entry: &str| {
            (if name.is_empty() { entry.to_owned() } else { format!("{name}/{entry}") }, path.join(entry))
        };
        if !is_open(part) {
            let (name, path) = join(part);
            if path.symlink_metadata().is_ok() {
                next.push((name, path));
            }
            continue;
        }
        if !path.is_dir() {
            continue;
        }
        let entries = fs::read_dir(&path).map_err(|e| format!("{}: cannot be listed: {e}", path.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| format!("{}: cannot be listed: {e}", path.display()))?;
            let file_name = entry.file_name();
            if !named_bytes(part, file_name.as_bytes()) {
                continue;
            }
            let Some(file_name) = file_name.to_str() else {
                let shown = entry.path().display().to_string();
                return Err(format!("{shown}: the file name is not UTF-8; have it renamed"));
            };
            next.push(join(file_name));
        }
    }
    Ok(next)
}

/// The names that a pattern leads along.
pub fn parts(pattern: &str) -> Vec<&str> {
    pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// Whether a part of a pattern leaves open which name is meant.
pub fn is_open(part: &str) -> bool {
    part.contains(['*', '?'])
}

/// Whether a name is one of those that an open part of a pattern means; hidden ones never are.
pub fn named(part: &str, name: &str) -> bool {
    named_bytes(part, name.as_bytes())
}

fn named_bytes(part: &str, name: &[u8]) -> bool {
    !name.starts_with(b".") && matches(part.as_bytes(), name)
}

/// `*` stands for any text, `?` for one byte.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|n| matches(rest, &name[n..])),
        (Some((b'?', pattern)), Some((_, name))) => matches(pattern, name),
        (Some((p, pattern)), Some((n, name))) => p == n && matches(pattern, name),
        _ => false,
    }
}

/// A link must not lead out of the root: the archive would take in what nobody meant to send.
fn inside(root: &Path, name: &str, path: &Path) -> Result<(), String> {
    let real = |path: &Path| path.canonicalize().map_err(|e| format!("{}: {e}", path.display()));
    match real(path)?.starts_with(real(root)?) {
        true => Ok(()),
        false => Err(format!("{name} leads out of the data folder; put the file itself there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_dates() {
        let date = "2026-11-20".parse().unwrap();
        assert_eq!(with_date("a/{date}/b-{date:%d%m%y}*.csv", date), "a/2026-11-20/b-201126*.csv");
        assert!(matches(b"*.csv", b"a.csv") && matches(b"a*b*", b"aXbY") && matches(b"?.csv", b"a.csv"));
        assert!(!matches(b"*.csv", b"a.csv.gz") && !matches(b"?", b""));
    }

    #[test]
    fn files_come_sorted_once_and_only_from_inside() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        for folder in ["b", "a"] {
            fs::create_dir(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("x.csv"), "").unwrap();
        }
        let date = "2026-11-20".parse().unwrap();
        let names = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
            find(root.path(), &patterns, date).map(|found| found.into_iter().map(|f| f.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["*/x.csv"]).unwrap(), ["a/x.csv", "b/x.csv"]);
        assert_eq!(names(&["b/*", "*/x.csv"]).unwrap(), ["b/x.csv", "a/x.csv"]);
        assert_eq!(names(&["c/x.csv"]).unwrap(), [""; 0]);
        assert!(names(&["a"]).unwrap_err().contains("is a folder"));
        let odd = std::ffi::OsStr::from_bytes(b"suc_\xd1.csv");
        fs::write(root.path().join("b").join(odd), "").unwrap();
        assert!(names(&["b/*.csv"]).unwrap_err().contains("not UTF-8"));
        std::os::unix::fs::symlink(outside.path(), root.path().join("a/link.csv")).unwrap();
        assert!(names(&["a/*.csv"]).unwrap_err().contains("leads out of the data folder"));
    }
}
