//! Who this machine's node is, over restarts.

use ipmsg::NodeId;
use ipmsg::node::Outgoing;
use rusqlite::Connection as Database;

use super::change::Written;
use super::message;
use super::value::{self, node_bytes};

/// Packet numbers that are taken at a time, so that not every message changes the largest one: a node that starts leaves
/// out what it had not used. People write more slowly than the clock counts, and numbers begin at the clock.
const NUMBERS_AHEAD: u32 = 64;

/// What a node has to be told when it starts: see [`ipmsg::node::Config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatState {
    /// Who it is.
    pub node: NodeId,
    /// The largest [`Outgoing::last_number`] that was ever stored, or a little more; 0 at the first start.
    pub last_number: u32,
    /// The messages that wait to be delivered, in the order in which they were accepted.
    pub outbox: Vec<Outgoing>,
}

/// The stored state, under a fresh id if there is none yet.
pub(super) fn chat_state(database: &Database, fresh: impl FnOnce() -> NodeId) -> rusqlite::Result<ChatState> {
    let id =
        |database: &Database| database.query_row("SELECT id FROM node", [], |row| value::node(row, "id"));
    let node = match id(database)? {
        Some(node) => node,
        None => {
            let chosen = fresh();
            // Another process may have been faster: the first id stays.
            database.execute("UPDATE node SET id = ?1 WHERE id IS NULL", [node_bytes(chosen)])?;
            id(database)?.unwrap_or(chosen)
        }
    };
    let last_number = database.query_row("SELECT last_number FROM node", [], |row| row.get(0))?;
    Ok(ChatState { node, last_number, outbox: message::outbox(database)? })
}

/// Notes that a message may be sent with numbers up to this one, and others soon with further ones.
pub(super) fn raise_last_number(database: &Database, number: u32) -> rusqlite::Result<()> {
    database
        .prepare_cached("UPDATE node SET last_number = ?2 WHERE last_number < ?1")?
        .execute([number, number.saturating_add(NUMBERS_AHEAD)])
        .map(drop)
}

/// What the node's person has said, if he has said anything.
pub(super) fn settings(database: &Database) -> rusqlite::Result<Option<String>> {
    database.query_row("SELECT settings FROM node", [], |row| row.get(0))
}

pub(super) fn set_settings(database: &Database, settings: &str) -> rusqlite::Result<Written> {
    let changed = database
        .prepare_cached("UPDATE node SET settings = ?1 WHERE settings IS NOT ?1")?
        .execute([settings])?;
    Ok(Written { row: 0, is_new: changed > 0 })
}
