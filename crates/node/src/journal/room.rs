//! Room for what will be written: SQLite's log (`-wal`), at the size that it comes to anyway.
//!
//! Each transaction goes to the end of that log, and once it has [`LOG`] bytes SQLite takes it over into the journal and writes
//! it anew from its beginning. To write over what is there costs the disk the bytes; to make a file longer also costs the
//! records of the file system about that file, which a transaction has to wait for: on ext4 half as long again, or twice as long.
//! But SQLite makes it longer by a page at a time, and begins with none whenever the journal was closed by the last who had it
//! open. So a node, which is there to stay, makes it as long as it will be.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection as Database;

use super::transaction::in_transaction;

/// Bytes: the 1000 pages of SQLite's `wal_autocheckpoint`, with a header each, and some for the transaction that exceeds them.
pub(super) const LOG: u64 = 4 << 20;

/// Makes the log of the journal at `path` that long. Whatever it has to say stays: SQLite reads it up to the first page that is
/// not of the last round, and zeros are of none.
pub(super) fn make(database: &Database, path: &Path) -> rusqlite::Result<io::Result<()>> {
    // In a transaction, so that nobody else writes what would be written over.
    in_transaction(database, |_| Ok(lengthen(&log(path))))
}

/// Opened and closed by itself it takes no locks away (fcntl(2)): SQLite has none on it. A disk that has no room for all of it
/// keeps what it has.
fn lengthen(log: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(log)?;
    let length = file.metadata()?.len();
    let mut zeros = io::repeat(0).take(LOG.saturating_sub(length));
    let made = io::copy(&mut zeros, &mut file).and_then(|_| file.sync_data());
    if made.is_err() {
        file.set_len(length)?;
    }
    made
}

/// Its name is the journal's, and so.
fn log(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

#[cfg(test)]
mod tests;
