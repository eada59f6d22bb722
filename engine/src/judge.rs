//! Load and reconcile: from archived inputs to the judged day. The same inputs give the same
//! judgement, in the night and years later.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cuadre_audit::Archive;
use cuadre_rules::Config;
use cuadre_rules::business::Datasets;
use cuadre_rules::day::{Day, EndToEndDay, SourceDay};
use cuadre_rules::end_to_end::{Difference, Side, decode, show};
use cuadre_rules::exception::{Evidence, Kind};
use cuadre_rules::money::{Totals, at_own_scale};
use rayon::prelude::*;

use crate::error::EngineError;
use crate::inputs::{Input, Inputs, Role};
use crate::load::mapping::{Meaning, Owner};
use crate::load::stage::EvidenceList;
use crate::load::{self, Loaded, SourceTotals};
use crate::reconcile::end_to_end::{Comparison, evident, reconcile, shown_fields};
use crate::reconcile::gaps::{About, Gaps};
use crate::reconcile::source::{Extract, object};
use crate::reconcile::{business, source};
use crate::warehouse;

/// The judged day, with what the report is made of.
pub struct Judgement {
    /// The judgement.
    pub day: Day,
    /// Staged movements of the loaded sources, in report order.
    pub staged: Vec<PathBuf>,
    /// Rows of evidence, in the order of the exceptions.
    pub evidence: Vec<EvidenceList>,
}

/// Judges the day from its archived inputs; `scratch` takes what is staged.
pub fn judge(config: &Config, inputs: &Inputs, archive: &Archive, scratch: &Path) -> Result<Judgement, EngineError> {
    let mut gaps = Gaps::new(&folder(scratch, "evidence")?, config.scale());
    let (extracts, warehouse) = load_all(config, inputs, archive, scratch)?;
    let files: Vec<(String, String)> = extracts
        .iter()
        .zip(&config.sources)
        .flat_map(|(extracts, source)| extracts.iter().map(|e| (source.id.clone(), e.input.file.name.clone())))
        .collect();

    let (mut sources, mut staged) = (Vec::new(), Vec::new());
    for (position, extracts) in extracts.into_iter().enumerate() {
        let judged = source::judge(config, position, inputs, extracts, archive, &mut gaps)?;
        sources.push(judged.day);
        staged.extend(judged.staged);
    }
    let end_to_end = match whole_warehouse(inputs, warehouse, &mut gaps) {
        Some(warehouse) => Some(end_to_end(config, &sources, &staged, &files, warehouse, scratch, &mut gaps)?),
        None => None,
    };
    let datasets = datasets(config, inputs, archive)?;
    let rules = folder(scratch, "rules")?;
    let business = business::judge(config, &datasets, &staged, &files, &rules, &mut gaps)?;

    let (exceptions, evidence) = gaps.finish()?;
    let business_date = inputs.business_date;
    let day = Day { business_date, scale: config.scale(), sources, end_to_end, business, exceptions };
    Ok(Judgement { day, staged, evidence })
}

fn folder(scratch: &Path, name: &str) -> Result<PathBuf, EngineError> {
    let path = scratch.join(name);
    fs::create_dir_all(&path).map_err(|e| EngineError::io("making room to work", &path, e))?;
    Ok(path)
}

/// A file of the warehouse, and what became of it.
type WarehouseFile<'a> = (&'a Input, Result<Loaded, String>);

