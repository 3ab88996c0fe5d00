//! `connect --trace`: each step is told, in order, and nothing of it spoils what is typed or printed.

use std::io::{Read, Write};
use std::net::UdpSocket;

use serde_json::Value;

use crate::program::{free_port, run, tcp_server};
use crate::terminal::Terminal;

/// Each of these stands in a line after that of the one before.
#[track_caller]
fn assert_in_order(trace: &str, steps: &[&str]) {
    let mut lines = trace.lines();
    for step in steps {
        assert!(lines.any(|line| line.contains(step)), "no {step:?} in its place in:\n{trace}");
    }
}

#[test]
fn a_stream_is_told_from_its_handshake_to_time_wait() {
    let (at, server) = tcp_server(|mut stream| {
        stream.read_exact(&mut [0; 5]).unwrap();
        stream.write_all(b"HELLO").unwrap();
    });
    let ran = run(["connect", &at.to_string(), "--trace"], b"hello");
    assert_eq!((ran.code, ran.text()), (Some(0), "HELLO"));
    server.join().unwrap();
    let connected = "connected after ";
    assert_in_order(
        &ran.err,
        &[&format!("SYN to {at}"), connected, "here ESTABLISHED", "write 1: 5 bytes", "FIN sent"],
    );
    assert_in_order(&ran.err, &["here ESTABLISHED", "read 1: 5 bytes", "FIN came", "here TIME_WAIT"]);
}

#[test]
fn messages_that_stuck_together_are_seen() {
    let (at, server) = tcp_server(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
        stream.write_all(b"\0\x03ONE\0\x03TWO").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let ran = run(["connect", &at.to_string(), "--trace", "--frame", "!H", "-m", "one", "-m", "two"], b"");
    assert_eq!((ran.code, ran.text()), (Some(0), "ONE\nTWO\n"));
    server.join().unwrap();
    assert_in_order(&ran.err, &["message 1 out", "message 2 out"]);
    assert_in_order(&ran.err, &["read 1 held messages 1 and 2", "message 1 in", "message 2 in", "TIME_WAIT"]);
}

#[test]
fn a_refusal_is_told_for_each_address() {
    let port = free_port();
    let ran = run(["connect", &format!(":{port}"), "--trace"], b"");
    assert_eq!(ran.code, Some(1));
    assert_in_order(
        &ran.err,
        &[
            &format!("SYN to [::1]:{port}"),
            &format!("RST from [::1]:{port}"),
            &format!("SYN to 127.0.0.1:{port}"),
            &format!("RST from 127.0.0.1:{port}"),
            "trunkline: connecting to",
        ],
    );
}

#[test]
fn datagrams_are_told_with_the_refusal_of_the_first_address() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    let ran = run(["connect", &format!("udp://:{}", at.port()), "--trace", "-m", "hi", "-w", "0.2"], b"");
    assert_eq!(ran.code, Some(124));
    assert_in_order(
        &ran.err,
        &["datagram to udp://[::1]", "port unreachable", &format!("datagram to udp://{at}, 2 bytes: hi")],
    );
    assert_eq!(ran.err.matches("port unreachable").count(), 1);
    assert!(!ran.err.contains("given up"), "{}", ran.err);
}

#[test]
fn a_probe_is_told_too_and_in_json_when_asked() {
    let (at, server) = tcp_server(drop);
    let ran = run(["connect", &at.to_string(), "-z", "--trace", "--json"], b"");
    assert_eq!(ran.code, Some(0));
    server.join().unwrap();
    let lines: Vec<Value> = ran.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events[..2], ["connecting", "connected"]);
    assert!(events.contains(&"states"), "{events:?}");
}

#[test]
fn at_a_terminal_the_trace_stands_above_the_line_that_is_typed() {
    let (go, wait) = std::sync::mpsc::channel();
    let (at, server) = tcp_server(move |mut stream| {
        wait.recv().unwrap();
        stream.write_all(b"late\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string(), "--trace"], home.path());
    terminal.until_prompt("", 4);
    terminal.types("half");
    terminal.until_prompt("half", 8);
    go.send(()).unwrap();
    terminal.until_shows("read 1: 5 bytes");
    terminal.until_shows("\nlate");
    terminal.until_prompt("half", 8);
    terminal.types("\x15\x04");
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
    terminal.until_shows("FIN sent");
}

#[test]
fn at_a_terminal_the_trace_goes_on_when_the_far_side_has_closed() {
    let (at, server) = tcp_server(|mut stream| stream.write_all(b"bye\n").unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["connect", &at.to_string(), "--trace"], home.path());
    assert_eq!(terminal.end(), Some(0));
    server.join().unwrap();
    assert_in_order(&terminal.lines().join("\n"), &["FIN came", "connection closed by", "in all", "here "]);
}
