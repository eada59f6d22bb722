//! What happens in a night is told by signed webhooks and by commands, whoever is away is told later, and the
//! filing waits for nobody.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use cuadre_tests::webhook::{Failure, Received, Webhook};
use cuadre_tests::{DATE, Done, Place, SMALL};
use serde_json::Value;

const SECRET: &str = "whsec_Y3VhZHJlIHRlbGxzIGV2ZXJ5b25lIGF0IG5pZ2h0";
const NEXT: &str = "2026-11-21";

/// An institution whose night of [`DATE`] lacks nothing; `routes` is how it tells of it.
fn institution(routes: &str) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", format!("{SMALL}{routes}"));
    for date in [DATE, NEXT] {
        place.write(&format!("landing/a/{date}.csv"), format!("id,date,account,amount\n1,{date},x,1234.50\n"));
        place.write(&format!("warehouse/{date}.csv"), format!("source,id,date,account,amount\na,1,{date},x,1234.50\n"));
    }
    place
}

/// A route to a webhook.
fn route(name: &str, webhook: &Webhook, more: &str) -> String {
    format!("\n[[notify]]\nname = \"{name}\"\nurl = \"{}\"\n{more}\n", webhook.url(name))
}

fn run(place: &Place, date: &str) -> Done {
    let env = [("HOOK_SECRET".to_owned(), SECRET.to_owned())];
    place.cuadre_with(["run", "--config", "cuadre.toml", "--date", date], &env)
}

fn event(received: &Received) -> Value {
    serde_json::from_slice(&received.body).expect("an event")
}

/// The exceptions of a filing that are of the run.
fn of_the_run(place: &Place, filing: &str) -> Vec<Value> {
    let manifest = place.read(&format!("filings/filings/{filing}/manifest.json"));
    let manifest: Value = serde_json::from_str(&manifest).expect("a manifest");
    let exceptions = manifest["predicate"]["exceptions"].as_array().expect("exceptions").clone();
    exceptions.into_iter().filter(|exception| exception["kind"] == "notification_failed").collect()
}

/// The signature that Standard Webhooks ask for, by another implementation of HMAC.
fn signature(received: &Received) -> String {
    let program = "import sys,hmac,hashlib,base64\n\
                   key=base64.b64decode(sys.argv[1].removeprefix('whsec_'))\n\
                   said=f'{sys.argv[2]}.{sys.argv[3]}.'.encode()+sys.stdin.buffer.read()\n\
                   print('v1,'+base64.b64encode(hmac.new(key,said,hashlib.sha256).digest()).decode())";
    let (id, time) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let mut python = Command::new("python3");
    python.args(["-c", program, SECRET, id, time]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().expect("python3 runs");
    python.stdin.take().expect("its stdin").write_all(&received.body).expect("it reads");
    String::from_utf8(python.wait_with_output().expect("it ends").stdout).expect("text").trim().to_owned()
}

#[test]
fn a_webhook_that_fails_twice_is_told_once_and_signed() {
    let webhook = Webhook::new();
    webhook.fail_next(1, Failure::Status(503));
    webhook.fail_next(1, Failure::Closes);
    let signed = "secret = { env = \"HOOK_SECRET\" }\nat_least = \"note\"";
    let place = institution(&route("guardia", &webhook, signed));
    let done = run(&place, DATE);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stderr.contains("note:"), "{}", done.stderr);

    let received = webhook.received();
    assert_eq!(received.iter().map(|one| one.failed.is_none()).collect::<Vec<_>>(), [false, false, true]);
    for one in &received {
        assert_eq!((one.path.as_str(), &one.body), ("guardia", &received[0].body));
        assert_eq!(one.header("content-type"), "application/cloudevents+json");
        assert_eq!(one.header("webhook-signature"), signature(one));
        let age = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
            - one.header("webhook-timestamp").parse::<u64>().unwrap();
        assert!(age < 300, "a receiver would refuse it as {age} seconds old");
    }
    let told = event(&received[2]);
    assert_eq!(told["id"], received[2].header("webhook-id"));
    for (attribute, value) in [
        ("specversion", "1.0"),
        ("source", "urn:cuadre:Caja%20de%20Prueba:daily-movements"),
        ("type", "cuadre.night.filed"),
        ("subject", "2026-11-20.1"),
        ("datacontenttype", "application/json"),
    ] {
        assert_eq!(told[attribute], value, "{attribute}");
    }
    assert_eq!(told["data"]["severity"], "note");
    assert_eq!(told["data"]["businessDate"], DATE);
    assert_eq!(told["data"]["facts"]["amount"], serde_json::json!({ "MXN": "1234.50" }));
    let message = told["data"]["message"].as_str().unwrap();
    assert!(message.starts_with("Caja de Prueba, 2026-11-20: filed COMPLETE as 2026-11-20.1 at 05:40, due at 06:00"));

    // What has been told is not told again, but where that is forgotten: then as the same event.
    assert_eq!(run(&place, DATE).code, 0);
    assert_eq!(webhook.received().len(), 0);
    std::fs::remove_dir_all(place.at("filings.night")).unwrap();
    assert_eq!(run(&place, DATE).code, 0);
    let again = webhook.received();
    assert_eq!((again.len(), &event(&again[0])["id"]), (1, &told["id"]));
    assert_eq!(event(&again[0])["data"]["facts"]["new"], false);
}

