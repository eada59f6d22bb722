//! Files: compressed, bounded, several, empty, unreadable, or not where they should be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use arrow_array::StringArray;
use cuadre_tests::Place;

use super::formats::parquet_of;
use super::{Case, case, check, night, night_with, source};

/// The stock tools' formats, written by hand: a gzip member and a zstd frame that store `bytes`.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let crc = bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let length = u16::try_from(bytes.len()).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1].to_vec();
    let stored = [&length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes].concat();
    [header, stored, (!crc).to_le_bytes().to_vec(), u32::from(length).to_le_bytes().to_vec()].concat()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0x20, u8::try_from(bytes.len()).unwrap()];
    let block = ((bytes.len() as u32) << 3 | 1).to_le_bytes();
    [&header[..], &block[..3], bytes].concat()
}

#[test]
fn compression() {
    let file = b"id,amount\n1,10.00\n";
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 12].to_vec();
    let mut changed = gzip(file);
    changed[28] ^= 1; // 10.00 is 11.00
    night([
        case("gzip", "", gzip(file), "1 | 10.00"),
        case("gzip of several members", "", [gzip(file), gzip(b"2,5.00\n")].concat(), "1 | 10.00\n2 | 5.00"),
        case("zstd", "", zstd(file), "1 | 10.00"),
        case("zstd of several frames", "", [zstd(file), zstd(b"2,5.00\n")].concat(), "1 | 10.00\n2 | 5.00"),
        case("json lines", "format = 'jsonl'", gzip(b"{\"id\":1,\"amount\":1}\n"), "1 | 1.00"),
        damaged("gzip cut", cut(gzip(file)), "after record 0: it is cut, or its compression is damaged"),
        damaged("zstd cut", cut(zstd(file)), "after record 0: it is cut, or its compression is damaged"),
        damaged("gzip changed", changed, "after record 1: it is cut, or its compression is damaged"),
        damaged(
            "gzip and more",
            [&gzip(file)[..], b"rubbish"].concat(),
            "after record 1: it is cut, or its compression",
        ),
    ]);
}

/// A file that cannot be read through, with how the reason begins; nothing of it counts.
fn damaged(id: &'static str, bytes: Vec<u8>, why: &str) -> Case {
    unread(id, "", bytes, &format!("{why}..."))
}

fn unread(id: &'static str, settings: &str, bytes: impl AsRef<[u8]>, why: &str) -> Case {
    let expected = format!("source_rejected: landing/{id}/extract cannot be read: {why}");
    case(id, settings, bytes, expected)
}

#[test]
fn limits() {
    let long = "x".repeat(300);
    let rows = "1,10.00\n".repeat(1000);
    let record =
        "a record is larger than 200 bytes (an unclosed quote?); raise limits.record_bytes if it is meant to be...";
    let bomb = "after record 0: it decompresses to more than 1000 bytes; if it is no decompression bomb, raise \
                limits.expansion or limits.decompressed_bytes...";
    let fixed = "format = 'fixed'\nfixed.fields = { id = [1, 3], amount = [4, 9] }";
    let jsonl = "format = 'jsonl'";
    let parquet = "format = 'parquet'\ncolumns.amount = 'id'";
    let of_ids = |ids: &[&str]| parquet_of(&[("id", Arc::new(StringArray::from(ids.to_vec())))]);
    let too_long =
        |id, settings: &str, bytes: String, place: &str| unread(id, settings, bytes, &format!("{place}: {record}"));
    night_with(
        "limits = { record_bytes = 200, decompressed_bytes = 1000 }",
        [
            too_long("a record", "", format!("id,account,amount\n1,x,10.00\n2,{long},5.00\n"), "after record 1"),
            too_long("a quote", "", format!("id,account,amount\n1,x,10.00\n2,\"x,5.00\n{rows}"), "after record 1"),
            too_long("a header", "", format!("id,{long},amount\n1,x,10.00\n"), "after record 0"),
            too_long("a preamble", "csv.skip_lines = 1", format!("{long}\nid,amount\n"), "the preamble"),
            too_long("a json line", jsonl, format!("{{\"id\":1,\"amount\":1}}\n{{\"id\":\"{long}\"}}\n"), "line 2"),
            too_long("a fixed line", fixed, format!("001000001\n{long}\n"), "line 2"),
            unread("a parquet record", parquet, of_ids(&["x", &long]), &format!("after record 1: {record}")),
            unread(
                "a parquet bomb",
                parquet,
                of_ids(&[&"x".repeat(1100)]),
                "it decompresses to more than 1000 bytes...",
            ),
            unread("a bomb", "", gzip(format!("id,amount\n{rows}").as_bytes()), bomb),
            case("not compressed", "", format!("id,amount\n{}", "1,0\n".repeat(300)), "1 | 0.00\n".repeat(300)),
        ],
    );
}

