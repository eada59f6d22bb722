//! What the columns of an extract mean, by the configuration, and where they are in one file.

use std::ops::Range;

use cuadre_rules::config::source::{Column, Extract};
use cuadre_rules::config::{Config, Format};
use cuadre_rules::dates::DateFormat;
use cuadre_rules::money::Currency;
use cuadre_rules::movement::Field;
use cuadre_rules::said;
use cuadre_rules::said::Said;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::instants::Civil;
use super::mapping::Mapping;
use super::record::{Record, Unreadable};

/// How much of a header that lacks a column is shown.
const SHOWN_NAMES: usize = 40;
const SHOWN_CHARACTERS: usize = 60;

/// Whose movements an extract holds.
#[derive(Debug, Clone)]
pub enum Owner {
    /// One source.
    Source {
        /// Its 0-based place in the configuration.
        index: u16,
        /// Its id.
        id: String,
    },
    /// The warehouse: the ids its rows may name, in order of the configuration.
    Warehouse(Vec<String>),
}

/// The configured meaning of an extract, before its header is known.
pub struct Meaning {
    pub(super) extract: Extract,
    pub(super) owner: Owner,
    pub(super) business_date: Date,
    pub(super) formats: Vec<DateFormat>,
    pub(super) zone: TimeZone,
    pub(super) local: TimeZone,
    pub(super) currency: Currency,
    pub(super) currencies: Vec<Currency>,
    pub(super) scale: u32,
    /// Civil times of `zone` around the day.
    pub(super) civil: Civil,
    /// Instants of the day by the institution's clock, in microseconds.
    pub(super) local_day: Range<i64>,
    /// Fields that every record must fill.
    pub(super) required: Vec<Field>,
}

impl Meaning {
    /// What `extract` means on `business_date`. `required` are the fields that the end-to-end
    /// key needs.
    pub fn new(config: &Config, extract: &Extract, owner: Owner, business_date: Date) -> Result<Self, String> {
        let formats = extract.date_formats.iter().map(|text| DateFormat::parse(text)).collect::<Result<_, _>>()?;
        let local = config.zone();
        let zone =
            extract.time_zone.as_ref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or_else(|| local.clone());
        let midnight = |date: Date| date.to_zoned(local.clone()).map(|z| z.timestamp().as_microsecond());
        let tomorrow = business_date.tomorrow().unwrap_or(business_date);
        let local_day = match (midnight(business_date), midnight(tomorrow)) {
            (Ok(start), Ok(end)) => start..end,
            _ => 0..0,
        };
        Ok(Self {
            extract: extract.clone(),
            owner,
            business_date,
            formats,
            civil: Civil::around(business_date, &zone),
            local_day,
            zone,
            local,
            currency: config.default_currency().ok_or("the configuration has no currency")?,
            currencies: config.currencies(),
            scale: config.scale(),
            required: extract.required.clone(),
        })
    }

    /// Decimal places in which amounts are staged.
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// The extract it is the meaning of.
    pub fn extract(&self) -> &Extract {
        &self.extract
    }

    /// The currency of amounts that name none.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The id of the source with this 0-based place in the configuration.
    pub fn source(&self, index: u16) -> &str {
        match &self.owner {
            Owner::Source { id, .. } => id,
            Owner::Warehouse(ids) => ids.get(usize::from(index)).map_or("", String::as_str),
        }
    }

    /// Every column name the mapping asks for, for formats that look names up record by record.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for column in self.extract.mapped() {
            match column {
                Column::Name(name) => names.push(name.clone()),
                Column::Aliases(aliases) => names.extend(aliases.iter().cloned()),
                Column::Position(_) | Column::Constant { .. } => {}
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// Finds every field's column in a file with this head; see [`Meaning::bind`].
    pub fn bind_head(&self, head: &Head) -> Result<Mapping<'_>, Unreadable> {
        self.bind(head.names.as_deref(), &head.floats)
    }

