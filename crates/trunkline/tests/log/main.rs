//! `trunkline log`, by the true binary, over a journal of known connections.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;
mod runs;

use std::fs;
use std::time::Duration;

use home::{BOOK, Home};
use jiff::{SignedDuration, Timestamp};
use net::Ending;
use node::journal::{
    Change, Connection, Journal, MessageId, NodeId, Outgoing, Party, Person, ReceivedMessage, Writer,
};
use serde_json::{Value, json};

/// The newest is the last. The book has the printer and n02.
fn connections() -> Vec<Connection> {
    let connection = |time: &str, service: &str, remote: &str, ending| Connection {
        at: time.parse().unwrap(),
        lasted: Duration::from_millis(1_250),
        service: service.to_owned(),
        local: "tcp://10.0.0.1:8080".to_owned(),
        remote: remote.to_owned(),
        ending,
        received: 5,
        messages: 1,
        sent: 1_234,
    };
    vec![
        connection("2026-11-20T08:00:00Z", "upper", "tcp://10.0.0.9:50000", Ending::Eof),
        connection("2026-11-21T08:00:00.123456Z", "echo", "tcp://10.1.0.2:50001", Ending::Reset),
        connection(
            "2026-11-22T08:00:00Z",
            "forward",
            "unix-dgram:/run/\x1b]0;root\x07会议\u{202e}",
            Ending::Error("no route\nhome".to_owned()),
        ),
    ]
}

/// What bob, who is not in the book, and the printer, which is, wrote and were written.
fn messages() -> Vec<Change> {
    let node = NodeId(0xb0b);
    let bob = Party {
        node: Some(node),
        user: "bob".to_owned(),
        host: "hostb".to_owned(),
        nick: "Bob \x1b[2J".to_owned(),
        group: "lab".to_owned(),
        address: "10.0.0.66:2425".parse().ok(),
    };
    let printer = Party { node: None, address: "10.0.0.9:2425".parse().ok(), ..bob.clone() };
    let at = |time: &str| time.parse().unwrap();
    let received = |from: &Party, id, text: &str| ReceivedMessage {
        from: from.clone(),
        id,
        number: 7,
        text: text.to_owned(),
        sealed: false,
        automatic: false,
        broadcast: false,
    };
    let accepted = |id, number, text: &str, time| Change::Accepted {
        message: Outgoing {
            id: MessageId(id),
            to: Person::Node(node),
            number,
            text: text.to_owned(),
            sealed: false,
        },
        to: bob.clone(),
        at: at(time),
    };
    vec![
        Change::Received {
            message: received(&bob, Some((node, MessageId(1))), "会议 at 3?\n\x1b]0;root\x07C:\\temp"),
            at: at("2026-11-20T09:00:00Z"),
        },
        accepted(2, 10, "yes, world", "2026-11-20T09:00:01Z"),
        Change::Delivered { row: 2, took: Duration::from_millis(3), at: at("2026-11-20T09:00:02Z") },
        Change::Received {
            message: ReceivedMessage {
                automatic: true,
                broadcast: true,
                ..received(&printer, None, "no paper")
            },
            at: at("2026-11-21T09:00:00Z"),
        },
        accepted(3, 11, "é", "2026-11-21T09:00:01Z"),
        Change::Failed { row: 4, reason: "no such\nletter".to_owned(), at: at("2026-11-21T09:00:02Z") },
        Change::Received {
            message: ReceivedMessage { sealed: true, ..received(&printer, None, "a secret") },
            at: at("2026-11-22T09:00:00Z"),
        },
        accepted(4, 12, "are you there?", "2026-11-22T09:00:01Z"),
    ]
}

/// A home whose journal has these connections.
fn home_with(connections: Vec<Connection>) -> Home {
    home_of(connections.into_iter().map(Change::Connection))
}

/// A home whose journal has connections and messages.
fn home_with_all() -> Home {
    home_of(messages().into_iter().chain(connections().into_iter().map(Change::Connection)))
}

fn home_of(changes: impl IntoIterator<Item = Change>) -> Home {
    let home = Home::with_book(BOOK);
    let journal = Journal::open(home.path()).unwrap();
    let writer = Writer::start(journal, |trouble| panic!("{trouble}")).unwrap();
    changes.into_iter().for_each(|change| writer.write(change, |written| assert!(written.is_ok())));
    home
}

/// Keeps one thing more in the journal of a home; its row.
fn keep(home: &Home, change: Change) -> i64 {
    let writer = Writer::start(Journal::open(home.path()).unwrap(), |trouble| panic!("{trouble}")).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    writer.write(change, move |written| tell.send(written.map(|written| written.row)).unwrap());
    told.recv().unwrap().unwrap()
}

/// The service, the command or the text of each line that is shown, in order.
fn shown(home: &Home, arguments: &[&str]) -> Vec<String> {
    let lines = home.shows(&[&["log", "--json"], arguments].concat());
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let what = match line["kind"].as_str().unwrap() {
            "connection" => &line["service"],
            "message" => &line["text"],
            "run" => &line["command"],
            other => panic!("{other}"),
        };
        what.as_str().unwrap_or("sealed").to_owned()
    };
    lines.lines().map(line).collect()
}

