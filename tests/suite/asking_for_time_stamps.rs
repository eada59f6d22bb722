//! Asking authorities for time stamps: faults that pass are waited out, and answers that would not
//! count later are not taken.

use std::fs;
use std::net::TcpListener;

use cuadre_audit::time_stamp::verify;
use cuadre_engine::clock::Clock;
use cuadre_engine::database::Fault;
use cuadre_engine::progress::Progress;
use cuadre_engine::time_stamp::{Token, ask, authorities};
use cuadre_rules::Config;
use cuadre_tests::SMALL;
use cuadre_tests::tsa::{Failure, Kind, Tsa};

const MESSAGE: &[u8] = b"what is stamped";

/// `answer_seconds` and `retry_seconds`.
type Waits = (u32, u32);

const PATIENT: Waits = (20, 60);
/// Of authorities that are silent.
const SHORT: Waits = (1, 60);

/// Asks authorities, given by URL, certificate and more settings, in an institution with these waits.
fn asked(authorities_of: &[(String, Vec<u8>, &str)], (answer, retry): Waits) -> Vec<Result<Token, Fault>> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("password"), "s3cret\n").expect("a file is written");
    let mut text = format!("{SMALL}[time_stamps]\nanswer_seconds = {answer}\nretry_seconds = {retry}\n");
    for (n, (url, pem, more)) in authorities_of.iter().enumerate() {
        fs::write(folder.path().join(format!("{n}.pem")), pem).expect("a file is written");
        text += &format!("[[time_stamp]]\nname = \"a{n}\"\nurl = \"{url}\"\ncertificate = \"{n}.pem\"\n{more}\n");
    }
    let config = Config::parse(&text, "cuadre.toml").expect("a configuration");
    let authorities = authorities(&config, folder.path()).expect("certificates");
    ask(
        &authorities.iter().collect::<Vec<_>>(),
        &config.time_stamps,
        folder.path(),
        MESSAGE,
        &Clock::system(),
        &Progress::silent(),
    )
}

fn one(tsa: &Tsa, more: &str, waits: Waits) -> Result<Token, Fault> {
    asked(&[(tsa.url(), tsa.pem(), more)], waits).pop().expect("an outcome")
}

#[test]
fn every_kind_of_authority_is_asked_at_once() {
    let kinds = [Kind::Ec, Kind::Rsa, Kind::Nom151];
    let tsas: Vec<Tsa> = kinds.into_iter().map_while(Tsa::start).collect();
    if tsas.is_empty() {
        return;
    }
    tsas.iter().for_each(|tsa| tsa.fail_next(1, Failure::Silent));
    let places: Vec<_> = tsas.iter().map(|tsa| (tsa.url(), tsa.pem(), "")).collect();
    for ((token, tsa), kind) in asked(&places, SHORT).into_iter().zip(&tsas).zip(kinds) {
        let token = token.unwrap();
        let pin = cuadre_audit::time_stamp::Pin::parse(&tsa.pem(), None).unwrap();
        assert_eq!(verify(&token.bytes, MESSAGE, &pin).unwrap(), token.stamp, "{kind:?}");
        assert!(token.stamp.time.to_string().starts_with("2026-11-21T11:40:00"), "{kind:?}");
        let requests = tsa.requests();
        assert_eq!(requests[1].content_type, "application/timestamp-query");
        assert_eq!(requests[1].authorization, None);
    }
    let nth = |n: usize| tsas.iter().map(move |tsa| tsa.requests()[n].at);
    assert!(nth(0).max() < nth(1).min(), "no authority is waited for before another is asked");
}

#[test]
fn what_passes_is_tried_again() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    for (failure, waits) in [
        (Failure::Status(503), PATIENT),
        (Failure::Status(429), PATIENT),
        (Failure::Closes, PATIENT),
        (Failure::Silent, SHORT),
    ] {
        let before = tsa.requests().len();
        tsa.fail_next(1, failure);
        one(&tsa, "", waits).unwrap();
        assert!(tsa.requests().len() >= before + 2, "{failure:?}");
    }
    for (failure, why) in [
        (Failure::Status(500), "time stamping authority a0: it answers with status 500 Internal Server Error"),
        (Failure::Closes, "time stamping authority a0: the connection failed: "),
        (Failure::Silent, "time stamping authority a0: no answer came within 1 seconds (time_stamps.answer_seconds)"),
    ] {
        tsa.fail_next(1, failure);
        let fault = one(&tsa, "", (1, 0)).unwrap_err();
        assert!(fault.passing && fault.words.starts_with(why), "{fault}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fault = asked(&[(format!("http://127.0.0.1:{port}"), tsa.pem(), "")], (1, 0)).pop().unwrap().unwrap_err();
    assert!(fault.passing && fault.words.contains("Connection refused"), "{fault}");
}

#[test]
fn what_would_not_count_is_not_taken_nor_asked_for_again() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let Some(other) = Tsa::start(Kind::Ec) else { return };
    for (failure, why) in [
        (Failure::Garbage, "no answer of a time stamping authority"),
        (Failure::OtherBytes, "it is a time stamp of other bytes"),
        (Failure::OtherNonce, "it answers another request than this one"),
        (Failure::Refuses, "the authority refused (status 2): badAlg"),
        (Failure::Huge, "its answer has more than 1048576 bytes"),
        (Failure::Status(404), "it answers with status 404 Not Found; check `url`"),
        (Failure::Status(401), "it does not let us in; check `user` and `password`"),
        (Failure::Status(302), "it answers with status 302 Found, and points at \"\""),
    ] {
        tsa.fail_next(1, failure);
        let fault = one(&tsa, "", PATIENT).unwrap_err();
        assert!(!fault.passing && fault.words.contains(why), "{fault}\nnot: {why}");
    }
    let fault = asked(&[(tsa.url(), other.pem(), "")], PATIENT).pop().unwrap().unwrap_err();
    assert!(!fault.passing && fault.words.contains("another certificate by digest"), "{fault}");
    let fault = asked(&[(tsa.url().replace("http:", "https:"), tsa.pem(), "")], PATIENT).pop().unwrap().unwrap_err();
    assert!(!fault.passing && fault.words.contains("the server is not trusted"), "{fault}");
    tsa.set_time(1_893_499_200);
    let fault = one(&tsa, "", PATIENT).unwrap_err();
    assert!(!fault.passing && fault.words.contains("valid from 2026-01-01"), "{fault}");
    assert_eq!(tsa.requests().len(), 10, "nothing was tried again");
}

#[test]
fn a_policy_and_a_user_are_told() {
    let Some(tsa) = Tsa::start(Kind::Ec) else { return };
    let token = one(&tsa, "policy = \"1.2.3.4.2\"", PATIENT).unwrap();
    assert_eq!(token.stamp.policy, "1.2.3.4.2");
    let fault = one(&tsa, "policy = \"1.2.3.4.9\"", PATIENT).unwrap_err();
    assert!(!fault.passing && fault.words.contains("unacceptedPolicy"), "{fault}");
    one(&tsa, "user = \"caja\"\npassword = { file = \"password\" }", PATIENT).unwrap();
    assert_eq!(tsa.requests()[2].authorization.as_deref(), Some("Basic Y2FqYTpzM2NyZXQ="));
    let fault = one(&tsa, "user = \"caja\"\npassword = { file = \"none\" }", PATIENT).unwrap_err();
    assert!(!fault.passing && fault.words.contains("cannot be read"), "{fault}");
}
