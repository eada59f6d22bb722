//! What the columns of an extract mean: a record becomes a movement, or a refusal that says where.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use cuadre_rules::config::source::{AmountFormat, Column, Extract};
use cuadre_rules::config::{Config, Format};
use cuadre_rules::dates::{DateFormat, parse_date, parse_instant};
use cuadre_rules::money::{Currency, Total, Totals};
use cuadre_rules::movement::{Field, date_of, days_of};
use cuadre_rules::notation::Notation;

use super::record::{Record, Refusal, Unreadable};

/// How much of a header that lacks a column is shown.
const SHOWN_NAMES: usize = 40;
const SHOWN_CHARACTERS: usize = 60;

/// Whose movements an extract holds.
#[derive(Debug, Clone)]
pub enum Owner {
    /// One source: its id.
    Source(String),
    /// The warehouse: the ids its rows may name.
    Warehouse(Vec<String>),
}

/// The configured meaning of an extract, before its header is known.
pub struct Meaning<'a> {
    extract: &'a Extract,
    owner: Owner,
    business_date: Date,
    formats: Vec<DateFormat>,
    zone: TimeZone,
    local: TimeZone,
    currency: Currency,
    currencies: Vec<Currency>,
    scale: u32,
    notation: Notation,
    /// Fields that every record must fill.
    required: Vec<Field>,
}

impl<'a> Meaning<'a> {
    /// What `extract` means on `business_date`. `required` are the fields that the end-to-end
    /// key needs.
    pub fn new(config: &Config, extract: &'a Extract, owner: Owner, business_date: Date) -> Result<Self, String> {
        let formats = extract.date_formats.iter().map(|text| DateFormat::parse(text)).collect::<Result<_, _>>()?;
        let local = config.zone();
        let zone =
            extract.time_zone.as_ref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or_else(|| local.clone());
        Ok(Self {
            extract,
            owner,
            business_date,
            formats,
            zone,
            local,
            currency: config.default_currency().ok_or("the configuration has no currency")?,
            currencies: config.currencies(),
            scale: config.scale(),
            notation: notation(&extract.amount),
            required: extract.required.clone(),
        })
    }

    /// Decimal places in which amounts are staged.
    pub fn scale(&self) -> u32 {
        self.scale
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

    /// Finds every field's column in `header`. A column that is needed and not there makes the
    /// file unreadable; the others are listed as drift. Without a header the file is empty.
    pub fn bind(&self, header: Option<&[String]>, floats: &[String]) -> Result<Mapping<'_>, Unreadable> {
        let Some(header) = header else { return Ok(self.of_nothing()) };
        let mut drift = Vec::new();
        let mut slots: [Slot; Field::ALL.len()] = Default::default();
        for (&field, column) in &self.extract.columns {
            let slot = self.slot(column, header);
            if matches!(slot, Slot::None) {
                let named = shown(column);
                if self.needs(field) {
                    return Err(Unreadable(self.no_column(&format!("`{field}`"), &named, header)));
                }
                drift.push(format!("no column {named} for `{field}`"));
            }
            slots[field.column()] = slot;
        }
        let side = |column: &Option<Column>, what: &str| match column {
            None => Ok(Slot::None),
            Some(column) => match self.slot(column, header) {
                Slot::None => Err(Unreadable(self.no_column(what, &shown(column), header))),
                slot => Ok(slot),
            },
        };
        let amount = &self.extract.amount;
        let debit = side(&amount.debit, "debits")?;
        let credit = side(&amount.credit, "credits")?;
        let flag = side(&amount.flag.as_ref().map(|flag| flag.column.clone()), "the debit/credit flag")?;
        for slot in [&slots[Field::Amount.column()], &debit, &credit] {
            if let Slot::First(columns) = slot
                && let Some(name) = columns.iter().filter_map(|&n| header.get(n)).find(|name| floats.contains(name))
            {
                return Err(Unreadable(format!(
                    "column `{name}` holds binary floating-point numbers, which cannot hold cents exactly; have it \
                     exported as DECIMAL, text or integer minor units"
                )));
            }
        }
        self.expected_header(header, &mut drift);
        Ok(Mapping { meaning: self, slots, debit, credit, flag, drift, last_date: (String::new(), None) })
    }

    fn of_nothing(&self) -> Mapping<'_> {
        Mapping {
            meaning: self,
            slots: Default::default(),
            debit: Slot::None,
            credit: Slot::None,
            flag: Slot::None,
            drift: vec!["the file is empty, without even a header".to_owned()],
            last_date: (String::new(), None),
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
            Column::Aliases(names) if self.extract.format == Format::Jsonl => {
                names.iter().filter_map(|name| by_name(name)).collect()
            }
            Column::Aliases(names) => names.iter().find_map(|name| by_name(name)).into_iter().collect(),
        };
        if found.is_empty() { Slot::None } else { Slot::First(found) }
    }

    fn no_column(&self, what: &str, named: &str, header: &[String]) -> String {
        let known = header.iter().take(SHOWN_NAMES).map(|name| brief(name)).collect::<Vec<_>>().join(", ");
        let more = if header.len() > SHOWN_NAMES { ", ..." } else { "" };
        format!(
            "no column {named} for {what}; the file has: {known}{more}. Add the new name to the aliases if it was \
             renamed"
        )
    }

    fn expected_header(&self, header: &[String], drift: &mut Vec<String>) {
        let expected = &self.extract.expected_header;
        if expected.is_empty() || expected.iter().eq(header) {
            return;
        }
        let missing = expected.iter().filter(|name| !header.contains(name));
        let new = header.iter().filter(|name| !expected.contains(name));
        let before = drift.len();
        drift.extend(missing.map(|name| format!("column `{name}` is gone")));
        drift.extend(new.map(|name| format!("column `{name}` is new")));
        if drift.len() == before {
            drift.push("the columns come in another order".to_owned());
        }
    }
}

