//! Where what a person configures lies, and what the program remembers.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use thiserror::Error;

/// The folders of one person, or of one `TRUNKLINE_HOME`. Nothing is created by naming them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
    /// Where the control socket lies.
    runtime: PathBuf,
}

/// The environment says nowhere where to look.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("neither TRUNKLINE_HOME nor HOME is set: say where the book is with TRUNKLINE_HOME=/path")]
pub struct HomeError;

/// The state folder belongs to one node, until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// A program that this one is just starting has the descriptor, too, until it runs: to close ours would not do.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
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

/// The control socket has no place.
#[derive(Debug, Error)]
pub enum ControlError {
    /// More than the kernel takes (`sun_path` in unix(7)).
    #[error(
        "the path of the control socket is too long, at most {SOCKET_PATH_MAX} bytes are possible: {}; choose a shorter TRUNKLINE_HOME, XDG_RUNTIME_DIR or TMPDIR",
        path.display()
    )]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// Its folder cannot be made.
    #[error("making {} for the control socket: {error}; another place can be named with XDG_RUNTIME_DIR", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others could put a socket of theirs into its folder.
    #[error(
        "{} must be a folder that belongs to this user and is closed to others, for the control socket lies in it: \
         chmod 700 closes one of yours; what belongs to somebody else has to be removed",
        folder.display()
    )]
    NotPrivate {
        /// The folder.
        folder: PathBuf,
    },
}

/// The control socket's file.
const CONTROL: &str = "node.sock";

/// Bytes in the path of a socket, without the NUL behind it (unix(7)).
const SOCKET_PATH_MAX: usize = 107;

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
            return Ok(Self { config: home.clone(), state: home.clone(), runtime: home });
        }
        let folder = |name, usual| {
            let base = path(name).filter(|path| path.is_absolute());
            let base = base.or_else(|| path("HOME").map(|home| home.join(usual))).ok_or(HomeError)?;
            Ok(base.join("trunkline"))
        };
        let temporary = || {
            let base = path("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
            base.join(format!("trunkline-{}", geteuid().as_raw()))
        };
        let runtime = path("XDG_RUNTIME_DIR").filter(|path| path.is_absolute());
        Ok(Self {
            config: folder("XDG_CONFIG_HOME", ".config")?,
            state: folder("XDG_STATE_HOME", ".local/state")?,
            runtime: runtime.map_or_else(temporary, |runtime| runtime.join("trunkline")),
        })
    }

    /// The file of the book.
    #[must_use]
    pub fn book(&self) -> PathBuf {
        self.config.join("book.toml")
    }

    /// The file of the keys that `up --ssh` lets in, beside those of `~/.ssh/authorized_keys`.
    #[must_use]
    pub fn allow(&self) -> PathBuf {
        self.config.join("allow")
    }

    /// The folder of what the program remembers by itself.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The socket at which this home's node, if one runs, is talked to. In the runtime folder, or else in one below the
    /// temporary folder, it lies in a folder that is closed to others; that one is made where it is missing, before
    /// somebody else can. With `TRUNKLINE_HOME` it lies there, whoever may look into it.
    ///
    /// # Errors
    /// When the path is too long, or the folder is not this user's alone.
    pub fn control_socket(&self) -> Result<PathBuf, ControlError> {
        let path = self.runtime.join(CONTROL);
        if path.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(ControlError::TooLong { path });
        }
        if self.runtime != self.state {
            make_private(&self.runtime)?;
        }
        Ok(path)
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
        Ok(Lock { file })
    }
}

