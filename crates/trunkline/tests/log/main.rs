//! `trunkline log`, by the true binary, over a journal of known connections.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;

use std::fs;
use std::time::Duration;

use home::{BOOK, Home};
use jiff::{SignedDuration, Timestamp};
use net::Ending;
use node::journal::{Connection, Journal, Writer};
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

/// A home whose journal has these connections.
fn home_with(connections: Vec<Connection>) -> Home {
    let home = Home::with_book(BOOK);
    let journal = Journal::open(home.path()).unwrap();
    let writer = Writer::start(journal, |trouble| panic!("{trouble}")).unwrap();
    connections.into_iter().for_each(|connection| writer.note(connection));
    home
}

/// The service of each line that is shown, in order.
fn services(home: &Home, arguments: &[&str]) -> Vec<String> {
    let lines = home.shows(&[&["log", "--json"], arguments].concat());
    let service =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["service"].as_str().unwrap().to_owned();
    lines.lines().map(service).collect()
}

#[test]
fn the_newest_stands_last_under_aligned_columns_with_its_name_and_nothing_that_a_terminal_obeys() {
    let output = home_with(connections())
        .command(env!("CARGO_BIN_EXE_trunkline"))
        .arg("log")
        .env("TZ", "UTC-8")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        r"TIME                 SERVICE  REMOTE                                       NAME     LOCAL                RECEIVED  SENT  SECONDS  ENDING
2026-11-20 16:00:00  upper    tcp://10.0.0.9:50000                         printer  tcp://10.0.0.1:8080         5  1234    1.250  eof
2026-11-21 16:00:00  echo     tcp://10.1.0.2:50001                         n02      tcp://10.0.0.1:8080         5  1234    1.250  reset
2026-11-22 16:00:00  forward  unix-dgram:/run/\x1b]0;root\x07会议\u{202e}           tcp://10.0.0.1:8080         5  1234    1.250  error: no route\nhome
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
fn a_name_a_group_an_address_or_a_machine_narrows_it() {
    let home = home_with(connections());
    assert_eq!(services(&home, &["printer"]), ["upper"]);
    assert_eq!(services(&home, &["@lab"]), ["echo"]);
    assert_eq!(services(&home, &["printer,n[01-03]"]), ["upper", "echo"]);
    assert_eq!(services(&home, &["10.1.0.2"]), ["echo"]);
    assert_eq!(services(&home, &["tcp://10.1.0.2:50001"]), ["echo"]);
    assert_eq!(services(&home, &["10.0.0.1:8080"]), ["upper", "echo", "forward"]);
    assert!(services(&home, &["10.1.0.2:50000"]).is_empty());
}

#[test]
fn time_text_and_number_narrow_it() {
    let home = home_with(connections());
    assert_eq!(services(&home, &["--since", "2026-11-21T08:00:00Z"]), ["echo", "forward"]);
    assert_eq!(services(&home, &["--search", "会议"]), ["forward"]);
    assert_eq!(services(&home, &["--search", "议"]), ["forward"]);
    assert_eq!(services(&home, &["--search", "NO ROUTE"]), ["forward"]);
    assert_eq!(services(&home, &["-n", "1"]), ["forward"]);
    assert_eq!(services(&home, &["--search", "tcp", "-n", "2"]), ["echo", "forward"]);
}

#[test]
fn the_newest_fifty_are_shown_unless_a_time_or_a_number_says_otherwise() {
    let sixty = (0..60).map(|number| Connection {
        at: Timestamp::now() - SignedDuration::from_secs(60 - number),
        service: format!("{number}"),
        ..connections().remove(0)
    });
    let home = home_with(sixty.collect());
    let shown = services(&home, &[]);
    assert_eq!((shown.len(), shown[0].as_str(), shown[49].as_str()), (50, "10", "59"));
    assert_eq!(services(&home, &["-n", "all"]).len(), 60);
    assert_eq!(services(&home, &["--since", "1h"]).len(), 60);
    assert_eq!(services(&home, &["--since", "1h", "-n", "3"]), ["57", "58", "59"]);
}

#[test]
fn what_is_forgotten_is_gone_and_counted() {
    let home = home_with(connections());
    assert_eq!(home.shows(&["log", "--forget", "2026-11-21T00:00:00Z"]), "forgotten: 1 connection\n");
    assert_eq!(services(&home, &["-n", "all"]), ["echo", "forward"]);
    let told: Value =
        serde_json::from_str(&home.shows(&["log", "--forget", "2026-11-23T00:00:00Z", "--json"])).unwrap();
    assert_eq!(told, json!({"forgotten": 2, "before": "2026-11-23T00:00:00Z"}));
    assert_eq!(home.shows(&["log"]), "No connection in the journal fits.\n");
}

#[test]
fn without_a_journal_the_log_says_how_to_have_one_and_makes_none() {
    let home = Home::empty();
    assert!(home.shows(&["log"]).contains("serve :8080 upper --log"));
    assert_eq!(home.shows(&["log", "--json"]), "");
    assert_eq!(home.shows(&["log", "--forget", "1d"]), "forgotten: 0 connections\n");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_mistake_in_the_book_hides_no_log_but_is_told_to_whoever_names_a_target() {
    let home = home_with(connections());
    fs::write(home.book(), "entry = 1").unwrap();
    assert_eq!(services(&home, &[]).len(), 3);
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
