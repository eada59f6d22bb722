//! `cuadre status`: how far a night has come.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;

use super::{Configured, clock, parse_date, print_json};
use crate::clock::Clock;
use crate::error::{EngineError, exit};
use crate::status::{self, Status};
use crate::store::{Place, Working};
use crate::work::Work;

/// Show how far a night has come: what arrived, what is awaited, how much time is left
#[derive(clap::Args)]
pub struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Business date [default: that of the newest night, but no older than yesterday]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<Date>,
    /// Folder or s3:// URL of the series of filings [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    filings: Option<PathBuf>,
    /// Folder of what nights keep while they are under way [default: the configuration's, or the one beside the series]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,
    /// Show it until the night is over: live on a terminal, elsewhere a line per change
    #[arg(long)]
    watch: bool,
}

pub fn run(args: &Args) -> Result<u8, EngineError> {
    let configured = Configured::read(&args.config)?;
    let place = configured.filings(&args.filings)?;
    let work = configured.work(&args.work, &place).ok_or_else(|| no_work(&place))?;
    let (config, clock) = (&configured.config, clock()?);
    let date = args.date.unwrap_or_else(|| status::latest(&work, config, clock.now()));
    let of_series = || Status::of_series(&Working::to_read(&place)?, &work, config, date, clock.now());
    let status = Status::of_run(&work, date).map_or_else(of_series, Ok)?;
    if args.json {
        print_json(&status.json(clock.now())?)?;
        return Ok(exit::DONE);
    }
    let shown = match args.watch {
        true => watch(status, &work, &Screen::of(&clock, configured.config.zone())),
        false => Screen::of(&clock, configured.config.zone()).append(&status).map(drop),
    };
    match shown {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(EngineError::io("writing", "standard output".as_ref(), error))
        }
        _ => Ok(exit::DONE),
    }
}

fn no_work(place: &Place) -> EngineError {
    let why = "no folder lies beside a series in a bucket, and none is named for what its nights keep";
    EngineError::Setup(format!("{place}: {why}; set `work` in the configuration, or give --work"))
}

/// How often a night is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows a night until it has an outcome.
fn watch(mut status: Status, work: &Work, screen: &Screen<'_>) -> io::Result<()> {
    let live = io::stdout().is_terminal();
    let mut known = if live { Vec::new() } else { screen.append(&status)? };
    loop {
        if live {
            screen.draw(&status)?;
        }
        if status.state.outcome.is_some() {
            return Ok(());
        }
        screen.clock.pause(INTERVAL);
        status = Status::of_run(work, status.state.business_date).unwrap_or(status);
        if !live {
            known = screen.append_new(&status, &known)?;
        }
    }
}

/// Where a status is shown.
struct Screen<'a> {
    clock: &'a Clock,
    zone: jiff::tz::TimeZone,
}

impl<'a> Screen<'a> {
    fn of(clock: &'a Clock, zone: jiff::tz::TimeZone) -> Self {
        Self { clock, zone }
    }

    /// Appends all of it; what it said, but for the time left.
    fn append(&self, status: &Status) -> io::Result<Vec<String>> {
        let (mut head, body) = (status.head(&self.zone, self.clock.now()), status.body(&self.zone, self.clock.now()));
        write(&[head.as_slice(), &body].concat().join("\n"), "\n")?;
        head.truncate(1);
        Ok([head, body].concat())
    }

    /// Appends what was not said before, with the time.
    fn append_new(&self, status: &Status, known: &[String]) -> io::Result<Vec<String>> {
        let now = self.clock.now();
        let headline = status.head(&self.zone, now).into_iter().take(1);
        let lines: Vec<String> = headline.chain(status.body(&self.zone, now)).collect();
        let time = now.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string();
        for line in lines.iter().filter(|line| !known.contains(line)) {
            write(&format!("{time} {}", line.trim_start()), "\n")?;
        }
        Ok(lines)
    }

    /// Draws it over what a terminal shows; what does not change does not flicker.
    fn draw(&self, status: &Status) -> io::Result<()> {
        const HOME: &str = "\x1b[H";
        const REST_OF_LINE: &str = "\x1b[K\n";
        const REST_OF_SCREEN: &str = "\x1b[J";
        let now = self.clock.now();
        let lines = [status.head(&self.zone, now), status.body(&self.zone, now)].concat();
        let text: String = lines.iter().map(|line| format!("{line}{REST_OF_LINE}")).collect();
        write(&format!("{HOME}{text}"), REST_OF_SCREEN)
    }
}

fn write(text: &str, end: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(end.as_bytes())?;
    out.flush()
}
