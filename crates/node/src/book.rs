//! The book: names, and the lines that reach them. `docs/book.md` has its format.

use std::borrow::Cow;
use std::io;
use std::path::Path;

mod bounded;
mod edit;
mod entry;
mod file;
pub mod import;
mod lookup;
pub(crate) mod name;
pub(crate) mod nearest;
mod note;
pub mod pattern;
mod record;
pub mod set;
pub mod source;

pub use edit::{Draft, EditError, Force, edit};
pub use entry::{
    CHAT_PORT, ChatAddress, ChatAddressError, ChatLine, Entry, Fingerprint, FingerprintError, Login,
    LoginError, Origin, SSH_PORT, SocketLine, Source, Sourced, SshLine, Via,
};
pub use file::{BookError, MISTAKES_SHOWN, Mistake, Mistakes};
pub use lookup::LookUpError;
pub use name::{NAME_MAX, Name, NameError};
pub use note::Note;
pub use pattern::Pattern;
pub use record::{Each, EachError, NamesError, Record};
pub use set::{Groups, NameSet, SetError};

use lookup::Index;
use name::fold;

/// Every name there is: those of the own book, and, where they are added, those that other programs keep.
#[derive(Clone, Debug, Default)]
pub struct Book {
    records: Vec<Sourced<Record>>,
    index: Index,
    groups: Vec<Group>,
}

/// A group of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Without the `@`.
    pub name: Name,
    /// Its members, as they are written.
    pub members: String,
    /// Where it is written.
    pub origin: Origin,
}

impl Book {
    /// Reads a book. Where there is no file, the book is empty.
    ///
    /// # Errors
    /// When the file cannot be read, and everything that is wrong in it.
    pub fn load(path: &Path) -> Result<Self, BookError> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Self::from_text(&file::utf8(bytes, path)?, path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(BookError::Read { path: path.to_owned(), error }),
        }
    }

    /// Reads the text of a book; the path is for messages.
    ///
    /// # Errors
    /// Everything that is wrong in it. What depends on several entries is told once each is right by itself.
    pub fn from_text(text: &str, path: &Path) -> Result<Self, Mistakes> {
        file::read(text, path)
    }

    /// Adds names that another program keeps; where the book has a line already, it keeps its own.
    #[must_use]
    pub fn with(mut self, records: Vec<Sourced<Record>>) -> Self {
        for record in records {
            self.index.add(record.value.names(), self.records.len());
            self.records.push(record);
        }
        self
    }

    /// Every entry as it is written, in the order of the files.
    #[must_use]
    pub fn records(&self) -> &[Sourced<Record>] {
        &self.records
    }

    /// Every group, in the order of the file.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group of this name, which has no `@`. Where none is spelt so, it is the one that is meant when case and width
    /// do not matter, if there is only one.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        let spelt = self.groups.iter().find(|group| group.name.as_str() == name);
        spelt.or_else(|| {
            let folded = fold(name);
            let mut alike = self.groups.iter().filter(|group| fold(group.name.as_str()) == folded);
            alike.next().filter(|_| alike.next().is_none())
        })
    }

    /// The names of a set, groups included. They need not be in the book.
    ///
    /// # Errors
    /// When it is no set, or names a group that is not in the book.
    pub fn select(&self, expression: &str) -> Result<NameSet, SetError> {
        NameSet::parse(expression, self)
    }
}

impl Groups for Book {
    fn expression(&self, name: &str) -> Option<Cow<'_, str>> {
        self.group(name).map(|group| group.members.as_str().into())
    }

    fn names(&self) -> Vec<&str> {
        self.groups.iter().map(|group| group.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests;
