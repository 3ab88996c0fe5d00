//! Names that other programs keep, for the book to have too: they are only read.

use super::{Each, Login, Note, Origin, Record, Sourced, SshLine, Via};

pub mod hosts;
pub mod ssh_config;

/// What a source has: the records are for [`super::Book::with`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Machines in the order of the file, each name once.
    pub records: Vec<Sourced<Record>>,
    /// What was left out, and is worth a word.
    pub notes: Vec<Note>,
}

/// A machine, or why the book cannot have it.
fn machine(name: &str, at: &Login, via: Vec<Via>, origin: Origin) -> Result<Sourced<Record>, String> {
    let mut record = Record::new(name).map_err(|error| error.to_string())?;
    let at = Each::parse(&at.to_string(), record.names()).map_err(|error| error.to_string())?;
    record.ssh = Some(SshLine { at, charset: None, via });
    Ok(Sourced { value: record, origin })
}
