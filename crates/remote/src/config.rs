//! ssh_config(5), as ssh of OpenSSH 9 reads it: how to connect to a host, whom to trust there, and which keys to show.
//!
//! From top to bottom the first value wins, over `Include`, `Host` with wildcards and negation, and `Match` by `all`, `host`,
//! `originalhost`, `user` and `localuser`. What stands under another `Match` is left out with a note: `exec` would run a
//! program to read a name. A file that others can write to is not read where ssh does not read it.
//!
//! ssh ends where a line is broken, or has a keyword that it does not know. Here such a line costs only itself and is told
//! in a [`Note`], since a configuration is also read to list the names in it, and one mistake must not cost all of them. But
//! a host whose way there cannot be read is not connected to directly: [`Proxy::Broken`]. A keyword of ssh that is not
//! followed here, and with which a connection would be safer or go elsewhere, is told for each host that it is meant for.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::account::Account;
use reader::Reader;
use steps::{Said, Step};

pub use note::{Note, Place};
pub(crate) use pattern::Patterns;
pub use settings::{IdentityFile, Settings, StrictHostKeyChecking};

mod expand;
mod host;
mod keyword;
mod note;
mod other;
mod pattern;
mod reader;
mod settings;
mod steps;
mod syntax;
mod value;

/// What the files of one user say. The default is nothing, and every host has ssh's defaults.
#[derive(Clone, Debug, Default)]
pub struct Config {
    steps: Vec<Step>,
}

/// A file to read. The first value wins, so the user's comes before the system's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// The user's own: `~/.ssh/config`. It need not be there.
    User(PathBuf),
    /// The administrator's: `/etc/ssh/ssh_config`. It need not be there. What it includes lies beside it.
    System(PathBuf),
    /// The one of `-F`, in place of both.
    Chosen(PathBuf),
}

/// Who asks, and on which machine: what conditions and tokens look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    /// The name of the user.
    pub user: String,
    /// His number.
    pub uid: u32,
    /// His home folder.
    pub home: PathBuf,
    /// The name of this machine, with its domain where it has one.
    pub host_name: String,
    /// Variables, for `SendEnv`, `${NAME}` and the agent.
    pub env: BTreeMap<String, String>,
}

/// What to connect to, as a person says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The name, which may be an address.
    pub name: String,
    /// Who shall log in (`-l`, or before an `@`); None: as the files say.
    pub user: Option<String>,
    /// The port (`-p`); None: as the files say.
    pub port: Option<u16>,
}

/// What ssh would use for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The first `Host` line that counts and names this host without wildcards.
    pub place: Option<Place>,
    /// Where the connection goes: a name in lower case, or an address.
    pub host_name: String,
    /// Who logs in; None: nobody was named, and it is the user here.
    pub user: Option<String>,
    /// None: no port was named, and it is 22.
    pub port: Option<u16>,
    /// How it is reached.
    pub proxy: Proxy,
    /// How to connect, whom to trust, which keys to show.
    pub settings: Arc<Settings>,
    /// What ssh would do otherwise.
    pub notes: Vec<Note>,
}

/// How a host is reached. `ProxyJump` and `ProxyCommand` are one setting: whichever is first wins, except that `ProxyJump
/// none` only takes away jumps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// By TCP.
    Direct,
    /// By way of these, the nearest first. Each has settings of its own, but only the first one's own way there counts.
    Jumps(Vec<Jump>),
    /// By a `ProxyCommand`, which is not supported: this host cannot be connected to.
    Command(Place),
    /// By what is not understood: this host cannot be connected to, and a note says why.
    Broken(Place),
}

/// A machine on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// Who logs in there; None: as the files say of this host.
    pub user: Option<String>,
    /// A name or an address, without brackets.
    pub host: String,
    /// None: as the files say of this host.
    pub port: Option<u16>,
}

/// Why a configuration that somebody asked for cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The file of `-F`.
    #[error("reading {}: {reason}", file.display())]
    File {
        /// Its path.
        file: PathBuf,
        /// What the system says, or which limit it passes.
        reason: String,
    },
    /// An option of `-o`.
    #[error("-o {option}: {reason}")]
    Option {
        /// As it was given.
        option: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl File {
    /// What ssh reads without `-F`.
    #[must_use]
    pub fn usual(home: &Path) -> [Self; 2] {
        [Self::User(home.join(".ssh/config")), Self::System("/etc/ssh/ssh_config".into())]
    }
}

impl Config {
    /// Reads files, and what they include, for the user with this home folder. Notes are about what is broken, not read or
    /// not judged, whatever host it is for.
    ///
    /// # Errors
    /// When a [`File::Chosen`] cannot be read.
    pub fn read(files: &[File], home: &Path) -> Result<(Self, Vec<Note>), ConfigError> {
        let mut reader = Reader::new(home);
        let steps =
            files.iter().map(|file| reader.read(file).map(Step::Include)).collect::<Result<_, _>>()?;
        Ok((Self { steps }, reader.notes.into_vec()))
    }

    /// With options of `-o`, as `KEY=VALUE` or `KEY VALUE`, which come before the files. They are for the machine that was
    /// asked for; of machines on the way ask the configuration without them, as ssh does.
    ///
    /// # Errors
    /// With the first one that ssh would not take.
    pub fn with_options(self, options: &[String]) -> Result<Self, ConfigError> {
        let mut steps = reader::options(options)?;
        steps.extend(self.steps);
        Ok(Self { steps })
    }

    /// The names that stand in a `Host` line without a wildcard, each once, in the order of the files.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        steps::names(&self.steps)
    }

    /// What ssh would use for this name.
    #[must_use]
    pub fn host(&self, asked: &Asked, here: &Here) -> Host {
        Host::new(asked, here, Said::of(asked, here, &self.steps))
    }
}

impl Here {
    /// Of this process. The user is who passwd(5) says, as with ssh, or else who the environment says. The home folder is `HOME`
    /// where that is set, as with most programs; ssh asks passwd(5) alone. Variables that are no UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let env: BTreeMap<_, _> = env::vars_os().filter_map(utf8).collect();
        Self {
            user: Account::of_this_process().name,
            uid: rustix::process::getuid().as_raw(),
            home: env::home_dir().unwrap_or_default(),
            host_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            env,
        }
    }
}

impl Asked {
    /// A name, and the rest as the files say.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
