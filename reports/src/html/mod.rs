//! `report.html`: the filing as one page for people, which needs nothing else to be read or printed.
//!
//! The page is made by `report.html.j2`, or by a template that the institution configures, which may extend the
//! built-in one as `report.html` and replace its blocks. A template that fails costs nobody a filing: the built-in
//! page is made then, with a note.

mod page;
mod sample;
mod svg;

use std::fmt;

use cuadre_rules::config::Language;
use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

pub use sample::sample;

use crate::ReportError;
use crate::locale::Locale;
use crate::view::View;
use crate::words::word;
use page::Page;

/// The built-in template; its first remark says what a template is given.
pub const TEMPLATE: &str = include_str!("report.html.j2");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// What a configured template calls the built-in one.
const BUILT_IN: &str = "report.html";

/// Steps that a configured template may take, besides [`STEPS_EACH`] for each thing that a page has.
const STEPS: u64 = 1_000_000;
/// Some five times what the built-in template takes.
const STEPS_EACH: u64 = 1_000;

/// A template of the institution's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name, as the configuration has it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The template.
    pub name: String,
    /// Its line, counted from 1, where the fault has one.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.name, self.why),
            None => write!(f, "{}: {}", self.name, self.why),
        }
    }
}

/// A page, and why the configured template was not used for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The page.
    pub html: String,
    /// What is wrong with the template.
    pub fault: Option<String>,
}

/// Makes the page by the configured template, where there is one that works; else by the built-in one. A template
/// that could not even be read is given as the reason why not.
///
/// # Errors
/// [`ReportError::Page`] where the built-in template fails, which is a bug.
pub fn render(view: &View, configured: Option<&Result<Template, String>>) -> Result<Made, ReportError> {
    let fault = match configured {
        None => None,
        Some(Err(why)) => Some(why.clone()),
        Some(Ok(template)) => match by_template(view, template) {
            Ok(html) => return Ok(Made { html, fault: None }),
            Err(error) => Some(error.to_string()),
        },
    };
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let page = Page::new(view, &locale, fault.as_deref());
    let environment = environment(&locale).map_err(|error| ReportError::Page { why: words_of(&error) })?;
    let html = environment.get_template(BUILT_IN).and_then(|template| template.render(Serde(&page)));
    Ok(Made { html: html.map_err(|error| ReportError::Page { why: words_of(&error) })?, fault })
}

/// Makes the page by a configured template.
///
/// # Errors
/// What is wrong with the template, and its line.
pub fn by_template(view: &View, template: &Template) -> Result<String, TemplateError> {
    let locale = Locale { language: view.language, zone: view.zone.clone() };
    let name = if template.name == BUILT_IN { format!("./{BUILT_IN}") } else { template.name.clone() };
    let fault = |error: Error| located(&error, &template.name, &name);
    let mut environment = environment(&locale).map_err(fault)?;
    environment.set_fuel(Some(STEPS.saturating_add(STEPS_EACH.saturating_mul(things(view)))));
    environment.add_template_owned(name.clone(), template.text.clone()).map_err(fault)?;
    let page = Page::new(view, &locale, None);
    environment.get_template(&name).and_then(|template| template.render(Serde(&page))).map_err(fault)
}

/// How many things there are to show.
fn things(view: &View) -> u64 {
    let manifest = &view.predicate;
    let lists = [
        view.inputs.len(),
        view.outputs.len(),
        view.totals.len(),
        manifest.sources.len(),
        manifest.business.len(),
        manifest.exceptions.len(),
        manifest.carried_over.as_ref().map_or(0, Vec::len),
        view.evidence.iter().map(|evidence| evidence.rows.len()).sum(),
    ];
    lists.iter().map(|length| *length as u64).sum()
}

/// What templates have in common: the built-in one, and the filters that write for people.
fn environment(locale: &Locale) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name {
        "report.css" | "report.js" => AutoEscape::None,
        _ => AutoEscape::Html,
    });
    environment.add_template(BUILT_IN, TEMPLATE)?;
    environment.add_template("report.css", STYLE)?;
    environment.add_template("report.js", SCRIPT)?;
    let language = locale.language;
    environment.add_filter("word", move |key: String| known(&key, language));
    filter(&mut environment, "amount", locale, |locale, text| Some(locale.amount(text)));
    filter(&mut environment, "number", locale, |locale, text| Some(locale.amount(text)));
    filter(&mut environment, "size", locale, |locale, text| Some(locale.size(text.parse().ok()?)));
    filter(&mut environment, "date", locale, |locale, text| Some(locale.date(text.parse::<Date>().ok()?)));
    filter(&mut environment, "short_date", locale, |locale, text| Some(locale.short_date(text.parse::<Date>().ok()?)));
    filter(&mut environment, "time", locale, |locale, text| Some(locale.time(text.parse::<Timestamp>().ok()?)));
    filter(&mut environment, "moment", locale, |locale, text| Some(locale.moment(text.parse::<Timestamp>().ok()?)));
    Ok(environment)
}

/// Adds a filter that writes a value for people; nothing of `none`, and what is no such value as it is.
fn filter(
    environment: &mut Environment<'static>,
    name: &'static str,
    locale: &Locale,
    write: fn(&Locale, &str) -> Option<String>,
) {
    let locale = locale.clone();
    environment.add_filter(name, move |value: Value| {
        let text = if value.is_none() { String::new() } else { value.to_string() };
        write(&locale, &text).unwrap_or(text)
    });
}

fn known(key: &str, language: Language) -> Result<String, Error> {
    let unknown = || Error::new(ErrorKind::InvalidOperation, format!("there is no word with the key `{key}`"));
    word(key, language).map(str::to_owned).ok_or_else(unknown)
}

/// A fault of the template `name`, which the environment knows as `known_as`.
fn located(error: &Error, name: &str, known_as: &str) -> TemplateError {
    let is_here = error.name().is_none_or(|named| named == known_as);
    let why = match (error.kind(), is_here) {
        (ErrorKind::OutOfFuel, _) => "it takes more steps than a page needs: does a loop go over too much?".to_owned(),
        (_, true) => words_of(error),
        (_, false) => format!("in {}: {}", error.name().unwrap_or_default(), words_of(error)),
    };
    TemplateError { name: name.to_owned(), line: error.line().filter(|_| is_here), why }
}

fn words_of(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests;
