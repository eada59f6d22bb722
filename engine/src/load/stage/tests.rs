//! Movements come back as they were, whether they were written or left in the input.

use arrow_array::StringArray;
use cuadre_rules::Config;
use cuadre_rules::config::Language;
use cuadre_rules::end_to_end::Side;
use cuadre_rules::exception::Kind;
use cuadre_rules::movement::Columns;
use parquet::arrow::ArrowWriter;

use super::super::meaning::Owner;
use super::super::{Input, load};
use super::*;
use crate::progress::Progress;
use crate::reconcile::breaks::plan;
use crate::reconcile::fold::Folding;

const CONFIG: &str = "institution = 'I'\nseries = 's'\ntime_zone = 'UTC'\ndeadline = '06:00'\ncurrency = 'MXN'\n\
    filings = 'f'\n[signing]\nkey = 'k'\nprincipal = 'p@example.com'\n\
    [warehouse.files]\nfiles = 'w'\nformat = 'csv'\ncolumns = { source = 's', amount = 'amount' }\n\
    [report]\ncolumns = [{ field = 'amount' }]\n[[source]]\nid = 'a'\n[source.extract]\nfiles = 'a'\n\
    format = 'parquet'\ncolumns = { id = 'id', amount = 'amount' }\n";

/// A file whose every seventh record is refused, in two row groups.
fn input(path: &Path, rows: usize) {
    let column = |text: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new((1..=rows).map(|n| Some(text(n))).collect::<StringArray>())
    };
    let amount = |n: usize| if n.is_multiple_of(7) { "none".to_owned() } else { format!("{n}.00") };
    let columns = [("id", column(&|n| format!("id {n}"))), ("amount", column(&amount))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch.slice(0, rows / 2)).unwrap();
    writer.flush().unwrap();
    writer.write(&batch.slice(rows / 2, rows - rows / 2)).unwrap();
    writer.close().unwrap();
}

#[test]
fn rows_are_the_same_whether_written_or_left() {
    const ROWS: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    input(&path, ROWS);
    let config = Config::parse(CONFIG, "cuadre.toml").unwrap();
    let owner = Owner::Source { index: 0, id: "a".to_owned() };
    let extract = &config.sources[0].extract;
    let meaning = Arc::new(Meaning::new(&config, extract, owner, "2026-11-20".parse().unwrap()).unwrap());
    let plan = plan(&config);
    for part in [Part::Whole, Part::RowGroups { groups: 1..2, before: (ROWS / 2) as u64 }] {
        let first = if part == Part::Whole { 1 } else { ROWS / 2 + 1 };
        let accepted: Vec<i64> = (first..=ROWS).filter(|n| !n.is_multiple_of(7)).map(|n| n as i64).collect();
        for leave in [false, true] {
            let scratch = tempfile::tempdir().unwrap();
            let folding = Folding::with_key(&plan, vec![true], &[1; 64]);
            let input = Input {
                name: "a.parquet",
                path: path.clone(),
                meaning: Arc::clone(&meaning),
                index: 5,
                refused_as: (Kind::RecordsRejected, Some("a")),
                language: Language::English,
                hash_field: None,
                side: Side::Source,
                folding: &folding,
                part: part.clone(),
                leave,
            };
            let loaded =
                load(&input, &config.limits, scratch.path(), scratch.path(), &Progress::silent()).unwrap().unwrap();
            let staged = &loaded.movements[0];
            assert_eq!((staged.rows(), staged.path().exists()), (accepted.len(), !leave));
            let records = |batches: Batches<'_>| -> Vec<i64> {
                let of = |batch: RecordBatch| {
                    let columns = Columns::of(&batch);
                    assert!((0..columns.rows()).all(|row| {
                        let record = columns.record.value(row);
                        columns.file.value(row) == 5
                            && columns.text(cuadre_rules::movement::Field::Id, row) == Some(&format!("id {record}"))
                            && columns.amount.value(row) == i128::from(record) * 100
                    }));
                    columns.record.values().to_vec()
                };
                batches.flat_map(|batch| of(batch.unwrap())).collect()
            };
            assert_eq!(records(staged.read().unwrap()), accepted);
            let wanted: Vec<usize> =
                (0..accepted.len()).filter(|row| row % 1_000 < 3 || row.is_multiple_of(977)).collect();
            let expected: Vec<i64> = wanted.iter().map(|&row| accepted[row]).collect();
            assert_eq!(records(staged.read_rows(&wanted).unwrap()), expected);
            assert!(records(staged.read_rows(&[]).unwrap()).is_empty());
        }
    }
}
