//! How values stand in the columns.

use std::time::Duration;

use ipmsg::{MessageId, NodeId};
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

/// SQLite's integers have a sign. What is beyond them, in bytes or in time, nobody has seen.
pub(super) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(super) fn micros(duration: Duration) -> i64 {
    integer(duration.as_micros())
}

pub(super) fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

pub(super) fn timestamp(micros: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(unreadable)
}

/// Ids are 16 bytes, since SQLite has no number that is so large.
pub(super) fn node_bytes(node: NodeId) -> [u8; 16] {
    node.0.to_be_bytes()
}

pub(super) fn message_bytes(message: MessageId) -> [u8; 16] {
    message.0.to_be_bytes()
}

pub(super) fn node(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<NodeId>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(|bytes| NodeId(u128::from_be_bytes(bytes))))
}

pub(super) fn message(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<MessageId>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(|bytes| MessageId(u128::from_be_bytes(bytes))))
}

/// A value that no program of ours has written.
pub(super) fn unreadable(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, reason.into())
}