/// Loads every distinct file of the day, one thread per file up to the cores. Extracts come by
/// source, in order of the configuration.
fn load_all<'a>(
    config: &'a Config,
    inputs: &'a Inputs,
    archive: &Archive,
    scratch: &Path,
) -> Result<(Vec<Vec<Extract<'a>>>, Vec<WarehouseFile<'a>>), EngineError> {
    let ids: Vec<String> = config.sources.iter().map(|source| source.id.clone()).collect();
    let warehouse_extract = warehouse::extract_of(config);
    let meaning =
        |extract, owner| Meaning::new(config, extract, owner, inputs.business_date).map_err(EngineError::Setup);
    let meanings = config.sources.iter().map(|source| meaning(&source.extract, Owner::Source(source.id.clone())));
    let meanings: Vec<Meaning<'_>> = meanings.collect::<Result<_, _>>()?;
    let warehouse_meaning = meaning(&warehouse_extract, Owner::Warehouse(ids))?;

    let mut jobs = Vec::new();
    let mut index = 0;
    for (source, meaning) in config.sources.iter().zip(&meanings) {
        let mut seen: Vec<&str> = Vec::new();
        for input in inputs.of(Role::Extract, &source.id) {
            let repeated = seen.contains(&input.file.sha256.as_str());
            seen.push(&input.file.sha256);
            let hash_field = source.control.as_ref().and_then(|control| control.hash_field);
            let refused_as = (Kind::RecordsRejected, Some(source.id.as_str()));
            jobs.push(Job { input, index, repeated, meaning, extract: &source.extract, refused_as, hash_field });
            index += 1;
        }
    }
    let extracts = jobs.len();
    for (index, input) in (0..).zip(inputs.of(Role::Warehouse, "")) {
        let (meaning, extract) = (&warehouse_meaning, &warehouse_extract);
        let refused_as = (Kind::WarehouseRecordsRejected, None);
        jobs.push(Job { input, index, repeated: false, meaning, extract, refused_as, hash_field: None });
    }
    let loaded: Vec<_> = (0..jobs.len())
        .into_par_iter()
        .map(|n| jobs[n].run(config, archive, &scratch.join(format!("load-{n}"))))
        .collect::<Result<_, _>>()?;

    let mut by_source: Vec<Vec<Extract<'a>>> = config.sources.iter().map(|_| Vec::new()).collect();
    let mut warehouse = Vec::new();
    for (n, (job, loaded)) in jobs.iter().zip(loaded).enumerate() {
        if n < extracts {
            let position = config.sources.iter().position(|source| source.id == job.input.of);
            let position = position.ok_or_else(|| EngineError::bug("an extract of no source"))?;
            by_source[position].push(Extract { input: job.input, loaded });
        } else if let Some(loaded) = loaded {
            warehouse.push((job.input, loaded));
        }
    }
    Ok((by_source, warehouse))
}

