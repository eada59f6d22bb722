//! One source: where its files lie, how they are written, what they mean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EndToEnd, Secret, yes};
use crate::movement::Field;

/// One system that sends an extract of the day's movements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name in the report, the warehouse and the manifest.
    pub id: String,
    /// What a person calls it.
    #[serde(default)]
    pub title: String,
    /// How many files make a full delivery (one per branch, say); fewer is a gap.
    #[serde(default)]
    pub expected_files: Option<u32>,
    /// Local time by which it usually has come, `HH:MM` on the day after the business date; people are told
    /// where it has not. Rows of a database that has no `ready` are taken to be there from then on.
    #[serde(default)]
    pub expected: Option<String>,
    /// Local time after which a file counts as late, `HH:MM` on the day after the business date, and until
    /// which `cuadre run --wait` waits for the source.
    #[serde(default)]
    pub cut_off: Option<String>,
    /// Of a database: a query that returns a row once all rows of the day are there; `?1` is the business
    /// date as `YYYY-MM-DD`.
    #[serde(default)]
    pub ready: Option<String>,
    /// Where its files lie, how they are written, and what their columns mean.
    pub extract: Extract,
    /// What the source says it sent.
    #[serde(default)]
    pub control: Option<Control>,
    /// How this source is compared with the warehouse, where that differs from the others.
    #[serde(default)]
    pub end_to_end: Option<EndToEnd>,
}

/// One file pattern or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
pub enum Files {
    /// One pattern.
    One(String),
    /// Several; files are taken in order of pattern, then name.
    Many(Vec<String>),
}

impl Default for Files {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Files {
    /// The patterns, in order.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Many(patterns) => patterns,
        }
    }
}

/// Where movements are read from, how they are written and what their columns mean; of a source or
/// of the warehouse. They lie in files (`files`, `format`), or in a database (`url`, with `table` or
/// `query`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// Where the files lie, relative to the data folder. `{date}` is the business date as
    /// `%Y-%m-%d`, `{date:%d%m%y}` in any other format; `*` and `?` match within one name.
    #[serde(default)]
    pub files: Files,
    /// The database: `sqlite:PATH` below the data folder, `postgres://USER@HOST/DATABASE`,
    /// `redshift://...` or `mysql://...` (MariaDB, too). It never has a password, since the
    /// configuration is archived with every filing.
    #[serde(default, alias = "path")]
    pub url: Option<String>,
    /// Where the database's password is.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The table or view, `schema.table` where it has to be; its rows whose `booked_on` is the
    /// business date are taken.
    #[serde(default)]
    pub table: Option<String>,
    /// A query instead of a table; `?1` is the business date as `YYYY-MM-DD`, and every row is
    /// taken.
    #[serde(default)]
    pub query: Option<String>,
    /// What a warehouse in PostgreSQL or Redshift is asked for.
    #[serde(default)]
    pub compared: Compared,
    /// The format of the files. gzip and zstd compression are recognised by themselves, and of a
    /// `csv` extract the files whose names end in `.parquet` are Parquet with the same columns.
    #[serde(default)]
    pub format: Option<Format>,
    /// How CSV files are written.
    #[serde(default)]
    pub csv: Csv,
    /// How fixed-width files are laid out.
    #[serde(default)]
    pub fixed: Fixed,
    /// Text encodings, tried in this order for each record.
    #[serde(default = "utf8")]
    pub encoding: Vec<Encoding>,
    /// Which column each field of the movement comes from.
    pub columns: BTreeMap<Field, Column>,
    /// How amounts are written.
    #[serde(default)]
    pub amount: AmountFormat,
    /// Formats of `booked_on`, tried in order: `strptime` patterns, or `serial` for spreadsheet
    /// serial numbers. Of a database, a day's rows are those whose `booked_on` is the date in one of
    /// these formats, unless its type is a date.
    #[serde(default = "iso", alias = "date_format", deserialize_with = "one_or_many")]
    pub date_formats: Vec<String>,
    /// Formats of `booked_at`; RFC 3339 and `YYYY-MM-DD HH:MM:SS` where absent.
    #[serde(default)]
    pub timestamp_formats: Vec<String>,
    /// Time zone of instants without offset; the institution's where absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Optional fields that must not be empty.
    #[serde(default)]
    pub required: Vec<Field>,
    /// Drop blanks around texts.
    #[serde(default = "yes")]
    pub trim: bool,
    /// The header names of the files; a file with others is reported as schema drift.
    #[serde(default)]
    pub expected_header: Vec<String>,
}

