//! Changing `book.toml`. Every line that a change is not about stays as it is, byte by byte: comments, order, spacing
//! and ends of lines.
//!
//! ```
//! use node::book::{Book, Force, Record, Each, SocketLine, edit};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("book.toml");
//! let mut printer = Record::new("printer")?;
//! let at = Each::parse("tcp://10.0.0.9:9100", printer.names())?;
//! printer.socket = Some(SocketLine { at, framing: None });
//! edit(&path, |draft| draft.add(&printer, Force::No))?;
//! assert_eq!(std::fs::read_to_string(&path)?, "[entry.printer]\nsocket = \"tcp://10.0.0.9:9100\"\n");
//! assert!(Book::load(&path)?.look_up("printer")?.socket.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::path::Path;

use net::Untrusted;
use thiserror::Error;

use super::file::{BookError, Mistakes, utf8};
use super::lookup::LookUpError;
use super::name::Name;
use super::nearest::DidYouMean;
use crate::store::{Store, StoreError};

mod draft;
mod splice;
mod write;

pub use draft::Draft;

/// Whether something is done in spite of what stands against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Refuse, and say what stands against it.
    No,
    /// Do it. What would leave a book that does not load is refused all the same.
    Yes,
}

/// Why a book was not changed. It is as it was before.
#[derive(Debug, Error)]
pub enum EditError {
    /// The system refuses.
    #[error(transparent)]
    System(#[from] StoreError),
    /// The book is broken already; a change could make it worse.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The book would be broken afterwards. Lines are counted in the book as it would be.
    #[error("the book is left as it is, for with this change it would not load:\n{0}")]
    Breaks(Mistakes),
    /// The entry has such a line, or the group exists.
    #[error("{what} is in the book already (line {line})")]
    Exists {
        /// The key.
        what: String,
        /// Where it stands.
        line: usize,
    },
    /// The name is not in the book, or may be one of several.
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    /// There is no such group.
    #[error("@{} is not in the book{}", Untrusted::from(name.as_str()), DidYouMean(near))]
    NoGroup {
        /// Its name.
        name: String,
        /// What it resembles.
        near: Vec<String>,
    },
    /// One name cannot be taken out of a range without deciding what becomes of the others' addresses.
    #[error(
        "{name} is one of {range} (line {line}): write the range without it there, and its addresses too, or take it out of your groups with -{name}"
    )]
    InRange {
        /// The name.
        name: Name,
        /// The range.
        range: String,
        /// Where it stands.
        line: usize,
    },
    /// Others name it.
    #[error("{name} is named by {}: change that first", by.join(", "))]
    Mentioned {
        /// The name.
        name: String,
        /// Groups, seats and ways, each with its line.
        by: Vec<String>,
    },
    /// It is in the book in a way that is not changed here.
    #[error("{key} (line {line}) is not written as in the documentation: change it by hand")]
    Form {
        /// The key.
        key: String,
        /// Where it stands.
        line: usize,
    },
}

/// Changes a book under a lock, so that of several writers none loses what another wrote. The new text replaces the
/// old one in one step, after it was seen to load and is on disk: whoever reads the book, whenever the writer or the
/// machine dies, finds the one or the other. What an editor of somebody's has open takes no part in this.
///
/// A missing book is made, with mode 0600 in a folder of mode 0700. A book that is a link stays one.
///
/// # Errors
/// When the change refuses, the book does not load before or after it, or the system refuses; then nothing is changed.
pub fn edit<T, E: From<EditError>>(
    path: &Path,
    change: impl FnOnce(&mut Draft) -> Result<T, E>,
) -> Result<T, E> {
    let store = Store::open(path).map_err(EditError::from)?;
    let bytes = store.read().map_err(EditError::from)?;
    let before = utf8(bytes, path).map_err(|mistakes| EditError::Book(mistakes.into()))?;
    let mut draft = Draft::new(&before, path)?;
    let done = change(&mut draft)?;
    let after = draft.finish()?;
    if after != before {
        store.replace(after.as_bytes()).map_err(EditError::from)?;
    }
    Ok(done)
}

#[cfg(test)]
mod tests;
