//! How it ended on a machine.

use std::time::Duration;

use thiserror::Error;

/// How a command ended on one machine.
#[derive(Debug)]
pub enum Outcome {
    /// It ended by itself, with this status.
    Exit(u32),
    /// A signal ended it.
    Signal {
        /// Without `SIG`: `TERM`, `KILL`, or a name that only that system knows.
        name: String,
        /// It left a core dump.
        core: bool,
    },
    /// It never began.
    Unreachable(Unreachable),
    /// It began, and the connection was lost or given up; what it did from then on nobody knows.
    Lost(String),
    /// It took longer than it may, and was ended.
    TimedOut(Duration),
    /// It was ended, or never began, because the person or the first failure elsewhere said so.
    Cancelled,
}

impl Outcome {
    /// Whether the command did what it was to do: it ended by itself, with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exit(0))
    }
}

/// A machine could not be reached; which hop, and why.
#[derive(Debug, Error)]
#[error("{hop}: {reason}")]
pub struct Unreachable {
    /// `user@host:port` of the machine, or of the one on the way to it.
    pub hop: String,
    /// Why.
    #[source]
    pub reason: ConnectError,
}

/// Why no command could be started.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Look-up or TCP.
    #[error("{0}")]
    Dial(std::io::Error),
    /// Everything together took too long.
    #[error("no answer within {} s; what was under way: {doing}", limit.as_secs_f32())]
    Timeout {
        /// How long it may take.
        limit: Duration,
        /// Where it hung.
        doing: &'static str,
    },
    /// The other end is no SSH server, or has nothing in common with us.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// It has a key that it must not have, or none that we may trust.
    #[error("{0}")]
    HostKey(String),
    /// No key, and no password, was taken.
    #[error("permission denied ({tried})")]
    Denied {
        /// What was tried and what it would have taken, as ssh tells it.
        tried: String,
    },
    /// Something of ours could not be used: a key file, a setting.
    #[error("{0}")]
    Own(String),
    /// It let us in, but would not start the command.
    #[error("it does not start the command: {0}")]
    Refused(String),
}
