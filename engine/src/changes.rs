//! What a filing changes against the one of its day that it supersedes: movement by movement, and the effect
//! on every total. It follows from the archive alone.
//!
//! Movements of both filings are compared as both sides of a day are, exactly and as multisets
//! ([`Sides`]), the superseded filing in the place of the source. Only sources of which another extract
//! came, or whose configuration is another, are loaded and compared.

use std::path::Path;

use cuadre_audit::{Archive, Subject};
use cuadre_reports::changes_csv::{Change, ChangesCsv, MovementChange};
use cuadre_reports::{ReportError, Summary};
use cuadre_rules::Config;
use cuadre_rules::config::Source;
use cuadre_rules::end_to_end::{Comparison, Difference, Row, decode, show};
use cuadre_rules::money::{Overflow, Total, at_own_scale};
use cuadre_rules::movement::Field;

use crate::error::EngineError;
use crate::filing::{Output, create, finish};
use crate::inputs::{Input, Inputs, Role};
use crate::judge::{Judgement, Room, folder};
use crate::load::stage::Staged;
use crate::movements::Movements;
use crate::reconcile::end_to_end::{Sides, shown_fields};

/// The file of a filing that lists them.
pub const CHANGES: &str = "changes.csv";

/// How many movements changed in which way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Movements that are new.
    pub added: u64,
    /// Movements that are gone.
    pub removed: u64,
    /// Movements with other values.
    pub changed: u64,
    /// Sources of which movements that were filed are gone or have other values.
    pub restated: Vec<String>,
}

/// What the movements of a filing were made from.
#[derive(Clone, Copy)]
struct Made<'a> {
    config: &'a Config,
    inputs: &'a Inputs,
}

/// Writes `changes.csv` of a judged day into `into`; `None` where the day supersedes no filing. The
/// `summary` is that of its movements.
pub fn write(
    config: &Config,
    inputs: &Inputs,
    judgement: &Judgement,
    summary: &Summary,
    archive: &Archive,
    into: &Path,
    room: Room<'_>,
) -> Result<Option<(Subject, Changes)>, EngineError> {
    let Some(superseded) = &inputs.supersedes else { return Ok(None) };
    room.progress.phase("comparing with what was filed", None);
    let scratch = folder(room.scratch, "superseded")?;
    let (old_inputs, old_config) = Inputs::read(archive, superseded.inputs.sha256, superseded.filing)?;
    let (old, new) = (Made { config: &old_config, inputs: &old_inputs }, Made { config, inputs });
    let plan = plan(old, new);
    let scale = old_config.scale().max(config.scale());
    let before = load(old, &plan, archive, Room { scratch: &scratch, ..room })?;
    let after = Movements {
        staged: judgement.staged.iter().map(|file| file.at_scale(scale)).collect(),
        files: judgement.files.clone(),
    };
    let before = Movements { staged: before.staged.iter().map(|file| file.at_scale(scale)).collect(), ..before };

    let listing = Listing {
        csv: ChangesCsv::new(create(into, CHANGES)?)?,
        plan: &plan,
        scale,
        before: &before.files,
        after: &after.files,
        found: Changes::default(),
    };
    let (mut csv, changes) = listing.list(&before.staged, &after.staged, &scratch, room.memory / 8 * 3)?;
    let (after, ids) = (summary.clone().at_scale(scale)?, ids(old, new));
    let mut before = summarised(&before.staged)?.at_scale(scale)?;
    let compared = |id: &str| plan.iter().any(|comparison| comparison.source == id);
    ids.iter().filter(|id| !compared(id)).for_each(|id| before.take_over(id, &after));
    csv.totals(&before, &after, &ids)?;
    Ok(Some((finish(into, CHANGES, csv.finish()?)?, changes)))
}

/// Every source of either filing: the new one's in its order, then those that are gone.
fn ids<'a>(old: Made<'a>, new: Made<'a>) -> Vec<&'a str> {
    let ids = |made: Made<'a>| made.config.sources.iter().map(|source| source.id.as_str());
    let gone = ids(old).filter(|id| new.source(id).is_none());
    ids(new).chain(gone).collect()
}

