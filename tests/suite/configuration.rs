//! The configuration: a plan where it is right, and the line where it is wrong.

use cuadre_tests::{Place, SMALL, workspace};

use crate::errors::Page;

const CHECK: [&str; 3] = ["check", "--config", "cuadre.toml"];

/// Checks the smallest configuration with one text replaced by another.
fn wrong(page: &mut Page, title: &str, old: &str, new: &str) {
    assert!(SMALL.contains(old), "{title}: {old}");
    let place = Place::new();
    place.write("cuadre.toml", SMALL.replacen(old, new, 1));
    page.entry(title, &place, &CHECK, 78);
}

/// The same with text at the end, within the `[source.extract]` table.
fn appended(page: &mut Page, title: &str, text: &str) {
    let place = Place::new();
    place.write("cuadre.toml", format!("{SMALL}{text}\n"));
    page.entry(title, &place, &CHECK, 78);
}

#[test]
fn the_plan_of_a_valid_configuration() {
    let place = Place::new();
    place.write("cuadre.toml", SMALL);
    place.write("demo.toml", std::fs::read(workspace().join("fixtures/demo/cuadre.toml")).unwrap());
    let mut page = Page::new("plans");
    page.entry("the smallest", &place, &CHECK, 0)
        .entry("for a machine", &place, &["check", "--config", "cuadre.toml", "--json"], 0)
        .entry(
            "the demo's, with the paths of a day",
            &place,
            &["check", "--config", "demo.toml", "--date", "2026-11-20"],
            0,
        )
        .done();
}

#[test]
fn the_schema_names_every_setting() {
    let done = Place::new().cuadre(["schema"]);
    assert_eq!(done.code, 0);
    let schema: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let names: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "closed currencies currency data databases dataset deadline early_warning end_to_end filings institution language limits notify pages policy report retention \
                    rule rule_files series signing source telemetry time_stamp time_stamps time_zone waiting warehouse work";
    assert_eq!(names.join(" "), expected);
    let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    for name in ["institution", "series", "deadline", "currency", "signing", "warehouse", "report", "source"] {
        assert!(required.contains(&name), "{name} is required");
    }
}

#[test]
fn grammar() {
    let page = &mut Page::new("configuration-grammar");
    wrong(page, "no TOML", "currency = \"MXN\"", "currency = MXN");
    wrong(page, "an unknown setting", "deadline = \"06:00\"", "dead_line = \"06:00\"");
    wrong(
        page,
        "an unknown setting of a source",
        "format = \"csv\"\ncolumns = { id",
        "formatt = \"csv\"\ncolumns = { id",
    );
    wrong(page, "a setting is missing", "deadline = \"06:00\"\n", "");
    wrong(
        page,
        "a setting of a source is missing",
        "[source.extract]\nfiles = \"landing/a/{date}.csv\"\n",
        "[source.extract]\n",
    );
    wrong(page, "twice the same", "deadline = \"06:00\"", "deadline = \"06:00\"\ndeadline = \"07:00\"");
    wrong(page, "a number for a text", "deadline = \"06:00\"", "deadline = 6");
    wrong(page, "no such field", "{ field = \"id\" }", "{ field = \"ident\" }");
    wrong(page, "no such format", "format = \"csv\"\ncolumns = { id", "format = \"xlsx\"\ncolumns = { id");
    wrong(
        page,
        "no such encoding",
        "format = \"csv\"\ncolumns = { id",
        "format = \"csv\"\nencoding = [\"utf8\"]\ncolumns = { id",
    );
    wrong(page, "no such kind of exception", "[signing]", "[policy]\nblock_on = [\"missing\"]\n\n[signing]");
    wrong(page, "a column that is none", "amount = \"amount\" }\n\n[report]", "amount = 1.5 }\n\n[report]");
    wrong(page, "files that are none", "files = \"landing/a/{date}.csv\"", "files = 7");
    wrong(page, "two warehouses", "[report]", "[warehouse.sqlite]\npath = \"x.db\"\n\n[report]");
    wrong(
        page,
        "a delimiter of two characters",
        "format = \"csv\"\ncolumns = { id",
        "format = \"csv\"\ncsv.delimiter = \";;\"\ncolumns = { id",
    );
    appended(page, "no such rule", "[[rule]]\nid = \"r\"\ncheck.ballance = {}");
    page.done();
}

