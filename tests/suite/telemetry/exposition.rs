//! Reads Prometheus' text format, version 0.0.4, as strictly as its definition allows.

use std::collections::BTreeMap;

/// Samples by name and labels as they are written.
pub type Samples = BTreeMap<String, String>;

/// The samples of a text.
///
/// # Panics
/// With what is wrong in it.
pub fn read(text: &str) -> Samples {
    assert!(text.ends_with('\n'), "the last line does not end");
    let (mut samples, mut families, mut helped) = (Samples::new(), Vec::<String>::new(), None::<String>);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').expect("as it is made");
            assert!(!words.is_empty() && is_name(name), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("as it is made");
            assert_eq!(kind, "gauge", "{line}");
            assert_eq!(helped.take().as_deref(), Some(name), "{line}: no HELP before it");
            assert!(!families.contains(&name.to_owned()), "{line}: twice");
            families.push(name.to_owned());
        } else {
            let (name, rest) = line.split_once('{').unwrap_or_else(|| panic!("{line}"));
            assert_eq!(families.last().map(String::as_str), Some(name), "{line}: not below its TYPE");
            let (labels, value) = labels(rest);
            assert!(labels.first().is_some_and(|(name, _)| name == "series"), "{line}");
            assert!(value.chars().all(|c| c.is_ascii_digit() || c == '.') && !value.is_empty(), "{line}");
            let labels: Vec<String> = labels[1..].iter().map(|(name, value)| format!("{name}={value}")).collect();
            let key = [&[name.to_owned()][..], &labels].concat().join(" ");
            assert_eq!(samples.insert(key, value.to_owned()), None, "{line}: twice");
        }
    }
    samples
}

fn is_name(text: &str) -> bool {
    text.starts_with("cuadre_") && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// Labels up to `}`, unescaped; and the value after them.
fn labels(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut labels = Vec::new();
    loop {
        let (name, rest) = text.split_once("=\"").expect("as it is made");
        let (mut value, mut rest) = (String::new(), rest.chars());
        loop {
            match rest.next().expect("as it is made") {
                '"' => break,
                '\\' => value.push(match rest.next().expect("as it is made") {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("\\{c}"),
                }),
                c => value.push(c),
            }
        }
        labels.push((name.to_owned(), value));
        text = rest.as_str();
        match text.strip_prefix(',') {
            Some(next) => text = next,
            None => return (labels, text.strip_prefix("} ").expect("as it is made")),
        }
    }
}