/// How the sources whose movements may differ are compared: by the key, where both filings have the same,
/// over every field that either maps.
fn plan(old: Made<'_>, new: Made<'_>) -> Vec<Comparison> {
    let comparison = |id: &str| {
        let sides = [old, new].map(|made| made.source(id).map(|source| (made, source)));
        let mut keys = sides.iter().flatten().map(|(made, source)| &made.config.end_to_end_of(source).key);
        let first = keys.next().cloned().unwrap_or_default();
        let key = if keys.all(|other| *other == first) { first } else { Vec::new() };
        let maps = |field: &Field| sides.iter().flatten().any(|(_, source)| source.extract.maps(*field));
        let free = |field: &Field| *field != Field::Source && !key.contains(field);
        let compare = Field::ALL.into_iter().filter(|field| free(field) && maps(field)).collect();
        Comparison { source: id.to_owned(), key, compare }
    };
    ids(old, new).into_iter().filter(|id| !is_same(old, new, id)).map(comparison).collect()
}

/// Whether nothing that the movements of a source follow from differs.
fn is_same(old: Made<'_>, new: Made<'_>, id: &str) -> bool {
    let settings = |Made { config, .. }: Made<'_>| {
        (config.currency.clone(), config.currencies(), config.time_zone.clone(), config.limits.clone())
    };
    let received = |Made { inputs, .. }: Made<'_>| -> Vec<(String, String, bool)> {
        let file = |input: &Input| (input.file.name.clone(), input.file.sha256.clone(), input.snapshot);
        inputs.of(Role::Extract, id).map(file).collect()
    };
    settings(old) == settings(new)
        && old.source(id) == new.source(id)
        && received(old) == received(new)
        && old.inputs.problem(Role::Extract, id) == new.inputs.problem(Role::Extract, id)
}

/// Loads the movements of the sources in `plan` from the archive.
fn load(made: Made<'_>, plan: &[Comparison], archive: &Archive, room: Room<'_>) -> Result<Movements, EngineError> {
    let planned = |id: &str| plan.iter().any(|comparison| comparison.source == id);
    Movements::load(made.config, made.inputs, planned, archive, room)
}

fn summarised(staged: &[Staged]) -> Result<Summary, EngineError> {
    let mut summary = Summary::new();
    for file in staged {
        for batch in file.read()? {
            summary.observe(&batch?)?;
        }
    }
    Ok(summary)
}

impl<'a> Made<'a> {
    fn source(self, id: &str) -> Option<&'a Source> {
        self.config.sources.iter().find(|source| source.id == id)
    }
}

/// Turns differences into rows.
struct Listing<'a> {
    csv: ChangesCsv<Output>,
    plan: &'a [Comparison],
    scale: u32,
    before: &'a [(String, String)],
    after: &'a [(String, String)],
    found: Changes,
}