#[test]
fn values() {
    let page = &mut Page::new("configuration-values");
    let mut of_night = |title, text: &str| wrong(page, title, "\n[signing]", &format!("\n{text}\n\n[signing]"));
    of_night("no time zone", "time_zone = \"Mexico\"");
    of_night("no currency", "currencies = [\"USD\", \"pesos\"]");
    of_night("a coverage above all", "[policy]\nminimum_coverage_percent = 101");
    of_night(
        "a bucket whose archive may be away",
        "filings = \"s3://bank/filings\"\n\n[policy]\nwithout_archive = true",
    );
    of_night("a retention of no time", "[retention]\ndays = 0");
    of_night("early warning of nothing", "[early_warning]\nleast = 0");
    of_night("early warning that needs more days than it looks at", "[early_warning]\nweeks = 3");
    of_night("a work folder in a bucket", "work = \"s3://bucket/night\"");
    of_night("a work folder in the series", "work = \"filings/\"");
    of_night("metrics in no file", "[telemetry]\nmetrics = \" \"");
    of_night("a namespace of words", "[telemetry]\nlineage_namespace = \"our bank\"");
    of_night("a key for a file of run events", "[telemetry]\nlineage = \"x.jsonl\"\nlineage_key.env = \"KEY\"");
    of_night("run events to no host", "[telemetry]\nlineage = \"ftp://lineage.example\"");
    of_night("a password in the URL of run events", "[telemetry]\nlineage = \"https://u:p@lineage.example\"");
    let clear = "[telemetry]\nlineage = \"http://lineage.example\"\nlineage_key.env = \"KEY\"";
    of_night("a key for run events in the clear", clear);
    of_night("a required source that does not exist", "[policy]\nrequired_sources = [\"a\", \"b\"]");
    wrong(page, "no time of day", "deadline = \"06:00\"", "deadline = \"6 am\"");
    wrong(page, "a principal of several words", "tests@cuadre.example", "the whole team");
    let key = "key = \"key\"";
    wrong(page, "a passphrase for ssh-agent", key, &format!("{key}\nagent = true\npassphrase.env = \"WORDS\""));
    wrong(page, "a key to be made in ssh-agent", key, &format!("{key}\nagent = true\ncreate = true"));
    wrong(page, "the source is always compared", "key = [\"id\"]", "key = [\"source\", \"id\"]");
    wrong(page, "a compared field that a source does not map", "key = [\"id\"]", "key = [\"customer\"]");
    wrong(page, "a compared field that the warehouse does not map", "id = \"id\", booked_on", "booked_on");
    wrong(page, "a warehouse that does not say whose its rows are", "{ source = \"source\", id", "{ id");
    wrong(
        page,
        "a report without columns",
        &SMALL[SMALL.find("columns = [").unwrap()..SMALL.find("[[source]]").unwrap()],
        "columns = []\n\n",
    );
    wrong(page, "two report columns of one name", "{ field = \"id\" }", "{ field = \"id\", name = \"source\" }");
    wrong(page, "a report without delimiter", "[report]", "[report]\ndelimiter = \"\u{a6}\"");
    wrong(page, "an id with a slash", "id = \"a\"", "id = \"a/b\"");
    wrong(page, "a cut-off that is no time", "id = \"a\"", "id = \"a\"\ncut_off = \"25:00\"");
    let times = "id = \"a\"\nexpected = \"04:30\"\ncut_off = \"04:00\"";
    wrong(page, "expected after its cut-off", "id = \"a\"", times);
    wrong(page, "files that are asked whether they are there", "id = \"a\"", "id = \"a\"\nready = \"SELECT 1\"");
    wrong(page, "looks without a pause", "[signing]", "[waiting]\npoll_seconds = 0\n[signing]");
    let warehouse = "[waiting.warehouse]\ncut_off = \"at five\"\n[signing]";
    wrong(page, "a cut-off of the warehouse that is no time", "[signing]", warehouse);
    appended(
        page,
        "two sources of one id",
        "\n[[source]]\nid = \"a\"\nextract = { files = \"x\", format = \"csv\", columns = { id = 1, account = 2, amount = 3 } }",
    );
    page.done();
}

