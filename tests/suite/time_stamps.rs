//! Time stamps: those of an authority count, anything else does not, and OpenSSL agrees.

use std::fs;
use std::ops::Range;
use std::process::{Command, Stdio};

use cuadre_audit::ErrorKind;
use cuadre_audit::time_stamp::{Pin, is_reply_to, request, to_der, verify};
use cuadre_tests::ISSUED_AT;
use cuadre_tests::tsa::{Kind, Tsa};

const MESSAGE: &[u8] = b"what is stamped";
const KINDS: [Kind; 3] = [Kind::Ec, Kind::Rsa, Kind::Nom151];
/// Noon of days before and after the validity of the authorities' certificates.
const TOO_EARLY: i64 = 1_767_182_400;
const TOO_LATE: i64 = 1_893_499_200;

fn pin(tsa: &Tsa) -> Pin {
    Pin::parse(&tsa.pem(), None).expect("a certificate")
}

/// Why a token does not count.
#[track_caller]
fn refused(token: &[u8], pin: &Pin) -> String {
    let error = verify(token, MESSAGE, pin).expect_err("it does not count");
    assert_eq!(error.kind(), ErrorKind::Damaged);
    error.why().to_owned()
}

#[test]
fn the_time_stamps_of_every_kind_of_authority_count() {
    for kind in KINDS {
        let Some(tsa) = Tsa::start(kind) else { return };
        let stamp = verify(&tsa.token_for(MESSAGE), MESSAGE, &pin(&tsa)).unwrap();
        let (fraction, accuracy) = if kind == Kind::Ec { (".25", Some(1_500_100)) } else { ("", None) };
        assert_eq!(stamp.time.to_string(), format!("2026-11-21T11:40:00{fraction}Z"), "{kind:?}");
        assert_eq!(stamp.accuracy_micros, accuracy, "{kind:?}");
        assert_eq!((stamp.serial.as_str(), stamp.policy.as_str()), ("0x02", "1.2.3.4.1"), "{kind:?}");
        tsa.set_time(1_800_000_000);
        for option in ["-sha384", "-sha512", "-cert"] {
            let stamp = verify(&tsa.token_with(MESSAGE, &[option]), MESSAGE, &pin(&tsa)).unwrap();
            assert!(stamp.time.to_string().starts_with("2027-01-15T08:00:00"), "{kind:?} {option}: {stamp:?}");
        }
    }
}

#[test]
fn a_time_stamp_of_other_bytes_or_by_another_authority_does_not_count() {
    for kind in KINDS {
        // Both certificates have the same names and numbers.
        let (Some(tsa), Some(other)) = (Tsa::start(kind), Tsa::start(kind)) else { return };
        let token = tsa.token_for(MESSAGE);
        assert!(refused(&token, &pin(&other)).contains("names another certificate by digest"), "{kind:?}");
        assert!(refused(&tsa.token_for(b"else"), &pin(&tsa)).contains("of other bytes"), "{kind:?}");
        let root = Pin::parse(&fs::read(tsa.folder().join("root.pem")).unwrap(), None).unwrap();
        assert!(
            refused(&token, &root).contains("of \"CN=root,O=Autoridad de Prueba\", and another one is pinned"),
            "{kind:?}"
        );
    }
}

#[test]
fn a_time_stamp_counts_within_the_validity_of_the_certificate_and_under_the_pinned_policy() {
    for kind in KINDS {
        let Some(tsa) = Tsa::start(kind) else { return };
        let other = tsa.token_with(MESSAGE, &["-sha256", "-tspolicy", "1.2.3.4.2"]);
        assert_eq!(verify(&other, MESSAGE, &pin(&tsa)).unwrap().policy, "1.2.3.4.2");
        let pinned = Pin::parse(&tsa.pem(), Some("1.2.3.4.1")).unwrap();
        verify(&tsa.token_for(MESSAGE), MESSAGE, &pinned).unwrap();
        let why = refused(&other, &pinned);
        assert!(why.contains("under the policy 1.2.3.4.2, and 1.2.3.4.1 is pinned"), "{why}");
        for epoch in [TOO_EARLY, TOO_LATE] {
            tsa.set_time(epoch);
            let why = refused(&tsa.token_for(MESSAGE), &pinned);
            assert!(why.contains("valid from 2026-01-01T00:00:00Z to 2030-01-01T00:00:00Z"), "{why}");
        }
    }
}

