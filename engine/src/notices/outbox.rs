//! What is to be told, until it is: a file per route and event in the work folder's `outbox`. Once told, it goes
//! to `told` in the folder of its night by one rename, so that another run of the night does not tell it again.

use std::fs;
use std::path::PathBuf;

use cuadre_rules::Config;
use cuadre_rules::config::Notify;
use cuadre_rules::said;
use cuadre_rules::said::{EVENT, Said, counted};
use jiff::Timestamp;
use jiff::civil::Date;

use super::notice::Notice;
use crate::inputs::{Problem, Role};
use crate::work::Work;

/// Events that are named where what is untold is stated.
const NAMED: usize = 5;

/// What is to be told. Without a work folder it is kept nowhere.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    work: Option<Work>,
}

impl Outbox {
    /// The outbox in a work folder.
    pub fn of(work: Option<Work>) -> Self {
        Self { work }
    }

    /// Whether what is not told outlasts the run.
    pub fn is_kept(&self) -> bool {
        self.work.is_some()
    }

    /// Whether an event is waiting or told already.
    pub fn is_known(&self, route: &str, notice: &Notice) -> bool {
        self.waiting(route, &notice.id).is_some_and(|path| path.exists())
            || self.told(route, notice).is_some_and(|path| path.exists())
    }

    /// Keeps an event until it is told. Where that cannot be, it is told all the same.
    pub fn keep(&self, route: &str, notice: &Notice) {
        let Some(path) = self.waiting(route, &notice.id) else { return };
        if let Err(error) = Work::write(&path, notice) {
            eprintln!("note: route {route}: an event is told from memory alone: {error}");
        }
    }

    /// Remembers that an event is told.
    pub fn done(&self, route: &str, notice: &Notice) {
        let (Some(from), Some(to)) = (self.waiting(route, &notice.id), self.told(route, notice)) else { return };
        let moved = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::rename(&from, &to));
        // Another run of the series may have told it, too.
        if let Err(error) = moved.or_else(|error| if from.exists() { Err(error) } else { Ok(()) }) {
            eprintln!("note: route {route}: what is told will be told again: {}: {error}", to.display());
        }
    }

    /// What a route has not been told yet, the oldest first.
    pub fn left(&self, route: &str) -> Vec<Notice> {
        let folder = self.work.as_ref().map(|work| work.root().join("outbox").join(route));
        let files = folder.and_then(|folder| folder.read_dir().ok()).into_iter().flatten().flatten();
        let paths =
            files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        let mut left: Vec<Notice> = paths.filter_map(|path| Work::read(&path)).collect();
        left.sort_by(|one, other| order(one).cmp(&order(other)));
        left
    }

    /// What routes have not been told of nights before `date`, to be stated in the filing of that day.
    pub fn untold(&self, config: &Config, date: Date) -> Vec<Problem> {
        let problem = |route: &Notify| {
            let earlier = |notice: &Notice| notice.data.business_date.is_some_and(|of| of < date);
            let left: Vec<Notice> = self.left(&route.name).into_iter().filter(earlier).collect();
            let reason = stated(&route.name, &left)?.into_language(config.language);
            Some(Problem { role: Role::Notification, of: route.name.clone(), reason, unfinished: false })
        };
        config.notify.iter().filter_map(problem).collect()
    }

    fn waiting(&self, route: &str, id: &str) -> Option<PathBuf> {
        Some(self.work.as_ref()?.root().join("outbox").join(route).join(id).with_extension("json"))
    }

    fn told(&self, route: &str, notice: &Notice) -> Option<PathBuf> {
        let night = self.work.as_ref()?.night(notice.data.business_date?);
        Some(night.join("told").join(route).join(&notice.id).with_extension("json"))
    }
}

/// The order in which events are told: nights, and what happened in each, one after the other.
fn order(notice: &Notice) -> (Option<Date>, Timestamp, &str) {
    (notice.data.business_date, notice.time, &notice.id)
}

/// What a route has not been told, in words.
fn stated(route: &str, left: &[Notice]) -> Option<Said> {
    let count = counted(left.len() as u64, EVENT);
    let of = |notice: &Notice| {
        let day = notice.data.business_date.map_or(Said::default(), |date| said!(" of {date}", " del {date}"));
        let (event, subject) = (notice.event.name(), &notice.subject);
        said!("{event} ({subject}){day}", "{event} ({subject}){day}"; day)
    };
    let named = Said::joined(&left.iter().take(NAMED).map(of).collect::<Vec<_>>(), ", ");
    let more = match left.len().saturating_sub(NAMED) {
        0 => Said::default(),
        more => said!(" and {more} more", " y {more} más"),
    };
    (!left.is_empty()).then(|| {
        said!(
            "{count} of earlier nights could not be told by `{route}`: {named}{more}",
            "{count} de noches anteriores sin entregar por `{route}`: {named}{more}"; count, named, more
        )
    })
}
