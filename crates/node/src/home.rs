//! Where what a person configures lies, and what the program remembers.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

/// The folders of one person, or of one `TRUNKLINE_HOME`. Nothing is created by naming them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
}

/// The environment says nowhere where to look.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("neither TRUNKLINE_HOME nor HOME is set: say where the book is with TRUNKLINE_HOME=/path")]
pub struct HomeError;

/// The state folder belongs to one node, until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// The state folder cannot be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} belongs to a node that runs already{}", folder.display(), Pid(*pid))]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The process, where it has said so.
        pid: Option<u32>,
    },
    /// The file of the lock cannot be made.
    #[error("locking {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// The file in the state folder that is locked; the process that holds it writes its number in.
const LOCK: &str = "node.lock";

impl Home {
    /// The folders of whoever runs this program.
    ///
    /// # Errors
    /// When no variable of the environment tells.
    pub fn of_this_user() -> Result<Self, HomeError> {
        Self::from_environment(|variable| std::env::var_os(variable))
    }

    /// The folders that an environment asks for: `TRUNKLINE_HOME` in place of all of them, or else what the XDG Base
    /// Directory Specification 0.8 says, by which an empty or relative `XDG_..._HOME` counts as not set.
    ///
    /// # Errors
    /// When none of the variables is set.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, HomeError> {
        let path = |name| variable(name).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
        if let Some(home) = path("TRUNKLINE_HOME") {
            return Ok(Self { config: home.clone(), state: home });
        }
        let folder = |name, usual| {
            let base = path(name).filter(|path| path.is_absolute());
            let base = base.or_else(|| path("HOME").map(|home| home.join(usual))).ok_or(HomeError)?;
            Ok(base.join("trunkline"))
        };
        Ok(Self {
            config: folder("XDG_CONFIG_HOME", ".config")?,
            state: folder("XDG_STATE_HOME", ".local/state")?,
        })
    }

    /// The file of the book.
    #[must_use]
    pub fn book(&self) -> PathBuf {
        self.config.join("book.toml")
    }

    /// The folder of what the program remembers by itself.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Makes the state folder this process's own, so that no two nodes write to one journal.
    ///
    /// # Errors
    /// When another process has it, or it cannot be made.
    pub fn lock(&self) -> Result<Lock, LockError> {
        let path = self.state.join(LOCK);
        let failed = |error| LockError::File { path: path.clone(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.state).map_err(failed)?;
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).clone();
        let mut file = options.open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut said = String::new();
                let _ = file.take(16).read_to_string(&mut said);
                return Err(LockError::Held { folder: self.state.clone(), pid: said.trim().parse().ok() });
            }
            Err(error) => return Err(failed(error.into())),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// ` (pid 7)`, where it is known.
struct Pid(Option<u32>);

impl std::fmt::Display for Pid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |pid| write!(f, " (pid {pid})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(environment: &[(&str, &str)]) -> Result<Home, HomeError> {
        let variable = |wanted: &str| {
            environment.iter().find(|(name, _)| *name == wanted).map(|(_, value)| OsString::from(value))
        };
        Home::from_environment(variable)
    }

    fn book(environment: &[(&str, &str)]) -> Result<PathBuf, HomeError> {
        home(environment).map(|home| home.book())
    }

    #[test]
    fn the_book_lies_where_the_xdg_specification_says() {
        let home = ("HOME", "/home/wang");
        let usual = Path::new("/home/wang/.config/trunkline/book.toml");
        assert_eq!(book(&[home]).as_deref(), Ok(usual));
        assert_eq!(
            book(&[home, ("XDG_CONFIG_HOME", "/etc/w")]).unwrap(),
            Path::new("/etc/w/trunkline/book.toml")
        );
        assert_eq!(book(&[home, ("XDG_CONFIG_HOME", "")]).as_deref(), Ok(usual));
        assert_eq!(book(&[home, ("XDG_CONFIG_HOME", "relative")]).as_deref(), Ok(usual));
    }

    #[test]
    fn what_is_remembered_lies_apart_from_what_is_configured() {
        let state = |environment: &[(&str, &str)]| home(environment).unwrap().state().to_owned();
        let usual = [("HOME", "/home/wang")];
        assert_eq!(state(&usual), Path::new("/home/wang/.local/state/trunkline"));
        assert_eq!(state(&[usual[0], ("XDG_STATE_HOME", "/s")]), Path::new("/s/trunkline"));
        assert_eq!(
            state(&[usual[0], ("XDG_STATE_HOME", "s")]),
            state(&usual),
            "a relative one depends on where one stands"
        );
    }

    #[test]
    fn one_variable_replaces_all_others() {
        let all = [("HOME", "/home/wang"), ("XDG_CONFIG_HOME", "/etc/w"), ("TRUNKLINE_HOME", "lesson")];
        assert_eq!(book(&all).unwrap(), Path::new("lesson/book.toml"));
        assert_eq!(home(&all).unwrap().state(), Path::new("lesson"));
    }

    #[test]
    fn without_any_variable_the_error_says_which_one_to_set() {
        assert!(book(&[]).unwrap_err().to_string().contains("TRUNKLINE_HOME=/path"));
        assert_eq!(book(&[("TRUNKLINE_HOME", ""), ("HOME", "")]), Err(HomeError));
    }
}
