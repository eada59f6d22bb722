//! A large night, made here, reconciled by `cuadre` and, where Python and DuckDB are installed, by
//! an expert's query beside it; every figure is the median of five runs taken in turn.
//!
//!     cargo build --release && cargo bench -p cuadre-tests --bench night -- [ROWS] [FOLDER]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Decimal128Array, Int16Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use cuadre_tests::workspace;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

const DATE: &str = "2026-11-20";
const MIDNIGHT: i64 = 1_795_132_800_000_000;
const SOURCES: u64 = 15;
const RUNS: usize = 5;
const KINDS: [&str; 7] = ["DISBURSEMENT", "PAYMENT", "FEE", "TRANSFER_IN", "TRANSFER_OUT", "CASH_IN", "CASH_OUT"];

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let rows: u64 = args.next().map_or(1_000_000, |rows| rows.parse().expect("a number of rows"));
    let folder = args.next().map_or_else(|| std::env::temp_dir().join("cuadre-bench"), PathBuf::from);
    let (planted, of_tenth) = make(rows, &folder);
    let cuadre = workspace_binary();
    let config = workspace().join("fixtures/bench/cuadre.toml");
    let peer = workspace().join("tests/benches/duckdb_peer.py");
    let has_peer = Command::new("python3").args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
    let has_peer = has_peer.is_ok_and(|status| status.success());
    if !has_peer {
        println!("no peer: python3 with duckdb is not installed (pip install duckdb)");
    }

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{rows} movements a side, {cores} cores, medians of {RUNS} runs");
    println!("| work | cuadre | peak MiB | DuckDB | peak MiB | ratio |");
    println!("|---|---|---|---|---|---|");
    let mut decoded: Vec<u128> = (0..RUNS).map(|_| decode(&folder.join("parquet"), cores).as_millis()).collect();
    decoded.sort_unstable();
    println!("| only decoding the Parquet files of both sides | {} | | | | |", seconds(decoded[RUNS / 2]));
    for (work, night, whole) in [
        ("end to end alone, Parquet", "parquet", false),
        ("end to end alone, Parquet, one row in ten differs", "tenth", false),
        ("end to end alone, CSV sources", "csv", false),
        ("whole night, CSV sources", "csv", true),
    ] {
        let data = folder.join(night);
        let (form, planted) = match night {
            "tenth" => ("parquet", &of_tenth),
            form => (form, &planted),
        };
        let filings = folder.join("filings");
        let (mut ours, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let _ = fs::remove_dir_all(&filings);
            let mut command = Command::new(&cuadre);
            command.args(["run", "--date", DATE, "--config"]).arg(&config).arg("--data").arg(&data);
            match whole {
                true => command.arg("--filings").arg(&filings),
                false => command.args(["--only", "end-to-end"]),
            };
            let (spent, said) = timed(command, 3);
            assert!(said.contains(planted.as_str()), "cuadre says {said}, planted are {planted}");
            ours.push(spent);
            if has_peer {
                let mut command = Command::new("python3");
                command.arg(&peer).arg(&data).arg(form).arg(cores.to_string());
                command.args(whole.then(|| folder.join("peer")));
                peers.push(timed(command, 0).0);
            }
        }
        println!("| {work} | {}", line(ours, peers));
    }
}

/// Wall time, and peak memory in MiB.
type Spent = (Duration, u64);

/// Runs a command to its end.
fn timed(mut command: Command, code: i32) -> (Spent, String) {
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    while child.try_wait().expect("the command runs").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(high.unwrap_or(0u64));
        std::thread::sleep(Duration::from_millis(5));
    }
    let spent = started.elapsed();
    let output = child.wait_with_output().expect("the command ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{said}");
    ((spent, peak >> 10), said)
}

fn line(ours: Vec<Spent>, peers: Vec<Spent>) -> String {
    let median = |mut spent: Vec<Spent>| {
        spent.sort();
        let peak = spent.iter().map(|(_, peak)| *peak).max()?;
        Some((spent.get(spent.len() / 2)?.0.as_millis(), peak))
    };
    let Some((ms, peak)) = median(ours) else { return String::new() };
    match median(peers) {
        None => format!("{} | {peak} | | | |", seconds(ms)),
        Some((peer, peer_peak)) => {
            let ratio = ms * 100 / peer.max(1);
            format!("{} | {peak} | {} | {peer_peak} | {}.{:02} |", seconds(ms), seconds(peer), ratio / 100, ratio % 100)
        }
    }
}

