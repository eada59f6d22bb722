//! Filings that no honest run would file, with every digest right.

use cuadre_audit::manifest::Superseded;
use cuadre_audit::verify::Options;
use cuadre_audit::{History, Sha256Digest};

use super::series::{
    Draft, FOUNDED_AT, Forged, LAST_ISSUED_AT, LATEST, RETIRED, ROTATED_AT, STRANGER, at, authorities, id, key, tiny,
    whole,
};
use super::{Expected, Fails, Mutant, Passes, complaints, some, tools_are_there};

const KEY: &str = "who holds a key that counts can file";

/// The series with one more filing, changed in this way.
fn forged(series: &Draft, folder: &'static str, change: impl FnOnce(&mut Forged)) -> Draft {
    let mut forged = Forged::after(series, folder);
    change(&mut forged);
    forged.filed(series, &[])
}

#[test]
fn a_series_that_nobody_touched_passes() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let timely = Options { timely: true, ..Options::default() };
    let first = || series.cut_before("2026-11-20.2");
    assert_eq!(
        complaints(&[
            Mutant::new("untouched", series.clone(), Passes("untouched")),
            Mutant::new("in time", first(), Passes("untouched")).judged_by(timely.clone()),
            Mutant::new("late", series.clone(), Fails).judged_by(timely),
        ]),
        [""; 0]
    );
}