#[test]
fn whoever_is_silent_holds_up_no_filing_and_is_stated_in_the_next() {
    let webhook = Webhook::new();
    webhook.fail(Some(Failure::Silent));
    let short = "at_least = \"note\"\nretry_seconds = 0\nanswer_seconds = 2";
    let place = institution(&route("guardia", &webhook, short));
    let began = Instant::now();
    let done = run(&place, DATE);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let filed = place.at("filings/LOG").metadata().unwrap().modified().unwrap().elapsed().unwrap();
    assert!(filed > Duration::from_millis(1500), "filed {filed:?} before the end: it was waited for first");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let why = "no answer came within 2 seconds (answer_seconds); the next run tells it";
    assert!(done.stderr.contains(&format!("note: route guardia is not told 1 event: {why}")), "{}", done.stderr);
    assert!((1..=2).contains(&webhook.received().len()), "in the night, and once after it");

    // The next night states it, and is complete all the same.
    let done = run(&place, NEXT);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let stated = of_the_run(&place, "2026-11-21.1");
    assert_eq!(stated.len(), 1);
    assert_eq!((&stated[0]["id"], &stated[0]["severity"]), (&"notification_failed/guardia".into(), &"note".into()));
    let what =
        "1 event of earlier nights could not be told by `guardia`: cuadre.night.filed (2026-11-20.1) of 2026-11-20";
    assert_eq!(stated[0]["explanation"], what);
    let done = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", NEXT, "--out", "again"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(place.cuadre(["verify", "filings"]).code, 0);

    // Once it is there again it is told everything, the oldest first; the day has nothing new.
    webhook.received();
    webhook.fail(None);
    let done = run(&place, NEXT);
    assert!(done.stderr.contains("nothing new, the day was filed before: 2026-11-21.1"), "{}", done.stderr);
    let told: Vec<Value> = webhook.received().iter().map(|one| event(one)["subject"].clone()).collect();
    assert_eq!(told, ["2026-11-20.1", "2026-11-21.1"]);
    let left = place.files("filings.night").into_iter().filter(|(name, _)| name.starts_with("outbox/")).count();
    assert_eq!(left, 0);
}

#[test]
fn a_severity_and_a_type_go_their_own_way() {
    let webhook = Webhook::new();
    let route = |name, more| route(name, &webhook, &format!("{more}\nretry_seconds = 10"));
    let place = institution(
        &[
            route("all", "at_least = \"note\""),
            route("usual", ""),
            route("critical", "at_least = \"critical\""),
            route("failed", "events = [\"cuadre.night.failed\"]"),
        ]
        .concat(),
    );
    let told = |place: &Place, date, code| {
        let done = run(place, date);
        assert_eq!(done.code, code, "{}", done.stderr);
        let mut told: Vec<String> = webhook
            .received()
            .into_iter()
            .map(|one| format!("{} {}", one.path, event(&one)["type"].as_str().unwrap()))
            .collect();
        told.sort();
        told
    };
    assert_eq!(told(&place, DATE, 0), ["all cuadre.night.filed"]);
    std::fs::remove_file(place.at(&format!("landing/a/{NEXT}.csv"))).unwrap();
    assert_eq!(told(&place, NEXT, 3), ["all cuadre.night.filed", "usual cuadre.night.filed"]);
    let text = place.read("cuadre.toml");
    place.write("cuadre.toml", text.replace("\n[signing]", "\npolicy.required_sources = [\"a\"]\n[signing]"));
    let not_filed = ["all cuadre.night.not-filed", "critical cuadre.night.not-filed", "usual cuadre.night.not-filed"];
    assert_eq!(told(&place, "2026-11-22", 4), not_filed);
    assert_eq!(told(&place, "2026-11-22", 4), [""; 0], "the same again");
    place.write("cuadre.toml", text.replace("key = \"key\"", "key = \"none/key\""));
    let failed = ["all", "critical", "failed", "usual"].map(|route| format!("{route} cuadre.night.failed"));
    assert_eq!(told(&place, "2026-11-23", 78), failed);
}

