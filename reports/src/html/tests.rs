use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use super::*;
use crate::decimal::DecimalSums;

fn page(view: &View) -> String {
    render(view, None).unwrap().html
}

fn template(text: &str) -> Template {
    Template { name: "templates/own.html".to_owned(), text: text.to_owned() }
}

#[test]
fn the_script_is_the_one_that_the_policy_allows() {
    let html = page(&sample(Language::English));
    let (_, script) = html.split_once("<script>").unwrap();
    let (script, rest) = script.split_once("</script>").unwrap();
    assert!(!rest.contains("<script"));
    let digest = Base64::encode_string(&Sha256::digest(script));
    assert!(html.contains(&format!("script-src 'sha256-{digest}'")), "put {digest} into the template's policy");
}

#[test]
fn the_page_needs_nothing_else() {
    for language in [Language::English, Language::Spanish] {
        let html = page(&sample(language));
        for needed in ["http://", "https://", " src=", "<link", "@import", "url("] {
            assert!(!html.contains(needed), "{needed}");
        }
        assert_eq!(html.matches("<h1").count(), 1);
    }
}

#[test]
fn texts_of_inputs_are_never_markup() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img onerror=x>&";
    let mut view = sample(Language::Spanish);
    let evil = || EVIL.to_owned();
    view.principal = Some(evil());
    view.filing = evil();
    for source in &mut view.sources {
        source.title = evil();
    }
    let row = &mut view.evidence[0].rows[0];
    (row.reason, row.file, row.column) = (evil(), Some(evil()), Some(evil()));
    (row.source_value, row.warehouse_value) = (Some(evil()), Some(evil()));
    (row.amount, row.currency) = (Some(evil()), Some(evil()));
    for total in &mut view.totals {
        (total.kind, total.currency, total.net, total.credits) = (evil(), evil(), evil(), evil());
    }
    for file in view.inputs.iter_mut().chain(&mut view.outputs) {
        (file.of, file.name, file.sha256) = (evil(), evil(), evil());
    }
    let manifest = &mut view.predicate;
    let rule = &mut manifest.business[0];
    (rule.why, rule.owner) = (Some(evil()), Some(Some(evil())));
    (manifest.institution, manifest.series) = (evil(), evil());
    (manifest.filing.reason, manifest.filing.operator) = (Some(evil()), Some(Some(evil())));
    manifest.no_movements = Some(Some(crate::predicate::NoMovements { reason: evil() }));
    for exception in &mut manifest.exceptions {
        (exception.explanation, exception.source) = (evil(), Some(evil()));
        exception.amount = Some([(evil(), evil())].into());
        exception.dispositions.iter_mut().flatten().for_each(|one| (one.reason, one.operator) = (evil(), evil()));
    }
    manifest.exceptions[0].id = format!("source_missing/{EVIL}");
    let html = page(&view);
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert!(!html.contains("<img") && html.contains("&lt;script&gt;alert"));
    assert!(!html.contains("\"'>"));
}