    /// Finds every field's column in `header`. A column that is needed and not there makes the
    /// file unreadable; the others are listed as drift. Without a header the file is empty.
    pub fn bind(&self, header: Option<&[String]>, floats: &[String]) -> Result<Mapping<'_>, Unreadable> {
        let Some(header) = header else { return Ok(self.of_nothing()) };
        let mut drift = Drift::default();
        let mut slots: [Slot; Field::ALL.len()] = Default::default();
        for (&field, column) in &self.extract.columns {
            let slot = self.slot(column, header);
            if matches!(slot, Slot::None) {
                let named = shown(column);
                if self.needs(field) {
                    return Err(no_column(&Said::same(format!("`{field}`")), &named, header));
                }
                drift.words.push(said!(
                    "no column {named} for `{field}`",
                    "no hay columna {named} para `{field}`"; named
                ));
                drift.lost = true;
            }
            if field == Field::Amount {
                drift.words.extend(repeated(&slot, header));
            }
            slots[field.column()] = slot;
        }
        let side = |column: &Option<Column>, what: Said| match column {
            None => Ok(Slot::None),
            Some(column) => match self.slot(column, header) {
                Slot::None => Err(no_column(&what, &shown(column), header)),
                slot => Ok(slot),
            },
        };
        let amount = &self.extract.amount;
        let debit = side(&amount.debit, said!("debits", "los cargos"))?;
        let credit = side(&amount.credit, said!("credits", "los abonos"))?;
        let flag = amount.flag.as_ref().map(|flag| flag.column.clone());
        let flag = side(&flag, said!("the debit/credit flag", "el indicador de cargo o abono"))?;
        for slot in [&slots[Field::Amount.column()], &debit, &credit] {
            if let Slot::First(columns) = slot
                && let Some(name) = columns.iter().filter_map(|&n| header.get(n)).find(|name| floats.contains(name))
            {
                return Err(Unreadable(said!(
                    "column `{name}` holds binary floating-point numbers, which cannot hold cents exactly; have it \
                     exported as DECIMAL, text or integer minor units",
                    "la columna `{name}` tiene números binarios de punto flotante, que no guardan los centavos con \
                     exactitud; pida que se exporte como DECIMAL, como texto o como enteros en la unidad mínima de la \
                     moneda"
                )));
            }
        }
        self.expected_header(header, &mut drift.words);
        Ok(Mapping { meaning: self, slots, debit, credit, flag, drift })
    }

    fn of_nothing(&self) -> Mapping<'_> {
        Mapping {
            meaning: self,
            slots: Default::default(),
            debit: Slot::None,
            credit: Slot::None,
            flag: Slot::None,
            drift: Drift {
                words: vec![said!(
                    "the file is empty, without even a header",
                    "el archivo está vacío, ni siquiera tiene encabezado"
                )],
                lost: false,
            },
        }
    }

    fn needs(&self, field: Field) -> bool {
        matches!(field, Field::Amount | Field::BookedOn | Field::Currency | Field::Source)
            || self.required.contains(&field)
    }

    fn slot(&self, column: &Column, header: &[String]) -> Slot {
        let by_name = |name: &str| {
            let wanted = name.trim();
            header.iter().position(|header| header.to_lowercase() == wanted.to_lowercase())
        };
        let found: Vec<usize> = match column {
            Column::Constant { value } => {
                return Slot::Constant(value.replace("{date}", &self.business_date.to_string()));
            }
            Column::Position(position) => vec![*position as usize - 1],
            Column::Name(name) => by_name(name).into_iter().collect(),
            // JSON objects name their own members, so the alternatives stay open; elsewhere the
            // header decides for the whole file.
            Column::Aliases(names) if self.extract.format() == Format::Jsonl => {
                names.iter().filter_map(|name| by_name(name)).collect()
            }
            Column::Aliases(names) => names.iter().find_map(|name| by_name(name)).into_iter().collect(),
        };
        if found.is_empty() { Slot::None } else { Slot::First(found) }
    }

    fn expected_header(&self, header: &[String], drift: &mut Vec<Said>) {
        let expected = &self.extract.expected_header;
        if expected.is_empty() || expected.iter().eq(header) {
            return;
        }
        let missing = expected.iter().filter(|name| !header.contains(name));
        let new = header.iter().filter(|name| !expected.contains(name));
        let before = drift.len();
        drift.extend(missing.map(|name| said!("column `{name}` is gone", "ya no está la columna `{name}`")));
        drift.extend(new.map(|name| said!("column `{name}` is new", "la columna `{name}` es nueva")));
        if drift.len() == before {
            drift.push(said!("the columns come in another order", "las columnas vienen en otro orden"));
        }
    }
}

