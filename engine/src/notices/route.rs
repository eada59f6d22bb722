//! One route: a thread that tells events one after the other, and tries again what could not be told.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use cuadre_rules::config::Notify;

use super::command::Hook;
use super::notice::Notice;
use super::outbox::Outbox;
use super::webhook::Webhook;
use crate::clock::{Backoff, Clock};
use crate::database::Fault;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// What a route is to do.
pub enum Order {
    /// Tell this.
    Tell(Box<Notice>),
    /// The run is over: try no longer than until then, and send what is left.
    End(Instant, Sender<Left>),
}

/// What is not told, and why not.
pub type Left = (Vec<Notice>, Option<Fault>);

/// A way to tell events.
pub enum Way {
    /// To a webhook.
    Webhook(Webhook),
    /// To a command.
    Command(Hook),
}

impl Way {
    /// The way that the settings describe; `folder` is where its command is run and the path of its secret begins.
    pub fn open(settings: &Notify, folder: &Path) -> Result<Self, Fault> {
        match (&settings.url, &settings.command) {
            (Some(url), _) => Webhook::open(url, settings, folder).map(Self::Webhook),
            (None, command) => Ok(Self::Command(Hook::new(command.clone().unwrap_or_default(), settings, folder))),
        }
    }

    /// Tells an event, once.
    pub fn take(&self, notice: &Notice) -> Result<(), Fault> {
        match self {
            Self::Webhook(webhook) => webhook.take(notice),
            Self::Command(hook) => hook.take(notice),
        }
    }
}

/// A route at work.
pub struct Runner {
    settings: Notify,
    folder: PathBuf,
    outbox: Outbox,
    way: Option<Way>,
    /// To be told, the next first. What could not be told goes to the end, so that it holds up nothing else.
    waiting: VecDeque<Notice>,
    /// Not to be told in this run: the fault stays until somebody repairs it.
    refused: Vec<Notice>,
    fault: Option<Fault>,
    pauses: Backoff,
    next: Instant,
}

impl Runner {
    /// A route that begins with what earlier runs left in the outbox.
    pub fn new(settings: Notify, folder: &Path, outbox: Outbox) -> Self {
        let waiting = outbox.left(&settings.name).into();
        let (refused, folder) = (Vec::new(), folder.to_owned());
        Self {
            settings,
            folder,
            outbox,
            way: None,
            waiting,
            refused,
            fault: None,
            pauses: Backoff::new(FIRST, LONGEST),
            next: Instant::now(),
        }
    }

    /// Does what it is told until the run ends.
    pub fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let order = match self.waiting.is_empty() {
                true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => orders.recv_timeout(self.next.saturating_duration_since(Instant::now())),
            };
            match order {
                Ok(Order::Tell(notice)) => self.waiting.push_back(*notice),
                Ok(Order::End(until, reply)) => return self.end(until, &reply),
                Err(RecvTimeoutError::Timeout) => drop(self.take_next()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tries all that waits once more, and again while there is time.
    fn end(&mut self, until: Instant, reply: &Sender<Left>) {
        self.at_once();
        while !self.waiting.is_empty() {
            thread::sleep(self.next.saturating_duration_since(Instant::now()));
            if !self.take_next() && self.next > until {
                break;
            }
        }
        let left: Vec<Notice> = self.waiting.drain(..).chain(self.refused.drain(..)).collect();
        let fault = self.fault.take().filter(|_| !left.is_empty());
        // Whoever no longer listens has waited long enough.
        let _ = reply.send((left, fault));
    }

    /// Tries the next one; whether nothing speaks against trying another at once.
    fn take_next(&mut self) -> bool {
        let Some(notice) = self.waiting.pop_front() else { return true };
        match self.take(&notice) {
            Ok(()) => {
                self.outbox.done(&self.settings.name, &notice);
                self.at_once();
            }
            Err(fault) if fault.passing => {
                self.waiting.push_back(notice);
                self.fault = Some(fault);
                self.next = Instant::now() + self.pauses.next(&Clock::system());
                return false;
            }
            Err(fault) => {
                self.refused.push(notice);
                self.fault = Some(fault);
            }
        }
        true
    }

    /// The next try needs no pause.
    fn at_once(&mut self) {
        self.pauses.reset();
        self.next = Instant::now();
    }

    fn take(&mut self, notice: &Notice) -> Result<(), Fault> {
        let way = match self.way.take() {
            Some(way) => way,
            None => Way::open(&self.settings, &self.folder)?,
        };
        self.way.insert(way).take(notice)
    }
}
