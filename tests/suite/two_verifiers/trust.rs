//! Who is trusted, changed with every digest right.

use cuadre_audit::keys::{MANIFEST_NAMESPACE, TRUST_NAMESPACE};
use cuadre_audit::trust::{Calendar, Trust};
use cuadre_audit::{History, Sha256Digest};

use super::series::{
    ADDED_AT, CURRENT, Draft, Forged, LAST_ISSUED_AT, LATEST, PRINCIPAL, RETIRED, ROOT, STRANGER, at, authorities, key,
    root_signers, tiny, whole,
};
use super::{Agrees, Expected, Fails, Mutant, Passes, complaints, tools_are_there};

const ROOTED: &str = "whom a root vouches for is trusted";
/// The authorities of a filing are those of the generation in front of it.
const LATER: &str = "what a later generation says of authorities is for later filings";
const FOURTH: &str = "trust/allowed_signers.4";

/// The series with a fourth generation of that text, signed like this.
fn with_fourth(series: &Draft, text: &str, seed: u8, namespace: &str) -> Draft {
    let signature = key(seed).sign(namespace, text.as_bytes()).unwrap();
    let signature_path = format!("{FOURTH}.sig");
    series.with(FOURTH, text).with(&signature_path, signature).agreed_with(&[&signature_path, FOURTH])
}

fn last(series: &Draft) -> Trust {
    Trust::parse(&series.0["trust/allowed_signers.3"]).unwrap()
}

fn next(series: &Draft) -> Trust {
    let log = &series.0["LOG"];
    let entries = log.iter().filter(|&&byte| byte == b'\n').count() as u64;
    last(series).next(History { entries, sha256: Sha256Digest::of(log) }, at(LAST_ISSUED_AT)).unwrap()
}

#[test]
fn only_the_root_changes_trust() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let true_one = next(series);
    let text = true_one.to_text().unwrap();
    let signed = |trust: &Trust| with_fourth(series, &trust.to_text().unwrap(), ROOT, TRUST_NAMESPACE);
    let by = |seed, namespace| with_fourth(series, &text, seed, namespace);
    let mut closed = true_one.clone();
    closed.calendar = Calendar::parse("06:00 America/Mexico_City", ["2026-11-23".parse().unwrap()]);
    let mut revoked = true_one.clone();
    revoked.retire(&key(CURRENT).public_key(), at("2026-11-22T00:00:00Z")).unwrap();
    let mut never = true_one.clone();
    never.retire(&key(LATEST).public_key(), at(ADDED_AT)).unwrap();
    let mut fewer = true_one.clone();
    fewer.authorities.truncate(1);
    let of = |change: fn(&mut Trust)| {
        let mut changed = true_one.clone();
        change(&mut changed);
        signed(&changed)
    };
    let cases: Vec<(&str, Draft, Expected)> = vec![
        ("by the root", by(ROOT, TRUST_NAMESPACE), Passes(ROOTED)),
        ("a day closed afterwards", signed(&closed), Passes("of a day counts the calendar before its deadline")),
        ("a key that never counted", signed(&never), Passes(ROOTED)),
        ("by the key that signs filings", by(CURRENT, TRUST_NAMESPACE), Fails),
        ("by a stranger", by(STRANGER, TRUST_NAMESPACE), Fails),
        ("for manifests", by(ROOT, MANIFEST_NAMESPACE), Fails),
        ("a key that was stolen before it filed", signed(&revoked), Fails),
        ("without an authority whose stamps are there", signed(&fewer), Passes(LATER)),
        ("one too far", of(|trust| trust.generation = 5), Fails),
        ("one again", of(|trust| trust.generation = 3), Fails),
        (
            "of another series",
            of(|trust| trust.history = trust.history.map(|h| History { sha256: Sha256Digest::of(b"x"), ..h })),
            Fails,
        ),
        (
            "of lines that are not there",
            of(|trust| trust.history = trust.history.map(|h| History { entries: h.entries + 1, ..h })),
            Fails,
        ),
        ("of nothing", of(|trust| trust.history = Some(History { entries: 0, sha256: Sha256Digest::of(b"") })), Fails),
        ("of no series", of(|trust| trust.history = None), Fails),
        ("back in time", of(|trust| trust.issued = Some(at("2026-11-24T14:59:59Z"))), Fails),
        ("with a certificate that is not there", of(|trust| trust.authorities[0].name = "x".to_owned()), Fails),
        ("with another certificate", of(|trust| trust.authorities[0].certificate = Sha256Digest::of(b"")), Fails),
        ("under another policy", of(|trust| trust.authorities[0].policy = Some("1.2.3.4.2".to_owned())), Passes(LATER)),
        ("under any policy", of(|trust| trust.authorities[0].policy = None), Passes(ROOTED)),
        ("without its signature", by(ROOT, TRUST_NAMESPACE).without("trust/allowed_signers.4.sig").agreed(), Fails),
        (
            "without signature's line",
            {
                let paths: Vec<String> = by(ROOT, TRUST_NAMESPACE).named();
                by(ROOT, TRUST_NAMESPACE).naming(&[&paths[..26], &paths[27..]].concat())
            },
            Fails,
        ),
        (
            "an older one put last",
            {
                let text = series.text("trust/allowed_signers.2");
                let signature = series.0["trust/allowed_signers.2.sig"].clone();
                let path = format!("{FOURTH}.sig");
                series.with(FOURTH, text).with(&path, signature).agreed_with(&[&path, FOURTH])
            },
            Fails,
        ),
        (
            "the last one with the one before in its place",
            {
                let paths = ["trust/allowed_signers.2", "trust/allowed_signers.2.sig"];
                let mut swapped = series.clone();
                for path in paths {
                    swapped.0.insert(path.replace('2', "3"), series.0[path].clone());
                }
                swapped.agreed()
            },
            Fails,
        ),
    ];
    let mutants: Vec<Mutant> =
        cases.into_iter().map(|(what, series, expected)| Mutant::new(what, series, expected)).collect();
    assert_eq!(complaints(&mutants), [""; 0]);
}