impl Extract {
    /// The format of the files; rows of a database become CSV.
    pub fn format(&self) -> Format {
        self.format.unwrap_or(Format::Csv)
    }

    /// The format of the file of that name.
    pub fn format_of(&self, name: &str) -> Format {
        match self.format() {
            Format::Csv if name.ends_with(".parquet") => Format::Parquet,
            format => format,
        }
    }

    /// How rows of a database are written that are read instead of the files: CSV with the same
    /// columns.
    pub fn snapshot(&self) -> Self {
        Self {
            files: Files::default(),
            format: None,
            csv: Csv::default(),
            fixed: Fixed::default(),
            encoding: utf8(),
            expected_header: Vec::new(),
            ..self.clone()
        }
    }

    /// Whether movements get this field: by a column, or because every movement has it.
    pub fn maps(&self, field: Field) -> bool {
        matches!(field, Field::Source | Field::BookedOn | Field::Currency | Field::Amount)
            || self.columns.contains_key(&field)
    }

    /// Every column that the mapping takes something from.
    pub fn mapped(&self) -> impl Iterator<Item = &Column> {
        let amount = &self.amount;
        let flag = amount.flag.as_ref().map(|flag| &flag.column);
        self.columns.values().chain(&amount.debit).chain(&amount.credit).chain(flag)
    }
}

/// What a warehouse is asked for to be compared. The answers are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compared {
    /// Every row of the day.
    #[default]
    Rows,
    /// Counts and sums of digests, which it computes itself, and then the rows where these differ.
    Cells,
}

/// The format of an extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Delimited text.
    Csv,
    /// Fixed-width text, one record per line.
    Fixed,
    /// One JSON object per line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The word for it in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Fixed => "fixed",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

/// A text encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows code page 1252.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// ISO 8859-1.
    #[serde(rename = "latin-1")]
    Latin1,
    /// DOS code page 850.
    #[serde(rename = "cp850")]
    Cp850,
}

/// How a CSV file is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Csv {
    /// One ASCII character between fields; `\t` for a tab.
    pub delimiter: char,
    /// One ASCII character around fields, doubled inside; empty for none.
    pub quote: String,
    /// Lines before the header (or the first record) that are not data.
    pub skip_lines: u32,
    /// Whether a header line names the columns.
    pub header: bool,
    /// Records at the end of the file that are not data.
    pub footer_records: u32,
    /// Records that begin with one of these texts are not data (remarks, page headings).
    pub skip_records_starting_with: Vec<String>,
    /// What becomes of a record with more fields than the header has names.
    pub extra_fields: ExtraFields,
    /// Allow records with fewer fields than the header has names; the absent fields are empty.
    pub allow_short_records: bool,
    /// A record with the source's own totals.
    pub trailer: Option<Trailer>,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            delimiter: ',',
            quote: "\"".to_owned(),
            skip_lines: 0,
            header: true,
            footer_records: 0,
            skip_records_starting_with: Vec::new(),
            extra_fields: ExtraFields::Empty,
            allow_short_records: false,
            trailer: None,
        }
    }
}

/// What becomes of a record with more fields than the header has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtraFields {
    /// Refused.
    Reject,
    /// Allowed where the extra fields are empty.
    Empty,
    /// Allowed whatever they hold.
    Allow,
}

/// A record with the source's own totals: recognised by the text one of its columns begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// Text that marks the record, such as `TOTAL`.
    pub marker: String,
    /// 1-based position of the marked field.
    #[serde(default = "one")]
    pub marker_position: u32,
    /// 1-based position of the record count.
    #[serde(default)]
    pub records: Option<u32>,
    /// 1-based position of the amount total, written as the amounts are.
    #[serde(default)]
    pub amount: Option<u32>,
    /// 1-based position of the hash total.
    #[serde(default)]
    pub hash_total: Option<u32>,
}

/// How a fixed-width file is laid out. Positions are 1-based and inclusive, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fixed {
    /// Field name to its first and last position in a detail record.
    pub fields: BTreeMap<String, [u32; 2]>,
    /// Text at the start of a header record, which is not data.
    pub header_marker: Option<String>,
    /// Text at the start of the trailer record.
    pub trailer_marker: Option<String>,
    /// Trailer values (`records`, `amount`, `hash_total`) to their first and last position.
    pub trailer: BTreeMap<String, [u32; 2]>,
}

