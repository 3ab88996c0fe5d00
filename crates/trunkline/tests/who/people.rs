//! Who is there, and who is not.

use std::io::{BufRead, BufReader};
use std::sync::mpsc;

use serde_json::Value;

use crate::node::{Node, person};
use crate::program::{LIMIT, Running};
use crate::terminal::Terminal;

/// The cells of a table's row that begins with this name.
fn row(table: &str, name: &str) -> Vec<String> {
    let line = table.lines().find(|line| line.split("  ").next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("{name} is not in\n{table}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn everybody_is_shown_with_what_he_says_of_himself_and_what_the_book_knows() {
    let wang = Node::start("王伟", "");
    let book = person("wang", wang.port)
        + "seat = 'n07'\n[entry.'n[01-40]']\nssh = '10.1.0.[1-40]'\n[entry.zhao]\nchat = '127.0.0.1:9'\n";
    let li = Node::start("li", &book);
    li.shows("is here");
    let table = li.prints(&["who"]);
    assert!(table.starts_with("NAME  CALLED  HOST  "), "{table}");
    let wang_row = row(&table, "wang");
    assert_eq!(wang_row[1], "王伟");
    assert_eq!(wang_row[3..], [&format!("127.0.0.1:{}", wang.port), "trunkline", "n07"]);
    assert_eq!(row(&table, "zhao"), ["zhao", "127.0.0.1:9", "not in sight"]);
    assert_eq!(table.lines().last(), Some("machines of the book: n[01-40]"));
}

#[test]
fn json_has_people_and_machines() {
    let wang = Node::start("王伟", "");
    let li = Node::start("li", &(person("wang", wang.port) + "[entry.gate]\nssh = 'root@gate.lab'\n"));
    li.shows("is here");
    let lines = li.prints(&["who", "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [wang, gate] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&wang["kind"], &wang["name"]), (&"person".into(), &"wang".into()));
    assert_eq!((&wang["nick"], &wang["presence"]), (&"王伟".into(), &"here".into()));
    assert_eq!(*gate, serde_json::json!({"kind": "machine", "name": "gate", "ssh": "root@gate.lab"}));
}

#[test]
fn whoever_watches_is_told_who_comes_and_who_leaves() {
    let li = Node::start("li", "");
    let mut watch = Running::start(&mut li.command(&["who", "--watch"]));
    let mut lines = BufReader::new(watch.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "Nobody is in sight.");
    let wang = Node::beside(&li, "wang", "li");
    assert!(lines.next().unwrap().contains(" wang ("));
    wang.end();
    assert!(lines.find(|line| line.contains("left")).unwrap().ends_with(" wang has left"));
}

#[test]
fn a_program_that_watches_gets_the_events() {
    let li = Node::start("li", "");
    let mut watch = Running::start(&mut li.command(&["who", "--watch", "--json"]));
    let lines = BufReader::new(watch.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let (seen, told) = mpsc::channel();
    let wang = Node::beside(&li, "wang", "li");
    std::thread::spawn(move || events.all(|event| seen.send(event).is_ok()));
    let first = told.recv_timeout(LIMIT).unwrap();
    assert!(first["event"] == "came" || first["kind"] == "person", "{first}");
    wang.end();
    let left = |event: Value| event["event"] == "left" && event["person"]["name"] == "wang";
    assert!(std::iter::from_fn(|| told.recv_timeout(LIMIT).ok()).any(left));
}

#[test]
fn at_a_terminal_it_is_said_that_names_are_claims() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    let mut terminal = Terminal::start(&["who"], li.home.path());
    assert_eq!(terminal.end(), Some(0));
    let last = terminal.lines().pop().unwrap();
    assert!(last.starts_with("unverified: names are what people call themselves"), "{last}");
}
