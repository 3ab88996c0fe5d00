//! What only reading needs of a message: its words in the search, and its place among those of its party. To put that in
//! order costs several times what the message itself does, and little more for many messages at once. So it is done
//! behind them: the newest rows are not `filed`, all before them are. Whoever reads by these indices has the rest filed
//! first.

use rusqlite::{Connection as Database, OptionalExtension as _};

use crate::journal::search;

/// Whether every message is filed.
pub(in crate::journal) fn is_filed(database: &Database) -> rusqlite::Result<bool> {
    let select = "SELECT filed FROM messages ORDER BY id DESC LIMIT 1";
    Ok(database.prepare_cached(select)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(true))
}

/// Files what is not filed yet, within a transaction.
pub(in crate::journal) fn file(database: &Database) -> rusqlite::Result<()> {
    // A plus keeps SQLite from an index: the newest rows are looked at until one is filed.
    let select = "SELECT id FROM messages WHERE +filed ORDER BY id DESC LIMIT 1";
    let last: i64 = database.prepare_cached(select)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(0);
    let select = "
        SELECT id, text FROM messages WHERE id > ?1 AND (state <> 'received' OR NOT sealed OR opened IS NOT NULL)";
    let mut statement = database.prepare_cached(select)?;
    let mut rows = statement.query([last])?;
    while let Some(row) = rows.next()? {
        index(database, row.get(0)?, row.get_ref(1)?.as_str()?)?;
    }
    let update = "
        UPDATE volume SET bytes = bytes +
            (SELECT coalesce(sum(octet_length(text)), 0) FROM messages WHERE id > ?1)";
    database.prepare_cached(update)?.execute([last])?;
    database.prepare_cached("UPDATE messages SET filed = 1 WHERE id > ?1")?.execute([last])?;
    Ok(())
}

/// Puts a text's words into the search.
pub(super) fn index(database: &Database, row: i64, text: &str) -> rusqlite::Result<()> {
    let insert = "INSERT INTO words (rowid, text) VALUES (?1, ?2)";
    database.prepare_cached(insert)?.execute((row, search::words(text))).map(drop)
}

#[cfg(test)]
mod tests;
