//! Amounts, currencies and dates as sources write them.

use super::{case, night};

/// One amount per record; the refused ones follow.
#[test]
fn amounts() {
    let file = |amounts: &[&str]| {
        let rows = amounts.iter().zip(1..).map(|(amount, n)| format!("{n};{amount}\n"));
        format!("id;amount\n{}", rows.collect::<String>())
    };
    let anglo = "csv.delimiter = ';'\namount.grouping = ','\namount.parentheses = true\namount.trailing_minus = true\n\
                 amount.symbols = ['$', 'MXN']";
    let latin = "csv.delimiter = ';'\namount.decimal = ','\namount.grouping = '.'";
    night([
        case(
            "anglo",
            anglo,
            file(&[
                "1,234.56",
                " 2,525.18 ",
                "(250.00)",
                "250.00-",
                "$5",
                "-$1,000",
                "($0.10)",
                "7.5 MXN",
                "(-5)",
                "12,34",
            ]),
            "1 | 1234.56\n2 | 2525.18\n3 | -250.00\n4 | -250.00\n5 | 5.00\n6 | -1000.00\n7 | -0.10\n8 | 7.50
             record 9, amount = (-5): the amount has two signs
             record 10, amount = 12,34: thousands marks are misplaced",
        ),
        case(
            "latin",
            latin,
            file(&["1.234,56", "0,5", "1,234.56", "1.23"]),
            "1 | 1234.56\n2 | 0.50
             record 3, amount = 1,234.56: `.` at position 6 does not belong in an amount
             record 4, amount = 1.23: thousands marks are misplaced",
        ),
        case(
            "implied cents",
            "csv.delimiter = ';'\namount.implied_decimals = 2",
            file(&["12345", "-7", "000000000100", "1.00"]),
            "1 | 123.45\n2 | -0.07\n3 | 1.00\nrecord 4, amount = 1.00: `.` at position 2 does not belong in an amount",
        ),
        case(
            "padded zeros",
            "csv.delimiter = ';'\namount.padding_zeros = true",
            file(&["1.5000", "1.5001"]),
            "1 | 1.50\nrecord 2, amount = 1.5001: 4 decimals where the currency has 2",
        ),
        case(
            "plain",
            "csv.delimiter = ';'",
            file(&["1", ".5", "-0.00", "1.005", "1,00", "5-", "$5", "", "12 34"]),
            "1 | 1.00\n2 | 0.50\n3 | 0.00
             record 4, amount = 1.005: 3 decimals where the currency has 2
             record 5, amount = 1,00: `,` at position 2 does not belong in an amount
             record 6, amount = 5-: `-` at position 2 does not belong in an amount
             record 7, amount = $5: `$` at position 1 does not belong in an amount
             record 8, amount = : the amount is empty
             record 9, amount = 12 34: ` ` at position 3 does not belong in an amount",
        ),
        case("debits positive", "csv.delimiter = ';'\namount.negate = true", file(&["5", "-3"]), "1 | -5.00\n2 | 3.00"),
    ]);
}

#[test]
fn debits_and_credits() {
    let flag = "amount.flag = { column = 'D/C', debit = ['D', 'Cargo'], credit = ['C', 'Abono'] }";
    let split = "amount.debit = 'cargo'\namount.credit = 'abono'";
    night([
        case(
            "columns of their own",
            split,
            "id,cargo,abono\n1,10.00,\n2,,5.00\n3,0.00,7.00\n4,8.00,0\n5,1.00,2.00\n6,,\n7,x,\n",
            "1 | -10.00\n2 | 5.00\n3 | 7.00\n4 | -8.00
             record 5, amount = 1.00 | 2.00: both a debit and a credit
             record 6, amount = : both debit and credit are empty
             record 7, debit = x: `x` at position 1 does not belong in an amount",
        ),
        case(
            "flags",
            flag,
            "id,D/C,amount\n1,D,10.00\n2,C,5.00\n3, Cargo ,1\n4,Abono,2\n5,X,3\n6,,4\n",
            "1 | -10.00\n2 | 5.00\n3 | -1.00\n4 | 2.00
             record 5, amount = X: the flag says neither debit nor credit
             record 6, amount = : the flag says neither debit nor credit",
        ),
        case(
            "no such column",
            split,
            "id,cargo,amount\n1,10.00,\n",
            "source_rejected: landing/no such column/extract cannot be read: no column `abono` for credits; the file \
             has: id, cargo, amount. Add the new name to the aliases if it was renamed; no movement of the source is in \
             the report",
        ),
    ]);
}