/// Where a field's text is taken from.
#[derive(Debug, Clone, Default)]
enum Slot {
    #[default]
    None,
    Constant(String),
    /// The first of these 0-based positions that is not absent.
    First(Vec<usize>),
}

impl Slot {
    fn text<'r>(&'r self, record: &'r Record) -> Option<&'r str> {
        match self {
            Self::None => None,
            Self::Constant(value) => Some(value),
            Self::First(columns) => columns.iter().find_map(|&column| record.get(column)),
        }
    }
}

/// The meaning of one file.
pub struct Mapping<'a> {
    meaning: &'a Meaning<'a>,
    slots: [Slot; Field::ALL.len()],
    debit: Slot,
    credit: Slot,
    flag: Slot,
    /// Where the file's columns are not those configured.
    pub drift: Vec<String>,
    /// Most records of a file have the date of the one before.
    last_date: (String, Option<Date>),
}

/// A movement, borrowed from its record.
pub struct Mapped<'r> {
    /// Text fields by canonical column; `None` for NULL and for the typed ones.
    pub texts: [Option<&'r str>; Field::ALL.len()],
    /// Days since 1970-01-01.
    pub booked_on: i32,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub booked_at: Option<i64>,
    /// Currency.
    pub currency: Currency,
    /// Units of 10^-scale.
    pub minor: i128,
}

