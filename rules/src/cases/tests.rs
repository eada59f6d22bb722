use super::*;

const FILE: &str = r#"
date = "2026-11-20"

[[case]]
name = "a payment above the ceiling"
rule = "ceiling"
expect = "failed"
movements = """
| account | amount  | kind |
| 1       | 10.00   | FEE  |
| 2       | 5.00    | FEE  |
| 3       | -7.00   | -    |
"""
violations = """
amount | record
-7.00  | 3
10.00  | 1
"""

[[case]]
name = "before its time"
rule = "ceiling"
date = "2025-12-31"
expect = "notInForce"

[[case]]
name = "a customer that is not on file"
rule = "known"
movements = "customer\nC1\nC2"
dataset.customers = """
id
C1"""
violations = "found | reason\nC2 | C2 de core"
expect = "failed"

[[case]]
name = "no file of customers"
rule = "known"
expect = "notEvaluated"

[[rule]]
id = "ceiling"
valid_from = "2026-01-01"
check.range = { maximum = "5.00", absolute = true }

[[rule]]
id = "known"
only = { source = ["core"] }
message.es-MX = "{found} de {source}"
check.reference = { field = "customer", dataset = "customers", column = "id" }
"#;

fn ran(text: &str) -> Result<Vec<Ran>, String> {
    let text = Text::new("cases.toml", text);
    let file = CaseFile::parse(&text).map_err(|error| error.to_string())?;
    let rules = file.own().rules;
    let setting = Setting { rules: &rules, config: None, language: Language::Spanish };
    file.run(&text, setting).map_err(|error| error.to_string())
}

#[test]
fn cases_hold() {
    let ran = ran(FILE).unwrap();
    assert!(ran.iter().all(Ran::holds), "{ran:#?}");
    assert_eq!(ran[0].violations.lines.len(), 2);
    assert_eq!(ran[3].explanation.es, "no hay ningún conjunto `customers`");
}

/// text | what is in its place | what then fails, by position | its lines: `+` surplus, `-` missing
#[test]
fn what_differs_is_shown() {
    let differs = |from: &str, to: &str, position: usize, lines: &[&str]| {
        assert!(FILE.contains(from), "{from}");
        let ran = ran(&FILE.replacen(from, to, 1)).unwrap();
        let failed: Vec<usize> = (0..ran.len()).filter(|n| !ran[*n].holds()).collect();
        assert_eq!(failed, [position], "{to}");
        let shown = |(mark, values): &(Mark, Vec<String>)| {
            let mark = match mark {
                Mark::Found => " ",
                Mark::Missing => "-",
                Mark::Surplus => "+",
            };
            format!("{mark} {}", values.join(" | "))
        };
        assert_eq!(ran[position].violations.lines.iter().map(shown).collect::<Vec<_>>(), lines, "{to}");
    };
    differs("maximum = \"5.00\"", "maximum = \"4.00\"", 0, &["  10.00 | 1", "+ 5.00 | 2", "  -7.00 | 3"]);
    differs("maximum = \"5.00\"", "maximum = \"8.00\"", 0, &["  10.00 | 1", "- -7.00 | 3"]);
    differs("10.00  | 1\n", "10.00  | 1\n10.00  | 1\n", 0, &["  10.00 | 1", "  -7.00 | 3", "- 10.00 | 1"]);
    differs("C2 de core", "C2 de otro", 2, &["+ C2 | C2 de core", "- C2 | C2 de otro"]);
    differs("2025-12-31", "2026-01-01", 1, &[]);
    differs("id\nC1\"\"\"", "id\nC1\nC2\"\"\"", 2, &["- C2 | C2 de core"]);
    differs("expect = \"notEvaluated\"", "expect = \"passed\"", 3, &[]);
}

#[test]
fn a_wrong_case_is_refused_at_its_line() {
    let refused = |from: &str, to: &str, line: usize, words: &str| {
        assert!(FILE.contains(from), "{from}");
        let text = FILE.replacen(from, to, 1);
        let error = ran(&text).expect_err(to);
        assert!(error.contains(words), "{to}: {error}");
        assert!(error.contains(&format!("cases.toml:{line}:")), "{to}: {error}");
    };
    refused("10.00   | FEE", "ten     | FEE", 10, "amount `ten` is no decimal of 2 decimals");
    refused("-7.00   | -", "-7.00", 12, "2 cells, where there are 3 columns");
    refused("| account | amount", "| acount  | amount", 9, "help: did you mean `account`?");
    refused("amount | record", "amount | amount", 15, "two columns are called `amount`");
    refused("amount | record", "amount | wrong", 15, "no column is called `wrong`");
    refused("rule = \"ceiling\"", "rule = \"celing\"", 6, "did you mean `ceiling`?");
    refused("dataset.customers", "dataset.clients", 30, "the rule looks nothing up in `clients`");
    refused("2025-12-31", "2025-12-32", 23, "`2025-12-32` is no date");
    refused("\"customer\\nC1\\nC2\"", "\"\"\"customer\nC1 | x\"\"\"", 30, "2 cells, where there are 1 columns");
    refused("expect = \"notInForce\"", "expect = \"no\"", 24, "unknown value `no`");
}

#[test]
fn the_currency_decides_the_decimals() {
    let text = "[[rule]]\nid = 'r'\ncheck.range.maximum = '1.000'\n[[case]]\nname = 'dinars'\nrule = 'r'\nexpect = 'failed'\n\
                movements = '''\namount|currency\n1.001|BHD'''";
    let text = Text::new("cases.toml", text);
    let file = CaseFile::parse(&text).unwrap();
    let ran = file.run(&text, Setting { rules: &file.own().rules, config: None, language: Language::English }).unwrap();
    assert!(ran[0].holds(), "{ran:#?}");
}