/// A filing changed after the fact, and `LOG` made to agree.
#[test]
fn what_was_filed_cannot_be_changed_together_with_its_lines() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let mut mutants = Vec::new();
    let mut change = |what: &str, changed: Draft| mutants.push(Mutant::new(what, changed, Fails));
    for day in ["2026-11-20.1", "2026-11-21.1", "2026-11-24.1"] {
        let path = |name: &str| format!("filings/{day}/{name}");
        let manifest = path("manifest.json");
        change("a report", series.with(&path("report.csv"), "x\n").agreed());
        change("a report emptied", series.with(&path("report.csv"), "").agreed());
        change("a report gone", series.without(&path("report.csv")).agreed());
        change("a manifest", series.replaced(&manifest, "\"t\"", "\"u\"").agreed());
        change("a manifest's time", series.replaced(&manifest, "T1", "T0").agreed());
        let report = Sha256Digest::of(&series.0[&path("report.csv")]).to_string();
        let other = Sha256Digest::of(b"x\n").to_string();
        let both = series.with(&path("report.csv"), "x\n").replaced(&manifest, &report, &other);
        change("a report and its manifest", both.agreed());
        for (who, seed) in [("a retired", RETIRED), ("a stranger's", STRANGER), ("a later", LATEST)] {
            let signature = key(seed).sign("cuadre-manifest-v1", &both.0[&manifest]).unwrap();
            let signed = both.with(&path("manifest.json.sig"), signature).agreed();
            if day != "2026-11-24.1" || seed != LATEST {
                change(&format!("a report, its manifest, signed with {who} key"), signed);
            }
        }
        change("without its last token or signature", series.without(&path("manifest.json.sig")).agreed());
        for other in ["2026-11-20.2", "2026-11-24.1"] {
            let signature = series.0[&format!("filings/{other}/manifest.json.sig")].clone();
            if other != day {
                change("another's signature", series.with(&path("manifest.json.sig"), signature).agreed());
            }
        }
    }
    change("a filing gone", {
        let mut gone = series.clone();
        gone.0.retain(|name, _| !name.contains("2026-11-20.2/"));
        gone.agreed()
    });
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// The forms of a signature that are the same signature.
#[test]
fn a_signature_is_written_in_one_way() {
    if !tools_are_there() {
        return;
    }
    let series = tiny(&[], LAST_ISSUED_AT);
    let path = "filings/2026-11-20.1/manifest.json.sig";
    let armor = series.text(path);
    let body: String = armor.lines().filter(|line| !line.starts_with("---")).collect();
    let blob = unbase64(&body);
    let wrap = |blob: &[u8]| {
        let text = base64(blob);
        let lines: Vec<&str> = text.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
    };
    assert_eq!(wrap(&blob), armor);
    let mut mutants = Vec::new();
    let mut change = |what: String, text: String| {
        mutants.push(Mutant::new(what, series.with(path, text).agreed(), Fails));
    };
    for (what, text) in [
        ("more behind", format!("{armor}\n")),
        ("a space", armor.replacen('\n', " \n", 2)),
        ("returns", armor.replace('\n', "\r\n")),
        ("one long line", format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n")),
        ("no last newline", armor.trim_end().to_owned()),
        ("more in front", format!("x\n{armor}")),
        ("two", armor.repeat(2)),
        ("an end with a number", armor.replace("END", "END 1")),
        ("padding that is not zero", armor.replacen("=\n", "\n", 1)),
    ] {
        change(what.to_owned(), text);
    }
    // Every byte of what is inside, and what is added to the end.
    for offset in (0..blob.len()).step_by(some(5)) {
        let mut changed = blob.clone();
        changed[offset] ^= 1 << (offset % 8);
        change(format!("byte {offset}"), wrap(&changed));
    }
    change("a byte more".to_owned(), wrap(&[&blob[..], &[0]].concat()));
    // A reserved text; and the number in the second half, with the order of the group added.
    let hash = blob.windows(6).position(|window| window == b"sha512").expect("a digest");
    let reserved = [&blob[..hash - 8], &[0, 0, 0, 1, b'x'], &blob[hash - 4..]].concat();
    change("something reserved".to_owned(), wrap(&reserved));
    let mut carry = 0;
    let mut larger = blob.clone();
    let start = blob.len() - 32;
    for (byte, order) in larger[start..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    change("a number that is too large".to_owned(), wrap(&larger));
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// The order of the group of Ed25519, last byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
            text.push(if n <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte).unwrap_or(0) as u32;
    let padding = text.bytes().filter(|byte| *byte == b'=').count();
    let fours = text.as_bytes().chunks(4);
    let mut bytes: Vec<u8> = fours
        .flat_map(|four| four.iter().fold(0, |bits, byte| bits << 6 | digit(byte)).to_be_bytes()[1..].to_vec())
        .collect();
    bytes.truncate(bytes.len() - padding);
    bytes
}

#[test]
fn filings_that_no_honest_run_would_file() {
    type Change = fn(&mut Forged);
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let day = "2026-11-25.1";
    let cases: Vec<(&str, &'static str, Expected, Change)> = vec![
        ("a true one", day, Passes(KEY), |_| {}),
        ("the last of its day", "2026-11-24.2", Passes(KEY), |_| {}),
        ("an old day", "2026-11-19.1", Passes(KEY), |_| {}),
        ("by a key that was just added", day, Passes(KEY), |f| f.key = LATEST),
        ("by a stranger", day, Fails, |f| f.key = STRANGER),
        ("by a retired key", day, Fails, |f| f.key = RETIRED),
        ("by a retired key, claiming an old time", day, Fails, |f| {
            f.key = RETIRED;
            f.facts.issued_at = at(FOUNDED_AT);
        }),
        ("by a retired key, claiming its last second", day, Fails, |f| {
            f.key = RETIRED;
            f.facts.issued_at = at(ROTATED_AT);
        }),
        ("claiming an old time", day, Passes("a time before the last generation counts as the second after it"), |f| {
            f.facts.issued_at = at(FOUNDED_AT);
        }),
        ("in the wrong namespace", day, Fails, |f| f.namespace = "git"),
        ("in that of trust", day, Fails, |f| f.namespace = "cuadre-trust-v1"),
        ("the wrong number", "2026-11-24.3", Fails, |_| {}),
        ("a number twice", "2026-11-25.2", Fails, |f| f.facts.filing.number = 1),
        ("another number than its folder", day, Fails, |f| f.facts.filing.number = 2),
        ("another day than its folder", day, Fails, |f| f.facts.business_date = id("2026-11-26.1").date()),
        ("a folder of no day", "2026-11-25.1", Fails, |f| f.folder = "2026-02-30.1"),
        ("a folder of no filing", "2026-11-25.1", Fails, |f| f.folder = "2026-11-25.01"),
        ("superseding what is not there", day, Fails, |f| {
            f.facts.filing.supersedes = Some(Superseded { sha256: Sha256Digest::of(b"") });
        }),
        ("not superseding what is there", "2026-11-24.2", Fails, |f| f.facts.filing.supersedes = None),
        ("superseding another", "2026-11-24.2", Fails, |f| {
            f.facts.filing.supersedes = Some(Superseded { sha256: Sha256Digest::of(b"") });
        }),
        ("pinning nothing", day, Fails, |f| f.facts.history = History { entries: 0, sha256: Sha256Digest::of(b"") }),
        ("pinning other lines", day, Fails, |f| f.facts.history.sha256 = Sha256Digest::of(b"")),
        ("pinning another number of lines", day, Fails, |f| f.facts.history.entries -= 1),
        ("without reports", day, Passes(KEY), |f| f.files.clear()),
        ("inputs that are not archived", day, Fails, |f| {
            f.files[0] = ("inputs.json", format!("{{\"x\":[{{\"sha256\":\"{}\"}}]}}\n", Sha256Digest::of(b"absent")));
        }),
        ("a list of inputs that is not archived", day, Fails, |f| f.files[0] = ("inputs.json", "{}\n".to_owned())),
        ("inputs that are no JSON", day, Fails, |f| f.files[0] = ("inputs.json", "{".to_owned())),
        ("no inputs in inputs.json", day, Fails, |f| f.files[0] = ("inputs.json", String::new())),
        ("inputs twice", day, Fails, |f| f.files[0] = ("inputs.json", "{}\n{}\n".to_owned())),
        ("lines in another order", day, Fails, |f| f.lines = |lines| lines.swap(0, 1)),
        ("the signature's line first", day, Fails, |f| f.lines = |lines| lines.rotate_right(1)),
        ("manifest and signature swapped", day, Fails, |f| f.lines = |lines| lines.swap(2, 3)),
        ("a line missing", day, Fails, |f| f.lines = |lines| drop(lines.remove(0))),
        ("the manifest's line missing", day, Fails, |f| f.lines = |lines| drop(lines.remove(2))),
        ("the signature's line missing", day, Fails, |f| f.lines = |lines| drop(lines.pop())),
    ];
    let mut mutants: Vec<Mutant> = cases
        .into_iter()
        .map(|(what, folder, expected, change)| Mutant::new(what, forged(series, folder, change), expected))
        .collect();
    // A file that the manifest does not name, with and without a line.
    let more = forged(series, day, |_| {}).with("filings/2026-11-25.1/more.csv", "x");
    mutants.push(Mutant::new("a file too many", more.clone(), Fails));
    mutants.push(Mutant::new("a line too many", more.agreed_with(&["filings/2026-11-25.1/more.csv"]), Fails));
    // An old key's filing where it would have counted: before the rotation, which then no longer fits.
    let before = series.cut_before("trust/tsa-t-2");
    let old = forged(&before, "2026-11-20.3", |f| (f.key, f.facts.issued_at) = (RETIRED, at("2026-11-21T12:55:00Z")));
    mutants.push(Mutant::new("the tail from before a rotation on", old.clone(), Passes(KEY)));
    let rotation: Vec<&str> = vec!["trust/tsa-t-2.pem", "trust/allowed_signers.2.sig", "trust/allowed_signers.2"];
    let mut again = old.clone();
    for path in &rotation {
        again.0.insert((*path).to_owned(), series.0[*path].clone());
    }
    mutants.push(Mutant::new("the same, and the rotation after it", again.agreed_with(&rotation), Fails));
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// What a retired key signs counts only with a time stamp of its time, and nobody gets one afterwards.
#[test]
fn a_time_that_is_proven_counts_more_than_one_that_is_claimed() {
    let (Some(series), Some(authorities)) = (whole().filter(|_| tools_are_there()), authorities()) else { return };
    let stamped = |clock: &str, change: fn(&mut Forged)| {
        let mut forged = Forged::after(series, "2026-11-25.1");
        change(&mut forged);
        let token = authorities.t.token_at(at(clock).as_second(), &forged.signature(), &["-sha256"]);
        forged.filed(series, &[("t", token)])
    };
    let retired: fn(&mut Forged) = |f| (f.key, f.facts.issued_at) = (RETIRED, at(FOUNDED_AT));
    let cases = [
        ("a true one", stamped(LAST_ISSUED_AT, |_| {}), Passes(KEY)),
        ("a retired key, stamped today", stamped(LAST_ISSUED_AT, retired), Fails),
        ("a retired key, stamped in its time", stamped("2026-11-20T00:00:00Z", retired), Fails),
        ("a later key, stamped before it counted", stamped("2026-11-24T14:59:59Z", |f| f.key = LATEST), Passes(KEY)),
    ];
    let mutants: Vec<Mutant> =
        cases.into_iter().map(|(what, series, expected)| Mutant::new(what, series, expected)).collect();
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// Manifests of every odd form, signed by the key that counts.
#[test]
fn manifests_are_read_in_the_same_way() {
    type Edit = fn(String) -> Vec<u8>;
    if !tools_are_there() {
        return;
    }
    let series = tiny(&[], LAST_ISSUED_AT);
    fn replace(text: &str, from: &str, to: &str) -> Vec<u8> {
        assert!(text.contains(from), "{from} in {text}");
        text.replacen(from, to, 1).into_bytes()
    }
    fn with(text: &str, more: &str) -> Vec<u8> {
        replace(text, "\"predicateType\":\"t\"", &format!("\"predicateType\":\"{more}\""))
    }
    fn saying(text: &str, more: &str) -> Vec<u8> {
        replace(text, "\"predicate\":{", &format!("\"predicate\":{{\"a\":{more},"))
    }
    fn nested(text: &str, depth: usize) -> Vec<u8> {
        saying(text, &("[".repeat(depth) + &"]".repeat(depth)))
    }
    let fails: Vec<Edit> = vec![
        |t| [b" ", t.as_bytes()].concat(),
        |t| [t.as_bytes(), b"\n"].concat(),
        |t| t.trim_end().into(),
        |t| t.repeat(2).into(),
        |t| [t.as_bytes(), b"{}\n"].concat(),
        |t| [b"\xef\xbb\xbf", t.as_bytes()].concat(),
        |_| b"".to_vec(),
        |_| b"\n".to_vec(),
        |_| b"null\n".to_vec(),
        |_| b"[]\n".to_vec(),
        |t| replace(&t, ":", ": "),
        |t| replace(&t, "{\"_type\"", "{\"a\":1,\"_type\""),
        |t| replace(&t, "\"_type\"", "\"\\u005ftype\""),
        |t| replace(&t, "Statement/v1", "Statement/v2"),
        |t| replace(&t, "Statement/v1", "Statement\\/v1"),
        |t| replace(&t, "\"predicateType\":\"t\"", "\"predicateType\":1"),
        |t| replace(&t, ",\"predicateType\":\"t\"", ""),
        |t| replace(&t, ",\"supersedes\":null", ""),
        |t| replace(&t, "\"supersedes\":null", "\"supersedes\":{}"),
        |t| replace(&t, "\"supersedes\":null", "\"supersedes\":[]"),
        |t| replace(&t, "\"number\":1", "\"number\":1.0"),
        |t| replace(&t, "\"number\":1", "\"number\":\"1\""),
        |t| replace(&t, "\"number\":1", "\"number\":1,\"number\":1"),
        |t| replace(&t, "{\"number\":1,\"supersedes\":null}", "[1,null]"),
        |t| replace(&t, ",\"issuedAt\":\"2026-11-25T11:00:00Z\"", ""),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T12:00:00+01:00"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T11:00:00.0Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25t11:00:00z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T11:00Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-31T11:00:00Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T11:00:60Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T24:00:00Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "1969-11-25T11:00:00Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "0000-01-01T00:00:00Z"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "now"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T11:00:00Z\\n"),
        |t| replace(&t, "\"businessDate\":\"2026-11-25\"", "\"businessDate\":\"2026-11-25\\n\""),
        |t| replace(&t, "\"history\":{\"entries\":4,", "\"history\":{\"a\":1,\"entries\":4,"),
        |t| replace(&t, "\"entries\":4", "\"entries\":4.0"),
        |t| replace(&t, "\"},\"issuedAt\"", "\\n\"},\"issuedAt\""),
        |t| replace(&t, "\"report.csv\"", "\"report.csv\\n\""),
        |t| replace(&t, "\"report.csv\"", "\"./report.csv\""),
        |t| replace(&t, "\"report.csv\"", "\"b.csv\""),
        |t| replace(&t, "\"b.csv\"", "\"manifest.json.b\""),
        |t| replace(&t, "\"b.csv\"}", "\"b.csv\",\"x\":1}"),
        |t| replace(&t, ",\"name\":\"b.csv\"", ""),
        |t| replace(&t, "\"subject\":[", "\"subject\":[[],"),
        |t| (t[..t.find(",{\"digest\"").unwrap()].to_owned() + "]}\n").into_bytes(),
        |t| saying(&t, "1.5"),
        |t| saying(&t, "-0"),
        |t| saying(&t, "1e2"),
        |t| saying(&t, "01"),
        |t| saying(&t, "nan"),
        |t| saying(&t, "9007199254740992"),
        |t| saying(&t, "-9007199254740992"),
        |t| saying(&t, "100000000000000000000"),
        |t| saying(&t, "{\"b\":1,\"a\":1}"),
        |t| saying(&t, "{\"a\":1,\"a\":1}"),
        |t| saying(&t, "{\"\u{fb33}\":1,\"\u{1f600}\":1}"),
        |t| with(&t, "\\u00e1"),
        |t| with(&t, "\\u007f"),
        |t| with(&t, "\\ud800"),
        |t| with(&t, "\\U0001"),
        |t| with(&t, "\t"),
        |t| with(&t, "\u{1}"),
        |t| with(&t, "\\u000A"),
        |t| with(&t, "\\u000a"),
        |t| with(&t, "\\u001F"),
        |t| String::from_utf8(with(&t, "@")).unwrap().bytes().map(|b| if b == b'@' { 0xff } else { b }).collect(),
        |t| nested(&t, 126),
        |t| nested(&t, 300),
    ];
    let passes: Vec<Edit> = vec![
        |t| saying(&t, "9007199254740991"),
        |t| saying(&t, "-9007199254740991"),
        |t| saying(&t, "[0,-1,true,false,null,\"1.5e3\",\"-0\",\"\\\"1.5\",{}]"),
        |t| saying(&t, "{\"\u{1f600}\":1,\"\u{fb33}\":1}"),
        |t| with(&t, "\u{e1}\u{1f600} \u{7f} \\u0000\\b\\t\\n\\f\\r\\u001f \\\\ \\\" /"),
        |t| nested(&t, 125),
        |t| replace(&t, "{\"number\":1,", "{\"kind\":\"x\",\"number\":1,"),
        |t| replace(&t, "2026-11-25T11:00:00Z", "2026-11-25T11:00:00.123456789Z"),
    ];
    let filed = |manifest: Edit| forged(&series, "2026-11-25.1", |f| (f.key, f.manifest) = (RETIRED, manifest));
    let of = |edits: Vec<Edit>, word: &'static str, expected: Expected| {
        let mutants = edits.into_iter().enumerate();
        mutants.map(move |(n, edit)| Mutant::new(format!("{word} {n}"), filed(edit), expected)).collect::<Vec<_>>()
    };
    let mutants: Vec<Mutant> =
        [of(fails, "fails", Fails), of(passes, "passes", Passes(KEY))].into_iter().flatten().collect();
    assert_eq!(complaints(&mutants), [""; 0]);
}
