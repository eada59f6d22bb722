//! What a configuration must satisfy beyond its grammar.

use std::collections::BTreeSet;

use super::error::{Problem, Step};
use super::source::{Column, ControlFrom, Extract, Format};
use super::{Check, Config, Source, Warehouse};
use crate::dates::DateFormat;
use crate::money::Currency;
use crate::movement::Field;

type Checked = Result<(), Problem>;

fn problem<S: Into<String>>(path: Vec<Step>, message: S, help: &str) -> Checked {
    let help = Some(help.to_owned()).filter(|help| !help.is_empty());
    Err(Problem { path, message: message.into(), help })
}

macro_rules! path {
    ($($step:expr),*) => { vec![$(Step::from($step)),*] };
}

/// Finds the first thing that is wrong.
pub(super) fn check(config: &Config) -> Checked {
    institution(config)?;
    unique(config.sources.iter().map(|source| source.id.as_str()), "source")?;
    unique(config.rules.iter().map(|rule| rule.id.as_str()), "rule")?;
    unique(config.datasets.iter().map(|dataset| dataset.id.as_str()), "dataset")?;
    for (n, source) in config.sources.iter().enumerate() {
        let at = |rest: Vec<Step>| [path!["source", n], rest].concat();
        self::source(config, source).map_err(|p| Problem { path: at(p.path), ..p })?;
    }
    warehouse(config)?;
    policy(config)?;
    report(config)?;
    datasets(config)?;
    rules(config)
}

fn institution(config: &Config) -> Checked {
    if jiff::tz::TimeZone::get(&config.time_zone).is_err() {
        let message = format!("`{}` is no IANA time zone", config.time_zone);
        return problem(path!["time_zone"], message, "write it as America/Mexico_City");
    }
    if config.deadline().is_none() {
        return problem(path!["deadline"], format!("`{}` is no time of day", config.deadline), "write it as 06:00");
    }
    for (n, code) in config.currencies.iter().enumerate() {
        currency(code, path!["currencies", n])?;
    }
    currency(&config.currency, path!["currency"])?;
    if config.sources.is_empty() {
        return problem(path!["institution"], "no [[source]] is configured", "add one [[source]] per system");
    }
    let principal = &config.signing.principal;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    if !(1..=255).contains(&principal.len()) || !principal.bytes().all(plain) {
        let message = format!("`{principal}` cannot name a signer");
        let help = "write it as filings@bank.example, of the characters A-Z a-z 0-9 . _ - @ +";
        return problem(path!["signing", "principal"], message, help);
    }
    end_to_end(&config.end_to_end, path!["end_to_end"])
}

fn currency(code: &str, path: Vec<Step>) -> Checked {
    match code.parse::<Currency>() {
        Ok(_) => Ok(()),
        Err(error) => problem(path, format!("`{code}` is {error}"), "write three capital letters, such as MXN"),
    }
}

fn unique<'a>(ids: impl Iterator<Item = &'a str>, what: &str) -> Checked {
    let mut seen = BTreeSet::new();
    for (n, id) in ids.enumerate() {
        if id.trim().is_empty() || id.contains(['/', '\\', '\n']) {
            return problem(
                path![what, n, "id"],
                format!("`{id}` cannot name a {what}"),
                "use letters, digits, - and _",
            );
        }
        if !seen.insert(id) {
            return problem(path![what, n, "id"], format!("two {what}s have the id `{id}`"), "give each its own id");
        }
    }
    Ok(())
}

fn end_to_end(setting: &super::EndToEnd, path: Vec<Step>) -> Checked {
    for (name, fields) in [("key", &setting.key), ("compare", &setting.compare)] {
        if let Some(n) = fields.iter().position(|&field| field == Field::Source) {
            return problem([path, path![name, n]].concat(), "`source` is always compared", "leave it out");
        }
    }
    Ok(())
}

