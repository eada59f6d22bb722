//! A day's rows as [cells](cuadre_rules::cells), computed by PostgreSQL or Redshift.
//!
//! What the statement says of a row must be what the mapping would say (`load/mapping.rs`): where the
//! text that it makes of a row is that of a source's movement, the mapping accepts the row and gives
//! that movement. Whatever is in doubt is made to differ; the row is then fetched and mapped after
//! all. So the statement
//!
//! - strips blanks alone, where the mapping strips all white space: other white space makes a
//!   difference, and a movement's own text with white space around it equals nothing;
//! - takes amounts of plain digits alone, with no more decimals than the currency has (or zeros, where
//!   they are padding), and of so few digits that the amount surely has its room;
//! - marks every row as refused whose amount, currency, date or instant is not read like this, that
//!   lacks a required field, or that is long enough to come near the limit of a record.

use std::collections::{BTreeMap, BTreeSet};

use cuadre_rules::Config;
use cuadre_rules::cells::{Fields, Grid, HALF};
use cuadre_rules::config::database::Engine;
use cuadre_rules::config::source::{self, Extract};
use cuadre_rules::dates::{DateFormat, parse_date};
use cuadre_rules::end_to_end::Comparison;
use cuadre_rules::money::{AMOUNT_DIGITS, Currency};
use cuadre_rules::movement::Field;
use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;

use super::sql::{Relation, found, literal, quoted, wanted};
use super::{Column, Fault, Kind};

/// Zeros beyond a currency's decimals that are taken for padding. With them an amount has at most 38
/// digits.
const PADDING: u32 = AMOUNT_DIGITS_READ - AMOUNT_DIGITS;
const AMOUNT_DIGITS_READ: u32 = 38;
/// Bytes of the longest text that Redshift can make of a row, with room for what is put between values.
const REDSHIFT_BYTES: u64 = 30_000;
/// Bytes of the longest text of a value whose type bounds it.
const BOUNDED_BYTES: u64 = 40;

/// What is asked of a warehouse, and what it has to know for that.
pub struct Question<'a> {
    /// Where its rows are, and what they mean.
    pub extract: &'a Extract,
    /// The day.
    pub date: Date,
    grid: Grid,
    /// The loaded sources, by the fields that their rows are compared with.
    sources: Vec<(Fields, Vec<&'a str>)>,
    currency: Currency,
    currencies: Vec<Currency>,
    scale: u32,
    record_bytes: u64,
}

impl<'a> Question<'a> {
    /// Asks for cells of `grid`. Of the sources of `plan` those are `loaded` whose rows have cells.
    pub fn new(
        config: &'a Config,
        plan: &'a [Comparison],
        loaded: &[bool],
        grid: Grid,
        date: Date,
    ) -> Result<Self, Fault> {
        let mut sources: Vec<(Fields, Vec<&str>)> = Vec::new();
        for (comparison, _) in plan.iter().zip(loaded).filter(|(_, loaded)| **loaded) {
            let fields = Fields::of(comparison);
            match sources.iter_mut().find(|(known, _)| *known == fields) {
                Some((_, ids)) => ids.push(&comparison.source),
                None => sources.push((fields, vec![&comparison.source])),
            }
        }
        let currency = config.default_currency();
        Ok(Self {
            extract: config.warehouse.extract(),
            date,
            grid,
            sources,
            currency: currency.ok_or_else(|| Fault::lasting("the configuration has no currency"))?,
            currencies: config.currencies(),
            scale: config.scale(),
            record_bytes: config.limits.record_bytes,
        })
    }

    /// The statement whose rows are cell, count and both sums.
    pub(super) fn sums(
        &self,
        relation: &Relation,
        columns: &[Column],
        condition: Option<String>,
    ) -> Result<String, Fault> {
        Ok(Statement::new(self, relation.engine(), columns)?.sums(relation, condition))
    }

    /// The condition for rows of these cells.
    pub(super) fn within(&self, engine: Engine, columns: &[Column], cells: &BTreeSet<u32>) -> Result<String, Fault> {
        if cells.is_empty() {
            return Ok("1 = 0".to_owned());
        }
        let statement = Statement::new(self, engine, columns)?;
        let text = |field| statement.texts.get(&field).cloned().unwrap_or_else(|| "NULL".to_owned());
        let cell = statement.cell(&|field| statement.value(field, &text));
        let list = cells.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        Ok(match engine {
            Engine::Redshift => format!("{cell} IN ({list})"),
            _ => format!("{cell} = ANY ('{{{list}}}'::int[])"),
        })
    }