#[test]
fn extracts() {
    let page = &mut Page::new("configuration-extracts");
    let files = "files = \"landing/a/{date}.csv\"";
    wrong(page, "files outside the data folder", files, "files = [\"landing/a/x.csv\", \"../b/{date}.csv\"]");
    wrong(page, "files from the root", files, "files = \"/landing/a/{date}.csv\"");
    wrong(page, "an unknown token", files, "files = \"landing/a/{day}.csv\"");
    wrong(page, "a token that a date cannot fill", files, "files = \"landing/a/{date:%H %Z}.csv\"");
    wrong(page, "a token without end", files, "files = \"landing/a/{date.csv\"");
    let columns = "columns = { id = \"id\", booked_on = \"date\", account = \"account\", amount = \"amount\" }\n";
    assert!(SMALL.ends_with(columns));
    let mut mapped = |title, new: &str| {
        let place = Place::new();
        let text = format!(
            "{}format = \"csv\"\n{new}\n",
            SMALL.strip_suffix(&format!("format = \"csv\"\n{columns}")).unwrap()
        );
        place.write("cuadre.toml", text);
        page.entry(title, &place, &CHECK, 78);
    };
    let plain = "columns.id = \"id\"\ncolumns.account = \"account\"";
    mapped("no column for the amount", plain);
    mapped("debits without credits", &format!("{plain}\namount.debit = \"cargo\""));
    mapped(
        "an amount and debits and credits",
        &format!("{columns}amount.debit = \"cargo\"\namount.credit = \"abono\""),
    );
    mapped("one mark for two things", &format!("{columns}amount.decimal = \",\"\namount.grouping = \",\""));
    mapped("a digit for a mark", &format!("{columns}amount.decimal = \"0\""));
    mapped(
        "a flag that says both",
        &format!("{columns}amount.flag = {{ column = \"dc\", debit = [\"D\"], credit = [\"C\", \"D\"] }}"),
    );
    mapped("a column number zero", &format!("{plain}\ncolumns.amount = 0"));
    mapped("a debit column number zero", &format!("{plain}\namount.debit = 0\namount.credit = 2"));
    mapped("names without a header", &format!("{columns}csv.header = false"));
    mapped("no name at all", &format!("{plain}\ncolumns.amount = []"));
    mapped("the source's own id", &format!("{plain}\ncolumns.amount = \"amount\"\ncolumns.source = \"system\""));
    mapped(
        "a currency that does not exist",
        &format!("{plain}\ncolumns.amount = \"amount\"\ncolumns.currency = {{ value = \"peso\" }}"),
    );
    mapped("a required field that no column gives", &format!("{columns}required = [\"id\", \"customer\"]"));
    mapped("no encoding", &format!("{columns}encoding = []"));
    mapped("a date format that is none", &format!("{columns}date_formats = [\"%d/%m/%Y\", \"%Q\"]"));
    mapped("a date format without year", &format!("{columns}date_formats = [\"%d/%m\"]"));
    mapped("a quote of two characters", &format!("{columns}csv.quote = \"''\""));
    mapped("a trailer that is not described", &format!("{columns}\n[source.control]\nfrom = \"trailer\""));
    mapped(
        "a control file without name",
        &format!("{columns}\n[source.control]\nfrom = \"json\"\nrecords = \"count\""),
    );
    mapped(
        "a control file without totals",
        &format!("{columns}\n[source.control]\nfrom = \"json\"\nfile = \"c.json\""),
    );
    mapped(
        "a control file outside the data folder",
        &format!("{columns}\n[source.control]\nfrom = \"csv\"\nfile = \"../c.csv\"\nrecords = \"n\""),
    );
    mapped(
        "a hash total of nothing",
        &format!("{columns}\n[source.control]\nfrom = \"json\"\nfile = \"c.json\"\nhash_total = \"hash\""),
    );
    page.done();
}