/// Where a field of the movement comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a column name, a list of names, a 1-based position, or { value = \"text\" }")]
pub enum Column {
    /// A column by name, case and blanks around it ignored; the first of several of that name.
    Name(String),
    /// Alternative names, in order of preference.
    Aliases(Vec<String>),
    /// A column by 1-based position.
    Position(u32),
    /// The same text for every record; `{date}` is the business date.
    Constant {
        /// The text.
        value: String,
    },
}

/// How amounts are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AmountFormat {
    /// Decimal mark.
    pub decimal: char,
    /// Thousands mark, where there is one.
    pub grouping: Option<char>,
    /// `(250.00)` is negative.
    pub parentheses: bool,
    /// `250.00-` is negative.
    pub trailing_minus: bool,
    /// Currency signs before or after the number.
    pub symbols: Vec<String>,
    /// The amounts are integers with this many implied decimals.
    pub implied_decimals: Option<u32>,
    /// Zeros beyond the currency's decimals are padding, not an error.
    pub padding_zeros: bool,
    /// Change every sign (the source writes debits positive).
    pub negate: bool,
    /// Column of debits, where debits and credits have columns of their own; an unsigned debit
    /// counts negative. Replaces `columns.amount`.
    pub debit: Option<Column>,
    /// Column of credits, with `debit`.
    pub credit: Option<Column>,
    /// Column that says whether the (unsigned) amount is a debit or a credit.
    pub flag: Option<Flag>,
}

impl Default for AmountFormat {
    fn default() -> Self {
        Self {
            decimal: '.',
            grouping: None,
            parentheses: false,
            trailing_minus: false,
            symbols: Vec::new(),
            implied_decimals: None,
            padding_zeros: false,
            negate: false,
            debit: None,
            credit: None,
            flag: None,
        }
    }
}

/// A column that tells debits from credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The column.
    pub column: Column,
    /// Its values for debits.
    pub debit: Vec<String>,
    /// Its values for credits.
    pub credit: Vec<String>,
}

/// What the source says it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Where it is written.
    pub from: ControlFrom,
    /// Pattern of the sidecar file; with several files, each adds its totals.
    #[serde(default)]
    pub file: Option<String>,
    /// The control table, in the database of the extract or of `url`; its row is the one with the
    /// business date in `business_date` and the source in `source`, where these are named.
    #[serde(default)]
    pub table: Option<String>,
    /// A query instead of a table; `?1` is the business date as `YYYY-MM-DD`.
    #[serde(default)]
    pub query: Option<String>,
    /// The control table's database, where it is not the extract's.
    #[serde(default)]
    pub url: Option<String>,
    /// Where that database's password is.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Name of the record count in a sidecar.
    #[serde(default)]
    pub records: Option<String>,
    /// Name of the amount total in a sidecar: a decimal, or an object of currency to decimal.
    #[serde(default)]
    pub amount: Option<String>,
    /// Name of the hash total in a sidecar.
    #[serde(default)]
    pub hash_total: Option<String>,
    /// Name of the business date in a sidecar; another day's date is a break.
    #[serde(default)]
    pub business_date: Option<String>,
    /// Column of the source id in a sidecar CSV that lists several sources.
    #[serde(default)]
    pub source: Option<String>,
    /// The field whose digits are summed for the hash total, such as `account`.
    #[serde(default)]
    pub hash_field: Option<Field>,
}

impl Control {
    /// The database of a control table, and where its password is: its own, or that of `extract`.
    pub fn database<'a>(&'a self, extract: &'a Extract) -> Option<(&'a str, Option<&'a Secret>)> {
        match (&self.url, &extract.url) {
            _ if self.from != ControlFrom::Table => None,
            (Some(url), _) => Some((url, self.password.as_ref())),
            (None, url) => Some((url.as_deref()?, extract.password.as_ref())),
        }
    }
}

/// Where a control record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ControlFrom {
    /// The trailer record of each file.
    Trailer,
    /// A JSON file beside the extract.
    Json,
    /// A CSV file with a header.
    Csv,
    /// A table of a database.
    Table,
}

fn utf8() -> Vec<Encoding> {
    vec![Encoding::Utf8]
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Files::deserialize(deserializer).map(|texts| texts.patterns().to_vec())
}

fn iso() -> Vec<String> {
    vec!["%Y-%m-%d".to_owned()]
}

fn one() -> u32 {
    1
}
