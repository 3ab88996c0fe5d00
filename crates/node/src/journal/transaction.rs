//! A change of the file: all of it, or nothing.

use rusqlite::Connection as Database;

/// Does this in one transaction, which is on disk when this returns without an error.
///
/// Its two statements stay prepared: to read them takes SQLite longer than to carry them out, and every message has them.
pub(super) fn in_transaction<T>(
    database: &Database,
    change: impl FnOnce(&Database) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // One that would begin as a reader could not wait for another process that writes.
    database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let changed = change(database).and_then(|changed| {
        database.prepare_cached("COMMIT")?.execute([])?;
        Ok(changed)
    });
    // SQLite has undone it by itself where the disk is full or in trouble.
    if changed.is_err() && !database.is_autocommit() {
        let _ = database.execute_batch("ROLLBACK");
    }
    changed
}