fn make_private(folder: &Path) -> Result<(), ControlError> {
    let failed = |error| ControlError::Folder { folder: folder.to_owned(), error };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map_err(failed),
    }
    // Of a symbolic link, this is about the link.
    let found = folder.symlink_metadata().map_err(failed)?;
    let is_private = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0;
    is_private.then_some(()).ok_or_else(|| ControlError::NotPrivate { folder: folder.to_owned() })
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
    fn a_folder_that_is_given_back_can_be_had_although_a_program_is_just_being_started() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::from_environment(|_| Some(folder.path().into())).unwrap();
        let lock = home.lock().unwrap();
        let _as_after_fork = lock.file.try_clone().unwrap();
        assert!(matches!(home.lock(), Err(LockError::Held { .. })));
        drop(lock);
        assert!(home.lock().is_ok());
    }

    #[test]
    fn one_variable_replaces_all_others() {
        let all = [("HOME", "/home/wang"), ("XDG_CONFIG_HOME", "/etc/w"), ("TRUNKLINE_HOME", "lesson")];
        assert_eq!(book(&all).unwrap(), Path::new("lesson/book.toml"));
        assert_eq!(home(&all).unwrap().state(), Path::new("lesson"));
    }

    #[test]
    fn the_control_socket_lies_in_the_runtime_folder_or_a_temporary_one_of_this_user() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().to_str().unwrap();
        let socket = |environment: &[(&str, &str)]| home(environment).unwrap().control_socket().unwrap();
        let user = ("HOME", "/home/wang");
        let runtime = folder.path().join("trunkline");
        assert_eq!(socket(&[user, ("XDG_RUNTIME_DIR", base)]), runtime.join("node.sock"));
        let temporary = folder.path().join(format!("trunkline-{}", geteuid().as_raw()));
        let relative = ("XDG_RUNTIME_DIR", "relative");
        assert_eq!(socket(&[user, relative, ("TMPDIR", base)]), temporary.join("node.sock"));
        for made in [&runtime, &temporary] {
            assert_eq!(made.metadata().unwrap().mode() & 0o777, 0o700, "{}", made.display());
        }
        let lesson = ("TRUNKLINE_HOME", "lesson");
        assert_eq!(socket(&[user, ("XDG_RUNTIME_DIR", base), lesson]), Path::new("lesson/node.sock"));
        assert!(!Path::new("lesson").exists());
    }

    #[test]
    fn a_folder_that_others_can_put_a_socket_into_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let environment = [("HOME", "/home/wang"), ("XDG_RUNTIME_DIR", folder.path().to_str().unwrap())];
        let home = home(&environment).unwrap();
        let place = folder.path().join("trunkline");
        let refused = || home.control_socket().unwrap_err().to_string();
        DirBuilder::new().mode(0o770).create(&place).unwrap();
        std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o770)).unwrap();
        assert!(refused().contains("chmod 700"), "{}", refused());
        std::fs::remove_dir(&place).unwrap();
        std::os::unix::fs::symlink(folder.path(), &place).unwrap();
        assert!(refused().contains(place.to_str().unwrap()), "a link may lead anywhere");
        std::fs::remove_file(&place).unwrap();
        File::create(&place).unwrap();
        assert!(refused().contains("must be a folder"));
        if geteuid().is_root() {
            std::fs::remove_file(&place).unwrap();
            DirBuilder::new().mode(0o700).create(&place).unwrap();
            std::os::unix::fs::chown(&place, Some(1), None).unwrap();
            assert!(refused().contains("somebody else"), "one of another user");
        }
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_refused_with_the_way_out() {
        let at = |length: usize| {
            let folder = "x".repeat(length - "/node.sock".len());
            home(&[("TRUNKLINE_HOME", &folder)]).unwrap().control_socket()
        };
        let possible = at(SOCKET_PATH_MAX).unwrap();
        assert!(std::os::unix::net::SocketAddr::from_pathname(possible).is_ok(), "the kernel takes it");
        let refused = at(SOCKET_PATH_MAX + 1).unwrap_err().to_string();
        assert!(refused.contains("shorter TRUNKLINE_HOME"), "{refused}");
    }

    #[test]
    fn without_any_variable_the_error_says_which_one_to_set() {
        assert!(book(&[]).unwrap_err().to_string().contains("TRUNKLINE_HOME=/path"));
        assert_eq!(book(&[("TRUNKLINE_HOME", ""), ("HOME", "")]), Err(HomeError));
    }
}
