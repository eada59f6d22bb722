//! The end-to-end reconciliation of the day: counts per source, and every break as evidence.

use std::collections::BTreeMap;

use cuadre_rules::Config;
use cuadre_rules::cells::Table;
use cuadre_rules::config::Source;
use cuadre_rules::day::{EndToEndDay, SourceDay, SourceState};
use cuadre_rules::end_to_end::{Comparison, Difference, Side, decode, show};
use cuadre_rules::exception::{Evidence, Kind};
use cuadre_rules::money::{Currency, Overflow, Totals, at_own_scale};
use cuadre_rules::movement::Field;
use cuadre_rules::said;
use cuadre_rules::said::{MOVEMENT, Said, counted};

use super::cells::{Differing, SourceCells, of_fetched};
use super::drifts::Drifts;
use super::end_to_end::{Sides, evident, shown_fields};
use super::fold::Folding;
use super::gaps::{About, Gaps};
use crate::error::EngineError;
use crate::inputs::{Inputs, Role};
use crate::judge::Room;
use crate::load::all::WarehouseFile;
use crate::load::stage::Staged;
use crate::load::{Loaded, SourceTotals};

/// What the sources gave: their judgements, and where their movements are staged.
pub struct Sources<'a> {
    /// One per source, in order of the configuration.
    pub days: &'a [SourceDay],
    /// Staged movements.
    pub staged: &'a [Staged],
    /// Source and name of the input files that movements refer to.
    pub files: &'a [(String, String)],
}

/// By what the rows that have to be compared one by one are found.
pub enum By<'a> {
    /// Both sides' rows, folded while they were loaded.
    Folding(Box<Folding<'a>>),
    /// The warehouse's cells; of its rows there are those that differ alone.
    Cells(Table),
}

/// The warehouse's files, by name, all of them readable; otherwise the gap is stated and there is
/// nothing to compare with. Where it sent `cells`, they tell how many rows it has.
pub fn whole_warehouse(
    inputs: &Inputs,
    files: Vec<WarehouseFile<'_>>,
    cells: Option<&Table>,
    gaps: &mut Gaps,
) -> Result<Option<Vec<(String, Loaded)>>, EngineError> {
    let mut missing = |why: Said| {
        let words = said!(
            "{why}; the end-to-end reconciliation is notEvaluated: nothing was compared, the report is made from the sources alone",
            "{why}; la conciliación de extremo a extremo no se evaluó (notEvaluated): nada se comparó y el reporte se \
             elabora solo con las fuentes"; why
        );
        gaps.state(Kind::WarehouseMissing, About::NIGHT, words);
    };
    if let Some(problem) = inputs.problem(Role::Warehouse, "") {
        missing(Said::same(problem));
        return Ok(None);
    }
    if files.is_empty() {
        missing(said!("the warehouse has no file for the day", "el almacén no tiene ningún archivo del día"));
        return Ok(None);
    }
    let mut whole = Vec::new();
    for (input, loaded) in files {
        match loaded {
            Ok(loaded) => whole.push((input.file.name.clone(), loaded)),
            Err(unreadable) => {
                missing(unreadable.of(&input.file.name));
                return Ok(None);
            }
        }
    }
    let mut drifts = Drifts::default();
    let records = |loaded: &Loaded| cells.map_or(loaded.records, Table::rows);
    for (name, loaded) in &whole {
        drifts.add(name, &loaded.drift, About::NIGHT, gaps)?;
        let refused = loaded.refused_records();
        if refused > 0 {
            let kind = Kind::WarehouseRecordsRejected;
            let rows = records(loaded);
            let words = said!(
                "{refused} of {rows} rows of {name} were refused",
                "filas rechazadas de {name}: {refused} de {rows}"
            );
            gaps.state(kind, About::NIGHT, words);
            gaps.count(kind, About::NIGHT, refused);
            loaded.refused.iter().for_each(|list| gaps.listed(kind, About::NIGHT, list.clone()));
        }
    }
    drifts.state(About::NIGHT, gaps);
    if inputs.no_movements.is_none() && whole.iter().all(|(_, loaded)| records(loaded) == 0) {
        let words = said!(
            "the warehouse has no row for the day: was it loaded?",
            "el almacén no tiene ninguna fila del día: ¿se cargó?"
        );
        gaps.state(Kind::WarehouseMissing, About::NIGHT, words);
    }
    Ok(Some(whole))
}

/// How each source is compared with the warehouse, in order of the configuration.
pub fn plan(config: &Config) -> Vec<Comparison> {
    let comparison = |source: &Source| {
        let (key, compare) = config.compared_fields(source);
        Comparison { source: source.id.clone(), key, compare }
    };
    config.sources.iter().map(comparison).collect()
}

/// By source: whether anything arrived of it that its rows in the warehouse can match.
pub fn arrived(config: &Config, inputs: &Inputs) -> Vec<bool> {
    config.sources.iter().map(|source| inputs.of(Role::Extract, &source.id).next().is_some()).collect()
}