impl Listing<'_> {
    fn list(
        mut self,
        before: &[Staged],
        after: &[Staged],
        scratch: &Path,
        memory: usize,
    ) -> Result<(ChangesCsv<Output>, Changes), EngineError> {
        let sides = Sides { plan: self.plan, source: before, warehouse: after, scratch, memory };
        sides.compare_all(|index, difference| self.add(index, difference))?;
        Ok((self.csv, self.found))
    }

    fn add(&mut self, index: usize, difference: Difference) -> Result<(), EngineError> {
        use cuadre_rules::end_to_end::Side::{Source, Warehouse};
        match &difference {
            Difference::MissingInWarehouse(row) | Difference::Duplicate(Source, row) => self.removed(index, row),
            Difference::MissingInSource(row) | Difference::Duplicate(Warehouse, row) => self.added(index, row),
            // Money of another currency is other money: so the differences of each currency add up.
            Difference::Changed(before, after) if before.money.0 != after.money.0 => {
                self.removed(index, before)?;
                self.added(index, after)
            }
            Difference::Changed(before, after) => self.changed(index, before, after),
        }
    }

    fn removed(&mut self, index: usize, row: &Row) -> Result<(), EngineError> {
        self.found.removed += 1;
        self.restated(index);
        let minor = row.money.1.checked_neg().ok_or(Overflow)?;
        let before = Some(self.movement(index, row));
        let was_at = place(self.before, row);
        let base = self.base(index, row, Change::Removed);
        self.write(MovementChange { before, was_at, difference: Some(self.total(row, minor)), ..base })
    }

    fn added(&mut self, index: usize, row: &Row) -> Result<(), EngineError> {
        self.found.added += 1;
        let after = Some(self.movement(index, row));
        let is_at = place(self.after, row);
        let base = self.base(index, row, Change::Added);
        self.write(MovementChange { after, is_at, difference: Some(self.total(row, row.money.1)), ..base })
    }

    /// A row per changed column; that of the amount has the difference.
    fn changed(&mut self, index: usize, before: &Row, after: &Row) -> Result<(), EngineError> {
        self.found.changed += 1;
        self.restated(index);
        let (was_at, is_at) = (place(self.before, before), place(self.after, after));
        let base = MovementChange { was_at, is_at, ..self.base(index, after, Change::Changed) };
        for ((field, before_value), (_, after_value)) in
            self.values(index, before).into_iter().zip(self.values(index, after))
        {
            if before_value == after_value {
                continue;
            }
            let difference = match field {
                Field::Amount => Some(self.total(after, after.money.1.checked_sub(before.money.1).ok_or(Overflow)?)),
                _ => None,
            };
            let (column, before, after) = (Some(field.to_string()), before_value, after_value);
            self.write(MovementChange { column, before, after, difference, ..base.clone() })?;
        }
        Ok(())
    }

    fn restated(&mut self, index: usize) {
        let source = &self.plan[index].source;
        if !self.found.restated.contains(source) {
            self.found.restated.push(source.clone());
        }
    }

    fn base(&self, index: usize, row: &Row, change: Change) -> MovementChange {
        let Comparison { source, key, .. } = &self.plan[index];
        let values = self.values(index, row);
        let key = match &values[..key.len()] {
            [(_, value)] => value.clone().unwrap_or_default(),
            several => named(several),
        };
        let kind = values.into_iter().find(|(field, _)| *field == Field::Kind).and_then(|(_, kind)| kind);
        MovementChange {
            change,
            source: source.clone(),
            key,
            kind,
            currency: row.money.0,
            column: None,
            before: None,
            after: None,
            difference: None,
            was_at: None,
            is_at: None,
        }
    }

    /// A whole movement in words, without its key, which has a column of its own.
    fn movement(&self, index: usize, row: &Row) -> String {
        named(&self.values(index, row)[self.plan[index].key.len()..])
    }

    fn values(&self, index: usize, row: &Row) -> Vec<(Field, Option<String>)> {
        let shown = |(field, value): (Field, Option<&[u8]>)| {
            let value = value.map(|value| match field {
                Field::Amount => self.total(row, row.money.1).to_string(),
                _ => show(field, value, self.scale),
            });
            (field, value)
        };
        shown_fields(&self.plan[index]).into_iter().zip(decode(&row.values)).map(shown).collect()
    }

    fn total(&self, row: &Row, minor: i128) -> Total {
        at_own_scale(row.money.0, minor, self.scale)
    }

    fn write(&mut self, row: MovementChange) -> Result<(), EngineError> {
        self.csv.movement(&row).map_err(|error: ReportError| error.into())
    }
}

/// `booked_on=2026-11-20, amount=5.00`: the values that there are.
fn named(values: &[(Field, Option<String>)]) -> String {
    let there = values.iter().filter_map(|(field, value)| Some(format!("{field}={}", value.as_ref()?)));
    there.collect::<Vec<_>>().join(", ")
}

fn place(files: &[(String, String)], row: &Row) -> Option<(String, u64)> {
    files.get(row.place.file as usize).map(|(_, name)| (name.clone(), row.place.record))
}
