//! Time stamps: moved, swapped, replaced, removed, and every byte of them.

use std::collections::BTreeSet;

use cuadre_tests::tsa::{Kind, Tsa};

use super::series::{Draft, LAST_ISSUED_AT, at, authorities, tiny, whole};
use super::{Agrees, Fails, Mutant, Passes, complaints, some, tools_are_there};

const SIGNATURE: &str = "filings/2026-11-20.1/manifest.json.sig";
const TOKEN: &str = "filings/2026-11-20.1/manifest.json.sig.t.tsr";

#[test]
fn a_time_stamp_belongs_to_its_filing_and_its_authority() {
    let (Some(series), Some(tsas)) = (whole().filter(|_| tools_are_there()), authorities()) else { return };
    let last = series.cut_before("trust/allowed_signers.3");
    let (t, t_2) = ("filings/2026-11-21.1/manifest.json.sig.t.tsr", "filings/2026-11-21.1/manifest.json.sig.t-2.tsr");
    let signature = last.0["filings/2026-11-21.1/manifest.json.sig"].clone();
    let token =
        |clock: &str, message: &[u8], options: &[&str]| tsas.t.token_at(at(clock).as_second(), message, options);
    let (day, before) = ("2026-11-23T00:00:00Z", "2025-12-31T00:00:00Z");
    let later = token(day, &signature, &["-sha256"]);
    let weak = token(day, &signature, &["-sha1"]);
    let other_policy = token(day, &signature, &["-sha256", "-tspolicy", "1.2.3.4.2"]);
    let strong = token(day, &signature, &["-sha512", "-cert"]);
    let too_early = token(before, &signature, &["-sha256"]);
    let of_manifest = token(before, &last.0["filings/2026-11-21.1/manifest.json"], &["-sha256"]);
    let rotated = |paths: &mut Vec<String>| paths[..].rotate_left(1);
    let mut paths = last.named();
    let tail = paths.len() - 2;
    let mut swapped = paths[tail..].to_vec();
    rotated(&mut swapped);
    paths.truncate(tail);
    paths.extend(swapped);
    let cases = vec![
        ("another filing's", last.with(t, last.0[TOKEN].clone()), Fails),
        ("another authority's", last.with(t, last.0[t_2].clone()), Fails),
        ("both swapped", last.with(t, last.0[t_2].clone()).with(t_2, last.0[t].clone()), Fails),
        ("a later one", last.with(t, later), Passes("an authority has stamped it again")),
        ("a stronger one", last.with(t, strong), Passes("an authority has stamped it again")),
        ("a weak one", last.with(t, weak), Fails),
        ("under another policy", last.with(t, other_policy), Fails),
        ("from before the certificate", last.with(t, too_early), Fails),
        ("of the manifest", last.with(t, of_manifest), Fails),
        ("empty", last.with(t, ""), Fails),
        ("the certificate", last.with(t, tsas.t.pem()), Fails),
        ("removed", last.without(t), Passes("a time stamp at the end is pinned by nothing")),
        ("both removed", last.without(t).without(t_2), Passes("a time stamp at the end is pinned by nothing")),
        ("of a filing that is not the last", series.without(t), Fails),
    ];
    let mut mutants: Vec<Mutant> =
        cases.into_iter().map(|(what, series, expected)| Mutant::new(what, series.agreed(), expected)).collect();
    mutants.push(Mutant::new("their lines swapped", last.naming(&paths), Fails));
    let unknown = t.replace(".t.tsr", ".x.tsr");
    let more = last.with(&unknown, last.0[t].clone()).agreed_with(&[&unknown]);
    mutants.push(Mutant::new("of an authority that nobody trusts", more, Fails));
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// Every byte of the last filing's token and what may differ unnoticed: what nobody signed.
fn flipped(kind: Kind, tsa: &Tsa, stride: usize) {
    let series = tiny(&[("t", tsa)], "2026-11-21T11:40:00Z");
    let token = &series.0[TOKEN];
    let mut mutants = vec![Mutant::new("untouched", series.clone(), Passes("untouched"))];
    for offset in (0..token.len()).step_by(some(stride)) {
        for flip in BTreeSet::from([1 << (offset % 8), 0x20]) {
            let mut changed = token.clone();
            changed[offset] ^= flip;
            let what = format!("{kind:?}, byte {offset} of {}, {:#04x} ^ {flip:#04x}", token.len(), token[offset]);
            mutants.push(Mutant::new(what, series.with(TOKEN, changed).agreed(), Agrees));
        }
    }
    for (what, changed) in [
        ("a byte more", [&token[..], b"\0"].concat()),
        ("a byte less", token[..token.len() - 1].to_vec()),
        ("twice", token.repeat(2)),
    ] {
        mutants.push(Mutant::new(format!("{kind:?}, {what}"), series.with(TOKEN, changed).agreed(), Fails));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

#[test]
fn tokens_are_read_in_the_same_way() {
    let Some(tsas) = authorities().filter(|_| tools_are_there()) else { return };
    flipped(Kind::Ec, &tsas.t, 7);
}

#[test]
fn tokens_with_certificates_are_read_in_the_same_way() {
    if !tools_are_there() {
        return;
    }
    for (kind, stride) in [(Kind::Rsa, 31), (Kind::Nom151, 97)] {
        let Some(tsa) = Tsa::start(kind) else { return };
        flipped(kind, &tsa, stride);
    }
}

/// What nobody signed, changed on purpose.
#[test]
fn what_nobody_signed_may_differ() {
    let Some(tsas) = authorities().filter(|_| tools_are_there()) else { return };
    let series: Draft = tiny(&[("t", &tsas.t)], LAST_ISSUED_AT);
    let token = &series.0[TOKEN];
    std::fs::write(tsas.t.folder().join("answer"), token).unwrap();
    let alone = tsas.t.openssl(&["ts", "-reply", "-config", "openssl.cnf", "-in", "answer", "-token_out"], b"");
    let status = token.windows(5).position(|window| window == [0x30, 0x03, 0x02, 0x01, 0x00]).expect("a status") + 4;
    let with_status = |value: u8| {
        let mut changed = token.clone();
        changed[status] = value;
        changed
    };
    let unsigned = "nobody signs it";
    let cases = vec![
        ("the token alone", alone, Passes(unsigned)),
        ("granted with modifications", with_status(1), Passes(unsigned)),
        ("refused", with_status(2), Fails),
        ("waiting", with_status(3), Fails),
        ("revoked", with_status(5), Fails),
        ("a negative status", with_status(0xff), Fails),
    ];
    let mutants: Vec<Mutant> = cases
        .into_iter()
        .map(|(what, token, expected)| Mutant::new(what, series.with(TOKEN, token).agreed(), expected))
        .collect();
    assert!(series.0.contains_key(SIGNATURE));
    assert_eq!(complaints(&mutants), [""; 0]);
}
