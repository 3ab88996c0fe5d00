//! How a journal becomes one that this program knows. A migration that has been released is never changed: whatever is
//! to be different later is one more at the end of the list.

use rusqlite::{Connection as Database, TransactionBehavior};

/// Each brings the tables from the version of its place in this list to the next one.
pub(super) const ALL: &[&str] = &["
    CREATE TABLE connections (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,        -- microseconds since 1970, when it was over
        lasted INTEGER NOT NULL,    -- microseconds
        service TEXT NOT NULL,
        local TEXT NOT NULL,
        remote TEXT NOT NULL,
        ending TEXT NOT NULL,       -- eof, reset, timeout, limit or error
        reason TEXT NOT NULL,       -- of limit and error
        received INTEGER NOT NULL,  -- bytes
        messages INTEGER NOT NULL,  -- that were received
        sent INTEGER NOT NULL       -- bytes
    ) STRICT;
    CREATE INDEX connections_at ON connections (at);
"];

/// The newest version that this program knows: the end of the list.
pub(super) fn known() -> i64 {
    i64::try_from(ALL.len()).unwrap_or(i64::MAX)
}

/// The version of a database; 0 for one that is empty.
pub(super) fn version(database: &Database) -> rusqlite::Result<i64> {
    database.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database to the end of a list, from whatever version it has, all or nothing.
pub(super) fn apply(database: &mut Database, list: &[&str]) -> rusqlite::Result<()> {
    let missing = |version: i64| (1..).zip(list).filter(move |(leads_to, _)| *leads_to > version);
    if missing(version(database)?).next().is_none() {
        return Ok(());
    }
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another process may have been faster.
    for (leads_to, migration) in missing(version(&transaction)?) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", leads_to)?;
    }
    transaction.commit()
}
