//! Messages of both directions, as they stand in the journal.

use std::time::Duration;

use ipmsg::node::{Outgoing, Person};
use ipmsg::{MessageId, NodeId};
use jiff::Timestamp;
use rusqlite::{Connection as Database, OptionalExtension as _, params};

use super::change::Written;
use super::party::Party;
use super::value::{self, message_bytes, micros, node_bytes, unreadable};

mod filing;
mod select;

pub(super) use filing::{file, is_filed};
pub use select::MessageQuery;
pub(super) use select::{one, outbox, select, waiting};

/// The newest that are kept; whatever is older goes when new ones come, unless it waits to be delivered. Anybody in the
/// network can send, and must not fill the disk for ever; a person who sends and gets 500 a day fills this in five years.
pub const MESSAGES_MAX: i64 = 1_000_000;

/// Bytes of all texts that are kept, by the same rule: a million messages of the largest size would be 32 GB. What people
/// write is some 50 bytes each; the index takes about as much again.
pub const TEXTS_MAX: i64 = 1 << 30;

/// A message of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its row. Rows grow: what was written down later has a larger one.
    pub row: i64,
    /// When it had come, or was accepted to be sent.
    pub at: Timestamp,
    /// Who wrote it, or for whom it is.
    pub party: Party,
    /// Whether it came or went, and what became of it.
    pub state: State,
    /// Which message it is; none if another program has sent it.
    pub id: Option<MessageId>,
    /// The number of its first packet.
    pub number: u32,
    /// The text; none while it is sealed, and the person here has not opened it.
    pub text: Option<String>,
    /// Whether its receiver was to open it first.
    pub sealed: bool,
    /// When its receiver opened it.
    pub opened: Option<Opened>,
    /// Whether a program wrote it.
    pub automatic: bool,
    /// Whether it went to everybody.
    pub broadcast: bool,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It came to us.
    Received,
    /// It is ours, and waits to be delivered.
    Waiting,
    /// It is ours, and its receiver's program has it.
    Delivered {
        /// Since when.
        at: Timestamp,
        /// How long that took.
        took: Duration,
    },
    /// It is ours, and cannot be delivered.
    Failed {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// It is ours, and was taken back.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

/// What became of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// When.
    pub at: Timestamp,
    /// Whether the message was thrown away unread.
    pub discarded: bool,
}

/// A message that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Whose.
    pub from: Party,
    /// Which message of which node, if one of ours has sent it.
    pub id: Option<(NodeId, MessageId)>,
    /// The number of its first packet.
    pub number: u32,
    /// The text.
    pub text: String,
    /// Whether the person is to open it first.
    pub sealed: bool,
    /// Whether a program wrote it.
    pub automatic: bool,
    /// Whether it went to everybody.
    pub broadcast: bool,
}

/// How a message leaves the outbox.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'a> {
    Delivered(Duration),
    Failed(&'a str),
    Cancelled,
}

/// What a new row has.
struct New<'a> {
    at: Timestamp,
    state: &'static str,
    person: Option<&'static str>,
    party: Party,
    id: Option<MessageId>,
    number: u32,
    text: &'a str,
    sealed: bool,
    automatic: bool,
    broadcast: bool,
}

/// Writes a message down that is to be delivered.
pub(super) fn accept(
    database: &Database,
    message: &Outgoing,
    to: &Party,
    at: Timestamp,
) -> rusqlite::Result<Written> {
    let new = New {
        at,
        state: "waiting",
        person: Some(match message.to {
            Person::Node(_) => "node",
            Person::Name { .. } => "name",
            Person::Address(_) => "address",
        }),
        party: to.clone().named_by(&message.to),
        id: Some(message.id),
        number: message.number,
        text: &message.text,
        sealed: message.sealed,
        automatic: false,
        broadcast: false,
    };
    Ok(insert(database, &new)?.map(Written::new).unwrap_or_default())
}

/// Writes a message down that has come, if it is not there yet.
pub(super) fn receive(
    database: &Database,
    message: &ReceivedMessage,
    at: Timestamp,
) -> rusqlite::Result<Written> {
    let mut party = message.from.clone();
    if let Some((node, _)) = message.id {
        party.node = Some(node);
    }
    let new = New {
        at,
        state: "received",
        person: None,
        party,
        id: message.id.map(|(_, id)| id),
        number: message.number,
        text: &message.text,
        sealed: message.sealed,
        automatic: message.automatic,
        broadcast: message.broadcast,
    };
    if let Some(row) = insert(database, &new)? {
        return Ok(Written::new(row));
    }
    let select = "SELECT id FROM messages WHERE state = 'received' AND node = ?1 AND message = ?2";
    let key = (new.party.node.map(node_bytes), new.id.map(message_bytes));
    let row = database.prepare_cached(select)?.query_row(key, |row| row.get(0))?;
    Ok(Written { row, is_new: false })
}

