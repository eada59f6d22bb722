//! A real browser for tests: Debian's chromium, without a window, on pages that lie in files. On a machine without it
//! a test is skipped, loudly; where the environment has `CI` it fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::servers::told;

/// What measures the pages that it shows in frames.
const MEASURE: &str = include_str!("browser/measure.js");

/// A browser, with a folder of its own.
pub struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// The browser, or `None`, said on stderr, where there is none.
///
/// # Panics
/// If it is not installed where `CI` is set.
pub fn browser() -> Option<Browser> {
    let programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let found = programs.into_iter().find(|program| program.is_file());
    let folder = tempfile::tempdir().expect("a temporary folder");
    told(("browser", "chromium"), found.map(|program| Ok::<_, String>(Browser { program, folder })))
}

impl Browser {
    /// Shows each page in a frame of that many pixels' width, and tells what is visible there: see `measure.js`.
    pub fn measure(&self, pages: &[(&Path, u32)]) -> Vec<Value> {
        let frame = |(page, width): &(&Path, u32)| {
            format!("<iframe width=\"{width}\" height=\"900\" src=\"file://{}\"></iframe>", page.display())
        };
        let frames: String = pages.iter().map(frame).collect();
        let wrapper = self.folder.path().join("measure.html");
        let html = format!(
            "<!DOCTYPE html><meta charset=\"utf-8\"><style>iframe {{ border: 0; display: block }}</style>{frames}\
             <pre id=\"measured\"></pre><script>{MEASURE}</script>"
        );
        fs::write(&wrapper, html).expect("a page is written");
        let budget = "--virtual-time-budget=20000";
        let dom = self.run(&["--allow-file-access-from-files", budget, "--dump-dom"], &wrapper);
        let measured = dom.split_once("<pre id=\"measured\">").and_then(|(_, rest)| rest.split_once("</pre>"));
        let (text, _) = measured.unwrap_or_else(|| panic!("nothing was measured:\n{dom}"));
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Prints a page as PDF.
    pub fn print(&self, page: &Path, pdf: &Path) {
        self.run(&["--no-pdf-header-footer", &format!("--print-to-pdf={}", pdf.display())], page);
        assert!(pdf.is_file(), "{} was not printed", page.display());
    }

    /// Takes a picture of a page as PNG.
    pub fn picture(&self, page: &Path, (width, height): (u32, u32), png: &Path) {
        let size = format!("--window-size={width},{height}");
        self.run(&["--hide-scrollbars", &size, &format!("--screenshot={}", png.display())], page);
    }

    fn run(&self, args: &[&str], page: &Path) -> String {
        let output = Command::new(&self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .arg(format!("--user-data-dir={}", self.folder.path().join("profile").display()))
            .args(args)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .output()
            .expect("the browser runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the browser failed on {}:\n{words}", page.display());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