fn source(config: &Config, source: &Source) -> Checked {
    let at = |rest: Vec<Step>| [path!["extract"], rest].concat();
    extract(&source.extract).map_err(|p| Problem { path: at(p.path), ..p })?;
    if source.extract.columns.contains_key(&Field::Source) {
        let help = "its id is the source of every movement";
        return problem(path!["extract", "columns", "source"], "a source does not map `source`", help);
    }
    if let Some(cut_off) = &source.cut_off
        && jiff::civil::Time::strptime("%H:%M", cut_off).is_err()
    {
        return problem(path!["cut_off"], format!("`{cut_off}` is no time of day"), "write it as 04:00");
    }
    if let Some(setting) = &source.end_to_end {
        end_to_end(setting, path!["end_to_end"])?;
    }
    compared(config, source)?;
    control(source)
}

/// What is compared must be mapped on both sides, or every row would differ.
fn compared(config: &Config, source: &Source) -> Checked {
    let setting = config.end_to_end_of(source);
    for &field in setting.key.iter().chain(&setting.compare) {
        let lacking = if !source.extract.maps(field) {
            format!("source `{}` does not map it", source.id)
        } else if !config.warehouse.maps(field) {
            "the warehouse does not map it".to_owned()
        } else {
            continue;
        };
        let help = "map it on both sides, or leave it out of end_to_end";
        return problem(path!["extract", "columns"], format!("`{field}` is compared end to end, but {lacking}"), help);
    }
    Ok(())
}

fn control(source: &Source) -> Checked {
    let Some(control) = &source.control else { return Ok(()) };
    if control.hash_total.is_some() && control.hash_field.is_none() {
        return problem(
            path!["control", "hash_total"],
            "a hash total needs a `hash_field`",
            "name the field whose digits are summed",
        );
    }
    match control.from {
        ControlFrom::Trailer => {
            let declared = match source.extract.format {
                Format::Csv => source.extract.csv.trailer.is_some(),
                Format::Fixed => source.extract.fixed.trailer_marker.is_some(),
                Format::Jsonl | Format::Parquet => false,
            };
            if declared {
                return Ok(());
            }
            problem(
                path!["control", "from"],
                "no trailer record is declared",
                "describe it in extract.csv.trailer, or in extract.fixed.trailer_marker and extract.fixed.trailer",
            )
        }
        ControlFrom::Json | ControlFrom::Csv => {
            let Some(file) = &control.file else {
                return problem(
                    path!["control"],
                    "a sidecar control needs a `file`",
                    "give its pattern, such as core/{date}/control.json",
                );
            };
            pattern(file, path!["control", "file"])?;
            if control.records.is_none() && control.amount.is_none() && control.hash_total.is_none() {
                return problem(
                    path!["control"],
                    "the control names no total",
                    "name `records`, `amount` or `hash_total`",
                );
            }
            Ok(())
        }
    }
}

fn extract(extract: &Extract) -> Checked {
    for (n, text) in extract.files.patterns().iter().enumerate() {
        let many = matches!(extract.files, super::source::Files::Many(_));
        let at = if many { path!["files", n] } else { path!["files"] };
        pattern(text, at)?;
    }
    if extract.encoding.is_empty() {
        return problem(path!["encoding"], "no encoding is given", "write encoding = [\"utf-8\"]");
    }
    if extract.date_formats.is_empty() {
        return problem(path!["date_formats"], "no date format is given", "write date_formats = [\"%Y-%m-%d\"]");
    }
    for (n, format) in extract.date_formats.iter().enumerate() {
        if let Err(error) = DateFormat::parse(format).and_then(|format| format.reads_dates()) {
            return problem(
                path!["date_formats", n],
                format!("`{format}` is no date format: {error}"),
                "use strptime letters for day, month and year, such as %d/%m/%Y, or serial",
            );
        }
    }
    if let Some(zone) = &extract.time_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        return problem(
            path!["time_zone"],
            format!("`{zone}` is no IANA time zone"),
            "write it as America/Mexico_City",
        );
    }
    columns(extract)?;
    match extract.format {
        Format::Csv => csv(&extract.csv),
        Format::Fixed if extract.fixed.fields.is_empty() => problem(
            path!["format"],
            "a fixed-width extract needs extract.fixed.fields",
            "give each field its first and last position, 1-based",
        ),
        Format::Fixed => fixed(extract),
        Format::Jsonl | Format::Parquet => Ok(()),
    }
}