#[test]
fn other_formats() {
    let page = &mut Page::new("configuration-formats");
    let mut of = |title, text: &str| {
        let place = Place::new();
        let (small, _) = SMALL.split_once("[source.extract]").unwrap();
        place.write("cuadre.toml", format!("{small}[source.extract]\nfiles = \"x\"\n{text}\n"));
        page.entry(title, &place, &CHECK, 78);
    };
    let columns = "columns = { id = \"id\", account = \"id\", amount = \"amount\" }\n";
    of("fixed width without fields", &format!("format = \"fixed\"\n{columns}"));
    of(
        "a field without positions",
        &format!("format = \"fixed\"\n{columns}fixed.fields = {{ id = [1, 3], amount = [9, 4] }}"),
    );
    of("a field that is not declared", &format!("format = \"fixed\"\n{columns}fixed.fields = {{ id = [1, 3] }}"));
    of(
        "a trailer field that does not exist",
        &format!(
            "format = \"fixed\"\n{columns}fixed.fields = {{ id = [1, 3], amount = [4, 9] }}\nfixed.trailer = {{ count = [2, 4] }}"
        ),
    );
    of(
        "a trailer field without positions",
        &format!(
            "format = \"fixed\"\n{columns}fixed.fields = {{ id = [1, 3], amount = [4, 9] }}\nfixed.trailer = {{ records = [0, 4] }}"
        ),
    );
    of(
        "a position in fixed width",
        "format = \"fixed\"\nfixed.fields = { id = [1, 3] }\ncolumns = { id = \"id\", account = \"id\", amount = 2 }",
    );
    of("a position in JSON", "format = \"jsonl\"\ncolumns = { id = \"id\", account = \"id\", amount = 2 }");

    let files = &SMALL[SMALL.find("[warehouse.files]").unwrap()..SMALL.find("[report]").unwrap()];
    let mut of_database = |title, old: &str, new: &str| {
        let table = "[warehouse.sqlite]\npath = \"warehouse.db\"\ntable = \"movements\"\n\
                     columns = { source = \"source\", id = \"id\", booked_on = \"date\", account = \"account\", amount = \"amount\" }\n\n";
        assert!(table.contains(old), "{old}");
        wrong(page, title, files, &table.replace(old, new));
    };
    of_database("a database outside the data folder", "\"warehouse.db\"", "\"../warehouse.db\"");
    of_database("a database without dates", "booked_on = \"date\", ", "");
    of_database("a position in a database", "id = \"id\"", "id = 2");
    of_database(
        "a database's date format without year",
        "table = \"movements\"",
        "table = \"movements\"\ndate_format = \"%d/%m\"",
    );
    let path = "path = \"warehouse.db\"";
    of_database("a password in a URL", path, "url = \"postgres://cuadre:s3cret@dwh.bank.example/finance\"");
    of_database("a database of an unknown kind", path, "url = \"oracle://dwh.bank.example/finance\"");
    of_database("a database without host", path, "url = \"mysql:finance\"");
    of_database("neither table nor query", "table = \"movements\"\n", "");
    of_database("table and query", "table = \"movements\"", "table = \"movements\"\nquery = \"SELECT 1\"");
    of_database("a database in files", path, "path = \"warehouse.db\"\nfiles = \"warehouse/{date}.csv\"");
    of_database("a warehouse without database", &format!("{path}\ntable = \"movements\"\n"), "");
    wrong(page, "a table without database", "files = \"warehouse/{date}.csv\"", "table = \"movements\"");
    let source = "[source.control]\nfrom = \"table\"\n";
    appended(page, "a control table without database", &format!("{source}table = \"sent\"\nrecords = \"n\""));
    let url = "url = \"postgres://u@h/d\"";
    appended(page, "a control table without totals", &format!("{source}{url}\ntable = \"sent\""));
    appended(page, "a control without table", &format!("{source}{url}\nrecords = \"n\""));
    page.done();
}

