use jiff::tz::TimeZone;

use super::*;

fn locale(language: Language) -> Locale {
    Locale { language, zone: TimeZone::get("America/Mexico_City").unwrap() }
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-21T{time}:00-06:00").parse().unwrap()
}

fn hand(title: &str, arrived: Option<Timestamp>) -> Hand<'_> {
    Hand { title, expected: None, arrived, cut_off: None, is_received: true, is_late: false }
}

/// The number that follows each of these words.
fn numbers(svg: &str, after: &str) -> Vec<i64> {
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit() && c != '-').next()?.parse().ok();
    svg.split(after).skip(1).filter_map(number).collect()
}

#[test]
fn later_is_further_right_and_rows_follow_each_other() {
    let hands = [hand("a", Some(at("00:10"))), hand("b", Some(at("02:00"))), hand("c", Some(at("04:59")))];
    let svg = clock(&hands, at("06:00"), at("05:40"), &locale(Language::English));
    let (x, y) = (numbers(&svg, "<circle class=\"arrived\" cx=\""), numbers(&svg, "\" cy=\""));
    // The first one of each is the legend's.
    assert_eq!((x.len(), y.len()), (4, 4));
    assert!(x[1..].is_sorted() && x[1] < x[2] && y[1..].windows(2).all(|two| two[1] - two[0] == ROW), "{x:?} {y:?}");
    assert!(x[1..].iter().all(|x| (LABEL..WIDTH).contains(x)));
    // Whole hours from midnight to half past seven, in equal steps.
    assert!(svg.contains(">21 Nov<") && svg.contains(">07:00<") && !svg.contains(">08:00<"));
    assert!(svg.contains("Deadline 06:00") && svg.contains("Issued 05:40"));
    assert!(svg.contains("3 sources arrived between 21 Nov 2026, 00:10 and 21 Nov 2026, 04:59; 0 late"));
}

#[test]
fn what_is_not_known_or_far_away_is_said() {
    let missing = Hand { is_received: false, ..hand("m", None) };
    let late = Hand { is_late: true, cut_off: Some(at("03:00")), ..hand("l", Some(at("03:30"))) };
    let (early, after) =
        (hand("e", "2026-11-01T00:00:00Z".parse().ok()), hand("z", "2027-01-05T12:00:00Z".parse().ok()));
    let svg =
        clock(&[missing, hand("u", None), late, early, after], at("06:00"), at("05:40"), &locale(Language::Spanish));
    for words in [
        "&#215; no se recibió",
        "se desconoce la hora de llegada",
        "&#8592; 31 oct 2026, 18:00",
        "5 ene 2027, 06:00 &#8594;",
    ] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    assert_eq!(svg.matches("class=\"late\"").count(), 2, "one in the legend");
    assert_eq!(svg.matches("class=\"cut-off\"").count(), 2);
}

#[test]
fn any_number_of_sources_is_a_picture() {
    for many in [0, 1, 60] {
        let hands: Vec<Hand<'_>> = (0..many).map(|_| hand("s", Some(at("01:00")))).collect();
        let svg = clock(&hands, at("06:00"), at("06:00"), &locale(Language::English));
        let height = numbers(&svg, "viewBox=\"0 0 960 ")[0];
        assert_eq!(height, 90 + 26 * many as i64 + 14);
        assert_eq!(svg.matches("<text class=\"label\"").count(), many);
    }
}

#[test]
fn bars_are_as_long_as_their_amounts() {
    let bar = |label: &str, credits: &str, debits: &str| Bar {
        label: label.to_owned(),
        credits: credits.to_owned(),
        debits: debits.to_owned(),
    };
    let most = format!("{}.00", "9".repeat(36));
    let cases = [
        (
            [bar("a", "100.00", "-50.00"), bar("b", "25.00", "0.00"), bar("c", "0.01", "-100.00")],
            vec![105, 210, 52, 210, 1],
        ),
        ([bar("a", &most, "0.00"), bar("b", "0.00", &format!("-{most}")), bar("c", "1.00", "0.00")], vec![210, 210, 1]),
        ([bar("a", "0.00", "0.00"), bar("b", "", ""), bar("c", "x", "0")], vec![]),
    ];
    for (bars, expected) in cases {
        let svg = kinds("k", "MXN", &bars, &locale(Language::English));
        assert_eq!(numbers(&svg, "\" width=\""), expected, "{svg}");
    }
}

#[test]
fn texts_are_no_markup_and_fit() {
    let title = "<script>alert('1')</script> & \"a\" of a very long name indeed";
    for svg in [
        clock(&[hand(title, None)], at("06:00"), at("05:00"), &locale(Language::English)),
        kinds(
            "k",
            "<b>",
            &[Bar { label: title.to_owned(), credits: "1".to_owned(), debits: "-1".to_owned() }],
            &locale(Language::English),
        ),
    ] {
        assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp;\u{2026}<"), "{svg}");
    }
    assert_eq!(escaped("a\u{0}\u{1b}b\tc"), "a\u{fffd}\u{fffd}b\tc");
}
