//! What the end-to-end tests share: a small institution in a folder of its own, and the `cuadre`
//! binary run on it with a fixed clock and key and an environment of nothing else.

pub mod crash;
pub mod s3;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use cuadre_audit::SigningKey;

pub mod browser;
pub mod servers;
pub mod tsa;
pub mod webhook;

/// The business date of test nights.
pub const DATE: &str = "2026-11-20";
/// When their filings are issued: 2026-11-21T11:40:00Z, 05:40 in Mexico City.
pub const ISSUED_AT: &str = "1795261200";

/// When files of test nights were last changed: 2026-11-21T05:00:00Z, an hour before midnight in Mexico City.
pub const CHANGED_AT: u64 = 1_795_237_200;

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    /// Exit code; where a signal ended it, its number, negative.
    pub code: i32,
    /// The machine's words.
    pub stdout: String,
    /// A person's words, with the folder's path replaced by `DIR`.
    pub stderr: String,
}

/// A folder with an institution in it.
pub struct Place {
    folder: tempfile::TempDir,
    /// Where commands work aside; what one that is killed leaves there goes with the place.
    scratch: tempfile::TempDir,
}

impl Place {
    /// An empty folder with a signing key at `key`.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        SigningKey::from_seed([7; 32]).write(&folder.path().join("key"), "test").expect("a key is written");
        Self { folder, scratch: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, making its folders; it was last changed at [`CHANGED_AT`].
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders are made");
        fs::write(&path, content).expect("a file is written");
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(CHANGED_AT);
        let file = fs::File::options().append(true).open(path).expect("a file is opened");
        file.set_modified(changed).expect("a file is dated");
        self
    }

    /// Reads a file as text.
    pub fn read(&self, path: &str) -> String {
        let path = self.at(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs `cuadre` in the folder.
    pub fn cuadre<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Done {
        self.cuadre_with(args, &[])
    }

    /// The same, with more in its environment.
    pub fn cuadre_with<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, env: &[(String, String)]) -> Done {
        let output = Command::new(cuadre())
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", self.scratch.path())
            .env("SOURCE_DATE_EPOCH", ISSUED_AT)
            .envs(env.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .expect("cuadre runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(&self.path().display().to_string(), "DIR");
        Done { code: code(output.status), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs the night of [`DATE`] with `cuadre.toml`, filing into `filings`.
    pub fn run(&self) -> Done {
        self.cuadre(["run", "--config", "cuadre.toml", "--date", DATE])
    }

    /// The text of a file of the night's first filing.
    pub fn filed(&self, name: &str) -> String {
        self.read(&format!("filings/filings/{DATE}.1/{name}"))
    }

    /// Has the key at `key` forget what it has signed last.
    pub fn forget_last_signed(&self) {
        for entry in fs::read_dir(self.path()).expect("a folder is listed") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("key.signed-") {
                fs::remove_file(&path).expect("a file goes");
            }
        }
    }

    /// Every file below the folder, by path, in order.
    pub fn files(&self, below: &str) -> Vec<(String, Vec<u8>)> {
        files_below(&self.at(below))
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(1))
}

/// Every file below a folder, by path, in order.
pub fn files_below(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder is listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below").display().to_string();
                files.push((name, fs::read(&path).expect("a file is read")));
            }
        }
    }
    files.sort();
    files
}

/// The `cuadre` binary beside this test binary; `cargo test --workspace` builds it.
pub fn cuadre() -> PathBuf {
    let mut path = std::env::current_exe().expect("the test's own path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push("cuadre");
    assert!(path.is_file(), "{} is not built: run `cargo test --workspace`", path.display());
    path
}

/// The root of the workspace: of the one that cargo runs, for another may have been built into the same target directory.
pub fn workspace() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().expect("a workspace").to_owned()
}

/// A configuration of one CSV source `a` and a CSV warehouse: the smallest night there is. Both
/// have the columns `id,date,account,amount`; the warehouse's begins with `source`.
pub const SMALL: &str = r#"institution = "Caja de Prueba"
series = "daily-movements"
deadline = "06:00"
currency = "MXN"

[signing]
key = "key"
principal = "tests@cuadre.example"

[end_to_end]
key = ["id"]

[warehouse.files]
files = "warehouse/{date}.csv"
format = "csv"
columns = { source = "source", id = "id", booked_on = "date", account = "account", amount = "amount" }

[report]
columns = [
    { field = "source" },
    { field = "id" },
    { field = "booked_on" },
    { field = "account" },
    { field = "currency" },
    { field = "amount" },
]

[[source]]
id = "a"
[source.extract]
files = "landing/a/{date}.csv"
format = "csv"
columns = { id = "id", booked_on = "date", account = "account", amount = "amount" }
"#;
