//! What is wrong with a book.

use std::fmt;
use std::io;
use std::path::PathBuf;

use net::Untrusted;
use thiserror::Error;

/// Mistakes shown at one time: as many as fit on a screen. Mending the first ones often mends others.
pub const MISTAKES_SHOWN: usize = 20;

/// Why a book cannot be used.
#[derive(Debug, Error)]
pub enum BookError {
    /// The system does not give it.
    #[error("reading the book {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// There is something wrong in it.
    #[error(transparent)]
    Broken(#[from] Mistakes),
}

/// All that is wrong with a book, at least one. Prints as a line for each, `PATH:LINE: KEY: MESSAGE`, and as
/// [`MISTAKES_SHOWN`] lines at most.
#[derive(Debug, Error)]
pub struct Mistakes {
    path: PathBuf,
    mistakes: Vec<Mistake>,
}

/// Something wrong in a line of a book. Prints as `LINE: KEY: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The key as TOML writes it, such as `entry.printer.socket`; empty where it is not about a key.
    pub key: String,
    /// What was expected, and how to mend it.
    pub message: String,
}

impl Mistakes {
    pub(super) fn new(path: PathBuf, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.line);
        Self { path, mistakes }
    }

    /// Each of them, in the order of the lines.
    #[must_use]
    pub fn all(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Untrusted::from(self.path.as_os_str().as_encoded_bytes());
        for (nth, mistake) in self.mistakes.iter().take(MISTAKES_SHOWN).enumerate() {
            let end = if nth == 0 { "" } else { "\n" };
            write!(f, "{end}{path}:{mistake}")?;
        }
        match self.mistakes.len().saturating_sub(MISTAKES_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// What was copied out of the file is made safe to look at.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", Untrusted::from(self.key.as_str()).multiline())?;
        }
        Untrusted::from(self.message.as_str()).multiline().fmt(f)
    }
}
