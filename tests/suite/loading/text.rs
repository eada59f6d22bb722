//! Delimited text: quotes, encodings, headers, the shape of records, lines that are not data.

use super::{case, night};

#[test]
fn delimiters_and_quotes() {
    let account = "columns.account = \"account\"\n";
    let with = |more: &str| format!("{account}{more}");
    night([
        case("comma", account, "id,account,amount\n1,x,10.00\n2,y,-5.00\n", "1 | x | 10.00\n2 | y | -5.00"),
        case("no last line end", account, "id,account,amount\n1,x,10.00", "1 | x | 10.00"),
        case("cr lf", account, "id,account,amount\r\n1,x,10.00\r\n\r\n2,y,5\r\n", "1 | x | 10.00\n2 | y | 5.00"),
        case("semicolon", &with("csv.delimiter = ';'"), "id;account;amount\n1;a,b;10.00\n", "1 | a,b | 10.00"),
        case("tab", &with("csv.delimiter = \"\\t\""), "id\taccount\tamount\n1\tx\t10.00\n", "1 | x | 10.00"),
        case("pipe", &with("csv.delimiter = '|'"), "id|account|amount\n1|x|10.00\n", "1 | x | 10.00"),
        case(
            "quotes",
            account,
            "id,account,amount\n1,\"a, \"\"b\"\"\",10.00\n\"2\",\"two\nlines\",\"-5.00\"\n",
            "1 | a, \"b\" | 10.00\n2 | two\nlines | -5.00",
        ),
        case("apostrophes", &with("csv.quote = \"'\""), "id,account,amount\n1,'a, b',10.00\n", "1 | a, b | 10.00"),
        case(
            "no quotes",
            &with("csv.quote = ''"),
            "id,account,amount\n1,12\" pipe,10.00\n2,\"x,5\n",
            "1 | 12\" pipe | 10.00\n2 | \"x | 5.00",
        ),
        case("blanks kept", &with("trim = false"), "id,account,amount\n1, x ,10.00\n", "1 |  x  | 10.00"),
    ]);
}

#[test]
fn encodings() {
    let account = |encodings: &str| format!("columns.account = \"account\"\nencoding = [{encodings}]");
    let (utf8, ansi) = (account("'utf-8'"), account("'windows-1252'"));
    let marked = |mark: &[u8]| [mark, b"id,account,amount\n1,x,10.00\n"].concat();
    let mixed = ["id,account,amount\n1,Ñandú €,10.00\n".as_bytes(), b"2,\xd1and\xfa,5.00\n"].concat();
    night([
        case("utf-8", &utf8, "id,account,amount\n1,Ñandú €,10.00\n", "1 | Ñandú € | 10.00"),
        case("mark", &utf8, marked(b"\xef\xbb\xbf"), "1 | x | 10.00"),
        case("mark and quotes", &utf8, "\u{feff}\"id\",\"account\",\"amount\"\n1,x,10.00\n", "1 | x | 10.00"),
        case("garbled mark", &utf8, marked(b"\xc3\xaf\xc2\xbb\xc2\xbf"), "1 | x | 10.00"),
        case("twice garbled mark", &utf8, marked(b"\xc3\x83\xc2\xaf\xc2\xbb\xc2\xbf"), "1 | x | 10.00"),
        case("mark of another encoding", &ansi, marked(b"\xef\xbb\xbf"), "1 | x | 10.00"),
        case("windows-1252", &ansi, b"id,account,amount\n1,\xd1and\xfa \x80,10.00\n", "1 | Ñandú € | 10.00"),
        case("latin-1", &account("'latin-1'"), b"id,account,amount\n1,\xd1\xa3,10.00\n", "1 | Ñ£ | 10.00"),
        case("cp850", &account("'cp850'"), b"id,account,amount\n1,\xa5\x9c,10.00\n", "1 | Ñ£ | 10.00"),
        case("per record", &account("'utf-8', 'windows-1252'"), &mixed, "1 | Ñandú € | 10.00\n2 | Ñandú | 5.00"),
        case(
            "none declared",
            &utf8,
            &mixed,
            "1 | Ñandú € | 10.00
             record 2 = 2 | \u{fffd}and\u{fffd} | 5.00: it has bytes that the declared encoding does not have; declare \
             the file's own",
        ),
    ]);
}

