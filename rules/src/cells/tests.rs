use std::collections::{BTreeMap, BTreeSet};

use md5::{Digest, Md5};
use proptest::prelude::*;

use super::*;
use crate::business::testing::batch;

fn plan() -> Vec<Comparison> {
    let compare = vec![Field::BookedOn, Field::BookedAt, Field::Account];
    let core = Comparison { source: "core".into(), key: vec![Field::Id], compare: compare.clone() };
    vec![core, Comparison { source: "teller".into(), key: Vec::new(), compare }]
}

fn grid() -> Grid {
    Grid::new([7; 16], 0)
}

/// Canonical texts of the rows of a table, by the fields that make up a row.
fn texts(table: &str) -> Vec<String> {
    let (batch, mut writer) = (batch(table), Writer::default());
    let fields = Fields::of(&plan()[0]).row;
    let text =
        |row| String::from_utf8(writer.write(&Columns::of(&batch), row, &fields).to_vec()).expect("canonical text");
    (0..batch.num_rows()).map(text).collect()
}

#[test]
fn rows_have_canonical_texts() {
    let table = "id|account|amount|booked_at\n\
                 1|ñandú|-12.50|2026-11-20T06:00:00.25-06:00\n\
                 -|''|0.00|-\n\
                 1|x|1.00|1899-12-31T00:00:00Z";
    assert_eq!(
        texts(table),
        [
            "4:core1:110:2026-11-2026:2026-11-20 12:00:00.2500005:ñandú3:MXN5:-1250",
            "4:core-10:2026-11-20-0!3:MXN1:0",
            "4:core1:110:2026-11-20!-2209075200000000;1:x3:MXN3:100",
        ]
    );
}

#[test]
fn blanks_of_a_source_are_equal_to_nothing_that_a_warehouse_writes() {
    let blank = crate::sketch::testing::batch(&[(Some(" a"), Some("\u{a0}b")), (Some("a"), Some("b\t"))]);
    let mut writer = Writer::default();
    let mut text = |row| {
        let text = writer.write(&Columns::of(&blank), row, &[Field::Id, Field::Account]);
        String::from_utf8(text.to_vec()).expect("canonical text")
    };
    assert_eq!([text(0), text(1)], ["4:core2! a2!\u{a0}b", "4:core1:a2!b\t"]);
}

#[test]
fn cells_and_summands_are_digits_of_salted_digests() {
    let rows = batch("source|id|account\ncore|1|x\nteller|1|x");
    let columns = Columns::of(&rows);
    let mut celler = Celler::new(&plan(), &grid());
    let hex = |text: &str| hex(&Md5::digest(format!("{}{text}", "07".repeat(16))));
    for (row, key, all) in [
        (0, "k4:core1:1", "r4:core1:110:2026-11-20-1:x3:MXN3:100"),
        (1, "k6:teller10:2026-11-20-1:x", "r6:teller10:2026-11-20-1:x3:MXN3:100"),
    ] {
        let number = |text: &str| u64::from_str_radix(text, 16).expect("hex digits");
        let digest = hex(all);
        let expected =
            Summand { cell: number(&hex(key)[..4]) as u32, halves: [number(&digest[..15]), number(&digest[15..30])] };
        assert_eq!(celler.summand(&columns, row, row as u16), expected);
    }
    let finer = Grid::new([7; 16], 4_000_001);
    let cell = Celler::new(&plan(), &finer).summand(&columns, 0, 0).cell;
    assert_eq!(cell, u32::from_str_radix(&hex("k4:core1:1")[..5], 16).expect("hex digits"));
    assert!(cell < finer.others() && finer.others() == 1 << 20);
}

#[test]
fn a_table_is_read_as_it_was_written() {
    let mut table = Table::new(grid());
    let greatest = [(1 << 60) - 1; 2];
    [0, 7, 7, 65_535, 65_536].into_iter().for_each(|cell| table.add(Summand { cell, halves: greatest }));
    let mut text = Vec::new();
    table.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with(&format!("cells,1,{},4\ncell,rows,sum1,sum2\n0,1,", "07".repeat(16))), "{text}");
    assert!(text.contains("\n7,2,2305843009213693950,2305843009213693950\n"), "{text}");
    assert_eq!(Table::read(&text), Ok(table.clone()));
    assert_eq!((table.rows(), table.rows_of(&[7, 65_536])), (5, 3));
    for (from, to, words) in [
        ("cells,1", "cells,2", "newer version"),
        ("cells,1,07", "cells,1,", "32 hex digits"),
        ("cells", "id", "no cells"),
        ("\n7,2,", "\n70000,2,", "`70000,2,"),
        ("\n7,2,", "\n7,", "is no cell"),
        ("\n7,2,", "\n7,1,2,", "is no cell"),
        ("sum1", "sum", "the columns of cells"),
    ] {
        let error = Table::read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

/// Ids, accounts and amounts that are easily confused, and how often each side has them.
fn rows() -> impl Strategy<Value = Vec<(String, usize, usize)>> {
    let row = (0..2usize, 0..6usize, 0..6usize, 0..3usize, 0..3usize, 0..3usize);
    let texts = ["-", "1", "11", "1:1", "ñ", "12"];
    let row = row.prop_map(move |(source, id, account, amount, left, right)| {
        let (source, amount) = (["core", "teller"][source], ["1.00", "-1.00", "11.00"][amount]);
        (format!("{source}|{}|{}|{amount}", texts[id], texts[account]), left, right)
    });
    prop::collection::vec(row, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against brute force: the cells of keys of which any row is there more often on one side, and no other.
    #[test]
    fn exactly_the_cells_whose_rows_differ(rows in rows()) {
        let lines: Vec<&str> = rows.iter().map(|(line, ..)| line.as_str()).collect();
        let batch = batch(&format!("source|id|account|amount\n{}", lines.join("\n")));
        let columns = Columns::of(&batch);
        let mut celler = Celler::new(&plan(), &grid());
        let (mut left, mut right) = (Table::new(grid()), Table::new(grid()));
        // By all that is compared: how many more the source has, and the cell.
        let mut net: BTreeMap<String, (i64, u32)> = BTreeMap::new();
        for (row, (line, source, warehouse)) in rows.iter().enumerate() {
            let is_teller = line.starts_with("teller");
            let summand = celler.summand(&columns, row, is_teller.into());
            (0..*source).for_each(|_| left.add(summand));
            (0..*warehouse).for_each(|_| right.add(summand));
            let compared = if is_teller {
                let cells: Vec<&str> = line.split('|').collect();
                format!("teller||{}|{}", cells[2], cells[3])
            } else {
                line.clone()
            };
            net.entry(compared).or_insert((0, summand.cell)).0 += *source as i64 - *warehouse as i64;
        }
        let expected: BTreeSet<u32> = net.into_values().filter(|(net, _)| *net != 0).map(|(_, cell)| cell).collect();
        prop_assert_eq!(left.differing(&right), expected.into_iter().collect::<Vec<_>>());
    }
}
