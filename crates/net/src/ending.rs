//! How a connection ends. The tutorial's server could not tell; here each way has a name.

use std::fmt;
use std::io;

use serde::Serialize;

/// The way a connection ended, as its closing line names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "ending", content = "reason")]
pub enum Ending {
    /// Both sides said they were done.
    Eof,
    /// The other side broke the connection off, or vanished behind a router that said so.
    Reset,
    /// Nothing came for as long as was allowed.
    Timeout,
    /// A named limit was reached; the text names it.
    Limit(String),
    /// Something failed; the text says what was being done.
    Error(String),
}

impl Ending {
    /// Sorts an error of a socket into the endings.
    #[must_use]
    pub fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Self::Reset
            }
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::UnexpectedEof => Self::Eof,
            _ => Self::Error(error.to_string()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eof => f.write_str("eof"),
            Self::Reset => f.write_str("reset"),
            Self::Timeout => f.write_str("timeout"),
            Self::Limit(reason) => write!(f, "limit: {reason}"),
            Self::Error(reason) => write!(f, "error: {reason}"),
        }
    }
}
