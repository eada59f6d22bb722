//! What lies in the folder and nobody filed: stray files, links, odd names, things half done.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use cuadre_audit::Sha256Digest;
use cuadre_audit::verify::Options;

use super::series::{LAST_ISSUED_AT, tiny, whole};
use super::{Expected, Fails, Hand, Mutant, Passes, complaints, tools_are_there};

const PREPARED: &str = "what a run is just preparing is no part of the series";
const UNPINNED: &str = "anyone can add to an archive that is named by content";

fn with_file(path: &'static [u8]) -> Hand {
    Box::new(move |root: &Path| {
        let path = root.join(OsStr::from_bytes(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    })
}

fn with_folder(path: &'static str) -> Hand {
    Box::new(move |root: &Path| fs::create_dir_all(root.join(path)).unwrap())
}

fn with_link(path: &'static str) -> Hand {
    Box::new(move |root: &Path| {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        symlink("/dev/null", root.join(path)).unwrap();
    })
}

#[test]
fn nothing_lies_there_unnoticed_but_what_is_being_prepared() {
    if !tools_are_there() {
        return;
    }
    let series = tiny(&[], LAST_ISSUED_AT);
    let skipped = Passes("the archive is passed over");
    let cases: Vec<(&str, Hand, Expected, Expected)> = vec![
        ("stray", with_file(b"notes.txt"), Fails, Fails),
        ("generation", with_file(b"trust/allowed_signers.2"), Fails, Fails),
        ("in filings", with_file(b"filings/README"), Fails, Fails),
        ("in a filing", with_file(b"filings/2026-11-20.1/more.csv"), Fails, Fails),
        ("hidden", with_file(b"filings/2026-11-20.1/.hidden"), Fails, Fails),
        ("below a filing", with_file(b"filings/2026-11-20.1/sub/more.csv"), Fails, Fails),
        ("filing", with_file(b"filings/2026-11-20.2/manifest.json"), Fails, Fails),
        ("space", with_file(b"filings/2026-11-20.1/a b"), Fails, Fails),
        ("newline", with_file(b"filings/2026-11-20.1/a\nb"), Fails, Fails),
        ("newline and a true path", with_file(b"x\nf ./LOG"), Fails, Fails),
        ("not UTF-8", with_file(b"filings/\xff"), Fails, Fails),
        ("quotes", with_file(b"a'b\"c"), Fails, Fails),
        ("hyphen", with_file(b"-rf"), Fails, Fails),
        ("glob", with_file(b"*"), Fails, Fails),
        ("empty folder", with_folder("filings/2026-11-20.2"), Fails, Fails),
        ("folder", with_folder("other"), Fails, Fails),
        ("folder in trust", with_folder("trust/x"), Fails, Fails),
        ("folder LOCK", with_folder("LOCK"), Fails, Fails),
        ("link", with_link("x"), Fails, Fails),
        ("link LOCK", with_link("LOCK"), Fails, Fails),
        ("link claims", with_link("claims"), Fails, Fails),
        ("link archive", with_link("archive"), Fails, Fails),
        ("lock", with_file(b"LOCK"), Passes(PREPARED), Passes(PREPARED)),
        ("staging", with_file(b"filings/.staging-2026-11-21.1/report.csv"), Passes(PREPARED), Passes(PREPARED)),
        ("staging, odd", with_file(b"filings/.staging-2026-11-21.1/a b\n\xff"), Passes(PREPARED), Passes(PREPARED)),
        ("staging, not UTF-8", with_file(b"filings/.staging-\xff"), Passes(PREPARED), Passes(PREPARED)),
        ("staging, link", with_link("filings/.staging-2026-11-21.1/x"), Passes(PREPARED), Passes(PREPARED)),
        ("staging, trust", with_file(b"trust/.staging-allowed_signers.2"), Passes(PREPARED), Passes(PREPARED)),
        ("staging elsewhere", with_file(b".staging-x"), Fails, Fails),
        ("claim", with_file(b"claims/45"), Passes(PREPARED), Passes(PREPARED)),
        ("claims", with_folder("claims"), Passes(PREPARED), Passes(PREPARED)),
        ("no claim", with_file(b"claims/x"), Fails, Fails),
        ("below a claim", with_file(b"claims/1/2"), Fails, Fails),
        ("incoming", with_file(b"archive/.incoming-1-0"), Passes(PREPARED), skipped),
        ("incoming, odd", with_file(b"archive/.incoming-a b"), Fails, skipped),
        ("incoming folder", with_folder("archive/.incoming-x"), Fails, skipped),
        ("below incoming", with_file(b"archive/.incoming-x/y"), Fails, skipped),
        ("in the archive", with_file(b"archive/README"), Fails, skipped),
        ("in the archive, space", with_file(b"archive/a b"), Fails, skipped),
        ("in the archive, newline", with_file(b"archive/a\nb"), Fails, skipped),
        ("in the archive, not UTF-8", with_file(b"archive/\xff"), Fails, skipped),
        ("in the archive, deeper", with_file(b"archive/sha256/README"), Fails, skipped),
        ("in the archive, deepest", with_file(b"archive/sha256/zz/README"), Fails, skipped),
        ("in the archive, short", with_file(b"archive/sha256/2d/2d711642"), Fails, skipped),
        ("in the archive, other", with_file(b"archive/sha512/README"), Fails, skipped),
        ("no folder", with_file(b"archive/sha256"), Fails, skipped),
        ("link in the archive", with_link("archive/sha256/ab/x"), Fails, skipped),
        ("empty folder in the archive", with_folder("archive/sha256/ab"), Passes("it says nothing"), skipped),
        ("folder for an object", with_folder("archive/sha256/ab/ab"), Fails, skipped),
    ];
    let mut mutants = Vec::new();
    for without_archive in [false, true] {
        let options = Options { without_archive, ..Options::default() };
        mutants.push(Mutant::new("untouched", series.clone(), Passes("untouched")).judged_by(options));
    }
    for (what, hand, expected, without) in cases {
        let hand = std::sync::Arc::new(hand);
        for (without_archive, expected) in [(false, expected), (true, without)] {
            let hand = std::sync::Arc::clone(&hand);
            let options = Options { without_archive, ..Options::default() };
            mutants.push(Mutant {
                hand: Some(Box::new(move |root| hand(root))),
                options,
                ..Mutant::new(format!("{what}, without archive {without_archive}"), series.clone(), expected)
            });
        }
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// Every file that is named, as a link to itself, a folder, a socket.
#[test]
fn only_regular_files_count() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let mut mutants = Vec::new();
    for path in series.0.keys() {
        let at = path.clone();
        let link: Hand = Box::new(move |root| {
            let outside = root.with_extension("outside");
            fs::copy(root.join(&at), &outside).unwrap();
            fs::remove_file(root.join(&at)).unwrap();
            symlink(&outside, root.join(&at)).unwrap();
        });
        mutants.push(Mutant { hand: Some(link), ..Mutant::new(format!("{path} as a link"), series.clone(), Fails) });
    }
    for path in ["LOG", "filings/2026-11-20.1/report.csv"] {
        let socket: Hand = Box::new(move |root| {
            fs::remove_file(root.join(path)).unwrap();
            drop(UnixListener::bind(root.join(path)).unwrap());
        });
        let folder: Hand = Box::new(move |root| {
            fs::remove_file(root.join(path)).unwrap();
            fs::create_dir(root.join(path)).unwrap();
        });
        for (what, hand) in [("socket", socket), ("folder", folder)] {
            let mutant = Mutant::new(format!("{path} as a {what}"), series.clone(), Fails);
            mutants.push(Mutant { hand: Some(hand), ..mutant });
        }
    }
    for folder in ["filings", "filings/2026-11-20.1", "trust", "archive", "archive/sha256"] {
        let link: Hand = Box::new(move |root| {
            let outside = root.with_extension("outside");
            fs::rename(root.join(folder), &outside).unwrap();
            symlink(&outside, root.join(folder)).unwrap();
        });
        mutants.push(Mutant { hand: Some(link), ..Mutant::new(format!("{folder} as a link"), series.clone(), Fails) });
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

#[test]
fn objects_are_what_their_names_say() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let path = |content: &[u8]| {
        let digest = Sha256Digest::of(content).to_string();
        format!("archive/sha256/{}/{digest}", &digest[..2])
    };
    let skipping = || Options { without_archive: true, ..Options::default() };
    let object = path(b"2026-11-20.1");
    assert!(series.0.contains_key(&object));
    let misplaced = object.replace(&object[15..17], "00");
    let name = &object[18..];
    let cases = vec![
        ("an object more", series.with(&path(b"x"), "x"), Passes(UNPINNED), Passes(UNPINNED)),
        ("an object under another name", series.with(&path(b"x"), "y"), Fails, Passes("the archive is passed over")),
        ("an object changed", series.with(&object, "x"), Fails, Passes("the archive is passed over")),
        ("an object gone", series.without(&object), Fails, Fails),
        (
            "an object twice",
            series.with(&format!("archive/sha256/00/{name}"), series.0[&object].clone()),
            Fails,
            Passes("the archive is passed over"),
        ),
        (
            "an object elsewhere",
            series.without(&object).with(&format!("archive/{name}"), series.0[&object].clone()),
            Fails,
            Fails,
        ),
        (
            "a name in capitals",
            series.with(&path(b"x").to_uppercase().replace("ARCHIVE/SHA", "archive/sha"), "x"),
            Fails,
            Passes("the archive is passed over"),
        ),
    ];
    assert_ne!(misplaced, object);
    let mut mutants = Vec::new();
    for (what, changed, expected, without) in cases {
        mutants.push(Mutant::new(what, changed.clone(), expected));
        mutants.push(Mutant::new(format!("{what}, without archive"), changed, without).judged_by(skipping()));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}
