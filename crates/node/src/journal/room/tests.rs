use std::fs;

use super::super::tests::connection;
use super::super::{Journal, Query, connection};
use super::*;

fn length(folder: &Path) -> u64 {
    fs::metadata(folder.join("journal.db-wal")).unwrap().len()
}

fn write(journal: &Journal, second: i64) {
    in_transaction(&journal.database, |database| connection::insert(database, &connection(second))).unwrap();
}

fn written(folder: &Path) -> usize {
    Journal::open(folder).unwrap().connections(&Query::default()).unwrap().len()
}

#[test]
fn where_room_was_made_no_message_makes_a_file_longer() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    write(&journal, 0);
    assert!(length(folder.path()) < LOG / 10);
    make(&journal.database, &journal.path).unwrap().unwrap();
    // Until SQLite has begun anew.
    for second in 1..1_000 {
        write(&journal, second);
        assert_eq!(length(folder.path()), LOG, "after {second} transactions");
    }
    assert_eq!(written(folder.path()), 1_000);
}

#[test]
fn what_was_written_before_room_was_made_and_after_it_is_there_after_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    for second in 0..10 {
        write(&journal, second);
    }
    make(&journal.database, &journal.path).unwrap().unwrap();
    for second in 10..20 {
        write(&journal, second);
    }
    // What is on disk, without the index of the log, which is memory that processes share.
    let after = tempfile::tempdir().unwrap();
    for file in ["journal.db", "journal.db-wal"] {
        fs::copy(folder.path().join(file), after.path().join(file)).unwrap();
    }
    assert_eq!(written(after.path()), 20);
    let sound = |database: &Database| database.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    assert_eq!(sound(&Journal::open(after.path()).unwrap().database), Ok("ok".to_owned()));
}

#[test]
fn room_that_is_there_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    make(&journal.database, &journal.path).unwrap().unwrap();
    write(&journal, 1);
    let before = fs::read(folder.path().join("journal.db-wal")).unwrap();
    make(&journal.database, &journal.path).unwrap().unwrap();
    assert!(before == fs::read(folder.path().join("journal.db-wal")).unwrap());
    assert_eq!(written(folder.path()), 1);
}
