//! What is known of a name: its lines, where it sits, and in which file that stands.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use net::{Address, Untrusted};

use super::name::Name;

mod line;
mod login;

pub use line::{
    CHAT_PORT, ChatAddress, ChatAddressError, ChatLine, Fingerprint, FingerprintError, SocketLine, SshLine,
};
pub use login::{Login, LoginError, SSH_PORT, Via};

/// What the book knows of one name. Each part may come from another place: an entry of a name of its own wins over the
/// range it lies in, and the book over what other programs keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As it stands in the book, whatever spelling it was looked up by.
    pub name: Name,
    /// How the person is reached.
    pub chat: Option<Sourced<ChatLine>>,
    /// How the machine is reached.
    pub ssh: Option<Sourced<SshLine>>,
    /// How the endpoint is reached.
    pub socket: Option<Sourced<SocketLine>>,
    /// The machine this person sits at.
    pub seat: Option<Sourced<Name>>,
    /// What somebody wrote down about it.
    pub note: Option<Sourced<String>>,
}

/// Something, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub origin: Origin,
}

/// A line of a file. Prints as `PATH:LINE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What kind of file it is.
    pub source: Source,
    /// The file.
    pub path: Arc<Path>,
    /// The line, from 1.
    pub line: usize,
}

/// The kinds of files that have names, in the order in which they win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The own book.
    Book,
    /// Hosts of ssh_config(5): only read.
    SshConfig,
    /// hosts(5): only read.
    Hosts,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Untrusted::from(self.path.as_os_str().as_encoded_bytes()), self.line)
    }
}
