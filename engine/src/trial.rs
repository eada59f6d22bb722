//! Rules tried on a filed day: what they would have said of it. Movements are loaded as the filing loaded them; nothing
//! is written into the series.

use std::path::{Path, PathBuf};

use cuadre_audit::Archive;
use cuadre_reports::predicate::RuleFacts;
use cuadre_rules::Config;
use cuadre_rules::business::{DatasetTable, Datasets, sums_warehouse};
use cuadre_rules::config::{Check, Dataset, Language, Rule};
use cuadre_rules::day::RuleDay;
use cuadre_rules::exception::{Evidence, Exception, Kind};
use cuadre_rules::said;
use cuadre_rules::said::Said;
use jiff::civil::Date;

use crate::database::{Access, Bounds, Session};
use crate::error::EngineError;
use crate::forward::Forward;
use crate::inputs::{Bytes, Inputs, Role};
use crate::judge::{Room, all_rows};
use crate::landing::find;
use crate::load::dataset;
use crate::manifest::Filed;
use crate::movements::{Movements, warehouse_rows};
use crate::reconcile::business::{self, Judging};
use crate::reconcile::gaps::Gaps;

/// Rows of evidence of a rule that are shown.
pub const FIRST_ROWS: usize = 5;

/// What is tried.
pub struct Trial<'a> {
    /// The configuration whose rules and datasets are tried.
    pub config: &'a Config,
    /// The only rule that is tried; every one where absent.
    pub only: Option<&'a str>,
    /// Where datasets lie that the filing was not made with; such datasets are not had where absent.
    pub data: Option<&'a Path>,
    /// Where paths of password files begin.
    pub secrets: &'a Path,
    /// The language of words.
    pub language: Language,
}

/// What a rule says of a filed day.
pub struct Tried {
    /// The judgement.
    pub judged: RuleDay,
    /// What the filing states of the rule of that id.
    pub filed: Option<RuleFacts>,
    /// The first rows of evidence.
    pub rows: Vec<Evidence>,
}