#[test]
fn the_newest_stands_last_under_aligned_columns_with_its_name_and_nothing_that_a_terminal_obeys() {
    let output = home_with_all()
        .command(env!("CARGO_BIN_EXE_trunkline"))
        .arg("log")
        .env("TZ", "UTC-8")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        r"TIME                 LINE     WHO                      RESULT                   WHAT
2026-11-20 16:00:00  upper    printer                  eof                      tcp://10.0.0.9:50000 at tcp://10.0.0.1:8080: 5 bytes came, 1234 went, 1.250 s
2026-11-20 17:00:00  from     Bob \x1b[2J (10.0.0.66)                           会议 at 3?
                                                                                \x1b]0;root\x07C:\temp
2026-11-20 17:00:01  to       Bob \x1b[2J (10.0.0.66)  delivered in 3 ms        yes, world
2026-11-21 16:00:00  echo     n02                      reset                    tcp://10.1.0.2:50001 at tcp://10.0.0.1:8080: 5 bytes came, 1234 went, 1.250 s
2026-11-21 17:00:00  from     printer                  automatic, to everybody  no paper
2026-11-21 17:00:01  to       Bob \x1b[2J (10.0.0.66)  failed: no such\nletter  é
2026-11-22 16:00:00  forward                           error: no route\nhome    unix-dgram:/run/\x1b]0;root\x07会议\u{202e} at tcp://10.0.0.1:8080: 5 bytes came, 1234 went, 1.250 s
2026-11-22 17:00:00  from     printer                  sealed                   (sealed, and not opened yet)
2026-11-22 17:00:01  to       Bob \x1b[2J (10.0.0.66)  waiting                  are you there?
"
    );
}

#[test]
fn json_has_everything_in_utc_and_what_came_from_outside_comes_back_whole() {
    let home = home_with(connections());
    let output = home.shows(&["log", "--json"]);
    assert!(!output.contains(['\x1b', '\u{202e}']), "{output}");
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1],
        json!({
            "kind": "connection", "time": "2026-11-21T08:00:00.123456Z", "service": "echo",
            "remote": "tcp://10.1.0.2:50001", "name": "n02", "local": "tcp://10.0.0.1:8080",
            "received": 5, "messages": 1, "sent": 1234, "seconds": 1.25, "ending": "reset",
        })
    );
    assert_eq!(lines[2]["remote"], json!("unix-dgram:/run/\x1b]0;root\x07会议\u{202e}"));
    assert_eq!((&lines[2]["ending"], &lines[2]["reason"]), (&json!("error"), &json!("no route\nhome")));
}

#[test]
fn json_tells_everything_of_a_message() {
    let output = home_of(messages()).shows(&["log", "--json"]);
    assert!(!output.contains('\x1b'), "{output}");
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["text"], "会议 at 3?\n\x1b]0;root\x07C:\\temp");
    assert_eq!(
        lines[1],
        json!({
            "kind": "message", "time": "2026-11-20T09:00:01Z", "state": "delivered",
            "ended": "2026-11-20T09:00:02Z", "seconds": 0.003, "nick": "Bob \x1b[2J", "group": "lab", "user": "bob",
            "host": "hostb", "node": "00000000000000000000000000000b0b", "address": "10.0.0.66:2425",
            "id": "00000000000000000000000000000002", "number": 10, "text": "yes, world", "sealed": false,
            "discarded": false, "automatic": false, "broadcast": false,
        })
    );
    assert_eq!((&lines[3]["state"], &lines[3]["reason"]), (&json!("failed"), &json!("no such\nletter")));
    assert_eq!((&lines[4]["name"], &lines[4]["text"]), (&json!("printer"), &Value::Null));
}

#[test]
fn a_name_a_group_an_address_or_a_machine_narrows_it() {
    let home = home_with(connections());
    assert_eq!(shown(&home, &["printer"]), ["upper"]);
    assert_eq!(shown(&home, &["@lab"]), ["echo"]);
    assert_eq!(shown(&home, &["printer,n[01-03]"]), ["upper", "echo"]);
    assert_eq!(shown(&home, &["10.1.0.2"]), ["echo"]);
    assert_eq!(shown(&home, &["tcp://10.1.0.2:50001"]), ["echo"]);
    assert_eq!(shown(&home, &["10.0.0.1:8080"]), ["upper", "echo", "forward"]);
    assert!(shown(&home, &["10.1.0.2:50000"]).is_empty());
}

