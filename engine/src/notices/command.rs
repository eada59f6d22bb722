//! Telling a command: the event on its standard input, the message and what it is about in its environment.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cuadre_rules::config::Notify;
use rustix::process::{Pid, Signal, kill_process_group};

use super::notice::Notice;
use crate::database::Fault;

/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of what it says that are told on.
const MOST_WORDS: u64 = 4096;

/// A command, ready to be run.
pub struct Hook {
    command: Vec<String>,
    seconds: u32,
    folder: PathBuf,
}

impl Hook {
    /// The command, a program and its arguments, to be run in `folder`.
    pub fn new(command: Vec<String>, settings: &Notify, folder: &Path) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { command, seconds: settings.answer_seconds, folder: folder.to_owned() }
    }

    /// Runs it with an event, once. When it ends with 0, it has taken that.
    pub fn take(&self, notice: &Notice) -> Result<(), Fault> {
        let event = serde_json::to_vec(notice).map_err(|e| Fault::lasting(e.to_string()))?;
        let mut words = tempfile::tempfile().map_err(Fault::writing)?;
        let mut child = self.start(notice, &event, &words)?;
        match self.end(&mut child) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(Fault::passing(format!("{} ended with {status}{}", self.name(), last(&mut words)))),
            Ok(None) => {
                let (name, seconds) = (self.name(), self.seconds);
                Err(Fault::passing(format!(
                    "{name} did not end within {seconds} seconds (answer_seconds), and was ended"
                )))
            }
            Err(error) => Err(Fault::passing(format!("{}: {error}", self.name()))),
        }
    }

    /// Files, not pipes, connect it: nobody has to write or read while it runs.
    fn start(&self, notice: &Notice, event: &[u8], words: &File) -> Result<Child, Fault> {
        let mut input = tempfile::tempfile().map_err(Fault::writing)?;
        input.write_all(event).and_then(|()| input.rewind()).map_err(Fault::writing)?;
        let date = notice.data.business_date.map_or(String::new(), |date| date.to_string());
        let mut command = Command::new(self.name());
        command.args(self.command.iter().skip(1)).current_dir(&self.folder).process_group(0);
        command.env("CUADRE_EVENT_TYPE", notice.event.name()).env("CUADRE_SEVERITY", notice.data.severity.name());
        command.env("CUADRE_MESSAGE", &notice.data.message).env("CUADRE_BUSINESS_DATE", date);
        command.stdin(input).stdout(Stdio::null()).stderr(words.try_clone().map_err(Fault::writing)?);
        command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::InvalidInput => {
                Fault::lasting(format!("{} cannot be run: {error}; check `command`", self.name()))
            }
            _ => Fault::passing(format!("{} cannot be run: {error}", self.name())),
        })
    }

    /// Waits until it has ended; `None` where it had to be ended, with all that it started.
    fn end(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + Duration::from_secs(self.seconds.into());
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                kill_process_group(Pid::from_child(child), Signal::KILL)?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
    }

    fn name(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }
}

/// The last line of what it said.
fn last(words: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = words.rewind().and_then(|()| words.take(MOST_WORDS).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    read.ok().and(line).map_or(String::new(), |line| format!(": {line}"))
}
