//! How long a search takes in a journal that is as full as it gets: `cargo test --release -p node --test journal_search
//! -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a failed unwrap is a failed test")]

#[path = "../examples/full_journal.rs"]
mod full_journal;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use node::journal::{Journal, MESSAGES_MAX, MessageQuery, Whose};

/// What a person does not notice.
const LIMIT: Duration = Duration::from_millis(50);

#[test]
#[ignore = "writes a million messages"]
fn the_newest_fifty_of_a_million_messages_are_found_before_anybody_notices() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(full_journal::fill(folder.path())).unwrap();
    println!("{MESSAGES_MAX} messages written in {:?}", start.elapsed());
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(
        journal.messages(&MessageQuery { newest: Some(1), ..MessageQuery::default() }).unwrap().len(),
        1
    );
    let mut slow = Vec::new();
    let mut measure = |what: &str, number: usize, query: MessageQuery| {
        let start = Instant::now();
        let found = journal.messages(&MessageQuery { newest: Some(50), ..query }).unwrap().len();
        let took = start.elapsed();
        println!("{what:<40} {found:>3} found in {took:?}");
        assert_eq!(found, number, "{what}");
        if took > LIMIT {
            slow.push(format!("{what}: {took:?}"));
        }
    };
    for (text, number) in [
        ("收到", 50),
        ("会", 50),
        ("网络", 50),
        ("我们的网络", 50),
        ("server is down", 50),
        ("the", 50),
        // A single letter is a word; two may be the beginning of many.
        ("t", 50),
        ("th", 50),
        ("tu", 50),
        ("斑马", 10),
        ("zebra", 10),
        ("zeb", 10),
        ("麒麟", 0),
        ("unicorn", 0),
        // Both characters are in many messages, and never beside each other.
        ("的会", 0),
        ("down server", 0),
    ] {
        measure(text, number, MessageQuery { search: Some(text.to_owned()), ..MessageQuery::default() });
    }
    let whose = |nick: &str| Some(vec![Whose::Nick(nick.to_owned())]);
    measure("of everybody", 50, MessageQuery::default());
    measure(
        "of one who writes much",
        50,
        MessageQuery { whose: whose("person1"), ..MessageQuery::default() },
    );
    measure(
        "of one who wrote little",
        10,
        MessageQuery { whose: whose("zoologist"), ..MessageQuery::default() },
    );
    for (nick, text, number) in [("person15", "server", 50), ("person16", "server", 0)] {
        let search = Some(text.to_owned());
        measure(
            &format!("{text} of {nick}"),
            number,
            MessageQuery { whose: whose(nick), search, ..MessageQuery::default() },
        );
    }
    for (text, number) in [("the", 10), ("收到", 0)] {
        measure(
            &format!("{text} of one who wrote little"),
            number,
            MessageQuery {
                whose: whose("zoologist"),
                search: Some(text.to_owned()),
                ..MessageQuery::default()
            },
        );
    }
    measure("of nobody", 0, MessageQuery { whose: whose("nobody"), ..MessageQuery::default() });
    let since = Some(Timestamp::from_second(0).unwrap());
    measure("since long ago", 50, MessageQuery { since, ..MessageQuery::default() });
    let since = Some(Timestamp::from_second(MESSAGES_MAX - 40).unwrap());
    measure("since a moment ago", 40, MessageQuery { since, ..MessageQuery::default() });
    assert!(slow.is_empty(), "slower than {LIMIT:?}: {slow:#?}");
}