    /// Fields that any loaded source is compared with.
    fn compared(&self) -> BTreeSet<Field> {
        self.sources.iter().flat_map(|(fields, _)| fields.key.iter().chain(&fields.row)).copied().collect()
    }
}

/// The parts of a statement.
struct Statement<'q> {
    question: &'q Question<'q>,
    engine: Engine,
    /// The texts of fields that columns give, as expressions of these columns.
    texts: BTreeMap<Field, String>,
    /// The column of amounts, where its type spares reading them from their texts.
    number: Option<String>,
    /// What else must hold for a row to be accepted: expressions of columns.
    conditions: Vec<String>,
}

impl<'q> Statement<'q> {
    fn new(question: &'q Question<'q>, engine: Engine, columns: &[Column]) -> Result<Self, Fault> {
        let extract = question.extract;
        let compared = question.compared();
        let mut this = Self { question, engine, texts: BTreeMap::new(), number: None, conditions: Vec::new() };
        for (&field, mapped) in &extract.columns {
            let Some(column) = found(mapped, columns)? else { continue };
            match field {
                Field::BookedOn => this.conditions.extend(this.of_day(column)?),
                Field::BookedAt => {
                    let instant = this.instant(column, compared.contains(&field))?;
                    this.texts.insert(field, instant);
                }
                Field::Amount if this.is_number(column) => {
                    let name = quoted(engine, &column.name);
                    this.texts.insert(field, this.units(&name));
                    this.number = Some(name);
                }
                _ => {
                    let used = compared.contains(&field) || extract.required.contains(&field) || field == Field::Source;
                    if used {
                        this.texts.insert(field, this.text(column)?);
                    }
                }
            }
        }
        let amount = extract.columns.get(&Field::Amount).map(|mapped| found(mapped, columns)).transpose()?.flatten();
        this.conditions.extend(this.short_enough(&apart(wanted(extract, columns)?)?, amount)?);
        Ok(this)
    }

    fn sums(&self, relation: &Relation, condition: Option<String>) -> String {
        // Each level is computed once, and not again for each use in the next. A bare 0 would be converted
        // too late to be seen to leave every row, and keep parallel workers out.
        let fence = if self.engine == Engine::Postgres { " OFFSET '0'" } else { "" };
        let condition = condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
        let mut texts: Vec<String> =
            self.texts.iter().map(|(&field, sql)| format!("{sql} AS {}", name(field))).collect();
        texts.push(format!("{} AS fit", all(&self.conditions)));
        texts.extend(self.number.as_ref().map(|number| format!("scale({number}) AS decimals")));
        let texts = format!("SELECT {} FROM {}{condition}{fence}", texts.join(", "), relation.sql());

        let named = |field| name(field);
        let amount = self.amount(&named, "decimals");
        let names: Vec<String> = self.texts.keys().filter(|&&field| field != Field::Amount).map(|&f| name(f)).collect();
        let values = format!("SELECT {}, fit, {amount} AS amount FROM ({texts}) AS texts{fence}", names.join(", "));

        let value = |field| match field {
            Field::Amount => "amount".to_owned(),
            _ => self.value(field, &named),
        };
        let mut accepted = vec!["fit".to_owned(), "amount IS NOT NULL".to_owned()];
        for &field in &self.question.extract.required {
            match field {
                Field::BookedOn | Field::Amount => {}
                Field::Currency if !self.texts.contains_key(&field) => {}
                _ if self.texts.contains_key(&field) => accepted.push(format!("{} IS NOT NULL", name(field))),
                _ => accepted.push("1 = 0".to_owned()),
            }
        }
        if self.texts.contains_key(&Field::BookedAt) {
            let name = name(Field::BookedAt);
            accepted.push(format!("({name} IS NULL OR {name} <> '{UNWRITTEN}')"));
        }
        let (cell, salt) = (self.cell(&value), self.question.grid.salt());
        let row = self.of_sources(&value, |fields| &fields.row);
        let accepted = format!("CASE WHEN {} THEN 'r' ELSE '!' END", all(&accepted));
        let digest = format!("md5('{salt}' || {accepted} || coalesce({row}, ''))");
        let digests = format!("SELECT {cell} AS cell, {digest} AS digest FROM ({values}) AS vals{fence}");

        let (first, second) = (self.half(1), self.half(1 + HALF));
        format!("SELECT cell, count(*), sum({first}), sum({second}) FROM ({digests}) AS digests GROUP BY 1 ORDER BY 1")
    }

