//! Names that other programs keep, for the book to have too: they are only read.

use super::entry::{Entry, Origin, Sourced, SshLine};
use super::name::Name;
use super::note::Note;

pub mod hosts;
pub mod ssh_config;

/// What a source has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// In the order of the file; each name once.
    pub entries: Vec<Entry>,
    /// What was left out, and is worth a word.
    pub notes: Vec<Note>,
}

/// An entry with nothing but an ssh line.
fn machine(name: Name, line: SshLine, origin: Origin) -> Entry {
    let ssh = Some(Sourced { value: line, origin });
    Entry { name, chat: None, ssh, socket: None, seat: None, note: None }
}