#[test]
fn time_stamps() {
    let page = &mut Page::new("configuration-time-stamps");
    let table = "[[time_stamp]]\nname = \"psc-1\"\nurl = \"https://psc.example/tsa\"\ncertificate = \"psc.pem\"\n";
    let mut of = |title, old: &str, new: &str| {
        assert!(table.contains(old), "{title}: {old}");
        appended(page, title, &table.replace(old, new));
    };
    of("a name that no file can have", "psc-1", "PSC 1");
    of("a password in a URL", "https://", "https://caja:s3cret@");
    of("a user in a URL", "https://", "https://caja@");
    of("a URL of something else", "https://", "ftp://");
    of("a URL without host", "https://psc.example", "https://");
    of("no certificate", "psc.pem", "");
    let with = |setting: &str| format!("psc.pem\"\n{setting} #");
    of("a policy that is none", "psc.pem", &with("policy = \"1.2.3.x\""));
    of("a user without password", "psc.pem", &with("user = \"caja\""));
    let password = "password = { env = \"PSC_PASSWORD\" }";
    of("a password without user", "psc.pem", &with(password));
    of("a user with a colon", "psc.pem", &with(&format!("user = \"caja:s3cret\"\n{password}")));
    let open = format!("http://psc.example/tsa\"\nuser = \"caja\"\n{password} #");
    of("a password in the clear", "https://psc.example/tsa", &open);
    appended(page, "two of one name", &table.repeat(2));
    appended(page, "no time to answer", "[time_stamps]\nanswer_seconds = 0");
    page.done();

    let place = Place::new();
    let more = format!("policy = \"1.2.3.4.1\"\nuser = \"caja\"\n{password}\n");
    let open = "[[time_stamp]]\nname = \"b\"\nurl = \"http://[::1]:8080\"\ncertificate = \"b.pem\"\n";
    place.write("cuadre.toml", format!("{SMALL}{table}{more}{open}{}", &more[more.find("user").unwrap()..]));
    let authority = include_str!("authority.pem");
    place.write("psc.pem", authority).write("b.pem", authority);
    let done = place.cuadre(CHECK);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("Time-stamped by psc-1, b"), "{}", done.stderr);
}

#[test]
fn notify() {
    let page = &mut Page::new("configuration-notify");
    let table = "[[notify]]\nname = \"on-call\"\nurl = \"https://alerts.example/hook\"\n";
    let mut of = |title, old: &str, new: &str| {
        assert!(table.contains(old), "{title}: {old}");
        appended(page, title, &table.replace(old, new));
    };
    let url = "url = \"https://alerts.example/hook\"";
    let with = |setting: &str| format!("{url}\n{setting}");
    of("a name that no folder can have", "on-call", "../on call");
    of("no way", url, "");
    of("two ways", url, &with("command = [\"alert\"]"));
    of("a password in a URL", "https://", "https://caja:s3cret@");
    of("a webhook in the clear", "https://", "http://");
    of("a URL of something else", "https://", "mailto:");
    of("no program", url, "command = []");
    of("a command that is signed", url, "command = [\"alert\"]\nsecret = { env = \"HOOK_SECRET\" }");
    of("no such event", url, &with("events = [\"cuadre.night.over\"]"));
    of("no such severity", url, &with("at_least = \"urgent\""));
    of("no time to answer", url, &with("answer_seconds = 0"));
    appended(page, "two of one name", &table.repeat(2));
    wrong(page, "no such language", "deadline", "language = \"es\"\ndeadline");
    wrong(
        page,
        "a filing that waits for a message",
        "\n[signing]",
        "\n[policy]\nblock_on = [\"notification_failed\"]\n\n[signing]",
    );
    page.done();
}

