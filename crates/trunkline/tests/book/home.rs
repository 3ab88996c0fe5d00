//! A user of their own, with a book of their own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What the tests of showing and completing have in their book.
pub(crate) const BOOK: &str = r#"# the second floor
[entry.printer]
socket = "tcp://10.0.0.9:9100"
note = "by the window"

[entry."n[01-40]"]
ssh = { at = "10.1.0.[1-40]", user = "ops", via = "gate" }

[entry.gate]
ssh = "admin@gate.lab:2222"

[entry."张三"]
chat = { at = "10.0.0.21", charset = "gb18030" }
seat = "n07"

[entry.scale]
socket = { address = "10.0.0.17:4001", frame = "!BIH", length-field = 1 }

[groups]
lab = "n[01-40],-n07"
night = "@lab,gate,cold"
"#;

/// A home folder.
pub(crate) struct Home(TempDir);

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// Whose book is not there yet.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Whose book has this text.
    pub(crate) fn with_book(text: &str) -> Self {
        let home = Self::empty();
        fs::write(home.book(), text).unwrap();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn book(&self) -> PathBuf {
        self.path().join("book.toml")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.book()).unwrap()
    }

    /// A program in this home.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("TRUNKLINE_HOME", self.path()).env("HOME", self.path()).stdin(Stdio::null());
        command
    }

    /// Runs `trunkline` to its end. Paths below this home stand as `~` in what it prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(env!("CARGO_BIN_EXE_trunkline")).args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(self.path().to_str().unwrap(), "~");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What a run prints that has to be good.
    #[track_caller]
    pub(crate) fn shows(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}: {}", ran.out);
        ran.out
    }

    /// The error of a run that has to fail with this code.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{arguments:?}: {}", ran.err);
        ran.err
    }
}