    /// The number of 60 bits that the digest's hex digits from `start` on make.
    fn half(&self, start: usize) -> String {
        match self.engine {
            Engine::Redshift => format!("strtol(substring(digest, {start}, {HALF}), 16)"),
            _ => format!("('x' || substr(digest, {start}, {HALF}))::bit({})::bigint", 4 * HALF),
        }
    }

    /// The cell, given the values of fields.
    fn cell(&self, value: &dyn Fn(Field) -> String) -> String {
        let (salt, digits, others) =
            (self.question.grid.salt(), self.question.grid.digits(), self.question.grid.others());
        let digest = format!("md5('{salt}k' || {})", self.of_sources(value, |fields| &fields.key));
        let number = match self.engine {
            Engine::Redshift => format!("strtol(substring({digest}, 1, {digits}), 16)"),
            _ => format!("('x' || substr({digest}, 1, {digits}))::bit({})::int", 4 * digits),
        };
        format!("coalesce({number}, {others})")
    }

    /// The canonical text of some fields; NULL of a row of no source that was loaded.
    fn of_sources(&self, value: &dyn Fn(Field) -> String, fields: impl Fn(&Fields) -> &Vec<Field>) -> String {
        let source = value(Field::Source);
        let case = |(of, ids): &(Fields, Vec<&str>)| {
            let ids = ids.iter().map(|id| literal(id)).collect::<Vec<_>>().join(", ");
            let fields = std::iter::once(&Field::Source).chain(fields(of));
            let texts: Vec<String> = fields.map(|&field| self.written(field, value)).collect();
            format!("WHEN {source} IN ({ids}) THEN {}", texts.join(" || "))
        };
        let cases: Vec<String> = self.question.sources.iter().map(case).collect();
        format!("CASE {} END", cases.join(" "))
    }

    /// A value with its number of characters in front.
    fn written(&self, field: Field, value: &dyn Fn(Field) -> String) -> String {
        if field == Field::BookedOn {
            // Of every row that is accepted.
            let date = self.question.date.to_string();
            return literal(&format!("{}:{date}", date.len()));
        }
        let value = value(field);
        let text = if self.engine == Engine::Redshift { "varchar" } else { "text" };
        format!("coalesce(char_length({value})::{text} || ':' || {value}, '-')")
    }

    /// The value of a field, given the texts of those that columns give.
    fn value(&self, field: Field, text: &dyn Fn(Field) -> String) -> String {
        match field {
            Field::Amount => {
                let decimals = self.number.as_ref().map(|number| format!("scale({number})")).unwrap_or_default();
                self.amount(text, &decimals)
            }
            Field::Currency => self.currency(text),
            _ if self.texts.contains_key(&field) => text(field),
            _ => "NULL".to_owned(),
        }
    }

    fn currency(&self, text: &dyn Fn(Field) -> String) -> String {
        match self.question.extract.columns.get(&Field::Currency) {
            None => literal(self.question.currency.code()),
            Some(source::Column::Constant { value }) => {
                literal(value.replace("{date}", &self.question.date.to_string()).trim())
            }
            Some(_) => text(Field::Currency),
        }
    }

    /// The amount as an integer in units of the day's scale; NULL where the text is none, or not one of
    /// its currency. `decimals` are those of a number.
    fn amount(&self, text: &dyn Fn(Field) -> String, decimals: &str) -> String {
        let (currency, amount, scale) = (self.currency(text), text(Field::Amount), self.question.scale);
        let mut of_scale: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for currency in &self.question.currencies {
            of_scale.entry(currency.scale()).or_default().push(literal(currency.code()));
        }
        let reads = |(scale, codes): (u32, Vec<String>)| {
            let is_read = match self.number {
                Some(_) => format!("{decimals} <= {scale}"),
                None => format!("{amount} ~ '{}'", self.plain(scale)?),
            };
            Some(format!("({currency} IN ({}) AND {is_read})", codes.join(", ")))
        };
        let reads: Vec<String> = of_scale.into_iter().filter_map(reads).collect();
        let reads = if reads.is_empty() { "1 = 0".to_owned() } else { reads.join(" OR ") };
        if self.number.is_some() {
            return format!("CASE WHEN {reads} THEN {amount} END");
        }
        let digits = match self.question.extract.amount.implied_decimals {
            Some(implied) => format!("{amount} || '{}'", "0".repeat(scale.saturating_sub(implied) as usize)),
            None if scale == 0 => format!("split_part({amount}, '.', 1)"),
            None => {
                format!("split_part({amount}, '.', 1) || rpad(split_part({amount}, '.', 2), {scale}, '0')")
            }
        };
        let digits = format!("ltrim({digits}, '-0')");
        format!(
            "CASE WHEN {reads} THEN CASE WHEN ltrim({amount}, '-0.') = '' THEN '0' \
             WHEN {amount} LIKE '-%' THEN '-' || {digits} ELSE {digits} END END"
        )
    }