#[test]
fn rules() {
    let page = &mut Page::new("configuration-rules");
    let rule = |check: &str| format!("\n[[rule]]\nid = \"r\"\n{check}");
    let dataset = "\n[[dataset]]\nid = \"customers\"\n";
    appended(
        page,
        "an unknown dataset",
        &rule("check.reference = { field = \"account\", dataset = \"clients\", column = \"id\" }"),
    );
    appended(
        page,
        "an unknown source",
        &rule("only = { source = [\"a\", \"b\"] }\ncheck.range = { minimum = \"0.00\" }"),
    );
    appended(
        page,
        "a tolerance without reason",
        &rule("check.balance = { group_by = [\"account\"], tolerance = \"0.01\" }"),
    );
    appended(page, "a bound that is no amount", &rule("check.range = { maximum = \"1e5\" }"));
    appended(page, "SQL for a warehouse of files", &rule("check.warehouse_sql = { query = \"SELECT 1\" }"));
    appended(page, "a query for a warehouse of files", &format!("{dataset}query = \"SELECT id FROM customers\""));
    appended(page, "a dataset that is neither file nor query", dataset);
    appended(page, "a dataset outside the data folder", &format!("{dataset}file = \"../customers.csv\""));
    appended(
        page,
        "a rule and a dataset of one id",
        &format!("\n[[dataset]]\nid = \"r\"\nfile = \"r.csv\"\n{}", rule("check.range = { minimum = \"0.00\" }")),
    );
    let pairing = |more: &str| {
        rule(&format!("[rule.check.pairing]\nleft = {{ source = [\"a\"] }}\nright = {{ kind = [\"SPEI\"] }}\n{more}"))
    };
    appended(
        page,
        "a pairing with an unknown source",
        &pairing("").replace("kind = [\"SPEI\"]", "source = [\"spei\"]"),
    );
    appended(page, "a pairing by what is compared anyway", &pairing("by = [\"amount\"]"));
    appended(page, "a pairing by no field", &pairing("by = [\"referencia\"]"));
    appended(page, "a pairing of a shape that is none", &pairing("shape = \"2:1\""));
    appended(page, "a pairing whose tolerance has no reason", &pairing("tolerance.left = { amount = \"1.00\" }"));
    appended(page, "a pairing whose sides are not apart", &pairing("opposite_sign = false"));
    appended(page, "a pairing that carries for no time", &pairing("carried_from = \"2026-11-20\"\ncarry_days = 1"));
    appended(page, "two rules of one id", &format!("{0}\n{0}", rule("check.range = { minimum = \"0.00\" }")));
    let file = |id: &str| format!("\n[[dataset]]\nid = \"{id}\"\nfile = \"{id}.csv\"\n");
    let carried = |more: &str| rule(&format!("check.roll_forward = {{ group_by = [\"account\"]{more} }}"));
    appended(page, "balances that open with nothing", &carried(""));
    appended(page, "balances carried from no date", &carried(", carried_from = \"20 November\""));
    appended(
        page,
        "balances by what is no field",
        &rule("check.roll_forward = { group_by = [\"cuenta\"], carried_from = \"2026-11-20\" }"),
    );
    appended(
        page,
        "balances by a column of no field",
        &rule("check.roll_forward = { group_by = { acount = \"cuenta\" }, carried_from = \"2026-11-20\" }"),
    );
    appended(
        page,
        "balances by neither",
        &rule("check.roll_forward = { group_by = \"account\", carried_from = \"2026-11-20\" }"),
    );
    appended(page, "a limit of nothing", &rule("check.limits = { group_by = [\"account\"] }"));
    appended(
        page,
        "limits by another field",
        &format!(
            "{}{}",
            file("tops"),
            rule("check.limits.maxima = { dataset = \"tops\", group_by = [\"branch\"], maximum = \"top\" }")
        ),
    );
    let maxima = "maxima = { dataset = \"tops\", group_by = [\"account\"], maximum = \"top\" }";
    let limits = rule(&format!("check.limits = {{ group_by = [\"account\"], {maxima} }}"));
    appended(page, "an unknown dataset of limits", &limits);
    appended(page, "a sequence of amounts", &rule("check.sequence = { field = \"amount\" }"));
    let three = |more: &str| {
        let ledger = "ledger = { dataset = \"ledger\", amount = \"saldo\", currency = \"MXN\" }";
        format!("{}{}", file("ledger"), rule(&format!("check.three_way = {{ {more}{ledger} }}")))
    };
    appended(page, "a warehouse that is added up by what it lacks", &three("group_by = [\"branch\"], "));
    let by_cells =
        "[warehouse.database]\nurl = \"postgres://x@localhost/x\"\ntable = \"movements\"\ncompared = \"cells\"\n";
    let (start, rest) = SMALL.split_once("[warehouse.files]").unwrap();
    let (_, rest) = rest.split_once("format = \"csv\"\n").unwrap();
    let place = Place::new();
    place.write("cuadre.toml", format!("{start}{by_cells}{rest}{}", three("group_by = [\"account\"], ")));
    page.entry("a warehouse of cells that is added up by its rows", &place, &CHECK, 78);
    let bounded = "check.warehouse_sql = { query = \"SELECT 1\", rows = 0 }";
    let place = Place::new();
    place.write("cuadre.toml", format!("{start}{}{rest}{}", by_cells.replace("cells", "rows"), rule(bounded)));
    page.entry("an answer without rows", &place, &CHECK, 78);
    let of_period = |period: &str| rule(&format!("{period}\ncheck.range = {{ minimum = \"0.00\" }}"));
    let (old, new) = (of_period("valid_until = \"2026-06-30\""), of_period("valid_from = \"2026-06-30\""));
    appended(page, "two rules of one id on the same day", &(old + &new));
    appended(page, "a date that is none", &of_period("valid_from = \"2026-02-30\""));
    appended(page, "a date that is a number", &of_period("valid_from = 2026"));
    appended(
        page,
        "a period that ends before it begins",
        &of_period("valid_from = 2026-07-01\nvalid_until = 2026-06-30"),
    );
    appended(page, "a message of a misspelt value", &of_period("message.en = \"{amonut} is too much\""));
    appended(page, "a message with a single brace", &of_period("message.es-MX = \"{found\""));
    appended(page, "a misspelt setting of a rule", &of_period("ownr = \"compliance\""));
    appended(page, "a misspelt field of a rule", &of_period("only = { acount = [\"x\"] }"));
    appended(page, "a number for a bound", &rule("check.range = { minimum = 5 }"));
    appended(page, "a text for a list", &rule("check.uniqueness = { fields = \"id\" }"));
    appended(page, "a misspelt severity", &of_period("severity = \"criticl\""));
    let near = format!("{dataset}file = \"c.csv\"\n");
    let misspelt = rule("check.reference = { field = \"account\", dataset = \"custmers\", column = \"id\" }");
    appended(page, "a misspelt dataset", &(near + &misspelt));
    let place = Place::new();
    let config = |files: &str| format!("rule_files = {files}\n{SMALL}");
    let mut of_files = |title, files: &str, rules: &str| {
        place.write("cuadre.toml", config(files)).write("rules/limits.toml", rules);
        page.entry(title, &place, &CHECK, 78);
    };
    of_files("no file of rules", "[\"rules/none.toml\"]", "");
    of_files("no files of rules", "[\"rules/*.tml\"]", "");
    of_files("a file of rules elsewhere", "[\"../rules.toml\"]", "");
    of_files("a file of rules with a date", "[\"rules/{date}.toml\"]", "");
    of_files("a file of rules with more than rules", "[\"rules/*.toml\"]", "deadline = \"06:00\"");
    let second = of_period("").replace("id = \"r\"", "id = \"s\"") + &rule("check.range = { minimum = \"1e5\" }");
    of_files("a wrong rule of a file", "[\"rules/*.toml\"]", &second);
    page.done();
}
