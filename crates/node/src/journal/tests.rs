use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use net::Ending;

use super::*;

/// A connection that was over so many seconds after 1970.
pub(super) fn connection(second: i64) -> Connection {
    Connection {
        at: Timestamp::from_second(second).unwrap(),
        lasted: Duration::from_micros(1_500),
        service: "upper".to_owned(),
        local: "tcp://127.0.0.1:8080".to_owned(),
        remote: format!("tcp://127.0.0.1:{}", 40_000 + second % 20_000),
        ending: Ending::Eof,
        received: 5,
        messages: 1,
        sent: 5,
    }
}

/// A lock on the journal, as another process has it while it writes.
pub(super) fn locked(folder: &Path) -> Database {
    let other = Database::open(folder.join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

fn version(folder: &Path) -> i64 {
    migrations::version(&Database::open(folder.join(FILE)).unwrap()).unwrap()
}

#[test]
fn a_new_journal_is_for_its_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state/trunkline");
    let journal = Journal::open(&state).unwrap();
    assert_eq!(journal.connections(&Query::default()).unwrap(), []);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let files: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "the file, its -wal and its -shm: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_commit_is_on_disk_before_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let pragma = |name: &str| -> String {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        format!("{:?}", journal.database.query_row(&format!("PRAGMA {name}"), [], value).unwrap())
    };
    assert_eq!(pragma("journal_mode"), r#"Text("wal")"#);
    assert_eq!(pragma("synchronous"), "Integer(2)", "2 is FULL");
}

#[test]
fn looking_for_a_journal_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Journal::find(folder.path()).unwrap().is_none());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    drop(Journal::open(folder.path()).unwrap());
    assert!(Journal::find(folder.path()).unwrap().is_some());
}

#[test]
fn a_journal_of_a_newer_program_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let newer = migrations::known() + 1;
    let file = Database::open(folder.path().join(FILE)).unwrap();
    file.execute_batch(&format!("CREATE TABLE later (x); PRAGMA user_version = {newer}")).unwrap();
    drop(file);
    let before = fs::read(folder.path().join(FILE)).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    let path = folder.path().join(FILE);
    assert_eq!(
        error.to_string(),
        format!(
            "the journal {} was written by a newer trunkline: it has version {newer}, and this program knows versions up to {}",
            path.display(),
            migrations::known()
        )
    );
    let remedy = "use the newer program, or move the file away and a new one is begun";
    assert_eq!(error.remedy(), Some(remedy));
    assert_eq!(fs::read(path).unwrap(), before);
}

#[test]
fn a_migration_takes_an_older_journal_on_and_keeps_what_is_in_it() {
    let mut database = Database::open_in_memory().unwrap();
    migrations::apply(&mut database, &migrations::ALL[..1]).unwrap();
    database.execute("INSERT INTO connections VALUES (1, 2, 3, '', '', '', 'eof', '', 0, 0, 0)", []).unwrap();
    let longer = [migrations::ALL, &["ALTER TABLE connections ADD COLUMN target TEXT NOT NULL DEFAULT 'x'"]];
    migrations::apply(&mut database, &longer.concat()).unwrap();
    assert_eq!(migrations::version(&database).unwrap(), migrations::known() + 1);
    let row = database.query_row("SELECT at, target FROM connections", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    assert_eq!(row, Ok((2, "x".to_owned())));
}

#[test]
fn a_journal_from_before_messages_were_filed_is_found_and_delivered_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut older = Database::open(folder.path().join(FILE)).unwrap();
    migrations::apply(&mut older, &migrations::ALL[..2]).unwrap();
    older
        .execute_batch(
            "INSERT INTO messages (at, state, person, user, host, nick, \"group\", ip, address, message, number, text,
                 sealed, automatic, broadcast) VALUES
                 (1, 'received', NULL, 'a', 'a', 'anna', '', NULL, NULL, NULL, 7, 'the first', 0, 0, 0),
                 (2, 'waiting', 'address', 'b', 'b', 'bob', '', '10.0.0.9', '10.0.0.9:2425',
                     x'00000000000000000000000000000005', 8, 'the second', 0, 0, 0),
                 (3, 'received', NULL, 'a', 'a', 'anna', '', NULL, NULL, NULL, 9, 'a secret', 1, 0, 0);
             INSERT INTO words (rowid, text) VALUES (1, 'the first'), (2, 'the second');",
        )
        .unwrap();
    drop(older);

    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(version(folder.path()), migrations::known());
    let found = |query: &MessageQuery| -> Vec<i64> {
        journal.messages(query).unwrap().iter().map(|message| message.row).collect()
    };
    let search = |text: &str| MessageQuery { search: Some(text.to_owned()), ..MessageQuery::default() };
    let anna = MessageQuery { whose: Some(vec![Whose::Nick("anna".to_owned())]), ..MessageQuery::default() };
    assert_eq!(
        (found(&search("the")), found(&search("secret")), found(&anna)),
        (vec![2, 1], vec![], vec![3, 1])
    );
    let outbox = journal.chat_state(|| NodeId(7)).unwrap().outbox;
    assert_eq!(outbox.iter().map(|message| message.id).collect::<Vec<_>>(), [MessageId(5)]);

    let writer = Writer::start(Journal::open(folder.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    let at = Timestamp::from_second(4).unwrap();
    writer.note(Change::Delivered { row: 2, took: Duration::ZERO, at });
    writer.note(Change::Unsealed { row: 3, at });
    drop(writer);
    assert_eq!((found(&search("secret")), journal.waiting().unwrap()), (vec![3], vec![]));
    assert_eq!(journal.forget(at).unwrap().messages, 3);
    assert_eq!((found(&search("the")), found(&anna)), (vec![], vec![]));
    let bytes = journal.database.query_row("SELECT bytes FROM volume", [], |row| row.get::<_, i64>(0));
    assert_eq!(bytes, Ok(0));
}

#[test]
fn a_migration_that_fails_leaves_the_version_from_which_it_began() {
    let mut database = Database::open_in_memory().unwrap();
    let list = ["CREATE TABLE one (x)", "CREATE TABLE two (x)", "CREATE TABLE one (x)"];
    migrations::apply(&mut database, &list[..1]).unwrap();
    assert!(migrations::apply(&mut database, &list).is_err());
    assert_eq!(migrations::version(&database).unwrap(), 1);
    assert!(database.prepare("SELECT * FROM two").is_err());
    migrations::apply(&mut database, &list[..2]).unwrap();
    assert_eq!(migrations::version(&database).unwrap(), 2);
}

#[test]
fn many_that_open_a_new_journal_at_once_all_succeed() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Journal::open(&state).unwrap());
            }
        });
        assert_eq!(version(&state), migrations::known());
    }
}

#[test]
fn a_file_that_is_no_journal_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    fs::write(&path, "this is a letter, and not a database at all".repeat(100)).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("opening the journal {}: file is not a database", path.display()));
    assert!(error.remedy().unwrap().starts_with("move the file away"));
}

#[test]
fn a_place_where_no_journal_can_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Journal::open(&file.join("state")).unwrap_err();
    assert!(error.to_string().starts_with("making the journal "), "{error}");
    assert!(error.remedy().unwrap().contains("TRUNKLINE_HOME=/path"));
}
