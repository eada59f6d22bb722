//! The texts that a configuration is made of: its main file, and files of rules beside it.

use serde::Deserialize;

use super::error::{ConfigError, Problem, Step, spans};
use super::rule::Written;
use super::{Config, Dataset, Rule, check};

/// A file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// How errors call it.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Text {
    /// A file with this name and content.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// What a rule file holds: rules, and the datasets that they look things up in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Reference data that rules look things up in.
    #[serde(default, rename = "dataset")]
    pub datasets: Vec<Dataset>,
    /// Business rules.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

impl RuleFile {
    /// Reads a rule file; what its rules name elsewhere is not looked at.
    pub fn parse(text: &Text) -> Result<Self, ConfigError> {
        let mut file: Self = text.parsed()?;
        text.mark(&mut file.rules);
        Ok(file)
    }

    /// Refuses what could not be right whatever the configuration is that the file `text` belongs to; amounts have
    /// `scale` decimals.
    pub fn check(&self, text: &Text, scale: u32) -> Result<(), ConfigError> {
        let checked = check::rules::ids(&self.rules).and_then(|()| {
            self.rules.iter().enumerate().try_for_each(|(n, rule)| {
                check::rules::of_itself(rule, scale).map_err(|mut wrong| {
                    wrong.path.splice(0..0, [Step::from("rule"), Step::from(n)]);
                    wrong
                })
            })
        });
        checked.map_err(|problem| problem.locate(&text.name, &text.text))
    }
}

impl Text {
    /// What it says, in grammar alone.
    pub(crate) fn parsed<T: serde::de::DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| ConfigError::grammar(&self.name, &self.text, &error))
    }

    /// What is wrong with the value that this way leads to, and what to do.
    pub fn problem(&self, path: &[Step], message: impl Into<String>, help: &str) -> ConfigError {
        let problem = Problem { path: path.to_vec(), message: message.into(), help: Some(help.to_owned()) };
        problem.locate(&self.name, &self.text)
    }

    /// The same of a 0-based line of the value, which is a text of several lines.
    pub fn problem_in(&self, path: &[Step], line: usize, message: impl Into<String>, help: &str) -> ConfigError {
        let problem = self.problem(path, message, help);
        let lines = || self.text.split_inclusive('\n');
        let Some(first) = problem.line() else { return problem };
        let first_text = lines().nth(first - 1).unwrap_or_default();
        let after = match ["\"\"\"", "\'\'\'"].iter().find_map(|quotes| first_text.split_once(quotes)) {
            None => return problem,
            Some((_, rest)) if rest.trim().is_empty() => first + line + 1,
            Some(_) => first + line,
        };
        let start: usize = lines().take(after - 1).map(str::len).sum();
        let blank = lines().nth(after - 1).map_or(0, |text| text.len() - text.trim_start().len());
        problem.moved(&self.text, start + blank)
    }

    /// Marks its rules with where they are written.
    pub(crate) fn mark(&self, rules: &mut [Rule]) {
        for (rule, span) in rules.iter_mut().zip(spans(&self.text, "rule")) {
            let line = self.text[..span.start.min(self.text.len())].matches('\n').count() + 1;
            rule.written = Some(Written { file: self.name.clone(), line });
        }
    }
}

/// A configuration of its main file and its rule files, whose rules and datasets come after those of the main file in
/// the order of the files.
pub(super) fn assemble(main: &Text, files: &[Text]) -> Result<Config, ConfigError> {
    let mut config: Config = main.parsed()?;
    main.mark(&mut config.rules);
    let mut parts = vec![(main, config.rules.len(), config.datasets.len())];
    for text in files {
        let RuleFile { datasets, rules } = RuleFile::parse(text)?;
        parts.push((text, rules.len(), datasets.len()));
        config.rules.extend(rules);
        config.datasets.extend(datasets);
    }
    check::check(&config).map_err(|mut problem| {
        let mut part = main;
        if let [Step::Key(what), Step::Index(n), ..] = problem.path.as_mut_slice()
            && matches!(what.as_str(), "rule" | "dataset")
        {
            for &(text, rules, datasets) in &parts {
                let count = if what == "rule" { rules } else { datasets };
                part = text;
                if *n < count {
                    break;
                }
                *n -= count;
            }
        }
        problem.locate(&part.name, &part.text)
    })?;
    Ok(config)
}

/// A configuration whose rules are those of one file alone; datasets of that file take the place of those of the same id.
pub(super) fn with_rules_of(config: &Config, text: &Text) -> Result<Config, ConfigError> {
    let RuleFile { datasets, rules } = RuleFile::parse(text)?;
    let others = config.datasets.iter().filter(|known| !datasets.iter().any(|new| new.id == known.id));
    let datasets: Vec<Dataset> = datasets.iter().chain(others).cloned().collect();
    let config = Config { datasets, rules, ..config.clone() };
    check::of_rules(&config).map_err(|problem| problem.locate(&text.name, &text.text))?;
    Ok(config)
}
