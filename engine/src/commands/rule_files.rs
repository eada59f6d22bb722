//! The files of rules that a configuration names.

use std::path::Path;

use cuadre_rules::config::Text;
use cuadre_rules::{Config, ConfigError};
use jiff::civil::Date;

use super::read_text;
use crate::error::EngineError;
use crate::landing::{find, is_open};

/// Patterns of rule files have no date.
const NO_DAY: Date = Date::constant(2000, 1, 1);

/// Reads the configuration whose main file is `main`, with the files of rules that it names, which are below its
/// `folder`; and these files, by their names there.
pub fn read(main: &Text, folder: &Path) -> Result<(Config, Vec<Text>), EngineError> {
    let wrong = |error: ConfigError| EngineError::Config(Box::new(error));
    let patterns = Config::rule_files_of(main).map_err(wrong)?;
    let root = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (mut names, mut shown): (Vec<Text>, Vec<Text>) = (Vec::new(), Vec::new());
    for (n, pattern) in patterns.iter().enumerate() {
        let unfit = |why: String| {
            let why = why.replace("the data folder", "the folder of the configuration");
            wrong(main.problem(&["rule_files".into(), n.into()], why, "name files of rules, such as rules/*.toml"))
        };
        let found = find(root, std::slice::from_ref(pattern), NO_DAY).map_err(unfit)?;
        if found.is_empty() {
            let what = if is_open(pattern) { "no file matches" } else { "there is no file" };
            return Err(unfit(format!("{what} `{pattern}`")));
        }
        for file in
            found.into_iter().filter(|file| !names.iter().any(|known| known.name == file.name)).collect::<Vec<_>>()
        {
            let read = read_text(&folder.join(&file.name), "the file of rules", "check rule_files")?;
            names.push(Text::new(file.name, read.text.clone()));
            shown.push(read);
        }
    }
    let config = Config::with_rule_files(main, &shown).map_err(wrong)?;
    Ok((config, names))
}