/// Notes that a message has left the outbox.
pub(super) fn end(database: &Database, row: i64, end: End<'_>, at: Timestamp) -> rusqlite::Result<Written> {
    let (state, took, reason) = match end {
        End::Delivered(took) => ("delivered", Some(micros(took)), None),
        End::Failed(reason) => ("failed", None, Some(reason)),
        End::Cancelled => ("cancelled", None, None),
    };
    let update = "
        UPDATE messages SET state = ?2, took = ?3, reason = ?4, ended = ?5 WHERE id = ?1 AND state = 'waiting'";
    let changed =
        database.prepare_cached(update)?.execute(params![row, state, took, reason, at.as_microsecond()])?;
    Ok(if changed > 0 { Written::new(row) } else { Written::default() })
}

/// Notes that a sealed message of ours was opened.
pub(super) fn open(
    database: &Database,
    by: &Party,
    number: u32,
    discarded: bool,
    at: Timestamp,
) -> rusqlite::Result<Written> {
    // Numbers are never used again, so it is the one whose numbers begin at this one or next before it.
    let select = "
        SELECT * FROM messages WHERE sealed AND state <> 'received' AND number <= ?1 ORDER BY number DESC LIMIT 1";
    let found = database
        .prepare_cached(select)?
        .query_row([number], |row| Ok((row.get("id")?, select::outgoing(row)?)))
        .optional()?;
    match found {
        Some((row, message)) if number <= message.last_number() && by.is(&message.to) => {
            let update = "UPDATE messages SET opened = ?2, discarded = ?3 WHERE id = ?1 AND opened IS NULL";
            let changed =
                database.prepare_cached(update)?.execute(params![row, at.as_microsecond(), discarded])?;
            Ok(Written { row, is_new: changed > 0 })
        }
        _ => Ok(Written::default()),
    }
}

/// Notes that the person here has opened a sealed message.
pub(super) fn unseal(database: &Database, row: i64, at: Timestamp) -> rusqlite::Result<Written> {
    let update = "
        UPDATE messages SET opened = ?2 WHERE id = ?1 AND state = 'received' AND sealed AND opened IS NULL
        RETURNING text, filed";
    let found: Option<(String, bool)> = database
        .prepare_cached(update)?
        .query_row((row, at.as_microsecond()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((text, true)) = &found {
        filing::index(database, row, text)?;
    }
    Ok(Written { row, is_new: found.is_some() })
}

/// Deletes what is beyond [`MESSAGES_MAX`] and [`TEXTS_MAX`].
pub(super) fn delete_surplus(database: &Database) -> rusqlite::Result<()> {
    let delete = "
        DELETE FROM messages WHERE id <= (SELECT max(id) FROM messages) - ?1 AND state <> 'waiting'";
    database.prepare_cached(delete)?.execute([MESSAGES_MAX])?;
    // The oldest, some at a time. What has just come, a full queue at most, is never so much that it would be among them.
    let delete = "
        DELETE FROM messages WHERE (SELECT bytes FROM volume) > ?1
        AND id IN (SELECT id FROM messages WHERE state <> 'waiting' ORDER BY id LIMIT 100)";
    while database.prepare_cached(delete)?.execute([TEXTS_MAX])? > 0 {}
    Ok(())
}

/// Deletes what was before a time and does not wait, and says how many.
pub(super) fn delete(database: &Database, before: Timestamp) -> rusqlite::Result<usize> {
    let delete = "DELETE FROM messages WHERE at < ?1 AND state <> 'waiting'";
    database.execute(delete, [before.as_microsecond()])
}

/// The row of a message; none if there is one with its id already.
fn insert(database: &Database, new: &New<'_>) -> rusqlite::Result<Option<i64>> {
    let insert = r#"
        INSERT INTO messages (at, state, person, node, user, host, nick, "group", address, ip, message, number, text,
            sealed, automatic, broadcast, filed)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
        ON CONFLICT DO NOTHING"#;
    let party = &new.party;
    let values = params![
        new.at.as_microsecond(),
        new.state,
        new.person,
        party.node.map(node_bytes),
        party.user,
        party.host,
        party.nick,
        party.group,
        party.address.map(|address| address.to_string()),
        party.address.map(|address| address.ip().to_string()),
        new.id.map(message_bytes),
        new.number,
        new.text,
        new.sealed,
        new.automatic,
        new.broadcast,
    ];
    let inserted = database.prepare_cached(insert)?.execute(values)?;
    Ok((inserted > 0).then(|| database.last_insert_rowid()))
}

#[cfg(test)]
mod tests;