fn pattern(text: &str, path: Vec<Step>) -> Checked {
    below(text, path.clone())?;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((token, tail)) = after.split_once('}') else {
            return problem(path, format!("`{text}` has a {{ without a }}"), "write {date} or {date:%d%m%y}");
        };
        let format = token.strip_prefix("date:").or((token == "date").then_some("%Y-%m-%d"));
        if format.is_none_or(|format| DateFormat::parse(format).and_then(|format| format.shows_dates()).is_err()) {
            return problem(path, format!("`{{{token}}}` is unknown"), "write {date} or {date:%d%m%y}");
        }
        rest = tail;
    }
    Ok(())
}

fn below(text: &str, path: Vec<Step>) -> Checked {
    if text.starts_with('/') || text.split(['/', '\\']).any(|part| part == "..") {
        return problem(path, format!("`{text}` leaves the data folder"), "give a path below the data folder");
    }
    Ok(())
}

fn columns(extract: &Extract) -> Checked {
    let amount = &extract.amount;
    let split = amount.debit.is_some() && amount.credit.is_some();
    if amount.debit.is_some() != amount.credit.is_some() {
        return problem(path!["amount"], "`debit` and `credit` go together", "give both columns");
    }
    if split == extract.columns.contains_key(&Field::Amount) {
        let message = if split {
            "both `columns.amount` and debit/credit columns are given"
        } else {
            "no column gives the amount"
        };
        return problem(path!["columns"], message, "give `columns.amount`, or `amount.debit` and `amount.credit`");
    }
    if split && amount.flag.is_some() {
        return problem(
            path!["amount", "flag"],
            "a flag and debit/credit columns exclude each other",
            "keep one of them",
        );
    }
    let marks = [("decimal", Some(amount.decimal)), ("grouping", amount.grouping)];
    for (name, mark) in marks {
        if let Some(mark) = mark.filter(|mark| mark.is_ascii_digit() || ['-', '+', '(', ')'].contains(mark)) {
            let message = format!("`{mark}` cannot be a mark within a number");
            return problem(path!["amount", name], message, "write \".\" or \",\"; a thousands mark may be a blank");
        }
    }
    if amount.grouping == Some(amount.decimal) {
        return problem(
            path!["amount", "grouping"],
            "decimal and thousands mark are the same",
            "give two different marks",
        );
    }
    if let Some(flag) = &amount.flag
        && flag.debit.iter().any(|value| flag.credit.contains(value))
    {
        return problem(path!["amount", "flag"], "a flag value means both debit and credit", "list each value once");
    }
    for (field, mapped) in &extract.columns {
        let at = path!["columns", field.name()];
        if let (Field::Currency, Column::Constant { value }) = (field, mapped) {
            currency(value, at.clone())?;
        }
        column(extract, mapped, at)?;
    }
    let flag = amount.flag.as_ref().map(|flag| &flag.column);
    for (mapped, name) in [(amount.debit.as_ref(), "debit"), (amount.credit.as_ref(), "credit"), (flag, "flag")] {
        if let Some(mapped) = mapped {
            column(extract, mapped, path!["amount", name])?;
        }
    }
    for (n, field) in extract.required.iter().enumerate() {
        if !extract.maps(*field) {
            let message = format!("`{field}` is required, but no column gives it: every record would be refused");
            return problem(path!["required", n], message, "map it in columns, or leave it out of required");
        }
    }
    Ok(())
}

