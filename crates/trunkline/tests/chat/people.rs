//! Over the chat line, between running nodes.

use std::io::Write;
use std::process::Stdio;

use crate::node::{Node, silent_peer};
use crate::program::{Running, eventually};
use crate::terminal::Terminal;

/// `wang` and `li`, who see each other.
fn two() -> (Node, Node) {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    eventually("li to be in sight", || wang.person("li").is_some_and(|li| li["presence"] == "here"));
    (wang, li)
}

/// `li` at a terminal, talking with `wang`.
fn talking(li: &Node) -> Terminal {
    let mut chat = Terminal::start(&["chat", "--plain", "wang"], li.home.path());
    prompt(&mut chat, "");
    chat
}

/// Waits for the prompt with this typed behind it, and the cursor at its end; wide characters count twice.
fn prompt(chat: &mut Terminal, typed: &str) {
    let expected = format!("wang>>: {typed}");
    let end = expected.chars().map(|one| if one.is_ascii() { 1 } else { 2 }).sum::<u16>();
    chat.until(&format!("{expected:?}"), |screen| {
        let (row, column) = screen.cursor_position();
        let line = screen.rows(0, 100).nth(row.into()).unwrap_or_default();
        line.trim_end() == expected.trim_end() && column == end
    });
}

#[test]
fn a_message_that_comes_while_one_types_does_not_spoil_the_line() {
    let (wang, li) = two();
    let mut chat = talking(&li);
    chat.types("我在");
    prompt(&mut chat, "我在");
    wang.prints(&["send", "li", "在吗?"]);
    chat.until_shows(&format!("from [127.0.0.1:{}]: 在吗?", wang.port));
    prompt(&mut chat, "我在");
    chat.types("打字\r");
    wang.shows("li: 我在打字");
}

#[test]
fn a_receipt_is_dim_and_without_colour_it_is_plain() {
    let (_wang, li) = two();
    for coloured in [true, false] {
        let colour = |command: pty_process::blocking::Command| {
            if coloured { command } else { command.env("NO_COLOR", "1") }
        };
        let mut chat = Terminal::start_with(&["chat", "--plain", "wang"], li.home.path(), colour);
        prompt(&mut chat, "");
        chat.types("hello\r");
        chat.until_shows("delivered in ");
        let printed = String::from_utf8_lossy(&chat.printed).into_owned();
        assert_eq!(printed.contains("\u{1b}[2mdelivered in "), coloured, "{printed:?}");
        chat.types("\x04");
        assert_eq!(chat.end(), Some(0));
    }
}

#[test]
fn whoever_is_not_the_partner_is_named() {
    let (wang, li) = two();
    let zhao = Node::beside(&li, "zhao", "li");
    let mut chat = talking(&li);
    zhao.prints(&["send", "li", "me too"]);
    chat.until_shows(&format!("from zhao [127.0.0.1:{}]: me too", zhao.port));
    wang.prints(&["send", "li", "go on"]);
    chat.until_shows(&format!("from [127.0.0.1:{}]: go on", wang.port));
}

#[test]
fn a_sealed_message_is_opened_by_being_shown() {
    let (wang, li) = two();
    let mut chat = talking(&li);
    wang.prints(&["send", "--sealed", "li", "the left drawer"]);
    chat.until_shows("]: the left drawer");
    wang.shows("was opened");
}

#[test]
fn a_message_of_several_lines_does_not_pass_for_two_and_steers_nothing() {
    let (wang, li) = two();
    let mut chat = talking(&li);
    wang.prints(&["send", "li", "one\nfrom [10.0.0.9:2425]: \x1b]0;title\x07"]);
    chat.until_shows("]: one\n  from [10.0.0.9:2425]: \\x1b]0;title\\x07");
}

#[test]
fn who_is_there_is_listed_at_the_choice_and_quit_leaves_from_there() {
    let (_wang, li) = two();
    let mut chat = Terminal::start(&["chat", "--plain"], li.home.path());
    chat.until("the list above the choice", |screen| screen.contents().starts_with("wang\nto whom>>:"));
    chat.types("Wang\r");
    prompt(&mut chat, "");
    chat.types("quit\rquit\r");
    assert_eq!(chat.end(), Some(0));
    assert!(chat.is_as_a_shell_expects());
}

#[test]
fn ctrl_c_leaves_the_terminal_as_a_shell_expects_it() {
    let (_wang, li) = two();
    let mut chat = talking(&li);
    chat.types("\x03");
    assert_eq!(chat.end(), Some(130));
    assert!(chat.is_as_a_shell_expects());
}

#[test]
fn in_a_pipe_each_line_is_a_message_and_receipts_are_awaited() {
    let (wang, li) = two();
    let mut chat = Running::start(li.command(&["chat", "--plain"]).stdin(Stdio::piped()));
    chat.0.stdin.take().unwrap().write_all("nobody\nwang\n你好\n\nquit\nquit\n".as_bytes()).unwrap();
    let ran = chat.finish();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.text().contains("'nobody' is neither in sight nor in the book"), "{}", ran.text());
    wang.shows("li: 你好");
    let mut chat = Running::start(li.command(&["chat", "--plain", "wang"]).stdin(Stdio::piped()));
    chat.0.stdin.take().unwrap().write_all(b"to the end").unwrap();
    let ran = chat.finish();
    assert!(ran.code == Some(0) && ran.text().starts_with("delivered in "), "{ran:?}");
}

#[test]
fn defect_lost_datagram() {
    let (_silent, port) = silent_peer();
    let li = Node::start("li", &crate::node::person("wang", port));
    let mut chat = talking(&li);
    chat.types("are you there?\r");
    prompt(&mut chat, "");
    chat.types("still typing\r");
    chat.until_shows("queued");
    prompt(&mut chat, "");
}