struct Job<'a, 'b> {
    input: &'a Input,
    index: u32,
    repeated: bool,
    meaning: &'b Meaning<'b>,
    extract: &'b cuadre_rules::config::source::Extract,
    refused_as: (Kind, Option<&'b str>),
    hash_field: Option<cuadre_rules::movement::Field>,
}

impl Job<'_, '_> {
    fn run(
        &self,
        config: &Config,
        archive: &Archive,
        scratch: &Path,
    ) -> Result<Option<Result<Loaded, String>>, EngineError> {
        if self.repeated {
            return Ok(None);
        }
        fs::create_dir_all(scratch).map_err(|e| EngineError::io("making room to work", scratch, e))?;
        let input = load::Input {
            name: &self.input.file.name,
            path: &object(archive, self.input)?,
            extract: self.extract,
            meaning: self.meaning,
            index: self.index,
            refused_as: self.refused_as,
            hash_field: self.hash_field,
        };
        let loaded = load::load(&input, &config.limits, scratch)?;
        Ok(Some(loaded.map_err(|unreadable| unreadable.to_string())))
    }
}

/// The warehouse's files, all of them readable; otherwise the gap is stated and there is none.
fn whole_warehouse(inputs: &Inputs, files: Vec<WarehouseFile<'_>>, gaps: &mut Gaps) -> Option<Vec<(String, Loaded)>> {
    let mut missing = |why: &str| {
        let words = format!("{why}; end to end nothing was compared, the report is made from the sources alone");
        gaps.state(Kind::WarehouseMissing, About::NIGHT, &words);
    };
    if let Some(problem) = inputs.problem(Role::Warehouse, "") {
        missing(problem);
        return None;
    }
    if files.is_empty() {
        missing("the warehouse has no file for the day");
        return None;
    }
    let mut whole = Vec::new();
    for (input, loaded) in files {
        match loaded {
            Ok(loaded) => whole.push((input.file.name.clone(), loaded)),
            Err(reason) => {
                missing(&format!("{} cannot be read: {reason}", input.file.name));
                return None;
            }
        }
    }
    for (name, loaded) in &whole {
        for drift in &loaded.drift {
            gaps.state(Kind::SchemaDrift, About::NIGHT, &format!("warehouse, {name}: {drift}"));
        }
        let refused = loaded.refused.rows;
        if refused > 0 {
            let kind = Kind::WarehouseRecordsRejected;
            gaps.state(kind, About::NIGHT, &format!("{refused} of {} rows of {name} were refused", loaded.records));
            gaps.count(kind, About::NIGHT, refused);
            gaps.listed(kind, About::NIGHT, loaded.refused.clone());
        }
    }
    if whole.iter().all(|(_, loaded)| loaded.records == 0) {
        gaps.state(Kind::WarehouseMissing, About::NIGHT, "the warehouse has no row for the day: was it loaded?");
    }
    Some(whole)
}

/// Compares every source with the warehouse.
fn end_to_end(
    config: &Config,
    sources: &[SourceDay],
    staged: &[PathBuf],
    files: &[(String, String)],
    warehouse: Vec<(String, Loaded)>,
    scratch: &Path,
    gaps: &mut Gaps,
) -> Result<Vec<EndToEndDay>, EngineError> {
    let plan: Vec<Comparison> = config
        .sources
        .iter()
        .map(|source| {
            let (key, compare) = config.compared_fields(source);
            Comparison { source: source.id.clone(), key, compare }
        })
        .collect();
    let currency = config.default_currency().ok_or_else(|| EngineError::bug("the configuration has no currency"))?;
    let zero = || Totals::with(config.scale(), currency);
    let mut totals: BTreeMap<&str, SourceTotals> = BTreeMap::new();
    for (id, part) in warehouse.iter().flat_map(|(_, loaded)| &loaded.totals) {
        let whole = totals.entry(id).or_insert_with(|| SourceTotals { movements: 0, amount: zero() });
        whole.movements += part.movements;
        whole.amount.merge(&part.amount)?;
    }
    let mut days: Vec<EndToEndDay> = sources
        .iter()
        .map(|source| {
            let copy =
                totals.remove(source.id.as_str()).unwrap_or_else(|| SourceTotals { movements: 0, amount: zero() });
            EndToEndDay {
                source: source.id.clone(),
                source_records: source.records - source.rejected_records,
                warehouse_records: copy.movements,
                source_amount: source.amount.clone(),
                warehouse_amount: copy.amount,
                matched: 0,
                missing_in_warehouse: 0,
                missing_in_source: 0,
                changed: 0,
                duplicates: 0,
            }
        })
        .collect();
    let names: Vec<&str> = warehouse.iter().map(|(name, _)| name.as_str()).collect();
    let copies: Vec<PathBuf> = warehouse.iter().map(|(_, loaded)| loaded.movements.clone()).collect();
    let matched = reconcile(&plan, staged, &copies, scratch, |index, difference| {
        let day = &mut days[index];
        let kind = match difference {
            Difference::MissingInWarehouse(_) => (&mut day.missing_in_warehouse, Kind::MissingInWarehouse),
            Difference::MissingInSource(_) => (&mut day.missing_in_source, Kind::MissingInSource),
            Difference::Changed(..) => (&mut day.changed, Kind::Changed),
            Difference::Duplicate(..) => (&mut day.duplicates, Kind::Duplicate),
        };
        *kind.0 += 1;
        let about = About::source(index, &plan[index].source);
        list(config, &plan[index], kind.1, about, &difference, files, &names, gaps)
    })?;
    for (day, matched) in days.iter_mut().zip(matched) {
        day.matched = matched;
    }
    for (index, day) in days.iter().enumerate() {
        let about = About::source(index, &day.source);
        let source = &sources[index];
        let told = [
            (day.missing_in_warehouse, Kind::MissingInWarehouse, "of the source not in the warehouse"),
            (day.missing_in_source, Kind::MissingInSource, "of the warehouse not in the source"),
            (day.changed, Kind::Changed, "with other values in the warehouse"),
            (day.duplicates, Kind::Duplicate, "more than the other side has"),
        ];
        for (count, kind, words) in told.into_iter().filter(|(count, ..)| *count > 0) {
            let state = match source.state.is_loaded() {
                true => String::new(),
                false => format!(", which is {}", source.state.name()),
            };
            gaps.state(kind, about, &format!("{} {words}{state}", counted(count, "movement")));
            gaps.count(kind, about, count);
        }
    }
    Ok(days)
}

/// `1 movement`, `2 movements`.
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Lists one difference as evidence: a row, or one per changed column.
#[allow(clippy::too_many_arguments)]
fn list(
    config: &Config,
    comparison: &Comparison,
    kind: Kind,
    about: About<'_>,
    difference: &Difference,
    files: &[(String, String)],
    warehouse: &[&str],
    gaps: &mut Gaps,
) -> Result<(), EngineError> {
    let scale = config.scale();
    let fields = shown_fields(comparison);
    let values = |encoded: &[u8]| -> Vec<Option<String>> {
        let decoded = decode(encoded).into_iter().zip(&fields);
        decoded.map(|(value, &field)| value.map(|value| show(field, value, scale))).collect()
    };
    let (side, row) = evident(difference);
    let place = row.place.file as usize;
    let file = match side {
        Side::Source => files.get(place).map(|(_, name)| name.clone()),
        Side::Warehouse => warehouse.get(place).map(|name| (*name).to_owned()),
    };
    let (currency, minor) = row.money;
    let base = Evidence {
        file,
        record: Some(row.place.record),
        amount: Some(at_own_scale(currency, minor, scale).to_string()),
        currency: Some(currency.to_string()),
        ..Evidence::default()
    };
    let Difference::Changed(left, right) = difference else {
        let shown = fields.iter().zip(values(&row.values));
        let shown: Vec<String> = shown.map(|(field, value)| format!("{field}={}", value.unwrap_or_default())).collect();
        let shown = Some(shown.join(", "));
        let (source_value, warehouse_value) = if side == Side::Source { (shown, None) } else { (None, shown) };
        let reason = match (kind, side) {
            (Kind::MissingInWarehouse, _) => "in the source, not in the warehouse",
            (Kind::MissingInSource, _) => "in the warehouse, not in the source",
            (_, Side::Source) => "the source has it more often than the warehouse",
            (_, Side::Warehouse) => "the warehouse has it more often than the source",
        };
        gaps.add(kind, about, currency, minor)?;
        return gaps.evidence(
            kind,
            about,
            Evidence { source_value, warehouse_value, reason: reason.to_owned(), ..base },
        );
    };
    let (before, after) = (values(&left.values), values(&right.values));
    gaps.add(kind, about, currency, -minor)?;
    gaps.add(kind, about, right.money.0, right.money.1)?;
    let key: Vec<String> = fields
        .iter()
        .zip(&before)
        .take(comparison.key.len())
        .map(|(field, value)| format!("{field}={}", value.clone().unwrap_or_default()))
        .collect();
    let copy = warehouse.get(right.place.file as usize).copied().unwrap_or_default();
    for ((field, before), after) in fields.iter().zip(before).zip(after) {
        if before != after {
            let row = Evidence {
                column: Some(field.to_string()),
                source_value: before,
                warehouse_value: after,
                reason: format!("{} differs from record {} of {copy}", key.join(", "), right.place.record),
                ..base.clone()
            };
            gaps.evidence(kind, about, row)?;
        }
    }
    Ok(())
}

/// Reference data by dataset id, and the rows of SQL rules by rule id.
fn datasets(config: &Config, inputs: &Inputs, archive: &Archive) -> Result<Datasets, EngineError> {
    let owners = config.datasets.iter().map(|dataset| (Role::Dataset, &dataset.id, dataset.query.is_some()));
    let rules = config.rules.iter().map(|rule| (Role::Rule, &rule.id, true));
    let mut datasets = Datasets::new();
    for (role, id, is_snapshot) in owners.chain(rules) {
        if let Some(problem) = inputs.problem(role, id) {
            datasets.insert(id.clone(), Err(problem.to_owned()));
        }
        for input in inputs.of(role, id) {
            let path = object(archive, input)?;
            let table = match is_snapshot {
                true => load::dataset::read_snapshot(&path),
                false => load::dataset::read_csv(&path, &config.limits),
            };
            let table = table.map_err(|reason| format!("{}: {reason}", input.file.name));
            if datasets.insert(id.clone(), table).is_some() {
                datasets.insert(id.clone(), Err("more than one file matches its pattern".to_owned()));
            }
        }
        if role == Role::Dataset && !datasets.contains_key(id) {
            datasets.insert(id.clone(), Err("its file did not arrive".to_owned()));
        }
    }
    Ok(datasets)
}