/// A column must be named in a way that files of the format can answer.
fn column(extract: &Extract, column: &Column, at: Vec<Step>) -> Checked {
    let names = match column {
        Column::Position(0) => return problem(at, "positions are 1-based", "the first column is 1"),
        Column::Position(_) => {
            return match extract.format {
                Format::Csv | Format::Parquet => Ok(()),
                Format::Fixed => {
                    problem(at, "fixed-width fields have names, not positions", "name one of extract.fixed.fields")
                }
                Format::Jsonl => problem(at, "members of JSON objects have no positions", "give the member's name"),
            };
        }
        Column::Constant { .. } => return Ok(()),
        Column::Name(name) => std::slice::from_ref(name),
        Column::Aliases(names) => names,
    };
    if names.is_empty() {
        return problem(at, "no column is named", "give a name");
    }
    if extract.format == Format::Csv && !extract.csv.header {
        return problem(at, "a file without header has no column names", "give the 1-based position");
    }
    match names.iter().find(|&name| extract.format == Format::Fixed && !extract.fixed.fields.contains_key(name)) {
        Some(name) => problem(at, format!("extract.fixed.fields has no `{name}`"), "declare its positions there"),
        None => Ok(()),
    }
}

fn csv(csv: &super::source::Csv) -> Checked {
    if !csv.delimiter.is_ascii() {
        return problem(path!["csv", "delimiter"], "the delimiter is not ASCII", "use one ASCII character");
    }
    if csv.quote.len() > 1 || !csv.quote.is_ascii() {
        return problem(path!["csv", "quote"], "the quote is not one ASCII character", "use one, or \"\" for none");
    }
    Ok(())
}

fn fixed(extract: &Extract) -> Checked {
    for (table, fields) in [("fields", &extract.fixed.fields), ("trailer", &extract.fixed.trailer)] {
        for (name, [first, last]) in fields {
            if *first == 0 || last < first {
                let message = format!("`{name}` has no positions: {first} to {last}");
                return problem(path!["fixed", table, name.as_str()], message, "positions are 1-based and inclusive");
            }
        }
    }
    for name in extract.fixed.trailer.keys() {
        if !["records", "amount", "hash_total"].contains(&name.as_str()) {
            return problem(
                path!["fixed", "trailer", name.as_str()],
                format!("a trailer has no `{name}`"),
                "it may have records, amount and hash_total",
            );
        }
    }
    Ok(())
}

fn warehouse(config: &Config) -> Checked {
    match &config.warehouse {
        Warehouse::Files(files) => {
            let at = |rest: Vec<Step>| [path!["warehouse", "files"], rest].concat();
            extract(files).map_err(|p| Problem { path: at(p.path), ..p })?;
            needs(&files.columns, &[Field::Source], path!["warehouse", "files", "columns"])
        }
        Warehouse::Sqlite(table) => {
            let at = path!["warehouse", "sqlite", "columns"];
            needs(&table.columns, &[Field::Source, Field::BookedOn], at.clone())?;
            if let Some((field, _)) = table.columns.iter().find(|(_, c)| matches!(c, Column::Position(_))) {
                return problem([at, path![field.name()]].concat(), "a table's columns have names", "give the name");
            }
            let usable = |format: DateFormat| format.shows_dates().and(format.reads_dates());
            if let Err(error) = DateFormat::parse(&table.date_format).and_then(usable) {
                let message = format!("`{}` is no date format: {error}", table.date_format);
                return problem(
                    path!["warehouse", "sqlite", "date_format"],
                    message,
                    "use strptime letters for day, month and year, such as %Y-%m-%d",
                );
            }
            below(&table.path, path!["warehouse", "sqlite", "path"])
        }
    }
}

fn needs(columns: &std::collections::BTreeMap<Field, Column>, fields: &[Field], path: Vec<Step>) -> Checked {
    match fields.iter().find(|field| !columns.contains_key(field)) {
        Some(field) => problem(path, format!("the warehouse's `{field}` is not mapped"), "name its column"),
        None => Ok(()),
    }
}

