//! The end-to-end reconciliation against a model that is written naively: every row compared with
//! every other, nothing sorted, nothing encoded. Whatever is asked of the exact comparison is asked
//! of the sketch as well, under two keys, and has to be answered alike.

use std::path::Path;

use cuadre_engine::load::columns::Movements;
use cuadre_engine::load::mapping::Mapped;
use cuadre_engine::load::rows::Rows;
use cuadre_engine::load::stage::{Constants, MovementStage, Staged};
use cuadre_engine::reconcile::end_to_end::{Sides, shown_fields};
use cuadre_engine::reconcile::fold::Folding;
use cuadre_rules::end_to_end::{self, Comparison, Difference, Side, decode, show};
use cuadre_rules::movement::{Field, schema};
use cuadre_rules::sketch::KEY_BYTES;
use proptest::prelude::*;

mod model;

use model::{Outcome, Row, Values, comparison, copies, model, plans, row, rows, sides};

/// Stages `rows` in as many files, one after the other, and folds them.
fn staged(
    folder: &Path,
    side: Side,
    rows: &[Row],
    files: usize,
    plan: &[Comparison],
    folding: &Folding<'_>,
) -> Vec<Staged> {
    let nothing_constant: Constants = schema(2).fields().iter().map(|_| None).collect();
    let stage = |(n, rows): (usize, &[Row])| {
        let path = folder.join(format!("{side:?}-{n}.arrow"));
        let fold = folding.file(side, &path).expect("a fold");
        let mut stage = MovementStage::create(&path, path.clone(), 2, nothing_constant.clone(), fold).expect("a stage");
        for rows in rows.chunks(BATCH_ROWS) {
            stage.write(&movements(rows, plan)).expect("movements are staged");
        }
        stage.finish().expect("a file is staged")
    };
    rows.chunks(rows.len().div_ceil(files).max(1)).enumerate().map(stage).collect()
}

/// So many that most nights here have several batches.
const BATCH_ROWS: usize = 7;

fn movements(rows: &[Row], plan: &[Comparison]) -> Movements {
    let mut batch = Rows::new(2);
    for row in rows {
        let mut texts = [None; Field::ALL.len()];
        texts[Field::Source.column()] = Some(row.source);
        texts[Field::Id.column()] = row.id.as_deref();
        texts[Field::Account.column()] = row.account.as_deref();
        let movement = Mapped {
            texts,
            booked_on: 20_777,
            booked_at: row.booked_at.map(|seconds| seconds * 1_000_000),
            currency: row.currency.parse().expect("a currency"),
            minor: row.cents,
        };
        batch.push(&movement, row.place.file, row.place.record);
    }
    let place = |row: &Row| plan.iter().position(|comparison| comparison.source == row.source);
    let sources = rows.iter().map(|row| place(row).unwrap_or(plan.len()) as u16).collect();
    Movements { batch: batch.finish().expect("a batch"), sources }
}

type Emitted = Vec<(usize, Difference)>;

/// The share of a night's usual memory that sorting gets.
const USUAL: usize = 192 << 20;

/// What every way to compare the sides says.
fn engine(plan: &[Comparison], source: &[Row], warehouse: &[Row], files: usize) -> (Vec<u64>, Emitted) {
    let exact = compare(plan, source, warehouse, files, None, USUAL);
    // With little memory a sketch that is too small is not made again, and sorting goes on on disk.
    for (key, memory) in [([1; KEY_BYTES], USUAL), ([2; KEY_BYTES], 4 << 20)] {
        let sketch = Some((key, vec![true; plan.len()]));
        assert_eq!(compare(plan, source, warehouse, files, sketch, memory), exact, "by sketch, {memory} bytes");
    }
    for one in 0..plan.len() {
        let folded = (0..plan.len()).map(|n| n == one).collect();
        let sketch = Some(([3; KEY_BYTES], folded));
        assert_eq!(compare(plan, source, warehouse, files, sketch, USUAL), exact, "folded: {one}");
    }
    exact
}

