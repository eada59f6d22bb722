use super::*;
use crate::keys::SigningKey;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn key(seed: u8) -> PublicKey {
    SigningKey::from_seed([seed; 32]).public_key()
}

fn lines(entries: u64) -> History {
    History { entries, sha256: Sha256Digest::of(b"x") }
}

fn founded() -> Trust {
    let closed = ["sunday", "2026-12-25"].map(|day| day.parse().unwrap());
    let certificate = Sha256Digest::of(b"pem");
    let authority = |name: &str, policy: Option<&str>| Authority {
        name: name.to_owned(),
        policy: policy.map(str::to_owned),
        certificate,
    };
    Trust::found(Founding {
        principal: "a@b".to_owned(),
        key: key(7),
        rooted: false,
        issued: at("2026-11-21T11:40:00Z"),
        calendar: Calendar::parse("06:00 America/Mexico_City", closed).unwrap(),
        authorities: vec![authority("one", Some("1.2.3")), authority("two", None)],
    })
}

#[test]
fn a_generation_reads_back_as_it_is_written() {
    let first = founded();
    let text = first.to_text().unwrap();
    let head: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(head[..2], ["# cuadre-trust 1", "# generation 1"]);
    assert_eq!(head[2..], ["# issued 2026-11-21T11:40:00Z", "# deadline 06:00 America/Mexico_City"]);
    assert_eq!(Trust::parse(text.as_bytes()).unwrap(), first);

    let second = first.next(lines(1), at("2026-11-25T12:00:00Z")).unwrap();
    let third = second.next(lines(10), at("2026-11-26T12:00:00Z")).unwrap();
    assert_eq!((third.generation, third.history), (3, Some(lines(10))));
    assert_eq!(Trust::parse(third.to_text().unwrap().as_bytes()).unwrap(), third);
}

#[test]
fn whatever_is_written_otherwise_is_refused() {
    let text = founded().to_text().unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for n in 0..lines.len() {
        let without = [&lines[..n], &lines[n + 1..]].concat().concat();
        let twice = [&lines[..=n], &lines[n..]].concat().concat();
        let with_more = [&lines[..n], &["# more 1\n"], &lines[n..]].concat().concat();
        // Leaving out the first line, a closed day, an authority or the signer gives other files that are sound.
        let may_go =
            n == 0 || lines[n].starts_with("# closed") || lines[n].starts_with("# time") || n == lines.len() - 1;
        assert_eq!(Trust::parse(without.as_bytes()).is_ok(), may_go, "without {}", lines[n]);
        if n > 0 && n < lines.len() - 3 {
            assert!(Trust::parse(twice.as_bytes()).is_err(), "twice {}", lines[n]);
        }
        assert_eq!(Trust::parse(with_more.as_bytes()).is_ok(), n == 0, "more before {}", lines[n]);
    }
    let plain = Trust::parse(format!("a@b {}\n", key(7)).as_bytes()).unwrap();
    assert_eq!((plain.generation, plain.issued, plain.calendar), (1, None, None));
    for (from, to) in [
        ("trust 1", "trust 2"),
        ("stamps two", "stamps one"),
        ("11:40:00Z", "11:40:00.5Z"),
        ("issued 2026", "issued 1926"),
        ("a@b ", "a@b  "),
        ("a@b ", "\u{e1}@b "),
    ] {
        assert!(text.contains(from) && Trust::parse(text.replace(from, to).as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_key_is_rotated_and_revoked() {
    let first = founded();
    let now = at("2026-11-25T12:00:00Z");
    let mut second = first.next(lines(1), now).unwrap();
    second.add("a@b", &key(8)).unwrap();
    second.retire(&key(7), now).unwrap();
    let second = Trust::parse(second.to_text().unwrap().as_bytes()).unwrap();
    let allowed = |key, time: &str| second.signers.allows(&key, MANIFEST_NAMESPACE, at(time));
    assert!(allowed(key(7), "2026-11-25T12:00:00Z") && !allowed(key(7), "2026-11-25T12:00:01Z"));
    assert!(allowed(key(8), "2026-11-25T12:00:00Z") && !allowed(key(8), "2026-11-25T11:59:59Z"));
    // Whatever is signed after this generation is signed after it was issued, whatever it says.
    assert!(!second.allows(&key(7), at("2026-11-20T00:00:00Z")) && second.allows(&key(8), at("2026-11-20T00:00:00Z")));

    let mut third = second.clone();
    assert!(third.add("a@b", &key(7)).is_err(), "a retired key stays retired");
    assert!(third.retire(&key(7), now).is_err() && third.retire(&key(7), at("2026-12-01T00:00:00Z")).is_err());
    assert!(third.retire(&key(9), now).is_err());
    // What counted only from then on counts never.
    third.retire(&key(8), at("2026-11-25T12:00:00Z")).unwrap();
    let never = Trust::parse(third.to_text().unwrap().as_bytes()).unwrap();
    assert!(!["2026-11-25T12:00:00Z", "2026-11-25T12:00:01Z"].iter().any(|time| never.allows(&key(8), at(time))));
    third.retire(&key(7), at("2026-11-22T00:00:00Z")).unwrap();
    assert!(!third.signers.allows(&key(7), MANIFEST_NAMESPACE, at("2026-11-22T00:00:01Z")));
}

#[test]
fn a_day_is_not_declared_closed_afterwards() {
    let first = founded();
    let mut second = first.next(lines(1), at("2026-11-25T12:00:00Z")).unwrap();
    let closed = ["2026-11-20", "2026-11-23", "2026-11-25"].map(|day| day.parse().unwrap());
    second.calendar = Calendar::parse("06:00 America/Mexico_City", closed);
    let generations = [first, second];
    // The 24th was due at 12:00:00Z of the 25th.
    for (day, generation) in [("2026-11-20", 1), ("2026-11-23", 1), ("2026-11-24", 2), ("2026-11-25", 2)] {
        let found = Trust::of_day(&generations, day.parse().unwrap()).unwrap();
        assert_eq!(found.generation, generation, "{day}");
    }
}
