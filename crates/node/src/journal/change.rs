//! What can be written down.

use std::time::Duration;

use ipmsg::node::Outgoing;
use jiff::Timestamp;
use rusqlite::Connection as Database;

use super::connection::{self, Connection};
use super::identity;
use super::message::{self, End, ReceivedMessage};
use super::party::Party;
use super::presence::{self, Presence};
use super::run::{self, NewRun, RunNews};

/// Something that has happened. Each time is kept to the microsecond.
#[derive(Clone, Debug)]
pub enum Change {
    /// A connection is over.
    Connection(Connection),
    /// A message is to be delivered: the journal has it in its outbox, and the numbers that it is sent with are spent. It is
    /// said once of each.
    Accepted {
        /// The message.
        message: Outgoing,
        /// What is known of its receiver.
        to: Party,
        /// When.
        at: Timestamp,
    },
    /// A message has come. One with an id is written down once, however often it comes.
    Received {
        /// The message.
        message: ReceivedMessage,
        /// When.
        at: Timestamp,
    },
    /// A message that waited was delivered.
    Delivered {
        /// Its row.
        row: i64,
        /// How long that took.
        took: Duration,
        /// When.
        at: Timestamp,
    },
    /// A message that waited can never be delivered.
    Failed {
        /// Its row.
        row: i64,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A message that waited is not to be delivered any more.
    Cancelled {
        /// Its row.
        row: i64,
        /// When.
        at: Timestamp,
    },
    /// Somebody has opened a sealed message of ours.
    Opened {
        /// Who.
        by: Party,
        /// A number that the message, or a part of it, was sent with.
        number: u32,
        /// Whether it was thrown away unread.
        discarded: bool,
        /// When.
        at: Timestamp,
    },
    /// The person here has opened a sealed message: from now on its text is shown and found.
    Unsealed {
        /// The row of the message.
        row: i64,
        /// When.
        at: Timestamp,
    },
    /// Somebody came, left, moved or changed.
    Presence(Presence),
    /// A run begins; the row is what its news are about.
    RunBegan(NewRun),
    /// Something has come of a run.
    RunWent(RunNews),
    /// What the node's person says of himself and of others, in the node's own words.
    Settings(String),
}

/// What became of a change. It is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The row that it made or changed, or that said it before, in the table of its kind; 0 where there is none, as
    /// for the delivery of a message that was forgotten.
    pub row: i64,
    /// Whether the journal says anything now that it did not say before.
    pub is_new: bool,
}

/// Writes a change, within a transaction.
pub(super) fn apply(database: &Database, change: &Change) -> rusqlite::Result<Written> {
    match change {
        Change::Connection(connection) => connection::insert(database, connection).map(Written::new),
        Change::RunBegan(new) => run::begin(database, new),
        Change::RunWent(news) => run::go_on(database, news),
        Change::Settings(settings) => identity::set_settings(database, settings),
        Change::Presence(presence) => presence::insert(database, presence).map(Written::new),
        Change::Accepted { message, to, at } => {
            identity::raise_last_number(database, message.last_number())?;
            message::accept(database, message, to, *at)
        }
        Change::Received { message, at } => message::receive(database, message, *at),
        Change::Delivered { row, took, at } => message::end(database, *row, End::Delivered(*took), *at),
        Change::Failed { row, reason, at } => message::end(database, *row, End::Failed(reason), *at),
        Change::Cancelled { row, at } => message::end(database, *row, End::Cancelled, *at),
        Change::Opened { by, number, discarded, at } => message::open(database, by, *number, *discarded, *at),
        Change::Unsealed { row, at } => message::unseal(database, *row, *at),
    }
}

/// Files the messages and deletes what is beyond the caps, within a transaction.
pub(super) fn tidy(database: &Database) -> rusqlite::Result<()> {
    message::file(database)?;
    connection::delete_surplus(database)?;
    message::delete_surplus(database)?;
    presence::delete_surplus(database)
}

impl Written {
    /// A row that has just been made.
    pub(super) fn new(row: i64) -> Self {
        Self { row, is_new: true }
    }
}