/// Compares by a sketch under the given key, into which the given sources are folded; exactly
/// without one. Differences come by source.
fn compare(
    plan: &[Comparison],
    source: &[Row],
    warehouse: &[Row],
    files: usize,
    sketch: Option<([u8; KEY_BYTES], Vec<bool>)>,
    memory: usize,
) -> (Vec<u64>, Emitted) {
    let folder = tempfile::tempdir().expect("a folder");
    let (key, folded) = sketch.clone().unwrap_or(([0; KEY_BYTES], vec![false; plan.len()]));
    let folding = Folding::with_key(plan, folded, &key);
    let source = staged(folder.path(), Side::Source, source, files, plan, &folding);
    let warehouse = staged(folder.path(), Side::Warehouse, warehouse, files, plan, &folding);
    let sides = Sides { plan, source: &source, warehouse: &warehouse, scratch: folder.path(), memory };
    let mut emitted = Vec::new();
    let emit = |index, difference| {
        emitted.push((index, difference));
        Ok(())
    };
    let matched = match sketch {
        None => sides.compare_all(emit),
        Some(_) => sides.compare_folded(folding, emit),
    };
    emitted.sort_by_key(|(index, _)| *index);
    (matched.expect("a comparison"), emitted)
}

/// Adds up what the engine emitted, and proves each difference by the row that it points at.
fn outcomes(
    plan: &[Comparison],
    source: &[Row],
    warehouse: &[Row],
    (matched, emitted): (Vec<u64>, Emitted),
) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> =
        matched.into_iter().map(|matched| Outcome { matched, ..Outcome::default() }).collect();
    let mut pointed_at = Vec::new();
    let mut row_of = |index: usize, side: Side, emitted: &end_to_end::Row| {
        let rows = if side == Side::Source { source } else { warehouse };
        let row = rows.iter().find(|row| row.place == emitted.place).expect("a difference has a place");
        let fields = shown_fields(&plan[index]);
        let shown = decode(&emitted.values).into_iter().zip(&fields);
        let shown: Values = shown.map(|(value, &field)| value.map(|value| show(field, value, 2))).collect();
        assert_eq!(shown, row.values(&fields), "the values shown are those of the row");
        assert_eq!(row.source, plan[index].source);
        assert_eq!((emitted.money.0.code(), emitted.money.1), (row.currency, row.cents));
        assert!(!pointed_at.contains(&(side, row.place)), "a row differs once");
        pointed_at.push((side, row.place));
        shown
    };
    for (index, difference) in &emitted {
        let index = *index;
        let outcome = &mut outcomes[index];
        match difference {
            Difference::MissingInWarehouse(row) => {
                outcome.missing_in_warehouse += 1;
                outcome.source_rows.push(row_of(index, Side::Source, row));
            }
            Difference::MissingInSource(row) => {
                outcome.missing_in_source += 1;
                outcome.warehouse_rows.push(row_of(index, Side::Warehouse, row));
            }
            Difference::Changed(left, right) => {
                outcome.changed += 1;
                let (left, right) = (row_of(index, Side::Source, left), row_of(index, Side::Warehouse, right));
                let key = plan[index].key.len();
                assert!(left[..key] == right[..key] && left[key..] != right[key..], "{left:?} {right:?}");
                outcome.source_rows.push(left);
                outcome.warehouse_rows.push(right);
            }
            Difference::Duplicate(Side::Source, row) => {
                outcome.duplicates_in_source += 1;
                outcome.source_rows.push(row_of(index, Side::Source, row));
            }
            Difference::Duplicate(Side::Warehouse, row) => {
                outcome.duplicates_in_warehouse += 1;
                outcome.warehouse_rows.push(row_of(index, Side::Warehouse, row));
            }
        }
    }
    for outcome in &mut outcomes {
        outcome.source_rows.sort();
        outcome.warehouse_rows.sort();
    }
    outcomes
}