#[test]
fn headers() {
    let position = "columns.id = 1\ncolumns.amount = 3";
    night([
        case("aliases", "columns.amount = ['Importe', 'Monto', 'amount']", "id,Monto\n1,10.00\n", "1 | 10.00"),
        case("the first alias wins", "columns.amount = ['net', 'gross']", "id,gross,net\n1,12.00,10.00\n", "1 | 10.00"),
        case("case and blanks", "columns.amount = 'Net Amount'", "ID, NET AMOUNT \n1,10.00\n", "1 | 10.00"),
        case("letters of other cases", "columns.amount = 'operación'", "id,OPERACIÓN\n1,10.00\n", "1 | 10.00"),
        case("positions", position, "id,x,y\n1,2,10.00\n", "1 | 10.00"),
        case("no header", &format!("csv.header = false\n{position}"), "1,x,10.00\n2,y,5.00\n", "1 | 10.00\n2 | 5.00"),
        case("a repeated name is the first", "", "id,note,amount,note\n1,x,10.00,y\n", "1 | 10.00"),
        case(
            "of repeated amounts too, and said so",
            "",
            "id,amount,Amount\n1,10.00,99.00\n",
            "1 | 10.00
             schema_drift: column `amount` occurs more than once; the amounts are read from the first (1 file)",
        ),
        case("empty names", "", "id,,amount,\n1,x,10.00,y\n", "1 | 10.00"),
        case("a garbled name", "", b"id,\xff\xfe\x00,amount\n1,x,10.00\n", "1 | 10.00"),
        case(
            "renamed",
            "",
            "id,account,importe\n1,x,10.00\n",
            "source_rejected: landing/renamed/extract cannot be read: no column `amount` for `amount`; the file has: \
             id, account, importe. Add the new name to the aliases if it was renamed; no movement of the source is in \
             the report",
        ),
        case(
            "an optional column is gone",
            "columns.account = ['account', 'cuenta']",
            "id,amount\n1,10.00\n",
            "1 | 10.00
             schema_drift: no column `account` or `cuenta` for `account` (1 file)",
        ),
        case(
            "a required column is gone",
            "columns.account = 'account'\nrequired = ['account']",
            "id,amount\n1,10.00\n",
            "source_rejected: landing/a required column is gone/extract cannot be read: no column `account` for \
             `account`; the file has: id, amount. Add the new name to the aliases if it was renamed; no movement of the \
             source is in the report",
        ),
        case(
            "not the expected header",
            "expected_header = ['id', 'account', 'amount']",
            "id,amount,branch\n1,10.00,x\n",
            "1 | 10.00
             schema_drift: column `account` is gone (1 file); column `branch` is new (1 file)",
        ),
        case(
            "another order",
            "expected_header = ['id', 'amount']",
            "amount,id\n10.00,1\n",
            "1 | 10.00\nschema_drift: the columns come in another order (1 file)",
        ),
    ]);
}

#[test]
fn records_of_another_shape() {
    let positions = "csv.header = false\ncolumns.id = 1\ncolumns.account = 3\ncolumns.amount = 2\n";
    let file = "id,amount\n1,10.00\n2,5.00,\n3,5.00, ,\n4,5.00,x\n5\n";
    let cut = "record 5 = 5: it has 1 of the 2 fields that the header names: it is cut or shifted";
    let wide = "fields where the header has 2: a delimiter inside a text?";
    let by_default = format!("1 | 10.00\n2 | 5.00\n3 | 5.00\nrecord 4 = 4 | 5.00 | x: 3 {wide}\n{cut}");
    let strict = format!(
        "1 | 10.00\nrecord 2 = 2 | 5.00 | : 3 {wide}\nrecord 3 = 3 | 5.00 |   | : 4 {wide}\n\
         record 4 = 4 | 5.00 | x: 3 {wide}\n{cut}"
    );
    let lenient = format!("1 | 10.00\n2 | 5.00\n3 | 5.00\n4 | 5.00\n{cut}");
    let short = "1 | 10.00\n2 | 5.00\n3 | 5.00\n4 | 5.00\nrecord 5, amount = : the amount is empty";
    night([
        case("only empty extra fields by default", "", file, by_default),
        case("no extra fields", "csv.extra_fields = 'reject'", file, strict),
        case("any extra fields", "csv.extra_fields = 'allow'", file, lenient),
        case("short records", "csv.extra_fields = 'allow'\ncsv.allow_short_records = true", file, short),
        case(
            "short without header",
            positions,
            "1,10.00,x\n2,10.00\n3,5.00,y,z\n",
            "1 | x | 10.00
             3 | y | 5.00
             record 2 = 2 | 10.00: it has 2 of the 3 fields that the mapping needs: it is cut or shifted",
        ),
        case(
            "short allowed without header",
            &format!("{positions}csv.allow_short_records = true"),
            "1,10.00,x\n2,10.00\n",
            "1 | x | 10.00\n2 | 10.00",
        ),
        case(
            "required and empty",
            "columns.account = 'account'\nrequired = ['id', 'account']",
            "id,account,amount\n1,x,10.00\n,x,10.00\n3,  ,10.00\n",
            "1 | x | 10.00
             record 2, id = : the field is required and empty
             record 3, account = : the field is required and empty",
        ),
    ]);
}

