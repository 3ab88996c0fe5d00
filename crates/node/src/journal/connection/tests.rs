use std::slice::from_ref;

use super::super::tests::connection as over_at;
use super::super::{Change, Forgotten, Journal, Writer};
use super::*;

/// A journal of these connections.
fn journal(connections: &[Connection]) -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let writer = Writer::start(Journal::open(folder.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    connections.iter().for_each(|connection| writer.note(Change::Connection(connection.clone())));
    drop(writer);
    (folder, journal)
}

fn found(journal: &Journal, search: &str) -> usize {
    let query = Query { search: Some(search.to_owned()), ..Query::default() };
    journal.connections(&query).unwrap().len()
}

#[test]
fn a_connection_comes_back_as_it_went_in_newest_first() {
    let reason = || "\x1b]0;root\x07 \u{202e}会议\0'; DROP TABLE connections; --".to_owned();
    let endings =
        [Ending::Eof, Ending::Reset, Ending::Timeout, Ending::Limit(reason()), Ending::Error(reason())];
    let mut connections: Vec<_> =
        (0..).zip(endings).map(|(second, ending)| Connection { ending, ..over_at(second) }).collect();
    connections[2].at = "2026-11-22T19:45:18.123456Z".parse().unwrap();
    connections[2].remote = reason();
    connections[2].received = i64::MAX as u64;
    connections.sort_by_key(|connection| connection.at);
    let (_folder, journal) = journal(&connections);
    connections.reverse();
    assert_eq!(journal.connections(&Query::default()).unwrap(), connections);
}

#[test]
fn a_number_that_sqlite_cannot_hold_becomes_the_largest() {
    let (_folder, journal) =
        journal(&[Connection { received: u64::MAX, lasted: Duration::MAX, ..over_at(1) }]);
    let back = journal.connections(&Query::default()).unwrap().remove(0);
    assert_eq!(back.received, i64::MAX as u64);
    assert_eq!(back.lasted, Duration::from_micros(i64::MAX as u64));
}

#[test]
fn a_search_finds_chinese_words_of_one_and_two_characters() {
    let at = |path: &str| Connection { local: format!("unix:{path}"), ..over_at(1) };
    let (_folder, journal) = journal(&[at("/run/会议.sock"), at("/run/议会.sock"), at("/run/room.sock")]);
    assert_eq!(found(&journal, "会议"), 1);
    assert_eq!(found(&journal, "会"), 2);
    assert_eq!(found(&journal, "会 议"), 0);
}

#[test]
fn a_search_takes_every_character_for_itself() {
    let failed = |reason: &str| Connection { ending: Ending::Error(reason.to_owned()), ..over_at(1) };
    let (_folder, journal) =
        journal(&[failed("100% done"), failed("a_b"), failed(r"C:\temp"), failed("'\"")]);
    for text in ["%", "_", r"\", "'", "\"", "100%", "Done", "ERROR: a_b"] {
        assert_eq!(found(&journal, text), 1, "{text}");
    }
    assert_eq!(found(&journal, ""), 4);
    assert_eq!(found(&journal, "upper\ntcp"), 4, "the parts are lines");
    assert_eq!(found(&journal, "uppertcp"), 0, "and no word goes over two of them");
}

#[test]
fn what_is_wanted_may_be_narrowed_by_time_place_and_number() {
    let from = |second, remote: &str| Connection { remote: remote.to_owned(), ..over_at(second) };
    let (_folder, journal) = journal(&[
        from(1, "tcp://10.0.0.9:5000"),
        from(2, "tcp://10.0.0.90:5000"),
        from(3, "tcp://[fd00::9]:5000"),
        from(4, "pid 7 of uid 1000"),
        from(5, "tcp://10.0.0.9:5001"),
    ]);
    let seconds = |query: Query| -> Vec<_> {
        journal.connections(&query).unwrap().iter().map(|found| found.at.as_second()).collect()
    };
    let at = |sites: &[Site]| Query { sites: Some(sites.to_vec()), ..Query::default() };
    assert_eq!(
        seconds(Query { since: Some(Timestamp::from_second(4).unwrap()), ..Query::default() }),
        [5, 4]
    );
    assert_eq!(seconds(Query { newest: Some(2), ..Query::default() }), [5, 4]);
    let host = Site::Host([10, 0, 0, 9].into());
    assert_eq!(seconds(at(from_ref(&host))), [5, 1]);
    assert_eq!(seconds(Query { newest: Some(1), ..at(from_ref(&host)) }), [5]);
    assert_eq!(seconds(at(&[host, Site::Host("fd00::9".parse().unwrap())])), [5, 3, 1]);
    assert_eq!(seconds(at(&[Site::Address("tcp://10.0.0.9:5000".to_owned())])), [1]);
    assert_eq!(seconds(at(&[Site::Address("tcp://127.0.0.1:8080".to_owned())])), [5, 4, 3, 2, 1]);
    assert_eq!(seconds(at(&[])), [0; 0]);
}

#[test]
fn what_is_old_is_forgotten_and_the_rest_stays() {
    let (_folder, journal) = journal(&[over_at(1), over_at(2), over_at(3)]);
    assert_eq!(journal.forget(Timestamp::from_second(3).unwrap()).unwrap().connections, 2);
    assert_eq!(journal.connections(&Query::default()).unwrap(), [over_at(3)]);
    assert_eq!(journal.forget(Timestamp::from_second(3).unwrap()).unwrap(), Forgotten::default());
}

#[test]
fn whoever_makes_connections_without_end_pushes_out_the_oldest_and_fills_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let row = "INSERT INTO connections VALUES (?1, ?1, 0, '', '', '', 'eof', '', 0, 0, 0)";
    for id in [1, 2, CONNECTIONS_MAX, CONNECTIONS_MAX + 1] {
        journal.database.execute(row, [id]).unwrap();
    }
    let writer = Writer::start(Journal::open(folder.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    writer.note(Change::Connection(over_at(1)));
    drop(writer);
    let ids: Vec<i64> = journal
        .database
        .prepare("SELECT id FROM connections ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(ids, [CONNECTIONS_MAX, CONNECTIONS_MAX + 1, CONNECTIONS_MAX + 2]);
}

#[test]
fn a_row_that_no_program_of_ours_has_written_is_an_error() {
    let (_folder, journal) = journal(&[over_at(1)]);
    journal.database.execute("UPDATE connections SET ending = 'tired'", []).unwrap();
    let error = journal.connections(&Query::default()).unwrap_err().to_string();
    assert!(error.contains("reading the journal") && error.contains("no such ending"), "{error}");
}