#[test]
fn the_money_adds_up() {
    let view = sample(Language::English);
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let page = serde_json::to_value(Page::new(&view, &locale, None)).unwrap();
    let money = &page["money"][0];
    let text = |name: &str| money[name].as_str().unwrap_or("0").to_owned();
    let mut parts = DecimalSums::new();
    ["ties", "differs", "uncompared"].iter().for_each(|name| parts.add("", &text(name)));
    assert_eq!(parts.of(""), Some(text("net")));
    assert_eq!((text("net"), text("gross")), ("1234567.89".to_owned(), "1765433.11".to_owned()));
    assert_eq!((text("ties"), text("differs")), ("1234567.89".to_owned(), "0.00".to_owned()));
    assert_eq!((text("difference"), text("breaks")), ("0.05".to_owned(), "0.15".to_owned()));
    let results: Vec<&str> =
        page["sources"].as_array().unwrap().iter().map(|s| s["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["ties", "differs", "absent"]);
}

#[test]
fn the_verdict_in_a_sentence() {
    let mut view = sample(Language::English);
    let verdict = |view: &View| {
        let locale = Locale { language: view.language, zone: view.zone.clone() };
        serde_json::to_value(Page::new(view, &locale, None)).unwrap()["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        verdict(&view),
        "Partial: 2 of 3 sources were received, with 1,996 movements; 1 of them ties out and 1 does not; \
         its one rule does not hold; there are 2 exceptions."
    );
    view.predicate.end_to_end.clear();
    view.predicate.business.clear();
    view.language = Language::Spanish;
    assert_eq!(
        verdict(&view),
        "Parcial: se recibieron 2 de 3 fuentes, con 1,996 movimientos; nada se comparó con el almacén; hay 2 excepciones."
    );
    let manifest = &mut view.predicate;
    manifest.status = crate::Status::Complete;
    manifest.exceptions.clear();
    manifest.sources.iter_mut().for_each(|source| (source.records, source.rejected_records) = (0, 0));
    manifest.no_movements = Some(Some(crate::predicate::NoMovements { reason: "feriado".to_owned() }));
    assert!(verdict(&view).starts_with("Completo: el día se declaró sin movimientos (feriado), y no llegó ninguno;"));
}

#[test]
fn a_template_of_ones_own_replaces_blocks_or_all() {
    let view = sample(Language::Spanish);
    let own = template(
        "{% extends \"report.html\" %}{% block due %}<p>{{ amounts(exceptions[0].amount) }} {{ super() }}</p>{% endblock %}",
    );
    let html = by_template(&view, &own).unwrap();
    assert!(html.contains("<p><span class=\"money\">0.05 MXN</span>") && html.contains("Debía llegar y no llegó"));
    let html =
        by_template(&view, &template("{{ manifest.institution }}: {{ money[0].net|amount }} {{ \"due\"|word }}"))
            .unwrap();
    assert_eq!(html, "Institution: 1,234,567.89 Debía llegar y no llegó");
    let same = Template { name: BUILT_IN.to_owned(), text: "{% extends \"report.html\" %}".to_owned() };
    assert_eq!(by_template(&view, &same).unwrap(), page(&view));
}

#[test]
fn a_template_that_fails_is_told_by_its_line_and_costs_nothing() {
    let view = sample(Language::English);
    let cases = [
        ("a\n{% if %}", Some(2), "syntax error"),
        ("a\nb\n{{ manifest.instituton }}", Some(3), "undefined value"),
        ("{{ \"duee\"|word }}", Some(1), "there is no word with the key `duee`"),
        ("{% extends \"other.html\" %}", None, "template not found"),
        (
            "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}{% endfor %}{% endfor %}{% endfor %}",
            Some(1),
            "more steps than a page needs",
        ),
    ];
    for (text, line, why) in cases {
        let error = by_template(&view, &template(text)).unwrap_err();
        assert!(error.why.contains(why), "{text}: {error:?}");
        assert!(line.is_none() || error.line == line, "{text}: {error:?}");
        let made = render(&view, Some(&Ok(template(text)))).unwrap();
        let fault = made.fault.unwrap();
        assert!(fault.starts_with("templates/own.html"), "{fault}");
        assert!(
            made.html.contains("The configured template could not be used.") && made.html.contains("<h2 id=\"due\">")
        );
    }
}

#[test]
fn the_built_in_template_is_far_from_the_limit_of_steps() {
    let view = sample(Language::English);
    let same = template(TEMPLATE);
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let mut environment = environment(&locale).unwrap();
    environment.set_fuel(Some((STEPS + STEPS_EACH * things(&view)) / 20));
    assert!(environment.get_template(BUILT_IN).unwrap().render(Serde(Page::new(&view, &locale, None))).is_ok());
    assert!(by_template(&view, &same).is_ok());
}
