//! What happens at the line, for a face.

use remote::server::{Closed, Exit, Key, What as Runs};
use serde::Serialize;

/// Characters of a command that are told and kept: enough to know it again.
const COMMAND_KEPT: usize = 1024;

/// Something has happened. Texts are as they came.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Happening {
    /// Where the client is; none where it is about the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whose key it is, with its fingerprint, once somebody is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// What may happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "ssh", rename_all = "kebab-case")]
pub enum What {
    /// A connection was closed at the door.
    TurnedAway {
        /// Why.
        reason: String,
    },
    /// A key was not let in.
    Refused {
        /// As whom it wanted in.
        user: String,
        /// `SHA256:...` of the key.
        fingerprint: String,
        /// Why; the client is not told.
        reason: String,
    },
    /// Somebody is in.
    LoggedIn,
    /// A session begins.
    Started {
        /// What runs.
        command: String,
    },
    /// A session could not begin.
    NotStarted {
        /// Why.
        error: String,
    },
    /// A session is over.
    Ended {
        /// What ran.
        command: String,
        /// How.
        exit: String,
        /// Bytes that it was given.
        received: u64,
        /// Bytes that it gave.
        sent: u64,
        /// How long it ran, in seconds.
        seconds: f64,
    },
    /// A connection is over.
    Closed {
        /// Why.
        reason: String,
    },
    /// Something is wrong with the line, which goes on.
    Trouble {
        /// What.
        reason: String,
    },
}

impl Happening {
    /// Something is wrong with the line.
    pub(super) fn trouble(reason: String) -> Self {
        Self { from: None, key: None, what: What::Trouble { reason } }
    }
}

/// What a session runs, as a person would type it.
pub(super) fn command(runs: &Runs) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let command = match runs {
        Runs::Shell { .. } => "a shell".to_owned(),
        Runs::Exec { command, .. } => text(command),
        Runs::Forced { command, asked } if asked.is_empty() => command.clone(),
        Runs::Forced { command, asked } => format!("{command} (for: {})", text(asked)),
        Runs::Sftp => "sftp".to_owned(),
        Runs::Forward { host, port } => format!("a connection to {host}:{port}"),
    };
    match command.char_indices().nth(COMMAND_KEPT) {
        Some((end, _)) => format!("{}...", &command[..end]),
        None => command,
    }
}

/// Whose key it is, so that it can be told from any other.
pub(super) fn key(key: &Key) -> String {
    let Key { label, fingerprint, authority } = key;
    let label = if label.is_empty() { String::new() } else { format!("{label} ") };
    let by = authority.as_ref().map(|authority| format!(" by {authority}")).unwrap_or_default();
    format!("{label}{fingerprint}{by}")
}

/// How a session ended.
pub(super) fn exit(exit: &Exit) -> String {
    match exit {
        Exit::Status(status) => format!("status {status}"),
        Exit::Signal(signal) => format!("SIG{signal}"),
        Exit::Done => "done".to_owned(),
        Exit::HungUp => "hung up".to_owned(),
        Exit::PutOut(Closed::ByOwner) => "ended here".to_owned(),
        Exit::PutOut(why) => format!("ended here, {}", closed(why)),
        Exit::Failed(reason) => format!("failed: {reason}"),
    }
}

/// Why a connection is over.
pub(super) fn closed(why: &Closed) -> String {
    match why {
        Closed::ByClient => "the client left".to_owned(),
        Closed::LoginGrace(grace) => format!("nobody had logged in after {} s", grace.as_secs()),
        Closed::ByOwner => "it was ended here".to_owned(),
        Closed::Expired => "the key's time is over".to_owned(),
        Closed::Failed(reason) => reason.clone(),
    }
}