fn seconds(ms: u128) -> String {
    format!("{}.{:02} s", ms / 1000, ms % 1000 / 10)
}

fn workspace_binary() -> PathBuf {
    let bench = std::env::current_exe().expect("the benchmark's own path");
    let path = bench.parent().and_then(Path::parent).expect("a target folder").join("cuadre");
    assert!(path.is_file(), "{} is not built: cargo build --release", path.display());
    path
}

/// One movement. Everything follows from its number by mixing.
struct Movement {
    source: u64,
    id: String,
    account: String,
    customer: String,
    branch: i16,
    /// Microseconds since midnight.
    at: i64,
    kind: &'static str,
    cents: i128,
}

fn mix(n: u64, salt: u64) -> u64 {
    let mut x = n.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

fn movement(n: u64) -> Movement {
    let source = n % SOURCES + 1;
    Movement {
        source,
        id: format!("S{source:02}-{:014}", n.wrapping_mul(2_654_435_761) % 100_000_000_000_000),
        account: format!("AC{:09}", mix(n, 1) % 3_000_000),
        customer: format!("CU{:08}", mix(n, 2) % 1_000_000),
        branch: (mix(n, 3) % 200 + 1) as i16,
        at: (mix(n, 4) % 86_400_000_000) as i64,
        kind: KINDS[(mix(n, 5) % 7) as usize],
        cents: (mix(n, 6) % 500_000_000).into(),
    }
}

/// The rows of a warehouse that lacks one movement in `one_in`, has another one in `one_in` changed by a cent and half as
/// many too many; what is planted, in the words of `cuadre`.
fn copies(rows: u64, one_in: u64) -> (Vec<Row>, String) {
    let (mut missing, mut changed, mut surplus) = (0u64, 0u64, 0u64);
    let mut copies = Vec::new();
    // Another order than the sources': a step that shares no factor with the number of rows.
    let step = (0..).map(|n| rows / 2 + 1 + n).find(|&step| gcd(step, rows) == 1).unwrap_or(1);
    for n in (0..rows).map(|n| (u128::from(n) * u128::from(step) % u128::from(rows)) as u64) {
        if mix(n, 9) % (2 * one_in) == 3 {
            surplus += 1;
            copies.push((n, "X", 0));
        }
        if mix(n, 7) % one_in == 2 {
            missing += 1;
            continue;
        }
        let cent = u64::from(mix(n, 8) % one_in == 1);
        changed += cent;
        copies.push((n, "", cent));
    }
    let planted = format!(
        "{} matched, {missing} missing in the warehouse, {surplus} missing in the sources, {changed} changed",
        rows - missing - changed
    );
    (copies, planted)
}

/// Makes the night in `parquet` and `csv` below `folder`, and in `tenth` one of many differences; what is planted in it.
fn make(rows: u64, folder: &Path) -> (String, String) {
    let ((few, planted), (many, of_tenth)) = (copies(rows, 10_000), copies(rows, 20));
    let done = folder.join(format!("{rows}.made"));
    if !done.is_file() {
        let _ = fs::remove_dir_all(folder);
        for form in ["parquet", "csv"] {
            let data = folder.join(form);
            for source in 1..=SOURCES {
                let landing = data.join(format!("landing/S{source:02}/{DATE}"));
                fs::create_dir_all(&landing).expect("a folder");
                let file = landing.join(format!("movements.{form}"));
                let mine = || (source - 1..rows).step_by(SOURCES as usize).map(|n| (n, "", 0));
                if form == "csv" {
                    write_csv(&file, mine())
                } else {
                    write_parquet(&file, mine())
                }
                let total: i128 = mine().map(|(n, ..)| movement(n).cents).sum();
                let total = format!("{}.{:02}", total / 100, total % 100);
                let control = format!(
                    "{{\"business_date\":\"{DATE}\",\"record_count\":{},\"amount_total\":\"{total}\"}}",
                    mine().count()
                );
                fs::write(landing.join("control.json"), control).expect("a control file");
            }
            fs::create_dir_all(data.join("warehouse")).expect("a folder");
            write_parquet(&data.join(format!("warehouse/{DATE}.parquet")), few.iter().copied());
        }
        let tenth = folder.join("tenth");
        for source in 1..=SOURCES {
            let landing = format!("landing/S{source:02}/{DATE}");
            fs::create_dir_all(tenth.join(&landing)).expect("a folder");
            for file in ["movements.parquet", "control.json"] {
                let file = Path::new(&landing).join(file);
                fs::hard_link(folder.join("parquet").join(&file), tenth.join(&file)).expect("a link");
            }
        }
        fs::create_dir_all(tenth.join("warehouse")).expect("a folder");
        write_parquet(&tenth.join(format!("warehouse/{DATE}.parquet")), many.iter().copied());
        fs::write(done, &planted).expect("the night is made");
    }
    (planted, of_tenth)
}

/// Decodes the files of both sides with the parquet crate, a core a row group, and looks at nothing.
fn decode(night: &Path, cores: usize) -> Duration {
    let landing = (1..=SOURCES).map(|source| night.join(format!("landing/S{source:02}/{DATE}/movements.parquet")));
    let files = landing.chain([night.join(format!("warehouse/{DATE}.parquet"))]);
    let started = Instant::now();
    let open =
        |path: &Path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file")).expect("Parquet");
    let groups = |path: PathBuf| (0..open(&path).metadata().num_row_groups()).map(move |group| (path.clone(), group));
    let tasks: Vec<(PathBuf, usize)> = files.flat_map(groups).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((path, group)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let reader =
                        open(path).with_row_groups(vec![*group]).with_batch_size(8192).build().expect("a reader");
                    reader.for_each(|batch| drop(std::hint::black_box(batch.expect("rows"))));
                }
            });
        }
    });
    started.elapsed()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The number of a movement, what is added to its id, the cents that are added.