fn policy(config: &Config) -> Checked {
    for (n, id) in config.policy.required_sources.iter().enumerate() {
        if !config.sources.iter().any(|source| &source.id == id) {
            return problem(
                path!["policy", "required_sources", n],
                format!("no source is called `{id}`"),
                "use the id of a [[source]]",
            );
        }
    }
    if config.policy.minimum_coverage_percent > 100 {
        return problem(
            path!["policy", "minimum_coverage_percent"],
            "no coverage is more than 100 percent",
            "write 0 to 100",
        );
    }
    Ok(())
}

fn report(config: &Config) -> Checked {
    if config.report.columns.is_empty() {
        return problem(path!["report", "columns"], "the report has no columns", "list at least one");
    }
    if !config.report.delimiter.is_ascii() {
        return problem(path!["report", "delimiter"], "the delimiter is not ASCII", "use one ASCII character");
    }
    for (n, column) in config.report.columns.iter().enumerate() {
        if config.report.columns[..n].iter().any(|other| other.name() == column.name()) {
            return problem(
                path!["report", "columns", n],
                format!("two columns are called `{}`", column.name()),
                "give each its own name",
            );
        }
    }
    Ok(())
}

fn datasets(config: &Config) -> Checked {
    for (n, dataset) in config.datasets.iter().enumerate() {
        match (&dataset.file, &dataset.query) {
            (Some(file), None) => pattern(file, path!["dataset", n, "file"])?,
            (None, Some(_)) if matches!(config.warehouse, Warehouse::Files(_)) => {
                return problem(
                    path!["dataset", n, "query"],
                    "a warehouse of files cannot be queried",
                    "give a `file`",
                );
            }
            (None, Some(_)) => {}
            _ => return problem(path!["dataset", n], "a dataset is a file or a query", "give one of the two"),
        }
    }
    Ok(())
}

fn rules(config: &Config) -> Checked {
    for (n, rule) in config.rules.iter().enumerate() {
        let dataset = match &rule.check {
            Check::Reference(check) => Some(("reference", &check.dataset)),
            Check::RollForward(check) => Some(("roll_forward", &check.dataset)),
            _ => None,
        };
        if let Some((kind, id)) = dataset
            && !config.datasets.iter().any(|dataset| &dataset.id == id)
        {
            let path = path!["rule", n, "check", kind, "dataset"];
            return problem(path, format!("no dataset is called `{id}`"), "use the id of a [[dataset]]");
        }
        if matches!(rule.check, Check::WarehouseSql(_)) && matches!(config.warehouse, Warehouse::Files(_)) {
            let help = "remove the rule, or use a database";
            return problem(path!["rule", n, "check"], "a warehouse of files cannot be queried", help);
        }
        if config.datasets.iter().any(|dataset| dataset.id == rule.id) {
            let message = format!("`{}` is a rule and a dataset", rule.id);
            return problem(path!["rule", n, "id"], message, "give each its own id");
        }
        if let Err(reason) = crate::business::settings(rule, config.scale()) {
            return problem(
                path!["rule", n, "check"],
                reason,
                "correct the rule; `cuadre schema` describes its settings",
            );
        }
        rule_sources(config, rule, n)?;
    }
    Ok(())
}

/// A misspelt source would make a rule pass for want of movements.
fn rule_sources(config: &Config, rule: &super::Rule, n: usize) -> Checked {
    let mut filters = vec![(&rule.only, path!["rule", n, "only", "source"])];
    if let Check::AggregatesEqual(check) = &rule.check {
        filters.push((&check.left, path!["rule", n, "check", "aggregates_equal", "left"]));
        filters.push((&check.right, path!["rule", n, "check", "aggregates_equal", "right"]));
    }
    for (only, path) in filters {
        let named = only.get(&Field::Source).into_iter().flatten();
        if let Some(id) = named.into_iter().find(|&id| !config.sources.iter().any(|source| &source.id == id)) {
            return problem(path, format!("no source is called `{id}`"), "use the id of a [[source]]");
        }
    }
    Ok(())
}