#[test]
fn a_lasting_fault_is_not_tried_again_in_the_same_run() {
    let webhook = Webhook::new();
    webhook.fail(Some(Failure::Status(404)));
    let place = institution(&route("guardia", &webhook, "at_least = \"note\""));
    let done = run(&place, DATE);
    assert_eq!((done.code, webhook.received().len()), (0, 1), "{}", done.stderr);
    let why = "it answers with status 404 Not Found; check `url`; the next run tells it";
    assert!(done.stderr.contains(&format!("note: route guardia is not told 1 event: {why}")), "{}", done.stderr);

    let unset = "at_least = \"note\"\nsecret = { env = \"NOT_SET\" }";
    let place = institution(&route("guardia", &webhook, unset));
    let done = run(&place, DATE);
    assert_eq!((done.code, webhook.received().len()), (0, 0), "{}", done.stderr);
    assert!(done.stderr.contains("the environment variable NOT_SET"), "{}", done.stderr);
}

/// A program in the institution's folder.
fn program(place: &Place, text: &str) {
    place.write("alert", format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(place.at("alert"), PermissionsExt::from_mode(0o755)).unwrap();
}

const COMMAND: &str = "\n[[notify]]\nname = \"sms\"\ncommand = [\"./alert\", \"night shift\"]\nat_least = \"note\"\n";

#[test]
fn a_command_is_told_until_it_ends_with_0() {
    let place = institution(COMMAND);
    place.write("cuadre.toml", place.read("cuadre.toml").replacen('\n', "\nlanguage = \"es-MX\"\n", 1));
    program(
        &place,
        "[ -e tried ] || { touch tried; echo busy >&2; exit 1; }\ncat >event\n\
                     printf '%s|' \"$1\" \"$CUADRE_EVENT_TYPE\" \"$CUADRE_SEVERITY\" \"$CUADRE_BUSINESS_DATE\" \"$CUADRE_MESSAGE\" >told",
    );
    let done = run(&place, DATE);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{}", done.stderr);
    assert!(!done.stderr.contains("note:"), "{}", done.stderr);
    let event: Value = serde_json::from_str(&place.read("event")).unwrap();
    let message = event["data"]["message"].as_str().unwrap();
    assert!(
        message.contains("el reporte se presentó COMPLETO como 2026-11-20.1 a las 05:40, con hora límite 06:00"),
        "{message}"
    );
    assert_eq!(place.read("told"), format!("night shift|cuadre.night.filed|note|{DATE}|{message}|"));
}

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let place = institution(&format!("{COMMAND}retry_seconds = 0\nanswer_seconds = 1\n"));
    program(&place, "(sleep 3; touch outlived) & sleep 60");
    let done = run(&place, DATE);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let why = "./alert did not end within 1 seconds (answer_seconds), and was ended";
    assert!(done.stderr.contains(&format!("route sms is not told 1 event: {why}")), "{}", done.stderr);
    std::thread::sleep(Duration::from_secs(3));
    assert!(!place.at("outlived").exists());
}

#[test]
fn check_asks_every_route() {
    let webhook = Webhook::new();
    let place = institution(&format!("{}{COMMAND}", route("guardia", &webhook, "")));
    program(&place, "cat >event; echo no paper >&2; exit 3");
    let done = place.cuadre(["check", "--config", "cuadre.toml", "--connect"]);
    assert_eq!(done.code, 75, "{}", done.stderr);
    let plan = format!(
        "Tells guardia by {}: events, from minor on\n  note: it cannot know who tells it",
        webhook.url("guardia")
    );
    assert!(done.stderr.contains(&plan), "{}", done.stderr);
    assert!(done.stderr.contains("Tells sms by ./alert night shift: events, from note on\n"), "{}", done.stderr);
    assert!(done.stderr.contains("  guardia              took a test event\n"), "{}", done.stderr);
    assert!(done.stderr.contains("FAILED: ./alert ended with exit status: 3: no paper\n"), "{}", done.stderr);
    let received = webhook.received();
    assert_eq!((received.len(), &event(&received[0])["type"]), (1, &"cuadre.check".into()));
    assert_eq!(
        event(&received[0])["data"]["message"],
        "Caja de Prueba: this is a test, nothing has happened. The route works."
    );
    assert!(!place.at("filings.night").exists());
}
