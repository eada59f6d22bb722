//! Templates of an institution's own: used, archived, tried by `check`, and never in the way of a filing.

use cuadre_tests::{DATE, Done, Place, SMALL};

const CHECK: [&str; 3] = ["check", "--config", "cuadre.toml"];

/// A night whose page has this template.
fn place(template: Option<&str>) -> Place {
    let place = Place::new();
    place.write("cuadre.toml", format!("{SMALL}\n[pages]\ntemplate = \"templates/own.html\"\n"));
    place.write(&format!("landing/a/{DATE}.csv"), "id,date,account,amount\n1,2026-11-20,<i>x,1234.50\n");
    place.write(&format!("warehouse/{DATE}.csv"), "source,id,date,account,amount\na,1,2026-11-20,<i>x,1234.50\n");
    if let Some(template) = template {
        place.write("templates/own.html", template);
    }
    place
}

fn filed(place: &Place) -> Done {
    let done = place.run();
    assert_eq!(done.code, 0, "{}", done.stderr);
    let verified = place.cuadre(["verify", "filings"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    done
}

/// Makes the filing again when nothing is left but the series and the configuration's place in it.
fn again(place: &Place) {
    place.write("templates/own.html", "something else");
    let done = place.cuadre(["regenerate", "--config", "cuadre.toml", "--date", DATE, "--out", "again", "--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(place.read("again/report.html"), place.filed("report.html"));
}

#[test]
fn one_that_extends_the_built_in_one() {
    let template =
        "{% extends \"report.html\" %}\n{% block head %}<h1>De la casa: {{ money[0].net|amount }}</h1>{% endblock %}\n";
    let place = place(Some(template));
    assert_eq!(place.cuadre(CHECK).code, 0);
    let done = filed(&place);
    assert!(!done.stderr.contains("warning"), "{}", done.stderr);
    let html = place.filed("report.html");
    assert!(html.contains("<h1>De la casa: 1,234.50</h1>") && html.contains("<h2 id=\"verify\">"));
    assert!(place.filed("inputs.json").contains("\"role\":\"template\""));
    again(&place);
}

#[test]
fn one_that_fails_costs_nothing_but_is_told() {
    let cases = [
        (Some("a\n{{ manifest.instituton }}\n"), "templates/own.html, line 2: undefined value"),
        (Some("{% for %}"), "templates/own.html, line 1: syntax error"),
        (Some("{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}"), "more steps"),
        (None, "templates/own.html: it cannot be read: entity not found"),
    ];
    for (template, why) in cases {
        let place = place(template);
        let done = place.cuadre(CHECK);
        assert_eq!((done.code, done.stderr.contains(why)), (78, true), "{}", done.stderr);
        let done = filed(&place);
        assert!(done.stderr.contains("warning: the template of report.html could not be used"), "{}", done.stderr);
        let html = place.filed("report.html");
        assert!(
            html.contains(&why.replace('/', "&#x2f;")) && html.contains("The configured template could not be used."),
            "{why}"
        );
        again(&place);
    }
}

#[test]
fn a_page_states_nothing_new() {
    let place = place(Some("one"));
    filed(&place);
    place.write("templates/own.html", "another");
    let done = place.run();
    assert!(done.code == 0 && done.stderr.contains("nothing new"), "{}", done.stderr);
    assert_eq!(place.filed("report.html"), "one");
}