impl Mapping<'_> {
    /// Reads a record.
    pub fn map<'r>(&'r mut self, record: &'r Record) -> Result<Mapped<'r>, Refusal> {
        let booked_at = self.booked_at(record)?;
        let booked_on = self.booked_on(record, booked_at)?;
        let this = &*self;
        let mut texts = [None; Field::ALL.len()];
        for field in Field::ALL {
            if !matches!(field, Field::BookedOn | Field::BookedAt | Field::Amount) {
                texts[field.column()] = this.text(field, record);
            }
        }
        for &field in &this.meaning.required {
            let empty = !matches!(field, Field::BookedOn | Field::Amount) && this.text(field, record).is_none();
            if empty {
                return Err(refusal(field.name(), None, "the field is required and empty"));
            }
        }
        texts[Field::Source.column()] = Some(this.source(record)?);
        let currency = this.currency(record)?;
        let minor = this.amount(record, currency)?;
        Ok(Mapped { texts, booked_on: days_of(booked_on), booked_at, currency, minor })
    }

    /// The text of a field, without blanks around it where the configuration says so; empty is
    /// NULL.
    fn text<'r>(&'r self, field: Field, record: &'r Record) -> Option<&'r str> {
        let text = self.slots[field.column()].text(record)?;
        Some(if self.meaning.extract.trim { text.trim() } else { text }).filter(|text| !text.is_empty())
    }

    fn source<'r>(&'r self, record: &'r Record) -> Result<&'r str, Refusal> {
        match &self.meaning.owner {
            Owner::Source(id) => Ok(id),
            Owner::Warehouse(ids) => {
                let found = self.text(Field::Source, record);
                let known = found.filter(|found| ids.iter().any(|id| id == found));
                known.ok_or_else(|| refusal("source", found, "no configured source has this id"))
            }
        }
    }

    fn booked_at(&self, record: &Record) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(Field::BookedAt, record) else { return Ok(None) };
        match parse_instant(text, &self.meaning.extract.timestamp_formats, &self.meaning.zone) {
            Some(instant) => Ok(Some(instant.as_microsecond())),
            None => Err(refusal("booked_at", Some(text), "no instant in any declared format")),
        }
    }

    fn booked_on(&mut self, record: &Record, booked_at: Option<i64>) -> Result<Date, Refusal> {
        let business_date = self.meaning.business_date;
        let date = match &self.slots[Field::BookedOn.column()] {
            Slot::None => match booked_at {
                None => business_date,
                Some(instant) => {
                    cuadre_rules::movement::instant_of(instant).to_zoned(self.meaning.local.clone()).date()
                }
            },
            Slot::Constant(text) => text.parse().map_err(|_| refusal("booked_on", Some(text), "no date"))?,
            slot => {
                let text = slot.text(record).unwrap_or_default();
                if self.last_date.0 != text || self.last_date.1.is_none() {
                    self.last_date = (text.to_owned(), parse_date(text, &self.meaning.formats));
                }
                let reason =
                    if text.trim().is_empty() { "the date is empty" } else { "no date in any declared format" };
                self.last_date.1.ok_or_else(|| refusal("booked_on", Some(text), reason))?
            }
        };
        if date == business_date {
            return Ok(date);
        }
        let reason = format!("wrong business date: {date} in the delivery of {business_date}");
        Err(refusal("booked_on", Some(&date_of(days_of(date)).to_string()), &reason))
    }

    fn currency(&self, record: &Record) -> Result<Currency, Refusal> {
        let Some(text) = self.text(Field::Currency, record) else {
            return match self.slots[Field::Currency.column()] {
                Slot::None => Ok(self.meaning.currency),
                _ => Err(refusal("currency", None, "the currency is empty")),
            };
        };
        let currency = text.parse().map_err(|error| refusal("currency", Some(text), &format!("{error}")))?;
        match self.meaning.currencies.contains(&currency) {
            true => Ok(currency),
            false => Err(refusal("currency", Some(text), "the currency is not among the configured `currencies`")),
        }
    }

    fn amount(&self, record: &Record, currency: Currency) -> Result<i128, Refusal> {
        let minor = match (&self.debit, &self.credit) {
            (Slot::None, _) | (_, Slot::None) => {
                let text = self.slots[Field::Amount.column()].text(record).unwrap_or_default();
                self.flagged(record, self.parse(text, currency, "amount")?)?
            }
            (debit, credit) => {
                let part = |slot: &Slot, name| match slot.text(record).map(str::trim).unwrap_or_default() {
                    "" => Ok(None),
                    text => self.parse(text, currency, name).map(Some),
                };
                match (part(debit, "debit")?, part(credit, "credit")?) {
                    (None, None) => return Err(refusal("amount", None, "both debit and credit are empty")),
                    (Some(debit), None) => -debit,
                    (None, Some(credit)) => credit,
                    (Some(0), Some(credit)) => credit,
                    (Some(debit), Some(0)) => -debit,
                    (Some(_), Some(_)) => {
                        let both = [debit.text(record), credit.text(record)].map(Option::unwrap_or_default);
                        return Err(refusal("amount", Some(&both.join(" | ")), "both a debit and a credit"));
                    }
                }
            }
        };
        Ok(if self.meaning.extract.amount.negate { -minor } else { minor })
    }

    fn flagged(&self, record: &Record, minor: i128) -> Result<i128, Refusal> {
        let Some(flag) = &self.meaning.extract.amount.flag else { return Ok(minor) };
        let text = self.flag.text(record).map(str::trim).unwrap_or_default();
        if flag.debit.iter().any(|value| value == text) {
            Ok(-minor)
        } else if flag.credit.iter().any(|value| value == text) {
            Ok(minor)
        } else {
            Err(refusal("amount", Some(text), "the flag says neither debit nor credit"))
        }
    }

    fn parse(&self, text: &str, currency: Currency, column: &str) -> Result<i128, Refusal> {
        let amount = self.meaning.notation.parse(text, currency.scale());
        let amount = amount.map_err(|error| refusal(column, Some(text), &error.to_string()))?;
        amount.minor_at(self.meaning.scale).ok_or_else(|| refusal(column, Some(text), "more than 28 digits"))
    }

    /// A control total, written as the extract's amounts are, sign and all.
    pub fn total(&self, text: &str) -> Option<Totals> {
        let Meaning { notation, currency, scale, extract, .. } = self.meaning;
        let total = control_total(notation, text, *currency, *scale)?;
        if extract.amount.negate { Totals::new(*scale).minus(&total).ok() } else { Some(total) }
    }
}

/// A control total in `currency`, in the notation of an extract. It may have 38 digits.
pub fn control_total(notation: &Notation, text: &str, currency: Currency, scale: u32) -> Option<Totals> {
    let minor = match notation.parse(text, currency.scale()) {
        Ok(amount) => amount.minor_at(scale),
        Err(_) if notation.implied_decimals.is_none() => Total::parse(text.trim(), scale).map(|total| total.minor),
        Err(_) => None,
    };
    let mut totals = Totals::new(scale);
    totals.add(currency, minor?).ok()?;
    Some(totals)
}

/// How an extract writes amounts.
pub fn notation(format: &AmountFormat) -> Notation {
    Notation {
        decimal: format.decimal,
        grouping: format.grouping,
        parentheses: format.parentheses,
        trailing_minus: format.trailing_minus,
        symbols: format.symbols.clone(),
        implied_decimals: format.implied_decimals,
        padding_zeros: format.padding_zeros,
    }
}

/// A header name of a file that may be anything, even binary.
fn brief(name: &str) -> String {
    name.chars().take(SHOWN_CHARACTERS).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn shown(column: &Column) -> String {
    match column {
        Column::Name(name) => format!("`{name}`"),
        Column::Aliases(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "),
        Column::Position(position) => format!("number {position}"),
        Column::Constant { value } => format!("= `{value}`"),
    }
}

fn refusal(column: &str, value: Option<&str>, reason: &str) -> Refusal {
    Refusal { column: Some(column.to_owned()), value: value.map(str::to_owned), reason: reason.to_owned() }
}
