//! `room` and `talk`: people who speak with each other, or with the one at the server's terminal.

use crate::client::Client;
use crate::serve::{Serve, Serving};

/// A room with three clients inside.
fn room() -> (Serving, [Client; 3]) {
    let server = Serve::new("tcp://127.0.0.1:0", "room").start();
    let mut clients = [server.client(), server.client(), server.client()];
    for newcomer in 1..3 {
        // Who is heard is inside.
        clients[newcomer].say("hello\n");
        clients[..newcomer].iter_mut().for_each(|client| client.hears("hello\n"));
    }
    (server, clients)
}

#[test]
fn what_one_says_in_a_room_all_others_hear() {
    let (_server, [mut ann, mut ben, mut eve]) = room();
    ann.say("hello all\n");
    ben.hears("hello all\n");
    eve.hears("hello all\n");
    ben.say("hello ann\n");
    ann.hears("hello ann\n");
    eve.hears("hello ann\n");
}

#[test]
fn a_line_that_comes_in_pieces_reaches_the_room_whole() {
    let (_server, [mut ann, mut ben, mut eve]) = room();
    let line = "中文\n".as_bytes();
    ann.say(&line[..4]);
    ben.say("in between\n");
    eve.hears("in between\n");
    ann.say(&line[4..]);
    eve.hears(line);
}

#[test]
fn who_leaves_a_room_is_missed_by_nobody() {
    let (server, [ann, mut ben, mut eve]) = room();
    drop(ann);
    server.closing_line(1);
    ben.say("still here?\n");
    eve.hears("still here?\n");
}

#[test]
fn a_person_answers_each_caller_over_tcp() {
    let mut server = Serve::new("tcp://127.0.0.1:0", "talk").with_person().start();
    let (mut ann, mut ben) = (server.client(), server.client());
    ann.say("I am ann\n");
    let shown = server.screen.wait_for("I am ann");
    assert_eq!(shown, format!("from [{}]: I am ann\n", ann.name()));
    server.type_line("hello ann");
    ann.hears("hello ann\n");
    ben.say("I am ben\n");
    server.screen.wait_for("I am ben");
    server.type_line("hello ben");
    ben.hears("hello ben\n");
}

#[test]
fn a_caller_who_has_said_the_last_still_gets_an_answer() {
    let mut server = Serve::new("tcp://127.0.0.1:0", "talk").with_person().start();
    let mut client = server.client();
    client.say("one question");
    client.finish();
    server.screen.wait_for("one question");
    server.type_line("one answer");
    assert_eq!(client.hear_to_end(), b"one answer\n");
    assert!(server.closing_line(1).contains(": eof; "));
}

#[test]
fn when_the_person_leaves_the_server_ends_well() {
    for address in ["tcp://127.0.0.1:0", "udp://127.0.0.1:0"] {
        let mut server = Serve::new(address, "talk").with_person().start();
        let mut client = server.client();
        client.say("hello\n");
        server.screen.wait_for("hello");
        server.type_line("goodbye");
        server.end_of_typing();
        assert!(client.hear_once().starts_with(b"goodbye"), "what was said is still sent");
        client.say("one more\n");
        assert_eq!(server.exit_code(), 0, "{address}");
    }
}

#[test]
fn what_a_caller_says_cannot_command_the_terminal() {
    let server = Serve::new("udp://127.0.0.1:0", "talk").with_person().start();
    server.client().say("\u{1b}]0;owned\u{7} and \u{202e}gnp.exe");
    let shown = server.screen.wait_for("owned");
    assert!(shown.contains(r"\x1b]0;owned\x07 and \u{202e}gnp.exe"), "{shown}");
}
