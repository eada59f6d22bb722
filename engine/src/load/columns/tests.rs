//! Whole columns against record by record: the same movements, the same refusals, whatever the
//! cells hold.

use arrow_array::types::{Int8Type, Int16Type};
use arrow_array::{
    Date32Array, DictionaryArray, Int16Array, Int64Array, LargeStringArray, StringViewArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use cuadre_rules::Config;
use cuadre_rules::config::source::Column;
use cuadre_rules::said::Said;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::block::Numbers;
use super::super::meaning::Meaning;
use super::*;

const EXTRACTS: [&str; 9] = [
    "columns = { id = 'a', account = 'b', branch = 'c', booked_at = 'instant', currency = 'currency', amount = 'amount' }",
    "trim = false\nrequired = ['id', 'branch']\ncolumns = { id = 'a', branch = { value = ' x ' }, booked_on = 'date', amount = 'amount' }",
    "time_zone = 'America/Mexico_City'\nrequired = ['booked_at']\ncolumns = { id = 2, booked_at = 'instant', amount = 'amount' }\namount = { padding_zeros = true, negate = true }",
    "date_formats = ['%d/%m/%Y', '%Y-%m-%d']\ntimestamp_formats = ['%Y-%m-%dT%H:%M:%S']\ncolumns = { booked_on = 'date', booked_at = 'instant', currency = 'currency', amount = 'amount' }",
    "columns = { amount = 'amount', currency = 'currency', account = ['missing', 'b'] }\namount = { implied_decimals = 2 }",
    "columns = { amount = 'amount', currency = { value = 'JPY' } }\namount = { decimal = ',', grouping = '.', parentheses = true, symbols = ['$'] }",
    "columns = { id = 'a', kind = 'c' }\namount = { debit = 'amount', credit = 'date' }",
    "columns = { amount = 'amount', booked_on = { value = '{date}' } }\namount = { flag = { column = 'c', debit = ['x'], credit = ['mx'] } }",
    "date_formats = ['%d/%m/%Y']\ncolumns = { amount = 'amount', booked_on = 'date', description = 'c' }\namount = { grouping = ',', trailing_minus = true }",
];

fn config(extract: &str) -> Config {
    let text = format!(
        "institution = 'I'\nseries = 's'\ntime_zone = 'Europe/London'\ndeadline = '06:00'\ncurrency = 'MXN'\n\
         currencies = ['MXN', 'JPY', 'KWD']\nfilings = 'f'\n[signing]\nkey = 'k'\nprincipal = 'p@example.com'\n\
         [warehouse.files]\nfiles = 'w'\nformat = 'csv'\n\
         columns = {{ source = 'c', id = 'a', booked_at = 'instant', amount = 'amount', currency = 'currency' }}\n\
         [report]\ncolumns = [{{ field = 'amount' }}]\n\
         [[source]]\nid = 'x'\nextract = {{ files = 'x', format = 'csv', columns = {{ amount = 'amount' }} }}\n\
         [[source]]\nid = 'a source of a longer name'\n[source.extract]\nfiles = 'a'\nformat = 'csv'\n{extract}\n"
    );
    Config::parse(&text, "cuadre.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const NAMES: [&str; 7] = ["a", "b", "c", "date", "instant", "currency", "amount"];

fn texts(values: &'static [&'static str]) -> BoxedStrategy<ArrayRef> {
    let cells = prop::collection::vec(prop::option::weighted(0.9, select(values)), ROWS);
    let kinds = 0..4;
    (cells, kinds)
        .prop_map(|(cells, kind)| -> ArrayRef {
            match kind {
                0 => Arc::new(LargeStringArray::from(cells)),
                1 => Arc::new(StringViewArray::from(cells)),
                2 => Arc::new(cells.into_iter().collect::<DictionaryArray<Int8Type>>()),
                _ => Arc::new(StringArray::from(cells)),
            }
        })
        .boxed()
}

/// A column that most records agree in, so that not every one is refused.
fn plain(values: &'static [&'static str]) -> BoxedStrategy<ArrayRef> {
    select(values).prop_map(|value| Arc::new(StringArray::from_iter_values([value; ROWS])) as ArrayRef).boxed()
}

const ROWS: usize = 6;
const DAY: i64 = 20_777 * 86_400;

fn numbers<A: From<Vec<Option<T>>> + Array + 'static, T: Copy + std::fmt::Debug + 'static>(
    values: &'static [T],
) -> BoxedStrategy<ArrayRef> {
    let cells = prop::collection::vec(prop::option::weighted(0.9, select(values)), ROWS);
    cells.prop_map(|cells| Arc::new(A::from(cells)) as ArrayRef).boxed()
}

fn decimals() -> BoxedStrategy<ArrayRef> {
    const NUMBERS: [i128; 8] = [0, 5, -5, 100, 12_300, -120, 10i128.pow(27), 10i128.pow(28)];
    (numbers::<Decimal128Array, i128>(&NUMBERS), 0..5i8)
        .prop_map(|(column, scale)| {
            let decimals = column.as_primitive::<arrow_array::types::Decimal128Type>().clone();
            Arc::new(decimals.with_precision_and_scale(38, scale).unwrap()) as ArrayRef
        })
        .boxed()
}

fn instants() -> BoxedStrategy<ArrayRef> {
    const SECONDS: [i64; 6] = [DAY, DAY + 86_399, DAY + 86_400, DAY - 1, DAY + 40_000, 253_402_300_799];
    const MILLIS: [i64; 3] = [1_000 * DAY, 1_000 * DAY + 7, -1];
    const MICROS: [i64; 4] = [1_000_000 * DAY, 1_000_000 * (DAY + 3_600) + 1, i64::MAX, 1_000_000 * (DAY + 86_400)];
    const NANOS: [i64; 3] = [1_000_000_000 * DAY, 1_000_000_000 * DAY + 1, 1_000_000_000 * DAY + 5_000];
    let naive = prop_oneof![
        numbers::<TimestampSecondArray, i64>(&SECONDS),
        numbers::<TimestampMillisecondArray, i64>(&MILLIS),
        numbers::<TimestampMicrosecondArray, i64>(&MICROS),
        numbers::<TimestampNanosecondArray, i64>(&NANOS),
    ];
    let zone = select(vec![None, Some("UTC"), Some("+02:00"), Some("America/Mexico_City")]);
    (naive, zone)
        .prop_map(|(column, zone): (ArrayRef, Option<&str>)| {
            let arrow_schema::DataType::Timestamp(unit, _) = column.data_type().clone() else { unreachable!() };
            let kind = arrow_schema::DataType::Timestamp(unit, zone.map(Into::into));
            arrow_array::make_array(column.to_data().into_builder().data_type(kind).build().unwrap())
        })
        .boxed()
}

fn column(name: &str) -> BoxedStrategy<ArrayRef> {
    match name {
        "date" => prop_oneof![
            plain(&["2026-11-20", "20/11/2026"]),
            texts(&["2026-11-20", " 2026-11-20 ", "20/11/2026", "2026-11-19", "", "1.50"]),
            numbers::<Date32Array, i32>(&[20_777, 20_777, 20_777, 20_776]),
        ]
        .boxed(),
        "instant" => prop_oneof![
            plain(&["2026-11-20 10:00:00", "2026-11-20T18:00:00Z"]),
            texts(&[
                "2026-11-20 00:00:00",
                "2026-11-20T23:59:59.999999Z",
                "2026-11-20 05:00:00.5",
                "2026-11-20 05:00:60",
                "2026-11-20 24:00:00",
                "2026-11-20T05:00:00.1234567",
                "2026-11-20T10:00:00+02:00",
                "2026-11-21 00:00:00",
                "2026-13-20 00:00:00",
                "2026-11-20",
                "2026-11-20 1a:00:00",
                "2026-11-20T01:00:00.Z",
                "  ",
            ]),
            instants(),
        ]
        .boxed(),
        "currency" => {
            prop_oneof![plain(&["MXN", "JPY", "KWD"]), texts(&["MXN", " MXN", "JPY", "KWD", "USD", "mxn", ""]),].boxed()
        }
        "amount" => prop_oneof![
            plain(&["12.50", "1250", "1.250,00"]),
            texts(&[
                "12.50",
                "-0.05",
                "+7",
                " 3.1 ",
                "",
                "-",
                ".",
                ".5",
                "5.",
                "1.500",
                "1.501",
                "1,234.00",
                "1.234,00",
                "(2,00)",
                "$ 5",
                "7-",
                "12345678901234567890.00",
                "9999999999999999999999999999",
                "1e3",
                "REAL 0.1",
                "--1",
            ]),
            decimals(),
            numbers::<Int64Array, i64>(&[0, 5, -120, i64::MAX, i64::MIN]),
            numbers::<UInt64Array, u64>(&[0, 1_250, u64::MAX]),
        ]
        .boxed(),
        _ => prop_oneof![
            plain(&["x", "a source of a longer name", "mx"]),
            texts(&[
                "x",
                "mx",
                " x",
                "x\u{a0}",
                "",
                "  ",
                "a source of a longer name",
                "a source of another name",
                "ñ"
            ]),
            numbers::<Int16Array, i16>(&[1, -7, 200]),
            Just(Arc::new(
                [Some("x"), None, Some(""), Some("mx"), Some("x"), None]
                    .into_iter()
                    .collect::<DictionaryArray<Int16Type>>()
            ) as ArrayRef),
        ]
        .boxed(),
    }
}

fn blocks() -> impl Strategy<Value = Block> {
    let columns: Vec<_> = NAMES.iter().map(|name| column(name)).collect();
    let refused = prop::collection::btree_set(0..ROWS, 0..2);
    (columns, refused).prop_map(|(columns, refused)| Block {
        columns: columns.into_iter().map(Some).collect(),
        rows: ROWS,
        numbers: Numbers::From(101),
        refused: refused
            .into_iter()
            .map(|row| (row, Refusal { reason: Said::same("by the reader"), ..Refusal::default() }))
            .collect(),
    })
}

/// By rows alone: every record goes the way of those in doubt.
fn one_by_one(mapping: &Mapping<'_>, block: &Block, scale: u32) -> (RecordBatch, Vec<String>) {
    let (mut rows, mut refused, mut record) = (Rows::new(scale), Vec::new(), Record::default());
    for row in 0..block.rows {
        block.write(row, &mut record).unwrap();
        let by_reader = block.refused.iter().find(|(refused, _)| *refused == row);
        let mapped = match by_reader {
            Some((_, refusal)) => Err(refusal.clone()),
            None => mapping.map(&record),
        };
        match mapped {
            Ok(movement) => rows.push(&movement, 3, 101 + row as u64),
            Err(refusal) => refused.push(format!("{} {:?} {refusal:?}", 101 + row, mapping.source_of(&record))),
        }
    }
    (rows.finish().unwrap(), refused)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_say_what_records_say(extract in select(&EXTRACTS[..]), of_warehouse: bool, block in blocks()) {
        let config = config(extract);
        let ids: Vec<String> = config.sources.iter().map(|source| source.id.clone()).collect();
        let mut extract = config.sources[1].extract.clone();
        let owner = if of_warehouse {
            extract.columns.insert(Field::Source, Column::Name("c".to_owned()));
            Owner::Warehouse(ids)
        } else {
            Owner::Source { index: 1, id: ids[1].clone() }
        };
        let meaning = Meaning::new(&config, &extract, owner, "2026-11-20".parse().unwrap()).unwrap();
        let names = NAMES.map(str::to_owned);
        let bind = || meaning.bind(Some(&names), &[]).unwrap();
        let (expected, expected_refusals) = one_by_one(&bind(), &block, config.scale());
        let mut mapper = Mapper::new(bind(), 3);
        let (movements, refused) = mapper.map(&block).unwrap();
        let shown = |refused: Refused| format!("{} {:?} {:?}", refused.record, refused.source.as_deref(), refused.refusal);
        prop_assert_eq!(refused.into_iter().map(shown).collect::<Vec<_>>(), expected_refusals);
        prop_assert_eq!(&movements.batch, &expected);
        let sources = expected.column(0).as_string::<i32>().iter();
        let sources: Vec<u16> = sources.map(|id| config.sources.iter().position(|s| Some(s.id.as_str()) == id).unwrap() as u16).collect();
        prop_assert_eq!(&movements.sources, &sources);
        for (column, constant) in mapper.constants().iter().enumerate() {
            if let Some(constant) = constant {
                prop_assert_eq!(&constant.slice(0, expected.num_rows()), expected.column(column));
            }
        }
    }
}