#[test]
fn weak_digests_and_half_answers_do_not_count() {
    let Some(tsa) = Tsa::start(Kind::Nom151) else { return };
    let pin = pin(&tsa);
    let good = tsa.token_for(MESSAGE);
    let stamp = tsa.openssl(&["cms", "-verify", "-inform", "DER", "-noverify", "-binary"], &good);
    let sign = |options: &[&str]| {
        let base = ["cms", "-sign", "-binary", "-outform", "DER", "-nocerts"];
        let signer = ["-signer", "conserves.pem", "-inkey", "conserves.key"];
        tsa.openssl(&[&base[..], &signer, options].concat(), &stamp)
    };
    const CONTENT: [&str; 2] = ["-econtent_type", "1.2.840.113549.1.9.16.1.4"];
    let whole = |more: &[&str]| sign(&[&["-nodetach"], &CONTENT[..], more].concat());
    verify(&whole(&["-cades"]), MESSAGE, &pin).expect("the same, signed again");
    let pss = ["-cades", "-md", "sha384", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
    verify(&whole(&pss), MESSAGE, &pin).expect("RSA-PSS");
    let indefinite = whole(&["-cades", "-stream"]);
    assert_eq!(indefinite[..2], [0x30, 0x80]);
    let kept = to_der(&indefinite).expect("ASN.1");
    verify(&kept, MESSAGE, &pin).expect("lengths that were indefinite");
    assert_eq!(to_der(&kept).expect("ASN.1"), kept);
    verify(&whole(&["-cades", "-keyid"]), MESSAGE, &pin).expect("a certificate named by its key");
    let pss_max = ["-cades", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:max"];
    let two = ["-cades", "-signer", "stamps.pem", "-inkey", "stamps.key"];
    for (token, why) in [
        (tsa.token_with(MESSAGE, &["-sha1"]), "the digest 1.3.14.3.2.26 is none of SHA-256"),
        (whole(&["-cades", "-md", "sha1"]), "the digest 1.3.14.3.2.26 is none of SHA-256"),
        (whole(&["-cades", "-md", "sha224"]), "is none of SHA-256"),
        (whole(&pss_max), "are not among those that count"),
        (whole(&[]), "does not name the certificate by digest"),
        (whole(&["-noattr"]), "no signed attributes"),
        (whole(&two), "it has 2 signatures"),
        (sign(&["-cades", CONTENT[0], CONTENT[1]]), "no time stamp"),
        (sign(&["-nodetach", "-cades"]), "no time stamp"),
        (tsa.openssl(&["cms", "-digest_create", "-outform", "DER", "-nodetach"], &stamp), "no signed data"),
        (indefinite, "no answer of a time stamping authority"),
        (tsa.pem(), "no answer of a time stamping authority"),
        (Vec::new(), "no answer of a time stamping authority"),
        (good[..good.len() - 1].to_vec(), "no answer of a time stamping authority"),
        ([&good[..], b"\n"].concat(), "no answer of a time stamping authority"),
    ] {
        let found = refused(&token, &pin);
        assert!(found.contains(why), "{found}\nnot: {why}");
    }
}

/// Where a changed byte, each changed in many ways, leaves a token that still counts, and what it then is.
fn indifferent(token: &[u8], pin: &Pin) -> Vec<(usize, u8)> {
    let genuine = verify(token, MESSAGE, pin).expect("it counts");
    let mut changed = token.to_vec();
    let mut found = Vec::new();
    for at in 0..token.len() {
        // Each bit, all of them, and those between the names of RSA alone and of RSA with SHA-512.
        for way in (0..8).map(|bit| 1 << bit).chain([0xFF, 0x0C]) {
            changed[at] = token[at] ^ way;
            if let Ok(stamp) = verify(&changed, MESSAGE, pin) {
                assert_eq!(stamp, genuine, "byte {at}");
                found.push((at, changed[at]));
            }
        }
        changed[at] = token[at];
    }
    found
}

fn place(token: &[u8], part: &[u8]) -> usize {
    token.windows(part.len()).rposition(|window| window == part).expect("it is there")
}

/// Where the certificates are that NOM-151's tokens have in them; in front of them are four bytes of tag and length.
fn certificates(tsa: &Tsa, token: &[u8]) -> Range<usize> {
    let places = ["leaf.pem", "root.pem"].map(|name| {
        let der = tsa.openssl(&["x509", "-in", name, "-outform", "DER"], b"");
        let start = place(token, &der);
        (start, start + der.len())
    });
    places[0].0.min(places[1].0)..places[0].1.max(places[1].1)
}

#[test]
fn no_byte_can_change_except_where_nothing_is_signed() {
    const RSA: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
    // Granted, or granted with modifications: the one byte of the status.
    let granted = (8, 1);
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let token = tsa.token_for(MESSAGE);
    assert_eq!(token[granted.0 - 2..=granted.0], [0x02, 0x01, 0x00]);
    assert_eq!(indifferent(&token, &pin(&tsa)), [granted]);

    // RSA, or RSA with the digest that the signature names anyway.
    let Some(tsa) = Tsa::start(Kind::Rsa) else { return };
    let token = tsa.token_for(MESSAGE);
    let named = (place(&token, &RSA) + 8, 0x0D);
    assert_eq!(indifferent(&token, &pin(&tsa)), [granted, named]);

    // Everything in the certificates, and whether they are certificates or revocation lists.
    let Some(tsa) = Tsa::start(Kind::Nom151) else { return };
    let token = tsa.token_for(MESSAGE);
    let certificates = certificates(&tsa, &token);
    let (inside, outside): (Vec<_>, Vec<_>) =
        indifferent(&token, &pin(&tsa)).into_iter().partition(|(at, _)| certificates.contains(at));
    assert_eq!(outside, [(certificates.start - 4, 0xA1)]);
    assert_eq!(inside.len(), 10 * certificates.len());
}

/// How the file `token` is checked against `message` and `leaf.pem` with stock tools alone, whatever the purposes of
/// the certificate are. Besides, its time must lie within the certificate's validity.
const STOCK: &str = r"
openssl ts -reply -in token -token_out -out alone || cp token alone
openssl cms -verify -inform DER -noverify -nointern -certfile leaf.pem -in alone -binary -out content &&
openssl asn1parse -inform DER -in content | sed -n 's/.*OCTET STRING *\[HEX DUMP\]://p' | head -n 1 |
grep -ix $(sha256sum message | cut -c 1-64)";

/// The same for certificates whose purpose is time stamping.
const OPENSSL_TS: &str = "openssl ts -verify -data message -in token -attime $EPOCH -partial_chain -CAfile leaf.pem \
                          -untrusted leaf.pem";

fn accepts(tsa: &Tsa, script: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).env("EPOCH", ISSUED_AT).current_dir(tsa.folder()).stdin(Stdio::null());
    shell.output().expect("a shell runs").status.success()
}

/// What counts here, counts there; and what is changed where it matters counts nowhere.
#[test]
fn openssl_agrees() {
    for kind in KINDS {
        let Some(tsa) = Tsa::start(kind) else { return };
        let pin = pin(&tsa);
        let write = |name: &str, bytes: &[u8]| fs::write(tsa.folder().join(name), bytes).unwrap();
        let token = tsa.token_for(MESSAGE);
        write("token", &token);
        assert!(accepts(&tsa, STOCK), "{kind:?}");
        assert_eq!(accepts(&tsa, OPENSSL_TS), kind != Kind::Nom151, "{kind:?}");
        verify(&fs::read(tsa.folder().join("alone")).unwrap(), MESSAGE, &pin).expect("the token of a response");

        let signature = token.len() - if kind == Kind::Ec { 64 } else { 256 };
        // OpenSSL reads certificates that do not matter here.
        let certificates = if kind == Kind::Nom151 { certificates(&tsa, &token) } else { 0..0 };
        for at in (0..signature).step_by(9).chain((signature..token.len()).step_by(31)) {
            if certificates.contains(&at) {
                continue;
            }
            let mut changed = token.clone();
            changed[at] ^= 4;
            write("token", &changed);
            let (here, there) = (verify(&changed, MESSAGE, &pin).is_ok(), accepts(&tsa, STOCK));
            assert!(there || !here, "{kind:?}, byte {at}: it counts here alone");
            assert!(at < signature || !there, "{kind:?}, byte {at}: a changed signature counts");
        }
        write("token", &token);
        write("message", b"else");
        assert!(!accepts(&tsa, STOCK) && !accepts(&tsa, OPENSSL_TS), "{kind:?}");
    }
}

#[test]
fn a_request_is_what_openssl_makes() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let nonce = 0xFEDC_BA98_7654_3210;
    let asked = request(MESSAGE, Some("1.2.3.4.2"), nonce).unwrap();
    fs::write(tsa.folder().join("request"), &asked).unwrap();
    let shown = tsa.openssl(&["ts", "-query", "-config", "openssl.cnf", "-in", "request", "-text"], b"");
    let shown = String::from_utf8(shown).unwrap();
    for line in
        ["Hash Algorithm: sha256", "Policy OID: 1.2.3.4.2", "Nonce: 0xFEDCBA9876543210", "Certificate required: no"]
    {
        assert!(shown.contains(line), "{shown}");
    }
    let bare = ["ts", "-query", "-config", "openssl.cnf", "-data", "message", "-sha256", "-no_nonce"];
    fs::write(tsa.folder().join("message"), MESSAGE).unwrap();
    let theirs = tsa.openssl(&bare, b"");
    let ours = request(MESSAGE, None, 5).unwrap();
    assert_eq!(ours[2..ours.len() - 3], theirs[2..]);

    let answer = tsa.reply(&asked);
    assert_eq!(verify(&answer, MESSAGE, &pin(&tsa)).unwrap().policy, "1.2.3.4.2");
    assert!(is_reply_to(&answer, nonce) && !is_reply_to(&answer, nonce - 1));
    assert!(!is_reply_to(&tsa.token_with(MESSAGE, &["-sha256", "-no_nonce"]), nonce));
    assert!(request(MESSAGE, Some("a policy"), 1).is_err());
}