#[test]
fn files_of_a_source() {
    let file = "id,amount\n1,10.00\n";
    let more = "id,amount\n2,oops\n3,5.00\n";
    let every: String = (0..200).map(|n| format!("{n} | 1.00\n")).collect();
    let branches = "source.expected_files = 200\nfiles = 'landing/branches/{date}/*.csv'";
    let branches = (0..200).fold(source("branches", branches, every), |branches, n| {
        branches.and(&format!("2026-11-20/branch-{n:03}.csv"), format!("id,amount\n{n},1.00\n"))
    });
    let patterns = "files = ['landing/patterns/b*', 'landing/patterns/?.csv', 'landing/patterns/*']";
    let dated = "files = 'landing/dated/{date}/m-{date:%d%m%y}.csv'";
    night([
        branches,
        source("patterns", patterns, "2 | 1.00\n3 | 1.00\n1 | 1.00")
            .and("c", "id,amount\n1,1\n")
            .and("b", "id,amount\n2,1\n")
            .and("z.csv", "id,amount\n3,1\n")
            .and(".hidden", "id,amount\n4,1\n"),
        source("dated", dated, "1 | 10.00").and("2026-11-20/m-201126.csv", file).and("2026-11-19/m-191126.csv", more),
        source(
            "two files",
            "",
            "3 | 5.00
             1 | 10.00
             b, record 1, amount = oops: `o` at position 1 does not belong in an amount",
        )
        .and("c", file)
        .and("b", more),
        case("one gone", "source.expected_files = 2", file, "1 | 10.00\nfiles_missing: 1 of 2 expected files arrived"),
        case(
            "delivered twice",
            "source.expected_files = 2",
            file,
            "1 | 10.00
             files_missing: 1 of 2 expected files arrived
             file_repeated: 1 of 2 files were delivered twice",
        )
        .and("sent again", file),
        source(
            "none",
            "files = 'landing/none/{date}.csv'",
            "source_missing: no file arrived at landing/none/2026-11-20.csv",
        ),
    ]);
}

#[test]
fn files_with_nothing_in_them() {
    let positions = "csv.header = false\ncolumns.id = 1\ncolumns.amount = 2";
    let empty = "source_empty: its files arrived without a single record";
    let no_header = "the file is empty, without even a header";
    let nothing = format!("{empty}\nschema_drift: {no_header} (1 file)");
    let rubbish: Vec<u8> = (0..=255).cycle().take(4096).collect();
    night([
        case("zero bytes", "", "", nothing.clone()),
        case("gzip of zero bytes", "", gzip(b""), nothing),
        case("zero bytes without header", positions, "", empty),
        case("no line", "format = 'jsonl'", "\n\n", empty),
        case("only a header", "", "id,amount\n", empty),
        case("an empty branch", "", "", "1 | 10.00\nschema_drift: the file is empty, without even a header (1 file)")
            .and("other", "id,amount\n1,10.00\n"),
        unread("rubbish", "", &rubbish, "no column `amount` for `amount`; the file has: \u{fffd}..."),
        case(
            "rubbish of JSON lines",
            "format = 'jsonl'",
            b"\xff\xfe\n\xfd\n",
            "record 1 = \u{fffd}\u{fffd}: the line is no JSON object: expected value at column 1
             record 2 = \u{fffd}: the line is no JSON object: expected value at column 1",
        ),
        unread("rubbish of Parquet", "format = 'parquet'", &rubbish, "not a readable Parquet file: ..."),
    ]);
}

/// What cannot be read, or must not be, rejects its own source; the others are filed.
#[test]
fn one_bad_source_does_not_stop_the_others() {
    let place = Place::new();
    let elsewhere = Place::new();
    elsewhere.write("secret.csv", "id,amount\n9,9.00\n");
    place.write("landing/folder/2026-11-20.csv/x", "id,amount\n9,9.00\n");
    place.write("landing/link/real.csv", "id,amount\n1,1.00\n");
    let link = |from: &str, to: &Path| {
        fs::create_dir_all(place.at(from).parent().unwrap()).unwrap();
        symlink(to, place.at(from)).unwrap();
    };
    link("landing/link out/extract.csv", &elsewhere.at("secret.csv"));
    link("landing/link to nothing/extract.csv", &place.at("none.csv"));
    link("landing/link/inside.csv", &place.at("landing/link/real.csv"));
    link("landing/folder out", elsewhere.path());
    let file = "id,amount\n1,10.00\n";
    let mut cases = vec![
        case("before", "", file, "1 | 10.00"),
        source("link out", "", "source_rejected: landing/link out/extract.csv leads out of the data folder; ..."),
        source(
            "folder out",
            "files = 'landing/folder out/s*'",
            "source_rejected: landing/folder out/secret.csv leads out of the data folder; ...",
        ),
        source("link", "files = 'landing/link/inside.csv'", "1 | 1.00"),
        source(
            "link to nothing",
            "files = 'landing/link to nothing/extract.csv'",
            "source_rejected: landing/link to nothing/extract.csv is a folder or a link to nothing; ...",
        ),
        source(
            "folder",
            "files = 'landing/folder/{date}.csv'",
            "source_rejected: landing/folder/2026-11-20.csv is a folder or a link to nothing; ...",
        ),
        case("after", "", file, "1 | 10.00"),
    ];
    place.write("landing/unreadable/extract", file);
    fs::set_permissions(place.at("landing/unreadable/extract"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(place.at("landing/unreadable/extract")).is_err() {
        cases.push(source("unreadable", "", "source_rejected: landing/unreadable/extract: Permission denied..."));
    }
    check(&place, "", cases);
}
