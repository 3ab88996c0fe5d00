//! How long a search takes in a journal that is as full as it gets: `cargo test --release -p node --test journal_search
//! -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a failed unwrap is a failed test")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use node::journal::{Change, Journal, MESSAGES_MAX, MessageQuery, Party, ReceivedMessage, Whose, Writer};

/// What a person does not notice.
const LIMIT: Duration = Duration::from_millis(50);

/// What people write, all of it common.
const COMMON: [&str; 8] = [
    "收到",
    "好的，谢谢",
    "今天下午三点开会，请大家准时到",
    "the server is down again",
    "what time is the meeting",
    "请看一下这个文件",
    "我们的网络有问题吗",
    "ok",
];

#[test]
#[ignore = "writes a million messages"]
fn the_newest_fifty_of_a_million_messages_are_found_before_anybody_notices() {
    let folder = tempfile::tempdir().unwrap();
    fill(&folder);
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
    measure("of nobody", 0, MessageQuery { whose: whose("nobody"), ..MessageQuery::default() });
    let since = Some(Timestamp::from_second(0).unwrap());
    measure("since long ago", 50, MessageQuery { since, ..MessageQuery::default() });
    assert!(slow.is_empty(), "slower than {LIMIT:?}: {slow:#?}");
}

fn fill(folder: &tempfile::TempDir) {
    let writer = Writer::start(Journal::open(folder.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start = Instant::now();
    for nth in 0..MESSAGES_MAX {
        writer.write(
            Change::Received { message: message(nth), at: Timestamp::from_second(nth).unwrap() },
            |written| {
                written.unwrap();
            },
        );
        if nth % 5_000 == 0 {
            runtime.block_on(writer.flush());
        }
    }
    drop(writer);
    let size = std::fs::metadata(folder.path().join("journal.db")).unwrap().len() / 1_000_000;
    println!("{MESSAGES_MAX} messages of 40 people written in {:?}, {size} MB", start.elapsed());
}

fn message(nth: i64) -> ReceivedMessage {
    let is_rare = nth % (MESSAGES_MAX / 10) == 500;
    let mut text = COMMON[usize::try_from(nth * 7 % 8).unwrap()].to_owned();
    if is_rare {
        text.push_str(" zebra 斑马");
    }
    // And words that only some people use, as a language has them: numbers in letters, different in each message.
    for factor in [7_919, 104_729] {
        let digits = (nth * factor % 20_011).to_string();
        text.push(' ');
        text.extend(digits.bytes().map(|digit| char::from(digit - b'0' + b'q')));
    }
    let nick = if is_rare { "zoologist".to_owned() } else { format!("person{}", nth * 11 % 40) };
    let address = format!("10.0.0.{}:2425", nth * 11 % 40).parse().ok();
    let from = Party { user: nick.clone(), host: format!("host-{nick}"), nick, address, ..Party::default() };
    let number = u32::try_from(nth).unwrap();
    ReceivedMessage { from, id: None, number, text, sealed: false, automatic: false, broadcast: false }
}
