//! The tutorial's defects, each of which was seen by running its code. The one of lost datagrams stands with the
//! tutorial's programs; `open_to_all` stands with the programs that are started for others.

use std::fmt::Write as _;

use crate::serve::Serve;

#[test]
fn defect_output_cut() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    client.say("seq 1 300000");
    let mut whole = String::new();
    for number in 1..=300_000 {
        writeln!(whole, "{number}").unwrap();
    }
    client.hears(whole + "[exit 0]\n");
    client.say("echo next");
    client.hears("next\n[exit 0]\n");
}

#[test]
fn answers_to_several_clients_and_to_one_after_the_other_never_mix() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut clients = [server.client(), server.client(), server.client()];
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.say(format!("for i in $(seq 3000); do echo {round}-{number}; done"));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            client.hears(format!("{round}-{number}\n").repeat(3000) + "[exit 0]\n");
        }
    }
}

#[test]
fn defect_silent_command() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    for (command, answer) in [
        ("true", "[exit 0]\n"),
        ("false", "[exit 1]\n"),
        ("exit 7", "[exit 7]\n"),
        ("kill -9 $$", "[exit 137]\n"),
    ] {
        client.say(command);
        client.hears(answer);
    }
}

#[test]
fn defect_full_pipe() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    client.say("head -c 200000 /dev/zero | tr '\\0' e >&2; head -c 200000 /dev/zero | tr '\\0' o");
    client.hears("e".repeat(200_000) + &"o".repeat(200_000) + "\n[exit 0]\n");
    client.say("(head -c 200000 /dev/zero | tr '\\0' e >&2) & head -c 200000 /dev/zero | tr '\\0' o; wait");
    let both = client.hear_until("[exit 0]\n");
    assert_eq!((both.matches('e').count() - 1, both.matches('o').count()), (200_000, 200_000));
}

#[test]
fn defect_cut_character() {
    let message = "三百四十二个汉字".repeat(43);
    let message = message.chars().take(342).collect::<String>();
    assert_eq!(message.len(), 1026);
    let server = Serve::new("tcp://127.0.0.1:0", "upper").arg("-v").start();
    let mut client = server.client();
    client.say(&message);
    client.hears(&message);
    server.log.wait_for(&message);
    let shell = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = shell.client();
    client.say(format!("echo {message}"));
    client.hears(message + "\n[exit 0]\n");
}

#[test]
fn a_character_cut_between_two_reads_is_whole_in_a_message() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["-v", "--frame", "line"]).start();
    let mut client = server.client();
    let bytes = "before\n中\n".as_bytes();
    // The answer to the first message shows that the cut one was read so far.
    client.say(&bytes[..8]);
    client.hears("BEFORE\n");
    client.say(&bytes[8..]);
    client.hears("中\n");
    server.log.wait_for(": 中\n");
}

#[test]
fn defect_polite_close() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut first = server.client();
    first.say("hello");
    first.hears("HELLO");
    drop(first);
    assert!(server.closing_line(1).contains(": eof; "));
    let mut second = server.client();
    second.say("next");
    second.hears("NEXT");
    assert_eq!(server.log.count("closed"), 1);
}

#[test]
fn defect_one_at_a_time() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let _first = server.client();
    let mut second = server.client();
    second.say("not after the first");
    second.hears("NOT AFTER THE FIRST");
}

#[test]
fn defect_long_datagram() {
    let server = Serve::new("udp://127.0.0.1:0", "upper").start();
    for length in [5000, 65_507] {
        let mut client = server.client();
        client.say("x".repeat(length));
        assert_eq!(client.hear_once(), "X".repeat(length).as_bytes());
    }
}