fn judged(plan: &[Comparison], source: &[Row], warehouse: &[Row]) -> Vec<Outcome> {
    outcomes(plan, source, warehouse, engine(plan, source, warehouse, 1))
}

fn few() -> ProptestConfig {
    ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn it_agrees_with_the_model(plan in plans(), [source, warehouse] in sides()) {
        let expected: Vec<Outcome> = plan.iter().map(|one| model(one, &source, &warehouse)).collect();
        prop_assert_eq!(judged(&plan, &source, &warehouse), expected);
    }

    #[test]
    fn unrelated_sides_agree_with_the_model_too(plan in plans(), source in rows(), warehouse in rows()) {
        let expected: Vec<Outcome> = plan.iter().map(|one| model(one, &source, &warehouse)).collect();
        prop_assert_eq!(judged(&plan, &source, &warehouse), expected);
    }

    #[test]
    fn neither_the_order_of_rows_nor_their_files_matter(
        plan in plans(),
        ([source, warehouse], [shuffled_source, shuffled_warehouse]) in sides().prop_flat_map(|[source, warehouse]| {
            let shuffled = [Just(source.clone()).prop_shuffle(), Just(warehouse.clone()).prop_shuffle()];
            (Just([source, warehouse]), shuffled)
        }),
        files in 1..5usize,
    ) {
        let expected = engine(&plan, &source, &warehouse, 1);
        prop_assert_eq!(engine(&plan, &shuffled_source, &shuffled_warehouse, files), expected);
    }
}

#[test]
fn n_equal_rows_against_m() {
    let keyed = comparison("a", &[Field::Id], &[Field::Account, Field::Amount]);
    let keyless = comparison("a", &[], &[Field::Account, Field::Amount]);
    for n in 0..5u64 {
        for m in 0..5u64 {
            let (more, fewer) = (n.saturating_sub(m), m.saturating_sub(n));
            let [with, without] = [&keyed, &keyless].map(|plan| {
                let outcome = judged(std::slice::from_ref(plan), &copies(n), &copies(m)).remove(0);
                assert_eq!(outcome, model(plan, &copies(n), &copies(m)), "{n} against {m}");
                assert_eq!((outcome.matched, outcome.changed), (n.min(m), 0), "{n} against {m}");
                outcome
            });
            assert_eq!((without.missing_in_warehouse, without.missing_in_source), (more, fewer), "{n} against {m}");
            let duplicates = (with.duplicates_in_source, with.duplicates_in_warehouse);
            let missing = (with.missing_in_warehouse, with.missing_in_source);
            match n.min(m) {
                0 => assert_eq!((duplicates, missing), ((0, 0), (more, fewer)), "{n} against {m}"),
                _ => assert_eq!((duplicates, missing), ((more, fewer), (0, 0)), "{n} against {m}"),
            }
        }
    }
}

#[test]
fn null_keys_are_one_key() {
    let plan = [comparison("a", &[Field::Id, Field::Account], &[Field::Amount])];
    let all_null = |cents: &[i128]| -> Vec<Row> {
        cents.iter().zip(1..).map(|(&cents, record)| row("a", None, None, cents, record)).collect()
    };
    let outcome = judged(&plan, &all_null(&[1, 2, 2, 3]), &all_null(&[2, 1, 4])).remove(0);
    assert_eq!((outcome.matched, outcome.changed, outcome.duplicates_in_source), (2, 1, 1));
    // An empty text is a value and no NULL.
    let outcome = judged(&plan, &all_null(&[1]), &[row("a", Some(""), None, 1, 1)]).remove(0);
    assert_eq!((outcome.matched, outcome.missing_in_warehouse, outcome.missing_in_source), (0, 1, 1));
}

#[test]
fn the_same_key_in_two_sources_is_two_keys() {
    let plan = ["a", "b"].map(|source| comparison(source, &[Field::Id], &[Field::Amount]));
    let source = [row("a", Some("1"), None, 1, 1), row("b", Some("1"), None, 2, 2)];
    let crossed = [row("b", Some("1"), None, 1, 1), row("a", Some("1"), None, 2, 2)];
    assert!(judged(&plan, &source, &source).iter().all(|outcome| outcome.matched == 1 && outcome.changed == 0));
    assert!(judged(&plan, &source, &crossed).iter().all(|outcome| outcome.matched == 0 && outcome.changed == 1));
}