#[test]
fn currencies() {
    night([case(
        "currencies",
        "columns.currency = 'ccy'",
        "id,ccy,amount\n1,MXN,1\n2,USD,2.50\n3,EUR,3\n4,pesos,4\n5,,5\n",
        "1 | 1.00\n2 | USD | 2.50
         record 3, currency = EUR: the currency is not among the configured `currencies`
         record 4, currency = pesos: not an ISO 4217 currency code
         record 5, currency = : the currency is empty",
    )]);
}

#[test]
fn dates() {
    let with = |formats: &str| format!("columns.booked_on = 'date'\ndate_formats = [{formats}]");
    let file = |dates: &[&str]| {
        let rows = dates.iter().zip(1..).map(|(date, n)| format!("{n};{date};1\n"));
        format!("id;date;amount\n{}", rows.collect::<String>())
    };
    let semicolons = |settings: String| format!("csv.delimiter = ';'\n{settings}");
    night([
        case(
            "iso",
            &semicolons("columns.booked_on = 'date'".to_owned()),
            file(&["2026-11-20", " 2026-11-20 ", "2026-11-19", "20/11/2026", "2026-11-31", ""]),
            "1 | 1.00\n2 | 1.00
             record 3, booked_on = 2026-11-19: wrong business date: 2026-11-19 in the delivery of 2026-11-20
             record 4, booked_on = 20/11/2026: no date in any declared format
             record 5, booked_on = 2026-11-31: no date in any declared format
             record 6, booked_on = : the date is empty",
        ),
        case(
            "several formats",
            &semicolons(with("'%d/%m/%Y', '%d-%b-%y', '%Y%m%d', '%A, %B %d, %Y'")),
            file(&["20/11/2026", "20-Nov-26", "20261120", "Friday, November 20, 2026", "Monday, November 20, 2026"]),
            "1 | 1.00\n2 | 1.00\n3 | 1.00\n4 | 1.00
             record 5, booked_on = Monday, November 20, 2026: no date in any declared format",
        ),
        case(
            "serial",
            &semicolons(with("'serial'")),
            file(&["46346", "46346.00", "46346.5", "46345", "46346x"]),
            "1 | 1.00\n2 | 1.00
             record 3, booked_on = 46346.5: no date in any declared format
             record 4, booked_on = 2026-11-19: wrong business date: 2026-11-19 in the delivery of 2026-11-20
             record 5, booked_on = 46346x: no date in any declared format",
        ),
        case(
            "instants",
            "columns.booked_at = 'at'",
            "id,at,amount\n1,2026-11-20T18:00:00Z,1\n2,2026-11-20T18:00:00-06:00,2\n3,2026-11-20 18:00:00,3\n4,,4\n5,noon,5\n",
            "1 | 2026-11-20T18:00:00Z | 1.00
             2 | 2026-11-21T00:00:00Z | 2.00
             3 | 2026-11-21T00:00:00Z | 3.00
             4 | 4.00
             record 5, booked_at = noon: no instant in any declared format",
        ),
        case(
            "instants of another zone",
            "columns.booked_at = 'at'\ntime_zone = 'America/Tijuana'\ntimestamp_formats = ['%d/%m/%Y %H:%M']",
            "id,at,amount\n1,20/11/2026 18:00,1\n",
            "1 | 2026-11-21T02:00:00Z | 1.00",
        ),
    ]);
}