impl Trial<'_> {
    /// Tries the rules on a filing whose files and inputs are there.
    pub fn on(&self, filed: &Filed, archive: &Archive, room: Room<'_>) -> Result<Vec<Tried>, EngineError> {
        let (inputs, then) = filed.inputs(archive)?;
        let config = self.on_that_day(&then, inputs.business_date);
        let movements = Movements::load(&then, &inputs, |_| true, archive, room)?;
        let bytes = Bytes::Archived(archive.clone());
        let datasets = self.datasets(&config, &then, &inputs, &bytes, room.scratch)?;
        let mut gaps = Gaps::new(room.scratch, config.scale(), self.language);
        let warehouse = match config.rules.iter().any(sums_warehouse) {
            true => warehouse_rows(&then, &inputs, archive, room, &mut gaps)?,
            false => None,
        };
        let by_cells = inputs.of(Role::Cells, "").next().is_some();
        let day = Judging {
            config: &config,
            language: self.language,
            business_date: inputs.business_date,
            datasets: &datasets,
            reads_answers: true,
            warehouse: all_rows(warehouse.as_deref(), by_cells),
            forward: &Forward::of(&config, &inputs, &bytes)?,
            staged: &movements.staged,
            files: &movements.files,
            room,
        };
        let (rules, _) = business::judge(&day, &mut gaps)?;
        let (_, evidence) = gaps.finish()?;
        let facts = &filed.statement().predicate.predicate.business;
        let mut tried = Vec::new();
        for judged in rules {
            let exception = Exception::id(Kind::RuleFailed, Some(&judged.rule));
            let mut rows = Vec::new();
            for list in &evidence {
                let of_rule = |row: &Result<Evidence, _>| row.as_ref().map_or(true, |row| row.exception == exception);
                let first = list.read()?.take_while(of_rule).take(FIRST_ROWS).collect::<Result<Vec<_>, _>>()?;
                rows.extend(first);
            }
            let filed = facts.iter().find(|facts| facts.rule == judged.rule).cloned();
            tried.push(Tried { judged, filed, rows });
        }
        Ok(tried)
    }

    /// The configuration of then, with the rules and datasets that are tried.
    fn on_that_day(&self, then: &Config, date: Date) -> Config {
        let wanted = |rule: &&Rule| self.only.is_none_or(|id| rule.id == id) && rule.is_in_force(date);
        Config {
            rules: self.config.rules.iter().filter(wanted).cloned().collect(),
            datasets: self.config.datasets.clone(),
            ..then.clone()
        }
    }

    /// Datasets as the filing had them, where they are defined as they were then; the others from where they lie now.
    fn datasets(
        &self,
        config: &Config,
        then: &Config,
        inputs: &Inputs,
        bytes: &Bytes,
        scratch: &Path,
    ) -> Result<Datasets, EngineError> {
        let (date, rules) = (inputs.business_date, &config.rules);
        let was_there = |dataset: &&Dataset| then.datasets.contains(dataset);
        let was_asked = |rule: &&Rule| {
            let mut of_then = then.rules_in_force(date).map(|(_, rule)| rule);
            let asked =
                inputs.of(Role::Rule, &rule.id).next().is_some() || inputs.problem(Role::Rule, &rule.id).is_some();
            asked && of_then.any(|then| then.id == rule.id && then.check == rule.check)
        };
        let same = Config {
            datasets: config.datasets.iter().filter(was_there).cloned().collect(),
            rules: rules.iter().filter(was_asked).cloned().collect(),
            ..then.clone()
        };
        let mut datasets = dataset::read_all(&same, inputs, bytes)?;
        let needed = |id: &str| rules.iter().any(|rule| rule.check.datasets().iter().any(|(_, of)| *of == id));
        for dataset in config.datasets.iter().filter(|dataset| !was_there(dataset) && needed(&dataset.id)) {
            let table = match (&dataset.file, &dataset.query) {
                (Some(file), _) => self.file(file, date),
                (None, query) => {
                    let sql = query.as_deref().unwrap_or_default();
                    self.asked(sql, Bounds::default(), date, &scratch.join(&dataset.id))
                }
            };
            datasets.insert(dataset.id.clone(), table);
        }
        for rule in rules.iter().filter(|rule| !was_asked(rule)) {
            if let Check::WarehouseSql(check) = &rule.check {
                let bounds = Bounds { seconds: check.seconds, rows: Some(check.rows) };
                let answer = self.asked(&check.query, bounds, date, &scratch.join(&rule.id));
                datasets.insert(rule.id.clone(), answer);
            }
        }
        Ok(datasets)
    }

    fn data(&self) -> Result<&Path, Said> {
        self.data.ok_or_else(|| {
            said!(
                "the filing was made without it, or with another of that name; give --data for what lies there now",
                "la presentación se hizo sin él, o con otro de ese nombre; indique --data para lo que hay ahí ahora"
            )
        })
    }

    fn file(&self, pattern: &str, date: Date) -> Result<DatasetTable, Said> {
        let found = find(self.data()?, &[pattern.to_owned()], date).map_err(Said::same)?;
        match found.as_slice() {
            [file] => dataset::read_table(&file.name, &file.path, &self.config.limits),
            [] => Err(said!("there is no file `{pattern}`", "no hay ningún archivo `{pattern}`")),
            _ => Err(dataset::more_than_one()),
        }
    }

    fn asked(&self, sql: &str, bounds: Bounds, date: Date, into: &Path) -> Result<DatasetTable, Said> {
        let into: PathBuf = into.with_extension("csv");
        let extract = self.config.warehouse.extract();
        let access =
            Access { databases: &self.config.databases, data: self.data()?, secrets: self.secrets, lasting: false };
        let url = extract.url.as_deref().ok_or_else(|| {
            said!("a warehouse of files cannot be queried", "un almacén de archivos no puede consultarse")
        })?;
        let asked = Session::open(url, extract.password.as_ref(), access)
            .and_then(|mut session| session.query(sql, bounds, date, &into));
        asked.map_err(|fault| Said::same(fault.words))?;
        dataset::read_table("the answer", &into, &self.config.limits)
    }
}
