//! The parts of a load, each by itself on one core: nanoseconds a row, the median of five runs.
//!
//!     cargo bench -p cuadre-tests --bench parts -- [FOLDER [PART]]
//!
//! where FOLDER is what the benchmark `night` left behind (`cuadre-bench` in the folder for
//! temporary files, unless it was told otherwise), and PART words of the parts to measure.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Instant;

use cuadre_engine::load::block::{Block, Blocks};
use cuadre_engine::load::columns::{Mapper, Movements};
use cuadre_engine::load::meaning::{Meaning, Owner};
use cuadre_engine::load::parquet::ParquetBlocks;
use cuadre_engine::load::stage::MovementStage;
use cuadre_engine::load::{Part, text_blocks};
use cuadre_engine::reconcile::breaks::plan;
use cuadre_engine::reconcile::fold::Folding;
use cuadre_rules::Config;
use cuadre_rules::end_to_end::Side;
use cuadre_rules::movement::Columns;
use cuadre_rules::sketch::{Digester, Folder, KEY_BYTES, Sketch};
use cuadre_tests::workspace;

const RUNS: usize = 5;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let folder = args.next();
    let only = args.next().unwrap_or_default();
    let folder = folder.map_or_else(|| std::env::temp_dir().join("cuadre-bench"), PathBuf::from);
    let csv = folder.join("csv/landing/S01/2026-11-20/movements.csv");
    let parquet = folder.join("parquet/landing/S01/2026-11-20/movements.parquet");
    assert!(csv.exists() && parquet.exists(), "{} has no night: run the benchmark `night` first", folder.display());
    let text = fs::read_to_string(workspace().join("fixtures/bench/cuadre.toml")).expect("the configuration");
    let config = Config::parse(&text, "cuadre.toml").expect("a configuration");
    let source = &config.sources[0];
    let owner = Owner::Source { index: 0, id: source.id.clone() };
    let date = "2026-11-20".parse().expect("a date");
    let meaning = Meaning::new(&config, &source.extract, owner, date).expect("a meaning");
    let open_parquet = || -> Box<dyn Blocks> {
        Box::new(ParquetBlocks::new(&parquet, &Part::Whole, &config.limits).expect("a Parquet file"))
    };
    let open_csv = || text_blocks(&csv, &meaning, &config.limits).expect("a CSV file");
    let mapper = |blocks: &dyn Blocks| Mapper::new(meaning.bind(blocks.header(), &[]).expect("its columns"), 0);
    let blocks = |mut blocks: Box<dyn Blocks>| -> Vec<Block> {
        let wanted = mapper(&*blocks).wanted();
        std::iter::from_fn(|| blocks.next(&wanted).expect("a block")).collect()
    };
    let movements = |blocks: Box<dyn Blocks>, of: &[Block]| -> Vec<Movements> {
        let mut mapper = mapper(&*blocks);
        of.iter().map(|block| mapper.map(block).expect("movements").0).collect()
    };

    let (of_parquet, of_csv) = (blocks(open_parquet()), blocks(open_csv()));
    let canonical = movements(open_csv(), &of_csv);
    let rows: usize = canonical.iter().map(|part| part.sources.len()).sum();
    println!("{rows} rows of {}", csv.display());
    let report = |part: &str, runs: &mut dyn FnMut() -> u64| {
        if !part.contains(&only) {
            return;
        }
        let mut spent: Vec<u128> = (0..RUNS)
            .map(|_| {
                let started = Instant::now();
                std::hint::black_box(runs());
                started.elapsed().as_nanos()
            })
            .collect();
        spent.sort_unstable();
        println!("| {part} | {} ns |", spent[RUNS / 2] / rows as u128);
    };
    println!("| part | a row |");
    println!("|---|---|");
    report("read the bytes of the CSV file", &mut || {
        let mut bytes = BufReader::with_capacity(1 << 18, File::open(&csv).expect("the file"));
        io::copy(&mut bytes, &mut io::sink()).expect("its bytes")
    });
    report("split CSV with the csv crate, by records", &mut || split(&csv));
    report("split CSV into columns", &mut || blocks(open_csv()).len() as u64);
    report("take CSV columns over", &mut || movements(open_csv(), &of_csv).len() as u64);
    report("decode Parquet", &mut || blocks(open_parquet()).len() as u64);
    report("take Parquet columns over", &mut || movements(open_parquet(), &of_parquet).len() as u64);
    let plan = plan(&config);
    let digester = Digester::new(&plan, &[7; KEY_BYTES]);
    let mut digests = Vec::new();
    report("digest", &mut || {
        canonical.iter().for_each(|part| digester.digest(&Columns::of(&part.batch), &part.sources, &mut digests));
        digests.len() as u64
    });
    let all: Vec<_> = canonical
        .iter()
        .map(|part| {
            let mut digests = Vec::new();
            digester.digest(&Columns::of(&part.batch), &part.sources, &mut digests);
            digests
        })
        .collect();
    report("sketch", &mut || {
        let mut folder = Folder::new(Side::Source, Sketch::default());
        all.iter().for_each(|digests| folder.add(digests));
        folder.finish().balance() as u64
    });
    let scratch = tempfile::tempdir().expect("a folder");
    let staged = scratch.path().join("movements.arrow");
    report("digest, sketch and stage", &mut || {
        let _ = fs::remove_file(&staged);
        let folding = Folding::new(&plan, vec![true; plan.len()]).expect("a key");
        let fold = folding.file(Side::Source, &staged).expect("a fold");
        let constants = mapper(&*open_csv()).constants();
        let mut stage =
            MovementStage::create(&staged, staged.clone(), config.scale(), constants, fold).expect("a stage");
        canonical.iter().for_each(|part| stage.write(part).expect("movements are staged"));
        stage.finish().expect("a staged file").rows() as u64
    });
}

/// What the csv crate takes for the same file, its fields looked at but not copied.
fn split(path: &Path) -> u64 {
    let mut reader = csv::ReaderBuilder::new().from_reader(File::open(path).expect("the file"));
    let (mut record, mut bytes) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).expect("a record") {
        bytes += record.iter().map(|field| field.len() as u64).sum::<u64>();
    }
    bytes
}