type Row = (u64, &'static str, u64);

fn write_csv(path: &Path, rows: impl Iterator<Item = Row>) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    let mut line = "source_id,movement_id,account_id,customer_id,branch,booked_at,kind,currency,amount\n".to_owned();
    for (n, ..) in rows {
        out.write_all(line.as_bytes()).expect("a row is written");
        let Movement { source, id, account, customer, branch, at, kind, cents } = movement(n);
        let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
        let time = format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        line = format!("S{source:02},{id},{account},{customer},{branch},{DATE} {time},{kind},MXN,{amount}\n");
    }
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("a row is written");
}

fn write_parquet(path: &Path, rows: impl Iterator<Item = Row>) {
    let mut rows = rows.peekable();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_max_row_group_row_count(Some(250_000))
        .build();
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch(&[]).schema(), Some(properties)).expect("a writer");
    while rows.peek().is_some() {
        writer.write(&batch(&rows.by_ref().take(8192).collect::<Vec<_>>())).expect("rows are written");
    }
    writer.close().expect("the file ends");
}

fn batch(rows: &[Row]) -> RecordBatch {
    let movements: Vec<Movement> = rows.iter().map(|&(n, ..)| movement(n)).collect();
    let text = |of: &dyn Fn(usize, &Movement) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(movements.iter().enumerate().map(|(n, movement)| of(n, movement))))
    };
    let amounts = movements.iter().zip(rows).map(|(movement, (.., cents))| movement.cents + i128::from(*cents));
    let amounts = Decimal128Array::from_iter_values(amounts).with_precision_and_scale(18, 2).expect("18 digits");
    let columns: [(&str, ArrayRef); 9] = [
        ("source_id", text(&|_, m| format!("S{:02}", m.source))),
        ("movement_id", text(&|n, m| format!("{}{}", m.id, rows[n].1))),
        ("account_id", text(&|_, m| m.account.clone())),
        ("customer_id", text(&|_, m| m.customer.clone())),
        ("branch", Arc::new(Int16Array::from_iter_values(movements.iter().map(|m| m.branch)))),
        ("booked_at", Arc::new(TimestampMicrosecondArray::from_iter_values(movements.iter().map(|m| MIDNIGHT + m.at)))),
        ("kind", text(&|_, m| m.kind.to_owned())),
        ("currency", text(&|_, _| "MXN".to_owned())),
        ("amount", Arc::new(amounts)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
