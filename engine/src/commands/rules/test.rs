//! `cuadre rules test`: cases of rules, run.

use std::path::{Path, PathBuf};

use cuadre_rules::Config;
use cuadre_rules::cases::{CaseFile, Mark, Ran, Setting};
use cuadre_rules::config::{Language, Rule, RuleFile};
use cuadre_rules::said;
use cuadre_rules::said::Said;
use serde_json::{Value, json};

use super::super::{Configured, print_json, read_text};
use super::{language, parse_language, table, wrong};
use crate::error::{EngineError, exit};

/// Prove rules by cases: movements in small tables, and what a rule must say of them
#[derive(clap::Args)]
pub struct Args {
    /// Files of cases
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Configuration file, whose rules cases can name
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Language of the words: en or es-MX [default: the configuration's]
    #[arg(long, value_name = "LANGUAGE", value_parser = parse_language)]
    language: Option<Language>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let config = args.config.as_ref().map(|path| Configured::read(path)).transpose()?.map(|read| read.config);
    let language = language(args.language, config.as_ref());
    let mut all: Vec<(&PathBuf, Vec<Ran>)> = Vec::new();
    for path in &args.files {
        all.push((path, ran(path, config.as_ref(), language)?));
    }
    let cases: usize = all.iter().map(|(_, ran)| ran.len()).sum();
    let failed = all.iter().flat_map(|(_, ran)| ran).filter(|ran| !ran.holds()).count();
    if args.json {
        let case = |path: &&PathBuf, ran: &Ran| told(path, ran, language);
        let told: Vec<Value> = all.iter().flat_map(|(path, ran)| ran.iter().map(move |ran| case(path, ran))).collect();
        print_json(&json!({ "cases": told, "failed": failed }))?;
    } else {
        for (path, ran) in &all {
            eprintln!("{}", path.display());
            ran.iter().flat_map(|ran| lines(ran, language)).for_each(|line| eprintln!("{line}"));
        }
    }
    match failed {
        0 => {
            let words =
                said!("every case came out as it was to: {cases}", "todos los casos resultaron como debían: {cases}");
            eprintln!("{}", words.into_language(language));
            Ok(exit::DONE)
        }
        _ => {
            let words = said!(
                "{failed} of {cases} cases came out otherwise",
                "{failed} de {cases} casos resultaron de otra manera"
            );
            eprintln!("{}", words.into_language(language));
            Ok(exit::VERIFICATION_FAILED)
        }
    }
}

/// Runs a file of cases.
fn ran(path: &Path, config: Option<&Config>, asked: Language) -> Result<Vec<Ran>, EngineError> {
    let text = read_text(path, "the file of cases", "check its name")?;
    let file = CaseFile::parse(&text).map_err(wrong)?;
    let own = file.own();
    own.check(&text, config.map_or(2, Config::scale)).map_err(wrong)?;
    let mut rules: Vec<Rule> = own.rules;
    match (&file.rules, config) {
        (None, config) => rules.extend(config.iter().flat_map(|config| config.rules.clone())),
        (Some(name), config) => {
            let path = path.parent().unwrap_or(Path::new("")).join(name);
            let text = read_text(&path, "the file of rules", "check `rules` in the file of cases")?;
            rules.extend(match config {
                Some(config) => config.with_rules_of(&text).map_err(wrong)?.rules,
                None => {
                    let file = RuleFile::parse(&text).map_err(wrong)?;
                    file.check(&text, 2).map_err(wrong)?;
                    file.rules
                }
            });
        }
    }
    let language = file.language.unwrap_or(asked);
    file.run(&text, Setting { rules: &rules, config, language }).map_err(wrong)
}

/// A case for a person.
fn lines(ran: &Ran, language: Language) -> Vec<String> {
    let in_words = |said: Said| said.into_language(language);
    let verdict = if ran.holds() { said!("ok", "bien") } else { said!("FAILED", "FALLA") };
    let mut lines = vec![format!("  {:<6}  {}: {}", in_words(verdict), ran.rule, ran.name)];
    if ran.holds() {
        return lines;
    }
    let (expected, found) = (ran.expected.name(), ran.verdict.name());
    let explanation = ran.explanation.clone();
    lines.push(in_words(match ran.expected == ran.verdict {
        true => said!("          {found}, as expected: {explanation}", "          {found}, como se esperaba: {explanation}"; explanation),
        false => said!(
            "          expected {expected}, found {found}: {explanation}",
            "          se esperaba {expected}, resultó {found}: {explanation}"; explanation
        ),
    }));
    if ran.violations.lines.is_empty() {
        return lines;
    }
    let mark = |mark: Mark| {
        in_words(match mark {
            Mark::Found => Said::default(),
            Mark::Missing => said!("expected, not found", "se esperaba, no está"),
            Mark::Surplus => said!("found, not expected", "está, no se esperaba"),
        })
    };
    let row = |first: String, cells: &[String]| std::iter::once(first).chain(cells.iter().cloned()).collect::<Vec<_>>();
    let mut rows = vec![row(String::new(), &ran.violations.header)];
    rows.extend(ran.violations.lines.iter().map(|(marked, cells)| row(mark(*marked), cells)));
    lines.extend(table::lines(&rows, 10));
    lines
}

/// A case for a machine.
fn told(path: &Path, ran: &Ran, language: Language) -> Value {
    let of = |wanted: &[Mark]| -> Vec<Value> {
        let listed = ran.violations.lines.iter().filter(|(mark, _)| wanted.contains(mark));
        let object = |(_, cells): &(Mark, Vec<String>)| {
            let pairs = ran.violations.header.iter().zip(cells).map(|(name, cell)| (name.clone(), json!(cell)));
            Value::Object(pairs.collect())
        };
        listed.map(object).collect()
    };
    json!({
        "file": path,
        "name": ran.name,
        "rule": ran.rule,
        "holds": ran.holds(),
        "expected": ran.expected,
        "verdict": ran.verdict,
        "explanation": ran.explanation.in_language(language),
        "violations": of(&[Mark::Found, Mark::Surplus]),
        "missing": of(&[Mark::Missing]),
        "surplus": of(&[Mark::Surplus]),
    })
}
