//! Telling people and their machines what happens in a night: events of CloudEvents 1.0, by webhook or command.
//!
//! Each route has a thread of its own, so that the night waits for none. What is to be told is kept in the
//! [outbox] until it is: a later run delivers what an earlier one could not, and says so in its filing.

pub mod command;
pub mod notice;
pub mod outbox;
pub mod route;
pub mod webhook;
pub mod words;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cuadre_rules::Config;
use cuadre_rules::config::Notify;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::clock::Clock;
use crate::database::Fault;
use crate::error::EngineError;
use crate::reconcile::gaps::counted;
use crate::telling::{Event, Listener};

use notice::Notice;
use outbox::Outbox;
use route::{Left, Order, Runner};
use words::Scene;

/// Beyond its seconds, how long a route may take to say what it has not delivered.
const GRACE: Duration = Duration::from_secs(5);

/// The routes of a night, which tell what they hear of it.
pub struct Notices<'a> {
    scene: Scene<'a>,
    outbox: Outbox,
    routes: Vec<(&'a Notify, Sender<Order>)>,
    /// What this run has heard, by id.
    heard: Mutex<HashSet<String>>,
}

/// What a route has not delivered by the end of a run.
#[derive(Debug)]
pub struct Undelivered {
    /// The route.
    pub route: String,
    /// The events.
    pub notices: Vec<Notice>,
    /// Why not, as far as it is known.
    pub fault: Option<Fault>,
    /// Whether a later run will deliver them.
    pub kept: bool,
}

impl<'a> Notices<'a> {
    /// Opens the routes of a configuration, which begin with what earlier runs left in the outbox. `folder` is where
    /// commands are run and the paths of secrets begin.
    ///
    /// # Errors
    /// [`EngineError`] where the day has no deadline.
    pub fn open(config: &'a Config, date: Date, folder: &Path, outbox: Outbox) -> Result<Self, EngineError> {
        let scene = Scene::new(config, Some(date))?;
        let open = |settings: &'a Notify| {
            let (orders, received) = mpsc::channel();
            let runner = Runner::new(settings.clone(), folder, outbox.clone());
            // Without a thread nothing is told now, which the end of the run says.
            let _ = thread::Builder::new().spawn(move || runner.run(&received));
            (settings, orders)
        };
        Ok(Self { scene, routes: config.notify.iter().map(open).collect(), outbox, heard: Mutex::default() })
    }

    /// Waits until everything is delivered, for no longer than each route has seconds to try again; what is not.
    pub fn finish(&self) -> Vec<Undelivered> {
        let now = Instant::now();
        let ending = self.routes.iter().map(|(settings, orders)| (*settings, end(settings, orders, now)));
        let ending: Vec<_> = ending.collect();
        let ended = ending.into_iter().filter_map(|(settings, (ended, until))| {
            let left = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
            let stuck = |_| (Vec::new(), Some(Fault::passing("it was still being asked when the run ended")));
            let (notices, fault) = left.unwrap_or_else(stuck);
            let nothing = notices.is_empty() && fault.is_none();
            let kept = self.outbox.is_kept();
            (!nothing).then(|| Undelivered { route: settings.name.clone(), notices, fault, kept })
        });
        ended.collect()
    }

    fn tell(&self, notice: &Notice) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if !heard.insert(notice.id.clone()) {
            return;
        }
        for (settings, orders) in &self.routes {
            if settings.takes(notice.event, notice.data.severity) && !self.outbox.is_known(&settings.name, notice) {
                self.outbox.keep(&settings.name, notice);
                // A thread that has ended has left it in the outbox.
                let _ = orders.send(Order::Tell(Box::new(notice.clone())));
            }
        }
    }
}

impl Listener for Notices<'_> {
    fn hear(&self, event: &Event<'_>) {
        if !self.routes.is_empty() {
            Notice::of(event, &self.scene).iter().for_each(|notice| self.tell(notice));
        }
    }
}

/// Tells a route that the run is over: where it answers with what is left, and by when it must have.
fn end(settings: &Notify, orders: &Sender<Order>, now: Instant) -> (Receiver<Left>, Instant) {
    let (reply, ended) = mpsc::channel();
    let until = now + Duration::from_secs(settings.retry_seconds.into());
    // Where its thread is gone, so is the reply, and nothing is waited for.
    let _ = orders.send(Order::End(until, reply));
    // The try that is under way, and one after it, may each take as long as an answer may.
    (ended, until + 2 * Duration::from_secs(settings.answer_seconds.into()) + GRACE)
}

/// Asks each route whether it works, with an event of its own: in their order, whether it took that.
pub fn check(config: &Config, folder: &Path) -> Result<Vec<Result<(), Fault>>, EngineError> {
    let scene = Scene::new(config, None)?;
    let now: Timestamp = Clock::system().now();
    let check =
        |settings: &Notify| route::Way::open(settings, folder)?.take(&Notice::check(&settings.name, now, &scene));
    Ok(config.notify.iter().map(check).collect())
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { route, notices, fault, kept } = self;
        let what = match notices.len() as u64 {
            0 => "may not be told everything".to_owned(),
            count => format!("is not told {}", counted(count, "event")),
        };
        let why = fault.as_ref().map_or(String::new(), |fault| format!(": {fault}"));
        let remedy = if *kept { "the next run tells it" } else { "there is no work folder, so it is lost" };
        write!(f, "route {route} {what}{why}; {remedy}")
    }
}