/// Compares every source with the warehouse, as [`plan`] says.
pub fn judge(
    config: &Config,
    plan: &[Comparison],
    sources: &Sources<'_>,
    warehouse: &[(String, Loaded)],
    by: By<'_>,
    room: Room<'_>,
    gaps: &mut Gaps,
) -> Result<Vec<EndToEndDay>, EngineError> {
    let listing = Listing {
        scale: config.scale(),
        files: sources.files,
        warehouse: warehouse.iter().map(|(name, _)| name.as_str()).collect(),
    };
    let differing = match &by {
        By::Folding(_) => None,
        By::Cells(cells) => Some(differing(config, plan, sources, warehouse, cells)?),
    };
    let agreeing: &[SourceTotals] = differing.as_ref().map_or(&[], |differing| &differing.agreeing);
    let mut days = uncompared(config, sources.days, warehouse, agreeing)?;
    let agreed: Vec<u64> = (0..plan.len()).map(|n| agreeing.get(n).map_or(0, |totals| totals.movements)).collect();
    let copies: Vec<Staged> = warehouse.iter().flat_map(|(_, loaded)| loaded.movements.iter().cloned()).collect();
    // What is read and written meanwhile takes the rest.
    let memory = room.memory / 8 * 3;
    let sides = Sides { plan, source: sources.staged, warehouse: &copies, scratch: room.scratch, memory };
    let emit = |index: usize, difference: Difference| {
        let day = &mut days[index];
        let (count, kind) = match difference {
            Difference::MissingInWarehouse(_) => (&mut day.missing_in_warehouse, Kind::MissingInWarehouse),
            Difference::MissingInSource(_) => (&mut day.missing_in_source, Kind::MissingInSource),
            Difference::Changed(..) => (&mut day.changed, Kind::Changed),
            Difference::Duplicate(..) => (&mut day.duplicates, Kind::Duplicate),
        };
        *count += 1;
        let about = About::source(index, &plan[index].source);
        listing.add(&plan[index], kind, about, &difference, gaps)
    };
    let matched = match (by, differing) {
        (By::Folding(folding), _) => sides.compare_folded(*folding, emit)?,
        (By::Cells(_), differing) => sides.compare_rows(differing.unwrap_or_default().rows, emit)?,
    };
    for (index, (day, matched)) in days.iter_mut().zip(matched).enumerate() {
        day.matched = matched + agreed[index];
        state(day, About::source(index, &day.source), sources.days[index].state, gaps);
    }
    Ok(days)
}

/// What differs from the warehouse's cells, if the warehouse's rows are those of these cells.
fn differing(
    config: &Config,
    plan: &[Comparison],
    sources: &Sources<'_>,
    warehouse: &[(String, Loaded)],
    cells: &Table,
) -> Result<Differing, EngineError> {
    let fetched: Vec<Staged> = warehouse.iter().flat_map(|(_, loaded)| loaded.movements.iter().cloned()).collect();
    let loaded: Vec<bool> = sources.days.iter().map(|day| day.state.is_loaded()).collect();
    let fetched = of_fetched(plan, cells.grid(), &loaded, &fetched)?;
    let differing = SourceCells::of(plan, sources.staged, cells.grid())?.against(cells, fetched, config.scale())?;
    let (records, expected) = (warehouse.iter().map(|(_, file)| file.records).sum::<u64>(), differing.warehouse_rows);
    if records != expected {
        let words = format!("the warehouse's {records} rows are not the {expected} of its cells that differ");
        return Err(EngineError::Differs(format!("{words}; restore the archive from a backup")));
    }
    Ok(differing)
}

/// Both sides' counts and sums, before anything is compared. What is `agreeing`, by source, counts for the
/// warehouse besides its rows.
fn uncompared(
    config: &Config,
    sources: &[SourceDay],
    warehouse: &[(String, Loaded)],
    agreeing: &[SourceTotals],
) -> Result<Vec<EndToEndDay>, EngineError> {
    let currency = config.default_currency().ok_or_else(|| EngineError::bug("the configuration has no currency"))?;
    let zero = || SourceTotals { movements: 0, amount: Totals::with(config.scale(), currency) };
    let mut totals: BTreeMap<&str, SourceTotals> = BTreeMap::new();
    for (id, part) in warehouse.iter().flat_map(|(_, loaded)| &loaded.totals) {
        totals.entry(id).or_insert_with(zero).merge(part)?;
    }
    for (source, part) in sources.iter().zip(agreeing) {
        totals.entry(&source.id).or_insert_with(zero).merge(part)?;
    }
    let day = |source: &SourceDay| {
        let copy = totals.remove(source.id.as_str()).unwrap_or_else(zero);
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
    };
    Ok(sources.iter().map(day).collect())
}

