//! A record becomes a movement, or a refusal that says where.

use cuadre_rules::config::source::AmountFormat;
use cuadre_rules::dates::{parse_date, parse_instant};
use cuadre_rules::money::{Currency, Total, Totals, UnknownCurrency};
use cuadre_rules::movement::{Field, date_of, days_of, instant_of};
use cuadre_rules::notation::AmountError;
use cuadre_rules::said;
use cuadre_rules::said::Said;
use jiff::civil::Date;

use super::meaning::{Drift, Meaning, Owner, Slot};
use super::record::{Record, Refusal};

/// The meaning of one file.
pub struct Mapping<'a> {
    pub(super) meaning: &'a Meaning,
    pub(super) slots: [Slot; Field::ALL.len()],
    pub(super) debit: Slot,
    pub(super) credit: Slot,
    pub(super) flag: Slot,
    /// Where the file's columns are not those configured.
    pub drift: Drift,
}

/// What of a record its amount is read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'r> {
    pub(super) amount: Option<&'r str>,
    pub(super) debit: Option<&'r str>,
    pub(super) credit: Option<&'r str>,
    pub(super) flag: Option<&'r str>,
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
    pub fn map<'r>(&'r self, record: &'r Record) -> Result<Mapped<'r>, Refusal> {
        let booked_at = self.booked_at(record)?;
        let booked_on = self.booked_on(record, booked_at)?;
        let currency = self.currency(record);
        let mut texts = [None; Field::ALL.len()];
        for field in Field::ALL {
            if !matches!(field, Field::BookedOn | Field::BookedAt | Field::Amount) {
                texts[field.column()] = self.text(field, record);
            }
        }
        for &field in &self.meaning.required {
            let empty = !matches!(field, Field::BookedOn | Field::Amount) && self.text(field, record).is_none();
            if empty {
                return Err(refusal(
                    field.name(),
                    None,
                    said!("the field is required and empty", "el campo es obligatorio y está vacío"),
                ));
            }
        }
        texts[Field::Source.column()] = Some(self.source(record)?);
        let currency = currency?;
        let cells = Cells {
            amount: self.slots[Field::Amount.column()].text(record),
            debit: self.debit.text(record),
            credit: self.credit.text(record),
            flag: self.flag.text(record),
        };
        let minor = self.amount(cells, currency)?;
        Ok(Mapped { texts, booked_on: days_of(booked_on), booked_at, currency, minor })
    }

    /// The text of a field, without blanks around it where the configuration says so; empty is
    /// NULL.
    fn text<'r>(&'r self, field: Field, record: &'r Record) -> Option<&'r str> {
        let text = self.slots[field.column()].text(record)?;
        Some(if self.meaning.extract.trim { text.trim() } else { text }).filter(|text| !text.is_empty())
    }

    /// The source of a record, as far as it can be told.
    pub fn source_of<'r>(&'r self, record: &'r Record) -> Option<&'r str> {
        self.source(record).ok()
    }

    fn source<'r>(&'r self, record: &'r Record) -> Result<&'r str, Refusal> {
        match &self.meaning.owner {
            Owner::Source { id, .. } => Ok(id),
            Owner::Warehouse(ids) => {
                let found = self.text(Field::Source, record);
                let known = found.filter(|found| ids.iter().any(|id| id == found));
                let unknown =
                    || said!("no configured source has this id", "ninguna fuente configurada tiene este identificador");
                known.ok_or_else(|| refusal("source", found, unknown()))
            }
        }
    }

    fn booked_at(&self, record: &Record) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(Field::BookedAt, record) else { return Ok(None) };
        match parse_instant(text, &self.meaning.extract.timestamp_formats, &self.meaning.zone) {
            Some(instant) => Ok(Some(instant.as_microsecond())),
            None => {
                let reason = said!(
                    "no instant in any declared format",
                    "no es una fecha con hora en ninguno de los formatos declarados"
                );
                Err(refusal("booked_at", Some(text), reason))
            }
        }
    }

    fn booked_on(&self, record: &Record, booked_at: Option<i64>) -> Result<Date, Refusal> {
        let business_date = self.meaning.business_date;
        let date = match &self.slots[Field::BookedOn.column()] {
            Slot::None => match booked_at {
                None => business_date,
                Some(instant) => instant_of(instant).to_zoned(self.meaning.local.clone()).date(),
            },
            Slot::Constant(text) => {
                text.parse().map_err(|_| refusal("booked_on", Some(text), said!("no date", "no es una fecha")))?
            }
            slot => {
                let text = slot.text(record).unwrap_or_default();
                let reason = || match text.trim().is_empty() {
                    true => said!("the date is empty", "la fecha está vacía"),
                    false => {
                        said!("no date in any declared format", "no es una fecha en ninguno de los formatos declarados")
                    }
                };
                parse_date(text, &self.meaning.formats).ok_or_else(|| refusal("booked_on", Some(text), reason()))?
            }
        };
        if date == business_date {
            return Ok(date);
        }
        let reason = said!(
            "wrong business date: {date} in the delivery of {business_date}",
            "la fecha de operación no es la del día: {date} en la entrega del {business_date}"
        );
        Err(refusal("booked_on", Some(&date_of(days_of(date)).to_string()), reason))
    }

    fn currency(&self, record: &Record) -> Result<Currency, Refusal> {
        let Some(text) = self.text(Field::Currency, record) else {
            return match self.slots[Field::Currency.column()] {
                Slot::None => Ok(self.meaning.currency),
                _ => Err(refusal("currency", None, said!("the currency is empty", "la moneda está vacía"))),
            };
        };
        let unknown = |error: UnknownCurrency| refusal("currency", Some(text), error.said());
        let currency = text.parse().map_err(unknown)?;
        match self.meaning.currencies.contains(&currency) {
            true => Ok(currency),
            false => {
                let reason = said!(
                    "the currency is not among the configured `currencies`",
                    "la moneda no está entre las configuradas en `currencies`"
                );
                Err(refusal("currency", Some(text), reason))
            }
        }
    }

    /// The amount that the cells of a record state, in units of the day's scale.
    pub(super) fn amount(&self, cells: Cells<'_>, currency: Currency) -> Result<i128, Refusal> {
        let minor = match (&self.debit, &self.credit) {
            (Slot::None, _) | (_, Slot::None) => {
                self.flagged(cells.flag, self.parse(cells.amount.unwrap_or_default(), currency, "amount")?)?
            }
            _ => {
                let part = |cell: Option<&str>, name| match cell.map(str::trim).unwrap_or_default() {
                    "" => Ok(None),
                    text => self.parse(text, currency, name).map(Some),
                };
                match (part(cells.debit, "debit")?, part(cells.credit, "credit")?) {
                    (None, None) => {
                        let reason = said!("both debit and credit are empty", "el cargo y el abono están vacíos");
                        return Err(refusal("amount", None, reason));
                    }
                    (Some(debit), None) => -debit,
                    (None, Some(credit)) => credit,
                    (Some(0), Some(credit)) => credit,
                    (Some(debit), Some(0)) => -debit,
                    (Some(_), Some(_)) => {
                        let both = [cells.debit, cells.credit].map(Option::unwrap_or_default);
                        let reason = said!("both a debit and a credit", "tiene un cargo y un abono a la vez");
                        return Err(refusal("amount", Some(&both.join(" | ")), reason));
                    }
                }
            }
        };
        Ok(if self.meaning.extract.amount.negate { -minor } else { minor })
    }

    fn flagged(&self, cell: Option<&str>, minor: i128) -> Result<i128, Refusal> {
        let Some(flag) = &self.meaning.extract.amount.flag else { return Ok(minor) };
        let text = cell.map(str::trim).unwrap_or_default();
        if flag.debit.iter().any(|value| value == text) {
            Ok(-minor)
        } else if flag.credit.iter().any(|value| value == text) {
            Ok(minor)
        } else {
            let reason = said!("the flag says neither debit nor credit", "el indicador no dice si es cargo o abono");
            Err(refusal("amount", Some(text), reason))
        }
    }

    fn parse(&self, text: &str, currency: Currency, column: &str) -> Result<i128, Refusal> {
        let amount = self.meaning.extract.amount.parse(text, currency.scale());
        let amount = amount.and_then(|amount| amount.minor_at(self.meaning.scale).ok_or(AmountError::TooLong));
        amount.map_err(|error| refusal(column, Some(text), error.said()))
    }

    /// A control total, written as the extract's amounts are, sign and all.
    pub fn total(&self, text: &str) -> Option<Totals> {
        let Meaning { currency, scale, extract, .. } = self.meaning;
        let total = control_total(&extract.amount, text, *currency, *scale)?;
        if extract.amount.negate { Totals::new(*scale).minus(&total).ok() } else { Some(total) }
    }
}

/// A control total in `currency`, in the notation of an extract. It may have 38 digits.
pub fn control_total(notation: &AmountFormat, text: &str, currency: Currency, scale: u32) -> Option<Totals> {
    let minor = match notation.parse(text, currency.scale()) {
        Ok(amount) => amount.minor_at(scale),
        Err(_) if notation.implied_decimals.is_none() => Total::parse(text.trim(), scale).map(|total| total.minor),
        Err(_) => None,
    };
    let mut totals = Totals::new(scale);
    totals.add(currency, minor?).ok()?;
    Some(totals)
}

fn refusal(column: &str, value: Option<&str>, reason: Said) -> Refusal {
    Refusal { column: Some(column.to_owned()), value: value.map(str::to_owned), reason }
}