#[test]
fn lines_that_are_not_data() {
    night([
        case("preamble", "csv.skip_lines = 2", "Report\n\"of a day\nid,amount\n1,10.00\n", "1 | 10.00"),
        case(
            "footers",
            "csv.footer_records = 2",
            "id,amount\n1,10.00\n2,5.00\n--\nend of file\n",
            "1 | 10.00\n2 | 5.00",
        ),
        case(
            "nothing but footers",
            "csv.footer_records = 2",
            "id,amount\n--\n",
            "source_empty: its files arrived without a single record",
        ),
        case(
            "remarks",
            "csv.skip_records_starting_with = ['#', 'Page ']",
            "id,amount\n# note\n1,10.00\nPage 2 of 2\n2,x\n",
            "1 | 10.00\nrecord 2, amount = x: `x` at position 1 does not belong in an amount",
        ),
        case("shorter than its preamble", "csv.skip_lines = 9", "Report\n", EMPTY),
    ]);
}

const EMPTY: &str = "source_empty: its files arrived without a single record
    schema_drift: the file is empty, without even a header (1 file)";

#[test]
fn trailers() {
    let total = "csv.trailer = { marker = 'TOTAL', records = 2, amount = 3 }\n";
    let settings = |more: &str| format!("{total}{more}\n[source.control]\nfrom = 'trailer'");
    let with = |id, more: &str, file: &str, expected| {
        case(id, &format!("columns.amount = 3\n{}", settings(more)), format!("id,account,amount\n{file}"), expected)
    };
    night([
        with("matched", "", "1,x,10.00\n2,y,-2.50\nTOTAL,2,7.50\n", "1 | 10.00\n2 | -2.50"),
        with(
            "mismatched",
            "",
            "1,x,10.00\nTOTAL,2,7.50\n",
            "1 | 10.00\ncontrol_mismatch: the source states 2 records, 1 were read; the source states 7.50 MXN...",
        ),
        with(
            "absent",
            "",
            "1,x,10.00\n",
            "1 | 10.00\ncontrol_absent: landing/absent/extract has no trailer record: it may be cut off",
        ),
        with(
            "as amounts are written",
            "amount.grouping = ','",
            "1,x,\"1,000.00\"\nTOTAL,1,\"1,000.00\"\n",
            "1 | 1000.00",
        ),
        with("debits positive", "amount.negate = true", "1,x,10.00\nTOTAL,1,10.00\n", "1 | -10.00"),
        with(
            "no number",
            "",
            "1,x,10.00\nTOTAL,some,10.00\n",
            "source_rejected: landing/no number/extract cannot be read: the trailer's record count `some` is no number; \
             no movement of the source is in the report",
        ),
        with(
            "two of them",
            "",
            "1,x,10.00\nTOTAL,1,10.00\n2,x,5.00\nTOTAL,1,5.00\n",
            "source_rejected: landing/two of them/extract cannot be read: the file has two trailer records; it may be \
             two deliveries in one; no movement of the source is in the report",
        ),
        with(
            "refused records count as sent",
            "",
            "1,x,10.00\n2,y,oops\nTOTAL,2,12.50\n",
            "1 | 10.00
             record 2, amount = oops: `o` at position 1 does not belong in an amount
             control_mismatch: the source states 12.50 MXN...",
        ),
    ]);
}
