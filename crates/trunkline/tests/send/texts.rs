//! What is sent: words, or standard input.

use std::process::Stdio;

use serde_json::Value;

use crate::node::{Node, person};
use crate::program::{Ran, Running};

/// Sends what is on standard input.
fn sends(node: &Node, input: &[u8]) -> Ran {
    let mut child = Running::start(node.command(&["send", "wang", "-"]).stdin(Stdio::piped()));
    let mut stdin = child.0.stdin.take().unwrap();
    let input = input.to_vec();
    std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &input));
    child.finish()
}

/// The texts that a node has got, in order.
fn texts(node: &Node) -> Vec<String> {
    let lines = node.prints(&["log", "--json"]);
    let text = |line| serde_json::from_str::<Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    lines.lines().map(text).collect()
}

#[test]
fn all_of_standard_input_is_one_message_without_the_last_line_end() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    assert_eq!(sends(&li, "第一行\n\nthird \\ line\n".as_bytes()).code, Some(0));
    assert_eq!(texts(&wang), ["第一行\n\nthird \\ line"]);
}

#[test]
fn what_follows_the_first_word_belongs_to_the_text() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    li.prints(&["send", "wang", "ls", "--json", "-l", "-"]);
    li.prints(&["send", "wang", "--", "--sealed"]);
    assert_eq!(texts(&wang), ["ls --json -l -", "--sealed"]);
}

#[test]
fn defect_long_datagram() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    let longest = "长".repeat(32 * 1024 / 3);
    assert_eq!(sends(&li, longest.as_bytes()).code, Some(0));
    assert!(texts(&wang) == [longest.as_str()], "it has come whole");
    let too_long = sends(&li, (longest + "长长").as_bytes());
    assert_eq!((too_long.code, too_long.text()), (Some(1), ""));
    assert!(too_long.err.contains("32772 bytes, a message has at most 32768"), "{}", too_long.err);
}

#[test]
fn what_is_no_text_is_refused_before_it_is_sent() {
    let li = Node::start("li", &person("wang", 9));
    let binary = sends(&li, b"\xff\xfe");
    assert_eq!(binary.code, Some(2));
    assert!(binary.err.contains("no UTF-8 text") && binary.err.contains("iconv"), "{}", binary.err);
    let flood = sends(&li, &[b'x'; 1024 * 1024 + 1]);
    assert!(flood.code == Some(2) && flood.err.contains("more than 1048576 bytes"), "{}", flood.err);
    let empty = sends(&li, b"");
    assert!(empty.code == Some(1) && empty.err.contains("no text to send"), "{}", empty.err);
}

#[test]
fn whoever_is_nobody_gets_nothing_and_a_near_name_is_proposed() {
    let li = Node::start("li", &person("wang", 9));
    let ran = li.run(&["send", "wagn", "hello"]);
    assert_eq!((ran.code, ran.text()), (Some(2), ""));
    assert_eq!(ran.err, "trunkline: 'wagn' is neither in sight nor in the book; did you mean wang?\n");
    let ran = li.run(&["send", "wang!wang", "hello"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), "trunkline: 'wang!wang' is nobody\n"));
}