    /// Whether amounts are numbers with as many decimals as their texts have.
    fn is_number(&self, column: &Column) -> bool {
        let format = &self.question.extract.amount;
        let plain = format.implied_decimals.is_none() && !format.padding_zeros;
        plain && self.engine == Engine::Postgres && column.type_name == "numeric"
    }

    /// A number in units of the day's scale; NULL where it may not have its room.
    fn units(&self, name: &str) -> String {
        let (scale, digits) = (self.question.scale, AMOUNT_DIGITS - self.question.scale);
        let one = format!("1{}", "0".repeat(scale as usize));
        format!("CASE WHEN abs({name}) < 1e{digits} THEN trunc({name} * {one})::text END")
    }

    /// The pattern of amounts of a currency with `own` decimals; `None` where it can have none.
    fn plain(&self, own: u32) -> Option<String> {
        let scale = self.question.scale;
        let format = &self.question.extract.amount;
        if let Some(implied) = format.implied_decimals {
            let digits = AMOUNT_DIGITS - scale.checked_sub(implied)?;
            return (implied <= own).then(|| format!("^-?[0-9]{{1,{digits}}}$"));
        }
        let decimals = match (own, format.padding_zeros) {
            (0, false) => String::new(),
            (0, true) => format!("([.]0{{1,{PADDING}}})?"),
            (_, false) => format!("([.][0-9]{{1,{own}}})?"),
            (_, true) => format!("([.][0-9]{{1,{own}}}0{{0,{PADDING}}})?"),
        };
        Some(format!("^-?[0-9]{{1,{}}}{decimals}$", AMOUNT_DIGITS - scale))
    }

    /// A column as the text that the mapping takes, without blanks around it, and NULL where empty.
    fn text(&self, column: &Column) -> Result<String, Fault> {
        let text = self.raw(column)?;
        Ok(match self.engine {
            Engine::Redshift => format!("nullif(trim({text}), '')"),
            // By bytes: a collation may hold different texts for equal.
            _ => format!("nullif(btrim({text}) COLLATE \"C\", '')"),
        })
    }

    /// A column as the text that comes when its rows are fetched.
    fn raw(&self, column: &Column) -> Result<String, Fault> {
        let name = quoted(self.engine, &column.name);
        let is_plain = PLAIN_TYPES.contains(&column.type_name.as_str());
        match self.engine {
            Engine::Redshift if is_plain => Ok(format!("{name}::varchar(65535)")),
            Engine::Redshift => Err(unfit(column, "its text cannot be had", "cast it to varchar in a `query` or view")),
            _ if is_plain => Ok(format!("{name}::text")),
            _ if column.kind == Kind::Float => Ok(self.marked(&name)),
            // Unlike a cast, it writes any value as a fetched row has it.
            _ => Ok(format!("concat({name})")),
        }
    }

    fn marked(&self, name: &str) -> String {
        format!("({} || {name}::text)", literal(cuadre_rules::notation::FLOAT_MARK))
    }

