//! What a command prints its page on.

use std::io::{IsTerminal, stdout};

use cuadre_reports::text::Paper;
use terminal_size::{Width, terminal_size_of};

/// Lines are not made narrower than that.
const LEAST_WIDTH: usize = 40;

/// A terminal with its width, or a file. Where `NO_COLOR` is set, or `TERM` is `dumb`, nothing is styled.
pub fn stdout_paper() -> Paper {
    if !stdout().is_terminal() {
        return Paper::FILE;
    }
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let width = terminal_size_of(stdout()).map_or(Paper::FILE.width, |(Width(width), _)| width.into());
    Paper { width: width.max(LEAST_WIDTH), styled: !is_set("NO_COLOR") && !is_dumb }
}
