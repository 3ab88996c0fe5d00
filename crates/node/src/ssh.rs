//! The ssh line: which machines a person means, and how each is reached.
//!
//! [`Directory`] joins the book, ssh_config(5) and the command line, and gives the crate `remote` machines about which nothing
//! is left to decide; [`Dialer`] gives it connections. What faces need of that crate stands here.

use net::charset::Charset;
use remote::config::{Asked, Config, File};

use crate::book::{self, Book, Login, Note, Origin, SshLine};

mod dialer;
mod error;
#[cfg(test)]
mod tests;
mod way;

pub use remote::client::Flow;
pub use remote::config::{ConfigError, Here};
pub use remote::transport::Input;
pub use remote::{
    Answers, Client, Command, ConnectError, Dial, Doing, Hop, Machine, Outcome, Piece, Question, Secret,
    Session, Signal, Sudo, Transport, Unreachable, ask, command, fan, sftp,
};

pub use dialer::Dialer;
pub use error::SshError;

/// Machines of one run: more than the racks this program is for have, and few enough that a slip of the finger is an error.
/// Each takes a few kilobytes, and a place in the journal.
pub const MACHINES_MAX: usize = 10_000;

/// What a command line says of every machine, as to ssh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-F`: the file in place of the usual ones; `none` is none.
    pub config: Option<String>,
    /// `-l`: who logs in.
    pub user: Option<String>,
    /// `-p`: the port.
    pub port: Option<u16>,
    /// `-i`: files of keys to show first.
    pub identities: Vec<String>,
    /// `-J`: the machines on the way, nearest first, separated by commas; `none` is none.
    pub jumps: Option<String>,
    /// `-o`: settings of ssh_config(5), `KEY=VALUE`.
    pub options: Vec<String>,
}

/// Everything that is known of machines.
///
/// Whatever says more wins: first the target itself (`user@` and `:port`), then the command line, then the line in the own
/// book, then ssh_config(5). A name that none of them knows is that of a host.
#[derive(Debug)]
pub struct Directory {
    book: Book,
    /// The files, after what the command line says.
    config: Config,
    /// The files alone, as ssh asks them about machines on the way.
    files: Config,
    here: Here,
    user: Option<String>,
    port: Option<u16>,
    /// The command line says how machines are reached.
    says_way: bool,
}

/// The machines that a person means, each once.
#[derive(Clone, Debug, Default)]
pub struct Machines {
    /// In the order of the set.
    pub list: Vec<Machine>,
    /// For each one the charset of what it prints, where the book knows it.
    pub charsets: Vec<Option<Charset>>,
    /// What ssh would do otherwise, each once.
    pub notes: Vec<Note>,
}

impl Directory {
    /// Reads the configuration. Notes are about what is broken in it, whatever machine is meant.
    ///
    /// # Errors
    /// When the file of `-F` cannot be read, or an option is none.
    pub fn new(book: Book, flags: &Flags, here: Here) -> Result<(Self, Vec<Note>), ConfigError> {
        let files = match flags.config.as_deref() {
            None => File::usual(&here.home).to_vec(),
            Some("none") => Vec::new(),
            Some(file) => vec![File::Chosen(file.into())],
        };
        let options = options(flags);
        // It is asked of no host in particular: options know no conditions.
        let said = Config::default().with_options(&options)?.host(&Asked::default(), &here);
        let (files, notes) = Config::read(&files, &here.home)?;
        let directory = Self {
            book,
            config: files.clone().with_options(&options)?,
            files,
            here,
            user: flags.user.clone().or(said.user),
            port: flags.port.or(said.port),
            says_way: options.iter().any(|option| says_way(option)),
        };
        Ok((directory, notes.into_iter().map(Note::from).collect()))
    }

    /// The machines of a set, such as `@lab,n[90-99],root@gate:2222,-n95`, without those of another (`-x`).
    ///
    /// # Errors
    /// When it is no set, has nobody or more than [`MACHINES_MAX`] in it, or one of its machines cannot be reached as it is
    /// written down.
    pub fn machines(&self, targets: &str, without: Option<&str>) -> Result<Machines, SshError> {
        let set = self.book.select(targets)?;
        let without = without.map(|set| self.book.select(set)).transpose()?.unwrap_or_default();
        if set.len() > MACHINES_MAX {
            return Err(SshError::TooMany { number: set.len() });
        }
        let mut found = Machines::default();
        for name in &set {
            let login: Login =
                name.parse().map_err(|error| SshError::Target { target: name.clone(), error })?;
            // As it stands in the set, or whoever logs in there.
            if !without.contains(&name) && !without.contains(&login.host) {
                self.add(name, &login, &mut found)?;
            }
        }
        if found.list.is_empty() { Err(SshError::Nobody) } else { Ok(found) }
    }

    /// The names of the book that one resembles, for a word about a host that the DNS does not know.
    #[must_use]
    pub fn near(&self, name: &str) -> Vec<String> {
        self.book.near(name)
    }

    fn add(&self, name: String, login: &Login, found: &mut Machines) -> Result<(), SshError> {
        let line = self.line(&login.host)?;
        let at = line.as_ref().map(|line| &line.at);
        let asked = Asked {
            name: at.map_or(&login.host, |at| &at.host).clone(),
            user: login.user.as_ref().or(self.user.as_ref()).or(at.and_then(|at| at.user.as_ref())).cloned(),
            port: login.port.or(self.port).or(at.and_then(|at| at.port)),
        };
        let host = self.config.host(&asked, &self.here);
        let via = line.as_ref().filter(|_| !self.says_way).map_or(&[][..], |line| &line.via);
        let (via, noted) = self.way(&asked.name, self.stops(&asked.name, via, &host.proxy)?)?;
        found.list.push(Machine { name, end: host.hop(&self.here), via });
        found.charsets.push(line.and_then(|line| line.charset));
        for note in host.notes.into_iter().chain(noted).map(Note::from) {
            // Most are about all machines.
            if !found.notes.contains(&note) {
                found.notes.push(note);
            }
        }
        Ok(())
    }

    /// What the own book says of a name. What other programs keep, they are asked for themselves.
    fn line(&self, name: &str) -> Result<Option<SshLine>, SshError> {
        let Some(entry) = self.book.find(name)? else { return Ok(None) };
        let is_own = |origin: &Origin| origin.source == book::Source::Book;
        match entry.ssh {
            Some(line) => Ok(is_own(&line.origin).then_some(line.value)),
            None => {
                let other = entry.chat.map(|line| line.origin).or(entry.socket.map(|line| line.origin));
                match other.filter(is_own) {
                    Some(origin) => Err(SshError::NoLine { name: entry.name.to_string(), origin }),
                    None => Ok(None),
                }
            }
        }
    }
}

/// What the flags say, as options.
fn options(flags: &Flags) -> Vec<String> {
    // Quoted: a path may have blanks in it.
    let quoted = |path: &String| path.replace('\\', "\\\\").replace('"', "\\\"");
    let identities = flags.identities.iter().map(|path| format!("IdentityFile=\"{}\"", quoted(path)));
    let jumps = flags.jumps.iter().map(|jumps| format!("ProxyJump={jumps}"));
    identities.chain(jumps).chain(flags.options.iter().cloned()).collect()
}

/// Whether an option says how machines are reached.
fn says_way(option: &str) -> bool {
    let keyword = option.trim_start().split(['=', ' ', '\t']).next().unwrap_or_default();
    keyword.eq_ignore_ascii_case("ProxyJump") || keyword.eq_ignore_ascii_case("ProxyCommand")
}