#[test]
fn messages_and_connections_of_one_are_narrowed_together() {
    let home = home_with_all();
    let bobs = ["会议 at 3?\n\x1b]0;root\x07C:\\temp", "yes, world", "é", "are you there?"];
    assert_eq!(shown(&home, &["printer"]), ["upper", "no paper", "sealed"]);
    assert_eq!(shown(&home, &["10.0.0.66"]), bobs);
    assert_eq!(shown(&home, &["udp://10.0.0.66:2425"]), bobs);
    assert!(shown(&home, &["tcp://10.0.0.66:2425"]).is_empty());
    assert_eq!(
        shown(&home, &["Bob \x1b[2J"]).len(),
        6,
        "the name that people see, also the one of the printer"
    );
    assert_eq!(shown(&home, &["--since", "2026-11-22T00:00:00Z"]), ["forward", "sealed", "are you there?"]);
    assert_eq!(shown(&home, &["-n", "3"]), ["forward", "sealed", "are you there?"]);
    assert_eq!(shown(&home, &["--search", "会"]), [bobs[0], "forward"]);
    assert_eq!(shown(&home, &["--search", "wor"]), ["yes, world"]);
    assert!(shown(&home, &["--search", "secret"]).is_empty(), "it is sealed");
}

#[test]
fn time_text_and_number_narrow_it() {
    let home = home_with(connections());
    assert_eq!(shown(&home, &["--since", "2026-11-21T08:00:00Z"]), ["echo", "forward"]);
    assert_eq!(shown(&home, &["--search", "会议"]), ["forward"]);
    assert_eq!(shown(&home, &["--search", "议"]), ["forward"]);
    assert_eq!(shown(&home, &["--search", "NO ROUTE"]), ["forward"]);
    assert_eq!(shown(&home, &["-n", "1"]), ["forward"]);
    assert_eq!(shown(&home, &["--search", "tcp", "-n", "2"]), ["echo", "forward"]);
}

#[test]
fn the_newest_fifty_are_shown_unless_a_time_or_a_number_says_otherwise() {
    let sixty = (0..60).map(|number| Connection {
        at: Timestamp::now() - SignedDuration::from_secs(60 - number),
        service: format!("{number}"),
        ..connections().remove(0)
    });
    let home = home_with(sixty.collect());
    let newest = shown(&home, &[]);
    assert_eq!((newest.len(), newest[0].as_str(), newest[49].as_str()), (50, "10", "59"));
    assert_eq!(shown(&home, &["-n", "all"]).len(), 60);
    assert_eq!(shown(&home, &["--since", "1h"]).len(), 60);
    assert_eq!(shown(&home, &["--since", "1h", "-n", "3"]), ["57", "58", "59"]);
}

#[test]
fn what_is_forgotten_is_gone_and_counted() {
    let home = home_with(connections());
    assert_eq!(
        home.shows(&["log", "--forget", "2026-11-21T00:00:00Z"]),
        "forgotten: 0 messages, 1 connection, 0 runs, 0 changes of presence\n"
    );
    assert_eq!(shown(&home, &["-n", "all"]), ["echo", "forward"]);
    let told: Value =
        serde_json::from_str(&home.shows(&["log", "--forget", "2026-11-23T00:00:00Z", "--json"])).unwrap();
    assert_eq!(
        told,
        json!({"forgotten": {"messages": 0, "connections": 2, "presences": 0, "runs": 0}, "before": "2026-11-23T00:00:00Z"})
    );
    assert_eq!(home.shows(&["log"]), "Nothing in the journal fits.\n");
}

#[test]
fn a_message_that_waits_to_be_delivered_is_not_forgotten() {
    let home = home_of(messages());
    let told = "forgotten: 5 messages, 0 connections, 0 runs, 0 changes of presence\n";
    assert_eq!(home.shows(&["log", "--forget", "2026-11-23T00:00:00Z"]), told);
    assert_eq!(shown(&home, &[]), ["are you there?"]);
}

#[test]
fn without_a_journal_the_log_says_how_to_have_one_and_makes_none() {
    let home = Home::empty();
    assert!(home.shows(&["log"]).contains("serve :8080 upper --log"));
    assert_eq!(home.shows(&["log", "--json"]), "");
    assert_eq!(
        home.shows(&["log", "--forget", "1d"]),
        "forgotten: 0 messages, 0 connections, 0 runs, 0 changes of presence\n"
    );
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_mistake_in_the_book_hides_no_log_but_is_told_to_whoever_names_a_target() {
    let home = home_with(connections());
    fs::write(home.book(), "entry = 1").unwrap();
    assert_eq!(shown(&home, &[]).len(), 3);
    assert!(home.fails(2, &["log", "printer"]).contains("book.toml"));
}

#[test]
fn what_cannot_be_meant_is_wrong_usage_with_the_way_out() {
    let home = home_with(connections());
    for (arguments, says) in [
        (&["--since", "soon"][..], "write 2h, 3d, 14:30"),
        (&["-n", "many"], "or all"),
        (&["nobody"], "'nobody' is not in the book"),
        (&[":8080"], "127.0.0.1:8080"),
        (&["--forget", "1d", "--since", "2d"], "cannot be used with"),
    ] {
        let error = home.fails(2, &[&["log"], arguments].concat());
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}

#[test]
fn a_journal_that_cannot_be_read_is_a_failure_with_the_way_out() {
    let home = Home::empty();
    fs::write(home.path().join("journal.db"), "a letter".repeat(1_000)).unwrap();
    assert_eq!(
        home.fails(1, &["log"]),
        "trunkline: opening the journal ~/journal.db: file is not a database\n\
         hint: move the file away, its -wal and -shm as well, and a new one is begun\n"
    );
}