#[test]
fn a_pin_is_one_certificate() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let (token, pem) = (tsa.token_for(MESSAGE), String::from_utf8(tsa.pem()).unwrap());
    let unwrapped = pem.replace('\n', "").replace("E-----", "E-----\n").replace("-----END", "\n-----END");
    for text in [format!("Autoridad \u{e9}\n{pem}more"), pem.replace('\n', "\r\n"), unwrapped] {
        verify(&token, MESSAGE, &Pin::parse(text.as_bytes(), None).unwrap()).unwrap();
    }
    let der = tsa.openssl(&["x509", "-in", "leaf.pem", "-outform", "DER"], b"");
    for (text, policy, why) in [
        (der, None, "there is no certificate in it"),
        (b"".to_vec(), None, "there is no certificate in it"),
        (format!("{pem}{pem}").into(), None, "more than one certificate"),
        (pem.replacen("MI", "M!", 1).into(), None, "not in base64"),
        (pem.replacen("MI", "MA", 1).into(), None, "cannot be read"),
        (pem.replace("-----END", "").into(), None, "has no end"),
        (pem.into(), Some("1.2.x"), "\"1.2.x\" is no object identifier"),
    ] {
        let error = Pin::parse(&text, policy).expect_err(why);
        assert!(error.kind() == ErrorKind::Key && error.why().contains(why), "{error}");
    }
}