#[test]
fn files_of_trust_cannot_be_changed_together_with_their_lines() {
    let (Some(series), Some(authorities)) = (whole().filter(|_| tools_are_there()), authorities()) else { return };
    let by_stranger = |path: &str, change: fn(String) -> String| {
        let text = change(series.text(path));
        let signature = key(STRANGER).sign(TRUST_NAMESPACE, text.as_bytes()).unwrap();
        series.with(path, text).with(&format!("{path}.sig"), signature)
    };
    let all = ["trust/allowed_signers.1", "trust/allowed_signers.2", "trust/allowed_signers.3"];
    let mut mutants = Vec::new();
    let mut change = |what: String, changed: Draft| mutants.push(Mutant::new(what, changed.agreed(), Fails));
    for path in all {
        change(format!("{path} by a stranger"), by_stranger(path, |text| text));
        change(format!("{path} with the stranger's root"), {
            by_stranger(path, |text| text).with("trust/root_signers", root_signers(STRANGER))
        });
        change(format!("{path} with more"), series.with(path, series.text(path) + "# more\n"));
        change(format!("{path} gone"), series.without(path));
        change(format!("{path}'s signature gone"), series.without(&format!("{path}.sig")));
        let signature = key(CURRENT).sign(TRUST_NAMESPACE, &series.0[path]).unwrap();
        change(format!("{path} by a key that signs"), series.with(&format!("{path}.sig"), signature));
    }
    change("the root's line gone".to_owned(), series.without("trust/root_signers"));
    change("another root".to_owned(), series.with("trust/root_signers", root_signers(STRANGER)));
    change("one more root".to_owned(), {
        series.with("trust/root_signers", [root_signers(ROOT), root_signers(STRANGER)].concat())
    });
    change("certificates swapped".to_owned(), {
        series.with("trust/tsa-t.pem", authorities.t_2.pem()).with("trust/tsa-t-2.pem", authorities.t.pem())
    });
    change(
        "a certificate with words".to_owned(),
        series.with("trust/tsa-t.pem", [b"x\n", &authorities.t.pem()[..]].concat()),
    );
    // A whole series made anew under other keys passes, unless the true root is known: see `kept`.
    let mut other = tiny(&[], LAST_ISSUED_AT);
    mutants.push(Mutant::new("another series", other.clone(), Passes("it vouches for itself")));
    other.0.insert("trust/allowed_signers.1".to_owned(), series.0["trust/allowed_signers.1"].clone());
    mutants.push(Mutant::new("trust from another series", other.agreed(), Fails));
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// Files of signers in every odd form, signed by the root: what one reads, the other reads in the same way.
#[test]
fn signers_are_read_in_the_same_way() {
    let Some(series) = whole().filter(|_| tools_are_there()) else { return };
    let text = next(series).to_text().unwrap();
    let stranger = key(STRANGER).public_key();
    let cases: Vec<(&str, &str)> = vec![
        ("# cuadre-trust 1", "# cuadre-trust 2"),
        ("# cuadre-trust 1", "# cuadre-trusted"),
        ("# cuadre-trust 1\n", ""),
        ("# generation 4", "# generation 04"),
        ("# generation 4", "# generation 4294967300"),
        ("# issued 2026", "# issued +2026"),
        ("11:00:00Z", "11:00:00.5Z"),
        ("11:00:00Z", "11:00:60Z"),
        ("T11:00:00Z", "T24:00:00Z"),
        ("2026-11-25T", "2026-02-30T"),
        ("06:00", "6:00"),
        ("06:00", "24:00"),
        ("06:00 A", "06:00  A"),
        ("America/Mexico_City", "America/Mexico_city"),
        ("America/Mexico_City", "America/Nowhere"),
        ("America/Mexico_City", "../zoneinfo/UTC"),
        ("America/Mexico_City", "UTC"),
        ("America/Mexico_City", "Europe/Madrid"),
        ("# closed sunday\n", ""),
        ("# closed sunday\n", "# closed sunday\n# closed sunday\n"),
        ("# closed sunday\n", "# closed sunday\n# closed monday\n"),
        ("# closed sunday\n", "# closed monday\n# closed sunday\n"),
        ("# closed sunday\n", "# closed sun\n"),
        ("# closed sunday\n", "# closed 2026-12-25\n# closed sunday\n"),
        ("# closed sunday\n", "# closed sunday\n# closed 2026-12-25\n# closed 2026-12-24\n"),
        ("# closed sunday\n", "# closed sunday\n# closed 2026-12-24\n# closed 2026-12-25\n"),
        ("# closed sunday\n", "# closed sunday\n# closed 2026-02-30\n"),
        ("# closed sunday\n", "# closed sunday\n# more 1\n"),
        ("# time-stamps t ", "# time-stamps T "),
        ("# time-stamps t ", "# time-stamps t-2 "),
        ("# time-stamps t ", "# time-stamps -t "),
        ("1.2.3.4.1", "1.2.3.4."),
        ("1.2.3.4.1", "1.2.3.4.x"),
        ("1.2.3.4.1", "none"),
        ("a@b", " a@b"),
        ("a@b", "a@b "),
        ("a@b", "a@b,c"),
        ("a@b", "a*"),
        ("a@b", "!a@b"),
        ("a@b", "a:b"),
        ("a@b", "á@b"),
        ("a@b", "a@c"),
        (" ssh-ed25519", "\tssh-ed25519"),
        (" ssh-ed25519", ",cert-authority ssh-ed25519"),
        (" ssh-ed25519", ",namespaces=\"git\" ssh-ed25519"),
        (" ssh-ed25519", ", ssh-ed25519"),
        (" ssh-ed25519", " ssh-rsa"),
        ("cuadre-manifest-v1\"", "cuadre-*\""),
        ("cuadre-manifest-v1\"", "cuadre-manifest-v1,git\""),
        ("cuadre-manifest-v1\"", "git,cuadre-manifest-v1\""),
        ("valid-before=\"20261121130000Z\"", "valid-before=\"20261121130000\""),
        ("valid-before=\"20261121130000Z\"", "valid-before=\"20261131130000Z\""),
        ("valid-before=\"20261121130000Z\"", "valid-before=\"20261121126000Z\""),
        ("valid-before=\"20261121130000Z\"", "valid-before=\"20261121120000Z\""),
        ("valid-before=\"20261121130000Z\"", "valid-before=\"20261121122959Z\""),
        ("valid-before=\"20261121130000Z\"", "valid-after=\"20261121130000Z\""),
        ("valid-after=\"20261121130000Z\"", "valid-after=\"20261121130000Z\",valid-before=\"20261121130000Z\""),
        ("valid-after=\"20261121130000Z\"", "valid-after=\"20261121130000Z\",valid-before=\"20261225130000Z\""),
        ("valid-after=\"20261121130000Z\"", "valid-after=\"19691121130000Z\""),
        ("AAAAI", "AAAAJ"),
        ("\n", "\r\n"),
        ("\na@b", "\n\na@b"),
        ("\na@b", "\n# a comment\na@b"),
    ];
    let mut mutants = Vec::new();
    for (from, to) in cases {
        assert!(text.contains(from), "{from} in {text}");
        let changed = with_fourth(series, &text.replacen(from, to, 1), ROOT, TRUST_NAMESPACE);
        mutants.push(Mutant::new(format!("{from:?} to {to:?}"), changed, Agrees));
    }
    for (what, changed) in [
        ("no newline", text.trim_end().to_owned()),
        ("a newline more", format!("{text}\n")),
        ("a comment", text.trim_end().to_owned() + " comment\n"),
        ("a line more", format!("{text}{PRINCIPAL} {stranger}\n")),
        ("a line of another kind", format!("{text}{PRINCIPAL} ssh-rsa AAAA\n")),
        ("nothing", String::new()),
    ] {
        mutants.push(Mutant::new(what, with_fourth(series, &changed, ROOT, TRUST_NAMESPACE), Agrees));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}

/// A plain file of allowed signers founds a series, too, and is read as `ssh-keygen` reads it.
#[test]
fn plain_signers_are_read_in_the_same_way() {
    if !tools_are_there() {
        return;
    }
    let series = tiny(&[], LAST_ISSUED_AT);
    let founded_with = |signers: &[u8]| {
        let bare = series.cut_before("filings/").with("trust/allowed_signers.1", signers).agreed();
        let mut forged = Forged::after(&bare, "2026-11-20.1");
        forged.key = RETIRED;
        forged.filed(&bare, &[])
    };
    let known = key(RETIRED).public_key().to_string();
    let mut mutants = Vec::new();
    for (line, expected) in [
        ("a@b KEY\n", Passes("a founder vouches for itself")),
        ("a@b KEY", Passes("a founder vouches for itself")),
        ("# deadline 99:00 Nowhere\n# generation 7\n\n \t\na@b\tKEY comment\n", Passes("comments")),
        ("  a@b  namespaces=\"git,cuadre-manifest-v1\"  KEY  x y \n", Passes("a founder vouches for itself")),
        ("x ssh-rsa AAAA\ny ecdsa-sha2-nistp256 ?\na@b KEY\n", Passes("other keys are passed over")),
        ("x ssh-rsa\na@b KEY\n", Agrees),
        ("a@b valid-before=\"20261125110000Z\" KEY\n", Passes("its last second")),
        ("a@b valid-before=\"20261125105959Z\" KEY\n", Fails),
        ("a@b valid-after=\"20261125110000Z\",valid-before=\"20261125110001Z\" KEY\n", Passes("its first second")),
        ("a@b valid-after=\"20261125110000Z\",valid-before=\"20261125110000Z\" KEY\n", Fails),
        ("a@b valid-after=\"20261125110001Z\" KEY\na@b valid-before=\"20261125110000Z\" KEY\n", Passes("two lines")),
        ("a@b namespaces=\"git\" KEY\n", Fails),
        ("a@b namespaces=\"\" KEY\n", Fails),
        ("a@b namespaces=\"cuadre-manifest-v1\",namespaces=\"git\" KEY\n", Fails),
        ("a@b cert-authority KEY\n", Fails),
        ("a@b zos-layers=\"1\" KEY\n", Fails),
        ("* KEY\n", Fails),
        ("a@b,c KEY\n", Fails),
        ("\"a b\" KEY\n", Fails),
        ("a@b KEY\r\n", Fails),
        ("\r\na@b KEY\n", Fails),
        ("[ab] KEY\n", Agrees),
        ("-f KEY\n", Agrees),
        ("a@b\n", Fails),
        ("KEY\n", Fails),
        ("", Fails),
        ("# cuadre-trust 1\na@b KEY\n", Fails),
        ("#\na@b KEY\n", Passes("comments")),
        ("# \u{e1}\na@b KEY\n", Passes("comments")),
        ("a@b KEY \u{e1}\n", Fails),
    ] {
        let series = founded_with(line.replace("KEY", &known).as_bytes());
        mutants.push(Mutant::new(format!("{line:?}"), series, expected));
    }
    assert_eq!(complaints(&mutants), [""; 0]);
}