/// From no difference to nothing but differences: with as many as the sketch cannot hold, the
/// exact comparison answers, and nothing shows it.
#[test]
fn from_none_to_all_different() {
    const ROWS: u64 = 120_000;
    let rows = |changed: u64| -> Vec<Row> {
        (1..=ROWS).map(|n| row("a", Some(&n.to_string()), None, i128::from(n <= changed), n)).collect()
    };
    let plan = [comparison("a", &[Field::Id], &[Field::Amount])];
    let compare = |warehouse: &[Row]| compare(&plan, &rows(0), warehouse, 2, Some(([5; KEY_BYTES], vec![true])), USUAL);
    for changed in [0, 1, ROWS / 10, ROWS / 3, ROWS] {
        let (matched, emitted) = compare(&rows(changed));
        assert_eq!((matched, emitted.len() as u64), (vec![ROWS - changed], changed));
        assert!(emitted.iter().all(|(_, difference)| matches!(difference, Difference::Changed(left, right)
            if left.place == right.place && right.money.1 == 1)));
    }
}

/// Sums over each column, and over the columns of each row, are the same on both sides.
#[test]
fn swapped_values_do_not_cancel() {
    let rows = |amounts: [i128; 4], accounts: [&str; 4]| -> Vec<Row> {
        let rows = (1..).zip(amounts).zip(accounts);
        rows.map(|((n, cents), account)| row("a", Some(&n.to_string()), Some(account), cents, n)).collect()
    };
    let plan = [comparison("a", &[Field::Id], &[Field::Account, Field::Amount])];
    let source = rows([1, 2, 3, 4], ["x", "y", "x", "y"]);
    for (warehouse, changed) in [
        (rows([2, 1, 3, 4], ["x", "y", "x", "y"]), 2),
        (rows([1, 2, 3, 4], ["y", "x", "x", "y"]), 2),
        (rows([4, 1, 2, 3], ["y", "x", "y", "x"]), 4),
        (rows([3, 4, 1, 2], ["x", "y", "x", "y"]), 4),
    ] {
        assert_eq!(judged(&plan, &source, &warehouse)[0].changed, changed);
    }
}

/// The day is larger than the memory of the sort: 2 x 110 MiB.
#[test]
fn a_day_larger_than_memory_gives_the_same_answer() {
    const ROWS: u64 = 110;
    let long = |n: u64, last: &str| format!("{}{n}{last}", "x".repeat(1 << 20));
    let rows = |skip: u64, last: &str| -> Vec<Row> {
        let mut rows: Vec<Row> = (1..=ROWS)
            .filter(|&n| n != skip)
            .map(|n| row("a", Some(&n.to_string()), Some(&long(n, if n == 50 { last } else { "" })), 1, n))
            .collect();
        rows.reverse();
        rows
    };
    let plan = [comparison("a", &[Field::Id], &[Field::Account])];
    let (matched, emitted) = engine(&plan, &rows(3, ""), &rows(4, "!"), 2);
    assert_eq!(matched, [ROWS - 3]);
    let told: Vec<String> = emitted
        .iter()
        .map(|(_, difference)| match difference {
            Difference::MissingInWarehouse(row) => format!("missing in the warehouse: {}", row.place.record),
            Difference::MissingInSource(row) => format!("missing in the source: {}", row.place.record),
            Difference::Changed(left, right) => format!("changed: {} {}", left.place.record, right.place.record),
            Difference::Duplicate(side, row) => format!("duplicate: {side:?} {}", row.place.record),
        })
        .collect();
    assert_eq!(told, ["missing in the source: 3", "missing in the warehouse: 4", "changed: 50 50"]);
}