/// What a file says of its columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Head {
    /// Their names, in order; `None` where it is empty.
    pub names: Option<Vec<String>>,
    /// Those of binary floating-point numbers.
    pub floats: Vec<String>,
}

/// How the columns of a file differ from those configured.
#[derive(Debug, Clone, Default)]
pub struct Drift {
    /// In words, one difference each.
    pub words: Vec<Said>,
    /// Whether a mapped column is not there, so that its field is empty in the report.
    pub lost: bool,
}

/// What to say where the name of the amounts' column occurs again further on: of other columns the
/// first is taken and that is that, but money must not be read from one of two by chance.
fn repeated(slot: &Slot, header: &[String]) -> Option<Said> {
    let Slot::First(columns) = slot else { return None };
    let first = *columns.first()?;
    let name = header.get(first)?;
    let again = !name.is_empty() && header[first + 1..].iter().any(|other| other.eq_ignore_ascii_case(name));
    let name = brief(name);
    again.then(|| {
        said!(
            "column `{name}` occurs more than once; the amounts are read from the first",
            "la columna `{name}` aparece más de una vez; los importes se leen de la primera"
        )
    })
}

/// Where a field's text is taken from.
#[derive(Debug, Clone, Default)]
pub(super) enum Slot {
    #[default]
    None,
    Constant(String),
    /// The first of these 0-based positions that is not absent.
    First(Vec<usize>),
}

impl Slot {
    /// The positions that are looked at.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> + use<'_> {
        let positions = if let Self::First(positions) = self { positions.as_slice() } else { &[] };
        positions.iter().copied()
    }

    pub(super) fn text<'r>(&'r self, record: &'r Record) -> Option<&'r str> {
        match self {
            Self::None => None,
            Self::Constant(value) => Some(value),
            Self::First(columns) => columns.iter().find_map(|&column| record.get(column)),
        }
    }
}

/// A header name of a file that may be anything, even binary.
fn brief(name: &str) -> String {
    name.chars().take(SHOWN_CHARACTERS).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn shown(column: &Column) -> Said {
    match column {
        Column::Name(name) => Said::same(format!("`{name}`")),
        Column::Aliases(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            Said { en: names.join(" or "), es: names.join(" o ") }
        }
        Column::Position(position) => said!("number {position}", "número {position}"),
        Column::Constant { value } => Said::same(format!("= `{value}`")),
    }
}

/// Why a file without a column that is needed cannot be read.
fn no_column(what: &Said, named: &Said, header: &[String]) -> Unreadable {
    let known = header.iter().take(SHOWN_NAMES).map(|name| brief(name)).collect::<Vec<_>>().join(", ");
    let more = if header.len() > SHOWN_NAMES { ", ..." } else { "" };
    Unreadable(said!(
        "no column {named} for {what}; the file has: {known}{more}. Add the new name to the aliases if it was \
         renamed",
        "no hay columna {named} para {what}; el archivo tiene: {known}{more}. Si cambió de nombre, agregue el nuevo a \
         los alias"; named, what
    ))
}