    /// The condition for a date that the mapping reads as the day's, where it can be another.
    fn of_day(&self, column: &Column) -> Result<Option<String>, Fault> {
        let Question { extract, date, .. } = *self.question;
        let formats = extract.date_formats.iter().map(|text| DateFormat::parse(text)).collect::<Result<Vec<_>, _>>();
        let formats = formats.map_err(Fault::lasting)?;
        let is_read = |text: &String| parse_date(text, &formats) == Some(date);
        let iso = date.to_string();
        if column.kind == Kind::Date && extract.table.is_some() {
            return Ok((!is_read(&iso)).then(|| "1 = 0".to_owned()));
        }
        let shown = extract.date_formats.iter().filter_map(|format| BrokenDownTime::from(date).to_string(format).ok());
        let texts: BTreeSet<String> = shown.chain([iso]).filter(is_read).collect();
        if texts.is_empty() {
            return Ok(Some("1 = 0".to_owned()));
        }
        let texts = texts.iter().map(|text| literal(text)).collect::<Vec<_>>().join(", ");
        Ok(Some(format!("{} IN ({texts})", self.text(column)?)))
    }

    /// A column of instants as text, [`UNWRITTEN`] where it is not among those that are written.
    fn instant(&self, column: &Column, compared: bool) -> Result<String, Fault> {
        let name = quoted(self.engine, &column.name);
        let written = match (column.type_name.as_str(), compared) {
            ("timestamptz", _) => format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"),
            ("timestamp", false) => "'civil'".to_owned(),
            _ => {
                let remedy = match compared {
                    true => {
                        "make it a timestamptz, in a `query` or view if need be, or leave booked_at out of end_to_end.compare"
                    }
                    false => "make it a timestamptz or timestamp, or leave it unmapped",
                };
                return Err(unfit(column, "it is not plain which instant it is", remedy));
            }
        };
        let zone = if column.type_name == "timestamptz" { "+00" } else { "" };
        let is_written = format!("{name} >= '1900-01-01 00:00:00{zone}' AND {name} < '2200-01-01 00:00:00{zone}'");
        Ok(format!("CASE WHEN {is_written} THEN {written} WHEN {name} IS NOT NULL THEN '{UNWRITTEN}' END"))
    }

    /// The condition for rows that surely keep within the limit of a record, as CSV with every character
    /// a doubled quote.
    fn short_enough(&self, wanted: &[&Column], amount: Option<&Column>) -> Result<Option<String>, Fault> {
        let mut lengths = Vec::new();
        let mut room = self.question.record_bytes;
        for column in wanted {
            room = room.saturating_sub(3);
            // The pattern of amounts bounds a number, but not the blanks around a text.
            let is_number = column.type_name == "numeric" && Some(*column) == amount;
            if is_number || BOUNDED_TYPES.contains(&column.type_name.as_str()) {
                room = room.saturating_sub(BOUNDED_BYTES);
            } else {
                lengths.push(format!("coalesce(octet_length({}), 0)", self.raw(column)?));
            }
        }
        let room = if self.engine == Engine::Redshift { (room / 2).min(REDSHIFT_BYTES) } else { room / 2 };
        Ok((!lengths.is_empty()).then(|| format!("{} <= {room}", lengths.join(" + "))))
    }
}

/// What stands for an instant that is not written, and is equal to none.
const UNWRITTEN: &str = "?";

/// Types whose cast to text is the text that a fetched row has, up to blanks at its end.
const PLAIN_TYPES: [&str; 12] =
    ["text", "varchar", "char", "bpchar", "name", "int2", "int4", "int8", "numeric", "uuid", "date", "oid"];

/// Types whose texts are short, whatever the value.
const BOUNDED_TYPES: [&str; 10] =
    ["int2", "int4", "int8", "oid", "uuid", "date", "bool", "timestamp", "timestamptz", "float8"];

/// The columns, if the names of a fetched row's columns can tell them apart.
fn apart(wanted: Vec<&Column>) -> Result<Vec<&Column>, Fault> {
    let mut seen = BTreeSet::new();
    match wanted.iter().find(|column| !seen.insert(column.name.trim().to_lowercase())) {
        Some(column) => {
            let remedy = "give one of them another name in a `query` or view";
            Err(unfit(column, "another column has that name but for the case of letters", remedy))
        }
        None => Ok(wanted),
    }
}

fn unfit(column: &Column, why: &str, remedy: &str) -> Fault {
    let Column { name, type_name, .. } = column;
    let words = format!("`{name}`, a {type_name}, cannot take part in compared = \"cells\": {why}");
    Fault::lasting(format!("{words}; {remedy}, or write compared = \"rows\""))
}

/// What a field's text is called within the statement.
fn name(field: Field) -> String {
    format!("f{}", field.column())
}

fn all(conditions: &[String]) -> String {
    if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") }
}

#[cfg(test)]
mod tests;
