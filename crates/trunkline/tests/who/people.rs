//! Who is there, and who is not.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::node::{Node, person};
use crate::program::Running;
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
    for json in [false, true] {
        let arguments: &[&str] = if json { &["who", "--watch", "--json"] } else { &["who", "--watch"] };
        let mut watch = Running::start(&mut li.command(arguments));
        let mut lines = BufReader::new(watch.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = if json { None } else { lines.next() };
        assert!(first.is_none_or(|line| line == "Nobody is in sight." || line.starts_with("NAME")));
        let wang = Node::beside(&li, "wang", "li");
        let came = lines.find(|line| line.contains("wang")).unwrap();
        wang.end();
        let left = lines.find(|line| line.contains("left")).unwrap();
        if json {
            let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].clone();
            assert_eq!((event(&came), event(&left)), ("came".into(), "left".into()));
        } else {
            assert!(came.contains(" wang is here") || came.contains(" wang ("), "{came}");
            assert!(left.ends_with(" wang has left"), "{left}");
        }
    }
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