fn state(day: &EndToEndDay, about: About<'_>, source: SourceState, gaps: &mut Gaps) {
    let told = [
        (
            day.missing_in_warehouse,
            Kind::MissingInWarehouse,
            said!("of the source not in the warehouse", "de la fuente sin fila en el almacén"),
        ),
        (
            day.missing_in_source,
            Kind::MissingInSource,
            said!("of the warehouse not in the source", "del almacén sin registro en la fuente"),
        ),
        (day.changed, Kind::Changed, said!("with other values in the warehouse", "con otros valores en el almacén")),
        (day.duplicates, Kind::Duplicate, said!("more than the other side has", "de más respecto del otro lado")),
    ];
    let state = source.said();
    let which = match source.is_loaded() {
        true => Said::default(),
        false => said!(", which is {state}", ", que {state}"; state),
    };
    for (count, kind, words) in told.into_iter().filter(|(count, ..)| *count > 0) {
        let movements = counted(count, MOVEMENT);
        gaps.state(
            kind,
            about,
            said!("{movements} {words}{which}", "{movements} {words}{which}"; movements, words, which),
        );
        gaps.count(kind, about, count);
    }
}

/// Turns differences into rows of evidence.
struct Listing<'a> {
    scale: u32,
    files: &'a [(String, String)],
    warehouse: Vec<&'a str>,
}

impl Listing<'_> {
    /// Lists one difference: a row, or one per changed column.
    fn add(
        &self,
        comparison: &Comparison,
        kind: Kind,
        about: About<'_>,
        difference: &Difference,
        gaps: &mut Gaps,
    ) -> Result<(), EngineError> {
        let fields = shown_fields(comparison);
        let (side, row) = evident(difference);
        let (currency, minor) = row.money;
        let base =
            Evidence { file: self.file(side, row.place.file), record: Some(row.place.record), ..Evidence::default() };
        let Difference::Changed(left, right) = difference else {
            // Of a surplus the amount is what the warehouse has more, so that amounts of either side add up.
            let minor = match difference {
                Difference::Duplicate(Side::Source, _) => minor.checked_neg().ok_or(Overflow)?,
                _ => minor,
            };
            gaps.add(kind, about, currency, minor)?;
            let shown = Some(named(&fields, &self.values(&fields, &row.values)));
            let (source_value, warehouse_value) = if side == Side::Source { (shown, None) } else { (None, shown) };
            let reason = match (kind, side) {
                (Kind::MissingInWarehouse, _) => {
                    said!("in the source, not in the warehouse", "está en la fuente y no en el almacén")
                }
                (Kind::MissingInSource, _) => {
                    said!("in the warehouse, not in the source", "está en el almacén y no en la fuente")
                }
                (_, Side::Source) => said!(
                    "the source has this key once more than the warehouse",
                    "la fuente tiene esta clave una vez más que el almacén"
                ),
                (_, Side::Warehouse) => said!(
                    "the warehouse has this key once more than the source",
                    "el almacén tiene esta clave una vez más que la fuente"
                ),
            };
            let row = Evidence { source_value, warehouse_value, ..base };
            return gaps.evidence(kind, about, self.with_amount(row, currency, minor), reason);
        };
        let (left_currency, right_currency) = (left.money.0, right.money.0);
        gaps.add(kind, about, left_currency, left.money.1.checked_neg().ok_or(Overflow)?)?;
        gaps.add(kind, about, right_currency, right.money.1)?;
        // The first row of a changed movement carries what the warehouse has more; two currencies have no difference.
        let mut difference = right.money.1.checked_sub(left.money.1).filter(|_| left_currency == right_currency);
        let (before, after) = (self.values(&fields, &left.values), self.values(&fields, &right.values));
        let key = named(&fields[..comparison.key.len()], &before);
        let copy = self.file(Side::Warehouse, right.place.file).unwrap_or_default();
        for ((field, before), after) in fields.iter().zip(before).zip(after) {
            if before == after {
                continue;
            }
            let row = Evidence {
                column: Some(field.to_string()),
                source_value: before,
                warehouse_value: after,
                ..base.clone()
            };
            let record = right.place.record;
            let reason =
                said!("{key} differs from record {record} of {copy}", "{key} difiere del registro {record} de {copy}");
            let row = match difference.take() {
                Some(minor) => self.with_amount(row, currency, minor),
                None => row,
            };
            gaps.evidence(kind, about, row, reason)?;
        }
        Ok(())
    }

    fn with_amount(&self, row: Evidence, currency: Currency, minor: i128) -> Evidence {
        let amount = at_own_scale(currency, minor, self.scale).to_string();
        Evidence { amount: Some(amount), currency: Some(currency.to_string()), ..row }
    }

    fn file(&self, side: Side, index: u32) -> Option<String> {
        match side {
            Side::Source => self.files.get(index as usize).map(|(_, name)| name.clone()),
            Side::Warehouse => self.warehouse.get(index as usize).map(|name| (*name).to_owned()),
        }
    }

    fn values(&self, fields: &[Field], encoded: &[u8]) -> Vec<Option<String>> {
        let decoded = decode(encoded).into_iter().zip(fields);
        decoded.map(|(value, &field)| value.map(|value| show(field, value, self.scale))).collect()
    }
}

/// `id=1, amount=5.00`, as far as there are fields.
fn named(fields: &[Field], values: &[Option<String>]) -> String {
    let part = |(field, value): (&Field, &Option<String>)| format!("{field}={}", value.as_deref().unwrap_or_default());
    fields.iter().zip(values).map(part).collect::<Vec<_>>().join(", ")
}
