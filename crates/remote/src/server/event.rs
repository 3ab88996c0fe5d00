//! What happens on a connection, for a log and a journal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::access::Refusal;

/// Something happened. Within a connection, in this order: at most one [`Event::LoggedIn`], after any number of
/// [`Event::Refused`]; for each session one [`Event::Started`] and one [`Event::Ended`]; last [`Event::Closed`].
#[derive(Debug)]
pub enum Event {
    /// Somebody wanted to log in and may not. Texts are as the client sent them.
    Refused {
        /// As whom.
        user: String,
        /// The fingerprint of the key that was shown, `SHA256:...`.
        fingerprint: String,
        /// Why.
        reason: Refusal,
    },
    /// Somebody is in.
    LoggedIn {
        /// The connection's number ([`Connection::id`]).
        id: u64,
        /// As whom.
        user: String,
        /// With what.
        key: Key,
    },
    /// A session begins.
    Started {
        /// Which: no other of the connection has the number.
        session: u32,
        /// What runs.
        what: What,
    },
    /// A session could not begin.
    NotStarted {
        /// Which.
        session: u32,
        /// Why.
        error: String,
    },
    /// A session is over.
    Ended {
        /// Which.
        session: u32,
        /// How.
        exit: Exit,
        /// Bytes that it was given.
        received: u64,
        /// Bytes that it gave.
        sent: u64,
        /// How long it ran.
        took: Duration,
    },
    /// The connection is over, and so is everything that it started.
    Closed {
        /// Why.
        why: Closed,
        /// How long it was open.
        took: Duration,
    },
}

/// What a session runs. Bytes are as the client sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A login shell.
    Shell {
        /// On a terminal.
        terminal: bool,
    },
    /// A command.
    Exec {
        /// The command line.
        command: Vec<u8>,
        /// On a terminal.
        terminal: bool,
    },
    /// The command that the key is bound to.
    Forced {
        /// What runs.
        command: String,
        /// What was asked for; empty: a shell.
        asked: Vec<u8>,
    },
    /// Files, by SFTP.
    Sftp,
    /// A connection to elsewhere.
    Forward {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Status(u32),
    /// By a signal, without `SIG`.
    Signal(String),
    /// A connection that was passed on ended both ways.
    Done,
    /// The client closed it, or was lost, and it was ended.
    HungUp,
    /// The connection was ended from here, and this with it; why.
    PutOut(Closed),
    /// It could not go on; why.
    Failed(String),
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The client left.
    ByClient,
    /// Nobody had logged in after the time for it.
    LoginGrace(Duration),
    /// The owner of this machine ended it.
    ByOwner,
    /// What the client may do here ended with its time.
    Expired,
    /// Something went wrong on the line, or what came is not SSH.
    Failed(String),
}

/// What somebody has come in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose it is: the key's comment, or the identity in a certificate. Raw.
    pub label: String,
    /// `SHA256:...` of the key.
    pub fingerprint: String,
    /// `SHA256:...` of whoever signed the certificate; None: the key itself is known here.
    pub authority: Option<String>,
}

/// Hears of events. It is called on the thread of the connection and must not wait.
pub type Report = Arc<dyn Fn(Event) + Send + Sync>;

/// A connection, as [`super::Server::connections`] lists it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// No other has it, as long as this program runs.
    pub id: u64,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Whose key it is; None: nobody is logged in yet.
    pub key: Option<Key>,
    /// When it began.
    pub since: Timestamp,
    /// What runs in it.
    pub sessions: Vec<(u32, What)>,
}
